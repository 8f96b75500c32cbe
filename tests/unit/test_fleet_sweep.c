/* Regular looks: who is as the last look has left them costs a share of one reading, whoever is not is looked at alone. */
#include "tests/unit/fleet_world.h"

#include <inttypes.h>

#include "tests/story/operator.h"

static enum err look_due(struct act *a, void *ctx)
{
	(void)ctx;
	return fleet_look_due(a);
}

/* How often a client was looked at alone. */
static size_t looks(struct fleet_world *w, const char *version)
{
	return panel_sim_count(w->sims[0], fw_has_records(version) ? "GET panel/api/clients/get" : "GET panel/api/inbounds/get/");
}

static size_t lists(struct fleet_world *w, const char *version)
{
	return panel_sim_count(w->sims[0], fw_has_records(version) ? "GET panel/api/clients/list" : "GET panel/api/inbounds/list");
}

static void sweep(struct fleet_world *w)
{
	fw_run(w, HOUR_MS);
	panel_sim_clear_counts(w->sims[0]);
	w->up_bytes = w->down_bytes = 0;
	assert_int_equal(core_do(w->core, look_due, NULL), OK);
	fw_run(w, 2000);
}

static void test_as_before(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);
		int64_t seen_ms;

		assert_true(panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 3, 4));
		sweep(w);
		if (looks(w, fw_versions[i]) != 0 || lists(w, fw_versions[i]) != 1)
			fail_msg("%s: %zu looks, %zu lists", fw_versions[i], looks(w, fw_versions[i]), lists(w, fw_versions[i]));
		assert_int_equal(w->up_bytes, 3);
		assert_int_equal(w->down_bytes, 4);
		seen_ms = fw_number(w, "SELECT seen_ms FROM accesses");
		assert_true(seen_ms > START_MS + HOUR_MS);
		fw_do(w, "UPDATE subscriptions SET used_seen_ms=1");
		sweep(w);
		assert_int_equal(looks(w, fw_versions[i]), 0);
		assert_int_equal(w->up_bytes + w->down_bytes, 0); /* no news, */
		assert_true(fw_number(w, "SELECT used_seen_ms FROM subscriptions") > seen_ms); /* and as of now */
		assert_true(fw_number(w, "SELECT seen_ms FROM accesses") > seen_ms);
		assert_int_equal(core_do(w->core, look_due, NULL), OK);
		panel_sim_clear_counts(w->sims[0]);
		fw_run(w, 2000);
		assert_int_equal(panel_sim_count(w->sims[0], NULL), 0); /* a moment ago */
		fw_assert_in_line(w, fw_versions[i]);
		fw_free(w);
	}
}

struct change { int64_t more_ms; const char *comment, *sub_id; bool fewer_devices; };

static void edit(struct fleet_world *w, const char *version, struct change by)
{
	struct fw_found f = fw_client(w, 0);
	struct operator_edit e = operator_sees(&f.client);

	f.client.email = str_of(f.email);
	f.client.id = str_of(f.id);
	f.client.sub_id = str_of(by.sub_id ? by.sub_id : f.sub_id);
	f.client.limit_ip -= by.fewer_devices;
	e.expiry_ms += by.more_ms;
	e.comment = by.comment ? by.comment : "obol:SUBSCR0001";
	assert_true(operator_saves(w->sims[0], version, &f.client, &e));
}

static void test_whoever_differs(void **state)
{
	static const struct { const char *name, *sql; struct change by; } cases[] = {
		{ "a comment", NULL, { .comment = "a friend" } },
		{ "later", NULL, { .more_ms = 5 * DAY_MS } },
		{ "sooner", NULL, { .more_ms = -5 * DAY_MS } },
		{ "another subscription id", NULL, { .sub_id = "byhandbyhandbyhand01" } },
		{ "fewer devices", NULL, { .fewer_devices = true } },
		{ "another address in links", "UPDATE inbounds SET host='other.example.com'", { 0 } },
		{ "other addresses of the panel", "UPDATE inbounds SET hosts='[{\"address\":\"cdn.example.com\",\"port\":443}]'", { 0 } },
		{ "another address of all its links", "UPDATE panels SET host='other.example.com'", { 0 } },
		{ "first thing", "UPDATE accesses SET seen_ms=1", { 0 } },
		{ "never marked", "UPDATE accesses SET seen_mark=0", { 0 } },
		{ "not agreed", "UPDATE accesses SET done_rev=0", { 0 } },
		{ "an update is due", "UPDATE accesses SET update_due=1", { 0 } },
		{ "a write that nobody has heard of", "UPDATE accesses SET writing=1", { 0 } },
		{ "another name", "UPDATE accesses SET rename='anna_home'", { 0 } },
		{ "before a person", "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) VALUES(1, 'devices', '2', '1', 'open', 1)", { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++)
		for (size_t k = 0; k < countof(cases); k++) {
			struct fleet_world *w = fw_sold(fw_versions[i]);

			if (cases[k].sql)
				fw_do(w, cases[k].sql);
			else
				edit(w, fw_versions[i], cases[k].by);
			sweep(w);
			if (looks(w, fw_versions[i]) == 0)
				fail_msg("%s: %s is not looked at", fw_versions[i], cases[k].name);
			if (cases[k].by.more_ms > 0)
				assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE state='adopted'"), 1);
			if (cases[k].by.more_ms < 0 || cases[k].by.fewer_devices)
				assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE state='open'"), 1);
			if (cases[k].by.sub_id)
				assert_string_equal(fw_client(w, 0).sub_id, "subidsubidsubid00001");
			fw_run(w, HOUR_MS);
			fw_free(w);
		}
}

static void test_gone(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);
		struct fw_found f = fw_client(w, 0);

		f.client.email = str_of(f.email);
		f.client.id = str_of(f.id);
		f.client.sub_id = str_of(f.sub_id);
		fw_operator_adds(w, fw_versions[i], "boris_00000001"); /* 2.x keeps the last one of an inbound */
		assert_true(operator_deletes(w->sims[0], fw_versions[i], &f.client));
		sweep(w);
		fw_assert_in_line(w, fw_versions[i]); /* there again */
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE field='exists'"), 1);
		fw_free(w);
	}
}

