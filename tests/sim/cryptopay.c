/* The Crypto Pay model: a list of invoices, four methods, a queue of callbacks. */
#include "tests/sim/cryptopay.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/date.h"
#include "lib/base/enc.h"
#include "lib/base/json.h"
#include "lib/base/money.h"
#include "lib/crypto/crypto.h"

#define INVOICES_MAX 100000
#define RULES_MAX 16
#define METHODS_MAX 8
#define ANSWER_BYTES_MAX (4 * 1024 * 1024)
#define FIRST_ID 528890
#define HASH_CHARS 12
#define DELIVERIES_MAX 17 /* as the service says since 1.5.2: so many attempts in three days */

enum status { ACTIVE, PAID, EXPIRED };
static const char *const status_names[] = { "active", "paid", "expired" };

struct invoice {
	int64_t id;
	enum status status;
	bool deleted;
	char hash[HASH_CHARS + 1];
	bool fiat;
	const struct currency *currency;
	int64_t amount_minor;
	const char *payload, *description, *accepted, *button, *button_url; /* NULL: not given */
	bool comments, anonymous;
	int64_t created_ms, expires_ms, paid_ms;
	char asset[8];           /* paid in */
	/* the callback about it: next_ms 0 means nothing is queued */
	int64_t next_ms;
	int deliveries;
};

struct rule {
	struct cryptopay_rule rule;
	int seen;
};

struct calls {
	char method[24];
	size_t count;
};

struct cryptopay_sim {
	struct arena memory;
	char *token;
	struct invoice *invoices;
	size_t count, cap;
	int64_t last_update;
	struct rule rules[RULES_MAX];
	size_t rules_count;
	struct calls calls[METHODS_MAX];
	size_t calls_count, calls_all;
};

struct cryptopay_sim *cryptopay_sim_new(const char *token)
{
	struct cryptopay_sim *sim = xcalloc(1, sizeof *sim);

	sim->token = arena_strdup(&sim->memory, token);
	sim->last_update = 1400;
	return sim;
}

void cryptopay_sim_free(struct cryptopay_sim *sim)
{
	if (!sim)
		return;
	free(sim->invoices);
	arena_release(&sim->memory);
	free(sim);
}

void cryptopay_sim_advance(struct cryptopay_sim *sim, int64_t now_ms)
{
	for (size_t i = 0; i < sim->count; i++) {
		struct invoice *in = &sim->invoices[i];

		if (in->status == ACTIVE && in->expires_ms && in->expires_ms <= now_ms)
			in->status = EXPIRED;
	}
}

static struct invoice *invoice_find(struct cryptopay_sim *sim, int64_t id)
{
	for (size_t i = 0; i < sim->count; i++)
		if (sim->invoices[i].id == id && !sim->invoices[i].deleted)
			return &sim->invoices[i];
	return NULL;
}

/* --- an invoice as JSON --- */

static void put_time(struct json_out *j, const char *key, int64_t ms)
{
	struct civil c = civil_of_ms(ms);
	char text[40];

	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.date.year, c.date.month, c.date.day, c.hour,
		 c.minute, c.second, c.ms);
	json_put_cstr(j, key, text);
}

/* Amounts come back without the zeros at the end of the fraction. */
static void put_amount(struct json_out *j, const char *key, int64_t minor, int exponent)
{
	struct buf text;

	buf_init(&text, 64);
	money_write_plain(&text, minor, exponent);
	while (exponent && text.at[text.len - 1] == '0')
		buf_cut(&text, text.len - 1);
	if (text.at[text.len - 1] == '.')
		buf_cut(&text, text.len - 1);
	json_put_str(j, key, buf_str(&text));
	buf_release(&text);
}

static void put_links(struct json_out *j, const struct invoice *in)
{
	char url[128];

	snprintf(url, sizeof url, "https://t.me/CryptoBot?start=%s", in->hash);
	json_put_cstr(j, "bot_invoice_url", url);
	json_put_cstr(j, "pay_url", url);
	snprintf(url, sizeof url, "https://t.me/CryptoBot/app?startapp=invoice-%s", in->hash);
	json_put_cstr(j, "mini_app_invoice_url", url);
	snprintf(url, sizeof url, "https://app.send.tg/invoices/%s", in->hash);
	json_put_cstr(j, "web_app_invoice_url", url);
}

