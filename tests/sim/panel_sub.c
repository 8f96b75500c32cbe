/* The subscription listener of 2.x and 3.0.x (reference §8), and its share links. /json/ and /clash/ are not modelled. */
#include "tests/sim/panel_ab.h"

#define SPIDER_CHARS 15
#define PAIRS_MAX 24

/* --- a link's query: sorted by key, escaped as Go's url.Values does --- */

struct pairs {
	struct { const char *key; struct str value; } at[PAIRS_MAX];
	size_t n;
	struct arena *arena;
};

static void pair_put(struct pairs *p, const char *key, struct str value)
{
	size_t i = p->n;

	assert(p->n < PAIRS_MAX);
	while (i > 0 && strcmp(p->at[i - 1].key, key) > 0) {
		p->at[i] = p->at[i - 1];
		i--;
	}
	p->at[i].key = key;
	p->at[i].value = value;
	p->n++;
}

static void pairs_write(struct buf *to, const struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct str rest = p->at[i].value;

		buf_addc(to, i ? '&' : '?');
		buf_adds(to, p->at[i].key);
		buf_addc(to, '=');
		while (rest.at) {
			enc_percent(to, str_cut(&rest, ' '), "");
			if (rest.at)
				buf_addc(to, '+');
		}
	}
}

static struct str joined(struct arena *a, struct json_object *list)
{
	struct buf b;
	struct str out;

	buf_init(&b, 4096);
	for (size_t i = 0; i < json_len(list); i++) {
		if (i)
			buf_addc(&b, ',');
		buf_adds(&b, json_object_get_string(json_object_array_get_idx(list, i)));
	}
	out = str_of(str_dup(a, buf_str(&b)));
	buf_release(&b);
	return out;
}

static struct str drawn(struct json_object *list)
{
	size_t n = json_len(list);

	return n ? str_of(json_object_get_string(json_object_array_get_idx(list, rand_below(n)))) : STR("");
}

static const char *spider(struct arena *a)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *s = arena_printf(a, "/%0*d", SPIDER_CHARS, 0);

	for (size_t i = 1; s[i]; i++)
		s[i] = letters[rand_below(sizeof letters - 1)];
	return s;
}

static struct str host_of(struct json_object *settings)
{
	struct str host = json_str_at(settings, "host");

	return host.len ? host : json_str_at(settings, "headers.Host");
}

static void put_network(struct pairs *p, struct json_object *stream, struct str network)
{
	struct json_object *o, *request;

	pair_put(p, "type", network);
	if (str_is(network, "tcp") && str_is(json_str_at(stream, "tcpSettings.header.type"), "http")) {
		request = json_at(stream, "tcpSettings.header.request");
		pair_put(p, "headerType", STR("http"));
		pair_put(p, "path", str_of(json_object_get_string(json_object_array_get_idx(json_array_at(request, "path"), 0))));
		pair_put(p, "host", drawn(json_array_at(request, "headers.Host")));
	} else if (str_is(network, "kcp")) {
		o = json_at(stream, "kcpSettings");
		pair_put(p, "headerType", json_str_at(o, "header.type"));
		pair_put(p, "seed", json_str_at(o, "seed"));
	} else if (str_is(network, "grpc")) {
		o = json_at(stream, "grpcSettings");
		pair_put(p, "serviceName", json_str_at(o, "serviceName"));
		pair_put(p, "authority", json_str_at(o, "authority"));
		if (json_bool_at(o, "multiMode", false))
			pair_put(p, "mode", STR("multi"));
	} else if (str_is(network, "ws") || str_is(network, "httpupgrade") || str_is(network, "xhttp")) {
		o = json_at(stream, arena_printf(p->arena, "%.*sSettings", STR_ARG(network)));
		pair_put(p, "path", json_str_at(o, "path"));
		pair_put(p, "host", host_of(o));
		if (str_is(network, "xhttp"))
			pair_put(p, "mode", json_str_at(o, "mode"));
	}
}

static void put_present(struct pairs *p, const char *key, struct json_object *o, const char *path)
{
	if (json_at(o, path))
		pair_put(p, key, json_str_at(o, path));
}

