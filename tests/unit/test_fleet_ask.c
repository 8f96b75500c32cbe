/* What admins ask of panels, and the minute watch. */
#include "tests/unit/fleet_world.h"

#define CUSTOMERS "http://vpn.example.com:20443"

struct asking {
	int64_t panel_id;
	enum panel_ask what;
};

static enum err ask(struct act *a, void *ctx)
{
	const struct asking *x = ctx;

	return panel_ask(a, x->panel_id, x->what, 77);
}

/* Whoever listens where customers connect to. */
static void nothing_to_say(void *model, const struct sim_request *request, struct sim_response *response)
{
	(void)model;
	(void)request;
	(void)response;
	fail_msg("only a connection was wanted");
}

static void asked(struct fleet_world *w, enum panel_ask what)
{
	struct asking x = { w->panel_ids[0], what };
	int before = w->answers;

	assert_int_equal(core_do(w->core, ask, &x), OK);
	fw_run(w, 90 * SECOND_MS);
	assert_int_equal(w->answers, before + 1);
	assert_int_equal(w->answer.what, what);
	assert_int_equal(w->answer.chat_id, 77);
}

static void test_trial(void **state)
{
	struct fleet_world *w = fw_new("3.0.2");

	(void)state;
	assert_int_equal(w->answers, 1);
	assert_true(w->answer.ok);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='ok' AND dialect='B' AND version='3.0.2'"), 1);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM inbounds WHERE protocol='vless' AND port=20443 AND enabled=1"), 1);
	assert_int_equal(fw_number(w, "SELECT sub_url LIKE 'http%/sub/' FROM panels"), 1);
	fw_free(w);
}

static enum err watch(struct act *a, void *ctx)
{
	(void)ctx;
	return fleet_watch(a);
}

struct by_token {
	struct panel_sim *sim;
	const char *create;          /* where this version makes tokens */
	int64_t panel_id;
};

static enum err add_with_token(struct act *a, void *ctx)
{
	struct panel_given given = { .url = "http://panel-1.test:2053", .allow_http = &(bool){ true } };
	struct by_token *x = ctx;
	struct sim_response r = { 0 };
	struct json_object *o;

	panel_sim_operator(x->sim, HTTP_POST, x->create, STR("{\"name\":\"bot\"}"), &r, a->arena);
	assert_int_equal(json_parse(&o, r.body), OK);
	given.token = str_dup(a->arena, json_str_at(o, "obj.token"));
	json_object_put(o);
	return panel_add(&x->panel_id, a, &given);
}

/* From 3.3.0 a token alone is told where the subscriptions are, at the trial and by the watch. Before, only a password is, and
 * the panel is not asked for what it would refuse. */
static void test_token_alone(void **state)
{
	static const struct { const char *version, *create; bool shows; } cases[] = {
		{ "3.0.2", "panel/setting/apiTokens/create", false }, { "3.1.0", "panel/setting/apiTokens/create", false },
		{ "3.3.1", "panel/api/setting/apiTokens/create", true }, { "3.6.0", "panel/api/setting/apiTokens/create", true },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_new(cases[i].version);
		struct by_token x = { .sim = w->sims[0], .create = cases[i].create };

		fw_do(w, "DELETE FROM panel_sessions; DELETE FROM inbounds; DELETE FROM panels");
		panel_sim_clear_counts(w->sims[0]);
		assert_int_equal(core_do(w->core, add_with_token, &x), OK);
		w->panel_ids[0] = x.panel_id;
		asked(w, ASK_TRIAL);
		assert_true(w->answer.ok);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE sub_url LIKE 'http%/sub/'"), cases[i].shows);
		fw_do(w, "UPDATE panels SET sub_url=NULL, refreshed_ms=0");
		assert_int_equal(core_do(w->core, watch, NULL), OK);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='ok' AND sub_url LIKE 'http%/sub/'"), cases[i].shows);
		assert_int_equal(panel_sim_count(w->sims[0], "defaultSettings"), cases[i].shows ? 2 : 0);
		assert_int_equal(panel_sim_count(w->sims[0], "login"), 0);
		fw_free(w);
	}
}

static enum err wrong_password(struct act *a, void *ctx)
{
	const struct panel_given g = { .password = "no-good-at-all" };

	(void)ctx;
	return panel_set(a, 1, &g);
}

