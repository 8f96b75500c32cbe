/* What the driver sends when it changes something, field by field, and what it makes of every outcome. */
#include "tests/unit/xui_script.h"

#include "lib/base/enc.h"

#define U2 "000000a1-1111-4111-8111-0000000000a1"
#define LOOK_A "GET panel/api/inbounds/get/3"
#define ADD_A "POST panel/api/inbounds/addClient"
#define UPDATE_A "POST panel/api/inbounds/updateClient/" UUID
#define DELETE_A "POST panel/api/inbounds/3/delClient/" UUID
#define DONE_ADD "{\"success\":true,\"msg\":\"Клиент добавлен\",\"obj\":null}"
#define REFUSAL(text) "{\"success\":false,\"msg\":\"Something went wrong (" text ")\",\"obj\":null}"

#define GET_C "GET panel/api/clients/get/u1"
#define NONE_C "{\"success\":false,\"msg\":\"Obtain (record not found)\",\"obj\":null}"
#define RECORD RECORD_IN("3")
#define RECORD_IN(inbounds) "{\"success\":true,\"msg\":\"\",\"obj\":{\"client\":{\"id\":2,\"email\":\"u1\",\"subId\":\"s1\",\"uuid\":\"" UUID "\",\"password\":\"\",\"auth\":\"\",\"flow\":\"\",\"security\":\"\"," \
	"\"privateKey\":\"pk\",\"allowedIPs\":\"10.0.0.2/32, fd00::2/128\",\"keepAlive\":0,\"limitIp\":2,\"totalGB\":107374182400,\"expiryTime\":1900000000000,\"enable\":true," \
	"\"tgId\":123456789,\"group\":\"vip\",\"comment\":\"order 42\",\"reset\":0,\"limitHwid\":3,\"createdAt\":1795246876364,\"updatedAt\":1795246876000,\"reverse\":null}," \
	"\"externalLinks\":[],\"inboundIds\":[" inbounds "],\"usedTraffic\":0}}"
#define OPTIONS "{\"success\":true,\"msg\":\"\",\"obj\":[{\"id\":3,\"protocol\":\"vless\",\"tlsFlowCapable\":true,\"ssMethod\":\"\"},{\"id\":4,\"protocol\":\"vless\",\"tlsFlowCapable\":false}," \
	"{\"id\":5,\"protocol\":\"hysteria\",\"tlsFlowCapable\":false},{\"id\":6,\"protocol\":\"shadowsocks\",\"ssMethod\":\"2022-blake3-aes-128-gcm\"}]}"
#define ADD_C "POST panel/api/clients/add"
#define LIST_C "GET panel/api/inbounds/options"
#define UPDATE_C "POST panel/api/clients/update/u1"
#define RESTART "POST panel/api/server/restartXrayService"

/* An inbound of 2.x whose settings and streamSettings are the given JSON. */
static const char *inbound(struct world *w, const char *protocol, const char *settings, const char *stream)
{
	struct json_out j;
	struct buf b;
	const char *out;

	buf_init(&b, 1 << 20);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_bool(&j, "success", true);
	json_put_cstr(&j, "msg", "");
	json_key(&j, "obj");
	json_open(&j, '{');
	json_put_i64(&j, "id", 3);
	json_put_i64(&j, "up", 7);
	json_put_cstr(&j, "remark", "DE");
	json_put_bool(&j, "enable", true);
	json_put_cstr(&j, "clientStats", NULL);
	json_put_i64(&j, "port", 443);
	json_put_cstr(&j, "protocol", protocol);
	json_put_cstr(&j, "settings", settings);
	json_put_cstr(&j, "streamSettings", stream);
	json_put_cstr(&j, "sniffing", "{}");
	json_close(&j, '}');
	json_close(&j, '}');
	out = arena_strdup(&w->arena, buf_cstr(&b));
	buf_release(&b);
	return out;
}

#define CLIENT(email, id, enable) "{\"id\":\"" id "\",\"flow\":\"\",\"email\":\"" email "\",\"limitIp\":2,\"totalGB\":5368709120,\"expiryTime\":1900000000000," \
	"\"enable\":" enable ",\"tgId\":\"\",\"subId\":\"s1\",\"comment\":\"by hand\",\"reset\":0,\"created_at\":1763900000000,\"updated_at\":1763900000000,\"zz\":{\"deep\":[1,null]}}"
#define STRANGER CLIENT("stranger", U2, "true")
#define OURS CLIENT("u1", UUID, "true")
#define EMPTY "{\"clients\":[],\"decryption\":\"none\"}"
#define WITH(clients) "{\"clients\":[" clients "],\"decryption\":\"none\"}"
#define REALITY "{\"network\":\"tcp\",\"security\":\"reality\"}"
#define WS "{\"network\":\"ws\",\"security\":\"none\"}"

static struct xui_ask ask_of(enum xui_what what)
{
	return (struct xui_ask){ .what = what, .inbound_id = 3, .client = { .email = STR("u1"), .uuid = STR(UUID), .sub_id = STR("s1"), .password = STR("pass-1") } };
}

/* settings of the last request: must be a string that holds JSON with exactly one client. The caller puts it. */
static struct json_object *sent_client(struct world *w, struct json_object **holder)
{
	struct json_object *body, *settings, *clients;
	struct sent *s = &w->sent[w->sent_count - 1];

