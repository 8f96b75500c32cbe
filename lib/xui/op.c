/* The turn of an operation: session calls first, then the program's own calls; every answer is judged in one place.
 *
 * Invariants:
 *  1. stage names the session call under way; R_NONE while the program's own call is (is_pending) or nothing is.
 *  2. A new login, a new CSRF token and a new detection happen at most once each, so an operation ends.
 *  3. After a lost session the program starts from its beginning: writes begin with a look, so nothing is sent twice
 *     unseen. */
#include "lib/xui/xui_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/enc.h"

#define PATH_MAX_BYTES 4096
#define LIST_BYTES_MAX JSON_CUT_BODY_MAX
#define KEY_BYTES_MIN 8 /* shorter ones are words that anybody may say */
#define HEAD_MAX 4096 /* of a raw stream, kept to tell an error from a file */

static program_fn *const programs[XUI_WHATS] = {
	[XUI_PROBE] = program_probe, [XUI_INBOUNDS] = program_inbounds, [XUI_LOOK] = program_look, [XUI_CLIENTS] = program_clients,
	[XUI_TRAFFIC_BY_UUID] = program_usage,
	[XUI_ADD] = program_add, [XUI_UPDATE] = program_update, [XUI_RESET] = program_reset, [XUI_DELETE] = program_delete,
	[XUI_ONLINES] = program_onlines, [XUI_IPS] = program_ips, [XUI_IPS_CLEAR] = program_ips_clear, [XUI_STATUS] = program_status,
	[XUI_BACKUP] = program_database, [XUI_SETTINGS] = program_settings, [XUI_INBOUND_ADD] = program_inbound_add,
	[XUI_INBOUND_UPDATE] = program_inbound_update, [XUI_INBOUND_DELETE] = program_inbound_delete,
};

struct xui_op *xui_op_new(struct arena *a, struct xui_panel *panel, const struct xui_ask *ask)
{
	struct xui_op *op = arena_new(a, struct xui_op);

	assert(ask->what < XUI_WHATS);
	op->arena = a;
	op->panel = panel;
	op->ask = *ask;
	op->program = programs[ask->what];
	op->result.msg = "";
	buf_init(&op->head, HEAD_MAX);
	buf_init(&op->settings, LIST_BYTES_MAX);
	if (ask->what == XUI_PROBE) {
		/* a trial must prove the password, not the memory of it */
		memset(&panel->session, 0, sizeof panel->session);
		panel->dialect = XUI_UNKNOWN;
		panel->version[0] = '\0';
		panel->changed = true;
	}
	return op;
}

const struct xui_result *xui_op_result(const struct xui_op *op)
{
	return &op->result;
}

static void cut_stop(struct xui_op *op)
{
	if (op->is_cutting)
		json_cut_release(&op->cut);
	op->is_cutting = false;
}

void xui_op_release(struct xui_op *op)
{
	cut_stop(op);
	buf_release(&op->head);
	buf_release(&op->settings);
}

struct str op_text(struct xui_op *op, struct str s)
{
	return str_n(arena_strndup(op->arena, s.at, s.len), s.len);
}

/* Panels say whose key is in the way: "subId already in use: …". Such words go to logs and to admins. */
static void blank_keys(char *msg, const struct xui_client *c)
{
	const struct str keys[] = { c->sub_id, c->uuid, c->password, c->auth };

	for (size_t i = 0; i < countof(keys); i++)
		for (char *at = msg; keys[i].len >= KEY_BYTES_MIN && (at = memmem(at, strlen(at), keys[i].at, keys[i].len));)
			memset(at, '*', keys[i].len);
}

void op_keep_msg(struct xui_op *op, struct str msg)
{
	struct str s = str_trim(utf8_clean(op->arena, utf8_head(msg, XUI_MSG_MAX)));
	char *kept = arena_strndup(op->arena, s.at, s.len);

	blank_keys(kept, &op->ask.client);
	blank_keys(kept, &op->ask.want);
	blank_keys(kept, &op->found);
	op->result.msg = kept;
}

enum xui_turn op_done(struct xui_op *op)
{
	op->result.err = OK;
	op->result.is_unknown = false;
	return XUI_DONE;
}

enum xui_turn op_fail(struct xui_op *op, enum err e, bool is_unknown, struct str msg)
{
	is_unknown |= op->maybe_done;
	op->result.err = is_unknown ? E_UNKNOWN : e;
	op->result.is_unknown = is_unknown;
	if (msg.len)
		op_keep_msg(op, msg);
	return XUI_FAILED;
}

