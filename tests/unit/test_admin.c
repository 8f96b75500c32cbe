/* The admins' side over a real core, a real store and the real rules; the network never answers. What handlers send is
 * looked at where it waits for the commit. */
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
#define PASSWORD "swordfish-ünlikely"
#define TOTP "JBSWY3DPEHPK3PXP"
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

static uint64_t no_start(void *ctx, const struct http_request *r, enum http_lane lane, void *tag) { (void)ctx; (void)r; (void)lane; (void)tag; return 1; }
static void no_cancel(void *ctx, uint64_t id) { (void)ctx; (void)id; }
static int no_poll(void *ctx, struct http_wait *wait, size_t n, int ms) { (void)ctx; (void)wait; (void)n; (void)ms; return 0; }
static bool no_next(void *ctx, struct http_done *d) { (void)ctx; (void)d; return false; }
static void no_release(void *ctx, struct http_done *d) { (void)ctx; (void)d; }

static int64_t world_ms(void *ctx) { return ((struct world *)ctx)->now_ms; }
static int64_t world_us(void *ctx) { return ((struct world *)ctx)->now_ms * 1000; }

static enum err home(struct talk *t)
{
	(void)t;
	return OK;
}

static int set_up(void **state)
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
	router_set_home(home);
	w->faults = i18n_faults();
	*state = w;
	return 0;
}

static int tear_down(void **state)
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

static void collect(struct world *w)
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

static void update(struct world *w, const char *json)
{
	struct tg_update u;

	assert_int_equal(tg_update_read(&u, &w->arena, str_of(json)), OK);
	assert_int_equal(db_savepoint(w->db), OK);
	assert_int_equal(router_update(&w->a, &u), OK);
	assert_int_equal(db_savepoint_keep(w->db), OK);
	collect(w);
}

static const char *quoted(struct world *w, const char *text)
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

static const char *person(struct world *w, int64_t id)
{
	return arena_printf(&w->arena, "{\"id\":%" PRId64 ",\"is_bot\":false,\"first_name\":\"P%" PRId64 "\",\"language_code\":\"%s\"}", id, id, w->lang);
}

static void say_in(struct world *w, int64_t chat, int64_t from, const char *text, const char *more)
{
	int64_t id = w->next_id++;

	update(w, arena_printf(&w->arena, "{\"update_id\":%" PRId64 ",\"message\":{\"message_id\":%" PRId64 ",\"date\":1793614200,"
		"\"chat\":{\"id\":%" PRId64 ",\"type\":\"%s\"},\"from\":%s,\"text\":%s%s}}", id, id, chat, chat < 0 ? "supergroup" : "private",
		person(w, from), quoted(w, text), more));
}

static void say(struct world *w, int64_t from, const char *text)
{
	say_in(w, from, from, text, "");
}

static void tap_in(struct world *w, int64_t chat, int64_t from, const char *data)
{
	int64_t id = w->next_id++;

	update(w, arena_printf(&w->arena, "{\"update_id\":%" PRId64 ",\"callback_query\":{\"id\":\"q%" PRId64 "\",\"from\":%s,\"data\":%s,"
		"\"message\":{\"message_id\":7,\"date\":1793614200,\"chat\":{\"id\":%" PRId64 ",\"type\":\"%s\"}}}}", id, id, person(w, from),
		quoted(w, data), chat, chat < 0 ? "supergroup" : "private"));
}

static void tap(struct world *w, int64_t from, const char *data)
{
	tap_in(w, from, from, data);
}

static bool heard(const struct world *w, const char *text)
{
	return str_has(buf_str(&w->heard), text);
}

#define assert_heard(w, text) do { if (!heard((w), (text))) fail_msg("not heard: %s\nbut: %s", (text), buf_cstr(&(w)->heard)); } while (0)
#define assert_not_heard(w, text) do { if (heard((w), (text))) fail_msg("heard: %s\nin: %s", (text), buf_cstr(&(w)->heard)); } while (0)

/* The text of a key without arguments as it stands in a call. */
static const char *words_of(struct world *w, const char *key)
{
	struct i18n_to to = { .texts = w->i18n, .lang = i18n_lang_of(w->i18n, str_of(w->lang)) };
	struct str text = i18n_text_new(&w->arena, &to, key, (const struct i18n_arg[]){ { 0 } });
	const char *json = quoted(w, arena_strndup(&w->arena, text.at, text.len));

	return arena_strndup(&w->arena, json + 1, strlen(json) - 2);
}

/* It begins what was heard somewhere. */
static void assert_says(struct world *w, const char *key)
{
	assert_heard(w, words_of(w, key));
}

/* The nth callback_data that begins so; NULL: none. */
static const char *find_button(struct world *w, const char *beginning, size_t n)
{
	const char *mark = "\"callback_data\":\"", *at = buf_cstr(&w->heard);

	while ((at = strstr(at, mark))) {
		at += strlen(mark);
		if (strncmp(at, beginning, strlen(beginning)) == 0 && n-- == 0)
			return arena_strndup(&w->arena, at, strcspn(at, "\""));
	}
	return NULL;
}

static const char *button(struct world *w, const char *beginning)
{
	const char *data = find_button(w, beginning, 0);

	if (!data)
		fail_msg("no button %s in: %s", beginning, buf_cstr(&w->heard));
	return data;
}

static int64_t number(struct world *w, const char *sql)
{
	int64_t n = -1;

	assert_true(db_get_i64(&n, w->db, sql) != E_INVALID);
	return n;
}

static const char *text(struct world *w, const char *sql)
{
	char *out = NULL;

	db_get_text(&out, &w->arena, w->db, sql);
	return out ? out : "";
}

static void run(struct world *w, const char *sql)
{
	assert_int_equal(db_run(w->db, sql), OK);
}

static void wait_ms(struct world *w, int64_t ms)
{
	w->now_ms += ms;
	w->a.now_ms = w->now_ms;
}

/* --- a shop to look at --- */

static const char vless[] = "{\"id\":1,\"protocol\":\"vless\",\"port\":443,\"listen\":\"\",\"remark\":\"main\","
	"\"settings\":{\"decryption\":\"none\"},\"streamSettings\":{\"network\":\"tcp\",\"security\":\"none\",\"tcpSettings\":{\"header\":{\"type\":\"none\"}}}}";

static int64_t add_panel(struct world *w, const char *name, const char *url)
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

static struct user person_row(struct world *w, int64_t telegram_id)
{
	struct user u;

	assert_int_equal(user_by_telegram(&u, &w->a, telegram_id), OK);
	return u;
}

static int64_t pay(struct world *w, struct order *o, int64_t amount, const char *reference)
{
	struct invoice i;

	assert_int_equal(invoice_open(&i, &w->a, o, "stars"), OK);
	assert_int_equal(pay_confirm(&w->a, &(struct payment){ .provider = "stars", .reference = str_of(reference), .invoice = str_of(i.public_id),
		.amount_minor = amount, .currency = STR("XTR"), .telegram_id = ANNA, .paid_ms = w->now_ms, .raw = STR("{}") }), OK);
	return number(w, "SELECT max(id) FROM payments");
}

static struct order new_order(struct world *w)
{
	struct plan plan;
	struct order o;
	struct user anna = person_row(w, ANNA);

	assert_int_equal(plan_get(&plan, &w->a, 1), OK);
	assert_int_equal(order_open(&o, &w->a, &anna, &plan, NULL), OK);
	return o;
}

/* One panel that sells, one plan, Anna with a paid subscription and a payment that fits nothing. */
static void furnish(struct world *w)
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

/* --- the tables --- */