/* There twice on 3.0.2, Xray would not start again: mended before it must. */
static void test_twice(void **state)
{
	struct fleet_world *w = fw_sold("3.0.2");
	struct fw_found f = fw_client(w, 0);

	(void)state;
	f.client.email = str_of(f.email);
	f.client.id = str_of(f.id);
	f.client.sub_id = str_of(f.sub_id);
	panel_sim_seed(w->sims[0], "vless", 20444, "other", 3);
	assert_true(operator_adds_client(w->sims[0], "3.0.2", &f.client, "obol:SUBSCR0001"));
	assert_int_equal(fw_client(w, 0).count, 2);
	sweep(w);
	fw_assert_in_line(w, "once");
	fw_free(w);
}

/* Lost, cut, too late: nothing is noted, the next one does it. */
static void test_no_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);
		struct panel_rule rule = { .route = fw_has_records(fw_versions[i]) ? "clients/list" : "inbounds/list", .times = 1, .fault = PANEL_NETWORK, .trouble = { .drop = true } };
		int64_t seen_ms = fw_number(w, "SELECT seen_ms FROM accesses");

		panel_sim_add_rule(w->sims[0], &rule);
		sweep(w);
		assert_int_equal(fw_number(w, "SELECT seen_ms FROM accesses"), seen_ms);
		sweep(w);
		assert_true(fw_number(w, "SELECT seen_ms FROM accesses") > seen_ms);
		fw_free(w);
	}
}

#define CROWD 250

static enum err sell_one(struct act *a, void *ctx)
{
	int64_t n = *(int64_t *)ctx;
	enum err e = db_run(a->tx, "INSERT INTO subscriptions(id, public_id, user_id, plan_id, sub_id, uuid, password, expires_ms, quota_bytes, limit_ip, reset_days,"
		" created_ms, updated_ms) SELECT ?1, 'S' || ?1, 1, 1, 'sub' || ?1, ?2, substr(?2 || '00000000=', 1, 44), expires_ms, quota_bytes, 2, 0, 1, 1"
		" FROM subscriptions WHERE id=1", n, arena_printf(a->arena, "11111111-aaaa-4aaa-8aaa-%012" PRId64, n));

	if (!e)
		e = db_run(a->tx, "INSERT INTO accesses(subscription_id, panel_id, inbound_id, email, created_ms, updated_ms) SELECT ?1, panel_id, inbound_id, 'crowd_' || ?1, 1, 1"
			" FROM accesses WHERE id=1", n);
	return e ? e : fleet_reconcile(a, n, JOB_MONEY);
}

/* More news than a turn has time for: the rest a minute later, until all are seen. */
static void test_crowd(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_sold(versions[i]);
		int64_t since_ms;

		for (int64_t n = 2; n <= CROWD; n++)
			assert_int_equal(core_do(w->core, sell_one, &n), OK);
		fw_run(w, 10 * MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE seen_mark<>0"), CROWD);
		for (int64_t n = 2; n <= CROWD; n++) {
			char email[32];

			snprintf(email, sizeof email, "crowd_%d", (int)n);
			assert_true(panel_sim_set_traffic(w->sims[0], email, n, 1));
		}
		since_ms = memnet_now_ms(w->net) + HOUR_MS;
		sweep(w);
		assert_int_equal(lists(w, versions[i]), 1);
		assert_in_range(fw_number(w, "SELECT count(*) FROM accesses WHERE seen_up_bytes>0"), 1, CROWD - 2);
		fw_run(w, 5 * MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE seen_up_bytes=subscription_id"), CROWD - 1);
		assert_true(fw_number(w, "SELECT min(seen_ms) FROM accesses") >= since_ms);
		assert_int_equal(looks(w, versions[i]), 0);
		assert_in_range(lists(w, versions[i]), 2, 5);
		fw_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_as_before, ""),
		proves(test_whoever_differs, ""),
		proves(test_gone, ""),
		proves(test_twice, ""),
		proves(test_no_list, ""),
		proves(test_crowd, ""),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("fleet_sweep", tests, NULL, NULL);
}
