/* struct net over the HTTP client, struct net_server over the HTTP server. */
#include "bot/core/net.h"

/* --- the way out --- */

static uint64_t start(void *ctx, const struct http_request *request, enum http_lane lane, void *tag)
{
	return http_client_start(ctx, request, lane, tag);
}

static void cancel(void *ctx, uint64_t id)
{
	http_client_cancel(ctx, id);
}

static int wait_and_move(void *ctx, struct http_wait *extra, size_t extra_count, int timeout_ms)
{
	return http_client_poll(ctx, extra, extra_count, timeout_ms);
}

static bool next(void *ctx, struct http_done *done)
{
	return http_client_next(ctx, done);
}

static void release(void *ctx, struct http_done *done)
{
	http_done_release(ctx, done);
}

static int64_t slept_us(void *ctx)
{
	return http_client_counts(ctx)->slept_us;
}

struct net net_of_client(struct http_client *client)
{
	return (struct net){ .ctx = client, .start = start, .cancel = cancel, .poll = wait_and_move, .next = next, .release = release,
		.slept_us = slept_us };
}

/* --- the way in --- */

static size_t waits(void *ctx, struct http_wait *out)
{
	return http_server_waits(ctx, out);
}

static int timeout_ms(void *ctx)
{
	return http_server_timeout_ms(ctx);
}

static void run(void *ctx)
{
	http_server_run(ctx);
}

static struct http_inbound *next_inbound(void *ctx)
{
	return http_server_next(ctx);
}

static void answer(void *ctx, uint64_t id, const struct http_answer *a)
{
	http_server_answer(ctx, id, a);
}

static void release_inbound(void *ctx, struct http_inbound *in)
{
	(void)ctx;
	http_inbound_release(in);
}

struct net_server net_server_of(struct http_server *server)
{
	if (!server)
		return (struct net_server){ 0 };
	return (struct net_server){ .ctx = server, .waits = waits, .timeout_ms = timeout_ms, .run = run, .next = next_inbound, .answer = answer,
		.release = release_inbound };
}
