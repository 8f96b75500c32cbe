/* Jobs: taking them up, their steps, their ends. See jobs.h for the life of one. */
#include "bot/core/core_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"

enum { QUEUED, CLAIMED, PARKED };

#define LANES_MAX 256
#define REASON_BYTES_MAX 500
#define SUSPECT_LOOK_MS SECOND_MS /* whether the one before it is through */
#define REST_MS (60 * MINUTE_MS) /* of a job that takes the program with it */

/* --- for handlers --- */

enum err job_add(struct act *a, const char *kind, const char *subject, int64_t lane, enum job_prio prio, int64_t at_ms)
{
	if (at_ms < a->core->turn.jobs_next_ms)
		a->core->turn.jobs_next_ms = at_ms;
	if (at_ms < a->core->jobs_next_ms)
		a->core->jobs_next_ms = at_ms; /* this very turn takes it up; if the turn is undone, looking once in vain costs nothing */
	return db_run(a->tx, "INSERT INTO jobs(kind, subject, lane, prio, next_ms, created_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
		" ON CONFLICT(kind, subject) DO UPDATE SET again=CASE state WHEN 1 THEN 1 ELSE 0 END, prio=min(prio, ?4), lane=?3,"
		" attempts=CASE state WHEN 2 THEN 0 ELSE attempts END, crashes=CASE state WHEN 2 THEN 0 ELSE crashes END,"
		" next_ms=CASE WHEN state=2 THEN ?5 WHEN crashes>=?7 AND ?4=?8 THEN next_ms ELSE min(next_ms, ?5) END, state=CASE state WHEN 2 THEN 0 ELSE state END",
		kind, subject, lane, prio, at_ms, a->now_ms, CRASHES_PARK - 1, JOB_ROUTINE);
}

static void decide(struct job *job, enum job_next next)
{
	assert(job->next == JOB_UNDECIDED); /* a step says once what is next */
	job->next = next;
}

void job_call(struct job *job, struct http_request *request)
{
	decide(job, JOB_CALL);
	job->request = request;
}

void job_done(struct job *job)
{
	decide(job, JOB_DONE);
}

void job_later(struct job *job, int64_t at_ms, const char *reason)
{
	decide(job, JOB_LATER);
	job->next_ms = at_ms;
	job->reason = reason;
}

void job_park(struct job *job, const char *reason)
{
	decide(job, JOB_PARK);
	job->reason = reason;
}

/* --- runs --- */

static const struct job_kind *kind_of(const struct core *c, struct str name)
{
	for (size_t i = 0; i < c->tables->jobs_count; i++)
		if (str_is(name, c->tables->jobs[i]->name))
			return c->tables->jobs[i];
	return NULL;
}

static struct run *run_new(struct core *c, int64_t id, const struct job_kind *kind, struct str subject, int64_t lane, int attempts, int crashes)
{
	struct run *r = xcalloc(1, sizeof *r);

	r->caller = CALLER_RUN;
	r->job.id = id;
	r->job.kind = kind;
	r->job.subject = str_dup(&r->job.arena, subject);
	r->job.lane = lane;
	r->job.attempts = attempts;
	r->job.crashes = crashes;
	r->suspect = crashes > 0;
	LIST_ADD(&c->runs, r);
	c->runs_count++;
	return r;
}

static void run_free(struct core *c, struct run *r)
{
	LIST_REMOVE(r);
	c->runs_count--;
	if (r->job.state && r->job.kind->release)
		r->job.kind->release(&r->job);
	arena_release(&r->job.arena);
	free(r);
}

static size_t running(const struct core *c, int64_t lane)
{
	size_t n = 0;

	for (const struct run *r = c->runs.next; r != &c->runs; r = r->next)
		n += r->job.lane == lane;
	return n;
}

