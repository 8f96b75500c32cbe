/* The customer's screens, seen from the chat: the real router, screens and shop on a real store, Telegram as a strict
 * simulator in memory (it refuses broken HTML and buttons over their limits), time virtual. Panels are played by the
 * test: a reconcile job that agrees at once, or does not answer. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/core/config.h"
#include "bot/core/core.h"
#include "bot/schema.h"
#include "bot/chat/callback.h"
#include "bot/screens/screens.h"
#include "bot/screens/screens_hooks.h"
#include "bot/screens/screens_private.h"
#include "bot/shop/admin_claim.h"
#include "lib/base/log.h"
#include "lib/qr/qr.h"
#include "tests/sim/botapi.h"
#include "tests/sim/cryptopay.h"
#include "tests/story/memnet.h"

#define TELEGRAM "http://telegram.test"
#define CRYPTO_PAY "http://pay.test"
#define CRYPTO_TOKEN "18475:AAH3docExampleTokenForVectors00000"
#define START_MS INT64_C(1793612000000)
#define ADMIN_ID INT64_C(900)
#define LINK "vless://a0d0c0de-0000-4000-8000-00000000f00d@vpn.test:443?type=tcp&security=reality#Shop%20%3C1%3E"
#define TAPS_MAX 300
#define NBSP "\xC2\xA0"

static struct {
	char dir[64], path[96];
	struct botapi *telegram;
	struct cryptopay_sim *crypto_pay;
	struct memnet *net;
	struct shared shared;
	struct config config;
	struct seal_key key;
	struct i18n *texts;
	struct db *db;
	struct core *core;
	struct core_tables tables;
	struct arena arena;
	bool panel_down, admin_is_here;
	const char *link;                       /* what the panel's client gets */
	enum err (*todo)(struct act *a);        /* run inside the next "/do" */
	uint64_t faults;
} w;

/* --- the panel: agrees with whatever is wanted, or does not answer --- */

static enum err reconcile(struct act *a, struct job *job)
{
	struct str panel = str_of(job->subject), sub = str_cut(&panel, ':');
	struct subscription s;
	int64_t id;
	enum err e = str_to_i64(&id, sub);

	if (!e)
		e = sub_get(&s, a, id);
	if (e)
		return e;
	if (w.panel_down) {
		job_later(job, a->now_ms + 5 * SECOND_MS, "down");
		return order_access_waits(a, id);
	}
	job_done(job);
	e = db_run(a->tx, "UPDATE accesses SET done_rev=?2, seen_exists=1, link=?3 WHERE subscription_id=?1", id, s.revision, w.link);
	return e ? e : order_access_ready(a, id, s.revision);
}

static const struct job_kind reconcile_kind = { .name = "reconcile", .begin = reconcile, .backoff_ms = 5 * SECOND_MS, .backoff_max_ms = MINUTE_MS };

/* --- an admin's table, as bot/admin will have one --- */

static enum err cmd_do(struct talk *t, struct str args)
{
	(void)args;
	return w.todo ? w.todo(t->a) : OK;
}

static int secrets_shown;

static enum err tap_secret(struct talk *t, struct str id, struct str arg)
{
	(void)t;
	(void)id;
	(void)arg;
	secrets_shown++;
	return OK;
}

static const struct command_row admin_commands[] = { { "do", WHO_ADMIN, NULL, cmd_do, false } };
static const struct verb_row admin_verbs[] = { { "secret", WHO_ADMIN, tap_secret } };
static const struct router_tables admin_tables = {
	.commands = admin_commands, .commands_count = countof(admin_commands), .verbs = admin_verbs, .verbs_count = countof(admin_verbs),
};

/* --- the world --- */

static enum err no_alert(struct act *a, const struct alert *alert)
{
	(void)a;
	(void)alert;
	return OK;
}

static void sql(const char *text)
{
	assert_int_equal(db_script(w.db, text), OK);
}

static void stock(void)
{
	sql("INSERT INTO panels(id, name, url, state, sub_url, created_ms) VALUES(1, 'A', 'http://panel.test', 'ok', 'https://sub.test/s/', 0);"
		"INSERT INTO inbounds(panel_id, inbound_id, remark, protocol, port, listen, enabled, for_sale, body, seen_ms)"
		" VALUES(1, 7, 'in', 'vless', 443, '', 1, 1, '{}', 0);"
		"INSERT INTO plans(id, name, days, quota_bytes, limit_ip, created_ms) VALUES(1, 'Month', 30, 107374182400, 3, 0);"
		"INSERT INTO plans(id, name, days, quota_bytes, early, created_ms) VALUES(2, 'Endless <b>&', 0, 0, 'restart', 0);"
		"INSERT INTO plans(id, name, days, quota_bytes, trial, created_ms) VALUES(3, 'Trial', 1, 5368709120, 1, 0);"
		"INSERT INTO plans(id, name, days, quota_bytes, on_sale, created_ms) VALUES(4, 'Old', 30, 1, 0, 0);"
		"INSERT INTO plan_prices(plan_id, currency, amount_minor) VALUES(1, 'XTR', 300), (1, 'USD', 499), (2, 'XTR', 2500), (3, 'XTR', 1), (4, 'XTR', 1);");
}

