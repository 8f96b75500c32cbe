/* The panel driver against the panel models of all dialects: the same life of a client everywhere (R024). */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/xui/xui.h"
#include "tests/sim/panel.h"

#define NOW INT64_C(1795000000000)
#define ORIGIN "https://panel.example:2053"
#define UUID "5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e"
#define GIB (INT64_C(1) << 30)

static const char *const versions[] = { "2.8.5", "2.9.4", "3.0.2", "3.1.0", "3.6.0" };

struct world {
	struct arena arena;
	struct panel_sim *sim;
	struct xui_panel panel;
	int64_t now_ms;
	struct buf seen;
	size_t listed;
	const char *fail_on; /* part of a URL whose answer is lost on the way; once */
	bool bent;           /* answers come as a newer or older panel might write them: see bend */
};

static void world_init(struct world *w, const char *version)
{
	const struct panel_config config = { .base_path = "/secret/", .user = "admin", .password = "s3cret" };

	memset(w, 0, sizeof *w);
	w->sim = panel_sim_new(version, &config);
	w->panel = (struct xui_panel){ .url = ORIGIN "/secret", .username = "admin", .password = "s3cret" };
	w->now_ms = NOW;
	buf_init(&w->seen, 1 << 20);
}

static void world_release(struct world *w)
{
	panel_sim_free(w->sim);
	buf_release(&w->seen);
	arena_release(&w->arena);
}

static enum err see_client(void *ctx, const struct xui_client *c)
{
	struct world *w = ctx;

	buf_printf(&w->seen, "%.*s;", STR_ARG(c->email));
	return OK;
}

static enum err see_bytes(void *ctx, struct str piece)
{
	struct world *w = ctx;

	if (!w->seen.len)
		buf_add(&w->seen, str_n(piece.at, piece.len < 15 ? piece.len : 15));
	return OK;
}

static void bend(struct json_object *o);

/* JSON inside a text, as settings are. */
static struct json_object *bent_text(struct json_object *text)
{
	struct json_object *inner, *out;

	if (json_parse(&inner, str_of(json_object_get_string(text))) || !json_object_is_type(inner, json_type_object)) {
		json_object_put(inner);
		return json_object_get(text);
	}
	bend(inner);
	out = json_object_new_string(json_object_to_json_string_ext(inner, JSON_C_TO_STRING_PLAIN));
	json_object_put(inner);
	return out;
}

static struct json_object *bent(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_int: return json_object_new_string(json_object_get_string(v));
	case json_type_string: return bent_text(v);
	default: bend(v); return json_object_get(v);
	}
}

/* The same said otherwise: numbers as text, keys nobody knows, and without those that may be missing. */
static void bend(struct json_object *o)
{
	static const char *const optional[] = { "allTime", "lastOnline", "trafficReset", "lastTrafficResetTime", "tag", "usedTraffic" };

	for (size_t i = 0; json_object_is_type(o, json_type_array) && i < json_object_array_length(o); i++)
		json_object_array_put_idx(o, i, bent(json_object_array_get_idx(o, i)));
	if (!json_object_is_type(o, json_type_object))
		return;
	for (size_t i = 0; i < countof(optional); i++)
		json_object_object_del(o, optional[i]);
	json_object_object_foreach(o, key, v)
		if (strcmp(key, "keepAlive") && strcmp(key, "limitHwid")) /* carried back unread: must come as it went */
			json_object_object_add(o, key, bent(v));
	json_object_object_add(o, "unheardOf", json_object_new_array());
}

static struct str bent_body(struct world *w, struct str body)
{
	struct json_object *o;
	struct str out = body;

	if (json_parse(&o, body) == OK && json_object_is_type(o, json_type_object)) {
		if (json_bool_at(o, "success", false)) /* in the panel's own language */
			json_object_object_add(o, "msg", json_object_new_string("با موفقیت انجام شد"));
		bend(o);
		out = str_of(arena_strdup(&w->arena, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)));
	}
	json_object_put(o);
	return out;
}

