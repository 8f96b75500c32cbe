/* The seller's account with a provider: its key is changed, for another of the same account or for another account's, or is
 * not taken any more. */
#include "tests/unit/proves.h"

#include "bot/shop/pay_private.h"
#include "tests/unit/page_fixture.c"

#define OTHER_APP "20000:OtherAppOfTheSameSeller0000000000"
#define OTHER_FIRST_ID 600000

/* The admin types it, the provider is asked and says yes. */
static void enter_key(struct sale *t, const char *key, struct cryptopay_sim *app)
{
	struct cryptopay_sim *before = t->s->crypto;
	const char *subject = arena_printf(&t->s->arena, "crypto_pay:%" PRId64, t->admin.id);
	int64_t at_ms;

	assert_int_equal(provider_try(&t->s->a, &pay_crypto_pay, str_of(key), &t->admin), OK);
	t->s->crypto = app;
	assert_int_equal(shop_job(t->s, &pay_job_probe, subject, NULL, &at_ms), JOB_DONE);
	t->s->crypto = before;
	assert_int_equal(shop_number(t->s, "SELECT count(*) FROM secrets WHERE name LIKE '%trial%'"), 0);
}

static int64_t keys_kept(struct sale *t)
{
	assert_int_equal(invoices_expire(&t->s->a), OK);
	return shop_number(t->s, "SELECT count(*) FROM secrets WHERE name LIKE 'CRYPTO_PAY_TOKEN.%'");
}

/* Anna's page is of the app before. What she pays there is taken, by a poll as well as by a callback, and a new invoice is
 * the new app's. The old key goes when nobody can pay with it any more. */
static void test_other_account(void **state)
{
	for (int by_callback = 0; by_callback < 2; by_callback++) {
		struct sale t = sale_new();
		struct cryptopay_sim *other = cryptopay_sim_new_app(OTHER_APP, OTHER_FIRST_ID), *first = t.s->crypto;
		struct cryptopay_callback c, lie;
		struct cryptopay_view view;
		struct invoice second;
		int64_t at_ms;

		(void)state;
		assert_int_equal(create(&t, &at_ms), JOB_DONE);
		enter_key(&t, OTHER_APP, other);
		assert_int_equal(shop_number(t.s, "SELECT count(*) FROM secrets WHERE instr(value_sealed, '" SHOP_TOKEN "')"), 0);
		assert_int_equal(keys_kept(&t), 1);
		assert_int_equal(poll(&t, &at_ms), JOB_LATER); /* asked where it was made */
		assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
		assert_int_equal(cryptopay_sim_pay(first, provider_id(&t), "USDT", t.s->now_ms), OK);
		if (by_callback) {
			assert_true(cryptopay_sim_take_callback(&c, first, &t.s->arena, t.s->now_ms));
			assert_int_equal(shop_callback(t.s, &c, path(&t)), 200);
		} else {
			assert_int_equal(poll(&t, &at_ms), JOB_DONE);
		}
		assert_string_equal(order_state(&t), "paid");
		assert_string_equal(invoice_state(&t), "paid");
		/* what is sold now is sold by the new app, and the old key does not speak for it */
		t.order = shop_order(t.s, &t.anna, &t.plan);
		assert_int_equal(invoice_open(&second, &t.s->a, &t.order, "crypto_pay"), OK);
		t.s->crypto = other;
		assert_int_equal(shop_job(t.s, &pay_job_create, arena_printf(&t.s->arena, "%" PRId64, second.id), NULL, &at_ms), JOB_DONE);
		assert_true(cryptopay_sim_find(&view, NULL, other, second.public_id));
		t.s->crypto = first;
		assert_int_equal(cryptopay_sim_make_callback(&lie, other, &t.s->arena, view.id, CRYPTOPAY_OTHER_KEY, t.s->now_ms), OK);
		assert_int_equal(shop_callback(t.s, &lie, path(&t)), 401);
		if (by_callback) /* the poll finds it done */
			assert_int_equal(poll(&t, &at_ms), JOB_DONE);
		assert_int_equal(keys_kept(&t), 0);
		assert_int_equal(cryptopay_sim_make_callback(&c, first, &t.s->arena, provider_id(&t), CRYPTOPAY_TRUE, t.s->now_ms), OK);
		assert_int_equal(shop_callback(t.s, &c, path(&t)), 401);
		assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), 1);
		cryptopay_sim_free(other);
		sale_end(&t);
	}
}

