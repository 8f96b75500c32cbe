/* Making links.
 *
 * An inbound has one or several spots (itself, or its external proxies or hosts). For each spot the protocol's function
 * collects key/value pairs and writes the link. Pairs are collected in the order of the panel's page; the subscription
 * servers' order is the alphabetical one. */
#include "lib/links/link.h"

#include "lib/base/enc.h"
#include "lib/base/json.h"
#include "lib/links/keys.h"
#include "lib/links/link_private.h"

enum link_style link_style_of(int generation)
{
	return generation <= 2 ? LINK_UI_V2 : LINK_SUB_V3;
}

/* --- keys common to VLESS, Trojan and Shadowsocks --- */

static void put(struct maker *m, const char *key, struct str value)
{
	params_set(&m->params, key, value);
}

static void put_tcp(struct maker *m)
{
	if (!str_is(m->in->header_type, "http"))
		return;
	put(m, "path", m->style->page ? m->spot.path_all : m->spot.path);
	put(m, "host", m->spot.host);
	put(m, "headerType", STR("http"));
}

static void put_path_host(struct maker *m)
{
	put(m, "path", m->spot.path);
	put(m, "host", m->spot.host);
}

static void put_xhttp(struct maker *m)
{
	put_path_host(m);
	put(m, "mode", m->in->mode);
	if (!m->style->v3)
		return;
	put(m, "x_padding_bytes", m->in->padding);
	put(m, "extra", m->style->page ? m->in->extra_page : m->in->extra);
}

static void put_grpc(struct maker *m)
{
	put(m, "serviceName", m->in->service_name);
	put(m, "authority", m->in->authority);
	if (m->in->multi_mode)
		put(m, "mode", STR("multi"));
}

static void put_kcp(struct maker *m)
{
	struct str type = link_or_else(m->in->header_type, STR("none"));

	if (!m->style->v3 || !str_is(type, "none"))
		put(m, "headerType", type);
	put(m, "seed", m->in->seed);
	if (!m->style->v3)
		return;
	put(m, "mtu", link_number(m->a, m->in->mtu));
	put(m, "tti", link_number(m->a, m->in->tti));
}

static const struct {
	const char *network;
	void (*put)(struct maker *m);
} transports[] = {
	{ "tcp", put_tcp }, { "ws", put_path_host }, { "httpupgrade", put_path_host },
	{ "xhttp", put_xhttp }, { "grpc", put_grpc }, { "kcp", put_kcp },
};

static void put_transport(struct maker *m)
{
	for (size_t i = 0; i < countof(transports); i++)
		if (str_is(m->in->network, transports[i].network))
			transports[i].put(m);
	if (m->style->v3)
		put(m, "fm", m->spot.finalmask);
}

static bool is_secured_by(const struct maker *m, const char *security)
{
	return str_is(m->spot.security, security);
}

static void put_tls(struct maker *m, bool sni_first)
{
	const struct link_tls *t = &m->spot.tls;
	bool ech = m->style->v3 || m->style->page;

	put(m, "fp", t->fp);
	put(m, "alpn", t->alpn);
	if (t->allow_insecure && !m->style->v3)
		put(m, "allowInsecure", STR("1"));
	if (sni_first)
		put(m, "sni", t->sni);
	if (ech)
		put(m, "ech", t->ech);
	put(m, "sni", t->sni);
	if (!m->style->v3)
		return;
	put(m, "vcn", t->vcn);
	put(m, "pcs", t->pcs);
}

static struct str spider_x(const struct maker *m)
{
	struct str key = link_or_else(m->client->sub_id, m->client->email);

	if (!m->style->v3)
		return m->spot.reality.spider_x;
	return key.len ? link_spider_x(m->a, m->spot.reality.spider_x, key) : key;
}

static void put_reality(struct maker *m)
{
	const struct link_reality *r = &m->spot.reality;

	put(m, "pbk", r->pbk);
	put(m, "fp", r->fp);
	put(m, "sni", r->sni);
	put(m, "sid", r->sid);
	put(m, "spx", spider_x(m));
	put(m, "pqv", r->pqv);
}

/* Of a host row only: v3 no longer exports the inbound's own setting. */
static bool is_insecure_host(const struct maker *m)
{
	return m->spot.entry && m->spot.entry->allow_insecure;
}

static void put_security(struct maker *m, bool sni_first)
{
	put(m, "security", m->spot.security);
	if (is_secured_by(m, "tls"))
		put_tls(m, sni_first);
	if (is_secured_by(m, "reality"))
		put_reality(m);
	if (is_insecure_host(m) && !is_secured_by(m, "none"))
		put(m, "allowInsecure", STR("1"));
}

