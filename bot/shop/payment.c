/* Payments as rows: money that arrived, whatever became of it. */
#include <inttypes.h>

#include "bot/shop/pay_private.h"

#define PAYMENT_SELECT "SELECT p.id, p.order_id, p.user_id, p.invoice_id, p.provider, p.provider_payment_id, p.state, s.reason, s.id, p.amount_minor," \
	" p.currency, p.paid_ms FROM payments p LEFT JOIN suspense s ON s.payment_id=p.id"

static void read_row(struct payment_row *out, const struct db_rows *r, struct arena *arena)
{
	*out = (struct payment_row){ .id = db_i64(r, 0), .order_id = db_i64(r, 1), .user_id = db_i64(r, 2), .invoice_id = db_i64(r, 3),
		.provider = db_text(r, 4, arena), .reference = db_text(r, 5, arena), .state = db_text(r, 6, arena), .reason = db_text(r, 7, arena),
		.suspense_id = db_i64(r, 8), .amount_minor = db_i64(r, 9), .paid_ms = db_i64(r, 11) };
	snprintf(out->currency, sizeof out->currency, "%.*s", STR_ARG(db_str(r, 10)));
}

static enum err read_one(struct payment_row *out, struct act *a, struct db_rows *r)
{
	enum err e = db_first(r);

	if (e)
		return e;
	read_row(out, r, a->arena);
	return db_end(r);
}

enum err payment_get(struct payment_row *out, struct act *a, int64_t id)
{
	struct db_rows r;

	db_select(&r, a->tx, PAYMENT_SELECT " WHERE p.id=?1", id);
	return read_one(out, a, &r);
}

enum err payment_by_reference(struct payment_row *out, struct act *a, const char *provider, struct str reference)
{
	struct db_rows r;

	db_select(&r, a->tx, PAYMENT_SELECT " WHERE p.provider=?1 AND p.provider_payment_id=?2", provider, reference);
	return read_one(out, a, &r);
}

enum err payment_of_order(struct payment_row *out, struct act *a, int64_t order_id)
{
	struct db_rows r;

	db_select(&r, a->tx, PAYMENT_SELECT " WHERE p.order_id=?1 AND p.state='applied' ORDER BY p.id DESC LIMIT 1", order_id);
	return read_one(out, a, &r);
}

enum err payment_list(struct payment_row *out, size_t *count, size_t max, struct act *a, int64_t order_id)
{
	struct db_rows r;

	*count = 0;
	if (order_id)
		db_select(&r, a->tx, PAYMENT_SELECT " WHERE p.order_id=?1 ORDER BY p.id DESC LIMIT ?2", order_id, max);
	else
		db_select(&r, a->tx, PAYMENT_SELECT " ORDER BY p.id DESC LIMIT ?1", max);
	while (db_next(&r))
		read_row(&out[(*count)++], &r, a->arena);
	return db_end(&r);
}

enum err payment_move(struct act *a, int64_t id, const char *from, const char *or_from, const char *to)
{
	enum err e = db_run(a->tx, "UPDATE payments SET state=?4, refunded_ms=CASE ?4 WHEN 'refunded' THEN ?5 ELSE refunded_ms END"
		" WHERE id=?1 AND (state=?2 OR state=?3)", id, from, or_from, to, a->now_ms);

	return e ? e : db_changes(a->tx) ? OK : E_CONFLICT;
}

enum err pay_forget(struct act *a)
{
	int64_t before_ms = a->now_ms - RETENTION_MS;
	enum err e = db_run(a->tx, "DELETE FROM callbacks WHERE received_ms<?1", before_ms);

	return e ? e : db_run(a->tx, "UPDATE payments SET raw_payload=NULL WHERE raw_payload IS NOT NULL AND created_ms<?1", before_ms);
}
