/* The fleet alone against simulated panels: core, store, network in memory; no screens, no payments. */
#ifndef OBOL_TESTS_FLEET_WORLD_H
#define OBOL_TESTS_FLEET_WORLD_H

#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/core/config.h"
#include "bot/core/core.h"
#include "bot/fleet/fleet_private.h"
#include "bot/schema.h"
#include "bot/shop/subscription.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "tests/sim/fresh.h"
#include "tests/sim/panel.h"
#include "tests/story/memnet.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define START_MS INT64_C(1793612000000)
#define PASSWORD "MARKER-panel-password"
#define GIB (INT64_C(1) << 30)
#define UUID_1 "11111111-aaaa-4aaa-8aaa-000000000001"

/* One or two of each dialect. */
static const char *const fw_versions[] = { "2.8.5", "2.9.4", "3.0.2", "3.1.0", "3.6.0" };
#define TROUBLES_MAX 60

struct fleet_world {
	char dir[64], database[96];
	struct memnet *net;
	struct panel_sim *sims[3];
	char origins[3][64];
	int64_t panel_ids[3], inbound_ids[3];
	size_t panels_count;
	struct config config;
	struct seal_key key;
	struct shared shared;
	struct db *db;
	struct core *core;
	const char *die_at;
	int die_countdown, kills;
	bool lose_requests;
	struct buf log;
	/* what the hooks heard */
	int ready, waits, answers, alerts;
	int64_t ready_rev, up_bytes, down_bytes;
	struct panel_answer answer;
	char words[300], detail[300], online[2000], alert_keys[4000], alert_detail[300];
	bool repairs_drift;
};

static struct fleet_world *fw_living;
static jmp_buf fw_death;

static inline enum err fw_ready(struct act *a, int64_t subscription_id, int64_t done_rev)
{
	(void)a;
	(void)subscription_id;
	fw_living->ready++;
	fw_living->ready_rev = done_rev;
	return OK;
}

static inline enum err fw_waits(struct act *a, int64_t subscription_id)
{
	(void)a;
	(void)subscription_id;
	fw_living->waits++;
	return OK;
}

static inline enum err fw_usage(struct act *a, int64_t subscription_id, int64_t up_bytes, int64_t down_bytes)
{
	(void)a;
	(void)subscription_id;
	fw_living->up_bytes = up_bytes;
	fw_living->down_bytes = down_bytes;
	return OK;
}

static inline enum err fw_answered(struct act *a, const struct panel_answer *answer)
{
	struct fleet_world *w = fw_living;

	(void)a;
	w->answers++;
	w->answer = *answer;
	snprintf(w->words, sizeof w->words, "%s", answer->words ? answer->words : "");
	snprintf(w->online, sizeof w->online, "%.*s", STR_ARG(answer->online));
	for (size_t i = 0; i < answer->steps_count; i++)
		if (answer->steps[i].detail)
			snprintf(w->detail, sizeof w->detail, "%s", answer->steps[i].detail);
	return OK;
}

static inline bool fw_repairs(struct act *a)
{
	(void)a;
	return fw_living->repairs_drift;
}

/* "+panel_down" when raised or told, "-panel_down" when over */
static inline enum err fw_alert(struct act *a, const struct alert *alert)
{
	size_t used = strlen(fw_living->alert_keys);

	(void)a;
	fw_living->alerts += !alert->over;
	snprintf(fw_living->alert_keys + used, sizeof fw_living->alert_keys - used, "%s%s ", alert->over ? "-" : "+", alert->text_key);
	snprintf(fw_living->alert_detail, sizeof fw_living->alert_detail, "%s", alert->detail ? alert->detail : "");
	return OK;
}

static inline enum err fw_ignore(struct act *a, const struct tg_update *u)
{
	(void)a;
	(void)u;
	return OK;
}

static inline void fw_line(void *ctx, struct str line)
{
	buf_add(&((struct fleet_world *)ctx)->log, line);
	if (getenv("TRACE"))
		fprintf(stderr, "%.*s\n", STR_ARG(line));
}

