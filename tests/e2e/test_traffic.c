/* A delivered link carries traffic. A customer buys in the chat of the whole bot in memory; then a real proxy is started as
 * the server, from what the simulated panel holds, and another one as the client, from the link in the chat and nothing
 * else; a page must come through the two.
 *
 * V2Ray is a Debian package. What it does not speak (REALITY, Vision, Shadowsocks 2022, XHTTP) is played with Xray where
 * XRAY=path names one; elsewhere a line says that it was skipped. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/base/rand.h"
#include "lib/links/keys.h"
#include "lib/links/link_read.h"
#include "tests/e2e/proxy_server.h"
#include "tests/panel_story/proxy.h"
#include "tests/sim/serve.h"
#include "tests/story/world.h"

#define PAGE_BYTES 300000
#define PLAN_DAYS 1 /* the world plays every poll of them */
#define PORTS_TRIED_MAX 3 /* a port that was free can be somebody else's a moment later */

/* --- what is there for all sales --- */

struct site {
	char dir[64];             /* key.pem and cert.pem, made by openssl */
	struct str pin;           /* SHA-256 of the certificate, hex */
	struct str private_key, public_key; /* of REALITY */
	struct serve *serve;
	int page, cover;          /* cover: the TLS site REALITY hides behind */
	struct arena arena;
};

static void answer_page(void *model, const struct sim_request *request, struct sim_response *response)
{
	(void)model;
	response->status = 200;
	response->body = str_n(arena_alloc(request->arena, PAGE_BYTES), PAGE_BYTES);
}

/* A self-signed certificate, and its pin. */
static void make_certificate(struct site *s)
{
	char line[128] = "";
	FILE *f;

	snprintf(s->dir, sizeof s->dir, "/tmp/obol-traffic-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_int_equal(system(arena_printf(&s->arena, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30"
		" -subj /CN=vpn.example.com -addext subjectAltName=DNS:vpn.example.com -keyout %s/key.pem -out %s/cert.pem 2>/dev/null", s->dir, s->dir)), 0);
	f = popen(arena_printf(&s->arena, "openssl x509 -in %s/cert.pem -outform DER | openssl dgst -sha256 -r", s->dir), "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	assert_int_equal(pclose(f), 0);
	s->pin = str_of(arena_strndup(&s->arena, line, 64));
}

static void make_reality_keys(struct site *s)
{
	unsigned char key[32];
	struct buf b;

	rand_bytes(key, sizeof key);
	buf_init(&b, 128);
	enc_base64url(&b, key, sizeof key);
	s->private_key = str_of(str_dup(&s->arena, buf_str(&b)));
	buf_clear(&b);
	assert_int_equal(link_public_key(&b, s->private_key, true), OK);
	s->public_key = str_of(str_dup(&s->arena, buf_str(&b)));
	buf_release(&b);
}

static int site_open(void **state)
{
	struct site *s = xcalloc(1, sizeof *s);

	make_certificate(s);
	make_reality_keys(s);
	s->serve = serve_new();
	s->page = serve_add(s->serve, answer_page, NULL, 0, false);
	s->cover = serve_add(s->serve, answer_page, NULL, 0, true);
	serve_thread_start(s->serve);
	*state = s;
	return 0;
}

static int site_close(void **state)
{
	struct site *s = *state;
	int failed = system(arena_printf(&s->arena, "rm -rf %s", s->dir));

	serve_free(s->serve);
	arena_release(&s->arena);
	free(s);
	return failed;
}

/* --- what is sold --- */

#define TLS_FILES "\"certificates\":[{\"certificateFile\":\"@DIR@/cert.pem\",\"keyFile\":\"@DIR@/key.pem\"}]"
#define VLESS "{\"clients\":[],\"decryption\":\"none\",\"fallbacks\":[]}"
#define SHADOWSOCKS(method) "{\"method\":\"" method "\",\"password\":\"the inbound's own\",\"network\":\"tcp,udp\",\"clients\":[]}"
#define SHADOWSOCKS_2022(method, key) "{\"method\":\"" method "\",\"password\":\"" key "\",\"network\":\"tcp,udp\",\"clients\":[]}"
#define TCP "{\"network\":\"tcp\",\"security\":\"none\",\"tcpSettings\":{\"acceptProxyProtocol\":false,\"header\":{\"type\":\"none\"}}}"
#define TCP_AS_HTTP "{\"network\":\"tcp\",\"security\":\"none\",\"tcpSettings\":{\"header\":{\"type\":\"http\"," \
	"\"request\":{\"version\":\"1.1\",\"method\":\"GET\",\"path\":[\"/a\"],\"headers\":{\"Host\":[\"site.example\"]}}," \
	"\"response\":{\"version\":\"1.1\",\"status\":\"200\",\"reason\":\"OK\",\"headers\":{}}}}}"
