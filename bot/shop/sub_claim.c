/* "I already have a link": who pastes a whole link or subscription address proves that it is theirs to use. */
#include <string.h>

#include "bot/shop/subscription.h"
#include "lib/base/enc.h"
#include "lib/links/keys.h"
#include "lib/links/link_read.h"

#define PASTED_BYTES_MAX (16 * 1024)
#define SHORT_KEY_CHARS 21 /* base64 of 16 bytes agrees with that of 32 in its first 21 characters */

/* Trojan and the like carry the password as base64url, Shadowsocks as base64 of all or of the first half of its bytes:
 * fleet.h, access_password. */
static enum err by_password(int64_t *id, struct act *a, struct str credential)
{
	unsigned char bytes[32];
	struct buf text;
	size_t n;
	enum err e;

	if (dec_base64(bytes, sizeof bytes, &n, credential) != OK || (n != 16 && n != 32))
		return E_NOTFOUND;
	buf_init(&text, 64);
	enc_base64(&text, bytes, n);
	if (n == 32)
		e = db_get_i64(id, a->tx, "SELECT id FROM subscriptions WHERE password=?1", buf_str(&text));
	else
		e = db_get_i64(id, a->tx, "SELECT id FROM subscriptions WHERE password>=?1 AND password<?1||'~'", utf8_head_bytes(buf_str(&text), SHORT_KEY_CHARS));
	buf_release(&text);
	return e;
}

static enum err by_link(int64_t *id, struct act *a, struct str pasted)
{
	struct link_parts parts;

	if (link_read(&parts, a->arena, pasted) != OK)
		return E_NOTFOUND;
	if (link_is_uuid(parts.credential))
		return db_get_i64(id, a->tx, "SELECT id FROM subscriptions WHERE uuid=lower(?1)", parts.credential);
	return by_password(id, a, parts.credential);
}

/* https://host:port/sub/<sub id>, perhaps with a query behind */
static enum err by_address(int64_t *id, struct act *a, struct str pasted)
{
	struct str rest = pasted, last = STR("");

	if (!str_starts(pasted, "https://") && !str_starts(pasted, "http://"))
		return E_NOTFOUND;
	rest = str_cut(&rest, '#');
	rest = str_cut(&rest, '?');
	while (rest.at) {
		struct str part = str_cut(&rest, '/');

		last = part.len ? part : last;
	}
	return db_get_i64(id, a->tx, "SELECT id FROM subscriptions WHERE sub_id=?1", last);
}

enum err sub_claim(struct subscription *out, struct act *a, const struct user *u, struct str pasted)
{
	struct str text = str_trim(pasted);
	int64_t id;
	enum err e;

	if (!text.len || text.len > PASTED_BYTES_MAX)
		return E_NOTFOUND;
	e = by_address(&id, a, text);
	if (e == E_NOTFOUND)
		e = by_link(&id, a, text);
	if (!e)
		e = sub_get(out, a, id);
	if (e)
		return e;
	if (out->gone)
		return E_NOTFOUND;
	if (out->user_id == u->id)
		return OK;
	/* only what nobody in Telegram owns yet, such as a client found on the panel, changes hands */
	e = db_run(a->tx, "UPDATE subscriptions SET user_id=?2, updated_ms=?3 WHERE id=?1 AND user_id IN (SELECT id FROM users WHERE telegram_id IS NULL AND NOT EXISTS(SELECT 1 FROM accounts WHERE user_id=users.id))",
		id, u->id, a->now_ms);
	if (!e && db_changes(a->tx) == 0)
		return E_CONFLICT;
	out->user_id = u->id;
	return e;
}
