/* Operations of lib/xui inside jobs.
 *
 * Every answer of a panel passes here, so this is where the session is kept (R004–R008, R014), calls are logged (R148) and
 * the panel's state follows what it does: three failures in a row and it is down, one success and it is back (R098, R142). */
#include "bot/fleet/fleet_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bot/core/alert.h"
#include "bot/core/config.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"

#define FAILURES_DOWN 3
#define REFUSED_TRIES 3
#define REFUSED_WAIT_MS (5 * SECOND_MS)
#define WAKE_MAX 500
#define ROUTE_BYTES_MAX 300
#define NOTE_BYTES_MAX 300

static const char dialect_letters[] = { [XUI_UNKNOWN] = 0, [XUI_A] = 'A', [XUI_B] = 'B', [XUI_C] = 'C' };

static enum xui_dialect dialect_of_letter(struct str s)
{
	for (size_t i = 1; i < countof(dialect_letters); i++)
		if (s.len == 1 && s.at[0] == dialect_letters[i])
			return (enum xui_dialect)i;
	return XUI_UNKNOWN;
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

/* --- opening --- */

static enum err read_session(struct work *w, struct act *a, struct arena *arena)
{
	struct xui_session *s = &w->panel.session;
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT cookie_sealed, csrf_sealed, created_ms FROM panel_sessions WHERE panel_id=?1 AND url=?2", w->panel_id, w->panel.url);
	e = db_first(&r);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	copy(s->cookie, sizeof s->cookie, panel_unseal(a, arena, "panel_sessions", "cookie_sealed", w->panel_id, db_str(&r, 0)));
	copy(s->csrf, sizeof s->csrf, panel_unseal(a, arena, "panel_sessions", "csrf_sealed", w->panel_id, db_str(&r, 1)));
	if (s->cookie[0]) {
		s->created_ms = db_i64(&r, 2);
		s->expires_ms = s->created_ms + w->panel.session_lifetime_ms; /* a changed lifetime counts at once (R006) */
	}
	return db_end(&r);
}

/* The sealed texts are others each time they are stored. 0: removed. */
static enum err login_mark(uint64_t *mark, struct act *a, int64_t panel_id)
{
	struct db_rows r;
	enum err e;

	*mark = 0;
	db_select(&r, a->tx, "SELECT url, username_sealed, password_sealed, token_sealed, totp_sealed FROM panels WHERE id=?1 AND deleted_ms=0", panel_id);
	e = db_first(&r);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	*mark = HASH_START;
	for (int i = 0; i < 5; i++)
		*mark = hash_bytes(hash_bytes(*mark, db_str(&r, i)), STR("\n"));
	return db_end(&r);
}

static enum err open_row(struct work *w, struct act *a, struct arena *arena, int64_t panel_id)
{
	struct db_rows r;
	struct str state;
	enum err e;

	memset(w, 0, sizeof *w);
	w->panel_id = panel_id;
	db_select(&r, a->tx, "SELECT name, host, url, username_sealed, password_sealed, token_sealed, totp_sealed, ca_pem, pin, dialect, version,"
		" session_ms, login_refused_ms, state, failures, refreshed_ms FROM panels WHERE id=?1 AND deleted_ms=0", panel_id);
	e = db_first(&r);
	if (e)
		return e;
	w->name = db_text(&r, 0, arena);
	w->host = db_text(&r, 1, arena);
	w->trust = (struct http_trust){ .ca_pem = db_text(&r, 7, arena), .pin = db_text(&r, 8, arena) };
	w->panel = (struct xui_panel){
		.url = db_text(&r, 2, arena),
		.username = panel_unseal(a, arena, "panels", "username_sealed", panel_id, db_str(&r, 3)),
		.password = panel_unseal(a, arena, "panels", "password_sealed", panel_id, db_str(&r, 4)),
		.token = panel_unseal(a, arena, "panels", "token_sealed", panel_id, db_str(&r, 5)),
		.totp_secret = panel_unseal(a, arena, "panels", "totp_sealed", panel_id, db_str(&r, 6)),
		.trust = w->trust.ca_pem || w->trust.pin ? &w->trust : NULL,
		.source_address = a->shared->config ? a->shared->config->panel_source : NULL,
		.dialect = dialect_of_letter(db_str(&r, 9)),
		.session_lifetime_ms = db_i64(&r, 11),
		.login_refused_ms = db_i64(&r, 12),
	};
	copy(w->panel.version, sizeof w->panel.version, db_text(&r, 10, arena));
	state = db_str(&r, 13);
	for (enum panel_state s = PANEL_NEW; s <= PANEL_FAILING; s++)
		if (str_is(state, panel_state_name(s)))
			w->state = s;
	w->failures = (int)db_i64(&r, 14);
	w->refreshed_ms = db_i64(&r, 15);
	e = db_end(&r);
	/* whatever way they might take into a log line (R002) */
	log_add_secret(str_of(w->panel.password));
	log_add_secret(str_of(w->panel.token));
	return e ? e : login_mark(&w->login, a, panel_id);
}

enum err work_open(struct work *w, struct act *a, struct job *job, int64_t panel_id)
{
	enum err e = open_row(w, a, &job->arena, panel_id);

