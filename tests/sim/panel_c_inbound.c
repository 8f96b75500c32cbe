/* Inbounds of dialect C. Clients in a body become elements, records and rows. */
#include "tests/sim/panel_c.h"

#define NOT_FOUND "record not found"
#define WRONG "Something went wrong"
#define CREATED "Inbound has been successfully created."
#define UPDATED "Inbound has been successfully updated."
#define DELETED "Inbound has been successfully deleted."

/* --- the body --- */

/* What a request says an inbound should be; texts belong to the call's arena. */
struct form {
	int64_t id, up, down, total, expiry, last_reset, port, sort_index, reset_day;
	bool enable;
	struct str remark, listen, protocol, traffic_reset, tag, share_strategy, share_address, settings, stream, sniffing;
	struct json_object *stats; /* clientStats as sent; to be put */
	struct json_object *body;  /* to be put */
};

enum kind { NUMBER, TEXT, BOOL, NESTED };

#define AT(field) offsetof(struct form, field)

static const struct {
	const char *key, *type;
	enum kind kind;
	size_t at;
} keys[] = {
	{ "id", "int", NUMBER, AT(id) },
	{ "up", "int64", NUMBER, AT(up) },
	{ "down", "int64", NUMBER, AT(down) },
	{ "total", "int64", NUMBER, AT(total) },
	{ "remark", "string", TEXT, AT(remark) },
	{ "subSortIndex", "int", NUMBER, AT(sort_index) },
	{ "enable", "bool", BOOL, AT(enable) },
	{ "expiryTime", "int64", NUMBER, AT(expiry) },
	{ "trafficReset", "string", TEXT, AT(traffic_reset) },
	{ "trafficResetDay", "int", NUMBER, AT(reset_day) },
	{ "lastTrafficResetTime", "int64", NUMBER, AT(last_reset) },
	{ "listen", "string", TEXT, AT(listen) },
	{ "port", "int", NUMBER, AT(port) },
	{ "protocol", "string", TEXT, AT(protocol) },
	{ "settings", "string", NESTED, AT(settings) },
	{ "streamSettings", "string", NESTED, AT(stream) },
	{ "tag", "string", TEXT, AT(tag) },
	{ "sniffing", "string", NESTED, AT(sniffing) },
	{ "shareAddrStrategy", "string", TEXT, AT(share_strategy) },
	{ "shareAddr", "string", TEXT, AT(share_address) },
};

