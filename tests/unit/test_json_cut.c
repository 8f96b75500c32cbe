/* The streaming cutter: every split, every break, text in text, and memory that does not grow with the document. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/json_cut.h"

/* What the rules' functions saw, in order, one line each. */
struct seen {
	struct buf lines;
	enum err answer; /* of the functions */
	int left;        /* calls until answer is given */
};

static enum err note(struct seen *s, const char *mark, struct str text)
{
	buf_adds(&s->lines, mark);
	buf_add(&s->lines, text);
	buf_addc(&s->lines, '\n');
	return s->left-- > 0 ? OK : s->answer;
}

static enum err saw_a(void *ctx, struct str text) { return note(ctx, "a ", text); }
static enum err saw_b(void *ctx, struct str text) { return note(ctx, "b ", text); }
static enum err saw_c(void *ctx, struct str text) { return note(ctx, "c ", text); }

static const struct json_cut_rule result_rules[] = { { .path = "result[]", .fn = saw_a } };
static const struct json_cut_rule top_rules[] = { { .path = "[]", .fn = saw_a } };
static const struct json_cut_rule whole_rules[] = { { .path = "", .fn = saw_a } };
static const struct json_cut_rule member_rules[] = { { .path = "obj.clients", .fn = saw_a }, { .path = "obj.n", .fn = saw_b, .keep = true } };
static const struct json_cut_rule grid_rules[] = { { .path = "[][]", .fn = saw_a } };
static const struct json_cut_rule panel_rules[] = {
	{ .path = "obj[]", .fn = saw_a },
	{ .path = "obj[].id", .fn = saw_b, .keep = true },
	{ .path = "obj[].settings$.clients[]", .fn = saw_c },
	{ .path = "obj[].clientStats" },
};
static const struct json_cut_rule deep_rules[] = { { .path = "a$.b$.c[]", .fn = saw_a }, { .path = "a$.b$.d", .fn = saw_b } };

struct cut_case {
	const char *name;
	const struct json_cut_rule *rules;
	size_t rules_count;
	const char *text, *lines, *rest;
};

#define RULES(r) (r), countof(r)

