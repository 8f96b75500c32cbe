/* The HTTP server: requests become values the loop decides upon, answers follow when the transaction is safe.
 *
 * libmicrohttpd speaks HTTP; it has no thread here. Its descriptors go into the loop's poll, http_server_run moves it
 * on. A complete request waits (connection suspended) until http_server_answer; after answer_ms_max it gets 503 from us
 * and a later answer is dropped. A client that left meanwhile is nobody's problem: the answer goes nowhere.
 *
 * Routes, methods and content types are checked above; this module bounds: connections, header and body size, time. */
#ifndef OBOL_HTTP_SERVER_H
#define OBOL_HTTP_SERVER_H

#include "lib/http/client.h"

#define HTTP_SERVER_LISTENERS_MAX 2
#define HTTP_INBOUND_HEADERS_MAX 48 /* more get 431: what a proxy adds stands last, and must not be what is missing */
#define HTTP_INBOUND_PATH_MAX 2048  /* of path and query together; longer gets 414 */
#define HTTP_DRAIN_BYTES_MAX (16 * 1024 * 1024) /* of a body too big that we read away so that the 413 arrives */

/* Zero means the default in brackets. */
struct http_server_limits {
	int connections_max;      /* per listener [4,096] */
	int connection_idle_s;    /* without a byte from the client [30] */
	int answer_ms_max;        /* from the complete request to our own 503 [5,000] */
	size_t body_bytes_max;    /* of a request; more gets 413 [1 MiB] */
	size_t header_bytes_max;  /* memory per connection for the request's head [32,768] */
	/* A smaller or larger bound for one route; 0: body_bytes_max. NULL: always body_bytes_max. */
	size_t (*route_body_bytes_max)(void *ctx, int listener, enum http_method method, struct str path);
	void *ctx;
};

struct http_server_counts {
	uint64_t requests, answered;  /* complete requests handed up; answers that were taken */
	uint64_t overdue, too_big;    /* our 503, our 413 */
	uint64_t late;                /* answers for which nobody waited any more */
	int waiting;                  /* now: requests without an answer */
};

/* One complete request. The caller's from http_server_next to http_inbound_release. All text but path is terminated. */
struct http_inbound {
	uint64_t id;              /* for http_server_answer */
	int listener;             /* as given to http_server_listen */
	enum http_method method;  /* HTTP_OTHER: method_name says which */
	struct str method_name;
	struct str path;          /* as sent, without the query: not decoded */
	struct str query;         /* after the '?', not decoded; empty without */
	struct http_header headers[HTTP_INBOUND_HEADERS_MAX]; /* names in lower case */
	size_t headers_count;
	struct str body;
	char remote[64];          /* numeric address of the peer, without port */
};

struct http_answer {
	int status;
	const struct http_header *headers;
	size_t headers_count;
	struct str body;
};

struct http_server;

struct http_server *http_server_new(const struct http_server_limits *limits); /* NULL: all defaults */
/* Stops. Whoever still waits is disconnected. Values handed out may be released afterwards. */
void http_server_free(struct http_server *s); /* NULL is fine */

/* Opens "host:port", "[v6]:port" or ":port" (all addresses); port 0 takes a free one; host is a number, not a name.
 * listener is 0 … HTTP_SERVER_LISTENERS_MAX - 1 and comes back with each request. Any number of listeners may be open.
 * E_INVALID: no such address; E_BUSY: the port is taken; E_IO: anything else. */
enum err http_server_listen(struct http_server *s, int listener, const char *address);
int http_server_port(const struct http_server *s, int listener); /* 0: not open */

/* What the loop waits for: fills at most HTTP_SERVER_LISTENERS_MAX entries, returns how many. */
size_t http_server_waits(const struct http_server *s, struct http_wait *out);
/* How long the loop may sleep because of us; -1: as long as it likes. */
int http_server_timeout_ms(struct http_server *s);
/* After each poll: accepts, reads, writes, answers the overdue. Cheap when there is nothing to do. */
void http_server_run(struct http_server *s);

/* The next complete request: the listeners take turns, each in order of arrival. NULL: none. What is not taken waits, one
 * request a connection, until its time is over. */
struct http_inbound *http_server_next(struct http_server *s);
void http_inbound_release(struct http_inbound *in); /* NULL is fine */

/* Answers once; copies what it needs. An unknown, answered or overdue id is counted as late and nothing happens.
 * The bytes leave with the next http_server_run. */
void http_server_answer(struct http_server *s, uint64_t id, const struct http_answer *answer);

const struct http_server_counts *http_server_counts(const struct http_server *s);

/* First header of that name (lower case) or the empty str. */
struct str http_inbound_header(const struct http_inbound *in, const char *name);

#endif