static bool key_from_json(void *field, enum kind kind, struct json_object *value, struct arena *a)
{
	struct str s = { NULL, 0 };

	if (kind == NUMBER)
		return go_json_i64(field, value);
	if (kind == BOOL)
		return go_json_bool(field, value);
	if (kind == NESTED && !json_object_is_type(value, json_type_string)) {
		*(struct str *)field = str_of(arena_strdup(a, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
		return true;
	}
	if (!go_json_str(&s, value))
		return false;
	*(struct str *)field = str_of(str_dup(a, s));
	return true;
}

static const char *form_from_json(struct form *f, struct panel_call *call)
{
	const char *error = c_body_read(&f->body, call);

	for (size_t i = 0; !error && f->body && i < countof(keys); i++) {
		struct json_object *value = json_object_object_get(f->body, keys[i].key);

		if (value && !key_from_json((char *)f + keys[i].at, keys[i].kind, value, call->arena))
			error = arena_printf(call->arena, "json: cannot unmarshal %s into Go struct field Inbound.%s of type %s",
					     go_json_kind(value), keys[i].key, keys[i].type);
	}
	if (!error && f->body)
		f->stats = json_object_get(json_array_at(f->body, "clientStats"));
	return error;
}

static const char *key_from_form(void *field, enum kind kind, struct str value, struct arena *a)
{
	if (kind == NUMBER) {
		*(int64_t *)field = 0;
		if (value.len && str_to_i64(field, value))
			return arena_printf(a, "strconv.ParseInt: parsing \"%.*s\": invalid syntax", STR_ARG(value));
	} else if (kind == BOOL) {
		*(bool *)field = str_is(value, "true") || str_is(value, "1");
		if (value.len && !*(bool *)field && !str_is(value, "false") && !str_is(value, "0"))
			return arena_printf(a, "strconv.ParseBool: parsing \"%.*s\": invalid syntax", STR_ARG(value));
	} else {
		*(struct str *)field = str_of(str_dup(a, value));
	}
	return NULL;
}

static const char *form_read(struct form *f, struct panel_call *call)
{
	const char *error = NULL;

	if (panel_body_is_json(call))
		return form_from_json(f, call);
	for (size_t i = 0; !error && i < countof(keys); i++) {
		struct str value = panel_form(call, keys[i].key);

		if (value.at)
			error = key_from_form((char *)f + keys[i].at, keys[i].kind, value, call->arena);
	}
	return error;
}

static void form_release(struct form *f)
{
	json_object_put(f->stats);
	json_object_put(f->body);
}

/* --- validation (3.2 and later): 200, and what is wrong as data --- */

static const char protocols[] = "vmess vless trojan shadowsocks wireguard hysteria http mixed tunnel tun mtproto";

static bool one_of(const char *words, struct str word)
{
	struct str rest = str_of(words);

	while (rest.at)
		if (str_eq(str_cut(&rest, ' '), word))
			return true;
	return false;
}

struct issue {
	const char *field, *rule, *param;
};

static size_t find_issues(struct issue issues[4], const struct form *f)
{
	size_t n = 0;

	if (f->port < 0)
		issues[n++] = (struct issue){ "port", "gte", "0" };
	if (f->port > 65535)
		issues[n++] = (struct issue){ "port", "lte", "65535" };
	if (!f->protocol.len)
		issues[n++] = (struct issue){ "protocol", "required", NULL };
	else if (!one_of(protocols, f->protocol))
		issues[n++] = (struct issue){ "protocol", "oneof", protocols };
	if (f->traffic_reset.len && !one_of("never hourly daily weekly monthly", f->traffic_reset))
		issues[n++] = (struct issue){ "trafficReset", "oneof", "never hourly daily weekly monthly" };
	return n;
}

static void answer_invalid(struct panel_call *call, const struct issue *issues, size_t count, const char *message)
{
	struct buf b, all;
	struct json_out j;

	buf_init(&b, C_TEXT_BYTES_MAX);
	buf_init(&all, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_key(&j, "issues");
	json_open(&j, '[');
	for (size_t i = 0; i < count; i++) {
		const char *text = arena_printf(call->arena, "Key: 'Inbound.%s' Error:Field validation for '%s' failed on the "
						"'%s' tag", issues[i].field, issues[i].field, issues[i].rule);

		json_open(&j, '{');
		json_put_cstr(&j, "field", issues[i].field);
		json_put_cstr(&j, "rule", issues[i].rule);
		if (issues[i].param)
			json_put_cstr(&j, "param", issues[i].param);
		json_put_cstr(&j, "message", text);
		json_close(&j, '}');
		buf_printf(&all, "%s%s", i ? "\n" : "", text);
	}
	json_close(&j, ']');
	json_put_cstr(&j, "message", message ? message : buf_cstr(&all));
	json_close(&j, '}');
	panel_answer(call, false, "request body failed validation", buf_str(&b));
	buf_release(&all);
	buf_release(&b);
}

/* False after having answered. */
static bool form_accept(struct form *f, struct panel_call *call, const char *prefix)
{
	struct issue issues[4];
	const char *error = form_read(f, call);
	size_t count;

	if (!c_has(call->sim, C_VALIDATES_INBOUND)) {
		if (error)
			panel_answer_fail(call, prefix, error);
		return !error;
	}
	count = error ? 0 : find_issues(issues, f);
	if (error || count)
		answer_invalid(call, issues, count, error);
	return !error && !count;
}

/* --- ports and tags --- */

enum { TCP = 1, UDP = 2 };

static int bits_of_list(struct str list)
{
	int bits = 0;

	while (list.at) {
		struct str part = str_trim(str_cut(&list, ','));

		bits |= str_is(part, "tcp") ? TCP : str_is(part, "udp") ? UDP : 0;
	}
	return bits;
}

static int transports(struct str protocol, struct str stream, struct str settings)
{
	struct json_object *st = NULL, *se = NULL;
	int bits = TCP, listed;

	if (str_starts(protocol, "hysteria") || str_is(protocol, "wireguard"))
		return UDP;
	if (!json_parse(&st, stream) && (str_is(json_str_at(st, "network"), "kcp") || str_is(json_str_at(st, "network"), "quic")))
		bits = UDP;
	if (!json_parse(&se, settings)) {
		listed = str_is(protocol, "shadowsocks") ? bits_of_list(json_str_at(se, "network"))
			 : str_is(protocol, "tunnel") ? bits_of_list(json_str_at(se, "allowedNetwork")) : 0;
		if (listed)
			bits = listed;
		if (str_is(protocol, "mixed") && json_bool_at(se, "udp", false))
			bits |= UDP;
	}
	json_object_put(st);
	json_object_put(se);
	return bits;
}

static int transports_of(const struct panel_inbound *in, struct arena *a)
{
	const struct c_body *b = c_body(in);
	const char *settings = b->settings ? json_object_to_json_string(b->settings) : "";

	return transports(str_of(in->protocol), str_of(in->stream), str_of(arena_strdup(a, settings)));
}

static const char *bits_name(const struct panel_sim *sim, int bits)
{
	return bits == TCP ? "tcp" : bits == UDP ? "udp" : c_has(sim, C_NEW_TAGS) ? "tcpudp" : "mixed";
}

static bool any_address(struct str s)
{
	return !s.len || str_is(s, "0.0.0.0") || str_is(s, "::") || str_is(s, "::0");
}

static const char *port_conflict(struct panel_sim *sim, const struct form *f, int64_t except, struct arena *a)
{
	int bits = transports(f->protocol, f->stream, f->settings);

	for (const struct panel_inbound *in = sim->inbounds; in; in = in->next) {
		struct str listen = str_of(in->listen);
		int shared;

		if (in->id == except || in->port != f->port)
			continue;
		if (!any_address(listen) && !any_address(f->listen) && !str_eq(listen, f->listen))
			continue;
		shared = transports_of(in, a) & bits;
		if (!shared)
			continue;
		if (!c_has(sim, C_NEW_TAGS))
			return arena_printf(a, "Port already exists: %lld\n", (long long)f->port);
		return arena_printf(a, "port %lld (%s) already used by inbound '%s' (#%lld) on %s\n", (long long)f->port,
				    bits_name(sim, shared), *in->remark ? in->remark : in->tag, (long long)in->id,
				    any_address(listen) ? "*" : in->listen);
	}
	return NULL;
}

static bool tag_taken(struct panel_sim *sim, const char *tag, int64_t except)
{
	for (const struct panel_inbound *in = sim->inbounds; in; in = in->next)
		if (in->id != except && !strcmp(in->tag, tag))
			return true;
	return false;
}

static const char *tag_base(const struct panel_sim *sim, struct str listen, int64_t port, int bits, struct arena *a)
{
	if (c_has(sim, C_NEW_TAGS))
		return arena_printf(a, "in-%lld-%s", (long long)port, bits_name(sim, bits));
	if (any_address(listen))
		return arena_printf(a, "inbound-%lld", (long long)port);
	return arena_printf(a, "inbound-%.*s:%lld", STR_ARG(listen), (long long)port);
}

/* A tag that the panel made for the old port follows the port in the new scheme; one that somebody wrote stays. */
static bool tag_follows(struct panel_sim *sim, const struct form *f, const struct panel_inbound *old, struct arena *a)
{
	return old && c_has(sim, C_NEW_TAGS) &&
	       str_starts(f->tag, tag_base(sim, str_of(old->listen), old->port, transports_of(old, a), a));
}

static const char *tag_choose(struct panel_sim *sim, const struct form *f, const struct panel_inbound *old, struct arena *a)
{
	int bits = transports(f->protocol, f->stream, f->settings);
	const char *base = tag_base(sim, f->listen, f->port, bits, a), *tag = base;
	int64_t except = old ? old->id : 0;

	if (f->tag.len && !tag_follows(sim, f, old, a) && !tag_taken(sim, f->tag.at, except))
		return f->tag.at;
	if (!c_has(sim, C_NEW_TAGS) && tag_taken(sim, tag, except))
		tag = base = arena_printf(a, "%s-%s", base, bits_name(sim, bits));
	for (int n = 2; tag_taken(sim, tag, except); n++)
		tag = arena_printf(a, "%s-%d", base, n);
	return tag;
}

/* --- clients of a body --- */

struct clients {
	struct json_object *settings; /* without them; NULL: the text is no object. To be put. */
	enum c_shape shape;
	struct c_client *list;        /* to be released */
	size_t count;
};

static void clients_release(struct clients *c)
{
	for (size_t i = 0; i < c->count; i++)
		c_release(&c->list[i]);
	json_object_put(c->settings);
}

/* As the panel's own reading does: an element it cannot read ends the list, without a word. */
static const char *clients_read(struct clients *c, struct panel_sim *sim, struct str settings, struct arena *a)
{
	const char *error = go_json_parse(&c->settings, a, settings);
	struct json_object *list;

	*c = (struct clients){ .settings = c->settings, .shape = CLIENTS_ABSENT };
	if (error || !json_object_is_type(c->settings, json_type_object)) {
		json_object_put(c->settings);
		c->settings = NULL;
		return error && c_has(sim, C_VALIDATES_INBOUND) && settings.len ? error : NULL;
	}
	if (!json_object_object_get_ex(c->settings, "clients", &list))
		return NULL;
	c->shape = json_object_is_type(list, json_type_array) ? CLIENTS_LIST : CLIENTS_NULL;
	c->list = arena_array(a, struct c_client, json_len(list));
	for (size_t i = 0; c->shape == CLIENTS_LIST && i < json_object_array_length(list); i++) {
		if (c_client_read(&c->list[i], json_object_array_get_idx(list, i), "Client.clients.", sim->version, a))
			break;
		c->count++;
	}
	json_object_object_del(c->settings, "clients");
	return NULL;
}

static const char *clients_check(struct panel_sim *sim, const struct clients *c, struct arena *a)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c_email_taken(sim, &c->list[i]))
			return c_error(a, "Duplicate email:", c_get(&c->list[i], T_EMAIL));
		for (size_t k = 0; k < i; k++)
			if (*c_get(&c->list[i], T_EMAIL) &&
			    str_is_nocase(str_of(c_get(&c->list[i], T_EMAIL)), c_get(&c->list[k], T_EMAIL)))
				return c_error(a, "Duplicate email:", c_get(&c->list[i], T_EMAIL));
	}
	return NULL;
}

