/* Secrets at rest: AES-256-GCM under one 32-byte key that is kept outside the database.
 *
 * A sealed text is   version 1 | key id 5 | nonce 12 | cipher text | tag 16   bytes. The nonce is random for each
 * sealing. What is authenticated beside the text: the place it stands at ("table.column.row") and the bytes in front,
 * so that neither a sealed value moved to another row nor another version byte is ever accepted.
 *
 * The key id is derived from the key and tells nothing about it: it may stand in logs, backups and on screens. */
#ifndef OBOL_CRYPTO_SEAL_H
#define OBOL_CRYPTO_SEAL_H

#include "lib/crypto/crypto.h"

#define SEAL_KEY_BYTES GCM_KEY_BYTES
#define SEAL_KEY_CHARS 52    /* as Crockford base32: SECRET_KEY, obol.key */
#define SEAL_ID_BYTES 5
#define SEAL_ID_CHARS 8
#define SEAL_OVERHEAD_BYTES (1 + SEAL_ID_BYTES + GCM_NONCE_BYTES + GCM_TAG_BYTES)
#define SEAL_PLAIN_BYTES_MAX (1024 * 1024)

struct seal_key {
	unsigned char bytes[SEAL_KEY_BYTES];
	unsigned char id_bytes[SEAL_ID_BYTES];
	char id[SEAL_ID_CHARS + 1]; /* the key's fingerprint, safe to show: id_bytes as text */
};

void seal_key_init(struct seal_key *key, const unsigned char bytes[SEAL_KEY_BYTES]);
void seal_key_draw(struct seal_key *key); /* a new random one */
/* Reads what people type: 52 characters in either case, dashes and spaces anywhere, O for 0, I and L for 1.
 * E_INVALID: anything else; *key is wiped then. */
enum err seal_key_read(struct seal_key *key, struct str text);
void seal_key_write(char out[SEAL_KEY_CHARS + 1], const struct seal_key *key); /* the caller wipes out */
void seal_key_wipe(struct seal_key *key);

/* "table.column.row", the place a sealed value belongs to. In the arena. */
struct str seal_place(struct arena *a, const char *table, const char *column, int64_t row);

/* Appends the sealed form of plain, which has at most SEAL_PLAIN_BYTES_MAX bytes. Sealing twice gives two results. */
void seal_text(struct buf *blob, const struct seal_key *key, struct str place, struct str plain);

/* Appends the text; wipe it with crypto_wipe_buf. Nothing is appended on an error.
 * E_AUTH: another key, another place, or not one bit as it was sealed; E_VERSION: sealed by a newer program. */
enum err seal_open(struct buf *plain, const struct seal_key *key, struct str place, struct str blob);

/* Which key sealed this, for "this database belongs to the key …". Not proven until it opens. E_VERSION as above;
 * E_INVALID: too short. */
enum err seal_blob_id(char out[SEAL_ID_CHARS + 1], struct str blob);

#endif
