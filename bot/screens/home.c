/* The first screen: a status card and one primary button that fits the state. Also /start with what came in its link. */
#include "bot/screens/screens_private.h"

#include <string.h>

#include "bot/chat/first_steps.h"
#include "bot/shop/admin_claim.h"
#include "bot/shop/trial.h"

/* What the first screen is made from. */
struct state {
	size_t subs_count;
	struct look look;           /* of the subscription that matters; when subs_count > 0 */
	bool has_order;
	struct order order;         /* open: waits for payment */
	bool has_trial;
	struct plan trial;          /* may be tried */
};

/* --- reading the state: a new user has nothing, so nothing is asked for --- */

static int urgency(const struct subscription *s, int64_t now_ms)
{
	bool over = s->expires_ms && s->expires_ms <= now_ms;

	return !s->enabled ? 0 : over ? 1 : 2;
}

static enum err read_subs(struct state *st, struct talk *t)
{
	struct subscription subs[SUBS_PER_USER_MAX];
	size_t best = 0;
	enum err e = own_subs(subs, &st->subs_count, t->a, t->user.id);

	if (e || !st->subs_count)
		return e;
	for (size_t i = 1; i < st->subs_count; i++)
		if (urgency(&subs[i], t->a->now_ms) > urgency(&subs[best], t->a->now_ms))
			best = i;
	return look_at(&st->look, t->a, &subs[best]);
}

static enum err read_order(struct state *st, struct talk *t)
{
	enum err e = order_open_of(&st->order, t->a, t->user.id);

	st->has_order = e == OK;
	return e == E_NOTFOUND ? OK : e;
}

static enum err read_trial(struct state *st, struct talk *t)
{
	bool taken = false;
	enum err e;

	if (!setting_i64(t->a, SETTING_TRIAL_ON))
		return OK;
	e = plan_trial(&st->trial, t->a);
	if (!e)
		e = trial_was_taken(&taken, t->a, t->user.telegram_id);
	st->has_trial = !e && !taken;
	return e == E_NOTFOUND ? OK : e;
}

static enum err read_state(struct state *st, struct talk *t)
{
	enum err e = OK;

	*st = (struct state){ 0 };
	if (!t->user.is_new)
		e = read_subs(st, t);
	if (!e && !t->user.is_new)
		e = read_order(st, t);
	if (!e && !st->subs_count)
		e = read_trial(st, t);
	return e;
}

/* --- the card --- */

static void welcome_text(struct screen *s, const struct state *st)
{
	struct str name = word_user(s->a, &s->talk->user);

	if (name.len)
		screen_text(s, "start.hello", T_STR("name", name));
	screen_text(s, "start.about");
	if (!st->has_trial)
		return;
	screen_gap(s);
	screen_text(s, "start.trial_offer", T_STR("span", word_days(s->a, &s->to, st->trial.days)), T_STR("quota", word_quota(s->a, &s->to, st->trial.quota_bytes)));
}

static void order_text(struct screen *s, const struct order *o)
{
	screen_gap(s);
	screen_text(s, "start.order_open", T_STR("order", word_order(s->a, o)), T_STR("plan", str_of(o->plan_name)),
		T_STR("price", word_prices(s->a, &s->to, o->prices, o->prices_count)));
}

static void status_text(struct screen *s, const struct state *st)
{
	if (st->subs_count)
		look_text(s, &st->look);
	else
		welcome_text(s, st);
	if (st->subs_count > 1)
		screen_text(s, "start.more", T_INT("count", (int64_t)st->subs_count - 1));
	if (st->has_order)
		order_text(s, &st->order);
}

