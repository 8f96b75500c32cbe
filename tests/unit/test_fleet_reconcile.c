/* Reconcile against simulated panels of all generations, with everything lost that can be lost. */
#include "lib/base/enc.h"
#include "tests/unit/fleet_world.h"

static const char *const versions[] = { "2.8.5", "2.9.4", "3.0.2", "3.1.0", "3.6.0" };

#define TROUBLES_MAX 60

/* While the panel has not answered yet, the row says what it was sent; only then what it agreed to. */
static void test_row_comes_first(void **state)
{
	static const struct panel_rule hang = { .route = "add", .times = 1, .fault = PANEL_NETWORK, .trouble = { .hang = true } };
	struct fleet_world *w = fw_new("2.8.5");

	(void)state;
	fw_sell(w);
	panel_sim_add_rule(w->sims[0], &hang);
	fw_reconcile(w);
	fw_run(w, 5000);
	assert_int_equal(panel_sim_count(w->sims[0], "addClient"), 1);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE writing=1 AND written_rev=1 AND done_rev=0"), 1);
	fw_run(w, 5 * MINUTE_MS);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE writing=0 AND written_rev=1 AND done_rev=1"), 1);
	fw_assert_in_line(w, "after a hanging add");
	fw_free(w);
}

static void test_created(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		fw_assert_in_line(w, versions[i]);
		assert_int_equal(w->ready, 1);
		assert_int_equal(w->ready_rev, 1);
		assert_int_equal(w->waits, 0);
		assert_int_equal(fw_number(w, "SELECT link LIKE 'vless://" UUID_1 "@vpn.example.com:20443?%' FROM accesses"), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		assert_string_equal(w->alert_keys, "");
		fw_free(w);
	}
}

/* The life of a subscription: bought, renewed with new traffic, banned, let in again, enlarged. */
static void live(struct fleet_world *w)
{
	static const char *const changes[] = {
		"UPDATE subscriptions SET expires_ms=expires_ms+2592000000, quota_bytes=quota_bytes+1073741824, reset_rev=reset_rev+1 WHERE id=1",
		"UPDATE subscriptions SET enabled=0 WHERE id=1",
		"UPDATE subscriptions SET enabled=1, limit_ip=5 WHERE id=1",
		"UPDATE subscriptions SET quota_bytes=quota_bytes*2 WHERE id=1",
	};

	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 20 * MINUTE_MS);
	fw_assert_in_line(w, "bought");
	panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 100, 200);
	for (size_t i = 0; i < countof(changes); i++) {
		fw_want(w, changes[i]);
		fw_run(w, 20 * MINUTE_MS);
		fw_assert_in_line(w, changes[i]);
	}
	assert_int_equal(fw_client(w, 0).client.up, 0);
	assert_true(fw_number(w, "SELECT count(*) FROM drifts") == 0);
}

static void test_life(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);

		live(w);
		assert_int_equal(w->ready, 5);
		assert_int_equal(w->up_bytes, 0);
		assert_true(panel_sim_count(w->sims[0], "POST login") <= 3); /* 100 minutes, an hour each (R004) */
		fw_free(w);
	}
}

/* Answer n is lost, for n = 1, 2, 3 …: the request has taken effect or has not. */
static void lose_nth(const char *version, enum panel_fault fault, bool after)
{
	for (int n = 1; n < TROUBLES_MAX; n++) {
		struct fleet_world *w = fw_new(version);
		struct panel_rule rule = { .nth = n, .times = 1, .fault = fault, .after = after, .trouble = { .drop = true } };
		size_t calls;

		panel_sim_clear_counts(w->sims[0]);
		panel_sim_add_rule(w->sims[0], &rule);
		live(w);
		calls = panel_sim_count(w->sims[0], NULL);
		fw_free(w);
		if ((size_t)n > calls)
			return;
	}
}

static void test_answers_lost(void **state)
{
	(void)state;
	lose_nth("2.8.5", PANEL_NETWORK, true);
	lose_nth("3.0.2", PANEL_NETWORK, true);
	lose_nth("3.6.0", PANEL_NETWORK, true);
}

