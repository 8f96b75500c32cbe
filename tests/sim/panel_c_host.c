/* Hosts of dialect C: other public addresses of an inbound, each the place of one link (§5.7).
 *
 * The table has one row per inbound and address in every version. 3.4 speaks of rows; from 3.5 on a group is written and
 * listed, which is the rows with the same values. What only JSON and Clash subscriptions use is kept and not applied;
 * neither are pins, ECH, finalMask and vlessRoute. */
#include "tests/sim/panel_c.h"

#include <strings.h>

#define REMARK_MAX 256
#define PORT_MAX 65535
#define INVALID "request body failed validation"

/* Members a row and a group have in common, in the panel's order. */
static const struct { const char *key; json_type type; } fields[] = {
	{ "sortOrder", json_type_int }, { "remark", json_type_string }, { "serverDescription", json_type_string },
	{ "isDisabled", json_type_boolean }, { "isHidden", json_type_boolean }, { "tags", json_type_array }, { "port", json_type_int },
	{ "security", json_type_string }, { "sni", json_type_string }, { "hostHeader", json_type_string }, { "path", json_type_string },
	{ "alpn", json_type_array }, { "fingerprint", json_type_string }, { "overrideSniFromAddress", json_type_boolean },
	{ "keepSniBlank", json_type_boolean }, { "pinnedPeerCertSha256", json_type_array }, { "verifyPeerCertByName", json_type_string },
	{ "allowInsecure", json_type_boolean }, { "echConfigList", json_type_string }, { "muxParams", json_type_string },
	{ "sockoptParams", json_type_string }, { "finalMask", json_type_string }, { "vlessRoute", json_type_string },
	{ "excludeFromSubTypes", json_type_array }, { "nodeGuids", json_type_array }, { "mihomoIpVersion", json_type_string },
	{ "mihomoX25519", json_type_boolean }, { "shuffleHost", json_type_boolean },
};

static bool has_groups(const struct panel_sim *sim)
{
	return c_has(sim, C_HOST_GROUPS);
}

static const char *added(const struct panel_sim *sim)
{
	return has_groups(sim) ? "Host added successfully" : "Add host";
}

/* --- the table --- */

/* A member left out is Go's zero; a list left out is null. NULL: a value of another type. */
static struct json_object *values_of(struct json_object *body)
{
	struct json_object *out = json_object_new_object();

	for (size_t i = 0; i < countof(fields); i++) {
		struct json_object *v = json_at(body, fields[i].key);

		if (v && !json_object_is_type(v, fields[i].type)) {
			json_object_put(out);
			return NULL;
		}
		if (v)
			v = json_object_get(v);
		else if (fields[i].type == json_type_string)
			v = json_object_new_string(strcmp(fields[i].key, "security") ? "" : "same");
		else if (fields[i].type == json_type_int)
			v = json_object_new_int64(0);
		else if (fields[i].type == json_type_boolean)
			v = json_object_new_boolean(false);
		json_object_object_add(out, fields[i].key, v);
	}
	return out;
}

static struct c_host *row_add(struct panel_sim *sim, const char *group, int64_t inbound_id, struct json_object *values, const char *address, int64_t port)
{
	struct c_host *h = xcalloc(1, sizeof(*h)), **at = &c_of(sim)->hosts;

	h->id = ++c_of(sim)->host_id_last;
	h->inbound_id = inbound_id;
	h->group = xstrdup(group);
	h->address = xstrdup(address);
	h->port = port;
	h->sort_order = json_i64_at(values, "sortOrder", 0);
	h->values = json_object_get(values);
	/* as every read orders them */
	while (*at && ((*at)->inbound_id < inbound_id || ((*at)->inbound_id == inbound_id && (*at)->sort_order <= h->sort_order)))
		at = &(*at)->next;
	h->next = *at;
	*at = h;
	return h;
}

static void row_free(struct c_host *h)
{
	json_object_put(h->values);
	free(h->group);
	free(h->address);
	free(h);
}

void c_hosts_release(struct panel_sim *sim)
{
	while (c_of(sim)->hosts) {
		struct c_host *h = c_of(sim)->hosts;

		c_of(sim)->hosts = h->next;
		row_free(h);
	}
}

