/* A panel from a script: each step says which request must come and what it is answered. */
#ifndef OBOL_TESTS_XUI_SCRIPT_H
#define OBOL_TESTS_XUI_SCRIPT_H

#include "tests/unit/proves.h"

#include <stdio.h>
#include <string.h>

#include "lib/xui/xui.h"

/* steps name only what matters */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define NOW INT64_C(1795000000000)
#define BASE "https://panel.example:2053/secret/"
#define UUID "5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e"
#define SENT_MAX 64

struct step {
	const char *want;   /* "GET panel/api/…" below the base */
	int status;
	const char *body;
	const char *cookie; /* NULL: none */
	enum http_failure failure;
	const char *type;   /* content type; NULL: JSON */
	size_t len;         /* of a body that is no text; 0: strlen */
	int64_t after_ms;   /* what the answer takes */
};

struct sent {
	char line[512];
	char *body;
	char cookie[128], csrf[128], auth[128], xhr[32], type[64];
	int timeout_ms;
};

struct world {
	struct arena arena;
	struct xui_panel panel;
	struct sent sent[SENT_MAX];
	size_t sent_count;
	int64_t now_ms;
	size_t chunk; /* of streamed answers; 0: 7 */
	struct buf seen; /* what the sinks got */
	int restarts;
};

static inline enum err world_client(void *ctx, const struct xui_client *c)
{
	struct world *w = ctx;

	buf_printf(&w->seen, "client %.*s %.*s inbound %lld of %zu quota %lld expires %lld %s\n", STR_ARG(c->email), STR_ARG(c->uuid),
		   (long long)c->inbound_ids[0], c->inbounds_count, (long long)c->quota_bytes, (long long)c->expires_ms, c->enabled ? "on" : "off");
	return OK;
}

static inline enum err world_traffic(void *ctx, const struct xui_traffic *t)
{
	struct world *w = ctx;

	buf_printf(&w->seen, "traffic %.*s %lld+%lld of %lld\n", STR_ARG(t->email), (long long)t->up_bytes, (long long)t->down_bytes, (long long)t->quota_bytes);
	return OK;
}

static inline enum err world_online(void *ctx, const struct xui_online *o)
{
	struct world *w = ctx;

	buf_printf(&w->seen, "online %.*s ip %.*s\n", STR_ARG(o->email), STR_ARG(o->ip));
	return OK;
}

static inline enum err world_bytes(void *ctx, struct str piece)
{
	struct world *w = ctx;

	buf_add(&w->seen, piece);
	return OK;
}

static inline void world_restart(void *ctx)
{
	struct world *w = ctx;

	buf_clear(&w->seen);
	w->restarts++;
}

static inline void world_init(struct world *w, enum xui_dialect dialect, const char *version)
{
	memset(w, 0, sizeof *w);
	w->now_ms = NOW;
	buf_init(&w->seen, 1 << 20);
	w->panel = (struct xui_panel){ .url = BASE, .username = "admin", .password = "s3cret&+", .dialect = dialect };
	snprintf(w->panel.version, sizeof w->panel.version, "%s", version);
	if (dialect == XUI_UNKNOWN)
		return;
	snprintf(w->panel.session.cookie, XUI_COOKIE_MAX, "3x-ui=old==");
	snprintf(w->panel.session.csrf, XUI_CSRF_MAX, "%s", dialect == XUI_A ? "" : "csrf-old");
	w->panel.session.created_ms = NOW - MINUTE_MS;
	w->panel.session.expires_ms = NOW + 59 * MINUTE_MS;
}

static inline void world_release(struct world *w)
{
	buf_release(&w->seen);
	arena_release(&w->arena);
}

static inline void keep_header(char *to, size_t size, const struct http_request *r, const char *name)
{
	to[0] = '\0';
	for (size_t i = 0; i < r->headers_count; i++)
		if (!strcmp(r->headers[i].name, name))
			snprintf(to, size, "%s", r->headers[i].value);
}