	return e ? e : read_session(w, a, &job->arena);
}

enum err panel_reach(struct xui_panel *out, struct act *a, int64_t id)
{
	struct work *w = arena_new(a->arena, struct work); /* its trust is borrowed by *out */
	enum err e = open_row(w, a, a->arena, id);

	*out = w->panel;
	return e;
}

void work_release(struct work *w)
{
	if (w->op)
		xui_op_release(w->op);
	w->op = NULL;
}

/* --- what is kept of an operation --- */

static struct db_arg sealed(struct buf *blob, struct act *a, const char *column, int64_t row, const char *text)
{
	buf_init(blob, XUI_COOKIE_MAX + SEAL_OVERHEAD_BYTES);
	if (!*text)
		return DB_NULL;
	seal_text(blob, a->shared->key, seal_place(a->arena, "panel_sessions", column, row), str_of(text));
	return DB_BLOB(blob->at, blob->len);
}

static enum err store_session(struct work *w, struct act *a)
{
	const struct xui_session *s = &w->panel.session;
	struct buf cookie, csrf;
	enum err e;

	if (!s->created_ms || !s->cookie[0])
		return db_run(a->tx, "DELETE FROM panel_sessions WHERE panel_id=?1", w->panel_id);
	e = db_run(a->tx, "INSERT INTO panel_sessions(panel_id, url, cookie_sealed, csrf_sealed, created_ms, expires_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
		" ON CONFLICT(panel_id) DO UPDATE SET url=?2, cookie_sealed=?3, csrf_sealed=?4, created_ms=?5, expires_ms=?6",
		w->panel_id, w->panel.url, sealed(&cookie, a, "cookie_sealed", w->panel_id, s->cookie),
		sealed(&csrf, a, "csrf_sealed", w->panel_id, s->csrf), s->created_ms, s->expires_ms);
	buf_release(&cookie);
	buf_release(&csrf);
	return e;
}

static enum err tell_version(struct work *w, struct act *a)
{
	const char *version = w->panel.version;
	char *before = NULL;
	enum err e = db_get_text(&before, a->arena, a->tx, "SELECT version FROM panels WHERE id=?1", w->panel_id);

	if (e && e != E_NOTFOUND)
		return e;
	if (!*version || (before && !strcmp(before, version)))
		return OK;
	if (xui_version_support(&w->panel) == XUI_SUPPORT_POOR)
		log_warn("panel.version_poor", KV("panel", w->panel_id), KV("version", version));
	if (xui_version_support(&w->panel) != XUI_SUPPORT_UNKNOWN)
		return OK;
	return alert_tell(a, ALERT_WARNING, "panel_version", w->name, version); /* R022 */
}

static enum err store_changes(struct work *w, struct act *a)
{
	const char letter[2] = { dialect_letters[w->panel.dialect], 0 };
	enum err e;