/* The old key is known to somebody else, that is why it was changed: it pays no order of today. */
static void test_earlier_key_speaks_for_its_own(void **state)
{
	struct sale t = sale_new();
	struct cryptopay_sim *other = cryptopay_sim_new_app(OTHER_APP, OTHER_FIRST_ID);
	struct user boris = shop_user(t.s, ANNA + 1, "Boris");
	struct cryptopay_callback c;
	struct order order;
	struct invoice i;
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	enter_key(&t, OTHER_APP, other);
	order = shop_order(t.s, &boris, &t.plan);
	assert_int_equal(invoice_open(&i, &t.s->a, &order, "crypto_pay"), OK);
	shop_run(t.s, arena_printf(&t.s->arena, "UPDATE invoices SET public_id='inv_NEVERMADE' WHERE id=%" PRId64, i.id));
	assert_int_equal(cryptopay_sim_make_callback(&c, t.s->crypto, &t.s->arena, provider_id(&t), CRYPTOPAY_OTHER_PAYLOAD, t.s->now_ms), OK);
	assert_int_equal(shop_callback(t.s, &c, path(&t)), 200);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), 0);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM callbacks WHERE verdict='earlier_account'"), 1);
	cryptopay_sim_free(other);
	sale_end(&t);
}

/* There and back, and there again: each invoice is looked for where it was made. */
static void test_accounts_change_back(void **state)
{
	struct sale t = sale_new();
	struct cryptopay_sim *other = cryptopay_sim_new_app(OTHER_APP, OTHER_FIRST_ID), *first = t.s->crypto;
	struct user boris = shop_user(t.s, ANNA + 1, "Boris");
	struct order order = shop_order(t.s, &boris, &t.plan);
	struct invoice theirs, again;
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	enter_key(&t, OTHER_APP, other);
	assert_int_equal(invoice_open(&theirs, &t.s->a, &order, "crypto_pay"), OK);
	t.s->crypto = other;
	assert_int_equal(shop_job(t.s, &pay_job_create, arena_printf(&t.s->arena, "%" PRId64, theirs.id), NULL, &at_ms), JOB_DONE);
	enter_key(&t, SHOP_TOKEN, first);
	assert_int_equal(shop_job(t.s, &pay_job_poll, arena_printf(&t.s->arena, "%" PRId64, theirs.id), NULL, &at_ms), JOB_LATER);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM invoices WHERE account IS NULL"), 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM invoices WHERE account='20000'"), 1);
	t.s->crypto = first;
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	/* whoever presses the button again is not sent to the account of before: it may be closed */
	assert_int_equal(invoice_open(&again, &t.s->a, &order, "crypto_pay"), OK);
	assert_true(again.id != theirs.id);
	assert_int_equal(keys_kept(&t), 1);
	shop_run(t.s, "DELETE FROM jobs WHERE kind='pay_poll'; UPDATE invoices SET state='expired'");
	assert_int_equal(keys_kept(&t), 0);
	cryptopay_sim_free(other);
	sale_end(&t);
}

/* The app is gone for good: a person hears that its invoices cannot be seen, and a day later they are over. */
static void test_account_closed(void **state)
{
	struct sale t = sale_new();
	struct cryptopay_sim *other = cryptopay_sim_new_app(OTHER_APP, OTHER_FIRST_ID);
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	enter_key(&t, OTHER_APP, other);
	cryptopay_sim_set_token(t.s->crypto, "18475:AAnobodyKnowsThisOneAnyMore00000");
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts WHERE cause='provider.key:crypto_pay:18475' AND text_key='provider_refused_earlier'"), 1);
	shop_wait(t.s, INVOICE_OPEN_MS + HOUR_MS);
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_string_equal(invoice_state(&t), "pending");
	shop_wait(t.s, DAY_MS);
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_string_equal(invoice_state(&t), "expired");
	assert_int_equal(keys_kept(&t), 0);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	cryptopay_sim_free(other);
	sale_end(&t);
}

