/* Callbacks of every provider that has them, and their answers (R023, R212, R213, R289): what nobody signed is never believed, whatever
 * stands in headers and body; what is signed is answered 200, and its event keeps its bounds and names money exactly
 * or not at all. Parts: the provider's secret, header lines, query, body. */
#include "tests/fuzz/fuzz.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/money.h"
#include "lib/pay/pay.h"

#define HEADERS_MAX 16
#define NOW INT64_C(1795000000000)
#define SIGNATURE "crypto-pay-api-signature"

struct given {
	struct str secret, query, body;
	struct http_header headers[HEADERS_MAX];
	size_t count;
};

/* --- what is true, told by OpenSSL alone --- */

static void crypto_pay_signature(char out[2 * SHA256_DIGEST_LENGTH + 1], const struct given *g)
{
	unsigned char key[SHA256_DIGEST_LENGTH], mac[SHA256_DIGEST_LENGTH];
	unsigned n = sizeof mac;

	SHA256((const unsigned char *)g->secret.at, g->secret.len, key);
	must(HMAC(EVP_sha256(), key, sizeof key, (const unsigned char *)(g->body.len ? g->body.at : ""), g->body.len, mac, &n) && n == sizeof mac);
	for (size_t i = 0; i < sizeof mac; i++) {
		*out++ = "0123456789abcdef"[mac[i] >> 4];
		*out++ = "0123456789abcdef"[mac[i] & 15];
	}
	*out = '\0';
}

/* One row per provider that calls back: how its signature looks and where it stands. */
static const struct {
	const char *provider, *secret_key, *header;
	void (*sign)(char *out, const struct given *g);
} signers[] = {
	{ "crypto_pay", "CRYPTO_PAY_TOKEN", SIGNATURE, crypto_pay_signature },
};

static bool is_signed(const struct given *g, const char *header, const char *signature)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcasecmp(g->headers[i].name, header) == 0)
			return strcasecmp(g->headers[i].value, signature) == 0; /* the first of that name counts */
	return false;
}

/* --- events --- */

static void check_event(const struct pay_event *e)
{
	const struct str texts[] = { e->invoice, e->ref, e->key, e->currency, e->amount_text, e->got_text, e->got_currency, e->fee_text, e->fee_currency, e->payer };
	const struct currency *c = currency_find(e->currency);
	struct json_object *raw;
	struct buf amount;
	int64_t again;

	for (size_t i = 0; i < countof(texts); i++)
		must(texts[i].len <= 3 * PAY_REF_BYTES_MAX && fuzz_is_clean(texts[i]));
	must(e->provider && e->ref.len && e->key.len && e->invoice.len <= PAY_INVOICE_CHARS_MAX && (size_t)e->state <= PAY_REFUNDED);
	must(e->raw.len <= 2 * PAY_RAW_BYTES_MAX);
	if (e->raw.len) {
		must(json_parse(&raw, e->raw) == OK);
		json_object_put(raw);
	}
	if (!e->exact)
		return;
	must(c && e->amount_minor >= 0);
	buf_init(&amount, 64);
	money_write_plain(&amount, e->amount_minor, c->exponent);
	must(money_read_plain(&again, buf_str(&amount), c->exponent) == OK && again == e->amount_minor);
	must(money_read_plain(&again, e->amount_text, c->exponent) == OK && again == e->amount_minor);
	buf_release(&amount);
}

static void check_callback(struct arena *a, const struct pay_account *account, const struct given *g, bool is_true)
{
	struct pay_inbound in = { .method = HTTP_POST, .query = g->query, .headers = g->headers, .headers_count = g->count, .body = g->body, .now_ms = NOW };
	struct pay_callback c;

	account->provider->callback_read(&c, a, account, &in);
	must(c.why && c.status >= 200 && c.status < 500);
	if (!is_true || g->body.len > PAY_CALLBACK_BYTES_MAX) {
		must(c.verdict == PAY_FORGED && !c.has_event && c.status >= 400 && !c.body.len);
		return;
	}
	must(c.verdict == PAY_AUTHENTIC && c.status == 200);
	if (c.has_event)
		check_event(&c.event);
}

/* --- answers to what we ask --- */

static void check_answers(struct arena *a, const struct pay_account *account, struct str body)
{
	static const int statuses[] = { 200, 400, 401, 429, 500 };
	const struct pay_provider *p = account->provider;

	for (size_t i = 0; i < countof(statuses); i++) {
		const struct http_response r = { .status = statuses[i], .body = body };
		struct pay_trouble trouble = { .name = "" };
		struct pay_event *events = NULL;
		struct pay_created created;
		size_t n = 0;

		if (p->poll_read && p->poll_read(&events, &n, &trouble, a, &r) == OK)
			for (size_t k = 0; k < n; k++)
				check_event(&events[k]);
		if (p->create_read && p->create_read(&created, &trouble, a, account, &r) == OK) {
			must(created.ref.len && created.ref.len <= 3 * PAY_REF_BYTES_MAX && fuzz_is_clean(created.ref));
			must((str_starts(created.url, "https://") || str_starts(created.url, "http://")) && !fuzz_has_control(created.url));
		}
		must(memchr(trouble.name, '\0', sizeof trouble.name) && fuzz_is_clean(str_of(trouble.name)) && trouble.retry_after_ms >= 0);
	}
}

/* --- the input --- */

static void headers_of(struct arena *a, struct given *g, struct str lines)
{
	while (lines.at && g->count < HEADERS_MAX - 1) {
		struct str value = str_cut(&lines, '\n'), name = str_cut(&value, ':');

		if (name.len && value.at)
			g->headers[g->count++] = (struct http_header){ str_dup(a, name), str_dup(a, str_trim(value)) };
	}
}

static struct str lookup(void *ctx, const char *name)
{
	for (size_t i = 0; i < countof(signers); i++)
		if (strcmp(name, signers[i].secret_key) == 0)
			return *(struct str *)ctx;
	return str_of(NULL);
}

static void check_signer(struct arena *a, size_t row, struct given *g)
{
	char signature[2 * SHA256_DIGEST_LENGTH + 1];
	struct pay_account account;

	if (pay_account_init(&account, pay_provider_find(str_of(signers[row].provider)), lookup, &g->secret))
		return;
	signers[row].sign(signature, g);
	check_callback(a, &account, g, is_signed(g, signers[row].header, signature));
	g->headers[0] = (struct http_header){ signers[row].header, signature };
	g->count = g->count ? g->count : 1;
	check_callback(a, &account, g, true);
	check_answers(a, &account, g->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n((const char *)data, size);
	size_t with_callback = 0;

	for (size_t i = 0; i < pay_provider_count(); i++)
		with_callback += pay_provider_at(i)->callback_read != NULL;
	must(with_callback == countof(signers)); /* a new provider gets its row above */
	for (size_t i = 0; i < countof(signers); i++) {
		struct str parts = rest;
		struct arena a = { 0 };
		struct given g = { .secret = str_trim(fuzz_part(&parts)) };

		headers_of(&a, &g, fuzz_part(&parts));
		g.query = fuzz_part(&parts);
		g.body = parts;
		check_signer(&a, i, &g);
		arena_release(&a);
	}
	return 0;
}
