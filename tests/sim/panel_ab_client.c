/* addClient, updateClient, the deletes and copyClients of dialects A and B.
 *
 * Every writer reads the whole settings text, changes it and writes it back without a lock. So a call that meets
 * another writer (call->race) keeps its traffic row and loses its change of settings; 2.x shares one Xray connection
 * besides and dies of it (§4.13). */
#include "tests/sim/panel_ab.h"

#define ADDED "Inbound client(s) have been added."
#define UPDATED "Inbound client has been updated."
#define DELETED "Inbound client has been deleted."

static bool dies_of_race(const struct panel_call *c)
{
	return c->race && c->sim->version < VERSION(3, 0, 0);
}

/* The panel's own restart of Xray after a depletion disturbs writers for a moment (§4.14). */
static bool xray_is_busy(const struct panel_sim *sim)
{
	return sim->now_ms < sim->xray_busy_until_ms;
}

/* --- Xray's users --- */

/* live: the running Xray refuses a Shadowsocks user of the 2022 methods in the form these panels send, from 2.9.3 on also
 * one of the AES methods. The timer of 30 s then compares
 * configurations and restarts if they differ. After a change of limits they do not, so the user, taken out before, stays
 * out. */
static bool is_refused_by_xray(const struct panel_sim *sim, struct panel_inbound *in)
{
	struct str method = json_str_at(ab_settings(in)->top, "method");

	if (strcmp(in->protocol, "shadowsocks"))
		return false;
	return str_starts(method, "2022-") || (sim->version >= VERSION(2, 9, 3) && !str_has(method, "chacha20"));
}

void ab_xray_set(struct panel_sim *sim, struct ab_client *cl, bool on)
{
	cl->in_xray = false;
	if (!on || !cl->in->enable)
		return;
	if (!sim->xray_running || xray_is_busy(sim) || !cl->fields.email.len)
		sim->xray_restart_wanted = true;
	else if (is_refused_by_xray(sim, cl->in))
		ab_of(sim)->compare_wanted = true;
	else
		cl->in_xray = true;
}

static uint64_t hash_add(uint64_t hash, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.at[i]) * UINT64_C(1099511628211);
	return (hash ^ 0xff) * UINT64_C(1099511628211);
}

/* What the configuration says of a client. It takes those that are on in settings and whose row, if there is one, is on
 * as well. */
static uint64_t in_config(struct panel_sim *sim, const struct panel_inbound *in, const struct ab_client *cl)
{
	struct panel_traffic *row = panel_traffic_find(sim, cl->fields.email);

	if (!in->enable || !cl->fields.enable || (row && !row->enable))
		return 0;
	return hash_add(hash_add(UINT64_C(14695981039346656037), cl->fields.email), cl->key) | 1;
}

/* An e-mail that stands twice in one inbound keeps Xray of these versions from starting at all. */
void ab_xray_start(struct panel_sim *sim)
{
	ab_of(sim)->compare_wanted = ab_of(sim)->config_lost = false;
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		for (struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next) {
			cl->in_config = in_config(sim, in, cl);
			cl->in_xray = cl->in_config != 0;
			if (cl->in_xray && cl->fields.email.len && ab_find_email(sim, in, cl->fields.email) != cl)
				sim->xray_running = false;
		}
}

bool ab_xray_differs(struct panel_sim *sim)
{
	bool asked = ab_of(sim)->compare_wanted;

	ab_of(sim)->compare_wanted = false;
	if (!asked || ab_of(sim)->config_lost)
		return asked;
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		for (struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next)
			if (cl->in_config != in_config(sim, in, cl))
				return true;
	return false;
}

/* --- add --- */

static void touch_time(struct panel_sim *sim, struct json_object *client, const char *key, bool replace)
{
	if (!json_object_is_type(client, json_type_object) || sim->version < VERSION(2, 6, 7))
		return;
	if (replace || !json_object_object_get_ex(client, key, NULL))
		json_object_object_add(client, key, json_object_new_int64(ab_now(sim)));
}