static const struct cut_case cases[] = {
	{ "list of updates", RULES(result_rules), "{\"ok\":true, \"result\":[ {\"id\":1}, [2,\"]\"],3 , \"x\\\"]\", null ],\"n\":-1.5e+3}",
	  "a {\"id\":1}\na [2,\"]\"]\na 3\na \"x\\\"]\"\na null\n", "{\"ok\":true,\"result\":[],\"n\":-1.5e+3}" },
	{ "empty list", RULES(result_rules), "{\"result\":[],\"ok\":false}", "", "{\"result\":[],\"ok\":false}" },
	{ "null list", RULES(result_rules), "{\"result\":null}", "", "{\"result\":null}" },
	{ "list is an object", RULES(result_rules), "{\"result\":{\"a\":[1]}}", "", "{\"result\":{\"a\":[1]}}" },
	{ "same name elsewhere", RULES(result_rules), "{\"x\":{\"result\":[1]},\"result\":[2]}", "a 2\n", "{\"x\":{\"result\":[1]},\"result\":[]}" },
	{ "escaped name", RULES(result_rules), "{\"r\\u0065sult\":[1]}", "a 1\n", "{\"r\\u0065sult\":[]}" },
	{ "the top is the array", RULES(top_rules), " [1, {\"a\":[]} ,\"b\"] ", "a 1\na {\"a\":[]}\na \"b\"\n", "[]" },
	{ "whole document", RULES(whole_rules), "{\"a\":[1, 2]}", "a {\"a\":[1,2]}\n", "null" },
	{ "a bare number", RULES(whole_rules), "-12.5", "a -12.5\n", "null" },
	{ "members", RULES(member_rules), "{\"obj\":{\"n\":7,\"clients\":[1,2],\"z\":true}}", "b 7\na [1,2]\n",
	  "{\"obj\":{\"n\":7,\"clients\":null,\"z\":true}}" },
	{ "array of arrays", RULES(grid_rules), "[[1,2],[],3,[\"x\"]]", "a 1\na 2\na \"x\"\n", "[[],[],3,[]]" },
	{ "panel, settings as text", RULES(panel_rules),
	  "{\"success\":true,\"obj\":[{\"id\":3,\"clientStats\":[{\"up\":1}],\"settings\":\"{\\n \\\"clients\\\": [ {\\\"email\\\":\\\"a\\\\\\\"b\\\\u00e9\\\"},"
	  "\\n7 ],\\n \\\"decryption\\\":\\\"no\\\\\\\\ne\\\"}\",\"tag\":\"t\"},{\"id\":4,\"settings\":\"{}\"}]}",
	  "b 3\nc {\"email\":\"a\\\"b\\u00e9\"}\nc 7\n"
	  "a {\"id\":3,\"clientStats\":null,\"settings\":\"{\\\"clients\\\":[],\\\"decryption\\\":\\\"no\\\\\\\\ne\\\"}\",\"tag\":\"t\"}\n"
	  "b 4\na {\"id\":4,\"settings\":\"{}\"}\n", "{\"success\":true,\"obj\":[]}" },
	{ "panel, settings as object", RULES(panel_rules), "{\"obj\":[{\"id\":3,\"settings\":{\"clients\":[{\"e\":1}],\"x\":2}}]}",
	  "b 3\nc {\"e\":1}\na {\"id\":3,\"settings\":{\"clients\":[],\"x\":2}}\n", "{\"obj\":[]}" },
	{ "settings empty, broken, unfinished", RULES(panel_rules),
	  "{\"obj\":[{\"settings\":\"\"},{\"settings\":\"{\\\"clients\\\":[1,2,x]}\"},{\"settings\":\"{\\\"clients\\\":[{\\\"a\\\":5\"},{\"settings\":\"words\",\"id\":9}]}",
	  "a {\"settings\":\"\"}\nc 1\nc 2\na {\"settings\":\"{\\\"clients\\\":[\"}\na {\"settings\":\"{\\\"clients\\\":[\"}\nb 9\na {\"settings\":\"\",\"id\":9}\n",
	  "{\"obj\":[]}" },
	{ "surrogates in text", RULES(panel_rules),
	  "{\"obj\":[{\"settings\":\"{\\\"clients\\\":[\\\"\\ud83d\\ude00\\\",\\\"\\ud83d\\\",\\\"\\ud83dx\\\",\\\"\\ude00\\\",\\\"\\ud83d\\u00e9\\\",\\\"\\\\ud83d\\\\ude00\\\"]}\"}]}",
	  "c \"\xF0\x9F\x98\x80\"\nc \"\xEF\xBF\xBD\"\nc \"\xEF\xBF\xBDx\"\nc \"\xEF\xBF\xBD\"\nc \"\xEF\xBF\xBD\xC3\xA9\"\nc \"\\ud83d\\ude00\"\n"
	  "a {\"settings\":\"{\\\"clients\\\":[]}\"}\n", "{\"obj\":[]}" },
	{ "text in text in text", RULES(deep_rules), "{\"a\":\"{\\\"b\\\":\\\"{\\\\\\\"c\\\\\\\":[1,\\\\\\\"x\\\\\\\"],\\\\\\\"d\\\\\\\":5,\\\\\\\"e\\\\\\\":6}\\\"}\"}",
	  "a 1\na \"x\"\nb 5\n", "{\"a\":\"{\\\"b\\\":\\\"{\\\\\\\"c\\\\\\\":[],\\\\\\\"d\\\\\\\":null,\\\\\\\"e\\\\\\\":6}\\\"}\"}" },
	{ "number ends the inner text", RULES(deep_rules), "{\"a\":\"12\",\"z\":1}", "", "{\"a\":\"12\",\"z\":1}" },
};