static void end_run(struct core *c, struct run *r)
{
	GROW(c->turn.ended, c->turn.ended_count, c->turn.ended_cap);
	c->turn.ended[c->turn.ended_count++] = r;
	c->jobs_next_ms = 0; /* its lane may have others waiting */
}

/* --- what a step decided --- */

/* Asked for while it was under way, it may have decided without what it was asked for: once more, as if it were new. */
static enum err run_again(bool *again, struct core *c, const struct run *r)
{
	enum err e = db_run(c->db, "UPDATE jobs SET state=0, crashes=0, attempts=0, again=0, next_ms=?2, reason=NULL WHERE id=?1 AND again=1", r->job.id, clock_now_ms());

	*again = !e && db_changes(c->db) > 0;
	return e;
}

static enum err tell_parked(struct core *c, struct run *r, const char *reason)
{
	struct act a = core_act(c);
	bool again;
	enum err e = run_again(&again, c, r);

	if (e || again)
		return e;
	e = db_run(c->db, "UPDATE jobs SET state=2, crashes=0, reason=?2 WHERE id=?1", r->job.id, reason);

	log_error("job.parked", KV("kind", r->job.kind->name), KV("subject", r->job.subject), KV("reason", reason ? reason : ""));
	if (!e && r->job.kind->parked)
		e = r->job.kind->parked(&a, &r->job);
	return e;
}

static const char *rest_cause(struct act *a, const struct run *r)
{
	return arena_printf(a->arena, "job.rests:%s", r->job.kind->name);
}

/* It has taken the program with it, or was under way each time that something else did. Nobody is told of it who would take
 * it up again, so it comes by itself, seldom enough to harm nobody, and one more crash is enough to let it rest again. */
static enum err rest(struct core *c, struct run *r)
{
	struct act a = core_act(c);
	enum err e = db_run(c->db, "UPDATE jobs SET state=0, crashes=?2, next_ms=?3, reason='crash' WHERE id=?1", r->job.id, CRASHES_PARK - 1, clock_now_ms() + REST_MS);

	log_error("job.rests", KV("kind", r->job.kind->name), KV("subject", r->job.subject));
	return e ? e : alert_raise(&a, ALERT_WARNING, rest_cause(&a, r), "job_rests", r->job.kind->name, NULL);
}

/* A step has ended and the program runs. It is over when no other job of this kind rests: they are told as one. */
static enum err rested(struct core *c, struct run *r)
{
	struct act a = core_act(c);
	int64_t others;
	enum err e;

	if (r->job.crashes < CRASHES_PARK - 1)
		return OK;
	r->job.crashes = 0;
	e = db_get_i64(&others, c->db, "SELECT count(*) FROM jobs WHERE kind=?1 AND id<>?2 AND state=0 AND crashes>=?3", r->job.kind->name, r->job.id, CRASHES_PARK - 1);
	return e || others ? e : alert_clear(&a, rest_cause(&a, r), r->job.kind->name);
}

static enum err put_off(struct core *c, struct run *r, int64_t at_ms, const char *reason)
{
	const struct job_kind *k = r->job.kind;
	int attempts = r->job.attempts + (reason != NULL);
	enum err e = rested(c, r);

	if (e)
		return e;
	if (reason && k->attempts_max && attempts >= k->attempts_max)
		return tell_parked(c, r, reason);
	if (!at_ms)
		at_ms = clock_now_ms() + core_backoff_ms(k->backoff_ms, k->backoff_max_ms, attempts ? attempts : 1);
	if (reason)
		log_warn("job.later", KV("kind", k->name), KV("subject", r->job.subject), KV("attempts", attempts), KV("reason", reason));
	if (at_ms < c->turn.jobs_next_ms)
		c->turn.jobs_next_ms = at_ms;
	/* asked for while under way: at once, as if it were new */
	return db_run(c->db, "UPDATE jobs SET state=0, crashes=0, attempts=?2, next_ms=CASE again WHEN 1 THEN 0 ELSE ?3 END, again=0, reason=?4 WHERE id=?1",
		r->job.id, attempts, at_ms, reason ? utf8_head_bytes(str_of(reason), REASON_BYTES_MAX) : str_of(NULL));
}