static const char *clients_refused(const struct panel_sim *sim, const struct panel_inbound *in, const struct ab_new *n)
{
	for (size_t i = 0; i < n->count; i++) {
		if (sim->version >= VERSION(3, 0, 0) && !str_trim(n->fields[i].email).len)
			return "client email is required\n";
		if (!ab_key_of(sim, in, &n->fields[i]).len)
			return "empty client ID\n";
	}
	return NULL;
}

static void add_clients(struct panel_call *c, struct panel_inbound *in, const struct ab_new *n)
{
	struct panel_sim *sim = c->sim;

	if (!c->race)
		ab_touch(in);
	for (size_t i = 0; i < n->count; i++) {
		struct json_object *o = json_object_array_get_idx(n->list, i);

		if (n->fields[i].email.len)
			ab_row_add(sim, in->id, &n->fields[i]);
		if (!c->race) {
			struct ab_client *cl = ab_client_add(sim, in, o);

			ab_xray_set(sim, cl, cl->fields.enable);
		}
	}
}

static void add_to(struct panel_call *c, const struct ab_body *b, struct json_object *settings)
{
	struct panel_inbound *in;
	struct ab_new n;
	const char *error;

	ab_new_read(&n, c->arena, c->sim, settings);
	if (!n.list) {
		panel_answer_empty(c, 500); /* an unchecked type assertion */
		return;
	}
	for (size_t i = 0; i < n.count; i++) {
		touch_time(c->sim, json_object_array_get_idx(n.list, i), "created_at", false);
		touch_time(c->sim, json_object_array_get_idx(n.list, i), "updated_at", true);
	}
	error = ab_emails_refused(c->sim, c->arena, &n);
	in = panel_inbound_find(c->sim, b->in.id);
	if (!error && !in)
		error = "record not found";
	if (!error)
		error = clients_refused(c->sim, in, &n);
	if (!error && !ab_settings(in)->is_json)
		error = "unexpected end of JSON input";
	if (error) {
		panel_answer_fail(c, WENT_WRONG, error);
		return;
	}
	if (!ab_settings(in)->has_list) {
		panel_answer_empty(c, 500);
		return;
	}
	add_clients(c, in, &n);
	if (dies_of_race(c))
		panel_answer_empty(c, 500);
	else
		panel_answer_ok(c, ADDED);
}

/* The body bound and its settings read, then it is acted upon. */
static void with_settings(struct panel_call *c, void (*act)(struct panel_call *c, const struct ab_body *b, struct json_object *settings))
{
	struct json_object *settings;
	struct ab_body b;
	const char *error;

	if (!ab_bind(&b, c, INBOUND_UPDATED))
		return;
	error = go_json_parse(&settings, c->arena, b.settings);
	if (error)
		panel_answer_fail(c, WENT_WRONG, error);
	else
		act(c, &b, settings);
	json_object_put(settings);
	json_object_put(b.stats);
}

static void on_add(struct panel_call *c)
{
	with_settings(c, add_to);
}

/* --- update --- */

/* The row follows the new object; an e-mail taken away takes the row along, one given to the nameless makes one. */
static const char *row_follow(struct panel_sim *sim, struct ab_client *old, const struct ab_fields *f)
{
	struct str before = old->fields.email;
	struct panel_traffic *row = panel_traffic_find(sim, before), *other;

	if (!f->email.len) {
		ab_row_delete(sim, before, old->in);
		return NULL;
	}
	if (!before.len) {
		ab_row_add(sim, old->in->id, f);
		return NULL;
	}
	if (!row)
		return NULL; /* drift stays drift */
	other = panel_traffic_find(sim, f->email);
	if (other && other != row) {
		if (sim->version < VERSION(3, 0, 0))
			return "UNIQUE constraint failed: client_traffics.email";
		panel_traffic_delete(sim, row); /* the row that has the new name stays, with its counters */
		row = other;
	} else if (!str_eq(before, f->email)) {
		panel_traffic_rename(sim, row, f->email);
	}
	ab_row_update(sim, row, f);
	return NULL;
}

static void replace_client(struct panel_call *c, struct ab_client *old, struct json_object *o)
{
	struct json_object *before = ab_client_json(old), *created = json_at(before, "created_at");

	if (json_object_is_type(o, json_type_object) && c->sim->version >= VERSION(2, 6, 7)) {
		touch_time(c->sim, o, "updated_at", true);
		if (created)
			json_object_object_add(o, "created_at", json_object_get(created));
		else
			touch_time(c->sim, o, "created_at", true);
	}
	json_object_put(before);
	ab_client_set(c->sim, old, o);
	ab_touch(old->in);
	ab_xray_set(c->sim, old, old->fields.enable);
}

