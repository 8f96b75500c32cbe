/* An access as it stands in the tables, with what its subscription wants at this moment. */
#include "bot/fleet/fleet_private.h"

/* What was sold last decides whether there is a quota: the plan may have changed since, and an order that was opened before
 * another may be paid after it. */
#define METERED "coalesce((SELECT o.quota_bytes FROM orders o WHERE o.subscription_id=s.id AND o.state IN ('paid', 'delivered') AND o.target_rev>0" \
	" ORDER BY o.target_rev DESC LIMIT 1), p.quota_bytes)>0"

enum err access_read(struct access *out, struct act *a, int64_t subscription_id, int64_t panel_id, int64_t after_id)
{
	struct db_rows r;
	enum err e;
	int i = 0;

	db_select(&r, a->tx, "SELECT x.id, x.inbound_id, x.email, x.seen_exists, x.writing, x.update_due, x.link IS NOT NULL,"
		" x.seen_expires_ms, x.seen_quota_bytes, x.seen_limit_ip, x.seen_enabled,"
		" x.wrote_expires_ms, x.wrote_quota_bytes, x.wrote_limit_ip, x.wrote_enabled,"
		" x.written_rev, x.done_rev, x.done_reset_rev, coalesce(x.replaces_id, 0), " USED_ELSEWHERE_SQL ", x.panel_uuid, x.panel_sub_id, x.rename,"
		" s.public_id, s.sub_id, s.uuid, s.password, p.protocol,"
		" coalesce((SELECT o.region FROM orders o WHERE o.subscription_id=s.id AND o.region IS NOT NULL ORDER BY o.id DESC LIMIT 1), p.region),"
		" coalesce((SELECT i.protocol FROM inbounds i WHERE i.panel_id=x.panel_id AND i.inbound_id=x.inbound_id), ''), coalesce(u.telegram_id, 0),"
		" coalesce(p.panel_id, 0), coalesce(p.inbound_id, 0), s.gone OR s.deleted_ms>0 OR x.deleted_ms>0, " METERED ","
		/* grace: Telegram may be reachable only through this very access */
		" CASE WHEN s.expires_ms>0 AND s.grace_until_ms>s.expires_ms THEN s.grace_until_ms ELSE s.expires_ms END,"
		" s.quota_bytes, s.limit_ip, s.enabled, s.reset_days, s.reset_rev, s.revision, s.updated_ms"
		" FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id JOIN plans p ON p.id=s.plan_id JOIN users u ON u.id=s.user_id"
		" WHERE x.subscription_id=?1 AND x.panel_id=?2 AND (x.deleted_ms=0 OR x.seen_exists=1 OR x.writing=1) AND x.id>?3 ORDER BY x.id LIMIT 1", subscription_id, panel_id, after_id);
	e = db_first(&r);
	if (e)
		return e;
#define NUMBER db_i64(&r, i++)
#define TEXT db_text(&r, i++, a->arena)
	/* in the order of the columns */
	*out = (struct access){ .subscription_id = subscription_id, .panel_id = panel_id };
	out->id = NUMBER;
	out->inbound_id = NUMBER;
	out->email = TEXT;
	out->seen_exists = NUMBER != 0;
	out->writing = NUMBER != 0;
	out->update_due = NUMBER != 0;
	out->has_link = NUMBER != 0;
	for (enum terms_field f = FIELD_UNTIL; f < FIELDS; f++)
		out->seen.at[f] = NUMBER;
	for (enum terms_field f = FIELD_UNTIL; f < FIELDS; f++)
		out->wrote.at[f] = NUMBER;
	out->written_rev = NUMBER;
	out->done_rev = NUMBER;
	out->done_reset_rev = NUMBER;
	out->replaces_id = NUMBER;
	out->elsewhere_bytes = NUMBER;
	out->panel_uuid = TEXT;
	out->panel_sub_id = TEXT;
	out->rename = TEXT;
	out->public_id = TEXT;
	out->sub_id = TEXT;
	out->uuid = TEXT;
	out->password = TEXT;
	out->protocol = TEXT;
	out->region = TEXT;
	out->inbound_protocol = TEXT;
	out->telegram_id = NUMBER;
	out->fixed_panel_id = NUMBER;
	out->fixed_inbound_id = NUMBER;
	out->gone = NUMBER != 0;
	out->metered = NUMBER != 0;
	for (enum terms_field f = FIELD_UNTIL; f < FIELDS; f++)
		out->want.at[f] = NUMBER;
	out->reset_days = NUMBER;
	out->reset_rev = NUMBER;
	out->revision = NUMBER;
	out->changed_ms = NUMBER;
#undef NUMBER
#undef TEXT
	if (out->want.at[FIELD_QUOTA]) /* all of it used elsewhere: as little as there is, for 0 would be without limit (B30) */
		out->want.at[FIELD_QUOTA] = out->want.at[FIELD_QUOTA] > out->elsewhere_bytes ? out->want.at[FIELD_QUOTA] - out->elsewhere_bytes : 1;
	return db_end(&r);
}

struct xui_client access_client(struct arena *arena, const struct access *x)
{
	char password[ACCESS_PASSWORD_BYTES_MAX + 1];

	/* what a Trojan client is known by stands in paths, where base64 does not; lib/xui cuts what Shadowsocks wants shorter */
	access_password(password, sizeof password, str_of(x->password), str_of(x->inbound_protocol), str_of(""));
	return (struct xui_client){
		.email = str_of(arena_strdup(arena, x->email)), .uuid = str_of(arena_strdup(arena, x->uuid)),
		.password = str_of(arena_strdup(arena, password)), .sub_id = str_of(arena_strdup(arena, x->sub_id)),
		.comment = str_of(arena_printf(arena, "obol:%s", x->public_id)), /* whose it is, for people and for us (B26) */
		.quota_bytes = x->want.at[FIELD_QUOTA], .expires_ms = x->want.at[FIELD_UNTIL], .limit_ip = x->want.at[FIELD_DEVICES],
		.enabled = x->want.at[FIELD_ENABLED] != 0, .reset_days = x->reset_days, .tg_id = x->telegram_id,
	};
}

bool access_is_ours(const struct access *x, const struct xui_look *l)
{
	if (l->exists || !l->is_taken)
		return l->exists;
	return (x->panel_uuid && str_is(l->client.uuid, x->panel_uuid)) || (x->panel_sub_id && str_is(l->client.sub_id, x->panel_sub_id));
}
