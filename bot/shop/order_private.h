/* What the files of the shop know about orders beyond order.h. */
#ifndef OBOL_SHOP_ORDER_PRIVATE_H
#define OBOL_SHOP_ORDER_PRIVATE_H

#include "bot/core/outbox.h"
#include "bot/fleet/fleet.h"
#include "bot/shop/order.h"
#include "bot/shop/sub_private.h"

/* Would money for it be honoured, and where would a new access stand? place->panel_id 0: it needs none. Errors as order_reserve. */
enum err order_honourable(struct place *place, struct act *a, const struct order *o);
struct place_wish order_wish(const struct plan *p, const struct order *o); /* o NULL: no order yet */
enum err sub_has_place(bool *has, struct act *a, int64_t subscription_id); /* an access on a panel that is still ours */

void order_quote(struct order *o, struct act *a, const struct user *u, const struct plan *p); /* copies what is sold, not the prices */
enum err order_insert(struct order *o, struct act *a);

/* open or canceled → paid, then fulfilled. E_CONFLICT: it was not unpaid. */
enum err order_pay(struct act *a, struct order *o);
/* paid or delivered → refunded, and what it gave is taken back: a purchase is revoked, a renewal shortened. */
enum err order_refund(struct act *a, int64_t order_id);


#endif
