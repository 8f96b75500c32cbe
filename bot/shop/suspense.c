/* Money set aside: the customer hears that it is safe, a person decides. */
#include <inttypes.h>

#include "bot/shop/audit.h"
#include "bot/shop/pay_private.h"
#include "lib/base/log.h"

enum err suspense_add(struct act *a, const struct payment_row *p, const char *reason)
{
	struct payment_row row;
	struct user payer;
	enum err e = db_run(a->tx, "INSERT INTO suspense(payment_id, reason, state, created_ms) VALUES(?1, ?2, 'open', ?3)", p->id, reason, a->now_ms);

	if (!e)
		e = ledger_add(a, &(struct ledger_entry){ .debit = ledger_provider(a, p), .credit = LEDGER_SUSPENSE, .kind = "payment", .payment = p, .note = reason });
	if (!e)
		e = payment_get(&row, a, p->id);
	if (e)
		return e;
	log_warn("pay.set_aside", KV("payment", row.id), KV("provider", row.provider), KV("reason", reason));
	if (!pay_hooks.set_aside)
		return OK;
	e = row.user_id ? user_get(&payer, a, row.user_id) : E_NOTFOUND;
	if (e && e != E_NOTFOUND)
		return e;
	return pay_hooks.set_aside(a, &row, e ? NULL : &payer);
}

enum err suspense_reopen(struct act *a, const struct payment_row *p)
{
	return db_run(a->tx, "UPDATE suspense SET state='open', decided_ms=0, decided_by=NULL WHERE payment_id=?1 AND state='refunded'", p->id);
}

/* --- a person's word --- */

/* Who keeps it off is asked to decide, and delivers: then it is to work. */
static enum err let_run(struct act *a, int64_t subscription_id)
{
	struct subscription s;
	enum err e = sub_get(&s, a, subscription_id);

	return e || !sub_is_kept_off(&s, a->now_ms) ? e : sub_go_on(a, &s);
}

/* The order becomes paid by this money although it does not fit. */
static enum err pay_order(struct act *a, struct payment_row *p, int64_t order_id, const struct user *admin)
{
	struct order o;
	enum err e = order_id ? order_get(&o, a, order_id) : E_NOTFOUND;

	if (!e)
		e = payment_move(a, p->id, "suspense", NULL, "applied");
	if (!e)
		e = db_run(a->tx, "UPDATE payments SET order_id=?2 WHERE id=?1", p->id, o.id);
	if (!e)
		e = db_run(a->tx, "UPDATE invoices SET state='canceled', updated_ms=?2 WHERE order_id=?1 AND state IN ('created', 'pending')", o.id, a->now_ms);
	if (e)
		return e;
	p->order_id = o.id;
	e = ledger_add(a, &(struct ledger_entry){ .debit = LEDGER_SUSPENSE, .credit = LEDGER_REVENUE, .kind = "applied", .payment = p, .actor_id = admin->id });
	if (!e && o.subscription_id)
		e = let_run(a, o.subscription_id);
	return e ? e : order_pay(a, &o);
}

static enum err deliver(struct act *a, struct payment_row *p, int64_t order_id, const struct user *admin)
{
	(void)order_id;
	return pay_order(a, p, p->order_id, admin);
}

static enum err apply(struct act *a, struct payment_row *p, int64_t order_id, const struct user *admin)
{
	return pay_order(a, p, order_id, admin);
}

static enum err refund(struct act *a, struct payment_row *p, int64_t order_id, const struct user *admin)
{
	(void)order_id;
	return refund_start(a, p->id, admin, p->reason);
}

static enum err keep(struct act *a, struct payment_row *p, int64_t order_id, const struct user *admin)
{
	enum err e = payment_move(a, p->id, "suspense", NULL, "kept");

	(void)order_id;
	if (!e)
		e = ledger_add(a, &(struct ledger_entry){ .debit = LEDGER_SUSPENSE, .credit = LEDGER_REVENUE, .kind = "applied", .payment = p,
			.actor_id = admin->id, .note = "kept" });
	return e || !pay_hooks.kept ? e : pay_hooks.kept(a, p); /* whoever was told to wait hears the end of it */
}

static const struct {
	const char *state, *action;
	enum err (*act)(struct act *a, struct payment_row *p, int64_t order_id, const struct user *admin);
} decisions[] = {
	[SUSPENSE_DELIVER] = { "delivered", "suspense.deliver", deliver },
	[SUSPENSE_APPLY]   = { "applied",   "suspense.apply",   apply },
	[SUSPENSE_REFUND]  = { "refunded",  "suspense.refund",  refund },
	[SUSPENSE_KEEP]    = { "kept",      "suspense.keep",    keep },
};

/* What is to be refused is refused before anything is written: the screen that shows the refusal ends its turn in OK. What
 * comes up afterwards is no refusal, whatever it is called: it undoes all of it. */
static enum err no_refusal(enum err e)
{
	return e == E_NOTFOUND || e == E_CONFLICT || e == E_REFUSED || e == E_NOROOM ? E_INVALID : e;
}

static enum err may_decide(struct act *a, const struct payment_row *p, enum suspense_act what, int64_t order_id)
{
	struct order o;
	enum err e;

	if (what == SUSPENSE_KEEP)
		return OK;
	if (what == SUSPENSE_REFUND)
		return refund_is_possible(p) ? OK : E_REFUSED;
	order_id = what == SUSPENSE_APPLY ? order_id : p->order_id;
	e = order_id ? order_get(&o, a, order_id) : E_NOTFOUND;
	return e ? e : o.state == ORDER_OPEN || o.state == ORDER_CANCELED ? OK : E_CONFLICT;
}

enum err suspense_decide(struct act *a, int64_t suspense_id, enum suspense_act what, int64_t order_id, const struct user *admin)
{
	struct payment_row p;
	int64_t payment_id;
	enum err e = db_get_i64(&payment_id, a->tx, "SELECT payment_id FROM suspense WHERE id=?1", suspense_id);

	if (!e)
		e = payment_get(&p, a, payment_id);
	if (e)
		return e;
	if (!str_is(str_of(p.state), "suspense"))
		return E_CONFLICT;
	e = may_decide(a, &p, what, order_id);
	if (e)
		return e;
	e = db_run(a->tx, "UPDATE suspense SET state=?2, decided_ms=?3, decided_by=?4 WHERE id=?1 AND state='open'", suspense_id, decisions[what].state,
		a->now_ms, admin->id);
	if (!e && db_changes(a->tx) == 0)
		return E_CONFLICT;
	if (!e)
		e = no_refusal(decisions[what].act(a, &p, order_id, admin));
	return e ? e : audit_add(a, admin->id, decisions[what].action, arena_printf(a->arena, "payment:%" PRId64, p.id), p.reason, NULL);
}
