/* Telling admins that a subscription does not get in line with one of its panels, and when it has. */
#include "bot/fleet/fleet_private.h"

#include <inttypes.h>

#include "bot/core/alert.h"

static const char *cause(struct act *a, int64_t subscription_id, int64_t panel_id)
{
	return arena_printf(a->arena, "reconcile:%" PRId64 ":%" PRId64, subscription_id, panel_id);
}

/* What people call it by: the oldest order that waits for it, else the newest there was. */
static enum err order_of(char **out, struct act *a, int64_t subscription_id)
{
	enum err e = db_get_text(out, a->arena, a->tx, "SELECT coalesce((SELECT public_id FROM orders WHERE subscription_id=?1 AND state='paid' ORDER BY id LIMIT 1),"
		" (SELECT public_id FROM orders WHERE subscription_id=?1 ORDER BY id DESC LIMIT 1), (SELECT public_id FROM subscriptions WHERE id=?1))", subscription_id);

	return e == E_NOTFOUND ? OK : e;
}

enum err stuck_tell(struct act *a, int64_t subscription_id, int64_t panel_id, const char *detail)
{
	char *order = NULL;
	enum err e = order_of(&order, a, subscription_id);

	return e ? e : alert_raise(a, ALERT_WARNING, cause(a, subscription_id, panel_id), "order_stuck", order, detail);
}

enum err stuck_clear(struct act *a, int64_t subscription_id, int64_t panel_id)
{
	char *order = NULL;
	enum err e = order_of(&order, a, subscription_id);

	return e ? e : alert_clear(a, cause(a, subscription_id, panel_id), order);
}

/* --- an address that customers cannot reach --- */

#define ADDRESS_CAUSE "panel.address:%" PRId64 ":" /* and the inbound */

enum err stuck_reach(struct act *a, const struct access *x, const char *panel_name, const char *host)
{
	const char *where = arena_printf(a->arena, ADDRESS_CAUSE "%" PRId64, x->panel_id, x->inbound_id);

	return host ? alert_raise(a, ALERT_WARNING, where, "panel_address", panel_name, host) : alert_clear(a, where, panel_name);
}

enum err stuck_left(struct act *a, const struct access *x, const char *panel_name)
{
	const char *where = arena_printf(a->arena, ADDRESS_CAUSE "%" PRId64, x->panel_id, x->inbound_id);
	int64_t last = 0;
	enum err e = db_get_i64(&last, a->tx, "SELECT count(*) FROM alerts WHERE cause=?1"
		" AND NOT EXISTS (SELECT 1 FROM accesses WHERE panel_id=?2 AND inbound_id=?3 AND deleted_ms=0)", where, x->panel_id, x->inbound_id);

	return e || !last ? e : alert_clear(a, where, panel_name);
}

enum err stuck_clear_panel(struct act *a, int64_t panel_id)
{
	return db_run(a->tx, "DELETE FROM alerts WHERE cause GLOB ?1 OR cause GLOB ?2", arena_printf(a->arena, "reconcile:*:%" PRId64, panel_id),
		arena_printf(a->arena, ADDRESS_CAUSE "*", panel_id));
}
