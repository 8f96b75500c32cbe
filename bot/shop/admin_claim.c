/* The claim of the first admin. */
#include "bot/shop/admin_claim.h"

#include <inttypes.h>

#include "bot/core/config.h"
#include "bot/shop/audit.h"
#include "bot/shop/public_id.h"
#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/crypto/crypto.h"

#define KEY "admin_claim" /* settings: "<hash> <good until>" */

enum err admin_claim_is_wanted(bool *wanted, struct act *a)
{
	int64_t n;
	enum err e = db_get_i64(&n, a->tx, "SELECT count(*) FROM users WHERE is_admin=1");

	*wanted = !e && n == 0 && !(a->shared->config && a->shared->config->admins_count);
	return e;
}

enum err admin_claim_create(char code[ADMIN_CLAIM_CHARS + 1], struct act *a)
{
	char hash[SHA256_HEX_CHARS + 1];

	enc_random_base32(code, ADMIN_CLAIM_CHARS);
	crypto_sha256_hex(hash, str_of(code));
	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES('" KEY "', ?1) ON CONFLICT(key) DO UPDATE SET value=?1",
		arena_printf(a->arena, "%s %" PRId64, hash, a->now_ms + ADMIN_CLAIM_MS));
}

enum err admin_claim_redeem(struct act *a, struct user *u, struct str code)
{
	char typed[ADMIN_CLAIM_CHARS + 1], hash[SHA256_HEX_CHARS + 1], *kept;
	struct str rest, wanted;
	int64_t until_ms;
	enum err e = db_get_text(&kept, a->arena, a->tx, "SELECT value FROM settings WHERE key='" KEY "'");

	if (e)
		return e == E_NOTFOUND ? E_REFUSED : e;
	rest = str_of(kept);
	wanted = str_cut(&rest, ' ');
	if (crockford_read(typed, ADMIN_CLAIM_CHARS, code) != OK || str_to_i64(&until_ms, rest) != OK || a->now_ms >= until_ms)
		return E_REFUSED;
	crypto_sha256_hex(hash, str_of(typed));
	if (!crypto_equal(str_of(hash), wanted))
		return E_REFUSED;
	e = db_run(a->tx, "DELETE FROM settings WHERE key='" KEY "'");
	if (!e)
		e = user_set_admin(a, u->id, true);
	if (!e)
		e = user_draw_ids(a, u);
	u->is_admin = !e;
	return e ? e : audit_add(a, u->id, "admin_claim", arena_printf(a->arena, "user:%s", u->public_id), NULL, NULL);
}
