/* Telegram's HTML text as a thing one can measure, cut and strip.
 *
 * Limits count UTF-16 units of what is shown: a tag counts nothing, &amp; counts one, an emoji two. Our own texts come
 * from locales and the formatter, so they are well formed; text that is not is still handled, never trusted. */
#ifndef OBOL_TELEGRAM_TG_TEXT_H
#define OBOL_TELEGRAM_TG_TEXT_H

#include "lib/base/buf.h"

#define TG_TEXT_UNITS_MAX 4096
#define TG_CAPTION_UNITS_MAX 1024
#define TG_TEXT_OPEN_MAX 16   /* tags open at once that are carried over to the next part */

size_t tg_text_units(struct str html); /* UTF-16 units shown */

/* Cuts html into parts of at most units_max (≥ 16) and appends them to parts (room for parts_max); *count of them. The
 * cut is at an empty line, else a line break, else a space, else between two characters; never inside a tag or a
 * reference, and tags open at the cut are closed there and opened again in the next part. Parts live in arena.
 * E_TOOBIG: more than parts_max; the first parts_max are given. */
enum err tg_text_split(struct str *parts, size_t *count, size_t parts_max, struct arena *arena, struct str html, size_t units_max);

/* Without tags, references replaced: what people would see. */
struct str tg_text_plain(struct arena *arena, struct str html);

/* Plain text of at most points_max (≥ 1) code points; a longer one ends with "…". */
struct str tg_text_shorten(struct arena *arena, struct str plain, size_t points_max);

#endif