/* Refused at the trial: nothing is sold from it, and the panel is not hammered by the watch. */
static void test_bad_password(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");

	(void)state;
	assert_int_equal(core_do(w->core, wrong_password, NULL), OK);
	asked(w, ASK_TRIAL);
	assert_false(w->answer.ok);
	assert_int_equal(w->answer.why, E_AUTH);
	assert_true(w->words[0] != '\0');
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='new'"), 1);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panel_sessions"), 0);
	panel_sim_clear_counts(w->sims[0]);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(core_do(w->core, watch, NULL), OK);
		fw_run(w, MINUTE_MS);
	}
	assert_int_equal(panel_sim_count(w->sims[0], "POST login"), 0);
	fw_free(w);
}

static enum err add_with_bad_password(struct act *a, void *ctx)
{
	const struct panel_given g = { .url = "http://panel-1.test:2053", .username = "admin", .password = "no-good-at-all", .allow_http = &(bool){ true } };

	return panel_add(ctx, a, &g);
}

/* A new panel is nobody's place to sell from until a trial login went well; with a wrong password none does. */
static void test_bad_password_of_a_new_panel(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");

	(void)state;
	fw_do(w, "DELETE FROM panel_sessions; DELETE FROM inbounds; DELETE FROM panels");
	assert_int_equal(core_do(w->core, add_with_bad_password, &w->panel_ids[0]), OK);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='new'"), 1);
	asked(w, ASK_TRIAL);
	assert_false(w->answer.ok);
	assert_int_equal(w->answer.why, E_AUTH);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='new' AND version IS NULL"), 1);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM inbounds"), 0);
	fw_free(w);
}

/* Which step of the test breaks, R147. */
static void test_steps(void **state)
{
	static const struct { const char *name, *sql; bool down, logged_in_breaks; size_t bad; enum err why; } cases[] = {
		{ "all is well", "SELECT 1", false, false, 5, OK },
		{ "no such name", "UPDATE panels SET url='http://nowhere.test'", false, false, 0, E_IO },
		{ "nobody listens", "SELECT 1", true, false, 1, E_IO },
		{ "wrong path", "UPDATE panels SET url=url || '/wrong'", false, false, 3, E_NOTFOUND },
		{ "no list", "SELECT 1", false, true, 4, E_IO },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct fleet_world *w = fw_new("3.6.0");
		struct panel_rule rule = { .route = "inbounds/list", .fault = PANEL_EMPTY_500 };

		fw_do(w, cases[i].sql);
		if (cases[i].logged_in_breaks)
			panel_sim_add_rule(w->sims[0], &rule);
		memnet_set_down(w->net, w->origins[0], cases[i].down);
		memnet_serve(w->net, CUSTOMERS, 0, nothing_to_say, NULL);
		asked(w, ASK_TEST);
		assert_int_equal(w->answer.steps_count, cases[i].why ? 5 : 6); /* the customers' address comes last */
		for (size_t s = 0; s < 5; s++)
			if (w->answer.steps[s].ok != (s < cases[i].bad) || (s > cases[i].bad && !w->answer.steps[s].skipped))
				fail_msg("%s: step %s", cases[i].name, w->answer.steps[s].name);
		if (w->answer.why != cases[i].why)
			fail_msg("%s: %s", cases[i].name, err_name(w->answer.why));
		fw_free(w);
	}
}

static void add_hysteria(struct fleet_world *w)
{
	static const char body[] = "{\"remark\":\"Fast\",\"enable\":true,\"listen\":\"\",\"port\":36712,\"protocol\":\"hysteria\",\"settings\":{\"version\":2,\"clients\":[]},"
		"\"streamSettings\":{\"network\":\"hysteria\",\"security\":\"tls\",\"tlsSettings\":{\"serverName\":\"vpn.example.com\"},\"hysteriaSettings\":{\"version\":2}},"
		"\"sniffing\":{},\"expiryTime\":0,\"total\":0}";
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };

	panel_sim_operator(w->sims[0], HTTP_POST, "panel/api/inbounds/add", str_of(body), &r, &arena);
	assert_true(str_has(r.body, "\"success\":true"));
	arena_release(&arena);
}

