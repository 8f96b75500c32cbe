/* The core with a bot that only echoes.
 *
 * Telegram is the simulator in memory, time is virtual, the store is a real file or a disk in memory. Handlers fail, crash
 * and are killed where a test says so. */
#ifndef OBOL_STORY_CORE_BOT_H
#define OBOL_STORY_CORE_BOT_H

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
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/http/server.h"
#include "tests/sim/botapi.h"
#include "tests/story/memnet.h"
#include "tests/story/memserver.h"
#include "tests/world/disk.h"

#define ORIGIN "http://telegram.test"
#define START_MS INT64_C(1793612000000)

struct core_bot {
	char dir[64], path[96];
	struct botapi *telegram;
	struct memnet *net;
	struct http_server *server; /* NULL: nobody comes in */
	struct memserver *door; /* in place of it, on the virtual clock; NULL: none */
	struct shared shared;
	struct config config;
	struct db *db;
	struct core *core;
	struct core_tables tables;
	int fail_next;          /* handlers fail so often */
	const char *crash_on;   /* a text whose handler kills the process */
	bool crashing;
	int decided, parked, gone;
	int64_t moved_from, moved_to;
	jmp_buf death;
	const char *die_at;     /* a step, the nth time */
	int die_countdown;
	int told;               /* alerts */
	bool unlimited;         /* no rate of sending */
	struct disk *disk;      /* NULL: a file */
	int faults_left;        /* commits that will fail */
	bool fail_after_sending; /* and the one after the next message has left */
};

static struct core_bot *b; /* the running one: handlers have no context of their own */

static inline void send_picture(struct act *a, int64_t chat_id)
{
	struct buf payload;

	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_send_photo(&payload, &(struct tg_send){ .chat_id = chat_id, .html = STR("a picture") }, str_n(NULL, 0));
	outbox_add(a, &(struct outgoing){ .method = TG_SEND_PHOTO, .chat_id = chat_id, .lane = LANE_INTERACTIVE, .unknown = UNKNOWN_AGAIN,
		.qr = STR("what it says"), .payload = str_of(str_dup(a->arena, buf_str(&payload))) });
	buf_release(&payload);
}

static inline void send_text(struct act *a, int64_t chat_id, struct str text)
{
	struct buf payload;

	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_send_message(&payload, &(struct tg_send){ .chat_id = chat_id, .html = text });
	outbox_add(a, &(struct outgoing){ .method = TG_SEND_MESSAGE, .chat_id = chat_id, .lane = LANE_INTERACTIVE, .unknown = UNKNOWN_AGAIN, .about = "fact",
		.payload = str_of(str_dup(a->arena, buf_str(&payload))) });
	buf_release(&payload);
}

static inline enum err echo(struct act *a, const struct tg_update *u)
{
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
	send_text(a, u->chat.id, u->message.text);
	if (e || b->fail_next == 0)
		return e;
	b->fail_next--;
	return E_INVALID;
}

static inline bool is_money(const struct tg_update *u)
{
	return u->kind == TG_UPDATE_MESSAGE && str_starts(u->message.text, "money");
}

static inline enum err on_parked(struct act *a, const struct tg_update *u)
{
	(void)a;
	(void)u;
	b->parked++;
	return OK;
}

static inline enum err on_gone(struct act *a, int64_t chat_id)
{
	(void)a;
	(void)chat_id;
	b->gone++;
	return OK;
}

static inline enum err on_moved(struct act *a, int64_t chat_id, int64_t to_chat_id)
{
	(void)a;
	b->moved_from = chat_id;
	b->moved_to = to_chat_id;
	return OK;
}

static inline enum err on_alert(struct act *a, const struct alert *alert)
{
	(void)a;
	b->told += strcmp(alert->text_key, "job_rests") == 0 || (strcmp(alert->text_key, "messages_given_up") == 0 && strcmp(alert->detail, "1") == 0);
	return OK;
}

static inline void step(const char *name)
{
	if (b->fail_after_sending && strcmp(name, "outbox.sent") == 0) {
		b->fail_after_sending = false;
		b->faults_left = 1;
	}
	if (b->die_at && strcmp(name, b->die_at) == 0 && --b->die_countdown == 0) {
		b->die_at = NULL;
		longjmp(b->death, 1);
	}
}

