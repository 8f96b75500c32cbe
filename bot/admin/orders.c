/* Orders: paid and not delivered first, and why (R150). */
#include "bot/admin/admin_private.h"

#define PAYMENTS_OF_ORDER_MAX 10

static struct str owner_word(struct act *a, int64_t user_id)
{
	struct user u;

	return admin_user_word(a, user_get(&u, a, user_id) ? NULL : &u);
}

static const char *state_key(struct act *a, const struct order *o)
{
	return arena_printf(a->arena, "order.state.%s", order_state_name(o->state));
}

/* --- why it is stuck --- */

struct trouble {
	bool is_known, parked;
	int64_t attempts, next_ms;
	char *reason;
};

/* The job that brings this order to its panel. */
static enum err trouble_of(struct trouble *out, struct act *a, const struct order *o)
{
	struct db_rows r;
	enum err e;

	*out = (struct trouble){ 0 };
	db_select(&r, a->tx, "SELECT attempts, state=2, next_ms, reason FROM jobs WHERE kind=?1 AND subject LIKE ?2 ORDER BY attempts DESC LIMIT 1",
		fleet_job_reconcile.name, arena_printf(a->arena, "%lld:%%", (long long)o->subscription_id));
	e = db_first(&r);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	*out = (struct trouble){ .is_known = true, .attempts = db_i64(&r, 0), .parked = db_i64(&r, 1), .next_ms = db_i64(&r, 2), .reason = db_text(&r, 3, a->arena) };
	return db_end(&r);
}

static void trouble_text(struct screen *s, const struct trouble *trouble)
{
	if (!trouble->is_known)
		return;
	if (trouble->parked)
		screen_text(s, "admin.order.parked", T_ID("attempts", trouble->attempts), T_HTML("error", admin_reason_text(s, trouble->reason)));
	else
		screen_text(s, "admin.order.waiting", T_MOMENT("at", trouble->next_ms), T_ID("attempts", trouble->attempts), T_HTML("error", admin_reason_text(s, trouble->reason)));
}

/* Where it is to be delivered. False: nowhere yet. */
static bool place_of(struct place *out, struct act *a, const struct order *o)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT panel_id, inbound_id FROM accesses WHERE subscription_id=?1 AND deleted_ms=0 ORDER BY id DESC LIMIT 1", o->subscription_id);
	if (db_first(&r))
		return false;
	*out = (struct place){ .panel_id = db_i64(&r, 0), .inbound_id = db_i64(&r, 1) };
	return db_end(&r) == OK;
}

/* What to look at on the panel; NULL: nothing is wrong with the place itself. */
static const char *place_hint(struct act *a, const struct order *o)
{
	struct place place;
	struct panel p;
	struct inbound in;

	if (!place_of(&place, a, o))
		return "admin.order.hint_no_place";
	if (panel_get(&p, a, place.panel_id))
		return "admin.order.hint_no_panel";
	if (p.state != PANEL_OK)
		return "admin.order.hint_panel";
	if (inbound_get(&in, a, place.panel_id, place.inbound_id) || in.gone)
		return "admin.order.hint_gone";
	if (!in.enabled)
		return "admin.order.hint_off";
	if ((in.capacity && in.clients >= in.capacity) || (p.capacity && p.clients >= p.capacity))
		return "admin.order.hint_full";
	return NULL;
}

/* --- a sale, told to whoever wants to hear of each --- */

static void draw_sold(struct screen *s, const void *what)
{
	const struct order *o = what;

	screen_text(s, "admin.sold", T_STR("plan", o->plan_name), T_STR("price", word_prices(s->a, &s->to, o->prices, o->prices_count)),
		T_STR("user", owner_word(s->a, o->user_id)), T_STR("order", word_public_id(s->a, o->public_id)));
}

enum err admin_sold(struct act *a, const struct order *o)
{
	bool is_sale = o->kind == ORDER_NEW || o->kind == ORDER_RENEW;

	return is_sale && setting_i64(a, SETTING_SALE_NOTICES) ? admin_tell_all(a, draw_sold, o) : OK;
}

/* --- list --- */

static void order_line(struct screen *s, const struct order *o)
{
	screen_text(s, "admin.orders.line", T_STR("order", word_public_id(s->a, o->public_id)), T_STR("user", owner_word(s->a, o->user_id)),
		T_STR("plan", o->plan_name), T_STR("price", word_prices(s->a, &s->to, o->prices, o->prices_count)),
		T_KEY("state", state_key(s->a, o)), T_MOMENT("at", o->created_ms));
}

static enum err stuck_line(struct screen *s, const struct order *o)
{
	struct trouble trouble;
	enum err e = trouble_of(&trouble, s->a, o);

	screen_text(s, "admin.orders.line_stuck", T_STR("order", word_public_id(s->a, o->public_id)), T_STR("user", owner_word(s->a, o->user_id)),
		T_STR("plan", o->plan_name), T_STR("price", word_prices(s->a, &s->to, o->prices, o->prices_count)),
		T_MOMENT("at", o->paid_ms), T_ID("attempts", trouble.attempts), T_HTML("error", admin_reason_text(s, trouble.reason)));
	screen_row(s);
	screen_button_text(s, "a_order", o->public_id, NULL, word_public_id(s->a, o->public_id));
	return e;
}

static enum err stuck_text(struct screen *s)
{
	struct order *list = arena_array(s->a->arena, struct order, LINES_MAX);
	int64_t all = 0;
	size_t count;
	enum err e = order_list(list, &count, LINES_MAX, s->a, true);

