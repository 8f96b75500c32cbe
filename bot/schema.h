/* The tables, as numbered migrations. What a table means is said here once, beside its columns. */
#ifndef OBOL_SCHEMA_H
#define OBOL_SCHEMA_H

#include "lib/store/db.h"

extern const struct db_migration schema_migrations[];
extern const size_t schema_migrations_count;

#endif
