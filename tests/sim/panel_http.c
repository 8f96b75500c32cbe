/* Bodies, parameters and answers of the panel, as gin reads and writes them. */
#include "tests/sim/panel_private.h"

struct str panel_header(const struct sim_request *r, const char *lower_case_name)
{
	for (size_t i = 0; i < r->headers_count; i++)
		if (!strcmp(r->headers[i].name, lower_case_name))
			return str_of(r->headers[i].value);
	return (struct str){ NULL, 0 };
}

struct str panel_cookie(const struct sim_request *r, const char *name)
{
	struct str rest = panel_header(r, "cookie");

	while (rest.at) {
		struct str value = str_trim(str_cut(&rest, ';'));
		struct str key = str_cut(&value, '=');

		if (str_is(key, name))
			return value.at ? value : STR("");
	}
	return (struct str){ NULL, 0 };
}

bool panel_is_xhr(const struct sim_request *r)
{
	return str_is(panel_header(r, "x-requested-with"), "XMLHttpRequest");
}

static struct str decoded(struct arena *a, struct str s)
{
	struct buf b;
	struct str out;

	buf_init(&b, s.len + 1);
	if (dec_percent(&b, s, true))
		buf_clear(&b);
	out = str_of(str_dup(a, buf_str(&b)));
	out.len = b.len;
	buf_release(&b);
	return out;
}

static struct str pairs_get(struct arena *a, struct str pairs, const char *name)
{
	while (pairs.at) {
		struct str value = str_cut(&pairs, '&');
		struct str key = str_cut(&value, '=');

		if (key.len && str_eq(decoded(a, key), str_of(name)))
			return value.at ? decoded(a, value) : STR("");
	}
	return (struct str){ NULL, 0 };
}

struct str panel_query(struct panel_call *c, const char *name)
{
	return pairs_get(c->arena, c->query, name);
}

static bool body_is(struct panel_call *c, const char *type)
{
	struct str header = panel_header(c->request, "content-type");

	return str_is_nocase(str_trim(str_cut(&header, ';')), type);
}

bool panel_body_is_json(struct panel_call *c)
{
	return body_is(c, "application/json");
}

bool panel_body_is_form(struct panel_call *c)
{
	return body_is(c, "application/x-www-form-urlencoded") || body_is(c, "multipart/form-data");
}

static struct str find(struct str hay, struct str needle)
{
	const char *at = hay.len ? memmem(hay.at, hay.len, needle.at, needle.len) : NULL;

	return at ? str_n(at, hay.len - (size_t)(at - hay.at)) : (struct str){ NULL, 0 };
}

/* One part of a multipart body: its text, or at == NULL. */
static struct str multipart_get(struct panel_call *c, const char *name)
{
	struct str type = panel_header(c->request, "content-type"), boundary, body = c->request->body;
	struct str field = str_of(arena_printf(c->arena, "name=\"%s\"", name));

	boundary = find(type, STR("boundary="));
	if (!boundary.at)
		return boundary;
	boundary = str_trim(str_n(boundary.at + 9, boundary.len - 9));
	if (boundary.len > 1 && *boundary.at == '"')
		boundary = str_n(boundary.at + 1, boundary.len - 2);
	boundary = str_of(arena_printf(c->arena, "--%.*s", STR_ARG(boundary)));
	for (body = find(body, boundary); body.at;) {
		struct str next, head, text;

		body = str_n(body.at + boundary.len, body.len - boundary.len);
		next = find(body, boundary);
		head = find(body, STR("\r\n\r\n"));
		if (!next.at || !head.at || head.at > next.at)
			break;
		text = str_n(head.at + 4, (size_t)(next.at - head.at) - 4);
		if (str_ends(text, "\r\n"))
			text.len -= 2;
		if (find(str_n(body.at, (size_t)(head.at - body.at)), field).at)
			return text;
		body = next;
	}
	return (struct str){ NULL, 0 };
}

struct str panel_form(struct panel_call *c, const char *name)
{
	struct str value = { NULL, 0 };

	if (body_is(c, "application/x-www-form-urlencoded"))
		value = pairs_get(c->arena, c->request->body, name);
	else if (body_is(c, "multipart/form-data"))
		value = multipart_get(c, name);
	return value.at ? value : panel_query(c, name);
}

bool panel_param_id(struct panel_call *c, size_t i, int64_t *out, const char *prefix)
{
	struct str s = c->params[i];
	enum err e = E_INVALID;

	if (s.len)
		e = str_to_i64(out, *s.at == '+' ? str_n(s.at + 1, s.len - 1) : s);
	if (!e)
		return true;
	panel_answer_fail(c, prefix, arena_printf(c->arena, "strconv.Atoi: parsing \"%.*s\": invalid syntax", STR_ARG(s)));
	return false;
}

/* --- answers --- */

void panel_add_header(struct panel_call *c, const char *name, const char *value)
{
	assert(c->response->headers_count < SIM_HEADERS_MAX);
	c->response->headers[c->response->headers_count++] = (struct http_header){ name, value };
}

void panel_answer_empty(struct panel_call *c, int status)
{
	c->response->status = status;
	c->response->body = STR("");
}

void panel_answer_bytes(struct panel_call *c, int status, const char *type, struct str body)
{
	c->response->status = status;
	c->response->body = body;
	panel_add_header(c, "Content-Type", type);
}

void panel_answer_json(struct panel_call *c, int status, struct str body)
{
	panel_answer_bytes(c, status, "application/json; charset=utf-8", body);
}

void panel_answer(struct panel_call *c, bool success, const char *msg, struct str obj)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_bool(&j, "success", success);
	json_put_cstr(&j, "msg", msg);
	json_key(&j, "obj");
	json_add_raw(&j, obj.len ? obj : STR("null"));
	json_close(&j, '}');
	panel_answer_json(c, 200, str_n(str_dup(c->arena, buf_str(&b)), b.len));
	buf_release(&b);
}

void panel_answer_obj(struct panel_call *c, struct str obj)
{
	panel_answer(c, true, "", obj);
}

void panel_answer_ok(struct panel_call *c, const char *msg)
{
	panel_answer(c, true, msg, STR(""));
}

void panel_answer_fail(struct panel_call *c, const char *prefix, const char *error)
{
	panel_answer(c, false, arena_printf(c->arena, "%s (%s)", prefix, error), STR(""));
}

void panel_redirect(struct panel_call *c, int status, const char *location)
{
	static const struct { int status; const char *words; } reasons[] = {
		{ 301, "Moved Permanently" }, { 307, "Temporary Redirect" },
	};

	panel_answer_empty(c, status);
	panel_add_header(c, "Location", location);
	if (c->request->method != HTTP_GET)
		return;
	panel_add_header(c, "Content-Type", "text/html; charset=utf-8");
	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].status == status)
			c->response->body = str_of(arena_printf(c->arena, "<a href=\"%s\">%s</a>.\n\n", location, reasons[i].words));
}