static enum err finish(struct core *c, struct run *r)
{
	bool again;
	enum err e = run_again(&again, c, r);

	if (!e && !again)
		e = db_run(c->db, "DELETE FROM jobs WHERE id=?1", r->job.id);
	return e ? e : rested(c, r);
}

static enum err claim(struct core *c, struct run *r)
{
	GROW(c->turn.calls, c->turn.calls_count, c->turn.calls_cap);
	c->turn.calls[c->turn.calls_count++] = r;
	if (r->claimed)
		return OK;
	r->claimed = true;
	return db_run(c->db, "UPDATE jobs SET state=1, crashes=crashes+1, again=0 WHERE id=?1", r->job.id);
}

static enum err apply(struct core *c, struct run *r)
{
	struct job *j = &r->job;
	enum err e = OK;

	switch (j->next) {
	case JOB_UNDECIDED: assert(!"a job step must say what is next"); break;
	case JOB_CALL: return claim(c, r);
	case JOB_DONE: e = finish(c, r); break;
	case JOB_LATER: e = put_off(c, r, j->next_ms, j->reason); break;
	case JOB_PARK: e = tell_parked(c, r, j->reason); break;
	}
	end_run(c, r);
	return e;
}

/* One step in its savepoint. An error of the step undoes it and is a failed attempt. */
static enum err step(struct core *c, struct run *r, const struct http_response *response)
{
	struct act a = core_act(c);
	struct turn_mark mark = turn_mark(c);
	enum err e = db_savepoint(c->db), failed;

	if (e)
		return e;
	r->job.next = JOB_UNDECIDED;
	r->job.request = NULL;
	r->job.reason = NULL;
	r->job.next_ms = 0;
	failed = response ? r->job.kind->answer(&a, &r->job, response) : r->job.kind->begin(&a, &r->job);
	if (!failed) {
		e = db_savepoint_keep(c->db);
		return e ? e : apply(c, r);
	}
	turn_undo(c, mark);
	e = db_savepoint_undo(c->db);
	if (e)
		return e;
	end_run(c, r);
	return put_off(c, r, 0, err_name(failed));
}

enum err jobs_answer(struct core *c, struct run *r, const struct http_response *response)
{
	return step(c, r, response);
}

/* --- taking up --- */

/* After an unclean stop the crash is counted before begin runs: it is claimed with this turn and begins in the next. A commit of
 * its own in the middle of a turn would take along what was decided before it, and not the messages that belong to that. */
static enum err take_up(struct core *c, struct run *r)
{
	enum err e;

	if (r->job.crashes >= CRASHES_PARK) {
		e = r->job.kind->parked ? tell_parked(c, r, "crash") : rest(c, r);
		end_run(c, r);
		return e;
	}
	if (!c->careful_until_us)
		return step(c, r, NULL);
	e = claim(c, r);
	r->job.crashes++;
	return e;
}

/* Of several suspects somebody's money goes first: a panel that does not answer keeps those behind it waiting. In the careful
 * time alone, as what waits there may never come. */
static enum err count_more_urgent(int64_t *n, struct core *c, int prio, int64_t now_ms)
{
	*n = 0;
	if (!c->careful_until_us)
		return OK;
	return db_get_i64(n, c->db, "SELECT count(*) FROM jobs WHERE state=0 AND crashes>0 AND prio<?1 AND next_ms<=?2", prio, now_ms);
}

static enum err take_lane(struct core *c, int64_t lane, size_t max)
{
	int64_t now_ms = clock_now_ms();

