/* A sale and what follows it, seen from the chat: orders, ways to pay, links, one subscription, dialogues, notices. */
#include "tests/unit/screens_world.h"

/* --- buying, from the chat --- */

/* Start, plans, plan, pay: three taps. */
static void test_purchase(void **state)
{
	int64_t anna = person("Anna", "en");
	const struct botapi_message *m;
	size_t before;

	(void)state;
	say(anna, "/start");
	assert_shows(live_message(anna), "Hello, Anna.");
	assert_non_null(button_of(live_message(anna), "trial"));
	tap(anna, "plans");
	assert_non_null(button_of(live_message(anna), "plan:1"));
	assert_null(button_of(live_message(anna), "plan:3")); /* trials are not sold */
	assert_null(button_of(live_message(anna), "plan:4")); /* nor what was withdrawn */
	tap(anna, "plan:1");
	assert_int_equal(count("SELECT count(*) FROM orders"), 0); /* looking costs nothing */
	before = botapi_messages_count(w.telegram, anna);
	tap(anna, "buy:1:stars");
	m = last(anna);
	assert_int_equal(m->invoice_stars, 300);
	assert_true(str_eq(m->invoice_payload, str_of(text_of("SELECT public_id FROM invoices"))));
	assert_int_equal(botapi_messages_count(w.telegram, anna), before + 1); /* the screen was edited in place */
	w.panel_down = true;
	botapi_pay(w.telegram, anna, m->id);
	run_ms(2000);
	assert_non_null(botapi_find_text(w.telegram, anna, "Paid. Creating your access"));
	run_ms(20000);
	assert_non_null(botapi_find_text(w.telegram, anna, "Your payment is safe"));
	w.panel_down = false;
	run_ms(20000);
	before = botapi_messages_count(w.telegram, anna);
	m = botapi_message_at(w.telegram, anna, before - 3);
	assert_shows(m, "Your access is ready.");
	assert_true(str_has(m->html, "<code>vless://a0d0c0de-0000-4000-8000-00000000f00d@vpn.test:443?type=tcp&amp;security=reality#Shop%20%3C1%3E</code>"));
	assert_true(str_has(m->html, "Order <code>"));
	assert_true(botapi_message_at(w.telegram, anna, before - 2)->photo.len > 100);
	m = botapi_message_at(w.telegram, anna, before - 1);
	assert_true(str_has(m->html, "<code>https://sub.test/s/"));
	say(anna, "/start");
	assert_non_null(button_of(live_message(anna), "connect:"));
	assert_shows(live_message(anna), "Month – active");
	assert_clean();
}

static void test_page_provider(void **state)
{
	int64_t anna = person("Anna", "en");
	const struct botapi_message *m;

	(void)state;
	say(anna, "/start");
	tap(anna, "plan:1");
	assert_non_null(button_of(live_message(anna), "buy:1:crypto_pay"));
	botapi_tap_data(w.telegram, anna, live(anna), "buy:1:crypto_pay");
	run_ms(10000);
	m = live_message(anna);
	assert_shows(m, "Crypto Bot: $4.99 for order");
	assert_true(m->edits >= 2); /* "Preparing…", then the page */
	assert_true(m->buttons[0].url.len > 0);
	assert_clean();
	/* does not answer: another way, the order stands */
	memnet_set_down(w.net, CRYPTO_PAY, true);
	sql("UPDATE invoices SET state='expired'; UPDATE orders SET state='canceled'");
	tap(anna, "buy:1:crypto_pay");
	run_ms(60000);
	assert_shows(live_message(anna), "This way of paying does not answer.");
	assert_non_null(button_of(live_message(anna), "pay:"));
	assert_int_equal(count("SELECT count(*) FROM orders WHERE state='open'"), 1);
}

