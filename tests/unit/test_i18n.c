/* Texts: plural rules, formats, loading with its complaints, writing. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/i18n/format.h"
#include "lib/i18n/i18n.h"
#include "lib/i18n/plural.h"

#define NBSP "\xC2\xA0"

static struct i18n *builtin;

static int open_builtin(void **state)
{
	struct buf report;

	(void)state;
	buf_init(&report, 65536);
	if (i18n_open(&builtin, NULL, &report) || report.len)
		fprintf(stderr, "%s", buf_cstr(&report));
	buf_release(&report);
	return builtin ? 0 : -1;
}

static int close_builtin(void **state)
{
	(void)state;
	i18n_close(builtin);
	return 0;
}

static struct i18n_to reader(const char *language)
{
	return (struct i18n_to){ .texts = builtin, .lang = i18n_lang_of(builtin, str_of(language)) };
}

static void keep_line(void *ctx, struct str line)
{
	buf_add(ctx, line);
}

/* --- plural rules --- */

/* CLDR's whole-number samples, as ranges. */
static void test_plural_samples(void **state)
{
	static const struct { const char *languages; enum plural form; const char *samples; } cases[] = {
		{ "en de nl tr az uz kk ky bg el fi hu sv et ka", PLURAL_ONE, "1" },
		{ "en de nl tr az uz kk ky bg el fi hu sv et ka", PLURAL_OTHER, "0 2-16 100 1000 10000 100000 1000000" },
		{ "ru uk be", PLURAL_ONE, "1 21 31 41 51 61 71 81 101 1001" },
		{ "ru uk be", PLURAL_FEW, "2-4 22-24 32-34 42-44 52-54 62 102 1002" },
		{ "ru uk be", PLURAL_MANY, "0 5-19 100 1000 10000 100000 1000000" },
		{ "fa hi hy", PLURAL_ONE, "0 1" },
		{ "fa hi hy", PLURAL_OTHER, "2-17 100 1000 10000 100000 1000000" },
		{ "pl", PLURAL_ONE, "1" },
		{ "pl", PLURAL_FEW, "2-4 22-24 32-34 42-44 52-54 62 102 1002" },
		{ "pl", PLURAL_MANY, "0 5-19 21 100 1000 10000 100000 1000000" },
		{ "cs sk", PLURAL_ONE, "1" }, { "cs sk", PLURAL_FEW, "2-4" }, { "cs sk", PLURAL_OTHER, "0 5-19 22 100 1000" },
		{ "ar", PLURAL_ZERO, "0" }, { "ar", PLURAL_ONE, "1" }, { "ar", PLURAL_TWO, "2" },
		{ "ar", PLURAL_FEW, "3-10 103-110 1003" }, { "ar", PLURAL_MANY, "11-26 111 1011" },
		{ "ar", PLURAL_OTHER, "100-102 200-202 300-302 400-402 500-502 600 1000 10000 100000 1000000" },
		{ "lt", PLURAL_ONE, "1 21 31 41 51 61 71 81 101 1001" }, { "lt", PLURAL_FEW, "2-9 22-29 102 1002" },
		{ "lt", PLURAL_OTHER, "0 10-20 30 40 50 60 100 1000 10000" },
		{ "lv", PLURAL_ZERO, "0 10-20 30 40 50 60 100 1000 10000" }, { "lv", PLURAL_ONE, "1 21 31 41 51 61 71 81 101 1001" },
		{ "lv", PLURAL_OTHER, "2-9 22-29 102 1002" },
		{ "ro", PLURAL_ONE, "1" }, { "ro", PLURAL_FEW, "0 2-16 101 1001" }, { "ro", PLURAL_OTHER, "20-35 100 1000 10000" },
		{ "sr hr bs", PLURAL_ONE, "1 21 31 41 51 61 71 81 101 1001" }, { "sr hr bs", PLURAL_FEW, "2-4 22-24 32-34 102 1002" },
		{ "sr hr bs", PLURAL_OTHER, "0 5-19 100 1000 10000" },
		{ "he", PLURAL_ONE, "1" }, { "he", PLURAL_TWO, "2" }, { "he", PLURAL_OTHER, "0 3-17 100 1000" },
		{ "es it ca", PLURAL_ONE, "1" }, { "es it ca", PLURAL_MANY, "1000000 2000000" }, { "es it ca", PLURAL_OTHER, "0 2-16 100 1000 10000 100000" },
		{ "fr pt", PLURAL_ONE, "0 1" }, { "fr pt", PLURAL_MANY, "1000000" }, { "fr pt", PLURAL_OTHER, "2-17 100 1000 10000 100000" },
		{ "zh ja ko vi id th ms my", PLURAL_OTHER, "0-15 100 1000 10000 100000 1000000" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct str languages = str_of(cases[i].languages);

		while (languages.at) {
			struct str language = str_cut(&languages, ' '), samples = str_of(cases[i].samples);
			const struct plural_rule *rule = plural_rule_find(language);

			assert_true(plural_needs(rule, cases[i].form));
			while (samples.at) {
				struct str to = str_cut(&samples, ' '), from = str_cut(&to, '-');
				int64_t first = 0, last = 0;

				assert_int_equal(str_to_i64(&first, from), OK);
				assert_int_equal(str_to_i64(&last, to.at ? to : from), OK);
				for (int64_t n = first; n <= last; n++)
					if (plural_of(rule, n) != cases[i].form || plural_of(rule, -n) != cases[i].form)
						fail_msg("%.*s %lld", STR_ARG(language), (long long)n);
			}
		}
	}
	assert_false(plural_needs(plural_rule_find(STR("en")), PLURAL_FEW));
	assert_ptr_equal(plural_rule_find(STR("xx")), plural_rule_find(STR("en")));
	assert_int_equal(plural_of(plural_rule_find(STR("ru")), INT64_MIN), PLURAL_MANY);
}

/* --- the built-in texts --- */

static void test_builtin_complete(void **state)
{
	struct i18n *t;
	struct buf report;

	(void)state;
	buf_init(&report, 65536);
	assert_int_equal(i18n_open(&t, NULL, &report), OK);
	assert_string_equal(buf_cstr(&report), ""); /* no note either: nothing missing, nothing unknown */
	assert_int_equal(i18n_langs(t), 2);
	assert_string_equal(i18n_lang_code(t, 0), "en");
	assert_string_equal(i18n_lang_code(t, 1), "ru");
	assert_true(i18n_keys(t) > 300);
	i18n_close(t);
	buf_release(&report);
}

/* What Telegram cuts or refuses; arguments not counted. */
static void test_family_limits(void **state)
{
	static const struct { const char *family; size_t units_max; } limits[] = {
		{ "button.", 64 }, { "cmd.", 256 }, { "toast.", 200 }, { "invoice.title", 32 }, { "invoice.description", 255 }, { "invoice.refused", 255 },
	};
	static const struct i18n_arg no_args[] = { { 0 } };
	struct buf b;

	(void)state;
	buf_init(&b, 8192);
	log_set_sink(keep_line, &b); /* missing arguments are what we want here */
	for (size_t i = 0; i < i18n_keys(builtin); i++)
		for (int lang = 0; lang < i18n_langs(builtin); lang++) {
			struct i18n_to to = { .texts = builtin, .lang = lang };
			const char *key = i18n_key_at(builtin, i);
			struct arena a = { 0 };
			struct str text = i18n_text_new(&a, &to, key, no_args);

			assert_in_range(utf8_units(text), 1, 4096);
			for (size_t j = 0; j < countof(limits); j++)
				if (str_starts(str_of(key), limits[j].family) && utf8_units(text) > limits[j].units_max)
					fail_msg("%s %s", i18n_lang_code(builtin, lang), key);
			arena_release(&a);
			buf_clear(&b);
		}
	log_set_sink(NULL, NULL);
	buf_release(&b);
}

static void test_languages(void **state)
{
	static const struct { const char *code, *lang; } cases[] = {
		{ "en", "en" }, { "ru", "ru" }, { "RU", "ru" }, { "ru-RU", "ru" }, { "pt-br", "en" }, { "", "en" }, { "x", "en" }, { "-", "en" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		assert_string_equal(i18n_lang_code(builtin, i18n_lang_of(builtin, str_of(cases[i].code))), cases[i].lang);
	assert_int_equal(i18n_lang_of(builtin, (struct str){ 0 }), 0);
}

/* --- formats --- */

static void expect(const struct buf *b, const char *text)
{
	assert_string_equal(buf_cstr(b), text);
}

static void test_dates(void **state)
{
	struct i18n_to en = reader("en"), ru = reader("ru");
	struct zone *moscow;
	struct buf b;
	int64_t ms = 0;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(zone_load(&moscow, "Europe/Moscow"), OK);
	assert_int_equal(date_read_iso(&ms, STR("2026-11-02T22:05:30Z")), OK);
	format_date(&b, &en, 0);
	buf_addc(&b, ' ');
	format_date(&b, &ru, 0);
	expect(&b, "never никогда");
	buf_clear(&b);
	format_moment(&b, &en, ms);
	expect(&b, "2 November 2026, 22:05 (UTC)");
	ru.zone = moscow; /* the next day there */
	buf_clear(&b);
	format_moment(&b, &ru, ms);
	expect(&b, "3 ноября 2026, 01:05 (UTC+3)");
	buf_clear(&b);
	i18n_add(&b, &ru, "sub.ends", T_DATE("until", ms));
	expect(&b, "Окончание: 3 ноября 2026");
	buf_clear(&b);
	i18n_add(&b, &en, "sub.ends", T_DATE("until", 0));
	expect(&b, "Ends: never");
	buf_release(&b);
	zone_free(moscow);
}

static void test_sizes(void **state)
{
	static const struct { int64_t bytes; const char *en, *ru; } cases[] = {
		{ 0, "0" NBSP "B", "0" NBSP "Б" }, { 1023, "1,023" NBSP "B", "1023" NBSP "Б" }, { 1024, "1" NBSP "KB", "1" NBSP "КБ" },
		{ INT64_C(107374182400), "100" NBSP "GB", "100" NBSP "ГБ" }, { INT64_C(1610612736), "1.5" NBSP "GB", "1,5" NBSP "ГБ" },
		{ INT64_C(1073741823), "1,023.9" NBSP "MB", "1023,9" NBSP "МБ" }, { -5, "0" NBSP "B", "0" NBSP "Б" },
		{ INT64_MAX, "8,388,607.9" NBSP "TB", "8" NBSP "388" NBSP "607,9" NBSP "ТБ" },
	};
	struct i18n_to en = reader("en"), ru = reader("ru");
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < countof(cases); i++) {
		buf_clear(&b);
		format_bytes(&b, &en, cases[i].bytes);
		expect(&b, cases[i].en);
		buf_clear(&b);
		format_bytes(&b, &ru, cases[i].bytes);
		expect(&b, cases[i].ru);
	}
	buf_release(&b);
}

static void test_spans(void **state)
{
	static const struct { int64_t ms; const char *en, *ru; } cases[] = {
		{ 0, "a moment", "мгновение" }, { 999, "a moment", "мгновение" }, { 5 * SECOND_MS, "5 seconds", "5 сек." },
		{ MINUTE_MS, "1 minute", "1 мин." }, { 61 * SECOND_MS, "61 seconds", "61 сек." }, { 100 * SECOND_MS, "2 minutes", "2 мин." },
		{ HOUR_MS, "1 hour", "1 час" }, { 5 * HOUR_MS, "5 hours", "5 часов" }, { DAY_MS, "1 day", "1 день" },
		{ DAY_MS - MINUTE_MS, "24 hours", "24 часа" }, { 2 * DAY_MS + 23 * HOUR_MS, "3 days", "3 дня" }, { -30 * DAY_MS, "30 days", "30 дней" },
		{ 21 * DAY_MS, "21 days", "21 день" },
	};
	struct i18n_to en = reader("en"), ru = reader("ru");
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < countof(cases); i++) {
		buf_clear(&b);
		format_span(&b, &en, cases[i].ms);
		expect(&b, cases[i].en);
		buf_clear(&b);
		format_span(&b, &ru, cases[i].ms);
		expect(&b, cases[i].ru);
	}
	format_span(&b, &en, INT64_MIN);
	buf_release(&b);
}

/* --- writing --- */

static void test_escaping(void **state)
{
	struct i18n_to en = reader("en"), ru = reader("ru");
	struct buf b;
	uint64_t before = i18n_faults();

	(void)state;
	buf_init(&b, 1000);
	i18n_add(&b, &en, "start.hello", T_STR("name", "<b>Tom & \"Anna\"</b> {{x}}"));
	expect(&b, "Hello, &lt;b&gt;Tom &amp; &quot;Anna&quot;&lt;/b&gt; {{x}}.");
	buf_clear(&b);
	i18n_add(&b, &ru, "start.hello", T_HTML("name", STR("<b>Анна</b>")));
	expect(&b, "Здравствуйте, <b>Анна</b>.");
	buf_clear(&b);
	i18n_add(&b, &en, "button.plan", T_STR("plan", "A & B"), T_MONEY("price", 300, currency_find(STR("XTR")))); /* plain */
	expect(&b, "A & B – 300" NBSP "⭐");
	buf_clear(&b);
	i18n_add(&b, &en, "order.card", T_STR("order", "A7K2"), T_STR("plan", "<Month>"), T_MONEY("price", 499, currency_find(STR("USD"))));
	expect(&b, "Order <code>A7K2</code>\n<b>&lt;Month&gt;</b> – $4.99");
	buf_clear(&b);
	i18n_add(&b, &ru, "sub.card", T_STR("plan", "Месяц"), T_KEY("state", "state.active"));
	expect(&b, "<b>Месяц</b> – работает");
	assert_int_equal(i18n_faults(), before);
	buf_release(&b);
}

static void test_counting(void **state)
{
	static const struct { int64_t n; const char *en, *ru; } cases[] = {
		{ 1, "For 1 day", "На 1 день" }, { 2, "For 2 days", "На 2 дня" }, { 5, "For 5 days", "На 5 дней" }, { 11, "For 11 days", "На 11 дней" },
		{ 21, "For 21 days", "На 21 день" }, { 0, "For 0 days", "На 0 дней" }, { 12345, "For 12,345 days", "На 12" NBSP "345 дней" },
	};
	struct i18n_to en = reader("en"), ru = reader("ru");
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < countof(cases); i++) {
		buf_clear(&b);
		i18n_add(&b, &en, "plans.days", T_INT("count", cases[i].n));
		expect(&b, cases[i].en);
		buf_clear(&b);
		i18n_add(&b, &ru, "plans.days", T_INT("count", cases[i].n));
		expect(&b, cases[i].ru);
	}
	buf_release(&b);
}

