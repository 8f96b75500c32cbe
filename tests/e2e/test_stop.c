/* SIGTERM at any moment: while things are opened, at each step of a purchase, with a call hanging in every state it can
 * hang in, with a store that takes nothing. The program ends with 0, leaks nothing (its sanitizers would say so by another
 * code), and the next start finds an orderly stop and goes on. */
#include "tests/unit/proves.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/store/db.h"
#include "tests/e2e/customer.h"
#include "tests/e2e/prepare.h"

#define STEPS_PROGRAM "build/obol-steps"

static void ends_well(struct rig *r)
{
	assert_int_equal(rig_wait_exit(r), 0);
	assert_true(rig_logged(r, "obol.stopped code=0"));
}

static void next_start_is_clean(struct rig *r)
{
	rig_start(r);
	UNTIL(r, rig_logged(r, "telegram.ready"));
	assert_false(rig_logged(r, "core.unclean_stop"));
}

/* --- while things are opened --- */

/* The program waits in the middle of reading its settings, because they come through a pipe. */
static void test_while_it_opens(void **state)
{
	static const char line[] = "LOG_LEVEL=info\n";
	struct rig *r = rig_new(NULL);
	int fd, left;

	(void)state;
	assert_int_equal(mkfifo(rig_path(r, ".env"), 0600), 0);
	rig_start(r);
	UNTIL(r, (fd = open(rig_path(r, ".env"), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0);
	assert_int_equal(write(fd, line, sizeof line - 1), sizeof line - 1);
	kill(r->pid, SIGTERM);
	UNTIL(r, ioctl(fd, FIONREAD, &left) == 0 && left == 0);
	close(fd);
	ends_well(r);
	assert_int_equal(rig_number(r, "SELECT running FROM process"), 0);
	unlink(rig_path(r, ".env"));
	next_start_is_clean(r);
	rig_free(r);
}

/* Once is enough; what comes later, while everything is closed, changes nothing. */
static void test_told_again_and_again(void **state)
{
	struct rig *r = rig_new(NULL);
	int64_t until_us = rig_deadline_us();

	(void)state;
	rig_start(r);
	UNTIL(r, rig_is_up(r));
	r->expected = true;
	while (r->pid && clock_mono_us() < until_us) {
		kill(r->pid, SIGTERM);
		kill(r->pid, SIGINT);
		rig_turn(r, 0);
	}
	ends_well(r);
	next_start_is_clean(r);
	rig_free(r);
}

/* --- at each step of a purchase --- */

static const char *const steps[] = {
	"poll.fetched:1:TERM", "turn.before_commit:1:TERM", "outbox.claimed:1:TERM", "jobs.claimed:1:TERM", "jobs.call_sent:2:TERM",
};

static void test_at_each_step(void **state)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" }, .program = STEPS_PROGRAM });

	(void)state;
	prepare_shop(r);
	rig_start(r);
	for (size_t i = 0; i < countof(steps); i++) {
		int64_t anna = customer_new(r, "Anna");

		customer_order(r, anna, "Telegram Stars");
		UNTIL(r, customer_bill(r, anna));
		rig_settle(r);
		rig_write(r, "die-at", str_of(steps[i]), 0600);
		r->expected = true;
		customer_pay(r, anna);
		ends_well(r);
		next_start_is_clean(r);
		customer_gets_once(r, anna);
	}
	rig_assert_sound(r);
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

/* --- with a call in every state --- */

/* Connections are taken by the system and never by us: the peer is there and says nothing. */
static int listen_silently(int backlog, int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0 && listen(fd, backlog) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

/* The next one to connect there waits for an answer to its SYN. */
static int fill_queue(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static bool somebody_connects_to(int port)
{
	char line[512], wanted[16];
	FILE *f = fopen("/proc/net/tcp", "r");
	bool found = false;

	snprintf(wanted, sizeof wanted, ":%04X 02 ", (unsigned)port); /* SYN_SENT */
	while (f && !found && fgets(line, sizeof line, f))
		found = strstr(line, wanted) != NULL;
	if (f)
		fclose(f);
	return found;
}

static bool has_visitor(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void never_answer(void *model, const struct sim_request *request, struct sim_response *response)
{
	int *asked = model;

	(void)request;
	++*asked;
	response->trouble.hang = true;
}

static void test_with_a_call_in_every_state(void **state)
{
	struct rig *r = rig_new(&(struct rig_options){ .program = STEPS_PROGRAM });
	int asked = 0, tls_port, full_port, tls = listen_silently(8, &tls_port), full = listen_silently(0, &full_port), filler = fill_queue(full_port);
	int silent = serve_add(r->serve, never_answer, &asked, 0, false);
	struct arena arena = { 0 };
	const char *urls[] = {
		serve_url(r->serve, silent),
		arena_printf(&arena, "https://127.0.0.1:%d", tls_port),
		arena_printf(&arena, "http://127.0.0.1:%d", full_port),
		"http://endless.name:2053", /* tests/e2e/obol_steps.c looks it up for ever */
	};

	(void)state;
	prepare_panels(r, urls, countof(urls));
	rig_start(r);
	customer_new(r, "Anna"); /* nobody is held up; and the next long poll waits */
	for (size_t i = 0; i < countof(urls); i++)
		customer_say(r, RIG_ADMIN, arena_printf(&arena, "/panel_test %zu", i + 1));
	UNTIL(r, asked && has_visitor(tls) && somebody_connects_to(full_port) && rig_read(r, "looking-up").len);
	kill(r->pid, SIGTERM);
	ends_well(r);
	next_start_is_clean(r);
	close(tls);
	close(full);
	close(filler);
	arena_release(&arena);
	rig_free(r);
}

/* --- with a store that takes nothing --- */

static void test_stalled_with_a_request_waiting(void **state)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" }, .crypto_pay = true });
	struct http_request request = { .method = HTTP_POST, .body = STR("{}") };
	struct arena arena = { 0 };
	struct http_done done;
	struct db *other;

	(void)state;
	prepare_shop(r);
	rig_start(r);
	UNTIL(r, rig_logged(r, "telegram.ready") && rig_port(r, "public"));
	UNTIL(r, db_open(&other, r->database, DB_WRITE, NULL) == OK); /* busy: the bot writes at this moment */
	UNTIL(r, db_begin(other) == OK);
	request.url = arena_printf(&arena, "http://127.0.0.1:%d%s", rig_port(r, "public"), prepare_callback_path(r, &arena));
	http_client_start(r->client, &request, HTTP_LANE_NORMAL, NULL);
	botapi_say(r->telegram, botapi_user_new(r->telegram, "Anna", NULL, "en"), "/start");
	serve_changed(r->serve);
	for (int64_t until_us = rig_deadline_us(); !rig_logged(r, "store.stalled"); rig_turn(r, 5)) {
		http_client_poll(r->client, NULL, 0, 1);
		assert_false(rig_is_over(r, until_us));
	}
	kill(r->pid, SIGTERM);
	ends_well(r);
	db_rollback(other);
	db_close(other);
	while (!http_client_next(r->client, &done))
		http_client_poll(r->client, NULL, 0, 10);
	assert_int_not_equal(done.response->status, 200); /* its sender comes again */
	http_done_release(r->client, &done);
	rig_start(r);
	UNTIL(r, rig_logged(r, "telegram.ready"));
	assert_int_equal(rig_stop(r), 0);
	arena_release(&arena);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_while_it_opens, ""),
		proves(test_told_again_and_again, ""),
		proves(test_at_each_step, ""),
		proves(test_with_a_call_in_every_state, ""),
		proves(test_stalled_with_a_request_waiting, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* NULL: all */
	return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
