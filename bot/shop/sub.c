/* Subscriptions as rows: made, read, changed.
 *
 * Each change of what is wanted goes through sub_change(): revision + 1 and a reconcile job per panel, in one transaction
 * with whoever asked for it. */
#include <assert.h>
#include <string.h>

#include "bot/fleet/fleet.h"
#include "bot/shop/sub_private.h"
#include "bot/shop/time_steps.h"
#include "lib/base/enc.h"

#define SUB_COLUMNS "id, public_id, user_id, plan_id, sub_id, uuid, password, trial, expires_ms, quota_bytes, limit_ip, reset_days," \
	" enabled, gone, reset_rev, revision, period, grace_until_ms, used_bytes, used_seen_ms, created_ms, deleted_ms, ban_stopped, begun_rev, time_stopped, ends_otherwise_ms"

static void copy(char *out, size_t size, struct str text)
{
	assert(text.len < size);
	snprintf(out, size, "%.*s", STR_ARG(text));
}

static void read_row(struct subscription *out, const struct db_rows *r)
{
	*out = (struct subscription){ .id = db_i64(r, 0), .user_id = db_i64(r, 2), .plan_id = db_i64(r, 3), .trial = db_i64(r, 7),
		.expires_ms = db_i64(r, 8), .quota_bytes = db_i64(r, 9), .limit_ip = (int)db_i64(r, 10), .reset_days = (int)db_i64(r, 11),
		.enabled = db_i64(r, 12), .gone = db_i64(r, 13), .reset_rev = db_i64(r, 14), .revision = db_i64(r, 15), .period = db_i64(r, 16),
		.grace_until_ms = db_i64(r, 17), .used_bytes = db_i64(r, 18), .used_seen_ms = db_i64(r, 19), .created_ms = db_i64(r, 20),
		.deleted_ms = db_i64(r, 21), .ban_stopped = db_i64(r, 22), .begun_rev = db_i64(r, 23),
		.time_stopped = db_i64(r, 24), .ends_otherwise_ms = db_i64(r, 25) };
	copy(out->public_id, sizeof out->public_id, db_str(r, 1));
	copy(out->sub_id, sizeof out->sub_id, db_str(r, 4));
	copy(out->uuid, sizeof out->uuid, db_str(r, 5));
	copy(out->password, sizeof out->password, db_str(r, 6));
}

static enum err read_one(struct subscription *out, struct db_rows *r)
{
	enum err e = db_first(r);

	if (e)
		return e;
	read_row(out, r);
	return db_end(r);
}

enum err sub_get(struct subscription *out, struct act *a, int64_t id)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " SUB_COLUMNS " FROM subscriptions WHERE id=?1", id);
	return read_one(out, &r);
}

enum err sub_by_public_id(struct subscription *out, struct act *a, struct str public_id)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " SUB_COLUMNS " FROM subscriptions WHERE public_id=?1", public_id);
	return read_one(out, &r);
}

enum err sub_list(struct subscription *out, size_t *count, size_t max, struct act *a, int64_t user_id)
{
	struct db_rows r;

	*count = 0;
	db_select(&r, a->tx, "SELECT " SUB_COLUMNS " FROM subscriptions WHERE user_id=?1 AND deleted_ms=0 ORDER BY id DESC LIMIT ?2", user_id, max);
	while (db_next(&r))
		read_row(&out[(*count)++], &r);
	return db_end(&r);
}

/* --- made --- */

static void sub_id_draw(char out[SUB_ID_CHARS + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < SUB_ID_CHARS; i++)
		out[i] = letters[rand_below(sizeof letters - 1)];
	out[SUB_ID_CHARS] = '\0';
}

static void password_draw(char out[SUB_PASSWORD_CHARS + 1])
{
	unsigned char bytes[32];
	struct buf text;

	rand_bytes(bytes, sizeof bytes);
	buf_init(&text, SUB_PASSWORD_CHARS);
	enc_base64(&text, bytes, sizeof bytes);
	copy(out, SUB_PASSWORD_CHARS + 1, buf_str(&text));
	buf_release(&text);
}

static void draw_keys(struct subscription *s)
{
	sub_id_draw(s->sub_id);
	rand_uuid(s->uuid);
	password_draw(s->password);
}

enum err sub_add_access(int64_t *id, struct act *a, int64_t subscription_id, int64_t user_id, struct place place)
{
	const char *name;
	struct user u;
	enum err e = user_get(&u, a, user_id);

	if (e)
		return e;
	name = u.username ? u.username : arena_printf(a->arena, "%s %s", u.first_name, u.last_name);
	return access_add(id, a, subscription_id, place, str_of(name));
}