static const char *update_refused(struct panel_call *c, struct panel_inbound *in, struct ab_client *old, const struct ab_new *n)
{
	const struct ab_fields *f = &n->fields[0];

	if (!old || !ab_key_of(c->sim, in, f).len)
		return "empty client ID\n";
	if (c->sim->version >= VERSION(3, 0, 0) && !str_trim(f->email).len)
		return "client email is required\n";
	if (f->email.len && !str_eq(f->email, old->fields.email))
		return ab_emails_refused(c->sim, c->arena, n);
	return NULL;
}

static void update_in(struct panel_call *c, const struct ab_body *b, struct json_object *settings)
{
	struct panel_sim *sim = c->sim;
	struct panel_inbound *in;
	struct ab_client *old;
	struct ab_new n;
	const char *error;
	bool lost = c->race || (xray_is_busy(sim) && sim->version < VERSION(3, 0, 0));

	ab_new_read(&n, c->arena, sim, settings);
	in = n.list ? panel_inbound_find(sim, b->in.id) : NULL;
	if (n.list && !in) {
		panel_answer_fail(c, WENT_WRONG, "record not found");
		return;
	}
	if (!n.count) {
		panel_answer_empty(c, 500);
		return;
	}
	old = ab_find_key(sim, in, c->params[0]);
	error = update_refused(c, in, old, &n);
	if (!error)
		error = row_follow(sim, old, &n.fields[0]);
	if (error) {
		panel_answer_fail(c, WENT_WRONG, error);
		return;
	}
	if (!lost)
		replace_client(c, old, json_object_array_get_idx(n.list, 0));
	if (lost && !c->race)
		panel_answer_empty(c, 500);
	else
		panel_answer_ok(c, UPDATED);
}

static void on_update(struct panel_call *c)
{
	with_settings(c, update_in);
}

/* --- delete --- */

/* Whom a delete is about: all with that credential, or all with that e-mail. */
struct aim {
	struct str key, email;
	bool by_email;
};

static bool aimed(const struct aim *aim, const struct ab_client *cl)
{
	return aim->by_email ? str_eq(cl->fields.email, aim->email) : str_eq(cl->key, aim->key);
}

static void remove_all(struct panel_call *c, struct panel_inbound *in, const struct aim *aim)
{
	if (c->race)
		return; /* the other writer puts its older text over ours */
	ab_touch(in);
	for (struct ab_client *cl = ab_settings(in)->first, *next; cl; cl = next) {
		next = cl->next;
		if (aimed(aim, cl))
			ab_client_remove(c->sim, cl);
	}
	if (!c->sim->xray_running)
		c->sim->xray_restart_wanted = true;
}

static size_t count_aimed(struct panel_inbound *in, const struct aim *aim, struct str *email, bool *panics)
{
	size_t n = 0;

	for (struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next) {
		*panics |= !aim->by_email && !cl->key_is_text;
		if (!aimed(aim, cl))
			continue;
		*email = cl->fields.email; /* of several the last one's row goes */
		n++;
	}
	return n;
}


static void on_del(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	struct aim aim = { .key = c->params[1] };
	struct panel_inbound *in;
	struct str email = STR("");
	bool panics = false;
	size_t n;
	int64_t id;

	if (!panel_param_id(c, 0, &id, INBOUND_UPDATED))
		return;
	in = panel_inbound_find(sim, id);
	if (!in) {
		panel_answer_fail(c, WENT_WRONG, "record not found");
		return;
	}
	n = count_aimed(in, &aim, &email, &panics);
	if (!ab_settings(in)->has_list || panics) {
		panel_answer_empty(c, 500);
		return;
	}
	if (!n && sim->version >= VERSION(2, 9, 4)) {
		panel_answer_fail(c, WENT_WRONG, arena_printf(c->arena, "Client Not Found In Inbound For ID: %.*s\n", STR_ARG(aim.key)));
		return;
	}
	if (n == ab_settings(in)->count) {
		panel_answer_fail(c, WENT_WRONG, "no client remained in Inbound\n");
		return;
	}
	if (email.len && !panel_traffic_find(sim, email)) {
		panel_answer_fail(c, WENT_WRONG, "record not found");
		return;
	}
	email = str_of(str_dup(c->arena, email));
	remove_all(c, in, &aim);
	if (email.len)
		ab_row_delete(sim, email, NULL);
	panel_answer_ok(c, DELETED);
}

