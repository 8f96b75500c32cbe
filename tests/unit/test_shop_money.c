/* Money from the update to the ledger: each story ends with books that agree and sums of zero. */
#include "tests/unit/proves.h"

#include <inttypes.h>
#include <string.h>

#include "tests/unit/sale_fixture.c"

/* --- the good way --- */

static void test_bought(void **state)
{
	struct sale t = sale_new();
	struct subscription subs[2];
	size_t n;

	(void)state;
	assert_true(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, NULL));
	assert_int_equal(shop_number(t.s, "SELECT reserved_until_ms FROM orders"), SHOP_NOW_MS + ORDER_RESERVE_MS);
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
	assert_string_equal(state_of_order(&t), "paid");
	assert_int_equal(shop_heard.paid, 1);
	assert_int_equal(shop_heard.delivered, 0); /* not before the panel was read back */
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM jobs WHERE kind='reconcile' AND lane=1"), 1);
	assert_int_equal(sub_list(subs, &n, 2, &t.s->a, t.anna.id), OK);
	assert_int_equal(n, 1);
	assert_true(subs[0].expires_ms == SHOP_NOW_MS + 30 * INT64_C(86400000)); /* R182, R051 */
	assert_true(subs[0].quota_bytes == INT64_C(107374182400));                /* R050: 100 GB */
	assert_int_equal(order_access_ready(&t.s->a, subs[0].id, subs[0].revision - 1), OK);
	assert_string_equal(state_of_order(&t), "paid");
	shop_panels_agree(t.s);
	shop_panels_agree(t.s);
	assert_string_equal(state_of_order(&t), "delivered");
	assert_int_equal(shop_heard.delivered, 1);
	sale_end(&t);
}

/* One provider's money does not pay another one's invoice, whatever name it bears. */
static void test_borrowed_name(void **state)
{
	struct sale t = sale_new();
	const struct payment p = { .provider = "crypto_pay", .reference = STR("77"), .invoice = str_of(t.invoice.public_id), .amount_minor = 350, .currency = STR("XTR") };

	(void)state;
	assert_int_equal(pay_confirm(&t.s->a, &p), OK);
	assert_string_equal(shop_heard.reason, "unknown_invoice");
	assert_string_equal(state_of_order(&t), "open");
	sale_end(&t);
}

/* The same money three times, and a second payment of the same message (B3, B6). */
static void test_paid_again(void **state)
{
	struct sale t = sale_new();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions"), 1);
	assert_false(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, NULL));
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg2"), OK);
	assert_string_equal(shop_heard.reason, "paid_already");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions"), 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM ledger"), 2);
	/* the table itself takes no second one of the same provider; another provider may use the same words */
	assert_int_equal(db_run(t.s->a.tx, "INSERT INTO payments(provider, provider_payment_id, amount_minor, currency, state, paid_ms, created_ms)"
		" VALUES('stars', 'chg1', 350, 'XTR', 'kept', 1, 1)"), E_CONFLICT);
	assert_int_equal(db_run(t.s->a.tx, "INSERT INTO payments(provider, provider_payment_id, amount_minor, currency, state, paid_ms, created_ms)"
		" VALUES('other', 'chg1', 350, 'XTR', 'kept', 1, 1)"), OK);
	shop_run(t.s, "DELETE FROM payments WHERE provider='other'");
	sale_end(&t);
}

