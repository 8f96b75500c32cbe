/* Changing a panel: one table of what can be changed, by buttons or as "/panel_set ID FIELD VALUE". */
#include "bot/admin/admin_private.h"

#include <string.h>

struct field {
	const char *name, *button, *ask;
	bool is_text;
	int64_t min, max;             /* of numbers */
};

static const struct field fields[] = {
	/* name       button             question                             text   min max */
	{ "name",     "button.name",     "admin.panel_set.ask_name",     true,  0, 0 },
	{ "region",   "button.region",   "admin.panel_set.ask_region",   true,  0, 0 },
	{ "priority", "button.priority", "admin.panel_set.ask_priority", false, 0, 1000 },
	{ "weight",   "button.weight",   "admin.panel_set.ask_weight",   false, 1, 100 },
	{ "capacity", "button.capacity", "admin.panel_set.ask_capacity", false, 0, 1000000 },
};

/* What is more than a text or a number: a dialogue of its own. */
static const struct { const char *name; panel_run *ask; } asked[] = {
	{ "host", admin_ask_host },
	{ "pin",  admin_ask_pin },
	{ "ca",   admin_ask_ca },
};

static const struct field *find_field(struct str name)
{
	for (size_t i = 0; i < countof(fields); i++)
		if (str_is(name, fields[i].name))
			return &fields[i];
	return NULL;
}

static const char *value_of(struct act *a, const struct field *f, const struct panel *p)
{
	if (strcmp(f->name, "name") == 0)
		return p->name;
	if (strcmp(f->name, "region") == 0)
		return p->region && *p->region ? p->region : "–";
	if (strcmp(f->name, "priority") == 0)
		return word_number(a, p->priority);
	return word_number(a, strcmp(f->name, "weight") == 0 ? p->weight : p->capacity);
}

static void give(struct panel_given *g, const struct field *f, const char *text, const int *number)
{
	if (strcmp(f->name, "name") == 0)
		g->name = text;
	else if (strcmp(f->name, "region") == 0)
		g->region = text;
	else if (strcmp(f->name, "priority") == 0)
		g->priority = number;
	else if (strcmp(f->name, "weight") == 0)
		g->weight = number;
	else
		g->capacity = number;
}

static enum err wrong_text(struct talk *t)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.panel_add.name_wrong", T_INT("max", NAME_POINTS_MAX));
	return screen_show(&s);
}

static enum err change(struct talk *t, const struct panel *p, const struct field *f, struct str value)
{
	const char *id = word_number(t->a, p->id), *text = NULL;
	struct panel_given given = { 0 };
	struct panel changed;
	int number = 0;
	int64_t n;
	enum err e;

	if (f->is_text) {
		bool none = strcmp(f->name, "region") == 0 && str_is(str_trim(value), "-");

		text = none ? "" : admin_read_name(t->a, value);
		if (!text)
			return wrong_text(t);
	} else {
		if (!admin_read_number(&n, value, f->min, f->max))
			return admin_wrong_number(t, f->min, f->max);
		number = (int)n;
	}
	give(&given, f, text, &number);
	e = panel_set(t->a, p->id, &given);
	if (!e)
		e = admin_note(t, "panel.set", "panel", id, NULL, arena_printf(t->a->arena, "%s=%s", f->name, text ? text : word_number(t->a, number)));
	if (!e)
		e = talk_expect_nothing(t);
	if (!e)
		e = panel_get(&changed, t->a, p->id);
	return e ? e : admin_panel_card(t, &changed);
}

static enum err ask_value(struct talk *t, const struct panel *p, const struct field *f)
{
	struct screen s;
	enum err e = talk_expect(t, "a_pset", arena_printf(t->a->arena, "%lld:%s", (long long)p->id, f->name));

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text_list(&s, f->ask, (const struct i18n_arg[]){ T_STR("value", value_of(t->a, f, p)), { 0 } });
	return screen_show(&s);
}

static enum err show_choice(struct talk *t, const struct panel *p)
{
	const char *id = word_number(t->a, p->id);
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.panel_set.title", T_STR("name", p->name));
	for (size_t i = 0; i < countof(fields); i++) {
		if (i % 3 == 0)
			screen_row(&s);
		screen_button(&s, "a_pset", id, fields[i].name, fields[i].button);
	}
	screen_row(&s);
	screen_button(&s, "a_pset", id, "pin", "button.pin");
	screen_button(&s, "a_pset", id, "ca", "button.ca");
	screen_row(&s);
	screen_button(&s, "a_pset", id, "host", "button.host");
	screen_button(&s, "a_plogin", id, NULL, "button.credentials");
	screen_row(&s);
	screen_button(&s, "a_drain", id, p->drain ? "0" : "1", p->drain ? "button.undrain" : "button.drain");
	return screen_show(&s);
}

/* words: "", "FIELD" or "FIELD VALUE" */
static enum err set_words(struct talk *t, const struct panel *p, struct str words)
{
	struct str name = admin_cut_word(&words);
	const struct field *f = find_field(name);

	for (size_t i = 0; i < countof(asked); i++)
		if (str_is(name, asked[i].name))
			return asked[i].ask(t, p);
	if (!f)
		return show_choice(t, p);
	return words.len ? change(t, p, f, words) : ask_value(t, p, f);
}

enum err admin_cmd_panel_set(struct talk *t, struct str args)
{
	struct str id = admin_cut_word(&args);
	struct panel p;
	int64_t n;

	if (args.len && str_to_i64(&n, id) == OK && panel_get(&p, t->a, n) == OK)
		return set_words(t, &p, args);
	return admin_with_panel(t, id, "a_pset", show_choice);
}

enum err admin_on_panel_set(struct talk *t, struct str id, struct str arg)
{
	struct panel p;
	int64_t n;

	if (arg.len && str_to_i64(&n, id) == OK && panel_get(&p, t->a, n) == OK)
		return set_words(t, &p, str_cut(&arg, ' ')); /* a button asks, it never brings a value */
	return admin_with_panel(t, id, "a_pset", show_choice);
}

enum err admin_typed_panel_set(struct talk *t, struct str state, struct str text)
{
	struct str id = str_cut(&state, ':');
	const struct field *f = find_field(state);
	struct panel p;
	int64_t n;
	enum err e = !f || str_to_i64(&n, id) ? E_NOTFOUND : panel_get(&p, t->a, n);

	if (e)
		return e == E_NOTFOUND ? admin_panel_gone(t) : e;
	return change(t, &p, f, text);
}

/* --- drain --- */

static enum err set_drain(struct talk *t, const struct panel *p, bool drain)
{
	struct screen s;
	enum err e = panel_set(t->a, p->id, &(struct panel_given){ .drain = &drain });

	if (!e)
		e = admin_note(t, drain ? "panel.drain" : "panel.undrain", "panel", word_number(t->a, p->id), NULL, NULL);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, drain ? "admin.panel_set.drain_on" : "admin.panel_set.drain_off", T_STR("name", p->name));
	screen_button(&s, "a_panel", word_number(t->a, p->id), NULL, "button.panel");
	return screen_show(&s);
}

static enum err drain_on(struct talk *t, const struct panel *p)
{
	return set_drain(t, p, true);
}

static enum err drain_off(struct talk *t, const struct panel *p)
{
	return set_drain(t, p, false);
}

enum err admin_on_panel_drain(struct talk *t, struct str id, struct str arg)
{
	return admin_with_panel(t, id, "a_drain", str_is(arg, "0") ? drain_off : drain_on);
}
