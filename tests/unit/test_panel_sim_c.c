/* Dialect C of the panel simulator where the recordings are silent: several inbounds, counters, the clock, what lies
 * between 3.1.0 and 3.6.0, size. */
#include "tests/unit/proves.h"

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "tests/sim/panel.h"

#define START INT64_C(1795248450000)
#define MANY 20000
#define CLIENTS "panel/api/clients/"
#define INBOUNDS "panel/api/inbounds/"

struct world {
	struct panel_sim *sim;
	struct arena arena;
	struct sim_response response;
	int64_t now_ms;
};

/* --- the operator does what a bot would --- */

static void say(struct world *w, enum http_method method, const char *path, const char *json)
{
	arena_clear(&w->arena);
	w->response = (struct sim_response){ 0 };
	panel_sim_operator(w->sim, method, path, str_of(json), &w->response, &w->arena);
}

static bool says(const struct world *w, const char *text)
{
	return str_has(w->response.body, text);
}

static bool good(const struct world *w)
{
	return w->response.status == 200 && says(w, "\"success\":true");
}

static void post(struct world *w, const char *path, const char *json)
{
	say(w, HTTP_POST, path, json);
	if (!good(w))
		fail_msg("%s: %d %.*s", path, w->response.status, STR_ARG(w->response.body));
}

static void refused(struct world *w, const char *path, const char *json, const char *why)
{
	say(w, HTTP_POST, path, json);
	if (good(w) || !says(w, why))
		fail_msg("%s: %d %.*s", path, w->response.status, STR_ARG(w->response.body));
}

static int64_t number(struct world *w, const char *path, const char *at)
{
	struct json_object *o;
	int64_t n;

	say(w, HTTP_GET, path, NULL);
	assert_true(good(w));
	assert_int_equal(json_parse(&o, w->response.body), OK);
	n = json_i64_at(o, at, INT64_MIN);
	json_object_put(o);
	return n;
}

static void passes(struct world *w, int64_t ms)
{
	w->now_ms += ms;
	panel_sim_advance(w->sim, w->now_ms);
}

/* Three inbounds without clients: 1 vless, 2 trojan, 3 vless. */
static void world_new(struct world *w, const char *version)
{
	*w = (struct world){ .now_ms = START };
	w->sim = panel_sim_new(version, NULL);
	panel_sim_advance(w->sim, START);
	assert_int_equal(panel_sim_seed(w->sim, "vless", 1001, "none", 0), 1);
	assert_int_equal(panel_sim_seed(w->sim, "trojan", 1002, "none", 0), 2);
	assert_int_equal(panel_sim_seed(w->sim, "vless", 1003, "none", 0), 3);
}

static void world_free(struct world *w)
{
	panel_sim_free(w->sim);
	arena_release(&w->arena);
}

static struct panel_client_view seen(struct world *w, int64_t inbound, const char *email)
{
	struct panel_client_view view;

	if (!panel_sim_find_client(&view, w->sim, inbound, email))
		fail_msg("no %s on %lld", email, (long long)inbound);
	return view;
}

#define ANNA "\"email\":\"anna\",\"subId\":\"s-anna\",\"id\":\"u-anna\",\"password\":\"p-anna\",\"enable\":true"

/* --- several inbounds --- */

static void test_one_client_on_three(void **state)
{
	static const char *const versions[] = { "3.1.0", "3.2.5", "3.3.1", "3.4.2", "3.5.0", "3.6.0" };
	struct world w;
	struct buf why;

	(void)state;
	buf_init(&why, 256);
	for (size_t i = 0; i < countof(versions); i++) {
		world_new(&w, versions[i]);
		post(&w, CLIENTS "add", "{\"client\":{" ANNA ",\"totalGB\":1000},\"inboundIds\":[1,2,3]}");
		for (int64_t in = 1; in <= 3; in++)
			assert_true(seen(&w, in, "anna").in_xray);
		assert_true(panel_sim_use(w.sim, "anna", 10, 20));
		passes(&w, 6 * SECOND_MS);
		assert_true(panel_sim_use(w.sim, "anna", 1, 2));
		passes(&w, 6 * SECOND_MS);
		/* one row for all; 3.1.0 does not count what its first poll sees */
		assert_int_equal(number(&w, CLIENTS "traffic/anna", "obj.down"), i ? 22 : 2);
		post(&w, CLIENTS "update/anna", "{" ANNA ",\"totalGB\":500,\"comment\":\"two\"}");
		for (int64_t in = 1; in <= 3; in++)
			assert_int_equal(seen(&w, in, "anna").total_bytes, 500);
		assert_int_equal(panel_sim_drift(w.sim, &why), 0);
		post(&w, CLIENTS "anna/detach", "{\"inboundIds\":[2]}");
		assert_int_equal(panel_sim_count_clients(w.sim, 2), 0);
		assert_true(seen(&w, 1, "anna").in_xray);
		post(&w, CLIENTS "del/anna", "");
		assert_int_equal(panel_sim_count_clients(w.sim, 0), 0);
		assert_int_equal(panel_sim_drift(w.sim, &why), 0);
		world_free(&w);
	}
	buf_release(&why);
}