	assert_string_equal(s->type, "application/json");
	assert_int_equal(json_parse(&body, str_of(s->body)), OK);
	assert_true(json_object_is_type(json_at(body, "id"), json_type_int));
	assert_int_equal(json_i64_at(body, "id", 0), 3);
	assert_int_equal(json_object_object_length(body), 2);
	assert_true(json_object_is_type(json_at(body, "settings"), json_type_string));
	assert_int_equal(json_parse(&settings, json_str_at(body, "settings")), OK);
	json_object_put(body);
	clients = json_array_at(settings, "clients");
	assert_int_equal(json_len(clients), 1);
	*holder = settings;
	return json_object_array_get_idx(clients, 0);
}

static void assert_number(struct json_object *o, const char *key, int64_t value)
{
	if (!json_object_is_type(json_at(o, key), json_type_int) || json_i64_at(o, key, -1) != value)
		fail_msg("%s is %s", key, json_object_to_json_string(json_at(o, key)));
}

static void assert_text(struct json_object *o, const char *key, const char *value)
{
	if (!json_object_is_type(json_at(o, key), json_type_string) || !str_is(json_str_at(o, key), value))
		fail_msg("%s is %s", key, json_object_to_json_string(json_at(o, key)));
}

static void assert_switch(struct json_object *o, const char *key, bool value)
{
	assert_true(json_object_is_type(json_at(o, key), json_type_boolean));
	assert_int_equal(json_bool_at(o, key, !value), value);
}

/* An empty plan: the defaults; all twelve members, of the right types. */
static void test_add_sends_everything(void **state)
{
	struct xui_ask ask = { .what = XUI_ADD, .inbound_id = 3, .client = { .email = STR("u1"), .uuid = STR(UUID), .enabled = true } };
	struct json_object *c, *holder;
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", EMPTY, WS) }, { ADD_A, 200, DONE_ADD });
	assert_true(r->err == OK && !r->existed && !r->is_unknown);
	assert_string_equal(r->msg, "Клиент добавлен");
	assert_true(str_is(r->look.client.uuid, UUID) && str_is(r->look.client.email, "u1"));
	c = sent_client(&w, &holder);
	assert_text(c, "id", UUID);
	assert_text(c, "email", "u1");
	assert_text(c, "flow", "");
	assert_number(c, "limitIp", 0);
	assert_number(c, "totalGB", 0);
	assert_number(c, "expiryTime", 0);
	assert_switch(c, "enable", true);
	assert_number(c, "tgId", 0);
	assert_text(c, "subId", "");
	assert_text(c, "comment", "");
	assert_number(c, "reset", 0);
	assert_number(c, "created_at", NOW);
	assert_number(c, "updated_at", NOW);
	assert_int_equal(json_object_object_length(c), 13);
	json_object_put(holder);
	assert_true(w.sent[1].timeout_ms > 30000);
	/* with a plan, on an inbound that carries vision */
	ask.client = (struct xui_client){ .email = STR("u1"), .uuid = STR(UUID), .enabled = true, .quota_bytes = INT64_C(107374182400),
		.expires_ms = INT64_C(1900000000000), .limit_ip = 2, .tg_id = INT64_C(7123456789), .sub_id = STR("k3j9"), .comment = STR("order \"42\""), .reset_days = 30 };
	RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", EMPTY, REALITY) }, { ADD_A, 200, DONE_ADD });
	c = sent_client(&w, &holder);
	assert_text(c, "flow", "xtls-rprx-vision");
	assert_number(c, "limitIp", 2);
	assert_number(c, "totalGB", INT64_C(107374182400)); /* bytes, in spite of the name */
	assert_number(c, "expiryTime", INT64_C(1900000000000));
	assert_number(c, "tgId", INT64_C(7123456789));
	assert_text(c, "subId", "k3j9");
	assert_text(c, "comment", "order \"42\"");
	assert_number(c, "reset", 30);
	json_object_put(holder);
	world_release(&w);
}

static void test_add_looks_first(void **state)
{
	struct xui_ask ask = ask_of(XUI_ADD);
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_B, "3.0.2");
	/* an earlier answer was lost: it is there, so nothing is sent */
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER "," OURS), WS) });
	assert_true(r->err == OK && r->existed);
	/* twice already: a person's or the reconciler's business, not another add */
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(OURS "," OURS), WS) });
	assert_true(r->err == E_CONFLICT && r->look.found == 2 && !r->is_unknown);
	/* the name is somebody else's */
	ask.client.uuid = STR("11111111-1111-4111-8111-111111111111");
	ask.client.sub_id = STR("other");
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(OURS), WS) });
	assert_true(r->err == E_CONFLICT && r->look.is_taken);
	/* inbounds that cannot take clients make the panel panic */
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "wireguard", "{\"secretKey\":\"k\"}", "") });
	assert_true(r->err == E_REFUSED && !r->is_unknown);
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", "{\"clients\":null}", WS) })->err, E_REFUSED);
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", "", WS) })->err, E_REFUSED);
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, REFUSAL("record not found") })->err, E_NOTFOUND);
	world_release(&w);
}

