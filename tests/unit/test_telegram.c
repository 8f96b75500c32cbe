/* The Bot API as data: every shape of update, payloads and keyboards, cutting of texts, verdicts. */
#include "tests/unit/proves.h"

#include <string.h>

#include "lib/base/json.h"
#include "lib/base/rand.h"
#include "lib/telegram/tg_answer.h"
#include "lib/telegram/tg_call.h"
#include "lib/telegram/tg_text.h"
#include "lib/telegram/tg_update.h"

#define FROM "\"from\":{\"id\":777000111,\"is_bot\":false,\"first_name\":\"Ирина\",\"username\":\"irina_demo\",\"language_code\":\"ru\"}"
#define CHAT "\"chat\":{\"id\":777000111,\"first_name\":\"Ирина\",\"type\":\"private\"}"
#define MESSAGE(id, rest) "{\"update_id\":905112001,\"message\":{\"message_id\":" #id "," FROM "," CHAT ",\"date\":1793612001," rest "}}"

static struct arena arena;

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct tg_update read_ok(const char *json)
{
	struct tg_update u;

	assert_int_equal(tg_update_read(&u, &arena, str_of(json)), OK);
	return u;
}

#define assert_str(s, expected) assert_string_equal((s).at, (expected))

static void test_update_text(void **state)
{
	struct tg_update u = read_ok(MESSAGE(4821, "\"text\":\"/start r_42\",\"entities\":[{\"offset\":0,\"length\":6,\"type\":\"bot_command\"}]"));

	(void)state;
	assert_int_equal(u.kind, TG_UPDATE_MESSAGE);
	assert_string_equal(u.kind_name, "message");
	assert_true(u.update_id == 905112001 && u.date_ms == INT64_C(1793612001000));
	assert_true(u.from.id == 777000111 && !u.from.is_bot);
	assert_str(u.from.first_name, "Ирина");
	assert_str(u.from.last_name, "");
	assert_str(u.from.username, "irina_demo");
	assert_str(u.from.language_code, "ru");
	assert_true(u.chat.id == 777000111 && u.chat.type == TG_CHAT_PRIVATE && u.chat.thread_id == 0);
	assert_true(u.message.id == 4821 && !u.message.is_paid && !u.message.is_refund && !u.message.forwarded);
	assert_str(u.message.text, "/start r_42");
	u = read_ok("{\"update_id\":1,\"message\":{\"message_id\":2,\"message_thread_id\":9,\"chat\":{\"id\":-1002233445566,\"type\":\"supergroup\"},"
		"\"from\":{\"id\":4503599627370495},\"migrate_to_chat_id\":-1009999999999,\"reply_to_message\":{\"message_id\":7}}}");
	assert_true(u.chat.id == INT64_C(-1002233445566) && u.chat.type == TG_CHAT_SUPERGROUP && u.chat.thread_id == 9);
	assert_true(u.from.id == INT64_C(4503599627370495));    /* 52 bits */
	assert_true(u.message.migrate_to_chat_id == INT64_C(-1009999999999) && u.message.reply_to_id == 7);
}

static void test_update_callback(void **state)
{
	struct tg_update u = read_ok("{\"update_id\":905112003,\"callback_query\":{\"id\":\"3337403939201122334\"," FROM ",\"message\":{\"message_id\":4822,"
		"\"from\":{\"id\":777000,\"is_bot\":true},\"chat\":{\"id\":777000111,\"type\":\"private\"},\"date\":1793612002,\"text\":\"Choose\"},"
		"\"chat_instance\":\"-5923311220012345678\",\"data\":\"plan:12\"}}");

	(void)state;
	assert_int_equal(u.kind, TG_UPDATE_CALLBACK);
	assert_str(u.callback.id, "3337403939201122334");
	assert_str(u.callback.data, "plan:12");
	assert_true(u.callback.message_id == 4822 && !u.callback.message_gone && u.from.id == 777000111 && u.chat.id == 777000111);
	u = read_ok("{\"update_id\":5,\"callback_query\":{\"id\":\"1\"," FROM ",\"message\":{\"message_id\":3," CHAT ",\"date\":0},\"data\":\"x\"}}");
	assert_true(u.callback.message_gone && u.callback.message_id == 3 && u.chat.id == 777000111);
	u = read_ok("{\"update_id\":5,\"callback_query\":{\"id\":\"1\"," FROM ",\"inline_message_id\":\"abc\",\"data\":\"x\"}}");
	assert_true(!u.callback.message_gone && u.callback.message_id == 0 && u.chat.id == 0);
	u = read_ok("{\"update_id\":5,\"callback_query\":{\"id\":\"1\",\"data\":\"12345678901234567890123456789012345678901234567890123456789012345\"}}");
	assert_int_equal(u.callback.data.len, 0);               /* 65 bytes: no button of ours */
}

