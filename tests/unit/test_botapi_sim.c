/* The Bot API model keeps the rules of the real one, and lib/telegram understands what it says. */
#include "tests/unit/proves.h"

#include <string.h>

#include "lib/base/rand.h"
#include "lib/telegram/tg_answer.h"
#include "lib/telegram/tg_call.h"
#include "lib/telegram/tg_text.h"
#include "lib/telegram/tg_update.h"
#include "tests/sim/botapi_private.h"

#define T0 INT64_C(1793612000000)

static struct botapi *b;
static struct arena arena;
static int64_t now_ms, anna;
static uint64_t connection;
static struct sim_response last;

static int start(void **state)
{
	(void)state;
	arena_init(&arena);
	b = botapi_new(NULL);
	now_ms = T0;
	connection = 1;
	botapi_set_now(b, now_ms);
	anna = botapi_user_new(b, "Анна", "anna", "ru");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	botapi_free(b);
	arena_release(&arena);
	return 0;
}

static void raw(const char *path, const char *type, struct str body)
{
	struct sim_request r = {
		.method = HTTP_POST, .path = str_of(path), .headers = { { "content-type", type } }, .headers_count = 1, .body = body,
		.now_ms = now_ms, .arena = &arena, .connection = connection,
	};

	botapi_handle(b, &r, &last);
}

/* One call; what tg_answer makes of it. */
static struct tg_answer ask(const char *method, const char *payload)
{
	struct http_response response;
	struct tg_answer a;

	raw(arena_printf(&arena, "/bot" BOTAPI_TOKEN "/%s", method), "application/json", str_of(payload));
	response = (struct http_response){ .status = last.status, .body = last.body };
	tg_answer_read(&a, &arena, &response);
	return a;
}

static struct tg_answer say(const char *html, const char *markup)
{
	struct buf to;
	struct tg_send m = { .chat_id = anna, .html = str_of(html), .markup = str_of(markup) };
	struct tg_answer a;

	buf_init(&to, TG_CALL_BYTES_MAX);
	tg_send_message(&to, &m);
	a = ask("sendMessage", buf_cstr(&to));
	buf_release(&to);
	return a;
}

#define NONE { .kind_name = "" }

/* getUpdates without waiting; how many came, the last one read. */
static size_t poll(int64_t offset, struct tg_update *u)
{
	struct json_object *root, *list;
	size_t n;

	ask("getUpdates", arena_printf(&arena, "{\"offset\":%lld}", (long long)offset));
	if (last.later)
		return 0;
	assert_int_equal(last.status, 200);
	assert_int_equal(json_parse(&root, last.body), OK);
	list = json_array_at(root, "result");
	n = json_len(list);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(tg_update_read(u, &arena, str_of(json_object_to_json_string(json_object_array_get_idx(list, i)))), OK);
	json_object_put(root);
	return n;
}

#define assert_description(a, part) do { if (!str_has((a).description, part)) fail_msg("%.*s", STR_ARG((a).description)); } while (0)

static void test_envelope(void **state)
{
	(void)state;
	assert_true(str_is(ask("getMe", "{}").bot_username, BOTAPI_USERNAME));
	assert_true(str_is(ask("GETME", "").bot_username, BOTAPI_USERNAME));     /* any case, no body */
	assert_int_equal(ask("getNothing", "{}").verdict, TG_BAD_REQUEST);
	assert_int_equal(last.status, 404);
	raw("/bot1:wrong/getMe", "application/json", STR("{}"));
	assert_int_equal(last.status, 401);
	raw("/botnothing/getMe", "application/json", STR("{}"));
	assert_int_equal(last.status, 404);
	raw("/index.html", "application/json", STR("{}"));
	assert_int_equal(last.status, 404);
	assert_int_equal(ask("sendMessage", "{\"chat_id\":").verdict, TG_BAD_REQUEST);
	assert_description(ask("sendMessage", "{\"chat_id\":1,\"text\":\"\xFF\"}"), "encoded in UTF-8");
	botapi_revoke_token(b);
	assert_int_equal(ask("getMe", "{}").verdict, TG_UNAUTHORIZED);
}

