/* Programs that only read. Lists flow through the cutter: what is held is one element. */
#include "lib/xui/xui_private.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/date.h"

#define INBOUND_BYTES_MAX ((size_t)1 << 20) /* one inbound without its clients: certificates, fallbacks */
#define SECONDS_MAX INT64_C(253402300800)     /* the year 10000 */
#define SQLITE_MAGIC "SQLite format 3"      /* 16 bytes with its terminator */
#define SQLITE_MAGIC_BYTES 16

/* --- look ---
 *
 * A, B: the inbound flows by, its clients are compared one by one; then the traffic row.
 * C:    the client's record, then the traffic row. */

enum { LOOK_CLIENT, LOOK_TRAFFIC };

/* Comparing text before parsing spares nearly all parsing: an e-mail or key that is not even in the text is no match.
 * Text with an escape in it is parsed to be sure. */
static bool may_be_it(const struct xui_client *who, struct str text)
{
	const struct str marks[] = { who->email, who->uuid, who->password, who->auth };

	if (text.len && memchr(text.at, '\\', text.len))
		return true;
	for (size_t i = 0; i < countof(marks); i++)
		if (marks[i].len && memmem(text.at, text.len, marks[i].at, marks[i].len))
			return true;
	return false;
}

static bool is_member(struct json_object *o, const char *key, struct str wanted)
{
	return wanted.len && str_eq(json_str_at(o, key), wanted);
}

/* The client wanted by e-mail stays the first choice; one with another e-mail and the same key counts as found too. */
static enum err look_client(void *ctx, struct str text)
{
	struct xui_op *op = ctx;
	const struct xui_client *who = &op->ask.client;
	struct json_object *o;
	bool has_email, has_key;

	op->clients_count++;
	if (!may_be_it(who, text) || json_parse(&o, text))
		return OK;
	has_email = is_member(o, "email", who->email);
	has_key = is_member(o, "id", who->uuid) || is_member(o, "password", who->password) || is_member(o, "auth", who->auth);
	json_object_put(o);
	if (!has_email && !has_key)
		return OK;
	op->found_count++;
	if (op->found_count > 1 && !has_email)
		return OK;
	return xui_client_read(&op->found, op->arena, text, XUI_SHAPE_CLIENT);
}

static const struct json_cut_rule look_rules[] = {
	{ .path = "obj.settings$.clients[]", .fn = look_client },
	{ .path = "obj.clientStats" },
};

enum xui_turn look_begin(struct xui_op *op)
{
	op->found_count = op->clients_count = 0;
	if (op->dialect->has_records)
		return call_get(op, R_CLIENT);
	return call_stream(op, R_INBOUND, look_rules, countof(look_rules));
}

static void look_judge(struct xui_op *op)
{
	struct xui_look *l = &op->result.look;

	op->maybe_done = false; /* seen with our own eyes */
	l->found = op->found_count;
	l->clients_in_inbound = op->clients_count;
	if (!l->found)
		return;
	l->client = op->found;
	l->exists = xui_client_is_same(&op->found, &op->ask.client);
	l->is_taken = !l->exists;
}

static void take_record(struct xui_op *op, const struct reply *r)
{
	struct xui_client ids = { 0 };

	xui_client_take(&op->found, op->arena, json_at(r->obj, "client"), XUI_SHAPE_RECORD);
	xui_client_take(&ids, op->arena, r->obj, XUI_SHAPE_RECORD); /* inboundIds stand beside the client */
	memcpy(op->found.inbound_ids, ids.inbound_ids, sizeof ids.inbound_ids);
	op->found.inbounds_count = ids.inbounds_count;
	op->found_count = 1;
}

enum err look_taken(struct xui_op *op, const struct reply *r)
{
	struct xui_look *l = &op->result.look;

	memset(l, 0, sizeof *l);
	if (r->err && r->err != E_NOTFOUND)
		return r->err;
	if (!r->err && op->dialect->has_records && json_at(r->obj, "client"))
		take_record(op, r);
	if (!op->dialect->has_records) {
		l->inbound_gone = r->err == E_NOTFOUND || !r->obj;
		inbound_take(&op->inbound, op->arena, r->obj);
		op->inbound.clients_count = op->clients_count;
		op->found.inbound_ids[0] = op->inbound.id;
		op->found.inbounds_count = 1;
		l->protocol = op->inbound.protocol;
	}
	look_judge(op);
	return OK;
}

