/* The table of providers, Crypto Pay and Stars on the wire: what we ask, what we make of answers and callbacks. */
#include "tests/unit/proves.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/money.h"
#include "lib/crypto/crypto.h"
#include "lib/pay/stars.h"
#include "lib/pay/wire.h"

#define TOKEN "18475:AAH3docExampleTokenForVectors00000"
#define NOW_MS INT64_C(1793614200000) /* 2026-11-02T10:10:00Z */

struct fixture {
	struct arena a;
	struct pay_account account;
};

static struct str lookup(void *ctx, const char *name)
{
	const char *const *pairs = ctx;

	for (; *pairs; pairs += 2)
		if (strcmp(*pairs, name) == 0)
			return str_of(pairs[1]);
	return STR("");
}

static int set_up(void **state)
{
	const char *values[] = { "CRYPTO_PAY_TOKEN", TOKEN, NULL };
	struct fixture *f = xcalloc(1, sizeof *f);

	*state = f;
	return pay_account_init(&f->account, &pay_crypto_pay, lookup, values);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_release(&f->a);
	free(f);
	return 0;
}

/* --- the table --- */

static void check_currencies(const struct pay_provider *p)
{
	for (size_t i = 0; i < p->currencies_count; i++) {
		assert_non_null(currency_find(str_of(p->currencies[i].code)));
		assert_true(p->currencies[i].min_minor > 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(p->currencies[i].code, p->currencies[k].code);
	}
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < pay_provider_count(); i++) {
		const struct pay_provider *p = pay_provider_at(i);
		bool page = p->flow == PAY_FLOW_PAGE;

		assert_ptr_equal(pay_provider_find(str_of(p->name)), p); /* names are unique */
		assert_true(p->currencies_count > 0);
		check_currencies(p);
		assert_true(page == (p->create_build != NULL));
		assert_true(!p->create_build == !p->create_read && !p->find_build == !p->find_read);
		assert_true(!p->poll_build == !p->poll_read && !p->cancel_build == !p->cancel_read);
		assert_true(!p->refund_build == !p->refund_read && !p->probe_build == !p->probe_read);
		assert_true(!p->poll_build || (p->poll_batch_max > 0 && p->poll_every_ms > 0));
		assert_true((p->refund != PAY_REFUND_NONE) == (p->refund_in_chat || p->refund_build != NULL));
	}
	assert_null(pay_provider_find(STR("no_such")));
	assert_true(pay_takes(&pay_stars, 1, STR("XTR")));
	assert_false(pay_takes(&pay_stars, 0, STR("XTR")));
	assert_false(pay_takes(&pay_stars, 1, STR("RUB")));
	assert_true(pay_takes(&pay_crypto_pay, 29900, STR("rub")));
	assert_false(pay_takes(&pay_crypto_pay, 29900, STR("XTR")));
}

static void test_account(void **state)
{
	static const struct { const char *token, *url, *assets; enum err e; } cases[] = {
		{ TOKEN, NULL, NULL, OK },
		{ " " TOKEN "\n", "http://127.0.0.1:8081/", "USDT, TON", OK },
		{ NULL, NULL, NULL, E_NOTFOUND },
		{ "", "https://pay.crypt.bot", NULL, E_NOTFOUND },
		{ "no colon in it at all here", NULL, NULL, E_INVALID },
		{ "18475:short", NULL, NULL, E_INVALID },
		{ "18475:AAH3docExample\r\nX-Evil: 1", NULL, NULL, E_INVALID },
		{ TOKEN, "ftp://pay.crypt.bot", NULL, E_INVALID },
		{ TOKEN, "https://pay crypt bot", NULL, E_INVALID },
		{ TOKEN, NULL, "USDT,RUB", E_INVALID },
		{ TOKEN, NULL, "USDT,,TON", E_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		const char *values[] = { "CRYPTO_PAY_TOKEN", cases[i].token, "CRYPTO_PAY_URL", cases[i].url,
			"CRYPTO_PAY_ASSETS", cases[i].assets, NULL };
		struct pay_account account;

		if (pay_account_init(&account, &pay_crypto_pay, lookup, values) != cases[i].e)
			fail_msg("case %zu", i);
	}
}

/* --- asking --- */

static struct pay_quote quote(void)
{
	return (struct pay_quote){
		.invoice = STR("inv_01JBX7Q9"), .amount_minor = 29900, .currency = STR("RUB"),
		.description = STR("Standard, 30 days"), .return_url = STR("https://t.me/demo_shop_bot"),
		.now_ms = NOW_MS, .expires_ms = NOW_MS + 30 * MINUTE_MS,
	};
}

static const char *request_header(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->headers_count; i++)
		if (str_is_nocase(str_of(r->headers[i].name), name))
			return r->headers[i].value;
	return "";
}