static void send(struct world *w, const struct http_request *r, struct http_response *a)
{
	struct sim_request q = { .method = r->method, .path = str_of(r->url + strlen(ORIGIN)), .body = r->body, .now_ms = w->now_ms, .arena = &w->arena };
	struct sim_response s = { 0 };

	assert_true(str_starts(str_of(r->url), ORIGIN));
	q.headers[q.headers_count++] = (struct http_header){ "host", "panel.example:2053" };
	for (size_t i = 0; i < r->headers_count; i++) {
		char *name = arena_strdup(&w->arena, r->headers[i].name);

		for (char *p = name; *p; p++)
			*p |= *p >= 'A' && *p <= 'Z' ? 32 : 0;
		q.headers[q.headers_count++] = (struct http_header){ name, r->headers[i].value };
	}
	panel_sim_handle(w->sim, &q, &s);
	if (w->bent)
		s.body = bent_body(w, s.body);
	memset(a, 0, sizeof *a);
	if (s.trouble.drop || s.trouble.hang || (w->fail_on && strstr(r->url, w->fail_on))) {
		w->fail_on = NULL;
		a->failure = s.trouble.drop ? HTTP_FAIL_BROKEN : HTTP_FAIL_TIMEOUT;
		return;
	}
	a->status = s.status;
	for (size_t i = 0; i < s.headers_count; i++)
		a->headers[a->headers_count++] = s.headers[i];
	for (size_t i = 0; i < a->headers_count; i++) {
		char *name = arena_strdup(&w->arena, a->headers[i].name);

		for (char *p = name; *p; p++)
			*p |= *p >= 'A' && *p <= 'Z' ? 32 : 0;
		a->headers[i].name = name;
	}
	if (!r->sink || s.status != 200)
		a->body = s.body;
	else if (s.body.len && r->sink(r->sink_ctx, s.body))
		a->failure = HTTP_FAIL_ABORTED;
}

static const struct xui_result *ask(struct world *w, struct xui_ask what)
{
	struct http_request request;
	struct http_response answer;
	enum xui_turn turn;
	struct xui_op *op;

	what.sinks = (struct xui_sinks){ .on_client = see_client, .on_bytes = see_bytes, .ctx = w };
	w->now_ms += 1000;
	op = xui_op_new(&w->arena, &w->panel, &what);
	turn = xui_op_step(op, NULL, w->now_ms, &request);
	for (int calls = 0; turn == XUI_CALL; calls++) {
		assert_true(calls < 20);
		send(w, &request, &answer);
		turn = xui_op_step(op, &answer, w->now_ms, &request);
	}
	xui_op_release(op);
	return xui_op_result(op);
}

static void ask_ok(struct world *w, struct xui_ask what, const char *version)
{
	const struct xui_result *r = ask(w, what);

	if (r->err)
		fail_msg("%s: operation %d: %s %s", version, what.what, err_name(r->err), r->msg);
}

static void assert_no_drift(struct world *w, const char *version, const char *when)
{
	struct buf why;

	buf_init(&why, 4096);
	if (panel_sim_drift(w->sim, &why))
		fail_msg("%s after %s: %s", version, when, buf_cstr(&why));
	buf_release(&why);
}

static struct xui_client anna(int64_t inbound_id)
{
	static const char *const emails[] = { "anna", "anna-2", "anna-3", "anna-4", "anna-5" };
	static const char *const uuids[] = { UUID, "5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d41", "5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d42",
		"5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d43", "5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d44" };
	static const char *const subs[] = { "sub-anna", "sub-anna2", "sub-anna3", "sub-anna4", "sub-anna5" };
	size_t i = (size_t)inbound_id % 5;

	return (struct xui_client){ .email = str_of(emails[i]), .uuid = str_of(uuids[i]), .password = str_of(subs[i]),
		.sub_id = str_of(subs[i]), .comment = STR("order 1"), .quota_bytes = 100 * GIB, .expires_ms = NOW + 30 * DAY_MS,
		.limit_ip = 2, .tg_id = INT64_C(7123456789), .enabled = true };
}

