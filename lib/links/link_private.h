/* What the files that make links share: the link under construction. */
#ifndef OBOL_LINKS_LINK_PRIVATE_H
#define OBOL_LINKS_LINK_PRIVATE_H

#include "lib/links/link.h"
#include "lib/links/params_private.h"

struct style {
	bool sorted; /* a server: alphabetical */
	bool v3;
	bool page;
};

/* One address with everything an external proxy or host changes about the inbound already applied. */
struct spot {
	const struct link_endpoint *entry; /* NULL: the inbound itself */
	struct str address, security, remark;
	int64_t port;
	struct link_tls tls;
	struct link_reality reality;
	struct str path, path_all, host, finalmask;
};

struct maker {
	struct arena *a;
	const struct style *style;
	const struct link_ask *ask;
	const struct link_inbound *in;
	const struct link_client *client;
	struct spot spot;
	struct params params;
	struct buf uri;
};

/* The caller releases m->uri. */
void maker_init(struct maker *m, struct arena *a, const struct link_ask *ask);

/* Makes m ready for one link: at the inbound itself (entry NULL) or at one of its external proxies or hosts. */
void maker_begin(struct maker *m, const struct link_endpoint *entry);
bool maker_is_usable(const struct maker *m); /* the spot has an address and a port */
struct str maker_remark(struct maker *m, size_t index); /* name of the index-th link, on one line */

/* WireGuard: the server's public key, empty when its private one is no key. */
struct str maker_server_key(struct maker *m);

struct str link_number(struct arena *a, int64_t n); /* decimal; empty unless above 0 */
struct str link_or_else(struct str first, struct str second);

#endif