/* Enforcement reads the row, Xray's users come from the settings (panel-api.md 7.3). After a depletion the row alone may be
 * off; a row that is on beside settings that are off is the mark of a reset without an update. */
static bool row_agrees(const struct xui_client *c, const struct xui_traffic *t)
{
	return c->quota_bytes == t->quota_bytes && c->expires_ms == t->expires_ms && c->reset_days == t->reset_days &&
		(c->enabled || !t->enabled);
}

static void take_traffic(struct xui_op *op, const struct reply *r)
{
	struct xui_look *l = &op->result.look;

	l->has_row = !r->err && json_object_is_type(r->obj, json_type_object); /* success with null: no such row (R054) */
	if (!l->has_row)
		return;
	xui_traffic_take(&l->traffic, op->arena, r->obj);
	l->agrees = row_agrees(&l->client, &l->traffic);
}

enum xui_turn program_look(struct xui_op *op, const struct reply *r)
{
	if (!r)
		return look_begin(op);
	if (op->phase == LOOK_CLIENT) {
		if (look_taken(op, r))
			return op_fail_reply(op, r);
		if (!op->result.look.found)
			return op_done(op);
		op->phase = LOOK_TRAFFIC;
		call_get(op, R_TRAFFIC);
		op->call.email = op->result.look.client.email;
		return XUI_CALL;
	}
	if (r->err && r->err != E_NOTFOUND)
		return op_fail_reply(op, r);
	take_traffic(op, r);
	return op_done(op);
}

/* --- inbounds --- */

static enum err count_client(void *ctx, struct str text)
{
	struct xui_op *op = ctx;

	(void)text;
	op->clients_count++;
	return OK;
}

static struct xui_inbound *inbound_room(struct xui_op *op)
{
	struct xui_result *r = &op->result;
	struct xui_inbound *more;

	if (r->inbounds_count < op->inbounds_cap)
		return &r->inbounds[r->inbounds_count++];
	op->inbounds_cap = op->inbounds_cap ? op->inbounds_cap * 2 : 16;
	more = arena_array(op->arena, struct xui_inbound, op->inbounds_cap);
	if (r->inbounds_count)
		memcpy(more, r->inbounds, r->inbounds_count * sizeof *more);
	r->inbounds = more;
	return &r->inbounds[r->inbounds_count++];
}

static enum err list_inbound(void *ctx, struct str text)
{
	struct xui_op *op = ctx;
	struct xui_inbound *in;
	struct json_object *o;

	if (op->result.inbounds_count == XUI_INBOUNDS_MAX)
		return E_TOOBIG;
	if (json_parse(&o, text))
		return E_INVALID;
	in = inbound_room(op);
	inbound_take(in, op->arena, o);
	in->clients_count = op->clients_count;
	op->clients_count = 0;
	json_object_put(o);
	return OK;
}

static const struct json_cut_rule inbounds_rules[] = {
	{ .path = "obj[]", .fn = list_inbound, .bytes_max = INBOUND_BYTES_MAX },
	{ .path = "obj[].settings$.clients[]", .fn = count_client },
	{ .path = "obj[].clientStats" },
};

/* --- hosts ---
 *
 * 3.4 lists rows. 3.5 and later list groups: what the rows of a group have in common, the inbounds and the addresses; the
 * panel keeps one row for each pair of those, and so do we. Rows of equal sortOrder come by remark in a list of groups and
 * by their number, which no list shows, in the panel's own links. */

enum { INBOUNDS_LIST, INBOUNDS_HOSTS };

static void add_host(struct xui_op *op, int64_t inbound_id, struct str row)
{
	struct xui_result *r = &op->result;

	if (!r->hosts)
		r->hosts = arena_array(op->arena, struct xui_host, XUI_HOSTS_MAX);
	if (inbound_id && r->hosts_count < XUI_HOSTS_MAX)
		r->hosts[r->hosts_count++] = (struct xui_host){ inbound_id, row };
}

/* "cdn.example.com:8443", "[2001:db8::1]:8443"; "cdn.example.com", "2001:db8::1" and "" without a port of their own. */
static struct str host_cut(int64_t *port, struct str s)
{
	size_t colon = s.len;
	struct str address;

