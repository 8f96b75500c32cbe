/* What the files of the shop know about subscriptions beyond subscription.h. */
#ifndef OBOL_SHOP_SUB_PRIVATE_H
#define OBOL_SHOP_SUB_PRIVATE_H

#include "bot/shop/subscription.h"

struct str sub_owner_name(struct act *a, int64_t user_id); /* what the client's e-mail is derived from */
enum err sub_give_grace(struct act *a, struct subscription *s, int64_t until_ms);

#endif
