/* See customer.h. */
#include "tests/e2e/customer.h"

#include "tests/unit/proves.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"

#define PLAN_BYTES (INT64_C(100) << 30)
#define PLAN_MS (30 * DAY_MS)

/* --- in the chat --- */

void customer_say(struct rig *r, int64_t user, const char *text)
{
	assert_true(botapi_say(r->telegram, user, text) != 0);
	serve_changed(r->serve);
}

int64_t customer_new(struct rig *r, const char *name)
{
	int64_t user = botapi_user_new(r->telegram, name, NULL, "en");

	customer_say(r, user, "/start");
	UNTIL(r, botapi_last(r->telegram, user));
	return user;
}

bool customer_sees(struct rig *r, int64_t user, const char *part)
{
	return botapi_find_text(r->telegram, user, part) != NULL;
}

void customer_tap(struct rig *r, int64_t user, const char *label)
{
	const struct botapi_button *b;
	struct arena arena = { 0 };
	int64_t message_id = 0;

	UNTIL(r, (b = rig_button(r, user, label, &message_id)) != NULL);
	assert_true(botapi_tap(r->telegram, user, message_id, str_dup(&arena, b->text)) != 0);
	serve_changed(r->serve);
	arena_release(&arena);
}

void customer_order(struct rig *r, int64_t user, const char *way)
{
	customer_say(r, user, "/plans");
	customer_tap(r, user, "Month");
	customer_tap(r, user, way);
}

const struct botapi_message *customer_bill(struct rig *r, int64_t user)
{
	for (size_t i = botapi_messages_count(r->telegram, user); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(r->telegram, user, i);

		if (m->invoice_stars && !m->deleted)
			return m;
	}
	return NULL;
}

int customer_pay(struct rig *r, int64_t user)
{
	int checkout;

	UNTIL(r, customer_bill(r, user));
	checkout = botapi_pay(r->telegram, user, customer_bill(r, user)->id);
	assert_true(checkout != 0);
	serve_changed(r->serve);
	return checkout;
}

bool customer_has_link(struct rig *r, int64_t user)
{
	return customer_sees(r, user, "vless://");
}

/* --- on the panels --- */

struct found {
	int64_t telegram_id;
	size_t n;
	struct panel_client_view client;
};

static bool keep(void *ctx, const struct panel_client_view *client)
{
	struct found *f = ctx;

	if (client->tg_id != f->telegram_id)
		return true;
	f->n++;
	f->client = *client;
	return true;
}

static struct found find(struct rig *r, int64_t user)
{
	struct found f = { .telegram_id = user };

	for (size_t i = 0; i < r->panels_count; i++)
		panel_sim_each_client(r->panels[i].sim, 0, keep, &f);
	return f;
}

size_t customer_clients(struct rig *r, int64_t user)
{
	return find(r, user).n;
}

/* --- in the end --- */

static int64_t number_of(struct rig *r, int64_t user, const char *sql)
{
	struct arena arena = { 0 };
	int64_t n = rig_number(r, arena_printf(&arena, "%s (SELECT id FROM users WHERE telegram_id=%" PRId64 ")", sql, user));

	arena_release(&arena);
	return n;
}

void rig_settle(struct rig *r)
{
	UNTIL(r, rig_number(r, "SELECT (SELECT count(*) FROM outbox WHERE state<>2)"
		" + (SELECT count(*) FROM jobs WHERE kind IN ('reconcile', 'pay.create', 'pay.refund', 'order.fulfil') AND state<>2)"
		" + (SELECT count(*) FROM inbox WHERE state=1)") == 0);
}

void customer_gets_once(struct rig *r, int64_t user)
{
	struct found f;
	int64_t bought_ms;

	UNTIL(r, customer_has_link(r, user));
	rig_settle(r);
	f = find(r, user);
	bought_ms = number_of(r, user, "SELECT paid_ms FROM orders WHERE user_id=");
	assert_int_equal(number_of(r, user, "SELECT count(*) FROM orders WHERE state='delivered' AND user_id="), 1);
	assert_int_equal(number_of(r, user, "SELECT count(*) FROM payments WHERE state='applied' AND user_id="), 1);
	assert_int_equal(number_of(r, user, "SELECT count(*) FROM subscriptions WHERE user_id="), 1);
	assert_int_equal(f.n, 1);
	assert_true(f.client.enable && f.client.has_row && f.client.row_enable);
	assert_int_equal(f.client.total_bytes, PLAN_BYTES);
	assert_int_equal(f.client.limit_ip, 2);
	/* the panel keeps whole seconds in some versions */
	assert_in_range(f.client.expiry_ms, bought_ms + PLAN_MS - SECOND_MS, bought_ms + PLAN_MS + SECOND_MS);
}

void rig_assert_sound(struct rig *r)
{
	assert_int_equal(rig_number(r, "SELECT count(*) FROM outbox WHERE state=2") + rig_number(r, "SELECT count(*) FROM jobs WHERE state=2"), 0);
	rig_assert_books(r);
}

void rig_assert_books(struct rig *r)
{
	/* every payment came into the books once; what counts for an order is revenue; no order is paid for twice */
	assert_int_equal(rig_number(r, "SELECT count(*) FROM ledger WHERE kind='payment'"), rig_number(r, "SELECT count(*) FROM payments"));
	assert_int_equal(rig_number(r, "SELECT count(*) FROM ledger WHERE credit='revenue'"), rig_number(r, "SELECT count(*) FROM payments WHERE state='applied'"));
	assert_int_equal(rig_number(r, "SELECT count(*) FROM (SELECT 1 FROM payments WHERE state='applied' GROUP BY order_id HAVING count(*)>1)"), 0);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM orders WHERE state='paid'"), 0);
	for (size_t i = 0; i < r->panels_count; i++) {
		struct buf why;

		buf_init(&why, 4096);
		if (panel_sim_drift(r->panels[i].sim, &why) || panel_sim_races(r->panels[i].sim))
			fail_msg("panel %zu: %zu races; %s", i, panel_sim_races(r->panels[i].sim), buf_cstr(&why));
		buf_release(&why);
	}
}