static void test_misfits(void **state)
{
	static const struct { const char *name, *reason; int64_t who, stars; bool other_invoice, recurring; const char *currency; } cases[] = {
		{ "short", "amount", ANNA, 349, false, false, "XTR" },
		{ "over", "amount", ANNA, 351, false, false, "XTR" },
		{ "other currency", "currency", ANNA, 350, false, false, "USD" },
		{ "somebody else", "other_payer", BORIS, 350, false, false, "XTR" },
		{ "unknown invoice", "unknown_invoice", ANNA, 350, true, false, "XTR" },
		{ "recurring", "recurring", ANNA, 350, false, true, "XTR" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct sale t = sale_new();
		struct payment p = { .provider = "stars", .reference = STR("chg1"), .invoice = cases[i].other_invoice ? STR("inv_NEVERMADE") : str_of(t.invoice.public_id),
			.amount_minor = cases[i].stars, .currency = str_of(cases[i].currency), .telegram_id = cases[i].who, .recurring = cases[i].recurring };

		assert_int_equal(pay_confirm(&t.s->a, &p), OK);
		assert_int_equal(pay_confirm(&t.s->a, &p), OK);
		if (strcmp(shop_heard.reason, cases[i].reason) != 0 || shop_heard.set_aside != 1)
			fail_msg("%s: %s, told %d times", cases[i].name, shop_heard.reason, shop_heard.set_aside);
		assert_int_equal(shop_heard.payer_known, cases[i].who == ANNA);
		assert_string_equal(state_of_order(&t), "open");
		assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions"), 0);
		assert_int_equal(shop_number(t.s, "SELECT count(*) FROM ledger WHERE debit='provider:stars' AND credit='suspense'"), 1);
		assert_true(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, NULL)); /* its owner can still pay it */
		sale_end(&t);
	}
}

/* Banned after the invoice was made. A person who lets the money count gives access that begins with the unban. */
static void test_banned_meanwhile(void **state)
{
	struct sale t = sale_new();

	(void)state;
	assert_int_equal(user_set_banned(&t.s->a, t.order.user_id, true), OK);
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
	assert_string_equal(shop_heard.reason, "banned");
	assert_string_equal(state_of_order(&t), "open");
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_DELIVER, 0, &t.admin), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions WHERE enabled=0"), 1);
	assert_int_equal(user_set_banned(&t.s->a, t.order.user_id, false), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions WHERE enabled=1"), 1);
	sale_end(&t);
}

/* The same for a renewal: what stands on the panel stays off. */
static void renewal_of_banned(bool is_gone)
{
	struct sale t = sale_new();
	struct subscription sub;
	struct order renewal;
	struct invoice i;

	buy(&t);
	assert_int_equal(sub_get(&sub, &t.s->a, shop_number(t.s, "SELECT id FROM subscriptions")), OK);
	assert_int_equal(order_open(&renewal, &t.s->a, &t.anna, &t.plan, &sub), OK);
	assert_int_equal(invoice_open(&i, &t.s->a, &renewal, "stars"), OK);
	if (is_gone)
		assert_int_equal(sub_revoke(&t.s->a, &sub), OK);
	assert_int_equal(user_set_banned(&t.s->a, t.order.user_id, true), OK);
	assert_int_equal(shop_stars(t.s, ANNA, i.public_id, 350, "chg2"), OK);
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_DELIVER, 0, &t.admin), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions WHERE enabled=0 AND gone=0"), 1);
	assert_int_equal(user_set_banned(&t.s->a, t.order.user_id, false), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions WHERE enabled=1"), 1);
	sale_end(&t);
}

static void test_banned_renewal(void **state)
{
	(void)state;
	renewal_of_banned(false);
	renewal_of_banned(true); /* deleted before the ban, which marks only what there is */
}

static void test_pre_checkout_refusals(void **state)
{
	struct sale t = sale_new();
	struct str why;

	(void)state;
	assert_false(shop_pre_checkout(t.s, BORIS, t.invoice.public_id, 350, &why));
	assert_true(str_has(why, "another person"));
	assert_false(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 35, &why));
	assert_true(str_has(why, "price"));
	assert_false(shop_pre_checkout(t.s, ANNA, "inv_NEVERMADE", 350, &why));
	assert_true(str_has(why, "closed"));
	assert_true(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, &why));
	assert_int_equal(setting_set(&t.s->a, SETTING_MAINTENANCE, STR("1")), OK);
	assert_false(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, &why));
	assert_true(str_has(why, "in a minute"));
	assert_int_equal(setting_set(&t.s->a, SETTING_MAINTENANCE, STR("0")), OK);
	shop_run(t.s, "UPDATE panels SET drain=1");
	assert_false(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, &why));
	assert_true(str_has(why, "places"));
	shop_run(t.s, "UPDATE panels SET drain=0");
	assert_int_equal(user_set_banned(&t.s->a, t.order.user_id, true), OK);
	assert_false(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, &why));
	assert_int_equal(user_set_banned(&t.s->a, t.order.user_id, false), OK);
	shop_wait(t.s, ORDER_OPEN_MS - 1);
	assert_true(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, &why));
	shop_wait(t.s, 1); /* over, before anything has looked at it */
	assert_false(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, &why));
	assert_true(str_has(why, "closed"));
	shop_run(t.s, "UPDATE orders SET expires_ms=expires_ms+1000; UPDATE invoices SET expires_ms=expires_ms+1000");
	assert_int_equal(plan_delete(&t.s->a, t.plan.id), OK);
	assert_false(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, &why));
	assert_true(str_has(why, "no longer sold"));
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), 0);
	sale_end(&t);
}