static void test_update_money(void **state)
{
	struct tg_update u = read_ok("{\"update_id\":905112004,\"pre_checkout_query\":{\"id\":\"3337\"," FROM ",\"currency\":\"XTR\",\"total_amount\":350,"
		"\"invoice_payload\":\"inv_01JBX7Q9\",\"order_info\":{}}}");

	(void)state;
	assert_int_equal(u.kind, TG_UPDATE_PRE_CHECKOUT);
	assert_str(u.pre_checkout.id, "3337");
	assert_str(u.pre_checkout.payload, "inv_01JBX7Q9");
	assert_str(u.pre_checkout.currency, "XTR");
	assert_true(u.pre_checkout.amount_minor == 350 && u.from.id == 777000111);
	u = read_ok(MESSAGE(4830, "\"successful_payment\":{\"currency\":\"XTR\",\"total_amount\":350,\"invoice_payload\":\"inv_01JBX7Q9\","
		"\"telegram_payment_charge_id\":\"stxOneOff01\",\"provider_payment_charge_id\":\"777000111_4\"}"));
	assert_true(u.message.is_paid && !u.message.is_refund && u.message.payment.amount_minor == 350);
	assert_str(u.message.payment.charge_id, "stxOneOff01");
	assert_str(u.message.payment.provider_charge_id, "777000111_4");
	assert_true(!u.message.payment.recurring && u.message.payment.subscription_expires_ms == 0);
	u = read_ok(MESSAGE(4841, "\"successful_payment\":{\"currency\":\"XTR\",\"total_amount\":350,\"invoice_payload\":\"sub_1\","
		"\"subscription_expiration_date\":1796204500,\"is_recurring\":true,\"is_first_recurring\":true,\"telegram_payment_charge_id\":\"c\"}"));
	assert_true(u.message.payment.recurring && u.message.payment.first_recurring);
	assert_true(u.message.payment.subscription_expires_ms == INT64_C(1796204500000));
	u = read_ok(MESSAGE(4850, "\"refunded_payment\":{\"currency\":\"XTR\",\"total_amount\":350,\"invoice_payload\":\"inv_01JBX7Q9\","
		"\"telegram_payment_charge_id\":\"stxOneOff01\"}"));
	assert_true(u.message.is_refund && !u.message.is_paid);
	assert_str(u.message.payment.charge_id, "stxOneOff01");
	u = read_ok("{\"update_id\":905112007,\"subscription\":{\"user\":{\"id\":777000111},\"invoice_payload\":\"sub_01\",\"state\":\"canceled\"}}");
	assert_true(u.kind == TG_UPDATE_SUBSCRIPTION && u.subscription_state == TG_SUB_CANCELED && u.from.id == 777000111);
	assert_str(u.subscription_payload, "sub_01");
}

static void test_update_rest(void **state)
{
	struct tg_update u = read_ok("{\"update_id\":905112009,\"my_chat_member\":{" CHAT "," FROM ",\"date\":1793712000,"
		"\"old_chat_member\":{\"user\":{\"id\":777000},\"status\":\"member\"},\"new_chat_member\":{\"user\":{\"id\":777000},\"status\":\"kicked\",\"until_date\":0}}}");

	(void)state;
	assert_true(u.kind == TG_UPDATE_MY_MEMBER && u.member_was == TG_MEMBER_MEMBER && u.member_is == TG_MEMBER_KICKED);
	u = read_ok(MESSAGE(4861, "\"photo\":[{\"file_id\":\"small\",\"file_unique_id\":\"s\"},{\"file_id\":\"large\",\"file_unique_id\":\"l\",\"file_size\":143211}],"
		"\"caption\":\"paid 14:02\",\"media_group_id\":\"55\""));
	assert_str(u.message.photo.id, "large");
	assert_str(u.message.photo.unique_id, "l");
	assert_str(u.message.text, "paid 14:02");
	assert_str(u.message.media_group, "55");
	u = read_ok(MESSAGE(1, "\"document\":{\"file_id\":\"doc\",\"file_unique_id\":\"d\",\"file_name\":\"a.pdf\",\"mime_type\":\"application/pdf\",\"file_size\":5}"));
	assert_str(u.message.document.id, "doc");
	assert_str(u.message.document.name, "a.pdf");
	u = read_ok(MESSAGE(4870, "\"contact\":{\"phone_number\":\"79990000000\",\"first_name\":\"x\",\"user_id\":777000111}"));
	assert_true(u.message.contact_user_id == u.from.id);
	assert_str(u.message.contact_phone, "79990000000");
	u = read_ok(MESSAGE(4880, "\"web_app_data\":{\"button_text\":\"Open\",\"data\":\"{\\\"plan\\\":12}\"}"));
	assert_str(u.message.web_app_data, "{\"plan\":12}");
	u = read_ok(MESSAGE(1, "\"forward_origin\":{\"type\":\"user\",\"sender_user\":{\"id\":42},\"date\":1},\"text\":\"x\""));
	assert_true(u.message.forwarded && u.message.forward_user_id == 42);
	u = read_ok(MESSAGE(1, "\"forward_origin\":{\"type\":\"hidden_user\",\"sender_user_name\":\"y\",\"date\":1},\"text\":\"x\""));
	assert_true(u.message.forwarded && u.message.forward_user_id == 0);
}

