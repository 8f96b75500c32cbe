/* A plan for several people at once: /grant WHO WHO … (R055).
 *
 *	names ──▶ plan ──▶ confirmation ──▶ a job for each ──▶ one report when all are decided
 *
 * Invariants:
 *  1. Each gift is a job of its own: what fails is noted with its reason and holds up nobody.
 *  2. A row has its order or its error from the commit that made it: a killed process gives nobody anything twice.
 *  3. The list goes with its report, in one transaction: it is reported once. */
#include "bot/admin/admin_private.h"

#include <inttypes.h>

#define JOB_GRANTS "grants"
#define NAMES_MAX 50
#define WHO_POINTS_MAX 40
#define TRIES_MAX 3                       /* of one gift that fails for reasons of ours */
#define LOOK_MS (2 * SECOND_MS)
#define WAIT_MS (10 * MINUTE_MS)          /* then the report says who is still without */
#define UNCONFIRMED_MS DAY_MS

/* --- the names --- */

static bool is_among(int64_t id, const int64_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* One row: whom this word means, or why it means nobody. *user_id 0: nobody. */
static enum err add_name(int64_t *user_id, struct act *a, int64_t list_id, size_t place, struct str who, const int64_t *earlier, size_t earlier_count)
{
	const char *error = NULL;
	struct user u;
	enum err e = user_find(&u, a, who);

	if (e && e != E_NOTFOUND && e != E_CONFLICT)
		return e;
	if (e)
		error = e == E_NOTFOUND ? "nobody" : "several";
	else if (is_among(u.id, earlier, earlier_count))
		error = "twice";
	*user_id = error ? 0 : u.id;
	return db_run(a->tx, "INSERT INTO grants(list_id, place, who, user_id, error) VALUES(?1, ?2, ?3, nullif(?4, 0), ?5)", list_id, (int64_t)place,
		utf8_head(utf8_clean(a->arena, who), WHO_POINTS_MAX), *user_id, error);
}

static enum err add_list(int64_t *list_id, size_t *people, struct talk *t, struct str names)
{
	struct act *a = t->a;
	int64_t ids[NAMES_MAX];
	enum err e = db_run(a->tx, "DELETE FROM grant_lists WHERE started_ms=0 AND created_ms<=?1", a->now_ms - UNCONFIRMED_MS);

	if (!e)
		e = db_run(a->tx, "INSERT INTO grant_lists(admin_id, chat_id, created_ms) VALUES(?1, ?2, ?3)", t->user.id, t->chat_id, a->now_ms);
	*list_id = db_last_id(a->tx);
	*people = 0;
	for (size_t place = 1; !e && names.len; place++) {
		e = add_name(&ids[*people], a, *list_id, place, admin_cut_word(&names), ids, *people);
		*people += !e && ids[*people];
	}
	return e;
}

static size_t count_words(struct str text)
{
	size_t n = 0;

	for (; admin_cut_word(&text).len; n++)
		;
	return n;
}

bool admin_grants_are_meant(struct str args)
{
	return count_words(args) > 1;
}

enum err admin_grants_begin(struct talk *t, struct str names)
{
	struct screen s;
	int64_t list_id;
	size_t people;
	enum err e;

	if (count_words(names) > NAMES_MAX) {
		screen_begin(&s, t);
		screen_text(&s, "admin.grants.at_most", T_INT("max", NAMES_MAX));
		return screen_show(&s);
	}
	e = add_list(&list_id, &people, t, names);
	if (e)
		return e;
	if (!people)
		return admin_say(t, "admin.grants.nobody");
	screen_begin(&s, t);
	screen_text(&s, "admin.grants.choose", T_INT("count", (int64_t)people));
	e = admin_plan_buttons(&s, "a_grants", word_number(t->a, list_id));
	if (e) {
		screen_drop(&s);
		return e == E_NOTFOUND ? admin_say(t, "admin.plans_edit.none") : e;
	}
	return screen_show(&s);
}

/* --- plan and confirmation --- */

/* This admin's list that was not confirmed yet. people: who may get it. */
static enum err find_list(int64_t *list_id, int64_t *people, struct plan *p, struct talk *t, struct str list, struct str plan)
{
	int64_t n;
	enum err e = str_to_i64(list_id, list) || str_to_i64(&n, plan) ? E_NOTFOUND : plan_get(p, t->a, n);
	struct db_rows r;

	if (e)
		return e;
	db_select(&r, t->a->tx, "SELECT (SELECT count(*) FROM grants g WHERE g.list_id=l.id AND g.error IS NULL) FROM grant_lists l"
		" WHERE l.id=?1 AND l.admin_id=?2 AND l.started_ms=0", *list_id, t->user.id);
	e = db_first(&r);
	if (e)
		return e;
	*people = db_i64(&r, 0);
	return db_end(&r);
}

enum err admin_on_grants(struct talk *t, struct str id, struct str arg)
{
	int64_t list_id, people;
	struct screen s;
	struct plan p;
	enum err e = find_list(&list_id, &people, &p, t, id, arg);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	screen_begin(&s, t);
	screen_text(&s, "admin.grants.ask", T_INT("count", people), T_STR("plan", p.name));
	return confirm_show(&s, "grants", arena_printf(t->a->arena, "%" PRId64 ":%" PRId64, list_id, p.id), NULL);
}

/* The names that mean somebody, and place 0 for the report. */
static enum err add_jobs(struct act *a, int64_t list_id)
{
	const char *subjects[NAMES_MAX + 1];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT place FROM grants WHERE list_id=?1 AND error IS NULL ORDER BY place LIMIT ?2", list_id, (int64_t)NAMES_MAX);
	while (db_next(&r))
		subjects[n++] = arena_printf(a->arena, "%" PRId64 ":%" PRId64, list_id, db_i64(&r, 0));
	e = db_end(&r);
	subjects[n++] = arena_printf(a->arena, "%" PRId64 ":0", list_id);
	for (size_t i = 0; !e && i < n; i++)
		e = job_add(a, JOB_GRANTS, subjects[i], 0, JOB_PERSON, a->now_ms);
	return e;
}

enum err admin_do_grants(struct talk *t, struct str subject, const char *reason)
{
	struct str list = str_cut(&subject, ':');
	int64_t list_id, people;
	struct plan p;
	enum err e = find_list(&list_id, &people, &p, t, list, subject);

	if (!e)
		e = db_run(t->a->tx, "UPDATE grant_lists SET plan_id=?2, started_ms=?3 WHERE id=?1", list_id, p.id, t->a->now_ms);
	if (!e)
		e = add_jobs(t->a, list_id);
	if (!e)
		e = admin_note(t, "grants", "plan", word_number(t->a, p.id), reason, word_number(t->a, people));
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return admin_say(t, "admin.grants.working");
}

/* --- one after the other --- */

struct list { int64_t id, place, admin_id, chat_id, plan_id, started_ms; }; /* place: of the gift a job is for; 0: the report */

static enum err read_list(struct list *out, struct act *a, const struct job *job)
{
	struct str place = str_of(job->subject), id = str_cut(&place, ':');
	struct db_rows r;
	enum err e = str_to_i64(&out->id, id) || str_to_i64(&out->place, place) ? E_NOTFOUND : OK;

	if (e)
		return e;
	db_select(&r, a->tx, "SELECT admin_id, chat_id, plan_id, started_ms FROM grant_lists WHERE id=?1 AND started_ms>0", out->id);
	e = db_first(&r);
	if (e)
		return e;
	out->admin_id = db_i64(&r, 0);
	out->chat_id = db_i64(&r, 1);
	out->plan_id = db_i64(&r, 2);
	out->started_ms = db_i64(&r, 3);
	return db_end(&r);
}

/* E_NOROOM: there is no place for it, and nothing was written. */
static enum err give(int64_t *order_id, struct act *a, const struct list *l, int64_t user_id)
{
	struct user u, admin;
	struct order o;
	struct plan p;
	enum err e = user_get(&u, a, user_id);

	if (!e)
		e = user_get(&admin, a, l->admin_id);
	if (!e)
		e = plan_get(&p, a, l->plan_id);
	if (!e)
		e = order_grant(&o, a, &u, &p, p.days, &admin);
	if (!e)
		*order_id = o.id;
	return e;
}

/* An error of ours undoes this gift alone and is tried again a few times; then it is its outcome. */
static enum err take_one(struct act *a, struct job *job, const struct list *l)
{
	const char *error = NULL;
	int64_t user_id, order_id = 0;
	enum err e = db_get_i64(&user_id, a->tx, "SELECT user_id FROM grants WHERE list_id=?1 AND place=?2 AND order_id IS NULL AND error IS NULL", l->id, l->place);

	if (e == E_NOTFOUND) {
		job_done(job);
		return OK;
	}
	if (e)
		return e;
	if (job->attempts >= TRIES_MAX)
		error = "failed";
	else
		e = give(&order_id, a, l, user_id);
	if (e == E_NOROOM)
		error = "full";
	else if (e)
		return e;
	job_done(job);
	return db_run(a->tx, "UPDATE grants SET order_id=nullif(?3, 0), error=?4 WHERE list_id=?1 AND place=?2", l->id, l->place, order_id, error);
}

/* --- the report --- */

static const char *error_key(struct act *a, const char *error)
{
	return arena_printf(a->arena, "admin.grants.error_%s", error);
}

/* who, error, whether it is delivered, e-mail, and the panel's reason */
static void report_line(struct screen *s, struct db_rows *r)
{
	struct str who = str_of(db_text(r, 0, s->a->arena));
	const char *error = db_text(r, 1, s->a->arena), *email = db_text(r, 3, s->a->arena), *reason = db_text(r, 4, s->a->arena);

	if (error)
		screen_text(s, "admin.grants.line_error", T_STR("who", who), T_KEY("error", error_key(s->a, error)));
	else if (db_i64(r, 2))
		screen_text(s, "admin.grants.line", T_STR("who", who), T_STR("email", email ? email : "–"));
	else
		screen_text(s, "admin.grants.line_waits", T_STR("who", who), T_HTML("reason", admin_reason_text(s, reason)));
}

static enum err report(struct act *a, const struct list *l)
{
	struct screen s;
	struct db_rows r;
	int64_t all = 0, given = 0;
	enum err e = db_get_i64(&all, a->tx, "SELECT count(*) FROM grants WHERE list_id=?1", l->id);

	if (!e)
		e = db_get_i64(&given, a->tx, "SELECT count(*) FROM grants g JOIN orders o ON o.id=g.order_id WHERE g.list_id=?1 AND o.state='delivered'", l->id);
	if (!e)
		e = admin_begin_chat(&s, a, l->chat_id);
	if (e)
		return e;
	screen_text(&s, "admin.grants.report", T_ID("given", given), T_ID("all", all));
	db_select(&r, a->tx, "SELECT g.who, g.error, o.state='delivered',"
		" (SELECT x.email FROM accesses x WHERE x.subscription_id=o.subscription_id AND x.deleted_ms=0 ORDER BY x.id DESC LIMIT 1),"
		" (SELECT j.reason FROM jobs j WHERE j.kind=?2 AND j.subject LIKE o.subscription_id || ':%' ORDER BY j.attempts DESC LIMIT 1)"
		" FROM grants g LEFT JOIN orders o ON o.id=g.order_id WHERE g.list_id=?1 ORDER BY g.error IS NULL, g.place", l->id, fleet_job_reconcile.name);
	while (db_next(&r))
		report_line(&s, &r);
	e = db_end(&r);
	if (!e)
		e = db_run(a->tx, "DELETE FROM grant_lists WHERE id=?1", l->id);
	if (e) {
		screen_drop(&s);
		return e;
	}
	return screen_send(&s, &(struct send_as){ .lane = LANE_INTERACTIVE, .unknown = UNKNOWN_AGAIN });
}

/* Not yet when somebody's turn is still to come, or a panel still works on it. */
static enum err report_if_decided(struct act *a, struct job *job, const struct list *l)
{
	int64_t turns = 0, panels = 0;
	enum err e = db_get_i64(&turns, a->tx, "SELECT count(*) FROM grants WHERE list_id=?1 AND order_id IS NULL AND error IS NULL", l->id);

	if (!e)
		e = db_get_i64(&panels, a->tx, "SELECT count(*) FROM grants g JOIN orders o ON o.id=g.order_id WHERE g.list_id=?1 AND o.state='paid'", l->id);
	if (e)
		return e;
	if (turns || (panels && a->now_ms < l->started_ms + WAIT_MS)) {
		job_later(job, a->now_ms + LOOK_MS, NULL);
		return OK;
	}
	job_done(job);
	return report(a, l);
}

static enum err begin(struct act *a, struct job *job)
{
	struct list l;
	enum err e = read_list(&l, a, job);

	if (e == E_NOTFOUND) { /* reported */
		job_done(job);
		return OK;
	}
	if (e)
		return e;
	return l.place ? take_one(a, job, &l) : report_if_decided(a, job, &l);
}

const struct job_kind admin_job_grants = { .name = JOB_GRANTS, .begin = begin, .backoff_ms = SECOND_MS, .backoff_max_ms = MINUTE_MS };
