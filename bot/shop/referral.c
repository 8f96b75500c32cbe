/* Referrals and their rewards (B35): the referrer is set once, at first contact, and is never oneself; a reward is a row
 * that is earned by the first purchase, waits out its hold, and is used once. */
#include "bot/shop/extras.h"
#include "bot/shop/public_id.h"
#include "bot/shop/settings.h"
#include "bot/shop/trial.h"
#include "lib/base/clock.h"

#define MATURE_BATCH 200

enum err referral_bind(bool *bound, struct act *a, const struct user *u, struct str code)
{
	char text[REFERRAL_CODE_CHARS + 1];
	bool known_before;
	enum err e;

	*bound = false;
	if (!u->is_new || u->referred_by || crockford_read(text, REFERRAL_CODE_CHARS, code) != OK)
		return OK;
	e = trial_was_taken(&known_before, a, u->telegram_id); /* an account deleted and made again is not new */
	if (e || known_before)
		return e;
	e = db_run(a->tx, "UPDATE users SET referred_by=(SELECT coalesce(merged_into, id) FROM users WHERE referral_code=?2) WHERE id=?1 AND referred_by IS NULL"
		" AND EXISTS(SELECT 1 FROM users WHERE referral_code=?2 AND coalesce(merged_into, id)<>?1)", u->id, text);
	*bound = !e && db_changes(a->tx) == 1;
	return e;
}

enum err referral_totals(struct referral_totals *out, struct act *a, int64_t user_id)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT (SELECT count(*) FROM users WHERE referred_by=?1 AND merged_into IS NULL),"
		" (SELECT count(*) FROM users u WHERE u.referred_by=?1 AND EXISTS(SELECT 1 FROM orders o WHERE o.user_id=u.id AND o.state='delivered' AND o.kind IN ('new', 'renew'))),"
		" coalesce(sum(days) FILTER (WHERE state='pending'), 0), coalesce(sum(days) FILTER (WHERE state='usable'), 0),"
		" coalesce(sum(days) FILTER (WHERE state='used'), 0) FROM bonuses WHERE user_id=?1", user_id);
	e = db_first(&r);
	if (e)
		return e;
	*out = (struct referral_totals){ db_i64(&r, 0), db_i64(&r, 1), db_i64(&r, 2), db_i64(&r, 3), db_i64(&r, 4) };
	return db_end(&r);
}

/* --- rewards --- */

static enum err is_first_purchase(bool *first, struct act *a, const struct order *o)
{
	int64_t n;
	enum err e = db_get_i64(&n, a->tx, "SELECT count(*) FROM orders WHERE user_id=?1 AND id<>?2 AND kind IN ('new', 'renew') AND state IN ('delivered', 'refunded')",
		o->user_id, o->id);

	*first = !e && n == 0;
	return e;
}

enum err bonus_earn(struct act *a, const struct order *o)
{
	int64_t days = setting_i64(a, SETTING_REFERRAL_DAYS), hold_ms = setting_i64(a, SETTING_REFERRAL_HOLD_HOURS) * HOUR_MS, owner = 0;
	bool first;
	enum err e;

	if (!days || (o->kind != ORDER_NEW && o->kind != ORDER_RENEW))
		return OK;
	e = db_get_i64(&owner, a->tx, "SELECT referred_by FROM users WHERE id=?1", o->user_id);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	e = is_first_purchase(&first, a, o);
	if (e || !first)
		return e;
	e = db_run(a->tx, "INSERT INTO bonuses(user_id, days, source_order_id, state, usable_ms, created_ms, updated_ms) VALUES(?1, ?2, ?3, 'pending', ?4, ?5, ?5)"
		" ON CONFLICT(source_order_id) DO NOTHING", owner, days, o->id, a->now_ms + hold_ms, a->now_ms);
	return e || hold_ms ? e : bonuses_mature(a);
}

enum err bonus_cancel(struct act *a, const struct order *o)
{
	return db_run(a->tx, "UPDATE bonuses SET state='canceled', updated_ms=?2 WHERE source_order_id=?1 AND state IN ('pending', 'usable')", o->id, a->now_ms);
}

enum err bonuses_use(struct bonus_use *out, struct act *a, int64_t user_id, int64_t order_id)
{
	struct subscription s;
	int64_t id, sum;
	enum err e;

	*out = (struct bonus_use){ 0, 0 };
	e = db_get_i64(&sum, a->tx, "SELECT sum(days) FROM bonuses WHERE user_id=?1 AND state='usable'", user_id);
	if (!e)
		e = db_get_i64(&id, a->tx, "SELECT id FROM subscriptions WHERE user_id=?1 AND gone=0 AND trial=0 AND expires_ms>0"
			" ORDER BY max(expires_ms, grace_until_ms)<=?2, expires_ms LIMIT 1", user_id, a->now_ms);
	if (!e)
		e = sub_get(&s, a, id);
	if (e)
		return e == E_NOTFOUND ? OK : e; /* none to add, or none to add to: kept for the next purchase */
	e = db_run(a->tx, "UPDATE bonuses SET state='used', used_subscription_id=?2, used_order_id=nullif(?3, 0), updated_ms=?4 WHERE user_id=?1 AND state='usable'",
		user_id, id, order_id, a->now_ms);
	if (!e)
		e = sub_extend(a, &s, sum * DAY_MS);
	*out = (struct bonus_use){ id, (int)sum };
	return e;
}

enum err bonuses_mature(struct act *a)
{
	int64_t users[MATURE_BATCH];
	struct db_rows r;
	size_t n = 0;
	/* no more at once than have their turn below: the rest is as it was for the next run */
	enum err e = db_run(a->tx, "UPDATE bonuses SET state='usable', updated_ms=?1 WHERE id IN (SELECT id FROM bonuses WHERE state='pending' AND usable_ms<=?1"
		" ORDER BY usable_ms LIMIT ?2)", a->now_ms, MATURE_BATCH);

	if (e || db_changes(a->tx) == 0)
		return e; /* older usable ones wait for a purchase, which takes them along */
	db_select(&r, a->tx, "SELECT DISTINCT user_id FROM bonuses WHERE state='usable' AND updated_ms=?1 LIMIT ?2", a->now_ms, MATURE_BATCH);
	while (db_next(&r))
		users[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++) {
		struct bonus_use used;

		e = bonuses_use(&used, a, users[i], 0);
	}
	return e;
}