static int set_up(void **state)
{
	static const struct job_kind *const kinds[] = { &reconcile_kind, &pay_job_create, &pay_job_poll, &pay_job_refund, &pay_job_stars, &order_job_fulfil };
	static const struct settle_row settles[] = { { "live", screen_settle_live } };
	struct core_setup setup = { .tables = &w.tables, .shared = &w.shared, .config = &w.config, .api = { .base_url = TELEGRAM, .token = BOTAPI_TOKEN } };
	struct buf report;
	int64_t from;

	(void)state;
	memset(&w, 0, sizeof w);
	secrets_shown = 0;
	w.link = LINK;
	snprintf(w.dir, sizeof w.dir, "/tmp/obol-screens-XXXXXX");
	if (!mkdtemp(w.dir))
		return -1;
	snprintf(w.path, sizeof w.path, "%s/a.db", w.dir);
	log_set_level("error");
	buf_init(&report, 65536);
	assert_int_equal(i18n_open(&w.texts, NULL, &report), OK);
	buf_release(&report);
	w.faults = i18n_faults();
	seal_key_draw(&w.key);
	w.config = (struct config){ .admins = { ADMIN_ID }, .admins_count = 1, .crypto_pay_token = CRYPTO_TOKEN, .crypto_pay_url = CRYPTO_PAY };
	w.shared = (struct shared){ .config = &w.config, .i18n = w.texts, .key = &w.key };
	w.telegram = botapi_new(NULL);
	w.crypto_pay = cryptopay_sim_new(CRYPTO_TOKEN);
	w.net = memnet_new(START_MS);
	botapi_set_now(w.telegram, START_MS);
	memnet_serve(w.net, TELEGRAM, 0, botapi_handle, w.telegram);
	memnet_serve(w.net, CRYPTO_PAY, 0, cryptopay_sim_handle, w.crypto_pay);
	router_reset();
	screens_register();
	router_add(&admin_tables);
	w.tables = (struct core_tables){ .on_start = pay_on_start, .on_ready = screens_ready, .on_update = router_update, .is_money = router_is_money,
		.on_parked = router_parked, .on_gone = user_unreachable, .on_alert = no_alert, .jobs = kinds, .jobs_count = countof(kinds),
		.settles = settles, .settles_count = countof(settles) };
	setup.net = memnet_net(w.net);
	assert_int_equal(db_open(&w.db, w.path, DB_WRITE, NULL), OK);
	assert_int_equal(db_migrate(w.db, &from, schema_migrations, schema_migrations_count), OK);
	stock();
	setup.db = w.db;
	assert_int_equal(core_open(&w.core, &setup), OK);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	core_close(w.core);
	db_close(w.db);
	router_reset();
	memnet_free(w.net);
	botapi_free(w.telegram);
	cryptopay_sim_free(w.crypto_pay);
	i18n_close(w.texts);
	arena_release(&w.arena);
	snprintf(command, sizeof command, "rm -rf %s", w.dir);
	return system(command);
}

/* --- what people do and see --- */

static void run_ms(int64_t ms)
{
	int64_t until_ms = memnet_now_ms(w.net) + ms;

	while (memnet_now_ms(w.net) < until_ms)
		core_turn(w.core, (int)(until_ms - memnet_now_ms(w.net)));
}

static int64_t person(const char *name, const char *language)
{
	return botapi_user_new(w.telegram, name, NULL, language);
}

static void say(int64_t user, const char *text)
{
	assert_true(botapi_say(w.telegram, user, text) > 0);
	run_ms(3000);
}

static const struct botapi_message *last(int64_t user)
{
	const struct botapi_message *m = botapi_last(w.telegram, user);

	assert_non_null(m);
	return m;
}

static void tap_data(int64_t user, int64_t message_id, const char *data)
{
	assert_true(botapi_tap_data(w.telegram, user, message_id, data) > 0);
	run_ms(3000);
}

static int64_t live(int64_t user)
{
	int64_t id = 0;

	db_get_i64(&id, w.db, "SELECT live_message_id FROM users WHERE telegram_id=?1", user);
	return id;
}

static const struct botapi_message *live_message(int64_t user)
{
	const struct botapi_message *m = botapi_message_get(w.telegram, user, live(user));

	assert_non_null(m);
	return m;
}

static void tap(int64_t user, const char *data)
{
	tap_data(user, live(user), data);
}

static bool shows(const struct botapi_message *m, const char *part)
{
	return str_has(m->text, part);
}

static const struct botapi_button *button_of(const struct botapi_message *m, const char *beginning)
{
	for (size_t i = 0; i < m->buttons_count; i++)
		if (str_starts(m->buttons[i].data, beginning))
			return &m->buttons[i];
	return NULL;
}

static void assert_shows(const struct botapi_message *m, const char *part)
{
	if (!shows(m, part))
		fail_msg("\"%s\" is not in: %.*s", part, STR_ARG(m->text));
}

static int64_t count(const char *query, ...)
{
	int64_t n = -1;

	assert_int_equal(db_get_i64(&n, w.db, query), OK);
	return n;
}

static char *text_of(const char *query)
{
	char *text = NULL;

	assert_int_equal(db_get_text(&text, &w.arena, w.db, query), OK);
	return text;
}

/* The handler's rights, in a turn of the core. */
static void inside(enum err (*todo)(struct act *a))
{
	if (!w.admin_is_here)
		botapi_user_add(w.telegram, ADMIN_ID, "Boss", "boss", "en");
	w.admin_is_here = true;
	w.todo = todo;
	say(ADMIN_ID, "/do");
	w.todo = NULL;
}

static void buys(int64_t user, const char *plan)
{
	const struct botapi_message *m = NULL;

	say(user, "/plans");
	tap(user, arena_printf(&w.arena, "plan:%s", plan));
	tap(user, arena_printf(&w.arena, "buy:%s:stars", plan));
	for (size_t i = botapi_messages_count(w.telegram, user); i-- > 0;) {
		m = botapi_message_at(w.telegram, user, i);
		if (m->invoice_stars)
			break;
	}
	assert_true(m && m->invoice_stars > 0);
	assert_int_not_equal(botapi_pay(w.telegram, user, m->id), 0);
	run_ms(5000);
}

static char *sub_of(int64_t user)
{
	return text_of(arena_printf(&w.arena, "SELECT s.public_id FROM subscriptions s JOIN users u ON u.id=s.user_id WHERE u.telegram_id=%lld ORDER BY s.id DESC", (long long)user));
}

/* Nothing was refused, no text lacked a key or an argument. */
static void assert_clean(void)
{
	for (size_t i = 0; i < botapi_calls(w.telegram, NULL); i++) {
		const struct botapi_call *c = botapi_call_nth(w.telegram, NULL, i);

		if (c->status != 200 && c->status != 0)
			fail_msg("%.*s was refused: %.*s", STR_ARG(c->method), STR_ARG(c->payload));
	}
	assert_int_equal(i18n_faults(), w.faults);
	assert_int_equal(count("SELECT count(*) FROM inbox WHERE state<>0"), 0);
}

/* --- the walk: every button that can be reached is tapped once --- */

static bool verb_is_known(struct str data)
{
	const struct router_tables *all[ROUTER_TABLES_MAX];
	size_t n = router_tables(all);
	struct callback c = callback_read(data);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < all[i]->verbs_count; k++)
			if (str_is(c.verb, all[i]->verbs[k].verb))
				return true;
	return false;
}

struct walk {
	char seen[TAPS_MAX][TG_BUTTON_DATA_BYTES_MAX + 1];
	size_t count;
};

/* What ends the state that is walked through is not tapped: second presses, payments' end, language. */
static bool is_left_out(struct str data)
{
	static const char *const beginnings[] = { "cancel:", "lang:", "trial", "buy:", "pay:", "renewpay:" };
	struct callback c = callback_read(data);

	for (size_t i = 0; i < countof(beginnings); i++)
		if (str_starts(data, beginnings[i]))
			return true;
	return (str_is(c.verb, "revoke") || str_is(c.verb, "newlink")) && c.arg.len;
}