/* The one thing to do next stands out; a connection that works keeps its button beside it. */
static void primary_button(struct screen *s, const struct state *st)
{
	const char *sub = st->look.sub.public_id;
	bool works = st->subs_count && (st->look.status == SUB_ACTIVE || st->look.status == SUB_GRACE);

	s->style = TG_STYLE_PRIMARY;
	if (st->has_order) {
		screen_button(s, "order", st->order.public_id, NULL, "button.finish");
		screen_row(s);
	} else if (st->subs_count && look_wants_renewal(&st->look, s->a->now_ms)) {
		screen_button(s, "renew", sub, NULL, "button.renew");
		screen_row(s);
	}
	if (works)
		screen_button(s, "connect", sub, NULL, "button.connect");
	else if (st->has_trial && !st->has_order)
		screen_button(s, "trial", NULL, NULL, "button.try");
	screen_row(s);
	s->style = TG_STYLE_NONE;
}

static void menu_buttons(struct screen *s, const struct state *st)
{
	bool is_first = !st->subs_count && !st->has_order && !st->has_trial;

	s->style = is_first ? TG_STYLE_PRIMARY : TG_STYLE_NONE;
	screen_button(s, "plans", NULL, NULL, "button.plans");
	if (st->subs_count)
		screen_button(s, "my", NULL, NULL, "button.my");
	else
		screen_button(s, "claim", NULL, NULL, "button.have_link");
	screen_row(s);
	screen_button(s, "invite", NULL, NULL, "button.invite");
	screen_button(s, "lang", NULL, NULL, "button.language");
	screen_button(s, "help", NULL, NULL, "button.help");
}

static void note_text(struct screen *s, const char *key)
{
	if (!key)
		return;
	screen_text_list(s, key, (const struct i18n_arg[]){ { 0 } });
	screen_gap(s);
}

enum err home_show(struct talk *t, const char *note_key)
{
	const char *step_key = NULL;
	struct state st;
	struct screen s;
	enum err e = read_state(&st, t);

	if (!e && t->user.is_admin)
		e = first_step(&step_key, t->a);
	if (e)
		return e;
	screen_begin(&s, t);
	note_text(&s, note_key);
	note_text(&s, step_key);
	status_text(&s, &st);
	primary_button(&s, &st);
	menu_buttons(&s, &st);
	return screen_show(&s);
}

enum err tap_home(struct talk *t, struct str id, struct str arg)
{
	(void)id;
	(void)arg;
	return home_show(t, NULL);
}

void home_row(struct screen *s)
{
	screen_row(s);
	screen_button(s, "home", NULL, NULL, "button.home");
}

bool shop_is_closed(struct talk *t, enum err *e)
{
	if (t->user.is_admin || !setting_i64(t->a, SETTING_MAINTENANCE))
		return false;
	*e = home_show(t, "error.maintenance");
	return true;
}

/* --- /start with a payload: attacker-chosen text, a word to look up and never a right --- */

static enum err start_referral(struct talk *t, struct str code)
{
	bool bound;
	enum err e = referral_bind(&bound, t->a, &t->user, code);

	return e ? e : home_show(t, bound ? "start.invited" : NULL);
}

static enum err start_plan(struct talk *t, struct str code)
{
	int64_t id;

	return str_to_i64(&id, code) == OK ? plan_show(t, id, 0, NULL) : home_show(t, NULL);
}

static enum err start_admin(struct talk *t, struct str code)
{
	enum err e = admin_claim_redeem(t->a, &t->user, code);

	if (e == E_REFUSED)
		return home_show(t, "start.claim_over");
	if (e)
		return e;
	t->user.is_admin = true;
	e = menu_refresh(t->a, &t->user);
	return e ? e : home_show(t, "start.claimed");
}

static const struct { const char *prefix; enum err (*run)(struct talk *t, struct str code); } payloads[] = {
	{ "r_", start_referral },
	{ "p_", start_plan },
	{ "o_", order_of_start },
	{ "a_", start_admin },
};

enum err said_start(struct talk *t, struct str args)
{
	enum err e = t->user.is_admin ? menu_refresh(t->a, &t->user) : OK;

	if (e)
		return e;
	for (size_t i = 0; i < countof(payloads); i++)
		if (str_starts(args, payloads[i].prefix))
			return payloads[i].run(t, str_n(args.at + strlen(payloads[i].prefix), args.len - strlen(payloads[i].prefix)));
	return args.len ? start_referral(t, args) : home_show(t, NULL);
}