static inline void start(void)
{
	struct core_setup setup = {
		.tables = &b->tables, .shared = &b->shared, .config = &b->config, .server = b->door ? memserver_net(b->door) : net_server_of(b->server), .net = memnet_net(b->net),
		.api = { .base_url = ORIGIN, .token = BOTAPI_TOKEN }, .send_rate_per_s = b->unlimited ? 0 : 30,
	};
	int64_t from;

	assert_int_equal(db_open(&b->db, b->path, DB_WRITE, b->disk ? disk_vfs(b->disk) : NULL), OK);
	assert_int_equal(db_migrate(b->db, &from, schema_migrations, schema_migrations_count), OK);
	setup.db = b->db;
	assert_int_equal(core_open(&b->core, &setup), OK);
}

static inline void stop(void)
{
	core_close(b->core);
	db_close(b->db);
	http_server_free(b->server);
	if (b->door)
		memserver_kill(b->door);
	b->core = NULL;
	b->db = NULL;
	b->server = NULL;
}

/* SIGKILL: nothing more is committed, nothing more is heard. */
static inline void die(void)
{
	db_rollback(b->db);
	stop();
	memnet_kill(b->net, false);
}

static inline void run_ms(int64_t ms)
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

static inline int set_up(void **state)
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
	b->tables = (struct core_tables){ .on_update = echo, .is_money = is_money, .on_parked = on_parked, .on_gone = on_gone, .on_moved = on_moved, .on_alert = on_alert };
	core_step = step;
	log_set_level(getenv("LOG_LEVEL") ? getenv("LOG_LEVEL") : "error");
	start();
	return 0;
}

static inline int tear_down(void **state)
{
	char command[128];

	(void)state;
	stop();
	memserver_free(b->door);
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
static inline int64_t said(const char *text)
{
	struct arena arena = { 0 };
	int64_t n = 0;

	db_get_i64(&n, b->db, "SELECT CAST(value AS INTEGER) FROM settings WHERE key=?1", arena_printf(&arena, "said.%s", text));
	arena_release(&arena);
	return n;
}

static inline size_t heard(int64_t user, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < botapi_messages_count(b->telegram, user); i++) {
		const struct botapi_message *m = botapi_message_at(b->telegram, user, i);

		n += m->from_bot && str_is(m->text, text);
	}
	return n;
}

static inline int64_t rows(const char *sql)
{
	int64_t n = -1;

	assert_int_equal(db_get_i64(&n, b->db, sql), OK);
	return n;
}

/* An orderly end: what is under way is finished. */
static inline void stop_well(void)
{
	core_stop(b->core);
	while (core_exit_code(b->core) < 0)
		core_turn(b->core, 1);
	stop();
	memnet_kill(b->net, false);
}

/* From now on, with this route. */
static inline void listen_for(const struct route_row *route)
{
	stop_well();
	b->tables.routes = route;
	b->tables.routes_count = 1;
	b->server = http_server_new(NULL);
	assert_int_equal(http_server_listen(b->server, LISTENER_PUBLIC, "127.0.0.1:0"), OK);
	start();
	run_ms(3000);
}

static inline int ask(const char *request)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(b->server, LISTENER_PUBLIC)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	return fd;
}

/* A row of the cmocka table; `make requirements` reads it. */
#define story(function, rows) { #function " [" rows "]", function, set_up, tear_down, NULL }

#define PANEL "http://panel.test"

static inline enum err full_disk(void *ctx, enum db_point point)
{
	(void)ctx;
	return point == DB_POINT_COMMIT && b->faults_left && b->faults_left-- ? E_FULL : OK;
}

/* From here on others come in, at this route. */
static inline void open_door(const struct route_row *route)
{
	stop_well();
	b->tables.routes = route;
	b->tables.routes_count = 1;
	b->door = memserver_new();
	start();
}

static inline void know_jobs(const struct job_kind *const *kinds, size_t count, sim_handler *handler)
{
	stop();
	b->tables.jobs = kinds;
	b->tables.jobs_count = count;
	memnet_serve(b->net, PANEL, 0, handler, NULL);
	start();
	run_ms(120000); /* a start without an orderly end takes everything one by one for a while */
}

static inline enum err forget(struct act *a, void *ctx)
{
	enum err e = core_forget_updates(a);

	(void)ctx;
	return e ? e : core_forget(a);
}

#endif
