/* What is for sale: plans, the places they have, what the shop refuses before money moves, and its settings. */
#include "tests/unit/proves.h"

#include <string.h>

#include "bot/shop/order_private.h"
#include "tests/unit/people_fixture.c"

static void test_plans(void **state)
{
	struct shop *s = shop_new();
	char month[] = "Month", empty[] = "  ";
	struct plan p = { .name = month, .days = 30, .on_sale = true, .prices = { { "XTR", 1 } }, .prices_count = 1 }, bad, list[4];
	int64_t id;
	size_t n;

	(void)state;
	bad = p;
	bad.name = empty;
	assert_int_equal(plan_add(&id, &s->a, &bad), E_INVALID);
	bad = p;
	bad.days = PLAN_DAYS_MAX + 1;
	assert_int_equal(plan_add(&id, &s->a, &bad), E_INVALID);
	bad = p;
	bad.prices[0].amount_minor = 0;
	assert_int_equal(plan_add(&id, &s->a, &bad), E_INVALID);
	bad = p;
	snprintf(bad.prices[0].currency, sizeof bad.prices[0].currency, "ABC");
	assert_int_equal(plan_add(&id, &s->a, &bad), E_INVALID);
	assert_int_equal(plan_add(&id, &s->a, &p), OK);
	assert_int_equal(plan_list(list, &n, 4, &s->a, true), OK);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].prices_count, 1);
	assert_int_equal(plan_delete(&s->a, id), OK);
	assert_int_equal(plan_list(list, &n, 4, &s->a, false), OK);
	assert_int_equal(n, 0);
	assert_int_equal(plan_get(&p, &s->a, id), OK); /* its name stays readable (R187) */
	assert_false(p.on_sale);
	shop_free(s);
}

static void test_capacity(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), other = shop_user(s, BORIS, "Boris");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order held, no, o;

	(void)state;
	shop_run(s, "UPDATE panels SET capacity=2 WHERE id=1");
	shop_panel(s, 2, 9, 2);
	buy(s, &u, &p, NULL, "chg1");
	assert_int_equal(order_open(&held, &s->a, &other, &p, NULL), OK);
	assert_int_equal(order_reserve(&s->a, &held), OK);
	assert_int_equal(held.panel_id, 1);
	buy(s, &u, &p, NULL, "chg2"); /* the other place of the first panel is held */
	assert_int_equal(shop_number(s, "SELECT panel_id FROM accesses ORDER BY id DESC LIMIT 1"), 2);
	buy(s, &u, &p, NULL, "chg3");
	assert_int_equal(order_open(&no, &s->a, &u, &p, NULL), E_NOROOM); /* before payment */
	shop_wait(s, ORDER_RESERVE_MS);
	assert_int_equal(order_open(&o, &s->a, &u, &p, NULL), OK); /* what was held has run out */
	shop_check_books(s);
	shop_free(s);
}

static int calls_left;

static enum err fills_up(void *ctx, enum db_point point)
{
	(void)ctx;
	(void)point;
	return --calls_left == 0 ? E_FULL : OK;
}

/* The disk is full at the nth call: whichever it was, the caller hears it. */
static void fill_up_at_each_call(struct shop *s, enum err (*act)(struct shop *s, const void *on), const void *on)
{
	calls_left = 0;
	for (int nth = 1; calls_left <= 0; nth++) {
		enum err e;

		assert_int_equal(db_savepoint(s->db), OK);
		calls_left = nth;
		db_set_fault(fills_up, NULL);
		e = act(s, on);
		db_set_fault(NULL, NULL);
		assert_int_equal(e, calls_left <= 0 ? E_FULL : OK);
		assert_true(e || shop_number(s, "SELECT count(*) FROM subscriptions s JOIN accesses x ON x.subscription_id=s.id AND x.deleted_ms=0") == 1);
		assert_int_equal(db_savepoint_undo(s->db), OK);
	}
}

static enum err pay_order(struct shop *s, const void *on)
{
	struct order o = *(const struct order *)on;

	return order_pay(&s->a, &o);
}

static enum err draw_new_keys(struct shop *s, const void *on)
{
	struct subscription sub = *(const struct subscription *)on;

	return sub_new_keys(&s->a, &sub);
}

/* A disk without room is not a panel without room: the event is undone, half a subscription does not stay. */
static void test_full_disk(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = shop_order(s, &u, &p);
	struct subscription sub;

	(void)state;
	fill_up_at_each_call(s, pay_order, &o);
	assert_int_equal(order_pay(&s->a, &o), OK);
	sub = sub_of(s, o.subscription_id);
	fill_up_at_each_call(s, draw_new_keys, &sub);
	shop_free(s);
}