static void test_failure_half_way_stays_done(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.6.0");
	refused(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1,99,3]}", "(record not found)");
	assert_int_equal(panel_sim_count_clients(w.sim, 1), 1);
	assert_int_equal(panel_sim_count_clients(w.sim, 3), 0);
	post(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1,3]}");
	assert_int_equal(panel_sim_count_clients(w.sim, 0), 2);
	world_free(&w);
}

/* 3.6.0: a second add with another inbound overwrites record and row, the first inbound keeps what it had, and the next
 * write to any client of the first inbound brings its values back into the record. */
static void test_add_overwrites_then_swings_back(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.6.0");
	post(&w, CLIENTS "add", "{\"client\":{" ANNA ",\"totalGB\":100},\"inboundIds\":[1]}");
	post(&w, CLIENTS "add", "{\"client\":{\"email\":\"anna\",\"subId\":\"s-anna\"},\"inboundIds\":[3]}");
	assert_int_equal(number(&w, CLIENTS "get/anna", "obj.client.totalGB"), 0);
	assert_int_equal(number(&w, CLIENTS "traffic/anna", "obj.total"), 0);
	assert_int_equal(seen(&w, 1, "anna").total_bytes, 100);
	assert_true(panel_sim_drift(w.sim, NULL) > 0);
	assert_string_equal(str_dup(&w.arena, seen(&w, 3, "anna").id), "u-anna");
	post(&w, CLIENTS "add", "{\"client\":{\"email\":\"bert\"},\"inboundIds\":[1]}");
	assert_int_equal(number(&w, CLIENTS "get/anna", "obj.client.totalGB"), 100);
	assert_int_equal(number(&w, CLIENTS "traffic/anna", "obj.total"), 0);
	world_free(&w);
}

static void test_attach_keeps_limits(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.6.0");
	post(&w, CLIENTS "add", "{\"client\":{" ANNA ",\"totalGB\":100,\"expiryTime\":1900000000000},\"inboundIds\":[1]}");
	assert_true(panel_sim_set_traffic(w.sim, "anna", 3, 4));
	post(&w, CLIENTS "anna/attach", "{\"inboundIds\":[2,3]}");
	assert_int_equal(seen(&w, 2, "anna").total_bytes, 100);
	assert_int_equal(seen(&w, 2, "anna").down, 4);
	assert_int_equal(panel_sim_drift(w.sim, NULL), 0);
	world_free(&w);
}

static void test_repeated_add(void **state)
{
	static const struct { const char *version; bool success; size_t clients; } cases[] = {
		{ "3.1.0", false, 1 }, { "3.2.7", false, 1 }, { "3.2.8", true, 2 }, { "3.4.2", true, 2 }, { "3.5.0", true, 1 },
		{ "3.6.0", true, 1 },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		world_new(&w, cases[i].version);
		post(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1]}");
		say(&w, HTTP_POST, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1]}");
		if (good(&w) != cases[i].success || panel_sim_count_clients(w.sim, 1) != cases[i].clients)
			fail_msg("%s: %.*s", cases[i].version, STR_ARG(w.response.body));
		world_free(&w);
	}
}

/* Until 3.3.0 an omitted credential is invented anew. */
static void test_omitted_credentials(void **state)
{
	static const struct { const char *version; bool kept; } cases[] = { { "3.1.0", false }, { "3.3.0", false }, { "3.3.1", true }, { "3.6.0", true } };
	struct world w;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		world_new(&w, cases[i].version);
		post(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1,2]}");
		post(&w, CLIENTS "update/anna", "{\"email\":\"anna\",\"enable\":true}");
		assert_int_equal(str_is(seen(&w, 1, "anna").id, "u-anna"), cases[i].kept);
		assert_int_equal(str_is(seen(&w, 2, "anna").password, "p-anna"), cases[i].kept);
		world_free(&w);
	}
}

