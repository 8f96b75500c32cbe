/* What the shop tells customers, in words: hooks of orders, payments and reminders. All run in the transaction of the
 * change they speak of. Each message about an order names its number; it states one fact, and a later state of the order
 * takes back what has not been sent yet. Only the customer is spoken to: what admins hear, refund_failed included, is bot/admin's,
 * and main joins the two. */
#ifndef OBOL_SCREENS_HOOKS_H
#define OBOL_SCREENS_HOOKS_H

#include "bot/shop/extras.h"
#include "bot/shop/pay.h"

extern const struct order_hooks screens_order_hooks;
extern const struct pay_hooks screens_pay_hooks;
enum err screens_session_stolen(struct act *a, const struct user *u); /* session.h's hook */
/* fleet_hooks.access_replaced: the new link, as a message of its own. */
enum err screens_access_replaced(struct act *a, int64_t subscription_id, bool elsewhere);
enum err screens_remind(struct act *a, const struct user *u, const struct reminder *r);

#endif
