/* Programs that change something. Each that names a client begins with a look: a second add of a client that is there
 * stops Xray for everybody at its next restart (3.0.2), and an update replaces the whole client, so it must be read first. */
#include "lib/xui/xui_private.h"

#include <string.h>

#define BODY_MAX ((size_t)256 << 10)
#define INBOUND_WRITE_MAX ((size_t)16 << 20) /* an inbound with all its clients, to be written back */

static enum xui_turn finish(struct xui_op *op, const struct reply *r)
{
	return r->err ? op_fail_reply(op, r) : op_done(op);
}

static enum xui_turn refuse(struct xui_op *op, enum err e)
{
	return op_fail(op, e, false, STR("")); /* nothing was sent */
}

static struct str body_of(struct xui_op *op, struct buf *b)
{
	struct str out = op_text(op, buf_str(b));

	buf_release(b);
	return out;
}

/* The body of addClient and updateClient in 2.x and 3.0.x: settings is JSON inside a string (R026), with this one client
 * alone in the list, because only the first is looked at (R043, K5). */
static struct str body_in_inbound(struct xui_op *op, const struct xui_client *base, const struct xui_client *want, unsigned change,
				  const char *method)
{
	struct buf inner, outer;
	struct json_out j;

	buf_init(&inner, BODY_MAX);
	buf_init(&outer, 2 * BODY_MAX);
	json_out_init(&j, &inner);
	json_open(&j, '{');
	json_key(&j, "clients");
	json_open(&j, '[');
	xui_client_write(&j, base, want, change, method, op->now_ms);
	json_close(&j, ']');
	json_close(&j, '}');
	json_out_init(&j, &outer);
	json_open(&j, '{');
	json_put_i64(&j, "id", op->ask.inbound_id);
	json_put_str(&j, "settings", buf_str(&inner));
	json_close(&j, '}');
	buf_release(&inner);
	return body_of(op, &outer);
}

/* A key with a slash cannot stand in a path: the panel splits it there even when it is escaped. */
static bool is_addressable(struct str key)
{
	return key.len && !str_has(key, "/");
}

/* --- Shadowsocks ---
 *
 * Panels before 3.4.2 hand a user of the 2022 methods to the running Xray in a form it refuses, after having taken the old
 * one out; 2.9.3 to 3.0.x do so with the AES methods, too. A new client is let in by the panel's own restart of Xray
 * within 30 s. A changed one stays out for good: the configuration is the same as at Xray's start, so the panel sees
 * nothing to restart for (seen on 2.8.5, 2.9.4, 3.0.2, 3.1.0). Restarting Xray drops everybody's connections; it is what
 * the panel does after an add anyway. */

static bool is_lost(const struct dialect *d, struct str method)
{
	if (str_starts(method, "2022-"))
		return d->loses_2022_users;
	return d->loses_aes_users && method.len && !str_has_nocase(method, "chacha20");
}

bool xui_renewal_restarts(const struct xui_panel *p, struct str method)
{
	const struct dialect *d = dialect_of(p);

	return d && is_lost(d, method);
}

/* The write went well: restart where the client would be shut out otherwise. */
static enum xui_turn let_in(struct xui_op *op, int phase)
{
	if (!op->is_lost)
		return op_done(op);
	op->phase = phase;
	return call_send(op, R_XRAY_RESTART, STR(""));
}

/* Without the restart the write is only half done: to be looked at and repeated. */
static enum xui_turn restarted(struct xui_op *op, const struct reply *r)
{
	return r->err ? op_fail(op, E_UNKNOWN, true, json_str_at(r->doc, "msg")) : op_done(op);
}

/* --- update --- */

enum { UPDATE_LOOK, UPDATE_SENT, UPDATE_OPTIONS, UPDATE_RESTARTED };

static enum xui_turn send_update(struct xui_op *op, const struct xui_client *want, unsigned change)
{
	const struct xui_client *base = &op->result.look.client;
	struct str key = op->dialect->has_records ? base->email : xui_client_key(base, op->inbound.protocol);
	struct json_out j;
	struct buf b;

	if (!is_addressable(key))
		return refuse(op, E_INVALID);
	if (!op->dialect->has_records) {
		call_send(op, R_CLIENT_UPDATE, body_in_inbound(op, base, want, change, NULL));
	} else {
		buf_init(&b, BODY_MAX);
		json_out_init(&j, &b);
		xui_client_write(&j, base, want, change, NULL, op->now_ms);
		call_send(op, R_CLIENT_UPDATE, body_of(op, &b));
	}
	op->call.email = base->email;
	op->call.key = key;
	return XUI_CALL;
}

