/* struct buf. */
#include "lib/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 512 /* holds a button, a line, a short answer: a screen grows in two steps */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->over = false;
	if (b->at)
		b->at[0] = '\0';
}

void buf_release(struct buf *b)
{
	free(b->at);
	buf_init(b, b->max);
}

/* Room for n more bytes and the terminator; false sets over. */
static bool reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : FIRST_BYTES;

	if (b->over || n > b->max - b->len) {
		b->over = true;
		return false;
	}
	if (b->len + n < b->cap)
		return true;
	while (cap <= b->len + n)
		cap *= 2;
	b->at = xrealloc(b->at, cap);
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, struct str s)
{
	if (!s.len || !reserve(b, s.len))
		return;
	memcpy(b->at + b->len, s.at, s.len);
	b->len += s.len;
	b->at[b->len] = '\0';
}

void buf_addc_slow(struct buf *b, char c)
{
	buf_add(b, (struct str){ &c, 1 });
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, str_of(s));
}

void buf_addi(struct buf *b, int64_t i)
{
	char digits[24];
	size_t n = sizeof digits;
	uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;

	do
		digits[--n] = (char)('0' + u % 10);
	while (u /= 10);
	if (i < 0)
		digits[--n] = '-';
	buf_add(b, (struct str){ digits + n, sizeof digits - n });
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		abort(); /* a format string of ours is broken */
	if (!reserve(b, (size_t)n))
		return;
	va_start(args, format);
	vsnprintf(b->at + b->len, (size_t)n + 1, format, args);
	va_end(args);
	b->len += (size_t)n;
}

void buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->at[len] = '\0';
}

void buf_drop(struct buf *b, size_t n)
{
	if (n >= b->len) {
		buf_cut(b, 0);
		return;
	}
	memmove(b->at, b->at + n, b->len - n + 1);
	b->len -= n;
}

struct str buf_str(const struct buf *b)
{
	return (struct str){ b->at, b->len };
}

const char *buf_cstr(const struct buf *b)
{
	return b->at ? b->at : "";
}
