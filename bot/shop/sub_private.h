/* What the files of the shop know about subscriptions beyond subscription.h. */
#ifndef OBOL_SHOP_SUB_PRIVATE_H
#define OBOL_SHOP_SUB_PRIVATE_H

#include "bot/shop/subscription.h"

/* access_add; the client's name on the panel speaks of its owner (R032). */
enum err sub_add_access(int64_t *id, struct act *a, int64_t subscription_id, int64_t user_id, struct place place);
/* What is wanted has changed: revision + 1, and a reconcile job per panel. */
enum err sub_change(struct act *a, struct subscription *s, enum job_prio prio);
/* Access x is to take the place of one that still stands elsewhere. */
#define ON_ITS_WAY_SQL "EXISTS (SELECT 1 FROM accesses y WHERE y.id=x.replaces_id AND y.deleted_ms=0)"
enum err sub_give_grace(struct act *a, struct subscription *s, int64_t until_ms);
enum err sub_stop_by_time(struct act *a, struct subscription *s);
enum err sub_go_on(struct act *a, struct subscription *s); /* time stopped it and was wrong, or a person takes their word back: it is in its time */

#endif
