/* The Crypto Pay model, asked by lib/pay: each story goes the way of real requests and answers. */
#include "tests/unit/proves.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/pay/pay.h"
#include "tests/sim/cryptopay.h"

#define TOKEN "18475:AAH3docExampleTokenForVectors00000"
#define NOW_MS INT64_C(1793614200000)

struct story {
	struct arena a;
	struct cryptopay_sim *sim;
	struct pay_account account;
	int64_t now_ms;
	struct pay_trouble trouble; /* of the last answer */
};

static struct str lookup(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "CRYPTO_PAY_TOKEN") == 0 ? STR(TOKEN) : STR("");
}

static struct story *story_new(void)
{
	struct story *s = xcalloc(1, sizeof *s);

	s->sim = cryptopay_sim_new(TOKEN);
	s->now_ms = NOW_MS;
	assert_int_equal(pay_account_init(&s->account, &pay_crypto_pay, lookup, NULL), OK);
	return s;
}

static void story_free(struct story *s)
{
	cryptopay_sim_free(s->sim);
	arena_release(&s->a);
	free(s);
}

static const char *lower(struct arena *a, const char *name)
{
	char *copy = arena_strdup(a, name);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return copy;
}

/* The network, in memory. A dropped or cut answer is what the client reports then. */
static struct http_response exchange(struct story *s, const struct http_request *r)
{
	struct sim_request in = { .method = r->method, .body = r->body, .now_ms = s->now_ms, .arena = &s->a };
	struct http_response out = { 0 };
	struct sim_response from;

	in.path = str_of(strstr(r->url + strlen("https://"), "/"));
	for (size_t i = 0; i < r->headers_count; i++)
		in.headers[in.headers_count++] = (struct http_header){ lower(&s->a, r->headers[i].name), r->headers[i].value };
	cryptopay_sim_handle(s->sim, &in, &from);
	if (from.trouble.hang || from.trouble.drop) {
		out.failure = from.trouble.hang ? HTTP_FAIL_TIMEOUT : HTTP_FAIL_BROKEN;
		return out;
	}
	out.status = from.status;
	out.body = from.body;
	for (size_t i = 0; i < from.headers_count; i++)
		out.headers[out.headers_count++] = (struct http_header){ lower(&s->a, from.headers[i].name), from.headers[i].value };
	return out;
}

static enum err create(struct story *s, struct pay_created *out, const char *invoice, int64_t amount_minor)
{
	struct pay_quote q = { .invoice = str_of(invoice), .amount_minor = amount_minor, .currency = STR("RUB"),
		.description = STR("30 days"), .now_ms = s->now_ms, .expires_ms = s->now_ms + 30 * MINUTE_MS };
	struct http_request request;
	struct http_response r;

	assert_int_equal(pay_crypto_pay.create_build(&request, &s->a, &s->account, &q), OK);
	r = exchange(s, &request);
	return pay_crypto_pay.create_read(out, &s->trouble, &s->a, &s->account, &r);
}

static enum err find(struct story *s, struct pay_created *out, const char *invoice)
{
	struct str cursor = STR("");
	enum err e;

	for (int page = 0; page < PAY_FIND_PAGES_MAX; page++) {
		struct http_request request;
		struct http_response r;

		assert_int_equal(pay_crypto_pay.find_build(&request, &s->a, &s->account, str_of(invoice), cursor), OK);
		r = exchange(s, &request);
		e = pay_crypto_pay.find_read(out, &cursor, &s->trouble, &s->a, str_of(invoice), &r);
		if (e != E_NOTFOUND || !cursor.len)
			return e;
	}
	return E_TOOBIG;
}

static enum pay_state poll(struct story *s, struct str ref)
{
	struct pay_open open = { .ref = ref };
	struct http_request request;
	struct http_response r;
	struct pay_event *events;
	size_t n;