static void test_update_unknown(void **state)
{
	static const char *const ignored[] = {
		"edited_message", "channel_post", "inline_query", "chosen_inline_result", "shipping_query", "purchased_paid_media", "chat_member",
		"chat_join_request", "message_reaction", "message_reaction_count", "chat_boost", "removed_chat_boost", "poll", "poll_answer",
		"business_connection", "business_message", "edited_business_message", "deleted_business_messages", "guest_message",
		"managed_bot", "stopped_message_generation", "of_the_year_2031",
	};
	struct tg_update u;

	(void)state;
	for (size_t i = 0; i < countof(ignored); i++) {
		u = read_ok(arena_printf(&arena, "{\"update_id\":7,\"%s\":{\"x\":[1]}}", ignored[i]));
		assert_true(u.kind == TG_UPDATE_OTHER && u.update_id == 7);
		assert_string_equal(u.kind_name, ignored[i]);
	}
	u = read_ok("{\"update_id\":7}");
	assert_true(u.kind == TG_UPDATE_OTHER && *u.kind_name == '\0');
	u = read_ok("{\"update_id\":7,\"message\":{\"message_id\":\"x\",\"from\":[],\"chat\":5,\"text\":{\"a\":1},\"photo\":{},\"contact\":[],\"date\":-1}}");
	assert_true(u.kind == TG_UPDATE_MESSAGE && u.message.id == 0 && u.from.id == 0 && u.chat.id == 0 && u.date_ms == 0);
	assert_int_equal(tg_update_read(&u, &arena, STR("[]")), E_INVALID);
	assert_int_equal(tg_update_read(&u, &arena, STR("null")), E_INVALID);
	assert_int_equal(tg_update_read(&u, &arena, STR("")), E_INVALID);
	assert_int_equal(tg_update_read(&u, &arena, STR("{\"update_id\":0,\"message\":{}}")), E_INVALID);
	u = read_ok("{\"update_id\":7,\"message\":{\"text\":\"a\\u0000b\\u0007\xFF\"}}");
	assert_str(u.message.text, "a b \xEF\xBF\xBD");
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

/* No prefix of an update and no damaged byte does more than give an error. */
static void test_update_damage(void **state)
{
	struct str whole = STR(MESSAGE(4861, "\"photo\":[{\"file_id\":\"a\"}],\"successful_payment\":{\"total_amount\":350,\"currency\":\"XTR\"},\"contact\":{\"user_id\":1}"));
	struct tg_update u;
	uint64_t seed = 20261124;

	(void)state;
	rand_set_source(seeded, &seed);
	for (size_t n = 0; n < whole.len; n++) {
		char *part = xmalloc(n);                /* its own block: the sanitizer sees a read past it */

		memcpy(part, whole.at, n);
		assert_int_equal(tg_update_read(&u, &arena, str_n(part, n)), E_INVALID);
		free(part);
	}
	for (int i = 0; i < 5000; i++) {
		char *copy = arena_strndup(&arena, whole.at, whole.len);

		for (int k = 0; k < 3; k++)
			copy[rand_below(whole.len)] = (char)rand_below(256);
		tg_update_read(&u, &arena, str_n(copy, whole.len));
		arena_clear(&arena);
	}
	rand_set_source(NULL, NULL);
}

static void test_update_bounds(void **state)
{
	struct buf b;
	struct tg_update u;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_adds(&b, "{\"update_id\":1,\"message\":{\"text\":\"");
	for (int i = 0; i < 20000; i++)
		buf_adds(&b, "й");
	buf_adds(&b, "\",\"from\":{\"first_name\":\"");
	for (int i = 0; i < 2000; i++)
		buf_adds(&b, "😀");
	buf_adds(&b, "\"}}}");
	u = read_ok(buf_cstr(&b));
	assert_int_equal(u.message.text.len, TG_TEXT_BYTES_MAX);
	assert_int_equal(u.from.first_name.len, TG_NAME_BYTES_MAX);
	assert_true(utf8_valid(u.message.text));
	buf_release(&b);
}

/* What is handed back as it came is kept whole or not at all: a part of it would be another charge. */
static void test_opaque_bounds(void **state)
{
	(void)state;
	for (int more = 0; more <= 1; more++) {
		struct tg_update u;
		struct buf b;

		buf_init(&b, 1 << 20);
		buf_adds(&b, "{\"update_id\":1,\"message\":{\"successful_payment\":{\"currency\":\"XTR\",\"total_amount\":350,\"telegram_payment_charge_id\":\"");
		for (int i = 0; i < TG_ID_BYTES_MAX + more; i++)
			buf_addc(&b, 'c');
		buf_adds(&b, "\",\"invoice_payload\":\"");
		for (int i = 0; i < TG_PAYLOAD_BYTES_MAX + more; i++)
			buf_addc(&b, 'p');
		buf_adds(&b, "\"}}}");
		u = read_ok(buf_cstr(&b));
		assert_true(u.message.is_paid);
		assert_int_equal(u.message.payment.charge_id.len, more ? 0 : TG_ID_BYTES_MAX);
		assert_int_equal(u.message.payment.payload.len, more ? 0 : TG_PAYLOAD_BYTES_MAX);
		buf_release(&b);
	}
}

static void test_command(void **state)
{
	static const struct { const char *text; bool is; const char *name, *bot, *args; } cases[] = {
		{ "/start",                 true,  "start",     "",         ""      },
		{ "/start r_42",            true,  "start",     "",         "r_42"  },
		{ "/Start@Demo_Shop_Bot x", true,  "start",     "Demo_Shop_Bot", "x" },
		{ "/panel_add\n a  b ",     true,  "panel_add", "",         "a  b"  },
		{ "/start@",                true,  "start",     "",         ""      },
		{ "/",                      false, "",          "",         ""      },
		{ " /start",                false, "",          "",         ""      },
		{ "/tmp/file",              false, "",          "",         ""      },
		{ "/привет",                false, "",          "",         ""      },
		{ "start",                  false, "",          "",         ""      },
		{ "/abcdefghijklmnopqrstuvwxyz1234567", false, "", "",      ""      },
	};
	struct tg_command c;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(tg_command_read(&c, str_of(cases[i].text)), cases[i].is);
		if (!cases[i].is)
			continue;
		assert_string_equal(c.name, cases[i].name);
		assert_true(str_is(c.bot, cases[i].bot));
		assert_true(str_is(c.args, cases[i].args));
	}
	tg_command_read(&c, STR("/my@DEMO_bot"));
	assert_true(tg_command_is_for(&c, STR("demo_BOT")));
	assert_false(tg_command_is_for(&c, STR("demo_bot2")));
	assert_false(tg_command_is_for(&c, STR("emo_bot")));
}

