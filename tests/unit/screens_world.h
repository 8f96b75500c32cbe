/* The shop as seen from the chat: the real router, screens and shop on a real store, Telegram as a strict simulator in
 * memory (it refuses broken HTML and buttons over their limits), time virtual. Panels are played by the tests: a
 * reconcile job that agrees at once, or does not answer. One world at a time; with_world(test, rows) sets it up. */
#ifndef OBOL_TESTS_SCREENS_WORLD_H
#define OBOL_TESTS_SCREENS_WORLD_H

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

static inline enum err reconcile(struct act *a, struct job *job)
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

static inline enum err cmd_do(struct talk *t, struct str args)
{
	(void)args;
	return w.todo ? w.todo(t->a) : OK;
}

static int secrets_shown;

static inline enum err tap_secret(struct talk *t, struct str id, struct str arg)
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

static inline enum err no_alert(struct act *a, const struct alert *alert)
{
	(void)a;
	(void)alert;
	return OK;
}

static inline void sql(const char *text)
{
	assert_int_equal(db_script(w.db, text), OK);
}

static inline void stock(void)
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

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline void run_ms(int64_t ms)
{
	int64_t until_ms = memnet_now_ms(w.net) + ms;

	while (memnet_now_ms(w.net) < until_ms)
		core_turn(w.core, (int)(until_ms - memnet_now_ms(w.net)));
}

static inline int64_t person(const char *name, const char *language)
{
	return botapi_user_new(w.telegram, name, NULL, language);
}

static inline void say(int64_t user, const char *text)
{
	assert_true(botapi_say(w.telegram, user, text) > 0);
	run_ms(3000);
}

static inline const struct botapi_message *last(int64_t user)
{
	const struct botapi_message *m = botapi_last(w.telegram, user);

	assert_non_null(m);
	return m;
}

static inline void tap_data(int64_t user, int64_t message_id, const char *data)
{
	assert_true(botapi_tap_data(w.telegram, user, message_id, data) > 0);
	run_ms(3000);
}

static inline int64_t live(int64_t user)
{
	int64_t id = 0;

	db_get_i64(&id, w.db, "SELECT message_id FROM live_messages JOIN users ON user_id=users.id WHERE telegram_id=?1", user);
	return id;
}

static inline const struct botapi_message *live_message(int64_t user)
{
	const struct botapi_message *m = botapi_message_get(w.telegram, user, live(user));

	assert_non_null(m);
	return m;
}

static inline void tap(int64_t user, const char *data)
{
	tap_data(user, live(user), data);
}

static inline bool shows(const struct botapi_message *m, const char *part)
{
	return str_has(m->text, part);
}

static inline const struct botapi_button *button_of(const struct botapi_message *m, const char *beginning)
{
	for (size_t i = 0; i < m->buttons_count; i++)
		if (str_starts(m->buttons[i].data, beginning))
			return &m->buttons[i];
	return NULL;
}

static inline void assert_shows(const struct botapi_message *m, const char *part)
{
	if (!shows(m, part))
		fail_msg("\"%s\" is not in: %.*s", part, STR_ARG(m->text));
}

static inline int64_t count(const char *query)
{
	int64_t n = -1;

	assert_int_equal(db_get_i64(&n, w.db, query), OK);
	return n;
}

static inline char *text_of(const char *query)
{
	char *text = NULL;

	assert_int_equal(db_get_text(&text, &w.arena, w.db, query), OK);
	return text;
}

/* The handler's rights, in a turn of the core. */
static inline void inside(enum err (*todo)(struct act *a))
{
	if (!w.admin_is_here)
		botapi_user_add(w.telegram, ADMIN_ID, "Boss", "boss", "en");
	w.admin_is_here = true;
	w.todo = todo;
	say(ADMIN_ID, "/do");
	w.todo = NULL;
}

static inline void buys(int64_t user, const char *plan)
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

static inline char *sub_of(int64_t user)
{
	return text_of(arena_printf(&w.arena, "SELECT s.public_id FROM subscriptions s JOIN users u ON u.id=s.user_id WHERE u.telegram_id=%lld ORDER BY s.id DESC", (long long)user));
}

/* Nothing was refused, no text lacked a key or an argument. */
static inline void assert_clean(void)
{
	for (size_t i = 0; i < botapi_calls(w.telegram, NULL); i++) {
		const struct botapi_call *c = botapi_call_nth(w.telegram, NULL, i);

		if (c->status != 200 && c->status != 0)
			fail_msg("%.*s was refused: %.*s", STR_ARG(c->method), STR_ARG(c->payload));
	}
	assert_int_equal(i18n_faults(), w.faults);
	assert_int_equal(count("SELECT count(*) FROM inbox WHERE state<>0"), 0);
}

#define with_world(test, rows) { #test " [" rows "]", test, set_up, tear_down, NULL }

#endif
