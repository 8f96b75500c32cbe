/* API tokens: 3.0.0 and 3.0.1 have one, later ones are named; 3.2.7 keeps only a hash and never shows a token again. */
#include "tests/sim/panel_private.h"

#define TOKEN_CHARS 48
#define NAME_MAX_CHARS 64
#define NAMED VERSION(3, 0, 2)
#define HASHED VERSION(3, 2, 7)
#define MOVED VERSION(3, 3, 0) /* from panel/setting/ to panel/api/setting/ */

#define CHANGED "The parameters have been changed."

bool panel_token_ok(struct panel_call *c)
{
	struct str header = panel_header(c->request, "authorization");

	if (c->sim->version < VERSION(3, 0, 0) || !str_starts(header, "Bearer "))
		return false;
	header = str_n(header.at + 7, header.len - 7);
	while (str_ends(header, " ")) /* net/http trims the value's end */
		header.len--;
	for (struct panel_token *t = c->sim->tokens; t; t = t->next)
		if (t->enabled && str_is(header, t->token))
			return true;
	return false;
}

static struct panel_token *token_new(struct panel_sim *sim, struct str name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	struct panel_token *t = xcalloc(1, sizeof *t), **at = &sim->tokens;

	t->id = ++sim->token_id_last;
	t->name = xstrndup(name.len ? name.at : "", name.len);
	t->token = xcalloc(1, TOKEN_CHARS + 1);
	for (size_t i = 0; i < TOKEN_CHARS; i++)
		t->token[i] = letters[rand_below(sizeof letters - 1)];
	t->enabled = true;
	t->created_ms = sim->now_ms;
	while (*at)
		at = &(*at)->next;
	*at = t;
	return t;
}

static void token_delete(struct panel_sim *sim, int64_t id)
{
	for (struct panel_token **at = &sim->tokens; *at; at = &(*at)->next) {
		struct panel_token *t = *at;

		if (t->id != id)
			continue;
		*at = t->next;
		free(t->name);
		free(t->token);
		free(t);
		return;
	}
}

void panel_token_release(struct panel_sim *sim)
{
	while (sim->tokens)
		token_delete(sim, sim->tokens->id);
}

static void token_write(struct json_out *j, const struct panel_sim *sim, const struct panel_token *t, bool shown)
{
	bool ms = panel_is(sim, VERSION(3, 1, 0), VERSION(3, 1, 99)); /* seconds before and after (live) */

	json_open(j, '{');
	json_put_i64(j, "id", t->id);
	json_put_cstr(j, "name", t->name);
	if (shown)
		json_put_cstr(j, "token", t->token);
	json_put_bool(j, "enabled", t->enabled);
	json_put_i64(j, "createdAt", ms ? t->created_ms : t->created_ms / SECOND_MS);
	json_close(j, '}');
}

static void answer_token(struct panel_call *c, const struct panel_token *t)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, 1024);
	json_out_init(&j, &b);
	token_write(&j, c->sim, t, true);
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

static void on_list(struct panel_call *c)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (struct panel_token *t = c->sim->tokens; t; t = t->next)
		token_write(&j, c->sim, t, c->sim->version < HASHED);
	json_close(&j, ']');
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

static const char *name_refused(struct panel_sim *sim, struct str name)
{
	if (!name.len)
		return "token name is required\n";
	if (name.len > NAME_MAX_CHARS)
		return "token name must be 64 characters or fewer\n";
	for (struct panel_token *t = sim->tokens; t; t = t->next)
		if (str_is(name, t->name))
			return "a token with that name already exists\n";
	return NULL;
}

static void on_create(struct panel_call *c)
{
	struct json_object *body = NULL;
	struct str name = { NULL, 0 };
	const char *error = NULL;

	if (!panel_body_is_json(c))
		name = panel_form(c, "name");
	else if (!(error = go_json_decode(&body, c->arena, c->request->body)))
		go_json_str(&name, json_at(body, "name"));
	name = str_trim(name);
	if (!error)
		error = name_refused(c->sim, name);
	if (error)
		panel_answer_fail(c, CHANGED, error);
	else
		answer_token(c, token_new(c->sim, name));
	json_object_put(body);
}

static void on_delete(struct panel_call *c)
{
	int64_t id;

	if (!panel_param_id(c, 0, &id, CHANGED))
		return;
	token_delete(c->sim, id);
	panel_answer_ok(c, CHANGED);
}

static void on_set_enabled(struct panel_call *c)
{
	struct json_object *body = NULL;
	bool enabled = false;
	int64_t id;

	if (!panel_param_id(c, 0, &id, CHANGED))
		return;
	if (panel_body_is_json(c)) {
		go_json_decode(&body, c->arena, c->request->body);
		go_json_bool(&enabled, json_at(body, "enabled"));
		json_object_put(body);
	} else {
		enabled = str_is(panel_form(c, "enabled"), "true");
	}
	for (struct panel_token *t = c->sim->tokens; t; t = t->next)
		if (t->id == id)
			t->enabled = enabled;
	panel_answer_ok(c, CHANGED);
}

static void answer_only_token(struct panel_call *c)
{
	panel_answer_obj(c, str_of(arena_printf(c->arena, "\"%s\"", c->sim->tokens->token)));
}

static void on_get_only(struct panel_call *c)
{
	if (!c->sim->tokens)
		token_new(c->sim, STR(""));
	answer_only_token(c);
}

static void on_regenerate(struct panel_call *c)
{
	panel_token_release(c->sim);
	token_new(c->sim, STR(""));
	answer_only_token(c);
}

const struct panel_route panel_token_routes[] = {
	{ HTTP_GET,  "panel/setting/getApiToken",                  VERSION(3, 0, 0), VERSION(3, 0, 1), AREA_PAGE, false, on_get_only },
	{ HTTP_POST, "panel/setting/regenerateApiToken",           VERSION(3, 0, 0), VERSION(3, 0, 1), AREA_PAGE, false, on_regenerate },
	{ HTTP_GET,  "panel/setting/apiTokens",                    NAMED, MOVED - 1,    AREA_PAGE, false, on_list },
	{ HTTP_POST, "panel/setting/apiTokens/create",             NAMED, MOVED - 1,    AREA_PAGE, false, on_create },
	{ HTTP_POST, "panel/setting/apiTokens/delete/:id",         NAMED, MOVED - 1,    AREA_PAGE, false, on_delete },
	{ HTTP_POST, "panel/setting/apiTokens/setEnabled/:id",     NAMED, MOVED - 1,    AREA_PAGE, false, on_set_enabled },
	{ HTTP_GET,  "panel/api/setting/apiTokens",                MOVED, VERSION_LAST, AREA_API,  false, on_list },
	{ HTTP_POST, "panel/api/setting/apiTokens/create",         MOVED, VERSION_LAST, AREA_API,  false, on_create },
	{ HTTP_POST, "panel/api/setting/apiTokens/delete/:id",     MOVED, VERSION_LAST, AREA_API,  false, on_delete },
	{ HTTP_POST, "panel/api/setting/apiTokens/setEnabled/:id", MOVED, VERSION_LAST, AREA_API,  false, on_set_enabled },
};
const size_t panel_token_routes_count = countof(panel_token_routes);