static inline void fw_step(const char *name)
{
	struct fleet_world *w = fw_living;

	if (!w->die_at || strcmp(name, w->die_at) || --w->die_countdown)
		return;
	w->die_at = NULL;
	longjmp(fw_death, 1);
}

static inline void fw_start(struct fleet_world *w)
{
	static const struct job_kind *const kinds[] = { &fleet_job_reconcile, &fleet_job_ask, &fleet_job_watch, &fleet_job_sweep };
	static const struct fleet_hooks hooks = { fw_ready, fw_waits, fw_usage, fw_answered, fw_repairs, sub_adopt_end };
	static struct core_tables tables = { .on_update = fw_ignore, .on_alert = fw_alert, .jobs = kinds, .jobs_count = countof(kinds) };
	struct core_setup setup = { .config = &w->config, .tables = &tables, .shared = &w->shared, .net = memnet_net(w->net),
		.api = { .base_url = "http://telegram.test", .token = "1:x" }, .send_rate_per_s = 30 };
	int64_t from;

	fleet_set_hooks(&hooks);
	fw_living = w;
	core_step = fw_step;
	assert_int_equal(db_open(&w->db, w->database, DB_WRITE, NULL), OK);
	assert_int_equal(db_migrate(w->db, &from, schema_migrations, schema_migrations_count), OK);
	assert_int_equal(db_run(w->db, "PRAGMA synchronous=OFF"), OK);
	setup.db = w->db;
	w->shared = (struct shared){ .config = &w->config, .key = &w->key };
	assert_int_equal(core_open(&w->core, &setup), OK);
}

static inline void fw_stop(struct fleet_world *w)
{
	core_close(w->core);
	db_close(w->db);
}

static inline void fw_kill(struct fleet_world *w)
{
	db_rollback(w->db);
	fw_stop(w);
	memnet_kill(w->net, w->lose_requests);
	w->kills++;
}

static inline void fw_run(struct fleet_world *w, int64_t ms)
{
	int64_t until_ms = memnet_now_ms(w->net) + ms;

	while (memnet_now_ms(w->net) < until_ms) {
		if (setjmp(fw_death)) {
			fw_kill(w);
			fw_start(w);
			continue;
		}
		core_turn(w->core, (int)(until_ms - memnet_now_ms(w->net)));
	}
}

static inline int64_t fw_number(struct fleet_world *w, const char *sql)
{
	int64_t n = 0;
	enum err e = db_get_i64(&n, w->db, sql);

	if (e && e != E_NOTFOUND)
		fail_msg("%s: %s", sql, err_name(e));
	return n;
}

struct fw_sql { const char *sql; };

static inline enum err fw_sql_run(struct act *a, void *ctx)
{
	return db_script(a->tx, ((struct fw_sql *)ctx)->sql);
}

static inline void fw_do(struct fleet_world *w, const char *sql)
{
	struct fw_sql s = { sql };

	if (core_do(w->core, fw_sql_run, &s))
		fail_msg("%s: %s", sql, db_error(w->db));
}

struct fw_adding { struct fleet_world *w; size_t at; };

static inline enum err fw_add_row(struct act *a, void *ctx)
{
	struct fw_adding *x = ctx;
	const bool http = true;
	struct panel_given g = { .name = "Panel", .url = x->w->origins[x->at], .username = "admin", .password = PASSWORD, .host = "vpn.example.com", .allow_http = &http };
	enum err e = panel_add(&x->w->panel_ids[x->at], a, &g);

	return e ? e : panel_ask(a, x->w->panel_ids[x->at], ASK_TRIAL, 77);
}

static inline void fw_make_inbound(struct fleet_world *w, size_t at)
{
	static const char body[] = "{\"remark\":\"Amsterdam\",\"enable\":true,\"listen\":\"\",\"port\":20443,\"protocol\":\"vless\","
		"\"settings\":\"{\\\"clients\\\":[],\\\"decryption\\\":\\\"none\\\",\\\"fallbacks\\\":[]}\","
		"\"streamSettings\":\"{\\\"network\\\":\\\"ws\\\",\\\"security\\\":\\\"none\\\",\\\"wsSettings\\\":{\\\"path\\\":\\\"/x\\\"}}\","
		"\"sniffing\":\"{}\",\"expiryTime\":0,\"total\":0}";
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };
	struct json_object *o;

	panel_sim_operator(w->sims[at], HTTP_POST, "panel/api/inbounds/add", str_of(body), &r, &arena);
	assert_int_equal(json_parse(&o, r.body), OK);
	w->inbound_ids[at] = json_i64_at(o, "obj.id", 0);
	assert_true(w->inbound_ids[at] > 0);
	json_object_put(o);
	arena_release(&arena);
}

