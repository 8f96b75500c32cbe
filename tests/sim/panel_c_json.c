/* Clients and inbounds of dialect C as JSON. */
#include "tests/sim/panel_c.h"

/* --- the keys of a client --- */

enum kind { KIND_TEXT, KIND_NUMBER, KIND_ENABLE, KIND_LIST, KIND_REVERSE };

/* element: the key in requests and in settings.clients, where an empty text is left out unless always is set.
 * record: the key in answers, always written; NULL: not there. type is Go's, for its complaints. */
static const struct field {
	const char *element, *record, *type;
	enum kind kind;
	int at;
	int since;
	bool always;
} fields[] = {
	{ "email", "email", "string", KIND_TEXT, T_EMAIL, 0, true },
	{ "subId", "subId", "string", KIND_TEXT, T_SUB_ID, 0, true },
	{ "id", "uuid", "string", KIND_TEXT, T_ID, 0, false },
	{ "password", "password", "string", KIND_TEXT, T_PASSWORD, 0, false },
	{ "auth", "auth", "string", KIND_TEXT, T_AUTH, 0, false },
	{ "flow", "flow", "string", KIND_TEXT, T_FLOW, 0, false },
	{ "security", "security", "string", KIND_TEXT, T_SECURITY, 0, true },
	{ "privateKey", "privateKey", "string", KIND_TEXT, T_PRIVATE_KEY, VERSION(3, 4, 2), false },
	{ "publicKey", "publicKey", "string", KIND_TEXT, T_PUBLIC_KEY, VERSION(3, 4, 2), false },
	{ "allowedIPs", "allowedIPs", "[]string", KIND_LIST, T_ALLOWED_IPS, VERSION(3, 4, 2), false },
	{ "preSharedKey", "preSharedKey", "string", KIND_TEXT, T_PRE_SHARED_KEY, VERSION(3, 4, 2), false },
	{ "keepAlive", "keepAlive", "int", KIND_NUMBER, N_KEEP_ALIVE, VERSION(3, 4, 2), false },
	{ "secret", "secret", "string", KIND_TEXT, T_SECRET, VERSION(3, 5, 0), false },
	{ "adTag", "adTag", "string", KIND_TEXT, T_AD_TAG, VERSION(3, 5, 0), false },
	{ "limitIp", "limitIp", "int", KIND_NUMBER, N_LIMIT_IP, 0, true },
	{ "totalGB", "totalGB", "int64", KIND_NUMBER, N_TOTAL, 0, true },
	{ "expiryTime", "expiryTime", "int64", KIND_NUMBER, N_EXPIRY, 0, true },
	{ "enable", "enable", "bool", KIND_ENABLE, 0, 0, true },
	{ "tgId", "tgId", "int64", KIND_NUMBER, N_TG_ID, 0, true },
	{ "group", "group", "string", KIND_TEXT, T_GROUP, VERSION(3, 2, 0), false },
	{ "comment", "comment", "string", KIND_TEXT, T_COMMENT, 0, true },
	{ "reset", "reset", "int", KIND_NUMBER, N_RESET, 0, true },
	{ "created_at", "createdAt", "int64", KIND_NUMBER, N_CREATED, 0, false },
	{ "updated_at", "updatedAt", "int64", KIND_NUMBER, N_UPDATED, 0, false },
	{ "reverse", "reverse", "model.ClientReverse", KIND_REVERSE, T_REVERSE, 0, false },
	{ "method", NULL, "string", KIND_TEXT, T_METHOD, 0, false }, /* the panel's own, for ciphers before 2022 */
};

/* --- reading --- */

static const char *wrong_type(const struct field *f, struct json_object *value, const char *where, struct arena *a)
{
	bool number = json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);

	return arena_printf(a, "json: cannot unmarshal %s%s%s into Go struct field %s%s of type %s", go_json_kind(value),
			    number && strcmp(f->type, "string") ? " " : "",
			    number && strcmp(f->type, "string") ? json_object_to_json_string(value) : "", where, f->element,
			    f->type);
}

