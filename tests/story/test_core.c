/* The core with a bot that only echoes: what arrives is decided once and answered, whatever fails in between.
 *
 * Telegram is the simulator in memory, time is virtual, the store is a real file. */
#include "tests/unit/proves.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bot/core/config.h"
#include "bot/core/core.h"
#include "bot/schema.h"
#include "lib/base/log.h"
#include "lib/http/server.h"
#include "tests/sim/botapi.h"
#include "tests/story/memnet.h"
#include "tests/world/disk.h"

#define ORIGIN "http://telegram.test"
#define START_MS INT64_C(1793612000000)

struct bench {
	char dir[64], path[96];
	struct botapi *telegram;
	struct memnet *net;
	struct http_server *server; /* NULL: nobody comes in */
	struct shared shared;
	struct config config;
	struct db *db;
	struct core *core;
	struct core_tables tables;
	int fail_next;          /* handlers fail so often */
	const char *crash_on;   /* a text whose handler kills the process */
	bool crashing;
	int decided, parked, gone;
	jmp_buf death;
	const char *die_at;     /* a step, the nth time */
	int die_countdown;
	int die_again;          /* so many more times, at once */
	int told;               /* alerts */
	int requests;           /* decided */
	bool unlimited;         /* no rate of sending */
	struct disk *disk;      /* NULL: a file */
	int syncs;
	struct crowd *crowd;    /* NULL: nobody comes by himself */
	int faults_left;        /* commits that will fail */
	bool fail_after_sending; /* and the one after the next message has left */
};

static struct bench *b; /* the running one: handlers have no context of their own */

static void send_picture(struct act *a, int64_t chat_id)
{
	struct buf payload;

	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_send_photo(&payload, &(struct tg_send){ .chat_id = chat_id, .html = STR("a picture") }, str_n(NULL, 0));
	outbox_add(a, &(struct outgoing){ .method = TG_SEND_PHOTO, .chat_id = chat_id, .lane = LANE_INTERACTIVE, .unknown = UNKNOWN_AGAIN,
		.qr = STR("what it says"), .payload = str_of(str_dup(a->arena, buf_str(&payload))) });
	buf_release(&payload);
}

static enum err echo(struct act *a, const struct tg_update *u)
{
	struct buf payload;
	enum err e;

	if (u->kind != TG_UPDATE_MESSAGE)
		return OK;
	if (b->crash_on && str_is(u->message.text, b->crash_on)) {
		b->crashing = true;
		longjmp(b->death, 1);
	}
	b->decided++;
	if (str_is(u->message.text, "picture")) {
		send_picture(a, u->chat.id);
		return OK;
	}
	if (str_is(u->message.text, "untrue now"))
		return outbox_retract(a, "fact");
	e = db_run(a->tx, "INSERT INTO settings(key, value) VALUES(?1, '1') ON CONFLICT(key) DO UPDATE SET value=value+1",
		arena_printf(a->arena, "said.%.*s", STR_ARG(u->message.text)));
	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_send_message(&payload, &(struct tg_send){ .chat_id = u->chat.id, .html = u->message.text });
	outbox_add(a, &(struct outgoing){ .method = TG_SEND_MESSAGE, .chat_id = u->chat.id, .lane = LANE_INTERACTIVE, .unknown = UNKNOWN_AGAIN, .about = "fact",
		.payload = str_of(str_dup(a->arena, buf_str(&payload))) });
	buf_release(&payload);
	if (e || b->fail_next == 0)
		return e;
	b->fail_next--;
	return E_INVALID;
}

static bool is_money(const struct tg_update *u)
{
	return u->kind == TG_UPDATE_MESSAGE && str_starts(u->message.text, "money");
}

static enum err on_parked(struct act *a, const struct tg_update *u)
{
	(void)a;
	(void)u;
	b->parked++;
	return OK;
}

static enum err on_gone(struct act *a, int64_t chat_id)
{
	(void)a;
	(void)chat_id;
	b->gone++;
	return OK;
}

static enum err on_alert(struct act *a, const struct alert *alert)
{
	(void)a;
	b->told += strcmp(alert->text_key, "messages_given_up") == 0 && strcmp(alert->detail, "1") == 0;
	return OK;
}

static void step(const char *name)
{
	if (b->fail_after_sending && strcmp(name, "outbox.sent") == 0) {
		b->fail_after_sending = false;
		b->faults_left = 1;
	}
	if (b->die_at && strcmp(name, b->die_at) == 0 && --b->die_countdown == 0) {
		if (b->die_again)
			b->die_again--, b->die_countdown = 1;
		else
			b->die_at = NULL;
		longjmp(b->death, 1);
	}
}

