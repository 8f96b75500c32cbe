/* scrypt of OpenSSL. */
#include "lib/crypto/password.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "lib/base/enc.h"
#include "lib/crypto/crypto.h"

#define BLOCK 8
#define HASH_BYTES 32
#define MEMORY_BYTES_MAX (64ULL * 1024 * 1024) /* 128 * N * r and a little */

static void derive(unsigned char out[HASH_BYTES], struct str password, const unsigned char *salt, size_t salt_bytes, int cost_log2)
{
	if (EVP_PBE_scrypt(password.at ? password.at : "", password.len, salt, salt_bytes, UINT64_C(1) << cost_log2, BLOCK, 1, MEMORY_BYTES_MAX, out, HASH_BYTES) != 1)
		abort(); /* no memory, or a library without scrypt */
}

void password_hash(char out[PASSWORD_HASH_CHARS_MAX + 1], struct str password, const unsigned char *salt)
{
	unsigned char hash[HASH_BYTES];
	struct buf text;

	derive(hash, password, salt, PASSWORD_SALT_BYTES, PASSWORD_COST_LOG2);
	buf_init(&text, PASSWORD_HASH_CHARS_MAX);
	buf_printf(&text, "scrypt$%d$%d$1$", PASSWORD_COST_LOG2, BLOCK);
	enc_base64url(&text, salt, PASSWORD_SALT_BYTES);
	buf_addc(&text, '$');
	enc_base64url(&text, hash, sizeof hash);
	snprintf(out, PASSWORD_HASH_CHARS_MAX + 1, "%s", buf_cstr(&text));
	buf_release(&text);
	crypto_wipe(hash, sizeof hash);
}

bool password_fits(struct str hash, struct str password)
{
	unsigned char salt[PASSWORD_SALT_BYTES], wanted[HASH_BYTES], got[HASH_BYTES];
	size_t salt_bytes, wanted_bytes;
	int64_t cost_log2;
	bool fits;

	if (!str_is(str_cut(&hash, '$'), "scrypt") || str_to_i64(&cost_log2, str_cut(&hash, '$')) || cost_log2 < 1 || cost_log2 > PASSWORD_COST_LOG2)
		return false;
	if (!str_is(str_cut(&hash, '$'), "8") || !str_is(str_cut(&hash, '$'), "1"))
		return false;
	if (dec_base64(salt, sizeof salt, &salt_bytes, str_cut(&hash, '$')) || dec_base64(wanted, sizeof wanted, &wanted_bytes, hash) || wanted_bytes != HASH_BYTES)
		return false;
	derive(got, password, salt, salt_bytes, (int)cost_log2);
	fits = crypto_equal(str_n((const char *)got, HASH_BYTES), str_n((const char *)wanted, HASH_BYTES));
	crypto_wipe(got, sizeof got);
	return fits;
}