static const struct { const char *protocol, *settings, *stream; } kinds[] = {
	{ "vless", "{\"clients\":[],\"decryption\":\"none\",\"fallbacks\":[]}",
	  "{\"network\":\"tcp\",\"security\":\"reality\",\"realitySettings\":{\"serverNames\":[\"a.example\"],\"shortIds\":[\"a1\"],\"privateKey\":\"k\",\"settings\":{\"publicKey\":\"p\"}},\"tcpSettings\":{\"header\":{\"type\":\"none\"}}}" },
	{ "vmess", "{\"clients\":[]}", "{\"network\":\"ws\",\"security\":\"none\",\"wsSettings\":{\"path\":\"/\"}}" },
	{ "trojan", "{\"clients\":[],\"fallbacks\":[]}", "{\"network\":\"tcp\",\"security\":\"tls\",\"tlsSettings\":{\"serverName\":\"a.example\"},\"tcpSettings\":{}}" },
	{ "shadowsocks", "{\"method\":\"2022-blake3-aes-256-gcm\",\"password\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"network\":\"tcp,udp\",\"clients\":[]}",
	  "{\"network\":\"tcp\",\"security\":\"none\",\"tcpSettings\":{}}" },
};

static int64_t add_inbound(struct world *w, size_t kind, const char *version)
{
	const struct xui_result *r = ask(w, (struct xui_ask){ .what = XUI_INBOUND_ADD, .inbound = { .remark = STR("DE"),
		.protocol = str_of(kinds[kind].protocol), .port = 8000 + (int64_t)kind, .enabled = true,
		.settings = str_of(kinds[kind].settings), .stream_settings = str_of(kinds[kind].stream), .sniffing = STR("{}") } });

	if (r->err || !r->inbound_id)
		fail_msg("%s: inbound %s: %s %s", version, kinds[kind].protocol, err_name(r->err), r->msg);
	return r->inbound_id;
}

static void assert_seen(struct world *w, const struct xui_ask *look, bool enabled, int64_t quota_bytes, int64_t expires_ms, const char *when)
{
	const struct xui_result *r = ask(w, (struct xui_ask){ .what = XUI_LOOK, .inbound_id = look->inbound_id, .client = look->client });
	const struct xui_client *c = &r->look.client;

	if (r->err || !r->look.exists || !r->look.has_row || !r->look.agrees || r->look.found != 1)
		fail_msg("%s %s: %s exists %d row %d agrees %d found %zu", w->panel.version, when, err_name(r->err), r->look.exists, r->look.has_row, r->look.agrees, r->look.found);
	if (c->enabled != enabled || c->quota_bytes != quota_bytes || c->expires_ms != expires_ms || c->tg_id != look->client.tg_id ||
	    c->limit_ip != 2 || !str_eq(c->sub_id, look->client.sub_id) || !str_is(c->comment, "order 1") || !str_eq(c->uuid, look->client.uuid))
		fail_msg("%s %s: another client", w->panel.version, when);
}

static void client_life(struct world *w, const char *version, size_t kind)
{
	int64_t inbound = add_inbound(w, kind, version);
	struct xui_ask a = { .what = XUI_ADD, .inbound_id = inbound, .client = anna(inbound) };
	struct xui_ask other = { .what = XUI_ADD, .inbound_id = inbound, .client = anna(inbound) };
	char other_email[16], other_sub[16];

	snprintf(other_email, sizeof other_email, "other%zu", kind);
	snprintf(other_sub, sizeof other_sub, "othersub%zu", kind);
	other.client.email = str_of(other_email);
	other.client.sub_id = other.client.password = str_of(other_sub);
	other.client.uuid = str_of(arena_printf(&w->arena, "00000000-0000-4000-8000-00000000000%zu", kind));
	ask_ok(w, a, version);
	ask_ok(w, other, version);
	assert_no_drift(w, version, "add");
	assert_seen(w, &a, true, 100 * GIB, NOW + 30 * DAY_MS, "add");
	assert_true(ask(w, a)->existed);

	a.what = XUI_UPDATE;
	a.want = (struct xui_client){ .expires_ms = NOW + 60 * DAY_MS, .quota_bytes = 200 * GIB, .enabled = false };
	a.change = XUI_SET_EXPIRES | XUI_SET_QUOTA | XUI_SET_ENABLED;
	ask_ok(w, a, version);
	assert_no_drift(w, version, "update");
	assert_seen(w, &a, false, 200 * GIB, NOW + 60 * DAY_MS, "update");
	a.want.enabled = true;
	a.change = XUI_SET_ENABLED;
	ask_ok(w, a, version);
	assert_seen(w, &a, true, 200 * GIB, NOW + 60 * DAY_MS, "enable");

	panel_sim_set_traffic(w->sim, arena_strndup(&w->arena, a.client.email.at, a.client.email.len), 5, 6);
	a.what = XUI_LOOK;
	assert_true(ask(w, a)->look.traffic.down_bytes == 6);
	a.what = XUI_RESET;
	ask_ok(w, a, version);
	a.what = XUI_LOOK;
	assert_true(ask(w, a)->look.traffic.up_bytes == 0 && ask(w, a)->look.traffic.down_bytes == 0);

	a.what = XUI_DELETE;
	ask_ok(w, a, version);
	assert_no_drift(w, version, "delete");
	ask_ok(w, a, version);
	a.what = XUI_LOOK;
	assert_false(ask(w, a)->look.exists);
	/* the last one: off where it cannot go */
	other.what = XUI_DELETE;
	assert_int_equal(ask(w, other)->kept_disabled, w->panel.dialect != XUI_C);
	assert_int_equal(panel_sim_count_clients(w->sim, inbound), w->panel.dialect != XUI_C);
	assert_no_drift(w, version, "delete of the last");
}