static void test_empty_500(void **state)
{
	(void)state;
	lose_nth("2.9.4", PANEL_EMPTY_500, true);
	lose_nth("2.9.4", PANEL_EMPTY_500, false);
	lose_nth("3.1.0", PANEL_EMPTY_500, true);
	lose_nth("3.0.2", PANEL_HTML_502, false);
}

static void test_sessions_lost(void **state)
{
	(void)state;
	lose_nth("2.8.5", PANEL_LOGOUT, false);
	lose_nth("3.6.0", PANEL_LOGOUT, false);
}

static void kill_nth(const char *version, const char *step, bool lose_requests)
{
	for (int n = 1; n < TROUBLES_MAX; n++) {
		struct fleet_world *w = fw_new(version);
		bool done;

		w->die_at = step;
		w->die_countdown = n;
		w->lose_requests = lose_requests;
		live(w);
		done = w->kills == 0;
		fw_free(w);
		if (done)
			return;
	}
}

static void test_kills(void **state)
{
	(void)state;
	kill_nth("2.8.5", "jobs.claimed", false);
	kill_nth("2.8.5", "jobs.call_sent", true);
	kill_nth("3.6.0", "jobs.call_sent", false);
}

/* Used up, cut off by the panel, renewed: in again, with new counters. */
static void test_renewed_after_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 6 * GIB, 6 * GIB);
		fw_run(w, MINUTE_MS);
		assert_false(fw_client(w, 0).client.in_xray);
		fw_reconcile(w); /* a look at somebody cut off changes nothing and reports nothing */
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts"), 0);
		assert_false(fw_client(w, 0).client.in_xray);
		assert_int_equal(w->up_bytes, 6 * GIB);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000, reset_rev=1 WHERE id=1");
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, versions[i]);
		assert_int_equal(fw_client(w, 0).client.up, 0);
		assert_int_equal(w->ready, 2);
		fw_free(w);
	}
}

/* Expired, then renewed. */
static void test_renewed_after_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		memnet_advance_ms(w->net, 31 * DAY_MS);
		fw_run(w, MINUTE_MS);
		assert_false(fw_client(w, 0).client.in_xray);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+5184000000 WHERE id=1");
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, versions[i]);
		fw_free(w);
	}
}

/* Refunded: gone from the panel; of 2.x and 3.0.x the last client of an inbound can only be switched off. */
static void test_deleted(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);
		struct fw_found f;

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1");
		fw_run(w, MINUTE_MS);
		f = fw_client(w, 0);
		assert_true(f.count == 0 || (!f.client.enable && !f.client.in_xray));
		assert_true(f.count == 0 || versions[i][0] == '2' || versions[i][2] == '0');
		assert_true(fw_number(w, "SELECT deleted_ms FROM accesses WHERE id=1") > 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_free(w);
	}
}

static void operator_does(struct fleet_world *w, const char *path, const char *body)
{
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };

	panel_sim_operator(w->sims[0], HTTP_POST, path, str_of(body), &r, &arena);
	assert_true(str_has(r.body, "\"success\":true"));
	arena_release(&arena);
}

/* A person edits our client in the panel's own pages. */
static void operator_edits(struct fleet_world *w, int64_t expiry_ms, int64_t total, bool enable)
{
	char body[1000];

	snprintf(body, sizeof body, "{\"id\":\"" UUID_1 "\",\"email\":\"anna_abcdefgh\",\"limitIp\":2,\"totalGB\":%lld,\"expiryTime\":%lld,\"enable\":%s,\"tgId\":4242,"
		"\"subId\":\"subidsubidsubid00001\",\"comment\":\"mine\",\"reset\":0,\"flow\":\"\"}", (long long)total, (long long)expiry_ms, enable ? "true" : "false");
	operator_does(w, "panel/api/clients/update/anna_abcdefgh", body);
}

static struct fleet_world *sold(const char *version)
{
	struct fleet_world *w = fw_new(version);

	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 2000);
	fw_assert_in_line(w, version);
	w->alert_keys[0] = '\0';
	return w;
}

