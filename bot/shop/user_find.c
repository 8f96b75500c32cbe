/* Whom an admin means: tried in an order in which nothing is taken for something else. */
#include "bot/shop/user.h"

#include <string.h>

#include "lib/links/keys.h"

#define WHO_BYTES_MAX 256

/* One look-up: the query gives user ids of those meant. */
static enum err find_id(int64_t *id, struct act *a, const char *sql, struct str value)
{
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, sql, value);
	while (n < 2 && db_next(&r))
		if (!n++)
			*id = db_i64(&r, 0);
	e = db_end(&r);
	return e ? e : n == 0 ? E_NOTFOUND : n == 1 ? OK : E_CONFLICT;
}

static enum err find(int64_t *id, struct act *a, struct str who)
{
	char public_id[PUBLIC_ID_CHARS + 1];
	int64_t number;
	enum err e = E_NOTFOUND;

	if (who.at[0] == '@')
		return find_id(id, a, "SELECT id FROM users WHERE username=?1 COLLATE NOCASE", str_n(who.at + 1, who.len - 1));
	if (link_is_uuid(who))
		return find_id(id, a, "SELECT user_id FROM subscriptions WHERE uuid=lower(?1)", who);
	if (public_id_read(public_id, who) == OK) {
		e = find_id(id, a, "SELECT coalesce(merged_into, id) FROM users WHERE public_id=?1 UNION SELECT user_id FROM orders WHERE public_id=?1"
			" UNION SELECT user_id FROM subscriptions WHERE public_id=?1", str_of(public_id));
		if (e != E_NOTFOUND)
			return e;
	}
	if (str_to_i64(&number, who) == OK)
		return db_get_i64(id, a->tx, "SELECT id FROM users WHERE telegram_id=?1", number);
	e = find_id(id, a, "SELECT s.user_id FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id WHERE x.email=lower(?1)"
		" UNION SELECT user_id FROM accounts WHERE email=lower(?1)", who);
	return e != E_NOTFOUND ? e : find_id(id, a, "SELECT id FROM users WHERE username=?1 COLLATE NOCASE", who);
}

enum err user_find(struct user *out, struct act *a, struct str who)
{
	struct str name = str_trim(who);
	int64_t id;
	enum err e;

	if (!name.len || name.len > WHO_BYTES_MAX)
		return E_NOTFOUND;
	e = find(&id, a, name);
	return e ? e : user_get(out, a, id);
}
