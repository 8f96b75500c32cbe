/* The HTTP client's exchanges: what is asked and what comes back, from peers that misbehave, one sin per test. */
#include "tests/unit/http_world.h"

/* --- what goes right --- */

static void test_get(void **state)
{
	const struct http_response *r;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	w.answer.headers[w.answer.headers_count++] = (struct http_header){ "X-Mixed-Case", "Yes " };
	r = get(&w, "/a?b=c");
	assert_int_equal(r->failure, HTTP_FAIL_NONE);
	assert_int_equal(r->status, 200);
	assert_true(str_is(r->body, "hello"));
	assert_true(str_is(http_header_get(r, "x-mixed-case"), "Yes"));
	assert_true(r->date_ms > clock_now_ms() - HOUR_MS && r->date_ms <= clock_now_ms());
	assert_false(r->certain_unsent);
	assert_ptr_equal(w.done.tag, &w);
	assert_string_equal(w.last_path, "/a?b=c");
	world_close(&w);
}

static void test_methods_and_bodies(void **state)
{
	static const struct { enum http_method method; const char *body; } cases[] = {
		{ HTTP_POST, "x=1" }, { HTTP_GET, "" }, { HTTP_PUT, "put" }, { HTTP_PATCH, "patch" }, { HTTP_DELETE, "" },
		{ HTTP_DELETE, "why" }, { HTTP_OPTIONS, "" }, { HTTP_POST, "" }, { HTTP_HEAD, "" }, { HTTP_GET, "" }, { HTTP_POST, "y" },
	};
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		struct http_request q = { .method = cases[i].method, .url = url(&w, w.plain, "/"), .body = str_of(cases[i].body) };
		const struct http_response *r;

		http_add_header(&q, "X-Empty", "");
		r = send_request(&w, &q);
		assert_int_equal(r->failure, HTTP_FAIL_NONE);
		assert_int_equal(w.last_method, cases[i].method);
		assert_string_equal(buf_cstr(&w.last_body), cases[i].body);
		assert_int_equal(r->body.len, cases[i].method == HTTP_HEAD ? 0 : 5);
		assert_non_null(strstr(buf_cstr(&w.last_headers), "x-empty: \n"));
		assert_null(strstr(buf_cstr(&w.last_headers), "content-type"));
		assert_null(strstr(buf_cstr(&w.last_headers), "expect"));
	}
	assert_int_equal(http_client_counts(w.client)->connections_opened, 1); /* one handle, one connection for all of it */
	world_close(&w);
}

static void test_upload(void **state)
{
	const struct http_file file = { .field = "photo", .name = "a\"b\r\n.png", .type = "image/png", .bytes = STR("\x89PNG\0\r\n") };
	const struct http_field fields[] = { { "chat_id", STR("5") }, { "caption", STR("line\r\ntwo") } };
	struct http_request q = { .method = HTTP_POST, .file = &file, .fields = fields, .fields_count = 2 };
	struct world w;
	struct str body;
	const char *type;

	(void)state;
	world_open(&w, NULL);
	q.url = url(&w, w.plain, "/up");
	assert_int_equal(send_request(&w, &q)->status, 200);
	type = strstr(buf_cstr(&w.last_headers), "content-type: multipart/form-data; boundary=");
	assert_non_null(type);
	body = buf_str(&w.last_body);
	assert_true(str_has(body, "form-data; name=\"chat_id\"\r\n\r\n5\r\n--"));
	assert_true(str_has(body, "name=\"caption\"\r\n\r\nline\r\ntwo\r\n--"));
	assert_true(str_has(body, "name=\"photo\"; filename=\"a%22b  .png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG"));
	assert_non_null(memmem(body.at, body.len, "\x89PNG\0\r\n\r\n--", 11));
	assert_true(str_ends(body, "--\r\n"));
	world_close(&w);
}

