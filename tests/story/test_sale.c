/* The whole way: a customer finds a plan, pays with Stars, gets a link that works; and again with everything failing. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/links/link_read.h"
#include "tests/story/scan.h"
#include "tests/story/world.h"

static const char *const versions[] = { "2.8.5", "2.9.4", "3.0.2", "3.1.0", "3.6.0" };

static struct world *shop_with(const char *version)
{
	return world_new(&(struct world_options){ .versions = { version } });
}

/* The newest message that shows a link, as the customer copies it. */
static bool link_seen(struct world *w, int64_t user, struct link_parts *link, struct str *copied, struct arena *arena)
{
	for (size_t i = botapi_messages_count(w->telegram, user); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(w->telegram, user, i);
		struct str rest = m->text;

		while (m->from_bot && rest.at) {
			struct str line = str_trim(str_cut(&rest, '\n'));

			*copied = line;
			if (str_starts(line, "vless://"))
				return link_read(link, arena, line) == OK;
		}
	}
	return false;
}

/* The newest picture. */
static struct str picture(struct world *w, int64_t user)
{
	for (size_t i = botapi_messages_count(w->telegram, user); i-- > 0;)
		if (botapi_message_at(w->telegram, user, i)->photo.len)
			return botapi_message_at(w->telegram, user, i)->photo;
	return str_of(NULL);
}

/* Exactly one delivery: one client with the plan's values, the order delivered, the link in the chat. */
static void assert_delivered(struct world *w, int64_t user, int64_t bought_ms)
{
	struct world_client f = world_client_of(w, user);
	struct arena arena = { 0 };
	struct link_parts link;
	struct str copied;

	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='delivered'"), 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='paid'"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM payments"), 1);
	assert_int_equal(f.n, 1);
	assert_true(f.at.enable && f.at.has_row && f.at.row_enable);
	assert_int_equal(f.at.total_bytes, 107374182400);
	assert_int_equal(f.at.row_total_bytes, 107374182400);
	assert_in_range(f.at.expiry_ms, bought_ms + 30 * DAY_MS, bought_ms + 30 * DAY_MS + HOUR_MS);
	assert_int_equal(f.at.expiry_ms, world_number(w, "SELECT expires_ms FROM subscriptions")); /* computed once, however often sent */
	assert_int_equal(f.at.expiry_ms, f.at.row_expiry_ms);
	assert_int_equal(f.at.limit_ip, 2);
	assert_int_equal(panel_sim_drift(w->panels[0].sim, NULL), 0);
	assert_true(link_seen(w, user, &link, &copied, &arena));
	assert_true(str_is(link.credential, f.uuid));
	assert_true(str_is(link.host, "vpn.example.com"));
	assert_int_equal(link.port, 20443);
	assert_true(picture(w, user).len > 0);
	arena_release(&arena);
}

/* A camera reads from the picture what the finger copies from the text. */
static void assert_same_in_picture(struct world *w, int64_t user)
{
	struct arena arena = { 0 };
	struct link_parts link;
	struct str copied;
	struct buf read;

	buf_init(&read, 8192);
	assert_true(link_seen(w, user, &link, &copied, &arena));
	scan_qr(&read, picture(w, user));
	if (!str_eq(buf_str(&read), copied))
		fail_msg("the picture says %s, the text %.*s", buf_cstr(&read), STR_ARG(copied));
	buf_release(&read);
	arena_release(&arena);
}

static void test_first_sale(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world *w = shop_with(versions[i]);
		int64_t anna = world_customer(w, "Anna Petrova", i % 2 ? "ru" : "en");
		int64_t begin_ms;

		world_say(w, anna, "/start");
		begin_ms = memnet_now_ms(w->net);
		world_buy(w, anna);
		assert_delivered(w, anna, begin_ms);
		assert_same_in_picture(w, anna);
		world_free(w);
	}
}