/* --- late, and what the plan became meanwhile --- */

static void test_late(void **state)
{
	struct sale t = sale_new();

	(void)state;
	shop_wait(t.s, 3 * DAY_MS);
	assert_int_equal(orders_expire(&t.s->a), OK);
	assert_int_equal(invoices_expire(&t.s->a), OK);
	assert_string_equal(state_of_order(&t), "canceled");
	assert_string_equal(shop_text(t.s, "SELECT state FROM invoices"), "expired");
	assert_false(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, NULL));
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK); /* paid before, told late */
	assert_string_equal(state_of_order(&t), "paid");
	shop_panels_agree(t.s);
	assert_string_equal(state_of_order(&t), "delivered");
	sale_end(&t);
}

static void test_quote_holds(void **state)
{
	struct sale t = sale_new();
	struct order again;
	struct invoice other;

	(void)state;
	t.plan.prices[0].amount_minor = 99900;
	t.plan.prices[1].amount_minor = 999;
	t.plan.days = 3;
	t.plan.quota_bytes = 1;
	assert_int_equal(plan_update(&t.s->a, &t.plan), OK);
	assert_int_equal(order_open(&again, &t.s->a, &t.anna, &t.plan, NULL), OK);
	assert_int_equal(again.id, t.order.id); /* a second tap finds the open order, with its quote */
	assert_int_equal(invoice_open(&other, &t.s->a, &again, "crypto_pay"), OK); /* and so does another way to pay */
	assert_int_equal(other.amount_minor, 29900);
	assert_string_equal(other.currency, "RUB");
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
	assert_string_equal(state_of_order(&t), "paid");
	assert_int_equal(shop_number(t.s, "SELECT expires_ms FROM subscriptions"), SHOP_NOW_MS + 30 * DAY_MS);
	assert_int_equal(shop_number(t.s, "SELECT quota_bytes FROM subscriptions"), 100 * GIB_BYTES);
	sale_end(&t);
}

static void test_plan_gone(void **state)
{
	struct sale t = sale_new();
	struct order o;

	(void)state;
	assert_int_equal(plan_delete(&t.s->a, t.plan.id), OK);
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
	assert_string_equal(shop_heard.reason, "plan_gone");
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_DELIVER, 0, &t.admin), OK);
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_DELIVER, 0, &t.admin), E_CONFLICT);
	assert_string_equal(state_of_order(&t), "paid");
	assert_int_equal(order_get(&o, &t.s->a, t.order.id), OK);
	assert_string_equal(o.plan_name, "Month");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM audit WHERE action='suspense.deliver'"), 1);
	sale_end(&t);
}

static void test_no_place(void **state)
{
	struct sale t = sale_new();
	int64_t at_ms;

	(void)state;
	shop_run(t.s, "UPDATE panels SET state='down'");
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
	assert_string_equal(shop_heard.reason, "no_place");
	/* a person lets it count although there is no place: paid, told, delivered when there is one */
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_DELIVER, 0, &t.admin), OK);
	assert_int_equal(shop_heard.waits, 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts WHERE cause LIKE 'order.no_place:%'"), 1); /* who could make room hears it */
	shop_run(t.s, "UPDATE jobs SET state=1 WHERE kind='order_fulfil'"); /* taken up */
	assert_int_equal(shop_job(t.s, &order_job_fulfil, arena_printf(&t.s->arena, "%" PRId64, t.order.id), NULL, &at_ms), JOB_LATER);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM jobs WHERE again=1"), 0); /* later, not at once and for ever */
	assert_int_equal(shop_heard.waits, 1);
	shop_run(t.s, "UPDATE panels SET state='ok'");
	assert_int_equal(shop_job(t.s, &order_job_fulfil, arena_printf(&t.s->arena, "%" PRId64, t.order.id), NULL, &at_ms), JOB_DONE);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	shop_panels_agree(t.s);
	assert_string_equal(state_of_order(&t), "delivered");
	sale_end(&t);
}

