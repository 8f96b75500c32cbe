/* The audit table. */
#include "bot/shop/audit.h"

#include "lib/base/log.h"

/* Typed by people, read by people for years: short, clean, and without what must not be kept. */
static const char *kept(struct act *a, const char *text)
{
	return log_blanked(a->arena, text, AUDIT_TEXT_BYTES_MAX);
}

enum err audit_add(struct act *a, int64_t actor_id, const char *action, const char *subject, const char *reason, const char *detail)
{
	log_info("audit", KV("actor", actor_id), KV("action", action));
	return db_run(a->tx, "INSERT INTO audit(at_ms, actor_id, action, subject, reason, detail) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
		a->now_ms, actor_id ? db_arg_int(actor_id) : DB_NULL, action, kept(a, subject), kept(a, reason), kept(a, detail));
}

enum err audit_list(struct audit_row *out, size_t *count, size_t max, struct act *a)
{
	struct db_rows r;

	*count = 0;
	db_select(&r, a->tx, "SELECT at_ms, actor_id, action, subject, reason, detail FROM audit ORDER BY id DESC LIMIT ?1", max);
	while (*count < max && db_next(&r))
		out[(*count)++] = (struct audit_row){
			.at_ms = db_i64(&r, 0), .actor_id = db_i64(&r, 1), .action = db_text(&r, 2, a->arena), .subject = db_text(&r, 3, a->arena),
			.reason = db_text(&r, 4, a->arena), .detail = db_text(&r, 5, a->arena),
		};
	return db_end(&r);
}
