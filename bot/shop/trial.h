/* One trial per telegram_id, for ever: a keyed hash of it survives the deletion of the account (B36). */
#ifndef OBOL_SHOP_TRIAL_H
#define OBOL_SHOP_TRIAL_H

#include "bot/core/act.h"

enum err trial_was_taken(bool *taken, struct act *a, int64_t telegram_id);
enum err trial_take(struct act *a, int64_t telegram_id); /* E_CONFLICT: taken before */

#endif
