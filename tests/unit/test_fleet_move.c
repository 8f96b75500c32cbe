/* Which place an access gets, when it leaves one for another, and what counts of the one that it has left. */
#include "tests/unit/fleet_world.h"

#include "tests/story/operator.h"

static enum err drop_first(struct act *a, void *ctx)
{
	(void)ctx;
	return access_drop(a, 1, JOB_PERSON);
}

/* --- which place --- */

struct looking { struct place_wish wish; struct place got; };

static enum err look_for_place(struct act *a, void *ctx)
{
	struct looking *x = ctx;

	return place_find(&x->got, a, &x->wish);
}

static int64_t panel_found(struct fleet_world *w, struct place_wish wish)
{
	struct looking x = { .wish = wish };

	return core_do(w->core, look_for_place, &x) == OK ? x.got.panel_id : 0;
}

/* Switched off on the panel, nobody could connect to it. */
static void test_inbound_is_off(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");

	(void)state;
	assert_int_equal(panel_found(w, (struct place_wish){ 0 }), w->panel_ids[0]);
	fw_operate(w, "panel/api/inbounds/setEnable/1", "{\"enable\":false}");
	fw_do(w, "UPDATE inbounds SET enabled=0");
	assert_int_equal(panel_found(w, (struct place_wish){ 0 }), 0);
	fw_free(w);
}

/* Between two counts of the panel, which has clients of others, too, those of ours that it was not seen with yet count. */
static void test_new_ones_count(void **state)
{
	static const struct { const char *limits; int64_t found; } cases[] = {
		{ "UPDATE panels SET clients=5, capacity=7; UPDATE inbounds SET clients=5, capacity=7", 1 },
		{ "UPDATE panels SET clients=5, capacity=6; UPDATE inbounds SET clients=5, capacity=0", 0 },
		{ "UPDATE panels SET clients=5, capacity=0; UPDATE inbounds SET clients=5, capacity=6", 0 },
	};
	struct fleet_world *w = fw_new("3.6.0");

	(void)state;
	fw_sell(w);
	for (size_t i = 0; i < countof(cases); i++) {
		fw_do(w, cases[i].limits);
		if (panel_found(w, (struct place_wish){ 0 }) != cases[i].found)
			fail_msg("%s", cases[i].limits);
	}
	fw_do(w, "UPDATE accesses SET seen_exists=1"); /* counted by then */
	fw_do(w, cases[1].limits);
	assert_int_equal(panel_found(w, (struct place_wish){ 0 }), 1);
	fw_free(w);
}

/* Not back to where its old client may still stand: on one panel a subscription's keys are there once. */
static void test_not_back_at_once(void **state)
{
	static const struct { const char *how; bool is_free; } cases[] = {
		{ "UPDATE accesses SET deleted_ms=5, seen_exists=1, writing=0", false }, { "UPDATE accesses SET deleted_ms=5, seen_exists=0, writing=1", false },
		{ "UPDATE accesses SET deleted_ms=0, seen_exists=0, writing=0", false }, { "UPDATE accesses SET deleted_ms=5, seen_exists=0, writing=0", true },
	};
	struct fleet_world *w = fw_new("3.6.0");

	(void)state;
	fw_sell(w);
	for (size_t i = 0; i < countof(cases); i++) {
		fw_do(w, cases[i].how);
		if ((panel_found(w, (struct place_wish){ .leaving_id = 1 }) != 0) != cases[i].is_free)
			fail_msg("%s", cases[i].how);
		assert_int_equal(panel_found(w, (struct place_wish){ .leaving_id = 2 }), w->panel_ids[0]); /* to others it is a place */
	}
	fw_free(w);
}

/* --- elsewhere --- */