	assert_int_equal(pay_crypto_pay.poll_build(&request, &s->a, &s->account, &open, 1), OK);
	r = exchange(s, &request);
	assert_int_equal(pay_crypto_pay.poll_read(&events, &n, &s->trouble, &s->a, &r), OK);
	return n ? events[0].state : PAY_UNCLEAR;
}

static struct pay_callback deliver(struct story *s, const struct cryptopay_callback *c)
{
	struct pay_inbound in = { .method = HTTP_POST, .headers = c->headers, .headers_count = c->headers_count, .body = c->body };
	struct pay_callback out;

	pay_crypto_pay.callback_read(&out, &s->a, &s->account, &in);
	return out;
}

static int64_t id_of(struct str ref)
{
	int64_t id = 0;

	assert_int_equal(str_to_i64(&id, ref), OK);
	return id;
}

static void test_paid(void **state)
{
	struct story *s = story_new();
	struct pay_created c;
	struct cryptopay_callback callback;
	struct pay_callback heard;
	struct cryptopay_view view;

	(void)state;
	assert_int_equal(create(s, &c, "inv_1", 29900), OK);
	assert_true(c.expires_ms == NOW_MS + 30 * MINUTE_MS);
	assert_true(cryptopay_sim_find(&view, NULL, s->sim, "inv_1"));
	assert_true(str_is(view.amount, "299.00") && str_is(view.currency, "RUB") && str_is(view.status, "active"));
	assert_int_equal(poll(s, c.ref), PAY_PENDING);
	assert_false(cryptopay_sim_take_callback(&callback, s->sim, &s->a, s->now_ms));

	s->now_ms += MINUTE_MS;
	assert_int_equal(cryptopay_sim_pay(s->sim, view.id, "USDT", s->now_ms), OK);
	assert_int_equal(cryptopay_sim_pay(s->sim, view.id, "USDT", s->now_ms), E_CONFLICT);
	assert_int_equal(poll(s, c.ref), PAY_PAID);
	assert_true(cryptopay_sim_take_callback(&callback, s->sim, &s->a, s->now_ms));
	heard = deliver(s, &callback);
	assert_int_equal(heard.verdict, PAY_AUTHENTIC);
	assert_true(heard.event.exact && heard.event.amount_minor == 29900 && str_is(heard.event.invoice, "inv_1"));
	assert_true(str_is(heard.event.got_text, "3.7375") && str_is(heard.event.got_currency, "USDT"));
	assert_true(heard.event.paid_ms == s->now_ms);
	cryptopay_sim_settle_callback(s->sim, &callback, heard.status);
	assert_int_equal(cryptopay_sim_queued(s->sim), 0);
	story_free(s);
}

/* The same fact twice has one key, whatever the update_id; an answer that is no 2xx brings it again, later. */
static void test_callback_again(void **state)
{
	struct story *s = story_new();
	struct pay_created c;
	struct cryptopay_callback one, two;

	(void)state;
	assert_int_equal(create(s, &c, "inv_1", 100), OK);
	assert_int_equal(cryptopay_sim_pay(s->sim, id_of(c.ref), "TON", s->now_ms), OK);
	assert_true(cryptopay_sim_take_callback(&one, s->sim, &s->a, s->now_ms));
	cryptopay_sim_settle_callback(s->sim, &one, 503);
	assert_false(cryptopay_sim_take_callback(&two, s->sim, &s->a, s->now_ms));
	s->now_ms += MINUTE_MS;
	assert_true(cryptopay_sim_take_callback(&two, s->sim, &s->a, s->now_ms));
	assert_false(str_eq(one.body, two.body));
	assert_true(str_eq(deliver(s, &one).event.key, deliver(s, &two).event.key));
	cryptopay_sim_settle_callback(s->sim, &two, 200);
	s->now_ms += DAY_MS;
	assert_false(cryptopay_sim_take_callback(&one, s->sim, &s->a, s->now_ms));
	story_free(s);
}

