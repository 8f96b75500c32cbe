/* The Crypto Pay model: a list of invoices. */
#include "tests/sim/cryptopay_private.h"

#include <assert.h>
#include <stdio.h>

#include "lib/base/date.h"
#include "lib/base/enc.h"

#define INVOICES_MAX 100000
#define FIRST_ID 528890

const char *const cryptopay_status_names[] = { "active", "paid", "expired" };

struct cryptopay_sim *cryptopay_sim_new_app(const char *token, int64_t first_id)
{
	struct cryptopay_sim *sim = xcalloc(1, sizeof *sim);

	sim->first_id = first_id;
	sim->last_update = 1400;
	cryptopay_sim_set_token(sim, token);
	return sim;
}

struct cryptopay_sim *cryptopay_sim_new(const char *token)
{
	return cryptopay_sim_new_app(token, FIRST_ID);
}

void cryptopay_sim_set_token(struct cryptopay_sim *sim, const char *token)
{
	sim->token = arena_strdup(&sim->memory, token);
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

struct invoice *cryptopay_invoice_find(struct cryptopay_sim *sim, int64_t id)
{
	for (size_t i = 0; i < sim->count; i++)
		if (sim->invoices[i].id == id && !sim->invoices[i].deleted)
			return &sim->invoices[i];
	return NULL;
}

struct invoice *cryptopay_invoice_new(struct cryptopay_sim *sim, int64_t now_ms)
{
	struct invoice *in;

	assert(sim->count < INVOICES_MAX);
	if (sim->count == sim->cap) {
		sim->cap = sim->cap ? sim->cap * 2 : 64;
		sim->invoices = xrealloc(sim->invoices, sim->cap * sizeof *sim->invoices);
	}
	in = &sim->invoices[sim->count];
	*in = (struct invoice){ .id = sim->first_id + (int64_t)sim->count, .created_ms = now_ms };
	sim->count++;
	enc_random_base32(in->hash, HASH_CHARS);
	return in;
}

/* --- an invoice as JSON --- */

void cryptopay_put_time(struct json_out *j, const char *key, int64_t ms)
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
	cryptopay_put_time(j, "paid_at", in->paid_ms);
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

void cryptopay_put_invoice(struct json_out *j, const struct invoice *in)
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
	json_put_cstr(j, "status", cryptopay_status_names[in->status]);
	cryptopay_put_time(j, "created_at", in->created_ms);
	json_put_bool(j, "allow_comments", in->comments);
	json_put_bool(j, "allow_anonymous", in->anonymous);
	if (in->expires_ms)
		cryptopay_put_time(j, "expiration_date", in->expires_ms);
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

/* --- people and time --- */

size_t cryptopay_sim_count_invoices(const struct cryptopay_sim *sim)
{
	return sim->count;
}

static void invoice_view(struct cryptopay_view *out, const struct invoice *in)
{
	static char amount[64];
	struct buf text;

	buf_init(&text, sizeof amount);
	money_write_plain(&text, in->amount_minor, in->currency->exponent);
	snprintf(amount, sizeof amount, "%s", buf_cstr(&text));
	buf_release(&text);
	*out = (struct cryptopay_view){
		.id = in->id, .payload = str_of(in->payload),
		.status = str_of(in->deleted ? "deleted" : cryptopay_status_names[in->status]),
		.currency = str_of(in->currency->code), .amount = str_of(amount),
		.description = str_of(in->description), .created_ms = in->created_ms, .expires_ms = in->expires_ms,
	};
}

bool cryptopay_sim_find(struct cryptopay_view *out, size_t *times, struct cryptopay_sim *sim, const char *payload)
{
	size_t found = 0;

	for (size_t i = 0; i < sim->count; i++) {
		if (!sim->invoices[i].payload || !str_is(str_of(payload), sim->invoices[i].payload))
			continue;
		found++;
		invoice_view(out, &sim->invoices[i]);
	}
	if (times)
		*times = found;
	return found > 0;
}

/* Each of an invoice's addresses ends with its hash. */
bool cryptopay_sim_find_url(struct cryptopay_view *out, struct cryptopay_sim *sim, const char *url)
{
	for (size_t i = 0; i < sim->count; i++)
		if (str_ends(str_of(url), sim->invoices[i].hash)) {
			invoice_view(out, &sim->invoices[i]);
			return true;
		}
	return false;
}

enum err cryptopay_sim_pay(struct cryptopay_sim *sim, int64_t id, const char *asset, int64_t now_ms)
{
	struct invoice *in;
	const struct currency *c = currency_find(str_of(asset));

	cryptopay_sim_advance(sim, now_ms);
	in = cryptopay_invoice_find(sim, id);
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
	struct invoice *in = cryptopay_invoice_find(sim, id);

	if (!in)
		return E_NOTFOUND;
	if (in->status != ACTIVE)
		return E_CONFLICT;
	in->status = EXPIRED;
	return OK;
}