static void on_del_by_email(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	struct aim aim = { .email = c->params[1], .by_email = true };
	const char *prefix = "Failed to delete client by email", *error = NULL;
	struct panel_inbound *in;
	struct str email = STR("");
	bool panics = false;
	size_t n;
	int64_t id;

	if (!panel_param_id(c, 0, &id, "Invalid inbound ID"))
		return;
	in = panel_inbound_find(sim, id);
	n = in ? count_aimed(in, &aim, &email, &panics) : 0;
	if (!in)
		error = "record not found";
	else if (!ab_settings(in)->has_list)
		error = "invalid clients format in inbound settings\n";
	else if (!n)
		error = arena_printf(c->arena, "client with email %.*s not found\n", STR_ARG(aim.email));
	else if (n == ab_settings(in)->count)
		error = "no client remained in Inbound\n";
	else if (!panel_traffic_find(sim, aim.email))
		error = arena_printf(c->arena, "Inbound Not Found For Email: %.*s\n", STR_ARG(aim.email));
	if (error) {
		panel_answer_fail(c, prefix, error);
		return;
	}
	remove_all(c, in, &aim);
	ab_row_delete(sim, aim.email, NULL);
	panel_answer_ok(c, "Client deleted successfully");
}

/* --- delDepletedClients --- */

static bool is_spent(const struct panel_sim *sim, const struct panel_traffic *row)
{
	if (sim->version < VERSION(2, 8, 1))
		return !row->enable;
	return row->reset == 0 && ((row->total > 0 && row->up + row->down >= row->total) ||
				   (row->expiry_ms > 0 && row->expiry_ms <= sim->now_ms));
}

/* An inbound that would be left empty is deleted whole; in 3.0.x that fails inside the same transaction and it stays
 * as it was, only the rows are gone (recorded). */
static void clear_spent(struct panel_sim *sim, struct panel_inbound *in)
{
	size_t spent = 0;

	for (struct ab_client *cl = ab_settings(in)->first; cl; cl = cl->next) {
		struct panel_traffic *row = panel_traffic_find(sim, cl->fields.email);

		spent += row && is_spent(sim, row);
	}
	if (!spent)
		return;
	if (spent == ab_settings(in)->count) {
		if (sim->version < VERSION(3, 0, 0))
			ab_inbound_delete(sim, in);
		return;
	}
	ab_touch(in);
	for (struct ab_client *cl = ab_settings(in)->first, *next; cl; cl = next) {
		struct panel_traffic *row = panel_traffic_find(sim, cl->fields.email);

		next = cl->next;
		if (row && is_spent(sim, row))
			ab_client_remove(sim, cl);
	}
}

static void on_del_depleted(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	int64_t id;

	if (!panel_param_id(c, 0, &id, INBOUND_UPDATED))
		return;
	for (struct panel_inbound *in = sim->inbounds, *next; in; in = next) {
		next = in->next;
		if (id < 0 || in->id == id)
			clear_spent(sim, in);
	}
	for (struct panel_traffic *row = sim->traffics, *next; row; row = next) {
		next = row->next;
		if ((id < 0 || row->inbound_id == id) && is_spent(sim, row))
			panel_traffic_delete(sim, row);
	}
	panel_answer_ok(c, "All depleted clients are deleted.");
}

/* --- copyClients --- */

static bool wanted(struct json_object *emails, struct str email)
{
	for (size_t i = 0; i < json_len(emails); i++)
		if (str_is(email, json_object_get_string(json_object_array_get_idx(emails, i))))
			return true;
	return json_len(emails) == 0;
}

