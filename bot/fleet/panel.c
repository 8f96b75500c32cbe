/* Panels as rows. Secrets are sealed on their way in and opened only by work.c. */
#include "bot/fleet/fleet_private.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bot/core/alert.h"
#include "bot/core/config.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/http/trust.h"

#define URL_BYTES_MAX 500
#define NAME_BYTES_MAX 100
#define SECRET_BYTES_MAX 1000
#define CA_BYTES_MAX ((size_t)64 * 1024)

static const char *const state_names[] = { "new", "ok", "down", "failing" };

const char *panel_state_name(enum panel_state s)
{
	return state_names[s];
}

static enum panel_state state_of(struct str name)
{
	for (size_t i = 0; i < countof(state_names); i++)
		if (str_is(name, state_names[i]))
			return (enum panel_state)i;
	return PANEL_NEW;
}

enum err panel_set_state(struct act *a, int64_t id, enum panel_state state)
{
	return db_run(a->tx, "UPDATE panels SET state=?2, state_since_ms=?3 WHERE id=?1 AND state<>?2", id, state_names[state], a->now_ms);
}

/* --- reading --- */

#define PANEL_COLUMNS "id, name, url, host, version, sub_url, region, dialect, allow_http, drain, priority, weight, capacity," \
	" state, state_since_ms, latency_ms, checked_ms, session_ms, clients, online, failures, health, pin, ca_pem IS NOT NULL"

static void read_row(struct panel *out, struct db_rows *r, struct arena *arena)
{
	struct str dialect = db_str(r, 7);

	*out = (struct panel){
		.id = db_i64(r, 0), .name = db_text(r, 1, arena), .url = db_text(r, 2, arena), .host = db_text(r, 3, arena),
		.version = db_text(r, 4, arena), .sub_url = db_text(r, 5, arena), .region = db_text(r, 6, arena),
		.dialect = dialect.len ? dialect.at[0] : 0,
		.allow_http = db_i64(r, 8) != 0, .drain = db_i64(r, 9) != 0,
		.priority = (int)db_i64(r, 10), .weight = (int)db_i64(r, 11), .capacity = (int)db_i64(r, 12),
		.state = state_of(db_str(r, 13)), .state_since_ms = db_i64(r, 14), .latency_ms = db_i64(r, 15),
		.checked_ms = db_i64(r, 16), .session_ms = db_i64(r, 17),
		.clients = (int)db_i64(r, 18), .online = (int)db_i64(r, 19), .failures = (int)db_i64(r, 20),
		.health = db_text(r, 21, arena), .pin = db_text(r, 22, arena), .has_ca = db_i64(r, 23) != 0,
	};
}

enum err panel_get(struct panel *out, struct act *a, int64_t id)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT " PANEL_COLUMNS " FROM panels WHERE id=?1 AND deleted_ms=0", id);
	e = db_first(&r);
	if (e)
		return e;
	read_row(out, &r, a->arena);
	return db_end(&r);
}

enum err panel_list(struct panel *out, size_t *count, size_t max, struct act *a)
{
	struct db_rows r;

	*count = 0;
	db_select(&r, a->tx, "SELECT " PANEL_COLUMNS " FROM panels WHERE deleted_ms=0 ORDER BY id LIMIT ?1", max);
	while (db_next(&r))
		read_row(&out[(*count)++], &r, a->arena);
	return db_end(&r);
}

enum err panel_log_list(struct panel_log_row *out, size_t *count, size_t max, struct act *a, int64_t panel_id)
{
	struct db_rows r;

	*count = 0;
	db_select(&r, a->tx, "SELECT at_ms, duration_ms, status, call, note FROM panel_log WHERE panel_id=?1 ORDER BY id DESC LIMIT ?2", panel_id, max);
	while (db_next(&r))
		out[(*count)++] = (struct panel_log_row){ .at_ms = db_i64(&r, 0), .duration_ms = db_i64(&r, 1), .status = (int)db_i64(&r, 2),
			.call = db_text(&r, 3, a->arena), .note = db_text(&r, 4, a->arena) };
	return db_end(&r);
}

enum err panel_log_forget(struct act *a)
{
	/* one walk along the index from each panel's newest row; a window over the table would read all of it, every hour */
	return db_run(a->tx, "WITH last AS MATERIALIZED (SELECT p.id AS panel_id,"
		" (SELECT id FROM panel_log WHERE panel_id=p.id ORDER BY id DESC LIMIT 1 OFFSET ?1) AS id FROM panels p)"
		" DELETE FROM panel_log WHERE id IN (SELECT old.id FROM last CROSS JOIN panel_log old ON old.panel_id=last.panel_id AND old.id<=last.id)",
		PANEL_LOG_ROWS_MAX);
}