/* What identifies a client, per protocol, in update and delete. */
static void test_keys(void **state)
{
	static const struct { const char *protocol, *member, *key; } cases[] = {
		{ "vless", "id", UUID }, { "vmess", "id", UUID }, { "trojan", "password", "pass-1" },
		{ "shadowsocks", "email", "u1" }, { "hysteria2", "auth", "auth-1" }, { "hysteria", "auth", "auth-1" },
	};
	static const char settings[] = "{\"clients\":[" STRANGER ",{\"id\":\"" UUID "\",\"password\":\"pass-1\",\"auth\":\"auth-1\",\"email\":\"u1\",\"enable\":true,\"subId\":\"s1\"}]}";

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct xui_ask ask = ask_of(XUI_UPDATE);
		struct json_object *c, *holder;
		struct world w;

		world_init(&w, XUI_A, "2.9.4");
		ask.want.expires_ms = 99;
		ask.change = XUI_SET_EXPIRES;
		assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, cases[i].protocol, settings, "") },
			{ arena_printf(&w.arena, "POST panel/api/inbounds/updateClient/%s", cases[i].key), 200, OK_NULL })->err, OK);
		c = sent_client(&w, &holder);
		assert_text(c, cases[i].member, cases[i].key);
		assert_number(c, "expiryTime", 99);
		json_object_put(holder);
		ask.what = XUI_DELETE;
		assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, cases[i].protocol, settings, "") },
			{ arena_printf(&w.arena, "POST panel/api/inbounds/3/delClient/%s", cases[i].key), 200, OK_NULL })->err, OK);
		world_release(&w);
	}
}

/* A client that somebody made with a number for its id is found, and switched off by that number. */
static void test_numeric_id(void **state)
{
	static const char settings[] = "{\"clients\":[" STRANGER ",{\"id\":77001,\"email\":\"u1\",\"enable\":true,\"subId\":\"s1\"}]}";
	struct xui_ask ask = ask_of(XUI_UPDATE);
	struct json_object *c, *holder;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	ask.client.uuid = STR("77001");
	ask.change = XUI_SET_ENABLED;
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", settings, "") }, { "POST panel/api/inbounds/updateClient/77001", 200, OK_NULL })->err, OK);
	c = sent_client(&w, &holder);
	assert_text(c, "id", "77001");
	assert_switch(c, "enable", false);
	json_object_put(holder);
	world_release(&w);
}

/* Everything that was not asked to change stays, unknown members included; only this client is in the list. */
static void test_update_keeps_the_rest(void **state)
{
	struct xui_ask ask = ask_of(XUI_UPDATE);
	struct json_object *c, *holder;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	ask.want = (struct xui_client){ .expires_ms = INT64_C(1950000000000), .quota_bytes = 77, .enabled = true };
	ask.change = XUI_SET_EXPIRES | XUI_SET_QUOTA | XUI_SET_ENABLED;
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER "," STRANGER "," CLIENT("u1", UUID, "false")), WS) },
		{ UPDATE_A, 200, OK_NULL })->err, OK);
	c = sent_client(&w, &holder);
	assert_number(c, "expiryTime", INT64_C(1950000000000));
	assert_number(c, "totalGB", 77);
	assert_switch(c, "enable", true);
	assert_text(c, "id", UUID);
	assert_text(c, "email", "u1");
	assert_text(c, "comment", "by hand");
	assert_text(c, "subId", "s1");
	assert_number(c, "limitIp", 2);
	assert_number(c, "tgId", 0); /* was text on the panel: a number from now on */
	assert_number(c, "created_at", INT64_C(1763900000000));
	assert_number(c, "updated_at", NOW);
	assert_string_equal(json_object_to_json_string_ext(json_at(c, "zz"), JSON_C_TO_STRING_PLAIN), "{\"deep\":[1,null]}");
	json_object_put(holder);
	/* each of the five values by itself */
	for (unsigned bit = 0; bit < 4; bit++) {
		ask.want = (struct xui_client){ .limit_ip = 9, .quota_bytes = 9, .expires_ms = 9, .enabled = false };
		ask.change = 1u << bit;
		RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(OURS), WS) }, { UPDATE_A, 200, OK_NULL });
		c = sent_client(&w, &holder);
		assert_number(c, "expiryTime", ask.change == XUI_SET_EXPIRES ? 9 : INT64_C(1900000000000));
		assert_number(c, "totalGB", ask.change == XUI_SET_QUOTA ? 9 : INT64_C(5368709120));
		assert_number(c, "limitIp", ask.change == XUI_SET_LIMIT_IP ? 9 : 2);
		assert_switch(c, "enable", ask.change != XUI_SET_ENABLED);
		json_object_put(holder);
	}
	/* a new UUID is written over the old one, which addresses it */
	ask.want = (struct xui_client){ .uuid = STR(U2), .email = STR("u1-new") };
	ask.change = XUI_SET_UUID | XUI_SET_EMAIL;
	RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(OURS), WS) }, { UPDATE_A, 200, OK_NULL });
	c = sent_client(&w, &holder);
	assert_text(c, "id", U2);
	assert_text(c, "email", "u1-new");
	json_object_put(holder);
	world_release(&w);
}

