/* Slots with a serial: the low bits of an id are its slot, the high bits tell this use of the slot from earlier ones. */
#include "lib/http/ids.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/mem.h"

#define SLOT_BITS 24
#define SLOTS_MAX ((size_t)1 << SLOT_BITS)

struct http_ids_slot {
	uint64_t id;
	void *thing;
};

static size_t slot_of(uint64_t id)
{
	return id & (SLOTS_MAX - 1);
}

static void grow(struct http_ids *ids)
{
	size_t cap = ids->cap ? ids->cap * 2 : 64;

	assert(cap <= SLOTS_MAX);
	ids->slots = xrealloc(ids->slots, cap * sizeof *ids->slots);
	ids->free = xrealloc(ids->free, cap * sizeof *ids->free);
	for (size_t i = cap; i-- > ids->cap;) {
		ids->slots[i] = (struct http_ids_slot){ 0 };
		ids->free[ids->free_count++] = (uint32_t)i;
	}
	ids->cap = cap;
}

uint64_t http_ids_add(struct http_ids *ids, void *thing)
{
	size_t slot;

	if (!ids->free_count)
		grow(ids);
	slot = ids->free[--ids->free_count];
	ids->slots[slot] = (struct http_ids_slot){ ++ids->serial << SLOT_BITS | slot, thing };
	return ids->slots[slot].id;
}

void *http_ids_find(const struct http_ids *ids, uint64_t id)
{
	size_t slot = slot_of(id);

	return id && slot < ids->cap && ids->slots[slot].id == id ? ids->slots[slot].thing : NULL;
}

void http_ids_remove(struct http_ids *ids, uint64_t id)
{
	assert(http_ids_find(ids, id));
	ids->slots[slot_of(id)] = (struct http_ids_slot){ 0 };
	ids->free[ids->free_count++] = (uint32_t)slot_of(id);
}

void *http_ids_each(const struct http_ids *ids, size_t *from)
{
	while (*from < ids->cap) {
		void *thing = ids->slots[(*from)++].thing;

		if (thing)
			return thing;
	}
	return NULL;
}

void http_ids_release(struct http_ids *ids)
{
	free(ids->slots);
	free(ids->free);
	*ids = (struct http_ids){ 0 };
}