/* Deleted by hand, then renewed: there again with the same UUID, and the admins know (R041). */
static void test_deleted_by_hand(void **state)
{
	struct fleet_world *w = sold("3.6.0");

	(void)state;
	operator_does(w, "panel/api/clients/del/anna_abcdefgh", "");
	assert_int_equal(fw_client(w, 0).count, 0);
	fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
	fw_run(w, MINUTE_MS);
	fw_assert_in_line(w, "again");
	assert_string_equal(w->alert_keys, "+drift ");
	fw_free(w);
}

static void test_longer_by_hand(void **state)
{
	struct fleet_world *w = sold("3.6.0");

	(void)state;
	operator_edits(w, START_MS + 35 * DAY_MS, 20 * GIB, true);
	panel_sim_clear_counts(w->sims[0]);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(panel_sim_count(w->sims[0], "POST panel/api/clients"), 0); /* nothing written */
	assert_int_equal(fw_number(w, "SELECT expires_ms FROM subscriptions"), START_MS + 35 * DAY_MS);
	assert_int_equal(fw_number(w, "SELECT quota_bytes FROM subscriptions"), 20 * GIB);
	fw_assert_in_line(w, "adopted");
	assert_string_equal(w->alert_keys, "+drift ");
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts"), 2);
	fw_free(w);
}

static enum err say_repair(struct act *a, void *ctx)
{
	return drift_decide(a, *(int64_t *)ctx, true, 1);
}

static enum err say_adopt(struct act *a, void *ctx)
{
	return drift_decide(a, *(int64_t *)ctx, false, 1);
}

/* Shorter by hand: reported once and left alone, until a person speaks. */
static void test_shorter_by_hand(void **state)
{
	struct fleet_world *w = sold("3.6.0");
	int64_t id;

	(void)state;
	operator_edits(w, START_MS + 10 * DAY_MS, 10 * GIB, true);
	for (int i = 0; i < 3; i++) {
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
	}
	assert_int_equal(fw_client(w, 0).client.expiry_ms, START_MS + 10 * DAY_MS);
	assert_string_equal(w->alert_keys, "+drift ");
	id = fw_number(w, "SELECT id FROM drifts WHERE state='open' AND field='until'");
	assert_true(id > 0);
	assert_int_equal(core_do(w->core, say_repair, &id), OK);
	fw_run(w, MINUTE_MS);
	fw_assert_in_line(w, "repaired");
	assert_string_equal(w->alert_keys, "+drift -drift ");

	operator_edits(w, START_MS + 30 * DAY_MS, 5 * GIB, true);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	id = fw_number(w, "SELECT id FROM drifts WHERE state='open' AND field='quota'");
	assert_int_equal(core_do(w->core, say_adopt, &id), OK);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_number(w, "SELECT quota_bytes FROM subscriptions"), 5 * GIB);
	fw_assert_in_line(w, "adopted");
	fw_free(w);
}

/* Shorter by hand, and the customer pays: what was paid for goes on regardless. */
static void test_paid_overrules(void **state)
{
	struct fleet_world *w = sold("3.6.0");

	(void)state;
	operator_edits(w, START_MS + 10 * DAY_MS, 10 * GIB, false);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
	fw_run(w, MINUTE_MS);
	fw_assert_in_line(w, "paid");
	assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE state='open'"), 0);
	assert_true(str_is(fw_client(w, 0).client.comment, "mine")); /* what is not ours to change stays */
	fw_free(w);
}

static void test_disabled_by_hand(void **state)
{
	struct fleet_world *w = sold("3.6.0");

	(void)state;
	operator_edits(w, START_MS + 30 * DAY_MS, 10 * GIB, false);
	fw_reconcile(w);
	fw_run(w, 23 * HOUR_MS);
	assert_false(fw_client(w, 0).client.enable);
	fw_run(w, 2 * HOUR_MS);
	fw_assert_in_line(w, "by itself");
	fw_free(w);
}