/* 3.1.0 knows a client by its UUID: a second e-mail with it is accepted once and poisons the inbound. */
static void test_repeated_uuid(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.1.0");
	post(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1]}");
	post(&w, CLIENTS "add", "{\"client\":{\"email\":\"bert\",\"id\":\"u-anna\"},\"inboundIds\":[1]}");
	refused(&w, CLIENTS "add", "{\"client\":{\"email\":\"carl\"},\"inboundIds\":[1]}", "UNIQUE constraint failed: clients.email");
	refused(&w, CLIENTS "del/anna", "", "UNIQUE constraint failed: clients.email");
	post(&w, CLIENTS "add", "{\"client\":{\"email\":\"carl\"},\"inboundIds\":[3]}");
	world_free(&w);
}

/* 3.1.0 stores settings that are no JSON and then refuses every add on the panel. */
static void test_malformed_settings(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.1.0");
	post(&w, INBOUNDS "add", "{\"port\":70000,\"protocol\":\"foo\",\"settings\":\"{no\"}");
	refused(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1]}", "malformed JSON");
	post(&w, INBOUNDS "del/4", "");
	post(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1]}");
	world_free(&w);
}

static void test_ids_are_never_reused(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.6.0");
	post(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1]}");
	post(&w, CLIENTS "del/anna", "");
	post(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1]}");
	assert_int_equal(number(&w, CLIENTS "get/anna", "obj.client.id"), 2);
	assert_int_equal(number(&w, CLIENTS "traffic/anna", "obj.id"), 2);
	post(&w, INBOUNDS "del/3", "");
	post(&w, INBOUNDS "add", "{\"port\":1,\"protocol\":\"vless\",\"settings\":{\"clients\":[]}}");
	assert_true(says(&w, "\"obj\":{\"id\":4,"));
	world_free(&w);
}

/* --- counters and the clock --- */

static void deplete(struct world *w)
{
	post(w, CLIENTS "add", "{\"client\":{" ANNA ",\"totalGB\":100},\"inboundIds\":[1,3]}");
	assert_true(panel_sim_set_traffic(w->sim, "anna", 50, 50));
	passes(w, 11 * SECOND_MS);
	assert_false(seen(w, 1, "anna").row_enable);
	assert_false(seen(w, 1, "anna").enable);
	assert_false(seen(w, 3, "anna").enable);
	assert_false(panel_sim_use(w->sim, "anna", 1, 1));
}

/* The table of renewal orders. */
static void test_renewal_orders(void **state)
{
	static const struct { const char *version; bool reset_lets_in; } cases[] = { { "3.1.0", false }, { "3.3.0", false }, { "3.6.0", true } };
	struct world w;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		world_new(&w, cases[i].version);
		deplete(&w);
		post(&w, CLIENTS "resetTraffic/anna", "");
		assert_int_equal(panel_sim_use(w.sim, "anna", 1, 1), cases[i].reset_lets_in);
		post(&w, CLIENTS "update/anna", "{" ANNA ",\"totalGB\":100}");
		assert_true(panel_sim_use(w.sim, "anna", 1, 1));
		passes(&w, 20 * SECOND_MS);
		assert_true(seen(&w, 1, "anna").in_xray);
		world_free(&w);
		world_new(&w, cases[i].version);
		deplete(&w);
		post(&w, CLIENTS "update/anna", "{" ANNA ",\"totalGB\":100}"); /* the wrong order: in, and out at the next poll */
		assert_true(panel_sim_use(w.sim, "anna", 0, 0));
		passes(&w, 6 * SECOND_MS);
		assert_false(seen(&w, 1, "anna").in_xray);
		world_free(&w);
	}
}

static void test_expiry_and_auto_renew(void **state)
{
	struct panel_client_view view;
	struct world w;
	char json[256];

	(void)state;
	world_new(&w, "3.6.0");
	snprintf(json, sizeof(json), "{\"client\":{" ANNA ",\"expiryTime\":%lld},\"inboundIds\":[1]}", (long long)(START + DAY_MS));
	post(&w, CLIENTS "add", json);
	passes(&w, DAY_MS - SECOND_MS);
	assert_true(seen(&w, 1, "anna").in_xray);
	passes(&w, 11 * SECOND_MS);
	assert_false(seen(&w, 1, "anna").in_xray);
	snprintf(json, sizeof(json), "{" ANNA ",\"reset\":30,\"expiryTime\":%lld}", (long long)(START + DAY_MS));
	post(&w, CLIENTS "update/anna", json);
	assert_true(panel_sim_set_traffic(w.sim, "anna", 5, 5));
	passes(&w, 6 * SECOND_MS);
	view = seen(&w, 1, "anna");
	assert_true(view.in_xray);
	assert_int_equal(view.expiry_ms, START + 31 * DAY_MS);
	assert_int_equal(view.row_expiry_ms, START + 31 * DAY_MS);
	assert_int_equal(view.up + view.down, 0);
	passes(&w, 400 * DAY_MS); /* a year at once */
	assert_true(seen(&w, 1, "anna").row_expiry_ms > w.now_ms);
	world_free(&w);
}

