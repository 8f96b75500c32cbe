/* The stories that must end the same whatever fails once on their way: nth.h. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/schema.h"
#include "bot/shop/plan.h"
#include "lib/base/clock.h"
#include "tests/story/nth.h"

/* --- what people do: again, when nothing came of it --- */

static int64_t number(struct nth_tale *t, const char *sql)
{
	return world_number(t->w, sql);
}

static struct world_options on_disk(struct nth_tale *t, const char *version)
{
	return (struct world_options){ .versions = { version }, .disk = t->disk };
}

static void greets(struct nth_tale *t)
{
	t->anna = world_customer(t->w, "Anna Petrova", "en");
	world_say(t->w, t->anna, "/start");
	t->begun_ms = memnet_now_ms(t->w->net);
}

static void has_bought(struct nth_tale *t)
{
	greets(t);
	world_buy(t->w, t->anna);
	t->bought = world_client_of(t->w, t->anna);
	assert_int_equal(t->bought.n, 1);
}

static void goes_on(struct nth_tale *t)
{
	world_run(t->w, 10 * MINUTE_MS);
	world_settle(t->w);
}

/* --- what holds afterwards --- */

static void assert_works(struct nth_tale *t, const struct world_client *c, int64_t quota_bytes)
{
	assert_int_equal(c->n, 1);
	assert_true(c->at.enable && c->at.has_row && c->at.row_enable && c->at.in_xray);
	assert_int_equal(c->at.total_bytes, quota_bytes);
	assert_int_equal(c->at.row_total_bytes, quota_bytes);
	assert_int_equal(c->at.row_expiry_ms, c->at.expiry_ms);
	assert_int_equal(c->at.expiry_ms, number(t, "SELECT expires_ms FROM subscriptions")); /* computed once, however often sent */
	assert_int_equal(panel_sim_drift(t->w->panels[0].sim, NULL), 0);
	assert_int_equal(number(t, "SELECT count(*) FROM drifts"), 0);
}

