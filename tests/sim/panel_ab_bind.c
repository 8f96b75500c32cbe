/* The inbound of a request, bound the way gin does it, and the clients inside its settings. */
#include "tests/sim/panel_ab.h"

enum kind { K_INT, K_INT64, K_BOOL, K_TEXT };

/* Where a key of the body goes; in Go's order, which decides which error is told. */
struct place {
	const char *key;
	enum kind kind;
	void *at;
};

#define PLACES 16

static void places_of(struct place *p, struct ab_body *b, struct str *texts)
{
	const struct place all[PLACES] = {
		{ "id", K_INT, &b->in.id }, { "up", K_INT64, &b->in.up }, { "down", K_INT64, &b->in.down },
		{ "total", K_INT64, &b->in.total }, { "allTime", K_INT64, &b->in.all_time }, { "remark", K_TEXT, &texts[0] },
		{ "enable", K_BOOL, &b->in.enable }, { "expiryTime", K_INT64, &b->in.expiry_ms },
		{ "trafficReset", K_TEXT, &texts[1] }, { "lastTrafficResetTime", K_INT64, &b->in.last_reset_ms },
		{ "listen", K_TEXT, &texts[2] }, { "port", K_INT, &b->in.port }, { "protocol", K_TEXT, &texts[3] },
		{ "settings", K_TEXT, &b->settings }, { "streamSettings", K_TEXT, &texts[4] }, { "sniffing", K_TEXT, &texts[5] },
	};

	memcpy(p, all, sizeof all);
}

static bool place_json(const struct place *p, struct json_object *o)
{
	switch (p->kind) {
	case K_INT:
	case K_INT64: return go_json_i64(p->at, o);
	case K_BOOL: return go_json_bool(p->at, o);
	case K_TEXT: return go_json_str(p->at, o);
	}
	return false;
}

static const char *type_error(struct arena *a, const struct place *p, struct json_object *o)
{
	static const char *const types[] = { [K_INT] = "int", [K_INT64] = "int64", [K_BOOL] = "bool", [K_TEXT] = "string" };
	const char *kind = go_json_kind(o);

	if (!strcmp(kind, "number") && (p->kind == K_INT || p->kind == K_INT64))
		kind = arena_printf(a, "number %s", json_object_get_string(o));
	return arena_printf(a, "json: cannot unmarshal %s into Go struct field Inbound.%s of type %s", kind, p->key, types[p->kind]);
}

static void keep_texts(struct ab_body *b, struct arena *a, struct str *texts, struct str tag)
{
	char **fields[] = { &b->in.remark, &b->in.traffic_reset, &b->in.listen, &b->in.protocol, &b->in.stream, &b->in.sniffing };

	for (size_t i = 0; i < countof(fields); i++)
		*fields[i] = str_dup(a, texts[i]);
	b->in.tag = str_dup(a, tag);
	b->settings = str_n(str_dup(a, b->settings), b->settings.len);
}

const char *ab_bind_text(struct ab_body *b, struct panel_call *c, struct str json, bool unmarshal)
{
	struct str texts[6] = { { NULL, 0 } }, tag;
	struct place places[PLACES];
	struct json_object *o;
	const char *error = unmarshal ? go_json_parse(&o, c->arena, json) : go_json_decode(&o, c->arena, json);

	*b = (struct ab_body){ .stats = NULL };
	places_of(places, b, texts);
	if (!error && o && !json_object_is_type(o, json_type_object))
		error = arena_printf(c->arena, "json: cannot unmarshal %s into Go value of type model.Inbound", go_json_kind(o));
	for (size_t i = 0; !error && i < PLACES; i++) {
		struct json_object *value = json_at(o, places[i].key);

		if (!place_json(&places[i], value))
			error = type_error(c->arena, &places[i], value);
	}
	go_json_str(&tag, json_at(o, "tag"));
	keep_texts(b, c->arena, texts, tag);
	b->stats = json_object_get(json_array_at(o, "clientStats"));
	json_object_put(o);
	return error;
}