static void start(void)
{
	struct core_setup setup = {
		.tables = &b->tables, .shared = &b->shared, .config = &b->config, .server = b->server, .net = memnet_net(b->net),
		.api = { .base_url = ORIGIN, .token = BOTAPI_TOKEN }, .send_rate_per_s = b->unlimited ? 0 : 30,
	};
	int64_t from;

	assert_int_equal(db_open(&b->db, b->path, DB_WRITE, b->disk ? disk_vfs(b->disk) : NULL), OK);
	assert_int_equal(db_migrate(b->db, &from, schema_migrations, schema_migrations_count), OK);
	setup.db = b->db;
	assert_int_equal(core_open(&b->core, &setup), OK);
}

static void stop(void)
{
	core_close(b->core);
	db_close(b->db);
	http_server_free(b->server);
	b->core = NULL;
	b->db = NULL;
	b->server = NULL;
}

/* SIGKILL: nothing more is committed, nothing more is heard. */
static void die(void)
{
	db_rollback(b->db);
	stop();
	memnet_kill(b->net, false);
}

static void run_ms(int64_t ms)
{
	int64_t until_ms = memnet_now_ms(b->net) + ms;

	while (memnet_now_ms(b->net) < until_ms && core_exit_code(b->core) < 0) {
		if (setjmp(b->death)) {
			die();
			start();
			continue;
		}
		core_turn(b->core, (int)(until_ms - memnet_now_ms(b->net)));
	}
}

static int set_up(void **state)
{
	b = xcalloc(1, sizeof *b);
	*state = b;
	snprintf(b->dir, sizeof b->dir, "/tmp/obol-core-XXXXXX");
	if (!mkdtemp(b->dir))
		return -1;
	snprintf(b->path, sizeof b->path, "%s/a.db", b->dir);
	b->telegram = botapi_new(NULL);
	b->net = memnet_new(START_MS);
	botapi_set_now(b->telegram, START_MS);
	memnet_serve(b->net, ORIGIN, 0, botapi_handle, b->telegram);
	b->tables = (struct core_tables){ .on_update = echo, .is_money = is_money, .on_parked = on_parked, .on_gone = on_gone, .on_alert = on_alert };
	core_step = step;
	log_set_level(getenv("LOG_LEVEL") ? getenv("LOG_LEVEL") : "error");
	start();
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	stop();
	http_server_free(b->server);
	db_set_fault(NULL, NULL);
	core_step = NULL;
	memnet_free(b->net);
	botapi_free(b->telegram);
	if (b->disk)
		disk_free(b->disk);
	snprintf(command, sizeof command, "rm -rf %s", b->dir);
	free(b);
	b = NULL;
	return system(command);
}

/* How often the handler's write of this text was committed. */
static int64_t said(const char *text)
{
	struct arena arena = { 0 };
	int64_t n = 0;

	db_get_i64(&n, b->db, "SELECT CAST(value AS INTEGER) FROM settings WHERE key=?1", arena_printf(&arena, "said.%s", text));
	arena_release(&arena);
	return n;
}

static size_t heard(int64_t user, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < botapi_messages_count(b->telegram, user); i++) {
		const struct botapi_message *m = botapi_message_at(b->telegram, user, i);

		n += m->from_bot && str_is(m->text, text);
	}
	return n;
}

static int64_t rows(const char *sql)
{
	int64_t n = -1;

	assert_int_equal(db_get_i64(&n, b->db, sql), OK);
	return n;
}

