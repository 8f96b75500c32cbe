/* The HTTP client's connections: who may begin and who waits, names that do not resolve, TLS. */
#include "tests/unit/http_world.h"

#include <dirent.h>

#include "lib/http/names.h"

/* --- lanes, limits, time --- */

static void test_lanes(void **state)
{
	static const enum http_lane order[] = { HTTP_LANE_REST, HTTP_LANE_NORMAL, HTTP_LANE_ANSWER };
	struct world w;

	(void)state;
	world_open(&w, &(struct http_client_limits){ .connections_per_host_max = 1 });
	for (size_t i = 0; i < countof(order); i++)
		http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/") }, order[i], (void *)(uintptr_t)order[i]);
	for (size_t i = 0; i < countof(order); i++) {
		wait_done(&w);
		assert_int_equal((uintptr_t)w.done.tag, i); /* answers first, the rest last */
	}
	world_close(&w);
}

static void test_slots_left_for_higher_lanes(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, &(struct http_client_limits){ .connections_max = 4 });
	w.answer.trouble.hang = true;
	for (int i = 0; i < 10; i++)
		http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/") }, HTTP_LANE_REST, NULL);
	while (w.asked < 2)
		turn(&w);
	turn(&w);
	assert_int_equal(http_client_counts(w.client)->under_way, 2);
	http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/") }, HTTP_LANE_POLL, NULL);
	while (w.asked < 3)
		turn(&w);
	w.answer.trouble.hang = false;
	assert_int_equal(get(&w, "/")->status, 200); /* two hang, eight wait, the poll hangs: a reply to a person goes through */
	assert_int_equal(http_client_counts(w.client)->waiting, 8);
	world_close(&w);
}

static void test_waiting_has_a_limit(void **state)
{
	struct world w;
	uint64_t late;

	(void)state;
	world_open(&w, &(struct http_client_limits){ .connections_per_host_max = 1, .queue_max = 2 });
	w.answer.trouble.hang = true;
	http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/") }, HTTP_LANE_NORMAL, NULL);
	turn(&w);
	late = http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/"), .timeout_ms = 50 }, HTTP_LANE_NORMAL, NULL);
	assert_failed(wait_done(&w), HTTP_FAIL_TIMEOUT, true);
	assert_true(w.done.id == late);
	http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/") }, HTTP_LANE_NORMAL, NULL);
	http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/") }, HTTP_LANE_NORMAL, NULL);
	http_client_start(w.client, &(struct http_request){ .url = url(&w, w.plain, "/") }, HTTP_LANE_NORMAL, NULL);
	assert_failed(wait_done(&w), HTTP_FAIL_ABORTED, true); /* the queue is full */
	assert_int_equal(http_client_counts(w.client)->waiting, 2);
	world_close(&w);
}

static void test_extra_descriptors(void **state)
{
	struct http_wait waits[2];
	int pipes[2][2];
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		waits[i] = (struct http_wait){ .fd = pipes[i][0], .events = POLLIN };
	}
	assert_int_equal(http_client_poll(w.client, waits, 2, 0), 0);
	assert_int_equal(write(pipes[1][1], "x", 1), 1);
	assert_int_equal(http_client_poll(w.client, waits, 2, -1), 1);
	assert_int_equal(waits[0].revents, 0);
	assert_int_equal(waits[1].revents, POLLIN);
	for (int i = 0; i < 2; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	world_close(&w);
}

/* --- names --- */

static int threads_now(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void test_name_fails_and_rests(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, &(struct http_client_limits){ .name_rest_ms = 300 });
	for (int i = 0; i < 20; i++) /* all at once: one look-up for all of them */
		http_client_start(w.client, &(struct http_request){ .url = "http://bad.invalid/bot1:SECRET/" }, HTTP_LANE_NORMAL, NULL);
	for (int i = 0; i < 20; i++) {
		assert_failed(wait_done(&w), HTTP_FAIL_RESOLVE, true);
		assert_null(strstr(w.done.response->detail, "SECRET"));
	}
	assert_int_equal(resolver_count(&resolver.bad_calls), 1);
	for (int64_t until_us = clock_mono_us() + 400000; clock_mono_us() < until_us;)
		turn(&w); /* the rest passes */
	assert_failed(send_request(&w, &(struct http_request){ .url = "http://BAD.invalid:81/" }), HTTP_FAIL_RESOLVE, true);
	assert_int_equal(resolver_count(&resolver.bad_calls), 2);
	assert_int_equal(http_client_counts(w.client)->lookups, 2);
	world_close(&w);
}

