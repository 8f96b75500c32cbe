/* See crowd.h. */
#include "tests/e2e/crowd.h"

#include "tests/unit/proves.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "tests/e2e/prepare.h"

#define PURCHASES_MAX 4           /* of one person: one new, then renewals */
#define PEOPLE_MAX 4000
#define CHECKOUTS_MAX (PURCHASES_MAX * 2)
#define PATIENCE_US (4 * INT64_C(1000000))
#define ADMIN_EVERY_US (2 * INT64_C(1000000))
#define FLIGHTS_MAX 16
#define TWICE_ONE_IN 8
#define MONTH_MS (30 * DAY_MS)

enum mind { IDLE, CHOOSES_PLAN, CHOOSES_WAY, AWAITS_BILL, CHECKOUT_OPEN, AWAITS_GOODS, GONE };

struct person {
	int64_t user;
	enum mind mind;
	int64_t mark;             /* messages after this one are answers to what was done last */
	int64_t since_us;         /* in this state of mind */
	int bought, money;        /* purchases paid for; movements of money */
	int checkouts[2];         /* of the purchase under way; 0: none */
	bool crypto;
	int64_t invoice;          /* at Crypto Pay, paid */
};

/* A callback on its way to the program. */
struct flight {
	struct cryptopay_callback callback;
	struct arena arena;
	uint64_t id;
};

struct crowd {
	struct rig *r;
	struct person people[PEOPLE_MAX];
	size_t count, at_once;
	struct flight flights[FLIGHTS_MAX];
	int port;                 /* of the public listener; 0: look for it */
	pid_t port_of;
	int64_t admin_us;
	bool closed;
	struct arena arena;       /* the callbacks' path, charges */
	const char *path;
	struct crowd_figures figures;
};

/* --- one person --- */

static void turn_to(struct person *p, enum mind mind)
{
	p->mind = mind;
	p->since_us = clock_mono_us();
}

static const struct botapi_message *newest(struct crowd *c, const struct person *p, size_t back)
{
	size_t n = botapi_messages_count(c->r->telegram, p->user);
	const struct botapi_message *m = n > back ? botapi_message_at(c->r->telegram, p->user, n - 1 - back) : NULL;

	return m && m->id > p->mark ? m : NULL;
}

static void set_mark(struct crowd *c, struct person *p)
{
	const struct botapi_message *m;

	p->mark = 0;
	m = newest(c, p, 0);
	p->mark = m ? m->id : 0;
}

static void say(struct crowd *c, struct person *p, const char *text, enum mind next)
{
	set_mark(c, p);
	botapi_say(c->r->telegram, p->user, text);
	serve_changed(c->r->serve);
	turn_to(p, next);
}

/* A button of an answer; label is a part of it. */
static const struct botapi_button *find_button(struct crowd *c, const struct person *p, const char *label, int64_t *message_id)
{
	const struct botapi_message *m;

	for (size_t i = 0; (m = newest(c, p, i)) != NULL; i++)
		for (size_t b = 0; m->from_bot && !m->deleted && b < m->buttons_count; b++)
			if (str_has(m->buttons[b].text, label)) {
				*message_id = m->id;
				return &m->buttons[b];
			}
	return NULL;
}

static bool tap(struct crowd *c, struct person *p, const char *label, enum mind next)
{
	int64_t message_id;
	const struct botapi_button *b = find_button(c, p, label, &message_id);

	if (!b || !b->data.len)
		return false;
	botapi_tap_data(c->r->telegram, p->user, message_id, b->data.at);
	serve_changed(c->r->serve);
	turn_to(p, next);
	return true;
}

static const char *way_of(const struct person *p)
{
	return p->crypto ? "Crypto Bot" : "Telegram Stars";
}