/* Where customers will connect to: tried after a test that went well, and a warning if nobody is there. */
static void test_customers_address(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");
	const struct panel_step *link = &w->answer.steps[5];

	(void)state;
	asked(w, ASK_TEST); /* no such name */
	assert_true(w->answer.ok);
	assert_int_equal(w->answer.steps_count, 6);
	assert_string_equal(link->name, "link");
	assert_false(link->ok || link->skipped);
	assert_true(str_starts(str_of(w->detail), "vpn.example.com:20443: "));
	assert_int_equal(fw_number(w, "SELECT count(*) FROM inbounds WHERE for_sale=1"), 1); /* it does not forbid */
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='ok' AND failures=0"), 1);
	memnet_serve(w->net, CUSTOMERS, 0, nothing_to_say, NULL);
	memnet_set_down(w->net, CUSTOMERS, true);
	asked(w, ASK_TEST);
	assert_false(link->ok);
	memnet_set_down(w->net, CUSTOMERS, false);
	asked(w, ASK_TEST);
	assert_true(link->ok && !link->skipped);
	assert_string_equal(w->detail, "vpn.example.com:20443");

	add_hysteria(w);
	fw_run(w, MINUTE_MS);
	asked(w, ASK_INBOUNDS);
	fw_do(w, "UPDATE inbounds SET for_sale = protocol LIKE 'hysteria%'");
	asked(w, ASK_TEST);
	assert_int_equal(w->answer.steps_count, 6);
	assert_string_equal(link->name, "link_udp");
	assert_true(link->skipped);
	assert_string_equal(w->detail, "vpn.example.com:36712");

	fw_do(w, "UPDATE inbounds SET for_sale=0");
	asked(w, ASK_TEST); /* nothing is sold: nothing to try */
	assert_int_equal(w->answer.steps_count, 5);
	fw_free(w);
}

struct crowd { int64_t panel_id; int chats; };

/* One job per chat, all in one commit. */
static enum err ask_for_all(struct act *a, void *ctx)
{
	const struct crowd *c = ctx;
	enum err e = OK;

	for (int i = 0; !e && i < c->chats; i++)
		e = panel_ask(a, c->panel_id, ASK_ONLINE, 1000 + i);
	return e;
}

/* Twenty calls at once on a session that is over, by our clock or because the panel has forgotten it: one of them logs in,
 * the others wait and use what it got. */
static void test_one_login_for_all(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.0.2", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);
		struct crowd crowd = { w->panel_ids[0], 20 };

		for (int forgotten = 0; forgotten < 2; forgotten++) {
			int before = w->answers;

			if (forgotten)
				panel_sim_drop_sessions(w->sims[0]);
			else
				fw_run(w, 2 * HOUR_MS); /* a login is used for one */
			panel_sim_clear_counts(w->sims[0]);
			assert_int_equal(core_do(w->core, ask_for_all, &crowd), OK);
			fw_run(w, MINUTE_MS);
			assert_int_equal(w->answers, before + crowd.chats);
			assert_true(w->answer.ok);
			if (panel_sim_count(w->sims[0], "POST login") != 1)
				fail_msg("%s: %zu logins", versions[i], panel_sim_count(w->sims[0], "POST login"));
			assert_true(panel_sim_count(w->sims[0], "onlines") >= (size_t)crowd.chats);
		}
		fw_free(w);
	}
}

static void test_online(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);
		char expected[100];

		asked(w, ASK_ONLINE);
		assert_string_equal(w->online, "[]");
		fw_sell(w);
		fw_reconcile(w);
		fw_run(w, 2000);
		memnet_advance_ms(w->net, 20 * SECOND_MS);
		panel_sim_advance(w->sims[0], memnet_now_ms(w->net));
		assert_true(panel_sim_use(w->sims[0], "anna_abcdefgh", 1000, 2000));
		memnet_advance_ms(w->net, 10 * SECOND_MS);
		panel_sim_advance(w->sims[0], memnet_now_ms(w->net));
		panel_sim_use(w->sims[0], "anna_abcdefgh", 1000, 2000);
		asked(w, ASK_ONLINE);
		snprintf(expected, sizeof expected, "[{\"inbound\":%lld,\"emails\":[\"anna_abcdefgh\"]}]", (long long)w->inbound_ids[0]);
		assert_string_equal(w->online, expected);
		assert_int_equal(fw_number(w, "SELECT online FROM panels"), 1);
		fw_free(w);
	}
}

static void assert_health(struct fleet_world *w, const char *authentication, bool responsive, const char *inbounds, const char *online, const char *backup)
{
	char sql[600];

	snprintf(sql, sizeof sql, "SELECT count(*) FROM panels WHERE json_extract(health, '$.authentication')='%s' AND json_extract(health, '$.api_responsive')=%d"
		" AND json_extract(health, '$.checks.inbounds')='%s' AND json_extract(health, '$.checks.online_clients')='%s'"
		" AND json_extract(health, '$.checks.backup_ready')='%s' AND json_extract(health, '$.time_ms')>0 AND json_extract(health, '$.url') LIKE 'http://%%'",
		authentication, responsive, inbounds, online, backup);
	if (!fw_number(w, sql)) {
		struct arena arena = { 0 };
		char *health = NULL;

		(void)db_get_text(&health, &arena, w->db, "SELECT health FROM panels");
		fail_msg("%s", health);
	}
}

