/* What people change by hand on the panel: larger is ours from then on, smaller is told, what is paid for goes on. */
#include "tests/unit/fleet_world.h"

#include "tests/story/operator.h"

/* A person edits our client in the panel's own pages. */
static void operator_edits(struct fleet_world *w, int64_t expiry_ms, int64_t total, bool enable)
{
	char body[1000];

	snprintf(body, sizeof body, "{\"id\":\"" UUID_1 "\",\"email\":\"anna_abcdefgh\",\"limitIp\":2,\"totalGB\":%lld,\"expiryTime\":%lld,\"enable\":%s,\"tgId\":4242,"
		"\"subId\":\"subidsubidsubid00001\",\"comment\":\"mine\",\"reset\":0,\"flow\":\"\"}", (long long)total, (long long)expiry_ms, enable ? "true" : "false");
	fw_operate(w, "panel/api/clients/update/anna_abcdefgh", body);
}

/* Deleted by hand, then renewed: there again with the same UUID, and the admins know (R041). */
static void test_deleted_by_hand(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");

	(void)state;
	fw_operate(w, "panel/api/clients/del/anna_abcdefgh", "");
	assert_int_equal(fw_client(w, 0).count, 0);
	fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
	fw_run(w, MINUTE_MS);
	fw_assert_in_line(w, "again");
	assert_string_equal(w->alert_keys, "+drift ");
	fw_free(w);
}

static enum err drop_first(struct act *a, void *ctx)
{
	(void)ctx;
	return access_drop(a, 1, JOB_PERSON);
}

/* The same in the run that switches off another place of it, which the panel does not delete: that one was ours to take away,
 * this one was not. */
static void test_deleted_by_hand_beside_one_that_goes(void **state)
{
	struct fleet_world *w = fw_sold("2.8.5");
	int64_t other = panel_sim_seed(w->sims[0], "vless", 20444, "other", 3);
	struct panel_client_view c;
	char sql[300];

	(void)state;
	snprintf(sql, sizeof sql, "INSERT INTO accesses(id, subscription_id, panel_id, inbound_id, email, created_ms, updated_ms) SELECT 2, 1, panel_id, %lld, 'anna_other', 1, 1 FROM accesses", (long long)other);
	fw_do(w, sql);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_true(panel_sim_find_client(&c, w->sims[0], other, "anna_other"));
	assert_true(operator_deletes(w->sims[0], "2.8.5", &c));
	assert_int_equal(core_do(w->core, drop_first, NULL), OK);
	fw_run(w, MINUTE_MS);
	assert_true(panel_sim_find_client(&c, w->sims[0], w->inbound_ids[0], "anna_abcdefgh"));
	assert_false(c.enable);
	assert_true(panel_sim_find_client(&c, w->sims[0], other, "anna_other"));
	assert_true(c.enable);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE access_id=2 AND field='exists'"), 1);
	fw_free(w);
}

