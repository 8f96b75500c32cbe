/* Records, elements and rows of dialect C, and how a write keeps them equal (or fails to). */
#include "tests/sim/panel_c.h"

#include <ctype.h>

/* --- values --- */

const char *c_get(const struct c_client *client, enum c_text t)
{
	return client->text[t] ? client->text[t] : "";
}

void c_set(struct c_client *client, enum c_text t, const char *value)
{
	char *old = client->text[t];

	client->text[t] = value && *value ? xstrdup(value) : NULL;
	free(old);
}

void c_copy(struct c_client *to, const struct c_client *from)
{
	for (int t = 0; t < C_TEXTS; t++)
		c_set(to, (enum c_text)t, c_get(from, (enum c_text)t));
	memcpy(to->number, from->number, sizeof(to->number));
	to->enable = from->enable;
}

void c_release(struct c_client *client)
{
	for (int t = 0; t < C_TEXTS; t++)
		free(client->text[t]);
	*client = (struct c_client){ 0 };
}

/* Go's ToLower, as far as e-mails in tests go: ASCII. */
static char *lower_of(const char *s)
{
	char *lower = xstrdup(s);

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return lower;
}

const char *c_key(const struct panel_inbound *in, const struct c_client *client)
{
	if (!strcmp(in->protocol, "trojan"))
		return c_get(client, T_PASSWORD);
	if (!strcmp(in->protocol, "shadowsocks"))
		return c_get(client, T_EMAIL);
	if (!strcmp(in->protocol, "hysteria") || !strcmp(in->protocol, "hysteria2"))
		return c_get(client, T_AUTH);
	return c_get(client, T_ID);
}

/* --- records --- */

static void record_index(struct panel_c *c, struct c_record *r)
{
	map_put(&c->by_email, str_of(r->client.text[T_EMAIL]), r);
	if (r->client.text[T_SUB_ID])
		map_put(&c->by_sub, str_of(r->client.text[T_SUB_ID]), r);
}

static void record_unindex(struct panel_c *c, struct c_record *r)
{
	map_cut(&c->by_email, str_of(r->client.text[T_EMAIL]), r);
	if (r->client.text[T_SUB_ID])
		map_cut(&c->by_sub, str_of(r->client.text[T_SUB_ID]), r);
}

struct c_record *c_record_find(struct panel_sim *sim, const char *email)
{
	return *email ? map_get(&c_of(sim)->by_email, str_of(email)) : NULL;
}

struct c_record *c_record_of_sub(struct panel_sim *sim, const char *sub_id, const char *except_email)
{
	struct map_entry *e = *sub_id ? map_first(&c_of(sim)->by_sub, str_of(sub_id)) : NULL;

	for (; e; e = map_next(e)) {
		struct c_record *r = e->value;

		if (strcmp(c_get(&r->client, T_EMAIL), except_email))
			return r;
	}
	return NULL;
}

struct c_record *c_record_new(struct panel_sim *sim, const struct c_client *client)
{
	struct panel_c *c = c_of(sim);
	struct c_record *r = xcalloc(1, sizeof(*r));

	r->id = ++c->record_id_last;
	c_copy(&r->client, client);
	r->prev = c->last;
	*(c->last ? &c->last->next : &c->first) = r;
	c->last = r;
	c->count++;
	record_index(c, r);
	return r;
}

void c_record_write(struct panel_sim *sim, struct c_record *r, const struct c_client *client)
{
	record_unindex(c_of(sim), r);
	c_copy(&r->client, client);
	record_index(c_of(sim), r);
}

void c_record_delete(struct panel_sim *sim, struct c_record *r)
{
	struct panel_c *c = c_of(sim);
	struct map_entry *at;

	for (struct c_element *e = c_element_any(sim, c_get(&r->client, T_EMAIL), &at); e; e = c_element_next(&at))
		c_body(e->in)->orphans = true;
	record_unindex(c, r);
	*(r->prev ? &r->prev->next : &c->first) = r->next;
	*(r->next ? &r->next->prev : &c->last) = r->prev;
	c->count--;
	json_object_put(r->external);
	c_release(&r->client);
	free(r);
}

struct attachment {
	int64_t id;
	uint64_t order;
};