/* One asset is worth 80 units of any currency; the fee is 3 %. Both kept to the asset's exponent. */
static void put_paid(struct json_out *j, const struct invoice *in)
{
	const struct currency *asset = currency_find(str_of(in->asset));
	int64_t paid = in->amount_minor;

	if (in->fiat) {
		int64_t unit = 1;

		for (int i = in->currency->exponent; i < asset->exponent; i++)
			unit *= 10;
		paid = in->amount_minor * unit / 80;
		json_put_cstr(j, "paid_fiat_rate", "80");
	}
	json_put_cstr(j, "paid_asset", in->asset);
	put_amount(j, "paid_amount", paid, asset->exponent);
	json_put_cstr(j, "fee_asset", in->asset);
	put_amount(j, "fee_amount", paid * 3 / 100, asset->exponent);
	put_time(j, "paid_at", in->paid_ms);
	json_put_bool(j, "paid_anonymously", in->anonymous);
}

static void put_accepted(struct json_out *j, const char *accepted)
{
	struct str rest = str_of(accepted);

	json_key(j, "accepted_assets");
	json_open(j, '[');
	while (rest.at)
		json_add_str(j, str_trim(str_cut(&rest, ',')));
	json_close(j, ']');
}

static void put_invoice(struct json_out *j, const struct invoice *in)
{
	json_open(j, '{');
	json_put_i64(j, "invoice_id", in->id);
	json_put_cstr(j, "hash", in->hash);
	json_put_cstr(j, "currency_type", in->fiat ? "fiat" : "crypto");
	json_put_cstr(j, in->fiat ? "fiat" : "asset", in->currency->code);
	put_amount(j, "amount", in->amount_minor, in->currency->exponent);
	if (in->accepted)
		put_accepted(j, in->accepted);
	put_links(j, in);
	if (in->description)
		json_put_cstr(j, "description", in->description);
	json_put_cstr(j, "status", status_names[in->status]);
	put_time(j, "created_at", in->created_ms);
	json_put_bool(j, "allow_comments", in->comments);
	json_put_bool(j, "allow_anonymous", in->anonymous);
	if (in->expires_ms)
		put_time(j, "expiration_date", in->expires_ms);
	if (in->status == PAID)
		put_paid(j, in);
	if (in->payload)
		json_put_cstr(j, "payload", in->payload);
	if (in->button) {
		json_put_cstr(j, "paid_btn_name", in->button);
		json_put_cstr(j, "paid_btn_url", in->button_url);
	}
	json_close(j, '}');
}

/* --- parameters: a JSON body, a form body or the query, one name space --- */

struct params {
	struct json_object *json; /* an object, made of the pairs when there was no JSON */
};

static void params_add_pairs(struct params *p, struct str pairs)
{
	while (pairs.at && pairs.len) {
		struct str value = str_cut(&pairs, '&'), name = str_cut(&value, '=');
		struct buf key, text;

		buf_init(&key, 256);
		buf_init(&text, 8192);
		if (dec_percent(&key, name, true) == OK && dec_percent(&text, value.at ? value : STR(""), true) == OK)
			json_object_object_add(p->json, buf_cstr(&key), json_object_new_string(buf_cstr(&text)));
		buf_release(&key);
		buf_release(&text);
	}
}

static bool params_read(struct params *p, const struct sim_request *r, struct str query)
{
	bool is_json = false;

	p->json = NULL;
	for (size_t i = 0; i < r->headers_count; i++)
		if (str_is(str_of(r->headers[i].name), "content-type") && str_starts(str_of(r->headers[i].value), "application/json"))
			is_json = true;
	if (is_json && r->body.len && json_parse(&p->json, r->body) != OK)
		return false;
	if (p->json && !json_object_is_type(p->json, json_type_object)) {
		json_object_put(p->json);
		return false;
	}
	if (!p->json)
		p->json = json_object_new_object();
	params_add_pairs(p, query);
	if (!is_json)
		params_add_pairs(p, r->body);
	return true;
}

