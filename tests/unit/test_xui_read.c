/* Looks and lists in the three dialects. The answers are cut from what real 2.8.5, 3.0.2, 3.1.0 and 3.6.0 panels sent. */
#include "tests/unit/xui_script.h"

#include <stdlib.h>

#define U2 "000000a1-1111-4111-8111-0000000000a1"

/* get/3 of 2.8.5: settings is text, clientStats is null */
#define CLIENT_TEXT(email, id, more) "\\n    {\\n      \\\"id\\\": \\\"" id "\\\",\\n      \\\"flow\\\": \\\"xtls-rprx-vision\\\",\\n      \\\"email\\\": \\\"" email \
	"\\\",\\n      \\\"limitIp\\\": 2,\\n      \\\"totalGB\\\": 107374182400,\\n      \\\"expiryTime\\\": 1900000000000,\\n      \\\"enable\\\": true,\\n" \
	"      \\\"tgId\\\": 5,\\n      \\\"subId\\\": \\\"k3j9x0q2m4n8p1z7\\\",\\n      \\\"comment\\\": \\\"order 42\\\",\\n      \\\"reset\\\": 0" more "\\n    }"
#define STREAM "{\\\"network\\\": \\\"tcp\\\", \\\"security\\\": \\\"reality\\\"}"
#define INBOUND_HEAD(id, proto) "{\"id\":" id ",\"up\":1,\"down\":2,\"total\":0,\"allTime\":3,\"remark\":\"DE reality\",\"enable\":true,\"expiryTime\":0," \
	"\"trafficReset\":\"never\",\"lastTrafficResetTime\":0,"
#define INBOUND_TAIL(proto, clients) "\"listen\":\"\",\"port\":443,\"protocol\":\"" proto "\",\"settings\":\"{\\n  \\\"clients\\\": [" clients \
	"\\n  ],\\n  \\\"decryption\\\": \\\"none\\\",\\n  \\\"fallbacks\\\": []\\n}\",\"streamSettings\":\"" STREAM "\",\"tag\":\"inbound-443\",\"sniffing\":\"{\\\"enabled\\\": false}\"}"
#define GET_A(clients) "{\"success\":true,\"msg\":\"\",\"obj\":" INBOUND_HEAD("3", "vless") "\"clientStats\":null," INBOUND_TAIL("vless", clients) "}"
#define ROW(email, total, enable) ROW_RESET(email, total, enable, "0")
#define ROW_RESET(email, total, enable, reset) "{\"id\":17,\"inboundId\":3,\"enable\":" enable ",\"email\":\"" email "\",\"uuid\":\"" UUID "\",\"subId\":\"k3j9x0q2m4n8p1z7\"," \
	"\"up\":1048576,\"down\":73400320,\"allTime\":74448896,\"expiryTime\":1900000000000,\"total\":" total ",\"reset\":" reset ",\"lastOnline\":1764000000123}"
#define TRAFFIC(total, enable) "{\"success\":true,\"msg\":\"\",\"obj\":" ROW("u123_1", total, enable) "}"
#define NO_ROW "{\"success\":false,\"msg\":\"Error getting traffics. (Inbound Not Found For Email: u123_1\\n)\",\"obj\":null}"

/* A client is ours by its UUID or its subscription id. Where neither can be compared, by its name alone; where one can and differs,
 * it is somebody else's, whatever it is called. */
