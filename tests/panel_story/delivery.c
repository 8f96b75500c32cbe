/* What the customer gets: links made by lib/links, held against what the panel's own subscription server says. */
#include "tests/panel_story/story_private.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/enc.h"
#include "lib/links/link_read.h"

#define BODY_MAX ((size_t)1 << 20)
#define SUBSCRIPTION_LINES_MAX 256

/* The host part of a URL; IPv6 keeps its brackets. */
static struct str url_host(struct str url)
{
	const char *scheme = memmem(url.at, url.len, "://", 3);
	struct str rest = scheme ? str_n(scheme + 3, url.len - (size_t)(scheme + 3 - url.at)) : url;
	struct str host = str_cut(&rest, '/');
	const char *end = host.len && host.at[0] == '[' ? memchr(host.at, ']', host.len) : memchr(host.at, ':', host.len);

	if (!end)
		return host;
	return str_n(host.at, (size_t)(end - host.at) + (*end == ']'));
}

/* lib/links reads an inbound as the panel writes it. */
static struct str inbound_json(struct story *s)
{
	const struct xui_inbound *in = &s->inbound;
	struct json_out j;
	struct str out;
	struct buf b;

	buf_init(&b, BODY_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_str(&j, "protocol", in->protocol);
	json_put_str(&j, "remark", in->remark);
	json_put_str(&j, "listen", in->listen);
	json_put_i64(&j, "port", in->port);
	json_put_str(&j, "settings", in->settings);
	json_put_str(&j, "streamSettings", in->stream_settings);
	json_close(&j, '}');
	out = str_n(str_dup(&s->arena, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

/* As the product does it: what only some protocols need, WireGuard's keys, is in the panel's JSON alone. */
static struct link_client link_client_of(struct story *s, const struct xui_client *c)
{
	struct link_client out = { 0 };

	if (c->raw.len && link_client_read(&out, &s->arena, c->raw))
		out = (struct link_client){ 0 };
	out.id = c->uuid;
	out.password = c->password;
	out.auth = c->auth;
	out.flow = c->flow;
	out.email = c->email;
	out.sub_id = c->sub_id;
	return out;
}

static enum err make_links(struct story *s, struct links *out, struct link_inbound *in, const struct link_client *client)
{
	const struct link_ask ask = {
		.style = link_style_of(s->panel.dialect == XUI_A ? 2 : 3), .inbound = in, .client = client,
		.place = { .host = url_host(str_of(s->panel.url)), .seller = str_of(s->config->host) },
	};
	enum err e = link_inbound_read(in, &s->arena, inbound_json(s));

	if (!e && s->hosts.len)
		e = link_hosts_read(in, &s->arena, s->hosts);
	return e ? e : links_make(out, &s->arena, &ask);
}

static struct str credential_of(struct str protocol, const struct link_client *c)
{
	if (str_is(protocol, "vless") || str_is(protocol, "vmess"))
		return c->id;
	if (str_is(protocol, "wireguard"))
		return c->private_key;
	return str_starts(protocol, "hysteria") && c->auth.len ? c->auth : c->password;
}

/* The panel draws these from its lists, or adds them for looks; ours are fixed. */
static bool is_free(const struct link_parts *l, const char *key)
{
	static const char *const drawn[] = { "sni", "sid", "spx" };

	if (!str_is(link_param(l, "security"), "reality"))
		return false;
	for (size_t i = 0; i < countof(drawn); i++)
		if (!strcmp(key, drawn[i]))
			return true;
	return false;
}

/* What is left out is "none" to every reader: encryption, security, headerType; VMess's cipher is then "auto". */
static bool is_same(const char *key, struct str a, struct str b)
{
	const struct str otherwise = strcmp(key, "scy") ? STR("none") : STR("auto");

	return str_eq(a.len ? a : otherwise, b.len ? b : otherwise);
}

/* Every parameter of a stands in b with the same value. */
static void check_params(struct story *s, const struct link_parts *a, const struct link_parts *b, const char *who)
{
	for (size_t i = 0; i < a->params_count; i++) {
		const char *key = str_dup(&s->arena, a->params[i].key);

		/* the name is the panel's taste: it may hold what is left of the quota */
		if (!strcmp(key, "ps") || is_free(a, key))
			continue;
		story_check(s, is_same(key, a->params[i].value, link_param(b, key)),
			    arena_printf(&s->arena, "%s has %s=%.*s, the other %.*s", who, key, STR_ARG(a->params[i].value),
					 STR_ARG(link_param(b, key))));
	}
}

/* 3.3 and later call the own machine localhost, whatever it was asked by. */
static bool is_same_host(struct str a, struct str b)
{
	return str_eq(a, b) || (link_host_reach(a) == LINK_REACH_LOOPBACK && link_host_reach(b) == LINK_REACH_LOOPBACK);
}

static void compare(struct story *s, const struct link_parts *ours, const struct link_parts *theirs)
{
	story_check(s, ours->port == theirs->port, "both links have the same port");
	story_check(s, s->config->host || is_same_host(ours->host, theirs->host), "both links have the same host");
	story_check(s, str_eq(ours->method, theirs->method) && str_eq(ours->server_key, theirs->server_key), "same method, same server key");
	check_params(s, ours, theirs, "our link");
	check_params(s, theirs, ours, "the panel's link");
}

/* The body is a line per link, all of it in base64 unless the panel is told otherwise. */
static struct str subscription_text(struct story *s, struct str body)
{
	char *text = arena_alloc(&s->arena, body.len + 1);
	size_t n = 0;

	body = str_trim(body);
	if (str_has(body, "://") || dec_base64((unsigned char *)text, body.len, &n, body))
		return str_n(str_dup(&s->arena, body), body.len);
	return str_n(text, n);
}

struct lines {
	struct link_parts at[SUBSCRIPTION_LINES_MAX];
	bool matched[SUBSCRIPTION_LINES_MAX];
	size_t count;
};

/* The links of our client; others, of which there should be none, are only counted. */
static size_t read_lines(struct lines *out, struct story *s, struct str text, const struct link_parts *ours)
{
	size_t all = 0;

	while (text.at && out->count < SUBSCRIPTION_LINES_MAX) {
		struct str line = str_trim(str_cut(&text, '\n'));
		struct link_parts *l = &out->at[out->count];

		all += line.len > 0;
		if (line.len && link_read(l, &s->arena, line) == OK && str_eq(l->credential, ours->credential) && !strcmp(l->protocol, ours->protocol))
			out->count++;
	}
	return all;
}

/* The line to the same address, else the first that is left: the comparison says what is wrong with it. SIZE_MAX: none is. */
static size_t match(struct lines *l, const struct link_parts *ours)
{
	size_t found = SIZE_MAX;

	for (size_t i = l->count; i--;)
		if (!l->matched[i])
			found = i;
	for (size_t i = l->count; i--;)
		if (!l->matched[i] && l->at[i].port == ours->port && is_same_host(l->at[i].host, ours->host))
			found = i;
	if (found != SIZE_MAX)
		l->matched[found] = true;
	return found;
}

static void compare_subscription(struct story *s, const struct http_response *answer, const struct link_parts *ours, size_t count)
{
	struct str info = http_header_get(answer, "subscription-userinfo");
	struct lines *theirs = arena_new(&s->arena, struct lines);
	size_t all = read_lines(theirs, s, subscription_text(s, answer->body), &ours[0]), last = 0;
	bool in_order = true;

	story_check(s, theirs->count == count, "the subscription has our client's links, as many as we");
	for (size_t i = 0; i < count; i++) {
		size_t at = match(theirs, &ours[i]);

		if (at == SIZE_MAX)
			break;
		compare(s, &ours[i], &theirs->at[at]);
		in_order = in_order && (!i || at > last);
		last = at;
	}
	story_check(s, str_has(info, arena_printf(&s->arena, "total=%" PRId64, s->wanted.quota_bytes)), "Subscription-Userinfo knows the quota");
	story_check(s, str_has(info, arena_printf(&s->arena, "expire=%" PRId64, s->wanted.expires_ms / SECOND_MS)),
		    "Subscription-Userinfo knows the end");
	story_say(s, "subscription of %zu%s", all, in_order ? "" : " in another order");
}

static void check_subscription(struct story *s, const struct link_parts *ours, size_t count)
{
	struct http_done done;

	if (!s->settings.sub_uri.len) {
		story_say(s, "no subscription address");
		return;
	}
	done = story_get(s, arena_printf(&s->arena, "%.*s%s", STR_ARG(s->settings.sub_uri), s->first.sub_id));
	if (done.response->failure != HTTP_FAIL_NONE)
		story_say(s, "its subscription cannot be reached from here (%s)", http_failure_name(done.response->failure));
	else if (story_check(s, done.response->status == 200, "the subscription answers 200"))
		compare_subscription(s, done.response, ours, count);
	http_done_release(s->http, &done);
}

void story_deliver(struct story *s, const struct xui_client *client)
{
	struct link_inbound *in = arena_new(&s->arena, struct link_inbound);
	struct link_parts *parts;
	struct links links = { 0 };
	const struct link_client keys = link_client_of(s, client);
	enum err e = make_links(s, &links, in, &keys);
	struct str credential = credential_of(s->inbound.protocol, &keys);

	if (!story_check(s, e == OK && links.count > 0, arena_printf(&s->arena, "links can be made: %s", err_name(e))))
		return;
	parts = arena_array(&s->arena, struct link_parts, links.count);
	for (size_t i = 0; i < links.count; i++)
		story_check(s, link_read(&parts[i], &s->arena, links.at[i].uri) == OK && str_eq(parts[i].credential, credential) &&
			    parts[i].port == links.at[i].port, "a link reads back as it was made");
	s->link = links.at[0].uri;
	story_say(s, "%zu %s link%s to %.*s:%" PRId64 " (%s)", links.count, parts->protocol, links.count > 1 ? "s" : "", STR_ARG(links.at[0].host),
		  links.at[0].port, link_reach_name(link_host_reach(links.at[0].host)));
	check_subscription(s, parts, links.count);
}
