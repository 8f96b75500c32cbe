/* The key file obol.key beside the database: SEAL_KEY_CHARS base32 characters and a newline, mode 0600.
 *
 * Losing it loses every sealed secret, so it is written once, completely or not at all, and never replaced. */
#ifndef OBOL_CRYPTO_KEYFILE_H
#define OBOL_CRYPTO_KEYFILE_H

#include "lib/crypto/seal.h"

#define KEYFILE_NAME "obol.key"
#define KEYFILE_BYTES_MAX 256

/* Where the key of this database lives: KEYFILE_NAME in the same directory. In the arena. */
const char *keyfile_path(struct arena *a, const char *database_path);

/* Makes the file; when it returns OK the file and its name are on the disk (fsync of both).
 * E_CONFLICT: there is something of that name already, which stays as it is; E_IO: nothing was made. */
enum err keyfile_create(const char *path, const struct seal_key *key);

/* E_NOTFOUND: there is none; E_REFUSED: group or others may touch it, or it is no plain file; E_INVALID: it does not
 * hold a key; E_IO: cannot be read. *key is wiped unless OK. */
enum err keyfile_read(struct seal_key *key, const char *path);

#endif
