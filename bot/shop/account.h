/* Web accounts: the same people as in the bot, known by an e-mail and a password instead of, or besides, a telegram_id.
 *
 * The password itself never comes here: callers hash it (lib/crypto/password.h) where waiting is allowed. */
#ifndef OBOL_SHOP_ACCOUNT_H
#define OBOL_SHOP_ACCOUNT_H

#include "bot/shop/user.h"

#define EMAIL_BYTES_MAX 254
#define LINK_CODE_CHARS 10
#define LINK_CODE_MINUTES 10
#define ACCOUNT_UUID_CHARS 36

/* As it is kept: lower case, without space around. E_INVALID: no address. */
enum err account_email_read(char out[EMAIL_BYTES_MAX + 1], struct str typed);
/* E_NOTFOUND. hash lives in the arena. */
enum err account_find(int64_t *user_id, struct str *hash, struct act *a, const char *email);
/* A new user with this account. An unknown referral code is ignored. E_CONFLICT: the e-mail is taken. */
enum err account_add(struct user *out, struct act *a, const char *email, const char *hash, struct str referral);

/* What of a user a program may see. */
struct account_view {
	struct user user;
	char *email, *referred_by;   /* NULL: none; referred_by is the other's public id */
	int64_t updated_ms;
};
enum err account_view(struct account_view *out, struct act *a, int64_t user_id);
/* Programs want UUIDs: one that follows from the public id, so that it is the same for ever and stands in no table. */
void account_uuid(char out[ACCOUNT_UUID_CHARS + 1], const char *kind, const char *public_id);

/* --- joined with the bot --- */

/* A code for this Telegram user to type on the web: good once, for LINK_CODE_MINUTES; a new one ends the one before. */
enum err link_code_create(char code[LINK_CODE_CHARS + 1], struct act *a, const struct user *u);
/* Joins web, who is logged in, with the Telegram user whom the code belongs to; *user_id is the one who remains, with
 * e-mail, telegram_id, sessions and all that both owned. The older one's referral code and referrer stay, and whoever was
 * invited by either. E_NOTFOUND: no such code, or too late; E_CONFLICT: one of them is joined with somebody else already;
 * E_REFUSED: that user is banned. */
enum err account_link(int64_t *user_id, struct act *a, const struct user *web, struct str code);

#endif
