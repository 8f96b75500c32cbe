/* E-mail, password, and the join with a Telegram user. */
#include "bot/shop/account.h"

#include <string.h>

#include "bot/shop/audit.h"
#include "bot/shop/extras.h"
#include "bot/shop/public_id.h"
#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/crypto/crypto.h"

#define LOCAL_BYTES_MAX 64

/* --- e-mail --- */

enum err account_email_read(char out[EMAIL_BYTES_MAX + 1], struct str typed)
{
	struct str email = str_trim(typed), domain = email, local = str_cut(&domain, '@');

	if (email.len > EMAIL_BYTES_MAX || !local.len || local.len > LOCAL_BYTES_MAX || !domain.len || memchr(domain.at, '@', domain.len))
		return E_INVALID;
	if (!memchr(domain.at, '.', domain.len) || domain.at[0] == '.' || str_ends(domain, ".") || !utf8_valid(email))
		return E_INVALID;
	for (size_t i = 0; i < email.len; i++) {
		char c = email.at[i];

		if ((unsigned char)c <= ' ' || c == 0x7F || strchr("\"(),:;<>[]\\", c))
			return E_INVALID;
		out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out[email.len] = '\0';
	return OK;
}

/* --- accounts --- */

enum err account_find(int64_t *user_id, struct str *hash, struct act *a, const char *email)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT user_id, password FROM accounts WHERE email=?1", email);
	e = db_first(&r);
	if (e)
		return e;
	*user_id = db_i64(&r, 0);
	*hash = str_of(db_text(&r, 1, a->arena));
	return db_end(&r);
}

enum err account_add(struct user *out, struct act *a, const char *email, const char *hash, struct str referral)
{
	bool bound;
	int64_t n;
	enum err e = db_get_i64(&n, a->tx, "SELECT count(*) FROM accounts WHERE email=?1", email);

	if (e || n)
		return e ? e : E_CONFLICT;
	e = user_add_web(out, a);
	if (!e)
		e = db_run(a->tx, "INSERT INTO accounts(user_id, email, password, created_ms) VALUES(?1, ?2, ?3, ?4)", out->id, email, hash, a->now_ms);
	return e || !referral.len ? e : referral_bind(&bound, a, out, referral);
}

enum err account_view(struct account_view *out, struct act *a, int64_t user_id)
{
	struct db_rows r;
	enum err e = user_get(&out->user, a, user_id);

	if (e)
		return e;
	db_select(&r, a->tx, "SELECT (SELECT email FROM accounts WHERE user_id=u.id), (SELECT public_id FROM users WHERE id=u.referred_by), updated_ms"
		" FROM users u WHERE u.id=?1", user_id);
	e = db_first(&r);
	if (e)
		return e;
	out->email = db_text(&r, 0, a->arena);
	out->referred_by = db_text(&r, 1, a->arena);
	out->updated_ms = db_i64(&r, 2);
	return db_end(&r);
}

void account_uuid(char out[ACCOUNT_UUID_CHARS + 1], const char *kind, const char *public_id)
{
	unsigned char d[SHA256_BYTES];
	char text[64];

	snprintf(text, sizeof text, "%s:%s", kind, public_id);
	crypto_sha256(d, str_of(text));
	d[6] = (unsigned char)((d[6] & 0x0F) | 0x80); /* RFC 9562: version 8, made in a way of our own */
	d[8] = (unsigned char)((d[8] & 0x3F) | 0x80);
	snprintf(out, ACCOUNT_UUID_CHARS + 1, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7],
		d[8], d[9], d[10], d[11], d[12], d[13], d[14], d[15]);
}

/* --- the join --- */

static const char *code_hash(struct act *a, const char *code)
{
	char hex[SHA256_HEX_CHARS + 1];

	crypto_sha256_hex(hex, str_of(code));
	return arena_strdup(a->arena, hex);
}

enum err link_code_create(char code[LINK_CODE_CHARS + 1], struct act *a, const struct user *u)
{
	enc_random_base32(code, LINK_CODE_CHARS);
	return db_run(a->tx, "INSERT INTO link_codes(user_id, code_hash, until_ms) VALUES(?1, ?2, ?3) ON CONFLICT(user_id) DO UPDATE SET code_hash=?2, until_ms=?3",
		u->id, code_hash(a, code), a->now_ms + LINK_CODE_MINUTES * MINUTE_MS);
}

