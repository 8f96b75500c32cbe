/* The HTTP server with our own client and with raw sockets, all in one thread over loopback. */
#include "tests/unit/proves.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/http/ids.h"
#include "lib/http/server.h"

#define GUARD_MS 20000

struct world {
	struct http_server *server;
	struct http_client *client;
	struct http_done done;
	char url[128];
};

static void world_open(struct world *w, const struct http_server_limits *limits)
{
	*w = (struct world){ .server = http_server_new(limits), .client = http_client_new(NULL) };
	assert_int_equal(http_server_listen(w->server, 0, "127.0.0.1:0"), OK);
}

static void world_close(struct world *w)
{
	http_done_release(w->client, &w->done);
	http_client_free(w->client);
	http_server_free(w->server);
}

static const char *url(struct world *w, const char *path)
{
	snprintf(w->url, sizeof w->url, "http://127.0.0.1:%d%s", http_server_port(w->server, 0), path);
	return w->url;
}

/* One turn of the loop as the core does it. */
static void turn(struct world *w)
{
	struct http_wait waits[HTTP_SERVER_LISTENERS_MAX];
	size_t n = http_server_waits(w->server, waits);
	int server_ms = http_server_timeout_ms(w->server);

	http_client_poll(w->client, waits, n, server_ms >= 0 && server_ms < 50 ? server_ms : 50);
	http_server_run(w->server);
}

static void guard(int64_t begin_us)
{
	if (clock_mono_us() - begin_us > GUARD_MS * 1000)
		fail_msg("nothing came");
}

static struct http_inbound *wait_inbound(struct world *w)
{
	int64_t begin_us = clock_mono_us();
	struct http_inbound *in;

	while (!(in = http_server_next(w->server))) {
		guard(begin_us);
		turn(w);
	}
	return in;
}

static const struct http_response *wait_done(struct world *w)
{
	int64_t begin_us = clock_mono_us();

	http_done_release(w->client, &w->done);
	while (!http_client_next(w->client, &w->done)) {
		guard(begin_us);
		turn(w);
	}
	return w->done.response;
}

static void start(struct world *w, enum http_method method, const char *path, struct str body)
{
	http_client_start(w->client, &(struct http_request){ .method = method, .url = url(w, path), .body = body }, HTTP_LANE_NORMAL, NULL);
}

static void answer(struct world *w, uint64_t id, int status, const char *body)
{
	http_server_answer(w->server, id, &(struct http_answer){ .status = status, .body = str_of(body) });
}

static void test_request_and_answer(void **state)
{
	struct http_header extra[] = { { "Content-Type", "application/json" }, { "X-Frame-Options", "DENY" } };
	struct http_inbound *in;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < 3; i++) { /* on one connection */
		start(&w, HTTP_POST, "/pay/a%2Fb?x=1&y=%20z", STR("{\"a\":1}"));
		in = wait_inbound(&w);
		assert_int_equal(in->method, HTTP_POST);
		assert_true(str_is(in->method_name, "POST"));
		assert_true(str_is(in->path, "/pay/a%2Fb"));
		assert_true(str_is(in->query, "x=1&y=%20z"));
		assert_true(str_is(in->body, "{\"a\":1}"));
		assert_string_equal(in->remote, "127.0.0.1");
		assert_int_equal(in->listener, 0);
		assert_true(http_inbound_header(in, "host").len > 0);
		http_server_answer(w.server, in->id, &(struct http_answer){ .status = 201, .headers = extra, .headers_count = 2,
			.body = STR("done") });
		http_inbound_release(in);
		assert_int_equal(wait_done(&w)->status, 201);
		assert_true(str_is(w.done.response->body, "done"));
		assert_true(str_is(http_header_get(w.done.response, "x-frame-options"), "DENY"));
	}
	assert_int_equal(http_client_counts(w.client)->connections_opened, 1);
	assert_int_equal(http_server_counts(w.server)->answered, 3);
	world_close(&w);
}

