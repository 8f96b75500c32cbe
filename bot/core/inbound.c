/* HTTP that comes in: routes, answers after the commit. */
#include "bot/core/config.h"
#include "bot/core/core_private.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"

void inbound_answer(struct act *a, const struct http_inbound *in, int status, const char *content_type, struct str body)
{
	inbound_answer_with(a, in, status, content_type, body, NULL);
}

void inbound_answer_with(struct act *a, const struct http_inbound *in, int status, const char *content_type, struct str body, const struct http_header *header)
{
	struct turn *t = &a->core->turn;

	GROW(t->replies, t->replies_count, t->replies_cap);
	t->replies[t->replies_count++] = (struct reply){ in->id, status, content_type, body, header };
}

static bool path_fits(const struct route_row *r, struct str path)
{
	size_t n = strlen(r->path);

	return r->path[n - 1] == '/' && n > 1 ? str_starts(path, r->path) : str_is(path, r->path);
}

/* The route, or the status that says why there is none. */
static const struct route_row *find(const struct core *c, const struct http_inbound *in, int *status)
{
	*status = 403;
	if (in->listener == LISTENER_ADMIN && !http_allow_has(&c->setup.config->admin_allow, str_of(in->remote)))
		return NULL; /* R025; a proxy's headers say nothing here */
	*status = 404;
	for (size_t i = 0; i < c->tables->routes_count; i++) {
		const struct route_row *r = &c->tables->routes[i];

		if ((int)r->listener != in->listener || !path_fits(r, in->path))
			continue;
		if (r->method == in->method)
			return r;
		*status = 405;
	}
	return NULL;
}

/* The handler failed: nothing of it stays but the answer. */
static enum err undo(struct core *c, const struct http_inbound *in, struct turn_mark mark, enum err why)
{
	struct act a = core_act(c);
	enum err e;

	log_error("inbound.failed", KV("path", in->path), KV("error", err_name(why)));
	turn_undo(c, mark);
	e = db_savepoint_undo(c->db);
	inbound_answer(&a, in, 500, NULL, str_of(NULL)); /* asks a provider to come again */
	return e;
}

enum err inbound_decide(struct core *c, const struct http_inbound *in)
{
	struct act a = core_act(c);
	struct turn_mark mark = turn_mark(c);
	int status;
	const struct route_row *route = find(c, in, &status);
	enum err e, failed;

	if (!route) {
		inbound_answer(&a, in, status, NULL, str_of(NULL));
		return OK;
	}
	e = db_savepoint(c->db);
	if (e)
		return e;
	failed = route->handle(&a, in);
	return failed ? undo(c, in, mark, failed) : db_savepoint_keep(c->db);
}

void inbound_send(struct core *c)
{
	/* without a server: a request that core_do has made up, and nobody waits for the answer */
	for (size_t i = 0; c->server->ctx && i < c->turn.replies_count; i++) {
		const struct reply *r = &c->turn.replies[i];
		struct http_header headers[] = {
			{ "Content-Type", r->content_type },
			{ "X-Content-Type-Options", "nosniff" },
			{ "Cache-Control", "no-store" },
			r->header ? *r->header : (struct http_header){ NULL, NULL },
		};
		size_t skip = r->content_type ? 0 : 1;

		c->server->answer(c->server->ctx, r->id, &(struct http_answer){ .status = r->status, .headers = headers + skip,
			.headers_count = countof(headers) - skip - (r->header ? 0 : 1), .body = r->body });
	}
	c->turn.replies_count = 0;
}

void inbound_release(struct core *c, struct http_inbound *in)
{
	if (in)
		c->server->release(c->server->ctx, in);
}

/* --- slow work --- */

enum err inbound_work_give(struct act *a, const struct http_inbound *in, struct inbound_work *work)
{
	struct turn *t = &a->core->turn;
	struct working *w;

	if (a->core->works_count + t->works_count >= INBOUND_WORKS_MAX) {
		work->release(work);
		return E_BUSY;
	}
	w = xcalloc(1, sizeof *w);
	w->work = work;
	w->in = in;
	GROW(t->works, t->works_count, t->works_cap);
	t->works[t->works_count++] = w;
	return OK;
}

void inbound_works_drop(struct core *c, size_t from)
{
	while (c->turn.works_count > from)
		inbound_work_forget(c, c->turn.works[--c->turn.works_count]);
}

static void do_work(struct worker_job *job)
{
	struct working *w = (struct working *)job;

	w->work->run(w->work);
}

void inbound_works_send(struct core *c)
{
	for (size_t i = 0; i < c->turn.works_count; i++) {
		struct working *w = c->turn.works[i];

		for (struct event *e = c->events; e && !w->owned; e = e->next)
			if (e->in == w->in) {
				w->owned = e->in;
				e->in = NULL;
			}
		w->job.run = do_work;
		w->next = c->works;
		c->works = w;
		c->works_count++;
		worker_give(c->worker, &w->job);
	}
	c->turn.works_count = 0;
}

static void unchain(struct core *c, const struct working *w)
{
	struct working **at = &c->works;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	c->works_count--;
}

bool inbound_work_done(struct core *c, struct worker_job *job)
{
	struct working *w = (struct working *)job;
	struct event *e;

	if (job->run != do_work)
		return false;
	unchain(c, w);
	e = xcalloc(1, sizeof *e);
	e->kind = EVENT_WORKED;
	e->working = w;
	core_add_event(c, e);
	return true;
}

enum err inbound_worked(struct core *c, struct working *w)
{
	struct act a = core_act(c);
	struct turn_mark mark = turn_mark(c);
	enum err e = db_savepoint(c->db), failed;

	if (e)
		return e;
	failed = w->work->done(&a, w->in, w->work);
	return failed ? undo(c, w->in, mark, failed) : db_savepoint_keep(c->db);
}

void inbound_work_forget(struct core *c, struct working *w)
{
	if (!w)
		return;
	w->work->release(w->work);
	inbound_release(c, w->owned);
	free(w);
}

void inbound_works_close(struct core *c)
{
	while (c->works) {
		struct working *w = c->works;

		c->works = w->next;
		inbound_work_forget(c, w);
	}
}
