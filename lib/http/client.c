/* The client's turn, and an exchange's way through it: begun, ended, handed out. Who may begin is decided in queue.c.
 *
 * libcurl is driven one descriptor at a time (curl_multi_socket_action over our own epoll) and not by
 * curl_multi_perform: perform walks and polls every exchange under way, each turn, and cannot be stopped half-way when
 * thirty hand-shakes come back at once.
 *
 * Invariants:
 *  1. An exchange is in exactly one place: a peer's queue (WAITING), the multi handle (UNDER_WAY), the done list (DONE),
 *     the caller's hands (HANDED_OUT).
 *  2. slots_used counts those under way without the long polls; it never passes limits.connections_max. */
#include "lib/http/client_private.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define EVENTS_MAX 64
#define BULK_BYTES ((size_t)64 * 1024) /* a body that is longer, … */
#define BULK_BYTES_OF_REST ((size_t)16 * 1024) /* (from a peer that may be anything) … */
#define BULK_CPU_US 500            /* … is read on, with all others like it, for so long, … */
#define BULK_REST_US 1500          /* … and then not for so long: bodies without an end leave three quarters of the loop to others */

static const char *const system_ca_files[] = {
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
};

int64_t client_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

/* --- an exchange begins and ends --- */

void client_begin(struct http_client *c, struct http_exchange *x, int64_t now_us)
{
	CURLMcode code;

	queue_remove(c, x);
	x->state = EXCHANGE_UNDER_WAY;
	x->peer->under_way++;
	c->slots_used += x->lane != HTTP_LANE_POLL;
	c->counts.under_way++;
	if (!x->answer)
		x->answer = answer_take(c);
	x->line = line_take(c, x, now_us);
	code = curl_multi_add_handle(c->multi, x->line->easy);
	assert(code == CURLM_OK);
}

void client_hand_in(struct http_client *c, struct http_exchange *x)
{
	x->state = EXCHANGE_DONE;
	TAILQ_INSERT_TAIL(&c->done, x, link);
	c->counts.done++;
	c->counts.failed[x->answer->response.failure]++;
}

static void exchange_free(struct http_client *c, struct http_exchange *x)
{
	http_ids_remove(&c->ids, x->id);
	if (x->answer)
		answer_give_back(c, x->answer);
	free(x->text);
	free(x);
}

static void forget_pause(struct http_client *c, struct http_exchange *x)
{
	if (x->paused)
		TAILQ_REMOVE(&c->paused, x, link);
	x->paused = false;
}

/* The line goes back to the pool, the slot is free, the name knows what became of its look-up. */
static void leave_line(struct http_client *c, struct http_exchange *x, CURLcode code)
{
	struct http_name *name = x->peer->name;
	bool resolved_not = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;

	if (x->looking && resolved_not) {
		http_name_failed(&c->names, name, x, client_mono_ms());
	} else if (x->looking) {
		http_name_abandoned(&c->names, name, x, client_mono_ms());
		c->counts.lookups_abandoned++;
	} else if (name) {
		http_name_leave(&c->names, name, x);
	}
	x->looking = false;
	forget_pause(c, x);
	curl_multi_remove_handle(c->multi, x->line->easy);
	line_give_back(x->line);
	x->line = NULL;
	x->peer->under_way--;
	c->slots_used -= x->lane != HTTP_LANE_POLL;
	c->counts.under_way--;
}

static void end(struct http_client *c, struct http_exchange *x, CURLcode code)
{
	if (x->again && !x->sent && code != CURLE_OPERATION_TIMEDOUT) {
		leave_line(c, x, CURLE_OK);
		x->again = false;
		queue_add(c, x, true);
		return;
	}
	exchange_finish(c, x, code);
	x->peer->idle += code == CURLE_OK && !x->connect_only;
	leave_line(c, x, code);
	client_hand_in(c, x);
}

static void collect(struct http_client *c)
{
	CURLMsg *message;
	struct line *line;
	int left;

	while ((message = curl_multi_info_read(c->multi, &left))) {
		CURLcode code = message->data.result;

		assert(message->msg == CURLMSG_DONE);
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&line);
		end(c, line->exchange, code);
	}
}

/* --- descriptors --- */

static struct watched *watched_of(struct http_client *c, int fd)
{
	size_t count = c->watched_count ? c->watched_count : 64;

	assert(fd >= 0);
	if ((size_t)fd < c->watched_count)
		return &c->watched[fd];
	while (count <= (size_t)fd)
		count *= 2;
	c->watched = xrealloc(c->watched, count * sizeof *c->watched);
	memset(c->watched + c->watched_count, 0, (count - c->watched_count) * sizeof *c->watched);
	c->watched_count = count;
	return &c->watched[fd];
}