static struct str param(const struct params *p, const char *name)
{
	return json_str_at(p->json, name);
}

/* --- answers --- */

struct answer {
	int code;          /* 0: ok, json holds the result */
	const char *name;
	struct buf text;
	struct json_out json;
};

static void fail(struct answer *a, int code, const char *name)
{
	a->code = code;
	a->name = name;
}

static void answer_write(struct sim_response *out, struct arena *a, struct answer *answer)
{
	struct buf body;
	struct json_out j;

	buf_init(&body, ANSWER_BYTES_MAX + 256);
	json_out_init(&j, &body);
	json_open(&j, '{');
	json_put_bool(&j, "ok", answer->code == 0);
	if (answer->code) {
		json_key(&j, "error");
		json_open(&j, '{');
		json_put_i64(&j, "code", answer->code);
		json_put_cstr(&j, "name", answer->name);
		json_close(&j, '}');
	} else {
		json_key(&j, "result");
		json_add_raw(&j, buf_str(&answer->text));
	}
	json_close(&j, '}');
	assert(!body.over && !answer->text.over);
	out->status = answer->code ? answer->code : 200;
	out->headers[out->headers_count++] = (struct http_header){ "Content-Type", "application/json; charset=utf-8" };
	out->body = str_n(arena_strndup(a, body.at, body.len), body.len);
	buf_release(&body);
}

/* --- methods --- */

static struct invoice *invoice_new(struct cryptopay_sim *sim, int64_t now_ms)
{
	struct invoice *in;

	assert(sim->count < INVOICES_MAX);
	if (sim->count == sim->cap) {
		sim->cap = sim->cap ? sim->cap * 2 : 64;
		sim->invoices = xrealloc(sim->invoices, sim->cap * sizeof *sim->invoices);
	}
	in = &sim->invoices[sim->count];
	*in = (struct invoice){ .id = FIRST_ID + (int64_t)sim->count, .created_ms = now_ms };
	sim->count++;
	enc_random_base32(in->hash, HASH_CHARS);
	return in;
}

static const char *keep(struct cryptopay_sim *sim, struct str s)
{
	return s.len ? str_dup(&sim->memory, s) : NULL;
}

static bool is_button(struct str s)
{
	return str_is(s, "viewItem") || str_is(s, "openChannel") || str_is(s, "openBot") || str_is(s, "callback");
}

/* NULL: the parameters are fine; else the name of the error. */
static const char *create_refusal(const struct params *p, const struct currency *c, bool fiat, int64_t *amount_minor)
{
	struct str amount = param(p, "amount");
	int64_t expires_s = json_i64_at(p->json, "expires_in", 1);

	if (!c || c->is_coin == fiat)
		return fiat ? "FIAT_INVALID" : "ASSET_INVALID";
	if (money_read_plain(amount_minor, amount, c->exponent) != OK || *amount_minor <= 0)
		return "AMOUNT_INVALID";
	if (utf8_points(param(p, "description")) > 1024)
		return "DESCRIPTION_INVALID";
	if (utf8_points(param(p, "hidden_message")) > 2048)
		return "HIDDEN_MESSAGE_INVALID";
	if (param(p, "payload").len > 4096)
		return "PAYLOAD_INVALID";
	if (expires_s < 1 || expires_s > 2678400)
		return "EXPIRES_IN_INVALID";
	if (param(p, "paid_btn_name").len && !is_button(param(p, "paid_btn_name")))
		return "PAID_BTN_NAME_INVALID";
	if (param(p, "paid_btn_name").len && !str_starts(param(p, "paid_btn_url"), "http"))
		return "PAID_BTN_URL_INVALID";
	return NULL;
}

