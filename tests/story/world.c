/* See world.h. */
#include "tests/story/world.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/fleet/fleet.h"
#include "bot/schema.h"
#include "bot/shop/pay.h"
#include "bot/tables.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/rand.h"
#include "tests/sim/fresh.h"
#include "tests/story/operator.h"
#include "tests/unit/proves.h"

#define TURNS_STANDING_MAX 50000
#define STARTS_MAX 20
#define START_AGAIN_MS (5 * SECOND_MS)
#define LOG_BYTES_MAX ((size_t)64 * 1024 * 1024)

static struct world *living; /* steps have no context of their own */
static jmp_buf death;

static void keep_line(void *ctx, struct str line)
{
	struct world *w = ctx;
	bool inside = w->inside;

	w->inside = false;
	buf_add(&w->log, line);
	buf_addc(&w->log, '\n');
	if (getenv("TRACE"))
		fprintf(stderr, "%.*s\n", STR_ARG(line));
	w->inside = inside;
}

_Noreturn void world_dies(struct world *w)
{
	(void)w;
	longjmp(death, 1);
}

void world_dies_unknowing(struct world *w)
{
	w->dead = true;
	if (w->disk)
		disk_set_dead(w->disk, true);
	memnet_set_dead(w->net);
}

static void on_step(const char *name)
{
	struct world *w = living;

	if (!w->die_at || strcmp(name, w->die_at) != 0 || --w->die_countdown)
		return;
	w->die_at = NULL;
	world_dies(w);
}

/* --- life --- */

/* Simulators live in the network: while it waits, not the program's code runs but theirs. */
static int poll_outside(void *ctx, struct http_wait *extra, size_t extra_count, int timeout_ms)
{
	struct world *w = living;
	struct net net = memnet_net(w->net);
	bool inside = w->inside;
	int n;

	w->inside = false;
	n = net.poll(ctx, extra, extra_count, timeout_ms);
	w->inside = inside;
	return n;
}

static enum err try_start(struct world *w)
{
	struct core_setup setup = {
		.config = &w->config, .tables = &tables, .shared = &w->shared, .net = memnet_net(w->net),
		.api = { .base_url = WORLD_TELEGRAM, .token = BOTAPI_TOKEN }, .send_rate_per_s = w->config.send_rate_per_s, .no_checkpoints = !w->disk,
	};
	int64_t from;
	enum err e = db_open(&w->db, w->database, DB_WRITE, w->disk ? disk_vfs(w->disk) : NULL);

	if (!e)
		e = db_migrate(w->db, &from, schema_migrations, schema_migrations_count);
	if (!e && !w->disk)
		e = db_run(w->db, "PRAGMA synchronous=OFF"); /* the process dies here, not the machine */
	setup.db = w->db;
	setup.net.poll = poll_outside;
	w->shared = (struct shared){ .config = &w->config, .i18n = w->i18n, .key = &w->key };
	return e ? e : core_open(&w->core, &setup);
}

static bool started(struct world *w)
{
	enum err e;

	if (setjmp(death))
		return false;
	living = w;
	w->inside = true;
	e = try_start(w);
	w->inside = false;
	return !e && !w->dead;
}

/* Whoever starts it does so again a little later when that failed, as systemd does. */
void world_start(struct world *w)
{
	for (int tries = 1; !started(w); tries++) {
		if (tries == STARTS_MAX)
			fail_msg("it does not start");
		world_kill(w);
		memnet_advance_ms(w->net, START_AGAIN_MS);
	}
}

void world_stop(struct world *w)
{
	core_close(w->core);
	db_close(w->db);
	w->core = NULL;
	w->db = NULL;
}

static uint64_t draw(void *ctx)
{
	(void)ctx;
	return rand_u64();
}

/* What cannot be closed is left lying: the machine's memory is gone with the process, here the test's is larger. */
static void let_lie(struct world *w)
{
	w->core = NULL;
	w->db = NULL;
	w->broken = false;
}

