/* struct str and UTF-8. */
#include "lib/base/str.h"

#include <endian.h>
#include <string.h>

struct str str_of(const char *s)
{
	return s ? (struct str){ s, strlen(s) } : (struct str){ NULL, 0 };
}

struct str str_n(const char *s, size_t n)
{
	return (struct str){ s, n };
}

char *str_dup(struct arena *a, struct str s)
{
	return arena_strndup(a, s.at, s.len);
}

char *str_join(struct arena *a, const struct str *parts, size_t count)
{
	size_t bytes = 0;
	char *joined, *at;

	for (size_t i = 0; i < count; i++)
		bytes += parts[i].len;
	joined = at = arena_alloc(a, bytes + 1);
	for (size_t i = 0; i < count; i++)
		at = mempcpy(at, parts[i].at, parts[i].len);
	return joined;
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_is(struct str a, const char *b)
{
	return str_eq(a, str_of(b));
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same_nocase(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

bool str_is_nocase(struct str a, const char *b)
{
	return a.len == strlen(b) && same_nocase(a.at, b, a.len);
}

bool str_starts(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && (n == 0 || memcmp(s.at, prefix, n) == 0);
}

bool str_ends(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.len >= n && (n == 0 || memcmp(s.at + s.len - n, suffix, n) == 0);
}

bool str_has(struct str s, const char *needle)
{
	size_t n = strlen(needle);

	return n == 0 || (s.len >= n && memmem(s.at, s.len, needle, n) != NULL);
}

bool str_has_nocase(struct str s, const char *needle)
{
	size_t n = strlen(needle);

	for (size_t i = 0; i + n <= s.len; i++)
		if (same_nocase(s.at + i, needle, n))
			return true;
	return n == 0;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.len && is_space(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len && is_space(s.at[s.len - 1]))
		s.len--;
	return s;
}

struct str str_cut(struct str *rest, char separator)
{
	const char *end = rest->len ? memchr(rest->at, separator, rest->len) : NULL;
	struct str part = *rest;

	if (!end) {
		*rest = (struct str){ NULL, 0 };
		return part;
	}
	part.len = (size_t)(end - rest->at);
	rest->at = end + 1;
	rest->len -= part.len + 1;
	return part;
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HIGH_BITS EACH_BYTE(0x80)

/* The first of them lowest. */
static uint64_t eight_at(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

/* Marks those of the eight that are less than n or equal c, for n and c below 128; bytes above never count. A borrow may
 * mark others beyond the first, but the first mark is always a true one. */
static uint64_t has_less(uint64_t word, uint8_t n)
{
	return (word - EACH_BYTE(n)) & ~word & HIGH_BITS;
}

static uint64_t has_byte(uint64_t word, uint8_t c)
{
	return has_less(word ^ EACH_BYTE(c), 1);
}

size_t str_plain(struct str s)
{
	size_t i = 0;

	for (; s.len - i >= 8; i += 8) {
		uint64_t word = eight_at(s.at + i), marks = has_less(word, 0x20) | has_byte(word, '"') | has_byte(word, '\\');

		if (marks)
			return i + (size_t)__builtin_ctzll(marks) / 8;
	}
	while (i < s.len && (unsigned char)s.at[i] >= 0x20 && s.at[i] != '"' && s.at[i] != '\\')
		i++;
	return i;
}

enum err str_to_i64(int64_t *out, struct str s)
{
	bool minus = s.len && s.at[0] == '-';
	int64_t value = 0;

	if (s.len == (size_t)minus)
		return E_INVALID;
	for (size_t i = minus; i < s.len; i++) {
		int digit = s.at[i] - '0';

		if (digit < 0 || digit > 9)
			return E_INVALID;
		/* downwards, because INT64_MIN has no positive twin */
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, digit, &value))
			return E_INVALID;
	}
	if (!minus && value == INT64_MIN)
		return E_INVALID;
	*out = minus ? value : -value;
	return OK;
}

/* Length of the well-formed sequence at s (Unicode table 3-7), 0 if there is none. */
static size_t sequence(const unsigned char *s, size_t n)
{
	unsigned char lead, low = 0x80, high = 0xBF;
	size_t len;

	if (n == 0)
		return 0;
	lead = s[0];
	if (lead < 0x80)
		return 1;
	if (lead < 0xC2 || lead > 0xF4)
		return 0;
	len = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
	if (len > n)
		return 0;
	if (lead == 0xE0)
		low = 0xA0;
	else if (lead == 0xED)
		high = 0x9F;
	else if (lead == 0xF0)
		low = 0x90;
	else if (lead == 0xF4)
		high = 0x8F;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (s[i] < 0x80 || s[i] > 0xBF)
			return 0;
	return len;
}

bool utf8_valid(struct str s)
{
	size_t i = 0, len;

	while (i < s.len) {
		if (s.len - i >= 8 && !(eight_at(s.at + i) & HIGH_BITS)) {
			i += 8;
			continue;
		}
		len = sequence((const unsigned char *)s.at + i, s.len - i);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

static bool is_control(unsigned char c)
{
	return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
}

static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (is_control((unsigned char)s.at[i]))
			return false;
	return utf8_valid(s);
}

struct str utf8_clean(struct arena *a, struct str s)
{
	char *out;
	size_t n = 0;

	if (is_clean(s))
		return (struct str){ str_dup(a, s), s.len };
	out = arena_alloc(a, s.len * 3 + 1); /* U+FFFD has three bytes */

	for (size_t i = 0; i < s.len;) {
		size_t len = sequence((const unsigned char *)s.at + i, s.len - i);
		unsigned char c = (unsigned char)s.at[i];

		if (!len) {
			memcpy(out + n, "\xEF\xBF\xBD", 3);
			n += 3;
			i++;
			continue;
		}
		if (is_control(c))
			out[n++] = ' ';
		else {
			memcpy(out + n, s.at + i, len);
			n += len;
		}
		i += len;
	}
	return (struct str){ out, n };
}

static bool is_lead(char c)
{
	return ((unsigned char)c & 0xC0) != 0x80;
}

size_t utf8_points(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += is_lead(s.at[i]);
	return n;
}

size_t utf8_units(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += is_lead(s.at[i]) + ((unsigned char)s.at[i] >= 0xF0);
	return n;
}

struct str utf8_head(struct str s, size_t points_max)
{
	size_t i = 0;

	for (; i < s.len; i++)
		if (is_lead(s.at[i]) && points_max-- == 0)
			break;
	return (struct str){ s.at, i };
}

struct str utf8_head_bytes(struct str s, size_t bytes_max)
{
	size_t n = s.len < bytes_max ? s.len : bytes_max;

	while (n < s.len && n && !is_lead(s.at[n]))
		n--;
	return (struct str){ s.at, n };
}
