/* A call's arguments. The real server knows only named texts: JSON members become texts (nested ones stay JSON), and a
 * form's nested values are JSON inside text from the beginning. So does this. */
#include "tests/sim/botapi_private.h"

#include <string.h>

#include "lib/base/enc.h"

static bool take(struct call *c, struct str name, struct str value)
{
	if (c->args_count == BOTAPI_ARGS_MAX) {
		call_fail(c, 400, "Bad Request: too many arguments");
		return false;
	}
	if (!utf8_valid(name) || !utf8_valid(value)) {
		call_fail(c, 400, "Bad Request: strings must be encoded in UTF-8");
		return false;
	}
	c->args[c->args_count++] = (struct arg){ .name = name, .value = value };
	return true;
}

static struct str json_text(struct json_object *v)
{
	if (json_object_is_type(v, json_type_string))
		return str_n(json_object_get_string(v), (size_t)json_object_get_string_len(v));
	return str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static bool json_args(struct call *c)
{
	if (!utf8_valid(c->request->body)) {
		call_fail(c, 400, "Bad Request: strings must be encoded in UTF-8");
		return false;
	}
	if (json_parse(&c->json, c->request->body) || !json_object_is_type(c->json, json_type_object)) {
		call_fail(c, 400, "Bad Request: can't parse JSON object");
		return false;
	}
	json_object_object_foreach(c->json, key, member)
		if (member && !take(c, str_of(key), json_text(member)))
			return false;
	return true;
}

static struct str decoded(struct call *c, struct str s)
{
	struct buf b;
	struct str plain;

	buf_init(&b, s.len + 1);
	if (dec_percent(&b, s, true))
		buf_clear(&b);
	plain = str_n(arena_strndup(c->arena, buf_cstr(&b), b.len), b.len);
	buf_release(&b);
	return plain;
}

static bool form_args(struct call *c, struct str form)
{
	while (form.len) {
		struct str value = str_cut(&form, '&');
		struct str name = str_cut(&value, '=');

		if (name.len && !take(c, decoded(c, name), decoded(c, value)))
			return false;
	}
	return true;
}

/* name="value" inside a header line; empty if it is not there. */
static struct str parameter(struct str line, const char *name)
{
	const char *from = memmem(line.at, line.len, name, strlen(name));
	const char *end;

	if (!from)
		return STR("");
	from += strlen(name);
	end = memchr(from, '"', line.len - (size_t)(from - line.at));
	return end ? str_n(from, (size_t)(end - from)) : STR("");
}

static bool part_take(struct call *c, struct str part)
{
	const char *gap = memmem(part.at, part.len, "\r\n\r\n", 4);
	struct str head, body, name;

	if (!gap)
		return true;
	head = str_n(part.at, (size_t)(gap - part.at));
	body = str_n(gap + 4, part.len - head.len - 4);
	name = parameter(head, " name=\"");
	if (!str_has(head, "filename=\""))
		return take(c, name, body);
	if (!take(c, name, STR("")))
		return false;
	c->args[c->args_count - 1].is_file = true;
	c->args[c->args_count - 1].value = body;
	c->args[c->args_count - 1].file_name = parameter(head, "filename=\"");
	return true;
}

static bool multipart_args(struct call *c, struct str boundary)
{
	struct str rest = c->request->body;
	const char *mark = arena_printf(c->arena, "--%.*s", STR_ARG(boundary));
	size_t n = strlen(mark);
	const char *at = memmem(rest.at, rest.len, mark, n);

	while (at) {
		const char *from = at + n, *end = rest.at + rest.len;

		at = memmem(from, (size_t)(end - from), mark, n);
		if (!at || end - from < 2 || memcmp(from, "--", 2) == 0)
			return true;
		/* between the boundaries: CRLF, head, body, CRLF */
		if (at - from > 4 && !part_take(c, str_n(from + 2, (size_t)(at - from) - 4)))
			return false;
	}
	call_fail(c, 400, "Bad Request: can't parse multipart");
	return false;
}

static struct str header(const struct sim_request *r, const char *name)
{
	for (size_t i = 0; i < r->headers_count; i++)
		if (strcmp(r->headers[i].name, name) == 0)
			return str_of(r->headers[i].value);
	return STR("");
}

static struct str boundary_of(struct str type)
{
	const char *at = memmem(type.at, type.len, "boundary=", 9);
	struct str b = at ? str_n(at + 9, type.len - (size_t)(at - type.at) - 9) : STR("");

	b = str_cut(&b, ';');
	return b.len > 2 && b.at[0] == '"' ? str_n(b.at + 1, b.len - 2) : b;
}

bool args_read(struct call *c)
{
	struct str type = header(c->request, "content-type");
	struct str query = c->request->path;

	str_cut(&query, '?');
	if (query.len && !form_args(c, query))
		return false;
	if (c->request->body.len == 0)
		return true;
	if (str_has_nocase(type, "application/json"))
		return json_args(c);
	if (str_has_nocase(type, "multipart/form-data"))
		return multipart_args(c, boundary_of(type));
	if (str_has_nocase(type, "application/x-www-form-urlencoded"))
		return form_args(c, c->request->body);
	return true;    /* a body of another type is not looked at */
}

static const struct arg *find(const struct call *c, const char *name)
{
	for (size_t i = 0; i < c->args_count; i++)
		if (str_is_nocase(c->args[i].name, name))
			return &c->args[i];
	return NULL;
}

struct str arg(const struct call *c, const char *name)
{
	const struct arg *a = find(c, name);

	return a && !a->is_file ? a->value : STR("");
}

bool arg_has(const struct call *c, const char *name)
{
	return find(c, name) != NULL;
}

int64_t arg_i64(const struct call *c, const char *name, int64_t otherwise)
{
	int64_t i;

	return str_to_i64(&i, str_trim(arg(c, name))) ? otherwise : i;
}

bool arg_bool(const struct call *c, const char *name)
{
	struct str s = str_trim(arg(c, name));

	return str_is_nocase(s, "true") || str_is_nocase(s, "yes") || str_is(s, "1");
}

const struct arg *arg_file(const struct call *c, const char *name)
{
	const struct arg *a = find(c, name);

	return a && a->is_file ? a : NULL;
}

bool arg_json(struct json_object **out, const struct call *c, const char *name)
{
	struct str s = arg(c, name);

	*out = NULL;
	return s.len == 0 || json_parse(out, s) == OK;
}
