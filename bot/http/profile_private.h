/* How users are written, for auth.c and profile.c. */
#ifndef OBOL_HTTP_PROFILE_PRIVATE_H
#define OBOL_HTTP_PROFILE_PRIVATE_H

#include "bot/http/api.h"
#include "bot/shop/account.h"

#define USER_BYTES_MAX ((size_t)4096)

/* An answer that shows a user: who they are, and a body of at most so many bytes to write it to. */
struct user_answer {
	struct account_view view;
	struct buf body;             /* for api_answer, or to be released */
	struct json_out j;
};
enum err user_answer_begin(struct user_answer *out, struct act *a, int64_t user_id, size_t bytes_max); /* an error: nothing to release */

void profile_write_user(struct json_out *j, const struct account_view *v); /* the object User */
void profile_put_time(struct json_out *j, const char *key, int64_t ms);     /* ISO 8601; 0: null */

#endif
