/* The panel simulator where the recordings are silent: misbehaviour, races, time, size, what clients of it can ask. */
#include "tests/unit/proves.h"

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "tests/sim/panel.h"

#define START INT64_C(1795248450000)
#define API "/p/panel/api/inbounds/"
#define UUID "ab00cdef-0000-4000-8000-00000000"
#define MANY 20000

struct world {
	struct panel_sim *sim;
	struct arena arena;
	struct sim_response response;
	char cookie[256], csrf[64];
	int64_t now_ms;
};

/* --- a small client --- */

static void ask(struct world *w, enum http_method method, const char *path, const char *json)
{
	struct sim_request q = { .method = method, .path = str_of(path), .body = str_of(json), .now_ms = w->now_ms, .arena = &w->arena };

	arena_clear(&w->arena);
	q.headers[q.headers_count++] = (struct http_header){ "host", "vpn.example.com:2053" };
	q.headers[q.headers_count++] = (struct http_header){ "x-requested-with", "XMLHttpRequest" };
	if (json)
		q.headers[q.headers_count++] = (struct http_header){ "content-type", "application/json" };
	if (*w->cookie)
		q.headers[q.headers_count++] = (struct http_header){ "cookie", w->cookie };
	if (*w->csrf)
		q.headers[q.headers_count++] = (struct http_header){ "x-csrf-token", w->csrf };
	panel_sim_handle(w->sim, &q, &w->response);
	for (size_t i = 0; i < w->response.headers_count; i++) {
		struct str rest = str_of(w->response.headers[i].value), pair = str_cut(&rest, ';');

		if (!strcmp(w->response.headers[i].name, "Set-Cookie"))
			snprintf(w->cookie, sizeof w->cookie, "%.*s", STR_ARG(pair));
	}
}

static bool says(struct world *w, const char *text)
{
	return str_has(w->response.body, text);
}

static bool good(struct world *w)
{
	return w->response.status == 200 && says(w, "\"success\":true");
}

static void log_in(struct world *w, const char *password)
{
	char body[128];
	struct json_object *o;

	ask(w, HTTP_GET, "/p/csrf-token", NULL);
	if (json_parse(&o, w->response.body) == OK) {
		snprintf(w->csrf, sizeof w->csrf, "%s", json_str_at(o, "obj").at);
		json_object_put(o);
	}
	snprintf(body, sizeof body, "{\"username\":\"admin\",\"password\":\"%s\"}", password);
	ask(w, HTTP_POST, "/p/login", body);
}

static void world_new(struct world *w, const char *version, struct panel_config config)
{
	*w = (struct world){ .now_ms = START };
	config.base_path = "/p/";
	w->sim = panel_sim_new(version, &config);
	log_in(w, "admin");
	assert_true(good(w));
	panel_sim_seed(w->sim, "vless", 443, "old", 1);
	panel_sim_clear_counts(w->sim);
}

static void world_free(struct world *w)
{
	panel_sim_free(w->sim);
	arena_release(&w->arena);
}

static void add_limited(struct world *w, int number, int64_t total, int64_t expiry_ms)
{
	char body[512];

	snprintf(body, sizeof body, "{\"id\":1,\"settings\":\"{\\\"clients\\\":[{\\\"id\\\":\\\"" UUID "%04d\\\",\\\"email\\\":\\\"c%d\\\","
		 "\\\"totalGB\\\":%lld,\\\"expiryTime\\\":%lld,\\\"enable\\\":true,\\\"subId\\\":\\\"s%d\\\"}]}\"}", number, number,
		 (long long)total, (long long)expiry_ms, number);
	ask(w, HTTP_POST, API "addClient", body);
}

static void update_limited(struct world *w, int number, int64_t total)
{
	char body[512], path[128];

	snprintf(path, sizeof path, API "updateClient/" UUID "%04d", number);
	snprintf(body, sizeof body, "{\"id\":1,\"settings\":\"{\\\"clients\\\":[{\\\"id\\\":\\\"" UUID "%04d\\\",\\\"email\\\":\\\"c%d\\\","
		 "\\\"totalGB\\\":%lld,\\\"enable\\\":true,\\\"subId\\\":\\\"s%d\\\"}]}\"}", number, number, (long long)total, number);
	ask(w, HTTP_POST, path, body);
}

static struct panel_client_view look(struct world *w, const char *email)
{
	struct panel_client_view v = { .has_row = false };

	assert_true(panel_sim_find_client(&v, w->sim, 0, email));
	return v;
}

