/* The HTML parse mode: what TDLib accepts and the words with which it refuses. Offsets are bytes of the text sent. */
#include "tests/sim/botapi_private.h"

#include <string.h>

#define DEPTH_MAX 64

struct parser {
	struct str s;
	size_t i;
	struct buf *plain, *error;
	struct { char name[32]; } open[DEPTH_MAX];
	size_t depth;
};

static char at(const struct parser *p)
{
	return p->i < p->s.len ? p->s.at[p->i] : '\0';
}

static bool space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\0';
}

static bool alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip_spaces(struct parser *p)
{
	while (at(p) && space(at(p)))
		p->i++;
}

static void lower_name(char out[32], struct str s)
{
	size_t n = s.len < 31 ? s.len : 31;

	for (size_t i = 0; i < n; i++)
		out[i] = s.at[i] >= 'A' && s.at[i] <= 'Z' ? (char)(s.at[i] | 0x20) : s.at[i];
	out[n] = '\0';
}

static void add_code(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_addc(b, (char)(0xC0 | c >> 6));
	} else if (c < 0x10000) {
		buf_addc(b, (char)(0xE0 | c >> 12));
		buf_addc(b, (char)(0x80 | (c >> 6 & 63)));
	} else {
		buf_addc(b, (char)(0xF0 | c >> 18));
		buf_addc(b, (char)(0x80 | (c >> 12 & 63)));
		buf_addc(b, (char)(0x80 | (c >> 6 & 63)));
	}
	buf_addc(b, (char)(0x80 | (c & 63)));
}

/* "#123" or "#x1F" behind an '&'; the position behind it, 0 if it is none. */
static size_t number_reference(uint32_t *code, const struct parser *p)
{
	size_t i = p->i + 2;
	bool hex = i < p->s.len && p->s.at[i] == 'x';
	size_t first = i += hex;

	for (*code = 0; i < p->s.len && *code <= 0x10FFFF; i++) {
		char c = p->s.at[i];
		char l = (char)(c | 0x20);

		if (c >= '0' && c <= '9')
			*code = *code * (hex ? 16 : 10) + (uint32_t)(c - '0');
		else if (hex && l >= 'a' && l <= 'f')
			*code = *code * 16 + (uint32_t)(l - 'a' + 10);
		else
			break;
	}
	return i == first || *code == 0 || *code > 0x10FFFF ? 0 : i;
}

