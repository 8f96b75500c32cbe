/* The panel story (make panel-story) against our simulators behind a real socket: what real panels are measured with must
 * hold on every generation of the simulator too. The wall clock belongs to the test: waiting moves it. */
#include "tests/unit/proves.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/links/link_read.h"
#include "tests/panel_story/proxy.h"
#include "tests/panel_story/story.h"
#include "tests/sim/panel.h"
#include "tests/sim/serve.h"

#define START_MS INT64_C(1795000000000)
#define PAGE_BYTES (512 * 1024)
#define INBOUND_VLESS_WS \
	"{\"enable\":true,\"remark\":\"ws\",\"listen\":\"\",\"port\":4443,\"protocol\":\"vless\",\"expiryTime\":0,\"total\":0," \
	"\"settings\":\"{\\\"clients\\\":[],\\\"decryption\\\":\\\"none\\\",\\\"fallbacks\\\":[]}\"," \
	"\"streamSettings\":\"{\\\"network\\\":\\\"ws\\\",\\\"security\\\":\\\"none\\\",\\\"wsSettings\\\":{\\\"path\\\":\\\"/ws\\\"}}\"," \
	"\"sniffing\":\"{}\"}"
#define INBOUND_SHADOWSOCKS(method) \
	"{\"enable\":true,\"remark\":\"ss\",\"listen\":\"\",\"port\":4443,\"protocol\":\"shadowsocks\",\"expiryTime\":0,\"total\":0," \
	"\"settings\":\"{\\\"method\\\":\\\"" method "\\\",\\\"password\\\":\\\"AAAAAAAAAAAAAAAAAAAAAA==\\\",\\\"network\\\":\\\"tcp\\\"," \
	"\\\"clients\\\":[]}\",\"streamSettings\":\"{\\\"network\\\":\\\"tcp\\\",\\\"security\\\":\\\"none\\\"}\",\"sniffing\":\"{}\"}"

struct world {
	struct clock_source clock;
	_Atomic int64_t passed_ms;   /* how far the clock has been moved */
	struct panel_sim *sim;
	struct serve *serve;
	int panel, subscriptions;
	int64_t inbound_id;
	int64_t stop_after_ms;       /* the story is stopped when the clock has come so far; 0: never */
	volatile sig_atomic_t stop;
	char *said;                  /* what the story wrote */
	size_t said_len;
};

static int64_t now_ms(void *ctx)
{
	struct world *w = ctx;

	return START_MS + w->passed_ms;
}

