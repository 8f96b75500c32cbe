/* The admins' side over a real core, a real store and the real rules; the network never answers. What handlers send is
 * looked at where it waits for the commit. with_world(test, rows) sets one up for each test. */
#ifndef OBOL_TESTS_ADMIN_WORLD_H
#define OBOL_TESTS_ADMIN_WORLD_H

#include "tests/unit/proves.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/admin/admin.h"
#include "bot/admin/confirm.h"
#include "bot/core/config.h"
#include "bot/core/core_private.h"
#include "bot/schema.h"
#include "bot/chat/router.h"
#include "bot/shop/audit.h"
#include "bot/shop/order.h"
#include "bot/shop/settings.h"
#include "lib/base/log.h"

#define NOW_MS INT64_C(1793614200000)
#define OWNER 1000      /* of BOT_ADMINS */
#define SECOND 1001     /* another admin */
#define ANNA 2000       /* a customer */
#define GROUP (-500)
#define HEARD_BYTES_MAX ((size_t)4 << 20)
#define TOKEN "tok3n-that-nobody-may-read"

struct world {
	char dir[64], path[96];
	struct db *db;
	struct core *core;
	struct core_tables tables;
	struct core_setup setup;
	struct config config;
	struct shared shared;
	struct seal_key key;
	struct i18n *i18n;
	struct clock_source clock;
	struct arena arena;
	struct act a;
	int64_t now_ms, next_id;
	const char *lang;
	struct buf heard;       /* payloads of the last step, one a line */
	struct buf all;         /* of all steps */
	int chats_heard[4];     /* messages to OWNER, SECOND, ANNA, GROUP in the last step */
	uint64_t faults;
};

/* --- a core without a network --- */

static inline uint64_t no_start(void *ctx, const struct http_request *r, enum http_lane lane, void *tag) { (void)ctx; (void)r; (void)lane; (void)tag; return 1; }
static inline void no_cancel(void *ctx, uint64_t id) { (void)ctx; (void)id; }
static inline int no_poll(void *ctx, struct http_wait *wait, size_t n, int ms) { (void)ctx; (void)wait; (void)n; (void)ms; return 0; }
static inline bool no_next(void *ctx, struct http_done *d) { (void)ctx; (void)d; return false; }
static inline void no_release(void *ctx, struct http_done *d) { (void)ctx; (void)d; }

static inline int64_t world_ms(void *ctx) { return ((struct world *)ctx)->now_ms; }
static inline int64_t world_us(void *ctx) { return ((struct world *)ctx)->now_ms * 1000; }

static inline enum err home(struct talk *t)
{
	(void)t;
	return OK;
}

static inline int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);
	struct buf report;
	int64_t from;

	w->now_ms = NOW_MS;
	w->next_id = 1;
	w->lang = "en";
	w->clock = (struct clock_source){ .now_ms = world_ms, .mono_us = world_us, .ctx = w };
	clock_set_source(&w->clock);
	log_set_level("error");
	snprintf(w->dir, sizeof w->dir, "/tmp/obol-admin-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof w->path, "%s/t.db", w->dir);
	assert_int_equal(db_open(&w->db, w->path, DB_WRITE, NULL), OK);
	assert_int_equal(db_migrate(w->db, &from, schema_migrations, schema_migrations_count), OK);
	buf_init(&report, 65536);
	assert_int_equal(i18n_open(&w->i18n, NULL, &report), OK);
	buf_release(&report);
	seal_key_draw(&w->key);
	w->config.admins[w->config.admins_count++] = OWNER;
	w->config.admins[w->config.admins_count++] = SECOND;
	w->shared = (struct shared){ .config = &w->config, .i18n = w->i18n, .key = &w->key, .bot_id = 1, .bot_username = "demo_shop_bot" };
	w->tables.on_alert = admin_alert;
	w->setup = (struct core_setup){ .config = &w->config, .tables = &w->tables, .shared = &w->shared, .db = w->db,
		.net = { .ctx = w, .start = no_start, .cancel = no_cancel, .poll = no_poll, .next = no_next, .release = no_release },
		.api = { .base_url = "http://127.0.0.1:1", .token = "1:test" } };
	assert_int_equal(core_open(&w->core, &w->setup), OK);
	assert_int_equal(db_begin(w->db), OK);
	w->a = core_act(w->core);
	buf_init(&w->heard, HEARD_BYTES_MAX);
	buf_init(&w->all, 16 * HEARD_BYTES_MAX);
	router_reset();
	admin_register();
	fleet_set_hooks(&(struct fleet_hooks){ .adopts_end = sub_adopt_end });
	router_set_home(home);
	w->faults = i18n_faults();
	*state = w;
	return 0;
}

