/* Which rows of a connection went from which state to which, committed ones alone; and which updates it decided. One connection
 * at a time. */
#ifndef TESTS_WORLD_EDGES_H
#define TESTS_WORLD_EDGES_H

#include "lib/store/db.h"

void edges_watch(struct db *db, bool *acts); /* acts: whether faults act, which they do not while it looks */
/* False: by this connection this update was decided before, and that was committed. */
bool edges_is_first(int64_t update_id);
/* Before the connection is closed; rolls back what is not committed. on_unknown hears of each edge taken that is not in edges.inc. */
void edges_collect(void (*on_unknown)(void *ctx, const char *edge), void *ctx);

#endif
