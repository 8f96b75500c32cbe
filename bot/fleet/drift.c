/* What was changed by hand on a panel, found by the look that comes before every write. */
#include "bot/fleet/fleet_private.h"

#include <inttypes.h>
#include <string.h>

#include "bot/core/alert.h"
#include "lib/base/clock.h"

#define REPAIR_ENABLED_MS (24 * HOUR_MS) /* a paid client switched off by hand: after so long by itself */

static const struct field { const char *name, *adopt_sql; } fields[FIELDS] = {
	[FIELD_UNTIL] = { "until", NULL },
	[FIELD_QUOTA] = { "quota", "UPDATE subscriptions SET quota_bytes=?2, revision=revision+1, updated_ms=?3 WHERE id=?1" },
	[FIELD_DEVICES] = { "devices", "UPDATE subscriptions SET limit_ip=?2, revision=revision+1, updated_ms=?3 WHERE id=?1" },
	[FIELD_ENABLED] = { "enabled", "UPDATE subscriptions SET enabled=?2, time_stopped=0, revision=revision+1, updated_ms=?3 WHERE id=?1" },
};

const char *terms_field_name(enum terms_field f)
{
	return fields[f].name;
}

static enum terms_field field_of(struct str name)
{
	for (enum terms_field f = FIELD_UNTIL; f < FIELDS; f++)
		if (str_is(name, fields[f].name))
			return f;
	return FIELDS;
}

static const char *detail(struct act *a, const char *email, enum terms_field f, int64_t ours, int64_t seen)
{
	return arena_printf(a->arena, "%s: %s %" PRId64 " / %" PRId64, email, fields[f].name, ours, seen);
}

/* One alert per panel as long as anything is open: a panel restored from an old backup differs in a thousand places. */
static const char *cause(struct act *a, int64_t panel_id)
{
	return arena_printf(a->arena, "drift:%" PRId64, panel_id);
}

static enum err clear_when_none(struct act *a, int64_t panel_id, const char *panel_name)
{
	int64_t open;
	enum err e = db_get_i64(&open, a->tx, "SELECT count(*) FROM drifts d JOIN accesses x ON x.id=d.access_id WHERE d.state='open' AND x.panel_id=?1", panel_id);

	return e || open ? e : alert_clear(a, cause(a, panel_id), panel_name);
}

/* What has happened and is settled: the first of a panel and day is told, all are in the table. */
static enum err note(struct act *a, const struct access *x, const char *panel_name, const char *text)
{
	return alert_raise(a, ALERT_NOTICE, arena_printf(a->arena, "drift.note:%" PRId64 ":%" PRId64, x->panel_id, a->now_ms / DAY_MS), "drift", panel_name, text);
}

/* --- deciding --- */

static enum err close_open(struct act *a, const struct access *x, enum terms_field f, const char *state, const char *panel_name)
{
	enum err e;

	if (!x->left[f])
		return OK;
	e = db_run(a->tx, "UPDATE drifts SET state=?3, decided_ms=?4 WHERE access_id=?1 AND field=?2 AND state='open'", x->id, fields[f].name, state, a->now_ms);
	return e ? e : clear_when_none(a, x->panel_id, panel_name);
}

/* The same value as the subscription has it, which stood elsewhere before. */
static int64_t of_subscription(enum terms_field f, int64_t value, int64_t elsewhere_bytes)
{
	return f == FIELD_QUOTA && value ? value + elsewhere_bytes : value;
}

/* More follows from an end than its value. */
static enum err set_wanted(struct act *a, const struct access *x, enum terms_field f, int64_t value)
{
	if (f == FIELD_UNTIL)
		return fleet_hooks.adopts_end(a, x->subscription_id, value);
	return db_run(a->tx, fields[f].adopt_sql, x->subscription_id, of_subscription(f, value, x->elsewhere_bytes), a->now_ms);
}

/* The subscription wants something else now, wherever it stands. */
static enum err ask_other_panels(struct act *a, const struct access *x)
{
	int64_t others;
	enum err e = db_get_i64(&others, a->tx, "SELECT count(*) FROM accesses WHERE subscription_id=?1 AND panel_id<>?2 AND deleted_ms=0", x->subscription_id, x->panel_id);

	return e || !others ? e : fleet_reconcile(a, x->subscription_id, JOB_ROUTINE);
}

static enum err adopt(struct act *a, struct access *x, enum terms_field f, int64_t seen, const char *panel_name)
{
	int64_t value = drift_adopted(f, x->want.at[f], x->wrote.at[f], seen, x->changed_ms);
	enum err e = set_wanted(a, x, f, value);

