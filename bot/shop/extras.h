/* Referrals, bonuses, reminders, expiry: what follows from time and from sales. */
#ifndef OBOL_SHOP_EXTRAS_H
#define OBOL_SHOP_EXTRAS_H

#include "bot/shop/order.h"

/* Binds a new user to the owner of the code, once. False: own code, unknown code, user not new, or bound already. */
enum err referral_bind(bool *bound, struct act *a, const struct user *u, struct str code);
struct referral_totals { int64_t invited, bought, days_waiting, days_usable, days_used; };
enum err referral_totals(struct referral_totals *out, struct act *a, int64_t user_id);

/* Rewards: settings referral.days (default 7; 0: off), referral.hold_ms (default 0). */
enum err bonus_earn(struct act *a, const struct order *o);     /* by order_access_ready of the referred user's first paid order */
enum err bonus_cancel(struct act *a, const struct order *o);   /* refund: not yet used ones */
enum err bonuses_mature(struct act *a);                        /* schedule: pending → usable → put on the subscription with the nearest end */
/* Puts this user's usable days on their subscription with the nearest end, if they have one with an end that is no trial; on one
 * that has ended only where none runs. order_id: the purchase at which it happens, 0: none. out->days 0: nothing was added. */
struct bonus_use { int64_t subscription_id; int days; };
enum err bonuses_use(struct bonus_use *out, struct act *a, int64_t user_id, int64_t order_id);

/* Reminders: each due one decided exactly once per (subscription, period, kind): 3d 1d end grace 80 90 100. */
enum err reminders_run(struct act *a);                         /* schedule, every minute */
/* Schedule, every minute: expired ones are disabled (after grace), deleted from the panel after the grace days. */
enum err expiry_run(struct act *a);
/* Schedule, every hour (R188): finds what is over and yet active, whatever the minute's marks say, and has it seen to. */
enum err expiry_sweep(struct act *a);
/* Usage changed: decides the 80, 90, 100 % notices. Called by the fleet's look. */
enum err usage_seen(struct act *a, int64_t subscription_id, int64_t up_bytes, int64_t down_bytes);

struct reminder { const struct subscription *sub; const char *kind; };
void reminder_set_hook(enum err (*send)(struct act *a, const struct user *u, const struct reminder *r));

#endif
