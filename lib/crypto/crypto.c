/* Digests, comparison, AES-GCM. */
#include "lib/crypto/crypto.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "lib/base/enc.h"

static void hex_of(char out[SHA256_HEX_CHARS + 1], const unsigned char digest[SHA256_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[SHA256_HEX_CHARS] = '\0';
}

void crypto_sha256(unsigned char out[SHA256_BYTES], struct str bytes)
{
	if (EVP_Digest(bytes.len ? bytes.at : "", bytes.len, out, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

void crypto_sha256_hex(char out[SHA256_HEX_CHARS + 1], struct str bytes)
{
	unsigned char digest[SHA256_BYTES];

	crypto_sha256(digest, bytes);
	hex_of(out, digest);
}

void crypto_hmac_sha256(unsigned char out[SHA256_BYTES], struct str key, struct str bytes)
{
	assert(key.len <= INT32_MAX);
	/* a NULL key would mean "the key of the last call" */
	if (!HMAC(EVP_sha256(), key.len ? key.at : "", (int)key.len,
		  (const unsigned char *)(bytes.len ? bytes.at : ""), bytes.len, out, NULL))
		abort();
}

void crypto_hmac_sha256_hex(char out[SHA256_HEX_CHARS + 1], struct str key, struct str bytes)
{
	unsigned char digest[SHA256_BYTES];

	crypto_hmac_sha256(digest, key, bytes);
	hex_of(out, digest);
}

bool crypto_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}

bool crypto_equal_hex(const unsigned char *bytes, size_t n, struct str hex)
{
	unsigned char claimed[64];
	size_t len;

	assert(n <= sizeof claimed);
	if (hex.len != 2 * n || dec_hex(claimed, sizeof claimed, &len, hex) != OK)
		return false;
	return CRYPTO_memcmp(bytes, claimed, n) == 0;
}

static void must(int openssl_result)
{
	if (openssl_result != 1)
		abort();
}

/* A context for either direction that has taken key, nonce and what is authenticated beside the text. */
static EVP_CIPHER_CTX *gcm_begin(bool seal, const unsigned char *key, const unsigned char *nonce, struct str also)
{
	EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
	int n;

	if (!gcm)
		abort();
	assert(also.len <= GCM_TEXT_BYTES_MAX);
	must(EVP_CipherInit_ex(gcm, EVP_aes_256_gcm(), NULL, key, nonce, seal));
	if (also.len)
		must(EVP_CipherUpdate(gcm, NULL, &n, (const unsigned char *)also.at, (int)also.len));
	return gcm;
}

/* GCM is a stream: as many bytes come out as went in. */
static void gcm_text(EVP_CIPHER_CTX *gcm, unsigned char *out, const void *in, size_t len)
{
	int n = 0;

	assert(len <= GCM_TEXT_BYTES_MAX);
	if (len)
		must(EVP_CipherUpdate(gcm, out, &n, in, (int)len));
	assert((size_t)n == len);
}

void crypto_gcm_seal(unsigned char *out, const unsigned char key[GCM_KEY_BYTES],
		     const unsigned char nonce[GCM_NONCE_BYTES], struct str also, struct str plain)
{
	EVP_CIPHER_CTX *gcm = gcm_begin(true, key, nonce, also);
	unsigned char *tag = out + plain.len;
	int n;

	gcm_text(gcm, out, plain.at, plain.len);
	must(EVP_CipherFinal_ex(gcm, tag, &n));
	must(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_BYTES, tag));
	EVP_CIPHER_CTX_free(gcm);
}

enum err crypto_gcm_open(unsigned char *out, size_t *n, const unsigned char key[GCM_KEY_BYTES],
			 const unsigned char nonce[GCM_NONCE_BYTES], struct str also, struct str sealed)
{
	unsigned char tag[GCM_TAG_BYTES], rest[GCM_TAG_BYTES];
	EVP_CIPHER_CTX *gcm;
	int rest_len;
	bool authentic;

	if (sealed.len < GCM_TAG_BYTES)
		return E_AUTH;
	*n = sealed.len - GCM_TAG_BYTES;
	memcpy(tag, sealed.at + *n, GCM_TAG_BYTES);
	gcm = gcm_begin(false, key, nonce, also);
	gcm_text(gcm, out, sealed.at, *n);
	must(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, tag));
	authentic = EVP_CipherFinal_ex(gcm, rest, &rest_len) == 1;
	EVP_CIPHER_CTX_free(gcm);
	if (authentic)
		return OK;
	crypto_wipe(out, *n);
	return E_AUTH;
}

void crypto_wipe(void *at, size_t n)
{
	OPENSSL_cleanse(at, n);
}

void crypto_wipe_buf(struct buf *b)
{
	if (b->at)
		OPENSSL_cleanse(b->at, b->cap);
	buf_clear(b);
}