/* The first trap: libcurl joins the thread of a look-up it gives up, and the loop stands still. */
static void test_name_never_answers(void **state)
{
	struct world w;
	int64_t begin_us;

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < 10; i++)
		http_client_start(w.client, &(struct http_request){ .url = "http://dead1.invalid/", .timeout_ms = 1000 }, HTTP_LANE_REST, &w);
	for (int i = 0; i < 10; i++) /* others are served meanwhile */
		assert_int_equal(get(&w, "/")->status, 200);
	for (int i = 0; i < 10; i++)
		assert_failed(wait_done(&w), HTTP_FAIL_RESOLVE, true);
	assert_int_equal(resolver_count(&resolver.dead_calls), 1); /* and still under way */
	assert_int_equal(resolver_count(&resolver.blocked), 1);
	assert_int_equal(http_client_counts(w.client)->lookups_abandoned, 1);
	begin_us = clock_mono_us();
	assert_failed(send_request(&w, &(struct http_request){ .url = "http://dead1.invalid/" }), HTTP_FAIL_RESOLVE, true);
	assert_true(clock_mono_us() - begin_us < 1000000); /* it rests: answered at once */
	world_close(&w);                                   /* and the client goes without waiting for the thread */
}

static void test_cancel_of_a_look_up(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	world_open(&w, NULL);
	id = http_client_start(w.client, &(struct http_request){ .url = "http://dead1.invalid/" }, HTTP_LANE_NORMAL, NULL);
	while (!resolver_count(&resolver.blocked))
		turn(&w);
	http_client_cancel(w.client, id);
	assert_int_equal(http_client_counts(w.client)->lookups_abandoned, 1);
	assert_int_equal(get(&w, "/")->status, 200);
	world_close(&w);
}

static void test_abandoned_look_ups_are_bounded(void **state)
{
	enum { NAMES = 100 };
	int threads = threads_now();
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < NAMES; i++) {
		char text[64];

		snprintf(text, sizeof text, "http://dead%d.invalid/", i);
		http_client_start(w.client, &(struct http_request){ .url = text, .timeout_ms = 300 }, HTTP_LANE_ANSWER, NULL);
	}
	for (int i = 0; i < NAMES; i++)
		assert_failed(wait_done(&w), HTTP_FAIL_RESOLVE, true);
	assert_int_equal(resolver_count(&resolver.dead_calls), 32);
	assert_int_equal(http_client_counts(w.client)->lookups_abandoned, 32);
	assert_true(threads_now() - threads <= 32);
	assert_failed(send_request(&w, &(struct http_request){ .url = "http://dead999.invalid/" }), HTTP_FAIL_RESOLVE, true);
	assert_int_equal(resolver_count(&resolver.dead_calls), 32);
	world_close(&w);
}

static void test_name_known(void **state)
{
	char text[64];
	struct world w;

	(void)state;
	world_open(&w, NULL);
	snprintf(text, sizeof text, "http://good.invalid:%d/", serve_port(w.serve, w.plain));
	for (int i = 0; i < 30; i++)
		http_client_start(w.client, &(struct http_request){ .url = text }, HTTP_LANE_NORMAL, NULL);
	for (int i = 0; i < 30; i++)
		assert_int_equal(wait_done(&w)->status, 200);
	assert_int_equal(resolver_count(&resolver.good_calls), 1);
	world_close(&w);
}