static void test_updates(void **state)
{
	struct tg_update u = NONE;

	(void)state;
	assert_int_equal(poll(0, &u), 0);
	now_ms += 10000;
	int64_t first = botapi_say(b, anna, "/start r_42");
	int64_t second = botapi_say(b, anna, "hello");
	assert_true(second == first + 1);
	assert_int_equal(poll(0, &u), 2);
	assert_true(u.update_id == second && u.from.id == anna && str_is(u.message.text, "hello") && str_is(u.from.first_name, "Анна"));
	now_ms += 100;
	assert_int_equal(poll(0, &u), 1);                       /* the same offset at once: one by one */
	assert_true(u.update_id == first && str_is(u.message.text, "/start r_42"));
	now_ms += 10000;
	assert_int_equal(poll(first + 1, &u), 1);               /* the first is confirmed and gone */
	assert_true(u.update_id == second);
	now_ms += 10000;
	assert_int_equal(poll(first, &u), 1);
	botapi_say(b, anna, "a");
	int64_t c = botapi_say(b, anna, "b");
	now_ms += 10000;
	assert_int_equal(poll(-1, &u), 1);
	assert_true(u.update_id == c && botapi_updates_waiting(b) == 1);
	now_ms += 25 * 3600 * 1000;
	assert_int_equal(poll(0, &u), 0);                       /* kept for a day only */
	assert_int_equal(botapi_updates_waiting(b), 0);
}

static void test_long_poll(void **state)
{
	struct tg_update u = NONE;
	const char *ask_long = "{\"offset\":1,\"timeout\":50}";

	(void)state;
	ask("getUpdates", ask_long);
	assert_true(last.later && last.retry_ms == 50000);
	now_ms += 20000;
	ask("getUpdates", ask_long);
	assert_true(last.later && last.retry_ms == 30000);
	botapi_say(b, anna, "x");
	ask("getUpdates", ask_long);
	assert_true(!last.later && str_has(last.body, "\"text\":\"x\""));
	assert_int_equal(botapi_calls(b, "getUpdates"), 1);
	ask("getUpdates", "{\"offset\":999999999,\"timeout\":300}");
	assert_int_equal(last.retry_ms, 50000);                 /* clamped */
	now_ms += 50000;
	ask("getUpdates", "{\"offset\":999999999,\"timeout\":300}");
	assert_true(!last.later && str_is(last.body, "{\"ok\":true,\"result\":[]}"));
	assert_int_equal(poll(1000000000, &u), 0);
}

static void test_conflicts(void **state)
{
	const char *ask_long = "{\"offset\":1,\"timeout\":50}";

	(void)state;
	ask("getUpdates", ask_long);
	assert_true(last.later);
	connection = 2;
	ask("getUpdates", ask_long);
	assert_true(last.later);
	connection = 1;                                         /* the older poll is the one that ends */
	assert_int_equal(ask("getUpdates", ask_long).verdict, TG_CONFLICT_POLLER);
	assert_int_equal(last.status, 409);
	connection = 2;
	ask("getUpdates", ask_long);
	assert_true(last.later);
	botapi_set_webhook(b, "https://rival.example/hook");
	assert_int_equal(ask("getUpdates", ask_long).verdict, TG_CONFLICT_WEBHOOK);
	assert_true(str_is(ask("getWebhookInfo", "{}").webhook_url, "https://rival.example/hook"));
	assert_int_equal(ask("deleteWebhook", "{\"drop_pending_updates\":false}").verdict, TG_OK);
	botapi_set_other_poller(b, true);
	assert_int_equal(ask("getUpdates", ask_long).verdict, TG_CONFLICT_POLLER);
	botapi_set_other_poller(b, false);
	connection = 3;
	ask("getUpdates", ask_long);
	assert_true(last.later);
}

static void test_allowed_updates(void **state)
{
	struct tg_update u = NONE;

	(void)state;
	ask("getUpdates", "{\"allowed_updates\":[\"callback_query\"]}");
	assert_true(botapi_say(b, anna, "x") == 0);
	now_ms += 10000;
	assert_int_equal(poll(0, &u), 0);                       /* the list is remembered */
	ask("getUpdates", "{\"offset\":5,\"allowed_updates\":[]}");
	assert_true(botapi_say(b, anna, "x") > 0);
	assert_int_equal(ask("getUpdates", "{\"offset\":6,\"allowed_updates\":\"x\"}").verdict, TG_BAD_REQUEST);
}

static void test_disorder(void **state)
{
	struct tg_update u = NONE;
	int64_t first = botapi_say(b, anna, "1");

	(void)state;
	botapi_say(b, anna, "2");
	botapi_reverse_updates(b);
	botapi_repeat_update(b);
	assert_int_equal(poll(0, &u), 3);
	assert_true(u.update_id == first);
	botapi_set_next_update_id(b, 77);
	assert_true(botapi_push_raw(b, "\"of_the_year_2031\":{\"x\":1}") == 77);
	now_ms += 10000;
	assert_int_equal(poll(0, &u), 4);
	assert_true(u.kind == TG_UPDATE_OTHER && u.update_id == 77);
	now_ms += 10000;
	assert_int_equal(poll(first + 2, &u), 0);
}