static void test_tables(void **state)
{
	struct world *w = *state;
	const struct router_tables *all[ROUTER_TABLES_MAX], *t;

	assert_int_equal(router_tables(all), 1);
	t = all[0];
	for (size_t i = 0; i < t->commands_count; i++) {
		assert_int_equal(t->commands[i].who, WHO_ADMIN);
		assert_true(i18n_has(w->i18n, t->commands[i].menu_key));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(t->commands[i].name, t->commands[k].name);
	}
	for (size_t i = 0; i < t->verbs_count; i++) {
		assert_int_equal(t->verbs[i].who, WHO_ADMIN);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(t->verbs[i].verb, t->verbs[k].verb);
	}
	for (size_t i = 0; i < t->dialogues_count; i++)
		assert_int_equal(t->dialogues[i].who, WHO_ADMIN);
}

static const char *const lines[] = {
	"/panels", "/panel", "/panel 1", "/panel 99", "/panel nonsense", "/panel_add", "/panel_test", "/panel_test 1", "/panel_set", "/panel_set 1",
	"/panel_set 1 priority 5", "/panel_set 1 priority 5000", "/panel_set 1 weight 0", "/panel_set 1 region Netherlands", "/panel_set 1 region -",
	"/panel_set 1 name Paris", "/panel_set 1 nosuch 1", "/panel_log 1", "/panel_del 1", "/panel_del 99", "/inbounds", "/inbounds 1", "/online",
	"/online 1", "/health", "/plan_add", "/plans_edit", "/orders", "/order", "/order nonsense", "/user", "/user 2000", "/user nobody", "/grant",
	"/grant 2000", "/grant 2000 nobody 1001 2000", "/grant nobody no_one", "/extend", "/extend 2000", "/extend 2000 x", "/extend 2000 7 as a present", "/limit", "/limit 2000 100", "/limit 2000 devices 3",
	"/limit 2000 devices -1", "/limit 2000 x", "/limit 2000 email", "/limit 2000 email A-B",
	"/limit 2000 email ab", "/reset", "/reset 2000", "/ban", "/ban 2000 spam", "/ban 1001", "/unban", "/unban 2000", "/payments",
	"/refund", "/refund nonsense", "/settings", "/maintenance", "/maintenance on", "/maintenance off", "/maintenance perhaps", "/audit",
};

static void every_line(struct world *w)
{
	for (size_t i = 0; i < countof(lines); i++) {
		say(w, OWNER, lines[i]);
		if (!heard(w, "sendMessage") || w->chats_heard[0] != 1)
			fail_msg("%s: %s", lines[i], buf_cstr(&w->heard));
		assert_int_equal(i18n_faults() - w->faults, 0);
	}
}

/* Every admin command there is stands among the lines, and each is answered in both languages. */
static void test_every_command(void **state)
{
	struct world *w = *state;
	const struct router_tables *all[ROUTER_TABLES_MAX];

	assert_int_equal(router_tables(all), 1);
	for (size_t i = 0; i < all[0]->commands_count; i++) {
		bool found = false;

		for (size_t k = 0; k < countof(lines) && !found; k++) {
			struct str rest = str_of(lines[k] + 1);

			found = str_is(str_cut(&rest, ' '), all[0]->commands[i].name);
		}
		if (!found)
			fail_msg("/%s is not tried", all[0]->commands[i].name);
	}
	furnish(w);
	every_line(w);
	w->lang = "ru";
	every_line(w);
	assert_says(w, "admin.audit.title");
	assert_heard(w, "Что делалось недавно");
}

/* Without anything in the shop the commands say what to do first. */
static void test_every_command_in_an_empty_shop(void **state)
{
	struct world *w = *state;

	every_line(w);
	say(w, OWNER, "/panels");
	assert_says(w, "admin.panels.none");
	say(w, OWNER, "/plans_edit");
	assert_says(w, "admin.plans_edit.none");
}

/* All buttons of all screens, found by pressing them. */
#define BUTTONS_MAX 2000

struct crawl {
	const char *seen[BUTTONS_MAX];
	size_t count, done;
};

static void note_buttons(struct crawl *c, struct world *w)
{
	const char *data;

	for (size_t n = 0; (data = find_button(w, "", n)); n++) {
		bool known = strncmp(data, "yes:", 4) == 0 || strncmp(data, "no:", 3) == 0;

		for (size_t i = 0; i < c->count && !known; i++)
			known = strcmp(c->seen[i], data) == 0;
		assert_true(strlen(data) <= TG_BUTTON_DATA_BYTES_MAX);
		if (!known && c->count < BUTTONS_MAX)
			c->seen[c->count++] = data;
	}
}

static void test_every_button(void **state)
{
	struct world *w = *state;
	struct crawl c = { .count = 0 };

	furnish(w);
	for (int round = 0; round < 2; round++) {
		w->lang = round ? "ru" : "en";
		c = (struct crawl){ .count = 0 };
		for (size_t i = 0; i < countof(lines); i++) {
			say(w, OWNER, lines[i]);
			note_buttons(&c, w);
		}
		say(w, OWNER, arena_printf(&w->arena, "/order %s", text(w, "SELECT public_id FROM orders ORDER BY id LIMIT 1")));
		note_buttons(&c, w);
		for (; c.done < c.count; c.done++) {
			tap(w, OWNER, c.seen[c.done]);
			note_buttons(&c, w);
			assert_heard(w, "answerCallbackQuery");
			if (i18n_faults() != w->faults)
				fail_msg("%s: a text is missing", c.seen[c.done]);
		}
		assert_in_range(c.count, 50, BUTTONS_MAX - 1);
	}
}

/* --- who may --- */

/* What a stranger hears, with what differs by nature blanked. */
static const char *answer_to(struct world *w, bool is_tap, int64_t chat, const char *words)
{
	w->next_id = 50;
	if (is_tap)
		tap_in(w, chat, ANNA, words);
	else
		say_in(w, chat, ANNA, words, chat < 0 ? ",\"reply_to_message\":{\"message_id\":3,\"date\":1,\"chat\":{\"id\":-500,\"type\":\"supergroup\"}}" : "");
	return arena_strdup(&w->arena, buf_cstr(&w->heard));
}

static void test_strangers_see_nothing(void **state)
{
	static const int64_t chats[] = { ANNA, GROUP };
	struct world *w = *state;
	const struct router_tables *all[ROUTER_TABLES_MAX];
	int64_t audits, jobs;

	furnish(w);
	router_tables(all);
	audits = number(w, "SELECT count(*) FROM audit");
	jobs = number(w, "SELECT count(*) FROM jobs");
	for (size_t c = 0; c < countof(chats); c++) {
		const char *command = answer_to(w, false, chats[c], "/nosuchcommand 1"), *verb = answer_to(w, true, chats[c], "nosuchverb:1");
		const char *typed = answer_to(w, false, chats[c], "hello");

		assert_true(chats[c] == GROUP ? !*command && !*verb : *command && *verb);
		for (size_t i = 0; i < all[0]->commands_count; i++)
			assert_string_equal(answer_to(w, false, chats[c], arena_printf(&w->arena, "/%s 1 2", all[0]->commands[i].name)), command);
		for (size_t i = 0; i < all[0]->verbs_count; i++)
			assert_string_equal(answer_to(w, true, chats[c], arena_printf(&w->arena, "%s:1:1", all[0]->verbs[i].verb)), verb);
		for (size_t i = 0; i < all[0]->dialogues_count; i++) { /* left from when they were admins */
			db_run(w->db, "UPDATE users SET dialogue=?2 WHERE telegram_id=?1", ANNA, arena_printf(&w->arena, "%s:1:1", all[0]->dialogues[i].name));
			assert_string_equal(answer_to(w, false, chats[c], "hello"), typed);
		}
		run(w, "UPDATE users SET dialogue=NULL");
	}
	assert_int_equal(number(w, "SELECT count(*) FROM audit"), audits);
	assert_int_equal(number(w, "SELECT count(*) FROM jobs"), jobs);
	say(w, OWNER, "/panel_del 1"); /* a code that an admin was given is worth nothing to others */
	{
		const char *yes = button(w, "yes:");

		assert_string_equal(answer_to(w, true, ANNA, yes), answer_to(w, true, ANNA, "nosuchverb:1"));
		assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE deleted_ms=0"), 1);
	}
}

