/* Panels: list, card, tests, calls, removal. */
#include "bot/admin/admin_private.h"

#include <string.h>

/* --- which panel --- */

static enum err unknown_panel(struct talk *t, struct str id)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.panel.not_found", T_STR("id", utf8_head(utf8_clean(t->a->arena, id), NAME_POINTS_MAX)));
	return screen_show(&s);
}

enum err admin_panel_gone(struct talk *t)
{
	return admin_say(t, "admin.panel.gone");
}

static enum err choose_panel(struct talk *t, const char *verb, panel_run *run)
{
	struct panel *list = arena_array(t->a->arena, struct panel, PANELS_MAX);
	struct screen s;
	size_t count;
	enum err e = panel_list(list, &count, PANELS_MAX, t->a);

	if (e)
		return e;
	if (count == 0)
		return admin_say(t, "admin.panels.none");
	if (count == 1)
		return run(t, &list[0]);
	screen_begin(&s, t);
	screen_text(&s, "admin.panel.choose");
	for (size_t i = 0; i < count; i++) {
		screen_row(&s);
		screen_button_text(&s, verb, word_number(t->a, list[i].id), NULL, str_of(list[i].name));
	}
	return screen_show(&s);
}

enum err admin_with_panel(struct talk *t, struct str id, const char *verb, panel_run *run)
{
	struct panel p;
	int64_t n;
	enum err e;

	if (!id.len)
		return choose_panel(t, verb, run);
	if (str_to_i64(&n, id))
		return unknown_panel(t, id);
	e = panel_get(&p, t->a, n);
	if (e)
		return e == E_NOTFOUND ? unknown_panel(t, id) : e;
	return run(t, &p);
}

/* --- list and card --- */

static const char *state_key(struct act *a, const struct panel *p)
{
	if (p->drain && p->state == PANEL_OK)
		return "admin.panel.state.drain";
	return arena_printf(a->arena, "admin.panel.state.%s", panel_state_name(p->state));
}

static const char *dialect_word(struct act *a, const struct panel *p)
{
	return p->dialect ? arena_printf(a->arena, "%c", p->dialect) : "–";
}

static struct str capacity_word(const struct screen *s, const struct panel *p)
{
	return p->capacity ? str_of(word_number(s->a, p->capacity)) : i18n_new_text(s->a->arena, &s->to, "admin.panels.no_limit");
}

static void warn_of_plain_http(struct screen *s, const struct panel *p)
{
	if (str_starts(str_of(p->url), "http://"))
		screen_text(s, "admin.panels.http_warning");
}

static void panel_line(struct screen *s, const struct panel *p, int64_t clients_in_all)
{
	if (p->state == PANEL_OK)
		screen_text(s, "admin.panels.line", T_ID("id", p->id), T_STR("name", p->name), T_KEY("state", state_key(s->a, p)),
			T_STR("version", p->version ? p->version : "–"), T_STR("dialect", dialect_word(s->a, p)), T_ID("clients", p->clients),
			T_STR("capacity", capacity_word(s, p)), T_ID("share", clients_in_all ? p->clients * 100 / clients_in_all : 0), T_ID("latency", p->latency_ms));
	else
		screen_text(s, "admin.panels.line_no_answer", T_ID("id", p->id), T_STR("name", p->name), T_KEY("state", state_key(s->a, p)),
			T_MOMENT("since", p->state_since_ms));
	warn_of_plain_http(s, p);
}

static enum err show_panels(struct talk *t)
{
	struct panel *list = arena_array(t->a->arena, struct panel, PANELS_MAX);
	int64_t clients = 0;
	struct screen s;
	size_t count;
	enum err e = panel_list(list, &count, PANELS_MAX, t->a);

	if (e)
		return e;
	if (!count)
		return admin_say(t, "admin.panels.none");
	for (size_t i = 0; i < count; i++)
		clients += list[i].clients;
	screen_begin(&s, t);
	screen_text(&s, "admin.panels.title");
	for (size_t i = 0; i < count; i++) {
		panel_line(&s, &list[i], clients);
		if (i % 2 == 0)
			screen_row(&s);
		screen_button_text(&s, "a_panel", word_number(t->a, list[i].id), NULL, str_of(list[i].name));
	}
	return screen_show(&s);
}

enum err admin_cmd_panels(struct talk *t, struct str args)
{
	(void)args;
	return show_panels(t);
}