static void test_longer_by_hand(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");

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

/* It had ended here; whoever lengthens it on the panel has it go on, with reminders of the new end (not if its owner is banned). */
static void test_longer_when_over(void **state)
{
	(void)state;
	for (int banned = 0; banned <= 1; banned++) {
		struct fleet_world *w = fw_sold("3.6.0");

		fw_want(w, "UPDATE subscriptions SET enabled=0, expires_ms=created_ms WHERE id=1");
		if (banned)
			fw_want(w, "UPDATE subscriptions SET ban_stopped=1 WHERE id=1");
		fw_run(w, MINUTE_MS);
		assert_false(fw_client(w, 0).client.enable);
		operator_edits(w, START_MS + 35 * DAY_MS, 10 * GIB, false);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT expires_ms FROM subscriptions"), START_MS + 35 * DAY_MS);
		assert_int_equal(fw_number(w, "SELECT enabled FROM subscriptions"), !banned);
		assert_int_equal(fw_number(w, "SELECT remind_ms FROM subscriptions"), START_MS + 32 * DAY_MS);
		fw_assert_in_line(w, "goes on");
		fw_free(w);
	}
}

/* Another subscription id by hand: the address that people have would be empty, so it gets its own again. */
static void test_other_keys_by_hand(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");
	char body[500];

	(void)state;
	snprintf(body, sizeof body, "{\"id\":\"" UUID_1 "\",\"email\":\"anna_abcdefgh\",\"limitIp\":2,\"totalGB\":%lld,\"expiryTime\":%lld,\"enable\":true,"
		"\"tgId\":4242,\"subId\":\"byhandbyhandbyhand01\",\"comment\":\"mine\",\"reset\":0,\"flow\":\"\"}", (long long)(10 * GIB), (long long)(START_MS + 30 * DAY_MS));
	fw_operate(w, "panel/api/clients/update/anna_abcdefgh", body);
	assert_string_equal(fw_client(w, 0).sub_id, "byhandbyhandbyhand01");
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_client(w, 0).count, 1);
	assert_string_equal(fw_client(w, 0).sub_id, "subidsubidsubid00001");
	assert_string_equal(fw_client(w, 0).id, UUID_1);
	fw_assert_in_line(w, "its own keys");
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
	struct fleet_world *w = fw_sold("3.6.0");
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

/* In any dialect, whatever the panel's own pages show. */
static void operator_sets(struct fleet_world *w, const char *version, int64_t expiry_ms, int64_t total)
{
	struct fw_found f = fw_client(w, 0);
	struct operator_edit e = operator_sees(&f.client);

	f.client.email = str_of(f.email);
	f.client.id = str_of(f.id);
	f.client.sub_id = str_of(f.sub_id);
	e.comment = "obol:SUBSCR0001";
	e.expiry_ms = expiry_ms;
	e.total_bytes = total;
	assert_true(operator_saves(w->sims[0], version, &f.client, &e));
}

static enum err say_rename(struct act *a, void *ctx)
{
	(void)ctx;
	return access_rename(a, 1, STR("anna_home"));
}

#define OTHER_KEYS "UPDATE subscriptions SET uuid='22222222-aaaa-4aaa-8aaa-000000000002', sub_id='subidsubidsubid00002' WHERE id=1"

/* What waits for a person goes on waiting, whatever else is written meanwhile: another name, other keys, an update that is due. */
static void test_left_by_other_writes(void **state)
{
	static const int64_t quotas[] = { 5 * GIB, 0 };

	(void)state;
	for (size_t i = 0; i < 3 * countof(quotas) * countof(fw_versions); i++) {
		const char *version = fw_versions[i / 3 / countof(quotas)];
		const int64_t quota = quotas[i / 3 % countof(quotas)];
		struct fleet_world *w = fw_sold(version);
		struct fw_found f;
		int64_t id;

		operator_sets(w, version, START_MS + 10 * DAY_MS, quota);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE state='open'"), 2);
		if (i % 3 == 0)
			assert_int_equal(core_do(w->core, say_rename, NULL), OK);
		else if (i % 3 == 1)
			fw_want(w, OTHER_KEYS);
		else
			fw_do(w, "UPDATE accesses SET update_due=1");
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		f = fw_client(w, 0);
		if (f.count != 1 || f.client.expiry_ms != START_MS + 10 * DAY_MS || f.client.total_bytes != quota || f.client.row_total_bytes != quota)
			fail_msg("%s, %zu: until %lld, quota %lld", version, i % 3, (long long)f.client.expiry_ms, (long long)f.client.total_bytes);
		assert_int_equal(strcmp(f.email, "anna_home") == 0, i % 3 == 0);
		assert_int_equal(strcmp(f.sub_id, "subidsubidsubid00002") == 0, i % 3 == 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts"), 2);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE state='open'"), 2);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		assert_string_equal(w->alert_keys, "+drift ");
		/* a word about one of them is none about the other */
		id = fw_number(w, "SELECT id FROM drifts WHERE field='quota'");
		assert_int_equal(core_do(w->core, say_repair, &id), OK);
		fw_run(w, MINUTE_MS);
		f = fw_client(w, 0);
		assert_int_equal(f.client.total_bytes, 10 * GIB);
		assert_int_equal(f.client.expiry_ms, START_MS + 10 * DAY_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE state='open' AND field='until'"), 1);
		fw_free(w);
	}
}

/* A ban gives nothing, and neither does its end. */
static void test_left_by_a_ban(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);

		operator_sets(w, fw_versions[i], START_MS + 10 * DAY_MS, 5 * GIB);
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		for (int on = 0; on < 2; on++) {
			struct panel_client_view c;

			fw_want(w, on ? "UPDATE subscriptions SET enabled=1 WHERE id=1" : "UPDATE subscriptions SET enabled=0 WHERE id=1");
			fw_run(w, MINUTE_MS);
			c = fw_client(w, 0).client;
			if (c.enable != on || c.expiry_ms != START_MS + 10 * DAY_MS || c.total_bytes != 5 * GIB)
				fail_msg("%s: %d, until %lld, quota %lld", fw_versions[i], c.enable, (long long)c.expiry_ms, (long long)c.total_bytes);
			assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE state='open'"), 2);
		}
		assert_string_equal(w->alert_keys, "+drift ");
		fw_free(w);
	}
}

