/* Accounts of before: another account's key is switched on while invoices of the old one can still be paid.
 *
 * The old key is kept, sealed under the account's name, and each invoice that was asked for with it gets that name
 * (invoices.account): it is asked about there, and callbacks about it are believed with that key. It ends with the last
 * such invoice that is looked after. A new key of the same account takes over its invoices at once and nothing is kept:
 * a key that was revoked must not vouch for money. */
#include <inttypes.h>
#include <string.h>

#include "bot/core/alert.h"
#include "bot/shop/pay_private.h"

#define MARK ".earlier."

static const char *kept_as(struct arena *arena, const struct pay_provider *p, struct str account)
{
	return arena_printf(arena, "%s" MARK "%.*s", provider_typed_key(p), STR_ARG(account));
}

/* Names of the secrets that are kept. */
static enum err list_kept(const char *names[PROVIDER_EARLIER_MAX], size_t *n, struct act *a, const struct pay_provider *p)
{
	struct db_rows r;

	*n = 0;
	if (!p->account_name)
		return OK;
	db_select(&r, a->tx, "SELECT name FROM secrets WHERE name GLOB ?1 ORDER BY name LIMIT ?2", kept_as(a->arena, p, STR("*")), PROVIDER_EARLIER_MAX);
	while (db_next(&r))
		names[(*n)++] = db_text(&r, 0, a->arena);
	return db_end(&r);
}

/* Not the store's fault: the key was sealed by somebody else, or is none. */
static bool is_unusable(enum err e)
{
	return e == E_AUTH || e == E_VERSION || e == E_INVALID || e == E_NOTFOUND;
}

/* --- the change --- */

/* Whose key this is; empty: there is none, or it cannot be used. */
static enum err name_of(struct str *out, struct act *a, const struct pay_provider *p, struct str key)
{
	struct pay_account account;
	enum err e;

	*out = STR("");
	if (!key.len)
		return OK;
	e = provider_account_with(&account, a, a->arena, p, provider_typed_key(p), key);
	if (!e)
		*out = p->account_name(&account);
	return is_unusable(e) ? OK : e;
}

/* All that may be paid: what is open, and what has given way or was canceled and is still looked after. What was never asked
 * for goes to the new account. */
static enum err mark_invoices(int64_t *marked, struct act *a, const struct pay_provider *p, struct str was)
{
	enum err e = db_run(a->tx, "UPDATE invoices SET account=?2 WHERE provider=?1 AND account IS NULL AND (asked_ms>0 OR provider_ref IS NOT NULL)"
		" AND (state IN ('created', 'pending') OR id IN (SELECT CAST(subject AS INTEGER) FROM jobs WHERE kind IN " INVOICE_JOBS "))", p->name, was);

	*marked = db_changes(a->tx);
	return e;
}

/* Its key that was kept goes, and what was told of that key is over: nobody will ask with it any more. */
static enum err take_up_again(struct act *a, const struct pay_provider *p, struct str is)
{
	enum err e = db_run(a->tx, "UPDATE invoices SET account=NULL WHERE provider=?1 AND account=?2", p->name, is);

	if (!e)
		e = provider_key_remove(a, kept_as(a->arena, p, is));
	return e ? e : alert_clear(a, provider_key_cause(a, p->name, str_dup(a->arena, is)), p->name);
}

enum err provider_keep_earlier(struct act *a, const struct pay_provider *p, struct str key)
{
	struct str old = STR(""), was, is;
	int64_t marked = 0;
	enum err e;

	if (!p->account_name)
		return OK;
	e = provider_key_read(&old, a, a->arena, provider_typed_key(p));
	if (!e || is_unusable(e))
		e = name_of(&was, a, p, old);
	if (!e)
		e = name_of(&is, a, p, key);
	if (e || !is.len)
		return e;
	if (was.len && !str_eq(was, is))
		e = mark_invoices(&marked, a, p, was);
	if (!e && marked)
		e = provider_key_write(a, kept_as(a->arena, p, was), old);
	return e ? e : take_up_again(a, p, is); /* also where all keys were lost: the marks are still there */
}

/* --- in use --- */

enum err provider_account_of(struct pay_account *out, struct act *a, struct arena *arena, const struct invoice *i)
{
	const struct pay_provider *p = pay_provider_find(str_of(i->provider));
	struct str key;
	enum err e;

	if (!i->account)
		return provider_account(out, a, arena, p);
	e = provider_key_read(&key, a, arena, kept_as(arena, p, str_of(i->account)));
	if (!e && !key.len)
		return E_NOTFOUND;
	return e ? e : provider_account_with(out, a, arena, p, provider_typed_key(p), key);
}

enum err provider_earlier(struct pay_account out[PROVIDER_EARLIER_MAX], size_t *count, struct act *a, struct arena *arena, const struct pay_provider *p)
{
	const char *names[PROVIDER_EARLIER_MAX];
	size_t n = 0;
	enum err e = list_kept(names, &n, a, p);

	*count = 0;
	for (size_t i = 0; !e && i < n; i++) {
		struct str key;

		e = provider_key_read(&key, a, arena, names[i]);
		if (!e)
			e = provider_account_with(&out[*count], a, arena, p, provider_typed_key(p), key);
		*count += !e;
		e = is_unusable(e) ? OK : e; /* logged where it was read */
	}
	return e;
}

/* --- the end --- */

static enum err forget(struct act *a, const struct pay_provider *p, const char *name)
{
	const char *account = name + strlen(kept_as(a->arena, p, STR("")));
	enum err e = db_run(a->tx, "DELETE FROM secrets WHERE name=?1 AND NOT EXISTS(SELECT 1 FROM invoices i WHERE i.provider=?2 AND i.account=?3"
		" AND (i.state IN ('created', 'pending') OR EXISTS(SELECT 1 FROM jobs WHERE kind IN " INVOICE_JOBS " AND subject=CAST(i.id AS TEXT))))",
		name, p->name, account);

	return e || db_changes(a->tx) == 0 ? e : alert_clear(a, provider_key_cause(a, p->name, account), p->name);
}

enum err provider_forget_earlier(struct act *a)
{
	enum err e = OK;

	for (size_t i = 0; !e && i < pay_provider_count(); i++) {
		const char *names[PROVIDER_EARLIER_MAX];
		size_t n = 0;

		e = list_kept(names, &n, a, pay_provider_at(i));
		for (size_t k = 0; !e && k < n; k++)
			e = forget(a, pay_provider_at(i), names[k]);
	}
	return e;
}
