/* JSON read where it lies, for what comes often and is small: Telegram's updates and answers.
 *
 * One pass checks the text and lists its values, parents before their children, in an arena. Nothing is copied but text
 * that holds escapes; so a value and its strings live as long as both the text and the arena. Reading is as tolerant as
 * json.h (R023): a number may come as text and the reverse, a missing or null member takes the default.
 *
 *	const struct json_value *update;
 *
 *	if (json_read(&update, arena, body) == OK)
 *		id = json_int_in(update, "message.from.id", 0);
 *
 * json-c (json.h) costs five times as much, most of it in malloc; it remains the tool for what is built or changed. */
#ifndef OBOL_BASE_JSON_READ_H
#define OBOL_BASE_JSON_READ_H

#include "lib/base/str.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
	enum json_kind kind;
	uint32_t count;  /* elements or members */
	uint32_t span;   /* values it takes in the list: itself and all inside */
	struct str key;  /* of a member; an escape in it is left as it stands */
	struct str text; /* JSON_STRING: what it says, valid UTF-8, perhaps with control characters; else as it stands */
};

/* E_INVALID: no JSON, deeper than JSON_DEPTH_MAX, trailing bytes, invalid UTF-8. */
enum err json_read(const struct json_value **out, struct arena *arena, struct str text);

/* Member of an object by a path "a.b.c"; NULL when any step is missing, null or no object. Of twins the last counts. */
const struct json_value *json_in(const struct json_value *v, const char *path);

struct str json_text_in(const struct json_value *v, const char *path);                       /* numbers as they stand; else "" */
int64_t json_int_in(const struct json_value *v, const char *path, int64_t otherwise);        /* also "5" and 5.0 */
bool json_bool_in(const struct json_value *v, const char *path, bool otherwise);             /* also 0, 1, "true", "false" */
const struct json_value *json_list_in(const struct json_value *v, const char *path);         /* NULL unless an array */

/* The n elements or members of v in their order: json_first, then n-1 times json_next. */
const struct json_value *json_first(const struct json_value *v);
const struct json_value *json_next(const struct json_value *v);
const struct json_value *json_last(const struct json_value *v); /* NULL: there is none, or v is NULL */

/* A long list of elements that are read one by one: a text that breaks off keeps what came before the break.
 * *rest is what follows the opening of the array that is this member of the object in text. E_NOTFOUND: no such array
 * before the text ends or breaks. */
enum err json_list_open(struct str *rest, struct str text, const char *member);
struct json_element {
	struct str text;
	const struct json_value *value; /* NULL: no JSON, or of more than bytes_max; the list goes on behind it all the same */
};
/* The next element. E_NOTFOUND: the list has ended. E_INVALID: it breaks off here. */
enum err json_list_next(struct json_element *element, struct arena *arena, struct str *rest, size_t bytes_max);

#endif