static void test_html(void **state)
{
	static const struct { const char *html, *error, *shown; } cases[] = {
		{ "<b>a</b> &lt;&amp;&quot;&#39;&#x439; &nbsp;", NULL, "a <&\"'й &nbsp;" },
		{ "<a href=\"https://a.b/?x=1&amp;y=2\">link</a>", NULL, "link" },
		{ "<pre><code class=\"language-bash\">ls</code></pre><tg-spoiler>x</tg-spoiler>", NULL, "lsx" },
		{ "<blockquote expandable>q</blockquote><span class='tg-spoiler'>s</span>", NULL, "qs" },
		{ "<B>a</b>", NULL, "a" },
		{ "a<br>", "Unsupported start tag \"br\" at byte offset 1", NULL },
		{ "1 < 2", "Unsupported start tag \"\" at byte offset 2", NULL },
		{ "a <b", "Unclosed start tag at byte offset 2", NULL },
		{ "<b>a", "Can't find end tag corresponding to start tag \"b\"", NULL },
		{ "a</b>", "Unexpected end tag at byte offset 1", NULL },
		{ "<b>a</i>", "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\"", NULL },
		{ "<b>a</b x", "Unclosed end tag at byte offset 4", NULL },
		{ "<a =\"x\">a</a>", "Empty attribute name in the tag \"a\" at byte offset 0", NULL },
		{ "<a href=ж>a</a>", "Unexpected end of name token at byte offset 8", NULL },
		{ "<a href=\"x>a</a>", "Unclosed start tag at byte offset 0", NULL },
		{ "<span>a</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0", NULL },
	};

	(void)state;
	botapi_say(b, anna, "/start");
	for (size_t i = 0; i < countof(cases); i++) {
		struct tg_answer a = say(cases[i].html, "");

		if (cases[i].error) {
			assert_int_equal(a.verdict, TG_BAD_MARKUP);
			assert_description(a, cases[i].error);
		} else {
			if (a.verdict)
				fail_msg("%s: %.*s", cases[i].html, STR_ARG(a.description));
			assert_string_equal(botapi_last(b, anna)->text.at, cases[i].shown);
		}
	}
}

/* The same bytes every time (xorshift64*): a failure comes back. */
static void seeded(void *ctx, void *out, size_t n)
{
	uint64_t *x = ctx;

	for (size_t i = 0; i < n; i++) {
		*x ^= *x >> 12;
		*x ^= *x << 25;
		*x ^= *x >> 27;
		((unsigned char *)out)[i] = (unsigned char)(*x * UINT64_C(0x2545F4914F6CDD1D) >> 56);
	}
}

/* Well-formed HTML of random words, references and nested tags. */
static void random_html(struct buf *to, int depth)
{
	static const char *const words[] = { "word ", "слово\n", "\n\n", "😀", "&amp;", "&#1081;", " ", "longlonglonglonglonglonglong" };
	static const char *const tags[][2] = { { "<b>", "</b>" }, { "<i>", "</i>" }, { "<a href=\"https://a.b/?x=1&amp;y\">", "</a>" } };

	for (uint64_t n = rand_below(12); n > 0; n--) {
		const char *const *tag = tags[rand_below(countof(tags))];

		buf_adds(to, words[rand_below(countof(words))]);
		if (depth == 0 || rand_below(3))
			continue;
		buf_adds(to, tag[0]);
		random_html(to, depth - 1);
		buf_adds(to, tag[1]);
	}
}

static void add_shown(struct buf *to, struct str html)
{
	struct buf plain, error;

	buf_init(&plain, 1 << 16);
	buf_init(&error, 1024);
	if (!html_parse(&plain, &error, html))
		fail_msg("%s in %.*s", buf_cstr(&error), STR_ARG(html));
	for (size_t i = 0; i < plain.len; i++)
		if (plain.at[i] != ' ' && plain.at[i] != '\n') /* those at a border go */
			buf_addc(to, plain.at[i]);
	buf_release(&plain);
	buf_release(&error);
}

/* What tg_text_split makes is markup Telegram takes, and nothing but white space is lost. */
static void test_split_parts_are_good(void **state)
{
	struct buf html, whole, parts_shown;
	uint64_t seed = 20261124;

	(void)state;
	rand_set_source(seeded, &seed);
	buf_init(&html, 1 << 16);
	buf_init(&whole, 1 << 16);
	buf_init(&parts_shown, 1 << 16);
	for (int i = 0; i < 500; i++) {
		struct str parts[256];
		size_t n;

		buf_clear(&html);
		buf_clear(&whole);
		buf_clear(&parts_shown);
		random_html(&html, 4);
		add_shown(&whole, buf_str(&html));
		assert_int_equal(tg_text_split(parts, &n, countof(parts), &arena, buf_str(&html), 40), OK);
		for (size_t k = 0; k < n; k++) {
			assert_in_range(tg_text_units(parts[k]), 1, 40);
			add_shown(&parts_shown, parts[k]);
		}
		assert_string_equal(buf_cstr(&parts_shown), buf_cstr(&whole));
		arena_clear(&arena);
	}
	rand_set_source(NULL, NULL);
	buf_release(&html);
	buf_release(&whole);
	buf_release(&parts_shown);
}