static void press_pay(struct crowd *c, struct person *p, int64_t message_id)
{
	int times = rand_below(TWICE_ONE_IN) == 0 ? 2 : 1;

	for (int i = 0; i < times; i++)
		p->checkouts[i] = botapi_pay(c->r->telegram, p->user, message_id);
	serve_changed(c->r->serve);
	turn_to(p, CHECKOUT_OPEN);
}

static void paid(struct crowd *c, struct person *p)
{
	p->bought++;
	c->figures.purchases++;
	turn_to(p, AWAITS_GOODS);
}

static void look_for_bill(struct crowd *c, struct person *p)
{
	const struct botapi_message *m;
	struct cryptopay_view invoice;
	struct arena arena = { 0 };

	for (size_t i = 0; p->mind == AWAITS_BILL && (m = newest(c, p, i)) != NULL; i++) {
		if (m->deleted || !m->from_bot)
			continue;
		if (!p->crypto && m->invoice_stars)
			press_pay(c, p, m->id);
		for (size_t b = 0; p->crypto && b < m->buttons_count; b++) {
			if (!m->buttons[b].url.len || !cryptopay_sim_find_url(&invoice, c->r->cryptopay, str_dup(&arena, m->buttons[b].url)))
				continue;
			if (cryptopay_sim_pay(c->r->cryptopay, invoice.id, "USDT", clock_now_ms()) != OK)
				continue;
			p->invoice = invoice.id;
			p->money++;
			c->figures.payments++;
			paid(c, p);
			break;
		}
	}
	arena_release(&arena);
}

/* Both have ended: what was taken is paid for; nothing was taken: from the beginning. */
static void look_at_checkouts(struct crowd *c, struct person *p)
{
	int taken = 0;

	for (int i = 0; i < 2; i++) {
		enum botapi_checkout state = botapi_checkout_state(c->r->telegram, p->checkouts[i]);

		if (state == BOTAPI_CHECKOUT_WAITING)
			return;
		taken += state == BOTAPI_CHECKOUT_PAID;
	}
	p->checkouts[0] = p->checkouts[1] = 0;
	p->money += taken;
	c->figures.payments += (size_t)taken;
	c->figures.twice += taken == 2;
	if (taken)
		paid(c, p);
	else
		turn_to(p, IDLE);
}

static bool has_goods(struct crowd *c, const struct person *p)
{
	const struct botapi_message *m;

	for (size_t i = 0; (m = newest(c, p, i)) != NULL; i++)
		if (m->from_bot && (str_has(m->text, "vless://") || str_has(m->text, "Renewed:")))
			return true;
	return false;
}

static void begin_purchase(struct crowd *c, struct person *p)
{
	if (c->closed || p->bought == PURCHASES_MAX) {
		turn_to(p, GONE);
		return;
	}
	p->crypto = rand_below(3) == 0;
	say(c, p, p->bought ? "/renew" : "/plans", p->bought ? CHOOSES_WAY : CHOOSES_PLAN);
}

static void live(struct crowd *c, struct person *p)
{
	bool impatient = clock_mono_us() - p->since_us > PATIENCE_US;

	switch (p->mind) {
	case IDLE:
		begin_purchase(c, p);
		return;
	case CHOOSES_PLAN:
		if (!tap(c, p, "Month", CHOOSES_WAY) && impatient)
			turn_to(p, IDLE);
		return;
	case CHOOSES_WAY:
		if (!tap(c, p, way_of(p), AWAITS_BILL) && impatient)
			turn_to(p, IDLE);
		return;
	case AWAITS_BILL:
		look_for_bill(c, p);
		if (p->mind == AWAITS_BILL && impatient)
			turn_to(p, IDLE);
		return;
	case CHECKOUT_OPEN:
		look_at_checkouts(c, p);
		return;
	case AWAITS_GOODS:
		if (has_goods(c, p))
			turn_to(p, IDLE);
		return;
	case GONE:
		return;
	}
}

