/* Bad input to a shop that runs: each has a clear answer, and nothing else changes. */
#include "tests/unit/proves.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/store/db.h"
#include "tests/e2e/customer.h"
#include "tests/e2e/prepare.h"

static struct rig *open_shop(void)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" }, .crypto_pay = true });

	prepare_shop(r);
	rig_set(r, "LOG_LEVEL", "debug");
	rig_start(r);
	return r;
}

/* It still sells, and the books are right. */
static void end(struct rig *r)
{
	int64_t bob = customer_new(r, "Bob");

	customer_order(r, bob, "Telegram Stars");
	customer_pay(r, bob);
	customer_gets_once(r, bob);
	rig_assert_sound(r);
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

/* --- callbacks --- */

static int post(struct rig *r, const char *path, size_t bytes)
{
	char *body = xmalloc(bytes);
	int status;

	memset(body, 'x', bytes);
	status = rig_http(r, "public", &(struct http_request){ .method = HTTP_POST, .body = str_n(body, bytes) }, path)->status;
	free(body);
	return status;
}

static int get(struct rig *r, const char *listener, const char *path)
{
	return rig_http(r, listener, &(struct http_request){ .method = HTTP_GET }, path)->status;
}

static void test_requests_that_are_none(void **state)
{
	struct rig *r = open_shop();
	struct arena arena = { 0 };
	const char *path = prepare_callback_path(r, &arena);

	(void)state;
	assert_int_equal(post(r, path, (size_t)2 << 20), 413);
	assert_int_equal(post(r, "/cb/crypto_pay/guessed", 10), 404);
	assert_int_equal(post(r, "/cb/nobody/x", 10), 404);
	assert_int_equal(get(r, "public", "/"), 404);
	assert_int_equal(get(r, "public", path), 405);
	assert_int_equal(get(r, "public", "/metrics"), 404); /* the two listeners never answer each other's paths */
	assert_int_equal(get(r, "admin", path), 404);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM payments"), 0);
	arena_release(&arena);
	end(r);
}

static const struct {
	enum cryptopay_lie lie;
	int status_min, status_max;
} lies[] = {
	{ CRYPTOPAY_OTHER_KEY, 401, 403 }, { CRYPTOPAY_UNSIGNED, 401, 403 }, { CRYPTOPAY_EMPTY, 401, 403 }, { CRYPTOPAY_CHANGED, 401, 403 },
	{ CRYPTOPAY_NOT_PAID, 200, 200 }, { CRYPTOPAY_OTHER_UPDATE, 200, 200 },
};

static void order_by_page(struct rig *r, int64_t user, struct cryptopay_view *invoice, struct arena *arena)
{
	customer_order(r, user, "Crypto Bot");
	UNTIL(r, rig_number(r, "SELECT count(*) FROM invoices WHERE state='pending' AND url IS NOT NULL") == 1);
	assert_true(cryptopay_sim_find(invoice, NULL, r->cryptopay, rig_text(r, arena, "SELECT public_id FROM invoices")));
}

static void test_callbacks_that_lie(void **state)
{
	struct rig *r = open_shop();
	int64_t anna = customer_new(r, "Anna");
	struct arena arena = { 0 };
	struct cryptopay_view invoice;

	(void)state;
	order_by_page(r, anna, &invoice, &arena);
	for (size_t i = 0; i < countof(lies); i++) {
		struct cryptopay_callback callback;
		int status;

		assert_int_equal(cryptopay_sim_make_callback(&callback, r->cryptopay, &arena, invoice.id, lies[i].lie, clock_now_ms()), OK);
		status = prepare_deliver(r, &callback);
		if (status < lies[i].status_min || status > lies[i].status_max)
			fail_msg("lie %zu is answered %d", i, status);
	}
	assert_int_equal(rig_number(r, "SELECT count(*) FROM payments"), 0);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM ledger"), 0);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM orders WHERE state='open'"), 1);
	assert_int_equal(customer_clients(r, anna), 0);
	arena_release(&arena);
	end(r);
}

/* The same true callback three times at once: one payment, one delivery. */
static void test_a_callback_three_times(void **state)
{
	struct rig *r = open_shop();
	int64_t anna = customer_new(r, "Anna");
	struct arena arena = { 0 };
	struct cryptopay_callback callback;
	struct cryptopay_view invoice;

	(void)state;
	order_by_page(r, anna, &invoice, &arena);
	assert_int_equal(cryptopay_sim_pay(r->cryptopay, invoice.id, "USDT", clock_now_ms()), OK);
	assert_true(cryptopay_sim_take_callback(&callback, r->cryptopay, &arena, clock_now_ms()));
	for (int i = 0; i < 3; i++)
		assert_int_equal(prepare_deliver(r, &callback), 200);
	customer_gets_once(r, anna);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM payments"), 1);
	arena_release(&arena);
	end(r);
}