static void test_same_client(void **state)
{
	static const struct { const char *uuid, *sub_id, *other_uuid, *other_sub_id; bool is_same; } cases[] = {
		{ UUID, "sub1", UUID, "sub1", true }, { UUID, "sub1", UUID, "", true }, { UUID, "sub1", UUID, "sub2", true }, { UUID, "sub1", U2, "sub1", true },
		{ UUID, "sub1", "", "sub1", true }, { UUID, "sub1", "", "", true }, { "", "sub1", "", "", true },
		{ UUID, "sub1", U2, "", false }, { UUID, "sub1", U2, "sub2", false }, { UUID, "sub1", "", "sub2", false }, { "", "sub1", "", "sub2", false },
		{ UUID, "", U2, "sub2", false }, { UUID, "", U2, "", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct xui_client ours = { .email = STR("u1"), .uuid = str_of(cases[i].uuid), .sub_id = str_of(cases[i].sub_id) },
			other = { .email = STR("u1"), .uuid = str_of(cases[i].other_uuid), .sub_id = str_of(cases[i].other_sub_id) };

		if (xui_client_is_same(&ours, &other) != cases[i].is_same || xui_client_is_same(&other, &ours) != cases[i].is_same)
			fail_msg("case %zu", i);
	}
}

static struct xui_ask look_ask(void)
{
	return (struct xui_ask){ .what = XUI_LOOK, .inbound_id = 3, .client = { .email = STR("u123_1"), .uuid = STR(UUID), .sub_id = STR("k3j9x0q2m4n8p1z7") } };
}

#define LOOK_A "GET panel/api/inbounds/get/3"
#define ROW_A "GET panel/api/inbounds/getClientTraffics/u123_1"

static void test_look_a(void **state)
{
	struct xui_ask ask = look_ask();
	const struct xui_look *l;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	l = &RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("other", U2, "") "," CLIENT_TEXT("u123_1", UUID, ",\\n      \\\"zz\\\": [1]")) },
		{ ROW_A, 200, TRAFFIC("107374182400", "true") })->look;
	assert_true(l->exists && l->has_row && l->agrees && !l->is_taken);
	assert_int_equal(l->found, 1);
	assert_int_equal(l->clients_in_inbound, 2);
	assert_true(str_is(l->client.uuid, UUID));
	assert_true(str_is(l->client.email, "u123_1"));
	assert_true(str_is(l->client.comment, "order 42"));
	assert_true(l->client.quota_bytes == INT64_C(107374182400) && l->client.expires_ms == INT64_C(1900000000000));
	assert_true(l->client.enabled && l->client.limit_ip == 2 && l->client.tg_id == 5 && l->client.reset_days == 0);
	assert_true(str_has(l->client.raw, "\"zz\":[1]"));
	assert_true(str_is(l->protocol, "vless"));
	/* the nine values of a traffic row */
	assert_true(l->traffic.id == 17 && l->traffic.inbound_id == 3 && l->traffic.enabled && str_is(l->traffic.email, "u123_1"));
	assert_true(l->traffic.up_bytes == 1048576 && l->traffic.down_bytes == 73400320);
	assert_true(l->traffic.expires_ms == INT64_C(1900000000000) && l->traffic.quota_bytes == INT64_C(107374182400) && l->traffic.reset_days == 0);
	assert_true(l->traffic.last_online_ms == INT64_C(1764000000123));
	l = &RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("u123_1", UUID, "")) },
		{ ROW_A, 200, "{\"success\":true,\"msg\":\"\",\"obj\":" ROW_RESET("u123_1", "0", "false", "30") "}" })->look;
	assert_true(l->traffic.reset_days == 30 && l->traffic.quota_bytes == 0 && !l->traffic.enabled);
	world_release(&w);
}

static void test_look_a_finds_trouble(void **state)
{
	struct xui_ask ask = look_ask();
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_B, "3.0.2");
	/* nobody; no second call is needed */
	r = RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("other", U2, "")) });
	assert_false(r->look.exists || r->look.is_taken || r->look.found);
	/* twice in one inbound: Xray will not start again with that */
	r = RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("u123_1", UUID, "") "," CLIENT_TEXT("u123_1", UUID, "")) }, { ROW_A, 200, TRAFFIC("107374182400", "true") });
	assert_int_equal(r->look.found, 2);
	/* same e-mail, somebody else's */
	ask.client.sub_id = STR("ours");
	r = RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("u123_1", U2, "")) }, { ROW_A, 200, TRAFFIC("107374182400", "true") });
	assert_true(r->look.is_taken && !r->look.exists);
	/* our UUID under another e-mail (renamed by hand) */
	r = RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("renamed", UUID, "")) }, { "GET panel/api/inbounds/getClientTraffics/renamed", 200, NO_ROW });
	assert_true(r->look.exists && !r->look.has_row && !r->look.agrees);
	assert_true(str_is(r->look.client.email, "renamed"));
	/* the accounting has other limits, or is on beside settings that are off */
	r = RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("u123_1", UUID, "")) }, { ROW_A, 200, TRAFFIC("0", "true") });
	assert_true(r->look.exists && r->look.has_row && !r->look.agrees);
	/* it renews by itself in the accounting alone, which is what enforcement reads */
	r = RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("u123_1", UUID, "")) },
		{ ROW_A, 200, "{\"success\":true,\"msg\":\"\",\"obj\":" ROW_RESET("u123_1", "107374182400", "true", "30") "}" });
	assert_true(r->look.exists && r->look.has_row && !r->look.agrees);
	/* depleted: the row alone is off in 2.8.5, and that is no contradiction */
	r = RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("u123_1", UUID, "")) }, { ROW_A, 200, TRAFFIC("107374182400", "false") });
	assert_true(r->look.agrees && !r->look.traffic.enabled);
	/* success with null: no such row (to 2.8.0), neither an error nor zero usage */
	r = RUN(&w, &ask, { LOOK_A, 200, GET_A(CLIENT_TEXT("u123_1", UUID, "")) }, { ROW_A, 200, OK_NULL });
	assert_true(r->err == OK && r->look.exists && !r->look.has_row);
	/* the inbound itself is gone */
	r = RUN(&w, &ask, { LOOK_A, 200, "{\"success\":false,\"msg\":\"Obtain (record not found)\",\"obj\":null}" });
	assert_true(r->err == OK && r->look.inbound_gone && !r->look.exists);
	/* half an answer, a page of a proxy, a dead panel: no statement at all */
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, "{\"success\":true,\"msg\":\"\",\"obj\":{\"id\":3,\"settings\":\"{\\\"cl" })->err, E_INVALID);
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 502, "<html>", .type = "text/html" })->err, E_IO);
	assert_int_equal(RUN(&w, &ask, { LOOK_A, .failure = HTTP_FAIL_TIMEOUT })->err, E_IO);
	world_release(&w);
}

