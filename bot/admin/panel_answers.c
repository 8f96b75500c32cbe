/* What a panel answered to an admin's question, drawn in the chat that asked (fleet_hooks.answered). */
#include "bot/admin/admin_private.h"

#include "lib/base/json.h"

#define EMAILS_MAX 50 /* of one inbound on one screen */

/* --- trial and test --- */

/* Why a panel cannot be used, and what to do about it (R149). */
static const char *why_key(enum err why)
{
	switch (why) {
	case E_AUTH:
		return "admin.panel_add.no_login";
	case E_NOTFOUND:
		return "admin.panel_add.no_panel";
	case E_VERSION:
		return "admin.panel_add.no_version";
	case E_REFUSED:
		return "admin.panel_add.refused";
	default:
		return "admin.panel_add.no_connection";
	}
}

static void why_text(struct screen *s, const struct panel *p, const struct panel_answer *answer)
{
	if (answer->untrusted)
		admin_untrusted_text(s, p, answer);
	else
		screen_text(s, why_key(answer->why));
	if (answer->words && *answer->words)
		screen_text(s, "admin.panel_test.words", T_STR("words", answer->words));
}

/* Each step we know has its words and a hint; a new one of the fleet is shown by its name. */
static void step_text(struct screen *s, const struct panel_step *step)
{
	const char *key = arena_printf(s->a->arena, "admin.panel_test.step_%s", step->name);
	struct str name = i18n_has(s->to.texts, key) ? i18n_new_text(s->a->arena, &s->to, key) : str_of(step->name);
	const char *mark = step->skipped ? "admin.panel_test.skipped" : step->ok ? "admin.panel_test.good" : "admin.panel_test.bad";

	if (step->skipped)
		screen_text(s, "admin.panel_test.step", T_KEY("result", mark), T_STR("step", name));
	else
		screen_text(s, "admin.panel_test.step_time", T_KEY("result", mark), T_STR("step", name), T_ID("ms", step->ms));
	if (step->detail && *step->detail)
		screen_text(s, "admin.panel_test.words", T_STR("words", step->detail));
}

static void hint_text(struct screen *s, const struct panel_step *step)
{
	const char *key = arena_printf(s->a->arena, "admin.panel_test.hint_%s", step->name);

	if (i18n_has(s->to.texts, key))
		screen_text(s, "admin.panel_test.hint", T_KEY("hint", key));
}

static enum err renewals_text(struct screen *s, const struct panel *p)
{
	bool restart;
	enum err e = panel_renewals_restart(&restart, s->a, p->id);

	if (!e && restart)
		screen_text(s, "admin.panel_test.renewals_restart");
	return e;
}

static enum err test_text(struct screen *s, const struct panel *p, const struct panel_answer *answer)
{
	const struct panel_step *bad = NULL;
	enum err e;

	screen_text(s, "admin.panel_test.title_done", T_STR("name", p->name));
	for (size_t i = 0; i < answer->steps_count; i++) {
		step_text(s, &answer->steps[i]);
		if (!bad && !answer->steps[i].ok && !answer->steps[i].skipped)
			bad = &answer->steps[i];
	}
	if (bad)
		hint_text(s, bad);
	if (answer->ok)
		screen_text(s, bad ? "admin.panel_test.link_warning" : "admin.panel_test.all_good");
	else
		why_text(s, p, answer);
	e = answer->ok ? renewals_text(s, p) : OK;
	screen_row(s);
	screen_button(s, "a_panel", word_number(s->a, p->id), NULL, "button.panel");
	return e;
}

/* The login of a new panel, or new credentials of an old one. */
static void trial_text(struct screen *s, const struct panel *p, const struct panel_answer *answer)
{
	const char *id = word_number(s->a, p->id);

	if (answer->ok) {
		screen_text(s, "admin.panel_add.inbounds", T_STR("version", p->version ? p->version : "–"),
			T_STR("dialect", p->dialect ? arena_printf(s->a->arena, "%c", p->dialect) : "–"));
		admin_inbounds_text(s, p);
		return;
	}
	screen_text(s, "admin.panel_add.failed", T_STR("name", p->name));
	why_text(s, p, answer);
	screen_row(s);
	screen_button(s, "a_plogin", id, NULL, "button.credentials");
	screen_button(s, "a_test", id, NULL, "button.test");
	screen_row(s);
	screen_button(s, "a_pdel", id, NULL, "button.remove");
}

/* --- who is online --- */

