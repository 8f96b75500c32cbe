/* What is given once to each person: the trial, the days for a friend. */
#include "tests/unit/proves.h"

#include "tests/unit/people_fixture.c"

#define CARL 555000333

static void trial_on_sale(struct shop *s)
{
	struct plan taste = { .name = arena_strdup(&s->arena, "Taste"), .days = 3, .trial = true, .on_sale = true };
	int64_t id;

	assert_int_equal(plan_add(&id, &s->a, &taste), OK);
}

static void test_trial(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Try", 1, GIB_BYTES, 0, 0), month = shop_plan(s, "Month", 30, 0, 350, 0);
	struct subscription before, after;
	struct order o, no;

	(void)state;
	assert_int_equal(order_trial(&no, &s->a, &u), E_NOTFOUND);
	p.trial = true;
	assert_int_equal(plan_update(&s->a, &p), OK);
	shop_run(s, "UPDATE panels SET drain=1");
	assert_int_equal(order_trial(&no, &s->a, &u), E_NOROOM); /* and it is not used up by that */
	shop_run(s, "UPDATE panels SET drain=0");
	assert_int_equal(order_trial(&o, &s->a, &u), OK);
	shop_panels_agree(s);
	assert_int_equal(order_trial(&no, &s->a, &u), E_CONFLICT);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM trials WHERE instr(telegram_hash, '555000111')"), 0);
	before = sub_of(s, o.subscription_id);
	assert_true(before.trial && before.expires_ms == SHOP_NOW_MS + DAY_MS && before.quota_bytes == GIB_BYTES);
	/* buying keeps subscription, UUID and link */
	o = buy(s, &u, &month, NULL, "chg1");
	after = sub_of(s, before.id);
	assert_int_equal(o.subscription_id, before.id);
	assert_string_equal(after.uuid, before.uuid);
	assert_string_equal(after.sub_id, before.sub_id);
	assert_true(!after.trial && after.expires_ms == SHOP_NOW_MS + 31 * DAY_MS && after.quota_bytes == 0);
	/* the account is deleted and made again: no second trial */
	shop_run(s, "UPDATE users SET telegram_id=NULL");
	u = shop_user(s, ANNA, "Anna");
	assert_true(u.is_new);
	assert_int_equal(order_trial(&no, &s->a, &u), E_CONFLICT);
	shop_check_books(s);
	shop_free(s);
}

static void test_referral(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = shop_user(s, BORIS, "Boris"), old;
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order owned = gift(s, &anna, &p), first;
	struct subscription sub;
	struct referral_totals totals;
	int64_t before;
	bool bound;

	(void)state;
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(boris.referral_code)), OK);
	assert_false(bound); /* own code */
	assert_int_equal(referral_bind(&bound, &s->a, &boris, STR("ZZZZZZZZ")), OK);
	assert_false(bound);
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(anna.referral_code)), OK);
	assert_true(bound);
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(anna.referral_code)), OK);
	assert_false(bound); /* once */
	old = shop_user(s, ANNA, "Anna");
	assert_int_equal(referral_bind(&bound, &s->a, &old, str_of(boris.referral_code)), OK);
	assert_false(bound); /* no longer new: no cycles */

	before = sub_of(s, owned.subscription_id).expires_ms;
	first = buy(s, &boris, &p, NULL, "chg1");
	assert_int_equal(bonus_earn(&s->a, &first), OK);
	assert_int_equal(sub_of(s, owned.subscription_id).expires_ms, before + 7 * DAY_MS);
	sub = sub_of(s, first.subscription_id);
	buy(s, &boris, &p, &sub, "chg2");
	assert_int_equal(sub_of(s, owned.subscription_id).expires_ms, before + 7 * DAY_MS); /* one reward */
	assert_int_equal(referral_totals(&totals, &s->a, anna.id), OK);
	assert_true(totals.invited == 1 && totals.bought == 1 && totals.days_used == 7);
	shop_check_books(s);
	shop_free(s);
}

