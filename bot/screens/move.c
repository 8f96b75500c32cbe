/* "Change server": where it can go, each with a button. The question and its consequences stand above the buttons, so one
 * press of them is the second. */
#include "bot/screens/screens_private.h"

static bool works(const struct look *l)
{
	return l->status == SUB_ACTIVE || l->status == SUB_GRACE;
}

enum err sub_may_move(bool *may, struct act *a, const struct look *l)
{
	struct place_choice places[PLACE_CHOICES_MAX];
	size_t count = 0;
	enum err e = works(l) && !l->moving_to ? sub_places(places, &count, countof(places), a, &l->sub) : OK;

	*may = !e && (l->moving_to || count);
	return e;
}

/* On its way: it may still stay. */
static enum err moving_show(struct talk *t, const struct look *l)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "sub.card", T_STR("plan", l->plan), T_KEY("state", look_state_key(t->a, l)));
	screen_text(&s, "sub.hint.moving", T_STR("place", l->moving_to));
	screen_button(&s, "move", l->sub.public_id, "stay", "button.stay");
	screen_row(&s);
	screen_button(&s, "sub", l->sub.public_id, NULL, "button.back");
	return screen_show(&s);
}

static enum err places_show(struct talk *t, const struct look *l, const char *note_key)
{
	struct place_choice places[PLACE_CHOICES_MAX];
	struct screen s;
	size_t count;
	enum err e = sub_places(places, &count, countof(places), t->a, &l->sub);

	if (e)
		return e;
	if (!works(l) || !count)
		return sub_show(t, l, "sub.move_nowhere");
	screen_begin(&s, t);
	if (note_key) {
		screen_text_list(&s, note_key, (const struct i18n_arg[]){ { 0 } });
		screen_gap(&s);
	}
	screen_text(&s, "sub.card", T_STR("plan", l->plan), T_KEY("state", look_state_key(t->a, l)));
	screen_gap(&s);
	screen_text(&s, "sub.move_ask");
	for (size_t i = 0; i < count; i++) {
		screen_button_text(&s, "move", l->sub.public_id, arena_printf(t->a->arena, "%lld.%s", (long long)places[i].place.panel_id, sub_once(t->a, &l->sub)),
			str_of(places[i].name));
		screen_row(&s);
	}
	screen_button(&s, "sub", l->sub.public_id, NULL, "button.back");
	return screen_show(&s);
}

static enum err stay(struct talk *t, struct look *l, struct str id)
{
	enum err e = sub_stay(t->a, &l->sub);

	if (!e)
		e = own_sub(l, t, id);
	return e ? e : sub_show(t, l, "sub.move_stayed");
}

enum err tap_move(struct talk *t, struct str id, struct str arg)
{
	struct str panel = str_cut(&arg, '.');
	struct look look;
	int64_t panel_id;
	enum err e;

	if (sub_is_not_own(&look, t, id, &e))
		return e;
	if (str_is(panel, "stay"))
		return stay(t, &look, id);
	if (look.moving_to)
		return moving_show(t, &look);
	if (!works(&look) || str_to_i64(&panel_id, panel) || !sub_is_confirmed(t->a, &look.sub, arg))
		return places_show(t, &look, NULL);
	e = sub_move(t->a, &look.sub, panel_id);
	if (e == E_NOROOM || e == E_CONFLICT)
		return places_show(t, &look, "sub.move_full");
	if (!e)
		e = own_sub(&look, t, id);
	return e ? e : sub_show(t, &look, NULL);
}