static const char *clients_have_keys(const struct panel_inbound *in, const struct clients *c, struct arena *a)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(in->protocol, "wireguard") && !*c_key(in, &c->list[i]))
			return c_error(a, "empty client ID", NULL);
	return NULL;
}

/* --- writing --- */

static bool has_stream(struct str protocol)
{
	return one_of("vmess vless trojan shadowsocks hysteria hysteria2", protocol);
}

static void inbound_set(struct panel_inbound *in, const struct form *f, const char *tag)
{
	struct c_body *b = c_body(in);

	in->total = f->total;
	in->expiry_ms = f->expiry;
	in->port = f->port;
	in->enable = f->enable;
	panel_text_set(&in->remark, f->remark);
	panel_text_set(&in->listen, f->listen);
	panel_text_set(&in->protocol, f->protocol);
	panel_text_set(&in->traffic_reset, f->traffic_reset.len ? f->traffic_reset : STR("never"));
	panel_text_set(&in->tag, str_of(tag));
	panel_text_set(&in->stream, has_stream(f->protocol) ? f->stream : STR(""));
	panel_text_set(&in->sniffing, f->sniffing);
	b->sub_sort_index = f->sort_index > 0 ? f->sort_index : 1;
	b->reset_day = f->reset_day > 0 ? f->reset_day : 1;
	panel_text_set(&b->share_strategy, f->share_strategy.len ? f->share_strategy : STR("node"));
	panel_text_set(&b->share_address, f->share_address);
}

