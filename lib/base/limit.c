/* A table with a few neighbours per key. */
#include "lib/base/limit.h"

#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/rand.h"

#define NEIGHBOURS 4

/* From a start nobody knows: who chooses keys cannot choose places. Never 0. */
static uint64_t hash(struct str key)
{
	static uint64_t start;
	uint64_t h;

	if (!start)
		start = rand_u64() | 1;
	h = hash_bytes(start, key);
	h ^= h >> 32;
	return h ? h : 1;
}

static struct limit_slot *slot_of(struct limit *l, uint64_t key)
{
	struct limit_slot *first = &l->slots[key % (LIMIT_SLOTS / NEIGHBOURS) * NEIGHBOURS], *oldest = first;

	for (int i = 0; i < NEIGHBOURS; i++) {
		if (first[i].key == key)
			return &first[i];
		if (first[i].since_ms < oldest->since_ms)
			oldest = &first[i];
	}
	*oldest = (struct limit_slot){ .key = key };
	return oldest;
}

int64_t limit_take(struct limit *l, struct str key, int64_t now_ms)
{
	struct limit_slot *s = slot_of(l, hash(key));

	if (now_ms - s->since_ms >= l->window_ms || now_ms < s->since_ms) {
		s->since_ms = now_ms;
		s->count = 0;
	}
	if (s->count >= l->max)
		return s->since_ms + l->window_ms - now_ms;
	s->count++;
	return 0;
}

void limit_reset(struct limit *l)
{
	memset(l->slots, 0, sizeof l->slots);
}
