/* Panels as rows: what is sealed, what is kept of sessions, what is refused. */
#include "tests/unit/fleet_world.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/story/operator.h"

static const bool yes = true;

/* --- rows --- */

struct given {
	struct panel_given g;
	int64_t id;
};

static enum err add(struct act *a, void *ctx)
{
	struct given *x = ctx;

	return panel_add(&x->id, a, &x->g);
}

static enum err set(struct act *a, void *ctx)
{
	struct given *x = ctx;

	return panel_set(a, x->id, &x->g);
}

static void test_addresses(void **state)
{
	static const struct { const char *url; bool allow_http; enum err err; const char *kept; } cases[] = {
		{ "https://panel.example.com:2053/secret/", false, OK, "https://panel.example.com:2053/secret" },
		{ "  https://[2001:db8::1]:2053  ", false, OK, "https://[2001:db8::1]:2053" },
		{ "http://panel.example.com", true, OK, "http://panel.example.com" },
		{ "http://panel.example.com", false, E_REFUSED, NULL },
		{ "panel.example.com", true, E_INVALID, NULL },
		{ "ftp://panel.example.com", true, E_INVALID, NULL },
		{ "https://", false, E_INVALID, NULL },
		{ "https://user@panel.example.com", false, E_INVALID, NULL },
		{ "https://panel.example.com/a b", false, E_INVALID, NULL },
		{ "https://panel.example.com/?x=1", false, E_INVALID, NULL },
		{ "", false, E_INVALID, NULL },
	};
	struct fleet_world *w = fw_new(NULL);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct given x = { .g = { .url = cases[i].url, .allow_http = &cases[i].allow_http } };
		char sql[300];

		if (core_do(w->core, add, &x) != cases[i].err)
			fail_msg("%s", cases[i].url);
		if (cases[i].err)
			continue;
		snprintf(sql, sizeof sql, "SELECT count(*) FROM panels WHERE id=%lld AND url='%s' AND state='new'", (long long)x.id, cases[i].kept);
		assert_int_equal(fw_number(w, sql), 1);
	}
	fw_free(w);
}