/* A panel that has passed its trial and sells; its inbound is empty. */
static inline void fw_add_panel(struct fleet_world *w, const char *version)
{
	size_t at = w->panels_count++;
	const struct panel_config config = { .user = "admin", .password = PASSWORD };
	struct fw_adding adding = { w, at };
	char sql[200];

	snprintf(w->origins[at], sizeof w->origins[at], "http://panel-%zu.test:2053", at + 1);
	w->sims[at] = panel_sim_new(version, &config);
	panel_sim_advance(w->sims[at], memnet_now_ms(w->net));
	memnet_serve(w->net, w->origins[at], 0, panel_sim_handle, w->sims[at]);
	fw_make_inbound(w, at);
	assert_int_equal(core_do(w->core, fw_add_row, &adding), OK);
	fw_run(w, 2000);
	snprintf(sql, sizeof sql, "UPDATE inbounds SET for_sale=1 WHERE panel_id=%lld", (long long)w->panel_ids[at]);
	fw_do(w, sql);
}

static inline struct fleet_world *fw_new(const char *version)
{
	struct fleet_world *w = xcalloc(1, sizeof *w);

	snprintf(w->dir, sizeof w->dir, "/tmp/obol-fleet-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->database, sizeof w->database, "%s/t.db", w->dir);
	buf_init(&w->log, 32 << 20);
	log_set_sink(fw_line, w);
	seal_key_draw(&w->key);
	w->config = (struct config){ .bot_token = "1:x", .bot_api_url = "http://telegram.test" };
	w->net = memnet_new(START_MS);
	fresh_database(w->database);
	fw_start(w);
	if (version)
		fw_add_panel(w, version);
	return w;
}

static inline void fw_free(struct fleet_world *w)
{
	char path[128];
	static const char *const ends[] = { "", "-wal", "-shm" };

	assert_false(str_has(buf_str(&w->log), PASSWORD)); /* R002 */
	core_step = NULL;
	fw_stop(w);
	for (size_t i = 0; i < w->panels_count; i++)
		panel_sim_free(w->sims[i]);
	memnet_free(w->net);
	log_set_sink(NULL, NULL);
	for (size_t i = 0; i < countof(ends); i++) {
		snprintf(path, sizeof path, "%s%s", w->database, ends[i]);
		unlink(path);
	}
	rmdir(w->dir);
	buf_release(&w->log);
	free(w);
}

/* Subscription 1: 30 days, 10 GiB, 2 devices, on the first panel. */
static inline void fw_sell(struct fleet_world *w)
{
	char sql[2000];

	snprintf(sql, sizeof sql,
		"INSERT OR IGNORE INTO users(id, public_id, telegram_id, lang, referral_code, created_ms, updated_ms) VALUES(1, 'USER000001', 4242, 'en', 'REF00001', 1, 1);"
		"INSERT OR IGNORE INTO plans(id, name, days, quota_bytes, created_ms) VALUES(1, 'Month', 30, %lld, 1);"
		"INSERT INTO subscriptions(id, public_id, user_id, plan_id, sub_id, uuid, password, expires_ms, quota_bytes, limit_ip, reset_days, created_ms, updated_ms)"
		" VALUES(1, 'SUBSCR0001', 1, 1, 'subidsubidsubid00001', '" UUID_1 "', 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=', %lld, %lld, 2, 0, 1, 1);"
		"INSERT INTO accesses(id, subscription_id, panel_id, inbound_id, email, created_ms, updated_ms) VALUES(1, 1, %lld, %lld, 'anna_abcdefgh', 1, 1);",
		(long long)(10 * GIB), (long long)(START_MS + 30 * DAY_MS), (long long)(10 * GIB), (long long)w->panel_ids[0], (long long)w->inbound_ids[0]);
	fw_do(w, sql);
}

static inline enum err fw_ask_reconcile(struct act *a, void *ctx)
{
	(void)ctx;
	return fleet_reconcile(a, 1, JOB_MONEY);
}

static inline void fw_reconcile(struct fleet_world *w)
{
	assert_int_equal(core_do(w->core, fw_ask_reconcile, NULL), OK);
}

/* Changes what is wanted, in one commit with the wish to have it so. */
struct fw_change { const char *sql; };

static inline enum err fw_change_run(struct act *a, void *ctx)
{
	enum err e = db_script(a->tx, ((struct fw_change *)ctx)->sql);

	if (!e)
		e = db_run(a->tx, "UPDATE subscriptions SET revision=revision+1, updated_ms=?1 WHERE id=1", a->now_ms);
	return e ? e : fleet_reconcile(a, 1, JOB_MONEY);
}

static inline void fw_want(struct fleet_world *w, const char *sql)
{
	struct fw_change c = { sql };

	assert_int_equal(core_do(w->core, fw_change_run, &c), OK);
}

/* --- what the panel has --- */

struct fw_found {
	size_t count;
	struct panel_client_view client; /* the last one */
	char email[64], id[64], sub_id[64];
};

static inline bool fw_keep(void *ctx, const struct panel_client_view *c)
{
	struct fw_found *f = ctx;

	if (c->tg_id != 4242)
		return true;
	f->count++;
	f->client = *c;
	snprintf(f->email, sizeof f->email, "%.*s", STR_ARG(c->email));
	snprintf(f->id, sizeof f->id, "%.*s", STR_ARG(c->id));
	snprintf(f->sub_id, sizeof f->sub_id, "%.*s", STR_ARG(c->sub_id));
	return true;
}

static inline struct fw_found fw_client(struct fleet_world *w, size_t panel)
{
	struct fw_found f = { 0 };

	panel_sim_advance(w->sims[panel], memnet_now_ms(w->net));
	panel_sim_each_client(w->sims[panel], 0, fw_keep, &f);
	return f;
}

/* Exactly one client, with what the subscription wants, in every place the panel keeps it, and connected. */
static inline void fw_assert_in_line(struct fleet_world *w, const char *name)
{
	struct fw_found f = fw_client(w, 0);
	struct buf why;

	buf_init(&why, 1000);
	if (f.count != 1)
		fail_msg("%s: %zu clients", name, f.count);
	if (f.client.expiry_ms != fw_number(w, "SELECT expires_ms FROM subscriptions WHERE id=1") || f.client.row_expiry_ms != f.client.expiry_ms)
		fail_msg("%s: expiry %lld", name, (long long)f.client.expiry_ms);
	if (f.client.total_bytes != fw_number(w, "SELECT quota_bytes FROM subscriptions WHERE id=1") || f.client.row_total_bytes != f.client.total_bytes)
		fail_msg("%s: quota %lld", name, (long long)f.client.total_bytes);
	if (f.client.enable != (fw_number(w, "SELECT enabled FROM subscriptions WHERE id=1") != 0))
		fail_msg("%s: enabled %d", name, f.client.enable);
	if (f.client.enable && (!f.client.in_xray || !f.client.row_enable))
		fail_msg("%s: nobody can connect", name);
	if (f.client.limit_ip != fw_number(w, "SELECT limit_ip FROM subscriptions WHERE id=1"))
		fail_msg("%s: devices %lld", name, (long long)f.client.limit_ip);
	if (strcmp(f.id, UUID_1))
		fail_msg("%s: another UUID", name);
	if (panel_sim_drift(w->sims[0], &why) || panel_sim_races(w->sims[0]))
		fail_msg("%s: %s", name, buf_cstr(&why));
	if (fw_number(w, "SELECT done_rev FROM accesses WHERE id=1") != fw_number(w, "SELECT revision FROM subscriptions WHERE id=1"))
		fail_msg("%s: not done", name);
	buf_release(&why);
}

/* Sold and in line, and nothing heard yet. */
static inline struct fleet_world *fw_sold(const char *version)
{
	struct fleet_world *w = fw_new(version);

	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 2000);
	fw_assert_in_line(w, version);
	w->alert_keys[0] = '\0';
	return w;
}

