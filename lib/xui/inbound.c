/* Inbounds. 2.x and 3.0.x keep settings, streamSettings and sniffing as text inside the JSON, 3.1+ as objects. */
#include "lib/xui/xui_private.h"

static struct str text_at(struct arena *a, struct json_object *o, const char *key)
{
	struct str s = json_str_at(o, key);

	return str_n(arena_strndup(a, s.at, s.len), s.len);
}

static struct str json_text_at(struct arena *a, struct json_object *o, const char *key)
{
	struct json_object *v = json_at(o, key);
	struct str s;

	if (!json_object_is_type(v, json_type_object))
		return text_at(a, o, key);
	s = str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	return str_n(arena_strndup(a, s.at, s.len), s.len);
}

void inbound_take(struct xui_inbound *out, struct arena *a, struct json_object *o)
{
	struct json_object *settings;

	*out = (struct xui_inbound){
		.id = json_i64_at(o, "id", 0),
		.remark = text_at(a, o, "remark"),
		.protocol = text_at(a, o, "protocol"),
		.listen = text_at(a, o, "listen"),
		.tag = text_at(a, o, "tag"),
		.port = json_i64_at(o, "port", 0),
		.enabled = json_bool_at(o, "enable", false),
		.expires_ms = json_i64_at(o, "expiryTime", 0),
		.quota_bytes = json_i64_at(o, "total", 0),
		.up_bytes = json_i64_at(o, "up", 0),
		.down_bytes = json_i64_at(o, "down", 0),
		.settings = json_text_at(a, o, "settings"),
		.stream_settings = json_text_at(a, o, "streamSettings"),
		.sniffing = json_text_at(a, o, "sniffing"),
		.share_strategy = text_at(a, o, "shareAddrStrategy"),
		.share_addr = text_at(a, o, "shareAddr"),
	};
	if (json_parse(&settings, out->settings))
		return;
	out->takes_clients = json_array_at(settings, "clients") != NULL;
	json_object_put(settings);
}

bool inbound_carries_vision(const struct xui_inbound *in)
{
	struct json_object *o;
	struct str network, security;
	bool yes;

	if (!str_is(in->protocol, "vless") || json_parse(&o, in->stream_settings))
		return false;
	network = json_str_at(o, "network");
	security = json_str_at(o, "security");
	yes = (str_is(network, "tcp") || str_is(network, "raw")) && (str_is(security, "tls") || str_is(security, "reality"));
	json_object_put(o);
	return yes;
}

struct str inbound_shadowsocks_method(struct arena *a, const struct xui_inbound *in)
{
	struct json_object *o;
	struct str method;

	if (!str_is(in->protocol, "shadowsocks") || json_parse(&o, in->settings))
		return STR("");
	method = text_at(a, o, "method");
	json_object_put(o);
	return method;
}