static size_t named_reference(uint32_t *code, const struct parser *p)
{
	static const struct { const char *name; uint32_t code; } names[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' } };
	size_t end = p->i + 1;

	while (end < p->s.len && alnum(p->s.at[end]))
		end++;
	for (size_t k = 0; k < countof(names); k++)
		if (str_is(str_n(p->s.at + p->i + 1, end - p->i - 1), names[k].name)) {
			*code = names[k].code;
			return end;
		}
	return 0;
}

static void reference(struct parser *p)
{
	uint32_t code = 0;
	bool number = p->i + 1 < p->s.len && p->s.at[p->i + 1] == '#';
	size_t end = number ? number_reference(&code, p) : named_reference(&code, p);

	if (!end) {
		buf_addc(p->plain, '&');
		p->i++;
		return;
	}
	add_code(p->plain, code);
	p->i = end < p->s.len && p->s.at[end] == ';' ? end + 1 : end; /* the semicolon is optional */
}

static bool known_tag(const char *name)
{
	static const char *const tags[] = {
		"a", "b", "strong", "i", "em", "s", "strike", "del", "u", "ins", "tg-spoiler", "tg-emoji", "tg-time", "span", "pre", "code",
		"blockquote",
	};

	for (size_t i = 0; i < countof(tags); i++)
		if (strcmp(tags[i], name) == 0)
			return true;
	return false;
}

/* The value of an attribute; *value borrows. False: error set. */
static bool attribute_value(struct str *value, struct parser *p, size_t tag_at)
{
	size_t from;
	char quote;

	p->i++;
	skip_spaces(p);
	if (!at(p)) {
		buf_printf(p->error, "Unclosed start tag at byte offset %zu", tag_at);
		return false;
	}
	from = p->i;
	quote = at(p);
	if (quote != '"' && quote != '\'') {
		while (alnum(at(p)) || at(p) == '.' || at(p) == '-')
			p->i++;
		*value = str_n(p->s.at + from, p->i - from);
		if (!space(at(p)) && at(p) != '>') {
			buf_printf(p->error, "Unexpected end of name token at byte offset %zu", from);
			return false;
		}
		return true;
	}
	p->i++;
	while (at(p) && at(p) != quote)
		p->i++;
	*value = str_n(p->s.at + from + 1, p->i - from - 1);
	if (!at(p)) {
		buf_printf(p->error, "Unclosed start tag at byte offset %zu", tag_at);
		return false;
	}
	p->i++;
	return true;
}

static bool attributes(struct parser *p, const char *tag, size_t tag_at, bool *spoiler)
{
	*spoiler = false;
	while (at(p) && at(p) != '>') {
		struct str name, value = STR("");
		size_t from;

		skip_spaces(p);
		if (!at(p) || at(p) == '>')
			break;
		from = p->i;
		while (!space(at(p)) && at(p) != '=' && at(p) != '>')
			p->i++;
		name = str_n(p->s.at + from, p->i - from);
		if (name.len == 0) {
			buf_printf(p->error, "Empty attribute name in the tag \"%s\" at byte offset %zu", tag, tag_at);
			return false;
		}
		skip_spaces(p);
		if (at(p) == '=' && !attribute_value(&value, p, tag_at))
			return false;
		*spoiler |= str_is_nocase(name, "class") && str_is(value, "tg-spoiler");
	}
	if (at(p) != '>') {
		buf_printf(p->error, "Unclosed start tag \"%s\" at byte offset %zu", tag, tag_at);
		return false;
	}
	return true;
}

static bool start_tag(struct parser *p)
{
	size_t tag_at = p->i, from = ++p->i;
	char name[32];
	bool spoiler;

	while (!space(at(p)) && at(p) != '>')
		p->i++;
	if (!at(p)) {
		buf_printf(p->error, "Unclosed start tag at byte offset %zu", tag_at);
		return false;
	}
	lower_name(name, str_n(p->s.at + from, p->i - from));
	if (!known_tag(name)) {
		buf_printf(p->error, "Unsupported start tag \"%s\" at byte offset %zu", name, tag_at);
		return false;
	}
	if (!attributes(p, name, tag_at, &spoiler))
		return false;
	if (strcmp(name, "span") == 0 && !spoiler) {
		buf_printf(p->error, "Tag \"span\" must have class \"tg-spoiler\" at byte offset %zu", tag_at);
		return false;
	}
	if (p->depth == DEPTH_MAX) {
		buf_printf(p->error, "Unclosed start tag at byte offset %zu", tag_at); /* deeper than anything of ours */
		return false;
	}
	memcpy(p->open[p->depth++].name, name, sizeof name);
	p->i++;
	return true;
}

static bool end_tag(struct parser *p)
{
	size_t tag_at = p->i, from = p->i += 2;
	char name[32];
	const char *expected;

	while (!space(at(p)) && at(p) != '>')
		p->i++;
	lower_name(name, str_n(p->s.at + from, p->i - from));
	skip_spaces(p);
	if (at(p) != '>') {
		buf_printf(p->error, "Unclosed end tag at byte offset %zu", tag_at);
		return false;
	}
	if (p->depth == 0) {
		buf_printf(p->error, "Unexpected end tag at byte offset %zu", tag_at);
		return false;
	}
	expected = p->open[p->depth - 1].name;
	if (*name && strcmp(name, expected) != 0) {
		buf_printf(p->error, "Unmatched end tag at byte offset %zu, expected \"</%s>\", found \"</%s>\"", tag_at, expected, name);
		return false;
	}
	p->depth--;
	p->i++;
	return true;
}

bool html_parse(struct buf *plain, struct buf *error, struct str html)
{
	struct parser p = { .s = html, .plain = plain, .error = error };

	while (p.i < html.len) {
		if (at(&p) == '&') {
			reference(&p);
		} else if (at(&p) != '<') {
			buf_addc(plain, html.at[p.i++]);
		} else if (!(p.i + 1 < html.len && html.at[p.i + 1] == '/' ? end_tag(&p) : start_tag(&p))) {
			return false;
		}
	}
	if (p.depth) {
		buf_printf(error, "Can't find end tag corresponding to start tag \"%s\"", p.open[p.depth - 1].name);
		return false;
	}
	return true;
}