/* A limit taken away by hand is reported, never taken over; and we ourselves never write it (B30). */
static void test_metered_stays_metered(void **state)
{
	struct fleet_world *w = sold("3.6.0");
	int64_t id;

	(void)state;
	operator_edits(w, START_MS + 30 * DAY_MS, 0, true);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_number(w, "SELECT quota_bytes FROM subscriptions"), 10 * GIB);
	id = fw_number(w, "SELECT id FROM drifts WHERE state='open' AND field='quota'");
	assert_int_equal(core_do(w->core, say_adopt, &id), E_REFUSED);
	assert_int_equal(core_do(w->core, say_repair, &id), OK);
	fw_run(w, MINUTE_MS);
	fw_assert_in_line(w, "limited again");
	fw_want(w, "UPDATE subscriptions SET quota_bytes=0 WHERE id=1");
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_client(w, 0).client.total_bytes, 10 * GIB);
	assert_int_equal(fw_number(w, "SELECT state FROM jobs WHERE kind='reconcile'"), 2);
	assert_non_null(strstr(w->alert_keys, "+order_stuck "));
	fw_free(w);
}

static bool has_records(const char *version)
{
	return version[0] == '3' && version[2] != '0';
}

/* Somebody else's client, by hand. */
static void operator_adds(struct fleet_world *w, const char *version, const char *email)
{
	char client[400], body[600];
	struct json_out j;
	struct buf b, inner;

	snprintf(client, sizeof client, "{\"id\":\"99999999-aaaa-4aaa-8aaa-000000000009\",\"email\":\"%s\",\"limitIp\":0,\"totalGB\":0,\"expiryTime\":0,"
		"\"enable\":true,\"tgId\":0,\"subId\":\"somebodyelses\",\"comment\":\"\",\"reset\":0,\"flow\":\"\"}", email);
	buf_init(&b, 2 * sizeof body);
	buf_init(&inner, sizeof body);
	buf_printf(&inner, "{\"clients\":[%s]}", client);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_i64(&j, "id", w->inbound_ids[0]);
	json_put_str(&j, "settings", buf_str(&inner));
	json_close(&j, '}');
	snprintf(body, sizeof body, "{\"client\":%s,\"inboundIds\":[%lld]}", client, (long long)w->inbound_ids[0]);
	if (has_records(version))
		operator_does(w, "panel/api/clients/add", body);
	else
		operator_does(w, "panel/api/inbounds/addClient", buf_cstr(&b));
	buf_release(&b);
	buf_release(&inner);
}

/* Somebody else's client has the name already (R031). */
static void test_name_taken(void **state)
{
	static const char *const cases[] = { "2.8.5", "3.0.2", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_new(cases[i]);

		operator_adds(w, cases[i], "anna_abcdefgh");
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
	for (size_t i = 0; i < countof(versions); i++) {
		bool leaves_names_behind = strcmp(versions[i], "3.1.0") == 0;
		struct fleet_world *w = sold(versions[i]);

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

static void rename_losing_nth(const char *version, enum panel_fault fault, bool after)
{
	for (int n = 1; n < TROUBLES_MAX; n++) {
		struct fleet_world *w = sold(version);
		struct panel_rule rule = { .nth = n, .times = 1, .fault = fault, .after = after, .trouble = { .drop = true } };
		size_t calls;

		panel_sim_clear_counts(w->sims[0]);
		panel_sim_add_rule(w->sims[0], &rule);
		be_renamed(w);
		calls = panel_sim_count(w->sims[0], NULL);
		fw_free(w);
		if ((size_t)n > calls)
			return;
	}
}

static void test_rename_answers_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++)
		rename_losing_nth(versions[i], PANEL_NETWORK, true);
	rename_losing_nth("2.8.5", PANEL_EMPTY_500, false);
	rename_losing_nth("3.1.0", PANEL_EMPTY_500, true);
	rename_losing_nth("3.6.0", PANEL_EMPTY_500, false);
}

static void test_rename_kills(void **state)
{
	static const char *const cases[] = { "2.8.5", "3.1.0", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		for (int n = 1; n < TROUBLES_MAX; n++) {
			struct fleet_world *w = sold(cases[i]);
			bool done;

			w->die_at = "jobs.call_sent";
			w->die_countdown = n;
			w->lose_requests = n % 2;
			be_renamed(w);
			done = w->kills == 0;
			fw_free(w);
			if (done)
				break;
		}
	}
}

/* The name is somebody else's: ours keeps its own, an admin hears why, what was paid for is not held up. */
static void test_rename_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = sold(versions[i]);

		panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 100, 200);
		operator_adds(w, versions[i], "anna_home");
		assert_int_equal(fw_rename(w, "anna_home"), OK);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
		fw_run(w, MINUTE_MS);
		assert_called(w, "anna_abcdefgh", versions[i]);
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
		struct fleet_world *w = sold(cases[i].version);
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
		struct fleet_world *w = sold(cases[i].version);
		struct panel_rule lost = { .route = cases[i].route, .times = 1, .fault = PANEL_NETWORK, .after = true, .trouble = { .drop = true } };
		struct panel_rule dead = { .fault = PANEL_EMPTY_500 };

		operator_adds(w, cases[i].version, "somebody");
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
	struct fleet_world *w = sold("3.6.0");

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