static void test_name_rules(void **state)
{
	struct http_names n;
	struct http_name *a, *b, *c;
	int x, y, z;

	(void)state;
	http_names_init(&n, 30000, 2, 60000);
	a = http_name_of(&n, STR("a.example"));
	b = http_name_of(&n, STR("b.example"));
	c = http_name_of(&n, STR("c.example"));
	assert_ptr_equal(a, http_name_of(&n, STR("A.Example")));
	assert_int_equal(http_name_ask(&n, a, &x, 0), HTTP_NAME_GO);
	assert_int_equal(http_name_ask(&n, a, &y, 0), HTTP_NAME_WAIT);
	assert_int_equal(http_name_begin(&n, a, &x, 0), HTTP_NAME_GO);
	http_name_found(&n, a, &y); /* not the scout: changes nothing */
	assert_int_equal(http_name_ask(&n, a, &y, 0), HTTP_NAME_WAIT);
	http_name_found(&n, a, &x);
	assert_int_equal(http_name_ask(&n, a, &y, 0), HTTP_NAME_GO);
	assert_int_equal(http_name_begin(&n, b, &x, 0), HTTP_NAME_GO);
	http_name_failed(&n, b, &x, 1000);
	assert_int_equal(http_name_ask(&n, b, &x, 30999), HTTP_NAME_RESTS);
	assert_int_equal(http_name_ask(&n, b, &x, 31000), HTTP_NAME_GO);
	http_name_abandoned(&n, b, &x, 31000);
	assert_int_equal(http_name_begin(&n, c, &y, 31000), HTTP_NAME_GO);
	assert_int_equal(http_name_begin(&n, http_name_of(&n, STR("d")), &z, 31000), HTTP_NAME_WAIT); /* 1 abandoned, 1 under way */
	http_name_abandoned(&n, c, &y, 31000);
	assert_int_equal(http_name_begin(&n, http_name_of(&n, STR("d")), &z, 31000), HTTP_NAME_CROWDED);
	assert_int_equal(http_name_begin(&n, a, &z, 31000), HTTP_NAME_GO); /* it once worked: room of its own */
	http_name_leave(&n, a, &z);
	assert_int_equal(http_name_begin(&n, http_name_of(&n, STR("d")), &z, 91000), HTTP_NAME_GO);
	http_names_release(&n);
}

/* A SOCKS proxy for one connection: keeps what it is asked for, and hangs up. */
struct socks {
	struct raw_peer peer;
	pthread_t thread;
	unsigned char asked[64];
	ssize_t asked_len;
};

static void *serve_socks(void *ctx)
{
	struct socks *p = ctx;
	struct pollfd waits = { .fd = p->peer.listener, .events = POLLIN };
	unsigned char hello[16];
	int fd = poll(&waits, 1, GUARD_MS) == 1 ? accept(p->peer.listener, NULL, NULL) : -1;

	if (fd >= 0 && read(fd, hello, sizeof hello) > 2 && write(fd, "\x05", 2) == 2)
		p->asked_len = read(fd, p->asked, sizeof p->asked);
	close(fd);
	return NULL;
}

/* Where Telegram is blocked, who looks up its name is seen: behind a SOCKS proxy the proxy does, however it is written. */
static void test_proxy_resolves(void **state)
{
	static const char *const schemes[] = { "socks5", "socks5h" };

	(void)state;
	for (size_t i = 0; i < countof(schemes); i++) {
		struct socks p = { .asked_len = 0 };
		struct world w;
		char proxy[64];

		world_open(&w, NULL);
		raw_open(&p.peer, NULL);
		snprintf(proxy, sizeof proxy, "%s://127.0.0.1:%d", schemes[i], p.peer.port);
		assert_int_equal(pthread_create(&p.thread, NULL, serve_socks, &p), 0);
		send_request(&w, &(struct http_request){ .url = "http://good.invalid/", .proxy = proxy, .timeout_ms = 5000 });
		pthread_join(p.thread, NULL);
		assert_true(p.asked_len > 5);
		assert_int_equal(p.asked[3], 3); /* a name, not an address */
		assert_memory_equal(p.asked + 5, "good.invalid", 12);
		assert_int_equal(resolver_count(&resolver.good_calls), 0);
		close(p.peer.listener);
		world_close(&w);
	}
}

