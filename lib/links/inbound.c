/* Reading the panel's JSON into plain values. Where the generations differ in shape, both are read the same way; where
 * they differ in what they put into a link, both values are kept and link.c chooses. */
#include "lib/links/inbound.h"

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/links/keys.h"
#include "lib/links/remark.h"

enum { JSON_TEXT_MAX = 16 * 1024, JOINED_MAX = 8 * 1024 };

static struct str keep(struct arena *a, struct str s)
{
	return str_n(str_dup(a, s), s.len);
}

static struct str text_at(struct arena *a, struct json_object *o, const char *path)
{
	return keep(a, json_str_at(o, path));
}

static struct str remark_at(struct arena *a, struct json_object *o, const char *path)
{
	return link_name_clean(a, json_str_at(o, path));
}

static struct str element(struct json_object *array, size_t i)
{
	struct json_object *v = json_object_array_get_idx(array, i);

	if (json_object_is_type(v, json_type_string))
		return str_n(json_object_get_string(v), (size_t)json_object_get_string_len(v));
	return str_n("", 0);
}

/* First item of a list, or the text itself where a list is stored as text. */
static struct str first_at(struct arena *a, struct json_object *o, const char *path)
{
	struct json_object *array = json_array_at(o, path);

	return array ? keep(a, json_len(array) ? element(array, 0) : str_n("", 0)) : text_at(a, o, path);
}

static struct str joined_at(struct arena *a, struct json_object *o, const char *path)
{
	struct json_object *array = json_array_at(o, path);
	struct buf b;
	struct str out;

	if (!array)
		return text_at(a, o, path);
	buf_init(&b, JOINED_MAX);
	for (size_t i = 0; i < json_len(array) && i < LINK_LIST_MAX; i++) {
		if (i)
			buf_addc(&b, ',');
		buf_add(&b, element(array, i));
	}
	out = keep(a, buf_str(&b));
	buf_release(&b);
	return out;
}

/* Member of a headers map whatever its case; a list gives its first item. */
static struct str header_at(struct arena *a, struct json_object *o, const char *path, const char *name)
{
	struct json_object *map = json_at(o, path);

	if (!json_object_is_type(map, json_type_object))
		return str_n("", 0);
	json_object_object_foreach(map, key, value) {
		if (!str_is_nocase(str_of(key), name))
			continue;
		if (json_object_is_type(value, json_type_array))
			return keep(a, json_len(value) ? element(value, 0) : str_n("", 0));
		return text_at(a, map, key);
	}
	return str_n("", 0);
}

static struct str or_else(struct str first, struct str second)
{
	return first.len ? first : second;
}

static struct str json_text(struct arena *a, struct json_object *o)
{
	size_t n;
	const char *s = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

	return n <= JSON_TEXT_MAX ? keep(a, str_n(s, n)) : str_n("", 0);
}

/* An object, or the object whose text a string holds; NULL when neither. The result is put by the caller. */
static struct json_object *object_at(struct json_object *o, const char *key)
{
	struct json_object *v = json_at(o, key), *parsed = NULL;

	if (json_object_is_type(v, json_type_object))
		return json_object_get(v);
	if (!json_object_is_type(v, json_type_string) || json_parse(&parsed, json_str_at(o, key)))
		return NULL;
	if (json_object_is_type(parsed, json_type_object))
		return parsed;
	json_object_put(parsed);
	return NULL;
}

/* --- XHTTP extra --- */

static bool is_empty(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_null:
		return true;
	case json_type_boolean:
		return !json_object_get_boolean(v);
	case json_type_int:
		return json_object_get_int64(v) == 0;
	case json_type_double:
		return json_object_get_double(v) == 0;
	case json_type_string:
		return json_object_get_string_len(v) == 0;
	case json_type_array:
		return json_object_array_length(v) == 0;
	case json_type_object:
		return json_object_object_length(v) == 0;
	}
	return true;
}