void world_kill(struct world *w)
{
	w->inside = false;
	if (w->disk)
		disk_set_dead(w->disk, true);
	if (w->broken)
		let_lie(w);
	if (w->db)
		db_rollback(w->db);
	world_stop(w);
	memnet_kill(w->net, w->lose_requests);
	if (w->disk) {
		disk_end(w->disk, w->end, draw, NULL);
		disk_set_dead(w->disk, false);
	}
	w->dead = false;
	w->kills++;
}

void world_die_at(struct world *w, const char *step, int nth)
{
	w->die_at = step;
	w->die_countdown = nth;
}

void world_sleep(struct world *w, int64_t ms)
{
	world_stop(w);
	memnet_kill(w->net, false);
	memnet_advance_ms(w->net, ms);
	world_start(w);
	world_run(w, 1000);
}

/* A bot that wants to act at once and does not keeps the virtual clock where it is: the story fails, it does not hang. */
static void turn(struct world *w, int64_t until_ms)
{
	int64_t now_ms = memnet_now_ms(w->net), left_ms = until_ms - now_ms;

	core_turn(w->core, (int)(left_ms < DAY_MS ? left_ms : DAY_MS));
	w->standing = memnet_now_ms(w->net) == now_ms ? w->standing + 1 : 0;
	if (w->standing > TURNS_STANDING_MAX)
		fail_msg("the clock stands still: something is due and is not done");
}

/* False: it died. */
static bool lives_through_turn(struct world *w, int64_t until_ms)
{
	if (setjmp(death))
		return false;
	w->inside = true;
	turn(w, until_ms);
	w->inside = false;
	return !w->dead;
}

void world_run(struct world *w, int64_t ms)
{
	int64_t until_ms = memnet_now_ms(w->net) + ms;

	living = w;
	while (memnet_now_ms(w->net) < until_ms && core_exit_code(w->core) < 0)
		if (!lives_through_turn(w, until_ms)) {
			world_kill(w);
			world_start(w);
		}
}

void world_settle(struct world *w)
{
	int64_t limit_ms = memnet_now_ms(w->net) + HOUR_MS;

	do
		world_run(w, 500);
	while (memnet_now_ms(w->net) < limit_ms &&
		(!core_is_idle(w->core) || world_number(w, "SELECT count(*) FROM outbox WHERE state=0") ||
		world_number(w, "SELECT count(*) FROM jobs WHERE kind IN ('reconcile', 'pay_create', 'pay_refund') AND state<>2")));
}

/* --- people --- */

int64_t world_customer(struct world *w, const char *name, const char *language)
{
	char username[64];
	size_t n = 0;

	for (const char *p = name; *p && n < sizeof username - 1; p++)
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'))
			username[n++] = *p;
	username[n] = '\0';
	return botapi_user_new(w->telegram, name, n > 4 ? username : NULL, language);
}

void world_say(struct world *w, int64_t user, const char *text)
{
	botapi_say(w->telegram, user, text);
	world_run(w, 1000);
}

static bool has_label(const struct botapi_message *m, const char *label, struct str *whole)
{
	for (size_t i = 0; i < m->buttons_count; i++)
		if (str_has(m->buttons[i].text, label)) {
			*whole = m->buttons[i].text;
			return true;
		}
	return false;
}

bool world_try_tap(struct world *w, int64_t user, const char *label)
{
	for (size_t i = botapi_messages_count(w->telegram, user); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(w->telegram, user, i);
		struct arena arena = { 0 };
		struct str whole;

		if (!m->from_bot || m->deleted || !has_label(m, label, &whole))
			continue;
		assert_true(botapi_tap(w->telegram, user, m->id, str_dup(&arena, whole)) != 0);
		arena_release(&arena);
		world_run(w, 1000);
		return true;
	}
	return false;
}

