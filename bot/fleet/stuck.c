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
