/* Stars: invoices, checkouts with their ten seconds, charges, refunds, the account. */
#include "tests/sim/botapi_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"

#define CHECKOUT_LIFE_MS (10 * SECOND_MS)
#define FIRST_CHECKOUT INT64_C(4400000000000000000)
#define SUBSCRIPTION_S 2592000
#define STARS_MAX 100000

/* --- invoices --- */

/* The price of an invoice for Stars, 0 if it is refused (answered). */
static int64_t price_take(struct call *c)
{
	struct json_object *prices;
	int64_t stars = 0;

	if (!arg_json(&prices, c, "prices") || !json_object_is_type(prices, json_type_array)) {
		call_fail(c, 400, "Bad Request: can't parse prices JSON object");
	} else if (arg(c, "provider_token").len || !str_is(arg(c, "currency"), "XTR")) {
		call_fail(c, 400, "Bad Request: PAYMENT_PROVIDER_INVALID");
	} else if (json_len(prices) != 1) {
		call_fail(c, 400, "Bad Request: STARS_INVOICE_INVALID");
	} else {
		stars = json_i64_at(json_object_array_get_idx(prices, 0), "amount", 0);
		if (stars < 1 || stars > STARS_MAX) {
			call_fail(c, 400, "Bad Request: CURRENCY_TOTAL_AMOUNT_INVALID");
			stars = 0;
		}
	}
	json_object_put(prices);
	return stars;
}

static bool texts_fine(struct call *c)
{
	static const struct { const char *name; size_t max; } texts[] = { { "title", 32 }, { "description", 255 } };
	struct str payload = arg(c, "payload");

	for (size_t i = 0; i < countof(texts); i++) {
		size_t n = utf8_points(arg(c, texts[i].name));

		if (n < 1 || n > texts[i].max) {
			call_failf(c, 400, "Bad Request: invoice %s must be of 1-%zu characters", texts[i].name, texts[i].max);
			return false;
		}
	}
	if (payload.len < 1 || payload.len > 128) {
		call_fail(c, 400, "Bad Request: INVOICE_PAYLOAD_INVALID");
		return false;
	}
	return true;
}

/* An invoice without a keyboard of ours has the button that Telegram puts there. */
static void add_pay_button(struct botapi_message *m)
{
	m->buttons = xcalloc(1, sizeof *m->buttons);
	m->buttons[0] = (struct botapi_button){ .text = own(STR("Pay")), .pay = true };
	m->buttons_count = 1;
}

static bool invoice_markup(struct call *c, struct botapi_message *m)
{
	if (!markup_take(c, m))
		return false;
	if (m->buttons_count == 0) {
		add_pay_button(m);
		return true;
	}
	if (m->buttons[0].pay)
		return true;
	call_fail(c, 400, "Bad Request: BUTTON_POS_INVALID");
	return false;
}

void send_invoice(struct call *c)
{
	struct chat *chat = chat_for_sending(c);
	struct botapi_message invoice = { 0 }, *m;

	if (!chat || !texts_fine(c) || !(invoice.invoice_stars = price_take(c)))
		return;
	if (!invoice_markup(c, &invoice) || !rates_allow(c, chat)) {
		message_release(&invoice);
		return;
	}
	m = message_add(c->b, chat);
	invoice.chat_id = m->chat_id;
	invoice.id = m->id;
	invoice.sent_ms = m->sent_ms;
	invoice.from_bot = true;
	invoice.invoice_title = own(arg(c, "title"));
	invoice.invoice_text = own(arg(c, "description"));
	invoice.invoice_payload = own(arg(c, "payload"));
	*m = invoice;
	call_begin(c);
	put_message(&c->j, chat, m);
	call_end(c);
}