void world_tap(struct world *w, int64_t user, const char *label)
{
	const struct botapi_message *m;
	struct str text;

	if (world_try_tap(w, user, label))
		return;
	m = world_last(w, user);
	text = m ? m->text : str_of("nothing");
	fail_msg("nobody shows %lld a button \"%s\"; the last message: %.*s", (long long)user, label, STR_ARG(text));
}

const struct botapi_message *world_last(struct world *w, int64_t user)
{
	return botapi_last(w->telegram, user);
}

bool world_sees(struct world *w, int64_t user, const char *part)
{
	return botapi_find_text(w->telegram, user, part) != NULL;
}

size_t world_count_seen(struct world *w, int64_t user, const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < botapi_messages_count(w->telegram, user); i++) {
		const struct botapi_message *m = botapi_message_at(w->telegram, user, i);

		n += m->from_bot && !m->deleted && str_has(m->text, part);
	}
	return n;
}

int world_pay_invoice(struct world *w, int64_t user)
{
	for (size_t i = botapi_messages_count(w->telegram, user); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(w->telegram, user, i);

		if (m->invoice_stars && !m->deleted) {
			int checkout = botapi_pay(w->telegram, user, m->id);

			world_run(w, 1000);
			return checkout;
		}
	}
	fail_msg("nobody asks %lld for Stars", (long long)user);
	return 0;
}

/* In whichever language the person reads. */
static bool offers(struct world *w, int64_t user, const char *label)
{
	const struct botapi_message *m = world_last(w, user);
	struct str whole;

	return m && has_label(m, label, &whole);
}

static size_t invoices(struct world *w, int64_t user)
{
	size_t n = 0;

	for (size_t i = 0; i < botapi_messages_count(w->telegram, user); i++)
		n += botapi_message_at(w->telegram, user, i)->invoice_stars && !botapi_message_at(w->telegram, user, i)->deleted;
	return n;
}

/* A query that nobody answers in time is refused by Telegram, and people press again. */
static void pays(struct world *w, int64_t user)
{
	for (int tries = 0; tries < 4; tries++) {
		int checkout = world_pay_invoice(w, user);

		for (int s = 0; s < 15 && botapi_checkout_state(w->telegram, checkout) == BOTAPI_CHECKOUT_WAITING; s++) {
			world_run(w, 1000);
			botapi_set_now(w->telegram, memnet_now_ms(w->net)); /* its own clock, too, when nobody asks it anything */
		}
		if (botapi_checkout_state(w->telegram, checkout) != BOTAPI_CHECKOUT_EXPIRED)
			break;
		world_run(w, 30000);
	}
	world_settle(w);
}

/* As people do it: what does not answer is asked again. The process may die and come back on the way. */
void world_buy(struct world *w, int64_t user)
{
	for (int tries = 0; tries < 3 && !offers(w, user, "Month"); tries++) {
		world_say(w, user, "/plans");
		world_run(w, 30000);
	}
	for (int tries = 0; tries < 3 && !invoices(w, user); tries++) {
		world_tap(w, user, offers(w, user, "Telegram Stars") ? "Telegram Stars" : "Month");
		world_run(w, 30000);
	}
	pays(w, user);
}

void world_pay_renewal(struct world *w, int64_t user)
{
	size_t before = invoices(w, user);

	for (int tries = 0; tries < 3 && invoices(w, user) == before; tries++) {
		world_tap(w, user, "Telegram Stars");
		world_run(w, 30000);
	}
	pays(w, user);
}

void world_renew(struct world *w, int64_t user)
{
	for (int tries = 0; tries < 3 && !offers(w, user, "Telegram Stars"); tries++) {
		world_say(w, user, "/renew");
		world_run(w, 30000);
	}
	world_pay_renewal(w, user);
}

/* --- panels --- */

struct adding {
	struct world_panel *p;
	const char *name, *host;
};

