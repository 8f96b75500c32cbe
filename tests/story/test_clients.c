/* What admins do with clients: ask what a panel has of one, where it connected from; give a plan to many at once. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/shop/plan.h"
#include "lib/base/clock.h"
#include "tests/story/world.h"

#define NBSP "\xC2\xA0"
#define FROM_HOME "203.0.113.7"
#define FROM_TRAIN "2001:db8::5"

static int64_t buyer(struct world *w, const char *name)
{
	int64_t id = world_customer(w, name, "en");

	world_say(w, id, "/start");
	world_buy(w, id);
	return id;
}

/* From the customer's card to the subscription's, to the button; until the panel has answered. */
static void asks(struct world *w, int64_t customer, const char *label)
{
	char line[64];

	snprintf(line, sizeof line, "/user %lld", (long long)customer);
	world_say(w, WORLD_ADMIN, line);
	world_tap(w, WORLD_ADMIN, "Month");
	world_tap(w, WORLD_ADMIN, label);
	world_run(w, 5000);
}

static bool newest_says(struct world *w, const char *part)
{
	return str_has(world_last(w, WORLD_ADMIN)->text, part);
}

/* --- not there is not "nothing used" (R054) --- */

static void removed_by_hand(struct world *w, const struct world_client *c)
{
	struct panel_sim *sim = w->panels[0].sim;
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };

	panel_sim_operator(sim, HTTP_POST, arena_printf(&arena, "panel/api/inbounds/%lld/delClient/%s", (long long)w->panels[0].inbound_id, c->uuid), STR(""), &r, &arena);
	panel_sim_operator(sim, HTTP_POST, arena_printf(&arena, "panel/api/clients/del/%s", c->email), STR(""), &r, &arena);
	arena_release(&arena);
}

static void test_unknown_client(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.0.2", "3.1.0", "3.6.0" };
	static const struct panel_rule no_adds[] = {
		{ .route = "addClient", .fault = PANEL_REFUSE, .text = "not now" }, { .route = "clients/add", .fault = PANEL_REFUSE, .text = "not now" },
	};

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world *w = world_new(&(struct world_options){ .versions = { versions[i] } });
		int64_t anna, seen_ms;
		struct world_client c;

		buyer(w, "Boris"); /* old panels keep the last client of an inbound */
		anna = buyer(w, "Anna");
		c = world_client_of(w, anna);
		assert_true(panel_sim_set_traffic(w->panels[0].sim, c.email, 3 * GIB_BYTES, 4 * GIB_BYTES));
		world_run(w, HOUR_MS);
		assert_int_equal(world_number(w, "SELECT used_bytes FROM subscriptions WHERE id=2"), 7 * GIB_BYTES);
		seen_ms = world_number(w, "SELECT used_seen_ms FROM subscriptions WHERE id=2");
		asks(w, anna, "Ask the panel");
		assert_true(newest_says(w, "Used: 7" NBSP "GB"));

		for (size_t k = 0; k < countof(no_adds); k++)
			panel_sim_add_rule(w->panels[0].sim, &no_adds[k]);
		removed_by_hand(w, &c);
		assert_int_equal(world_client_of(w, anna).n, 0);
		asks(w, anna, "Ask the panel");
		if (!newest_says(w, "Not found") || newest_says(w, "Used") || newest_says(w, "no answer"))
			fail_msg("%s: %.*s", versions[i], STR_ARG(world_last(w, WORLD_ADMIN)->text));
		world_run(w, 2 * HOUR_MS); /* looks find nothing, again and again */
		world_say(w, anna, "/my");
		world_run(w, 5000);
		assert_true(world_sees(w, anna, "was not found on its server"));
		assert_true(world_sees(w, anna, "Used: 7" NBSP "GB of 100" NBSP "GB"));
		assert_int_equal(world_number(w, "SELECT used_bytes FROM subscriptions WHERE id=2"), 7 * GIB_BYTES);
		assert_int_equal(world_number(w, "SELECT used_seen_ms FROM subscriptions WHERE id=2"), seen_ms);
		assert_int_equal(world_number(w, "SELECT seen_up_bytes+seen_down_bytes FROM accesses WHERE subscription_id=2"), 7 * GIB_BYTES);
		assert_int_equal(world_number(w, "SELECT failures FROM panels"), 0); /* nor is it an error */

		panel_sim_clear_rules(w->panels[0].sim);
		world_run(w, 2 * HOUR_MS);
		assert_int_equal(world_client_of(w, anna).n, 1);
		world_say(w, anna, "/my");
		world_run(w, 5000);
		assert_false(str_has(world_last(w, anna)->text, "was not found"));
		world_free(w);
	}
}

