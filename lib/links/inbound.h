/* An inbound, a client and the panel's extra endpoints as plain values: what links are made from.
 *
 * Read from the panel's JSON of either generation: 2.x keeps settings and streamSettings as JSON text inside a string,
 * 3.x as nested objects; numbers may come as text; anything may be missing. The client list inside settings is not
 * looked at: give the text without it where that is cheap. All text lives in the arena, empty when missing; control
 * characters are gone from remarks. */
#ifndef OBOL_LINKS_INBOUND_H
#define OBOL_LINKS_INBOUND_H

#include "lib/base/str.h"

#define LINK_ENDPOINTS_MAX 32  /* external proxies or hosts of one inbound; more are not read */
#define LINK_FALLBACKS_MAX 16
#define LINK_LIST_MAX 16       /* values of alpn, pins, paths … */

struct link_tls {
	struct str sni, alpn, fp, ech, pcs, vcn; /* lists joined with ',' */
	bool allow_insecure, allow_insecure_stored;
};

struct link_reality {
	struct str sni, page_sni; /* first server name; the one v3's panel page prefers */
	struct str pbk, sid, fp, spider_x, pqv;
};

/* A row of streamSettings.externalProxy or of the v3 hosts table. Empty means "the inbound's own". */
struct link_endpoint {
	struct str remark, address, security; /* security: "tls" and "none" force, all else keeps */
	int64_t port;
	struct str sni, fp, alpn, pcs, vcn, ech;
	struct str host_header, path, finalmask, vless_route; /* hosts only, as the rest below */
	bool is_host, allow_insecure, keep_sni_blank, sni_from_address;
};

struct link_inbound {
	struct str protocol, remark, listen, share_strategy, share_addr;
	int64_t port;

	/* transport; network in today's names (tcp, ws, grpc, httpupgrade, xhttp, kcp, …) */
	struct str network, path, path_all, host, host_v2, header_type, seed;
	struct str service_name, authority, mode, padding;
	int64_t mtu, tti;
	bool multi_mode;
	struct str extra, extra_page;         /* XHTTP's extra as JSON: the subscription server's and the page's choice */
	struct str finalmask, finalmask_page; /* the same for fm */

	struct str security; /* tls, reality or none */
	struct link_tls tls;
	struct link_reality reality;

	struct str encryption, decryption;              /* VLESS */
	bool disable_flow;
	struct str method, password;                    /* Shadowsocks */
	int64_t hysteria_version;
	struct str obfs_password, hop_ports;            /* Hysteria */
	struct str secret_key, dns;                     /* WireGuard; mtu below */
	int64_t wireguard_mtu;

	struct link_endpoint *proxies, *hosts;
	size_t proxies_count, hosts_count;
	struct str fallbacks[LINK_FALLBACKS_MAX];       /* settings.fallbacks[].dest */
	size_t fallbacks_count;
};

struct link_client {
	struct str id;       /* UUID of VLESS and VMess */
	struct str password; /* Trojan, Shadowsocks */
	struct str auth;     /* Hysteria */
	struct str secret;   /* MTProto */
	struct str flow, cipher, email, sub_id;
	struct str private_key, allowed_ips, pre_shared_key; /* WireGuard; addresses joined with ',' */
	int64_t keep_alive_s;
};

/* E_INVALID: no JSON object. */
enum err link_inbound_read(struct link_inbound *out, struct arena *a, struct str json);
enum err link_client_read(struct link_client *out, struct arena *a, struct str json);

/* Sets in->hosts from the v3 hosts table: an array of rows in sort order, or an object with that array as "obj".
 * Rows that are disabled or kept out of link lists are left out. E_INVALID: neither. */
enum err link_hosts_read(struct link_inbound *in, struct arena *a, struct str json);

/* A child that only listens inside its server is reached through the inbound whose fallback it is: the master's address,
 * port, security and external proxies become the child's; transport and client stay. */
bool link_inbound_is_behind(const struct link_inbound *child, const struct link_inbound *master);
void link_inbound_put_behind(struct link_inbound *child, const struct link_inbound *master);

#endif
