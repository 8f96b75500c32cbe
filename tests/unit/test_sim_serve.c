/* The simulators' sockets: long polls, delays, the thread, the moment to kill. Misbehaviour is tested from the other side
 * in test_http_client.c. */
#include "tests/unit/proves.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/http/client.h"
#include "tests/sim/serve.h"

#define GUARD_MS 20000

struct box { /* the model: hands out a value once it is there; "/put" puts one in */
	int value, asked;
	int64_t retry_ms, last_now_ms;
	struct sim_trouble trouble;
};

static void box_model(void *ctx, const struct sim_request *q, struct sim_response *r)
{
	struct box *box = ctx;

	box->asked++;
	box->last_now_ms = q->now_ms;
	r->trouble = box->trouble;
	if (str_is(q->path, "/put")) {
		box->value++;
	} else if (box->value) {
		r->body = str_of(arena_printf(q->arena, "value %d", box->value--));
	} else {
		r->later = true;
		r->retry_ms = box->retry_ms;
	}
}

struct world {
	struct serve *serve;
	struct http_client *client;
	struct http_done done;
	struct box box;
	int socket;
	bool threaded;
	struct http_trust pin;
	char url[128];
};

static void world_open(struct world *w, bool tls)
{
	*w = (struct world){ .serve = serve_new(), .client = http_client_new(NULL), .box = { .retry_ms = HOUR_MS } };
	w->socket = serve_add(w->serve, box_model, &w->box, 0, tls);
	w->pin.pin = tls ? serve_pin(w->serve) : NULL;
}

static void world_close(struct world *w)
{
	http_done_release(w->client, &w->done);
	http_client_free(w->client);
	serve_free(w->serve);
}

static void turn(struct world *w)
{
	struct http_wait wait = { .fd = serve_fd(w->serve), .events = POLLIN };
	int ms = w->threaded ? 50 : serve_timeout_ms(w->serve);

	http_client_poll(w->client, &wait, w->threaded ? 0 : 1, ms >= 0 && ms < 50 ? ms : 50);
	if (!w->threaded)
		serve_run_once(w->serve, 0);
}

static void start(struct world *w, const char *path)
{
	snprintf(w->url, sizeof w->url, "%s%s", serve_url(w->serve, w->socket), path);
	http_client_start(w->client, &(struct http_request){ .method = HTTP_POST, .url = w->url, .trust = &w->pin },
		HTTP_LANE_POLL, NULL);
}

static const struct http_response *wait_done(struct world *w)
{
	int64_t begin_us = clock_mono_us();

	http_done_release(w->client, &w->done);
	while (!http_client_next(w->client, &w->done)) {
		if (clock_mono_us() - begin_us > GUARD_MS * 1000)
			fail_msg("nothing finished");
		turn(w);
	}
	return w->done.response;
}

static void test_long_poll_wakes_by_another_request(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false);
	start(&w, "/get");
	while (!w.box.asked)
		turn(&w);
	start(&w, "/put");
	assert_int_equal(wait_done(&w)->body.len, 0);           /* the put */
	assert_true(str_is(wait_done(&w)->body, "value 1"));    /* the poll, though its retry is an hour away */
	assert_int_equal(serve_counts(w.serve, w.socket).requests, 2);
	assert_int_equal(serve_counts(w.serve, w.socket).answers, 2);
	world_close(&w);
}

static void test_long_poll_wakes_from_outside_and_by_time(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false);
	start(&w, "/get");
	while (!w.box.asked)
		turn(&w);
	w.box.value = 5;
	serve_changed(w.serve);
	assert_true(str_is(wait_done(&w)->body, "value 5"));
	w.box.value = 0;
	w.box.retry_ms = 1;
	w.box.asked = 0;
	start(&w, "/get");
	while (w.box.asked < 5)
		turn(&w);
	w.box.value = 7;
	assert_true(str_is(wait_done(&w)->body, "value 7"));
	world_close(&w);
}

static void test_delay(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false);
	w.box.trouble.delay_ms = 60;
	start(&w, "/put");
	assert_int_equal(wait_done(&w)->status, 200);
	assert_true(w.done.response->duration_ms >= 60);
	world_close(&w);
}

static int64_t in_the_year_2001(void *ctx)
{
	(void)ctx;
	return INT64_C(1000000000000);
}