#define WS "{\"network\":\"ws\",\"security\":\"none\",\"wsSettings\":{\"path\":\"/obol/ws\",\"host\":\"site.example\",\"headers\":{}}}"
#define WS_TLS "{\"network\":\"ws\",\"security\":\"tls\",\"tlsSettings\":{\"serverName\":\"vpn.example.com\"," TLS_FILES \
	",\"settings\":{\"allowInsecure\":true,\"fingerprint\":\"\"}},\"wsSettings\":{\"path\":\"/t\",\"headers\":{}}}"
#define TCP_TLS "{\"network\":\"tcp\",\"security\":\"tls\",\"tlsSettings\":{\"serverName\":\"vpn.example.com\",\"alpn\":[\"http/1.1\"]," TLS_FILES \
	",\"settings\":{\"allowInsecure\":true,\"fingerprint\":\"\"}},\"tcpSettings\":{\"header\":{\"type\":\"none\"}}}"
#define TCP_TLS_PINNED "{\"network\":\"tcp\",\"security\":\"tls\",\"tlsSettings\":{\"serverName\":\"vpn.example.com\"," TLS_FILES \
	",\"settings\":{\"fingerprint\":\"chrome\",\"pinnedPeerCertSha256\":[\"@PIN@\"]}},\"tcpSettings\":{\"header\":{\"type\":\"none\"}}}"
#define REALITY(network, more) "{\"network\":\"" network "\",\"security\":\"reality\",\"realitySettings\":{\"show\":false,\"xver\":0," \
	"\"target\":\"127.0.0.1:@COVER@\",\"serverNames\":[\"localhost\"],\"privateKey\":\"@PRIVATE@\",\"shortIds\":[\"6ba85179e30d4fc2\"]," \
	"\"settings\":{\"publicKey\":\"@PUBLIC@\",\"fingerprint\":\"chrome\",\"serverName\":\"\",\"spiderX\":\"/\"}}" more "}"

struct way {
	const char *name, *version, *protocol, *settings, *stream;
	const char *flow;  /* what the link must say; NULL: nothing */
};

static const struct way ways_of_v2ray[] = {
	/* name                        panel    protocol       settings                               stream       */
	{ "VLESS ws",                  "3.6.0", "vless",       VLESS,                                 WS,          NULL },
	{ "VLESS tcp",                 "2.8.5", "vless",       VLESS,                                 TCP,         NULL },
	{ "VLESS tcp like HTTP",       "3.0.2", "vless",       VLESS,                                 TCP_AS_HTTP, NULL },
	{ "VMess ws",                  "3.1.0", "vmess",       "{\"clients\":[]}",                    WS,          NULL },
	{ "VMess tcp",                 "2.9.4", "vmess",       "{\"clients\":[]}",                    TCP,         NULL },
	{ "VMess tcp like HTTP",       "3.6.0", "vmess",       "{\"clients\":[]}",                    TCP_AS_HTTP, NULL },
	{ "Trojan ws",                 "3.6.0", "trojan",      "{\"clients\":[],\"fallbacks\":[]}",   WS,          NULL },
	{ "Trojan tcp, TLS",           "2.8.5", "trojan",      "{\"clients\":[],\"fallbacks\":[]}",   TCP_TLS,     NULL },
	{ "VMess ws, TLS",             "2.9.4", "vmess",       "{\"clients\":[]}",                    WS_TLS,      NULL },
	{ "Shadowsocks aes-256-gcm",   "2.8.5", "shadowsocks", SHADOWSOCKS("aes-256-gcm"),            TCP,         NULL },
	{ "Shadowsocks chacha20",      "3.6.0", "shadowsocks", SHADOWSOCKS("chacha20-ietf-poly1305"), TCP,         NULL },
};

#define KEY_16 "MDEyMzQ1Njc4OWFiY2RlZg=="
#define KEY_32 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define VISION "xtls-rprx-vision"

