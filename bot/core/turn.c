/* One turn: wait, gather, decide, commit, let go. */
#include "bot/core/core_private.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>

#include "lib/base/log.h"

/* --- the turn's lists --- */

struct turn_mark turn_mark(const struct core *c)
{
	return (struct turn_mark){ c->turn.added_count, c->turn.replies_count, c->turn.works_count };
}

void turn_undo(struct core *c, struct turn_mark mark)
{
	c->turn.added_count = mark.added;
	c->turn.replies_count = mark.replies;
	inbound_works_drop(c, mark.works);
}

void turn_clear(struct core *c)
{
	struct turn *t = &c->turn;

	inbound_works_drop(c, 0);
	t->added_count = t->replies_count = t->claimed_count = t->calls_count = t->ended_count = 0;
	t->jobs_next_ms = INT64_MAX;
	t->retracts = false;
	t->put_back_count = 0;
}

/* --- gather --- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void keep_largest(int64_t *largest, int64_t value)
{
	if (value > *largest)
		*largest = value;
}

void core_add_event(struct core *c, struct event *e)
{
	e->next = NULL;
	*c->events_last = e;
	c->events_last = &e->next;
	c->events_count++;
}

static struct event *event_new(struct core *c, enum event_kind kind)
{
	struct event *e = xcalloc(1, sizeof *e);

	e->kind = kind;
	core_add_event(c, e);
	return e;
}

void core_begin(struct core *c, struct run *r)
{
	event_new(c, EVENT_JOB)->run = r;
}

/* A message that has arrived is settled for our own bookkeeping alone: nobody waits for that commit, but on a slow disk all
 * who come meanwhile wait until it is through. So it is left to the next commit, or made when none was needed for so long
 * as two take. Not while messages queue: the next to that chat goes when this one is settled. */
static bool is_patient(const struct core *c, const struct http_response *r)
{
	return c->commit_us >= PATIENCE_COMMIT_US && r->failure == HTTP_FAIL_NONE && r->status == 200 && pacer_queued(c->pacer) == 0;
}

static void add_patience(struct core *c)
{
	if (c->events_patient++ == 0)
		c->patience_until_us = clock_mono_us() + earlier(2 * c->commit_us, PATIENCE_US_MAX);
}

static bool events_are_due(const struct core *c)
{
	if (c->events_count > c->events_patient)
		return true;
	return c->events_patient && (c->stop || c->exit_code >= 0 || c->events_patient >= TURN_ANSWERS_MAX / 2 || clock_mono_us() >= c->patience_until_us);
}

static void gather_answers(struct core *c)
{
	struct http_done done;

	while (c->events_count < TURN_ANSWERS_MAX && c->net->next(c->net->ctx, &done)) {
		struct event *e;

		switch (*(enum caller *)done.tag) {
		case CALLER_POLL:
			poll_done(c, &done);
			break;
		case CALLER_SEND:
			e = event_new(c, EVENT_SENT);
			e->done = done;
			e->send = done.tag;
			if (is_patient(c, done.response))
				add_patience(c);
			break;
		case CALLER_RUN:
			e = event_new(c, EVENT_JOB);
			e->done = done;
			e->run = done.tag;
			e->run->call = 0;
			break;
		}
	}
}

static void gather_inbound(struct core *c)
{
	struct http_inbound *in;
	int64_t n = 0;

	if (!c->server->ctx)
		return;
	c->server->run(c->server->ctx);
	while (n < TURN_INBOUND_MAX && (in = c->server->next(c->server->ctx)) != NULL) {
		n++;
		if (c->stalled) { /* nothing can be decided: say so at once */
			c->server->answer(c->server->ctx, in->id, &(struct http_answer){ .status = 503 });
			inbound_release(c, in);
			continue;
		}
		event_new(c, EVENT_INBOUND)->in = in;
	}
	if (n)
		c->company_until_us = clock_mono_us() + COMPANY_US;
	keep_largest(&c->figures.largest_inbound, n);
}

static void gather_work(struct core *c)
{
	struct worker_job *job;

	while ((job = worker_take(c->worker)) != NULL)
		if (!upkeep_done(c, job) && !outbox_picture_done(c, job) && !inbound_work_done(c, job))
			assert(!"a finished job has an owner");
}

/* --- wait --- */

int64_t core_due_ms(const struct core *c)
{
	return earlier(c->inbox_next_ms, earlier(c->jobs_next_ms, c->schedules_next_ms));
}

static int64_t claim_due_us(const struct core *c)
{
	return c->sends_count < CLAIMED_MAX ? pacer_due_us(c->pacer) : INT64_MAX; /* an answer makes room */
}

static bool timers_due(const struct core *c)
{
	return core_due_ms(c) <= clock_now_ms() || claim_due_us(c) <= clock_mono_us();
}

static bool anything_to_decide(const struct core *c)
{
	return events_are_due(c) || c->set_back_ms || c->updates_next < c->updates_count || c->on_ready_due || c->orphans || timers_due(c);
}