static void test_big_body_without_expect(void **state)
{
	struct world w;
	char *big = xcalloc(1, 2u << 20);

	(void)state;
	world_open(&w, NULL);
	memset(big, 'x', 2u << 20);
	w.echo = true;
	assert_int_equal(send_request(&w, &(struct http_request){ .method = HTTP_POST, .url = url(&w, w.plain, "/"),
		.body = { big, 2u << 20 } })->body.len, 2u << 20);
	assert_null(strstr(buf_cstr(&w.last_headers), "expect"));
	free(big);
	world_close(&w);
}

static void test_hundred_in_parallel(void **state)
{
	enum { COUNT = 100 };
	bool seen[COUNT] = { false };
	struct world w;

	(void)state;
	world_open(&w, NULL);
	w.echo = true;
	for (int round = 0; round < 3; round++) {
		memset(seen, 0, sizeof seen);
		for (int i = 0; i < COUNT; i++) {
			char text[32];

			snprintf(text, sizeof text, "%d", i);
			http_client_start(w.client, &(struct http_request){ .method = HTTP_POST, .url = url(&w, w.plain, "/"),
				.body = str_of(text) }, i % 2 ? HTTP_LANE_REST : HTTP_LANE_ANSWER, &seen[i]);
		}
		for (int i = 0; i < COUNT; i++) {
			const struct http_response *r = wait_done(&w);
			bool *mine = w.done.tag;
			int64_t n;

			assert_int_equal(str_to_i64(&n, r->body), OK);
			assert_ptr_equal(mine, &seen[n]);
			assert_false(*mine);
			*mine = true;
		}
	}
	assert_true(http_client_counts(w.client)->connections_opened <= 64);
	assert_int_equal(http_client_counts(w.client)->done, 3 * COUNT);
	assert_int_equal(http_client_counts(w.client)->failed[HTTP_FAIL_NONE], 3 * COUNT);
	world_close(&w);
}

/* The values of finished exchanges live until released, whatever happens meanwhile. */
static void test_done_is_owned(void **state)
{
	struct http_done kept[20];
	struct world w;

	(void)state;
	world_open(&w, NULL);
	w.echo = true;
	for (int i = 0; i < 20; i++) {
		char text[32];

		snprintf(text, sizeof text, "value %d", i);
		send_request(&w, &(struct http_request){ .method = HTTP_POST, .url = url(&w, w.plain, "/"), .body = str_of(text) });
		kept[i] = w.done;
		w.done = (struct http_done){ 0 };
	}
	for (int i = 0; i < 20; i++) {
		char text[32];

		snprintf(text, sizeof text, "value %d", i);
		assert_true(str_is(kept[i].response->body, text));
		http_client_cancel(w.client, kept[i].id); /* too late: it is ours */
		assert_int_equal(kept[i].response->status, 200);
		http_done_release(w.client, &kept[i]);
		http_done_release(w.client, &kept[i]);
	}
	world_close(&w);
}

static void test_environment_proxy_ignored(void **state)
{
	struct world w;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	setenv("no_proxy", "*", 1);
	world_open(&w, NULL);
	assert_int_equal(get(&w, "/")->status, 200);
	/* and a configured one is used, whatever no_proxy says: the simulator sees the absolute form */
	assert_int_equal(send_request(&w, &(struct http_request){ .url = "http://dead.invalid/x",
		.proxy = serve_url(w.serve, w.plain) })->status, 200);
	assert_string_equal(w.last_path, "http://dead.invalid/x");
	assert_int_equal(resolver_count(&resolver.dead_calls), 0);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	unsetenv("no_proxy");
	world_close(&w);
}

/* --- sins of the peer --- */

static void test_redirect_not_followed(void **state)
{
	const struct http_response *r;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	w.answer.status = 301;
	w.answer.headers[w.answer.headers_count++] = (struct http_header){ "Location", "/elsewhere" };
	r = send_request(&w, &(struct http_request){ .method = HTTP_POST, .url = url(&w, w.plain, "/form"), .body = STR("a=b") });
	assert_int_equal(r->failure, HTTP_FAIL_NONE);
	assert_int_equal(r->status, 301);
	assert_true(str_is(http_header_get(r, "location"), "/elsewhere"));
	assert_int_equal(w.asked, 1);
	world_close(&w);
}