static void test_keyboard(void **state)
{
	struct tg_keys k;
	struct buf b;
	char long_copy[300];

	(void)state;
	memset(long_copy, 'x', sizeof long_copy);
	buf_init(&b, TG_CALL_BYTES_MAX);
	tg_keys_begin(&k, &b);
	assert_true(tg_keys_add(&k, (struct tg_button){ .text = STR("30 \"days\""), .data = STR("plan:12") }));
	assert_true(tg_keys_add(&k, (struct tg_button){ .text = STR("Site"), .url = STR("HTTPS://a.b"), .style = TG_STYLE_SUCCESS }));
	tg_keys_row(&k);
	tg_keys_row(&k);
	assert_false(tg_keys_add(&k, (struct tg_button){ .text = STR("App"), .url = STR("happ://x") }));
	assert_false(tg_keys_add(&k, (struct tg_button){ .text = STR("Copy"), .copy = str_n(long_copy, 257) }));
	assert_true(tg_keys_add(&k, (struct tg_button){ .text = STR("Copy"), .copy = STR("vless://x") }));
	tg_keys_end(&k);
	assert_string_equal(buf_cstr(&b), "{\"inline_keyboard\":[[{\"text\":\"30 \\\"days\\\"\",\"callback_data\":\"plan:12\"},"
		"{\"text\":\"Site\",\"url\":\"HTTPS://a.b\",\"style\":\"success\"}],[{\"text\":\"Copy\",\"copy_text\":{\"text\":\"vless://x\"}}]]}");
	buf_clear(&b);
	tg_keys_begin(&k, &b);
	assert_true(tg_keys_add(&k, (struct tg_button){ .text = STR("Pay"), .pay = true }));
	for (int i = 1; i < TG_BUTTONS_MAX; i++)
		assert_true(tg_keys_add(&k, (struct tg_button){ .text = STR("x"), .data = STR("y") }));
	assert_false(tg_keys_add(&k, (struct tg_button){ .text = STR("x"), .data = STR("y") }));
	tg_keys_end(&k);
	struct json_object *o;
	assert_int_equal(json_parse(&o, buf_str(&b)), OK);
	assert_int_equal(json_len(json_array_at(o, "inline_keyboard")), 13);    /* 8 in a row */
	json_object_put(o);
	buf_release(&b);
}

#define assert_payload(call, expected) do { buf_clear(&b); call; assert_string_equal(buf_cstr(&b), expected); } while (0)

