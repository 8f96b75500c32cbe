/* What a client is called on its panel: a name of our own, another one on request, never somebody else's. */
#include "tests/unit/fleet_world.h"

#include "tests/story/operator.h"

/* Somebody else's client has the name already (R031). */
static void test_name_taken(void **state)
{
	static const char *const cases[] = { "2.8.5", "3.0.2", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_new(cases[i]);

		fw_operator_adds(w, cases[i], "anna_abcdefgh");
		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, cases[i]);
		assert_int_equal(panel_sim_count_clients(w->sims[0], 0), 2);
		assert_int_equal(fw_number(w, "SELECT email LIKE 'anna_%' AND email<>'anna_abcdefgh' FROM accesses"), 1);
		fw_free(w);
	}
}

/* --- another name on the panel --- */

static enum err say_rename(struct act *a, void *ctx)
{
	return access_rename(a, 1, str_of(ctx));
}

static enum err fw_rename(struct fleet_world *w, const char *name)
{
	char given[ACCESS_NAME_BYTES_MAX + 1];

	snprintf(given, sizeof given, "%s", name);
	return core_do(w->core, say_rename, given);
}

/* Under this name, known to us and to the panel, with the counters it had, and nothing waits. */
static void assert_called(struct fleet_world *w, const char *email, const char *name)
{
	struct fw_found f = fw_client(w, 0);

	fw_assert_in_line(w, name);
	if (strcmp(f.email, email))
		fail_msg("%s: called %s on the panel", name, f.email);
	if (f.client.up != 100 || f.client.down != 200)
		fail_msg("%s: counters %lld, %lld", name, (long long)f.client.up, (long long)f.client.down);
	if (w->up_bytes != 100 || w->down_bytes != 200)
		fail_msg("%s: used %lld, %lld", name, (long long)w->up_bytes, (long long)w->down_bytes);
	if (fw_number(w, "SELECT count(*) FROM jobs"))
		fail_msg("%s: a job is left", name);
	if (fw_number(w, "SELECT rename IS NOT NULL FROM accesses"))
		fail_msg("%s: a rename is left", name);
	if (fw_number(w, "SELECT count(*) FROM drifts"))
		fail_msg("%s: drift", name);
}

/* Used a little; then the name changes, with a renewal right behind it. */
static void be_renamed(struct fleet_world *w)
{
	panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 100, 200);
	assert_int_equal(fw_rename(w, "anna_home"), OK);
	fw_run(w, 2000);
	fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
	fw_run(w, 20 * MINUTE_MS);
	assert_called(w, "anna_home", "renamed");
	assert_int_equal(fw_number(w, "SELECT email='anna_home' FROM accesses"), 1);
}

static void test_renamed(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		bool leaves_names_behind = strcmp(fw_versions[i], "3.1.0") == 0;
		struct fleet_world *w = fw_sold(fw_versions[i]);

		be_renamed(w);
		assert_int_equal(fw_number(w, "SELECT link LIKE '%anna_home%' AND link NOT LIKE '%anna_abc%' FROM accesses"), 1);
		assert_int_equal(panel_sim_count_clients(w->sims[0], 0), 1);
		assert_string_equal(w->alert_keys, "");
		assert_int_equal(fw_rename(w, "anna_home"), OK); /* once more: nothing to do */
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		assert_called(w, "anna_home", "again");
		assert_int_equal(fw_rename(w, "anna_abcdefgh"), OK); /* and back; 3.1.0 still has a client of that name that stands nowhere */
		fw_run(w, MINUTE_MS);
		assert_called(w, leaves_names_behind ? "anna_home" : "anna_abcdefgh", "back");
		assert_string_equal(w->alert_keys, leaves_names_behind ? "+rename_taken " : "");
		fw_free(w);
	}
}

static void test_rename_answers_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++)
		fw_lose_nth(fw_versions[i], PANEL_NETWORK, true, fw_sold, be_renamed);
	fw_lose_nth("2.8.5", PANEL_EMPTY_500, false, fw_sold, be_renamed);
	fw_lose_nth("3.1.0", PANEL_EMPTY_500, true, fw_sold, be_renamed);
	fw_lose_nth("3.6.0", PANEL_EMPTY_500, false, fw_sold, be_renamed);
}

static void test_rename_kills(void **state)
{
	static const char *const cases[] = { "2.8.5", "3.1.0", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < 2 * countof(cases); i++)
		fw_kill_nth(cases[i / 2], "jobs.call_sent", i % 2, fw_sold, be_renamed);
}

