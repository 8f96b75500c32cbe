/* The first admin of a shop started without BOT_ADMINS: a link with a code of 128 bits, good once, for an hour.
 * Start payload "a_<code>"; only a hash of the code is stored. */
#ifndef OBOL_SHOP_ADMIN_CLAIM_H
#define OBOL_SHOP_ADMIN_CLAIM_H

#include "bot/shop/user.h"

#define ADMIN_CLAIM_CHARS 26
#define ADMIN_CLAIM_MS (60 * MINUTE_MS)

/* Whether this shop has nobody who may run it: no BOT_ADMINS and no admin in the table. */
enum err admin_claim_is_wanted(bool *wanted, struct act *a);
/* A new code, to be printed on the terminal; an earlier one is void. */
enum err admin_claim_create(char code[ADMIN_CLAIM_CHARS + 1], struct act *a);
/* Makes u an admin. E_REFUSED: no such code, used, or too old. */
enum err admin_claim_redeem(struct act *a, struct user *u, struct str code);

#endif
