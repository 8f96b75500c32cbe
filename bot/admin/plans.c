/* Plans: the list and the card on which everything about one is changed. Sold subscriptions and open orders keep what
 * they were sold with. */
#include "bot/admin/admin_private.h"

#include <string.h>

#include "bot/chat/first_steps.h"

#define QUOTA_GB_MAX 1000000
#define DEVICES_MAX 1000
#define PLACES_MAX 40

/* --- list --- */

static const char *state_key(const struct plan *p)
{
	return p->on_sale ? "admin.plans_edit.on_sale" : "admin.plans_edit.hidden";
}

static enum err show_plans(struct talk *t)
{
	struct plan *list = arena_array(t->a->arena, struct plan, PLAN_LIST_MAX);
	struct screen s;
	size_t count;
	enum err e = plan_list(list, &count, PLAN_LIST_MAX, t->a, false);

	if (e)
		return e;
	if (!count)
		return admin_say(t, "admin.plans_edit.none");
	screen_begin(&s, t);
	screen_text(&s, "admin.plans_edit.title");
	for (size_t i = 0; i < count; i++) {
		screen_text(&s, "admin.plans_edit.line", T_ID("id", list[i].id), T_STR("plan", list[i].name),
			T_STR("price", word_prices(t->a, &s.to, list[i].prices, list[i].prices_count)), T_KEY("state", state_key(&list[i])));
		if (i % 2 == 0)
			screen_row(&s);
		screen_button_text(&s, "a_plan", word_number(t->a, list[i].id), NULL, str_of(list[i].name));
	}
	return screen_show(&s);
}

enum err admin_cmd_plans_edit(struct talk *t, struct str args)
{
	(void)args;
	return show_plans(t);
}

enum err admin_on_plans(struct talk *t, struct str id, struct str arg)
{
	(void)id;
	(void)arg;
	return show_plans(t);
}

static enum err with_plan(struct talk *t, struct str id, enum err (*run)(struct talk *t, const struct plan *p))
{
	struct plan p;
	int64_t n;
	enum err e = str_to_i64(&n, id) ? E_NOTFOUND : plan_get(&p, t->a, n);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return run(t, &p);
}

/* --- card --- */

static struct str word_or_any(const struct screen *s, const char *word)
{
	return word && *word ? str_of(word) : i18n_new_text(s->a->arena, &s->to, "admin.plans_edit.any");
}

static struct str place_word(const struct screen *s, const struct plan *p)
{
	struct panel panel;
	struct inbound in;

	if (!p->panel_id || panel_get(&panel, s->a, p->panel_id))
		return word_or_any(s, NULL);
	if (!p->inbound_id || inbound_get(&in, s->a, p->panel_id, p->inbound_id))
		return str_of(panel.name);
	return str_of(arena_printf(s->a->arena, "%s: %s", panel.name, in.remark));
}

/* Nothing is sold that cannot be delivered: said here already. */
static bool has_place(struct act *a, const struct plan *p)
{
	struct place_wish wish = { .protocol = p->protocol, .region = p->region, .panel_id = p->panel_id, .inbound_id = p->inbound_id };
	struct place place;

	return place_find(&place, a, &wish) == OK;
}

static void card_text(struct screen *s, const struct plan *p)
{
	screen_text(s, "admin.plans_edit.line", T_ID("id", p->id), T_STR("plan", p->name),
		T_STR("price", word_prices(s->a, &s->to, p->prices, p->prices_count)), T_KEY("state", state_key(p)));
	if (p->days)
		screen_text(s, "plans.days", T_INT("count", p->days));
	else
		screen_text(s, "plans.endless");
	screen_text(s, "plans.quota", T_STR("quota", word_quota(s->a, &s->to, p->quota_bytes)));
	if (p->limit_ip)
		screen_text(s, "plans.devices", T_INT("count", p->limit_ip));
	else
		screen_text(s, "plans.any_devices");
	screen_text(s, "admin.plans_edit.where", T_STR("protocol", word_or_any(s, p->protocol)), T_STR("region", word_or_any(s, p->region)),
		T_STR("place", place_word(s, p)));
	screen_text(s, p->restart ? "admin.plans_edit.policy_restart" : "admin.plans_edit.policy_keep");
	if (p->trial)
		screen_text(s, "admin.plans_edit.trial");
	if (!has_place(s->a, p))
		screen_text(s, "admin.plan_add.no_panel");
}