	for (int prio = JOB_MONEY; prio <= JOB_ROUTINE; prio++) {
		struct run *taken[JOBS_FREE_MAX];
		struct db_rows rows;
		size_t n = 0;
		int64_t more_urgent;
		enum err e;

		if (!max)
			return OK;
		e = count_more_urgent(&more_urgent, c, prio, now_ms);
		if (e)
			return e;
		db_select(&rows, c->db, "SELECT id, kind, subject, attempts, crashes FROM jobs WHERE state=0 AND lane=?1 AND prio=?2 AND next_ms<=?3"
			" ORDER BY next_ms, id", lane, prio, now_ms);
		while (n < max && db_next(&rows)) { /* who is passed over takes nobody's place */
			const struct job_kind *kind = kind_of(c, db_str(&rows, 1));

			if (!kind) {
				log_error("job.unknown_kind", KV("kind", db_str(&rows, 1)));
				continue;
			}
			if (db_i64(&rows, 4) && (more_urgent || !careful_takes_suspect(c))) {
				c->jobs_next_ms = now_ms + SUSPECT_LOOK_MS;
				continue;
			}
			taken[n++] = run_new(c, db_i64(&rows, 0), kind, db_str(&rows, 2), lane, (int)db_i64(&rows, 3), (int)db_i64(&rows, 4));
		}
		e = db_end(&rows);
		max -= n;
		for (size_t i = 0; i < n; i++) {
			if (!e)
				e = take_up(c, taken[i]);
			else
				end_run(c, taken[i]);
		}
		if (e)
			return e;
	}
	return OK;
}

/* Rows that say claimed and have no run: their run was given up when a commit failed. */
static enum err find_orphans(struct core *c)
{
	struct db_rows rows;
	enum err e = OK;
	int64_t ids[64];
	size_t n = 0;

	if (!c->orphans)
		return OK;
	db_select(&rows, c->db, "SELECT id FROM jobs WHERE state=1");
	while (n < countof(ids) && db_next(&rows)) {
		bool live = false;

		for (const struct run *r = c->runs.next; r != &c->runs; r = r->next)
			live = live || r->job.id == db_i64(&rows, 0);
		if (!live)
			ids[n++] = db_i64(&rows, 0);
	}
	e = db_end(&rows);
	for (size_t i = 0; !e && i < n; i++)
		e = db_run(c->db, "UPDATE jobs SET state=0, crashes=0, again=0, next_ms=0 WHERE id=?1", ids[i]);
	if (!e && n < countof(ids))
		c->orphans = false;
	return e;
}

/* Nothing else of ours is under way beside one that was at two ends: so the third tells whether it was this one. What has begun
 * already ends first; what would begin waits, for as long as it takes and no longer. *only: nothing else may be taken up. */
static enum err take_alone(bool *only, struct core *c)
{
	struct run *r = NULL;
	struct db_rows row;
	enum err e;

	*only = false;
	for (const struct run *out = c->runs.next; out != &c->runs; out = out->next)
		*only = *only || out->alone;
	if (*only || !c->suspects_left)
		return OK;
	db_select(&row, c->db, "SELECT id, kind, subject, lane, attempts, crashes FROM jobs WHERE state=0 AND crashes BETWEEN ?1 AND ?2 AND next_ms<=?3"
		" ORDER BY prio, next_ms, id", CRASHES_ALONE, CRASHES_PARK - 1, clock_now_ms());
	while (!*only && db_next(&row)) { /* what is of a kind that is no more keeps nobody waiting */
		const struct job_kind *kind = kind_of(c, db_str(&row, 1));

		*only = kind && careful_takes_suspect(c);
		if (*only && LIST_EMPTY(&c->runs)) {
			r = run_new(c, db_i64(&row, 0), kind, db_str(&row, 2), db_i64(&row, 3), (int)db_i64(&row, 4), (int)db_i64(&row, 5));
			r->alone = true;
		}
	}
	e = db_end(&row);
	if (e && r)
		end_run(c, r);
	return e || !r ? e : take_up(c, r);
}

