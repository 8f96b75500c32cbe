/* Rows and tokens of sessions. */
#include "bot/shop/session.h"

#include <inttypes.h>

#include "lib/base/enc.h"
#include "lib/base/log.h"
#include "lib/crypto/crypto.h"

#define SEED_CHARS 32
#define FORGET_AT_ONCE 5000
#define TOKEN_BYTES_MAX 512

struct session {
	int64_t id, user_id, generation, refresh_until_ms, ends_ms, refreshed_ms;
	char *seed, *repeat_hash;
};

static enum err (*stolen_hook)(struct act *a, const struct user *u);

void session_set_hook(enum err (*stolen)(struct act *a, const struct user *u))
{
	stolen_hook = stolen;
}

/* --- tokens --- */

static void make_token(char out[SESSION_TOKEN_CHARS + 1], struct act *a, const char *prefix, const struct session *s)
{
	unsigned char mac[SHA256_BYTES];
	struct str key = str_n((const char *)a->shared->key->bytes, sizeof a->shared->key->bytes);
	struct buf text;

	crypto_hmac_sha256(mac, key, str_of(arena_printf(a->arena, "session:%s:%s:%" PRId64, prefix, s->seed, s->generation)));
	buf_init(&text, SESSION_TOKEN_CHARS);
	buf_adds(&text, prefix);
	enc_base64url(&text, mac, sizeof mac);
	snprintf(out, SESSION_TOKEN_CHARS + 1, "%s", buf_cstr(&text));
	buf_release(&text);
}

static void make_tokens(struct session_tokens *out, struct act *a, const struct session *s)
{
	make_token(out->access, a, "at_", s);
	make_token(out->refresh, a, "rt_", s);
	out->refresh_until_ms = s->refresh_until_ms;
}

static const char *hash_of(struct act *a, struct str text)
{
	char hex[SHA256_HEX_CHARS + 1];

	crypto_sha256_hex(hex, utf8_head_bytes(text, TOKEN_BYTES_MAX));
	return arena_strdup(a->arena, hex);
}

static int64_t refresh_until(const struct act *a, int64_t ends_ms)
{
	return a->now_ms + SESSION_REFRESH_MS < ends_ms ? a->now_ms + SESSION_REFRESH_MS : ends_ms;
}

/* --- opened, used --- */

enum err session_open(struct session_tokens *out, struct act *a, int64_t user_id)
{
	char seed[SEED_CHARS + 1];
	struct session s = { .user_id = user_id, .generation = 1, .seed = seed, .ends_ms = a->now_ms + SESSION_MS, .refresh_until_ms = refresh_until(a, a->now_ms + SESSION_MS) };
	enum err e = db_run(a->tx, "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id=?1 ORDER BY id DESC LIMIT -1 OFFSET ?2)",
		user_id, SESSIONS_PER_USER_MAX - 1);

	if (e)
		return e;
	enc_random_base32(seed, SEED_CHARS);
	make_tokens(out, a, &s);
	return db_run(a->tx, "INSERT INTO sessions(user_id, seed, generation, access_hash, access_until_ms, refresh_hash, refresh_until_ms, ends_ms, refreshed_ms, created_ms)"
		" VALUES(?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?8)", user_id, s.seed, hash_of(a, str_of(out->access)), a->now_ms + SESSION_ACCESS_S * SECOND_MS,
		hash_of(a, str_of(out->refresh)), s.refresh_until_ms, s.ends_ms, a->now_ms);
}

static enum err active_user(struct user *out, struct act *a, int64_t user_id)
{
	enum err e = user_get(out, a, user_id);

	return e ? e : out->banned ? E_REFUSED : OK;
}

enum err session_user(struct user *out, int64_t *session_id, struct act *a, struct str access)
{
	int64_t user_id;
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT id, user_id FROM sessions WHERE access_hash=?1 AND access_until_ms>?2", hash_of(a, access), a->now_ms);
	e = db_first(&r);
	if (e)
		return e == E_NOTFOUND ? E_AUTH : e;
	*session_id = db_i64(&r, 0);
	user_id = db_i64(&r, 1);
	e = db_end(&r);
	return e ? e : active_user(out, a, user_id);
}

/* --- refreshed --- */

#define SESSION_COLUMNS "s.id, s.user_id, s.generation, s.refresh_until_ms, s.ends_ms, s.refreshed_ms, s.seed, s.repeat_hash"

static enum err read_one(struct session *out, struct act *a, struct db_rows *r)
{
	enum err e = db_first(r);

	if (e)
		return e;
	*out = (struct session){ .id = db_i64(r, 0), .user_id = db_i64(r, 1), .generation = db_i64(r, 2), .refresh_until_ms = db_i64(r, 3),
		.ends_ms = db_i64(r, 4), .refreshed_ms = db_i64(r, 5), .seed = db_text(r, 6, a->arena), .repeat_hash = db_text(r, 7, a->arena) };
	return db_end(r);
}