/* The name is somebody else's: ours keeps its own, an admin hears why, what was paid for is not held up. */
static void test_rename_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);

		panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 100, 200);
		fw_operator_adds(w, fw_versions[i], "anna_home");
		assert_int_equal(fw_rename(w, "anna_home"), OK);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
		fw_run(w, MINUTE_MS);
		assert_called(w, "anna_abcdefgh", fw_versions[i]);
		assert_int_equal(panel_sim_count_clients(w->sims[0], 0), 2);
		assert_string_equal(w->alert_keys, "+rename_taken ");
		assert_string_equal(w->alert_detail, "anna_home");
		fw_free(w);
	}
}

/* Nobody is seen there and the panel says no all the same, once or without end; 2.8.5 to a name of which only its
 * accounting is left. Again no more than the name is lost. */
static void test_rename_refused(void **state)
{
	static const struct { const char *version, *route, *text; } cases[] = {
		{ "2.8.5", "updateClient", "Something went wrong (Duplicate email: anna_home\n)" },
		{ "2.8.5", "updateClient", "Something went wrong (UNIQUE constraint failed: client_traffics.email)" },
		{ "3.6.0", "POST panel/api/clients/update", "Something went wrong (Duplicate email: anna_home\n)" },
		{ "3.6.0", "POST panel/api/clients/update", "Something went wrong (client email contains an invalid character: a)" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_sold(cases[i].version);
		struct panel_rule rule = { .route = cases[i].route, .times = 1, .fault = PANEL_REFUSE, .text = cases[i].text };

		panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 100, 200);
		panel_sim_add_rule(w->sims[0], &rule);
		assert_int_equal(fw_rename(w, "anna_home"), OK);
		fw_want(w, "UPDATE subscriptions SET quota_bytes=quota_bytes*2 WHERE id=1");
		fw_run(w, 5000); /* within this run: nothing waits for a next attempt */
		assert_called(w, "anna_abcdefgh", cases[i].text);
		assert_string_equal(w->alert_keys, "+rename_refused ");
		assert_true(str_starts(str_of(w->alert_detail), "anna_home: ")); /* and the panel's own words */
		fw_free(w);
	}
}

/* The answer that says it is renamed is lost, and then nobody wants it any more: found under its new name and removed. */
static void test_rename_then_refunded(void **state)
{
	static const struct { const char *version, *route; } cases[] = { { "2.8.5", "updateClient" }, { "3.6.0", "POST panel/api/clients/update" } };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_sold(cases[i].version);
		struct panel_rule lost = { .route = cases[i].route, .times = 1, .fault = PANEL_NETWORK, .after = true, .trouble = { .drop = true } };
		struct panel_rule dead = { .fault = PANEL_EMPTY_500 };

		fw_operator_adds(w, cases[i].version, "somebody");
		panel_sim_add_rule(w->sims[0], &lost);
		assert_int_equal(fw_rename(w, "anna_home"), OK);
		while (!panel_sim_count(w->sims[0], cases[i].route))
			fw_run(w, 1);
		panel_sim_add_rule(w->sims[0], &dead);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT writing FROM accesses"), 1);
		assert_int_equal(fw_rename(w, "anna_work"), E_BUSY); /* it may be called either by now */
		fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1");
		panel_sim_clear_rules(w->sims[0]);
		fw_run(w, 20 * MINUTE_MS);
		assert_int_equal(fw_client(w, 0).count, 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_free(w);
	}
}

/* Two of ours cannot have one name on one panel, nor be promised it; who is leaving gets no other any more. */
static void test_rename_among_ours(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");

	(void)state;
	fw_do(w, "INSERT INTO accesses(id, subscription_id, panel_id, inbound_id, email, rename, deleted_ms, created_ms, updated_ms) SELECT 2, 1, panel_id, inbound_id, 'given_up', NULL, 1, 1, 1 FROM accesses;"
		"INSERT INTO subscriptions(id, public_id, user_id, plan_id, sub_id, uuid, password, expires_ms, quota_bytes, limit_ip, reset_days, created_ms, updated_ms)"
		" VALUES(2, 'SUBSCR0002', 1, 1, 'x', 'y', 'z', 1, 1, 1, 0, 1, 1);"
		"INSERT INTO accesses(id, subscription_id, panel_id, inbound_id, email, rename, created_ms, updated_ms) SELECT 3, 2, panel_id, inbound_id, 'boris', 'boris_soon', 1, 1 FROM accesses WHERE id=1");
	assert_int_equal(fw_rename(w, "given_up"), E_CONFLICT);
	assert_int_equal(fw_rename(w, "boris"), E_CONFLICT);
	assert_int_equal(fw_rename(w, "boris_soon"), E_CONFLICT);
	assert_int_equal(fw_number(w, "SELECT rename IS NULL FROM accesses WHERE id=1"), 1);
	fw_do(w, "UPDATE accesses SET deleted_ms=1 WHERE id=3");
	assert_int_equal(fw_rename(w, "boris_soon"), OK);
	fw_free(w);
}

