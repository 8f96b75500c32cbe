/* See load.h. One thread, epoll, keep-alive, whole requests only. */
#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "tests/sim/serve_private.h"

#define WINDOW (2 * LOAD_BATCH)
#define CONNECTIONS_MAX 1024
#define REQUEST_BYTES_MAX ((size_t)1 << 20)
#define FIRST_USER INT64_C(1000000)
#define EVENTS_AT_ONCE 128

struct connection {
	int fd;
	SSL *ssl;
	struct buf in, out;
	bool polls;           /* its getUpdates waits */
};

struct generator {
	struct load_shared *shared;
	int epoll, listener, wake;
	SSL_CTX *tls;
	struct connection *connections[CONNECTIONS_MAX];
	struct connection *poller;
	struct buf body;
	int64_t message_id;
	int64_t given_us[LOAD_USERS_MAX];
	bool seen[LOAD_USERS_MAX];
};

static _Noreturn void broken(const char *what)
{
	perror(what);
	abort();
}

/* --- answers --- */

static void flush(struct connection *c)
{
	while (c->out.len) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, c->out.at, (int)c->out.len) : write(c->fd, c->out.at, c->out.len);

		if (n <= 0)
			return; /* answers are small: what does not fit goes with the next event */
		buf_drop(&c->out, (size_t)n);
	}
}

static void answer(struct connection *c, struct str body)
{
	buf_printf(&c->out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body.len);
	buf_add(&c->out, body);
	flush(c);
}

static void add_update(struct generator *g, int64_t n)
{
	int64_t id = FIRST_USER + n;

	buf_printf(&g->body, "%s{\"update_id\":%" PRId64 ",\"message\":{\"message_id\":1,\"from\":{\"id\":%" PRId64 ",\"is_bot\":false,"
		"\"first_name\":\"User %" PRId64 "\",\"username\":\"user_%" PRId64 "\",\"language_code\":\"%s\"},"
		"\"chat\":{\"id\":%" PRId64 ",\"first_name\":\"User %" PRId64 "\",\"username\":\"user_%" PRId64 "\",\"type\":\"private\"},"
		"\"date\":%" PRId64 ",\"text\":\"/start\",\"entities\":[{\"offset\":0,\"length\":6,\"type\":\"bot_command\"}]}}",
		g->body.at[g->body.len - 1] == '[' ? "" : ",", 5000000 + n, id, n, n, n % 2 ? "en" : "ru", id, n, n, clock_now_ms() / 1000);
}

/* A batch for the waiting poll, when there is room in the window for one worth while. */
static void hand_out(struct generator *g)
{
	struct load_shared *s = g->shared;
	int64_t under_way = s->handed - s->answered, left = s->wanted - s->handed, n = WINDOW - under_way, now_us;

	if (n > left)
		n = left;
	if (n > LOAD_BATCH)
		n = LOAD_BATCH;
	if (!g->poller || n <= 0 || (n < LOAD_BATCH && n < left))
		return;
	now_us = clock_mono_us();
	buf_clear(&g->body);
	buf_adds(&g->body, "{\"ok\":true,\"result\":[");
	for (int64_t i = s->handed; i < s->handed + n; i++) {
		add_update(g, i);
		g->given_us[i] = now_us;
	}
	buf_adds(&g->body, "]}");
	s->handed += n;
	answer(g->poller, buf_str(&g->body));
	g->poller->polls = false;
	g->poller = NULL;
}

static int64_t chat_of(struct str body)
{
	static const char name[] = "\"chat_id\":";
	const char *at = memmem(body.at, body.len, name, sizeof name - 1);

	return at ? strtoll(at + sizeof name - 1, NULL, 10) : 0;
}

static void message(struct generator *g, struct connection *c, struct str body)
{
	int64_t chat = chat_of(body), n = chat - FIRST_USER;

	if (n >= 0 && n < LOAD_USERS_MAX && !g->seen[n]) {
		g->seen[n] = true;
		g->shared->latency_us[n] = (uint32_t)(clock_mono_us() - g->given_us[n]);
		g->shared->answered++;
	}
	buf_clear(&g->body);
	buf_printf(&g->body, "{\"ok\":true,\"result\":{\"message_id\":%" PRId64 ",\"from\":{\"id\":777000,\"is_bot\":true,\"first_name\":\"Shop\","
		"\"username\":\"demo_shop_bot\"},\"chat\":{\"id\":%" PRId64 ",\"first_name\":\"User\",\"type\":\"private\"},\"date\":%" PRId64 ","
		"\"text\":\"Shown\"}}", ++g->message_id, chat, clock_now_ms() / 1000);
	answer(c, buf_str(&g->body));
}

static void serve_request(struct generator *g, struct connection *c, struct str method, struct str body)
{
	g->shared->calls++;
	if (str_is(method, "getUpdates")) {
		c->polls = true;
		g->poller = c;
	} else if (str_starts(method, "send") || str_starts(method, "editMessage")) {
		message(g, c, body);
	} else if (str_is(method, "getMe")) {
		answer(c, STR("{\"ok\":true,\"result\":{\"id\":777000,\"is_bot\":true,\"first_name\":\"Shop\",\"username\":\"demo_shop_bot\"}}"));
	} else if (str_is(method, "getWebhookInfo")) {
		answer(c, STR("{\"ok\":true,\"result\":{\"url\":\"\",\"has_custom_certificate\":false,\"pending_update_count\":0}}"));
	} else {
		answer(c, STR("{\"ok\":true,\"result\":true}"));
	}
	hand_out(g);
}