/* Two servers in Oslo, one in Paris with two protocols, one nowhere in particular. */
static void test_choice(void **state)
{
	static const struct { const char *name; struct place_wish wish; int64_t panel, inbound; } cases[] = {
		{ "anything: the least loaded", { 0 }, 4, 1 },
		{ "a protocol", { .protocol = "trojan" }, 3, 2 },
		{ "a protocol that stands in two places: by load", { .protocol = "vless", .region = "Oslo" }, 2, 1 },
		{ "a location", { .region = "Paris" }, 3, 2 },
		{ "a location and a protocol", { .region = "Paris", .protocol = "vless" }, 3, 1 },
		{ "not there", { .region = "Oslo", .protocol = "trojan" }, 0, 0 },
		{ "nowhere", { .region = "Rome" }, 0, 0 },
		{ "hysteria2 is hysteria to the panel", { .protocol = "hysteria2" }, 4, 2 },
		{ "a panel", { .panel_id = 1 }, 1, 1 },
	};
	struct shop *s = shop_new();
	struct place_choice choices[PLACE_CHOICES_MAX];
	size_t count;

	(void)state;
	for (int64_t id = 2; id <= 4; id++)
		shop_panel(s, id, 0, 100);
	shop_run(s, "INSERT INTO inbounds(panel_id, inbound_id, remark, protocol, port, listen, enabled, for_sale, body, seen_ms)"
		" VALUES(3, 2, 'r', 'trojan', 444, '', 1, 1, '{}', 1), (4, 2, 'r', 'hysteria', 444, '', 1, 1, '{}', 1), (1, 2, 'r', 'trojan', 444, '', 1, 0, '{}', 1)");
	shop_run(s, "UPDATE panels SET name='p' || id, capacity=100, priority=0, region=CASE id WHEN 3 THEN 'Paris' WHEN 4 THEN '' ELSE 'Oslo' END, clients=CASE id WHEN 1 THEN 50 WHEN 2 THEN 40 WHEN 3 THEN 30 ELSE 20 END");
	shop_run(s, "UPDATE inbounds SET clients=10 WHERE inbound_id=1 AND panel_id=3");
	for (size_t i = 0; i < countof(cases); i++) {
		struct place got = { 0, 0 };
		enum err e = place_find(&got, &s->a, &cases[i].wish);

		if (e != (cases[i].panel ? OK : E_NOROOM) || got.panel_id != cases[i].panel || got.inbound_id != cases[i].inbound)
			fail_msg("%s: %s, panel %lld, inbound %lld", cases[i].name, err_name(e), (long long)got.panel_id, (long long)got.inbound_id);
	}
	/* for people: each location once, by its best place */
	assert_int_equal(place_choices(choices, &count, countof(choices), &s->a, &(struct place_wish){ 0 }), OK);
	assert_int_equal(count, 3);
	assert_true(strcmp(choices[0].name, "Oslo") == 0 && choices[0].place.panel_id == 2 && choices[0].is_region);
	assert_true(strcmp(choices[1].name, "Paris") == 0 && choices[1].place.panel_id == 3 && choices[1].place.inbound_id == 2);
	assert_true(strcmp(choices[2].name, "p4") == 0 && choices[2].place.panel_id == 4 && !choices[2].is_region);
	shop_free(s);
}

static void test_refused_before_payment(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), other = shop_user(s, BORIS, "Boris");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct subscription sub;
	struct order o, owned = gift(s, &other, &p);

	(void)state;
	sub = sub_of(s, owned.subscription_id);
	assert_int_equal(order_open(&o, &s->a, &u, &p, &sub), E_CONFLICT); /* somebody else's */
	assert_int_equal(sub_revoke(&s->a, &sub), OK);
	assert_int_equal(order_open(&o, &s->a, &other, &p, &sub), E_CONFLICT);
	assert_int_equal(setting_set(&s->a, SETTING_MAINTENANCE, STR("1")), OK);
	assert_int_equal(order_open(&o, &s->a, &u, &p, NULL), E_REFUSED);
	assert_int_equal(setting_set(&s->a, SETTING_MAINTENANCE, STR("0")), OK);
	assert_int_equal(plan_delete(&s->a, p.id), OK);
	assert_int_equal(plan_get(&p, &s->a, p.id), OK);
	assert_int_equal(order_open(&o, &s->a, &u, &p, NULL), E_REFUSED);
	assert_int_equal(plan_get(&p, &s->a, 999), E_NOTFOUND);
	shop_free(s);
}

static void test_settings(void **state)
{
	struct shop *s = shop_new();

	(void)state;
	assert_int_equal(setting_i64(&s->a, SETTING_GRACE_HOURS), 24);
	assert_int_equal(setting_set(&s->a, SETTING_GRACE_HOURS, STR(" 48 ")), OK);
	assert_int_equal(setting_i64(&s->a, SETTING_GRACE_HOURS), 48);
	assert_int_equal(db_savepoint(s->db), OK);
	assert_int_equal(setting_set(&s->a, SETTING_GRACE_HOURS, STR("72")), OK);
	assert_int_equal(setting_i64(&s->a, SETTING_GRACE_HOURS), 72);
	assert_int_equal(db_savepoint_undo(s->db), OK);
	assert_int_equal(setting_i64(&s->a, SETTING_GRACE_HOURS), 48);
	assert_int_equal(setting_set(&s->a, SETTING_GRACE_HOURS, STR("-1")), E_INVALID);
	assert_int_equal(setting_set(&s->a, SETTING_GRACE_HOURS, STR("x")), E_INVALID);
	assert_int_equal(setting_set(&s->a, SETTING_ZONE, STR("../etc/passwd")), E_INVALID);
	assert_int_equal(setting_set(&s->a, SETTING_ZONE, STR("UTC")), OK);
	assert_true(str_is(setting_text(&s->a, SETTING_ZONE), "UTC"));
	for (int i = 0; i < SETTINGS_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_true(strcmp(setting_row((enum setting)i)->key, setting_row((enum setting)k)->key) != 0);
	shop_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_plans, ""),
		proves(test_capacity, "R135"),
		proves(test_full_disk, ""),
		proves(test_choice, "R136"),
		proves(test_refused_before_payment, "R183"),
		proves(test_settings, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