void client_forget_socket(struct http_client *c, int fd)
{
	*watched_of(c, fd) = (struct watched){ 0 };
}

static void watch(struct http_client *c, int fd, uint32_t events)
{
	struct watched *w = watched_of(c, fd);
	struct epoll_event event = { .events = events, .data.fd = fd };
	int op = !events ? EPOLL_CTL_DEL : w->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, failed;

	if (events == w->in_epoll)
		return;
	failed = epoll_ctl(c->epoll_fd, op, fd, &event);
	if (failed && op == EPOLL_CTL_ADD && errno == EEXIST)
		failed = epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, fd, &event);
	assert(!failed || !events); /* closed already: it has left by itself */
	w->in_epoll = events;
}

/* The exchange an easy handle is under way for; NULL for handles of libcurl's own. */
static struct http_exchange *exchange_of(CURL *easy)
{
	struct line *line = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&line);
	return line ? line->exchange : NULL;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
	static const uint32_t events_of[] = {
		[CURL_POLL_IN] = EPOLLIN, [CURL_POLL_OUT] = EPOLLOUT, [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT, [CURL_POLL_REMOVE] = 0,
	};
	struct http_client *c = ctx;
	struct http_exchange *x = exchange_of(easy);
	uint32_t events = events_of[what];

	(void)unused;
	if (events && (!x || x->looking))
		client_forget_socket(c, fd); /* not a connection but a resolver's pair: whatever we knew of that number is old */
	/* While libcurl connects it waits for writing; once it waits for reading, the peer has taken the connection.
	 * (CURLINFO_CONNECT_TIME_T stays 0 in 7.88 until TLS is through.) */
	else if (events & EPOLLIN)
		x->connected = true;
	watched_of(c, fd)->resting = !events;
	if (events)
		watch(c, fd, events);
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http_client *c = ctx;

	(void)multi;
	c->curl_timer_us = timeout_ms < 0 ? -1 : clock_mono_us() + timeout_ms * 1000;
	return 0;
}

/* --- the turn --- */

static void run_timers(struct http_client *c)
{
	int running;

	if (c->curl_timer_us < 0 || clock_mono_us() < c->curl_timer_us)
		return;
	c->curl_timer_us = -1;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void run_socket(struct http_client *c, const struct epoll_event *event)
{
	struct watched *w = watched_of(c, event->data.fd);
	int what = 0, running;

	if (w->resting) { /* the peer closes it; libcurl notices when it wants to use it */
		watch(c, event->data.fd, 0);
		return;
	}
	what |= event->events & EPOLLIN ? CURL_CSELECT_IN : 0;
	what |= event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	what |= event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_IN | CURL_CSELECT_OUT : 0;
	curl_multi_socket_action(c->multi, event->data.fd, what, &running);
}

/* What is left when the CPU is used up is still ready in the next turn: epoll is level-triggered here. */
static void run_sockets(struct http_client *c)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t budget_us = c->limits.turn_cpu_ms_max * INT64_C(1000), begin_us = clock_mono_us(), begin_cpu_us = clock_cpu_us();
	int n = epoll_wait(c->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		run_socket(c, &events[i]);
		if (clock_mono_us() - begin_us >= budget_us && clock_cpu_us() - begin_cpu_us >= budget_us && i + 1 < n) {
			c->counts.turns_cut++;
			return;
		}
	}
}

/* The time begins with the first of them in a turn, so that in the busiest turn they go on a little, too. */
static bool bulk_is_used_up(struct http_client *c)
{
	if (clock_mono_us() < c->bulk_from_us)
		return true;
	if (!c->bulk_began_cpu_us)
		c->bulk_began_cpu_us = clock_cpu_us();
	if (clock_cpu_us() - c->bulk_began_cpu_us < BULK_CPU_US)
		return false;
	c->bulk_from_us = clock_mono_us() + BULK_REST_US;
	return true;
}

/* libcurl reads a hundred buffers of an exchange before it looks at the next, and at all whose bytes wait in one go. So a
 * turn with twenty bodies without an end took 73 ms. Short answers never ask. */
bool client_pauses(struct http_client *c, struct http_exchange *x)
{
	if (x->body_bytes < (x->lane == HTTP_LANE_REST ? BULK_BYTES_OF_REST : BULK_BYTES) || !bulk_is_used_up(c))
		return false;
	if (!x->paused)
		TAILQ_INSERT_TAIL(&c->paused, x, link);
	x->paused = true;
	c->counts.bodies_paused++;
	return true;
}

/* In the order in which they were stopped, each at most once. */
static void resume(struct http_client *c)
{
	struct http_exchange *last = TAILQ_LAST(&c->paused, exchange_list), *x = NULL;

	while (x != last && (x = TAILQ_FIRST(&c->paused)) && !bulk_is_used_up(c)) {
		forget_pause(c, x);
		curl_easy_pause(x->line->easy, CURLPAUSE_CONT);
	}
}

