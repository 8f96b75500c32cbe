/* Reading JSON where it lies: values, escapes, what is no JSON, and lists that break off. */
#include "tests/unit/proves.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/json.h"
#include "lib/base/json_read.h"

#define ELEMENT_MAX 16 /* bytes of an element that test_lists reads */

static const char sample[] = " {\"a\":{\"n\":\"5\",\"x\":7,\"big\":9007199254740993,\"t\":\"true\",\"z\":null,\"f\":5.0,\"e\":-1.5e+3},"
	"\"l\":[ 1, \"two\" , [3], {\"four\":4}, true ],\"s\":\"q\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0439\\ud83d\\ude00\\ud83d!\",\"w\":\"й\",\"twin\":1,\"twin\":2} ";

static void test_values(void **state)
{
	struct arena arena = { 0 };
	const struct json_value *v, *l;

	(void)state;
	assert_int_equal(json_read(&v, &arena, str_of(sample)), OK);
	assert_int_equal(json_int_in(v, "a.n", 0), 5);
	assert_int_equal(json_int_in(v, "a.f", 0), 5);
	assert_int_equal(json_int_in(v, "a.e", 0), -1500);
	assert_true(json_int_in(v, "a.big", 0) == INT64_C(9007199254740993));
	assert_true(str_is(json_text_in(v, "a.x"), "7"));
	assert_true(json_bool_in(v, "a.t", false));
	assert_int_equal(json_int_in(v, "a.z", 3), 3);
	assert_int_equal(json_int_in(v, "a.none.deep", 4), 4);
	assert_int_equal(json_int_in(v, "l", 4), 4);
	assert_int_equal(json_int_in(v, "twin", 0), 2);
	assert_true(str_is(json_text_in(v, "s"), "q\"\\/\b\f\n\r\tй😀\xEF\xBF\xBD!"));
	assert_true(str_is(json_text_in(v, "w"), "й"));
	l = json_list_in(v, "l");
	assert_non_null(l);
	assert_int_equal(l->count, 5);
	assert_int_equal(json_first(l)->kind, JSON_NUMBER);
	assert_true(str_is(json_next(json_first(l))->text, "two"));
	assert_int_equal(json_last(l)->kind, JSON_BOOL);
	assert_null(json_list_in(v, "a"));
	assert_null(json_last(NULL));
	arena_release(&arena);
}

/* The same verdict as json-c's on everything that is not a matter of taste. */
static void test_verdicts(void **state)
{
	static const char *const good[] = { "null", "17", "-0", "0.5", "1e9", "\"\"", "[]", "{}", "[[],{}]", "true", " false ", "\"\\u0000\"" };
	static const char *const bad[] = {
		"", " ", "nul", "nullx", "tru", "-", "+1", ".5", "1.", "1e", "01", "\"", "\"\\", "\"\\\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12\"",
		"[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\" 1}",
		"]", "}", "[}", "{} x", "1 1", "\"\xFF\"", "\"\xED\xA0\x80\"", "{\"\xC3\":1}", "'a'",
		"{\"\\T\":1}", "{\"\\u12\":1}", "{\"\\\0\":1}",
	};
	struct arena arena = { 0 };
	const struct json_value *v;
	struct json_object *o;

	(void)state;
	for (size_t i = 0; i < countof(good); i++) {
		if (json_read(&v, &arena, str_of(good[i])) != OK)
			fail_msg("refused: %s", good[i]);
		assert_int_equal(json_parse(&o, str_of(good[i])), OK);
		json_object_put(o);
	}
	for (size_t i = 0; i < countof(bad); i++)
		if (json_read(&v, &arena, str_of(bad[i])) != E_INVALID || v)
			fail_msg("taken: %s", bad[i]);
	arena_release(&arena);
}