static void test_dead_port(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	serve_close(w.serve, w.plain);
	assert_failed(get(&w, "/bot123:SECRET/getMe"), HTTP_FAIL_CONNECT, true);
	assert_null(strstr(w.done.response->detail, "SECRET"));
	serve_reopen(w.serve, w.plain);
	assert_int_equal(get(&w, "/")->status, 200);
	world_close(&w);
}

static void test_never_answers(void **state)
{
	const struct http_response *r;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	w.answer.trouble.hang = true;
	r = send_request(&w, &(struct http_request){ .method = HTTP_POST, .url = url(&w, w.plain, "/bot1:SECRET/x"), .timeout_ms = 100 });
	assert_failed(r, HTTP_FAIL_TIMEOUT, false);
	assert_true(r->duration_ms >= 100 && r->duration_ms < 3000);
	assert_null(strstr(r->detail, "SECRET"));
	assert_int_equal(w.asked, 1);
	world_close(&w);
}

/* A listening socket whose queue is full takes no hand-shake: the SYN is never answered. */
static void test_never_connects(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int listener = socket(AF_INET, SOCK_STREAM, 0), fill[4];
	char text[64];
	struct world w;

	(void)state;
	world_open(&w, NULL);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(listener, 0), 0);
	getsockname(listener, (struct sockaddr *)&a, &len);
	for (size_t i = 0; i < countof(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], (struct sockaddr *)&a, sizeof a);
	}
	snprintf(text, sizeof text, "http://127.0.0.1:%d/", ntohs(a.sin_port));
	assert_failed(send_request(&w, &(struct http_request){ .url = text, .connect_timeout_ms = 100, .timeout_ms = 10000 }),
		HTTP_FAIL_CONNECT, true);
	for (size_t i = 0; i < countof(fill); i++)
		close(fill[i]);
	close(listener);
	world_close(&w);
}

static void test_one_byte_a_second(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	w.answer.trouble.bytes_per_second = 1;
	assert_failed(send_request(&w, &(struct http_request){ .url = url(&w, w.plain, "/"), .timeout_ms = 200 }), HTTP_FAIL_TIMEOUT, false);
	assert_int_equal(w.done.response->status, 200); /* the head came */
	world_close(&w);
}

static void test_endless_body(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	w.answer.trouble.endless = true;
	assert_failed(send_request(&w, &(struct http_request){ .url = url(&w, w.plain, "/"), .body_bytes_max = 100000 }),
		HTTP_FAIL_TOOBIG, false);
	assert_true(w.done.response->body.len <= 100000);
	world_close(&w);
}

static void test_body_bound_is_exact(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	assert_int_equal(send_request(&w, &(struct http_request){ .url = url(&w, w.plain, "/"), .body_bytes_max = 5 })->status, 200);
	assert_failed(send_request(&w, &(struct http_request){ .url = url(&w, w.plain, "/"), .body_bytes_max = 4 }), HTTP_FAIL_TOOBIG, false);
	world_close(&w);
}

static void test_cut_body(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	w.answer.trouble.cut_at = 2;
	assert_failed(get(&w, "/"), HTTP_FAIL_BROKEN, false);
	world_close(&w);
}

static void test_header_flood(void **state)
{
	char value[2001];
	struct world w;

	(void)state;
	memset(value, 'v', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	world_open(&w, &(struct http_client_limits){ .header_bytes_max = 32 * 1024 });
	for (int i = 0; i < 10; i++)
		w.answer.headers[w.answer.headers_count++] = (struct http_header){ "X-Flood", value };
	assert_int_equal(get(&w, "/")->status, 200);
	for (int i = 0; i < 10; i++)
		w.answer.headers[w.answer.headers_count++] = (struct http_header){ "X-Flood", value };
	assert_failed(get(&w, "/"), HTTP_FAIL_TOOBIG, false);
	world_close(&w);
}

/* The whole exchange with a raw peer; the connection is closed after its words. */
static const struct http_response *ask_raw(struct world *w, struct raw_peer *p, enum http_method method)
{
	struct http_wait wait = { .fd = p->listener, .events = POLLIN };
	char text[64], request[4096];
	int fd = -1;

	snprintf(text, sizeof text, "http://127.0.0.1:%d/", p->port);
	http_client_start(w->client, &(struct http_request){ .method = method, .url = text, .timeout_ms = 3000 }, HTTP_LANE_NORMAL, NULL);
	while (!next_done(w)) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };

		http_client_poll(w->client, &wait, 1, 10);
		if (fd < 0 && (fd = accept(p->listener, NULL, NULL)) >= 0)
			p->accepted++;
		if (fd >= 0 && poll(&readable, 1, 0) == 1 && recv(fd, request, sizeof request, 0) > 0) {
			assert_int_equal(send(fd, p->says, strlen(p->says), MSG_NOSIGNAL), strlen(p->says));
			shutdown(fd, SHUT_WR);
		}
	}
	close(fd);
	close(p->listener);
	return w->done.response;
}