static inline void world_record(struct world *w, const struct http_request *r)
{
	struct sent *s = &w->sent[w->sent_count++];

	assert_true(w->sent_count <= SENT_MAX);
	assert_true(str_starts(str_of(r->url), BASE));
	snprintf(s->line, sizeof s->line, "%s %s", http_method_name(r->method), r->url + strlen(BASE));
	s->body = arena_strndup(&w->arena, r->body.at, r->body.len);
	s->timeout_ms = r->timeout_ms;
	keep_header(s->cookie, sizeof s->cookie, r, "Cookie");
	keep_header(s->csrf, sizeof s->csrf, r, "X-CSRF-Token");
	keep_header(s->auth, sizeof s->auth, r, "Authorization");
	keep_header(s->xhr, sizeof s->xhr, r, "X-Requested-With");
	keep_header(s->type, sizeof s->type, r, "Content-Type");
	assert_string_equal(s->xhr, "XMLHttpRequest"); /* on every request (K7) */
}

/* The body in pieces through the sink, as the client does it for 2xx. */
static inline void world_deliver(struct world *w, const struct http_request *r, const struct step *k, struct http_response *a)
{
	struct str body = k->len ? str_n(k->body, k->len) : str_of(k->body ? k->body : "");
	size_t chunk = w->chunk ? w->chunk : 7;

	a->status = k->status;
	a->failure = k->failure;
	if (k->type || body.len)
		a->headers[a->headers_count++] = (struct http_header){ "content-type", k->type ? k->type : "application/json; charset=utf-8" };
	if (k->cookie)
		a->headers[a->headers_count++] = (struct http_header){ "set-cookie", arena_printf(&w->arena, "%s; Path=/secret/; Max-Age=21600; HttpOnly", k->cookie) };
	if (!r->sink || k->status != 200) {
		a->body = body;
		return;
	}
	for (size_t i = 0; i < body.len && !a->failure; i += chunk)
		if (r->sink(r->sink_ctx, str_n(body.at + i, body.len - i < chunk ? body.len - i : chunk)))
			a->failure = HTTP_FAIL_ABORTED;
}

/* Runs one operation to its end; every step must be used, in order. The result lives as long as the world. */
static inline const struct xui_result *world_run(struct world *w, const struct xui_ask *ask, const struct step *steps, size_t count)
{
	struct xui_ask asked = *ask;
	struct http_request request;
	struct xui_op *op;
	enum xui_turn turn;
	size_t from = w->sent_count;

	if (!asked.sinks.ctx)
		asked.sinks = (struct xui_sinks){ world_client, world_traffic, world_online, world_bytes, world_restart, w };
	op = xui_op_new(&w->arena, &w->panel, &asked);
	turn = xui_op_step(op, NULL, w->now_ms, &request);
	for (size_t i = 0; turn == XUI_CALL; i++) {
		struct http_response answer = { 0 };

		world_record(w, &request);
		if (i == count)
			fail_msg("one request too many: %s %s", w->sent[w->sent_count - 1].line, w->sent[w->sent_count - 1].body);
		if (strcmp(w->sent[w->sent_count - 1].line, steps[i].want))
			fail_msg("step %zu: wanted %s, got %s", i, steps[i].want, w->sent[w->sent_count - 1].line);
		world_deliver(w, &request, &steps[i], &answer);
		w->now_ms += steps[i].after_ms;
		turn = xui_op_step(op, &answer, w->now_ms, &request);
	}
	if (w->sent_count - from != count)
		fail_msg("%zu of %zu requests came, ended with %s %s", w->sent_count - from, count, err_name(xui_op_result(op)->err), xui_op_result(op)->msg);
	assert_int_equal(turn == XUI_DONE, xui_op_result(op)->err == OK);
	xui_op_release(op);
	return xui_op_result(op);
}

#define RUN(w, ask, ...) \
	world_run((w), (ask), (const struct step[]){ __VA_ARGS__ }, sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step))
#define RUN_NOTHING(w, ask) world_run((w), (ask), NULL, 0)

#define OK_NULL "{\"success\":true,\"msg\":\"\",\"obj\":null}"
#define LOGIN_OK "{\"success\":true,\"msg\":\" You have successfully logged into your account.\",\"obj\":null}"

#endif
