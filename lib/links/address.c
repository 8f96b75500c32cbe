/* Addresses in links. */
#include "lib/links/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct str link_host_bare(struct str host)
{
	host = str_trim(host);
	if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = str_n(host.at + 1, host.len - 2);
	return host;
}

void link_add_host_port(struct buf *to, struct str host, int64_t port)
{
	bool v6;

	host = link_host_bare(host);
	v6 = host.len && memchr(host.at, ':', host.len);
	if (v6)
		buf_addc(to, '[');
	buf_add(to, host);
	if (v6)
		buf_addc(to, ']');
	buf_addc(to, ':');
	buf_addi(to, port);
}

struct range {
	uint32_t base;
	int bits;
	enum link_reach reach;
};

static const struct range ranges[] = {
	{ 0x00000000,  8, LINK_REACH_UNSPECIFIED }, /* 0.0.0.0/8 */
	{ 0x7F000000,  8, LINK_REACH_LOOPBACK },    /* 127.0.0.0/8 */
	{ 0x0A000000,  8, LINK_REACH_PRIVATE },     /* 10.0.0.0/8 */
	{ 0xAC100000, 12, LINK_REACH_PRIVATE },     /* 172.16.0.0/12 */
	{ 0xC0A80000, 16, LINK_REACH_PRIVATE },     /* 192.168.0.0/16 */
	{ 0x64400000, 10, LINK_REACH_PRIVATE },     /* 100.64.0.0/10, carriers' NAT */
	{ 0xA9FE0000, 16, LINK_REACH_PRIVATE },     /* 169.254.0.0/16, link-local */
	{ 0xE0000000,  3, LINK_REACH_UNSPECIFIED }, /* 224.0.0.0/3: multicast, reserved, broadcast */
};

static enum link_reach reach_of_v4(uint32_t address)
{
	for (size_t i = 0; i < countof(ranges); i++)
		if ((address ^ ranges[i].base) >> (32 - ranges[i].bits) == 0)
			return ranges[i].reach;
	return LINK_REACH_PUBLIC;
}

static uint32_t last_four(const struct in6_addr *a)
{
	const unsigned char *b = a->s6_addr + 12;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static enum link_reach reach_of_v6(const struct in6_addr *a)
{
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xFF, 0x9B };

	if (IN6_IS_ADDR_LOOPBACK(a))
		return LINK_REACH_LOOPBACK;
	if (IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_MULTICAST(a))
		return LINK_REACH_UNSPECIFIED;
	if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a) || memcmp(a->s6_addr, nat64, sizeof nat64) == 0)
		return reach_of_v4(last_four(a));
	if (IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_SITELOCAL(a) || (a->s6_addr[0] & 0xFE) == 0xFC)
		return LINK_REACH_PRIVATE;
	return LINK_REACH_PUBLIC;
}

/* What may stand in a host name or address; anything else would break out of the authority of a URL. */
static bool is_host_text(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c <= ' ' || c == 0x7F || strchr("/\\?#@%[]\"<>,;|`^{}", c))
			return false;
	}
	return true;
}

static enum link_reach reach_of_name(struct str name)
{
	static const char *const private_ends[] = { ".local", ".lan", ".internal", ".home", ".home.arpa", ".localdomain" };

	if (str_ends(name, "."))
		name.len--;
	if (str_is_nocase(name, "localhost") || str_ends(name, ".localhost"))
		return LINK_REACH_LOOPBACK;
	for (size_t i = 0; i < countof(private_ends); i++)
		if (str_ends(name, private_ends[i]))
			return LINK_REACH_PRIVATE;
	return str_has(name, ".") ? LINK_REACH_PUBLIC : LINK_REACH_PRIVATE;
}

enum link_reach link_host_reach(struct str host)
{
	struct in6_addr v6;
	struct in_addr v4;
	char text[LINK_HOST_MAX + 1];

	host = link_host_bare(host);
	if (!host.len || host.len > LINK_HOST_MAX || !is_host_text(host))
		return LINK_REACH_NONE;
	for (size_t i = 0; i < host.len; i++)
		text[i] = host.at[i] >= 'A' && host.at[i] <= 'Z' ? (char)(host.at[i] + 32) : host.at[i];
	text[host.len] = '\0';
	if (memchr(text, ':', host.len))
		return inet_pton(AF_INET6, text, &v6) == 1 ? reach_of_v6(&v6) : LINK_REACH_NONE;
	if (inet_aton(text, &v4)) /* and not inet_pton: apps hand 127.1 to resolvers, which take it */
		return reach_of_v4(ntohl(v4.s_addr));
	return reach_of_name(str_n(text, host.len));
}

const char *link_reach_name(enum link_reach r)
{
	static const char *const names[] = { "public", "loopback", "private", "unspecified", "none" };

	return (size_t)r < countof(names) ? names[r] : "none";
}

/* A listen address or a stored share address that can stand in a link. Private ones can: the panel may serve a LAN. */
static struct str usable(struct str address)
{
	address = link_host_bare(address);
	switch (link_host_reach(address)) {
	case LINK_REACH_PUBLIC:
	case LINK_REACH_PRIVATE:
		return address;
	default: /* also unix sockets: '@' and '/' are no host text */
		return str_n("", 0);
	}
}

static struct str first_of(const struct str *candidates, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (candidates[i].len)
			return candidates[i];
	return str_n("", 0);
}

struct str link_address_v3(const struct link_place *p, struct str strategy, struct str listen, struct str share_addr)
{
	struct str node = usable(p->node), at = usable(listen), host = link_host_bare(p->host), chain[6], last = host;
	enum link_reach reach = link_host_reach(host);
	size_t n = 0;

	chain[n++] = link_host_bare(p->seller);
	if (str_is(strategy, "custom"))
		chain[n++] = usable(share_addr);
	chain[n++] = str_is(strategy, "listen") ? at : node;
	chain[n++] = str_is(strategy, "listen") ? node : at;
	chain[n++] = link_host_bare(p->public_host);
	if (reach == LINK_REACH_LOOPBACK || reach == LINK_REACH_UNSPECIFIED)
		last = STR("localhost");
	chain[n++] = last;
	return first_of(chain, n);
}

struct str link_address_v2(const struct link_place *p, struct str listen)
{
	struct str chain[3], at = link_host_bare(listen);
	enum link_reach reach = link_host_reach(at);

	if (reach == LINK_REACH_NONE || reach == LINK_REACH_UNSPECIFIED)
		at = str_n("", 0);
	chain[0] = link_host_bare(p->seller);
	chain[1] = at; /* a loopback listen too, as the panel does: the shop sees it and does not sell (B49) */
	chain[2] = link_host_bare(p->host);
	return first_of(chain, countof(chain));
}
