/* The outbox: what becomes of a message between the decision that it is to be sent and Telegram's answer. See bot/core/outbox.h. */
#include "tests/story/core_bot.h"

static int64_t anna, boris;

static void meet(void)
{
	anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	boris = botapi_user_new(b->telegram, "Boris", "boris", "en");
	stop_well(); /* the first start has nothing to be careful about */
	start();
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

/* It was on its way when it stopped being true, and comes back: it is not tried again. */
static void test_taken_back_on_its_way(void **state)
{
	struct botapi_rule late = { .method = "sendMessage", .times = 1, .fault = BOTAPI_NETWORK, .trouble = { .drop = true, .delay_ms = 3000 } };

	(void)state;
	meet();
	botapi_add_rule(b->telegram, &late);
	botapi_say(b->telegram, anna, "soon untrue");
	run_ms(1000);
	assert_int_equal(rows("SELECT count(*) FROM outbox WHERE state=1"), 1);
	botapi_say(b->telegram, anna, "untrue now");
	run_ms(20000);
	assert_int_equal(heard(anna, "soon untrue"), 0);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
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

/* --- a rush --- */

enum { CROWD = 60 };

static enum err tell_crowd(struct act *a, void *ctx)
{
	const int64_t *crowd = ctx;

	for (int i = 0; i < CROWD; i++)
		say(a, crowd[i], "news");
	answer(a, "1");
	return OK;
}

/* Answers to queries stand in no line: neither behind what waits for the limits, nor behind each other. */
static void test_answers_pass_by(void **state)
{
	int64_t crowd[CROWD];

	(void)state;
	meet();
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = botapi_user_new(b->telegram, "Guest", NULL, "en");
		botapi_say(b->telegram, crowd[i], "hello");
	}
	run_ms(20000);
	assert_int_equal(core_do(b->core, tell_crowd, crowd), OK);
	assert_int_equal(core_do(b->core, answer_three, NULL), OK);
	run_ms(100);
	assert_int_equal(botapi_calls(b->telegram, "answerPreCheckoutQuery"), 4);
	assert_true(rows("SELECT count(*) FROM outbox") > CROWD / 2);
}

/* --- what waits --- */

static enum err fill_both(struct act *a, void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 4; i++) { /* three leave at once */
		say(a, anna, "filler");
		say(a, boris, "filler");
	}
	edit(a, anna, screen, "anna 1");
	return OK;
}

static enum err edit_both(struct act *a, void *ctx)
{
	(void)ctx;
	edit(a, boris, screen, "for boris");
	edit(a, anna, screen, "anna 2");
	return OK;
}

/* An edit that waits gets the newer text of its own chat's message, whatever the number of somebody else's is. */
static void test_edits_of_two_chats(void **state)
{
	(void)state;
	meet();
	screen = last_of(anna);
	assert_int_equal(core_do(b->core, fill_both, NULL), OK);
	assert_int_equal(core_do(b->core, edit_both, NULL), OK);
	assert_int_equal(rows("SELECT count(*) FROM outbox WHERE edits>0"), 2);
	run_ms(20000);
	assert_true(str_is(botapi_message_get(b->telegram, anna, screen)->text, "anna 2"));
	assert_int_equal(botapi_message_get(b->telegram, anna, screen)->edits, 1);
	assert_int_equal(heard(boris, "for boris"), 1); /* there is no such message in his chat: as a new one */
}

static int64_t older_screen;

static enum err edit_older_and_newer(struct act *a, void *ctx)
{
	(void)ctx;
	edit(a, anna, older_screen, "older");
	edit(a, anna, screen, "newer");
	return OK;
}

/* Two edits that wait beside each other in one chat are of two messages: each comes to its own. */
static void test_edits_of_two_messages(void **state)
{
	(void)state;
	meet();
	older_screen = last_of(anna);
	botapi_say(b->telegram, anna, "once more");
	run_ms(20000);
	screen = last_of(anna);
	assert_int_equal(core_do(b->core, fill_both, NULL), OK);
	assert_int_equal(core_do(b->core, edit_older_and_newer, NULL), OK);
	run_ms(20000);
	assert_true(str_is(botapi_message_get(b->telegram, anna, older_screen)->text, "older"));
	assert_true(str_is(botapi_message_get(b->telegram, anna, screen)->text, "newer"));
}

static enum err say_in_time(struct act *a, void *ctx)
{
	struct buf payload;

	(void)ctx;
	say(a, anna, "whenever");
	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_send_message(&payload, &(struct tg_send){ .chat_id = anna, .html = STR("within five seconds") });
	add(a, &(struct outgoing){ .method = TG_SEND_MESSAGE, .chat_id = anna, .expires_ms = a->now_ms + 5000 }, &payload);
	return OK;
}