static void test_payloads(void **state)
{
	struct buf b;
	struct tg_send m = { .chat_id = 5, .html = STR("<b>x</b>"), .markup = STR("{\"inline_keyboard\":[]}"), .reply_to_id = 3, .silent = true };
	struct tg_invoice invoice = { .chat_id = 5, .title = STR("T"), .text = STR("D"), .label = STR("L"), .payload = STR("inv_1"), .stars = 350, .recurring = true };
	struct tg_menu_entry menu[] = { { STR("my"), STR("Мои") } };

	(void)state;
	buf_init(&b, TG_CALL_BYTES_MAX);
	assert_payload(tg_send_message(&b, &m), "{\"chat_id\":5,\"text\":\"<b>x</b>\",\"parse_mode\":\"HTML\",\"link_preview_options\":{\"is_disabled\":true},"
		"\"reply_parameters\":{\"message_id\":3,\"allow_sending_without_reply\":true},\"disable_notification\":true,\"reply_markup\":{\"inline_keyboard\":[]}}");
	m = (struct tg_send){ .chat_id = -5, .thread_id = 2, .html = STR("c\xFF"), .protect = true };
	assert_payload(tg_send_photo(&b, &m, STR("F")), "{\"chat_id\":-5,\"message_thread_id\":2,\"photo\":\"F\",\"caption\":\"c\xEF\xBF\xBD\",\"parse_mode\":\"HTML\",\"protect_content\":true}");
	m.html = STR("");
	assert_payload(tg_send_document(&b, &m, STR("")), "{\"chat_id\":-5,\"message_thread_id\":2,\"protect_content\":true}");
	assert_payload(tg_edit_text(&b, 5, 6, STR("t"), STR("")), "{\"chat_id\":5,\"message_id\":6,\"text\":\"t\",\"parse_mode\":\"HTML\",\"link_preview_options\":{\"is_disabled\":true}}");
	assert_payload(tg_edit_markup(&b, 5, 6, STR("{}")), "{\"chat_id\":5,\"message_id\":6,\"reply_markup\":{}}");
	assert_payload(tg_delete_message(&b, 5, 6), "{\"chat_id\":5,\"message_id\":6}");
	assert_payload(tg_copy_message(&b, 5, 7, 6), "{\"chat_id\":5,\"message_id\":6,\"from_chat_id\":7}");
	assert_payload(tg_send_action(&b, 5, "typing"), "{\"chat_id\":5,\"action\":\"typing\"}");
	assert_payload(tg_answer_callback(&b, STR("q"), STR("hi"), true), "{\"callback_query_id\":\"q\",\"text\":\"hi\",\"show_alert\":true}");
	assert_payload(tg_answer_callback(&b, STR("q"), STR(""), false), "{\"callback_query_id\":\"q\"}");
	assert_payload(tg_answer_pre_checkout(&b, STR("q"), true, STR("")), "{\"pre_checkout_query_id\":\"q\",\"ok\":true}");
	assert_payload(tg_answer_pre_checkout(&b, STR("q"), false, STR("no")), "{\"pre_checkout_query_id\":\"q\",\"ok\":false,\"error_message\":\"no\"}");
	assert_payload(tg_send_invoice(&b, &invoice), "{\"chat_id\":5,\"title\":\"T\",\"description\":\"D\",\"payload\":\"inv_1\",\"provider_token\":\"\",\"currency\":\"XTR\","
		"\"prices\":[{\"label\":\"L\",\"amount\":350}],\"start_parameter\":\"pay\"}");
	assert_payload(tg_create_invoice_link(&b, &invoice), "{\"title\":\"T\",\"description\":\"D\",\"payload\":\"inv_1\",\"provider_token\":\"\",\"currency\":\"XTR\","
		"\"prices\":[{\"label\":\"L\",\"amount\":350}],\"subscription_period\":2592000}");
	assert_payload(tg_refund_stars(&b, 7, STR("c")), "{\"user_id\":7,\"telegram_payment_charge_id\":\"c\"}");
	assert_payload(tg_get_star_transactions(&b, 100, 50), "{\"offset\":100,\"limit\":50}");
	assert_payload(tg_get_updates(&b, 9, 100, 50), "{\"offset\":9,\"limit\":100,\"timeout\":50,\"allowed_updates\":[\"message\",\"callback_query\",\"pre_checkout_query\",\"my_chat_member\",\"subscription\"]}");
	assert_payload(tg_delete_webhook(&b), "{\"drop_pending_updates\":false}");
	assert_payload(tg_set_commands(&b, menu, 1, 0, STR("ru")), "{\"commands\":[{\"command\":\"my\",\"description\":\"Мои\"}],\"scope\":{\"type\":\"all_private_chats\"},\"language_code\":\"ru\"}");
	assert_payload(tg_set_commands(&b, menu, 1, 77, STR("")), "{\"commands\":[{\"command\":\"my\",\"description\":\"Мои\"}],\"scope\":{\"type\":\"chat\",\"chat_id\":77}}");
	buf_clear(&b);
	assert_int_equal(tg_call_plain(&b, &arena, STR("{\"chat_id\":5,\"text\":\"<b>a &amp; b\",\"parse_mode\":\"HTML\",\"reply_markup\":{\"k\":[]}}")), OK);
	assert_string_equal(buf_cstr(&b), "{\"chat_id\":5,\"text\":\"a & b\",\"reply_markup\":{\"k\":[]}}");
	assert_int_equal(tg_call_plain(&b, &arena, STR("[]")), E_INVALID);
	assert_int_equal(tg_call_plain(&b, &arena, STR("{\"chat_id\":5,\"text\":\"a & b\"}")), E_NOTFOUND);
	buf_release(&b);
}