/* --- a panel is added --- */

static void answer_panel(struct world *w, const struct panel_answer *answer)
{
	assert_int_equal(admin_panel_answered(&w->a, answer), OK);
	collect(w);
}

/* The whole file: pages, free space, write-ahead log. */
static bool file_holds(struct world *w, const char *end, const char *needle)
{
	FILE *f = fopen(arena_printf(&w->arena, "%s%s", w->path, end), "rb");
	static char bytes[8 << 20];
	size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;

	if (f)
		fclose(f);
	return memmem(bytes, n, needle, strlen(needle));
}

static void test_panel_add(void **state)
{
	static const struct { const char *typed, *key; } wrong_urls[] = {
		{ "panel", "admin.panel_add.url_scheme" }, { "ftp://panel.example.org", "admin.panel_add.url_scheme" },
		{ "https://", "admin.panel_add.url_scheme" }, { "https:///x", "admin.panel_add.url_host" },
		{ "https://admin:pw@panel.example.org", "admin.panel_add.url_host" }, { "https://panel.example.org/a b", "admin.panel_add.url_host" },
		{ "https://[::1", "admin.panel_add.url_host" }, { "https://panel.example.org:0/x", "admin.panel_add.url_port" },
		{ "https://panel.example.org:99999/x", "admin.panel_add.url_port" }, { "https://panel.example.org:x", "admin.panel_add.url_port" },
	};
	static const char *const secrets[] = { PASSWORD, TOTP, TOKEN };
	struct world *w = *state;

	say(w, OWNER, "/panel_add");
	for (size_t i = 0; i < countof(wrong_urls); i++) {
		say(w, OWNER, wrong_urls[i].typed);
		assert_says(w, wrong_urls[i].key);
	}
	say(w, OWNER, "http://panel.example.org:2053/secret/"); /* R018: a word of warning first */
	assert_says(w, "admin.panel_add.url_http");
	say(w, OWNER, "https://panel.example.org:2053/secret/");
	assert_says(w, "admin.panel_add.name");
	say(w, OWNER, "two\nlines");
	assert_heard(w, "1 to 64");
	say(w, OWNER, "Amsterdam 1");
	assert_says(w, "admin.panel_add.credentials");
	say(w, OWNER, "admin\n" PASSWORD "\n" TOTP "\nand more");
	assert_says(w, "admin.panel_add.credentials_wrong");
	assert_heard(w, "deleteMessage");
	assert_int_equal(number(w, "SELECT count(*) FROM panels"), 0);
	say(w, OWNER, "admin\n" PASSWORD "\n" TOTP);
	assert_heard(w, "deleteMessage");
	assert_says(w, "admin.panel_add.trying");
	assert_string_equal(text(w, "SELECT state FROM panels WHERE name='Amsterdam 1'"), "new"); /* R017: nothing active */
	assert_string_equal(text(w, "SELECT url FROM panels"), "https://panel.example.org:2053/secret");
	assert_int_equal(number(w, "SELECT count(*) FROM jobs WHERE kind='" "panel_ask" "' OR subject LIKE '1:trial:1000'"), 1);
	assert_string_equal(text(w, "SELECT dialogue FROM users WHERE telegram_id=1000"), "");

	answer_panel(w, &(struct panel_answer){ .what = ASK_TRIAL, .panel_id = 1, .chat_id = OWNER, .why = E_AUTH, .words = "wrong username" });
	assert_says(w, "admin.panel_add.no_login");
	assert_heard(w, "wrong username");
	tap(w, OWNER, button(w, "a_plogin:1"));
	say(w, OWNER, TOKEN);
	assert_heard(w, "deleteMessage");
	say(w, OWNER, "/panel_add");
	say(w, OWNER, "https://panel.example.org:2053/secret");
	assert_heard(w, "1. Amsterdam 1"); /* known already */

	assert_int_equal(db_commit(w->db), OK);
	for (size_t i = 0; i < countof(secrets); i++) {
		assert_false(file_holds(w, "", secrets[i]));
		assert_false(file_holds(w, "-wal", secrets[i]));
		assert_false(str_has(buf_str(&w->all), secrets[i]));
	}
	assert_true(file_holds(w, "-wal", "Amsterdam 1")); /* the test can see */
	assert_int_equal(db_begin(w->db), OK);
}

/* R132 in a group: never. */
static void test_credentials_are_private(void **state)
{
	struct world *w = *state;

	furnish(w);
	say_in(w, GROUP, OWNER, "/panel_add", "");
	assert_says(w, "error.private_only");
	assert_int_equal(w->chats_heard[3], 1);
	tap_in(w, GROUP, OWNER, "a_plogin:1");
	assert_says(w, "error.private_only");
}

/* --- which inbounds are sold, and where customers connect (B49) --- */

static void test_private_address_is_not_sold(void **state)
{
	struct world *w = *state;
	int64_t id = add_panel(w, "Home", "https://10.0.0.5:2053/x");

	say(w, OWNER, "/audit");
	answer_panel(w, &(struct panel_answer){ .what = ASK_TRIAL, .panel_id = id, .chat_id = OWNER, .ok = true });
	assert_heard(w, "3.6.0");
	tap(w, OWNER, "a_ibdone:1");
	assert_says(w, "admin.panel_add.choose_some");
	tap(w, OWNER, "a_ib:1:1");
	assert_heard(w, "10.0.0.5");
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 0);
	say(w, OWNER, "vpn.example.org:443");
	assert_says(w, "admin.panel_add.host_wrong");
	say(w, OWNER, "192.168.1.4"); /* private as well */
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 0);
	tap(w, SECOND, "a_insist:1"); /* nobody asked them */
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 0);
	tap(w, OWNER, "a_insist:1");
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 1);
	assert_string_equal(text(w, "SELECT host FROM panels"), "192.168.1.4");
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='panel.host_insisted' AND detail='192.168.1.4'"), 1);
	tap(w, OWNER, "a_ib:1:1"); /* off, and on again without a question: this address was insisted on */
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 0);
	tap(w, OWNER, "a_ib:1:1");
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 1);

	tap(w, OWNER, "a_pset:1:host");
	say(w, OWNER, "vpn.example.org");
	assert_string_equal(text(w, "SELECT host FROM panels"), "vpn.example.org");
	tap(w, OWNER, "a_ibdone:1");
	assert_heard(w, "vless://00000000-0000-4000-8000-000000000000@vpn.example.org:443");
	tap(w, OWNER, "a_hostok:1");
	assert_int_equal(number(w, "SELECT count(*) FROM jobs WHERE subject='1:test:1000'"), 1);
}

static void test_public_address_is_sold_at_once(void **state)
{
	struct world *w = *state;

	add_panel(w, "Amsterdam", "https://panel.example.org:2053/x");
	run(w, "UPDATE inbounds SET clients=41");
	say(w, OWNER, "/inbounds 1");
	assert_heard(w, "1. main – vless, port 443, on, clients 41");
	tap(w, OWNER, button(w, "a_ib:1:1"));
	assert_heard(w, "1. main – vless, port 443, sold, clients 41");
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 1);
	run(w, "UPDATE inbounds SET body='{\"protocol\":\"dokodemo-door\",\"port\":1}', for_sale=0");
	tap(w, OWNER, "a_ib:1:1");
	assert_says(w, "admin.inbounds.unsold");
	tap(w, OWNER, "a_ib:1:77");
	assert_says(w, "toast.old");
}