/* --- the connection alone --- */

static const struct http_response *try_port(struct world *w, int timeout_ms)
{
	return send_request(w, &(struct http_request){ .method = HTTP_GET, .url = url(w, w->plain, "/"), .connect_only = true, .timeout_ms = timeout_ms });
}

static void test_connect_only(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (int i = 0; i < 3; i++) {
		const struct http_response *r = try_port(&w, 5000);

		assert_int_equal(r->failure, HTTP_FAIL_NONE);
		assert_int_equal(r->status, 0);
	}
	assert_int_equal(w.asked, 0);
	assert_int_equal(send_request(&w, &(struct http_request){ .method = HTTP_GET, .url = url(&w, w.plain, "/"), .timeout_ms = 5000 })->status, 200);
	assert_int_equal(w.asked, 1); /* the same line speaks again */
	assert_int_equal(http_client_counts(w.client)->connections_opened, 4); /* none of them was kept */
	serve_close(w.serve, w.plain);
	assert_failed(try_port(&w, 5000), HTTP_FAIL_CONNECT, true);
	world_close(&w);
}

/* --- TLS --- */

static const struct http_response *get_tls(struct world *w, const struct http_trust *trust)
{
	return send_request(w, &(struct http_request){ .method = HTTP_POST, .url = url(w, w->tls, "/"), .trust = trust, .timeout_ms = 5000 });
}

static void test_self_signed_refused(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, NULL);
	assert_failed(get_tls(&w, NULL), HTTP_FAIL_TLS, true);
	assert_int_equal(w.asked, 0);
	world_close(&w);
}

