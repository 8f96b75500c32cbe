/* inbounds/list, get, add, update, del, import, setEnable of dialects A and B. */
#include "tests/sim/panel_ab.h"

#define CREATED "Inbound has been successfully created."
#define DELETED "Inbound has been successfully deleted."

/* --- writing one --- */

static bool has_traffic_reset(const struct panel_sim *sim)
{
	return sim->version >= VERSION(2, 8, 1);
}

static void stats_write(struct json_out *j, struct panel_sim *sim, const struct panel_traffic *row)
{
	const struct ab_client *cl = ab_find_email(sim, NULL, str_of(row->email));

	panel_traffic_write(j, sim, row, cl ? cl->fields.id : STR(""), cl ? cl->fields.sub_id : STR(""));
}

/* stats: JSON text; settings: the text, not yet quoted. */
static void inbound_write(struct json_out *j, struct panel_sim *sim, const struct panel_inbound *in, struct str stats, struct str settings)
{
	json_open(j, '{');
	json_put_i64(j, "id", in->id);
	json_put_i64(j, "up", in->up);
	json_put_i64(j, "down", in->down);
	json_put_i64(j, "total", in->total);
	if (panel_is(sim, VERSION(2, 6, 7), VERSION(3, 0, 99)))
		json_put_i64(j, "allTime", in->all_time);
	json_put_cstr(j, "remark", in->remark);
	json_put_bool(j, "enable", in->enable);
	json_put_i64(j, "expiryTime", in->expiry_ms);
	if (has_traffic_reset(sim)) {
		json_put_cstr(j, "trafficReset", in->traffic_reset);
		json_put_i64(j, "lastTrafficResetTime", in->last_reset_ms);
	}
	json_key(j, "clientStats");
	json_add_raw(j, stats);
	json_put_cstr(j, "listen", in->listen);
	json_put_i64(j, "port", in->port);
	json_put_cstr(j, "protocol", in->protocol);
	json_put_str(j, "settings", settings);
	json_put_cstr(j, "streamSettings", in->stream);
	json_put_cstr(j, "tag", in->tag);
	json_put_cstr(j, "sniffing", in->sniffing);
	if (panel_is(sim, VERSION(2, 4, 1), VERSION(2, 6, 6)))
		json_put_cstr(j, "allocate", "");
	json_close(j, '}');
}

static void stored_write(struct json_out *j, struct panel_sim *sim, struct panel_inbound *in, struct str stats)
{
	struct buf text;

	buf_init(&text, SIZE_MAX);
	ab_text(&text, in);
	inbound_write(j, sim, in, stats, buf_str(&text));
	buf_release(&text);
}

static void answer_inbound(struct panel_call *c, bool success, const char *msg, const struct panel_inbound *in, struct str stats,
			   struct str settings)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	inbound_write(&j, c->sim, in, stats, settings);
	panel_answer(c, success, msg, buf_str(&b));
	buf_release(&b);
}

/* The rows of every inbound in one walk: texts[i] belongs to the i-th inbound. */
static void stats_of_all(struct panel_sim *sim, struct buf *texts)
{
	for (struct panel_traffic *row = sim->traffics; row; row = row->next) {
		struct panel_inbound *in = sim->inbounds;
		struct json_out j;
		size_t i = 0;

		for (; in && in->id != row->inbound_id; in = in->next)
			i++;
		if (!in)
			continue;
		if (texts[i].len)
			buf_addc(&texts[i], ',');
		json_out_init(&j, &texts[i]);
		stats_write(&j, sim, row);
	}
}

static void on_list(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	struct buf b, *stats;
	struct json_out j;
	size_t n = 0, i = 0;

	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		n++;
	stats = xcalloc(n + 1, sizeof *stats);
	for (i = 0; i < n; i++)
		buf_init(&stats[i], SIZE_MAX);
	stats_of_all(sim, stats);
	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	i = 0;
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next, i++) {
		struct buf list;

		buf_init(&list, SIZE_MAX);
		buf_addc(&list, '[');
		buf_add(&list, buf_str(&stats[i]));
		buf_addc(&list, ']');
		stored_write(&j, sim, in, buf_str(&list));
		buf_release(&list);
		buf_release(&stats[i]);
	}
	free(stats);
	json_close(&j, ']');
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

static struct panel_inbound *inbound_or_answer(struct panel_call *c, int64_t id, const char *prefix)
{
	struct panel_inbound *in = panel_inbound_find(c->sim, id);

	if (!in)
		panel_answer_fail(c, prefix, "record not found");
	return in;
}

