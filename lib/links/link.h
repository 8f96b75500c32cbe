/* Share links of 3X-UI inbounds, as the panel itself makes them.
 *
 * Facts: 3X-UI 2.8.5 and 3.6.0, both the subscription server and the panel's page; SIP002/SIP022 for Shadowsocks, the
 * Hysteria 2 URI, v2rayN's VMess form. Links of one client are the same every time: where the server draws a server
 * name or short id at random, the first is taken. Where 2.8.5 writes a link no app can read (IPv6 without brackets, raw
 * passwords, '/' in base64) ours is right instead. Links hold credentials: never log them. */
#ifndef OBOL_LINKS_LINK_H
#define OBOL_LINKS_LINK_H

#include "lib/links/address.h"
#include "lib/links/inbound.h"

#define LINK_BYTES_MAX (32 * 1024)

/* Whose habits a link follows. The shop uses link_style_of(); the others exist to check ourselves against the panel. */
enum link_style {
	LINK_SUB_V3, /* 3.x subscription server */
	LINK_UI_V2,  /* 2.x panel page: the inbound's own listen address, the stored spiderX */
	LINK_UI_V3,  /* 3.x panel page */
	LINK_SUB_V2  /* 2.x subscription server: always the host it was asked by; spiderX as UI_V2, not a random one */
};
enum link_style link_style_of(int generation); /* 2: LINK_UI_V2, 3 and later: LINK_SUB_V3 */

struct link_ask {
	enum link_style style;
	const struct link_inbound *inbound;
	const struct link_client *client;
	struct link_place place;
	/* Names, one per link in order; those that are missing are joined from inbound, external proxy and e-mail in the
	 * panel's order (remark.h makes other ones). */
	const struct str *remarks;
	size_t remarks_count;
};

struct link {
	struct str uri;    /* terminated */
	struct str host;   /* without brackets: link_host_reach() says whether a stranger reaches it (B49) */
	int64_t port;      /* for a TCP test; Hysteria and WireGuard listen on UDP */
	bool is_udp;
	struct str remark;
};

struct links {
	struct link *at;
	size_t count;
};

/* One link, or one per external proxy or host in their order; in the arena. Entries without a usable address or port are
 * left out.
 * E_NOTFOUND: this protocol has no links, or the client has no credential for it. E_INVALID: no usable address or port. */
enum err links_make(struct links *out, struct arena *a, const struct link_ask *ask);

/* A WireGuard client as the text of a .conf file. Errors as links_make. */
enum err link_wireguard_conf(struct str *out, struct arena *a, const struct link_ask *ask);

#endif
