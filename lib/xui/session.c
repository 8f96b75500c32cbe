/* What stands before an operation's own call: which dialect, a CSRF token, a login.
 *
 *                 csrf-token ── 200 ──> 3.x ──> login (or API token) ──> server/status ── panelVersion ──> C
 *   unknown ──>       │                                                      │  └─ obj null ── clients/list/paged ──> C or B
 *                    404 ──> login page ── assets/…?2.8.5 ──> A ──> login     └── no panelVersion ──> B ──> panel/ (version)
 *
 * With a known dialect: a session that is fresh is used; otherwise csrf-token (3.x) and login. */
#include "lib/xui/xui_private.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/enc.h"

#define CLOCKS_DIFFER_MS (5 * SECOND_MS)
#define ANSWER_BYTES_MAX ((size_t)1 << 20) /* pages and short answers; whoever sends more is cut off before he is believed */

static void changed(struct xui_op *op)
{
	op->panel->changed = true;
}

void session_drop(struct xui_op *op)
{
	memset(&op->panel->session, 0, sizeof op->panel->session);
	op->csrf_ready = false;
	changed(op);
}

static bool has_password(const struct xui_panel *p)
{
	return p->username && p->password;
}

static bool token_counts(const struct xui_op *op)
{
	bool has_tokens = op->dialect ? op->dialect->has_tokens : op->is_3x;

	return op->panel->token && op->panel->token[0] && has_tokens;
}

static const struct route *route_of(const struct xui_op *op)
{
	enum route_id id = op->is_pending ? op->call.route : R_NONE;

	return op->dialect ? &op->dialect->routes[id] : NULL;
}

/* Before the program has chosen its call, the token is good enough; a cookie_only route asks again. */
bool session_needs_cookie(const struct xui_op *op)
{
	const struct route *r = route_of(op);

	return !token_counts(op) || (r && r->cookie_only);
}

static bool is_fresh(const struct xui_op *op)
{
	const struct xui_session *s = &op->panel->session;
	int64_t rotate_ms = op->panel->session_rotate_ms;

	if (!s->created_ms || !s->cookie[0] || op->now_ms + XUI_SESSION_MARGIN_MS >= s->expires_ms)
		return false;
	if (s->created_ms > op->now_ms)
		return false; /* the clock went back: its age means nothing */
	return !rotate_ms || op->now_ms < s->created_ms + rotate_ms;
}

/* The next session call, R_NONE when the way is free. */
static enum route_id next_stage(const struct xui_op *op)
{
	bool is_3x = op->dialect ? op->dialect->has_csrf : op->is_3x;

	if (op->detour)
		return op->detour;
	if (!op->dialect && !op->is_3x)
		return R_CSRF;
	if (op->want_csrf)
		return R_CSRF;
	if (session_needs_cookie(op) && !is_fresh(op))
		return is_3x && !op->csrf_ready ? R_CSRF : R_LOGIN;
	if (!op->dialect)
		return R_STATUS;
	return op->want_version && session_needs_cookie(op) ? R_HOME : R_NONE;
}

static struct str login_body(struct xui_op *op)
{
	struct buf b;
	struct str out;
	char code[7];

	buf_init(&b, 4096);
	buf_adds(&b, "username=");
	enc_percent(&b, str_of(op->panel->username), "");
	buf_adds(&b, "&password=");
	enc_percent(&b, str_of(op->panel->password), "");
	op->code_ms = op->code_again ? op->code_ms : op->now_ms;
	if (op->panel->totp_secret && !xui_totp(code, str_of(op->panel->totp_secret), op->code_ms))
		buf_printf(&b, "&twoFactorCode=%s", code);
	out = op_text(op, buf_str(&b));
	buf_release(&b);
	return out;
}

enum xui_turn session_prepare(struct xui_op *op, struct http_request *next, bool *is_ready)
{
	enum route_id id = next_stage(op);
	const struct route *route = id == R_NONE ? NULL : route_public(id);

	*is_ready = !route;
	if (!route)
		return XUI_CALL;
	if (id == R_LOGIN) {
		int64_t rest_ms = op->now_ms - op->panel->login_refused_ms;

		if (!has_password(op->panel))
			return op_fail(op, E_AUTH, false, STR(""));
		if (op->panel->login_refused_ms && rest_ms >= 0 && rest_ms < XUI_LOGIN_REST_MS && op->ask.what != XUI_PROBE)
			return op_fail(op, E_AUTH, false, STR(""));
	}
	op->stage = id;
	op->detour = R_NONE;
	request_begin(op, next, route, route->path);
	next->body_bytes_max = ANSWER_BYTES_MAX;
	if (id == R_LOGIN) {
		next->body = login_body(op);
		http_add_header(next, "Content-Type", "application/x-www-form-urlencoded");
	}
	return XUI_CALL;
}