/* What a client needs to know of xhttpSettings, in the order of the keys as the server sorts them. */
static const struct extra_field {
	const char *key, *alias; /* alias: the older or newer name of the same thing */
	const char *standard;    /* the core's default, left out */
	bool padding_only;       /* only with xPaddingObfsMode */
	bool server_only;        /* the panel page leaves it out */
} extra_fields[] = {
	{ "downloadSettings",     NULL,                 NULL,      false, true  },
	{ "headers",              NULL,                 NULL,      false, false },
	{ "mode",                 NULL,                 NULL,      false, false },
	{ "noGRPCHeader",         NULL,                 NULL,      false, true  },
	{ "scMaxEachPostBytes",   NULL,                 "1000000", false, false },
	{ "scMinPostsIntervalMs", NULL,                 "30",      false, true  },
	{ "seqKey",               NULL,                 NULL,      false, false },
	{ "seqPlacement",         NULL,                 NULL,      false, false },
	{ "sessionIDKey",         "sessionKey",         NULL,      false, false },
	{ "sessionIDLength",      NULL,                 NULL,      false, false },
	{ "sessionIDPlacement",   "sessionPlacement",   NULL,      false, false },
	{ "sessionIDTable",       NULL,                 NULL,      false, false },
	{ "sessionKey",           "sessionIDKey",       NULL,      false, false },
	{ "sessionPlacement",     "sessionIDPlacement", NULL,      false, false },
	{ "uplinkChunkSize",      NULL,                 NULL,      false, true  },
	{ "uplinkDataKey",        NULL,                 NULL,      false, false },
	{ "uplinkDataPlacement",  NULL,                 NULL,      false, false },
	{ "uplinkHTTPMethod",     NULL,                 NULL,      false, false },
	{ "xPaddingBytes",        NULL,                 NULL,      false, false },
	{ "xPaddingHeader",       NULL,                 NULL,      true,  false },
	{ "xPaddingKey",          NULL,                 NULL,      true,  false },
	{ "xPaddingMethod",       NULL,                 NULL,      true,  false },
	{ "xPaddingObfsMode",     NULL,                 NULL,      true,  false },
	{ "xPaddingPlacement",    NULL,                 NULL,      true,  false },
	{ "xmux",                 NULL,                 NULL,      false, true  },
};

/* headers without Host, which travels as a key of its own; the caller owns the result */
static struct json_object *headers_without_host(struct json_object *headers)
{
	struct json_object *out = json_object_new_object();

	json_object_object_foreach(headers, key, value)
		if (!str_is_nocase(str_of(key), "host"))
			json_object_object_add(out, key, json_object_get(value));
	return out;
}

static struct json_object *extra_value(struct json_object *settings, const struct extra_field *f)
{
	struct json_object *v = json_at(settings, f->key);

	if (is_empty(v) && f->alias)
		v = json_at(settings, f->alias);
	if (is_empty(v) || (f->standard && str_is(json_str_at(settings, f->key), f->standard)))
		return NULL;
	if (json_object_is_type(v, json_type_object) && strcmp(f->key, "headers") == 0)
		return headers_without_host(v);
	return json_object_get(v);
}

static struct str extra_of(struct arena *a, struct json_object *settings, bool page)
{
	struct json_object *out = json_object_new_object();
	bool padding = json_bool_at(settings, "xPaddingObfsMode", false);
	struct str text = { 0 };

	for (size_t i = 0; i < countof(extra_fields); i++) {
		const struct extra_field *f = &extra_fields[i];
		struct json_object *v;

		if ((f->padding_only && !padding) || (f->server_only && page))
			continue;
		v = extra_value(settings, f);
		if (is_empty(v))
			json_object_put(v);
		else
			json_object_object_add(out, f->key, v);
	}
	if (!is_empty(out))
		text = json_text(a, out);
	json_object_put(out);
	return text;
}

/* --- finalmask --- */

static bool is_known_mask(struct str type, bool udp)
{
	static const char *const udp_types[] = {
		"salamander", "mkcp-legacy", "xdns", "xicmp", "noise", "header-custom", "realm",
	};
	static const char *const tcp_types[] = { "header-custom", "fragment", "sudoku", "xmc" };
	const char *const *types = udp ? udp_types : tcp_types;
	size_t count = udp ? countof(udp_types) : countof(tcp_types);

	for (size_t i = 0; i < count; i++)
		if (str_is(type, types[i]))
			return true;
	return false;
}

