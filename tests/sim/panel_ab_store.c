/* The settings text of an inbound, kept as its parts so that one client among 80,000 can be changed at once. */
#include "tests/sim/panel_ab.h"

struct ab *ab_of(struct panel_sim *sim)
{
	return sim->ab;
}

struct ab_settings *ab_settings(struct panel_inbound *in)
{
	return in->body;
}

int64_t ab_now(const struct panel_sim *sim)
{
	return sim->now_ms / SECOND_MS * SECOND_MS;
}

/* --- lower case, as strings.ToLower does it for the letters people use in e-mails here --- */

static unsigned lower_point(unsigned p)
{
	if ((p >= 0xc0 && p <= 0xde && p != 0xd7) || (p >= 0x410 && p <= 0x42f))
		return p + 32;
	if (p >= 0x400 && p <= 0x40f)
		return p + 80;
	return p;
}

const char *ab_lower(struct arena *a, struct str s)
{
	char *out = arena_strndup(a, s.len ? s.at : "", s.len);

	for (size_t i = 0; i < s.len; i++) {
		unsigned char b = (unsigned char)out[i];

		if (b >= 'A' && b <= 'Z') {
			out[i] = (char)(b + 32);
		} else if (b >= 0xc3 && b <= 0xd1 && i + 1 < s.len) {
			unsigned p = lower_point((b & 31U) << 6 | ((unsigned char)out[i + 1] & 63U));

			out[i++] = (char)(0xc0 | p >> 6);
			out[i] = (char)(0x80 | (p & 63));
		}
	}
	return out;
}

/* --- one client --- */

void ab_decode(struct ab_fields *f, struct json_object *o, const struct panel_sim *sim)
{
	const struct { const char *key; struct str *at; } texts[] = {
		{ "id", &f->id }, { "security", &f->security }, { "password", &f->password }, { "flow", &f->flow },
		{ "email", &f->email }, { "subId", &f->sub_id }, { "comment", &f->comment },
		{ "auth", sim->version >= VERSION(2, 9, 0) ? &f->auth : NULL },
	};
	const struct { const char *key; int64_t *at; } numbers[] = {
		{ "limitIp", &f->limit_ip }, { "totalGB", &f->total }, { "expiryTime", &f->expiry_ms }, { "tgId", &f->tg_id },
		{ "reset", &f->reset }, { "created_at", &f->created_ms }, { "updated_at", &f->updated_ms },
	};

	*f = (struct ab_fields){ .enable = false };
	for (size_t i = 0; i < countof(texts); i++)
		if (texts[i].at)
			go_json_str(texts[i].at, json_at(o, texts[i].key));
	for (size_t i = 0; i < countof(numbers); i++)
		go_json_i64(numbers[i].at, json_at(o, numbers[i].key));
	go_json_bool(&f->enable, json_at(o, "enable"));
}

const char *ab_key_name(const struct panel_sim *sim, const struct panel_inbound *in)
{
	static const struct { const char *protocol, *key; int since; } keys[] = {
		{ "trojan", "password", VERSION_ANY }, { "shadowsocks", "email", VERSION_ANY },
		{ "hysteria", "auth", VERSION(2, 9, 0) }, { "hysteria2", "auth", VERSION(2, 9, 0) },
	};

	for (size_t i = 0; i < countof(keys); i++)
		if (sim->version >= keys[i].since && !strcmp(in->protocol, keys[i].protocol))
			return keys[i].key;
	return "id";
}

struct str ab_key_of(const struct panel_sim *sim, const struct panel_inbound *in, const struct ab_fields *f)
{
	const char *name = ab_key_name(sim, in);

	return !strcmp(name, "id") ? f->id : !strcmp(name, "email") ? f->email : !strcmp(name, "auth") ? f->auth : f->password;
}

/* Moves what fields point to into one block of its own. */
static void own_strings(struct ab_client *cl)
{
	struct ab_fields *f = &cl->fields;
	struct str *texts[] = { &f->id, &f->security, &f->password, &f->flow, &f->auth, &f->email, &f->sub_id, &f->comment };
	size_t n = 0;
	char *p;

	for (size_t i = 0; i < countof(texts); i++)
		n += texts[i]->len;
	p = cl->strings = xmalloc(n);
	for (size_t i = 0; i < countof(texts); i++) {
		if (texts[i]->len)
			memcpy(p, texts[i]->at, texts[i]->len);
		texts[i]->at = p;
		p += texts[i]->len;
	}
}

