/* Accounts and sessions.
 *
 * A password is hashed by the helper thread, for an e-mail that nobody has too: the answer comes as late, and is the same.
 * Until then it lies in a struct of its own, which is wiped. */
#include "bot/http/auth.h"

#include <stdlib.h>
#include <string.h>

#include "bot/http/profile_private.h"
#include "bot/shop/session.h"
#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/password.h"

#define PASSWORD_POINTS_MIN 8
#define PASSWORD_POINTS_MAX 256
#define PASSWORD_BYTES_MAX (4 * PASSWORD_POINTS_MAX)
#define REFERRAL_POINTS_MAX 64
#define REFRESH_POINTS_MAX 512
#define REPEAT_KEY_BYTES_MIN 8
#define REPEAT_KEY_BYTES_MAX 128
#define ANSWER_BYTES_MAX (USER_BYTES_MAX + 1024)

static struct limit per_address = { .max = 20, .window_ms = MINUTE_MS };
static struct limit per_account = { .max = 5, .window_ms = MINUTE_MS };
static struct limit refreshes = { .max = 60, .window_ms = MINUTE_MS };

void auth_forget_limits(void)
{
	limit_reset(&per_address);
	limit_reset(&per_account);
	limit_reset(&refreshes);
}

/* --- what they begin with --- */

/* Is it there, and is whoever asks within the limit? false: answered. */
static bool is_let_in(struct act *a, const struct http_inbound *in, struct limit *limit, enum err *e)
{
	return api_is_on(a, in, e) && api_may(a, in, limit, api_address(a, in), e);
}

/* Then the body's object; put it. NULL: answered. */
static struct json_object *let_in(struct act *a, const struct http_inbound *in, struct limit *limit, enum err *e)
{
	return is_let_in(a, in, limit, e) ? api_body(a, in, e) : NULL;
}

/* --- AuthResponse --- */

static enum err answer_tokens(struct act *a, const struct http_inbound *in, int status, const struct session_tokens *tokens, int64_t user_id)
{
	struct user_answer out;
	struct json_out *j = &out.j;
	enum err e = user_answer_begin(&out, a, user_id, ANSWER_BYTES_MAX);

	if (e)
		return e;
	json_open(j, '{');
	json_put_cstr(j, "access_token", tokens->access);
	json_put_cstr(j, "refresh_token", tokens->refresh);
	json_put_i64(j, "expires_in", SESSION_ACCESS_S);
	profile_put_time(j, "refresh_expires_at", tokens->refresh_until_ms);
	json_key(j, "user");
	profile_write_user(j, &out.view);
	json_key(j, "roles");
	json_open(j, '[');
	json_add_str(j, STR("user"));
	if (out.view.user.is_admin)
		json_add_str(j, STR("admin"));
	json_close(j, ']');
	json_close(j, '}');
	return api_answer(a, in, status, &out.body);
}

static enum err open_session(struct act *a, const struct http_inbound *in, int status, int64_t user_id)
{
	struct session_tokens tokens;
	enum err e = session_open(&tokens, a, user_id);

	return e ? e : answer_tokens(a, in, status, &tokens, user_id);
}

/* --- passwords, off the loop --- */

struct attempt {
	struct inbound_work work;
	char email[EMAIL_BYTES_MAX + 1];
	char password[PASSWORD_BYTES_MAX + 1];
	char referral[4 * REFERRAL_POINTS_MAX + 1];
	unsigned char salt[PASSWORD_SALT_BYTES];
	char hash[PASSWORD_HASH_CHARS_MAX + 1]; /* made, or compared with */
	bool fits;
};

static void release(struct inbound_work *work)
{
	crypto_wipe(work, sizeof(struct attempt));
	free(work);
}

static struct attempt *attempt_new(const char *email, struct str password)
{
	struct attempt *t = xcalloc(1, sizeof *t);

	t->work.release = release;
	snprintf(t->email, sizeof t->email, "%s", email);
	snprintf(t->password, sizeof t->password, "%.*s", STR_ARG(password));
	return t;
}

static enum err give(struct act *a, const struct http_inbound *in, struct attempt *t)
{
	enum err e = inbound_work_give(a, in, &t->work);

	return e == E_BUSY ? api_unavailable(a, in) : e;
}

static void hash_password(struct inbound_work *work)
{
	struct attempt *t = (struct attempt *)work;

	password_hash(t->hash, str_of(t->password), t->salt);
}

static void try_password(struct inbound_work *work)
{
	struct attempt *t = (struct attempt *)work;

	t->fits = password_fits(str_of(t->hash), str_of(t->password));
}

/* --- register --- */

static enum err registered(struct act *a, const struct http_inbound *in, struct inbound_work *work)
{
	struct attempt *t = (struct attempt *)work;
	struct user u;
	enum err e = account_add(&u, a, t->email, t->hash, str_of(t->referral));

	if (e == E_CONFLICT)
		return api_error(a, in, 409, "email already registered");
	return e ? e : open_session(a, in, 201, u.id);
}

static enum err start_register(struct act *a, const struct http_inbound *in, const char *email, struct str password, struct str referral)
{
	struct attempt *t;
	struct str hash;
	int64_t user_id;
	enum err e = account_find(&user_id, &hash, a, email);

	if (e != E_NOTFOUND)
		return e ? e : api_error(a, in, 409, "email already registered");
	t = attempt_new(email, password);
	snprintf(t->referral, sizeof t->referral, "%.*s", STR_ARG(referral));
	rand_bytes(t->salt, sizeof t->salt);
	t->work.run = hash_password;
	t->work.done = registered;
	return give(a, in, t);
}

enum err auth_register(struct act *a, const struct http_inbound *in)
{
	char email[EMAIL_BYTES_MAX + 1];
	struct str typed, password, referral;
	enum err e = OK;
	struct json_object *o = let_in(a, in, &per_address, &e);

