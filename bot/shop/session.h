/* Sessions of web accounts: a pair of tokens per login, exchanged for a new pair again and again.
 *
 *	open ──▶ generation 1 ──refresh──▶ 2 ──refresh──▶ 3 … ──▶ closed: logout, its end, a stolen token
 *
 * Invariants:
 *  1. Of one session exactly one access token and one refresh token are good: one conditional UPDATE moves both on.
 *  2. Tokens stand nowhere: they are made from the row and our key, the tables hold their hashes.
 *  3. A refresh token that was exchanged before closes its session (K19); other sessions of the user live on. */
#ifndef OBOL_SHOP_SESSION_H
#define OBOL_SHOP_SESSION_H

#include "bot/shop/user.h"
#include "lib/base/clock.h"

#define SESSION_ACCESS_S 900
#define SESSION_REFRESH_MS (30 * DAY_MS)  /* from the last refresh */
#define SESSION_MS (180 * DAY_MS)         /* from the login */
#define SESSION_REPEAT_MS (60 * SECOND_MS) /* a lost answer is given again that long */
#define SESSIONS_PER_USER_MAX 20          /* one more closes the oldest */
#define SESSION_TOKEN_CHARS 46            /* "at_" and "rt_" with 43 */

struct session_tokens {
	char access[SESSION_TOKEN_CHARS + 1], refresh[SESSION_TOKEN_CHARS + 1];
	int64_t refresh_until_ms;
};

enum err session_open(struct session_tokens *out, struct act *a, int64_t user_id);
/* Whose good access token this is. E_AUTH: nobody's; E_REFUSED: theirs, and they are banned. */
enum err session_user(struct user *out, int64_t *session_id, struct act *a, struct str access);
/* The next pair, and whose. repeat_key: the caller's, may be empty; the same again within SESSION_REPEAT_MS gives the same pair.
 * E_AUTH: no token of ours that is good; what was closed because of it must be kept, so it is no error of the event.
 * E_REFUSED: the user is banned; nothing has changed. */
enum err session_refresh(struct session_tokens *out, struct user *u, struct act *a, struct str refresh, struct str repeat_key);
enum err session_close(struct act *a, int64_t session_id);              /* OK also when there is none */
enum err session_close_by_refresh(int64_t *user_id, struct act *a, struct str refresh); /* a good one or an exchanged one; else user_id 0 */
enum err session_close_all(struct act *a, int64_t user_id);
enum err sessions_forget(struct act *a);                                /* schedule: what is over */

/* Hears that an exchanged token was shown again and its session closed: tell the user. */
void session_set_hook(enum err (*stolen)(struct act *a, const struct user *u));

#endif
