/* AES-256-GCM sealing. */
#include "lib/crypto/seal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/enc.h"
#include "lib/base/rand.h"

#define SEAL_VERSION 1
#define FRONT_BYTES (1 + SEAL_ID_BYTES)
#define PLACE_BYTES_MAX 512

/* chars < 64, so that the buf never moves and leaves no copy behind. */
static void base32_of(char *out, size_t chars, const unsigned char *bytes, size_t n)
{
	struct buf text;

	assert(chars < 64);
	buf_init(&text, chars);
	enc_base32(&text, bytes, n);
	assert(text.len == chars && !text.over);
	memcpy(out, text.at, chars + 1);
	crypto_wipe_buf(&text);
	buf_release(&text);
}

/* The id is a keyed digest of a fixed text: equal keys have equal ids, and an id gives nothing of the key away. */
static void id_of(unsigned char out[SEAL_ID_BYTES], const unsigned char key[SEAL_KEY_BYTES])
{
	unsigned char digest[SHA256_BYTES];

	crypto_hmac_sha256(digest, str_n((const char *)key, SEAL_KEY_BYTES), STR("obol seal key id"));
	memcpy(out, digest, SEAL_ID_BYTES);
}

void seal_key_init(struct seal_key *key, const unsigned char bytes[SEAL_KEY_BYTES])
{
	memmove(key->bytes, bytes, SEAL_KEY_BYTES);
	id_of(key->id_bytes, key->bytes);
	base32_of(key->id, SEAL_ID_CHARS, key->id_bytes, sizeof key->id_bytes);
}

void seal_key_draw(struct seal_key *key)
{
	rand_bytes(key->bytes, sizeof key->bytes);
	seal_key_init(key, key->bytes);
}

enum err seal_key_read(struct seal_key *key, struct str text)
{
	size_t n = 0;
	enum err e = dec_base32(key->bytes, sizeof key->bytes, &n, str_trim(text));

	if (e || n != SEAL_KEY_BYTES) {
		seal_key_wipe(key);
		return E_INVALID;
	}
	seal_key_init(key, key->bytes);
	return OK;
}

void seal_key_write(char out[SEAL_KEY_CHARS + 1], const struct seal_key *key)
{
	base32_of(out, SEAL_KEY_CHARS, key->bytes, sizeof key->bytes);
}

void seal_key_wipe(struct seal_key *key)
{
	crypto_wipe(key, sizeof *key);
}

struct str seal_place(struct arena *a, const char *table, const char *column, int64_t row)
{
	return str_of(arena_printf(a, "%s.%s.%" PRId64, table, column, row));
}

/* What is authenticated beside the text: the front bytes, then the place. */
static struct str bound(char out[FRONT_BYTES + PLACE_BYTES_MAX], const unsigned char *front, struct str place)
{
	assert(place.len > 0 && place.len <= PLACE_BYTES_MAX);
	memcpy(out, front, FRONT_BYTES);
	memcpy(out + FRONT_BYTES, place.at, place.len);
	return str_n(out, FRONT_BYTES + place.len);
}

void seal_text(struct buf *blob, const struct seal_key *key, struct str place, struct str plain)
{
	char also[FRONT_BYTES + PLACE_BYTES_MAX];
	size_t len = plain.len + SEAL_OVERHEAD_BYTES;
	unsigned char *out, *nonce;

	assert(plain.len <= SEAL_PLAIN_BYTES_MAX);
	out = xmalloc(len);
	nonce = out + FRONT_BYTES;
	out[0] = SEAL_VERSION;
	memcpy(out + 1, key->id_bytes, SEAL_ID_BYTES);
	rand_bytes(nonce, GCM_NONCE_BYTES);
	crypto_gcm_seal(nonce + GCM_NONCE_BYTES, key->bytes, nonce, bound(also, out, place), plain);
	buf_add(blob, str_n((const char *)out, len));
	free(out);
}

enum err seal_open(struct buf *plain, const struct seal_key *key, struct str place, struct str blob)
{
	char also[FRONT_BYTES + PLACE_BYTES_MAX];
	const unsigned char *front = (const unsigned char *)blob.at, *nonce = front + FRONT_BYTES;
	unsigned char *text;
	struct str sealed;
	size_t n = 0;
	enum err e;

	if (blob.len < SEAL_OVERHEAD_BYTES || blob.len > SEAL_OVERHEAD_BYTES + SEAL_PLAIN_BYTES_MAX)
		return E_AUTH;
	if (front[0] != SEAL_VERSION)
		return E_VERSION;
	if (memcmp(key->id_bytes, front + 1, SEAL_ID_BYTES) != 0)
		return E_AUTH;
	sealed = str_n(blob.at + FRONT_BYTES + GCM_NONCE_BYTES, blob.len - FRONT_BYTES - GCM_NONCE_BYTES);
	text = xmalloc(sealed.len);
	e = crypto_gcm_open(text, &n, key->bytes, nonce, bound(also, front, place), sealed);
	if (e == OK)
		buf_add(plain, str_n((const char *)text, n));
	crypto_wipe(text, sealed.len);
	free(text);
	return e;
}

enum err seal_blob_id(char out[SEAL_ID_CHARS + 1], struct str blob)
{
	if (blob.len < FRONT_BYTES)
		return E_INVALID;
	if (blob.at[0] != SEAL_VERSION)
		return E_VERSION;
	base32_of(out, SEAL_ID_CHARS, (const unsigned char *)blob.at + 1, SEAL_ID_BYTES);
	return OK;
}