static const char *many(const char *s, int n)
{
	struct buf to;
	char *text;

	buf_init(&to, 1 << 20);
	while (n--)
		buf_adds(&to, s);
	text = arena_strdup(&arena, buf_cstr(&to));
	buf_release(&to);
	return text;
}

static void test_sizes(void **state)
{
	(void)state;
	botapi_say(b, anna, "/start");
	assert_int_equal(say(many("й", 4096), "").verdict, TG_OK);
	assert_int_equal(say(many("й", 4097), "").verdict, TG_TOO_LONG);
	assert_int_equal(say(many("😀", 2049), "").verdict, TG_TOO_LONG);       /* UTF-16 */
	assert_int_equal(say(arena_printf(&arena, "<b>%s</b>", many("&amp;", 4096)), "").verdict, TG_OK); /* counted after parsing */
	assert_description(say(" \n ", ""), "message text is empty");
	assert_description(say("<b></b>", ""), "message text is empty");
	assert_description(say("x", arena_printf(&arena, "{\"inline_keyboard\":[[{\"text\":\"%s\",\"callback_data\":\"x\"}]]}", many("x", 10300))), "reply markup is too long");
}

static void test_buttons(void **state)
{
	static const struct { const char *button, *error; } cases[] = {
		{ "\"text\":\"a\",\"callback_data\":\"1234567890123456789012345678901234567890123456789012345678901234\"", NULL },
		{ "\"text\":\"a\",\"callback_data\":\"12345678901234567890123456789012345678901234567890123456789012345\"", "BUTTON_DATA_INVALID" },
		{ "\"text\":\"a\",\"url\":\"https://a.b\"", NULL },
		{ "\"text\":\"a\",\"url\":\"tg://user?id=1\"", NULL },
		{ "\"text\":\"a\",\"url\":\"happ://add/x\"", "inline keyboard button URL 'happ://add/x' is invalid: Unsupported URL protocol" },
		{ "\"text\":\"a\",\"copy_text\":{\"text\":\"vless://x\"}", NULL },
		{ "\"text\":\"a\",\"copy_text\":{\"text\":\"\"}", "BUTTON_COPY_TEXT_INVALID" },
		{ "\"text\":\"a\",\"style\":\"danger\"", "Text buttons are unallowed in the inline keyboard" },
		{ "\"text\":\"a\",\"pay\":true", "BUTTON_TYPE_INVALID" },
		{ "\"callback_data\":\"x\"", "Field \"text\"" },
	};

	(void)state;
	botapi_say(b, anna, "/start");
	for (size_t i = 0; i < countof(cases); i++) {
		struct tg_answer a = say("x", arena_printf(&arena, "{\"inline_keyboard\":[[{%s}]]}", cases[i].button));

		assert_int_equal(a.verdict, cases[i].error ? TG_BAD_REQUEST : TG_OK);
		if (cases[i].error)
			assert_description(a, cases[i].error);
	}
}

#define BOUNDARY "--X\r\nContent-Disposition: form-data; name="

static void test_forms(void **state)
{
	static const char png[] = "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\x01\0\0\0\x01\0";
	const struct botapi_message *m;
	struct buf body;
	struct http_response response;
	struct tg_answer a;

	(void)state;
	botapi_say(b, anna, "/start");
	raw("/bot" BOTAPI_TOKEN "/sendMessage", "application/x-www-form-urlencoded",
		str_of(arena_printf(&arena, "chat_id=%lld&text=a%%20%%2B+b&disable_notification=Yes&reply_markup=%%7B%%22inline_keyboard%%22%%3A[[{%%22text%%22:%%22k%%22,%%22callback_data%%22:%%22d%%22}]]}", (long long)anna)));
	assert_int_equal(last.status, 200);
	m = botapi_last(b, anna);
	assert_true(str_is(m->text, "a + b") && m->silent && m->buttons_count == 1 && str_is(m->buttons[0].data, "d"));
	buf_init(&body, 1 << 16);
	buf_printf(&body, BOUNDARY "\"chat_id\"\r\n\r\n%lld\r\n", (long long)anna);
	buf_adds(&body, BOUNDARY "\"caption\"\r\n\r\n<b>Scan</b>\r\n" BOUNDARY "\"parse_mode\"\r\n\r\nHTML\r\n");
	buf_adds(&body, BOUNDARY "\"reply_markup\"\r\n\r\n{\"inline_keyboard\":[[{\"text\":\"Copy\",\"copy_text\":{\"text\":\"x\"}}]]}\r\n");
	buf_adds(&body, BOUNDARY "\"photo\"; filename=\"qr.png\"\r\nContent-Type: image/png\r\n\r\n");
	buf_add(&body, str_n(png, sizeof png - 1));
	buf_adds(&body, "\r\n--X--\r\n");
	raw("/bot" BOTAPI_TOKEN "/sendPhoto", "multipart/form-data; boundary=X", buf_str(&body));
	assert_int_equal(last.status, 200);
	m = botapi_last(b, anna);
	assert_true(str_eq(m->photo, str_n(png, sizeof png - 1)) && str_is(m->text, "Scan") && str_is(m->html, "<b>Scan</b>"));
	assert_non_null(botapi_find_button(m, "Copy"));
	response = (struct http_response){ .status = last.status, .body = last.body };
	tg_answer_read(&a, &arena, &response);
	assert_true(str_eq(a.file_id, m->file_id) && a.message_id == m->id);
	assert_int_equal(ask("sendPhoto", arena_printf(&arena, "{\"chat_id\":%lld,\"photo\":\"%s\"}", (long long)anna, a.file_id.at)).verdict, TG_OK);
	assert_true(str_eq(botapi_last(b, anna)->photo, str_n(png, sizeof png - 1)));
	assert_int_equal(ask("sendPhoto", arena_printf(&arena, "{\"chat_id\":%lld,\"photo\":\"AgACforeign\"}", (long long)anna)).verdict, TG_BAD_FILE);
	assert_int_equal(ask("sendDocument", arena_printf(&arena, "{\"chat_id\":%lld,\"document\":\"%s\"}", (long long)anna, a.file_id.at)).verdict, TG_BAD_FILE);
	buf_release(&body);
}

