/* Renewal: before and after stand on the screen, computed by the rule that will be applied (B29), and the ways to pay
 * under it, so that it takes two taps from a reminder. */
#include "bot/screens/buy_private.h"

/* --- which one --- */

static enum err renew_choose(struct talk *t)
{
	struct subscription subs[SUBS_PER_USER_MAX];
	struct look look;
	size_t count;
	enum err e = own_subs(subs, &count, t->a, t->user.id);

	if (e)
		return e;
	if (count == 0)
		return plans_show(t, 0, NULL);
	if (count > 1)
		return subs_choose(t, "renew.choose", "renew");
	e = look_at(&look, t->a, &subs[0]);
	return e ? e : renew_show(t, &look, 0);
}

enum err said_renew(struct talk *t, struct str args)
{
	(void)args;
	return renew_choose(t);
}

/* --- before and after --- */

static void policy_text(struct screen *s, const struct look *l, const struct plan *p)
{
	bool early = l->status == SUB_ACTIVE || l->status == SUB_LIMITED;

	if (early && !l->sub.trial)
		screen_text(s, p->restart ? "renew.policy.restart" : "renew.policy.keep");
	if (l->status == SUB_GRACE)
		screen_text(s, "renew.from_old_end");
}

static void terms_text(struct screen *s, const struct look *l, const struct plan *p)
{
	struct sub_terms after = sub_renewed(&l->sub, p->days, p->quota_bytes, p->restart, s->a->now_ms);

	screen_text(s, "renew.card", T_STR("plan", p->name), T_STR("price", word_prices(s->a, &s->to, p->prices, p->prices_count)));
	screen_text(s, "renew.dates", T_DATE("before", l->sub.expires_ms), T_DATE("after", after.expires_ms));
	screen_text(s, "renew.traffic", T_STR("before", word_quota(s->a, &s->to, l->sub.quota_bytes)), T_STR("after", word_quota(s->a, &s->to, after.quota_bytes)));
	policy_text(s, l, p);
}

/* Another plan for the same subscription; its link stays. */
static enum err plan_choose(struct talk *t, const struct look *l)
{
	struct plan plans[PLAN_LIST_MAX];
	struct screen s;
	size_t count;
	enum err e = plan_list(plans, &count, PLAN_LIST_MAX, t->a, true);

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, !count ? "plans.none" : l->sub.trial ? "renew.from_trial" : l->plan_sold ? "renew.other_plan" : "renew.plan_gone");
	for (size_t i = 0; i < count; i++) {
		screen_button(&s, "renew", l->sub.public_id, word_number(t->a, plans[i].id), "button.plan", T_STR("plan", plans[i].name),
			T_STR("price", word_prices(t->a, &s.to, plans[i].prices, plans[i].prices_count)));
		screen_row(&s);
	}
	screen_button(&s, "sub", l->sub.public_id, NULL, "button.back");
	return screen_show(&s);
}

static enum err card_show(struct talk *t, const struct look *l, const struct plan *p)
{
	struct order preview = order_preview(t, p);
	struct screen s;
	size_t ways;
	enum err e;

	screen_begin(&s, t);
	terms_text(&s, l, p);
	e = way_buttons(&ways, &s, &preview, "renewpay", l->sub.public_id, word_number(t->a, p->id));
	if (e) {
		screen_drop(&s);
		return e;
	}
	if (!ways)
		screen_text(&s, "order.no_way");
	screen_row(&s);
	screen_button(&s, "renew", l->sub.public_id, "other", "button.other_plan");
	screen_button(&s, "sub", l->sub.public_id, NULL, "button.back");
	return screen_show(&s);
}

/* Paid, it would be lengthened and stay off: there is nothing to sell before somebody has looked into it. */
static enum err kept_off_show(struct talk *t, const struct look *l)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "renew.kept_off");
	screen_button(&s, "support", NULL, NULL, "button.support");
	screen_button(&s, "sub", l->sub.public_id, NULL, "button.back");
	return screen_show(&s);
}

/* plan_id 0: the plan it was bought with, when that is still sold. */
enum err renew_show(struct talk *t, const struct look *l, int64_t plan_id)
{
	struct plan plan;
	enum err e;

	if (sub_is_kept_off(&l->sub, t->a->now_ms))
		return kept_off_show(t, l);
	if (!plan_id && !l->plan_sold)
		return plan_choose(t, l);
	e = plan_get(&plan, t->a, plan_id ? plan_id : l->sub.plan_id);
	if (e == E_NOTFOUND || (!e && !plan_is_sold(&plan)))
		return plan_choose(t, l);
	return e ? e : card_show(t, l, &plan);
}

/* A button older than its subscription: what was deleted is not renewed. */
static enum err gone_show(struct talk *t, struct str id)
{
	struct subscription s;
	enum err e = sub_by_public_id(&s, t->a, id);

	if (e == E_NOTFOUND || (!e && (s.user_id != t->user.id || !s.gone)))
		return talk_stale(t);
	return e ? e : plans_show(t, 0, "renew.gone");
}

enum err tap_renew(struct talk *t, struct str id, struct str arg)
{
	struct look look;
	int64_t plan_id = 0;
	enum err e;

	if (!id.len)
		return renew_choose(t);
	e = own_sub(&look, t, id);
	if (e)
		return e == E_NOTFOUND ? gone_show(t, id) : e;
	if (sub_is_kept_off(&look.sub, t->a->now_ms))
		return kept_off_show(t, &look);
	if (str_is(arg, "other"))
		return plan_choose(t, &look);
	if (arg.len && str_to_i64(&plan_id, arg))
		return talk_stale(t);
	return renew_show(t, &look, plan_id);
}

/* --- paying: arg is "plan.provider" --- */

enum err tap_renew_pay(struct talk *t, struct str id, struct str arg)
{
	struct str plan_text_id = str_cut(&arg, '.');
	struct look look;
	struct plan plan;
	struct order order;
	int64_t plan_id;
	enum err e;

	if (shop_is_closed(t, &e))
		return e;
	if (str_to_i64(&plan_id, plan_text_id))
		return talk_stale(t);
	e = own_sub(&look, t, id);
	if (e)
		return e == E_NOTFOUND ? gone_show(t, id) : e;
	if (sub_is_kept_off(&look.sub, t->a->now_ms))
		return kept_off_show(t, &look);
	e = plan_get(&plan, t->a, plan_id);
	if (e == E_NOTFOUND || (!e && !plan_is_sold(&plan)))
		return plan_choose(t, &look);
	if (!e)
		e = order_open(&order, t->a, &t->user, &plan, &look.sub);
	return e ? refused_show(t, e) : pay_what_was_shown(t, &order, &plan, arg);
}
