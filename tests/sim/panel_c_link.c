/* Share links as the link engine of dialect C writes them: parameters in alphabetical order. */
#include "tests/sim/panel_c.h"

#include <openssl/evp.h>

#define PARAMS_MAX 24
#define TEXT_MAX 4096

struct param {
	const char *key;
	char *value;
};

struct link {
	struct arena arena;
	struct panel_sim *sim;
	const struct c_element *e;
	const struct panel_inbound *in;
	struct c_link_style style;
	struct json_object *stream;
	const struct c_host *at;     /* NULL: the inbound itself */
	struct str security;
	int64_t port;
	const char *host, *remark;
	struct param params[PARAMS_MAX];
	size_t count;
};

static void add(struct link *l, const char *key, struct str value)
{
	if (l->count < PARAMS_MAX)
		l->params[l->count++] = (struct param){ key, str_dup(&l->arena, value) };
}

static void add_if(struct link *l, const char *key, struct str value)
{
	if (value.len)
		add(l, key, value);
}

static struct str at(const struct link *l, const char *path)
{
	return json_str_at(l->stream, path);
}

static char *joined(struct link *l, struct json_object *list)
{
	char *all = arena_strdup(&l->arena, "");

	for (size_t i = 0; i < json_len(list); i++)
		all = arena_printf(&l->arena, "%s%s%s", all, i ? "," : "", json_object_get_string(json_object_array_get_idx(list, i)));
	return all;
}

static struct str drawn(struct json_object *list)
{
	struct json_object *one = json_len(list) ? json_object_array_get_idx(list, rand_below(json_len(list))) : NULL;

	return str_of(one ? json_object_get_string(one) : NULL);
}

/* --- transport --- */

static void transport_host_path(struct link *l, const char *settings)
{
	struct str host = at(l, arena_printf(&l->arena, "%s.host", settings));

	add(l, "path", at(l, arena_printf(&l->arena, "%s.path", settings)));
	add(l, "host", host.len ? host : at(l, arena_printf(&l->arena, "%s.headers.Host", settings)));
}

static void transport_xhttp(struct link *l)
{
	struct str mode = at(l, "xhttpSettings.mode"), padding = at(l, "xhttpSettings.xPaddingBytes");
	struct buf b;
	struct json_out j;

	transport_host_path(l, "xhttpSettings");
	add_if(l, "mode", mode);
	add_if(l, "x_padding_bytes", padding);
	buf_init(&b, TEXT_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	if (mode.len)
		json_put_str(&j, "mode", mode);
	if (padding.len)
		json_put_str(&j, "xPaddingBytes", padding);
	json_close(&j, '}');
	if (b.len > 2)
		add(l, "extra", buf_str(&b));
	buf_release(&b);
}

static void transport_of(struct link *l)
{
	struct str network = at(l, "network");

	add(l, "type", network);
	if (str_is(network, "tcp") && str_is(at(l, "tcpSettings.header.type"), "http")) {
		struct json_object *path = json_array_at(l->stream, "tcpSettings.header.request.path");
		struct json_object *host = json_array_at(l->stream, "tcpSettings.header.request.headers.Host");

		add(l, "headerType", STR("http"));
		add(l, "path", str_of(json_len(path) ? json_object_get_string(json_object_array_get_idx(path, 0)) : "/"));
		add(l, "host", str_of(json_len(host) ? json_object_get_string(json_object_array_get_idx(host, 0)) : ""));
	} else if (str_is(network, "ws")) {
		transport_host_path(l, "wsSettings");
	} else if (str_is(network, "httpupgrade")) {
		transport_host_path(l, "httpupgradeSettings");
	} else if (str_is(network, "xhttp")) {
		transport_xhttp(l);
	} else if (str_is(network, "grpc")) {
		add(l, "serviceName", at(l, "grpcSettings.serviceName"));
		add(l, "authority", at(l, "grpcSettings.authority"));
		if (json_bool_at(l->stream, "grpcSettings.multiMode", false))
			add(l, "mode", STR("multi"));
	} else if (str_is(network, "kcp")) {
		if (!str_is(at(l, "kcpSettings.header.type"), "none"))
			add_if(l, "headerType", at(l, "kcpSettings.header.type"));
		add_if(l, "seed", at(l, "kcpSettings.seed"));
	}
}

static struct str of_host(const struct link *l, const char *key)
{
	return l->at ? json_str_at(l->at->values, key) : STR("");
}

static struct param *param_find(struct link *l, const char *key)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->params[i].key, key))
			return &l->params[i];
	return NULL;
}

