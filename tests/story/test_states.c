/* What a subscription's screen says of it, in both languages: each state as it really comes about. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <string.h>

#include "bot/shop/plan.h"
#include "lib/base/clock.h"
#include "tests/story/world.h"

enum shown { ACTIVE, DISABLED, LIMITED, EXPIRED, HELD };

static const struct { const char *language, *card[5]; } words[] = {
	{ "English", { "Month – active", "Month – switched off", "Month – traffic used up", "Month – ended", "Month – on hold" } },
	{ "Русский", { "Month – работает", "Month – отключена", "Month – трафик исчерпан", "Month – закончилась", "Month – приостановлена" } },
};

struct seen {
	struct world *w;
	int64_t anna;
};

/* /my, read in one language and then in the other. */
static void assert_state(struct seen *s, enum shown shown)
{
	for (size_t i = countof(words); i-- > 0;) {
		const char *wanted = words[i].card[shown];
		struct str text;

		world_say(s->w, s->anna, "/language");
		world_tap(s->w, s->anna, words[i].language);
		world_say(s->w, s->anna, "/my");
		world_run(s->w, 5000);
		text = world_last(s->w, s->anna)->text;
		if (!str_is(str_cut(&text, '\n'), wanted))
			fail_msg("not \"%s\" but: %.*s", wanted, STR_ARG(world_last(s->w, s->anna)->text));
	}
}

/* The operator's switch in the panel's own page. */
static void switches_off(struct seen *s)
{
	struct world_client c = world_client_of(s->w, s->anna);
	struct sim_response r = { 0 };
	struct arena arena = { 0 };
	char path[160], json[1024];

	snprintf(path, sizeof path, "panel/api/clients/update/%s", c.email);
	snprintf(json, sizeof json, "{\"id\":\"%s\",\"email\":\"%s\",\"limitIp\":%lld,\"totalGB\":%lld,\"expiryTime\":%lld,\"enable\":false,\"tgId\":%lld,"
		"\"subId\":\"%s\",\"comment\":\"\",\"reset\":%lld,\"flow\":\"\"}", c.uuid, c.email, (long long)c.at.limit_ip, (long long)c.at.total_bytes,
		(long long)c.at.expiry_ms, (long long)c.at.tg_id, c.sub_id, (long long)c.at.reset_days);
	panel_sim_operator(s->w->panels[0].sim, HTTP_POST, path, str_of(json), &r, &arena);
	assert_true(str_has(r.body, "\"success\":true"));
	arena_release(&arena);
	world_run(s->w, 70 * MINUTE_MS);
}

static void test_states(void **state)
{
	struct seen s = { .w = world_new(NULL) };
	struct panel_sim *panel = s.w->panels[0].sim;

	(void)state;
	s.anna = world_customer(s.w, "Anna", "en");
	world_say(s.w, WORLD_ADMIN, "/start");
	world_say(s.w, s.anna, "/plans");
	world_tap(s.w, s.anna, "Month");
	world_tap(s.w, s.anna, "Telegram Stars");
	panel_sim_set_down(panel, true); /* between the invoice and the money */
	world_pay_invoice(s.w, s.anna);
	world_run(s.w, 30 * MINUTE_MS);
	assert_int_equal(world_client_of(s.w, s.anna).n, 0);
	assert_state(&s, HELD);
	panel_sim_set_down(panel, false);
	world_run(s.w, 30 * MINUTE_MS);
	assert_int_equal(world_client_of(s.w, s.anna).n, 1);
	assert_state(&s, ACTIVE);

	assert_true(panel_sim_set_traffic(panel, world_client_of(s.w, s.anna).email, 0, 100 * GIB_BYTES));
	world_run(s.w, HOUR_MS);
	assert_false(world_client_of(s.w, s.anna).at.in_xray);
	assert_state(&s, LIMITED);
	world_renew(s.w, s.anna);
	assert_state(&s, ACTIVE);

	switches_off(&s); /* by hand: until the shop has decided, and then as it has */
	assert_state(&s, HELD);
	world_say(s.w, WORLD_ADMIN, "/health");
	world_tap(s.w, WORLD_ADMIN, "Keep it so");
	world_settle(s.w);
	assert_state(&s, DISABLED);

	world_free(s.w);
}

/* Over, and the days of grace too. */
static void test_expired(void **state)
{
	struct seen s = { .w = world_new(NULL) };

	(void)state;
	s.anna = world_customer(s.w, "Anna", "en");
	world_say(s.w, s.anna, "/start");
	world_buy(s.w, s.anna);
	assert_state(&s, ACTIVE);
	world_sleep(s.w, 32 * DAY_MS);
	world_run(s.w, 10 * MINUTE_MS);
	assert_false(world_client_of(s.w, s.anna).at.enable);
	assert_state(&s, EXPIRED);
	world_free(s.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_states, "R191"),
		proves(test_expired, "R191"),
	};

	return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
