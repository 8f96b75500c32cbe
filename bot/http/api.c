/* See api.h. */
#include "bot/http/api.h"

#include <inttypes.h>
#include <string.h>

#include "bot/shop/session.h"
#include "bot/shop/settings.h"
#include "lib/http/allow.h"

#define JSON_TYPE "application/json"
#define MESSAGE_BYTES_MAX 512

/* --- answers --- */

enum err api_answer(struct act *a, const struct http_inbound *in, int status, struct buf *body)
{
	inbound_answer(a, in, status, JSON_TYPE, str_of(str_dup(a->arena, buf_str(body))));
	buf_release(body);
	return OK;
}

static enum err answer_error(struct act *a, const struct http_inbound *in, int status, const char *message, const struct http_header *header)
{
	struct json_out j;
	struct buf body;

	buf_init(&body, MESSAGE_BYTES_MAX);
	json_out_init(&j, &body);
	json_open(&j, '{');
	json_put_cstr(&j, "message", message);
	json_close(&j, '}');
	inbound_answer_with(a, in, status, JSON_TYPE, str_of(str_dup(a->arena, buf_str(&body))), header);
	buf_release(&body);
	return OK;
}

enum err api_error(struct act *a, const struct http_inbound *in, int status, const char *message)
{
	static const struct http_header bearer = { "WWW-Authenticate", "Bearer" };

	return answer_error(a, in, status, message, status == 401 && strcmp(message, "unauthorized") == 0 ? &bearer : NULL);
}

enum err api_invalid(struct act *a, const struct http_inbound *in, const char *field)
{
	return api_error(a, in, 400, arena_printf(a->arena, "invalid field: %s", field));
}

static enum err answer_later(struct act *a, const struct http_inbound *in, int status, const char *message, int64_t seconds)
{
	struct http_header *header = arena_new(a->arena, struct http_header);

	*header = (struct http_header){ "Retry-After", arena_printf(a->arena, "%" PRId64, seconds) };
	return answer_error(a, in, status, message, header);
}

enum err api_unavailable(struct act *a, const struct http_inbound *in)
{
	return answer_later(a, in, 503, "temporarily unavailable", 1);
}

/* --- questions --- */

bool api_is_on(struct act *a, const struct http_inbound *in, enum err *e)
{
	if (setting_i64(a, SETTING_WEB_ACCOUNTS))
		return true;
	*e = api_error(a, in, 404, "not found");
	return false;
}

static bool is_json(struct str type)
{
	return str_is_nocase(str_trim(str_cut(&type, ';')), JSON_TYPE);
}

struct json_object *api_body(struct act *a, const struct http_inbound *in, enum err *e)
{
	struct json_object *o = NULL;

	if (!is_json(http_inbound_header(in, "content-type")))
		*e = api_error(a, in, 415, "unsupported media type");
	else if (in->body.len > API_BODY_BYTES_MAX)
		*e = api_error(a, in, 413, "request too large");
	else if (json_parse(&o, in->body) == OK && json_object_is_type(o, json_type_object))
		return o;
	else
		*e = api_error(a, in, 400, "invalid body");
	json_object_put(o);
	return NULL;
}

bool api_text(struct str *out, struct act *a, const struct http_inbound *in, struct json_object *o, const char *name, size_t min, size_t max, enum err *e)
{
	struct json_object *member = NULL;
	size_t points;

	*out = STR("");
	if (json_object_object_get_ex(o, name, &member) && json_object_is_type(member, json_type_string))
		*out = str_n(json_object_get_string(member), (size_t)json_object_get_string_len(member));
	else if (!member && min == 0)
		return true;
	out->at = arena_strndup(a->arena, out->at, out->len); /* a zero character in it stays, and is refused: what stands behind it is no less meant */
	points = utf8_points(*out);
	if (member && json_object_is_type(member, json_type_string) && points >= min && points <= max && !memchr(out->at, '\0', out->len))
		return true;
	*e = api_invalid(a, in, name);
	return false;
}

/* --- limits --- */

bool api_may(struct act *a, const struct http_inbound *in, struct limit *limit, struct str key, enum err *e)
{
	int64_t wait_ms = limit_take(limit, key, a->now_ms);

	if (!wait_ms)
		return true;
	*e = answer_later(a, in, 429, "too many requests", (wait_ms + 999) / 1000);
	return false;
}

static bool is_here(const char *remote)
{
	struct str s = str_of(remote);

	return str_starts(s, "127.") || str_is(s, "::1") || str_starts(s, "::ffff:127.");
}

static struct str home(struct act *a, struct str address)
{
	char *out = arena_alloc(a->arena, HTTP_HOME_CHARS);

	http_home_of(out, address);
	return str_of(out);
}

/* A proxy adds to what the caller said, in the same header or, as HAProxy does, in one more: only the last word is its. */
struct str api_address(struct act *a, const struct http_inbound *in)
{
	struct str told = STR(""), last = STR("");

	if (!is_here(in->remote))
		return home(a, str_of(in->remote));
	for (size_t i = 0; i < in->headers_count; i++)
		if (strcmp(in->headers[i].name, "x-forwarded-for") == 0)
			told = str_of(in->headers[i].value);
	while (told.at)
		last = str_trim(str_cut(&told, ','));
	return last.len ? home(a, last) : str_of(in->remote);
}

/* --- who asks --- */

bool api_user(struct user *out, int64_t *session_id, struct act *a, const struct http_inbound *in, enum err *e)
{
	struct str token = http_inbound_header(in, "authorization");

	*e = E_AUTH;
	if (str_is_nocase(str_cut(&token, ' '), "bearer") && token.len)
		*e = session_user(out, session_id, a, str_trim(token));
	if (!*e)
		return true;
	if (*e == E_AUTH)
		*e = api_error(a, in, 401, "unauthorized");
	else if (*e == E_REFUSED)
		*e = api_error(a, in, 403, "user inactive");
	return false;
}
