/* Money that goes back, and what it takes along. */
#include "tests/unit/proves.h"

#include <string.h>

#include "tests/unit/sale_fixture.c"

#define BODY(text) { text, sizeof text - 1 }
static const struct http_response refunded = { .status = 200, .body = BODY("{\"ok\":true,\"result\":true}") };
static const struct http_response already = { .status = 400, .body = BODY("{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: CHARGE_ALREADY_REFUNDED\"}") };
static const struct http_response refused = { .status = 400, .body = BODY("{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: CHARGE_ID_INVALID\"}") };
static const struct http_response lost = { .failure = HTTP_FAIL_TIMEOUT };

static void test_refund(void **state)
{
	struct sale t = sale_new();
	struct payment_row p;
	int64_t at_ms;

	(void)state;
	buy(&t);
	assert_int_equal(refund_start(&t.s->a, 1, &t.admin, "asked for"), OK);
	assert_int_equal(refund_start(&t.s->a, 1, &t.admin, "again"), E_CONFLICT);
	assert_string_equal(state_of_order(&t), "delivered"); /* access ends when the money is back */
	assert_int_equal(shop_job(t.s, &pay_job_refund, "1", &lost, &at_ms), JOB_LATER);
	assert_int_equal(shop_job(t.s, &pay_job_refund, "1", &already, &at_ms), JOB_DONE);
	assert_string_equal(state_of_order(&t), "refunded");
	assert_int_equal(shop_number(t.s, "SELECT gone FROM subscriptions"), 1);
	assert_int_equal(shop_stars_refunded(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK); /* Telegram's message comes too */
	assert_int_equal(shop_heard.refunded, 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM ledger"), 3);
	assert_int_equal(payment_get(&p, &t.s->a, 1), OK);
	assert_string_equal(p.state, "refunded");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM jobs WHERE kind='reconcile'"), 1);
	sale_end(&t);
}

/* Money that was kept gave nothing: where Telegram pays it back all the same, what another payment has bought stays. */
static void test_of_kept(void **state)
{
	struct sale t = sale_new();

	(void)state;
	buy(&t);
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg2"), OK); /* the same invoice once more */
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_KEEP, 0, &t.admin), OK);
	assert_int_equal(shop_stars_refunded(t.s, ANNA, t.invoice.public_id, 350, "chg2"), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments WHERE state='refunded' AND provider_payment_id='chg2'"), 1);
	assert_string_equal(state_of_order(&t), "delivered");
	assert_int_equal(shop_number(t.s, "SELECT gone FROM subscriptions"), 0);
	shop_check_books(t.s);
	sale_end(&t);
}

/* A friend has paid, and an admin let it count: the friend has the money back, and not whose order it was. */
static void test_back_to_the_payer(void **state)
{
	struct sale t = sale_new();
	struct job job = { .kind = &pay_job_refund };

	(void)state;
	assert_int_equal(shop_stars(t.s, BORIS, t.invoice.public_id, 350, "chg1"), OK);
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_APPLY, t.order.id, &t.admin), OK);
	assert_int_equal(refund_start(&t.s->a, 1, &t.admin, "asked for"), OK);
	job.subject = str_dup(&t.s->arena, STR("1"));
	assert_int_equal(pay_job_refund.begin(&t.s->a, &job), OK);
	assert_int_equal(job.next, JOB_CALL);
	assert_true(str_has(job.request->body, arena_printf(&t.s->arena, "\"user_id\":%" PRId64, (int64_t)BORIS)));
	arena_release(&job.arena);
	sale_end(&t);
}