static bool is_new(struct walk *k, struct str data)
{
	for (size_t i = 0; i < k->count; i++)
		if (str_is(data, k->seen[i]))
			return false;
	assert_true(k->count < TAPS_MAX);
	snprintf(k->seen[k->count++], sizeof k->seen[0], "%.*s", STR_ARG(data));
	return true;
}

static void check_message(const struct botapi_message *m)
{
	assert_true(m->text.len || m->photo.len || m->invoice_stars);
	for (size_t i = 0; i < m->buttons_count; i++) {
		const struct botapi_button *b = &m->buttons[i];

		assert_true(b->text.len > 0);
		assert_true(b->data.len <= TG_BUTTON_DATA_BYTES_MAX);
		if (b->data.len && !verb_is_known(b->data))
			fail_msg("nobody knows the button %.*s", STR_ARG(b->data));
	}
}

static bool tap_something_new(int64_t user, struct walk *k)
{
	for (size_t i = botapi_messages_count(w.telegram, user); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(w.telegram, user, i);

		if (!m->from_bot || m->deleted)
			continue;
		check_message(m);
		for (size_t b = 0; b < m->buttons_count; b++)
			if (m->buttons[b].data.len && !is_left_out(m->buttons[b].data) && is_new(k, m->buttons[b].data)) {
				botapi_tap_data(w.telegram, user, m->id, k->seen[k->count - 1]);
				run_ms(1200);
				if (!botapi_toast(w.telegram, user).at)
					fail_msg("%s: the button goes on turning", k->seen[k->count - 1]);
				return true;
			}
	}
	return false;
}

static size_t walk(int64_t user)
{
	static const char *const commands[] = { "/start", "/plans", "/my", "/renew", "/invite", "/language", "/help", "/support", "/paysupport",
		"/terms", "/id", "/nothing", "hello" };
	struct walk *k = arena_new(&w.arena, struct walk);

	for (size_t i = 0; i < countof(commands); i++) {
		say(user, commands[i]);
		check_message(last(user));
	}
	while (tap_something_new(user, k))
		;
	assert_clean();
	return k->count;
}

static void walk_states(const char *language)
{
	static const char *const states[] = {
		"UPDATE subscriptions SET used_bytes=0, used_seen_ms=1793612000000",
		"UPDATE subscriptions SET used_bytes=quota_bytes, used_seen_ms=1793612000000 WHERE quota_bytes>0",
		"UPDATE subscriptions SET used_bytes=5, expires_ms=1793612000000+86400000",
		"UPDATE subscriptions SET expires_ms=1793612000000-1, grace_until_ms=1793612000000+86400000*3",
		"UPDATE subscriptions SET grace_until_ms=0",
		"UPDATE subscriptions SET enabled=0",
		"UPDATE plans SET on_sale=0",
		"UPDATE panels SET state='down'",
		"INSERT INTO settings(key, value) VALUES('support', '@boss & co'), ('terms', 'Be <kind>.'), ('referral_days', '0'), ('maintenance', '1')",
	};
	int64_t anna = person("Anna", language);

	assert_true(walk(anna) > 8);      /* knows nobody, may try */
	tap(anna, "trial");
	walk(anna);                       /* trial */
	tap(anna, "buy:2:stars");
	walk(anna);                       /* an open order */
	buys(anna, "2");                  /* trial becomes a purchase without end */
	buys(anna, "1");                  /* and a second one */
	assert_int_equal(count("SELECT count(*) FROM subscriptions"), 2);
	assert_true(walk(anna) > 25);
	for (size_t i = 0; i < countof(states); i++) {
		sql(states[i]);
		walk(anna);
	}
}

static void test_walk_english(void **state)
{
	(void)state;
	walk_states("en");
}

static void test_walk_russian(void **state)
{
	(void)state;
	walk_states("ru");
}

/* --- tables --- */

static size_t times(const struct router_tables **all, size_t n, const char *kind, const char *name)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; *kind == 'c' && k < all[i]->commands_count; k++)
			found += strcmp(all[i]->commands[k].name, name) == 0;
		for (size_t k = 0; *kind == 'v' && k < all[i]->verbs_count; k++)
			found += strcmp(all[i]->verbs[k].verb, name) == 0;
		for (size_t k = 0; *kind == 'd' && k < all[i]->dialogues_count; k++)
			found += strcmp(all[i]->dialogues[k].name, name) == 0;
	}
	return found;
}

static void test_tables(void **state)
{
	const struct router_tables *all[ROUTER_TABLES_MAX];
	size_t n = router_tables(all);
	char data[TG_BUTTON_DATA_BYTES_MAX + 1];

	(void)state;
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < all[i]->commands_count; k++) {
			const struct command_row *row = &all[i]->commands[k];

			assert_int_equal(times(all, n, "c", row->name), 1);
			assert_true(!row->menu_key || i18n_has(w.texts, row->menu_key));
			assert_non_null(row->run);
		}
		for (size_t k = 0; k < all[i]->verbs_count; k++) {
			assert_int_equal(times(all, n, "v", all[i]->verbs[k].verb), 1);
			assert_null(strchr(all[i]->verbs[k].verb, ':'));
			/* the longest we build: a public id, and a stamp with a revision or a plan with a provider */
			callback_build(data, all[i]->verbs[k].verb, "0123456789", "1793612000.9223372036854775807");
		}
		for (size_t k = 0; k < all[i]->dialogues_count; k++)
			assert_int_equal(times(all, n, "d", all[i]->dialogues[k].name), 1);
	}
}

static void test_callback(void **state)
{
	static const struct { const char *verb, *id, *arg, *data; } cases[] = {
		{ "home", NULL, NULL, "home" },
		{ "plan", "7", NULL, "plan:7" },
		{ "renewpay", "A7K29QX4M1", "12.stars", "renewpay:A7K29QX4M1:12.stars" },
		{ "x", NULL, "a:b", "x::a:b" },
	};
	char data[TG_BUTTON_DATA_BYTES_MAX + 1];
	struct callback c;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_true(str_is(callback_build(data, cases[i].verb, cases[i].id, cases[i].arg), cases[i].data));
		c = callback_read(str_of(cases[i].data));
		assert_true(str_is(c.verb, cases[i].verb));
		assert_true(str_is(c.id, cases[i].id ? cases[i].id : ""));
		assert_true(str_is(c.arg, cases[i].arg ? cases[i].arg : ""));
	}
	c = callback_read(STR(""));
	assert_int_equal(c.verb.len + c.id.len + c.arg.len, 0);
}

/* --- buying, from the chat --- */