static void settings_set(struct panel_inbound *in, struct clients *c, struct str text)
{
	struct c_body *b = c_body(in);

	json_object_put(b->settings);
	b->settings = c->settings;
	c->settings = NULL;
	b->shape = c->shape;
	panel_text_set(&b->raw, b->settings ? STR("") : text);
}

static void stamp(struct panel_sim *sim, struct c_client *client)
{
	int64_t second = sim->now_ms / 1000 * 1000;

	if (!client->number[N_CREATED])
		client->number[N_CREATED] = second;
	if (!client->number[N_UPDATED])
		client->number[N_UPDATED] = second;
}

static void answer_inbound(struct panel_call *call, const char *message, const struct panel_inbound *in,
			   struct json_object *stats)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	c_write_inbound(&j, call->sim, in, VIEW_ANSWER, stats);
	panel_answer(call, true, message, buf_str(&b));
	buf_release(&b);
}

bool c_malformed(const struct panel_sim *sim)
{
	for (const struct panel_inbound *in = sim->inbounds; in; in = in->next)
		if (!c_body(in)->settings)
			return !c_has(sim, C_VALIDATES_INBOUND);
	return false;
}

static const char *inbound_add(struct panel_inbound **out, struct panel_sim *sim, const struct form *f, struct arena *a)
{
	struct clients c = { 0 };
	struct panel_inbound *in;
	const char *error = port_conflict(sim, f, 0, a), *tag;

	if (!error)
		error = clients_read(&c, sim, f->settings, a);
	if (!error && c_malformed(sim))
		error = "malformed JSON";
	if (!error)
		error = clients_check(sim, &c, a);
	if (error) {
		clients_release(&c);
		return error;
	}
	tag = tag_choose(sim, f, NULL, a);
	in = panel_inbound_new(sim, 0);
	in->body = c_body_new();
	inbound_set(in, f, tag);
	in->up = f->up;
	in->down = f->down;
	error = clients_have_keys(in, &c, a);
	if (error) {
		sim->inbound_id_last--; /* refused before the row was written */
		c_body_free(sim, in);
		panel_inbound_delete(sim, in);
		clients_release(&c);
		return error;
	}
	settings_set(in, &c, f->settings);
	c_sync(sim, in, NULL);
	for (size_t i = 0; i < c.count; i++) {
		c.list[i].number[N_UPDATED] = 0;
		stamp(sim, &c.list[i]);
		if (*c_get(&c.list[i], T_EMAIL))
			c_row_add(sim, in, &c.list[i]);
		c_sync(sim, in, c_element_new(sim, in, &c.list[i]));
	}
	clients_release(&c);
	*out = in;
	return NULL;
}