static void begin(struct maker *m, const char *scheme)
{
	buf_adds(&m->uri, scheme);
	buf_adds(&m->uri, "://");
}

static void finish(struct maker *m)
{
	buf_addc(&m->uri, '@');
	link_add_host_port(&m->uri, m->spot.address, m->spot.port);
	if (m->style->sorted)
		params_sort(&m->params);
	params_add_query(&m->uri, &m->params);
	if (!m->spot.remark.len)
		return;
	buf_addc(&m->uri, '#');
	enc_percent(&m->uri, m->spot.remark, "!*'()"); /* encodeURIComponent's set */
}

/* --- protocols --- */

/* A client keeps its stored flow when the inbound changes; on anything but these the core would refuse the profile. */
static bool is_flow_possible(const struct maker *m)
{
	const struct link_inbound *in = m->in;
	bool secured = str_is(in->security, "tls") || str_is(in->security, "reality");
	bool encrypted = !str_is(in->encryption, "none") || (in->decryption.len && !str_is(in->decryption, "none"));

	if (in->disable_flow)
		return false;
	if (str_is(in->network, "tcp"))
		return secured && !is_secured_by(m, "none");
	return m->style->v3 && str_is(in->network, "xhttp") && encrypted;
}

static enum err make_vless(struct maker *m)
{
	struct str id = m->client->id;

	if (!id.len)
		return E_NOTFOUND;
	if (m->spot.entry)
		id = link_uuid_route(m->a, id, m->spot.entry->vless_route);
	put(m, "type", m->in->network);
	put(m, "encryption", m->in->encryption);
	put_transport(m);
	put_security(m, true);
	if (is_flow_possible(m))
		put(m, "flow", m->client->flow);
	begin(m, "vless");
	enc_percent(&m->uri, id, "");
	finish(m);
	return OK;
}

static enum err make_trojan(struct maker *m)
{
	if (!m->client->password.len)
		return E_NOTFOUND;
	put(m, "type", m->in->network);
	put_transport(m);
	put_security(m, false);
	if (!m->style->page && str_is(m->in->network, "tcp") && is_secured_by(m, "reality"))
		put(m, "flow", m->client->flow);
	begin(m, "trojan");
	enc_percent(&m->uri, m->client->password, "");
	finish(m);
	return OK;
}

/* The 2022 methods write their parts percent-encoded, the older ones base64url of "method:password". */
static enum err add_shadowsocks_user(struct maker *m)
{
	const struct link_inbound *in = m->in;
	bool is_2022 = str_starts(in->method, "2022-");
	bool single = is_2022 && str_has(in->method, "chacha20"); /* has no client keys: the inbound's key is all */
	struct str password = m->client->password;
	char *plain;

	if (!in->method.len || (is_2022 && !in->password.len) || (!single && !password.len))
		return E_NOTFOUND;
	if (!is_2022) {
		plain = arena_printf(m->a, "%.*s:%.*s", STR_ARG(in->method), STR_ARG(password));
		enc_base64url(&m->uri, plain, in->method.len + 1 + password.len);
		return OK;
	}
	enc_percent(&m->uri, in->method, "");
	buf_addc(&m->uri, ':');
	enc_percent(&m->uri, in->password, "");
	if (single)
		return OK;
	buf_addc(&m->uri, ':');
	enc_percent(&m->uri, password, "");
	return OK;
}

static enum err make_shadowsocks(struct maker *m)
{
	enum err e;

	begin(m, "ss");
	e = add_shadowsocks_user(m);
	if (e)
		return e;
	if (m->style->v3 && str_is(m->in->network, "tcp") && str_is(m->in->header_type, "http")) {
		put(m, "plugin", str_of(arena_printf(m->a, "obfs-local;obfs=http;obfs-host=%.*s", STR_ARG(m->spot.host))));
		put(m, "fm", m->spot.finalmask);
	} else {
		put(m, "type", m->in->network);
		put_transport(m);
	}
	if (is_secured_by(m, "tls"))
		put_security(m, false);
	else if (m->spot.entry && !m->style->page)
		put(m, "security", m->spot.security);
	finish(m);
	return OK;
}

static struct str pins_hex(struct maker *m, struct str pins)
{
	struct str rest = pins, out;
	struct buf b;

