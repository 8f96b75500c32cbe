/* Money that comes in every way it can: polled, called back, late, twice, wrong, missed; and money that goes back. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/shop/pay.h"
#include "lib/base/clock.h"
#include "tests/story/world.h"

#define OTHER_APP "20000:OtherAppOfTheSameSeller0000000000"

struct text { char at[128]; };

static struct text text_of(struct world *w, const char *sql)
{
	struct text t = { "" };
	struct db_rows r;

	db_select(&r, w->db, sql);
	assert_int_equal(db_first(&r), OK);
	snprintf(t.at, sizeof t.at, "%.*s", STR_ARG(db_str(&r, 0)));
	assert_int_equal(db_end(&r), OK);
	return t;
}

static struct world *shop(void)
{
	return world_new(&(struct world_options){ .versions = { "3.6.0" }, .crypto_pay = true });
}

static int64_t person(struct world *w, const char *name)
{
	int64_t user = world_customer(w, name, "en");

	world_say(w, user, "/start");
	return user;
}

/* Up to the page of Crypto Pay. */
static struct cryptopay_view asks_for_page(struct world *w, int64_t user)
{
	struct cryptopay_view v = { 0 };

	world_say(w, user, "/plans");
	world_tap(w, user, "Month");
	world_tap(w, user, "Crypto Bot");
	world_settle(w);
	assert_true(cryptopay_sim_find(&v, NULL, w->cryptopay, text_of(w, "SELECT public_id FROM invoices WHERE provider='crypto_pay' ORDER BY id DESC LIMIT 1").at));
	return v;
}

static void assert_sold(struct world *w, int64_t user, int64_t orders)
{
	assert_int_equal(world_client_of(w, user).n, orders);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='delivered'"), orders);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='paid'"), 0);
}

