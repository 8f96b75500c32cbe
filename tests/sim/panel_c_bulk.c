/* Many clients at once in dialect C: bulk routes, groups, export and import. */
#include "tests/sim/panel_c.h"

#define NOT_FOUND "record not found"
#define WRONG "Something went wrong"

/* --- an answer with "skipped" --- */

struct report {
	struct buf skipped;
	struct json_out j;
	size_t count;
};

static void report_begin(struct report *r)
{
	buf_init(&r->skipped, C_TEXT_BYTES_MAX);
	json_out_init(&r->j, &r->skipped);
	json_open(&r->j, '[');
	r->count = 0;
}

static void report_skip(struct report *r, const char *email, const char *reason)
{
	json_open(&r->j, '{');
	json_put_cstr(&r->j, "email", email);
	json_put_cstr(&r->j, "reason", reason);
	json_close(&r->j, '}');
	r->count++;
}

/* {"what":n,"skipped":[…]}; the list is left out when it is empty. */
static void report_answer(struct panel_call *call, struct report *r, const char *what, size_t n)
{
	struct buf b;
	struct json_out j;

	json_close(&r->j, ']');
	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_i64(&j, what, (int64_t)n);
	if (r->count) {
		json_key(&j, "skipped");
		json_add_raw(&j, buf_str(&r->skipped));
	}
	json_close(&j, '}');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
	buf_release(&r->skipped);
}

/* The e-mails of the body; false after having answered. *body is to be put either way. */
static bool take_emails(struct json_object **body, const char ***emails, size_t *count, struct panel_call *call)
{
	const char *error = c_body_read(body, call);

	*count = 0;
	if (!error)
		error = c_emails_read(emails, count, *body, call->arena);
	if (error)
		panel_answer_fail(call, WRONG, error);
	return !error;
}

/* --- create, import, export --- */

