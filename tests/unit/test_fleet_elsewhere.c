/* Clients of 3.1 and later that stand where we did not put them: moved to another inbound by hand, or left there when their
 * panel was removed from the shop. */
#include "tests/unit/fleet_world.h"

#include "tests/story/operator.h"

static const char *const versions[] = { "3.1.0", "3.3.1", "3.6.0" };

static int64_t add_inbound(struct fleet_world *w)
{
	int64_t id = operator_adds_inbound(w->sims[0], "vless", 20500, NULL, NULL);

	assert_true(id > 0 && id != w->inbound_ids[0]);
	return id;
}

static void operator_renames(struct fleet_world *w, const char *version, const char *email)
{
	struct fw_found f = fw_client(w, 0);
	struct operator_edit e = operator_sees(&f.client);

	f.client.email = str_of(f.email);
	f.client.id = str_of(f.id);
	f.client.sub_id = str_of(f.sub_id);
	e.comment = "obol:SUBSCR0001";
	e.email = email;
	assert_true(operator_saves(w->sims[0], version, &f.client, &e));
}

/* Into another inbound, out of ours, and perhaps called otherwise there. */
static int64_t operator_moves(struct fleet_world *w, const char *version, bool renames)
{
	int64_t to = add_inbound(w);
	char body[100];

	snprintf(body, sizeof body, "{\"inboundIds\":[%lld]}", (long long)to);
	fw_operate(w, "panel/api/clients/anna_abcdefgh/attach", body);
	snprintf(body, sizeof body, "{\"inboundIds\":[%lld]}", (long long)w->inbound_ids[0]);
	fw_operate(w, "panel/api/clients/anna_abcdefgh/detach", body);
	if (renames)
		operator_renames(w, version, "anna_by_hand");
	assert_int_equal(fw_client(w, 0).client.inbound_id, to);
	return to;
}

#define NEW_KEYS "UPDATE subscriptions SET uuid='22222222-aaaa-4aaa-8aaa-000000000002', password='ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=', sub_id='subidsubidsubid00002' WHERE id=1;"

static enum err drop(struct act *a, void *ctx)
{
	(void)ctx;
	return access_drop(a, 1, JOB_PERSON);
}

/* Refunded, given up, a new link: whoever has the old keys does not live on in the other inbound. */
static void test_moved_by_hand_and_gone(void **state)
{
	static const struct { const char *name, *sql; bool drops; size_t left; } ways[] = {
		{ "refunded", "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1", false, 0 },
		{ "given up", "", true, 0 },
		{ "new link", NEW_KEYS
		  "INSERT INTO accesses(id, subscription_id, panel_id, inbound_id, email, created_ms, updated_ms) SELECT 2, 1, panel_id, inbound_id, 'anna_other', 1, 1 FROM accesses WHERE id=1", true, 1 },
	};

	(void)state;
	for (size_t i = 0; i < countof(versions) * countof(ways) * 2; i++) {
		const char *version = versions[i / 2 / countof(ways)];
		size_t way = i / 2 % countof(ways);
		struct fleet_world *w = fw_sold(version);
		struct fw_found f;

		operator_moves(w, version, i % 2);
		fw_want(w, ways[way].sql);
		if (ways[way].drops)
			assert_int_equal(core_do(w->core, drop, NULL), OK);
		fw_run(w, MINUTE_MS);
		f = fw_client(w, 0);
		if (f.count != ways[way].left || (f.count && strcmp(f.id, "22222222-aaaa-4aaa-8aaa-000000000002")))
			fail_msg("%s, %s: %zu left, %s", version, ways[way].name, f.count, f.id);
		assert_int_equal(fw_number(w, "SELECT seen_exists FROM accesses WHERE id=1"), 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_free(w);
	}
}

/* Other keys for the same client: they change where it stands, and then it stands where it was sold, too. */
static void test_moved_by_hand_and_other_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_sold(versions[i]);
		struct panel_client_view c;

		operator_moves(w, versions[i], false);
		fw_want(w, NEW_KEYS);
		fw_run(w, MINUTE_MS);
		assert_true(panel_sim_find_client(&c, w->sims[0], w->inbound_ids[0], "anna_abcdefgh"));
		assert_true(str_is(c.id, "22222222-aaaa-4aaa-8aaa-000000000002"));
		assert_int_equal(fw_client(w, 0).count, 2);
		assert_string_equal(fw_client(w, 0).id, "22222222-aaaa-4aaa-8aaa-000000000002");
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id WHERE x.done_rev=s.revision"), 1);
		fw_free(w);
	}
}