static void wait_ms(struct world *w, int64_t ms)
{
	w->now_ms += ms;
	panel_sim_advance(w->sim, w->now_ms);
}

static const char *const versions[] = { "2.8.5", "2.9.4", "3.0.2" };

/* --- names --- */

/* What a client used and where it came from go along with its name, and are gone with it. */
static void test_rename(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world w;

		world_new(&w, versions[i], (struct panel_config){ 0 });
		add_limited(&w, 1, 10, 0);
		panel_sim_use(w.sim, "c1", 3, 0);
		panel_sim_saw_ip(w.sim, "c1", "203.0.113.1", START);
		ask(&w, HTTP_POST, API "updateClient/" UUID "0001", "{\"id\":1,\"settings\":\"{\\\"clients\\\":[{\\\"id\\\":\\\"" UUID "0001\\\","
		    "\\\"email\\\":\\\"c2\\\",\\\"totalGB\\\":10,\\\"enable\\\":true,\\\"subId\\\":\\\"s1\\\"}]}\"}");
		assert_true(good(&w));
		assert_false(panel_sim_find_client(&(struct panel_client_view){ 0 }, w.sim, 0, "c1"));
		assert_true(look(&w, "c2").has_row && look(&w, "c2").in_xray);
		assert_int_equal(panel_sim_count_ips(w.sim, "c1"), 0);
		assert_int_equal(panel_sim_count_ips(w.sim, "c2"), 1);
		ask(&w, HTTP_POST, API "1/delClient/" UUID "0001", "{}");
		assert_true(good(&w));
		assert_int_equal(panel_sim_count_ips(w.sim, "c2"), 0);
		world_free(&w);
	}
}

/* --- misbehaviour --- */

static void test_faults(void **state)
{
	static const struct {
		const char *name;
		struct panel_rule rule;
		int status;
		const char *body;
		bool stored, dropped;
	} cases[] = {
		{ "refused", { .fault = PANEL_REFUSE, .text = "no" }, 200, "\"success\":false,\"msg\":\"no\"", false, false },
		{ "answer lost", { .fault = PANEL_NETWORK, .after = true, .trouble.drop = true }, 200, "", true, true },
		{ "request lost", { .fault = PANEL_NETWORK, .trouble.drop = true }, 0, "", false, true },
		{ "slow", { .fault = PANEL_NETWORK, .trouble.delay_ms = 9 }, 200, "\"success\":true", true, false },
		{ "proxy", { .fault = PANEL_HTML_502 }, 502, "<html>", false, false },
		{ "proxy, done", { .fault = PANEL_HTML_502, .after = true }, 502, "<html>", true, false },
		{ "panic", { .fault = PANEL_EMPTY_500 }, 500, "", false, false },
		{ "empty, done", { .fault = PANEL_EMPTY_200, .after = true }, 200, "", true, false },
		{ "wrong JSON", { .fault = PANEL_WRONG_JSON, .text = "[]" }, 200, "[]", false, false },
		{ "locked", { .fault = PANEL_DB_LOCKED }, 200, "database is locked", false, false },
		{ "logged out", { .fault = PANEL_LOGOUT }, 404, "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct world w;
		struct panel_client_view v;
		struct panel_rule rule = cases[i].rule;

		world_new(&w, "2.8.5", (struct panel_config){ 0 });
		rule.route = "addClient";
		rule.nth = 2;
		rule.times = 1;
		panel_sim_add_rule(w.sim, &rule);
		add_limited(&w, 1, 0, 0);
		assert_true(good(&w));
		add_limited(&w, 2, 0, 0);
		if (w.response.status != cases[i].status || !says(&w, cases[i].body) ||
		    w.response.trouble.drop != cases[i].dropped || panel_sim_find_client(&v, w.sim, 1, "c2") != cases[i].stored)
			fail_msg("%s: status %d, body %.*s", cases[i].name, w.response.status, STR_ARG(w.response.body));
		if (cases[i].rule.fault == PANEL_LOGOUT)
			log_in(&w, "admin");
		add_limited(&w, 3, 0, 0);
		assert_true(good(&w)); /* the rule was for one call */
		assert_int_equal(panel_sim_count(w.sim, "addClient"), 3);
		world_free(&w);
	}
}

static void test_locked_database_lets_reads_pass(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.0.2", (struct panel_config){ 0 });
	panel_sim_add_rule(w.sim, &(struct panel_rule){ .fault = PANEL_DB_LOCKED });
	ask(&w, HTTP_GET, API "list", NULL);
	assert_true(good(&w));
	add_limited(&w, 1, 0, 0);
	assert_true(says(&w, "database is locked"));
	assert_int_equal(w.response.trouble.delay_ms, 10 * SECOND_MS);
	world_free(&w);
}

static void test_down(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "2.8.5", (struct panel_config){ 0 });
	panel_sim_set_down(w.sim, true);
	ask(&w, HTTP_GET, API "list", NULL);
	assert_true(w.response.trouble.drop);
	panel_sim_set_down(w.sim, false);
	ask(&w, HTTP_GET, API "list", NULL);
	assert_true(good(&w)); /* cookies outlive the process */
	world_free(&w);
}

