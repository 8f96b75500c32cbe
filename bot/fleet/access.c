/* Accesses: the rows that say where a subscription stands, and the names its clients have there. */
#include "bot/fleet/fleet_private.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/enc.h"
#include "lib/base/rand.h"

#define EMAIL_NAME_CHARS 20
#define EMAIL_SUFFIX_CHARS 8
#define EMAIL_BYTES_MAX ACCESS_NAME_BYTES_MAX
#define DRAWS_MAX 8
#define PANELS_OF_SUB_MAX 64

/* --- names --- */

/* Panels compare e-mails without case and newer ones refuse slashes, spaces and control characters; what every one of
 * them takes, and what needs no escaping in a path, is this. */
static char letter_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '\0';
}

void access_email(char *out, size_t size, struct str name)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	char email[EMAIL_BYTES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < name.len && n < EMAIL_NAME_CHARS; i++) {
		char c = letter_of(name.at[i]);

		if (c)
			email[n++] = c;
		else if (n && email[n - 1] != '_' && n + 1 < EMAIL_NAME_CHARS)
			email[n++] = '_';
	}
	while (n && email[n - 1] == '_')
		n--;
	if (!n) {
		memcpy(email, "user", 4);
		n = 4;
	}
	email[n++] = '_';
	for (int i = 0; i < EMAIL_SUFFIX_CHARS; i++)
		email[n++] = letters[rand_below(sizeof letters - 1)];
	snprintf(out, size, "%.*s", (int)n, email);
}

bool access_name_fits(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] != '_' && letter_of(name.at[i]) != name.at[i])
			return false;
	return name.len && name.len <= ACCESS_NAME_BYTES_MAX;
}

void access_password(char *out, size_t size, struct str password, struct str protocol, struct str method)
{
	bool whole = str_is(protocol, "shadowsocks") || str_is(protocol, "wireguard");
	unsigned char bytes[32];
	struct buf text;
	size_t n;

	buf_init(&text, 64);
	if (dec_base64(bytes, sizeof bytes, &n, password) != OK || n != sizeof bytes)
		buf_add(&text, password); /* none of ours: a client taken over with the password it has */
	else if (str_is(protocol, "shadowsocks") && str_starts(method, "2022-") && str_has(method, "aes-128"))
		enc_base64(&text, bytes, 16);
	else if (whole)
		enc_base64(&text, bytes, sizeof bytes);
	else
		enc_base64url(&text, bytes, sizeof bytes);
	snprintf(out, size, "%s", buf_cstr(&text));
	buf_release(&text);
}

/* --- rows --- */

enum err access_add(int64_t *id, struct act *a, int64_t subscription_id, struct place place, struct str name)
{
	for (int i = 0; i < DRAWS_MAX; i++) {
		char email[EMAIL_BYTES_MAX + 1];
		enum err e;

		access_email(email, sizeof email, name);
		e = db_run(a->tx, "INSERT INTO accesses(subscription_id, panel_id, inbound_id, email, created_ms, updated_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?5)"
			" ON CONFLICT(panel_id, email) DO NOTHING", subscription_id, place.panel_id, place.inbound_id, email, a->now_ms);
		if (e)
			return e;
		if (db_changes(a->tx)) {
			*id = db_last_id(a->tx);
			return OK;
		}
	}
	return E_CONFLICT; /* forty random bits taken eight times */
}

enum err access_ask(struct act *a, int64_t subscription_id, int64_t panel_id, enum job_prio prio)
{
	char *subject = arena_printf(a->arena, "%" PRId64 ":%" PRId64, subscription_id, panel_id);

	return job_add(a, JOB_RECONCILE, subject, panel_id, prio, a->now_ms);
}

enum err access_drop(struct act *a, int64_t access_id, enum job_prio prio)
{
	struct db_rows r;
	int64_t subscription_id, panel_id;
	enum err e;

