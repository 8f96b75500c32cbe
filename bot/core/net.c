/* struct net over the HTTP client. */
#include "bot/core/net.h"

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