/* Who must decide about a certificate is shown which one it was; of an answer that came nothing is said. */
static void test_refused_certificate_is_shown(void **state)
{
	struct http_trust right, wrong = { .pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" };
	const struct http_response *r;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	r = get_tls(&w, NULL);
	assert_failed(r, HTTP_FAIL_TLS, true);
	assert_string_equal(r->peer_pin, serve_pin(w.serve));
	assert_int_equal(strlen(r->peer_fingerprint), 95);
	right = (struct http_trust){ .pin = serve_pin(w.serve) };
	r = get_tls(&w, &wrong);
	assert_failed(r, HTTP_FAIL_TLS, true);
	assert_string_equal(r->peer_pin, right.pin);
	r = get_tls(&w, &right);
	assert_int_equal(r->status, 200);
	assert_null(r->peer_pin);
	r = send_request(&w, &(struct http_request){ .method = HTTP_GET, .url = url(&w, w.plain, "/"), .timeout_ms = 5000 });
	assert_int_equal(r->status, 200);
	assert_null(r->peer_pin);
	world_close(&w);
}

static void test_pin(void **state)
{
	struct http_trust right, wrong = { .pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }, ca;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	right = (struct http_trust){ .pin = serve_pin(w.serve) };
	ca = (struct http_trust){ .ca_pem = serve_pem(w.serve) };
	assert_int_equal(get_tls(&w, &right)->status, 200);
	assert_failed(get_tls(&w, &wrong), HTTP_FAIL_TLS, true); /* a kept connection of the right pin does not help it */
	assert_failed(get_tls(&w, NULL), HTTP_FAIL_TLS, true);   /* and the handle forgot that it need not verify */
	assert_int_equal(get_tls(&w, &ca)->status, 200);
	assert_failed(get_tls(&w, NULL), HTTP_FAIL_TLS, true);
	right.pin = wrong.pin;                                   /* the owner changed it in place */
	assert_failed(get_tls(&w, &right), HTTP_FAIL_TLS, true);
	assert_int_equal(w.asked, 2);
	world_close(&w);
}

/* The same server under a name that its certificate does not bear: by whoever it is vouched for, it is somebody else. */
static const struct http_response *get_other_name(struct world *w, const struct http_trust *trust)
{
	snprintf(w->url, sizeof w->url, "https://good.invalid%s/", strrchr(serve_url(w->serve, w->tls), ':'));
	return send_request(w, &(struct http_request){ .method = HTTP_POST, .url = w->url, .trust = trust, .timeout_ms = 5000 });
}

/* The name counts with a CA of one's own as with the public ones, also on a handle that has just followed a pin, which
 * does not ask for names. */
static void test_name_on_the_certificate(void **state)
{
	char path[] = "/tmp/obol-ca-XXXXXX";
	struct http_trust pin, ca;
	struct world w;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	world_open(&w, &(struct http_client_limits){ .ca_file = path });
	assert_int_equal(write(fd, serve_pem(w.serve), strlen(serve_pem(w.serve))), strlen(serve_pem(w.serve)));
	ca = (struct http_trust){ .ca_pem = serve_pem(w.serve) };
	pin = (struct http_trust){ .pin = serve_pin(w.serve) };
	assert_int_equal(get_tls(&w, NULL)->status, 200);
	assert_failed(get_other_name(&w, NULL), HTTP_FAIL_TLS, true);
	assert_int_equal(get_tls(&w, &ca)->status, 200);
	assert_failed(get_other_name(&w, &ca), HTTP_FAIL_TLS, true);
	assert_int_equal(get_other_name(&w, &pin)->status, 200);
	serve_cut_all(w.serve, w.tls);
	assert_failed(get_other_name(&w, &ca), HTTP_FAIL_TLS, true);
	assert_failed(get_other_name(&w, NULL), HTTP_FAIL_TLS, true);
	assert_int_equal(w.asked, 3);
	close(fd);
	unlink(path);
	world_close(&w);
}

/* What an exchange borrowed is nobody's any more when its line serves the next one. */
static void test_trust_is_let_go(void **state)
{
	struct http_trust ca;
	struct world w;
	char *pem;

	(void)state;
	world_open(&w, NULL);
	pem = xstrdup(serve_pem(w.serve));
	ca = (struct http_trust){ .ca_pem = pem };
	assert_int_equal(get_tls(&w, &ca)->status, 200);
	free(pem);
	assert_int_equal(send_request(&w, &(struct http_request){ .method = HTTP_GET, .url = url(&w, w.plain, "/"), .timeout_ms = 5000 })->status, 200);
	world_close(&w);
}

/* The trust store of public peers is read once: with CAPATH, or a second CAINFO, each connection would read it again. */
static void test_public_trust_is_read_once(void **state)
{
	char path[] = "/tmp/obol-ca-XXXXXX";
	struct http_trust pin;
	struct world w;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	world_open(&w, &(struct http_client_limits){ .ca_file = path });
	assert_int_equal(write(fd, serve_pem(w.serve), strlen(serve_pem(w.serve))), strlen(serve_pem(w.serve)));
	pin = (struct http_trust){ .pin = serve_pin(w.serve) };
	assert_int_equal(get_tls(&w, NULL)->status, 200);
	assert_int_equal(ftruncate(fd, 0), 0);
	serve_cut_all(w.serve, w.tls);
	assert_int_equal(get_tls(&w, &pin)->status, 200); /* another trust between does not take the cache's place */
	serve_cut_all(w.serve, w.tls);
	assert_int_equal(get_tls(&w, NULL)->status, 200);
	assert_int_equal(http_client_counts(w.client)->connections_opened, 3);
	close(fd);
	unlink(path);
	world_close(&w);
}

static void test_tls_connections_per_turn(void **state)
{
	enum { COUNT = 30 };
	struct http_trust pin;
	uint64_t opened = 0;
	struct world w;
	int done = 0;

	(void)state;
	world_open(&w, NULL);
	pin = (struct http_trust){ .pin = serve_pin(w.serve) };
	for (int i = 0; i < COUNT; i++)
		http_client_start(w.client, &(struct http_request){ .url = url(&w, w.tls, "/"), .trust = &pin }, HTTP_LANE_NORMAL, NULL);
	while (done < COUNT) {
		uint64_t now;

		turn(&w);
		now = http_client_counts(w.client)->connections_opened;
		assert_true(now - opened <= 4);
		opened = now;
		while (next_done(&w)) {
			assert_int_equal(w.done.response->status, 200);
			done++;
		}
	}
	world_close(&w);
}

/* The peer closed its kept connections: what was thought to be free is not there, and still at most four are opened. */
static void test_tls_connections_lost(void **state)
{
	enum { COUNT = 12 };
	struct http_trust pin;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	pin = (struct http_trust){ .pin = serve_pin(w.serve) };
	for (int round = 0; round < 2; round++) {
		uint64_t opened = http_client_counts(w.client)->connections_opened;
		int done = 0;

		w.answer.trouble.delay_ms = 20; /* long enough that each needs a connection of its own */
		for (int i = 0; i < COUNT; i++)
			http_client_start(w.client, &(struct http_request){ .method = HTTP_POST, .url = url(&w, w.tls, "/"), .trust = &pin },
				HTTP_LANE_NORMAL, NULL);
		while (done < COUNT) {
			uint64_t now;

			turn(&w);
			now = http_client_counts(w.client)->connections_opened;
			assert_true(now - opened <= 4);
			opened = now;
			while (next_done(&w)) {
				assert_int_equal(w.done.response->failure, HTTP_FAIL_NONE);
				done++;
			}
		}
		serve_cut_all(w.serve, w.tls);
	}
	world_close(&w);
}

/* Whatever came back at once, a turn ends near its share of CPU. The bound here is loose: sanitizers, shared cores. */
static void test_turn_is_cut(void **state)
{
	struct http_trust pin;
	struct world w;

	(void)state;
	world_open(&w, &(struct http_client_limits){ .turn_cpu_ms_max = 1, .tls_begun_per_turn_max = 60 });
	pin = (struct http_trust){ .pin = serve_pin(w.serve) };
	for (int i = 0; i < 60; i++)
		http_client_start(w.client, &(struct http_request){ .url = url(&w, w.tls, "/"), .trust = &pin }, HTTP_LANE_ANSWER, NULL);
	for (int i = 0; i < 60; i++)
		assert_int_equal(wait_done(&w)->status, 200);
	assert_true(http_client_counts(w.client)->turns_cut > 0);
	world_close(&w);
}

static void test_tls_hang(void **state)
{
	struct raw_peer p;
	char text[64];
	struct world w;

	(void)state;
	world_open(&w, NULL);
	raw_open(&p, ""); /* accepted by the kernel, nobody speaks TLS */
	snprintf(text, sizeof text, "https://127.0.0.1:%d/", p.port);
	assert_failed(send_request(&w, &(struct http_request){ .url = text, .timeout_ms = 100 }), HTTP_FAIL_TIMEOUT, true);
	assert_failed(send_request(&w, &(struct http_request){ .url = text, .connect_timeout_ms = 100 }), HTTP_FAIL_TIMEOUT, true);
	close(p.listener);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_lanes, ""),
		proves(test_slots_left_for_higher_lanes, ""),
		proves(test_waiting_has_a_limit, "R285"),
		proves(test_extra_descriptors, ""),
		proves(test_name_fails_and_rests, ""),
		proves(test_name_never_answers, ""),
		proves(test_cancel_of_a_look_up, ""),
		proves(test_abandoned_look_ups_are_bounded, ""),
		proves(test_name_known, ""),
		proves(test_name_rules, ""),
		proves(test_proxy_resolves, ""),
		proves(test_connect_only, ""),
		proves(test_self_signed_refused, ""),
		proves(test_refused_certificate_is_shown, ""),
		proves(test_pin, ""),
		proves(test_name_on_the_certificate, ""),
		proves(test_trust_is_let_go, ""),
		proves(test_public_trust_is_read_once, ""),
		proves(test_tls_connections_per_turn, ""),
		proves(test_tls_connections_lost, ""),
		proves(test_turn_is_cut, ""),
		proves(test_tls_hang, "R285"),
	};

	return cmocka_run_group_tests_name("http_client_connections", tests, NULL, NULL);
}