/* The customer was refunded before anybody said a word about it: nothing is left to decide, and the next change is told. */
static void test_left_and_gone(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");

	(void)state;
	operator_edits(w, START_MS + 10 * DAY_MS, 10 * GIB, true);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	assert_string_equal(w->alert_keys, "+drift ");
	assert_int_equal(core_do(w->core, drop_first, NULL), OK);
	fw_run(w, MINUTE_MS);
	assert_int_equal(fw_client(w, 0).count, 0);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts WHERE state='open'"), 0);
	assert_string_equal(w->alert_keys, "+drift -drift ");
	fw_free(w);
}

/* Traffic given anew to who is used up, or banned: what the panel makes of our reset is nobody's doing by hand, and no write
 * switches on who is to stay off. */
static void test_reset_is_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * countof(fw_versions); i++) {
		const char *version = fw_versions[i / 2], *update = fw_has_records(version) ? "POST panel/api/clients/update" : "updateClient";
		struct fleet_world *w = fw_sold(version);
		bool banned = i % 2;

		if (banned)
			fw_want(w, "UPDATE subscriptions SET enabled=0 WHERE id=1");
		else
			panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 6 * GIB, 6 * GIB);
		fw_run(w, MINUTE_MS);
		panel_sim_clear_counts(w->sims[0]);
		fw_want(w, "UPDATE subscriptions SET reset_rev=reset_rev+1 WHERE id=1");
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, version);
		assert_int_equal(fw_client(w, 0).client.enable, !banned);
		assert_int_equal(fw_client(w, 0).client.up, 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts"), 0);
		assert_string_equal(w->alert_keys, "");
		if (banned)
			assert_int_equal(panel_sim_count(w->sims[0], update), 1);
		fw_free(w);
	}
}

/* Shorter by hand, and the customer pays: what was paid for goes on regardless. */
static void test_paid_overrules(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");

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

/* The same while the panel is away: an admin who now adopts what was seen before must not take away what was paid for. */
static void test_adopted_too_late(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");
	int64_t id, until_ms;

	(void)state;
	operator_edits(w, START_MS + 10 * DAY_MS, 10 * GIB, true);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	id = fw_number(w, "SELECT id FROM drifts WHERE state='open' AND field='until'");
	assert_true(id > 0);
	panel_sim_set_down(w->sims[0], true);
	fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
	fw_run(w, MINUTE_MS);
	until_ms = fw_number(w, "SELECT expires_ms FROM subscriptions");
	assert_int_equal(core_do(w->core, say_adopt, &id), E_NOTFOUND);
	assert_int_equal(fw_number(w, "SELECT expires_ms FROM subscriptions"), until_ms);
	fw_free(w);
}

/* The same about a quota: what was seen before the payment must not become what is wanted after it. */
static void test_quota_adopted_too_late(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");
	int64_t id;

	(void)state;
	operator_edits(w, START_MS + 30 * DAY_MS, 5 * GIB, true);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	id = fw_number(w, "SELECT id FROM drifts WHERE state='open' AND field='quota'");
	assert_true(id > 0);
	panel_sim_set_down(w->sims[0], true);
	fw_want(w, "UPDATE subscriptions SET quota_bytes=quota_bytes*2 WHERE id=1");
	fw_run(w, MINUTE_MS);
	assert_int_equal(core_do(w->core, say_adopt, &id), E_NOTFOUND);
	assert_int_equal(fw_number(w, "SELECT quota_bytes FROM subscriptions"), 20 * GIB);
	fw_free(w);
}

/* Fewer devices by hand, and a person has them set right. */
static void test_fewer_devices(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);
		struct fw_found f = fw_client(w, 0);
		struct operator_edit e = operator_sees(&f.client);
		int64_t id;

		f.client.email = str_of(f.email);
		f.client.id = str_of(f.id);
		f.client.sub_id = str_of(f.sub_id);
		f.client.limit_ip = 1;
		e.comment = "obol:SUBSCR0001";
		assert_true(operator_saves(w->sims[0], fw_versions[i], &f.client, &e));
		fw_reconcile(w);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_client(w, 0).client.limit_ip, 1);
		id = fw_number(w, "SELECT id FROM drifts WHERE state='open' AND field='devices'");
		assert_int_equal(core_do(w->core, say_repair, &id), OK);
		fw_run(w, MINUTE_MS);
		fw_assert_in_line(w, fw_versions[i]);
		assert_string_equal(w->alert_keys, "+drift -drift ");
		fw_free(w);
	}
}

