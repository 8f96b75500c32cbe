/* Who has had a trial. */
#include "bot/shop/trial.h"

#include <inttypes.h>

#include "lib/crypto/crypto.h"

static void hash(char out[SHA256_HEX_CHARS + 1], struct act *a, int64_t telegram_id)
{
	struct str key = str_n((const char *)a->shared->key->bytes, sizeof a->shared->key->bytes);

	crypto_hmac_sha256_hex(out, key, str_of(arena_printf(a->arena, "trial:%" PRId64, telegram_id)));
}

enum err trial_was_taken(bool *taken, struct act *a, int64_t telegram_id)
{
	char text[SHA256_HEX_CHARS + 1];
	int64_t n;
	enum err e;

	hash(text, a, telegram_id);
	/* the hash outlives the account, the order outlives the key: it may be lost, and another one drawn */
	e = db_get_i64(&n, a->tx, "SELECT (SELECT count(*) FROM trials WHERE telegram_hash=?1)"
		" + (SELECT count(*) FROM users u JOIN orders o ON o.user_id=u.id WHERE u.telegram_id=?2 AND o.kind='trial')", text, telegram_id);
	*taken = !e && n > 0;
	return e;
}

enum err trial_take(struct act *a, int64_t telegram_id)
{
	char text[SHA256_HEX_CHARS + 1];
	enum err e;

	hash(text, a, telegram_id);
	e = db_run(a->tx, "INSERT INTO trials(telegram_hash, at_ms) VALUES(?1, ?2) ON CONFLICT DO NOTHING", text, a->now_ms);
	return e ? e : db_changes(a->tx) ? OK : E_CONFLICT;
}
