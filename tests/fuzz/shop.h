/* A shop for fuzz targets: the real tables, router and routes on a real store, without a network; time and randomness stand still,
 * so that an input does the same every time. Anna (a customer with a delivered subscription, an open order and an
 * account on the web) and the admin were there before; Mallory is whoever sends the input. Opened once; what an input
 * did is undone behind it. */
#ifndef OBOL_TESTS_FUZZ_SHOP_H
#define OBOL_TESTS_FUZZ_SHOP_H

#include "bot/core/core_private.h"

#define FUZZ_ANNA INT64_C(1001)
#define FUZZ_MALLORY INT64_C(1002)
#define FUZZ_ADMIN INT64_C(900)
#define FUZZ_GROUP INT64_C(-100500)
#define FUZZ_NOW_MS INT64_C(1793614200000)

struct core *fuzz_shop(void);

/* One input: begins a transaction that fuzz_shop_end takes back, with all effects, after it has looked at them:
 *  - whatever is not Mallory's stands in the tables as before;
 *  - nothing goes to Anna, and nothing that only Anna may know goes to anybody but an admin;
 *  - every payload is JSON. */
void fuzz_shop_begin(void);
void fuzz_shop_end(void);

/* An update that Mallory's client makes. Must be handled without an error: what people send never fails (B27, R194). */
void fuzz_shop_update(struct tg_update *u);

bool fuzz_shop_tells(struct str text); /* something that only Anna may know */

/* The words that stand for ids a stranger may have seen, put in place in the arena of the shop: $s $o $p $i $u $r are Anna's
 * subscription, delivered order, open order, its invoice, user and referral code; capitals are Mallory's; $T and $F are
 * her tokens on the web, $t is the time as a second press carries it, $$ a dollar. */
struct str fuzz_shop_words(struct str text);
struct arena *fuzz_shop_arena(void);

#endif
