/* payments FILE: runs every vector of the providers we have built and names the ones of others as skipped.
 *
 * Each mismatch is a line with the vector's id; the last line is "N passed, N failed". Without the shop (payments.h)
 * a vector proves the verdict on its signature and every field of the event that its expect names; a sequence of Stars
 * proves that its payments become the events its ledger speaks of, each once. */
#include "tests/vectors/payments.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/money.h"
#include "lib/pay/stars.h"

#define FILE_BYTES_MAX (16 * 1024 * 1024)
#define HEADERS_MAX 32
#define EVENTS_MAX 256

struct run {
	int passed, failed, skipped;
	struct arena a;
	struct buf why; /* what is wrong with the present vector; empty: nothing */
};

/* Names in the file, our rows, and which member of a vector is which of our keys. */
static const struct {
	const char *section;
	const struct pay_provider *provider;
	struct { const char *key, *member; } keys[2];
} built[] = {
	{ "cryptopay", &pay_crypto_pay, { { "CRYPTO_PAY_TOKEN", "token" } } },
};

static void vector_end(struct run *run, const char *name)
{
	if (run->why.len) {
		printf("%s: %s\n", name, buf_cstr(&run->why));
		run->failed++;
	} else {
		run->passed++;
	}
	buf_clear(&run->why);
}

static void expect_str(struct run *run, const char *field, struct json_object *want, struct str got)
{
	struct str text = want ? str_of(json_object_get_string(want)) : got;

	if (!str_eq(text, got))
		buf_printf(&run->why, "%s is %.*s, not %.*s; ", field, STR_ARG(got), STR_ARG(text));
}

/* --- one callback --- */

struct lookup {
	size_t row;
	struct json_object *vector;
};

static struct str key_value(void *ctx, const char *name)
{
	const struct lookup *l = ctx;

	for (size_t i = 0; i < countof(built[0].keys) && built[l->row].keys[i].key; i++)
		if (strcmp(built[l->row].keys[i].key, name) == 0)
			return json_str_at(l->vector, built[l->row].keys[i].member);
	return STR("");
}

static void inbound_of(struct pay_inbound *in, struct http_header *headers, struct json_object *vector)
{
	struct json_object *given = json_at(vector, "headers");

	*in = (struct pay_inbound){ .method = HTTP_POST, .headers = headers, .body = json_str_at(vector, "body"),
		.query = json_str_at(vector, "query"), .now_ms = json_i64_at(vector, "now", 0) * SECOND_MS };
	if (!json_object_is_type(given, json_type_object))
		return;
	json_object_object_foreach(given, name, value)
		if (in->headers_count < HEADERS_MAX)
			headers[in->headers_count++] = (struct http_header){ name, json_object_get_string(value) };
}

static void check_amount(struct run *run, const struct pay_event *e, struct json_object *expect)
{
	const struct currency *c = currency_find(e->currency);
	int64_t minor = 0;

	if (json_at(expect, "amount_minor") && (!e->exact || json_i64_at(expect, "amount_minor", -1) != e->amount_minor))
		buf_printf(&run->why, "amount_minor is %lld; ", (long long)e->amount_minor);
	if (!json_at(expect, "amount"))
		return;
	if (!c || !e->exact || money_read_plain(&minor, json_str_at(expect, "amount"), c->exponent) != OK || minor != e->amount_minor)
		buf_printf(&run->why, "amount is %.*s; ", STR_ARG(e->amount_text));
}

/* The keys of earlier events of the same provider, to recognise what came before. */
struct seen {
	struct str keys[EVENTS_MAX];
	size_t n;
};

static bool seen_before(struct seen *seen, struct str key)
{
	for (size_t i = 0; i < seen->n; i++)
		if (str_eq(seen->keys[i], key))
			return true;
	if (seen->n < EVENTS_MAX)
		seen->keys[seen->n++] = key;
	return false;
}