/* --- answers --- */

/* The panel's own cookie among those it sends: "3x-ui", before 2.3.8 "session". The last one wins. */
static bool take_cookie(struct xui_op *op, const struct http_response *answer)
{
	bool found = false;

	for (size_t i = 0; i < answer->headers_count; i++) {
		struct str rest = str_of(answer->headers[i].value), pair = str_trim(str_cut(&rest, ';'));
		struct str value = pair, name;

		if (strcmp(answer->headers[i].name, "set-cookie"))
			continue;
		name = str_cut(&value, '=');
		if (!(str_is(name, "3x-ui") || str_is(name, "session")) || !value.len || pair.len >= XUI_COOKIE_MAX || !http_is_header_value(pair))
			continue;
		memcpy(op->panel->session.cookie, pair.at, pair.len);
		op->panel->session.cookie[pair.len] = '\0';
		found = true;
	}
	if (found)
		changed(op);
	return found;
}

static bool take_csrf(struct xui_op *op, struct str token)
{
	if (!token.len || token.len >= XUI_CSRF_MAX || !http_is_header_value(token))
		return false;
	memcpy(op->panel->session.csrf, token.at, token.len);
	op->panel->session.csrf[token.len] = '\0';
	op->csrf_ready = true;
	op->want_csrf = false;
	changed(op);
	return true;
}

static void set_dialect(struct xui_op *op, enum xui_dialect d, struct str version)
{
	struct xui_panel *p = op->panel;

	p->dialect = d;
	snprintf(p->version, sizeof p->version, "%.*s", STR_ARG(utf8_head_bytes(version, sizeof p->version - 1)));
	op->dialect = dialect_of(p);
	op->is_3x = false;
	changed(op);
}

/* No answer, or none that says anything: nothing of the operation itself was sent. */
static enum xui_turn fail_io(struct xui_op *op)
{
	return op_fail(op, E_IO, false, STR(""));
}

/* Digits and dots behind "assets/…?" on the login page of 2.x are the panel's version. */
static struct str page_version(struct str page)
{
	const char *at = page.at, *end = page.at + page.len;

	while (at && at < end && (at = memmem(at, (size_t)(end - at), "assets/", 7))) {
		const char *q = at + 7, *v;
		int dots = 0;

		while (q < end && *q != '?' && *q != '"' && *q != '\'' && *q != '>' && *q != '\n')
			q++;
		for (v = q + 1; q < end && *q == '?' && v < end && ((*v >= '0' && *v <= '9') || *v == '.'); v++)
			dots += *v == '.';
		if (dots == 2)
			return str_n(q + 1, (size_t)(v - q - 1));
		at += 7;
	}
	return STR("");
}

/* What stands between two marks, "" when they are not there. */
static struct str between(struct str page, const char *before, char end)
{
	const char *at = page.len ? memmem(page.at, page.len, before, strlen(before)) : NULL;
	const char *stop;

	if (!at)
		return STR("");
	at += strlen(before);
	stop = memchr(at, end, (size_t)(page.at + page.len - at));
	return stop ? str_n(at, (size_t)(stop - at)) : STR("");
}

static enum xui_turn take_csrf_answer(struct xui_op *op, const struct http_response *answer)
{
	struct json_object *doc = NULL;
	bool ok = false;

	if (answer->status == 404) {
		op->detour = R_PAGE;
		return XUI_CALL;
	}
	if (answer->status == 200 && json_parse(&doc, answer->body) == OK)
		ok = take_csrf(op, json_str_at(doc, "obj"));
	json_object_put(doc);
	if (!ok)
		return op_fail(op, answer->status == 200 ? E_VERSION : answer->status >= 500 ? E_IO : E_REFUSED, false, STR(""));
	take_cookie(op, answer);
	op->is_3x = !op->dialect;
	return XUI_CALL;
}

static enum xui_turn take_page(struct xui_op *op, const struct http_response *answer)
{
	struct str version = page_version(answer->body);
	struct str csrf = between(answer->body, "<meta name=\"csrf-token\" content=\"", '"');

	if (answer->status == 404)
		return op_fail(op, E_NOTFOUND, false, STR(""));
	if (answer->status >= 500)
		return op_fail(op, E_IO, false, STR(""));
	if (answer->status == 200 && csrf.len && take_csrf(op, csrf)) {
		take_cookie(op, answer); /* 3.x whose csrf-token a proxy keeps back */
		op->is_3x = !op->dialect;
		return XUI_CALL;
	}
	if (answer->status != 200 || !version.len)
		return op_fail(op, E_VERSION, false, STR(""));
	op->csrf_ready = op->want_csrf = false;
	set_dialect(op, XUI_A, version);
	return XUI_CALL;
}

/* A panel takes the code of its present step alone and says of another what it says of a wrong password: the request may have
 * come in the next step, or the panel's clock may be a little away from ours. 0: no other code is worth a try. */
