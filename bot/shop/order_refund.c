/* A refund takes back what its order gave, and nothing of what others have paid for. */
#include "bot/shop/extras.h"
#include "bot/shop/order_private.h"
#include "lib/base/clock.h"

#define OTHER_PURCHASES_SQL " FROM orders WHERE subscription_id=?1 AND id<>?2 AND state IN ('paid', 'delivered') AND kind<>'trial' AND target_rev>0"

/* What the other purchases give without this one; 0: without end. */
static enum err ends_without(int64_t *ends_ms, struct act *a, const struct subscription *s, const struct order *o)
{
	struct db_rows r;

	if (o->days || s->expires_ms) {
		*ends_ms = s->expires_ms ? s->expires_ms - o->days * DAY_MS : 0; /* another one is without end, and still is */
		return OK;
	}
	*ends_ms = 1;
	db_select(&r, a->tx, "SELECT paid_ms, days" OTHER_PURCHASES_SQL " ORDER BY paid_ms, id", s->id, o->id);
	while (db_next(&r)) {
		int64_t begun_ms = *ends_ms > db_i64(&r, 0) ? *ends_ms : db_i64(&r, 0);

		if (*ends_ms)
			*ends_ms = db_i64(&r, 1) ? begun_ms + db_i64(&r, 1) * DAY_MS : 0;
	}
	return db_end(&r);
}

/* Its share goes, though never down to 0, which would mean unlimited (B30). Where it began to count anew, because it was
 * without limit or its plan says so, the purchase before it counts again as it was sold. */
static enum err quota_without(int64_t *quota_bytes, struct act *a, const struct subscription *s, const struct order *o)
{
	struct db_rows r;
	int64_t before_bytes;
	bool was_last;
	enum err e;

	*quota_bytes = s->quota_bytes;
	if (s->quota_bytes && o->quota_bytes && !o->restart) {
		*quota_bytes = s->quota_bytes > o->quota_bytes ? s->quota_bytes - o->quota_bytes : 1;
		return OK;
	}
	db_select(&r, a->tx, "SELECT quota_bytes, target_rev" OTHER_PURCHASES_SQL " ORDER BY target_rev DESC LIMIT 1", s->id, o->id);
	e = db_first(&r);
	if (e)
		return e;
	before_bytes = db_i64(&r, 0);
	was_last = db_i64(&r, 1) < o->target_rev;
	if (was_last && (o->restart || !s->quota_bytes))
		*quota_bytes = before_bytes;
	return db_end(&r);
}

/* The last purchase is taken back: a trial that it grew out of and that never stood goes with it. */
static enum err revoke(struct act *a, struct subscription *s)
{
	enum err e = sub_revoke(a, s);

	return e ? e : db_run(a->tx, "UPDATE orders SET state='refunded', closed_ms=?2 WHERE subscription_id=?1 AND state='paid' AND kind='trial'", s->id, a->now_ms);
}

/* The subscription lives on when another purchase stands behind it: then only this order's share goes. */
static enum err take_back(struct act *a, const struct order *o)
{
	struct subscription s;
	struct sub_terms terms;
	int64_t others;
	enum err e = db_get_i64(&others, a->tx, "SELECT count(*)" OTHER_PURCHASES_SQL, o->subscription_id, o->id);

	if (!e)
		e = sub_get(&s, a, o->subscription_id);
	if (e || s.gone)
		return e;
	if (!others)
		return revoke(a, &s);
	if (o->target_rev < s.begun_rev) /* what came when its time was over owes it nothing */
		return OK;
	e = ends_without(&terms.expires_ms, a, &s, o);
	if (!e)
		e = quota_without(&terms.quota_bytes, a, &s, o);
	return e ? e : sub_set_terms(a, &s, &terms, false);
}

enum err order_refund(struct act *a, int64_t order_id)
{
	struct order o;
	enum err e = db_run(a->tx, "UPDATE orders SET state='refunded', closed_ms=?2 WHERE id=?1 AND state IN ('paid', 'delivered')", order_id, a->now_ms);

	if (e || db_changes(a->tx) == 0)
		return e;
	e = order_get(&o, a, order_id);
	if (!e && o.subscription_id && o.target_rev)
		e = take_back(a, &o);
	return e ? e : bonus_cancel(a, &o);
}