static void test_update_stops_without_a_client(void **state)
{
	struct xui_ask ask = ask_of(XUI_UPDATE);
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	ask.change = XUI_SET_EXPIRES;
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER), WS) });
	assert_true(r->err == E_NOTFOUND && !r->is_unknown);
	r = RUN(&w, &ask, { LOOK_A, 200, REFUSAL("boom") });
	assert_true(r->err == E_REFUSED && !r->is_unknown);
	r = RUN(&w, &ask, { LOOK_A, .failure = HTTP_FAIL_TIMEOUT });
	assert_true(r->err == E_IO && !r->is_unknown);
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(OURS "," OURS), WS) });
	assert_true(r->err == E_CONFLICT);
	world_release(&w);
}

/* Every way a write can end: certainly not done, or unknown, never guessed. */
static void test_outcomes(void **state)
{
	static const struct { const char *name; struct step answer; enum err err; bool unknown; } cases[] = {
		{ "time-out", { ADD_A, .failure = HTTP_FAIL_TIMEOUT }, E_UNKNOWN, true },
		{ "cut", { ADD_A, .failure = HTTP_FAIL_BROKEN }, E_UNKNOWN, true },
		{ "too big", { ADD_A, .failure = HTTP_FAIL_TOOBIG }, E_UNKNOWN, true },
		{ "no connection", { ADD_A, .failure = HTTP_FAIL_CONNECT }, E_IO, false },
		{ "no name", { ADD_A, .failure = HTTP_FAIL_RESOLVE }, E_IO, false },
		{ "no TLS", { ADD_A, .failure = HTTP_FAIL_TLS }, E_IO, false },
		{ "500 empty: panic half-way", { ADD_A, 500 }, E_UNKNOWN, true },
		{ "502 of a proxy", { ADD_A, 502, "<html>", .type = "text/html" }, E_UNKNOWN, true },
		{ "200 empty", { ADD_A, 200, "" }, E_UNKNOWN, true },
		{ "200 cut", { ADD_A, 200, "{\"success\":tr" }, E_UNKNOWN, true },
		{ "duplicate", { ADD_A, 200, REFUSAL("Duplicate email: u1\\n") }, E_CONFLICT, false },
		{ "format", { ADD_A, 200, REFUSAL("json: cannot unmarshal string into Go struct field") }, E_INVALID, false },
		{ "blocked panel", { ADD_A, 200, REFUSAL("malformed JSON") }, E_REFUSED, false },
		{ "locked", { ADD_A, 200, REFUSAL("database is locked") }, E_BUSY, false },
		{ "no key", { ADD_A, 200, REFUSAL("empty client ID\\n") }, E_NOTFOUND, false },
		{ "half done", { ADD_A, 200, REFUSAL("UNIQUE constraint failed: clients.email") }, E_UNKNOWN, true },
		{ "other language", { ADD_A, 200, "{\"success\":false,\"msg\":\"خطا (Duplicate email: u1\\n)\",\"obj\":null}" }, E_CONFLICT, false },
		{ "too many", { ADD_A, 429 }, E_REFUSED, false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct xui_ask ask = ask_of(XUI_ADD);
		const struct xui_result *r;
		struct world w;

		world_init(&w, XUI_A, "2.8.5");
		r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", EMPTY, WS) }, cases[i].answer);
		if (r->err != cases[i].err || r->is_unknown != cases[i].unknown)
			fail_msg("%s: %s", cases[i].name, err_name(r->err));
		world_release(&w);
	}
}

/* A session lost between look and write: after the login it looks again, so nothing is sent twice unseen. */
static void test_write_after_lost_session(void **state)
{
	struct xui_ask ask = ask_of(XUI_ADD);
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", EMPTY, WS) }, { ADD_A, 404 }, { "POST login", 200, LOGIN_OK, "3x-ui=n" },
		{ LOOK_A, 200, inbound(&w, "vless", EMPTY, WS) }, { ADD_A, 200, DONE_ADD });
	assert_true(r->err == OK && !r->existed);
	world_release(&w);
	/* a page with 200 proves nothing: this time the client was added */
	world_init(&w, XUI_A, "2.8.5");
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", EMPTY, WS) }, { ADD_A, 200, "<html>", .type = "text/html" }, { "POST login", 200, LOGIN_OK, "3x-ui=n" },
		{ LOOK_A, 200, inbound(&w, "vless", WITH(OURS), WS) });
	assert_true(r->err == OK && r->existed);
	world_release(&w);
	world_init(&w, XUI_A, "2.8.5");
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", EMPTY, WS) }, { ADD_A, 200, "<html>", .type = "text/html" }, { "POST login", .failure = HTTP_FAIL_TIMEOUT });
	assert_true(r->err == E_UNKNOWN && r->is_unknown);
	world_release(&w);
}