static void card_buttons(struct screen *s, const struct plan *p)
{
	static const struct { const char *field, *key; } buttons[] = {
		{ "name", "button.name" }, { "price", "button.price" }, { "days", "button.days" },
		{ "quota", "button.quota" }, { "devices", "button.devices" }, { "region", "button.region" },
		{ "protocol", "button.protocol" }, { "policy", "button.policy" }, { "trial", "button.trial_plan" },
	};
	const char *id = word_number(s->a, p->id);

	for (size_t i = 0; i < countof(buttons); i++) {
		if (i % 3 == 0)
			screen_row(s);
		screen_button_list(s, "a_plset", id, buttons[i].field, buttons[i].key, (const struct i18n_arg[]){ { 0 } });
	}
	screen_row(s);
	screen_button(s, "a_place", id, NULL, "button.place");
	screen_button(s, "a_plset", id, "sale", p->on_sale ? "button.hide" : "button.sell");
	screen_button(s, "a_plset", id, "delete", "button.remove");
	screen_row(s);
	screen_button(s, "a_plans", NULL, NULL, "button.back");
}

enum err admin_plan_card(struct talk *t, const struct plan *p)
{
	struct screen s;

	screen_begin(&s, t);
	card_text(&s, p);
	card_buttons(&s, p);
	return screen_show(&s);
}

enum err admin_on_plan(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return with_plan(t, id, admin_plan_card);
}

/* --- changing --- */

static enum err save(struct talk *t, const struct plan *p, const char *what)
{
	struct plan now;
	enum err e = plan_update(t->a, p);

	if (e == E_NOTFOUND || e == E_INVALID)
		return talk_stale(t);
	if (!e)
		e = admin_note(t, "plan.set", "plan", word_number(t->a, p->id), NULL, what);
	if (!e)
		e = talk_expect_nothing(t);
	if (!e)
		e = plan_get(&now, t->a, p->id);
	return e ? e : admin_plan_card(t, &now);
}

static enum err ask_about(struct talk *t, const struct plan *p, const char *ask, const char *act)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text_list(&s, ask, (const struct i18n_arg[]){ T_STR("plan", p->name), { 0 } });
	return confirm_show(&s, act, word_number(t->a, p->id), NULL);
}

static enum err tap_policy(struct talk *t, struct plan *p)
{
	p->restart = !p->restart;
	return save(t, p, p->restart ? "early=restart" : "early=keep");
}

static enum err tap_trial(struct talk *t, struct plan *p)
{
	p->trial = !p->trial;
	if (!p->trial && !p->prices_count)
		p->on_sale = false;
	return save(t, p, p->trial ? "trial=1" : "trial=0");
}

/* The first thing on sale opens the shop, or shows what else is missing. */
static enum err tell_opened(struct talk *t)
{
	const char *step_key = NULL;
	int64_t on_sale = 0;
	struct screen s;
	enum err e = db_get_i64(&on_sale, t->a->tx, "SELECT count(*) FROM plans WHERE on_sale=1 AND deleted_ms=0");

	if (!e)
		e = first_step(&step_key, t->a);
	if (e || on_sale != 1)
		return e;
	screen_begin(&s, t);
	screen_text_list(&s, step_key ? step_key : "admin.first.ready", (const struct i18n_arg[]){ { 0 } });
	return screen_send(&s, NULL);
}

static enum err tap_sale(struct talk *t, struct plan *p)
{
	enum err e;

	if (p->on_sale)
		return ask_about(t, p, "admin.plans_edit.hide_ask", "plan_hide");
	if (!p->trial && !p->prices_count)
		return admin_say(t, "admin.plan_add.price_positive");
	p->on_sale = true;
	e = save(t, p, "on_sale=1");
	return e ? e : tell_opened(t);
}