static void test_request(void **state)
{
	struct tg_api api = { .base_url = "http://127.0.0.1:81/", .token = "1:A", .proxy = "socks5h://x" };
	struct http_file file = { "photo", "qr.png", "image/png", STR("PNG") };
	struct http_request r;

	(void)state;
	assert_int_equal(tg_request(&r, &arena, &api, TG_GET_ME, STR("{}"), NULL), OK);
	assert_string_equal(r.url, "http://127.0.0.1:81/bot1:A/getMe");
	assert_true(r.method == HTTP_POST && r.timeout_ms == 30000 && str_is(r.body, "{}") && r.headers_count == 1);
	assert_string_equal(r.proxy, "socks5h://x");
	assert_int_equal(tg_request(&r, &arena, &api, TG_GET_UPDATES, STR("{}"), NULL), OK);
	assert_true(r.timeout_ms >= 60000);
	assert_int_equal(tg_request(&r, &arena, &api, TG_SEND_PHOTO, STR("{\"chat_id\":5,\"caption\":\"a\\nb\",\"silent\":true,\"reply_markup\":{\"a\":[\"/\"]}}"), &file), OK);
	assert_true(r.file == &file && r.fields_count == 4 && r.timeout_ms == 120000);
	assert_string_equal(r.fields[0].name, "chat_id");
	assert_str(r.fields[0].value, "5");
	assert_str(r.fields[1].value, "a\nb");
	assert_str(r.fields[2].value, "true");
	assert_str(r.fields[3].value, "{\"a\":[\"/\"]}");
	assert_int_equal(tg_request(&r, &arena, &api, TG_SEND_PHOTO, STR("7"), &file), E_INVALID);
}

static void test_text_units(void **state)
{
	static const struct { const char *html; size_t units; const char *plain; } cases[] = {
		{ "",                                    0, ""        },
		{ "<b>ab</b>",                           2, "ab"      },
		{ "a &amp; b",                           5, "a & b"   },
		{ "&lt;&gt;&quot;",                      3, "<>\""    },
		{ "&#1081;&#x1F600;",                    3, "й😀"     },
		{ "&nbsp;",                              6, "&nbsp;"  },
		{ "&#;&#x;&#xD800;",                    15, "&#;&#x;&#xD800;" },
		{ "😀й",                                 3, "😀й"     },
		{ "<a href=\"x>y\">z</a>",               1, "z"       },
		{ "1 < 2",                               5, "1 < 2"   },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(tg_text_units(str_of(cases[i].html)), cases[i].units);
		assert_str(tg_text_plain(&arena, str_of(cases[i].html)), cases[i].plain);
	}
	assert_str(tg_text_shorten(&arena, STR("привет"), 6), "привет");
	assert_str(tg_text_shorten(&arena, STR("привет"), 4), "при…");
}

static void test_text_split(void **state)
{
	struct str parts[64];
	size_t n;
	struct buf b;

	(void)state;
	assert_int_equal(tg_text_split(parts, &n, 8, &arena, STR("short"), 20), OK);
	assert_int_equal(n, 1);
	assert_str(parts[0], "short");
	tg_text_split(parts, &n, 8, &arena, STR("0123456789 1\n\n23456789 x"), 20);
	assert_int_equal(n, 2);
	assert_str(parts[0], "0123456789 1");                   /* the empty line wins over the later space */
	assert_str(parts[1], "23456789 x");
	tg_text_split(parts, &n, 8, &arena, STR("<b>0123456789 <i>abcdefghij</i> tail</b>"), 20);
	assert_int_equal(n, 2);
	assert_str(parts[0], "<b>0123456789</b>");
	assert_str(parts[1], "<b><i>abcdefghij</i> tail</b>");
	tg_text_split(parts, &n, 8, &arena, STR("<a href=\"u v\">aaaaaaaaaaaaaaaaaaaaaaaaa</a>&amp;&amp;"), 16);
	assert_int_equal(n, 2);
	assert_str(parts[0], "<a href=\"u v\">aaaaaaaaaaaaaaaa</a>");
	assert_str(parts[1], "<a href=\"u v\">aaaaaaaaa</a>&amp;&amp;");
	tg_text_split(parts, &n, 8, &arena, STR("\n \n"), 16);
	assert_int_equal(n, 0);
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 3000; i++)
		buf_printf(&b, "<b>😀 слово &amp;</b>%s", i % 7 ? "" : "\n");
	assert_int_equal(tg_text_split(parts, &n, 64, &arena, buf_str(&b), TG_TEXT_UNITS_MAX), OK);
	assert_in_range(n, 8, 9);
	for (size_t i = 0; i < n; i++) {
		assert_in_range(tg_text_units(parts[i]), 1, TG_TEXT_UNITS_MAX);
		assert_true(utf8_valid(parts[i]));
	}
	assert_int_equal(tg_text_split(parts, &n, 2, &arena, buf_str(&b), TG_TEXT_UNITS_MAX), E_TOOBIG);
	assert_int_equal(n, 2);
	buf_release(&b);
}