/* --- results --- */

/* Said where it is true: of the method, on that version, while it is for sale. */
static void test_renewals_restart(void **state)
{
	static const struct { const char *dialect, *version, *protocol, *method; int for_sale; bool said; } cases[] = {
		{ "A", "2.8.5", "shadowsocks", "2022-blake3-aes-256-gcm", 1, true },
		{ "A", "2.8.5", "shadowsocks", "aes-256-gcm", 1, false },
		{ "B", "3.0.2", "shadowsocks", "aes-256-gcm", 1, true },
		{ "B", "3.0.2", "shadowsocks", "chacha20-ietf-poly1305", 1, false },
		{ "C", "3.4.1", "shadowsocks", "2022-blake3-aes-128-gcm", 1, true },
		{ "C", "3.4.1", "shadowsocks", "2022-blake3-aes-128-gcm", 0, false },
		{ "C", "3.4.2", "shadowsocks", "2022-blake3-aes-128-gcm", 1, false },
		{ "A", "2.8.5", "vless", "", 1, false },
	};
	struct world *w = *state;
	struct panel_answer good = { .what = ASK_TEST, .panel_id = add_panel(w, "Home", "https://panel.example.org:2053/x"), .chat_id = OWNER, .ok = true };
	struct panel_answer failed = { .what = ASK_TEST, .panel_id = good.panel_id, .chat_id = OWNER, .why = E_IO };

	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(db_run(w->db, "UPDATE panels SET dialect=?1, version=?2", cases[i].dialect, cases[i].version), OK);
		assert_int_equal(db_run(w->db, "UPDATE inbounds SET protocol=?1, for_sale=?2, body=?3", cases[i].protocol, cases[i].for_sale,
			arena_printf(&w->arena, "{\"protocol\":\"%s\",\"port\":8388,\"settings\":{\"method\":\"%s\"}}", cases[i].protocol, cases[i].method)), OK);
		w->lang = i % 2 ? "ru" : "en";
		say(w, OWNER, "/audit");
		answer_panel(w, &good);
		if (heard(w, words_of(w, "admin.panel_test.renewals_restart")) != cases[i].said)
			fail_msg("%s %s", cases[i].version, cases[i].method);
		answer_panel(w, &failed);
		assert_false(heard(w, words_of(w, "admin.panel_test.renewals_restart")));
	}
}

static void test_answers(void **state)
{
	static const char *const steps[] = { "name", "tcp", "tls", "login", "list" };
	static char detail[] = "vpn.example.org:443: refused";
	struct world *w = *state;

	furnish(w);
	for (int round = 0; round < 2; round++) {
		w->lang = round ? "ru" : "en";
		say(w, OWNER, "/audit");
		for (size_t bad = 0; bad < countof(steps); bad++) { /* R147: the step that fails is named, with what to do */
			struct panel_answer answer = { .what = ASK_TEST, .panel_id = 1, .chat_id = OWNER, .why = bad == 3 ? E_AUTH : E_IO, .steps_count = countof(steps) };

			for (size_t i = 0; i < countof(steps); i++)
				answer.steps[i] = (struct panel_step){ .name = steps[i], .ok = i < bad, .skipped = i > bad, .ms = 5 };
			answer_panel(w, &answer);
			assert_says(w, arena_printf(&w->arena, "admin.panel_test.hint_%s", steps[bad]));
			assert_heard(w, arena_printf(&w->arena, "✗ %s", bad == 1 ? round ? "соединение" : "connection" : ""));
			assert_says(w, bad == 3 ? "admin.panel_add.no_login" : "admin.panel_add.no_connection"); /* R149 */
		}
		answer_panel(w, &(struct panel_answer){ .what = ASK_TEST, .panel_id = 1, .chat_id = OWNER, .ok = true });
		assert_says(w, "admin.panel_test.all_good");
		answer_panel(w, &(struct panel_answer){ .what = ASK_TEST, .panel_id = 1, .chat_id = OWNER, .ok = true, .steps_count = 2, .steps = {
			{ .name = "link", .detail = detail }, { .name = "link_udp", .skipped = true } } });
		assert_says(w, "admin.panel_test.link_warning"); /* a warning: the panel can be used */
		assert_says(w, "admin.panel_test.hint_link");
		assert_says(w, "admin.panel_test.step_link_udp");
		assert_heard(w, "vpn.example.org:443: refused");
		answer_panel(w, &(struct panel_answer){ .what = ASK_ONLINE, .panel_id = 1, .chat_id = OWNER, .ok = true,
			.online = STR("[{\"inbound\":1,\"emails\":[\"anna\",\"b<b>ob\"]},{\"inbound\":0,\"emails\":[\"carl\"]},{\"inbound\":9}]") });
		assert_heard(w, "b&lt;b&gt;ob");
		assert_heard(w, "<b>3</b>");
		answer_panel(w, &(struct panel_answer){ .what = ASK_ONLINE, .panel_id = 1, .chat_id = OWNER, .ok = true, .online = STR("[]") });
		answer_panel(w, &(struct panel_answer){ .what = ASK_ONLINE, .panel_id = 1, .chat_id = OWNER, .why = E_IO });
		answer_panel(w, &(struct panel_answer){ .what = ASK_ONLINE, .panel_id = 1, .chat_id = OWNER, .ok = true, .online = STR("{\"broken\"") });
		answer_panel(w, &(struct panel_answer){ .what = ASK_INBOUNDS, .panel_id = 1, .chat_id = OWNER, .why = E_VERSION });
		answer_panel(w, &(struct panel_answer){ .what = ASK_INBOUNDS, .panel_id = 1, .chat_id = GROUP, .ok = true });
		assert_int_equal(w->chats_heard[3], 1);
		answer_panel(w, &(struct panel_answer){ .what = ASK_HEALTH, .panel_id = 1, .chat_id = OWNER, .ok = true });
		assert_heard(w, round ? "список онлайн отказ" : "online list fail");
		assert_heard(w, round ? "копия ошибка" : "backup error");
		answer_panel(w, &(struct panel_answer){ .what = ASK_TEST, .panel_id = 99, .chat_id = OWNER, .ok = true }); /* removed meanwhile */
		assert_string_equal(buf_cstr(&w->heard), "");
	}
}

/* --- dangerous acts --- */

static bool is_banned(struct world *w)
{
	return number(w, "SELECT banned FROM users WHERE telegram_id=2000") == 1;
}

static void test_second_press(void **state)
{
	struct world *w = *state;
	const char *yes;

	furnish(w);
	say(w, OWNER, "/ban 2000 spam in the chat");
	assert_false(is_banned(w));
	yes = button(w, "yes:");
	tap(w, SECOND, yes); /* another admin was not asked */
	assert_says(w, "admin.too_late");
	assert_false(is_banned(w));
	wait_ms(w, 5 * MINUTE_MS);
	tap(w, OWNER, yes); /* stale */
	assert_says(w, "admin.too_late");
	assert_false(is_banned(w));

	say(w, OWNER, "/ban 2000 spam in the chat");
	tap(w, OWNER, button(w, "no:"));
	assert_says(w, "admin.canceled");
	assert_int_equal(number(w, "SELECT count(*) FROM confirms"), 0);

	say(w, OWNER, "/ban 2000 spam in the chat");
	yes = button(w, "yes:");
	wait_ms(w, 5 * MINUTE_MS - 1);
	tap(w, OWNER, yes);
	assert_true(is_banned(w));
	assert_string_equal(text(w, "SELECT reason FROM audit WHERE action='user.ban'"), "spam in the chat");
	assert_int_equal(number(w, "SELECT count(*) FROM subscriptions WHERE enabled=1"), 0);
	say(w, OWNER, "/unban 2000");
	assert_false(is_banned(w));
	tap(w, OWNER, yes); /* used */
	assert_says(w, "admin.too_late");
	assert_false(is_banned(w));
	tap(w, OWNER, "yes:ABCDEFGHJKMNPQRS"); /* forged */
	assert_says(w, "admin.too_late");
}

