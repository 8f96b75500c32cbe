/* Settings of the shop: each row of bot/shop/settings.h that a person sets, and maintenance. */
#include "bot/admin/admin_private.h"

enum form { FORM_NUMBER, FORM_SWITCH, FORM_TEXT, FORM_ZONE, FORM_CHAT };

/* The thread goes with the chat. */
static const struct shown {
	enum setting setting;
	enum form form;
} shown[] = {
	{ SETTING_ZONE,                FORM_ZONE   },
	{ SETTING_GRACE_HOURS,         FORM_NUMBER },
	{ SETTING_DELETE_DAYS,         FORM_NUMBER },
	{ SETTING_REFERRAL_DAYS,       FORM_NUMBER },
	{ SETTING_REFERRAL_HOLD_HOURS, FORM_NUMBER },
	{ SETTING_TRIAL_ON,            FORM_SWITCH },
	{ SETTING_SUPPORT,             FORM_TEXT   },
	{ SETTING_TERMS,               FORM_TEXT   },
	{ SETTING_MAINTENANCE,         FORM_SWITCH },
	{ SETTING_DRIFT_REPAIR,        FORM_SWITCH },
	{ SETTING_SALE_NOTICES,        FORM_SWITCH },
	{ SETTING_WEB_ACCOUNTS,        FORM_SWITCH },
	{ SETTING_ADMIN_CHAT,          FORM_CHAT   },
};

static const struct shown *find_shown(struct str key)
{
	for (size_t i = 0; i < countof(shown); i++)
		if (str_is(key, setting_row(shown[i].setting)->key))
			return &shown[i];
	return NULL;
}

static const char *name_key(struct act *a, const struct shown *row)
{
	return arena_printf(a->arena, "admin.settings.name.%s", setting_row(row->setting)->key);
}

#define VALUE_POINTS_MAX 60 /* terms are long; the list shows their beginning */

static struct str value_word(const struct screen *s, const struct shown *row)
{
	struct str text;

	if (row->form == FORM_SWITCH)
		return i18n_new_text(s->a->arena, &s->to, setting_i64(s->a, row->setting) ? "admin.settings.on" : "admin.settings.off");
	if (row->form == FORM_CHAT && !setting_i64(s->a, row->setting))
		return i18n_new_text(s->a->arena, &s->to, "admin.settings.each_admin");
	if (row->form == FORM_CHAT || row->form == FORM_NUMBER)
		return str_of(word_number(s->a, setting_i64(s->a, row->setting)));
	text = utf8_head(setting_text(s->a, row->setting), VALUE_POINTS_MAX);
	return text.len ? text : STR("–");
}

/* What was typed over can be had back: changed is the row, NULL when nothing was. */
static enum err show_changed(struct talk *t, const struct shown *changed, const char *note_key)
{
	struct screen s;

	screen_begin(&s, t);
	if (note_key)
		screen_text_list(&s, note_key, (const struct i18n_arg[]){ { 0 } });
	screen_text(&s, "admin.settings.title");
	if (changed)
		screen_button(&s, "a_set", setting_row(changed->setting)->key, "undo", "button.undo");
	for (size_t i = 0; i < countof(shown); i++) {
		const char *name = name_key(t->a, &shown[i]);

		screen_text(&s, "admin.settings.line", T_KEY("setting", name), T_STR("value", value_word(&s, &shown[i])));
		if (i % 2 == 0)
			screen_row(&s);
		screen_button_text(&s, "a_set", setting_row(shown[i].setting)->key, NULL, i18n_new_text(t->a->arena, &s.to, name));
	}
	admin_providers_text(&s);
	return screen_show(&s);
}

static enum err show_settings(struct talk *t)
{
	return show_changed(t, NULL, NULL);
}

enum err admin_cmd_settings(struct talk *t, struct str args)
{
	(void)args;
	return show_settings(t);
}

/* Texts may be long and are public anyway; the audit keeps their beginning. */
static enum err note(struct talk *t, const struct shown *row, struct str value)
{
	return admin_note(t, "settings.set", "setting", setting_row(row->setting)->key, NULL, arena_strndup(t->a->arena, value.at, value.len));
}

static enum err store(struct talk *t, const struct shown *row, struct str value)
{
	enum err e = setting_set(t->a, row->setting, value);

	return e ? e : note(t, row, value);
}

/* --- forms --- */

static enum err flip(struct talk *t, const struct shown *row)
{
	enum err e = store(t, row, setting_i64(t->a, row->setting) ? STR("0") : STR("1"));

