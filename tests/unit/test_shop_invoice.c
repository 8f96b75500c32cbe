/* Providers with a page: the jobs and callbacks of Crypto Pay against its model. */
#include "tests/unit/proves.h"

#include <inttypes.h>
#include <string.h>

#include "tests/unit/page_fixture.c"

static void test_polled(void **state)
{
	struct sale t = sale_new();
	struct invoice again;
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(shop_heard.ready, 1);
	assert_string_equal(invoice_state(&t), "pending");
	assert_int_equal(invoice_open(&again, &t.s->a, &t.order, "crypto_pay"), OK);
	assert_int_equal(again.id, t.invoice.id);
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_int_equal(at_ms, t.s->now_ms + 30 * SECOND_MS);
	shop_wait(t.s, 11 * MINUTE_MS);
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_int_equal(at_ms, t.s->now_ms + 60 * SECOND_MS);
	assert_string_equal(order_state(&t), "open"); /* pending delivers nothing */
	assert_int_equal(cryptopay_sim_pay(t.s->crypto, provider_id(&t), "USDT", t.s->now_ms), OK);
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_string_equal(order_state(&t), "paid");
	assert_string_equal(invoice_state(&t), "paid");
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments WHERE raw_payload LIKE '%paid_asset%'"), 1);
	sale_end(&t);
}

/* The same callback three times, one before the answer to createInvoice was stored, a poll in between (R197). */
static void test_callbacks(void **state)
{
	struct sale t = sale_new();
	struct cryptopay_callback c, early;
	int64_t at_ms, id;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	id = provider_id(&t);
	assert_int_equal(cryptopay_sim_pay(t.s->crypto, id, "USDT", t.s->now_ms), OK);
	assert_int_equal(cryptopay_sim_make_callback(&c, t.s->crypto, &t.s->arena, id, CRYPTOPAY_TRUE, t.s->now_ms), OK);
	assert_int_equal(cryptopay_sim_make_callback(&early, t.s->crypto, &t.s->arena, id, CRYPTOPAY_NOT_PAID, t.s->now_ms), OK);
	shop_run(t.s, "UPDATE invoices SET state='created', provider_ref=NULL, url=NULL");
	assert_int_equal(shop_callback(t.s, &c, path(&t)), 200);
	assert_string_equal(order_state(&t), "paid");
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(shop_callback(t.s, &early, path(&t)), 200); /* "active" comes after "paid": nothing goes back */
	assert_int_equal(shop_callback(t.s, &c, path(&t)), 200);
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_int_equal(shop_callback(t.s, &c, path(&t)), 200);
	assert_string_equal(order_state(&t), "paid");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions"), 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM ledger"), 1);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM callbacks WHERE verdict='authentic' AND body IS NOT NULL"), 4);
	shop_panels_agree(t.s);
	assert_int_equal(shop_heard.delivered, 1);
	sale_end(&t);
}

/* A callback is one transaction and no call to anybody: refused without a trace in the shop, taken at once (R196). */
static void test_callback_is_quick(void **state)
{
	struct sale t = sale_new();
	struct cryptopay_callback forged, right;
	int64_t at_ms, id, begin_us;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	id = provider_id(&t);
	assert_int_equal(cryptopay_sim_make_callback(&forged, t.s->crypto, &t.s->arena, id, CRYPTOPAY_OTHER_KEY, t.s->now_ms), OK);
	assert_int_equal(shop_callback(t.s, &forged, path(&t)), 401);
	assert_string_equal(order_state(&t), "open");
	assert_string_equal(invoice_state(&t), "pending");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), 0);
	assert_int_equal(cryptopay_sim_pay(t.s->crypto, id, "USDT", t.s->now_ms), OK);
	assert_int_equal(cryptopay_sim_make_callback(&right, t.s->crypto, &t.s->arena, id, CRYPTOPAY_TRUE, t.s->now_ms), OK);
	begin_us = clock_mono_us();
	assert_int_equal(shop_callback(t.s, &right, path(&t)), 200);
	assert_true(clock_mono_us() - begin_us < 100 * 1000);
	assert_string_equal(order_state(&t), "paid");
	sale_end(&t);
}