static void test_health(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");
	struct panel_rule no = { .route = "onlines", .fault = PANEL_REFUSE, .text = "no" };

	(void)state;
	panel_sim_clear_counts(w->sims[0]);
	asked(w, ASK_HEALTH);
	assert_true(w->answer.ok);
	assert_health(w, "success", true, "pass", "pass", "pass");
	assert_int_equal(panel_sim_count(w->sims[0], "getDb"), 0);
	panel_sim_add_rule(w->sims[0], &no);
	asked(w, ASK_HEALTH);
	assert_false(w->answer.ok);
	assert_health(w, "success", true, "pass", "fail", "pass");
	memnet_set_down(w->net, w->origins[0], true);
	asked(w, ASK_HEALTH);
	assert_health(w, "success", false, "error", "error", "error");
	memnet_set_down(w->net, w->origins[0], false);
	assert_int_equal(core_do(w->core, wrong_password, NULL), OK);
	asked(w, ASK_HEALTH);
	assert_int_equal(w->answer.why, E_AUTH);
	assert_health(w, "failed", false, "fail", "error", "error"); /* the panel has answered: no */
	fw_free(w);
}

/* A minute's watch: state, one alert, one all-clear. */
static void test_watch(void **state)
{
	struct fleet_world *w = fw_new("2.9.4");

	(void)state;
	memnet_set_down(w->net, w->origins[0], true);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(core_do(w->core, watch, NULL), OK);
		fw_run(w, MINUTE_MS);
	}
	assert_string_equal(w->alert_keys, "+panel_down ");
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='down'"), 1);
	memnet_set_down(w->net, w->origins[0], false);
	panel_sim_seed(w->sims[0], "vless", 20444, "other", 7);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(core_do(w->core, watch, NULL), OK);
		fw_run(w, MINUTE_MS);
	}
	assert_string_equal(w->alert_keys, "+panel_down -panel_down ");
	assert_int_equal(fw_number(w, "SELECT clients FROM panels WHERE state='ok'"), 7);
	assert_int_equal(fw_number(w, "SELECT clients FROM inbounds WHERE port=20444"), 7);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), 0);
	fw_free(w);
}

static enum err set_anew(struct act *a, void *ctx)
{
	const struct fleet_world *w = ctx;
	enum err e = panel_set(a, w->panel_ids[0], &(struct panel_given){ .username = "admin", .password = PASSWORD });

	return e ? e : panel_ask(a, w->panel_ids[0], ASK_TRIAL, 77);
}

/* Its password was changed: the panel answers and does not let us in. One alert, nothing is sold from it, what is paid waits, and
 * it is not hammered. */
static void test_password_changed(void **state)
{
	static const struct panel_rule no = { .route = "POST login", .fault = PANEL_REFUSE, .text = "Invalid username or password or two-factor code." };

	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);

		panel_sim_add_rule(w->sims[0], &no);
		panel_sim_drop_sessions(w->sims[0]);
		panel_sim_clear_counts(w->sims[0]);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
		for (int k = 0; k < 10; k++) {
			assert_int_equal(core_do(w->core, watch, NULL), OK);
			fw_run(w, MINUTE_MS);
		}
		assert_string_equal(w->alert_keys, "+panel_login ");
		assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='down'"), 1);
		assert_int_equal(panel_sim_count(w->sims[0], "POST login"), 1);
		assert_true(w->waits > 0);
		panel_sim_clear_rules(w->sims[0]);
		for (int k = 0; k < 20; k++) {
			assert_int_equal(core_do(w->core, watch, NULL), OK);
			fw_run(w, MINUTE_MS);
		}
		assert_string_equal(w->alert_keys, "+panel_login -panel_login ");
		fw_assert_in_line(w, fw_versions[i]);
		fw_free(w);
	}
}

/* The same, and an admin enters what it is now, or where the panel is now: it is over at once, what is paid waits no longer, and
 * the next time is told again. */