static void test_methods(void **state)
{
	static const enum http_method methods[] = { HTTP_GET, HTTP_HEAD, HTTP_OPTIONS, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (size_t i = 0; i < countof(methods); i++) {
		struct http_inbound *in;

		start(&w, methods[i], "/", STR(""));
		in = wait_inbound(&w);
		assert_int_equal(in->method, methods[i]);
		assert_int_equal(in->body.len, 0);
		assert_int_equal(in->query.len, 0);
		answer(&w, in->id, 200, "body");
		http_inbound_release(in);
		assert_int_equal(wait_done(&w)->status, 200);
		assert_int_equal(w.done.response->body.len, methods[i] == HTTP_HEAD ? 0 : 4);
	}
	world_close(&w);
}

static void test_body_bounds(void **state)
{
	enum { MAX = 1024 * 1024 };
	char *big = xcalloc(1, 2 * MAX);
	struct http_inbound *in;
	struct world w;

	(void)state;
	memset(big, 'x', 2 * MAX);
	world_open(&w, NULL);
	start(&w, HTTP_POST, "/", str_n(big, MAX));
	in = wait_inbound(&w);
	assert_int_equal(in->body.len, MAX);
	answer(&w, in->id, 200, "");
	http_inbound_release(in);
	assert_int_equal(wait_done(&w)->status, 200);
	start(&w, HTTP_POST, "/", str_n(big, MAX + 1));
	assert_int_equal(wait_done(&w)->status, 413);
	start(&w, HTTP_POST, "/", str_n(big, 2 * MAX));
	assert_int_equal(wait_done(&w)->status, 413);
	assert_null(http_server_next(w.server));
	assert_int_equal(http_server_counts(w.server)->too_big, 2);
	free(big);
	world_close(&w);
}

static size_t small_for_hooks(void *ctx, int listener, enum http_method method, struct str path)
{
	(void)ctx;
	(void)listener;
	return method == HTTP_POST && str_starts(path, "/hook/") ? 10 : 0;
}

static void test_body_bound_of_a_route(void **state)
{
	struct http_inbound *in;
	struct world w;

	(void)state;
	world_open(&w, &(struct http_server_limits){ .route_body_bytes_max = small_for_hooks });
	start(&w, HTTP_POST, "/hook/x", STR("12345678901"));
	assert_int_equal(wait_done(&w)->status, 413);
	start(&w, HTTP_POST, "/other", STR("12345678901"));
	in = wait_inbound(&w);
	http_inbound_release(in);
	world_close(&w); /* unanswered: the client is disconnected, nothing hangs */
}

static void test_long_path(void **state)
{
	char path[HTTP_INBOUND_PATH_MAX + 100], address[sizeof path + 64];
	struct world w;

	(void)state;
	memset(path, 'p', sizeof path - 1);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	world_open(&w, NULL);
	snprintf(address, sizeof address, "http://127.0.0.1:%d%s", http_server_port(w.server, 0), path);
	http_client_start(w.client, &(struct http_request){ .url = address }, HTTP_LANE_NORMAL, NULL);
	assert_int_equal(wait_done(&w)->status, 414);
	assert_null(http_server_next(w.server));
	world_close(&w);
}

/* Nobody answers: 503 from us, and the answer that comes later goes nowhere. */
static void test_deadline(void **state)
{
	struct http_inbound *in;
	struct world w;
	uint64_t id;

	(void)state;
	world_open(&w, &(struct http_server_limits){ .answer_ms_max = 50 });
	start(&w, HTTP_POST, "/", STR("x"));
	in = wait_inbound(&w);
	id = in->id;
	assert_int_equal(wait_done(&w)->status, 503);
	assert_true(str_is(in->body, "x")); /* the value outlives its connection's wait */
	answer(&w, id, 200, "late");
	assert_int_equal(http_server_counts(w.server)->late, 1);
	assert_int_equal(http_server_counts(w.server)->overdue, 1);
	http_inbound_release(in);
	answer(&w, 0, 200, "never was");
	assert_int_equal(http_server_counts(w.server)->late, 2);
	/* what nobody took up is not handed out after its 503 */
	start(&w, HTTP_GET, "/", STR(""));
	assert_int_equal(wait_done(&w)->status, 503);
	assert_null(http_server_next(w.server));
	world_close(&w);
}

static int raw_connect(struct world *w, int listener)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)http_server_port(w->server, listener)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void raw_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What the server says until it closes, or until it has said something when closes is false. */
static void raw_expect(struct world *w, int fd, const char *begins)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	int64_t begin_us = clock_mono_us();
	char text[512] = "";

	while (poll(&readable, 1, 0) == 0) {
		guard(begin_us);
		turn(w);
	}
	assert_true(recv(fd, text, sizeof text - 1, 0) >= 0);
	if (!str_starts(str_of(text), begins))
		fail_msg("%s instead of %s", text, begins);
}