static enum err cut_pieces(struct seen *seen, struct buf *rest, const struct cut_case *k, const char *text, size_t len, size_t first, size_t each)
{
	struct json_cut c;
	enum err e;

	buf_clear(&seen->lines);
	json_cut_init(&c, k->rules, k->rules_count, seen);
	e = json_cut_feed(&c, str_n(text, first));
	for (size_t i = first; i < len; i += each)
		e = json_cut_feed(&c, str_n(text + i, len - i < each ? len - i : each));
	if (!e)
		e = json_cut_end(&c);
	else
		assert_int_equal(json_cut_end(&c), e);
	buf_clear(rest);
	buf_add(rest, json_cut_rest(&c));
	json_cut_release(&c);
	return e;
}

static void test_every_split(void **state)
{
	struct seen seen = { .left = 1000000 };
	struct buf rest;

	(void)state;
	buf_init(&seen.lines, 1 << 20);
	buf_init(&rest, 1 << 20);
	for (size_t i = 0; i < countof(cases); i++) {
		const struct cut_case *k = &cases[i];
		size_t len = strlen(k->text);

		for (size_t first = 0; first <= len + 1; first++) {
			/* first bytes, then the rest in one piece; the last round is byte by byte */
			enum err e = cut_pieces(&seen, &rest, k, k->text, len, first <= len ? first : 0, first <= len ? len : 1);

			if (e || strcmp(buf_cstr(&seen.lines), k->lines) || strcmp(buf_cstr(&rest), k->rest))
				fail_msg("%s, split at %zu: %s\n%s\nrest %s", k->name, first, err_name(e), buf_cstr(&seen.lines), buf_cstr(&rest));
		}
	}
	buf_release(&seen.lines);
	buf_release(&rest);
}

/* A document that ends early is no document, wherever it ends. */
static void test_every_end(void **state)
{
	struct seen seen = { .left = 1000000 };
	struct buf rest;

	(void)state;
	buf_init(&seen.lines, 1 << 20);
	buf_init(&rest, 1 << 20);
	for (size_t i = 0; i < countof(cases); i++) {
		size_t len = strlen(cases[i].text);

		for (size_t cut = 0; cut < len; cut++) {
			bool is_whole = str_trim(str_n(cases[i].text + cut, len - cut)).len == 0 || !strcmp(cases[i].name, "a bare number");

			if (!is_whole && cut_pieces(&seen, &rest, &cases[i], cases[i].text, cut, 0, 3) != E_INVALID)
				fail_msg("%s ended at %zu", cases[i].name, cut);
		}
	}
	buf_release(&seen.lines);
	buf_release(&rest);
}

/* Each byte in turn becomes another one: what the cutter takes, json-c takes, and nearly the reverse. */
static void test_every_break(void **state)
{
	static const char wrong[] = "{}[]\",:\\x1.e- \n\x01";
	struct seen seen = { .left = 1000000 };
	struct buf rest;
	int refused = 0;

	(void)state;
	buf_init(&seen.lines, 1 << 20);
	buf_init(&rest, 1 << 20);
	for (size_t i = 0; i < countof(cases); i++) {
		size_t len = strlen(cases[i].text);
		char *text = xstrdup(cases[i].text);

		for (size_t at = 0; at < len; at++) {
			for (size_t w = 0; w < sizeof wrong - 1; w++) {
				struct json_object *o;
				bool is_json;
				enum err e;

				text[at] = wrong[w];
				is_json = json_parse(&o, str_n(text, len)) == OK;
				json_object_put(o);
				e = cut_pieces(&seen, &rest, &cases[i], text, len, 0, len);
				refused += e != OK;
				/* json-c also takes "3.", "3.e1" and control characters in strings; nothing else may differ */
				if (e == OK ? !is_json : is_json && !strchr(".e-\n\x01", wrong[w]) && text[at - 1] != '.')
					fail_msg("%s, %c at %zu: %s", cases[i].name, wrong[w], at, text);
				if (e == OK && json_parse(&o, buf_str(&rest)))
					fail_msg("%s, %c at %zu leaves %s", cases[i].name, wrong[w], at, buf_cstr(&rest));
				else if (e == OK)
					json_object_put(o);
			}
			text[at] = cases[i].text[at];
		}
		free(text);
	}
	assert_true(refused > 1000);
	buf_release(&seen.lines);
	buf_release(&rest);
}