	db_select(&r, a->tx, "SELECT subscription_id, panel_id FROM accesses WHERE id=?1", access_id);
	e = db_first(&r);
	if (e)
		return e;
	subscription_id = db_i64(&r, 0);
	panel_id = db_i64(&r, 1);
	e = db_end(&r);
	if (!e)
		e = db_run(a->tx, "UPDATE accesses SET deleted_ms=?2, updated_ms=?2 WHERE id=?1 AND deleted_ms=0", access_id, a->now_ms);
	return e ? e : access_ask(a, subscription_id, panel_id, prio);
}

enum err access_name_get(struct access_name *out, struct act *a, int64_t subscription_id)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT id, panel_id, email, rename FROM accesses WHERE subscription_id=?1 AND deleted_ms=0 ORDER BY id DESC LIMIT 1", subscription_id);
	e = db_first(&r);
	if (e)
		return e;
	*out = (struct access_name){ .access_id = db_i64(&r, 0), .panel_id = db_i64(&r, 1), .email = db_text(&r, 2, a->arena), .rename = db_text(&r, 3, a->arena) };
	return db_end(&r);
}

/* While a write may be under way that gives it one name, another would leave us with two to look for. */
enum err access_rename(struct act *a, int64_t subscription_id, struct str name)
{
	const char *wanted = str_dup(a->arena, name);
	struct access_name x;
	int64_t taken, sent;
	enum err e = access_name_get(&x, a, subscription_id);

	if (e || str_is(name, x.rename ? x.rename : x.email))
		return e;
	e = db_get_i64(&taken, a->tx, "SELECT count(*) FROM accesses WHERE panel_id=?1 AND id<>?2 AND (email=?3 OR (rename=?3 AND deleted_ms=0))", x.panel_id, x.access_id, wanted);
	if (!e)
		e = db_get_i64(&sent, a->tx, "SELECT rename IS NOT NULL AND writing FROM accesses WHERE id=?1", x.access_id);
	if (e || taken || sent)
		return e ? e : taken ? E_CONFLICT : E_BUSY;
	e = db_run(a->tx, "UPDATE accesses SET rename=nullif(?2, email), updated_ms=?3 WHERE id=?1", x.access_id, wanted, a->now_ms);
	return e ? e : access_ask(a, subscription_id, x.panel_id, JOB_PERSON);
}

enum err access_replace(struct act *a, int64_t new_id, int64_t old_id)
{
	return db_run(a->tx, "UPDATE accesses SET replaces_id=?2 WHERE id=?1", new_id, old_id);
}

enum err fleet_reconcile(struct act *a, int64_t subscription_id, enum job_prio prio)
{
	int64_t panels[PANELS_OF_SUB_MAX];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT DISTINCT panel_id FROM accesses WHERE subscription_id=?1 AND deleted_ms=0 LIMIT ?2", subscription_id, PANELS_OF_SUB_MAX);
	while (db_next(&r))
		panels[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++)
		e = access_ask(a, subscription_id, panels[i], prio);
	return e;
}

enum err access_links(struct access_links *out, struct act *a, int64_t subscription_id)
{
	struct db_rows r;
	struct buf links;
	enum err e;

	*out = (struct access_links){ STR(""), STR("") };
	buf_init(&links, 64 * 1024);
	db_select(&r, a->tx, "SELECT x.link, p.sub_url, s.sub_id FROM accesses x JOIN panels p ON p.id=x.panel_id JOIN subscriptions s ON s.id=x.subscription_id"
		" WHERE x.subscription_id=?1 AND x.deleted_ms=0 ORDER BY x.id", subscription_id);
	while (db_next(&r)) {
		struct str link = db_str(&r, 0), prefix = db_str(&r, 1);

		if (link.len && links.len)
			buf_addc(&links, '\n');
		buf_add(&links, link);
		if (prefix.len && !out->sub_url.len)
			out->sub_url = str_of(arena_printf(a->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(db_str(&r, 2))));
	}
	e = db_end(&r);
	out->links = str_of(str_dup(a->arena, buf_str(&links)));
	buf_release(&links);
	return e;
}