/* What the link and the subscription link become: text always, button and picture where they fit. */
static void test_copy_and_qr(void **state)
{
	static const struct { size_t link, sub_url; char copy, qr; } cases[] = {
		{ 200, 40, 'l', 'l' }, { 256, 40, 'l', 'l' }, { 257, 40, 's', 'l' }, { 257, 257, '-', 'l' }, { 257, 0, '-', 'l' },
		{ 1200, 40, 's', 'l' }, { 1201, 40, 's', 's' }, { 1201, 1201, '-', '-' }, { 1201, 0, '-', '-' }, { 0, 40, 's', 's' }, { 0, 0, '-', '-' },
	};
	char link[1300], sub_url[1300];

	(void)state;
	memset(link, 'l', sizeof link);
	memset(sub_url, 's', sizeof sub_url);
	for (size_t i = 0; i < countof(cases); i++) {
		struct access_links l = { str_n(link, cases[i].link), str_n(sub_url, cases[i].sub_url) };
		struct str copy = choose_copy(&l), qr = choose_qr(&l);

		if ((copy.len ? *copy.at : '-') != cases[i].copy || (qr.len ? *qr.at : '-') != cases[i].qr)
			fail_msg("link of %zu, subscription link of %zu", cases[i].link, cases[i].sub_url);
	}
}

static void test_long_links(void **state)
{
	int64_t anna = person("Anna", "en");
	char *link = arena_alloc(&w.arena, 1500);
	size_t n;

	(void)state;
	snprintf(link, 1500, "trojan://");
	memset(link + 9, 'x', 1300);
	w.link = link;
	buys(anna, "1");
	n = botapi_messages_count(w.telegram, anna);
	assert_shows(botapi_message_at(w.telegram, anna, n - 3), link);
	assert_shows(botapi_message_at(w.telegram, anna, n - 2), "too long for a QR code, so this one holds your subscription link");
	assert_true(botapi_message_at(w.telegram, anna, n - 2)->photo.len > 0);
	sql("UPDATE panels SET sub_url=NULL");
	tap(anna, arena_printf(&w.arena, "link:%s", sub_of(anna)));
	assert_shows(last(anna), "This link is too long for a QR code. Copy it");
	/* several: each in a code block of its own; nothing known: said, and no dead end */
	sql("UPDATE accesses SET link='vless://one' || char(10) || 'vless://two'");
	tap(anna, arena_printf(&w.arena, "link:%s", sub_of(anna)));
	n = botapi_messages_count(w.telegram, anna);
	assert_true(str_has(botapi_message_at(w.telegram, anna, n - 2)->html, "<code>vless://one</code>"));
	assert_true(str_has(botapi_message_at(w.telegram, anna, n - 2)->html, "<code>vless://two</code>"));
	sql("UPDATE accesses SET link=NULL");
	tap(anna, arena_printf(&w.arena, "link:%s", sub_of(anna)));
	assert_shows(last(anna), "The link is not ready yet");
	tap(anna, arena_printf(&w.arena, "qr:%s", sub_of(anna)));
	assert_shows(live_message(anna), "The link is not ready yet");
	assert_clean();
}

static void test_renewal(void **state)
{
	int64_t anna = person("Anna", "en");
	char *sub, *link;

	(void)state;
	say(anna, "/start");
	tap(anna, "trial");
	run_ms(5000);
	sub = sub_of(anna);
	link = text_of("SELECT uuid FROM subscriptions");
	say(anna, "/renew");
	assert_shows(live_message(anna), "the link of your trial stays the same");
	tap(anna, arena_printf(&w.arena, "renew:%s:1", sub));
	assert_shows(live_message(anna), "Renew Month for");
	assert_shows(live_message(anna), "Now: until");
	assert_shows(live_message(anna), "Then: until");
	tap(anna, arena_printf(&w.arena, "renewpay:%s:1.stars", sub));
	botapi_pay(w.telegram, anna, last(anna)->id);
	run_ms(5000);
	assert_non_null(botapi_find_text(w.telegram, anna, "Renewed: Month now runs until"));
	assert_int_equal(count("SELECT count(*) FROM subscriptions"), 1);
	assert_string_equal(text_of("SELECT uuid FROM subscriptions"), link);
	assert_clean();
}