static void test_clock(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false);
	serve_set_clock(w.serve, in_the_year_2001, NULL);
	start(&w, "/put");
	assert_true(wait_done(&w)->date_ms == INT64_C(1000000000000));
	assert_true(w.box.last_now_ms == INT64_C(1000000000000));
	world_close(&w);
}

struct seen {
	struct box *box;
	int before, after, value_before, value_after, status;
};

static void note(void *ctx, enum serve_moment moment, const struct sim_request *q, const struct sim_response *r)
{
	struct seen *seen = ctx;

	assert_true(str_is(q->path, "/put"));
	if (moment == SERVE_BEFORE) {
		seen->before++;
		seen->value_before = seen->box->value;
		assert_null(r);
	} else {
		seen->after++;
		seen->value_after = seen->box->value;
		seen->status = r->status;
	}
}

static void test_kill_hook(void **state)
{
	struct world w;
	struct seen seen = { 0 };

	(void)state;
	world_open(&w, false);
	seen.box = &w.box;
	serve_kill_hook(w.serve, w.socket, note, &seen);
	w.box.trouble.drop = true; /* the effect has happened all the same */
	start(&w, "/put");
	assert_int_equal(wait_done(&w)->failure, HTTP_FAIL_BROKEN);
	assert_int_equal(seen.before, 1);
	assert_int_equal(seen.after, 1);
	assert_int_equal(seen.value_before, 0);
	assert_int_equal(seen.value_after, 1);
	assert_int_equal(seen.status, 200);
	serve_kill_hook(w.serve, w.socket, NULL, NULL);
	start(&w, "/put");
	wait_done(&w);
	assert_int_equal(seen.before, 1);
	world_close(&w);
}

static void test_thread(void **state)
{
	for (int tls = 0; tls < 2; tls++) {
		struct world w;

		world_open(&w, tls);
		w.threaded = true;
		serve_thread_start(w.serve);
		for (int i = 0; i < 20; i++) {
			start(&w, "/put");
			assert_int_equal(wait_done(&w)->status, 200);
		}
		serve_lock(w.serve);
		assert_int_equal(w.box.value, 20);
		w.box.value = 0;
		serve_unlock(w.serve);
		start(&w, "/get");
		while (serve_counts(w.serve, w.socket).requests < 21)
			turn(&w);
		serve_lock(w.serve);
		w.box.value = 3;
		serve_unlock(w.serve);
		serve_changed(w.serve);
		assert_true(str_is(wait_done(&w)->body, "value 3"));
		serve_close(w.serve, w.socket); /* from this thread, while the other one serves */
		start(&w, "/put");
		assert_int_equal(wait_done(&w)->failure, HTTP_FAIL_CONNECT);
		serve_reopen(w.serve, w.socket);
		start(&w, "/put");
		assert_int_equal(wait_done(&w)->status, 200);
		serve_thread_stop(w.serve);
		serve_thread_start(w.serve);
		world_close(&w);
	}
	(void)state;
}

/* A program that a test starts holds our descriptors for a moment: what we close then must not be reported any more. */
static void test_child_holds_descriptors(void **state)
{
	struct world w;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), hold[2];
	pid_t child;

	(void)state;
	world_open(&w, false);
	at.sin_port = htons((uint16_t)serve_port(w.serve, w.socket));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	while (!serve_counts(w.serve, w.socket).open)
		serve_run_once(w.serve, 50);
	assert_int_equal(pipe(hold), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		char c;

		close(hold[1]);
		_exit((int)read(hold[0], &c, 1));
	}
	serve_cut_all(w.serve, w.socket);
	serve_run_once(w.serve, 0);
	shutdown(fd, SHUT_RDWR); /* the server's end, alive in the child, hears of it */
	serve_run_once(w.serve, 50);
	assert_int_equal(serve_counts(w.serve, w.socket).open, 0);
	close(hold[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(hold[0]);
	close(fd);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_long_poll_wakes_by_another_request, ""),
		proves(test_long_poll_wakes_from_outside_and_by_time, ""),
		proves(test_delay, ""),
		proves(test_clock, ""),
		proves(test_kill_hook, ""),
		proves(test_thread, ""),
		proves(test_child_holds_descriptors, ""),
	};

	return cmocka_run_group_tests_name("sim_serve", tests, NULL, NULL);
}
