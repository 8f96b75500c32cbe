/* Share links: made, read back, and judged. The panel's own results are in tests/vectors; here is what must hold beyond
 * them: every combination reads back as it was meant, and no bytes do harm. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/base/json.h"
#include "lib/links/keys.h"
#include "lib/links/link.h"
#include "lib/links/link_read.h"
#include "lib/links/remark.h"
#include "lib/links/subscription.h"

#define UUID "8c14d6f7-2e3b-4a91-9d24-3f7a6b8c1e02"

static const enum link_style styles[] = { LINK_SUB_V3, LINK_UI_V2, LINK_UI_V3, LINK_SUB_V2 };

static struct arena arena;

static int clear_arena(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct link_inbound inbound_of(const char *json)
{
	struct link_inbound in;

	if (link_inbound_read(&in, &arena, str_of(json)))
		fail_msg("inbound cannot be read: %s", json);
	return in;
}

static const struct link_client alice = {
	.id = { UUID, 36 }, .password = { "p@ss/w+rd=:#?é ", 16 }, .auth = { "hy auth&1", 9 }, .secret = { "ee00ff", 6 },
	.flow = { "xtls-rprx-vision", 16 }, .email = { "alice", 5 }, .sub_id = { "sub01", 5 },
	.private_key = { "QGVlb2dXc1ZTWGw0ZXBzZndsWmtMaUM5MUlNYjBHWFdYbz0=", 48 }, .allowed_ips = { "10.0.0.2/32", 11 },
	.keep_alive_s = 25,
};

static enum err make(struct links *out, enum link_style style, const struct link_inbound *in, const char *host)
{
	struct link_ask ask = { .style = style, .inbound = in, .client = &alice, .place = { .host = str_of(host) } };

	return links_make(out, &arena, &ask);
}

static struct link_parts only_link(enum link_style style, const struct link_inbound *in, const char *host)
{
	struct link_parts parts;
	struct links links;

	assert_int_equal(make(&links, style, in, host), OK);
	assert_int_equal(links.count, 1);
	if (link_read(&parts, &arena, links.at[0].uri))
		fail_msg("cannot be read back: %s", links.at[0].uri.at);
	return parts;
}

static void assert_str(struct str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(got), want);
}

static void assert_param(const struct link_parts *l, const char *key, const char *want)
{
	struct str got = link_param(l, key);

	if (!str_is(got, want))
		fail_msg("%s is \"%.*s\" instead of \"%s\"", key, STR_ARG(got), want);
}

/* --- flow --- */

#define TLS_SETTINGS "\"tlsSettings\":{\"serverName\":\"s.example\",\"alpn\":[\"h2\",\"http/1.1\"],\"settings\":{\"fingerprint\":\"chrome\"}}"
#define REALITY_SETTINGS "\"realitySettings\":{\"target\":\"t.example:443\",\"serverNames\":[\"r.example\",\"other\"]," \
	"\"privateKey\":\"wM-2_oQRWXyLcXhV5q1ifTBcS3K8mYR3wQI3PqGFK1k\",\"shortIds\":[\"a3f1\",\"b8\"]}"