/* Start, plans, plan, pay: three taps. */
static void test_purchase(void **state)
{
	int64_t anna = person("Anna", "en");
	const struct botapi_message *m;
	size_t before;

	(void)state;
	say(anna, "/start");
	assert_shows(live_message(anna), "Hello, Anna.");
	assert_non_null(button_of(live_message(anna), "trial"));
	tap(anna, "plans");
	assert_non_null(button_of(live_message(anna), "plan:1"));
	assert_null(button_of(live_message(anna), "plan:3")); /* trials are not sold */
	assert_null(button_of(live_message(anna), "plan:4")); /* nor what was withdrawn */
	tap(anna, "plan:1");
	assert_int_equal(count("SELECT count(*) FROM orders"), 0); /* looking costs nothing */
	before = botapi_messages_count(w.telegram, anna);
	tap(anna, "buy:1:stars");
	m = last(anna);
	assert_int_equal(m->invoice_stars, 300);
	assert_true(str_eq(m->invoice_payload, str_of(text_of("SELECT public_id FROM invoices"))));
	assert_int_equal(botapi_messages_count(w.telegram, anna), before + 1); /* the screen was edited in place */
	w.panel_down = true;
	botapi_pay(w.telegram, anna, m->id);
	run_ms(2000);
	assert_non_null(botapi_find_text(w.telegram, anna, "Paid. Creating your access"));
	run_ms(20000);
	assert_non_null(botapi_find_text(w.telegram, anna, "Your payment is safe"));
	w.panel_down = false;
	run_ms(20000);
	before = botapi_messages_count(w.telegram, anna);
	m = botapi_message_at(w.telegram, anna, before - 3);
	assert_shows(m, "Your access is ready.");
	assert_true(str_has(m->html, "<code>vless://a0d0c0de-0000-4000-8000-00000000f00d@vpn.test:443?type=tcp&amp;security=reality#Shop%20%3C1%3E</code>"));
	assert_true(str_has(m->html, "Order <code>"));
	assert_true(botapi_message_at(w.telegram, anna, before - 2)->photo.len > 100);
	m = botapi_message_at(w.telegram, anna, before - 1);
	assert_true(str_has(m->html, "<code>https://sub.test/s/"));
	say(anna, "/start");
	assert_non_null(button_of(live_message(anna), "connect:"));
	assert_shows(live_message(anna), "Month – active");
	assert_clean();
}

static void test_page_provider(void **state)
{
	int64_t anna = person("Anna", "en");
	const struct botapi_message *m;

	(void)state;
	say(anna, "/start");
	tap(anna, "plan:1");
	assert_non_null(button_of(live_message(anna), "buy:1:crypto_pay"));
	botapi_tap_data(w.telegram, anna, live(anna), "buy:1:crypto_pay");
	run_ms(10000);
	m = live_message(anna);
	assert_shows(m, "Crypto Bot: $4.99 for order");
	assert_true(m->edits >= 2); /* "Preparing…", then the page */
	assert_true(m->buttons[0].url.len > 0);
	assert_clean();
	/* does not answer: another way, the order stands */
	memnet_set_down(w.net, CRYPTO_PAY, true);
	sql("UPDATE invoices SET state='expired'; UPDATE orders SET state='canceled'");
	tap(anna, "buy:1:crypto_pay");
	run_ms(60000);
	assert_shows(live_message(anna), "This way of paying does not answer.");
	assert_non_null(button_of(live_message(anna), "pay:"));
	assert_int_equal(count("SELECT count(*) FROM orders WHERE state='open'"), 1);
}

/* What the link and the subscription link become: text always, button and picture where they fit. */
static void test_copy_and_qr(void **state)
{
	static const struct { size_t link, sub_url; char copy, qr; } cases[] = {
		{ 200, 40, 'l', 'l' }, { 256, 40, 'l', 'l' }, { 257, 40, 's', 'l' }, { 257, 257, '-', 'l' }, { 257, 0, '-', 'l' },
		{ 1200, 40, 's', 'l' }, { 1201, 40, 's', 's' }, { 1201, 1201, '-', '-' }, { 1201, 0, '-', '-' }, { 0, 40, 's', 's' }, { 0, 0, '-', '-' },
	};
	char link[1300], sub_url[1300];

	(void)state;
	memset(link, 'l', sizeof link);
	memset(sub_url, 's', sizeof sub_url);
	for (size_t i = 0; i < countof(cases); i++) {
		struct access_links l = { str_n(link, cases[i].link), str_n(sub_url, cases[i].sub_url) };
		struct str copy = choose_copy(&l), qr = choose_qr(&l);

		if ((copy.len ? *copy.at : '-') != cases[i].copy || (qr.len ? *qr.at : '-') != cases[i].qr)
			fail_msg("link of %zu, subscription link of %zu", cases[i].link, cases[i].sub_url);
	}
}

static void test_long_links(void **state)
{
	int64_t anna = person("Anna", "en");
	char *link = arena_alloc(&w.arena, 1500);
	size_t n;

	(void)state;
	snprintf(link, 1500, "trojan://");
	memset(link + 9, 'x', 1300);
	w.link = link;
	buys(anna, "1");
	n = botapi_messages_count(w.telegram, anna);
	assert_shows(botapi_message_at(w.telegram, anna, n - 3), link);
	assert_shows(botapi_message_at(w.telegram, anna, n - 2), "too long for a QR code, so this one holds your subscription link");
	assert_true(botapi_message_at(w.telegram, anna, n - 2)->photo.len > 0);
	sql("UPDATE panels SET sub_url=NULL");
	tap(anna, arena_printf(&w.arena, "link:%s", sub_of(anna)));
	assert_shows(last(anna), "This link is too long for a QR code. Copy it");
	/* several: each in a code block of its own; nothing known: said, and no dead end */
	sql("UPDATE accesses SET link='vless://one' || char(10) || 'vless://two'");
	tap(anna, arena_printf(&w.arena, "link:%s", sub_of(anna)));
	n = botapi_messages_count(w.telegram, anna);
	assert_true(str_has(botapi_message_at(w.telegram, anna, n - 2)->html, "<code>vless://one</code>"));
	assert_true(str_has(botapi_message_at(w.telegram, anna, n - 2)->html, "<code>vless://two</code>"));
	sql("UPDATE accesses SET link=NULL");
	tap(anna, arena_printf(&w.arena, "link:%s", sub_of(anna)));
	assert_shows(last(anna), "The link is not ready yet");
	tap(anna, arena_printf(&w.arena, "qr:%s", sub_of(anna)));
	assert_shows(live_message(anna), "The link is not ready yet");
	assert_clean();
}