/* First panel dead before anything was sent: delivered on the second (R141). */
static void test_moved(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");

	(void)state;
	fw_add_panel(w, "3.6.0");
	memnet_set_down(w->net, w->origins[0], true);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_client(w, 0).count, 0);
	assert_int_equal(fw_client(w, 1).count, 1);
	assert_int_equal(w->ready, 1);
	assert_string_equal(w->alert_keys, "+panel_down ");
	fw_free(w);
}

/* The add was sent and its answer lost: that panel may have it, so it waits there. */
static void test_not_moved_when_unsure(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct panel_rule lost = { .route = "addClient", .times = 1, .fault = PANEL_NETWORK, .after = true, .trouble = { .drop = true } };
	struct panel_rule dead = { .route = "inbounds/get", .nth = 3, .fault = PANEL_EMPTY_500 };

	(void)state;
	fw_add_panel(w, "3.6.0");
	panel_sim_add_rule(w->sims[0], &lost);
	panel_sim_add_rule(w->sims[0], &dead);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 10 * MINUTE_MS);
	assert_int_equal(fw_client(w, 1).count, 0);
	assert_int_equal(w->ready, 0);
	assert_true(w->waits > 0);
	panel_sim_clear_rules(w->sims[0]);
	fw_run(w, 10 * MINUTE_MS);
	fw_assert_in_line(w, "back");
	assert_int_equal(panel_sim_count(w->sims[0], "addClient"), 1);
	fw_free(w);
}

/* Refused twice, accepted the third time: about ten seconds, without a word to anybody (R140). */
static void test_refused_twice(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");
	int64_t begun_ms;

	(void)state;
	fw_sell(w);
	memnet_set_down(w->net, w->origins[0], true);
	begun_ms = memnet_now_ms(w->net);
	fw_reconcile(w);
	fw_run(w, 9000);
	memnet_set_down(w->net, w->origins[0], false);
	fw_run(w, 2000);
	fw_assert_in_line(w, "third time");
	assert_int_equal(fw_number(w, "SELECT min(updated_ms) FROM accesses WHERE done_rev=1") / 1000, (begun_ms + 10000) / 1000);
	assert_string_equal(w->alert_keys, "");
	fw_free(w);
}

/* Down for a day: one alert, one all-clear, delivered when it is back (R038, R098, R142). */
static void test_down_for_a_day(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");

	(void)state;
	memnet_set_down(w->net, w->origins[0], true);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, DAY_MS);
	assert_int_equal(w->ready, 0);
	assert_true(w->waits > 100 && w->waits < 2000);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='down'"), 1);
	assert_string_equal(w->alert_keys, "+panel_down ");
	memnet_set_down(w->net, w->origins[0], false);
	fw_run(w, 10 * MINUTE_MS);
	fw_assert_in_line(w, "back");
	assert_string_equal(w->alert_keys, "+panel_down -panel_down ");
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='ok'"), 1);
	fw_free(w);
}

