/* Reminders: each (subscription, period, kind) is decided exactly once, for or against sending (R074, B32).
 *
 * After a pause several may be due at the same time: the most urgent is sent, the others are decided against. What was
 * already past when a period began (three days before the end of a one-day trial) is decided against at once. */
#include <assert.h>

#include "bot/fleet/fleet.h"
#include "bot/shop/extras.h"
#include "bot/shop/time_steps.h"
#include "lib/base/log.h"

#define RUN_BATCH 300

const char *const reminder_kinds_by_time[REMINDERS_BY_TIME] = { "3d", "1d", "end", "grace" };
const char *const reminder_kinds_by_use[REMINDERS_BY_USE] = { "80", "90", "100" };

static enum err (*send_hook)(struct act *a, const struct user *u, const struct reminder *r);

void reminder_set_hook(enum err (*send)(struct act *a, const struct user *u, const struct reminder *r))
{
	send_hook = send;
}

/* --- pure --- */

int64_t reminder_moment_ms(int kind, const struct subscription *s)
{
	static const int64_t before_ms[] = { 3 * DAY_MS, DAY_MS, 0 };

	if (!s->expires_ms)
		return 0;
	if (kind == REMINDERS_BY_TIME - 1) /* the end of the grace, where one was given */
		return s->grace_until_ms > s->expires_ms ? s->grace_until_ms : 0;
	return s->expires_ms - before_ms[kind];
}

int64_t reminder_next_ms(const struct subscription *s, int64_t now_ms)
{
	for (int kind = 0; kind < REMINDERS_BY_TIME; kind++) {
		int64_t at_ms = reminder_moment_ms(kind, s);

		if (at_ms > now_ms)
			return at_ms;
	}
	return 0;
}

bool reminder_is_used(int kind, int64_t used_bytes, int64_t quota_bytes)
{
	static const int64_t percent[] = { 80, 90, 100 };

	/* in two parts, so that no quota is too large to be multiplied */
	return quota_bytes > 0 && used_bytes >= quota_bytes / 100 * percent[kind] + quota_bytes % 100 * percent[kind] / 100;
}

/* --- decided once --- */

static enum err decide(bool *first, struct act *a, const struct subscription *s, const char *kind, bool sent)
{
	enum err e = db_run(a->tx, "INSERT INTO reminders(subscription_id, period, kind, decided_ms, sent) VALUES(?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT(subscription_id, period, kind) DO NOTHING", s->id, s->period, kind, a->now_ms, sent);

	*first = !e && db_changes(a->tx) == 1;
	return e;
}

/* Decides the due ones from the most urgent down; only the first of them may be sent. */
static enum err decide_all(struct act *a, const struct subscription *s, const char *const *kinds, const bool *due, int count, bool may_send)
{
	const char *chosen = NULL;
	struct user u;
	enum err e;

	for (int kind = count - 1; kind >= 0; kind--) {
		bool first;

		if (!due[kind])
			continue;
		e = decide(&first, a, s, kinds[kind], may_send);
		if (e)
			return e;
		if (first && may_send)
			chosen = kinds[kind];
		may_send = false; /* what is less urgent than one decided before is late too */
	}
	if (!chosen || !send_hook)
		return OK;
	e = user_get(&u, a, s->user_id);
	return e ? e : send_hook(a, &u, &(struct reminder){ .sub = s, .kind = chosen });
}

static void find_due(bool *due, const struct subscription *s, int64_t now_ms)
{
	for (int kind = 0; kind < REMINDERS_BY_TIME; kind++) {
		int64_t at_ms = reminder_moment_ms(kind, s);

		due[kind] = at_ms && at_ms <= now_ms;
	}
}

static void find_used(bool *due, const struct subscription *s, int64_t used_bytes)
{
	for (int kind = 0; kind < REMINDERS_BY_USE; kind++)
		due[kind] = reminder_is_used(kind, used_bytes, s->quota_bytes);
}

