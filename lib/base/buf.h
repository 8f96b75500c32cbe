/* A growing text with a maximum given at birth.
 *
 * Invariants:
 *  1. at[len] is '\0' whenever at is not NULL; buf_cstr never returns NULL.
 *  2. len <= max. What would pass max is dropped whole and sets over, which stays set until buf_clear:
 *     a writer may add many pieces and look once at the end. */
#ifndef OBOL_BASE_BUF_H
#define OBOL_BASE_BUF_H

#include "lib/base/str.h"

struct buf {
	char *at;
	size_t len, cap, max;
	bool over; /* something was dropped because of max */
};

void buf_init(struct buf *b, size_t max);
void buf_clear(struct buf *b);   /* empty, memory kept */
void buf_release(struct buf *b); /* empty, memory gone; usable again with the same max */

void buf_add(struct buf *b, struct str s);
void buf_addc_slow(struct buf *b, char c); /* where there may be no room */

static inline void buf_addc(struct buf *b, char c)
{
	if (b->len + 1 >= b->cap || b->len >= b->max || b->over) {
		buf_addc_slow(b, c);
		return;
	}
	b->at[b->len++] = c;
	b->at[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s);
void buf_addi(struct buf *b, int64_t i); /* decimal */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_cut(struct buf *b, size_t len); /* keeps the first len bytes */
void buf_drop(struct buf *b, size_t n);  /* removes the first n bytes */

struct str buf_str(const struct buf *b);    /* borrowed until the next change */
const char *buf_cstr(const struct buf *b);  /* the same, terminated */

#endif
