/* The name a link carries, made as the panel makes it: 2.8.5's remark model and v3's remark template.
 * Facts: 3X-UI 2.8.5 and 3.6.0. */
#ifndef OBOL_LINKS_REMARK_H
#define OBOL_LINKS_REMARK_H

#include "lib/base/buf.h"

#define LINK_REMARK_BYTES_MAX 1024

#define LINK_REMARK_V2_MODEL "-ieo" /* the panel's default */

struct link_remark {
	struct str inbound, email, extra; /* extra: remark of the external proxy or host */
	struct str id, sub_id, telegram_id, comment;
	struct str protocol, transport, security;
	bool has_stats;                   /* the rest is known */
	bool disabled;
	int64_t up_bytes, down_bytes, total_bytes; /* total 0: unlimited */
	int64_t expires_ms;               /* 0: never; negative: a duration that starts at the first use */
	int64_t created_ms, reset_days;
	int64_t now_ms;
};

/* 2.8.5: model is a separator and the order of i(nbound), e(mail), o(ther). show_info adds what is left. */
struct str link_remark_v2(struct arena *a, struct str model, const struct link_remark *r, bool show_info);

/* v3: template with {{TOKENS}}; the empty template joins inbound, extra and e-mail with '-'. */
struct str link_remark_v3(struct arena *a, struct str template, const struct link_remark *r);

/* The template without what changes with use, as the panel takes it for all links but a client's first. */
struct str link_remark_without_usage(struct arena *a, struct str template);

/* A copy that is valid UTF-8 on one line: control characters are spaces. */
struct str link_name_clean(struct arena *a, struct str name);

void link_add_size(struct buf *to, int64_t bytes); /* "1.50KB": 1024 a step, two decimals, no space */

#endif