static inline int tear_down(void **state)
{
	struct world *w = *state;

	assert_int_equal(i18n_faults() - w->faults, 0);
	db_commit(w->db);
	core_close(w->core);
	db_close(w->db);
	i18n_close(w->i18n);
	for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", ".lock", NULL }; *end; end++)
		unlink(arena_printf(&w->arena, "%s%s", w->path, *end));
	rmdir(w->dir);
	buf_release(&w->heard);
	buf_release(&w->all);
	arena_release(&w->arena);
	router_reset();
	clock_set_source(NULL);
	free(w);
	return 0;
}

/* --- what happens, what is heard --- */

static inline void collect(struct world *w)
{
	static const int64_t chats[] = { OWNER, SECOND, ANNA, GROUP };
	struct turn *t = &w->core->turn;

	buf_clear(&w->heard);
	memset(w->chats_heard, 0, sizeof w->chats_heard);
	for (size_t i = 0; i < t->added_count; i++) {
		buf_adds(&w->heard, t->added[i].method);
		buf_addc(&w->heard, ' ');
		buf_add(&w->heard, t->added[i].payload);
		buf_addc(&w->heard, '\n');
		for (size_t k = 0; k < countof(chats); k++)
			w->chats_heard[k] += t->added[i].chat_id == chats[k];
	}
	t->added_count = 0;
	buf_add(&w->all, buf_str(&w->heard));
	assert_false(w->heard.over || w->all.over);
}

static inline void update(struct world *w, const char *json)
{
	struct tg_update u;

	assert_int_equal(tg_update_read(&u, &w->arena, str_of(json)), OK);
	assert_int_equal(db_savepoint(w->db), OK);
	assert_int_equal(router_update(&w->a, &u), OK);
	assert_int_equal(db_savepoint_keep(w->db), OK);
	collect(w);
}

static inline const char *quoted(struct world *w, const char *text)
{
	struct json_out j;
	struct buf b;
	const char *out;

	buf_init(&b, 65536);
	json_out_init(&j, &b);
	json_add_str(&j, str_of(text));
	out = arena_strdup(&w->arena, buf_cstr(&b));
	buf_release(&b);
	return out;
}

static inline const char *person(struct world *w, int64_t id)
{
	return arena_printf(&w->arena, "{\"id\":%" PRId64 ",\"is_bot\":false,\"first_name\":\"P%" PRId64 "\",\"language_code\":\"%s\"}", id, id, w->lang);
}

static inline void say_in(struct world *w, int64_t chat, int64_t from, const char *text, const char *more)
{
	int64_t id = w->next_id++;

	update(w, arena_printf(&w->arena, "{\"update_id\":%" PRId64 ",\"message\":{\"message_id\":%" PRId64 ",\"date\":1793614200,"
		"\"chat\":{\"id\":%" PRId64 ",\"type\":\"%s\"},\"from\":%s,\"text\":%s%s}}", id, id, chat, chat < 0 ? "supergroup" : "private",
		person(w, from), quoted(w, text), more));
}

static inline void say(struct world *w, int64_t from, const char *text)
{
	say_in(w, from, from, text, "");
}

static inline void tap_in(struct world *w, int64_t chat, int64_t from, const char *data)
{
	int64_t id = w->next_id++;

	update(w, arena_printf(&w->arena, "{\"update_id\":%" PRId64 ",\"callback_query\":{\"id\":\"q%" PRId64 "\",\"from\":%s,\"data\":%s,"
		"\"message\":{\"message_id\":7,\"date\":1793614200,\"chat\":{\"id\":%" PRId64 ",\"type\":\"%s\"}}}}", id, id, person(w, from),
		quoted(w, data), chat, chat < 0 ? "supergroup" : "private"));
}

static inline void tap(struct world *w, int64_t from, const char *data)
{
	tap_in(w, from, from, data);
}

static inline bool heard(const struct world *w, const char *text)
{
	return str_has(buf_str(&w->heard), text);
}

#define assert_heard(w, text) do { if (!heard((w), (text))) fail_msg("not heard: %s\nbut: %s", (text), buf_cstr(&(w)->heard)); } while (0)
#define assert_not_heard(w, text) do { if (heard((w), (text))) fail_msg("heard: %s\nin: %s", (text), buf_cstr(&(w)->heard)); } while (0)

/* The text of a key without arguments as it stands in a call. */
static inline const char *words_of(struct world *w, const char *key)
{
	struct i18n_to to = { .texts = w->i18n, .lang = i18n_lang_of(w->i18n, str_of(w->lang)) };
	struct str text = i18n_text_new(&w->arena, &to, key, (const struct i18n_arg[]){ { 0 } });
	const char *json = quoted(w, arena_strndup(&w->arena, text.at, text.len));

	return arena_strndup(&w->arena, json + 1, strlen(json) - 2);
}

/* It begins what was heard somewhere. */
static inline void assert_says(struct world *w, const char *key)
{
	assert_heard(w, words_of(w, key));
}

/* The nth callback_data that begins so; NULL: none. */
static inline const char *find_button(struct world *w, const char *beginning, size_t n)
{
	const char *mark = "\"callback_data\":\"", *at = buf_cstr(&w->heard);

	while ((at = strstr(at, mark))) {
		at += strlen(mark);
		if (strncmp(at, beginning, strlen(beginning)) == 0 && n-- == 0)
			return arena_strndup(&w->arena, at, strcspn(at, "\""));
	}
	return NULL;
}

