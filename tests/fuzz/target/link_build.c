/* Links from whatever a panel says about an inbound (R289, B49): each is one line of printable text within its bounds, points at
 * the host and port it claims, and read back by link_read it has this client's credential, that host, that port
 * and that name. Parts: a byte for the style, then inbound, client, hosts, panel's host. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/links/link.h"
#include "lib/links/link_read.h"
#include "lib/links/remark.h"

static void check_inbound(const struct link_inbound *in)
{
	must(in->proxies_count <= LINK_ENDPOINTS_MAX && in->hosts_count <= LINK_ENDPOINTS_MAX && in->fallbacks_count <= LINK_FALLBACKS_MAX);
	must(!fuzz_has_control(in->remark));
}

/* A host may be a name in its own script; everything else of a link is ASCII. */
static bool is_one_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] <= ' ' || s.at[i] == 0x7F)
			return false;
	return utf8_valid(s);
}

/* The credential of each protocol, as the panel keeps it. */
static struct str credential_of(const struct link_ask *ask)
{
	const struct link_client *c = ask->client;
	struct str protocol = ask->inbound->protocol;

	if (str_is(protocol, "vless") || str_is(protocol, "vmess"))
		return c->id;
	if (str_is(protocol, "trojan"))
		return c->password;
	return STR(""); /* the others change theirs on the way: a vector's business */
}

/* Control characters in a value make a link that link_read does not take: they may stand in the JSON as they are or escaped. */
static bool has_controls(struct str json)
{
	static const char *const escapes[] = { "\\u00", "\\b", "\\f", "\\n", "\\r", "\\t", "\x7F" };

	for (size_t i = 0; i < countof(escapes); i++)
		if (str_has(json, escapes[i]))
			return true;
	return fuzz_has_control(json);
}

static void check_link(struct arena *a, const struct link *l, const struct link_ask *ask, bool odd)
{
	struct str credential = credential_of(ask);
	struct link_parts p;

	must(l->uri.len && l->uri.len <= LINK_BYTES_MAX && l->uri.at[l->uri.len] == '\0');
	must(is_one_word(l->uri));
	must(l->port >= 1 && l->port <= 65535 && link_host_reach(l->host) != LINK_REACH_NONE);
	if (odd)
		return;
	must(link_read(&p, a, l->uri) == OK);
	must(p.port == l->port);
	must(str_eq(link_host_bare(p.host), link_host_bare(l->host)));
	must(!credential.len || str_eq(p.credential, credential));
	must(str_is(str_of(p.protocol), "mtproto") || str_eq(p.remark, l->remark));
}

static void check_made(struct arena *a, const struct link_ask *ask, bool odd)
{
	struct links links, again;
	struct str conf;
	enum err e = links_make(&links, a, ask);

	must(e == OK || e == E_NOTFOUND || e == E_INVALID);
	must(links_make(&again, a, ask) == e);
	for (size_t i = 0; !e && i < links.count; i++) {
		check_link(a, &links.at[i], ask, odd);
		must(str_eq(links.at[i].uri, again.at[i].uri)); /* the same every time */
	}
	must(e || (links.count >= 1 && links.count <= LINK_ENDPOINTS_MAX));
	if (link_wireguard_conf(&conf, a, ask) == OK)
		must(utf8_valid(conf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n((const char *)data, size);
	unsigned how = fuzz_byte(&rest);
	struct str inbound = fuzz_part(&rest), client = fuzz_part(&rest), hosts = fuzz_part(&rest);
	struct link_inbound in, master;
	struct link_client c;
	struct arena a = { 0 };
	struct link_ask ask = { .style = (enum link_style)(how % 4), .inbound = &in, .client = &c, .place = { .host = utf8_clean(&a, rest) } };
	bool odd = has_controls(inbound) || has_controls(client) || has_controls(hosts) || fuzz_has_control(rest);

	if (link_inbound_read(&in, &a, inbound) == OK && link_client_read(&c, &a, client) == OK) {
		if (hosts.len && link_hosts_read(&in, &a, hosts))
			must(!in.hosts_count);
		check_inbound(&in);
		check_made(&a, &ask, odd);
		if (how & 4 && link_inbound_read(&master, &a, inbound) == OK) {
			link_inbound_put_behind(&in, &master);
			check_made(&a, &ask, odd);
		}
	}
	arena_release(&a);
	return 0;
}