	if (!w->panel.changed)
		return OK;
	e = tell_version(w, a);
	if (!e)
		e = store_session(w, a);
	if (!e)
		e = db_run(a->tx, "UPDATE panels SET dialect=nullif(?2, ''), version=nullif(?3, ''), login_refused_ms=?4 WHERE id=?1",
			w->panel_id, letter, w->panel.version, w->panel.login_refused_ms);
	w->panel.changed = false;
	return e;
}

/* --- the log of calls --- */

/* "POST panel/api/inbounds/updateClient/…": without the panel's secret path, and without a client's key. */
static char *route_of(struct work *w, struct arena *arena, const struct http_request *r)
{
	static const char *const before_key[] = { "/updateClient/", "/delClient/", "/getClientTrafficsById/" };
	struct str rest = str_of(r->url), path;
	size_t base = strlen(w->panel.url);

	rest = rest.len > base ? str_n(rest.at + base, rest.len - base) : STR("/");
	path = str_cut(&rest, '?');
	for (size_t i = 0; i < countof(before_key); i++) {
		const char *at = memmem(path.at, path.len, before_key[i], strlen(before_key[i]));

		if (at)
			return arena_printf(arena, "%s %.*s***", http_method_name(r->method), (int)(at + strlen(before_key[i]) - path.at), path.at);
	}
	return arena_printf(arena, "%s %.*s", http_method_name(r->method), STR_ARG(utf8_head_bytes(path, ROUTE_BYTES_MAX)));
}

static enum err log_call(struct work *w, struct act *a, const struct http_response *answer, const char *note)
{
	return db_run(a->tx, "INSERT INTO panel_log(panel_id, at_ms, call, status, duration_ms, note) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
		w->panel_id, a->now_ms, log_blanked(a->arena, w->route, ROUTE_BYTES_MAX), answer->status, answer->duration_ms,
		log_blanked(a->arena, note, NOTE_BYTES_MAX));
}

/* --- the panel's state --- */

/* Answering "no" is being alive; not letting us in, saying nothing with it, or being no panel at all, is not. */
static bool is_alive(const struct work *w)
{
	enum err e = w->result->err;

	if (e == OK)
		return true;
	return w->answered && w->failure == HTTP_FAIL_NONE && w->status == 200 && e != E_AUTH && e != E_VERSION && e != E_UNKNOWN && e != E_IO;
}

/* Its jobs wait longer and longer: now they need not. */
static enum err wake_jobs(struct work *w, struct act *a)
{
	const char *subjects[WAKE_MAX];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT subject FROM jobs WHERE kind=?1 AND lane=?2 AND state=0 AND attempts>0 AND next_ms>?3 LIMIT ?4",
		JOB_RECONCILE, w->panel_id, a->now_ms, WAKE_MAX);
	while (db_next(&r))
		subjects[n++] = db_text(&r, 0, a->arena);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++)
		e = job_add(a, JOB_RECONCILE, subjects[i], w->panel_id, JOB_ROUTINE, a->now_ms);
	return e;
}

static const char *cause(struct work *w, struct act *a, const char *kind)
{
	return arena_printf(a->arena, "panel.%s:%" PRId64, kind, w->panel_id);
}

static enum err put_in_use(struct work *w, struct act *a)
{
	enum err e = panel_set_state(a, w->panel_id, PANEL_OK);

	w->state = PANEL_OK;
	return e ? e : wake_jobs(w, a);
}

static enum err say_over(struct work *w, struct act *a)
{
	enum err e = alert_clear(a, cause(w, a, "down"), w->name);

	return e ? e : alert_clear(a, cause(w, a, "login"), w->name);
}

static enum err panel_answered(struct work *w, struct act *a)
{
	enum err e = w->state == PANEL_DOWN ? put_in_use(w, a) : OK;

	if (!e && w->failures)
		e = say_over(w, a);
	w->failures = 0;
	return e ? e : db_run(a->tx, "UPDATE panels SET failures=0, latency_ms=?2, checked_ms=?3 WHERE id=?1", w->panel_id, w->last_ms, a->now_ms);
}

static enum err panel_failed(struct work *w, struct act *a)
{
	bool is_login = w->result->err == E_AUTH;
	enum err e = db_run(a->tx, "UPDATE panels SET failures=?2, checked_ms=?3 WHERE id=?1", w->panel_id, ++w->failures, a->now_ms);