static void come(struct crowd *c)
{
	struct person *p = &c->people[c->count];

	if (c->count == PEOPLE_MAX)
		fail_msg("more than %d people", PEOPLE_MAX);
	*p = (struct person){ .user = botapi_user_new(c->r->telegram, "Person", NULL, "en") };
	c->count++;
	say(c, p, "/start", IDLE);
}

/* --- the service's callbacks --- */

static void send_callbacks(struct crowd *c)
{
	for (size_t i = 0; i < FLIGHTS_MAX && c->port; i++) {
		struct flight *f = &c->flights[i];
		struct http_request request = { .method = HTTP_POST, .timeout_ms = 10000 };

		if (f->id || !cryptopay_sim_take_callback(&f->callback, c->r->cryptopay, &f->arena, clock_now_ms()))
			continue;
		request.url = arena_printf(&f->arena, "http://127.0.0.1:%d%s", c->port, c->path);
		request.body = f->callback.body;
		for (size_t h = 0; h < f->callback.headers_count; h++)
			http_add_header(&request, f->callback.headers[h].name, f->callback.headers[h].value);
		f->id = http_client_start(c->r->client, &request, HTTP_LANE_NORMAL, f);
	}
}

static void end_callbacks(struct crowd *c)
{
	struct http_done done;

	http_client_poll(c->r->client, NULL, 0, 0);
	while (http_client_next(c->r->client, &done)) {
		struct flight *f = done.tag;

		cryptopay_sim_settle_callback(c->r->cryptopay, &f->callback, done.response->failure ? 0 : done.response->status);
		http_done_release(c->r->client, &done);
		arena_clear(&f->arena);
		f->id = 0;
	}
}

static bool any_flight(const struct crowd *c)
{
	for (size_t i = 0; i < FLIGHTS_MAX; i++)
		if (c->flights[i].id)
			return true;
	return false;
}

/* Each start listens at another port. */
static void find_port(struct crowd *c)
{
	if (c->port_of == c->r->pid && c->port)
		return;
	c->port = c->r->pid && rig_is_up(c->r) ? rig_port(c->r, "public") : 0;
	c->port_of = c->r->pid;
}

/* --- the admin --- */

static void admin_tap(struct crowd *c, const char *verb, const char *id, const char *arg)
{
	const struct botapi_message *m = botapi_last(c->r->telegram, RIG_ADMIN);
	struct arena arena = { 0 };

	if (m)
		botapi_tap_data(c->r->telegram, RIG_ADMIN, m->id, arena_printf(&arena, "%s:%s%s", verb, id, arg));
	serve_changed(c->r->serve);
	arena_release(&arena);
}

static void test_failing_panels(struct crowd *c)
{
	struct arena arena = { 0 };
	char *id = rig_text(c->r, &arena, "SELECT CAST(id AS TEXT) FROM panels WHERE state IN ('failing', 'down') ORDER BY random()");

	if (id) {
		botapi_say(c->r->telegram, RIG_ADMIN, arena_printf(&arena, "/panel_test %s", id));
		serve_changed(c->r->serve);
		c->figures.panels_tested++;
	}
	arena_release(&arena);
}

static void retry_stuck(struct crowd *c)
{
	struct arena arena = { 0 };
	char *order = rig_text(c->r, &arena, "SELECT o.public_id FROM orders o JOIN jobs j ON j.kind='reconcile' AND j.subject LIKE o.subscription_id || ':%'"
		" WHERE o.state='paid' AND (j.state=2 OR j.reason='failing') ORDER BY random()");
	char *update = rig_text(c->r, &arena, "SELECT CAST(update_id AS TEXT) FROM inbox WHERE state=2 AND money=1 ORDER BY random()");

	if (order) {
		admin_tap(c, "a_retry", order, "");
		c->figures.orders_retried++;
	}
	if (update) {
		admin_tap(c, "a_stuck", update, ":retry");
		c->figures.money_retried++;
	}
	arena_release(&arena);
}