static struct tg_answer answer(int status, const char *body)
{
	struct http_response r = { .status = status, .body = str_of(body) };
	struct tg_answer a;

	tg_answer_read(&a, &arena, &r);
	return a;
}

static void test_verdicts(void **state)
{
	static const struct { int code; const char *text; enum tg_verdict verdict; } cases[] = {
		{ 400, "Bad Request: message is not modified: specified new message content …", TG_NOT_MODIFIED },
		{ 400, "Bad Request: MESSAGE TO EDIT NOT FOUND", TG_EDIT_IMPOSSIBLE },
		{ 400, "Bad Request: message can't be edited", TG_EDIT_IMPOSSIBLE },
		{ 400, "Bad Request: message to delete not found", TG_DELETE_IMPOSSIBLE },
		{ 400, "Bad Request: message to be replied not found", TG_REPLY_GONE },
		{ 400, "Bad Request: query is too old and response timeout expired or query ID is invalid", TG_QUERY_TOO_OLD },
		{ 400, "Bad Request: chat not found", TG_CHAT_NOT_FOUND },
		{ 400, "Bad Request: PEER_ID_INVALID", TG_CHAT_NOT_FOUND },
		{ 400, "Bad Request: can't parse entities: Unsupported start tag \"x\" at byte offset 0", TG_BAD_MARKUP },
		{ 400, "Bad Request: message is too long", TG_TOO_LONG },
		{ 400, "Bad Request: wrong file identifier/HTTP URL specified", TG_BAD_FILE },
		{ 400, "Bad Request: CHARGE_ALREADY_REFUNDED", TG_ALREADY_REFUNDED },
		{ 400, "Bad Request: BUTTON_DATA_INVALID", TG_BAD_REQUEST },
		{ 400, "Bad Request: not enough rights to send text messages to the chat", TG_NO_RIGHTS },
		{ 403, "Forbidden: not enough rights to send text messages to the chat", TG_NO_RIGHTS },
		{ 403, "Forbidden: bot have no rights to send a message", TG_NO_RIGHTS },
		{ 400, "Bad Request: message thread not found", TG_TOPIC_GONE },
		{ 400, "Bad Request: TOPIC_CLOSED", TG_TOPIC_GONE },
		{ 400, "Bad Request: TOPIC_DELETED", TG_TOPIC_GONE },
		{ 400, "Bad Request: USER_IS_BLOCKED", TG_GONE },
		{ 401, "Unauthorized", TG_UNAUTHORIZED },
		{ 403, "Forbidden: bot was blocked by the user", TG_GONE },
		{ 403, "Forbidden: user is deactivated", TG_GONE },
		{ 403, "Forbidden: bot was kicked from the supergroup chat", TG_GONE },
		{ 404, "Not Found", TG_UNAUTHORIZED },
		{ 404, "Not Found: method not found", TG_BAD_REQUEST },
		{ 409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first", TG_CONFLICT_WEBHOOK },
		{ 409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running", TG_CONFLICT_POLLER },
		{ 500, "Internal Server Error: restart", TG_SERVER },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf b;
		struct json_out j;

		buf_init(&b, 4096);
		json_out_init(&j, &b);
		json_open(&j, '{');
		json_put_bool(&j, "ok", false);
		json_put_i64(&j, "error_code", cases[i].code);
		json_put_cstr(&j, "description", cases[i].text);
		json_close(&j, '}');
		if (answer(cases[i].code, buf_cstr(&b)).verdict != cases[i].verdict)
			fail_msg("%s", cases[i].text);
		buf_release(&b);
	}
}

static void test_verdicts_with_values(void **state)
{
	struct tg_answer a = answer(429, "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 17\",\"parameters\":{\"retry_after\":17}}");
	struct http_response r = { .status = 429, .body = STR("<html>"), .headers = { { "retry-after", "4" } }, .headers_count = 1 };

	(void)state;
	assert_true(a.verdict == TG_RETRY_AFTER && a.retry_after_ms == 17000);
	tg_answer_read(&a, &arena, &r);
	assert_true(a.verdict == TG_RETRY_AFTER && a.retry_after_ms == 4000);
	a = answer(400, "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat was upgraded to a supergroup chat\",\"parameters\":{\"migrate_to_chat_id\":-1002233445566}}");
	assert_true(a.verdict == TG_MIGRATED && a.migrate_to_chat_id == INT64_C(-1002233445566));
	assert_int_equal(answer(502, "<html>Bad Gateway</html>").verdict, TG_SERVER);
	assert_int_equal(answer(504, "<html>").verdict, TG_UNKNOWN_OUTCOME);
	assert_int_equal(answer(200, "{\"ok\":tr").verdict, TG_UNKNOWN_OUTCOME);
	r = (struct http_response){ .failure = HTTP_FAIL_CONNECT, .certain_unsent = true };
	tg_answer_read(&a, &arena, &r);
	assert_int_equal(a.verdict, TG_NETWORK_UNSENT);
	r = (struct http_response){ .failure = HTTP_FAIL_TIMEOUT };
	tg_answer_read(&a, &arena, &r);
	assert_int_equal(a.verdict, TG_UNKNOWN_OUTCOME);
	for (int v = TG_OK; v <= TG_UNKNOWN_OUTCOME; v++)
		assert_true(strlen(tg_verdict_name((enum tg_verdict)v)) > 1);
}

static void test_results(void **state)
{
	struct tg_answer a = answer(200, "{\"ok\":true,\"result\":{\"message_id\":12,\"chat\":{\"id\":5},\"photo\":[{\"file_id\":\"s\"},{\"file_id\":\"l\"}]}}");
	struct tg_transaction t[TG_TRANSACTIONS_MAX];
	size_t n;

	(void)state;
	assert_true(a.verdict == TG_OK && a.message_id == 12 && a.chat_id == 5);
	assert_str(a.file_id, "l");
	a = answer(200, "{\"ok\":true,\"result\":{\"id\":777000,\"is_bot\":true,\"username\":\"demo_shop_bot\"}}");
	assert_true(a.bot_id == 777000);
	assert_str(a.bot_username, "demo_shop_bot");
	assert_str(answer(200, "{\"ok\":true,\"result\":{\"url\":\"https://x.y/hook\",\"pending_update_count\":3}}").webhook_url, "https://x.y/hook");
	assert_str(answer(200, "{\"ok\":true,\"result\":\"https://t.me/$abc\"}").text, "https://t.me/$abc");
	assert_int_equal(answer(200, "{\"ok\":true,\"result\":true}").verdict, TG_OK);
	assert_int_equal(tg_transactions_read(t, &n, countof(t), &arena, STR("{\"ok\":true,\"result\":{\"transactions\":["
		"{\"id\":\"c1\",\"amount\":350,\"date\":1793612060,\"source\":{\"type\":\"user\",\"transaction_type\":\"invoice_payment\",\"user\":{\"id\":777000111},\"invoice_payload\":\"inv_1\"}},"
		"{\"id\":\"c1\",\"amount\":350,\"date\":1793612070,\"receiver\":{\"type\":\"user\",\"transaction_type\":\"invoice_payment\",\"user\":{\"id\":777000111},\"invoice_payload\":\"inv_1\"}},"
		"{\"id\":\"w\",\"amount\":9,\"date\":1,\"receiver\":{\"type\":\"fragment\",\"withdrawal_state\":{\"type\":\"pending\"}}}]}}")), OK);
	assert_int_equal(n, 3);
	assert_true(t[0].incoming && t[0].is_invoice && t[0].amount == 350 && t[0].user_id == 777000111 && t[0].date_ms == INT64_C(1793612060000));
	assert_str(t[0].payload, "inv_1");
	assert_true(!t[1].incoming && t[1].is_invoice && str_eq(t[0].id, t[1].id));
	assert_true(!t[2].incoming && !t[2].is_invoice && t[2].user_id == 0);
	assert_int_equal(tg_transactions_read(t, &n, countof(t), &arena, STR("{\"ok\":true,\"result\":[]}")), E_INVALID);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_update_text, ""),
		proves(test_update_callback, ""),
		proves(test_update_money, ""),
		proves(test_update_rest, ""),
		proves(test_update_unknown, ""),
		proves(test_update_damage, ""),
		proves(test_update_bounds, ""),
		proves(test_opaque_bounds, ""),
		proves(test_command, ""),
		proves(test_keyboard, ""),
		proves(test_payloads, ""),
		proves(test_request, ""),
		proves(test_text_units, ""),
		proves(test_text_split, ""),
		proves(test_verdicts, ""),
		proves(test_verdicts_with_values, ""),
		proves(test_results, ""),
	};

	return cmocka_run_group_tests_name("telegram", tests, open_arena, close_arena);
}