static void index_client(struct panel_sim *sim, struct ab_client *cl)
{
	struct ab *ab = ab_of(sim);

	if (cl->fields.email.len)
		map_put(&ab->by_email, str_of(cl->email_lower), cl);
	if (cl->fields.id.len)
		map_put(&ab->by_id, cl->fields.id, cl);
	if (cl->key.len)
		map_put(&ab->by_key, cl->key, cl);
	ab->nameless += cl->nameless;
}

/* Out of the maps, and its own memory goes. */
static void forget_client(struct panel_sim *sim, struct ab_client *cl)
{
	struct ab *ab = ab_of(sim);

	map_cut(&ab->by_email, str_of(cl->email_lower), cl);
	map_cut(&ab->by_id, cl->fields.id, cl);
	map_cut(&ab->by_key, cl->key, cl);
	ab->nameless -= cl->nameless;
	free(cl->text);
	free(cl->strings);
	free(cl->email_lower);
}

static void read_client(struct panel_sim *sim, struct ab_client *cl, struct json_object *o)
{
	struct buf b;
	struct arena a = { 0 };

	buf_init(&b, SIZE_MAX);
	go_json_write(&b, o, 2);
	cl->text = xstrndup(buf_cstr(&b), b.len);
	buf_release(&b);
	ab_decode(&cl->fields, o, sim);
	own_strings(cl);
	cl->email_lower = xstrdup(ab_lower(&a, cl->fields.email));
	arena_release(&a);
	cl->key = ab_key_of(sim, cl->in, &cl->fields);
	cl->key_is_text = json_object_is_type(json_at(o, ab_key_name(sim, cl->in)), json_type_string);
	cl->nameless = !json_at(o, "email");
	index_client(sim, cl);
}

struct ab_client *ab_client_add(struct panel_sim *sim, struct panel_inbound *in, struct json_object *o)
{
	struct ab_settings *s = ab_settings(in);
	struct ab_client *cl = xcalloc(1, sizeof *cl);

	cl->in = in;
	cl->order = ++ab_of(sim)->order_last;
	cl->prev = s->last;
	*(s->last ? &s->last->next : &s->first) = cl;
	s->last = cl;
	s->count++;
	read_client(sim, cl, o);
	return cl;
}

void ab_client_set(struct panel_sim *sim, struct ab_client *cl, struct json_object *o)
{
	forget_client(sim, cl);
	read_client(sim, cl, o);
}

void ab_client_remove(struct panel_sim *sim, struct ab_client *cl)
{
	struct ab_settings *s = ab_settings(cl->in);

	*(cl->prev ? &cl->prev->next : &s->first) = cl->next;
	*(cl->next ? &cl->next->prev : &s->last) = cl->prev;
	s->count--;
	ab_of(sim)->config_lost |= cl->in_config != 0;
	forget_client(sim, cl);
	free(cl);
}

struct json_object *ab_client_json(const struct ab_client *cl)
{
	struct json_object *o;

	return json_parse(&o, str_of(cl->text)) == OK && o ? o : json_object_new_object();
}

/* --- a whole text --- */

void ab_unload(struct panel_sim *sim, struct panel_inbound *in)
{
	struct ab_settings *s = ab_settings(in);

	if (!s)
		return;
	while (s->first)
		ab_client_remove(sim, s->first);
	json_object_put(s->top);
	free(s->raw);
	free(s);
	in->body = NULL;
}

void ab_load(struct panel_sim *sim, struct panel_inbound *in, struct str text)
{
	struct ab_settings *s = xcalloc(1, sizeof *s);
	struct json_object *o, *list;

	ab_unload(sim, in);
	in->body = s;
	s->raw = xstrndup(text.len ? text.at : "", text.len);
	s->is_json = json_parse(&o, text) == OK;
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return;
	}
	s->top = o;
	list = json_array_at(o, "clients");
	if (!list)
		return;
	s->has_list = true;
	for (size_t i = 0; i < json_len(list); i++)
		ab_client_add(sim, in, json_object_array_get_idx(list, i));
	json_object_object_del(o, "clients");
}

