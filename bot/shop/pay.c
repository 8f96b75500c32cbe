/* Money that came: taken once, matched exactly, or set aside for a person. architecture.md, "Money that arrives". */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "bot/shop/pay_private.h"
#include "lib/base/log.h"

struct pay_hooks pay_hooks;

void pay_set_hooks(const struct pay_hooks *hooks)
{
	pay_hooks = hooks ? *hooks : (struct pay_hooks){ .invoice_ready = NULL };
}

/* What a payment is about, as far as we know it. */
struct match {
	bool has_invoice;
	struct invoice invoice;
	struct order order;
	struct user owner;           /* of the order */
};

static enum err match(struct match *m, struct act *a, const struct payment *p)
{
	enum err e = p->invoice.len ? invoice_by_public_id(&m->invoice, a, p->invoice) : E_NOTFOUND;

	m->has_invoice = false;
	if (e == E_NOTFOUND || (!e && strcmp(m->invoice.provider, p->provider) != 0))
		return OK; /* nothing of ours, or a name borrowed from another provider's invoice */
	if (!e)
		e = order_get(&m->order, a, m->invoice.order_id);
	if (!e)
		e = user_get(&m->owner, a, m->order.user_id);
	m->has_invoice = !e;
	return e;
}

/* Why it cannot complete its order; *reason NULL: it can. */
static enum err find_fault(const char **reason, struct act *a, const struct payment *p, const struct match *m)
{
	struct place place;
	bool kept_off;
	enum err e;

	*reason = p->recurring ? "recurring" :
		!m->has_invoice ? "unknown_invoice" :
		p->telegram_id && p->telegram_id != m->owner.telegram_id ? "other_payer" :
		m->order.state != ORDER_OPEN && m->order.state != ORDER_CANCELED ? "paid_already" :
		!str_is(p->currency, m->invoice.currency) ? "currency" :
		p->amount_minor != m->invoice.amount_minor ? "amount" :
		m->owner.banned ? "banned" : NULL; /* since the invoice was made: a person decides about the money, and access stays off */
	if (*reason)
		return OK;
	e = order_is_kept_off(&kept_off, a, &m->order);
	if (e || kept_off) {
		*reason = "kept_off";
		return e;
	}
	e = order_honourable(&place, a, &m->order);
	*reason = e == E_REFUSED || e == E_CONFLICT ? "plan_gone" : e == E_NOROOM ? "no_place" : NULL;
	return *reason ? OK : e;
}

static struct str currency_kept(struct str currency)
{
	for (size_t i = 0; i < currency.len; i++)
		if (currency.at[i] <= ' ' || currency.at[i] > '~')
			return STR("?");
	return currency.len && currency.len <= 7 ? currency : STR("?");
}

/* The one place where money is told from money seen before: E_CONFLICT. */
static enum err insert(int64_t *id, struct act *a, const struct payment *p, const struct match *m, const char *reason)
{
	int64_t payer = 0;
	struct user known;
	enum err e = p->telegram_id ? user_by_telegram(&known, a, p->telegram_id) : E_NOTFOUND;

	if (!e)
		payer = known.id;
	else if (e != E_NOTFOUND)
		return e;
	else if (!p->telegram_id && m->has_invoice) /* the provider does not tell: most likely the one who ordered */
		payer = m->owner.id;
	e = db_run(a->tx, "INSERT INTO payments(provider, provider_payment_id, invoice_id, order_id, user_id, payer_telegram_id, amount_minor, currency, state,"
		" raw_payload, paid_ms, created_ms) VALUES(?1, ?2, nullif(?3, 0), nullif(?4, 0), nullif(?5, 0), ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
		" ON CONFLICT(provider, provider_payment_id) DO NOTHING", p->provider, p->reference, m->has_invoice ? m->invoice.id : 0,
		m->has_invoice ? m->order.id : 0, payer, p->telegram_id, p->amount_minor, currency_kept(p->currency), reason ? "suspense" : "applied",
		p->raw.len ? p->raw : str_of(NULL), p->paid_ms ? p->paid_ms : a->now_ms, a->now_ms);
	if (e)
		return e;
	*id = db_last_id(a->tx);
	return db_changes(a->tx) ? OK : E_CONFLICT;
}

