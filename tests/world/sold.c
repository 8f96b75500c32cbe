/* What was sold, added up from the orders alone and held against what the subscriptions have. Those that somebody changed by
 * hand, in the chat or on the panel, are left out. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "tests/world/world.h"

#define GRACE_MAX_MS (2 * DAY_MS) /* a day is given, and late by as much as somebody sleeps */
#define LATE_MS (12 * HOUR_MS)

#define NO_ADMIN_WAS_HERE "NOT EXISTS (SELECT 1 FROM audit u WHERE u.subject LIKE '%'||s.public_id||'%')"
#define NO_OPERATOR_CHANGED(field) "NOT EXISTS (SELECT 1 FROM drifts d JOIN accesses x ON x.id=d.access_id WHERE x.subscription_id=s.id AND d.state='adopted' AND d.field='" field "')"
#define NOT_GIVEN_UP "instr(?2, s.public_id)=0" /* what is paid for it afterwards, an old invoice or what waited before a person, begins anew (world 1250) */
#define BOUGHT "o.subscription_id=s.id AND o.state IN ('paid', 'delivered') AND o.target_rev>0"
#define WAS_REFUNDED "EXISTS (SELECT 1 FROM orders o WHERE o.subscription_id=s.id AND o.state='refunded' AND o.target_rev>0)"

/* --- its end --- */

struct due {
	int64_t subscription, expires_ms, at_least_ms, at_most_ms;
	int64_t bought;         /* so many purchases stand behind it */
	int64_t begun_ms;       /* when the last of them may have begun, after it had waited */
	int64_t anew_ms, perhaps_anew_ms; /* when the last purchase was paid that did not add to anything, for sure or perhaps */
};

static void tell_orders(struct world *w, int64_t subscription)
{
	struct db_rows r;

	db_select(&r, w->db, "SELECT id, public_id, kind, state, paid_ms, days, target_rev, bonus_days FROM orders WHERE subscription_id=?1 ORDER BY paid_ms, id", subscription);
	while (db_next(&r))
		world_tell(w, "order %" PRId64 " %.*s %.*s %.*s paid on day %.2f for %" PRId64 " days, revision %" PRId64 ", %" PRId64 " days of bonus", db_i64(&r, 0), STR_ARG(db_str(&r, 1)),
			STR_ARG(db_str(&r, 2)), STR_ARG(db_str(&r, 3)), (double)(db_i64(&r, 4) - WORLD_START_MS) / (double)DAY_MS, db_i64(&r, 5), db_i64(&r, 6), db_i64(&r, 7));
	db_end(&r);
}

static void one_end(struct world *w, const struct due *d)
{
	if (d->expires_ms >= d->at_least_ms && d->expires_ms <= d->at_most_ms + LATE_MS)
		return;
	tell_orders(w, d->subscription);
	world_broken(w, "subscription %" PRId64 " ends %+.2f days from what was paid for", d->subscription,
		(double)(d->expires_ms - d->at_least_ms) / (double)DAY_MS);
}

/* This order waited for its access, or was delivered together with one that did. */
#define HAD_WAITED "EXISTS (SELECT 1 FROM orders y WHERE y.subscription_id=o.subscription_id AND y.waiting_told AND (y.id=o.id OR y.delivered_ms=o.delivered_ms))"

/* When at the latest what this order gave began to count. */
#define BEGUN "CASE WHEN o.delivered_ms=0 THEN coalesce(nullif(o.closed_ms, 0), ?1) WHEN " HAD_WAITED " THEN max(o.paid_ms, o.delivered_ms) ELSE o.paid_ms END"

/* What lengthens a subscription and what shortens it: when, by how many days, when at the latest it began to count or when what
 * is taken back was paid, whether it was bought, and whether it goes back. */
#define CHANGES "SELECT o.subscription_id, o.id, o.paid_ms AS at_ms, o.days, " BEGUN " AS begun_ms, o.kind<>'trial' AS bought, 0 AS back FROM orders o WHERE o.state IN ('paid', 'delivered', 'refunded') AND o.target_rev>0" \
	" UNION ALL SELECT o.subscription_id, o.id, o.closed_ms, o.days, o.paid_ms, 1, 1 FROM orders o WHERE o.state='refunded' AND o.target_rev>0" \
	" UNION ALL SELECT b.used_subscription_id, 0, b.updated_ms, b.days, coalesce((SELECT " BEGUN " FROM orders o WHERE o.id=b.used_order_id), b.updated_ms), 0, 0 FROM bonuses b WHERE b.state='used'"