	return e ? e : show_settings(t);
}

/* Tapped in a group: alerts come here, into this topic. Tapped in private: back to each admin's own chat. */
static enum err choose_chat(struct talk *t, const struct shown *row)
{
	enum err e = store(t, row, t->in_group ? str_of(word_number(t->a, t->chat_id)) : STR("0"));

	if (!e)
		e = setting_set(t->a, SETTING_ADMIN_THREAD, t->in_group ? str_of(word_number(t->a, t->thread_id)) : STR("0"));
	return e ? e : admin_say(t, t->in_group ? "admin.settings.alerts_here" : "admin.settings.alerts_private");
}

static enum err ask_value(struct talk *t, const struct shown *row)
{
	struct screen s;
	enum err e = talk_expect(t, "a_set", setting_row(row->setting)->key);

	if (e)
		return e;
	screen_begin(&s, t);
	if (row->form == FORM_ZONE)
		screen_text(&s, "admin.settings.ask_zone");
	else
		screen_text(&s, "admin.settings.ask", T_KEY("setting", name_key(t->a, row)), T_STR("value", value_word(&s, row)));
	return screen_show(&s);
}

static enum err undo(struct talk *t, const struct shown *row)
{
	enum err e = setting_undo(t->a, row->setting);

	if (!e)
		e = note(t, row, setting_text(t->a, row->setting));
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return show_changed(t, row, "admin.undone");
}

enum err admin_on_setting(struct talk *t, struct str id, struct str arg)
{
	const struct shown *row = find_shown(id);

	if (!row)
		return talk_stale(t);
	if (str_is(arg, "undo"))
		return undo(t, row);
	if (row->form == FORM_SWITCH)
		return flip(t, row);
	return row->form == FORM_CHAT ? choose_chat(t, row) : ask_value(t, row);
}

/* --- typed --- */

static enum err wrong(struct talk *t, const struct shown *row, struct str text)
{
	const struct setting_row *limits = setting_row(row->setting);
	struct screen s;

	if (row->form == FORM_NUMBER)
		return admin_wrong_number(t, limits->min, limits->max);
	screen_begin(&s, t);
	if (row->form == FORM_ZONE)
		screen_text(&s, "admin.settings.zone_wrong", T_STR("text", utf8_head(utf8_clean(t->a->arena, text), NAME_POINTS_MAX)));
	else
		screen_text(&s, "admin.settings.too_long", T_INT("max", (int64_t)limits->bytes_max));
	return screen_show(&s);
}

/* The clock there, so that a wrong city is noticed. */
static enum err show_zone(struct talk *t)
{
	struct i18n_to there = user_reader(t->a, &t->user);
	struct screen s;

	screen_begin(&s, t);
	s.to = there;
	screen_text(&s, "admin.settings.zone_done", T_MOMENT("at", t->a->now_ms));
	return screen_show(&s);
}

/* Spelled well is not enough: the system must have it. */
static bool is_zone(struct act *a, struct str name)
{
	struct zone *zone;

	if (zone_load(&zone, arena_strndup(a->arena, name.at, name.len)))
		return false;
	zone_free(zone);
	return true;
}

enum err admin_typed_setting(struct talk *t, struct str state, struct str text)
{
	const struct shown *row = find_shown(state);
	struct str value = str_trim(text);
	enum err e;

	if (!row)
		return talk_stale(t);
	if (row->form == FORM_TEXT && str_is(value, "-"))
		value = STR("");
	if (row->form == FORM_ZONE && !is_zone(t->a, value))
		return wrong(t, row, value);
	e = store(t, row, value);
	if (e == E_INVALID)
		return wrong(t, row, value);
	if (!e)
		e = talk_expect_nothing(t);
	if (e)
		return e;
	return row->form == FORM_ZONE ? show_zone(t) : show_changed(t, row, NULL);
}

/* --- /maintenance [on|off]; without a word it changes over --- */

enum err admin_cmd_maintenance(struct talk *t, struct str args)
{
	static const struct shown row = { SETTING_MAINTENANCE, FORM_SWITCH };
	bool on = str_is_nocase(args, "on") || (!args.len && !setting_i64(t->a, SETTING_MAINTENANCE));
	enum err e;

	if (args.len && !on && !str_is_nocase(args, "off"))
		return admin_say(t, "admin.maintenance.usage");
	e = store(t, &row, on ? STR("1") : STR("0"));
	return e ? e : admin_say(t, on ? "admin.maintenance.on" : "admin.maintenance.off");
}
