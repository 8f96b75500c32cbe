/* Plans, a plan's card, the order and how to pay it.
 *
 * Looking costs nothing: an order is made by the tap that chooses how to pay. From then on it is found by its number,
 * whatever happens to the chat (B45); every tap asks the shop anew, so old and forged buttons sell nothing that is not
 * sold now, at no other price (R194). */
#include "bot/screens/buy_private.h"

#include "lib/pay/pay.h"
#include "lib/telegram/tg_call.h"

#define PLANS_PAGE 6            /* plan and term on one keyboard */

/* --- the list --- */

static void page_buttons(struct screen *s, size_t page, size_t pages)
{
	if (pages < 2)
		return;
	if (page)
		screen_button(s, "plans", word_number(s->a, (int64_t)page - 1), NULL, "button.previous");
	if (page + 1 < pages)
		screen_button(s, "plans", word_number(s->a, (int64_t)page + 1), NULL, "button.next");
	screen_row(s);
}

static void plan_buttons(struct screen *s, const struct plan *plans, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		screen_button(s, "plan", word_number(s->a, plans[i].id), NULL, "button.plan", T_STR("plan", plans[i].name),
			T_STR("price", word_prices(s->a, &s->to, plans[i].prices, plans[i].prices_count)));
		screen_row(s);
	}
}

enum err plans_show(struct talk *t, size_t page, const char *note_key)
{
	struct plan plans[PLAN_LIST_MAX];
	size_t count, pages;
	struct screen s;
	enum err e = plan_list(plans, &count, PLAN_LIST_MAX, t->a, true);

	if (e)
		return e;
	pages = (count + PLANS_PAGE - 1) / PLANS_PAGE;
	if (page >= pages)
		page = 0;
	screen_begin(&s, t);
	if (note_key)
		screen_text_list(&s, note_key, (const struct i18n_arg[]){ { 0 } });
	else
		screen_text(&s, count ? "plans.title" : "plans.none");
	plan_buttons(&s, &plans[page * PLANS_PAGE], count - page * PLANS_PAGE < PLANS_PAGE ? count - page * PLANS_PAGE : PLANS_PAGE);
	page_buttons(&s, page, pages);
	home_row(&s);
	return screen_show(&s);
}

enum err said_plans(struct talk *t, struct str args)
{
	(void)args;
	return plans_show(t, 0, NULL);
}

enum err tap_plans(struct talk *t, struct str id, struct str arg)
{
	int64_t page = 0;

	(void)arg;
	if (id.len && (str_to_i64(&page, id) || page < 0 || page > PLAN_LIST_MAX))
		page = 0;
	return plans_show(t, (size_t)page, NULL);
}

/* --- one plan --- */

static void terms_text(struct screen *s, int days, int64_t quota_bytes, int limit_ip)
{
	if (days)
		screen_text(s, "plans.days", T_INT("count", days));
	else
		screen_text(s, "plans.endless");
	if (!quota_bytes)
		screen_text(s, "plans.unmetered");
	else
		screen_text(s, "plans.quota", T_BYTES("quota", quota_bytes));
	if (limit_ip)
		screen_text(s, "plans.devices", T_INT("count", limit_ip));
	else
		screen_text(s, "plans.any_devices");
}

void plan_text(struct screen *s, const struct plan *p)
{
	screen_text(s, "plans.card", T_STR("plan", p->name), T_STR("price", word_prices(s->a, &s->to, p->prices, p->prices_count)));
	terms_text(s, p->days, p->quota_bytes, p->limit_ip);
	if (p->region)
		screen_text(s, "plans.region", T_STR("region", p->region));
}

bool plan_is_sold(const struct plan *p)
{
	return p->on_sale && !p->trial;
}

/* The order that a tap would make: only to ask which ways of paying take it. */
struct order order_preview(const struct talk *t, const struct plan *p)
{
	struct order o = { .user_id = t->user.id, .plan_id = p->id, .plan_name = p->name, .prices_count = p->prices_count };

	for (size_t i = 0; i < p->prices_count; i++)
		o.prices[i] = p->prices[i];
	return o;
}

/* arg names the way; before it whatever the verb needs. */
enum err way_buttons(size_t *count, struct screen *s, const struct order *o, const char *verb, const char *id, const char *before)
{
	struct pay_way ways[WAYS_MAX];
	enum err e = pay_ways(ways, count, WAYS_MAX, s->a, o);

