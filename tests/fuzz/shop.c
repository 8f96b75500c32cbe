/* See shop.h. */
#include "tests/fuzz/shop.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/chat/router.h"
#include "bot/core/config.h"
#include "bot/schema.h"
#include "bot/shop/account.h"
#include "bot/shop/order.h"
#include "bot/shop/session.h"
#include "bot/shop/user.h"
#include "bot/tables.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/rand.h"
#include "tests/fuzz/fuzz.h"

#define REPORT_MAX 65536
#define WORDS_MAX ((size_t)1 << 16)
#define PRIVATE_MAX 12
#define TABLES_MAX 64
#define LINK "vless://a0d0c0de-0000-4000-8000-00000000f00d@vpn.test:443?type=tcp&security=none#Anna"

static struct {
	char dir[64];
	struct db *db;
	struct core *core;
	struct core_setup setup;
	struct config config;
	struct shared shared;
	struct seal_key key;
	struct i18n *texts;
	struct arena arena, kept; /* of an input; of the shop */
	struct turn_mark mark;
	uint64_t random, digest;
	int64_t next_update;
	const char *words[128];   /* by the letter behind '$' */
	const char *privates[PRIVATE_MAX]; /* what only Anna may know */
	size_t privates_count;
} w;

static void good(enum err e)
{
	if (e)
		fprintf(stderr, "%s: %s\n", err_name(e), w.db ? db_error(w.db) : "");
	must(e == OK);
}

/* --- a world that stands still --- */

static int64_t now_ms(void *ctx) { (void)ctx; return FUZZ_NOW_MS; }
static int64_t now_us(void *ctx) { (void)ctx; return FUZZ_NOW_MS * 1000; }
static uint64_t no_start(void *ctx, const struct http_request *r, enum http_lane lane, void *tag) { (void)ctx; (void)r; (void)lane; (void)tag; return 1; }
static void no_cancel(void *ctx, uint64_t id) { (void)ctx; (void)id; }
static int no_poll(void *ctx, struct http_wait *waits, size_t n, int ms) { (void)ctx; (void)waits; (void)n; (void)ms; return 0; }
static bool no_next(void *ctx, struct http_done *d) { (void)ctx; (void)d; return false; }
static void no_release(void *ctx, struct http_done *d) { (void)ctx; (void)d; }

static void draw(void *ctx, void *out, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		w.random = w.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		((unsigned char *)out)[i] = (unsigned char)(w.random >> 33);
	}
}

/* --- whose a row is --- */

/* Every table, with the rows of it that must stay as they are. NULL: none; "1": all; what is not listed stops the program.
 * Mallory is two users, one of the bot and one of the web, who may become one. */
#define MALLORYS "(SELECT id FROM users WHERE telegram_id=1002 UNION SELECT user_id FROM accounts WHERE email='mallory@example.test')"
#define NOT_OF_ORDER(column) column " NOT IN (SELECT id FROM orders WHERE user_id IN " MALLORYS ")"
#define NOT_OF_SUB(column) column " NOT IN (SELECT id FROM subscriptions WHERE user_id IN " MALLORYS ")"
#define SUBJECT "CAST(subject AS INTEGER)" /* of a job: it begins with the row's id */
static const struct {
	const char *table, *fixed;
} tables_known[] = {
	{ "process", "1" }, { "inbox", NULL }, { "outbox", NULL }, { "schedules", "1" }, { "settings", "1" }, { "secrets", "1" },
	{ "alerts", NULL }, { "confirms", "1" }, { "panels", "1" }, { "panel_sessions", "1" }, { "inbounds", "1" }, { "panel_log", "1" },
	{ "trials", NULL }, { "plans", "1" }, { "plan_prices", "1" }, { "drifts", "1" }, { "payments", "1" }, { "suspense", "1" }, { "ledger", "1" },
	{ "callbacks", NULL }, { "grant_lists", "1" }, { "grants", "1" }, { "sqlite_sequence", NULL },
	{ "jobs", "NOT (CASE kind WHEN 'reconcile' THEN " SUBJECT " IN (SELECT id FROM subscriptions WHERE user_id IN " MALLORYS ")"
		" WHEN 'order_fulfil' THEN " SUBJECT " IN (SELECT id FROM orders WHERE user_id IN " MALLORYS ")"
		" WHEN 'pay_create' THEN " SUBJECT " IN (SELECT i.id FROM invoices i JOIN orders o ON o.id=i.order_id WHERE o.user_id IN " MALLORYS ")"
		" ELSE 0 END)" },
	{ "audit", "(actor_id IS NULL OR actor_id NOT IN " MALLORYS ")" },
	{ "users", "id NOT IN " MALLORYS },
	{ "subscriptions", "user_id NOT IN " MALLORYS },
	{ "accesses", NOT_OF_SUB("subscription_id") },
	{ "orders", "user_id NOT IN " MALLORYS },
	{ "order_prices", NOT_OF_ORDER("order_id") },
	{ "invoices", NOT_OF_ORDER("order_id") },
	{ "bonuses", "user_id NOT IN " MALLORYS },
	{ "reminders", NOT_OF_SUB("subscription_id") },
	{ "accounts", "user_id NOT IN " MALLORYS },
	{ "sessions", "user_id NOT IN " MALLORYS },
	{ "session_past", "session_id NOT IN (SELECT id FROM sessions WHERE user_id IN " MALLORYS ")" },
	{ "link_codes", "user_id NOT IN " MALLORYS },
};

