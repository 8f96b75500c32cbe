/* The civil calendar. */
#include "tests/unit/proves.h"

#include "lib/base/clock.h"
#include "lib/base/date.h"

static void test_days_and_back(void **state)
{
	struct date before = date_of_days(-719163 + 1);

	(void)state;
	assert_int_equal(date_to_days((struct date){ 1970, 1, 1 }), 0);
	assert_int_equal(date_to_days((struct date){ 2000, 3, 1 }), 11017);
	assert_int_equal(date_to_days((struct date){ 1, 1, 1 }), -719162);
	assert_int_equal(date_to_days((struct date){ 9999, 12, 31 }), 2932896);
	/* every day of 8 centuries is the one after the day before it */
	before = date_of_days(-140000);
	for (int64_t days = -139999; days < 152000; days++) {
		struct date d = date_of_days(days);
		bool next_day = d.day == before.day + 1 && d.month == before.month && d.year == before.year;
		bool next_month = d.day == 1 && before.day == date_month_days(before.year, before.month) &&
		                  (d.month == before.month + 1 || (d.month == 1 && d.year == before.year + 1));

		assert_true(date_is_valid(d));
		assert_true(next_day || next_month);
		assert_true(date_to_days(d) == days);
		before = d;
	}
}

static void test_clamped(void **state)
{
	struct civil c = civil_of_ms(INT64_MAX);

	(void)state;
	assert_int_equal(date_of_days(INT64_MAX).year, 9999);
	assert_int_equal(date_of_days(INT64_MIN).year, 1);
	assert_int_equal(c.date.day, 31);
	assert_int_equal(c.ms, 999);
	assert_int_equal(civil_of_ms(INT64_MIN).date.year, 1);
}

static void test_weekdays(void **state)
{
	(void)state;
	assert_int_equal(date_weekday((struct date){ 1970, 1, 1 }), 4);
	assert_int_equal(date_weekday((struct date){ 2026, 11, 2 }), 1);
	assert_int_equal(date_weekday((struct date){ 2026, 11, 1 }), 7);
	assert_int_equal(date_weekday((struct date){ 1900, 1, 1 }), 1);
}

static void test_valid(void **state)
{
	(void)state;
	assert_true(date_is_valid((struct date){ 2024, 2, 29 }));
	assert_false(date_is_valid((struct date){ 2023, 2, 29 }));
	assert_false(date_is_valid((struct date){ 1900, 2, 29 }));
	assert_true(date_is_valid((struct date){ 2000, 2, 29 }));
	assert_false(date_is_valid((struct date){ 2023, 13, 1 }));
	assert_false(date_is_valid((struct date){ 2023, 4, 31 }));
	assert_false(date_is_valid((struct date){ 0, 4, 1 }));
}

static void test_months(void **state)
{
	static const struct { struct date from; int months; struct date to; } cases[] = {
		{ { 2026, 1, 31 }, 1, { 2026, 2, 28 } }, { { 2024, 1, 31 }, 1, { 2024, 2, 29 } },
		{ { 2026, 11, 30 }, 3, { 2027, 2, 28 } }, { { 2026, 3, 31 }, -1, { 2026, 2, 28 } },
		{ { 2026, 1, 15 }, -13, { 2024, 12, 15 } }, { { 2026, 5, 5 }, 0, { 2026, 5, 5 } },
		{ { 9999, 12, 1 }, 1, { 9999, 12, 31 } }, { { 1, 1, 5 }, -1, { 1, 1, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct date d = date_add_months(cases[i].from, cases[i].months);

		assert_int_equal(d.year, cases[i].to.year);
		assert_int_equal(d.month, cases[i].to.month);
		assert_int_equal(d.day, cases[i].to.day);
	}
}

static void test_civil(void **state)
{
	struct civil c = civil_of_ms(-1);

	(void)state;
	assert_int_equal(c.date.year, 1969);
	assert_int_equal(c.hour, 23);
	assert_int_equal(c.ms, 999);
	assert_true(civil_to_ms(&c) == -1);
}

static void test_iso(void **state)
{
	static const struct { const char *text; enum err e; int64_t ms; } cases[] = {
		{ "2026-11-02T10:15:30Z", OK, 1793614530000 },
		{ "2026-11-02T10:15:30.5Z", OK, 1793614530500 },
		{ "2026-11-02 10:15:30.123456789z", OK, 1793614530123 },
		{ "2026-11-02T13:15:30+03:00", OK, 1793614530000 },
		{ "2026-11-02T06:45:30-0330", OK, 1793614530000 },
		{ "1970-01-01T00:00:00Z", OK, 0 },
		{ "2026-11-02T23:59:60Z", OK, 1793663999000 },
		{ "2026-11-02T10:15:30", E_INVALID, 0 }, { "2026-11-02", E_INVALID, 0 }, { "2026-02-29T00:00:00Z", E_INVALID, 0 },
		{ "2026-11-02T24:00:00Z", E_INVALID, 0 }, { "2026-11-02T10:15:30.Z", E_INVALID, 0 }, { "", E_INVALID, 0 },
		{ "2026-11-02T10:15:30Zx", E_INVALID, 0 }, { "26-11-02T10:15:30Z", E_INVALID, 0 }, { "2026-11-02T10:15:30+24:00", E_INVALID, 0 },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t ms = 0;

		assert_int_equal(date_read_iso(&ms, str_of(cases[i].text)), cases[i].e);
		assert_true(ms == cases[i].ms);
	}
	buf_init(&b, 100);
	date_write_iso(&b, 1793614530000);
	buf_addc(&b, ' ');
	date_write_iso(&b, -1);
	assert_string_equal(buf_cstr(&b), "2026-11-02T10:15:30Z 1969-12-31T23:59:59.999Z");
	buf_release(&b);
}

static void test_typed(void **state)
{
	struct date d;

	(void)state;
	assert_int_equal(date_read(&d, STR("2024-02-29")), OK);
	assert_int_equal(d.day, 29);
	assert_int_equal(date_read(&d, STR("2023-02-29")), E_INVALID);
	assert_int_equal(date_read(&d, STR("2024-2-9")), E_INVALID);
	assert_int_equal(date_read(&d, STR("2024-02-29 ")), E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_days_and_back, ""),
		proves(test_clamped, ""),
		proves(test_weekdays, ""),
		proves(test_valid, ""),
		proves(test_months, "B28"),
		proves(test_civil, ""),
		proves(test_iso, ""),
		proves(test_typed, ""),
	};

	return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
