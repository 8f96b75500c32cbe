/* What time does to a subscription: reminders, ends, deletion, traffic; and when it does not go as it should: clocks that were ahead,
 * schedules that were late. */
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

/* Thirty-one days minute by minute would be long; the schedules run at each hour and the bot is away in between. */
static void run_days(struct shop *s, int64_t ms)
{
	for (int64_t end = s->now_ms + ms; s->now_ms < end;) {
		shop_wait(s, HOUR_MS / 2);
		assert_int_equal(reminders_run(&s->a), OK);
		assert_int_equal(expiry_run(&s->a), OK);
	}
}

static void test_reminders(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1");
	struct subscription sub;

	(void)state;
	run_days(s, 27 * DAY_MS - HOUR_MS);
	assert_int_equal(shop_heard.reminded, 0);
	run_days(s, HOUR_MS);
	assert_string_equal(shop_heard.reminder, "3d");
	run_days(s, 2 * DAY_MS);
	assert_string_equal(shop_heard.reminder, "1d");
	run_days(s, DAY_MS);
	assert_string_equal(shop_heard.reminder, "end");
	assert_int_equal(shop_heard.reminded, 3);
	run_days(s, DAY_MS);
	assert_string_equal(shop_heard.reminder, "grace");
	run_days(s, 3 * DAY_MS);
	assert_int_equal(shop_heard.reminded, 4);
	/* renewed: armed again, and after a pause of a month only the most urgent is sent */
	sub = sub_of(s, o.subscription_id);
	buy(s, &u, &p, &sub, "chg2");
	shop_wait(s, 29 * DAY_MS + HOUR_MS);
	run_days(s, HOUR_MS);
	assert_string_equal(shop_heard.reminder, "1d");
	assert_int_equal(shop_heard.reminded, 5);
	assert_int_equal(shop_number(s, "SELECT sent FROM reminders WHERE period=2 AND kind='3d'"), 0);
	/* whoever blocked the bot is not written to, and not twice when back */
	assert_int_equal(user_unreachable(&s->a, ANNA), OK);
	run_days(s, DAY_MS);
	assert_int_equal(shop_heard.reminded, 5);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM reminders WHERE period=2"), 3);
	shop_check_books(s);
	shop_free(s);
}

static void test_expiry(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0), ever = shop_plan(s, "Ever", 0, 0, 900, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1"), endless = buy(s, &u, &ever, NULL, "chg2");
	struct subscription bought = sub_of(s, o.subscription_id), sub;
	int64_t end = bought.expires_ms;

	(void)state;
	run_days(s, 30 * DAY_MS - HOUR_MS);
	assert_int_equal(sub_of(s, o.subscription_id).grace_until_ms, 0);
	shop_wait(s, 51 * MINUTE_MS);
	assert_int_equal(expiry_run(&s->a), OK);
	sub = sub_of(s, o.subscription_id);
	assert_true(sub.grace_until_ms == end + DAY_MS && sub.expires_ms == end && sub_ends_ms(&sub) == end + DAY_MS);
	run_days(s, DAY_MS);
	assert_int_equal(sub_status(&sub, PLACE_STANDS, s->now_ms), SUB_GRACE);
	run_days(s, HOUR_MS);
	sub = sub_of(s, o.subscription_id);
	assert_true(!sub.enabled && !sub.gone);
	/* renewed before deletion: the same link, running again from now */
	run_days(s, 5 * DAY_MS);
	buy(s, &u, &p, &sub, "chg3");
	sub = sub_of(s, o.subscription_id);
	assert_true(sub.enabled && sub.expires_ms == s->now_ms + 30 * DAY_MS && sub.grace_until_ms == 0);
	assert_string_equal(sub.uuid, bought.uuid);
	assert_string_equal(sub.sub_id, bought.sub_id);
	/* and left to end for good */
	run_days(s, 30 * DAY_MS + 14 * DAY_MS - HOUR_MS);
	assert_false(sub_of(s, o.subscription_id).gone);
	run_days(s, 2 * HOUR_MS);
	sub = sub_of(s, o.subscription_id);
	assert_true(sub.gone && sub.deleted_ms);
	assert_int_equal(sub_status(&sub, PLACE_STANDS, s->now_ms), SUB_EXPIRED);
	sub = sub_of(s, endless.subscription_id);
	assert_true(sub.enabled && !sub.gone && sub.expires_ms == 0); /* without end: never cleaned up */
	shop_check_books(s);
	shop_free(s);
}

