/* Another name for a client on its panel, as reconcile.c goes about it.
 *
 *   look under the new name ─▶ ours stands there ────────────────────▶ it is the name
 *        │ nobody                    somebody else, or of us another ─▶ dropped, an admin is told
 *        ▼
 *   look under the old one ──▶ an update with the new name ─▶ look … ─▶ the panel says no: dropped, an admin is told
 *
 * The write that gives the name may have happened unheard, and 3.1 and later know clients by name alone: so the new one is
 * looked for first. A name never holds up anything else: the panel that says no to it has decided.
 *
 * And a name that nobody told us: renamed by hand, or left there when its panel was removed from the shop. 2.x and 3.0.x are
 * looked through by keys anyhow; of 3.1 and later all clients are listed, before there would be a second one. */
#include "bot/fleet/fleet_private.h"

#include "bot/core/alert.h"

bool rename_is_due(const struct access *x, const struct xui_client *seen)
{
	return x->rename && !str_is(seen->email, x->rename);
}

void rename_ask(struct xui_ask *ask, struct arena *arena, const struct access *x)
{
	ask->want.email = str_of(arena_strdup(arena, x->rename));
	ask->change |= XUI_SET_EMAIL;
}

/* Also where nobody knows what came of it: 2.8.5 may say no to a name that only its accounting remembers. */
const char *rename_refusal(const struct xui_result *x)
{
	bool is_no = x->err == E_CONFLICT || x->err == E_REFUSED || x->err == E_INVALID || x->err == E_UNKNOWN;

	return is_no && x->msg[0] ? x->msg : NULL; /* without words: it may be the way there */
}

enum err rename_follow(struct act *a, const struct access *x, const struct xui_client *seen)
{
	const char *email = str_dup(a->arena, seen->email);
	enum err e;

	if ((str_is(seen->email, x->email) && !x->rename) || !*email)
		return OK;
	e = db_run(a->tx, "UPDATE OR IGNORE accesses SET email=?2 WHERE id=?1 AND email<>?2", x->id, email);
	return e ? e : db_run(a->tx, "UPDATE accesses SET rename=NULL WHERE id=?1 AND rename=?2", x->id, email);
}

/* It keeps the name it has, and an admin reads why. */
static enum err drop(struct act *a, const struct access *x, const char *name, const char *text_key, const char *detail)
{
	enum err e = db_run(a->tx, "UPDATE accesses SET rename=NULL, updated_ms=?3 WHERE id=?1 AND rename=?2", x->id, name, a->now_ms);

	if (e || !db_changes(a->tx))
		return e;
	return alert_tell(a, ALERT_WARNING, text_key, x->email, detail);
}

enum err rename_refused(struct act *a, struct access *x, const char *words)
{
	enum err e = drop(a, x, x->rename, "rename_refused", arena_printf(a->arena, "%s: %s", x->rename, words));

	x->rename = NULL;
	return e;
}

/* --- the look ahead --- */

bool client_stands_in(const struct xui_client *c, int64_t inbound_id)
{
	for (size_t i = 0; i < c->inbounds_count; i++)
		if (c->inbound_ids[i] == inbound_id)
			return true;
	return false;
}

bool access_stands(const struct access *x, const struct xui_look *l)
{
	if (!access_is_ours(x, l))
		return false;
	if (client_stands_in(&l->client, x->inbound_id))
		return true;
	return l->client.inbounds_count && (x->gone || access_has_other_keys(x, &l->client));
}

/* In our own table, which has names that were given up, too. */
static enum err is_used_by_us(bool *is_used, struct act *a, const struct access *x, const char *name)
{
	int64_t count = 0;
	enum err e = db_get_i64(&count, a->tx, "SELECT count(*) FROM accesses WHERE panel_id=?1 AND email=?2 AND id<>?3", x->panel_id, name, x->id);

	*is_used = count > 0;
	return e;
}

/* Ours is there, by whichever name: that look is all that is needed. Somebody else is: the name is taken. So it is when
 * what has our keys stands nowhere, which is what 3.1 leaves behind under a name that was given up. */
enum err rename_looked(bool *stands, struct act *a, const struct access *x, const char *name, const struct xui_look *look)
{
	bool is_used;
	enum err e;

	*stands = access_stands(x, look);
	if (*stands)
		return OK;
	e = is_used_by_us(&is_used, a, x, name);
	return e || (!is_used && !look->found) ? e : drop(a, x, name, "rename_taken", name);
}

/* --- a name that nobody told us --- */

/* Not of what was just bought: it is certain that no panel has it. Nor of what is to go and was not there before. */
enum err search_is_due(bool *is_due, struct act *a, const struct access *x, enum xui_dialect dialect)
{
	int64_t others = 0;
	enum err e = OK;

	if (dialect == XUI_C && !x->gone && !x->written_rev)
		e = db_get_i64(&others, a->tx, "SELECT count(*) FROM accesses WHERE subscription_id=?1 AND id<>?2", x->subscription_id, x->id);
	*is_due = dialect == XUI_C && (x->gone ? x->seen_exists : x->written_rev || others);
	return e;
}

/* In another inbound only by the key that nobody else has: of several clients under one subscription id the others may be
 * the operator's. */
static enum err on_client(void *ctx, const struct xui_client *c)
{
	struct search *s = ctx;
	bool is_here = client_stands_in(c, s->inbound_id), has_uuid = s->uuid.len && str_eq(c->uuid, s->uuid);
	char **email = is_here ? &s->here : &s->elsewhere;

	if (!*email && c->inbounds_count && (has_uuid || (is_here && str_eq(c->sub_id, s->sub_id))))
		*email = str_dup(s->arena, c->email);
	return OK;
}

static void on_restart(void *ctx)
{
	struct search *s = ctx;

	s->here = s->elsewhere = NULL;
}

/* What is to go has the keys it had: its subscription may have others by now. */
void search_ask(struct xui_ask *ask, struct search *s, struct arena *arena, const struct access *x)
{
	const char *uuid = x->gone && x->panel_uuid ? x->panel_uuid : x->uuid, *sub_id = x->gone && x->panel_sub_id ? x->panel_sub_id : x->sub_id;

	*s = (struct search){ .uuid = str_of(arena_strdup(arena, uuid)), .sub_id = str_of(arena_strdup(arena, sub_id)), .inbound_id = x->inbound_id, .arena = arena };
	*ask = (struct xui_ask){ .what = XUI_CLIENTS, .sinks = { .on_client = on_client, .on_restart = on_restart, .ctx = s } };
}

enum err search_found(bool *is_news, struct act *a, const struct access *x, const struct search *s)
{
	const char *const emails[] = { s->here, s->elsewhere };
	enum err e = OK;

	*is_news = false;
	for (size_t i = 0; !e && !*is_news && i < countof(emails); i++) {
		if (!emails[i])
			continue;
		e = db_run(a->tx, "UPDATE OR IGNORE accesses SET email=?2 WHERE id=?1 AND email<>?2", x->id, emails[i]);
		*is_news = !e && db_changes(a->tx) > 0; /* else another access of ours is called so, and about to go */
	}
	return e;
}
