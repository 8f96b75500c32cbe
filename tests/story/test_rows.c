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

/* The least of all, and nothing is looked at afterwards: what fails here is no bot (tests/breaks/run). */
static void test_starts(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = world_customer(w, "Anna", "en");

	(void)state;
	world_say(w, anna, "/start");
	assert_non_null(world_last(w, anna));
	world_stop(w);
	world_free(w);
}

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

static enum err reset_monthly(struct act *a, void *ctx)
{
	struct plan p;
	enum err e = plan_get(&p, a, 1);

	(void)ctx;
	p.reset_days = 30;
	return e ? e : plan_update(a, &p);
}

/* The panel renews the traffic by itself where the plan says so, and only there. */
static void test_reset_period(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = buyer(w, "Anna"), boris;

	(void)state;
	assert_int_equal(core_do(w->core, reset_monthly, NULL), OK);
	boris = buyer(w, "Boris");
	assert_int_equal(world_client_of(w, anna).at.reset_days, 0);
	assert_int_equal(world_client_of(w, boris).at.reset_days, 30);
	world_free(w);
}

/* As an admin's card does it. */
static enum err spoil_plan(struct act *a, void *ctx)
{
	struct plan p;
	enum err e = plan_get(&p, a, 1);

	(void)ctx;
	p.days = 1;
	p.quota_bytes = p.limit_ip = 1;
	p.on_sale = false;
	p.prices[0].amount_minor = 1;
	return e ? e : plan_update(a, &p);
}

/* A plan that is changed or withdrawn later changes nothing for those who have it. */
static void test_plan_is_remembered(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = buyer(w, "Anna"), expires_ms = world_number(w, "SELECT expires_ms FROM subscriptions");

	(void)state;
	assert_int_equal(core_do(w->core, spoil_plan, NULL), OK);
	world_run(w, DAY_MS);
	assert_int_equal(world_number(w, "SELECT expires_ms FROM subscriptions"), expires_ms);
	assert_int_equal(world_number(w, "SELECT quota_bytes FROM subscriptions"), 100 * GIB_BYTES);
	assert_int_equal(world_client_of(w, anna).at.total_bytes, 100 * GIB_BYTES);
	assert_int_equal(world_client_of(w, anna).at.limit_ip, 2);
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

/* --- a client in admins' hands --- */

/* Says, agrees, and the panel has heard of it. */
static void orders(struct world *w, const char *line)
{
	world_say(w, WORLD_ADMIN, line);
	world_tap(w, WORLD_ADMIN, "Yes");
	world_settle(w);
	world_run(w, 10000);
}

static void test_changed_by_an_admin(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.0.2", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world *w = world_new(&(struct world_options){ .versions = { versions[i] } });
		int64_t anna = buyer(w, "Anna");
		struct world_client first = world_client_of(w, anna);
		struct arena arena = { 0 };
		const char *id = arena_printf(&arena, "%lld", (long long)anna);

		orders(w, arena_printf(&arena, "/extend %s 7", id));
		assert_int_equal(world_client_of(w, anna).at.expiry_ms, first.at.expiry_ms + 7 * DAY_MS);
		orders(w, arena_printf(&arena, "/limit %s 120", id));
		assert_int_equal(world_client_of(w, anna).at.total_bytes, 120 * GIB_BYTES);
		orders(w, arena_printf(&arena, "/limit %s devices 5", id));
		assert_int_equal(world_client_of(w, anna).at.limit_ip, 5);
		orders(w, arena_printf(&arena, "/ban %s", id));
		assert_false(world_client_of(w, anna).at.enable);
		world_say(w, WORLD_ADMIN, arena_printf(&arena, "/unban %s", id));
		world_settle(w);
		world_run(w, 10000);
		assert_true(world_client_of(w, anna).at.enable);
		orders(w, arena_printf(&arena, "/limit %s email anna_home", id));
		assert_string_equal(world_client_of(w, anna).email, "anna_home");
		assert_int_equal(world_client_of(w, anna).at.total_bytes, 120 * GIB_BYTES);
		assert_int_equal(world_client_of(w, anna).n, 1);
		assert_string_equal(world_client_of(w, anna).uuid, first.uuid);
		shows_own(w, anna);
		press(w, anna, "Month – active", "Get the link");
		assert_true(world_sees(w, anna, "anna_home")); /* its link is the one with the new name … */
		world_say(w, WORLD_ADMIN, "/user anna_home");   /* … and admins find her by it */
		assert_true(world_sees(w, WORLD_ADMIN, id));
		assert_int_equal(panel_sim_drift(w->panels[0].sim, NULL), 0);
		arena_release(&arena);
		world_free(w);
	}
}

/* --- who cannot be reached --- */

