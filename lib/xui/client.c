/* Clients: reading both shapes, writing one. */
#include "lib/xui/client.h"

#include <assert.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/base/enc.h"

static struct str text_at(struct arena *a, struct json_object *o, const char *key)
{
	struct str s = json_str_at(o, key);

	return str_n(arena_strndup(a, s.at, s.len), s.len);
}

static void inbounds_take(struct xui_client *out, struct json_object *o)
{
	struct json_object *ids = json_array_at(o, "inboundIds");

	for (size_t i = 0; i < json_len(ids) && out->inbounds_count < XUI_CLIENT_INBOUNDS_MAX; i++)
		out->inbound_ids[out->inbounds_count++] = json_object_get_int64(json_object_array_get_idx(ids, i));
}

void xui_client_take(struct xui_client *out, struct arena *a, struct json_object *o, enum xui_shape shape)
{
	bool is_record = shape == XUI_SHAPE_RECORD;
	struct str raw = str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

	*out = (struct xui_client){
		.email = text_at(a, o, "email"),
		.uuid = text_at(a, o, is_record ? "uuid" : "id"),
		.password = text_at(a, o, "password"),
		.auth = text_at(a, o, "auth"),
		.sub_id = text_at(a, o, "subId"),
		.flow = text_at(a, o, "flow"),
		.comment = text_at(a, o, "comment"),
		.quota_bytes = json_i64_at(o, "totalGB", 0),
		.expires_ms = json_i64_at(o, "expiryTime", 0),
		.limit_ip = json_i64_at(o, "limitIp", 0),
		.tg_id = json_i64_at(o, "tgId", 0),
		.reset_days = json_i64_at(o, "reset", 0),
		.created_ms = json_i64_at(o, is_record ? "createdAt" : "created_at", 0),
		.updated_ms = json_i64_at(o, is_record ? "updatedAt" : "updated_at", 0),
		.enabled = json_bool_at(o, "enable", false), /* left out counts as off on the panel, too */
		.raw = str_n(arena_strndup(a, raw.at, raw.len), raw.len),
		.shape = shape,
	};
	inbounds_take(out, o);
}

enum err xui_client_read(struct xui_client *out, struct arena *a, struct str raw, enum xui_shape shape)
{
	struct json_object *o;
	enum err e = json_parse(&o, raw);

	if (!e && !json_object_is_type(o, json_type_object))
		e = E_INVALID;
	if (!e) {
		xui_client_take(out, a, o, shape);
		out->raw = str_n(arena_strndup(a, raw.at, raw.len), raw.len); /* to the letter */
	}
	json_object_put(o);
	return e;
}

void xui_traffic_take(struct xui_traffic *out, struct arena *a, struct json_object *o)
{
	*out = (struct xui_traffic){
		.email = text_at(a, o, "email"),
		.id = json_i64_at(o, "id", 0),
		.inbound_id = json_i64_at(o, "inboundId", 0),
		.up_bytes = json_i64_at(o, "up", 0),
		.down_bytes = json_i64_at(o, "down", 0),
		.quota_bytes = json_i64_at(o, "total", 0),
		.expires_ms = json_i64_at(o, "expiryTime", 0),
		.reset_days = json_i64_at(o, "reset", 0),
		.last_online_ms = json_i64_at(o, "lastOnline", 0),
		.enabled = json_bool_at(o, "enable", false),
	};
}

/* --- writing --- */

/* The values that go out: those of want that change names, else those of base. */
static struct xui_client merged(const struct xui_client *base, const struct xui_client *want, unsigned change)
{
#define PART(flag, member) { flag, offsetof(struct xui_client, member), sizeof(((struct xui_client *)0)->member) }
	static const struct { unsigned change; size_t at, size; } parts[] = {
		PART(XUI_SET_EXPIRES, expires_ms), PART(XUI_SET_QUOTA, quota_bytes), PART(XUI_SET_ENABLED, enabled),
		PART(XUI_SET_LIMIT_IP, limit_ip), PART(XUI_SET_TG_ID, tg_id), PART(XUI_SET_SUB_ID, sub_id),
		PART(XUI_SET_COMMENT, comment), PART(XUI_SET_RESET, reset_days), PART(XUI_SET_EMAIL, email),
		PART(XUI_SET_UUID, uuid), PART(XUI_SET_PASSWORD, password), PART(XUI_SET_AUTH, auth), PART(XUI_SET_FLOW, flow),
	};
#undef PART
	struct xui_client c = base ? *base : *want;

	for (size_t i = 0; base && i < countof(parts); i++)
		if (change & parts[i].change)
			memcpy((char *)&c + parts[i].at, (const char *)want + parts[i].at, parts[i].size);
	return c;
}