static void test_not_json(void **state)
{
	static const char *const texts[] = {
		"", " ", "{", "}", "]", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "[1 2]", "[01]", "[1.]", "[.5]", "[+1]", "[-]", "[1e]",
		"[1e+]", "[tru]", "[nulll]", "[\"\\x\"]", "[\"\\u12g4\"]", "[\"a\nb\"]", "[1]]", "[1] 2", "{]", "[}", "'a'", "NaN", "\xEF\xBB\xBF[]", "[1]\x01",
	};
	struct seen seen = { .left = 1000 };
	struct buf rest;

	(void)state;
	buf_init(&seen.lines, 4096);
	buf_init(&rest, 4096);
	for (size_t i = 0; i < countof(texts); i++)
		if (cut_pieces(&seen, &rest, &(struct cut_case){ .rules = result_rules, .rules_count = 1 }, texts[i], strlen(texts[i]), 0, 100) != E_INVALID)
			fail_msg("taken: %s", texts[i]);
	buf_release(&seen.lines);
	buf_release(&rest);
}

static void test_depth(void **state)
{
	struct json_cut c;
	enum err e = OK;

	(void)state;
	json_cut_init(&c, result_rules, 1, NULL);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		assert_int_equal(json_cut_feed(&c, STR("[")), OK);
	e = json_cut_feed(&c, STR("["));
	assert_int_equal(e, E_INVALID);
	assert_int_equal(json_cut_feed(&c, STR("]")), E_INVALID);
	json_cut_release(&c);
}

static void test_bounds(void **state)
{
	static const struct json_cut_rule small[] = { { .path = "[]", .fn = saw_a, .bytes_max = 8 }, { .path = "[].big" } };
	struct seen seen = { .left = 1000 };
	struct json_cut c;
	enum err e = OK;

	(void)state;
	buf_init(&seen.lines, 4096);
	json_cut_init(&c, small, 1, &seen);
	assert_int_equal(json_cut_feed(&c, STR("[\"123456\",")), OK);
	assert_int_equal(json_cut_feed(&c, STR("\"1234567\",")), E_TOOBIG);
	assert_int_equal(json_cut_end(&c), E_TOOBIG);
	json_cut_release(&c);

	/* what is cut out unseen may have any length */
	json_cut_init(&c, (const struct json_cut_rule[]){ { .path = "big" } }, 1, &seen);
	assert_int_equal(json_cut_feed(&c, STR("{\"big\":\"")), OK);
	for (int i = 0; i < 100; i++)
		assert_int_equal(json_cut_feed(&c, str_n((char[8192]){ [0 ... 8191] = 'x' }, 8192)), OK);
	assert_int_equal(json_cut_feed(&c, STR("\"}")), OK);
	assert_int_equal(json_cut_end(&c), OK);
	assert_true(str_is(json_cut_rest(&c), "{\"big\":null}"));
	json_cut_release(&c);

	/* the rest has a maximum, too */
	json_cut_init(&c, small, 1, &seen);
	for (int i = 0; !e && i < 100; i++)
		e = json_cut_feed(&c, str_n(i ? (char[8192]){ [0 ... 8191] = 'x' } : "\"", i ? 8192 : 1));
	assert_int_equal(e, E_TOOBIG);
	json_cut_release(&c);
	buf_release(&seen.lines);
}

