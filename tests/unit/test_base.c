/* Memory, text, encodings, JSON, log. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/enc.h"
#include "lib/base/json.h"
#include "lib/base/limit.h"
#include "lib/base/log.h"
#include "lib/base/rand.h"

static void test_arena(void **state)
{
	struct arena a;
	char *s;

	(void)state;
	arena_init(&a);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(*arena_new(&a, int), 0);
	s = arena_printf(&a, "%d-%s", 5, "x");
	assert_string_equal(s, "5-x");
	assert_non_null(arena_alloc(&a, 100000));
	arena_clear(&a);
	assert_int_equal(a.used_bytes, 0);
	arena_release(&a);
}

static void test_numbers(void **state)
{
	static const struct { const char *text; enum err e; int64_t value; } cases[] = {
		{ "0", OK, 0 }, { "-1", OK, -1 }, { "9223372036854775807", OK, INT64_MAX },
		{ "-9223372036854775808", OK, INT64_MIN }, { "9223372036854775808", E_INVALID, 0 },
		{ "", E_INVALID, 0 }, { "-", E_INVALID, 0 }, { "1 ", E_INVALID, 0 }, { "+1", E_INVALID, 0 }, { "0x1", E_INVALID, 0 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t v = 0;

		assert_int_equal(str_to_i64(&v, str_of(cases[i].text)), cases[i].e);
		assert_true(v == cases[i].value);
	}
}

static void test_cut(void **state)
{
	struct str rest = STR("a,,b");
	int parts = 0;

	(void)state;
	while (rest.at) {
		str_cut(&rest, ',');
		parts++;
	}
	assert_int_equal(parts, 3);
}

static void test_utf8(void **state)
{
	struct arena a;
	struct str s = STR("aй😀");

	(void)state;
	arena_init(&a);
	assert_true(utf8_valid(s));
	assert_int_equal(utf8_points(s), 3);
	assert_int_equal(utf8_units(s), 4);
	assert_int_equal(utf8_head(s, 2).len, 3);
	assert_int_equal(utf8_head_bytes(s, 2).len, 1);
	assert_false(utf8_valid(STR("\xC0\x80")));
	assert_false(utf8_valid(STR("\xED\xA0\x80")));
	assert_false(utf8_valid(STR("\xF4\x90\x80\x80")));
	assert_false(utf8_valid(STR("\xE2\x82")));
	assert_true(str_is(utf8_clean(&a, STR("a\xFF" "b\x01" "c")), "a\xEF\xBF\xBD" "b c"));
	arena_release(&a);
}

static void test_buf(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_adds(&b, "12345");
	buf_addi(&b, INT64_MIN);
	assert_true(b.over);
	assert_string_equal(buf_cstr(&b), "12345");
	buf_clear(&b);
	buf_printf(&b, "%s", "1234567890");
	assert_false(b.over);
	buf_drop(&b, 8);
	assert_string_equal(buf_cstr(&b), "90");
	buf_release(&b);
}

static void test_encodings(void **state)
{
	static const struct { const char *plain, *b64, *b64url, *hex; } cases[] = {
		{ "", "", "", "" }, { "f", "Zg==", "Zg", "66" }, { "fo", "Zm8=", "Zm8", "666f" }, { "foo", "Zm9v", "Zm9v", "666f6f" },
		{ "\xff\xfe", "//4=", "__4", "fffe" },
	};
	unsigned char out[64];
	size_t n;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < countof(cases); i++) {
		struct str plain = str_of(cases[i].plain);

		buf_clear(&b);
		enc_base64(&b, plain.at, plain.len);
		assert_string_equal(buf_cstr(&b), cases[i].b64);
		assert_int_equal(dec_base64(out, sizeof out, &n, buf_str(&b)), OK);
		assert_true(str_eq(str_n((char *)out, n), plain));
		buf_clear(&b);
		enc_base64url(&b, plain.at, plain.len);
		assert_string_equal(buf_cstr(&b), cases[i].b64url);
		assert_int_equal(dec_base64(out, sizeof out, &n, buf_str(&b)), OK);
		assert_true(str_eq(str_n((char *)out, n), plain));
		buf_clear(&b);
		enc_hex(&b, plain.at, plain.len);
		assert_string_equal(buf_cstr(&b), cases[i].hex);
	}
	for (size_t len = 0; len <= 32; len++) {
		unsigned char bytes[32];

		rand_bytes(bytes, len);
		buf_clear(&b);
		enc_base32(&b, bytes, len);
		assert_int_equal(dec_base32(out, sizeof out, &n, buf_str(&b)), OK);
		assert_int_equal(n, len);
		assert_memory_equal(out, bytes, len);
	}
	assert_int_equal(dec_base32(out, sizeof out, &n, STR("u")), E_INVALID);
	buf_clear(&b);
	enc_percent(&b, STR("a b/й"), "/");
	assert_string_equal(buf_cstr(&b), "a%20b/%D0%B9");
	assert_int_equal(dec_percent(&b, STR("%4"), false), E_INVALID);
	buf_clear(&b);
	enc_html(&b, STR("<a & \"b\">"));
	assert_string_equal(buf_cstr(&b), "&lt;a &amp; &quot;b&quot;&gt;");
	buf_release(&b);
}

static void test_uuid(void **state)
{
	enum { COUNT = 100000 };
	char (*ids)[UUID_CHARS + 1] = xcalloc(COUNT, sizeof *ids);

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		rand_uuid(ids[i]);
		assert_int_equal(ids[i][14], '4');
		assert_non_null(strchr("89ab", ids[i][19]));
	}
	/* a pseudo random function begins anew with its seed; ours has none */
	for (int i = 0; i < COUNT; i += COUNT / 2) {
		srand(1);
		srandom(1);
		srand48(1);
		for (int k = 0; k < 100; k++)
			rand_uuid(ids[i + k]);
	}
	qsort(ids, COUNT, sizeof *ids, (int (*)(const void *, const void *))strcmp);
	for (int i = 1; i < COUNT; i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
	free(ids);
}

