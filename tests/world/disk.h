/* A disk in memory, as a SQLite file system, that keeps what was written apart from what was synced.
 *
 * Each file has two contents: what readers see, and what would be there after the power went. xSync makes the second
 * like the first, block by block. A name, too, is only safe once its directory was synced. The first sync of a journal does
 * that for the journal's own name and, stricter than file systems are, for no other; for the database db.c must
 * (DB_SYNC_DIRECTORY). A power cut leaves of everything unsynced nothing, or any part.
 *
 * Several connections of one process may use it, one thread. */
#ifndef OBOL_WORLD_DISK_H
#define OBOL_WORLD_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"

struct disk;

enum disk_op { DISK_OPEN, DISK_READ, DISK_WRITE, DISK_SYNC, DISK_TRUNCATE, DISK_DELETE };

/* Asked before each operation; an SQLite result code other than 0 is what the operation answers, and it does nothing. */
typedef int disk_guard(void *ctx, enum disk_op op);

struct disk *disk_new(disk_guard *guard, void *ctx); /* guard may be NULL; one disk at a time */
void disk_free(struct disk *d);                      /* every connection is closed */
const char *disk_vfs(const struct disk *d);          /* its name, for db_open */

/* Every handle goes on answering SQLITE_IOERR and changes nothing: the process has died and does not know it yet. */
void disk_set_dead(struct disk *d, bool dead);

enum disk_end {
	DISK_AFTER_KILL,   /* the process alone died: nothing is lost */
	DISK_AFTER_POWER,  /* everything unsynced is lost */
	DISK_AFTER_TEAR    /* of what is unsynced, any blocks and names are kept */
};
/* Every connection was closed, or is never used again. draw gives random numbers, for DISK_AFTER_TEAR. */
void disk_end(struct disk *d, enum disk_end how, uint64_t (*draw)(void *ctx), void *ctx);

bool disk_holds(const struct disk *d, struct str bytes); /* in any file, as seen or as safe */

#endif
