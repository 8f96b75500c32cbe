/* What the files of the shop know about subscriptions beyond subscription.h. */
#ifndef OBOL_SHOP_SUB_PRIVATE_H
#define OBOL_SHOP_SUB_PRIVATE_H

#include "bot/shop/subscription.h"

struct str sub_owner_name(struct act *a, int64_t user_id); /* what the client's e-mail is derived from */
/* What is wanted has changed: revision + 1, and a reconcile job per panel. */
enum err sub_change(struct act *a, struct subscription *s, enum job_prio prio);
/* Access x is to take the place of one that still stands elsewhere. */
#define ON_ITS_WAY_SQL "EXISTS (SELECT 1 FROM accesses y WHERE y.id=x.replaces_id AND y.deleted_ms=0)"
enum err sub_give_grace(struct act *a, struct subscription *s, int64_t until_ms);

#endif
