/* The HTTP client over real sockets on loopback, simulator and client in one thread. The resolver is replaced where
 * libcurl calls it: a look-up that never ends is a getaddrinfo that blocks. */
#ifndef OBOL_TESTS_HTTP_WORLD_H
#define OBOL_TESTS_HTTP_WORLD_H

#include "tests/unit/proves.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/http/client.h"
#include "tests/sim/serve.h"

#define GUARD_MS 20000 /* a test that waits longer is broken */

/* --- the resolver --- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t open;
	bool released;
	int dead_calls, blocked; /* look-ups of dead*.invalid: begun, now under way */
	int bad_calls;           /* of bad*.invalid, which fail at once */
	int good_calls;          /* of good*.invalid, which are 127.0.0.1 */
} resolver = { .lock = PTHREAD_MUTEX_INITIALIZER, .open = PTHREAD_COND_INITIALIZER };

static inline int resolve_dead(void)
{
	pthread_mutex_lock(&resolver.lock);
	resolver.dead_calls++;
	resolver.blocked++;
	while (!resolver.released)
		pthread_cond_wait(&resolver.open, &resolver.lock);
	resolver.blocked--;
	pthread_cond_broadcast(&resolver.open);
	pthread_mutex_unlock(&resolver.lock);
	return EAI_AGAIN;
}

static inline void count_call(int *count)
{
	pthread_mutex_lock(&resolver.lock);
	++*count;
	pthread_mutex_unlock(&resolver.lock);
}

static inline int resolver_count(const int *count)
{
	int n;

	pthread_mutex_lock(&resolver.lock);
	n = *count;
	pthread_mutex_unlock(&resolver.lock);
	return n;
}

/* Lets blocked look-ups go and waits until their threads are out of the test's code. */
static inline void resolver_reset(void)
{
	pthread_mutex_lock(&resolver.lock);
	resolver.released = true;
	pthread_cond_broadcast(&resolver.open);
	while (resolver.blocked)
		pthread_cond_wait(&resolver.open, &resolver.lock);
	resolver.released = false;
	resolver.dead_calls = resolver.bad_calls = resolver.good_calls = 0;
	pthread_mutex_unlock(&resolver.lock);
}

/* What libcurl calls in its resolver thread. */
int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
	struct addrinfo **restrict result)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (node && str_starts(str_of(node), "dead"))
		return resolve_dead();
	if (node && strncasecmp(node, "bad", 3) == 0) {
		count_call(&resolver.bad_calls);
		return EAI_NONAME;
	}
	if (node && str_starts(str_of(node), "good")) {
		count_call(&resolver.good_calls);
		node = "127.0.0.1";
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, result);
}

/* --- the world of a test --- */

struct world {
	struct http_client *client;
	struct serve *serve;
	int plain, tls;
	/* the model: answers this and remembers what came */
	struct sim_response answer;
	bool echo;
	int asked;
	char last_path[256], last_type[128];
	enum http_method last_method;
	struct buf last_body, last_headers;
	struct http_done done;
	char url[512];
};

static inline void model(void *ctx, const struct sim_request *q, struct sim_response *r)
{
	struct world *w = ctx;

	w->asked++;
	w->last_method = q->method;
	snprintf(w->last_path, sizeof w->last_path, "%.*s", STR_ARG(q->path));
	buf_clear(&w->last_body);
	buf_add(&w->last_body, q->body);
	buf_clear(&w->last_headers);
	for (size_t i = 0; i < q->headers_count; i++)
		buf_printf(&w->last_headers, "%s: %s\n", q->headers[i].name, q->headers[i].value);
	*r = w->answer;
	if (w->echo)
		r->body = str_n(str_dup(q->arena, q->body), q->body.len);
}

static inline void world_open(struct world *w, const struct http_client_limits *limits)
{
	*w = (struct world){ .answer = { .status = 200, .body = STR("hello") } };
	w->serve = serve_new();
	w->plain = serve_add(w->serve, model, w, 0, false);
	w->tls = serve_add(w->serve, model, w, 1, true);
	w->client = http_client_new(limits);
	buf_init(&w->last_body, 64u << 20);
	buf_init(&w->last_headers, 1u << 20);
}

static inline void world_close(struct world *w)
{
	http_done_release(w->client, &w->done);
	http_client_free(w->client);
	serve_free(w->serve);
	buf_release(&w->last_body);
	buf_release(&w->last_headers);
	resolver_reset();
}

static inline const char *url(struct world *w, int socket, const char *path)
{
	snprintf(w->url, sizeof w->url, "%s%s", serve_url(w->serve, socket), path);
	return w->url;
}

/* One turn of both sides. */
static inline void turn(struct world *w)
{
	struct http_wait waits[] = { { .fd = serve_fd(w->serve), .events = POLLIN } };
	int serve_ms = serve_timeout_ms(w->serve);

	http_client_poll(w->client, waits, 1, serve_ms >= 0 && serve_ms < 50 ? serve_ms : 50);
	serve_run_once(w->serve, 0);
}

static inline bool next_done(struct world *w)
{
	http_done_release(w->client, &w->done);
	return http_client_next(w->client, &w->done);
}

/* Turns until an exchange is finished. */
static inline const struct http_response *wait_done(struct world *w)
{
	int64_t until_us = clock_mono_us() + GUARD_MS * 1000;

	while (!next_done(w)) {
		if (clock_mono_us() > until_us)
			fail_msg("nothing finished");
		turn(w);
	}
	return w->done.response;
}

static inline const struct http_response *send_request(struct world *w, const struct http_request *r)
{
	http_client_start(w->client, r, HTTP_LANE_NORMAL, w);
	return wait_done(w);
}

static inline const struct http_response *get(struct world *w, const char *path)
{
	return send_request(w, &(struct http_request){ .url = url(w, w->plain, path), .timeout_ms = 5000 });
}

static inline void assert_failed(const struct http_response *r, enum http_failure failure, bool unsent)
{
	if (r->failure != failure)
		fail_msg("%s instead of %s: %s", http_failure_name(r->failure), http_failure_name(failure), r->detail);
	assert_int_equal(r->certain_unsent, unsent);
	assert_true(r->detail[0] != '\0');
}

/* One raw peer that says fixed bytes to whoever connects, for what is no HTTP at all. */
struct raw_peer {
	int listener, port;
	const char *says;
	int accepted;
};

static inline void raw_open(struct raw_peer *p, const char *says)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;

	*p = (struct raw_peer){ .says = says, .listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	assert_int_equal(bind(p->listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(p->listener, 16), 0);
	getsockname(p->listener, (struct sockaddr *)&a, &len);
	p->port = ntohs(a.sin_port);
}

#endif
