/* Reading foreign JSON with json-c, writing our own. */
#include "lib/base/json.h"

#include <math.h>
#include <string.h>

enum err json_parse(struct json_object **out, struct str text)
{
	struct json_tokener *tok;
	enum json_tokener_error why;
	enum err e = E_INVALID;

	*out = NULL;
	if (text.len == 0 || text.len > INT32_MAX || !utf8_valid(text)) /* json-c's own look lets C1 83 pass */
		return E_INVALID;
	tok = json_tokener_new_ex(JSON_DEPTH_MAX);
	if (!tok)
		abort();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	*out = json_tokener_parse_ex(tok, text.at, (int)text.len);
	why = json_tokener_get_error(tok);
	if (why == json_tokener_continue) {
		/* a bare number or literal ends only with the text: give it an end */
		*out = json_tokener_parse_ex(tok, " ", 1);
		if (json_tokener_get_error(tok) == json_tokener_success)
			e = OK;
	} else if (why == json_tokener_success) {
		size_t end = json_tokener_get_parse_end(tok);

		if (str_trim(str_n(text.at + end, text.len - end)).len == 0)
			e = OK;
	}
	if (e) {
		json_object_put(*out);
		*out = NULL;
	}
	json_tokener_free(tok);
	return e;
}

struct json_object *json_at(struct json_object *o, const char *path)
{
	struct str rest = str_of(path);
	char key[64];

	while (rest.at) {
		struct str part = str_cut(&rest, '.');

		if (!json_object_is_type(o, json_type_object) || part.len >= sizeof key)
			return NULL;
		memcpy(key, part.at, part.len);
		key[part.len] = '\0';
		if (!json_object_object_get_ex(o, key, &o))
			return NULL;
	}
	return o;
}

struct str json_str_at(struct json_object *o, const char *path)
{
	struct json_object *v = json_at(o, path);

	switch (json_object_get_type(v)) {
	case json_type_string:
		return str_n(json_object_get_string(v), (size_t)json_object_get_string_len(v));
	case json_type_int:
	case json_type_double:
		return str_of(json_object_get_string(v));
	default:
		return str_n("", 0);
	}
}

int64_t json_i64_at(struct json_object *o, const char *path, int64_t otherwise)
{
	struct json_object *v = json_at(o, path);
	int64_t i;
	double d;

	switch (json_object_get_type(v)) {
	case json_type_int:
		return json_object_get_int64(v);
	case json_type_boolean:
		return json_object_get_boolean(v);
	case json_type_double:
		d = json_object_get_double(v);
		return d >= -9.2e18 && d <= 9.2e18 ? (int64_t)d : otherwise;
	case json_type_string:
		return str_to_i64(&i, json_str_at(o, path)) == OK ? i : otherwise;
	default:
		return otherwise;
	}
}

bool json_bool_at(struct json_object *o, const char *path, bool otherwise)
{
	struct json_object *v = json_at(o, path);
	int64_t i;
	struct str s;

	switch (json_object_get_type(v)) {
	case json_type_boolean:
		return json_object_get_boolean(v);
	case json_type_int:
	case json_type_double:
		return json_i64_at(o, path, 0) != 0;
	case json_type_string:
		s = json_str_at(o, path);
		if (str_is_nocase(s, "true"))
			return true;
		if (str_is_nocase(s, "false"))
			return false;
		return str_to_i64(&i, s) == OK ? i != 0 : otherwise;
	default:
		return otherwise;
	}
}

struct json_object *json_array_at(struct json_object *o, const char *path)
{
	struct json_object *v = json_at(o, path);

	return json_object_is_type(v, json_type_array) ? v : NULL;
}

size_t json_len(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

void json_out_init(struct json_out *j, struct buf *to)
{
	*j = (struct json_out){ .to = to };
}

static void comma(struct json_out *j)
{
	if (j->comma)
		buf_addc(j->to, ',');
	j->comma = true;
}

void json_open(struct json_out *j, char bracket)
{
	comma(j);
	buf_addc(j->to, bracket);
	j->comma = false;
}

void json_close(struct json_out *j, char bracket)
{
	buf_addc(j->to, bracket);
	j->comma = true;
}

static void escaped(struct buf *to, unsigned char c)
{
	if (c == '"' || c == '\\') {
		buf_addc(to, '\\');
		buf_addc(to, (char)c);
	} else if (c == '\n') {
		buf_adds(to, "\\n");
	} else {
		buf_printf(to, "\\u%04x", c);
	}
}

/* Runs of plain bytes are copied whole; only quotes, backslashes and control characters need an escape. */
static void quoted(struct buf *to, struct str s)
{
	buf_addc(to, '"');
	while (s.len) {
		size_t plain = str_plain(s);

		buf_add(to, str_n(s.at, plain));
		if (plain == s.len)
			break;
		escaped(to, (unsigned char)s.at[plain]);
		s = str_n(s.at + plain + 1, s.len - plain - 1);
	}
	buf_addc(to, '"');
}

void json_key(struct json_out *j, const char *key)
{
	comma(j);
	quoted(j->to, str_of(key));
	buf_addc(j->to, ':');
	j->comma = false;
}

void json_add_str(struct json_out *j, struct str s)
{
	comma(j);
	quoted(j->to, s);
}

void json_add_i64(struct json_out *j, int64_t i)
{
	comma(j);
	buf_addi(j->to, i);
}

void json_add_bool(struct json_out *j, bool b)
{
	comma(j);
	buf_adds(j->to, b ? "true" : "false");
}

void json_add_null(struct json_out *j)
{
	comma(j);
	buf_adds(j->to, "null");
}

void json_add_raw(struct json_out *j, struct str text)
{
	comma(j);
	buf_add(j->to, text);
}

void json_put_str(struct json_out *j, const char *key, struct str s)
{
	json_key(j, key);
	json_add_str(j, s);
}

void json_put_cstr(struct json_out *j, const char *key, const char *s)
{
	json_key(j, key);
	if (s)
		json_add_str(j, str_of(s));
	else
		json_add_null(j);
}

void json_put_i64(struct json_out *j, const char *key, int64_t i)
{
	json_key(j, key);
	json_add_i64(j, i);
}

void json_put_bool(struct json_out *j, const char *key, bool b)
{
	json_key(j, key);
	json_add_bool(j, b);
}
