/* Shared by the providers. */
#include "lib/pay/wire.h"

#include <assert.h>
#include <string.h>

#include "lib/base/money.h"

struct str wire_value(const struct pay_account *account, const char *key)
{
	const struct pay_key *keys = account->provider->keys;
	size_t i = 0;

	while (i < PAY_KEYS_MAX && keys[i].name && strcmp(keys[i].name, key) != 0)
		i++;
	assert(i < PAY_KEYS_MAX && keys[i].name);
	return account->values[i];
}

struct str wire_header(const struct pay_inbound *in, const char *name)
{
	for (size_t i = 0; i < in->headers_count; i++)
		if (str_is_nocase(str_of(in->headers[i].name), name))
			return str_of(in->headers[i].value);
	return STR("");
}

bool wire_is_invoice(struct str id)
{
	if (id.len == 0 || id.len > PAY_INVOICE_CHARS_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.at[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
			return false;
	}
	return true;
}

#define CURRENCY_BYTES_MAX 16
#define AMOUNT_BYTES_MAX 64

void wire_set_amount(struct pay_event *event, struct arena *a, struct str currency, struct str amount)
{
	const struct currency *c = currency_find(currency);

	currency = utf8_clean(a, utf8_head_bytes(currency, CURRENCY_BYTES_MAX));
	event->currency = c ? str_of(c->code) : currency;
	event->exact = c && money_read_plain(&event->amount_minor, amount, c->exponent) == OK && event->amount_minor >= 0;
	event->amount_text = utf8_clean(a, utf8_head_bytes(amount, AMOUNT_BYTES_MAX));
	if (!event->exact)
		event->amount_minor = 0;
}

#define RETRY_AFTER_S_MAX 3600

enum err wire_status(struct pay_trouble *trouble, const struct http_response *r)
{
	int64_t seconds = 0;

	*trouble = (struct pay_trouble){ 0 };
	if (r->failure != HTTP_FAIL_NONE) {
		wire_trouble(trouble, str_of(http_failure_name(r->failure)));
		return r->certain_unsent ? E_IO : E_UNKNOWN;
	}
	if (r->status >= 200 && r->status < 300)
		return OK;
	wire_trouble(trouble, STR("HTTP"));
	if (r->status == 429) {
		if (str_to_i64(&seconds, http_header_get(r, "retry-after")) == OK && seconds > 0)
			trouble->retry_after_ms = (seconds < RETRY_AFTER_S_MAX ? seconds : RETRY_AFTER_S_MAX) * 1000;
		return E_BUSY;
	}
	if (r->status == 401 || r->status == 403)
		return E_AUTH;
	/* a proxy's 502 says nothing about what happened behind it */
	return r->status >= 400 && r->status < 500 ? E_REFUSED : E_UNKNOWN;
}

void wire_trouble(struct pay_trouble *trouble, struct str name)
{
	size_t n = 0;

	for (size_t i = 0; i < name.len && n + 1 < sizeof trouble->name; i++) {
		char c = name.at[i];
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';

		trouble->name[n++] = plain ? c : '_';
	}
	trouble->name[n] = '\0';
}

/* --- what is kept of a message (R203) --- */

/* As part of a member's name, and as the whole of it where the word is short enough to stand in others. */
static const char *const private_parts[] = {
	"card", "secret", "token", "password", "signature", "api_key", "apikey", "email", "e-mail", "phone", "first_name",
	"last_name", "payer_name", "holder", "iban", "wallet", "comment", "passport",
};
static const char *const private_names[] = { "pan", "cvc", "cvv", "sign", "ip" };

static bool is_private(const char *key)
{
	for (size_t i = 0; i < countof(private_parts); i++)
		if (str_has_nocase(str_of(key), private_parts[i]))
			return true;
	for (size_t i = 0; i < countof(private_names); i++)
		if (str_is_nocase(str_of(key), private_names[i]))
			return true;
	return false;
}

/* 12 to 19 digits, with or without spaces and dashes, that pass the check of Luhn. */
static bool is_card_number(struct str s)
{
	int digits = 0, sum = 0;

	for (size_t i = s.len; i-- > 0;) {
		int d = s.at[i] - '0';

		if (s.at[i] == ' ' || s.at[i] == '-')
			continue;
		if (d < 0 || d > 9)
			return false;
		if (digits++ % 2 == 1)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return digits >= 12 && digits <= 19 && sum % 10 == 0;
}

static bool is_blanked(const char *key, struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_string:
		return (key && is_private(key)) ||
			is_card_number(str_n(json_object_get_string(v), (size_t)json_object_get_string_len(v)));
	case json_type_int:
		return (key && is_private(key)) || is_card_number(str_of(json_object_get_string(v)));
	case json_type_object:
	case json_type_array:
		return key && is_private(key);
	default:
		return false; /* a switch or nothing at all: "allow_comments":false */
	}
}

/* Depth is bounded by json_parse. The value of the member at hand may be replaced while walking. */
static void blank(struct json_object *v)
{
	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			struct json_object *element = json_object_array_get_idx(v, i);

			if (is_blanked(NULL, element))
				json_object_array_put_idx(v, i, json_object_new_string("***"));
			else
				blank(element);
		}
	} else if (json_object_is_type(v, json_type_object)) {
		json_object_object_foreach(v, key, member) {
			if (is_blanked(key, member))
				json_object_object_add(v, key, json_object_new_string("***"));
			else
				blank(member);
		}
	}
}

struct str wire_raw(struct arena *a, struct json_object *o)
{
	const char *text;
	size_t n = 0;

	blank(o);
	text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	if (n > PAY_RAW_BYTES_MAX)
		return STR("{\"too_big\":true}");
	return str_n(arena_strndup(a, text, n), n);
}
