/* What customers are told about their money when the chat could not be written to for a while, and what they agree to pay. */
#include "tests/unit/screens_world.h"

/* --- what is paid is what was shown --- */

/* The order of before stands, dearer or cheaper than today: it is shown, and nothing asks for money until then (B14). */
static void test_other_price_is_shown(void **state)
{
	static const int64_t today[] = { 400, 200 };
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:1:stars");
	for (size_t i = 0; i < countof(today); i++) {
		sql(arena_printf(&w.arena, "UPDATE plan_prices SET amount_minor=%lld WHERE plan_id=1 AND currency='XTR'", (long long)today[i]));
		botapi_clear_calls(w.telegram);
		tap(anna, "buy:1:stars");
		assert_shows(live_message(anna), "at another price");
		assert_shows(live_message(anna), "300");
		assert_int_equal(botapi_calls(w.telegram, "sendinvoice"), 0);
	}
}

static const struct { const char *now, *shows; } plans_now[] = {
	{ "UPDATE plan_prices SET amount_minor=200 WHERE plan_id=1 AND currency='XTR'", "at another price" },
	{ "UPDATE plan_prices SET amount_minor=300 WHERE plan_id=1 AND currency='XTR'; UPDATE plans SET days=10 WHERE id=1", "the plan was another" },
	{ "UPDATE plans SET days=30, quota_bytes=1073741824 WHERE id=1", "the plan was another" },
	{ "UPDATE plans SET quota_bytes=107374182400, limit_ip=1 WHERE id=1", "the plan was another" },
};

/* The same for what one gets for it, when buying and when renewing. */
static void test_other_terms_are_shown(void **state)
{
	(void)state;
	for (int renewal = 0; renewal < 2; renewal++) {
		int64_t anna = person("Anna", "en");
		char *pay;

		sql("UPDATE plans SET limit_ip=3 WHERE id=1");
		say(anna, "/start");
		if (renewal)
			buys(anna, "1");
		pay = renewal ? arena_printf(&w.arena, "renewpay:%s:1.stars", sub_of(anna)) : arena_printf(&w.arena, "buy:1:stars");
		tap(anna, pay);
		for (size_t i = 0; i < countof(plans_now); i++) {
			sql(plans_now[i].now);
			botapi_clear_calls(w.telegram);
			tap(anna, pay);
			assert_shows(live_message(anna), plans_now[i].shows);
			assert_shows(live_message(anna), "30 days");
			assert_shows(live_message(anna), "100" NBSP "GB");
			assert_shows(live_message(anna), "3 devices");
			assert_int_equal(botapi_calls(w.telegram, "sendinvoice"), 0);
		}
		sql("UPDATE plans SET limit_ip=3 WHERE id=1");
		if (!renewal) /* what is not shown, as it does not matter here, is no difference */
			sql("UPDATE plans SET early=CASE early WHEN 'keep' THEN 'restart' ELSE 'keep' END WHERE id=1");
		tap(anna, pay); /* again as it was: asked for at once */
		assert_int_equal(botapi_calls(w.telegram, "sendinvoice"), 1);
	}
}

/* While the shop is closed nothing takes money: not an order of before, not a renewal. */
static void test_closed_for_open_orders(void **state)
{
	int64_t anna = person("Anna", "en");
	const char *tries[3];

	(void)state;
	buys(anna, "1");
	tap(anna, "buy:1:stars");
	tries[0] = arena_printf(&w.arena, "pay:%s:stars", text_of("SELECT public_id FROM orders WHERE state='open'"));
	tries[1] = arena_printf(&w.arena, "pay:%s:crypto_pay", text_of("SELECT public_id FROM orders WHERE state='open'"));
	tries[2] = arena_printf(&w.arena, "renewpay:%s:1.stars", sub_of(anna));
	sql("UPDATE invoices SET state='expired' WHERE state='pending'; INSERT INTO settings(key, value) VALUES('maintenance', '1')");
	botapi_clear_calls(w.telegram);
	for (size_t i = 0; i < countof(tries); i++) {
		tap(anna, tries[i]);
		assert_shows(live_message(anna), "The shop is being looked after");
	}
	assert_int_equal(botapi_calls(w.telegram, "sendinvoice"), 0);
	assert_int_equal(count("SELECT count(*) FROM invoices WHERE state IN ('created', 'pending')"), 0);
}