static void emails_text(struct screen *s, struct json_object *emails)
{
	size_t count = json_len(emails);

	for (size_t i = 0; i < count && i < EMAILS_MAX; i++)
		screen_text(s, "admin.online.client", T_STR("email", str_of(json_object_get_string(json_object_array_get_idx(emails, i)))));
	admin_more(s, (int64_t)count - EMAILS_MAX);
}

static void online_text(struct screen *s, const struct panel *p, const struct panel_answer *answer)
{
	struct json_object *list = NULL;
	int64_t total = 0;

	if (!answer->ok || json_parse(&list, answer->online) || !json_object_is_type(list, json_type_array)) {
		screen_text(s, "admin.online.no_answer", T_STR("panel", p->name));
		json_object_put(list);
		return;
	}
	for (size_t i = 0; i < json_len(list); i++)
		total += (int64_t)json_len(json_array_at(json_object_array_get_idx(list, i), "emails"));
	if (total)
		screen_text(s, "admin.online.title", T_INT("count", total), T_STR("panel", p->name));
	else
		screen_text(s, "admin.online.nobody", T_STR("panel", p->name));
	for (size_t i = 0; i < json_len(list); i++) {
		struct json_object *row = json_object_array_get_idx(list, i), *emails = json_array_at(row, "emails");
		struct inbound in;
		int64_t id = json_i64_at(row, "inbound", 0);

		if (!json_len(emails))
			continue;
		if (inbound_get(&in, s->a, p->id, id))
			in = (struct inbound){ .remark = arena_strdup(s->a->arena, "–") };
		screen_text(s, "admin.online.line", T_STR("inbound", in.remark), T_INT("clients", (int64_t)json_len(emails)));
		emails_text(s, emails);
	}
	json_object_put(list);
}

/* --- health (R092) --- */

/* pass, fail or error; anything else is not known yet. */
static const char *verdict_key(struct str verdict)
{
	static const char *const known[][2] = {
		{ "pass", "admin.health.pass" }, { "success", "admin.health.pass" }, { "fail", "admin.health.fail" },
		{ "failed", "admin.health.fail" }, { "error", "admin.health.error" },
	};

	for (size_t i = 0; i < countof(known); i++)
		if (str_is(verdict, known[i][0]))
			return known[i][1];
	return "admin.panels.unknown";
}

void admin_health_text(struct screen *s, const struct panel *p)
{
	struct json_object *health = NULL;

	if (!p->health || json_parse(&health, str_of(p->health))) {
		screen_text(s, "admin.health.none", T_STR("name", p->name));
		return;
	}
	screen_text(s, "admin.health.line", T_STR("name", p->name), T_KEY("login", verdict_key(json_str_at(health, "authentication"))),
		T_KEY("online", verdict_key(json_str_at(health, "checks.online_clients"))),
		T_KEY("inbounds", verdict_key(json_str_at(health, "checks.inbounds"))),
		T_KEY("backup", verdict_key(json_str_at(health, "checks.backup_ready"))),
		T_KEY("responsive", json_bool_at(health, "api_responsive", false) ? "admin.settings.yes" : "admin.settings.no"));
	if (json_str_at(health, "error").len)
		screen_text(s, "admin.panel_test.words", T_STR("words", json_str_at(health, "error")));
	json_object_put(health);
}

/* --- the hook --- */

static enum err draw(struct screen *s, const struct panel *p, const struct panel_answer *answer)
{
	switch (answer->what) {
	case ASK_TRIAL:
		trial_text(s, p, answer);
		return OK;
	case ASK_TEST:
		return test_text(s, p, answer);
	case ASK_INBOUNDS:
		if (answer->ok)
			admin_inbounds_text(s, p);
		else
			why_text(s, p, answer);
		return OK;
	case ASK_ONLINE:
		online_text(s, p, answer);
		return OK;
	case ASK_HEALTH:
		admin_health_text(s, p);
		return OK;
	case ASK_CLIENT:
	case ASK_IPS:
	case ASK_IPS_CLEAR:
		admin_client_text(s, p, answer);
		return OK;
	}
	return OK;
}

enum err admin_panel_answered(struct act *a, const struct panel_answer *answer)
{
	struct panel p;
	struct screen s;
	enum err e = panel_get(&p, a, answer->panel_id);

	if (e)
		return e == E_NOTFOUND ? OK : e; /* removed meanwhile: nobody waits for it */
	if (answer->subscription_id && !admin_may_read_client(a, answer))
		return OK;
	e = admin_begin_chat(&s, a, answer->chat_id);
	if (e)
		return e;
	e = draw(&s, &p, answer);
	if (!e)
		return screen_send(&s, NULL);
	screen_drop(&s);
	return e;
}