/* Who has begun to renew and then buys the same plan anew, or the other way round, has two orders. */
static void test_anew_and_renewal_apart(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order first = buy(s, &u, &p, NULL, "chg1"), renewal, anew, again;
	struct subscription sub = sub_of(s, first.subscription_id);

	(void)state;
	for (int i = 0; i < 2; i++) { /* either first */
		assert_int_equal(order_open(i ? &anew : &renewal, &s->a, &u, &p, i ? NULL : &sub), OK);
		assert_int_equal(order_open(i ? &renewal : &anew, &s->a, &u, &p, i ? &sub : NULL), OK);
		assert_true(renewal.kind == ORDER_RENEW && renewal.subscription_id == sub.id);
		assert_true(anew.kind == ORDER_NEW && anew.subscription_id == 0);
		assert_int_equal(order_open(&again, &s->a, &u, &p, NULL), OK); /* asked for once more, it is the same */
		assert_int_equal(again.id, anew.id);
		assert_int_equal(order_open(&again, &s->a, &u, &p, &sub), OK);
		assert_int_equal(again.id, renewal.id);
		shop_run(s, "UPDATE orders SET state='canceled' WHERE state='open'");
	}
	shop_free(s);
}

/* Its panel is removed from the shop before a renewal is delivered: it is given another place, as a new purchase is. */
static void test_renewal_loses_its_place(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1");
	struct subscription sub = sub_of(s, o.subscription_id);

	(void)state;
	pay(s, &u, &p, &sub, "chg2");
	shop_run(s, "UPDATE accesses SET deleted_ms=1; DELETE FROM jobs");
	assert_int_equal(orders_displaced(&s->a), OK);
	assert_string_equal(shop_text(s, "SELECT kind || subject FROM jobs"), arena_printf(&s->arena, "%s%" PRId64, order_job_fulfil.name, shop_number(s, "SELECT id FROM orders WHERE kind='renew'")));
	shop_free(s);
}

/* Paid before the deletion, told after it: the same subscription comes back, at a place that is free now. */
static void test_renewal_after_deletion(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1"), renewal;
	struct subscription bought = sub_of(s, o.subscription_id), sub;
	struct invoice i;

	(void)state;
	assert_int_equal(order_open(&renewal, &s->a, &u, &p, &bought), OK);
	assert_int_equal(invoice_open(&i, &s->a, &renewal, "stars"), OK);
	run_days(s, 45 * DAY_MS);
	assert_true(sub_of(s, bought.id).gone);
	shop_run(s, "UPDATE accesses SET deleted_ms=1");
	assert_int_equal(shop_stars(s, ANNA, i.public_id, 350, "chg2"), OK);
	shop_panels_agree(s);
	sub = sub_of(s, bought.id);
	assert_true(!sub.gone && !sub.deleted_ms && sub.enabled && sub.expires_ms == s->now_ms + 30 * DAY_MS);
	assert_string_equal(sub.uuid, bought.uuid);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE deleted_ms=0"), 1);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM orders WHERE state='delivered'"), 2);
	shop_check_books(s);
	shop_free(s);
}

/* A renewal whose panel is away for longer than what was bought: its days begin anew, nothing is stopped or deleted. */
static void test_time_waits_for_delivery(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1"), renewal;
	struct subscription sub = sub_of(s, o.subscription_id);

	(void)state;
	run_days(s, 29 * DAY_MS);
	renewal = pay(s, &u, &p, &sub, "chg2");
	run_days(s, 30 * DAY_MS + 14 * DAY_MS + 3 * DAY_MS);
	sub = sub_of(s, o.subscription_id);
	assert_true(!sub.gone && sub.enabled && sub.expires_ms > s->now_ms);
	assert_int_equal(order_get(&renewal, &s->a, renewal.id), OK);
	assert_int_equal(renewal.state, ORDER_PAID);
	run_days(s, 100 * DAY_MS);
	shop_panels_agree(s);
	assert_int_equal(order_get(&renewal, &s->a, renewal.id), OK);
	assert_int_equal(renewal.state, ORDER_DELIVERED);
	sub = sub_of(s, o.subscription_id);
	assert_true(!sub.gone && sub.enabled && sub.expires_ms > s->now_ms && sub.expires_ms <= s->now_ms + 30 * DAY_MS);
	run_days(s, 30 * DAY_MS + 16 * DAY_MS); /* delivered: from now on time does what it does */
	assert_true(sub_of(s, o.subscription_id).gone);
	shop_check_books(s);
	shop_free(s);
}