static void test_life(void **state)
{
	(void)state;
	for (size_t v = 0; v < countof(versions); v++) {
		struct world w;

		world_init(&w, versions[v]);
		ask_ok(&w, (struct xui_ask){ .what = XUI_PROBE }, versions[v]);
		assert_string_equal(w.panel.version, versions[v]);
		for (size_t k = 0; k < countof(kinds); k++)
			client_life(&w, versions[v], k);
		assert_int_equal(panel_sim_count(w.sim, "POST login"), 1);
		assert_int_equal(panel_sim_races(w.sim), 0);
		world_release(&w);
	}
}

/* The same life when every answer is bent and success is told in Persian: the same result. */
static void test_bent_answers(void **state)
{
	(void)state;
	for (size_t v = 0; v < countof(versions); v++) {
		struct world w;

		world_init(&w, versions[v]);
		w.bent = true;
		ask_ok(&w, (struct xui_ask){ .what = XUI_PROBE }, versions[v]);
		assert_string_equal(w.panel.version, versions[v]);
		for (size_t k = 0; k < countof(kinds); k++)
			client_life(&w, versions[v], k);
		assert_int_equal(panel_sim_count(w.sim, "POST login"), 1);
		world_release(&w);
	}
}

/* The answer of a write is lost: unknown, and the look tells. */
static void test_lost_answers(void **state)
{
	(void)state;
	for (size_t v = 0; v < countof(versions); v++) {
		struct xui_ask a = { .what = XUI_ADD };
		struct world w;

		world_init(&w, versions[v]);
		ask_ok(&w, (struct xui_ask){ .what = XUI_PROBE }, versions[v]);
		a.inbound_id = add_inbound(&w, 0, versions[v]);
		a.client = anna(a.inbound_id);
		w.fail_on = w.panel.dialect == XUI_C ? "clients/add" : "addClient";
		assert_int_equal(ask(&w, a)->err, E_UNKNOWN);
		assert_seen(&w, &a, true, 100 * GIB, NOW + 30 * DAY_MS, "lost add");
		assert_true(ask(&w, a)->existed);
		assert_int_equal(panel_sim_count_clients(w.sim, a.inbound_id), 1);
		/* and the session dies before each call of the next ones */
		a.what = XUI_UPDATE;
		a.want.expires_ms = NOW + 90 * DAY_MS;
		a.change = XUI_SET_EXPIRES;
		panel_sim_drop_sessions(w.sim);
		ask_ok(&w, a, versions[v]);
		assert_seen(&w, &a, true, 100 * GIB, NOW + 90 * DAY_MS, "update after a lost session");
		assert_int_equal(panel_sim_count(w.sim, "POST login"), 2);
		world_release(&w);
	}
}