static enum err tap_delete(struct talk *t, struct plan *p)
{
	return ask_about(t, p, "admin.plans_edit.delete_ask", "plan_del");
}

/* The plan as it is now: a button may be as old as the chat. */
static enum err with_fresh(struct talk *t, struct str subject, enum err (*run)(struct talk *t, struct plan *p))
{
	struct plan p;
	int64_t n;
	enum err e = str_to_i64(&n, subject) ? E_NOTFOUND : plan_get(&p, t->a, n);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return run(t, &p);
}

static enum err hide(struct talk *t, struct plan *p)
{
	p->on_sale = false;
	return save(t, p, "on_sale=0");
}

static enum err del(struct talk *t, struct plan *p)
{
	enum err e = plan_delete(t->a, p->id);

	if (!e)
		e = admin_note(t, "plan.del", "plan", word_number(t->a, p->id), NULL, p->name);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return show_plans(t);
}

enum err admin_do_plan_hide(struct talk *t, struct str subject, const char *reason)
{
	(void)reason;
	return with_fresh(t, subject, hide);
}

enum err admin_do_plan_del(struct talk *t, struct str subject, const char *reason)
{
	(void)reason;
	return with_fresh(t, subject, del);
}

/* --- typed values --- */

/* False: it is not one; the screen has said so. */
static bool take_number(struct talk *t, struct str text, int64_t max, int64_t *out, enum err *e)
{
	if (admin_read_number(out, text, 0, max))
		return true;
	*e = admin_wrong_number(t, 0, max);
	return false;
}

static enum err typed_name(struct talk *t, struct plan *p, struct str text)
{
	const char *name = admin_read_name(t->a, text);
	struct screen s;

	if (name) {
		p->name = arena_strdup(t->a->arena, name);
		return save(t, p, "name");
	}
	screen_begin(&s, t);
	screen_text(&s, "admin.plan_add.name_wrong", T_INT("max", NAME_POINTS_MAX));
	return screen_show(&s);
}

static enum err typed_price(struct talk *t, struct plan *p, struct str text)
{
	enum err e = admin_prices_read(p, t, text);

	return e == E_INVALID ? OK : e ? e : save(t, p, "price");
}

static enum err typed_days(struct talk *t, struct plan *p, struct str text)
{
	int64_t n;
	enum err e = OK;

	if (!take_number(t, text, PLAN_DAYS_MAX, &n, &e))
		return e;
	p->days = (int)n;
	return save(t, p, "days");
}

static enum err typed_quota(struct talk *t, struct plan *p, struct str text)
{
	int64_t n;
	enum err e = OK;

	if (!take_number(t, text, QUOTA_GB_MAX, &n, &e))
		return e;
	p->quota_bytes = n * GIB_BYTES;
	return save(t, p, "quota");
}

static enum err typed_devices(struct talk *t, struct plan *p, struct str text)
{
	int64_t n;
	enum err e = OK;

	if (!take_number(t, text, DEVICES_MAX, &n, &e))
		return e;
	p->limit_ip = (int)n;
	return save(t, p, "devices");
}

/* "-" means any. */
static bool take_word(struct talk *t, struct str text, char **out, enum err *e)
{
	const char *word = str_is(str_trim(text), "-") ? "" : admin_read_name(t->a, text);

	if (word && strlen(word) <= NAME_POINTS_MAX) {
		*out = *word ? arena_strdup(t->a->arena, word) : NULL;
		return true;
	}
	*e = admin_say(t, "admin.plans_edit.word_wrong");
	return false;
}

static enum err typed_region(struct talk *t, struct plan *p, struct str text)
{
	enum err e = OK;

	return take_word(t, text, &p->region, &e) ? save(t, p, "region") : e;
}

static enum err typed_protocol(struct talk *t, struct plan *p, struct str text)
{
	enum err e = OK;

	return take_word(t, text, &p->protocol, &e) ? save(t, p, "protocol") : e;
}