/* Each byte at each place of a text of each length up to three steps of eight: what a slow look says. */
static void test_plain(void **state)
{
	char text[24];

	(void)state;
	for (size_t len = 0; len <= sizeof text; len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 0; c < 256; c++) {
				bool is_plain = c >= 0x20 && c != '"' && c != '\\';

				memset(text, c < 128 ? 'x' : 0xFF, sizeof text);
				text[at] = (char)c;
				if (str_plain(str_n(text, len)) != (is_plain ? len : at))
					fail_msg("byte %d at %zu of %zu", c, at, len);
			}
}

static void test_json(void **state)
{
	struct json_object *o;
	struct buf b;
	struct json_out j;

	(void)state;
	assert_int_equal(json_parse(&o, STR("{\"a\":{\"n\":\"5\",\"x\":7,\"big\":9007199254740993,\"t\":\"true\",\"f\":1.5,\"z\":null}}")), OK);
	assert_int_equal(json_i64_at(o, "a.n", 0), 5);
	assert_true(str_is(json_str_at(o, "a.x"), "7"));
	assert_true(json_i64_at(o, "a.big", 0) == INT64_C(9007199254740993));
	assert_true(json_bool_at(o, "a.t", false));
	assert_true(json_bool_at(o, "a.f", false)); /* as json_read has it */
	assert_int_equal(json_i64_at(o, "a.z", 3), 3);
	assert_int_equal(json_i64_at(o, "a.none.deep", 4), 4);
	json_object_put(o);
	assert_int_equal(json_parse(&o, STR("{\"a\":")), E_INVALID);
	assert_int_equal(json_parse(&o, STR("{} x")), E_INVALID);
	assert_int_equal(json_parse(&o, STR("")), E_INVALID);
	assert_int_equal(json_parse(&o, STR("\"\xC1\x83\"")), E_INVALID); /* two bytes for one that needs one */
	assert_int_equal(json_parse(&o, STR("\"\xED\xA0\x80\"")), E_INVALID); /* half a pair */
	assert_int_equal(json_parse(&o, STR("\"\xF4\x90\x80\x80\"")), E_INVALID); /* beyond Unicode */
	assert_int_equal(json_parse(&o, STR("null")), OK);
	assert_null(o);
	assert_int_equal(json_parse(&o, STR("17")), OK);
	json_object_put(o);
	buf_init(&b, 4096);
	for (int deep = 0; deep < 2; deep++) {
		buf_clear(&b);
		for (int i = 0; i < (deep ? 100 : 20); i++)
			buf_addc(&b, '[');
		for (int i = 0; i < (deep ? 100 : 20); i++)
			buf_addc(&b, ']');
		assert_int_equal(json_parse(&o, buf_str(&b)), deep ? E_INVALID : OK);
		json_object_put(o);
	}
	buf_clear(&b);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_cstr(&j, "a", "q\"\\\n\x01й");
	json_key(&j, "l");
	json_open(&j, '[');
	json_add_i64(&j, -1);
	json_add_bool(&j, true);
	json_add_null(&j);
	json_close(&j, ']');
	json_put_i64(&j, "n", INT64_MAX);
	json_close(&j, '}');
	assert_string_equal(buf_cstr(&b), "{\"a\":\"q\\\"\\\\\\n\\u0001й\",\"l\":[-1,true,null],\"n\":9223372036854775807}");
	buf_release(&b);
}

static void keep_line(void *ctx, struct str line)
{
	buf_add(ctx, line);
	buf_addc(ctx, '\n');
}

