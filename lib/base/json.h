/* JSON at the border.
 *
 * Reading: json-c, bounded in size and depth, read into our own structs and put at once. Foreign JSON is read
 * tolerantly (R023): a number may come as text and the reverse, a missing or null member takes the default.
 * Whatever grows with the number of clients never becomes a tree: see json_cut.h.
 *
 * Writing: a small writer straight into a buf; it escapes, places commas and cannot produce broken JSON. */
#ifndef OBOL_BASE_JSON_H
#define OBOL_BASE_JSON_H

#include <json-c/json.h>

#include "lib/base/buf.h"

#define JSON_DEPTH_MAX 32

/* Parses text whole. The caller puts *out with json_object_put. A JSON null gives OK and *out == NULL.
 * E_INVALID: no JSON, deeper than JSON_DEPTH_MAX, trailing bytes, invalid UTF-8. */
enum err json_parse(struct json_object **out, struct str text);

/* Member of an object; the key may be a path "a.b.c". NULL when any step is missing, null or no object. Borrowed. */
struct json_object *json_at(struct json_object *o, const char *path);

/* The same with a type. Text is borrowed from o (and terminated there). */
struct str json_str_at(struct json_object *o, const char *path);                    /* numbers as their text; else "" */
int64_t json_i64_at(struct json_object *o, const char *path, int64_t otherwise);     /* also "5" and 5.0 */
bool json_bool_at(struct json_object *o, const char *path, bool otherwise);          /* also 0, 1, "true", "false" */
struct json_object *json_array_at(struct json_object *o, const char *path);         /* NULL unless an array */
size_t json_len(struct json_object *array);                                          /* NULL: 0 */

/* --- writer --- */

struct json_out {
	struct buf *to;
	bool comma; /* the next value or key is preceded by one */
};

void json_out_init(struct json_out *j, struct buf *to);
void json_open(struct json_out *j, char bracket);  /* '{' or '[' */
void json_close(struct json_out *j, char bracket); /* '}' or ']' */
void json_key(struct json_out *j, const char *key);
void json_add_str(struct json_out *j, struct str s);   /* invalid UTF-8 is the caller's fault: clean it before */
void json_add_i64(struct json_out *j, int64_t i);
void json_add_bool(struct json_out *j, bool b);
void json_add_null(struct json_out *j);
void json_add_raw(struct json_out *j, struct str text); /* text is JSON already */

/* key and value in one */
void json_put_str(struct json_out *j, const char *key, struct str s);
void json_put_cstr(struct json_out *j, const char *key, const char *s); /* NULL writes null */
void json_put_i64(struct json_out *j, const char *key, int64_t i);
void json_put_bool(struct json_out *j, const char *key, bool b);

#endif