/* A provider's invoice is paid once: there is nothing more to ask. A Stars invoice that somebody else paid stays open for
 * its owner. */
static enum err close_invoice(struct act *a, const struct match *m, bool applied)
{
	const struct pay_provider *p = pay_provider_find(str_of(m->invoice.provider));

	if (!applied && p && p->flow == PAY_FLOW_CHAT)
		return OK;
	return db_run(a->tx, "UPDATE invoices SET state='paid', updated_ms=?2 WHERE id=?1", m->invoice.id, a->now_ms);
}

/* The other ways to pay this order are closed; what comes there late is set aside. */
static enum err close_others(struct act *a, const struct match *m)
{
	return db_run(a->tx, "UPDATE invoices SET state='canceled', updated_ms=?3 WHERE order_id=?1 AND id<>?2 AND state IN ('created', 'pending')",
		m->order.id, m->invoice.id, a->now_ms);
}

static enum err apply(struct act *a, struct match *m, const struct payment_row *row)
{
	enum err e = ledger_add(a, &(struct ledger_entry){ .debit = ledger_provider(a, row), .credit = LEDGER_REVENUE, .kind = "payment", .payment = row });

	if (!e)
		e = close_others(a, m);
	if (!e)
		e = order_pay(a, &m->order);
	if (!e)
		log_info("pay.applied", KV("order", m->order.public_id), KV("provider", row->provider), KV("amount_minor", row->amount_minor), KV("currency", row->currency));
	return e;
}

enum err pay_confirm(struct act *a, const struct payment *p)
{
	struct payment_row row;
	struct match m;
	const char *reason;
	int64_t id;
	enum err e;

	assert(p->reference.len && p->amount_minor >= 0);
	e = payment_by_reference(&row, a, p->provider, p->reference);
	if (e != E_NOTFOUND)
		return e; /* it came before: nothing left to do */
	e = match(&m, a, p);
	if (!e)
		e = find_fault(&reason, a, p, &m);
	if (!e)
		e = insert(&id, a, p, &m, reason);
	if (!e)
		e = payment_get(&row, a, id);
	if (!e && m.has_invoice)
		e = close_invoice(a, &m, !reason);
	if (e)
		return e == E_CONFLICT ? OK : e;
	return reason ? suspense_add(a, &row, reason) : apply(a, &m, &row);
}

/* --- events of providers --- */

static enum err refund_seen(struct act *a, const struct pay_event *event)
{
	struct payment_row row;
	enum err e = payment_by_reference(&row, a, event->provider, event->ref);

	if (e == E_NOTFOUND)
		log_warn("pay.unknown_refund", KV("provider", event->provider));
	return e == E_NOTFOUND ? OK : e ? e : refund_settle(a, &row);
}

enum err event_take(struct act *a, const struct pay_event *event, int64_t telegram_id)
{
	struct payment p = { .provider = event->provider, .reference = event->ref, .invoice = event->invoice,
		.amount_minor = event->exact && event->amount_minor > 0 ? event->amount_minor : 0, .currency = event->currency, .telegram_id = telegram_id,
		.recurring = event->recurring, .paid_ms = event->paid_ms, .raw = event->raw };
	struct invoice invoice;

	if (event->state == PAY_REFUNDED)
		return refund_seen(a, event);
	if (event->state != PAY_PAID)
		return OK;
	if (!p.invoice.len && invoice_by_ref(&invoice, a, event->provider, event->ref) == OK)
		p.invoice = str_of(arena_strdup(a->arena, invoice.public_id));
	return pay_confirm(a, &p);
}