static int wait_ms(struct core *c, int timeout_max_ms)
{
	int64_t now_us = clock_mono_us(), wait_us = timeout_max_ms * INT64_C(1000);
	int server_ms = c->server->ctx ? c->server->timeout_ms(c->server->ctx) : -1;
	int64_t due_ms = core_due_ms(c);

	if (server_ms >= 0)
		wait_us = earlier(wait_us, server_ms * INT64_C(1000));
	if (c->stalled) {
		wait_us = earlier(wait_us, c->stall_until_us - now_us);
	} else {
		if (anything_to_decide(c))
			return 0;
		if (due_ms != INT64_MAX)
			wait_us = earlier(wait_us, (due_ms - clock_now_ms()) * 1000);
		if (claim_due_us(c) != INT64_MAX)
			wait_us = earlier(wait_us, claim_due_us(c) - now_us);
		if (c->events_patient)
			wait_us = earlier(wait_us, c->patience_until_us - now_us);
		if (poll_due_us(c) != INT64_MAX)
			wait_us = earlier(wait_us, poll_due_us(c) - now_us);
	}
	return wait_us <= 0 ? 0 : (int)((wait_us + 999) / 1000);
}

static void wait(struct core *c, int timeout_max_ms)
{
	struct http_wait waits[HTTP_SERVER_LISTENERS_MAX + 1];
	size_t n = c->server->ctx ? c->server->waits(c->server->ctx, waits) : 0;

	waits[n++] = (struct http_wait){ .fd = worker_fd(c->worker), .events = POLLIN };
	c->net->poll(c->net->ctx, waits, n, wait_ms(c, timeout_max_ms));
}

/* --- decide --- */

static enum err decide_event(struct core *c, struct event *e)
{
	switch (e->kind) {
	case EVENT_SENT: return outbox_sent(c, e->send, e->done.response);
	case EVENT_JOB: return jobs_answer(c, e->run, e->done.response);
	case EVENT_INBOUND: return inbound_decide(c, e->in);
	case EVENT_WORKED: return inbound_worked(c, e->working);
	}
	return OK;
}

/* A whole batch, which is cheapest. But while somebody asks over HTTP, who waits for turns and not for Telegram's queue: as
 * many as take about as long as their commit, and no fewer than those of two or three milliseconds. */
static size_t updates_at_once(const struct core *c)
{
	if (clock_mono_us() >= c->company_until_us)
		return BATCH_UPDATES_MAX;
	return TURN_UPDATES_MIN + (size_t)(c->commit_us / UPDATE_US);
}

/* Fresh updates; money before the rest, of the whole batch. */
static enum err decide_updates(struct core *c, bool money, size_t end)
{
	for (size_t i = c->updates_next; i < end; i++) {
		struct waiting_update *w = &c->updates[i];
		enum err e;

		if (w->decided || w->money != money)
			continue;
		e = inbox_decide(c, w);
		if (e)
			return e;
		w->decided = true;
	}
	return OK;
}

static enum err decide_ready(struct core *c)
{
	struct act a = core_act(c);

	return c->on_ready_due && c->tables->on_ready ? c->tables->on_ready(&a) : OK;
}

static enum err decide_all(struct core *c, size_t updates_end)
{
	enum err e = wall_settle(c);

	if (!e)
		e = decide_ready(c);
	if (!e)
		e = decide_updates(c, true, c->updates_count);
	for (struct event *event = c->events; !e && event; event = event->next)
		e = decide_event(c, event);
	if (!e)
		e = decide_updates(c, false, updates_end);
	if (!e)
		e = inbox_decide_waiting(c);
	if (!e)
		e = schedules_run(c);
	if (!e)
		e = jobs_take(c);
	if (!e)
		e = outbox_claim(c);
	return e;
}

/* --- after the commit --- */

static void release_event(struct core *c, struct event *e)
{
	if (e->kind == EVENT_SENT)
		outbox_forget(c, e->send);
	if (e->done.exchange)
		c->net->release(c->net->ctx, &e->done);
	inbound_release(c, e->in);
	inbound_work_forget(c, e->working);
	free(e);
}

static void let_go(struct core *c, size_t updates_end)
{
	inbound_works_send(c);
	while (c->events) {
		struct event *e = c->events;

		c->events = e->next;
		release_event(c, e);
	}
	c->events_last = &c->events;
	c->events_count = c->events_patient = 0;
	c->updates_next = updates_end;
	if (c->updates_next == c->updates_count) {
		c->updates_next = c->updates_count = 0;
		arena_clear(&c->update_arena);
	}
	c->set_back_ms = 0;
	c->on_ready_due = false;
	inbound_send(c);
	outbox_send(c);
	jobs_send(c);
	c->jobs_next_ms = earlier(c->jobs_next_ms, c->turn.jobs_next_ms);
	turn_clear(c);
	arena_clear(&c->turn_arena);
}

/* --- a failed commit --- */