/* Each of them, by command or button: nothing at the first press, nothing at a stale second one, done at a fresh one. */
static void test_every_dangerous_act_asks(void **state)
{
	static const struct { const char *press, *what; bool is_tap; } acts[] = {
		{ "/extend 2000 7", "SELECT expires_ms FROM subscriptions WHERE id=1", false },
		{ "/limit 2000 120", "SELECT quota_bytes FROM subscriptions WHERE id=1", false },
		{ "/limit 2000 devices 5", "SELECT limit_ip FROM subscriptions WHERE id=1", false },
		{ "/limit 2000 email anna_home", "SELECT count(*) FROM accesses WHERE rename='anna_home'", false },
		{ "/reset 2000", "SELECT reset_rev FROM subscriptions WHERE id=1", false },
		{ "a_grant:%s:1", "SELECT count(*) FROM subscriptions", true },
		{ "a_client:%b:ips_clear", "SELECT count(*) FROM jobs WHERE kind='panel_ask' AND subject LIKE '%:ips_clear:%'", true },
		{ "a_grants:1:1", "SELECT count(*) FROM grant_lists WHERE started_ms>0", true },
		{ "/refund %o", "SELECT count(*) FROM payments WHERE state='refunding'", false },
		{ "a_sus:2:keep", "SELECT count(*) FROM suspense WHERE state='open'", true },
		{ "a_plset:1:sale", "SELECT on_sale FROM plans WHERE id=1", true },
		{ "a_plset:1:delete", "SELECT deleted_ms>0 FROM plans WHERE id=1", true },
		{ "/ban 2000", "SELECT banned FROM users WHERE telegram_id=2000", false },
		{ "/panel_del 1", "SELECT count(*) FROM panels WHERE deleted_ms=0", false },
		{ "/panel_del 2", "SELECT count(*) FROM panels WHERE deleted_ms=0", false },
	};
	struct world *w = *state;

	furnish(w);
	add_panel(w, "Berlin", "https://panel.example.net:2053/x"); /* nobody's clients on it */
	say(w, OWNER, "/grant 2000 1001"); /* list 1 */
	for (size_t i = 0; i < countof(acts); i++) {
		bool wants_reason = str_has(str_of(acts[i].press), "%o");
		const char *press = wants_reason ? arena_printf(&w->arena, "/refund %s", text(w, "SELECT public_id FROM orders ORDER BY id LIMIT 1")) :
			str_has(str_of(acts[i].press), "%b") ? arena_printf(&w->arena, "a_client:%s:ips_clear", text(w, "SELECT public_id FROM subscriptions")) :
			str_has(str_of(acts[i].press), "%s") ? arena_printf(&w->arena, "a_grant:%s:1", text(w, "SELECT public_id FROM users WHERE telegram_id=2000")) : acts[i].press;
		int64_t before = number(w, acts[i].what);

		for (int stale = 1; stale >= 0; stale--) {
			const char *yes;

			(acts[i].is_tap ? tap : say)(w, OWNER, press);
			if (wants_reason)
				say(w, OWNER, "it never worked");
			yes = button(w, "yes:");
			wait_ms(w, stale ? 5 * MINUTE_MS : 1);
			if (number(w, acts[i].what) != before)
				fail_msg("%s does not ask", press);
			tap(w, OWNER, yes);
			if ((number(w, acts[i].what) == before) != stale)
				fail_msg("%s, a %s press", press, stale ? "stale" : "fresh");
		}
	}
}

static void test_panel_with_clients_is_kept_or_asked_about(void **state)
{
	struct world *w = *state;

	furnish(w);
	say(w, OWNER, "/panel_del 1");
	assert_heard(w, "1 client lives there");
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE deleted_ms=0"), 1);
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE deleted_ms=0"), 0);
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='panel.del' AND detail='clients kept'"), 1);
}

/* Empty when it was asked about, lived in when it is confirmed: asked again, nothing lost. */
static void test_panel_filled_meanwhile(void **state)
{
	struct world *w = *state;
	const char *yes;
	struct order o;

	furnish(w);
	run(w, "UPDATE accesses SET deleted_ms=1");
	say(w, OWNER, "/panel_del 1");
	assert_not_heard(w, "lives there");
	yes = button(w, "yes:");
	o = new_order(w);
	pay(w, &o, 300, "charge-3");
	tap(w, OWNER, yes);
	assert_heard(w, "lives there");
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE deleted_ms=0"), 1);
}

/* --- subscriptions --- */

static void test_subscription_is_changed(void **state)
{
	struct world *w = *state;
	int64_t before, reset;

	furnish(w);
	before = number(w, "SELECT expires_ms FROM subscriptions");
	reset = number(w, "SELECT reset_rev FROM subscriptions");
	say(w, OWNER, "/extend 2000 7 birthday");
	assert_int_equal(number(w, "SELECT expires_ms FROM subscriptions"), before);
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT expires_ms FROM subscriptions"), before + 7 * DAY_MS);
	assert_string_equal(text(w, "SELECT reason FROM audit WHERE action='subscription.extend'"), "birthday");
	say(w, OWNER, "/limit 2000 120");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT quota_bytes FROM subscriptions"), 120 * GIB_BYTES);
	say(w, OWNER, "/limit 2000 devices 5");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT limit_ip FROM subscriptions"), 5);
	say(w, OWNER, "/limit 2000 email Anna-Home");
	assert_heard(w, "32 small Latin letters");
	assert_null(find_button(w, "yes:", 0));
	say(w, OWNER, "/limit 2000 email");
	assert_heard(w, "/limit WHO email NAME");
	say(w, OWNER, "/limit 2000 email anna_home moved house");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT count(*) FROM accesses WHERE rename='anna_home'"), 1);
	assert_string_equal(text(w, "SELECT reason||', '||detail FROM audit WHERE action='subscription.rename'"), "moved house, email=anna_home");
	assert_heard(w, "soon <code>anna_home</code>");
	say(w, OWNER, "/reset 2000");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT reset_rev FROM subscriptions"), reset + 1);
	tap(w, OWNER, button(w, "a_subdo:"));
	say(w, OWNER, "many");
	assert_heard(w, "1 to 3,660");
	say(w, OWNER, "3");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT expires_ms FROM subscriptions"), before + 10 * DAY_MS);
	say(w, OWNER, "/grant 2000");
	tap(w, OWNER, button(w, "a_grant:"));
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT count(*) FROM subscriptions"), 2);
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='grant'"), 1);
	say(w, OWNER, "/reset 2000"); /* two now: which? */
	assert_non_null(find_button(w, "a_subdo:", 1));
	assert_null(find_button(w, "yes:", 0));
	tap(w, OWNER, button(w, "a_subdo:"));
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT sum(reset_rev) FROM subscriptions"), reset + 2);
}

/* --- customers --- */