/* The panel passes what it read through a map, and so through float64: above 2^53 the low bits are lost. */
static int64_t through_float(int64_t i)
{
	double d = (double)i;

	return d >= 9223372036854775807.0 ? 0 : (int64_t)d;
}

static bool list_read(struct c_client *out, struct json_object *value)
{
	struct buf b;

	if (!json_object_is_type(value, json_type_array))
		return false;
	buf_init(&b, 4096);
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		if (i)
			buf_addc(&b, ',');
		buf_adds(&b, json_object_get_string(json_object_array_get_idx(value, i)));
	}
	c_set(out, T_ALLOWED_IPS, buf_cstr(&b));
	buf_release(&b);
	return true;
}

static bool field_read(struct c_client *out, const struct field *f, struct json_object *value)
{
	struct str s;

	switch (f->kind) {
	case KIND_TEXT:
		if (!go_json_str(&s, value))
			return false;
		c_set(out, (enum c_text)f->at, s.at);
		return true;
	case KIND_NUMBER:
		if (!go_json_i64(&out->number[f->at], value))
			return false;
		out->number[f->at] = through_float(out->number[f->at]);
		return true;
	case KIND_ENABLE:
		return go_json_bool(&out->enable, value);
	case KIND_LIST:
		return list_read(out, value);
	case KIND_REVERSE:
		if (!json_object_is_type(value, json_type_object))
			return false;
		if (*json_object_get_string(value))
			c_set(out, T_REVERSE, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
		return true;
	}
	return false;
}

const char *c_client_read(struct c_client *out, struct json_object *o, const char *where, int version, struct arena *a)
{
	const char *error = NULL;

	*out = (struct c_client){ 0 };
	for (size_t i = 0; o && !error && i < countof(fields); i++) {
		struct json_object *value = json_object_object_get(o, fields[i].element);

		if (!value || version < fields[i].since)
			continue;
		if (!field_read(out, &fields[i], value))
			error = wrong_type(&fields[i], value, where, a);
	}
	if (error)
		c_release(out);
	return error;
}

const char *c_body_read(struct json_object **out, struct panel_call *call)
{
	const char *error = go_json_decode(out, call->arena, call->request->body);

	if (error || !*out || json_object_is_type(*out, json_type_object))
		return error;
	error = arena_printf(call->arena, "json: cannot unmarshal %s into Go value of type controller.request",
			     go_json_kind(*out));
	json_object_put(*out);
	*out = NULL;
	return error;
}

const char *c_ids_read(int64_t **out, size_t *count, struct json_object *o, const char *name, const char *type,
		       struct arena *a)
{
	struct json_object *list = json_object_object_get(o, name);

	*count = 0;
	*out = NULL;
	if (!list)
		return NULL;
	if (!json_object_is_type(list, json_type_array))
		return arena_printf(a, "json: cannot unmarshal %s into Go struct field %s.%s of type []int",
				    go_json_kind(list), type, name);
	*out = arena_array(a, int64_t, json_object_array_length(list));
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *id = json_object_array_get_idx(list, i);

		if (!go_json_i64(&(*out)[(*count)++], id))
			return arena_printf(a, "json: cannot unmarshal %s into Go struct field %s.%s of type int",
					    go_json_kind(id), type, name);
	}
	return NULL;
}

const char *c_emails_read(const char ***out, size_t *count, struct json_object *o, struct arena *a)
{
	struct json_object *list = json_object_object_get(o, "emails");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	*count = 0;
	*out = arena_array(a, const char *, n);
	for (size_t i = 0; i < n; i++) {
		struct json_object *email = json_object_array_get_idx(list, i);

		if (email && !json_object_is_type(email, json_type_string))
			return arena_printf(a, "json: cannot unmarshal %s into Go struct field .emails of type string",
					    go_json_kind(email));
		(*out)[(*count)++] = arena_strdup(a, email ? json_object_get_string(email) : "");
	}
	return NULL;
}

