/* obol check: every panel, step by step: name, TCP, TLS, login, list. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bot/check_private.h"
#include "bot/fleet/panel.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/links/address.h"
#include "lib/xui/xui.h"

#define CALLS_MAX 16        /* of one operation; a login that finds the dialect takes six */
#define WORDS_CHARS_MAX 120 /* of what the panel says about a refusal */

/* One panel under test. */
struct trial {
	struct check *check;
	const char *part;          /* how the line names it */
	int64_t id;                /* its number in the chat; 0: not in the database yet */
	struct xui_panel panel;
	bool reached;              /* it answered once: name, TCP and TLS are fine */
	int status;                /* of the last answer; 0: the last call failed, see trouble */
	struct check_trouble trouble;
	int64_t slowest_ms;
	const struct xui_result *result;
};

static bool is_tls(const struct trial *t)
{
	return str_starts(str_of(t->panel.url), "https://");
}

/* 3.x shows which dialect it speaks only behind the login, 2.x before it. */
static bool is_logged_in(const struct trial *t)
{
	return t->panel.session.created_ms != 0 || t->panel.dialect == XUI_B || t->panel.dialect == XUI_C;
}

/* The steps that are behind us, as the line shows them. */
static const char *steps_done(const struct trial *t)
{
	if (!t->reached)
		return t->trouble.step && strcmp(t->trouble.step, "TLS") == 0 ? "name ok, TCP ok, " :
			t->trouble.step && strcmp(t->trouble.step, "TCP") == 0 ? "name ok, " : "";
	if (is_logged_in(t))
		return is_tls(t) ? "name ok, TCP ok, TLS ok, login ok, " : "name ok, TCP ok, login ok, ";
	return is_tls(t) ? "name ok, TCP ok, TLS ok, " : "name ok, TCP ok, ";
}

/* --- the operation --- */

/* Trial login and list, one exchange after the other. */
static void run(struct trial *t)
{
	const struct xui_ask ask = { .what = XUI_PROBE };
	struct xui_op *op = xui_op_new(&t->check->arena, &t->panel, &ask);
	const struct http_response *answer = NULL;
	struct http_request request;
	int calls = 0;

	while (xui_op_step(op, answer, clock_now_ms(), &request) == XUI_CALL && calls++ < CALLS_MAX) {
		answer = check_ask(t->check, &request);
		t->status = answer->failure ? 0 : answer->status;
		if (answer->failure)
			t->trouble = check_trouble_of(t->check, answer, t->panel.url);
		else
			t->reached = true;
		if (answer->duration_ms > t->slowest_ms)
			t->slowest_ms = answer->duration_ms;
	}
	t->result = xui_op_result(op);
	xui_op_release(op);
}

/* --- what a failure means --- */

#define BASE_PATH "the address must end with the panel's web base path; `x-ui settings` on its server shows it"

/* The first row that fits; the last one always does. */
static const struct meaning {
	bool logged_in;               /* at which of the two steps */
	enum err err;                 /* OK: any */
	int status_min, status_max;
	const char *finding, *advice;
} meanings[] = {
	{ false, E_AUTH,     0, 999,   "name, password or second factor is refused", "try them in a browser, then enter them anew; five wrong ones block the name for 15 minutes" },
	{ false, E_NOTFOUND, 0, 999,   "there is nothing at this path", BASE_PATH },
	{ false, E_REFUSED,  300, 399, "it sends us to another address", "give the one the browser ends at, with https:// if it does" },
	{ false, E_REFUSED,  400, 400, "it does not understand us", "a port that speaks https needs an address with https://" },
	{ false, E_REFUSED,  0, 999,   "it refuses this machine", "is the panel set to another domain, or does a proxy before it filter?" },
	{ false, E_VERSION,  0, 999,   "something answers, but it is no 3X-UI panel", BASE_PATH },
	{ false, OK,         500, 599, "it fails by itself", "look into the panel's own log: x-ui log" },
	{ false, OK,         0, 999,   "its answer makes no sense", "is the address the panel's own? Does a proxy stand before it?" },
	{ true,  E_AUTH,     0, 999,   "the login is not kept", "does a proxy before the panel drop cookies?" },
	{ true,  E_BUSY,     0, 999,   "its database is locked", "try again; if it stays, restart the panel" },
	{ true,  OK,         0, 999,   "the inbounds could not be read", "look into the panel's own log: x-ui log" },
};

static const struct meaning *meaning_of(const struct trial *t, bool logged_in)
{
	const struct meaning *m = meanings;

	while (m->logged_in != logged_in || (m->err != OK && m->err != t->result->err) || t->status < m->status_min || t->status > m->status_max)
		m++;
	return m;
}

/* The panel's own words are foreign text: bounded, and only what it says about us. */
static const char *words(const struct trial *t)
{
	struct str said = utf8_head(str_of(t->result->msg), WORDS_CHARS_MAX);

	return said.len ? arena_printf(&t->check->arena, ": \"%.*s\"", STR_ARG(said)) : "";
}