/* --- addresses --- */

static struct str authority_of(struct str url)
{
	const char *at = url.len ? memmem(url.at, url.len, "://", 3) : NULL;
	struct str rest = at ? str_n(at + 3, (size_t)(url.at + url.len - at - 3)) : str_of(NULL);

	return rest.len ? str_cut(&rest, '/') : rest;
}

struct str panel_url_host(struct str url)
{
	struct str host = authority_of(url), rest;

	if (str_starts(host, "[")) {
		rest = str_n(host.at + 1, host.len - 1);
		return str_cut(&rest, ']');
	}
	rest = host;
	return str_cut(&rest, ':');
}

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] <= ' ' || (unsigned char)s.at[i] >= 0x7f || strchr("?#@\\\"<>", s.at[i]))
			return false;
	return true;
}

/* The address in the one form we keep: without a slash at its end. */
static enum err url_tidy(const char **out, struct act *a, const char *given, bool allow_http)
{
	struct str url = str_trim(str_of(given));
	bool is_http = str_starts(url, "http://");

	while (str_ends(url, "/"))
		url.len--;
	if (!(is_http || str_starts(url, "https://")) || url.len > URL_BYTES_MAX || !is_plain(url) || !panel_url_host(url).len)
		return E_INVALID;
	*out = str_dup(a->arena, url);
	return is_http && !allow_http ? E_REFUSED : OK;
}

/* --- secrets --- */

static const struct secret { const char *column, *sql; size_t at; } secrets[] = {
	{ "username_sealed", "UPDATE panels SET username_sealed=?2 WHERE id=?1", offsetof(struct panel_given, username) },
	{ "password_sealed", "UPDATE panels SET password_sealed=?2 WHERE id=?1", offsetof(struct panel_given, password) },
	{ "token_sealed", "UPDATE panels SET token_sealed=?2 WHERE id=?1", offsetof(struct panel_given, token) },
	{ "totp_sealed", "UPDATE panels SET totp_sealed=?2 WHERE id=?1", offsetof(struct panel_given, totp) },
};

static const char *given_text(const struct panel_given *g, size_t at)
{
	return *(const char *const *)((const char *)g + at);
}

char *panel_unseal(struct act *a, struct arena *arena, const char *table, const char *column, int64_t row, struct str blob)
{
	struct buf plain;
	char *out = NULL;
	enum err e;

	if (!blob.len)
		return NULL;
	buf_init(&plain, XUI_COOKIE_MAX + SECRET_BYTES_MAX);
	e = seal_open(&plain, a->shared->key, seal_place(arena, table, column, row), blob);
	if (e)
		log_error("panel.unseal", KV("table", table), KV("column", column), KV("row", row), KV("error", err_name(e)));
	else
		out = str_dup(arena, buf_str(&plain));
	crypto_wipe_buf(&plain);
	buf_release(&plain);
	return out;
}

static enum err secret_store(struct act *a, int64_t id, const struct secret *s, const char *text)
{
	struct buf blob;
	enum err e;

	if (!*text)
		return db_run(a->tx, s->sql, id, DB_NULL);
	buf_init(&blob, SECRET_BYTES_MAX + SEAL_OVERHEAD_BYTES);
	seal_text(&blob, a->shared->key, seal_place(a->arena, "panels", s->column, id), str_of(text));
	e = db_run(a->tx, s->sql, id, DB_BLOB(blob.at, blob.len));
	buf_release(&blob);
	return e;
}

static enum err secrets_store(struct act *a, int64_t id, const struct panel_given *g, bool *any)
{
	enum err e = OK;

	*any = false;
	for (size_t i = 0; !e && i < countof(secrets); i++) {
		const char *text = given_text(g, secrets[i].at);

		if (!text)
			continue;
		*any = true;
		e = secret_store(a, id, &secrets[i], text);
	}
	return e;
}

/* --- writing --- */

/* libcurl would take more than one pin, separated by ';', and any text for a CA: only what we have read ourselves is kept. */
static bool has_usable_trust(const struct panel_given *g)
{
	char pin[HTTP_PIN_CHARS + 1];
	struct buf pem;
	bool ok = true;

	if (g->pin && *g->pin)
		ok = http_pin_read(pin, str_of(g->pin)) == OK && strcmp(pin, g->pin) == 0;
	if (ok && g->ca_pem && *g->ca_pem) {
		buf_init(&pem, CA_BYTES_MAX);
		ok = http_pem_read(&pem, str_of(g->ca_pem)) == OK && strcmp(buf_cstr(&pem), g->ca_pem) == 0;
		buf_release(&pem);
	}
	return ok;
}