static const char *bind_form(struct ab_body *b, struct panel_call *c)
{
	struct str texts[6] = { { NULL, 0 } };
	struct place places[PLACES];
	const char *error = NULL;

	*b = (struct ab_body){ .stats = NULL };
	places_of(places, b, texts);
	for (size_t i = 0; i < PLACES; i++) {
		struct str value = panel_form(c, places[i].key);

		if (places[i].kind == K_TEXT)
			*(struct str *)places[i].at = value;
		else if (places[i].kind == K_BOOL)
			*(bool *)places[i].at = str_is(value, "true") || str_is(value, "1");
		else if (value.len && str_to_i64(places[i].at, value) && !error)
			error = arena_printf(c->arena, "strconv.ParseInt: parsing \"%.*s\": invalid syntax", STR_ARG(value));
	}
	keep_texts(b, c->arena, texts, panel_form(c, "tag"));
	return error;
}

bool ab_bind(struct ab_body *b, struct panel_call *c, const char *prefix)
{
	const char *error = panel_body_is_json(c) ? ab_bind_text(b, c, c->request->body, false) : bind_form(b, c);

	if (!error)
		return true;
	json_object_put(b->stats);
	panel_answer_fail(c, prefix, error);
	return false;
}

/* --- clients of a request --- */

void ab_new_read(struct ab_new *out, struct arena *a, const struct panel_sim *sim, struct json_object *settings)
{
	*out = (struct ab_new){ .list = json_array_at(settings, "clients") };
	out->count = json_len(out->list);
	out->fields = arena_array(a, struct ab_fields, out->count ? out->count : 1);
	for (size_t i = 0; i < out->count; i++)
		ab_decode(&out->fields[i], json_object_array_get_idx(out->list, i), sim);
}

static bool blocked_by_text(struct panel_sim *sim)
{
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		if (!ab_settings(in)->is_json)
			return true;
	return false;
}

/* The subId an e-mail has on the panel: "" when its clients disagree. False: nobody has it. */
static bool sub_of_email(struct panel_sim *sim, const char *lower, struct str *sub)
{
	struct map_entry *e = map_first(&ab_of(sim)->by_email, str_of(lower));

	if (!e)
		return false;
	*sub = ((struct ab_client *)e->value)->fields.sub_id;
	for (e = map_next(e); e; e = map_next(e))
		if (!str_eq(((struct ab_client *)e->value)->fields.sub_id, *sub))
			*sub = STR("");
	return true;
}

/* 3.0.x lets an e-mail stand in several inbounds as long as it always has the same, non-empty subId. */
static bool may_share(const struct panel_sim *sim, struct str a, struct str b)
{
	return sim->version >= VERSION(3, 0, 0) && a.len && str_eq(a, b);
}

const char *ab_emails_refused(struct panel_sim *sim, struct arena *a, const struct ab_new *n)
{
	struct map seen = { 0 };
	const char *error = NULL;

	if (blocked_by_text(sim))
		return "malformed JSON";
	if (sim->version < VERSION(3, 0, 0) && ab_of(sim)->nameless)
		return "sql: Scan error on column index 0, name \"JSON_EXTRACT(client.value, '$.email')\": converting NULL to string is unsupported";
	for (size_t i = 0; i < n->count && !error; i++) {
		const struct ab_fields *f = &n->fields[i];
		const char *lower = ab_lower(a, f->email);
		const struct ab_fields *before = map_get(&seen, str_of(lower));
		struct str sub;

		if (!f->email.len)
			continue;
		if ((before && !may_share(sim, before->sub_id, f->sub_id)) ||
		    (!before && sub_of_email(sim, lower, &sub) && !may_share(sim, sub, f->sub_id)))
			error = arena_printf(a, "Duplicate email: %.*s\n", STR_ARG(f->email));
		map_put(&seen, str_of(lower), (void *)f);
	}
	map_release(&seen);
	return error;
}