static void put_security(struct pairs *p, struct json_object *stream, struct str flow)
{
	struct str security = json_str_at(stream, "security");
	struct json_object *o;

	if (str_is(security, "tls")) {
		o = json_at(stream, "tlsSettings");
		pair_put(p, "security", security);
		if (json_len(json_array_at(o, "alpn")))
			pair_put(p, "alpn", joined(p->arena, json_array_at(o, "alpn")));
		put_present(p, "sni", o, "serverName");
		put_present(p, "fp", o, "settings.fingerprint");
		if (json_bool_at(o, "settings.allowInsecure", false))
			pair_put(p, "allowInsecure", STR("1"));
	} else if (str_is(security, "reality")) {
		o = json_at(stream, "realitySettings");
		pair_put(p, "security", security);
		pair_put(p, "sni", drawn(json_array_at(o, "serverNames")));
		pair_put(p, "pbk", json_str_at(o, "settings.publicKey"));
		pair_put(p, "sid", drawn(json_array_at(o, "shortIds")));
		put_present(p, "fp", o, "settings.fingerprint");
		pair_put(p, "spx", str_of(spider(p->arena)));
	} else {
		pair_put(p, "security", STR("none"));
		return;
	}
	if (flow.len && str_is(json_str_at(stream, "network"), "tcp"))
		pair_put(p, "flow", flow);
}

/* --- remarks --- */

static void add_volume(struct buf *to, int64_t bytes)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB", "PB" };
	double size = (double)bytes;
	size_t i = 0;

	while (size >= 1024 && i + 1 < countof(units)) {
		size /= 1024;
		i++;
	}
	buf_printf(to, "%.2f%s", size, units[i]);
}

static void add_time(struct buf *to, int64_t seconds)
{
	long long days = seconds / 86400, hours = seconds % 86400 / 3600, minutes = seconds % 3600 / 60;

	if (days > 0 && hours > 0)
		buf_printf(to, "%lldD,%lldH", days, hours);
	else if (days > 0)
		buf_printf(to, "%lldD", days);
	else if (hours > 0)
		buf_printf(to, "%lldH", hours);
	else
		buf_printf(to, "%lldM", minutes);
	buf_adds(to, "⏳");
}

/* remarkModel "-ieo": the separator, then which of inbound remark, e-mail and extra stand in which order. */
static void add_remark(struct buf *to, struct panel_sim *sim, const struct ab_client *cl, struct str extra)
{
	struct str model = panel_setting_text(sim, "remarkModel");
	struct panel_traffic *row = panel_traffic_find(sim, cl->fields.email);
	struct str parts[] = { str_of(cl->in->remark), cl->fields.email, extra };
	bool info = panel_setting_bool(sim, "subShowInfo") && row, first = true;
	char separator = model.len ? *model.at : '-';
	int64_t left = row ? row->total - row->up - row->down : 0, expiry_s = row ? row->expiry_ms / SECOND_MS : 0;

	if (info && !row->enable) {
		buf_adds(to, "⛔️N/A");
		first = false;
	}
	for (size_t i = 1; i < model.len; i++) {
		struct str part = model.at[i] == 'i' ? parts[0] : model.at[i] == 'e' ? parts[1] : model.at[i] == 'o' ? parts[2] : STR("");

		if (!part.len)
			continue;
		if (!first)
			buf_addc(to, separator);
		buf_add(to, part);
		first = false;
	}
	if (!info || !row->enable)
		return;
	if (left > 0) {
		buf_addc(to, separator);
		add_volume(to, left);
		buf_adds(to, "📊");
	}
	if (expiry_s) {
		buf_addc(to, separator);
		add_time(to, expiry_s > 0 ? expiry_s - sim->now_ms / SECOND_MS : -expiry_s);
	}
}

/* --- links --- */

struct spot {
	struct str host;
	int64_t port;
	struct str extra; /* remark of an external proxy */
};

static void add_fragment(struct buf *to, struct panel_sim *sim, const struct ab_client *cl, struct str extra)
{
	struct buf remark;

	buf_init(&remark, 4096);
	add_remark(&remark, sim, cl, extra);
	buf_addc(to, '#');
	enc_percent(to, buf_str(&remark), "$&+,/:;=?@!()*");
	buf_release(&remark);
}

static void add_vmess(struct buf *to, struct panel_sim *sim, const struct ab_client *cl, struct json_object *stream, const struct spot *at)
{
	struct str network = json_str_at(stream, "network"), security = json_str_at(stream, "security");
	struct json_object *net = json_at(stream, arena_printf(&sim->scratch, "%.*sSettings", STR_ARG(network)));
	struct buf json, remark;
	struct json_out j;

	buf_init(&remark, 4096);
	add_remark(&remark, sim, cl, at->extra);
	buf_init(&json, 65536);
	json_out_init(&j, &json);
	json_open(&j, '{');
	json_put_str(&j, "add", at->host);
	json_put_str(&j, "host", host_of(net));
	json_put_str(&j, "id", cl->fields.id);
	json_put_str(&j, "net", network);
	json_put_str(&j, "path", json_str_at(net, str_is(network, "grpc") ? "serviceName" : "path"));
	json_put_i64(&j, "port", at->port);
	json_put_str(&j, "ps", buf_str(&remark));
	json_put_str(&j, "scy", cl->fields.security);
	if (str_is(security, "tls"))
		json_put_str(&j, "sni", json_str_at(stream, "tlsSettings.serverName"));
	json_put_str(&j, "tls", security);
	json_put_cstr(&j, "type", "none");
	json_put_cstr(&j, "v", "2");
	json_close(&j, '}');
	buf_adds(to, "vmess://");
	enc_base64(to, json.at, json.len);
	buf_release(&json);
	buf_release(&remark);
}

