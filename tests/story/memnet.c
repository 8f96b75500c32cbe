/* See memnet.h. */
#include "tests/story/memnet.h"

#include <poll.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/base/rand.h"

#define HOSTS_MAX 32
#define LATENCY_US 1000

struct host {
	char origin[128];
	int listener;
	sim_handler *handler;
	void *model;
	bool down;
	int64_t latency_us;
};

enum phase { TO_MODEL, AT_MODEL, TO_CALLER, FINISHED };

struct http_exchange {
	struct http_exchange *next, *prev;
	uint64_t id;
	void *tag;
	enum phase phase;
	int64_t due_us, deadline_us, started_us;
	struct host *host;            /* NULL: no such name */
	bool asked, never;            /* its fate was decided; it leaves a dead program's hands, never */
	struct sim_trouble trouble;   /* of the network */
	struct arena arena;
	struct sim_request request;
	struct http_response response;
	size_t body_bytes_max;
	bool connect_only;
	enum err (*sink)(void *ctx, struct str piece);
	void *sink_ctx;
};

struct memnet {
	int64_t now_us, skew_ms;
	bool dead;
	enum memnet_fate (*fate)(void *ctx, const char *origin, const struct sim_request *request, struct sim_trouble *trouble);
	void *fate_ctx;
	uint64_t last_id;
	struct host hosts[HOSTS_MAX];
	size_t hosts_count;
	struct http_exchange all;     /* list head */
	struct http_exchange given;   /* list head: the caller's until released, or until it dies */
	struct clock_source clock;
};

static int64_t source_now_ms(void *ctx)
{
	const struct memnet *n = ctx;

	return n->now_us / 1000 + n->skew_ms;
}

static int64_t source_mono_us(void *ctx)
{
	return ((struct memnet *)ctx)->now_us;
}

struct memnet *memnet_new(int64_t now_ms)
{
	struct memnet *n = xcalloc(1, sizeof *n);

	n->now_us = now_ms * 1000;
	n->all.next = n->all.prev = &n->all;
	n->given.next = n->given.prev = &n->given;
	n->clock = (struct clock_source){ source_now_ms, source_mono_us, n };
	clock_set_source(&n->clock);
	return n;
}

static void exchange_free(struct http_exchange *x)
{
	x->prev->next = x->next;
	x->next->prev = x->prev;
	arena_release(&x->arena);
	free(x);
}

void memnet_free(struct memnet *n)
{
	if (!n)
		return;
	memnet_kill(n, true);
	clock_set_source(NULL);
	free(n);
}

void memnet_serve(struct memnet *n, const char *origin, int listener, sim_handler *handler, void *model)
{
	struct host *h = n->hosts;

	while (h < n->hosts + n->hosts_count && strcmp(h->origin, origin) != 0)
		h++;
	n->hosts_count += h == n->hosts + n->hosts_count;
	assert(n->hosts_count <= HOSTS_MAX);
	snprintf(h->origin, sizeof h->origin, "%s", origin);
	h->listener = listener;
	h->handler = handler;
	h->model = model;
	h->latency_us = LATENCY_US;
}

static struct host *host_of(struct memnet *n, struct str url)
{
	for (size_t i = 0; i < n->hosts_count; i++) {
		size_t len = strlen(n->hosts[i].origin);

		if (str_starts(url, n->hosts[i].origin) && (url.len == len || url.at[len] == '/' || url.at[len] == '?'))
			return &n->hosts[i];
	}
	return NULL;
}

void memnet_set_down(struct memnet *n, const char *origin, bool down)
{
	host_of(n, str_of(origin))->down = down;
}

void memnet_set_latency_us(struct memnet *n, const char *origin, int64_t latency_us)
{
	host_of(n, str_of(origin))->latency_us = latency_us;
}

void memnet_set_weather(struct memnet *n, enum memnet_fate (*fate)(void *ctx, const char *origin, const struct sim_request *request, struct sim_trouble *trouble), void *ctx)
{
	n->fate = fate;
	n->fate_ctx = ctx;
}

void memnet_set_dead(struct memnet *n)
{
	n->dead = true;
}

