/* Where a new access goes: by priority, then load, then free capacity (R134), never where it is full (R135). */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bot/fleet/fleet.h"

#define NOMINAL_CAPACITY 1000 /* a panel without a limit is as loaded as one of this size */
#define MILLION 1000000

static bool is_full(int64_t clients, int64_t capacity)
{
	return capacity > 0 && clients >= capacity;
}

static int64_t load_ppm(const struct candidate *c)
{
	int64_t capacity = c->capacity > 0 ? c->capacity : NOMINAL_CAPACITY, weight = c->weight > 0 ? c->weight : 1;

	return c->clients * MILLION / capacity / weight;
}

static int64_t inbound_load_ppm(const struct candidate *c)
{
	return c->inbound_clients * MILLION / (c->inbound_capacity > 0 ? c->inbound_capacity : NOMINAL_CAPACITY);
}

static int64_t room(const struct candidate *c)
{
	return c->capacity > 0 ? c->capacity - c->clients : INT64_MAX;
}

static int order(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* Negative: a is the better place. */
static int compare(const struct candidate *a, const struct candidate *b)
{
	int by[] = {
		order(a->priority, b->priority),
		order(load_ppm(a), load_ppm(b)),
		order(room(b), room(a)),
		order(a->place.panel_id, b->place.panel_id),
		order(inbound_load_ppm(a), inbound_load_ppm(b)),
		order(a->place.inbound_id, b->place.inbound_id),
	};

	for (size_t i = 0; i < countof(by); i++)
		if (by[i])
			return by[i];
	return 0;
}

int place_choose(const struct candidate *c, size_t count)
{
	int best = -1;

	for (size_t i = 0; i < count; i++) {
		if (is_full(c[i].clients, c[i].capacity) || is_full(c[i].inbound_clients, c[i].inbound_capacity))
			continue;
		if (best < 0 || compare(&c[i], &c[best]) < 0)
			best = (int)i;
	}
	return best;
}

/* What the panel counted last may not know our newest accesses yet: those never seen there are added, and there are never
 * fewer than we have. Reserved places count until they are paid or run out. */
#define CLIENTS_OF(table, where_access, where_order) \
	"max(" table ".clients + (SELECT count(*) FROM accesses WHERE deleted_ms=0 AND seen_exists=0 AND " where_access ")," \
	" (SELECT count(*) FROM accesses WHERE deleted_ms=0 AND " where_access "))" \
	" + (SELECT count(*) FROM orders WHERE reserved_until_ms>0 AND reserved_until_ms>?6 AND id<>?5 AND " where_order ")"

static const char candidates_sql[] =
	"SELECT i.panel_id, i.inbound_id, p.priority, p.weight, p.capacity, i.capacity,"
	" " CLIENTS_OF("p", "panel_id=p.id", "panel_id=p.id") ","
	" " CLIENTS_OF("i", "panel_id=i.panel_id AND inbound_id=i.inbound_id", "panel_id=i.panel_id AND inbound_id=i.inbound_id") ","
	" p.region, p.name"
	" FROM panels p JOIN inbounds i ON i.panel_id=p.id"
	" WHERE p.state='ok' AND p.drain=0 AND p.deleted_ms=0 AND i.for_sale=1 AND i.enabled=1 AND i.gone=0"
	" AND (?1 IS NULL OR i.protocol=?1 OR (?1='hysteria2' AND i.protocol='hysteria')) AND (?2 IS NULL OR p.region=?2)"
	" AND (?3=0 OR i.panel_id=?3) AND (?4=0 OR i.inbound_id=?4)"
	/* on one panel a subscription's keys are there once, and what it has just left may still be there */
	" AND (?7=0 OR NOT EXISTS (SELECT 1 FROM accesses WHERE subscription_id=?7 AND panel_id=i.panel_id AND (deleted_ms=0 OR seen_exists=1 OR writing=1)))";

static void select_candidates(struct db_rows *r, struct act *a, const struct place_wish *w)
{
	db_select(r, a->tx, candidates_sql, w->protocol, w->region, w->panel_id, w->inbound_id, w->order_id, a->now_ms, w->leaving_id);
}

static struct candidate read_candidate(const struct db_rows *r)
{
	return (struct candidate){ .place = { db_i64(r, 0), db_i64(r, 1) }, .priority = (int)db_i64(r, 2), .weight = (int)db_i64(r, 3),
		.capacity = db_i64(r, 4), .inbound_capacity = db_i64(r, 5), .clients = db_i64(r, 6), .inbound_clients = db_i64(r, 7) };
}

enum err place_find(struct place *out, struct act *a, const struct place_wish *w)
{
	struct candidate pair[2]; /* the best so far, if any, and the next */
	struct db_rows r;
	size_t n = 0;
	enum err e;

	select_candidates(&r, a, w);
	while (db_next(&r)) {
		int chosen;

		pair[n++] = read_candidate(&r);
		chosen = place_choose(pair, n);
		if (chosen > 0)
			pair[0] = pair[chosen];
		n = chosen >= 0;
	}
	e = db_end(&r);
	if (e)
		return e;
	if (!n)
		return E_NOROOM;
	*out = pair[0].place;
	return OK;
}

/* --- for people --- */

static struct place_choice *find_choice(struct place_choice *list, size_t count, const struct place_choice *like)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].is_region == like->is_region &&
		    (like->is_region ? strcmp(list[i].name, like->name) == 0 : list[i].place.panel_id == like->place.panel_id))
			return &list[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct place_choice *)a)->name, ((const struct place_choice *)b)->name);
}

enum err place_choices(struct place_choice *out, size_t *count, size_t max, struct act *a, const struct place_wish *w)
{
	struct candidate best[PLACE_CHOICES_MAX];
	struct db_rows r;
	enum err e;

	assert(max <= PLACE_CHOICES_MAX);
	*count = 0;
	select_candidates(&r, a, w);
	while (db_next(&r)) {
		struct candidate pair[2] = { [1] = read_candidate(&r) };
		bool is_region = db_str(&r, 8).len > 0;
		struct place_choice this = { pair[1].place, db_text(&r, is_region ? 8 : 9, a->arena), is_region };
		struct place_choice *c = find_choice(out, *count, &this);
		bool is_new = !c && *count < max;

		if (place_choose(&pair[1], 1) < 0 || (!c && !is_new))
			continue;
		if (is_new)
			c = &out[(*count)++];
		else
			pair[0] = best[c - out];
		if (is_new || place_choose(pair, 2) == 1) {
			best[c - out] = pair[1];
			*c = this;
		}
	}
	e = db_end(&r);
	if (!e && *count)
		qsort(out, *count, sizeof *out, by_name);
	return e;
}
