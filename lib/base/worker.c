/* One pthread, two lists, one eventfd. */
#include "lib/base/worker.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/mem.h"

struct list {
	struct worker_job *first, **last;
};

struct worker {
	bool threaded, stop;
	int fd, pending;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list todo, done;
};

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_add(struct list *l, struct worker_job *job)
{
	job->next = NULL;
	*l->last = job;
	l->last = &job->next;
}

static struct worker_job *list_take(struct list *l)
{
	struct worker_job *job = l->first;

	if (!job)
		return NULL;
	l->first = job->next;
	if (!l->first)
		l->last = &l->first;
	return job;
}

void worker_ring(struct worker *w)
{
	uint64_t one = 1;
	ssize_t n = write(w->fd, &one, sizeof one);

	(void)n; /* full means: already ringing */
}

static void *thread_main(void *ctx)
{
	struct worker *w = ctx;
	struct worker_job *job;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->stop && !w->todo.first)
			pthread_cond_wait(&w->work, &w->lock);
		if (w->stop)
			break;
		job = list_take(&w->todo);
		pthread_mutex_unlock(&w->lock);
		job->run(job);
		pthread_mutex_lock(&w->lock);
		list_add(&w->done, job);
		worker_ring(w);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct worker *worker_new(bool threaded)
{
	struct worker *w = xcalloc(1, sizeof *w);
	sigset_t all, before;

	w->threaded = threaded;
	list_init(&w->todo);
	list_init(&w->done);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	if (!threaded)
		return w;
	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (pthread_create(&w->thread, NULL, thread_main, w) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return w;
}

void worker_stop(struct worker *w)
{
	struct worker_job *job;

	if (w->threaded) {
		pthread_mutex_lock(&w->lock);
		w->stop = true;
		pthread_cond_signal(&w->work);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
		w->threaded = false;
	}
	while ((job = list_take(&w->todo)) != NULL)
		list_add(&w->done, job);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	worker_stop(w);
	assert(!w->pending);
	close(w->fd);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->work);
	free(w);
}

void worker_give(struct worker *w, struct worker_job *job)
{
	w->pending++;
	if (!w->threaded) {
		job->run(job);
		list_add(&w->done, job);
		worker_ring(w);
		return;
	}
	pthread_mutex_lock(&w->lock);
	list_add(&w->todo, job);
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

struct worker_job *worker_take(struct worker *w)
{
	struct worker_job *job;
	uint64_t rung;
	ssize_t n = read(w->fd, &rung, sizeof rung);

	(void)n;
	pthread_mutex_lock(&w->lock);
	job = list_take(&w->done);
	if (w->done.first)
		worker_ring(w); /* the next call finds the next one */
	pthread_mutex_unlock(&w->lock);
	if (job)
		w->pending--;
	return job;
}

int worker_fd(const struct worker *w)
{
	return w->fd;
}

int worker_pending(const struct worker *w)
{
	return w->pending;
}
