/* HTTP as data: what protocol libraries build and read. No socket here.
 *
 * A request and all it points to belong to the arena it was built in; the client copies what it needs when the
 * request is handed over. A response is borrowed for the length of the event that brings it. */
#ifndef OBOL_HTTP_HTTP_H
#define OBOL_HTTP_HTTP_H

#include "lib/base/str.h"

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_HEAD, HTTP_OPTIONS, HTTP_OTHER };

#define HTTP_HEADERS_MAX 16 /* of ours on one request */

struct http_header {
	const char *name, *value;
};

/* How much of the peer we believe; borrowed, lives as long as the program's configuration of that peer. */
struct http_trust {
	const char *ca_pem;   /* own CA instead of the system's, as PEM text; NULL: the system's */
	const char *pin;      /* "sha256//base64" of the public key: it alone decides; NULL: none */
};

/* A file to upload: the request becomes multipart/form-data and fields are its text parts. */
struct http_file {
	const char *field, *name, *type;
	struct str bytes;
};

struct http_field {
	const char *name;
	struct str value;
};

struct http_request {
	enum http_method method;
	const char *url;
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t headers_count;
	struct str body;                    /* used when there is no file */
	const struct http_file *file;       /* NULL: none */
	const struct http_field *fields;    /* text parts beside the file */
	size_t fields_count;
	int connect_timeout_ms;             /* 0: 10,000 */
	int timeout_ms;                     /* whole exchange; 0: 30,000 */
	size_t body_bytes_max;              /* of the answer; more is a failure. 0: 4 MiB */
	const struct http_trust *trust;     /* NULL: the system's CAs */
	const char *proxy;                  /* NULL: none, whatever the environment says */
	const char *source_address;         /* outgoing address or interface; NULL: any */
	bool connect_only;                  /* plain http: does somebody listen there? Nothing is sent; fine is no failure and status 0 */
	/* Where the body of a 2xx answer goes instead of response.body, piece by piece, on the loop's thread. Anything
	 * but OK ends the exchange as HTTP_FAIL_ABORTED. The error text of other statuses still goes to response.body. */
	enum err (*sink)(void *ctx, struct str piece);
	void *sink_ctx;
};

enum http_failure {
	HTTP_FAIL_NONE,     /* there is a status */
	HTTP_FAIL_RESOLVE,  /* nothing was sent … */
	HTTP_FAIL_CONNECT,  /* … refused or unreachable, nothing was sent … */
	HTTP_FAIL_TLS,      /* … certificate or hand-shake, nothing was sent */
	HTTP_FAIL_TIMEOUT,  /* outcome unknown */
	HTTP_FAIL_BROKEN,   /* connection cut or no HTTP; outcome unknown */
	HTTP_FAIL_TOOBIG,   /* the answer passed body_bytes_max; outcome unknown */
	HTTP_FAIL_ABORTED   /* our sink said stop, or we are stopping */
};

struct http_response {
	enum http_failure failure;
	int status;                         /* 0 when there is a failure before one came */
	struct http_header headers[64];     /* names in lower case; more are dropped */
	size_t headers_count;
	struct str body;
	const char *detail;                 /* for the log, without secrets: the library's words about a failure */
	/* HTTP_FAIL_TLS: the certificate that was not believed, for people who must decide: its key as a pin (http_trust), its
	 * SHA-256 in hex with colons. NULL: none was seen. Whoever stands between us and the peer chose it. */
	const char *peer_pin, *peer_fingerprint;
	int64_t duration_ms;
	int64_t date_ms;                    /* peer's Date header, 0 without */
	bool certain_unsent;                /* the request cannot have reached the peer: trying again is safe */
};

const char *http_method_name(enum http_method m);
enum http_method http_method_of(struct str name);
const char *http_failure_name(enum http_failure f);

void http_add_header(struct http_request *r, const char *name, const char *value); /* asserts HTTP_HEADERS_MAX */
/* May it stand in one: visible ASCII and spaces. A line break from a peer would be another header of ours. */
bool http_is_header_value(struct str value);
/* First header of that name (lower case) or the empty str. */
struct str http_header_get(const struct http_response *r, const char *name);

#endif