void memnet_set_skew_ms(struct memnet *n, int64_t skew_ms)
{
	n->skew_ms = skew_ms;
}

int64_t memnet_now_ms(const struct memnet *n)
{
	return n->now_us / 1000;
}

void memnet_advance_ms(struct memnet *n, int64_t ms)
{
	n->now_us += ms * 1000;
}

void memnet_skip_ms(struct memnet *n, int64_t ms)
{
	n->now_us += ms * 1000;
	for (struct http_exchange *x = n->all.next; x != &n->all; x = x->next) {
		x->due_us += ms * 1000;
		x->deadline_us += ms * 1000;
	}
}

/* --- requests --- */

/* As libcurl would write it; models decode it with their own parser. */
static void multipart(struct http_exchange *x, const struct http_request *r)
{
	static const char boundary[] = "------------------------memnet";
	struct buf body;

	buf_init(&body, 16 << 20);
	for (size_t i = 0; i < r->fields_count; i++)
		buf_printf(&body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%.*s\r\n", boundary, r->fields[i].name, STR_ARG(r->fields[i].value));
	buf_printf(&body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n", boundary, r->file->field, r->file->name, r->file->type);
	buf_add(&body, r->file->bytes);
	buf_printf(&body, "\r\n--%s--\r\n", boundary);
	x->request.body = str_n(arena_strndup(&x->arena, body.at, body.len), body.len);
	buf_release(&body);
	x->request.headers[x->request.headers_count++] = (struct http_header){ "content-type", arena_printf(&x->arena, "multipart/form-data; boundary=%s", boundary) };
}

static void copy_request(struct http_exchange *x, const struct http_request *r)
{
	struct str url = str_of(r->url);
	size_t origin = x->host ? strlen(x->host->origin) : 0;
	struct str path = str_n(url.at + origin, url.len - origin);

	x->request.method = r->method;
	x->request.path = path.len && path.at[0] == '/' ? str_of(str_dup(&x->arena, path)) : str_of(arena_printf(&x->arena, "/%.*s", STR_ARG(path)));
	x->request.listener = x->host ? x->host->listener : 0;
	x->request.headers[x->request.headers_count++] = (struct http_header){ "host", arena_strdup(&x->arena, x->host ? strstr(x->host->origin, "//") + 2 : "") };
	for (size_t i = 0; i < r->headers_count; i++) {
		char *name = arena_strdup(&x->arena, r->headers[i].name);

		for (char *p = name; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
		x->request.headers[x->request.headers_count++] = (struct http_header){ name, arena_strdup(&x->arena, r->headers[i].value) };
	}
	if (r->file)
		multipart(x, r);
	else
		x->request.body = str_n(arena_strndup(&x->arena, r->body.at, r->body.len), r->body.len);
	x->request.connection = x->id;
	x->request.arena = &x->arena;
}

static uint64_t net_start(void *ctx, const struct http_request *r, enum http_lane lane, void *tag)
{
	struct memnet *n = ctx;
	struct http_exchange *x = xcalloc(1, sizeof *x);

	(void)lane;
	x->id = ++n->last_id;
	x->tag = tag;
	x->started_us = n->now_us;
	x->deadline_us = n->now_us + (r->timeout_ms ? r->timeout_ms : 30000) * INT64_C(1000);
	x->host = host_of(n, str_of(r->url));
	x->body_bytes_max = r->body_bytes_max ? r->body_bytes_max : 4 << 20;
	x->sink = r->sink;
	x->sink_ctx = r->sink_ctx;
	x->connect_only = r->connect_only;
	copy_request(x, r);
	x->due_us = n->now_us + (x->host ? x->host->latency_us : LATENCY_US);
	x->never = n->dead;
	x->prev = n->all.prev;
	x->next = &n->all;
	x->prev->next = x->next->prev = x;
	return x->id;
}

static void net_cancel(void *ctx, uint64_t id)
{
	struct memnet *n = ctx;

	for (struct http_exchange *x = n->all.next; x != &n->all; x = x->next)
		if (x->id == id && x->phase != FINISHED) {
			exchange_free(x);
			return;
		}
}

/* --- things happen --- */

static void fail_with(struct http_exchange *x, enum http_failure failure, int64_t at_us)
{
	x->response = (struct http_response){ .failure = failure, .detail = "in memory",
		.certain_unsent = failure == HTTP_FAIL_RESOLVE || failure == HTTP_FAIL_CONNECT };
	x->phase = TO_CALLER;
	x->due_us = at_us;
}

static void take_answer(struct http_exchange *x, const struct sim_response *r, int64_t now_us)
{
	int64_t due_us = now_us + x->host->latency_us + r->trouble.delay_ms * 1000;
	size_t len = r->body.len;

	if (r->trouble.bytes_per_second)
		due_us += (int64_t)(len * UINT64_C(1000000) / (uint64_t)r->trouble.bytes_per_second);
	if (r->trouble.hang || due_us > x->deadline_us) {
		fail_with(x, HTTP_FAIL_TIMEOUT, x->deadline_us);
		return;
	}
	if (r->trouble.drop || (r->trouble.cut_at && (size_t)r->trouble.cut_at < len)) {
		fail_with(x, HTTP_FAIL_BROKEN, due_us);
		return;
	}
	if (r->trouble.endless || (len > x->body_bytes_max && !(x->sink && r->status / 100 == 2))) {
		fail_with(x, HTTP_FAIL_TOOBIG, due_us);
		return;
	}
	x->response = (struct http_response){ .status = r->status, .body = r->body, .date_ms = now_us / 1000000 * 1000 };
	for (size_t i = 0; i < r->headers_count && i < countof(x->response.headers); i++) {
		char *name = arena_strdup(&x->arena, r->headers[i].name);

		for (char *p = name; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
		x->response.headers[x->response.headers_count++] = (struct http_header){ name, r->headers[i].value };
	}
	x->phase = TO_CALLER;
	x->due_us = due_us;
}

static void reach(struct memnet *n, struct http_exchange *x, struct sim_response *r)
{
	x->request.now_ms = n->now_us / 1000;
	x->host->handler(x->host->model, &x->request, r);
}

/* False: it goes no further. */
static bool meets_weather(struct memnet *n, struct http_exchange *x)
{
	struct sim_response first = { .status = 200 };

	if (x->asked || !n->fate)
		return true;
	x->asked = true;
	x->request.now_ms = n->now_us / 1000;
	switch (n->fate(n->fate_ctx, x->host->origin, &x->request, &x->trouble)) {
	case MEMNET_PASS:
		return true;
	case MEMNET_REFUSE:
		fail_with(x, HTTP_FAIL_CONNECT, n->now_us);
		return false;
	case MEMNET_LOSE:
		fail_with(x, HTTP_FAIL_TIMEOUT, x->deadline_us);
		return false;
	case MEMNET_TWICE:
		reach(n, x, &first);
		return true;
	}
	return true;
}

static bool is_trouble(const struct sim_trouble *t)
{
	return t->hang || t->drop || t->delay_ms || t->cut_at || t->bytes_per_second || t->endless;
}

static void ask_model(struct memnet *n, struct http_exchange *x)
{
	struct sim_response r = { .status = 200 };

	if (!x->host) {
		fail_with(x, HTTP_FAIL_RESOLVE, n->now_us);
		return;
	}
	if (x->host->down) {
		fail_with(x, HTTP_FAIL_CONNECT, n->now_us);
		return;
	}
	if (x->connect_only) { /* the connection stands, and that is all */
		x->phase = TO_CALLER;
		x->due_us = n->now_us + x->host->latency_us;
		return;
	}
	if (!meets_weather(n, x))
		return;
	reach(n, x, &r);
	if (is_trouble(&x->trouble))
		r.trouble = x->trouble;
	if (!r.later) {
		take_answer(x, &r, n->now_us);
		return;
	}
	x->phase = AT_MODEL;
	x->due_us = n->now_us + (r.retry_ms > 0 ? r.retry_ms : SECOND_MS) * 1000;
	if (x->due_us > x->deadline_us)
		fail_with(x, HTTP_FAIL_TIMEOUT, x->deadline_us);
}

/* A body for the sink comes in pieces, as from a socket. */
static void deliver(struct memnet *n, struct http_exchange *x)
{
	struct str rest = x->response.body;

	x->phase = FINISHED;
	x->response.duration_ms = (n->now_us - x->started_us) / 1000;
	if (!x->sink || x->response.status / 100 != 2)
		return;
	x->response.body = str_of(NULL);
	while (rest.len) {
		size_t piece = rest.len < 16384 ? rest.len : 16384;

		if (x->sink(x->sink_ctx, str_n(rest.at, piece)) != OK) {
			x->response.failure = HTTP_FAIL_ABORTED;
			return;
		}
		rest = str_n(rest.at + piece, rest.len - piece);
	}
}

/* Everything that is due now; long polls are asked again, because a model may have changed by the test's hand. */
static bool happen(struct memnet *n)
{
	bool moved = false;

	for (struct http_exchange *x = n->all.next, *next; x != &n->all; x = next) {
		next = x->next;
		if (x->never)
			continue;
		if (x->phase == AT_MODEL) {
			ask_model(n, x);
			moved = moved || x->phase != AT_MODEL;
		} else if (x->phase == TO_MODEL && x->due_us <= n->now_us) {
			ask_model(n, x);
			moved = true;
		}
		if (x->phase == TO_CALLER && x->due_us <= n->now_us) {
			deliver(n, x);
			moved = true;
		}
	}
	return moved;
}

static bool any_finished(const struct memnet *n)
{
	for (const struct http_exchange *x = n->all.next; x != &n->all; x = x->next)
		if (x->phase == FINISHED && x->response.duration_ms >= 0)
			return true;
	return false;
}

static bool any_ready(const struct http_wait *extra, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pollfd p = { .fd = extra[i].fd, .events = extra[i].events };

		if (poll(&p, 1, 0) > 0)
			return true;
	}
	return false;
}

static int net_poll(void *ctx, struct http_wait *extra, size_t extra_count, int timeout_ms)
{
	struct memnet *n = ctx;
	int64_t until_us = n->now_us + (timeout_ms < 0 ? INT64_C(3600000000) : timeout_ms * INT64_C(1000));

	happen(n);
	if (any_ready(extra, extra_count)) /* the helper has something, or somebody asks over HTTP: no time passes */
		return 0;
	while (!any_finished(n) && n->now_us < until_us) {
		int64_t next_us = until_us;

		for (struct http_exchange *x = n->all.next; x != &n->all; x = x->next)
			if (x->phase != FINISHED && !x->never && x->due_us < next_us)
				next_us = x->due_us;
		if (next_us > n->now_us)
			n->now_us = next_us;
		happen(n);
	}
	return 0;
}

static bool net_next(void *ctx, struct http_done *done)
{
	struct memnet *n = ctx;

	for (struct http_exchange *x = n->all.next; x != &n->all; x = x->next)
		if (x->phase == FINISHED && x->response.duration_ms >= 0) {
			*done = (struct http_done){ .id = x->id, .tag = x->tag, .response = &x->response, .exchange = x };
			x->prev->next = x->next;
			x->next->prev = x->prev;
			x->prev = n->given.prev;
			x->next = &n->given;
			x->prev->next = x->next->prev = x;
			return true;
		}
	return false;
}

static void net_release(void *ctx, struct http_done *done)
{
	(void)ctx;
	if (done->exchange)
		exchange_free(done->exchange);
	done->exchange = NULL;
}

struct net memnet_net(struct memnet *n)
{
	return (struct net){ .ctx = n, .start = net_start, .cancel = net_cancel, .poll = net_poll, .next = net_next, .release = net_release };
}

void memnet_kill(struct memnet *n, bool lost)
{
	while (n->all.next != &n->all) {
		struct http_exchange *x = n->all.next;

		if (x->phase == TO_MODEL && !lost && !x->never)
			ask_model(n, x);
		exchange_free(x);
	}
	while (n->given.next != &n->given)
		exchange_free(n->given.next);
	n->dead = false;
}

size_t memnet_under_way(const struct memnet *n)
{
	size_t count = 0;

	for (const struct http_exchange *x = n->all.next; x != &n->all; x = x->next)
		count += x->phase != AT_MODEL;
	return count;
}