static void add_user(struct buf *to, const struct ab_client *cl, struct json_object *settings)
{
	struct str method = json_str_at(settings, "method");
	struct buf b;

	if (!strcmp(cl->in->protocol, "vless")) {
		buf_add(to, cl->fields.id);
		return;
	}
	if (!strcmp(cl->in->protocol, "trojan")) {
		buf_add(to, cl->fields.password);
		return;
	}
	buf_init(&b, 4096);
	buf_printf(&b, "%.*s:", STR_ARG(method));
	if (str_starts(method, "2"))
		buf_printf(&b, "%.*s:", STR_ARG(json_str_at(settings, "password")));
	buf_add(&b, cl->fields.password);
	enc_base64(to, b.at, b.len);
	buf_release(&b);
}

static void add_link_at(struct buf *to, struct panel_sim *sim, const struct ab_client *cl, struct json_object *stream, const struct spot *at)
{
	struct json_object *settings = ab_settings(cl->in)->top;
	struct pairs p = { .arena = &sim->scratch };

	if (!strcmp(cl->in->protocol, "vmess")) {
		add_vmess(to, sim, cl, stream, at);
		return;
	}
	put_network(&p, stream, json_str_at(stream, "network"));
	put_security(&p, stream, strcmp(cl->in->protocol, "shadowsocks") ? cl->fields.flow : STR(""));
	if (!strcmp(cl->in->protocol, "vless"))
		put_present(&p, "encryption", settings, "encryption");
	buf_printf(to, "%s://", strcmp(cl->in->protocol, "shadowsocks") ? cl->in->protocol : "ss");
	add_user(to, cl, settings);
	buf_printf(to, "@%.*s:%lld", STR_ARG(at->host), (long long)at->port);
	pairs_write(to, &p);
	add_fragment(to, sim, cl, at->extra);
}

static bool has_links(const struct panel_inbound *in)
{
	static const char *const protocols[] = { "vmess", "vless", "trojan", "shadowsocks" };

	for (size_t i = 0; i < countof(protocols); i++)
		if (!strcmp(in->protocol, protocols[i]))
			return true;
	return false;
}

/* One link, or one for each external proxy; each ends in a newline. */
static void add_links(struct buf *to, struct panel_sim *sim, const struct ab_client *cl, struct str host)
{
	struct json_object *stream = NULL, *proxies;
	struct spot at = { .host = host, .port = cl->in->port };

	json_parse(&stream, str_of(cl->in->stream));
	proxies = json_array_at(stream, "externalProxy");
	for (size_t i = 0; i < json_len(proxies); i++) {
		struct json_object *o = json_object_array_get_idx(proxies, i);

		at = (struct spot){ json_str_at(o, "dest"), json_i64_at(o, "port", 0), json_str_at(o, "remark") };
		add_link_at(to, sim, cl, stream, &at);
		buf_addc(to, '\n');
	}
	if (!json_len(proxies)) {
		add_link_at(to, sim, cl, stream, &at);
		buf_addc(to, '\n');
	}
	json_object_put(stream);
	arena_clear(&sim->scratch);
}

/* --- a subscription --- */

struct usage {
	int64_t up, down, total, expiry_ms;
	bool any;
};

static void add_usage(struct usage *u, const struct panel_traffic *row)
{
	if (!u->any) {
		*u = (struct usage){ row->up, row->down, row->total, row->expiry_ms, true };
		return;
	}
	u->up += row->up;
	u->down += row->down;
	u->total = u->total && row->total ? u->total + row->total : 0;
	if (u->expiry_ms != row->expiry_ms)
		u->expiry_ms = 0;
}

static struct str first_of(struct panel_call *c, const char *const *headers)
{
	for (; *headers; headers++) {
		struct str h = panel_header(c->request, *headers);

		if (h.len)
			return h;
	}
	return STR("");
}

static struct str link_host(struct panel_call *c)
{
	struct str host = first_of(c, (const char *const[]){ "x-forwarded-host", "x-real-ip", "host", NULL });