static void test_flow(void **state)
{
	static const struct { const char *network, *security, *encryption; bool v2, v3; } cases[] = {
		{ "tcp",         "tls",     "none",   true,  true  },
		{ "tcp",         "reality", "none",   true,  true  },
		{ "raw",         "reality", "none",   true,  true  },
		{ "tcp",         "none",    "none",   false, false },
		{ "ws",          "tls",     "none",   false, false },
		{ "grpc",        "tls",     "none",   false, false },
		{ "grpc",        "reality", "none",   false, false },
		{ "httpupgrade", "tls",     "none",   false, false },
		{ "kcp",         "none",    "none",   false, false },
		{ "xhttp",       "reality", "none",   false, false },
		{ "xhttp",       "reality", "mlkem1", false, true  },
		{ "ws",          "tls",     "mlkem1", false, false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct link_inbound in = inbound_of(arena_printf(&arena,
			"{\"protocol\":\"vless\",\"port\":443,\"settings\":{\"encryption\":\"%s\"},\"streamSettings\":{\"network\":\"%s\","
			"\"security\":\"%s\"," TLS_SETTINGS "," REALITY_SETTINGS "}}",
			cases[i].encryption, cases[i].network, cases[i].security));

		for (size_t s = 0; s < countof(styles); s++) {
			struct link_parts l = only_link(styles[s], &in, "h.example");
			bool v3 = styles[s] == LINK_SUB_V3 || styles[s] == LINK_UI_V3;

			assert_param(&l, "flow", (v3 ? cases[i].v3 : cases[i].v2) ? "xtls-rprx-vision" : "");
		}
	}
}

static void test_flow_switched_off(void **state)
{
	struct link_inbound in = inbound_of("{\"protocol\":\"vless\",\"port\":443,\"disableFlow\":true,"
		"\"streamSettings\":{\"network\":\"tcp\",\"security\":\"tls\"}}");
	struct link_parts l = only_link(LINK_SUB_V3, &in, "h.example");

	(void)state;
	assert_param(&l, "flow", "");
}

/* --- everything reads back --- */

static const struct { const char *network, *settings, *key, *value; } transports[] = {
	{ "tcp",  "\"tcpSettings\":{\"header\":{\"type\":\"http\",\"request\":{\"path\":[\"/a b\"],\"headers\":{\"host\":[\"c.example\"]}}}}",
	  "path", "/a b" },
	{ "tcp",  "\"tcpSettings\":{}", "headerType", "" },
	{ "ws",   "\"wsSettings\":{\"path\":\"/w?ed=2048&x=#1\",\"headers\":{\"HOST\":\"c.example\"}}", "path", "/w?ed=2048&x=#1" },
	{ "ws",   "\"wsSettings\":{\"path\":\"/%2F+~\",\"host\":\"c.example\"}", "path", "/%2F+~" },
	{ "grpc", "\"grpcSettings\":{\"serviceName\":\"a/b c\",\"authority\":\"au\",\"multiMode\":\"true\"}", "serviceName", "a/b c" },
	{ "httpupgrade", "\"httpupgradeSettings\":{\"path\":\"/é\"}", "path", "/é" },
	{ "xhttp", "\"xhttpSettings\":{\"path\":\"/x\",\"mode\":\"auto\",\"xPaddingBytes\":\"1-2\",\"xmux\":{\"maxConnections\":4}}", "mode", "auto" },
	{ "splithttp", "\"splithttpSettings\":{\"path\":\"/x\",\"mode\":\"auto\"}", "path", "/x" },
	{ "kcp",  "\"kcpSettings\":{\"mtu\":\"1350\",\"tti\":20,\"seed\":\"a&b=c+d\",\"header\":{\"type\":\"srtp\"}}", "seed", "a&b=c+d" },
};

/* VMess spells some of it otherwise. */
static const char *vmess_key(const char *network, const char *key)
{
	if (strcmp(key, "serviceName") == 0 || strcmp(key, "seed") == 0)
		return "path";
	if (strcmp(network, "xhttp") == 0 && strcmp(key, "mode") == 0)
		return NULL; /* servers and pages differ; the vectors have both */
	return key;
}

static const struct { const char *protocol, *settings, *credential; } protocols[] = {
	{ "vless",       "{\"decryption\":\"secret-of-the-server\"}",                             UUID },
	{ "vmess",       "{}",                                                                     UUID },
	{ "trojan",      "{}",                                                                     "p@ss/w+rd=:#?é " },
	{ "shadowsocks", "{\"method\":\"aes-256-gcm\"}",                                           "p@ss/w+rd=:#?é " },
	{ "shadowsocks", "{\"method\":\"2022-blake3-aes-256-gcm\",\"password\":\"ab/+cd==\"}",     "p@ss/w+rd=:#?é " },
};

static void check_round_trip(size_t p, size_t t, const char *security, enum link_style style)
{
	bool vmess = strcmp(protocols[p].protocol, "vmess") == 0, ss = strcmp(protocols[p].protocol, "shadowsocks") == 0;
	struct link_inbound in = inbound_of(arena_printf(&arena,
		"{\"protocol\":\"%s\",\"remark\":\"Сервер №1 + a/b?c#d&e%%f\",\"port\":8443,\"settings\":%s,\"streamSettings\":"
		"{\"network\":\"%s\",%s,\"security\":\"%s\"," TLS_SETTINGS "," REALITY_SETTINGS "}}",
		protocols[p].protocol, protocols[p].settings, transports[t].network, transports[t].settings, security));
	struct link_parts l = only_link(style, &in, "2001:db8::5");
	bool plugin = ss && (style == LINK_SUB_V3 || style == LINK_UI_V3) && t == 0;
	const char *key = vmess ? vmess_key(transports[t].network, transports[t].key) : transports[t].key;

	assert_string_equal(l.protocol, protocols[p].protocol);
	assert_str(l.credential, protocols[p].credential);
	assert_str(l.host, "2001:db8::5");
	assert_int_equal(l.port, 8443);
	assert_str(l.remark, "Сервер №1 + a/b?c#d&e%f-alice");
	if (key && !plugin)
		assert_param(&l, key, transports[t].value);
	if (strcmp(security, "tls") == 0) {
		assert_param(&l, vmess ? "tls" : "security", "tls");
		assert_param(&l, "sni", "s.example");
		assert_param(&l, "alpn", "h2,http/1.1");
		assert_param(&l, "fp", "chrome");
	}
	if (strcmp(security, "reality") == 0 && !vmess && !ss) {
		assert_param(&l, "sni", "r.example");
		assert_param(&l, "sid", "a3f1");
		assert_param(&l, "fp", "chrome");
		assert_param(&l, "pbk", "k763lBD0VmSgqc58afnq2Lzj7rVa16kql565fyKq0C8"); /* derived: none is stored */
	}
	for (size_t i = 0; i < l.params_count; i++)
		assert_false(str_has(l.params[i].value, "secret-of-the-server"));
}

static void test_all_read_back(void **state)
{
	static const char *const securities[] = { "none", "tls", "reality" };

	(void)state;
	for (size_t p = 0; p < countof(protocols); p++)
		for (size_t t = 0; t < countof(transports); t++)
			for (size_t s = 0; s < countof(securities); s++)
				for (size_t y = 0; y < countof(styles); y++)
					check_round_trip(p, t, securities[s], styles[y]);
}

static void test_udp_protocols_read_back(void **state)
{
	struct link_inbound hysteria = inbound_of("{\"protocol\":\"hysteria\",\"port\":\"36712\",\"settings\":{\"version\":2},"
		"\"streamSettings\":{\"security\":\"tls\",\"tlsSettings\":{\"serverName\":\"s.example\",\"settings\":{"
		"\"pinnedPeerCertSha256\":[\"yEfdI5XQl4wHgLggHEsomosoFZfUfCdfLXfT+W2N6cQ=\"]}},"
		"\"finalmask\":{\"udp\":[{\"type\":\"salamander\",\"settings\":{\"password\":\"o&o\"}}]}}}");
	struct link_inbound wireguard = inbound_of("{\"protocol\":\"wireguard\",\"port\":51820,\"settings\":{\"mtu\":1420,"
		"\"secretKey\":\"iJ2cBkrSGqRwIfYIDIxk7hr5RXfdR93MfJUL7yqkkH8=\"},\"streamSettings\":null}");
	struct link_inbound mtproto = inbound_of("{\"protocol\":\"mtproto\",\"port\":8443}");
	struct link_parts l = only_link(LINK_SUB_V3, &hysteria, "h.example");

	(void)state;
	assert_str(l.credential, "hy auth&1");
	assert_int_equal(l.port, 36712);
	assert_param(&l, "obfs-password", "o&o");
	assert_param(&l, "pinSHA256", "c847dd2395d0978c0780b8201c4b289a8b281597d47c275f2d77d3f96d8de9c4");
	l = only_link(LINK_SUB_V3, &wireguard, "h.example");
	assert_str(l.credential, "QGVlb2dXc1ZTWGw0ZXBzZndsWmtMaUM5MUlNYjBHWFdYbz0=");
	assert_param(&l, "publickey", "Piehk2n8UewhMHMyJiBS+Sxn/OK0FalyFW1GAGzokHM=");
	assert_param(&l, "address", "10.0.0.2/32");
	l = only_link(LINK_SUB_V3, &mtproto, "h.example");
	assert_str(l.credential, "ee00ff");
	assert_str(l.host, "h.example");
}

/* --- shapes --- */

static void test_both_shapes_are_one(void **state)
{
	static const char *const shapes[] = {
		"{\"protocol\":\"vless\",\"remark\":\"n\",\"port\":443,\"settings\":{\"encryption\":\"none\"},\"streamSettings\":"
		"{\"network\":\"ws\",\"security\":\"tls\",\"wsSettings\":{\"path\":\"/p\"},\"tlsSettings\":{\"serverName\":\"s.example\"}}}",
		"{\"protocol\":\"vless\",\"remark\":\"n\",\"port\":\"443\",\"listen\":null,\"settings\":\"{\\\"encryption\\\": \\\"none\\\"}\","
		"\"streamSettings\":\"{\\\"network\\\":\\\"ws\\\",\\\"security\\\":\\\"tls\\\",\\\"wsSettings\\\":{\\\"path\\\":\\\"/p\\\"},"
		"\\\"tlsSettings\\\":{\\\"serverName\\\":\\\"s.example\\\"}}\"}",
		"{\"protocol\":\"vless\",\"remark\":\"n\",\"port\":443.0,\"settings\":\"\",\"streamSettings\":{\"network\":\"ws\","
		"\"security\":\"tls\",\"wsSettings\":{\"path\":\"/p\",\"headers\":null},\"tlsSettings\":{\"serverName\":\"s.example\",\"alpn\":null,"
		"\"settings\":null},\"externalProxy\":[]}}",
	};
	struct links first = { 0 }, links;

	(void)state;
	for (size_t i = 0; i < countof(shapes); i++) {
		struct link_inbound in = inbound_of(shapes[i]);

		assert_int_equal(make(&links, LINK_SUB_V3, &in, "h.example"), OK);
		if (i == 0)
			first = links;
		assert_str(links.at[0].uri, first.at[0].uri.at);
	}
	assert_str(first.at[0].uri, "vless://" UUID "@h.example:443?encryption=none&path=%2Fp&security=tls&sni=s.example&type=ws#n-alice");
}

static void test_odd_inbounds(void **state)
{
	static const struct { const char *json; enum err e; } cases[] = {
		{ "{\"protocol\":\"vless\",\"port\":443}", OK },
		{ "{\"protocol\":\"vless\",\"port\":443,\"streamSettings\":\"{broken\",\"settings\":[]}", OK },
		{ "{\"protocol\":\"vless\",\"port\":443,\"streamSettings\":{\"security\":\"reality\"}}", OK },
		{ "{\"protocol\":\"vless\",\"port\":443,\"streamSettings\":{\"network\":\"xhttp\",\"xhttpSettings\":{\"headers\":7}}}", OK },
		{ "{\"protocol\":\"vless\",\"port\":443,\"streamSettings\":{\"externalProxy\":[1,null,{}],\"finalmask\":{\"udp\":[null,3]}}}", OK },
		{ "{\"protocol\":\"vless\",\"port\":0}", E_INVALID },
		{ "{\"protocol\":\"vless\",\"port\":65536}", E_INVALID },
		{ "{\"protocol\":\"socks\",\"port\":443}", E_NOTFOUND },
		{ "{\"protocol\":\"shadowsocks\",\"port\":443}", E_NOTFOUND },
		{ "{\"protocol\":\"wireguard\",\"port\":443,\"settings\":{\"secretKey\":\"short\"}}", E_NOTFOUND },
		{ "{}", E_NOTFOUND },
	};
	struct link_inbound in;
	struct links links;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		in = inbound_of(cases[i].json);
		for (size_t s = 0; s < countof(styles); s++)
			if (make(&links, styles[s], &in, "h.example") != cases[i].e)
				fail_msg("%s", cases[i].json);
	}
	assert_int_equal(link_inbound_read(&in, &arena, STR("[]")), E_INVALID);
	assert_int_equal(link_inbound_read(&in, &arena, STR("{")), E_INVALID);
	assert_int_equal(link_hosts_read(&in, &arena, STR("{}")), E_INVALID);
}