static void test_create_build(void **state)
{
	struct fixture *f = *state;
	struct pay_account other = f->account;
	struct http_request r;
	struct pay_quote q = quote();

	assert_int_equal(pay_crypto_pay.create_build(&r, &f->a, &f->account, &q), OK);
	assert_int_equal(r.method, HTTP_POST);
	assert_string_equal(r.url, "https://pay.crypt.bot/api/createInvoice");
	assert_string_equal(request_header(&r, "Crypto-Pay-API-Token"), TOKEN);
	assert_string_equal(request_header(&r, "Content-Type"), "application/json");
	assert_string_equal(r.body.at, "{\"currency_type\":\"fiat\",\"fiat\":\"RUB\",\"amount\":\"299.00\","
		"\"description\":\"Standard, 30 days\",\"payload\":\"inv_01JBX7Q9\",\"paid_btn_name\":\"openBot\","
		"\"paid_btn_url\":\"https://t.me/demo_shop_bot\",\"allow_comments\":false,\"allow_anonymous\":true,\"expires_in\":1800}");

	q = (struct pay_quote){ .invoice = STR("inv_2"), .amount_minor = 4250000, .currency = STR("USDT") };
	other.values[1] = STR("http://127.0.0.1:9/api/");
	other.values[2] = STR("USDT,TON");
	assert_int_equal(pay_crypto_pay.create_build(&r, &f->a, &other, &q), OK);
	assert_string_equal(r.url, "http://127.0.0.1:9/api/createInvoice");
	assert_string_equal(r.body.at, "{\"currency_type\":\"crypto\",\"asset\":\"USDT\",\"amount\":\"4.250000\","
		"\"payload\":\"inv_2\",\"allow_comments\":false,\"allow_anonymous\":true}");
}

static void test_create_build_bounds(void **state)
{
	struct fixture *f = *state;
	struct http_request r;
	struct pay_quote q = quote();
	struct buf text;
	struct json_object *o;

	buf_init(&text, 8192);
	buf_adds(&text, "x");
	for (int i = 0; i < 2000; i++)
		buf_adds(&text, "й");
	buf_adds(&text, "\xFF");
	q.description = buf_str(&text);
	q.expires_ms = NOW_MS + 365 * DAY_MS;
	assert_int_equal(pay_crypto_pay.create_build(&r, &f->a, &f->account, &q), OK);
	assert_int_equal(json_parse(&o, r.body), OK); /* valid UTF-8, too */
	assert_int_equal(json_str_at(o, "description").len, 1023);
	assert_int_equal(json_i64_at(o, "expires_in", 0), 2678400);
	json_object_put(o);
	buf_release(&text);

	q = quote();
	q.amount_minor = 0;
	assert_int_equal(pay_crypto_pay.create_build(&r, &f->a, &f->account, &q), E_INVALID);
	q = quote();
	q.currency = STR("IRR");
	assert_int_equal(pay_crypto_pay.create_build(&r, &f->a, &f->account, &q), E_INVALID);
	q = quote();
	q.expires_ms = NOW_MS;
	assert_int_equal(pay_crypto_pay.create_build(&r, &f->a, &f->account, &q), E_INVALID);
	q = quote();
	q.invoice = STR("inv 1");
	assert_int_equal(pay_crypto_pay.create_build(&r, &f->a, &f->account, &q), E_INVALID);
	q.invoice = STR("inv_0123456789012345678901234567890");
	assert_int_equal(pay_crypto_pay.create_build(&r, &f->a, &f->account, &q), E_INVALID);
}

#define CREATED "{\"ok\":true,\"result\":{\"invoice_id\":528890,\"hash\":\"IVkq2Zx7aB1c\",\"currency_type\":\"fiat\"," \
	"\"fiat\":\"RUB\",\"amount\":\"299\",\"bot_invoice_url\":\"https://t.me/CryptoBot?start=IVkq2Zx7aB1c\"," \
	"\"status\":\"active\",\"created_at\":\"2026-11-02T10:10:00.000Z\"," \
	"\"expiration_date\":\"2026-11-02T10:40:00.000Z\",\"payload\":\"inv_01JBX7Q9\"}}"