static void look_after(struct crowd *c)
{
	if (clock_mono_us() < c->admin_us || !c->r->pid)
		return;
	c->admin_us = clock_mono_us() + ADMIN_EVERY_US;
	test_failing_panels(c);
	retry_stuck(c);
}

/* --- all --- */

struct crowd *crowd_new(struct rig *r, size_t at_once)
{
	struct crowd *c = xcalloc(1, sizeof *c);

	c->r = r;
	c->at_once = at_once;
	c->path = prepare_callback_path(r, &c->arena);
	botapi_say(r->telegram, RIG_ADMIN, "/start");
	return c;
}

void crowd_free(struct crowd *c)
{
	for (size_t i = 0; i < FLIGHTS_MAX; i++) {
		http_client_cancel(c->r->client, c->flights[i].id);
		arena_release(&c->flights[i].arena);
	}
	arena_release(&c->arena);
	free(c);
}

void crowd_step(struct crowd *c)
{
	size_t here = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->people[i].mind == GONE)
			continue;
		live(c, &c->people[i]);
		here++;
	}
	while (!c->closed && here < c->at_once) {
		come(c);
		here++;
	}
	find_port(c);
	send_callbacks(c);
	end_callbacks(c);
	look_after(c);
	c->figures.people = c->count;
}

void crowd_close(struct crowd *c)
{
	c->closed = true;
}

bool crowd_is_quiet(struct crowd *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->people[i].mind != GONE)
			return false;
	return !any_flight(c);
}

struct crowd_figures crowd_figures(const struct crowd *c)
{
	return c->figures;
}

/* --- what must be true --- */

struct found {
	int64_t user, expiry_sum_ms;
	int64_t n;
};

static bool keep(void *ctx, const struct panel_client_view *client)
{
	struct found *f = ctx;

	if (client->tg_id == f->user) {
		f->n++;
		f->expiry_sum_ms += client->expiry_ms;
	}
	return true;
}

static int64_t number_of(struct crowd *c, const struct person *p, const char *sql)
{
	struct arena arena = { 0 };
	int64_t n = rig_number(c->r, arena_printf(&arena, "%s (SELECT id FROM users WHERE telegram_id=%" PRId64 ")", sql, p->user));

	arena_release(&arena);
	return n;
}

/* Three deaths in a row with the same message under way: it is given up as what kills the program, and stands in the
 * table for a person. */
static bool any_given_up(struct crowd *c, const struct person *p)
{
	struct arena arena = { 0 };
	int64_t n = rig_number(c->r, arena_printf(&arena, "SELECT count(*) FROM outbox WHERE state=2 AND chat_id=%" PRId64, p->user));

	arena_release(&arena);
	return n > 0;
}

static void assert_link_and_picture(struct crowd *c, const struct person *p)
{
	bool link = false, picture = any_given_up(c, p);

	for (size_t i = 0; i < botapi_messages_count(c->r->telegram, p->user); i++) {
		const struct botapi_message *m = botapi_message_at(c->r->telegram, p->user, i);

		link = link || (m->from_bot && str_has(m->text, "vless://"));
		picture = picture || m->photo.len;
	}
	if (!link || !picture)
		fail_msg("person %" PRId64 " got %s%s", p->user, link ? "" : "no link ", picture ? "" : "no picture");
}

/* A client for each new order and none for a renewal, whatever happened, and each runs as long as what was paid for it: a
 * delivery made twice or lost shows in its end. (An answer that came late may lead somebody to buy anew who meant to renew.) */