static size_t create_all(struct panel_call *call, struct json_object *list, struct report *report)
{
	size_t created = 0;

	for (size_t i = 0; i < json_len(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct c_client client = { 0 };
		int64_t *ids = NULL;
		size_t count = 0;
		const char *error = c_client_read(&client, json_at(one, "client"), "Client.client.", call->sim->version, call->arena);
		const char *email = arena_strdup(call->arena, c_get(&client, T_EMAIL));

		if (!error)
			error = c_ids_read(&ids, &count, one, "inboundIds", "ClientCreatePayload", call->arena);
		if (!error && c_record_find(call->sim, email)) /* a bulk never joins: whoever is there is left alone */
			error = arena_printf(call->arena, "email already in use: %s", email);
		if (!error)
			error = c_client_add(call->sim, &client, ids, count, call->arena);
		if (error)
			report_skip(report, email, error);
		else
			created++;
		c_release(&client);
	}
	return created;
}

void c_on_bulk_create(struct panel_call *call)
{
	struct json_object *list;
	struct report report;
	const char *error = go_json_decode(&list, call->arena, call->request->body);

	if (!error && list && !json_object_is_type(list, json_type_array))
		error = arena_printf(call->arena, "json: cannot unmarshal %s into Go value of type []service.ClientCreatePayload",
				     go_json_kind(list));
	if (error) {
		panel_answer_fail(call, WRONG, error);
	} else {
		report_begin(&report);
		report_answer(call, &report, "created", create_all(call, list, &report));
	}
	json_object_put(list);
}

void c_on_import(struct panel_call *call)
{
	struct json_object *body, *list = NULL;
	struct report report;
	const char *error = c_body_read(&body, call);

	if (!error)
		error = go_json_parse(&list, call->arena, json_str_at(body, "data"));
	if (error) {
		panel_answer_fail(call, WRONG, error);
	} else {
		report_begin(&report);
		report_answer(call, &report, "created", create_all(call, json_object_is_type(list, json_type_array) ? list : NULL,
								   &report));
	}
	json_object_put(list);
	json_object_put(body);
}

void c_on_export(struct panel_call *call)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (const struct c_record *r = c_of(call->sim)->first; r; r = r->next) {
		int64_t *ids;
		size_t count = c_attached(&ids, call->sim, c_get(&r->client, T_EMAIL), false, call->arena);

		json_open(&j, '{');
		json_key(&j, "client");
		c_write_element(&j, &r->client);
		c_write_ids(&j, ids, count);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}

/* --- delete, enable, reset --- */

void c_on_bulk_del(struct panel_call *call)
{
	struct json_object *body;
	struct report report;
	const char **emails;
	size_t count, deleted = 0;

	if (take_emails(&body, &emails, &count, call)) {
		report_begin(&report);
		for (size_t i = 0; i < count; i++) {
			struct c_record *r = c_record_find(call->sim, emails[i]);
			const char *error = r ? c_client_delete(call->sim, r, json_bool_at(body, "keepTraffic", false), call->arena)
					      : "client not found";

			if (error)
				report_skip(&report, emails[i], error);
			else
				deleted++;
		}
		report_answer(call, &report, "deleted", deleted);
	}
	json_object_put(body);
}

void c_on_del_orphans(struct panel_call *call)
{
	size_t deleted = 0;

	for (struct c_record *r = c_of(call->sim)->first, *next; r; r = next) {
		int64_t *ids;

		next = r->next;
		if (!c_attached(&ids, call->sim, c_get(&r->client, T_EMAIL), false, call->arena))
			deleted += !c_client_delete(call->sim, r, false, call->arena);
	}
	panel_answer_obj(call, str_of(arena_printf(call->arena, "{\"deleted\":%zu}", deleted)));
}

static const char *set_enable(struct panel_sim *sim, struct c_record *r, bool enable, struct arena *a)
{
	struct c_client client = { 0 };
	const char *error;

	c_copy(&client, &r->client);
	client.enable = enable;
	error = c_client_update(sim, r, &client, NULL, 0, a);
	c_release(&client);
	return error;
}

static void bulk_enable(struct panel_call *call, bool enable)
{
	struct json_object *body;
	struct report report;
	const char **emails;
	size_t count, changed = 0;

	if (take_emails(&body, &emails, &count, call)) {
		report_begin(&report);
		for (size_t i = 0; i < count; i++) {
			struct c_record *r = c_record_find(call->sim, emails[i]);
			const char *error = r ? set_enable(call->sim, r, enable, call->arena) : "client not found";

			if (error)
				report_skip(&report, emails[i], error);
			else
				changed++;
		}
		report_answer(call, &report, "changed", changed);
	}
	json_object_put(body);
}

void c_on_bulk_enable(struct panel_call *call)
{
	bulk_enable(call, true);
}

void c_on_bulk_disable(struct panel_call *call)
{
	bulk_enable(call, false);
}

void c_on_bulk_reset(struct panel_call *call)
{
	struct json_object *body;
	const char **emails;
	size_t count, affected = 0;

	if (take_emails(&body, &emails, &count, call)) {
		for (size_t i = 0; i < count; i++) {
			struct c_record *r = c_record_find(call->sim, emails[i]);

			affected += panel_traffic_find(call->sim, str_of(emails[i])) != NULL;
			if (r)
				c_client_reset(call->sim, r, call->arena);
		}
		panel_answer_obj(call, str_of(arena_printf(call->arena, "{\"affected\":%zu}", affected)));
	}
	json_object_put(body);
}

/* --- adjust --- */

static bool over(const struct c_client *client, const struct panel_traffic *row, int64_t now_ms)
{
	int64_t used = row ? row->up + row->down : 0;

	return (client->number[N_TOTAL] > 0 && used >= client->number[N_TOTAL]) ||
	       (client->number[N_EXPIRY] > 0 && client->number[N_EXPIRY] <= now_ms);
}

/* The new expiry, or why not. */
static const char *adjust_expiry(int64_t *expiry, int64_t days)
{
	int64_t next = *expiry < 0 ? *expiry - days * DAY_MS : *expiry + days * DAY_MS;

	if (!*expiry)
		return "unlimited expiry";
	if (*expiry > 0 && next <= 0)
		return "reduction exceeds remaining time";
	if (*expiry < 0 && next >= 0)
		return "reduction exceeds delay window";
	*expiry = next;
	return NULL;
}

static const char *adjust_quota(int64_t *total, int64_t bytes, bool strict)
{
	if (!*total)
		return "unlimited traffic";
	if (*total + bytes <= 0 && strict)
		return "reduction exceeds remaining quota";
	*total = *total + bytes > 0 ? *total + bytes : 0;
	return NULL;
}

static size_t adjust_one(struct panel_call *call, struct c_record *r, int64_t days, int64_t bytes, struct report *report)
{
	const struct panel_traffic *row = panel_traffic_find(call->sim, str_of(c_get(&r->client, T_EMAIL)));
	const char *email = arena_strdup(call->arena, c_get(&r->client, T_EMAIL)), *why;
	struct c_client client = { 0 };
	bool applied = false;

	c_copy(&client, &r->client);
	if (days) {
		why = adjust_expiry(&client.number[N_EXPIRY], days);
		applied |= !why;
		if (why)
			report_skip(report, email, why);
	}
	if (bytes) {
		why = adjust_quota(&client.number[N_TOTAL], bytes, c_has(call->sim, C_ADJUST_TOLERANT));
		applied |= !why;
		if (why)
			report_skip(report, email, why);
	}
	if (call->sim->version >= VERSION(3, 4, 2) && !client.enable && over(&r->client, row, call->sim->now_ms) &&
	    !over(&client, row, call->sim->now_ms))
		client.enable = true; /* it was off because it was depleted */
	why = applied ? c_client_update(call->sim, r, &client, NULL, 0, call->arena) : NULL;
	if (why)
		report_skip(report, email, why);
	c_release(&client);
	return applied && !why;
}

void c_on_bulk_adjust(struct panel_call *call)
{
	struct json_object *body;
	struct report report;
	const char **emails;
	size_t count, adjusted = 0;
	int64_t days, bytes;

	if (take_emails(&body, &emails, &count, call)) {
		days = json_i64_at(body, "addDays", 0);
		bytes = json_i64_at(body, "addBytes", 0);
		if (count && !days && !bytes && !json_str_at(body, "flow").len) {
			panel_answer_fail(call, WRONG, c_error(call->arena, "no adjustment specified", NULL));
			json_object_put(body);
			return;
		}
		report_begin(&report);
		for (size_t i = 0; i < count; i++) {
			struct c_record *r = c_record_find(call->sim, emails[i]);

			if (r)
				adjusted += adjust_one(call, r, days, bytes, &report);
			else
				report_skip(&report, emails[i], c_has(call->sim, C_ADJUST_TOLERANT) ? "client not found" : NOT_FOUND);
		}
		report_answer(call, &report, "adjusted", adjusted);
	}
	json_object_put(body);
}

/* --- attach, detach --- */

struct strings {
	struct buf b;
	struct json_out j;
	size_t count;
};

static void strings_begin(struct strings *s)
{
	buf_init(&s->b, C_TEXT_BYTES_MAX);
	json_out_init(&s->j, &s->b);
	json_open(&s->j, '[');
	s->count = 0;
}

static void strings_add(struct strings *s, const char *text)
{
	json_add_str(&s->j, str_of(text));
	s->count++;
}

static void strings_put(struct json_out *j, const char *key, struct strings *s)
{
	json_close(&s->j, ']');
	json_key(j, key);
	json_add_raw(j, s->count ? buf_str(&s->b) : STR("null"));
	buf_release(&s->b);
}

static void bulk_attach(struct panel_call *call, bool attach)
{
	struct json_object *body;
	struct strings done, skipped, errors;
	const char **emails, *error;
	int64_t *ids;
	size_t count, ids_count, n, skip;
	struct buf b;
	struct json_out j;

	if (!take_emails(&body, &emails, &count, call)) {
		json_object_put(body);
		return;
	}
	error = c_ids_read(&ids, &ids_count, body, "inboundIds", "bulkAttachBody", call->arena);
	if (error) {
		panel_answer_fail(call, WRONG, error);
		json_object_put(body);
		return;
	}
	strings_begin(&done);
	strings_begin(&skipped);
	strings_begin(&errors);
	for (size_t i = 0; i < count; i++) {
		struct c_record *r = c_record_find(call->sim, emails[i]);

		n = skip = 0;
		error = !r ? NOT_FOUND
			: attach ? c_client_attach(call->sim, r, ids, ids_count, &n, &skip, call->arena)
				 : c_client_detach(call->sim, r, ids, ids_count, &n, call->arena);
		if (error)
			strings_add(&errors, arena_printf(call->arena, "%s: %s", emails[i], error));
		if (n)
			strings_add(&done, emails[i]);
		if (skip || (!n && !error))
			strings_add(&skipped, emails[i]);
	}
	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	strings_put(&j, attach ? "attached" : "detached", &done);
	strings_put(&j, "skipped", &skipped);
	strings_put(&j, "errors", &errors);
	json_close(&j, '}');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
	json_object_put(body);
}

void c_on_bulk_attach(struct panel_call *call)
{
	bulk_attach(call, true);
}

void c_on_bulk_detach(struct panel_call *call)
{
	bulk_attach(call, false);
}

/* --- groups --- */

static struct c_group *group_find(struct panel_sim *sim, const char *name)
{
	struct c_group *g = c_of(sim)->groups;

	while (g && strcmp(g->name, name))
		g = g->next;
	return g;
}

static bool group_add(struct panel_sim *sim, const char *name)
{
	struct c_group **at = &c_of(sim)->groups, *g;

	if (group_find(sim, name))
		return false;
	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	g = xcalloc(1, sizeof(*g));
	g->name = xstrdup(name);
	g->next = *at;
	*at = g;
	return true;
}

static void group_drop(struct panel_sim *sim, const char *name)
{
	struct c_group **at = &c_of(sim)->groups, *g;

	while (*at && strcmp((*at)->name, name))
		at = &(*at)->next;
	g = *at;
	if (!g)
		return;
	*at = g->next;
	free(g->name);
	free(g);
}

/* A label that only clients carry counts as a group too. */
static void groups_collect(struct panel_sim *sim)
{
	for (const struct c_record *r = c_of(sim)->first; r; r = r->next)
		if (r->client.text[T_GROUP])
			group_add(sim, r->client.text[T_GROUP]);
}

void c_write_group_names(struct json_out *j, struct panel_call *call)
{
	groups_collect(call->sim);
	json_key(j, "groups");
	json_open(j, '[');
	for (const struct c_group *g = c_of(call->sim)->groups; g; g = g->next)
		json_add_str(j, str_of(g->name));
	json_close(j, ']');
}

static void label(struct panel_sim *sim, struct c_record *r, const char *group)
{
	struct map_entry *at;

	c_set(&r->client, T_GROUP, group);
	for (struct c_element *e = c_element_any(sim, c_get(&r->client, T_EMAIL), &at); e; e = c_element_next(&at))
		if (!strcmp(c_get(&e->client, T_EMAIL), c_get(&r->client, T_EMAIL)))
			c_set(&e->client, T_GROUP, group);
}

/* Gives every client of the group another label ("": none); returns how many. */
static size_t relabel(struct panel_sim *sim, const char *from, const char *to)
{
	size_t affected = 0;

	for (struct c_record *r = c_of(sim)->first; r; r = r->next)
		if (!strcmp(c_get(&r->client, T_GROUP), from)) {
			label(sim, r, to);
			affected++;
		}
	return affected;
}

static void write_group(struct json_out *j, struct panel_sim *sim, const char *name)
{
	int64_t clients = 0, up = 0, down = 0;

	for (const struct c_record *r = c_of(sim)->first; r; r = r->next) {
		const struct panel_traffic *row = panel_traffic_find(sim, str_of(c_get(&r->client, T_EMAIL)));

		if (strcmp(c_get(&r->client, T_GROUP), name))
			continue;
		clients++;
		up += row ? row->up : 0;
		down += row ? row->down : 0;
	}
	json_open(j, '{');
	json_put_cstr(j, "name", name);
	json_put_i64(j, "clientCount", clients);
	json_put_i64(j, "trafficUsed", up + down);
	json_put_i64(j, "up", up);
	json_put_i64(j, "down", down);
	json_close(j, '}');
}

void c_on_groups(struct panel_call *call)
{
	struct buf b;
	struct json_out j;

	groups_collect(call->sim);
	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (const struct c_group *g = c_of(call->sim)->groups; g; g = g->next)
		write_group(&j, call->sim, g->name);
	json_close(&j, ']');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}

void c_on_group_emails(struct panel_call *call)
{
	const char *name = str_dup(call->arena, call->params[0]);
	struct buf b;
	struct json_out j;

	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (const struct c_record *r = c_of(call->sim)->first; r; r = r->next)
		if (!strcmp(c_get(&r->client, T_GROUP), name))
			json_add_str(&j, str_of(c_get(&r->client, T_EMAIL)));
	json_close(&j, ']');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}

/* The trimmed text of one member of the body; NULL after having answered. */
static const char *take_name(struct panel_call *call, const char *key)
{
	struct json_object *body;
	const char *error = c_body_read(&body, call), *name = NULL;

	if (!error) {
		name = str_dup(call->arena, str_trim(json_str_at(body, key)));
		if (!*name)
			error = c_error(call->arena, "group name is required", NULL);
	}
	if (error)
		panel_answer_fail(call, WRONG, error);
	json_object_put(body);
	return error ? NULL : name;
}

static void answer_affected(struct panel_call *call, size_t n)
{
	panel_answer_obj(call, str_of(arena_printf(call->arena, "{\"affected\":%zu}", n)));
}

void c_on_group_create(struct panel_call *call)
{
	const char *name = take_name(call, "name");
	struct buf b;
	struct json_out j;

	if (!name)
		return;
	groups_collect(call->sim);
	if (!group_add(call->sim, name)) {
		panel_answer_fail(call, WRONG, c_error(call->arena, "group already exists", NULL));
		return;
	}
	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_cstr(&j, "name", name);
	json_close(&j, '}');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}

void c_on_group_rename(struct panel_call *call)
{
	const char *from = take_name(call, "oldName"), *to = from ? take_name(call, "newName") : NULL;

	if (!to)
		return;
	group_drop(call->sim, from);
	group_add(call->sim, to);
	answer_affected(call, relabel(call->sim, from, to));
}

void c_on_group_delete(struct panel_call *call)
{
	const char *name = take_name(call, "name");

	if (!name)
		return;
	group_drop(call->sim, name);
	answer_affected(call, relabel(call->sim, name, ""));
}

static void bulk_label(struct panel_call *call, bool add)
{
	struct json_object *body;
	const char **emails, *group;
	size_t count, affected = 0;

	if (take_emails(&body, &emails, &count, call)) {
		group = add ? str_dup(call->arena, str_trim(json_str_at(body, "group"))) : "";
		for (size_t i = 0; i < count; i++) {
			struct c_record *r = c_record_find(call->sim, emails[i]);

			if (r)
				label(call->sim, r, group);
			affected += r != NULL;
		}
		answer_affected(call, affected);
	}
	json_object_put(body);
}

void c_on_group_add(struct panel_call *call)
{
	bulk_label(call, true);
}

void c_on_group_remove(struct panel_call *call)
{
	bulk_label(call, false);
}

void c_on_group_reset(struct panel_call *call)
{
	const char *name = take_name(call, "name");
	size_t affected = 0;

	if (!name)
		return;
	for (struct c_record *r = c_of(call->sim)->first; r; r = r->next)
		if (!strcmp(c_get(&r->client, T_GROUP), name)) {
			c_client_reset(call->sim, r, call->arena);
			affected++;
		}
	answer_affected(call, affected);
}