static void test_client_leaves(void **state)
{
	struct http_inbound *in;
	struct world w;
	int fd;

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < 3; i++) {
		fd = raw_connect(&w, 0);
		raw_send(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nz");
		in = wait_inbound(&w);
		close(fd); /* before the answer */
		turn(&w);
		answer(&w, in->id, 200, "to nobody");
		http_inbound_release(in);
		turn(&w);
	}
	fd = raw_connect(&w, 0); /* in the middle of its body */
	raw_send(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nz");
	turn(&w);
	close(fd);
	turn(&w);
	start(&w, HTTP_GET, "/", STR("")); /* the others are served */
	in = wait_inbound(&w);
	answer(&w, in->id, 204, "");
	http_inbound_release(in);
	assert_int_equal(wait_done(&w)->status, 204);
	assert_int_equal(http_server_counts(w.server)->waiting, 0);
	world_close(&w);
}

static void test_bad_bytes(void **state)
{
	static const struct { const char *says, *hears; } cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400" }, /* no Host */
		{ "nonsense\r\n\r\n", "" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 4" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", "HTTP/1.1 4" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.1 413" }, /* not even read */
		{ "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n", "HTTP/1.1 413" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "" },
	};
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		int fd = raw_connect(&w, 0);

		raw_send(fd, cases[i].says);
		raw_expect(&w, fd, cases[i].hears);
		close(fd);
		assert_null(http_server_next(w.server));
	}
	world_close(&w);
}