/* Paid once, delivered once, told. */
static void assert_sold(struct nth_tale *t)
{
	struct world_client c = world_client_of(t->w, t->anna);

	assert_works(t, &c, 100 * GIB_BYTES);
	assert_in_range(c.at.expiry_ms, t->begun_ms + 30 * DAY_MS, t->begun_ms + 30 * DAY_MS + HOUR_MS);
	assert_int_equal(number(t, "SELECT count(*) FROM orders WHERE state='delivered'"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM orders WHERE state='paid'"), 0);
	assert_int_equal(number(t, "SELECT count(*) FROM payments WHERE state='applied'"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM payments"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM ledger"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM subscriptions"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM outbox"), 0);
	assert_true(world_sees(t->w, t->anna, c.uuid));
}

/* The same client with its keys, a month and a plan's traffic more. */
static void assert_renewed(struct nth_tale *t)
{
	struct world_client c = world_client_of(t->w, t->anna);

	assert_works(t, &c, 200 * GIB_BYTES);
	assert_int_equal(c.at.expiry_ms, t->bought.at.expiry_ms + 30 * DAY_MS);
	assert_string_equal(c.uuid, t->bought.uuid);
	assert_string_equal(c.sub_id, t->bought.sub_id);
	assert_string_equal(c.email, t->bought.email);
	assert_int_equal(number(t, "SELECT count(*) FROM orders WHERE kind='renew' AND state='delivered'"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM orders WHERE state='paid'"), 0);
	assert_int_equal(number(t, "SELECT count(*) FROM payments WHERE state='applied'"), 2);
	assert_int_equal(number(t, "SELECT count(*) FROM payments"), 2);
	assert_int_equal(number(t, "SELECT count(*) FROM outbox"), 0);
	assert_true(world_sees(t->w, t->anna, "Renewed: Month now runs until"));
}

/* --- the first purchase --- */

static void begin_old(struct nth_tale *t)
{
	struct world_options o = on_disk(t, "2.8.5");

	t->w = world_new(&o);
	greets(t);
}

static void begin_new(struct nth_tale *t)
{
	struct world_options o = on_disk(t, "3.6.0");

	o.crypto_pay = true;
	t->w = world_new(&o);
	greets(t);
}

static void buys(struct nth_tale *t)
{
	world_buy(t->w, t->anna);
	goes_on(t);
	assert_sold(t);
}

static void test_purchase(void **state)
{
	(void)state;
	nth_run(&(struct nth_story){ "first purchase, Stars, 2.8.5", begin_old, buys });
	nth_run(&(struct nth_story){ "first purchase, Stars, 3.6.0", begin_new, buys });
}

static bool finds_page(struct nth_tale *t, struct cryptopay_view *v)
{
	struct arena arena = { 0 };
	char *invoice = NULL;
	bool found = db_get_text(&invoice, &arena, t->w->db, "SELECT public_id FROM invoices WHERE provider='crypto_pay' AND state='pending' ORDER BY id DESC LIMIT 1") == OK &&
		cryptopay_sim_find(v, NULL, t->w->cryptopay, invoice);

	arena_release(&arena);
	return found;
}

/* No callback reaches the shop: it asks by itself. */
static void buys_with_crypto(struct nth_tale *t)
{
	struct cryptopay_view v;

	for (int tries = 0; tries < 5 && !finds_page(t, &v); tries++) {
		if (!world_try_tap(t->w, t->anna, "Crypto Bot")) {
			world_say(t->w, t->anna, "/plans");
			world_run(t->w, 20000);
			world_try_tap(t->w, t->anna, "Month");
		}
		world_run(t->w, 30000);
	}
	assert_true(finds_page(t, &v));
	assert_int_equal(cryptopay_sim_pay(t->w->cryptopay, v.id, "USDT", memnet_now_ms(t->w->net)), OK);
	goes_on(t);
	assert_sold(t);
}

static void test_crypto(void **state)
{
	(void)state;
	nth_run(&(struct nth_story){ "first purchase, Crypto Pay", begin_new, buys_with_crypto });
}

/* --- renewal, refund --- */

static void begin_bought_old(struct nth_tale *t)
{
	struct world_options o = on_disk(t, "2.8.5");

	t->w = world_new(&o);
	has_bought(t);
}

static void begin_bought(struct nth_tale *t)
{
	struct world_options o = on_disk(t, "3.6.0");

	t->w = world_new(&o);
	has_bought(t);
}

static void renews(struct nth_tale *t)
{
	world_renew(t->w, t->anna);
	goes_on(t);
	assert_renewed(t);
}

static void test_renewal(void **state)
{
	(void)state;
	nth_run(&(struct nth_story){ "renewal, 2.8.5", begin_bought_old, renews });
	nth_run(&(struct nth_story){ "renewal, 3.6.0", begin_bought, renews });
}

#define IS_REFUNDED "SELECT count(*) FROM payments WHERE state IN ('refunding', 'refunded')"

static void refunds(struct nth_tale *t)
{
	struct arena arena = { 0 };
	char *order = NULL;

	assert_int_equal(db_get_text(&order, &arena, t->w->db, "SELECT public_id FROM orders"), OK);
	for (int tries = 0; tries < 5 && !number(t, IS_REFUNDED); tries++) {
		world_say(t->w, WORLD_ADMIN, arena_printf(&arena, "/refund %s", order));
		world_run(t->w, 30000);
		world_say(t->w, WORLD_ADMIN, "it never worked");
		world_run(t->w, 30000);
		world_try_tap(t->w, WORLD_ADMIN, "Yes");
		world_run(t->w, 30000);
	}
	arena_release(&arena);
	goes_on(t);
	assert_int_equal(world_client_of(t->w, t->anna).n, 0);
	assert_int_equal(number(t, "SELECT count(*) FROM payments WHERE state='refunded'"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM orders WHERE state='refunded'"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM ledger"), 3);
	assert_int_equal(number(t, "SELECT count(*) FROM outbox"), 0);
	assert_int_equal(botapi_balance(t->w->telegram), 0);
	assert_true(world_sees(t->w, t->anna, "The access of this order has ended"));
}

static void test_refund(void **state)
{
	(void)state;
	nth_run(&(struct nth_story){ "refund, Stars", begin_bought, refunds });
}

/* --- a panel comes to the shop --- */

static void begin_without_panel(struct nth_tale *t)
{
	struct world_options o = on_disk(t, NULL);

	t->w = world_new(&o);
	world_serve_panel(t->w, "3.6.0", NULL);
	world_say(t->w, WORLD_ADMIN, "/start");
}

static bool is_told(struct nth_tale *t, const char *part)
{
	for (int s = 0; s < 30; s++) {
		if (world_sees(t->w, WORLD_ADMIN, part))
			return true;
		world_run(t->w, SECOND_MS);
	}
	return false;
}

static void taps(struct nth_tale *t, const char *label)
{
	world_try_tap(t->w, WORLD_ADMIN, label);
}

#define HAS_PANEL "SELECT count(*) FROM panels"
#define SELLS "SELECT count(*) FROM inbounds WHERE for_sale=1"

/* Whoever is not answered begins the dialogue again; what is typed is typed only after its question. */
static void types_panel(struct nth_tale *t)
{
	world_say(t->w, WORLD_ADMIN, "/panel_add");
	if (!is_told(t, "Step 1 of 5"))
		return;
	world_say(t->w, WORLD_ADMIN, t->w->panels[0].origin);
	if (!is_told(t, "This is plain HTTP"))
		return;
	taps(t, "Continue anyway");
	if (!is_told(t, "Step 2 of 5"))
		return;
	world_say(t->w, WORLD_ADMIN, "Amsterdam");
	if (!is_told(t, "Step 3 of 5"))
		return;
	world_say(t->w, WORLD_ADMIN, "admin\n" WORLD_SECRET);
	is_told(t, "Step 4 of 5");
}

static void adds_panel(struct nth_tale *t)
{
	for (int tries = 0; tries < 5 && !number(t, HAS_PANEL); tries++) {
		types_panel(t);
		world_run(t->w, MINUTE_MS);
	}
	for (int tries = 0; tries < 5 && !number(t, SELLS); tries++) {
		if (tries) { /* the trial came to nothing: nothing is sold until another one does */
			world_say(t->w, WORLD_ADMIN, "/panel_test 1");
			world_run(t->w, MINUTE_MS);
			world_say(t->w, WORLD_ADMIN, "/inbounds 1");
			world_run(t->w, MINUTE_MS);
		}
		taps(t, "Amsterdam");
		world_run(t->w, MINUTE_MS);
		if (world_sees(t->w, WORLD_ADMIN, "Send another address, or insist") || world_sees(t->w, WORLD_ADMIN, "which address customers connect to")) {
			world_say(t->w, WORLD_ADMIN, "vpn.example.com");
			world_run(t->w, MINUTE_MS);
		}
	}
	goes_on(t);
	assert_int_equal(number(t, HAS_PANEL), 1);
	assert_int_equal(number(t, SELLS), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM panels WHERE state='ok' AND dialect='C'"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM inbox WHERE raw LIKE '%" WORLD_SECRET "%'"), 0);
	for (size_t i = 0; i < botapi_messages_count(t->w->telegram, WORLD_ADMIN); i++) {
		const struct botapi_message *m = botapi_message_at(t->w->telegram, WORLD_ADMIN, i);

		assert_true(m->deleted || !str_has(m->text, WORLD_SECRET));
	}
	nth_calm();
	greets(t);
	buys(t);
}

static void test_panel(void **state)
{
	(void)state;
	nth_run(&(struct nth_story){ "a panel is added", begin_without_panel, adds_panel });
}

/* --- the schema --- */

static void begin_with_nothing(struct nth_tale *t)
{
	struct world_options o = on_disk(t, NULL);

	o.closed = true;
	t->w = world_new(&o);
}

static void starts_anew(struct nth_tale *t)
{
	world_start(t->w);
	nth_calm();
	assert_int_equal(number(t, "PRAGMA user_version"), schema_migrations_count);
	assert_true(db_is_sound(t->w->db));
	world_say(t->w, WORLD_ADMIN, "/start");
	world_run(t->w, MINUTE_MS);
	assert_true(botapi_messages_count(t->w->telegram, WORLD_ADMIN) > 1);
}

/* Everything that both schemas have: the shop as an older program would have left it. */
static void copy_tables(struct db *old, struct arena *arena)
{
	static const char shared_columns[] = "SELECT m.name, (SELECT group_concat(o.name) FROM pragma_table_info(m.name, 'main') o JOIN pragma_table_info(m.name, 'new') n ON n.name=o.name)"
		" FROM main.sqlite_schema m WHERE m.type='table' AND m.name NOT LIKE 'sqlite_%'";
	char *copies[64];
	size_t count = 0;
	struct db_rows r;

	db_select(&r, old, shared_columns);
	while (db_next(&r))
		if (!db_is_null(&r, 1)) {
			assert_true(count < countof(copies));
			copies[count++] = arena_printf(arena, "INSERT OR REPLACE INTO main.%s(%s) SELECT %s FROM new.%s", db_text(&r, 0, arena), db_text(&r, 1, arena), db_text(&r, 1, arena), db_text(&r, 0, arena));
		}
	assert_int_equal(db_end(&r), OK);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(db_run(old, copies[i]), OK);
}

static void become_old(struct nth_tale *t, size_t version)
{
	static char path[] = "/old.db";
	struct arena arena = { 0 };
	struct db *old;
	int64_t from;

	/* what older programs drew at once */
	assert_int_equal(db_run(t->w->db, "UPDATE users SET public_id=coalesce(public_id, 'P' || id), referral_code=coalesce(referral_code, 'R' || id)"), OK);
	world_stop(t->w);
	memnet_kill(t->w->net, false);
	assert_int_equal(db_open(&old, path, DB_WRITE, disk_vfs(t->disk)), OK);
	assert_int_equal(db_migrate(old, &from, schema_migrations, version), OK);
	assert_int_equal(db_script(old, "PRAGMA foreign_keys=OFF"), OK);
	assert_int_equal(db_run(old, "ATTACH ?1 AS new", t->w->database), OK);
	copy_tables(old, &arena);
	assert_int_equal(db_script(old, "DETACH new"), OK);
	assert_true(db_is_sound(old));
	db_close(old);
	arena_release(&arena);
	snprintf(t->w->database, sizeof t->w->database, "%s", path);
}

static void begin_first_schema(struct nth_tale *t)
{
	begin_bought(t);
	become_old(t, 1);
}

static void begin_middle_schema(struct nth_tale *t)
{
	begin_bought(t);
	become_old(t, schema_migrations_count / 2);
}

/* What the seller could go back to: whole, and of the version it says. */
static void assert_copy(struct nth_tale *t)
{
	struct arena arena = { 0 };
	struct db *copy;
	int64_t version = 0, n = 0;

	for (size_t v = 1; v < schema_migrations_count; v++) {
		if (db_open(&copy, arena_printf(&arena, "/old.db.before-%zu", v), DB_READ, disk_vfs(t->disk)) != OK)
			continue;
		assert_int_equal(version, 0);
		assert_int_equal(db_get_i64(&version, copy, "PRAGMA user_version"), OK);
		assert_int_equal(version, v);
		assert_true(db_is_sound(copy));
		assert_int_equal(db_get_i64(&n, copy, "SELECT count(*) FROM payments WHERE state='applied'"), OK);
		assert_int_equal(n, 1);
		db_close(copy);
	}
	assert_true(version > 0);
	arena_release(&arena);
}

static void migrates(struct nth_tale *t)
{
	world_start(t->w);
	nth_calm();
	assert_int_equal(number(t, "PRAGMA user_version"), schema_migrations_count);
	assert_true(db_is_sound(t->w->db));
	assert_copy(t);
	renews(t);
}

static void test_schema(void **state)
{
	(void)state;
	nth_run(&(struct nth_story){ "schema from nothing", begin_with_nothing, starts_anew });
	nth_run(&(struct nth_story){ "schema from the first", begin_first_schema, migrates });
	nth_run(&(struct nth_story){ "schema from the middle", begin_middle_schema, migrates });
}

/* --- start after a crash --- */

#define IS_UNDER_WAY "SELECT (SELECT count(*) FROM jobs WHERE kind='reconcile' AND state=1) AND (SELECT count(*) FROM outbox WHERE state=1)"

/* The money has come; messages and the panel's job are claimed when the power goes. */
static void begin_crashed(struct nth_tale *t)
{
	begin_new(t);
	world_say(t->w, t->anna, "/plans");
	world_tap(t->w, t->anna, "Month");
	world_tap(t->w, t->anna, "Telegram Stars");
	memnet_set_latency_us(t->w->net, WORLD_TELEGRAM, 20000);
	for (size_t i = botapi_messages_count(t->w->telegram, t->anna); i-- > 0;)
		if (botapi_message_at(t->w->telegram, t->anna, i)->invoice_stars)
			botapi_pay(t->w->telegram, t->anna, botapi_message_at(t->w->telegram, t->anna, i)->id);
	for (int ms = 0; ms < 10000 && !number(t, IS_UNDER_WAY); ms++)
		world_run(t->w, 1);
	assert_true(number(t, IS_UNDER_WAY));
	t->w->end = DISK_AFTER_POWER;
	world_kill(t->w);
}

static void starts_again(struct nth_tale *t)
{
	world_start(t->w);
	goes_on(t);
	assert_sold(t);
}

static void test_crashed(void **state)
{
	(void)state;
	nth_run(&(struct nth_story){ "start after a crash", begin_crashed, starts_again });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_purchase, "R286 R271 R195 R182 B1 B2"),
		proves(test_crypto, "R286 R195 B2"),
		proves(test_renewal, "R186 R286"),
		proves(test_refund, "R286"),
		proves(test_panel, "R016"),
		proves(test_schema, ""),
		proves(test_crashed, "R286 R271 B2"),
	};

	int failed;

	cmocka_set_test_filter(getenv("ONLY"));
	failed = cmocka_run_group_tests_name("nth", tests, NULL, NULL);
	nth_print_sum();
	return failed;
}