/* The marker is nowhere in the bytes of the database, its log included; and nobody else may read them. */
static void assert_nowhere(struct fleet_world *w, const char *marker)
{
	static const char *const ends[] = { "", "-wal" };

	for (size_t i = 0; i < countof(ends); i++) {
		char path[128], *bytes;
		struct stat st;
		int fd;

		snprintf(path, sizeof path, "%s%s", w->database, ends[i]);
		fd = open(path, O_RDONLY);
		assert_true(fd >= 0 && fstat(fd, &st) == 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		bytes = xmalloc((size_t)st.st_size + 1);
		assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
		if (st.st_size && memmem(bytes, (size_t)st.st_size, marker, strlen(marker)))
			fail_msg("%s is in %s", marker, path);
		free(bytes);
		close(fd);
	}
}

static enum err read_back(struct act *a, void *ctx)
{
	struct job job = { 0 };
	struct work w;
	enum err e = work_open(&w, a, &job, *(int64_t *)ctx);

	assert_int_equal(e, OK);
	assert_string_equal(w.panel.username, "MARKER-user");
	assert_string_equal(w.panel.password, "MARKER-pass");
	assert_string_equal(w.panel.token, "MARKER-token");
	assert_string_equal(w.panel.totp_secret, "MARKERTOTP");
	arena_release(&job.arena);
	return OK;
}

static void test_sealed(void **state)
{
	struct fleet_world *w = fw_new(NULL);
	struct given x = { .g = { .url = "https://panel.example.com", .username = "MARKER-user", .password = "MARKER-pass", .token = "MARKER-token", .totp = "MARKERTOTP" } };

	(void)state;
	assert_int_equal(core_do(w->core, add, &x), OK);
	assert_int_equal(core_do(w->core, read_back, &x.id), OK);
	assert_nowhere(w, "MARKER");
	fw_free(w);
}

static enum err other_place(struct act *a, void *ctx)
{
	struct job job = { 0 };
	struct work w;

	(void)ctx;
	assert_int_equal(work_open(&w, a, &job, 2), OK);
	assert_null(w.panel.password); /* sealed for row 1: worth nothing in row 2 */
	arena_release(&job.arena);
	return OK;
}

static void test_sealed_to_its_row(void **state)
{
	struct fleet_world *w = fw_new(NULL);
	struct given x = { .g = { .url = "https://one.example.com", .username = "u", .password = "MARKER-pass" } };

	(void)state;
	assert_int_equal(core_do(w->core, add, &x), OK);
	x.g.url = "https://two.example.com";
	assert_int_equal(core_do(w->core, add, &x), OK);
	fw_do(w, "UPDATE panels SET password_sealed=(SELECT password_sealed FROM panels WHERE id=1) WHERE id=2");
	assert_int_equal(core_do(w->core, other_place, NULL), OK);
	fw_free(w);
}

/* --- sessions --- */

static enum err look_now(struct act *a, void *ctx)
{
	return panel_ask(a, *(int64_t *)ctx, ASK_INBOUNDS, 77);
}

static void ask_inbounds(struct fleet_world *w)
{
	int before = w->answers;

	assert_int_equal(core_do(w->core, look_now, &w->panel_ids[0]), OK);
	fw_run(w, 1000);
	assert_int_equal(w->answers, before + 1);
	assert_true(w->answer.ok);
}

static void test_session_is_used_again(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i]);
		int64_t logged_in_ms = fw_number(w, "SELECT created_ms FROM panel_sessions");

		assert_int_equal(fw_number(w, "SELECT expires_ms-created_ms FROM panel_sessions"), HOUR_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM panel_sessions s JOIN panels p ON p.id=s.panel_id AND p.url=s.url WHERE s.cookie_sealed IS NOT NULL"), 1);
		assert_nowhere(w, "3x-ui=");
		panel_sim_clear_counts(w->sims[0]);
		for (int n = 0; n < 30; n++)
			ask_inbounds(w);
		fw_kill(w);
		fw_start(w);
		ask_inbounds(w);
		memnet_advance_ms(w->net, logged_in_ms + 59 * MINUTE_MS - memnet_now_ms(w->net));
		ask_inbounds(w);
		assert_int_equal(panel_sim_count(w->sims[0], "POST login"), 0);
		memnet_advance_ms(w->net, 2 * MINUTE_MS);
		ask_inbounds(w);
		assert_int_equal(panel_sim_count(w->sims[0], "POST login"), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM panel_sessions"), 1);
		fw_free(w);
	}
}

/* A shorter lifetime counts at once, also for the session there is. */
static void test_session_lifetime(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	const int64_t lifetime_ms = 10 * MINUTE_MS;
	struct given x = { .id = w->panel_ids[0], .g = { .session_ms = &lifetime_ms } };

	(void)state;
	assert_int_equal(core_do(w->core, set, &x), OK);
	panel_sim_clear_counts(w->sims[0]);
	ask_inbounds(w);
	assert_int_equal(panel_sim_count(w->sims[0], "POST login"), 0);
	for (int n = 0; n < 50; n++) {
		memnet_advance_ms(w->net, 11 * MINUTE_MS);
		ask_inbounds(w);
	}
	assert_int_equal(panel_sim_count(w->sims[0], "POST login"), 50);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panel_sessions"), 1); /* R007 */
	fw_free(w);
}

static void test_new_credentials(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct given x = { .id = w->panel_ids[0], .g = { .password = "another" } };

	(void)state;
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='ok' AND version='2.8.5' AND dialect='A'"), 1);
	assert_int_equal(core_do(w->core, set, &x), OK);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panel_sessions"), 0);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='new' AND version IS NULL"), 1);
	x.g = (struct panel_given){ .name = "Amsterdam", .region = "nl" };
	assert_int_equal(core_do(w->core, set, &x), OK);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE name='Amsterdam' AND region='nl' AND password_sealed IS NOT NULL"), 1);
	fw_free(w);
}

