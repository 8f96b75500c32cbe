/* Who may ask: a list of addresses and networks. Judged by the address of the connection alone, never by a header: those
 * anyone can set (B8). */
#ifndef OBOL_HTTP_ALLOW_H
#define OBOL_HTTP_ALLOW_H

#include "lib/base/str.h"

#define HTTP_ALLOW_MAX 64 /* entries of one list */

struct http_network {
	unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
	int bits;                  /* of the 128 that must agree */
};

struct http_allow {
	struct http_network at[HTTP_ALLOW_MAX];
	size_t count;              /* 0: loopback only */
};

/* "127.0.0.1, 10.8.0.0/16, 2001:db8::/32". E_INVALID: an entry is no address or network; E_TOOBIG: too many. */
enum err http_allow_read(struct http_allow *out, struct str text);

/* remote: a numeric address, as http_inbound.remote; what is none is not on the list. */
bool http_allow_has(const struct http_allow *list, struct str remote);

#define HTTP_HOME_CHARS 64
/* Whom an address belongs to: of IPv6 the first 64 bits, for one line has all the others; else the address itself. */
void http_home_of(char out[HTTP_HOME_CHARS], struct str address);

/* A numeric IPv4 or IPv6 address, nothing else. */
bool http_is_address(struct str text);

#endif