/* A name that nobody has, neither here nor there. */
static void test_unknown_name(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	buyer(w, "Anna");
	world_say(w, WORLD_ADMIN, "/user nobody_at_all");
	assert_true(newest_says(w, "Found nobody"));
	assert_int_equal(world_number(w, "SELECT count(*) FROM users"), 2);
	assert_int_equal(world_number(w, "SELECT count(*) FROM accesses"), 1);
	world_free(w);
}

/* --- where it connected from (R058, R059) --- */

/* One version each of: addresses in a text, with seconds in a text, a list of texts, a list of objects. */
static const struct { const char *version; bool has_times; } shapes[] = { { "2.8.5", false }, { "2.8.10", true }, { "3.0.2", true }, { "3.1.0", true }, { "3.6.0", true } };

static void connects(struct world *w, const char *email)
{
	panel_sim_saw_ip(w->panels[0].sim, email, FROM_HOME, WORLD_START_MS);
	panel_sim_saw_ip(w->panels[0].sim, email, FROM_TRAIN, WORLD_START_MS + MINUTE_MS);
	panel_sim_saw_ip(w->panels[0].sim, "somebody-else", "198.51.100.1", WORLD_START_MS);
}

/* Whatever is kept or written down. */
static void assert_confidential(struct world *w)
{
	assert_false(str_has(buf_str(&w->log), FROM_HOME));
	assert_int_equal(world_number(w, "SELECT count(*) FROM panel_log WHERE instr(call || coalesce(note, ''), '" FROM_HOME "')"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM audit WHERE instr(coalesce(detail, '') || coalesce(reason, ''), '" FROM_HOME "')"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM audit WHERE action='client.ips'"), 2); /* but that somebody looked is */
	assert_int_equal(world_number(w, "SELECT count(*) FROM outbox"), 0);
}

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(shapes); i++) {
		struct world *w = world_new(&(struct world_options){ .versions = { shapes[i].version } });
		int64_t anna = buyer(w, "Anna");
		const char *home = shapes[i].has_times ? FROM_HOME " – 2026-11-02 09:33:20\n" : FROM_HOME "\n";
		struct str text;

		asks(w, anna, "IP addresses");
		assert_true(newest_says(w, "Connected from: none"));
		connects(w, world_client_of(w, anna).email);
		asks(w, anna, "IP addresses");
		text = world_last(w, WORLD_ADMIN)->text;
		if (!str_has(text, home) || !str_has(text, FROM_TRAIN) || str_has(text, "198.51.100.1") || str_has(text, "none"))
			fail_msg("%s: %.*s", shapes[i].version, STR_ARG(text));
		assert_false(world_sees(w, anna, FROM_HOME));
		world_settle(w);
		assert_confidential(w);
		world_free(w);
	}
}