static void test_broken_http(void **state)
{
	static const char *const sins[] = {
		"this is not HTTP at all, and it is long enough to be sure of it\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
		"HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 20", "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Le",
	};
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (size_t i = 0; i < countof(sins); i++) {
		struct raw_peer p;

		raw_open(&p, sins[i]);
		assert_failed(ask_raw(&w, &p, HTTP_POST), HTTP_FAIL_BROKEN, false);
	}
	world_close(&w);
}

static void test_continue_is_not_the_answer(void **state)
{
	struct raw_peer p;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	raw_open(&p, "HTTP/1.1 100 Continue\r\nX-First: 1\r\n\r\nHTTP/1.1 201 Created\r\nX-Second: 2\r\nContent-Length: 2\r\n\r\nok");
	assert_int_equal(ask_raw(&w, &p, HTTP_POST)->status, 201);
	assert_true(str_is(http_header_get(w.done.response, "x-second"), "2"));
	assert_int_equal(http_header_get(w.done.response, "x-first").len, 0);
	world_close(&w);
}

/* The effect has happened, the answer is lost, the connection was a kept one: libcurl would send the POST again. */
static void test_post_is_never_repeated(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	assert_int_equal(get(&w, "/")->status, 200); /* the connection is kept */
	w.answer.trouble.drop = true;
	assert_failed(send_request(&w, &(struct http_request){ .method = HTTP_POST, .url = url(&w, w.plain, "/pay"), .body = STR("1") }),
		HTTP_FAIL_BROKEN, false);
	assert_int_equal(w.asked, 2);
	world_close(&w);
}

/* The peer closed a kept connection while nobody used it: no harm, a new one. */
static void test_kept_connection_closed(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send_request(&w, &(struct http_request){ .method = HTTP_POST, .url = url(&w, w.plain, "/") })->status, 200);
		serve_cut_all(w.serve, w.plain);
	}
	assert_int_equal(http_client_counts(w.client)->connections_opened, 3);
	world_close(&w);
}

/* --- sinks and cancel --- */

static enum err sink_count(void *ctx, struct str piece)
{
	size_t *left = ctx;

	if (piece.len > *left)
		return E_TOOBIG;
	*left -= piece.len;
	return OK;
}

static void test_sink(void **state)
{
	size_t left = 1000;
	struct http_request q = { .sink = sink_count, .sink_ctx = &left };
	struct world w;

	(void)state;
	world_open(&w, NULL);
	q.url = url(&w, w.plain, "/");
	assert_int_equal(send_request(&w, &q)->status, 200);
	assert_int_equal(left, 995);
	assert_int_equal(w.done.response->body.len, 0);
	w.answer.status = 500; /* words about an error are not the stream */
	assert_true(str_is(send_request(&w, &q)->body, "hello"));
	assert_int_equal(left, 995);
	w.answer.status = 200;
	left = 4;
	assert_failed(send_request(&w, &q), HTTP_FAIL_ABORTED, false);
	world_close(&w);
}

struct long_body {
	struct str whole;
	size_t at;
};

static enum err sink_compare(void *ctx, struct str piece)
{
	struct long_body *b = ctx;

