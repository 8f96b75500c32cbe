/* callback_data: see callback.h. */
#include "bot/chat/callback.h"

#include <assert.h>
#include <string.h>

static size_t put(char *out, size_t at, const char *text)
{
	size_t n = strlen(text);

	assert(at + n <= TG_BUTTON_DATA_BYTES_MAX);
	memcpy(out + at, text, n + 1);
	return at + n;
}

struct str callback_build(char out[TG_BUTTON_DATA_BYTES_MAX + 1], const char *verb, const char *id, const char *arg)
{
	size_t n = put(out, 0, verb);

	if (id || arg) {
		n = put(out, n, ":");
		n = put(out, n, id ? id : "");
	}
	if (arg) {
		n = put(out, n, ":");
		n = put(out, n, arg);
	}
	return str_n(out, n);
}

struct callback callback_read(struct str data)
{
	struct callback c = { 0 };

	c.verb = str_cut(&data, ':');
	c.id = str_cut(&data, ':');
	c.arg = data;
	return c;
}
