/* See words.h. */
#include "bot/chat/words.h"

#include "lib/base/clock.h"
#include "lib/i18n/format.h"

#define WORDS_BYTES_MAX 512

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

const char *word_number(struct act *a, int64_t n)
{
	return arena_printf(a->arena, "%lld", (long long)n);
}

struct str word_money(struct act *a, const struct i18n_to *to, int64_t amount_minor, const char *currency)
{
	struct buf b;

	buf_init(&b, WORDS_BYTES_MAX);
	add_money(&b, to, amount_minor, currency);
	return keep(a, &b);
}

struct str word_prices(struct act *a, const struct i18n_to *to, const struct price *prices, size_t count)
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

struct str word_quota(struct act *a, const struct i18n_to *to, int64_t quota_bytes)
{
	struct buf b;

	if (!quota_bytes)
		return i18n_new_text(a->arena, to, "format.unlimited");
	buf_init(&b, WORDS_BYTES_MAX);
	format_bytes(&b, to, quota_bytes);
	return keep(a, &b);
}

struct str word_days(struct act *a, const struct i18n_to *to, int days)
{
	struct buf b;

	if (!days)
		return i18n_new_text(a->arena, to, "format.endless");
	buf_init(&b, WORDS_BYTES_MAX);
	format_span(&b, to, days * DAY_MS);
	return keep(a, &b);
}

struct str word_public_id(struct act *a, const char *public_id)
{
	char *shown = arena_alloc(a->arena, PUBLIC_ID_CHARS + 3);

	public_id_show(shown, public_id);
	return str_of(shown);
}

struct str word_way(struct act *a, const struct i18n_to *to, const char *provider)
{
	const char *key = arena_printf(a->arena, "pay.way.%s", provider);

	return i18n_has(to->texts, key) ? i18n_new_text(a->arena, to, key) : str_of(provider);
}
