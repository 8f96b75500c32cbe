/* See prepare.h. */
#include "tests/e2e/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/core/config.h"
#include "bot/core/core.h"
#include "bot/fleet/fleet.h"
#include "bot/schema.h"
#include "bot/shop/pay.h"
#include "bot/shop/plan.h"
#include "bot/tables.h"
#include "lib/base/clock.h"
#include "lib/crypto/keyfile.h"

#define PUBLIC_HOST "vpn.example.com" /* where customers connect */

/* What bot/run.c opens, with the environment's place taken by the rig. */
struct inside {
	struct rig *rig;
	struct arena arena;
	struct config config;
	struct seal_key key;
	struct i18n *i18n;
	struct shared shared;
	struct db *db;
	struct http_client *client;
	struct core *core;
};

static void must(enum err e, const char *what)
{
	if (!e)
		return;
	fprintf(stderr, "prepare: %s: %s\n", what, err_name(e));
	abort();
}

/* The program itself makes database and key. */
static void make_shop(struct rig *r)
{
	int64_t until_us = rig_deadline_us();

	if (rig_read(r, KEYFILE_NAME).len)
		return;
	rig_start(r);
	while (!rig_is_up(r) && !rig_is_over(r, until_us))
		rig_turn(r, 5);
	must(rig_stop(r) == 0 ? OK : E_REFUSED, rig_words(r));
}

static void inside_open(struct inside *s, struct rig *r)
{
	struct core_setup setup = { .config = &s->config, .tables = &tables, .shared = &s->shared, .send_rate_per_s = 30 };
	struct buf report;

	*s = (struct inside){ .rig = r };
	make_shop(r);
	s->config = (struct config){ .bot_token = BOTAPI_TOKEN, .bot_api_url = rig_get(r, "BOT_API_URL"), .admins = { RIG_ADMIN },
		.admins_count = 1, .database_path = r->database };
	must(keyfile_read(&s->key, keyfile_path(&s->arena, r->database)), "key");
	buf_init(&report, 65536);
	must(i18n_open(&s->i18n, NULL, &report), buf_cstr(&report));
	buf_release(&report);
	must(db_open(&s->db, r->database, DB_WRITE, NULL), "database");
	s->shared = (struct shared){ .config = &s->config, .i18n = s->i18n, .key = &s->key };
	s->client = http_client_new(&(struct http_client_limits){ .ca_file = rig_get(r, "SSL_CERT_FILE") });
	setup.db = s->db;
	setup.net = net_of_client(s->client);
	setup.api = (struct tg_api){ .base_url = s->config.bot_api_url, .token = BOTAPI_TOKEN };
	tables_register();
	must(core_open(&s->core, &setup), "core");
}

/* In an orderly way: the next start must not look like one after a crash. */
static void inside_close(struct inside *s)
{
	core_stop(s->core);
	while (core_exit_code(s->core) < 0)
		core_turn(s->core, 0);
	core_close(s->core);
	must(db_run(s->db, "UPDATE process SET running=0"), "process");
	http_client_free(s->client);
	i18n_close(s->i18n);
	seal_key_wipe(&s->key);
	db_close(s->db);
	arena_release(&s->arena);
}

void prepare_with(struct rig *r, enum err (*fn)(struct act *a, void *ctx), void *ctx)
{
	struct inside s;

	inside_open(&s, r);
	must(core_do(s.core, fn, ctx), "the given rule");
	inside_close(&s);
}

/* --- panels --- */

struct panel_wish {
	const char *name, *url;
	int64_t id;
};

static enum err add_panel(struct act *a, void *ctx)
{
	struct panel_wish *w = ctx;
	const bool http = true;
	const struct panel_given given = { .name = w->name, .url = w->url, .username = "admin", .password = RIG_PANEL_PASSWORD,
		.host = PUBLIC_HOST, .allow_http = &http };

	return panel_add(&w->id, a, &given);
}

