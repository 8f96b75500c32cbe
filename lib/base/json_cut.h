/* Cuts a long JSON document into short ones while it arrives.
 *
 * Bytes go in as the network brings them, split anywhere. For each value at the path of a rule the rule's function gets
 * the text of that value, short enough for json_parse; it is then forgotten. Memory is that of one element, not of the
 * document: a json-c tree costs about ten times the text.
 *
 * A path is made of steps:
 *   name     member of an object                 result[]        each element of the array "result"
 *   []       each element of an array            obj.clients[]   the same one object deeper
 *   $        (behind a name) this member may be a string that holds JSON text, as 3X-UI keeps "settings": it is
 *            unescaped as it flows and the path goes on inside: obj[].settings$.clients[]. An object in its place is
 *            taken too. A string that turns out to be no JSON (panels have such) is not an error:
 *            what was found in it before stays found, and the text around it keeps a broken beginning of it.
 *
 * What a rule takes is cut out of the text around it: elements of an array vanish with their commas, a member becomes
 * null. Rules may lie inside each other: with obj[] and obj[].settings$.clients[] the function of the first gets, when an
 * inbound ends, that inbound with an empty list of clients. What no rule took is the rest: the members beside a list
 * ("ok", "success", "msg"). White space between tokens is dropped everywhere.
 *
 * Errors (they stay: every later call gives the same):
 *   E_INVALID  no JSON, or deeper than JSON_DEPTH_MAX
 *   E_TOOBIG   an element, the rest or the document passed its maximum
 *   others     what a rule's function returned */
#ifndef OBOL_BASE_JSON_CUT_H
#define OBOL_BASE_JSON_CUT_H

#include "lib/base/json.h"

#define JSON_CUT_RULES_MAX 8
#define JSON_CUT_STEPS_MAX 8                     /* in one path */
#define JSON_CUT_KEY_MAX 64                      /* longer names match no step */
#define JSON_CUT_TEXTS_MAX 3                     /* the document, text in it, text in that */
#define JSON_CUT_ELEMENT_MAX ((size_t)64 << 10)  /* where a rule names no maximum */
#define JSON_CUT_REST_MAX ((size_t)256 << 10)
#define JSON_CUT_BODY_MAX ((size_t)256 << 20)

/* text is borrowed until the function returns; it must not call into the same cutter. */
typedef enum err json_cut_fn(void *ctx, struct str text);

struct json_cut_rule {
	const char *path;
	json_cut_fn *fn;   /* NULL: cut out unseen, of any length */
	size_t bytes_max;  /* 0: JSON_CUT_ELEMENT_MAX */
	bool keep;         /* a look only: the text also stays where it was */
};

/* --- inside --- */

struct json_cut_step {
	struct str name;   /* at NULL: each element of an array */
	bool is_text;      /* '$' */
};

struct json_cut_path {
	struct json_cut_step steps[JSON_CUT_STEPS_MAX];
	size_t count;
};

/* An open array or object. */
struct json_cut_frame {
	char kind;           /* '[' or '{' */
	bool drops_commas;
	uint8_t live;        /* rules whose path leads at least here */
};

/* One text under way: the document or a string of it that is JSON itself. */
struct json_cut_text {
	int state;
	int number;            /* where in the grammar of numbers */
	const char *literal;   /* what must still come of true, false, null */
	size_t base;           /* depth at which this text began */
	bool in_key, has_text, is_mute; /* of the string under way */
	int hex_left;
	uint32_t hex, high;    /* \u digits; a high surrogate that waits for its other half */
};

/* A value that a rule takes, still growing. */
struct json_cut_open {
	size_t rule, text, depth; /* which rule; where the value ends */
	struct buf kept;
	bool drop;
};

struct json_cut {
	const struct json_cut_rule *rules;
	struct json_cut_path paths[JSON_CUT_RULES_MAX];
	size_t rules_count;
	void *ctx;
	struct json_cut_frame frames[JSON_DEPTH_MAX];
	size_t depth;
	uint8_t live;             /* rules whose path leads to the next value */
	struct json_cut_text texts[JSON_CUT_TEXTS_MAX];
	struct json_cut_open open[JSON_CUT_RULES_MAX + 1]; /* [0] is the rest */
	size_t open_count;
	char key[JSON_CUT_KEY_MAX];
	size_t key_len;           /* above JSON_CUT_KEY_MAX: too long to be kept */
	size_t bytes;
	enum err stopped, failed; /* by a rule's function; by anything */
};

/* --- for callers --- */

/* rules are borrowed until the release; no two have the same path. */
void json_cut_init(struct json_cut *c, const struct json_cut_rule *rules, size_t count, void *ctx);
enum err json_cut_feed(struct json_cut *c, struct str piece);
/* E_INVALID when the document is not complete. */
enum err json_cut_end(struct json_cut *c);
/* The document without what was cut out; whole after json_cut_end. Borrowed until the release. */
struct str json_cut_rest(const struct json_cut *c);
void json_cut_release(struct json_cut *c);

#endif