/* What the panel cannot read is not sent again (R053). */
static void test_cannot_unmarshal(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");
	struct panel_rule rule = { .route = "POST panel/api/clients/add", .fault = PANEL_REFUSE,
		.text = "Something went wrong (json: cannot unmarshal string into Go struct field Client.tgId of type int64)" };

	(void)state;
	panel_sim_add_rule(w->sims[0], &rule);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, HOUR_MS);
	assert_int_equal(panel_sim_count(w->sims[0], "POST panel/api/clients/add"), 1);
	assert_int_equal(fw_number(w, "SELECT state FROM jobs WHERE kind='reconcile'"), 2);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts WHERE text_key='order_stuck' AND detail LIKE '%Client.tgId%'"), 1);
	fw_free(w);
}

/* A refusal with status 200 is no delivery; it is tried again, an admin reads the panel's words (R021). */
static void test_refusal(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct panel_rule rule = { .route = "addClient", .times = 2, .fault = PANEL_REFUSE, .text = "چیزی اشتباه شد" };

	(void)state;
	panel_sim_add_rule(w->sims[0], &rule);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	fw_assert_in_line(w, "third time");
	assert_int_equal(w->waits, 2);
	assert_string_equal(w->alert_keys, "+order_stuck -order_stuck ");
	fw_free(w);
}

static void add_again(struct fleet_world *w)
{
	struct json_out j;
	struct buf b, inner;

	buf_init(&b, 4000);
	buf_init(&inner, 4000);
	buf_printf(&inner, "{\"clients\":[{\"id\":\"" UUID_1 "\",\"email\":\"anna_abcdefgh\",\"limitIp\":2,\"totalGB\":%lld,\"expiryTime\":%lld,\"enable\":true,"
		"\"tgId\":4242,\"subId\":\"subidsubidsubid00001\",\"comment\":\"\",\"reset\":0,\"flow\":\"\"}]}", (long long)(10 * GIB), (long long)(START_MS + 30 * DAY_MS));
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_i64(&j, "id", w->inbound_ids[0]);
	json_put_str(&j, "settings", buf_str(&inner));
	json_close(&j, '}');
	operator_does(w, "panel/api/inbounds/addClient", buf_cstr(&b));
	buf_release(&b);
	buf_release(&inner);
}

/* There twice on 3.0.2: Xray would not start any more. Both go, one comes; also where they are all that the inbound has. */
static void test_doubled(void **state)
{
	(void)state;
	for (int alone = 0; alone < 2; alone++) {
		struct fleet_world *w = sold("3.0.2");

		if (!alone)
			panel_sim_seed(w->sims[0], "vless", 20444, "other", 3);
		add_again(w);
		assert_int_equal(fw_client(w, 0).count, 2);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, "once");
		fw_free(w);
	}
}

/* New keys: the old access is dropped, its client goes, by the keys it had (B46). */
static void test_dropped(void **state)
{
	static const char *const cases[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = sold(cases[i]);
		struct fw_found f;

		fw_want(w, "UPDATE subscriptions SET uuid='22222222-aaaa-4aaa-8aaa-000000000002', password='ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=', sub_id='subidsubidsubid00002' WHERE id=1;"
			"UPDATE accesses SET deleted_ms=5 WHERE id=1;"
			"INSERT INTO accesses(id, subscription_id, panel_id, inbound_id, email, created_ms, updated_ms) SELECT 2, 1, panel_id, inbound_id, 'anna_other', 1, 1 FROM accesses WHERE id=1");
		fw_run(w, MINUTE_MS);
		f = fw_client(w, 0);
		if (cases[i][0] == '3')
			assert_int_equal(f.count, 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE id=2 AND link LIKE 'vless://22222222%'"), 1);
		assert_int_equal(fw_number(w, "SELECT seen_exists FROM accesses WHERE id=1"), 0);
		fw_free(w);
	}
}

/* No link is shown that leads nowhere; once an address is typed, it is delivered (B49). */
static void test_private_host(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");

	(void)state;
	fw_do(w, "UPDATE panels SET host=NULL, sub_url=NULL, url='http://10.0.0.5:2053'; DELETE FROM panel_sessions");
	memnet_serve(w->net, "http://10.0.0.5:2053", 0, panel_sim_handle, w->sims[0]);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(w->ready, 0);
	assert_int_equal(fw_number(w, "SELECT link IS NULL FROM accesses"), 1);
	assert_string_equal(w->alert_keys, "+panel_address ");
	fw_do(w, "UPDATE inbounds SET host='shop.example.net'");
	fw_run(w, 10 * MINUTE_MS);
	assert_int_equal(w->ready, 1);
	assert_int_equal(fw_number(w, "SELECT link LIKE '%@shop.example.net:%' FROM accesses"), 1);
	fw_free(w);
}

/* --- hosts --- */

static void operate(struct fleet_world *w, const char *path, const char *json)
{
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };

	panel_sim_operator(w->sims[0], HTTP_POST, path, str_of(json), &r, &arena);
	assert_true(str_has(r.body, "\"success\":true"));
	arena_release(&arena);
}

