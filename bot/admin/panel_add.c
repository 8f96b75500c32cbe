/* A panel comes to the shop: address, name, credentials, trial login. What follows (inbounds, the customers' address) is
 * in inbounds.c, because it can be changed later in the same way.
 *
 * The dialogue's state holds address and name only; credentials go from the message straight into panel_add, which seals
 * them, and the message is deleted whatever was in it. */
#include "bot/admin/admin_private.h"

#include <string.h>

#include "lib/http/http.h"

#define URL_BYTES_MAX 255

/* --- address --- */

static bool has_plain_bytes(struct str url)
{
	for (size_t i = 0; i < url.len; i++)
		if (url.at[i] <= ' ' || url.at[i] >= 0x7F || strchr("@?#\"<>\\", url.at[i]))
			return false;
	return true;
}

/* What is wrong with it; NULL: usable. */
static const char *url_problem(struct str url)
{
	struct str host, port;
	int64_t number;

	if (!str_starts(url, "https://") && !str_starts(url, "http://"))
		return "admin.panel_add.url_scheme";
	if (url.len > URL_BYTES_MAX || !has_plain_bytes(url) || !admin_url_read(&host, &port, url) || link_host_reach(host) == LINK_REACH_NONE)
		return "admin.panel_add.url_host";
	if (str_to_i64(&number, port) || number < 1 || number > 65535)
		return "admin.panel_add.url_port";
	return NULL;
}

static enum err wrong_url(struct talk *t, const char *problem)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.panel_add.url_wrong", T_KEY("problem", problem));
	return screen_show(&s);
}

/* Which panel has this address, or this name. E_NOTFOUND: none. */
static enum err find_same(struct panel *out, struct act *a, const char *url, const char *name)
{
	struct panel *list = arena_array(a->arena, struct panel, PANELS_MAX);
	size_t count;
	enum err e = panel_list(list, &count, PANELS_MAX, a);

	for (size_t i = 0; !e && i < count; i++)
		if ((url && strcmp(list[i].url, url) == 0) || (name && strcmp(list[i].name, name) == 0)) {
			*out = list[i];
			return OK;
		}
	return e ? e : E_NOTFOUND;
}

static enum err known_url(struct talk *t, const struct panel *p)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.panel_add.url_known", T_ID("id", p->id), T_STR("name", p->name));
	screen_button(&s, "a_panel", word_number(t->a, p->id), NULL, "button.panel");
	return screen_show(&s);
}

enum err admin_cmd_panel_add(struct talk *t, struct str args)
{
	enum err e = OK;

	(void)args;
	if (admin_is_public(t, &e))
		return e;
	return admin_ask(t, "admin.panel_add.url", "a_purl", NULL);
}

static enum err warn_plain_http(struct talk *t, const char *url)
{
	struct screen s;
	enum err e = talk_expect(t, "a_purl", url); /* another address may be typed instead */

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.panel_add.url_http");
	screen_button(&s, "a_http", NULL, NULL, "button.continue_anyway");
	return screen_show(&s);
}

enum err admin_typed_panel_url(struct talk *t, struct str state, struct str text)
{
	struct str url = str_trim(text);
	const char *problem, *kept;
	struct panel same;
	enum err e;

	(void)state;
	while (str_ends(url, "/"))
		url.len--;
	problem = url_problem(url);
	if (problem)
		return wrong_url(t, problem);
	kept = arena_strndup(t->a->arena, url.at, url.len);
	e = find_same(&same, t->a, kept, NULL);
	if (e != E_NOTFOUND)
		return e ? e : known_url(t, &same);
	if (str_starts(url, "http://"))
		return warn_plain_http(t, kept);
	return admin_ask(t, "admin.panel_add.name", "a_pname", kept);
}

/* The state of the dialogue that a tap belongs to. False: it has ended. */
static bool state_of(struct str *state, struct talk *t, const char *dialogue)
{
	*state = str_of(t->user.dialogue);
	return str_is(str_cut(state, ':'), dialogue) && state->len;
}

enum err admin_on_plain_http(struct talk *t, struct str id, struct str arg)
{
	struct str url;

