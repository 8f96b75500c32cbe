/* The business half of the payment vectors: each callback and each sequence of Stars through the shop's real handlers,
 * on a store of its own. The seam and the meaning of expect are in payments.h. */
#include "tests/vectors/payments.h"

#include <string.h>

#include "tests/unit/shop_fixture.c"

#define SEEN_UPDATES_MAX 256

/* A plan, an order and its invoice as the vector speaks of it. E_INVALID: no such currency or amount. */
static enum err add_order(struct shop *s, const char *provider, const char *invoice, int64_t telegram_id, int64_t amount_minor, const char *currency)
{
	struct user u = shop_user(s, telegram_id, "Payer");
	struct plan p = { .name = str_dup(&s->arena, str_of(invoice)), .days = 30, .on_sale = true, .prices_count = 1 };
	struct order o;
	enum err e;

	snprintf(p.prices[0].currency, sizeof p.prices[0].currency, "%s", currency);
	p.prices[0].amount_minor = amount_minor;
	e = plan_add(&p.id, &s->a, &p);
	if (!e)
		e = plan_get(&p, &s->a, p.id);
	if (!e)
		e = order_open(&o, &s->a, &u, &p, NULL);
	return e ? e : db_run(s->db, "INSERT INTO invoices(public_id, order_id, provider, amount_minor, currency, state, created_ms, expires_ms, updated_ms)"
		" VALUES(?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?7, ?6)", invoice, o.id, provider, amount_minor, p.prices[0].currency, s->now_ms, o.expires_ms);
}

static const char *order_state(struct shop *s, const char *invoice)
{
	char *state = NULL;

	db_get_text(&state, &s->arena, s->db, "SELECT o.state FROM orders o JOIN invoices i ON i.order_id=o.id WHERE i.public_id=?1", invoice);
	return state ? state : "missing";
}

static void check_books(struct shop *s, struct buf *why)
{
	bool balanced;

	if (ledger_check(&s->a, &balanced) != OK || !balanced)
		buf_adds(why, "the books do not balance; ");
}

/* --- callbacks --- */

static void *business_open(const struct pay_provider *provider)
{
	(void)provider;
	return shop_new();
}

static void business_close(void *shop)
{
	shop_free(shop);
}

static const char *currency_of(struct json_object *expect)
{
	static const char *const members[] = { "currency", "fiat", "asset" };

	for (size_t i = 0; i < countof(members); i++)
		if (json_str_at(expect, members[i]).len)
			return json_str_at(expect, members[i]).at;
	return "";
}

static enum err amount_of(int64_t *out, struct json_object *expect)
{
	const struct currency *c = currency_find(str_of(currency_of(expect)));

	*out = json_i64_at(expect, "amount_minor", 0);
	if (*out)
		return OK;
	return c ? money_read_plain(out, json_str_at(expect, "amount"), c->exponent) : E_INVALID;
}

static void make_invoice(struct shop *s, const struct pay_provider *p, struct json_object *expect, struct buf *why)
{
	struct str invoice = json_str_at(expect, "invoice");
	struct invoice known;
	int64_t amount;

	if (!invoice.len || invoice_by_public_id(&known, &s->a, invoice) == OK || amount_of(&amount, expect) != OK)
		return;
	if (add_order(s, p->name, invoice.at, 555000111 + s->next_update++, amount, currency_of(expect)) != OK)
		buf_adds(why, "the invoice cannot be made; ");
}

static int answer_status(struct shop *s, const struct pay_provider *p, const struct pay_inbound *in)
{
	struct http_inbound http = { .id = 1, .method = in->method, .path = pay_callback_path(&s->a, p), .query = in->query, .body = in->body };
	size_t before = s->core->turn.replies_count;

	for (size_t i = 0; i < in->headers_count && i < HTTP_INBOUND_HEADERS_MAX; i++)
		http.headers[http.headers_count++] = (struct http_header){ lower(&s->arena, in->headers[i].name), in->headers[i].value };
	if (pay_callback(&s->a, &http) != OK || s->core->turn.replies_count != before + 1)
		return 500;
	return s->core->turn.replies[before].status;
}

