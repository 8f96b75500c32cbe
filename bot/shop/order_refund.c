/* A refund takes back what its order gave, and nothing of what others have paid for. */
#include "bot/shop/extras.h"
#include "bot/shop/order_private.h"
#include "lib/base/clock.h"

#define OTHER_PURCHASES_SQL " FROM orders WHERE subscription_id=?1 AND id<>?2 AND state IN ('paid', 'delivered') AND kind<>'trial' AND target_rev>0"

/* The purchase that counts last without this one. */
struct purchase {
	int64_t target_rev, quota_bytes, plan_id;
	int limit_ip, reset_days;
};

static enum err last_other(struct purchase *out, struct act *a, const struct order *o)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT target_rev, quota_bytes, plan_id, limit_ip, reset_days" OTHER_PURCHASES_SQL " ORDER BY target_rev DESC LIMIT 1", o->subscription_id, o->id);
	e = db_first(&r);
	if (e)
		return e;
	*out = (struct purchase){ db_i64(&r, 0), db_i64(&r, 1), db_i64(&r, 2), (int)db_i64(&r, 3), (int)db_i64(&r, 4) };
	return db_end(&r);
}

static int64_t sooner(int64_t ends_ms, const struct order *o)
{
	return ends_ms > o->days * DAY_MS ? ends_ms - o->days * DAY_MS : 1;
}

/* What is without end stays so while another purchase is; else its end is what all else has made of it. */
static enum err ends_without(struct sub_terms *t, struct act *a, const struct subscription *s, const struct order *o)
{
	int64_t endless = 0;
	enum err e = OK;

	*t = (struct sub_terms){ .expires_ms = s->expires_ms ? sooner(s->expires_ms, o) : 0, .ends_otherwise_ms = s->expires_ms ? 0 : sooner(s->ends_otherwise_ms, o) };
	if (s->expires_ms || o->days)
		return OK;
	e = db_get_i64(&endless, a->tx, "SELECT count(*)" OTHER_PURCHASES_SQL " AND days=0", s->id, o->id);
	if (!e && !endless)
		*t = (struct sub_terms){ .expires_ms = t->ends_otherwise_ms };
	return e;
}

/* Its share goes, though never down to 0, which would mean unlimited (B30), nor below what was bought after it: used up is its own
 * part. Where it began to count anew, because it was without limit or its plan says so, the purchase before it counts again as it
 * was sold. */
static int64_t quota_without(const struct subscription *s, const struct order *o, const struct purchase *last)
{
	int64_t without = s->quota_bytes - o->quota_bytes, least = last->target_rev > o->target_rev ? last->quota_bytes : 1;

	if (least > s->quota_bytes)
		least = s->quota_bytes; /* it was set lower by hand */
	if (s->quota_bytes && o->quota_bytes && !o->restart)
		return without > least ? without : least ? least : 1;
	return last->target_rev < o->target_rev && (o->restart || !s->quota_bytes) ? last->quota_bytes : s->quota_bytes;
}

/* Its time was over when another began, but its traffic may count on: a gift or an end moved by hand leaves it, and so does a
 * delivery that was late (worlds 586, 2990). Then it goes, as far as there is more than all others have bought. */
static enum err traffic_left_behind(int64_t *quota_bytes, struct act *a, const struct subscription *s, const struct order *o)
{
	int64_t others, without = s->quota_bytes - o->quota_bytes;
	enum err e = db_get_i64(&others, a->tx, "SELECT coalesce(sum(quota_bytes), 0) FROM orders WHERE subscription_id=?1 AND id<>?2 AND state IN ('paid', 'delivered')"
		" AND target_rev>0", s->id, o->id);

	*quota_bytes = s->quota_bytes;
	if (!e && others && s->quota_bytes > others)
		*quota_bytes = without > others ? without : others;
	return e;
}

/* Plan, devices and reset as the purchase before had them, where this one was the last; what somebody has set since stays. */
static enum err limits_without(struct act *a, struct subscription *s, const struct order *o, const struct purchase *last)
{
	if (last->target_rev > o->target_rev)
		return OK;
	if (s->limit_ip == o->limit_ip)
		s->limit_ip = last->limit_ip;
	return db_run(a->tx, "UPDATE subscriptions SET plan_id=?2, reset_days=?3 WHERE id=?1", s->id, last->plan_id, last->reset_days);
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
	struct purchase last;
	struct subscription s;
	struct sub_terms terms;
	int64_t quota_bytes;
	enum err e = sub_get(&s, a, o->subscription_id);

	if (e || s.gone)
		return e;
	e = last_other(&last, a, o);
	if (e)
		return e == E_NOTFOUND ? revoke(a, &s) : e;
	if (o->days && o->target_rev < s.begun_rev) { /* what came when its time was over owes it no time */
		e = traffic_left_behind(&quota_bytes, a, &s, o);
		return e || quota_bytes == s.quota_bytes ? e : sub_set_quota(a, &s, quota_bytes);
	}
	e = ends_without(&terms, a, &s, o);
	if (!e)
		e = limits_without(a, &s, o, &last);
	terms.quota_bytes = quota_without(&s, o, &last);
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
