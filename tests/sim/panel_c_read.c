/* Reads of dialect C: lists, pages, one client, who is online. */
#include "tests/sim/panel_c.h"

#include <ctype.h>

#define PAGE_DEFAULT 25
#define PAGE_MAX 200
#define SUMMARY_MAX 200 /* names in one list of the summary, where the version counts beside them */

static void answer_obj(struct panel_call *call, struct buf *b)
{
	panel_answer_obj(call, buf_str(b));
	buf_release(b);
}

static void begin(struct buf *b, struct json_out *j, char bracket)
{
	buf_init(b, C_TEXT_BYTES_MAX);
	json_out_init(j, b);
	json_open(j, bracket);
}

static const char *email_param(struct panel_call *call)
{
	return str_dup(call->arena, call->params[0]);
}

void c_on_empty_list(struct panel_call *call)
{
	panel_answer_obj(call, STR("[]"));
}

/* --- pieces --- */

static void write_attached(struct json_out *j, struct panel_call *call, const struct c_record *r, bool by_write)
{
	int64_t *ids;
	size_t count = c_attached(&ids, call->sim, c_get(&r->client, T_EMAIL), by_write, call->arena);

	if (count)
		c_write_ids(j, ids, count);
	else
		json_put_cstr(j, "inboundIds", NULL);
}

static void write_traffic_of(struct json_out *j, struct panel_sim *sim, const struct c_record *r)
{
	const struct panel_traffic *row = panel_traffic_find(sim, str_of(c_get(&r->client, T_EMAIL)));

	if (!row)
		return;
	json_key(j, "traffic");
	panel_traffic_write(j, sim, row, STR(""), STR(""));
}

/* The flow of a client is per inbound; get takes it from wherever there is one, from 3.2.5 on. */
const char *c_flow_of(struct panel_call *call, const struct c_record *r)
{
	int64_t *ids;
	size_t count;

	if (*c_get(&r->client, T_FLOW) || !c_has(call->sim, C_DROPS_FLOW))
		return c_get(&r->client, T_FLOW);
	count = c_attached(&ids, call->sim, c_get(&r->client, T_EMAIL), false, call->arena);
	for (size_t i = 0; i < count; i++) {
		const struct c_element *e = c_element_find(call->sim, panel_inbound_find(call->sim, ids[i]),
							   c_get(&r->client, T_EMAIL));

		if (*c_get(&e->client, T_FLOW))
			return c_get(&e->client, T_FLOW);
	}
	return "";
}

static void write_whole(struct json_out *j, struct panel_call *call, const struct c_record *r)
{
	const struct panel_traffic *row = panel_traffic_find(call->sim, str_of(c_get(&r->client, T_EMAIL)));
	int64_t *ids;
	size_t count = c_attached(&ids, call->sim, c_get(&r->client, T_EMAIL), false, call->arena);

	json_open(j, '{');
	json_key(j, "client");
	json_open(j, '{');
	c_write_record(j, call->sim, r, c_flow_of(call, r));
	json_close(j, '}');
	if (c_has(call->sim, C_EXTERNAL_LINKS)) {
		json_key(j, "externalLinks");
		json_add_raw(j, r->external ? str_of(json_object_to_json_string(r->external)) : STR("[]"));
	}
	c_write_ids(j, ids, count);
	if (c_has(call->sim, C_USED_TRAFFIC))
		json_put_i64(j, "usedTraffic", row ? row->up + row->down : 0);
	json_close(j, '}');
}

/* --- list and get --- */

