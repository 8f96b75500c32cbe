/* From the text of a locale file to a template, and what may stand in it. */
#include "lib/i18n/i18n_private.h"

#include <string.h>

#define PIECES_MAX (I18N_PLACEHOLDERS_MAX + 1)
#define TAGS_DEEP_MAX 8

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.at[i] >= 'a' && s.at[i] <= 'z') && !(s.at[i] >= '0' && s.at[i] <= '9') && s.at[i] != '_')
			return false;
	return s.len > 0;
}

/* Length of text up to the next brace or the end. */
static size_t until_brace(struct str s)
{
	size_t n = 0;

	while (n < s.len && s.at[n] != '{' && s.at[n] != '}')
		n++;
	return n;
}

/* s begins with a brace: reads {{name}}. */
static const char *take_placeholder(struct str *name, struct str *s)
{
	const char *end;

	if (!str_starts(*s, "{{"))
		return "a single brace: placeholders are written {{name}}";
	end = memmem(s->at, s->len, "}}", 2);
	if (!end)
		return "{{ without }}";
	*name = str_n(s->at + 2, (size_t)(end - s->at) - 2);
	if (!is_name(*name))
		return "unknown placeholder syntax: only {{name}} of a-z, 0-9 and _ is understood";
	*s = str_n(end + 2, s->len - (size_t)(end - s->at) - 2);
	return NULL;
}

enum err i18n_compile(struct i18n_template *out, struct arena *a, struct str text, const char **problem)
{
	struct i18n_piece pieces[PIECES_MAX];
	size_t count = 0;

	*problem = str_has(text, "$t(") ? "$t(…) is not understood" : NULL;
	while (text.len && !*problem) {
		size_t n = until_brace(text);
		struct i18n_piece piece = { .text = str_n(str_dup(a, str_n(text.at, n)), n) };
		struct str name;

		text = str_n(text.at + n, text.len - n);
		if (text.len) {
			*problem = take_placeholder(&name, &text);
			if (*problem)
				break;
			piece.name = str_dup(a, name);
		}
		if (count == PIECES_MAX)
			*problem = "too many placeholders";
		else
			pieces[count++] = piece;
	}
	if (*problem)
		return E_INVALID;
	out->count = count;
	out->pieces = arena_array(a, struct i18n_piece, count);
	if (count)
		memcpy(out->pieces, pieces, count * sizeof *pieces);
	return OK;
}

/* --- markup --- */

static bool is_known_tag(struct str name)
{
	static const char *const tags[] = { "b", "i", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler" };

	for (size_t i = 0; i < countof(tags); i++)
		if (str_is(name, tags[i]))
			return true;
	return false;
}

/* s begins with '<' and goes to the end of the text. */
static const char *take_tag(struct str *open, size_t *depth, struct str *s)
{
	const char *end = memchr(s->at, '>', s->len);
	struct str inner, name;
	bool closes;

	if (!end)
		return "a bare <: write &lt;";
	inner = str_n(s->at + 1, (size_t)(end - s->at) - 1);
	*s = str_n(end + 1, s->len - (size_t)(end - s->at) - 1);
	closes = str_starts(inner, "/");
	if (closes)
		inner = str_n(inner.at + 1, inner.len - 1);
	name = str_cut(&inner, ' ');
	if (!is_known_tag(name))
		return "a tag Telegram does not know";
	if (!closes) {
		if (*depth == TAGS_DEEP_MAX)
			return "tags too deep";
		open[(*depth)++] = name;
		return NULL;
	}
	if (*depth == 0 || !str_eq(open[*depth - 1], name))
		return "a tag closed that was not opened last";
	--*depth;
	return NULL;
}

static const char *take_entity(struct str *s)
{
	static const char *const entities[] = { "&lt;", "&gt;", "&amp;", "&quot;" };

	for (size_t i = 0; i < countof(entities); i++) {
		size_t n = strlen(entities[i]);

		if (!str_starts(*s, entities[i]))
			continue;
		*s = str_n(s->at + n, s->len - n);
		return NULL;
	}
	return "a bare &: write &amp;";
}

const char *i18n_markup_problem(struct str text)
{
	struct str open[TAGS_DEEP_MAX];
	size_t depth = 0;

	while (text.len) {
		const char *problem = NULL;

		if (text.at[0] == '<')
			problem = take_tag(open, &depth, &text);
		else if (text.at[0] == '&')
			problem = take_entity(&text);
		else
			text = str_n(text.at + 1, text.len - 1);
		if (problem)
			return problem;
	}
	return depth ? "a tag is not closed" : NULL;
}