static void business_callback(void *shop, const struct pay_account *account, const struct pay_inbound *in, struct json_object *vector, struct buf *why)
{
	struct shop *s = shop;
	const struct pay_provider *p = account->provider;
	struct json_object *expect = json_at(vector, "expect");
	struct str action = json_str_at(expect, "action"), invoice = json_str_at(expect, "invoice");
	bool valid = json_bool_at(vector, json_at(vector, "authentic") ? "authentic" : "valid", true);
	int64_t before, after;
	int status;

	for (size_t i = 0; i < PAY_KEYS_MAX && p->keys[i].name; i++)
		if (pay_set_key(&s->a, p->keys[i].name, account->values[i]) != OK)
			buf_printf(why, "the shop does not take %s; ", p->keys[i].name);
	if (valid)
		make_invoice(s, p, expect, why);
	before = shop_number(s, "SELECT count(*) FROM payments");
	status = answer_status(s, p, in);
	after = shop_number(s, "SELECT count(*) FROM payments");
	if (valid ? status != 200 : status != 401 && status != 403)
		buf_printf(why, "answered with %d; ", status);
	if (str_is(action, "pay") && (after != before + 1 || strcmp(order_state(s, invoice.at), "paid") != 0))
		buf_printf(why, "the order is %s; ", order_state(s, invoice.at));
	if ((!valid || str_starts(action, "none") || str_starts(action, "wait")) && after != before)
		buf_adds(why, "money was taken; ");
	check_books(s, why);
}

/* --- sequences of Stars --- */

static void paid_before(struct shop *s, int64_t user, const char *invoice, int64_t stars, struct str state)
{
	struct str rest = state, charge = STR("");

	while (rest.at) { /* "paid by chg1, delivered" */
		struct str word = str_cut(&rest, ' ');

		if (str_is(word, "by"))
			charge = str_cut(&rest, ' ');
	}
	if (str_ends(charge, ","))
		charge.len--;
	if (charge.len)
		must(shop_stars(s, user, invoice, stars, str_dup(&s->arena, charge)));
	if (str_has(state, "delivered"))
		shop_panels_agree(s);
	if (str_has(state, "refunded"))
		must(shop_stars_refunded(s, user, invoice, stars, str_dup(&s->arena, charge)));
}

static void set_up(struct shop *s, struct json_object *setup, struct buf *why)
{
	struct json_object *orders = json_array_at(setup, "orders");

	for (size_t i = 0; i < json_len(orders); i++) {
		struct json_object *row = json_object_array_get_idx(orders, i);
		struct str invoice = json_str_at(row, "invoice"), state = json_str_at(row, "state");
		int64_t user = json_i64_at(row, "user", 0), stars = json_i64_at(row, "stars", 0);
		char *id = arena_printf(&s->arena, "%.*s", STR_ARG(invoice));

		if (add_order(s, "stars", id, user, stars, "XTR") != OK) {
			buf_printf(why, "set-up of %s; ", id);
			continue;
		}
		if (str_has(state, "paid"))
			paid_before(s, user, id, stars, state);
		if (str_starts(state, "canceled") || str_starts(state, "expired"))
			must(db_run(s->db, "UPDATE orders SET state='canceled' WHERE id=(SELECT order_id FROM invoices WHERE public_id=?1)", id));
		if (str_starts(state, "expired"))
			must(db_run(s->db, "UPDATE invoices SET state='expired' WHERE public_id=?1", id));
	}
}

struct played {
	bool answers[64];
	size_t answers_count;
	int64_t seen[SEEN_UPDATES_MAX];
	size_t seen_count;
};

/* An update that came before is stopped by the inbox, by its number alone. */
static bool came_before(struct played *p, int64_t update_id)
{
	for (size_t i = 0; i < p->seen_count; i++)
		if (p->seen[i] == update_id)
			return true;
	if (p->seen_count < SEEN_UPDATES_MAX)
		p->seen[p->seen_count++] = update_id;
	return false;
}

static void note_answer(struct shop *s, struct played *p)
{
	struct json_object *root;

	must(json_parse(&root, s->core->turn.added[s->core->turn.added_count - 1].payload));
	if (p->answers_count < countof(p->answers))
		p->answers[p->answers_count++] = json_bool_at(root, "ok", false);
	json_object_put(root);
}

static enum err play(struct shop *s, struct played *p, struct json_object *update)
{
	struct tg_update u;
	enum err e = tg_update_read(&u, &s->arena, str_of(json_object_to_json_string(update)));

	if (e || came_before(p, u.update_id))
		return e;
	if (u.kind == TG_UPDATE_PRE_CHECKOUT) {
		e = stars_pre_checkout(&s->a, &u);
		if (!e)
			note_answer(s, p);
		return e;
	}
	if (u.message.is_paid)
		e = stars_paid(&s->a, &u);
	else if (u.message.is_refund)
		e = stars_refunded(&s->a, &u);
	shop_panels_agree(s); /* "the panel answering well" */
	return e;
}

static void check_answers(const struct played *p, struct json_object *wanted, struct buf *why)
{
	if (json_len(wanted) != p->answers_count)
		buf_printf(why, "%zu pre-checkout answers; ", p->answers_count);
	for (size_t i = 0; i < json_len(wanted) && i < p->answers_count; i++)
		if (json_object_get_boolean(json_object_array_get_idx(wanted, i)) != p->answers[i])
			buf_printf(why, "pre-checkout %zu answered %s; ", i, p->answers[i] ? "yes" : "no");
}

