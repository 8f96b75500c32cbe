/* JSON the way Go reads and writes it: its error texts, its order of keys, its numbers. */
#include "tests/sim/panel_private.h"

/* --- Go's error texts --- */

struct scan {
	const char *p, *end;
	const char *error; /* NULL: fine so far */
	struct arena *arena;
	int depth;
};

static bool fails(struct scan *s, const char *where)
{
	if (s->error)
		return false;
	if (s->p >= s->end)
		s->error = "unexpected end of JSON input";
	else if (*s->p == '\n')
		s->error = arena_printf(s->arena, "invalid character '\\n' %s", where);
	else if ((unsigned char)*s->p < 0x20)
		s->error = arena_printf(s->arena, "invalid character '\\x%02x' %s", (unsigned char)*s->p, where);
	else
		s->error = arena_printf(s->arena, "invalid character '%s%c' %s", *s->p == '\'' ? "\\" : "", *s->p, where);
	return false;
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool scan_value(struct scan *s);

static bool scan_string(struct scan *s)
{
	for (s->p++; s->p < s->end && *s->p != '"'; s->p++) {
		if ((unsigned char)*s->p < 0x20)
			return fails(s, "in string literal");
		if (*s->p != '\\')
			continue;
		if (++s->p < s->end && !strchr("\"\\/bfnrtu", *s->p))
			return fails(s, "in string escape code");
	}
	if (s->p >= s->end)
		return fails(s, "");
	s->p++;
	return true;
}

static bool scan_literal(struct scan *s, const char *word)
{
	for (const char *w = word; *w; w++, s->p++)
		if (s->p >= s->end || *s->p != *w)
			return fails(s, arena_printf(s->arena, "in literal %s (expecting '%c')", word, *w));
	return true;
}

static bool scan_number(struct scan *s)
{
	if (*s->p == '-' && (++s->p >= s->end || !strchr("0123456789", *s->p)))
		return fails(s, "in numeric literal");
	while (s->p < s->end && strchr("0123456789.eE+-", *s->p) && *s->p)
		s->p++;
	return true;
}

static bool scan_list(struct scan *s, char close, bool object)
{
	s->p++;
	skip_space(s);
	if (s->p < s->end && *s->p == close) {
		s->p++;
		return true;
	}
	for (;;) {
		if (object) {
			skip_space(s);
			if (s->p >= s->end || *s->p != '"')
				return fails(s, "looking for beginning of object key string");
			if (!scan_string(s))
				return false;
			skip_space(s);
			if (s->p >= s->end || *s->p != ':')
				return fails(s, "after object key");
			s->p++;
		}
		if (!scan_value(s))
			return false;
		skip_space(s);
		if (s->p < s->end && *s->p == ',') {
			s->p++;
			continue;
		}
		if (s->p >= s->end || *s->p != close)
			return fails(s, object ? "after object key:value pair" : "after array element");
		s->p++;
		return true;
	}
}

static bool scan_value(struct scan *s)
{
	bool ok;

	skip_space(s);
	if (s->p >= s->end)
		return fails(s, "");
	if (++s->depth > 10000) {
		s->error = "exceeded max depth";
		return false;
	}
	switch (*s->p) {
	case '{': ok = scan_list(s, '}', true); break;
	case '[': ok = scan_list(s, ']', false); break;
	case '"': ok = scan_string(s); break;
	case 't': ok = scan_literal(s, "true"); break;
	case 'f': ok = scan_literal(s, "false"); break;
	case 'n': ok = scan_literal(s, "null"); break;
	default:
		ok = strchr("-0123456789", *s->p) ? scan_number(s) : fails(s, "looking for beginning of value");
	}
	s->depth--;
	return ok;
}

const char *go_json_parse(struct json_object **out, struct arena *a, struct str text)
{
	struct scan s = { .p = text.at, .end = text.len ? text.at + text.len : text.at, .arena = a };

	*out = NULL;
	if (json_parse(out, text) == OK)
		return NULL;
	if (!scan_value(&s))
		return s.error;
	skip_space(&s);
	if (s.p < s.end)
		fails(&s, "after top-level value");
	return s.error ? s.error : "invalid character in JSON"; /* json-c is stricter about UTF-8 and depth */
}

const char *go_json_decode(struct json_object **out, struct arena *a, struct str text)
{
	const char *why;

	if (str_trim(text).len == 0) {
		*out = NULL;
		return "EOF";
	}
	why = go_json_parse(out, a, text);
	return why && !strcmp(why, "unexpected end of JSON input") ? "unexpected EOF" : why;
}

/* --- Go's types --- */

const char *go_json_kind(struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_object: return "object";
	case json_type_array: return "array";
	case json_type_string: return "string";
	case json_type_boolean: return "bool";
	default: return "number";
	}
}

static bool fits_i64(struct json_object *o)
{
	return json_object_get_int64(o) != INT64_MAX || json_object_get_uint64(o) == (uint64_t)INT64_MAX;
}

