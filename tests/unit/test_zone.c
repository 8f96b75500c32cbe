/* Time zones: bytes we build ourselves, and the system's tzdata against libc. */
#include "tests/unit/proves.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/zone.h"

static int64_t at(const char *iso)
{
	int64_t ms = 0;

	if (date_read_iso(&ms, str_of(iso)))
		fail_msg("%s", iso);
	return ms;
}

static struct zone *load(const char *name)
{
	struct zone *z;

	if (zone_load(&z, name))
		fail_msg("%s is not here: is tzdata installed?", name);
	return z;
}

/* --- a TZif writer --- */

static void add_be(struct buf *b, uint64_t value, int bytes)
{
	while (bytes-- > 0)
		buf_addc(b, (char)(value >> bytes * 8 & 0xff));
}

static void add_header(struct buf *b, char version, uint32_t transitions, uint32_t types)
{
	buf_adds(b, "TZif");
	buf_addc(b, version);
	for (int i = 0; i < 15; i++)
		buf_addc(b, '\0');
	add_be(b, 0, 4);
	add_be(b, 0, 8);
	add_be(b, transitions, 4);
	add_be(b, types, 4);
	add_be(b, 4, 4);
}

static void add_type(struct buf *b, int offset_s, bool is_summer)
{
	add_be(b, (uint32_t)offset_s, 4);
	buf_addc(b, is_summer);
	buf_addc(b, '\0');
}

/* A zone without transitions, with that rule; one type of offset 0 before. */
static void build_rule(struct buf *b, const char *rule)
{
	for (int version = 0; version < 2; version++) {
		add_header(b, '2', 0, 1);
		add_type(b, 0, false);
		buf_add(b, STR("XXX\0"));
	}
	buf_printf(b, "\n%s\n", rule);
}

static struct zone *from_rule(const char *rule)
{
	struct zone *z = NULL;
	struct buf b;

	buf_init(&b, 4096);
	build_rule(&b, rule);
	if (zone_read(&z, "Test/Rule", buf_str(&b)))
		fail_msg("%s", rule);
	buf_release(&b);
	return z;
}