void create_link(struct call *c)
{
	int64_t period_s = arg_i64(c, "subscription_period", 0), stars;
	char link[64];

	if (period_s && period_s != SUBSCRIPTION_S) {
		call_fail(c, 400, "Bad Request: SUBSCRIPTION_PERIOD_INVALID");
		return;
	}
	if (!texts_fine(c) || !(stars = price_take(c)))
		return;
	snprintf(link, sizeof link, "https://t.me/$invoice%zu", c->b->links.count + 1);
	*list_add(&c->b->links) = (struct invoice_link){
		.link = own(str_of(link)), .title = own(arg(c, "title")), .payload = own(arg(c, "payload")), .stars = stars, .recurring = period_s > 0,
	};
	call_begin(c);
	json_add_str(&c->j, str_of(link));
	call_end(c);
}

/* --- checkouts --- */

struct checkout *checkout_add(struct botapi *b, int64_t user, int64_t stars, struct str payload, bool recurring)
{
	struct checkout *k = list_add(&b->checkouts);

	*k = (struct checkout){
		.id = FIRST_CHECKOUT + (int64_t)b->checkouts.count, .user = user, .stars = stars, .asked_ms = b->now_ms,
		.payload = own(payload), .state = BOTAPI_CHECKOUT_WAITING, .recurring = recurring,
	};
	return k;
}

static int checkout_ask(struct botapi *b, int64_t user, int64_t stars, struct str payload, bool recurring)
{
	struct checkout *k = checkout_add(b, user, stars, payload, recurring);
	struct update_draft d;

	update_begin(&d, b, "pre_checkout_query");
	put_id(&d.j, "id", k->id);
	json_key(&d.j, "from");
	put_user(&d.j, chat_find(b, user));
	json_put_cstr(&d.j, "currency", "XTR");
	json_put_i64(&d.j, "total_amount", stars);
	json_put_str(&d.j, "invoice_payload", payload);
	update_end(&d, b);
	return (int)b->checkouts.count;
}

int botapi_pay(struct botapi *b, int64_t user, int64_t message_id)
{
	struct chat *chat = chat_find(b, user);
	struct botapi_message *m = chat ? message_find(chat, message_id) : NULL;

	return m && m->invoice_stars ? checkout_ask(b, user, m->invoice_stars, m->invoice_payload, false) : 0;
}

int botapi_pay_link(struct botapi *b, int64_t user, struct str link)
{
	for (size_t i = 0; i < b->links.count; i++)
		if (chat_find(b, user) && str_eq(b->links.at[i].link, link))
			return checkout_ask(b, user, b->links.at[i].stars, b->links.at[i].payload, b->links.at[i].recurring);
	return 0;
}

static struct checkout *checkout_at(const struct botapi *b, int number)
{
	return number > 0 && (size_t)number <= b->checkouts.count ? &b->checkouts.at[number - 1] : NULL;
}

static bool is_over(const struct botapi *b, const struct checkout *k)
{
	return b->now_ms - k->asked_ms > CHECKOUT_LIFE_MS;
}

enum botapi_checkout botapi_checkout_state(const struct botapi *b, int checkout)
{
	const struct checkout *k = checkout_at(b, checkout);

	if (!k)
		return BOTAPI_CHECKOUT_NONE;
	return k->state == BOTAPI_CHECKOUT_WAITING && is_over(b, k) ? BOTAPI_CHECKOUT_EXPIRED : k->state;
}

struct str botapi_checkout_charge(const struct botapi *b, int checkout)
{
	const struct checkout *k = checkout_at(b, checkout);

	return k ? k->charge : STR("");
}

struct str botapi_checkout_refusal(const struct botapi *b, int checkout)
{
	const struct checkout *k = checkout_at(b, checkout);

	return k ? k->refusal : STR("");
}

/* The money moves. Returns the charge id, which the account keeps. */
static struct str charge(struct botapi *b, int64_t user, int64_t stars, struct str payload, bool recurring)
{
	char id[64];

	snprintf(id, sizeof id, "stxCharge%08zuOf%" PRId64, b->transactions.count + 1, user);
	*list_add(&b->transactions) = (struct transaction){
		.id = own(str_of(id)), .payload = own(payload), .user = user, .stars = stars, .date_ms = b->now_ms, .recurring = recurring,
	};
	b->balance += stars;
	return b->transactions.at[b->transactions.count - 1].id;
}