/* Numbers as text and the reverse, null, missing and unknown members (R023); a numeric id (R049). */
static void test_read_tolerantly(void **state)
{
	struct xui_client c;
	struct arena a;

	(void)state;
	arena_init(&a);
	assert_int_equal(xui_client_read(&c, &a, STR("{\"id\":17,\"email\":\"e\",\"totalGB\":\"5\",\"expiryTime\":7.0,\"enable\":1,\"tgId\":\"\",\"reset\":null,"
		"\"limitIp\":\"3\",\"extra\":{\"a\":[]}}"), XUI_SHAPE_CLIENT), OK);
	assert_true(str_is(c.uuid, "17") && c.quota_bytes == 5 && c.expires_ms == 7 && c.enabled && c.tg_id == 0 && c.reset_days == 0 && c.limit_ip == 3);
	assert_true(c.sub_id.len == 0 && c.created_ms == 0);
	assert_int_equal(xui_client_read(&c, &a, STR("[1]"), XUI_SHAPE_CLIENT), E_INVALID);
	assert_int_equal(xui_client_read(&c, &a, STR("{\"id\""), XUI_SHAPE_CLIENT), E_INVALID);
	arena_release(&a);
}

#define GET_C "{\"success\":true,\"msg\":\"\",\"obj\":{\"client\":{\"id\":2,\"email\":\"u123_1\",\"subId\":\"k3j9x0q2m4n8p1z7\",\"uuid\":\"" UUID "\",\"password\":\"\",\"auth\":\"\"," \
	"\"flow\":\"xtls-rprx-vision\",\"security\":\"\",\"privateKey\":\"\",\"publicKey\":\"\",\"allowedIPs\":\"\",\"preSharedKey\":\"\",\"keepAlive\":0,\"secret\":\"\",\"adTag\":\"\"," \
	"\"limitIp\":2,\"totalGB\":107374182400,\"expiryTime\":1900000000000,\"enable\":true,\"tgId\":123456789,\"group\":\"\",\"comment\":\"order 42\",\"reset\":0," \
	"\"createdAt\":1795246876364,\"updatedAt\":1795246876000,\"reverse\":null},\"externalLinks\":[],\"inboundIds\":[3,5],\"usedTraffic\":0}}"
#define NOT_FOUND_C "{\"success\":false,\"msg\":\"Obtain (record not found)\",\"obj\":null}"

static void test_look_c(void **state)
{
	struct xui_ask ask = look_ask();
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_C, "3.6.0");
	r = RUN(&w, &ask, { "GET panel/api/clients/get/u123_1", 200, GET_C }, { "GET panel/api/clients/traffic/u123_1", 200, TRAFFIC("107374182400", "true") });
	assert_true(r->look.exists && r->look.agrees);
	assert_true(str_is(r->look.client.uuid, UUID) && r->look.client.tg_id == 123456789 && r->look.client.created_ms == INT64_C(1795246876364));
	assert_int_equal(r->look.client.inbounds_count, 2);
	assert_true(r->look.client.inbound_ids[1] == 5);
	r = RUN(&w, &ask, { "GET panel/api/clients/get/u123_1", 200, NOT_FOUND_C });
	assert_true(r->err == OK && !r->look.exists);
	r = RUN(&w, &ask, { "GET panel/api/clients/get/u123_1", 200, " {\"success\":false,\"msg\":\" (record not found)\",\"obj\":null}" });
	assert_true(r->err == OK && !r->look.exists);
	ask.client.email = STR("a+b@c d");
	RUN(&w, &ask, { "GET panel/api/clients/get/a%2Bb%40c%20d", 200, NOT_FOUND_C });
	world_release(&w);
}

#define LIST_A "{\"success\":true,\"msg\":\"\",\"obj\":[" \
	INBOUND_HEAD("3", "vless") "\"clientStats\":[" ROW("u123_1", "107374182400", "true") "]," INBOUND_TAIL("vless", CLIENT_TEXT("u123_1", UUID, "") "," CLIENT_TEXT("u2", U2, "")) "," \
	INBOUND_HEAD("4", "wireguard") "\"clientStats\":null,\"listen\":\"\",\"port\":51820,\"protocol\":\"wireguard\",\"settings\":\"{\\\"secretKey\\\":\\\"k\\\",\\\"peers\\\":[]}\",\"streamSettings\":\"\",\"tag\":\"t4\",\"sniffing\":\"\"}," \
	INBOUND_HEAD("5", "vless") "\"clientStats\":[],\"listen\":\"127.0.0.1\",\"port\":80,\"protocol\":\"vless\",\"settings\":\"\",\"streamSettings\":\"{}\",\"tag\":\"t5\",\"sniffing\":\"{}\"}]}"