	assert_true(b->at + piece.len <= b->whole.len);
	assert_memory_equal(b->whole.at + b->at, piece.at, piece.len);
	b->at += piece.len;
	return OK;
}

/* Each waits for its turn now and then, and comes whole and in order; one is canceled while it waits. */
static void long_bodies(bool tls)
{
	enum { BODIES = 6, BYTES = 6 << 20 };
	struct long_body sunk[BODIES] = { { .at = 0 } };
	struct world w;
	char *text = xmalloc(BYTES);
	struct http_trust trust;
	uint64_t newest = 0;

	for (size_t i = 0; i < BYTES; i++)
		text[i] = (char)('a' + i * 7 % 26 + i / 65536 % 5);
	world_open(&w, NULL);
	w.answer.body = str_n(text, BYTES);
	trust = (struct http_trust){ .pin = serve_pin(w.serve) };
	for (int i = 0; i < BODIES; i++) {
		struct http_request q = { .url = url(&w, tls ? w.tls : w.plain, "/"), .body_bytes_max = BYTES, .sink = i % 2 ? sink_compare : NULL, .sink_ctx = &sunk[i] };

		q.trust = tls ? &trust : NULL;
		sunk[i].whole = w.answer.body;
		newest = http_client_start(w.client, &q, HTTP_LANE_NORMAL, &sunk[i]);
	}
	while (http_client_counts(w.client)->bodies_paused == 0)
		turn(&w);
	http_client_cancel(w.client, newest); /* none is through yet */
	for (int i = 0; i + 1 < BODIES; i++) {
		const struct http_response *r = wait_done(&w);
		const struct long_body *b = w.done.tag;

		assert_int_equal(r->status, 200);
		assert_int_equal(b->at + r->body.len, BYTES);
		if (r->body.len)
			assert_memory_equal(r->body.at, text, BYTES);
	}
	world_close(&w);
	free(text);
}

static void test_long_bodies_wait_for_their_turn(void **state)
{
	(void)state;
	long_bodies(false);
	long_bodies(true);
}

static enum err sink_add(void *ctx, struct str piece)
{
	*(size_t *)ctx += piece.len;
	return OK;
}

static int64_t same_us(void *ctx)
{
	return *(int64_t *)ctx;
}

static int64_t same_ms(void *ctx)
{
	return *(int64_t *)ctx / 1000;
}

/* Long bodies have had their share. Until its rest is over not a byte of them is read, however many turns there are, and
 * others are served. */
static void test_long_bodies_rest(void **state)
{
	enum { BODIES = 4, BYTES = 16 << 20 };
	struct world w;
	char *text = xcalloc(1, BYTES);
	size_t bytes = 0, then;
	int64_t now_us;

	(void)state;
	world_open(&w, NULL);
	w.answer.body = str_n(text, BYTES);
	for (int i = 0; i < BODIES; i++)
		http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/"), .body_bytes_max = BYTES, .sink = sink_add, .sink_ctx = &bytes },
			HTTP_LANE_REST, NULL);
	while (http_client_counts(w.client)->bodies_paused == 0)
		turn(&w);
	now_us = clock_mono_us();
	clock_set_source(&(struct clock_source){ same_ms, same_us, &now_us }); /* no rest ends */
	for (then = bytes + 1; then != bytes;) {
		then = bytes;
		for (int i = 0; i < BODIES + 1; i++)
			turn(&w);
	}
	assert_true(bytes < (size_t)BODIES * BYTES);
	w.answer.body = STR("hello");
	assert_int_equal(get(&w, "/")->status, 200);
	assert_int_equal(bytes, then);
	clock_set_source(NULL);
	while (bytes == then)
		turn(&w);
	world_close(&w);
	free(text);
}