enum xui_turn op_fail_reply(struct xui_op *op, const struct reply *r)
{
	return op_fail(op, r->err, r->is_unknown, json_str_at(r->doc, "msg"));
}

void op_restart(struct xui_op *op)
{
	cut_stop(op);
	buf_clear(&op->head);
	buf_clear(&op->settings);
	op->is_pending = false;
	op->phase = 0;
	memset(&op->result, 0, sizeof op->result);
	op->result.msg = "";
	op->found_count = op->clients_count = op->inbounds_cap = 0;
	op->is_deleted_once = op->is_lost = false;
	if (op->ask.sinks.on_restart)
		op->ask.sinks.on_restart(op->ask.sinks.ctx);
}

/* --- the program's calls --- */

static enum xui_turn call_set(struct xui_op *op, enum route_id route)
{
	op->call = (struct call){ .route = route, .inbound_id = op->ask.inbound_id, .email = op->ask.client.email };
	op->is_pending = true;
	return XUI_CALL;
}

enum xui_turn call_get(struct xui_op *op, enum route_id route)
{
	return call_set(op, route);
}

enum xui_turn call_send(struct xui_op *op, enum route_id route, struct str body)
{
	call_set(op, route);
	op->call.body = body;
	return XUI_CALL;
}

enum xui_turn call_stream(struct xui_op *op, enum route_id route, const struct json_cut_rule *rules, size_t count)
{
	call_set(op, route);
	op->call.rules = rules;
	op->call.rules_count = count;
	return XUI_CALL;
}

/* --- requests --- */

struct str url_join(struct arena *a, const struct xui_panel *p, const char *path)
{
	struct str base = str_of(p->url);

	while (str_ends(base, "/"))
		base.len--;
	return str_of(arena_printf(a, "%.*s/%s", STR_ARG(base), path));
}

static const char *path_filled(struct xui_op *op, const char *path)
{
	const struct { const char *name; struct str value; } slots[] = {
		{ "{inbound}", str_of(arena_printf(op->arena, "%lld", (long long)op->call.inbound_id)) },
		{ "{email}", op->call.email },
		{ "{key}", op->call.key },
	};
	struct buf b;
	const char *out;

	buf_init(&b, PATH_MAX_BYTES);
	while (*path) {
		bool filled = false;

		for (size_t i = 0; *path == '{' && i < countof(slots); i++) {
			if (strncmp(path, slots[i].name, strlen(slots[i].name)))
				continue;
			enc_percent(&b, slots[i].value, "");
			path += strlen(slots[i].name);
			filled = true;
			break;
		}
		if (!filled)
			buf_addc(&b, *path++);
	}
	out = b.over ? NULL : arena_strndup(op->arena, buf_cstr(&b), b.len);
	buf_release(&b);
	return out;
}

void request_begin(struct xui_op *op, struct http_request *next, const struct route *route, const char *path)
{
	const struct xui_panel *p = op->panel;
	bool wants_cookie = session_needs_cookie(op) || route->cookie_only;
	bool is_page = !*path || route == route_public(R_HOME);

	*next = (struct http_request){
		.method = route->method,
		.url = url_join(op->arena, p, path).at,
		.connect_timeout_ms = p->connect_timeout_ms,
		.timeout_ms = route->timeout_ms ? route->timeout_ms : route->writes ? XUI_WRITE_TIMEOUT_MS : XUI_READ_TIMEOUT_MS,
		.trust = p->trust, .proxy = p->proxy, .source_address = p->source_address,
	};
	http_add_header(next, "Accept", is_page ? "text/html" : "application/json");
	http_add_header(next, "Accept-Language", "en-US");               /* msg in English */
	http_add_header(next, "X-Requested-With", "XMLHttpRequest");     /* a lost session says 401 where it can (K7) */
	if (wants_cookie && p->session.cookie[0] && !(op->stage == R_CSRF && !op->want_csrf))
		http_add_header(next, "Cookie", arena_strdup(op->arena, p->session.cookie));
	if (wants_cookie && p->session.csrf[0] && route->method != HTTP_GET)
		http_add_header(next, "X-CSRF-Token", arena_strdup(op->arena, p->session.csrf));
	if (!wants_cookie)
		http_add_header(next, "Authorization", arena_printf(op->arena, "Bearer %s", p->token));
}

static enum err stream_piece(void *ctx, struct str piece);

static enum xui_turn send_own(struct xui_op *op, struct http_request *next)
{
	const struct route *route = &op->dialect->routes[op->call.route];
	const char *path = route->path ? path_filled(op, route->path) : NULL;