enum err sub_create(struct subscription *out, struct act *a, const struct sub_new *n)
{
	struct subscription s = { .user_id = n->user_id, .plan_id = n->plan_id, .trial = n->trial, .quota_bytes = n->quota_bytes,
		.limit_ip = n->limit_ip, .reset_days = n->reset_days, .enabled = true, .revision = 1, .period = 1, .ends_otherwise_ms = 1, .created_ms = a->now_ms };
	int64_t access_id;
	enum err e;

	draw_keys(&s);
	public_id_draw(s.public_id);
	s.expires_ms = n->days ? a->now_ms + n->days * DAY_MS : 0;
	e = db_run(a->tx, "INSERT INTO subscriptions(public_id, user_id, plan_id, sub_id, uuid, password, trial, expires_ms, quota_bytes, limit_ip, reset_days,"
		" created_ms, updated_ms, ends_otherwise_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13)", s.public_id, s.user_id, s.plan_id, s.sub_id, s.uuid,
		s.password, s.trial, s.expires_ms, s.quota_bytes, s.limit_ip, s.reset_days, a->now_ms, s.ends_otherwise_ms);
	if (e)
		return e;
	s.id = db_last_id(a->tx);
	e = sub_add_access(&access_id, a, s.id, s.user_id, (struct place){ n->panel_id, n->inbound_id });
	if (!e)
		e = sub_arm(a, &s);
	if (!e)
		e = fleet_reconcile(a, s.id, JOB_MONEY);
	*out = s;
	return e;
}

/* --- changed --- */

enum err sub_change(struct act *a, struct subscription *s, enum job_prio prio)
{
	enum err e;

	s->revision++;
	e = db_run(a->tx, "UPDATE subscriptions SET expires_ms=?2, quota_bytes=?3, limit_ip=?4, enabled=?5, gone=?6, reset_rev=?7, revision=?8, period=?9,"
		" grace_until_ms=?10, deleted_ms=?11, updated_ms=?12, begun_rev=?13, time_stopped=?14, ban_stopped=?15, ends_otherwise_ms=?16 WHERE id=?1",
		s->id, s->expires_ms, s->quota_bytes, s->limit_ip, s->enabled, s->gone, s->reset_rev, s->revision, s->period, s->grace_until_ms, s->deleted_ms,
		a->now_ms, s->begun_rev, s->time_stopped, s->ban_stopped, s->ends_otherwise_ms);
	return e ? e : fleet_reconcile(a, s->id, prio);
}

static enum err begin_period(struct act *a, struct subscription *s, enum job_prio prio)
{
	enum err e;

	s->period++;
	s->grace_until_ms = 0;
	e = sub_change(a, s, prio);
	return e ? e : sub_arm(a, s);
}

/* The counters on the panel begin anew; what was used until now counts for the lifetime. */
static enum err reset(struct act *a, struct subscription *s)
{
	enum err e = db_run(a->tx, "UPDATE subscriptions SET lifetime_bytes=lifetime_bytes+?2, used_bytes=0 WHERE id=?1", s->id, s->used_bytes);

	s->reset_rev++;
	s->used_bytes = 0;
	return e;
}

/* Stopped by time: more time starts it again, though not before the end of a ban. Stopped by us: it stays so. What comes back from
 * gone starts as if it were new: the end of a ban passes by what is gone, so its mark may be of one that is over, and where it is
 * not, keep_banned() sets it again. Nothing is left of what there was, also where it is beside something without end, so its time
 * begins with the revision to come. */
static void start_again(const struct act *a, struct subscription *s)
{
	s->ban_stopped = s->ban_stopped && !s->gone;
	if (s->gone || s->time_stopped || sub_is_over(s, a->now_ms)) {
		s->enabled = !s->ban_stopped;
		s->time_stopped = false;
	}
	if (!sub_is_running(s, a->now_ms) || (!s->expires_ms && s->ends_otherwise_ms <= a->now_ms))
		s->begun_rev = s->revision + 1;
}

enum err sub_set_terms(struct act *a, struct subscription *s, const struct sub_terms *t, bool bought)
{
	enum err e = bought ? reset(a, s) : OK;

	if (e)
		return e;
	if (bought) /* what is taken back starts nothing */
		start_again(a, s);
	s->gone = false;
	s->deleted_ms = 0;
	s->expires_ms = t->expires_ms;
	s->ends_otherwise_ms = t->ends_otherwise_ms;
	s->quota_bytes = t->quota_bytes;
	return begin_period(a, s, JOB_MONEY);
}

static enum err lengthen(struct act *a, struct subscription *s, int64_t by_ms)
{
	s->expires_ms = (s->expires_ms > a->now_ms ? s->expires_ms : a->now_ms) + by_ms;
	return begin_period(a, s, JOB_PERSON);
}

