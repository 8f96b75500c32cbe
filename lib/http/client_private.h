/* Shared by the client's sources: client.c (loop), queue.c (who waits, who may begin), exchange.c (request in, answer
 * out), line.c (libcurl's handles and callbacks). */
#ifndef OBOL_HTTP_CLIENT_PRIVATE_H
#define OBOL_HTTP_CLIENT_PRIVATE_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "lib/base/buf.h"
#include "lib/http/client.h"
#include "lib/http/ids.h"
#include "lib/http/names.h"
#include "lib/http/trust_private.h"

#define CONNECT_TIMEOUT_MS 10000
#define TIMEOUT_MS 30000
#define BODY_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define RESPONSE_HEADERS_MAX countof(((struct http_response *)0)->headers)
#define KEPT_BYTES_MAX ((size_t)4 * 1024) /* of an answer's buffer between two exchanges: nearly all answers are messages */

/* What comes back, while it comes and until its owner lets go. */
struct answer {
	SLIST_ENTRY(answer) pool;
	struct http_response response;
	struct buf body;
	struct buf head;            /* "name\0value\0" of each kept header, names in lower case */
	uint32_t head_at[RESPONSE_HEADERS_MAX][2]; /* where in head; pointers follow when head has its place */
	size_t head_bytes;          /* received, kept or not */
	char detail[CURL_ERROR_SIZE];
	struct trust_seen peer;     /* of the newest hand-shake */
};

enum exchange_state { EXCHANGE_WAITING, EXCHANGE_UNDER_WAY, EXCHANGE_DONE, EXCHANGE_HANDED_OUT };

struct http_exchange {
	TAILQ_ENTRY(http_exchange) link; /* in its peer's queue, among the paused or the done */
	uint64_t id;
	void *tag;
	enum exchange_state state;
	enum http_lane lane;
	struct peer *peer;
	struct line *line;          /* while under way */
	struct answer *answer;      /* from the first byte under way on */
	int64_t started_us, deadline_us;

	/* the request, copied into text */
	char *text;
	enum http_method method;
	const char *url, *proxy, *source_address;
	struct str body;
	struct curl_slist headers[HTTP_HEADERS_MAX + 2];
	int connect_timeout_ms;
	size_t body_bytes_max;
	const struct http_trust *trust;
	enum err (*sink)(void *ctx, struct str piece);
	void *sink_ctx;
	bool connect_only;

	size_t body_bytes;          /* received so far */
	bool paused;                /* in the client's list of those that go on in the next turn */
	bool looking;               /* its look-up is under way */
	bool connected;             /* the peer has taken the connection */
	bool sent;                  /* from here on the peer may have seen the request */
	bool repeated;              /* libcurl wanted to send it a second time and was not allowed to */
	bool again;                 /* not its turn yet: back into the queue, nothing was sent */
	bool too_big, sink_stopped;
	const char *verdict;        /* ours, where libcurl's words would mislead; a literal */
	enum http_failure verdict_failure;
};
TAILQ_HEAD(exchange_list, http_exchange);

/* A scheme, host, port, trust and proxy: what can share connections. */
struct peer {
	struct peer *hash_next;
	TAILQ_ENTRY(peer) link;     /* among those with somebody waiting */
	uint64_t hash;
	char *key;
	struct http_name *name;     /* what is looked up for it; NULL: an address */
	bool tls;
	int under_way;
	int idle;                   /* kept connections nobody uses; a guess that only ever costs a detour */
	size_t waiting;
	struct exchange_list queue[HTTP_LANES];
};
TAILQ_HEAD(peer_list, peer);

/* One easy handle, used again and again; its callbacks get the line. */
struct line {
	SLIST_ENTRY(line) pool;
	struct http_client *client;
	struct http_exchange *exchange; /* NULL: in the pool */
	CURL *easy;
	CURLU *url;                 /* url_text, taken apart once for all exchanges that go there */
	char error[CURL_ERROR_SIZE];
	/* what the handle is set to, so that only differences are set */
	char *url_text;             /* NULL: nothing yet */
	enum http_method method;
	bool has_body, has_trust, has_proxy, has_source, connect_only;
	int connect_timeout_ms;
	/* Chosen once: libcurl refuses another size while it holds the buffer, and after an exchange that never had a
	 * connection (its name did not resolve) it still does. */
	enum line_kind { LINE_FOR_TEXT, LINE_FOR_SINK } kind;
};
#define LINE_KINDS 2