/* What the shop keeps off by hand is not renewed for money: by no button, old or new, nor by Telegram's own. */
static void test_kept_off(void **state)
{
	int64_t anna = person("Anna", "en"), invoice;
	char *sub;

	(void)state;
	buys(anna, "1");
	sub = sub_of(anna);
	say(anna, "/renew");
	tap(anna, arena_printf(&w.arena, "renewpay:%s:1.stars", sub));
	invoice = last(anna)->id;
	sql("UPDATE subscriptions SET enabled=0");
	botapi_clear_calls(w.telegram);
	const char *const taps[] = { arena_printf(&w.arena, "renew:%s", sub), arena_printf(&w.arena, "renew:%s:other", sub),
		arena_printf(&w.arena, "renew:%s:1", sub), arena_printf(&w.arena, "renewpay:%s:1.stars", sub) };
	for (size_t i = 0; i < countof(taps); i++) {
		say(anna, "/my");
		tap(anna, taps[i]);
		assert_shows(live_message(anna), "it cannot be renewed now");
	}
	say(anna, "/renew");
	assert_shows(live_message(anna), "it cannot be renewed now");
	assert_non_null(button_of(live_message(anna), "support"));
	tap(anna, arena_printf(&w.arena, "pay:%s:stars", text_of("SELECT public_id FROM orders WHERE state='open'")));
	assert_shows(live_message(anna), "it cannot be renewed now");
	assert_int_equal(botapi_calls(w.telegram, "sendinvoice"), 0);
	botapi_pay(w.telegram, anna, invoice);
	run_ms(5000);
	assert_int_equal(count("SELECT count(*) FROM payments"), 1);
}

static void test_kept_price(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:1:stars");
	assert_int_equal(last(anna)->invoice_stars, 300);
	sql("UPDATE plan_prices SET amount_minor=400 WHERE plan_id=1 AND currency='XTR'");
	botapi_clear_calls(w.telegram);
	tap(anna, "buy:1:stars");
	assert_shows(live_message(anna), "at another price");
	assert_shows(live_message(anna), "300");
	assert_int_equal(botapi_calls(w.telegram, "sendinvoice"), 0);
}

/* The order is found again by its number, whatever was tapped or typed between (B45). */
static void test_order_survives(void **state)
{
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en");
	char shown[PUBLIC_ID_CHARS + 3], *order;

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:1:stars");
	order = text_of("SELECT public_id FROM orders");
	public_id_show(shown, order);
	say(anna, "/start");
	assert_shows(live_message(anna), shown);
	assert_non_null(button_of(live_message(anna), "order:"));
	say(anna, arena_printf(&w.arena, "/start o_%s", order));
	assert_non_null(button_of(live_message(anna), "pay:"));
	say(anna, "/help");
	say(anna, shown);
	assert_non_null(button_of(live_message(anna), "pay:"));
	tap_data(anna, 2, arena_printf(&w.arena, "order:%s", order)); /* on an old keyboard */
	assert_non_null(button_of(live_message(anna), "pay:"));
	say(boris, arena_printf(&w.arena, "/start o_%s", order)); /* not his */
	assert_null(button_of(live_message(boris), "pay:"));
	tap(anna, arena_printf(&w.arena, "cancel:%s", order));
	assert_shows(live_message(anna), "canceled");
	assert_clean();
	tap(anna, arena_printf(&w.arena, "cancel:%s", order)); /* and once more */
	assert_shows(live_message(anna), "canceled");
}

/* The old screen still has its button while the link is on the way: what waits for its second is sent all the same. */
static void test_late_cancel(void **state)
{
	int64_t anna = person("Anna", "en");
	size_t pictures = 0;

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:1:stars");
	botapi_add_rule(w.telegram, &(struct botapi_rule){ .method = "sendPhoto", .times = 1, .fault = BOTAPI_429, .retry_after_s = 5 });
	botapi_pay(w.telegram, anna, last(anna)->id);
	for (int i = 0; i < 1000 && !botapi_find_text(w.telegram, anna, "Your access is ready."); i++)
		run_ms(20);
	assert_non_null(botapi_find_text(w.telegram, anna, "Your access is ready."));
	assert_true(count("SELECT count(*) FROM outbox") > 0);
	botapi_tap_data(w.telegram, anna, live(anna), arena_printf(&w.arena, "cancel:%s", text_of("SELECT public_id FROM orders")));
	run_ms(10000);
	for (size_t i = 0; i < botapi_messages_count(w.telegram, anna); i++)
		pictures += botapi_message_at(w.telegram, anna, i)->photo.len > 0;
	assert_int_equal(pictures, 1);
	assert_string_equal(text_of("SELECT state FROM orders"), "delivered");
}