static void check_event(struct run *run, const struct pay_event *e, struct json_object *expect, struct seen *seen)
{
	struct str action = json_str_at(expect, "action");
	bool again = seen_before(seen, e->key);

	expect_str(run, "invoice", json_at(expect, "invoice"), e->invoice);
	expect_str(run, "provider_id", json_at(expect, "provider_id"), e->ref);
	expect_str(run, "currency", json_at(expect, "currency"), e->currency);
	expect_str(run, "fiat", json_at(expect, "fiat"), e->currency);
	expect_str(run, "asset", json_at(expect, "asset"), e->currency);
	check_amount(run, e, expect);
	if (str_is(action, "pay") && (e->state != PAY_PAID || again))
		buf_printf(&run->why, "to be paid, but %s; ", again ? "seen before" : pay_state_name(e->state));
	if (str_has(action, "already applied") && !again)
		buf_adds(&run->why, "a repetition is not recognised; ");
}

static void check_callback(struct run *run, const struct pay_account *account, struct json_object *vector, struct seen *seen,
			   void *shop)
{
	struct http_header headers[HEADERS_MAX];
	struct json_object *expect = json_at(vector, "expect");
	bool valid = json_bool_at(vector, json_at(vector, "authentic") ? "authentic" : "valid", true);
	struct pay_inbound in;
	struct pay_callback c;

	inbound_of(&in, headers, vector);
	account->provider->callback_read(&c, &run->a, account, &in);
	if ((c.verdict != PAY_FORGED) != valid)
		buf_printf(&run->why, "taken for %s; ", c.verdict == PAY_FORGED ? "forged" : "authentic");
	else if (!valid && (c.has_event || c.status < 400))
		buf_adds(&run->why, "forged, but answered or with an event; ");
	else if (valid && !c.has_event && (json_at(expect, "invoice") || str_is(json_str_at(expect, "action"), "pay")))
		buf_printf(&run->why, "no event: %s; ", c.why);
	else if (valid && c.has_event)
		check_event(run, &c.event, expect, seen);
	if (shop)
		payments_business.callback(shop, account, &in, vector, &run->why);
}

static void run_callbacks(struct run *run, size_t row, struct json_object *vectors)
{
	struct seen seen = { .n = 0 };
	void *shop = &payments_business ? payments_business.open(built[row].provider) : NULL;

	for (size_t i = 0; i < json_len(vectors); i++) {
		struct json_object *vector = json_object_array_get_idx(vectors, i);
		struct lookup lookup = { row, vector };
		struct pay_account account;
		enum err e = pay_account_init(&account, built[row].provider, key_value, &lookup);
		struct str id = json_str_at(vector, "id");

		if (e)
			buf_printf(&run->why, "its keys are refused: %s; ", err_name(e));
		else
			check_callback(run, &account, vector, &seen, shop);
		vector_end(run, id.len ? id.at : built[row].section);
	}
	if (shop)
		payments_business.close(shop);
}

/* --- a sequence of Stars --- */

static bool stars_of(struct pay_event *out, struct arena *a, struct json_object *update)
{
	bool refunded = json_at(update, "message.refunded_payment") != NULL;
	struct json_object *p = json_at(update, refunded ? "message.refunded_payment" : "message.successful_payment");
	struct stars_paid paid = {
		.payload = json_str_at(p, "invoice_payload"), .charge_id = json_str_at(p, "telegram_payment_charge_id"),
		.currency = json_str_at(p, "currency"), .amount = json_i64_at(p, "total_amount", 0),
		.user_id = json_i64_at(update, "message.from.id", 0), .refunded = refunded,
		.recurring = json_bool_at(p, "is_recurring", false), .date_ms = json_i64_at(update, "message.date", 0) * SECOND_MS,
	};

	return p && stars_payment(out, a, &paid) == OK;
}

/* [external key, amount, currency, account] */
static bool is_booked(const struct pay_event *e, struct json_object *row)
{
	return str_eq(str_of(json_object_get_string(json_object_array_get_idx(row, 0))), e->ref) && e->exact &&
		json_object_get_int64(json_object_array_get_idx(row, 1)) == e->amount_minor &&
		str_eq(str_of(json_object_get_string(json_object_array_get_idx(row, 2))), e->currency);
}

static bool is_account(struct json_object *row, const char *account)
{
	return str_is(str_of(json_object_get_string(json_object_array_get_idx(row, 3))), account);
}

static size_t count_bookings(const struct pay_event *e, struct json_object *ledger)
{
	size_t n = 0;

	for (size_t i = 0; i < json_len(ledger); i++) {
		struct json_object *row = json_object_array_get_idx(ledger, i);

		n += is_booked(e, row) && (is_account(row, "revenue") || is_account(row, "suspense"));
	}
	return n;
}