/* Nothing unpaid is ever delivered. */
static void test_unpaid(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = world_customer(w, "Anna", "en");

	(void)state;
	world_say(w, anna, "/start");
	world_say(w, anna, "/plans");
	world_tap(w, anna, "Month");
	world_run(w, 60000);
	assert_int_equal(world_client_of(w, anna).n, 0);
	world_run(w, 2 * DAY_MS);
	assert_int_equal(world_client_of(w, anna).n, 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='open'"), 0);
	world_free(w);
}

static const char *const steps[] = {
	"poll.fetched", "turn.before_commit", "turn.after_commit", "outbox.claimed", "outbox.sent", "jobs.claimed", "jobs.call_sent",
};

/* One purchase with a death at the nth passing of a step; false: it was not passed so often. */
static bool killed_sale(const char *version, const char *step, int nth, bool lose)
{
	struct world *w = shop_with(version);
	int64_t anna = world_customer(w, "Anna", "en"), begin_ms = memnet_now_ms(w->net);
	bool reached;

	world_say(w, anna, "/start");
	w->lose_requests = lose;
	world_die_at(w, step, nth);
	world_buy(w, anna);
	world_run(w, 120000);
	reached = w->die_at == NULL;
	w->die_at = NULL;
	if (getenv("TRACE"))
		fprintf(stderr, "--- %s killed at %s %d%s: %d\n", version, step, nth, lose ? ", requests lost" : "", reached);
	assert_delivered(w, anna, begin_ms);
	world_free(w);
	return reached;
}

static void test_killed(void **state)
{
	(void)state;
	for (size_t v = 0; v < countof(versions); v += 2)
		for (size_t i = 0; i < countof(steps); i++)
			for (int nth = 1; killed_sale(versions[v], steps[i], nth, (nth + (int)i) % 2 == 0); nth++)
				assert_true(nth < 200);
}

/* What can happen to the one call that adds the client, on every dialect. */
static void test_troubled_add(void **state)
{
	static const struct panel_rule rules[] = {
		{ .route = "add", .times = 1, .fault = PANEL_NETWORK, .after = true, .trouble = { .drop = true } },
		{ .route = "add", .times = 1, .fault = PANEL_NETWORK, .trouble = { .hang = true } },
		{ .route = "add", .times = 1, .fault = PANEL_HTML_502 },
		{ .route = "add", .times = 1, .fault = PANEL_HTML_502, .after = true },
		{ .route = "add", .times = 2, .fault = PANEL_EMPTY_500, .after = true },
		{ .route = "add", .times = 1, .fault = PANEL_DB_LOCKED },
		{ .route = "add", .times = 1, .fault = PANEL_REFUSE, .text = "Что-то пошло не так" },
		{ .route = NULL, .times = 3, .fault = PANEL_LOGOUT },
		{ .route = NULL, .nth = 2, .times = 2, .fault = PANEL_WRONG_JSON },
	};

	(void)state;
	for (size_t v = 0; v < countof(versions); v++)
		for (size_t i = 0; i < countof(rules); i++) {
			struct world *w = shop_with(versions[v]);
			int64_t anna = world_customer(w, "Anna", "en"), begin_ms = memnet_now_ms(w->net);

			world_say(w, anna, "/start");
			panel_sim_add_rule(w->panels[0].sim, &rules[i]);
			world_buy(w, anna);
			world_run(w, 10 * MINUTE_MS);
			if (getenv("TRACE"))
				fprintf(stderr, "--- %s rule %zu\n", versions[v], i);
			assert_delivered(w, anna, begin_ms);
			world_free(w);
		}
}

/* A panel that says no, and in its own words why: the admins read them, the customer only that the money is safe; it is
 * tried again until it goes. */
static void test_refusal_is_told(void **state)
{
	static const struct panel_rule no = { .route = "add", .times = 12, .fault = PANEL_REFUSE, .text = "Что-то пошло не так" };

	(void)state;
	for (size_t v = 0; v < countof(versions); v++) {
		struct world *w = shop_with(versions[v]);
		int64_t anna = world_customer(w, "Anna", "en"), begin_ms;
		struct arena arena = { 0 };
		char *order = NULL;

		world_say(w, anna, "/start");
		panel_sim_add_rule(w->panels[0].sim, &no);
		begin_ms = memnet_now_ms(w->net);
		world_buy(w, anna);
		world_run(w, HOUR_MS);
		assert_int_equal(db_get_text(&order, &arena, w->db, "SELECT public_id FROM orders"), OK);
		assert_true(world_sees(w, WORLD_ADMIN, arena_printf(&arena, "Order %s is paid but not delivered yet: “%s”", order, no.text)));
		assert_true(world_sees(w, anna, "Your payment is safe"));
		assert_delivered(w, anna, begin_ms);
		assert_false(world_sees(w, anna, no.text));
		assert_true(world_sees(w, WORLD_ADMIN, arena_printf(&arena, "Over: Order %s", order)));
		arena_release(&arena);
		world_free(w);
	}
}

static void test_panel_down(void **state)
{
	struct world *w = world_new(NULL);
	int64_t anna = world_customer(w, "Anna", "en"), begin_ms;

	(void)state;
	world_say(w, anna, "/start");
	world_say(w, anna, "/plans");
	world_tap(w, anna, "Month");
	panel_sim_set_down(w->panels[0].sim, true);
	begin_ms = memnet_now_ms(w->net);
	world_buy(w, anna);
	world_run(w, 2 * MINUTE_MS);
	assert_true(world_sees(w, anna, "Your payment is safe"));
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='paid'"), 1);
	world_run(w, DAY_MS);
	assert_true(world_sees(w, WORLD_ADMIN, "Panel 1")); /* the admins know */
	panel_sim_set_down(w->panels[0].sim, false);
	world_run(w, HOUR_MS);
	assert_delivered(w, anna, begin_ms);
	world_free(w);
}

/* Three times the program ended with it in its hands, so it waits for a person: whoever paid hears that it takes longer. */
static void test_set_aside_is_told(void **state)
{
	static const struct panel_rule silent = { .route = "add", .fault = PANEL_NETWORK, .trouble = { .hang = true } };
	struct world *w = world_new(NULL);
	int64_t anna = world_customer(w, "Anna", "en"), begin_ms = memnet_now_ms(w->net);
	struct arena arena = { 0 };
	char *order = NULL;

	(void)state;
	world_say(w, anna, "/start");
	world_say(w, anna, "/plans");
	world_tap(w, anna, "Month");
	world_tap(w, anna, "Telegram Stars");
	panel_sim_add_rule(w->panels[0].sim, &silent);
	world_pay_invoice(w, anna);
	for (int deaths = 0; deaths < 3; deaths++) {
		world_run(w, 5000);
		assert_false(world_sees(w, anna, "Your payment is safe"));
		world_kill(w);
		world_start(w);
	}
	world_run(w, MINUTE_MS);
	assert_int_equal(world_number(w, "SELECT count(*) FROM jobs WHERE kind='reconcile' AND state=2"), 1);
	assert_true(world_sees(w, anna, "Your payment is safe"));
	assert_true(world_sees(w, WORLD_ADMIN, "is paid but not delivered yet"));
	panel_sim_clear_rules(w->panels[0].sim);
	world_say(w, WORLD_ADMIN, "/panel_test 1");
	world_run(w, MINUTE_MS);
	assert_int_equal(db_get_text(&order, &arena, w->db, "SELECT public_id FROM orders"), OK);
	world_say(w, WORLD_ADMIN, arena_printf(&arena, "/order %s", order));
	world_tap(w, WORLD_ADMIN, "Try now");
	arena_release(&arena);
	world_run(w, HOUR_MS);
	assert_delivered(w, anna, begin_ms);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_first_sale, "R270 R274 R195 R182 R050 R051 R029 R152"),
		proves(test_unpaid, "R195"),
		proves(test_killed, "R286 R271 B2 B4"),
		proves(test_troubled_add, "R038 R182 B1 B51"),
		proves(test_refusal_is_told, "R021 R035"),
		proves(test_set_aside_is_told, ""),
		proves(test_panel_down, "R002 R038 R142 B1"),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("sale", tests, NULL, NULL);
}