/* --- broken peers --- */

static void test_broken_answers_from_everybody(void **state)
{
	const struct sim_trouble cut = { .cut_at = 25 };
	struct rig *r = open_shop();
	int64_t anna = customer_new(r, "Anna"), carl = customer_new(r, "Carl");

	(void)state;
	botapi_add_rule(r->telegram, &(struct botapi_rule){ .method = "getUpdates", .times = 1, .fault = BOTAPI_NETWORK, .trouble = cut, .after = true });
	botapi_add_rule(r->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 1, .fault = BOTAPI_HTML_502 });
	botapi_add_rule(r->telegram, &(struct botapi_rule){ .method = "sendInvoice", .times = 1, .fault = BOTAPI_NETWORK, .trouble = cut, .after = true });
	panel_sim_add_rule(r->panels[0].sim, &(struct panel_rule){ .route = "clients/add", .times = 1, .fault = PANEL_WRONG_JSON, .after = true });
	panel_sim_add_rule(r->panels[0].sim, &(struct panel_rule){ .route = "clients/get", .times = 1, .fault = PANEL_WRONG_JSON, .text = "{\"success\":true,\"obj\":[[[" });
	cryptopay_sim_add_rule(r->cryptopay, &(struct cryptopay_rule){ .method = "createInvoice", .times = 1, .fault = CRYPTOPAY_WRONG_JSON });

	customer_order(r, anna, "Telegram Stars");
	customer_order(r, carl, "Crypto Bot");
	customer_pay(r, anna);
	customer_gets_once(r, anna);
	UNTIL(r, rig_number(r, "SELECT count(*) FROM invoices WHERE provider='crypto_pay' AND state='pending' AND url IS NOT NULL") == 1);
	end(r);
}

static void test_updates_nobody_knows(void **state)
{
	static const char *const updates[] = {
		"\"mystery\":{\"deep\":[1,2,{\"x\":null}]}", "\"message\":{}", "\"message\":null", "\"message\":\"text\"", "\"callback_query\":{\"id\":7}",
		"\"message\":{\"message_id\":\"nine\",\"chat\":{\"id\":\"x\"},\"date\":-1,\"text\":[]}", "\"pre_checkout_query\":{\"id\":\"1\"}",
		"\"my_chat_member\":{\"chat\":[]}",
	};
	struct rig *r = open_shop();
	int64_t payments;

	(void)state;
	customer_new(r, "Anna");
	for (size_t i = 0; i < countof(updates); i++)
		botapi_push_raw(r->telegram, updates[i]);
	serve_changed(r->serve);
	UNTIL(r, botapi_updates_waiting(r->telegram) == 0); /* confirmed: none of them comes again */
	payments = rig_number(r, "SELECT count(*) FROM payments WHERE state='applied'");
	assert_int_equal(payments, 0);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM inbox WHERE state=2"), 0);
	end(r);
}

/* --- people --- */

static const char *const names[] = {
	"Анна-Мария \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80", "\xE2\x80\xAE\xD9\x85\xD8\xAD\xD9\x85\xD8\xAF\xE2\x80\xAC <b>&amp;\"'", "   ",
	"{{name}} %s %n ../../etc", "\xE2\x80\x8F\xD8\xB9\xD9\x84\xDB\x8C",
};

static void test_names_of_all_kinds(void **state)
{
	struct rig *r = open_shop();
	char long_name[1201] = "";
	int64_t people[countof(names) + 1];

	(void)state;
	for (int i = 0; i < 300; i++)
		memcpy(long_name + 4 * i, "\xF0\x9F\x8E\x89", 5); /* 300 emoji */
	for (size_t i = 0; i < countof(people); i++)
		people[i] = customer_new(r, i < countof(names) ? names[i] : long_name);
	for (size_t i = 0; i < countof(people); i++)
		customer_order(r, people[i], "Telegram Stars");
	for (size_t i = 0; i < countof(people); i++)
		customer_pay(r, people[i]);
	for (size_t i = 0; i < countof(people); i++)
		customer_gets_once(r, people[i]);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM accesses WHERE email GLOB '*[^a-zA-Z0-9._-]*'"), 0);
	end(r);
}