/* An admin no more when the answer comes: it is not for this chat any more. */
static void test_addresses_for_admins_only(void **state)
{
	(void)state;
	for (int is_admin = 0; is_admin < 2; is_admin++) {
		struct world *w = world_new(&(struct world_options){ .versions = { "3.6.0" } });
		int64_t anna = buyer(w, "Anna");

		connects(w, world_client_of(w, anna).email);
		memnet_set_down(w->net, w->panels[0].origin, true); /* refused: asked again soon */
		asks(w, anna, "IP addresses");
		if (!is_admin) {
			w->config.admins_count = 0;
			assert_int_equal(db_run(w->db, "UPDATE users SET is_admin=0"), OK);
		}
		memnet_set_down(w->net, w->panels[0].origin, false);
		world_run(w, MINUTE_MS);
		assert_int_equal(world_sees(w, WORLD_ADMIN, FROM_HOME), is_admin);
		world_free(w);
	}
}

static size_t clears(struct world *w)
{
	return panel_sim_count(w->panels[0].sim, "clearClientIps") + panel_sim_count(w->panels[0].sim, "clearIps");
}

static void test_addresses_are_cleared(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(shapes); i++) {
		struct world *w = world_new(&(struct world_options){ .versions = { shapes[i].version } });
		int64_t anna = buyer(w, "Anna");
		struct world_client c = world_client_of(w, anna);

		connects(w, c.email);
		asks(w, anna, "IP addresses");
		world_tap(w, WORLD_ADMIN, "Clear the addresses");
		assert_true(world_sees(w, WORLD_ADMIN, "the list cannot be brought back"));
		world_settle(w);
		assert_int_equal(clears(w), 0);
		world_tap(w, WORLD_ADMIN, "No");
		world_settle(w);
		assert_int_equal(clears(w), 0);
		assert_int_equal(panel_sim_count_ips(w->panels[0].sim, c.email), 2);

		asks(w, anna, "IP addresses");
		world_tap(w, WORLD_ADMIN, "Clear the addresses");
		world_tap(w, WORLD_ADMIN, "Yes");
		world_settle(w);
		assert_int_equal(clears(w), 1);
		assert_int_equal(panel_sim_count_ips(w->panels[0].sim, c.email), 0);
		assert_int_equal(panel_sim_count_ips(w->panels[0].sim, "somebody-else"), 1);
		assert_true(newest_says(w, "Connected from: none"));
		assert_int_equal(world_number(w, "SELECT count(*) FROM audit WHERE action='client.ips_clear'"), 1);
		world_free(w);
	}
}

/* --- a plan for several people (R055) --- */

#define PEOPLE 9

/* "/grant ID ID …", and in the middle what else it holds. */
static const char *grant_line(struct arena *arena, struct world *w, int64_t *people, size_t count, const char *in_the_middle)
{
	const char *line = "/grant";

	for (size_t i = 0; i < count; i++) {
		people[i] = world_customer(w, arena_printf(arena, "P%zu", i + 1), "en");
		world_say(w, people[i], "/start");
	}
	for (size_t i = 0; i < count; i++) {
		line = arena_printf(arena, "%s %lld", line, (long long)people[i]);
		if (i == count / 2)
			line = arena_printf(arena, "%s%s", line, in_the_middle);
	}
	return line;
}

static void grants(struct world *w, const char *line)
{
	world_say(w, WORLD_ADMIN, line);
	world_tap(w, WORLD_ADMIN, "Month");
	world_tap(w, WORLD_ADMIN, "Yes");
	world_run(w, 30000);
}