/* expiry_run finds out by itself what comes when; the earliest it can be is the lead before the end. */
static int64_t first_step_ms(const struct subscription *s)
{
	int64_t at_ms = s->expires_ms - GRACE_LEAD_MS;

	if (!s->expires_ms)
		return 0;
	return at_ms > 0 ? at_ms : 1; /* a refund has left it no time at all: now, and not never */
}

enum err sub_arm(struct act *a, const struct subscription *s)
{
	bool due[REMINDERS_BY_TIME], used[REMINDERS_BY_USE];
	enum err e;

	find_due(due, s, a->now_ms);
	find_used(used, s, s->used_bytes);
	e = decide_all(a, s, reminder_kinds_by_time, due, REMINDERS_BY_TIME, false);
	if (!e)
		e = decide_all(a, s, reminder_kinds_by_use, used, REMINDERS_BY_USE, false);
	return e ? e : db_run(a->tx, "UPDATE subscriptions SET remind_ms=?2, step_ms=?3 WHERE id=?1", s->id, reminder_next_ms(s, a->now_ms),
		first_step_ms(s));
}

/* --- by time --- */

/* Nobody is told about what is stopped, gone or banned, and who cannot be reached is not written to. */
static enum err may_be_told(bool *may, struct act *a, const struct subscription *s)
{
	struct user u;
	enum err e = user_get(&u, a, s->user_id);

	/* time itself stops a subscription: that is no reason to be silent about its end */
	*may = !e && !s->gone && (s->enabled || sub_is_over(s, a->now_ms)) && !u.banned && u.reachable && u.telegram_id;
	return e;
}

static enum err remind(struct act *a, int64_t id)
{
	struct subscription s;
	bool due[REMINDERS_BY_TIME], may = false;
	enum err e = sub_get(&s, a, id);

	if (!e)
		e = may_be_told(&may, a, &s);
	if (e)
		return e;
	find_due(due, &s, a->now_ms);
	e = decide_all(a, &s, reminder_kinds_by_time, due, REMINDERS_BY_TIME, may);
	return e ? e : db_run(a->tx, "UPDATE subscriptions SET remind_ms=?2 WHERE id=?1", id, s.gone ? 0 : reminder_next_ms(&s, a->now_ms));
}

enum err reminders_run(struct act *a)
{
	int64_t ids[RUN_BATCH];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT id FROM subscriptions WHERE remind_ms>0 AND remind_ms<=?1 ORDER BY remind_ms LIMIT ?2", a->now_ms, RUN_BATCH);
	while (db_next(&r))
		ids[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++)
		e = remind(a, ids[i]);
	return e;
}

/* --- by use --- */

/* A look at a panel that has not done our last reset yet shows the traffic of the period before. */
static enum err is_of_this_period(bool *is, struct act *a, const struct subscription *s)
{
	int64_t behind;
	enum err e = db_get_i64(&behind, a->tx, "SELECT count(*) FROM accesses WHERE subscription_id=?1 AND deleted_ms=0 AND (seen_exists=1 OR written_rev>0) AND done_reset_rev<?2", s->id, s->reset_rev);

	*is = !e && behind == 0;
	return e;
}

enum err usage_seen(struct act *a, int64_t subscription_id, int64_t up_bytes, int64_t down_bytes)
{
	int64_t used_bytes = up_bytes + down_bytes;
	bool due[REMINDERS_BY_USE], current = false, may = false;
	struct subscription s;
	enum err e;

	if (up_bytes < 0 || down_bytes < 0 || used_bytes < 0)
		return OK; /* no figure of this world */
	e = sub_get(&s, a, subscription_id);
	if (!e)
		e = is_of_this_period(&current, a, &s);
	if (e || !current)
		return e;
	e = db_run(a->tx, "UPDATE subscriptions SET used_bytes=?2, used_seen_ms=?3 WHERE id=?1", s.id, used_bytes, a->now_ms);
	if (!e)
		e = may_be_told(&may, a, &s);
	if (e)
		return e;
	s.used_bytes = used_bytes;
	s.used_seen_ms = a->now_ms;
	find_used(due, &s, used_bytes);
	return decide_all(a, &s, reminder_kinds_by_use, due, REMINDERS_BY_USE, may);
}