static void test_chunked(void **state)
{
	struct http_inbound *in;
	struct world w;
	int fd;

	(void)state;
	world_open(&w, &(struct http_server_limits){ .body_bytes_max = 8 });
	fd = raw_connect(&w, 0);
	raw_send(fd, "PURGE /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	in = wait_inbound(&w);
	assert_true(str_is(in->body, "abcde"));
	assert_int_equal(in->method, HTTP_OTHER);
	assert_true(str_is(in->method_name, "PURGE"));
	answer(&w, in->id, 405, "");
	http_inbound_release(in);
	raw_expect(&w, fd, "HTTP/1.1 405");
	raw_send(fd, "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n");
	raw_expect(&w, fd, "HTTP/1.1 413");
	close(fd);
	world_close(&w);
}

static void test_header_bounds(void **state)
{
	char head[70000] = "GET / HTTP/1.1\r\nHost: a\r\n", *at = head + strlen(head);
	struct http_inbound *in;
	struct world w;
	int fd;

	(void)state;
	for (int i = 1; i < HTTP_INBOUND_HEADERS_MAX; i++)
		at += snprintf(at, 100, "X-%03d: value\r\n", i);
	snprintf(at, 10, "\r\n");
	world_open(&w, NULL);
	fd = raw_connect(&w, 0);
	raw_send(fd, head);
	in = wait_inbound(&w);
	assert_int_equal(in->headers_count, HTTP_INBOUND_HEADERS_MAX);
	answer(&w, in->id, 200, "");
	http_inbound_release(in);
	raw_expect(&w, fd, "HTTP/1.1 200");
	close(fd);
	snprintf(at, 100, "X-Forwarded-For: 198.51.100.7\r\n\r\n"); /* one more: whether it is this one that is told later, nobody should ask */
	fd = raw_connect(&w, 0);
	raw_send(fd, head);
	raw_expect(&w, fd, "HTTP/1.1 431");
	close(fd);
	memset(at, 'v', 60000);
	memcpy(at, "X-Long: ", 8);
	memcpy(at + 60000, "\r\n\r\n", 5);
	fd = raw_connect(&w, 0);
	raw_send(fd, head);
	raw_expect(&w, fd, "HTTP/1.1 431");
	close(fd);
	assert_null(http_server_next(w.server));
	world_close(&w);
}

/* A folded line and a lone carriage return: what follows was read as one name. */
static void test_header_names(void **state)
{
	struct world w;
	int fd;

	(void)state;
	world_open(&w, NULL);
	fd = raw_connect(&w, 0);
	raw_send(fd, "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\n $T\rContent-Type: application/json\r\n\r\n");
	raw_expect(&w, fd, "HTTP/1.1 400");
	close(fd);
	assert_null(http_server_next(w.server));
	world_close(&w);
}

static void test_two_listeners(void **state)
{
	struct http_inbound *in;
	struct world w;
	char busy[64];
	int fd;

	(void)state;
	world_open(&w, NULL);
	snprintf(busy, sizeof busy, "127.0.0.1:%d", http_server_port(w.server, 0));
	assert_int_equal(http_server_listen(w.server, 1, busy), E_BUSY);
	assert_int_equal(http_server_listen(w.server, 1, "localhost:1"), E_INVALID);
	assert_int_equal(http_server_listen(w.server, 1, "127.0.0.1"), E_INVALID);
	assert_int_equal(http_server_listen(w.server, 1, "127.0.0.1:65536"), E_INVALID);
	assert_int_equal(http_server_listen(w.server, 1, ""), E_INVALID);
	assert_int_equal(http_server_port(w.server, 1), 0);
	assert_int_equal(http_server_listen(w.server, 1, ":0"), OK);
	fd = raw_connect(&w, 1);
	raw_send(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
	in = wait_inbound(&w);
	assert_int_equal(in->listener, 1);
	assert_string_equal(in->remote, "127.0.0.1"); /* not ::ffff:… */
	answer(&w, in->id, 200, "ok");
	http_inbound_release(in);
	raw_expect(&w, fd, "HTTP/1.1 200");
	close(fd);
	world_close(&w);
}

/* Many at one listener are not before one at the other. */
static void test_listeners_take_turns(void **state)
{
	enum { MANY = 20 };
	struct world w;
	int fds[MANY], other;
	int64_t begin_us = clock_mono_us();

	(void)state;
	world_open(&w, NULL);
	assert_int_equal(http_server_listen(w.server, 1, "127.0.0.1:0"), OK);
	for (size_t i = 0; i < MANY; i++) {
		fds[i] = raw_connect(&w, 0);
		raw_send(fds[i], "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	other = raw_connect(&w, 1);
	raw_send(other, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
	while (http_server_counts(w.server)->waiting < MANY + 1) {
		guard(begin_us);
		turn(&w);
	}
	for (int i = 0; i < MANY + 1; i++) {
		struct http_inbound *in = http_server_next(w.server);

		assert_int_equal(in->listener, i == 1);
		answer(&w, in->id, 200, "");
		http_inbound_release(in);
	}
	raw_expect(&w, other, "HTTP/1.1 200");
	for (size_t i = 0; i < MANY; i++)
		close(fds[i]);
	close(other);
	world_close(&w);
}

static void test_connections_are_bounded(void **state)
{
	struct http_inbound *in;
	struct pollfd gone;
	struct world w;
	int fds[3];

	(void)state;
	world_open(&w, &(struct http_server_limits){ .connections_max = 2 });
	for (size_t i = 0; i < countof(fds); i++) {
		fds[i] = raw_connect(&w, 0);
		turn(&w);
	}
	/* the third is not taken in while two are there */
	raw_send(fds[2], "GET /third HTTP/1.1\r\nHost: a\r\n\r\n");
	raw_send(fds[0], "GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
	in = wait_inbound(&w);
	assert_true(str_is(in->path, "/first"));
	answer(&w, in->id, 200, "");
	http_inbound_release(in);
	raw_expect(&w, fds[0], "HTTP/1.1 200");
	assert_null(http_server_next(w.server));
	gone = (struct pollfd){ .fd = fds[2], .events = POLLIN };
	(void)poll(&gone, 1, 0);
	for (size_t i = 0; i < countof(fds); i++)
		close(fds[i]);
	world_close(&w);
}

/* Many suspended requests at once, answered in another order. */
static void test_many_waiting(void **state)
{
	enum { COUNT = 60 };
	struct http_inbound *in[COUNT];
	struct world w;
	bool seen[COUNT] = { false };

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < COUNT; i++) {
		char text[32];

		snprintf(text, sizeof text, "%d", i);
		start(&w, HTTP_POST, "/", str_of(text));
	}
	for (int i = 0; i < COUNT; i++)
		in[i] = wait_inbound(&w);
	assert_int_equal(http_server_counts(w.server)->waiting, COUNT);
	for (int i = COUNT; i-- > 0;) {
		http_server_answer(w.server, in[i]->id, &(struct http_answer){ .status = 200, .body = in[i]->body });
		http_inbound_release(in[i]);
	}
	for (int i = 0; i < COUNT; i++) {
		int64_t n;

		assert_int_equal(wait_done(&w)->status, 200);
		assert_int_equal(str_to_i64(&n, w.done.response->body), OK);
		assert_false(seen[n]);
		seen[n] = true;
	}
	world_close(&w);
}

static void test_stop_while_waiting(void **state)
{
	struct http_inbound *in[3];
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < 3; i++)
		start(&w, HTTP_POST, "/", STR("kept"));
	for (int i = 0; i < 3; i++)
		in[i] = wait_inbound(&w);
	http_server_free(w.server);
	for (int i = 0; i < 3; i++) {
		assert_true(str_is(in[i]->body, "kept"));
		http_inbound_release(in[i]);
	}
	w.server = http_server_new(NULL);
	world_close(&w);
}

static void test_ids(void **state)
{
	struct http_ids ids = { 0 };
	uint64_t first, second;
	size_t from = 0;
	int a, b;

	(void)state;
	assert_null(http_ids_find(&ids, 0));
	first = http_ids_add(&ids, &a);
	http_ids_remove(&ids, first);
	second = http_ids_add(&ids, &b); /* the same slot, another id */
	assert_true(first != second);
	assert_null(http_ids_find(&ids, first));
	assert_ptr_equal(http_ids_find(&ids, second), &b);
	assert_ptr_equal(http_ids_each(&ids, &from), &b);
	assert_null(http_ids_each(&ids, &from));
	for (int i = 0; i < 1000; i++)
		http_ids_add(&ids, &a);
	assert_ptr_equal(http_ids_find(&ids, second), &b);
	http_ids_release(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_request_and_answer, ""),
		proves(test_methods, ""),
		proves(test_body_bounds, ""),
		proves(test_body_bound_of_a_route, ""),
		proves(test_long_path, ""),
		proves(test_deadline, ""),
		proves(test_client_leaves, ""),
		proves(test_bad_bytes, ""),
		proves(test_chunked, ""),
		proves(test_header_bounds, ""),
		proves(test_header_names, ""),
		proves(test_two_listeners, ""),
		proves(test_listeners_take_turns, "B24"),
		proves(test_connections_are_bounded, ""),
		proves(test_many_waiting, ""),
		proves(test_stop_while_waiting, ""),
		proves(test_ids, ""),
	};

	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
