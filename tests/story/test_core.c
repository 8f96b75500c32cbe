/* What the core promises: what arrives is decided once and answered, whatever fails in between. */
#include "tests/story/core_bot.h"

#include "bot/tables.h"

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

/* Ten updates a second for days, and the schedules as the program has them: two days of ids are kept, and no more pile up. */
static void test_forgotten_as_fast_as_they_come(void **state)
{
	enum { PER_MINUTE = 600, MINUTES = 180 };

	(void)state;
	for (int i = 0; i < MINUTES; i++) {
		assert_int_equal(db_run(b->db, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i<?2-1) INSERT INTO inbox(update_id, received_ms)"
			" SELECT ?1*?2+i, ?3 FROM n", i + 1, PER_MINUTE, START_MS - 3 * DAY_MS + i * MINUTE_MS), OK);
	}
	for (int64_t ms = 0; ms < HOUR_MS; ms += MINUTE_MS)
		for (size_t i = 0; i < tables.schedules_count; i++)
			if (tables.schedules[i].run == core_forget_updates && ms % tables.schedules[i].every_ms == 0)
				assert_int_equal(core_do(b->core, forget, NULL), OK);
	assert_int_equal(rows("SELECT count(*) FROM inbox"), 0);
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

static char decided_in_order[64];

static enum err note_order(struct act *a, const struct tg_update *u)
{
	enum err e = echo(a, u);

	if (!e && u->kind == TG_UPDATE_MESSAGE)
		strncat(decided_in_order, arena_printf(a->arena, "%.*s ", STR_ARG(u->message.text)), sizeof decided_in_order - strlen(decided_in_order) - 1);
	return e;
}

/* However often the first is tried, the chat's later ones come after it and in their order; in the careful time, too. */
static void test_order_in_a_chat(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	b->tables.on_update = note_order;
	for (int careful = 0; careful <= 1; careful++) {
		run_ms(1000);
		decided_in_order[0] = '\0';
		if (careful) {
			die();
			start();
		}
		b->fail_next = 2;
		botapi_say(b->telegram, anna, "a");
		botapi_say(b->telegram, anna, "b");
		run_ms(1000);
		botapi_say(b->telegram, anna, "c");
		run_ms(60000);
		assert_string_equal(decided_in_order, "a b c ");
		assert_int_equal(b->fail_next, 0);
	}
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

static enum err write_pages(struct act *a, void *ctx)
{
	const int *pages = ctx;

	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES('pages', hex(zeroblob(?1))) ON CONFLICT(key) DO UPDATE SET value=excluded.value", *pages * 2048);
}

static int64_t checkpoints(void)
{
	struct core_figures f;

	core_figures(b->core, &f);
	return f.checkpoints;
}

/* Somebody is served, and at once so many pages more are written. */
static void busy_with(int64_t user, int pages)
{
	botapi_say(b->telegram, user, "hello");
	run_ms(100);
	assert_int_equal(core_do(b->core, write_pages, &pages), OK);
}

/* A checkpoint begins only while there is something that is not copied: the next commit would begin the journal anew meanwhile. */
static void test_checkpoints(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), before;
	struct db *reader;
	struct db_rows r;
	int one = 1, two = 2;

	(void)state;
	run_ms(60000);
	before = checkpoints();
	run_ms(600000); /* nothing is written */
	assert_int_equal(checkpoints(), before);
	busy_with(anna, 4100);
	core_turn(b->core, 0);
	assert_int_equal(checkpoints(), before + 1);
	run_ms(600000); /* all is copied */
	assert_int_equal(checkpoints(), before + 1);
	busy_with(anna, 8300);
	assert_int_equal(db_open(&reader, b->path, DB_READ, NULL), OK);
	db_select(&r, reader, "SELECT key FROM settings");
	assert_true(db_next(&r)); /* while somebody reads, the journal does not begin anew */
	core_turn(b->core, 0);
	assert_int_equal(checkpoints(), before + 2);
	assert_int_equal(core_do(b->core, write_pages, &one), OK); /* before its end is heard of: so that is not copied */
	core_turn(b->core, 0);
	assert_int_equal(checkpoints(), before + 3);
	db_end(&r);
	db_close(reader);
	run_ms(600000);
	assert_int_equal(checkpoints(), before + 3);
	assert_int_equal(core_do(b->core, write_pages, &two), OK);
	run_ms(600000); /* a rest: the journal is cut, once */
	assert_int_equal(checkpoints(), before + 4);
}

