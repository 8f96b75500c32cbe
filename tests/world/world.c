/* A world from its seed to its last check. */
#include "tests/world/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot/fleet/fleet.h"
#include "bot/shop/plan.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "tests/story/operator.h"

#define LOG_BYTES_MAX ((size_t)256 << 20)
#define LONG_EVERY 50
#define NARROW_EVERY 4
#define UNREACHABLE_EVERY 5
#define PLAIN_DISK_EVERY 100

/* --- the history --- */

static void keep_line(void *ctx, struct str line)
{
	struct world *w = ctx;

	for (size_t i = 0; i < line.len; i++)
		w->history = (w->history ^ (unsigned char)line.at[i]) * UINT64_C(0x100000001B3);
	buf_add(&w->log, line);
	buf_addc(&w->log, '\n');
	if (w->trace)
		fprintf(stderr, "%.*s\n", STR_ARG(line));
}

void world_tell(struct world *w, const char *format, ...)
{
	char text[512];
	int64_t ms = world_now_ms(w) - WORLD_START_MS;
	int n = snprintf(text, sizeof text, "day %lld %02lld:%02lld:%02lld  ", (long long)(ms / DAY_MS), (long long)(ms / HOUR_MS % 24), (long long)(ms / MINUTE_MS % 60), (long long)(ms / SECOND_MS % 60));
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, sizeof text - (size_t)n, format, args);
	va_end(args);
	keep_line(w, str_of(text));
}

void world_broken(struct world *w, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	w->failures++;
	world_tell(w, "BROKEN: %s", text);
}

int64_t world_now_ms(const struct world *w)
{
	return memnet_now_ms(w->net);
}

int64_t world_number_list(struct world *w, const char *sql, const struct db_arg *args, size_t count)
{
	bool acts = w->acts; /* it is asked in the middle of a turn, too */
	int64_t n = 0;
	enum err e;

	if (!w->core)
		return 0;
	w->acts = false;
	e = db_get_i64_list(&n, w->db, sql, args, count);
	w->acts = acts;
	if (e && e != E_NOTFOUND && !w->dead)
		world_broken(w, "it cannot be asked (%s): %s", err_name(e), sql);
	return e ? 0 : n;
}

bool world_any(char *out, size_t size, struct world *w, const char *sql, const char *state)
{
	char text[320];
	struct db_rows r;

	out[0] = '\0';
	/* what is bound must stand somewhere */
	snprintf(text, sizeof text, "%s AND ?2=?2 ORDER BY id*?1%%1009 LIMIT 1", sql);
	db_select(&r, w->db, text, luck_between(&w->luck, 1, 1008), state);
	while (db_next(&r))
		snprintf(out, size, "%.*s", STR_ARG(db_str(&r, 0)));
	return db_end(&r) == OK && out[0];
}

int64_t world_later(struct world *w, int64_t low_ms, int64_t high_ms)
{
	int64_t at_ms = world_now_ms(w) + luck_length(&w->luck, low_ms, high_ms), hours_ms = w->climate.stride_ms;

	return (at_ms / hours_ms + 1) * hours_ms + luck_below(&w->luck, 2 * MINUTE_MS);
}

struct actor *world_actor(struct world *w, void (*act)(struct world *w, struct actor *self), int64_t number, int64_t first_ms)
{
	struct actor *a = &w->actors[w->actors_count++];

	*a = (struct actor){ .next_ms = first_ms, .act = act, .number = number };
	return a;
}

/* --- what the shop begins with --- */

struct adding {
	struct world_panel *p;
};

static enum err add_row(struct act *a, void *ctx)
{
	struct adding *adding = ctx;
	const bool http = true;
	const struct panel_given given = { .name = adding->p->name, .url = adding->p->origin, .username = "admin", .password = WORLD_SECRET,
		.host = "vpn.example.com", .allow_http = &http };
	enum err e = panel_add(&adding->p->panel_id, a, &given);