enum err admin_panel_card(struct talk *t, const struct panel *p)
{
	const char *id = word_number(t->a, p->id);
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.panel.card", T_ID("id", p->id), T_STR("name", p->name), T_KEY("state", state_key(t->a, p)), T_STR("url", p->url),
		T_STR("version", p->version ? p->version : "–"), T_STR("dialect", dialect_word(t->a, p)));
	screen_text(&s, "admin.panel.card_load", T_ID("clients", p->clients), T_ID("online", p->online), T_STR("capacity", capacity_word(&s, p)));
	screen_text(&s, "admin.panel.card_rules", T_ID("priority", p->priority), T_ID("weight", p->weight),
		T_STR("region", p->region && *p->region ? p->region : "–"));
	if (p->host)
		screen_text(&s, "admin.panel.card_host", T_STR("host", p->host));
	if (p->pin || p->has_ca)
		screen_text(&s, p->pin ? "admin.panel.card_pin" : "admin.panel.card_ca");
	screen_text(&s, "admin.panel.last_sync", T_MOMENT("at", p->checked_ms));
	warn_of_plain_http(&s, p);
	screen_button(&s, "a_test", id, NULL, "button.test");
	screen_button(&s, "a_log", id, NULL, "button.log");
	screen_button(&s, "a_online", id, NULL, "button.online");
	screen_row(&s);
	screen_button(&s, "a_inbounds", id, NULL, "button.inbounds");
	screen_button(&s, "a_pset", id, NULL, "button.change");
	screen_row(&s);
	screen_button(&s, "a_drain", id, p->drain ? "0" : "1", p->drain ? "button.undrain" : "button.drain");
	screen_button(&s, "a_pdel", id, NULL, "button.remove");
	return screen_show(&s);
}

enum err admin_cmd_panel(struct talk *t, struct str args)
{
	return admin_with_panel(t, args, "a_panel", admin_panel_card);
}

enum err admin_on_panel(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return admin_with_panel(t, id, "a_panel", admin_panel_card);
}

/* --- asking a panel: the answer is a message of its own, panel_answers.c --- */

static enum err ask_test(struct talk *t, const struct panel *p)
{
	struct screen s;
	enum err e = panel_ask(t->a, p->id, ASK_TEST, t->chat_id);

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.panel_test.title", T_STR("name", p->name));
	return screen_show(&s);
}

enum err admin_cmd_panel_test(struct talk *t, struct str args)
{
	return admin_with_panel(t, args, "a_test", ask_test);
}

enum err admin_on_panel_test(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return admin_with_panel(t, id, "a_test", ask_test);
}

/* System-wide looks are written to the audit (R080). */
static enum err ask_all(struct talk *t, enum panel_ask what, const char *action)
{
	struct panel *list = arena_array(t->a->arena, struct panel, PANELS_MAX);
	size_t count;
	enum err e = panel_list(list, &count, PANELS_MAX, t->a);

	for (size_t i = 0; !e && i < count; i++)
		e = panel_ask(t->a, list[i].id, what, t->chat_id);
	if (!e)
		e = admin_note(t, action, "panels", "all", NULL, NULL);
	if (e)
		return e;
	return admin_say(t, count ? "admin.online.asking" : "admin.panels.none");
}

static enum err ask_online(struct talk *t, const struct panel *p)
{
	const char *id = word_number(t->a, p->id);
	enum err e = panel_ask(t->a, p->id, ASK_ONLINE, t->chat_id);

	if (!e)
		e = admin_note(t, "panel.online", "panel", id, NULL, NULL);
	return e ? e : admin_say(t, "admin.online.asking");
}

enum err admin_cmd_online(struct talk *t, struct str args)
{
	if (args.len)
		return admin_with_panel(t, args, "a_online", ask_online);
	return ask_all(t, ASK_ONLINE, "panel.online");
}

enum err admin_on_online(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return admin_with_panel(t, id, "a_online", ask_online);
}

/* --- health --- */

/* What is wrong right now, with how often it has happened (R128). */
static enum err alerts_text(struct screen *s)
{
	struct db_rows r;

	db_select(&r, s->a->tx, "SELECT cause, count, first_ms, last_ms FROM alerts ORDER BY level DESC, first_ms LIMIT ?1", LINES_MAX);
	while (db_next(&r)) {
		screen_text(s, "admin.health.alert", T_STR("cause", db_str(&r, 0)));
		screen_text(s, "alert.folded", T_INT("count", db_i64(&r, 1)), T_MOMENT("since", db_i64(&r, 2)), T_MOMENT("last", db_i64(&r, 3)));
	}
	return db_end(&r);
}