static void test_depth(void **state)
{
	char text[2 * (JSON_DEPTH_MAX + 1) + 1];
	struct arena arena = { 0 };
	const struct json_value *v;

	(void)state;
	for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		assert_int_equal(json_read(&v, &arena, str_n(text, 2 * (size_t)depth)), depth > JSON_DEPTH_MAX ? E_INVALID : OK);
	}
	arena_release(&arena);
}

/* Each beginning of a document lies right before a page that cannot be read. */
static void test_reads_nothing_behind(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = sizeof sample - 1;
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct arena arena = { 0 };
	const struct json_value *v;

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	for (size_t len = 0; len <= n; len++) {
		struct str text = str_n(memcpy(pages + page - len, sample, len), len), rest;
		struct json_element element;
		enum err e = json_read(&v, &arena, text);

		assert_int_equal(e, str_trim(text).len == str_trim(str_of(sample)).len ? OK : E_INVALID);
		if (json_list_open(&rest, text, "l") == OK)
			while (json_list_next(&element, &arena, &rest, SIZE_MAX) == OK)
				continue;
		arena_clear(&arena);
	}
	arena_release(&arena);
	munmap(pages, 2 * page);
}

static void test_lists(void **state)
{
	static const struct { const char *name, *text, *elements; enum err open, end; } cases[] = {
		{ "updates", "{\"ok\":true, \"x\":{\"result\":[7]}, \"result\" : [ {\"id\":1}, [2,\"]\"],3 , \"x\\\"]\", null ],\"n\":1}",
		  "{\"id\":1}|[2,\"]\"]|3|\"x\\\"]\"|null|", OK, E_NOTFOUND },
		{ "no JSON", "{\"result\":[1,{a:1},\"\xFF\",2]}", "1|?{a:1}|?\"\xFF\"|2|", OK, E_NOTFOUND },
		{ "too large", "{\"result\":[1,[2,\"0123456789\"],12345678901234567,3]}", "1|?[2,\"0123456789\"]|?12345678901234567|3|", OK, E_NOTFOUND },
		{ "empty", "{\"result\":[]}", "", OK, E_NOTFOUND },
		{ "breaks off", "{\"result\":[{\"id\":1},{\"id\":2", "{\"id\":1}|", OK, E_INVALID },
		{ "breaks off in a string", "{\"result\":[1,\"", "1|", OK, E_INVALID },
		{ "breaks off behind an element", "{\"result\":[1", "", OK, E_INVALID },
		{ "junk behind an element", "{\"result\":[{\"id\":1}x,{\"id\":2}]}", "?{\"id\":1}x|{\"id\":2}|", OK, E_NOTFOUND },
		{ "closes too often", "{\"result\":[1,}]}", "1|", OK, E_INVALID },
		{ "null", "{\"result\":null}", "", E_NOTFOUND, OK },
		{ "missing", "{\"ok\":true}", "", E_NOTFOUND, OK },
		{ "no object", "[1]", "", E_NOTFOUND, OK },
		{ "nothing", "", "", E_NOTFOUND, OK },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct arena arena = { 0 };
		struct json_element element;
		struct str rest;
		struct buf seen;
		enum err e;

		buf_init(&seen, 1024);
		if (json_list_open(&rest, str_of(cases[i].text), "result") != cases[i].open)
			fail_msg("%s: opening", cases[i].name);
		if (!cases[i].open) {
			while ((e = json_list_next(&element, &arena, &rest, ELEMENT_MAX)) == OK) {
				if (!element.value)
					buf_addc(&seen, '?');
				buf_add(&seen, element.text);
				buf_addc(&seen, '|');
			}
			if (e != cases[i].end || !str_is(buf_str(&seen), cases[i].elements))
				fail_msg("%s: %s", cases[i].name, buf_cstr(&seen));
		}
		buf_release(&seen);
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_values, "R023 R289"),
		proves(test_verdicts, "R289"),
		proves(test_depth, "R289"),
		proves(test_reads_nothing_behind, "R289"),
		proves(test_lists, "R289"),
	};

	return cmocka_run_group_tests_name("json_read", tests, NULL, NULL);
}