static void test_lies(void **state)
{
	static const struct { enum cryptopay_lie lie; int status; const char *reason; } cases[] = {
		{ CRYPTOPAY_OTHER_KEY, 401, "" }, { CRYPTOPAY_UNSIGNED, 401, "" }, { CRYPTOPAY_EMPTY, 401, "" }, { CRYPTOPAY_CHANGED, 401, "" },
		{ CRYPTOPAY_OTHER_AMOUNT, 200, "amount" }, { CRYPTOPAY_OTHER_CURRENCY, 200, "currency" },
		{ CRYPTOPAY_OTHER_PAYLOAD, 200, "unknown_invoice" }, { CRYPTOPAY_NOT_PAID, 200, "" }, { CRYPTOPAY_OTHER_UPDATE, 200, "" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct sale t = sale_new();
		struct cryptopay_callback c;
		int64_t at_ms;

		assert_int_equal(create(&t, &at_ms), JOB_DONE);
		assert_int_equal(cryptopay_sim_make_callback(&c, t.s->crypto, &t.s->arena, provider_id(&t), cases[i].lie, t.s->now_ms), OK);
		if (shop_callback(t.s, &c, path(&t)) != cases[i].status || strcmp(shop_heard.reason, cases[i].reason) != 0)
			fail_msg("lie %d: %s", (int)cases[i].lie, shop_heard.reason);
		assert_string_equal(order_state(&t), "open");
		assert_int_equal(shop_number(t.s, "SELECT count(*) FROM subscriptions"), 0);
		assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments"), *cases[i].reason ? 1 : 0);
		sale_end(&t);
	}
}

static enum err count_calls(void *ctx, enum db_point point)
{
	(void)point;
	++*(int *)ctx;
	return OK;
}

/* Who floods us with forged ones makes us read the keys once a transaction, and the store is asked nothing for the next. */
static void test_forged_are_cheap(void **state)
{
	struct sale t = sale_new();
	struct cryptopay_callback c;
	int64_t at_ms;
	int calls = 0;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(cryptopay_sim_make_callback(&c, t.s->crypto, &t.s->arena, provider_id(&t), CRYPTOPAY_OTHER_KEY, t.s->now_ms), OK);
	for (int i = 0; i < 110; i++)
		assert_int_equal(shop_callback(t.s, &c, path(&t)), 401);
	db_set_fault(count_calls, &calls);
	for (int i = 0; i < 100; i++)
		assert_int_equal(shop_callback(t.s, &c, path(&t)), 401);
	db_set_fault(NULL, NULL);
	assert_int_equal(calls, 0);
	/* keys that change within the transaction count from the next request on */
	assert_int_equal(cryptopay_sim_make_callback(&c, t.s->crypto, &t.s->arena, provider_id(&t), CRYPTOPAY_TRUE, t.s->now_ms), OK);
	assert_int_equal(pay_set_key(&t.s->a, "CRYPTO_PAY_TOKEN", STR("18475:AAanotherTokenOfTheSellersOwn0000000")), OK);
	assert_int_equal(shop_callback(t.s, &c, path(&t)), 401);
	assert_int_equal(pay_set_key(&t.s->a, "CRYPTO_PAY_TOKEN", STR("")), OK);
	assert_int_equal(shop_callback(t.s, &c, path(&t)), 404);
	sale_end(&t);
}

static void test_callback_edges(void **state)
{
	struct sale t = sale_new();
	struct cryptopay_callback c;
	struct str right = path(&t), wrong = str_of(arena_printf(&t.s->arena, "%.*sX", (int)right.len - 1, right.at));
	int64_t at_ms;
	char *big = arena_alloc(&t.s->arena, 70 * 1024);

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(cryptopay_sim_make_callback(&c, t.s->crypto, &t.s->arena, provider_id(&t), CRYPTOPAY_TRUE, t.s->now_ms), OK);
	assert_int_equal(shop_callback(t.s, &c, wrong), 404);
	assert_int_equal(shop_callback(t.s, &c, STR("/cb/stars/x")), 404);
	assert_int_equal(shop_callback(t.s, &c, STR("/cb/")), 404);
	c.body = str_n(big, 70 * 1024);
	assert_int_equal(shop_callback(t.s, &c, right), 413);
	c.body = STR("{}");
	for (int i = 0; i < 200; i++)
		assert_int_equal(shop_callback(t.s, &c, right), 401);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM callbacks WHERE verdict='forged' AND body IS NULL"), 100);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts WHERE cause='callback.forged:crypto_pay'"), 1);
	shop_wait(t.s, 91 * DAY_MS);
	assert_int_equal(pay_forget(&t.s->a), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM callbacks"), 0);
	sale_end(&t);
}