/* At another address its subscriptions are elsewhere, too, or nobody knows where. */
static void test_new_address(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct given x = { .id = w->panel_ids[0], .g = { .url = "http://panel-9.test:2053" } };

	(void)state;
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE sub_url IS NOT NULL"), 1);
	assert_int_equal(core_do(w->core, set, &x), OK);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE sub_url IS NULL AND state='new'"), 1);
	fw_free(w);
}

/* --- the environment --- */

static enum err from_config(struct act *a, void *ctx)
{
	(void)ctx;
	return panel_from_config(a);
}

static void test_from_config(void **state)
{
	struct fleet_world *w = fw_new(NULL);
	const struct panel_config sim = { .user = "admin", .password = PASSWORD, .base_path = "/secret/" };

	(void)state;
	w->config.panel_url = "http://panel-1.test:2053/secret/";
	w->config.panel_username = "admin";
	w->config.panel_password = PASSWORD;
	w->panels_count = 1;
	w->sims[0] = panel_sim_new("3.6.0", &sim);
	memnet_serve(w->net, "http://panel-1.test:2053", 0, panel_sim_handle, w->sims[0]);
	assert_int_equal(core_do(w->core, from_config, NULL), OK);
	assert_int_equal(core_do(w->core, from_config, NULL), OK);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE url='http://panel-1.test:2053/secret'"), 1);
	assert_true(str_has(buf_str(&w->log), "panel.plain_http")); /* R018: said */
	assert_false(str_has(buf_str(&w->log), "/secret")); /* whoever reads logs need not know where the panel's pages are */
	assert_false(str_has(buf_str(&w->log), "panel.environment_differs"));
	fw_run(w, 2000);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='ok' AND version='3.6.0' AND dialect='C'"), 1);
	w->config.panel_password = "changed-meanwhile";
	assert_int_equal(core_do(w->core, from_config, NULL), OK);
	assert_true(str_has(buf_str(&w->log), "panel.environment_differs"));
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels"), 1);
	assert_nowhere(w, PASSWORD);
	fw_free(w);
}

/* --- going away --- */

static enum err delete_panel(struct act *a, void *ctx)
{
	return panel_delete(a, 1, *(bool *)ctx);
}

static void test_deleted(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct given all = { .id = w->panel_ids[0], .g = { .username = "u", .password = "p", .token = "t", .totp = "GEZDGNBV" } };
	bool keep = false;

	(void)state;
	fw_sell(w);
	assert_int_equal(core_do(w->core, set, &all), OK);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE token_sealed IS NOT NULL AND totp_sealed IS NOT NULL"), 1);
	assert_int_equal(core_do(w->core, delete_panel, &keep), E_CONFLICT);
	keep = yes;
	assert_int_equal(core_do(w->core, delete_panel, &keep), OK);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE username_sealed IS NULL AND password_sealed IS NULL AND token_sealed IS NULL AND totp_sealed IS NULL AND deleted_ms>0"), 1);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses WHERE deleted_ms=0"), 0);
	assert_int_equal(core_do(w->core, delete_panel, &keep), E_NOTFOUND);
	fw_free(w);
}

