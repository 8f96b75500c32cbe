/* Reading share links. */
#include "lib/links/link_read.h"

#include <string.h>

#include "lib/base/enc.h"
#include "lib/base/json.h"
#include "lib/links/address.h"
#include "lib/links/link.h"
#include "lib/links/remark.h"

struct reader {
	struct link_parts *out;
	struct arena *a;
};

struct str link_param(const struct link_parts *l, const char *key)
{
	for (size_t i = 0; i < l->params_count; i++)
		if (str_is(l->params[i].key, key))
			return l->params[i].value;
	return str_n("", 0);
}

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7F)
			return false;
	return utf8_valid(s);
}

static size_t find(struct str s, const char *any_of)
{
	size_t i = 0;

	while (i < s.len && (!s.at[i] || !strchr(any_of, s.at[i])))
		i++;
	return i;
}

static struct str from(struct str s, size_t begin)
{
	return begin < s.len ? str_n(s.at + begin, s.len - begin) : str_n("", 0);
}

/* Percent-decoded; what is no valid encoding was written raw, as 2.8.5 does. E_INVALID: control bytes or no UTF-8. */
static enum err decode(struct str *out, struct arena *a, struct str s, bool plus_is_space)
{
	struct buf b;

	buf_init(&b, LINK_BYTES_MAX);
	*out = dec_percent(&b, s, plus_is_space) ? s : buf_str(&b);
	*out = str_n(str_dup(a, *out), out->len);
	buf_release(&b);
	return is_plain(*out) ? OK : E_INVALID;
}

static enum err decode_base64(struct str *out, struct arena *a, struct str s)
{
	unsigned char *bytes = arena_alloc(a, s.len + 1);
	size_t n;

	if (dec_base64(bytes, s.len, &n, s))
		return E_INVALID;
	*out = str_n((char *)bytes, n);
	return OK;
}

static enum err add_param(struct reader *r, struct str key, struct str value)
{
	if (r->out->params_count == LINK_PARAMS_MAX)
		return E_TOOBIG;
	r->out->params[r->out->params_count++] = (struct link_pair){ key, value };
	return OK;
}

static enum err read_query(struct reader *r, struct str query)
{
	struct str rest = query, key, value;
	enum err e = OK;

	while (rest.at && !e) {
		struct str item = str_cut(&rest, '&');

		if (!item.len)
			continue;
		key = str_cut(&item, '=');
		e = decode(&key, r->a, key, true);
		if (!e)
			e = decode(&value, r->a, item.at ? item : str_n("", 0), true);
		if (!e)
			e = add_param(r, key, value);
	}
	return e;
}

static enum err read_port(int64_t *out, struct str s)
{
	if (str_to_i64(out, s) || *out < 1 || *out > 65535)
		return E_INVALID;
	return OK;
}

/* "host:port", "[v6]:port"; Hysteria may list more ports behind a comma. */
static enum err read_host_port(struct reader *r, struct str s)
{
	size_t colon = s.len;
	struct str ports;

	while (colon && s.at[colon - 1] != ':')
		colon--;
	if (!colon)
		return E_INVALID;
	ports = from(s, colon);
	r->out->host = link_host_bare(str_n(str_dup(r->a, str_n(s.at, colon - 1)), colon - 1));
	if (link_host_reach(r->out->host) == LINK_REACH_NONE || !is_plain(r->out->host))
		return E_INVALID;
	return read_port(&r->out->port, str_cut(&ports, ','));
}

/* userinfo "@" host ":" port [ "/" ] [ "?" query ] [ "#" fragment ]; *user is still encoded. */
static enum err read_uri(struct reader *r, struct str *user, struct str s)
{
	size_t hash = find(s, "#"), question, at;
	struct str authority, remark;
	enum err e;

	if (decode(&remark, r->a, from(s, hash + 1), false))
		remark = link_name_clean(r->a, remark);
	r->out->remark = remark;
	s = str_n(s.at, hash);
	question = find(s, "?");
	authority = str_n(s.at, question);
	at = authority.len;
	while (at && authority.at[at - 1] != '@') /* the last one: 2.8.5 writes '@' of passwords raw */
		at--;
	if (!at)
		return E_INVALID;
	*user = str_n(authority.at, at - 1);
	authority = from(authority, at);
	e = read_host_port(r, str_n(authority.at, find(authority, "/")));
	return e ? e : read_query(r, from(s, question + 1));
}

static enum err read_common(struct reader *r, struct str s)
{
	struct str user;
	enum err e = read_uri(r, &user, s);

	return e ? e : decode(&r->out->credential, r->a, user, false);
}

/* "method:password", or "method:server:client" with the 2022 methods */
static enum err read_method(struct reader *r, struct str plain, bool encoded)
{
	struct link_parts *l = r->out;
	enum err e = OK;

	l->method = str_cut(&plain, ':');
	l->credential = plain.at ? plain : str_n("", 0);
	if (str_starts(l->method, "2022-") && find(l->credential, ":") < l->credential.len) {
		struct str rest = l->credential;

		l->server_key = str_cut(&rest, ':');
		l->credential = rest;
	}
	if (encoded) {
		e = decode(&l->method, r->a, l->method, false);
		e = e ? e : decode(&l->server_key, r->a, l->server_key, false);
		e = e ? e : decode(&l->credential, r->a, l->credential, false);
	}
	if (!e && (!l->method.len || !is_plain(l->method) || !is_plain(l->credential) || !is_plain(l->server_key)))
		e = E_INVALID;
	return e;
}