static int64_t mono_us(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void wait_virtually(void *ctx, int64_t ms)
{
	struct world *w = ctx;

	w->passed_ms += ms;
	w->stop |= w->stop_after_ms && w->passed_ms >= w->stop_after_ms;
}

struct wanted {
	struct str credential;
	char email[64];
};

static bool is_owner(void *ctx, const struct panel_client_view *c)
{
	struct wanted *want = ctx;

	if (!c->in_xray || (!str_eq(c->id, want->credential) && !str_eq(c->password, want->credential)))
		return true;
	snprintf(want->email, sizeof want->email, "%.*s", STR_ARG(c->email));
	return false;
}

/* The simulated Xray lets in whoever has the UUID or password that stands in the link. */
static enum err carry_simulated(void *ctx, struct str link, int64_t *bytes)
{
	struct world *w = ctx;
	struct arena a = { 0 };
	struct link_parts parts;
	struct wanted want = { 0 };
	enum err e = link_read(&parts, &a, link);

	*bytes = PAGE_BYTES;
	if (!e) {
		want.credential = parts.credential;
		serve_lock(w->serve);
		panel_sim_advance(w->sim, now_ms(w));
		panel_sim_each_client(w->sim, w->inbound_id, is_owner, &want);
		e = *want.email && panel_sim_use(w->sim, want.email, 1000, PAGE_BYTES) ? OK : E_IO;
		serve_unlock(w->serve);
	}
	arena_release(&a);
	return e;
}

static void handle(void *model, const struct sim_request *request, struct sim_response *response)
{
	struct world *w = model;

	panel_sim_handle(w->sim, request, response);
}

/* A panel with one inbound: the given JSON, or NULL for a VLESS one with one client of somebody else. */
static void world_open(struct world *w, const char *version, const char *inbound)
{
	struct arena a = { 0 };
	struct sim_response r = { 0 };
	char sub_uri[128];

	*w = (struct world){ .serve = serve_new() };
	w->clock = (struct clock_source){ .now_ms = now_ms, .mono_us = mono_us, .ctx = w };
	clock_set_source(&w->clock);
	serve_set_clock(w->serve, now_ms, w);
	w->panel = serve_add(w->serve, handle, w, 0, false);
	w->subscriptions = serve_add(w->serve, handle, w, 1, false);
	snprintf(sub_uri, sizeof sub_uri, "%s/sub/", serve_url(w->serve, w->subscriptions));
	w->sim = panel_sim_new(version, &(struct panel_config){ .base_path = "/secret/", .user = "admin", .password = "s3cret", .sub_uri = sub_uri });
	panel_sim_advance(w->sim, START_MS);
	if (inbound) {
		panel_sim_operator(w->sim, HTTP_POST, "panel/api/inbounds/add", str_of(inbound), &r, &a);
		assert_int_equal(r.status, 200);
		w->inbound_id = 1;
	} else {
		w->inbound_id = panel_sim_seed(w->sim, "vless", 4443, "other", 1);
	}
	arena_release(&a);
	serve_thread_start(w->serve);
}

static void world_close(struct world *w)
{
	serve_free(w->serve);
	panel_sim_free(w->sim);
	free(w->said);
	clock_set_source(NULL);
}

static struct story_score play(struct world *w, bool with_traffic)
{
	char url[128];
	struct story_config config = { .panel = { .url = url, .username = "admin", .password = "s3cret" }, .inbound_id = w->inbound_id };
	struct story_world world = { .wait = wait_virtually, .carry = with_traffic ? carry_simulated : NULL, .ctx = w, .stop = &w->stop };
	struct story_score score;

	snprintf(url, sizeof url, "%s/secret/", serve_url(w->serve, w->panel));
	world.out = open_memstream(&w->said, &w->said_len);
	score = panel_story_play(&config, &world);
	fclose(world.out);
	return score;
}

static const char *const versions[] = { "2.8.5", "2.9.4", "3.0.2", "3.1.0", "3.6.0" };

/* Nothing of ours stays, nothing of theirs goes, no two writes met, settings and accounting agree. */
static void assert_clean(struct world *w, size_t clients)
{
	serve_lock(w->serve);
	assert_int_equal(panel_sim_count_clients(w->sim, w->inbound_id), clients);
	assert_int_equal(panel_sim_races(w->sim), 0);
	assert_int_equal(panel_sim_drift(w->sim, NULL), 0);
	serve_unlock(w->serve);
}

static void test_story(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		for (int with_traffic = 0; with_traffic < 2; with_traffic++) {
			struct world w;
			struct story_score score;

			world_open(&w, versions[i], NULL);
			score = play(&w, with_traffic);
			if (score.failed || score.passed < (with_traffic ? 80 : 60))
				fail_msg("%s%s:\n%s", versions[i], with_traffic ? " with traffic" : "", w.said);
			assert_clean(&w, 1);
			world_close(&w);
		}
	}
}

/* 2.x and 3.0.x keep the last client of an inbound: it stays, switched off; 3.1+ lets it go. */
static void test_story_in_an_empty_inbound(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		bool keeps = strcmp(versions[i], "3.1.0") < 0;
		struct world w;
		struct story_score score;

		world_open(&w, versions[i], INBOUND_VLESS_WS);
		score = play(&w, false);
		if (score.failed || (strstr(w.said, "switched off") != NULL) != keeps)
			fail_msg("%s:\n%s", versions[i], w.said);
		assert_clean(&w, keeps);
		world_close(&w);
	}
}

