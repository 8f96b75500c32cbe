/* Long polling when Telegram does not answer as it should. See bot/core/poll.c. */
#include "tests/story/core_bot.h"

static size_t asked(void)
{
	return botapi_calls(b->telegram, "getUpdates");
}

/* Told to wait, it waits, and is heard afterwards. */
static void test_polling_told_to_wait(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	size_t before;

	(void)state;
	run_ms(1000);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "getUpdates", .times = 1, .fault = BOTAPI_429, .retry_after_s = 20 });
	botapi_say(b->telegram, anna, "first");
	run_ms(1000);
	before = asked();
	botapi_say(b->telegram, anna, "second");
	run_ms(18000);
	assert_int_equal(asked(), before);
	run_ms(4000);
	assert_int_equal(heard(anna, "first"), 1);
	assert_int_equal(heard(anna, "second"), 1);
}

/* An answer that breaks off, and one that is none, are asked for again, at growing intervals. */
static void test_broken_batches(void **state)
{
	static const struct botapi_rule rules[] = {
		{ .method = "getUpdates", .fault = BOTAPI_NETWORK, .after = true, .trouble = { .cut_at = 20 } },
		{ .method = "getUpdates", .fault = BOTAPI_HTML_502 },
		{ .method = "getUpdates", .fault = BOTAPI_ERROR, .code = 200, .text = "and no result" },
	};
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	for (size_t i = 0; i < countof(rules); i++) {
		size_t before = asked();

		botapi_add_rule(b->telegram, &rules[i]);
		botapi_say(b->telegram, anna, "hello");
		run_ms(5 * MINUTE_MS);
		assert_in_range(asked() - before, 4, 20);
		botapi_clear_rules(b->telegram);
		run_ms(2 * MINUTE_MS);
		assert_int_equal(heard(anna, "hello"), i + 1);
	}
}

/* The token is refused for a moment, and weeks later once more: ten minutes of it were never. */
static void test_token_refused_twice(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	for (int i = 1; i <= 2; i++) {
		botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "getUpdates", .times = 2, .fault = BOTAPI_ERROR, .code = 401, .text = "Unauthorized" });
		run_ms(5 * MINUTE_MS);
		botapi_say(b->telegram, anna, "hello");
		run_ms(HOUR_MS);
		assert_int_equal(core_exit_code(b->core), -1);
		assert_int_equal(heard(anna, "hello"), i);
	}
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "getUpdates", .fault = BOTAPI_ERROR, .code = 401, .text = "Unauthorized" });
	run_ms(9 * MINUTE_MS);
	assert_int_equal(core_exit_code(b->core), -1);
	run_ms(4 * MINUTE_MS);
	assert_int_equal(core_exit_code(b->core), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_polling_told_to_wait, ""),
		story(test_broken_batches, ""),
		story(test_token_refused_twice, ""),
	};

	return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