static void test_referral_hold(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = shop_user(s, BORIS, "Boris"), carl = shop_user(s, 3, "Carl");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order first, second, own;
	struct referral_totals totals;
	bool bound;

	(void)state;
	assert_int_equal(setting_set(&s->a, SETTING_REFERRAL_HOLD_HOURS, STR("24")), OK);
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(anna.referral_code)), OK);
	assert_int_equal(referral_bind(&bound, &s->a, &carl, str_of(anna.referral_code)), OK);
	first = buy(s, &boris, &p, NULL, "chg1");
	second = buy(s, &carl, &p, NULL, "chg2");
	assert_int_equal(order_state_name(second.state)[0], 'd');
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses WHERE state='pending'"), 2);
	assert_int_equal(shop_stars_refunded(s, BORIS, "", 350, "chg1"), OK); /* a refund takes the reward back */
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses WHERE state='canceled'"), 1);
	assert_true(first.id != second.id);
	shop_wait(s, DAY_MS - 1);
	assert_int_equal(bonuses_mature(&s->a), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses WHERE state='pending'"), 1);
	shop_wait(s, 1);
	assert_int_equal(bonuses_mature(&s->a), OK);
	assert_int_equal(referral_totals(&totals, &s->a, anna.id), OK);
	assert_true(totals.days_usable == 7 && totals.days_used == 0); /* nothing to add to: kept */
	own = buy(s, &anna, &p, NULL, "chg3");
	assert_int_equal(own.bonus_days, 7);
	assert_int_equal(sub_of(s, own.subscription_id).expires_ms, s->now_ms + 37 * DAY_MS);
	shop_check_books(s);
	shop_free(s);
}

/* Days for a friend go to what runs and ends first; an order counts them as its own only where they are. */
static void test_referral_two_subscriptions(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = shop_user(s, BORIS, "Boris");
	struct plan month = shop_plan(s, "Month", 30, 0, 350, 0), week = shop_plan(s, "Week", 7, 0, 90, 0);
	struct order over, runs, own, first;
	bool bound;

	(void)state;
	assert_int_equal(setting_set(&s->a, SETTING_REFERRAL_HOLD_HOURS, STR("24")), OK);
	over = buy(s, &anna, &week, NULL, "chg1");
	shop_wait(s, 10 * DAY_MS);
	runs = buy(s, &anna, &week, NULL, "chg2");
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(anna.referral_code)), OK);
	first = buy(s, &boris, &month, NULL, "chg3");
	assert_true(first.id > runs.id);
	shop_wait(s, DAY_MS);
	shop_run(s, "UPDATE bonuses SET state='usable'");
	own = buy(s, &anna, &month, NULL, "chg4");
	assert_int_equal(own.bonus_days, 0);
	assert_int_equal(sub_of(s, own.subscription_id).expires_ms, s->now_ms + 30 * DAY_MS);
	assert_int_equal(sub_of(s, runs.subscription_id).expires_ms, s->now_ms + 13 * DAY_MS);
	assert_true(sub_of(s, over.subscription_id).expires_ms < s->now_ms);
	shop_check_books(s);
	shop_free(s);
}

/* Whose telegram_id is next to another one has a trial of their own; nobody has a second one because the sealing key was lost. */
static void test_trial_of_each(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), next = shop_user(s, ANNA + 1, "Next");
	struct order o;

	(void)state;
	trial_on_sale(s);
	assert_int_equal(setting_set(&s->a, SETTING_TRIAL_ON, STR("0")), OK);
	assert_int_equal(order_trial(&o, &s->a, &anna), E_NOTFOUND); /* by an old button, too */
	assert_int_equal(setting_set(&s->a, SETTING_TRIAL_ON, STR("1")), OK);
	assert_int_equal(order_trial(&o, &s->a, &anna), OK);
	assert_int_equal(order_trial(&o, &s->a, &next), OK);
	seal_key_draw(&s->key); /* obol run --forget-secrets */
	assert_int_equal(order_trial(&o, &s->a, &anna), E_CONFLICT);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM orders WHERE kind='trial'"), 2);
	shop_free(s);
}