/* Real panels before 3.4.2 shut a Shadowsocks client out for good when its limits are changed: found by this story, held
 * by the simulators of 2.x and 3.0.x, cured by the driver. */
static void test_story_with_shadowsocks(void **state)
{
	static const char *const inbounds[] = { INBOUND_SHADOWSOCKS("2022-blake3-aes-128-gcm"), INBOUND_SHADOWSOCKS("aes-256-gcm") };

	(void)state;
	for (size_t i = 0; i < countof(versions) * countof(inbounds); i++) {
		const char *version = versions[i / countof(inbounds)];
		struct world w;
		struct story_score score;

		world_open(&w, version, inbounds[i % countof(inbounds)]);
		score = play(&w, true);
		if (score.failed)
			fail_msg("%s:\n%s", version, w.said);
		world_close(&w);
	}
}

static void add_host(struct world *w, const char *json)
{
	struct arena a = { 0 };
	struct sim_response r = { 0 };

	panel_sim_operator(w->sim, HTTP_POST, "panel/api/hosts/add", str_of(json), &r, &a);
	assert_true(r.status == 200 && str_has(r.body, "\"success\":true"));
	arena_release(&a);
}

/* All links of an inbound with hosts are the panel's, also from the one that is hidden by name only; rows of equal sortOrder
 * may stand in another order. */
static void test_story_with_hosts(void **state)
{
	struct world w;
	struct story_score score;

	(void)state;
	world_open(&w, "3.6.0", INBOUND_VLESS_WS);
	add_host(&w, "{\"inboundIds\":[1],\"hosts\":[\"zed.example.com\"],\"remark\":\"zed\"}");
	add_host(&w, "{\"inboundIds\":[1],\"hosts\":[\"b.example.com:8443\",\"[2001:db8::2]:444\",\"2001:db8::1\"],\"remark\":\"alpha\",\"hostHeader\":\"hh.example.com\"}");
	add_host(&w, "{\"inboundIds\":[1],\"hosts\":[\"hid.example.com\"],\"remark\":\"hid\",\"isHidden\":true,\"sortOrder\":-1}");
	add_host(&w, "{\"inboundIds\":[1],\"hosts\":[\"off.example.com\"],\"remark\":\"off\",\"isDisabled\":true}");
	add_host(&w, "{\"inboundIds\":[1],\"hosts\":[\"tls.example.com\"],\"remark\":\"tls\",\"security\":\"tls\",\"sni\":\"s.example.com\",\"path\":\"/x\",\"sortOrder\":2}");
	score = play(&w, false);
	if (score.failed || !strstr(w.said, "6 vless links to hid.example.com:4443") || !strstr(w.said, "subscription of 6 in another order"))
		fail_msg("%s", w.said);
	world_close(&w);
	world_open(&w, "3.4.1", INBOUND_VLESS_WS);
	add_host(&w, "{\"inboundId\":1,\"remark\":\"zed\",\"address\":\"zed.example.com\",\"port\":8443}");
	add_host(&w, "{\"inboundId\":1,\"remark\":\"alpha\",\"address\":\"a.example.com\"}");
	score = play(&w, false);
	if (score.failed || !strstr(w.said, "2 vless links to zed.example.com:8443") || strstr(w.said, "another order"))
		fail_msg("%s", w.said);
	world_close(&w);
}

/* Whenever it is stopped, and whatever the panel does to its writes, the story leaves nothing behind and says so. */
static void test_story_cleans_up(void **state)
{
	static const int64_t stops_ms[] = { 1, 14000, 20000, 30000, 40000 };

	(void)state;
	for (size_t i = 0; i < countof(stops_ms); i++) {
		struct world w;
		struct story_score score;

		world_open(&w, versions[i % countof(versions)], NULL);
		w.stop_after_ms = stops_ms[i];
		score = play(&w, true);
		if (score.failed < 1 || !strstr(w.said, "interrupted"))
			fail_msg("stopped at %lld:\n%s", (long long)stops_ms[i], w.said);
		assert_clean(&w, 1);
		world_close(&w);
	}
}

