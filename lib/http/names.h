/* When a host name may be looked up. No DNS here, only the rules:
 *
 *  1. At most one look-up per name is under way; whoever else wants the name waits for it.
 *  2. A name that failed rests: it fails at once until the rest is over.
 *  3. A look-up given up is *abandoned*: its thread goes on until the resolver lets it go, which nobody can see. It
 *     counts for lookup_abandoned_ms, and a bounded number may count at a time.
 *
 * Measured without them: 30 dead look-ups a second keep 391 threads. Times are monotonic milliseconds. */
#ifndef OBOL_HTTP_NAMES_H
#define OBOL_HTTP_NAMES_H

#include "lib/base/str.h"

struct http_name {
	struct http_name *next;
	char *host;
	const void *scout;      /* whose look-up is under way or about to be; NULL: nobody's */
	bool known;             /* it answered last time: all may go, libcurl has it in its cache */
	bool ever_known;
	int64_t rests_until_ms; /* 0: does not rest */
};

struct http_names {
	struct http_name *first;
	int rest_ms, abandoned_max, abandoned_ms;
	int under_way;             /* names with a scout */
	int64_t *abandoned_at_ms;  /* ring of 2 * abandoned_max, oldest at head */
	int abandoned_head, abandoned_count;
};

enum http_name_verdict {
	HTTP_NAME_GO,
	HTTP_NAME_WAIT,   /* somebody looks it up now, or too many look-ups are under way */
	HTTP_NAME_RESTS,
	HTTP_NAME_CROWDED /* too many abandoned look-ups */
};

void http_names_init(struct http_names *n, int rest_ms, int abandoned_max, int abandoned_ms);
void http_names_release(struct http_names *n);

/* The entry of that name, made at the first call; lives as long as n. There are as many as the configuration, panels
 * included, has ever named. */
struct http_name *http_name_of(struct http_names *n, struct str host);

/* May who begin an exchange that may need this name? GO makes it the scout unless the name is known. */
enum http_name_verdict http_name_ask(struct http_names *n, struct http_name *name, const void *who, int64_t now_ms);
/* who is about to look the name up, whatever was thought before. Anything but GO: it must not. */
enum http_name_verdict http_name_begin(struct http_names *n, struct http_name *name, const void *who, int64_t now_ms);

void http_name_found(struct http_names *n, struct http_name *name, const void *who); /* who has an address, or did not need one */
void http_name_failed(struct http_names *n, struct http_name *name, const void *who, int64_t now_ms);
void http_name_abandoned(struct http_names *n, struct http_name *name, const void *who, int64_t now_ms);
void http_name_leave(struct http_names *n, struct http_name *name, const void *who); /* who went before it looked anything up */

#endif