static struct tg_answer edit(int64_t id, const char *html, const char *markup)
{
	struct buf to;
	struct tg_answer a;

	buf_init(&to, TG_CALL_BYTES_MAX);
	tg_edit_text(&to, anna, id, str_of(html), str_of(markup));
	a = ask("editMessageText", buf_cstr(&to));
	buf_release(&to);
	return a;
}

static void test_edits(void **state)
{
	static const char keys[] = "{\"inline_keyboard\":[[{\"text\":\"k\",\"callback_data\":\"d\"}]]}";
	const struct botapi_message *m;
	int64_t id;

	(void)state;
	botapi_say(b, anna, "/start");
	id = say("one", keys).message_id;
	assert_int_equal(edit(id, "one", keys).verdict, TG_NOT_MODIFIED);
	assert_int_equal(edit(id, "two", keys).verdict, TG_OK);
	m = botapi_message_get(b, anna, id);
	assert_true(str_is(m->text, "two") && m->buttons_count == 1 && m->edits == 1);
	assert_int_equal(edit(id, "two", "").verdict, TG_OK);           /* without a keyboard it goes */
	assert_int_equal(botapi_message_get(b, anna, id)->buttons_count, 0);
	assert_int_equal(edit(id, "<b>two", "").verdict, TG_BAD_MARKUP);
	assert_int_equal(edit(id + 100, "x", "").verdict, TG_EDIT_IMPOSSIBLE);
	assert_int_equal(edit(botapi_message_at(b, anna, 0)->id, "x", "").verdict, TG_EDIT_IMPOSSIBLE); /* the user's own */
	assert_int_equal(ask("deleteMessage", arena_printf(&arena, "{\"chat_id\":%lld,\"message_id\":%lld}", (long long)anna, (long long)id)).verdict, TG_OK);
	assert_true(botapi_message_get(b, anna, id)->deleted);
	assert_null(botapi_last(b, anna));
	assert_int_equal(edit(id, "x", "").verdict, TG_EDIT_IMPOSSIBLE);
	assert_int_equal(ask("deleteMessage", arena_printf(&arena, "{\"chat_id\":%lld,\"message_id\":%lld}", (long long)anna, (long long)id)).verdict, TG_DELETE_IMPOSSIBLE);
}

static void test_taps(void **state)
{
	struct tg_update u = NONE;
	int64_t id, tap;

	(void)state;
	botapi_say(b, anna, "/start");
	id = say("x", "{\"inline_keyboard\":[[{\"text\":\"k\",\"callback_data\":\"plan:12\"}]]}").message_id;
	assert_true(botapi_tap(b, anna, id, "no such") == 0);
	tap = botapi_tap(b, anna, id, "k");
	poll(0, &u);
	assert_true(u.update_id == tap && u.kind == TG_UPDATE_CALLBACK && str_is(u.callback.data, "plan:12") && u.callback.message_id == id);
	assert_null(botapi_toast(b, anna).at);
	const char *answer = arena_printf(&arena, "{\"callback_query_id\":\"%s\",\"text\":\"hi\"}", u.callback.id.at);
	assert_int_equal(ask("answerCallbackQuery", answer).verdict, TG_OK);
	assert_string_equal(botapi_toast(b, anna).at, "hi");
	assert_int_equal(ask("answerCallbackQuery", answer).verdict, TG_QUERY_TOO_OLD);
	botapi_tap_data(b, anna, 5, "forged:1");
	now_ms += 10000;
	poll(0, &u);
	assert_true(u.callback.message_gone && u.callback.message_id == 5 && str_is(u.callback.data, "forged:1"));
	now_ms += 60000;
	assert_int_equal(ask("answerCallbackQuery", arena_printf(&arena, "{\"callback_query_id\":\"%s\"}", u.callback.id.at)).verdict, TG_QUERY_TOO_OLD);
	assert_int_equal(ask("answerCallbackQuery", "{\"callback_query_id\":\"7\"}").verdict, TG_QUERY_TOO_OLD);
}

