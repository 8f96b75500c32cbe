/* What the loop says about itself, for monitoring: GET /healthz and GET /metrics on the admin listener (R291). */
#ifndef OBOL_HTTP_HEALTH_H
#define OBOL_HTTP_HEALTH_H

#include "bot/core/core.h"

/* 200 {"ok":true,…} while Telegram is polled and the store works, else 503 with the same members. */
enum err health_answer(struct act *a, const struct http_inbound *in);

/* Prometheus text format, version 0.0.4: figures of the loop, queue lengths, a gauge per panel. */
enum err metrics_answer(struct act *a, const struct http_inbound *in);

#endif