	*port = 0;
	while (colon && s.at[colon - 1] != ':')
		colon--;
	if (!colon)
		return s;
	address = str_n(s.at, colon - 1);
	if (str_has(address, ":") && !str_ends(address, "]"))
		return s; /* the colon is the address's */
	if (str_to_i64(port, str_n(s.at + colon, s.len - colon)))
		*port = 0;
	return *port > 0 && *port <= 65535 ? address : s;
}

static struct str row_of(struct xui_op *op, struct json_object *common, struct str host)
{
	int64_t port;
	struct str address = host_cut(&port, host);

	json_object_object_add(common, "address", json_object_new_string_len(address.at, (int)address.len));
	json_object_object_add(common, "port", json_object_new_int64(port));
	return op_text(op, str_of(json_object_to_json_string_ext(common, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
}

static void take_group(struct xui_op *op, struct json_object *group)
{
	struct json_object *ids = json_object_get(json_array_at(group, "inboundIds")), *hosts = json_object_get(json_array_at(group, "hosts"));
	size_t count = json_len(hosts) ? json_len(hosts) : 1; /* no address: the inbound's own, with other values */

	json_object_object_del(group, "inboundIds");
	json_object_object_del(group, "hosts");
	for (size_t i = 0; i < count && op->result.hosts_count < XUI_HOSTS_MAX; i++) {
		const char *host = json_len(hosts) ? json_object_get_string(json_object_array_get_idx(hosts, i)) : "";
		struct str row = row_of(op, group, str_of(host));

		for (size_t k = 0; k < json_len(ids); k++)
			add_host(op, json_object_get_int64(json_object_array_get_idx(ids, k)), row);
	}
	json_object_put(ids);
	json_object_put(hosts);
}

static enum err list_host(void *ctx, struct str text)
{
	struct xui_op *op = ctx;
	struct json_object *o;

	if (json_parse(&o, text))
		return E_INVALID;
	if (json_array_at(o, "inboundIds"))
		take_group(op, o);
	else if (json_object_is_type(o, json_type_object))
		add_host(op, json_i64_at(o, "inboundId", 0), op_text(op, text));
	json_object_put(o);
	return OK;
}

static const struct json_cut_rule hosts_rules[] = { { .path = "obj[]", .fn = list_host } };

/* Inbounds without their hosts are better than none. Who refuses has no hosts; after any other failure nobody knows. */
static enum xui_turn hosts_taken(struct xui_op *op, const struct reply *r)
{
	op->result.hosts_known = !r->err || r->err == E_REFUSED || r->err == E_NOTFOUND;
	if (r->err)
		op->result.hosts_count = 0;
	op->result.msg = "";
	return op_done(op);
}

enum xui_turn program_inbounds(struct xui_op *op, const struct reply *r)
{
	if (!r)
		return call_stream(op, R_INBOUNDS, inbounds_rules, countof(inbounds_rules));
	if (op->phase == INBOUNDS_HOSTS)
		return hosts_taken(op, r);
	if (r->err)
		return op_fail_reply(op, r);
	op->result.hosts_known = !op->dialect->routes[R_HOSTS].path;
	if (op->result.hosts_known)
		return op_done(op); /* this generation has none */
	op->phase = INBOUNDS_HOSTS;
	call_stream(op, R_HOSTS, hosts_rules, countof(hosts_rules));
	op->call.is_optional = true;
	return XUI_CALL;
}

/* --- probe: the way to the first call proves everything --- */

enum xui_turn program_probe(struct xui_op *op, const struct reply *r)
{
	return program_inbounds(op, r);
}

/* --- all clients --- */

/* Whatever one element needs is gone after it. */
static enum err with_element(struct xui_op *op, struct str text, enum err (*take)(struct xui_op *, struct arena *, struct json_object *))
{
	struct json_object *o;
	struct arena a;
	enum err e;

	if (json_parse(&o, text))
		return E_INVALID;
	arena_init(&a);
	e = json_object_is_type(o, json_type_object) || json_object_is_type(o, json_type_string) ? take(op, &a, o) : OK;
	arena_release(&a);
	json_object_put(o);
	return e;
}

static enum err give_client(struct xui_op *op, const struct xui_client *c)
{
	op->result.listed++;
	return op->ask.sinks.on_client ? op->ask.sinks.on_client(op->ask.sinks.ctx, c) : OK;
}

static enum err give_traffic(struct xui_op *op, struct arena *a, struct json_object *o)
{
	struct xui_traffic t;

	xui_traffic_take(&t, a, o);
	return op->ask.sinks.on_traffic ? op->ask.sinks.on_traffic(op->ask.sinks.ctx, &t) : OK;
}

static enum err take_client(struct xui_op *op, struct arena *a, struct json_object *o)
{
	struct xui_client c;

	xui_client_take(&c, a, o, XUI_SHAPE_CLIENT);
	c.inbound_ids[0] = op->inbound_now;
	c.inbounds_count = 1;
	return give_client(op, &c);
}

static enum err take_record_and_row(struct xui_op *op, struct arena *a, struct json_object *o)
{
	struct json_object *traffic = json_at(o, "traffic");
	struct xui_client c;
	enum err e;

	xui_client_take(&c, a, o, XUI_SHAPE_RECORD);
	e = give_client(op, &c);
	return e || !traffic ? e : give_traffic(op, a, traffic);
}

static enum err list_inbound_id(void *ctx, struct str text)
{
	struct xui_op *op = ctx;

	return str_to_i64(&op->inbound_now, text);
}

static enum err list_inbound_end(void *ctx, struct str text)
{
	struct xui_op *op = ctx;

	(void)text;
	op->inbound_now = 0;
	return OK;
}

static enum err list_client(void *ctx, struct str text)
{
	struct xui_op *op = ctx;

	/* the panel writes an inbound's id before its clients, always; otherwise we would not know whose they are */
	return op->inbound_now ? with_element(op, text, take_client) : E_INVALID;
}

static enum err list_traffic(void *ctx, struct str text)
{
	return with_element(ctx, text, give_traffic);
}

static enum err list_record(void *ctx, struct str text)
{
	return with_element(ctx, text, take_record_and_row);
}

static const struct json_cut_rule clients_rules[] = {
	{ .path = "obj[].id", .fn = list_inbound_id, .keep = true },
	{ .path = "obj[].settings$.clients[]", .fn = list_client },
	{ .path = "obj[].clientStats[]", .fn = list_traffic },
	{ .path = "obj[]", .fn = list_inbound_end, .bytes_max = INBOUND_BYTES_MAX },
};

static const struct json_cut_rule records_rules[] = { { .path = "obj[]", .fn = list_record } };

enum xui_turn program_clients(struct xui_op *op, const struct reply *r)
{
	if (r)
		return r->err ? op_fail_reply(op, r) : op_done(op);
	op->inbound_now = 0;
	if (op->dialect->has_records)
		return call_stream(op, R_CLIENTS, records_rules, countof(records_rules));
	return call_stream(op, R_CLIENTS, clients_rules, countof(clients_rules));
}

/* --- usage by UUID --- */

/* Nobody moves so much; a panel can still say it. */
static int64_t summed(int64_t a, int64_t b)
{
	int64_t out;

	return __builtin_add_overflow(a, b, &out) ? INT64_MAX : out;
}

static void add_row(struct xui_traffic *sum, const struct xui_traffic *row)
{
	sum->up_bytes = summed(sum->up_bytes, row->up_bytes);
	sum->down_bytes = summed(sum->down_bytes, row->down_bytes);
	sum->quota_bytes = sum->quota_bytes && row->quota_bytes ? summed(sum->quota_bytes, row->quota_bytes) : 0; /* one without a quota: none */
	if (sum->expires_ms != row->expires_ms)
		sum->expires_ms = 0;
	if (sum->last_online_ms < row->last_online_ms)
		sum->last_online_ms = row->last_online_ms;
	sum->enabled |= row->enabled;
}

static enum err take_usage(struct xui_op *op, struct arena *a, struct json_object *o)
{
	struct xui_traffic row, *sum = &op->result.traffic;

	if (!json_object_is_type(o, json_type_object))
		return OK;
	xui_traffic_take(&row, a, o);
	if (op->result.listed++) {
		add_row(sum, &row);
		return OK;
	}
	*sum = row;
	sum->email = op_text(op, row.email); /* the element's memory is gone after it */
	return OK;
}

static enum err list_usage(void *ctx, struct str text)
{
	return with_element(ctx, text, take_usage);
}

static const struct json_cut_rule usage_rules[] = { { .path = "obj[]", .fn = list_usage } };

enum xui_turn program_usage(struct xui_op *op, const struct reply *r)
{
	if (r && r->err)
		return op_fail_reply(op, r);
	if (r)
		return op->result.listed ? op_done(op) : op_fail(op, E_NOTFOUND, false, STR(""));
	if (!op->ask.client.uuid.len)
		return op_fail(op, E_NOTFOUND, false, STR("")); /* only clients with a UUID are found this way */
	call_stream(op, R_USAGE, usage_rules, countof(usage_rules));
	op->call.key = op->ask.client.uuid;
	return XUI_CALL;
}

/* --- who is online --- */

static struct str borrowed(struct json_object *o, const char *key)
{
	return json_str_at(o, key);
}

/* Real panels send bare e-mails; objects are taken as well (R082). */
static enum err take_online(struct xui_op *op, struct arena *a, struct json_object *o)
{
	struct xui_online online = { 0 };

	(void)a;
	if (json_object_is_type(o, json_type_string))
		online.email = str_n(json_object_get_string(o), (size_t)json_object_get_string_len(o));
	else
		online = (struct xui_online){
			.email = borrowed(o, "email"), .ip = borrowed(o, "ip"),
			.protocol = borrowed(o, "protocol"), .location = borrowed(o, "location"),
			.connected_ms = json_i64_at(o, "connectedAt", 0), .inbound_id = json_i64_at(o, "inboundId", 0),
			.up_bytes = json_i64_at(o, "upload", 0), .down_bytes = json_i64_at(o, "download", 0),
		};
	if (!online.email.len)
		return OK;
	op->result.listed++;
	return op->ask.sinks.on_online ? op->ask.sinks.on_online(op->ask.sinks.ctx, &online) : OK;
}

static enum err list_online(void *ctx, struct str text)
{
	return with_element(ctx, text, take_online);
}

static const struct json_cut_rule onlines_rules[] = { { .path = "obj[]", .fn = list_online } };

enum xui_turn program_onlines(struct xui_op *op, const struct reply *r)
{
	if (!r)
		return call_stream(op, R_ONLINES, onlines_rules, countof(onlines_rules));
	return r->err ? op_fail_reply(op, r) : op_done(op);
}

/* --- addresses a client came from --- */

/* "1.2.3.4 (2025-11-23 12:30:00)" or the address alone. */
static void take_ip_text(struct xui_ip *ip, struct str text)
{
	struct str when = text, address = str_cut(&when, '(');

	ip->ip = str_trim(address);
	ip->when = when;
	if (str_ends(ip->when, ")"))
		ip->when.len--;
}

/* 2.8.10 counts seconds; people read all versions alike. */
static struct str seconds_text(struct xui_op *op, int64_t seconds)
{
	struct civil c = civil_of_ms(seconds * SECOND_MS);

	return str_of(arena_printf(op->arena, "%04d-%02d-%02d %02d:%02d:%02d", c.date.year, c.date.month, c.date.day, c.hour, c.minute, c.second));
}

static void take_ip(struct xui_op *op, struct xui_ip *ip, struct json_object *o)
{
	int64_t seconds;

	if (json_object_is_type(o, json_type_string)) {
		take_ip_text(ip, op_text(op, str_of(json_object_get_string(o))));
		return;
	}
	ip->ip = op_text(op, json_str_at(o, "ip"));
	ip->when = op_text(op, json_str_at(o, json_at(o, "time") ? "time" : "timestamp"));
	if (str_to_i64(&seconds, ip->when) == OK)
		ip->when = seconds > 0 && seconds < SECONDS_MAX ? seconds_text(op, seconds) : STR("");
}

/* A list, a text that holds a list, or a text that says there is none, by version (R058). */
static void take_ips(struct xui_op *op, struct json_object *list)
{
	struct xui_result *r = &op->result;

	if (!json_object_is_type(list, json_type_array))
		return;
	r->ips = arena_array(op->arena, struct xui_ip, XUI_IPS_MAX);
	for (size_t i = 0; i < json_len(list) && r->ips_count < XUI_IPS_MAX; i++) {
		struct xui_ip *ip = &r->ips[r->ips_count];

		take_ip(op, ip, json_object_array_get_idx(list, i));
		r->ips_count += ip->ip.len > 0;
	}
}

enum xui_turn program_ips(struct xui_op *op, const struct reply *r)
{
	struct json_object *inner = NULL;

	if (!r)
		return call_get(op, R_IPS);
	if (r->err)
		return op_fail_reply(op, r);
	if (json_object_is_type(r->obj, json_type_string) && json_parse(&inner, str_of(json_object_get_string(r->obj))))
		return op_done(op); /* "No IP Record" */
	take_ips(op, inner ? inner : r->obj);
	json_object_put(inner);
	return op_done(op);
}

/* --- the server --- */

static int hundredths(struct json_object *o, const char *path, int factor)
{
	double d = json_object_get_double(json_at(o, path)) * factor;

	return d >= 0 && d < 1e9 ? (int)(d + 0.5) : 0;
}

enum xui_turn program_status(struct xui_op *op, const struct reply *r)
{
	struct xui_status *s = &op->result.status;
	struct json_object *loads;

	if (!r)
		return call_get(op, R_STATUS);
	if (r->err)
		return op_fail_reply(op, r);
	loads = json_array_at(r->obj, "loads");
	*s = (struct xui_status){
		.cpu_permille = hundredths(r->obj, "cpu", 10),
		.memory_used_bytes = json_i64_at(r->obj, "mem.current", 0), .memory_bytes = json_i64_at(r->obj, "mem.total", 0),
		.disk_used_bytes = json_i64_at(r->obj, "disk.current", 0), .disk_bytes = json_i64_at(r->obj, "disk.total", 0),
		.uptime_s = json_i64_at(r->obj, "uptime", 0),
		.xray_state = op_text(op, json_str_at(r->obj, "xray.state")),
		.xray_version = op_text(op, json_str_at(r->obj, "xray.version")),
		.xray_error = op_text(op, json_str_at(r->obj, "xray.errorMsg")),
	};
	for (size_t i = 0; i < json_len(loads) && i < countof(s->load_percent); i++)
		s->load_percent[i] = (int)(json_object_get_double(json_object_array_get_idx(loads, i)) * 100 + 0.5);
	return op_done(op);
}

enum xui_turn program_settings(struct xui_op *op, const struct reply *r)
{
	struct xui_settings *s = &op->result.settings;

	if (!r)
		return call_get(op, R_SETTINGS);
	if (r->err)
		return op_fail_reply(op, r);
	s->sub_uri = op_text(op, json_str_at(r->obj, "subURI"));
	s->json_uri = op_text(op, json_str_at(r->obj, "subJsonURI"));
	s->sub_enabled = json_bool_at(r->obj, "subEnable", s->sub_uri.len > 0);
	s->json_enabled = json_bool_at(r->obj, "subJsonEnable", s->json_uri.len > 0);
	return op_done(op);
}

/* --- the database file --- */

enum { BACKUP_HEAD, BACKUP_FILE };

/* Nothing reaches the caller before the first bytes have shown that it is a database. Anything else is kept up to a
 * bound: it is the panel's error in JSON. */
static enum err backup_piece(struct xui_op *op, struct str piece)
{
	const struct xui_sinks *s = &op->ask.sinks;
	size_t room = op->head.max - op->head.len, taken = piece.len < room ? piece.len : room;
	enum err e;

	if (op->phase == BACKUP_FILE)
		return s->on_bytes(s->ctx, piece);
	buf_add(&op->head, str_n(piece.at, taken));
	if (op->head.len < SQLITE_MAGIC_BYTES)
		return OK;
	if (memcmp(op->head.at, SQLITE_MAGIC, SQLITE_MAGIC_BYTES))
		return taken == piece.len ? OK : E_INVALID;
	op->phase = BACKUP_FILE;
	e = s->on_bytes(s->ctx, buf_str(&op->head));
	if (e || taken == piece.len)
		return e;
	return s->on_bytes(s->ctx, str_n(piece.at + taken, piece.len - taken));
}

static enum xui_turn backup_refused(struct xui_op *op)
{
	struct json_object *doc;
	enum xui_turn turn;

	if (json_parse(&doc, buf_str(&op->head)))
		return op_fail(op, E_INVALID, false, STR(""));
	turn = op_fail(op, E_REFUSED, false, json_str_at(doc, "msg"));
	json_object_put(doc);
	return turn;
}

enum xui_turn program_database(struct xui_op *op, const struct reply *r)
{
	if (!r) {
		call_get(op, R_DB);
		op->call.raw = backup_piece;
		return XUI_CALL;
	}
	if (r->err)
		return op_fail_reply(op, r);
	return op->phase == BACKUP_FILE ? op_done(op) : backup_refused(op);
}