/* Found by random kills: the name of a panel failed, its next list wanted another buffer, and libcurl refused it. */
static void test_sink_after_a_name_that_failed(void **state)
{
	size_t left = 1000;
	struct http_request bad = { .url = "http://bad.invalid/" }, good = { 0 };
	struct world w;

	(void)state;
	world_open(&w, NULL);
	good.url = url(&w, w.plain, "/");
	for (int i = 0; i < 2; i++) { /* text, then a sink; a sink, then text */
		bad.sink = i ? sink_count : NULL;
		good.sink = i ? NULL : sink_count;
		bad.sink_ctx = good.sink_ctx = &left;
		bad.url = i ? "http://bad1.invalid/" : "http://bad2.invalid/";
		assert_failed(send_request(&w, &bad), HTTP_FAIL_RESOLVE, true);
		assert_int_equal(send_request(&w, &good)->status, 200);
	}
	world_close(&w);
}

static void test_cancel(void **state)
{
	struct world w;
	uint64_t under_way, waiting, done;

	(void)state;
	world_open(&w, &(struct http_client_limits){ .connections_per_host_max = 1 });
	w.answer.trouble.hang = true;
	under_way = http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/") }, HTTP_LANE_NORMAL, NULL);
	waiting = http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/") }, HTTP_LANE_NORMAL, NULL);
	done = http_client_start(w.client, &(struct http_request){ .url = "ftp://x/" }, HTTP_LANE_NORMAL, NULL);
	while (!w.asked)
		turn(&w);
	assert_int_equal(http_client_counts(w.client)->under_way, 1);
	assert_int_equal(http_client_counts(w.client)->waiting, 1);
	http_client_cancel(w.client, done);
	http_client_cancel(w.client, waiting);
	http_client_cancel(w.client, under_way);
	http_client_cancel(w.client, under_way);
	http_client_cancel(w.client, 12345);
	assert_int_equal(http_client_counts(w.client)->under_way, 0);
	assert_int_equal(http_client_counts(w.client)->waiting, 0);
	assert_int_equal(http_client_counts(w.client)->canceled, 3);
	assert_false(next_done(&w));
	w.answer.trouble.hang = false;
	assert_int_equal(get(&w, "/")->status, 200);
	world_close(&w);
}

/* --- what is wrong with the request itself --- */

static void test_bad_requests(void **state)
{
	static const struct { const char *url, *name, *value, *proxy; } cases[] = {
		{ "ftp://127.0.0.1/", "a", "b", NULL }, { "file:///etc/passwd", "a", "b", NULL }, { "http://127.0.0.1/a b", "a", "b", NULL },
		{ "http://127.0.0.1/\r\nX: y", "a", "b", NULL }, { "http://127.0.0.1/", "a", "b\r\nc: d", NULL },
		{ "http://127.0.0.1/", "a: b\nc", "d", NULL }, { "http://127.0.0.1/", "a", "b", "gopher://127.0.0.1" },
		{ "", "a", "b", NULL }, { "http://", "a", "b", NULL }, { "http://127.0.0.1:99999/", "a", "b", NULL },
	};
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		struct http_request q = { .url = cases[i].url, .proxy = cases[i].proxy };

		http_add_header(&q, cases[i].name, cases[i].value);
		assert_failed(send_request(&w, &q), HTTP_FAIL_ABORTED, true);
	}
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_get, ""),
		proves(test_methods_and_bodies, ""),
		proves(test_upload, ""),
		proves(test_big_body_without_expect, ""),
		proves(test_hundred_in_parallel, ""),
		proves(test_done_is_owned, ""),
		proves(test_environment_proxy_ignored, ""),
		proves(test_redirect_not_followed, ""),
		proves(test_dead_port, ""),
		proves(test_never_answers, "R285"),
		proves(test_never_connects, "R285"),
		proves(test_one_byte_a_second, "R285"),
		proves(test_endless_body, ""),
		proves(test_body_bound_is_exact, ""),
		proves(test_cut_body, ""),
		proves(test_header_flood, ""),
		proves(test_broken_http, ""),
		proves(test_continue_is_not_the_answer, ""),
		proves(test_post_is_never_repeated, ""),
		proves(test_kept_connection_closed, ""),
		proves(test_sink, ""),
		proves(test_long_bodies_rest, "R284 R289"),
		proves(test_long_bodies_wait_for_their_turn, "R284 R289"),
		proves(test_sink_after_a_name_that_failed, "R284"),
		proves(test_cancel, ""),
		proves(test_bad_requests, ""),
	};

	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