/* --- two writers --- */

static void test_writers_that_meet(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world w;
		struct panel_client_view v;
		bool b = *versions[i] == '3';

		world_new(&w, versions[i], (struct panel_config){ .write_ms = 50 });
		add_limited(&w, 1, 0, 0);
		assert_true(good(&w));
		assert_int_equal(w.response.trouble.delay_ms, 50);
		w.now_ms += 10;
		add_limited(&w, 2, 7, 0);
		assert_int_equal(w.response.status, b ? 200 : 500);
		assert_int_equal(panel_sim_races(w.sim), 1);
		assert_false(panel_sim_find_client(&v, w.sim, 1, "c2"));
		assert_int_equal(panel_sim_drift(w.sim, NULL), 1); /* the row without its client */
		wait_ms(&w, 100);
		add_limited(&w, 2, 9, 0); /* again: success, but the row keeps the first limits */
		assert_true(good(&w));
		v = look(&w, "c2");
		assert_int_equal(v.total_bytes, 9);
		assert_int_equal(v.row_total_bytes, 7);
		assert_int_equal(panel_sim_drift(w.sim, NULL), 1);
		wait_ms(&w, 100);
		update_limited(&w, 2, 9); /* what repairs it */
		assert_int_equal(panel_sim_drift(w.sim, NULL), 0);
		assert_int_equal(panel_sim_races(w.sim), 1);
		world_free(&w);
	}
}

static void test_repeated_add_stops_xray(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.0.2", (struct panel_config){ 0 });
	add_limited(&w, 1, 0, 0);
	add_limited(&w, 1, 0, 0);
	assert_true(good(&w));
	assert_true(look(&w, "old1").in_xray);
	panel_sim_restart(w.sim);
	assert_false(look(&w, "old1").in_xray);
	ask(&w, HTTP_POST, API "1/delClient/" UUID "0001", NULL);
	assert_true(good(&w));
	wait_ms(&w, 31 * SECOND_MS);
	assert_true(look(&w, "old1").in_xray);
	world_free(&w);
}

/* --- time --- */

static void test_depletion_and_renewal(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world w;
		struct panel_client_view v;
		bool keeps_flag = !strcmp(versions[i], "2.8.5");

		world_new(&w, versions[i], (struct panel_config){ 0 });
		add_limited(&w, 1, 1000, 0);
		assert_true(panel_sim_use(w.sim, "c1", 1, 0));
		wait_ms(&w, 10 * SECOND_MS);
		assert_true(panel_sim_use(w.sim, "c1", 400, 600));
		wait_ms(&w, 11 * SECOND_MS);
		v = look(&w, "c1");
		assert_false(v.row_enable);
		assert_int_equal(v.enable, keeps_flag);
		assert_false(v.in_xray);
		assert_int_equal(panel_sim_drift(w.sim, NULL), 0);
		assert_false(panel_sim_use(w.sim, "c1", 1, 1));
		ask(&w, HTTP_POST, API "1/resetClientTraffic/c1", NULL);
		assert_true(good(&w));
		wait_ms(&w, 40 * SECOND_MS);
		assert_false(look(&w, "c1").in_xray); /* a reset alone lets nobody in */
		update_limited(&w, 1, 5000);
		assert_true(good(&w));
		v = look(&w, "c1");
		assert_true(v.in_xray && v.enable && v.row_enable);
		assert_int_equal(v.up + v.down, 0);
		world_free(&w);
	}
}

static void test_expiry_after_years(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "2.9.4", (struct panel_config){ 0 });
	add_limited(&w, 1, 0, START + 300 * DAY_MS);
	add_limited(&w, 2, 0, START + 3000 * DAY_MS);
	wait_ms(&w, 300 * DAY_MS - MINUTE_MS);
	assert_true(look(&w, "c1").in_xray);
	wait_ms(&w, MINUTE_MS + 11 * SECOND_MS);
	assert_false(look(&w, "c1").in_xray);
	assert_true(look(&w, "c2").in_xray);
	wait_ms(&w, 3000 * DAY_MS);
	assert_false(look(&w, "c2").in_xray);
	world_free(&w);
}

