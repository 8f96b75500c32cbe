/* Models behind sockets: one epoll, one step at a time.
 *
 * A connection is in one state:
 *
 *   READING ──request complete──▶ ask the model ──later──▶ WAITING ──retry or change──▶ ask again
 *      ▲                             │  │  └──drop──▶ closed
 *      │                             │  └──hang──▶ HANGING (until the peer goes)
 *      │                             ▼
 *      └──keep-alive── SENDING ◀── DELAYED
 *
 * SENDING ends whole, cut (closed inside the body), or never (endless). */
#include "tests/sim/serve_private.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define EVENTS_MAX 64
#define READ_BYTES ((size_t)64 * 1024)
#define ENDLESS_BYTES ((size_t)16 * 1024)

enum conn_state { CONN_READING, CONN_WAITING, CONN_HANGING, CONN_DELAYED, CONN_SENDING };

struct conn {
	TAILQ_ENTRY(conn) link;
	struct endpoint *endpoint;
	int fd;
	char remote[INET_ADDRSTRLEN];
	SSL *ssl;                   /* NULL: plain */
	enum conn_state state;
	bool dead;                  /* closed; freed at the end of the step, events may still name it */
	uint32_t events;            /* in epoll */
	bool ssl_wants_write;
	struct buf in, out;
	size_t need;
	size_t sent;                /* of out */
	size_t head_len;            /* of out: the trickle is for the body */
	struct arena request_arena, answer_arena;
	struct serve_request request;
	struct sim_response answer;
	int64_t due_us;             /* WAITING, DELAYED, trickling: when something is to be done; INT64_MAX: never */
	int64_t trickle_from_us;
};
TAILQ_HEAD(conn_list, conn);

/* One listening socket of a model. The holder is bound to the port and never listens: while the endpoint is closed
 * nobody else can get the port. */
struct endpoint {
	struct serve *serve;
	int listen_fd, holder_fd;   /* listen_fd -1: closed */
	int port;
	char url[64];
	sim_handler *handler;
	void *model;
	int listener;
	bool tls;
	serve_hook *hook;
	void *hook_ctx;
	struct serve_counts counts;
};

struct serve {
	int epoll_fd, wake_fd;
	struct endpoint **endpoints;
	int endpoints_count;
	struct conn_list conns, buried;
	SSL_CTX *ssl_ctx;
	struct buf pem, pin;
	atomic_bool changed, stopping;
	pthread_mutex_t lock;
	pthread_t thread;
	bool has_thread;
	int64_t (*now_ms)(void *ctx);
	void *now_ctx;
};

static void conn_go_on(struct conn *c);

/* --- connections --- */

static void conn_watch(struct conn *c)
{
	bool out = c->ssl_wants_write || (c->state == CONN_SENDING && c->due_us == INT64_MAX);
	uint32_t events = EPOLLIN | (out ? EPOLLOUT : 0);
	struct epoll_event event = { .events = events, .data.ptr = c };

	if (c->dead || events == c->events)
		return;
	epoll_ctl(c->endpoint->serve->epoll_fd, c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event);
	c->events = events;
}

static void conn_close(struct conn *c)
{
	struct serve *s = c->endpoint->serve;

	if (c->dead)
		return;
	c->dead = true;
	if (c->ssl)
		SSL_free(c->ssl);
	/* a child between fork and exec may share it: closing alone would not take it out */
	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	c->endpoint->counts.open--;
	TAILQ_REMOVE(&s->conns, c, link);
	TAILQ_INSERT_TAIL(&s->buried, c, link);
}

static void conn_free(struct conn *c)
{
	buf_release(&c->in);
	buf_release(&c->out);
	arena_release(&c->request_arena);
	arena_release(&c->answer_arena);
	free(c);
}

static void bury(struct serve *s)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&s->buried))) {
		TAILQ_REMOVE(&s->buried, c, link);
		conn_free(c);
	}
}