enum err sub_extend(struct act *a, struct subscription *s, int64_t by_ms)
{
	if (s->expires_ms == 0)
		return OK;
	start_again(a, s);
	return lengthen(a, s, by_ms);
}

enum err sub_begin_anew(struct act *a, struct subscription *s, int64_t by_ms, int64_t begun_rev)
{
	start_again(a, s);
	s->begun_rev = begun_rev;
	return lengthen(a, s, by_ms);
}

enum err sub_adopt_end(struct act *a, int64_t subscription_id, int64_t expires_ms)
{
	struct subscription s;
	enum err e = sub_get(&s, a, subscription_id);

	if (e)
		return e;
	start_again(a, &s);
	if (!expires_ms && s.expires_ms)
		s.ends_otherwise_ms = s.expires_ms;
	s.expires_ms = expires_ms;
	return begin_period(a, &s, JOB_ROUTINE);
}

enum err sub_set_quota(struct act *a, struct subscription *s, int64_t quota_bytes)
{
	s->quota_bytes = quota_bytes;
	return sub_change(a, s, JOB_PERSON);
}

enum err sub_set_limit_ip(struct act *a, struct subscription *s, int limit_ip)
{
	s->limit_ip = limit_ip;
	return sub_change(a, s, JOB_PERSON);
}

enum err sub_reset_traffic(struct act *a, struct subscription *s)
{
	enum err e = reset(a, s);

	return e ? e : sub_change(a, s, JOB_PERSON);
}

enum err sub_stop_by_time(struct act *a, struct subscription *s)
{
	s->enabled = false;
	s->time_stopped = true;
	return sub_change(a, s, JOB_PERSON);
}

enum err sub_go_on(struct act *a, struct subscription *s)
{
	enum err e;

	s->enabled = true;
	s->time_stopped = false;
	e = sub_change(a, s, JOB_PERSON);
	return e ? e : sub_arm(a, s);
}

/* Off by hand is what is off although neither time nor a ban has stopped it. */
enum err sub_set_banned(struct act *a, struct subscription *s, bool banned)
{
	bool was_enabled = s->enabled, is_over = sub_is_over(s, a->now_ms);

	if (s->gone)
		return OK;
	s->enabled = !banned && (s->enabled || (s->ban_stopped && !is_over));
	if (!banned && s->ban_stopped) /* from here on time alone keeps it off */
		s->time_stopped = is_over;
	s->ban_stopped = banned && (was_enabled || is_over || s->time_stopped || s->ban_stopped);
	if (s->enabled != was_enabled)
		return sub_change(a, s, JOB_PERSON);
	/* the marks alone: nothing that a panel is to hear of */
	return db_run(a->tx, "UPDATE subscriptions SET ban_stopped=?2, time_stopped=?3 WHERE id=?1", s->id, s->ban_stopped, s->time_stopped);
}

enum err sub_give_grace(struct act *a, struct subscription *s, int64_t until_ms)
{
	s->grace_until_ms = until_ms;
	return sub_change(a, s, JOB_ROUTINE);
}

enum err sub_revoke(struct act *a, struct subscription *s)
{
	s->gone = true;
	s->deleted_ms = a->now_ms;
	return sub_change(a, s, JOB_PERSON);
}

/* A client cannot change its UUID in place on every panel, so each access moves to a new name at the same place: the old
 * client is deleted, the new one created, in either order. */
static enum err renew_accesses(struct act *a, const struct subscription *s)
{
	struct { int64_t id; struct place place; bool on_its_way; } old[16];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT id, panel_id, inbound_id, " ON_ITS_WAY_SQL " FROM accesses x WHERE subscription_id=?1 AND deleted_ms=0 LIMIT ?2", s->id, countof(old));
	while (db_next(&r)) {
		old[n].id = db_i64(&r, 0);
		old[n].on_its_way = db_i64(&r, 3);
		old[n++].place = (struct place){ db_i64(&r, 1), db_i64(&r, 2) };
	}
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++) {
		int64_t id;

		e = access_drop(a, old[i].id, JOB_PERSON);
		if (!e && old[i].on_its_way) /* with keys that are no more: it stays where it is */
			continue;
		if (!e)
			e = sub_add_access(&id, a, s->id, s->user_id, old[i].place);
		if (!e)
			e = access_replace(a, id, old[i].id);
	}
	return e;
}

enum err sub_new_keys(struct act *a, struct subscription *s)
{
	enum err e;

	draw_keys(s);
	e = db_run(a->tx, "UPDATE subscriptions SET sub_id=?2, uuid=?3, password=?4 WHERE id=?1", s->id, s->sub_id, s->uuid, s->password);
	if (!e)
		e = renew_accesses(a, s);
	return e ? e : sub_change(a, s, JOB_PERSON);
}