static void test_delayed_start(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world w;
		struct panel_client_view v;

		world_new(&w, versions[i], (struct panel_config){ 0 });
		add_limited(&w, 1, 0, -DAY_MS);
		wait_ms(&w, MINUTE_MS);
		assert_int_equal(look(&w, "c1").expiry_ms, -DAY_MS);
		panel_sim_use(w.sim, "c1", 5, 5);
		wait_ms(&w, 11 * SECOND_MS);
		v = look(&w, "c1");
		assert_in_range(v.expiry_ms, w.now_ms + DAY_MS - 11 * SECOND_MS, w.now_ms + DAY_MS);
		assert_int_equal(v.expiry_ms, v.row_expiry_ms);
		world_free(&w);
	}
}

/* 3.0.x does not count what it sees of a client first; the others lose nothing. */
static void test_first_poll(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world w;

		world_new(&w, versions[i], (struct panel_config){ 0 });
		panel_sim_use(w.sim, "old1", 100, 0);
		wait_ms(&w, 11 * SECOND_MS);
		assert_int_equal(look(&w, "old1").up, *versions[i] == '3' ? 0 : 100);
		panel_sim_use(w.sim, "old1", 10, 0);
		wait_ms(&w, 11 * SECOND_MS);
		assert_int_equal(look(&w, "old1").up, *versions[i] == '3' ? 10 : 110);
		world_free(&w);
	}
}

/* While the panel restarts Xray after a depletion, 2.9.4 half-applies an update and answers 500. */
static void test_update_right_after_depletion(void **state)
{
	struct world w;
	struct panel_client_view v;

	(void)state;
	world_new(&w, "2.9.4", (struct panel_config){ 0 });
	add_limited(&w, 1, 10, 0);
	panel_sim_use(w.sim, "c1", 10, 0);
	wait_ms(&w, 10 * SECOND_MS); /* polls stand at START + n·10 s */
	assert_false(look(&w, "c1").row_enable);
	update_limited(&w, 1, 99);
	assert_int_equal(w.response.status, 500);
	v = look(&w, "c1");
	assert_int_equal(v.row_total_bytes, 99);
	assert_int_equal(v.total_bytes, 10);
	wait_ms(&w, SECOND_MS);
	update_limited(&w, 1, 99);
	assert_true(good(&w));
	assert_true(look(&w, "c1").in_xray);
	world_free(&w);
}

static void test_sessions_expire(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "2.8.5", (struct panel_config){ .session_minutes = 60 });
	wait_ms(&w, 59 * MINUTE_MS);
	ask(&w, HTTP_GET, API "list", NULL);
	assert_true(good(&w));
	wait_ms(&w, 2 * MINUTE_MS);
	ask(&w, HTTP_GET, API "list", NULL);
	assert_int_equal(w.response.status, 404);
	world_free(&w);
}

static void test_limiter(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.0.2", (struct panel_config){ 0 });
	for (int i = 0; i < 5; i++)
		log_in(&w, "wrong");
	log_in(&w, "admin");
	assert_false(good(&w));
	wait_ms(&w, 14 * MINUTE_MS);
	log_in(&w, "admin");
	assert_false(good(&w));
	wait_ms(&w, 61 * SECOND_MS);
	log_in(&w, "admin");
	assert_true(good(&w));
	world_free(&w);
}

/* --- Xray --- */

static void test_without_xray(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "2.8.5", (struct panel_config){ .no_xray = true });
	add_limited(&w, 1, 0, START + SECOND_MS);
	assert_true(good(&w));
	wait_ms(&w, MINUTE_MS);
	assert_true(look(&w, "c1").row_enable); /* no poll without it */
	assert_false(look(&w, "c1").in_xray);
	ask(&w, HTTP_GET, "/p/panel/api/server/status", NULL);
	assert_true(says(&w, "\"state\":\"error\""));
	world_free(&w);
}

static void test_stopped_xray_comes_back(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "2.8.5", (struct panel_config){ 0 });
	ask(&w, HTTP_POST, "/p/panel/api/server/stopXrayService", NULL);
	assert_true(good(&w));
	wait_ms(&w, MINUTE_MS);
	assert_false(look(&w, "old1").in_xray);
	add_limited(&w, 1, 0, 0);
	assert_false(look(&w, "c1").in_xray);
	wait_ms(&w, 30 * SECOND_MS);
	assert_true(look(&w, "c1").in_xray && look(&w, "old1").in_xray);
	world_free(&w);
}