/* --- one subscription --- */

static void test_usage_texts(void **state)
{
	static const struct { const char *sql, *shown, *not_shown; } cases[] = {
		{ "UPDATE subscriptions SET used_seen_ms=0", "No traffic data for this subscription yet.", "Used:" },
		{ "UPDATE subscriptions SET used_seen_ms=1793612000000, used_bytes=0", "Used: 0" NBSP "B of 100" NBSP "GB", "No traffic data" },
		{ "UPDATE subscriptions SET used_bytes=1610612736", "Used: 1.5" NBSP "GB of 100" NBSP "GB", "No traffic data" },
		{ "UPDATE panels SET state='down'", "The server does not tell its figures right now; the last ones are from", "No traffic data" },
		{ "UPDATE subscriptions SET used_seen_ms=0", "The server does not tell its figures right now.", "the last ones" },
		{ "UPDATE subscriptions SET quota_bytes=0, used_seen_ms=1793612000000", "Used: 1.5" NBSP "GB, no limit", "of" },
	};
	int64_t anna = person("Anna", "en");

	(void)state;
	buys(anna, "1");
	for (size_t i = 0; i < countof(cases); i++) {
		sql(cases[i].sql);
		say(anna, "/my");
		assert_shows(live_message(anna), cases[i].shown);
		if (i < 5)
			assert_false(shows(live_message(anna), cases[i].not_shown));
	}
}

static void test_status_texts(void **state)
{
	static const struct { const char *sql, *en, *ru; } cases[] = {
		{ "UPDATE subscriptions SET used_seen_ms=1793612000000", "Month – active", "Month – работает" },
		{ "UPDATE subscriptions SET used_bytes=quota_bytes", "Month – traffic used up", "Month – трафик исчерпан" },
		{ "UPDATE subscriptions SET used_bytes=0, expires_ms=1793611999999, grace_until_ms=1893612000000", "Month – ended, still works", "Month – закончилась, ещё работает" },
		{ "UPDATE subscriptions SET grace_until_ms=0", "Month – ended", "Month – закончилась" },
		{ "", "Your link is kept until 16 November 2026", "Ссылка хранится до 16 ноября 2026" },
		{ "INSERT INTO settings(key, value) VALUES('delete_days', '0')", "Its link is deleted", "Ссылка удалена" },
		{ "UPDATE subscriptions SET enabled=0, expires_ms=1893612000000", "Month – switched off", "Month – отключена" },
		{ "UPDATE subscriptions SET enabled=1; UPDATE accesses SET done_rev=0", "Month – being created", "Month – создаётся" },
	};
	int64_t anna = person("Anna", "en"), olga = person("Olga", "ru");

	(void)state;
	buys(anna, "1");
	buys(olga, "1");
	for (size_t i = 0; i < countof(cases); i++) {
		sql(cases[i].sql);
		say(anna, "/my");
		assert_shows(live_message(anna), cases[i].en);
		say(olga, "/my");
		assert_shows(live_message(olga), cases[i].ru);
	}
}

/* 0 is "never", all else a date in the reader's language. */
static void test_expiry_texts(void **state)
{
	int64_t anna = person("Anna", "en"), olga = person("Olga", "ru");

	(void)state;
	buys(anna, "1");
	buys(olga, "1");
	sql("UPDATE subscriptions SET expires_ms=1798761600000");
	say(anna, "/my");
	assert_shows(live_message(anna), "Ends: 1 January 2027");
	say(olga, "/my");
	assert_shows(live_message(olga), "Окончание: 1 января 2027");
	sql("UPDATE subscriptions SET expires_ms=0");
	say(anna, "/my");
	assert_shows(live_message(anna), "Ends: never");
	say(olga, "/my");
	assert_shows(live_message(olga), "Окончание: никогда");
}

/* New link and removal ask first; the second press is good for five minutes and once. */
/* --- dialogues --- */