static struct str item(struct json_object *row, size_t i)
{
	return str_of(json_object_get_string(json_object_array_get_idx(row, i)));
}

/* [external key, amount, currency, account credited] */
static void check_ledger(struct shop *s, int64_t after_id, struct json_object *wanted, struct buf *why)
{
	int64_t n, booked = 0;

	for (size_t i = 0; i < json_len(wanted); i++) {
		struct json_object *row = json_object_array_get_idx(wanted, i);
		struct str rest = item(row, 0), key = str_cut(&rest, ':'); /* "chg1", "chg1:refund" */

		must(db_get_i64(&n, s->db, "SELECT count(*) FROM ledger WHERE id>?1 AND external_key='stars:'||?2 AND amount_minor=?3 AND currency=?4 AND (credit=?5 OR credit=?5||':stars')",
			after_id, key, json_object_get_int64(json_object_array_get_idx(row, 1)), item(row, 2), item(row, 3)));
		if (n != 1)
			buf_printf(why, "%lld entries of %.*s to %.*s; ", (long long)n, STR_ARG(key), STR_ARG(item(row, 3)));
		booked += str_is(item(row, 3), "revenue") || str_is(item(row, 3), "suspense");
	}
	must(db_get_i64(&n, s->db, "SELECT count(*) FROM ledger WHERE id>?1 AND credit IN ('revenue', 'suspense')", after_id));
	if (n != booked)
		buf_printf(why, "%lld bookings of money; ", (long long)n);
}

static bool is_gone_word(struct str word)
{
	static const char *const words[] = { "revoked", "gone", "none", "cut", "deleted", "ended", "disabled" };

	for (size_t i = 0; i < countof(words); i++)
		if (str_has_nocase(word, words[i]))
			return true;
	return false;
}

static void check_orders(struct shop *s, struct json_object *expect, struct buf *why)
{
	struct json_object *orders = json_at(expect, "orders"), *deliveries = json_at(expect, "deliveries"), *access = json_at(expect, "access");
	int64_t total = 0, n;

	if (json_object_is_type(orders, json_type_object)) {
		json_object_object_foreach(orders, invoice, state) {
			if (strcmp(order_state(s, invoice), json_object_get_string(state)) != 0)
				buf_printf(why, "%s is %s; ", invoice, order_state(s, invoice));
		}
	}
	if (json_object_is_type(deliveries, json_type_object)) {
		json_object_object_foreach(deliveries, invoice, count) {
			total += json_object_get_int64(count);
			must(db_get_i64(&n, s->db, "SELECT count(*) FROM orders o JOIN invoices i ON i.order_id=o.id WHERE i.public_id=?1 AND o.delivered_ms>0", invoice));
			if (n != json_object_get_int64(count))
				buf_printf(why, "%s delivered %lld times; ", invoice, (long long)n);
		}
		if (total != shop_heard.delivered)
			buf_printf(why, "%d deliveries in all; ", shop_heard.delivered);
	}
	if (json_object_is_type(access, json_type_object)) {
		json_object_object_foreach(access, invoice, word) {
			n = 0;
			db_get_i64(&n, s->db, "SELECT count(*) FROM subscriptions s JOIN orders o ON o.subscription_id=s.id JOIN invoices i ON i.order_id=o.id"
				" WHERE i.public_id=?1 AND s.gone=0 AND s.enabled=1", invoice);
			if ((n == 0) != is_gone_word(str_of(json_object_get_string(word))))
				buf_printf(why, "access of %s is %s; ", invoice, n ? "there" : "gone");
		}
	}
}

static void business_sequence(struct json_object *sequence, struct buf *why)
{
	struct shop *s = shop_new();
	struct json_object *updates = json_array_at(sequence, "updates"), *expect = json_at(sequence, "expect");
	struct played p = { .answers_count = 0 };
	int64_t before_id, set_aside;

	set_up(s, json_at(sequence, "setup"), why);
	before_id = shop_number(s, "SELECT coalesce(max(id), 0) FROM ledger");
	for (size_t i = 0; i < json_len(updates); i++)
		if (play(s, &p, json_object_array_get_idx(updates, i)) != OK)
			buf_printf(why, "update %zu fails; ", i);
	check_answers(&p, json_array_at(expect, "precheckout"), why);
	check_ledger(s, before_id, json_array_at(expect, "ledger"), why);
	check_orders(s, expect, why);
	set_aside = shop_number(s, "SELECT count(*) FROM suspense");
	if (set_aside != (int64_t)json_len(json_array_at(expect, "suspense")))
		buf_printf(why, "%lld in suspense; ", (long long)set_aside);
	check_books(s, why);
	shop_free(s);
}

const struct payments_business payments_business = { business_open, business_close, business_callback, business_sequence };