static int until_ms(int64_t at_us, int64_t now_us, int otherwise_ms)
{
	int64_t left_ms = at_us <= now_us ? 0 : (at_us - now_us + 999) / 1000;

	return otherwise_ms >= 0 && left_ms > otherwise_ms ? otherwise_ms : left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

static int wait_ms(const struct http_client *c, int timeout_ms)
{
	int64_t now_us = clock_mono_us();

	if (!TAILQ_EMPTY(&c->done) || c->held_back)
		return 0;
	if (!TAILQ_EMPTY(&c->paused))
		timeout_ms = until_ms(c->bulk_from_us, now_us, timeout_ms);
	if (c->curl_timer_us >= 0)
		timeout_ms = until_ms(c->curl_timer_us, now_us, timeout_ms);
	if (c->queue_deadline_us != INT64_MAX)
		timeout_ms = until_ms(c->queue_deadline_us, now_us, timeout_ms);
	return timeout_ms;
}

/* Our epoll descriptor and the caller's, with one poll(2). Returns how many of the caller's are ready. */
static int wait_for(struct http_client *c, struct http_wait *extra, size_t extra_count, int timeout_ms, bool *ours)
{
	struct pollfd fds[1 + HTTP_WAITS_MAX];
	int ready, count = 0;

	assert(extra_count <= HTTP_WAITS_MAX);
	fds[0] = (struct pollfd){ .fd = c->epoll_fd, .events = POLLIN };
	for (size_t i = 0; i < extra_count; i++)
		fds[i + 1] = (struct pollfd){ .fd = extra[i].fd, .events = extra[i].events };
	c->counts.slept_us -= clock_mono_us();
	ready = poll(fds, 1 + extra_count, timeout_ms);
	c->counts.slept_us += clock_mono_us();
	assert(ready >= 0 || errno == EINTR);
	for (size_t i = 0; i < extra_count; i++) {
		extra[i].revents = ready > 0 ? fds[i + 1].revents : 0;
		count += extra[i].revents != 0;
	}
	*ours = ready > 0 && fds[0].revents != 0;
	return count;
}

int http_client_poll(struct http_client *c, struct http_wait *extra, size_t extra_count, int timeout_ms)
{
	bool ours;
	int count;

	c->tls_admitted = c->tls_opened = 0;
	c->held_back = false;
	c->bulk_began_cpu_us = 0;
	queue_fail_overdue(c, clock_mono_us());
	queue_begin(c, clock_mono_us());
	run_timers(c); /* what has just begun is written now, before we wait */
	collect(c);
	count = wait_for(c, extra, extra_count, wait_ms(c, timeout_ms), &ours);
	if (ours)
		run_sockets(c);
	resume(c);
	run_timers(c);
	collect(c);
	return count;
}

bool http_client_next(struct http_client *c, struct http_done *done)
{
	struct http_exchange *x = TAILQ_FIRST(&c->done);

	if (!x)
		return false;
	TAILQ_REMOVE(&c->done, x, link);
	x->state = EXCHANGE_HANDED_OUT;
	*done = (struct http_done){ .id = x->id, .tag = x->tag, .response = &x->answer->response, .exchange = x };
	return true;
}

void http_done_release(struct http_client *c, struct http_done *done)
{
	if (done->exchange)
		exchange_free(c, done->exchange);
	*done = (struct http_done){ 0 };
}

/* --- start and cancel --- */

uint64_t http_client_start(struct http_client *c, const struct http_request *request, enum http_lane lane, void *tag)
{
	struct http_exchange *x = xcalloc(1, sizeof *x);
	const char *why = NULL;
	int timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS;

	x->id = http_ids_add(&c->ids, x);
	x->tag = tag;
	x->lane = lane;
	x->started_us = clock_mono_us();
	x->deadline_us = x->started_us + timeout_ms * INT64_C(1000);
	c->counts.started++;
	if ((size_t)c->counts.waiting >= c->limits.queue_max)
		why = "too many exchanges wait";
	if (why || exchange_copy(x, request, &why) != OK) {
		exchange_fail(c, x, HTTP_FAIL_ABORTED, why);
		client_hand_in(c, x);
		return x->id;
	}
	x->peer = queue_peer_of(c, x);
	queue_add(c, x, false);
	return x->id;
}

void http_client_cancel(struct http_client *c, uint64_t id)
{
	struct http_exchange *x = http_ids_find(&c->ids, id);

	if (!x || x->state == EXCHANGE_HANDED_OUT)
		return;
	if (x->state == EXCHANGE_WAITING)
		queue_remove(c, x);
	else if (x->state == EXCHANGE_UNDER_WAY)
		leave_line(c, x, CURLE_ABORTED_BY_CALLBACK);
	else
		TAILQ_REMOVE(&c->done, x, link);
	c->counts.canceled++;
	exchange_free(c, x);
}

const struct http_client_counts *http_client_counts(const struct http_client *c)
{
	return &c->counts;
}

/* --- birth and death --- */

static char *find_ca_file(const char *given)
{
	const char *env = getenv("SSL_CERT_FILE");

	if (given)
		return xstrdup(given);
	if (env && env[0])
		return xstrdup(env);
	for (size_t i = 0; i < countof(system_ca_files); i++)
		if (access(system_ca_files[i], R_OK) == 0)
			return xstrdup(system_ca_files[i]);
	return xstrdup(system_ca_files[0]); /* every public peer is then refused, and says why */
}

static void set_defaults(struct http_client_limits *l)
{
	const struct { int *value, otherwise; } defaults[] = {
		{ &l->connections_max, 256 }, { &l->connections_per_host_max, 64 }, { &l->idle_s_max, 20 },
		{ &l->tls_begun_per_turn_max, 4 }, { &l->turn_cpu_ms_max, 20 }, { &l->name_rest_ms, 30000 },
		{ &l->lookups_abandoned_max, 32 }, { &l->lookup_abandoned_ms, 60000 },
	};

	for (size_t i = 0; i < countof(defaults); i++)
		if (*defaults[i].value <= 0)
			*defaults[i].value = defaults[i].otherwise;
	l->queue_max = l->queue_max ? l->queue_max : 20000;
	l->header_bytes_max = l->header_bytes_max ? l->header_bytes_max : (size_t)64 * 1024;
}

static void set_multi(struct http_client *c)
{
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->limits.connections_max);
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
#if LIBCURL_VERSION_NUM >= 0x081400
	/* From 8.20 on look-ups share a pool of 20 threads: dead names would fill it, and freeing the handle joins it. */
	curl_multi_setopt(c->multi, CURLMOPT_RESOLVE_THREADS_MAX, (long)c->limits.lookups_abandoned_max * 2 + 1);
	curl_multi_setopt(c->multi, CURLMOPT_QUICK_EXIT, 1L);
#endif
}