/* One UUID under none, one and two e-mails, as panels themselves answer it. */
static void test_usage_by_uuid(void **state)
{
	(void)state;
	for (size_t v = 0; v < countof(versions); v++) {
		struct xui_ask add = { .what = XUI_ADD }, usage = { .what = XUI_TRAFFIC_BY_UUID, .client = { .uuid = STR(UUID) } };
		const struct xui_result *r;
		struct world w;

		world_init(&w, versions[v]);
		ask_ok(&w, (struct xui_ask){ .what = XUI_PROBE }, versions[v]);
		if (w.panel.dialect == XUI_C) {
			assert_int_equal(ask(&w, usage)->err, E_VERSION);
			world_release(&w);
			continue;
		}
		assert_int_equal(ask(&w, usage)->err, E_NOTFOUND);
		for (size_t i = 0; i < 2; i++) {
			add.inbound_id = add_inbound(&w, i, versions[v]); /* VLESS and VMess: the same UUID on both */
			add.client = anna(add.inbound_id);
			add.client.uuid = STR(UUID);
			ask_ok(&w, add, versions[v]);
			assert_true(panel_sim_set_traffic(w.sim, arena_strndup(&w.arena, add.client.email.at, add.client.email.len), 3, 4 + (int64_t)i));
			r = ask(&w, usage);
			if (r->err || r->listed != i + 1 || r->traffic.up_bytes != 3 * (int64_t)(i + 1) || r->traffic.down_bytes != (i ? 9 : 4))
				fail_msg("%s: %s, %zu rows, %lld up, %lld down", versions[v], err_name(r->err), r->listed,
					 (long long)r->traffic.up_bytes, (long long)r->traffic.down_bytes);
		}
		world_release(&w);
	}
}

/* A panel that says whose key is in the way does not get it into logs and chats. */
static void test_words_without_keys(void **state)
{
	(void)state;
	for (size_t v = 0; v < countof(versions); v++) {
		struct xui_ask first = { .what = XUI_ADD }, second = { .what = XUI_ADD };
		const struct xui_result *r;
		struct world w;

		world_init(&w, versions[v]);
		first.inbound_id = second.inbound_id = add_inbound(&w, 0, versions[v]);
		first.client = second.client = anna(first.inbound_id);
		ask_ok(&w, first, versions[v]);
		second.client.email = STR("another_name");
		r = ask(&w, second);
		if (r->err && !r->msg[0])
			fail_msg("%s: refused without words", versions[v]);
		if (strstr(r->msg, str_dup(&w.arena, first.client.sub_id)) || strstr(r->msg, str_dup(&w.arena, first.client.uuid)))
			fail_msg("%s: %s", versions[v], r->msg);
		world_release(&w);
	}
}

static void test_system_calls(void **state)
{
	(void)state;
	for (size_t v = 0; v < countof(versions); v++) {
		const struct xui_result *r;
		struct xui_ask a = { .what = XUI_INBOUND_UPDATE };
		struct world w;

		world_init(&w, versions[v]);
		ask_ok(&w, (struct xui_ask){ .what = XUI_PROBE }, versions[v]);
		add_inbound(&w, 0, versions[v]);
		a.inbound_id = panel_sim_seed(w.sim, "vless", 9000, "seed", 300);
		w.now_ms += MINUTE_MS;
		r = ask(&w, (struct xui_ask){ .what = XUI_INBOUNDS });
		assert_int_equal(r->inbounds_count, 2);
		assert_true(r->inbounds[0].clients_count == 0 && r->inbounds[1].clients_count == 300 && r->inbounds[1].takes_clients);
		assert_int_equal(ask(&w, (struct xui_ask){ .what = XUI_CLIENTS })->listed, 300);
		buf_clear(&w.seen);
		ask_ok(&w, (struct xui_ask){ .what = XUI_ONLINES }, versions[v]);
		r = ask(&w, (struct xui_ask){ .what = XUI_STATUS });
		assert_true(r->err == OK && str_is(r->status.xray_state, "running"));
		r = ask(&w, (struct xui_ask){ .what = XUI_SETTINGS });
		assert_true(r->err == OK && str_ends(r->settings.sub_uri, "/sub/"));
		ask_ok(&w, (struct xui_ask){ .what = XUI_IPS, .client = { .email = STR("seed1") } }, versions[v]);
		ask_ok(&w, (struct xui_ask){ .what = XUI_IPS_CLEAR, .client = { .email = STR("seed1") } }, versions[v]);
		ask_ok(&w, (struct xui_ask){ .what = XUI_BACKUP }, versions[v]);
		assert_string_equal(buf_cstr(&w.seen), "SQLite format 3");
		/* a changed inbound keeps its clients, their limits and rows */
		a.inbound = (struct xui_inbound){ .remark = STR("new name") };
		a.inbound_change = XUI_INBOUND_REMARK;
		ask_ok(&w, a, versions[v]);
		assert_int_equal(panel_sim_count_clients(w.sim, a.inbound_id), 300);
		assert_no_drift(&w, versions[v], "inbound update");
		r = ask(&w, (struct xui_ask){ .what = XUI_INBOUNDS });
		assert_true(str_is(r->inbounds[1].remark, "new name") && r->inbounds[1].port == 9000 && r->inbounds[1].enabled);
		a.what = XUI_INBOUND_DELETE;
		ask_ok(&w, a, versions[v]);
		ask_ok(&w, a, versions[v]);
		assert_int_equal(ask(&w, (struct xui_ask){ .what = XUI_INBOUNDS })->inbounds_count, 1);
		world_release(&w);
	}
}