static void test_start_with_codes(void **state)
{
	static const char *const forged[] = { "r_AAAAAAAA", "AAAAAAAA", "p_99", "o_A7K29QX4M1", "a_00000000000000000000000000", "r_", "_", "x_\xD0\xB6", "a_' OR 1=1 --" };
	struct rig *r = open_shop();
	int64_t anna = customer_new(r, "Anna");
	struct arena arena = { 0 };
	const char *own;

	(void)state;
	customer_say(r, anna, "/invite");
	UNTIL(r, rig_number(r, "SELECT count(*) FROM users WHERE referral_code IS NOT NULL AND first_name='Anna'") == 1);
	own = rig_text(r, &arena, "SELECT referral_code FROM users WHERE first_name='Anna'");
	customer_say(r, anna, arena_printf(&arena, "/start r_%s", own));
	for (size_t i = 0; i < countof(forged); i++)
		customer_say(r, anna, arena_printf(&arena, "/start %s", forged[i]));
	UNTIL(r, botapi_updates_waiting(r->telegram) == 0);
	rig_settle(r);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM users WHERE referred_by IS NOT NULL OR is_admin=1"), 0);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM orders"), 0);
	arena_release(&arena);
	end(r);
}

/* Old, unknown, mutilated and other people's: an answer each, the current screen, and nothing happens. */
static void test_taps_from_elsewhere(void **state)
{
	static const char *const taps[] = {
		"buy:99:stars", "buy::", "plan:1:1:1:1", "pay:A7K29QX4M1:stars", "cancel:A7K29QX4M1", "sub:A7K29QX4M1", "revoke:A7K29QX4M1:1.1", "v1|buy|7", "",
		":", "home:home:home", "yes:0", "a_panel:1", "a_pdel:1", "a_ban:1", "a_refund:1", "a_sus:1:deliver", "a_set:maintenance", "answer:1", "a_grant:1:1",
	};
	struct rig *r = open_shop();
	int64_t anna = customer_new(r, "Anna"), mallory = customer_new(r, "Mallory"), message_id;
	struct arena arena = { 0 };
	const char *annas;

	(void)state;
	customer_order(r, anna, "Telegram Stars");
	UNTIL(r, customer_bill(r, anna));
	annas = rig_text(r, &arena, "SELECT public_id FROM orders");
	message_id = botapi_last(r->telegram, mallory)->id;
	for (size_t i = 0; i < countof(taps) + 1; i++) {
		size_t answered = botapi_calls(r->telegram, "answerCallbackQuery");

		botapi_tap_data(r->telegram, mallory, message_id, i < countof(taps) ? taps[i] : arena_printf(&arena, "cancel:%s", annas));
		serve_changed(r->serve);
		UNTIL(r, botapi_calls(r->telegram, "answerCallbackQuery") == answered + 1);
	}
	rig_settle(r);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM orders WHERE state='open'"), 1);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM orders"), 1);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM audit WHERE actor_id IS NOT NULL"), 0);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM panels WHERE deleted_ms=0 AND state='ok'"), 1);
	arena_release(&arena);
	end(r);
}

/* --- secrets --- */

struct tokens {
	char text[2][128];
};

static bool keep_tokens(void *ctx, const struct panel_client_view *client)
{
	struct tokens *t = ctx;

	snprintf(t->text[0], sizeof t->text[0], "%.*s", STR_ARG(client->id));
	snprintf(t->text[1], sizeof t->text[1], "%.*s", STR_ARG(client->sub_id));
	return false;
}

static void not_in_log(struct rig *r, const char *what, const char *secret)
{
	if (str_has(rig_log(r), secret))
		fail_msg("the log holds %s", what);
}

/* Nor in any call to Telegram, and sealed in the database: not in its file, nor its journal, nor beside it. */
static void nowhere(struct rig *r, const char *what, const char *secret)
{
	struct buf where;

	not_in_log(r, what, secret);
	for (size_t i = 0; i < botapi_calls(r->telegram, NULL); i++)
		if (str_has(botapi_call_nth(r->telegram, NULL, i)->payload, secret))
			fail_msg("a chat holds %s", what);
	buf_init(&where, 4096);
	if (rig_find_secret(r, &where, secret))
		fail_msg("%s stands in clear in %s", what, buf_cstr(&where));
	buf_release(&where);
}