	return e ? e : panel_ask(a, adding->p->panel_id, ASK_TRIAL, WORLD_ADMIN);
}

static enum err sell(struct act *a, void *ctx)
{
	struct world_panel *p = ctx;

	return inbound_set_sale(a, p->panel_id, p->inbound_id, true, (int)p->places);
}

/* Clients of somebody else's in the same inbound: they must stay as they are. */
static void add_guests(struct world_panel *p)
{
	for (int i = 0; i < WORLD_GUESTS; i++) {
		char email[32], id[48], sub_id[32], password[] = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=";
		struct panel_client_view guest = { .inbound_id = p->inbound_id, .enable = true };

		snprintf(email, sizeof email, WORLD_GUEST "%d", i);
		snprintf(id, sizeof id, "6f1c2a52-0d0e-4c1b-9a55-00000000000%d", i);
		snprintf(sub_id, sizeof sub_id, "guestsub%d", i);
		password[0] = (char)('A' + i); /* 3.1.0 takes two with one key, and no write ever after */
		guest.password = str_of(password);
		guest.email = str_of(email);
		guest.id = str_of(id);
		guest.sub_id = str_of(sub_id);
		if (!operator_adds_client(p->sim, p->version, &guest, "a friend"))
			abort();
	}
}

static int64_t panel_by_name(struct world *w, const struct world_panel *p)
{
	return world_number(w, "SELECT id FROM panels WHERE deleted_ms=0 AND name=?1", (const char *)p->name);
}

bool world_add_panel(struct world *w, struct world_panel *p)
{
	struct adding adding = { .p = p };
	int64_t before = p->panel_id, there = panel_by_name(w, p);

	if (!there && !life_do(w, add_row, &adding)) {
		p->panel_id = before; /* or it was added and nobody knows: the next time it is found */
		return false;
	}
	if (there)
		p->panel_id = there;
	life_run(w, world_now_ms(w) + 5 * SECOND_MS);
	world_sell(w, p);
	return true;
}

void world_sell(struct world *w, struct world_panel *p)
{
	life_do(w, sell, p);
}

static void open_panel(struct world *w)
{
	static const char *const versions[] = { "2.8.5", "2.9.4", "3.0.2", "3.1.0", "3.6.0", "3.6.0" };
	static const char *const protocols[] = { "vless", "vless", "vmess", "trojan", "shadowsocks" };
	const struct panel_config config = { .user = "admin", .password = WORLD_SECRET };
	struct world_panel *p = &w->panels[w->panels_count++];
	char sub[64];

	p->version = versions[luck_below(&w->luck, (int64_t)countof(versions))];
	snprintf(p->name, sizeof p->name, "Panel %zu", w->panels_count);
	snprintf(p->origin, sizeof p->origin, "http://panel-%zu.test:2053", w->panels_count);
	snprintf(sub, sizeof sub, "http://panel-%zu.test:2096", w->panels_count);
	p->sim = panel_sim_new(p->version, &config);
	panel_sim_advance(p->sim, world_now_ms(w));
	memnet_serve(w->net, p->origin, 0, panel_sim_handle, p->sim);
	memnet_serve(w->net, sub, 1, panel_sim_handle, p->sim);
	p->inbound_id = operator_adds_inbound(p->sim, protocols[luck_below(&w->luck, (int64_t)countof(protocols))], 20443, NULL, NULL);
	add_guests(p);
	p->places = world_is_narrow(w->seed) ? WORLD_GUESTS + luck_length(&w->luck, 1, 24) : 0;
	world_add_panel(w, p);
	world_tell(w, "%s is a %s", p->name, p->version);
}

