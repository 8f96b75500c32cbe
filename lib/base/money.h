/* Money: an int64 of minor units and a currency. No floating point anywhere.
 *
 * The table holds what we sell in and what providers pay in; its exponents are the ones the
 * providers count with: mostly ISO 4217's, none for Stars (XTR), rial and toman, the coins' own. A currency code is ASCII upper case, at most 7 letters. */
#ifndef OBOL_BASE_MONEY_H
#define OBOL_BASE_MONEY_H

#include "lib/base/buf.h"

struct currency {
	const char *code;
	int exponent;       /* minor units in one: 10^exponent */
	const char *symbol; /* UTF-8; the code where there is none that people know */
	bool is_coin;       /* crypto: zeros at the end of the fraction are not written */
};

/* How a language writes money and numbers. Marks are UTF-8. */
struct money_style {
	const char *decimal_mark;
	const char *group_mark;
	int group_digits_min;    /* whole parts with fewer digits are not grouped */
	bool symbol_first;       /* $5; symbols that are words, and the star, always stand behind */
};

/* Currency by its code, either case. NULL: not one of ours. */
const struct currency *currency_find(struct str code);
size_t currency_count(void);
const struct currency *currency_at(size_t i);

/* For people: "299 ₽", "1 299,50 ₽", "$4.99", "300 ⭐". A fraction of zeros is left out. */
void money_write(struct buf *to, int64_t amount_minor, const struct currency *c, const struct money_style *style);

/* A whole number with groups: "1,234". */
void money_write_number(struct buf *to, int64_t n, const struct money_style *style);

/* For machines: "299.00", always exponent digits behind the point, "299" when the exponent is 0. */
void money_write_plain(struct buf *to, int64_t amount_minor, int exponent);
/* Reads "299", "299.5", "299.50000000": exact. E_INVALID: no such number or more than zeros behind the exponent's last
 * digit; E_TOOBIG: no room in an int64. Negative amounts are read too; a sign '+' or an exponent 'e' is not. */
enum err money_read_plain(int64_t *amount_minor, struct str s, int exponent);

/* What a person types as a price: as above, but comma or point, and spaces between groups. E_INVALID also where a
 * mark might divide thousands ("1,300"). */
enum err money_read_typed(int64_t *amount_minor, struct str s, int exponent);

#endif
