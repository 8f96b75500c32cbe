/* What was changed by hand on a panel and waits for a word: shown under /health, kept or repaired by a button. */
#include "bot/admin/admin_private.h"

#include "lib/base/clock.h"

#define DRIFTS_SHOWN_MAX 10

/* A panel may count an end from the first use: minus so long. */
static struct str until_word(const struct screen *s, int64_t ms)
{
	if (ms == 0)
		return word_days(s->a, &s->to, 0);
	if (ms < 0)
		return i18n_new_text(s->a->arena, &s->to, "admin.drift.after_first_use", T_STR("length", word_days(s->a, &s->to, (int)((-ms + DAY_MS - 1) / DAY_MS))));
	return i18n_new_text(s->a->arena, &s->to, "admin.drift.date", T_DATE("date", ms));
}

/* The panel's raw number as people read it. */
static struct str value_word(const struct screen *s, const struct drift *d, const char *value)
{
	int64_t n;

	if (str_to_i64(&n, str_of(value)))
		return str_of(value);
	if (str_is(str_of(d->field), "until"))
		return until_word(s, n);
	if (str_is(str_of(d->field), "quota"))
		return word_quota(s->a, &s->to, n);
	if (str_is(str_of(d->field), "enabled"))
		return i18n_new_text(s->a->arena, &s->to, n ? "admin.settings.on" : "admin.settings.off");
	return str_of(word_number(s->a, n));
}

enum err admin_drifts_text(struct screen *s)
{
	struct drift *list = arena_array(s->a->arena, struct drift, DRIFTS_SHOWN_MAX);
	size_t count;
	enum err e = drift_list(list, &count, DRIFTS_SHOWN_MAX, s->a);

	for (size_t i = 0; !e && i < count; i++) {
		const char *id = word_number(s->a, list[i].id);

		screen_text(s, "admin.drift.line", T_STR("email", list[i].email),
			T_KEY("field", arena_printf(s->a->arena, "admin.drift.field.%s", list[i].field)),
			T_STR("seen", value_word(s, &list[i], list[i].seen)), T_STR("wanted", value_word(s, &list[i], list[i].wanted)));
		screen_row(s);
		screen_button(s, "a_drift", id, "adopt", "button.adopt_of", T_STR("name", list[i].email));
		screen_button(s, "a_drift", id, "repair", "button.repair");
	}
	return e;
}

enum err admin_on_drift(struct talk *t, struct str id, struct str arg)
{
	bool repair = str_is(arg, "repair");
	int64_t n;
	enum err e = str_to_i64(&n, id) || (!repair && !str_is(arg, "adopt")) ? E_NOTFOUND : drift_decide(t->a, n, repair, t->user.id);

	if (e == E_REFUSED)
		return admin_say(t, "admin.drift.metered");
	if (e == E_INVALID)
		return admin_say(t, "admin.drift.no_date");
	if (e == E_CONFLICT)
		return admin_say(t, "admin.drift.banned");
	if (!e)
		e = admin_note(t, repair ? "drift.repair" : "drift.adopt", "drift", word_number(t->a, n), NULL, NULL);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return admin_say(t, repair ? "admin.drift.repairing" : "admin.drift.kept");
}