	if (!e)
		e = db_get_i64(&all, s->a->tx, "SELECT count(*) FROM orders WHERE state='paid'");
	if (e)
		return e;
	if (count)
		screen_text(s, "admin.orders.stuck", T_INT("count", all));
	else
		screen_text(s, "admin.orders.no_stuck");
	for (size_t i = 0; !e && i < count; i++)
		e = stuck_line(s, &list[i]);
	if (!e)
		admin_more(s, all - (int64_t)count);
	return e;
}

static enum err rest_text(struct screen *s)
{
	struct order *list = arena_array(s->a->arena, struct order, LINES_MAX);
	size_t count;
	enum err e = order_list(list, &count, LINES_MAX, s->a, false);

	if (e)
		return e;
	screen_gap(s);
	if (!count)
		screen_text(s, "admin.orders.none");
	for (size_t i = 0; i < count; i++)
		if (list[i].state != ORDER_PAID)
			order_line(s, &list[i]);
	return OK;
}

enum err admin_cmd_orders(struct talk *t, struct str args)
{
	struct screen s;
	enum err e;

	(void)args;
	screen_begin(&s, t);
	screen_text(&s, "admin.orders.title");
	e = admin_stuck_money_text(&s);
	if (!e)
		e = stuck_text(&s);
	if (!e)
		e = rest_text(&s);
	if (e) {
		screen_drop(&s);
		return e;
	}
	return screen_show(&s);
}

/* --- card --- */

static enum err payments_text(struct screen *s, const struct order *o)
{
	struct payment_row *list = arena_array(s->a->arena, struct payment_row, PAYMENTS_OF_ORDER_MAX);
	size_t count;
	enum err e = payment_list(list, &count, PAYMENTS_OF_ORDER_MAX, s->a, o->id);

	for (size_t i = 0; !e && i < count; i++) {
		screen_text(s, "admin.order.paid", T_MOMENT("at", list[i].paid_ms), T_STR("way", word_way(s->a, &s->to, list[i].provider)),
			T_STR("reference", list[i].reference));
		screen_row(s);
		screen_button(s, "a_pay", word_number(s->a, list[i].id), NULL, "button.payment");
	}
	return e;
}

static enum err stuck_details(struct screen *s, const struct order *o)
{
	struct trouble trouble;
	enum err e = trouble_of(&trouble, s->a, o);
	const char *hint = place_hint(s->a, o);

	if (e)
		return e;
	trouble_text(s, &trouble);
	if (hint)
		screen_text_list(s, hint, (const struct i18n_arg[]){ { 0 } });
	screen_row(s);
	screen_button(s, "a_retry", o->public_id, NULL, "button.retry");
	return OK;
}

static struct str panel_word(struct act *a, const struct order *o)
{
	struct place place;
	struct panel p;

	return place_of(&place, a, o) && panel_get(&p, a, place.panel_id) == OK ? str_of(p.name) : STR("–");
}

static enum err card(struct screen *s, const struct order *o)
{
	struct user u = { 0 };
	enum err e = user_get(&u, s->a, o->user_id);

	if (e)
		return e;
	screen_text(s, "admin.order.card", T_STR("order", word_public_id(s->a, o->public_id)), T_KEY("state", state_key(s->a, o)),
		T_STR("user", admin_user_word(s->a, &u)), T_ID("id", u.telegram_id), T_STR("plan", o->plan_name),
		T_STR("price", word_prices(s->a, &s->to, o->prices, o->prices_count)), T_MOMENT("at", o->created_ms));
	e = payments_text(s, o);
	if (!e && o->state == ORDER_PAID)
		e = stuck_details(s, o);
	if (o->state == ORDER_DELIVERED)
		screen_text(s, "admin.order.delivered", T_MOMENT("at", o->delivered_ms), T_STR("panel", panel_word(s->a, o)));
	screen_row(s);
	screen_button(s, "a_user", u.public_id, NULL, "button.user");
	return e;
}

static enum err show_order(struct talk *t, struct str id)
{
	struct order o;
	struct screen s;
	enum err e = order_find(&o, t->a, id);

	if (e && e != E_NOTFOUND)
		return e;
	screen_begin(&s, t);
	if (e) {
		screen_text(&s, "admin.order.not_found", T_STR("order", utf8_head(utf8_clean(t->a->arena, id), NAME_POINTS_MAX)));
		return screen_show(&s);
	}
	e = card(&s, &o);
	if (e) {
		screen_drop(&s);
		return e;
	}
	return screen_show(&s);
}

enum err admin_cmd_order(struct talk *t, struct str args)
{
	return args.len ? show_order(t, args) : admin_say(t, "admin.order.usage");
}

enum err admin_on_order(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return show_order(t, id);
}

/* At once instead of at its time; what was parked is taken up again. */
enum err admin_on_order_retry(struct talk *t, struct str id, struct str arg)
{
	struct order o;
	enum err e = order_find(&o, t->a, id);

	(void)arg;
	if (e == E_NOTFOUND || (!e && o.state != ORDER_PAID))
		return talk_stale(t);
	if (!e)
		e = order_retry(t->a, &o);
	if (!e)
		e = admin_note(t, "delivery.retry", "order", o.public_id, NULL, NULL);
	return e ? e : admin_say(t, "admin.order.retrying");
}
