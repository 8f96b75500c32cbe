/* The regular look at a panel's clients, all of them in one reading: usage for the customers' cards, drift before anybody pays.
 *
 * A sweep decides nothing. Whoever is exactly as the last look has left them is noted, with what they have used; whoever is
 * not, or was never agreed upon, is looked at alone by a reconcile job, which knows what to make of it. "Exactly" is a mark
 * of everything a look depends on: the client, and what its links are made from. */
#include "bot/fleet/fleet_private.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

#define REST_MS (30 * MINUTE_MS) /* nobody is looked at again before */
#define SWEEP_MAX 1000           /* accesses in one sweep, those first that were not seen for the longest time */
#define CHANGED_MAX 100          /* of them with news about their usage: what a turn has time for. The rest waits for the next sweep */
#define LOOKS_MAX 50             /* the same for looks at one alone: a panel that was restored differs in a thousand places */
#define GO_ON_MS MINUTE_MS       /* until the next sweep, when this one has left some */
#define PLACES_KEPT 16

struct swept {
	struct str email;
	int64_t id, subscription_id, inbound_id, mark, up_bytes, down_bytes; /* as the last look has left it */
	/* as the panel has it */
	unsigned clients, rows;      /* there are so many of this name */
	uint64_t client_mark, row_mark;
	int64_t up_now_bytes, down_now_bytes;
};

struct run {
	struct work work;
	struct swept *list;          /* by e-mail */
	size_t count, noted, changed, looks;
	bool more;                   /* than this sweep has room for */
	struct { int64_t inbound_id; uint64_t mark; } places[PLACES_KEPT];
	size_t places_count;
};

/* --- marks --- */

static uint64_t mark_bytes(uint64_t mark, struct str s)
{
	return hash_bytes(hash_bytes(mark, s), STR("\xFF")); /* the end: no byte of UTF-8 */
}

static uint64_t mark_number(uint64_t mark, int64_t n)
{
	return mark_bytes(mark, str_n((const char *)&n, sizeof n));
}

static uint64_t mark_client(const struct xui_client *c)
{
	const struct str texts[] = { c->email, c->uuid, c->password, c->auth, c->sub_id, c->flow, c->comment };
	const int64_t numbers[] = { c->quota_bytes, c->expires_ms, c->limit_ip, c->tg_id, c->reset_days, c->enabled };
	uint64_t mark = HASH_START, inbounds = 0;

	for (size_t i = 0; i < countof(texts); i++)
		mark = mark_bytes(mark, texts[i]);
	for (size_t i = 0; i < countof(numbers); i++)
		mark = mark_number(mark, numbers[i]);
	for (size_t i = 0; i < c->inbounds_count; i++)
		inbounds += mark_number(HASH_START, c->inbound_ids[i]); /* in whatever order */
	return mark_number(mark, (int64_t)inbounds);
}

static uint64_t mark_row(const struct xui_traffic *t)
{
	const int64_t numbers[] = { t->quota_bytes, t->expires_ms, t->reset_days, t->enabled };
	uint64_t mark = HASH_START;

	for (size_t i = 0; i < countof(numbers); i++)
		mark = mark_number(mark, numbers[i]);
	return mark;
}

/* What else links are made from (link_build). */
static enum err mark_place(uint64_t *mark, struct act *a, const struct work *w, int64_t inbound_id)
{
	struct inbound in = { .host = NULL };
	enum err e = inbound_get(&in, a, w->panel_id, inbound_id);
	const char *const texts[] = { w->panel.url, w->host, in.host, in.body, in.hosts };

	*mark = mark_number(HASH_START, w->panel.dialect);
	for (size_t i = 0; i < countof(texts); i++)
		*mark = mark_bytes(*mark, str_of(texts[i]));
	return e == E_NOTFOUND ? OK : e;
}

/* Never 0: that is no mark at all. */
static int64_t joined(uint64_t client, uint64_t row, uint64_t place)
{
	return (int64_t)(mark_number(mark_number(client, (int64_t)row), (int64_t)place) | 1);
}