static void test_log_secrets(void **state)
{
	struct buf lines;

	(void)state;
	buf_init(&lines, 65536);
	log_set_sink(keep_line, &lines);
	log_add_secret(STR("MARKER-secret"));
	log_info("test.one", KV("a", "x MARKER-secret y"), KV("password", "open"), KV("n", 5));
	log_info("test.two", KV("id", "client 0b6c1d2e-3f40-4a51-8b62-7c73d84e95f6 gone"));
	log_info("test.three", KV("url", "https://api.telegram.org/bot123456789:AAFdocVectorBotToken0123456789abcde/getMe"));
	log_info("test.four", KV("text", "see vless://id@host:443?x=y#name now"));
	log_info("test.five");
	log_debug("test.hidden");
	assert_non_null(strstr(buf_cstr(&lines), "test.one a=\"x *** y\" password=*** n=5"));
	assert_null(strstr(buf_cstr(&lines), "MARKER"));
	assert_null(strstr(buf_cstr(&lines), "0b6c1d2e"));
	assert_null(strstr(buf_cstr(&lines), "AAFdoc"));
	assert_null(strstr(buf_cstr(&lines), "host:443"));
	assert_null(strstr(buf_cstr(&lines), "hidden"));
	assert_int_equal(log_set_format("json"), OK);
	buf_clear(&lines);
	log_warn("test.six", KV("a", "b\n\"c"));
	assert_non_null(strstr(buf_cstr(&lines), "\"event\":\"test.six\",\"a\":\"b\\n\\\"c\"}"));
	log_set_format("text");
	log_set_sink(NULL, NULL);
	buf_release(&lines);
}

/* So many in a window; a clock that is set back begins a new one, and locks out nobody until it has caught up. */
static void test_limit(void **state)
{
	static struct limit l = { .max = 2, .window_ms = 60000 };

	(void)state;
	for (int64_t now_ms = 10000000; now_ms > 0; now_ms -= 5000000) {
		assert_int_equal(limit_take(&l, STR("anna"), now_ms), 0);
		assert_int_equal(limit_take(&l, STR("anna"), now_ms + 10000), 0);
		assert_int_equal(limit_take(&l, STR("anna"), now_ms + 20000), 40000);
		assert_int_equal(limit_take(&l, STR("boris"), now_ms + 20000), 0);
	}
	limit_reset(&l);
}

#define UUID "0b6c1d2e-3f40-4a51-8b62-7c73d84e95f6"

/* What is shown in place of it, wherever the secret stands and wherever the text is cut. */
static void test_blanked(void **state)
{
	static const struct { const char *text, *shown; } cases[] = {
		{ "id " UUID, "id ***" }, { "id_" UUID "_x", "id_***_x" }, { "a-" UUID, "a-***" }, { "q=%22" UUID "%22", "q=%22***%22" },
		{ "trojan://pass@host:443#x y", "*** y" }, { "ss://YWVz@host:8388", "***" }, { "\"vmess://abc\"", "\"***\"" }, { "hysteria2://pass@host", "***" },
		{ "hy2://pass@host", "***" }, { "wireguard://key@host", "***" }, { "%22vless://" UUID "@host", "%22***" },
		{ "wss://host/path", "wss://host/path" }, { "https://host/" UUID "/x", "https://host/***/x" },
		{ "bot 123456789:AAFdocVectorBotToken0123456789abcde", "bot ***" }, { "MARKER-blanked", "***" }, { "xMARKER-blankedx", "x***x" },
	};
	struct arena arena = { 0 };

	(void)state;
	log_add_secret(STR("MARKER-blanked"));
	for (size_t i = 0; i < countof(cases); i++)
		assert_string_equal(log_blanked(&arena, cases[i].text, 300), cases[i].shown);
	for (size_t before = 0; before < 60; before++)
		for (size_t i = 0; i < countof(cases); i++) {
			char *text = arena_printf(&arena, "%.*s %s", (int)before, "............................................................", cases[i].text);
			char *whole = arena_printf(&arena, "%.*s %s", (int)before, text, cases[i].shown);

			for (size_t max = 1; max < 60; max++)
				assert_string_equal(log_blanked(&arena, text, max), arena_printf(&arena, "%.*s", (int)max, whole));
		}
	assert_string_equal(log_blanked(&arena, "aж", 2), "a");
	assert_string_equal(log_blanked(&arena, "a\xffж", 4), "a\xEF\xBF\xBD");
	assert_null(log_blanked(&arena, NULL, 5));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_arena, ""),
		proves(test_numbers, ""),
		proves(test_cut, ""),
		proves(test_utf8, "R289"),
		proves(test_buf, "R289"),
		proves(test_encodings, ""),
		proves(test_uuid, "R033"),
		proves(test_plain, ""),
		proves(test_json, "R289"),
		proves(test_log_secrets, "R288"),
		proves(test_blanked, "R288"),
		proves(test_limit, ""),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
