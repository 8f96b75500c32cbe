/* Another place for an access that its panel was never sent (R141). */
#include "bot/fleet/fleet_private.h"

#include "lib/base/log.h"

static enum err settle_in(struct act *a, const struct access *x, struct place to)
{
	enum err e = db_run(a->tx, "UPDATE OR IGNORE accesses SET panel_id=?2, inbound_id=?3, updated_ms=?4 WHERE id=?1",
		x->id, to.panel_id, to.inbound_id, a->now_ms);
	char email[ACCESS_NAME_BYTES_MAX + 1];

	if (e || db_changes(a->tx))
		return e;
	access_email(email, sizeof email, str_of(x->email)); /* somebody there has this name */
	return db_run(a->tx, "UPDATE accesses SET panel_id=?2, inbound_id=?3, email=?4, updated_ms=?5 WHERE id=?1",
		x->id, to.panel_id, to.inbound_id, email, a->now_ms);
}

enum err access_move(bool *moved, struct act *a, const struct access *x)
{
	struct place_wish wish = { .protocol = x->protocol, .region = x->region, .panel_id = x->fixed_panel_id,
		.inbound_id = x->fixed_inbound_id };
	struct place to;
	enum err e;

	*moved = false;
	if (!access_never_sent(x) || x->gone || x->replaces_id) /* who has chosen this place still has the old one */
		return OK;
	e = place_find(&to, a, &wish);
	if (e == E_NOROOM || e == E_NOTFOUND)
		return OK;
	if (e || (to.panel_id == x->panel_id && to.inbound_id == x->inbound_id))
		return e;
	e = settle_in(a, x, to);
	if (e)
		return e;
	*moved = true;
	log_warn("access.moved", KV("access", x->id), KV("from", x->panel_id), KV("to", to.panel_id));
	return access_ask(a, x->subscription_id, to.panel_id, JOB_MONEY);
}
