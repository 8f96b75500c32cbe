/* What a look has shown, taken into our rows: values, usage, names, and what was changed by hand. */
#include "bot/fleet/fleet_private.h"

#include "lib/base/clock.h"

#define EXPIRY_SLACK_MS MINUTE_MS /* between the panel's clock and ours */

static bool is_depleted(const struct xui_look *l, int64_t now_ms)
{
	const struct xui_client *c = &l->client;
	const struct xui_traffic *t = &l->traffic;

	return (c->expires_ms > 0 && c->expires_ms <= now_ms + EXPIRY_SLACK_MS) ||
		(c->quota_bytes > 0 && l->has_row && t->up_bytes + t->down_bytes >= c->quota_bytes);
}

/* Switched off by the panel because it is used up is not switched off by hand. */
static struct terms terms_of(const struct access *x, const struct xui_look *l, int64_t now_ms)
{
	const struct xui_client *c = &l->client;
	bool enabled = c->enabled || (is_depleted(l, now_ms) && x->wrote.at[FIELD_ENABLED]);

	return (struct terms){ .at = { [FIELD_UNTIL] = c->expires_ms, [FIELD_QUOTA] = c->quota_bytes, [FIELD_DEVICES] = c->limit_ip, [FIELD_ENABLED] = enabled } };
}

/* New keys are drawn all at once, so the one that every protocol keeps as it was sent tells. */
bool access_has_other_keys(const struct access *x, const struct xui_client *c)
{
	return c->sub_id.len && !str_is(c->sub_id, x->sub_id);
}

bool seen_is_stale(const struct access *x, const struct xui_look *l, int64_t now_ms)
{
	bool row_off = l->has_row && l->client.enabled && !l->traffic.enabled && !is_depleted(l, now_ms);

	return x->update_due || !l->agrees || row_off || access_has_other_keys(x, &l->client) || rename_is_due(x, &l->client);
}

enum err access_used(struct act *a, const struct access *x, int64_t up_bytes, int64_t down_bytes)
{
	bool is_of_this_period = x->done_reset_rev >= x->reset_rev;
	enum err e = db_run(a->tx, "UPDATE accesses SET seen_up_bytes=?2, seen_down_bytes=?3 WHERE id=?1 AND (seen_up_bytes<>?2 OR seen_down_bytes<>?3)",
		x->id, up_bytes, down_bytes);

	if (!e && x->gone && db_changes(a->tx))
		e = fleet_reconcile(a, x->subscription_id, JOB_ROUTINE);
	if (e || !is_of_this_period || !fleet_hooks.usage_seen)
		return e;
	return fleet_hooks.usage_seen(a, x->subscription_id, up_bytes, down_bytes + x->elsewhere_bytes);
}

static enum err store(struct act *a, const struct access *x, const struct xui_look *l, const struct terms *seen)
{
	enum err e = db_run(a->tx, "UPDATE accesses SET seen_exists=1, seen_expires_ms=?2, seen_quota_bytes=?3, seen_limit_ip=?4, seen_enabled=?5,"
		" seen_ms=?6, writing=0, wrote_expires_ms=?7, wrote_quota_bytes=?8, wrote_limit_ip=?9, wrote_enabled=?10 WHERE id=?1",
		x->id, seen->at[FIELD_UNTIL], seen->at[FIELD_QUOTA], seen->at[FIELD_DEVICES], seen->at[FIELD_ENABLED], a->now_ms,
		x->wrote.at[FIELD_UNTIL], x->wrote.at[FIELD_QUOTA], x->wrote.at[FIELD_DEVICES], x->wrote.at[FIELD_ENABLED]);

	if (!e)
		e = db_run(a->tx, "UPDATE accesses SET panel_uuid=nullif(?2, ''), panel_sub_id=nullif(?3, '') WHERE id=?1", x->id,
			str_dup(a->arena, l->client.uuid), str_dup(a->arena, l->client.sub_id));
	return e || !l->has_row ? e : access_used(a, x, l->traffic.up_bytes, l->traffic.down_bytes);
}

/* Until the next count of all. */
static enum err count_one_more(struct act *a, const struct access *x)
{
	enum err e = db_run(a->tx, "UPDATE panels SET clients=clients+1 WHERE id=?1", x->panel_id);

	return e ? e : db_run(a->tx, "UPDATE inbounds SET clients=clients+1 WHERE panel_id=?1 AND inbound_id=?2", x->panel_id, x->inbound_id);
}

enum err seen_take(struct terms *seen, struct act *a, struct access *x, const struct xui_look *l, const char *panel_name, int64_t *again_ms)
{
	bool first = x->written_rev && !x->seen_exists;
	enum err e;

	*seen = terms_of(x, l, a->now_ms);
	if (x->gone)
		return store(a, x, l, seen);
	e = drift_check(a, x, seen, panel_name, again_ms);
	if (!e)
		e = store(a, x, l, seen);
	if (!e)
		e = rename_follow(a, x, &l->client);
	return e || !first ? e : count_one_more(a, x);
}

enum err seen_missing(struct act *a, struct access *x, const char *panel_name)
{
	enum err e = x->seen_exists && !x->gone && panel_name ? drift_missing(a, x, panel_name) : OK;

	x->seen_exists = false;
	return e ? e : db_run(a->tx, "UPDATE accesses SET seen_exists=0, seen_ms=?2, writing=0 WHERE id=?1", x->id, a->now_ms);
}