static void test_renewal(void **state)
{
	int64_t anna = person("Anna", "en");
	char *sub, *link;

	(void)state;
	say(anna, "/start");
	tap(anna, "trial");
	run_ms(5000);
	sub = sub_of(anna);
	link = text_of("SELECT uuid FROM subscriptions");
	say(anna, "/renew");
	assert_shows(live_message(anna), "the link of your trial stays the same");
	tap(anna, arena_printf(&w.arena, "renew:%s:1", sub));
	assert_shows(live_message(anna), "Renew Month for");
	assert_shows(live_message(anna), "Now: until");
	assert_shows(live_message(anna), "Then: until");
	tap(anna, arena_printf(&w.arena, "renewpay:%s:1.stars", sub));
	botapi_pay(w.telegram, anna, last(anna)->id);
	run_ms(5000);
	assert_non_null(botapi_find_text(w.telegram, anna, "Renewed: Month now runs until"));
	assert_int_equal(count("SELECT count(*) FROM subscriptions"), 1);
	assert_string_equal(text_of("SELECT uuid FROM subscriptions"), link);
	assert_clean();
}

/* --- what was tapped is not what is --- */

static void test_forged(void **state)
{
	static const struct { const char *before, *behind; bool is_order; } forms[] = {
		{ "sub:", "", false }, { "link:", "", false }, { "qr:", "", false }, { "newlink:", "", false }, { "revoke:", "", false },
		{ "newlink:", ":1793612000.1", false }, { "revoke:", ":1793612000.1", false }, { "renew:", "", false }, { "renew:", ":1", false },
		{ "renewpay:", ":1.stars", false }, { "renewpay:", ":x.y", false }, { "connect:", "", false }, { "connect:", ":ios", false },
		{ "order:", "", true }, { "pay:", ":stars", true }, { "cancel:", "", true },
		{ "nothing:", "", false }, { "plan:", "", false }, { "buy:", ":stars", false }, { "secret:", "", false }, { "answer:", "", false },
		{ "sub:::", "", false }, { "::", "", false }, { "plan:99999999999999999999", "", false },
	};
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en");
	char *sub, *order;

	(void)state;
	buys(anna, "1");
	say(boris, "/start");
	sub = sub_of(anna);
	order = text_of("SELECT public_id FROM orders");
	for (size_t i = 0; i < countof(forms); i++) {
		char *data = arena_printf(&w.arena, "%s%s%s", forms[i].before, forms[i].is_order ? order : sub, forms[i].behind);

		botapi_clear_calls(w.telegram);
		tap(boris, data);
		if (!str_is(botapi_toast(w.telegram, boris), "This button is old. Here is the current state."))
			fail_msg("%s: %.*s", data, STR_ARG(botapi_toast(w.telegram, boris)));
		assert_shows(live_message(boris), "Hello, Boris.");
		assert_int_equal(botapi_calls(w.telegram, "sendmessage") + botapi_calls(w.telegram, "sendphoto") + botapi_calls(w.telegram, "sendinvoice"), 0);
	}
	assert_int_equal(secrets_shown, 0);
	assert_int_equal(count("SELECT count(*) FROM orders"), 1);
	assert_int_equal(count("SELECT count(*) FROM subscriptions WHERE gone=0 AND revision=1"), 1);
}

/* R194: another plan's number buys that plan as it is sold, or nothing. */
static void test_forged_plan(void **state)
{
	int64_t anna = person("Anna", "en");
	char *sub;

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:3:stars"); /* a trial */
	assert_shows(live_message(anna), "This plan is no longer sold.");
	tap(anna, "buy:4:stars"); /* withdrawn */
	assert_shows(live_message(anna), "This plan is no longer sold.");
	tap(anna, "buy:77:stars");
	assert_shows(live_message(anna), "This plan is no longer sold.");
	tap(anna, "buy:1:nobody");
	assert_shows(live_message(anna), "This way of paying does not answer.");
	assert_int_equal(count("SELECT count(*) FROM invoices"), 0);
	buys(anna, "1");
	sub = sub_of(anna);
	tap(anna, arena_printf(&w.arena, "renewpay:%s:3.stars", sub));
	tap(anna, arena_printf(&w.arena, "renewpay:%s:4.stars", sub));
	tap(anna, arena_printf(&w.arena, "renew:%s:3", sub));
	assert_int_equal(count("SELECT count(*) FROM orders"), 1);
	tap(anna, arena_printf(&w.arena, "renewpay:%s:2.stars", sub));
	assert_int_equal(last(anna)->invoice_stars, 2500); /* plan 2 at plan 2's price, nothing of plan 1's */
	assert_int_equal(count("SELECT quota_bytes FROM subscriptions"), 107374182400);
	assert_int_equal(count("SELECT days+quota_bytes FROM orders WHERE plan_id=2"), 0);
}

/* A price that changed meanwhile is shown before it is paid. */
static void test_kept_price(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:1:stars");
	assert_int_equal(last(anna)->invoice_stars, 300);
	sql("UPDATE plan_prices SET amount_minor=400 WHERE plan_id=1 AND currency='XTR'");
	botapi_clear_calls(w.telegram);
	tap(anna, "buy:1:stars");
	assert_shows(live_message(anna), "at another price");
	assert_shows(live_message(anna), "300");
	assert_int_equal(botapi_calls(w.telegram, "sendinvoice"), 0);
}

/* The order is found again by its number, whatever was tapped or typed between (B45). */
static void test_order_survives(void **state)
{
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en");
	char shown[PUBLIC_ID_CHARS + 3], *order;

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:1:stars");
	order = text_of("SELECT public_id FROM orders");
	public_id_show(shown, order);
	say(anna, "/start");
	assert_shows(live_message(anna), shown);
	assert_non_null(button_of(live_message(anna), "order:"));
	say(anna, arena_printf(&w.arena, "/start o_%s", order));
	assert_non_null(button_of(live_message(anna), "pay:"));
	say(anna, "/help");
	say(anna, shown);
	assert_non_null(button_of(live_message(anna), "pay:"));
	tap_data(anna, 2, arena_printf(&w.arena, "order:%s", order)); /* on an old keyboard */
	assert_non_null(button_of(live_message(anna), "pay:"));
	say(boris, arena_printf(&w.arena, "/start o_%s", order)); /* not his */
	assert_null(button_of(live_message(boris), "pay:"));
	tap(anna, arena_printf(&w.arena, "cancel:%s", order));
	assert_shows(live_message(anna), "canceled");
	assert_clean();
	tap(anna, arena_printf(&w.arena, "cancel:%s", order)); /* and once more */
	assert_shows(live_message(anna), "canceled");
}

/* --- one subscription --- */

