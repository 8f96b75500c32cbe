/* Rows of the requirements that are a short story of their own. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/shop/plan.h"
#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "tests/story/world.h"

#define NBSP "\xC2\xA0"

struct found {
	int64_t telegram_id;
	size_t n;
	int64_t limit_ip;
	char email[128], key[64], sub_id[64];
};

static bool keep(void *ctx, const struct panel_client_view *client)
{
	struct found *f = ctx;

	/* what a panel cannot delete, the last client of an inbound of 2.x, is switched off (K17) */
	if (client->tg_id != f->telegram_id || !client->enable)
		return true;
	f->n++;
	f->limit_ip = client->limit_ip;
	snprintf(f->email, sizeof f->email, "%.*s", STR_ARG(client->email));
	snprintf(f->key, sizeof f->key, "%.*s", STR_ARG(client->id));
	snprintf(f->sub_id, sizeof f->sub_id, "%.*s", STR_ARG(client->sub_id));
	return true;
}

static struct found client_on(struct world *w, size_t panel, int64_t telegram_id)
{
	struct found f = { .telegram_id = telegram_id };

	panel_sim_each_client(w->panels[panel].sim, 0, keep, &f);
	return f;
}

static int64_t buyer(struct world *w, const char *name)
{
	int64_t id = world_customer(w, name, "en");

	world_say(w, id, "/start");
	world_buy(w, id);
	return id;
}

/* --- people --- */

static void test_start_twice(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = world_customer(w, "Anna", "en"), before = world_number(w, "SELECT count(*) FROM users");

	(void)state;
	botapi_say(w->telegram, anna, "/start");
	botapi_say(w->telegram, anna, "/start"); /* both are fetched at once */
	world_run(w, 5000);
	world_kill(w);
	world_start(w);
	world_say(w, anna, "/start");            /* another process */
	assert_int_equal(world_number(w, "SELECT count(*) FROM users"), before + 1);
	assert_int_equal(world_number(w, "SELECT count(*)=count(DISTINCT telegram_id) FROM users"), 1);
	world_free(w);
}

/* --- what a subscription shows --- */

static void test_used_of_limit(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.0.2", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world *w = world_new(&(struct world_options){ .versions = { versions[i] } });
		int64_t anna;

		assert_int_equal(db_run(w->db, "UPDATE plans SET quota_bytes=10*1073741824"), OK);
		anna = buyer(w, "Anna");
		assert_true(panel_sim_set_traffic(w->panels[0].sim, client_on(w, 0, anna).email, 3 * GIB_BYTES, 4 * GIB_BYTES));
		world_run(w, 2 * HOUR_MS);
		world_say(w, anna, "/my");
		world_run(w, 5000);
		if (!world_sees(w, anna, "Used: 7" NBSP "GB of 10" NBSP "GB"))
			fail_msg("%s: %.*s", versions[i], STR_ARG(world_last(w, anna)->text));
		world_free(w);
	}
}

static void test_devices(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = world_customer(w, "Anna", "en");

	(void)state;
	world_say(w, anna, "/start");
	world_say(w, anna, "/plans");
	world_tap(w, anna, "Month");
	assert_true(world_sees(w, anna, "2 devices"));
	world_buy(w, anna);
	assert_int_equal(client_on(w, 0, anna).limit_ip, 2);
	world_free(w);
}

/* A plan that is changed or withdrawn later changes nothing for those who have it. */
static void test_plan_is_remembered(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = buyer(w, "Anna"), expires_ms = world_number(w, "SELECT expires_ms FROM subscriptions");

	(void)state;
	assert_int_equal(db_run(w->db, "UPDATE plans SET days=1, quota_bytes=1, on_sale=0"), OK);
	assert_int_equal(db_run(w->db, "UPDATE plan_prices SET amount_minor=1"), OK);
	world_run(w, DAY_MS);
	assert_int_equal(world_number(w, "SELECT expires_ms FROM subscriptions"), expires_ms);
	assert_int_equal(world_number(w, "SELECT quota_bytes FROM subscriptions"), 100 * GIB_BYTES);
	world_say(w, anna, "/my");
	world_run(w, 5000);
	assert_true(world_sees(w, anna, "Month – active"));
	world_free(w);
}