/* Who has used all of it to the byte is cut off by the panel, not by hand. */
static void test_used_up_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);

		panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 5 * GIB, 5 * GIB);
		fw_run(w, MINUTE_MS);
		assert_false(fw_client(w, 0).client.in_xray);
		fw_reconcile(w);
		fw_run(w, 25 * HOUR_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM drifts"), 0);
		assert_false(fw_client(w, 0).client.in_xray);
		assert_string_equal(w->alert_keys, "");
		fw_free(w);
	}
}

/* Off in the accounting alone although nothing is used up: an update lets them in. (2.8.x shows the settings' word for it.) */
static void test_row_alone_is_off(void **state)
{
	struct fleet_world *w = fw_sold("2.9.2");

	(void)state;
	panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 6 * GIB, 6 * GIB);
	fw_run(w, MINUTE_MS);
	assert_false(fw_client(w, 0).client.in_xray);
	panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 100, 200); /* by hand, in the panel's pages */
	fw_run(w, MINUTE_MS);
	assert_true(fw_client(w, 0).client.enable && !fw_client(w, 0).client.row_enable);
	fw_reconcile(w);
	fw_run(w, MINUTE_MS);
	fw_assert_in_line(w, "let in");
	fw_free(w);
}

static void test_disabled_by_hand(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");

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
	struct fleet_world *w = fw_sold("3.6.0");
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

/* Without limit is what was paid for last, though it was ordered first: that is written. */
static void test_unlimited_paid_last(void **state)
{
	struct fleet_world *w = fw_sold("3.6.0");

	(void)state;
	fw_want(w, "INSERT INTO orders(id, public_id, user_id, kind, plan_id, subscription_id, state, plan_name, days, quota_bytes, limit_ip, reset_days, early, target_rev, created_ms, expires_ms)"
		" VALUES(1, 'AAAAAAAAAA', 1, 'renew', 1, 1, 'paid', 'Ever', 30, 0, 2, 0, 'keep', 3, 1, 1), (2, 'BBBBBBBBBB', 1, 'renew', 1, 1, 'delivered', 'Month', 30, 1000, 2, 0, 'keep', 2, 1, 1)");
	fw_want(w, "UPDATE subscriptions SET quota_bytes=0 WHERE id=1");
	fw_run(w, MINUTE_MS);
	fw_assert_in_line(w, "without limit");
	fw_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_deleted_by_hand, "R041"),
		proves(test_deleted_by_hand_beside_one_that_goes, ""),
		proves(test_longer_by_hand, ""),
		proves(test_longer_when_over, ""),
		proves(test_other_keys_by_hand, ""),
		proves(test_shorter_by_hand, ""),
		proves(test_left_by_other_writes, ""),
		proves(test_left_by_a_ban, ""),
		proves(test_left_and_gone, ""),
		proves(test_reset_is_ours, ""),
		proves(test_adopted_too_late, ""),
		proves(test_quota_adopted_too_late, ""),
		proves(test_fewer_devices, ""),
		proves(test_used_up_exactly, ""),
		proves(test_row_alone_is_off, ""),
		proves(test_paid_overrules, "R039 B20"),
		proves(test_disabled_by_hand, ""),
		proves(test_unlimited_paid_last, ""),
		proves(test_metered_stays_metered, "B30"),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
