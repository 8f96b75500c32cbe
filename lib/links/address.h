/* The address a link points at: choosing it as the panel does, writing it, and judging whether a customer can reach it. */
#ifndef OBOL_LINKS_ADDRESS_H
#define OBOL_LINKS_ADDRESS_H

#include "lib/base/buf.h"

#define LINK_HOST_MAX 255

/* What a stranger on the internet can do with a host (B49). */
enum link_reach {
	LINK_REACH_PUBLIC,      /* a global address, or a name that may be one */
	LINK_REACH_LOOPBACK,    /* 127.0.0.0/8, ::1, localhost */
	LINK_REACH_PRIVATE,     /* RFC 1918, CGNAT, link-local, unique local, names such as .local or without a dot */
	LINK_REACH_UNSPECIFIED, /* 0.0.0.0, ::, multicast and reserved ranges: no host at all */
	LINK_REACH_NONE         /* empty, or no address: a path, a URL, host:port, spaces */
};

/* Brackets around IPv6 are allowed; IPv4 inside IPv6 and the short forms resolvers take (127.1) are judged as IPv4. */
enum link_reach link_host_reach(struct str host);
const char *link_reach_name(enum link_reach r);

/* host without the brackets of IPv6 and without white space around it */
struct str link_host_bare(struct str host);
/* "host:port", IPv6 in brackets exactly once */
void link_add_host_port(struct buf *to, struct str host, int64_t port);

/* Where an inbound can be reached, as the panel knows it. Empty parts are fine. */
struct link_place {
	struct str host;        /* name the panel (or its subscription) is reached by, without port */
	struct str public_host; /* v3: the panel's settings subDomain, else webDomain */
	struct str node;        /* v3: address of the node that runs the inbound */
	struct str seller;      /* typed by the seller; beats everything but external proxies and hosts */
};

/* v3: first usable of the chain that strategy ("node", "listen", "custom"; anything else is "node") names, then
 * public_host, then host. */
struct str link_address_v3(const struct link_place *p, struct str strategy, struct str listen, struct str share_addr);
/* 2.8.5's panel page: listen unless it is empty, a wildcard or a socket, else host. */
struct str link_address_v2(const struct link_place *p, struct str listen);

#endif