/* Whose code it is; used up by this. */
static enum err redeem(struct user *out, struct act *a, struct str typed)
{
	char code[LINK_CODE_CHARS + 1];
	int64_t id;
	enum err e;

	if (crockford_read(code, LINK_CODE_CHARS, typed))
		return E_NOTFOUND;
	e = db_get_i64(&id, a->tx, "SELECT user_id FROM link_codes WHERE code_hash=?1 AND until_ms>?2", code_hash(a, code), a->now_ms);
	if (!e)
		e = db_run(a->tx, "DELETE FROM link_codes WHERE user_id=?1", id);
	return e ? e : user_get(out, a, id);
}

/* What the one had is the other's. The ledger is never written over: its rows keep the old number, which leads here. */
static enum err move_all(struct act *a, int64_t from, int64_t to)
{
	static const char *const moves[] = {
		"UPDATE accounts SET user_id=?2 WHERE user_id=?1",
		"UPDATE sessions SET user_id=?2 WHERE user_id=?1",
		"UPDATE subscriptions SET user_id=?2 WHERE user_id=?1",
		"UPDATE orders SET user_id=?2 WHERE user_id=?1",
		"UPDATE payments SET user_id=?2 WHERE user_id=?1",
		"UPDATE bonuses SET user_id=?2 WHERE user_id=?1",
		/* on a list of gifts that is still worked off they are one now */
		("UPDATE grants SET error='twice' WHERE user_id=?1 AND order_id IS NULL AND error IS NULL"
			" AND EXISTS(SELECT 1 FROM grants g WHERE g.list_id=grants.list_id AND g.user_id=?2)"),
		"UPDATE grants SET user_id=?2 WHERE user_id=?1",
		"UPDATE users SET referred_by=?2 WHERE referred_by=?1 AND id<>?2",
		"UPDATE users SET referred_by=NULL WHERE id=?2 AND referred_by IN (?1, ?2)", /* nobody invites themselves */
	};
	enum err e = OK;

	for (size_t i = 0; !e && i < countof(moves); i++)
		e = db_run(a->tx, moves[i], from, to);
	return e;
}

/* The older one's code and referrer. Codes are unique, so they change places; the one that is left still counts (referral_bind). */
static enum err keep_older(struct act *a, const struct user *web, const struct user *chat)
{
	enum err e;

	if (web->created_ms >= chat->created_ms)
		return OK;
	e = db_run(a->tx, "UPDATE users SET referral_code=NULL WHERE id=?1", web->id);
	if (!e)
		e = db_run(a->tx, "UPDATE users SET referral_code=?2, referred_by=?3, created_ms=?4 WHERE id=?1", chat->id, web->referral_code,
			web->referred_by ? db_arg_int(web->referred_by) : DB_NULL, web->created_ms);
	return e ? e : db_run(a->tx, "UPDATE users SET referral_code=?2 WHERE id=?1", web->id, chat->referral_code);
}

enum err account_link(int64_t *user_id, struct act *a, const struct user *web, struct str code)
{
	struct user chat;
	int64_t accounts;
	enum err e;

	if (web->telegram_id)
		return E_CONFLICT;
	e = redeem(&chat, a, code);
	if (e)
		return e;
	if (chat.banned)
		return E_REFUSED;
	e = db_get_i64(&accounts, a->tx, "SELECT count(*) FROM accounts WHERE user_id=?1", chat.id);
	if (e || accounts)
		return e ? e : E_CONFLICT;
	e = keep_older(a, web, &chat);
	if (!e)
		e = move_all(a, web->id, chat.id);
	if (!e)
		e = db_run(a->tx, "UPDATE users SET merged_into=?2, updated_ms=?3 WHERE id=?1", web->id, chat.id, a->now_ms);
	if (!e)
		e = db_run(a->tx, "UPDATE users SET updated_ms=?2 WHERE id=?1", chat.id, a->now_ms);
	*user_id = chat.id;
	return e ? e : audit_add(a, chat.id, "account.link", arena_printf(a->arena, "user:%s", chat.public_id), NULL, web->public_id);
}