static size_t sends_to(struct world *w, int64_t user)
{
	size_t n = 0;

	for (size_t i = 0; i < botapi_calls(w->telegram, "sendMessage"); i++)
		n += botapi_call_nth(w->telegram, "sendMessage", i)->chat_id == user;
	return n;
}

/* Who has blocked the bot while it was off is found out by the first notice, marked and not written to again; others hear
 * as always. */
static void test_blocked_the_bot(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = buyer(w, "Anna"), boris = buyer(w, "Boris"), end_ms = world_number(w, "SELECT min(expires_ms) FROM subscriptions");

	(void)state;
	botapi_add_rule(w->telegram, &(struct botapi_rule){ .chat_id = anna, .fault = BOTAPI_ERROR, .code = 403, .text = "Forbidden: bot was blocked by the user" });
	world_sleep(w, end_ms - 3 * DAY_MS - MINUTE_MS - memnet_now_ms(w->net));
	assert_int_equal(world_number(w, "SELECT count(*) FROM users WHERE reachable=0"), 0);
	botapi_clear_calls(w->telegram);
	world_run(w, 5 * MINUTE_MS);
	assert_int_equal(sends_to(w, anna), 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM users WHERE reachable=0 AND first_name='Anna'"), 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM outbox"), 0);
	assert_true(world_sees(w, boris, "ends in 3 days"));
	world_sleep(w, end_ms - DAY_MS - memnet_now_ms(w->net));
	world_run(w, 5 * MINUTE_MS);
	assert_int_equal(sends_to(w, anna), 1);
	assert_true(world_sees(w, boris, "ends in 1 day"));
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

/* --- the owner's first steps, and what admins hear --- */

/* Each step is named until it is done; the first plan on sale opens the shop. */
static void test_first_steps(void **state)
{
	struct world *w = world_new(&(struct world_options){ .no_plan = true });

	(void)state;
	world_say(w, WORLD_ADMIN, "/start");
	assert_true(world_sees(w, WORLD_ADMIN, "no panel yet. Start with /panel_add"));
	world_add_panel(w, "3.6.0", NULL);
	world_say(w, WORLD_ADMIN, "/start");
	assert_true(str_has(world_last(w, WORLD_ADMIN)->text, "nothing to sell yet: /plan_add"));
	world_say(w, WORLD_ADMIN, "/plan_add");
	world_say(w, WORLD_ADMIN, "Month");
	world_say(w, WORLD_ADMIN, "30");
	world_say(w, WORLD_ADMIN, "100");
	world_say(w, WORLD_ADMIN, "2");
	world_say(w, WORLD_ADMIN, "300 XTR");
	world_tap(w, WORLD_ADMIN, "Put on sale");
	assert_true(world_sees(w, WORLD_ADMIN, "The shop is open"));
	world_say(w, WORLD_ADMIN, "/start");
	assert_false(str_has(world_last(w, WORLD_ADMIN)->text, "/plan_add"));
	world_free(w);
}

static void test_sale_told(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = world_customer(w, "Anna", "en");

	(void)state;
	world_say(w, anna, "/start");
	world_buy(w, anna);
	assert_false(world_sees(w, WORLD_ADMIN, "Sold: Month"));
	world_say(w, WORLD_ADMIN, "/settings");
	world_tap(w, WORLD_ADMIN, "Tell about each sale");
	world_renew(w, anna);
	assert_int_equal(world_count_seen(w, WORLD_ADMIN, "Sold: Month"), 1);
	world_free(w);
}

/* A question reaches the admins, the answer the customer; a picture without words is neither. */
static void test_support(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = world_customer(w, "Anna", "en");

	(void)state;
	world_say(w, anna, "/support");
	world_say(w, anna, "The link does not open");
	assert_true(world_sees(w, WORLD_ADMIN, "The link does not open"));
	world_tap(w, WORLD_ADMIN, "Answer");
	botapi_send_photo(w->telegram, WORLD_ADMIN, STR("picture"), "");
	world_run(w, 1000);
	world_say(w, WORLD_ADMIN, "Try the second app");
	assert_true(world_sees(w, anna, "Try the second app"));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_starts, ""),
		proves(test_start_twice, "R241"),
		proves(test_used_of_limit, "R063"),
		proves(test_devices, "R060"),
		proves(test_reset_period, "R052"),
		proves(test_plan_is_remembered, "R187"),
		proves(test_buttons, ""),
		proves(test_subscription_links, "R030 R275"),
		proves(test_panels_shown, ""),
		proves(test_unknown_version, "R022"),
		proves(test_place, ""),
		proves(test_location, "R136"),
		proves(test_no_location, ""),
		proves(test_location_full, ""),
		proves(test_refund, "R213"),
		proves(test_changed_by_an_admin, "R042"),
		proves(test_blocked_the_bot, "R279"),
		proves(test_external_id, "R198"),
		proves(test_first_steps, ""),
		proves(test_sale_told, ""),
		proves(test_support, ""),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
