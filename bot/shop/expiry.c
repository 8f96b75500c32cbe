/* What the end of a period brings: grace, stop, deletion. The rule is sub_time_step; here it is done. */
#include "bot/shop/extras.h"
#include "bot/shop/settings.h"
#include "bot/shop/sub_private.h"
#include "bot/shop/time_steps.h"
#include "lib/base/log.h"

#define RUN_BATCH 300

/* The reminder of the grace's end is armed; one that waits to be decided stays due. */
static enum err give_grace(struct act *a, struct subscription *s, int64_t until_ms)
{
	enum err e = sub_give_grace(a, s, until_ms);

	return e ? e : db_run(a->tx, "UPDATE subscriptions SET remind_ms=?2 WHERE id=?1 AND NOT (remind_ms>0 AND remind_ms<=?3)", s->id,
		reminder_next_ms(s, a->now_ms), a->now_ms);
}

/* Days that were paid for and have passed before anything was delivered: they begin anew, as often as that happens. */
static enum err begin_anew(bool *begun, struct act *a, struct subscription *s)
{
	struct order_waiting waiting;
	enum err e = order_waiting(&waiting, a, s->id);

	*begun = !e && waiting.days > 0;
	return *begun ? sub_begin_anew(a, s, waiting.days * DAY_MS, waiting.first_rev) : e;
}

static enum err step(struct act *a, int64_t id, const struct time_rules *rules)
{
	struct subscription s;
	struct sub_time t;
	bool begun = false;
	enum err e = sub_get(&s, a, id);

	if (e)
		return e;
	t = sub_time_step(&s, rules, a->now_ms);
	if (t.step == TIME_STOP || t.step == TIME_DELETE)
		e = begin_anew(&begun, a, &s);
	if (begun)
		log_warn("sub.begins_anew", KV("subscription", s.public_id));
	if (e || begun)
		return e;
	switch (t.step) {
	case TIME_NOTHING: break;
	case TIME_GRACE: e = give_grace(a, &s, t.again_ms); break;
	case TIME_STOP: e = sub_stop_by_time(a, &s); break;
	case TIME_DELETE: e = sub_revoke(a, &s); break;
	}
	if (t.step != TIME_NOTHING)
		log_info("sub.time", KV("subscription", s.public_id), KV("step", t.step));
	return e ? e : db_run(a->tx, "UPDATE subscriptions SET step_ms=?2 WHERE id=?1", id, t.again_ms);
}

struct time_rules time_rules_get(struct act *a)
{
	return (struct time_rules){ .grace_ms = setting_i64(a, SETTING_GRACE_HOURS) * HOUR_MS, .delete_ms = setting_i64(a, SETTING_DELETE_DAYS) * DAY_MS };
}

/* Numbers of subscriptions, ?2 at most; ?1 is now. */
static enum err list_ids(int64_t ids[RUN_BATCH], size_t *n, struct act *a, const char *sql)
{
	struct db_rows r;

	*n = 0;
	db_select(&r, a->tx, sql, a->now_ms, RUN_BATCH);
	while (db_next(&r))
		ids[(*n)++] = db_i64(&r, 0);
	return db_end(&r);
}

/* The clock had been ahead, and is right again: what it stopped before its time goes on. */
static enum err go_on(struct act *a)
{
	int64_t ids[RUN_BATCH];
	size_t n;
	enum err e = list_ids(ids, &n, a, "SELECT id FROM subscriptions WHERE time_stopped=1 AND max(expires_ms, grace_until_ms)>?1 AND enabled=0 AND gone=0 AND ban_stopped=0"
		" LIMIT ?2");

	for (size_t i = 0; !e && i < n; i++) {
		struct subscription s;

		e = sub_get(&s, a, ids[i]);
		if (!e)
			e = sub_go_on(a, &s);
	}
	if (n)
		log_warn("expiry.goes_on", KV("stopped_too_early", (int64_t)n));
	return e;
}

enum err expiry_run(struct act *a)
{
	struct time_rules rules = time_rules_get(a);
	int64_t ids[RUN_BATCH];
	size_t n;
	enum err e = list_ids(ids, &n, a, "SELECT id FROM subscriptions WHERE step_ms>0 AND step_ms<=?1 ORDER BY step_ms LIMIT ?2");

	for (size_t i = 0; !e && i < n; i++)
		e = step(a, ids[i], &rules);
	return e ? e : go_on(a);
}

/* What is over and was seen still switched on, or still there: by a lost mark, by a parked job, by hand on the panel. */
static enum err ask_panels(struct act *a)
{
	int64_t ids[RUN_BATCH];
	size_t n;
	enum err e = list_ids(ids, &n, a, "SELECT DISTINCT s.id FROM subscriptions s JOIN accesses x ON x.subscription_id=s.id WHERE x.deleted_ms=0 AND x.seen_exists=1"
		" AND s.expires_ms>0 AND max(s.expires_ms, s.grace_until_ms)<=?1 AND (s.gone=1 OR (s.enabled=0 AND x.seen_enabled=1)) LIMIT ?2");

	for (size_t i = 0; !e && i < n; i++)
		e = fleet_reconcile(a, ids[i], JOB_ROUTINE);
	log_info("expiry.sweep", KV("asked", (int64_t)n));
	return e;
}

enum err expiry_sweep(struct act *a)
{
	enum err e = db_run(a->tx, "UPDATE subscriptions SET step_ms=?1 WHERE deleted_ms=0 AND gone=0 AND enabled=1 AND expires_ms>0"
		" AND max(expires_ms, grace_until_ms)<=?1 AND (step_ms=0 OR step_ms>?1)", a->now_ms);

	return e ? e : ask_panels(a);
}
