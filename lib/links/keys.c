/* Derivations for links; OpenSSL does the arithmetic. */
#include "lib/links/keys.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "lib/base/enc.h"

enum { KEY_BYTES = 32, PIN_BYTES = 32, SPIDER_DIGITS = 15 };

/* false only when OpenSSL itself cannot: any 32 bytes are a private key */
static bool x25519_base(unsigned char out[KEY_BYTES], const unsigned char private_key[KEY_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, KEY_BYTES);
	size_t n = KEY_BYTES;
	bool done = key && EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == KEY_BYTES;

	EVP_PKEY_free(key);
	return done;
}

enum err link_public_key(struct buf *to, struct str private_key, bool url_alphabet)
{
	unsigned char secret[KEY_BYTES], public_key[KEY_BYTES];
	size_t n;

	if (dec_base64(secret, sizeof secret, &n, str_trim(private_key)) || n != KEY_BYTES)
		return E_INVALID;
	if (!x25519_base(public_key, secret))
		return E_INVALID;
	if (url_alphabet)
		enc_base64url(to, public_key, KEY_BYTES);
	else
		enc_base64(to, public_key, KEY_BYTES);
	return OK;
}

struct str link_spider_x(struct arena *a, struct str seed, struct str key)
{
	char *text = arena_printf(a, "%.*s|%.*s", STR_ARG(seed), STR_ARG(key));
	unsigned char hash[SHA256_DIGEST_LENGTH];
	struct buf hex;
	char *out;

	SHA256((const unsigned char *)text, seed.len + 1 + key.len, hash);
	buf_init(&hex, 2 * sizeof hash);
	enc_hex(&hex, hash, sizeof hash);
	out = arena_printf(a, "/%.*s", SPIDER_DIGITS, buf_cstr(&hex));
	buf_release(&hex);
	return str_of(out);
}

static struct str without_colons(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] != ':')
			out[n++] = s.at[i];
	return str_n(out, n);
}

struct str link_pin_hex(struct arena *a, struct str pin)
{
	unsigned char bytes[PIN_BYTES];
	struct buf hex;
	struct str out;
	size_t n;

	/* hex first: 64 hex digits would be valid base64 too, of 48 bytes */
	if ((dec_hex(bytes, sizeof bytes, &n, without_colons(a, pin)) || n != PIN_BYTES) &&
	    (dec_base64(bytes, sizeof bytes, &n, pin) || n != PIN_BYTES))
		return pin;
	buf_init(&hex, 2 * PIN_BYTES);
	enc_hex(&hex, bytes, PIN_BYTES);
	out = str_of(str_dup(a, buf_str(&hex)));
	buf_release(&hex);
	return out;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool link_is_uuid(struct str s)
{
	if (s.len != 36)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.at[i] != '-' : !is_hex(s.at[i]))
			return false;
	}
	return true;
}

struct str link_uuid_route(struct arena *a, struct str id, struct str route)
{
	int64_t number;

	if (!link_is_uuid(id) || str_to_i64(&number, route) || number < 0 || number > 65535)
		return id;
	return str_of(arena_printf(a, "%.14s%04x%s", str_dup(a, id), (unsigned)number, str_dup(a, id) + 18));
}