/* The answer to createInvoice is lost: one invoice there in the end, and nobody is told too early. */
static void test_answer_lost(void **state)
{
	struct cryptopay_rule lost = { .method = "createInvoice", .times = 1, .fault = CRYPTOPAY_NETWORK, .after = true, .trouble = { .drop = true } };
	struct sale t = sale_new();
	int64_t at_ms;

	(void)state;
	cryptopay_sim_add_rule(t.s->crypto, &lost);
	shop_wait(t.s, SECOND_MS);
	assert_int_equal(create(&t, &at_ms), JOB_LATER);
	assert_int_equal(shop_heard.failed, 0);
	shop_wait(t.s, 2 * SECOND_MS);
	assert_int_equal(create(&t, &at_ms), JOB_LATER);      /* the provider may still be making it */
	assert_int_equal(at_ms, t.invoice.created_ms + 8 * SECOND_MS);
	shop_wait(t.s, at_ms - t.s->now_ms);
	assert_int_equal(create(&t, &at_ms), JOB_LATER);
	assert_int_equal(shop_heard.failed, 1);               /* "choose another"; the order stays open */
	assert_string_equal(order_state(&t), "open");
	assert_int_equal(at_ms, t.invoice.created_ms + SECOND_MS + 15 * SECOND_MS);
	shop_wait(t.s, at_ms - t.s->now_ms);
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(shop_heard.ready, 1);
	assert_int_equal(shop_heard.failed, 1);
	assert_int_equal(cryptopay_sim_count_invoices(t.s->crypto), 1);
	assert_int_equal(cryptopay_sim_count(t.s->crypto, "createInvoice"), 1);
	sale_end(&t);
}

/* The request was cut on its way to the provider: it is looked for, found nowhere, and only then asked for once more. */
static void test_request_lost(void **state)
{
	struct http_response cut = { .failure = HTTP_FAIL_BROKEN };
	struct sale t = sale_new();
	int64_t at_ms;

	(void)state;
	assert_int_equal(shop_job(t.s, &pay_job_create, t.subject, &cut, &at_ms), JOB_LATER);
	assert_int_equal(cryptopay_sim_count_invoices(t.s->crypto), 0);
	shop_wait(t.s, 15 * SECOND_MS);
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(cryptopay_sim_count(t.s->crypto, "getInvoices"), 1);
	assert_int_equal(cryptopay_sim_count_invoices(t.s->crypto), 1);
	assert_int_equal(shop_heard.ready, 1);
	assert_string_equal(invoice_state(&t), "pending");
	sale_end(&t);
}

/* Killed with the question under way: that it was asked stands in the commit before it, so the next start looks first. */
static void test_killed_while_asking(void **state)
{
	struct sale t = sale_new();
	struct job job = { .kind = &pay_job_create, .subject = t.subject };
	int64_t at_ms;

	(void)state;
	assert_int_equal(pay_job_create.begin(&t.s->a, &job), OK);
	assert_int_equal(job.next, JOB_CALL);
	exchange(t.s, job.request);
	arena_release(&job.arena);                            /* nobody hears the answer */
	shop_wait(t.s, SECOND_MS);
	assert_int_equal(create(&t, &at_ms), JOB_LATER);      /* the provider may still be making it */
	shop_wait(t.s, 15 * SECOND_MS);
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_string_equal(invoice_state(&t), "pending");
	assert_int_equal(cryptopay_sim_count_invoices(t.s->crypto), 1);
	sale_end(&t);
}

/* Paid while the answer with its address is on its way: the callback was faster. The address is kept, and nothing else changes. */
static void test_paid_before_its_address_came(void **state)
{
	struct sale t = sale_new();
	struct job job = { .kind = &pay_job_create, .subject = t.subject };
	struct cryptopay_callback c;
	struct http_response late;

	(void)state;
	assert_int_equal(pay_job_create.begin(&t.s->a, &job), OK);
	assert_int_equal(job.next, JOB_CALL);
	late = exchange(t.s, job.request);
	assert_int_equal(cryptopay_sim_pay(t.s->crypto, provider_id(&t), "USDT", t.s->now_ms), OK);
	assert_int_equal(cryptopay_sim_make_callback(&c, t.s->crypto, &t.s->arena, provider_id(&t), CRYPTOPAY_TRUE, t.s->now_ms), OK);
	assert_int_equal(shop_callback(t.s, &c, path(&t)), 200);
	assert_string_equal(invoice_state(&t), "paid");
	job.next = JOB_UNDECIDED;
	assert_int_equal(pay_job_create.answer(&t.s->a, &job, &late), OK);
	assert_int_equal(job.next, JOB_DONE);
	arena_release(&job.arena);
	assert_string_equal(invoice_state(&t), "paid");
	assert_string_equal(order_state(&t), "paid");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM invoices WHERE provider_ref IS NOT NULL AND url IS NOT NULL"), 1);
	assert_int_equal(shop_heard.ready, 0); /* nobody is asked to pay what they have paid */
	sale_end(&t);
}