static void mix(const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		w.digest = (w.digest ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
}

static void mix_row(struct sqlite3_stmt *row)
{
	for (int i = 0; i < sqlite3_column_count(row); i++) {
		const void *bytes = sqlite3_column_blob(row, i);

		mix(bytes, (size_t)sqlite3_column_bytes(row, i));
		mix("|", 1);
	}
}

static const char *fixed_of(const char *table)
{
	for (size_t i = 0; i < countof(tables_known); i++)
		if (strcmp(tables_known[i].table, table) == 0)
			return tables_known[i].fixed;
	fprintf(stderr, "table %s has no row in tables_known\n", table);
	must(!"every table is known");
}

/* One query per table that has rows to watch. */
static size_t watches(const char *const **out)
{
	static const char *queries[TABLES_MAX];
	static size_t count;
	struct db_rows r;

	*out = queries;
	if (count)
		return count;
	db_select(&r, w.db, "SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name");
	while (db_next(&r)) {
		char *table = db_text(&r, 0, &w.kept);
		const char *fixed = fixed_of(table);

		must(count < TABLES_MAX);
		if (fixed)
			queries[count++] = arena_printf(&w.kept, "SELECT * FROM %s WHERE %s", table, fixed);
	}
	good(db_end(&r));
	return count;
}

static uint64_t digest_of(const char *query)
{
	struct db_rows r;

	w.digest = UINT64_C(14695981039346656037);
	db_select(&r, w.db, query);
	while (db_next(&r))
		mix_row(r.stmt);
	good(db_end(&r));
	return w.digest;
}

/* --- opening --- */

static void close_shop(void)
{
	core_close(w.core);
	db_close(w.db);
	i18n_close(w.texts);
	arena_release(&w.arena);
	arena_release(&w.kept);
	for (int i = 0; i < 4; i++) {
		static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
		char path[128];

		snprintf(path, sizeof path, "%s/t.db%s", w.dir, ends[i]);
		unlink(path);
	}
	rmdir(w.dir);
}

static void open_store(void)
{
	int64_t from;

	snprintf(w.dir, sizeof w.dir, "/tmp/obol-fuzz-XXXXXX");
	must(mkdtemp(w.dir));
	good(db_open(&w.db, arena_printf(&w.kept, "%s/t.db", w.dir), DB_WRITE, NULL));
	good(db_migrate(w.db, &from, schema_migrations, schema_migrations_count));
	good(db_script(w.db, "INSERT INTO panels(id, name, url, state, sub_url, created_ms) VALUES(1, 'A', 'https://panel.test', 'ok', 'https://sub.test/s/', 0);"
		"INSERT INTO inbounds(panel_id, inbound_id, remark, protocol, port, listen, enabled, for_sale, body, seen_ms)"
		" VALUES(1, 7, 'in', 'vless', 443, '', 1, 1, '{}', 0);"
		"INSERT INTO plans(id, name, days, quota_bytes, limit_ip, created_ms) VALUES(1, 'Month', 30, 107374182400, 3, 0);"
		"INSERT INTO plans(id, name, days, quota_bytes, trial, created_ms) VALUES(2, 'Trial', 1, 5368709120, 1, 0);"
		"INSERT INTO plan_prices(plan_id, currency, amount_minor) VALUES(1, 'XTR', 300), (1, 'USD', 499), (2, 'XTR', 1);"
		"INSERT INTO settings(key, value) VALUES('web_accounts', '1')"));
}

static void open_core(void)
{
	static const struct clock_source clock = { .now_ms = now_ms, .mono_us = now_us };
	struct buf report;

	clock_set_source(&clock);
	rand_set_source(draw, NULL);
	log_set_level("error");
	open_store();
	buf_init(&report, REPORT_MAX);
	good(i18n_open(&w.texts, NULL, &report));
	buf_release(&report);
	seal_key_draw(&w.key);
	w.config = (struct config){ .admins = { FUZZ_ADMIN }, .admins_count = 1, .crypto_pay_token = "18475:AAH3docExampleTokenForVectors00000", .crypto_pay_url = "https://pay.test" };
	w.shared = (struct shared){ .config = &w.config, .i18n = w.texts, .key = &w.key, .bot_id = 1, .bot_username = "demo_shop_bot" };
	w.setup = (struct core_setup){ .config = &w.config, .tables = &tables, .shared = &w.shared, .db = w.db,
		.net = { .start = no_start, .cancel = no_cancel, .poll = no_poll, .next = no_next, .release = no_release },
		.api = { .base_url = "http://127.0.0.1:1", .token = "1:test" } };
	tables_register();
	good(core_open(&w.core, &w.setup));
}

/* --- people --- */

static void decide(struct tg_update *u)
{
	struct act a = core_act(w.core);

	u->update_id = w.next_update++;
	u->date_ms = FUZZ_NOW_MS;
	if (!u->kind_name)
		u->kind_name = "";
	good(db_savepoint(w.db));
	good(router_update(&a, u));
	good(db_savepoint_keep(w.db));
}

static struct tg_update from(int64_t id, const char *name, enum tg_update_kind kind)
{
	return (struct tg_update){ .kind = kind, .from = { .id = id, .first_name = str_of(name), .last_name = STR(""), .username = STR(""), .language_code = STR("en") },
		.chat = { .id = id, .type = TG_CHAT_PRIVATE }, .message = { .id = 7, .text = STR("") } };
}

static void says(int64_t id, const char *name, const char *text)
{
	struct tg_update u = from(id, name, TG_UPDATE_MESSAGE);

	u.message.text = str_of(text);
	decide(&u);
}

static void taps(int64_t id, const char *name, const char *data)
{
	struct tg_update u = from(id, name, TG_UPDATE_CALLBACK);

	u.callback = (struct tg_callback){ .id = STR("q"), .data = str_of(data), .message_id = 7 };
	decide(&u);
}

static const char *text_of(const char *sql)
{
	char *text = NULL;

	if (db_get_text(&text, &w.kept, w.db, sql))
		fprintf(stderr, "nothing: %s\n", sql);
	must(text);
	return text;
}

static void pays(int64_t id, const char *name, const char *invoice)
{
	struct tg_update u = from(id, name, TG_UPDATE_MESSAGE);

	u.message.is_paid = true;
	u.message.payment = (struct tg_payment){ .currency = STR("XTR"), .amount_minor = 300, .payload = str_of(invoice), .charge_id = STR("charge-1"), .provider_charge_id = STR("") };
	decide(&u);
}

static void panel_agrees(void)
{
	struct act a = core_act(w.core);
	int64_t id, revision;

	good(db_get_i64(&id, w.db, "SELECT id FROM subscriptions"));
	good(db_get_i64(&revision, w.db, "SELECT revision FROM subscriptions"));
	good(db_run(w.db, "UPDATE accesses SET seen_exists=1, done_rev=?1, link=?2", revision, LINK));
	good(db_run(w.db, "DELETE FROM jobs"));
	good(order_access_ready(&a, id, revision));
}

static void draw_ids(int64_t telegram_id)
{
	struct act a = core_act(w.core);
	struct user u;

	good(user_by_telegram(&u, &a, telegram_id));
	good(user_draw_ids(&a, &u));
}

/* Both have an account on the web; $T and $F are Mallory's tokens. */
static void log_in(void)
{
	struct act a = core_act(w.core);
	struct session_tokens mine, annas;
	struct user u;

	good(account_add(&u, &a, "mallory@example.test", "no hash: nobody can log in", STR("")));
	good(session_open(&mine, &a, u.id));
	w.words['T'] = arena_strdup(&w.kept, mine.access);
	w.words['F'] = arena_strdup(&w.kept, mine.refresh);
	good(account_add(&u, &a, "anna@example.test", "no hash: nobody can log in", STR("")));
	good(session_open(&annas, &a, u.id));
	w.privates[w.privates_count++] = arena_strdup(&w.kept, annas.access);
	w.privates[w.privates_count++] = arena_strdup(&w.kept, annas.refresh);
	w.privates[w.privates_count++] = "anna@example.test";
}

static void take_words(void)
{
	static const struct { char letter; const char *sql; } words[] = {
		{ 's', "SELECT public_id FROM subscriptions" }, { 'o', "SELECT public_id FROM orders WHERE state='delivered'" },
		{ 'p', "SELECT o.public_id FROM orders o JOIN users u ON u.id=o.user_id WHERE o.state='open' AND telegram_id=1001" },
		{ 'i', "SELECT i.public_id FROM invoices i JOIN orders o ON o.id=i.order_id WHERE o.state='open' ORDER BY o.user_id" },
		{ 'u', "SELECT public_id FROM users WHERE telegram_id=1001" }, { 'r', "SELECT referral_code FROM users WHERE telegram_id=1001" },
		{ 'O', "SELECT o.public_id FROM orders o JOIN users u ON u.id=o.user_id WHERE telegram_id=1002" },
		{ 'U', "SELECT public_id FROM users WHERE telegram_id=1002" }, { 'R', "SELECT referral_code FROM users WHERE telegram_id=1002" },
	};

	for (size_t i = 0; i < countof(words); i++)
		w.words[(int)words[i].letter] = text_of(words[i].sql);
	w.words['t'] = arena_printf(&w.kept, "%" PRId64, FUZZ_NOW_MS / SECOND_MS);
	w.words['$'] = "$";
	w.privates[w.privates_count++] = text_of("SELECT sub_id FROM subscriptions");
	w.privates[w.privates_count++] = text_of("SELECT uuid FROM subscriptions");
	w.privates[w.privates_count++] = text_of("SELECT password FROM subscriptions");
	w.privates[w.privates_count++] = "a0d0c0de-0000-4000-8000-00000000f00d";
	w.privates[w.privates_count++] = text_of("SELECT email FROM accesses");
}

static void tell_the_past(void)
{
	good(db_begin(w.db));
	says(FUZZ_ADMIN, "Boss", "/start");
	says(FUZZ_ANNA, "Anna", "/start");
	taps(FUZZ_ANNA, "Anna", "buy:1:stars");
	pays(FUZZ_ANNA, "Anna", text_of("SELECT public_id FROM invoices"));
	panel_agrees();
	taps(FUZZ_ANNA, "Anna", "buy:1:stars");
	says(FUZZ_MALLORY, "Mallory", "/start");
	taps(FUZZ_MALLORY, "Mallory", "buy:1:stars");
	draw_ids(FUZZ_ADMIN);
	draw_ids(FUZZ_ANNA);
	draw_ids(FUZZ_MALLORY);
	log_in();
	take_words();
	turn_undo(w.core, w.mark);
	good(db_commit(w.db));
	arena_clear(&w.core->turn_arena);
}

struct core *fuzz_shop(void)
{
	if (w.core)
		return w.core;
	w.next_update = 1;
	open_core();
	w.mark = turn_mark(w.core);
	tell_the_past();
	atexit(close_shop);
	return w.core;
}

struct arena *fuzz_shop_arena(void)
{
	return &w.arena;
}

/* --- one input --- */

static uint64_t digests_before[TABLES_MAX];

void fuzz_shop_begin(void)
{
	const char *const *queries;
	size_t count;

	fuzz_shop();
	w.random = 1;
	good(db_begin(w.db));
	count = watches(&queries);
	for (size_t i = 0; i < count; i++)
		digests_before[i] = digest_of(queries[i]);
}

bool fuzz_shop_tells(struct str text)
{
	for (size_t i = 0; i < w.privates_count; i++)
		if (str_has(text, w.privates[i]))
			return true;
	return false;
}

static void check_outgoing(const struct outgoing *o)
{
	struct json_object *payload;

	must(o->chat_id != FUZZ_ANNA);
	must(json_parse(&payload, o->payload) == OK && json_object_is_type(payload, json_type_object));
	json_object_put(payload);
	must(o->chat_id == FUZZ_ADMIN || (!fuzz_shop_tells(o->payload) && !fuzz_shop_tells(o->qr)));
}

static void check_tables(void)
{
	const char *const *queries;
	size_t count = watches(&queries);

	for (size_t i = 0; i < count; i++) {
		if (digest_of(queries[i]) == digests_before[i])
			continue;
		fprintf(stderr, "changed: %s\n", queries[i]);
		must(!"what is not Mallory's stands as before");
	}
}

void fuzz_shop_end(void)
{
	check_tables();
	for (size_t i = w.mark.added; i < w.core->turn.added_count; i++)
		if (w.core->turn.added[i].method) /* else it takes others back */
			check_outgoing(&w.core->turn.added[i]);
	turn_undo(w.core, w.mark);
	db_rollback(w.db);
	arena_clear(&w.core->turn_arena);
	arena_clear(&w.arena);
}

void fuzz_shop_update(struct tg_update *u)
{
	decide(u);
}

struct str fuzz_shop_words(struct str text)
{
	struct buf out;
	struct str copy;

	buf_init(&out, WORDS_MAX);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char letter = i + 1 < text.len ? (unsigned char)text.at[i + 1] : 0;
		const char *word = text.at[i] == '$' && letter < countof(w.words) ? w.words[letter] : NULL;

		if (!word) {
			buf_addc(&out, text.at[i]);
			continue;
		}
		buf_adds(&out, word);
		i++;
	}
	copy = str_n(str_dup(&w.arena, buf_str(&out)), out.len);
	buf_release(&out);
	return copy;
}