static void accept_one(struct endpoint *e)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof from;
	int fd = accept4(e->listen_fd, (struct sockaddr *)&from, &from_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *c;

	if (fd < 0)
		return;
	c = xcalloc(1, sizeof *c);
	c->endpoint = e;
	c->fd = fd;
	inet_ntop(AF_INET, &from.sin_addr, c->remote, sizeof c->remote);
	c->due_us = INT64_MAX;
	buf_init(&c->in, SERVE_REQUEST_BYTES_MAX);
	buf_init(&c->out, SIZE_MAX / 2); /* as large as the model made it */
	if (e->tls) {
		c->ssl = SSL_new(e->serve->ssl_ctx);
		SSL_set_fd(c->ssl, fd);
		SSL_set_accept_state(c->ssl);
	}
	TAILQ_INSERT_TAIL(&e->serve->conns, c, link);
	e->counts.connections++;
	e->counts.open++;
	conn_watch(c);
}

/* Bytes, 0: none now, -1: the peer is gone. */
static ssize_t io_result(struct conn *c, ssize_t n)
{
	int error;

	if (n > 0)
		return n;
	if (!c->ssl)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	error = SSL_get_error(c->ssl, (int)n);
	c->ssl_wants_write = error == SSL_ERROR_WANT_WRITE;
	ERR_clear_error();
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t conn_recv(struct conn *c, char *at, size_t n)
{
	c->ssl_wants_write = false;
	return io_result(c, c->ssl ? SSL_read(c->ssl, at, (int)n) : recv(c->fd, at, n, 0));
}

static ssize_t conn_send(struct conn *c, const char *at, size_t n)
{
	return io_result(c, c->ssl ? SSL_write(c->ssl, at, (int)n) : send(c->fd, at, n, MSG_NOSIGNAL));
}

/* --- answers --- */

static void add_date(struct buf *to, int64_t now_ms)
{
	time_t t = (time_t)(now_ms / 1000);
	struct tm tm;
	char text[64];

	gmtime_r(&t, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(to, "Date: %s\r\n", text);
}

static void build_answer(struct conn *c)
{
	const struct sim_response *r = &c->answer;
	bool has_body = r->status != 204 && r->status != 304 && r->status >= 200;

	buf_clear(&c->out);
	buf_printf(&c->out, "HTTP/1.1 %d %s\r\n", r->status, r->status < 400 ? "OK" : "Sorry");
	for (size_t i = 0; i < r->headers_count; i++)
		buf_printf(&c->out, "%s: %s\r\n", r->headers[i].name, r->headers[i].value);
	add_date(&c->out, c->request.sim.now_ms);
	if (has_body && !r->trouble.endless)
		buf_printf(&c->out, "Content-Length: %zu\r\n", r->body.len);
	if (!c->request.keep_alive || r->trouble.endless)
		buf_adds(&c->out, "Connection: close\r\n");
	buf_adds(&c->out, "\r\n");
	c->head_len = c->out.len;
	c->sent = 0;
	if (has_body && c->request.sim.method != HTTP_HEAD)
		buf_add(&c->out, r->body);
	if (r->trouble.cut_at > 0 && (size_t)r->trouble.cut_at < r->body.len)
		buf_cut(&c->out, c->head_len + (size_t)r->trouble.cut_at);
}

static bool is_cut(const struct conn *c)
{
	return c->answer.trouble.cut_at > 0 && (size_t)c->answer.trouble.cut_at < c->answer.body.len;
}

static void answer_is_out(struct conn *c)
{
	if (is_cut(c)) {
		conn_close(c);
		return;
	}
	c->endpoint->counts.answers++;
	if (!c->request.keep_alive) {
		conn_close(c);
		return;
	}
	c->state = CONN_READING;
	c->due_us = INT64_MAX;
	arena_clear(&c->request_arena);
	arena_clear(&c->answer_arena);
	conn_go_on(c); /* the next may be here already */
}

/* How much of out may be gone by now. */
static size_t allowed(const struct conn *c, int64_t now_us)
{
	int64_t rate = c->answer.trouble.bytes_per_second, body;

	if (!rate)
		return c->out.len;
	body = (now_us - c->trickle_from_us) * rate / 1000000;
	return body >= (int64_t)(c->out.len - c->head_len) ? c->out.len : c->head_len + (size_t)body;
}

static void add_endless(struct conn *c)
{
	static const char filler[ENDLESS_BYTES];

	buf_clear(&c->out);
	buf_add(&c->out, str_n(filler, sizeof filler));
	c->sent = c->head_len = 0;
}

static void send_more(struct conn *c)
{
	size_t until = allowed(c, clock_mono_us());
	ssize_t n;

	c->due_us = INT64_MAX;
	while (c->sent < until) {
		n = conn_send(c, c->out.at + c->sent, until - c->sent);
		if (n < 0) {
			conn_close(c);
			return;
		}
		if (n == 0)
			return; /* EPOLLOUT goes on */
		c->sent += (size_t)n;
	}
	if (c->sent < c->out.len)
		c->due_us = clock_mono_us() + 1000000 / c->answer.trouble.bytes_per_second;
	else if (c->answer.trouble.endless)
		add_endless(c);
	else
		answer_is_out(c);
}

static void start_sending(struct conn *c)
{
	c->state = CONN_SENDING;
	c->trickle_from_us = clock_mono_us();
	c->due_us = INT64_MAX;
	send_more(c);
}

static void begin_answer(struct conn *c)
{
	const struct sim_trouble *t = &c->answer.trouble;

	if (t->drop) {
		conn_close(c);
		return;
	}
	build_answer(c);
	c->due_us = INT64_MAX;
	if (t->hang) {
		c->state = CONN_HANGING;
	} else if (t->delay_ms > 0) {
		c->state = CONN_DELAYED;
		c->due_us = clock_mono_us() + t->delay_ms * 1000;
	} else {
		start_sending(c);
	}
}

/* --- asking the model --- */

static void call_hook(struct endpoint *e, enum serve_moment moment, const struct conn *c)
{
	if (e->hook)
		e->hook(e->hook_ctx, moment, &c->request.sim, moment == SERVE_AFTER ? &c->answer : NULL);
}

static void ask(struct conn *c)
{
	struct endpoint *e = c->endpoint;

	arena_clear(&c->answer_arena);
	c->answer = (struct sim_response){ .status = 200 };
	c->request.sim.now_ms = e->serve->now_ms(e->serve->now_ctx);
	c->request.sim.listener = e->listener;
	c->request.sim.remote = str_of(c->remote);
	c->request.sim.arena = &c->answer_arena;
	e->handler(e->model, &c->request.sim, &c->answer);
	if (c->answer.later) {
		c->state = CONN_WAITING;
		c->due_us = clock_mono_us() + (c->answer.retry_ms > 0 ? c->answer.retry_ms : 1000) * 1000;
		return;
	}
	atomic_store(&e->serve->changed, true);
	call_hook(e, SERVE_AFTER, c);
	begin_answer(c);
}

static void refuse(struct conn *c)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

	conn_send(c, text, sizeof text - 1);
	conn_close(c);
}

/* Takes up the next request if it is complete. */
static void conn_go_on(struct conn *c)
{
	if (c->dead || c->state != CONN_READING)
		return;
	switch (serve_read(&c->request, &c->request_arena, &c->in, &c->need)) {
	case SERVE_READ_MORE:
		arena_clear(&c->request_arena);
		return;
	case SERVE_READ_BAD:
		refuse(c);
		return;
	case SERVE_READ_DONE:
		c->endpoint->counts.requests++;
		call_hook(c->endpoint, SERVE_BEFORE, c);
		ask(c);
		return;
	}
}

static void conn_read(struct conn *c)
{
	char *at = xmalloc(READ_BYTES);
	ssize_t n = conn_recv(c, at, READ_BYTES);

	if (n > 0)
		buf_add(&c->in, str_n(at, (size_t)n));
	free(at);
	if (n < 0 || c->in.over)
		conn_close(c);
	else if (n > 0 && c->ssl && SSL_pending(c->ssl))
		conn_read(c); /* no event will tell of what OpenSSL holds; at most one record */
	else
		conn_go_on(c);
}

/* --- the step --- */

static void conn_due(struct conn *c)
{
	c->due_us = INT64_MAX;
	if (c->state == CONN_WAITING)
		ask(c);
	else if (c->state == CONN_DELAYED)
		start_sending(c);
	else if (c->state == CONN_SENDING)
		send_more(c);
	conn_watch(c);
}

static void run_due(struct serve *s)
{
	int64_t now_us = clock_mono_us();
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&s->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->due_us <= now_us)
			conn_due(c);
	}
}