void ab_touch(struct panel_inbound *in)
{
	struct ab_settings *s = ab_settings(in);

	free(s->raw);
	s->raw = NULL;
}

static void add_clients(struct buf *to, const struct ab_settings *s)
{
	buf_adds(to, "\"clients\": [");
	for (const struct ab_client *cl = s->first; cl; cl = cl->next) {
		buf_adds(to, cl->prev ? ",\n    " : "\n    ");
		buf_adds(to, cl->text);
	}
	buf_adds(to, s->first ? "\n  ]" : "]");
}

void ab_text(struct buf *to, struct panel_inbound *in)
{
	const struct ab_settings *s = ab_settings(in);
	struct buf rest;

	if (s->raw) {
		buf_adds(to, s->raw);
		return;
	}
	buf_adds(to, "{\n  ");
	add_clients(to, s);
	if (json_object_object_length(s->top) == 0) {
		buf_adds(to, "\n}");
		return;
	}
	buf_init(&rest, SIZE_MAX);
	go_json_write(&rest, s->top, 0);
	buf_addc(to, ',');
	buf_adds(to, buf_cstr(&rest) + 1);
	buf_release(&rest);
}

/* --- finding --- */

struct ab_client *ab_find_email(struct panel_sim *sim, const struct panel_inbound *in, struct str email)
{
	struct ab_client *found = NULL;
	struct arena a = { 0 };
	struct str lower = str_of(ab_lower(&a, email));

	for (struct map_entry *e = map_first(&ab_of(sim)->by_email, lower); e; e = map_next(e)) {
		struct ab_client *cl = e->value;

		if ((!in || cl->in == in) && str_eq(cl->fields.email, email) && (!found || cl->order < found->order))
			found = cl;
	}
	arena_release(&a);
	return found;
}

struct ab_client *ab_find_key(struct panel_sim *sim, const struct panel_inbound *in, struct str key)
{
	struct ab_client *found = NULL;

	for (struct map_entry *e = map_first(&ab_of(sim)->by_key, key); e; e = map_next(e)) {
		struct ab_client *cl = e->value;

		if (cl->in == in && (!found || cl->order < found->order))
			found = cl;
	}
	return found;
}

void ab_inbound_free(struct panel_sim *sim, struct panel_inbound *in)
{
	ab_unload(sim, in);
	panel_inbound_delete(sim, in);
}

/* --- the dialect's hooks --- */

static void view_of(struct panel_client_view *v, struct panel_sim *sim, const struct ab_client *cl)
{
	const struct ab_fields *f = &cl->fields;
	const struct panel_traffic *row = panel_traffic_find(sim, f->email);

	*v = (struct panel_client_view){
		.inbound_id = cl->in->id, .email = f->email, .id = f->id, .password = f->password, .sub_id = f->sub_id,
		.flow = f->flow, .comment = f->comment, .enable = f->enable, .total_bytes = f->total,
		.expiry_ms = f->expiry_ms, .reset_days = f->reset, .limit_ip = f->limit_ip, .tg_id = f->tg_id,
		.in_xray = cl->in_xray && sim->xray_running, .has_row = row != NULL,
	};
	if (!row)
		return;
	v->row_enable = row->enable;
	v->row_id = row->id;
	v->row_total_bytes = row->total;
	v->row_expiry_ms = row->expiry_ms;
	v->row_reset_days = row->reset;
	v->up = row->up;
	v->down = row->down;
	v->last_online_ms = row->last_online_ms;
}

static void ab_each_client(struct panel_sim *sim, int64_t inbound_id,
			   bool (*fn)(void *ctx, const struct panel_client_view *client), void *ctx)
{
	struct panel_client_view v;

	for (struct panel_inbound *in = sim->inbounds; in; in = in->next) {
		if (inbound_id && in->id != inbound_id)
			continue;
		for (const struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next) {
			view_of(&v, sim, cl);
			if (!fn(ctx, &v))
				return;
		}
	}
}