static void test_lies(void **state)
{
	static const struct {
		enum cryptopay_lie lie;
		enum pay_verdict verdict;
		bool paid;
		int64_t minor;
		const char *currency, *invoice;
	} cases[] = {
		{ CRYPTOPAY_TRUE,           PAY_AUTHENTIC, true,  29900, "RUB", "inv_1" },
		{ CRYPTOPAY_UPPER_HEX,      PAY_AUTHENTIC, true,  29900, "RUB", "inv_1" },
		{ CRYPTOPAY_OTHER_AMOUNT,   PAY_AUTHENTIC, true,  26910, "RUB", "inv_1" },
		{ CRYPTOPAY_OTHER_CURRENCY, PAY_AUTHENTIC, true,  29900, "USD", "inv_1" },
		{ CRYPTOPAY_OTHER_PAYLOAD,  PAY_AUTHENTIC, true,  29900, "RUB", "inv_NEVERMADE" },
		{ CRYPTOPAY_NOT_PAID,       PAY_AUTHENTIC, false, 29900, "RUB", "inv_1" },
		{ CRYPTOPAY_OTHER_UPDATE,   PAY_AUTHENTIC, false, 0,     "",    "" },
		{ CRYPTOPAY_OTHER_KEY,      PAY_FORGED,    false, 0,     "",    "" },
		{ CRYPTOPAY_UNSIGNED,       PAY_FORGED,    false, 0,     "",    "" },
		{ CRYPTOPAY_EMPTY,          PAY_FORGED,    false, 0,     "",    "" },
		{ CRYPTOPAY_CHANGED,        PAY_FORGED,    false, 0,     "",    "" },
	};
	struct story *s = story_new();
	struct pay_created c;

	(void)state;
	assert_int_equal(create(s, &c, "inv_1", 29900), OK);
	assert_int_equal(cryptopay_sim_pay(s->sim, id_of(c.ref), "USDT", s->now_ms), OK);
	for (size_t i = 0; i < countof(cases); i++) {
		struct cryptopay_callback callback;
		struct pay_callback h;

		assert_int_equal(cryptopay_sim_make_callback(&callback, s->sim, &s->a, id_of(c.ref), cases[i].lie, s->now_ms), OK);
		h = deliver(s, &callback);
		if (h.verdict != cases[i].verdict || (h.has_event && h.event.state == PAY_PAID) != cases[i].paid ||
		    h.event.amount_minor != cases[i].minor || !str_is(h.event.currency, cases[i].currency) ||
		    !str_is(h.event.invoice, cases[i].invoice))
			fail_msg("lie %d: verdict %d, %.*s", (int)cases[i].lie, (int)h.verdict, STR_ARG(h.event.currency));
	}
	story_free(s);
}

static void test_expires(void **state)
{
	struct story *s = story_new();
	struct pay_created c, d;

	(void)state;
	assert_int_equal(create(s, &c, "inv_1", 100), OK);
	assert_int_equal(create(s, &d, "inv_2", 100), OK);
	assert_int_equal(cryptopay_sim_expire(s->sim, id_of(d.ref)), OK);
	assert_int_equal(poll(s, d.ref), PAY_EXPIRED);
	s->now_ms += 30 * MINUTE_MS - 1;
	assert_int_equal(poll(s, c.ref), PAY_PENDING);
	s->now_ms += 1;
	assert_int_equal(poll(s, c.ref), PAY_EXPIRED);
	assert_int_equal(cryptopay_sim_pay(s->sim, id_of(c.ref), "USDT", s->now_ms), E_CONFLICT);
	assert_int_equal(find(s, &d, "inv_1"), E_NOTFOUND); /* only what can still be paid is worth finding */
	story_free(s);
}