/* A host replaces what the transport names, and adds nothing to it. */
static void transport(struct link *l)
{
	static const struct { const char *param, *of_host; } replaced[] = { { "host", "hostHeader" }, { "path", "path" } };

	transport_of(l);
	for (size_t i = 0; i < countof(replaced); i++) {
		struct param *p = param_find(l, replaced[i].param);

		if (p && of_host(l, replaced[i].of_host).len)
			p->value = str_dup(&l->arena, of_host(l, replaced[i].of_host));
	}
}

/* --- security --- */

static void replace(struct link *l, const char *key, struct str value)
{
	struct param *p = param_find(l, key);

	if (!value.len)
		return;
	if (p)
		p->value = str_dup(&l->arena, value);
	else
		add(l, key, value);
}

/* On REALITY only sni and fp; pbk and sid are the inbound's in any case. */
static void security_of_host(struct link *l)
{
	bool is_tls = str_is(l->security, "tls");

	if (!json_bool_at(l->at->values, "keepSniBlank", false))
		replace(l, "sni", json_bool_at(l->at->values, "overrideSniFromAddress", false) ? str_of(l->host) : of_host(l, "sni"));
	else if (param_find(l, "sni"))
		param_find(l, "sni")->value = arena_strdup(&l->arena, "");
	replace(l, "fp", of_host(l, "fingerprint"));
	if (is_tls)
		replace(l, "alpn", str_of(joined(l, json_array_at(l->at->values, "alpn"))));
	if (json_bool_at(l->at->values, "allowInsecure", false) && strcmp(l->in->protocol, "vmess"))
		add(l, "allowInsecure", STR("1"));
}

/* From 3.5 on a client keeps its spx; before, each fetch made a new one. */
static char *spider(struct link *l)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *key = *c_get(&l->e->client, T_SUB_ID) ? c_get(&l->e->client, T_SUB_ID) : c_get(&l->e->client, T_EMAIL);
	struct str seed = at(l, "realitySettings.settings.spiderX");
	char *out = arena_strdup(&l->arena, "/0123456789abcde");
	unsigned char hash[EVP_MAX_MD_SIZE];
	char *text;

	if (l->sim->version < VERSION(3, 5, 0)) {
		for (int i = 1; i <= 15; i++)
			out[i] = letters[rand_below(sizeof(letters) - 1)];
		return out;
	}
	text = arena_printf(&l->arena, "%.*s|%s", STR_ARG(seed), key);
	EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL);
	for (int i = 0; i < 15; i++)
		out[i + 1] = "0123456789abcdef"[i % 2 ? hash[i / 2] & 15 : hash[i / 2] >> 4];
	return out;
}

static void security_of(struct link *l)
{
	struct str kind = l->security;

	if (!str_is(kind, "tls") && !str_is(kind, "reality")) {
		if (strcmp(l->in->protocol, "shadowsocks"))
			add(l, "security", STR("none"));
		return;
	}
	add(l, "security", kind);
	if (str_is(kind, "tls") && !str_is(at(l, "security"), "tls"))
		return; /* forced by a host: nothing of the inbound's fits */
	if (str_is(kind, "tls")) {
		add_if(l, "alpn", str_of(joined(l, json_array_at(l->stream, "tlsSettings.alpn"))));
		add(l, "sni", at(l, "tlsSettings.serverName"));
		if (json_at(l->stream, "tlsSettings.settings.fingerprint"))
			add(l, "fp", at(l, "tlsSettings.settings.fingerprint"));
		return;
	}
	add(l, "sni", drawn(json_array_at(l->stream, "realitySettings.serverNames")));
	add_if(l, "pbk", at(l, "realitySettings.settings.publicKey"));
	add(l, "sid", drawn(json_array_at(l->stream, "realitySettings.shortIds")));
	add_if(l, "fp", at(l, "realitySettings.settings.fingerprint"));
	add_if(l, "pqv", at(l, "realitySettings.settings.mldsa65Verify"));
	add(l, "spx", str_of(spider(l)));
}

static void security(struct link *l)
{
	security_of(l);
	if (l->at && !str_is(l->security, "none"))
		security_of_host(l);
}

/* --- the remark --- */

char *c_size_text(struct arena *a, int64_t bytes)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB", "PB" };
	double d = (double)bytes;
	size_t u = 0;

	while (d >= 1024 && u + 1 < countof(units)) {
		d /= 1024;
		u++;
	}
	return arena_printf(a, "%.2f%s", d, units[u]);
}