static void test_rules(void **state)
{
	static const struct { const char *rule, *at; int offset_s; } cases[] = {
		{ "MSK-3", "2050-07-01T00:00:00Z", 10800 },
		{ "<+0330>-3:30", "2050-07-01T00:00:00Z", 12600 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2050-03-13T06:59:59Z", -18000 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2050-03-13T07:00:00Z", -14400 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2050-11-06T05:59:59Z", -14400 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2050-11-06T06:00:00Z", -18000 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 3600 },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-15T00:00:00Z", 39600 }, /* summer over new year */
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-15T00:00:00Z", 36000 },
		{ "IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-26T23:59:59Z", 7200 }, /* Thursday 26 o'clock is Friday 2 */
		{ "IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27T00:00:00Z", 10800 },
		{ "XXX0YYY,J60/0,J300/0", "2024-03-01T00:00:00Z", 3600 }, /* J never counts 29 February */
		{ "XXX0YYY,J60/0,J300/0", "2024-02-29T23:59:59Z", 0 },
		{ "XXX0YYY,60/0,300/0", "2023-03-02T00:00:00Z", 3600 },
		{ "XXX0YYY,60/0,300/0", "2023-03-01T23:59:59Z", 0 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct zone *z = from_rule(cases[i].rule);

		if (zone_offset_s(z, at(cases[i].at)) != cases[i].offset_s)
			fail_msg("%s %s", cases[i].rule, cases[i].at);
		zone_free(z);
	}
}

static void test_bad_rules(void **state)
{
	static const char *const bad[] = { "X", "EST", "EST25", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0",
		"EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,M3.2.0,M11.1.0x", "<+03-3", "EST5EDT,J0,J5",
		"EST5EDT,M3.2.0/168,M11.1.0", "EST99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct zone *z = NULL;
		struct buf b;

		buf_init(&b, 4096);
		build_rule(&b, bad[i]);
		if (zone_read(&z, "Test/Rule", buf_str(&b)) != E_INVALID)
			fail_msg("%s", bad[i]);
		assert_null(z);
		buf_release(&b);
	}
}

/* Version 1 alone: 32-bit transitions, no rule. Type 1 is summer, type 0 holds before the first transition. */
static void build_version1(struct buf *b)
{
	add_header(b, '\0', 2, 2);
	add_be(b, 1000, 4);
	add_be(b, 2000, 4);
	buf_addc(b, 1);
	buf_addc(b, 0);
	add_type(b, 3600, false);
	add_type(b, 7200, true);
	buf_add(b, STR("XXX\0"));
}

static void test_version1(void **state)
{
	struct zone *z;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	build_version1(&b);
	assert_int_equal(zone_read(&z, "Test/One", buf_str(&b)), OK);
	assert_int_equal(zone_offset_s(z, 999999), 3600);
	assert_int_equal(zone_offset_s(z, 1000000), 7200);
	assert_int_equal(zone_offset_s(z, 1999999), 7200);
	assert_int_equal(zone_offset_s(z, 2000000), 3600);
	assert_int_equal(zone_offset_s(z, INT64_C(9000000000000)), 3600);
	assert_int_equal(zone_offset_s(z, INT64_MIN), 3600);
	assert_string_equal(zone_name(z), "Test/One");
	zone_free(z);
	buf_release(&b);
}

/* Each beginning of a good file, in memory of exactly its size so that ASan sees a byte too far. */
static void check_cut(struct str whole)
{
	for (size_t n = 0; n < whole.len; n++) {
		char *copy = xmalloc(n);
		struct zone *z = NULL;

		memcpy(copy, whole.at, n);
		assert_int_equal(zone_read(&z, "Test/Cut", str_n(copy, n)), E_INVALID);
		assert_null(z);
		free(copy);
	}
}

static void test_damaged(void **state)
{
	struct zone *z;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	build_version1(&b);
	check_cut(buf_str(&b));
	b.at[44 + 3] = 100; /* transitions no longer ascend … */
	b.at[44 + 2] = 100;
	assert_int_equal(zone_read(&z, "Test/Bad", buf_str(&b)), E_INVALID);
	buf_clear(&b);
	build_version1(&b);
	b.at[44 + 8] = 2; /* … a type that is not there … */
	assert_int_equal(zone_read(&z, "Test/Bad", buf_str(&b)), E_INVALID);
	buf_clear(&b);
	build_version1(&b);
	b.at[32] = 127; /* … and a count beyond the maximum */
	assert_int_equal(zone_read(&z, "Test/Bad", buf_str(&b)), E_TOOBIG);
	buf_clear(&b);
	build_rule(&b, "MSK-3");
	check_cut(buf_str(&b));
	buf_release(&b);
}

static void test_names(void **state)
{
	static const char *const good[] = { "UTC", "Europe/Moscow", "America/Argentina/Buenos_Aires", "Etc/GMT+3", "Etc/GMT-14", "EST5EDT" };
	static const char *const bad[] = { "", "/etc/passwd", "../../etc/passwd", "Europe/../../etc/passwd", "Europe//Moscow", "Europe/",
		".hidden", "Europe/.hidden", "Europe/Mos cow", "a\nb", "Европа", "Europe/./Moscow",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	struct zone *z;

	(void)state;
	for (size_t i = 0; i < countof(good); i++)
		assert_true(zone_name_is_valid(good[i]));
	for (size_t i = 0; i < countof(bad); i++) {
		assert_false(zone_name_is_valid(bad[i]));
		assert_int_equal(zone_load(&z, bad[i]), E_INVALID);
	}
	assert_int_equal(zone_load(&z, "Mars/Olympus"), E_NOTFOUND);
	assert_int_equal(zone_load(&z, "Europe"), E_NOTFOUND);
	assert_int_equal(zone_load_from(&z, "/nonexistent", "UTC"), E_NOTFOUND);
	assert_int_equal(zone_load(&z, "UTC"), OK);
	assert_int_equal(zone_offset_s(z, 0), 0);
	zone_free(z);
	zone_free(NULL);
	zone_free((struct zone *)zone_utc());
}

/* libc reads the same files by other code: every 5 days and a bit from 1960 to 2060. */
static void test_against_libc(void **state)
{
	static const char *const names[] = { "Europe/Moscow", "Asia/Tehran", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin",
		"Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu", "America/Sao_Paulo", "America/Nuuk" };

	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		struct zone *z = load(names[i]);

		setenv("TZ", names[i], 1);
		tzset();
		for (int64_t s = -315619200; s < 2840140800; s += 5 * 86400 + 4321) {
			time_t t = s;
			struct tm tm;

			if (localtime_r(&t, &tm)->tm_gmtoff != zone_offset_s(z, s * 1000))
				fail_msg("%s at %lld", names[i], (long long)s);
		}
		zone_free(z);
	}
	unsetenv("TZ");
	tzset();
}

static void test_moments(void **state)
{
	static const struct { const char *zone; struct civil local; const char *utc; } cases[] = {
		{ "Europe/Moscow", { { 2026, 11, 2 }, 13, 0, 0, 0 }, "2026-11-02T10:00:00Z" },
		{ "Europe/Moscow", { { 2014, 10, 26 }, 1, 30, 0, 0 }, "2014-10-25T21:30:00Z" }, /* shown twice, UTC+4 ends */
		{ "Europe/Moscow", { { 2011, 3, 27 }, 2, 30, 0, 0 }, "2011-03-26T23:30:00Z" },  /* gap of the last spring change */
		{ "Asia/Tehran", { { 2026, 7, 1 }, 0, 0, 0, 0 }, "2026-06-30T20:30:00Z" },     /* no summer time since 2022 */
		{ "Asia/Tehran", { { 2022, 3, 22 }, 0, 30, 0, 0 }, "2022-03-21T21:00:00Z" },    /* gap at midnight: 01:30 */
		{ "Asia/Tehran", { { 2022, 9, 21 }, 23, 30, 0, 0 }, "2022-09-21T19:00:00Z" },   /* twice: the first */
		{ "America/New_York", { { 2026, 3, 8 }, 1, 59, 59, 0 }, "2026-03-08T06:59:59Z" },
		{ "America/New_York", { { 2026, 3, 8 }, 2, 30, 0, 0 }, "2026-03-08T07:30:00Z" },
		{ "America/New_York", { { 2026, 3, 8 }, 3, 0, 0, 0 }, "2026-03-08T07:00:00Z" },
		{ "America/New_York", { { 2026, 11, 1 }, 1, 30, 0, 0 }, "2026-11-01T05:30:00Z" },
		{ "America/New_York", { { 2026, 11, 1 }, 2, 0, 0, 0 }, "2026-11-01T07:00:00Z" },
		{ "America/New_York", { { 2100, 7, 1 }, 0, 0, 0, 0 }, "2100-07-01T04:00:00Z" },
		{ "Pacific/Apia", { { 2011, 12, 30 }, 12, 0, 0, 0 }, "2011-12-30T22:00:00Z" }, /* the day that was left out */
		{ "Pacific/Apia", { { 2011, 12, 31 }, 0, 0, 0, 0 }, "2011-12-30T10:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct zone *z = load(cases[i].zone);

		if (zone_moment(z, &cases[i].local) != at(cases[i].utc))
			fail_msg("%s %s", cases[i].zone, cases[i].utc);
		zone_free(z);
	}
}

/* What a wall clock really shows is found again. */
static void test_there_and_back(void **state)
{
	struct zone *z = load("America/New_York");

	(void)state;
	for (int64_t ms = at("2026-01-01T00:00:00Z"); ms < at("2027-01-01T00:00:00Z"); ms += 17 * MINUTE_MS) {
		struct civil c = zone_local(z, ms);
		int64_t again = zone_moment(z, &c);

		assert_true(again == ms || again == ms - HOUR_MS); /* an hour earlier: the first of two */
	}
	zone_free(z);
}

static void test_daily(void **state)
{
	static const struct { const char *zone, *after, *next; } cases[] = { /* next 02:00 */
		{ "UTC", "2026-11-02T01:59:59Z", "2026-11-02T02:00:00Z" },
		{ "UTC", "2026-11-02T02:00:00Z", "2026-11-03T02:00:00Z" },
		{ "Europe/Moscow", "2026-11-02T10:00:00Z", "2026-11-02T23:00:00Z" },
		{ "America/New_York", "2026-03-07T07:00:00Z", "2026-03-08T07:00:00Z" }, /* in the gap: at 03:00 */
		{ "America/New_York", "2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z" },
		{ "America/New_York", "2026-10-31T06:00:00Z", "2026-11-01T07:00:00Z" },
		{ "America/New_York", "2026-11-01T07:00:00Z", "2026-11-02T07:00:00Z" },
		{ "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-30T12:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct zone *z = load(cases[i].zone);

		if (zone_next_daily(z, at(cases[i].after), 2, 0) != at(cases[i].next))
			fail_msg("%s after %s", cases[i].zone, cases[i].after);
		zone_free(z);
	}
	assert_true(zone_next_daily(zone_utc(), INT64_MAX, 2, 0) == INT64_MAX);
}

/* A year of nightly runs: one for each local day, also in the nights when clocks change. */
static void test_daily_year(void **state)
{
	static const char *const names[] = { "America/New_York", "Europe/Moscow", "Asia/Tehran", "Australia/Lord_Howe", "Africa/Casablanca" };

	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		struct zone *z = load(names[i]);
		int64_t day = date_to_days((struct date){ 2022, 1, 1 });

		for (int64_t ms = zone_next_daily(z, zone_day_start(z, date_of_days(day)), 2, 0); day < 19358; day++) {
			assert_true(date_to_days(zone_day(z, ms)) == day);
			ms = zone_next_daily(z, ms, 2, 0);
		}
		zone_free(z);
	}
}

static void test_day_start(void **state)
{
	struct zone *tehran = load("Asia/Tehran"), *moscow = load("Europe/Moscow");

	(void)state;
	assert_true(zone_day_start(tehran, (struct date){ 2022, 3, 22 }) == at("2022-03-21T20:30:00Z")); /* begins at 01:00 */
	assert_true(zone_day_start(moscow, (struct date){ 2026, 11, 2 }) == at("2026-11-01T21:00:00Z"));
	assert_int_equal(zone_day(moscow, at("2026-11-01T21:00:00Z")).day, 2);
	assert_int_equal(zone_day(moscow, at("2026-11-01T20:59:59Z")).day, 1);
	zone_free(tehran);
	zone_free(moscow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_rules, "B28"),
		proves(test_bad_rules, ""),
		proves(test_version1, ""),
		proves(test_damaged, ""),
		proves(test_names, ""),
		proves(test_against_libc, "B28"),
		proves(test_moments, "B28"),
		proves(test_there_and_back, "B28"),
		proves(test_daily, "B28"),
		proves(test_daily_year, "B28"),
		proves(test_day_start, "B28"),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