static void test_refused(void **state)
{
	struct cryptopay_rule refuse = { .method = "createInvoice", .times = 1, .fault = CRYPTOPAY_REFUSE, .text = "AMOUNT_TOO_SMALL" };
	struct cryptopay_rule busy = { .method = "createInvoice", .times = 1, .fault = CRYPTOPAY_TOO_MANY };
	struct sale t = sale_new();
	struct invoice other;
	int64_t at_ms;

	(void)state;
	cryptopay_sim_add_rule(t.s->crypto, &refuse);
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(shop_heard.failed, 1);
	assert_string_equal(invoice_state(&t), "failed");
	assert_string_equal(order_state(&t), "open");
	assert_int_equal(invoice_open(&other, &t.s->a, &t.order, "crypto_pay"), OK); /* a new attempt is another invoice */
	assert_true(other.id != t.invoice.id);
	cryptopay_sim_clear_rules(t.s->crypto);
	cryptopay_sim_add_rule(t.s->crypto, &busy);
	snprintf(t.subject, sizeof t.subject, "%" PRId64, other.id);
	t.invoice = other;
	assert_int_equal(create(&t, &at_ms), JOB_LATER);
	assert_int_equal(at_ms, t.s->now_ms + 5 * SECOND_MS);
	shop_wait(t.s, 5 * SECOND_MS);
	assert_int_equal(create(&t, &at_ms), JOB_DONE); /* nothing had happened: no search needed */
	assert_int_equal(cryptopay_sim_count(t.s->crypto, "getInvoices"), 0);
	assert_int_equal(shop_heard.ready, 1);
	sale_end(&t);
}

/* It ends only after a last question that was answered; money found by it is honoured (B10). */
static void test_last_question(void **state)
{
	struct cryptopay_rule down = { .method = "getInvoices", .times = 1, .fault = CRYPTOPAY_HTML_502 };
	struct sale t = sale_new();
	int64_t at_ms, id;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	id = provider_id(&t);
	assert_int_equal(cryptopay_sim_pay(t.s->crypto, id, "USDT", t.s->now_ms + MINUTE_MS), OK);
	shop_wait(t.s, 2 * DAY_MS); /* the shop was down */
	assert_int_equal(orders_expire(&t.s->a), OK);
	assert_int_equal(invoices_expire(&t.s->a), OK);
	assert_string_equal(invoice_state(&t), "pending"); /* nothing ends by time alone */
	assert_string_equal(order_state(&t), "canceled");
	cryptopay_sim_add_rule(t.s->crypto, &down);
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_string_equal(invoice_state(&t), "pending");
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_string_equal(order_state(&t), "paid");
	sale_end(&t);
}

static void test_expired(void **state)
{
	struct sale t = sale_new();
	struct invoice second;
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	shop_wait(t.s, INVOICE_OPEN_MS);
	assert_int_equal(poll(&t, &at_ms), JOB_LATER);
	assert_int_equal(at_ms, t.s->now_ms + 30 * SECOND_MS);
	assert_int_equal(invoice_open(&second, &t.s->a, &t.order, "crypto_pay"), OK);
	assert_true(second.id != t.invoice.id);
	shop_wait(t.s, 30 * SECOND_MS);
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_string_equal(invoice_state(&t), "expired");
	sale_end(&t);
}

/* Paid in its last minute, and the button for a new one was tapped before we knew: the old one is asked about all the same. */
static void test_paid_in_its_last_minute(void **state)
{
	struct sale t = sale_new();
	struct invoice second;
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	shop_wait(t.s, INVOICE_OPEN_MS - SECOND_MS);
	assert_int_equal(cryptopay_sim_pay(t.s->crypto, provider_id(&t), "USDT", t.s->now_ms), OK);
	shop_wait(t.s, 2 * SECOND_MS);
	assert_int_equal(invoice_open(&second, &t.s->a, &t.order, "crypto_pay"), OK);
	assert_string_equal(invoice_state(&t), "expired");
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_string_equal(order_state(&t), "paid");
	sale_end(&t);
}

