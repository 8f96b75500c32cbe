/* Digests, comparison and authenticated encryption over OpenSSL 3. A library that fails here is broken or out of
 * memory: the process aborts. */
#ifndef OBOL_CRYPTO_CRYPTO_H
#define OBOL_CRYPTO_CRYPTO_H

#include "lib/base/buf.h"

#define SHA256_BYTES 32
#define SHA256_HEX_CHARS 64

void crypto_sha256(unsigned char out[SHA256_BYTES], struct str bytes);
void crypto_sha256_hex(char out[SHA256_HEX_CHARS + 1], struct str bytes); /* lower case, terminated */

/* RFC 2104; a key of any length. */
void crypto_hmac_sha256(unsigned char out[SHA256_BYTES], struct str key, struct str bytes);
void crypto_hmac_sha256_hex(char out[SHA256_HEX_CHARS + 1], struct str key, struct str bytes);

/* The time depends on the lengths only, which are no secret. */
bool crypto_equal(struct str a, struct str b);
/* hex is what a peer claims: either case, exactly n bytes worth of digits and nothing around them. */
bool crypto_equal_hex(const unsigned char *bytes, size_t n, struct str hex);

#define GCM_KEY_BYTES 32
#define GCM_NONCE_BYTES 12
#define GCM_TAG_BYTES 16
#define GCM_TEXT_BYTES_MAX (16 * 1024 * 1024) /* of text and of what goes with it; more is a bug of the caller */

/* AES-256-GCM. out has room for plain.len + GCM_TAG_BYTES: cipher text, then tag. also is authenticated, not written.
 * The pair of key and nonce must never come a second time. */
void crypto_gcm_seal(unsigned char *out, const unsigned char key[GCM_KEY_BYTES],
		     const unsigned char nonce[GCM_NONCE_BYTES], struct str also, struct str plain);
/* The reverse; out has room for sealed.len. E_AUTH: key, nonce, also or a bit of sealed is another one; out is then
 * wiped. *n is the length of the text. */
enum err crypto_gcm_open(unsigned char *out, size_t *n, const unsigned char key[GCM_KEY_BYTES],
			 const unsigned char nonce[GCM_NONCE_BYTES], struct str also, struct str sealed);

void crypto_wipe(void *at, size_t n);  /* zeros that the compiler may not leave out */
void crypto_wipe_buf(struct buf *b);   /* the same for all b ever held at its present place; b is empty then */

#endif