static char *old_usage(struct link *l, const struct panel_traffic *row, int64_t total, int64_t expiry)
{
	char *text = arena_strdup(&l->arena, "");
	int64_t left = expiry > 0 ? expiry - l->sim->now_ms : -expiry, used = row ? row->up + row->down : 0;
	int64_t days = left / DAY_MS, hours = left % DAY_MS / HOUR_MS;

	if (total > 0)
		text = arena_printf(&l->arena, "-%s📊", c_size_text(&l->arena, total > used ? total - used : 0));
	if (expiry && days > 0)
		text = arena_printf(&l->arena, hours ? "%s-%lldD,%lldH⏳" : "%s-%lldD⏳", text, (long long)days, (long long)hours);
	else if (expiry && hours > 0)
		text = arena_printf(&l->arena, "%s-%lldH⏳", text, (long long)hours);
	else if (expiry && left > 0)
		text = arena_printf(&l->arena, "%s-%lldM⏳", text, (long long)(left / MINUTE_MS));
	return text;
}

static char *new_usage(struct link *l, const struct panel_traffic *row, int64_t total, int64_t expiry)
{
	char *text = arena_strdup(&l->arena, "");
	int64_t left = expiry - l->sim->now_ms, used = row ? row->up + row->down : 0;

	if (total > 0)
		text = arena_printf(&l->arena, "|📊%s", c_size_text(&l->arena, total > used ? total - used : 0));
	if (expiry > 0)
		text = arena_printf(&l->arena, "%s|⏳%lldD", text, left > 0 ? (long long)(left / DAY_MS) : 0LL);
	return text;
}

static const char *remark_of(struct link *l)
{
	const char *email = c_get(&l->e->client, T_EMAIL);
	const struct panel_traffic *row = panel_traffic_find(l->sim, str_of(email));
	int64_t total = row ? row->total : l->e->client.number[N_TOTAL];
	int64_t expiry = row ? row->expiry_ms : l->e->client.number[N_EXPIRY];
	char *name = arena_printf(&l->arena, *l->in->remark ? "%s-%s" : "%s%s", l->in->remark, email);

	if (l->style.bare)
		return l->in->remark;
	if (!l->style.usage)
		return name;
	if (!c_has(l->sim, C_NEW_LINKS)) {
		if (!l->style.first)
			return name;
		if (row && !row->enable)
			return arena_printf(&l->arena, "⛔️N/A-%s", name);
		return arena_printf(&l->arena, "%s%s", name, old_usage(l, row, total, expiry));
	}
	return l->style.first ? arena_printf(&l->arena, "%s%s", name, new_usage(l, row, total, expiry)) : l->in->remark;
}

/* --- putting it together --- */

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct param *)a)->key, ((const struct param *)b)->key);
}

static void query_escape(struct buf *to, struct str s)
{
	for (; s.len; s = str_n(s.at + 1, s.len - 1)) {
		if (*s.at == ' ')
			buf_addc(to, '+');
		else
			enc_percent(to, str_n(s.at, 1), "");
	}
}

static void finish(struct buf *to, struct link *l, const char *scheme, const char *user)
{
	bool bare_v6 = strchr(l->host, ':') && *l->host != '[';

	buf_printf(to, bare_v6 ? "%s://%s@[%s]:%lld" : "%s://%s@%s:%lld", scheme, user, l->host, (long long)l->port);
	qsort(l->params, l->count, sizeof(*l->params), by_key);
	for (size_t i = 0; i < l->count; i++) {
		buf_printf(to, "%c%s=", i ? '&' : '?', l->params[i].key);
		query_escape(to, str_of(l->params[i].value));
	}
	if (!*l->remark)
		return;
	buf_addc(to, '#');
	enc_percent(to, str_of(l->remark), c_has(l->sim, C_NEW_LINKS) ? "" : "$&+,/:;=?@!()*");
}

static char *percent(struct link *l, const char *s)
{
	struct buf b;
	char *out;

	buf_init(&b, TEXT_MAX);
	enc_percent(&b, str_of(s), "");
	out = arena_strdup(&l->arena, buf_cstr(&b));
	buf_release(&b);
	return out;
}

static void vless(struct buf *to, struct link *l)
{
	struct str encryption = json_str_at(c_body(l->in)->settings, "encryption");
	const char *flow = c_get(&l->e->client, T_FLOW);

	add(l, "encryption", encryption.len ? encryption : STR("none"));
	if (*flow && c_can_flow(l->in))
		add(l, "flow", str_of(flow));
	transport(l);
	security(l);
	finish(to, l, "vless", c_get(&l->e->client, T_ID));
}