/* --- writing clients --- */

static void write_list(struct json_out *j, const char *key, const char *joined)
{
	struct str rest = str_of(joined);

	json_key(j, key);
	json_open(j, '[');
	while (rest.at)
		json_add_str(j, str_cut(&rest, ','));
	json_close(j, ']');
}

void c_write_element(struct json_out *j, const struct c_client *client)
{
	json_open(j, '{');
	for (size_t i = 0; i < countof(fields); i++) {
		const struct field *f = &fields[i];

		if (f->kind == KIND_ENABLE)
			json_put_bool(j, f->element, client->enable);
		else if (f->kind == KIND_NUMBER && (f->always || client->number[f->at]))
			json_put_i64(j, f->element, client->number[f->at]);
		else if (f->kind == KIND_LIST && client->text[f->at])
			write_list(j, f->element, client->text[f->at]);
		else if (f->kind == KIND_REVERSE && client->text[f->at]) {
			json_key(j, f->element);
			json_add_raw(j, str_of(client->text[f->at]));
		} else if (f->kind == KIND_TEXT && (f->always || client->text[f->at]))
			json_put_str(j, f->element, str_of(c_get(client, (enum c_text)f->at)));
	}
	json_close(j, '}');
}

void c_write_record(struct json_out *j, const struct panel_sim *sim, const struct c_record *r, const char *flow)
{
	json_put_i64(j, "id", r->id);
	for (size_t i = 0; i < countof(fields); i++) {
		const struct field *f = &fields[i];

		if (!f->record || sim->version < f->since)
			continue;
		if (f->kind == KIND_ENABLE)
			json_put_bool(j, f->record, r->client.enable);
		else if (f->kind == KIND_NUMBER)
			json_put_i64(j, f->record, r->client.number[f->at]);
		else if (f->kind == KIND_REVERSE) {
			json_key(j, f->record);
			json_add_raw(j, r->client.text[f->at] ? str_of(r->client.text[f->at]) : STR("null"));
		} else if (f->kind == KIND_TEXT && f->at == T_FLOW)
			json_put_str(j, f->record, str_of(flow));
		else
			json_put_str(j, f->record, str_of(c_get(&r->client, (enum c_text)f->at)));
	}
}

void c_write_ids(struct json_out *j, const int64_t *ids, size_t count)
{
	json_key(j, "inboundIds");
	json_open(j, '[');
	for (size_t i = 0; i < count; i++)
		json_add_i64(j, ids[i]);
	json_close(j, ']');
}

/* --- writing inbounds --- */

/* Text that should be JSON stands in an answer as JSON, as null when empty, as a string when it is something else. */
static void write_nested(struct json_out *j, const char *key, const char *text)
{
	struct json_object *o = NULL;

	json_key(j, key);
	if (!*text) {
		json_add_null(j);
		return;
	}
	if (json_parse(&o, str_of(text)))
		json_add_str(j, str_of(text));
	else
		json_add_raw(j, str_of(text));
	json_object_put(o);
}

static void write_slim(struct json_out *j, const struct c_client *client)
{
	json_open(j, '{');
	json_put_str(j, "email", str_of(c_get(client, T_EMAIL)));
	json_put_bool(j, "enable", client->enable);
	if (client->text[T_COMMENT])
		json_put_str(j, "comment", str_of(client->text[T_COMMENT]));
	json_close(j, '}');
}