/* Nothing is said any more of what waited there. */
static void test_deleted_with_alerts(void **state)
{
	static const struct panel_rule no = { .route = "addClient", .fault = PANEL_REFUSE, .text = "no" };
	struct fleet_world *w = fw_new("2.8.5");
	bool keep = true;

	(void)state;
	panel_sim_add_rule(w->sims[0], &no);
	fw_do(w, "UPDATE panels SET name='Amsterdam'; INSERT INTO alerts(cause, level, text_key, count, first_ms, last_ms) VALUES('panel.address:1:7', 1, 'panel_address', 1, 1, 1),"
		" ('panel.address:11:7', 1, 'panel_address', 1, 1, 1), ('reconcile:5:11', 1, 'order_stuck', 1, 1, 1)"); /* these two of another panel */
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 1000);
	assert_string_equal(w->alert_keys, "+order_stuck ");
	fw_do(w, "UPDATE jobs SET state=2"); /* parked */
	assert_int_equal(core_do(w->core, delete_panel, &keep), OK);
	assert_string_equal(w->alert_keys, "+order_stuck "); /* that it is over would not be true */
	assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts"), 2);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM alerts WHERE cause LIKE '%:11%'"), 2);
	fw_free(w);
}

static enum err try_it(struct act *a, void *ctx)
{
	return panel_ask(a, *(int64_t *)ctx, ASK_TRIAL, 77);
}

/* A trial with the credentials of before ends after the new ones were entered, or after the panel was removed: it says nothing
 * about them. */
static void test_set_while_asked(void **state)
{
	static const struct panel_rule slow = { .route = "POST login", .times = 1, .fault = PANEL_NETWORK, .trouble = { .delay_ms = 3000 } };
	static const char *const versions[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < 2 * countof(versions); i++) {
		struct fleet_world *w = fw_new(versions[i / 2]);
		struct given x = { .id = w->panel_ids[0], .g = { .password = "another" } };
		bool keep = true;

		panel_sim_clear_counts(w->sims[0]);
		panel_sim_add_rule(w->sims[0], &slow);
		assert_int_equal(core_do(w->core, try_it, &w->panel_ids[0]), OK);
		fw_run(w, 1000);
		assert_int_equal(panel_sim_count(w->sims[0], "POST login"), 1);
		if (i % 2)
			assert_int_equal(core_do(w->core, delete_panel, &keep), OK);
		else
			assert_int_equal(core_do(w->core, set, &x), OK);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM panel_sessions"), 0);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM panels WHERE state='new' AND dialect IS NULL"), !(i % 2));
		fw_free(w);
	}
}

/* Removed with its clients kept, or set anew, while a client is looked at: nothing that is heard of it after that counts, and
 * what stands on the removed panel is not ours to delete any more. */
static void test_set_while_looked_at(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < 2 * countof(versions); i++) {
		struct fleet_world *w = fw_sold(versions[i / 2]);
		struct given x = { .id = w->panel_ids[0], .g = { .url = "http://panel-9.test:2053" } };
		const struct panel_rule slow = { .times = 1, .fault = PANEL_NETWORK, .trouble = { .delay_ms = 3000 } };
		bool keep = true;

		panel_sim_clear_counts(w->sims[0]);
		panel_sim_add_rule(w->sims[0], &slow);
		fw_want(w, "UPDATE subscriptions SET expires_ms=expires_ms+2592000000 WHERE id=1");
		fw_run(w, 1000);
		if (i % 2)
			assert_int_equal(core_do(w->core, delete_panel, &keep), OK);
		else
			assert_int_equal(core_do(w->core, set, &x), OK);
		fw_run(w, MINUTE_MS);
		assert_int_equal(fw_client(w, 0).count, 1);
		assert_int_equal(fw_client(w, 0).client.expiry_ms, START_MS + 30 * DAY_MS);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id WHERE x.done_rev<s.revision"), 1);
		assert_int_equal(fw_number(w, "SELECT count(*) FROM jobs"), !(i % 2));
		fw_free(w);
	}
}

/* --- the log of calls --- */

static enum err forget_log(struct act *a, void *ctx)
{
	(void)ctx;
	return panel_log_forget(a);
}

static enum err read_log(struct act *a, void *ctx)
{
	static struct panel_log_row rows[PANEL_LOG_ROWS_MAX + 10];
	size_t count;
	enum err e = panel_log_list(rows, &count, countof(rows), a, 1);