static void test_echo(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	botapi_say(b->telegram, anna, "hello");
	run_ms(3000);
	assert_int_equal(heard(anna, "hello"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=0 AND raw IS NULL"), 1);
	assert_int_equal(botapi_updates_waiting(b->telegram), 0); /* confirmed */
	assert_string_equal(b->shared.bot_username, BOTAPI_USERNAME);
}

static void test_duplicates(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	botapi_say(b->telegram, anna, "once");
	botapi_repeat_update(b->telegram);
	run_ms(3000);
	botapi_repeat_update(b->telegram);
	run_ms(3000);
	assert_int_equal(said("once"), 1);
	assert_int_equal(heard(anna, "once"), 1);
	/* after a quiet week the ids begin anew, lower */
	memnet_advance_ms(b->net, 8 * 86400000LL);
	run_ms(60000);
	botapi_set_next_update_id(b->telegram, 17);
	botapi_say(b->telegram, anna, "again");
	run_ms(60000);
	assert_int_equal(heard(anna, "again"), 1);
}

static enum err forget(struct act *a, void *ctx)
{
	(void)ctx;
	return core_forget(a);
}

/* Ids are kept for two days, whatever order they came in; what people still have to decide about is kept longer. */
static void test_forgotten(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	botapi_say(b->telegram, anna, "first");
	run_ms(3000);
	b->fail_next = 3;
	botapi_say(b->telegram, anna, "parked");
	run_ms(120000);
	memnet_advance_ms(b->net, 47 * 3600000LL);
	run_ms(60000);
	botapi_set_next_update_id(b->telegram, 17); /* as after a quiet week */
	botapi_say(b->telegram, anna, "lower");
	run_ms(60000);
	assert_int_equal(core_do(b->core, forget, NULL), OK);
	assert_int_equal(rows("SELECT count(*) FROM inbox"), 3);
	memnet_advance_ms(b->net, 2 * 3600000LL);
	assert_int_equal(core_do(b->core, forget, NULL), OK);
	assert_int_equal(rows("SELECT update_id FROM inbox WHERE state=0"), 17); /* the only one */
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=2"), 1);
	assert_int_equal(rows("SELECT count(*) FROM inbox"), 2);
}

/* A failing handler: undone, tried again, the chat's later updates wait; others do not. */
static void test_failing_handler(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "ru");

	(void)state;
	run_ms(1000);
	b->fail_next = 2;
	botapi_say(b->telegram, anna, "first");
	botapi_say(b->telegram, anna, "second");
	run_ms(1000);
	assert_int_equal(said("first"), 0);
	assert_int_equal(heard(anna, "second"), 0);
	botapi_say(b->telegram, boris, "third");
	run_ms(200);
	run_ms(60000);
	assert_int_equal(heard(anna, "first"), 1);
	assert_int_equal(heard(anna, "second"), 1);
	assert_int_equal(said("first"), 1);
	assert_int_equal(heard(boris, "third"), 1);
	assert_int_equal(b->parked, 0);
}

static void test_parked(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	b->fail_next = 3;
	botapi_say(b->telegram, anna, "never");
	run_ms(120000);
	assert_int_equal(b->parked, 1);
	assert_int_equal(said("never"), 0);
	botapi_say(b->telegram, anna, "later");
	run_ms(3000);
	assert_int_equal(heard(anna, "later"), 1);
	/* money leaves only by success; people are told once, and its chat does not wait for it */
	b->fail_next = 9;
	botapi_say(b->telegram, anna, "money 1");
	run_ms(60000);
	assert_int_equal(b->parked, 2);
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=1 AND raw LIKE '%money 1%'"), 1);
	b->fail_next = 0;
	botapi_say(b->telegram, anna, "not kept waiting");
	run_ms(3000);
	assert_int_equal(heard(anna, "not kept waiting"), 1);
	b->fail_next = 6;
	run_ms(3600000);
	assert_int_equal(b->parked, 2);
	assert_int_equal(said("money 1"), 1);
}

/* An update whose handler kills the process: found, counted, parked; everybody else is served. */
static void test_poison(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "ru");

	(void)state;
	run_ms(1000);
	b->crash_on = "poison";
	botapi_say(b->telegram, boris, "before");
	botapi_say(b->telegram, anna, "poison");
	botapi_say(b->telegram, boris, "after");
	run_ms(60000);
	assert_true(b->crashing);
	assert_int_equal(b->parked, 1);
	assert_int_equal(heard(boris, "before"), 1);
	assert_int_equal(heard(boris, "after"), 1);
	assert_int_equal(said("after"), 1);
}

/* The same over a line so slow that it comes when a start is long past. */
static void test_poison_comes_late(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	memnet_set_latency_us(b->net, ORIGIN, 7000000);
	b->crash_on = "poison";
	botapi_say(b->telegram, anna, "poison");
	run_ms(600000);
	assert_true(b->crashing);
	assert_int_equal(b->parked, 1);
}

/* A message that is under way at six deaths in a row is given up, and a person hears of it. */
static void test_message_that_kills(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), n = 0;

	(void)state;
	run_ms(1000);
	b->die_at = "turn.after_commit";
	b->die_countdown = 1;
	b->die_again = 5;
	botapi_say(b->telegram, anna, "deadly");
	run_ms(60000);
	assert_null(b->die_at);
	assert_int_equal(b->told, 1);
	assert_int_equal(db_get_i64(&n, b->db, "SELECT count(*) FROM outbox WHERE state=2"), OK);
	assert_int_equal(n, 1);
	botapi_say(b->telegram, anna, "after");
	run_ms(5000);
	assert_int_equal(heard(anna, "after"), 1);
}

static enum err full_disk(void *ctx, enum db_point point)
{
	(void)ctx;
	return point == DB_POINT_COMMIT && b->faults_left && b->faults_left-- ? E_FULL : OK;
}