/* A day at the shop with everything that makes words: log level debug, failures of each peer, a callback, an admin who looks. */
static void test_nothing_confidential_in_logs_and_chats(void **state)
{
	static const char *const looks[] = { "/panels", "/panel 1", "/panel_log 1", "/orders", "/payments", "/user Anna", "/settings", "/audit", "/health 1" };
	struct rig *r = open_shop();
	int64_t anna = customer_new(r, "Anna");
	struct tokens tokens = { .text = { "", "" } };

	(void)state;
	panel_sim_add_rule(r->panels[0].sim, &(struct panel_rule){ .route = "clients/add", .times = 1, .fault = PANEL_HTML_502, .after = true });
	panel_sim_add_rule(r->panels[0].sim, &(struct panel_rule){ .route = "clients/get", .nth = 3, .times = 1, .fault = PANEL_LOGOUT });
	botapi_add_rule(r->telegram, &(struct botapi_rule){ .method = "sendMessage", .nth = 2, .times = 1, .fault = BOTAPI_500 });
	customer_order(r, anna, "Telegram Stars");
	customer_pay(r, anna);
	customer_gets_once(r, anna);
	customer_say(r, RIG_ADMIN, "/start");
	for (size_t i = 0; i < countof(looks); i++)
		customer_say(r, RIG_ADMIN, looks[i]);
	UNTIL(r, botapi_updates_waiting(r->telegram) == 0);
	rig_settle(r);
	panel_sim_each_client(r->panels[0].sim, 0, keep_tokens, &tokens);
	assert_true(tokens.text[0][0] && tokens.text[1][0]);
	nowhere(r, "the panel's password", RIG_PANEL_PASSWORD);
	nowhere(r, "the provider's token", RIG_CRYPTOPAY_TOKEN);
	nowhere(r, "the bot's token", BOTAPI_TOKEN);
	not_in_log(r, "a client's UUID", tokens.text[0]);
	not_in_log(r, "a client's subscription", tokens.text[1]);
	not_in_log(r, "a link", "vless://");
	end(r);
}

/* --- copies --- */

/* A copy while people come and buy; put in an empty place with the key typed, it is the shop. */
static void test_backup_under_load_and_restore(void **state)
{
	struct rig *r = open_shop();
	int64_t anna = customer_new(r, "Anna"), payments, people;
	struct arena arena = { 0 };
	struct buf out, key;

	(void)state;
	customer_order(r, anna, "Telegram Stars");
	customer_pay(r, anna);
	for (int i = 0; i < 60; i++)
		botapi_say(r->telegram, botapi_user_new(r->telegram, "Guest", NULL, "en"), "/start");
	serve_changed(r->serve);
	UNTIL(r, rig_number(r, "SELECT count(*) FROM users") > 20);
	people = rig_number(r, "SELECT count(*) FROM users"); /* what is committed is in the copy, wherever it stands */
	buf_init(&out, 65536);
	buf_init(&key, 256);
	assert_int_equal(rig_run(r, &out, NULL, (const char *const[]){ "backup", "copy.db", NULL }), 0);
	assert_true(str_has(buf_str(&out), "needs key"));
	if (rig_find_secret(r, &out, RIG_PANEL_PASSWORD) || rig_find_secret(r, &out, RIG_CRYPTOPAY_TOKEN))
		fail_msg("in clear: %s", buf_cstr(&out));
	assert_int_equal(rig_run(r, NULL, NULL, (const char *const[]){ "backup", "copy.db", NULL }), 1); /* never over something */
	assert_int_equal(rig_run(r, &key, NULL, (const char *const[]){ "key", NULL }), 0);
	customer_gets_once(r, anna);
	assert_int_equal(rig_stop(r), 0);

	/* elsewhere: no database, no key */
	assert_int_equal(mkdir(rig_path(r, "new"), 0700), 0);
	rig_set(r, "DATABASE_URL", "sqlite:new/obol.db");
	assert_int_equal(rig_run(r, NULL, "not the key\n", (const char *const[]){ "restore", "copy.db", NULL }), 1);
	assert_int_equal(rig_read(r, "new/obol.db").len, 0);
	buf_clear(&out);
	if (rig_run(r, &out, buf_cstr(&key), (const char *const[]){ "restore", "copy.db", NULL }) != 0)
		fail_msg("%s", buf_cstr(&out));
	free(r->database);
	r->database = xstrdup(rig_path(r, "new/obol.db"));
	payments = rig_number(r, "SELECT count(*) FROM payments");
	assert_in_range(payments, 0, 1);
	assert_true(rig_number(r, "SELECT count(*) FROM users") >= people);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM orders"), 1);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM plans"), 1);
	rig_start(r);
	UNTIL(r, rig_logged(r, "telegram.ready"));
	/* sealed values open with that key: the panel is reached, and the client that stands there is not made twice */
	UNTIL(r, rig_number(r, "SELECT count(*) FROM panels WHERE state='ok'") == 1);
	assert_int_equal(panel_sim_drift(r->panels[0].sim, NULL), 0);
	buf_release(&out);
	buf_release(&key);
	arena_release(&arena);
	end(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_requests_that_are_none, "R290"),
		proves(test_callbacks_that_lie, "R196"),
		proves(test_a_callback_three_times, "R197"),
		proves(test_broken_answers_from_everybody, ""),
		proves(test_updates_nobody_knows, ""),
		proves(test_names_of_all_kinds, ""),
		proves(test_start_with_codes, ""),
		proves(test_taps_from_elsewhere, ""),
		proves(test_nothing_confidential_in_logs_and_chats, "R002 R288"),
		proves(test_backup_under_load_and_restore, "R015 R118"),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* NULL: all */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