static void test_user_is_found(void **state)
{
	struct world *w = *state;
	const char *keys[5];

	furnish(w);
	keys[0] = "2000";
	keys[1] = text(w, "SELECT public_id FROM users WHERE telegram_id=2000");
	keys[2] = text(w, "SELECT public_id FROM orders LIMIT 1");
	keys[3] = text(w, "SELECT uuid FROM subscriptions");
	keys[4] = text(w, "SELECT email FROM accesses");
	for (size_t i = 0; i < countof(keys); i++) {
		say(w, OWNER, arena_printf(&w->arena, "/user %s", keys[i]));
		assert_heard(w, "id <code>2000</code>");
		assert_heard(w, "Month");
	}
	say(w, OWNER, "/user");
	say_in(w, OWNER, OWNER, "what they wrote", ",\"forward_origin\":{\"type\":\"user\",\"sender_user\":{\"id\":2000,\"is_bot\":false,\"first_name\":\"P\"},\"date\":1}");
	assert_heard(w, "id <code>2000</code>");
	say(w, OWNER, "/user");
	say_in(w, OWNER, OWNER, "hidden", ",\"forward_origin\":{\"type\":\"hidden_user\",\"sender_user_name\":\"P\",\"date\":1}");
	assert_says(w, "admin.user.hidden");
	say(w, OWNER, "/user");
	say(w, OWNER, "nobody-of-that-name");
	assert_heard(w, "nobody-of-that-name");
	assert_not_heard(w, text(w, "SELECT uuid FROM subscriptions"));
}

/* --- plans --- */

static void test_plan_add(void **state)
{
	static const char *const shown[] = { "90 days", "100\xC2\xA0GB", "3 devices" };
	struct world *w = *state;

	say(w, OWNER, "/plan_add");
	say(w, OWNER, "   ");
	say(w, OWNER, "a\nb");
	assert_heard(w, "1 to 64");
	say(w, OWNER, "Quarter <b>");
	assert_says(w, "admin.plan_add.days");
	say(w, OWNER, "-1");
	assert_heard(w, "0 to 3,660");
	say(w, OWNER, "ninety");
	say(w, OWNER, "90");
	assert_says(w, "admin.plan_add.quota");
	say(w, OWNER, "1.5");
	assert_heard(w, "0 to 1,000,000");
	say(w, OWNER, "100");
	assert_says(w, "admin.plan_add.devices");
	say(w, OWNER, "5000");
	assert_heard(w, "0 to 1,000");
	say(w, OWNER, "3");
	assert_heard(w, "300 XTR");
	say(w, OWNER, "cheap");
	assert_heard(w, "cheap");
	say(w, OWNER, "5 DOGS");
	assert_heard(w, "DOGS");
	say(w, OWNER, "0 XTR");
	assert_says(w, "admin.plan_add.price_positive");
	say(w, OWNER, "-5 XTR");
	assert_says(w, "admin.plan_add.price_positive");
	say(w, OWNER, "300 XTR\n200 xtr");
	assert_says(w, "admin.plan_add.price_twice");
	say(w, OWNER, "1.555 USD");
	assert_heard(w, "1.555 USD");
	assert_int_equal(number(w, "SELECT count(*) FROM plans"), 0);
	say(w, OWNER, "300 XTR\nUSD 4,99");
	assert_heard(w, "Quarter &lt;b&gt;");
	for (size_t i = 0; i < countof(shown); i++)
		assert_heard(w, shown[i]);
	assert_says(w, "admin.plan_add.no_panel"); /* said before a customer meets it */
	assert_int_equal(number(w, "SELECT days*1000000 + limit_ip*1000 + on_sale FROM plans"), 90 * 1000000 + 3 * 1000);
	assert_int_equal(number(w, "SELECT quota_bytes FROM plans"), 100 * GIB_BYTES);
	assert_int_equal(number(w, "SELECT amount_minor FROM plan_prices WHERE currency='USD'"), 499);
	assert_string_equal(text(w, "SELECT early FROM plans"), "keep");

	tap(w, OWNER, button(w, "a_plset:1:policy"));
	assert_string_equal(text(w, "SELECT early FROM plans"), "restart");
	tap(w, OWNER, button(w, "a_plset:1:sale"));
	assert_int_equal(number(w, "SELECT on_sale FROM plans"), 1);
	tap(w, OWNER, "a_plset:1:region");
	say(w, OWNER, "Netherlands");
	tap(w, OWNER, "a_plset:1:protocol");
	say(w, OWNER, "vless");
	assert_string_equal(text(w, "SELECT region || protocol FROM plans"), "Netherlandsvless");
	assert_heard(w, "Netherlands");
	assert_heard(w, "vless");
	tap(w, OWNER, "a_plset:1:region");
	say(w, OWNER, "-");
	assert_string_equal(text(w, "SELECT region FROM plans"), "");
	tap(w, OWNER, "a_plset:1:price");
	say(w, OWNER, "-1 XTR");
	assert_says(w, "admin.plan_add.price_positive");
	say(w, OWNER, "250 XTR");
	assert_int_equal(number(w, "SELECT sum(amount_minor) FROM plan_prices"), 250);
	tap(w, OWNER, "a_plset:1:quota");
	say(w, OWNER, "x");
	say(w, OWNER, "7");
	assert_int_equal(number(w, "SELECT quota_bytes FROM plans"), 7 * GIB_BYTES);
	tap(w, OWNER, "a_plset:1:sale");
	assert_int_equal(number(w, "SELECT on_sale FROM plans"), 1);
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT on_sale FROM plans"), 0);
	say(w, OWNER, "/plans_edit");
	assert_heard(w, "Quarter &lt;b&gt;");
	tap(w, OWNER, "a_plset:1:delete");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT count(*) FROM plans WHERE deleted_ms=0"), 0);
	tap(w, OWNER, "a_plset:1:sale"); /* an old card */
}

static void test_trial_plan(void **state)
{
	struct world *w = *state;

	tap(w, OWNER, "a_trial"); /* of a dialogue that is not there */
	assert_says(w, "admin.too_late");
	say(w, OWNER, "/plan_add");
	say(w, OWNER, "Try");
	tap(w, OWNER, "a_trial"); /* too early */
	assert_int_equal(number(w, "SELECT count(*) FROM plans"), 0);
	say(w, OWNER, "/plan_add");
	say(w, OWNER, "Try");
	say(w, OWNER, "3");
	say(w, OWNER, "1");
	say(w, OWNER, "1");
	tap(w, OWNER, button(w, "a_trial"));
	assert_int_equal(number(w, "SELECT trial FROM plans WHERE name='Try'"), 1);
}

/* --- money --- */

static void test_suspense(void **state)
{
	struct world *w = *state;
	struct payment_row p;
	struct order o;

	furnish(w);
	assert_int_equal(payment_get(&p, &w->a, 2), OK);
	assert_int_equal(admin_set_aside(&w->a, &p, NULL), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 1);
	assert_int_equal(w->chats_heard[1], 1);
	assert_says(w, "admin.payments.reason.amount");
	say(w, OWNER, "/payments");
	assert_heard(w, "1 payment waits");
	tap(w, OWNER, button(w, "a_pay:2"));
	tap(w, OWNER, button(w, "a_sus:2:apply"));
	say(w, OWNER, "nonsense");
	assert_heard(w, "nonsense");
	o = new_order(w);
	say(w, OWNER, o.public_id);
	assert_int_equal(number(w, "SELECT count(*) FROM suspense WHERE state='open'"), 1);
	tap(w, OWNER, button(w, "no:"));
	tap(w, OWNER, "a_sus:2:deliver");
	tap(w, OWNER, button(w, "yes:"));
	assert_says(w, "admin.payments.decision.deliver");
	assert_string_equal(text(w, "SELECT state FROM suspense"), "delivered");
	assert_string_equal(text(w, "SELECT o.state FROM orders o JOIN payments p ON p.order_id=o.id WHERE p.id=2"), "paid");
	assert_int_equal(number(w, "SELECT count(*) FROM subscriptions"), 2);
	assert_string_equal(text(w, "SELECT reason FROM audit WHERE action='suspense.deliver'"), "amount");
	tap(w, SECOND, "a_sus:2:keep");
	assert_says(w, "admin.payments.was_decided");
	tap(w, OWNER, "a_sus:2:burn"); /* forged */
	tap(w, OWNER, "a_sus:77:keep");
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE subject LIKE 'payment:2'"), 1);
}

