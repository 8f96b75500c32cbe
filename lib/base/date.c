/* Civil calendar arithmetic.
 *
 * Days are counted in eras of 400 years whose years begin in March: then the leap day is the last day of its year and
 * the lengths of the months follow one linear formula, so that nothing needs a table or a loop. */
#include "lib/base/date.h"

#include <assert.h>
#include <string.h>

#include "lib/base/clock.h"

#define YEAR_MIN 1
#define YEAR_MAX 9999
#define ERA_DAYS 146097       /* 400 years */
#define EPOCH_DAYS 719468     /* 0000-03-01 to 1970-01-01 */
#define DAYS_MIN INT64_C(-719162) /* 0001-01-01 */
#define DAYS_MAX INT64_C(2932896) /* 9999-12-31 */

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Rounds towards minus infinity; b > 0. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int date_month_days(int year, int month)
{
	static const signed char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	assert(month >= 1 && month <= 12);
	return days[month - 1] + (month == 2 && is_leap(year));
}

bool date_is_valid(struct date d)
{
	return d.year >= YEAR_MIN && d.year <= YEAR_MAX && d.month >= 1 && d.month <= 12 && d.day >= 1 &&
	       d.day <= date_month_days(d.year, d.month);
}

int64_t date_to_days(struct date d)
{
	int64_t year = d.year - (d.month <= 2), era, year_of_era, day_of_year;

	assert(date_is_valid(d));
	era = floor_div(year, 400);
	year_of_era = year - era * 400;
	day_of_year = (153 * ((d.month + 9) % 12) + 2) / 5 + d.day - 1;
	return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH_DAYS;
}

struct date date_of_days(int64_t days)
{
	int64_t z, era, day_of_era, year_of_era, day_of_year, month_of_year;
	struct date d;

	if (days < DAYS_MIN)
		days = DAYS_MIN;
	if (days > DAYS_MAX)
		days = DAYS_MAX;
	z = days + EPOCH_DAYS;
	era = floor_div(z, ERA_DAYS);
	day_of_era = z - era * ERA_DAYS;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month_of_year = (5 * day_of_year + 2) / 153; /* 0 is March */
	d.day = (int)(day_of_year - (153 * month_of_year + 2) / 5 + 1);
	d.month = (int)(month_of_year < 10 ? month_of_year + 3 : month_of_year - 9);
	d.year = (int)(year_of_era + era * 400 + (d.month <= 2));
	return d;
}

int date_weekday(struct date d)
{
	int64_t days = date_to_days(d) + 3; /* day 0 was a Thursday */

	return (int)(days - floor_div(days, 7) * 7) + 1;
}

struct date date_add_months(struct date d, int months)
{
	int64_t index = (int64_t)d.year * 12 + d.month - 1 + months;
	int64_t year = floor_div(index, 12);

	if (year < YEAR_MIN)
		return (struct date){ YEAR_MIN, 1, 1 };
	if (year > YEAR_MAX)
		return (struct date){ YEAR_MAX, 12, 31 };
	d.year = (int)year;
	d.month = (int)(index - year * 12) + 1;
	if (d.day > date_month_days(d.year, d.month))
		d.day = date_month_days(d.year, d.month);
	return d;
}

int64_t civil_to_ms(const struct civil *c)
{
	return date_to_days(c->date) * DAY_MS + c->hour * HOUR_MS + c->minute * MINUTE_MS + c->second * SECOND_MS + c->ms;
}

struct civil civil_of_ms(int64_t ms)
{
	int64_t days = floor_div(ms, DAY_MS), rest;

	if (days < DAYS_MIN) {
		days = DAYS_MIN;
		ms = DAYS_MIN * DAY_MS;
	}
	if (days > DAYS_MAX) {
		days = DAYS_MAX;
		ms = (DAYS_MAX + 1) * DAY_MS - 1;
	}
	rest = ms - days * DAY_MS;
	return (struct civil){ .date = date_of_days(days), .hour = (int)(rest / HOUR_MS),
		.minute = (int)(rest % HOUR_MS / MINUTE_MS), .second = (int)(rest % MINUTE_MS / SECOND_MS),
		.ms = (int)(rest % SECOND_MS) };
}

/* --- text --- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly count digits off the front of *s, at most max. */
static bool take_digits(int *out, struct str *s, size_t count, int max)
{
	int n = 0;

	if (s->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!is_digit(s->at[i]))
			return false;
		n = n * 10 + (s->at[i] - '0');
	}
	*s = str_n(s->at + count, s->len - count);
	*out = n;
	return n <= max;
}

static bool take_one_of(struct str *s, const char *set)
{
	if (!s->len || !strchr(set, s->at[0]) || !s->at[0])
		return false;
	*s = str_n(s->at + 1, s->len - 1);
	return true;
}

static bool take_date(struct date *d, struct str *s)
{
	return take_digits(&d->year, s, 4, YEAR_MAX) && take_one_of(s, "-") && take_digits(&d->month, s, 2, 12) &&
	       take_one_of(s, "-") && take_digits(&d->day, s, 2, 31) && date_is_valid(*d);
}

static bool take_fraction(int *ms, struct str *s)
{
	int scale = 100;

	if (!take_one_of(s, "."))
		return true;
	if (!s->len || !is_digit(s->at[0]))
		return false;
	for (; s->len && is_digit(s->at[0]); *s = str_n(s->at + 1, s->len - 1), scale /= 10)
		*ms += (s->at[0] - '0') * scale;
	return true;
}

/* 23:59:60 is written by clocks that show leap seconds; ours ends the minute with :59. */
static bool take_time(struct civil *c, struct str *s)
{
	if (!take_digits(&c->hour, s, 2, 23) || !take_one_of(s, ":") || !take_digits(&c->minute, s, 2, 59) ||
	    !take_one_of(s, ":") || !take_digits(&c->second, s, 2, 60))
		return false;
	if (c->second == 60)
		c->second = 59;
	return take_fraction(&c->ms, s);
}

static bool take_offset(int64_t *offset_ms, struct str *s)
{
	int hours = 0, minutes = 0, sign = s->len && s->at[0] == '-' ? -1 : 1;

	*offset_ms = 0;
	if (take_one_of(s, "Zz"))
		return true;
	if (!take_one_of(s, "+-") || !take_digits(&hours, s, 2, 23))
		return false;
	take_one_of(s, ":");
	if (!take_digits(&minutes, s, 2, 59))
		return false;
	*offset_ms = sign * (hours * HOUR_MS + minutes * MINUTE_MS);
	return true;
}

enum err date_read_iso(int64_t *ms, struct str s)
{
	struct civil c = { 0 };
	int64_t offset_ms;

	if (!take_date(&c.date, &s) || !take_one_of(&s, "Tt ") || !take_time(&c, &s) || !take_offset(&offset_ms, &s) || s.len)
		return E_INVALID;
	*ms = civil_to_ms(&c) - offset_ms;
	return OK;
}

void date_write_iso(struct buf *to, int64_t ms)
{
	struct civil c = civil_of_ms(ms);

	buf_printf(to, "%04d-%02d-%02dT%02d:%02d:%02d", c.date.year, c.date.month, c.date.day, c.hour, c.minute, c.second);
	if (c.ms)
		buf_printf(to, ".%03d", c.ms);
	buf_addc(to, 'Z');
}

enum err date_read(struct date *out, struct str s)
{
	struct date d;

	if (!take_date(&d, &s) || s.len)
		return E_INVALID;
	*out = d;
	return OK;
}
