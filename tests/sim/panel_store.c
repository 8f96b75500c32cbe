/* Rows: inbounds and traffic, and the map that finds them by text. */
#include "tests/sim/panel_private.h"

/* --- map --- */

static uint64_t hash_of(struct str key)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.at[i]) * UINT64_C(1099511628211);
	return h ^ h >> 29;
}

static void map_grow(struct map *m)
{
	size_t size = m->size ? m->size * 2 : 64;
	struct map_entry **buckets = xcalloc(size, sizeof(struct map_entry *));

	for (size_t i = 0; i < m->size; i++) {
		struct map_entry *reversed = NULL, *e, *next;

		for (e = m->buckets[i]; e; e = next) { /* twice turned round, equal keys keep their order */
			next = e->next;
			e->next = reversed;
			reversed = e;
		}
		for (e = reversed; e; e = next) {
			struct map_entry **head = &buckets[e->hash & (size - 1)];

			next = e->next;
			e->next = *head;
			*head = e;
		}
	}
	free(m->buckets);
	m->buckets = buckets;
	m->size = size;
}

void map_put(struct map *m, struct str key, void *value)
{
	struct map_entry *e = xcalloc(1, sizeof *e), **head;

	if (m->count >= m->size)
		map_grow(m);
	*e = (struct map_entry){ .hash = hash_of(key), .key = key, .value = value };
	head = &m->buckets[e->hash & (m->size - 1)];
	e->next = *head;
	*head = e;
	m->count++;
}

void map_cut(struct map *m, struct str key, const void *value)
{
	uint64_t hash = hash_of(key);
	struct map_entry **at = m->size ? &m->buckets[hash & (m->size - 1)] : NULL;

	for (; at && *at; at = &(*at)->next) {
		struct map_entry *e = *at;

		if (e->value != value || e->hash != hash || !str_eq(e->key, key))
			continue;
		*at = e->next;
		free(e);
		m->count--;
		return;
	}
}

static struct map_entry *match(struct map_entry *e, uint64_t hash, struct str key)
{
	while (e && (e->hash != hash || !str_eq(e->key, key)))
		e = e->next;
	return e;
}

struct map_entry *map_first(const struct map *m, struct str key)
{
	uint64_t hash = hash_of(key);

	return m->size ? match(m->buckets[hash & (m->size - 1)], hash, key) : NULL;
}

struct map_entry *map_next(const struct map_entry *e)
{
	return match(e->next, e->hash, e->key);
}

void *map_get(const struct map *m, struct str key)
{
	struct map_entry *e = map_first(m, key);

	return e ? e->value : NULL;
}

void map_release(struct map *m)
{
	for (size_t i = 0; i < m->size; i++)
		for (struct map_entry *e = m->buckets[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	free(m->buckets);
	*m = (struct map){ 0 };
}

/* --- rows --- */

void panel_text_set(char **field, struct str value)
{
	char *copy = xstrndup(value.len ? value.at : "", value.len);

	free(*field);
	*field = copy;
}

struct panel_inbound *panel_inbound_new(struct panel_sim *sim, int64_t id)
{
	struct panel_inbound *in = xcalloc(1, sizeof *in), **at = &sim->inbounds;

	in->id = id ? id : sim->inbound_id_last + 1;
	in->user_id = 1;
	if (in->id > sim->inbound_id_last)
		sim->inbound_id_last = in->id;
	panel_text_set(&in->remark, STR(""));
	panel_text_set(&in->listen, STR(""));
	panel_text_set(&in->protocol, STR(""));
	panel_text_set(&in->traffic_reset, STR("never"));
	panel_text_set(&in->tag, STR(""));
	panel_text_set(&in->stream, STR(""));
	panel_text_set(&in->sniffing, STR(""));
	while (*at && (*at)->id < in->id)
		at = &(*at)->next;
	in->next = *at;
	*at = in;
	return in;
}

struct panel_inbound *panel_inbound_find(struct panel_sim *sim, int64_t id)
{
	struct panel_inbound *in = sim->inbounds;

	while (in && in->id != id)
		in = in->next;
	return in;
}

void panel_inbound_delete(struct panel_sim *sim, struct panel_inbound *in)
{
	struct panel_inbound **at = &sim->inbounds;

	while (*at != in)
		at = &(*at)->next;
	*at = in->next;
	free(in->remark);
	free(in->listen);
	free(in->protocol);
	free(in->traffic_reset);
	free(in->tag);
	free(in->stream);
	free(in->sniffing);
	free(in);
}

struct panel_traffic *panel_traffic_new(struct panel_sim *sim, struct str email, int64_t inbound_id)
{
	struct panel_traffic *row = xcalloc(1, sizeof *row);

	row->id = ++sim->traffic_id_last;
	row->inbound_id = inbound_id;
	panel_text_set(&row->email, email);
	row->prev = sim->traffics_last;
	if (row->prev)
		row->prev->next = row;
	else
		sim->traffics = row;
	sim->traffics_last = row;
	map_put(&sim->traffic_by_email, str_of(row->email), row);
	return row;
}

struct panel_traffic *panel_traffic_find(struct panel_sim *sim, struct str email)
{
	return map_get(&sim->traffic_by_email, email);
}

/* The client's addresses go the way of its row (UpdateClientIPs, DelClientIPs: 2.8.5 to 3.6.0). */
void panel_traffic_rename(struct panel_sim *sim, struct panel_traffic *row, struct str email)
{
	panel_ips_rename(sim, row->email, email);
	map_cut(&sim->traffic_by_email, str_of(row->email), row);
	panel_text_set(&row->email, email);
	map_put(&sim->traffic_by_email, str_of(row->email), row);
}

void panel_traffic_delete(struct panel_sim *sim, struct panel_traffic *row)
{
	panel_ips_delete(sim, row->email);
	map_cut(&sim->traffic_by_email, str_of(row->email), row);
	*(row->prev ? &row->prev->next : &sim->traffics) = row->next;
	*(row->next ? &row->next->prev : &sim->traffics_last) = row->prev;
	free(row->email);
	free(row);
}

void panel_traffic_write(struct json_out *j, const struct panel_sim *sim, const struct panel_traffic *row,
			 struct str uuid, struct str sub_id)
{
	json_open(j, '{');
	json_put_i64(j, "id", row->id);
	json_put_i64(j, "inboundId", row->inbound_id);
	json_put_bool(j, "enable", row->enable);
	json_put_str(j, "email", str_of(row->email));
	if (sim->version >= VERSION(2, 8, 3))
		json_put_str(j, "uuid", uuid);
	if (sim->version >= VERSION(2, 8, 1))
		json_put_str(j, "subId", sub_id);
	json_put_i64(j, "up", row->up);
	json_put_i64(j, "down", row->down);
	if (panel_is(sim, VERSION(2, 6, 7), VERSION(3, 0, 99)))
		json_put_i64(j, "allTime", row->all_time);
	json_put_i64(j, "expiryTime", row->expiry_ms);
	json_put_i64(j, "total", row->total);
	json_put_i64(j, "reset", row->reset);
	if (sim->version >= VERSION(2, 6, 8))
		json_put_i64(j, "lastOnline", row->last_online_ms);
	json_close(j, '}');
}