/* Every payment, told apart by its key, is booked as revenue or set aside once; nothing is booked that did not come.
 * A payment of the set-up ("paid by chg1") was booked before. */
static void check_sequence(struct run *run, struct json_object *sequence)
{
	struct json_object *updates = json_array_at(sequence, "updates"), *ledger = json_array_at(sequence, "expect.ledger");
	struct str setup = str_of(json_object_to_json_string(json_at(sequence, "setup")));
	struct seen seen = { .n = 0 };
	size_t booked = 0, wanted = 0;

	for (size_t i = 0; i < json_len(updates); i++) {
		struct pay_event e;
		size_t n;

		if (!stars_of(&e, &run->a, json_object_array_get_idx(updates, i)) || e.state != PAY_PAID || seen_before(&seen, e.key))
			continue;
		n = count_bookings(&e, ledger);
		booked += n;
		if (n != 1 && !(n == 0 && str_has(setup, str_dup(&run->a, e.ref))))
			buf_printf(&run->why, "payment %.*s is booked %zu times; ", STR_ARG(e.ref), n);
	}
	for (size_t i = 0; i < json_len(ledger); i++) {
		struct json_object *row = json_object_array_get_idx(ledger, i);

		wanted += is_account(row, "revenue") || is_account(row, "suspense");
	}
	if (booked != wanted)
		buf_printf(&run->why, "%zu of %zu bookings have a payment; ", booked, wanted);
	if (&payments_business)
		payments_business.sequence(sequence, &run->why);
}

/* --- the file --- */

static void run_sequences(struct run *run, struct json_object *sequences)
{
	for (size_t i = 0; i < json_len(sequences); i++) {
		struct json_object *sequence = json_object_array_get_idx(sequences, i);

		check_sequence(run, sequence);
		vector_end(run, json_str_at(sequence, "id").len ? json_str_at(sequence, "id").at : "stars");
	}
}

static void skip(struct run *run, const char *section, const char *list, struct json_object *vectors)
{
	for (size_t i = 0; i < json_len(vectors); i++) {
		struct str id = json_str_at(json_object_array_get_idx(vectors, i), "id");

		if (id.len)
			printf("skipped %s %.*s\n", section, STR_ARG(id));
		else
			printf("skipped %s %s[%zu]\n", section, list, i);
		run->skipped++;
	}
}

static void run_section(struct run *run, const char *section, struct json_object *members)
{
	size_t row = 0;

	if (!json_object_is_type(members, json_type_object))
		return;
	while (row < countof(built) && strcmp(built[row].section, section) != 0)
		row++;
	json_object_object_foreach(members, name, value) {
		if (!json_object_is_type(value, json_type_array))
			continue;
		if (row < countof(built) && strcmp(name, "vectors") == 0)
			run_callbacks(run, row, value);
		else if (strcmp(section, "stars_sequences") == 0 && strcmp(name, "sequences") == 0)
			run_sequences(run, value);
		else
			skip(run, section, name, value);
	}
}

static enum err file_read(struct buf *to, const char *path)
{
	char piece[65536];
	size_t n;
	FILE *f = fopen(path, "rb");

	if (!f)
		return E_IO;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_add(to, str_n(piece, n));
	n = (size_t)ferror(f);
	fclose(f);
	return n ? E_IO : to->over ? E_TOOBIG : OK;
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	struct json_object *root = NULL, *sections;
	struct buf text;

	buf_init(&text, FILE_BYTES_MAX);
	buf_init(&run.why, 65536);
	if (argc != 2 || file_read(&text, argv[1]) != OK || json_parse(&root, buf_str(&text)) != OK) {
		fprintf(stderr, "usage: payments FILE (JSON, in the form of payment-vectors.json)\n");
		buf_release(&text);
		return 2;
	}
	sections = json_at(root, "providers");
	if (json_object_is_type(sections, json_type_object)) {
		json_object_object_foreach(sections, name, members)
			run_section(&run, name, members);
	}
	if (!&payments_business)
		printf("events only: no shop is linked in\n");
	printf("%d skipped\n%d passed, %d failed\n", run.skipped, run.passed, run.failed);
	json_object_put(root);
	buf_release(&text);
	buf_release(&run.why);
	arena_release(&run.a);
	return run.failed || !run.passed;
}