	(void)id;
	(void)arg;
	if (!state_of(&url, t, "a_purl"))
		return admin_say(t, "admin.panel_add.over");
	return admin_ask(t, "admin.panel_add.name", "a_pname", arena_strndup(t->a->arena, url.at, url.len));
}

/* --- name --- */

static enum err wrong_name(struct talk *t)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.panel_add.name_wrong", T_INT("max", NAME_POINTS_MAX));
	return screen_show(&s);
}

enum err admin_typed_panel_name(struct talk *t, struct str state, struct str text)
{
	const char *name = admin_read_name(t->a, text);
	struct panel same;
	enum err e;

	if (!name)
		return wrong_name(t);
	e = find_same(&same, t->a, NULL, name);
	if (e != E_NOTFOUND)
		return e ? e : wrong_name(t);
	return admin_ask(t, "admin.panel_add.credentials", "a_pkey", arena_printf(t->a->arena, "%.*s\n%s", STR_ARG(state), name));
}

/* --- credentials --- */

/* One line: a token. Two: user name and password. Three: the second factor's key too. */
static bool read_credentials(struct panel_given *g, struct act *a, struct str text)
{
	const char *line[3] = { NULL, NULL, NULL };
	struct str rest = str_trim(text);
	size_t count = 0;

	while (rest.at) {
		struct str part = str_trim(str_cut(&rest, '\n'));

		if (!part.len)
			continue;
		if (count == countof(line))
			return false;
		line[count++] = arena_strndup(a->arena, part.at, part.len);
	}
	if (count == 1 && !http_is_header_value(str_of(line[0])))
		return false; /* it will stand in one */
	if (count == 1)
		g->token = line[0];
	g->username = count > 1 ? line[0] : NULL;
	g->password = count > 1 ? line[1] : NULL;
	g->totp = line[2];
	return count > 0;
}

enum err admin_try_panel(struct talk *t, int64_t panel_id, const char *action, const char *detail)
{
	enum err e = admin_note(t, action, "panel", word_number(t->a, panel_id), NULL, detail);

	if (!e)
		e = panel_ask(t->a, panel_id, ASK_TRIAL, t->chat_id);
	if (!e)
		e = talk_expect_nothing(t);
	return e ? e : admin_say(t, "admin.panel_add.trying");
}

enum err admin_typed_panel_login(struct talk *t, struct str state, struct str text)
{
	struct panel_given given = { 0 };
	struct str url = str_cut(&state, '\n');
	bool plain = str_starts(url, "http://"); /* then the warning was answered */
	int64_t id;
	enum err e = talk_delete_typed(t);

	if (e)
		return e;
	if (!read_credentials(&given, t->a, text))
		return admin_say(t, "admin.panel_add.credentials_wrong");
	given.url = arena_strndup(t->a->arena, url.at, url.len);
	given.name = arena_strndup(t->a->arena, state.at, state.len);
	given.allow_http = &plain;
	e = panel_add(&id, t->a, &given);
	if (e == E_INVALID || e == E_REFUSED || e == E_CONFLICT)
		return admin_say(t, "admin.panel_add.over");
	return e ? e : admin_try_panel(t, id, "panel.add", NULL);
}

static enum err ask_login(struct talk *t, const struct panel *p)
{
	enum err e = OK;

	if (admin_is_public(t, &e))
		return e;
	return admin_ask(t, "admin.panel_add.credentials_again", "a_prekey", word_number(t->a, p->id));
}

enum err admin_on_panel_login(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return admin_with_panel(t, id, "a_plogin", ask_login);
}

enum err admin_typed_panel_relogin(struct talk *t, struct str state, struct str text)
{
	struct panel_given given = { 0 };
	int64_t id;
	enum err e = talk_delete_typed(t);

	if (e)
		return e;
	if (!read_credentials(&given, t->a, text))
		return admin_say(t, "admin.panel_add.credentials_wrong");
	e = str_to_i64(&id, state) ? E_NOTFOUND : panel_set(t->a, id, &given);
	if (e)
		return e == E_NOTFOUND ? admin_panel_gone(t) : e;
	return admin_try_panel(t, id, "panel.credentials", NULL);
}
