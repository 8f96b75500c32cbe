/* Values as text for people. */
#include "bot/screens/screens_private.h"

#include <string.h>

#define NAME_POINTS_MAX 64
/* U+2068 and U+2069: what stands between them keeps its own direction and does not turn the line around it */
#define ISOLATE "\xE2\x81\xA8"
#define END_ISOLATE "\xE2\x81\xA9"

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] >= 0x80)
			return false;
	return true;
}

struct str word_user(struct act *a, const struct user *u)
{
	struct str name = str_trim(utf8_head(str_of(u->first_name), NAME_POINTS_MAX));

	if (!name.len)
		name = str_of(u->username);
	if (is_ascii(name))
		return name;
	return str_of(arena_printf(a->arena, ISOLATE "%.*s" END_ISOLATE, STR_ARG(name)));
}

struct str word_order(struct act *a, const struct order *o)
{
	return word_public_id(a, o->public_id);
}

const char *about_order(struct act *a, const struct order *o)
{
	return arena_printf(a->arena, "order:%s", o->public_id);
}