static void test_function_stops(void **state)
{
	static const enum err answers[] = { E_REFUSED, E_INVALID };

	(void)state;
	for (size_t i = 0; i < countof(answers); i++) {
		struct seen seen = { .left = 1, .answer = answers[i] };
		struct json_cut c;

		buf_init(&seen.lines, 4096);
		json_cut_init(&c, RULES(panel_rules), &seen);
		assert_int_equal(json_cut_feed(&c, STR("{\"obj\":[{\"settings\":\"{\\\"clients\\\":[1,2,3]}\"}]}")), answers[i]);
		assert_int_equal(json_cut_end(&c), answers[i]);
		assert_string_equal(buf_cstr(&seen.lines), "c 1\nc 2\n");
		json_cut_release(&c);
		buf_release(&seen.lines);
	}
}

/* Input that ends right before an unreadable page. */
static void test_reads_nothing_behind(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct seen seen = { .left = 1000000 };
	struct buf rest;

	(void)state;
	assert_true(pages != MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	buf_init(&seen.lines, 1 << 20);
	buf_init(&rest, 1 << 20);
	for (size_t i = 0; i < countof(cases); i++) {
		size_t len = strlen(cases[i].text);

		for (size_t n = 0; n <= len; n++) {
			memcpy(pages + page - n, cases[i].text, n);
			cut_pieces(&seen, &rest, &cases[i], pages + page - n, n, n, 1);
		}
	}
	buf_release(&seen.lines);
	buf_release(&rest);
	munmap(pages, 2 * page);
}

static enum err count(void *ctx, struct str text)
{
	struct json_object *o;

	assert_int_equal(json_parse(&o, text), OK);
	json_object_put(o);
	++*(int *)ctx;
	return OK;
}

/* 20,000 clients in the text of one inbound; what the cutter holds stays that of one of them. */
static void test_memory(void **state)
{
	enum { CLIENTS = 20000 };
	static const struct json_cut_rule rules[] = { { .path = "obj[].settings$.clients[]", .fn = count } };
	struct json_cut c;
	size_t held = 0, fed = 0;
	int counted = 0;

	(void)state;
	json_cut_init(&c, rules, 1, &counted);
	assert_int_equal(json_cut_feed(&c, STR("{\"success\":true,\"obj\":[{\"id\":1,\"settings\":\"{\\\"clients\\\":[")), OK);
	for (int i = 0; i < CLIENTS; i++) {
		char one[512];
		int n = snprintf(one, sizeof one, "%s{\\n \\\"email\\\": \\\"user%d@example.org\\\",\\n \\\"id\\\": \\\"00000000-0000-4000-8000-%012d\\\",\\n "
			"\\\"totalGB\\\": 107374182400,\\n \\\"expiryTime\\\": 1767225600000,\\n \\\"enable\\\": true,\\n \\\"comment\\\": \\\"\\u0438\\u043c\\u044f\\\"\\n}", i ? "," : "", i, i);

		fed += (size_t)n;
		assert_int_equal(json_cut_feed(&c, str_n(one, (size_t)n)), OK);
	}
	assert_int_equal(json_cut_feed(&c, STR("],\\\"decryption\\\":\\\"none\\\"}\"}]}")), OK);
	assert_int_equal(json_cut_end(&c), OK);
	assert_int_equal(counted, CLIENTS);
	for (size_t i = 0; i < countof(c.open); i++)
		held += c.open[i].kept.cap;
	assert_true(fed > 3000000);
	assert_true(held < 4096);
	assert_true(str_is(json_cut_rest(&c), "{\"success\":true,\"obj\":[{\"id\":1,\"settings\":\"{\\\"clients\\\":[],\\\"decryption\\\":\\\"none\\\"}\"}]}"));
	json_cut_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_every_split, "R289"),
		proves(test_every_end, "R289"),
		proves(test_every_break, "R289"),
		proves(test_not_json, "R289"),
		proves(test_depth, "R289"),
		proves(test_bounds, "R289"),
		proves(test_function_stops, ""),
		proves(test_reads_nothing_behind, "R289"),
		proves(test_memory, ""),
	};

	return cmocka_run_group_tests_name("json_cut", tests, NULL, NULL);
}