static int64_t invoice(int stars)
{
	struct tg_invoice i = { .chat_id = anna, .title = STR("Standard"), .text = STR("30 days"), .label = STR("L"), .payload = STR("inv_1"), .stars = stars };
	struct buf to;
	struct tg_answer a;

	buf_init(&to, TG_CALL_BYTES_MAX);
	tg_send_invoice(&to, &i);
	a = ask("sendInvoice", buf_cstr(&to));
	buf_release(&to);
	assert_int_equal(a.verdict, TG_OK);
	return a.message_id;
}

static struct tg_answer pre_checkout(struct str id, bool ok)
{
	struct buf to;
	struct tg_answer a;

	buf_init(&to, 4096);
	tg_answer_pre_checkout(&to, id, ok, STR("sold out"));
	a = ask("answerPreCheckoutQuery", buf_cstr(&to));
	buf_release(&to);
	return a;
}

static void test_stars(void **state)
{
	struct tg_transaction t[TG_TRANSACTIONS_MAX];
	struct tg_update u = NONE;
	struct buf to;
	int64_t id;
	int first, second;
	size_t n;

	(void)state;
	botapi_say(b, anna, "/start");
	id = invoice(350);
	assert_true(botapi_message_get(b, anna, id)->buttons[0].pay);
	first = botapi_pay(b, anna, id);
	poll(0, &u);
	assert_true(u.kind == TG_UPDATE_PRE_CHECKOUT && u.pre_checkout.amount_minor == 350 && str_is(u.pre_checkout.payload, "inv_1") && str_is(u.pre_checkout.currency, "XTR"));
	assert_int_equal(botapi_checkout_state(b, first), BOTAPI_CHECKOUT_WAITING);
	assert_int_equal(pre_checkout(u.pre_checkout.id, true).verdict, TG_OK);
	assert_int_equal(botapi_checkout_state(b, first), BOTAPI_CHECKOUT_PAID);
	assert_int_equal(pre_checkout(u.pre_checkout.id, true).verdict, TG_QUERY_TOO_OLD);
	now_ms += 10000;
	poll(0, &u);
	assert_true(u.message.is_paid && u.message.payment.amount_minor == 350 && str_eq(u.message.payment.charge_id, botapi_checkout_charge(b, first)));
	assert_true(botapi_balance(b) == 350);
	second = botapi_pay(b, anna, id);                       /* the same message again */
	now_ms += 5000;
	poll(0, &u);
	assert_int_equal(pre_checkout(u.pre_checkout.id, false).verdict, TG_OK);
	assert_int_equal(botapi_checkout_state(b, second), BOTAPI_CHECKOUT_REFUSED);
	assert_string_equal(botapi_checkout_refusal(b, second).at, "sold out");
	second = botapi_pay(b, anna, id);
	now_ms += 10001;
	poll(0, &u);
	assert_int_equal(pre_checkout(u.pre_checkout.id, true).verdict, TG_QUERY_TOO_OLD);
	assert_int_equal(botapi_checkout_state(b, second), BOTAPI_CHECKOUT_EXPIRED);
	assert_true(botapi_balance(b) == 350);
	buf_init(&to, 4096);
	tg_refund_stars(&to, anna, botapi_checkout_charge(b, first));
	assert_int_equal(ask("refundStarPayment", buf_cstr(&to)).verdict, TG_OK);
	assert_int_equal(ask("refundStarPayment", buf_cstr(&to)).verdict, TG_ALREADY_REFUNDED);
	buf_release(&to);
	now_ms += 10000;
	poll(0, &u);
	assert_true(u.message.is_refund && str_eq(u.message.payment.charge_id, botapi_checkout_charge(b, first)) && botapi_balance(b) == 0);
	botapi_pay_silently(b, anna, "inv_2", 100);
	ask("getStarTransactions", "{\"offset\":1,\"limit\":100}");
	assert_int_equal(tg_transactions_read(t, &n, countof(t), &arena, last.body), OK);
	assert_int_equal(n, 2);
	assert_true(!t[0].incoming && t[0].is_invoice && str_is(t[0].payload, "inv_1") && str_eq(t[0].id, botapi_checkout_charge(b, first)));
	assert_true(t[1].incoming && t[1].user_id == anna && t[1].amount == 100);
	ask("getStarTransactions", "{\"offset\":0,\"limit\":1}");
	tg_transactions_read(t, &n, countof(t), &arena, last.body);
	assert_true(n == 1 && t[0].incoming);
}

