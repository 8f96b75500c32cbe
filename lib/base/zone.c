/* TZif files (RFC 8536) and the POSIX rule in their footer.
 *
 * A loaded zone is an array of transitions in UTC seconds, ascending; between transition i and i + 1 offset_s[i] holds,
 * before the first first_s. After the last one the rule of the footer goes on, when there is one.
 *
 * Local → UTC asks which offsets hold around the wished reading and tries each: one fits mostly, two in an overlap,
 * none in a gap. No case is treated specially, so a zone that moves by a whole day works too. */
#include "lib/base/zone.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define ZONEINFO_DIR "/usr/share/zoneinfo"
#define HEADER_BYTES 44
#define TYPE_BYTES 6
#define TYPES_MAX 256
#define OFFSET_S_MAX 93599 /* 25:59:59, the largest a TZif file may hold */
#define DAY_S 86400

enum rule_day_kind { RULE_JULIAN /* 1 … 365, no 29 February */, RULE_DAY /* 0 … 365 */, RULE_WEEKDAY };

/* When clocks change, in local time before the change. */
struct rule_day {
	enum rule_day_kind kind;
	int day;                  /* RULE_JULIAN, RULE_DAY */
	int month, week, weekday; /* RULE_WEEKDAY: week 5 is the last; weekday 0 is Sunday */
	int time_s;               /* may be negative or beyond a day */
};

struct rule {
	bool is_known, has_summer;
	int standard_s, summer_s; /* seconds east */
	struct rule_day begin, end;
};

struct zone {
	char name[ZONE_NAME_MAX + 1];
	int first_s;
	size_t count;
	int64_t *at_s;
	int *offset_s;
	struct rule rule;
};

/* --- the POSIX rule: "EST5EDT,M3.2.0,M11.1.0", "<+0330>-3:30" --- */

struct cursor {
	const char *at, *end;
};

static bool take_char(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool take_number(int *out, struct cursor *c, int max)
{
	const char *begin = c->at;
	int n = 0;

	while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - begin < 4)
		n = n * 10 + (*c->at++ - '0');
	*out = n;
	return c->at > begin && n <= max;
}

