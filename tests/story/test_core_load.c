/* The core when many come at once, and when the disk takes its time: nobody waits for the others, nothing grows without bound. */
#include "tests/story/core_bot.h"

/* --- a flood --- */

#define FLOOD 100
#define SHARE 32 /* of a turn */

static int requests; /* decided */

static enum err on_request(struct act *a, const struct http_inbound *in)
{
	requests++;
	inbound_answer(a, in, 200, NULL, str_of(NULL));
	return OK;
}

static void listen_for_requests(void)
{
	static const struct route_row route = { LISTENER_PUBLIC, HTTP_GET, "/flood", on_request };

	requests = 0;
	listen_for(&route);
}

/* More requests are there than a turn takes up. The update beside them waits for none of the others, which come to their
 * turn one share after another. */
static void test_flood(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	int fds[FLOOD], turns = 0;

	(void)state;
	listen_for_requests();
	for (int i = 0; i < FLOOD; i++)
		fds[i] = ask("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
	while (http_server_counts(b->server)->waiting < FLOOD)
		http_server_run(b->server);
	botapi_say(b->telegram, anna, "hello");
	for (int before = 0; requests < FLOOD; before = requests, turns++) {
		memnet_advance_ms(b->net, 5);
		core_turn(b->core, 1);
		assert_in_range(requests - before, 1, SHARE);
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
	listen_for_requests();
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
	assert_int_equal(requests, 1);
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

/* --- the journal --- */

static enum err write_much(struct act *a, const struct tg_update *u)
{
	(void)u;
	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES('much', hex(randomblob(500000))) ON CONFLICT(key) DO UPDATE SET value=hex(randomblob(500000))");
}

/* However much is written without a pause, the journal begins anew before it is large. */
static void test_journal_is_bounded(void **state)
{
	enum { WRITES = 120, PAGES = 10000 };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), most = 0, all = 0, before = 0;

	(void)state;
	stop_well();
	b->tables.on_update = write_much;
	start();
	run_ms(1000);
	for (int i = 0; i < WRITES; i++) {
		int64_t pages;

		botapi_say(b->telegram, anna, "hello");
		run_ms(200);
		pages = db_journal_pages(b->db);
		all += pages > before ? pages - before : pages;
		before = pages;
		most = pages > most ? pages : most;
	}
	assert_true(all > 2 * PAGES);
	assert_in_range(most, 1, PAGES);
}

/* --- a slow disk --- */

#define SYNC_MS 20
#define CROWD 200

/* One after another says hello, whatever the bot is doing at that moment. */
struct crowd {
	int64_t users[CROWD], came_ms[CROWD], next_ms, every_ms;
	size_t count;
};

static struct crowd *coming; /* NULL: nobody comes by himself */
static int syncs;            /* since the move to the slow disk */

static void let_come(void)
{
	struct crowd *c = coming;

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
	syncs++;
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
	syncs = 0;
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
	assert_int_equal(syncs, 1);
	run_ms(100);
	assert_int_equal(syncs, 2);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* How long the unluckiest of them waits. */
static int64_t worst_of_crowd(int64_t every_ms)
{
	struct crowd crowd = { .next_ms = memnet_now_ms(b->net), .every_ms = every_ms };
	int64_t worst_ms = 0, ms;
	size_t answered = 0;

	coming = &crowd;
	while (answered < CROWD) {
		let_come();
		core_turn(b->core, 1);
		for (; answered < crowd.count && heard(crowd.users[answered], "hello"); answered++) {
			ms = memnet_now_ms(b->net) - crowd.came_ms[answered];
			worst_ms = ms > worst_ms ? ms : worst_ms;
		}
	}
	coming = NULL;
	return worst_ms;
}

/* Who comes while the disk rests waits for his own flush alone: that others have heard theirs is noted with it. */
static void test_slow_disk_and_some(void **state)
{
	(void)state;
	move_to_slow_disk();
	assert_in_range(worst_of_crowd(SYNC_MS + 10), SYNC_MS, SYNC_MS + 5);
	assert_in_range(syncs, CROWD, CROWD + 1);
}

/* Whoever comes during a flush waits for its end and for his own, which he shares, and for no third. */
static void test_slow_disk_and_many(void **state)
{
	(void)state;
	move_to_slow_disk();
	assert_in_range(worst_of_crowd(SYNC_MS / 3), SYNC_MS, 2 * SYNC_MS + 10);
	assert_in_range(syncs, 1, CROWD / 3 + 2);
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
	assert_int_equal(syncs, 1);
	stop_well();
	start();
	run_ms(3000);
	assert_int_equal(heard(anna, "hello"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_flood, "B24"),
		story(test_backlog_and_others, "R271"),
		story(test_backlog_waits_at_telegram, "R271"),
		story(test_broadcast_is_bounded, "R280"),
		story(test_journal_is_bounded, ""),
		story(test_slow_disk_and_one, "R284"),
		story(test_slow_disk_and_some, "R284"),
		story(test_slow_disk_and_many, "R284"),
		story(test_stop_on_a_slow_disk, "R271"),
	};

	return cmocka_run_group_tests_name("core_load", tests, NULL, NULL);
}
