/* What admins do in the chat: commands, buttons, dialogues; and what they are told.
 *
 * Who may do any of this is the router's business: every row is WHO_ADMIN, to others it does not exist (R276). Whatever
 * changes something writes an audit row; what is dangerous asks first (confirm.h). */
#ifndef OBOL_ADMIN_ADMIN_H
#define OBOL_ADMIN_ADMIN_H

#include "bot/core/alert.h"
#include "bot/core/outbox.h"
#include "bot/fleet/fleet.h"
#include "bot/shop/pay.h"

/* Adds the tables to the router; at start, once (and after router_reset). */
void admin_register(void);

/* core_tables.on_alert: to the alert chat of the settings, else to every admin (R282). */
enum err admin_alert(struct act *a, const struct alert *alert);
/* core_tables.on_gone, on_moved: when it was the alert chat, alerts go to every admin again, or follow it. */
enum err admin_chat_gone(struct act *a, int64_t chat_id);
/* core_tables.on_lost: what was for the admins reaches them another way. Refused where alerts go now, that is as if it were gone. */
enum err admin_notice_lost(struct act *a, bool *taken, const struct outgoing *lost);
enum err admin_chat_moved(struct act *a, int64_t chat_id, int64_t to_chat_id);

/* fleet_hooks.answered: draws the result in the chat that asked. */
enum err admin_panel_answered(struct act *a, const struct panel_answer *answer);

/* order_hooks.paid: the admins' part, when the settings want it. */
enum err admin_sold(struct act *a, const struct order *o);

/* pay_hooks: the admins' part. set_aside asks for a decision; u may be NULL. */
enum err admin_set_aside(struct act *a, const struct payment_row *p, const struct user *u);
enum err admin_refunded(struct act *a, const struct payment_row *p);
enum err admin_refund_failed(struct act *a, const struct payment_row *p, const char *why);
enum err admin_provider_tried(struct act *a, const struct provider_trial *t);

extern const struct job_kind admin_job_grants;     /* subject "LIST:PLACE", a row of grants; place 0: the report */

#endif
