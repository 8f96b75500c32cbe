/* The audit table. */
#include "bot/shop/audit.h"

enum err audit_add(struct act *a, int64_t actor_id, const char *action, const char *subject, const char *reason, const char *detail)
{
	return db_run(a->tx, "INSERT INTO audit(at_ms, actor_id, action, subject, reason, detail) VALUES(?1, nullif(?2, 0), ?3, ?4, ?5, ?6)",
		a->now_ms, actor_id, action, subject, reason, detail);
}