static enum err ask_inbounds(struct act *a, void *ctx)
{
	return panel_ask(a, *(int64_t *)ctx, ASK_INBOUNDS, 77);
}

/* An admin reads the panel's inbounds again, and the next look comes. */
static void look_again(struct fleet_world *w)
{
	int answers = w->answers;

	assert_int_equal(core_do(w->core, ask_inbounds, &w->panel_ids[0]), OK);
	fw_run(w, 2000);
	assert_int_equal(w->answers, answers + 1);
	assert_true(w->answer.ok);
	fw_reconcile(w);
	fw_run(w, 2000);
}

/* One a line without their names, which are the panel's template there and ours here, and without empty parameters. */
static void compared(struct buf *to, struct str links)
{
	while (links.len) {
		struct str line = str_cut(&links, '\n'), rest = str_cut(&line, '#');

		while (rest.len) {
			struct str part = str_cut(&rest, '&');

			if (!str_ends(part, "="))
				buf_printf(to, "%.*s ", STR_ARG(part));
		}
		buf_addc(to, '\n');
	}
}

static void assert_same_as_subscription(struct fleet_world *w, const char *when)
{
	struct sim_request q = { .method = HTTP_GET, .path = STR("/sub/subidsubidsubid00001"), .now_ms = memnet_now_ms(w->net), .listener = 1 };
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };
	char text[4000], *ours = NULL;
	struct buf theirs, mine;
	size_t n = 0;

	q.arena = &arena;
	q.headers[q.headers_count++] = (struct http_header){ "host", "vpn.example.com:2096" };
	panel_sim_handle(w->sims[0], &q, &r);
	assert_int_equal(dec_base64((unsigned char *)text, sizeof text, &n, r.body), OK);
	assert_int_equal(db_get_text(&ours, &arena, w->db, "SELECT link FROM accesses WHERE id=1"), OK);
	buf_init(&theirs, sizeof text);
	buf_init(&mine, sizeof text);
	compared(&theirs, str_n(text, n));
	compared(&mine, str_of(ours));
	if (strcmp(buf_cstr(&theirs), buf_cstr(&mine)))
		fail_msg("%s: the panel says\n%s, we\n%s", when, buf_cstr(&theirs), buf_cstr(&mine));
	buf_release(&theirs);
	buf_release(&mine);
	arena_release(&arena);
}

#define CDN "\"remark\":\"cdn\",\"security\":\"tls\",\"sni\":\"front.example.com\",\"hostHeader\":\"front.example.com\",\"path\":\"/cdn\",\"fingerprint\":\"chrome\",\"alpn\":[\"h2\",\"http/1.1\"]"

/* The addresses the panel puts before an inbound are those that are delivered, as its own subscription does; they come and
 * go with the panel's list, stay when it cannot be had, and are none where it is refused. */