/* hh[:mm[:ss]] with a sign; RFC 8536 allows hours up to 167 in the times of a rule. */
static bool take_time(int *out_s, struct cursor *c, int hours_max)
{
	int hours, minutes = 0, seconds = 0, sign = 1;

	if (take_char(c, '-'))
		sign = -1;
	else
		take_char(c, '+');
	if (!take_number(&hours, c, hours_max))
		return false;
	if (take_char(c, ':') && !take_number(&minutes, c, 59))
		return false;
	if (take_char(c, ':') && !take_number(&seconds, c, 59))
		return false;
	*out_s = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

static bool skip_abbreviation(struct cursor *c)
{
	const char *begin = c->at;

	if (take_char(c, '<')) {
		while (c->at < c->end && *c->at != '>')
			c->at++;
		return take_char(c, '>');
	}
	while (c->at < c->end && ((*c->at >= 'A' && *c->at <= 'Z') || (*c->at >= 'a' && *c->at <= 'z')))
		c->at++;
	return c->at > begin;
}

static bool take_rule_day(struct rule_day *d, struct cursor *c)
{
	bool ok;

	*d = (struct rule_day){ .time_s = 2 * 3600 };
	if (take_char(c, 'M')) {
		d->kind = RULE_WEEKDAY;
		ok = take_number(&d->month, c, 12) && d->month && take_char(c, '.') && take_number(&d->week, c, 5) && d->week &&
		     take_char(c, '.') && take_number(&d->weekday, c, 6);
	} else if (take_char(c, 'J')) {
		d->kind = RULE_JULIAN;
		ok = take_number(&d->day, c, 365) && d->day;
	} else {
		d->kind = RULE_DAY;
		ok = take_number(&d->day, c, 365);
	}
	if (!ok)
		return false;
	return !take_char(c, '/') || take_time(&d->time_s, c, 167);
}

static bool rule_read(struct rule *r, struct str text)
{
	struct cursor c = { text.at, text.at + text.len };
	int west_s;

	*r = (struct rule){ .is_known = true };
	if (!skip_abbreviation(&c) || !take_time(&west_s, &c, 24))
		return false;
	r->standard_s = -west_s;
	if (c.at == c.end)
		return true;
	r->has_summer = true;
	r->summer_s = r->standard_s + 3600;
	if (!skip_abbreviation(&c))
		return false;
	if (c.at < c.end && *c.at != ',') {
		if (!take_time(&west_s, &c, 24))
			return false;
		r->summer_s = -west_s;
	}
	return take_char(&c, ',') && take_rule_day(&r->begin, &c) && take_char(&c, ',') && take_rule_day(&r->end, &c) &&
	       c.at == c.end;
}

/* Local seconds since 1970 at which the clocks of that year change. */
static int64_t rule_day_s(const struct rule_day *d, int year)
{
	struct date first = { year, 1, 1 };
	int64_t days;
	int weekday, day;

	if (d->kind != RULE_WEEKDAY) {
		days = date_to_days(first) + d->day;
		if (d->kind == RULE_JULIAN)
			days -= !(date_month_days(year, 2) == 29 && d->day >= 60);
		return days * DAY_S + d->time_s;
	}
	first.month = d->month;
	weekday = date_weekday(first) % 7;
	day = 1 + (d->weekday - weekday + 7) % 7 + (d->week - 1) * 7;
	if (day > date_month_days(year, d->month))
		day -= 7;
	return (date_to_days(first) + day - 1) * DAY_S + d->time_s;
}

static int rule_offset_s(const struct rule *r, int64_t at_s)
{
	int64_t begin_s, end_s;
	int year;

	if (!r->has_summer)
		return r->standard_s;
	year = civil_of_ms((at_s + r->standard_s) * SECOND_MS).date.year;
	begin_s = rule_day_s(&r->begin, year) - r->standard_s;
	end_s = rule_day_s(&r->end, year) - r->summer_s;
	if (begin_s < end_s)
		return at_s >= begin_s && at_s < end_s ? r->summer_s : r->standard_s;
	return at_s >= begin_s || at_s < end_s ? r->summer_s : r->standard_s; /* southern half of the world */
}

/* --- TZif --- */

struct counts {
	uint32_t utc_flags, standard_flags, leaps, transitions, types, chars;
};

static uint32_t read_u32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_time(const unsigned char *p, size_t width)
{
	if (width == 4)
		return (int32_t)read_u32(p);
	return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

/* Header at the front of s; *body_bytes is the length of the block behind it with times of so many bytes. */
static enum err header_read(struct counts *n, size_t *body_bytes, struct str s, size_t width)
{
	const unsigned char *p = (const unsigned char *)s.at;

	if (s.len < HEADER_BYTES || memcmp(s.at, "TZif", 4) != 0)
		return E_INVALID;
	*n = (struct counts){ read_u32(p + 20), read_u32(p + 24), read_u32(p + 28), read_u32(p + 32), read_u32(p + 36),
		read_u32(p + 40) };
	if (n->transitions > ZONE_TRANSITIONS_MAX || n->types > TYPES_MAX || n->leaps > ZONE_TRANSITIONS_MAX ||
	    n->chars > ZONE_FILE_BYTES_MAX)
		return E_TOOBIG;
	if (n->types == 0 || n->utc_flags > n->types || n->standard_flags > n->types)
		return E_INVALID;
	*body_bytes = n->transitions * (width + 1) + n->types * (size_t)TYPE_BYTES + n->chars + n->leaps * (width + 4) +
	              n->standard_flags + n->utc_flags;
	return s.len - HEADER_BYTES < *body_bytes ? E_INVALID : OK;
}

/* Offsets of the types; *first is what held before the first transition. */
static enum err types_read(int *offsets, int *first, const unsigned char *p, uint32_t count)
{
	int before = -1;

	for (uint32_t i = 0; i < count; i++, p += TYPE_BYTES) {
		offsets[i] = (int32_t)read_u32(p);
		if (offsets[i] < -OFFSET_S_MAX || offsets[i] > OFFSET_S_MAX || p[4] > 1)
			return E_INVALID;
		if (before < 0 && !p[4])
			before = (int)i;
	}
	*first = offsets[before < 0 ? 0 : before];
	return OK;
}

static enum err block_read(struct zone *z, const struct counts *n, const unsigned char *p, size_t width)
{
	const unsigned char *indexes = p + n->transitions * width;
	int offsets[TYPES_MAX];
	enum err e = types_read(offsets, &z->first_s, indexes + n->transitions, n->types);

	if (e)
		return e;
	z->count = n->transitions;
	z->at_s = xcalloc(z->count, sizeof *z->at_s);
	z->offset_s = xcalloc(z->count, sizeof *z->offset_s);
	for (size_t i = 0; i < z->count; i++) {
		z->at_s[i] = read_time(p + i * width, width);
		if (indexes[i] >= n->types || (i && z->at_s[i] <= z->at_s[i - 1]))
			return E_INVALID;
		z->offset_s[i] = offsets[indexes[i]];
	}
	return OK;
}

/* "\nRULE\n"; an empty rule is allowed and says nothing. */
static enum err footer_read(struct zone *z, struct str s)
{
	const char *end;

	if (s.len < 2 || s.at[0] != '\n')
		return E_INVALID;
	end = memchr(s.at + 1, '\n', s.len - 1);
	if (!end)
		return E_INVALID;
	if (end == s.at + 1)
		return OK;
	return rule_read(&z->rule, str_n(s.at + 1, (size_t)(end - s.at) - 1)) ? OK : E_INVALID;
}

/* Version 1 has one block of 32-bit times; later ones repeat it with 64 bits and add the footer. */
static enum err tzif_read(struct zone *z, struct str s)
{
	struct counts n;
	size_t body_bytes;
	enum err e = header_read(&n, &body_bytes, s, 4);

	if (e)
		return e;
	if (s.at[4] == '\0')
		return block_read(z, &n, (const unsigned char *)s.at + HEADER_BYTES, 4);
	s = str_n(s.at + HEADER_BYTES + body_bytes, s.len - HEADER_BYTES - body_bytes);
	e = header_read(&n, &body_bytes, s, 8);
	if (!e)
		e = block_read(z, &n, (const unsigned char *)s.at + HEADER_BYTES, 8);
	if (e)
		return e;
	return footer_read(z, str_n(s.at + HEADER_BYTES + body_bytes, s.len - HEADER_BYTES - body_bytes));
}

enum err zone_read(struct zone **out, const char *name, struct str tzif)
{
	struct zone *z;
	enum err e;

	*out = NULL;
	if (tzif.len > ZONE_FILE_BYTES_MAX)
		return E_TOOBIG;
	if (!zone_name_is_valid(name))
		return E_INVALID;
	z = xcalloc(1, sizeof *z);
	memcpy(z->name, name, strlen(name) + 1);
	e = tzif_read(z, tzif);
	if (e) {
		zone_free(z);
		return e;
	}
	*out = z;
	return OK;
}

void zone_free(struct zone *z)
{
	if (!z || z == zone_utc())
		return;
	free(z->at_s);
	free(z->offset_s);
	free(z);
}

/* --- files --- */

bool zone_name_is_valid(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len == 0 || len > ZONE_NAME_MAX || name[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		bool part_begins = i == 0 || name[i - 1] == '/';
		char c = name[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
			continue;
		if (part_begins || !strchr("+-_/", c)) /* no part begins with a sign, a slash or a dot */
			return false;
	}
	return true;
}

static enum err file_read(struct buf *to, const char *path)
{
	FILE *f = fopen(path, "rbe");
	char piece[4096];
	size_t n;
	enum err e;

	if (!f)
		return errno == ENOENT || errno == ENOTDIR ? E_NOTFOUND : E_IO;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0 && !to->over)
		buf_add(to, str_n(piece, n));
	e = ferror(f) ? E_IO : to->over ? E_TOOBIG : OK;
	fclose(f);
	return e;
}

enum err zone_load_from(struct zone **out, const char *dir, const char *name)
{
	struct buf path, bytes;
	enum err e;

	*out = NULL;
	if (!zone_name_is_valid(name))
		return E_INVALID;
	buf_init(&path, 4096);
	buf_init(&bytes, ZONE_FILE_BYTES_MAX);
	buf_printf(&path, "%s/%s", dir, name);
	e = path.over ? E_NOTFOUND : file_read(&bytes, buf_cstr(&path));
	if (e == E_IO)
		e = E_NOTFOUND; /* a directory ("Europe") or unreadable: there is no such zone for us */
	if (!e)
		e = zone_read(out, name, buf_str(&bytes));
	buf_release(&path);
	buf_release(&bytes);
	return e;
}

enum err zone_load(struct zone **out, const char *name)
{
	enum err e = zone_load_from(out, ZONEINFO_DIR, name);

	if (e != E_NOTFOUND || strcmp(name, "UTC") != 0)
		return e;
	*out = xcalloc(1, sizeof **out); /* a machine without tzdata still knows UTC */
	memcpy((*out)->name, "UTC", sizeof "UTC");
	return OK;
}

/* --- asking --- */

const struct zone *zone_utc(void)
{
	static const struct zone utc = { .name = "UTC" };

	return &utc;
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

static int64_t floor_s(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

static int offset_at(const struct zone *z, int64_t at_s)
{
	size_t low = 0, high = z->count;

	while (low < high) { /* first transition after at_s */
		size_t middle = low + (high - low) / 2;

		if (z->at_s[middle] <= at_s)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->count && z->rule.is_known)
		return rule_offset_s(&z->rule, at_s);
	return low ? z->offset_s[low - 1] : z->first_s;
}

int zone_offset_s(const struct zone *z, int64_t at_ms)
{
	return offset_at(z, floor_s(at_ms));
}

struct civil zone_local(const struct zone *z, int64_t at_ms)
{
	return civil_of_ms(at_ms + zone_offset_s(z, at_ms) * SECOND_MS);
}

/* No zone lies further than this from UTC, and none changes twice within twice that time: the offsets a day before
 * and a day after a reading are the only ones that can explain it. */
int64_t zone_moment(const struct zone *z, const struct civil *local)
{
	int64_t as_utc_ms = civil_to_ms(local);
	int before_s = zone_offset_s(z, as_utc_ms - DAY_MS - HOUR_MS), after_s = zone_offset_s(z, as_utc_ms + DAY_MS + HOUR_MS);
	int64_t early_ms = as_utc_ms - before_s * SECOND_MS, late_ms = as_utc_ms - after_s * SECOND_MS;

	if (zone_offset_s(z, early_ms) == before_s)
		return early_ms; /* also the first of two in an overlap: the clock still goes as before */
	if (zone_offset_s(z, late_ms) == after_s)
		return late_ms;
	return early_ms; /* in a gap: counted on with the old offset, which lands as far behind the jump */
}

struct date zone_day(const struct zone *z, int64_t at_ms)
{
	return zone_local(z, at_ms).date;
}

int64_t zone_day_start(const struct zone *z, struct date d)
{
	return zone_moment(z, &(struct civil){ .date = d });
}

int64_t zone_next_daily(const struct zone *z, int64_t after_ms, int hour, int minute)
{
	int64_t day = date_to_days(zone_day(z, after_ms)) - 1;

	assert(hour >= 0 && hour < 24 && minute >= 0 && minute < 60);
	for (int i = 0; i < 4; i++, day++) { /* yesterday's may still come in a gap, tomorrow's always does */
		struct civil c = { .date = date_of_days(day), .hour = hour, .minute = minute };
		int64_t at_ms = zone_moment(z, &c);

		if (at_ms > after_ms)
			return at_ms;
	}
	return INT64_MAX; /* the end of the calendar, year 9999 */
}
