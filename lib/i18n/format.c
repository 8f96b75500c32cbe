/* Marks and orders of languages; the words come from the locale files. */
#include "lib/i18n/i18n_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define NBSP "\xC2\xA0"

/* Row 0 is for languages without a row. Group marks: a Russian four-digit number is written without. */
static const struct locale_format formats[] = {
	/*        decimal  group  from digits  symbol first */
	{ "en", { ".",     ",",   4,           true  } },
	{ "ru", { ",",     NBSP,  5,           false } },
};

const struct locale_format *format_find(struct str language)
{
	struct str base = str_cut(&language, '-');

	for (size_t i = 0; i < countof(formats); i++)
		if (str_is_nocase(base, formats[i].language))
			return &formats[i];
	return &formats[0];
}

static const struct locale_format *format_of(const struct i18n_to *who)
{
	return who->texts->langs[who->lang].format;
}

static const struct zone *zone_of(const struct i18n_to *who)
{
	return who->zone ? who->zone : zone_utc();
}

void format_number(struct buf *to, const struct locale_format *f, int64_t n)
{
	money_write_number(to, n, &f->number);
}

/* --- dates --- */

void format_date(struct buf *to, const struct i18n_to *who, int64_t at_ms)
{
	static const char *const months[] = {
		"format.month.1", "format.month.2", "format.month.3", "format.month.4", "format.month.5", "format.month.6",
		"format.month.7", "format.month.8", "format.month.9", "format.month.10", "format.month.11", "format.month.12",
	};
	struct date d;

	if (at_ms == 0) {
		i18n_add(to, who, "format.never");
		return;
	}
	d = zone_day(zone_of(who), at_ms);
	i18n_add(to, who, "format.date", T_ID("day", d.day), T_KEY("month", months[d.month - 1]), T_ID("year", d.year));
}

/* "UTC", "UTC+3", "UTC−3:30" */
static void add_offset(struct buf *to, int offset_s)
{
	int minutes = abs(offset_s) / 60;

	buf_adds(to, "UTC");
	if (minutes == 0)
		return;
	buf_printf(to, "%s%d", offset_s < 0 ? "−" : "+", minutes / 60);
	if (minutes % 60)
		buf_printf(to, ":%02d", minutes % 60);
}

void format_moment(struct buf *to, const struct i18n_to *who, int64_t at_ms)
{
	struct civil c;

	format_date(to, who, at_ms);
	if (at_ms == 0)
		return;
	c = zone_local(zone_of(who), at_ms);
	buf_printf(to, ", %02d:%02d (", c.hour, c.minute);
	add_offset(to, zone_offset_s(zone_of(who), at_ms));
	buf_addc(to, ')');
}

/* --- sizes, spans, money --- */

void format_bytes(struct buf *to, const struct i18n_to *who, int64_t bytes)
{
	static const char *const units[] = { "format.unit.b", "format.unit.kb", "format.unit.mb", "format.unit.gb", "format.unit.tb" };
	uint64_t size = bytes < 0 ? 0 : (uint64_t)bytes, unit = 1;
	size_t i = 0;

	while (i + 1 < countof(units) && size / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	format_number(to, format_of(who), (int64_t)(size / unit));
	if (size % unit * 10 / unit)
		buf_printf(to, "%s%d", format_of(who)->number.decimal_mark, (int)(size % unit * 10 / unit));
	buf_adds(to, NBSP);
	i18n_add(to, who, units[i]);
}

void format_span(struct buf *to, const struct i18n_to *who, int64_t span_ms)
{
	static const struct {
		int64_t unit_ms, from_ms;
		const char *key;
	} units[] = {
		{ DAY_MS, 36 * HOUR_MS, "format.span.days" },
		{ HOUR_MS, 90 * MINUTE_MS, "format.span.hours" },
		{ MINUTE_MS, 90 * SECOND_MS, "format.span.minutes" },
		{ SECOND_MS, SECOND_MS, "format.span.seconds" },
	};
	int64_t span = span_ms == INT64_MIN ? INT64_MAX : span_ms < 0 ? -span_ms : span_ms;

	for (size_t i = 0; i < countof(units); i++) {
		bool is_whole = span > 0 && span % units[i].unit_ms == 0;

		if (span < units[i].from_ms && !is_whole)
			continue;
		i18n_add(to, who, units[i].key,
			T_INT("count", span / units[i].unit_ms + (span % units[i].unit_ms * 2 >= units[i].unit_ms)));
		return;
	}
	i18n_add(to, who, "format.span.moment");
}

void format_money(struct buf *to, const struct i18n_to *who, int64_t amount_minor, const struct currency *c)
{
	money_write(to, amount_minor, c, &format_of(who)->number);
}