/* Events stay and are decided again; job steps are given up, because their runs have moved on (core.h, invariant 2). */
static void drop_job_events(struct core *c)
{
	struct event **at = &c->events;

	while (*at) {
		struct event *e = *at;

		if (e->kind != EVENT_JOB) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		c->events_count--;
		release_event(c, e);
	}
	c->events_last = at;
}

static void stall(struct core *c, enum err why)
{
	static const int seconds[] = { 1, 2, 4, 8, 16, 30 };
	int step = c->stall_attempts < (int)countof(seconds) ? c->stall_attempts : (int)countof(seconds) - 1;

	log_error("store.stalled", KV("error", err_name(why)), KV("words", db_error(c->db)), KV("again_s", seconds[step])); /* before its words are gone */
	db_rollback(c->db);
	c->figures.commits_failed++;
	drop_job_events(c);
	jobs_give_up(c);
	outbox_unclaim(c);
	for (size_t i = 0; i < c->updates_count; i++)
		c->updates[i].decided = false;
	turn_clear(c);
	arena_clear(&c->turn_arena);
	c->inbox_next_ms = c->schedules_next_ms = 0; /* what was moved on in memory is read again */
	c->jobs_next_ms = 0;
	c->stalled = true;
	c->stall_until_us = clock_mono_us() + seconds[step] * INT64_C(1000000);
	c->stall_attempts++;
}

static void unstall(struct core *c)
{
	if (!c->stalled)
		return;
	c->stalled = false;
	c->stall_attempts = 0;
	log_info("store.works_again");
}

enum err core_do(struct core *c, enum err (*fn)(struct act *a, void *ctx), void *ctx)
{
	struct act a = core_act(c);
	enum err e = db_begin(c->db);

	if (!e)
		e = fn(&a, ctx);
	if (!e)
		e = outbox_claim(c);
	if (!e)
		e = db_commit(c->db);
	if (e) {
		stall(c, e);
		c->stall_until_us = 0; /* nothing waits for this one: go on at once */
		return e;
	}
	inbound_works_send(c);
	inbound_send(c);
	outbox_send(c);
	c->jobs_next_ms = earlier(c->jobs_next_ms, c->turn.jobs_next_ms);
	turn_clear(c);
	return OK;
}

/* --- measuring --- */

static bool commit(struct core *c, size_t updates_end)
{
	int64_t before_us, commits = db_commits(c->db);
	enum err e = db_begin(c->db);

	if (!e)
		e = decide_all(c, updates_end);
	before_us = clock_mono_us();
	STEP("turn.before_commit");
	if (!e)
		e = db_commit(c->db);
	if (e) {
		stall(c, e);
		return false;
	}
	STEP("turn.after_commit");
	keep_largest(&c->figures.largest_commit_us, clock_mono_us() - before_us);
	c->figures.commits++;
	if (db_commits(c->db) == commits)
		return true; /* nothing was written, so nothing was synced */
	c->commit_us = clock_mono_us() - before_us;
	c->figures.commits_written++;
	return true;
}

static void decide(struct core *c)
{
	size_t end = c->updates_count;

	careful_look(c);
	if (c->careful_until_us && c->updates_next < c->updates_count) {
		if (inbox_store_batch(c) != OK)
			return; /* stalled: the same batch again later */
		end = c->updates_count; /* all of them stand in the inbox now and are taken one by one */
	} else if (end - c->updates_next > updates_at_once(c)) {
		end = c->updates_next + updates_at_once(c);
	}
	if (!commit(c, end))
		return;
	unstall(c);
	let_go(c, end);
}

static int64_t slept_us(const struct core *c)
{
	return c->net->slept_us ? c->net->slept_us(c->net->ctx) : 0;
}

/* What the client does around its sleep is part of a turn: a name that is looked up or a hand-shake costs it there. */
void core_turn(struct core *c, int timeout_max_ms)
{
	int64_t begin_us = clock_mono_us() - slept_us(c), begin_cpu_us = clock_cpu_us();
	bool worked = false;

	wall_look(c);
	wait(c, timeout_max_ms);
	gather_answers(c);
	gather_inbound(c);
	gather_work(c);
	if (c->stalled ? clock_mono_us() >= c->stall_until_us : anything_to_decide(c)) {
		worked = true;
		decide(c);
	}
	if (!c->stalled)
		poll_start(c);
	if (c->server->ctx)
		c->server->run(c->server->ctx);
	upkeep_after_turn(c, !worked);
	if (c->stop && c->exit_code < 0 && (!c->events_patient || c->stalled))
		c->exit_code = 0;
	log_flush();
	c->figures.turns++;
	keep_largest(&c->figures.largest_turn_us, clock_mono_us() - slept_us(c) - begin_us);
	keep_largest(&c->figures.largest_turn_cpu_us, clock_cpu_us() - begin_cpu_us);
}

bool core_is_idle(const struct core *c)
{
	return !c->stalled && !anything_to_decide(c) && LIST_EMPTY(&c->sends) && LIST_EMPTY(&c->runs) && worker_pending(c->worker) == 0;
}
