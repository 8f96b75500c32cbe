/* The table of currencies and the two ways of writing an amount. */
#include "lib/base/money.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define EXPONENT_MAX 18
#define NBSP "\xC2\xA0" /* so that amount and symbol stay on one line */

static const struct currency currencies[] = {
	/* code   exponent  symbol */
	{ "XTR",  0,        "⭐",    false },
	{ "RUB",  2,        "₽",     false },
	{ "USD",  2,        "$",     false },
	{ "EUR",  2,        "€",     false },
	{ "GBP",  2,        "£",     false },
	{ "UAH",  2,        "₴",     false },
	{ "KZT",  2,        "₸",     false },
	{ "BYN",  2,        "BYN",   false },
	{ "UZS",  2,        "UZS",   false },
	{ "GEL",  2,        "₾",     false },
	{ "AMD",  2,        "֏",     false },
	{ "AZN",  2,        "₼",     false },
	{ "TRY",  2,        "₺",     false },
	{ "CNY",  2,        "CN¥",   false },
	{ "INR",  2,        "₹",     false },
	{ "IDR",  2,        "IDR",   false },
	{ "THB",  2,        "฿",     false },
	{ "BRL",  2,        "R$",    false },
	{ "PLN",  2,        "PLN",   false },
	{ "AED",  2,        "AED",   false },
	{ "JPY",  0,        "¥",     false },
	{ "KRW",  0,        "₩",     false },
	{ "IRR",  0,        "IRR",   false },
	{ "IRT",  0,        "IRT",   false }, /* toman: ten rials; no ISO code, but what people and gateways name */
	{ "USDT", 6,        "USDT",  true },
	{ "USDC", 6,        "USDC",  true },
	{ "TON",  9,        "TON",   true },
	{ "TRX",  6,        "TRX",   true },
	{ "BTC",  8,        "BTC",   true },
	{ "LTC",  8,        "LTC",   true },
};

const struct currency *currency_find(struct str code)
{
	for (size_t i = 0; i < countof(currencies); i++)
		if (str_is_nocase(code, currencies[i].code))
			return &currencies[i];
	return NULL;
}

size_t currency_count(void)
{
	return countof(currencies);
}

const struct currency *currency_at(size_t i)
{
	assert(i < countof(currencies));
	return &currencies[i];
}

/* --- writing --- */

/* An amount taken apart. INT64_MIN has no positive counterpart, hence unsigned. */
struct parts {
	bool is_negative;
	uint64_t whole, fraction;
};

static uint64_t power_of_ten(int n)
{
	uint64_t p = 1;

	assert(n >= 0 && n <= EXPONENT_MAX);
	while (n-- > 0)
		p *= 10;
	return p;
}

static struct parts parts_of(int64_t minor, int exponent)
{
	uint64_t size = minor < 0 ? (uint64_t)0 - (uint64_t)minor : (uint64_t)minor, unit = power_of_ten(exponent);

	return (struct parts){ minor < 0, size / unit, size % unit };
}

/* Symbols that are letters ("USDT", "R$") and the star read better behind the number everywhere. */
static bool symbol_goes_first(const struct currency *c, const struct money_style *style)
{
	unsigned char first = (unsigned char)c->symbol[0];

	return style->symbol_first && !(first >= 'A' && first <= 'Z') && strcmp(c->code, "XTR") != 0;
}

static void add_whole(struct buf *to, uint64_t whole, const struct money_style *style)
{
	char digits[21];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)whole);

	for (int i = 0; i < n; i++) {
		if (i && n >= style->group_digits_min && (n - i) % 3 == 0)
			buf_adds(to, style->group_mark);
		buf_addc(to, digits[i]);
	}
}

static void add_fraction(struct buf *to, uint64_t fraction, const struct currency *c, const char *mark)
{
	int digits = c->exponent;

	if (fraction == 0)
		return;
	while (c->is_coin && fraction % 10 == 0) {
		fraction /= 10;
		digits--;
	}
	buf_printf(to, "%s%0*llu", mark, digits, (unsigned long long)fraction);
}

void money_write_number(struct buf *to, int64_t n, const struct money_style *style)
{
	struct parts p = parts_of(n, 0);

	if (p.is_negative)
		buf_adds(to, "−");
	add_whole(to, p.whole, style);
}

void money_write(struct buf *to, int64_t amount_minor, const struct currency *c, const struct money_style *style)
{
	struct parts p = parts_of(amount_minor, c->exponent);
	bool first = symbol_goes_first(c, style);

	if (p.is_negative)
		buf_adds(to, "−");
	if (first)
		buf_adds(to, c->symbol);
	add_whole(to, p.whole, style);
	add_fraction(to, p.fraction, c, style->decimal_mark);
	if (!first)
		buf_printf(to, NBSP "%s", c->symbol);
}

void money_write_plain(struct buf *to, int64_t amount_minor, int exponent)
{
	struct parts p = parts_of(amount_minor, exponent);

	buf_printf(to, "%s%llu", p.is_negative ? "-" : "", (unsigned long long)p.whole);
	if (exponent)
		buf_printf(to, ".%0*llu", exponent, (unsigned long long)p.fraction);
}

/* --- reading --- */

/* Appends a digit to a negative number: the negative range is the larger one. */
static bool push_digit(int64_t *negative, int digit)
{
	return !__builtin_mul_overflow(*negative, 10, negative) && !__builtin_sub_overflow(*negative, digit, negative);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

enum err money_read_plain(int64_t *amount_minor, struct str s, int exponent)
{
	bool is_negative = s.len && s.at[0] == '-', behind = false;
	int64_t n = 0;
	int digits = 0, fraction = 0;

	assert(exponent >= 0 && exponent <= EXPONENT_MAX);
	for (size_t i = is_negative; i < s.len; i++) {
		char c = s.at[i];

		if (c == '.' && digits && !behind && i + 1 < s.len) {
			behind = true;
			continue;
		}
		if (!is_digit(c))
			return E_INVALID;
		digits++;
		if (behind && fraction == exponent) {
			if (c != '0')
				return E_INVALID; /* finer than the currency: rounding would lose money */
			continue;
		}
		fraction += behind;
		if (!push_digit(&n, c - '0'))
			return E_TOOBIG;
	}
	if (!digits)
		return E_INVALID;
	for (; fraction < exponent; fraction++)
		if (!push_digit(&n, 0))
			return E_TOOBIG;
	if (!is_negative && n == INT64_MIN)
		return E_TOOBIG;
	*amount_minor = is_negative ? n : -n;
	return OK;
}

/* "1,300" is 1300 to some and 1.3 to others; a shop must not guess. */
static bool is_ambiguous(struct str s, int exponent)
{
	char mark = s.len > 4 ? s.at[s.len - 4] : '0';

	return mark == ',' || (mark == '.' && exponent < 3);
}

enum err money_read_typed(int64_t *amount_minor, struct str s, int exponent)
{
	char plain[32];
	size_t n = 0;

	s = str_trim(s);
	if (is_ambiguous(s, exponent))
		return E_INVALID;
	for (size_t i = 0; i < s.len; i++) {
		bool is_nbsp = i + 1 < s.len && memcmp(s.at + i, NBSP, 2) == 0;

		if (is_nbsp || s.at[i] == ' ') {
			i += is_nbsp;
			continue;
		}
		if (n == sizeof plain)
			return E_INVALID;
		plain[n++] = s.at[i] == ',' ? '.' : s.at[i];
	}
	return money_read_plain(amount_minor, str_n(plain, n), exponent);
}