void c_write_settings(struct json_out *j, const struct panel_inbound *in, bool slim)
{
	const struct c_body *b = c_body(in);

	if (!b->settings) {
		if (b->raw && *b->raw)
			json_add_str(j, str_of(b->raw));
		else
			json_add_null(j);
		return;
	}
	json_open(j, '{');
	json_object_object_foreach(b->settings, key, value) {
		json_key(j, key);
		json_add_raw(j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
	}
	if (b->shape == CLIENTS_NULL)
		json_put_cstr(j, "clients", NULL);
	if (b->shape == CLIENTS_LIST) {
		json_key(j, "clients");
		json_open(j, '[');
		for (const struct c_element *e = b->first; e; e = e->next) {
			if (slim)
				write_slim(j, &e->client);
			else
				c_write_element(j, &e->client);
		}
		json_close(j, ']');
	}
	json_close(j, '}');
}

static void write_stat(struct json_out *j, struct panel_sim *sim, const struct panel_inbound *in,
		       const struct panel_traffic *row, bool known)
{
	const struct c_element *e = known ? c_element_find_nocase(sim, in, row->email) : NULL;

	panel_traffic_write(j, sim, row, str_of(e ? c_get(&e->client, T_ID) : ""),
			    str_of(e ? c_get(&e->client, T_SUB_ID) : ""));
}

/* Rows that name this inbound, wherever their client is by now, then those of its clients that name another. */
static void write_stats(struct json_out *j, struct panel_sim *sim, const struct panel_inbound *in, bool slim)
{
	bool others = !slim || c_has(sim, C_STATS_IN_GET);

	json_open(j, '[');
	for (const struct panel_traffic *row = sim->traffics; row; row = row->next)
		if (row->inbound_id == in->id)
			write_stat(j, sim, in, row, !slim);
	for (const struct c_element *e = c_body(in)->first; e && others; e = e->next) {
		const struct panel_traffic *row = panel_traffic_find(sim, str_of(c_get(&e->client, T_EMAIL)));

		if (row && row->inbound_id != in->id)
			write_stat(j, sim, in, row, !slim);
	}
	json_close(j, ']');
}

void c_write_inbound(struct json_out *j, struct panel_sim *sim, const struct panel_inbound *in, enum c_view view,
		     struct json_object *stats)
{
	const struct c_body *b = c_body(in);

	json_open(j, '{');
	json_put_i64(j, "id", in->id);
	json_put_i64(j, "up", in->up);
	json_put_i64(j, "down", in->down);
	json_put_i64(j, "total", in->total);
	json_put_str(j, "remark", str_of(in->remark));
	if (c_has(sim, C_SORT_INDEX))
		json_put_i64(j, "subSortIndex", b->sub_sort_index);
	json_put_bool(j, "enable", in->enable);
	json_put_i64(j, "expiryTime", in->expiry_ms);
	json_put_str(j, "trafficReset", str_of(in->traffic_reset));
	if (c_has(sim, C_RESET_DAY))
		json_put_i64(j, "trafficResetDay", b->reset_day);
	json_put_i64(j, "lastTrafficResetTime", in->last_reset_ms);
	json_key(j, "clientStats");
	if (view == VIEW_ANSWER || (view == VIEW_GET && !c_has(sim, C_STATS_IN_GET)))
		json_add_raw(j, stats ? str_of(json_object_to_json_string(stats)) : STR("null"));
	else
		write_stats(j, sim, in, view == VIEW_SLIM);
	json_put_str(j, "listen", str_of(in->listen));
	json_put_i64(j, "port", in->port);
	json_put_str(j, "protocol", str_of(in->protocol));
	json_put_str(j, "tag", str_of(in->tag));
	if (c_has(sim, C_SORT_INDEX)) {
		json_put_str(j, "shareAddrStrategy", str_of(b->share_strategy));
		json_put_str(j, "shareAddr", str_of(b->share_address));
	}
	if ((view == VIEW_LIST || view == VIEW_SLIM) && c_has(sim, C_GUID))
		json_put_str(j, "originNodeGuid", str_of(c_of(sim)->guid));
	json_key(j, "settings");
	c_write_settings(j, in, view == VIEW_SLIM);
	write_nested(j, "streamSettings", in->stream);
	write_nested(j, "sniffing", in->sniffing);
	json_close(j, '}');
}
