/* Orders: what is to be delivered, with a price quote that no later change touches.
 *
 *	open ──money──▶ paid ──panel agrees──▶ delivered
 *	  └─ canceled (by the user, by time) ──late money──▶ paid
 *	paid, delivered ──▶ refunded
 *
 * Invariants:
 *  1. open → paid happens only in pay_confirm (or at once for trial and grant, which cost nothing), in one transaction with
 *     the ledger and with what is wanted on the panel; so no paid order is without an owner.
 *  2. delivered means: the panel was read back and agrees. It is set by order_access_ready alone.
 *  3. An order moves along the arrows only: each move is one conditional UPDATE. */
#ifndef OBOL_SHOP_ORDER_H
#define OBOL_SHOP_ORDER_H

#include "bot/core/jobs.h"
#include "bot/shop/subscription.h"

#define ORDER_OPEN_MS (24 * HOUR_MS)
#define ORDER_RESERVE_MS (15 * MINUTE_MS) /* a place is held from pre-checkout on */

enum order_kind { ORDER_NEW, ORDER_RENEW, ORDER_TRIAL, ORDER_GRANT };
enum order_state { ORDER_OPEN, ORDER_PAID, ORDER_DELIVERED, ORDER_CANCELED, ORDER_REFUNDED };

struct order {
	int64_t id;
	char public_id[PUBLIC_ID_CHARS + 1];
	int64_t user_id, plan_id, subscription_id; /* 0: none yet */
	enum order_kind kind;
	enum order_state state;
	char *plan_name;
	char *region;            /* the plan's, else the one the customer chose; NULL: any */
	int days, limit_ip, reset_days, bonus_days;
	int64_t quota_bytes;
	bool restart;
	struct price prices[PLAN_PRICES_MAX];
	size_t prices_count;
	int64_t panel_id, inbound_id, reserved_until_ms;
	int64_t target_rev;      /* delivered when the panel agrees with this revision; 0: not fulfilled yet */
	int64_t created_ms, expires_ms, paid_ms, delivered_ms;
};

const char *order_state_name(enum order_state s);
const char *order_kind_name(enum order_kind k);

/* The open order of this user for this plan (and subscription, when renewing), or a new one with today's prices. An open
 * one that was for another region is now for this one.
 * E_REFUSED: the plan is not sold; E_NOROOM: no place for it now; E_CONFLICT: not this user's subscription, gone, or kept off. */
enum err order_open(struct order *out, struct act *a, const struct user *u, const struct plan *p, const struct subscription *renews);
/* Where the customer may choose to have it, as the plan leaves that open: regions with a free place. Fewer than two:
 * nothing to ask. So with a trial that the purchase would go on with: it stays where it is. Whoever chooses puts the region
 * into *p before order_open. */
enum err order_regions(struct place_choice *out, size_t *count, size_t max, struct act *a, const struct user *u, const struct plan *p);
enum err order_get(struct order *out, struct act *a, int64_t id);
enum err order_find(struct order *out, struct act *a, struct str typed);     /* by its number as people read and type it; E_NOTFOUND */
const char *order_asks(struct act *a, const struct order *o);                 /* outgoing.about of what asks for its money: taken back when it is paid or canceled */
enum err order_open_of(struct order *out, struct act *a, int64_t user_id);  /* newest open one, E_NOTFOUND */
enum err order_cancel(struct act *a, struct order *o);                      /* by the user; open invoices end too */

/* What it would renew is kept off by hand: nothing is sold for that, and money for it waits for a person. */
enum err order_is_kept_off(bool *kept_off, struct act *a, const struct order *o);

/* Whether money for it would be honoured now: open (or canceled, expired), plan still sold, place free. Reserves the
 * place for ORDER_RESERVE_MS. E_REFUSED, E_NOROOM, E_CONFLICT as above. Local data only: pre-checkout asks it. */
enum err order_reserve(struct act *a, struct order *o);

/* The one step from paid to wanted: creates or renews the subscription, asks for reconcile. Called by pay_confirm,
 * trial and grant, in their transaction. Where the reserved place died another is found (R141); without any the order
 * stays paid and order_job_fulfil tries again. */
enum err order_fulfil(struct act *a, struct order *o);

extern const struct job_kind order_job_fulfil; /* subject: order id */
enum err order_retry(struct act *a, const struct order *o); /* what is paid and not delivered is tried at once */

/* A panel was removed: what was paid for there and is not delivered gets another place (R141). */
enum err orders_displaced(struct act *a);

/* Of this subscription: orders that are paid and not delivered, the days that they bought and that run already, and with which
 * revision. While there is one, neither time nor its owner deletes it: it would be money for nothing. */
struct order_waiting { int64_t count, days, first_rev; };
enum err order_waiting(struct order_waiting *out, struct act *a, int64_t subscription_id);

/* Trial and gift: an order that costs nothing. trial: E_CONFLICT when this telegram_id had one, ever (R-trial, B36);
 * E_NOTFOUND: none is given; E_NOROOM. grant: days 0 as the plan says; admin NULL: the program itself. */
enum err order_trial(struct order *out, struct act *a, const struct user *u);
enum err order_grant(struct order *out, struct act *a, const struct user *u, const struct plan *p, int days, const struct user *admin);

/* Hooks of the fleet (bot/fleet/fleet.h): */
enum err order_access_ready(struct act *a, int64_t subscription_id, int64_t done_rev); /* marks delivered, queues the delivery message */
enum err order_access_waits(struct act *a, int64_t subscription_id);                   /* tells the customer once that money is safe */

/* True of a renewal whose access stood before it was paid: its link is the one the customer has. A renewal paid after
 * the deletion begins anew, perhaps elsewhere. */
enum err order_kept_access(bool *kept, struct act *a, const struct order *o);

/* What the customer is told is the screens' business; main sets these. All run in the transaction of the change. */
struct order_hooks {
	enum err (*paid)(struct act *a, const struct order *o);
	enum err (*delivered)(struct act *a, const struct order *o);
	enum err (*waits)(struct act *a, const struct order *o);
};
void order_set_hooks(const struct order_hooks *hooks);

enum err orders_expire(struct act *a);   /* schedule: open orders past their time are canceled, reservations end */

/* For /orders: stuck ones (paid and not delivered, oldest first) before the rest, newest first. */
enum err order_list(struct order *out, size_t *count, size_t max, struct act *a, bool stuck_only);
enum err order_list_of(struct order *out, size_t *count, size_t max, struct act *a, int64_t user_id);

#endif