static void lengthen(struct due *d, int64_t paid_ms, int64_t days_ms, int64_t begun_ms)
{
	int64_t grace_ms = paid_ms - GRACE_MAX_MS;

	d->begun_ms = d->begun_ms > begun_ms ? d->begun_ms : begun_ms;
	if (d->at_most_ms <= grace_ms)
		d->anew_ms = paid_ms;
	if (d->at_least_ms <= (paid_ms > begun_ms ? paid_ms : begun_ms)) /* also what was over while this waited */
		d->perhaps_anew_ms = paid_ms;
	/* what waits for a free place begins when it got one, set aside it has not begun; paid within the grace it counts from the end, else from the payment; either may be what was shown */
	d->at_least_ms = (d->at_most_ms <= grace_ms ? paid_ms : d->at_least_ms > grace_ms ? d->at_least_ms : grace_ms) + days_ms;
	d->at_most_ms = (d->at_most_ms > begun_ms ? d->at_most_ms : begun_ms) + days_ms;
}

/* What was over when something else began is not taken from that, nor from what had waited and began after it. With the last
 * purchase all of it goes, a trial too. */
static void shorten(struct due *d, int64_t at_ms, int64_t days_ms, int64_t paid_ms)
{
	if (--d->bought == 0)
		d->at_least_ms = d->at_most_ms = 0;
	if (paid_ms >= d->anew_ms)
		d->at_least_ms -= days_ms;
	if (paid_ms >= d->perhaps_anew_ms && at_ms >= d->begun_ms)
		d->at_most_ms -= days_ms;
}

/* Without end, and given back: it gave nothing and took nothing, but what was over when it began is used up. */
static void endless(struct due *d, int64_t paid_ms)
{
	if (d->at_most_ms <= paid_ms - GRACE_MAX_MS)
		d->anew_ms = paid_ms;
	if (d->at_least_ms <= paid_ms)
		d->perhaps_anew_ms = paid_ms;
}

/* Each purchase begins at the end of the one before it, or when it was paid; each refund takes its days back. */
static void all_ends(struct world *w)
{
	struct due d = { 0 };
	struct db_rows r;

	db_select(&r, w->db, "SELECT s.id, s.expires_ms, c.at_ms, c.days, c.begun_ms, c.bought, c.back FROM subscriptions s JOIN (" CHANGES ") c ON c.subscription_id=s.id"
		" WHERE s.expires_ms>0 AND NOT (s.gone AND " WAS_REFUNDED ")"
		" AND NOT EXISTS (SELECT 1 FROM orders x WHERE x.subscription_id=s.id AND x.state NOT IN ('canceled', 'open')"
		"   AND ((x.days=0 AND x.state<>'refunded') OR x.target_rev=0))"
		/* of a refund and a purchase in one turn nobody knows which was first (world 2099) */
		" AND NOT EXISTS (SELECT 1 FROM orders x JOIN orders y ON y.subscription_id=x.subscription_id AND y.paid_ms=x.closed_ms WHERE x.subscription_id=s.id AND x.state='refunded')"
		" AND " NO_OPERATOR_CHANGED("until") " AND " NO_ADMIN_WAS_HERE " AND " NOT_GIVEN_UP " ORDER BY s.id, c.at_ms, c.id", world_now_ms(w), buf_cstr(&w->given_up));
	while (db_next(&r)) {
		if (d.subscription != db_i64(&r, 0)) {
			one_end(w, &d);
			d = (struct due){ .subscription = db_i64(&r, 0), .expires_ms = db_i64(&r, 1) };
		}
		if (db_i64(&r, 6)) {
			shorten(&d, db_i64(&r, 2), db_i64(&r, 3) * DAY_MS, db_i64(&r, 4));
		} else {
			if (db_i64(&r, 3))
				lengthen(&d, db_i64(&r, 2), db_i64(&r, 3) * DAY_MS, db_i64(&r, 4));
			else
				endless(&d, db_i64(&r, 2));
			d.bought += db_i64(&r, 5);
		}
	}
	if (db_end(&r) == OK)
		one_end(w, &d);
}

/* --- the rest of it --- */