/* Moving asks as all does that cannot be undone: the old link dies with it (R281). */
static void test_move_asks(void **state)
{
	static const char moves[] = "SELECT count(*) FROM accesses WHERE replaces_id IS NOT NULL";
	int64_t anna = person("Anna", "en");
	char *yes, *ask;

	(void)state;
	sql("INSERT INTO panels(id, name, url, state, created_ms) VALUES(2, 'B', 'http://other.test', 'ok', 0);"
		"INSERT INTO inbounds(panel_id, inbound_id, remark, protocol, port, listen, enabled, for_sale, body, seen_ms)"
		" VALUES(2, 7, 'in', 'vless', 443, '', 1, 1, '{}', 0)");
	buys(anna, "1");
	w.panel_down = true; /* it stays on its way */
	say(anna, "/my");
	ask = arena_printf(&w.arena, "move:%s", sub_of(anna));
	tap(anna, arena_printf(&w.arena, "%s:%s", ask, count("SELECT panel_id FROM accesses") == 1 ? "2" : "1"));
	assert_shows(live_message(anna), "Where shall it run?");
	assert_int_equal(count(moves), 0);
	yes = str_dup(&w.arena, button_of(live_message(anna), arena_printf(&w.arena, "%s:", ask))->data);
	memnet_advance_ms(w.net, CONFIRM_MS + SECOND_MS);
	tap(anna, yes);
	assert_int_equal(count(moves), 0);
	tap(anna, str_dup(&w.arena, button_of(live_message(anna), arena_printf(&w.arena, "%s:", ask))->data));
	assert_int_equal(count(moves), 1);
}

/* Whoever has more than a screen holds is told so, and how to come to the rest. */
static void test_more_than_a_screen(void **state)
{
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en");

	(void)state;
	buys(anna, "1");
	buys(boris, "1");
	sql("WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i+1 FROM n WHERE i<153) INSERT INTO subscriptions(id, public_id, user_id, plan_id, sub_id, uuid, password, expires_ms,"
		" quota_bytes, limit_ip, reset_days, created_ms, updated_ms) SELECT i, 'SVB' || (1000000+i), user_id, plan_id, 's' || i, 'u' || i, 'p', 0, 0, 0, 0, 1, 1 FROM subscriptions, n"
		" WHERE id=1");
	say(anna, "/my");
	assert_shows(live_message(anna), "5 older ones are not shown here");
	say(boris, "/my");
	assert_false(shows(live_message(boris), "not shown here"));
}

/* --- the chat cannot be written to for a while --- */

static void silence(int64_t user)
{
	botapi_add_rule(w.telegram, &(struct botapi_rule){ .chat_id = user, .fault = BOTAPI_429, .retry_after_s = 20 });
}

static void silence_ends(void)
{
	botapi_clear_rules(w.telegram);
	run_ms(2 * MINUTE_MS);
}

static bool told(int64_t user, const char *part)
{
	return botapi_find_text(w.telegram, user, part) != NULL;
}

static const char *kind;

static enum err remind(struct act *a)
{
	struct subscription s;
	struct user u;
	enum err e = sub_get(&s, a, count("SELECT max(id) FROM subscriptions"));

	if (!e)
		e = user_get(&u, a, s.user_id);
	return e ? e : screens_remind(a, &u, &(struct reminder){ .sub = &s, .kind = kind });
}