static void test_refund(void **state)
{
	struct world *w = *state;
	struct payment_row p;
	const char *order;

	furnish(w);
	order = text(w, "SELECT public_id FROM orders WHERE id=(SELECT order_id FROM payments WHERE id=1)");
	say(w, OWNER, arena_printf(&w->arena, "/refund %s", order));
	assert_says(w, "admin.refund.ask_reason");
	say(w, OWNER, "it never worked");
	assert_heard(w, "it never worked");
	assert_string_equal(text(w, "SELECT state FROM payments WHERE id=1"), "applied");
	tap(w, OWNER, button(w, "yes:"));
	assert_says(w, "admin.refund.running");
	assert_string_equal(text(w, "SELECT state FROM payments WHERE id=1"), "refunding");
	assert_string_equal(text(w, "SELECT reason FROM audit WHERE action='refund'"), "it never worked");
	say(w, OWNER, arena_printf(&w->arena, "/refund %s", order));
	assert_says(w, "admin.refund.was_done");
	assert_int_equal(payment_get(&p, &w->a, 1), OK);
	assert_int_equal(admin_refunded(&w->a, &p), OK);
	assert_int_equal(admin_refund_failed(&w->a, &p, "CHARGE_<ID>_INVALID"), OK);
	collect(w);
	assert_heard(w, "CHARGE_&lt;ID&gt;_INVALID");
	assert_int_equal(w->chats_heard[0], 2);
}

/* --- stuck orders --- */

static void test_stuck_order_says_why(void **state)
{
	static const struct { const char *sql, *key; } causes[] = {
		{ "UPDATE inbounds SET gone=1", "admin.order.hint_gone" }, { "UPDATE inbounds SET gone=0, enabled=0", "admin.order.hint_off" },
		{ "UPDATE inbounds SET enabled=1, capacity=1, clients=1", "admin.order.hint_full" }, { "UPDATE panels SET state='down'", "admin.order.hint_panel" },
	};
	struct world *w = *state;
	const char *order;

	furnish(w);
	run(w, "UPDATE jobs SET attempts=4, reason='connection refused' WHERE subject LIKE '1:1'");
	say(w, OWNER, "/orders");
	assert_heard(w, "1 order is stuck");
	assert_heard(w, "connection refused");
	order = button(w, "a_order:");
	for (size_t i = 0; i < countof(causes); i++) {
		run(w, causes[i].sql);
		tap(w, OWNER, order);
		assert_says(w, causes[i].key);
	}
	tap(w, OWNER, button(w, "a_retry:"));
	assert_says(w, "admin.order.retrying");
}

/* --- settings --- */

static void test_settings(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/settings");
	tap(w, OWNER, button(w, "a_set:grace_hours"));
	say(w, OWNER, "a day");
	assert_heard(w, "0 to 720");
	say(w, OWNER, "48");
	assert_int_equal(setting_i64(&w->a, SETTING_GRACE_HOURS), 48);
	tap(w, OWNER, "a_set:zone");
	say(w, OWNER, "Moscow");
	assert_heard(w, "“Moscow”");
	say(w, OWNER, "Europe/Moscow");
	assert_heard(w, "UTC+3");
	tap(w, OWNER, "a_set:support");
	say(w, OWNER, "a contact that is much too long: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789");
	assert_heard(w, "at most 256");
	say(w, OWNER, "@anna");
	assert_true(str_is(setting_text(&w->a, SETTING_SUPPORT), "@anna"));
	tap(w, OWNER, "a_set:support");
	say(w, OWNER, "@boris");
	tap(w, OWNER, button(w, "a_set:support:undo"));
	assert_says(w, "admin.undone");
	assert_true(str_is(setting_text(&w->a, SETTING_SUPPORT), "@anna"));
	tap(w, OWNER, button(w, "a_set:support:undo")); /* and forward again */
	assert_true(str_is(setting_text(&w->a, SETTING_SUPPORT), "@boris"));
	tap(w, OWNER, "a_set:terms:undo"); /* never changed */
	tap(w, OWNER, "a_set:grace_hours");
	say(w, OWNER, "12");
	tap(w, OWNER, button(w, "a_set:grace_hours:undo"));
	assert_int_equal(setting_i64(&w->a, SETTING_GRACE_HOURS), 48);
	tap(w, OWNER, "a_set:support");
	say(w, OWNER, "-");
	assert_int_equal(setting_text(&w->a, SETTING_SUPPORT).len, 0);
	tap(w, OWNER, "a_set:maintenance");
	assert_int_equal(setting_i64(&w->a, SETTING_MAINTENANCE), 1);
	say(w, OWNER, "/maintenance off");
	assert_int_equal(setting_i64(&w->a, SETTING_MAINTENANCE), 0);
	tap(w, OWNER, "a_set:nosuch");
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='settings.set'"), 11);
	for (int s = 0; s < SETTINGS_COUNT; s++) /* each row has its place on the screen; the topic goes with its group */
		if (s != SETTING_ADMIN_THREAD) {
			say(w, OWNER, "/settings");
			button(w, arena_printf(&w->arena, "a_set:%s", setting_row((enum setting)s)->key));
		}
}

/* --- providers --- */

#define PAY_KEY "18475:AAH3docExampleTokenForVectors00000"

/* What the provider will say is the job's business; here is what is typed, and who may. */
static void test_provider_key_typed(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/settings");
	tap(w, OWNER, button(w, "a_prov:crypto_pay"));
	assert_heard(w, "needs a key of yours");
	assert_null(find_button(w, "a_prov:crypto_pay:on", 0));
	tap_in(w, GROUP, OWNER, "a_prov:crypto_pay:key");
	assert_says(w, "error.private_only");
	tap(w, OWNER, "a_prov:crypto_pay:key");
	say(w, OWNER, "swordfish");
	assert_heard(w, "deleteMessage");
	assert_heard(w, "does not look like this");
	assert_int_equal(number(w, "SELECT count(*) FROM secrets"), 0);
	say(w, OWNER, PAY_KEY);
	assert_heard(w, "deleteMessage");
	assert_heard(w, "whether it knows the key");
	assert_int_equal(number(w, "SELECT count(*) FROM jobs WHERE kind='pay_probe'"), 1);
	assert_int_equal(number(w, "SELECT count(*) FROM secrets WHERE name='CRYPTO_PAY_TOKEN'"), 0); /* only aside, until the answer */
	assert_false(str_has(buf_str(&w->all), PAY_KEY));
	say(w, OWNER, "hello"); /* no longer a key */
	assert_not_heard(w, "deleteMessage");
	tap(w, OWNER, "a_prov:stars:key");
	tap(w, OWNER, "a_prov:crypto_pay:on"); /* of another time: there is none to switch on */
	assert_heard(w, "needs a key of yours");
	tap(w, ANNA, "a_prov:crypto_pay:off");
	assert_int_equal(number(w, "SELECT count(*) FROM settings WHERE key='provider.crypto_pay'"), 0);
}

/* --- alerts --- */