	if (e)
		return e;
	for (size_t i = 0; i < *count; i++) {
		char *arg = before ? arena_printf(s->a->arena, "%s.%s", before, ways[i].provider) : arena_strdup(s->a->arena, ways[i].provider);

		if (i == 0)
			s->style = TG_STYLE_PRIMARY;
		screen_button(s, verb, id, arg, "button.pay_way", T_STR("way", word_way(s->a, &s->to, ways[i].provider)),
			T_STR("price", word_money(s->a, &s->to, ways[i].amount_minor, ways[i].currency)));
		screen_row(s);
	}
	return OK;
}

static void ways_text(struct screen *s, size_t ways)
{
	screen_gap(s);
	screen_text(s, ways == 0 ? "order.no_way" : ways == 1 ? "order.one_way" : "order.choose_way");
}

/* The region of this panel, which stands for it in buttons, as if the plan said so. *chosen false: there is none, or the
 * panel is gone. */
static enum err take_region(bool *chosen, struct plan *p, struct act *a, int64_t panel_id)
{
	struct panel panel;
	enum err e = panel_id ? panel_get(&panel, a, panel_id) : E_NOTFOUND;

	*chosen = !e && panel.region && *panel.region && !p->region;
	if (*chosen)
		p->region = panel.region;
	return e == E_NOTFOUND ? OK : e;
}

static enum err regions_show(struct talk *t, const struct plan *p, const struct place_choice *places, size_t count, const char *note_key)
{
	struct screen s;

	screen_begin(&s, t);
	if (note_key) {
		screen_text_list(&s, note_key, (const struct i18n_arg[]){ { 0 } });
		screen_gap(&s);
	}
	plan_text(&s, p);
	screen_gap(&s);
	screen_text(&s, "plans.choose_region");
	for (size_t i = 0; i < count; i++) {
		screen_button_text(&s, "plan", word_number(t->a, p->id), word_number(t->a, places[i].place.panel_id), str_of(places[i].name));
		screen_row(&s);
	}
	screen_button(&s, "plans", NULL, NULL, "button.back");
	return screen_show(&s);
}

enum err plan_show(struct talk *t, int64_t plan_id, int64_t panel_id, const char *note_key)
{
	struct place_choice places[PLACE_CHOICES_MAX];
	struct plan plan;
	struct order preview;
	struct screen s;
	size_t ways, count = 0;
	bool chosen = false;
	enum err e = plan_get(&plan, t->a, plan_id);

	if (e == E_NOTFOUND || (!e && !plan_is_sold(&plan)))
		return plans_show(t, 0, "plans.withdrawn");
	if (!e)
		e = take_region(&chosen, &plan, t->a, panel_id);
	if (!e && !chosen)
		e = order_regions(places, &count, countof(places), t->a, &t->user, &plan);
	if (e)
		return e;
	if (count > 1)
		return regions_show(t, &plan, places, count, note_key);
	screen_begin(&s, t);
	plan_text(&s, &plan);
	preview = order_preview(t, &plan);
	e = way_buttons(&ways, &s, &preview, "buy", word_number(t->a, plan.id), chosen ? word_number(t->a, panel_id) : NULL);
	if (e) {
		screen_drop(&s);
		return e;
	}
	ways_text(&s, ways);
	screen_row(&s);
	screen_button(&s, "plans", NULL, NULL, "button.back");
	return screen_show(&s);
}

enum err tap_plan(struct talk *t, struct str id, struct str arg)
{
	int64_t plan_id, panel_id = 0;

	if (str_to_i64(&plan_id, id) || (arg.len && str_to_i64(&panel_id, arg)))
		return talk_stale(t);
	return plan_show(t, plan_id, panel_id, NULL);
}

enum err refused_show(struct talk *t, enum err why)
{
	switch (why) {
	case E_REFUSED: return plans_show(t, 0, "plans.withdrawn");
	case E_NOROOM: return plans_show(t, 0, "plans.full");
	case E_CONFLICT:
	case E_NOTFOUND: return talk_stale(t);
	default: return why;
	}
}

static bool same_prices(const struct order *o, const struct plan *p)
{
	for (size_t i = 0; i < o->prices_count; i++) {
		int64_t now_minor;

		if (plan_price(&now_minor, p, o->prices[i].currency) != OK || now_minor != o->prices[i].amount_minor)
			return false;
	}
	return o->prices_count == p->prices_count;
}

/* Those that are shown: whether time begins anew is said of a renewal alone. */
static bool same_terms(const struct order *o, const struct plan *p)
{
	return o->days == p->days && o->quota_bytes == p->quota_bytes && o->limit_ip == p->limit_ip &&
		(o->kind == ORDER_NEW || o->restart == p->restart);
}

