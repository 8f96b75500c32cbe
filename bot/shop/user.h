/* People: one row per telegram_id, found or made on first contact (R241). */
#ifndef OBOL_SHOP_USER_H
#define OBOL_SHOP_USER_H

#include "bot/core/act.h"
#include "lib/telegram/tg_update.h"

#define PUBLIC_ID_CHARS 10       /* Crockford base32 of 50 random bits: users, subscriptions, orders */
#define REFERRAL_CODE_CHARS 8

/* Texts live in the arena of the act that read it. */
struct user {
	int64_t id;
	char public_id[PUBLIC_ID_CHARS + 1]; /* this and referral_code are drawn when first needed: user_draw_ids */
	int64_t telegram_id;          /* also the private chat's id; 0: none */
	char *username;               /* without '@'; NULL: none */
	char *first_name, *last_name; /* cleaned, may be empty */
	int lang;                     /* i18n index */
	bool lang_chosen;             /* by the user; otherwise it follows Telegram's language_code */
	bool is_admin;                /* BOT_ADMINS or claim link */
	bool banned, reachable;
	char referral_code[REFERRAL_CODE_CHARS + 1];
	int64_t referred_by;          /* users.id; 0: nobody */
	int64_t live_message_id;      /* 0: none yet */
	char *dialogue;               /* NULL: none under way */
	int64_t created_ms;
	bool is_new;                  /* made by this very call */
};

/* Finds or makes the user and brings names, language and reachability up to date. public_id and referral_code are empty
 * when nobody has needed them yet; the other ways to a user give them always. */
enum err user_meet(struct user *out, struct act *a, const struct tg_user *from);
enum err user_add_web(struct user *out, struct act *a);                               /* without a telegram_id, and so without a chat */
enum err user_get(struct user *out, struct act *a, int64_t id);                       /* E_NOTFOUND */
enum err user_by_telegram(struct user *out, struct act *a, int64_t telegram_id);      /* E_NOTFOUND */
/* What an admin types: telegram id, @name, public id, order number, client UUID or e-mail, a web account's e-mail. Who was
 * joined with somebody is found as the one who remains. E_NOTFOUND; E_CONFLICT: several. */
enum err user_find(struct user *out, struct act *a, struct str who);

/* Draws public_id and referral_code where u has none yet. */
enum err user_draw_ids(struct act *a, struct user *u);

enum err user_set_lang(struct act *a, struct user *u, int lang);
enum err user_set_live(struct act *a, int64_t user_id, int64_t message_id);
enum err user_set_dialogue(struct act *a, struct user *u, const char *dialogue); /* NULL ends it */
enum err user_set_banned(struct act *a, int64_t user_id, bool banned);  /* with the user's subscriptions, see sub_set_banned */
enum err user_set_admin(struct act *a, int64_t user_id, bool admin);
enum err user_unreachable(struct act *a, int64_t telegram_id);          /* Telegram answered 403 */

/* Every admin's users row that exists, BOT_ADMINS included; calls each for every one. */
enum err user_each_admin(struct act *a, enum err (*each)(struct act *a, const struct user *admin, void *ctx), void *ctx);

struct i18n_to user_reader(const struct act *a, const struct user *u); /* for whom texts are written: language and shop's zone */

/* PUBLIC_ID_CHARS random characters; shown to people as "A7K2-9QX4-M1". */
void public_id_draw(char out[PUBLIC_ID_CHARS + 1]);
void public_id_show(char out[PUBLIC_ID_CHARS + 3], const char *public_id);
/* Reads it in any form people type. E_INVALID. */
enum err public_id_read(char out[PUBLIC_ID_CHARS + 1], struct str typed);

#endif