/* A plan of another region than the trial's brings a place of its own there. */
static void test_trial_elsewhere(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order trial, o;

	(void)state;
	trial_on_sale(s);
	shop_panel(s, 2, 5, 0);
	shop_run(s, "UPDATE panels SET region='Oslo' WHERE id=1; UPDATE panels SET region='Paris' WHERE id=2; UPDATE plans SET region='Paris' WHERE name='Month'");
	assert_int_equal(plan_get(&p, &s->a, p.id), OK);
	assert_int_equal(order_trial(&trial, &s->a, &anna), OK);
	shop_panels_agree(s);
	assert_int_equal(shop_number(s, "SELECT panel_id FROM accesses"), 1);
	o = buy(s, &anna, &p, NULL, "chg1");
	assert_true(o.kind == ORDER_NEW && o.subscription_id != trial.subscription_id);
	assert_int_equal(shop_number(s, arena_printf(&s->arena, "SELECT panel_id FROM accesses WHERE subscription_id=%" PRId64, o.subscription_id)), 2);
	shop_free(s);
}

/* Boris comes by Anna's code. */
static struct user invited(struct shop *s, const struct user *anna, int64_t telegram_id)
{
	struct user u = shop_user(s, telegram_id, "Friend");
	bool bound;

	assert_int_equal(referral_bind(&bound, &s->a, &u, str_of(anna->referral_code)), OK);
	assert_true(bound);
	return u;
}

/* Who had a trial, deletes the account and comes again is no new friend. */
static void test_known_friend(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = shop_user(s, BORIS, "Boris");
	struct order o;
	bool bound;

	(void)state;
	trial_on_sale(s);
	assert_int_equal(order_trial(&o, &s->a, &boris), OK);
	shop_run(s, "UPDATE users SET telegram_id=NULL WHERE telegram_id=555000222");
	boris = shop_user(s, BORIS, "Boris");
	assert_true(boris.is_new);
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(anna.referral_code)), OK);
	assert_false(bound);
	shop_free(s);
}

/* The money back and bought again: one friend, one reward. */
static void test_friend_comes_back(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = invited(s, &anna, BORIS);
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order owned = buy(s, &anna, &p, NULL, "chg1");
	int64_t before_ms = sub_of(s, owned.subscription_id).expires_ms;

	(void)state;
	buy(s, &boris, &p, NULL, "chg2");
	assert_int_equal(shop_stars_refunded(s, BORIS, "", 350, "chg2"), OK);
	buy(s, &boris, &p, NULL, "chg3");
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses"), 1);
	assert_int_equal(sub_of(s, owned.subscription_id).expires_ms, before_ms + 7 * DAY_MS);
	shop_free(s);
}

/* Days are not spent where they would add nothing: on what has no end, on what was given back. They wait for what has one. */
static void test_days_are_not_wasted(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = invited(s, &anna, BORIS), carl = invited(s, &anna, CARL);
	struct plan month = shop_plan(s, "Month", 30, 0, 350, 0), week = shop_plan(s, "Week", 7, 0, 90, 0), ever = shop_plan(s, "Ever", 0, 0, 900, 0);
	struct order endless = gift(s, &anna, &ever), gone = buy(s, &anna, &week, NULL, "chg2"), own;
	struct subscription sub = sub_of(s, endless.subscription_id);

	(void)state;
	assert_int_equal(sub_extend(&s->a, &sub, 7 * DAY_MS), OK); /* a gift to what has no end gives it none */
	assert_int_equal(sub_of(s, endless.subscription_id).expires_ms, 0);
	assert_int_equal(shop_stars_refunded(s, ANNA, "", 90, "chg2"), OK);
	assert_true(sub_of(s, gone.subscription_id).gone);
	buy(s, &boris, &month, NULL, "chg3");
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses WHERE state='usable'"), 1);
	own = buy(s, &anna, &month, NULL, "chg4");
	assert_int_equal(sub_of(s, own.subscription_id).expires_ms, s->now_ms + 37 * DAY_MS);
	buy(s, &carl, &month, NULL, "chg5"); /* the one that is gone would have ended sooner */
	assert_int_equal(sub_of(s, own.subscription_id).expires_ms, s->now_ms + 44 * DAY_MS);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses WHERE state='used'"), 2);
	shop_check_books(s);
	shop_free(s);
}