/* --- endpoints --- */

static void test_forced_plain_drops_all_of_reality(void **state)
{
	struct link_inbound in = inbound_of("{\"protocol\":\"vless\",\"port\":443,\"streamSettings\":{\"network\":\"tcp\","
		"\"security\":\"reality\"," REALITY_SETTINGS ",\"externalProxy\":[{\"forceTls\":\"none\",\"dest\":\"p.example\",\"port\":80},"
		"{\"forceTls\":\"same\",\"dest\":\"bad host/\",\"port\":443},{\"forceTls\":\"tls\",\"dest\":\"[2001:db8::1]\",\"port\":\"444\"}]}}");
	struct links links;

	(void)state;
	assert_int_equal(make(&links, LINK_SUB_V3, &in, "h.example"), OK);
	assert_int_equal(links.count, 2); /* the one without a usable address is left out */
	assert_str(links.at[0].uri, "vless://" UUID "@p.example:80?encryption=none&security=none&type=tcp#alice");
	assert_str(links.at[1].uri, "vless://" UUID "@[2001:db8::1]:444?encryption=none&flow=xtls-rprx-vision&security=tls&type=tcp#alice");
	assert_str(links.at[1].host, "2001:db8::1");
	assert_int_equal(links.at[1].port, 444);
}

static void test_hosts_replace_proxies(void **state)
{
	struct link_inbound in = inbound_of("{\"protocol\":\"vless\",\"remark\":\"n\",\"port\":443,\"streamSettings\":{\"network\":\"tcp\","
		"\"security\":\"reality\"," REALITY_SETTINGS ",\"externalProxy\":[{\"dest\":\"p.example\",\"port\":80}]}}");
	struct links links;
	struct link_parts l;

	(void)state;
	assert_int_equal(link_hosts_read(&in, &arena, STR("{\"success\":true,\"obj\":["
		"{\"remark\":\"A\",\"address\":\"a.example\",\"sni\":\"x.example\",\"vlessRoute\":443,\"security\":\"same\"},"
		"{\"remark\":\"B\",\"address\":\"b.example\",\"isDisabled\":true},"
		"{\"remark\":\"C\",\"address\":\"c.example\",\"excludeFromSubTypes\":[\"raw\"]},"
		"{\"remark\":\"D\",\"address\":\"\",\"port\":0},"
		"{\"remark\":\"E\",\"address\":\"e.example\",\"isHidden\":true}]}")), OK);
	assert_int_equal(make(&links, LINK_SUB_V3, &in, "h.example"), OK);
	assert_int_equal(links.count, 3);
	assert_str(links.at[2].host, "e.example"); /* hidden only by name, as in the panel's own links */
	assert_int_equal(link_read(&l, &arena, links.at[0].uri), OK);
	assert_str(l.credential, "8c14d6f7-2e3b-01bb-9d24-3f7a6b8c1e02");
	assert_param(&l, "sni", "x.example");
	assert_str(l.remark, "n-A-alice");
	assert_str(links.at[1].host, "h.example");
	assert_int_equal(make(&links, LINK_UI_V2, &in, "h.example"), OK); /* 2.x knows no hosts */
	assert_str(links.at[0].host, "p.example");
}

