/* The HTTP client: many exchanges at once on the thread of the loop, none of which can hold it up.
 *
 * http_client_start takes a request, http_client_poll waits for the world (the caller's own descriptors too) and moves
 * all exchanges on, http_client_next gives the finished ones away. An exchange always ends: with a status, or with a
 * failure at its time limit at the latest (R285); waiting for a free slot counts.
 *
 * What this module takes care of, so that nobody above has to:
 *  - Redirects are never followed, the environment's proxies are ignored, only http and https are spoken (HTTP/1.1).
 *  - A request that may have reached the peer is never sent twice. libcurl repeats a POST by itself when a kept
 *    connection dies before the answer; here that is HTTP_FAIL_BROKEN, and a GET or HEAD alone is repeated.
 *  - Names: one look-up under way per host name, a failed name rests, look-ups we had to give up are counted and bounded.
 *    libcurl's resolver is a thread per look-up; the loop never joins it.
 *  - TLS: few new connections per turn, one shared trust store for all public peers.
 *  - A turn of http_client_poll stops early when it has used turn_cpu_ms_max; the rest is done in the next. Long bodies
 *    get far less of it, however many there are and however fast they come.
 *  - Nothing that comes back as detail contains the URL: it may hold a token. */
#ifndef OBOL_HTTP_CLIENT_H
#define OBOL_HTTP_CLIENT_H

#include "lib/http/http.h"

/* Who gets a slot first. A lane may use only a part of connections_max, so that a lower one never starves a higher. */
enum http_lane {
	HTTP_LANE_ANSWER, /* must be quick: pre-checkout, callback answers. All slots */
	HTTP_LANE_NORMAL, /* replies to people. Three quarters */
	HTTP_LANE_REST,   /* notices, broadcast, and every peer that may be dead: panels, providers. Half */
	HTTP_LANE_POLL    /* the long poll: takes no slot and never waits for one */
};
#define HTTP_LANES 4

/* Zero means the default in brackets. */
struct http_client_limits {
	int connections_max;          /* exchanges under way, long polls not counted [256] */
	int connections_per_host_max; /* of them to one scheme, host, port, proxy and trust [64] */
	int idle_s_max;               /* a kept connection idle for longer is not used again [20] */
	int tls_begun_per_turn_max;   /* new TLS connections begun in one turn [4] */
	int turn_cpu_ms_max;          /* CPU after which a turn leaves the rest to the next [20] */
	int name_rest_ms;             /* a name that failed is not asked for again so long [30,000] */
	int lookups_abandoned_max;    /* look-ups given up whose threads may still run; names that once worked get twice that [32] */
	int lookup_abandoned_ms;      /* after this an abandoned look-up is taken to be over [60,000] */
	size_t queue_max;             /* exchanges waiting for a slot; one more fails at once as HTTP_FAIL_ABORTED [20,000] */
	size_t header_bytes_max;      /* of an answer, all headers; more is HTTP_FAIL_TOOBIG [65,536] */
	const char *ca_file;          /* the one trust store of all public peers; copied [SSL_CERT_FILE, else the system's] */
};

/* Since the start; for metrics. */
struct http_client_counts {
	uint64_t started, done;                 /* done includes failed, canceled ones are in neither failed nor done */
	uint64_t canceled;
	uint64_t failed[HTTP_FAIL_ABORTED + 1]; /* by enum http_failure; [HTTP_FAIL_NONE] counts the answered */
	uint64_t connections_opened;
	uint64_t lookups, lookups_abandoned;    /* begun; given up while under way */
	uint64_t turns_cut;                     /* turns that left work for the next because of turn_cpu_ms_max */
	uint64_t bodies_paused;                 /* times a long body had to wait for the next turn */
	int64_t slept_us;                       /* spent waiting for the world in http_client_poll; the rest of it is work */
	int under_way, waiting;                 /* now */
};

#define HTTP_WAITS_MAX 16 /* of the caller's in one poll */

/* A descriptor of the caller's to wait for; events and revents as in poll(2). */
struct http_wait {
	int fd;
	short events, revents;
};

/* A finished exchange. It is the caller's until http_done_release: a turn whose COMMIT fails decides it again. */
struct http_done {
	uint64_t id;
	void *tag;
	const struct http_response *response;
	struct http_exchange *exchange; /* the owner of response */
};

struct http_client;

/* NULL limits: all defaults. Asserts that libcurl can start. SIGPIPE is ignored from now on, in the whole process. */
struct http_client *http_client_new(const struct http_client_limits *limits);
/* Ends everything at once; nothing is reported any more. Every http_done must have been released. NULL is fine. */
void http_client_free(struct http_client *c);

/* Copies what it needs of the request; trust is borrowed until the exchange has ended. A sink may start exchanges, but not cancel or poll. Never fails: what is wrong with
 * the request itself (URL, header with a line break, unknown proxy scheme) comes back as HTTP_FAIL_ABORTED.
 * Returns its id, never 0. */
uint64_t http_client_start(struct http_client *c, const struct http_request *request, enum http_lane lane, void *tag);

/* Forgets an exchange that has not been handed out by http_client_next; otherwise, and for unknown ids, nothing.
 * Its outcome is unknown. */
void http_client_cancel(struct http_client *c, uint64_t id);

/* One turn: waits at most timeout_ms (-1: as long as it takes, 0: not at all) until an exchange can move or one of extra
 * is ready, then moves exchanges on. Does not wait while finished exchanges have not been taken. Returns how many of
 * extra have revents. Interrupted by a signal it returns 0. */
int http_client_poll(struct http_client *c, struct http_wait *extra, size_t extra_count, int timeout_ms);

/* The next finished exchange, in the order they finished. False: none. */
bool http_client_next(struct http_client *c, struct http_done *done);
/* Gives it back. Harmless on a zeroed one. */
void http_done_release(struct http_client *c, struct http_done *done);

const struct http_client_counts *http_client_counts(const struct http_client *c);

#endif