/* Renewed: it is there where it was sold, with what was paid for, under whatever name. */
static void test_moved_by_hand_and_paid(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * countof(versions); i++) {
		struct fleet_world *w = fw_sold(versions[i / 2]);
		struct panel_client_view c;

		operator_moves(w, versions[i / 2], i % 2);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
		fw_run(w, MINUTE_MS);
		assert_true(panel_sim_find_client(&c, w->sims[0], w->inbound_ids[0], i % 2 ? "anna_by_hand" : "anna_abcdefgh"));
		assert_int_equal(c.expiry_ms, START_MS + 60 * DAY_MS);
		assert_true(c.in_xray);
		assert_int_equal(fw_client(w, 0).client.expiry_ms, START_MS + 60 * DAY_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id WHERE x.done_rev=s.revision AND x.link LIKE '%:20443?%'"), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts WHERE text_key='order_stuck'"), 0);
		fw_free(w);
	}
}

/* Ours is deleted by hand, and the operator's own client stands in another inbound under the same subscription id: theirs stays as
 * it is, and ours is made anew. 3.2.5 and later take no second client under a subscription id. */
static void test_operators_own_beside_it(void **state)
{
	struct fleet_world *w = fw_sold("3.1.0");
	struct fw_found ours = fw_client(w, 0);
	struct panel_client_view theirs;
	char body[400];

	(void)state;
	snprintf(body, sizeof body, "{\"client\":{\"id\":\"" FW_OTHER_UUID "aa\",\"email\":\"his_phone\",\"limitIp\":0,\"totalGB\":0,\"expiryTime\":0,\"enable\":true,\"tgId\":0,"
		"\"subId\":\"%s\",\"comment\":\"\",\"reset\":0,\"flow\":\"\"},\"inboundIds\":[%lld]}", ours.sub_id, (long long)add_inbound(w));
	fw_operate(w, "panel/api/clients/add", body);
	ours.client.email = str_of(ours.email);
	ours.client.id = str_of(ours.id);
	ours.client.sub_id = str_of(ours.sub_id);
	assert_true(operator_deletes(w->sims[0], "3.1.0", &ours.client));
	fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
	fw_run(w, MINUTE_MS);
	assert_true(panel_sim_find_client(&theirs, w->sims[0], 0, "his_phone"));
	assert_true(str_is(theirs.id, FW_OTHER_UUID "aa"));
	assert_int_equal(theirs.expiry_ms, 0);
	assert_true(panel_sim_find_client(&theirs, w->sims[0], w->inbound_ids[0], "anna_abcdefgh"));
	assert_int_equal(theirs.expiry_ms, START_MS + 60 * DAY_MS);
	fw_free(w);
}

struct again { struct fleet_world *w; int64_t inbound_id; };

static enum err sell_again(struct act *a, void *ctx)
{
	const struct again *x = ctx;
	int64_t id;
	enum err e = panel_delete(a, x->w->panel_ids[0], true);
	struct fw_adding adding = { x->w, 0 };

	if (!e)
		e = fw_add_row(a, &adding);
	if (!e)
		e = db_run(a->tx, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000, revision=revision+1 WHERE id=1");
	if (!e)
		e = access_add(&id, a, 1, (struct place){ x->w->panel_ids[0], x->inbound_id }, STR("anna"));
	return e ? e : fleet_reconcile(a, 1, JOB_MONEY);
}

/* Its panel was removed and added again, and who renews is given another inbound there: 3.2.5 and later have one client of a
 * subscription id, which is the one that is there already. */
static void test_added_again_elsewhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_sold(versions[i]);
		struct again again = { w, add_inbound(w) };
		struct panel_client_view c;

		assert_int_equal(core_do(w->core, sell_again, &again), OK);
		fw_run(w, MINUTE_MS);
		assert_true(panel_sim_find_client(&c, w->sims[0], again.inbound_id, "anna_abcdefgh"));
		assert_int_equal(c.expiry_ms, START_MS + 60 * DAY_MS);
		assert_int_equal(c.row_expiry_ms, START_MS + 60 * DAY_MS);
		assert_int_equal(fw_client(w, 0).count, 2); /* one client in two inbounds */
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id WHERE x.deleted_ms=0 AND x.done_rev=s.revision AND x.link LIKE '%:20500?%'"), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts"), 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
		fw_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_moved_by_hand_and_gone, "B46"),
		proves(test_moved_by_hand_and_other_keys, ""),
		proves(test_moved_by_hand_and_paid, ""),
		proves(test_operators_own_beside_it, ""),
		proves(test_added_again_elsewhere, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests_name("fleet_elsewhere", tests, NULL, NULL);
}
