/* Reading share links back: what we delivered, what a panel gave, what a person pasted.
 *
 * Any bytes may come. Understood are the forms of link.h, the base64 ones of older panels and apps (whole-base64 ss://,
 * VMess JSON with ports as text), hy2:// and https://t.me/proxy?…. What comes out is decoded, valid UTF-8 without control
 * characters. Links hold credentials: never log the text or the parts. */
#ifndef OBOL_LINKS_LINK_READ_H
#define OBOL_LINKS_LINK_READ_H

#include "lib/base/str.h"

#define LINK_PARAMS_MAX 96

struct link_pair {
	struct str key, value;
};

struct link_parts {
	const char *protocol;   /* as panels name it: vless vmess trojan shadowsocks hysteria wireguard mtproto */
	struct str credential;  /* UUID, password, auth, client key, private key or secret */
	struct str method;      /* Shadowsocks */
	struct str server_key;  /* Shadowsocks 2022 with clients: the inbound's key before the client's */
	struct str host;        /* without brackets */
	int64_t port;
	struct str remark;
	struct link_pair params[LINK_PARAMS_MAX]; /* the query, or VMess's other members as text */
	size_t params_count;
};

/* All text goes to the arena. White space around the link is skipped.
 * E_INVALID: no link we know, or one without credential, host or port. E_TOOBIG: longer than LINK_BYTES_MAX, or more
 * than LINK_PARAMS_MAX pairs. */
enum err link_read(struct link_parts *out, struct arena *a, struct str text);

struct str link_param(const struct link_parts *l, const char *key); /* first of that name, else empty */

#endif