#define HOSTS "GET panel/api/hosts/list"

static void test_inbounds(void **state)
{
	static const struct xui_ask ask = { .what = XUI_INBOUNDS };
	static const char c36[] = "{\"success\":true,\"msg\":\"\",\"obj\":[{\"id\":1,\"remark\":\"reality\",\"enable\":true,\"clientStats\":[{\"id\":1}],\"listen\":\"\",\"port\":22401,"
		"\"protocol\":\"vless\",\"tag\":\"in-22401-tcp\",\"settings\":{\"clients\":[{\"email\":\"r1\",\"enable\":true,\"comment\":\"\"}],\"decryption\":\"none\"},"
		"\"streamSettings\":{\"network\":\"tcp\",\"security\":\"reality\"},\"sniffing\":null}]}";
	const struct xui_result *r;
	struct world w;

	(void)state;
	for (size_t chunk = 1; chunk < 4000; chunk = chunk * 3 + 1) {
		world_init(&w, XUI_A, "2.8.5");
		w.chunk = chunk;
		r = RUN(&w, &ask, { "GET panel/api/inbounds/list", 200, LIST_A });
		assert_int_equal(r->inbounds_count, 3);
		assert_true(r->inbounds[0].id == 3 && r->inbounds[0].clients_count == 2 && r->inbounds[0].takes_clients && r->inbounds[0].port == 443);
		assert_true(str_is(r->inbounds[0].settings, "{\"clients\":[],\"decryption\":\"none\",\"fallbacks\":[]}"));
		assert_true(str_is(r->inbounds[0].stream_settings, "{\"network\": \"tcp\", \"security\": \"reality\"}"));
		assert_true(r->inbounds[1].clients_count == 0 && !r->inbounds[1].takes_clients && r->inbounds[1].stream_settings.len == 0);
		assert_true(r->inbounds[2].id == 5 && !r->inbounds[2].takes_clients && str_is(r->inbounds[2].listen, "127.0.0.1"));
		world_release(&w);
	}
	world_init(&w, XUI_C, "3.6.0");
	r = RUN(&w, &ask, { "GET panel/api/inbounds/list/slim", 200, c36 }, { HOSTS, 200, OK_NULL });
	assert_int_equal(r->inbounds_count, 1);
	assert_true(r->inbounds[0].clients_count == 1 && str_is(r->inbounds[0].settings, "{\"clients\":[],\"decryption\":\"none\"}"));
	assert_true(str_is(r->inbounds[0].stream_settings, "{\"network\":\"tcp\",\"security\":\"reality\"}"));
	assert_int_equal(RUN(&w, &ask, { "GET panel/api/inbounds/list/slim", 200, OK_NULL }, { HOSTS, 200, OK_NULL })->inbounds_count, 0);
	world_release(&w);
}