bool go_json_i64(int64_t *out, struct json_object *o)
{
	*out = 0;
	if (!o)
		return true;
	if (!json_object_is_type(o, json_type_int) || !fits_i64(o))
		return false;
	*out = json_object_get_int64(o);
	return true;
}

bool go_json_bool(bool *out, struct json_object *o)
{
	*out = json_object_is_type(o, json_type_boolean) && json_object_get_boolean(o);
	return !o || json_object_is_type(o, json_type_boolean);
}

bool go_json_str(struct str *out, struct json_object *o)
{
	*out = json_object_is_type(o, json_type_string)
		? str_n(json_object_get_string(o), (size_t)json_object_get_string_len(o)) : STR("");
	return !o || json_object_is_type(o, json_type_string);
}

/* --- writing --- */

static void write_string(struct buf *to, struct str s)
{
	size_t from = 0;

	buf_addc(to, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&')
			continue;
		buf_add(to, str_n(s.at + from, i - from));
		from = i + 1;
		switch (c) {
		case '"': buf_adds(to, "\\\""); break;
		case '\\': buf_adds(to, "\\\\"); break;
		case '\n': buf_adds(to, "\\n"); break;
		case '\r': buf_adds(to, "\\r"); break;
		case '\t': buf_adds(to, "\\t"); break;
		default: buf_printf(to, "\\u%04x", c);
		}
	}
	buf_add(to, str_n(s.at + from, s.len - from));
	buf_addc(to, '"');
}

/* A float64 as encoding/json prints it: shortest digits that read back the same, no exponent below 1e21. */
static void write_float(struct buf *to, double d)
{
	char e[40], digits[24];
	int exponent, n = 0;

	if (d == (double)(int64_t)d && d > -9007199254740992.0 && d < 9007199254740992.0) {
		buf_addi(to, (int64_t)d);
		return;
	}
	for (int precision = 0; precision < 17; precision++) {
		snprintf(e, sizeof e, "%.*e", precision, d);
		if (strtod(e, NULL) == d)
			break;
	}
	if (*e == '-')
		buf_addc(to, '-');
	for (const char *p = e; *p && *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	exponent = (int)strtol(strchr(e, 'e') + 1, NULL, 10);
	if (exponent < -6 || exponent >= 21) {
		buf_adds(to, e + (*e == '-'));
		return;
	}
	if (exponent < 0) {
		buf_adds(to, "0.");
		for (int i = -1; i > exponent; i--)
			buf_addc(to, '0');
	}
	for (int i = 0; i < n || i <= exponent; i++) {
		buf_addc(to, i < n ? digits[i] : '0');
		if (i == exponent && i + 1 < n)
			buf_addc(to, '.');
	}
}

static void new_line(struct buf *to, int depth)
{
	if (depth < 0)
		return;
	buf_addc(to, '\n');
	for (int i = 0; i < depth; i++)
		buf_adds(to, "  ");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_object(struct buf *to, struct json_object *o, int depth)
{
	size_t n = (size_t)json_object_object_length(o), i = 0;
	const char **keys = xcalloc(n ? n : 1, sizeof *keys);

	json_object_object_foreach(o, key, value) {
		(void)value;
		keys[i++] = key;
	}
	qsort(keys, n, sizeof *keys, by_name);
	buf_addc(to, '{');
	for (i = 0; i < n; i++) {
		if (i)
			buf_addc(to, ',');
		new_line(to, depth < 0 ? -1 : depth + 1);
		write_string(to, str_of(keys[i]));
		buf_adds(to, depth < 0 ? ":" : ": ");
		go_json_write(to, json_object_object_get(o, keys[i]), depth < 0 ? -1 : depth + 1);
	}
	if (n)
		new_line(to, depth);
	buf_addc(to, '}');
	free(keys);
}

static void write_array(struct buf *to, struct json_object *o, int depth)
{
	size_t n = json_object_array_length(o);

	buf_addc(to, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(to, ',');
		new_line(to, depth < 0 ? -1 : depth + 1);
		go_json_write(to, json_object_array_get_idx(o, i), depth < 0 ? -1 : depth + 1);
	}
	if (n)
		new_line(to, depth);
	buf_addc(to, ']');
}

void go_json_write(struct buf *to, struct json_object *o, int depth)
{
	switch (json_object_get_type(o)) {
	case json_type_null:
		buf_adds(to, "null");
		break;
	case json_type_boolean:
		buf_adds(to, json_object_get_boolean(o) ? "true" : "false");
		break;
	case json_type_int:
		write_float(to, fits_i64(o) ? (double)json_object_get_int64(o) : (double)json_object_get_uint64(o));
		break;
	case json_type_double:
		write_float(to, json_object_get_double(o));
		break;
	case json_type_string:
		write_string(to, str_n(json_object_get_string(o), (size_t)json_object_get_string_len(o)));
		break;
	case json_type_object:
		write_object(to, o, depth);
		break;
	case json_type_array:
		write_array(to, o, depth);
		break;
	}
}