/* --- a story again and again --- */

/* Answer n is lost, for n = 1, 2, 3 …: the request has taken effect or has not. */
static inline void fw_lose_nth(const char *version, enum panel_fault fault, bool after, struct fleet_world *(*begin)(const char *version),
	void (*story)(struct fleet_world *w))
{
	for (int n = 1; n < TROUBLES_MAX; n++) {
		struct fleet_world *w = begin(version);
		struct panel_rule rule = { .nth = n, .times = 1, .fault = fault, .after = after, .trouble = { .drop = true } };
		size_t calls;

		panel_sim_clear_counts(w->sims[0]);
		panel_sim_add_rule(w->sims[0], &rule);
		story(w);
		calls = panel_sim_count(w->sims[0], NULL);
		fw_free(w);
		if ((size_t)n > calls)
			return;
	}
}

/* The program dies when it comes to this step for the nth time; what it has sent arrives, or is lost with it. */
static inline void fw_kill_nth(const char *version, const char *step, bool lose_requests, struct fleet_world *(*begin)(const char *version),
	void (*story)(struct fleet_world *w))
{
	for (int n = 1; n < TROUBLES_MAX; n++) {
		struct fleet_world *w = begin(version);
		bool done;

		w->die_at = step;
		w->die_countdown = n;
		w->lose_requests = lose_requests;
		story(w);
		done = w->kills == 0;
		fw_free(w);
		if (done)
			return;
	}
}

