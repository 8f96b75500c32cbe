/* The story's calls: one operation at a time, sent by the real HTTP client. */
#include "tests/panel_story/story_private.h"

#include <assert.h>

#include "lib/base/clock.h"

#define TURN_MS 1000

static struct http_done exchange(struct story *s, const struct http_request *request)
{
	struct http_done done = { 0 };

	http_client_start(s->http, request, HTTP_LANE_NORMAL, NULL);
	/* ends by its own time limit; a signal only wakes the poll, so that the outcome of a write stays known */
	while (!http_client_next(s->http, &done))
		http_client_poll(s->http, NULL, 0, TURN_MS);
	return done;
}

/* Only the panel's own refusal of a session may pass unharmed, otherwise the write would not have happened. */
static bool is_write(const struct http_request *request, enum xui_what what)
{
	return what == XUI_ADD && request->method == HTTP_POST && str_has(str_of(request->url), "/add");
}

static const struct xui_result *run(struct story *s, const struct xui_ask *ask, bool loses_answer)
{
	static const struct http_response broken = { .failure = HTTP_FAIL_BROKEN, .detail = "thrown away" };
	struct xui_op *op = xui_op_new(&s->arena, &s->panel, ask);
	struct http_request request;
	enum xui_turn turn = xui_op_step(op, NULL, clock_now_ms(), &request);

	while (turn == XUI_CALL) {
		bool loses = loses_answer && is_write(&request, ask->what);
		struct http_done done = exchange(s, &request);

		turn = xui_op_step(op, loses ? &broken : done.response, clock_now_ms(), &request);
		http_done_release(s->http, &done);
	}
	xui_op_release(op);
	return xui_op_result(op);
}

const struct xui_result *story_ask(struct story *s, const struct xui_ask *ask)
{
	return run(s, ask, false);
}

const struct xui_result *story_ask_losing(struct story *s, const struct xui_ask *ask)
{
	assert(ask->what == XUI_ADD);
	return run(s, ask, true);
}

struct http_done story_get(struct story *s, const char *url)
{
	const struct http_request request = { .method = HTTP_GET, .url = url, .trust = s->panel.trust };

	return exchange(s, &request);
}

void story_wait(struct story *s, int64_t ms)
{
	if (!story_is_stopped(s))
		s->world->wait(s->world->ctx, ms);
}

bool story_is_stopped(const struct story *s)
{
	return s->world->stop && *s->world->stop;
}

struct xui_ask ask_about(const struct story *s, enum xui_what what, const struct made *who)
{
	return (struct xui_ask){
		.what = what, .inbound_id = s->config->inbound_id,
		.client = { .email = str_of(who->email), .uuid = str_of(who->uuid), .sub_id = str_of(who->sub_id),
			    .password = str_of(who->password) },
	};
}

struct xui_look story_look(struct story *s, const struct made *who)
{
	struct xui_ask ask = ask_about(s, XUI_LOOK, who);
	const struct xui_result *r = story_ask(s, &ask);

	if (r->err == OK)
		return r->look;
	story_check_ok(s, r, "look");
	return (struct xui_look){ 0 };
}