static void test_shadowsocks(void **state)
{
	static const struct { const char *method, *client_method; size_t bytes; } cases[] = {
		{ "2022-blake3-aes-128-gcm", "", 16 }, { "2022-blake3-aes-256-gcm", "", 32 }, { "2022-blake3-chacha20-poly1305", "", 32 },
		{ "chacha20-ietf-poly1305", "chacha20-ietf-poly1305", 0 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct xui_ask ask = ask_of(XUI_ADD);
		struct json_object *c, *holder;
		unsigned char key[64];
		size_t n = 0;
		struct world w;

		world_init(&w, XUI_A, "2.8.5");
		{
			const char *in = inbound(&w, "shadowsocks", arena_printf(&w.arena, "{\"method\":\"%s\",\"password\":\"x\",\"clients\":[]}", cases[i].method), "");
			const struct step steps[] = { { LOOK_A, 200, in }, { ADD_A, 200, DONE_ADD }, { RESTART, 200, OK_NULL } };

			world_run(&w, &ask, steps, cases[i].bytes ? 3 : 2);
			w.sent_count = 2;
		}
		c = sent_client(&w, &holder);
		assert_text(c, "method", cases[i].client_method);
		if (cases[i].bytes) {
			assert_int_equal(dec_base64(key, sizeof key, &n, json_str_at(c, "password")), OK);
			assert_int_equal(n, cases[i].bytes);
		} else {
			assert_text(c, "password", "pass-1");
		}
		json_object_put(holder);
		world_release(&w);
	}
	/* a key that fits stays as it is */
	{
		struct buf b;

		buf_init(&b, 256);
		xui_shadowsocks_key(&b, STR("2022-blake3-aes-128-gcm"), STR("AAAAAAAAAAAAAAAAAAAAAA=="));
		assert_string_equal(buf_cstr(&b), "AAAAAAAAAAAAAAAAAAAAAA==");
		/* of a longer one its beginning: a pasted link is known by it (access_password) */
		buf_clear(&b);
		xui_shadowsocks_key(&b, STR("2022-blake3-aes-128-gcm"), STR("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="));
		assert_string_equal(buf_cstr(&b), "MDEyMzQ1Njc4OWFiY2RlZg==");
		buf_release(&b);
	}
}

#define SS_CLIENT "{\"email\":\"u1\",\"password\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"enable\":true,\"subId\":\"s1\"}"
#define SS_UPDATE "POST panel/api/inbounds/updateClient/u1"

/* Before 3.4.2 the panel cannot give a changed Shadowsocks user back to the running Xray: the driver restarts it. */
static void test_shadowsocks_is_let_in(void **state)
{
	static const struct { const char *name, *version, *method; bool enabled; const char *restart; enum err err; } cases[] = {
		{ "2022", "2.8.5", "2022-blake3-aes-128-gcm", true, OK_NULL, OK },
		{ "2022, no restart", "2.8.5", "2022-blake3-aes-128-gcm", true, REFUSAL("xray"), E_UNKNOWN },
		{ "2022, switched off", "2.8.5", "2022-blake3-aes-128-gcm", false, NULL, OK },
		{ "older method", "2.9.2", "aes-256-gcm", true, NULL, OK },
		{ "older method, lost", "2.9.3", "aes-256-gcm", true, OK_NULL, OK },
		{ "older method, never lost", "2.9.4", "chacha20-ietf-poly1305", true, NULL, OK },
		{ "2022 of chacha", "2.9.4", "2022-blake3-chacha20-poly1305", true, OK_NULL, OK },
	};
	struct xui_ask ask = ask_of(XUI_UPDATE);
	struct world w;

	(void)state;
	ask.client.uuid = STR("");
	ask.change = XUI_SET_ENABLED;
	for (size_t i = 0; i < countof(cases); i++) {
		world_init(&w, XUI_A, cases[i].version);
		const char *in = inbound(&w, "shadowsocks", arena_printf(&w.arena, "{\"method\":\"%s\",\"clients\":[" SS_CLIENT "]}", cases[i].method), "");
		const struct step steps[] = { { LOOK_A, 200, in }, { SS_UPDATE, 200, OK_NULL }, { RESTART, 200, cases[i].restart } };
		const struct xui_result *r;

		ask.want.enabled = cases[i].enabled;
		r = world_run(&w, &ask, steps, cases[i].restart ? 3 : 2);
		if (r->err != cases[i].err || r->is_unknown != (cases[i].err != OK))
			fail_msg("%s: %s", cases[i].name, err_name(r->err));
		world_release(&w);
	}
	/* 3.0.x loses both kinds */
	ask.want.enabled = true;
	for (int old = 0; old < 2; old++) {
		world_init(&w, XUI_B, "3.0.2");
		RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "shadowsocks", arena_printf(&w.arena, "{\"method\":\"%s\",\"clients\":[" SS_CLIENT "]}",
			old ? "aes-128-gcm" : "2022-blake3-aes-128-gcm"), "") }, { SS_UPDATE, 200, OK_NULL }, { RESTART, 200, OK_NULL });
		world_release(&w);
	}
	/* a record does not say in what inbounds it stands */
	ask = ask_of(XUI_UPDATE);
	ask.change = XUI_SET_ENABLED;
	ask.want.enabled = true;
	world_init(&w, XUI_C, "3.4.1");
	RUN(&w, &ask, { GET_C, 200, RECORD_IN("3,6") }, { UPDATE_C, 200, OK_NULL }, { LIST_C, 200, OPTIONS }, { RESTART, 200, OK_NULL });
	RUN(&w, &ask, { GET_C, 200, RECORD_IN("3,4") }, { UPDATE_C, 200, OK_NULL }, { LIST_C, 200, OPTIONS });
	world_release(&w);
	world_init(&w, XUI_C, "3.4.2");
	RUN(&w, &ask, { GET_C, 200, RECORD_IN("3,6") }, { UPDATE_C, 200, OK_NULL });
	ask = ask_of(XUI_ADD);
	ask.inbound_id = 6;
	RUN(&w, &ask, { GET_C, 200, NONE_C }, { LIST_C, 200, OPTIONS }, { ADD_C, 200, DONE_ADD });
	world_release(&w);
	world_init(&w, XUI_C, "3.1.0");
	RUN(&w, &ask, { GET_C, 200, NONE_C }, { LIST_C, 200, OPTIONS }, { ADD_C, 200, DONE_ADD }, { RESTART, 200, OK_NULL });
	/* 3.1.0 does not tell the method */
	RUN(&w, &ask, { GET_C, 200, NONE_C }, { LIST_C, 200, "{\"success\":true,\"obj\":[{\"id\":6,\"protocol\":\"shadowsocks\",\"tlsFlowCapable\":false}]}" },
		{ ADD_C, 200, DONE_ADD }, { RESTART, 200, OK_NULL });
	world_release(&w);
}

