/* The civil calendar, without libc's struct tm: days and dates of the proleptic Gregorian calendar.
 *
 * A day number counts from 1970-01-01 (day 0). A struct civil is a reading of a clock on a wall, without saying
 * where the wall is; zone.h ties it to a place. Years 1 … 9999 everywhere; what lies outside is clamped to them. */
#ifndef OBOL_BASE_DATE_H
#define OBOL_BASE_DATE_H

#include "lib/base/buf.h"

struct date {
	int year, month, day; /* month and day count from 1 */
};

struct civil {
	struct date date;
	int hour, minute, second, ms; /* no leap seconds: second is 0 … 59 */
};

bool date_is_valid(struct date d);
int date_month_days(int year, int month); /* 28 … 31 */

int64_t date_to_days(struct date d);      /* d is valid */
struct date date_of_days(int64_t days);
int date_weekday(struct date d);          /* 1 Monday … 7 Sunday */

/* The same day so many months later (or earlier), or the last one of a month that is too short: 31 January + 1 is
 * 28 or 29 February. */
struct date date_add_months(struct date d, int months);

/* As if the wall stood in UTC. */
int64_t civil_to_ms(const struct civil *c);
struct civil civil_of_ms(int64_t ms);

/* RFC 3339, what providers and panels write: "2026-11-02T10:15:30.123Z", "… +03:00"; 'T' may be a space, the fraction
 * may be missing and is cut after milliseconds. E_INVALID: anything else, no offset included. */
enum err date_read_iso(int64_t *ms, struct str s);
void date_write_iso(struct buf *to, int64_t ms); /* UTC, "2026-11-02T10:15:30Z", milliseconds only when there are any */

/* "2026-11-02" as a person types it. E_INVALID: anything else or no such day. */
enum err date_read(struct date *out, struct str s);

#endif