/* A new Shadowsocks password must have the size that the inbound's method wants. */
static struct str fitting_password(struct xui_op *op, struct str method, struct str password)
{
	struct buf b;

	buf_init(&b, 1024);
	xui_shadowsocks_key(&b, method, password);
	return body_of(op, &b);
}

static struct json_object *option_of(struct json_object *options, int64_t inbound_id)
{
	for (size_t i = 0; i < json_len(options); i++) {
		struct json_object *o = json_object_array_get_idx(options, i);

		if (json_i64_at(o, "id", 0) == inbound_id)
			return o;
	}
	return NULL;
}

/* The first panels with such a list do not tell the method: then it may be one of those. */
static bool may_be_lost(const struct dialect *d, struct json_object *option)
{
	struct str method = json_str_at(option, "ssMethod");

	if (!method.len && str_is(json_str_at(option, "protocol"), "shadowsocks"))
		return d->loses_2022_users;
	return is_lost(d, method);
}

static enum xui_turn update_sent(struct xui_op *op, const struct reply *r)
{
	const struct xui_client *base = &op->result.look.client;
	bool enabled = op->ask.change & XUI_SET_ENABLED ? op->ask.want.enabled : base->enabled;

	if (r->err)
		return op_fail_reply(op, r);
	if (!enabled || !op->dialect->loses_2022_users)
		return op_done(op);
	if (op->dialect->has_records) {
		op->phase = UPDATE_OPTIONS; /* a client's record does not say in what kinds of inbounds it is */
		return call_get(op, R_OPTIONS);
	}
	op->is_lost = is_lost(op->dialect, inbound_shadowsocks_method(op->arena, &op->inbound));
	return let_in(op, UPDATE_RESTARTED);
}

static enum xui_turn update_options(struct xui_op *op, const struct reply *r)
{
	const struct xui_client *base = &op->result.look.client;

	if (r->err)
		return restarted(op, r);
	for (size_t i = 0; i < base->inbounds_count; i++)
		op->is_lost |= may_be_lost(op->dialect, option_of(r->obj, base->inbound_ids[i]));
	return let_in(op, UPDATE_RESTARTED);
}

enum xui_turn program_update(struct xui_op *op, const struct reply *r)
{
	const struct xui_look *l = &op->result.look;
	struct xui_client want = op->ask.want;

	if (!r)
		return look_begin(op);
	if (op->phase == UPDATE_SENT)
		return update_sent(op, r);
	if (op->phase == UPDATE_OPTIONS)
		return update_options(op, r);
	if (op->phase == UPDATE_RESTARTED)
		return restarted(op, r);
	if (look_taken(op, r))
		return op_fail_reply(op, r);
	if (l->is_taken || l->found > 1)
		return refuse(op, E_CONFLICT);
	if (!l->exists)
		return refuse(op, E_NOTFOUND);
	if (op->ask.change & XUI_SET_PASSWORD)
		want.password = fitting_password(op, inbound_shadowsocks_method(op->arena, &op->inbound), want.password);
	op->phase = UPDATE_SENT;
	return send_update(op, &want, op->ask.change);
}

/* --- add --- */

enum { ADD_LOOK, ADD_OPTIONS, ADD_SENT, ADD_RESTARTED };

/* The client as this inbound wants it. */
static struct xui_client fitted(struct xui_op *op, struct str protocol, struct str method, bool carries_vision)
{
	struct xui_client c = op->ask.client;

	c.raw = str_n(NULL, 0);
	c.password = fitting_password(op, method, c.password);
	if (!c.auth.len && str_starts(protocol, "hysteria"))
		c.auth = c.password;
	if (!c.flow.len && carries_vision)
		c.flow = STR("xtls-rprx-vision");
	return c;
}

static enum xui_turn add_to_inbound(struct xui_op *op)
{
	const struct xui_inbound *in = &op->inbound;
	struct str method = inbound_shadowsocks_method(op->arena, in);
	struct xui_client c = fitted(op, in->protocol, method, inbound_carries_vision(in));
	const char *client_method = str_is(in->protocol, "shadowsocks") ? str_dup(op->arena, xui_shadowsocks_client_method(method)) : NULL;

	if (op->dialect->needs_client_list && !in->takes_clients)
		return refuse(op, E_REFUSED);
	if (op->ask.more_inbounds_count || !c.email.len || !is_addressable(xui_client_key(&c, in->protocol)))
		return refuse(op, E_INVALID);
	op->result.look.client = c;
	op->is_lost = is_lost(op->dialect, method);
	op->phase = ADD_SENT;
	return call_send(op, R_CLIENT_ADD, body_in_inbound(op, NULL, &c, 0, client_method));
}