static void trojan(struct buf *to, struct link *l)
{
	transport(l);
	security(l);
	finish(to, l, "trojan", percent(l, c_get(&l->e->client, T_PASSWORD)));
}

static char *base64(struct link *l, const char *text, bool url)
{
	struct buf b;
	char *out;

	buf_init(&b, 64 * 1024);
	(url ? enc_base64url : enc_base64)(&b, text, strlen(text));
	out = arena_strdup(&l->arena, buf_cstr(&b));
	buf_release(&b);
	return out;
}

static void shadowsocks(struct buf *to, struct link *l)
{
	struct json_object *settings = c_body(l->in)->settings;
	const char *method = arena_strdup(&l->arena, json_str_at(settings, "method").at);
	const char *server = arena_strdup(&l->arena, json_str_at(settings, "password").at);
	const char *own = c_get(&l->e->client, T_PASSWORD), *user;
	bool new = method && str_starts(str_of(method), "2022");

	method = method ? method : "";
	server = server ? server : "";
	if (new && c_has(l->sim, C_NEW_LINKS))
		user = arena_printf(&l->arena, "%s:%s:%s", method, percent(l, server), percent(l, own));
	else if (new)
		user = base64(l, arena_printf(&l->arena, "%s:%s:%s", method, server, own), false);
	else
		user = base64(l, arena_printf(&l->arena, "%s:%s", method, own), c_has(l->sim, C_NEW_LINKS));
	transport(l);
	if (str_is(l->security, "tls"))
		security(l);
	finish(to, l, "ss", user);
}

static void hysteria(struct buf *to, struct link *l)
{
	security(l);
	finish(to, l, json_i64_at(c_body(l->in)->settings, "version", 2) == 1 ? "hysteria" : "hysteria2",
	       percent(l, c_get(&l->e->client, T_AUTH)));
}

static void wireguard(struct buf *to, struct link *l)
{
	struct json_object *settings = c_body(l->in)->settings;
	char public_key[C_WG_KEY_CHARS + 1];

	add(l, "address", str_of(c_get(&l->e->client, T_ALLOWED_IPS)));
	add(l, "mtu", json_str_at(settings, "mtu"));
	add(l, "publickey", str_of(c_wg_public_key(public_key, json_str_at(settings, "secretKey").at)));
	finish(to, l, "wireguard", percent(l, c_get(&l->e->client, T_PRIVATE_KEY)));
}

/* VMess puts everything into a JSON document, two spaces a step and sorted. */
static void vmess(struct buf *to, struct link *l)
{
	struct str scy = str_of(c_get(&l->e->client, T_SECURITY)), kind = l->security;
	struct json_object *o = json_object_new_object();
	struct buf b;

	transport(l);
	if (str_is(kind, "tls"))
		security(l);
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->params[i].key, "type") && strcmp(l->params[i].key, "security") && strcmp(l->params[i].key, "extra"))
			json_object_object_add(o, l->params[i].key, json_object_new_string(l->params[i].value));
	if (c_has(l->sim, C_NEW_LINKS) && (!scy.len || str_is(scy, "none") || str_is(scy, "zero")))
		scy = STR("auto");
	json_object_object_add(o, "v", json_object_new_string("2"));
	json_object_object_add(o, "ps", json_object_new_string(l->remark));
	json_object_object_add(o, "add", json_object_new_string(l->host));
	json_object_object_add(o, "port", json_object_new_int64(l->port));
	json_object_object_add(o, "id", json_object_new_string(c_get(&l->e->client, T_ID)));
	json_object_object_add(o, "scy", json_object_new_string_len(scy.at, (int)scy.len));
	json_object_object_add(o, "net", json_object_new_string(at(l, "network").len ? at(l, "network").at : "tcp"));
	json_object_object_add(o, "type", json_object_new_string("none"));
	json_object_object_add(o, "tls", json_object_new_string(str_is(kind, "tls") ? "tls" : "none"));
	buf_init(&b, 64 * 1024);
	go_json_write(&b, o, 0);
	buf_adds(to, "vmess://");
	buf_adds(to, base64(l, buf_cstr(&b), false));
	buf_release(&b);
	json_object_put(o);
}