static bool is_shown(const struct c_host *h)
{
	struct json_object *excluded = json_array_at(h->values, "excludeFromSubTypes");

	for (size_t i = 0; i < json_len(excluded); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(excluded, i)), "raw"))
			return false;
	return !json_bool_at(h->values, "isDisabled", false);
}

const struct c_host *c_host_next(struct panel_sim *sim, int64_t inbound_id, const struct c_host *after)
{
	for (const struct c_host *h = after ? after->next : c_of(sim)->hosts; h; h = h->next)
		if (h->inbound_id == inbound_id && is_shown(h))
			return h;
	return NULL;
}

/* --- JSON --- */

static struct json_object *copied(const struct c_host *h)
{
	struct json_object *out = json_object_new_object();

	json_object_object_foreach(h->values, key, v)
		json_object_object_add(out, key, json_object_get(v));
	return out;
}

static struct json_object *row_json(const struct panel_sim *sim, const struct c_host *h)
{
	struct json_object *out = copied(h);

	json_object_object_add(out, "id", json_object_new_int64(h->id));
	if (has_groups(sim))
		json_object_object_add(out, "groupId", json_object_new_string(h->group));
	json_object_object_add(out, "inboundId", json_object_new_int64(h->inbound_id));
	json_object_object_add(out, "address", json_object_new_string(h->address));
	json_object_object_add(out, "port", json_object_new_int64(h->port));
	return out;
}

static const char *address_text(struct arena *a, const struct c_host *h)
{
	if (!h->port)
		return h->address;
	return arena_printf(a, strchr(h->address, ':') ? "[%s]:%lld" : "%s:%lld", h->address, (long long)h->port);
}

static void add_once(struct json_object *list, struct json_object *v)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(list, i)), json_object_get_string(v))) {
			json_object_put(v);
			return;
		}
	json_object_array_add(list, v);
}

/* The group of first, which is its first row. */
static struct json_object *group_json(struct arena *a, const struct c_host *first)
{
	struct json_object *out = copied(first), *ids = json_object_new_array(), *hosts = json_object_new_array();

	json_object_object_add(out, "groupId", json_object_new_string(first->group));
	json_object_object_add(out, "inboundIds", ids);
	json_object_object_add(out, "hosts", hosts);
	json_object_object_add(out, "port", json_object_new_int64(first->port));
	for (const struct c_host *h = first; h; h = h->next) {
		if (strcmp(h->group, first->group))
			continue;
		add_once(ids, json_object_new_int64(h->inbound_id));
		add_once(hosts, json_object_new_string(address_text(a, h)));
	}
	return out;
}

static bool is_first_of_group(const struct panel_sim *sim, const struct c_host *h)
{
	for (const struct c_host *e = c_of((struct panel_sim *)sim)->hosts; e != h; e = e->next)
		if (!strcmp(e->group, h->group))
			return false;
	return true;
}

static int by_sort_order(const void *a, const void *b)
{
	struct json_object *x = *(struct json_object *const *)a, *y = *(struct json_object *const *)b;
	int64_t d = json_i64_at(x, "sortOrder", 0) - json_i64_at(y, "sortOrder", 0);

	return d ? (d > 0) - (d < 0) : strcmp(json_object_get_string(json_at(x, "remark")), json_object_get_string(json_at(y, "remark")));
}