	if (!route->path)
		return op_fail(op, E_VERSION, false, STR("")); /* this generation has nothing of the kind */
	if (!path)
		return op_fail(op, E_INVALID, false, STR(""));
	op->is_html = op->is_fed = false;
	op->sink_err = OK;
	request_begin(op, next, route, path);
	if (op->call.body.len) {
		next->body = op->call.body;
		http_add_header(next, "Content-Type", "application/json");
	}
	if (!op->call.rules && !op->call.raw)
		return XUI_CALL;
	cut_stop(op);
	buf_clear(&op->head);
	if (op->call.rules) {
		json_cut_init(&op->cut, op->call.rules, op->call.rules_count, op);
		op->is_cutting = true;
	}
	next->sink = stream_piece;
	next->sink_ctx = op;
	next->body_bytes_max = LIST_BYTES_MAX;
	return XUI_CALL;
}

/* --- streams --- */

/* A login page with status 200 in place of the list: swallowed, judged when the answer is complete. */
static bool looks_like_html(struct xui_op *op, struct str piece)
{
	struct str s = str_trim(piece);

	if (!op->is_fed && s.len) {
		op->is_fed = true;
		op->is_html = s.at[0] == '<';
	}
	return op->is_html;
}

static enum err stream_piece(void *ctx, struct str piece)
{
	struct xui_op *op = ctx;

	if (looks_like_html(op, piece))
		return OK;
	if (!op->sink_err)
		op->sink_err = op->call.raw ? op->call.raw(op, piece) : json_cut_feed(&op->cut, piece);
	return op->sink_err;
}

/* --- answers --- */

bool answer_is_html(const struct http_response *answer)
{
	struct str body = str_trim(answer->body);

	return str_starts(http_header_get(answer, "content-type"), "text/html") || (body.len && body.at[0] == '<');
}

/* The forms in which a panel says "not logged in": 401, 404, a redirect, or a page where JSON was due (R010, R012). */
static bool is_session_lost(const struct xui_op *op, const struct http_response *answer)
{
	if (answer->failure != HTTP_FAIL_NONE || (answer->status == 404 && op->call.is_optional))
		return false;
	if (answer->status == 401 || answer->status == 404 || (answer->status >= 300 && answer->status < 400))
		return true;
	return answer->status == 200 && (op->is_html || (!op->call.raw && answer_is_html(answer)));
}

static bool is_write(const struct xui_op *op)
{
	return op->dialect->routes[op->call.route].writes;
}

static enum xui_turn session_lost(struct xui_op *op, const struct http_response *answer)
{
	bool is_page = answer->status == 200;

	/* 401, 404 and redirects come before the handler runs; a page with 200 may be a proxy's word about anything */
	if (is_page && is_write(op))
		op->maybe_done = true;
	if (session_needs_cookie(op) && !op->logged_in) {
		session_drop(op);
		op_restart(op);
		return XUI_CALL;
	}
	if (answer->status == 404 && !op->probed_again) {
		/* logged in and still nothing there: another version stands behind this address now */
		op->probed_again = true;
		op->panel->dialect = XUI_UNKNOWN;
		op->panel->version[0] = '\0';
		op->panel->changed = true;
		op->dialect = NULL;
		op->is_3x = false;
		session_drop(op);
		op_restart(op);
		return XUI_CALL;
	}
	return op_fail(op, answer->status == 404 ? E_NOTFOUND : E_AUTH, false, STR(""));
}

/* The panel's own words. Only this part is English whatever the panel's language: it comes from the program's code. */
static const struct { const char *part; enum err err; } refusals[] = {
	{ "Duplicate email", E_CONFLICT },
	{ "email already in use", E_CONFLICT },
	{ "subId already in use", E_CONFLICT },
	{ "Duplicate subId", E_CONFLICT },
	{ "Port already exists", E_CONFLICT },
	{ "already used by inbound", E_CONFLICT },
	{ "record not found", E_NOTFOUND },
	{ "empty client ID", E_NOTFOUND },
	{ "Client Not Found In Inbound", E_NOTFOUND },
	{ "Inbound Not Found For Email", E_NOTFOUND },
	{ "not found in any inbound", E_NOTFOUND },
	{ "client not found in inbound", E_NOTFOUND },
	{ "database is locked", E_BUSY },
	{ "UNIQUE constraint failed", E_UNKNOWN }, /* 3.1.0 has done part of it by then */
	{ "json: cannot unmarshal", E_INVALID },   /* ours to mend, never by repeating (R053) */
	{ "unexpected end of JSON input", E_INVALID },
	{ "looking for beginning of value", E_INVALID },
	{ "(EOF", E_INVALID },
	{ "strconv.", E_INVALID },
	{ "contains an invalid character", E_INVALID },
	{ "request body failed validation", E_INVALID },
	{ "at least one inbound", E_INVALID },
	{ "client email is required", E_INVALID },
};

