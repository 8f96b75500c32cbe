/* The key/value pairs of one link while it is being made; shared by the files of this folder only. */
#ifndef OBOL_LINKS_PARAMS_PRIVATE_H
#define OBOL_LINKS_PARAMS_PRIVATE_H

#include "lib/base/buf.h"

#define PARAMS_MAX 96 /* a VMess object with a full XHTTP extra has about 50 */

enum param_kind { PARAM_TEXT, PARAM_NUMBER, PARAM_BOOL, PARAM_JSON }; /* how the value stands in JSON */

struct param {
	const char *key;
	enum param_kind kind;
	struct str value;
};

struct params {
	struct param at[PARAMS_MAX];
	size_t count;
};

/* key and value are borrowed. An empty value is left out: every reader takes "key=" for no key at all. A key that is
 * there already gets the new value. More than PARAMS_MAX are dropped. */
void params_set(struct params *p, const char *key, struct str value);
void params_set_kind(struct params *p, const char *key, struct str value, enum param_kind kind);

void params_sort(struct params *p); /* by key, bytewise */
void params_add_query(struct buf *to, const struct params *p); /* "?a=b&c=d", nothing when empty */
void params_add_json(struct buf *to, const struct params *p);  /* an object, two spaces of indentation */

#endif