/* ?1 is now, ?2 what was given up; each ends with its WHERE */
static const struct { const char *what, *sql; } none[] = {
	{ "have more traffic than was sold", "SELECT count(*) FROM subscriptions s WHERE NOT s.gone AND " NO_OPERATOR_CHANGED("quota") " AND " NO_ADMIN_WAS_HERE
		" AND s.quota_bytes>max(1, (SELECT sum(o.quota_bytes) FROM orders o WHERE " BOUGHT "))" },
	{ "have less traffic than was sold last, or it is not counted", "SELECT count(*) FROM subscriptions s WHERE NOT s.gone AND NOT " WAS_REFUNDED " AND " NO_OPERATOR_CHANGED("quota")
		" AND " NO_ADMIN_WAS_HERE " AND s.quota_bytes<(SELECT o.quota_bytes FROM orders o WHERE " BOUGHT " ORDER BY o.target_rev DESC LIMIT 1)" },
	{ "have an end, and one without was sold", "SELECT count(*) FROM subscriptions s WHERE NOT s.gone AND s.expires_ms>0 AND EXISTS (SELECT 1 FROM orders o WHERE " BOUGHT " AND o.days=0)"
		" AND " NO_OPERATOR_CHANGED("until") },
	{ "have other devices, or another plan, than was sold last", "SELECT count(*) FROM subscriptions s WHERE NOT s.gone AND " NO_OPERATOR_CHANGED("devices") " AND " NO_ADMIN_WAS_HERE
		" AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.subscription_id=s.id AND o.state='refunded' AND o.target_rev BETWEEN 1 AND s.begun_rev-1)"
		" AND (s.limit_ip, s.plan_id)<>(SELECT o.limit_ip, o.plan_id FROM orders o WHERE " BOUGHT " ORDER BY o.target_rev DESC LIMIT 1)" },
	{ "wait before a person for a quota that was sold", "SELECT count(*) FROM jobs WHERE state=2 AND reason='would_be_unlimited'" },
	{ "were renewed and their traffic was not reset", "SELECT count(*) FROM subscriptions s WHERE s.reset_rev<(SELECT count(*) FROM orders o WHERE " BOUGHT " AND o.kind='renew')" },
	{ "are in their time, and off", "SELECT count(*) FROM subscriptions s WHERE NOT s.enabled AND NOT s.gone AND NOT s.ban_stopped AND max(s.expires_ms, s.grace_until_ms)>?1"
		" AND " NO_OPERATOR_CHANGED("enabled") " AND " NO_ADMIN_WAS_HERE },
	{ "are kept off by a ban that is over", "SELECT count(*) FROM subscriptions s JOIN users u ON u.id=s.user_id WHERE s.ban_stopped AND NOT s.gone AND NOT u.banned" },
	{ "are in their time, and gone", "SELECT count(*) FROM subscriptions s WHERE s.gone AND s.expires_ms>?1 AND NOT " WAS_REFUNDED " AND " NO_ADMIN_WAS_HERE " AND " NOT_GIVEN_UP },
	{ "have an end of which nobody will be reminded", "SELECT count(*) FROM subscriptions s WHERE NOT s.gone AND s.expires_ms>?1 AND s.remind_ms NOT BETWEEN 1 AND max(s.expires_ms, s.grace_until_ms)" },
	{ "stand in two places", "SELECT count(*) FROM (SELECT 1 FROM accesses x WHERE x.deleted_ms=0 AND x.replaces_id IS NULL GROUP BY x.subscription_id HAVING count(*)>1) WHERE 1" },
};

static void look_for(struct world *w, const char *what, const char *wrong_sql)
{
	struct db_rows r;
	char sql[1024];
	int64_t n = 0;

	snprintf(sql, sizeof sql, "%s AND ?1>0 AND ?2 IS NOT NULL", wrong_sql); /* what is bound must stand somewhere */
	db_select(&r, w->db, sql, world_now_ms(w), buf_cstr(&w->given_up));
	while (db_next(&r))
		n = db_i64(&r, 0);
	if (db_end(&r) != OK || n)
		world_broken(w, "%" PRId64 " subscriptions %s", n, what);
}

static void all_the_rest(struct world *w)
{
	for (size_t i = 0; i < countof(none); i++)
		look_for(w, none[i].what, none[i].sql);
}

void sold_check(struct world *w)
{
	all_ends(w);
	all_the_rest(w);
}