/* A month and a week for a friend were promised and the panel is away until both are over: both begin anew. */
static void test_days_wait_with_the_rest(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = invited(s, &anna, BORIS);
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o;

	(void)state;
	buy(s, &boris, &p, NULL, "chg1");
	o = pay(s, &anna, &p, NULL, "chg2");
	assert_int_equal(o.bonus_days, 7);
	shop_wait(s, 38 * DAY_MS + HOUR_MS);
	assert_int_equal(expiry_run(&s->a), OK);
	assert_int_equal(sub_of(s, o.subscription_id).expires_ms, s->now_ms + 37 * DAY_MS);
	shop_free(s);
}

/* Days for a friend came with a purchase that is paid back while another one stands behind it: they were earned, and stay. */
static void test_days_outlast_a_refund(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = invited(s, &anna, BORIS), admin = shop_user(s, 1, "Admin");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct subscription sub;
	struct order o;

	(void)state;
	buy(s, &boris, &p, NULL, "chg1");
	o = buy(s, &anna, &p, NULL, "chg2");
	assert_int_equal(o.bonus_days, 7);
	sub = sub_of(s, o.subscription_id);
	buy(s, &anna, &p, &sub, "chg3");
	assert_int_equal(sub_of(s, sub.id).expires_ms, s->now_ms + 67 * DAY_MS);
	assert_int_equal(refund_start(&s->a, shop_number(s, "SELECT id FROM payments WHERE provider_payment_id='chg2'"), &admin, "too slow"), OK);
	assert_int_equal(shop_stars_refunded(s, ANNA, "", 350, "chg2"), OK);
	assert_int_equal(sub_of(s, sub.id).expires_ms, s->now_ms + 37 * DAY_MS);
	shop_check_books(s);
	shop_free(s);
}

#define MANY 450 /* more than one run takes */

/* Everybody's hold ends on the same day: whoever has no turn in this run has one in the next. */
static void test_many_rewards(void **state)
{
	struct shop *s = shop_new();
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);

	(void)state;
	assert_int_equal(db_run(s->db, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<?1) INSERT INTO users(id, lang, created_ms, updated_ms) SELECT 1000+i, 'en', 1, 1 FROM n", MANY), OK);
	assert_int_equal(db_run(s->db, "INSERT INTO subscriptions(public_id, user_id, plan_id, sub_id, uuid, password, expires_ms, quota_bytes, limit_ip, reset_days, created_ms, updated_ms)"
		" SELECT id, id, ?1, id, id, id, ?2, 0, 0, 0, 1, 1 FROM users WHERE id>1000", p.id, s->now_ms + 30 * DAY_MS), OK);
	assert_int_equal(db_run(s->db, "INSERT INTO orders(id, public_id, user_id, kind, plan_id, state, plan_name, days, quota_bytes, limit_ip, reset_days, early, created_ms, expires_ms)"
		" SELECT id, id, id, 'new', ?1, 'delivered', '', 30, 0, 0, 0, 'keep', 1, 1 FROM users WHERE id>1000", p.id), OK);
	assert_int_equal(db_run(s->db, "INSERT INTO bonuses(user_id, days, source_order_id, state, usable_ms, created_ms, updated_ms) SELECT id, 7, id, 'pending', ?1, 1, 1 FROM users WHERE id>1000",
		s->now_ms), OK);
	for (int run = 0; run < 3; run++) {
		assert_int_equal(bonuses_mature(&s->a), OK);
		shop_wait(s, MINUTE_MS);
	}
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses WHERE state='used'"), MANY);
	assert_int_equal(db_run(s->db, "DELETE FROM subscriptions WHERE expires_ms<>?1", SHOP_NOW_MS + 37 * DAY_MS), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM subscriptions"), MANY);
	shop_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_trial, "B36"),
		proves(test_referral, "R242 B35"),
		proves(test_referral_hold, "R244"),
		proves(test_referral_two_subscriptions, ""),
		proves(test_trial_of_each, ""),
		proves(test_trial_elsewhere, ""),
		proves(test_known_friend, ""),
		proves(test_friend_comes_back, ""),
		proves(test_days_are_not_wasted, ""),
		proves(test_days_wait_with_the_rest, ""),
		proves(test_days_outlast_a_refund, ""),
		proves(test_many_rewards, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
