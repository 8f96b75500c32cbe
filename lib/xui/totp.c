/* One-time codes for panels with a second factor. */
#include "lib/xui/xui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define TOTP_KEY_MAX 64

/* RFC 4648 base32: another alphabet than that of our own ids. */
static enum err base32(unsigned char *out, size_t out_max, size_t *n, struct str s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t held = 0;
	int bits = 0;

	*n = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i] >= 'a' && s.at[i] <= 'z' ? (char)(s.at[i] - 32) : s.at[i];
		const char *found = c ? strchr(alphabet, c) : NULL;

		if (c == ' ' || c == '-' || c == '=')
			continue;
		if (!found || *n == out_max)
			return E_INVALID;
		held = held << 5 | (uint32_t)(found - alphabet);
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			out[(*n)++] = (unsigned char)(held >> bits);
		}
	}
	return *n ? OK : E_INVALID;
}

enum err xui_totp(char out[7], struct str secret, int64_t now_ms)
{
	unsigned char key[TOTP_KEY_MAX], mac[EVP_MAX_MD_SIZE], counter[8];
	uint64_t step = (uint64_t)(now_ms / XUI_TOTP_STEP_MS);
	unsigned mac_len = 0, at;
	uint32_t code;
	size_t n;

	if (base32(key, sizeof key, &n, secret))
		return E_INVALID;
	for (int i = 7; i >= 0; i--, step >>= 8)
		counter[i] = (unsigned char)step;
	if (!HMAC(EVP_sha1(), key, (int)n, counter, sizeof counter, mac, &mac_len))
		abort();
	at = mac[mac_len - 1] & 15;
	code = ((uint32_t)(mac[at] & 127) << 24 | (uint32_t)mac[at + 1] << 16 | (uint32_t)mac[at + 2] << 8 | mac[at + 3]) % 1000000;
	snprintf(out, 7, "%06u", code);
	return OK;
}
