/* Opening the shop: configuration, the one lock, the database, the key. Messages go to the terminal. */
#ifndef OBOL_OPEN_H
#define OBOL_OPEN_H

#include "bot/core/config.h"
#include "lib/crypto/seal.h"
#include "lib/store/db.h"

/* Exit codes of the program (product.md). */
enum exit_code { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Reads the configuration; prints each problem and returns false when there is one. */
bool open_config(struct config *out, struct arena *arena);

/* The exclusive lock beside the database: one `obol run` per database. -1: somebody else holds it (said). */
int open_lock(const char *database_path, struct arena *arena);

/* Opens and migrates for writing; says what is wrong. */
bool open_database(struct db **out, const struct config *config);

/* The key: SECRET_KEY, else the key file, which is made for an empty shop and shown once. Refuses when the database was
 * sealed with another key or the key is missing (forget: then a new one is made and everything sealed is emptied). */
bool open_key(struct seal_key *out, struct db *db, const struct config *config, struct arena *arena, bool forget);

/* The key as it is configured, without making one. E_NOTFOUND, or what keyfile_read says. */
enum err find_key(struct seal_key *out, const struct config *config, struct arena *arena);

#endif
