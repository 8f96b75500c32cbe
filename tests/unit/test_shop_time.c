/* What time does to a subscription when it does not go as it should: clocks that were ahead, schedules that were late. */
#include "tests/unit/proves.h"

#include <unistd.h>

#include "bot/schema.h"
#include "tests/unit/people_fixture.c"

#define BEFORE_STOPS_BY_TIME 12 /* so many migrations had landed */

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

/* Of what an older program had switched off, time stopped what waits for its deletion; not what somebody keeps off or a ban does. */
static void test_stops_of_before(void **state)
{
	struct shop *s = shop_new();
	const char *path = arena_printf(&s->arena, "%s/old.db", s->dir);
	struct db *db;
	int64_t from;
	char *marked;

	(void)state;
	assert_int_equal(db_open(&db, path, DB_WRITE, NULL), OK);
	assert_int_equal(db_migrate(db, &from, schema_migrations, BEFORE_STOPS_BY_TIME), OK);
	assert_int_equal(db_script(db, "INSERT INTO users(id, lang, created_ms, updated_ms) VALUES(1, 'en', 1, 1);"
		"INSERT INTO plans(id, name, days, quota_bytes, created_ms) VALUES(1, 'Month', 30, 0, 1);"
		"INSERT INTO subscriptions(public_id, user_id, plan_id, sub_id, uuid, password, expires_ms, grace_until_ms, step_ms, enabled, ban_stopped, quota_bytes, limit_ip, reset_days, created_ms, updated_ms)"
		" VALUES('BY_TIME', 1, 1, 'a', 'a', 'a', 100, 200, 300, 0, 0, 0, 0, 0, 1, 1), ('BY_HAND', 1, 1, 'b', 'b', 'b', 100, 0, 90, 0, 0, 0, 0, 0, 1, 1),"
		" ('ENDLESS', 1, 1, 'c', 'c', 'c', 0, 0, 0, 0, 0, 0, 0, 0, 1, 1), ('BANNED', 1, 1, 'd', 'd', 'd', 100, 0, 300, 0, 1, 0, 0, 0, 1, 1), ('ON', 1, 1, 'e', 'e', 'e', 100, 0, 90, 1, 0, 0, 0, 0, 1, 1)"), OK);
	assert_int_equal(db_migrate(db, &from, schema_migrations, schema_migrations_count), OK);
	assert_int_equal(db_get_text(&marked, &s->arena, db, "SELECT group_concat(public_id) FROM subscriptions WHERE time_stopped=1"), OK);
	assert_string_equal(marked, "BY_TIME");
	db_close(db);
	unlink(path);
	unlink(arena_printf(&s->arena, "%s-wal", path));
	unlink(arena_printf(&s->arena, "%s-shm", path));
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

/* Nothing is sold for what somebody keeps off; money that comes all the same is a person's, whose word to deliver switches it on.
 * Once it is over, a renewal starts it as it starts any other. */
static void test_kept_off(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), admin = shop_user(s, 1, "Admin");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1"), open, again;
	struct subscription sub = sub_of(s, o.subscription_id);
	struct invoice i;
	struct str why;

	(void)state;
	assert_int_equal(order_open(&open, &s->a, &u, &p, &sub), OK);
	assert_int_equal(invoice_open(&i, &s->a, &open, "stars"), OK);
	run_on(s, "UPDATE subscriptions SET enabled=0 WHERE id=?1", &o);
	sub = sub_of(s, o.subscription_id);
	assert_int_equal(order_cancel(&s->a, &open), OK);
	assert_int_equal(order_open(&again, &s->a, &u, &p, &sub), E_CONFLICT);
	shop_run(s, "UPDATE orders SET state='open' WHERE kind='renew'; UPDATE invoices SET state='pending' WHERE state='canceled'");
	assert_int_equal(order_get(&open, &s->a, open.id), OK);
	assert_int_equal(invoice_open(&i, &s->a, &open, "stars"), E_CONFLICT);
	assert_false(shop_pre_checkout(s, ANNA, i.public_id, 350, &why));
	assert_true(str_has(why, "has switched this subscription off"));
	assert_int_equal(shop_stars(s, ANNA, i.public_id, 350, "chg2"), OK);
	assert_string_equal(shop_heard.reason, "kept_off");
	assert_false(is_on(s, &o));
	assert_int_equal(suspense_decide(&s->a, 1, SUSPENSE_DELIVER, 0, &admin), OK);
	shop_panels_agree(s);
	assert_true(is_on(s, &o));
	assert_true(sub_of(s, o.subscription_id).expires_ms == SHOP_NOW_MS + 60 * DAY_MS);
	run_on(s, "UPDATE subscriptions SET enabled=0 WHERE id=?1", &o);
	clock_moves(s, 62 * DAY_MS);
	sub = sub_of(s, o.subscription_id);
	buy(s, &u, &p, &sub, "chg3");
	assert_true(is_on(s, &o));
	shop_check_books(s);
	shop_free(s);
}

/* A trial that is kept off is not what a purchase goes on with: it brings a new link. */
static void test_trial_kept_off(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0), taste = { .name = arena_strdup(&s->arena, "Taste"), .days = 3, .trial = true, .on_sale = true };
	struct order trial, o;
	int64_t id;

	(void)state;
	assert_int_equal(plan_add(&id, &s->a, &taste), OK);
	assert_int_equal(order_trial(&trial, &s->a, &u), OK);
	shop_panels_agree(s);
	run_on(s, "UPDATE subscriptions SET enabled=0 WHERE id=?1", &trial);
	o = buy(s, &u, &p, NULL, "chg1");
	assert_true(o.kind == ORDER_NEW && o.subscription_id != trial.subscription_id && is_on(s, &o));
	assert_false(is_on(s, &trial));
	shop_free(s);
}

/* Paid, the panel away, and the shop asleep for two months: what is paid is not deleted but begins anew, and goes back with a
 * refund. */
static void test_long_sleep(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), admin = shop_user(s, 1, "Admin");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1");
	struct subscription sub = sub_of(s, o.subscription_id);

	(void)state;
	shop_wait(s, 29 * DAY_MS);
	pay(s, &u, &p, &sub, "chg2");
	clock_moves(s, 90 * DAY_MS);
	sub = sub_of(s, o.subscription_id);
	assert_true(sub.enabled && !sub.gone && sub.expires_ms == s->now_ms + 30 * DAY_MS);
	assert_int_equal(refund_start(&s->a, 2, &admin, "it never came"), OK);
	assert_int_equal(shop_stars_refunded(s, ANNA, "", 350, "chg2"), OK);
	sub = sub_of(s, o.subscription_id);
	assert_true(!sub.gone && sub.expires_ms == s->now_ms);
	shop_free(s);
}

/* Deleted, and the panel still has it: the removal that lost its job is asked for again. */
static void test_deletion_is_asked_again(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1");

	(void)state;
	clock_moves(s, 60 * DAY_MS);
	assert_true(sub_of(s, o.subscription_id).gone);
	shop_run(s, "DELETE FROM jobs");
	assert_int_equal(expiry_sweep(&s->a), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM jobs WHERE kind='reconcile'"), 1);
	shop_run(s, "DELETE FROM jobs; UPDATE accesses SET seen_exists=0");
	assert_int_equal(expiry_sweep(&s->a), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM jobs"), 0);
	shop_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_stopped_too_early, ""),
		proves(test_stops_of_before, ""),
		proves(test_unbanned_too_late, ""),
		proves(test_kept_off, ""),
		proves(test_trial_kept_off, ""),
		proves(test_long_sleep, ""),
		proves(test_deletion_is_asked_again, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
