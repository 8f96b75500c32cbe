/* Passwords as slow salted hashes: scrypt, N = 32,768, r = 8 (32 MiB, some 0.1 s of CPU), so for the helper thread only. */
#ifndef OBOL_CRYPTO_PASSWORD_H
#define OBOL_CRYPTO_PASSWORD_H

#include "lib/base/str.h"

#define PASSWORD_SALT_BYTES 16
#define PASSWORD_COST_LOG2 15
#define PASSWORD_HASH_CHARS_MAX 127

/* "scrypt$15$8$1$SALT$HASH", terminated. salt: PASSWORD_SALT_BYTES random bytes, drawn by the caller for this password. */
void password_hash(char out[PASSWORD_HASH_CHARS_MAX + 1], struct str password, const unsigned char *salt);

/* Is this the password that was hashed so? Takes the time of the hash. False too for text that is no hash of ours, and
 * for costs above our own, without work. */
bool password_fits(struct str hash, struct str password);

#endif