static inline const char *button(struct world *w, const char *beginning)
{
	const char *data = find_button(w, beginning, 0);

	if (!data)
		fail_msg("no button %s in: %s", beginning, buf_cstr(&w->heard));
	return data;
}

static inline int64_t number(struct world *w, const char *sql)
{
	int64_t n = -1;

	assert_true(db_get_i64(&n, w->db, sql) != E_INVALID);
	return n;
}

static inline const char *text(struct world *w, const char *sql)
{
	char *out = NULL;

	db_get_text(&out, &w->arena, w->db, sql);
	return out ? out : "";
}

static inline void run(struct world *w, const char *sql)
{
	assert_int_equal(db_run(w->db, sql), OK);
}

static inline void wait_ms(struct world *w, int64_t ms)
{
	w->now_ms += ms;
	w->a.now_ms = w->now_ms;
}

/* --- a shop to look at --- */

static const char vless[] = "{\"id\":1,\"protocol\":\"vless\",\"port\":443,\"listen\":\"\",\"remark\":\"main\","
	"\"settings\":{\"decryption\":\"none\"},\"streamSettings\":{\"network\":\"tcp\",\"security\":\"none\",\"tcpSettings\":{\"header\":{\"type\":\"none\"}}}}";

static inline int64_t add_panel(struct world *w, const char *name, const char *url)
{
	bool plain = str_starts(str_of(url), "http://");
	int64_t id;

	assert_int_equal(panel_add(&id, &w->a, &(struct panel_given){ .name = name, .url = url, .token = TOKEN, .allow_http = &plain }), OK);
	assert_int_equal(db_run(w->db, "UPDATE panels SET state='ok', dialect='C', version='3.6.0', clients=3, latency_ms=20, checked_ms=?2, "
		"health='{\"authentication\":\"success\",\"api_responsive\":true,\"checks\":{\"inbounds\":\"pass\",\"online_clients\":\"fail\",\"backup_ready\":\"error\"},\"error\":\"slow\"}'"
		" WHERE id=?1", id, w->now_ms), OK);
	assert_int_equal(db_run(w->db, "INSERT INTO inbounds(panel_id, inbound_id, remark, protocol, port, listen, enabled, body, seen_ms)"
		" VALUES(?1, 1, 'main', 'vless', 443, '', 1, ?2, ?3)", id, vless, w->now_ms), OK);
	return id;
}

static inline struct user person_row(struct world *w, int64_t telegram_id)
{
	struct user u;

	assert_int_equal(user_by_telegram(&u, &w->a, telegram_id), OK);
	return u;
}

static inline int64_t pay(struct world *w, struct order *o, int64_t amount, const char *reference)
{
	struct invoice i;

	assert_int_equal(invoice_open(&i, &w->a, o, "stars"), OK);
	assert_int_equal(pay_confirm(&w->a, &(struct payment){ .provider = "stars", .reference = str_of(reference), .invoice = str_of(i.public_id),
		.amount_minor = amount, .currency = STR("XTR"), .telegram_id = ANNA, .paid_ms = w->now_ms, .raw = STR("{}") }), OK);
	return number(w, "SELECT max(id) FROM payments");
}

static inline struct order new_order(struct world *w)
{
	struct plan plan;
	struct order o;
	struct user anna = person_row(w, ANNA);

	assert_int_equal(plan_get(&plan, &w->a, 1), OK);
	assert_int_equal(order_open(&o, &w->a, &anna, &plan, NULL), OK);
	return o;
}

/* One panel that sells, one plan, Anna with a paid subscription and a payment that fits nothing. */
static inline void furnish(struct world *w)
{
	struct plan plan = { .name = arena_strdup(&w->arena, "Month"), .days = 30, .quota_bytes = 50 * GIB_BYTES, .limit_ip = 2, .on_sale = true,
		.prices = { { "XTR", 300 } }, .prices_count = 1 };
	int64_t panel = add_panel(w, "Amsterdam", "https://panel.example.org:2053/x"), id;
	struct order o;

	assert_int_equal(inbound_set_sale(&w->a, panel, 1, true, 0), OK);
	assert_int_equal(plan_add(&id, &w->a, &plan), OK);
	say(w, ANNA, "/start");
	say(w, OWNER, "/audit");
	say(w, SECOND, "/audit");
	o = new_order(w);
	pay(w, &o, 300, "charge-1");
	o = new_order(w);
	pay(w, &o, 7, "charge-2");
	collect(w);
}

static inline void answer_panel(struct world *w, const struct panel_answer *answer)
{
	assert_int_equal(admin_panel_answered(&w->a, answer), OK);
	collect(w);
}

#define with_world(function, rows) { #function " [" rows "]", function, set_up, tear_down, NULL }

#endif
