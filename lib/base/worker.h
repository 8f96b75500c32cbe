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
void worker_free(struct worker *w); /* finishes the job under way; the ones not begun are returned by nothing: take first */

void worker_give(struct worker *w, struct worker_job *job);
struct worker_job *worker_take(struct worker *w); /* a finished job, or NULL */
int worker_fd(const struct worker *w);            /* readable when worker_take has something */
int worker_pending(const struct worker *w);       /* given and not yet taken */

#endif
