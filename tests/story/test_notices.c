/* What admins must hear: with their answers lost, with Telegram away, and where the group that they chose does not take it. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "tests/story/world.h"

static enum err tells(struct act *a, void *ctx)
{
	return alert_tell(a, ALERT_CRITICAL, "suspense", *(const char **)ctx, "the wrong amount");
}

static void tell(struct world *w, const char *about)
{
	assert_int_equal(core_do(w->core, tells, &about), OK);
}

static int64_t alert_group(struct world *w)
{
	int64_t group = botapi_group_new(w->telegram, "Admins", true);
	char sql[160];

	snprintf(sql, sizeof sql, "INSERT INTO settings(key, value) VALUES('admin_chat', '%lld'), ('admin_thread', '5')", (long long)group);
	assert_int_equal(db_script(w->db, sql), OK);
	return group;
}

/* The topic was deleted or closed, the bot may not write, or is no longer there: what was on its way reaches each admin, who hear
 * why it does, and what comes later goes there at once. */
static void test_alert_chat_takes_nothing(void **state)
{
	static const struct { int code; const char *text; } cases[] = {
		{ 400, "Bad Request: message thread not found" }, { 400, "Bad Request: TOPIC_CLOSED" },
		{ 400, "Bad Request: not enough rights to send text messages to the chat" },
		{ 400, "Bad Request: chat not found" }, { 403, "Forbidden: bot was kicked from the supergroup chat" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct world *w = world_new(NULL);
		int64_t group;

		world_say(w, WORLD_ADMIN, "/start");
		group = alert_group(w);
		tell(w, "first");
		world_run(w, 5000);
		assert_true(world_sees(w, group, "first"));
		assert_int_equal(botapi_last(w->telegram, group)->thread_id, 5);
		botapi_add_rule(w->telegram, &(struct botapi_rule){ .method = "sendMessage", .chat_id = group, .fault = BOTAPI_ERROR, .code = cases[i].code, .text = cases[i].text });
		tell(w, "second");
		tell(w, "third");
		world_run(w, MINUTE_MS);
		if (!world_sees(w, WORLD_ADMIN, "second") || !world_sees(w, WORLD_ADMIN, "third") || !world_sees(w, WORLD_ADMIN, "no longer write to the alert chat"))
			fail_msg("%s", cases[i].text);
		assert_int_equal(world_number(w, "SELECT CAST(value AS INTEGER) FROM settings WHERE key='admin_chat'"), 0);
		assert_int_equal(world_number(w, "SELECT CAST(value AS INTEGER) FROM settings WHERE key='admin_thread'"), 0);
		tell(w, "fourth");
		world_run(w, 5000);
		assert_true(world_sees(w, WORLD_ADMIN, "fourth"));
		assert_int_equal(world_count_seen(w, WORLD_ADMIN, "second"), 1);
		assert_int_equal(world_number(w, "SELECT count(*) FROM outbox"), 0);
		world_free(w);
	}
}

/* Another group that customers write from takes nothing: that is nobody else's matter. */
static void test_other_group_takes_nothing(void **state)
{
	struct world *w = world_new(NULL);
	int64_t group, other;

	(void)state;
	world_say(w, WORLD_ADMIN, "/start");
	group = alert_group(w);
	other = botapi_group_new(w->telegram, "Others", true);
	botapi_add_rule(w->telegram, &(struct botapi_rule){ .method = "sendMessage", .chat_id = other, .fault = BOTAPI_ERROR, .code = 403, .text = "Forbidden: bot was kicked" });
	botapi_say_in(w->telegram, other, WORLD_ADMIN, "/health");
	world_run(w, 5000);
	assert_int_equal(world_number(w, "SELECT CAST(value AS INTEGER) FROM settings WHERE key='admin_chat'"), group);
	world_free(w);
}

/* A customer's question goes where alerts go, and like them to each admin when that group takes nothing. */
static void test_question_to_a_group(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = world_customer(w, "Anna", "en"), group;

	(void)state;
	world_say(w, WORLD_ADMIN, "/start");
	world_say(w, anna, "/start");
	group = alert_group(w);
	world_say(w, anna, "/support");
	world_say(w, anna, "Which app for my phone?");
	assert_true(world_sees(w, group, "Which app for my phone?"));
	botapi_kick(w->telegram, group);
	world_say(w, anna, "/support");
	world_say(w, anna, "And for my tablet?");
	world_run(w, MINUTE_MS);
	assert_true(world_sees(w, WORLD_ADMIN, "And for my tablet?"));
	world_free(w);
}

/* Its answer is lost, the process dies with it under way, Telegram is away for hours: it is heard all the same. */
static void test_notice_is_heard(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	world_say(w, WORLD_ADMIN, "/start");
	botapi_add_rule(w->telegram, &(struct botapi_rule){ .method = "sendMessage", .chat_id = WORLD_ADMIN, .times = 1, .fault = BOTAPI_NETWORK, .trouble = { .drop = true } });
	tell(w, "first");
	world_run(w, MINUTE_MS);
	assert_true(world_sees(w, WORLD_ADMIN, "first"));
	botapi_clear_rules(w->telegram);
	botapi_add_rule(w->telegram, &(struct botapi_rule){ .method = "sendMessage", .chat_id = WORLD_ADMIN, .fault = BOTAPI_NETWORK, .trouble = { .hang = true } });
	tell(w, "second");
	world_run(w, SECOND_MS);
	world_kill(w);
	botapi_clear_rules(w->telegram);
	world_start(w);
	world_run(w, MINUTE_MS);
	assert_true(world_sees(w, WORLD_ADMIN, "second"));
	botapi_add_rule(w->telegram, &(struct botapi_rule){ .method = "sendMessage", .fault = BOTAPI_HTML_502 });
	tell(w, "third");
	world_run(w, 5 * HOUR_MS);
	botapi_clear_rules(w->telegram);
	world_run(w, 2 * MINUTE_MS);
	assert_true(world_sees(w, WORLD_ADMIN, "third"));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_alert_chat_takes_nothing, "R282"),
		proves(test_other_group_takes_nothing, ""),
		proves(test_question_to_a_group, ""),
		proves(test_notice_is_heard, ""),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("notices", tests, NULL, NULL);
}
