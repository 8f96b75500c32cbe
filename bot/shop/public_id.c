/* Ids that people see and type: user.h. */
#include "bot/shop/public_id.h"

#include <string.h>

#include "bot/shop/user.h"
#include "lib/base/enc.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static char letter_of(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	return c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
}

enum err crockford_read(char *out, size_t chars, struct str typed)
{
	size_t n = 0;

	for (size_t i = 0; i < typed.len; i++) {
		char c = letter_of(typed.at[i]);

		if (c == '-' || c == ' ')
			continue;
		if (n == chars || !c || !strchr(alphabet, c))
			return E_INVALID;
		out[n++] = c;
	}
	out[n] = '\0';
	return n == chars ? OK : E_INVALID;
}

void public_id_draw(char out[PUBLIC_ID_CHARS + 1])
{
	enc_random_base32(out, PUBLIC_ID_CHARS);
}

void public_id_show(char out[PUBLIC_ID_CHARS + 3], const char *public_id)
{
	size_t n = 0;

	for (size_t i = 0; i < PUBLIC_ID_CHARS; i++) {
		if (i == 4 || i == 8)
			out[n++] = '-';
		out[n++] = public_id[i];
	}
	out[n] = '\0';
}

enum err public_id_read(char out[PUBLIC_ID_CHARS + 1], struct str typed)
{
	return crockford_read(out, PUBLIC_ID_CHARS, typed);
}