static enum err by_refresh(struct session *out, struct act *a, const char *hash)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " SESSION_COLUMNS " FROM sessions s WHERE s.refresh_hash=?1", hash);
	return read_one(out, a, &r);
}

/* of is the generation the token belonged to. */
static enum err by_past(struct session *out, int64_t *of, struct act *a, const char *hash)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT " SESSION_COLUMNS " FROM session_past p JOIN sessions s ON s.id=p.session_id WHERE p.refresh_hash=?1", hash);
	e = read_one(out, a, &r);
	return e ? e : db_get_i64(of, a->tx, "SELECT generation FROM session_past WHERE refresh_hash=?1", hash);
}

/* The answer to the last refresh was lost on its way, and the same caller asks again. */
static bool is_repeat(const struct act *a, const struct session *s, int64_t of, const char *repeat_hash)
{
	return repeat_hash && s->repeat_hash && str_is(str_of(repeat_hash), s->repeat_hash) && of == s->generation - 1 && a->now_ms - s->refreshed_ms <= SESSION_REPEAT_MS;
}

static enum err close_stolen(struct act *a, const struct session *s)
{
	struct user u;
	enum err e = session_close(a, s->id);

	log_warn("session.token_reused", KV("session", s->id));
	if (!e)
		e = user_get(&u, a, s->user_id);
	if (!e && stolen_hook)
		e = stolen_hook(a, &u);
	return e ? e : E_AUTH;
}

static enum err exchanged_before(struct session_tokens *out, struct user *u, struct act *a, const char *hash, const char *repeat_hash)
{
	struct session s;
	int64_t of;
	enum err e = by_past(&s, &of, a, hash);

	if (e)
		return e == E_NOTFOUND ? E_AUTH : e;
	if (!is_repeat(a, &s, of, repeat_hash))
		return close_stolen(a, &s);
	make_tokens(out, a, &s);
	return active_user(u, a, s.user_id);
}

static enum err move_on(struct act *a, struct session *s, const struct session_tokens *next, const char *hash, const char *repeat_hash)
{
	enum err e = db_run(a->tx, "INSERT INTO session_past(refresh_hash, session_id, generation) VALUES(?1, ?2, ?3)", hash, s->id, s->generation - 1);

	return e ? e : db_run(a->tx, "UPDATE sessions SET generation=?2, access_hash=?3, access_until_ms=?4, refresh_hash=?5, refresh_until_ms=?6, repeat_hash=?7, refreshed_ms=?8"
		" WHERE id=?1 AND generation=?2-1", s->id, s->generation, hash_of(a, str_of(next->access)), a->now_ms + SESSION_ACCESS_S * SECOND_MS,
		hash_of(a, str_of(next->refresh)), s->refresh_until_ms, repeat_hash, a->now_ms);
}

enum err session_refresh(struct session_tokens *out, struct user *u, struct act *a, struct str refresh, struct str repeat_key)
{
	const char *hash = hash_of(a, refresh), *repeat_hash = repeat_key.len ? hash_of(a, repeat_key) : NULL;
	struct session s;
	enum err e = by_refresh(&s, a, hash);

	if (e == E_NOTFOUND)
		return exchanged_before(out, u, a, hash, repeat_hash);
	if (!e && s.refresh_until_ms <= a->now_ms)
		return E_AUTH;
	if (!e)
		e = active_user(u, a, s.user_id);
	if (e)
		return e;
	s.generation++;
	s.refresh_until_ms = refresh_until(a, s.ends_ms);
	make_tokens(out, a, &s);
	return move_on(a, &s, out, hash, repeat_hash);
}

/* --- closed --- */

enum err session_close(struct act *a, int64_t session_id)
{
	return db_run(a->tx, "DELETE FROM sessions WHERE id=?1", session_id);
}

enum err session_close_by_refresh(int64_t *user_id, struct act *a, struct str refresh)
{
	const char *hash = hash_of(a, refresh);
	struct session s;
	int64_t of;
	enum err e = by_refresh(&s, a, hash);

	*user_id = 0;
	if (e == E_NOTFOUND)
		e = by_past(&s, &of, a, hash);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	*user_id = s.user_id;
	return session_close(a, s.id);
}

enum err session_close_all(struct act *a, int64_t user_id)
{
	return db_run(a->tx, "DELETE FROM sessions WHERE user_id=?1", user_id);
}

enum err sessions_forget(struct act *a)
{
	enum err e = db_run(a->tx, "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE refresh_until_ms<=?1 LIMIT ?2)", a->now_ms, FORGET_AT_ONCE);

	if (!e)
		e = db_run(a->tx, "DELETE FROM link_codes WHERE until_ms<=?1", a->now_ms);
	return e;
}