	if (!o)
		return e;
	if (!api_text(&typed, a, in, o, "email", 1, EMAIL_BYTES_MAX, &e) || !api_text(&password, a, in, o, "password", PASSWORD_POINTS_MIN, PASSWORD_POINTS_MAX, &e) ||
	    !api_text(&referral, a, in, o, "referral", 0, REFERRAL_POINTS_MAX, &e))
		goto out;
	e = account_email_read(email, typed) ? api_invalid(a, in, "email") : start_register(a, in, email, password, referral);
out:
	json_object_put(o);
	return e;
}

/* --- login --- */

static enum err logged_in(struct act *a, const struct http_inbound *in, struct inbound_work *work)
{
	struct attempt *t = (struct attempt *)work;
	struct str hash;
	struct user u;
	int64_t user_id;
	enum err e = account_find(&user_id, &hash, a, t->email);

	if (e == E_NOTFOUND || (!e && (!t->fits || !str_is(hash, t->hash))))
		return api_error(a, in, 401, "invalid login");
	if (!e)
		e = user_get(&u, a, user_id);
	if (e)
		return e;
	return u.banned ? api_error(a, in, 403, "user inactive") : open_session(a, in, 200, u.id);
}

/* What an e-mail that nobody has is compared with: as slow as any other. */
static const char *nobodys_hash(void)
{
	static char hash[PASSWORD_HASH_CHARS_MAX + 1];

	if (!*hash)
		snprintf(hash, sizeof hash, "scrypt$%d$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", PASSWORD_COST_LOG2);
	return hash;
}

static enum err start_login(struct act *a, const struct http_inbound *in, const char *email, struct str password)
{
	struct attempt *t;
	struct str hash = str_of(nobodys_hash());
	int64_t user_id;
	enum err e = account_find(&user_id, &hash, a, email);

	if (e && e != E_NOTFOUND)
		return e;
	t = attempt_new(email, password);
	snprintf(t->hash, sizeof t->hash, "%.*s", STR_ARG(hash));
	t->work.run = try_password;
	t->work.done = logged_in;
	return give(a, in, t);
}

enum err auth_login(struct act *a, const struct http_inbound *in)
{
	char email[EMAIL_BYTES_MAX + 1];
	struct str typed, password;
	enum err e = OK;
	struct json_object *o = let_in(a, in, &per_address, &e);

	if (!o)
		return e;
	if (!api_text(&typed, a, in, o, "email", 1, EMAIL_BYTES_MAX, &e) || !api_text(&password, a, in, o, "password", 1, PASSWORD_POINTS_MAX, &e))
		goto out;
	if (account_email_read(email, typed)) /* nobody's, and so compared like every other */
		snprintf(email, sizeof email, "%s", "");
	if (api_may(a, in, &per_account, *email ? str_of(email) : typed, &e))
		e = start_login(a, in, email, password);
out:
	json_object_put(o);
	return e;
}

/* --- refresh --- */

static enum err refresh(struct act *a, const struct http_inbound *in, struct str token)
{
	struct str key = http_inbound_header(in, "idempotency-key");
	struct session_tokens tokens;
	struct user u;
	enum err e;

	if (key.len && (key.len < REPEAT_KEY_BYTES_MIN || key.len > REPEAT_KEY_BYTES_MAX))
		return api_invalid(a, in, "Idempotency-Key");
	e = session_refresh(&tokens, &u, a, token, key);
	if (e == E_AUTH)
		return api_error(a, in, 401, "invalid refresh token");
	if (e == E_REFUSED)
		return api_error(a, in, 403, "user inactive");
	return e ? e : answer_tokens(a, in, 200, &tokens, u.id);
}

enum err auth_refresh(struct act *a, const struct http_inbound *in)
{
	struct str token;
	enum err e = OK;
	struct json_object *o = let_in(a, in, &refreshes, &e);

	if (!o)
		return e;
	if (api_text(&token, a, in, o, "refresh_token", 1, REFRESH_POINTS_MAX, &e) && api_may(a, in, &refreshes, token, &e))
		e = refresh(a, in, token);
	json_object_put(o);
	return e;
}

/* --- logout --- */

static enum err closed(struct act *a, const struct http_inbound *in)
{
	inbound_answer(a, in, 204, NULL, str_of(NULL));
	return OK;
}

/* The session of a refresh token needs no other proof. */
static enum err close_by_refresh(struct act *a, const struct http_inbound *in, struct str token, bool all)
{
	int64_t user_id;
	enum err e = session_close_by_refresh(&user_id, a, token);

	if (!e && all && user_id)
		e = session_close_all(a, user_id);
	return e ? e : closed(a, in);
}

static enum err close_own(struct act *a, const struct http_inbound *in, bool all)
{
	int64_t session_id;
	struct user u;
	enum err e;

	if (!api_user(&u, &session_id, a, in, &e))
		return e;
	e = all ? session_close_all(a, u.id) : session_close(a, session_id);
	return e ? e : closed(a, in);
}

enum err auth_logout(struct act *a, const struct http_inbound *in)
{
	struct json_object *o;
	struct str token;
	bool all;
	enum err e = OK;

	if (!is_let_in(a, in, &refreshes, &e))
		return e;
	if (!in->body.len)
		return close_own(a, in, false);
	o = api_body(a, in, &e);
	if (!o)
		return e;
	all = json_bool_at(o, "all", false);
	if (api_text(&token, a, in, o, "refresh_token", 0, REFRESH_POINTS_MAX, &e))
		e = token.len ? close_by_refresh(a, in, token, all) : close_own(a, in, all);
	json_object_put(o);
	return e;
}
