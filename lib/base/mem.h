/* Memory with owners.
 *
 * No memory is not an error a caller can mend: the x-functions abort and the process restarts from its database.
 * What lives as long as one event comes from an arena and is freed with it; nothing in a handler calls free(). */
#ifndef OBOL_BASE_MEM_H
#define OBOL_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define countof(array) (sizeof(array) / sizeof((array)[0]))

void *xmalloc(size_t n);            /* n may be 0: a pointer that can be freed */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n); /* n bytes and a terminator */

struct arena_block;

/* A stack of blocks that is freed as one. A zeroed struct is a valid, empty arena. */
struct arena {
	struct arena_block *head;
	size_t used_bytes; /* handed out since the last clear */
};

void arena_init(struct arena *a);
void arena_clear(struct arena *a);   /* everything handed out is gone; one block is kept for the next use */
void arena_release(struct arena *a); /* arena_clear, and the last block goes too */

void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for anything */
char *arena_strdup(struct arena *a, const char *s);          /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n); /* n bytes and a terminator */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

#endif