static void test_missing_key(void **state)
{
	struct i18n_to ru = reader("ru");
	struct buf b, lines;
	uint64_t before = i18n_faults();

	(void)state;
	buf_init(&b, 1000);
	buf_init(&lines, 1000);
	log_set_sink(keep_line, &lines);
	assert_false(i18n_has(builtin, "no.such"));
	i18n_add(&b, &ru, "no.such");
	expect(&b, "no.such");
	assert_non_null(strstr(buf_cstr(&lines), "i18n.no_key text=no.such"));
	buf_clear(&b);
	i18n_add(&b, &ru, "start.hello");
	expect(&b, "Здравствуйте, ….");
	assert_non_null(strstr(buf_cstr(&lines), "i18n.no_argument text=start.hello name=name"));
	assert_int_equal(i18n_faults() - before, 2);
	log_set_sink(NULL, NULL);
	buf_release(&b);
	buf_release(&lines);
}

static struct i18n *load_two(const char *english, const char *russian, struct buf *report, enum err *e)
{
	struct i18n *t = i18n_new();

	*e = i18n_add_file(t, STR("en"), "en.json", str_of(english), report);
	if (!*e && russian)
		*e = i18n_add_file(t, STR("ru"), "ru.json", str_of(russian), report);
	if (!*e)
		*e = i18n_check(t, report);
	return t;
}

