/* HTTP that comes in: routes, answers after the commit. */
#include "bot/core/config.h"
#include "bot/core/core_private.h"

#include <string.h>

#include "lib/base/log.h"

void inbound_answer(struct act *a, const struct http_inbound *in, int status, const char *content_type, struct str body)
{
	struct turn *t = &a->core->turn;

	GROW(t->replies, t->replies_count, t->replies_cap);
	t->replies[t->replies_count++] = (struct reply){ in->id, status, content_type, body };
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
	if (!failed)
		return db_savepoint_keep(c->db);
	log_error("inbound.failed", KV("path", route->path), KV("error", err_name(failed)));
	turn_undo(c, mark);
	e = db_savepoint_undo(c->db);
	inbound_answer(&a, in, 500, NULL, str_of(NULL)); /* asks a provider to come again */
	return e;
}

void inbound_send(struct core *c)
{
	/* without a server: a request that core_do has made up, and nobody waits for the answer */
	for (size_t i = 0; c->setup.server && i < c->turn.replies_count; i++) {
		const struct reply *r = &c->turn.replies[i];
		struct http_header headers[] = {
			{ "Content-Type", r->content_type },
			{ "X-Content-Type-Options", "nosniff" },
			{ "Cache-Control", "no-store" },
		};
		size_t skip = r->content_type ? 0 : 1;

		http_server_answer(c->setup.server, r->id, &(struct http_answer){
			.status = r->status, .headers = headers + skip, .headers_count = countof(headers) - skip, .body = r->body });
	}
	c->turn.replies_count = 0;
}