static const char *copy_email(struct panel_call *c, struct str email, int64_t target)
{
	const char *base = arena_printf(c->arena, "%.*s_%lld", STR_ARG(email), (long long)target), *name = base;

	for (int i = 1; map_first(&ab_of(c->sim)->by_email, str_of(ab_lower(c->arena, str_of(name)))); i++)
		name = arena_printf(c->arena, "%s_%d", base, i);
	return name;
}

static void copy_client(struct panel_call *c, const struct ab_client *from, struct panel_inbound *to, const char *email)
{
	char uuid[UUID_CHARS + 1];
	struct json_object *o = ab_client_json(from);
	struct ab_client *cl;

	rand_uuid(uuid);
	json_object_object_add(o, "email", json_object_new_string(email));
	for (const char *const *key = (const char *const[]){ "id", "password", "auth", NULL }; *key; key++)
		json_object_object_del(o, *key);
	json_object_object_add(o, strcmp(ab_key_name(c->sim, to), "email") ? ab_key_name(c->sim, to) : "password", json_object_new_string(uuid));
	touch_time(c->sim, o, "created_at", true);
	touch_time(c->sim, o, "updated_at", true);
	cl = ab_client_add(c->sim, to, o);
	ab_row_add(c->sim, to->id, &cl->fields);
	ab_xray_set(c->sim, cl, cl->fields.enable);
	json_object_put(o);
}

static void copy_all(struct panel_call *c, struct panel_inbound *from, struct panel_inbound *to, struct json_object *emails)
{
	struct ab_client *last = ab_settings(from)->last;
	struct buf b;
	struct json_out j;

	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_key(&j, "added");
	json_open(&j, '[');
	ab_touch(to);
	for (struct ab_client *cl = ab_settings(from)->first; cl; cl = cl == last ? NULL : cl->next) {
		const char *email;

		if (!cl->fields.email.len || !wanted(emails, cl->fields.email))
			continue;
		email = copy_email(c, cl->fields.email, to->id);
		copy_client(c, cl, to, email);
		json_add_str(&j, str_of(email));
	}
	json_close(&j, ']');
	json_key(&j, "skipped");
	json_add_raw(&j, STR("[]"));
	json_key(&j, "errors");
	json_add_raw(&j, STR("[]"));
	json_close(&j, '}');
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

static void on_copy(struct panel_call *c)
{
	struct panel_inbound *from, *to;
	struct json_object *o = NULL;
	int64_t target, source = 0;

	if (!panel_param_id(c, 0, &target, INBOUND_UPDATED))
		return;
	if (panel_body_is_json(c)) {
		go_json_decode(&o, c->arena, c->request->body);
		source = json_i64_at(o, "sourceInboundId", 0);
	} else if (str_to_i64(&source, panel_form(c, "sourceInboundId"))) {
		source = 0;
	}
	from = panel_inbound_find(c->sim, source);
	to = panel_inbound_find(c->sim, target);
	if (source == target)
		panel_answer_fail(c, WENT_WRONG, "source and target inbounds must be different\n");
	else if (!from || !to || !ab_settings(to)->has_list)
		panel_answer_fail(c, WENT_WRONG, "record not found");
	else
		copy_all(c, from, to, json_array_at(o, "clientEmails"));
	json_object_put(o);
}

#define API "panel/api/inbounds/"

const struct panel_route panel_ab_client_routes[] = {
	{ HTTP_POST, API "addClient",                    VERSION_ANY,      VERSION_LAST, AREA_API, true, on_add },
	{ HTTP_POST, API "updateClient/:clientId",       VERSION_ANY,      VERSION_LAST, AREA_API, true, on_update },
	{ HTTP_POST, API ":id/delClient/:clientId",      VERSION_ANY,      VERSION_LAST, AREA_API, true, on_del },
	{ HTTP_POST, API ":id/delClientByEmail/:email",  VERSION(2, 8, 0), VERSION_LAST, AREA_API, true, on_del_by_email },
	{ HTTP_POST, API "delDepletedClients/:id",       VERSION_ANY,      VERSION_LAST, AREA_API, true, on_del_depleted },
	{ HTTP_POST, API ":id/copyClients",              VERSION(2, 9, 3), VERSION_LAST, AREA_API, true, on_copy },
};
const size_t panel_ab_client_routes_count = countof(panel_ab_client_routes);