void c_on_in_add(struct panel_call *call)
{
	struct form f = { 0 };
	struct panel_inbound *in;
	const char *error;

	if (form_accept(&f, call, CREATED)) {
		error = inbound_add(&in, call->sim, &f, call->arena);
		if (error)
			panel_answer_fail(call, WRONG, error);
		else
			answer_inbound(call, CREATED, in, NULL);
	}
	form_release(&f);
}

/* Replaces the elements; clients that are gone lose their row when no other inbound has them (and are detached). */
static void clients_replace(struct panel_sim *sim, struct panel_inbound *in, struct clients *c)
{
	struct c_body *b = c_body(in);
	struct map old = { 0 }, fresh = { 0 };

	for (size_t i = 0; i < c->count; i++)
		map_put(&fresh, str_of(c_get(&c->list[i], T_EMAIL)), &c->list[i]);
	for (struct c_element *e = b->first; e; e = e->next) {
		struct str email = str_of(c_get(&e->client, T_EMAIL));

		map_put(&old, email, e);
		if (!map_get(&fresh, email) && !c_used_elsewhere(sim, email.at, in))
			c_row_delete(sim, email.at);
	}
	map_release(&fresh);
	for (size_t i = 0; i < c->count; i++) {
		struct c_client *client = &c->list[i];
		struct c_element *e = map_get(&old, str_of(c_get(client, T_EMAIL)));

		if (e && !client->number[N_CREATED])
			client->number[N_CREATED] = e->client.number[N_CREATED];
		if (e && !client->number[N_UPDATED])
			client->number[N_UPDATED] = e->client.number[N_UPDATED];
		stamp(sim, client);
		if (e)
			c_row_update(sim, c_get(client, T_EMAIL), client);
		else if (*c_get(client, T_EMAIL))
			c_row_add(sim, in, client);
	}
	map_release(&old);
	while (b->first)
		c_element_delete(sim, b->first);
	b->shape = c->shape;
	c_sync(sim, in, NULL);
	for (size_t i = 0; i < c->count; i++)
		c_sync(sim, in, c_element_new(sim, in, &c->list[i]));
}

/* New clients must not carry an e-mail that another inbound knows under another subId. */
static const char *clients_check_new(struct panel_sim *sim, struct panel_inbound *in, const struct clients *c, struct arena *a)
{
	for (size_t i = 0; i < c->count; i++)
		if (!c_element_find(sim, in, c_get(&c->list[i], T_EMAIL)) && c_email_taken(sim, &c->list[i]))
			return c_error(a, "Duplicate email:", c_get(&c->list[i], T_EMAIL));
	return NULL;
}

