/* Entries, and the check that they agree with what payments and orders say. */
#include "bot/shop/ledger.h"

const char *ledger_provider(struct act *a, const struct payment_row *p)
{
	return arena_printf(a->arena, "provider:%s", p->provider);
}

enum err ledger_add(struct act *a, const struct ledger_entry *entry)
{
	const struct payment_row *p = entry->payment;
	enum err e;

	if (p->amount_minor == 0)
		return OK;
	e = db_run(a->tx, "INSERT INTO ledger(at_ms, debit, credit, amount_minor, currency, kind, external_key, payment_id, order_id, user_id, actor_id, note)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, nullif(?9, 0), nullif(?10, 0), nullif(?11, 0), ?12) ON CONFLICT(kind, external_key) DO NOTHING",
		a->now_ms, entry->debit, entry->credit, p->amount_minor, p->currency, entry->kind,
		arena_printf(a->arena, "%s:%s", p->provider, p->reference), p->id, p->order_id, p->user_id, entry->actor_id, entry->note);
	return e ? e : db_changes(a->tx) ? OK : E_CONFLICT;
}

/* Each query counts what must not be. A payment being refunded is still where it was: in suspense when that was decided
 * there, else in revenue. */
#define IN_SUSPENSE "(p.state='suspense' OR (p.state='refunding' AND EXISTS(SELECT 1 FROM suspense s WHERE s.payment_id=p.id AND s.state='refunded')))"
#define BALANCES "(SELECT account, currency, sum(amount) AS amount FROM (SELECT debit AS account, currency, amount_minor AS amount FROM ledger" \
	" UNION ALL SELECT credit, currency, -amount_minor FROM ledger) GROUP BY account, currency)"
#define WHERE_MONEY_IS "(SELECT account, currency, sum(amount) AS amount FROM (" \
	"SELECT 'provider:'||provider AS account, currency, amount_minor AS amount FROM payments WHERE state<>'refunded'" \
	" UNION ALL SELECT CASE WHEN " IN_SUSPENSE " THEN 'suspense' ELSE 'revenue' END, currency, -amount_minor FROM payments p WHERE state<>'refunded'" \
	") GROUP BY account, currency)"

static const char *const wrongs[] = {
	/* accounts that differ from what the payments' states say, either way round */
	"SELECT count(*) FROM " BALANCES " b LEFT JOIN " WHERE_MONEY_IS " w USING(account, currency) WHERE b.amount<>coalesce(w.amount, 0)",
	"SELECT count(*) FROM " WHERE_MONEY_IS " w LEFT JOIN " BALANCES " b USING(account, currency) WHERE w.amount<>coalesce(b.amount, 0)",
	/* currencies that do not sum to zero */
	"SELECT count(*) FROM (SELECT 1 FROM " BALANCES " GROUP BY currency HAVING sum(amount)<>0)",
	/* orders that two payments paid */
	"SELECT count(*) FROM (SELECT 1 FROM payments p WHERE p.order_id IS NOT NULL AND p.state IN ('applied', 'refunding') AND NOT " IN_SUSPENSE
	" GROUP BY p.order_id HAVING count(*)>1)",
	/* bought orders that no payment paid */
	("SELECT count(*) FROM orders o WHERE o.kind IN ('new', 'renew') AND o.state IN ('paid', 'delivered')"
	" AND NOT EXISTS(SELECT 1 FROM payments p WHERE p.order_id=o.id AND p.state IN ('applied', 'refunding'))"),
	/* suspense rows and payments that tell different stories */
	"SELECT count(*) FROM payments p LEFT JOIN suspense s ON s.payment_id=p.id AND s.state='open' WHERE (p.state='suspense')<>(s.id IS NOT NULL)",
};

enum err ledger_check(struct act *a, bool *balanced)
{
	*balanced = true;
	for (size_t i = 0; i < countof(wrongs); i++) {
		int64_t n;
		enum err e = db_get_i64(&n, a->tx, wrongs[i]);

		if (e)
			return e;
		*balanced = *balanced && n == 0;
	}
	return OK;
}