static const struct plan_field {
	const char *name;
	enum err (*tap)(struct talk *t, struct plan *p);                      /* done at once; NULL: asked for */
	enum err (*typed)(struct talk *t, struct plan *p, struct str text);
	const char *ask;
} fields[] = {
	{ "name",     NULL,       typed_name,     "admin.plans_edit.ask_name" },
	{ "price",    NULL,       typed_price,    "admin.plans_edit.ask_price" },
	{ "days",     NULL,       typed_days,     "admin.plans_edit.ask_days" },
	{ "quota",    NULL,       typed_quota,    "admin.plans_edit.ask_quota" },
	{ "devices",  NULL,       typed_devices,  "admin.plans_edit.ask_devices" },
	{ "region",   NULL,       typed_region,   "admin.plans_edit.ask_region" },
	{ "protocol", NULL,       typed_protocol, "admin.plans_edit.ask_protocol" },
	{ "policy",   tap_policy, NULL,           NULL },
	{ "trial",    tap_trial,  NULL,           NULL },
	{ "sale",     tap_sale,   NULL,           NULL },
	{ "delete",   tap_delete, NULL,           NULL },
};

static const struct plan_field *find_field(struct str name)
{
	for (size_t i = 0; i < countof(fields); i++)
		if (str_is(name, fields[i].name))
			return &fields[i];
	return NULL;
}

enum err admin_on_plan_set(struct talk *t, struct str id, struct str arg)
{
	const struct plan_field *f = find_field(arg);
	struct plan p;
	int64_t n;
	enum err e = !f || str_to_i64(&n, id) ? E_NOTFOUND : plan_get(&p, t->a, n);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	if (f->tap)
		return f->tap(t, &p);
	return admin_ask(t, f->ask, "a_plset", arena_printf(t->a->arena, "%lld:%s", (long long)p.id, f->name));
}

enum err admin_typed_plan_set(struct talk *t, struct str state, struct str text)
{
	struct str id = str_cut(&state, ':');
	const struct plan_field *f = find_field(state);
	struct plan p;
	int64_t n;
	enum err e = !f || !f->typed || str_to_i64(&n, id) ? E_NOTFOUND : plan_get(&p, t->a, n);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return f->typed(t, &p, text);
}

/* --- a fixed place --- */

static enum err show_places(struct talk *t, const struct plan *p)
{
	struct inbound *list = arena_array(t->a->arena, struct inbound, INBOUNDS_MAX);
	const char *id = word_number(t->a, p->id);
	struct panel panel = { 0 };
	size_t count, shown = 0;
	struct screen s;
	enum err e = inbound_list(list, &count, INBOUNDS_MAX, t->a, 0);

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.plans_edit.ask_place");
	screen_button(&s, "a_place", id, "0.0", "button.any_place");
	for (size_t i = 0; i < count && shown < PLACES_MAX; i++) {
		if (!list[i].for_sale || list[i].gone || (panel.id != list[i].panel_id && panel_get(&panel, t->a, list[i].panel_id)))
			continue;
		shown++;
		screen_row(&s);
		screen_button_text(&s, "a_place", id, arena_printf(t->a->arena, "%lld.%lld", (long long)list[i].panel_id, (long long)list[i].inbound_id),
			str_of(arena_printf(t->a->arena, "%s: %s", panel.name, list[i].remark)));
	}
	return screen_show(&s);
}

enum err admin_on_plan_place(struct talk *t, struct str id, struct str arg)
{
	struct str panel = str_cut(&arg, '.');
	int64_t n, panel_id, inbound_id;
	struct inbound in;
	struct plan p;
	enum err e;

	if (!panel.len)
		return with_plan(t, id, show_places);
	if (str_to_i64(&n, id) || str_to_i64(&panel_id, panel) || str_to_i64(&inbound_id, arg))
		return talk_stale(t);
	e = plan_get(&p, t->a, n);
	if (!e && inbound_id)
		e = inbound_get(&in, t->a, panel_id, inbound_id);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	p.panel_id = inbound_id ? panel_id : 0;
	p.inbound_id = inbound_id;
	return save(t, &p, "place");
}