static bool ab_find_client(struct panel_client_view *out, struct panel_sim *sim, int64_t inbound_id, struct str email)
{
	struct panel_inbound *in = inbound_id ? panel_inbound_find(sim, inbound_id) : NULL;
	struct ab_client *cl = inbound_id && !in ? NULL : ab_find_email(sim, in, email);

	if (cl)
		view_of(out, sim, cl);
	return cl != NULL;
}

static bool ab_use(struct panel_sim *sim, struct str email, int64_t up, int64_t down)
{
	struct ab_client *cl = ab_find_email(sim, NULL, email);
	struct panel_traffic *row = panel_traffic_find(sim, email);

	if (!cl || !cl->in_xray)
		return false;
	if (row) { /* without one the bytes pass and are counted nowhere */
		row->pending_up += up;
		row->pending_down += down;
	}
	return true;
}

static int64_t ab_seed(struct panel_sim *sim, const char *protocol, int port, const char *prefix, size_t clients)
{
	struct panel_inbound *in = panel_inbound_new(sim, 0);
	char uuid[UUID_CHARS + 1], email[64], sub[32], text[512], tag[32];

	in->enable = true;
	in->port = port;
	snprintf(tag, sizeof tag, "inbound-%d", port);
	panel_text_set(&in->tag, str_of(tag));
	panel_text_set(&in->remark, str_of(prefix));
	panel_text_set(&in->protocol, str_of(protocol));
	panel_text_set(&in->stream, STR("{\"network\":\"ws\",\"security\":\"none\",\"externalProxy\":[],\"wsSettings\":{\"path\":\"/ws\",\"host\":\"\",\"headers\":{}}}"));
	panel_text_set(&in->sniffing, STR("{\"enabled\":false}"));
	ab_load(sim, in, STR("{\"clients\":[],\"decryption\":\"none\",\"fallbacks\":[]}"));
	if (clients)
		ab_touch(in);
	for (size_t i = 1; i <= clients; i++) {
		struct json_object *o;
		struct ab_client *cl;

		rand_uuid(uuid);
		snprintf(email, sizeof email, "%s%zu", prefix, i);
		snprintf(sub, sizeof sub, "%016zx", i);
		snprintf(text, sizeof text, "{\"id\":\"%s\",\"password\":\"%s\",\"auth\":\"%s\",\"flow\":\"\",\"email\":\"%s\",\"limitIp\":0,"
			 "\"totalGB\":0,\"expiryTime\":0,\"enable\":true,\"tgId\":0,\"subId\":\"%s\",\"comment\":\"\",\"reset\":0,"
			 "\"created_at\":%lld,\"updated_at\":%lld}", uuid, uuid, uuid, email, sub,
			 (long long)ab_now(sim), (long long)ab_now(sim));
		json_parse(&o, str_of(text));
		cl = ab_client_add(sim, in, o);
		ab_row_add(sim, in->id, &cl->fields);
		ab_xray_set(sim, cl, true);
		json_object_put(o);
	}
	return in->id;
}

static void ab_init(struct panel_sim *sim)
{
	sim->ab = xcalloc(1, sizeof(struct ab));
}

static void ab_release(struct panel_sim *sim)
{
	struct ab *ab = ab_of(sim);

	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		ab_unload(sim, in);
	map_release(&ab->by_email);
	map_release(&ab->by_id);
	map_release(&ab->by_key);
	free(ab);
}

const struct panel_dialect panel_dialect_ab = {
	.tables = { { panel_ab_inbound_routes, &panel_ab_inbound_routes_count },
		    { panel_ab_client_routes, &panel_ab_client_routes_count },
		    { panel_ab_traffic_routes, &panel_ab_traffic_routes_count },
		    { panel_ab_link_routes, &panel_ab_link_routes_count } },
	.init = ab_init, .release = ab_release, .poll = ab_poll, .xray_start = ab_xray_start, .xray_differs = ab_xray_differs, .subscribe = ab_subscribe,
	.each_client = ab_each_client, .find_client = ab_find_client, .use = ab_use, .settings = ab_text, .seed = ab_seed,
};