static struct http_response answered(int status, const char *body)
{
	return (struct http_response){ .status = status, .body = str_of(body) };
}

static void test_create_read(void **state)
{
	struct fixture *f = *state;
	struct pay_created c;
	struct pay_trouble t;
	struct http_response r = answered(200, CREATED);

	assert_int_equal(pay_crypto_pay.create_read(&c, &t, &f->a, &f->account, &r), OK);
	assert_true(str_is(c.ref, "528890"));
	assert_true(str_is(c.url, "https://t.me/CryptoBot?start=IVkq2Zx7aB1c"));
	assert_true(c.expires_ms == NOW_MS + 30 * MINUTE_MS);
}

/* "Refused" only when they said so; whatever leaves a doubt is unknown and will be looked for. */
static void test_create_read_errors(void **state)
{
	static const struct { struct http_response r; enum err e; const char *name; } cases[] = {
		{ { .status = 400, .body = STR("{\"ok\":false,\"error\":{\"code\":400,\"name\":\"AMOUNT_INVALID\"}}") },
		  E_REFUSED, "AMOUNT_INVALID" },
		{ { .status = 200, .body = STR("{\"ok\":false,\"error\":{\"code\":400,\"name\":\"A b<c>\"}}") }, E_REFUSED, "A_b_c_" },
		{ { .status = 401, .body = STR("{\"ok\":false,\"error\":{\"code\":401,\"name\":\"UNAUTHORIZED\"}}") },
		  E_AUTH, "UNAUTHORIZED" },
		{ { .status = 401, .body = STR("<html>") }, E_AUTH, "HTTP" },
		{ { .status = 403, .body = STR("<html>") }, E_AUTH, "HTTP" },
		{ { .status = 403, .body = STR("{\"ok\":false,\"error\":{\"code\":403,\"name\":\"METHOD_DISABLED\"}}") },
		  E_AUTH, "METHOD_DISABLED" },
		{ { .status = 429, .body = STR("slow"), .headers = { { "retry-after", "7" } }, .headers_count = 1 }, E_BUSY, "HTTP" },
		{ { .status = 500, .body = STR("{\"ok\":false,\"error\":{\"code\":500,\"name\":\"INTERNAL\"}}") },
		  E_UNKNOWN, "INTERNAL" },
		{ { .status = 502, .body = STR("<html>") }, E_UNKNOWN, "HTTP" },
		{ { .status = 200, .body = STR("<html>") }, E_UNKNOWN, "UNREADABLE" },
		{ { .status = 200, .body = STR("") }, E_UNKNOWN, "UNREADABLE" },
		{ { .status = 200, .body = STR("{\"ok\":true}") }, E_UNKNOWN, "NO_RESULT" },
		{ { .status = 200, .body = STR("{\"ok\":true,\"result\":{\"invoice_id\":0}}") }, E_UNKNOWN, "NO_INVOICE" },
		{ { .status = 200, .body = STR("{\"ok\":true,\"result\":{\"invoice_id\":5,\"bot_invoice_url\":\"javascript:1\"}}") },
		  E_UNKNOWN, "NO_INVOICE" },
		{ { .failure = HTTP_FAIL_TIMEOUT }, E_UNKNOWN, NULL },
		{ { .failure = HTTP_FAIL_CONNECT, .certain_unsent = true }, E_IO, NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		struct pay_created c;
		struct pay_trouble t;
		enum err e = pay_crypto_pay.create_read(&c, &t, &f->a, &f->account, &cases[i].r);

		if (e != cases[i].e || (cases[i].name && strcmp(t.name, cases[i].name) != 0))
			fail_msg("case %zu: %s %s", i, err_name(e), t.name);
		if (cases[i].r.status == 429)
			assert_true(t.retry_after_ms == 7000);
	}
}

/* Money may have come meanwhile: nobody makes us wait longer than an hour. */
static void test_retry_after_has_a_bound(void **state)
{
	static const struct { const char *told; int64_t wait_ms; } cases[] = {
		{ "3600", HOUR_MS }, { "3601", HOUR_MS }, { "31536000", HOUR_MS }, { "9223372036854775807", HOUR_MS }, { "0", 0 }, { "-5", 0 },
		{ "Wed, 21 Oct 2026 07:28:00 GMT", 0 }, { "99999999999999999999", 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		struct http_response r = { .status = 429, .headers = { { "retry-after", cases[i].told } }, .headers_count = 1 };
		struct pay_event *events;
		struct pay_trouble t;
		size_t n;

		if (pay_crypto_pay.poll_read(&events, &n, &t, &f->a, &r) != E_BUSY || t.retry_after_ms != cases[i].wait_ms)
			fail_msg("%s: %lld", cases[i].told, (long long)t.retry_after_ms);
	}
}

static void test_poll(void **state)
{
	static const char answer[] = "{\"ok\":true,\"result\":{\"items\":["
		"{\"invoice_id\":1,\"status\":\"active\",\"currency_type\":\"fiat\",\"fiat\":\"RUB\",\"amount\":\"299\",\"payload\":\"inv_1\"},"
		"{\"invoice_id\":\"2\",\"status\":\"expired\",\"currency_type\":\"fiat\",\"fiat\":\"RUB\",\"amount\":299.5,\"payload\":\"inv_2\"},"
		"{\"invoice_id\":3,\"status\":\"paid\",\"currency_type\":\"crypto\",\"asset\":\"USDT\",\"amount\":\"5\","
		"\"paid_asset\":\"USDT\",\"paid_amount\":\"4.99\",\"payload\":\"inv_3\",\"paid_at\":\"2026-11-02T10:10:00.000Z\"},"
		"{\"invoice_id\":4,\"status\":\"frozen\",\"currency_type\":\"fiat\",\"fiat\":\"EUR\",\"amount\":\"2.99e2\",\"payload\":\"../x\"},"
		"{\"status\":\"paid\"}, 7, null]}}";
	struct fixture *f = *state;
	struct pay_open open[2] = { { .ref = STR("1") }, { .ref = STR("2") } };
	struct pay_event *events;
	struct pay_trouble t;
	struct http_request request;
	struct http_response r = answered(200, answer);
	size_t n;

	assert_int_equal(pay_crypto_pay.poll_build(&request, &f->a, &f->account, open, 2), OK);
	assert_string_equal(request.url, "https://pay.crypt.bot/api/getInvoices");
	assert_string_equal(request.body.at, "{\"invoice_ids\":\"1,2\",\"count\":100}");
	open[1].ref = STR("2,3");
	assert_int_equal(pay_crypto_pay.poll_build(&request, &f->a, &f->account, open, 2), E_INVALID);
	assert_int_equal(pay_crypto_pay.poll_build(&request, &f->a, &f->account, open, 0), E_INVALID);

	assert_int_equal(pay_crypto_pay.poll_read(&events, &n, &t, &f->a, &r), OK);
	assert_int_equal(n, 4);
	assert_int_equal(events[0].state, PAY_PENDING);
	assert_true(events[0].exact && events[0].amount_minor == 29900 && str_is(events[0].invoice, "inv_1"));
	assert_int_equal(events[1].state, PAY_EXPIRED);
	assert_true(events[1].exact && events[1].amount_minor == 29950 && str_is(events[1].ref, "2"));
	assert_int_equal(events[2].state, PAY_PAID);
	assert_true(events[2].amount_minor == 4990000 && events[2].paid_ms == NOW_MS && str_is(events[2].key, "3:paid"));
	assert_int_equal(events[3].state, PAY_UNCLEAR);
	assert_true(!events[3].exact && str_is(events[3].amount_text, "2.99e2") && events[3].invoice.len == 0);

	r = answered(200, "{\"ok\":true,\"result\":{}}");
	assert_int_equal(pay_crypto_pay.poll_read(&events, &n, &t, &f->a, &r), E_UNKNOWN);
	assert_int_equal(n, 0);
}

static void test_find_pages(void **state)
{
	struct fixture *f = *state;
	struct http_request request;
	struct pay_created c;
	struct pay_trouble t;
	struct str cursor = STR("");
	struct buf page;
	struct http_response r;

	buf_init(&page, 65536);
	buf_adds(&page, "{\"ok\":true,\"result\":{\"items\":[");
	for (int i = 0; i < 100; i++)
		buf_printf(&page, "%s{\"invoice_id\":%d,\"payload\":\"inv_x%d\"}", i ? "," : "", i + 1, i);
	buf_adds(&page, "]}}");

	assert_int_equal(pay_crypto_pay.find_build(&request, &f->a, &f->account, STR("inv_me"), cursor), OK);
	assert_string_equal(request.body.at, "{\"status\":\"active\",\"offset\":0,\"count\":100}");
	r = answered(200, buf_cstr(&page));
	assert_int_equal(pay_crypto_pay.find_read(&c, &cursor, &t, &f->a, STR("inv_me"), &r), E_NOTFOUND);
	assert_true(str_is(cursor, "90"));
	assert_int_equal(pay_crypto_pay.find_build(&request, &f->a, &f->account, STR("inv_me"), cursor), OK);
	assert_string_equal(request.body.at, "{\"status\":\"active\",\"offset\":90,\"count\":100}");
	assert_int_equal(pay_crypto_pay.find_read(&c, &cursor, &t, &f->a, STR("inv_me"), &r), E_NOTFOUND);
	assert_true(str_is(cursor, "180"));
	r = answered(200, "{\"ok\":true,\"result\":{\"items\":[]}}");
	assert_int_equal(pay_crypto_pay.find_read(&c, &cursor, &t, &f->a, STR("inv_me"), &r), E_NOTFOUND);
	assert_int_equal(cursor.len, 0);
	/* an answer that cannot be read must not mean "it is nowhere" */
	r = answered(200, "{\"ok\":true,\"result\":{\"invoices\":[]}}");
	assert_int_equal(pay_crypto_pay.find_read(&c, &cursor, &t, &f->a, STR("inv_me"), &r), E_UNKNOWN);
	r = answered(200, "{\"ok\":true,\"result\":{\"items\":[{\"invoice_id\":9,\"payload\":\"inv_me\","
		"\"pay_url\":\"https://t.me/x\"}]}}");
	assert_int_equal(pay_crypto_pay.find_read(&c, &cursor, &t, &f->a, STR("inv_me"), &r), OK);
	assert_true(str_is(c.ref, "9") && str_is(c.url, "https://t.me/x"));
	assert_int_equal(pay_crypto_pay.find_build(&request, &f->a, &f->account, STR("inv_me"), STR("-1")), E_INVALID);
	buf_release(&page);
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	struct http_request request;
	struct pay_trouble t;
	struct pay_open open = { .ref = STR("528890") };
	struct http_response r = answered(200, "{\"ok\":true,\"result\":true}");

	assert_int_equal(pay_crypto_pay.cancel_build(&request, &f->a, &f->account, &open), OK);
	assert_string_equal(request.url, "https://pay.crypt.bot/api/deleteInvoice");
	assert_string_equal(request.body.at, "{\"invoice_id\":528890}");
	assert_int_equal(pay_crypto_pay.cancel_read(&t, &f->a, &r), OK);
	r = answered(400, "{\"ok\":false,\"error\":{\"code\":400,\"name\":\"INVOICE_NOT_FOUND\"}}");
	assert_int_equal(pay_crypto_pay.cancel_read(&t, &f->a, &r), E_CONFLICT);
}

/* --- callbacks --- */

#define BODY "{\"update_id\":1401,\"update_type\":\"invoice_paid\",\"request_date\":\"2026-11-02T10:15:30.000Z\"," \
	"\"payload\":{\"invoice_id\":528890,\"hash\":\"IVkq2Zx7aB1c\",\"currency_type\":\"fiat\",\"fiat\":\"RUB\"," \
	"\"amount\":\"299\",\"paid_asset\":\"USDT\",\"paid_amount\":\"3.71\",\"paid_fiat_rate\":\"80.59\"," \
	"\"fee_asset\":\"USDT\",\"fee_amount\":\"0.11\",\"status\":\"paid\",\"payload\":\"inv_01JBX7Q9\"," \
	"\"paid_at\":\"2026-11-02T10:15:29.871Z\"}}"
#define SIGNATURE "6e377fcfdc34cf77efbb45aef418dcdf1d64ce5e0e6a3dbccc738244eeaac6cd"

static struct pay_callback call_back(struct fixture *f, struct str body, const char *signature)
{
	struct http_header header = { "Crypto-Pay-Api-Signature", signature };
	struct pay_inbound in = { .method = HTTP_POST, .headers = &header, .headers_count = signature != NULL, .body = body };
	struct pay_callback out;

	pay_crypto_pay.callback_read(&out, &f->a, &f->account, &in);
	return out;
}

static const char *sign(struct fixture *f, struct str body)
{
	unsigned char key[SHA256_BYTES];
	char *hex = arena_alloc(&f->a, SHA256_HEX_CHARS + 1);

	crypto_sha256(key, STR(TOKEN));
	crypto_hmac_sha256_hex(hex, str_n((const char *)key, sizeof key), body);
	return hex;
}

static void test_callback(void **state)
{
	struct fixture *f = *state;
	struct pay_callback c = call_back(f, STR(BODY), SIGNATURE);

	assert_int_equal(c.verdict, PAY_AUTHENTIC);
	assert_int_equal(c.status, 200);
	assert_true(c.has_event);
	assert_int_equal(c.event.state, PAY_PAID);
	assert_true(str_is(c.event.invoice, "inv_01JBX7Q9"));
	assert_true(str_is(c.event.ref, "528890"));
	assert_true(str_is(c.event.key, "528890:paid"));
	assert_true(c.event.exact && c.event.amount_minor == 29900);
	assert_true(str_is(c.event.currency, "RUB"));
	assert_true(str_is(c.event.got_text, "3.71") && str_is(c.event.got_currency, "USDT"));
	assert_true(str_is(c.event.fee_text, "0.11") && str_is(c.event.fee_currency, "USDT"));
	assert_true(c.event.paid_ms == INT64_C(1793614529871));
	assert_true(str_has(c.event.raw, "\"invoice_id\":528890"));
}

/* R196, B7: every way of not being signed by this app's token is the same 401 without an event. */
static void test_callback_forged(void **state)
{
	struct fixture *f = *state;
	char body[] = BODY, signature[] = SIGNATURE;
	struct buf big;

	for (size_t i = 0; i < sizeof body - 1; i++) {
		struct pay_callback c;

		body[i] ^= 1;
		c = call_back(f, str_n(body, sizeof body - 1), SIGNATURE);
		assert_true(c.verdict == PAY_FORGED && c.status == 401 && !c.has_event);
		body[i] ^= 1;
	}
	for (size_t i = 0; i < sizeof signature - 1; i++) {
		char was = signature[i];

		signature[i] = was == '0' ? '1' : '0';
		assert_int_equal(call_back(f, STR(BODY), signature).verdict, PAY_FORGED);
		signature[i] = was;
	}
	assert_int_equal(call_back(f, STR(BODY), NULL).verdict, PAY_FORGED);
	assert_int_equal(call_back(f, STR(BODY), "").verdict, PAY_FORGED);
	assert_int_equal(call_back(f, STR(BODY), SIGNATURE "00").verdict, PAY_FORGED);
	assert_int_equal(call_back(f, STR(BODY), "sha256=" SIGNATURE).verdict, PAY_FORGED);
	assert_int_equal(call_back(f, STR(BODY " "), SIGNATURE).verdict, PAY_FORGED);
	f->account.values[0] = STR("18475:AAH3docExampleTokenForVectors00001");
	assert_int_equal(call_back(f, STR(BODY), SIGNATURE).verdict, PAY_FORGED);
	f->account.values[0] = STR(TOKEN);
	buf_init(&big, 100000);
	while (big.len <= PAY_CALLBACK_BYTES_MAX)
		buf_addc(&big, ' ');
	assert_int_equal(call_back(f, buf_str(&big), sign(f, buf_str(&big))).verdict, PAY_FORGED);
	buf_release(&big);
}

static void test_callback_upper_hex(void **state)
{
	struct fixture *f = *state;
	char signature[] = SIGNATURE;

	for (char *c = signature; *c; c++)
		if (*c >= 'a')
			*c = (char)(*c - 32);
	assert_int_equal(call_back(f, STR(BODY), signature).verdict, PAY_AUTHENTIC);
}

/* Signed, but nothing to decide upon: the answer is 200, there is no event. */
static void test_callback_odd(void **state)
{
	static const char *const bodies[] = {
		"", "null", "17", "[]", "{", "{}", "{\"update_type\":\"invoice_paid\"}", "{\"update_type\":\"invoice_paid\",\"payload\":5}",
		"{\"update_type\":\"invoice_paid\",\"payload\":{\"invoice_id\":-1,\"status\":\"paid\"}}",
		"{\"update_type\":\"invoice_paid\",\"payload\":{\"invoice_id\":5}}",
		"{\"update_type\":\"check_activated\",\"payload\":{\"invoice_id\":5,\"status\":\"paid\"}}",
		"{\"update_type\":\"invoice_paid\",\"payload\":{\"invoice_id\":5,\"status\":\"paid\",\"payload\":\"\xFF\"}}",
	};
	struct fixture *f = *state;
	struct buf deep;

	for (size_t i = 0; i < countof(bodies); i++) {
		struct pay_callback c = call_back(f, str_of(bodies[i]), sign(f, str_of(bodies[i])));

		if (c.verdict != PAY_AUTHENTIC || c.status != 200 || c.has_event || !c.why)
			fail_msg("%s", bodies[i]);
	}
	buf_init(&deep, 1000);
	for (int i = 0; i < 100; i++)
		buf_adds(&deep, "{\"a\":");
	assert_false(call_back(f, buf_str(&deep), sign(f, buf_str(&deep))).has_event);
	buf_release(&deep);
}

/* R212, B9: what the shop compares with its invoice arrives exactly, or is marked as not exact; never rounded. */
static void test_amounts(void **state)
{
	static const struct { const char *currency, *amount; bool exact; int64_t minor; } cases[] = {
		{ "RUB", "\"299\"", true, 29900 }, { "RUB", "\"299.0\"", true, 29900 }, { "RUB", "\"299.00\"", true, 29900 },
		{ "RUB", "\"299.000000\"", true, 29900 }, { "RUB", "\"298.99\"", true, 29899 }, { "RUB", "299.00", true, 29900 },
		{ "RUB", "299", true, 29900 }, { "rub", "\"0.01\"", true, 1 }, { "JPY", "\"500\"", true, 500 },
		{ "RUB", "\"2.99e2\"", false, 0 }, { "RUB", "2.99e2", false, 0 }, { "RUB", "\"299.001\"", false, 0 },
		{ "RUB", "\"299,00\"", false, 0 }, { "RUB", "\" 299\"", false, 0 }, { "RUB", "\"\"", false, 0 }, { "RUB", "null", false, 0 },
		{ "RUB", "\"0x12B\"", false, 0 }, { "RUB", "\"99999999999999999999\"", false, 0 }, { "XXX", "\"299\"", false, 0 },
		{ "RUB", "\"92233720368547758.07\"", true, INT64_MAX }, { "RUB", "\"92233720368547758.08\"", false, 0 },
		{ "RUB", "\"-299.00\"", false, 0 }, { "RUB", "-299", false, 0 }, { "RUB", "\"-0.01\"", false, 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		struct str body = str_of(arena_printf(&f->a, "{\"update_type\":\"invoice_paid\",\"payload\":{\"invoice_id\":5,"
			"\"status\":\"paid\",\"currency_type\":\"fiat\",\"fiat\":\"%s\",\"amount\":%s,\"payload\":\"inv_1\"}}",
			cases[i].currency, cases[i].amount));
		struct pay_callback c = call_back(f, body, sign(f, body));

		if (!c.has_event || c.event.exact != cases[i].exact || c.event.amount_minor != cases[i].minor)
			fail_msg("%s %s", cases[i].currency, cases[i].amount);
	}
}

/* What has no form of ours is told as no invoice at all, so that it is set aside, not looked up. */
static void test_foreign_invoice(void **state)
{
	static const char *const payloads[] = { "", "a b", "inv_0123456789012345678901234567890", "'; DROP TABLE", "инв" };
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(payloads); i++) {
		struct str body = str_of(arena_printf(&f->a, "{\"update_type\":\"invoice_paid\",\"payload\":{\"invoice_id\":5,"
			"\"status\":\"paid\",\"currency_type\":\"fiat\",\"fiat\":\"RUB\",\"amount\":\"1\",\"payload\":\"%s\"}}", payloads[i]));
		struct pay_callback c = call_back(f, body, sign(f, body));

		assert_true(c.has_event && c.event.state == PAY_PAID);
		assert_int_equal(c.event.invoice.len, 0);
	}
}

/* Input that ends right before a page that cannot be read. */
static void test_callback_reads_no_further(void **state)
{
	struct fixture *f = *state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(two, MAP_FAILED);
	assert_int_equal(mprotect(two + page, page, PROT_NONE), 0);
	for (size_t n = 0; n < sizeof BODY; n++) {
		struct str body = str_n(two + page - n, n);

		memcpy(two + page - n, BODY, n);
		assert_int_equal(call_back(f, body, sign(f, body)).has_event, n == sizeof BODY - 1);
	}
	munmap(two, 2 * page);
}

static void test_raw_is_blanked(void **state)
{
	struct fixture *f = *state;
	struct json_object *o;
	struct str raw;
	struct buf big;

	assert_int_equal(json_parse(&o, STR("{\"id\":\"x/1\",\"card\":{\"first6\":\"411111\"},\"payer\":{\"email\":\"MARKER@a.b\",\"n\":1},"
		"\"list\":[\"4111 1111 1111 1111\",\"4111111111111112\",{\"cvc\":123}],\"pan\":4111111111111111,\"company\":\"Y\","
		"\"allow_comments\":false,\"comment\":\"MARKER\",\"num\":4111111111111111,\"amount\":299.00}")), OK);
	raw = wire_raw(&f->a, o);
	json_object_put(o);
	assert_true(str_is(raw, "{\"id\":\"x/1\",\"card\":\"***\",\"payer\":{\"email\":\"***\",\"n\":1},"
		"\"list\":[\"***\",\"4111111111111112\",{\"cvc\":\"***\"}],\"pan\":\"***\",\"company\":\"Y\","
		"\"allow_comments\":false,\"comment\":\"***\",\"num\":\"***\",\"amount\":299.00}"));

	buf_init(&big, 40000);
	buf_adds(&big, "{\"x\":\"");
	while (big.len < PAY_RAW_BYTES_MAX)
		buf_addc(&big, 'x');
	buf_adds(&big, "\"}");
	assert_int_equal(json_parse(&o, buf_str(&big)), OK);
	assert_true(str_is(wire_raw(&f->a, o), "{\"too_big\":true}"));
	json_object_put(o);
	buf_release(&big);
}

/* Each word of the list, in the names that providers give such members: nothing of the person is kept. */
static void test_raw_names_nobody(void **state)
{
	static const char *const names[] = {
		"cardNumber", "client_secret", "Token", "password", "X-Signature", "api_key", "apikey", "payer_email", "e-mail", "phone_number", "Phone", "first_name",
		"last_name", "payer_name", "account_holder", "IBAN", "wallet_address", "comment", "passport_no", "pan", "cvc", "CVV", "sign", "ip",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(names); i++) {
		struct json_object *o;
		const char *text = arena_printf(&f->a, "{\"payer\":{\"%s\":\"+7 900 MARKER\"},\"shipping\":\"y\"}", names[i]);

		assert_int_equal(json_parse(&o, str_of(text)), OK);
		if (str_has(wire_raw(&f->a, o), "MARKER"))
			fail_msg("%s is kept", names[i]);
		json_object_put(o);
	}
}

/* --- Stars --- */

static void test_stars(void **state)
{
	struct fixture *f = *state;
	struct stars_paid paid = { .payload = STR("inv_S1"), .charge_id = STR("chg1"), .currency = STR("XTR"),
		.amount = 350, .user_id = 555000111, .date_ms = NOW_MS };
	struct pay_event e;

	assert_int_equal(stars_payment(&e, &f->a, &paid), OK);
	assert_int_equal(e.state, PAY_PAID);
	assert_true(e.exact && e.amount_minor == 350 && str_is(e.currency, "XTR"));
	assert_true(str_is(e.invoice, "inv_S1") && str_is(e.key, "chg1") && str_is(e.ref, "chg1"));
	assert_true(str_is(e.payer, "555000111") && !e.recurring && e.paid_ms == NOW_MS);

	/* the second charge of one payload is another fact (B6), and so is its refund */
	paid.charge_id = STR("chg2");
	paid.recurring = true;
	assert_int_equal(stars_payment(&e, &f->a, &paid), OK);
	assert_true(str_is(e.key, "chg2") && e.recurring);
	paid.refunded = true;
	assert_int_equal(stars_payment(&e, &f->a, &paid), OK);
	assert_int_equal(e.state, PAY_REFUNDED);
	assert_true(str_is(e.key, "chg2:refund") && str_is(e.ref, "chg2"));
	paid.charge_id = STR("");
	assert_int_equal(stars_payment(&e, &f->a, &paid), E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_table, ""),
		proves(test_account, ""),
		proves(test_create_build, ""),
		proves(test_create_build_bounds, ""),
		proves(test_create_read, ""),
		proves(test_create_read_errors, ""),
		proves(test_retry_after_has_a_bound, ""),
		proves(test_poll, ""),
		proves(test_find_pages, ""),
		proves(test_cancel, ""),
		proves(test_callback, ""),
		proves(test_callback_forged, "B7"),
		proves(test_callback_upper_hex, ""),
		proves(test_callback_odd, ""),
		proves(test_amounts, ""),
		proves(test_foreign_invoice, ""),
		proves(test_callback_reads_no_further, ""),
		proves(test_raw_is_blanked, "R203"),
		proves(test_raw_names_nobody, "R203"),
		proves(test_stars, ""),
	};

	return cmocka_run_group_tests_name("pay", tests, set_up, tear_down);
}
