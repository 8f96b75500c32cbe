/* Numbers, dates, sizes and spans as a language writes them. What is a word stands in the locale files under format.*;
 * what is a mark or an order stands in the table of format.c. All results are plain text, without markup. */
#ifndef OBOL_I18N_FORMAT_H
#define OBOL_I18N_FORMAT_H

#include "lib/i18n/i18n.h"

/* One row per language; a language without one is written like English. */
struct locale_format {
	const char *language;
	struct money_style number;
};

const struct locale_format *format_find(struct str language); /* never NULL */

void format_number(struct buf *to, const struct locale_format *f, int64_t n);
void format_date(struct buf *to, const struct i18n_to *who, int64_t at_ms);   /* 0: the word for never */
void format_moment(struct buf *to, const struct i18n_to *who, int64_t at_ms); /* date, HH:MM, "UTC+3"; 0: never */
void format_bytes(struct buf *to, const struct i18n_to *who, int64_t bytes);  /* at most one digit behind the mark, rounded down */
/* Whole days, hours and minutes as such; else days from 36 hours on, hours from 90 minutes on, minutes from 90 seconds
 * on, seconds, all rounded to the nearest; below one "a moment". The sign is ignored. */
void format_span(struct buf *to, const struct i18n_to *who, int64_t span_ms);
void format_money(struct buf *to, const struct i18n_to *who, int64_t amount_minor, const struct currency *c);

#endif