static void create_invoice(struct answer *a, struct cryptopay_sim *sim, const struct params *p, int64_t now_ms)
{
	bool fiat = str_is(param(p, "currency_type"), "fiat");
	const struct currency *c = currency_find(param(p, fiat ? "fiat" : "asset"));
	int64_t amount_minor = 0, expires_s = json_i64_at(p->json, "expires_in", 0);
	const char *refusal = create_refusal(p, c, fiat, &amount_minor);
	struct invoice *in;

	if (refusal) {
		fail(a, 400, refusal);
		return;
	}
	in = invoice_new(sim, now_ms);
	in->fiat = fiat;
	in->currency = c;
	in->amount_minor = amount_minor;
	in->payload = keep(sim, param(p, "payload"));
	in->description = keep(sim, param(p, "description"));
	in->accepted = keep(sim, param(p, "accepted_assets"));
	in->button = keep(sim, param(p, "paid_btn_name"));
	in->button_url = keep(sim, param(p, "paid_btn_url"));
	in->comments = json_bool_at(p->json, "allow_comments", true);
	in->anonymous = json_bool_at(p->json, "allow_anonymous", true);
	in->expires_ms = expires_s ? now_ms + expires_s * SECOND_MS : 0;
	put_invoice(&a->json, in);
}

/* Is this id in a list such as "528890,528891"? An empty list means all. */
static bool is_listed(struct str ids, int64_t id)
{
	if (!ids.len)
		return true;
	while (ids.at) {
		int64_t one;

		if (str_to_i64(&one, str_trim(str_cut(&ids, ','))) == OK && one == id)
			return true;
	}
	return false;
}

static bool is_wanted(const struct params *p, const struct invoice *in)
{
	struct str status = param(p, "status"), asset = param(p, "asset"), fiat = param(p, "fiat");

	return !in->deleted && is_listed(param(p, "invoice_ids"), in->id) &&
		(!status.len || str_is(status, status_names[in->status])) &&
		(!asset.len || (!in->fiat && str_is(asset, in->currency->code))) &&
		(!fiat.len || (in->fiat && str_is(fiat, in->currency->code)));
}

/* Newest first. */
static void get_invoices(struct answer *a, struct cryptopay_sim *sim, const struct params *p, int64_t now_ms)
{
	int64_t offset = json_i64_at(p->json, "offset", 0), count = json_i64_at(p->json, "count", 100), seen = 0;

	(void)now_ms;
	if (offset < 0 || count < 1 || count > 1000) {
		fail(a, 400, offset < 0 ? "OFFSET_INVALID" : "COUNT_INVALID");
		return;
	}
	json_open(&a->json, '{');
	json_key(&a->json, "items");
	json_open(&a->json, '[');
	for (size_t i = sim->count; i-- > 0;) {
		if (!is_wanted(p, &sim->invoices[i]))
			continue;
		if (seen >= offset && seen < offset + count)
			put_invoice(&a->json, &sim->invoices[i]);
		seen++;
	}
	json_close(&a->json, ']');
	json_close(&a->json, '}');
}

static void delete_invoice(struct answer *a, struct cryptopay_sim *sim, const struct params *p, int64_t now_ms)
{
	struct invoice *in = invoice_find(sim, json_i64_at(p->json, "invoice_id", 0));

	(void)now_ms;
	if (!in || in->status != ACTIVE) {
		fail(a, 400, in ? "INVOICE_NOT_ACTIVE" : "INVOICE_NOT_FOUND");
		return;
	}
	in->deleted = true;
	json_add_bool(&a->json, true);
}

static void get_me(struct answer *a, struct cryptopay_sim *sim, const struct params *p, int64_t now_ms)
{
	(void)p;
	(void)now_ms;
	json_open(&a->json, '{');
	json_put_i64(&a->json, "app_id", strtoll(sim->token, NULL, 10));
	json_put_cstr(&a->json, "name", "Sandbox shop");
	json_put_cstr(&a->json, "payment_processing_bot_username", "CryptoBot");
	json_close(&a->json, '}');
}