static void test_usage_texts(void **state)
{
	static const struct { const char *sql, *shown, *not_shown; } cases[] = {
		{ "UPDATE subscriptions SET used_seen_ms=0", "No traffic data for this subscription yet.", "Used:" },
		{ "UPDATE subscriptions SET used_seen_ms=1793612000000, used_bytes=0", "Used: 0" NBSP "B of 100" NBSP "GB", "No traffic data" },
		{ "UPDATE subscriptions SET used_bytes=1610612736", "Used: 1.5" NBSP "GB of 100" NBSP "GB", "No traffic data" },
		{ "UPDATE panels SET state='down'", "The server does not tell its figures right now; the last ones are from", "No traffic data" },
		{ "UPDATE subscriptions SET used_seen_ms=0", "The server does not tell its figures right now.", "the last ones" },
		{ "UPDATE subscriptions SET quota_bytes=0, used_seen_ms=1793612000000", "Used: 1.5" NBSP "GB, no limit", "of" },
	};
	int64_t anna = person("Anna", "en");

	(void)state;
	buys(anna, "1");
	for (size_t i = 0; i < countof(cases); i++) {
		sql(cases[i].sql);
		say(anna, "/my");
		assert_shows(live_message(anna), cases[i].shown);
		if (i < 5)
			assert_false(shows(live_message(anna), cases[i].not_shown));
	}
}

static void test_status_texts(void **state)
{
	static const struct { const char *sql, *en, *ru; } cases[] = {
		{ "UPDATE subscriptions SET used_seen_ms=1793612000000", "Month – active", "Month – работает" },
		{ "UPDATE subscriptions SET used_bytes=quota_bytes", "Month – traffic used up", "Month – трафик исчерпан" },
		{ "UPDATE subscriptions SET used_bytes=0, expires_ms=1793611999999, grace_until_ms=1893612000000", "Month – ended, still works", "Month – закончилась, ещё работает" },
		{ "UPDATE subscriptions SET grace_until_ms=0", "Month – ended", "Month – закончилась" },
		{ "UPDATE subscriptions SET enabled=0, expires_ms=1893612000000", "Month – switched off", "Month – отключена" },
		{ "UPDATE subscriptions SET enabled=1; UPDATE accesses SET done_rev=0", "Month – being created", "Month – создаётся" },
	};
	int64_t anna = person("Anna", "en"), olga = person("Olga", "ru");

	(void)state;
	buys(anna, "1");
	buys(olga, "1");
	for (size_t i = 0; i < countof(cases); i++) {
		sql(cases[i].sql);
		say(anna, "/my");
		assert_shows(live_message(anna), cases[i].en);
		say(olga, "/my");
		assert_shows(live_message(olga), cases[i].ru);
	}
}

/* 0 is "never", all else a date in the reader's language. */
static void test_expiry_texts(void **state)
{
	int64_t anna = person("Anna", "en"), olga = person("Olga", "ru");

	(void)state;
	buys(anna, "1");
	buys(olga, "1");
	sql("UPDATE subscriptions SET expires_ms=1798761600000");
	say(anna, "/my");
	assert_shows(live_message(anna), "Ends: 1 January 2027");
	say(olga, "/my");
	assert_shows(live_message(olga), "Окончание: 1 января 2027");
	sql("UPDATE subscriptions SET expires_ms=0");
	say(anna, "/my");
	assert_shows(live_message(anna), "Ends: never");
	say(olga, "/my");
	assert_shows(live_message(olga), "Окончание: никогда");
}

/* New link and removal ask first; the second press is good for five minutes and once. */
static void test_second_press(void **state)
{
	static const struct { const char *verb, *changed; } cases[] = {
		{ "newlink", "SELECT count(*) FROM subscriptions WHERE revision>1" },
		{ "revoke", "SELECT count(*) FROM subscriptions WHERE gone=1" },
	};
	int64_t anna = person("Anna", "en");

	(void)state;
	buys(anna, "1");
	say(anna, "/my");
	for (size_t i = 0; i < countof(cases); i++) {
		char *ask = arena_printf(&w.arena, "%s:%s", cases[i].verb, sub_of(anna)), *uuid, *yes;
		const char *changed = cases[i].changed;

		tap(anna, ask);
		assert_shows(live_message(anna), "•");
		yes = str_dup(&w.arena, button_of(live_message(anna), ask)->data);
		assert_int_equal(count(changed), 0);
		memnet_advance_ms(w.net, CONFIRM_MS + SECOND_MS);
		tap(anna, yes); /* too late: asks again */
		assert_int_equal(count(changed), 0);
		assert_shows(live_message(anna), "•");
		yes = str_dup(&w.arena, button_of(live_message(anna), ask)->data);
		tap(anna, yes);
		assert_int_equal(count(changed), 1);
		uuid = text_of("SELECT uuid FROM subscriptions");
		tap(anna, yes); /* a double tap changes nothing more */
		assert_string_equal(text_of("SELECT uuid FROM subscriptions"), uuid);
	}
	say(anna, "/my");
	assert_shows(live_message(anna), "You have no subscription yet.");
}

/* --- the way in --- */

static void test_start_payloads(void **state)
{
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en"), vera = person("Vera", "en"), gleb = person("Gleb", "en");
	char *code;

	(void)state;
	say(anna, "/start");
	code = text_of("SELECT referral_code FROM users");
	say(anna, arena_printf(&w.arena, "/start r_%s", code)); /* her own */
	say(boris, arena_printf(&w.arena, "/start r_%s", code));
	assert_shows(live_message(boris), "a friend has invited you");
	say(vera, arena_printf(&w.arena, "/start %s", code)); /* without prefix */
	say(gleb, code);                                      /* typed by hand */
	assert_shows(live_message(gleb), "a friend has invited you");
	assert_int_equal(count("SELECT count(*) FROM users WHERE referred_by=(SELECT min(id) FROM users)"), 3);
	say(boris, "/start r_00000000");
	say(boris, "/start r_");
	assert_int_equal(count("SELECT count(*) FROM users WHERE referred_by IS NULL"), 1);
	say(anna, "/start p_2");
	assert_shows(live_message(anna), "Endless <b>&");
	say(anna, "/start p_4");
	assert_shows(live_message(anna), "This plan is no longer sold.");
	say(anna, "/start a_00000000000000000000000000");
	assert_shows(live_message(anna), "This claim link has been used or is too old.");
	say(anna, "/start zz_/../'\"");
	assert_shows(live_message(anna), "Hello, Anna.");
	say(anna, "/invite");
	assert_shows(live_message(anna), arena_printf(&w.arena, "https://t.me/" BOTAPI_USERNAME "?start=r_%s", code));
	assert_shows(live_message(anna), "3 friends have come so far, 0 bought.");
	assert_int_equal(count("SELECT count(*) FROM users"), 4); /* one row each, however often they started (R241) */
	assert_clean();
}