/* Told to come back later is no refusal: the money is still on its way, and nobody is told that it is not. */
static void test_told_to_wait(void **state)
{
	static const struct http_response slow = { .status = 429, .body = BODY("{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests\",\"parameters\":{\"retry_after\":7}}") };
	struct sale t = sale_new();
	int64_t at_ms;

	(void)state;
	buy(&t);
	assert_int_equal(refund_start(&t.s->a, 1, &t.admin, "asked for"), OK);
	assert_int_equal(shop_job(t.s, &pay_job_refund, "1", &slow, &at_ms), JOB_LATER);
	assert_int_equal(at_ms, t.s->now_ms + 7 * SECOND_MS);
	assert_int_equal(shop_heard.refund_failed, 0);
	assert_string_equal(shop_text(t.s, "SELECT state FROM payments"), "refunding");
	assert_int_equal(shop_job(t.s, &pay_job_refund, "1", &refunded, &at_ms), JOB_DONE);
	assert_int_equal(shop_heard.refunded, 1);
	sale_end(&t);
}

static void test_refused(void **state)
{
	struct sale t = sale_new();
	int64_t at_ms;

	(void)state;
	buy(&t);
	assert_int_equal(refund_start(&t.s->a, 1, &t.admin, "asked for"), OK);
	assert_int_equal(shop_job(t.s, &pay_job_refund, "1", &refused, &at_ms), JOB_DONE);
	assert_int_equal(shop_heard.refund_failed, 1);
	assert_string_equal(state_of_order(&t), "delivered");
	assert_int_equal(shop_number(t.s, "SELECT gone FROM subscriptions"), 0);
	assert_int_equal(refund_start(&t.s->a, 1, &t.admin, "once more"), OK);
	assert_int_equal(shop_job(t.s, &pay_job_refund, "1", &refunded, &at_ms), JOB_DONE);
	assert_string_equal(state_of_order(&t), "refunded");
	sale_end(&t);
}

/* What was set aside and goes back takes nothing from the order that other money has paid for; refused, it is before a person again. */
static void test_of_what_was_set_aside(void **state)
{
	struct sale t = sale_new();
	int64_t at_ms;

	(void)state;
	buy(&t);
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg2"), OK); /* the same invoice once more */
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_REFUND, 0, &t.admin), OK);
	assert_int_equal(shop_job(t.s, &pay_job_refund, "2", &refused, &at_ms), JOB_DONE);
	assert_string_equal(shop_text(t.s, "SELECT state FROM suspense"), "open");
	shop_check_books(t.s);
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_REFUND, 0, &t.admin), OK);
	assert_int_equal(shop_job(t.s, &pay_job_refund, "2", &refunded, &at_ms), JOB_DONE);
	assert_string_equal(shop_text(t.s, "SELECT state FROM suspense"), "refunded");
	assert_string_equal(state_of_order(&t), "delivered");
	assert_int_equal(shop_number(t.s, "SELECT gone FROM subscriptions"), 0);
	sale_end(&t);
}

/* Renews what Anna has, for a plan of any price; no panel has answered yet. */
static void pay_renewal(struct sale *t, const struct plan *p, const char *charge)
{
	struct subscription sub;
	struct order renewal;
	struct invoice i;

	assert_int_equal(sub_get(&sub, &t->s->a, shop_number(t->s, "SELECT id FROM subscriptions")), OK);
	assert_int_equal(order_open(&renewal, &t->s->a, &t->anna, p, &sub), OK);
	assert_int_equal(invoice_open(&i, &t->s->a, &renewal, "stars"), OK);
	assert_int_equal(shop_stars(t->s, ANNA, i.public_id, i.amount_minor, charge), OK);
}

static void renew(struct sale *t, const struct plan *p, const char *charge)
{
	pay_renewal(t, p, charge);
	shop_panels_agree(t->s);
}

static void give_back(struct sale *t, const char *payment)
{
	int64_t at_ms;

	assert_int_equal(refund_start(&t->s->a, *payment - '0', &t->admin, "asked for"), OK);
	assert_int_equal(shop_job(t->s, &pay_job_refund, payment, &refunded, &at_ms), JOB_DONE);
}