static void test_mended_by_an_admin(void **state)
{
	static const struct panel_rule no = { .route = "POST login", .fault = PANEL_REFUSE, .text = "Invalid username or password or two-factor code." };
	static const char *const told[] = { "+panel_login ", "+panel_login -panel_login ", "+panel_login -panel_login +panel_login ",
		"+panel_down ", "+panel_down -panel_down ", "+panel_down -panel_down +panel_down " };

	(void)state;
	for (size_t i = 0; i < 2 * countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i / 2]);
		const char *const *now_told = told + i % 2 * 3;

		for (int again = 0; again < 2; again++) {
			if (i % 2) {
				panel_sim_set_down(w->sims[0], true);
			} else {
				panel_sim_add_rule(w->sims[0], &no);
				panel_sim_drop_sessions(w->sims[0]);
			}
			fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
			for (int k = 0; k < 10; k++) {
				assert_int_equal(core_do(w->core, watch, NULL), OK);
				fw_run(w, MINUTE_MS);
			}
			assert_string_equal(w->alert_keys, now_told[2 * again]);
			if (again)
				break;
			panel_sim_set_down(w->sims[0], false);
			panel_sim_clear_rules(w->sims[0]);
			assert_int_equal(core_do(w->core, set_anew, w), OK);
			fw_run(w, 5000);
			assert_string_equal(w->alert_keys, now_told[1]);
			fw_assert_in_line(w, fw_versions[i / 2]);
			assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts"), 0);
		}
		fw_free(w);
	}
}

static enum err clear_addresses(struct act *a, void *ctx)
{
	(void)ctx;
	return client_ask(a, 1, ASK_IPS_CLEAR, 77);
}

/* The panel says that it has forgotten them and has not: an admin reads what is left. */
static void test_cleared_is_looked_at(void **state)
{
	static const struct panel_rule lie = { .route = "lear", .fault = PANEL_WRONG_JSON, .text = "{\"success\":true,\"msg\":\"\",\"obj\":null}" };

	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);

		panel_sim_saw_ip(w->sims[0], "anna_abcdefgh", "203.0.113.7", memnet_now_ms(w->net));
		panel_sim_add_rule(w->sims[0], &lie);
		assert_int_equal(core_do(w->core, clear_addresses, NULL), OK);
		fw_run(w, 2000);
		assert_true(w->answer.ok && w->answer.what == ASK_IPS_CLEAR);
		assert_int_equal(w->answer.ips_count, 1);
		panel_sim_clear_rules(w->sims[0]);
		assert_int_equal(core_do(w->core, clear_addresses, NULL), OK);
		fw_run(w, 2000);
		assert_int_equal(w->answer.ips_count, 0);
		fw_free(w);
	}
}