static void run_changed(struct serve *s)
{
	struct conn *c, *next;

	if (!atomic_exchange(&s->changed, false))
		return;
	for (c = TAILQ_FIRST(&s->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == CONN_WAITING)
			conn_due(c);
	}
}

static void run_event(struct serve *s, const struct epoll_event *event)
{
	struct conn *c = event->data.ptr;
	uint64_t count;

	if (!c) {
		if (read(s->wake_fd, &count, sizeof count) < 0)
			return;
	} else if (!c->dead) {
		if (c->state == CONN_SENDING && event->events & EPOLLOUT)
			send_more(c);
		else
			conn_read(c);
		conn_watch(c);
	}
}

/* An epoll entry is a connection, an endpoint (its lowest bit set: both are aligned) or, NULL, the wake-up. */
static void run_events(struct serve *s, const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		uintptr_t p = (uintptr_t)events[i].data.ptr;

		if (p & 1)
			accept_one((struct endpoint *)(p - 1));
		else
			run_event(s, &events[i]);
	}
}

int serve_timeout_ms(const struct serve *s)
{
	int64_t due_us = INT64_MAX, now_us = clock_mono_us();
	const struct conn *c;

	if (atomic_load(&s->changed))
		return 0;
	TAILQ_FOREACH(c, &s->conns, link)
		due_us = c->due_us < due_us ? c->due_us : due_us;
	if (due_us == INT64_MAX)
		return -1;
	return due_us <= now_us ? 0 : (int)((due_us - now_us + 999) / 1000);
}