/* The masks a client may know, each reduced to type and settings, and those only when there are any. */
static struct json_object *known_masks(struct json_object *list, bool udp)
{
	struct json_object *out = json_object_new_array();

	for (size_t i = 0; i < json_len(list) && i < LINK_LIST_MAX; i++) {
		struct json_object *from = json_object_array_get_idx(list, i), *settings = json_at(from, "settings"), *mask;

		if (!is_known_mask(json_str_at(from, "type"), udp))
			continue;
		mask = json_object_new_object();
		json_object_object_add(mask, "type", json_object_get(json_at(from, "type")));
		if (!is_empty(settings))
			json_object_object_add(mask, "settings", json_object_get(settings));
		json_object_array_add(out, mask);
	}
	return out;
}

static void add_unless_empty(struct json_object *to, const char *key, struct json_object *v)
{
	if (is_empty(v))
		json_object_put(v);
	else
		json_object_object_add(to, key, v);
}

static struct str finalmask_of(struct arena *a, struct json_object *mask)
{
	struct json_object *out = json_object_new_object();
	struct str text = { 0 };

	add_unless_empty(out, "quicParams", json_object_get(json_at(mask, "quicParams")));
	add_unless_empty(out, "tcp", known_masks(json_array_at(mask, "tcp"), false));
	add_unless_empty(out, "udp", known_masks(json_array_at(mask, "udp"), true));
	if (!is_empty(out))
		text = json_text(a, out);
	json_object_put(out);
	return text;
}

/* The page writes its whole model, in which both lists always exist. */
static struct str finalmask_page_of(struct arena *a, struct json_object *mask)
{
	struct json_object *out;
	struct str text;

	if (is_empty(json_at(mask, "tcp")) && is_empty(json_at(mask, "udp")) && is_empty(json_at(mask, "quicParams")))
		return str_n("", 0);
	out = json_object_new_object();
	json_object_object_foreach(mask, key, value)
		json_object_object_add(out, key, json_object_get(value));
	if (!json_array_at(mask, "tcp"))
		json_object_object_add(out, "tcp", json_object_new_array());
	if (!json_array_at(mask, "udp"))
		json_object_object_add(out, "udp", json_object_new_array());
	text = json_text(a, out);
	json_object_put(out);
	return text;
}

static void read_udp_masks(struct link_inbound *in, struct arena *a, struct json_object *list)
{
	for (size_t i = 0; i < json_len(list) && i < LINK_LIST_MAX; i++) {
		struct json_object *mask = json_object_array_get_idx(list, i);
		struct str type = json_str_at(mask, "type");
		struct str header = text_at(a, mask, "settings.header");

		if (str_is(type, "salamander") && !in->obfs_password.len)
			in->obfs_password = text_at(a, mask, "settings.password");
		if (!str_is(type, "mkcp-legacy"))
			continue;
		/* v3 keeps mKCP's disguise here; the classic fields, read before, win */
		if (header.len && !in->header_type.len)
			in->header_type = str_is(header, "wechat") ? STR("wechat-video") : header;
		if (!header.len && !in->seed.len)
			in->seed = text_at(a, mask, "settings.value");
	}
}

/* --- transport --- */

static void read_tcp(struct link_inbound *in, struct arena *a, struct json_object *s)
{
	in->header_type = text_at(a, s, "header.type");
	if (!str_is(in->header_type, "http"))
		return;
	in->path = first_at(a, s, "header.request.path");
	in->path_all = joined_at(a, s, "header.request.path");
	in->host_v2 = header_at(a, s, "header.request.headers", "host");
	in->host = or_else(header_at(a, s, "header.response.headers", "host"), in->host_v2);
}

static void read_http_like(struct link_inbound *in, struct arena *a, struct json_object *s)
{
	in->path = in->path_all = text_at(a, s, "path");
	in->host = in->host_v2 = or_else(text_at(a, s, "host"), header_at(a, s, "headers", "host"));
}