/* Taps a button of the newest message that says this. */
static void press(struct world *w, int64_t user, const char *text, const char *label)
{
	const struct botapi_message *m = botapi_find_text(w->telegram, user, text);

	if (!m || !botapi_tap(w->telegram, user, m->id, label))
		fail_msg("no \"%s\" with a button \"%s\"; the last message: %.*s", text, label, STR_ARG(world_last(w, user)->text));
	world_run(w, 10000);
}

/* Messages of one chat go out one a second: what came before is through then. */
static void shows_own(struct world *w, int64_t user)
{
	world_say(w, user, "/my");
	world_run(w, 10000);
}

/* --- its buttons, to the panel and back --- */

static void test_buttons(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.0.2", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world *w = world_new(&(struct world_options){ .versions = { versions[i] } });
		int64_t anna = buyer(w, "Anna"), expires_ms = world_number(w, "SELECT expires_ms FROM subscriptions");
		struct found first = client_on(w, 0, anna), second;

		shows_own(w, anna);
		press(w, anna, "Month – active", "Get the link");
		assert_true(world_sees(w, anna, first.key));
		shows_own(w, anna);
		press(w, anna, "Month – active", "New link");
		press(w, anna, "A new link replaces", "New link");
		world_run(w, MINUTE_MS);
		second = client_on(w, 0, anna);
		assert_int_equal(second.n, 1);
		assert_string_not_equal(second.key, first.key);
		shows_own(w, anna);
		press(w, anna, "Month – active", "Get the link");
		assert_true(world_sees(w, anna, second.key));
		shows_own(w, anna);
		press(w, anna, "Month – active", "Renew");
		world_tap(w, anna, "Telegram Stars");
		world_run(w, 5000);
		assert_int_not_equal(world_pay_invoice(w, anna), 0);
		world_settle(w);
		assert_int_equal(world_number(w, "SELECT expires_ms FROM subscriptions"), expires_ms + 30 * DAY_MS);
		shows_own(w, anna);
		press(w, anna, "Month – active", "Give it up");
		press(w, anna, "Give this access up?", "Give it up");
		world_run(w, MINUTE_MS);
		assert_false(client_on(w, 0, anna).n);
		world_free(w);
	}
}

/* --- links --- */

/* Two people, two subscription ids; the address of one, from the message, is answered with that client alone. */
static void test_subscription_links(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = buyer(w, "Anna"), boris = buyer(w, "Boris");
	struct found a = client_on(w, 0, anna), b = client_on(w, 0, boris);
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };
	struct sim_request request = { .method = HTTP_GET, .listener = 1, .now_ms = memnet_now_ms(w->net), .arena = &arena };
	unsigned char plain[16384];
	size_t n;

	(void)state;
	assert_true(*a.sub_id && *b.sub_id);
	assert_string_not_equal(a.sub_id, b.sub_id);
	world_say(w, anna, "/my");
	world_tap(w, anna, "Get the link");
	assert_true(world_sees(w, anna, a.key));    /* the single link … */
	assert_true(world_sees(w, anna, arena_printf(&arena, "/sub/%s", a.sub_id))); /* … and all in one */
	request.path = str_of(arena_printf(&arena, "/sub/%s", a.sub_id));
	panel_sim_handle(w->panels[0].sim, &request, &r);
	assert_int_equal(r.status, 200);
	assert_int_equal(dec_base64(plain, sizeof plain, &n, r.body), OK);
	assert_true(str_has(str_n((char *)plain, n), a.key));
	assert_false(str_has(str_n((char *)plain, n), b.key));
	arena_release(&arena);
	world_free(w);
}

