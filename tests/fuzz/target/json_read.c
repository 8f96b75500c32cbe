/* JSON read where it lies (R023, R289): what it takes json-c takes, too, and finds the same there; a list read element by element
 * (as updates are) is the list read whole, and one that breaks off anywhere keeps exactly what came before. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/json_read.h"

#define LIST "result"
#define CUTS_MAX 64
#define DIGITS_MAX 64
#define LITTLE 24 /* elements beyond it are passed over, not lost */

static bool is_plain_key(struct str key)
{
	return !memchr(key.at, '\\', key.len) && !memchr(key.at, '.', key.len) && !memchr(key.at, '\0', key.len) && key.len && key.len < 60;
}

static void same(const struct json_value *v, struct json_object *o);

static void same_member(const struct json_value *object, struct json_object *o, struct str key)
{
	char name[64];
	struct json_object *theirs;
	const struct json_value *ours;

	memcpy(name, key.at, key.len);
	name[key.len] = '\0';
	ours = json_in(object, name);
	theirs = json_at(o, name);
	must((ours == NULL) == (theirs == NULL));
	if (!ours)
		return;
	same(ours, theirs);
	if (ours->kind == JSON_NUMBER && ours->text.len >= DIGITS_MAX)
		return; /* not read as numbers at all */
	must(str_eq(json_text_in(object, name), json_str_at(o, name)) || json_object_is_type(theirs, json_type_int)); /* -0, too long */
	if (json_i64_at(o, name, 0) == INT64_MAX || json_i64_at(o, name, 0) == INT64_MIN)
		return; /* json-c takes the nearest, json_read the default */
	must(json_int_in(object, name, -7) == json_i64_at(o, name, -7));
	must(json_bool_in(object, name, true) == json_bool_at(o, name, true));
	must(json_bool_in(object, name, false) == json_bool_at(o, name, false));
}

static void same(const struct json_value *v, struct json_object *o)
{
	static const enum json_kind kinds[] = { [json_type_null] = JSON_NULL, [json_type_boolean] = JSON_BOOL, [json_type_double] = JSON_NUMBER,
		[json_type_int] = JSON_NUMBER, [json_type_object] = JSON_OBJECT, [json_type_array] = JSON_ARRAY, [json_type_string] = JSON_STRING };
	const struct json_value *child = v->count ? json_first(v) : NULL;

	must(v->kind == kinds[json_object_get_type(o)]);
	must(v->span > v->count || v->kind < JSON_ARRAY);
	if (v->kind == JSON_STRING) {
		must(utf8_valid(v->text));
		must(str_eq(v->text, str_n(json_object_get_string(o), (size_t)json_object_get_string_len(o))));
	}
	if (v->kind == JSON_ARRAY)
		must(v->count == json_len(o));
	for (uint32_t i = 0; i < v->count; i++, child = i < v->count ? json_next(child) : child) {
		if (v->kind == JSON_ARRAY)
			same(child, json_object_array_get_idx(o, i));
		else if (is_plain_key(child->key))
			same_member(v, o, child->key);
	}
}

/* What is read with the list is what is read from the element alone. */
static void same_alone(struct arena *a, const struct json_element *e, size_t bytes_max)
{
	const struct json_value *alone;
	enum err known = json_read(&alone, a, e->text);

	must(!e->value || known == OK);
	must(e->value || known || e->text.len >= bytes_max);
	if (e->value)
		must(e->value->kind == alone->kind && e->value->count == alone->count && e->value->span == alone->span && str_eq(e->value->text, alone->text));
}

/* How many elements of the list come whole before the text breaks; the first of them are those of whole. */
static size_t elements(struct arena *a, struct str text, const struct json_value *whole, size_t bytes_max, enum err *end)
{
	const struct json_value *want = whole && whole->count ? json_first(whole) : NULL;
	struct json_element element;
	struct str rest;
	size_t n = 0;

	*end = json_list_open(&rest, text, LIST);
	while (!*end && (*end = json_list_next(&element, a, &rest, bytes_max)) == OK) {
		must(element.text.at >= text.at && element.text.at + element.text.len <= text.at + text.len);
		same_alone(a, &element, bytes_max);
		if (whole) {
			must(n < whole->count);
			must(!element.value || (element.value->kind == want->kind && element.value->count == want->count && str_eq(element.value->text, want->text)));
			want = n + 1 < whole->count ? json_next(want) : want;
		}
		must(++n <= text.len);
	}
	return n;
}

/* Of twins json_in takes the last and json_list_open, which has not seen it yet, the first. */
static bool has_twins(const struct json_value *root)
{
	const struct json_value *v = root->kind == JSON_OBJECT && root->count ? json_first(root) : NULL;
	size_t n = 0;

	for (uint32_t i = 0; v && i < root->count; i++, v = i < root->count ? json_next(v) : v)
		n += str_is(v->key, LIST);
	return n > 1;
}

static void lists(struct arena *a, struct str text, const struct json_value *root)
{
	const struct json_value *list = root && !has_twins(root) ? json_list_in(root, LIST) : NULL;
	enum err end, end_of_little;
	size_t n = elements(a, text, list, SIZE_MAX, &end);

	must(elements(a, text, list, LITTLE, &end_of_little) == n && end_of_little == end);
	if (!list)
		return;
	must(end == E_NOTFOUND && n == list->count);
	for (size_t i = 0; i < CUTS_MAX && i < text.len; i++) {
		size_t cut = text.len * i / CUTS_MAX;
		char *part = fuzz_exact(str_n(text.at, cut));

		must(elements(a, str_n(part, cut), list, SIZE_MAX, &end) <= n);
		free(part);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	struct arena a = { 0 };
	const struct json_value *v = NULL;
	struct json_object *o = NULL;
	enum err ours = json_read(&v, &a, text), theirs = json_parse(&o, text);

	must(ours || !theirs || fuzz_has_control(text)); /* json-c takes more: "007", control characters in names */
	if (!ours && !theirs)
		same(v, o);
	lists(&a, text, ours ? NULL : v);
	json_object_put(o);
	arena_release(&a);
	return 0;
}