static void test_delete(void **state)
{
	struct xui_ask ask = ask_of(XUI_DELETE);
	struct json_object *c, *holder;
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.9.4");
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER "," OURS), WS) }, { DELETE_A, 200, OK_NULL });
	assert_true(r->err == OK && !r->kept_disabled);
	/* gone already, with or without its inbound */
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER), WS) })->err, OK);
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, REFUSAL("record not found") })->err, OK);
	/* gone between look and delete */
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER "," OURS), WS) },
		{ DELETE_A, 200, REFUSAL("Client Not Found In Inbound For ID: x\\n") }, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER), WS) });
	assert_true(r->err == OK && !r->kept_disabled);
	/* "not found" although it is there: its traffic row is missing, the panel will not delete it */
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER "," OURS), WS) }, { DELETE_A, 200, REFUSAL("record not found") },
		{ LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER "," OURS), WS) }, { UPDATE_A, 200, OK_NULL });
	assert_true(r->err == OK && r->kept_disabled);
	/* the last client cannot be deleted: it is switched off, once */
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(OURS), WS) }, { UPDATE_A, 200, OK_NULL });
	assert_true(r->err == OK && r->kept_disabled);
	c = sent_client(&w, &holder);
	assert_switch(c, "enable", false);
	assert_text(c, "comment", "by hand");
	json_object_put(holder);
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(CLIENT("u1", UUID, "false")), WS) });
	assert_true(r->err == OK && r->kept_disabled);
	/* nor may it renew itself: that switches on whoever is off */
	for (int on = 0; on < 2; on++) {
		const char *renews = arena_printf(&w.arena, "{\"clients\":[{\"id\":\"" UUID "\",\"email\":\"u1\",\"enable\":%s,\"subId\":\"s1\",\"reset\":30}]}", on ? "true" : "false");

		r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", renews, WS) }, { UPDATE_A, 200, OK_NULL });
		assert_true(r->err == OK && r->kept_disabled);
		c = sent_client(&w, &holder);
		assert_switch(c, "enable", false);
		assert_number(c, "reset", 0);
		json_object_put(holder);
	}
	/* twice: both go in one call, unless they are all there is */
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(OURS "," STRANGER "," OURS), WS) }, { DELETE_A, 200, OK_NULL });
	assert_int_equal(r->err, OK);
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(OURS "," OURS), WS) })->err, E_CONFLICT);
	/* somebody else took the name: not ours to delete */
	ask.client.uuid = STR("11111111-1111-4111-8111-111111111111");
	ask.client.sub_id = STR("other");
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER "," OURS), WS) })->err, OK);
	/* outcome unknown */
	ask = ask_of(XUI_DELETE);
	r = RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", WITH(STRANGER "," OURS), WS) }, { DELETE_A, 500 });
	assert_true(r->err == E_UNKNOWN && r->is_unknown);
	world_release(&w);
}

static void test_reset(void **state)
{
	struct xui_ask ask = ask_of(XUI_RESET);
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/3/resetClientTraffic/u1", 200, OK_NULL })->err, OK);
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/3/resetClientTraffic/u1", 200, REFUSAL("Inbound Not Found For Email: u1\\n") })->err, E_NOTFOUND);
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/3/resetClientTraffic/u1", 404 }, { "POST login", 200, LOGIN_OK, "3x-ui=n" },
		{ "POST panel/api/inbounds/3/resetClientTraffic/u1", 200, OK_NULL })->err, OK);
	ask.what = XUI_IPS_CLEAR;
	RUN(&w, &ask, { "POST panel/api/inbounds/clearClientIps/u1", 200, OK_NULL });
	world_release(&w);
	world_init(&w, XUI_C, "3.6.0");
	RUN(&w, &ask, { "POST panel/api/clients/clearIps/u1", 200, OK_NULL });
	ask.what = XUI_RESET;
	RUN(&w, &ask, { "POST panel/api/clients/resetTraffic/u1", 200, OK_NULL });
	assert_string_equal(w.sent[1].csrf, "csrf-old");
	world_release(&w);
}

/* --- 3.1 and later --- */