/* --- panels as admins see them --- */

static void test_panels_shown(void **state)
{
	struct world *w = world_new(&(struct world_options){ .versions = { "2.8.5" } });

	(void)state;
	world_say(w, WORLD_ADMIN, "/panels");
	assert_true(world_sees(w, WORLD_ADMIN, "2.8.5 · dialect A"));
	assert_true(world_sees(w, WORLD_ADMIN, "plain HTTP"));
	assert_int_equal(db_run(w->db, "UPDATE panels SET url='https://panel-1.test:2053'"), OK);
	world_say(w, WORLD_ADMIN, "/panels");
	assert_false(str_has(world_last(w, WORLD_ADMIN)->text, "plain HTTP"));
	assert_int_equal(db_run(w->db, "UPDATE panels SET url='http://panel-1.test:2053'"), OK);
	world_free(w);
}

static void test_unknown_version(void **state)
{
	struct world *w = world_new(&(struct world_options){ .versions = { "3.99.0" } });

	(void)state;
	world_run(w, MINUTE_MS);
	assert_true(world_sees(w, WORLD_ADMIN, "a version we do not know yet"));
	world_say(w, WORLD_ADMIN, "/panels");
	assert_true(world_sees(w, WORLD_ADMIN, "3.99.0 · dialect C"));
	world_free(w);
}

/* --- which inbound --- */

static void test_place(void **state)
{
	struct world *w = world_new(&(struct world_options){ .versions = { "3.6.0", "3.6.0" } });
	int64_t anna;

	(void)state;
	assert_int_equal(db_run(w->db, "UPDATE panels SET region=CASE id WHEN 1 THEN 'Oslo' ELSE 'Paris' END"), OK);
	assert_int_equal(db_run(w->db, "UPDATE plans SET region='Paris', protocol='vless'"), OK);
	anna = buyer(w, "Anna");
	assert_int_equal(client_on(w, 0, anna).n, 0);
	assert_int_equal(client_on(w, 1, anna).n, 1);
	world_free(w);
}

static struct world *two_places(void)
{
	struct world *w = world_new(&(struct world_options){ .versions = { "3.6.0", "2.8.5" } });

	assert_int_equal(db_run(w->db, "UPDATE panels SET region=CASE id WHEN 1 THEN 'Oslo' ELSE 'Paris' END"), OK);
	return w;
}

static int64_t buys_in(struct world *w, const char *name, const char *where)
{
	int64_t id = world_customer(w, name, "en");

	world_say(w, id, "/start");
	world_say(w, id, "/plans");
	world_run(w, 5000);
	world_tap(w, id, "Month");
	world_run(w, 5000);
	assert_true(world_sees(w, id, "Where shall your server be?"));
	world_tap(w, id, where);
	world_run(w, 5000);
	assert_true(str_has(world_last(w, id)->text, where));
	world_tap(w, id, "Telegram Stars");
	world_run(w, 5000);
	world_pay_invoice(w, id);
	world_settle(w);
	return id;
}

/* The plan leaves it open: asked, and the client stands where its owner said, whatever the load. */
static void test_location(void **state)
{
	struct world *w = two_places();

	(void)state;
	for (int i = 0; i < 2; i++) {
		int64_t anna = buys_in(w, "Anna", "Oslo"), boris = buys_in(w, "Boris", "Paris"), vera = buys_in(w, "Vera", "Oslo");

		assert_int_equal(client_on(w, 0, anna).n, 1);
		assert_int_equal(client_on(w, 1, anna).n, 0);
		assert_int_equal(client_on(w, 1, boris).n, 1);
		assert_int_equal(client_on(w, 0, vera).n, 1);
	}
	world_free(w);
}