/* The same with the account in use. While it is on, that is a matter for a person, however long it takes; switched off, its invoices
 * end, and with the last of them, or at once where there is none, what was told of the key. */
static void test_account_closed_and_off(void **state)
{
	struct sale t = sale_new();
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	cryptopay_sim_set_token(t.s->crypto, "18475:AAnobodyKnowsThisOneAnyMore00000");
	shop_wait(t.s, INVOICE_OPEN_MS + 2 * DAY_MS);
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_int_equal(provider_switch_off(&t.s->a, &pay_crypto_pay), OK);
	assert_int_equal(keys_kept(&t), 0);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts WHERE cause='provider.key:crypto_pay'"), 1);
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_string_equal(invoice_state(&t), "expired");
	assert_int_equal(keys_kept(&t), 0);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	sale_end(&t);

	t = sale_new();
	cryptopay_sim_set_token(t.s->crypto, "18475:AAnobodyKnowsThisOneAnyMore00000");
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(keys_kept(&t), 0);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 1); /* it is on */
	assert_int_equal(provider_switch_off(&t.s->a, &pay_crypto_pay), OK);
	assert_int_equal(keys_kept(&t), 0);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	sale_end(&t);
}

/* The earlier account's key was revoked, and its new one is switched on: what was told of it is over. */
static void test_earlier_key_made_anew(void **state)
{
	static const char anew[] = "18475:AAanotherTokenOfTheSameApp00000000";
	struct sale t = sale_new();
	struct cryptopay_sim *other = cryptopay_sim_new_app(OTHER_APP, OTHER_FIRST_ID);
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	enter_key(&t, OTHER_APP, other);
	cryptopay_sim_set_token(t.s->crypto, anew);
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts WHERE cause='provider.key:crypto_pay:18475'"), 1);
	enter_key(&t, anew, t.s->crypto);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_int_equal(keys_kept(&t), 0);
	cryptopay_sim_free(other);
	sale_end(&t);
}

/* The keys are lost while one app is in use and another is looked after. The earlier one's key takes its invoices up again; where it
 * never comes, they are over a day after their end. */
static void test_keys_forgotten(void **state)
{
	(void)state;
	for (int comes = 0; comes <= 1; comes++) {
		struct sale t = sale_new();
		struct cryptopay_sim *other = cryptopay_sim_new_app(OTHER_APP, OTHER_FIRST_ID);
		int64_t at_ms;

		assert_int_equal(create(&t, &at_ms), JOB_DONE);
		enter_key(&t, OTHER_APP, other);
		cryptopay_sim_set_token(t.s->crypto, "18475:AAnobodyKnowsThisOneAnyMore00000");
		assert_int_equal(poll(&t, &at_ms), JOB_LATER);
		cryptopay_sim_set_token(t.s->crypto, SHOP_TOKEN);
		assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 1);
		shop_run(t.s, "DELETE FROM secrets"); /* obol run --forget-secrets */
		assert_int_equal(poll(&t, &at_ms), JOB_LATER);
		if (comes) {
			enter_key(&t, SHOP_TOKEN, t.s->crypto);
			assert_int_equal(cryptopay_sim_pay(t.s->crypto, provider_id(&t), "USDT", t.s->now_ms), OK);
			assert_int_equal(poll(&t, &at_ms), JOB_DONE);
			assert_string_equal(order_state(&t), "paid");
		} else {
			enter_key(&t, OTHER_APP, other);
			shop_wait(t.s, INVOICE_OPEN_MS + HOUR_MS);
			assert_int_equal(poll(&t, &at_ms), JOB_LATER); /* it may still come */
			shop_wait(t.s, DAY_MS);
			assert_int_equal(poll(&t, &at_ms), JOB_DONE);
			assert_string_equal(invoice_state(&t), "expired");
		}
		assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
		cryptopay_sim_free(other);
		sale_end(&t);
	}
}

/* The answer to createInvoice was lost when the key was changed: it is looked for where it was asked for, and made by the new
 * account when it is not there. */