/* A descriptor as epoll knows it. A connection stays in epoll while it rests between two exchanges, so that the usual
 * exchange costs no epoll_ctl. Nobody tells us reliably when a descriptor is closed (epoll forgets it by itself), so an
 * entry is cleared whenever its number begins a new life: client_forget_socket. */
struct watched {
	uint32_t in_epoll;          /* event bits; 0: not there */
	bool resting;
};

#define PEER_BUCKETS 256

struct http_client {
	struct http_client_limits limits;
	struct http_client_counts counts;
	CURLM *multi;
	int epoll_fd;
	int64_t curl_timer_us;      /* -1: none */
	int64_t queue_deadline_us;  /* no waiting exchange ends earlier */
	int tls_admitted, tls_opened; /* in this turn: as foreseen, and as it came */
	bool held_back;             /* somebody waits only for the next turn */
	int slots_used;
	char *ca_file;
	struct http_names names;
	struct peer *buckets[PEER_BUCKETS];
	size_t peers_count;
	struct peer_list peers_waiting;
	struct exchange_list done;
	struct exchange_list paused; /* under way, with a long body that has had its share of this turn */
	int64_t bulk_began_cpu_us;   /* in this turn; 0: no long body was read on yet */
	int64_t bulk_from_us;        /* none is read on before that */
	struct http_ids ids;        /* every exchange */
	SLIST_HEAD(, line) lines[LINE_KINDS];
	SLIST_HEAD(, answer) answers;
	struct watched *watched;    /* by descriptor */
	size_t watched_count;
	struct buf key;             /* scratch of peer_of */
	char date_text[64];         /* the Date header last read, and what it meant */
	int64_t date_ms;
};

/* --- exchange.c --- */

/* The request as our own copy. E_INVALID: *why says what is wrong with it. */
enum err exchange_copy(struct http_exchange *x, const struct http_request *r, const char **why);
/* False: enough, stop. */
bool exchange_put_header(struct http_exchange *x, struct str line, size_t header_bytes_max);
bool exchange_put_body(struct http_exchange *x, struct str piece);
/* Fills the response when libcurl has spoken. */
void exchange_finish(struct http_client *c, struct http_exchange *x, CURLcode code);
/* Fills it with a failure of our own; nothing was sent. */
void exchange_fail(struct http_client *c, struct http_exchange *x, enum http_failure failure, const char *why);

struct answer *answer_take(struct http_client *c);
void answer_give_back(struct http_client *c, struct answer *a);

/* --- line.c --- */

/* Set up for x, not yet in the multi handle. */
struct line *line_take(struct http_client *c, struct http_exchange *x, int64_t now_us);
void line_give_back(struct line *line);
void line_free(struct line *line);

/* --- queue.c --- */

struct peer *queue_peer_of(struct http_client *c, const struct http_exchange *x); /* made where it is the first */
void queue_forget_unused_peers(struct http_client *c);
void queue_add(struct http_client *c, struct http_exchange *x, bool at_head);
void queue_remove(struct http_client *c, struct http_exchange *x);
void queue_begin(struct http_client *c, int64_t now_us);        /* all that may */
void queue_fail_overdue(struct http_client *c, int64_t now_us);
/* A new connection of x is about to be made. False: not in this turn. */
bool queue_may_connect(struct http_client *c, struct http_exchange *x);

/* --- client.c --- */

void client_begin(struct http_client *c, struct http_exchange *x, int64_t now_us); /* leaves the queue */
void client_hand_in(struct http_client *c, struct http_exchange *x); /* its answer is complete */
void client_forget_socket(struct http_client *c, int fd); /* fd is new, whatever had that number before */
bool client_pauses(struct http_client *c, struct http_exchange *x); /* true: not another byte of its body in this turn */
int64_t client_mono_ms(void);

#endif