static void on_get(struct panel_call *c)
{
	struct panel_inbound *in;
	struct buf b;
	struct json_out j;
	int64_t id;

	if (!panel_param_id(c, 0, &id, "") || !(in = inbound_or_answer(c, id, "Obtain")))
		return;
	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	stored_write(&j, c->sim, in, STR("null"));
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

/* --- add, import --- */

static bool listens_everywhere(const char *listen)
{
	return !*listen || !strcmp(listen, "0.0.0.0") || !strcmp(listen, "::") || !strcmp(listen, "::0");
}

static const char *port_refused(struct panel_call *c, const struct panel_inbound *want, int64_t but_id)
{
	for (struct panel_inbound *in = c->sim->inbounds; in; in = in->next)
		if (in->id != but_id && in->port == want->port &&
		    (listens_everywhere(in->listen) || listens_everywhere(want->listen) || !strcmp(in->listen, want->listen)))
			return arena_printf(c->arena, "Port already exists: %lld\n", (long long)want->port);
	return NULL;
}

static char *tag_of(struct arena *a, const struct panel_inbound *in)
{
	if (listens_everywhere(in->listen))
		return arena_printf(a, "inbound-%lld", (long long)in->port);
	return arena_printf(a, "inbound-%s:%lld", in->listen, (long long)in->port);
}

static void put_text(struct json_object *o, const char *key, struct str s, bool omit_empty)
{
	if (s.len || !omit_empty)
		json_object_object_add(o, key, json_object_new_string_len(s.len ? s.at : "", (int)s.len));
}

/* The client as Go's struct writes it: known keys only, and 2.9 leaves out what is empty. */
static struct json_object *struct_json(const struct panel_sim *sim, const struct ab_fields *f)
{
	bool omit = sim->version >= VERSION(2, 9, 0);
	struct json_object *o = json_object_new_object();

	put_text(o, "id", f->id, omit);
	put_text(o, "security", f->security, false);
	put_text(o, "password", f->password, omit);
	put_text(o, "flow", f->flow, omit);
	put_text(o, "auth", f->auth, true);
	put_text(o, "email", f->email, false);
	json_object_object_add(o, "limitIp", json_object_new_int64(f->limit_ip));
	json_object_object_add(o, "totalGB", json_object_new_int64(f->total));
	json_object_object_add(o, "expiryTime", json_object_new_int64(f->expiry_ms));
	json_object_object_add(o, "enable", json_object_new_boolean(f->enable));
	json_object_object_add(o, "tgId", json_object_new_int64(f->tg_id));
	put_text(o, "subId", f->sub_id, false);
	put_text(o, "comment", f->comment, false);
	json_object_object_add(o, "reset", json_object_new_int64(f->reset));
	if (sim->version >= VERSION(2, 6, 7)) {
		json_object_object_add(o, "created_at", json_object_new_int64(f->created_ms ? f->created_ms : ab_now(sim)));
		json_object_object_add(o, "updated_at", json_object_new_int64(ab_now(sim)));
	}
	return o;
}

/* Rewrites the clients of a new inbound; with none the text stays as sent. */
static struct str settings_with_structs(struct panel_call *c, struct json_object *settings, const struct ab_new *clients, struct str sent)
{
	struct json_object *list;
	struct buf b;
	struct str out;

	if (!clients->count)
		return sent;
	list = json_object_new_array();
	for (size_t i = 0; i < clients->count; i++)
		json_object_array_add(list, struct_json(c->sim, &clients->fields[i]));
	buf_init(&b, SIZE_MAX);
	json_object_object_add(settings, "clients", list); /* fields are borrowed from the old list: not before now */
	go_json_write(&b, settings, 0);
	out = str_n(str_dup(c->arena, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

static const char *credentials_refused(const struct panel_sim *sim, const struct panel_inbound *in, const struct ab_new *clients)
{
	for (size_t i = 0; i < clients->count; i++)
		if (!ab_key_of(sim, in, &clients->fields[i]).len)
			return "empty client ID\n";
	return NULL;
}

static struct panel_inbound *inbound_store(struct panel_call *c, const struct ab_body *b, struct str settings)
{
	struct panel_sim *sim = c->sim;
	struct panel_inbound *in = panel_inbound_new(sim, b->in.id);

	in->up = b->in.up;
	in->down = b->in.down;
	in->total = b->in.total;
	in->all_time = b->in.all_time;
	in->enable = b->in.enable;
	in->expiry_ms = b->in.expiry_ms;
	in->last_reset_ms = b->in.last_reset_ms;
	in->port = b->in.port;
	panel_text_set(&in->remark, str_of(b->in.remark));
	panel_text_set(&in->listen, str_of(b->in.listen));
	panel_text_set(&in->protocol, str_of(b->in.protocol));
	panel_text_set(&in->traffic_reset, *b->in.traffic_reset ? str_of(b->in.traffic_reset) : STR("never"));
	panel_text_set(&in->stream, str_of(b->in.stream));
	panel_text_set(&in->sniffing, str_of(b->in.sniffing));
	panel_text_set(&in->tag, str_of(b->in.tag));
	ab_load(sim, in, settings);
	return in;
}

static void rows_of_clients(struct panel_sim *sim, struct panel_inbound *in)
{
	for (struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next)
		ab_row_add(sim, in->id, &cl->fields);
}

/* An import with traffic rows brings exactly those, whatever clients it has. */
static void rows_as_sent(struct panel_sim *sim, struct panel_inbound *in, struct json_object *stats)
{
	for (size_t i = 0; i < json_len(stats); i++) {
		struct json_object *o = json_object_array_get_idx(stats, i);
		struct panel_traffic *row;

		if (panel_traffic_find(sim, json_str_at(o, "email")))
			continue;
		row = panel_traffic_new(sim, json_str_at(o, "email"), in->id);
		row->enable = true;
		row->up = json_i64_at(o, "up", 0);
		row->down = json_i64_at(o, "down", 0);
		row->all_time = json_i64_at(o, "allTime", 0);
		row->total = json_i64_at(o, "total", 0);
		row->expiry_ms = json_i64_at(o, "expiryTime", 0);
		row->reset = json_i64_at(o, "reset", 0);
		row->last_online_ms = json_i64_at(o, "lastOnline", 0);
	}
}

static struct str stats_text(struct panel_call *c, struct json_object *stats, int64_t inbound_id, bool stored)
{
	struct buf b;
	struct json_out j;
	struct str out;

	if (!stats)
		return STR("null");
	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (size_t i = 0; i < json_len(stats); i++) {
		struct json_object *o = json_object_array_get_idx(stats, i);
		struct str email = json_str_at(o, "email");
		struct panel_traffic *row = stored ? panel_traffic_find(c->sim, email) : NULL;
		struct panel_traffic sent = {
			.inbound_id = stored ? inbound_id : json_i64_at(o, "inboundId", 0), .enable = true,
			.email = str_dup(c->arena, email), .up = json_i64_at(o, "up", 0), .down = json_i64_at(o, "down", 0),
			.all_time = json_i64_at(o, "allTime", 0), .total = json_i64_at(o, "total", 0),
			.expiry_ms = json_i64_at(o, "expiryTime", 0), .reset = json_i64_at(o, "reset", 0),
		};

		panel_traffic_write(&j, c->sim, row ? row : &sent, STR(""), STR(""));
	}
	json_close(&j, ']');
	out = str_n(str_dup(c->arena, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

static void xray_take_inbound(struct panel_sim *sim, struct panel_inbound *in)
{
	for (struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next)
		ab_xray_set(sim, cl, cl->fields.enable);
}

/* NULL, or why not. settings becomes what is stored. */
static const char *add_refused(struct panel_call *c, const struct ab_body *b, struct str *settings)
{
	struct json_object *o = NULL;
	struct ab_new clients;
	const char *error = port_refused(c, &b->in, 0);

	if (error)
		return error;
	json_parse(&o, b->settings);
	ab_new_read(&clients, c->arena, c->sim, o);
	error = ab_emails_refused(c->sim, c->arena, &clients);
	if (!error && str_is(str_trim(b->settings), "null"))
		error = "setting is null";
	if (!error)
		error = credentials_refused(c->sim, &b->in, &clients);
	if (!error && panel_inbound_find(c->sim, b->in.id))
		error = "UNIQUE constraint failed: inbounds.id";
	*settings = settings_with_structs(c, o, &clients, b->settings);
	json_object_put(o);
	return error;
}

static struct panel_inbound *add(struct panel_call *c, struct ab_body *b, bool import, struct str settings)
{
	struct panel_inbound *in = inbound_store(c, b, settings);

	if (import && json_len(b->stats))
		rows_as_sent(c->sim, in, b->stats);
	else
		rows_of_clients(c->sim, in);
	if (in->enable)
		xray_take_inbound(c->sim, in);
	return in;
}

static void on_add(struct panel_call *c)
{
	struct ab_body b;
	struct str settings;
	const char *error;

	if (!ab_bind(&b, c, CREATED))
		return;
	if (c->sim->version < VERSION(3, 0, 0) || !*b.in.tag)
		b.in.tag = tag_of(c->arena, &b.in);
	error = add_refused(c, &b, &settings);
	if (error)
		panel_answer_fail(c, WENT_WRONG, error);
	else
		answer_inbound(c, true, CREATED, add(c, &b, false, settings), b.stats ? STR("[]") : STR("null"), settings);
	json_object_put(b.stats);
}

static void on_import(struct panel_call *c)
{
	struct str data = panel_body_is_json(c) ? STR("") : panel_form(c, "data"), settings;
	struct ab_body b;
	struct panel_inbound *in;
	const char *error = ab_bind_text(&b, c, data, true);

	if (error) {
		panel_answer_fail(c, WENT_WRONG, error);
		json_object_put(b.stats);
		return;
	}
	b.in.id = 0;
	b.in.tag = tag_of(c->arena, &b.in);
	error = add_refused(c, &b, &settings);
	if (error) {
		answer_inbound(c, false, arena_printf(c->arena, CREATED " (%s)", error), &b.in, stats_text(c, b.stats, 0, false), b.settings);
	} else {
		in = add(c, &b, true, settings);
		answer_inbound(c, true, CREATED, in, stats_text(c, b.stats, in->id, true), settings);
	}
	json_object_put(b.stats);
}

/* --- update --- */

/* created_at and updated_at of a client that stays are carried over, by e-mail; a new one gets created_at only. */
static struct str settings_with_times(struct panel_call *c, struct panel_inbound *in, struct json_object *o, struct str sent)
{
	struct json_object *list = json_array_at(o, "clients");
	struct buf b;
	struct str out;

	if (!list)
		return sent;
	for (size_t i = 0; i < json_len(list); i++) {
		struct json_object *client = json_object_array_get_idx(list, i);
		struct ab_client *old = ab_find_email(c->sim, in, json_str_at(client, "email"));

		if (!json_object_is_type(client, json_type_object))
			continue;
		if (!json_object_object_get_ex(client, "created_at", NULL))
			json_object_object_add(client, "created_at", json_object_new_int64(
				old && old->fields.created_ms > 0 ? old->fields.created_ms : ab_now(c->sim)));
		if (!json_object_object_get_ex(client, "updated_at", NULL) && old && old->fields.updated_ms > 0)
			json_object_object_add(client, "updated_at", json_object_new_int64(old->fields.updated_ms));
	}
	buf_init(&b, SIZE_MAX);
	go_json_write(&b, o, 0);
	out = str_n(str_dup(c->arena, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

/* In 2.x a row that another inbound's client has stops the whole update. */
static bool rows_clash(struct panel_sim *sim, struct panel_inbound *in, const struct ab_new *clients)
{
	bool clash = false;
	struct map seen = { 0 };

	if (sim->version >= VERSION(3, 0, 0))
		return false;
	for (size_t i = 0; i < clients->count; i++) {
		struct str email = clients->fields[i].email;

		if (ab_find_email(sim, in, email))
			continue;
		clash |= panel_traffic_find(sim, email) || map_get(&seen, email);
		map_put(&seen, email, in);
	}
	map_release(&seen);
	return clash;
}

static void rows_follow(struct panel_sim *sim, struct panel_inbound *in, const struct ab_new *clients)
{
	struct map stays = { 0 };

	for (size_t i = 0; i < clients->count; i++)
		map_put(&stays, clients->fields[i].email, (void *)&clients->fields[i]);
	for (struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next)
		if (!map_get(&stays, cl->fields.email))
			ab_row_delete(sim, cl->fields.email, in);
	for (size_t i = 0; i < clients->count; i++) {
		const struct ab_fields *f = &clients->fields[i];
		struct panel_traffic *row = panel_traffic_find(sim, f->email);

		if (!ab_find_email(sim, in, f->email))
			ab_row_add(sim, in->id, f);
		else if (row && sim->version >= VERSION(3, 0, 0))
			ab_row_update(sim, row, f);
	}
	map_release(&stays);
}

static void update(struct panel_call *c, struct panel_inbound *in, struct ab_body *b, struct str settings)
{
	struct panel_sim *sim = c->sim;

	if (sim->version < VERSION(3, 0, 0)) {
		in->up = b->in.up;
		in->down = b->in.down;
	}
	in->total = b->in.total;
	in->enable = b->in.enable;
	in->expiry_ms = b->in.expiry_ms;
	in->port = b->in.port;
	panel_text_set(&in->remark, str_of(b->in.remark));
	panel_text_set(&in->traffic_reset, str_of(b->in.traffic_reset));
	panel_text_set(&in->listen, str_of(b->in.listen));
	panel_text_set(&in->protocol, str_of(b->in.protocol));
	panel_text_set(&in->stream, str_of(b->in.stream));
	panel_text_set(&in->sniffing, str_of(b->in.sniffing));
	panel_text_set(&in->tag, str_of(tag_of(c->arena, in)));
	ab_load(sim, in, settings);
	if (in->enable)
		xray_take_inbound(sim, in);
}

static void on_update(struct panel_call *c)
{
	struct panel_inbound *in;
	struct json_object *o = NULL;
	struct ab_new clients;
	struct ab_body b;
	struct str settings;
	const char *error;
	int64_t id;

	if (!panel_param_id(c, 0, &id, INBOUND_UPDATED) || !ab_bind(&b, c, INBOUND_UPDATED))
		return;
	error = port_refused(c, &b.in, id);
	in = panel_inbound_find(c->sim, id);
	if (!error && !in)
		error = "record not found";
	json_parse(&o, b.settings);
	ab_new_read(&clients, c->arena, c->sim, o);
	if (!error && rows_clash(c->sim, in, &clients))
		error = "UNIQUE constraint failed: client_traffics.email";
	if (error) {
		panel_answer_fail(c, WENT_WRONG, error);
	} else {
		rows_follow(c->sim, in, &clients);
		settings = settings_with_times(c, in, o, b.settings);
		update(c, in, &b, settings);
		b.in.id = id;
		answer_inbound(c, true, INBOUND_UPDATED, &b.in, b.stats ? STR("[]") : STR("null"), settings);
	}
	json_object_put(o);
	json_object_put(b.stats);
}

/* --- the rest --- */

void ab_inbound_delete(struct panel_sim *sim, struct panel_inbound *in)
{
	for (struct panel_traffic *row = sim->traffics, *next; row; row = next) {
		next = row->next;
		if (row->inbound_id == in->id)
			ab_row_delete(sim, str_of(row->email), in);
	}
	ab_inbound_free(sim, in);
}

static void on_del(struct panel_call *c)
{
	struct panel_inbound *in;
	int64_t id;

	if (!panel_param_id(c, 0, &id, DELETED) || !(in = inbound_or_answer(c, id, WENT_WRONG)))
		return;
	ab_inbound_delete(c->sim, in);
	panel_answer(c, true, DELETED, str_of(arena_printf(c->arena, "%lld", (long long)id)));
}

static void on_set_enable(struct panel_call *c)
{
	struct panel_inbound *in;
	struct json_object *o = NULL;
	bool enable = false;
	int64_t id;

	if (!panel_param_id(c, 0, &id, INBOUND_UPDATED))
		return;
	if (panel_body_is_json(c)) {
		go_json_decode(&o, c->arena, c->request->body);
		go_json_bool(&enable, json_at(o, "enable"));
		json_object_put(o);
	} else {
		enable = str_is(panel_form(c, "enable"), "true");
	}
	in = inbound_or_answer(c, id, WENT_WRONG);
	if (!in)
		return;
	in->enable = enable;
	for (struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next)
		ab_xray_set(c->sim, cl, enable && cl->fields.enable);
	panel_answer_ok(c, INBOUND_UPDATED);
}

#define ALL VERSION_ANY, VERSION_LAST, AREA_API

const struct panel_route panel_ab_inbound_routes[] = {
	{ HTTP_GET,  "panel/api/inbounds/list",          ALL, false, on_list },
	{ HTTP_GET,  "panel/api/inbounds/get/:id",       ALL, false, on_get },
	{ HTTP_POST, "panel/api/inbounds/add",           ALL, true,  on_add },
	{ HTTP_POST, "panel/api/inbounds/update/:id",    ALL, true,  on_update },
	{ HTTP_POST, "panel/api/inbounds/del/:id",       ALL, true,  on_del },
	{ HTTP_POST, "panel/api/inbounds/import",        VERSION(2, 7, 0), VERSION_LAST, AREA_API, true, on_import },
	{ HTTP_POST, "panel/api/inbounds/setEnable/:id", VERSION(2, 9, 4), VERSION_LAST, AREA_API, true, on_set_enable },
};
const size_t panel_ab_inbound_routes_count = countof(panel_ab_inbound_routes);