static void test_hosts(void **state)
{
	static const struct { const char *version, *add; int links; } cases[] = {
		{ "3.4.1", "{\"inboundId\":1,\"address\":\"cdn.example.com\",\"port\":8443," CDN "}", 1 },
		{ "3.6.0", "{\"inboundIds\":[1],\"hosts\":[\"cdn.example.com:8443\",\"[2606:4700::1111]:444\",\"other.example.com\"]," CDN "}", 3 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_new(cases[i].version);

		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		assert_same_as_subscription(w, "no host");
		operate(w, "panel/api/hosts/add", cases[i].add);
		look_again(w);
		assert_int_equal(fw_number(w, "SELECT link LIKE '%@cdn.example.com:8443?%' AND link LIKE '%sni=front.example.com%' FROM accesses"), 1);
		assert_int_equal(fw_number(w, "SELECT length(link)-length(replace(link, 'vless://', 'vless:/')) FROM accesses"), cases[i].links);
		assert_same_as_subscription(w, cases[i].version);
		/* the list does not come: what was known stays */
		panel_sim_add_rule(w->sims[0], &(struct panel_rule){ .route = "hosts/list", .fault = PANEL_HTML_502 });
		look_again(w);
		assert_same_as_subscription(w, "502");
		/* it is refused: there are none */
		panel_sim_clear_rules(w->sims[0]);
		panel_sim_add_rule(w->sims[0], &(struct panel_rule){ .route = "hosts/list", .fault = PANEL_REFUSE, .text = "no" });
		look_again(w);
		assert_int_equal(fw_number(w, "SELECT link LIKE '%@vpn.example.com:20443?%' FROM accesses"), 1);
		panel_sim_clear_rules(w->sims[0]);
		look_again(w);
		assert_same_as_subscription(w, "listed again");
		operate(w, "panel/api/hosts/del/1", "");
		look_again(w);
		assert_same_as_subscription(w, "deleted");
		assert_int_equal(fw_number(w, "SELECT hosts IS NULL AND link LIKE '%@vpn.example.com:20443?%' FROM accesses JOIN inbounds USING(panel_id, inbound_id)"), 1);
		fw_free(w);
	}
}

static enum err take_sample(struct act *a, void *ctx)
{
	struct inbound_sample *sample = ctx;
	struct panel p;
	struct inbound in;

	assert_int_equal(panel_get(&p, a, 1), OK);
	assert_int_equal(inbound_get(&in, a, 1, 1), OK);
	assert_int_equal(inbound_sample(sample, a, &p, &in), OK);
	assert_true(str_is(sample->host, "cdn.example.com") && sample->port == 8443);
	return OK;
}

/* What an admin is shown and what is tried are the same addresses. */
static void test_hosts_in_sample(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");
	struct inbound_sample sample;

	(void)state;
	operate(w, "panel/api/hosts/add", "{\"inboundIds\":[1],\"hosts\":[\"cdn.example.com:8443\"]," CDN "}");
	assert_int_equal(core_do(w->core, ask_inbounds, &w->panel_ids[0]), OK);
	fw_run(w, 2000);
	assert_int_equal(core_do(w->core, take_sample, &sample), OK);
	fw_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_row_comes_first, "R036"),
		proves(test_created, "R036"),
		proves(test_life, "R004 R186"),
		proves(test_answers_lost, "B4 B5 B51"),
		proves(test_empty_500, "B21 R186"),
		proves(test_sessions_lost, "B18"),
		proves(test_kills, "R186 B1 B2"),
		proves(test_renewed_after_cut, "B52 B29"),
		proves(test_renewed_after_end, "B29"),
		proves(test_deleted, "R044 B46"),
		proves(test_deleted_by_hand, "R041"),
		proves(test_longer_by_hand, ""),
		proves(test_shorter_by_hand, ""),
		proves(test_paid_overrules, "R039 B20"),
		proves(test_disabled_by_hand, ""),
		proves(test_metered_stays_metered, "B30"),
		proves(test_name_taken, "R031 B22 B26"),
		proves(test_renamed, ""),
		proves(test_rename_answers_lost, "B4"),
		proves(test_rename_kills, ""),
		proves(test_rename_taken, ""),
		proves(test_rename_refused, ""),
		proves(test_rename_then_refunded, ""),
		proves(test_rename_among_ours, ""),
		proves(test_name_fits, ""),
		proves(test_moved, "R141"),
		proves(test_not_moved_when_unsure, "B51"),
		proves(test_refused_twice, "R140"),
		proves(test_down_for_a_day, "R098 R142"),
		proves(test_cannot_unmarshal, "R053"),
		proves(test_refusal, "R035"),
		proves(test_doubled, "B51"),
		proves(test_dropped, "B46"),
		proves(test_private_host, "B49"),
		proves(test_hosts, ""),
		proves(test_hosts_in_sample, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_kills*': that one alone */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
