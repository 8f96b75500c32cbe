/* See fuzz.h. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/json_read.h"

_Noreturn void fuzz_fail(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: must hold: %s\n", file, line, condition);
	abort();
}

unsigned fuzz_byte(struct str *rest)
{
	unsigned char byte;

	if (!rest->len)
		return 0;
	byte = (unsigned char)*rest->at;
	*rest = str_n(rest->at + 1, rest->len - 1);
	return byte;
}

struct str fuzz_part(struct str *rest)
{
	const char *end = rest->len ? memmem(rest->at, rest->len, FUZZ_PART, sizeof FUZZ_PART - 1) : NULL;
	struct str part = *rest;

	if (!end) {
		*rest = STR("");
		return part;
	}
	part.len = (size_t)(end - part.at);
	*rest = str_n(end + sizeof FUZZ_PART - 1, rest->len - part.len - (sizeof FUZZ_PART - 1));
	return part;
}

char *fuzz_exact(struct str s)
{
	char *copy = xmalloc(s.len);

	if (s.len)
		memcpy(copy, s.at, s.len);
	return copy;
}

bool fuzz_has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ')
			return true;
	return false;
}

bool fuzz_is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' && s.at[i] != '\n' && s.at[i] != '\t')
			return false;
	return utf8_valid(s);
}

static bool redress_value(struct json_out *j, const struct json_value *v);

static bool redress_inside(struct json_out *j, const struct json_value *v)
{
	const struct json_value *child = v->count ? json_first(v) : NULL;

	for (uint32_t i = 0; i < v->count; i++, child = i < v->count ? json_next(child) : child) {
		char key[64];

		if (v->kind == JSON_OBJECT) {
			if (child->key.len >= sizeof key || memchr(child->key.at, '\\', child->key.len) || fuzz_has_control(child->key))
				return false;
			memcpy(key, child->key.at, child->key.len);
			key[child->key.len] = '\0';
			json_key(j, key);
		}
		if (!redress_value(j, child))
			return false;
	}
	return true;
}

static bool redress_value(struct json_out *j, const struct json_value *v)
{
	int64_t i;
	char brackets[] = { v->kind == JSON_ARRAY ? '[' : '{', v->kind == JSON_ARRAY ? ']' : '}' };

	switch (v->kind) {
	case JSON_NUMBER:
		if (str_to_i64(&i, v->text) || str_is(v->text, "-0"))
			return false;
		json_add_str(j, v->text);
		return true;
	case JSON_STRING:
		json_add_str(j, v->text);
		return true;
	case JSON_NULL:
	case JSON_BOOL:
		json_add_raw(j, v->text);
		return true;
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	json_open(j, brackets[0]);
	if (v->kind == JSON_OBJECT)
		json_put_i64(j, "a_member_of_tomorrow", 1);
	if (!redress_inside(j, v))
		return false;
	json_close(j, brackets[1]);
	return true;
}

bool fuzz_redress(struct buf *to, const struct json_value *v)
{
	struct json_out j;

	json_out_init(&j, to);
	return redress_value(&j, v);
}