static void assert_has(struct sale *t, int64_t expires_ms, int64_t quota_bytes)
{
	assert_int_equal(shop_number(t->s, "SELECT gone FROM subscriptions"), 0);
	assert_int_equal(shop_number(t->s, "SELECT expires_ms FROM subscriptions"), expires_ms);
	assert_int_equal(shop_number(t->s, "SELECT quota_bytes FROM subscriptions"), quota_bytes);
}

/* A refunded renewal takes back what it gave, not what was paid before it (B38). */
static void test_of_renewal(void **state)
{
	struct sale t = sale_new();

	(void)state;
	buy(&t);
	renew(&t, &t.plan, "chg2");
	assert_has(&t, SHOP_NOW_MS + 60 * DAY_MS, 200 * GIB_BYTES);
	assert_int_equal(shop_number(t.s, "SELECT reset_rev FROM subscriptions"), 1);
	give_back(&t, "2");
	assert_has(&t, SHOP_NOW_MS + 30 * DAY_MS, 100 * GIB_BYTES);
	sale_end(&t);
}

/* Bought for a month, then for ever: whichever is given back, the other one stays as it was sold. */
static void test_beside_one_without_end(void **state)
{
	(void)state;
	for (int back = 1; back <= 2; back++) {
		struct sale t = sale_new();
		struct plan ever = shop_plan(t.s, "Ever", 0, 0, 900, 0);

		buy(&t);
		shop_wait(t.s, 5 * DAY_MS);
		renew(&t, &ever, "chg2");
		assert_has(&t, 0, 0);
		give_back(&t, back == 1 ? "1" : "2");
		assert_has(&t, back == 1 ? 0 : SHOP_NOW_MS + 30 * DAY_MS, back == 1 ? 0 : 100 * GIB_BYTES);
		sale_end(&t);
	}
}

/* What is without end is given back: all else that was sold and given before it and meanwhile has its time, and the traffic of what
 * was bought last before it. */
static void test_of_one_without_end(void **state)
{
	struct sale t = sale_new();
	struct plan ever = shop_plan(t.s, "Ever", 0, 0, 900, 0), large = shop_plan(t.s, "Large", 30, 500 * GIB_BYTES, 700, 0);
	struct subscription sub;

	(void)state;
	buy(&t);
	renew(&t, &large, "chg2"); /* both in advance */
	assert_int_equal(sub_get(&sub, &t.s->a, 1), OK);
	assert_int_equal(sub_extend(&t.s->a, &sub, 7 * DAY_MS), OK); /* a gift, days for a friend */
	assert_has(&t, SHOP_NOW_MS + 67 * DAY_MS, 600 * GIB_BYTES);
	renew(&t, &ever, "chg3");
	assert_has(&t, 0, 0);
	renew(&t, &t.plan, "chg4"); /* meanwhile, for its traffic */
	give_back(&t, "1");
	assert_int_equal(shop_number(t.s, "SELECT expires_ms FROM subscriptions"), 0);
	shop_run(t.s, "UPDATE subscriptions SET quota_bytes=0"); /* as it was without that traffic */
	give_back(&t, "3");
	assert_int_equal(shop_number(t.s, "SELECT expires_ms FROM subscriptions"), SHOP_NOW_MS + 67 * DAY_MS);
	sale_end(&t);

	t = sale_new();
	ever = shop_plan(t.s, "Ever", 0, 0, 900, 0);
	large = shop_plan(t.s, "Large", 30, 500 * GIB_BYTES, 700, 0);
	buy(&t);
	renew(&t, &large, "chg2");
	renew(&t, &ever, "chg3");
	renew(&t, &ever, "chg4"); /* twice: the other one still stands */
	give_back(&t, "3");
	assert_has(&t, 0, 0);
	give_back(&t, "4");
	assert_has(&t, SHOP_NOW_MS + 60 * DAY_MS, 500 * GIB_BYTES);
	sale_end(&t);
}

/* Two months bought beside one without end. The first is used up when the second begins after its days would have been over; then its
 * refund takes nothing of the second, whether what is without end goes back before it or after it. */