static enum err note(struct act *a, const struct http_inbound *in)
{
	inbound_answer(a, in, 200, NULL, str_of(NULL));
	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES('noted', '1') ON CONFLICT(key) DO UPDATE SET value=value+1");
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

/* Whoever waits longer than the server lets them hears its 503, and what they brought is decided all the same. Who comes while
 * nothing can be stored hears it at once; and nobody, when the process ends first. */
static void test_answered_too_late(void **state)
{
	static const struct route_row route = { LISTENER_PUBLIC, HTTP_POST, "/note", note };
	const struct http_inbound in = { .listener = LISTENER_PUBLIC, .method = HTTP_POST, .path = STR("/note") };
	uint64_t early, late;

	(void)state;
	open_door(&route);
	run_ms(3000);
	b->faults_left = 4; /* now and after 1, 3 and 7 seconds */
	db_set_fault(full_disk, NULL);
	early = memserver_ask(b->door, &in);
	run_ms(100);
	late = memserver_ask(b->door, &in);
	run_ms(100);
	assert_int_equal(memserver_hear(b->door, late), 503);
	run_ms(MEMSERVER_ANSWER_MS - 300);
	assert_int_equal(memserver_hear(b->door, early), 0);
	run_ms(300);
	assert_int_equal(memserver_hear(b->door, early), 503);
	assert_int_equal(rows("SELECT count(*) FROM settings WHERE key='noted'"), 0);
	run_ms(20000);
	db_set_fault(NULL, NULL);
	assert_int_equal(rows("SELECT value FROM settings WHERE key='noted'"), 1);
	early = memserver_ask(b->door, &in);
	die();
	start();
	assert_int_equal(memserver_hear(b->door, early), MEMSERVER_GONE);
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

/* The group becomes a supergroup between question and answer: the answer follows it, and the shop hears the new number. */
static void test_group_moved(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), group = botapi_group_new(b->telegram, "Admins", false), moved;

	(void)state;
	run_ms(1000);
	memnet_set_latency_us(b->net, ORIGIN, 500000);
	botapi_say_in(b->telegram, group, anna, "here");
	moved = botapi_group_migrate(b->telegram, group);
	run_ms(20000);
	assert_non_null(botapi_find_text(b->telegram, moved, "here"));
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
	assert_true(b->moved_from == group && b->moved_to == moved);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_echo, "R271"),
		story(test_duplicates, "R271"),
		story(test_forgotten, "R271"),
		story(test_forgotten_as_fast_as_they_come, ""),
		story(test_failing_handler, ""),
		story(test_order_in_a_chat, ""),
		story(test_parked, "B25"),
		story(test_failed_commit, ""),
		story(test_failed_commit_of_an_answer, ""),
		story(test_unheard_commit, ""),
		story(test_checkpoints, ""),
		story(test_answered_when_stored, "R197"),
		story(test_answered_too_late, "R197"),
		story(test_killed, "R271"),
		story(test_limits, "R280 B48"),
		story(test_told_to_wait, "R280"),
		story(test_taken_back, ""),
		story(test_lost_answer_and_502, ""),
		story(test_blocked, "R279"),
		story(test_group_moved, ""),
		story(test_closed_with_a_picture_under_way, ""),
		story(test_wrong_token, ""),
		story(test_conflicts, "B44"),
	};

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