/* Ten are asked for, one of them is somebody who stands there already, by another name: her own number. */
static void test_many_with_a_duplicate(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world *w = world_new(&(struct world_options){ .versions = { versions[i] } });
		struct arena arena = { 0 };
		int64_t people[PEOPLE];
		char *number = NULL;
		const char *line = grant_line(&arena, w, people, PEOPLE, " %NUMBER");
		struct str text, rest = str_of(line), before = str_cut(&rest, '%');

		world_say(w, WORLD_ADMIN, arena_printf(&arena, "/user %lld", (long long)people[1])); /* the card shows it */
		assert_int_equal(db_get_text(&number, &arena, w->db, arena_printf(&arena, "SELECT public_id FROM users WHERE telegram_id=%lld", (long long)people[1])), OK);
		str_cut(&rest, ' ');
		line = arena_printf(&arena, "%.*s%s %.*s", STR_ARG(before), number, STR_ARG(rest));
		grants(w, line);
		for (size_t k = 0; k < PEOPLE; k++) {
			assert_int_equal(world_clients_of(w, &w->panels[0], people[k]), 1);
			assert_true(world_sees(w, people[k], "vless://"));
		}
		assert_int_equal(panel_sim_count_clients(w->panels[0].sim, w->panels[0].inbound_id), PEOPLE);
		assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE kind='grant' AND state='delivered'"), PEOPLE);
		text = world_last(w, WORLD_ADMIN)->text;
		if (!str_has(text, "Given: 9 of 10") || !str_has(text, arena_printf(&arena, "✗ %s – stands on the list twice", number)))
			fail_msg("%s: %.*s", versions[i], STR_ARG(text));
		for (size_t k = 0; k < PEOPLE; k++) {
			char *email = NULL;

			db_get_text(&email, &arena, w->db, arena_printf(&arena, "SELECT x.email FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id"
				" JOIN users u ON u.id=s.user_id WHERE u.telegram_id=%lld", (long long)people[k]));
			assert_true(str_has(text, arena_printf(&arena, "✓ %lld – %s", (long long)people[k], email)));
		}
		assert_int_equal(world_count_seen(w, WORLD_ADMIN, "Given: "), 1);
		assert_int_equal(world_number(w, "SELECT count(*) FROM grant_lists"), 0);
		arena_release(&arena);
		world_free(w);
	}
}

/* Nobody, no place left: the others get theirs, before and after. */
static void test_many_with_failures(void **state)
{
	struct world *w = world_new(NULL);
	struct arena arena = { 0 };
	int64_t people[5];
	const char *line = grant_line(&arena, w, people, countof(people), " nobody_at_all");
	struct str text;

	(void)state;
	assert_int_equal(db_run(w->db, "UPDATE panels SET capacity=4"), OK);
	grants(w, line);
	for (size_t i = 0; i < countof(people); i++)
		assert_int_equal(world_clients_of(w, &w->panels[0], people[i]), i < 4);
	text = world_last(w, WORLD_ADMIN)->text;
	assert_true(str_has(text, "Given: 4 of 6"));
	assert_true(str_has(text, "✗ nobody_at_all – nobody is called that"));
	assert_true(str_has(text, arena_printf(&arena, "✗ %lld – no free place", (long long)people[4])));
	arena_release(&arena);
	world_free(w);
}

/* What breaks on our side for one of them is tried a few times, then told; the others have theirs long since. */
static void test_many_one_breaks(void **state)
{
	struct world *w = world_new(NULL);
	struct arena arena = { 0 };
	int64_t people[3];
	const char *line = grant_line(&arena, w, people, countof(people), "");

	(void)state;
	assert_int_equal(db_run(w->db, arena_printf(&arena, "CREATE TRIGGER breaks BEFORE INSERT ON orders WHEN new.user_id="
		"(SELECT id FROM users WHERE telegram_id=%lld) BEGIN SELECT raise(ABORT, 'broken'); END", (long long)people[0])), OK);
	grants(w, line);
	for (size_t i = 0; i < countof(people); i++)
		assert_int_equal(world_clients_of(w, &w->panels[0], people[i]), i > 0);
	assert_true(world_sees(w, WORLD_ADMIN, "Given: 2 of 3"));
	assert_true(world_sees(w, WORLD_ADMIN, arena_printf(&arena, "✗ %lld – failed on our side", (long long)people[0])));
	arena_release(&arena);
	world_free(w);
}