static void test_alerts_fold(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/audit");
	say(w, SECOND, "/audit");
	for (int i = 0; i < 100; i++)
		assert_int_equal(alert_raise(&w->a, ALERT_WARNING, "panel.down:1", "panel_down", "Amsterdam <1>", "connection refused"), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 1);
	assert_int_equal(w->chats_heard[1], 1);
	assert_int_equal(w->chats_heard[2], 0);
	assert_heard(w, "Amsterdam &lt;1&gt;");
	say(w, OWNER, "/health");
	assert_heard(w, "100 times");
	wait_ms(w, 5 * MINUTE_MS);
	assert_int_equal(alert_clear(&w->a, "panel.down:1", "Amsterdam <1>"), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 1);
	assert_heard(w, "100 times");
	assert_heard(w, "5 minutes");
	assert_int_equal(alert_clear(&w->a, "panel.down:1", "Amsterdam <1>"), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 0);
}

/* Every alert there is has its text, in both languages. */
static void test_alert_texts(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/audit");
	for (size_t i = 0; i < i18n_keys(w->i18n); i++) {
		struct str key = str_of(i18n_key_at(w->i18n, i)), family = str_cut(&key, '.');

		if (!str_is(family, "alert") || str_has(key, ".") || str_is(key, "frame") || str_is(key, "folded") || str_is(key, "clear"))
			continue;
		assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, arena_strndup(&w->arena, key.at, key.len), "subject", "detail"), OK);
		collect(w);
		assert_int_equal(w->chats_heard[0], 1);
	}
}

/* What an admin reads of a name that was taken is a sentence in their language, and no word of ours. */
static void test_taken_name_is_told(void **state)
{
	static const struct { const char *lang, *words; } cases[] = { { "en", "is taken on its panel" }, { "ru", "на его панели уже занято" } };
	struct world *w = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		w->lang = cases[i].lang;
		say(w, OWNER, "/audit");
		assert_int_equal(alert_tell(&w->a, ALERT_WARNING, "rename_taken", "anna_abcdefgh", "anna_home"), OK);
		collect(w);
		assert_heard(w, "<code>anna_abcdefgh</code>");
		assert_heard(w, "<code>anna_home</code>");
		assert_heard(w, cases[i].words);
		assert_not_heard(w, "name_taken");
	}
}

static void test_alert_chat(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/audit");
	say(w, SECOND, "/audit");
	run(w, "UPDATE users SET reachable=0 WHERE telegram_id=1000"); /* has blocked the bot: the other hears it (R282) */
	assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, "crashed", NULL, NULL), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 0);
	assert_int_equal(w->chats_heard[1], 1);
	tap_in(w, GROUP, OWNER, "a_set:admin_chat");
	assert_says(w, "admin.settings.alerts_here");
	assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, "crashed", NULL, NULL), OK);
	collect(w);
	assert_int_equal(w->chats_heard[3], 1);
	assert_int_equal(w->chats_heard[1], 0);
	assert_int_equal(admin_chat_moved(&w->a, GROUP, -1000500), OK);
	assert_int_equal(setting_i64(&w->a, SETTING_ADMIN_CHAT), -1000500);
	assert_int_equal(admin_chat_gone(&w->a, ANNA), OK);
	assert_int_equal(setting_i64(&w->a, SETTING_ADMIN_CHAT), -1000500);
	assert_int_equal(admin_chat_gone(&w->a, -1000500), OK);
	collect(w);
	assert_int_equal(w->chats_heard[1], 1);
	assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, "crashed", NULL, NULL), OK);
	collect(w);
	assert_int_equal(w->chats_heard[1], 1);
}

/* --- drift --- */

static void test_drift_is_decided(void **state)
{
	struct world *w = *state;

	furnish(w);
	run(w, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) VALUES(1, 'until', '1793614200000', '1793700600000', 'open', 1)");
	run(w, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) VALUES(1, 'quota', '53687091200', '0', 'open', 1)");
	run(w, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) VALUES(1, 'enabled', '1', '0', 'open', 1)");
	run(w, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) VALUES(1, 'devices', '2', '1', 'open', 1)");
	say(w, OWNER, "/health");
	assert_heard(w, "3 November 2026");
	tap(w, OWNER, button(w, "a_drift:1:adopt"));
	assert_string_equal(text(w, "SELECT state FROM drifts WHERE id=1"), "adopted");
	tap(w, OWNER, "a_drift:2:adopt"); /* B30: metered stays metered */
	assert_says(w, "admin.drift.metered");
	tap(w, OWNER, "a_drift:2:repair");
	assert_string_equal(text(w, "SELECT state FROM drifts WHERE id=2"), "repaired");
	tap(w, OWNER, "a_drift:2:repair"); /* decided */
	tap(w, OWNER, "a_drift:4:burn");
	assert_int_equal(number(w, "SELECT count(*) FROM drifts WHERE state='open'"), 2);
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action IN ('drift.adopt', 'drift.repair')"), 2);
}

/* --- the book --- */

static void test_audit(void **state)
{
	static const struct { const char *does, *action; } acts[] = {
		{ "/panel_set 1 priority 3", "panel.set" }, { "/online", "panel.online" }, { "/health", "panel.health" }, { "/maintenance on", "settings.set" },
	};
	struct world *w = *state;
	int64_t owner;

	furnish(w);
	owner = person_row(w, OWNER).id;
	for (size_t i = 0; i < countof(acts); i++) {
		int64_t rows = number(w, "SELECT count(*) FROM audit");

		say(w, OWNER, acts[i].does);
		assert_int_equal(number(w, "SELECT count(*) FROM audit"), rows + 1);
		assert_string_equal(text(w, "SELECT action FROM audit ORDER BY id DESC LIMIT 1"), acts[i].action);
		assert_int_equal(number(w, "SELECT actor_id FROM audit ORDER BY id DESC LIMIT 1"), owner);
	}
	say(w, OWNER, "/audit");
	assert_heard(w, "priority=3");
	say(w, ANNA, "/online"); /* R080: refused, and nothing done */
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE actor_id=(SELECT id FROM users WHERE telegram_id=2000)"), 0);
	assert_int_equal(audit_add(&w->a, owner, "x", "y", "my uuid 6f9619ff-8b86-4011-b42d-00c04fc964ff", NULL), OK);
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE reason LIKE '%6f9619ff%'"), 0);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		proves(test_tables, "R276"),
		proves(test_every_command, ""),
		proves(test_every_command_in_an_empty_shop, ""),
		proves(test_every_button, ""),
		proves(test_strangers_see_nothing, "R276"),
		proves(test_panel_add, "B40"),
		proves(test_credentials_are_private, ""),
		proves(test_private_address_is_not_sold, "B49"),
		proves(test_public_address_is_sold_at_once, "R057"),
		proves(test_answers, "R149"),
		proves(test_renewals_restart, ""),
		proves(test_second_press, "R281"),
		proves(test_every_dangerous_act_asks, "R281"),
		proves(test_panel_with_clients_is_kept_or_asked_about, "R144"),
		proves(test_panel_filled_meanwhile, ""),
		proves(test_subscription_is_changed, ""),
		proves(test_user_is_found, ""),
		proves(test_plan_add, "R181"),
		proves(test_trial_plan, ""),
		proves(test_suspense, "R213 B39"),
		proves(test_refund, ""),
		proves(test_stuck_order_says_why, ""),
		proves(test_settings, ""),
		proves(test_provider_key_typed, ""),
		proves(test_alerts_fold, "R128 R282 B48"),
		proves(test_alert_texts, ""),
		proves(test_taken_name_is_told, ""),
		proves(test_alert_chat, "R282"),
		proves(test_drift_is_decided, ""),
		proves(test_audit, ""),
	};

	for (size_t i = 0; i < countof(tests); i++) {
		tests[i].setup_func = set_up;
		tests[i].teardown_func = tear_down;
	}
	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
