/* A process of its own that asks the same thing over and over, at most rate_per_s times a second, on kept connections. */
#ifndef OBOL_E2E_FLOOD_H
#define OBOL_E2E_FLOOD_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

struct flood_shared {
	_Atomic int64_t until_us;  /* monotonic: it asks until then and rests otherwise */
	_Atomic int64_t asked, answered, broken;
	_Atomic int64_t active_us; /* how long it asked, in all */
};

struct flood {
	struct flood_shared *shared;
	pid_t pid;                 /* 0: not started */
};

void flood_start(struct flood *f, int port, const char *request, int rate_per_s); /* request: whole, as it goes over the wire */
void flood_stop(struct flood *f);

#endif