/* Customers are given its subscription address where one listens there and they can reach it (B49). */
static void test_subscription_address(void **state)
{
	static const struct { const char *name, *uri, *kept; bool is_off; const char *host; } cases[] = {
		{ "its own", "https://sub.example.com/s/", "https://sub.example.com/s/", false, NULL },
		{ "without its last slash", "https://sub.example.com/s", "https://sub.example.com/s/", false, NULL },
		{ "switched off, and still written there", "https://sub.example.com/s/", "", true, NULL },
		{ "loopback", "http://127.0.0.1:2096/sub/", "", false, NULL },
		{ "private", "http://10.0.0.5:2096/sub/", "", false, NULL },
		{ "private, another one was typed", "http://10.0.0.5:2096/sub/", "", false, "10.0.0.6" },
		{ "private, and typed", "http://10.0.0.5:2096/sub/", "http://10.0.0.5:2096/sub/", false, "10.0.0.5" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		const struct panel_config config = { .user = "admin", .password = PASSWORD, .sub_uri = cases[i].uri };
		const struct panel_rule off = { .route = "defaultSettings", .fault = PANEL_WRONG_JSON, .text = "{\"success\":true,\"msg\":\"\",\"obj\":{\"subEnable\":false,\"subURI\":\"https://sub.example.com/s/\"}}" };
		struct fleet_world *w = fw_new(NULL);
		struct fw_adding adding = { w, 0 };
		char sql[300];

		w->panels_count = 1;
		snprintf(w->origins[0], sizeof w->origins[0], "http://panel-1.test:2053");
		w->sims[0] = panel_sim_new("3.6.0", &config);
		memnet_serve(w->net, w->origins[0], 0, panel_sim_handle, w->sims[0]);
		if (cases[i].is_off)
			panel_sim_add_rule(w->sims[0], &off);
		assert_int_equal(core_do(w->core, fw_add_row, &adding), OK);
		fw_run(w, 2000);
		snprintf(sql, sizeof sql, "UPDATE panels SET host=%s%s%s, sub_url='stale', refreshed_ms=0", cases[i].host ? "'" : "", cases[i].host ? cases[i].host : "NULL", cases[i].host ? "'" : "");
		fw_do(w, sql);
		assert_int_equal(core_do(w->core, watch, NULL), OK);
		fw_run(w, MINUTE_MS);
		snprintf(sql, sizeof sql, "SELECT count(*) FROM panels WHERE coalesce(sub_url, '')='%s'", cases[i].kept);
		if (!fw_number(w, sql))
			fail_msg("%s", cases[i].name);
		fw_free(w);
	}
}

/* Somebody else's pages stand at its address, all of them with status 200: that is no panel any more. */
static void test_web_page(void **state)
{
	static const struct panel_rule page = { .fault = PANEL_WRONG_JSON, .text = "<!doctype html><html><body>hello</body></html>" };

	(void)state;
	for (size_t i = 0; i < countof(fw_versions); i++) {
		struct fleet_world *w = fw_sold(fw_versions[i]);

		panel_sim_add_rule(w->sims[0], &page);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
		for (int k = 0; k < 5; k++) {
			assert_int_equal(core_do(w->core, watch, NULL), OK);
			fw_run(w, MINUTE_MS);
		}
		assert_string_equal(w->alert_keys, "+panel_down ");
		assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='down'"), 1);
		assert_true(w->waits > 0);
		panel_sim_clear_rules(w->sims[0]);
		assert_int_equal(core_do(w->core, watch, NULL), OK);
		fw_run(w, 10 * MINUTE_MS);
		assert_string_equal(w->alert_keys, "+panel_down -panel_down ");
		fw_assert_in_line(w, fw_versions[i]);
		fw_free(w);
	}
}

/* An inbound that was deleted on the panel is no longer there to be sold. */
static void test_inbound_gone(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };
	char path[100];

	(void)state;
	snprintf(path, sizeof path, "panel/api/inbounds/del/%lld", (long long)w->inbound_ids[0]);
	panel_sim_operator(w->sims[0], HTTP_POST, path, STR(""), &r, &arena);
	arena_release(&arena);
	asked(w, ASK_INBOUNDS);
	assert_int_equal(fw_number(w, "SELECT gone FROM inbounds"), 1);
	fw_free(w);
}

/* A version nobody has seen yet is a warning, not a crash, and said once (R022). */
static void test_unknown_version(void **state)
{
	struct fleet_world *w = fw_new("3.9.0");

	(void)state;
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE version='3.9.0' AND state='ok'"), 1);
	assert_string_equal(w->alert_keys, "+panel_version ");
	asked(w, ASK_TEST);
	asked(w, ASK_INBOUNDS);
	assert_string_equal(w->alert_keys, "+panel_version ");
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 2000);
	fw_assert_in_line(w, "sold");
	fw_free(w);
}

static enum err look_due(struct act *a, void *ctx)
{
	(void)ctx;
	return fleet_look_due(a);
}

/* Usage comes with the regular looks; what was looked at a moment ago is left alone. */
static void test_look_due(void **state)
{
	struct fleet_world *w = fw_new("3.6.0");

	(void)state;
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 2000);
	panel_sim_set_traffic(w->sims[0], "anna_abcdefgh", 3, 4);
	assert_int_equal(core_do(w->core, look_due, NULL), OK);
	fw_run(w, 2000);
	assert_int_equal(w->up_bytes, 0);
	fw_run(w, HOUR_MS);
	assert_int_equal(core_do(w->core, look_due, NULL), OK);
	fw_run(w, 2000);
	assert_int_equal(w->up_bytes, 3);
	assert_int_equal(w->down_bytes, 4);
	assert_int_equal(w->ready, 1);
	fw_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_trial, "B17"),
		proves(test_token_alone, ""),
		proves(test_bad_password, "R017"),
		proves(test_bad_password_of_a_new_panel, "R017"),
		proves(test_steps, ""),
		proves(test_customers_address, "B49"),
		proves(test_one_login_for_all, "R013"),
		proves(test_online, ""),
		proves(test_health, "R092 R093 R094 R095"),
		proves(test_watch, "R098 R142"),
		proves(test_password_changed, ""),
		proves(test_mended_by_an_admin, "R098"),
		proves(test_cleared_is_looked_at, ""),
		proves(test_subscription_address, ""),
		proves(test_web_page, ""),
		proves(test_inbound_gone, ""),
		proves(test_unknown_version, "B17"),
		proves(test_look_due, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
