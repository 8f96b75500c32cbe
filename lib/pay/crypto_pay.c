/* Crypto Pay, version 1.5: invoices of @CryptoBot, priced in a currency or a coin, paid in coins.
 *
 * Everything is a POST of a JSON object to BASE/api/METHOD with the token in a header; an answer is
 * {"ok":true,"result":…} or {"ok":false,"error":{"code":…,"name":…}}. Amounts are decimal text; of an invoice priced in
 * a currency the zeros at the end come back cut off. An invoice is paid exactly or not at all.
 *
 * Traps: update_id of a callback is not unique, so the key is the invoice and its status. There is no idempotency key
 * for createInvoice, hence find. The signature has no time limit: what protects from repetition is the key. The member
 * payload of a callback is the invoice object, and its member payload is our text. A callback that is not answered
 * with 2xx comes again, up to 17 times in three days; then the service switches callbacks off for the app, so polling
 * goes on whatever happened before. */
#include <inttypes.h>

#include "lib/base/clock.h"
#include "lib/base/date.h"
#include "lib/base/money.h"
#include "lib/crypto/crypto.h"
#include "lib/pay/wire.h"

#define KEY_TOKEN "CRYPTO_PAY_TOKEN"
#define KEY_URL "CRYPTO_PAY_URL"
#define KEY_ASSETS "CRYPTO_PAY_ASSETS"

#define SIGNATURE_HEADER "crypto-pay-api-signature"
#define DESCRIPTION_BYTES_MAX 1024
#define URL_BYTES_MAX 512
#define AMOUNT_CHARS_MAX 32
#define REQUEST_BYTES_MAX (16 * 1024)
#define ANSWER_BYTES_MAX (1024 * 1024)
#define TIMEOUT_MS 15000
#define EXPIRES_MAX_S 2678400
#define PAGE 100
#define PAGE_OVERLAP 10 /* invoices that expire between two pages move the rest up: look at some twice */
#define OFFSET_MAX 1000000

/* What they price in and we can count: the currencies first, then the coins. Bounds are in US dollars on their side and
 * move with the rates, so the answer to createInvoice tells. */
static const struct pay_currency crypto_pay_currencies[] = {
	{ "USD", 1, 0 }, { "EUR", 1, 0 }, { "RUB", 1, 0 }, { "BYN", 1, 0 }, { "UAH", 1, 0 }, { "GBP", 1, 0 }, { "CNY", 1, 0 },
	{ "KZT", 1, 0 }, { "UZS", 1, 0 }, { "GEL", 1, 0 }, { "TRY", 1, 0 }, { "AMD", 1, 0 }, { "THB", 1, 0 }, { "INR", 1, 0 },
	{ "BRL", 1, 0 }, { "IDR", 1, 0 }, { "AZN", 1, 0 }, { "AED", 1, 0 }, { "PLN", 1, 0 },
	{ "USDT", 1, 0 }, { "TON", 1, 0 }, { "BTC", 1, 0 }, { "LTC", 1, 0 }, { "TRX", 1, 0 }, { "USDC", 1, 0 },
};

/* --- account --- */

/* The value goes into a header or an address: nothing but visible ASCII. */
static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	return s.len > 0;
}

/* "18475:AAH3…": the app's number, a colon, the secret */
static bool is_token(struct str s)
{
	struct str number = str_cut(&s, ':');
	int64_t app;

	return str_to_i64(&app, number) == OK && app > 0 && s.len >= 16 && s.len <= 128 && is_visible(s);
}

static enum err account_check(const struct pay_account *account)
{
	struct str url = wire_value(account, KEY_URL), assets = wire_value(account, KEY_ASSETS);

	if (!is_token(wire_value(account, KEY_TOKEN)))
		return E_INVALID;
	if (!is_visible(url) || url.len > URL_BYTES_MAX || (!str_starts(url, "https://") && !str_starts(url, "http://")))
		return E_INVALID;
	while (assets.at && assets.len) {
		struct str asset = str_trim(str_cut(&assets, ','));
		const struct currency *c = currency_find(asset);

		if (!c || !c->is_coin)
			return E_INVALID;
	}
	return OK;
}

/* The app's number: a token that was revoked and made anew begins with the same. */
static struct str account_name(const struct pay_account *account)
{
	struct str token = wire_value(account, KEY_TOKEN);