/* Rows of 3.4 and groups of 3.5: the same rows. Who has no such route, or refuses, has no hosts; otherwise nobody knows. */
static void test_hosts(void **state)
{
#define SLIM { "GET panel/api/inbounds/list/slim", 200, OK_NULL }
	static const struct xui_ask ask = { .what = XUI_INBOUNDS };
	static const char rows[] = "{\"success\":true,\"msg\":\"\",\"obj\":[{\"id\":1,\"inboundId\":1,\"remark\":\"cdn\",\"address\":\"cdn.example.com\",\"port\":8443,\"security\":\"same\"},7,"
		"{\"id\":2,\"inboundId\":2,\"address\":\"\",\"port\":0},{\"id\":3,\"address\":\"nobody's\"}]}";
	static const char groups[] = "{\"success\":true,\"msg\":\"\",\"obj\":[{\"groupId\":\"g\",\"inboundIds\":[1,2],\"hosts\":[\"cdn.example.com:8443\",\"2001:db8::1\",\"[2001:db8::2]:444\",\"b.example\"],"
		"\"remark\":\"cdn\",\"port\":8443,\"sni\":\"s\"},{\"groupId\":\"h\",\"inboundIds\":[2],\"hosts\":[],\"port\":0,\"remark\":\"own\"}]}";
	static const struct { const char *body; int status; bool known; } without[] = {
		{ "{\"success\":false,\"msg\":\"Failed to load hosts (x)\",\"obj\":null}", 200, true },
		{ "404 page not found", 404, true }, { "", 403, true }, { "<html>", 502, false }, { "{\"success\":true,\"obj\":[{", 200, false },
	};
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_C, "3.4.1");
	r = RUN(&w, &ask, SLIM, { HOSTS, 200, rows });
	assert_true(r->err == OK && r->hosts_known && r->hosts_count == 2);
	assert_true(r->hosts[0].inbound_id == 1 && str_has(r->hosts[0].row, "\"address\":\"cdn.example.com\",\"port\":8443"));
	assert_true(r->hosts[1].inbound_id == 2 && str_has(r->hosts[1].row, "\"address\":\"\""));
	world_release(&w);

	world_init(&w, XUI_C, "3.6.0");
	r = RUN(&w, &ask, SLIM, { HOSTS, 200, groups });
	assert_true(r->err == OK && r->hosts_known && r->hosts_count == 9);
	for (size_t i = 0; i < 8; i++)
		assert_true(r->hosts[i].inbound_id == 1 + (int64_t)(i % 2) && str_has(r->hosts[i].row, "\"sni\":\"s\"") && !str_has(r->hosts[i].row, "inboundIds"));
	assert_true(str_has(r->hosts[1].row, "\"port\":8443") && str_has(r->hosts[1].row, "\"address\":\"cdn.example.com\""));
	assert_true(str_has(r->hosts[2].row, "\"port\":0") && str_has(r->hosts[2].row, "\"address\":\"2001:db8::1\""));
	assert_true(str_has(r->hosts[4].row, "\"port\":444") && str_has(r->hosts[4].row, "\"address\":\"[2001:db8::2]\""));
	assert_true(str_has(r->hosts[6].row, "\"port\":0") && str_has(r->hosts[6].row, "\"address\":\"b.example\"")); /* the group's port is the first row's */
	assert_true(str_has(r->hosts[8].row, "\"port\":0") && str_has(r->hosts[8].row, "\"address\":\"\""));
	for (size_t i = 0; i < countof(without); i++) {
		r = RUN(&w, &ask, SLIM, { HOSTS, without[i].status, without[i].body, .type = "text/plain" });
		if (r->err || r->hosts_count || r->hosts_known != without[i].known || *r->msg)
			fail_msg("case %zu: %s, %zu hosts, known %d, %s", i, err_name(r->err), r->hosts_count, r->hosts_known, r->msg);
	}
	world_release(&w);

	world_init(&w, XUI_C, "3.3.1");
	r = RUN(&w, &ask, SLIM);
	assert_true(r->err == OK && r->hosts_known && r->hosts_count == 0);
	world_release(&w);
}

static void test_all_clients(void **state)
{
	static const struct xui_ask ask = { .what = XUI_CLIENTS };
	static const char c31[] = "{\"success\":true,\"msg\":\"\",\"obj\":[{\"id\":12,\"email\":\"u1\",\"subId\":\"s\",\"uuid\":\"" UUID "\",\"totalGB\":5,\"expiryTime\":6,\"enable\":true,"
		"\"inboundIds\":[3,5],\"traffic\":{\"email\":\"u1\",\"up\":1,\"down\":2,\"total\":5}},{\"id\":13,\"email\":\"u2\",\"uuid\":\"\",\"enable\":false,\"inboundIds\":null}]}";
	const char *want_a = "traffic u123_1 1048576+73400320 of 107374182400\n"
		"client u123_1 " UUID " inbound 3 of 1 quota 107374182400 expires 1900000000000 on\n"
		"client u2 " U2 " inbound 3 of 1 quota 107374182400 expires 1900000000000 on\n";
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	assert_int_equal(RUN(&w, &ask, { "GET panel/api/inbounds/list", 200, LIST_A })->listed, 2);
	assert_string_equal(buf_cstr(&w.seen), want_a);
	/* an answer that breaks off after a lost session is void */
	buf_clear(&w.seen);
	RUN(&w, &ask, { "GET panel/api/inbounds/list", 404 }, { "POST login", 200, LOGIN_OK, "3x-ui=n" }, { "GET panel/api/inbounds/list", 200, LIST_A });
	assert_int_equal(w.restarts, 1);
	assert_string_equal(buf_cstr(&w.seen), want_a);
	world_release(&w);
	world_init(&w, XUI_C, "3.1.0");
	RUN(&w, &ask, { "GET panel/api/clients/list", 200, c31 });
	assert_string_equal(buf_cstr(&w.seen), "client u1 " UUID " inbound 3 of 2 quota 5 expires 6 on\ntraffic u1 1+2 of 5\n"
		"client u2  inbound 0 of 0 quota 0 expires 0 off\n");
	world_release(&w);
}

static enum err count_only(void *ctx, const struct xui_client *c)
{
	assert_true(c->email.len > 0);
	++*(int *)ctx;
	return OK;
}