static void test_delayed_start(void **state)
{
	static const char *const versions[] = { "3.1.0", "3.6.0" };
	struct panel_client_view view;
	struct world w;

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		world_new(&w, versions[i]);
		post(&w, CLIENTS "add", "{\"client\":{" ANNA ",\"expiryTime\":-86400000},\"inboundIds\":[1]}");
		passes(&w, HOUR_MS);
		assert_int_equal(seen(&w, 1, "anna").row_expiry_ms, -DAY_MS);
		assert_true(panel_sim_use(w.sim, "anna", 1, 1));
		passes(&w, 11 * SECOND_MS);
		view = seen(&w, 1, "anna");
		assert_true(view.row_expiry_ms >= START + HOUR_MS + DAY_MS && view.row_expiry_ms <= w.now_ms + DAY_MS);
		assert_int_equal(view.expiry_ms, view.row_expiry_ms);
		assert_int_equal(number(&w, CLIENTS "get/anna", "obj.client.expiryTime"), view.row_expiry_ms);
		world_free(&w);
	}
}

static void test_onlines(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.6.0");
	post(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1]}");
	assert_true(panel_sim_use(w.sim, "anna", 1, 1));
	passes(&w, 6 * SECOND_MS);
	post(&w, CLIENTS "onlines", "");
	assert_true(says(&w, "[\"anna\"]"));
	passes(&w, 30 * SECOND_MS);
	post(&w, CLIENTS "onlines", "");
	assert_true(says(&w, "\"obj\":[]"));
	world_free(&w);
	world_new(&w, "3.1.0");
	post(&w, CLIENTS "onlines", "");
	assert_true(says(&w, "\"obj\":null"));
	world_free(&w);
}

/* --- the subscription --- */

static void subscribe(struct world *w, enum http_method method, const char *path)
{
	struct sim_request q = { .method = method, .path = str_of(path), .now_ms = w->now_ms, .listener = 1, .arena = &w->arena };

	q.headers[q.headers_count++] = (struct http_header){ "host", "vpn.example.com:2096" };
	arena_clear(&w->arena);
	w->response = (struct sim_response){ 0 };
	panel_sim_handle(w->sim, &q, &w->response);
}

static const char *header(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->response.headers_count; i++)
		if (!strcasecmp(w->response.headers[i].name, name))
			return w->response.headers[i].value;
	return "";
}

static void test_subscription(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.6.0");
	post(&w, CLIENTS "add", "{\"client\":{" ANNA ",\"totalGB\":100},\"inboundIds\":[1,3]}");
	assert_true(panel_sim_set_traffic(w.sim, "anna", 1, 2));
	subscribe(&w, HTTP_GET, "/sub/s-anna");
	assert_int_equal(w.response.status, 200);
	assert_string_equal(header(&w, "subscription-userinfo"), "upload=1; download=2; total=100; expire=0");
	subscribe(&w, HTTP_HEAD, "/sub/s-anna");
	assert_int_equal(w.response.status, 200);
	assert_int_equal(w.response.body.len, 0);
	subscribe(&w, HTTP_GET, "/sub/S-ANNA");
	assert_int_equal(w.response.status, 404);
	post(&w, INBOUNDS "setEnable/1", "{\"enable\":false}");
	subscribe(&w, HTTP_GET, "/sub/s-anna");
	assert_int_equal(w.response.status, 200);
	post(&w, INBOUNDS "setEnable/3", "{\"enable\":false}");
	subscribe(&w, HTTP_GET, "/sub/s-anna");
	assert_int_equal(w.response.status, 404);
	world_free(&w);
}