	log_warn("panel.failed", KV("panel", w->panel_id), KV("error", err_name(w->result->err)), KV("failures", w->failures), KV("why", work_reason(w)));
	if (e || w->state == PANEL_NEW)
		return e; /* whoever adds a panel is told by the trial */
	if (is_login)
		e = alert_raise(a, ALERT_CRITICAL, cause(w, a, "login"), "panel_login", w->name, work_reason(w));
	if (e || w->failures < FAILURES_DOWN)
		return e;
	if (w->state == PANEL_OK) {
		w->state = PANEL_DOWN;
		e = panel_set_state(a, w->panel_id, PANEL_DOWN);
	}
	if (e || is_login)
		return e;
	return alert_raise(a, ALERT_CRITICAL, cause(w, a, "down"), "panel_down", w->name, work_reason(w));
}

enum err work_is_good(struct work *w, struct act *a)
{
	enum err e = put_in_use(w, a);

	return e ? e : say_over(w, a); /* also of what was wrong before it was set anew */
}

/* --- steps --- */

/* What a call has shown of the panel, unless an admin has set it anew or removed it while that was under way. */
static enum err take_news(struct work *w, struct act *a)
{
	uint64_t login;
	enum err e = login_mark(&login, a, w->panel_id);

	w->is_outdated = login != w->login;
	if (e || w->is_outdated)
		return e;
	e = store_changes(w, a);
	if (e)
		return e;
	return is_alive(w) ? panel_answered(w, a) : panel_failed(w, a);
}

const char *work_reason(const struct work *w)
{
	if (w->result->msg[0])
		return w->result->msg;
	if (w->answered && w->failure != HTTP_FAIL_NONE)
		return http_failure_name(w->failure);
	return err_name(w->result->err);
}

bool work_tries_again(const struct work *w, const struct act *a, struct job *job)
{
	bool refused = w->answered && w->failure == HTTP_FAIL_CONNECT;

	if (!refused || job->attempts % REFUSED_TRIES == REFUSED_TRIES - 1)
		return false;
	job_later(job, a->now_ms + REFUSED_WAIT_MS, http_failure_name(w->failure));
	return true;
}

static enum err step(struct work *w, struct act *a, struct job *job, const struct http_response *answer, bool *ended)
{
	enum xui_turn turn = xui_op_step(w->op, answer, a->now_ms, &w->request);
	const struct xui_result *result = xui_op_result(w->op);
	const char *note = NULL;
	enum err e = OK;

	if (answer && answer->failure != HTTP_FAIL_NONE)
		note = http_failure_name(answer->failure);
	else if (turn == XUI_FAILED)
		note = result->msg[0] ? result->msg : err_name(result->err);
	if (answer)
		e = log_call(w, a, answer, note);
	*ended = turn != XUI_CALL;
	if (!*ended) {
		w->route = route_of(w, &job->arena, &w->request);
		job_call(job, &w->request);
		return e;
	}
	w->result = result;
	work_release(w);
	return e ? e : take_news(w, a);
}

enum err work_begin(struct work *w, struct act *a, struct job *job, const struct xui_ask *ask, bool *ended)
{
	work_release(w);
	w->op = xui_op_new(&job->arena, &w->panel, ask);
	w->answered = false;
	w->failure = HTTP_FAIL_NONE;
	w->status = 0;
	w->detail = w->peer_pin = w->peer_fingerprint = NULL;
	w->total_ms = 0;
	return step(w, a, job, NULL, ended);
}

enum err work_answer(struct work *w, struct act *a, struct job *job, const struct http_response *answer, bool *ended)
{
	w->answered = true;
	w->failure = answer->failure;
	w->unsent = answer->certain_unsent;
	w->status = answer->status;
	w->detail = answer->detail ? arena_strdup(&job->arena, answer->detail) : NULL;
	w->peer_pin = answer->peer_pin ? arena_strdup(&job->arena, answer->peer_pin) : NULL;
	w->peer_fingerprint = answer->peer_fingerprint ? arena_strdup(&job->arena, answer->peer_fingerprint) : NULL;
	w->last_ms = answer->duration_ms;
	w->total_ms += answer->duration_ms;
	return step(w, a, job, answer, ended);
}