static enum err add_plans(struct act *a, void *ctx)
{
	struct world *w = ctx;
	static char month[] = "Month", week[] = "Week", taste[] = "Taste", ever[] = "Ever";
	const struct plan plans[] = {
		{ .name = month, .days = 30, .quota_bytes = 100 * GIB_BYTES, .limit_ip = 2, .on_sale = true, .prices = { { "XTR", 300 }, { "USDT", 5000000 } }, .prices_count = 2 },
		{ .name = week, .days = (int)luck_between(&w->luck, 1, 7), .quota_bytes = luck_has(&w->luck, 5000) ? 20 * GIB_BYTES : 0, .on_sale = true,
			.prices = { { "XTR", 90 }, { "USDT", 1500000 } }, .prices_count = 2 },
		{ .name = taste, .days = 1, .quota_bytes = GIB_BYTES, .limit_ip = 1, .on_sale = true, .trial = true },
		{ .name = ever, .days = 0, .quota_bytes = 500 * GIB_BYTES, .on_sale = true, .prices = { { "XTR", 900 }, { "USDT", 15000000 } }, .prices_count = 2 },
	};
	size_t count = countof(plans) - !luck_has(&w->luck, 3000); /* the last one is not sold everywhere */
	int64_t id;
	enum err e = OK;

	for (size_t i = 0; !e && i < count; i++)
		e = plan_add(&id, a, &plans[i]);
	return e;
}

static void open_shop(struct world *w)
{
	size_t panels = (size_t)(world_is_long(w->seed) ? 5 : luck_between(&w->luck, 1, 4));

	life_run(w, world_now_ms(w) + SECOND_MS);
	botapi_say(w->telegram, WORLD_ADMIN, "/start");
	life_run(w, world_now_ms(w) + SECOND_MS);
	while (panels--)
		open_panel(w);
	life_do(w, add_plans, w);
}

/* --- beginning --- */

static void draw_climate(struct world *w)
{
	static const int64_t network[] = { 0, 30, 100, 300, 600 }, sick[] = { 0, 2000, 5000, 8000 }, hands[] = { 0, 500, 2000 };
	struct luck *l = &w->luck;

	w->climate.network = network[luck_below(l, (int64_t)countof(network))];
	w->had_trouble = w->climate.network > 0;
	w->climate.sick = sick[luck_below(l, (int64_t)countof(sick))];
	w->climate.hands = hands[luck_below(l, (int64_t)countof(hands))];
	w->climate.deaths_ms = luck_has(l, 7500) ? luck_length(l, 6 * HOUR_MS, 4 * DAY_MS) : 0;
	w->climate.disk = luck_has(l, 4000) ? luck_between(l, 500, 6000) : 0;
	w->climate.store = luck_has(l, 4000) ? luck_between(l, 20, 400) : 0;
	w->climate.stride_ms = luck_has(l, 1000) ? luck_between(l, HOUR_MS, 4 * HOUR_MS) : luck_between(l, 5 * HOUR_MS, 16 * HOUR_MS);
}

bool world_is_long(uint64_t seed)
{
	return seed % LONG_EVERY == 0;
}

bool world_is_narrow(uint64_t seed)
{
	return seed % NARROW_EVERY == 3;
}

bool world_is_unreachable(uint64_t seed)
{
	return seed % UNREACHABLE_EVERY == 2;
}

bool world_has_plain_disk(uint64_t seed)
{
	return seed % PLAIN_DISK_EVERY == 51;
}

struct world *world_new(uint64_t seed, const struct i18n *i18n, bool trace, bool real_file)
{
	struct world *w = xcalloc(1, sizeof *w);
	bool is_long = world_is_long(seed);
	int64_t days;

