/* The Crypto Pay model as one calls it: parameters, four methods, answers; rules spoil them. */
#include "tests/sim/cryptopay_private.h"

#include <assert.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"

#define ANSWER_BYTES_MAX (4 * 1024 * 1024)

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
	in = cryptopay_invoice_new(sim, now_ms);
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
	cryptopay_put_invoice(&a->json, in);
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
		(!status.len || str_is(status, cryptopay_status_names[in->status])) &&
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
			cryptopay_put_invoice(&a->json, &sim->invoices[i]);
		seen++;
	}
	json_close(&a->json, ']');
	json_close(&a->json, '}');
}

static void delete_invoice(struct answer *a, struct cryptopay_sim *sim, const struct params *p, int64_t now_ms)
{
	struct invoice *in = cryptopay_invoice_find(sim, json_i64_at(p->json, "invoice_id", 0));

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
