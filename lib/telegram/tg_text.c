/* Walking Telegram's HTML piece by piece: a tag, a reference or one character. Measuring, cutting and stripping are
 * three ways to look at the same walk. */
#include "lib/telegram/tg_text.h"

#include <string.h>

enum piece_kind { PIECE_CHAR, PIECE_REFERENCE, PIECE_OPEN, PIECE_CLOSE };

struct piece {
	enum piece_kind kind;
	struct str s;          /* as it stands in the text */
	uint32_t code;         /* what a reference means */
	size_t units;          /* shown UTF-16 units */
};

static struct str rest_of(struct str s, size_t from)
{
	return str_n(s.at + from, s.len - from);
}

#define TAG_BYTES_MAX 4096 /* a '<' without '>' must not cost a walk through the whole text each time */

/* Bytes of the tag at the beginning of s, 0 if it never closes. A '>' inside quotes does not close it. */
static size_t tag_bytes(struct str s)
{
	char quote = 0;

	for (size_t i = 1; i < s.len && i < TAG_BYTES_MAX; i++) {
		char c = s.at[i];

		if (quote) {
			if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '>') {
			return i + 1;
		}
	}
	return 0;
}

static const struct { const char *text; uint32_t code; } references[] = {
	{ "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' },
};

#define REFERENCE_BYTES_MAX 12 /* &#x10FFFF; and some leading zeros */

static int digit_of(char c, int base)
{
	int d = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : 99;

	return d < base ? d : -1;
}

/* "&#38;", "&#x26;": the code and the bytes it takes; 0 bytes if it is none. */
static size_t number_reference(uint32_t *code, struct str s)
{
	bool hex = s.len > 2 && (s.at[2] == 'x' || s.at[2] == 'X');
	size_t first = hex ? 3 : 2, i = first;

	*code = 0;
	for (; i < s.len && i < REFERENCE_BYTES_MAX; i++) {
		int d = digit_of(s.at[i], hex ? 16 : 10);

		if (d < 0)
			break;
		*code = *code * (hex ? 16 : 10) + (uint32_t)d;
		if (*code > 0x10FFFF)
			return 0;
	}
	if (i == first || i >= s.len || s.at[i] != ';' || *code == 0 || (*code >= 0xD800 && *code < 0xE000))
		return 0;
	return i + 1;
}

static size_t reference_bytes(uint32_t *code, struct str s)
{
	if (s.len > 1 && s.at[1] == '#')
		return number_reference(code, s);
	for (size_t i = 0; i < countof(references); i++)
		if (str_starts(s, references[i].text)) {
			*code = references[i].code;
			return strlen(references[i].text);
		}
	return 0;
}

/* The piece at byte i < html.len; always at least one byte. */
static struct piece piece_at(struct str html, size_t i)
{
	struct str rest = rest_of(html, i);
	struct piece p = { .kind = PIECE_CHAR };
	size_t n = 0;

	if (rest.at[0] == '<') {
		n = tag_bytes(rest);
		p.kind = rest.len > 1 && rest.at[1] == '/' ? PIECE_CLOSE : PIECE_OPEN;
	} else if (rest.at[0] == '&') {
		n = reference_bytes(&p.code, rest);
		p.kind = PIECE_REFERENCE;
		p.units = p.code > 0xFFFF ? 2 : 1;
	}
	if (n) {
		p.s = str_n(rest.at, n);
		return p;
	}
	p.kind = PIECE_CHAR;
	p.s = utf8_head(rest, 1);
	p.units = utf8_units(p.s);
	return p;
}

size_t tg_text_units(struct str html)
{
	size_t units = 0;

	for (size_t i = 0; i < html.len;) {
		struct piece p = piece_at(html, i);

		units += p.units;
		i += p.s.len;
	}
	return units;
}

/* --- cutting --- */

/* What is open at some point of the text: the start tags, outermost first. */
struct open_tags {
	struct str tag[TG_TEXT_OPEN_MAX];
	size_t depth;          /* may pass the maximum; what is deeper is not carried over */
};

static void open_tags_take(struct open_tags *o, const struct piece *p)
{
	if (p->kind == PIECE_OPEN) {
		if (o->depth < TG_TEXT_OPEN_MAX)
			o->tag[o->depth] = p->s;
		o->depth++;
	} else if (p->kind == PIECE_CLOSE && o->depth) {
		o->depth--;
	}
}

static size_t open_tags_kept(const struct open_tags *o)
{
	return o->depth < TG_TEXT_OPEN_MAX ? o->depth : TG_TEXT_OPEN_MAX;
}

static void reopen(struct buf *to, const struct open_tags *o)
{
	for (size_t i = 0; i < open_tags_kept(o); i++)
		buf_add(to, o->tag[i]);
}

static void close_all(struct buf *to, const struct open_tags *o)
{
	for (size_t i = open_tags_kept(o); i-- > 0;) {
		struct str tag = o->tag[i];
		size_t end = 1;

		while (end < tag.len && tag.at[end] != ' ' && tag.at[end] != '>')
			end++;
		buf_adds(to, "</");
		buf_add(to, str_n(tag.at + 1, end - 1));
		buf_addc(to, '>');
	}
}

static bool is_break(char c)
{
	return c == '\n' || c == ' ';
}

/* Where a part that begins at from ends. Good borders count only in its second half: a part of one word followed by a
 * full one would read worse than a cut line. */
static size_t part_end(struct str html, size_t from, size_t units_max)
{
	enum { EMPTY_LINE, LINE, SPACE, BORDERS };
	size_t border[BORDERS] = { 0 }, units = 0, i = from;

	while (i < html.len) {
		struct piece p = piece_at(html, i);

		if (units + p.units > units_max)
			break;
		if (p.kind == PIECE_CHAR && is_break(p.s.at[0]) && units >= units_max / 2) {
			bool line = p.s.at[0] == '\n';
			bool empty = line && i + 1 < html.len && html.at[i + 1] == '\n';

			border[empty ? EMPTY_LINE : line ? LINE : SPACE] = i;
		}
		units += p.units;
		i += p.s.len;
	}
	if (i == html.len || is_break(html.at[i]))
		return i;
	for (size_t b = 0; b < BORDERS; b++)
		if (border[b])
			return border[b];
	return i;
}

static bool is_blank(struct str html)
{
	for (size_t i = 0; i < html.len;) {
		struct piece p = piece_at(html, i);

		if (p.units && !is_break(p.s.at[0]))
			return false;
		i += p.s.len;
	}
	return true;
}

static struct str part_text(struct arena *arena, struct open_tags *open, struct str html)
{
	struct buf b;
	struct str part;

	buf_init(&b, html.len * 2 + 65536);
	reopen(&b, open);
	buf_add(&b, html);
	for (size_t i = 0; i < html.len;) {
		struct piece p = piece_at(html, i);

		open_tags_take(open, &p);
		i += p.s.len;
	}
	close_all(&b, open);
	part = str_n(str_dup(arena, buf_str(&b)), b.len);
	buf_release(&b);
	return part;
}

enum err tg_text_split(struct str *parts, size_t *count, size_t parts_max, struct arena *arena, struct str html, size_t units_max)
{
	struct open_tags open = { .depth = 0 };
	size_t from = 0;

	*count = 0;
	while (from < html.len) {
		size_t end = part_end(html, from, units_max);
		struct str piece = str_n(html.at + from, end - from);

		if (!is_blank(piece) && *count == parts_max)
			return E_TOOBIG;
		if (is_blank(piece))
			part_text(arena, &open, piece); /* nothing to show, but tags may open here */
		else
			parts[(*count)++] = part_text(arena, &open, piece);
		from = end;
		while (from < html.len && is_break(html.at[from]))
			from++;
	}
	return OK;
}

/* --- plain text --- */

static void add_code_point(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_addc(b, (char)(0xC0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_addc(b, (char)(0xE0 | c >> 12));
		} else {
			buf_addc(b, (char)(0xF0 | c >> 18));
			buf_addc(b, (char)(0x80 | (c >> 12 & 0x3F)));
		}
		buf_addc(b, (char)(0x80 | (c >> 6 & 0x3F)));
	}
	buf_addc(b, (char)(0x80 | (c & 0x3F)));
}

struct str tg_text_plain(struct arena *arena, struct str html)
{
	struct buf b;
	struct str plain;

	buf_init(&b, html.len + 1); /* nothing gets longer */
	for (size_t i = 0; i < html.len;) {
		struct piece p = piece_at(html, i);

		if (p.kind == PIECE_CHAR)
			buf_add(&b, p.s);
		else if (p.kind == PIECE_REFERENCE)
			add_code_point(&b, p.code);
		i += p.s.len;
	}
	plain = str_n(str_dup(arena, buf_str(&b)), b.len);
	buf_release(&b);
	return plain;
}

struct str tg_text_shorten(struct arena *arena, struct str plain, size_t points_max)
{
	struct str head = utf8_head(plain, points_max);

	if (head.len == plain.len)
		return plain;
	head = utf8_head(plain, points_max - 1);
	return str_of(arena_printf(arena, "%.*s…", STR_ARG(head)));
}