static void test_story_sees_faults(void **state)
{
	static const struct { const char *name; struct panel_rule rule; } cases[] = {
		{ "adds are lost", { .route = "add", .fault = PANEL_WRONG_JSON, .text = "{\"success\":true,\"msg\":\"\",\"obj\":null}" } },
		{ "updates are lost", { .route = "update", .fault = PANEL_WRONG_JSON, .text = "{\"success\":true,\"msg\":\"\",\"obj\":null}" } },
		{ "deletes are refused twice", { .route = "/del", .times = 2, .fault = PANEL_REFUSE, .text = "Something went wrong (database is locked)" } },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct world w;
		struct story_score score;

		world_open(&w, "2.8.5", NULL);
		panel_sim_add_rule(w.sim, &cases[i].rule);
		score = play(&w, false);
		if (!score.failed || !strstr(w.said, "wrong:"))
			fail_msg("%s:\n%s", cases[i].name, w.said);
		assert_clean(&w, 1);
		world_close(&w);
	}
}

static bool said_has_uuid(const char *said)
{
	for (; strlen(said) >= 36; said++)
		if (said[8] == '-' && said[13] == '-' && said[18] == '-' && said[23] == '-')
			return true;
	return false;
}

/* Output goes to terminals and bug reports: no UUID, no link, no password. */
static void test_story_tells_no_secret(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, "3.6.0", NULL);
	panel_sim_add_rule(w.sim, &(struct panel_rule){ .route = "update", .fault = PANEL_EMPTY_500 });
	assert_true(play(&w, true).failed > 0);
	assert_false(said_has_uuid(w.said));
	assert_null(strstr(w.said, "vless://"));
	assert_null(strstr(w.said, "s3cret"));
	world_close(&w);
}

/* The proxy client's configuration is made from the link alone. */
static void test_proxy_config(void **state)
{
	static const struct { const char *link; enum err err; const char *has[4]; } cases[] = {
		{ "vless://5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e@127.0.0.1:443?type=ws&path=%2Fws&encryption=none&security=none#x", OK,
		  { "\"address\":\"127.0.0.1\",\"port\":443", "\"path\":\"/ws\"", "\"encryption\":\"none\"", "\"security\":\"none\"" } },
		{ "vless://5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e@h.example:443?type=tcp&flow=xtls-rprx-vision&security=reality&pbk=K&sid=ab&sni=s.example&fp=chrome#x", OK,
		  { "\"realitySettings\":{\"serverName\":\"s.example\"", "\"publicKey\":\"K\"", "\"shortId\":\"ab\"", "\"flow\":\"xtls-rprx-vision\"" } },
		{ "trojan://pass@h.example:443?type=grpc&serviceName=s&security=tls&sni=a.example&alpn=h2%2Chttp%2F1.1#x", OK,
		  { "\"password\":\"pass\"", "\"serviceName\":\"s\"", "\"alpn\":[\"h2\",\"http/1.1\"]", "\"serverName\":\"a.example\"" } },
		{ "hysteria2://pass@h.example:443#x", E_VERSION, { NULL } },
		{ "no link", E_INVALID, { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct json_object *o = NULL;
		struct buf b;

		buf_init(&b, PROXY_CONFIG_BYTES_MAX);
		assert_int_equal(proxy_config(&b, str_of(cases[i].link), 1080), cases[i].err);
		if (!cases[i].err)
			assert_int_equal(json_parse(&o, buf_str(&b)), OK);
		for (size_t k = 0; k < 4 && cases[i].has[k]; k++)
			if (!str_has(buf_str(&b), cases[i].has[k]))
				fail_msg("%s lacks %s", cases[i].link, cases[i].has[k]);
		json_object_put(o);
		buf_release(&b);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		proves(test_story, "R154"),
		proves(test_story_in_an_empty_inbound, ""),
		proves(test_story_with_shadowsocks, ""),
		proves(test_story_with_hosts, ""),
		proves(test_story_cleans_up, ""),
		proves(test_story_sees_faults, ""),
		proves(test_story_tells_no_secret, ""),
		proves(test_proxy_config, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
