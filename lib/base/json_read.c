/* Reading JSON in one pass over its bytes. */
#include "lib/base/json_read.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"

#define NUMBER_CHARS_MAX 64

#define ESCAPES "\"\\/bfnrt"
#define FEW_VALUES 64 /* an update of the usual kind has thirty */

/* The list grows outside the arena, which gets it when its length is known. */
struct reader {
	const char *at, *end;
	struct arena *arena;
	struct json_value *values, few[FEW_VALUES];
	size_t count, cap;
};

static void skip_space(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
		r->at++;
}

static bool take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* --- strings --- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits after \u; -1: there are none. */
static int32_t hex_four(const char *at, const char *end)
{
	int32_t value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(at[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static size_t put_point(char *to, uint32_t point)
{
	if (point < 0x80) {
		to[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		to[0] = (char)(0xC0 | point >> 6);
		to[1] = (char)(0x80 | (point & 0x3F));
		return 2;
	}
	if (point < 0x10000) {
		to[0] = (char)(0xE0 | point >> 12);
		to[1] = (char)(0x80 | (point >> 6 & 0x3F));
		to[2] = (char)(0x80 | (point & 0x3F));
		return 3;
	}
	to[0] = (char)(0xF0 | point >> 18);
	to[1] = (char)(0x80 | (point >> 12 & 0x3F));
	to[2] = (char)(0x80 | (point >> 6 & 0x3F));
	to[3] = (char)(0x80 | (point & 0x3F));
	return 4;
}

/* What \u at *at means, with its other half where it is one of a pair; a half alone is U+FFFD. *at moves behind it. */
static bool unicode_escape(uint32_t *point, const char **at, const char *end)
{
	int32_t first = hex_four(*at, end), second;

	if (first < 0)
		return false;
	*at += 4;
	*point = (uint32_t)first;
	if (first < 0xD800 || first > 0xDFFF)
		return true;
	second = first < 0xDC00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex_four(*at + 2, end) : -1;
	if (second < 0xDC00 || second > 0xDFFF) {
		*point = 0xFFFD;
		return true;
	}
	*at += 6;
	*point = 0x10000 + (((uint32_t)first & 0x3FF) << 10 | ((uint32_t)second & 0x3FF));
	return true;
}

/* An escape is never shorter than what it says, so the copy is at most as long. */
static bool unescape(struct str *s, struct arena *arena)
{
	static const char escapes[] = ESCAPES, meanings[] = "\"\\/\b\f\n\r\t";
	const char *at = s->at, *end = s->at + s->len, *which;
	char *out = arena_alloc(arena, s->len + 1);
	size_t n = 0;

	while (at < end) {
		uint32_t point;

		if (*at != '\\') {
			out[n++] = *at++;
			continue;
		}
		at += 2; /* behind the letter: string_end saw that there is one */
		if (at[-1] == 'u') {
			if (!unicode_escape(&point, &at, end))
				return false;
			n += put_point(out + n, point);
			continue;
		}
		which = at[-1] ? strchr(escapes, at[-1]) : NULL;
		if (!which)
			return false;
		out[n++] = meanings[which - escapes];
	}
	*s = str_n(out, n);
	return true;
}

/* The bytes up to the closing quote; *special: an escape is among them. */
static bool string_end(struct reader *r, struct str *s, bool *special)
{
	const char *begin = r->at, *p = begin;

	*special = false;
	for (;;) {
		p += str_plain(str_n(p, (size_t)(r->end - p)));
		if (p == r->end)
			return false;
		if (*p == '"')
			break;
		if (*p == '\\') {
			*special = true;
			p++;
		}
		if (p++ == r->end)
			return false;
	}
	r->at = p + 1;
	*s = str_n(begin, (size_t)(p - begin));
	return true;
}

static bool string_value(struct reader *r, struct json_value *v)
{
	bool special;

	if (!string_end(r, &v->text, &special) || !utf8_valid(v->text))
		return false;
	v->kind = JSON_STRING;
	return !special || unescape(&v->text, r->arena);
}

static bool escapes_are_good(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '\\') {
			char letter = s.at[++i]; /* string_end saw that there is one */

			if (letter == 'u' ? hex_four(s.at + i + 1, s.at + s.len) < 0 : !letter || !strchr(ESCAPES, letter))
				return false;
		}
	return true;
}

/* Left as it stands, but what is no JSON is none in a name, too. */
static bool key_of(struct reader *r, struct str *key)
{
	bool special;

	return take(r, '"') && string_end(r, key, &special) && utf8_valid(*key) && (!special || escapes_are_good(*key));
}

/* --- values --- */

static bool digits(struct reader *r)
{
	const char *begin = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return r->at > begin;
}

static bool number_value(struct reader *r, struct json_value *v)
{
	const char *begin = r->at;

	take(r, '-');
	if (!take(r, '0') && !digits(r))
		return false;
	if (take(r, '.') && !digits(r))
		return false;
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			take(r, '-');
		if (!digits(r))
			return false;
	}
	v->kind = JSON_NUMBER;
	v->text = str_n(begin, (size_t)(r->at - begin));
	return true;
}

static bool word_value(struct reader *r, struct json_value *v, struct str word, enum json_kind kind)
{
	if ((size_t)(r->end - r->at) < word.len || memcmp(r->at, word.at, word.len) != 0)
		return false;
	v->kind = kind;
	v->text = str_n(r->at, word.len);
	r->at += word.len;
	return true;
}

static bool value(struct reader *r, struct str key, int depth);

/* Elements, or members with their keys, up to the closing bracket. */
static bool container_value(struct reader *r, char close, uint32_t *count, int depth)
{
	bool is_object = close == '}';
	struct str key = { 0 };

	skip_space(r);
	if (take(r, close))
		return true;
	do {
		skip_space(r);
		if (is_object) {
			if (!key_of(r, &key))
				return false;
			skip_space(r);
			if (!take(r, ':'))
				return false;
			skip_space(r);
		}
		if (!value(r, key, depth + 1))
			return false;
		++*count;
		skip_space(r);
	} while (take(r, ','));
	return take(r, close);
}

static bool read_at(struct reader *r, struct json_value *v, int depth)
{
	switch (*r->at) {
	case '"':
		r->at++;
		return string_value(r, v);
	case '{':
		r->at++;
		v->kind = JSON_OBJECT;
		return container_value(r, '}', &v->count, depth);
	case '[':
		r->at++;
		v->kind = JSON_ARRAY;
		return container_value(r, ']', &v->count, depth);
	case 't': return word_value(r, v, STR("true"), JSON_BOOL);
	case 'f': return word_value(r, v, STR("false"), JSON_BOOL);
	case 'n': return word_value(r, v, STR("null"), JSON_NULL);
	default: return number_value(r, v);
	}
}

static void grow(struct reader *r)
{
	r->cap *= 2;
	if (r->values == r->few)
		r->values = memcpy(xmalloc(r->cap * sizeof *r->values), r->few, sizeof r->few);
	else
		r->values = xrealloc(r->values, r->cap * sizeof *r->values);
}

static bool value(struct reader *r, struct str key, int depth)
{
	struct json_value v = { .key = key };
	size_t place = r->count;
	bool good;

	if (r->at == r->end || depth > JSON_DEPTH_MAX)
		return false;
	if (r->count == r->cap)
		grow(r);
	r->count++;
	good = read_at(r, &v, depth);
	v.span = (uint32_t)(r->count - place);
	r->values[place] = v; /* only now: what is inside may have moved the list */
	return good;
}

/* The value that text begins with, *end behind it; NULL: none. */
static const struct json_value *value_at(struct arena *arena, struct str text, const char **end)
{
	const struct json_value *out = NULL;
	struct reader r;

	r.at = text.at;
	r.end = text.at + text.len;
	r.arena = arena;
	r.values = r.few;
	r.count = 0;
	r.cap = FEW_VALUES;
	skip_space(&r);
	if (value(&r, STR(""), 1))
		out = memcpy(arena_array(arena, struct json_value, r.count), r.values, r.count * sizeof *r.values);
	if (r.values != r.few)
		free(r.values);
	*end = r.at;
	return out;
}

enum err json_read(const struct json_value **out, struct arena *arena, struct str text)
{
	struct reader behind = { .end = text.at + text.len };

	*out = text.len && text.len <= UINT32_MAX / 2 ? value_at(arena, text, &behind.at) : NULL;
	if (!*out)
		return E_INVALID;
	skip_space(&behind);
	if (behind.at == behind.end)
		return OK;
	*out = NULL;
	return E_INVALID;
}

/* --- looking --- */

const struct json_value *json_first(const struct json_value *v)
{
	return v + 1;
}

const struct json_value *json_next(const struct json_value *v)
{
	return v + v->span;
}

const struct json_value *json_last(const struct json_value *v)
{
	const struct json_value *last;

	if (!v || !v->count)
		return NULL;
	last = json_first(v);
	for (uint32_t i = 1; i < v->count; i++)
		last = json_next(last);
	return last;
}

static const struct json_value *member(const struct json_value *v, struct str key)
{
	const struct json_value *m = json_first(v), *found = NULL;

	for (uint32_t i = 0; i < v->count; i++, m = json_next(m))
		if (m->key.len == key.len && memcmp(m->key.at, key.at, key.len) == 0)
			found = m;
	return found;
}

const struct json_value *json_in(const struct json_value *v, const char *path)
{
	const char *end;

	do {
		if (!v || v->kind != JSON_OBJECT)
			return NULL;
		end = strchrnul(path, '.');
		v = member(v, str_n(path, (size_t)(end - path)));
		path = end + 1;
	} while (*end);
	return v && v->kind != JSON_NULL ? v : NULL;
}

struct str json_text_in(const struct json_value *v, const char *path)
{
	v = json_in(v, path);
	return v && (v->kind == JSON_STRING || v->kind == JSON_NUMBER) ? v->text : STR("");
}

static int64_t number_of(struct str text, int64_t otherwise)
{
	char terminated[NUMBER_CHARS_MAX];
	int64_t i;
	double d;

	if (str_to_i64(&i, text) == OK)
		return i;
	if (text.len >= sizeof terminated)
		return otherwise;
	memcpy(terminated, text.at, text.len);
	terminated[text.len] = '\0';
	d = strtod(terminated, NULL);
	return d >= -9.2e18 && d <= 9.2e18 ? (int64_t)d : otherwise;
}

int64_t json_int_in(const struct json_value *v, const char *path, int64_t otherwise)
{
	int64_t i;

	v = json_in(v, path);
	if (!v)
		return otherwise;
	switch (v->kind) {
	case JSON_NUMBER: return number_of(v->text, otherwise);
	case JSON_STRING: return str_to_i64(&i, v->text) == OK ? i : otherwise;
	case JSON_BOOL: return v->text.at[0] == 't';
	default: return otherwise;
	}
}

bool json_bool_in(const struct json_value *v, const char *path, bool otherwise)
{
	int64_t i;

	v = json_in(v, path);
	if (!v)
		return otherwise;
	switch (v->kind) {
	case JSON_BOOL:
		return v->text.at[0] == 't';
	case JSON_NUMBER:
		return number_of(v->text, 0) != 0;
	case JSON_STRING:
		if (str_is_nocase(v->text, "true"))
			return true;
		if (str_is_nocase(v->text, "false"))
			return false;
		return str_to_i64(&i, v->text) == OK ? i != 0 : otherwise;
	default:
		return otherwise;
	}
}

const struct json_value *json_list_in(const struct json_value *v, const char *path)
{
	v = json_in(v, path);
	return v && v->kind == JSON_ARRAY ? v : NULL;
}

/* --- long lists --- */

/* Moves behind one value without looking at what it says. */
static bool skip_value(struct reader *r)
{
	bool special;
	struct str s;
	int depth = 0;

	do {
		if (r->at == r->end)
			return false;
		switch (*r->at++) {
		case '"':
			if (!string_end(r, &s, &special))
				return false;
			break;
		case '{': case '[': depth++; break;
		case '}': case ']': depth--; break;
		default: break;
		}
		/* a number or word ends where something else begins */
	} while (depth > 0 || (r->at < r->end && !strchr(",]} \n\r\t", *r->at)));
	return depth == 0 && r->at < r->end;
}

enum err json_list_open(struct str *rest, struct str text, const char *name)
{
	struct reader r = { .at = text.at, .end = text.at + text.len };
	struct str key;

	skip_space(&r);
	if (!take(&r, '{'))
		return E_NOTFOUND;
	do {
		skip_space(&r);
		if (!key_of(&r, &key))
			return E_NOTFOUND;
		skip_space(&r);
		if (!take(&r, ':'))
			return E_NOTFOUND;
		skip_space(&r);
		if (str_is(key, name) && take(&r, '[')) {
			skip_space(&r);
			*rest = str_n(r.at, (size_t)(r.end - r.at));
			return OK;
		}
		if (!skip_value(&r))
			return E_NOTFOUND;
		skip_space(&r);
	} while (take(&r, ','));
	return E_NOTFOUND;
}

enum err json_list_next(struct json_element *element, struct arena *arena, struct str *rest, size_t bytes_max)
{
	struct reader r = { .at = rest->at, .end = rest->at + rest->len };
	struct str some = str_n(rest->at, rest->len < bytes_max ? rest->len : bytes_max);

	if (take(&r, ']'))
		return E_NOTFOUND;
	element->value = value_at(arena, some, &r.at);
	if (r.at == some.at + some.len) /* a number may go on behind it */
		element->value = NULL;
	if (element->value && !strchr(",]} \n\r\t", *r.at)) /* where skip_value ends, so that what is no JSON has one end */
		element->value = NULL;
	if (!element->value) {
		r.at = rest->at;
		if (!skip_value(&r))
			return E_INVALID;
	}
	element->text = str_n(rest->at, (size_t)(r.at - rest->at));
	skip_space(&r);
	if (take(&r, ','))
		skip_space(&r);
	else if (r.at == r.end || *r.at != ']')
		return E_INVALID;
	*rest = str_n(r.at, (size_t)(r.end - r.at));
	return OK;
}
