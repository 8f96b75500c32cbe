/* Numbers, dates, sizes and spans as a language writes them. What is a word stands in the locale files under format.*;
 * what is a mark or an order stands in the table of format.c. All results are plain text, without markup. */
#ifndef OBOL_I18N_FORMAT_H
#define OBOL_I18N_FORMAT_H

#include "lib/i18n/i18n.h"

enum calendar { CALENDAR_GREGORIAN };

/* One row per language; a language without one is written like English. */
struct locale_format {
	const char *language;
	struct money_style number;
	enum calendar calendar;
	bool right_to_left;
};

const struct locale_format *format_find(struct str language); /* never NULL */

void format_number(struct buf *to, const struct locale_format *f, int64_t n);
void format_date(struct buf *to, const struct i18n_to *who, int64_t at_ms);    /* 0: the word for never */
void format_moment(struct buf *to, const struct i18n_to *who, int64_t at_ms);  /* date, HH:MM, offset unless zone is NULL */
void format_bytes(struct buf *to, const struct i18n_to *who, int64_t bytes);   /* at most one digit behind the mark, rounded down */
/* The largest unit that fits, rounded to it: days, hours, minutes; below a minute "less than a minute". No sign. */
void format_span(struct buf *to, const struct i18n_to *who, int64_t span_ms);
void format_money(struct buf *to, const struct i18n_to *who, int64_t amount_minor, const struct currency *c);

#endif