/* 20,000 clients in one 2.x inbound: the operation's memory does not notice. */
static void test_many_clients(void **state)
{
	enum { MANY = 20000 };
	struct xui_ask ask = { .what = XUI_CLIENTS, .sinks = { .on_client = count_only } }, look = look_ask();
	int counted = 0;
	struct buf text;
	const struct xui_result *r;
	struct world w;

	(void)state;
	ask.sinks.ctx = &counted;
	buf_init(&text, 64 << 20);
	buf_adds(&text, "{\"success\":true,\"msg\":\"\",\"obj\":[{\"id\":3,\"clientStats\":null,\"protocol\":\"vless\",\"settings\":\"{\\\"clients\\\":[");
	for (int i = 0; i < MANY; i++)
		buf_printf(&text, "%s{\\n\\\"id\\\": \\\"00000000-0000-4000-8000-%012d\\\",\\n\\\"email\\\": \\\"user_%d\\\",\\n\\\"totalGB\\\": 107374182400,\\n\\\"enable\\\": true}",
			   i ? "," : "", i, i);
	buf_adds(&text, "]}\"}]}");
	world_init(&w, XUI_A, "2.8.5");
	w.chunk = 16384;
	r = RUN(&w, &ask, { "GET panel/api/inbounds/list", 200, buf_cstr(&text) });
	assert_int_equal(r->err, OK);
	assert_int_equal(counted, MANY);
	assert_true(w.arena.used_bytes < 64 << 10);
	/* the look at one of them */
	look.client = (struct xui_client){ .email = STR("user_19999"), .uuid = STR("00000000-0000-4000-8000-000000019999") };
	buf_clear(&text);
	buf_adds(&text, "{\"success\":true,\"msg\":\"\",\"obj\":{\"id\":3,\"protocol\":\"vless\",\"settings\":\"{\\\"clients\\\":[");
	for (int i = 0; i < MANY; i++)
		buf_printf(&text, "%s{\\\"id\\\":\\\"00000000-0000-4000-8000-%012d\\\",\\\"email\\\":\\\"user_%d\\\"}", i ? "," : "", i, i);
	buf_adds(&text, "]}\"}}");
	r = RUN(&w, &look, { LOOK_A, 200, buf_cstr(&text) }, { "GET panel/api/inbounds/getClientTraffics/user_19999", 200, NO_ROW });
	assert_true(r->look.exists && r->look.clients_in_inbound == MANY && r->look.found == 1);
	assert_true(w.arena.used_bytes < 128 << 10);
	world_release(&w);
	buf_release(&text);
}