/* --- the rest --- */

static void test_web_domain(void **state)
{
	struct world w = { .now_ms = START };

	(void)state;
	w.sim = panel_sim_new("2.8.5", &(struct panel_config){ .base_path = "/p/", .web_domain = "VPN.example.com" });
	ask(&w, HTTP_GET, "/p/", NULL);
	assert_int_equal(w.response.status, 403); /* compared with its case */
	world_free(&w);
}

static void test_unknown_routes(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "2.8.5", (struct panel_config){ 0 });
	ask(&w, HTTP_GET, "/p/panel/api/clients/list", NULL);
	assert_int_equal(w.response.status, 404);
	ask(&w, HTTP_POST, API "setEnable/1", "{}"); /* since 2.9.4 */
	assert_int_equal(w.response.status, 404);
	assert_int_equal(panel_sim_count(w.sim, "inbounds"), 0);
	assert_int_equal(panel_sim_count(w.sim, NULL), 2);
	world_free(&w);
}

/* R152, R153: update of a whole inbound is the one call that parts the two stores in 2.x; the checker sees it. */
static void test_two_stores(void **state)
{
	static const char body[] = "{\"port\":443,\"protocol\":\"vless\",\"enable\":true,\"settings\":\"{\\\"clients\\\":[{\\\"id\\\":\\\"x\\\","
		"\\\"email\\\":\\\"old1\\\",\\\"enable\\\":true,\\\"totalGB\\\":5}]}\"}";

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world w;
		struct buf why;

		buf_init(&why, 256);
		world_new(&w, versions[i], (struct panel_config){ 0 });
		assert_int_equal(panel_sim_drift(w.sim, &why), 0);
		ask(&w, HTTP_POST, API "update/1", body);
		assert_true(good(&w));
		assert_int_equal(panel_sim_drift(w.sim, &why), *versions[i] == '3' ? 0 : 1);
		assert_string_equal(buf_cstr(&why), *versions[i] == '3' ? "" : "old1: quota");
		buf_release(&why);
		world_free(&w);
	}
}

static void test_size(void **state)
{
	struct world w;
	int64_t id, began_us = clock_cpu_us();

	(void)state;
	world_new(&w, "2.8.5", (struct panel_config){ 0 });
	id = panel_sim_seed(w.sim, "vless", 8443, "many", MANY);
	assert_int_equal(panel_sim_count_clients(w.sim, id), MANY);
	for (int i = 1; i <= 200; i++) {
		add_limited(&w, i, 0, 0);
		assert_true(good(&w));
		update_limited(&w, i, 5);
		assert_true(good(&w));
	}
	ask(&w, HTTP_GET, API "getClientTraffics/many19999", NULL);
	assert_true(good(&w));
	ask(&w, HTTP_GET, API "list", NULL);
	assert_true(good(&w) && w.response.body.len > MANY * 400);
	wait_ms(&w, 365 * DAY_MS);
	assert_true(clock_cpu_us() - began_us < 20 * 1000000); /* far above what it takes, far below quadratic */
	world_free(&w);
}

static void test_totp(void **state)
{
	char code[7];

	(void)state;
	/* RFC 6238's key and times, its eight digits cut to six */
	panel_totp(code, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59 * SECOND_MS);
	assert_string_equal(code, "287082");
	panel_totp(code, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", INT64_C(1111111109) * SECOND_MS);
	assert_string_equal(code, "081804");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_rename, ""),
		proves(test_faults, ""),
		proves(test_locked_database_lets_reads_pass, ""),
		proves(test_down, ""),
		proves(test_writers_that_meet, ""),
		proves(test_repeated_add_stops_xray, ""),
		proves(test_depletion_and_renewal, ""),
		proves(test_expiry_after_years, ""),
		proves(test_delayed_start, ""),
		proves(test_first_poll, ""),
		proves(test_update_right_after_depletion, ""),
		proves(test_sessions_expire, ""),
		proves(test_limiter, ""),
		proves(test_without_xray, ""),
		proves(test_stopped_xray_comes_back, ""),
		proves(test_web_domain, ""),
		proves(test_unknown_routes, ""),
		proves(test_two_stores, ""),
		proves(test_size, ""),
		proves(test_totp, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