/* Where there is no choice nobody is asked: a plan, a way to pay, paid. */
static void test_no_location(void **state)
{
	static const char *const single[] = {
		"UPDATE panels SET region='Oslo'", "UPDATE plans SET region='Paris'", "UPDATE panels SET drain=1 WHERE id=1", "UPDATE panels SET region=''",
	};

	(void)state;
	for (size_t i = 0; i < countof(single); i++) {
		struct world *w = two_places();
		int64_t anna = world_customer(w, "Anna", "en");

		assert_int_equal(db_run(w->db, single[i]), OK);
		world_say(w, anna, "/plans");
		world_tap(w, anna, "Month");
		world_run(w, 5000);
		world_tap(w, anna, "Telegram Stars");
		world_run(w, 5000);
		world_pay_invoice(w, anna);
		world_settle(w);
		assert_int_equal(client_on(w, 0, anna).n + client_on(w, 1, anna).n, 1);
		world_free(w);
	}
}

/* Chosen, and full by the time it is paid for: said before any money moves. Another place is chosen for the same order. */
static void test_location_full(void **state)
{
	struct world *w = two_places();
	int64_t anna = world_customer(w, "Anna", "en");

	(void)state;
	world_say(w, anna, "/plans");
	world_tap(w, anna, "Month");
	world_run(w, 5000);
	world_tap(w, anna, "Oslo");
	world_run(w, 5000);
	assert_int_equal(db_run(w->db, "UPDATE panels SET capacity=1, clients=1 WHERE id=1"), OK);
	world_tap(w, anna, "Telegram Stars");
	world_run(w, 5000);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders"), 0);
	assert_int_equal(db_run(w->db, "UPDATE panels SET capacity=0 WHERE id=1"), OK);
	world_tap(w, anna, "Telegram Stars"); /* the only one that was left */
	world_run(w, 5000);
	world_say(w, anna, "/plans");
	world_run(w, 5000);
	world_tap(w, anna, "Month");
	world_run(w, 5000);
	world_tap(w, anna, "Paris");
	world_run(w, 5000);
	world_tap(w, anna, "Telegram Stars");
	world_run(w, 5000);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE region='Paris'"), 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders"), 1);
	world_pay_invoice(w, anna);
	world_settle(w);
	assert_int_equal(client_on(w, 1, anna).n, 1);
	world_free(w);
}

/* --- money in admins' hands --- */

static void test_refund(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = buyer(w, "Anna");
	struct arena arena = { 0 };
	char *order = NULL;

	(void)state;
	world_say(w, WORLD_ADMIN, "/payments");
	assert_true(world_sees(w, WORLD_ADMIN, "300"));
	assert_int_equal(db_get_text(&order, &arena, w->db, "SELECT public_id FROM orders"), OK);
	world_say(w, WORLD_ADMIN, arena_printf(&arena, "/refund %s", order));
	world_say(w, WORLD_ADMIN, "it never worked");
	world_tap(w, WORLD_ADMIN, "Yes");
	world_run(w, MINUTE_MS);
	assert_int_equal(botapi_balance(w->telegram), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM audit WHERE action='refund' AND reason='it never worked'"), 1);
	assert_false(client_on(w, 0, anna).n);
	arena_release(&arena);
	world_free(w);
}

/* Text or nothing (R198). */
static void test_external_id(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = buyer(w, "Anna");

	(void)state;
	(void)anna;
	assert_int_equal(world_number(w, "SELECT count(*) FROM pragma_table_info('invoices') WHERE name='external_id' AND type='TEXT' AND \"notnull\"=0"), 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_start_twice, "R241"),
		proves(test_used_of_limit, "R063"),
		proves(test_devices, "R060"),
		proves(test_plan_is_remembered, "R187"),
		proves(test_buttons, ""),
		proves(test_subscription_links, "R030 R275"),
		proves(test_panels_shown, ""),
		proves(test_unknown_version, "R022"),
		proves(test_place, ""),
		proves(test_location, "R136"),
		proves(test_no_location, "R136"),
		proves(test_location_full, ""),
		proves(test_refund, "R213"),
		proves(test_external_id, "R198"),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