static void test_usage(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 1000, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1");
	struct subscription sub;

	(void)state;
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 300, 400), OK);
	assert_int_equal(shop_heard.reminded, 0);
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 400, 400), OK);
	assert_string_equal(shop_heard.reminder, "80");
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 500, 510), OK); /* from 80 to 101 at once */
	assert_string_equal(shop_heard.reminder, "100");
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 500, 600), OK);
	assert_int_equal(shop_heard.reminded, 2);
	sub = sub_of(s, o.subscription_id);
	assert_int_equal(sub_status(&sub, PLACE_STANDS, s->now_ms), SUB_LIMITED);
	/* renewed: usage 0, told again; an old figure of the panel does not count */
	{
		struct order again;
		struct invoice i;

		assert_int_equal(order_open(&again, &s->a, &u, &p, &sub), OK);
		assert_int_equal(invoice_open(&i, &s->a, &again, "stars"), OK);
		assert_int_equal(shop_stars(s, ANNA, i.public_id, 350, "chg2"), OK);
	}
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 500, 600), OK);
	assert_int_equal(sub_of(s, o.subscription_id).used_bytes, 0);
	assert_int_equal(shop_number(s, "SELECT lifetime_bytes FROM subscriptions"), 1100);
	shop_panels_agree(s);
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 400, 410), OK);
	assert_string_equal(shop_heard.reminder, "80");
	assert_int_equal(shop_heard.reminded, 3);
	shop_check_books(s);
	shop_free(s);
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
	/* the same where it waited for its amount */
	sub = sub_of(s, o.subscription_id);
	assert_int_equal(order_open(&again, &s->a, &u, &p, &sub), OK);
	assert_int_equal(invoice_open(&i, &s->a, &again, "stars"), OK);
	run_on(s, "UPDATE subscriptions SET enabled=0 WHERE id=?1", &o);
	assert_int_equal(shop_stars(s, ANNA, i.public_id, 300, "chg_less"), OK);
	assert_false(is_on(s, &o));
	assert_int_equal(suspense_decide(&s->a, shop_number(s, "SELECT max(id) FROM suspense"), SUSPENSE_APPLY, again.id, &admin), OK);
	shop_panels_agree(s);
	assert_true(is_on(s, &o));
	assert_true(sub_of(s, o.subscription_id).expires_ms == SHOP_NOW_MS + 90 * DAY_MS);
	run_on(s, "UPDATE subscriptions SET enabled=0 WHERE id=?1", &o);
	clock_moves(s, 92 * DAY_MS);
	sub = sub_of(s, o.subscription_id);
	buy(s, &u, &p, &sub, "chg3");
	assert_true(is_on(s, &o));
	shop_check_books(s);
	shop_free(s);
}

/* Paid while banned, and deleted before a person let it count: the mark of that ban went unseen by its end, and keeps nothing off. A ban
 * that lasts does. */
static void test_back_after_ban(void **state)
{
	(void)state;
	for (int banned = 0; banned <= 1; banned++) {
		struct shop *s = shop_new();
		struct user u = shop_user(s, ANNA, "Anna"), admin = shop_user(s, 1, "Admin");
		struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
		struct order o = buy(s, &u, &p, NULL, "chg1"), renewal;
		struct subscription sub;
		struct invoice i;

		clock_moves(s, 32 * DAY_MS);
		sub = sub_of(s, o.subscription_id);
		assert_true(!sub.enabled && !sub.gone);
		assert_int_equal(order_open(&renewal, &s->a, &u, &p, &sub), OK);
		assert_int_equal(invoice_open(&i, &s->a, &renewal, "stars"), OK);
		assert_int_equal(user_set_banned(&s->a, u.id, true), OK);
		assert_int_equal(shop_stars(s, ANNA, i.public_id, 350, "chg2"), OK);
		assert_string_equal(shop_heard.reason, "banned");
		clock_moves(s, 20 * DAY_MS);
		assert_true(sub_of(s, sub.id).gone);
		if (!banned)
			assert_int_equal(user_set_banned(&s->a, u.id, false), OK);
		assert_int_equal(suspense_decide(&s->a, 1, SUSPENSE_DELIVER, 0, &admin), OK);
		shop_panels_agree(s);
		assert_int_equal(is_on(s, &o), !banned);
		assert_int_equal(user_set_banned(&s->a, u.id, false), OK);
		assert_true(is_on(s, &o));
		assert_int_equal(shop_number(s, "SELECT count(*) FROM subscriptions WHERE ban_stopped=1"), 0);
		shop_check_books(s);
		shop_free(s);
	}
}

