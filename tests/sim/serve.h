/* Puts simulator models (sim.h) behind real sockets on 127.0.0.1: a small HTTP/1.1 server of our own, because it must be
 * able to misbehave in every way sim_trouble names.
 *
 * Driven in one of two ways, never both at once:
 *  - by a test that owns the loop: serve_fd becomes readable when there is work, serve_run_once does it;
 *  - by a thread: serve_thread_start; then models may be touched only between serve_lock and serve_unlock.
 * Models are called one at a time in both. Ports are chosen by the kernel. */
#ifndef OBOL_SIM_SERVE_H
#define OBOL_SIM_SERVE_H

#include "tests/sim/sim.h"

#define SERVE_REQUEST_BYTES_MAX (64u * 1024 * 1024) /* head and body; a larger one is cut off */

struct serve;

struct serve *serve_new(void);
void serve_free(struct serve *s); /* stops the thread too */

/* Opens a socket for the model; returns its number for the calls below. listener goes into sim_request.listener.
 * tls: a self-signed certificate for 127.0.0.1 and localhost, one per serve, made at the first use. */
int serve_add(struct serve *s, sim_handler *handler, void *model, int listener, bool tls);
int serve_port(const struct serve *s, int socket);
/* "http://127.0.0.1:PORT" or https; lives as long as s. */
const char *serve_url(const struct serve *s, int socket);
const char *serve_pem(const struct serve *s); /* the certificate; "" when no socket has tls */
const char *serve_pin(const struct serve *s); /* "sha256//…" of its key */
/* Another key and certificate from the next connection on, as after a renewal, or as somebody in between would have. */
void serve_renew_certificate(struct serve *s);

/* Closed: connections are refused, open ones are cut. Opened again on the same port. */
void serve_close(struct serve *s, int socket);
void serve_reopen(struct serve *s, int socket);
void serve_cut_all(struct serve *s, int socket); /* closes open connections, keeps listening */

/* One step: waits at most timeout_ms (0: not), then does all that is ready. */
void serve_run_once(struct serve *s, int timeout_ms);
int serve_fd(const struct serve *s);         /* readable: serve_run_once(s, 0) has work */
int serve_timeout_ms(const struct serve *s); /* until a delay or retry is over; -1: none */

void serve_thread_start(struct serve *s);
void serve_thread_stop(struct serve *s);
void serve_lock(struct serve *s);   /* models, hooks and figures may be touched */
void serve_unlock(struct serve *s);

/* A model changed from outside of its handler: long polls answered "later" are asked again. With a thread: call it with
 * or without the lock. After each ordinary answer of a model this happens by itself. */
void serve_changed(struct serve *s);

/* Calls hook around answers of this socket: SERVE_BEFORE the model is asked (no effect yet), SERVE_AFTER it was asked and
 * before a byte of the answer leaves. A test kills the bot here. For SERVE_BEFORE response is NULL. Called under the
 * lock. One hook per socket; NULL removes it. */
enum serve_moment { SERVE_BEFORE, SERVE_AFTER };
typedef void serve_hook(void *ctx, enum serve_moment moment, const struct sim_request *request,
	const struct sim_response *response);
void serve_kill_hook(struct serve *s, int socket, serve_hook *hook, void *ctx);

/* Time for models; NULL: clock_now_ms. Delays and trickles run on the monotonic clock. */
void serve_set_clock(struct serve *s, int64_t (*now_ms)(void *ctx), void *ctx);

struct serve_counts {
	uint64_t connections, requests, answers; /* accepted; complete ones (a long poll counts once); whole answers sent */
	int open;                                /* connections now */
};
struct serve_counts serve_counts(struct serve *s, int socket); /* takes the lock itself */

#endif