/* Whether there are any is known at a start, and none is added until the next one. */
static enum err look_for_suspects(struct core *c)
{
	int64_t n = 0;
	enum err e = c->suspects_left ? db_get_i64(&n, c->db, "SELECT count(*) FROM jobs WHERE state<2 AND crashes>=?1", CRASHES_ALONE) : OK;

	if (!e)
		c->suspects_left = n > 0;
	return e;
}

enum err jobs_take(struct core *c)
{
	int64_t lanes[LANES_MAX], lane = -1, now_ms = clock_now_ms();
	size_t n = 0;
	bool only;
	enum err e = find_orphans(c);

	if (e || c->jobs_next_ms > now_ms)
		return e;
	if (careful_row_is_next(c)) {
		c->jobs_next_ms = c->inbox_next_ms; /* jobs that follow each other would leave it no turn without an event */
		return OK;
	}
	e = look_for_suspects(c);
	if (!e)
		e = take_alone(&only, c);
	if (e)
		return e;
	if (only) {
		c->jobs_next_ms = now_ms + SUSPECT_LOOK_MS;
		return OK;
	}
	while (n < countof(lanes) && (e = db_get_i64(&lane, c->db, "SELECT min(lane) FROM jobs WHERE state=0 AND lane>?1", lane)) == OK)
		lanes[n++] = lane;
	if (e != OK && e != E_NOTFOUND)
		return e;
	c->jobs_next_ms = INT64_MAX;
	e = OK;
	for (size_t i = 0; !e && i < n; i++) {
		size_t may = lanes[i] ? 1 : JOBS_FREE_MAX, busy = running(c, lanes[i]);

		if (c->careful_until_us)
			may = 1;
		if (busy < may)
			e = take_lane(c, lanes[i], may - busy);
	}
	if (e)
		return e;
	/* what is due and was not taken waits for its lane; the end of a run looks again */
	e = db_get_i64(&lane, c->db, "SELECT min(next_ms) FROM jobs WHERE state=0 AND next_ms>?1", now_ms);
	if (e == OK && lane < c->jobs_next_ms)
		c->jobs_next_ms = lane;
	return e == E_NOTFOUND ? OK : e;
}

/* --- after the commit, or without it --- */

void jobs_send(struct core *c)
{
	for (size_t i = 0; i < c->turn.ended_count; i++)
		run_free(c, c->turn.ended[i]);
	if (c->turn.ended_count)
		c->jobs_next_ms = 0;
	if (c->turn.calls_count)
		STEP("jobs.claimed");
	for (size_t i = 0; i < c->turn.calls_count; i++) {
		struct run *r = c->turn.calls[i];

		if (!r->job.request) { /* only claimed so far: it begins in the next turn */
			core_begin(c, r);
			continue;
		}
		r->call = c->net->start(c->net->ctx, r->job.request, HTTP_LANE_REST, r);
		STEP("jobs.call_sent");
	}
	c->turn.ended_count = c->turn.calls_count = 0;
}

void jobs_give_up(struct core *c)
{
	/* Whoever took a step in this turn has moved on in memory and not in the tables. */
	for (struct run *r = c->runs.next, *next; r != &c->runs; r = next) {
		next = r->next;
		if (!r->call)
			run_free(c, r);
	}
	c->turn.ended_count = c->turn.calls_count = 0;
	c->orphans = true;
}

void jobs_release(struct core *c)
{
	while (!LIST_EMPTY(&c->runs))
		run_free(c, c->runs.next);
}

enum err jobs_recover(struct core *c, bool clean)
{
	enum err e = OK;

	c->suspects_left = true;
	if (clean)
		e = db_run(c->db, "UPDATE jobs SET crashes=0 WHERE state=1");
	return e ? e : db_run(c->db, "UPDATE jobs SET state=0, next_ms=0, again=0 WHERE state=1");
}
