/* What a new shop still lacks before somebody can buy: panel, something of it for sale, a plan. */
#ifndef OBOL_CHAT_FIRST_STEPS_H
#define OBOL_CHAT_FIRST_STEPS_H

#include "bot/core/act.h"

/* The key of the text that names the next step ("admin.first.no_panel"); NULL: the shop is open. */
enum err first_step(const char **key, struct act *a);

#endif