void serve_run_once(struct serve *s, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int own_ms, n;

	pthread_mutex_lock(&s->lock);
	own_ms = serve_timeout_ms(s);
	pthread_mutex_unlock(&s->lock);
	if (own_ms >= 0 && (timeout_ms < 0 || own_ms < timeout_ms))
		timeout_ms = own_ms;
	n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, timeout_ms);
	pthread_mutex_lock(&s->lock);
	run_events(s, events, n);
	run_due(s);
	run_changed(s);
	bury(s);
	pthread_mutex_unlock(&s->lock);
}

int serve_fd(const struct serve *s)
{
	return s->epoll_fd;
}

/* --- the thread --- */

static void wake(struct serve *s)
{
	uint64_t one = 1;
	ssize_t n = write(s->wake_fd, &one, sizeof one);

	assert(n == sizeof one);
}

static void *thread_main(void *ctx)
{
	struct serve *s = ctx;

	while (!atomic_load(&s->stopping))
		serve_run_once(s, -1);
	return NULL;
}

void serve_thread_start(struct serve *s)
{
	int failed;

	assert(!s->has_thread);
	atomic_store(&s->stopping, false);
	failed = pthread_create(&s->thread, NULL, thread_main, s);
	assert(!failed);
	s->has_thread = true;
}

void serve_thread_stop(struct serve *s)
{
	if (!s->has_thread)
		return;
	atomic_store(&s->stopping, true);
	wake(s);
	pthread_join(s->thread, NULL);
	s->has_thread = false;
}

void serve_lock(struct serve *s)
{
	pthread_mutex_lock(&s->lock);
}

void serve_unlock(struct serve *s)
{
	pthread_mutex_unlock(&s->lock);
}

void serve_changed(struct serve *s)
{
	atomic_store(&s->changed, true);
	wake(s);
}

/* --- sockets --- */

static int bound_socket(int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)*port) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, failed;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	failed = bind(fd, (struct sockaddr *)&a, sizeof a) || getsockname(fd, (struct sockaddr *)&a, &len);
	assert(!failed);
	*port = ntohs(a.sin_port);
	return fd;
}

static void endpoint_open(struct endpoint *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = (char *)e + 1 };
	int failed;

	e->listen_fd = bound_socket(&e->port);
	failed = listen(e->listen_fd, 1024) || epoll_ctl(e->serve->epoll_fd, EPOLL_CTL_ADD, e->listen_fd, &event);
	assert(!failed);
}

static struct endpoint *endpoint_at(const struct serve *s, int socket)
{
	assert(socket >= 0 && socket < s->endpoints_count);
	return s->endpoints[socket];
}