static void assert_served(struct crowd *c, const struct person *p)
{
	struct found f = { .user = p->user };
	int64_t delivered = number_of(c, p, "SELECT count(*) FROM orders WHERE state='delivered' AND user_id=");
	int64_t anew = number_of(c, p, "SELECT count(*) FROM orders WHERE state='delivered' AND kind='new' AND user_id=");
	int64_t starts_ms = number_of(c, p, "SELECT sum(m) FROM (SELECT min(paid_ms) AS m, user_id FROM orders WHERE state='delivered' GROUP BY subscription_id) WHERE user_id=");

	for (size_t i = 0; i < c->r->panels_count; i++)
		panel_sim_each_client(c->r->panels[i].sim, 0, keep, &f);
	if (f.n != anew || delivered != p->bought)
		fail_msg("person %" PRId64 " bought %d times; delivered orders: %" PRId64 ", %" PRId64 " of them new; clients: %" PRId64, p->user, p->bought, delivered, anew, f.n);
	if (number_of(c, p, "SELECT count(*) FROM payments WHERE user_id=") != p->money)
		fail_msg("person %" PRId64 " paid %d times, the books say otherwise", p->user, p->money);
	if (number_of(c, p, "SELECT count(*) FROM payments WHERE state='applied' AND user_id=") != p->bought)
		fail_msg("person %" PRId64 ": %d purchases, another number of payments that count", p->user, p->bought);
	if (!p->bought)
		return;
	/* the panel keeps whole seconds in some versions */
	assert_in_range(f.expiry_sum_ms, starts_ms + delivered * MONTH_MS - f.n * SECOND_MS, starts_ms + delivered * MONTH_MS + f.n * SECOND_MS);
	assert_link_and_picture(c, p);
}

static int64_t ledger_of(struct crowd *c, const char *account, const char *currency)
{
	struct arena arena = { 0 };
	int64_t n = rig_number(c->r, arena_printf(&arena, "SELECT coalesce(sum(CASE WHEN debit='%s' THEN amount_minor ELSE -amount_minor END), 0)"
		" FROM ledger WHERE '%s' IN (debit, credit) AND currency='%s'", account, account, currency));

	arena_release(&arena);
	return n;
}

static bool is_paid_there(struct crowd *c, const char *public_id)
{
	struct cryptopay_view view;
	size_t times = 0;

	if (!cryptopay_sim_find(&view, &times, c->r->cryptopay, public_id))
		return false;
	if (times > 1)
		fail_msg("invoice %s was made %zu times", public_id, times);
	return str_is(view.status, "paid");
}

/* Every invoice of ours stands at the service at most once; what is paid there is paid here. */
static void assert_crypto_invoices(struct crowd *c)
{
	struct arena arena = { 0 };
	int64_t paid_there = 0, last = 0;
	char *public_id;

	while ((public_id = rig_text(c->r, &arena, arena_printf(&arena, "SELECT public_id FROM invoices WHERE provider='crypto_pay' AND id="
		"(SELECT min(id) FROM invoices WHERE provider='crypto_pay' AND id>%" PRId64 ")", last))) != NULL) {
		paid_there += is_paid_there(c, public_id);
		last = rig_number(c->r, arena_printf(&arena, "SELECT id FROM invoices WHERE public_id='%s'", public_id));
	}
	assert_int_equal(rig_number(c->r, "SELECT count(*) FROM payments WHERE provider='crypto_pay'"), paid_there);
	arena_release(&arena);
}

void crowd_assert_served(struct crowd *c)
{
	struct arena arena = { 0 };

	for (size_t i = 0; i < c->count; i++)
		assert_served(c, &c->people[i]);
	assert_crypto_invoices(c);
	assert_int_equal(ledger_of(c, "provider:stars", "XTR"), botapi_balance(c->r->telegram));
	assert_int_equal(ledger_of(c, "revenue", "XTR") + ledger_of(c, "suspense", "XTR") + ledger_of(c, "provider:stars", "XTR"), 0);
	assert_int_equal(ledger_of(c, "revenue", "USDT") + ledger_of(c, "suspense", "USDT") + ledger_of(c, "provider:crypto_pay", "USDT"), 0);
	assert_int_equal(rig_number(c->r, "SELECT count(*) FROM suspense WHERE state='open'"), c->figures.payments - c->figures.purchases);
	assert_string_equal(rig_text(c->r, &arena, "PRAGMA integrity_check"), "ok");
	arena_release(&arena);
}