/* R141: the place dies between pre-checkout and money, or after it. */
static void test_elsewhere(void **state)
{
	struct sale t = sale_new();
	int64_t sub;

	(void)state;
	shop_panel(t.s, 2, 5, 0);
	assert_true(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, NULL));
	assert_int_equal(shop_number(t.s, "SELECT panel_id FROM orders"), 1);
	shop_run(t.s, "UPDATE panels SET state='down' WHERE id=1");
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
	assert_int_equal(shop_number(t.s, "SELECT panel_id FROM accesses"), 2);
	/* and now that one dies before it ever had the client */
	shop_run(t.s, "UPDATE panels SET state='ok' WHERE id=1; UPDATE panels SET state='down' WHERE id=2");
	sub = shop_number(t.s, "SELECT id FROM subscriptions");
	assert_int_equal(order_access_waits(&t.s->a, sub), OK);
	assert_int_equal(order_access_waits(&t.s->a, sub), OK);
	assert_int_equal(shop_heard.waits, 1);
	assert_int_equal(shop_number(t.s, "SELECT panel_id FROM accesses WHERE deleted_ms=0"), 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM accesses"), 2);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM jobs WHERE kind='reconcile' AND lane=2"), 1); /* removes what may stand there */
	shop_panels_agree(t.s);
	assert_string_equal(state_of_order(&t), "delivered");
	sale_end(&t);
}

/* A plan of one region or one panel, and that is no more when it is paid: what is paid is delivered elsewhere. */
static void test_bound_elsewhere(void **state)
{
	static const char *const bound[] = { "UPDATE plans SET region='Paris'", "UPDATE plans SET panel_id=1", "UPDATE plans SET region='Paris', panel_id=1" };

	(void)state;
	for (size_t i = 0; i < countof(bound); i++) {
		struct sale t = sale_new();

		shop_panel(t.s, 2, 5, 0);
		shop_run(t.s, "UPDATE panels SET region='Paris' WHERE id=1");
		shop_run(t.s, bound[i]);
		shop_run(t.s, "UPDATE orders SET region=(SELECT region FROM plans)");
		assert_true(shop_pre_checkout(t.s, ANNA, t.invoice.public_id, 350, NULL));
		shop_run(t.s, "UPDATE panels SET state='down', deleted_ms=1 WHERE id=1");
		assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
		assert_string_equal(shop_heard.reason, "no_place");
		assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_DELIVER, 0, &t.admin), OK);
		assert_int_equal(shop_number(t.s, "SELECT panel_id FROM accesses"), 2);
		sale_end(&t);
	}
}

/* What asks for money goes with the order's being open: paid or canceled, nobody is asked any more. */
static void test_nobody_is_asked_after(void **state)
{
	(void)state;
	for (int paid = 0; paid <= 1; paid++) {
		struct sale t = sale_new();
		size_t before = t.s->core->turn.added_count;

		outbox_add(&t.s->a, &(struct outgoing){ .method = TG_SEND_MESSAGE, .chat_id = ANNA, .payload = STR("{}"), .lane = LANE_INTERACTIVE,
			.unknown = UNKNOWN_AGAIN, .about = order_asks(&t.s->a, &t.order) });
		assert_non_null(outbox_wanted(&t.s->core->turn, before));
		if (paid)
			assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK);
		else
			assert_int_equal(order_cancel(&t.s->a, &t.order), OK);
		assert_null(outbox_wanted(&t.s->core->turn, before));
		sale_end(&t);
	}
}

/* What stands in the ledger stays as it was written. */
static void test_ledger_is_append_only(void **state)
{
	struct sale t = sale_new();

	(void)state;
	buy(&t);
	assert_int_not_equal(db_run(t.s->db, "UPDATE ledger SET amount_minor=?1", 1), OK);
	assert_int_not_equal(db_run(t.s->db, "DELETE FROM ledger WHERE id>?1", 0), OK);
	assert_int_equal(shop_number(t.s, "SELECT sum(amount_minor) FROM ledger"), 350);
	sale_end(&t);
}

