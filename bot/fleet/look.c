/* Regular looks: usage for the customer's card, drift before anybody pays. A look is a reconcile job with nothing to do. */
#include "bot/fleet/fleet_private.h"

#include <inttypes.h>

#include "lib/base/clock.h"

#define LOOKS_PER_PANEL 50       /* a run; every 15 minutes that is 4,800 a panel and day */
#define LOOK_REST_MS (30 * MINUTE_MS)

static enum err look_at_panel(struct act *a, int64_t panel_id)
{
	int64_t ids[LOOKS_PER_PANEL];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT DISTINCT subscription_id FROM (SELECT subscription_id FROM accesses WHERE panel_id=?1 AND deleted_ms=0 AND seen_exists=1"
		" AND seen_ms<=?2 ORDER BY seen_ms LIMIT ?3)", panel_id, a->now_ms - LOOK_REST_MS, LOOKS_PER_PANEL);
	while (db_next(&r))
		ids[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++)
		e = job_add(a, JOB_RECONCILE, arena_printf(a->arena, "%" PRId64 ":%" PRId64, ids[i], panel_id), panel_id, JOB_ROUTINE, a->now_ms);
	return e;
}

enum err fleet_look_due(struct act *a)
{
	int64_t ids[PANELS_MAX];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT id FROM panels WHERE deleted_ms=0 AND state='ok' ORDER BY id LIMIT ?1", PANELS_MAX);
	while (db_next(&r))
		ids[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++)
		e = look_at_panel(a, ids[i]);
	return e;
}
