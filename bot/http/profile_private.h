/* How users are written, for auth.c and profile.c. */
#ifndef OBOL_HTTP_PROFILE_PRIVATE_H
#define OBOL_HTTP_PROFILE_PRIVATE_H

#include "bot/http/api.h"
#include "bot/shop/account.h"

#define USER_BYTES_MAX ((size_t)4096)

void profile_write_user(struct json_out *j, const struct account_view *v); /* the object User */
void profile_put_time(struct json_out *j, const char *key, int64_t ms);     /* ISO 8601; 0: null */

#endif
