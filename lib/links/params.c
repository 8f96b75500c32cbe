/* Key/value pairs on their way into a query or a JSON object. */
#include "lib/links/params_private.h"

#include "lib/base/enc.h"
#include "lib/base/json.h"

void params_set_kind(struct params *p, const char *key, struct str value, enum param_kind kind)
{
	struct param *at = p->at, *end = p->at + p->count;

	if (!value.len)
		return;
	while (at < end && strcmp(at->key, key) != 0)
		at++;
	if (at == end) {
		if (p->count == PARAMS_MAX)
			return;
		p->count++;
	}
	*at = (struct param){ key, kind, value };
}

void params_set(struct params *p, const char *key, struct str value)
{
	params_set_kind(p, key, value, PARAM_TEXT);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct param *)a)->key, ((const struct param *)b)->key);
}

void params_sort(struct params *p)
{
	qsort(p->at, p->count, sizeof p->at[0], by_key);
}

void params_add_query(struct buf *to, const struct params *p)
{
	for (size_t i = 0; i < p->count; i++) {
		buf_addc(to, i ? '&' : '?');
		enc_percent(to, str_of(p->at[i].key), "");
		buf_addc(to, '=');
		enc_percent(to, p->at[i].value, ""); /* a space as %20: some apps do not read '+' as one */
	}
}

void params_add_json(struct buf *to, const struct params *p)
{
	buf_addc(to, '{');
	for (size_t i = 0; i < p->count; i++) {
		struct json_out j;

		buf_adds(to, i ? ",\n  " : "\n  ");
		json_out_init(&j, to);
		json_add_str(&j, str_of(p->at[i].key));
		buf_adds(to, ": ");
		if (p->at[i].kind != PARAM_TEXT) {
			buf_add(to, p->at[i].value);
			continue;
		}
		json_out_init(&j, to);
		json_add_str(&j, p->at[i].value);
	}
	buf_adds(to, p->count ? "\n}" : "}");
}
