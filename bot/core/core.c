/* Life of the core: opening, the run, the figures. The turn itself is in turn.c. */
#include "bot/core/core_private.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/rand.h"

void (*core_step)(const char *name);

struct act core_act(struct core *c)
{
	return (struct act){ .core = c, .shared = c->setup.shared, .tx = c->db, .arena = &c->turn_arena, .now_ms = clock_now_ms() };
}

const struct tg_api *core_api(const struct act *a)
{
	return &a->core->setup.api;
}

int64_t core_backoff_ms(int64_t first_ms, int64_t max_ms, int attempts)
{
	int64_t wait = first_ms;

	for (int i = 1; i < attempts && wait < max_ms; i++)
		wait *= 2;
	if (wait > max_ms)
		wait = max_ms;
	return wait - wait / 4 + (int64_t)rand_below((uint64_t)(wait / 2) + 1);
}

/* What the last run left, in the transaction that also says that this one runs. */
static enum err recover(struct core *c)
{
	struct act a = core_act(c);
	int64_t was_running;
	enum err e = db_get_i64(&was_running, c->db, "SELECT running FROM process");

	if (!e)
		e = db_run(c->db, "UPDATE process SET running=1, started_ms=?1", a.now_ms);
	if (!e && was_running) {
		careful_begin(c);
		log_warn("core.unclean_stop", KV("careful_ms", CAREFUL_MS));
	}
	if (!e)
		e = wall_open(c);
	if (!e)
		e = inbox_recover(c);
	if (!e)
		e = outbox_recover(c, !was_running);
	if (!e)
		e = jobs_recover(c, !was_running);
	if (!e)
		e = schedules_open(c);
	if (!e && c->tables->on_start)
		e = c->tables->on_start(&a);
	if (!e)
		e = outbox_claim(c);
	return e;
}

enum err core_open(struct core **out, const struct core_setup *setup)
{
	struct core *c = xcalloc(1, sizeof *c);
	enum err e;

	*out = NULL;
	c->setup = *setup;
	c->net = &c->setup.net;
	c->server = &c->setup.server;
	c->db = setup->db;
	c->tables = setup->tables;
	c->exit_code = -1;
	c->events_last = &c->events;
	c->poll.caller = CALLER_POLL;
	LIST_INIT(&c->sends);
	LIST_INIT(&c->runs);
	c->pacer = pacer_new(setup->send_rate_per_s);
	c->worker = worker_new(setup->threaded);
	c->turn.jobs_next_ms = INT64_MAX;
	e = db_begin(c->db);
	if (!e) {
		e = recover(c);
		if (e)
			db_rollback(c->db);
		else
			e = db_commit(c->db);
	}
	if (e) {
		outbox_unclaim(c);
		core_close(c);
		return e;
	}
	outbox_send(c);
	turn_clear(c);
	arena_clear(&c->turn_arena);
	*out = c;
	return OK;
}

/* Pictures not sent and checkpoints not told: what they were for is found again by the next start. */
static void drop_work(struct core *c)
{
	struct worker_job *job;

	worker_stop(c->worker);
	while ((job = worker_take(c->worker)) != NULL)
		if (!upkeep_drop(job) && !outbox_picture_drop(job))
			assert(!"a job has an owner");
}

void core_close(struct core *c)
{
	if (!c)
		return;
	if (c->exit_code >= 0 && !c->stalled && db_begin(c->db) == OK) {
		/* nothing crashed; what is under way stays claimed and is found by the next start */
		if (db_run(c->db, "UPDATE process SET running=0") != OK || db_commit(c->db) != OK)
			db_rollback(c->db);
	}
	while (!LIST_EMPTY(&c->sends))
		outbox_forget(c, c->sends.next);
	jobs_release(c);
	while (c->events) {
		struct event *e = c->events;

		c->events = e->next;
		c->net->release(c->net->ctx, &e->done);
		inbound_release(c, e->in);
		inbound_work_forget(c, e->working);
		free(e);
	}
	drop_work(c);
	worker_free(c->worker);
	inbound_works_close(c);
	pacer_free(c->pacer);
	arena_release(&c->update_arena);
	arena_release(&c->turn_arena);
	free(c->turn.added);
	free(c->turn.replies);
	free(c->turn.works);
	free(c->turn.claimed);
	free(c->turn.calls);
	free(c->turn.ended);
	free(c);
}

enum err core_forget_updates(struct act *a)
{
	return inbox_forget(a->core);
}

enum err core_forget(struct act *a)
{
	return outbox_forget_parked(a->core);
}

int core_run(struct core *c)
{
	while (c->exit_code < 0)
		core_turn(c, 60 * 1000);
	return c->exit_code;
}

void core_stop(struct core *c)
{
	c->stop = 1;
	worker_ring(c->worker); /* it may be waiting */
}

int core_exit_code(const struct core *c)
{
	return c->exit_code;
}

void core_figures(const struct core *c, struct core_figures *out)
{
	*out = c->figures;
	out->queued = (int64_t)pacer_queued(c->pacer);
	out->jobs_running = (int64_t)c->runs_count;
	out->polling = c->poll.state == POLL_UPDATES;
	out->stalled = c->stalled;
}
