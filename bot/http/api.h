/* What all calls of the customers' API share: JSON in, JSON out, who asks, how often.
 *
 * The contract is the OpenAPI file of the product; its error texts are exact and never translated. Every error is
 * {"message": "…"}. A function that says "answered" has queued the answer: its caller returns what it got. */
#ifndef OBOL_HTTP_API_H
#define OBOL_HTTP_API_H

#include "bot/core/core.h"
#include "bot/shop/user.h"
#include "lib/base/json.h"
#include "lib/base/limit.h"

#define API_BODY_BYTES_MAX ((size_t)16 * 1024)

/* 200, 201 … with what was written. */
enum err api_answer(struct act *a, const struct http_inbound *in, int status, struct buf *body); /* releases body */
enum err api_error(struct act *a, const struct http_inbound *in, int status, const char *message);
enum err api_invalid(struct act *a, const struct http_inbound *in, const char *field);
enum err api_unavailable(struct act *a, const struct http_inbound *in); /* 503: come again in a second */

/* Is the API switched on? Else answered 404, as a path that is not there. */
bool api_is_on(struct act *a, const struct http_inbound *in, enum err *e);
/* The body's object; put it. NULL: answered (415, 413, 400). */
struct json_object *api_body(struct act *a, const struct http_inbound *in, enum err *e);
/* A text member of min … max characters, in the arena. false: answered 400. A missing one is empty where min is 0. */
bool api_text(struct str *out, struct act *a, const struct http_inbound *in, struct json_object *o, const char *name, size_t min, size_t max, enum err *e);

/* Counts one for this key. false: answered 429. */
bool api_may(struct act *a, const struct http_inbound *in, struct limit *limit, struct str key, enum err *e);
/* Whom an attempt is counted for: who is at the other end or, behind a reverse proxy on this machine, the address that it
 * names last; of IPv6 the network of one line. */
struct str api_address(struct act *a, const struct http_inbound *in);

/* Who asks, by their access token. false: answered 401, 403. */
bool api_user(struct user *out, int64_t *session_id, struct act *a, const struct http_inbound *in, enum err *e);

#endif
