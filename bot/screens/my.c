/* What the customer owns: the list, one subscription, its link once more, new link, removal. Another server is in move.c. */
#include "bot/screens/screens_private.h"

#include <string.h>

/* --- the list --- */

static const char *end_key(const struct look *l)
{
	return l->sub.expires_ms ? "button.sub_until" : "button.sub";
}

static enum err sub_buttons(struct screen *s, const struct subscription *subs, size_t count, const char *verb)
{
	for (size_t i = 0; i < count; i++) {
		struct look look;
		enum err e = look_at(&look, s->a, &subs[i]);

		if (e)
			return e;
		if (strcmp(end_key(&look), "button.sub") == 0)
			screen_button(s, verb, subs[i].public_id, NULL, "button.sub", T_STR("plan", look.plan), T_KEY("state", look_state_key(s->a, &look)));
		else
			screen_button(s, verb, subs[i].public_id, NULL, "button.sub_until", T_STR("plan", look.plan), T_KEY("state", look_state_key(s->a, &look)),
				T_DATE("until", subs[i].expires_ms));
		screen_row(s);
	}
	return OK;
}

static enum err none_show(struct talk *t)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "sub.none");
	s.style = TG_STYLE_PRIMARY;
	screen_button(&s, "plans", NULL, NULL, "button.plans");
	screen_button(&s, "claim", NULL, NULL, "button.have_link");
	home_row(&s);
	return screen_show(&s);
}

enum err subs_choose(struct talk *t, const char *title_key, const char *verb)
{
	struct subscription subs[SUBS_PER_USER_MAX];
	struct screen s;
	size_t count;
	int64_t more = 0;
	enum err e = own_subs(subs, &count, t->a, t->user.id);

	if (!e)
		e = own_subs_unshown(&more, t->a, t->user.id, count);
	if (e)
		return e;
	if (!count)
		return none_show(t);
	screen_begin(&s, t);
	screen_text_list(&s, title_key, (const struct i18n_arg[]){ { 0 } });
	if (more)
		screen_text(&s, "sub.list_more", T_INT("count", more));
	e = sub_buttons(&s, subs, count, verb);
	if (e) {
		screen_drop(&s);
		return e;
	}
	screen_button(&s, "claim", NULL, NULL, "button.have_link");
	home_row(&s);
	return screen_show(&s);
}

/* --- one --- */

static void devices_text(struct screen *s, const struct look *l)
{
	if (l->sub.limit_ip)
		screen_text(s, "sub.devices", T_INT("count", l->sub.limit_ip));
}

static void sub_card_buttons(struct screen *s, const struct look *l, bool may_move)
{
	const char *id = l->sub.public_id;
	bool works = l->status == SUB_ACTIVE || l->status == SUB_GRACE;

	s->style = works && !look_wants_renewal(l, s->a->now_ms) ? TG_STYLE_NONE : TG_STYLE_PRIMARY;
	screen_button(s, "renew", id, NULL, "button.renew");
	if (works) {
		s->style = look_wants_renewal(l, s->a->now_ms) ? TG_STYLE_NONE : TG_STYLE_PRIMARY;
		screen_button(s, "connect", id, NULL, "button.connect");
	}
	s->style = TG_STYLE_NONE;
	screen_row(s);
	screen_button(s, "link", id, NULL, "button.get_link");
	screen_button(s, "qr", id, NULL, "button.show_qr");
	screen_row(s);
	screen_button(s, "newlink", id, NULL, "button.new_link");
	if (may_move)
		screen_button(s, "move", id, NULL, "button.move");
	screen_row(s);
	screen_button(s, "revoke", id, NULL, "button.revoke");
	screen_row(s);
	screen_button(s, "sub", id, NULL, "button.refresh");
	screen_button(s, "my", "all", NULL, "button.back");
}

enum err sub_show(struct talk *t, const struct look *l, const char *note_key)
{
	struct screen s;
	bool may_move;
	enum err e = sub_may_move(&may_move, t->a, l);

	if (e)
		return e;
	screen_begin(&s, t);
	if (note_key) {
		screen_text_list(&s, note_key, (const struct i18n_arg[]){ { 0 } });
		screen_gap(&s);
	}
	look_text(&s, l);
	devices_text(&s, l);
	sub_card_buttons(&s, l, may_move);
	home_row(&s);
	return screen_show(&s);
}

/* One subscription needs no list. */
static enum err my_show(struct talk *t)
{
	struct subscription subs[SUBS_PER_USER_MAX];
	struct look look;
	size_t count;
	enum err e = own_subs(subs, &count, t->a, t->user.id);