static void test_name_fits(void **state)
{
	static const struct { const char *name; bool fits; } cases[] = {
		{ "a", true }, { "anna_home", true }, { "_7", true }, { "abcdefghijklmnopqrstuvwxyz012345", true },
		{ "", false }, { "abcdefghijklmnopqrstuvwxyz0123456", false }, { "Anna", false }, { "anna home", false }, { "anna/home", false },
		{ "anna@home", false }, { "анна", false }, { "a\nb", false }, { "a:b", false }, { "a.b", false }, { "%61", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		if (access_name_fits(str_of(cases[i].name)) != cases[i].fits)
			fail_msg("\"%s\"", cases[i].name);
}

/* --- a name that nobody told us --- */

static void operator_renames(struct fleet_world *w, const char *version, const char *email, const char *id)
{
	struct fw_found f = fw_client(w, 0);
	struct operator_edit e = operator_sees(&f.client);

	f.client.email = str_of(f.email);
	f.client.id = str_of(f.id);
	f.client.sub_id = str_of(f.sub_id);
	e.comment = "obol:SUBSCR0001";
	e.email = email;
	e.id = id;
	assert_true(operator_saves(w->sims[0], version, &f.client, &e));
}

/* Renewed, and then taken back: never a second one, and none is left. */
static void test_renamed_by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);

		fw_operator_adds(w, fw_versions[i], "boris_00000001"); /* 2.x keeps the last one of an inbound */
		operator_renames(w, fw_versions[i], "anna_by_hand", NULL);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, fw_versions[i]);
		assert_string_equal(fw_client(w, 0).email, "anna_by_hand");
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE email='anna_by_hand' AND seen_exists=1"), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts"), 0);
		operator_renames(w, fw_versions[i], "anna_once_more", NULL);
		fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1");
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_client(w, 0).count, 0);
		assert_int_equal(fw_number(w, "SELECT seen_exists FROM accesses"), 0);
		fw_free(w);
	}
}

/* With another key, too: what is left of it is the subscription that it is fetched under. */
static void test_renamed_with_another_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w;

		if (!fw_has_records(fw_versions[i]))
			continue;
		w = fw_sold(fw_versions[i]);
		operator_renames(w, fw_versions[i], "anna_by_hand", FW_OTHER_UUID "aa");
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_client(w, 0).count, 1);
		assert_string_equal(fw_client(w, 0).email, "anna_by_hand");
		assert_int_equal(fw_client(w, 0).client.expiry_ms, START_MS + 60 * DAY_MS);
		fw_free(w);
	}
}

static enum err remove_panel(struct act *a, void *ctx)
{
	return panel_delete(a, *(int64_t *)ctx, true);
}

static enum err sell_again(struct act *a, void *ctx)
{
	const struct fleet_world *w = ctx;
	int64_t id;
	enum err e = access_add(&id, a, 1, (struct place){ w->panel_ids[0], w->inbound_ids[0] }, STR("anna"));

	return e ? e : fleet_reconcile(a, 1, JOB_MONEY);
}

/* A panel is removed with all who live there and added again: who renews has the client that is there already. */
static void test_panel_added_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);
		struct fw_adding adding = { w, 0 };
		struct fw_found f;

		assert_int_equal(core_do(w->core, remove_panel, &w->panel_ids[0]), OK);
		assert_int_equal(core_do(w->core, fw_add_row, &adding), OK);
		fw_run(w, 2000);
		fw_do(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000, revision=revision+1 WHERE id=1");
		assert_int_equal(core_do(w->core, sell_again, w), OK);
		fw_run(w, MINUTE_MS);
		f = fw_client(w, 0);
		assert_int_equal(f.count, 1);
		assert_int_equal(f.client.expiry_ms, START_MS + 60 * DAY_MS);
		assert_string_equal(f.email, "anna_abcdefgh");
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id WHERE x.deleted_ms=0 AND x.done_rev=s.revision"), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_name_taken, "R031 B22 B26"),
		proves(test_renamed_by_hand, "R042"),
		proves(test_renamed_with_another_key, "R042"),
		proves(test_panel_added_again, ""),
		proves(test_renamed, ""),
		proves(test_rename_answers_lost, "B4"),
		proves(test_rename_kills, ""),
		proves(test_rename_taken, ""),
		proves(test_rename_refused, ""),
		proves(test_rename_then_refunded, ""),
		proves(test_rename_among_ours, ""),
		proves(test_name_fits, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