void prepare_panels(struct rig *r, const char *const *urls, size_t count)
{
	struct inside s;

	inside_open(&s, r);
	for (size_t i = 0; i < count; i++)
		must(core_do(s.core, add_panel, &(struct panel_wish){ .name = "Panel", .url = urls[i] }), "panel");
	inside_close(&s);
}

static enum err try_panel(struct act *a, void *ctx)
{
	return panel_ask(a, *(int64_t *)ctx, ASK_TRIAL, RIG_ADMIN);
}

struct sale {
	int64_t panel_id, inbound_id;
};

static enum err sell(struct act *a, void *ctx)
{
	struct sale *s = ctx;

	return inbound_set_sale(a, s->panel_id, s->inbound_id, true, 0);
}

static enum err add_plan(struct act *a, void *ctx)
{
	static char name[] = "Month";
	const struct plan plan = { .name = name, .days = 30, .quota_bytes = 100 * GIB_BYTES, .limit_ip = 2, .on_sale = true,
		.prices = { { "XTR", 300 }, { "USDT", 5000000 } }, .prices_count = 2 };
	int64_t id;

	(void)ctx;
	return plan_add(&id, a, &plan);
}

static bool is_known(struct inside *s, struct sale *sale)
{
	int64_t n = 0;

	db_get_i64(&n, s->db, "SELECT count(*) FROM inbounds i JOIN panels p ON p.id=i.panel_id"
		" WHERE panel_id=?1 AND inbound_id=?2 AND p.state='ok'", sale->panel_id, sale->inbound_id);
	return n > 0;
}

/* The panel of the environment stands at a loopback address: no link may name that. */
static enum err set_host(struct act *a, void *ctx)
{
	return panel_set(a, *(int64_t *)ctx, &(struct panel_given){ .host = PUBLIC_HOST });
}

static int64_t panel_of(struct inside *s, const struct rig_panel *p)
{
	struct panel_wish wish = { .name = "Amsterdam", .url = p->url };

	if (db_get_i64(&wish.id, s->db, "SELECT id FROM panels WHERE url=?1", p->url) == OK)
		must(core_do(s->core, set_host, &wish.id), "host");
	else
		must(core_do(s->core, add_panel, &wish), "panel");
	return wish.id;
}

static void open_panel(struct inside *s, const struct rig_panel *p)
{
	struct sale sale = { panel_of(s, p), p->inbound_id };
	int64_t until_us = rig_deadline_us();

	must(core_do(s->core, try_panel, &sale.panel_id), "trial");
	while (!is_known(s, &sale)) {
		if (clock_mono_us() > until_us)
			must(E_NOTFOUND, "the panel's inbound");
		core_turn(s->core, 1);
		rig_turn(s->rig, 0);
	}
	must(core_do(s->core, sell, &sale), "sale");
}

void prepare_shop(struct rig *r)
{
	struct inside s;

	inside_open(&s, r);
	for (size_t i = 0; i < r->panels_count; i++)
		open_panel(&s, &r->panels[i]);
	must(core_do(s.core, add_plan, NULL), "plan");
	inside_close(&s);
}

/* --- callbacks --- */

const char *prepare_callback_path(struct rig *r, struct arena *arena)
{
	struct seal_key key;
	struct shared shared = { .key = &key };
	struct act a = { .shared = &shared, .arena = arena };

	must(keyfile_read(&key, keyfile_path(arena, r->database)), "key");
	return str_dup(arena, pay_callback_path(&a, pay_provider_find(STR("crypto_pay"))));
}

int prepare_deliver(struct rig *r, const struct cryptopay_callback *callback)
{
	struct http_request request = { .method = HTTP_POST, .body = callback->body };
	struct arena arena = { 0 };
	int status;

	for (size_t i = 0; i < callback->headers_count; i++)
		http_add_header(&request, callback->headers[i].name, callback->headers[i].value);
	status = rig_http(r, "public", &request, prepare_callback_path(r, &arena))->status;
	arena_release(&arena);
	return status;
}