/* 3.6.0: lists are joined, empty settings left out, the inbound's quicParams hold. */
static void test_masks_of_a_host(void **state)
{
	static const struct { const char *own, *host, *fm; } cases[] = {
		{ "{}", "{\\\"tcp\\\":[{\\\"type\\\":\\\"fragment\\\",\\\"settings\\\":{}}]}", "{\"tcp\":[{\"type\":\"fragment\"}]}" },
		{ "{\"tcp\":[{\"type\":\"sudoku\",\"settings\":{\"a\":1}}],\"quicParams\":{\"up\":1}}",
		  "{\\\"quicParams\\\":{\\\"up\\\":2},\\\"tcp\\\":[{\\\"type\\\":\\\"fragment\\\"}],\\\"udp\\\":[{\\\"type\\\":\\\"noise\\\"}]}",
		  "{\"quicParams\":{\"up\":1},\"tcp\":[{\"type\":\"sudoku\",\"settings\":{\"a\":1}},{\"type\":\"fragment\"}],\"udp\":[{\"type\":\"noise\"}]}" },
		{ "{\"tcp\":[{\"type\":\"sudoku\"}]}", "{\\\"quicParams\\\":{\\\"up\\\":2}}", "{\"quicParams\":{\"up\":2},\"tcp\":[{\"type\":\"sudoku\"}]}" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct link_inbound in = inbound_of(arena_printf(&arena, "{\"protocol\":\"vless\",\"remark\":\"n\",\"port\":443,\"streamSettings\":"
			"{\"network\":\"tcp\",\"security\":\"none\",\"finalmask\":%s}}", cases[i].own));
		struct links links;
		struct link_parts l;

		assert_int_equal(link_hosts_read(&in, &arena, str_of(arena_printf(&arena, "[{\"remark\":\"A\",\"finalMask\":\"%s\"}]", cases[i].host))), OK);
		assert_int_equal(make(&links, LINK_SUB_V3, &in, "h.example"), OK);
		assert_int_equal(link_read(&l, &arena, links.at[0].uri), OK);
		assert_param(&l, "fm", cases[i].fm);
	}
}

static void test_fallback_child_goes_through_its_master(void **state)
{
	struct link_inbound child = inbound_of("{\"protocol\":\"trojan\",\"port\":0,\"listen\":\"@child\",\"streamSettings\":"
		"{\"network\":\"ws\",\"wsSettings\":{\"path\":\"/c\"},\"security\":\"none\"}}");
	struct link_inbound master = inbound_of("{\"protocol\":\"vless\",\"port\":443,\"settings\":{\"fallbacks\":[{\"dest\":8080},"
		"{\"dest\":\"@child\"}]},\"streamSettings\":{\"network\":\"tcp\",\"security\":\"tls\"," TLS_SETTINGS "}}");
	struct link_parts l;

	(void)state;
	assert_true(link_inbound_is_behind(&child, &master));
	assert_false(link_inbound_is_behind(&master, &child));
	link_inbound_put_behind(&child, &master);
	l = only_link(LINK_SUB_V3, &child, "h.example");
	assert_int_equal(l.port, 443);
	assert_param(&l, "security", "tls");
	assert_param(&l, "type", "ws");
	assert_param(&l, "path", "/c");
}

/* --- addresses --- */

static void test_reach(void **state)
{
	static const struct { const char *host; enum link_reach reach; } cases[] = {
		{ "vpn.example.com", LINK_REACH_PUBLIC },   { "1.2.3.4", LINK_REACH_PUBLIC },       { "пример.рф", LINK_REACH_PUBLIC },
		{ "2a00:1450::1", LINK_REACH_PUBLIC },      { "[2a00:1450::1]", LINK_REACH_PUBLIC }, { "172.32.0.1", LINK_REACH_PUBLIC },
		{ "100.128.0.1", LINK_REACH_PUBLIC },       { "100.63.0.1", LINK_REACH_PUBLIC },
		      { "::ffff:8.8.8.8", LINK_REACH_PUBLIC }, { "10.example.com", LINK_REACH_PUBLIC },
		{ "127.0.0.1", LINK_REACH_LOOPBACK },       { "127.9.9.9", LINK_REACH_LOOPBACK },   { "127.1", LINK_REACH_LOOPBACK },
		{ "2130706433", LINK_REACH_LOOPBACK },      { "0x7f.1", LINK_REACH_LOOPBACK },      { "::1", LINK_REACH_LOOPBACK },
		{ "[::1]", LINK_REACH_LOOPBACK },           { "LocalHost", LINK_REACH_LOOPBACK },   { "a.localhost", LINK_REACH_LOOPBACK },
		{ "localhost.", LINK_REACH_LOOPBACK },      { "::ffff:127.0.0.1", LINK_REACH_LOOPBACK },
		{ "10.0.0.1", LINK_REACH_PRIVATE },         { "172.16.0.1", LINK_REACH_PRIVATE },   { "172.31.255.255", LINK_REACH_PRIVATE },
		{ "192.168.1.1", LINK_REACH_PRIVATE },      { "100.64.0.1", LINK_REACH_PRIVATE },   { "169.254.1.1", LINK_REACH_PRIVATE },
		{ "fe80::1", LINK_REACH_PRIVATE },          { "fd00::2", LINK_REACH_PRIVATE },      { "::ffff:10.0.0.1", LINK_REACH_PRIVATE },
		{ "64:ff9b::10.0.0.1", LINK_REACH_PRIVATE }, { "panel", LINK_REACH_PRIVATE },       { "nas.local", LINK_REACH_PRIVATE },
		{ "nas.home.arpa", LINK_REACH_PRIVATE },    { "arpa.example.com", LINK_REACH_PUBLIC },
		{ "0.0.0.0", LINK_REACH_UNSPECIFIED },      { "::", LINK_REACH_UNSPECIFIED },       { "::0", LINK_REACH_UNSPECIFIED },
		{ "224.0.0.1", LINK_REACH_UNSPECIFIED },    { "255.255.255.255", LINK_REACH_UNSPECIFIED }, { "ff02::1", LINK_REACH_UNSPECIFIED },
		{ "", LINK_REACH_NONE },                    { "@sock", LINK_REACH_NONE },           { "/run/x.sock", LINK_REACH_NONE },
		{ "a b", LINK_REACH_NONE },                 { "h.example:443", LINK_REACH_NONE },   { "https://h.example", LINK_REACH_NONE },
		{ "fe80::1%eth0", LINK_REACH_NONE },        { "a\nb.example", LINK_REACH_NONE },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		if (link_host_reach(str_of(cases[i].host)) != cases[i].reach)
			fail_msg("%s is %s", cases[i].host, link_reach_name(link_host_reach(str_of(cases[i].host))));
}

static void test_place(void **state)
{
	static const struct { enum link_style style; const char *listen, *host, *public_host, *node, *seller, *got; } cases[] = {
		{ LINK_UI_V2,  "",            "h.example",   "",          "",          "",         "h.example" },
		{ LINK_UI_V2,  "0.0.0.0",     "h.example",   "",          "",          "",         "h.example" },
		{ LINK_UI_V2,  "::",          "h.example",   "",          "",          "",         "h.example" },
		{ LINK_UI_V2,  "/run/x.sock", "h.example",   "",          "",          "",         "h.example" },
		{ LINK_UI_V2,  "1.2.3.4",     "h.example",   "",          "",          "",         "1.2.3.4" },
		{ LINK_UI_V2,  "127.0.0.1",   "h.example",   "",          "",          "",         "127.0.0.1" },
		{ LINK_UI_V2,  "127.0.0.1",   "h.example",   "",          "",          "s.example", "s.example" },
		{ LINK_SUB_V2, "1.2.3.4",     "h.example",   "",          "",          "",         "h.example" },
		{ LINK_SUB_V3, "127.0.0.1",   "h.example",   "p.example", "",          "",         "p.example" },
		{ LINK_SUB_V3, "1.2.3.4",     "h.example",   "p.example", "",          "",         "1.2.3.4" },
		{ LINK_SUB_V3, "1.2.3.4",     "h.example",   "p.example", "n.example", "",         "n.example" },
		{ LINK_SUB_V3, "1.2.3.4",     "h.example",   "p.example", "n.example", "s.example", "s.example" },
		{ LINK_SUB_V3, "",            "127.0.0.1",   "p.example", "",          "",         "p.example" },
		{ LINK_SUB_V3, "",            "127.0.0.1",   "",          "",          "",         "localhost" },
		{ LINK_SUB_V3, "",            "[2001:db8::9]", "",        "",          "",         "2001:db8::9" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct link_inbound in = inbound_of(arena_printf(&arena, "{\"protocol\":\"vless\",\"port\":443,\"listen\":\"%s\"}", cases[i].listen));
		struct links links;
		struct link_ask ask = {
			.style = cases[i].style, .inbound = &in, .client = &alice,
			.place = { str_of(cases[i].host), str_of(cases[i].public_host), str_of(cases[i].node), str_of(cases[i].seller) },
		};

		assert_int_equal(links_make(&links, &arena, &ask), OK);
		assert_str(links.at[0].host, cases[i].got);
	}
}

/* --- reading --- */

#define VMESS_OLD "eyJ2IjoiMiIsInBzIjoibiIsImFkZCI6ImguZXhhbXBsZSIsInBvcnQiOiI0NDMiLCJpZCI6InUxIiwiYWlkIjowLCJuZXQiOiJ3cyJ9"

static const struct { const char *link, *protocol, *credential, *host; int port; const char *remark; } good[] = {
	{ "  vless://" UUID "@h.example:443?type=tcp#a%20b\n", "vless", UUID, "h.example", 443, "a b" },
	{ "VLESS://" UUID "@[2001:db8::1]:443", "vless", UUID, "2001:db8::1", 443, "" },
	{ "vless://" UUID "@h.example:443/?type=ws&&path=%2F", "vless", UUID, "h.example", 443, "" },
	{ "trojan://p@ss@h.example:443#100%", "trojan", "p@ss", "h.example", 443, "100%" },
	{ "ss://YWVzLTI1Ni1nY206cHc@h.example:8388#n", "shadowsocks", "pw", "h.example", 8388, "n" },
	{ "ss://YWVzLTI1Ni1nY206cHc%3D@h.example:8388", "shadowsocks", "pw", "h.example", 8388, "" },
	{ "ss://YWVzLTI1Ni1nY206cHdAaC5leGFtcGxlOjgzODg=#n", "shadowsocks", "pw", "h.example", 8388, "n" },
	{ "ss://2022-blake3-aes-256-gcm:c%2Fk:d%2Bk@h.example:8388", "shadowsocks", "d+k", "h.example", 8388, "" },
	{ "hy2://auth@h.example:443,5000-6000/?insecure=1", "hysteria", "auth", "h.example", 443, "" },
	{ "vmess://" VMESS_OLD, "vmess", "u1", "h.example", 443, "n" },
	{ "vmess://" UUID "@h.example:443?type=ws#n", "vmess", UUID, "h.example", 443, "n" },
	{ "https://t.me/proxy?server=h.example&port=443&secret=ee00", "mtproto", "ee00", "h.example", 443, "" },
};

static const char *const bad[] = {
	"", "vless://", "vless://@h.example:443", "vless://id@h.example", "vless://id@h.example:0", "vless://id@h.example:65536",
	"vless://id@:443", "vless://id@a b:443", "vless://id%00@h.example:443", "vless://id%FF@h.example:443", "http://h.example",
	"ss://!!!@h.example:1", "ss://cHc@h.example:1", "ss://YWJj", "vmess://", "vmess://e30=", "vmess://W10=", "vmess://bm8=",
	"tg://proxy?server=h.example&port=443", "tg://proxy?server=&port=443&secret=1", "vless", "vless:/", "trojan://h.example:443",
	"vless://id@h.example:443?a=%FF",
};

static void test_reading(void **state)
{
	struct link_parts l;

	(void)state;
	for (size_t i = 0; i < countof(good); i++) {
		if (link_read(&l, &arena, str_of(good[i].link)))
			fail_msg("%s", good[i].link);
		assert_string_equal(l.protocol, good[i].protocol);
		assert_str(l.credential, good[i].credential);
		assert_str(l.host, good[i].host);
		assert_int_equal(l.port, good[i].port);
		assert_str(l.remark, good[i].remark);
	}
	for (size_t i = 0; i < countof(bad); i++)
		if (link_read(&l, &arena, str_of(bad[i])) != E_INVALID)
			fail_msg("taken: %s", bad[i]);
}

static void test_reading_is_bounded(void **state)
{
	struct link_parts l;
	struct buf b;

	(void)state;
	buf_init(&b, 1024 * 1024);
	buf_adds(&b, "vless://id@h.example:443?");
	for (int i = 0; i < LINK_PARAMS_MAX; i++)
		buf_adds(&b, "a=b&");
	assert_int_equal(link_read(&l, &arena, buf_str(&b)), OK);
	buf_adds(&b, "a=b");
	assert_int_equal(link_read(&l, &arena, buf_str(&b)), E_TOOBIG);
	while (b.len <= LINK_BYTES_MAX)
		buf_adds(&b, "xxxxxxxxxxxxxxxx");
	assert_int_equal(link_read(&l, &arena, buf_str(&b)), E_TOOBIG);
	buf_release(&b);
}

/* Memory whose last byte is followed by a page that must not be touched. */
struct fence {
	char *at;
	size_t page;
};

static struct fence fence_new(void)
{
	struct fence f = { .page = (size_t)sysconf(_SC_PAGESIZE) };

	f.at = mmap(NULL, 3 * f.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(f.at != MAP_FAILED);
	assert_int_equal(mprotect(f.at + 2 * f.page, f.page, PROT_NONE), 0);
	return f;
}

static struct str fence_put(const struct fence *f, struct str s)
{
	char *to = f->at + 2 * f->page - s.len;

	assert_true(s.len <= 2 * f->page);
	memcpy(to, s.at, s.len);
	return str_n(to, s.len);
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void read_all(struct str s)
{
	struct link_inbound in;
	struct link_client client;
	struct link_parts l;

	(void)link_read(&l, &arena, s);
	(void)link_inbound_read(&in, &arena, s);
	(void)link_client_read(&client, &arena, s);
	(void)link_hosts_read(&in, &arena, s);
	(void)link_host_reach(s);
	(void)link_remark_v3(&arena, s, &(struct link_remark){ .inbound = STR("n") });
	(void)link_remark_without_usage(&arena, s);
	(void)link_pin_hex(&arena, s);
	(void)link_uuid_route(&arena, s, s);
	arena_clear(&arena);
}

static void test_reading_stops_at_the_end(void **state)
{
	static const char *const others[] = {
		"{\"protocol\":\"vless\",\"port\":1,\"settings\":\"{}\",\"streamSettings\":{\"network\":\"xhttp\",\"xhttpSettings\":{\"headers\":{\"a\":[\"b\"]}}}}",
		"{{INBOUND}}-{{EMAIL}}|{DATA_LEFT}|{{", "[2001:db8::1]", "[{\"alpn\":[\"h2\"]}]",
	};
	struct fence f = fence_new();
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < countof(good) + countof(bad) + countof(others); i++) {
		const char *text = i < countof(good) ? good[i].link
			: i < countof(good) + countof(bad) ? bad[i - countof(good)] : others[i - countof(good) - countof(bad)];
		size_t len = strlen(text);

		for (size_t n = 0; n <= len; n++)
			read_all(fence_put(&f, str_n(text, n)));
		for (int round = 0; len && round < 100; round++) {
			struct str s = fence_put(&f, str_n(text, len));

			for (int k = 0; k < 3; k++)
				f.at[2 * f.page - 1 - next(&seed) % len] = (char)next(&seed);
			read_all(s);
		}
	}
	munmap(f.at, 3 * f.page);
}

/* --- names, files, subscriptions --- */

static void test_names_cannot_break_out(void **state)
{
	struct str name = STR("a\r\nEndpoint = evil:1\t#?&\x01" "b"), conf;
	struct link_inbound in = inbound_of("{\"protocol\":\"wireguard\",\"port\":51820,\"settings\":{"
		"\"secretKey\":\"iJ2cBkrSGqRwIfYIDIxk7hr5RXfdR93MfJUL7yqkkH8=\",\"dns\":\"1.1.1.1\\nPostUp = evil\"}}");
	struct link_ask ask = {
		.style = LINK_SUB_V3, .inbound = &in, .client = &alice, .place = { .host = STR("2001:db8::1") },
		.remarks = &name, .remarks_count = 1,
	};
	struct links links;

	(void)state;
	assert_int_equal(links_make(&links, &arena, &ask), OK);
	assert_str(links.at[0].remark, "a  Endpoint = evil:1 #?& b");
	assert_int_equal(link_wireguard_conf(&conf, &arena, &ask), OK);
	assert_false(str_has(conf, "\nEndpoint = evil"));
	assert_false(str_has(conf, "\nPostUp"));
	assert_true(str_has(conf, "\nEndpoint = [2001:db8::1]:51820\n"));
}

static void test_templates(void **state)
{
	static const struct { const char *template, *text; } cases[] = {
		{ "{{EXPIRE_DATE}}", "2024-03-20" },          { "{{JALALI_EXPIRE_DATE}}", "1403/01/01" },
		{ "{{TIME_LEFT}}", "1d 2h 3m" },              { "{{DAYS_LEFT}}", "1" },
		{ "{{USAGE_PERCENTAGE}}", "25.0%" },          { "{{STATUS}} {{STATUS_EMOJI}}", "active ✅" },
		{ "{DATA_USAGE}/{DATA_LIMIT}", "1.00KB/4.00KB" }, { "{{NONSENSE}}x|{{INBOUND}}", "n" },
		{ "{{INBOUND}} {NONSENSE}", "n {NONSENSE}" }, { "{{", "{{" },
		{ "{{PROTOCOL}}", "VLESS" },                  { "{{SHORT_ID}}", "8c14d6f7" },
		{ "{{COMMENT}}", "n" },                       { "{{EXPIRE_UNIX}}", "1710936000" },
	};
	struct link_remark r = {
		.inbound = STR("n"), .id = STR(UUID), .protocol = STR("vless"), .has_stats = true, .up_bytes = 1024, .total_bytes = 4096,
		.expires_ms = INT64_C(1710936000000), /* 2024-03-20 12:00 UTC, the first day of 1403 */
		.now_ms = INT64_C(1710936000000) - DAY_MS - 2 * HOUR_MS - 3 * MINUTE_MS - SECOND_MS,
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		assert_str(link_remark_v3(&arena, str_of(cases[i].template), &r), cases[i].text);
	assert_str(link_remark_v2(&arena, STR("-ieo"), &r, true), "n-3.00KB📊-1D,2H⏳");
}

static void test_subscription(void **state)
{
	static const struct str links[] = { { "a", 1 }, { "b", 1 } };
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	link_add_body(&b, links, countof(links), false);
	assert_string_equal(buf_cstr(&b), "a\nb\n");
	buf_clear(&b);
	link_add_body(&b, links, countof(links), true);
	assert_string_equal(buf_cstr(&b), "YQpiCg==");
	buf_clear(&b);
	link_add_userinfo(&b, 1, 2, 3, 5999);
	assert_string_equal(buf_cstr(&b), "upload=1; download=2; total=3; expire=5");
	buf_release(&b);
	buf_init(&b, 3);
	link_add_body(&b, links, countof(links), false);
	assert_true(b.over);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_flow, "R266"),
		proves(test_flow_switched_off, ""),
		proves(test_all_read_back, "R138"),
		proves(test_udp_protocols_read_back, "R138"),
		proves(test_both_shapes_are_one, ""),
		proves(test_odd_inbounds, ""),
		proves(test_forced_plain_drops_all_of_reality, ""),
		proves(test_hosts_replace_proxies, ""),
		proves(test_masks_of_a_host, ""),
		proves(test_fallback_child_goes_through_its_master, ""),
		proves(test_reach, ""),
		proves(test_place, ""),
		proves(test_reading, ""),
		proves(test_reading_is_bounded, ""),
		proves(test_reading_stops_at_the_end, ""),
		proves(test_names_cannot_break_out, ""),
		proves(test_templates, ""),
		proves(test_subscription, ""),
	};

	return cmocka_run_group_tests(tests, NULL, clear_arena);
}