static const struct {
	const char *protocol;
	void (*write)(struct buf *to, struct link *l);
	enum c_trait needs;
	bool conditional;
} writers[] = {
	{ "vless", vless, 0, false },
	{ "vmess", vmess, 0, false },
	{ "trojan", trojan, 0, false },
	{ "shadowsocks", shadowsocks, 0, false },
	{ "hysteria", hysteria, 0, false },
	{ "hysteria2", hysteria, 0, false },
	{ "wireguard", wireguard, C_WIREGUARD, true },
};

static bool loopback(struct str host)
{
	return str_starts(host, "127.") || str_is(host, "::1") || str_is(host, "[::1]") || str_is(host, "localhost");
}

static bool everywhere(const char *listen)
{
	return !*listen || !strcmp(listen, "0.0.0.0") || !strcmp(listen, "::") || !strcmp(listen, "::0");
}

static const char *host_for(const struct link *l)
{
	const struct c_body *b = c_body(l->in);

	if (c_has(l->sim, C_SORT_INDEX) && !strcmp(b->share_strategy, "custom") && *b->share_address)
		return b->share_address;
	if (!everywhere(l->in->listen) && !(c_has(l->sim, C_NEW_LINKS) && loopback(str_of(l->in->listen))))
		return l->in->listen;
	return l->style.host;
}

static struct str security_for(const struct link *l)
{
	struct str own = at(l, "security"), forced = of_host(l, "security");

	if (str_is(forced, "tls") || str_is(forced, "none"))
		return forced;
	return str_is(own, "tls") || str_is(own, "reality") ? own : STR("none");
}

static bool link_at(struct buf *to, struct panel_sim *sim, const struct c_element *e, const struct c_link_style *style, const struct c_host *host)
{
	struct link l = { .sim = sim, .e = e, .in = e->in, .style = *style, .at = host };
	size_t before = to->len;

	(void)json_parse(&l.stream, str_of(e->in->stream));
	l.host = host && *host->address ? host->address : host_for(&l);
	l.port = host && host->port ? host->port : e->in->port;
	l.security = security_for(&l);
	l.remark = remark_of(&l);
	for (size_t i = 0; i < countof(writers); i++)
		if (!strcmp(e->in->protocol, writers[i].protocol) && (!writers[i].conditional || c_has(sim, writers[i].needs)))
			writers[i].write(to, &l);
	json_object_put(l.stream);
	arena_release(&l.arena);
	return to->len > before;
}

bool c_link(struct buf *to, struct panel_sim *sim, const struct c_element *e, const struct c_link_style *style)
{
	const struct c_host *host = c_host_next(sim, e->in->id, NULL);
	struct c_link_style rest = *style;
	bool any = link_at(to, sim, e, style, host);

	rest.first = false;
	while (any && host && (host = c_host_next(sim, e->in->id, host))) {
		buf_addc(to, '\n');
		link_at(to, sim, e, &rest, host);
	}
	return any;
}

const char *c_link_host(struct panel_call *call)
{
	struct str host = panel_header(call->request, "x-forwarded-host"), rest;
	struct str domain = panel_setting_text(call->sim, "subDomain");

	if (c_has(call->sim, C_CHECKS_NAMES) && !domain.len)
		domain = panel_setting_text(call->sim, "webDomain");
	if (c_has(call->sim, C_CHECKS_NAMES) && domain.len)
		return str_dup(call->arena, domain);
	if (!host.len)
		host = panel_header(call->request, "host");
	rest = host;
	if (str_starts(host, "[") && str_has(host, "]"))
		host = str_n(host.at, str_cut(&rest, ']').len + 1);
	else
		host = str_cut(&rest, ':');
	if (!host.len || (c_has(call->sim, C_NEW_LINKS) && loopback(host)))
		return c_has(call->sim, C_NEW_LINKS) ? "localhost" : "127.0.0.1";
	return str_dup(call->arena, host);
}

const char *c_wg_public_key(char out[C_WG_KEY_CHARS + 1], const char *private_key)
{
	unsigned char key[32], public_key[32];
	size_t n = 0, public_bytes = sizeof(public_key);
	struct buf b;
	EVP_PKEY *pair;

	out[0] = '\0';
	if (dec_base64(key, sizeof(key), &n, str_of(private_key)) || n != sizeof(key))
		return out;
	pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, key, sizeof(key));
	if (!pair || EVP_PKEY_get_raw_public_key(pair, public_key, &public_bytes) != 1)
		abort();
	EVP_PKEY_free(pair);
	buf_init(&b, 64);
	enc_base64(&b, public_key, sizeof(public_key));
	memcpy(out, buf_cstr(&b), C_WG_KEY_CHARS + 1);
	buf_release(&b);
	return out;
}