static enum err add_row(struct act *a, void *ctx)
{
	struct adding *adding = ctx;
	const bool http = true;
	const struct panel_given given = { .name = adding->name, .url = adding->p->origin, .username = "admin", .password = WORLD_SECRET,
		.host = adding->host, .allow_http = &http };
	enum err e = panel_add(&adding->p->panel_id, a, &given);

	return e ? e : panel_ask(a, adding->p->panel_id, ASK_TRIAL, WORLD_ADMIN);
}

static enum err sell(struct act *a, void *ctx)
{
	struct world_panel *p = ctx;

	return inbound_set_sale(a, p->panel_id, p->inbound_id, true, 0);
}

static void make_inbound(struct world *w, struct world_panel *p, const char *protocol)
{
	const struct world_inbound *in = &w->inbound;

	panel_sim_advance(p->sim, memnet_now_ms(w->net));
	p->inbound_id = operator_adds_inbound(p->sim, protocol, in->port ? in->port : 20443, in->settings, in->stream);
	assert_true(p->inbound_id != 0);
}

struct world_panel *world_serve_panel(struct world *w, const char *version, const char *protocol)
{
	struct world_panel *p = &w->panels[w->panels_count++];
	const struct panel_config config = { .user = "admin", .password = WORLD_SECRET };
	char sub[64];

	snprintf(p->origin, sizeof p->origin, "http://panel-%zu.test:2053", w->panels_count);
	snprintf(sub, sizeof sub, "http://panel-%zu.test:2096", w->panels_count);
	p->sim = panel_sim_new(version, &config);
	panel_sim_advance(p->sim, memnet_now_ms(w->net));
	memnet_serve(w->net, p->origin, 0, panel_sim_handle, p->sim);
	memnet_serve(w->net, sub, 1, panel_sim_handle, p->sim);
	make_inbound(w, p, protocol ? protocol : "vless");
	return p;
}

struct world_panel *world_add_panel(struct world *w, const char *version, const char *protocol)
{
	struct world_panel *p = world_serve_panel(w, version, protocol);
	char name[32];
	struct adding adding = { p, name, w->inbound.host ? w->inbound.host : "vpn.example.com" };

	snprintf(name, sizeof name, "Panel %zu", w->panels_count);
	assert_int_equal(core_do(w->core, add_row, &adding), OK);
	world_run(w, 5000);
	assert_int_equal(core_do(w->core, sell, p), OK);
	return p;
}

struct counting {
	int64_t telegram_id;
	size_t n;
};

static bool count_client(void *ctx, const struct panel_client_view *client)
{
	struct counting *c = ctx;

	c->n += client->tg_id == c->telegram_id;
	return true;
}

size_t world_clients_of(struct world *w, struct world_panel *p, int64_t telegram_id)
{
	struct counting c = { .telegram_id = telegram_id };

	(void)w;
	panel_sim_each_client(p->sim, 0, count_client, &c);
	return c.n;
}

struct finding {
	int64_t telegram_id;
	struct world_client found;
};

static void keep_text(char *out, size_t size, struct str text)
{
	snprintf(out, size, "%.*s", STR_ARG(text));
}

static bool keep_client(void *ctx, const struct panel_client_view *client)
{
	struct finding *f = ctx;

	if (client->tg_id != f->telegram_id)
		return true;
	f->found.n++;
	f->found.at = *client;
	keep_text(f->found.uuid, sizeof f->found.uuid, client->id);
	keep_text(f->found.sub_id, sizeof f->found.sub_id, client->sub_id);
	keep_text(f->found.email, sizeof f->found.email, client->email);
	keep_text(f->found.comment, sizeof f->found.comment, client->comment);
	return true;
}

struct world_client world_client_of(struct world *w, int64_t telegram_id)
{
	struct finding f = { .telegram_id = telegram_id };