static bool is_attached(const struct xui_client *c, int64_t inbound_id)
{
	for (size_t i = 0; i < c->inbounds_count; i++)
		if (c->inbound_ids[i] == inbound_id)
			return true;
	return false;
}

static int64_t wanted_inbound(const struct xui_op *op, size_t i)
{
	return i ? op->ask.more_inbounds[i - 1] : op->ask.inbound_id;
}

/* All wanted inbounds, or those that the client has not got. */
static size_t put_inbounds(const struct xui_op *op, struct json_out *j, const struct xui_client *but)
{
	size_t n = 0;

	json_key(j, "inboundIds");
	json_open(j, '[');
	for (size_t i = 0; i <= op->ask.more_inbounds_count; i++) {
		if (but && is_attached(but, wanted_inbound(op, i)))
			continue;
		json_add_i64(j, wanted_inbound(op, i));
		n++;
	}
	json_close(j, ']');
	return n;
}

/* An existing client gets another inbound by attach; add would overwrite its limits (3.6.0) or keys (3.1.0). */
static enum xui_turn attach_missing(struct xui_op *op)
{
	struct json_out j;
	struct buf b;
	size_t missing;
	struct str body;

	buf_init(&b, BODY_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	missing = put_inbounds(op, &j, &op->result.look.client);
	json_close(&j, '}');
	body = body_of(op, &b);
	op->result.existed = true;
	if (!missing)
		return op_done(op);
	op->phase = ADD_SENT;
	return call_send(op, R_CLIENT_ATTACH, body);
}

/* Flow only if every inbound carries it: 3.1.0 stores it as sent and shuts the client out of the others. */
static enum xui_turn add_record(struct xui_op *op, const struct reply *r)
{
	struct json_object *options = json_object_is_type(r->obj, json_type_array) ? r->obj : NULL;
	struct str protocol = STR(""), method = STR("");
	bool carries_vision = true;
	struct xui_client c;
	struct json_out j;
	struct buf b;

	for (size_t i = 0; i <= op->ask.more_inbounds_count; i++) {
		struct json_object *o = option_of(options, wanted_inbound(op, i));

		if (!o) {
			op->result.look.inbound_gone = options != NULL;
			return refuse(op, E_NOTFOUND);
		}
		carries_vision &= json_bool_at(o, "tlsFlowCapable", false);
		if (str_starts(json_str_at(o, "protocol"), "hysteria"))
			protocol = json_str_at(o, "protocol");
		if (json_str_at(o, "ssMethod").len)
			method = json_str_at(o, "ssMethod");
		op->is_lost |= may_be_lost(op->dialect, o);
	}
	if (op->result.existed) /* all are there: then it was something else */
		return op_fail(op, E_UNKNOWN, true, STR(""));
	c = fitted(op, protocol, method, carries_vision);
	if (!is_addressable(c.email))
		return refuse(op, E_INVALID);
	op->result.look.client = c;
	buf_init(&b, BODY_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_key(&j, "client");
	xui_client_write(&j, NULL, &c, 0, NULL, op->now_ms);
	put_inbounds(op, &j, NULL);
	json_close(&j, '}');
	op->phase = ADD_SENT;
	return call_send(op, R_CLIENT_ADD, body_of(op, &b));
}

static enum xui_turn add_after_look(struct xui_op *op)
{
	const struct xui_look *l = &op->result.look;

	if (l->is_taken || l->found > 1)
		return refuse(op, E_CONFLICT);
	if (l->inbound_gone)
		return refuse(op, E_NOTFOUND);
	if (l->exists && op->dialect->has_records)
		return attach_missing(op);
	if (l->exists) {
		op->result.existed = true;
		return op_done(op);
	}
	if (!op->dialect->has_records)
		return add_to_inbound(op);
	op->phase = ADD_OPTIONS;
	return call_get(op, R_OPTIONS);
}

/* In 3.1+ work over several inbounds is no transaction: an error may leave the first ones done. "Not found" to an attach is
 * what it says of an inbound that is no more. */
static enum xui_turn add_finish(struct xui_op *op, const struct reply *r)
{
	struct reply seen = *r;

