/* What time does to a subscription when it does not go as it should: clocks that were ahead, schedules that were late. */
#include "tests/unit/proves.h"

#include "tests/unit/people_fixture.c"

static void clock_moves(struct shop *s, int64_t ms)
{
	shop_wait(s, ms);
	assert_int_equal(expiry_run(&s->a), OK);
}

static bool is_on(struct shop *s, const struct order *o)
{
	return sub_of(s, o->subscription_id).enabled;
}

static void run_on(struct shop *s, const char *sql, const struct order *o)
{
	assert_int_equal(db_run(s->db, sql, o->subscription_id), OK);
}

/* The clock was an hour ahead, and half an hour is paid for still: a renewal starts what was stopped too early, and so does the
 * right time alone; but not what somebody keeps off, nor before the end of a ban. */
static void test_stopped_too_early(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), boris = shop_user(s, BORIS, "Boris");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order renewed = buy(s, &u, &p, NULL, "chg1"), left = buy(s, &u, &p, NULL, "chg2"), kept_off = gift(s, &u, &p),
		banned = buy(s, &boris, &p, NULL, "chg4");
	struct subscription sub = sub_of(s, renewed.subscription_id);
	int64_t end_ms = sub.expires_ms;

	(void)state;
	assert_int_equal(setting_set(&s->a, SETTING_GRACE_HOURS, STR("0")), OK);
	run_on(s, "UPDATE subscriptions SET enabled=0 WHERE id=?1", &kept_off);
	clock_moves(s, 30 * DAY_MS + HOUR_MS / 2);
	assert_false(is_on(s, &renewed) || is_on(s, &left) || is_on(s, &banned));
	assert_int_equal(user_set_banned(&s->a, boris.id, true), OK);
	shop_wait(s, -HOUR_MS);
	buy(s, &u, &p, &sub, "chg5");
	assert_true(is_on(s, &renewed) && sub_of(s, renewed.subscription_id).expires_ms == end_ms + 30 * DAY_MS);
	clock_moves(s, MINUTE_MS);
	assert_true(is_on(s, &left));
	assert_false(is_on(s, &kept_off) || is_on(s, &banned));
	assert_int_equal(user_set_banned(&s->a, boris.id, false), OK);
	assert_true(is_on(s, &banned));
	clock_moves(s, HOUR_MS); /* and ends at its time all the same */
	assert_false(is_on(s, &left));
	assert_int_equal(expiry_sweep(&s->a), OK);
	clock_moves(s, 0);
	assert_false(is_on(s, &banned));
	assert_int_equal(shop_number(s, "SELECT count(*) FROM jobs WHERE kind='reconcile'"), 2); /* the panel hears of all that */
	shop_free(s);
}

/* The end of a ban that came while the clock was ahead. */
static void test_unbanned_too_late(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1");

	(void)state;
	assert_int_equal(user_set_banned(&s->a, u.id, true), OK);
	clock_moves(s, 32 * DAY_MS);
	assert_int_equal(user_set_banned(&s->a, u.id, false), OK);
	assert_false(is_on(s, &o));
	clock_moves(s, -5 * DAY_MS);
	assert_true(is_on(s, &o));
	shop_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_stopped_too_early, ""),
		proves(test_unbanned_too_late, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