/* The answer to createInvoice is lost: looking by our id finds the invoice instead of making a second one. */
static void test_create_answer_lost(void **state)
{
	struct cryptopay_rule lost = { .method = "createInvoice", .times = 1, .fault = CRYPTOPAY_NETWORK,
		.trouble = { .drop = true } };
	struct cryptopay_rule broken = { .method = "createInvoice", .times = 1, .fault = CRYPTOPAY_HTML_502, .after = true };
	struct cryptopay_rule refused = { .method = "createInvoice", .times = 1, .fault = CRYPTOPAY_TOO_MANY };
	struct story *s = story_new();
	struct pay_created c;
	size_t times;
	struct cryptopay_view view;

	(void)state;
	cryptopay_sim_add_rule(s->sim, &lost);
	assert_int_equal(create(s, &c, "inv_1", 100), E_UNKNOWN);
	assert_int_equal(find(s, &c, "inv_1"), OK);
	assert_true(str_is(c.ref, "528890") && str_starts(c.url, "https://t.me/CryptoBot?start="));
	for (int i = 0; i < 250; i++)
		assert_int_equal(create(s, &c, arena_printf(&s->a, "inv_more%d", i), 100), OK);
	assert_int_equal(find(s, &c, "inv_1"), OK); /* now on the third page */
	assert_true(str_is(c.ref, "528890"));
	assert_true(cryptopay_sim_find(&view, &times, s->sim, "inv_1"));
	assert_int_equal(times, 1);

	cryptopay_sim_clear_rules(s->sim);
	cryptopay_sim_add_rule(s->sim, &broken);
	assert_int_equal(create(s, &c, "inv_2", 100), E_UNKNOWN);
	assert_int_equal(find(s, &c, "inv_2"), OK);

	cryptopay_sim_clear_rules(s->sim);
	cryptopay_sim_add_rule(s->sim, &refused);
	assert_int_equal(create(s, &c, "inv_3", 100), E_BUSY);
	assert_int_equal(s->trouble.retry_after_ms, 5000);
	assert_int_equal(find(s, &c, "inv_3"), E_NOTFOUND);
	story_free(s);
}

static void test_nth(void **state)
{
	struct cryptopay_rule third = { .method = "createInvoice", .nth = 3, .times = 2, .fault = CRYPTOPAY_REFUSE,
		.text = "AMOUNT_TOO_SMALL" };
	struct story *s = story_new();
	struct pay_created c;

	(void)state;
	cryptopay_sim_add_rule(s->sim, &third);
	for (int i = 1; i <= 5; i++)
		assert_int_equal(create(s, &c, arena_printf(&s->a, "inv_%d", i), 1), i == 3 || i == 4 ? E_REFUSED : OK);
	assert_int_equal(cryptopay_sim_count(s->sim, "createInvoice"), 5);
	assert_int_equal(cryptopay_sim_count_invoices(s->sim), 3);
	story_free(s);
}

static void test_cancel(void **state)
{
	struct story *s = story_new();
	struct pay_created c;
	struct http_request request;
	struct http_response r;
	struct pay_open open;

	(void)state;
	assert_int_equal(create(s, &c, "inv_1", 100), OK);
	open = (struct pay_open){ .ref = c.ref };
	assert_int_equal(pay_crypto_pay.cancel_build(&request, &s->a, &s->account, &open), OK);
	r = exchange(s, &request);
	assert_int_equal(pay_crypto_pay.cancel_read(&s->trouble, &s->a, &r), OK);
	assert_int_equal(poll(s, c.ref), PAY_UNCLEAR);
	r = exchange(s, &request);
	assert_int_equal(pay_crypto_pay.cancel_read(&s->trouble, &s->a, &r), E_CONFLICT);

	assert_int_equal(create(s, &c, "inv_2", 100), OK);
	assert_int_equal(cryptopay_sim_pay(s->sim, id_of(c.ref), "USDT", s->now_ms), OK);
	open.ref = c.ref;
	assert_int_equal(pay_crypto_pay.cancel_build(&request, &s->a, &s->account, &open), OK);
	r = exchange(s, &request);
	assert_int_equal(pay_crypto_pay.cancel_read(&s->trouble, &s->a, &r), E_CONFLICT);
	assert_int_equal(poll(s, c.ref), PAY_PAID);
	story_free(s);
}

