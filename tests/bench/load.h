/* A load generator that plays the Bot API, in a process of its own: new users say /start, one update each.
 *
 * It is closed: at most window updates are without an answer at any time, and a batch is handed out as soon as half the
 * window is free. So the bot always has work, its queue does not grow, and the time from an update to its answer says
 * something. Leaner than the simulator (tests/sim/botapi.h), which would cost more than the bot it measures: it reads of a
 * request only the method's name and the chat id and checks nothing. */
#ifndef OBOL_BENCH_LOAD_H
#define OBOL_BENCH_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOAD_USERS_MAX 400000
#define LOAD_BATCH 100

/* Shared between the two processes. */
struct load_shared {
	_Atomic int64_t wanted;    /* users in all, raised by load_say */
	_Atomic int64_t handed;    /* updates given away */
	_Atomic int64_t answered;  /* users whose first message came */
	_Atomic int64_t calls;     /* requests of any method */
	uint32_t latency_us[LOAD_USERS_MAX]; /* update given away → its message arrived; valid below answered */
};

struct load {
	struct load_shared *shared;
	pid_t pid;
	int wake;                  /* eventfd */
	int port;
	char url[64];
	char *pem;                 /* its certificate; NULL without TLS */
};

void load_open(struct load *l, bool tls);
void load_say(struct load *l, int64_t users); /* so many new users say /start, as fast as they are answered */
void load_close(struct load *l);

#endif