static int by_order(const void *a, const void *b)
{
	const struct attachment *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

size_t c_attached(int64_t **ids, struct panel_sim *sim, const char *email, bool by_write, struct arena *a)
{
	struct attachment *found;
	struct map_entry *at;
	struct c_element *e;
	size_t count = 0, room = 0;

	for (e = c_element_any(sim, email, &at); e; e = c_element_next(&at))
		room++;
	found = arena_array(a, struct attachment, room);
	for (e = c_element_any(sim, email, &at); e; e = c_element_next(&at)) {
		if (strcmp(c_get(&e->client, T_EMAIL), email))
			continue;
		found[count++] = (struct attachment){ e->in->id, by_write ? c_body(e->in)->synced : (uint64_t)e->in->id };
	}
	if (count)
		qsort(found, count, sizeof(*found), by_order);
	*ids = arena_array(a, int64_t, count);
	room = count;
	count = 0;
	for (size_t i = 0; i < room; i++) /* one e-mail may stand twice in an inbound (3.2.8 to 3.4.2) */
		if (!count || (*ids)[count - 1] != found[i].id)
			(*ids)[count++] = found[i].id;
	return count;
}

/* --- elements --- */

struct c_element *c_element_any(struct panel_sim *sim, const char *email, struct map_entry **at)
{
	char *lower = lower_of(email);

	*at = *lower ? map_first(&c_of(sim)->elements_by_lower, str_of(lower)) : NULL;
	free(lower);
	return *at ? (*at)->value : NULL;
}

struct c_element *c_element_next(struct map_entry **at)
{
	*at = map_next(*at);
	return *at ? (*at)->value : NULL;
}

struct c_element *c_element_find(struct panel_sim *sim, const struct panel_inbound *in, const char *email)
{
	struct map_entry *at;

	for (struct c_element *e = c_element_any(sim, email, &at); e; e = c_element_next(&at))
		if (e->in == in && !strcmp(c_get(&e->client, T_EMAIL), email))
			return e;
	return NULL;
}

struct c_element *c_element_find_nocase(struct panel_sim *sim, const struct panel_inbound *in, const char *email)
{
	struct map_entry *at;

	for (struct c_element *e = c_element_any(sim, email, &at); e; e = c_element_next(&at))
		if (e->in == in)
			return e;
	return NULL;
}

struct c_element *c_element_find_key(struct panel_sim *sim, const struct panel_inbound *in, const char *key)
{
	struct map_entry *e = *key ? map_first(&c_of(sim)->elements_by_key, str_of(key)) : NULL;
	struct c_element *oldest = NULL;

	for (; e; e = map_next(e))
		if (((struct c_element *)e->value)->in == in)
			oldest = e->value; /* the map gives the newest first */
	return oldest;
}

bool c_used_elsewhere(struct panel_sim *sim, const char *email, const struct panel_inbound *except)
{
	struct map_entry *at;

	for (struct c_element *e = c_element_any(sim, email, &at); e; e = c_element_next(&at))
		if (e->in != except)
			return true;
	return false;
}

bool c_known_sub(const char **sub_id, struct panel_sim *sim, const char *email)
{
	struct map_entry *at;
	struct c_element *e = c_element_any(sim, email, &at);

	*sub_id = e ? c_get(&e->client, T_SUB_ID) : "";
	if (!e)
		return false;
	while ((e = c_element_next(&at)))
		if (strcmp(c_get(&e->client, T_SUB_ID), *sub_id))
			*sub_id = "";
	return true;
}

static void stale_add(struct c_element *e)
{
	struct c_body *b = c_body(e->in);

	if (e->stale)
		return;
	e->stale = true;
	e->stale_prev = NULL;
	e->stale_next = b->stale;
	if (b->stale)
		b->stale->stale_prev = e;
	b->stale = e;
}

static void stale_cut(struct c_element *e)
{
	struct c_body *b = c_body(e->in);

	if (!e->stale)
		return;
	*(e->stale_prev ? &e->stale_prev->stale_next : &b->stale) = e->stale_next;
	if (e->stale_next)
		e->stale_next->stale_prev = e->stale_prev;
	e->stale = false;
}

static void element_index(struct panel_sim *sim, struct c_element *e)
{
	struct panel_c *c = c_of(sim);

	e->lower = lower_of(c_get(&e->client, T_EMAIL));
	e->key = xstrdup(c_key(e->in, &e->client));
	if (*e->lower)
		map_put(&c->elements_by_lower, str_of(e->lower), e);
	if (c_element_find_key(sim, e->in, e->key))
		c_body(e->in)->twins = true;
	if (*e->key)
		map_put(&c->elements_by_key, str_of(e->key), e);
}

static void element_unindex(struct panel_sim *sim, struct c_element *e)
{
	struct panel_c *c = c_of(sim);

	if (*e->lower)
		map_cut(&c->elements_by_lower, str_of(e->lower), e);
	if (*e->key)
		map_cut(&c->elements_by_key, str_of(e->key), e);
	free(e->lower);
	free(e->key);
}

struct c_element *c_element_new(struct panel_sim *sim, struct panel_inbound *in, const struct c_client *client)
{
	struct c_body *b = c_body(in);
	struct c_element *e = xcalloc(1, sizeof(*e));

	e->in = in;
	c_copy(&e->client, client);
	e->prev = b->last;
	*(b->last ? &b->last->next : &b->first) = e;
	b->last = e;
	b->count++;
	b->shape = CLIENTS_LIST;
	element_index(sim, e);
	return e;
}

void c_element_write(struct panel_sim *sim, struct c_element *e, const struct c_client *client)
{
	element_unindex(sim, e);
	c_copy(&e->client, client);
	element_index(sim, e);
}

void c_element_delete(struct panel_sim *sim, struct c_element *e)
{
	struct c_body *b = c_body(e->in);

	stale_cut(e);
	element_unindex(sim, e);
	*(e->prev ? &e->prev->next : &b->first) = e->next;
	*(e->next ? &e->next->prev : &b->last) = e->prev;
	b->count--;
	c_release(&e->client);
	free(e);
}

/* --- sync --- */

/* What a record keeps when the element has nothing to say, and what it always takes. Before 3.3.1 it takes all. */
static const struct {
	enum c_text text;
	bool keeps;
} merged[] = {
	{ T_ID, true }, { T_PASSWORD, true }, { T_AUTH, true }, { T_SECRET, true }, { T_AD_TAG, true }, { T_SECURITY, true },
	{ T_REVERSE, true }, { T_PRIVATE_KEY, true }, { T_PUBLIC_KEY, true }, { T_ALLOWED_IPS, true }, { T_GROUP, true },
	{ T_FLOW, false }, { T_PRE_SHARED_KEY, false }, { T_SUB_ID, false }, { T_COMMENT, false },
};

static void merge(struct panel_sim *sim, struct c_client *to, const struct c_client *from)
{
	static const enum c_number taken[] = { N_LIMIT_IP, N_TOTAL, N_EXPIRY, N_TG_ID, N_RESET, N_KEEP_ALIVE };

	for (size_t i = 0; i < countof(merged); i++)
		if (*c_get(from, merged[i].text) || !(merged[i].keeps && c_has(sim, C_KEEPS_CREDENTIALS)))
			c_set(to, merged[i].text, c_get(from, merged[i].text));
	for (size_t i = 0; i < countof(taken); i++)
		to->number[taken[i]] = from->number[taken[i]];
	to->enable = from->enable;
	if (from->number[N_CREATED] > 0 && (!to->number[N_CREATED] || from->number[N_CREATED] < to->number[N_CREATED]))
		to->number[N_CREATED] = from->number[N_CREATED];
	if (from->number[N_UPDATED] > to->number[N_UPDATED])
		to->number[N_UPDATED] = from->number[N_UPDATED];
}

/* Would copying this element change its record? The flow differs by inbound as a matter of course and is left out:
 * clients/get takes it from the inbounds anyway. */
static bool differs(struct panel_sim *sim, const struct c_element *e, const struct c_record *r)
{
	struct c_client probe = { 0 };
	bool differ = false;

	c_copy(&probe, &r->client);
	merge(sim, &probe, &e->client);
	for (int t = 0; t < C_TEXTS; t++)
		differ |= t != T_FLOW && strcmp(c_get(&probe, (enum c_text)t), c_get(&r->client, (enum c_text)t));
	for (int n = 0; n < N_CREATED; n++)
		differ |= probe.number[n] != r->client.number[n];
	differ |= probe.enable != r->client.enable;
	c_release(&probe);
	return differ;
}

static void mark_others(struct panel_sim *sim, const struct c_element *written, const struct c_record *r)
{
	struct map_entry *at;

	for (struct c_element *e = c_element_any(sim, written->lower, &at); e; e = c_element_next(&at))
		if (e->in != written->in && !strcmp(c_get(&e->client, T_EMAIL), c_get(&r->client, T_EMAIL)) && differs(sim, e, r))
			stale_add(e);
}

static void copy_back(struct panel_sim *sim, struct c_element *e)
{
	struct c_record *r = c_record_find(sim, c_get(&e->client, T_EMAIL));
	struct c_client merged_client = { 0 };

	if (!*c_get(&e->client, T_EMAIL))
		return;
	if (!r) {
		c_record_new(sim, &e->client);
		return;
	}
	c_copy(&merged_client, &r->client);
	merge(sim, &merged_client, &e->client);
	c_record_write(sim, r, &merged_client);
	c_release(&merged_client);
	mark_others(sim, e, r);
}

void c_sync(struct panel_sim *sim, struct panel_inbound *in, struct c_element *written)
{
	struct c_body *b = c_body(in);
	struct c_element *stale = b->stale;

	b->stale = NULL;
	for (struct c_element *e = stale; e; e = e->stale_next)
		e->stale = false;
	for (struct c_element *e = stale, *next; e; e = next) {
		next = e->stale_next;
		if (e != written)
			copy_back(sim, e);
	}
	if (written)
		copy_back(sim, written);
	b->synced = ++c_of(sim)->synced_last;
}

void c_drop_orphans(struct panel_sim *sim, struct panel_inbound *in)
{
	struct c_body *b = c_body(in);

	if (!b->orphans)
		return;
	b->orphans = false;
	for (struct c_element *e = b->first, *next; e; e = next) {
		const char *email = c_get(&e->client, T_EMAIL);

		next = e->next;
		if (*email && !c_record_find(sim, email))
			c_element_delete(sim, e);
	}
}

/* --- rows --- */

static void row_set(struct panel_traffic *row, const struct c_client *client)
{
	row->total = client->number[N_TOTAL];
	row->expiry_ms = client->number[N_EXPIRY];
	row->reset = client->number[N_RESET];
	row->enable = client->enable;
}

struct panel_traffic *c_row_add(struct panel_sim *sim, const struct panel_inbound *in, const struct c_client *client)
{
	struct panel_traffic *row = panel_traffic_find(sim, str_of(c_get(client, T_EMAIL)));

	if (!row) {
		row = panel_traffic_new(sim, str_of(c_get(client, T_EMAIL)), in->id);
		row_set(row, client);
		return row;
	}
	sim->traffic_id_last++; /* INSERT … ON CONFLICT has drawn a number before it meets the conflict */
	if (c_has(sim, C_ADD_OVERWRITES_ROW)) {
		row->inbound_id = in->id;
		row_set(row, client);
	}
	return row;
}

void c_row_update(struct panel_sim *sim, const char *email, const struct c_client *client)
{
	struct panel_traffic *row = panel_traffic_find(sim, str_of(email));

	if (!row)
		return;
	if (strcmp(email, c_get(client, T_EMAIL)))
		panel_traffic_rename(sim, row, str_of(c_get(client, T_EMAIL)));
	row_set(row, client);
}

void c_row_delete(struct panel_sim *sim, const char *email)
{
	struct panel_traffic *row = panel_traffic_find(sim, str_of(email));

	if (row)
		panel_traffic_delete(sim, row);
}

/* --- bodies --- */

struct c_body *c_body_new(void)
{
	struct c_body *b = xcalloc(1, sizeof(*b));

	b->shape = CLIENTS_ABSENT;
	b->sub_sort_index = 1;
	b->reset_day = 1;
	panel_text_set(&b->share_strategy, STR("node"));
	panel_text_set(&b->share_address, STR(""));
	return b;
}

void c_body_free(struct panel_sim *sim, struct panel_inbound *in)
{
	struct c_body *b = in->body;

	if (!b)
		return;
	while (b->first)
		c_element_delete(sim, b->first);
	json_object_put(b->settings);
	free(b->raw);
	free(b->share_strategy);
	free(b->share_address);
	free(b);
	in->body = NULL;
}