static void test_claim(void **state)
{
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en");
	char *uuid;

	(void)state;
	buys(anna, "1");
	uuid = text_of("SELECT uuid FROM subscriptions");
	say(boris, "/start");
	tap(boris, "claim");
	say(boris, "my name is Anna");
	assert_shows(live_message(boris), "That is no link.");
	say(boris, "vless://00000000-0000-4000-8000-000000000000@vpn.test:443#x");
	assert_shows(live_message(boris), "We found no such access");
	say(boris, arena_printf(&w.arena, "vless://%s@vpn.test:443#x", uuid));
	assert_shows(live_message(boris), "This access belongs to somebody already.");
	say(boris, "/help"); /* leaves the dialogue */
	say(boris, "hello");
	assert_shows(live_message(boris), "I understand commands and buttons.");
	sql("INSERT INTO users(id, public_id, lang, referral_code, created_ms, updated_ms) VALUES(99, 'NOBODY', 'en', 'NOBODY', 0, 0);"
		"UPDATE subscriptions SET user_id=99");
	say(boris, arena_printf(&w.arena, "vless://%s@vpn.test:443#x", uuid)); /* also without being asked */
	say(boris, "/my");
	assert_clean();
}

static void test_support(void **state)
{
	int64_t anna = person("Anna <3", "en");
	const struct botapi_message *m;

	(void)state;
	botapi_user_add(w.telegram, ADMIN_ID, "Boss", "boss", "en");
	say(ADMIN_ID, "/start");
	say(anna, "/support");
	say(anna, "It does <not> work");
	assert_shows(live_message(anna), "Sent. The answer will come here.");
	m = last(ADMIN_ID);
	assert_shows(m, "Anna <3");
	assert_shows(m, "It does <not> work");
	botapi_tap(w.telegram, ADMIN_ID, m->id, "Answer");
	run_ms(3000);
	say(ADMIN_ID, "Update & restart");
	assert_shows(last(anna), "The shop answers:\nUpdate & restart");
	assert_shows(last(ADMIN_ID), "Sent to Anna <3.");
	say(ADMIN_ID, "once more");
	assert_null(botapi_find_text(w.telegram, anna, "once more")); /* one message, one answer */
	assert_clean();
}

/* --- notices --- */

static const char *remind_kind;

static enum err remind(struct act *a)
{
	struct subscription s;
	struct user u;
	struct reminder r = { .sub = &s, .kind = remind_kind };
	int64_t id = count("SELECT id FROM subscriptions");
	enum err e = sub_get(&s, a, id);

	if (!e)
		e = user_get(&u, a, s.user_id);
	return e ? e : screens_remind(a, &u, &r);
}

/* Over: what a renewal would bring back is said as long as it would; then what there is instead. */
static void assert_expired(int64_t user)
{
	remind_kind = "end";
	sql("UPDATE subscriptions SET grace_until_ms=0, expires_ms=1793612000000-86400000*2");
	inside(remind);
	assert_shows(last(user), "Your link is kept until 14 November 2026");
	sql("INSERT INTO settings(key, value) VALUES('delete_days', '2')");
	inside(remind);
	assert_shows(last(user), "its link is deleted. A new purchase brings a new link");
}

static void test_reminders(void **state)
{
	static const struct { const char *kind, *en; } cases[] = {
		{ "3d", "Month ends in 3 days, on" }, { "1d", "Month ends in 1 day, on" }, { "end", "Month has ended. It still works until" },
		{ "grace", "Month has ended. Your link is kept until" }, { "80", "80 % of your traffic is used" }, { "90", "90 % of your traffic is used" },
		{ "100", "All traffic of Month is used" },
	};
	int64_t anna = person("Anna", "en");

	(void)state;
	buys(anna, "1");
	sql("UPDATE subscriptions SET grace_until_ms=1893612000000");
	for (size_t i = 0; i < countof(cases); i++) {
		remind_kind = cases[i].kind;
		inside(remind);
		assert_shows(last(anna), cases[i].en);
		assert_non_null(button_of(last(anna), "renew:"));
	}
	assert_expired(anna);
	/* two taps from the reminder to the provider */
	tap_data(anna, last(anna)->id, str_dup(&w.arena, button_of(last(anna), "renew:")->data));
	tap(anna, str_dup(&w.arena, button_of(live_message(anna), "renewpay:")->data));
	assert_clean();
}