static int64_t other_code_ms(const struct xui_op *op)
{
	const int64_t times[] = { op->now_ms, op->now_ms + CLOCKS_DIFFER_MS, op->now_ms - CLOCKS_DIFFER_MS };

	for (size_t i = 0; op->panel->totp_secret && !op->code_again && i < countof(times); i++)
		if (times[i] / XUI_TOTP_STEP_MS != op->code_ms / XUI_TOTP_STEP_MS)
			return times[i];
	return 0;
}

static enum xui_turn login_refused(struct xui_op *op, struct json_object *doc)
{
	int64_t code_ms = other_code_ms(op);

	if (code_ms) {
		op->code_ms = code_ms;
		op->code_again = true;
		op->detour = R_LOGIN; /* with the same CSRF token */
		return XUI_CALL;
	}
	op_keep_msg(op, json_str_at(doc, "msg"));
	op->panel->login_refused_ms = op->now_ms;
	session_drop(op);
	return op_fail(op, E_AUTH, false, str_of(op->result.msg));
}

static enum xui_turn take_login(struct xui_op *op, const struct http_response *answer)
{
	struct xui_panel *p = op->panel;
	struct json_object *doc = NULL;
	int64_t lifetime_ms = p->session_lifetime_ms ? p->session_lifetime_ms : XUI_SESSION_LIFETIME_MS;
	enum xui_turn turn = XUI_CALL;

	if (answer->status == 403 && op->dialect && !op->dialect->has_csrf && !op->probed_again) {
		op->probed_again = true; /* it was 2.x when we met: updated since then */
		set_dialect(op, XUI_UNKNOWN, STR(""));
		return XUI_CALL;
	}
	if (answer->status == 404)
		return op_fail(op, E_NOTFOUND, false, STR(""));
	if (answer->status == 403)
		return op_fail(op, E_REFUSED, false, STR(""));
	if (answer->status == 200 && answer_is_html(answer))
		return op_fail(op, E_VERSION, false, STR("")); /* a web page where the panel was */
	if (answer->status != 200 || json_parse(&doc, answer->body))
		return fail_io(op);
	if (!json_bool_at(doc, "success", false))
		turn = login_refused(op, doc);
	else if (!take_cookie(op, answer))
		turn = fail_io(op); /* success without a cookie: the panel could not save the session */
	json_object_put(doc);
	if (turn != XUI_CALL || op->detour)
		return turn;
	p->session.created_ms = op->now_ms;
	p->session.expires_ms = op->now_ms + lifetime_ms;
	p->login_refused_ms = 0;
	op->logged_in = true;
	op->csrf_ready = false;
	changed(op);
	return XUI_CALL;
}

static enum xui_turn take_status(struct xui_op *op, const struct http_response *answer)
{
	struct json_object *doc = NULL;
	struct str version;

	if (answer->status == 401 || answer->status == 404 || answer->status == 403)
		return op_fail(op, E_AUTH, false, STR("")); /* the route is in every 3.x: it is us */
	if (answer->status != 200 || json_parse(&doc, answer->body))
		return fail_io(op);
	version = json_str_at(doc, "obj.panelVersion");
	if (version.len) {
		set_dialect(op, XUI_C, version);
	} else if (json_at(doc, "obj")) {
		set_dialect(op, XUI_B, STR(""));
		op->want_version = true;
	} else {
		op->detour = R_CROSS; /* no snapshot yet, right after the panel's start */
	}
	json_object_put(doc);
	return XUI_CALL;
}

static enum xui_turn take_cross(struct xui_op *op, const struct http_response *answer)
{
	if (answer->status != 200 && answer->status != 404)
		return fail_io(op);
	set_dialect(op, answer->status == 200 ? XUI_C : XUI_B, STR(""));
	return XUI_CALL;
}

/* Only a courtesy: 3.0.x tells its version nowhere else without asking the internet. */
static enum xui_turn take_home(struct xui_op *op, const struct http_response *answer)
{
	op->want_version = false;
	if (answer->status == 200)
		set_dialect(op, op->panel->dialect, between(answer->body, "X_UI_CUR_VER=\"", '"'));
	return XUI_CALL;
}

enum xui_turn session_take(struct xui_op *op, const struct http_response *answer)
{
	static enum xui_turn (*const takes[ROUTES])(struct xui_op *, const struct http_response *) = {
		[R_CSRF] = take_csrf_answer, [R_PAGE] = take_page, [R_LOGIN] = take_login, [R_STATUS] = take_status,
		[R_CROSS] = take_cross, [R_HOME] = take_home,
	};
	enum route_id stage = op->stage;

	op->stage = R_NONE;
	if (answer->failure != HTTP_FAIL_NONE)
		return fail_io(op);
	return takes[stage](op, answer);
}