static void test_recurring(void **state)
{
	struct tg_update u = NONE;
	struct tg_answer a;
	int k;

	(void)state;
	botapi_say(b, anna, "/start");
	a = ask("createInvoiceLink", "{\"title\":\"T\",\"description\":\"D\",\"payload\":\"sub_1\",\"currency\":\"XTR\",\"prices\":[{\"label\":\"L\",\"amount\":9}],\"subscription_period\":2592000}");
	assert_int_equal(a.verdict, TG_OK);
	k = botapi_pay_link(b, anna, a.text);
	poll(0, &u);
	assert_int_equal(pre_checkout(u.pre_checkout.id, true).verdict, TG_OK);
	now_ms += 10000;
	poll(0, &u);
	assert_true(u.message.payment.recurring && u.message.payment.first_recurring && u.message.payment.subscription_expires_ms > now_ms);
	assert_true(botapi_renew(b, k) > 0);
	now_ms += 10000;
	poll(0, &u);
	assert_true(u.message.payment.recurring && !u.message.payment.first_recurring && str_is(u.message.payment.payload, "sub_1"));
	assert_description(ask("createInvoiceLink", "{\"title\":\"T\",\"description\":\"D\",\"payload\":\"p\",\"currency\":\"XTR\",\"prices\":[]}"), "STARS_INVOICE_INVALID");
	assert_description(ask("createInvoiceLink", "{\"title\":\"T\",\"description\":\"D\",\"payload\":\"p\",\"currency\":\"RUB\",\"prices\":[{\"label\":\"L\",\"amount\":9}]}"), "PAYMENT_PROVIDER_INVALID");
}

static void test_unreachable(void **state)
{
	struct tg_update u = NONE;
	int64_t group, moved;

	(void)state;
	assert_int_equal(say("x", "").verdict, TG_CHAT_NOT_FOUND);      /* never wrote to the bot */
	botapi_say(b, anna, "/start");
	assert_int_equal(say("x", "").verdict, TG_OK);
	botapi_block(b, anna);
	poll(0, &u);
	assert_true(u.kind == TG_UPDATE_MY_MEMBER && u.member_is == TG_MEMBER_KICKED && u.from.id == anna);
	assert_int_equal(say("x", "").verdict, TG_GONE);
	assert_int_equal(last.status, 403);
	assert_true(botapi_say(b, anna, "x") == 0);
	botapi_unblock(b, anna);
	assert_int_equal(say("x", "").verdict, TG_OK);
	botapi_deactivate(b, anna);
	assert_int_equal(say("x", "").verdict, TG_GONE);
	group = botapi_group_new(b, "Admins", false);
	const char *to_group = arena_printf(&arena, "{\"chat_id\":%lld,\"text\":\"x\"}", (long long)group);
	assert_int_equal(ask("sendMessage", to_group).verdict, TG_OK);
	moved = botapi_group_migrate(b, group);
	struct tg_answer a = ask("sendMessage", to_group);
	assert_true(a.verdict == TG_MIGRATED && a.migrate_to_chat_id == moved && moved < -INT64_C(1000000000000));
	botapi_kick(b, moved);
	assert_int_equal(ask("sendMessage", arena_printf(&arena, "{\"chat_id\":%lld,\"text\":\"x\"}", (long long)moved)).verdict, TG_GONE);
}

static void test_rates(void **state)
{
	struct tg_answer a;
	int64_t group = botapi_group_new(b, "G", true);
	const char *to_group = arena_printf(&arena, "{\"chat_id\":%lld,\"text\":\"x\"}", (long long)group);

	(void)state;
	botapi_say(b, anna, "/start");
	botapi_set_rates(b, (struct botapi_rates){ .on = true, .chat_burst = 3, .all_burst = 1000 });
	for (int i = 0; i < 3; i++)
		assert_int_equal(say("x", "").verdict, TG_OK);
	a = say("x", "");
	assert_true(a.verdict == TG_RETRY_AFTER && a.retry_after_ms == 1000);
	assert_true(last.headers_count == 2 && strcmp(last.headers[0].name, "retry-after") == 0);
	now_ms += 999;
	assert_int_equal(say("x", "").verdict, TG_RETRY_AFTER);
	now_ms += 1001;
	assert_int_equal(say("x", "").verdict, TG_OK);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask("sendMessage", to_group).verdict, TG_OK);
	a = ask("sendMessage", to_group);
	assert_true(a.verdict == TG_RETRY_AFTER && a.retry_after_ms == 60000);
	botapi_set_rates(b, (struct botapi_rates){ .on = true, .chat_burst = 1000, .all_burst = 30 });
	now_ms += 60000;
	for (int i = 0; i < 30; i++)
		assert_int_equal(say("x", "").verdict, TG_OK);
	assert_int_equal(say("x", "").verdict, TG_RETRY_AFTER);
	now_ms += 100;
	assert_int_equal(say("x", "").verdict, TG_OK);
}