static void test_add_c(void **state)
{
	static const int64_t more[] = { 4 };
	struct xui_ask ask = ask_of(XUI_ADD);
	struct json_object *body, *c;
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_C, "3.6.0");
	ask.client.enabled = true;
	r = RUN(&w, &ask, { GET_C, 200, NONE_C }, { LIST_C, 200, OPTIONS }, { ADD_C, 200, DONE_ADD });
	assert_true(r->err == OK && !r->existed);
	assert_int_equal(json_parse(&body, str_of(w.sent[2].body)), OK);
	c = json_at(body, "client");
	assert_text(c, "id", UUID);
	assert_text(c, "email", "u1");
	assert_text(c, "subId", "s1");
	assert_text(c, "password", "pass-1");
	assert_text(c, "flow", "xtls-rprx-vision");
	assert_number(c, "totalGB", 0);
	assert_number(c, "tgId", 0);
	assert_int_equal(json_len(json_array_at(body, "inboundIds")), 1);
	assert_null(json_at(c, "uuid"));
	json_object_put(body);
	/* two inbounds, one of which carries no flow */
	ask.more_inbounds = more;
	ask.more_inbounds_count = 1;
	RUN(&w, &ask, { GET_C, 200, NONE_C }, { LIST_C, 200, OPTIONS }, { ADD_C, 200, DONE_ADD });
	assert_non_null(strstr(w.sent[w.sent_count - 1].body, "\"inboundIds\":[3,4]"));
	assert_non_null(strstr(w.sent[w.sent_count - 1].body, "\"flow\":\"\""));
	/* it has inbound 3 already: attach keeps its limits, add would overwrite them */
	r = RUN(&w, &ask, { GET_C, 200, RECORD }, { "POST panel/api/clients/u1/attach", 200, OK_NULL });
	assert_true(r->err == OK && r->existed);
	assert_string_equal(w.sent[w.sent_count - 1].body, "{\"inboundIds\":[4]}");
	ask.more_inbounds_count = 0;
	r = RUN(&w, &ask, { GET_C, 200, RECORD });
	assert_true(r->err == OK && r->existed);
	/* part of it may be done */
	r = RUN(&w, &ask, { GET_C, 200, NONE_C }, { LIST_C, 200, OPTIONS }, { ADD_C, 200, REFUSAL("record not found") });
	assert_true(r->err == E_UNKNOWN && r->is_unknown);
	/* its words without the key that they name: they go to logs and to admins */
	ask.client.sub_id = STR("k3j9x0q2m4n8p1z7");
	r = RUN(&w, &ask, { GET_C, 200, NONE_C }, { LIST_C, 200, OPTIONS }, { ADD_C, 200, REFUSAL("subId already in use: k3j9x0q2m4n8p1z7") });
	assert_int_equal(r->err, E_CONFLICT);
	assert_non_null(strstr(r->msg, "subId already in use: ****"));
	assert_null(strstr(r->msg, "k3j9"));
	ask.client.sub_id = STR("s1");
	ask.inbound_id = 99;
	r = RUN(&w, &ask, { GET_C, 200, NONE_C }, { LIST_C, 200, OPTIONS });
	assert_true(r->err == E_NOTFOUND && !r->is_unknown && r->look.inbound_gone);
	r = RUN(&w, &ask, { GET_C, 200, RECORD }, { "POST panel/api/clients/u1/attach", 200, REFUSAL("record not found") }, { LIST_C, 200, OPTIONS });
	assert_true(r->err == E_NOTFOUND && !r->is_unknown && r->look.inbound_gone);
	ask.inbound_id = 4; /* it is there: the client has gone meanwhile, or who knows */
	r = RUN(&w, &ask, { GET_C, 200, RECORD }, { "POST panel/api/clients/u1/attach", 200, REFUSAL("record not found") }, { LIST_C, 200, OPTIONS });
	assert_true(r->err == E_UNKNOWN && r->is_unknown && !r->look.inbound_gone);
	ask.inbound_id = 5;
	RUN(&w, &ask, { GET_C, 200, NONE_C }, { LIST_C, 200, OPTIONS }, { ADD_C, 200, DONE_ADD });
	assert_non_null(strstr(w.sent[w.sent_count - 1].body, "\"auth\":\"pass-1\""));
	world_release(&w);
}

/* What is read as a record goes back as a client: uuid is id, addresses are a list, the row number stays behind. */
static void test_update_c(void **state)
{
	struct xui_ask ask = ask_of(XUI_UPDATE);
	struct json_object *c;
	struct world w;

	(void)state;
	world_init(&w, XUI_C, "3.6.0");
	ask.want = (struct xui_client){ .expires_ms = 5, .enabled = true };
	ask.change = XUI_SET_EXPIRES | XUI_SET_ENABLED;
	assert_int_equal(RUN(&w, &ask, { GET_C, 200, RECORD }, { "POST panel/api/clients/update/u1", 200, "{\"success\":true,\"msg\":\"\",\"obj\":{\"nodePending\":true}}" })->err, OK);
	assert_int_equal(json_parse(&c, str_of(w.sent[1].body)), OK);
	assert_text(c, "id", UUID);
	assert_text(c, "email", "u1");
	assert_text(c, "group", "vip");
	assert_text(c, "comment", "order 42");
	assert_text(c, "privateKey", "pk");
	assert_number(c, "expiryTime", 5);
	assert_number(c, "totalGB", INT64_C(107374182400));
	assert_number(c, "tgId", 123456789);
	assert_number(c, "limitHwid", 3);
	assert_number(c, "created_at", INT64_C(1795246876364));
	assert_string_equal(json_object_to_json_string_ext(json_at(c, "allowedIPs"), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), "[\"10.0.0.2/32\",\"fd00::2/128\"]");
	assert_false(json_object_object_get_ex(c, "uuid", NULL) || json_object_object_get_ex(c, "reverse", NULL) || json_object_object_get_ex(c, "createdAt", NULL) ||
		json_object_object_get_ex(c, "password", NULL) || json_object_object_get_ex(c, "inboundIds", NULL));
	json_object_put(c);
	ask.what = XUI_DELETE;
	assert_int_equal(RUN(&w, &ask, { GET_C, 200, RECORD }, { "POST panel/api/clients/del/u1", 200, OK_NULL })->err, OK);
	assert_int_equal(RUN(&w, &ask, { GET_C, 200, RECORD }, { "POST panel/api/clients/del/u1", 200, REFUSAL("client \\\"u1\\\" not found in any inbound or client record") })->err, OK);
	assert_int_equal(RUN(&w, &ask, { GET_C, 200, NONE_C })->err, OK);
	world_release(&w);
}