static bool is_usable(const struct panel_given *g)
{
	for (size_t i = 0; i < countof(secrets); i++) {
		const char *text = given_text(g, secrets[i].at);

		if (text && strlen(text) > SECRET_BYTES_MAX)
			return false;
	}
	return has_usable_trust(g) && (!g->name || (strlen(g->name) <= NAME_BYTES_MAX && utf8_valid(str_of(g->name)))) && (!g->weight || *g->weight > 0) &&
		(!g->capacity || *g->capacity >= 0) && (!g->session_ms || *g->session_ms >= MINUTE_MS);
}

/* Texts where "" means: none. */
static enum err texts_store(struct act *a, int64_t id, const struct panel_given *g)
{
	const struct { const char *sql, *text; } texts[] = {
		{ "UPDATE panels SET name=?2 WHERE id=?1", g->name },
		{ "UPDATE panels SET host=nullif(?2, '') WHERE id=?1", g->host },
		{ "UPDATE panels SET region=?2 WHERE id=?1", g->region },
		{ "UPDATE panels SET ca_pem=nullif(?2, '') WHERE id=?1", g->ca_pem },
		{ "UPDATE panels SET pin=nullif(?2, '') WHERE id=?1", g->pin },
	};
	enum err e = OK;

	for (size_t i = 0; !e && i < countof(texts); i++)
		if (texts[i].text)
			e = db_run(a->tx, texts[i].sql, id, texts[i].text);
	return e;
}

static enum err numbers_store(struct act *a, int64_t id, const struct panel_given *g)
{
	const struct { const char *sql; bool given; int64_t value; } numbers[] = {
		{ "UPDATE panels SET priority=?2 WHERE id=?1", g->priority, g->priority ? *g->priority : 0 },
		{ "UPDATE panels SET weight=?2 WHERE id=?1", g->weight, g->weight ? *g->weight : 0 },
		{ "UPDATE panels SET capacity=?2 WHERE id=?1", g->capacity, g->capacity ? *g->capacity : 0 },
		{ "UPDATE panels SET session_ms=?2 WHERE id=?1", g->session_ms, g->session_ms ? *g->session_ms : 0 },
		{ "UPDATE panels SET allow_http=?2 WHERE id=?1", g->allow_http, g->allow_http && *g->allow_http },
		{ "UPDATE panels SET drain=?2 WHERE id=?1", g->drain, g->drain && *g->drain },
	};
	enum err e = OK;

	for (size_t i = 0; !e && i < countof(numbers); i++)
		if (numbers[i].given)
			e = db_run(a->tx, numbers[i].sql, id, numbers[i].value);
	return e;
}

static enum err given_store(struct act *a, int64_t id, const struct panel_given *g, bool *new_secrets)
{
	enum err e = texts_store(a, id, g);

	if (!e)
		e = numbers_store(a, id, g);
	return e ? e : secrets_store(a, id, g, new_secrets);
}

enum err panel_add(int64_t *id, struct act *a, const struct panel_given *g)
{
	const char *url = NULL;
	bool any;
	enum err e = g->url && is_usable(g) ? url_tidy(&url, a, g->url, g->allow_http && *g->allow_http) : E_INVALID;

	if (e)
		return e;
	e = db_run(a->tx, "INSERT INTO panels(name, url, created_ms, state_since_ms) VALUES(?1, ?2, ?3, ?3)",
		panel_url_host(str_of(url)), url, a->now_ms);
	if (e)
		return e;
	*id = db_last_id(a->tx);
	return given_store(a, *id, g, &any);
}

/* What was found out with other credentials or at another address says nothing any more; a trial login decides anew. */
static enum err start_over(struct act *a, int64_t id)
{
	enum err e = db_run(a->tx, "DELETE FROM panel_sessions WHERE panel_id=?1", id);

	return e ? e : db_run(a->tx, "UPDATE panels SET dialect=NULL, version=NULL, login_refused_ms=0, failures=0, state='new', state_since_ms=?2 WHERE id=?1",
		id, a->now_ms);
}

enum err panel_set(struct act *a, int64_t id, const struct panel_given *g)
{
	struct panel p;
	const char *url = NULL;
	bool new_secrets = false, allow_http, moved;
	enum err e = panel_get(&p, a, id);

	if (e)
		return e;
	allow_http = g->allow_http ? *g->allow_http : p.allow_http;
	e = is_usable(g) ? url_tidy(&url, a, g->url ? g->url : p.url, allow_http) : E_INVALID;
	if (!e)
		e = given_store(a, id, g, &new_secrets);
	if (e)
		return e;
	moved = strcmp(url, p.url) != 0;
	if (moved)
		e = db_run(a->tx, "UPDATE panels SET url=?2, sub_url=NULL WHERE id=?1", id, url);
	if (!e && (moved || new_secrets))
		e = start_over(a, id);
	return e;
}