	if (seen.err == E_NOTFOUND && op->result.existed && !op->ask.more_inbounds_count) {
		op->phase = ADD_OPTIONS;
		return call_get(op, R_OPTIONS);
	}
	if (seen.err && op->dialect->has_records && seen.err != E_CONFLICT && seen.err != E_INVALID)
		seen.is_unknown |= seen.doc != NULL;
	return seen.err ? op_fail_reply(op, &seen) : let_in(op, ADD_RESTARTED);
}

enum xui_turn program_add(struct xui_op *op, const struct reply *r)
{
	if (!r)
		return look_begin(op);
	if (op->phase == ADD_SENT)
		return add_finish(op, r);
	if (op->phase == ADD_RESTARTED)
		return restarted(op, r);
	if (op->phase == ADD_OPTIONS)
		return r->err ? op_fail_reply(op, r) : add_record(op, r);
	return look_taken(op, r) ? op_fail_reply(op, r) : add_after_look(op);
}

/* --- delete --- */

enum { DELETE_LOOK, DELETE_SENT, DELETE_DISABLED };

/* What cannot be deleted is switched off, and must not renew itself. */
static enum xui_turn disable_instead(struct xui_op *op)
{
	const struct xui_client off = { .enabled = false };

	op->result.kept_disabled = true;
	if (!op->result.look.client.enabled && !op->result.look.client.reset_days)
		return op_done(op);
	op->phase = DELETE_DISABLED;
	return send_update(op, &off, XUI_SET_ENABLED | XUI_SET_RESET);
}

static enum xui_turn delete_after_look(struct xui_op *op)
{
	const struct xui_look *l = &op->result.look;
	bool is_last = op->dialect->keeps_last_client && l->clients_in_inbound <= l->found;
	struct str key = op->dialect->has_records ? l->client.email : xui_client_key(&l->client, op->inbound.protocol);

	if (!l->exists)
		return op_done(op); /* gone, or the name is somebody else's by now */
	if (is_last && l->found > 1)
		return refuse(op, E_CONFLICT); /* switching off one copy would leave the other (B51) */
	if (is_last || op->is_deleted_once)
		return disable_instead(op);
	if (!is_addressable(key))
		return refuse(op, E_INVALID);
	op->phase = DELETE_SENT;
	call_send(op, R_CLIENT_DELETE, STR(""));
	op->call.email = l->client.email;
	op->call.key = key;
	return XUI_CALL;
}

/* "Not found" is success in 3.1+; in 2.x and 3.0.x it may also mean that the traffic row is missing and nothing was
 * deleted, and "refused" that this was the last client after all: look once more. */
static enum xui_turn delete_answered(struct xui_op *op, const struct reply *r)
{
	bool is_gone = !r->err || (r->err == E_NOTFOUND && op->dialect->has_records);
	bool look_again = (r->err == E_NOTFOUND || r->err == E_REFUSED) && op->dialect->keeps_last_client;

	if (is_gone)
		return op_done(op);
	if (!look_again)
		return op_fail_reply(op, r);
	op->is_deleted_once = true;
	op->phase = DELETE_LOOK;
	return look_begin(op);
}

enum xui_turn program_delete(struct xui_op *op, const struct reply *r)
{
	if (!r)
		return look_begin(op);
	if (op->phase == DELETE_SENT)
		return delete_answered(op, r);
	if (op->phase == DELETE_DISABLED)
		return finish(op, r);
	return look_taken(op, r) ? op_fail_reply(op, r) : delete_after_look(op);
}

/* --- short ones --- */

enum xui_turn program_reset(struct xui_op *op, const struct reply *r)
{
	return r ? finish(op, r) : call_send(op, R_CLIENT_RESET, STR(""));
}

enum xui_turn program_ips_clear(struct xui_op *op, const struct reply *r)
{
	return r ? finish(op, r) : call_send(op, R_IPS_CLEAR, STR(""));
}

/* --- inbounds (R057) --- */

/* One inbound whose settings are empty or no JSON makes the whole panel refuse every new client. */
static bool is_json_object(struct str text)
{
	struct json_object *o;
	bool yes = json_parse(&o, text) == OK && json_object_is_type(o, json_type_object);

	json_object_put(o);
	return yes;
}

static bool is_writable(const struct xui_inbound *in)
{
	return is_json_object(in->settings) && (!in->stream_settings.len || is_json_object(in->stream_settings)) &&
		(!in->sniffing.len || is_json_object(in->sniffing)) && in->protocol.len && in->port > 0 && in->port <= 65535;
}

static struct str inbound_body(struct xui_op *op, const struct xui_inbound *in)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, INBOUND_WRITE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_bool(&j, "enable", in->enabled);
	json_put_str(&j, "remark", in->remark);
	json_put_str(&j, "listen", in->listen);
	json_put_i64(&j, "port", in->port);
	json_put_str(&j, "protocol", in->protocol);
	json_put_i64(&j, "expiryTime", in->expires_ms);
	json_put_i64(&j, "total", in->quota_bytes);
	json_put_str(&j, "settings", in->settings); /* as text: every generation takes it so */
	json_put_str(&j, "streamSettings", in->stream_settings);
	json_put_str(&j, "sniffing", in->sniffing);
	json_close(&j, '}');
	return body_of(op, &b);
}

enum xui_turn program_inbound_add(struct xui_op *op, const struct reply *r)
{
	if (!r && !is_writable(&op->ask.inbound))
		return refuse(op, E_INVALID);
	if (!r)
		return call_send(op, R_INBOUND_ADD, inbound_body(op, &op->ask.inbound));
	op->result.inbound_id = json_i64_at(r->obj, "id", 0);
	return finish(op, r);
}

/* Already gone is success. */
enum xui_turn program_inbound_delete(struct xui_op *op, const struct reply *r)
{
	if (!r)
		return call_send(op, R_INBOUND_DELETE, STR(""));
	return r->err == E_NOTFOUND ? op_done(op) : finish(op, r);
}

enum { INBOUND_LOOK, INBOUND_SENT };

static enum err keep_settings(void *ctx, struct str text)
{
	struct xui_op *op = ctx;