/* What could not be said in its time is not said. */
static void test_expired(void **state)
{
	(void)state;
	meet();
	assert_int_equal(core_do(b->core, say_in_time, NULL), OK);
	run_ms(3000);
	assert_int_equal(heard(anna, "within five seconds"), 1);
	run_ms(10000);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 1, .fault = BOTAPI_429, .retry_after_s = 10 });
	assert_int_equal(core_do(b->core, say_in_time, NULL), OK);
	run_ms(30000);
	assert_int_equal(heard(anna, "whenever"), 2);
	assert_int_equal(heard(anna, "within five seconds"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* Whoever was told to wait waits on through a new start, and no longer than that. */
static void test_waits_through_a_start(void **state)
{
	size_t calls;

	(void)state;
	meet();
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 1, .fault = BOTAPI_429, .retry_after_s = 8 });
	botapi_say(b->telegram, anna, "later");
	run_ms(2000);
	calls = botapi_calls(b->telegram, "sendMessage");
	stop_well();
	start();
	run_ms(5000);
	assert_int_equal(botapi_calls(b->telegram, "sendMessage"), calls);
	run_ms(3000);
	assert_int_equal(heard(anna, "later"), 1);
}

/* --- trouble that passes --- */

/* A refused token, rights taken for a moment: what was to be said is kept, however it may be lost otherwise. */
static void test_refused_for_a_moment(void **state)
{
	static const struct { int code; const char *text, *word; } cases[] = {
		{ 401, "Unauthorized", "one" }, { 400, "Bad Request: not enough rights to send text messages to the chat", "two" },
		{ 403, "Forbidden: bot have no rights to send a message", "three" }, { 500, "Internal Server Error", "four" },
	};

	(void)state;
	meet();
	for (size_t i = 0; i < countof(cases); i++) {
		botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 4, .fault = BOTAPI_ERROR, .code = cases[i].code, .text = cases[i].text });
		botapi_say(b->telegram, anna, cases[i].word);
		run_ms(60000);
		assert_int_equal(heard(anna, cases[i].word), 1);
		botapi_clear_rules(b->telegram);
	}
	assert_int_equal(b->gone, 0);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* --- orderly ends --- */

static enum memnet_fate never_answers(void *ctx, const char *origin, const struct sim_request *request, struct sim_trouble *trouble)
{
	(void)ctx;
	(void)origin;
	trouble->hang = str_has(request->body, "slow");
	return MEMNET_PASS;
}

/* A message that is under way whenever the program is stopped has done nothing wrong. */
static void test_under_way_at_orderly_ends(void **state)
{
	(void)state;
	meet();
	memnet_set_weather(b->net, never_answers, NULL);
	botapi_say(b->telegram, anna, "slow");
	for (int i = 0; i < 8; i++) {
		run_ms(2000);
		assert_int_equal(rows("SELECT count(*) FROM outbox WHERE state=1"), 1);
		stop_well();
		start();
	}
	memnet_set_weather(b->net, NULL, NULL);
	stop_well();
	start();
	run_ms(5000);
	assert_true(heard(anna, "slow") > 0);
	assert_int_equal(b->told, 0);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* Nor has one that Telegram did not take for a while, when the process is killed while it is under way. */
static void test_refused_and_killed(void **state)
{
	(void)state;
	meet();
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 8, .fault = BOTAPI_ERROR, .code = 500, .text = "Internal Server Error" });
	botapi_say(b->telegram, anna, "slow");
	for (int i = 0; i < 600 && rows("SELECT coalesce(max(attempts), 0) FROM outbox") < 8; i++)
		run_ms(1000);
	assert_int_equal(rows("SELECT attempts FROM outbox"), 8);
	memnet_set_weather(b->net, never_answers, NULL);
	for (int i = 0; i < 600 && rows("SELECT count(*) FROM outbox WHERE state=1") == 0; i++)
		run_ms(1000);
	assert_int_equal(rows("SELECT count(*) FROM outbox WHERE state=1"), 1);
	die();
	memnet_set_weather(b->net, NULL, NULL);
	start();
	run_ms(60000);
	assert_true(heard(anna, "slow") > 0);
	assert_int_equal(b->told, 0);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* --- a start --- */

static enum err greet(struct act *a)
{
	say(a, anna, "the shop is open again");
	return OK;
}

static enum err speak(struct act *a, const struct tg_update *u)
{
	say(a, boris, "a text as long as what was said at the start, and of somebody else's");
	return echo(a, u);
}

/* What a start says is said once, and nothing of what comes after it is taken for it. */
static void test_said_at_a_start(void **state)
{
	(void)state;
	meet();
	stop_well();
	b->tables.on_start = greet;
	b->tables.on_update = speak;
	botapi_say(b->telegram, anna, "hello again");
	botapi_clear_calls(b->telegram);
	start();
	run_ms(20000);
	assert_int_equal(heard(anna, "the shop is open again"), 1);
	assert_int_equal(botapi_calls(b->telegram, "sendMessage"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_undone_alone, ""),
		story(test_taken_back_on_its_way, ""),
		story(test_answers_wait_when_told, ""),
		story(test_broken_markup, ""),
		story(test_answers_pass_by, ""),
		story(test_edits_of_two_chats, ""),
		story(test_edits_of_two_messages, ""),
		story(test_expired, ""),
		story(test_waits_through_a_start, "R280"),
		story(test_refused_for_a_moment, ""),
		story(test_under_way_at_orderly_ends, ""),
		story(test_refused_and_killed, ""),
		story(test_said_at_a_start, ""),
	};

	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