enum err access_mark(int64_t *mark, struct act *a, const struct work *w, const struct access *x, const struct xui_look *l)
{
	uint64_t place;
	enum err e = mark_place(&place, a, w, x->inbound_id);

	*mark = l->found == 1 && l->has_row ? joined(mark_client(&l->client), mark_row(&l->traffic), place) : 0;
	return e;
}

static enum err place_of(uint64_t *mark, struct act *a, struct run *r, int64_t inbound_id)
{
	enum err e;

	for (size_t i = 0; i < r->places_count; i++)
		if (r->places[i].inbound_id == inbound_id) {
			*mark = r->places[i].mark;
			return OK;
		}
	e = mark_place(mark, a, &r->work, inbound_id);
	if (e || r->places_count == PLACES_KEPT)
		return e;
	r->places[r->places_count].inbound_id = inbound_id;
	r->places[r->places_count++].mark = *mark;
	return OK;
}

/* --- what the panel lists --- */

static int by_email(const void *a, const void *b)
{
	struct str x = ((const struct swept *)a)->email, y = ((const struct swept *)b)->email;
	int order = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);

	return order ? order : (x.len > y.len) - (x.len < y.len);
}

static struct swept *find(struct run *r, struct str email)
{
	const struct swept key = { .email = email };

	return bsearch(&key, r->list, r->count, sizeof key, by_email);
}

static enum err on_client(void *ctx, const struct xui_client *c)
{
	struct swept *s = find(ctx, c->email);

	if (!s)
		return OK;
	s->clients++;
	s->client_mark = mark_client(c);
	return OK;
}

static enum err on_traffic(void *ctx, const struct xui_traffic *t)
{
	struct swept *s = find(ctx, t->email);

	if (!s)
		return OK;
	s->rows++;
	s->row_mark = mark_row(t);
	s->up_now_bytes = t->up_bytes;
	s->down_now_bytes = t->down_bytes;
	return OK;
}

static void on_restart(void *ctx)
{
	struct run *r = ctx;

	for (size_t i = 0; i < r->count; i++)
		r->list[i].clients = r->list[i].rows = 0;
}

/* --- what is made of it --- */

static enum err is_as_before(bool *as_before, struct act *a, struct run *r, const struct swept *s)
{
	uint64_t place;
	enum err e = place_of(&place, a, r, s->inbound_id);

	*as_before = !e && s->clients == 1 && s->rows == 1 && joined(s->client_mark, s->row_mark, place) == s->mark;
	return e;
}

static enum err note_usage(struct act *a, struct run *r, const struct swept *s)
{
	struct access x;
	enum err e;

	if (s->up_now_bytes == s->up_bytes && s->down_now_bytes == s->down_bytes)
		return db_run(a->tx, "UPDATE subscriptions SET used_seen_ms=?2 WHERE id=?1 AND used_seen_ms>0", s->subscription_id, a->now_ms);
	r->changed++;
	e = access_read(&x, a, s->subscription_id, r->work.panel_id, s->id - 1);
	return e || x.id != s->id ? e : access_used(a, &x, s->up_now_bytes, s->down_now_bytes);
}

static enum err look_alone(struct act *a, struct run *r, int64_t subscription_id)
{
	r->looks++;
	return access_ask(a, subscription_id, r->work.panel_id, JOB_ROUTINE);
}

static enum err take(struct act *a, struct run *r, const struct swept *s)
{
	bool as_before, no_room;
	enum err e = is_as_before(&as_before, a, r, s);

	no_room = as_before ? r->changed == CHANGED_MAX : r->looks == LOOKS_MAX;
	r->more = r->more || no_room;
	if (e || no_room)
		return e;
	if (!as_before)
		return look_alone(a, r, s->subscription_id);
	e = db_run(a->tx, "UPDATE accesses SET seen_ms=?2 WHERE id=?1 AND deleted_ms=0 AND writing=0", s->id, a->now_ms);
	if (e || db_changes(a->tx) == 0)
		return e;
	r->noted++;
	return note_usage(a, r, s);
}

/* --- the job --- */