static const char *where_to_enter(const struct trial *t)
{
	struct arena *arena = &t->check->arena;

	return t->id ? arena_printf(arena, "; enter it in the chat: /panel_set %" PRId64, t->id) : "; it comes from XUI_PANEL_URL, _USERNAME, _PASSWORD, _TOKEN";
}

static void say_failed(struct trial *t)
{
	struct check *c = t->check;
	bool logged_in = is_logged_in(t);
	const struct meaning *m;

	if (!t->status) {
		const char *pin = t->trouble.step && strcmp(t->trouble.step, "TLS") == 0 && t->id ?
			arena_printf(&c->arena, "; a certificate of its own can be pinned: /panel_set %" PRId64, t->id) : "";

		check_say(c, CHECK_FAIL, t->part, arena_printf(&c->arena, "%s%s", t->trouble.advice, pin), "%s%s", steps_done(t), t->trouble.finding);
		return;
	}
	m = meaning_of(t, logged_in);
	check_say(c, CHECK_FAIL, t->part, arena_printf(&c->arena, "%s%s", m->advice, logged_in ? "" : where_to_enter(t)),
		"%s%s: %s (status %d)%s", steps_done(t), logged_in ? "list" : "login", m->finding, t->status, words(t));
}

/* --- what a success is worth --- */

static void say_fine(struct trial *t)
{
	static const char *const support_advice[] = {
		[XUI_SUPPORT_UNKNOWN] = "this version was not tried with obol; if something is odd, say so and name it",
		[XUI_SUPPORT_GOOD] = NULL,
		[XUI_SUPPORT_POOR] = "update the panel: this version is known to lose or give away traffic of customers",
	};
	struct check *c = t->check;
	struct str authority = str_of(check_authority(c, t->panel.url)), host = str_starts(authority, "[") ? authority : str_cut(&authority, ':');
	enum xui_support support = xui_version_support(&t->panel);
	const char *advice = support_advice[support];
	size_t on = 0;

	for (size_t i = 0; i < t->result->inbounds_count; i++)
		on += t->result->inbounds[i].enabled;
	if (!on)
		advice = "make an inbound on the panel, or switch one on: there is nothing to sell from";
	else if (!advice && !is_tls(t) && link_host_reach(host) == LINK_REACH_PUBLIC)
		advice = "its password travels in clear: put a certificate on the panel and use https://";
	check_say(c, advice ? CHECK_WARN : CHECK_OK, t->part, advice, "%slist ok: %zu inbounds, %zu on; 3X-UI %s, dialect %s, up to %" PRId64 " ms",
		steps_done(t), t->result->inbounds_count, on, t->panel.version[0] ? t->panel.version : "of unknown version",
		xui_dialect_name(t->panel.dialect), t->slowest_ms);
}

static void try_panel(struct trial *t)
{
	const struct xui_panel *p = &t->panel;

	if (!(p->username && p->password) && !p->token) {
		check_say(t->check, CHECK_FAIL, t->part, arena_printf(&t->check->arena, "a name and a password, or an API token of 3.x%s", where_to_enter(t)), "there are no credentials");
		return;
	}
	run(t);
	if (t->result->err)
		say_failed(t);
	else
		say_fine(t);
}

/* --- all of them --- */

/* XUI_PANEL_… counts only while no row, deleted ones too, has its address (R019). */
static bool is_known(struct check *c, const char *url)
{
	int64_t n = 0;

	return c->db && db_get_i64(&n, c->db, "SELECT count(*) FROM panels WHERE url=?1", url) == OK && n > 0;
}

static void try_configured(struct check *c)
{
	const struct config *config = &c->config;
	struct trial t = { .check = c };

	t.part = arena_printf(&c->arena, "panel %s", check_authority(c, config->panel_url));
	t.panel = (struct xui_panel){ .url = config->panel_url, .username = config->panel_username, .password = config->panel_password, .token = config->panel_token,
		.source_address = config->panel_source };
	try_panel(&t);
}

static void try_stored(struct check *c, const struct panel *row)
{
	struct trial t = { .check = c, .id = row->id };
	enum err e;

	t.part = arena_printf(&c->arena, "panel %" PRId64 " %s", row->id, row->name);
	e = c->has_key ? panel_reach(&t.panel, &c->act, row->id) : E_AUTH;
	if (e)
		check_say(c, CHECK_FAIL, t.part, "mend the key first", "its credentials cannot be opened");
	else
		try_panel(&t);
}

void check_panels(struct check *c)
{
	bool configured = c->config.panel_url && !is_known(c, c->config.panel_url);
	struct panel *rows = arena_array(&c->arena, struct panel, PANELS_MAX);
	size_t count = 0;

	if (c->db && panel_list(rows, &count, PANELS_MAX, &c->act) != OK)
		check_say(c, CHECK_FAIL, "panels", "see what the line about the database says", "the list cannot be read");
	for (size_t i = 0; i < count; i++)
		try_stored(c, &rows[i]);
	if (configured)
		try_configured(c);
	if (!count && !configured)
		check_say(c, CHECK_WARN, "panels", "set XUI_PANEL_URL, or say /panel_add to the bot", "none yet: there is nothing to sell");
}
