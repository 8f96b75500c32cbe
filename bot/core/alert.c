/* Alerts, folded by their cause. */
#include "bot/core/alert.h"

#include "bot/core/core_private.h"
#include "lib/base/log.h"

#define DETAIL_BYTES_MAX 300

static const char *const level_names[] = { "notice", "warning", "critical" };

static enum err tell(struct act *a, const struct alert *alert)
{
	return a->core->tables->on_alert ? a->core->tables->on_alert(a, alert) : OK;
}

enum err alert_raise(struct act *a, enum alert_level level, const char *cause, const char *text_key, const char *subject, const char *detail)
{
	struct alert alert = { .cause = cause, .level = level, .text_key = text_key, .subject = subject, .detail = log_blanked(a->arena, detail, DETAIL_BYTES_MAX),
		.count = 1, .first_ms = a->now_ms, .last_ms = a->now_ms };
	enum err e = db_run(a->tx, "INSERT INTO alerts(cause, level, text_key, detail, count, first_ms, last_ms) VALUES(?1, ?2, ?3, ?4, 1, ?5, ?5)"
		" ON CONFLICT DO NOTHING", cause, level, text_key, alert.detail, a->now_ms);

	if (e)
		return e;
	if (db_changes(a->tx) == 0)
		return db_run(a->tx, "UPDATE alerts SET count=count+1, last_ms=?2, detail=?3 WHERE cause=?1", cause, a->now_ms, alert.detail);
	log_warn("alert.raised", KV("cause", cause), KV("level", level_names[level]), KV("detail", alert.detail ? alert.detail : ""));
	return tell(a, &alert);
}

enum err alert_clear(struct act *a, const char *cause, const char *subject)
{
	struct alert alert = { .cause = cause, .subject = subject, .over = true };
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT level, text_key, detail, count, first_ms, last_ms FROM alerts WHERE cause=?1", cause);
	e = db_first(&r);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	alert.level = (enum alert_level)db_i64(&r, 0);
	alert.text_key = db_text(&r, 1, a->arena);
	alert.detail = db_text(&r, 2, a->arena);
	alert.count = db_i64(&r, 3);
	alert.first_ms = db_i64(&r, 4);
	alert.last_ms = db_i64(&r, 5);
	e = db_end(&r);
	if (!e)
		e = db_run(a->tx, "DELETE FROM alerts WHERE cause=?1", cause);
	if (e)
		return e;
	log_info("alert.over", KV("cause", cause), KV("count", alert.count));
	return tell(a, &alert);
}

enum err alert_tell(struct act *a, enum alert_level level, const char *text_key, const char *subject, const char *detail)
{
	struct alert alert = { .cause = "", .level = level, .text_key = text_key, .subject = subject, .detail = log_blanked(a->arena, detail, DETAIL_BYTES_MAX),
		.count = 1, .first_ms = a->now_ms, .last_ms = a->now_ms };

	log_warn("alert.told", KV("text", text_key), KV("level", level_names[level]));
	return tell(a, &alert);
}