enum err pay_what_was_shown(struct talk *t, struct order *o, const struct plan *p, struct str provider)
{
	if (!same_prices(o, p))
		return order_show(t, o, "order.kept_price");
	return same_terms(o, p) ? pay_begin(t, o, provider) : order_show(t, o, "order.kept_terms");
}

enum err tap_buy(struct talk *t, struct str id, struct str arg)
{
	struct str provider = arg, panel = str_cut(&provider, '.');
	struct plan plan;
	struct order order;
	int64_t plan_id, panel_id = 0;
	bool chosen = false;
	enum err e;

	if (shop_is_closed(t, &e))
		return e;
	if (!provider.at)
		provider = panel;
	else if (str_to_i64(&panel_id, panel))
		return talk_stale(t);
	if (str_to_i64(&plan_id, id) || !pay_provider_find(provider)) /* no order for a way to pay that does not exist */
		return talk_stale(t);
	e = plan_get(&plan, t->a, plan_id);
	if (!e && !plan_is_sold(&plan))
		e = E_REFUSED;
	if (e)
		return refused_show(t, e == E_NOTFOUND ? E_REFUSED : e);
	e = take_region(&chosen, &plan, t->a, panel_id);
	if (!e)
		e = order_open(&order, t->a, &t->user, &plan, NULL);
	if (e == E_NOROOM && chosen)
		return plan_show(t, plan_id, 0, "plans.region_full");
	if (e)
		return refused_show(t, e);
	return pay_what_was_shown(t, &order, &plan, provider);
}

/* --- one order --- */

static enum err open_order_buttons(struct screen *s, const struct order *o)
{
	size_t ways;
	enum err e = way_buttons(&ways, s, o, "pay", o->public_id, NULL);

	if (e)
		return e;
	ways_text(s, ways);
	screen_text(s, "order.open_until", T_MOMENT("until", o->expires_ms));
	screen_row(s);
	screen_button(s, "cancel", o->public_id, NULL, "button.cancel_order");
	return OK;
}

static void closed_order_buttons(struct screen *s, const struct order *o)
{
	if (o->state == ORDER_CANCELED)
		screen_button(s, "plans", NULL, NULL, "button.plans");
	else
		screen_button(s, "my", NULL, NULL, "button.my");
}

enum err order_show(struct talk *t, struct order *o, const char *note_key)
{
	struct screen s;
	enum err e = OK;

	screen_begin(&s, t);
	if (note_key) {
		screen_text_list(&s, note_key, (const struct i18n_arg[]){ { 0 } });
		screen_gap(&s);
	}
	screen_text(&s, "order.card", T_STR("order", word_order(t->a, o)), T_STR("plan", o->plan_name),
		T_STR("price", word_prices(t->a, &s.to, o->prices, o->prices_count)),
		T_KEY("state", arena_printf(t->a->arena, "order.state.%s", order_state_name(o->state))));
	if (o->state == ORDER_OPEN)
		terms_text(&s, o->days, o->quota_bytes, o->limit_ip);
	if (o->region)
		screen_text(&s, "plans.region", T_STR("region", o->region));
	if (o->state == ORDER_OPEN)
		e = open_order_buttons(&s, o);
	else
		closed_order_buttons(&s, o);
	if (e) {
		screen_drop(&s);
		return e;
	}
	home_row(&s);
	return screen_show(&s);
}

enum err tap_order(struct talk *t, struct str id, struct str arg)
{
	struct order order;
	enum err e = own_order(&order, t, id);

	(void)arg;
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return order_show(t, &order, NULL);
}

enum err order_of_start(struct talk *t, struct str public_id)
{
	struct order order;
	enum err e = own_order(&order, t, public_id);

	if (e == E_NOTFOUND)
		return home_show(t, NULL);
	return e ? e : order_show(t, &order, NULL);
}

/* Of an order that was paid meanwhile nothing is taken back, no message either: its link may be on the way. */
enum err tap_cancel(struct talk *t, struct str id, struct str arg)
{
	struct order order;
	enum err e = own_order(&order, t, id);

	(void)arg;
	if (!e && order.state == ORDER_OPEN)
		e = order_cancel(t->a, &order);
	if (e == E_NOTFOUND || e == E_CONFLICT)
		return talk_stale(t);
	if (!e)
		e = own_order(&order, t, id);
	return e ? e : order_show(t, &order, NULL);
}