static enum err tell_money(struct act *a)
{
	struct user anna;
	static char provider[] = "stars";
	struct payment_row p = { .id = 1, .user_id = count("SELECT id FROM users WHERE telegram_id<>900"), .provider = provider, .amount_minor = 250, .currency = "XTR" };
	enum err e = user_get(&anna, a, p.user_id);
	static const char *const reasons[] = { "amount", "currency", "paid_already", "plan_gone", "no_place", "unknown_invoice", "other_payer", "recurring", "banned", "new kind" };

	for (size_t i = 0; !e && i < countof(reasons); i++) {
		p.reason = (char *)(uintptr_t)reasons[i];
		e = screens_pay_hooks.set_aside(a, &p, &anna);
	}
	if (!e)
		e = screens_pay_hooks.set_aside(a, &p, NULL);
	if (!e)
		e = screens_pay_hooks.kept(a, &p);
	if (!e)
		e = screens_pay_hooks.refunded(a, &p);
	return e;
}

static void test_money_notices(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	inside(tell_money);
	run_ms(60000);
	assert_non_null(botapi_find_text(w.telegram, anna, "We have received 250"));
	assert_non_null(botapi_find_text(w.telegram, anna, "the amount is not the order's"));
	assert_non_null(botapi_find_text(w.telegram, anna, "it fits no order"));
	assert_non_null(botapi_find_text(w.telegram, anna, "A person has looked at your 250"));
	assert_non_null(botapi_find_text(w.telegram, anna, "We have sent 250"));
	assert_clean();
}

#define SHORT_PAYMENTS 10

/* Paid too little again and again; the first of these payments is let count. */
static enum err deliver_the_first(struct act *a)
{
	struct user admin;
	enum err e = user_by_telegram(&admin, a, ADMIN_ID);

	for (int i = 0; !e && i < SHORT_PAYMENTS; i++)
		e = pay_confirm(a, &(struct payment){ .provider = "stars", .reference = str_of(arena_printf(a->arena, "short%d", i)), .amount_minor = 1,
			.invoice = str_of(text_of("SELECT public_id FROM invoices")), .currency = STR("XTR") });
	return e ? e : suspense_decide(a, 1, SUSPENSE_DELIVER, 0, &admin);
}

/* However much other money there is about an order: what paid it is found. */
static void test_first_of_many_payments(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/plans");
	tap(anna, "plan:1");
	tap(anna, "buy:1:stars");
	inside(deliver_the_first);
	run_ms(60000);
	assert_int_equal(count("SELECT count(*) FROM orders WHERE state='delivered'"), 1);
	assert_int_equal(count("SELECT count(*) FROM suspense WHERE state='open'"), SHORT_PAYMENTS - 1);
	assert_non_null(botapi_find_text(w.telegram, anna, "received: 1"));
	assert_clean();
}

static enum err park(struct act *a)
{
	struct tg_update u = { .update_id = 5, .kind = TG_UPDATE_MESSAGE, .kind_name = "message", .chat = { .type = TG_CHAT_PRIVATE } };

	u.from.id = u.chat.id = count("SELECT telegram_id FROM users WHERE telegram_id<>900");
	return router_parked(a, &u);
}

static void test_parked(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	inside(park);
	assert_shows(last(anna), "Something went wrong on our side; we look into it.");
}

#define with_world(test, rows) { #test " [" rows "]", test, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_purchase, "R273 R277"),
		with_world(test_page_provider, ""),
		proves(test_copy_and_qr, ""),
		with_world(test_long_links, "B34"),
		with_world(test_renewal, "R277"),
		with_world(test_kept_off, ""),
		with_world(test_kept_price, "B14"),
		with_world(test_order_survives, "B45"),
		with_world(test_late_cancel, ""),
		with_world(test_usage_texts, "R064 R277"),
		with_world(test_status_texts, ""),
		with_world(test_expiry_texts, "R065 R193"),
		with_world(test_claim, ""),
		with_world(test_support, ""),
		with_world(test_reminders, ""),
		with_world(test_money_notices, ""),
		with_world(test_first_of_many_payments, ""),
		with_world(test_parked, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