/* Nothing is wanted of it that its panel has not agreed to, and nothing waits for a person. */
#define AGREED_SQL "(x.seen_mark<>0 AND x.seen_ms>1 AND x.done_rev=s.revision AND x.writing=0 AND x.update_due=0 AND x.rename IS NULL" \
	" AND x.replaces_id IS NULL AND NOT EXISTS (SELECT 1 FROM drifts d WHERE d.access_id=x.id AND d.state='open'))"

static enum err read_due(struct act *a, struct job *job, struct run *r)
{
	struct db_rows rows;
	enum err e = OK;

	db_select(&rows, a->tx, "SELECT x.id, x.subscription_id, x.inbound_id, x.email, x.seen_mark, x.seen_up_bytes, x.seen_down_bytes, " AGREED_SQL
		" FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id WHERE x.panel_id=?1 AND x.deleted_ms=0 AND x.seen_exists=1 AND x.seen_ms<=?2"
		" ORDER BY x.seen_ms LIMIT ?3", r->work.panel_id, a->now_ms - REST_MS, SWEEP_MAX);
	while (!e && db_next(&rows)) {
		if (!r->list)
			r->list = arena_array(&job->arena, struct swept, SWEEP_MAX);
		if (db_i64(&rows, 7))
			r->list[r->count++] = (struct swept){ .id = db_i64(&rows, 0), .subscription_id = db_i64(&rows, 1), .inbound_id = db_i64(&rows, 2),
				.email = str_of(db_text(&rows, 3, &job->arena)), .mark = db_i64(&rows, 4), .up_bytes = db_i64(&rows, 5), .down_bytes = db_i64(&rows, 6) };
		else if (r->looks < LOOKS_MAX)
			e = look_alone(a, r, db_i64(&rows, 1));
	}
	if (db_end(&rows) && !e)
		e = rows.error;
	r->more = r->count == SWEEP_MAX;
	if (r->count)
		qsort(r->list, r->count, sizeof *r->list, by_email);
	return e;
}

static enum err begin(struct act *a, struct job *job)
{
	struct run *r = arena_new(&job->arena, struct run);
	struct xui_ask ask = { .what = XUI_CLIENTS, .sinks = { .on_client = on_client, .on_traffic = on_traffic, .on_restart = on_restart, .ctx = r } };
	int64_t panel_id;
	bool ended = true;
	enum err e = str_to_i64(&panel_id, str_of(job->subject));

	job->state = r;
	if (!e)
		e = work_open(&r->work, a, job, panel_id);
	if (e == E_NOTFOUND || e == E_INVALID || (!e && r->work.state != PANEL_OK)) {
		job_done(job); /* gone; or the watch says when it is back */
		return OK;
	}
	if (!e)
		e = read_due(a, job, r);
	if (!e && r->count)
		e = work_begin(&r->work, a, job, &ask, &ended);
	if (!e && ended)
		job_done(job);
	return e;
}

static enum err answer(struct act *a, struct job *job, const struct http_response *response)
{
	struct run *r = job->state;
	bool ended;
	enum err e = work_answer(&r->work, a, job, response, &ended);

	if (e || !ended)
		return e;
	if (r->work.result->err || r->work.is_outdated) {
		job_done(job); /* the next one is a quarter of an hour away */
		return OK;
	}
	for (size_t i = 0; !e && i < r->count; i++)
		e = take(a, r, &r->list[i]);
	if (!e && r->more && r->noted) /* else it would read the same again for nothing */
		job_later(job, a->now_ms + GO_ON_MS, NULL);
	else if (!e)
		job_done(job);
	return e;
}

static void release(struct job *job)
{
	work_release(&((struct run *)job->state)->work);
}

const struct job_kind fleet_job_sweep = { .name = JOB_SWEEP, .begin = begin, .answer = answer, .backoff_ms = 30 * SECOND_MS,
	.backoff_max_ms = 5 * MINUTE_MS, .release = release };

enum err fleet_look_due(struct act *a)
{
	return panel_job_each(a, JOB_SWEEP);
}