	*(size_t *)ctx = count;
	for (size_t i = 0; !e && i < count; i++) {
		assert_true(str_starts(str_of(rows[i].call), "GET ") || str_starts(str_of(rows[i].call), "POST "));
		assert_null(strstr(rows[i].call, "11111111"));
		assert_null(strstr(rows[i].call, "panel-1.test"));
	}
	return e;
}

static void test_log(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	size_t count = 0;

	(void)state;
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 5000);
	fw_want(w, "UPDATE subscriptions SET quota_bytes=quota_bytes*2 WHERE id=1"); /* updateClient/UUID */
	fw_run(w, 5000);
	fw_operator_adds(w, "2.8.5", "boris"); /* else it would be switched off */
	fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1"); /* delClient/UUID */
	fw_run(w, 5000);
	assert_int_equal(core_do(w->core, read_log, &count), OK);
	assert_true(count > 5);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panel_log WHERE call LIKE 'POST /panel/api/inbounds/%/delClient/***'"), 1);
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panel_log WHERE call='POST /panel/api/inbounds/updateClient/***' AND status=200"), 1);
	for (int i = 0; i < 40; i++) {
		fw_do(w, "INSERT INTO panel_log(panel_id, at_ms, call, status, duration_ms) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<30)"
			" SELECT 1, 1, 'GET /', 200, 1 FROM n");
	}
	ask_inbounds(w);
	assert_int_equal(core_do(w->core, forget_log, NULL), OK);
	assert_int_equal(core_do(w->core, read_log, &count), OK);
	assert_int_equal(count, PANEL_LOG_ROWS_MAX);
	fw_free(w);
}

/* A Trojan client is known by its password, which looks like nothing in particular. */
static void test_log_without_passwords(void **state)
{
	struct fleet_world *w = fw_new("2.8.5");
	struct panel_client_view other = { .email = STR("boris"), .password = STR("somebodyelse"), .enable = true, .sub_id = STR("other") };
	char password[ACCESS_PASSWORD_BYTES_MAX + 1], sql[200];

	(void)state;
	other.inbound_id = w->inbound_ids[0] = operator_adds_inbound(w->sims[0], "trojan", 20500, NULL, NULL);
	assert_true(operator_adds_client(w->sims[0], "2.8.5", &other, "")); /* the last one would be switched off */
	ask_inbounds(w);
	fw_sell(w);
	fw_reconcile(w);
	fw_run(w, 5000);
	fw_want(w, "UPDATE subscriptions SET quota_bytes=quota_bytes*2 WHERE id=1");
	fw_run(w, 5000);
	fw_want(w, "UPDATE subscriptions SET gone=1, deleted_ms=1 WHERE id=1");
	fw_run(w, 5000);
	assert_int_equal(fw_client(w, 0).count, 0);
	access_password(password, sizeof password, STR("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), STR("trojan"), STR(""));
	assert_int_equal(fw_number(w, "SELECT count(*) FROM panel_log WHERE call LIKE '%/updateClient/***' OR call LIKE '%/delClient/***'"), 2);
	snprintf(sql, sizeof sql, "SELECT count(*) FROM panel_log WHERE instr(call, '%s')", password);
	assert_int_equal(fw_number(w, sql), 0);
	fw_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_addresses, ""),
		proves(test_sealed, "R015 B40"),
		proves(test_sealed_to_its_row, ""),
		proves(test_session_is_used_again, "R004 R005 R006 R008 R014 B19"),
		proves(test_session_lifetime, "R006 R007"),
		proves(test_new_credentials, ""),
		proves(test_new_address, ""),
		proves(test_from_config, "R019"),
		proves(test_deleted, ""),
		proves(test_deleted_with_alerts, ""),
		proves(test_set_while_asked, ""),
		proves(test_set_while_looked_at, ""),
		proves(test_log, "R148"),
		proves(test_log_without_passwords, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