static void test_account_changed_while_asking(void **state)
{
	struct http_response cut = { .failure = HTTP_FAIL_BROKEN };
	struct sale t = sale_new();
	struct cryptopay_sim *other = cryptopay_sim_new_app(OTHER_APP, OTHER_FIRST_ID), *first = t.s->crypto;
	struct job job = { .kind = &pay_job_create, .subject = t.subject };
	struct http_response answer;

	(void)state;
	assert_int_equal(shop_job(t.s, &pay_job_create, t.subject, &cut, NULL), JOB_LATER);
	enter_key(&t, OTHER_APP, other);
	shop_wait(t.s, 15 * SECOND_MS);
	assert_int_equal(pay_job_create.begin(&t.s->a, &job), OK);
	answer = exchange(t.s, job.request);
	assert_int_equal(answer.status, 200);
	job.next = JOB_UNDECIDED;
	assert_int_equal(pay_job_create.answer(&t.s->a, &job, &answer), OK);
	t.s->crypto = other;
	answer = exchange(t.s, job.request);
	job.next = JOB_UNDECIDED;
	assert_int_equal(pay_job_create.answer(&t.s->a, &job, &answer), OK);
	assert_int_equal(job.next, JOB_DONE);
	arena_release(&job.arena);
	shop_run(t.s, "DELETE FROM jobs WHERE kind='pay_create'");
	assert_string_equal(invoice_state(&t), "pending");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM invoices WHERE account IS NULL"), 1);
	assert_int_equal(cryptopay_sim_count_invoices(other), 1);
	assert_int_equal(keys_kept(&t), 0);
	t.s->crypto = first;
	cryptopay_sim_free(other);
	sale_end(&t);
}

/* Revoked and made anew: the same app. The new key finds its invoices, and the old one is worth nothing at once. */
static void test_same_account(void **state)
{
	struct sale t = sale_new();
	struct cryptopay_callback c;
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(cryptopay_sim_make_callback(&c, t.s->crypto, &t.s->arena, provider_id(&t), CRYPTOPAY_TRUE, t.s->now_ms), OK);
	cryptopay_sim_set_token(t.s->crypto, "18475:AAanotherTokenOfTheSameApp00000000");
	enter_key(&t, "18475:AAanotherTokenOfTheSameApp00000000", t.s->crypto);
	assert_int_equal(keys_kept(&t), 0);
	assert_int_equal(shop_callback(t.s, &c, path(&t)), 401);
	assert_int_equal(cryptopay_sim_pay(t.s->crypto, provider_id(&t), "USDT", t.s->now_ms), OK);
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_string_equal(order_state(&t), "paid");
	sale_end(&t);
}

/* Nobody changes so often; but how many accounts are looked after has a bound, and then the key in use stays. */
static void test_accounts_are_bounded(void **state)
{
	struct sale t = sale_new();
	struct cryptopay_sim *apps[PROVIDER_EARLIER_MAX], *first = t.s->crypto;
	const char *key = NULL;

	(void)state;
	for (int i = 0; i < PROVIDER_EARLIER_MAX; i++) {
		struct user u = shop_user(t.s, ANNA + 1 + i, "U");
		struct order o = shop_order(t.s, &u, &t.plan);
		struct invoice made;

		assert_int_equal(invoice_open(&made, &t.s->a, &o, "crypto_pay"), OK);
		assert_int_equal(shop_job(t.s, &pay_job_create, arena_printf(&t.s->arena, "%" PRId64, made.id), NULL, NULL), JOB_DONE);
		key = arena_printf(&t.s->arena, "%d:OneMoreAppOfTheSameSeller000000", 20000 + i);
		apps[i] = cryptopay_sim_new_app(key, OTHER_FIRST_ID + 1000 * i);
		enter_key(&t, key, apps[i]);
		t.s->crypto = apps[i];
	}
	assert_int_equal(keys_kept(&t), PROVIDER_EARLIER_MAX);
	assert_int_equal(provider_try(&t.s->a, &pay_crypto_pay, STR("30000:OneTooManyOfTheSameSeller0000"), &t.admin), E_TOOBIG);
	assert_int_equal(provider_try(&t.s->a, &pay_crypto_pay, STR(""), &t.admin), OK); /* the stored one is switched on all the same */
	shop_wait(t.s, 2 * DAY_MS);
	shop_run(t.s, "DELETE FROM jobs; UPDATE invoices SET state='expired'");
	assert_int_equal(keys_kept(&t), 1); /* what is on trial */
	assert_int_equal(provider_try(&t.s->a, &pay_crypto_pay, STR("30000:OneTooManyOfTheSameSeller0000"), &t.admin), OK);
	for (int i = 0; i < PROVIDER_EARLIER_MAX; i++)
		cryptopay_sim_free(apps[i]);
	t.s->crypto = first;
	sale_end(&t);
}