/* Paid for Oslo, and its panel dies before the first write: another one in Oslo, however good the one in Paris is. */
static void test_region_is_kept(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");

	(void)state;
	fw_add_panel(w, "3.6.0");
	fw_add_panel(w, "2.9.4");
	fw_sell(w);
	fw_do(w, "UPDATE panels SET region=CASE id WHEN 2 THEN 'Paris' ELSE 'Oslo' END, priority=CASE id WHEN 3 THEN 9 ELSE 1 END;"
		"INSERT INTO orders(id, public_id, user_id, kind, plan_id, subscription_id, state, plan_name, days, quota_bytes, limit_ip, reset_days, early, region, target_rev, created_ms, expires_ms)"
		" VALUES(1, 'AAAAAAAAAA', 1, 'new', 1, 1, 'paid', 'Month', 30, 10737418240, 2, 0, 'keep', 'Oslo', 1, 1, 1)");
	memnet_set_down(w->net, w->origins[0], true);
	fw_reconcile(w);
	fw_run(w, 5 * MINUTE_MS);
	assert_int_equal(fw_client(w, 1).count, 0);
	assert_int_equal(fw_client(w, 2).count, 1);
	assert_int_equal(w->ready, 1);
	fw_free(w);
}

/* A panel that has only ever said no was certainly never sent it: when it dies, the order goes elsewhere. */
static void test_refused_and_dead(void **state)
{
	static const struct panel_rule no = { .route = "addClient", .fault = PANEL_REFUSE, .text = "no" };
	static const char *const versions[] = { "2.8.5", "3.0.2" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);

		panel_sim_add_rule(w->sims[0], &no);
		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		assert_true(panel_sim_count(w->sims[0], "addClient") > 0);
		fw_add_panel(w, "3.6.0");
		memnet_set_down(w->net, w->origins[0], true);
		fw_run(w, 10 * MINUTE_MS);
		assert_int_equal(fw_client(w, 1).count, 1);
		assert_int_equal(w->ready, 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts WHERE text_key='order_stuck'"), 0);
		fw_free(w);
	}
}

/* A renewal at a dead panel: its owner hears that it takes longer. */
static void test_renewal_waits(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");

	(void)state;
	memnet_set_down(w->net, w->origins[0], true);
	fw_reconcile(w); /* a look alone is nobody's business */
	fw_run(w, 5 * MINUTE_MS);
	assert_int_equal(w->waits, 0);
	fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
	fw_run(w, 5 * MINUTE_MS);
	assert_true(w->waits > 0);
	fw_free(w);
}

/* An add whose answer is lost, and then a new link: the client with the old keys, should it be there, is found and goes. */
static void test_keys_changed_in_flight(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);
		struct panel_rule lost = { .route = fw_has_records(versions[i]) ? "clients/add" : "addClient", .times = 1, .fault = PANEL_NETWORK, .after = true, .trouble = { .drop = true } };

		fw_operator_adds(w, versions[i], "boris"); /* 2.x keeps the last one of an inbound */
		panel_sim_add_rule(w->sims[0], &lost);
		fw_sell(w);
		fw_reconcile(w);
		while (!panel_sim_count(w->sims[0], lost.route))
			fw_run(w, 1);
		memnet_set_down(w->net, w->origins[0], true);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT seen_exists=0 AND writing FROM accesses WHERE id=1"), 1);
		fw_want(w, "UPDATE subscriptions SET uuid='22222222-aaaa-4aaa-8aaa-000000000002', password='ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=', sub_id='subidsubidsubid00002' WHERE id=1;"
			"INSERT INTO accesses(id, subscription_id, panel_id, inbound_id, email, created_ms, updated_ms) SELECT 2, 1, panel_id, inbound_id, 'anna_other', 1, 1 FROM accesses WHERE id=1");
		assert_int_equal(core_do(w->core, drop_first, NULL), OK);
		memnet_set_down(w->net, w->origins[0], false);
		fw_run(w, 10 * MINUTE_MS);
		assert_int_equal(fw_client(w, 0).count, 1);
		assert_string_equal(fw_client(w, 0).id, "22222222-aaaa-4aaa-8aaa-000000000002");
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_free(w);
	}
}