/* Whoever's turn is late, after a long stop perhaps, has theirs all the same, and the report waits for it. */
static void test_many_one_is_late(void **state)
{
	struct world *w = world_new(NULL);
	struct arena arena = { 0 };
	int64_t people[3];
	const char *line = grant_line(&arena, w, people, countof(people), "");

	(void)state;
	assert_int_equal(db_run(w->db, "CREATE TRIGGER late AFTER INSERT ON jobs WHEN new.kind='grants' AND new.subject LIKE '%:2'"
		" BEGIN UPDATE jobs SET next_ms=next_ms+1200000 WHERE id=new.id; END"), OK);
	grants(w, line);
	world_run(w, 15 * MINUTE_MS);
	assert_int_equal(world_clients_of(w, &w->panels[0], people[0]), 1);
	assert_int_equal(world_clients_of(w, &w->panels[0], people[1]), 0);
	assert_false(world_sees(w, WORLD_ADMIN, "Given: "));
	world_run(w, 10 * MINUTE_MS);
	assert_int_equal(world_clients_of(w, &w->panels[0], people[1]), 1);
	assert_true(world_sees(w, WORLD_ADMIN, "Given: "));
	arena_release(&arena);
	world_free(w);
}

/* A panel that makes none of them: after ten minutes the report says so; what is given is given. */
static void test_many_on_a_dead_panel(void **state)
{
	struct world *w = world_new(NULL);
	struct arena arena = { 0 };
	int64_t people[2];
	const char *line = grant_line(&arena, w, people, countof(people), "");

	(void)state;
	panel_sim_add_rule(w->panels[0].sim, &(struct panel_rule){ .route = "clients/add", .fault = PANEL_REFUSE, .text = "not now" });
	grants(w, line);
	assert_false(world_sees(w, WORLD_ADMIN, "Given: "));
	world_run(w, 10 * MINUTE_MS);
	assert_true(world_sees(w, WORLD_ADMIN, "Given: 0 of 2"));
	assert_true(world_sees(w, WORLD_ADMIN, "not now"));
	panel_sim_clear_rules(w->panels[0].sim);
	world_run(w, HOUR_MS);
	for (size_t i = 0; i < countof(people); i++)
		assert_int_equal(world_clients_of(w, &w->panels[0], people[i]), 1);
	assert_int_equal(world_count_seen(w, WORLD_ADMIN, "Given: "), 1);
	arena_release(&arena);
	world_free(w);
}

/* Killed on the way, everybody still gets it once, and the report comes. */
static void test_many_killed(void **state)
{
	static const char *const steps[] = { "turn.before_commit", "turn.after_commit", "jobs.claimed" };

	(void)state;
	for (size_t s = 0; s < countof(steps); s++)
		for (int nth = 1; nth <= 13; nth += 4) {
			struct world *w = world_new(NULL);
			struct arena arena = { 0 };
			int64_t people[3];
			const char *line = grant_line(&arena, w, people, countof(people), "");

			world_say(w, WORLD_ADMIN, line);
			world_tap(w, WORLD_ADMIN, "Month");
			world_die_at(w, steps[s], nth);
			world_tap(w, WORLD_ADMIN, "Yes");
			world_run(w, MINUTE_MS);
			assert_int_equal(w->kills, 1);
			for (size_t i = 0; i < countof(people); i++)
				assert_int_equal(world_clients_of(w, &w->panels[0], people[i]), 1);
			assert_int_equal(world_number(w, "SELECT count(*) FROM orders"), 3);
			assert_in_range(world_count_seen(w, WORLD_ADMIN, "Given: 3 of 3"), 1, 2);
			arena_release(&arena);
			world_free(w);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_unknown_client, "R054"),
		proves(test_unknown_name, "R054"),
		proves(test_addresses, "R058"),
		proves(test_addresses_for_admins_only, ""),
		proves(test_addresses_are_cleared, "R059"),
		proves(test_many_with_a_duplicate, "R055"),
		proves(test_many_with_failures, "R055"),
		proves(test_many_one_breaks, "R055"),
		proves(test_many_one_is_late, ""),
		proves(test_many_on_a_dead_panel, ""),
		proves(test_many_killed, ""),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