/* --- a person decides --- */

static void test_decisions(void **state)
{
	struct sale t = sale_new();
	struct user boris = shop_user(t.s, BORIS, "Boris");
	struct order other = shop_order(t.s, &boris, &t.plan);
	struct invoice asked;

	(void)state;
	assert_int_equal(invoice_open(&asked, &t.s->a, &other, "stars"), OK);
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 300, "chg1"), OK);
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 50, "chg2"), OK);
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 60, "chg3"), OK);
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_APPLY, other.id, &t.admin), OK);
	assert_int_equal(suspense_decide(&t.s->a, 2, SUSPENSE_APPLY, other.id, &t.admin), E_CONFLICT); /* one order, one payment */
	assert_int_equal(invoice_get(&asked, &t.s->a, asked.id), OK);
	assert_int_equal(asked.state, INVOICE_CANCELED); /* nobody is asked for it any more */
	assert_int_equal(suspense_decide(&t.s->a, 2, SUSPENSE_KEEP, 0, &t.admin), OK);
	assert_int_equal(shop_heard.kept, 1); /* whoever paid it was told that a person decides */
	assert_int_equal(suspense_decide(&t.s->a, 3, SUSPENSE_REFUND, 0, &t.admin), OK);
	assert_int_equal(suspense_decide(&t.s->a, 9, SUSPENSE_KEEP, 0, &t.admin), E_NOTFOUND);
	assert_string_equal(state_of_order(&t), "open");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions WHERE user_id=(SELECT id FROM users WHERE telegram_id=555000222)"), 1);
	shop_check_books(t.s); /* also while a refund is under way */
	assert_int_equal(shop_stars_refunded(t.s, ANNA, t.invoice.public_id, 60, "chg3"), OK);
	assert_int_equal(shop_heard.refunded, 1);
	assert_int_equal(shop_number(t.s, "SELECT sum(CASE WHEN credit='suspense' THEN amount_minor WHEN debit='suspense' THEN -amount_minor ELSE 0 END) FROM ledger"), 0);
	sale_end(&t);
}

static enum err nothing_found(struct act *a, const struct order *o)
{
	(void)a;
	(void)o;
	return E_NOTFOUND;
}

/* What goes wrong after the first write of a decision is none of the answers that a screen shows and commits. */
static void test_half_a_decision(void **state)
{
	struct sale t = sale_new();

	(void)state;
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 300, "chg1"), OK);
	order_set_hooks(&(struct order_hooks){ .paid = nothing_found });
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_DELIVER, 0, &t.admin), E_INVALID);
	shop_free(t.s);
}

/* --- the list of Stars --- */

static void test_stars_list(void **state)
{
	struct sale t = sale_new();
	char *body = arena_printf(&t.s->arena, "{\"ok\":true,\"result\":{\"transactions\":["
		"{\"id\":\"old\",\"amount\":5,\"date\":1700000000,\"source\":{\"type\":\"user\",\"transaction_type\":\"invoice_payment\",\"user\":{\"id\":9,\"is_bot\":false,\"first_name\":\"x\"},\"invoice_payload\":\"theirs\"}},"
		"{\"id\":\"chg1\",\"amount\":350,\"date\":%" PRId64 ",\"source\":{\"type\":\"user\",\"transaction_type\":\"invoice_payment\",\"user\":{\"id\":%d,\"is_bot\":false,\"first_name\":\"x\"},\"invoice_payload\":\"%s\"}},"
		"{\"id\":\"w\",\"amount\":99,\"date\":%" PRId64 ",\"receiver\":{\"type\":\"fragment\"}}"
		"]}}", SHOP_NOW_MS / 1000 + 5, ANNA, t.invoice.public_id, SHOP_NOW_MS / 1000 + 5);
	char *refund = arena_printf(&t.s->arena, "{\"ok\":true,\"result\":{\"transactions\":["
		"{\"id\":\"chg1\",\"amount\":350,\"date\":%" PRId64 ",\"receiver\":{\"type\":\"user\",\"transaction_type\":\"invoice_payment\",\"user\":{\"id\":%d,\"is_bot\":false,\"first_name\":\"x\"},\"invoice_payload\":\"%s\"}}"
		"]}}", SHOP_NOW_MS / 1000 + 9, ANNA, t.invoice.public_id);
	struct http_response r = { .status = 200, .body = str_of(body) }, back = { .status = 200, .body = str_of(refund) };
	int64_t at_ms;

	(void)state;
	shop_wait(t.s, MINUTE_MS);
	assert_int_equal(shop_job(t.s, &pay_job_stars, "stars", &(struct http_response){ .failure = HTTP_FAIL_TIMEOUT }, &at_ms), JOB_LATER);
	assert_int_equal(shop_job(t.s, &pay_job_stars, "stars", &r, &at_ms), JOB_DONE);
	assert_string_equal(state_of_order(&t), "paid");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), 1); /* not the one from before our time */
	assert_string_equal(shop_text(t.s, "SELECT value FROM settings WHERE key='stars.offset'"), "3");
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, "chg1"), OK); /* the update comes as well */
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), 1);
	assert_int_equal(shop_job(t.s, &pay_job_stars, "stars", &back, &at_ms), JOB_DONE);
	assert_string_equal(state_of_order(&t), "refunded");
	sale_end(&t);
}

