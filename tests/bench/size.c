/* See size.h. Anna buys and renews; the simulated panel's inbound is full of others. */
#include "tests/bench/size.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "tests/bench/bench.h"
#include "tests/e2e/prepare.h"

#define MANY_CLIENTS 20000
#define INBOUND_PORT 20500

static const struct {
	const char *version, *prefix;
} panels[] = {
	{ "2.9.4", "size_a_" }, /* a client is written into the inbound's whole text */
	{ "3.6.0", "size_c_" }, /* clients have tables of their own; the inbound still shows them all */
};

#define WAIT(r, condition) \
	do { \
		int64_t until_us_ = clock_mono_us() + BENCH_RUN_MS_MAX * INT64_C(1000); \
		while (!(condition)) { \
			if (rig_is_over((r), until_us_)) \
				bench_broken((r), "never came: " #condition); \
			rig_turn((r), 5); \
		} \
	} while (0)

static void say(struct rig *r, int64_t user, const char *text)
{
	botapi_say(r->telegram, user, text);
	serve_changed(r->serve);
}

/* The newest message that has such a button. */
static const struct botapi_message *with_button(struct rig *r, int64_t user, const char *label, struct str *whole)
{
	for (size_t i = botapi_messages_count(r->telegram, user); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(r->telegram, user, i);

		for (size_t b = 0; m->from_bot && !m->deleted && b < m->buttons_count; b++)
			if (str_has(m->buttons[b].text, label)) {
				*whole = m->buttons[b].text;
				return m;
			}
	}
	return NULL;
}

static void tap(struct rig *r, int64_t user, const char *label)
{
	const struct botapi_message *m;
	struct arena arena = { 0 };
	struct str whole;

	WAIT(r, (m = with_button(r, user, label, &whole)) != NULL);
	botapi_tap(r->telegram, user, m->id, str_dup(&arena, whole));
	serve_changed(r->serve);
	arena_release(&arena);
}

static const struct botapi_message *bill(struct rig *r, int64_t user)
{
	const struct botapi_message *m = botapi_last(r->telegram, user);

	return m && m->invoice_stars ? m : NULL;
}

static void pay(struct rig *r, int64_t user)
{
	tap(r, user, "Telegram Stars");
	WAIT(r, bill(r, user));
	botapi_pay(r->telegram, user, bill(r, user)->id);
	serve_changed(r->serve);
}

static void buy_and_renew(struct rig *r)
{
	int64_t anna = botapi_user_new(r->telegram, "Anna", NULL, "en");

	say(r, anna, "/plans");
	tap(r, anna, "Month");
	pay(r, anna);
	WAIT(r, botapi_find_text(r->telegram, anna, "vless://"));
	say(r, anna, "/renew");
	WAIT(r, botapi_find_text(r->telegram, anna, "Renew Month for")); /* older messages have such buttons too */
	pay(r, anna);
	WAIT(r, rig_number(r, "SELECT count(*) FROM orders WHERE state='delivered'") == 2);
	WAIT(r, rig_number(r, "SELECT count(*) FROM outbox") == 0);
}

struct cost {
	double peak_mb;
	struct bench_loop loop;
};

static struct cost sell_beside(const char *version, size_t clients)
{
	struct rig *r = bench_rig(&(struct rig_options){ .versions = { version } });
	struct cost cost;

	r->panels[0].inbound_id = panel_sim_seed(r->panels[0].sim, "vless", INBOUND_PORT, "other", clients);
	prepare_shop(r);
	rig_start(r);
	WAIT(r, rig_logged(r, "telegram.ready"));
	buy_and_renew(r);
	cost = (struct cost){ bench_peak_mb(r), bench_loop(r) };
	if (rig_stop(r) != 0)
		bench_broken(r, "did not end well");
	rig_free(r);
	return cost;
}

void size_run(struct json_out *j)
{
	for (size_t i = 0; i < countof(panels); i++) {
		struct cost one = sell_beside(panels[i].version, 1), many = sell_beside(panels[i].version, MANY_CLIENTS);

		printf("size   %s, %d clients: %.1f MB, %.1f MB more than beside one  largest turn %.1f ms (CPU %.1f, commit %.1f)\n", panels[i].version,
			MANY_CLIENTS, many.peak_mb, many.peak_mb - one.peak_mb, many.loop.largest_turn_ms, many.loop.largest_turn_cpu_ms, many.loop.largest_commit_ms);
		fflush(stdout);
		bench_put(j, panels[i].prefix, "more_mb", many.peak_mb - one.peak_mb);
		bench_put(j, panels[i].prefix, "largest_turn_ms", many.loop.largest_turn_ms);
		bench_put(j, panels[i].prefix, "largest_turn_cpu_ms", many.loop.largest_turn_cpu_ms);
		bench_put(j, panels[i].prefix, "largest_commit_ms", many.loop.largest_commit_ms);
	}
}
