/* Encodings. */
#include "lib/base/enc.h"

#include <string.h>

#include "lib/base/rand.h"

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void enc_hex(struct buf *to, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = bytes;

	for (size_t i = 0; i < n; i++) {
		buf_addc(to, digits[b[i] >> 4]);
		buf_addc(to, digits[b[i] & 15]);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum err dec_hex(unsigned char *out, size_t out_max, size_t *n, struct str s)
{
	if (s.len % 2)
		return E_INVALID;
	if (s.len / 2 > out_max)
		return E_TOOBIG;
	for (size_t i = 0; i < s.len; i += 2) {
		int high = hex_value(s.at[i]), low = hex_value(s.at[i + 1]);

		if (high < 0 || low < 0)
			return E_INVALID;
		out[i / 2] = (unsigned char)(high * 16 + low);
	}
	*n = s.len / 2;
	return OK;
}

static void base64(struct buf *to, const unsigned char *b, size_t n, const char *last_two, bool pad)
{
	static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t v = (uint32_t)b[i] << 16;

		if (have > 1)
			v |= (uint32_t)b[i + 1] << 8;
		if (have > 2)
			v |= b[i + 2];
		for (size_t k = 0; k < 4; k++) {
			uint32_t six = v >> (18 - 6 * k) & 63;

			if (k <= have)
				buf_addc(to, six < 62 ? common[six] : last_two[six - 62]);
			else if (pad)
				buf_addc(to, '=');
		}
	}
}

void enc_base64(struct buf *to, const void *bytes, size_t n)
{
	base64(to, bytes, n, "+/", true);
}

void enc_base64url(struct buf *to, const void *bytes, size_t n)
{
	base64(to, bytes, n, "-_", false);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

/* Bits of bits_each per character go into whole bytes; what is left over must be zero bits of less than one character. */
struct bit_sink {
	unsigned char *out;
	size_t max, n;
	uint32_t held;
	int held_bits;
};

static enum err sink_add(struct bit_sink *s, uint32_t value, int bits_each)
{
	s->held = s->held << bits_each | value;
	s->held_bits += bits_each;
	if (s->held_bits < 8)
		return OK;
	if (s->n == s->max)
		return E_TOOBIG;
	s->held_bits -= 8;
	s->out[s->n++] = (unsigned char)(s->held >> s->held_bits);
	s->held &= (1u << s->held_bits) - 1;
	return OK;
}

enum err dec_base64(unsigned char *out, size_t out_max, size_t *n, struct str s)
{
	struct bit_sink sink = { .out = out, .max = out_max };

	for (int pads = 0; pads < 2 && s.len && s.at[s.len - 1] == '='; pads++)
		s.len--;
	if (s.len % 4 == 1)
		return E_INVALID;
	for (size_t i = 0; i < s.len; i++) {
		int v = base64_value(s.at[i]);
		enum err e = v < 0 ? E_INVALID : sink_add(&sink, (uint32_t)v, 6);

		if (e)
			return e;
	}
	if (sink.held)
		return E_INVALID;
	*n = sink.n;
	return OK;
}

void enc_base32(struct buf *to, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;
	uint32_t held = 0;
	int bits = 0;

	for (size_t i = 0; i < n; i++) {
		held = held << 8 | b[i];
		for (bits += 8; bits >= 5; bits -= 5)
			buf_addc(to, crockford[held >> (bits - 5) & 31]);
		held &= (1u << bits) - 1;
	}
	if (bits)
		buf_addc(to, crockford[held << (5 - bits) & 31]);
}

static int base32_value(char c)
{
	const char *at;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 32);
	if (c == 'I' || c == 'L')
		return 1;
	if (c == 'O')
		return 0;
	at = c ? strchr(crockford, c) : NULL;
	return at ? (int)(at - crockford) : -1;
}

enum err dec_base32(unsigned char *out, size_t out_max, size_t *n, struct str s)
{
	struct bit_sink sink = { .out = out, .max = out_max };

	for (size_t i = 0; i < s.len; i++) {
		int v;
		enum err e;

		if (s.at[i] == '-' || s.at[i] == ' ')
			continue;
		v = base32_value(s.at[i]);
		e = v < 0 ? E_INVALID : sink_add(&sink, (uint32_t)v, 5);
		if (e)
			return e;
	}
	if (sink.held || sink.held_bits >= 5)
		return E_INVALID;
	*n = sink.n;
	return OK;
}

void enc_percent(struct buf *to, struct str s, const char *also)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			(c && (strchr("-_.~", c) || strchr(also, c)));

		if (plain) {
			buf_addc(to, c);
			continue;
		}
		buf_addc(to, '%');
		buf_addc(to, digits[(unsigned char)c >> 4]);
		buf_addc(to, digits[(unsigned char)c & 15]);
	}
}

enum err dec_percent(struct buf *to, struct str s, bool plus_is_space)
{
	for (size_t i = 0; i < s.len; i++) {
		int high, low;

		if (s.at[i] != '%') {
			buf_addc(to, plus_is_space && s.at[i] == '+' ? ' ' : s.at[i]);
			continue;
		}
		if (s.len - i < 3)
			return E_INVALID;
		high = hex_value(s.at[i + 1]);
		low = hex_value(s.at[i + 2]);
		if (high < 0 || low < 0)
			return E_INVALID;
		buf_addc(to, (char)(high * 16 + low));
		i += 2;
	}
	return OK;
}

void enc_html(struct buf *to, struct str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.len; i++) {
		const char *entity = s.at[i] == '&' ? "&amp;" : s.at[i] == '<' ? "&lt;" :
			s.at[i] == '>' ? "&gt;" : s.at[i] == '"' ? "&quot;" : NULL;

		if (!entity)
			continue;
		buf_add(to, str_n(s.at + from, i - from));
		buf_adds(to, entity);
		from = i + 1;
	}
	buf_add(to, str_n(s.at + from, s.len - from));
}

void enc_random_base32(char *out, size_t n)
{
	unsigned char b[64];

	for (size_t i = 0; i < n; i++) {
		if (i % sizeof b == 0)
			rand_bytes(b, sizeof b);
		out[i] = crockford[b[i % sizeof b] & 31];
	}
	out[n] = '\0';
}
