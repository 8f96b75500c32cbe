/* What every simulator speaks: a request in, an answer out, both plain data.
 *
 * A model (Bot API, 3X-UI panel, payment provider) is a struct of its own state and one function of this shape. It
 * never asks a clock or draws randomness by itself: now_ms comes with the request, randomness from lib/base/rand.
 * serve.h puts models behind real sockets; the seeded world calls them in memory. */
#ifndef OBOL_SIM_SIM_H
#define OBOL_SIM_SIM_H

#include "lib/http/http.h"

#define SIM_HEADERS_MAX 32

struct sim_request {
	enum http_method method;
	struct str path;    /* with its query, as it stood in the request line */
	struct http_header headers[SIM_HEADERS_MAX]; /* names in lower case */
	size_t headers_count;
	struct str body;
	int64_t now_ms;
	uint64_t connection; /* the adapter's number of it, never used twice; 0: it does not say */
	struct str remote;  /* numeric address it came from; empty: the adapter does not say */
	int listener;       /* which of the model's sockets: 0 the first, a panel's subscription server is 1 */
	struct arena *arena; /* for whatever the answer points to */
};

/* What the network does to an answer. All zero: it arrives whole and at once. */
struct sim_trouble {
	bool hang;            /* accepted, never answered */
	bool drop;            /* the connection is closed instead of an answer (the effect has happened) */
	int64_t delay_ms;     /* before the first byte */
	int64_t cut_at;       /* closes after so many bytes of the body; 0: not */
	int bytes_per_second; /* trickles; 0: at once */
	bool endless;         /* the body never ends */
};

struct sim_response {
	int status;
	struct http_header headers[SIM_HEADERS_MAX]; /* Content-Length, Date and Connection are the adapter's */
	size_t headers_count;
	struct str body;      /* in the request's arena */
	bool later;           /* long poll: nothing yet; ask the same request again in retry_ms or after model->changed */
	int64_t retry_ms;
	struct sim_trouble trouble;
};

typedef void sim_handler(void *model, const struct sim_request *request, struct sim_response *response);

#endif