static void test_used_up_beside_one_without_end(void **state)
{
	static const struct { const char *name, *first, *second; int bought, ends; } cases[] = {
		{ "a gap, and the month goes first", "2", "1", 100, 130 },
		{ "a gap, and the month goes last", "1", "2", 100, 130 },
		{ "no gap, and the month goes first", "2", "1", 20, 31 },
		{ "no gap, and the month goes last", "1", "2", 20, 31 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct sale t = sale_new();
		struct plan ever = shop_plan(t.s, "Ever", 0, 0, 350, 0);

		t.order = shop_order(t.s, &t.anna, &ever);
		assert_int_equal(invoice_open(&t.invoice, &t.s->a, &t.order, "stars"), OK);
		buy(&t);
		shop_wait(t.s, DAY_MS);
		renew(&t, &t.plan, "chg2");
		shop_wait(t.s, (cases[i].bought - 1) * DAY_MS);
		renew(&t, &t.plan, "chg3");
		assert_int_equal(shop_number(t.s, "SELECT expires_ms FROM subscriptions"), 0);
		give_back(&t, cases[i].first);
		shop_wait(t.s, 2 * DAY_MS);
		give_back(&t, cases[i].second);
		if (shop_number(t.s, "SELECT expires_ms FROM subscriptions") != SHOP_NOW_MS + cases[i].ends * DAY_MS)
			fail_msg("%s", cases[i].name);
		assert_has(&t, SHOP_NOW_MS + cases[i].ends * DAY_MS, 100 * GIB_BYTES);
		sale_end(&t);
	}
}

/* Devices, reset and plan are of the purchase that counts last after a refund, unless somebody has set the devices since. */
static void test_limits_of_the_one_before(void **state)
{
	static const int left[] = { 530, 230, 100 };

	(void)state;
	for (int way = 0; way <= 2; way++) { /* the renewal goes back; after somebody had set the devices; the purchase before it goes */
		struct sale t = sale_new();
		struct plan basic = shop_plan(t.s, "Basic", 30, 10 * GIB_BYTES, 90, 0);

		shop_run(t.s, "UPDATE plans SET limit_ip=5, reset_days=30 WHERE name='Month'; UPDATE plans SET limit_ip=1 WHERE name='Basic'");
		assert_int_equal(plan_get(&t.plan, &t.s->a, t.plan.id), OK);
		assert_int_equal(plan_get(&basic, &t.s->a, basic.id), OK);
		assert_int_equal(order_cancel(&t.s->a, &t.order), OK);
		t.order = shop_order(t.s, &t.anna, &t.plan);
		assert_int_equal(invoice_open(&t.invoice, &t.s->a, &t.order, "stars"), OK);
		buy(&t);
		renew(&t, &basic, "chg2");
		assert_int_equal(shop_number(t.s, "SELECT limit_ip*100+reset_days FROM subscriptions"), 100);
		if (way == 1)
			shop_run(t.s, "UPDATE subscriptions SET limit_ip=2");
		give_back(&t, way == 2 ? "1" : "2");
		assert_int_equal(shop_number(t.s, "SELECT limit_ip*100+reset_days FROM subscriptions"), left[way]);
		assert_string_equal(shop_text(t.s, "SELECT p.name FROM subscriptions s JOIN plans p ON p.id=s.plan_id"), way == 2 ? "Basic" : "Month");
		sale_end(&t);
	}
}

/* A renewal that is paid and waits for its panel is a purchase: what it renews lives on. */
static void test_beside_an_undelivered_one(void **state)
{
	struct sale t = sale_new();

	(void)state;
	buy(&t);
	pay_renewal(&t, &t.plan, "chg2");
	give_back(&t, "1");
	assert_has(&t, SHOP_NOW_MS + 30 * DAY_MS, 100 * GIB_BYTES);
	shop_panels_agree(t.s);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM orders WHERE state='delivered'"), 1);
	sale_end(&t);
}

/* A trial that never stood ends with what grew out of it: nobody could end it otherwise. */
static void test_of_what_grew_out_of_a_trial(void **state)
{
	struct sale t = sale_new();
	struct plan taste = { .name = arena_strdup(&t.s->arena, "Taste"), .days = 3, .trial = true, .on_sale = true };
	struct order trial;
	int64_t id;

	(void)state;
	assert_int_equal(plan_add(&id, &t.s->a, &taste), OK);
	assert_int_equal(order_trial(&trial, &t.s->a, &t.anna), OK);
	assert_int_equal(order_cancel(&t.s->a, &t.order), OK);
	t.order = shop_order(t.s, &t.anna, &t.plan);
	assert_int_equal(t.order.subscription_id, trial.subscription_id);
	assert_int_equal(invoice_open(&t.invoice, &t.s->a, &t.order, "stars"), OK);
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
	give_back(&t, "1");
	assert_int_equal(shop_number(t.s, "SELECT gone FROM subscriptions"), 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM orders WHERE state='paid'"), 0);
	sale_end(&t);
}

/* What began when the month was over has nothing of it: the month goes back alone. */
static void test_of_what_is_used_up(void **state)
{
	struct sale t = sale_new();
	struct plan week = shop_plan(t.s, "Week", 7, 20 * GIB_BYTES, 90, 0);

	(void)state;
	buy(&t);
	shop_wait(t.s, 40 * DAY_MS);
	renew(&t, &week, "chg2");
	give_back(&t, "1");
	assert_has(&t, SHOP_NOW_MS + 47 * DAY_MS, 20 * GIB_BYTES);
	renew(&t, &week, "chg3");
	shop_wait(t.s, 20 * DAY_MS); /* over again: what goes back now starts nothing, and leaves the rest as it belongs together */
	give_back(&t, "3");
	assert_has(&t, SHOP_NOW_MS + 47 * DAY_MS, 20 * GIB_BYTES);
	assert_int_equal(shop_number(t.s, "SELECT begun_rev=(SELECT target_rev FROM orders WHERE id=2) FROM subscriptions"), 1);
	give_back(&t, "2");
	assert_int_equal(shop_number(t.s, "SELECT gone FROM subscriptions"), 1);
	sale_end(&t);
}

/* The month was over, a gift began its time anew and left its traffic: that goes back with the month, the time does not. What is
 * paid and still waits for a place has brought no traffic that could be meant. */
static void test_of_what_a_gift_gave_on(void **state)
{
	(void)state;
	for (int waits = 0; waits <= 1; waits++) {
		struct sale t = sale_new();
		struct plan week = shop_plan(t.s, "Week", 7, 20 * GIB_BYTES, 90, 0);
		struct subscription sub;
		struct order waiting;

		buy(&t);
		shop_wait(t.s, 40 * DAY_MS);
		assert_int_equal(sub_get(&sub, &t.s->a, 1), OK);
		assert_int_equal(sub_extend(&t.s->a, &sub, 7 * DAY_MS), OK);
		renew(&t, &week, "chg2");
		assert_has(&t, SHOP_NOW_MS + 54 * DAY_MS, 120 * GIB_BYTES);
		shop_wait(t.s, 14 * DAY_MS);
		assert_int_equal(expiry_run(&t.s->a), OK);
		assert_int_equal(sub_get(&sub, &t.s->a, 1), OK);
		assert_true(sub.grace_until_ms == SHOP_NOW_MS + 55 * DAY_MS); /* which nobody takes back */
		if (waits) {
			assert_int_equal(order_open(&waiting, &t.s->a, &t.anna, &week, &sub), OK);
			shop_run(t.s, "UPDATE orders SET state='paid' WHERE id=3 AND target_rev=0");
		}
		give_back(&t, "1");
		assert_has(&t, SHOP_NOW_MS + 54 * DAY_MS, 20 * GIB_BYTES);
		assert_int_equal(shop_number(t.s, "SELECT grace_until_ms FROM subscriptions"), sub.grace_until_ms);
		assert_int_equal(shop_number(t.s, "SELECT period FROM subscriptions"), sub.period);
		shop_run(t.s, "UPDATE orders SET state='open' WHERE id=3 AND state='paid'"); /* no money stands behind it in the books */
		sale_end(&t);
	}
}

/* Nearly all of the month's traffic was used when a week was bought: what goes back with the month is not the week's. */
static void test_of_traffic_that_is_used(void **state)
{
	struct sale t = sale_new();
	struct plan week = shop_plan(t.s, "Week", 7, 20 * GIB_BYTES, 90, 0);

	(void)state;
	buy(&t);
	shop_wait(t.s, DAY_MS);
	assert_int_equal(usage_seen(&t.s->a, 1, 0, 90 * GIB_BYTES), OK);
	renew(&t, &week, "chg2");
	assert_has(&t, SHOP_NOW_MS + 37 * DAY_MS, 30 * GIB_BYTES);
	give_back(&t, "1");
	assert_has(&t, SHOP_NOW_MS + 7 * DAY_MS, 20 * GIB_BYTES);
	sale_end(&t);
}

/* An order that was open when the purchase before it was taken back, and that a person lets count: from now on, and for what it
 * says. */
static void test_bought_after_refund(void **state)
{
	(void)state;
	for (int forever = 0; forever <= 1; forever++) {
		struct sale t = sale_new();
		struct plan ever = shop_plan(t.s, "Ever", 0, 0, 350, 0);
		struct subscription sub;
		struct order renewal;
		struct invoice i;

		if (forever) {
			t.order = shop_order(t.s, &t.anna, &ever);
			assert_int_equal(invoice_open(&t.invoice, &t.s->a, &t.order, "stars"), OK);
		}
		buy(&t);
		assert_int_equal(sub_get(&sub, &t.s->a, 1), OK);
		assert_int_equal(order_open(&renewal, &t.s->a, &t.anna, &t.plan, &sub), OK);
		assert_int_equal(invoice_open(&i, &t.s->a, &renewal, "stars"), OK);
		shop_wait(t.s, DAY_MS);
		give_back(&t, "1");
		assert_int_equal(shop_stars(t.s, ANNA, i.public_id, 350, "chg2"), OK);
		assert_string_equal(shop_heard.reason, "plan_gone");
		assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_DELIVER, 0, &t.admin), OK);
		assert_has(&t, SHOP_NOW_MS + 31 * DAY_MS, 100 * GIB_BYTES);
		sale_end(&t);
	}
}