static void read_xhttp(struct link_inbound *in, struct arena *a, struct json_object *s)
{
	read_http_like(in, a, s);
	in->mode = text_at(a, s, "mode");
	in->padding = text_at(a, s, "xPaddingBytes");
	in->extra = extra_of(a, s, false);
	in->extra_page = extra_of(a, s, true);
}

static void read_grpc(struct link_inbound *in, struct arena *a, struct json_object *s)
{
	in->service_name = text_at(a, s, "serviceName");
	in->authority = text_at(a, s, "authority");
	in->multi_mode = json_bool_at(s, "multiMode", false);
}

static void read_kcp(struct link_inbound *in, struct arena *a, struct json_object *s)
{
	in->header_type = text_at(a, s, "header.type");
	in->seed = text_at(a, s, "seed");
	in->mtu = json_i64_at(s, "mtu", 0);
	in->tti = json_i64_at(s, "tti", 0);
}

static const struct transport {
	const char *stored, *network, *settings; /* name in the panel, today's name, where its settings are */
	void (*read)(struct link_inbound *in, struct arena *a, struct json_object *settings);
} transports[] = {
	{ "tcp",         "tcp",         "tcpSettings",         read_tcp },
	{ "raw",         "tcp",         "rawSettings",         read_tcp },
	{ "ws",          "ws",          "wsSettings",          read_http_like },
	{ "httpupgrade", "httpupgrade", "httpupgradeSettings", read_http_like },
	{ "xhttp",       "xhttp",       "xhttpSettings",       read_xhttp },
	{ "splithttp",   "xhttp",       "splithttpSettings",   read_xhttp },
	{ "grpc",        "grpc",        "grpcSettings",        read_grpc },
	{ "kcp",         "kcp",         "kcpSettings",         read_kcp },
	{ "mkcp",        "kcp",         "kcpSettings",         read_kcp },
};

static void read_transport(struct link_inbound *in, struct arena *a, struct json_object *stream)
{
	in->network = or_else(text_at(a, stream, "network"), STR("tcp"));
	for (size_t i = 0; i < countof(transports); i++) {
		const struct transport *t = &transports[i];
		struct json_object *settings;

		if (!str_is(in->network, t->stored))
			continue;
		settings = json_at(stream, t->settings);
		if (!settings && strcmp(t->stored, "raw") == 0)
			settings = json_at(stream, "tcpSettings");
		in->network = str_of(t->network);
		t->read(in, a, settings);
		return;
	}
}

/* --- security --- */

static void read_tls(struct link_tls *t, struct arena *a, struct json_object *s)
{
	*t = (struct link_tls){
		.sni = text_at(a, s, "serverName"),
		.alpn = joined_at(a, s, "alpn"),
		.fp = text_at(a, s, "settings.fingerprint"),
		.ech = text_at(a, s, "settings.echConfigList"),
		.pcs = joined_at(a, s, "settings.pinnedPeerCertSha256"),
		.vcn = str_trim(text_at(a, s, "settings.verifyPeerCertByName")),
		.allow_insecure = json_bool_at(s, "settings.allowInsecure", false),
		.allow_insecure_stored = json_at(s, "settings.allowInsecure") != NULL,
	};
}

/* Without the panel's own sub-object (made by hand, or by another panel) the public key is derived. */
static struct str reality_public_key(struct arena *a, struct json_object *s)
{
	struct str stored = text_at(a, s, "settings.publicKey");
	struct buf b;

	if (stored.len)
		return stored;
	buf_init(&b, 64);
	if (link_public_key(&b, json_str_at(s, "privateKey"), true) == OK)
		stored = keep(a, buf_str(&b));
	buf_release(&b);
	return stored;
}

/* "host:port" without the port; 2.x calls the field dest, and it may be a bare port */
static struct str target_host(struct arena *a, struct json_object *s)
{
	struct str target = or_else(text_at(a, s, "target"), text_at(a, s, "dest"));
	size_t colon = target.len;

	while (colon && target.at[colon - 1] != ':')
		colon--;
	return str_n(target.at, colon ? colon - 1 : 0);
}

