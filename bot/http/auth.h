/* The customers' API: accounts and sessions, and who they are. Off until an admin switches it on (SETTING_WEB_ACCOUNTS). */
#ifndef OBOL_HTTP_AUTH_H
#define OBOL_HTTP_AUTH_H

#include "bot/core/core.h"

enum err auth_register(struct act *a, const struct http_inbound *in); /* POST /auth/register */
enum err auth_login(struct act *a, const struct http_inbound *in);    /* POST /auth/login */
enum err auth_refresh(struct act *a, const struct http_inbound *in);  /* POST /auth/refresh */
enum err auth_logout(struct act *a, const struct http_inbound *in);   /* POST /auth/logout */

enum err profile_get(struct act *a, const struct http_inbound *in);   /* GET /profile */
enum err profile_link(struct act *a, const struct http_inbound *in);  /* POST /profile/telegram with a code from the bot */

void auth_forget_limits(void); /* tests: as if nobody had asked yet */

#endif