/* Rows in 3.4, groups from 3.5 on; the same links instead of the inbound's own. */
static void test_hosts(void **state)
{
	struct world w;

	(void)state;
	world_new(&w, "3.4.1");
	post(&w, "panel/api/hosts/add", "{\"inboundId\":1,\"remark\":\"cdn\",\"address\":\"cdn.example.com\",\"port\":8443}");
	assert_true(says(&w, "\"msg\":\"Add host\""));
	say(&w, HTTP_GET, "panel/api/hosts/list", NULL);
	assert_true(says(&w, "\"id\":1,\"inboundId\":1,\"address\":\"cdn.example.com\"") && says(&w, "\"port\":8443") && says(&w, "\"security\":\"same\""));
	assert_false(says(&w, "group"));
	world_free(&w);

	world_new(&w, "3.6.0");
	post(&w, CLIENTS "add", "{\"client\":{" ANNA "},\"inboundIds\":[1,3]}");
	refused(&w, "panel/api/hosts/add", "{\"inboundIds\":[],\"remark\":\"cdn\"}", "request body failed validation");
	refused(&w, "panel/api/hosts/add", "{\"inboundIds\":[1],\"remark\":\"\"}", "request body failed validation");
	refused(&w, "panel/api/hosts/add", "{\"inboundIds\":[9],\"remark\":\"cdn\"}", "inbound not found");
	post(&w, "panel/api/hosts/add", "{\"inboundIds\":[1,2],\"hosts\":[\"cdn.example.com:8443\",\"b.example.com\"],\"remark\":\"cdn\",\"sortOrder\":2}");
	post(&w, "panel/api/hosts/add", "{\"inboundIds\":[1],\"hosts\":[],\"remark\":\"first\",\"sortOrder\":1}");
	post(&w, "panel/api/hosts/add", "{\"inboundIds\":[1],\"hosts\":[\"off.example.com\"],\"remark\":\"off\",\"isDisabled\":true}");
	assert_true(says(&w, "\"obj\":[{") && says(&w, "\"groupId\":\"6\""));
	say(&w, HTTP_GET, "panel/api/hosts/list", NULL);
	assert_true(says(&w, "\"inboundIds\":[1,2],\"hosts\":[\"cdn.example.com:8443\",\"b.example.com\"]"));
	assert_true(says(&w, "\"hosts\":[\"\"]"));
	say(&w, HTTP_GET, CLIENTS "links/anna", NULL);
	assert_true(says(&w, "@cdn.example.com:8443?") && says(&w, "@b.example.com:1001?") && says(&w, ":1003?") && !says(&w, "off.example.com"));
	assert_true(memmem(w.response.body.at, w.response.body.len, ":1001?", 6) < memmem(w.response.body.at, w.response.body.len, ":8443?", 6)); /* by sortOrder */
	post(&w, "panel/api/hosts/del/1", "");
	post(&w, "panel/api/hosts/del/5", "");
	say(&w, HTTP_GET, CLIENTS "links/anna", NULL);
	assert_true(says(&w, ":1001?") && !says(&w, "cdn.example.com"));
	world_free(&w);
}

/* --- size --- */

static void test_size(void **state)
{
	struct world w;
	struct json_object *o;
	int64_t began_us = clock_cpu_us();
	char path[64];

	(void)state;
	world_new(&w, "3.6.0");
	assert_int_equal(panel_sim_seed(w.sim, "vless", 443, "c", MANY), 4);
	assert_int_equal(panel_sim_count_clients(w.sim, 4), MANY);
	for (int i = 1; i <= 300; i++) {
		snprintf(path, sizeof(path), CLIENTS "get/c%d", i * 60);
		say(&w, HTTP_GET, path, NULL);
		assert_true(good(&w));
		snprintf(path, sizeof(path), CLIENTS "c%d/attach", i * 60);
		post(&w, path, "{\"inboundIds\":[1]}");
		snprintf(path, sizeof(path), CLIENTS "del/c%d", i * 60);
		post(&w, path, "");
	}
	assert_int_equal(panel_sim_count_clients(w.sim, 4), MANY - 300);
	say(&w, HTTP_GET, CLIENTS "list", NULL);
	assert_int_equal(json_parse(&o, w.response.body), OK);
	assert_int_equal(json_len(json_array_at(o, "obj")), MANY - 300);
	json_object_put(o);
	passes(&w, 365 * DAY_MS);
	assert_true(clock_cpu_us() - began_us < 20 * 1000000); /* seconds at the outside, under sanitizers too */
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_one_client_on_three, ""),
		proves(test_failure_half_way_stays_done, ""),
		proves(test_add_overwrites_then_swings_back, ""),
		proves(test_attach_keeps_limits, ""),
		proves(test_repeated_add, ""),
		proves(test_omitted_credentials, ""),
		proves(test_repeated_uuid, ""),
		proves(test_malformed_settings, ""),
		proves(test_ids_are_never_reused, ""),
		proves(test_renewal_orders, ""),
		proves(test_expiry_and_auto_renew, ""),
		proves(test_delayed_start, ""),
		proves(test_onlines, ""),
		proves(test_subscription, ""),
		proves(test_hosts, ""),
		proves(test_size, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