	if (!pins.len)
		return pins;
	buf_init(&b, LINK_BYTES_MAX);
	while (rest.at) {
		if (b.len)
			buf_addc(&b, ',');
		buf_add(&b, link_pin_hex(m->a, str_trim(str_cut(&rest, ','))));
	}
	out = str_n(str_dup(m->a, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

static enum err make_hysteria(struct maker *m)
{
	const struct link_inbound *in = m->in;
	const struct link_tls *t = &in->tls; /* external proxies change address, port and pins, nothing else */
	struct str pins = m->spot.entry ? link_or_else(m->spot.entry->pcs, t->pcs) : t->pcs;

	if (!m->client->auth.len)
		return E_NOTFOUND;
	if (m->spot.entry && m->spot.entry->is_host)
		t = &m->spot.tls;
	put(m, "security", STR("tls"));
	put(m, "fp", t->fp);
	put(m, "alpn", t->alpn);
	put(m, "sni", t->sni);
	put(m, "ech", t->ech);
	put(m, "vcn", t->vcn);
	put(m, "pinSHA256", pins_hex(m, pins));
	if (is_insecure_host(m))
		put(m, "insecure", STR("1"));
	if (in->obfs_password.len) {
		put(m, "obfs", STR("salamander"));
		put(m, "obfs-password", in->obfs_password);
	}
	if (m->style->page || !m->spot.entry)
		put(m, "mport", in->hop_ports);
	if (m->style->v3 && m->style->page)
		put(m, "fm", in->finalmask_page); /* the server does not: strict readers refuse unknown keys */
	begin(m, in->hysteria_version == 1 && !m->style->page ? "hysteria" : "hysteria2");
	enc_percent(&m->uri, m->client->auth, "");
	finish(m);
	return OK;
}

static enum err make_wireguard(struct maker *m)
{
	struct str key = maker_server_key(m);

	if (!m->client->private_key.len || !key.len)
		return E_NOTFOUND;
	put(m, "publickey", key);
	put(m, "address", m->client->allowed_ips);
	put(m, "mtu", link_number(m->a, m->in->wireguard_mtu));
	if (!m->style->page) {
		put(m, "dns", m->in->dns);
		put(m, "presharedkey", m->client->pre_shared_key);
		put(m, "keepalive", link_number(m->a, m->client->keep_alive_s));
	}
	begin(m, "wireguard");
	enc_percent(&m->uri, m->client->private_key, "");
	finish(m);
	return OK;
}

static enum err make_mtproto(struct maker *m)
{
	if (!m->client->secret.len)
		return E_NOTFOUND;
	put(m, "port", link_number(m->a, m->spot.port));
	put(m, "secret", m->client->secret);
	put(m, "server", m->spot.address);
	begin(m, "tg");
	buf_adds(&m->uri, "proxy");
	params_add_query(&m->uri, &m->params); /* no name: Telegram would take it for a part of the last value */
	return OK;
}

/* --- VMess: a JSON object of its own making --- */

static void put_vmess_transport(struct maker *m)
{
	const struct link_inbound *in = m->in;
	struct str type = STR("none");

	if (str_is(in->network, "tcp") || str_is(in->network, "kcp"))
		type = link_or_else(in->header_type, type);
	if (str_is(in->network, "grpc") && in->multi_mode)
		type = STR("multi");
	if (str_is(in->network, "xhttp") && m->style->page)
		type = link_or_else(in->mode, type);
	put(m, "type", type);
	put(m, "host", m->spot.host);
	put(m, "path", m->style->page && str_is(in->network, "tcp") ? m->spot.path_all : m->spot.path);
	if (str_is(in->network, "grpc")) {
		put(m, "path", in->service_name);
		put(m, "authority", in->authority);
	}
	if (str_is(in->network, "kcp")) {
		put(m, "path", in->seed);
		if (m->style->v3) {
			params_set_kind(&m->params, "mtu", link_number(m->a, in->mtu), PARAM_NUMBER);
			params_set_kind(&m->params, "tti", link_number(m->a, in->tti), PARAM_NUMBER);
		}
	}
	if (!m->style->page)
		put(m, "mode", in->mode);
}

/* v3 spreads XHTTP's extra over the object itself. */
static void put_vmess_extra(struct maker *m)
{
	struct str extra = m->style->page ? m->in->extra_page : m->in->extra;
	struct json_object *o;

	if (!m->style->v3 || !extra.len || json_parse(&o, extra))
		return;
	json_object_object_foreach(o, key, value) {
		bool text = json_object_is_type(value, json_type_string);
		struct str s = str_of(text ? json_object_get_string(value)
		                           : json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

		params_set_kind(&m->params, arena_strdup(m->a, key), str_n(str_dup(m->a, s), s.len), text ? PARAM_TEXT : PARAM_JSON);
	}
	json_object_put(o);
	put(m, "x_padding_bytes", m->in->padding);
}

static void put_vmess_tls(struct maker *m)
{
	const struct link_tls *t = &m->spot.tls;

	put(m, "sni", t->sni);
	put(m, "fp", t->fp);
	put(m, "alpn", t->alpn);
	if (m->style->v3) {
		put(m, "ech", t->ech);
		put(m, "vcn", t->vcn);
		put(m, "pcs", t->pcs);
	} else if (t->allow_insecure || (t->allow_insecure_stored && !m->style->page)) {
		params_set_kind(&m->params, "allowInsecure", str_of(t->allow_insecure ? "true" : "false"), PARAM_BOOL);
	}
}

static struct str vmess_cipher(const struct maker *m)
{
	struct str c = link_or_else(m->client->cipher, STR("auto"));

	if (m->style->v3 && !m->style->page && (str_is(c, "none") || str_is(c, "zero")))
		return STR("auto");
	return c;
}

static enum err make_vmess(struct maker *m)
{
	struct buf json;

	if (!m->client->id.len)
		return E_NOTFOUND;
	put(m, "v", STR("2"));
	put(m, "ps", m->spot.remark);
	put(m, "add", m->spot.address);
	params_set_kind(&m->params, "port", link_number(m->a, m->spot.port), PARAM_NUMBER);
	put(m, "id", m->client->id);
	put(m, "scy", vmess_cipher(m));
	put(m, "net", m->in->network);
	put(m, "tls", m->spot.security);
	put_vmess_transport(m);
	put_vmess_extra(m);
	if (is_secured_by(m, "tls"))
		put_vmess_tls(m);
	if (m->style->v3)
		put(m, "fm", m->spot.finalmask);
	if (m->style->sorted)
		params_sort(&m->params);
	buf_init(&json, LINK_BYTES_MAX);
	params_add_json(&json, &m->params);
	begin(m, "vmess");
	enc_base64(&m->uri, json.at, json.len);
	buf_release(&json);
	return OK;
}

static const struct protocol {
	const char *name;
	enum err (*make)(struct maker *m);
	bool is_udp;
} protocols[] = {
	{ "vless",       make_vless,       false },
	{ "vmess",       make_vmess,       false },
	{ "trojan",      make_trojan,      false },
	{ "shadowsocks", make_shadowsocks, false },
	{ "hysteria",    make_hysteria,    true  },
	{ "hysteria2",   make_hysteria,    true  },
	{ "wireguard",   make_wireguard,   true  },
	{ "mtproto",     make_mtproto,     false },
};

static const struct protocol *protocol_of(const struct link_inbound *in)
{
	for (size_t i = 0; i < countof(protocols); i++)
		if (str_is(in->protocol, protocols[i].name))
			return &protocols[i];
	return NULL;
}

/* The index-th spot's link goes to *out. OK with an empty uri: the spot has no usable address. */
static enum err make_one(struct link *out, struct maker *m, const struct link_endpoint *entry, size_t index)
{
	const struct protocol *p = protocol_of(m->in);
	enum err e;

	*out = (struct link){ 0 };
	maker_begin(m, entry);
	if (!maker_is_usable(m))
		return OK;
	m->spot.remark = maker_remark(m, index);
	e = p->make(m);
	if (e)
		return e;
	if (m->uri.over)
		return OK;
	*out = (struct link){
		.uri = str_n(str_dup(m->a, buf_str(&m->uri)), m->uri.len),
		.host = m->spot.address,
		.port = m->spot.port,
		.is_udp = p->is_udp || str_is(m->in->network, "kcp"),
		.remark = m->spot.remark,
	};
	return OK;
}

/* Host rows replace external proxies; 2.x does not know them. 0: only the inbound itself. */
static size_t entries_of(const struct link_endpoint **out, const struct maker *m)
{
	bool hosts = m->style->v3 && m->in->hosts_count;

	*out = hosts ? m->in->hosts : m->in->proxies;
	return hosts ? m->in->hosts_count : m->in->proxies_count;
}

enum err links_make(struct links *out, struct arena *a, const struct link_ask *ask)
{
	const struct link_endpoint *entries;
	size_t entries_count, spots;
	enum err e = OK;
	struct maker *m;

	*out = (struct links){ 0 };
	if (!protocol_of(ask->inbound))
		return E_NOTFOUND;
	m = arena_new(a, struct maker);
	maker_init(m, a, ask);
	entries_count = entries_of(&entries, m);
	spots = entries_count ? entries_count : 1;
	out->at = arena_array(a, struct link, spots);
	for (size_t i = 0; i < spots && !e; i++) {
		e = make_one(&out->at[out->count], m, entries_count ? &entries[i] : NULL, i);
		if (!e && out->at[out->count].uri.len)
			out->count++;
	}
	buf_release(&m->uri);
	if (!e && !out->count)
		e = E_INVALID;
	return e;
}