static void put_payment(struct json_out *j, const char *key, int64_t stars, struct str payload, struct str charge_id)
{
	json_key(j, key);
	json_open(j, '{');
	json_put_cstr(j, "currency", "XTR");
	json_put_i64(j, "total_amount", stars);
	json_put_str(j, "invoice_payload", payload);
	json_put_str(j, "telegram_payment_charge_id", charge_id);
}

static void service_message_begin(struct update_draft *d, struct botapi *b, struct chat *chat, bool from_bot)
{
	struct botapi_message *m = message_add(b, chat);

	m->from_bot = from_bot;
	m->deleted = true; /* nothing the tests look for on the screen */
	update_begin(d, b, "message");
	json_put_i64(&d->j, "message_id", m->id);
	json_key(&d->j, "from");
	if (from_bot)
		put_bot(&d->j);
	else
		put_user(&d->j, chat);
	json_key(&d->j, "chat");
	put_chat(&d->j, chat);
	json_put_i64(&d->j, "date", b->now_ms / SECOND_MS);
}

static int64_t announce_payment(struct botapi *b, const struct checkout *k, struct str charge_id, bool first)
{
	struct update_draft d;

	service_message_begin(&d, b, chat_find(b, k->user), false);
	put_payment(&d.j, "successful_payment", k->stars, k->payload, charge_id);
	json_put_cstr(&d.j, "provider_payment_charge_id", "777000111_4");
	if (k->recurring) {
		json_put_i64(&d.j, "subscription_expiration_date", b->now_ms / SECOND_MS + SUBSCRIPTION_S);
		json_put_bool(&d.j, "is_recurring", true);
		if (first)
			json_put_bool(&d.j, "is_first_recurring", true);
	}
	json_close(&d.j, '}');
	return update_end(&d, b);
}

void answer_pre_checkout(struct call *c)
{
	struct botapi *b = c->b;
	int64_t number = arg_i64(c, "pre_checkout_query_id", 0) - FIRST_CHECKOUT;
	struct checkout *k = number > 0 && number <= INT32_MAX ? checkout_at(b, (int)number) : NULL;

	if (!k || k->state != BOTAPI_CHECKOUT_WAITING || is_over(b, k)) {
		call_fail(c, 400, "Bad Request: query is too old and response timeout expired or query ID is invalid");
		return;
	}
	if (!arg_bool(c, "ok")) {
		if (arg(c, "error_message").len == 0) {
			call_fail(c, 400, "Bad Request: error message can't be empty");
			return;
		}
		k->state = BOTAPI_CHECKOUT_REFUSED;
		k->refusal = own(arg(c, "error_message"));
	} else {
		k->state = BOTAPI_CHECKOUT_PAID;
		k->charge = own(charge(b, k->user, k->stars, k->payload, k->recurring));
		announce_payment(b, k, k->charge, true);
	}
	call_true(c);
}

struct str botapi_pay_silently(struct botapi *b, int64_t user, const char *payload, int64_t stars)
{
	return charge(b, user, stars, str_of(payload), false);
}

int64_t botapi_renew(struct botapi *b, int checkout)
{
	struct checkout *k = checkout_at(b, checkout);

	if (!k || !k->recurring || k->state != BOTAPI_CHECKOUT_PAID)
		return 0;
	return announce_payment(b, k, charge(b, k->user, k->stars, k->payload, true), false);
}

/* --- the account --- */

int64_t botapi_balance(const struct botapi *b)
{
	return b->balance;
}

static struct transaction *charge_find(struct botapi *b, struct str id, int64_t user)
{
	for (size_t i = 0; i < b->transactions.count; i++) {
		struct transaction *t = &b->transactions.at[i];

		if (!t->refund && !t->withdrawal && t->user == user && str_eq(t->id, id))
			return t;
	}
	return NULL;
}