	panel_sim_advance(w->panels[0].sim, memnet_now_ms(w->net));
	panel_sim_each_client(w->panels[0].sim, 0, keep_client, &f);
	return f.found;
}

int64_t world_number(struct world *w, const char *sql)
{
	int64_t n = 0;
	enum err e = db_get_i64(&n, w->db, sql);

	assert_true(e == OK || e == E_NOTFOUND);
	return n;
}

/* --- beginning and end --- */

static enum err add_plan(struct act *a, void *ctx)
{
	static char name[] = "Month";
	const struct plan plan = { .name = name, .days = *(const int *)ctx, .quota_bytes = 100 * GIB_BYTES, .limit_ip = 2, .on_sale = true,
		.prices = { { "XTR", 300 }, { "USDT", 5000000 } }, .prices_count = 2 };
	int64_t id;

	return plan_add(&id, a, &plan);
}

static void make_directory(struct world *w)
{
	snprintf(w->dir, sizeof w->dir, "/tmp/obol-world-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
}

struct world *world_new(const struct world_options *options)
{
	static const struct world_options usual = { .versions = { "3.6.0" } };
	struct world *w = xcalloc(1, sizeof *w);
	int plan_days = options && options->plan_days ? options->plan_days : 30;

	if (!options)
		options = &usual;
	living = w;
	w->inbound = options->inbound;
	w->disk = options->disk;
	if (!w->disk)
		make_directory(w);
	snprintf(w->database, sizeof w->database, "%s/obol.db", w->dir);
	buf_init(&w->log, LOG_BYTES_MAX);
	log_set_sink(keep_line, w);
	log_set_level("debug");
	log_add_secret(str_of(BOTAPI_TOKEN));
	w->net = memnet_new(WORLD_START_MS);
	w->telegram = botapi_new(NULL);
	botapi_set_now(w->telegram, WORLD_START_MS);
	memnet_serve(w->net, WORLD_TELEGRAM, 0, botapi_handle, w->telegram);
	w->cryptopay = cryptopay_sim_new(WORLD_CRYPTOPAY_TOKEN);
	memnet_serve(w->net, WORLD_CRYPTOPAY, 0, cryptopay_sim_handle, w->cryptopay);
	w->i18n = fresh_texts();
	if (!w->disk)
		fresh_database(w->database);
	seal_key_draw(&w->key);
	w->config = (struct config){ .bot_token = BOTAPI_TOKEN, .admins = { WORLD_ADMIN }, .admins_count = 1, .bot_api_url = WORLD_TELEGRAM,
		.send_rate_per_s = options->send_rate_per_s ? options->send_rate_per_s : 30, .database_path = w->database,
		.crypto_pay_token = options->crypto_pay ? WORLD_CRYPTOPAY_TOKEN : NULL, .crypto_pay_url = WORLD_CRYPTOPAY };
	botapi_user_add(w->telegram, WORLD_ADMIN, "Admin", "shop_admin", "en");
	tables_register();
	core_step = on_step;
	if (options->closed)
		return w;
	world_start(w);
	world_run(w, 1000);
	botapi_say(w->telegram, WORLD_ADMIN, "/start");
	world_run(w, 1000);
	for (size_t i = 0; i < WORLD_PANELS_MAX && options->versions[i]; i++)
		world_add_panel(w, options->versions[i], options->protocol);
	if (!options->no_plan)
		assert_int_equal(core_do(w->core, add_plan, &plan_days), OK);
	return w;
}

/* What customers alone hold is not written down in lines that others read. */
static void no_keys_in_log(struct world *w)
{
	struct arena arena = { 0 };
	struct db_rows r;

	db_select(&r, w->db, "SELECT uuid, sub_id, password FROM subscriptions");
	while (db_next(&r))
		for (int i = 0; i < 3; i++)
			if (str_has(buf_str(&w->log), db_text(&r, i, &arena)))
				fail_msg("the log holds a key: %s", db_text(&r, i, &arena));
	assert_int_equal(db_end(&r), OK);
	assert_false(str_has(buf_str(&w->log), "vless://"));
	arena_release(&arena);
}

/* The journal may still hold what was overwritten since: what counts is what is left once it was folded in. */
static void disk_tells_nothing(struct world *w)
{
	int64_t left;

	assert_int_equal(db_checkpoint(w->db, true, &left), OK);
	assert_false(disk_holds(w->disk, str_of(WORLD_SECRET)));
	assert_false(disk_holds(w->disk, str_of(WORLD_CRYPTOPAY_TOKEN)));
}

/* Sealed things stand nowhere in clear: not in the database, its journal, the log, or any chat. */
static void nothing_leaked(struct world *w)
{
	static const char *const files[] = { "obol.db", "obol.db-wal" };
	struct arena arena = { 0 };

	if (w->disk)
		disk_tells_nothing(w);

	assert_false(str_has(buf_str(&w->log), WORLD_SECRET));
	assert_false(str_has(buf_str(&w->log), WORLD_CRYPTOPAY_TOKEN));
	assert_false(str_has(buf_str(&w->log), BOTAPI_TOKEN));
	for (size_t i = 0; i < botapi_calls(w->telegram, NULL); i++) {
		struct str said = botapi_call_nth(w->telegram, NULL, i)->payload;

		assert_false(str_has(said, WORLD_SECRET) || str_has(said, BOTAPI_TOKEN) || str_has(said, "3x-ui="));
	}
	for (size_t i = 0; !w->disk && i < countof(files); i++) {
		FILE *f = fopen(arena_printf(&arena, "%s/%s", w->dir, files[i]), "rb");
		static char bytes[16 << 20];
		size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;

		assert_null(memmem(bytes, n, WORLD_SECRET, strlen(WORLD_SECRET)));
		if (!w->kills) /* after an unclean stop a message waits raw until it is decided, whatever was typed in it */
			assert_null(memmem(bytes, n, WORLD_CRYPTOPAY_TOKEN, strlen(WORLD_CRYPTOPAY_TOKEN)));
		if (f)
			fclose(f);
	}
	arena_release(&arena);
}

static enum err check_ledger(struct act *a, void *ctx)
{
	bool balanced = false;
	enum err e = ledger_check(a, &balanced);

	(void)ctx;
	assert_true(balanced);
	return e;
}

void world_check(struct world *w)
{
	assert_int_equal(core_do(w->core, check_ledger, NULL), OK);
	/* one delivery per payment that was applied, and none without */
	assert_int_equal(world_number(w, "SELECT count(*) FROM (SELECT order_id FROM payments WHERE state='applied' GROUP BY order_id HAVING count(*)>1)"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders o WHERE o.kind IN ('new', 'renew') AND o.state IN ('paid', 'delivered')"
		" AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id=o.id AND p.state IN ('applied', 'refunding'))"), 0);
	for (size_t i = 0; i < w->panels_count; i++)
		assert_int_equal(panel_sim_races(w->panels[i].sim), 0);
	assert_int_equal(i18n_faults(), 0);
	no_keys_in_log(w);
	nothing_leaked(w);
}

void world_free(struct world *w)
{
	char command[128];

	if (w->core) {
		world_check(w);
		world_stop(w);
	}
	core_step = NULL;
	log_set_sink(NULL, NULL);
	log_set_level("info");
	for (size_t i = 0; i < w->panels_count; i++)
		panel_sim_free(w->panels[i].sim);
	cryptopay_sim_free(w->cryptopay);
	botapi_free(w->telegram);
	memnet_free(w->net);
	buf_release(&w->log);
	snprintf(command, sizeof command, "rm -rf %s", w->dir);
	if (!w->disk && system(command) != 0)
		fprintf(stderr, "left behind: %s\n", w->dir);
	free(w);
	living = NULL;
}