static const struct method {
	const char *name;
	void (*run)(struct answer *a, struct cryptopay_sim *sim, const struct params *p, int64_t now_ms);
} methods[] = {
	{ "getMe", get_me },
	{ "createInvoice", create_invoice },
	{ "getInvoices", get_invoices },
	{ "deleteInvoice", delete_invoice },
};

static bool has_token(const struct cryptopay_sim *sim, const struct sim_request *r)
{
	for (size_t i = 0; i < r->headers_count; i++)
		if (str_is(str_of(r->headers[i].name), "crypto-pay-api-token"))
			return str_is(str_of(r->headers[i].value), sim->token);
	return false;
}

static void run(struct answer *a, struct cryptopay_sim *sim, const struct sim_request *r, struct str name, struct str query)
{
	struct params p;

	if (!has_token(sim, r)) {
		fail(a, 401, "UNAUTHORIZED");
		return;
	}
	for (size_t i = 0; i < countof(methods); i++) {
		if (!str_is(name, methods[i].name))
			continue;
		if (!params_read(&p, r, query)) {
			fail(a, 400, "BODY_INVALID");
			return;
		}
		methods[i].run(a, sim, &p, r->now_ms);
		json_object_put(p.json);
		return;
	}
	fail(a, 405, "METHOD_NOT_FOUND");
}

/* --- misbehaviour --- */

void cryptopay_sim_add_rule(struct cryptopay_sim *sim, const struct cryptopay_rule *rule)
{
	assert(sim->rules_count < RULES_MAX);
	sim->rules[sim->rules_count++] = (struct rule){ .rule = *rule };
}

void cryptopay_sim_clear_rules(struct cryptopay_sim *sim)
{
	sim->rules_count = 0;
}

/* Every rule counts the call, the first that strikes wins. */
static const struct cryptopay_rule *rule_for(struct cryptopay_sim *sim, struct str method)
{
	const struct cryptopay_rule *hit = NULL;

	for (size_t i = 0; i < sim->rules_count; i++) {
		struct rule *r = &sim->rules[i];
		int first = r->rule.nth ? r->rule.nth : 1;

		if (r->rule.method && !str_is(method, r->rule.method))
			continue;
		r->seen++;
		if (!hit && r->seen >= first && (!r->rule.times || r->seen < first + r->rule.times))
			hit = &r->rule;
	}
	return hit;
}

static void html(struct sim_response *out, int status)
{
	out->status = status;
	out->headers[out->headers_count++] = (struct http_header){ "Content-Type", "text/html" };
	out->body = STR("<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>");
}

static void spoil(struct sim_response *out, struct answer *a, struct arena *arena, const struct cryptopay_rule *rule)
{
	*out = (struct sim_response){ 0 };
	switch (rule->fault) {
	case CRYPTOPAY_REFUSE:
		fail(a, 400, rule->text ? rule->text : "REFUSED");
		break;
	case CRYPTOPAY_TOO_MANY:
		fail(a, 429, "TOO_MANY_REQUESTS");
		out->headers[out->headers_count++] = (struct http_header){ "Retry-After", "5" };
		break;
	case CRYPTOPAY_ERROR_500:
		fail(a, 500, "INTERNAL_ERROR");
		break;
	case CRYPTOPAY_HTML_502:
		html(out, 502);
		return;
	case CRYPTOPAY_WRONG_JSON:
		out->status = 200;
		out->body = str_of(rule->text ? rule->text : "{\"ok\":true,\"resu");
		return;
	case CRYPTOPAY_NETWORK:
		break;
	}
	answer_write(out, arena, a);
	out->trouble = rule->trouble;
}

static void count_call(struct cryptopay_sim *sim, struct str method)
{
	sim->calls_all++;
	for (size_t i = 0; i < sim->calls_count; i++) {
		if (str_is(method, sim->calls[i].method)) {
			sim->calls[i].count++;
			return;
		}
	}
	if (sim->calls_count == METHODS_MAX || method.len >= sizeof sim->calls[0].method)
		return;
	snprintf(sim->calls[sim->calls_count].method, sizeof sim->calls[0].method, "%.*s", STR_ARG(method));
	sim->calls[sim->calls_count++].count = 1;
}