static void read_reality(struct link_reality *r, struct arena *a, struct json_object *s)
{
	struct str listed = first_at(a, s, "serverNames"), own = text_at(a, s, "settings.serverName");
	struct str target = target_host(a, s);

	*r = (struct link_reality){
		.sni = or_else(listed, or_else(own, target)),
		.page_sni = or_else(own, or_else(listed, target)),
		.pbk = reality_public_key(a, s),
		.sid = first_at(a, s, "shortIds"),
		.fp = or_else(text_at(a, s, "settings.fingerprint"), STR("chrome")),
		.spider_x = text_at(a, s, "settings.spiderX"),
		.pqv = text_at(a, s, "settings.mldsa65Verify"),
	};
}

/* --- endpoints --- */

static void read_endpoint(struct link_endpoint *e, struct arena *a, struct json_object *row, bool host)
{
	*e = (struct link_endpoint){
		.is_host = host,
		.remark = remark_at(a, row, "remark"),
		.address = text_at(a, row, host ? "address" : "dest"),
		.security = text_at(a, row, host ? "security" : "forceTls"),
		.port = json_i64_at(row, "port", 0),
		.sni = text_at(a, row, "sni"),
		.fp = text_at(a, row, "fingerprint"),
		.alpn = joined_at(a, row, "alpn"),
		.pcs = joined_at(a, row, "pinnedPeerCertSha256"),
		.vcn = str_trim(text_at(a, row, "verifyPeerCertByName")),
		.ech = text_at(a, row, "echConfigList"),
		.allow_insecure = json_bool_at(row, "allowInsecure", false),
	};
	if (!host)
		return;
	e->host_header = text_at(a, row, "hostHeader");
	e->path = text_at(a, row, "path");
	e->vless_route = text_at(a, row, "vlessRoute");
	e->keep_sni_blank = json_bool_at(row, "keepSniBlank", false);
	e->sni_from_address = json_bool_at(row, "overrideSniFromAddress", false);
}

/* isHidden is kept by 3.4.0 to 3.6.0 and looked at by none of them: their links show such a host, and so do ours. */
static bool is_host_shown(struct json_object *row)
{
	struct json_object *excluded = json_array_at(row, "excludeFromSubTypes");

	if (json_bool_at(row, "isDisabled", false) || !json_bool_at(row, "enable", true))
		return false;
	for (size_t i = 0; i < json_len(excluded); i++)
		if (str_is(element(excluded, i), "raw"))
			return false;
	return true;
}

static size_t read_endpoints(struct link_endpoint **out, struct arena *a, struct json_object *list, bool hosts)
{
	size_t n = 0, all = json_len(list);

	*out = arena_array(a, struct link_endpoint, all < LINK_ENDPOINTS_MAX ? all : LINK_ENDPOINTS_MAX);
	for (size_t i = 0; i < all && n < LINK_ENDPOINTS_MAX; i++) {
		struct json_object *row = json_object_array_get_idx(list, i), *mask;

		if (!json_object_is_type(row, json_type_object) || (hosts && !is_host_shown(row)))
			continue;
		read_endpoint(&(*out)[n], a, row, hosts);
		mask = hosts ? object_at(row, "finalMask") : NULL;
		if (mask)
			(*out)[n].finalmask = finalmask_of(a, mask);
		json_object_put(mask);
		n++;
	}
	return n;
}

enum err link_hosts_read(struct link_inbound *in, struct arena *a, struct str json)
{
	struct json_object *root, *list;

	if (json_parse(&root, json))
		return E_INVALID;
	list = json_object_is_type(root, json_type_array) ? root : json_array_at(root, "obj");
	if (list)
		in->hosts_count = read_endpoints(&in->hosts, a, list, true);
	json_object_put(root);
	return list ? OK : E_INVALID;
}

/* --- the inbound --- */