/* --- the provider says no --- */

static void again(struct sale *t)
{
	shop_run(t->s, "UPDATE invoices SET state='expired' WHERE state IN ('created', 'pending')");
	assert_int_equal(invoice_open(&t->invoice, &t->s->a, &t->order, "crypto_pay"), OK);
	snprintf(t->subject, sizeof t->subject, "%" PRId64, t->invoice.id);
}

/* A person hears of refusals, once and not at each sale, and of their end when a day has passed without one. */
static void test_refusal_is_told(void **state)
{
	struct cryptopay_rule refuse = { .method = "createInvoice", .times = 2, .fault = CRYPTOPAY_REFUSE, .text = "AMOUNT_TOO_SMALL" };
	struct sale t = sale_new();

	(void)state;
	cryptopay_sim_add_rule(t.s->crypto, &refuse);
	assert_int_equal(create(&t, NULL), JOB_DONE);
	again(&t);
	assert_int_equal(create(&t, NULL), JOB_DONE);
	assert_int_equal(shop_heard.failed, 2);
	assert_int_equal(shop_number(t.s, "SELECT count FROM alerts WHERE cause='provider.refuses:crypto_pay' AND detail='AMOUNT_TOO_SMALL'"), 2);
	again(&t);
	assert_int_equal(create(&t, NULL), JOB_DONE); /* another price is taken */
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 1);
	shop_run(t.s, "UPDATE orders SET expires_ms=expires_ms+2*86400000");
	shop_wait(t.s, DAY_MS);
	assert_int_equal(order_get(&t.order, &t.s->a, t.order.id), OK);
	again(&t);
	assert_int_equal(create(&t, NULL), JOB_DONE);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	/* or when nothing is asked there any more */
	cryptopay_sim_add_rule(t.s->crypto, &refuse);
	again(&t);
	assert_int_equal(create(&t, NULL), JOB_DONE);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 1);
	assert_int_equal(provider_switch_off(&t.s->a, &pay_crypto_pay), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	sale_end(&t);
}

/* A key that is no longer taken while people are on their pages: money may come unseen, so a person hears it at once. */
static void test_key_refused_while_polling(void **state)
{
	struct http_response forbidden = { .status = 403, .body = STR("{\"ok\":false,\"error\":{\"code\":403,\"name\":\"METHOD_DISABLED\"}}") };
	struct http_response refused = { .status = 400, .body = STR("{\"ok\":false,\"error\":{\"code\":400,\"name\":\"IDS_INVALID\"}}") };
	struct sale t = sale_new();

	(void)state;
	assert_int_equal(create(&t, NULL), JOB_DONE);
	assert_int_equal(shop_job(t.s, &pay_job_poll, t.subject, &forbidden, NULL), JOB_LATER);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts WHERE cause='provider.key:crypto_pay' AND detail='METHOD_DISABLED'"), 1);
	assert_int_equal(poll(&t, NULL), JOB_LATER);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	assert_int_equal(shop_job(t.s, &pay_job_poll, t.subject, &refused, NULL), JOB_LATER);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts WHERE cause='provider.refuses:crypto_pay'"), 1);
	assert_string_equal(invoice_state(&t), "pending");
	sale_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_other_account, ""),
		proves(test_earlier_key_speaks_for_its_own, ""),
		proves(test_accounts_change_back, ""),
		proves(test_account_closed, ""),
		proves(test_account_closed_and_off, ""),
		proves(test_earlier_key_made_anew, ""),
		proves(test_keys_forgotten, ""),
		proves(test_account_changed_while_asking, ""),
		proves(test_same_account, ""),
		proves(test_accounts_are_bounded, ""),
		proves(test_refusal_is_told, ""),
		proves(test_key_refused_while_polling, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
