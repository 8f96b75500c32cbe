/* Values as text, and typed text as values. */
#include "bot/admin/admin_private.h"

#include <string.h>

#define NUMBER_CHARS_MAX 20 /* it is kept as it was typed, in places that have room for so much */

struct str admin_user_word(struct act *a, const struct user *u)
{
	if (!u)
		return STR("–");
	if (u->username && *u->username)
		return str_of(arena_printf(a->arena, "@%s", u->username));
	if (u->first_name && *u->first_name)
		return utf8_head(str_of(u->first_name), NAME_POINTS_MAX);
	return str_of(word_number(a, u->telegram_id));
}

struct str admin_reason_text(const struct screen *s, const char *reason)
{
	const char *key;

	if (!reason)
		return STR("–");
	key = arena_printf(s->a->arena, "admin.reason.%s", reason);
	if (i18n_has(s->to.texts, key))
		return i18n_text_new(s->a->arena, &s->to, key, (const struct i18n_arg[]){ { 0 } });
	return i18n_text_new(s->a->arena, &s->to, "admin.panel_words", (const struct i18n_arg[]){ T_STR("words", reason), { 0 } });
}

bool admin_read_number(int64_t *out, struct str text, int64_t min, int64_t max)
{
	text = str_trim(text);
	return text.len <= NUMBER_CHARS_MAX && str_to_i64(out, text) == OK && *out >= min && *out <= max;
}

const char *admin_read_name(struct act *a, struct str text)
{
	struct str name = str_trim(utf8_clean(a->arena, text));

	if (!name.len || utf8_points(name) > NAME_POINTS_MAX || name.len > PLAN_NAME_BYTES_MAX || memchr(name.at, '\n', name.len))
		return NULL;
	return arena_strndup(a->arena, name.at, name.len);
}

struct str admin_cut_word(struct str *rest)
{
	struct str word = str_trim(*rest);
	size_t n = 0;

	while (n < word.len && !strchr(" \t\r\n", word.at[n]))
		n++;
	*rest = str_trim(str_n(word.at + n, word.len - n));
	word.len = n;
	return word;
}

bool admin_url_read(struct str *host, struct str *port, struct str url)
{
	const char *start = memmem(url.at, url.len, "://", 3), *end;
	struct str authority;

	*host = *port = STR("");
	if (!start)
		return false;
	authority = str_n(start + 3, (size_t)(url.at + url.len - start - 3));
	authority = str_cut(&authority, '/');
	end = authority.len && authority.at[0] == '[' ? memchr(authority.at, ']', authority.len) : NULL;
	host->at = authority.at;
	host->len = end ? (size_t)(end + 1 - authority.at) : str_cut(&(struct str){ authority.at, authority.len }, ':').len;
	*port = str_n(authority.at + host->len, authority.len - host->len);
	if (!port->len) {
		*port = str_starts(url, "http:") ? STR("80") : STR("443");
		return host->len > 0;
	}
	if (port->at[0] != ':')
		return false;
	*port = str_n(port->at + 1, port->len - 1);
	return host->len > 0;
}