static int alerts_told;

static enum err on_alert(struct act *a, const struct alert *alert)
{
	(void)a;
	alerts_told += strcmp(alert->text_key, "stars_unreadable") == 0;
	return OK;
}

static char *listed(struct shop *s, const char *charge, const char *invoice)
{
	return arena_printf(&s->arena, "{\"id\":\"%s\",\"amount\":350,\"date\":%" PRId64 ",\"source\":{\"type\":\"user\",\"transaction_type\":\"invoice_payment\","
		"\"user\":{\"id\":%d,\"is_bot\":false,\"first_name\":\"x\"},\"invoice_payload\":\"%s\"}}", charge, SHOP_NOW_MS / 1000 + 5, ANNA, invoice);
}

/* A charge has an id as long as Telegram may make it; a payment in the list that has none we can read is told to people, and
 * those behind it are taken. */
static void test_long_charge(void **state)
{
	struct sale t = sale_new();
	char charge[TG_ID_BYTES_MAX + 2];
	struct http_response r = { .status = 200 };
	char *bad, *good;
	int64_t at_ms;

	(void)state;
	t.s->tables.on_alert = on_alert;
	alerts_told = 0;
	memset(charge, 'c', sizeof charge);
	charge[TG_ID_BYTES_MAX + 1] = '\0';
	bad = listed(t.s, charge, "x");
	charge[TG_ID_BYTES_MAX] = '\0';
	good = listed(t.s, charge, t.invoice.public_id);
	r.body = str_of(arena_printf(&t.s->arena, "{\"ok\":true,\"result\":{\"transactions\":[%s,%s]}}", bad, good));
	shop_wait(t.s, MINUTE_MS);
	assert_int_equal(shop_job(t.s, &pay_job_stars, "stars", &r, &at_ms), JOB_DONE);
	assert_int_equal(alerts_told, 1);
	assert_string_equal(shop_text(t.s, "SELECT provider_payment_id FROM payments"), charge);
	assert_string_equal(state_of_order(&t), "paid");
	assert_string_equal(shop_text(t.s, "SELECT value FROM settings WHERE key='stars.offset'"), "2");
	assert_int_equal(shop_stars(t.s, ANNA, t.invoice.public_id, 350, charge), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), 1);
	sale_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_bought, "R050 R051 R182 R195"),
		proves(test_borrowed_name, ""),
		proves(test_paid_again, "R202 B3 B6"),
		proves(test_misfits, "B9"),
		proves(test_pre_checkout_refusals, ""),
		proves(test_late, ""),
		proves(test_quote_holds, "R212 B14"),
		proves(test_plan_gone, ""),
		proves(test_no_place, ""),
		proves(test_banned_meanwhile, ""),
		proves(test_banned_renewal, ""),
		proves(test_elsewhere, ""),
		proves(test_bound_elsewhere, ""),
		proves(test_nobody_is_asked_after, ""),
		proves(test_ledger_is_append_only, ""),
		proves(test_decisions, ""),
		proves(test_half_a_decision, ""),
		proves(test_stars_list, ""),
		proves(test_long_charge, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