/* The form before SIP002: everything up to the fragment is base64 of "method:password@host:port". */
static enum err unwrap_old_shadowsocks(struct reader *r, struct str *s)
{
	size_t hash = find(*s, "#");
	struct str inner;

	if (decode_base64(&inner, r->a, str_n(s->at, hash)) || !is_plain(inner))
		return E_INVALID;
	*s = str_of(arena_printf(r->a, "%.*s%.*s", STR_ARG(inner), STR_ARG(from(*s, hash))));
	return OK;
}

static enum err read_shadowsocks(struct reader *r, struct str s)
{
	size_t end = find(s, "#?");
	struct str user, plain;
	enum err e;

	if (find(str_n(s.at, end), "@") == end && unwrap_old_shadowsocks(r, &s))
		return E_INVALID;
	e = read_uri(r, &user, s);
	if (e)
		return e;
	if (find(user, ":") < user.len)
		return read_method(r, user, true);
	if (decode(&user, r->a, user, false) || decode_base64(&plain, r->a, user))
		return E_INVALID;
	return read_method(r, plain, false);
}

static enum err read_mtproto(struct reader *r, struct str s)
{
	enum err e = read_query(r, str_n(s.at, find(s, "#")));

	if (e)
		return e;
	r->out->credential = link_param(r->out, "secret");
	r->out->host = link_host_bare(link_param(r->out, "server"));
	if (link_host_reach(r->out->host) == LINK_REACH_NONE)
		return E_INVALID;
	return read_port(&r->out->port, link_param(r->out, "port"));
}

static struct str member_text(struct arena *a, struct json_object *v)
{
	const char *s;

	if (!v)
		return str_n("", 0);
	s = json_object_is_type(v, json_type_string) ? json_object_get_string(v)
	                                             : json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN);
	return str_of(arena_strdup(a, s));
}

static enum err read_vmess_members(struct reader *r, struct json_object *o)
{
	enum err e = OK;

	json_object_object_foreach(o, key, value) {
		struct str k = str_of(arena_strdup(r->a, key)), text = member_text(r->a, value);

		if (str_is(k, "ps"))
			r->out->remark = link_name_clean(r->a, text);
		else if (str_is(k, "id"))
			r->out->credential = text;
		else if (str_is(k, "add"))
			r->out->host = link_host_bare(text);
		else if (!str_is(k, "port"))
			e = is_plain(k) && is_plain(text) ? add_param(r, k, text) : E_INVALID;
		if (e)
			break;
	}
	return e;
}

static enum err read_vmess_json(struct reader *r, struct str json)
{
	struct json_object *o;
	enum err e;

	if (json_parse(&o, json))
		return E_INVALID;
	e = json_object_is_type(o, json_type_object) ? read_vmess_members(r, o) : E_INVALID;
	r->out->port = json_i64_at(o, "port", 0);
	json_object_put(o);
	if (!e && (link_host_reach(r->out->host) == LINK_REACH_NONE || r->out->port < 1 || r->out->port > 65535 ||
	           !is_plain(r->out->credential)))
		e = E_INVALID;
	return e;
}

static enum err read_vmess(struct reader *r, struct str s)
{
	struct str json;

	if (find(s, "@") < s.len) /* the URI form of the share link proposal */
		return read_common(r, s);
	if (decode_base64(&json, r->a, str_n(s.at, find(s, "#?"))))
		return E_INVALID;
	return read_vmess_json(r, json);
}

static const struct scheme {
	const char *prefix, *protocol;
	enum err (*read)(struct reader *r, struct str rest);
} schemes[] = {
	{ "vless://",             "vless",       read_common },
	{ "vmess://",             "vmess",       read_vmess },
	{ "trojan://",            "trojan",      read_common },
	{ "ss://",                "shadowsocks", read_shadowsocks },
	{ "hysteria2://",         "hysteria",    read_common },
	{ "hy2://",               "hysteria",    read_common },
	{ "hysteria://",          "hysteria",    read_common },
	{ "wireguard://",         "wireguard",   read_common },
	{ "tg://proxy?",          "mtproto",     read_mtproto },
	{ "https://t.me/proxy?",  "mtproto",     read_mtproto },
};

static bool starts_nocase(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && str_is_nocase(str_n(s.at, n), prefix);
}

enum err link_read(struct link_parts *out, struct arena *a, struct str text)
{
	struct reader r = { out, a };
	enum err e = E_INVALID;

	*out = (struct link_parts){ 0 };
	text = str_trim(text);
	if (text.len > LINK_BYTES_MAX)
		return E_TOOBIG;
	for (size_t i = 0; i < countof(schemes); i++) {
		if (!starts_nocase(text, schemes[i].prefix))
			continue;
		e = schemes[i].read(&r, from(text, strlen(schemes[i].prefix)));
		out->protocol = schemes[i].protocol;
		break;
	}
	if (!e && !out->credential.len)
		e = E_INVALID;
	if (e)
		*out = (struct link_parts){ 0 };
	return e;
}
