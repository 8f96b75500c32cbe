/* A subscription as people see it: what we want of it, what the panel showed, and what to do next. */
#include "bot/screens/screens_private.h"
#include "bot/shop/time_steps.h"

#define RENEW_SOON_MS (3 * DAY_MS)

enum err own_subs(struct subscription *out, size_t *count, struct act *a, int64_t user_id)
{
	size_t all, kept = 0;
	enum err e = sub_list(out, &all, SUBS_PER_USER_MAX, a, user_id);

	for (size_t i = 0; !e && i < all; i++)
		if (!out[i].gone)
			out[kept++] = out[i];
	*count = kept;
	return e;
}

enum err own_subs_unshown(int64_t *out, struct act *a, int64_t user_id, size_t shown)
{
	enum err e = db_get_i64(out, a->tx, "SELECT count(*) FROM subscriptions WHERE user_id=?1 AND deleted_ms=0 AND gone=0", user_id);

	*out -= e ? *out : (int64_t)shown;
	return e;
}

/* silent: none of its panels answers. missing: it stands on none any more, as far as the last looks tell (R054). Delivered
 * is what a panel has agreed with once. */
static enum err seen_on_panels(enum sub_place *place, bool *silent, bool *missing, struct act *a, int64_t subscription_id)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT coalesce(max(x.done_rev>0), 0), coalesce(min(p.state IN ('down', 'failing')), 0),"
		" coalesce(max(EXISTS(SELECT 1 FROM drifts d WHERE d.access_id=x.id AND d.field='enabled' AND d.state='open')), 0),"
		" coalesce(min(x.done_rev>0 AND x.seen_exists=0), 0) FROM accesses x"
		" JOIN panels p ON p.id=x.panel_id WHERE x.subscription_id=?1 AND x.deleted_ms=0", subscription_id);
	e = db_first(&r);
	if (e)
		return e;
	*silent = db_i64(&r, 1);
	*place = db_i64(&r, 2) ? PLACE_HELD : db_i64(&r, 0) ? PLACE_STANDS : *silent ? PLACE_HELD : PLACE_AWAITED;
	*missing = db_i64(&r, 3);
	return db_end(&r);
}

enum err look_at(struct look *out, struct act *a, const struct subscription *s)
{
	struct time_rules rules = time_rules_get(a);
	struct place_choice moving_to;
	enum sub_place place;
	struct plan plan;
	enum err e;

	*out = (struct look){ .sub = *s };
	e = seen_on_panels(&place, &out->silent, &out->missing, a, s->id);
	if (!e)
		e = plan_get(&plan, a, s->plan_id);
	if (e)
		return e;
	out->plan = str_of(plan.name);
	out->plan_sold = plan.on_sale && !plan.trial;
	out->status = sub_status(s, place, a->now_ms);
	out->kept_until_ms = sub_kept_until_ms(s, &rules);
	e = sub_moving_to(&moving_to, a, s);
	if (!e)
		out->moving_to = moving_to.name;
	return e == E_NOTFOUND ? OK : e;
}

enum err own_sub(struct look *out, struct talk *t, struct str id)
{
	struct subscription s;
	enum err e = sub_by_public_id(&s, t->a, id);

	if (e)
		return e;
	if (s.user_id != t->user.id || s.gone || s.deleted_ms)
		return E_NOTFOUND;
	return look_at(out, t->a, &s);
}

enum err own_order(struct order *out, struct talk *t, struct str id)
{
	enum err e = order_find(out, t->a, id);

	return !e && out->user_id != t->user.id ? E_NOTFOUND : e;
}

bool look_wants_renewal(const struct look *l, int64_t now_ms)
{
	if (l->status == SUB_LIMITED || l->status == SUB_GRACE || l->status == SUB_EXPIRED)
		return true;
	return l->sub.expires_ms && l->sub.expires_ms - now_ms < RENEW_SOON_MS && l->status == SUB_ACTIVE && !l->sub.trial;
}

const char *look_state_key(struct act *a, const struct look *l)
{
	if (l->sub.trial && l->status == SUB_ACTIVE)
		return "sub.status.trial";
	return arena_printf(a->arena, "sub.status.%s", sub_status_name(l->status));
}

/* R064: nothing known, nothing used and no answer are three different things. */
static void usage_text(struct screen *s, const struct look *l)
{
	const struct subscription *sub = &l->sub;

	if (!sub->used_seen_ms)
		screen_text(s, "sub.no_data");
	else if (sub->quota_bytes)
		screen_text(s, "sub.used", T_BYTES("used", sub->used_bytes), T_BYTES("quota", sub->quota_bytes));
	else
		screen_text(s, "sub.used_unmetered", T_BYTES("used", sub->used_bytes));
	if (l->silent && sub->used_seen_ms)
		screen_text(s, "sub.unknown_now", T_MOMENT("at", sub->used_seen_ms));
	else if (l->silent)
		screen_text(s, "sub.silent");
}

static void expired_text(struct screen *s, const struct look *l)
{
	if (l->kept_until_ms > s->a->now_ms)
		screen_text(s, "sub.hint.expired", T_MOMENT("kept", l->kept_until_ms));
	else
		screen_text(s, "sub.hint.expired_gone");
}

static void hint_text(struct screen *s, const struct look *l)
{
	switch (l->status) {
	case SUB_CREATING: screen_text(s, "sub.hint.creating"); break;
	case SUB_HELD: screen_text(s, l->silent ? "sub.hint.held_server" : "sub.hint.held_shop"); break;
	case SUB_LIMITED: screen_text(s, "sub.hint.limited"); break;
	case SUB_GRACE: screen_text(s, "sub.hint.grace", T_MOMENT("grace", l->sub.grace_until_ms)); break;
	case SUB_EXPIRED: expired_text(s, l); break;
	case SUB_DISABLED: screen_text(s, "sub.hint.disabled"); break;
	case SUB_ACTIVE:
	case SUB_GONE: break;
	}
	if (l->missing && (l->status == SUB_ACTIVE || l->status == SUB_GRACE))
		screen_text(s, "sub.hint.missing");
	if (l->moving_to)
		screen_text(s, "sub.hint.moving", T_STR("place", l->moving_to));
}

void look_text(struct screen *s, const struct look *l)
{
	screen_text(s, "sub.card", T_STR("plan", l->plan), T_KEY("state", look_state_key(s->a, l)));
	screen_text(s, "sub.ends", T_DATE("until", l->sub.expires_ms)); /* R065: 0 is "never" */
	if (l->status != SUB_CREATING && l->status != SUB_HELD)
		usage_text(s, l);
	hint_text(s, l);
}