static const char *inbound_update(struct panel_sim *sim, struct panel_inbound *in, const struct form *f, struct arena *a)
{
	struct clients c = { 0 };
	const char *error = clients_read(&c, sim, f->settings, a), *tag;

	if (!error)
		error = clients_check_new(sim, in, &c, a);
	if (error) {
		clients_release(&c);
		return error;
	}
	tag = tag_choose(sim, f, in, a);
	inbound_set(in, f, tag);
	settings_set(in, &c, f->settings);
	clients_replace(sim, in, &c);
	clients_release(&c);
	return NULL;
}

void c_on_in_update(struct panel_call *call)
{
	struct form f = { 0 };
	struct panel_inbound *in, shown;
	const char *error = NULL;
	int64_t id;

	if (!panel_param_id(call, 0, &id, UPDATED))
		return;
	f.id = id;
	if (!form_accept(&f, call, UPDATED)) {
		form_release(&f);
		return;
	}
	in = panel_inbound_find(call->sim, f.id); /* an id in the body wins over the path */
	if (in)
		error = port_conflict(call->sim, &f, f.id, call->arena);
	if (!in || error)
		error = error ? error : NOT_FOUND;
	else
		error = inbound_update(call->sim, in, &f, call->arena);
	if (error) {
		panel_answer_fail(call, WRONG, error);
	} else {
		shown = *in; /* the answer shows what was sent … */
		shown.up = f.up;
		shown.down = f.down;
		shown.last_reset_ms = f.last_reset;
		if (!c_has(call->sim, C_NEW_TAGS))
			shown.tag = str_dup(call->arena, f.tag);
		answer_inbound(call, UPDATED, &shown, f.stats); /* … its clientStats, too */
	}
	form_release(&f);
}

static void inbound_delete(struct panel_sim *sim, struct panel_inbound *in)
{
	int64_t id = in->id;

	c_body_free(sim, in);
	panel_inbound_delete(sim, in);
	for (struct panel_traffic *row = sim->traffics, *next; row && !c_has(sim, C_ROWS_OUTLIVE); row = next) {
		next = row->next;
		if (row->inbound_id == id)
			c_row_delete(sim, row->email);
	}
}

void c_on_in_del(struct panel_call *call)
{
	struct panel_inbound *in;
	int64_t id;

	if (!panel_param_id(call, 0, &id, DELETED))
		return;
	in = panel_inbound_find(call->sim, id);
	if (in)
		inbound_delete(call->sim, in);
	if (in || c_has(call->sim, C_DEL_AGAIN_OK))
		panel_answer(call, true, DELETED, str_of(arena_printf(call->arena, "%lld", (long long)id)));
	else
		panel_answer_fail(call, WRONG, NOT_FOUND);
}

void c_on_in_bulk_del(struct panel_call *call)
{
	struct json_object *body;
	int64_t *ids = NULL;
	size_t count = 0;
	const char *error = c_body_read(&body, call);

	if (!error)
		error = c_ids_read(&ids, &count, body, "ids", "bulkDelInboundsRequest", call->arena);
	for (size_t i = 0; !error && i < count; i++) {
		struct panel_inbound *in = panel_inbound_find(call->sim, ids[i]);

		if (in)
			inbound_delete(call->sim, in);
	}
	if (error)
		panel_answer_fail(call, WRONG, error);
	else
		panel_answer_obj(call, str_of(arena_printf(call->arena, "{\"deleted\":%zu}", count)));
	json_object_put(body);
}

/* --- switches and counters --- */

static struct panel_inbound *of_path(struct panel_call *call, const char *prefix)
{
	struct panel_inbound *in;
	int64_t id;

	if (!panel_param_id(call, 0, &id, prefix))
		return NULL;
	in = panel_inbound_find(call->sim, id);
	if (!in)
		panel_answer_fail(call, WRONG, NOT_FOUND);
	return in;
}

void c_on_in_enable(struct panel_call *call)
{
	struct panel_inbound *in = of_path(call, UPDATED);
	struct json_object *body;
	const char *error;
	bool enable = false;

	if (!in)
		return;
	error = c_body_read(&body, call);
	if (!error && body && !go_json_bool(&enable, json_object_object_get(body, "enable")))
		error = "json: cannot unmarshal string into Go struct field form.enable of type bool";
	if (error) {
		panel_answer_fail(call, WRONG, error);
	} else {
		in->enable = enable;
		panel_answer_ok(call, UPDATED);
	}
	json_object_put(body);
}