/* --- the operator of the panel --- */

static inline void fw_operate(struct fleet_world *w, const char *path, const char *body)
{
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };

	panel_sim_operator(w->sims[0], HTTP_POST, path, str_of(body), &r, &arena);
	assert_true(str_has(r.body, "\"success\":true"));
	arena_release(&arena);
}

static inline bool fw_has_records(const char *version)
{
	return version[0] == '3' && version[2] != '0';
}

#define FW_OTHER_UUID "99999999-aaaa-4aaa-8aaa-0000000000" /* and the last letter of the e-mail as two hexadecimal digits */

/* Somebody else's client, by hand. */
static inline void fw_operator_adds(struct fleet_world *w, const char *version, const char *email)
{
	char client[400], body[600];
	struct json_out j;
	struct buf b, inner;

	snprintf(client, sizeof client, "{\"id\":\"" FW_OTHER_UUID "%02x\",\"email\":\"%s\",\"limitIp\":0,\"totalGB\":0,\"expiryTime\":0,"
		"\"enable\":true,\"tgId\":0,\"subId\":\"somebodyelses%s\",\"comment\":\"\",\"reset\":0,\"flow\":\"\"}", email[strlen(email) - 1], email, email);
	buf_init(&b, 2 * sizeof body);
	buf_init(&inner, sizeof body);
	buf_printf(&inner, "{\"clients\":[%s]}", client);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_i64(&j, "id", w->inbound_ids[0]);
	json_put_str(&j, "settings", buf_str(&inner));
	json_close(&j, '}');
	snprintf(body, sizeof body, "{\"client\":%s,\"inboundIds\":[%lld]}", client, (long long)w->inbound_ids[0]);
	if (fw_has_records(version))
		fw_operate(w, "panel/api/clients/add", body);
	else
		fw_operate(w, "panel/api/inbounds/addClient", buf_cstr(&b));
	buf_release(&b);
	buf_release(&inner);
}

static inline void fw_operator_deletes(struct fleet_world *w, const char *version, const char *email)
{
	char path[200];

	if (fw_has_records(version))
		snprintf(path, sizeof path, "panel/api/clients/del/%s", email);
	else
		snprintf(path, sizeof path, "panel/api/inbounds/%lld/delClient/" FW_OTHER_UUID "%02x", (long long)w->inbound_ids[0], email[strlen(email) - 1]);
	fw_operate(w, path, "");
}

#endif
