/* See memserver.h. */
#include "tests/story/memserver.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

struct asked {
	struct http_inbound in; /* first: what is released is this */
	TAILQ_ENTRY(asked) link;
	struct arena arena;
	int64_t deadline_us;
	int status;             /* 0: waiting; MEMSERVER_GONE */
	bool overdue;           /* our own 503 */
	bool taken, given;      /* the core has seen it; and holds it */
	bool heard;             /* and nobody asks any more: freed when it is released */
};

struct memserver {
	TAILQ_HEAD(, asked) all; /* in order of arrival */
	uint64_t last;
	bool dead;
};

struct memserver *memserver_new(void)
{
	struct memserver *s = xcalloc(1, sizeof *s);

	TAILQ_INIT(&s->all);
	return s;
}

static void asked_free(struct memserver *s, struct asked *x)
{
	TAILQ_REMOVE(&s->all, x, link);
	arena_release(&x->arena);
	free(x);
}

void memserver_free(struct memserver *s)
{
	if (!s)
		return;
	memserver_kill(s);
	while (!TAILQ_EMPTY(&s->all))
		asked_free(s, TAILQ_FIRST(&s->all));
	free(s);
}

static struct asked *asked_of(struct memserver *s, uint64_t number)
{
	struct asked *x;

	TAILQ_FOREACH(x, &s->all, link)
		if (x->in.id == number)
			return x;
	return NULL;
}

/* --- who asks --- */

uint64_t memserver_ask(struct memserver *s, const struct http_inbound *request)
{
	struct asked *x = xcalloc(1, sizeof *x);

	x->in = (struct http_inbound){ .id = ++s->last, .listener = request->listener, .method = request->method, .remote = "203.0.113.7" };
	x->in.path = str_of(str_dup(&x->arena, request->path));
	x->in.body = str_n(arena_strndup(&x->arena, request->body.at, request->body.len), request->body.len);
	for (size_t i = 0; i < request->headers_count; i++) {
		char *name = arena_strdup(&x->arena, request->headers[i].name);

		for (char *c = name; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c;
		x->in.headers[x->in.headers_count++] = (struct http_header){ name, arena_strdup(&x->arena, request->headers[i].value) };
	}
	x->deadline_us = clock_mono_us() + MEMSERVER_ANSWER_MS * INT64_C(1000);
	TAILQ_INSERT_TAIL(&s->all, x, link);
	return x->in.id;
}

int memserver_hear(struct memserver *s, uint64_t number)
{
	struct asked *x = asked_of(s, number);
	int status;

	assert(x && !x->heard);
	status = x->status;
	x->heard = status != 0;
	if (x->heard && !x->given)
		asked_free(s, x);
	return status;
}

size_t memserver_waiting(const struct memserver *s)
{
	const struct asked *x;
	size_t n = 0;

	TAILQ_FOREACH(x, &s->all, link)
		n += x->status == 0;
	return n;
}

void memserver_set_dead(struct memserver *s)
{
	s->dead = true;
}

void memserver_kill(struct memserver *s)
{
	struct asked *x;

	TAILQ_FOREACH(x, &s->all, link) {
		assert(!x->given); /* a closed core has let go of everything */
		x->status = x->status ? x->status : MEMSERVER_GONE;
	}
	s->dead = false;
}

/* --- the core's side --- */

static size_t waits(void *ctx, struct http_wait *out)
{
	(void)ctx;
	(void)out;
	return 0; /* the clock and timeout_ms say it all */
}

static int timeout_ms(void *ctx)
{
	struct memserver *s = ctx;
	const struct asked *x;
	int64_t left_us = -1;

	TAILQ_FOREACH(x, &s->all, link) {
		if (x->status)
			continue;
		if (!x->taken)
			return 0;
		if (left_us < 0) /* in order of arrival, and all have as long */
			left_us = x->deadline_us > clock_mono_us() ? x->deadline_us - clock_mono_us() : 0;
	}
	return left_us < 0 ? -1 : (int)((left_us + 999) / 1000);
}

static void run(void *ctx)
{
	struct memserver *s = ctx;
	struct asked *x;

	if (s->dead)
		return;
	TAILQ_FOREACH(x, &s->all, link) {
		assert(!x->taken || x->given || x->status); /* let go is who was answered */
		if (!x->status && x->deadline_us <= clock_mono_us()) {
			x->status = 503;
			x->overdue = true;
		}
	}
}

static struct http_inbound *next(void *ctx)
{
	struct memserver *s = ctx;
	struct asked *x;

	TAILQ_FOREACH(x, &s->all, link)
		if (!x->taken && !x->status) {
			x->taken = x->given = true;
			return &x->in;
		}
	return NULL;
}

static void answer(void *ctx, uint64_t id, const struct http_answer *a)
{
	struct memserver *s = ctx;
	struct asked *x = asked_of(s, id);

	assert(a->status >= 200 && a->status < 600);
	for (size_t i = 0; i < a->headers_count; i++)
		assert(a->headers[i].name && a->headers[i].value);
	if (s->dead)
		return;
	assert(id && id <= s->last && (!x || x->taken));
	if (!x || x->overdue)
		return;
	assert(!x->status);
	x->status = a->status;
}

static void release(void *ctx, struct http_inbound *in)
{
	struct memserver *s = ctx;
	struct asked *x = (struct asked *)in;

	assert(x->given);
	x->given = false;
	if (x->heard)
		asked_free(s, x);
}

struct net_server memserver_net(struct memserver *s)
{
	return (struct net_server){ .ctx = s, .waits = waits, .timeout_ms = timeout_ms, .run = run, .next = next, .answer = answer, .release = release };
}