	return str_cut(&token, ':');
}

/* --- asking --- */

/* The parameters as they are written; request_end makes the request of them. */
struct call {
	struct buf body;
	struct json_out json;
};

static void call_begin(struct call *call)
{
	buf_init(&call->body, REQUEST_BYTES_MAX);
	json_out_init(&call->json, &call->body);
	json_open(&call->json, '{');
}

static enum err call_end(struct http_request *out, struct call *call, struct arena *a, const struct pay_account *account,
			 const char *method)
{
	struct str base = wire_value(account, KEY_URL);
	bool over;

	json_close(&call->json, '}');
	*out = (struct http_request){ .method = HTTP_POST, .timeout_ms = TIMEOUT_MS, .body_bytes_max = ANSWER_BYTES_MAX };
	while (str_ends(base, "/"))
		base.len--;
	/* people copy the address with and without its last part */
	out->url = arena_printf(a, "%.*s%s/%s", STR_ARG(base), str_ends(base, "/api") ? "" : "/api", method);
	http_add_header(out, "Content-Type", "application/json");
	http_add_header(out, "Crypto-Pay-API-Token", str_dup(a, wire_value(account, KEY_TOKEN)));
	out->body = str_n(arena_strndup(a, buf_cstr(&call->body), call->body.len), call->body.len);
	over = call->body.over;
	buf_release(&call->body);
	return over ? E_TOOBIG : OK;
}

/* An error of theirs in our terms. Names are not listed by the service: the code decides, and TOO_MANY is told apart. */
static enum err error_of(struct pay_trouble *trouble, struct json_object *root, const struct http_response *r)
{
	int64_t code = json_i64_at(root, "error.code", r->status);
	struct str name = json_str_at(root, "error.name");

	wire_trouble(trouble, name.len ? name : STR("NO_NAME"));
	if (code == 429 || str_has(name, "TOO_MANY"))
		return E_BUSY;
	if (code == 401 || code == 403 || str_is(name, "UNAUTHORIZED"))
		return E_AUTH;
	return code >= 500 ? E_UNKNOWN : E_REFUSED;
}

/* OK: *root is the answer's object with a result in it; put it. Else *root is NULL. */
static enum err answer_read(struct json_object **root, struct pay_trouble *trouble, const struct http_response *r)
{
	enum err e = wire_status(trouble, r);

	*root = NULL;
	if (r->failure != HTTP_FAIL_NONE || r->status == 429)
		return e;
	if (json_parse(root, r->body) != OK || !json_at(*root, "ok")) {
		if (!e)
			wire_trouble(trouble, STR("UNREADABLE"));
		e = e ? e : E_UNKNOWN; /* "yes" from somebody who does not speak their language */
	} else if (!json_bool_at(*root, "ok", false)) {
		e = error_of(trouble, *root, r);
	} else if (!e && !json_at(*root, "result")) {
		wire_trouble(trouble, STR("NO_RESULT"));
		e = E_UNKNOWN;
	}
	if (e) {
		json_object_put(*root);
		*root = NULL;
	}
	return e;
}

static enum err probe_build(struct http_request *out, struct arena *a, const struct pay_account *account)
{
	struct call call;

	call_begin(&call);
	json_put_i64(&call.json, "count", 1);
	return call_end(out, &call, a, account, "getInvoices");
}

static enum err probe_read(struct pay_trouble *trouble, struct arena *a, const struct http_response *r)
{
	struct json_object *root;
	enum err e = answer_read(&root, trouble, r);

	(void)a;
	json_object_put(root);
	return e;
}