static char claim_code[ADMIN_CLAIM_CHARS + 1];

static enum err make_claim(struct act *a)
{
	return admin_claim_create(claim_code, a);
}

static void test_admin_claim(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	inside(make_claim);
	say(anna, "/start");
	botapi_clear_calls(w.telegram);
	say(anna, arena_printf(&w.arena, "/start a_%s", claim_code));
	assert_shows(live_message(anna), "You are now an admin of this shop.");
	assert_int_equal(botapi_calls(w.telegram, "setmycommands"), 1);
	assert_true(botapi_commands(w.telegram, "chat", anna, "").len > 0);
	tap(anna, "secret:1");
	assert_int_equal(secrets_shown, 1);
}

static void test_language(void **state)
{
	int64_t anna = person("Anna", "de"), olga = person("Olga", "ru-RU");

	(void)state;
	say(anna, "/start");
	assert_shows(live_message(anna), "Hello, Anna."); /* no German: the default */
	say(olga, "/start");
	assert_shows(live_message(olga), "Здравствуйте");
	say(anna, "/language");
	assert_non_null(botapi_find_button(live_message(anna), "Русский"));
	tap(anna, "lang:ru");
	assert_true(str_is(botapi_toast(w.telegram, anna), "Язык изменён"));
	assert_shows(live_message(anna), "Здравствуйте");
	say(anna, "/help"); /* and stays, whatever Telegram says hers is */
	assert_shows(live_message(anna), "что есть и сколько стоит");
	tap(anna, "lang:xx");
	assert_shows(live_message(anna), "Выберите язык");
}

static void test_menus(void **state)
{
	(void)state;
	run_ms(3000);
	assert_true(str_has(botapi_commands(w.telegram, "all_private_chats", 0, ""), "Plans and prices"));
	assert_true(str_has(botapi_commands(w.telegram, "all_private_chats", 0, "ru"), "Тарифы и цены"));
	assert_false(str_has(botapi_commands(w.telegram, "all_private_chats", 0, ""), "panel"));
}

/* --- people as they are --- */