static enum err refusal_of(struct str msg)
{
	for (size_t i = 0; i < countof(refusals); i++)
		if (str_has(msg, refusals[i].part))
			return refusals[i].err;
	return E_REFUSED;
}

/* One failed exchange: for a write, anything that is not certainly before the handler is unknown. */
static struct reply failed(const struct xui_op *op, enum err e, bool certain)
{
	bool unknown = is_write(op) && !certain;

	return (struct reply){ .err = unknown ? E_UNKNOWN : e, .is_unknown = unknown };
}

static struct reply judge_transport(const struct xui_op *op, const struct http_response *answer)
{
	bool unsent = answer->certain_unsent || answer->failure == HTTP_FAIL_RESOLVE || answer->failure == HTTP_FAIL_CONNECT ||
		answer->failure == HTTP_FAIL_TLS;

	if (op->sink_err)
		return failed(op, op->sink_err, false);
	return failed(op, answer->failure == HTTP_FAIL_TOOBIG ? E_TOOBIG : E_IO, unsent);
}

/* The envelope {success, msg, obj}; success decides, never a text and never the status alone (R021, R035). */
static struct reply judge_envelope(const struct xui_op *op, struct str body)
{
	struct json_object *doc = NULL;
	struct reply r;

	if (json_parse(&doc, body) || !json_at(doc, "success")) {
		json_object_put(doc);
		return failed(op, E_INVALID, false); /* empty, cut or no JSON: look before doing it again */
	}
	r = (struct reply){ .doc = doc, .obj = json_at(doc, "obj") };
	if (json_bool_at(doc, "success", false))
		return r;
	r.err = refusal_of(json_str_at(doc, "msg"));
	r.is_unknown = is_write(op) && r.err == E_UNKNOWN;
	return r;
}

static struct reply judge_stream(struct xui_op *op, const struct http_response *answer)
{
	/* a client without streams hands the body over whole */
	if (!op->is_fed && answer->body.len)
		stream_piece(op, answer->body);
	if (op->sink_err)
		return failed(op, op->sink_err, false);
	if (op->call.raw)
		return (struct reply){ .err = OK };
	if (json_cut_end(&op->cut))
		return failed(op, E_INVALID, false);
	return judge_envelope(op, json_cut_rest(&op->cut));
}

static struct reply judge(struct xui_op *op, const struct http_response *answer)
{
	if (answer->failure != HTTP_FAIL_NONE)
		return judge_transport(op, answer);
	if (answer->status >= 500)
		return failed(op, E_IO, false);
	if (answer->status != 200)
		return failed(op, E_REFUSED, true);
	if (op->call.rules || op->call.raw)
		return judge_stream(op, answer);
	return judge_envelope(op, answer->body);
}

static enum xui_turn own_answer(struct xui_op *op, const struct http_response *answer)
{
	const struct route *route = &op->dialect->routes[op->call.route];
	enum xui_turn turn;
	struct reply r;

	if (is_session_lost(op, answer))
		return session_lost(op, answer);
	if (answer->status == 403 && route->method != HTTP_GET && session_needs_cookie(op) && op->dialect->has_csrf && !op->csrf_again) {
		op->csrf_again = op->want_csrf = true;
		return XUI_CALL; /* refused before the handler: the same call again with a new token */
	}
	r = judge(op, answer);
	/* judge_stream may find the page only now, when the body came whole */
	if (op->is_html) {
		json_object_put(r.doc);
		return session_lost(op, answer);
	}
	op->is_pending = false;
	if (r.doc && json_str_at(r.doc, "msg").len)
		op_keep_msg(op, json_str_at(r.doc, "msg"));
	turn = op->program(op, &r);
	json_object_put(r.doc);
	return turn;
}

enum xui_turn xui_op_step(struct xui_op *op, const struct http_response *answer, int64_t now_ms, struct http_request *next)
{
	enum xui_turn turn = XUI_CALL;
	bool is_ready = false;

	op->now_ms = now_ms;
	op->dialect = dialect_of(op->panel);
	if (answer)
		turn = op->stage ? session_take(op, answer) : own_answer(op, answer);
	while (turn == XUI_CALL) {
		turn = session_prepare(op, next, &is_ready);
		if (turn != XUI_CALL || !is_ready)
			return turn;
		if (op->is_pending)
			return send_own(op, next);
		turn = op->program(op, NULL);
	}
	return turn;
}