static enum err forget(struct act *a, int64_t id)
{
	static const char *const statements[] = {
		"UPDATE drifts SET state='gone', decided_ms=?2 WHERE state='open' AND access_id IN (SELECT id FROM accesses WHERE panel_id=?1)",
		"UPDATE accesses SET deleted_ms=?2, updated_ms=?2 WHERE panel_id=?1 AND deleted_ms=0",
		"UPDATE inbounds SET for_sale=0, gone=1, seen_ms=max(seen_ms, ?2) WHERE panel_id=?1",
		"UPDATE panels SET deleted_ms=?2, username_sealed=NULL, password_sealed=NULL, token_sealed=NULL, totp_sealed=NULL WHERE id=?1",
	};
	enum err e = db_run(a->tx, "DELETE FROM panel_sessions WHERE panel_id=?1", id);

	for (size_t i = 0; !e && i < countof(statements); i++)
		e = db_run(a->tx, statements[i], id, a->now_ms);
	return e;
}

enum err panel_delete(struct act *a, int64_t id, bool keep)
{
	static const char *const causes[] = { "panel.down", "panel.login", "panel.failing", "drift" };
	struct panel p;
	int64_t live = 0;
	enum err e = panel_get(&p, a, id);

	if (!e)
		e = db_get_i64(&live, a->tx, "SELECT count(*) FROM accesses WHERE panel_id=?1 AND deleted_ms=0", id);
	if (!e && live && !keep)
		return E_CONFLICT;
	if (!e)
		e = forget(a, id);
	if (!e)
		e = stuck_clear_panel(a, id);
	for (size_t i = 0; !e && i < countof(causes); i++)
		e = alert_clear(a, arena_printf(a->arena, "%s:%" PRId64, causes[i], id), p.name);
	return e;
}

/* --- what is asked of all of them --- */

enum err panel_job_each(struct act *a, const char *kind)
{
	struct db_rows r;
	int64_t ids[PANELS_MAX];
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT id FROM panels WHERE deleted_ms=0 ORDER BY id LIMIT ?1", PANELS_MAX);
	while (db_next(&r))
		ids[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++)
		e = job_add(a, kind, arena_printf(a->arena, "%" PRId64, ids[i]), ids[i], JOB_ROUTINE, a->now_ms);
	return e;
}

/* --- the panel of the environment --- */

static bool is_sealed_text(struct act *a, int64_t id, const char *column, struct str blob, const char *wanted)
{
	char *text = panel_unseal(a, a->arena, "panels", column, id, blob);

	return !wanted || (text && crypto_equal(str_of(text), str_of(wanted)));
}

static enum err warn_of_difference(struct act *a, int64_t id, const struct config *c)
{
	struct db_rows r;
	bool same;
	enum err e;

	db_select(&r, a->tx, "SELECT username_sealed, password_sealed, token_sealed FROM panels WHERE id=?1 AND deleted_ms=0", id);
	e = db_first(&r);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	same = is_sealed_text(a, id, "username_sealed", db_str(&r, 0), c->panel_username) &&
		is_sealed_text(a, id, "password_sealed", db_str(&r, 1), c->panel_password) &&
		is_sealed_text(a, id, "token_sealed", db_str(&r, 2), c->panel_token);
	if (!same)
		log_warn("panel.environment_differs", KV("panel", id));
	return db_end(&r);
}

enum err panel_from_config(struct act *a)
{
	const struct config *c = a->shared->config;
	struct panel_given g = { 0 };
	const char *url;
	bool http = true;
	int64_t id;
	enum err e;

	if (!c->panel_url)
		return OK;
	e = url_tidy(&url, a, c->panel_url, true);
	if (e) {
		log_error("panel.environment_url", KV("error", err_name(e)));
		return OK; /* the shop runs without it; config.c has checked the form before */
	}
	e = db_get_i64(&id, a->tx, "SELECT id FROM panels WHERE url=?1 ORDER BY deleted_ms, id LIMIT 1", url);
	if (!e)
		return warn_of_difference(a, id, c);
	if (e != E_NOTFOUND)
		return e;
	if (str_starts(str_of(url), "http://"))
		log_warn("panel.plain_http", KV("host", panel_url_host(str_of(url)))); /* written out by the operator: allowed, and said (R018) */
	g = (struct panel_given){ .url = url, .username = c->panel_username, .password = c->panel_password, .token = c->panel_token, .allow_http = &http };
	e = panel_add(&id, a, &g);
	return e ? e : job_add(a, JOB_WATCH, arena_printf(a->arena, "%" PRId64, id), id, JOB_PERSON, a->now_ms);
}
