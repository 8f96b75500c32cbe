/* The one helper thread: takes whole jobs, gives back values, decides nothing.
 *
 * A job has one owner at a time: the caller until worker_give, the thread while run works, the caller again when
 * worker_take returns it. run may use only what the job points to and must not log or touch the clock's source. */
#ifndef OBOL_BASE_WORKER_H
#define OBOL_BASE_WORKER_H

#include <stdbool.h>

struct worker;

struct worker_job {
	void (*run)(struct worker_job *job);
	struct worker_job *next; /* the worker's */
};

/* threaded false: jobs run inside worker_give, for tests and simulated worlds. */
struct worker *worker_new(bool threaded);
/* Finishes the job under way and begins no other. From here on worker_take also gives back those that were not begun, so
 * that whoever gave them can release them. */
void worker_stop(struct worker *w);
void worker_free(struct worker *w); /* every job was taken back */

void worker_give(struct worker *w, struct worker_job *job);
struct worker_job *worker_take(struct worker *w); /* a finished job, or NULL */
int worker_fd(const struct worker *w);            /* readable when worker_take has something */
void worker_ring(struct worker *w);                /* makes worker_fd readable; also from a signal handler */
int worker_pending(const struct worker *w);       /* given and not yet taken */

#endif
