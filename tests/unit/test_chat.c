/* The router and the drawing of screens, with a table of the test's own beside the shop's. */
#include "tests/unit/screens_world.h"

#include "bot/chat/screen.h"

static char answered[64];

static enum err run_question(struct talk *t, struct str state, struct str text)
{
	(void)state;
	snprintf(answered, sizeof answered, "%.*s", STR_ARG(text));
	return talk_expect_nothing(t);
}

static enum err cmd_ask(struct talk *t, struct str args)
{
	(void)args;
	return talk_expect(t, "question", NULL);
}

static enum err cmd_long(struct talk *t, struct str args)
{
	struct screen s;

	(void)args;
	screen_begin(&s, t);
	for (int i = 0; i < 1200; i++)
		buf_adds(&s.text, "a line\n");
	screen_button_text(&s, "long", "1", NULL, STR("below"));
	return screen_send(&s, NULL);
}

static enum err tap_long(struct talk *t, struct str id, struct str arg)
{
	(void)t;
	(void)id;
	(void)arg;
	return OK;
}

static void know_own_table(void)
{
	static const struct command_row commands[] = { { "ask", WHO_ADMIN, NULL, cmd_ask, false }, { "long", WHO_ADMIN, NULL, cmd_long, false } };
	static const struct verb_row verbs[] = { { "long", WHO_ADMIN, tap_long } };
	static const struct dialogue_row dialogues[] = { { "question", WHO_ADMIN, run_question } };
	static const struct router_tables own = {
		.commands = commands, .commands_count = countof(commands), .verbs = verbs, .verbs_count = countof(verbs),
		.dialogues = dialogues, .dialogues_count = countof(dialogues),
	};

	router_add(&own);
	botapi_user_add(w.telegram, ADMIN_ID, "Boss", "boss", "en");
	answered[0] = '\0';
}

/* What leaves the inbox only by success, and is decided before a hundred taps. */
static void test_what_is_money(void **state)
{
	static const struct { struct tg_update update; bool is_money; } cases[] = {
		{ { .kind = TG_UPDATE_PRE_CHECKOUT }, true }, { { .kind = TG_UPDATE_MESSAGE, .message = { .is_paid = true } }, true },
		{ { .kind = TG_UPDATE_MESSAGE, .message = { .is_refund = true } }, true }, { { .kind = TG_UPDATE_MESSAGE, .message = { .text = STR("/start") } }, false },
		{ { .kind = TG_UPDATE_CALLBACK }, false }, { { .kind = TG_UPDATE_MY_MEMBER }, false }, { { .kind = TG_UPDATE_OTHER }, false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		assert_int_equal(router_is_money(&cases[i].update), cases[i].is_money);
}

static void member(int64_t chat, const char *type, int64_t from, const char *now)
{
	assert_true(botapi_push_raw(w.telegram, arena_printf(&w.arena, "\"my_chat_member\":{\"chat\":{\"id\":%lld,\"type\":\"%s\",\"title\":\"x\"},"
		"\"from\":{\"id\":%lld,\"is_bot\":false,\"first_name\":\"Anna\"},\"date\":1793612000,\"old_chat_member\":{\"status\":\"member\",\"user\":{\"id\":1,\"is_bot\":true,\"first_name\":\"b\"}},"
		"\"new_chat_member\":{\"status\":\"%s\",\"user\":{\"id\":1,\"is_bot\":true,\"first_name\":\"b\"}}}", (long long)chat, type, (long long)from, now)) > 0);
	run_ms(3000);
}

/* Who removes the bot from a group is written to as before; who blocks it in private is not. */
static void test_removed_from_a_group(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	member(-5001, "group", anna, "kicked");
	assert_int_equal(count("SELECT reachable FROM users"), 1);
	member(-1005001, "supergroup", anna, "left");
	assert_int_equal(count("SELECT reachable FROM users"), 1);
	member(anna, "private", anna, "kicked");
	assert_int_equal(count("SELECT reachable FROM users"), 0);
}

/* What an admin writes in a group answers a question only as a reply; talk with others does not. */
static void test_talk_in_a_group(void **state)
{
	int64_t group = botapi_group_new(w.telegram, "Team", true);

	(void)state;
	know_own_table();
	say(ADMIN_ID, "/ask");
	botapi_say_in(w.telegram, group, ADMIN_ID, "has anybody slept?");
	run_ms(3000);
	assert_string_equal(answered, "");
	assert_int_equal(count("SELECT count(*) FROM users WHERE dialogue='question'"), 1);
	assert_true(botapi_push_raw(w.telegram, arena_printf(&w.arena, "\"message\":{\"message_id\":77,\"date\":1793612000,\"chat\":{\"id\":%lld,\"type\":\"supergroup\",\"title\":\"Team\"},"
		"\"from\":{\"id\":%lld,\"is_bot\":false,\"first_name\":\"Boss\"},\"text\":\"as a reply\",\"reply_to_message\":{\"message_id\":3,\"date\":1,\"chat\":{\"id\":%lld,\"type\":\"supergroup\"}}}",
		(long long)group, (long long)ADMIN_ID, (long long)group)) > 0);
	run_ms(3000);
	assert_string_equal(answered, "as a reply");
	say(ADMIN_ID, "/ask");
	say(ADMIN_ID, "in private");
	assert_string_equal(answered, "in private");
}

/* A screen whose sending broke off comes all the same: a tap is never a dead end. */
static void test_screen_comes_again(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	run_ms(5000);
	botapi_add_rule(w.telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 2, .fault = BOTAPI_NETWORK, .trouble = { .drop = true } });
	say(anna, "/plans");
	run_ms(20000);
	assert_non_null(button_of(last(anna), "plan:1"));
	assert_int_equal(last(anna)->id, live(anna));
}

/* A long text comes in parts, and its buttons are under the last, where people are when they have read it. */
static void test_buttons_are_last(void **state)
{
	size_t parts = 0;

	(void)state;
	know_own_table();
	say(ADMIN_ID, "/start");
	say(ADMIN_ID, "/long");
	run_ms(10000);
	for (size_t i = 0; i < botapi_messages_count(w.telegram, ADMIN_ID); i++) {
		const struct botapi_message *m = botapi_message_at(w.telegram, ADMIN_ID, i);

		if (!m->from_bot || !shows(m, "a line"))
			continue;
		parts++;
		assert_int_equal(button_of(m, "long:1") != NULL, m->id == last(ADMIN_ID)->id);
	}
	assert_in_range(parts, 2, 4);
	assert_non_null(button_of(last(ADMIN_ID), "long:1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_what_is_money, ""),
		with_world(test_removed_from_a_group, ""),
		with_world(test_talk_in_a_group, ""),
		with_world(test_screen_comes_again, ""),
		with_world(test_buttons_are_last, ""),
	};

	return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