	w->seed = seed;
	w->luck.state = seed * UINT64_C(0xD1342543DE82EF95);
	w->program.state = ~seed * UINT64_C(0xD1342543DE82EF95);
	w->trace = trace;
	w->plain_disk = world_has_plain_disk(seed);
	w->real_file = real_file;
	w->i18n = i18n;
	w->history = UINT64_C(0xCBF29CE484222325);
	buf_init(&w->log, LOG_BYTES_MAX);
	buf_init(&w->given_up, LOG_BYTES_MAX);
	log_set_sink(keep_line, w);
	draw_climate(w);
	if (is_long && w->climate.deaths_ms) /* two hundred people give trouble enough */
		w->climate.deaths_ms = DAY_MS;
	if (is_long)
		w->climate.stride_ms = 16 * HOUR_MS;
	days = is_long ? 21 : luck_length(&w->luck, 3, 20);
	w->people_count = is_long ? 200 : (size_t)luck_length(&w->luck, 8, 40);
	w->calm_ms = WORLD_START_MS + days * DAY_MS;
	w->ends_ms = w->calm_ms + 2 * DAY_MS;
	snprintf(w->dir, sizeof w->dir, "/tmp/obol-world-XXXXXX");
	if (w->real_file && !mkdtemp(w->dir))
		abort();
	snprintf(w->path, sizeof w->path, "%s/obol.db", w->real_file ? w->dir : "");
	w->net = memnet_new(WORLD_START_MS);
	w->server = memserver_new();
	w->telegram = botapi_new(NULL);
	botapi_set_now(w->telegram, WORLD_START_MS);
	memnet_serve(w->net, WORLD_TELEGRAM, 0, botapi_handle, w->telegram);
	w->cryptopay = cryptopay_sim_new(WORLD_CRYPTOPAY_TOKEN);
	memnet_serve(w->net, WORLD_CRYPTOPAY, 0, cryptopay_sim_handle, w->cryptopay);
	w->config = (struct config){ .bot_token = BOTAPI_TOKEN, .admins = { WORLD_ADMIN }, .admins_count = 1, .bot_api_url = WORLD_TELEGRAM,
		.send_rate_per_s = 30, .database_path = w->path, .crypto_pay_token = WORLD_CRYPTOPAY_TOKEN, .crypto_pay_url = WORLD_CRYPTOPAY };
	botapi_user_add(w->telegram, WORLD_ADMIN, "Admin", "shop_admin", "en");
	life_open(w);
	seal_key_draw(&w->key);
	return w;
}

/* --- living --- */

static struct actor *next_actor(struct world *w)
{
	struct actor *next = &w->actors[0];

	for (size_t i = 1; i < w->actors_count; i++)
		if (w->actors[i].next_ms < next->next_ms)
			next = &w->actors[i];
	return next;
}

static void live_until(struct world *w, int64_t until_ms)
{
	for (;;) {
		struct actor *a = next_actor(w);

		if (a->next_ms >= until_ms)
			break;
		life_run(w, a->next_ms);
		if (w->failures)
			return;
		botapi_set_now(w->telegram, world_now_ms(w));
		a->act(w, a);
	}
	life_run(w, until_ms);
}

void world_live(struct world *w)
{
	open_shop(w);
	people_open(w);
	provider_open(w);
	staff_open(w);
	operators_open(w);
	weather_open(w);
	life_add_actor(w);
	live_until(w, w->calm_ms);
	world_tell(w, "from here on nothing goes wrong");
	life_calm(w);
	weather_calm(w);
	people_calm(w);
	w->actors_count = 0;
	provider_goes_on(w);
	staff_calm(w);
	live_until(w, w->ends_ms);
	if (!w->failures)
		truth_check(w);
	life_stop(w);
}

void world_free(struct world *w)
{
	life_close(w);
	log_set_sink(NULL, NULL);
	for (size_t i = 0; i < w->panels_count; i++) {
		panel_sim_free(w->panels[i].sim);
		free(w->panels[i].backup);
	}
	cryptopay_sim_free(w->cryptopay);
	botapi_free(w->telegram);
	memserver_free(w->server);
	memnet_free(w->net);
	buf_release(&w->log);
	buf_release(&w->given_up);
	if (w->real_file) {
		char command[128];

		snprintf(command, sizeof command, "rm -rf %s", w->dir);
		if (system(command) != 0)
			fprintf(stderr, "left behind: %s\n", w->dir);
	}
	free(w);
}