/* A page takes money without asking us again: its place is held from the start. */
static void test_page_holds_its_place(void **state)
{
	struct sale t = sale_new();
	struct user boris = shop_user(t.s, ANNA + 1, "Boris");
	struct order o;

	(void)state;
	shop_run(t.s, "UPDATE panels SET capacity=1");
	assert_int_equal(invoice_open(&t.invoice, &t.s->a, &t.order, "crypto_pay"), OK);
	assert_int_equal(order_open(&o, &t.s->a, &boris, &t.plan, NULL), E_NOROOM);
	shop_wait(t.s, ORDER_RESERVE_MS + 1);
	assert_int_equal(order_open(&o, &t.s->a, &boris, &t.plan, NULL), OK);
	sale_end(&t);
}

/* The provider takes our key no more: no sale comes about, and whoever could change that is told, until one does. */
static void test_key_no_longer_taken(void **state)
{
	const struct http_response refused = { .status = 401, .body = STR("{\"ok\":false,\"error\":{\"code\":401,\"name\":\"UNAUTHORIZED\"}}") };
	struct sale t = sale_new();
	int64_t at_ms;

	(void)state;
	assert_int_equal(shop_job(t.s, &pay_job_create, t.subject, &refused, &at_ms), JOB_DONE);
	assert_string_equal(invoice_state(&t), "failed");
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts WHERE cause='provider.key:crypto_pay' AND level=2"), 1);
	assert_int_equal(shop_heard.failed, 1);
	assert_int_equal(invoice_open(&t.invoice, &t.s->a, &t.order, "crypto_pay"), OK);
	snprintf(t.subject, sizeof t.subject, "%" PRId64, t.invoice.id);
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM alerts"), 0);
	sale_end(&t);
}

/* Our clock is hours ahead and no callback comes: as long as the provider takes money for it, we ask; a day is enough. */
static void test_open_at_the_provider(void **state)
{
	(void)state;
	for (int paid = 0; paid <= 1; paid++) {
		struct sale t = sale_new();
		int64_t at_ms;

		assert_int_equal(create(&t, &at_ms), JOB_DONE);
		struct http_response active = { .status = 200, .body = str_of(arena_printf(&t.s->arena, "{\"ok\":true,\"result\":{\"items\":[{\"invoice_id\":%" PRId64
			",\"status\":\"active\",\"payload\":\"%s\"}]}}", provider_id(&t), t.invoice.public_id)) };
		shop_wait(t.s, INVOICE_OPEN_MS + 3 * HOUR_MS);
		assert_int_equal(shop_job(t.s, &pay_job_poll, t.subject, &active, &at_ms), JOB_LATER);
		assert_int_equal(at_ms, t.s->now_ms + MINUTE_MS);
		assert_string_equal(invoice_state(&t), "pending");
		if (paid) {
			assert_int_equal(cryptopay_sim_pay(t.s->crypto, provider_id(&t), "USDT", t.invoice.created_ms), OK);
			assert_int_equal(poll(&t, &at_ms), JOB_DONE);
			assert_string_equal(order_state(&t), "paid");
		} else {
			shop_wait(t.s, DAY_MS);
			assert_int_equal(shop_job(t.s, &pay_job_poll, t.subject, &active, &at_ms), JOB_DONE);
			assert_string_equal(invoice_state(&t), "expired");
		}
		sale_end(&t);
	}
}