void c_on_in_reset(struct panel_call *call)
{
	struct panel_inbound *in = of_path(call, "");

	if (!in)
		return;
	in->up = in->down = 0;
	panel_answer_ok(call, "Inbound traffic has been reset.");
}

void c_on_in_reset_all(struct panel_call *call)
{
	for (struct panel_inbound *in = call->sim->inbounds; in; in = in->next)
		in->up = in->down = 0;
	panel_answer_ok(call, "All inbounds traffic has been reset.");
}

/* Deletes the clients themselves, whatever else they are attached to. */
void c_on_in_del_all(struct panel_call *call)
{
	struct panel_inbound *in = of_path(call, "");
	size_t deleted = 0;

	if (!in)
		return;
	for (struct c_element *e = c_body(in)->first; e; e = c_body(in)->first) {
		struct c_record *r = c_record_find(call->sim, c_get(&e->client, T_EMAIL));

		if (!r || c_client_delete(call->sim, r, false, call->arena))
			c_element_delete(call->sim, e);
		deleted++;
	}
	panel_answer_obj(call, str_of(arena_printf(call->arena, "{\"deleted\":%zu}", deleted)));
}

/* Fallbacks were never recorded with content. */
void c_on_in_fallbacks(struct panel_call *call)
{
	if (of_path(call, "Obtain"))
		panel_answer_obj(call, STR("[]"));
}

/* --- reads --- */

static void answer_list(struct panel_call *call, enum c_view view)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (const struct panel_inbound *in = call->sim->inbounds; in; in = in->next)
		c_write_inbound(&j, call->sim, in, view, NULL);
	json_close(&j, ']');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}

void c_on_in_list(struct panel_call *call)
{
	answer_list(call, VIEW_LIST);
}

void c_on_in_slim(struct panel_call *call)
{
	answer_list(call, VIEW_SLIM);
}

void c_on_in_get(struct panel_call *call)
{
	struct panel_inbound *in;
	struct buf b;
	struct json_out j;
	int64_t id;

	if (!panel_param_id(call, 0, &id, ""))
		return;
	in = panel_inbound_find(call->sim, id);
	if (!in) {
		panel_answer_fail(call, "Obtain", NOT_FOUND);
		return;
	}
	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	c_write_inbound(&j, call->sim, in, VIEW_GET, NULL);
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}

bool c_can_flow(const struct panel_inbound *in)
{
	struct json_object *stream = NULL;
	struct str security;
	bool can;

	if (strcmp(in->protocol, "vless") || json_parse(&stream, str_of(in->stream)))
		return false;
	security = json_str_at(stream, "security");
	can = str_is(json_str_at(stream, "network"), "tcp") && (str_is(security, "tls") || str_is(security, "reality"));
	json_object_put(stream);
	return can;
}

static void write_option(struct json_out *j, struct panel_sim *sim, const struct panel_inbound *in)
{
	struct json_object *settings = c_body(in)->settings;
	char public_key[C_WG_KEY_CHARS + 1];

	json_open(j, '{');
	json_put_i64(j, "id", in->id);
	json_put_str(j, "remark", str_of(in->remark));
	json_put_str(j, "tag", str_of(in->tag));
	json_put_str(j, "protocol", str_of(in->protocol));
	json_put_i64(j, "port", in->port);
	if (c_has(sim, C_OPTION_ENABLE))
		json_put_bool(j, "enable", in->enable);
	json_put_bool(j, "tlsFlowCapable", c_can_flow(in));
	if (c_has(sim, C_OPTION_METHOD))
		json_put_str(j, "ssMethod", strcmp(in->protocol, "shadowsocks") ? STR("") : json_str_at(settings, "method"));
	if (!strcmp(in->protocol, "wireguard") && c_has(sim, C_WIREGUARD)) {
		json_put_cstr(j, "wgPublicKey", c_wg_public_key(public_key, json_str_at(settings, "secretKey").at));
		json_put_i64(j, "wgMtu", json_i64_at(settings, "mtu", 0));
	}
	json_close(j, '}');
}

void c_on_in_options(struct panel_call *call)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (const struct panel_inbound *in = call->sim->inbounds; in; in = in->next)
		write_option(&j, call->sim, in);
	json_close(&j, ']');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}