static void test_trouble(void **state)
{
	(void)state;
	botapi_say(b, anna, "/start");
	botapi_add_rule(b, &(struct botapi_rule){ .method = "sendMessage", .nth = 2, .times = 1, .fault = BOTAPI_HTML_502 });
	assert_int_equal(say("1", "").verdict, TG_OK);
	assert_int_equal(say("2", "").verdict, TG_SERVER);
	assert_null(botapi_find_text(b, anna, "2"));
	assert_int_equal(say("3", "").verdict, TG_OK);
	botapi_clear_rules(b);
	botapi_add_rule(b, &(struct botapi_rule){ .method = "sendMessage", .times = 1, .fault = BOTAPI_NETWORK, .after = true, .trouble.drop = true });
	say("4", "");
	assert_true(last.trouble.drop && botapi_find_text(b, anna, "4") != NULL);
	assert_int_equal(botapi_call_nth(b, "sendMessage", 3)->status, 0);
	botapi_clear_rules(b);
	botapi_add_rule(b, &(struct botapi_rule){ .chat_id = anna, .times = 1, .fault = BOTAPI_NETWORK, .trouble.hang = true });
	say("5", "");
	assert_true(last.trouble.hang && botapi_find_text(b, anna, "5") == NULL);
	botapi_clear_rules(b);
	botapi_add_rule(b, &(struct botapi_rule){ .times = 1, .fault = BOTAPI_NETWORK, .trouble.delay_ms = 700 });
	assert_int_equal(say("6", "").verdict, TG_OK);
	assert_true(last.trouble.delay_ms == 700 && botapi_find_text(b, anna, "6") != NULL);
	botapi_clear_rules(b);
	botapi_add_rule(b, &(struct botapi_rule){ .times = 1, .fault = BOTAPI_429, .retry_after_s = 7 });
	assert_true(say("7", "").retry_after_ms == 7000);
	assert_int_equal(botapi_calls(b, "sendMessage"), 7);
	assert_true(str_has(botapi_call_nth(b, "sendMessage", 0)->payload, "\"text\":\"1\""));
}

static void test_commands(void **state)
{
	struct tg_menu_entry menu[] = { { STR("my"), STR("Мои") }, { STR("panel_add"), STR("x") } };
	struct buf to;

	(void)state;
	botapi_say(b, anna, "/start");
	buf_init(&to, 4096);
	tg_set_commands(&to, menu, 1, 0, STR("ru"));
	assert_int_equal(ask("setMyCommands", buf_cstr(&to)).verdict, TG_OK);
	buf_clear(&to);
	tg_set_commands(&to, menu, 2, anna, STR(""));
	assert_int_equal(ask("setMyCommands", buf_cstr(&to)).verdict, TG_OK);
	assert_true(str_has(botapi_commands(b, "all_private_chats", 0, "ru"), "\"my\""));
	assert_false(str_has(botapi_commands(b, "all_private_chats", 0, "ru"), "panel_add"));
	assert_true(str_has(botapi_commands(b, "chat", anna, ""), "panel_add"));
	assert_description(ask("setMyCommands", "{\"commands\":[{\"command\":\"Big\",\"description\":\"x\"}]}"), "BOT_COMMAND_INVALID");
	buf_release(&to);
}

/* Each test has a world of its own. */
#define proves_in_world(function, rows) { #function " [" rows "]", function, start, stop, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves_in_world(test_envelope, ""),
		proves_in_world(test_updates, ""),
		proves_in_world(test_long_poll, ""),
		proves_in_world(test_conflicts, ""),
		proves_in_world(test_allowed_updates, ""),
		proves_in_world(test_disorder, ""),
		proves_in_world(test_html, ""),
		proves_in_world(test_split_parts_are_good, ""),
		proves_in_world(test_sizes, ""),
		proves_in_world(test_buttons, ""),
		proves_in_world(test_forms, ""),
		proves_in_world(test_edits, ""),
		proves_in_world(test_taps, ""),
		proves_in_world(test_stars, ""),
		proves_in_world(test_recurring, ""),
		proves_in_world(test_unreachable, ""),
		proves_in_world(test_rates, ""),
		proves_in_world(test_trouble, ""),
		proves_in_world(test_commands, ""),
	};

	return cmocka_run_group_tests_name("botapi_sim", tests, NULL, NULL);
}