/* Paid before the reminder could be sent: it is not sent. */
static void test_no_reminder_after_paying(void **state)
{
	int64_t anna = person("Anna", "en");
	const struct botapi_message *m;

	(void)state;
	buys(anna, "1");
	tap(anna, arena_printf(&w.arena, "renewpay:%s:1.stars", sub_of(anna)));
	m = last(anna);
	assert_int_equal(m->invoice_stars, 300);
	silence(anna);
	kind = "1d";
	inside(remind);
	assert_int_equal(count("SELECT count(*) FROM outbox"), 1);
	botapi_clear_rules(w.telegram);
	botapi_add_rule(w.telegram, &(struct botapi_rule){ .method = "sendMessage", .chat_id = anna, .fault = BOTAPI_429, .retry_after_s = 20 });
	botapi_pay(w.telegram, anna, m->id);
	run_ms(5000);
	silence_ends();
	assert_true(told(anna, "Renewed: Month"));
	assert_false(told(anna, "ends in 1 day"));
}

/* Telegram was away for a day: what was about to end has ended, and its reminder says something else. */
static void test_no_reminder_of_yesterday(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	buys(anna, "1");
	silence(anna);
	kind = "3d";
	inside(remind);
	assert_int_equal(count("SELECT count(*) FROM outbox"), 1);
	memnet_advance_ms(w.net, 13 * HOUR_MS);
	silence_ends();
	assert_false(told(anna, "ends in 3 days"));
	assert_int_equal(count("SELECT count(*) FROM outbox"), 0);
}

/* Somebody has bought and was given it, and Telegram takes no message yet that says so. */
static int64_t delivered_untold(void)
{
	int64_t anna = person("Anna", "en");

	say(anna, "/start");
	tap(anna, "buy:1:stars");
	inside(NULL);
	botapi_add_rule(w.telegram, &(struct botapi_rule){ .method = "sendMessage", .chat_id = anna, .fault = BOTAPI_429, .retry_after_s = 20 });
	botapi_pay(w.telegram, anna, last(anna)->id);
	run_ms(3000);
	assert_string_equal(text_of("SELECT state FROM orders"), "delivered");
	return anna;
}

static enum err give_back(struct act *a)
{
	struct user admin;
	enum err e = user_by_telegram(&admin, a, ADMIN_ID);

	return e ? e : refund_start(a, count("SELECT max(id) FROM payments"), &admin, "test");
}

/* The money went back before the link could be sent: "it is ready" is not said of what has ended. */
static void test_not_ready_after_the_refund(void **state)
{
	int64_t anna = delivered_untold();

	(void)state;
	inside(give_back);
	run_ms(10000);
	assert_string_equal(text_of("SELECT state FROM orders"), "refunded");
	silence_ends();
	assert_true(told(anna, "back for order"));
	assert_false(told(anna, "Your access is ready"));
	assert_false(told(anna, "vless://"));
}

static enum err second_goes_back(struct act *a)
{
	static char provider[] = "stars";

	return screens_pay_hooks.refunded(a, &(struct payment_row){ .id = 2, .user_id = count("SELECT user_id FROM orders"), .provider = provider,
		.amount_minor = 300, .currency = "XTR", .order_id = count("SELECT id FROM orders") });
}

/* Where it was paid twice and the second payment goes back, what the first has bought is still told. */
static void test_ready_although_the_second_goes_back(void **state)
{
	int64_t anna = delivered_untold();

	(void)state;
	inside(second_goes_back);
	silence_ends();
	assert_true(told(anna, "back for order"));
	assert_true(told(anna, "Your access is ready"));
	assert_true(told(anna, "vless://"));
}

/* "It takes longer" is not said of what is ready. */
static void test_not_waiting_when_ready(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:1:stars");
	w.panel_down = true;
	botapi_add_rule(w.telegram, &(struct botapi_rule){ .method = "sendMessage", .chat_id = anna, .fault = BOTAPI_429, .retry_after_s = 20 });
	botapi_pay(w.telegram, anna, last(anna)->id);
	run_ms(8000);
	w.panel_down = false;
	run_ms(8000);
	assert_string_equal(text_of("SELECT state FROM orders"), "delivered");
	silence_ends();
	assert_true(told(anna, "Your access is ready"));
	assert_false(told(anna, "Your payment is safe"));
}