/* --- what is left of a place --- */

/* On a second panel, and the first one is left, but does not know it yet. */
static struct fleet_world *moved(void)
{
	struct fleet_world *w = fw_sold("3.6.0");
	char sql[300];

	panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", GIB, 2 * GIB);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_number(w, "SELECT seen_up_bytes+seen_down_bytes FROM accesses"), 3 * GIB);
	fw_add_panel(w, "3.6.0");
	memnet_set_down(w->net, w->origins[0], true);
	snprintf(sql, sizeof sql, "INSERT INTO accesses(id, subscription_id, panel_id, inbound_id, email, created_ms, updated_ms) VALUES(2, 1, %lld, %lld, 'anna_moved', 1, 1)",
		(long long)w->panel_ids[1], (long long)w->inbound_ids[1]);
	fw_do(w, sql);
	assert_int_equal(core_do(w->core, drop_first, NULL), OK);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_client(w, 1).client.total_bytes, 7 * GIB);
	return w;
}

/* Renewed with new traffic before the old panel came back: what it then shows is of last month. */
static void test_last_period_is_over(void **state)
{
	struct fleet_world *w = moved();

	(void)state;
	fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000, reset_rev=reset_rev+1 WHERE id=1");
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_client(w, 1).client.total_bytes, 10 * GIB);
	memnet_set_down(w->net, w->origins[1], true); /* nobody speaks for it */
	panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 4 * GIB, 4 * GIB);
	w->up_bytes = w->down_bytes = 0;
	memnet_set_down(w->net, w->origins[0], false);
	fw_run(w, 10 * MINUTE_MS);
	assert_int_equal(fw_number(w, "SELECT seen_up_bytes FROM accesses WHERE id=1"), 4 * GIB);
	assert_int_equal(w->up_bytes + w->down_bytes, 0);
	fw_free(w);
}

/* More given by hand at the new place: what was used at the old one comes on top. */
static void test_more_at_the_new_place(void **state)
{
	struct fleet_world *w = moved();
	struct fw_found f = fw_client(w, 1);
	struct operator_edit e = operator_sees(&f.client);

	(void)state;
	f.client.email = str_of(f.email);
	f.client.id = str_of(f.id);
	f.client.sub_id = str_of(f.sub_id);
	e.total_bytes = 9 * GIB;
	e.comment = "obol:SUBSCR0001";
	assert_true(operator_saves(w->sims[1], "3.6.0", &f.client, &e));
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_number(w, "SELECT quota_bytes FROM subscriptions"), 12 * GIB);
	assert_int_equal(fw_client(w, 1).client.total_bytes, 9 * GIB);
	fw_free(w);
}

static enum err read_links(struct act *a, void *ctx)
{
	struct access_links links;
	enum err e = access_links(&links, a, 1);

	snprintf(ctx, 500, "%.*s %.*s", STR_ARG(links.links), STR_ARG(links.sub_url));
	return e;
}

/* Its links are those of where it stands, its subscription address too. */
static void test_links_of_the_new_place(void **state)
{
	struct fleet_world *w = moved();
	char links[500];

	(void)state;
	fw_do(w, "UPDATE accesses SET link='vless://' || email; UPDATE panels SET sub_url='https://panel-' || id || '.example.com/sub/'");
	assert_int_equal(core_do(w->core, read_links, links), OK);
	assert_string_equal(links, "vless://anna_moved https://panel-2.example.com/sub/subidsubidsubid00001");
	fw_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_inbound_is_off, ""),
		proves(test_new_ones_count, ""),
		proves(test_not_back_at_once, ""),
		proves(test_region_is_kept, ""),
		proves(test_refused_and_dead, ""),
		proves(test_renewal_waits, ""),
		proves(test_keys_changed_in_flight, ""),
		proves(test_last_period_is_over, ""),
		proves(test_more_at_the_new_place, ""),
		proves(test_links_of_the_new_place, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests_name("fleet_move", tests, NULL, NULL);
}
