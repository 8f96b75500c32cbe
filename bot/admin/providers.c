/* Ways to pay other than Stars: a card for each, the key typed in the chat, the switch. */
#include "bot/admin/admin_private.h"

void admin_providers_text(struct screen *s)
{
	for (size_t i = 0; i < pay_provider_count(); i++) {
		const struct pay_provider *p = pay_provider_at(i);
		struct provider_state state;

		if (!provider_has_switch(p) || provider_state(&state, s->a, p))
			continue;
		screen_text(s, "admin.settings.line", T_STR("setting", word_way(s->a, &s->to, p->name)),
			T_KEY("value", state.is_on ? "admin.settings.on" : "admin.settings.off"));
		screen_row(s);
		screen_button_text(s, "a_prov", p->name, NULL, word_way(s->a, &s->to, p->name));
	}
}

static enum err show_card(struct talk *t, const struct pay_provider *p)
{
	struct provider_state state;
	struct screen s;
	enum err e = provider_state(&state, t->a, p);

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, state.is_on ? "admin.provider.is_on" : state.has_key ? "admin.provider.is_off" : "admin.provider.no_key",
		T_STR("way", word_way(t->a, &s.to, p->name)));
	if (state.open)
		screen_text(&s, "admin.provider.open", T_INT("count", state.open));
	if (state.has_key)
		screen_button(&s, "a_prov", p->name, state.is_on ? "off" : "on", state.is_on ? "button.switch_off" : "button.switch_on");
	screen_row(&s);
	screen_button(&s, "a_prov", p->name, "key", state.has_key ? "button.other_key" : "button.enter_key");
	return screen_show(&s);
}

static enum err say_way(struct talk *t, const char *key, const struct pay_provider *p)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text_list(&s, key, (const struct i18n_arg[]){ T_STR("way", word_way(t->a, &s.to, p->name)), { 0 } });
	return screen_show(&s);
}

static enum err ask_key(struct talk *t, const struct pay_provider *p)
{
	enum err e = OK;

	if (admin_is_public(t, &e))
		return e;
	e = talk_expect(t, "a_prov", p->name);
	return e ? e : say_way(t, "admin.provider.ask_key", p);
}

static enum err try_key(struct talk *t, const struct pay_provider *p, struct str key)
{
	enum err e = provider_try(t->a, p, key, &t->user);

	if (e == E_INVALID || e == E_TOOBIG)
		return say_way(t, e == E_INVALID ? "admin.provider.key_wrong" : "admin.provider.wait", p);
	if (e == E_NOTFOUND)
		return show_card(t, p);
	if (!e)
		e = admin_note(t, "provider.try", "provider", p->name, NULL, NULL);
	if (!e)
		e = talk_expect_nothing(t);
	return e ? e : say_way(t, "admin.provider.trying", p);
}

static enum err switch_off(struct talk *t, const struct pay_provider *p)
{
	enum err e = provider_switch_off(t->a, p);

	if (!e)
		e = admin_note(t, "provider.off", "provider", p->name, NULL, NULL);
	return e ? e : show_card(t, p);
}

static const struct pay_provider *find(struct str name)
{
	const struct pay_provider *p = pay_provider_find(name);

	return p && provider_has_switch(p) ? p : NULL;
}

enum err admin_on_provider(struct talk *t, struct str id, struct str arg)
{
	const struct pay_provider *p = find(id);

	if (!p)
		return talk_stale(t);
	if (str_is(arg, "key"))
		return ask_key(t, p);
	if (str_is(arg, "on"))
		return try_key(t, p, STR(""));
	return str_is(arg, "off") ? switch_off(t, p) : show_card(t, p);
}

enum err admin_typed_provider(struct talk *t, struct str state, struct str text)
{
	const struct pay_provider *p = find(state);
	enum err e = talk_delete_typed(t);

	if (e || !p)
		return e ? e : talk_stale(t);
	return str_trim(text).len ? try_key(t, p, text) : say_way(t, "admin.provider.key_wrong", p);
}

/* --- what the provider said --- */

static const char *verdict_key(enum err verdict)
{
	if (!verdict)
		return "admin.provider.good";
	return verdict == E_AUTH || verdict == E_REFUSED ? "admin.provider.bad" : "admin.provider.silent";
}

enum err admin_provider_tried(struct act *a, const struct provider_trial *t)
{
	struct screen s;

	screen_begin_for(&s, a, t->admin);
	screen_text_list(&s, verdict_key(t->verdict), (const struct i18n_arg[]){ T_STR("way", word_way(a, &s.to, t->provider)), { 0 } });
	if (!t->verdict && t->first) {
		screen_gap(&s);
		screen_text(&s, "admin.provider.risk");
	}
	return screen_send(&s, &(struct send_as){ .unknown = UNKNOWN_AGAIN });
}