static const struct way ways_of_xray[] = {
	{ "VLESS tcp, REALITY",        "3.6.0", "vless",       VLESS, REALITY("tcp", ",\"tcpSettings\":{\"header\":{\"type\":\"none\"}}"), VISION },
	{ "VLESS tcp, REALITY, 2.x",   "2.9.4", "vless",       VLESS, REALITY("tcp", ",\"tcpSettings\":{\"header\":{\"type\":\"none\"}}"), VISION },
	{ "VLESS gRPC, REALITY",       "3.0.2", "vless",       VLESS, REALITY("grpc", ",\"grpcSettings\":{\"serviceName\":\"s v/c\",\"multiMode\":false}"), NULL },
	{ "VLESS XHTTP, REALITY",      "3.1.0", "vless",       VLESS, REALITY("xhttp", ",\"xhttpSettings\":{\"path\":\"/x\",\"host\":\"\",\"mode\":\"auto\"}"), NULL },
	{ "VLESS tcp, TLS by its pin", "3.6.0", "vless",       VLESS, TCP_TLS_PINNED, VISION },
	{ "VLESS HTTPUpgrade",         "3.6.0", "vless",       VLESS, "{\"network\":\"httpupgrade\",\"security\":\"none\",\"httpupgradeSettings\":{\"path\":\"/u\",\"host\":\"site.example\"}}", NULL },
	{ "VMess ws",                  "3.6.0", "vmess",       "{\"clients\":[]}", WS, NULL },
	{ "Shadowsocks aes-256-gcm",   "3.1.0", "shadowsocks", SHADOWSOCKS("aes-256-gcm"), TCP, NULL },
	{ "Shadowsocks 2022, 128",     "2.8.5", "shadowsocks", SHADOWSOCKS_2022("2022-blake3-aes-128-gcm", KEY_16), TCP, NULL },
	{ "Shadowsocks 2022, 256",     "2.9.4", "shadowsocks", SHADOWSOCKS_2022("2022-blake3-aes-256-gcm", KEY_32), TCP, NULL },
	{ "Shadowsocks 2022, 256, 3.x", "3.6.0", "shadowsocks", SHADOWSOCKS_2022("2022-blake3-aes-256-gcm", KEY_32), TCP, NULL },
};

/* The text with the names between @ replaced by what this run has. */
static const char *filled(struct site *s, const char *text)
{
	const struct { const char *name; struct str value; } words[] = {
		{ "DIR", str_of(s->dir) }, { "PIN", s->pin }, { "PRIVATE", s->private_key }, { "PUBLIC", s->public_key },
		{ "COVER", str_of(arena_printf(&s->arena, "%d", serve_port(s->serve, s->cover))) },
	};
	struct str rest = str_of(text);
	const char *out;
	struct buf b;

	buf_init(&b, 8192);
	while (rest.at) {
		struct str name;

		buf_add(&b, str_cut(&rest, '@'));
		name = rest.at ? str_cut(&rest, '@') : str_n(NULL, 0);
		for (size_t i = 0; i < countof(words); i++)
			if (str_is(name, words[i].name))
				buf_add(&b, words[i].value);
	}
	out = str_dup(&s->arena, buf_str(&b));
	buf_release(&b);
	return out;
}

/* --- the sale --- */

/* The server listens where the link says; the seller insists on an address nobody else reaches (B49). */
static struct world *shop(struct site *s, const struct way *way, int port)
{
	return world_new(&(struct world_options){
		.versions = { way->version }, .protocol = way->protocol, .plan_days = PLAN_DAYS,
		.inbound = { .port = port, .settings = way->settings, .stream = filled(s, way->stream), .host = "127.0.0.1" },
	});
}

/* The link of the newest message that shows one, as the customer copies it. */
static struct str link_in_chat(struct site *s, struct world *w, int64_t user)
{
	struct link_parts *parts = arena_new(&s->arena, struct link_parts);

	for (size_t i = botapi_messages_count(w->telegram, user); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(w->telegram, user, i);
		struct str rest = m->text;

		while (m->from_bot && rest.at) {
			struct str line = str_trim(str_cut(&rest, '\n'));

			if (link_read(parts, &s->arena, line) == OK)
				return str_of(str_dup(&s->arena, line));
		}
	}
	fail_msg("no link in the chat of %lld; the last message: %.*s", (long long)user, STR_ARG(world_last(w, user)->text));
	return str_n(NULL, 0);
}

static struct str buys(struct site *s, struct world *w, int64_t user)
{
	world_say(w, user, "/start");
	world_buy(w, user);
	return link_in_chat(s, w, user);
}

static struct str server_of(struct site *s, struct world *w, bool for_v2ray)
{
	struct str config;
	struct buf b;

	world_run(w, MINUTE_MS); /* the panel restarts its Xray at a poll */
	buf_init(&b, PROXY_CONFIG_BYTES_MAX);
	proxy_server_config(&b, w->panels[0].sim, w->panels[0].inbound_id, for_v2ray);
	config = str_of(str_dup(&s->arena, buf_str(&b)));
	buf_release(&b);
	return config;
}

/* --- traffic --- */

/* A page through the link while the server runs: OK only if it came whole, and from our site. */
static enum err visits(struct site *s, const char *program, struct str link)
{
	uint64_t before = serve_counts(s->serve, s->page).answers, after;
	int64_t bytes = 0;
	enum err e = proxy_fetch(&bytes, program, link, serve_url(s->serve, s->page));