static void test_onlines(void **state)
{
	static const struct xui_ask ask = { .what = XUI_ONLINES };
	static const struct { const char *obj, *seen; } cases[] = {
		{ "null", "" }, { "[]", "" }, { "[\"u1\",\"u 2\"]", "online u1 ip \nonline u 2 ip \n" },
		{ "[{\"email\":\"u1\",\"ip\":\"1.2.3.4\",\"connectedAt\":5,\"protocol\":\"vless\",\"location\":\"X\"},{\"email\":\"u2\"},7,{}]",
		  "online u1 ip 1.2.3.4\nonline u2 ip \n" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct world w;

		world_init(&w, XUI_A, "2.8.5");
		RUN(&w, &ask, { "POST panel/api/inbounds/onlines", 200, arena_printf(&w.arena, "{\"success\":true,\"msg\":\"\",\"obj\":%s}", cases[i].obj) });
		assert_string_equal(buf_cstr(&w.seen), cases[i].seen);
		world_release(&w);
	}
}

static void test_ips(void **state)
{
	static const struct xui_ask ask = { .what = XUI_IPS, .client = { .email = STR("u1") } };
	static const struct { const char *obj; size_t count; const char *ip, *when; } cases[] = {
		{ "\"No IP Record\"", 0, "", "" }, { "[]", 0, "", "" }, { "null", 0, "", "" },
		{ "\"[\\\"1.2.3.4\\\",\\\"5.6.7.8\\\"]\"", 2, "1.2.3.4", "" },
		{ "\"[{\\\"ip\\\":\\\"1.2.3.4\\\",\\\"timestamp\\\":1700000000}]\"", 1, "1.2.3.4", "2023-11-14 22:13:20" },
		{ "[\"1.2.3.4 (2025-11-23 12:30:00)\",\"5.6.7.8\"]", 2, "1.2.3.4", "2025-11-23 12:30:00" },
		{ "[{\"ip\":\"1.2.3.4\",\"time\":\"2025-11-23 12:30:00\",\"node\":\"\"}]", 1, "1.2.3.4", "2025-11-23 12:30:00" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		const struct xui_result *r;
		struct world w;

		world_init(&w, XUI_A, "2.8.5");
		r = RUN(&w, &ask, { "POST panel/api/inbounds/clientIps/u1", 200, arena_printf(&w.arena, "{\"success\":true,\"msg\":\"\",\"obj\":%s}", cases[i].obj) });
		assert_int_equal(r->err, OK);
		assert_int_equal(r->ips_count, cases[i].count);
		if (r->ips_count && (!str_is(r->ips[0].ip, cases[i].ip) || !str_is(r->ips[0].when, cases[i].when)))
			fail_msg("case %zu", i);
		world_release(&w);
	}
}

static void test_status_and_settings(void **state)
{
	static const struct xui_ask status = { .what = XUI_STATUS }, settings = { .what = XUI_SETTINGS };
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_C, "3.6.0");
	r = RUN(&w, &status, { "GET panel/api/server/status", 200, "{\"success\":true,\"msg\":\"\",\"obj\":{\"cpu\":12.53,\"mem\":{\"current\":1610612736,\"total\":4123168768},"
		"\"disk\":{\"current\":5,\"total\":9},\"xray\":{\"state\":\"running\",\"errorMsg\":\"\",\"version\":\"25.10.15\"},\"uptime\":864000,\"loads\":[0.12,0.08,0.05]}}" });
	assert_int_equal(r->status.cpu_permille, 125);
	assert_true(r->status.memory_used_bytes == 1610612736 && r->status.uptime_s == 864000 && r->status.load_percent[0] == 12);
	assert_true(str_is(r->status.xray_state, "running") && str_is(r->status.xray_version, "25.10.15"));
	assert_int_equal(RUN(&w, &status, { "GET panel/api/server/status", 200, OK_NULL })->err, OK);
	r = RUN(&w, &settings, { "POST panel/api/setting/defaultSettings", 200,
		"{\"success\":true,\"msg\":\"\",\"obj\":{\"subEnable\":true,\"subJsonEnable\":false,\"subJsonURI\":\"\",\"subURI\":\"https://vpn.example.com:2096/sub/\"}}" });
	assert_true(r->settings.sub_enabled && !r->settings.json_enabled && str_is(r->settings.sub_uri, "https://vpn.example.com:2096/sub/"));
	world_release(&w);
}

static void test_backup(void **state)
{
	static const struct xui_ask ask = { .what = XUI_BACKUP };
	static const char refused[] = "{\"success\":false,\"msg\":\"An error occurred while retrieving the database. (disk I/O error)\",\"obj\":null}";
	static const size_t chunks[] = { 1, 15, 16, 17, 5000, 100000 };
	char *file = xcalloc(1, 20000);
	const struct xui_result *r;
	struct world w;

	(void)state;
	snprintf(file, 20000, "SQLite format 3");
	memset(file + 16, 'x', 19984);
	for (size_t i = 0; i < countof(chunks); i++) {
		world_init(&w, XUI_B, "3.0.2");
		w.chunk = chunks[i];
		assert_int_equal(RUN(&w, &ask, { "GET panel/api/server/getDb", 200, file, .type = "application/octet-stream", .len = 20000 })->err, OK);
		assert_int_equal(w.seen.len, 20000);
		assert_memory_equal(w.seen.at, file, 20000);
		buf_clear(&w.seen);
		r = RUN(&w, &ask, { "GET panel/api/server/getDb", 200, refused });
		assert_int_equal(r->err, E_REFUSED);
		assert_string_equal(r->msg, "An error occurred while retrieving the database. (disk I/O error)");
		assert_int_equal(RUN(&w, &ask, { "GET panel/api/server/getDb", 200, "" })->err, E_INVALID);
		assert_int_equal(RUN(&w, &ask, { "GET panel/api/server/getDb", 200, file + 100, .len = 15000 })->err, E_INVALID);
		assert_int_equal(w.seen.len, 0);
		world_release(&w);
	}
	free(file);
}

/* An answer that ends anywhere, or has a wrong byte anywhere, is an error or another client: never a crash, never half a truth. */
static void test_broken_answers(void **state)
{
	static const char whole[] = GET_A(CLIENT_TEXT("u123_1", UUID, "")), list[] = LIST_A;
	static const char wrong[] = "\"\\{]0";
	struct xui_ask look = look_ask(), inbounds = { .what = XUI_INBOUNDS };
	char *text = xstrdup(whole);
	struct world w;

	(void)state;
	for (size_t n = 0; n < sizeof whole - 1; n++) {
		world_init(&w, XUI_A, "2.8.5");
		assert_int_equal(RUN(&w, &look, { LOOK_A, 200, n ? whole : "", .len = n })->err, E_INVALID);
		world_release(&w);
	}
	for (size_t n = 0; n < sizeof list - 1; n += 3) {
		world_init(&w, XUI_A, "2.8.5");
		assert_int_equal(RUN(&w, &inbounds, { "GET panel/api/inbounds/list", 200, n ? list : "", .len = n })->err, E_INVALID);
		world_release(&w);
	}
	for (size_t at = 0; at < sizeof whole - 1; at++) {
		for (size_t i = 0; i < sizeof wrong - 1; i++) {
			struct http_request request;
			struct http_response answer = { .status = 200 };
			struct xui_op *op;

			text[at] = wrong[i];
			world_init(&w, XUI_A, "2.8.5");
			op = xui_op_new(&w.arena, &w.panel, &look);
			answer.body = str_n(text, sizeof whole - 1);
			assert_int_equal(xui_op_step(op, NULL, NOW, &request), XUI_CALL);
			xui_op_step(op, &answer, NOW, &request);
			assert_true(xui_op_result(op)->look.found <= 1);
			xui_op_release(op);
			world_release(&w);
		}
		text[at] = whole[at];
	}
	free(text);
}

/* An array by UUID: nobody is not found and never zero usage, one is that one, several are added up. */
static void test_usage_by_uuid(void **state)
{
#define USAGE_A "GET panel/api/inbounds/getClientTrafficsById/" UUID
#define USAGE(rows) "{\"success\":true,\"msg\":\"\",\"obj\":[" rows "]}"
	static const struct xui_ask ask = { .what = XUI_TRAFFIC_BY_UUID, .client = { .uuid = STR(UUID) } };
	static const struct xui_ask nobody = { .what = XUI_TRAFFIC_BY_UUID, .client = { .email = STR("u123_1") } };
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	assert_int_equal(RUN(&w, &ask, { USAGE_A, 200, USAGE("") })->err, E_NOTFOUND);
	assert_int_equal(RUN(&w, &ask, { USAGE_A, 200, OK_NULL })->err, E_NOTFOUND);
	r = RUN(&w, &ask, { USAGE_A, 200, USAGE(ROW("u123_1", "107374182400", "true")) });
	assert_true(r->err == OK && r->listed == 1 && str_is(r->traffic.email, "u123_1") && r->traffic.enabled);
	assert_true(r->traffic.up_bytes == 1048576 && r->traffic.down_bytes == 73400320);
	assert_true(r->traffic.quota_bytes == INT64_C(107374182400) && r->traffic.expires_ms == INT64_C(1900000000000));
	r = RUN(&w, &ask, { USAGE_A, 200, USAGE(ROW("u123_1", "107374182400", "false") "," ROW("u123_1-2", "107374182400", "true")) });
	assert_true(r->err == OK && r->listed == 2 && str_is(r->traffic.email, "u123_1") && r->traffic.enabled);
	assert_true(r->traffic.up_bytes == 2 * 1048576 && r->traffic.down_bytes == 2 * 73400320);
	assert_true(r->traffic.quota_bytes == 2 * INT64_C(107374182400) && r->traffic.expires_ms == INT64_C(1900000000000));
	r = RUN(&w, &ask, { USAGE_A, 200, USAGE(ROW("u123_1", "107374182400", "false") "," ROW("u123_1-2", "0", "false")) });
	assert_true(r->traffic.quota_bytes == 0 && !r->traffic.enabled); /* one without a quota: none */
	r = RUN(&w, &ask, { USAGE_A, 200, USAGE("{\"email\":\"a\",\"up\":9223372036854775807},{\"email\":\"b\",\"up\":5,\"down\":7}") });
	assert_true(r->traffic.up_bytes == INT64_MAX && r->traffic.down_bytes == 7);
	assert_int_equal(RUN(&w, &ask, { USAGE_A, 502, "<html>", .type = "text/html" })->err, E_IO);
	assert_int_equal(RUN_NOTHING(&w, &nobody)->err, E_NOTFOUND);
	world_release(&w);
	/* where there is no such route nothing is sent */
	world_init(&w, XUI_A, "2.3.10");
	assert_int_equal(RUN_NOTHING(&w, &ask)->err, E_VERSION);
	world_release(&w);
	world_init(&w, XUI_C, "3.6.0");
	assert_int_equal(RUN_NOTHING(&w, &ask)->err, E_VERSION);
	world_release(&w);
}

/* success decides, in whatever language msg is written; msg is kept for admins. */
static void test_envelope(void **state)
{
	static const struct xui_ask ask = { .what = XUI_IPS, .client = { .email = STR("u1") } };
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	r = RUN(&w, &ask, { "POST panel/api/inbounds/clientIps/u1", 200, "{\"success\":false,\"msg\":\"Что-то пошло не так (boom\\n)\",\"obj\":null}" });
	assert_int_equal(r->err, E_REFUSED);
	assert_string_equal(r->msg, "Что-то пошло не так (boom\n)");
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/clientIps/u1", 200, "" })->err, E_INVALID);
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/clientIps/u1", 200, "[]" })->err, E_INVALID);
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/clientIps/u1", 200, "{\"success\":\"true\",\"extra\":1}" })->err, OK);
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/clientIps/u1", 400, "bad" })->err, E_REFUSED);
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/clientIps/u1", 500, "" })->err, E_IO);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_same_client, ""),
		proves(test_look_a, "R061"),
		proves(test_usage_by_uuid, "R062"),
		proves(test_look_a_finds_trouble, ""),
		proves(test_read_tolerantly, ""),
		proves(test_look_c, ""),
		proves(test_inbounds, ""),
		proves(test_hosts, ""),
		proves(test_all_clients, ""),
		proves(test_many_clients, ""),
		proves(test_onlines, ""),
		proves(test_ips, ""),
		proves(test_status_and_settings, ""),
		proves(test_backup, ""),
		proves(test_broken_answers, ""),
		proves(test_envelope, ""),
	};

	return cmocka_run_group_tests_name("xui_read", tests, NULL, NULL);
}