	buf_add(&op->settings, text);
	return OK;
}

/* The settings with all clients pass through as they stand on the wire; they are never a tree. */
static const struct json_cut_rule inbound_rules[] = {
	{ .path = "obj.settings", .fn = keep_settings, .bytes_max = INBOUND_WRITE_MAX },
	{ .path = "obj.clientStats" },
};

static bool put_changed(struct json_out *j, const struct xui_inbound *in, unsigned change, const char *key)
{
	const struct { const char *key; unsigned change; enum { TEXT, NUMBER, SWITCH } kind; struct str text; int64_t number; } parts[] = {
		{ "remark", XUI_INBOUND_REMARK, TEXT, in->remark, 0 },
		{ "listen", XUI_INBOUND_LISTEN, TEXT, in->listen, 0 },
		{ "streamSettings", XUI_INBOUND_STREAM, TEXT, in->stream_settings, 0 },
		{ "sniffing", XUI_INBOUND_SNIFFING, TEXT, in->sniffing, 0 },
		{ "port", XUI_INBOUND_PORT, NUMBER, STR(""), in->port },
		{ "expiryTime", XUI_INBOUND_EXPIRES, NUMBER, STR(""), in->expires_ms },
		{ "total", XUI_INBOUND_QUOTA, NUMBER, STR(""), in->quota_bytes },
		{ "enable", XUI_INBOUND_ENABLED, SWITCH, STR(""), in->enabled },
	};

	for (size_t i = 0; i < countof(parts); i++) {
		if (!(change & parts[i].change) || strcmp(key, parts[i].key))
			continue;
		if (parts[i].kind == TEXT)
			json_put_str(j, key, parts[i].text);
		else if (parts[i].kind == NUMBER)
			json_put_i64(j, key, parts[i].number);
		else
			json_put_bool(j, key, parts[i].number);
		return true;
	}
	return false;
}

/* The whole inbound goes back: what is left out becomes zero. Without id: in 3.1+ it would win over the path. */
static enum xui_turn send_inbound(struct xui_op *op, struct json_object *o)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, 2 * INBOUND_WRITE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_object_object_foreach(o, key, value) {
		if (!strcmp(key, "id") || !strcmp(key, "clientStats"))
			continue;
		if (put_changed(&j, &op->ask.inbound, op->ask.inbound_change, key))
			continue;
		json_key(&j, key);
		if (!strcmp(key, "settings"))
			json_add_raw(&j, buf_str(&op->settings));
		else
			json_add_raw(&j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	}
	json_close(&j, '}');
	op->phase = INBOUND_SENT;
	return call_send(op, R_INBOUND_UPDATE, body_of(op, &b));
}

enum xui_turn program_inbound_update(struct xui_op *op, const struct reply *r)
{
	const struct xui_inbound *in = &op->ask.inbound;
	unsigned change = op->ask.inbound_change;

	if (!r && (((change & XUI_INBOUND_STREAM) && !is_json_object(in->stream_settings)) ||
		   ((change & XUI_INBOUND_SNIFFING) && !is_json_object(in->sniffing))))
		return refuse(op, E_INVALID);
	if (!r) {
		buf_clear(&op->settings);
		return call_stream(op, R_INBOUND, inbound_rules, countof(inbound_rules));
	}
	if (op->phase == INBOUND_SENT)
		return finish(op, r);
	if (r->err)
		return op_fail_reply(op, r);
	if (!json_object_is_type(r->obj, json_type_object) || !op->settings.len)
		return refuse(op, E_NOTFOUND);
	return send_inbound(op, r->obj);
}
