/* How often somebody may do something: counts by key in fixed windows, in bounded memory.
 *
 * One struct limit per thing to be limited, static, zero at first. LIMIT_SLOTS keys at most; who comes new takes the place
 * of the oldest of its few neighbours, so a flood of keys forgets, it never grows. */
#ifndef OBOL_BASE_LIMIT_H
#define OBOL_BASE_LIMIT_H

#include "lib/base/str.h"

#define LIMIT_SLOTS 4096

struct limit {
	int max;                     /* so many in window_ms; set by the owner */
	int64_t window_ms;
	struct limit_slot { uint64_t key; int64_t since_ms; int count; } slots[LIMIT_SLOTS];
};

/* Counts one. 0: go on; else so many ms until it may be tried again. */
int64_t limit_take(struct limit *l, struct str key, int64_t now_ms);
void limit_reset(struct limit *l); /* forgets all; tests */

#endif