/* --- inbounds --- */

static void test_inbounds(void **state)
{
	static const char settings[] = WITH(STRANGER "," OURS);
	struct xui_ask ask = { .what = XUI_INBOUND_ADD, .inbound = { .remark = STR("DE"), .protocol = STR("vless"), .port = 8443, .enabled = true,
		.settings = STR(EMPTY), .stream_settings = STR(WS) } };
	struct json_object *body, *inner;
	const struct xui_result *r;
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	r = RUN(&w, &ask, { "POST panel/api/inbounds/add", 200, "{\"success\":true,\"msg\":\"\",\"obj\":{\"id\":12}}" });
	assert_true(r->err == OK && r->inbound_id == 12);
	assert_int_equal(json_parse(&body, str_of(w.sent[0].body)), OK);
	assert_text(body, "settings", EMPTY);
	assert_text(body, "streamSettings", WS);
	assert_number(body, "port", 8443);
	assert_switch(body, "enable", true);
	json_object_put(body);
	ask.inbound.settings = STR("not JSON"); /* would block the whole panel */
	assert_int_equal(RUN_NOTHING(&w, &ask)->err, E_INVALID);
	ask.inbound.settings = STR(EMPTY);
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/add", 200, REFUSAL("Port already exists: 8443") })->err, E_CONFLICT);

	/* a change sends the whole inbound back, its clients to the letter */
	ask = (struct xui_ask){ .what = XUI_INBOUND_UPDATE, .inbound_id = 3, .inbound = { .remark = STR("NL"), .port = 444 },
		.inbound_change = XUI_INBOUND_REMARK | XUI_INBOUND_PORT };
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", settings, WS) }, { "POST panel/api/inbounds/update/3", 200, OK_NULL })->err, OK);
	assert_int_equal(json_parse(&body, str_of(w.sent[w.sent_count - 1].body)), OK);
	assert_text(body, "remark", "NL");
	assert_number(body, "port", 444);
	assert_number(body, "up", 7);
	assert_text(body, "streamSettings", WS);
	assert_false(json_object_object_get_ex(body, "id", NULL) || json_object_object_get_ex(body, "clientStats", NULL));
	assert_int_equal(json_parse(&inner, json_str_at(body, "settings")), OK);
	assert_int_equal(json_len(json_array_at(inner, "clients")), 2);
	assert_text(body, "settings", settings);
	json_object_put(inner);
	json_object_put(body);

	ask.what = XUI_INBOUND_DELETE;
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/del/3", 200, OK_NULL })->err, OK);
	assert_int_equal(RUN(&w, &ask, { "POST panel/api/inbounds/del/3", 200, REFUSAL("record not found") })->err, OK);
	world_release(&w);
}

/* Whatever cannot stand in a path or a body is refused before anything is sent. */
static void test_refused_before_sending(void **state)
{
	struct xui_ask ask = ask_of(XUI_ADD);
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	ask.client.password = STR("a/b");
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "trojan", EMPTY, "") })->err, E_INVALID);
	ask.client.uuid = STR("");
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", EMPTY, "") })->err, E_INVALID);
	ask = ask_of(XUI_ADD);
	ask.client.email = STR("");
	assert_int_equal(RUN(&w, &ask, { LOOK_A, 200, inbound(&w, "vless", EMPTY, "") })->err, E_INVALID);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_add_sends_everything, "R026 R027 R028 R037 R050 R051"),
		proves(test_add_looks_first, "R031 B51"),
		proves(test_keys, "R048"),
		proves(test_numeric_id, "R049"),
		proves(test_update_keeps_the_rest, "R039 R043 R046 B20"),
		proves(test_update_stops_without_a_client, "R040"),
		proves(test_outcomes, "R035"),
		proves(test_write_after_lost_session, "R010 R012"),
		proves(test_shadowsocks, "R047"),
		proves(test_shadowsocks_is_let_in, ""),
		proves(test_delete, "R045"),
		proves(test_reset, ""),
		proves(test_add_c, ""),
		proves(test_update_c, "B20"),
		proves(test_inbounds, ""),
		proves(test_refused_before_sending, ""),
	};

	return cmocka_run_group_tests_name("xui_write", tests, NULL, NULL);
}
