/* Text as pointer and length, by value. A struct str borrows its bytes and is not terminated. */
#ifndef OBOL_BASE_STR_H
#define OBOL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

struct str {
	const char *at; /* may be NULL when len is 0 */
	size_t len;
};

#define STR(literal) ((struct str){ "" literal "", sizeof(literal) - 1 })
#define STR_ARG(s) (int)(s).len, (s).at /* for "%.*s" */

struct str str_of(const char *s); /* NULL gives the empty str */
struct str str_n(const char *s, size_t n);
char *str_dup(struct arena *a, struct str s); /* terminated copy */
char *str_join(struct arena *a, const struct str *parts, size_t count); /* one after the other, terminated */

bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *b);       /* equals a C string */
bool str_is_nocase(struct str a, const char *b); /* the same for ASCII letters of either case */
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
bool str_has(struct str s, const char *needle);        /* contains */
bool str_has_nocase(struct str s, const char *needle); /* contains, ASCII letters of either case */
struct str str_trim(struct str s); /* without ASCII white space at both ends */

/* How many bytes at the beginning of s stand for themselves inside a JSON string: no quote, backslash or control. Eight are
 * looked at in one step. */
size_t str_plain(struct str s);

/* Cuts the part before the first separator off *rest and returns it; without a separator all of *rest, which is then
 * empty with at == NULL. Loop: while (rest.at) part = str_cut(&rest, ','); */
struct str str_cut(struct str *rest, char separator);

/* Whole text as a decimal number, optional minus, nothing else. E_INVALID: empty, other bytes, out of range. */
enum err str_to_i64(int64_t *out, struct str s);

/* --- UTF-8. Everything from outside passes utf8_valid or utf8_clean before it is stored or sent. --- */

bool utf8_valid(struct str s);
/* A copy in which each byte that is no part of valid UTF-8 is U+FFFD and control characters (but \n, \t) are spaces. */
struct str utf8_clean(struct arena *a, struct str s);
size_t utf8_points(struct str s);  /* code points; s is valid */
size_t utf8_units(struct str s);   /* UTF-16 code units, how Telegram counts; s is valid */
/* The longest beginning of s of at most points_max code points. */
struct str utf8_head(struct str s, size_t points_max);
/* The longest beginning of s of at most bytes_max bytes that does not cut a code point. */
struct str utf8_head_bytes(struct str s, size_t bytes_max);

#endif