static void refund(struct botapi *b, struct transaction paid)
{
	struct chat *chat = chat_find(b, paid.user);
	struct update_draft d;

	*list_add(&b->transactions) = (struct transaction){
		.id = own(paid.id), .payload = own(paid.payload), .user = paid.user, .stars = paid.stars, .date_ms = b->now_ms, .refund = true,
	};
	b->balance -= paid.stars;
	if (!chat)
		return;
	service_message_begin(&d, b, chat, true);
	put_payment(&d.j, "refunded_payment", paid.stars, paid.payload, paid.id);
	json_close(&d.j, '}');
	update_end(&d, b);
}

bool botapi_give_back(struct botapi *b, struct str charge)
{
	for (size_t i = 0; i < b->transactions.count; i++) {
		struct transaction *t = &b->transactions.at[i];

		if (t->refund || t->refunded || !str_eq(t->id, charge))
			continue;
		t->refunded = true;
		refund(b, *t);
		return true;
	}
	return false;
}

int64_t botapi_withdraw(struct botapi *b)
{
	int64_t stars = b->balance;
	char id[32];

	if (stars <= 0)
		return 0;
	snprintf(id, sizeof id, "withdrawal%zu", b->transactions.count);
	*list_add(&b->transactions) = (struct transaction){ .id = own(str_of(id)), .payload = own(STR("")), .stars = stars, .date_ms = b->now_ms, .withdrawal = true };
	b->balance = 0;
	return stars;
}

void refund_stars(struct call *c)
{
	struct transaction *t = charge_find(c->b, arg(c, "telegram_payment_charge_id"), arg_i64(c, "user_id", 0));

	if (!t) {
		call_fail(c, 400, "Bad Request: CHARGE_NOT_FOUND");
	} else if (t->refunded) {
		call_fail(c, 400, "Bad Request: CHARGE_ALREADY_REFUNDED");
	} else if (t->stars > c->b->balance) {
		call_fail(c, 400, "Bad Request: BALANCE_TOO_LOW");
	} else {
		t->refunded = true;
		refund(c->b, *t);
		call_true(c);
	}
}

static void put_transaction(struct json_out *j, const struct botapi *b, const struct transaction *t)
{
	const struct chat *user = chat_find(b, t->user);

	json_open(j, '{');
	json_put_str(j, "id", t->id);
	json_put_i64(j, "amount", t->stars);
	json_put_i64(j, "date", t->date_ms / SECOND_MS);
	json_key(j, t->refund || t->withdrawal ? "receiver" : "source");
	json_open(j, '{');
	if (t->withdrawal) {
		json_put_cstr(j, "type", "fragment");
		json_close(j, '}');
		json_close(j, '}');
		return;
	}
	json_put_cstr(j, "type", "user");
	json_put_cstr(j, "transaction_type", "invoice_payment");
	if (user) {
		json_key(j, "user");
		put_user(j, user);
	}
	json_put_str(j, "invoice_payload", t->payload);
	if (t->recurring)
		json_put_i64(j, "subscription_period", SUBSCRIPTION_S);
	json_close(j, '}');
	json_close(j, '}');
}

void get_transactions(struct call *c)
{
	int64_t offset = arg_i64(c, "offset", 0), limit = arg_i64(c, "limit", 100);
	size_t count = c->b->transactions.count;
	size_t from = offset < 0 ? 0 : (uint64_t)offset > count ? count : (size_t)offset;
	size_t page = limit < 1 ? 1 : limit > 100 ? 100 : (size_t)limit;
	size_t to = count - from < page ? count : from + page;

	call_begin(c);
	json_open(&c->j, '{');
	json_key(&c->j, "transactions");
	json_open(&c->j, '[');
	for (size_t i = from; i < to; i++)
		put_transaction(&c->j, c->b, &c->b->transactions.at[i]);
	json_close(&c->j, ']');
	json_close(&c->j, '}');
	call_end(c);
}

void get_balance(struct call *c)
{
	call_begin(c);
	json_open(&c->j, '{');
	json_put_i64(&c->j, "amount", c->b->balance);
	json_close(&c->j, '}');
	call_end(c);
}