/* What asks for money is taken back when the order is paid another way, or canceled. */
static void test_nothing_asks_for_what_is_paid(void **state)
{
	(void)state;
	for (int canceled = 0; canceled < 2; canceled++) {
		int64_t anna = person("Anna", "en");
		char *order;

		say(anna, "/start");
		tap(anna, "buy:1:stars");
		order = text_of(arena_printf(&w.arena, "SELECT public_id FROM orders WHERE user_id=(SELECT id FROM users WHERE telegram_id=%lld)", (long long)anna));
		silence(anna);
		botapi_tap_data(w.telegram, anna, live(anna), arena_printf(&w.arena, "pay:%s:stars", order)); /* once more: a second invoice waits */
		run_ms(3000);
		assert_int_equal(count("SELECT count(*) FROM outbox WHERE method='sendInvoice'"), 1);
		if (canceled)
			botapi_tap_data(w.telegram, anna, live(anna), arena_printf(&w.arena, "cancel:%s", order));
		else
			botapi_pay(w.telegram, anna, last(anna)->id);
		run_ms(3000);
		botapi_clear_calls(w.telegram);
		silence_ends();
		assert_int_equal(botapi_calls(w.telegram, "sendinvoice"), 0);
	}
}

/* Paid twice in two currencies before it could be delivered: the message names the money that completed the order. */
static void test_receipt_names_its_own_money(void **state)
{
	int64_t anna = person("Anna", "en");
	struct cryptopay_view page;

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:1:crypto_pay");
	run_ms(5000);
	assert_true(cryptopay_sim_find(&page, NULL, w.crypto_pay, text_of("SELECT public_id FROM invoices")));
	tap(anna, arena_printf(&w.arena, "pay:%s:stars", text_of("SELECT public_id FROM orders")));
	w.panel_down = true;
	botapi_pay(w.telegram, anna, last(anna)->id);
	run_ms(3000);
	assert_shows(botapi_find_text(w.telegram, anna, "Received"), "300");
	assert_false(shows(botapi_find_text(w.telegram, anna, "Received"), "4.99"));
	assert_int_equal(cryptopay_sim_pay(w.crypto_pay, page.id, "USDT", memnet_now_ms(w.net)), OK);
	run_ms(2 * MINUTE_MS);
	assert_int_equal(count("SELECT count(*) FROM suspense"), 1);
	w.panel_down = false;
	run_ms(2 * MINUTE_MS);
	assert_shows(botapi_find_text(w.telegram, anna, "Your access is ready"), "300");
	assert_false(shows(botapi_find_text(w.telegram, anna, "Your access is ready"), "4.99"));
}

/* --- web accounts --- */

static enum err stolen(struct act *a)
{
	struct user anna, nobody;
	enum err e = user_get(&anna, a, count("SELECT id FROM users WHERE first_name='Anna'"));

	if (!e)
		e = screens_session_stolen(a, &anna);
	nobody = anna;
	nobody.telegram_id = 0; /* on the web alone: there is no chat */
	return e ? e : screens_session_stolen(a, &nobody);
}

static void test_stolen_session_is_told(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	inside(stolen);
	assert_shows(last(anna), "somebody may have copied it");
	assert_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_other_price_is_shown, "B14"),
		with_world(test_other_terms_are_shown, "B14"),
		with_world(test_closed_for_open_orders, ""),
		with_world(test_move_asks, ""),
		with_world(test_more_than_a_screen, ""),
		with_world(test_no_reminder_after_paying, ""),
		with_world(test_no_reminder_of_yesterday, ""),
		with_world(test_not_ready_after_the_refund, ""),
		with_world(test_ready_although_the_second_goes_back, ""),
		with_world(test_not_waiting_when_ready, ""),
		with_world(test_nothing_asks_for_what_is_paid, ""),
		with_world(test_receipt_names_its_own_money, ""),
		with_world(test_stolen_session_is_told, ""),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