/* What another client may send: the token decides first, then the method; parameters as JSON, form or query. */
static void test_wire(void **state)
{
	static const struct { const char *token, *path, *type, *body; int status; const char *has; } cases[] = {
		{ "wrong", "/api/getInvoices", "application/json", "{}",
		  401, "{\"ok\":false,\"error\":{\"code\":401,\"name\":\"UNAUTHORIZED\"}}" },
		{ TOKEN, "/api/nothing", "application/json", "{}", 405, "METHOD_NOT_FOUND" },
		{ TOKEN, "/other", "application/json", "{}", 404, "html" },
		{ TOKEN, "/api/getMe", "", "", 200, "\"app_id\":18475" },
		{ TOKEN, "/api/createInvoice", "application/json", "{", 400, "BODY_INVALID" },
		{ TOKEN, "/api/createInvoice", "application/json", "{\"asset\":\"USDT\",\"amount\":\"1e3\"}", 400, "AMOUNT_INVALID" },
		{ TOKEN, "/api/createInvoice", "application/json", "{\"asset\":\"USDT\",\"amount\":\"0\"}", 400, "AMOUNT_INVALID" },
		{ TOKEN, "/api/createInvoice", "application/json", "{\"asset\":\"RUB\",\"amount\":\"5\"}", 400, "ASSET_INVALID" },
		{ TOKEN, "/api/createInvoice", "application/json", "{\"asset\":\"TON\",\"amount\":\"5\",\"expires_in\":0}",
		  400, "EXPIRES_IN_INVALID" },
		{ TOKEN, "/api/createInvoice", "application/json", "{\"asset\":\"TON\",\"amount\":\"5\",\"paid_btn_name\":\"openBot\"}",
		  400, "PAID_BTN_URL_INVALID" },
		{ TOKEN, "/api/createInvoice?asset=TON&amount=5.10&payload=a%20b", "", "", 200, "\"amount\":\"5.1\"" },
		{ TOKEN, "/api/createInvoice", "application/x-www-form-urlencoded", "asset=USDT&amount=10", 200, "\"amount\":\"10\"" },
		{ TOKEN, "/api/getInvoices?asset=TON", "", "", 200, "\"payload\":\"a b\"" },
		{ TOKEN, "/api/getInvoices?status=paid", "", "", 200, "{\"ok\":true,\"result\":{\"items\":[]}}" },
		{ TOKEN, "/api/getInvoices?count=1001", "", "", 400, "COUNT_INVALID" },
		{ TOKEN, "/api/getInvoices?count=1&offset=1", "", "", 200, "\"invoice_id\":528890" },
	};
	struct story *s = story_new();

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct sim_request in = { .method = HTTP_POST, .path = str_of(cases[i].path), .body = str_of(cases[i].body),
			.headers = { { "crypto-pay-api-token", cases[i].token }, { "content-type", cases[i].type } },
			.headers_count = 2, .now_ms = NOW_MS, .arena = &s->a };
		struct sim_response out;

		cryptopay_sim_handle(s->sim, &in, &out);
		if (out.status != cases[i].status || !str_has(out.body, cases[i].has))
			fail_msg("%s %s: %d %.*s", cases[i].path, cases[i].body, out.status, STR_ARG(out.body));
	}
	story_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_paid, ""),
		proves(test_callback_again, ""),
		proves(test_lies, "B7"),
		proves(test_expires, ""),
		proves(test_create_answer_lost, ""),
		proves(test_nth, ""),
		proves(test_cancel, ""),
		proves(test_wire, ""),
	};

	return cmocka_run_group_tests_name("cryptopay_sim", tests, NULL, NULL);
}