static enum err show_health(struct talk *t)
{
	struct panel *list = arena_array(t->a->arena, struct panel, PANELS_MAX);
	struct screen s;
	size_t count;
	enum err e = panel_list(list, &count, PANELS_MAX, t->a);

	if (!e)
		e = admin_note(t, "panel.health", "panels", "all", NULL, NULL);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.health.title", T_MOMENT("at", t->a->now_ms));
	if (!count)
		screen_text(&s, "admin.panels.none");
	for (size_t i = 0; i < count; i++)
		admin_health_text(&s, &list[i]);
	e = alerts_text(&s);
	if (!e)
		e = admin_drifts_text(&s);
	if (e) {
		screen_drop(&s);
		return e;
	}
	screen_row(&s);
	if (count)
		screen_button(&s, "a_health", NULL, NULL, "button.refresh");
	return screen_show(&s);
}

enum err admin_cmd_health(struct talk *t, struct str args)
{
	(void)args;
	return show_health(t);
}

enum err admin_on_health(struct talk *t, struct str id, struct str arg)
{
	(void)id;
	(void)arg;
	return ask_all(t, ASK_HEALTH, "panel.health");
}

/* --- calls --- */

static enum err show_log(struct talk *t, const struct panel *p)
{
	struct panel_log_row *rows = arena_array(t->a->arena, struct panel_log_row, LINES_MAX);
	struct screen s;
	size_t count;
	enum err e = panel_log_list(rows, &count, LINES_MAX, t->a, p->id);

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.panel_log.title", T_STR("name", p->name));
	for (size_t i = 0; i < count; i++)
		screen_text(&s, "admin.panel_log.line", T_MOMENT("at", rows[i].at_ms), T_STR("call", rows[i].call),
			T_STR("result", rows[i].note && *rows[i].note ? rows[i].note : word_number(t->a, rows[i].status)), T_ID("ms", rows[i].duration_ms));
	if (!count)
		screen_text(&s, "admin.panel_log.none");
	return screen_show(&s);
}

enum err admin_cmd_panel_log(struct talk *t, struct str args)
{
	return admin_with_panel(t, args, "a_log", show_log);
}

enum err admin_on_panel_log(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return admin_with_panel(t, id, "a_log", show_log);
}

/* --- removal --- */

static enum err live_count(int64_t *out, struct act *a, int64_t panel_id)
{
	return db_get_i64(out, a->tx, "SELECT count(DISTINCT x.subscription_id) FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id"
		" WHERE x.panel_id=?1 AND x.deleted_ms=0 AND s.deleted_ms=0 AND s.gone=0", panel_id);
}

static enum err ask_del(struct talk *t, const struct panel *p)
{
	const char *id = word_number(t->a, p->id);
	struct screen s;
	int64_t live;
	enum err e = live_count(&live, t->a, p->id);

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.panel_del.ask", T_STR("name", p->name));
	if (live) {
		screen_text(&s, "admin.panel_del.live", T_INT("count", live));
		if (!p->drain)
			screen_button(&s, "a_drain", id, "1", "button.drain");
	}
	return confirm_show(&s, live ? "panel_keep" : "panel_del", id, NULL);
}

enum err admin_cmd_panel_del(struct talk *t, struct str args)
{
	return admin_with_panel(t, args, "a_pdel", ask_del);
}

enum err admin_on_panel_del(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return admin_with_panel(t, id, "a_pdel", ask_del);
}

static enum err del(struct talk *t, struct str subject, bool keep)
{
	struct panel p;
	struct screen s;
	int64_t id;
	enum err e;

	if (str_to_i64(&id, subject))
		return admin_panel_gone(t);
	e = panel_get(&p, t->a, id);
	if (!e)
		e = panel_delete(t->a, id, keep);
	if (!e)
		e = orders_displaced(t->a);
	if (e == E_CONFLICT) /* somebody bought there meanwhile: that is another question */
		return ask_del(t, &p);
	if (e)
		return e == E_NOTFOUND ? admin_panel_gone(t) : e;
	e = admin_note(t, "panel.del", "panel", word_number(t->a, id), NULL, keep ? "clients kept" : NULL);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.panel_del.done", T_STR("name", p.name));
	return screen_show(&s);
}

enum err admin_do_panel_del(struct talk *t, struct str subject, const char *reason)
{
	(void)reason;
	return del(t, subject, false);
}

enum err admin_do_panel_keep(struct talk *t, struct str subject, const char *reason)
{
	(void)reason;
	return del(t, subject, true);
}