size_t cryptopay_sim_count(const struct cryptopay_sim *sim, const char *method)
{
	if (!method)
		return sim->calls_all;
	for (size_t i = 0; i < sim->calls_count; i++)
		if (str_is(str_of(method), sim->calls[i].method))
			return sim->calls[i].count;
	return 0;
}

void cryptopay_sim_handle(void *model, const struct sim_request *request, struct sim_response *response)
{
	struct cryptopay_sim *sim = model;
	struct str query = request->path, path = str_cut(&query, '?'), method = path;
	const struct cryptopay_rule *rule;
	struct answer answer = { 0 };

	cryptopay_sim_advance(sim, request->now_ms);
	*response = (struct sim_response){ 0 };
	if (!str_starts(path, "/api/")) {
		html(response, 404);
		return;
	}
	method.at += 5;
	method.len -= 5;
	count_call(sim, method);
	rule = rule_for(sim, method);
	buf_init(&answer.text, ANSWER_BYTES_MAX);
	json_out_init(&answer.json, &answer.text);
	if (!rule || rule->after || rule->fault == CRYPTOPAY_NETWORK)
		run(&answer, sim, request, method, query);
	if (rule)
		spoil(response, &answer, request->arena, rule);
	else
		answer_write(response, request->arena, &answer);
	buf_release(&answer.text);
}

/* --- people and time --- */

size_t cryptopay_sim_count_invoices(const struct cryptopay_sim *sim)
{
	return sim->count;
}

bool cryptopay_sim_find(struct cryptopay_view *out, size_t *times, struct cryptopay_sim *sim, const char *payload)
{
	static char amount[64];
	size_t found = 0;

	for (size_t i = 0; i < sim->count; i++) {
		const struct invoice *in = &sim->invoices[i];
		struct buf text;

		if (!in->payload || !str_is(str_of(payload), in->payload))
			continue;
		found++;
		buf_init(&text, sizeof amount);
		money_write_plain(&text, in->amount_minor, in->currency->exponent);
		snprintf(amount, sizeof amount, "%s", buf_cstr(&text));
		buf_release(&text);
		*out = (struct cryptopay_view){
			.id = in->id, .payload = str_of(in->payload),
			.status = str_of(in->deleted ? "deleted" : status_names[in->status]),
			.currency = str_of(in->currency->code), .amount = str_of(amount),
			.description = str_of(in->description), .created_ms = in->created_ms, .expires_ms = in->expires_ms,
		};
	}
	if (times)
		*times = found;
	return found > 0;
}

enum err cryptopay_sim_pay(struct cryptopay_sim *sim, int64_t id, const char *asset, int64_t now_ms)
{
	struct invoice *in;
	const struct currency *c = currency_find(str_of(asset));

	cryptopay_sim_advance(sim, now_ms);
	in = invoice_find(sim, id);
	if (!in)
		return E_NOTFOUND;
	if (in->status != ACTIVE)
		return E_CONFLICT;
	assert(c && c->is_coin && (in->fiat || c == in->currency));
	in->status = PAID;
	in->paid_ms = now_ms;
	in->next_ms = now_ms;
	snprintf(in->asset, sizeof in->asset, "%s", c->code);
	return OK;
}

enum err cryptopay_sim_expire(struct cryptopay_sim *sim, int64_t id)
{
	struct invoice *in = invoice_find(sim, id);

	if (!in)
		return E_NOTFOUND;
	if (in->status != ACTIVE)
		return E_CONFLICT;
	in->status = EXPIRED;
	return OK;
}

/* --- callbacks --- */

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
	put_time(&j, "request_date", now_ms);
	json_key(&j, "payload");
	put_invoice(&j, &t);
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
	struct invoice *in = invoice_find(sim, callback->id);

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
	const struct invoice *in = invoice_find(sim, id);

	if (!in)
		return E_NOTFOUND;
	callback_make(out, sim, a, in, lie, now_ms);
	return OK;
}