/* Kept off by hand, and its money given back: that it was off ended with it, and what is bought there afterwards works. */
static void test_back_after_refund(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), admin = shop_user(s, 1, "Admin");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1"), renewal;
	struct subscription sub = sub_of(s, o.subscription_id);
	struct invoice i;

	(void)state;
	assert_int_equal(order_open(&renewal, &s->a, &u, &p, &sub), OK);
	assert_int_equal(invoice_open(&i, &s->a, &renewal, "stars"), OK);
	run_on(s, "UPDATE subscriptions SET enabled=0 WHERE id=?1", &o);
	assert_int_equal(refund_start(&s->a, 1, &admin, "does not work"), OK);
	assert_int_equal(shop_stars_refunded(s, ANNA, "", 350, "chg1"), OK);
	assert_true(sub_of(s, sub.id).gone);
	assert_int_equal(shop_stars(s, ANNA, i.public_id, 350, "chg2"), OK);
	assert_string_equal(shop_heard.reason, "plan_gone");
	assert_int_equal(suspense_decide(&s->a, 1, SUSPENSE_DELIVER, 0, &admin), OK);
	shop_panels_agree(s);
	assert_true(is_on(s, &o));
	shop_check_books(s);
	shop_free(s);
}

/* A month was over and gone when one without end was bought, and that is given back: nothing is left, and time removes it as it
 * removes all that is over. */
static void test_nothing_left(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), admin = shop_user(s, 1, "Admin");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0), ever = shop_plan(s, "Ever", 0, 0, 900, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1"), renewal;
	struct subscription sub = sub_of(s, o.subscription_id);
	struct invoice i;

	(void)state;
	assert_int_equal(order_open(&renewal, &s->a, &u, &ever, &sub), OK);
	assert_int_equal(invoice_open(&i, &s->a, &renewal, "stars"), OK);
	clock_moves(s, 60 * DAY_MS);
	assert_true(sub_of(s, sub.id).gone);
	assert_int_equal(shop_stars(s, ANNA, i.public_id, 900, "chg2"), OK);
	shop_panels_agree(s);
	assert_true(is_on(s, &o) && sub_of(s, sub.id).expires_ms == 0);
	assert_int_equal(refund_start(&s->a, 2, &admin, "asked for"), OK);
	assert_int_equal(shop_stars_refunded(s, ANNA, "", 900, "chg2"), OK);
	assert_true(is_on(s, &o) && sub_of(s, sub.id).expires_ms == 1);
	clock_moves(s, MINUTE_MS);
	assert_true(sub_of(s, sub.id).gone);
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
	/* nor where its place is gone: there it could never be delivered */
	run_on(s, "UPDATE subscriptions SET enabled=1 WHERE id=?1", &trial);
	assert_int_equal(order_open(&o, &s->a, &u, &p, NULL), OK);
	assert_true(o.kind == ORDER_RENEW && o.subscription_id == trial.subscription_id);
	assert_int_equal(order_cancel(&s->a, &o), OK);
	shop_run(s, "UPDATE inbounds SET gone=1");
	assert_int_equal(order_open(&o, &s->a, &u, &p, NULL), E_NOROOM);
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
		proves(test_reminders, "R074 B32"),
		proves(test_expiry, "R189 R193"),
		proves(test_anew_and_renewal_apart, ""),
		proves(test_renewal_loses_its_place, ""),
		proves(test_renewal_after_deletion, ""),
		proves(test_time_waits_for_delivery, ""),
		proves(test_usage, "R184"),
		proves(test_stopped_too_early, ""),
		proves(test_unbanned_too_late, ""),
		proves(test_kept_off, ""),
		proves(test_back_after_ban, ""),
		proves(test_back_after_refund, ""),
		proves(test_nothing_left, ""),
		proves(test_trial_kept_off, ""),
		proves(test_long_sleep, ""),
		proves(test_deletion_is_asked_again, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
