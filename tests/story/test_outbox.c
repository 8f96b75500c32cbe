/* The outbox: what becomes of a message between the decision that it is to be sent and Telegram's answer. See bot/core/outbox.h. */
#include "tests/story/core_bot.h"

static int64_t anna, boris;

static void meet(void)
{
	anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	boris = botapi_user_new(b->telegram, "Boris", "boris", "en");
	botapi_say(b->telegram, anna, "hello");
	botapi_say(b->telegram, boris, "hello");
	run_ms(20000);
}

static void add(struct act *a, const struct outgoing *o, struct buf *payload)
{
	struct outgoing full = *o;

	full.payload = str_of(str_dup(a->arena, buf_str(payload)));
	outbox_add(a, &full);
	buf_release(payload);
}

static void edit(struct act *a, int64_t chat, int64_t message, const char *text)
{
	struct buf payload;

	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_edit_text(&payload, chat, message, str_of(text), STR(""));
	add(a, &(struct outgoing){ .method = TG_EDIT_MESSAGE_TEXT, .chat_id = chat, .edits = message, .about = text }, &payload);
}

static void say(struct act *a, int64_t chat, const char *text)
{
	send_text(a, chat, str_of(text));
}

static int64_t last_of(int64_t chat)
{
	return botapi_last(b->telegram, chat)->id;
}

/* --- what is undone --- */

static int64_t screen;

/* A second thought replaces the screen of the first and takes back what was said, and fails. */
static enum err think_twice(struct act *a, const struct tg_update *u)
{
	enum err e = OK;

	if (str_is(u->message.text, "first")) {
		edit(a, u->chat.id, screen, "first screen");
		say(a, u->chat.id, "a fact");
	} else if (str_is(u->message.text, "second")) {
		edit(a, u->chat.id, screen, "second screen");
		e = outbox_retract(a, "fact");
	}
	if (e || b->fail_next == 0 || !str_is(u->message.text, "second"))
		return e;
	b->fail_next--;
	return E_INVALID;
}

/* An event that fails takes back nothing of what an earlier one of its turn has decided. */
static void test_undone_alone(void **state)
{
	(void)state;
	meet();
	screen = last_of(anna);
	b->tables.on_update = think_twice;
	b->fail_next = 3;
	botapi_say(b->telegram, anna, "first");
	botapi_say(b->telegram, anna, "second");
	run_ms(1000);
	assert_int_equal(b->fail_next, 2);
	assert_true(str_is(botapi_message_get(b->telegram, anna, screen)->text, "first screen"));
	assert_int_equal(heard(anna, "a fact"), 1);
	run_ms(60000);
	assert_int_equal(b->parked, 1);
	botapi_say(b->telegram, anna, "first");
	botapi_say(b->telegram, anna, "second");
	run_ms(5000);
	assert_true(str_is(botapi_message_get(b->telegram, anna, screen)->text, "second screen"));
	assert_int_equal(botapi_message_get(b->telegram, anna, screen)->edits, 2); /* the third was never made */
	assert_int_equal(heard(anna, "a fact"), 1); /* nor was it said again */
}

/* --- answers to queries --- */

static void answer(struct act *a, const char *query)
{
	struct buf payload;

	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_answer_pre_checkout(&payload, str_of(query), true, STR(""));
	add(a, &(struct outgoing){ .method = TG_ANSWER_PRE_CHECKOUT_QUERY, .lane = LANE_ANSWER, .unknown = UNKNOWN_AGAIN, .expires_ms = a->now_ms + 9000 }, &payload);
}

static enum err answer_three(struct act *a, void *ctx)
{
	(void)ctx;
	answer(a, "1");
	answer(a, "2");
	answer(a, "3");
	return OK;
}

/* An answer that is told to wait does, and for itself alone: the answers to other people's queries do not wait with it. */
static void test_answers_wait_when_told(void **state)
{
	(void)state;
	meet();
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "answerPreCheckoutQuery", .times = 2, .fault = BOTAPI_429, .retry_after_s = 3 });
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "answerPreCheckoutQuery", .times = 1, .fault = BOTAPI_500 });
	assert_int_equal(core_do(b->core, answer_three, NULL), OK);
	run_ms(700);
	assert_int_equal(botapi_calls(b->telegram, "answerPreCheckoutQuery"), 3);
	run_ms(800);
	assert_int_equal(botapi_calls(b->telegram, "answerPreCheckoutQuery"), 4);
	run_ms(1300);
	assert_int_equal(botapi_calls(b->telegram, "answerPreCheckoutQuery"), 4);
	run_ms(900);
	assert_int_equal(botapi_calls(b->telegram, "answerPreCheckoutQuery"), 6);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* --- what Telegram refuses --- */

/* What Telegram cannot read as HTML comes as plain text, also when there was another trouble with it before. */
static void test_broken_markup(void **state)
{
	(void)state;
	meet();
	botapi_say(b->telegram, anna, "one <b");
	run_ms(5000);
	assert_int_equal(heard(anna, "one <b"), 1);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 1, .fault = BOTAPI_HTML_502 });
	botapi_say(b->telegram, anna, "two <b");
	run_ms(10000);
	assert_int_equal(heard(anna, "two <b"), 1);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .fault = BOTAPI_ERROR, .code = 400, .text = "Bad Request: can't parse entities" });
	botapi_say(b->telegram, anna, "three"); /* whatever it is, it is not tried for ever */
	run_ms(10000);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_undone_alone, ""),
		story(test_answers_wait_when_told, ""),
		story(test_broken_markup, ""),
	};

	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