static void test_fallback(void **state)
{
	struct buf report, b;
	enum err e;
	struct i18n *t;
	struct i18n_to ru;

	(void)state;
	buf_init(&report, 4096);
	buf_init(&b, 1000);
	t = load_two("{\"a\":{\"x\":\"English\",\"n_one\":\"{{count}} thing\",\"n_other\":\"{{count}} things\",\"z_zero\":\"none\","
		"\"z_one\":\"one\",\"z_other\":\"some\"}}", "{\"b\":\"лишний\"}", &report, &e);
	assert_int_equal(e, OK);
	expect(&report, "ru.json: b: note: no such key in English, never shown\nru.json: a.x: note: missing, shown in English, and 2 more\n");
	ru = (struct i18n_to){ .texts = t, .lang = i18n_lang_of(t, STR("ru")) };
	i18n_add(&b, &ru, "a.x");
	buf_addc(&b, '|');
	i18n_add(&b, &ru, "a.n", T_INT("count", 21)); /* English text, English rule */
	buf_addc(&b, '|');
	i18n_add(&b, &ru, "a.z", T_INT("count", 0));
	expect(&b, "English|21 things|none");
	i18n_close(t);
	buf_release(&report);
	buf_release(&b);
}

static void test_complaints(void **state)
{
	static const struct { const char *en, *ru, *report; } cases[] = {
		{ "{", NULL, "en.json: -: not a JSON object\n" },
		{ "[]", NULL, "en.json: -: not a JSON object\n" },
		{ "{\"a\":5}", NULL, "en.json: a: neither a text nor an object\n" },
		{ "{\"a\":null}", NULL, "en.json: a: neither a text nor an object\n" },
		{ "{\"a\":{\"B\":\"x\"}}", NULL, "en.json: a.B: not a key: a-z, 0-9 and _, not too long, not too deep\n" },
		{ "{\"a\":\"\"}", NULL, "en.json: a: empty\n" },
		{ "{\"a\":\"{{ name }}\"}", NULL, "en.json: a: unknown placeholder syntax: only {{name}} of a-z, 0-9 and _ is understood\n" },
		{ "{\"a\":\"{{n, number}}\"}", NULL, "en.json: a: unknown placeholder syntax: only {{name}} of a-z, 0-9 and _ is understood\n" },
		{ "{\"a\":\"{{name\"}", NULL, "en.json: a: {{ without }}\n" },
		{ "{\"a\":\"{name}\"}", NULL, "en.json: a: a single brace: placeholders are written {{name}}\n" },
		{ "{\"a\":\"name}}\"}", NULL, "en.json: a: a single brace: placeholders are written {{name}}\n" },
		{ "{\"a\":\"$t(b)\"}", NULL, "en.json: a: $t(…) is not understood\n" },
		{ "{\"a\":\"<b>x\"}", NULL, "en.json: a: a tag is not closed\n" },
		{ "{\"a\":\"<b><i>x</b></i>\"}", NULL, "en.json: a: a tag closed that was not opened last\n" },
		{ "{\"a\":\"<br>\"}", NULL, "en.json: a: a tag Telegram does not know\n" },
		{ "{\"a\":\"1 < 2\"}", NULL, "en.json: a: a bare <: write &lt;\n" },
		{ "{\"a\":\"A & B\"}", NULL, "en.json: a: a bare &: write &amp;\n" },
		{ "{\"button\":{\"a\":\"A & B <3\"}}", NULL, "" },
		{ "{\"a_one\":\"x\"}", NULL, "en.json: a: plural form _other is missing\n" },
		{ "{\"a\":\"x\",\"a_one\":\"x\",\"a_other\":\"x\"}", NULL,
			"en.json: a_one: the same key with and without plural forms\nen.json: a_other: the same key with and without plural forms\n" },
		{ "{\"a_one\":\"x\",\"a_other\":\"y\"}", "{\"a_one\":\"x\",\"a_many\":\"y\",\"a_other\":\"y\"}", "ru.json: a: plural form _few is missing\n" },
		{ "{\"a_one\":\"x\",\"a_other\":\"y\"}", "{\"a\":\"x\"}", "ru.json: a: plural forms here or in English, not in both\n" },
		{ "{\"a\":\"{{x}}\"}", "{\"a\":\"{{y}}\"}", "ru.json: a: unknown placeholder {{y}}\n" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf report;
		enum err e;

		buf_init(&report, 4096);
		i18n_close(load_two(cases[i].en, cases[i].ru, &report, &e));
		assert_string_equal(buf_cstr(&report), cases[i].report);
		assert_int_equal(e, *cases[i].report ? E_INVALID : OK);
		buf_release(&report);
	}
}

/* --- LOCALES_DIR --- */

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_own_directory(void **state)
{
	char dir[] = "/tmp/obol-locales-XXXXXX", path[256];
	struct i18n *t;
	struct i18n_to who;
	struct buf report, b;

	(void)state;
	buf_init(&report, 65536);
	buf_init(&b, 1000);
	assert_non_null(mkdtemp(dir));
	write_file(dir, "ru.json", "{\"start\":{\"hello\":\"Привет, {{name}}!\"}}");
	write_file(dir, "de.json", "{\"start\":{\"hello\":\"Hallo, {{name}}.\"}}");
	write_file(dir, "notes.txt", "not ours");
	assert_int_equal(i18n_open(&t, dir, &report), OK);
	assert_non_null(strstr(buf_cstr(&report), "de.json: start.about: note: missing, shown in English"));
	assert_null(strstr(buf_cstr(&report), "ru.json"));
	assert_int_equal(i18n_langs(t), 3);
	who = (struct i18n_to){ .texts = t, .lang = i18n_lang_of(t, STR("ru")) };
	i18n_add(&b, &who, "start.hello", T_STR("name", "Анна"));
	expect(&b, "Привет, Анна!");
	buf_clear(&b);
	i18n_add(&b, &who, "button.yes");
	expect(&b, "Да");
	buf_clear(&b);
	who.lang = i18n_lang_of(t, STR("de-AT"));
	i18n_add(&b, &who, "button.yes");
	expect(&b, "Yes");
	i18n_close(t);

	write_file(dir, "ru.json", "{\"start\":{\"hello\":\"Привет, {{nmae}}!\"}}");
	buf_clear(&report);
	assert_int_equal(i18n_open(&t, dir, &report), E_INVALID);
	assert_null(t);
	assert_non_null(strstr(buf_cstr(&report), "ru.json: start.hello: unknown placeholder {{nmae}}"));
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, (const char *[]){ "ru.json", "de.json", "notes.txt" }[i]);
		unlink(path);
	}
	rmdir(dir);
	buf_clear(&report);
	assert_int_equal(i18n_open(&t, dir, &report), E_IO);
	buf_release(&report);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_plural_samples, ""),
		proves(test_builtin_complete, "B34"),
		proves(test_family_limits, ""),
		proves(test_languages, ""),
		proves(test_dates, "B28"),
		proves(test_sizes, ""),
		proves(test_spans, ""),
		proves(test_escaping, "B34"),
		proves(test_counting, ""),
		proves(test_missing_key, "R278"),
		proves(test_fallback, "R278"),
		proves(test_complaints, "B34"),
		proves(test_own_directory, ""),
	};

	return cmocka_run_group_tests_name("i18n", tests, open_builtin, close_builtin);
}