struct http_client *http_client_new(const struct http_client_limits *limits)
{
	struct http_client *c = xcalloc(1, sizeof *c);
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

	assert(code == CURLE_OK);
	signal(SIGPIPE, SIG_IGN); /* CURLOPT_NOSIGNAL leaves it to us; OpenSSL writes without MSG_NOSIGNAL */
	if (limits)
		c->limits = *limits;
	set_defaults(&c->limits);
	c->ca_file = find_ca_file(c->limits.ca_file);
	c->limits.ca_file = c->ca_file;
	c->curl_timer_us = -1;
	c->queue_deadline_us = INT64_MAX;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->multi = curl_multi_init();
	assert(c->epoll_fd >= 0 && c->multi);
	buf_init(&c->key, 64 * 1024);
	http_names_init(&c->names, c->limits.name_rest_ms, c->limits.lookups_abandoned_max, c->limits.lookup_abandoned_ms);
	TAILQ_INIT(&c->peers_waiting);
	TAILQ_INIT(&c->done);
	TAILQ_INIT(&c->paused);
	for (size_t i = 0; i < LINE_KINDS; i++)
		SLIST_INIT(&c->lines[i]);
	SLIST_INIT(&c->answers);
	set_multi(c);
	return c;
}

static void free_exchanges(struct http_client *c)
{
	struct http_exchange *x;
	size_t from = 0;

	while ((x = http_ids_each(&c->ids, &from))) {
		assert(x->state != EXCHANGE_HANDED_OUT);
		http_client_cancel(c, x->id);
	}
	http_ids_release(&c->ids);
}

static void free_pools(struct http_client *c)
{
	struct line *line;
	struct answer *answer;

	for (size_t i = 0; i < LINE_KINDS; i++)
		while ((line = SLIST_FIRST(&c->lines[i]))) {
			SLIST_REMOVE_HEAD(&c->lines[i], pool);
			line_free(line);
		}
	while ((answer = SLIST_FIRST(&c->answers))) {
		SLIST_REMOVE_HEAD(&c->answers, pool);
		buf_release(&answer->body);
		buf_release(&answer->head);
		free(answer);
	}
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	free_exchanges(c);
	free_pools(c);
	curl_multi_cleanup(c->multi);
	queue_forget_unused_peers(c);
	assert(c->peers_count == 0);
	http_names_release(&c->names);
	close(c->epoll_fd);
	buf_release(&c->key);
	free(c->watched);
	free(c->ca_file);
	free(c);
}