static void put_known(struct json_out *j, const struct xui_client *c, const char *method, int64_t now_ms)
{
	json_put_str(j, "id", c->uuid);
	if (c->password.len)
		json_put_str(j, "password", c->password);
	if (c->auth.len)
		json_put_str(j, "auth", c->auth);
	if (method)
		json_put_cstr(j, "method", method);
	json_put_str(j, "flow", c->flow);
	json_put_str(j, "email", c->email);
	json_put_i64(j, "limitIp", c->limit_ip);
	json_put_i64(j, "totalGB", c->quota_bytes);
	json_put_i64(j, "expiryTime", c->expires_ms);
	json_put_bool(j, "enable", c->enabled);
	json_put_i64(j, "tgId", c->tg_id);
	json_put_str(j, "subId", c->sub_id);
	json_put_str(j, "comment", c->comment);
	json_put_i64(j, "reset", c->reset_days);
	json_put_i64(j, "created_at", c->created_ms ? c->created_ms : now_ms);
	json_put_i64(j, "updated_at", now_ms);
}

/* What put_known has written, and what a record has that a client has not. */
static bool is_written(const char *key, bool is_record, bool has_method)
{
	static const char *const known[] = { "id", "password", "auth", "flow", "email", "limitIp", "totalGB", "expiryTime", "enable",
		"tgId", "subId", "comment", "reset", "created_at", "updated_at" };
	static const char *const record_only[] = { "uuid", "createdAt", "updatedAt", "inboundIds", "traffic" };

	for (size_t i = 0; i < countof(known); i++)
		if (!strcmp(key, known[i]))
			return true;
	for (size_t i = 0; is_record && i < countof(record_only); i++)
		if (!strcmp(key, record_only[i]))
			return true;
	return has_method && !strcmp(key, "method");
}

/* A record has the addresses as one text, a client as a list; the wrong kind is refused. */
static void put_addresses(struct json_out *j, struct str list)
{
	json_key(j, "allowedIPs");
	json_open(j, '[');
	while (list.at) {
		struct str one = str_trim(str_cut(&list, ','));

		if (one.len)
			json_add_str(j, one);
	}
	json_close(j, ']');
}

static void put_others(struct json_out *j, const struct xui_client *base, bool has_method)
{
	bool is_record = base->shape == XUI_SHAPE_RECORD;
	struct json_object *o;

	if (json_parse(&o, base->raw) || !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return;
	}
	json_object_object_foreach(o, key, value) {
		bool is_empty_text = json_object_is_type(value, json_type_string) && json_object_get_string_len(value) == 0;

		if (is_written(key, is_record, has_method))
			continue;
		if (is_record && (!value || is_empty_text))
			continue; /* "reverse":null, empty keys of other protocols: leaving them out keeps them */
		if (is_record && !strcmp(key, "allowedIPs") && json_object_is_type(value, json_type_string)) {
			put_addresses(j, json_str_at(o, key));
			continue;
		}
		json_key(j, key);
		json_add_raw(j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	}
	json_object_put(o);
}

void xui_client_write(struct json_out *j, const struct xui_client *base, const struct xui_client *want, unsigned change,
		      const char *method, int64_t now_ms)
{
	struct xui_client c = merged(base, want, change);

	json_open(j, '{');
	put_known(j, &c, method, now_ms);
	if (base)
		put_others(j, base, method != NULL);
	json_close(j, '}');
}

/* --- what a client is known by --- */

struct str xui_client_key(const struct xui_client *c, struct str protocol)
{
	static const struct { const char *protocol; size_t at; } keys[] = {
		{ "trojan", offsetof(struct xui_client, password) },
		{ "shadowsocks", offsetof(struct xui_client, email) },
		{ "hysteria", offsetof(struct xui_client, auth) },
		{ "hysteria2", offsetof(struct xui_client, auth) },
	};

	for (size_t i = 0; i < countof(keys); i++)
		if (str_is(protocol, keys[i].protocol))
			return *(const struct str *)((const char *)c + keys[i].at);
	return c->uuid; /* VLESS, VMess and whatever comes later */
}

bool xui_client_is_same(const struct xui_client *a, const struct xui_client *b)
{
	if (a->uuid.len && str_eq(a->uuid, b->uuid))
		return true;
	if (a->sub_id.len && str_eq(a->sub_id, b->sub_id))
		return true;
	/* nothing to compare by: made by hand on a protocol without UUID */
	return (!a->uuid.len || !b->uuid.len) && (!a->sub_id.len || !b->sub_id.len);
}

/* --- Shadowsocks --- */

static size_t key_bytes(struct str method)
{
	if (!str_starts(method, "2022-"))
		return 0;
	return str_has(method, "128") ? 16 : 32;
}

void xui_shadowsocks_key(struct buf *to, struct str method, struct str password)
{
	size_t want = key_bytes(method), have = 0;
	unsigned char bytes[EVP_MAX_MD_SIZE];
	bool is_key = want && dec_base64(bytes, sizeof bytes, &have, password) == OK && have >= want;

	if (!want || (is_key && have == want)) {
		buf_add(to, password);
		return;
	}
	if (!is_key && !EVP_Digest(password.at, password.len, bytes, NULL, EVP_sha256(), NULL))
		abort();
	enc_base64(to, bytes, want);
}

struct str xui_shadowsocks_client_method(struct str method)
{
	return key_bytes(method) ? STR("") : method;
}
