/* Numbers for things: an id is never given twice, and finding its thing takes no search. */
#ifndef OBOL_HTTP_IDS_H
#define OBOL_HTTP_IDS_H

#include <stddef.h>
#include <stdint.h>

/* A zeroed struct is empty. */
struct http_ids {
	struct http_ids_slot *slots;
	uint32_t *free; /* stack of unused slots */
	size_t cap, free_count;
	uint64_t serial;
};

uint64_t http_ids_add(struct http_ids *ids, void *thing);         /* never 0 */
void *http_ids_find(const struct http_ids *ids, uint64_t id);     /* NULL: gone or never given */
void http_ids_remove(struct http_ids *ids, uint64_t id);          /* must be there */
/* Any thing that is left, NULL when there is none; *from is where to go on, 0 at first. */
void *http_ids_each(const struct http_ids *ids, size_t *from);
void http_ids_release(struct http_ids *ids);                      /* the table, not the things */

#endif
