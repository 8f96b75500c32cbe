/* Values as text, and typed text as values. */
#include "bot/admin/admin_private.h"

#include <string.h>

#include "lib/i18n/format.h"

#define WORDS_BYTES_MAX 512

const char *admin_number(struct act *a, int64_t n)
{
	return arena_printf(a->arena, "%lld", (long long)n);
}

struct str admin_user_word(struct act *a, const struct user *u)
{
	if (!u)
		return STR("–");
	if (u->username && *u->username)
		return str_of(arena_printf(a->arena, "@%s", u->username));
	if (u->first_name && *u->first_name)
		return utf8_head(str_of(u->first_name), NAME_POINTS_MAX);
	return str_of(admin_number(a, u->telegram_id));
}

static struct str keep(struct act *a, struct buf *b)
{
	struct str s = str_n(arena_strndup(a->arena, buf_cstr(b), b->len), b->len);

	buf_release(b);
	return s;
}

static void add_money(struct buf *to, const struct i18n_to *who, int64_t amount_minor, const char *code)
{
	const struct currency *currency = currency_find(str_of(code));

	if (currency) {
		format_money(to, who, amount_minor, currency);
		return;
	}
	buf_addi(to, amount_minor); /* money of a kind we do not know is still said */
	buf_addc(to, ' ');
	buf_adds(to, code);
}

struct str admin_money_word(struct act *a, const struct i18n_to *to, int64_t amount_minor, const char *currency)
{
	struct buf b;

	buf_init(&b, WORDS_BYTES_MAX);
	add_money(&b, to, amount_minor, currency);
	return keep(a, &b);
}

struct str admin_prices_word(struct act *a, const struct i18n_to *to, const struct price *prices, size_t count)
{
	struct buf b;

	if (!count)
		return STR("–");
	buf_init(&b, WORDS_BYTES_MAX);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_adds(&b, " / ");
		add_money(&b, to, prices[i].amount_minor, prices[i].currency);
	}
	return keep(a, &b);
}

struct str admin_quota_word(struct act *a, const struct i18n_to *to, int64_t quota_bytes)
{
	struct buf b;

	if (!quota_bytes)
		return i18n_new_text(a->arena, to, "admin.limit.unlimited");
	buf_init(&b, WORDS_BYTES_MAX);
	format_bytes(&b, to, quota_bytes);
	return keep(a, &b);
}

struct str admin_order_word(struct act *a, const char *public_id)
{
	char *shown = arena_alloc(a->arena, PUBLIC_ID_CHARS + 3);

	public_id_show(shown, public_id);
	return str_of(shown);
}

struct str admin_way_word(struct act *a, const struct i18n_to *to, const char *provider)
{
	const char *key = arena_printf(a->arena, "pay.way.%s", provider);

	return i18n_has(to->texts, key) ? i18n_new_text(a->arena, to, key) : str_of(provider);
}

bool admin_read_number(int64_t *out, struct str text, int64_t min, int64_t max)
{
	return str_to_i64(out, str_trim(text)) == OK && *out >= min && *out <= max;
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