	if (!e)
		e = db_run(a->tx, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms, decided_ms) VALUES(?1, ?2, ?3, ?4, 'adopted', ?5, ?5)",
			x->id, fields[f].name, arena_printf(a->arena, "%" PRId64, x->wrote.at[f]), arena_printf(a->arena, "%" PRId64, seen), a->now_ms);
	if (!e && !x->reset_days) /* where the panel renews by itself, a later end is its own doing */
		e = note(a, x, panel_name, detail(a, x->email, f, x->wrote.at[f], seen));
	x->want.at[f] = value;
	x->revision++;
	return e ? e : ask_other_panels(a, x);
}

/* *left: it stays as it is on the panel, for a person to decide. */
static enum err report(struct act *a, struct access *x, enum terms_field f, int64_t seen, const char *panel_name, bool *left, int64_t *again_ms)
{
	bool repairs = fleet_hooks.repairs_drift && fleet_hooks.repairs_drift(a);
	int64_t found_ms = a->now_ms;
	enum err e = db_get_i64(&found_ms, a->tx, "SELECT found_ms FROM drifts WHERE access_id=?1 AND field=?2 AND state='open'", x->id, fields[f].name);
	bool is_new = e == E_NOTFOUND;

	x->left[f] = true;
	if (is_new)
		e = db_run(a->tx, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) VALUES(?1, ?2, ?3, ?4, 'open', ?5)",
			x->id, fields[f].name, arena_printf(a->arena, "%" PRId64, x->want.at[f]), arena_printf(a->arena, "%" PRId64, seen), a->now_ms);
	if (!e && is_new)
		e = alert_raise(a, ALERT_WARNING, cause(a, x->panel_id), "drift", panel_name, detail(a, x->email, f, x->want.at[f], seen));
	if (e)
		return e;
	if (f == FIELD_ENABLED && x->want.at[f]) {
		repairs = repairs || a->now_ms >= found_ms + REPAIR_ENABLED_MS;
		if (!repairs && (!*again_ms || *again_ms > found_ms + REPAIR_ENABLED_MS))
			*again_ms = found_ms + REPAIR_ENABLED_MS;
	}
	*left = !repairs;
	return repairs ? close_open(a, x, f, "repaired", panel_name) : OK;
}

/* What is about to be written, or just was, overrules what is seen; a purchase or a gift in all of its values. Any other write
 * leaves alone what waits for a person, and what is off after a reset of ours was not switched by hand (5.6). */
static bool is_busy(const struct access *x, enum terms_field f, bool news)
{
	return news || x->want.at[f] != x->wrote.at[f] || ((x->writing || x->update_due) && !x->left[f]);
}

static enum err read_left(struct act *a, struct access *x)
{
	struct db_rows r;

	memset(x->left, 0, sizeof x->left);
	db_select(&r, a->tx, "SELECT field FROM drifts WHERE access_id=?1 AND state='open'", x->id);
	while (db_next(&r)) {
		enum terms_field f = field_of(db_str(&r, 0));

		if (f < FIELDS)
			x->left[f] = true;
	}
	return db_end(&r);
}

/* Something was bought or given. What is switched off or on alone is not: a ban, an end of one, what time does. */
static bool is_news(const struct access *x)
{
	struct terms as_was = x->wrote;

	as_was.at[FIELD_ENABLED] = x->want.at[FIELD_ENABLED];
	return x->done_reset_rev < x->reset_rev || (x->done_rev < x->revision && memcmp(&x->want, &as_was, sizeof as_was) != 0);
}

enum err drift_check(struct act *a, struct access *x, const struct terms *seen, const char *panel_name, int64_t *again_ms)
{
	bool news = is_news(x);
	enum err e = read_left(a, x);

	for (enum terms_field f = FIELD_UNTIL; !e && f < FIELDS; f++) {
		bool left = false;

		switch (drift_judge(f, x, seen->at[f], is_busy(x, f, news))) {
		case DRIFT_NONE:
			e = close_open(a, x, f, "gone", panel_name);
			break;
		case DRIFT_ADOPT:
			e = adopt(a, x, f, seen->at[f], panel_name);
			break;
		case DRIFT_OVERRULED:
			e = close_open(a, x, f, "repaired", panel_name);
			break;
		case DRIFT_REPORT:
			e = report(a, x, f, seen->at[f], panel_name, &left, again_ms);
			break;
		}
		x->left[f] = left;
		if (left)
			x->want.at[f] = seen->at[f]; /* nobody touches it meanwhile */
		else
			x->wrote.at[f] = seen->at[f];
	}
	return e;
}

enum err drift_gone(struct act *a, const struct access *x, const char *panel_name)
{
	enum err e = db_run(a->tx, "UPDATE drifts SET state='gone', decided_ms=?2 WHERE access_id=?1 AND state='open'", x->id, a->now_ms);