static void answer_json(struct panel_call *call, const char *msg, struct json_object *o)
{
	const char *text = arena_strdup(call->arena, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

	json_object_put(o);
	panel_answer(call, true, msg, str_of(text));
}

void c_on_host_list(struct panel_call *call)
{
	struct json_object *list = json_object_new_array();

	for (const struct c_host *h = c_of(call->sim)->hosts; h; h = h->next) {
		if (!has_groups(call->sim))
			json_object_array_add(list, row_json(call->sim, h));
		else if (is_first_of_group(call->sim, h))
			json_object_array_add(list, group_json(call->arena, h));
	}
	if (has_groups(call->sim))
		json_object_array_sort(list, by_sort_order);
	answer_json(call, "", list);
}

/* --- writes --- */

/* "[2001:db8::1]:8443", "cdn.example.com:8443", or without a port: then the group's. */
static const char *address_read(int64_t *port, struct panel_call *call, const char *text)
{
	const char *colon = strrchr(text, ':'), *first = strchr(text, ':');
	char *end, *address = arena_strdup(call->arena, text);
	long n = colon && colon[1] ? strtol(colon + 1, &end, 10) : -1;

	if (colon && colon != first && !strchr(text, '['))
		return address;
	if (n >= 0 && n <= PORT_MAX && !*end) {
		*port = n;
		address[colon - text] = '\0';
	}
	if (*address == '[' && address[strlen(address) - 1] == ']') {
		address[strlen(address) - 1] = '\0';
		address++;
	}
	return address;
}

static bool inbounds_exist(struct panel_call *call, const int64_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!panel_inbound_find(call->sim, ids[i]))
			return false;
	return true;
}

static bool is_valid(struct json_object *values, size_t ids_count)
{
	static const char *const securities[] = { "same", "tls", "none", "reality" };
	struct str remark = json_str_at(values, "remark"), security = json_str_at(values, "security");
	int64_t port = json_i64_at(values, "port", 0);
	bool known = false;

	for (size_t i = 0; i < countof(securities); i++)
		known = known || str_is(security, securities[i]);
	return ids_count && remark.len && remark.len <= REMARK_MAX && port >= 0 && port <= PORT_MAX && known;
}

static void add_rows(struct panel_call *call, struct json_object *body, struct json_object *values, const int64_t *ids, size_t count)
{
	struct json_object *hosts = json_array_at(body, "hosts"), *list = json_object_new_array();
	char *group = arena_printf(call->arena, "%lld", (long long)(c_of(call->sim)->host_id_last + 1));

	for (size_t i = 0; i < (json_len(hosts) ? json_len(hosts) : 1); i++) {
		int64_t port = json_i64_at(values, "port", 0);
		const char *text = json_len(hosts) ? json_object_get_string(json_object_array_get_idx(hosts, i)) : "";
		const char *address = has_groups(call->sim) ? address_read(&port, call, text) : str_dup(call->arena, json_str_at(body, "address"));

		for (size_t k = 0; k < count; k++)
			json_object_array_add(list, row_json(call->sim, row_add(call->sim, group, ids[k], values, address, port)));
	}
	if (has_groups(call->sim)) {
		answer_json(call, added(call->sim), list);
		return;
	}
	answer_json(call, added(call->sim), json_object_get(json_object_array_get_idx(list, 0)));
	json_object_put(list);
}

void c_on_host_add(struct panel_call *call)
{
	struct json_object *body, *values = NULL;
	int64_t *ids = NULL, one;
	size_t count = 0;
	const char *error = c_body_read(&body, call);

	if (!error && has_groups(call->sim))
		error = c_ids_read(&ids, &count, body, "inboundIds", "HostGroup", call->arena);
	else if (!error) {
		one = json_i64_at(body, "inboundId", 0);
		ids = &one;
		count = one != 0;
	}
	if (!error)
		values = values_of(body);
	if (error || !values || !is_valid(values, count))
		panel_answer(call, false, INVALID, STR(""));
	else if (!inbounds_exist(call, ids, count))
		panel_answer_fail(call, added(call->sim), c_error(call->arena, "inbound not found", NULL));
	else
		add_rows(call, body, values, ids, count);
	json_object_put(values);
	json_object_put(body);
}

/* By group, or by the row's number before 3.5; what is not there is deleted, too. */
void c_on_host_del(struct panel_call *call)
{
	const char *key = str_dup(call->arena, call->params[0]);

	for (struct c_host **at = &c_of(call->sim)->hosts; *at;) {
		struct c_host *h = *at;
		const char *own = has_groups(call->sim) ? h->group : arena_printf(call->arena, "%lld", (long long)h->id);

		if (strcmp(own, key)) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		row_free(h);
	}
	panel_answer_ok(call, has_groups(call->sim) ? "Host deleted successfully" : "Delete host");
}