static void put_price(struct json_out *json, const struct pay_quote *quote, const struct currency *c, struct str assets)
{
	struct buf amount;

	buf_init(&amount, AMOUNT_CHARS_MAX);
	money_write_plain(&amount, quote->amount_minor, c->exponent);
	json_put_cstr(json, "currency_type", c->is_coin ? "crypto" : "fiat");
	json_put_cstr(json, c->is_coin ? "asset" : "fiat", c->code);
	json_put_str(json, "amount", buf_str(&amount));
	if (!c->is_coin && assets.len)
		json_put_str(json, "accepted_assets", assets);
	buf_release(&amount);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static enum err create_build(struct http_request *out, struct arena *a, const struct pay_account *account,
			     const struct pay_quote *quote)
{
	const struct currency *c = currency_find(quote->currency);
	struct call call;

	if (!c || !pay_takes(account->provider, quote->amount_minor, quote->currency) || !wire_is_invoice(quote->invoice))
		return E_INVALID;
	if (quote->expires_ms && quote->expires_ms <= quote->now_ms)
		return E_INVALID;
	call_begin(&call);
	put_price(&call.json, quote, c, wire_value(account, KEY_ASSETS));
	if (quote->description.len)
		json_put_str(&call.json, "description",
			     utf8_head_bytes(utf8_clean(a, quote->description), DESCRIPTION_BYTES_MAX));
	json_put_str(&call.json, "payload", quote->invoice);
	if (quote->return_url.len) {
		json_put_cstr(&call.json, "paid_btn_name", "openBot");
		json_put_str(&call.json, "paid_btn_url", quote->return_url);
	}
	json_put_bool(&call.json, "allow_comments", false);
	json_put_bool(&call.json, "allow_anonymous", true);
	if (quote->expires_ms)
		json_put_i64(&call.json, "expires_in",
			     clamp((quote->expires_ms - quote->now_ms) / SECOND_MS, 1, EXPIRES_MAX_S));
	return call_end(out, &call, a, account, "createInvoice");
}

/* The id of an invoice object as text; empty: none. */
static struct str invoice_ref(struct arena *a, struct json_object *invoice)
{
	int64_t id = json_i64_at(invoice, "invoice_id", 0);

	return id > 0 ? str_of(arena_printf(a, "%" PRId64, id)) : STR("");
}

static int64_t time_at(struct json_object *o, const char *key)
{
	int64_t ms;

	return date_read_iso(&ms, json_str_at(o, key)) == OK ? ms : 0;
}

/* pay_url is the old name of bot_invoice_url */
static enum err created_read(struct pay_created *out, struct arena *a, struct json_object *invoice)
{
	struct str url = json_str_at(invoice, "bot_invoice_url");

	if (!url.len)
		url = json_str_at(invoice, "pay_url");
	*out = (struct pay_created){ .ref = invoice_ref(a, invoice), .expires_ms = time_at(invoice, "expiration_date") };
	if (!out->ref.len || url.len > URL_BYTES_MAX || !is_visible(url) ||
	    (!str_starts(url, "https://") && !str_starts(url, "http://")))
		return E_UNKNOWN;
	out->url = str_of(str_dup(a, url));
	return OK;
}

static enum err create_read(struct pay_created *out, struct pay_trouble *trouble, struct arena *a,
			    const struct pay_account *account, const struct http_response *r)
{
	struct json_object *root;
	enum err e = answer_read(&root, trouble, r);

	(void)account;
	if (e)
		return e;
	e = created_read(out, a, json_at(root, "result"));
	if (e)
		wire_trouble(trouble, STR("NO_INVOICE"));
	json_object_put(root);
	return e;
}

static enum err find_build(struct http_request *out, struct arena *a, const struct pay_account *account,
			   struct str invoice, struct str cursor)
{
	int64_t offset = 0;
	struct call call;

	(void)invoice; /* they cannot search by it: every active invoice is looked at */
	if (cursor.len && (str_to_i64(&offset, cursor) || offset < 0 || offset > OFFSET_MAX))
		return E_INVALID;
	call_begin(&call);
	json_put_cstr(&call.json, "status", "active");
	json_put_i64(&call.json, "offset", offset);
	json_put_i64(&call.json, "count", PAGE);
	return call_end(out, &call, a, account, "getInvoices");
}

static struct json_object *find_payload(struct json_object *items, struct str invoice)
{
	for (size_t i = 0; i < json_len(items); i++) {
		struct json_object *item = json_object_array_get_idx(items, i);

		if (str_eq(json_str_at(item, "payload"), invoice))
			return item;
	}
	return NULL;
}

static enum err find_read(struct pay_created *out, struct str *cursor, struct pay_trouble *trouble, struct arena *a,
			  struct str invoice, const struct http_response *r)
{
	struct json_object *root, *items, *found;
	int64_t offset = 0;
	enum err e = answer_read(&root, trouble, r);

	if (e)
		return e;
	items = json_array_at(root, "result.items");
	found = find_payload(items, invoice);
	if (!items) {
		wire_trouble(trouble, STR("NO_ITEMS"));
		e = E_UNKNOWN; /* must not be taken for "it is nowhere" */
	} else if (found) {
		e = created_read(out, a, found);
	} else {
		if (cursor->len && str_to_i64(&offset, *cursor) != OK)
			offset = 0;
		*cursor = json_len(items) < PAGE ? STR("") :
			str_of(arena_printf(a, "%" PRId64, offset + PAGE - PAGE_OVERLAP));
		e = E_NOTFOUND;
	}
	json_object_put(root);
	return e;
}

/* --- hearing --- */

static enum pay_state state_of(struct str status)
{
	static const struct { const char *status; enum pay_state state; } states[] = {
		{ "active", PAY_PENDING }, { "paid", PAY_PAID }, { "expired", PAY_EXPIRED },
	};

	for (size_t i = 0; i < countof(states); i++)
		if (str_is(status, states[i].status))
			return states[i].state;
	return PAY_UNCLEAR;
}

static struct str text_at(struct arena *a, struct json_object *o, const char *key, size_t bytes_max)
{
	return utf8_clean(a, utf8_head_bytes(json_str_at(o, key), bytes_max));
}

/* Priced in a currency: the invoice's own amount counts, which was paid exactly or not at all. Priced in a coin: what
 * came is what counts, should it ever differ from what was asked. */
static void set_amounts(struct pay_event *out, struct arena *a, struct json_object *invoice)
{
	bool fiat = str_is(json_str_at(invoice, "currency_type"), "fiat");
	struct str got = json_str_at(invoice, "paid_amount"), got_asset = json_str_at(invoice, "paid_asset");

	out->got_text = text_at(a, invoice, "paid_amount", 64);
	out->got_currency = text_at(a, invoice, "paid_asset", 16);
	out->fee_text = text_at(a, invoice, "fee_amount", 64);
	out->fee_currency = text_at(a, invoice, "fee_asset", 16);
	if (fiat)
		wire_set_amount(out, a, json_str_at(invoice, "fiat"), json_str_at(invoice, "amount"));
	else if (got.len && got_asset.len)
		wire_set_amount(out, a, got_asset, got);
	else
		wire_set_amount(out, a, json_str_at(invoice, "asset"), json_str_at(invoice, "amount"));
}

/* invoice is blanked on the way. E_INVALID: it is no invoice object. */
static enum err event_read(struct pay_event *out, struct arena *a, struct json_object *invoice)
{
	struct str payload = json_str_at(invoice, "payload"), status = json_str_at(invoice, "status");

	*out = (struct pay_event){ .provider = pay_crypto_pay.name, .ref = invoice_ref(a, invoice) };
	if (!out->ref.len || !status.len)
		return E_INVALID;
	if (wire_is_invoice(payload))
		out->invoice = str_of(str_dup(a, payload));
	out->state = state_of(status);
	out->key = str_of(arena_printf(a, "%.*s:%s", STR_ARG(out->ref), pay_state_name(out->state)));
	set_amounts(out, a, invoice);
	out->paid_ms = time_at(invoice, "paid_at");
	out->raw = wire_raw(a, invoice);
	return OK;
}

static enum err poll_build(struct http_request *out, struct arena *a, const struct pay_account *account,
			   const struct pay_open *open, size_t n)
{
	struct buf ids;
	struct call call;
	enum err e = n && n <= PAGE ? OK : E_INVALID;

	buf_init(&ids, REQUEST_BYTES_MAX);
	for (size_t i = 0; i < n && !e; i++) {
		int64_t id;

		if (str_to_i64(&id, open[i].ref) || id <= 0)
			e = E_INVALID;
		else
			buf_printf(&ids, "%s%" PRId64, i ? "," : "", id);
	}
	if (!e) {
		call_begin(&call);
		json_put_str(&call.json, "invoice_ids", buf_str(&ids));
		json_put_i64(&call.json, "count", PAGE);
		e = call_end(out, &call, a, account, "getInvoices");
	}
	buf_release(&ids);
	return e;
}

static enum err poll_read(struct pay_event **events, size_t *n, struct pay_trouble *trouble, struct arena *a,
			  const struct http_response *r)
{
	struct json_object *root, *items;
	enum err e = answer_read(&root, trouble, r);

	*n = 0;
	if (e)
		return e;
	items = json_array_at(root, "result.items");
	if (items) {
		*events = arena_array(a, struct pay_event, json_len(items) + 1);
		for (size_t i = 0; i < json_len(items); i++)
			if (event_read(*events + *n, a, json_object_array_get_idx(items, i)) == OK)
				++*n;
	} else {
		wire_trouble(trouble, STR("NO_ITEMS"));
		e = E_UNKNOWN;
	}
	json_object_put(root);
	return e;
}

/* Over the bytes as they came. Their client library signs its own rewriting of the JSON instead, which is the same bytes
 * for what the service sends; a second try over rewritten bytes would only widen what is accepted. */
static bool is_authentic(const struct pay_account *account, const struct pay_inbound *in)
{
	unsigned char key[SHA256_BYTES], mac[SHA256_BYTES];
	bool same;

	crypto_sha256(key, wire_value(account, KEY_TOKEN));
	crypto_hmac_sha256(mac, str_n((const char *)key, sizeof key), in->body);
	same = crypto_equal_hex(mac, sizeof mac, wire_header(in, SIGNATURE_HEADER));
	crypto_wipe(key, sizeof key);
	crypto_wipe(mac, sizeof mac);
	return same;
}

static void callback_read(struct pay_callback *out, struct arena *a, const struct pay_account *account,
			  const struct pay_inbound *in)
{
	struct json_object *root;

	*out = (struct pay_callback){ .verdict = PAY_FORGED, .status = 401, .type = "text/plain", .why = "signature" };
	if (in->body.len > PAY_CALLBACK_BYTES_MAX || !is_authentic(account, in))
		return;
	/* from here on the answer is 200: a repetition would bring the same bytes */
	out->verdict = PAY_AUTHENTIC;
	out->status = 200;
	out->body = STR("ok");
	out->why = "unreadable";
	if (json_parse(&root, in->body) != OK)
		return;
	if (!str_is(json_str_at(root, "update_type"), "invoice_paid"))
		out->why = "update_type";
	else if (event_read(&out->event, a, json_at(root, "payload")) == OK)
		out->has_event = true;
	json_object_put(root);
}

static enum err cancel_build(struct http_request *out, struct arena *a, const struct pay_account *account,
			     const struct pay_open *open)
{
	struct call call;
	int64_t id;

	if (str_to_i64(&id, open->ref) || id <= 0)
		return E_INVALID;
	call_begin(&call);
	json_put_i64(&call.json, "invoice_id", id);
	return call_end(out, &call, a, account, "deleteInvoice");
}

static enum err cancel_read(struct pay_trouble *trouble, struct arena *a, const struct http_response *r)
{
	enum err e = probe_read(trouble, a, r);

	return e == E_REFUSED ? E_CONFLICT : e; /* paid, expired or gone: a poll tells which */
}

/* Refunds: none for invoices. What the API has is a transfer to a Telegram user, if the app is allowed to; a person does
 * that. */
const struct pay_provider pay_crypto_pay = {
	.name = "crypto_pay",
	.flow = PAY_FLOW_PAGE,
	.keys = {
		{ KEY_TOKEN, true, true, NULL },
		{ KEY_URL, false, false, "https://pay.crypt.bot" },
		{ KEY_ASSETS, false, false, NULL }, /* "USDT,TON": what may be paid with; all when empty */
	},
	.currencies = crypto_pay_currencies,
	.currencies_count = countof(crypto_pay_currencies),
	.refund = PAY_REFUND_NONE,
	.expires_min_ms = SECOND_MS,
	.expires_max_ms = EXPIRES_MAX_S * SECOND_MS,
	.poll_every_ms = 30 * SECOND_MS,
	.poll_batch_max = PAGE,
	.account_check = account_check,
	.account_name = account_name,
	.probe_build = probe_build,
	.probe_read = probe_read,
	.create_build = create_build,
	.create_read = create_read,
	.find_build = find_build,
	.find_read = find_read,
	.poll_build = poll_build,
	.poll_read = poll_read,
	.callback_read = callback_read,
	.cancel_build = cancel_build,
	.cancel_read = cancel_read,
};