/* One trial login decides; a wrong password is said to be wrong, once. */
static void test_wrong_password(void **state)
{
	(void)state;
	for (size_t v = 0; v < countof(versions); v++) {
		struct world w;

		world_init(&w, versions[v]);
		w.panel.password = "wrong";
		assert_int_equal(ask(&w, (struct xui_ask){ .what = XUI_PROBE })->err, E_AUTH);
		assert_int_equal(panel_sim_count(w.sim, "POST login"), 1);
		w.panel.url = ORIGIN "/elsewhere/";
		assert_int_equal(ask(&w, (struct xui_ask){ .what = XUI_PROBE })->err, E_NOTFOUND);
		world_release(&w);
	}
}

static void test_second_factor(void **state)
{
	const struct panel_config config = { .base_path = "/secret/", .user = "admin", .password = "s3cret", .two_factor = "JBSWY3DPEHPK3PXP" };

	(void)state;
	for (size_t v = 0; v < countof(versions); v++) {
		struct world w;

		world_init(&w, versions[v]);
		panel_sim_free(w.sim);
		w.sim = panel_sim_new(versions[v], &config);
		assert_int_equal(ask(&w, (struct xui_ask){ .what = XUI_PROBE })->err, E_AUTH);
		w.panel.totp_secret = "JBSW Y3DP EHPK 3PXP";
		ask_ok(&w, (struct xui_ask){ .what = XUI_PROBE }, versions[v]);
		world_release(&w);
	}
}

static void keep_line(void *ctx, struct str line)
{
	buf_add(ctx, line);
}

/* Nothing of it is logged, whatever happens. */
static void test_no_secrets_in_the_log(void **state)
{
	struct buf lines;
	struct world w;

	(void)state;
	buf_init(&lines, 1 << 20);
	log_set_sink(keep_line, &lines);
	world_init(&w, "3.6.0");
	ask(&w, (struct xui_ask){ .what = XUI_PROBE });
	panel_sim_drop_sessions(w.sim);
	ask(&w, (struct xui_ask){ .what = XUI_STATUS });
	assert_null(strstr(buf_cstr(&lines), "s3cret"));
	assert_null(strstr(buf_cstr(&lines), "3x-ui="));
	log_set_sink(NULL, NULL);
	buf_release(&lines);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_life, "R001 R003 R024 R042 R045 R048 R056 R129 R152 R153 R160"),
		proves(test_bent_answers, "R023 R035"),
		proves(test_lost_answers, "B51"),
		proves(test_words_without_keys, ""),
		proves(test_system_calls, "R057 R104 R151"),
		proves(test_usage_by_uuid, "R062"),
		proves(test_wrong_password, ""),
		proves(test_second_factor, ""),
		proves(test_no_secrets_in_the_log, ""),
	};

	return cmocka_run_group_tests_name("xui_panel", tests, NULL, NULL);
}