/* No callback reaches us: the shop asks by itself. */
static void test_polled(void **state)
{
	struct world *w = shop();
	int64_t anna = person(w, "Anna");
	struct cryptopay_view v = asks_for_page(w, anna);

	(void)state;
	world_run(w, 2 * MINUTE_MS);
	assert_sold(w, anna, 0);
	assert_int_equal(cryptopay_sim_pay(w->cryptopay, v.id, "USDT", memnet_now_ms(w->net)), OK);
	world_run(w, 2 * MINUTE_MS);
	assert_sold(w, anna, 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM payments WHERE state='applied' AND amount_minor=5000000"), 1);
	world_free(w);
}

/* --- callbacks, without a server: as the route would get them --- */

static enum err hand_in(struct act *a, void *ctx)
{
	struct http_inbound *in = ctx;

	in->path = pay_callback_path(a, pay_provider_find(STR("crypto_pay")));
	return pay_callback(a, in);
}

static void called(struct world *w, int64_t invoice, enum cryptopay_lie lie)
{
	struct http_inbound in = { .method = HTTP_POST };
	struct cryptopay_callback c;
	struct arena arena = { 0 };

	assert_int_equal(cryptopay_sim_make_callback(&c, w->cryptopay, &arena, invoice, lie, memnet_now_ms(w->net)), OK);
	in.headers_count = c.headers_count;
	for (size_t i = 0; i < c.headers_count; i++) {
		char *name = arena_strdup(&arena, c.headers[i].name); /* the server gives names in lower case */

		for (char *p = name; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
		in.headers[i] = (struct http_header){ name, c.headers[i].value };
	}
	in.body = c.body;
	assert_int_equal(core_do(w->core, hand_in, &in), OK);
	arena_release(&arena);
}

static void calls_back(struct world *w, int64_t invoice, enum cryptopay_lie lie)
{
	called(w, invoice, lie);
	world_run(w, 10000);
}

static void test_called_back(void **state)
{
	struct world *w = shop();
	int64_t anna = person(w, "Anna");
	struct cryptopay_view v = asks_for_page(w, anna);

	(void)state;
	for (enum cryptopay_lie lie = CRYPTOPAY_OTHER_KEY; lie <= CRYPTOPAY_CHANGED; lie++)
		calls_back(w, v.id, lie);
	calls_back(w, v.id, CRYPTOPAY_NOT_PAID);
	assert_sold(w, anna, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM payments"), 0);
	assert_int_equal(cryptopay_sim_pay(w->cryptopay, v.id, "USDT", memnet_now_ms(w->net)), OK);
	for (int i = 0; i < 3; i++)
		calls_back(w, v.id, CRYPTOPAY_TRUE);
	calls_back(w, v.id, CRYPTOPAY_NOT_PAID); /* what was sent before comes after it */
	assert_sold(w, anna, 1);
	world_run(w, 5 * MINUTE_MS);             /* and the poll finds it, too */
	assert_sold(w, anna, 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM payments"), 1);
	world_free(w);
}

static bool has_picture(struct world *w, int64_t user)
{
	for (size_t i = 0; i < botapi_messages_count(w->telegram, user); i++)
		if (botapi_message_at(w->telegram, user, i)->photo.len)
			return true;
	return false;
}

/* From the callback to link and picture in the chat: two seconds, whatever else could be waited for. */
static void test_delivered_at_once(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.0.2", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world *w = world_new(&(struct world_options){ .versions = { versions[i] }, .crypto_pay = true });
		int64_t anna = person(w, "Anna");
		struct cryptopay_view v = asks_for_page(w, anna);

		world_run(w, MINUTE_MS);
		assert_int_equal(cryptopay_sim_pay(w->cryptopay, v.id, "USDT", memnet_now_ms(w->net)), OK);
		called(w, v.id, CRYPTOPAY_TRUE);
		world_run(w, 2000);
		assert_true(world_sees(w, anna, world_client_of(w, anna).uuid));
		assert_true(has_picture(w, anna));
		world_free(w);
	}
}

/* The order's day is over, the money comes all the same: right amount, still on sale: delivered. */
static void test_late(void **state)
{
	struct world *w = shop();
	int64_t anna = person(w, "Anna");
	struct cryptopay_view v = asks_for_page(w, anna);

	(void)state;
	world_run(w, 25 * HOUR_MS);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='canceled'"), 1);
	calls_back(w, v.id, CRYPTOPAY_TRUE);
	calls_back(w, v.id, CRYPTOPAY_TRUE);
	assert_sold(w, anna, 1);
	world_free(w);
}

static void test_wrong_amount(void **state)
{
	static const enum cryptopay_lie lies[] = { CRYPTOPAY_OTHER_AMOUNT, CRYPTOPAY_OTHER_CURRENCY, CRYPTOPAY_OTHER_PAYLOAD };

	(void)state;
	for (size_t i = 0; i < countof(lies); i++) {
		struct world *w = shop();
		int64_t anna = person(w, "Anna");
		struct cryptopay_view v = asks_for_page(w, anna);

		calls_back(w, v.id, lies[i]);
		calls_back(w, v.id, lies[i]);
		assert_sold(w, anna, 0);
		assert_int_equal(world_number(w, "SELECT count(*) FROM suspense WHERE state='open'"), 1);
		assert_true(world_sees(w, WORLD_ADMIN, "Why it waits"));
		world_free(w);
	}
}

/* --- Stars --- */

/* The same invoice paid a second time: set aside, and an admin sends it back with buttons. */
static void test_paid_twice(void **state)
{
	struct world *w = shop();
	int64_t anna = person(w, "Anna");

	(void)state;
	world_buy(w, anna);
	assert_sold(w, anna, 1);
	botapi_pay_silently(w->telegram, anna, text_of(w, "SELECT public_id FROM invoices").at, 300);
	world_run(w, 11 * MINUTE_MS);
	assert_int_equal(world_number(w, "SELECT count(*) FROM suspense WHERE reason='paid_already' AND state='open'"), 1);
	assert_true(world_sees(w, anna, "a person decides within a day"));
	world_say(w, WORLD_ADMIN, "/payments");
	world_tap(w, WORLD_ADMIN, "Refund");
	world_tap(w, WORLD_ADMIN, "Yes");
	world_settle(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM payments WHERE state='refunded'"), 1);
	assert_true(world_sees(w, anna, "We have sent"));
	assert_int_equal(botapi_balance(w->telegram), 300);
	assert_sold(w, anna, 1); /* the first stays */
	world_free(w);
}

/* Refunded: the access ends, and the friend's reward that was not used yet is canceled. */
static void test_refund(void **state)
{
	struct world *w = shop();
	int64_t anna = person(w, "Anna"), boris;
	char line[160];

	(void)state;
	world_say(w, anna, "/invite");
	snprintf(line, sizeof line, "/start r_%s", text_of(w, "SELECT referral_code FROM users WHERE first_name='Anna'").at);
	boris = world_customer(w, "Boris", "en");
	world_say(w, boris, line);
	world_buy(w, boris);
	assert_int_equal(world_number(w, "SELECT count(*) FROM bonuses WHERE state='usable'"), 1); /* Anna owns nothing it could lengthen */
	snprintf(line, sizeof line, "/refund %s", text_of(w, "SELECT public_id FROM orders").at);
	world_say(w, WORLD_ADMIN, line);
	world_say(w, WORLD_ADMIN, "it never worked");
	world_tap(w, WORLD_ADMIN, "Yes");
	world_settle(w);
	world_run(w, MINUTE_MS);
	assert_int_equal(world_client_of(w, boris).n, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='refunded'"), 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM bonuses WHERE state='canceled'"), 1);
	assert_int_equal(botapi_balance(w->telegram), 0);
	assert_true(world_sees(w, boris, "The access of this order has ended"));
	world_free(w);
	(void)anna;
}

/* The panel made the client and nobody knows it: the answer was lost, or the process died before it came. Then the panel is
 * away, and the order is refunded. That something was sent there stands in the commit before the call and is not forgotten
 * because no answer came: what stands there is found and taken away. */
static void refund_unknown(bool killed)
{
	static const struct panel_rule lose = { .route = "add", .times = 1, .fault = PANEL_NETWORK, .after = true, .trouble = { .drop = true } };
	struct world *w = shop();
	int64_t anna = person(w, "Anna");
	char line[160];

	memnet_set_latency_us(w->net, w->panels[0].origin, 1000000); /* time to strike while the answer is on its way */
	if (!killed)
		panel_sim_add_rule(w->panels[0].sim, &lose);
	world_say(w, anna, "/plans");
	world_tap(w, anna, "Month");
	world_tap(w, anna, "Telegram Stars");
	assert_true(world_pay_invoice(w, anna) != 0);
	for (int i = 0; world_client_of(w, anna).n == 0; i++) {
		assert_true(i < 600);
		world_run(w, 100);
	}
	if (killed)
		world_kill(w);
	panel_sim_set_down(w->panels[0].sim, true);
	if (killed)
		world_start(w);
	world_run(w, MINUTE_MS);
	snprintf(line, sizeof line, "/refund %s", text_of(w, "SELECT public_id FROM orders").at);
	world_say(w, WORLD_ADMIN, line);
	world_say(w, WORLD_ADMIN, "took too long");
	world_tap(w, WORLD_ADMIN, "Yes");
	world_run(w, 10 * MINUTE_MS);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='refunded'"), 1);
	assert_int_equal(world_client_of(w, anna).n, 1);
	panel_sim_set_down(w->panels[0].sim, false);
	world_run(w, 10 * MINUTE_MS);
	assert_int_equal(world_client_of(w, anna).n, 0);
	world_free(w);
}

static void test_refund_of_unknown(void **state)
{
	(void)state;
	refund_unknown(true);
	refund_unknown(false);
}

/* The shop was off for longer than Telegram keeps updates: the list of transactions tells. */
static void test_missed(void **state)
{
	struct world *w = shop();
	int64_t anna = person(w, "Anna");

	(void)state;
	world_say(w, anna, "/plans");
	world_tap(w, anna, "Month");
	world_tap(w, anna, "Telegram Stars");
	botapi_pay_silently(w->telegram, anna, text_of(w, "SELECT public_id FROM invoices").at, 300);
	world_sleep(w, 30 * HOUR_MS);
	world_run(w, 2 * MINUTE_MS);
	assert_sold(w, anna, 1);
	world_free(w);
}

/* A friend's first purchase is rewarded, once. */
static void test_referral(void **state)
{
	struct world *w = shop();
	int64_t anna = person(w, "Anna"), boris, end_ms;
	char line[160];

	(void)state;
	world_buy(w, anna);
	end_ms = world_client_of(w, anna).at.expiry_ms;
	world_say(w, anna, "/invite");
	snprintf(line, sizeof line, "/start r_%s", text_of(w, "SELECT referral_code FROM users WHERE first_name='Anna'").at);
	boris = world_customer(w, "Boris", "en");
	world_say(w, boris, line);
	world_say(w, boris, line);
	world_buy(w, boris);
	world_run(w, 2 * MINUTE_MS);
	assert_int_equal(world_client_of(w, anna).at.expiry_ms, end_ms + 7 * DAY_MS);
	botapi_repeat_update(w->telegram);
	world_renew(w, boris);
	world_run(w, 2 * MINUTE_MS);
	assert_int_equal(world_client_of(w, anna).at.expiry_ms, end_ms + 7 * DAY_MS);
	assert_int_equal(world_number(w, "SELECT count(*) FROM bonuses"), 1);
	world_free(w);
}

static enum err add_trial(struct act *a, void *ctx)
{
	static char name[] = "Taste";
	const struct plan plan = { .name = name, .days = 3, .quota_bytes = 5 * GIB_BYTES, .limit_ip = 1, .trial = true, .on_sale = true };
	int64_t id;

	(void)ctx;
	return plan_add(&id, a, &plan);
}

/* Once, for ever: not again while it runs, not after its end. */
static void test_trial_once(void **state)
{
	struct world *w = shop();
	int64_t anna, tap;

	(void)state;
	assert_int_equal(core_do(w->core, add_trial, NULL), OK);
	anna = person(w, "Anna");
	tap = world_last(w, anna)->id;
	world_tap(w, anna, "Try free");
	world_settle(w);
	assert_sold(w, anna, 1);
	assert_int_equal(botapi_calls(w->telegram, "sendInvoice"), 0);
	botapi_tap_data(w->telegram, anna, tap, "trial"); /* the button of an old screen */
	world_settle(w);
	assert_sold(w, anna, 1);
	world_sleep(w, 20 * DAY_MS);
	world_run(w, 5 * MINUTE_MS);
	botapi_tap_data(w->telegram, anna, tap, "trial");
	world_settle(w);
	assert_true(world_sees(w, anna, "You have had your free trial already"));
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders"), 1);
	world_free(w);
}

/* Blocked: one short answer, nothing works, the access is off; and all of it comes back. */
static void test_banned(void **state)
{
	struct world *w = shop();
	int64_t anna = person(w, "Anna");
	char line[160];

	(void)state;
	world_buy(w, anna);
	snprintf(line, sizeof line, "/ban %lld", (long long)anna);
	world_say(w, WORLD_ADMIN, line);
	world_tap(w, WORLD_ADMIN, "Yes");
	world_settle(w);
	assert_false(world_client_of(w, anna).at.enable);
	world_say(w, anna, "/plans");
	world_say(w, anna, "/my");
	assert_false(world_sees(w, anna, "Choose a plan:"));
	assert_int_equal(world_last(w, anna)->buttons_count, 0);
	snprintf(line, sizeof line, "/unban %lld", (long long)anna);
	world_say(w, WORLD_ADMIN, line);
	world_settle(w);
	assert_true(world_client_of(w, anna).at.enable);
	world_free(w);
}

/* --- a message about money that cannot be understood --- */

/* It never leaves without a person: told to customer and admins, shown with its text, tried on, kept when it is settled. */
static void test_unreadable_money(void **state)
{
	struct world *w = shop();
	int64_t anna = person(w, "Anna");
	char update[512];

	(void)state;
	snprintf(update, sizeof update, "\"message\":{\"message_id\":900,\"date\":%lld,\"chat\":{\"id\":%lld,\"type\":\"private\"},"
		"\"from\":{\"id\":%lld,\"is_bot\":false,\"first_name\":\"Anna\"},\"successful_payment\":{\"currency\":\"XTR\",\"total_amount\":300,"
		"\"invoice_payload\":\"inv_NOCHARGE\"}}", (long long)(memnet_now_ms(w->net) / 1000), (long long)anna, (long long)anna);
	assert_true(botapi_push_raw(w->telegram, update) != 0);
	world_run(w, MINUTE_MS);
	assert_true(world_sees(w, anna, "Your money and your access are safe"));
	assert_int_equal(world_count_seen(w, WORLD_ADMIN, "A message about money could not be taken"), 1);
	world_say(w, anna, "/my"); /* her chat does not wait for it */
	assert_true(world_sees(w, anna, "You have no subscription yet"));
	world_sleep(w, 3 * DAY_MS);
	world_run(w, HOUR_MS);
	assert_int_equal(world_count_seen(w, WORLD_ADMIN, "A message about money could not be taken"), 1);
	world_say(w, WORLD_ADMIN, "/orders");
	assert_true(world_sees(w, WORLD_ADMIN, "1 message about money could not be taken"));
	world_tap(w, WORLD_ADMIN, text_of(w, "SELECT CAST(update_id AS TEXT) FROM inbox WHERE raw LIKE '%NOCHARGE%'").at);
	assert_true(world_sees(w, WORLD_ADMIN, "inv_NOCHARGE"));
	world_tap(w, WORLD_ADMIN, "Try now");
	world_say(w, WORLD_ADMIN, "/orders");
	world_tap(w, WORLD_ADMIN, text_of(w, "SELECT CAST(update_id AS TEXT) FROM inbox WHERE raw LIKE '%NOCHARGE%'").at);
	world_tap(w, WORLD_ADMIN, "Settled by hand");
	world_tap(w, WORLD_ADMIN, "Yes");
	world_say(w, WORLD_ADMIN, "/orders");
	assert_false(str_has(world_last(w, WORLD_ADMIN)->text, "could not be taken"));
	world_sleep(w, 5 * DAY_MS);
	assert_int_equal(world_number(w, "SELECT count(*) FROM inbox WHERE raw LIKE '%NOCHARGE%'"), 1);
	world_free(w);
}

/* --- a provider switched in the chat --- */

#define KEY_WRONG "18475:AAHnobodyKnowsThisTokenXXXXX0000000"

static void types_key(struct world *w, const char *key)
{
	world_say(w, WORLD_ADMIN, "/settings");
	world_tap(w, WORLD_ADMIN, "Crypto Bot");
	world_tap(w, WORLD_ADMIN, "key");
	world_say(w, WORLD_ADMIN, key);
	world_run(w, MINUTE_MS);
}

static bool is_offered(struct world *w, int64_t user)
{
	world_say(w, user, "/plans");
	world_tap(w, user, "Month");
	for (size_t i = 0; i < world_last(w, user)->buttons_count; i++)
		if (str_has(world_last(w, user)->buttons[i].text, "Crypto Bot"))
			return true;
	return false;
}

static bool stands_in_chat(struct world *w, const char *part)
{
	for (size_t i = 0; i < botapi_messages_count(w->telegram, WORLD_ADMIN); i++) {
		const struct botapi_message *m = botapi_message_at(w->telegram, WORLD_ADMIN, i);

		if (!m->deleted && str_has(m->text, part))
			return true;
	}
	return false;
}

/* The provider decides about the key; a silent one about nothing. The warning is said once. What was open when it was
 * switched off is still looked after. */
static void test_provider_in_chat(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = person(w, "Anna");
	struct cryptopay_view v;

	(void)state;
	assert_false(is_offered(w, anna));
	types_key(w, KEY_WRONG);
	assert_true(world_sees(w, WORLD_ADMIN, "refuses this key. Nothing was saved"));
	assert_int_equal(world_number(w, "SELECT count(*) FROM secrets WHERE name<>'CRYPTO_PAY_URL'"), 0);
	cryptopay_sim_add_rule(w->cryptopay, &(struct cryptopay_rule){ .fault = CRYPTOPAY_HTML_502 });
	types_key(w, WORLD_CRYPTOPAY_TOKEN);
	assert_true(world_sees(w, WORLD_ADMIN, "does not answer, so I cannot tell"));
	assert_int_equal(world_number(w, "SELECT count(*) FROM secrets WHERE name<>'CRYPTO_PAY_URL'"), 0);
	assert_false(is_offered(w, anna));
	cryptopay_sim_clear_rules(w->cryptopay);
	types_key(w, WORLD_CRYPTOPAY_TOKEN);
	assert_true(world_sees(w, WORLD_ADMIN, "accepts the key"));
	assert_int_equal(world_count_seen(w, WORLD_ADMIN, "at your own risk"), 1);
	assert_false(stands_in_chat(w, WORLD_CRYPTOPAY_TOKEN));
	assert_false(stands_in_chat(w, KEY_WRONG));
	v = asks_for_page(w, anna);
	world_say(w, WORLD_ADMIN, "/settings");
	world_tap(w, WORLD_ADMIN, "Crypto Bot");
	world_tap(w, WORLD_ADMIN, "Switch off");
	assert_true(world_sees(w, WORLD_ADMIN, "1 invoice is still open"));
	assert_false(is_offered(w, person(w, "Bob")));
	assert_int_equal(cryptopay_sim_pay(w->cryptopay, v.id, "USDT", memnet_now_ms(w->net)), OK);
	world_run(w, 2 * MINUTE_MS);
	assert_sold(w, anna, 1);
	world_sleep(w, 1000); /* the word survives a start */
	assert_false(is_offered(w, person(w, "Cleo")));
	world_say(w, WORLD_ADMIN, "/settings");
	world_tap(w, WORLD_ADMIN, "Crypto Bot");
	world_tap(w, WORLD_ADMIN, "Switch on");
	world_run(w, MINUTE_MS);
	assert_true(is_offered(w, person(w, "Dora")));
	assert_int_equal(world_count_seen(w, WORLD_ADMIN, "at your own risk"), 1);
	world_free(w);
}

/* Killed while the provider is asked: the key is neither lost nor left lying about. */
static void test_provider_killed(void **state)
{
	static const char *const steps[] = { "turn.before_commit", "turn.after_commit", "jobs.claimed", "jobs.call_sent" };

	(void)state;
	for (size_t i = 0; i < countof(steps); i++) {
		struct world *w = world_new(NULL);

		world_say(w, WORLD_ADMIN, "/settings");
		world_tap(w, WORLD_ADMIN, "Crypto Bot");
		world_tap(w, WORLD_ADMIN, "key");
		botapi_say(w->telegram, WORLD_ADMIN, WORLD_CRYPTOPAY_TOKEN);
		world_die_at(w, steps[i], 1);
		world_run(w, 2 * MINUTE_MS);
		assert_true(is_offered(w, person(w, "Anna")));
		assert_int_equal(world_number(w, "SELECT count(*) FROM secrets WHERE name LIKE '%.trial.%'"), 0);
		world_free(w);
	}
}

/* Two apps of the seller's at one service: who is asked tells by the key. */
struct apps { struct cryptopay_sim *first, *second; };

static void serve_apps(void *model, const struct sim_request *q, struct sim_response *r)
{
	struct apps *apps = model;
	bool second = false;

	for (size_t i = 0; i < q->headers_count; i++)
		second |= strcmp(q->headers[i].value, OTHER_APP) == 0;
	cryptopay_sim_handle(second ? apps->second : apps->first, q, r);
}

/* The seller goes over to another app while Anna is on the page of the first, killed at each step of it: she gets what she
 * pays for there, Bob buys from the second, and in the end one key is left. */
static void test_provider_account_changed(void **state)
{
	static const char *const steps[] = { NULL, "turn.before_commit", "turn.after_commit", "jobs.claimed", "jobs.call_sent" };

	(void)state;
	for (size_t i = 0; i < countof(steps); i++) {
		struct world *w = shop();
		struct apps apps = { w->cryptopay, cryptopay_sim_new_app(OTHER_APP, 700000) };
		int64_t anna = person(w, "Anna"), bob = person(w, "Bob");
		struct cryptopay_view page = asks_for_page(w, anna);

		memnet_serve(w->net, WORLD_CRYPTOPAY, 0, serve_apps, &apps);
		world_say(w, WORLD_ADMIN, "/settings");
		world_tap(w, WORLD_ADMIN, "Crypto Bot");
		world_tap(w, WORLD_ADMIN, "key");
		botapi_say(w->telegram, WORLD_ADMIN, OTHER_APP);
		if (steps[i])
			world_die_at(w, steps[i], 1);
		world_run(w, 5 * MINUTE_MS);
		assert_int_equal(world_number(w, "SELECT count(*) FROM secrets WHERE name LIKE 'CRYPTO_PAY_TOKEN.earlier.%'"), 1);
		assert_int_equal(cryptopay_sim_pay(apps.first, page.id, "USDT", memnet_now_ms(w->net)), OK);
		world_run(w, 5 * MINUTE_MS);
		assert_sold(w, anna, 1);
		assert_int_equal(world_number(w, "SELECT count(*) FROM secrets WHERE name LIKE 'CRYPTO_PAY_TOKEN%'"), 1);
		world_say(w, bob, "/plans");
		world_tap(w, bob, "Month");
		world_tap(w, bob, "Crypto Bot");
		world_settle(w);
		assert_true(cryptopay_sim_find(&page, NULL, apps.second, text_of(w, "SELECT public_id FROM invoices ORDER BY id DESC LIMIT 1").at));
		assert_int_equal(cryptopay_sim_pay(apps.second, page.id, "USDT", memnet_now_ms(w->net)), OK);
		world_run(w, 5 * MINUTE_MS);
		assert_int_equal(world_client_of(w, bob).n, 1);
		assert_int_equal(world_number(w, "SELECT count(*) FROM alerts"), 0);
		world_free(w);
		cryptopay_sim_free(apps.second);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_polled, "R195"),
		proves(test_called_back, "R197"),
		proves(test_delivered_at_once, "R137"),
		proves(test_late, "R197"),
		proves(test_wrong_amount, ""),
		proves(test_paid_twice, ""),
		proves(test_refund, "B38 R244"),
		proves(test_refund_of_unknown, "B2 B38"),
		proves(test_missed, ""),
		proves(test_referral, "R244"),
		proves(test_trial_once, "B36"),
		proves(test_banned, ""),
		proves(test_unreadable_money, ""),
		proves(test_provider_in_chat, ""),
		proves(test_provider_killed, ""),
		proves(test_provider_account_changed, ""),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("payments", tests, NULL, NULL);
}