/* --- requests --- */

static size_t content_length(struct str head)
{
	static const char name[] = "\r\nContent-Length: ";
	const char *at = memmem(head.at, head.len, name, sizeof name - 1);

	return at ? strtoul(at + sizeof name - 1, NULL, 10) : 0;
}

/* Takes one whole request off the buffer: "POST /bot<token>/<method> HTTP/1.1". */
static bool take_request(struct generator *g, struct connection *c)
{
	const char *end = c->in.len ? memmem(c->in.at, c->in.len, "\r\n\r\n", 4) : NULL;
	struct str head, line, path, method;
	size_t whole;

	if (!end)
		return false;
	head = str_n(c->in.at, (size_t)(end - c->in.at));
	whole = head.len + 4 + content_length(head);
	if (c->in.len < whole)
		return false;
	line = head;
	str_cut(&line, ' ');
	path = str_cut(&line, ' ');
	method = path;
	while (memchr(method.at, '/', method.len))
		str_cut(&method, '/');
	serve_request(g, c, method, str_n(end + 4, whole - head.len - 4));
	buf_drop(&c->in, whole);
	return true;
}

static void hang_up(struct generator *g, struct connection *c)
{
	if (g->poller == c)
		g->poller = NULL;
	g->connections[c->fd] = NULL;
	SSL_free(c->ssl);
	close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

static void read_more(struct generator *g, struct connection *c)
{
	char piece[65536];
	ssize_t n;
	bool gone;

	do {
		n = c->ssl ? SSL_read(c->ssl, piece, sizeof piece) : read(c->fd, piece, sizeof piece);
		if (n > 0)
			buf_add(&c->in, str_n(piece, (size_t)n));
	} while (n > 0);
	gone = c->ssl ? SSL_get_error(c->ssl, (int)n) != SSL_ERROR_WANT_READ : n == 0 || errno != EAGAIN;
	while (take_request(g, c))
		;
	flush(c);
	if (gone)
		hang_up(g, c);
}

static void welcome(struct generator *g)
{
	int fd = accept4(g->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
	struct connection *c;
	struct epoll_event e = { .events = EPOLLIN };

	if (fd < 0)
		return;
	if (fd >= CONNECTIONS_MAX)
		broken("too many connections");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c = g->connections[fd] = xcalloc(1, sizeof *c);
	c->fd = fd;
	buf_init(&c->in, REQUEST_BYTES_MAX);
	buf_init(&c->out, REQUEST_BYTES_MAX);
	if (g->tls) {
		c->ssl = SSL_new(g->tls);
		SSL_set_fd(c->ssl, fd);
		SSL_set_accept_state(c->ssl);
	}
	e.data.fd = fd;
	epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &e);
}

static _Noreturn void generate(struct generator *g)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	for (;;) {
		int n = epoll_wait(g->epoll, events, EVENTS_AT_ONCE, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			uint64_t rung;

			if (fd == g->listener)
				welcome(g);
			else if (fd != g->wake)
				read_more(g, g->connections[fd]);
			else if (read(fd, &rung, sizeof rung) > 0)
				hand_out(g);
		}
	}
}

/* --- for the bench --- */

static int listen_anywhere(int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 256) != 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		broken("listen");
	*port = ntohs(a.sin_port);
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		broken("epoll_ctl");
}

static SSL_CTX *make_tls(struct load *l)
{
	struct buf pem, pin;
	SSL_CTX *ctx;

	buf_init(&pem, 65536);
	buf_init(&pin, 256);
	ctx = serve_tls_make(&pem, &pin);
	l->pem = xstrdup(buf_cstr(&pem));
	buf_release(&pem);
	buf_release(&pin);
	return ctx;
}

void load_open(struct load *l, bool tls)
{
	struct generator *g = xcalloc(1, sizeof *g);

	*l = (struct load){ .wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	l->shared = mmap(NULL, sizeof *l->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l->shared == MAP_FAILED || l->wake < 0)
		broken("load");
	g->shared = l->shared;
	g->wake = l->wake;
	g->tls = tls ? make_tls(l) : NULL;
	g->listener = listen_anywhere(&l->port);
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(g->epoll, g->listener);
	watch(g->epoll, g->wake);
	buf_init(&g->body, REQUEST_BYTES_MAX);
	snprintf(l->url, sizeof l->url, "%s://127.0.0.1:%d", tls ? "https" : "http", l->port);
	l->pid = fork();
	if (l->pid < 0)
		broken("fork");
	if (l->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		generate(g);
	}
	close(g->listener);
	close(g->epoll);
	SSL_CTX_free(g->tls);
	buf_release(&g->body);
	free(g);
}

void load_say(struct load *l, int64_t users)
{
	const uint64_t one = 1;

	if (l->shared->wanted + users > LOAD_USERS_MAX)
		broken("too many users");
	l->shared->wanted += users;
	if (write(l->wake, &one, sizeof one) != sizeof one)
		broken("wake");
}

void load_close(struct load *l)
{
	kill(l->pid, SIGKILL);
	waitpid(l->pid, NULL, 0);
	close(l->wake);
	munmap(l->shared, sizeof *l->shared);
	free(l->pem);
}