	if (e)
		return e;
	if (count != 1)
		return subs_choose(t, "sub.list_title", "sub");
	e = look_at(&look, t->a, &subs[0]);
	return e ? e : sub_show(t, &look, NULL);
}

enum err said_my(struct talk *t, struct str args)
{
	(void)args;
	return my_show(t);
}

enum err tap_my(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return str_is(id, "all") ? subs_choose(t, "sub.list_title", "sub") : my_show(t);
}

bool sub_is_not_own(struct look *l, struct talk *t, struct str id, enum err *e)
{
	*e = own_sub(l, t, id);
	if (*e == E_NOTFOUND)
		*e = talk_stale(t);
	else if (!*e)
		return false;
	return true;
}

enum err tap_sub(struct talk *t, struct str id, struct str arg)
{
	struct look look;
	enum err e;

	(void)arg;
	return sub_is_not_own(&look, t, id, &e) ? e : sub_show(t, &look, NULL);
}

/* --- its link --- */

/* The caller's own subscription with what is handed over of it. false: answered, or an error. */
static bool find_delivery(struct delivery *d, struct look *l, struct talk *t, struct str id, enum err *e)
{
	if (sub_is_not_own(l, t, id, e))
		return false;
	*d = (struct delivery){ .public_id = str_of(l->sub.public_id) };
	*e = access_links(&d->links, t->a, l->sub.id);
	return !*e;
}

enum err tap_link(struct talk *t, struct str id, struct str arg)
{
	struct delivery d;
	struct screen s;
	struct look look;
	enum err e;

	(void)arg;
	if (!find_delivery(&d, &look, t, id, &e))
		return e;
	screen_begin(&s, t);
	screen_text(&s, "sub.card", T_STR("plan", look.plan), T_KEY("state", look_state_key(t->a, &look)));
	screen_text(&s, "sub.ends", T_DATE("until", look.sub.expires_ms));
	return deliver_links(&s, &d);
}

enum err tap_qr(struct talk *t, struct str id, struct str arg)
{
	struct delivery d;
	struct look look;
	enum err e;

	(void)arg;
	if (!find_delivery(&d, &look, t, id, &e))
		return e;
	if (!d.links.links.len && !d.links.sub_url.len)
		return sub_show(t, &look, "deliver.no_link");
	return deliver_qr(t->a, &t->user, &d);
}

/* --- what cannot be undone asks (R281) --- */

const char *sub_once(struct act *a, const struct subscription *s)
{
	return arena_printf(a->arena, "%s.%lld", confirm_stamp(a), (long long)s->revision);
}

bool sub_is_confirmed(const struct act *a, const struct subscription *s, struct str arg)
{
	struct str stamp = str_cut(&arg, '.');
	int64_t revision;

	return confirm_is_fresh(a, stamp) && str_to_i64(&revision, arg) == OK && revision == s->revision;
}

static enum err ask(struct talk *t, const struct look *l, const char *verb, const char *text_key, const char *yes_key)
{
	const char *id = l->sub.public_id;
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "sub.card", T_STR("plan", l->plan), T_KEY("state", look_state_key(t->a, l)));
	screen_gap(&s);
	screen_text_list(&s, text_key, (const struct i18n_arg[]){ { 0 } });
	s.style = TG_STYLE_DANGER;
	screen_button_list(&s, verb, id, sub_once(t->a, &l->sub), yes_key, (const struct i18n_arg[]){ { 0 } });
	screen_button(&s, "sub", id, NULL, "button.no");
	return screen_show(&s);
}

enum err tap_new_link(struct talk *t, struct str id, struct str arg)
{
	struct look look;
	enum err e;

	if (sub_is_not_own(&look, t, id, &e))
		return e;
	if (!sub_is_confirmed(t->a, &look.sub, arg))
		return ask(t, &look, "newlink", "sub.new_link_ask", "button.new_link");
	e = sub_new_keys(t->a, &look.sub);
	if (!e)
		e = own_sub(&look, t, id);
	return e ? e : sub_show(t, &look, "sub.new_link_done");
}

enum err tap_revoke(struct talk *t, struct str id, struct str arg)
{
	struct order_waiting waiting;
	struct look look;
	enum err e;

	if (sub_is_not_own(&look, t, id, &e))
		return e;
	e = order_waiting(&waiting, t->a, look.sub.id);
	if (e)
		return e;
	if (waiting.count)
		return sub_show(t, &look, "sub.revoke_waits");
	if (!sub_is_confirmed(t->a, &look.sub, arg))
		return ask(t, &look, "revoke", "sub.revoke_ask", "button.revoke");
	e = sub_revoke(t->a, &look.sub);
	return e ? e : home_show(t, "sub.revoked");
}