/* A plan whose early renewal begins anew: what is given back leaves the traffic of the purchase before it. */
static void test_of_restart(void **state)
{
	struct sale t = sale_new();

	(void)state;
	shop_run(t.s, "UPDATE plans SET early='restart'");
	assert_int_equal(plan_get(&t.plan, &t.s->a, t.plan.id), OK);
	buy(&t);
	renew(&t, &t.plan, "chg2");
	assert_has(&t, SHOP_NOW_MS + 60 * DAY_MS, 100 * GIB_BYTES);
	give_back(&t, "2");
	assert_has(&t, SHOP_NOW_MS + 30 * DAY_MS, 100 * GIB_BYTES);
	sale_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_refund, "B38"),
		proves(test_of_kept, ""),
		proves(test_back_to_the_payer, ""),
		proves(test_told_to_wait, ""),
		proves(test_refused, ""),
		proves(test_of_what_was_set_aside, ""),
		proves(test_of_renewal, ""),
		proves(test_beside_one_without_end, ""),
		proves(test_of_one_without_end, ""),
		proves(test_used_up_beside_one_without_end, ""),
		proves(test_limits_of_the_one_before, ""),
		proves(test_beside_an_undelivered_one, ""),
		proves(test_of_what_grew_out_of_a_trial, ""),
		proves(test_of_what_is_used_up, ""),
		proves(test_of_traffic_that_is_used, ""),
		proves(test_of_what_a_gift_gave_on, ""),
		proves(test_bought_after_refund, ""),
		proves(test_of_restart, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
