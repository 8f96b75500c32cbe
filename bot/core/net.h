/* The way out and the way in, as the core sees them: libcurl and libmicrohttpd in the program; simulators, and a queue, in
 * memory in the seeded world. */
#ifndef OBOL_CORE_NET_H
#define OBOL_CORE_NET_H

#include "lib/http/server.h"

/* The functions are those of lib/http/client.h with the client as ctx. */
struct net {
	void *ctx;
	uint64_t (*start)(void *ctx, const struct http_request *request, enum http_lane lane, void *tag);
	void (*cancel)(void *ctx, uint64_t id);
	int (*poll)(void *ctx, struct http_wait *extra, size_t extra_count, int timeout_ms);
	bool (*next)(void *ctx, struct http_done *done);
	void (*release)(void *ctx, struct http_done *done);
	int64_t (*slept_us)(void *ctx); /* of all polls so far: what is no work of a turn. NULL: nobody measures here */
};

struct net net_of_client(struct http_client *client);

/* The functions are those of lib/http/server.h with the server as ctx. All zero: nobody comes in. */
struct net_server {
	void *ctx;
	size_t (*waits)(void *ctx, struct http_wait *out);
	int (*timeout_ms)(void *ctx);
	void (*run)(void *ctx);
	struct http_inbound *(*next)(void *ctx);
	void (*answer)(void *ctx, uint64_t id, const struct http_answer *answer);
	void (*release)(void *ctx, struct http_inbound *in);
};

struct net_server net_server_of(struct http_server *server); /* NULL: nobody comes in */

#endif