/* Each pending invoice past its time is asked about a last time, and nobody asks twice: one that has lost its job gets a new one. */
static void test_expired_without_a_job(void **state)
{
	struct sale t = sale_new();
	int64_t at_ms;

	(void)state;
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	shop_run(t.s, "DELETE FROM jobs WHERE kind='pay_poll'");
	assert_int_equal(invoices_expire(&t.s->a), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM jobs WHERE kind='pay_poll'"), 0); /* not before its time */
	shop_wait(t.s, INVOICE_OPEN_MS);
	assert_int_equal(invoices_expire(&t.s->a), OK);
	assert_int_equal(invoices_expire(&t.s->a), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM jobs WHERE kind='pay_poll'"), 1);
	assert_string_equal(invoice_state(&t), "pending");
	shop_wait(t.s, 30 * SECOND_MS);
	assert_int_equal(poll(&t, &at_ms), JOB_DONE);
	assert_string_equal(invoice_state(&t), "expired");
	sale_end(&t);
}

/* Paid with Stars and, on the page that was still open, once more: the second is set aside. */
static void test_two_ways(void **state)
{
	struct sale t = sale_new();
	struct invoice stars;
	struct cryptopay_callback c;
	struct pay_way ways[4];
	size_t n;
	int64_t at_ms;

	(void)state;
	assert_int_equal(pay_ways(ways, &n, 4, &t.s->a, &t.order), OK);
	assert_int_equal(n, 2);
	assert_true(ways[0].amount_minor == 350 && ways[1].amount_minor == 29900);
	assert_int_equal(create(&t, &at_ms), JOB_DONE);
	assert_int_equal(invoice_open(&stars, &t.s->a, &t.order, "stars"), OK);
	assert_int_equal(shop_stars(t.s, ANNA, stars.public_id, 350, "chg1"), OK);
	assert_string_equal(invoice_state(&t), "canceled");
	assert_int_equal(poll(&t, &at_ms), JOB_LATER); /* still looked at: its address is in the world */
	assert_int_equal(cryptopay_sim_pay(t.s->crypto, provider_id(&t), "TON", t.s->now_ms), OK);
	assert_true(cryptopay_sim_take_callback(&c, t.s->crypto, &t.s->arena, t.s->now_ms));
	assert_int_equal(shop_callback(t.s, &c, path(&t)), 200);
	assert_string_equal(shop_heard.reason, "paid_already");
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_REFUND, 0, &t.admin), E_REFUSED); /* Crypto Pay cannot */
	assert_int_equal(refund_start(&t.s->a, 2, &t.admin, "x"), E_REFUSED);
	assert_int_equal(suspense_decide(&t.s->a, 1, SUSPENSE_KEEP, 0, &t.admin), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(DISTINCT currency) FROM ledger"), 2);
	sale_end(&t);
}

static void test_keys(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 0, 29900);
	struct order o = shop_order(s, &u, &p);
	struct invoice i;

	(void)state;
	assert_int_equal(shop_number(s, "SELECT count(*) FROM secrets WHERE name='CRYPTO_PAY_TOKEN'"), 1);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM secrets WHERE instr(value_sealed, '" SHOP_TOKEN "')"), 0);
	assert_int_equal(pay_set_key(&s->a, "CRYPTO_PAY_TOKEN", STR("nonsense")), E_INVALID);
	assert_int_equal(pay_set_key(&s->a, "NO_SUCH_KEY", STR("x")), E_INVALID);
	s->config.crypto_pay_token = "20000:OtherTokenThatIsIgnoredNow000000";
	assert_int_equal(pay_on_start(&s->a), OK); /* the database holds */
	assert_int_equal(invoice_open(&i, &s->a, &o, "crypto_pay"), OK);
	assert_int_equal(invoice_open(&i, &s->a, &o, "stars"), E_NOTFOUND); /* no price in Stars */
	assert_int_equal(invoice_open(&i, &s->a, &o, "yookassa"), E_NOTFOUND);
	assert_int_equal(pay_set_key(&s->a, "CRYPTO_PAY_TOKEN", STR("")), OK);
	assert_int_equal(invoice_open(&i, &s->a, &o, "crypto_pay"), E_NOTFOUND);
	shop_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_polled, "R203 B11"),
		proves(test_callbacks, "R197"),
		proves(test_callback_is_quick, "R196"),
		proves(test_lies, "R212 B7"),
		proves(test_forged_are_cheap, "R196 B24"),
		proves(test_callback_edges, "R196"),
		proves(test_answer_lost, "B4"),
		proves(test_request_lost, "B4"),
		proves(test_killed_while_asking, "B4"),
		proves(test_paid_before_its_address_came, ""),
		proves(test_refused, ""),
		proves(test_last_question, "B10"),
		proves(test_expired, ""),
		proves(test_paid_in_its_last_minute, ""),
		proves(test_page_holds_its_place, ""),
		proves(test_key_no_longer_taken, ""),
		proves(test_open_at_the_provider, ""),
		proves(test_expired_without_a_job, "B10"),
		proves(test_two_ways, ""),
		proves(test_keys, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