	return str_cut(&host, ':');
}

static void put_headers(struct panel_call *c, const struct usage *u, struct str path)
{
	struct panel_sim *sim = c->sim;
	struct str title = panel_setting_text(sim, "subTitle");
	struct str host = first_of(c, (const char *const[]){ "x-forwarded-host", "host", NULL });
	struct str proto = panel_header(c->request, "x-forwarded-proto");
	struct buf b;

	panel_add_header(c, "Subscription-Userinfo", arena_printf(c->arena, "upload=%lld; download=%lld; total=%lld; expire=%lld",
		(long long)u->up, (long long)u->down, (long long)u->total, (long long)(u->expiry_ms > 0 ? u->expiry_ms / SECOND_MS : 0)));
	panel_add_header(c, "Profile-Update-Interval", arena_printf(c->arena, "%lld", (long long)panel_setting_number(sim, "subUpdates")));
	if (title.len || sim->version < VERSION(2, 8, 6)) {
		buf_init(&b, 4096);
		enc_base64(&b, title.at, title.len);
		panel_add_header(c, "Profile-Title", arena_printf(c->arena, "base64:%s", buf_cstr(&b)));
		buf_release(&b);
	}
	if (sim->version < VERSION(2, 8, 6))
		return;
	panel_add_header(c, "Profile-Web-Page-Url", arena_printf(c->arena, "%.*s://%.*s%.*s",
		STR_ARG(proto.len ? proto : STR("http")), STR_ARG(host), STR_ARG(path)));
	panel_add_header(c, "Routing-Enable", panel_setting_bool(sim, "subEnableRouting") ? "true" : "false");
}

static void answer_page(struct panel_call *c)
{
	if (c->sim->version >= VERSION(3, 0, 0))
		panel_add_header(c, "Cache-Control", "no-cache, no-store, must-revalidate");
	panel_answer_bytes(c, 200, "text/html; charset=utf-8", STR("<!doctype html>\n<html lang=\"en\">\n<head><title>Subscription</title></head>\n<body></body>\n</html>\n"));
}

static bool wants_page(struct panel_call *c)
{
	return str_has(panel_header(c->request, "accept"), "text/html") || str_is(panel_query(c, "html"), "1") ||
	       str_is_nocase(panel_query(c, "view"), "html");
}

static void answer_links(struct panel_call *c, struct str sub_id)
{
	struct panel_sim *sim = c->sim;
	bool only_enabled = sim->version < VERSION(2, 9, 4);
	struct usage usage = { 0 };
	struct buf links, out;

	buf_init(&links, SIZE_MAX);
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		for (struct ab_client *cl = in->enable && has_links(in) ? ab_settings(in)->first : NULL; cl; cl = cl->next) {
			struct panel_traffic *row;

			if (!str_eq(cl->fields.sub_id, sub_id) || (only_enabled && !cl->fields.enable))
				continue;
			row = panel_traffic_find(sim, cl->fields.email);
			if (row)
				add_usage(&usage, row);
			add_links(&links, sim, cl, link_host(c));
		}
	if (!links.len) {
		panel_answer_bytes(c, 400, "text/plain; charset=utf-8", STR("Error!"));
		buf_release(&links);
		return;
	}
	if (wants_page(c)) {
		answer_page(c);
		buf_release(&links);
		return;
	}
	put_headers(c, &usage, c->path);
	buf_init(&out, SIZE_MAX);
	if (panel_setting_bool(sim, "subEncrypt"))
		enc_base64(&out, links.at, links.len);
	else
		buf_add(&out, buf_str(&links));
	panel_answer_bytes(c, 200, "text/plain; charset=utf-8", str_n(str_dup(c->arena, buf_str(&out)), out.len));
	buf_release(&links);
	buf_release(&out);
}

void ab_subscribe(struct panel_call *c)
{
	struct str prefix = panel_setting_text(c->sim, "subPath"), id = c->path;
	bool ours = c->request->method == HTTP_GET && prefix.len && str_starts(c->path, str_dup(c->arena, prefix));

	id = ours ? str_n(c->path.at + prefix.len, c->path.len - prefix.len) : STR("");
	if (id.len > 1 && str_ends(id, "/") && !memchr(id.at, '/', id.len - 1)) {
		panel_redirect(c, 301, arena_strndup(c->arena, c->path.at, c->path.len - 1));
		return;
	}
	if (!id.len || memchr(id.at, '/', id.len)) {
		panel_answer_bytes(c, 404, "text/plain", c->request->method == HTTP_HEAD ? STR("") : STR("404 page not found"));
		return;
	}
	answer_links(c, id);
}