	return e || db_changes(a->tx) == 0 ? e : clear_when_none(a, x->panel_id, panel_name);
}

enum err drift_missing(struct act *a, const struct access *x, const char *panel_name)
{
	enum err e = db_run(a->tx, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms, decided_ms) VALUES(?1, 'exists', '1', '0', 'repaired', ?2, ?2)",
		x->id, a->now_ms);

	return e ? e : note(a, x, panel_name, arena_printf(a->arena, "%s: exists 1 / 0", x->email));
}

/* --- the admin's side --- */

enum err drift_list(struct drift *out, size_t *count, size_t max, struct act *a)
{
	struct db_rows r;

	*count = 0;
	db_select(&r, a->tx, "SELECT d.id, d.access_id, x.subscription_id, d.field, d.wanted, d.seen, x.email, d.found_ms FROM drifts d"
		" JOIN accesses x ON x.id=d.access_id WHERE d.state='open' ORDER BY d.id LIMIT ?1", max);
	while (db_next(&r))
		out[(*count)++] = (struct drift){ .id = db_i64(&r, 0), .access_id = db_i64(&r, 1), .subscription_id = db_i64(&r, 2),
			.field = db_text(&r, 3, a->arena), .wanted = db_text(&r, 4, a->arena), .seen = db_text(&r, 5, a->arena),
			.email = db_text(&r, 6, a->arena), .found_ms = db_i64(&r, 7) };
	return db_end(&r);
}

static const char *const account_sql[FIELDS] = {
	[FIELD_UNTIL] = "UPDATE accesses SET wrote_expires_ms=seen_expires_ms WHERE id=?1",
	[FIELD_QUOTA] = "UPDATE accesses SET wrote_quota_bytes=seen_quota_bytes WHERE id=?1",
	[FIELD_DEVICES] = "UPDATE accesses SET wrote_limit_ip=seen_limit_ip WHERE id=?1",
	[FIELD_ENABLED] = "UPDATE accesses SET wrote_enabled=seen_enabled WHERE id=?1",
};

/* Repaired: what is seen is known of now and differs from what is wanted, so the next look leads to a write. Adopted: what
 * is seen is wanted now. */
static enum err decide(struct act *a, enum terms_field f, const struct access *x, const char *panel_name, int64_t seen, bool repair)
{
	enum err e = db_run(a->tx, account_sql[f], x->id);

	if (!e && !repair)
		e = set_wanted(a, x, f, seen);
	if (!e)
		e = clear_when_none(a, x->panel_id, panel_name);
	return e ? e : access_ask(a, x->subscription_id, x->panel_id, JOB_PERSON);
}

enum err drift_decide(struct act *a, int64_t drift_id, bool repair, int64_t admin_id)
{
	int64_t access_id, subscription_id, panel_id, seen, wanted;
	const char *panel_name;
	bool is_banned;
	enum terms_field f;
	struct access x;
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT d.access_id, x.subscription_id, x.panel_id, d.field, d.seen, p.name, d.wanted, s.ban_stopped FROM drifts d"
		" JOIN accesses x ON x.id=d.access_id JOIN panels p ON p.id=x.panel_id JOIN subscriptions s ON s.id=x.subscription_id"
		" WHERE d.id=?1 AND d.state='open'", drift_id);
	e = db_first(&r);
	if (e)
		return e;
	access_id = db_i64(&r, 0);
	subscription_id = db_i64(&r, 1);
	panel_id = db_i64(&r, 2);
	f = field_of(db_str(&r, 3));
	e = str_to_i64(&seen, db_str(&r, 4));
	panel_name = db_text(&r, 5, a->arena);
	if (!e)
		e = str_to_i64(&wanted, db_str(&r, 6));
	is_banned = db_i64(&r, 7);
	if (db_end(&r) || e || f == FIELDS)
		return E_INVALID;
	e = access_read(&x, a, subscription_id, panel_id, access_id - 1);
	if (e)
		return e;
	if (x.id != access_id || (!repair && x.want.at[f] != wanted))
		return E_NOTFOUND; /* gone, or bought or given more since: what was seen before must not take it away; the next look settles it */
	if (!repair && f == FIELD_QUOTA && seen == 0)
		return E_REFUSED; /* metered stays metered (B30); whoever means it raises the limit in the shop */
	if (!repair && f == FIELD_UNTIL && seen < 0)
		return E_INVALID;
	if (!repair && f == FIELD_ENABLED && seen && is_banned)
		return E_CONFLICT;
	e = db_run(a->tx, "UPDATE drifts SET state=?2, decided_ms=?3, decided_by=?4 WHERE id=?1", drift_id, repair ? "repaired" : "adopted", a->now_ms, admin_id);
	return e ? e : decide(a, f, &x, panel_name, seen, repair);
}