int serve_add(struct serve *s, sim_handler *handler, void *model, int listener, bool tls)
{
	struct endpoint *e = xcalloc(1, sizeof *e);
	int port = 0;

	*e = (struct endpoint){ .serve = s, .handler = handler, .model = model, .listener = listener, .tls = tls };
	if (tls && !s->ssl_ctx)
		s->ssl_ctx = serve_tls_make(&s->pem, &s->pin);
	e->holder_fd = bound_socket(&port);
	e->port = port;
	snprintf(e->url, sizeof e->url, "%s://127.0.0.1:%d", tls ? "https" : "http", port);
	serve_lock(s);
	s->endpoints = xrealloc(s->endpoints, (size_t)(s->endpoints_count + 1) * sizeof(struct endpoint *));
	s->endpoints[s->endpoints_count++] = e;
	endpoint_open(e);
	serve_unlock(s);
	return s->endpoints_count - 1;
}

void serve_renew_certificate(struct serve *s)
{
	serve_lock(s);
	SSL_CTX_free(s->ssl_ctx); /* open connections hold it as long as they need it */
	buf_clear(&s->pem);
	buf_clear(&s->pin);
	s->ssl_ctx = serve_tls_make(&s->pem, &s->pin);
	serve_unlock(s);
}

static void cut_all(struct serve *s, const struct endpoint *e)
{
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&s->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->endpoint == e)
			conn_close(c); /* freed by the next step */
	}
}

void serve_cut_all(struct serve *s, int socket)
{
	serve_lock(s);
	cut_all(s, endpoint_at(s, socket));
	serve_unlock(s);
}

void serve_close(struct serve *s, int socket)
{
	struct endpoint *e = endpoint_at(s, socket);

	serve_lock(s);
	if (e->listen_fd >= 0)
		close(e->listen_fd);
	e->listen_fd = -1;
	cut_all(s, e);
	serve_unlock(s);
}

void serve_reopen(struct serve *s, int socket)
{
	struct endpoint *e = endpoint_at(s, socket);

	serve_lock(s);
	if (e->listen_fd < 0)
		endpoint_open(e);
	serve_unlock(s);
}

int serve_port(const struct serve *s, int socket)
{
	return endpoint_at(s, socket)->port;
}

const char *serve_url(const struct serve *s, int socket)
{
	return endpoint_at(s, socket)->url;
}

const char *serve_pem(const struct serve *s)
{
	return buf_cstr(&s->pem);
}

const char *serve_pin(const struct serve *s)
{
	return buf_cstr(&s->pin);
}

void serve_kill_hook(struct serve *s, int socket, serve_hook *hook, void *ctx)
{
	struct endpoint *e = endpoint_at(s, socket);

	serve_lock(s);
	e->hook = hook;
	e->hook_ctx = ctx;
	serve_unlock(s);
}

static int64_t system_now_ms(void *ctx)
{
	(void)ctx;
	return clock_now_ms();
}

void serve_set_clock(struct serve *s, int64_t (*now_ms)(void *ctx), void *ctx)
{
	serve_lock(s);
	s->now_ms = now_ms ? now_ms : system_now_ms;
	s->now_ctx = ctx;
	serve_unlock(s);
}

struct serve_counts serve_counts(struct serve *s, int socket)
{
	struct serve_counts counts;

	serve_lock(s);
	counts = endpoint_at(s, socket)->counts;
	serve_unlock(s);
	return counts;
}

/* --- birth and death --- */

struct serve *serve_new(void)
{
	struct serve *s = xcalloc(1, sizeof *s);
	struct epoll_event event = { .events = EPOLLIN };
	pthread_mutexattr_t recursive; /* a hook or model may ask for figures */
	int failed;

	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	failed = epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->wake_fd, &event);
	assert(s->epoll_fd >= 0 && s->wake_fd >= 0 && !failed);
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&s->lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	TAILQ_INIT(&s->conns);
	TAILQ_INIT(&s->buried);
	buf_init(&s->pem, 64 * 1024);
	buf_init(&s->pin, 256);
	s->now_ms = system_now_ms;
	return s;
}

void serve_free(struct serve *s)
{
	serve_thread_stop(s);
	for (int i = 0; i < s->endpoints_count; i++) {
		serve_close(s, i);
		bury(s);
		close(s->endpoints[i]->holder_fd);
		free(s->endpoints[i]);
	}
	free(s->endpoints);
	SSL_CTX_free(s->ssl_ctx);
	buf_release(&s->pem);
	buf_release(&s->pin);
	close(s->epoll_fd);
	close(s->wake_fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