void c_on_list(struct panel_call *call)
{
	struct buf b;
	struct json_out j;

	begin(&b, &j, '[');
	for (const struct c_record *r = c_of(call->sim)->first; r; r = r->next) {
		json_open(&j, '{');
		c_write_record(&j, call->sim, r, c_get(&r->client, T_FLOW));
		write_attached(&j, call, r, true);
		write_traffic_of(&j, call->sim, r);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	answer_obj(call, &b);
}

void c_on_get(struct panel_call *call)
{
	const struct c_record *r = c_record_find(call->sim, email_param(call));
	struct buf b;
	struct json_out j;

	if (!r) {
		panel_answer_fail(call, c_has(call->sim, C_OBTAIN) ? "Obtain" : "", "record not found");
		return;
	}
	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	write_whole(&j, call, r);
	answer_obj(call, &b);
}

void c_on_tg_id(struct panel_call *call)
{
	struct buf b;
	struct json_out j;
	int64_t id;

	if (str_to_i64(&id, call->params[0]) || id <= 0) {
		panel_answer_fail(call, "Obtain", "tg_id must be a positive integer");
		return;
	}
	begin(&b, &j, '[');
	for (const struct c_record *r = c_of(call->sim)->first; r; r = r->next)
		if (r->client.number[N_TG_ID] == id)
			write_whole(&j, call, r);
	json_close(&j, ']');
	answer_obj(call, &b);
}

/* Where the row says its client is, or (from 3.3.0 on) any inbound that has it. */
static const struct c_element *element_of_row(struct panel_sim *sim, const struct panel_traffic *row, const char **why)
{
	struct panel_inbound *in = panel_inbound_find(sim, row->inbound_id);

	*why = in ? "Client Not Found In Inbound For Email:" : "Inbound Not Found For Email:";
	return in ? c_element_find(sim, in, row->email) : NULL;
}

void c_on_traffic(struct panel_call *call)
{
	const char *email = email_param(call), *why = "Inbound Not Found For Email:";
	struct panel_traffic *row = panel_traffic_find(call->sim, str_of(email));
	const struct c_record *r = c_record_find(call->sim, email);
	const struct c_client *client = NULL;
	const struct c_element *e;
	struct buf b;
	struct json_out j;

	if (!row && c_has(call->sim, C_TRAFFIC_NULL)) {
		panel_answer_obj(call, STR("null"));
		return;
	}
	if (row && r && c_has(call->sim, C_TRAFFIC_NULL))
		client = &r->client;
	else if (row && (e = element_of_row(call->sim, row, &why)))
		client = &e->client;
	if (!client) {
		panel_answer_fail(call, "Error getting traffic.", c_error(call->arena, why, email));
		return;
	}
	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	panel_traffic_write(&j, call->sim, row, str_of(c_get(client, T_ID)), str_of(c_get(client, T_SUB_ID)));
	answer_obj(call, &b);
}

/* --- pages --- */

struct page_query {
	int64_t page, size;
	char *search;                         /* lower case */
	struct str filter, protocol, inbound, sort, group;
	bool descending;
	int64_t expire_diff_ms, traffic_diff; /* what counts as "soon" */
};

struct page_row {
	const struct c_record *record;
	const struct panel_traffic *row;
	int64_t key;
	size_t place;
};

static bool number_query(int64_t *out, struct panel_call *call, const char *name)
{
	struct str text = panel_query(call, name);

	*out = 0;
	if (!text.len || !str_to_i64(out, text))
		return true;
	panel_answer_fail(call, "Obtain", arena_printf(call->arena, "strconv.ParseInt: parsing \"%.*s\": invalid syntax",
						       STR_ARG(text)));
	return false;
}

static bool page_read(struct page_query *q, struct panel_call *call)
{
	int64_t one_inbound;

	*q = (struct page_query){
		.search = str_dup(call->arena, str_trim(panel_query(call, "search"))),
		.filter = panel_query(call, "filter"),
		.protocol = panel_query(call, "protocol"),
		.inbound = panel_query(call, "inbound"),
		.sort = panel_query(call, "sort"),
		.group = panel_query(call, "group"),
		.descending = str_is(panel_query(call, "order"), "descend"),
		.expire_diff_ms = panel_setting_number(call->sim, "expireDiff") * DAY_MS,
		.traffic_diff = panel_setting_number(call->sim, "trafficDiff") << 30,
	};
	if (!number_query(&q->page, call, "page") || !number_query(&q->size, call, "pageSize"))
		return false;
	if (!c_has(call->sim, C_PAGED_LISTS) && !number_query(&one_inbound, call, "inbound"))
		return false;
	q->page = q->page > 0 ? q->page : 1;
	q->size = q->size > PAGE_MAX ? PAGE_MAX : q->size > 0 ? q->size : PAGE_DEFAULT;
	for (char *p = q->search; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return true;
}

enum bucket { ACTIVE, DEACTIVE, DEPLETED, EXPIRING };

static int64_t used(const struct panel_traffic *row)
{
	return row ? row->up + row->down : 0;
}

/* By the record's limits, not the row's. */
static enum bucket bucket_of(const struct page_query *q, const struct c_record *r, const struct panel_traffic *row, int64_t now_ms)
{
	int64_t total = r->client.number[N_TOTAL], expiry = r->client.number[N_EXPIRY];

	if ((total > 0 && used(row) >= total) || (expiry > 0 && expiry <= now_ms))
		return DEPLETED;
	if (!r->client.enable)
		return DEACTIVE;
	if ((expiry > 0 && expiry - now_ms < q->expire_diff_ms) || (total > 0 && total - used(row) < q->traffic_diff))
		return EXPIRING;
	return ACTIVE;
}

static bool in_filter(const struct page_query *q, struct panel_sim *sim, const struct c_record *r, const struct panel_traffic *row)
{
	enum bucket bucket = bucket_of(q, r, row, sim->now_ms);
	struct str rest = q->filter;

	if (!rest.len)
		return true;
	while (rest.at) {
		struct str f = str_trim(str_cut(&rest, ','));

		if ((str_is(f, "depleted") && bucket == DEPLETED) || (str_is(f, "expiring") && bucket == EXPIRING) ||
		    (str_is(f, "deactive") && !r->client.enable) ||
		    (str_is(f, "active") && (bucket == ACTIVE || bucket == EXPIRING)) ||
		    (str_is(f, "online") && r->client.enable && row && c_is_online(sim, row)))
			return true;
	}
	return false;
}

static bool holds(const char *text, const char *needle)
{
	return str_has_nocase(str_of(text), needle);
}

static bool found(const struct page_query *q, const struct panel_sim *sim, const struct c_client *client)
{
	char tg_id[24];

	if (!*q->search || holds(c_get(client, T_EMAIL), q->search) || holds(c_get(client, T_SUB_ID), q->search) ||
	    holds(c_get(client, T_COMMENT), q->search))
		return true;
	if (!c_has(sim, C_PAGED_SECRETS))
		return false;
	snprintf(tg_id, sizeof(tg_id), "%lld", (long long)client->number[N_TG_ID]);
	return holds(c_get(client, T_ID), q->search) || holds(c_get(client, T_PASSWORD), q->search) ||
	       holds(c_get(client, T_AUTH), q->search) || (client->number[N_TG_ID] && holds(tg_id, q->search));
}

static bool in_list(struct str list, struct str item)
{
	while (list.at)
		if (str_eq(str_trim(str_cut(&list, ',')), item))
			return true;
	return false;
}

/* Is the client in one of the inbounds the query names, and in one of a protocol it names? */
static bool placed(const struct page_query *q, struct panel_call *call, const struct c_record *r)
{
	int64_t *ids;
	size_t count;
	bool inbound = !q->inbound.len, protocol = !q->protocol.len;

	if (inbound && protocol)
		return true;
	count = c_attached(&ids, call->sim, c_get(&r->client, T_EMAIL), false, call->arena);
	for (size_t i = 0; i < count; i++) {
		const char *id = arena_printf(call->arena, "%lld", (long long)ids[i]);

		inbound |= in_list(q->inbound, str_of(id));
		protocol |= in_list(q->protocol, str_of(panel_inbound_find(call->sim, ids[i])->protocol));
	}
	return inbound && protocol;
}

static int64_t number_key(const struct page_query *q, struct panel_call *call, const struct page_row *p)
{
	const struct c_client *client = &p->record->client;
	int64_t *ids, never = INT64_MAX / 2;

	if (str_is(q->sort, "enable"))
		return client->enable;
	if (str_is(q->sort, "traffic"))
		return used(p->row);
	if (str_is(q->sort, "remaining"))
		return client->number[N_TOTAL] > 0 ? client->number[N_TOTAL] - used(p->row) : never;
	if (str_is(q->sort, "expiryTime"))
		return client->number[N_EXPIRY] > 0 ? client->number[N_EXPIRY] : never;
	if (str_is(q->sort, "createdAt"))
		return client->number[N_CREATED];
	if (str_is(q->sort, "updatedAt"))
		return client->number[N_UPDATED];
	if (str_is(q->sort, "lastOnline"))
		return p->row ? p->row->last_online_ms : 0;
	if (str_is(q->sort, "inboundIds"))
		return (int64_t)c_attached(&ids, call->sim, c_get(client, T_EMAIL), false, call->arena);
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct page_row *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static int by_email(const void *a, const void *b)
{
	const struct page_row *x = a, *y = b;
	int order = strcasecmp(c_get(&x->record->client, T_EMAIL), c_get(&y->record->client, T_EMAIL));

	return order ? order : by_key(a, b);
}

static void sort_rows(const struct page_query *q, struct page_row *rows, size_t count)
{
	if (!q->sort.len || !count)
		return;
	qsort(rows, count, sizeof(*rows), str_is(q->sort, "email") ? by_email : by_key);
	for (size_t i = 0, k = count - 1; q->descending && i < k; i++, k--) {
		struct page_row swap = rows[i];

		rows[i] = rows[k];
		rows[k] = swap;
	}
}

static void write_slim(struct json_out *j, struct panel_call *call, const struct page_row *p)
{
	const struct c_client *client = &p->record->client;

	json_open(j, '{');
	json_put_str(j, "email", str_of(c_get(client, T_EMAIL)));
	json_put_str(j, "subId", str_of(c_get(client, T_SUB_ID)));
	json_put_bool(j, "enable", client->enable);
	json_put_i64(j, "totalGB", client->number[N_TOTAL]);
	json_put_i64(j, "expiryTime", client->number[N_EXPIRY]);
	json_put_i64(j, "limitIp", client->number[N_LIMIT_IP]);
	json_put_i64(j, "reset", client->number[N_RESET]);
	if (client->text[T_GROUP])
		json_put_str(j, "group", str_of(client->text[T_GROUP]));
	if (client->text[T_COMMENT])
		json_put_str(j, "comment", str_of(client->text[T_COMMENT]));
	write_attached(j, call, p->record, !c_has(call->sim, C_LIST_SORTED));
	write_traffic_of(j, call->sim, p->record);
	json_put_i64(j, "createdAt", client->number[N_CREATED]);
	json_put_i64(j, "updatedAt", client->number[N_UPDATED]);
	json_close(j, '}');
}

struct names {
	struct buf list;
	struct json_out j;
	int64_t count;
};

static void name_add(struct names *n, const char *email, bool capped)
{
	if (!capped || n->count < SUMMARY_MAX)
		json_add_str(&n->j, str_of(email));
	n->count++;
}

static void write_names(struct json_out *j, const char *key, struct names *n)
{
	json_close(&n->j, ']');
	json_key(j, key);
	json_add_raw(j, buf_str(&n->list));
	buf_release(&n->list);
}

static void write_summary(struct json_out *j, const struct page_query *q, struct panel_sim *sim)
{
	bool counts = c_has(sim, C_PAGED_COUNTS);
	struct names online, by_bucket[4];

	begin(&online.list, &online.j, '[');
	online.count = 0;
	for (int i = 0; i < 4; i++) {
		begin(&by_bucket[i].list, &by_bucket[i].j, '[');
		by_bucket[i].count = 0;
	}
	for (const struct c_record *r = c_of(sim)->first; r; r = r->next) {
		const char *email = c_get(&r->client, T_EMAIL);
		const struct panel_traffic *row = panel_traffic_find(sim, str_of(email));

		if (r->client.enable && row && c_is_online(sim, row))
			name_add(&online, email, counts);
		name_add(&by_bucket[bucket_of(q, r, row, sim->now_ms)], email, counts);
	}
	json_key(j, "summary");
	json_open(j, '{');
	json_put_i64(j, "total", (int64_t)c_of(sim)->count);
	json_put_i64(j, "active", by_bucket[ACTIVE].count);
	if (counts) {
		json_put_i64(j, "onlineCount", online.count);
		json_put_i64(j, "depletedCount", by_bucket[DEPLETED].count);
		json_put_i64(j, "expiringCount", by_bucket[EXPIRING].count);
		json_put_i64(j, "deactiveCount", by_bucket[DEACTIVE].count);
	}
	write_names(j, "online", &online);
	write_names(j, "depleted", &by_bucket[DEPLETED]);
	write_names(j, "expiring", &by_bucket[EXPIRING]);
	write_names(j, "deactive", &by_bucket[DEACTIVE]);
	buf_release(&by_bucket[ACTIVE].list);
	json_close(j, '}');
}

static size_t select_rows(struct page_row **rows, const struct page_query *q, struct panel_call *call)
{
	size_t count = 0;

	*rows = arena_array(call->arena, struct page_row, c_of(call->sim)->count);
	for (const struct c_record *r = c_of(call->sim)->first; r; r = r->next) {
		struct page_row *p = &(*rows)[count];

		*p = (struct page_row){ .record = r, .row = panel_traffic_find(call->sim, str_of(c_get(&r->client, T_EMAIL))),
					.place = count };
		if (!found(q, call->sim, &r->client) || !in_filter(q, call->sim, r, p->row) || !placed(q, call, r))
			continue;
		if (q->group.len && !in_list(q->group, str_of(c_get(&r->client, T_GROUP))))
			continue;
		p->key = number_key(q, call, p);
		count++;
	}
	sort_rows(q, *rows, count);
	return count;
}

void c_on_paged(struct panel_call *call)
{
	struct page_query q;
	struct page_row *rows;
	size_t count, from;
	struct buf b;
	struct json_out j;

	if (!page_read(&q, call))
		return;
	count = select_rows(&rows, &q, call);
	from = (size_t)(q.page - 1) * (size_t)q.size;
	begin(&b, &j, '{');
	json_key(&j, "items");
	json_open(&j, '[');
	for (size_t i = from; i < count && i < from + (size_t)q.size; i++)
		write_slim(&j, call, &rows[i]);
	json_close(&j, ']');
	json_put_i64(&j, "total", (int64_t)c_of(call->sim)->count);
	json_put_i64(&j, "filtered", (int64_t)count);
	json_put_i64(&j, "page", q.page);
	json_put_i64(&j, "pageSize", q.size);
	write_summary(&j, &q, call->sim);
	if (c_has(call->sim, C_GROUPS))
		c_write_group_names(&j, call);
	json_close(&j, '}');
	answer_obj(call, &b);
}

/* --- who is there --- */

void c_on_onlines(struct panel_call *call)
{
	struct buf b;
	struct json_out j;

	if (!c_has(call->sim, C_ONLINES)) { /* only a browser on the panel's WebSocket keeps the list */
		panel_answer_obj(call, STR("null"));
		return;
	}
	begin(&b, &j, '[');
	for (const struct panel_traffic *row = call->sim->traffics; row; row = row->next)
		if (c_is_online(call->sim, row))
			json_add_str(&j, str_of(row->email));
	json_close(&j, ']');
	answer_obj(call, &b);
}

void c_on_onlines_guid(struct panel_call *call)
{
	struct buf b;
	struct json_out j;
	bool any = false;

	begin(&b, &j, '{');
	for (const struct panel_traffic *row = call->sim->traffics; row; row = row->next) {
		if (!c_is_online(call->sim, row))
			continue;
		if (!any) {
			json_key(&j, c_of(call->sim)->guid);
			json_open(&j, '[');
		}
		any = true;
		json_add_str(&j, str_of(row->email));
	}
	if (any)
		json_close(&j, ']');
	json_close(&j, '}');
	answer_obj(call, &b);
}

void c_on_active_inbounds(struct panel_call *call)
{
	struct buf b;
	struct json_out j;
	bool any = false;

	begin(&b, &j, '{');
	for (const struct panel_inbound *in = call->sim->inbounds; in; in = in->next) {
		const struct c_element *e = c_body(in)->first;
		struct panel_traffic *row = NULL;

		for (; e; e = e->next)
			if ((row = panel_traffic_find(call->sim, str_of(c_get(&e->client, T_EMAIL)))) && c_is_online(call->sim, row))
				break;
		if (!e)
			continue;
		if (!any) {
			json_key(&j, c_of(call->sim)->guid);
			json_open(&j, '[');
		}
		any = true;
		json_add_str(&j, str_of(in->tag));
	}
	if (any)
		json_close(&j, ']');
	json_close(&j, '}');
	answer_obj(call, &b);
}

void c_on_last_online(struct panel_call *call)
{
	struct buf b;
	struct json_out j;

	begin(&b, &j, '{');
	for (const struct panel_traffic *row = call->sim->traffics; row; row = row->next)
		json_put_i64(&j, row->email, row->last_online_ms);
	json_close(&j, '}');
	answer_obj(call, &b);
}

/* --- links --- */

static void add_link(struct json_out *j, struct panel_call *call, const struct c_element *e, const struct c_link_style *style)
{
	struct buf links;

	buf_init(&links, 64 * 1024);
	c_link(&links, call->sim, e, style);
	for (struct str rest = buf_str(&links); rest.len;)
		json_add_str(j, str_cut(&rest, '\n'));
	buf_release(&links);
}

void c_on_links(struct panel_call *call)
{
	const char *email = email_param(call);
	const struct c_record *r = c_record_find(call->sim, email);
	struct c_link_style style = { .host = c_link_host(call), .bare = !c_has(call->sim, C_NEW_LINKS) };
	int64_t *ids;
	size_t count;
	struct buf b;
	struct json_out j;

	if (!r) {
		panel_answer_fail(call, "Obtain", "record not found");
		return;
	}
	count = c_attached(&ids, call->sim, email, false, call->arena);
	if (!count) {
		panel_answer_obj(call, STR("null"));
		return;
	}
	begin(&b, &j, '[');
	for (size_t i = 0; i < count; i++)
		add_link(&j, call, c_element_find(call->sim, panel_inbound_find(call->sim, ids[i]), email), &style);
	json_close(&j, ']');
	answer_obj(call, &b);
}

void c_on_sub_links(struct panel_call *call)
{
	struct c_link_style style = { .host = c_link_host(call), .usage = !c_has(call->sim, C_NEW_LINKS), .first = true };
	const char *sub_id = email_param(call);
	struct buf b;
	struct json_out j;

	begin(&b, &j, '[');
	for (const struct panel_inbound *in = call->sim->inbounds; in; in = in->next)
		for (const struct c_element *e = in->enable ? c_body(in)->first : NULL; e; e = e->next)
			if (*sub_id && !strcmp(c_get(&e->client, T_SUB_ID), sub_id)) {
				add_link(&j, call, e, &style);
				style.first = false;
			}
	json_close(&j, ']');
	answer_obj(call, &b);
}

void c_on_all_links(struct panel_call *call)
{
	struct c_link_style style = { .host = c_link_host(call) };
	struct buf b;
	struct json_out j;

	begin(&b, &j, '[');
	for (const struct panel_inbound *in = call->sim->inbounds; in; in = in->next)
		for (const struct c_element *e = c_body(in)->first; e; e = e->next)
			add_link(&j, call, e, &style);
	json_close(&j, ']');
	answer_obj(call, &b);
}
