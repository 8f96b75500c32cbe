/* What the Crypto Pay model tells the shop by itself: callbacks, queued with each payment or made on demand as a lie. */
#include "tests/sim/cryptopay_private.h"

#include <assert.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/crypto/crypto.h"

#define DELIVERIES_MAX 17 /* as the service says since 1.5.2: so many attempts in three days */

/* What a lie tells instead of the truth, before it is signed. */
static struct invoice told(const struct invoice *in, enum cryptopay_lie lie, int64_t now_ms)
{
	struct invoice t = *in;

	if (t.status != PAID) {
		t.status = PAID;
		t.paid_ms = now_ms;
		snprintf(t.asset, sizeof t.asset, "%s", t.fiat ? "USDT" : t.currency->code);
	}
	if (lie == CRYPTOPAY_OTHER_AMOUNT)
		t.amount_minor -= t.amount_minor / 10 ? t.amount_minor / 10 : 1;
	else if (lie == CRYPTOPAY_OTHER_CURRENCY && t.fiat)
		t.currency = currency_find(str_of(str_is(STR("USD"), t.currency->code) ? "RUB" : "USD"));
	else if (lie == CRYPTOPAY_OTHER_CURRENCY)
		snprintf(t.asset, sizeof t.asset, "%s", str_is(STR("USDT"), t.asset) ? "USDC" : "USDT");
	else if (lie == CRYPTOPAY_OTHER_PAYLOAD)
		t.payload = "inv_NEVERMADE";
	else if (lie == CRYPTOPAY_NOT_PAID)
		t.status = ACTIVE;
	return t;
}

static void callback_body(struct buf *to, struct cryptopay_sim *sim, const struct invoice *in, enum cryptopay_lie lie,
			  int64_t now_ms)
{
	struct invoice t = told(in, lie, now_ms);
	struct json_out j;

	json_out_init(&j, to);
	json_open(&j, '{');
	json_put_i64(&j, "update_id", ++sim->last_update);
	json_put_cstr(&j, "update_type", lie == CRYPTOPAY_OTHER_UPDATE ? "invoice_seen" : "invoice_paid");
	cryptopay_put_time(&j, "request_date", now_ms);
	json_key(&j, "payload");
	cryptopay_put_invoice(&j, &t);
	json_close(&j, '}');
}

static char *signature(struct arena *a, const char *token, struct str body, enum cryptopay_lie lie)
{
	unsigned char key[SHA256_BYTES];
	char *hex = arena_alloc(a, SHA256_HEX_CHARS + 1);

	crypto_sha256(key, lie == CRYPTOPAY_OTHER_KEY ? STR("99999:another-app-altogether") : str_of(token));
	crypto_hmac_sha256_hex(hex, str_n((const char *)key, sizeof key), body);
	for (char *c = hex; lie == CRYPTOPAY_UPPER_HEX && *c; c++)
		if (*c >= 'a')
			*c = (char)(*c - 32);
	if (lie == CRYPTOPAY_EMPTY)
		*hex = '\0';
	return hex;
}

static void callback_make(struct cryptopay_callback *out, struct cryptopay_sim *sim, struct arena *a,
			  const struct invoice *in, enum cryptopay_lie lie, int64_t now_ms)
{
	struct buf body;
	char *bytes;

	buf_init(&body, 64 * 1024);
	callback_body(&body, sim, in, lie, now_ms);
	assert(!body.over);
	bytes = arena_strndup(a, body.at, body.len);
	*out = (struct cryptopay_callback){ .body = str_n(bytes, body.len), .id = in->id };
	out->headers[out->headers_count++] = (struct http_header){ "Content-Type", "application/json" };
	if (lie != CRYPTOPAY_UNSIGNED)
		out->headers[out->headers_count++] =
			(struct http_header){ "crypto-pay-api-signature", signature(a, sim->token, out->body, lie) };
	if (lie == CRYPTOPAY_CHANGED)
		bytes[body.len - 3] ^= 1;
	buf_release(&body);
}

bool cryptopay_sim_take_callback(struct cryptopay_callback *out, struct cryptopay_sim *sim, struct arena *a, int64_t now_ms)
{
	struct invoice *next = NULL;

	for (size_t i = 0; i < sim->count; i++) {
		struct invoice *in = &sim->invoices[i];

		if (in->next_ms && in->next_ms <= now_ms && (!next || in->next_ms < next->next_ms))
			next = in;
	}
	if (!next)
		return false;
	next->deliveries++;
	/* doubles from half a minute; given up after as many attempts as the service makes */
	next->next_ms = next->deliveries == DELIVERIES_MAX ? 0 : now_ms + 30 * SECOND_MS * (INT64_C(1) << (next->deliveries - 1));
	callback_make(out, sim, a, next, CRYPTOPAY_TRUE, now_ms);
	return true;
}

void cryptopay_sim_settle_callback(struct cryptopay_sim *sim, const struct cryptopay_callback *callback, int status)
{
	struct invoice *in = cryptopay_invoice_find(sim, callback->id);

	if (in && status >= 200 && status < 300)
		in->next_ms = 0;
}

size_t cryptopay_sim_queued(const struct cryptopay_sim *sim)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->count; i++)
		n += sim->invoices[i].next_ms != 0;
	return n;
}

enum err cryptopay_sim_make_callback(struct cryptopay_callback *out, struct cryptopay_sim *sim, struct arena *a, int64_t id,
				     enum cryptopay_lie lie, int64_t now_ms)
{
	const struct invoice *in = cryptopay_invoice_find(sim, id);

	if (!in)
		return E_NOTFOUND;
	callback_make(out, sim, a, in, lie, now_ms);
	return OK;
}