static void test_failed_commit(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	struct core_figures f;

	(void)state;
	run_ms(1000);
	b->faults_left = 3;
	db_set_fault(full_disk, NULL);
	botapi_say(b->telegram, anna, "kept");
	run_ms(1500);
	core_figures(b->core, &f);
	assert_true(f.stalled);
	assert_int_equal(heard(anna, "kept"), 0);
	botapi_say(b->telegram, anna, "also kept");
	run_ms(20000);
	db_set_fault(NULL, NULL);
	assert_int_equal(heard(anna, "kept"), 1);
	assert_int_equal(heard(anna, "also kept"), 1);
	assert_int_equal(said("kept"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* What Telegram answered is not forgotten with the commit that was to keep it: the row would stay claimed, and the message
 * be sent once more by the next start. */
static void test_failed_commit_of_an_answer(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	struct core_figures f;

	(void)state;
	run_ms(1000);
	db_set_fault(full_disk, NULL);
	b->fail_after_sending = true;
	botapi_say(b->telegram, anna, "kept");
	run_ms(20000);
	db_set_fault(NULL, NULL);
	core_figures(b->core, &f);
	assert_int_equal(f.commits_failed, 1);
	assert_int_equal(heard(anna, "kept"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

static enum err unheard(void *ctx, enum db_point point)
{
	(void)ctx;
	return point == DB_POINT_COMMIT_AFTER && b->faults_left && b->faults_left-- ? E_UNKNOWN : OK;
}

/* The commit was written and nobody heard it: what it claimed stands claimed in the table, and leaves all the same. */
static void test_unheard_commit(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	b->faults_left = 1;
	db_set_fault(unheard, NULL);
	botapi_say(b->telegram, anna, "kept");
	run_ms(20000);
	db_set_fault(NULL, NULL);
	assert_int_equal(b->faults_left, 0);
	assert_int_equal(said("kept"), 1);
	assert_int_equal(heard(anna, "kept"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

static enum err note(struct act *a, const struct http_inbound *in)
{
	inbound_answer(a, in, 200, NULL, str_of(NULL));
	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES('noted', '1') ON CONFLICT(key) DO UPDATE SET value=value+1");
}

static void stop_well(void)
{
	core_stop(b->core);
	while (core_exit_code(b->core) < 0)
		core_turn(b->core, 1);
	stop();
	memnet_kill(b->net, false);
}

/* From now on, with this route. */
static void listen_for(const struct route_row *route)
{
	stop_well();
	b->tables.routes = route;
	b->tables.routes_count = 1;
	b->server = http_server_new(NULL);
	assert_int_equal(http_server_listen(b->server, LISTENER_PUBLIC, "127.0.0.1:0"), OK);
	start();
	run_ms(3000);
}

static int ask(const char *request)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(b->server, LISTENER_PUBLIC)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	return fd;
}

/* The status it has heard by now; 0: nothing yet. */
static int heard_status(int fd)
{
	char head[64] = "";

	return recv(fd, head, sizeof head - 1, MSG_DONTWAIT) > 12 ? (int)strtol(head + 9, NULL, 10) : 0;
}

/* Whoever tells us something over HTTP hears "200" when it is stored. Until then they wait, and come again if we are gone. */
static void test_answered_when_stored(void **state)
{
	int fd, status = 0;

	(void)state;
	listen_for(&(struct route_row){ LISTENER_PUBLIC, HTTP_POST, "/note", note });
	b->faults_left = 1;
	db_set_fault(full_disk, NULL);
	fd = ask("POST /note HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n");
	while (b->faults_left) { /* the real socket has a time of its own */
		core_turn(b->core, 0);
		usleep(1000);
	}
	for (int i = 0; i < 20; i++) {
		core_turn(b->core, 0);
		usleep(1000);
		assert_int_equal(heard_status(fd), 0);
	}
	db_set_fault(NULL, NULL);
	assert_int_equal(rows("SELECT count(*) FROM settings WHERE key='noted'"), 0);
	for (int i = 0; !status && i < 5000; i++) {
		run_ms(100);
		usleep(100);
		status = heard_status(fd);
	}
	assert_int_equal(status, 200);
	assert_int_equal(rows("SELECT value FROM settings WHERE key='noted'"), 1);
	close(fd);
}

/* Killed at every named step, again and again: each update decided once, each answer heard, at most one of them twice. */
static void test_killed(void **state)
{
	static const char *const steps[] = { "poll.fetched", "turn.before_commit", "turn.after_commit", "outbox.claimed", "outbox.sent" };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	struct arena arena = { 0 };

	(void)state;
	run_ms(1000);
	for (size_t i = 0; i < countof(steps); i++)
		for (int nth = 1; nth <= 3; nth++) {
			const char *text = arena_printf(&arena, "%s %d", steps[i], nth);

			b->die_at = steps[i];
			b->die_countdown = nth;
			botapi_say(b->telegram, anna, text);
			run_ms(90000);
			b->die_at = NULL;
			assert_int_equal(said(text), 1);
			assert_in_range(heard(anna, text), 1, 2);
		}
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
	arena_release(&arena);
}

/* --- jobs --- */

#define PANEL "http://panel.test"

static struct { int now[3], most[3], together, heard, done; } lanes;

static void panel(void *ctx, const struct sim_request *request, struct sim_response *response)
{
	(void)ctx;
	(void)request;
	lanes.heard++;
	response->status = 200;
}

static enum err begin_call(struct act *a, struct job *job)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);

	(void)a;
	*request = (struct http_request){ .method = HTTP_POST, .url = PANEL "/", .timeout_ms = 30000 };
	job_call(job, request);
	if (++lanes.now[job->lane] > lanes.most[job->lane])
		lanes.most[job->lane] = lanes.now[job->lane];
	if (lanes.now[1] + lanes.now[2] > lanes.together)
		lanes.together = lanes.now[1] + lanes.now[2];
	return OK;
}

static enum err answer_call(struct act *a, struct job *job, const struct http_response *response)
{
	(void)a;
	assert_int_equal(response->status, 200);
	lanes.now[job->lane]--;
	lanes.done++;
	job_done(job);
	return OK;
}

static enum err add_calls(struct act *a, void *ctx)
{
	enum err e = OK;

	(void)ctx;
	for (int i = 0; !e && i < 10; i++)
		e = job_add(a, "call", arena_printf(a->arena, "%d", i), 1 + i % 2, JOB_PERSON, a->now_ms);
	return e;
}

static void know_calls(void)
{
	static const struct job_kind call = { .name = "call", .begin = begin_call, .answer = answer_call, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };

	stop();
	b->tables.jobs = kinds;
	b->tables.jobs_count = countof(kinds);
	memnet_serve(b->net, PANEL, 0, panel, NULL);
	start();
	run_ms(120000); /* a start without an orderly end takes everything one by one for a while */
	memset(&lanes, 0, sizeof lanes);
}

/* One call at a time at each panel: of several at once a real one keeps the last. Two panels do not wait for each other. */
static void test_one_call_per_lane(void **state)
{
	(void)state;
	know_calls();
	assert_int_equal(core_do(b->core, add_calls, NULL), OK);
	run_ms(10000);
	assert_int_equal(lanes.done, 10);
	assert_int_equal(lanes.most[1], 1);
	assert_int_equal(lanes.most[2], 1);
	assert_int_equal(lanes.together, 2);
}

/* A call leaves when the commit that claims it stands: after a crash nobody would know that it was made. */
static void test_called_when_stored(void **state)
{
	(void)state;
	know_calls();
	assert_int_equal(core_do(b->core, add_calls, NULL), OK);
	b->faults_left = 3;
	db_set_fault(full_disk, NULL);
	while (b->faults_left) {
		assert_int_equal(lanes.heard, 0);
		run_ms(10);
	}
	db_set_fault(NULL, NULL);
	lanes.now[1] = lanes.now[2] = 0; /* runs that were given up */
	run_ms(30000);
	assert_int_equal(lanes.done, 10);
	assert_int_equal(lanes.heard, 10);
}

static void test_limits(void **state)
{
	int64_t users[60], anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	size_t n = 0;

	(void)state;
	run_ms(1000);
	botapi_set_rates(b->telegram, (struct botapi_rates){ .on = true, .chat_burst = 3, .all_burst = 30 });
	for (size_t i = 0; i < countof(users); i++) {
		users[i] = botapi_user_new(b->telegram, "U", NULL, "en");
		botapi_say(b->telegram, users[i], "hi");
	}
	for (int i = 0; i < 8; i++)
		botapi_say(b->telegram, anna, (const char *[]){ "a", "b", "c", "d", "e", "f", "g", "h" }[i]);
	run_ms(30000);
	for (size_t i = 0; i < countof(users); i++)
		n += heard(users[i], "hi");
	assert_int_equal(n, countof(users));
	/* in order, and none refused */
	for (int i = 0, from = 0; i < 8; i++) {
		size_t k = (size_t)from;

		while (k < botapi_messages_count(b->telegram, anna) && (!botapi_message_at(b->telegram, anna, k)->from_bot ||
			!str_is(botapi_message_at(b->telegram, anna, k)->text, (const char *[]){ "a", "b", "c", "d", "e", "f", "g", "h" }[i])))
			k++;
		assert_true(k < botapi_messages_count(b->telegram, anna));
		from = (int)k;
	}
}

static void test_told_to_wait(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "en");

	(void)state;
	run_ms(1000);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 1, .fault = BOTAPI_429, .retry_after_s = 7 });
	botapi_say(b->telegram, anna, "one");
	botapi_say(b->telegram, anna, "two");
	run_ms(1000);
	botapi_say(b->telegram, boris, "hello"); /* nobody else waits for her */
	run_ms(4000);
	assert_int_equal(heard(anna, "one") + heard(anna, "two"), 0);
	assert_int_equal(heard(boris, "hello"), 1);
	assert_int_equal(botapi_calls(b->telegram, "sendMessage"), 2); /* and nothing is tried before its time */
	run_ms(10000);
	assert_int_equal(heard(anna, "one"), 1);
	assert_int_equal(heard(anna, "two"), 1);
	assert_true(botapi_find_text(b->telegram, anna, "two")->id > botapi_find_text(b->telegram, anna, "one")->id);
	assert_int_equal(botapi_calls(b->telegram, "sendMessage"), 4);
}

/* A message is true when its row is claimed: what was taken back meanwhile is not sent, and its chat goes on. */
static void test_taken_back(void **state)
{
	static const char *const texts[] = { "a", "b", "c", "d", "e" };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	for (size_t i = 0; i < countof(texts); i++)
		botapi_say(b->telegram, anna, texts[i]);
	run_ms(200); /* three leave at once, two wait for the chat's limit */
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 2);
	botapi_say(b->telegram, anna, "untrue now");
	run_ms(5000);
	assert_int_equal(heard(anna, "c"), 1);
	assert_int_equal(heard(anna, "d") + heard(anna, "e"), 0);
	botapi_say(b->telegram, anna, "next");
	run_ms(3000);
	assert_int_equal(heard(anna, "next"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

static void test_lost_answer_and_502(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 1, .fault = BOTAPI_NETWORK, .after = true, .trouble = { .drop = true } });
	botapi_say(b->telegram, anna, "twice is fine");
	run_ms(10000);
	assert_int_equal(heard(anna, "twice is fine"), 2);
	botapi_clear_rules(b->telegram);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 3, .fault = BOTAPI_HTML_502 });
	botapi_say(b->telegram, anna, "after 502");
	run_ms(60000);
	assert_int_equal(heard(anna, "after 502"), 1);
	botapi_block(b->telegram, anna);
	botapi_clear_rules(b->telegram);
	run_ms(1000);
}

static void test_blocked(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	memnet_set_latency_us(b->net, ORIGIN, 500000);
	botapi_say(b->telegram, anna, "bye");
	botapi_block(b->telegram, anna);
	run_ms(10000);
	assert_int_equal(b->gone, 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* The picture of a claimed message is drawn, or waits to be drawn, when everything is closed: nothing of it stays behind
 * (the sanitizer would tell), and the message comes after the next start. */
static void test_closed_with_a_picture_under_way(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	botapi_say(b->telegram, anna, "picture");
	while (rows("SELECT count(*) FROM outbox WHERE state=1") == 0)
		core_turn(b->core, 1000);
	stop();
	memnet_kill(b->net, false);
	start();
	run_ms(20000);
	assert_int_equal(heard(anna, "a picture"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

static void test_wrong_token(void **state)
{
	(void)state;
	botapi_revoke_token(b->telegram);
	run_ms(2000);
	assert_int_equal(core_exit_code(b->core), 2);
}

static void test_conflicts(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	botapi_set_webhook(b->telegram, "https://elsewhere.example/hook");
	botapi_say(b->telegram, anna, "waits");
	run_ms(120000);
	assert_int_equal(core_exit_code(b->core), -1);
	assert_int_equal(heard(anna, "waits"), 0);
	botapi_set_webhook(b->telegram, NULL);
	run_ms(120000);
	assert_int_equal(heard(anna, "waits"), 1);
	botapi_set_other_poller(b->telegram, true);
	run_ms(9 * 60000);
	assert_int_equal(core_exit_code(b->core), -1);
	run_ms(3 * 60000);
	assert_int_equal(core_exit_code(b->core), 1);
}

/* --- a flood --- */

#define FLOOD 100
#define SHARE 32 /* of a turn */

static enum err on_request(struct act *a, const struct http_inbound *in)
{
	b->requests++;
	inbound_answer(a, in, 200, NULL, str_of(NULL));
	return OK;
}

/* More requests are there than a turn takes up. The update beside them waits for none of the others, which come to their
 * turn one share after another. */
static void test_flood(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	int fds[FLOOD], turns = 0;

	(void)state;
	listen_for(&(struct route_row){ LISTENER_PUBLIC, HTTP_GET, "/flood", on_request });
	for (int i = 0; i < FLOOD; i++)
		fds[i] = ask("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
	while (http_server_counts(b->server)->waiting < FLOOD)
		http_server_run(b->server);
	botapi_say(b->telegram, anna, "hello");
	for (int before = 0; b->requests < FLOOD; before = b->requests, turns++) {
		memnet_advance_ms(b->net, 5);
		core_turn(b->core, 1);
		assert_in_range(b->requests - before, 1, SHARE);
		assert_int_equal(said("hello"), turns > 0); /* on its way during the first */
	}
	assert_int_equal(turns, (FLOOD + SHARE - 1) / SHARE);
	for (int i = 0; i < FLOOD; i++)
		close(fds[i]);
}

/* A batch of updates is decided in one turn when nobody else is there. Who asks over HTTP waits for a turn of a few of
 * them, and not for the batch; money is before both. */
static void test_backlog_and_others(void **state)
{
	enum { BATCH = 100, FEW = 5 };
	int decided, turns = 0, fd;

	(void)state;
	listen_for(&(struct route_row){ LISTENER_PUBLIC, HTTP_GET, "/flood", on_request });
	for (int i = 0; i < 2 * BATCH; i++)
		botapi_say(b->telegram, botapi_user_new(b->telegram, "Anna", NULL, "en"), i == 2 * BATCH - 1 ? "money" : "hello");
	for (decided = b->decided; b->decided == decided;)
		core_turn(b->core, 5);
	assert_int_equal(b->decided - decided, BATCH);
	fd = ask("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
	while (http_server_counts(b->server)->waiting == 0)
		http_server_run(b->server);
	for (decided = b->decided; b->decided == decided;)
		core_turn(b->core, 5); /* the next batch */
	assert_int_equal(b->requests, 1);
	assert_int_equal(b->decided - decided, FEW + 1);
	assert_int_equal(said("money"), 1);
	for (; b->decided < 2 * BATCH; turns++)
		core_turn(b->core, 5);
	assert_int_equal(turns, BATCH / FEW - 1);
	assert_int_equal(said("money"), 1);
	close(fd);
}

/* Telegram takes its time over what is sent. What is decided and not yet said stays bounded: the rest of the backlog waits in
 * Telegram's queue, and nobody's message stands behind a thousand others of ours. */
static void test_backlog_waits_at_telegram(void **state)
{
	enum { BACKLOG = 1000, BATCH = 100, SENDS = 128 };
	int64_t claimed, most = 0;

	(void)state;
	stop_well();
	b->unlimited = true;
	start();
	run_ms(3000);
	for (int i = 0; i < BACKLOG; i++)
		botapi_say(b->telegram, botapi_user_new(b->telegram, "Anna", NULL, "en"), "hello");
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .fault = BOTAPI_NETWORK, .after = true, .trouble = { .delay_ms = 200 } });
	while (b->decided < BACKLOG) {
		core_turn(b->core, 5);
		claimed = rows("SELECT count(*) FROM outbox WHERE state=1");
		most = claimed > most ? claimed : most;
	}
	assert_in_range(most, BATCH, SENDS + BATCH);
	run_ms(10000);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
	assert_int_equal(said("hello"), BACKLOG);
}

enum { READERS = 1500 };

static enum err tell_all(struct act *a, void *ctx)
{
	const int64_t *readers = ctx;
	struct buf payload;

	for (size_t i = 0; i < READERS; i++) {
		buf_init(&payload, TG_CALL_BYTES_MAX);
		tg_send_message(&payload, &(struct tg_send){ .chat_id = readers[i], .html = STR("news") });
		outbox_add(a, &(struct outgoing){ .method = TG_SEND_MESSAGE, .chat_id = readers[i], .lane = LANE_REST, .unknown = UNKNOWN_SKIP,
			.payload = str_of(str_dup(a->arena, buf_str(&payload))) });
		buf_release(&payload);
	}
	return OK;
}

/* A broadcast without a rate is on its way by the hundred, not as a whole, and people are heard meanwhile. */
static void test_broadcast_is_bounded(void **state)
{
	enum { CLAIMED = 512 };
	static int64_t readers[READERS];
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), claimed, most = 0;

	(void)state;
	stop_well();
	b->unlimited = true;
	start();
	run_ms(3000);
	for (size_t i = 0; i < READERS; i++)
		readers[i] = botapi_user_new(b->telegram, "Reader", NULL, "en");
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .fault = BOTAPI_NETWORK, .after = true, .trouble = { .delay_ms = 200 } });
	assert_int_equal(core_do(b->core, tell_all, readers), OK);
	botapi_say(b->telegram, anna, "hello");
	for (int i = 0; i < 20; i++)
		core_turn(b->core, 5);
	assert_int_equal(said("hello"), 1);
	while ((claimed = rows("SELECT count(*) FROM outbox WHERE state=1")) > 0) {
		most = claimed > most ? claimed : most;
		core_turn(b->core, 5);
	}
	assert_in_range(most, 100, CLAIMED + 2);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
	assert_int_equal(botapi_calls(b->telegram, "sendMessage"), READERS + 1);
	assert_int_equal(heard(anna, "hello"), 1);
}

/* --- a slow disk --- */

#define SYNC_MS 20
#define CROWD 200

/* One after another says hello, whatever the bot is doing at that moment. */
struct crowd {
	int64_t users[CROWD], came_ms[CROWD], next_ms, every_ms;
	size_t count;
};

static void let_come(void)
{
	struct crowd *c = b->crowd;

	for (; c && c->count < CROWD && memnet_now_ms(b->net) >= c->next_ms; c->next_ms += c->every_ms) {
		c->users[c->count] = botapi_user_new(b->telegram, "Anna", NULL, "en");
		c->came_ms[c->count] = memnet_now_ms(b->net);
		botapi_say(b->telegram, c->users[c->count++], "hello");
	}
}

static int flush_slowly(void *ctx, enum disk_op op)
{
	(void)ctx;
	if (op != DISK_SYNC)
		return 0;
	b->syncs++;
	for (int i = 0; i < SYNC_MS; i++) {
		memnet_advance_ms(b->net, 1);
		let_come();
	}
	return 0;
}

static void move_to_slow_disk(void)
{
	stop();
	memnet_kill(b->net, false);
	b->disk = disk_new(flush_slowly, NULL);
	b->unlimited = true;
	start();
	run_ms(3000);
	b->syncs = 0;
}

static int64_t wait_for_answer(int64_t user)
{
	int64_t begin_ms = memnet_now_ms(b->net);

	while (!heard(user, "hello") && memnet_now_ms(b->net) < begin_ms + 1000)
		core_turn(b->core, 1);
	return memnet_now_ms(b->net) - begin_ms;
}

/* What is said is durable first, and that is one flush. That it was said is noted with the next flush, or soon. */
static void test_slow_disk_and_one(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	move_to_slow_disk();
	botapi_say(b->telegram, anna, "hello");
	assert_in_range(wait_for_answer(anna), SYNC_MS, SYNC_MS + 5);
	assert_int_equal(b->syncs, 1);
	run_ms(100);
	assert_int_equal(b->syncs, 2);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* How long the unluckiest of them waits. */
static int64_t worst_of_crowd(int64_t every_ms)
{
	struct crowd crowd = { .next_ms = memnet_now_ms(b->net), .every_ms = every_ms };
	int64_t worst_ms = 0, ms;
	size_t answered = 0;

	b->crowd = &crowd;
	while (answered < CROWD) {
		let_come();
		core_turn(b->core, 1);
		for (; answered < crowd.count && heard(crowd.users[answered], "hello"); answered++) {
			ms = memnet_now_ms(b->net) - crowd.came_ms[answered];
			worst_ms = ms > worst_ms ? ms : worst_ms;
		}
	}
	b->crowd = NULL;
	return worst_ms;
}

/* Who comes while the disk rests waits for his own flush alone: that others have heard theirs is noted with it. */
static void test_slow_disk_and_some(void **state)
{
	(void)state;
	move_to_slow_disk();
	assert_in_range(worst_of_crowd(SYNC_MS + 10), SYNC_MS, SYNC_MS + 5);
	assert_in_range(b->syncs, CROWD, CROWD + 1);
}

/* Whoever comes during a flush waits for its end and for his own, which he shares, and for no third. */
static void test_slow_disk_and_many(void **state)
{
	(void)state;
	move_to_slow_disk();
	assert_in_range(worst_of_crowd(SYNC_MS / 3), SYNC_MS, 2 * SYNC_MS + 10);
	assert_in_range(b->syncs, 1, CROWD / 3 + 2);
}

/* Told to stop while it is still to be noted that a message has arrived: noted, not said again at the next start. */
static void test_stop_on_a_slow_disk(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	move_to_slow_disk();
	botapi_say(b->telegram, anna, "hello");
	wait_for_answer(anna);
	for (int i = 0; i < 3; i++)
		core_turn(b->core, 1); /* its answer is here */
	assert_int_equal(b->syncs, 1);
	stop_well();
	start();
	run_ms(3000);
	assert_int_equal(heard(anna, "hello"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define story(function, rows) { #function " [" rows "]", function, set_up, tear_down, NULL }
		story(test_echo, "R271"),
		story(test_duplicates, "R271"),
		story(test_forgotten, "R271"),
		story(test_failing_handler, ""),
		story(test_parked, "B25"),
		story(test_poison, ""),
		story(test_poison_comes_late, ""),
		story(test_message_that_kills, ""),
		story(test_failed_commit, ""),
		story(test_failed_commit_of_an_answer, ""),
		story(test_unheard_commit, ""),
		story(test_answered_when_stored, "R197"),
		story(test_killed, "R271"),
		story(test_one_call_per_lane, "B23"),
		story(test_called_when_stored, ""),
		story(test_limits, "R280 B48"),
		story(test_told_to_wait, "R280"),
		story(test_taken_back, ""),
		story(test_lost_answer_and_502, ""),
		story(test_blocked, "R279"),
		story(test_closed_with_a_picture_under_way, ""),
		story(test_wrong_token, ""),
		story(test_conflicts, "B44"),
		story(test_flood, "B24"),
		story(test_backlog_and_others, "R271"),
		story(test_backlog_waits_at_telegram, "R271"),
		story(test_broadcast_is_bounded, "R280"),
		story(test_slow_disk_and_one, "R284"),
		story(test_slow_disk_and_some, "R284"),
		story(test_slow_disk_and_many, "R284"),
		story(test_stop_on_a_slow_disk, "R271"),
	};

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