static void read_stream(struct link_inbound *in, struct arena *a, struct json_object *stream)
{
	struct json_object *mask = json_at(stream, "finalmask");

	read_transport(in, a, stream);
	in->security = text_at(a, stream, "security");
	if (str_is(in->security, "tls"))
		read_tls(&in->tls, a, json_at(stream, "tlsSettings"));
	else if (str_is(in->security, "reality"))
		read_reality(&in->reality, a, json_at(stream, "realitySettings"));
	else
		in->security = STR("none");
	in->hysteria_version = json_i64_at(stream, "hysteriaSettings.version", 2);
	if (json_object_is_type(mask, json_type_object)) {
		in->finalmask = finalmask_of(a, mask);
		in->finalmask_page = finalmask_page_of(a, mask);
		read_udp_masks(in, a, json_array_at(mask, "udp"));
		in->hop_ports = str_trim(text_at(a, mask, "quicParams.udpHop.ports"));
	}
	in->proxies_count = read_endpoints(&in->proxies, a, json_array_at(stream, "externalProxy"), false);
}

static void read_settings(struct link_inbound *in, struct arena *a, struct json_object *settings)
{
	struct json_object *fallbacks = json_array_at(settings, "fallbacks");

	in->encryption = or_else(text_at(a, settings, "encryption"), STR("none"));
	in->decryption = text_at(a, settings, "decryption");
	in->disable_flow |= json_bool_at(settings, "disableFlow", false);
	in->method = text_at(a, settings, "method");
	in->password = text_at(a, settings, "password");
	in->hysteria_version = json_i64_at(settings, "version", in->hysteria_version);
	in->secret_key = text_at(a, settings, "secretKey");
	in->dns = text_at(a, settings, "dns");
	in->wireguard_mtu = json_i64_at(settings, "mtu", 0);
	for (size_t i = 0; i < json_len(fallbacks) && in->fallbacks_count < LINK_FALLBACKS_MAX; i++)
		in->fallbacks[in->fallbacks_count++] = text_at(a, json_object_array_get_idx(fallbacks, i), "dest");
}

enum err link_inbound_read(struct link_inbound *out, struct arena *a, struct str json)
{
	struct json_object *root, *settings, *stream;

	*out = (struct link_inbound){ 0 };
	if (json_parse(&root, json))
		return E_INVALID;
	if (!json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		return E_INVALID;
	}
	out->protocol = text_at(a, root, "protocol");
	out->remark = remark_at(a, root, "remark");
	out->listen = text_at(a, root, "listen");
	out->port = json_i64_at(root, "port", 0);
	out->share_strategy = text_at(a, root, "shareAddrStrategy");
	out->share_addr = text_at(a, root, "shareAddr");
	out->disable_flow = json_bool_at(root, "disableFlow", false);
	stream = object_at(root, "streamSettings");
	settings = object_at(root, "settings");
	read_stream(out, a, stream);
	read_settings(out, a, settings);
	json_object_put(stream);
	json_object_put(settings);
	json_object_put(root);
	return OK;
}

enum err link_client_read(struct link_client *out, struct arena *a, struct str json)
{
	struct json_object *o;

	*out = (struct link_client){ 0 };
	if (json_parse(&o, json))
		return E_INVALID;
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return E_INVALID;
	}
	*out = (struct link_client){
		.id = text_at(a, o, "id"),
		.password = text_at(a, o, "password"),
		.auth = text_at(a, o, "auth"),
		.secret = text_at(a, o, "secret"),
		.flow = text_at(a, o, "flow"),
		.cipher = text_at(a, o, "security"),
		.email = remark_at(a, o, "email"),
		.sub_id = text_at(a, o, "subId"),
		.private_key = text_at(a, o, "privateKey"),
		.allowed_ips = joined_at(a, o, "allowedIPs"),
		.pre_shared_key = or_else(text_at(a, o, "preSharedKey"), text_at(a, o, "psk")),
		.keep_alive_s = json_i64_at(o, "keepAlive", 0),
	};
	json_object_put(o);
	return OK;
}

bool link_inbound_is_behind(const struct link_inbound *child, const struct link_inbound *master)
{
	for (size_t i = 0; i < master->fallbacks_count; i++)
		if (child->listen.len && str_eq(master->fallbacks[i], child->listen))
			return true;
	return false;
}

void link_inbound_put_behind(struct link_inbound *child, const struct link_inbound *master)
{
	child->listen = master->listen;
	child->port = master->port;
	child->security = master->security;
	child->tls = master->tls;
	child->reality = master->reality;
	child->proxies = master->proxies;
	child->proxies_count = master->proxies_count;
}