	after = serve_counts(s->serve, s->page).answers;
	assert_int_equal(after - before, e ? 0 : 1);
	assert_true(e || bytes == PAGE_BYTES);
	return e;
}

static const char *v2ray(void)
{
	return "v2ray";
}

static const char *xray(void)
{
	const char *path = getenv("XRAY");

	return path && *path ? path : NULL;
}

/* Sold on a port of its own; the real server starts after the world has ended: the world's clock is not the machine's. */
static enum err sell_and_visit(struct site *s, const struct way *way, const char *program, bool is_v2ray)
{
	struct link_parts *parts = arena_new(&s->arena, struct link_parts);
	int port = proxy_free_port();
	struct world *w = shop(s, way, port);
	struct str link = buys(s, w, world_customer(w, "Anna", "en")), server = server_of(s, w, is_v2ray);
	pid_t pid;
	enum err e;

	world_free(w);
	assert_int_equal(link_read(parts, &s->arena, link), OK);
	assert_true(str_is(parts->host, "127.0.0.1") && parts->port == port);
	assert_true(str_is(link_param(parts, "flow"), way->flow ? way->flow : ""));
	e = proxy_start(&pid, program, server, port);
	if (e)
		return e;
	e = visits(s, program, link);
	proxy_stop(pid);
	return e;
}

static void play(struct site *s, const struct way *ways, size_t count, const char *program, bool is_v2ray)
{
	for (size_t i = 0; i < count; i++) {
		enum err e = E_REFUSED;

		for (int tries = 0; e == E_REFUSED && tries < PORTS_TRIED_MAX; tries++)
			e = sell_and_visit(s, &ways[i], program, is_v2ray);
		if (e)
			fail_msg("%s on %s: %s", ways[i].name, ways[i].version, err_name(e));
	}
}

static void test_v2ray(void **state)
{
	play(*state, ways_of_v2ray, countof(ways_of_v2ray), v2ray(), true);
}

static void test_xray(void **state)
{
	if (xray())
		play(*state, ways_of_xray, countof(ways_of_xray), xray(), false);
	else
		puts("skipped: XRAY not set (REALITY, Shadowsocks 2022)");
}

/* --- who is not let in any more --- */

static void ban(struct world *w, int64_t user)
{
	char command[64];

	snprintf(command, sizeof command, "/ban %lld", (long long)user);
	world_say(w, WORLD_ADMIN, command);
	world_tap(w, WORLD_ADMIN, "Yes");
	world_settle(w);
}

static void expire(struct world *w, int64_t user)
{
	(void)user;
	world_run(w, (PLAN_DAYS + 1) * DAY_MS);
}

/* Anna's access ends as told, after which Boris buys, or bought before; only his link goes on. */
static enum err ends_for_anna(struct site *s, const struct way *way, void (*end)(struct world *w, int64_t user), bool boris_first)
{
	int port = proxy_free_port();
	struct world *w = shop(s, way, port);
	int64_t anna = world_customer(w, "Anna", "en"), boris = world_customer(w, "Boris", "en");
	struct str hers = buys(s, w, anna), his = boris_first ? buys(s, w, boris) : str_n(NULL, 0), before = server_of(s, w, true), after;
	pid_t pid;

	end(w, anna);
	if (!boris_first)
		his = buys(s, w, boris);
	after = server_of(s, w, true);
	world_free(w);
	if (proxy_start(&pid, v2ray(), before, port))
		return E_REFUSED;
	assert_int_equal(visits(s, v2ray(), hers), OK);
	proxy_stop(pid);
	if (proxy_start(&pid, v2ray(), after, port))
		return E_REFUSED;
	assert_int_equal(visits(s, v2ray(), his), OK);
	assert_int_equal(visits(s, v2ray(), hers), E_IO);
	proxy_stop(pid);
	return OK;
}

static void test_refused(void **state)
{
	static const struct { struct way way; void (*end)(struct world *w, int64_t user); bool boris_first; } cases[] = {
		{ { "a banned customer, VLESS",   "2.8.5", "vless",  VLESS,                               TCP, NULL }, ban,    true  },
		{ { "an expired access, Trojan",  "3.6.0", "trojan", "{\"clients\":[],\"fallbacks\":[]}", WS,  NULL }, expire, false },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		enum err e = E_REFUSED;

		for (int tries = 0; e == E_REFUSED && tries < PORTS_TRIED_MAX; tries++)
			e = ends_for_anna(*state, &cases[i].way, cases[i].end, cases[i].boris_first);
		if (e)
			fail_msg("%s: %s", cases[i].way.name, err_name(e));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		proves(test_v2ray, "R047"),
		proves(test_xray, ""), /* skipped where there is no Xray: names no row */
		proves(test_refused, ""),
	};

	return cmocka_run_group_tests_name("traffic", tests, site_open, site_close);
}