static void test_names(void **state)
{
	static const char *const names[] = { "<b>Tom</b> & \"Co\"", "علی رضا", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦", "   ", "{{name}}", "\xE2\x80\xAE" "evil" };
	char *longest = arena_alloc(&w.arena, 1300);

	(void)state;
	for (size_t i = 0; i < 300; i++)
		memcpy(longest + 4 * i, "😀", 4);
	for (size_t i = 0; i <= countof(names); i++) {
		int64_t user = person(i < countof(names) ? names[i] : longest, "en");

		say(user, "/start");
		assert_shows(live_message(user), "Here you buy access");
	}
	assert_clean();
}

static void test_banned(void **state)
{
	static const char *const tries[] = { "/start", "/my", "/plans", "/id", "hello", "/do", "vless://x@y:1" };
	int64_t anna = person("Anna", "en");

	(void)state;
	buys(anna, "1");
	sql("UPDATE users SET banned=1");
	for (size_t i = 0; i < countof(tries); i++) {
		size_t before = botapi_messages_count(w.telegram, anna);

		say(anna, tries[i]);
		assert_int_equal(botapi_messages_count(w.telegram, anna), before + 2);
		assert_true(str_is(last(anna)->text, "The shop has closed this account."));
		assert_int_equal(last(anna)->buttons_count, 0);
	}
	botapi_clear_calls(w.telegram);
	tap(anna, "plans");
	tap(anna, arena_printf(&w.arena, "link:%s", sub_of(anna)));
	assert_int_equal(botapi_calls(w.telegram, NULL), botapi_calls(w.telegram, "answercallbackquery") + botapi_calls(w.telegram, "getupdates"));
	assert_true(str_is(botapi_toast(w.telegram, anna), "The shop has closed this account."));
}

static void test_blocked_the_bot(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	botapi_block(w.telegram, anna);
	run_ms(3000);
	assert_int_equal(count("SELECT reachable FROM users"), 0);
	botapi_unblock(w.telegram, anna);
	run_ms(3000);
	assert_int_equal(count("SELECT reachable FROM users"), 1);
}

static void test_groups(void **state)
{
	int64_t anna = person("Anna", "en"), group = botapi_group_new(w.telegram, "Team", true);
	size_t before;

	(void)state;
	botapi_user_add(w.telegram, ADMIN_ID, "Boss", "boss", "en");
	before = botapi_messages_count(w.telegram, group);
	botapi_say_in(w.telegram, group, anna, "/start");
	botapi_say_in(w.telegram, group, anna, "/do");
	botapi_say_in(w.telegram, group, anna, "/id");
	botapi_say_in(w.telegram, group, ADMIN_ID, "/my");           /* his link is nobody's business here */
	botapi_say_in(w.telegram, group, ADMIN_ID, "/id@otherbot");
	run_ms(3000);
	assert_int_equal(botapi_messages_count(w.telegram, group), before + 5);
	assert_int_equal(count("SELECT count(*) FROM users WHERE telegram_id<>900"), 0);
	botapi_say_in(w.telegram, group, ADMIN_ID, "/id");
	run_ms(3000);
	assert_shows(last(group), "This chat:");
}

/* R276, as far as these tables go: the same answer as for a command that does not exist. */
static void test_admin_rows_are_unknown(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/do");
	assert_shows(last(anna), "I do not know this command.");
	say(anna, "/nothing");
	assert_shows(last(anna), "I do not know this command.");
	sql("UPDATE users SET dialogue='answer:0123456789'");
	say(anna, "text for somebody");
	assert_shows(live_message(anna), "I understand commands and buttons.");
	assert_int_equal(count("SELECT count(*) FROM users WHERE dialogue IS NOT NULL"), 0);
}

static void test_maintenance(void **state)
{
	static const char *const tries[] = { "buy:1:stars", "trial" };
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	sql("INSERT INTO settings(key, value) VALUES('maintenance', '1')");
	for (size_t i = 0; i < countof(tries); i++) {
		tap(anna, tries[i]);
		assert_shows(live_message(anna), "The shop is being looked after");
	}
	assert_int_equal(count("SELECT count(*) FROM orders"), 0);
}

/* --- dialogues --- */

static void test_claim(void **state)
{
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en");
	char *uuid;

	(void)state;
	buys(anna, "1");
	uuid = text_of("SELECT uuid FROM subscriptions");
	say(boris, "/start");
	tap(boris, "claim");
	say(boris, "my name is Anna");
	assert_shows(live_message(boris), "That is no link.");
	say(boris, "vless://00000000-0000-4000-8000-000000000000@vpn.test:443#x");
	assert_shows(live_message(boris), "We found no such access");
	say(boris, arena_printf(&w.arena, "vless://%s@vpn.test:443#x", uuid));
	assert_shows(live_message(boris), "This access belongs to somebody already.");
	say(boris, "/help"); /* leaves the dialogue */
	say(boris, "hello");
	assert_shows(live_message(boris), "I understand commands and buttons.");
	sql("INSERT INTO users(id, public_id, lang, referral_code, created_ms, updated_ms) VALUES(99, 'NOBODY', 'en', 'NOBODY', 0, 0);"
		"UPDATE subscriptions SET user_id=99");
	say(boris, arena_printf(&w.arena, "vless://%s@vpn.test:443#x", uuid)); /* also without being asked */
	say(boris, "/my");
	assert_clean();
}

static void test_support(void **state)
{
	int64_t anna = person("Anna <3", "en");
	const struct botapi_message *m;

	(void)state;
	botapi_user_add(w.telegram, ADMIN_ID, "Boss", "boss", "en");
	say(ADMIN_ID, "/start");
	say(anna, "/support");
	say(anna, "It does <not> work");
	assert_shows(live_message(anna), "Sent. The answer will come here.");
	m = last(ADMIN_ID);
	assert_shows(m, "Anna <3");
	assert_shows(m, "It does <not> work");
	botapi_tap(w.telegram, ADMIN_ID, m->id, "Answer");
	run_ms(3000);
	say(ADMIN_ID, "Update & restart");
	assert_shows(last(anna), "The shop answers:\nUpdate & restart");
	assert_shows(last(ADMIN_ID), "Sent to Anna <3.");
	say(ADMIN_ID, "once more");
	assert_null(botapi_find_text(w.telegram, anna, "once more")); /* one message, one answer */
	assert_clean();
}

/* --- notices --- */

static const char *remind_kind;

static enum err remind(struct act *a)
{
	struct subscription s;
	struct user u;
	struct reminder r = { .sub = &s, .kind = remind_kind };
	int64_t id = count("SELECT id FROM subscriptions");
	enum err e = sub_get(&s, a, id);

	if (!e)
		e = user_get(&u, a, s.user_id);
	return e ? e : screens_remind(a, &u, &r);
}

static void test_reminders(void **state)
{
	static const struct { const char *kind, *en; } cases[] = {
		{ "3d", "Month ends in 3 days, on" }, { "1d", "Month ends in 1 day, on" }, { "end", "Month has ended. It still works until" },
		{ "grace", "Month has ended. Your link is kept" }, { "80", "80 % of your traffic is used" }, { "90", "90 % of your traffic is used" },
		{ "100", "All traffic of Month is used" },
	};
	int64_t anna = person("Anna", "en");

	(void)state;
	buys(anna, "1");
	sql("UPDATE subscriptions SET grace_until_ms=1893612000000");
	for (size_t i = 0; i < countof(cases); i++) {
		remind_kind = cases[i].kind;
		inside(remind);
		assert_shows(last(anna), cases[i].en);
		assert_non_null(button_of(last(anna), "renew:"));
	}
	/* two taps from the reminder to the provider */
	tap_data(anna, last(anna)->id, str_dup(&w.arena, button_of(last(anna), "renew:")->data));
	tap(anna, str_dup(&w.arena, button_of(live_message(anna), "renewpay:")->data));
	assert_clean();
}

static enum err tell_money(struct act *a)
{
	struct user anna;
	static char provider[] = "stars";
	struct payment_row p = { .id = 1, .user_id = count("SELECT id FROM users WHERE telegram_id<>900"), .provider = provider, .amount_minor = 250, .currency = "XTR" };
	enum err e = user_get(&anna, a, p.user_id);
	static const char *const reasons[] = { "amount", "currency", "paid_already", "plan_gone", "no_place", "unknown_invoice", "other_payer", "recurring", "new kind" };

	for (size_t i = 0; !e && i < countof(reasons); i++) {
		p.reason = (char *)(uintptr_t)reasons[i];
		e = screens_pay_hooks.set_aside(a, &p, &anna);
	}
	if (!e)
		e = screens_pay_hooks.set_aside(a, &p, NULL);
	if (!e)
		e = screens_pay_hooks.refunded(a, &p);
	return e;
}

static void test_money_notices(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	inside(tell_money);
	run_ms(60000);
	assert_non_null(botapi_find_text(w.telegram, anna, "We have received 250"));
	assert_non_null(botapi_find_text(w.telegram, anna, "the amount is not the order's"));
	assert_non_null(botapi_find_text(w.telegram, anna, "it fits no order"));
	assert_non_null(botapi_find_text(w.telegram, anna, "We have sent 250"));
	assert_clean();
}

static enum err park(struct act *a)
{
	struct tg_update u = { .update_id = 5, .kind = TG_UPDATE_MESSAGE, .kind_name = "message", .chat = { .type = TG_CHAT_PRIVATE } };

	u.from.id = u.chat.id = count("SELECT telegram_id FROM users WHERE telegram_id<>900");
	return router_parked(a, &u);
}

static void test_parked(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	inside(park);
	assert_shows(last(anna), "Something went wrong on our side; we look into it.");
}

#define with_world(test, rows) { #test " [" rows "]", test, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_walk_english, "R277"),
		with_world(test_walk_russian, ""),
		with_world(test_tables, ""),
		proves(test_callback, ""),
		with_world(test_purchase, "R273 R275"),
		with_world(test_page_provider, ""),
		proves(test_copy_and_qr, ""),
		with_world(test_long_links, "B34"),
		with_world(test_renewal, ""),
		with_world(test_forged, ""),
		with_world(test_forged_plan, "R194 R183"),
		with_world(test_kept_price, "B14"),
		with_world(test_order_survives, "B45"),
		with_world(test_usage_texts, "R064"),
		with_world(test_status_texts, ""),
		with_world(test_expiry_texts, "R065"),
		with_world(test_second_press, ""),
		with_world(test_start_payloads, "R242"),
		with_world(test_admin_claim, ""),
		with_world(test_language, "R278"),
		with_world(test_menus, ""),
		with_world(test_names, ""),
		with_world(test_banned, ""),
		with_world(test_blocked_the_bot, ""),
		with_world(test_groups, ""),
		with_world(test_admin_rows_are_unknown, ""),
		with_world(test_maintenance, ""),
		with_world(test_claim, ""),
		with_world(test_support, ""),
		with_world(test_reminders, ""),
		with_world(test_money_notices, ""),
		with_world(test_parked, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
