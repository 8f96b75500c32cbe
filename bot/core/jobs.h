/* Work with retry: one row per (kind, subject), taken up when due, in steps of one outside call each.
 *
 *   job_add ──▶ queued ──claim, commit──▶ begin ──call──▶ answer ──call──▶ answer … ──▶ done: row gone
 *                 ▲                          │               │
 *                 └───── job_later ──────────┴───────────────┘         job_park: waits for a person
 *
 * begin and answer are handlers (act.h). They end by saying what is next: exactly one of job_call, job_done, job_later,
 * job_park; an error means job_later with the kind's back-off. The request of job_call leaves after the commit.
 *
 * What a run keeps between its steps lives in job->arena and job->state and is lost with the process, and also when a
 * commit fails or a step returns an error: the next run begins anew and looks before it acts. So whatever must survive
 * is in tables.
 *
 * Limits: one job under way per lane other than 0 (one write in flight per panel, B23), JOBS_FREE_MAX in lane 0.
 * crashes counts claims that ended with the process: at 2 a job runs alone, at 3 it is parked, or rests, and is reported. */
#ifndef OBOL_CORE_JOBS_H
#define OBOL_CORE_JOBS_H

#include "bot/core/act.h"
#include "lib/http/http.h"

#define JOBS_FREE_MAX 16

enum job_prio { JOB_MONEY, JOB_PERSON, JOB_ROUTINE };

struct job;

struct job_kind {
	const char *name;
	enum err (*begin)(struct act *a, struct job *job);
	enum err (*answer)(struct act *a, struct job *job, const struct http_response *response);
	int64_t backoff_ms;      /* first wait after a failure; doubles, with jitter */
	int64_t backoff_max_ms;
	int attempts_max;        /* failures in a row before it is parked; 0: never */
	/* Hears that the job was parked, in the same transaction: tell people. NULL: nobody would take it up again, so a job that
	 * has taken the program with it rests for an hour in place of being parked, and admins are told that it does. */
	enum err (*parked)(struct act *a, struct job *job);
	/* Frees what job->state holds outside the arena: once per run that has a state, however it ends. May be NULL. */
	void (*release)(struct job *job);
};

enum job_next { JOB_UNDECIDED, JOB_CALL, JOB_DONE, JOB_LATER, JOB_PARK };

struct job {
	int64_t id;
	const struct job_kind *kind;
	char *subject;           /* what the kind needs to find its rows: "17", "inv_…" */
	int64_t lane;
	int attempts, crashes;
	struct arena arena;      /* lives as long as this run */
	void *state;             /* the kind's, in arena */
	/* what the step decided */
	enum job_next next;
	struct http_request *request;
	int64_t next_ms;
	const char *reason;
};

/* Adds it, or brings an existing one forward to at_ms (a parked one is taken up again, one under way runs once more; routine
 * does not wake one that rests). */
enum err job_add(struct act *a, const char *kind, const char *subject, int64_t lane, enum job_prio prio, int64_t at_ms);

void job_call(struct job *job, struct http_request *request); /* request and all in it live in job->arena */
void job_done(struct job *job);
/* Again at at_ms; 0: the kind's back-off. reason for logs and admins, without secrets; counts as a failure unless NULL. */
void job_later(struct job *job, int64_t at_ms, const char *reason);
void job_park(struct job *job, const char *reason);

#endif
