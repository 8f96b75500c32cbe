/* The core: events in, one transaction, effects out. It knows no feature; main hands it tables.
 *
 *	wait ─▶ gather events ─▶ BEGIN ─▶ decide each in its savepoint ─▶ claim effects ─▶ COMMIT ─▶ let effects leave
 *
 * Invariants:
 *  1. Nothing leaves before the commit that decided it; the Telegram offset is confirmed only after the commit.
 *  2. An event is let go only after the commit that decided it. When COMMIT fails all events of the turn are decided
 *     again later (1, 2, 4 … 30 s); until then nothing is polled, claimed or sent, and HTTP answers 503.
 *     Only job steps are not decided twice: their run is given up and begins anew, which is what a job can always do.
 *  3. A claimed row (outbox, job) of a running process has a live call; core_turn asserts it now and then. */
#ifndef OBOL_CORE_CORE_H
#define OBOL_CORE_CORE_H

#include "bot/core/alert.h"
#include "bot/core/jobs.h"
#include "bot/core/net.h"
#include "bot/core/outbox.h"
#include "lib/telegram/tg_call.h"
#include "lib/telegram/tg_update.h"

struct settle_row {
	const char *name;        /* outgoing.then_name */
	outbox_settle *settle;
};

struct schedule_row {
	const char *name;
	int64_t every_ms;        /* slots are multiples of it; each slot is run at most once, a missed one once, late */
	enum err (*run)(struct act *a);
};

enum listener { LISTENER_PUBLIC, LISTENER_ADMIN };

struct route_row {
	enum listener listener;
	enum http_method method;
	const char *path;        /* whole path; ending in '/': a prefix */
	/* Decides and calls inbound_answer. */
	enum err (*handle)(struct act *a, const struct http_inbound *in);
};

struct core_tables {
	enum err (*on_start)(struct act *a);                       /* once per start, before anything else */
	enum err (*on_ready)(struct act *a);                       /* once getMe has answered */
	enum err (*on_update)(struct act *a, const struct tg_update *u);
	bool (*is_money)(const struct tg_update *u);               /* leaves the inbox only by success, decided first */
	enum err (*on_parked)(struct act *a, const struct tg_update *u); /* given up, or money that is stuck: tell user and admins */
	enum err (*on_gone)(struct act *a, int64_t chat_id);       /* 403: blocked, deactivated */
	/* A new message that its chat does not take: the chat or its topic is gone, or we may not write there. taken: it goes
	 * another way. Called after on_gone. */
	enum err (*on_lost)(struct act *a, bool *taken, const struct outgoing *lost);
	enum err (*on_moved)(struct act *a, int64_t chat_id, int64_t to_chat_id); /* group became a supergroup */
	enum err (*on_alert)(struct act *a, const struct alert *alert);
	const struct job_kind *const *jobs; size_t jobs_count;
	const struct settle_row *settles; size_t settles_count;
	const struct schedule_row *schedules; size_t schedules_count;
	const struct route_row *routes; size_t routes_count;
};

struct core_setup {
	const struct config *config;
	const struct core_tables *tables;
	struct shared *shared;         /* the core fills bot_id and bot_username */
	struct db *db;
	struct net net;
	struct net_server server;      /* all zero: no inbound HTTP */
	struct tg_api api;
	int send_rate_per_s;           /* 0: unlimited */
	bool take_over;                /* remove a foreign webhook */
	bool threaded;                 /* helper thread; false in simulated worlds */
	bool no_checkpoints;           /* the journal only grows: worlds that live for months in seconds */
};

/* Everything in setup outlives the core. Runs on_start and recovers what an unclean stop left: E_… of the store. */
enum err core_open(struct core **out, const struct core_setup *setup);
/* Stops without loss: what is under way is found again by the next start. */
void core_close(struct core *c);

/* One turn; waits at most timeout_max_ms. */
void core_turn(struct core *c, int timeout_max_ms);
/* Turns until core_stop or until going on makes no sense. Returns the exit code. */
int core_run(struct core *c);
void core_stop(struct core *c);          /* also from a signal handler */
int core_exit_code(const struct core *c); /* -1: go on */
bool core_is_idle(const struct core *c);  /* nothing under way, nothing due now: for simulated worlds and tests */
int64_t core_due_ms(const struct core *c); /* when the next timer is due; INT64_MAX: none */

/* Runs fn as an event of its own, now: one transaction, effects leave after it. For the program's own beginnings and for
 * tests. Must not be called from a handler. */
enum err core_do(struct core *c, enum err (*fn)(struct act *a, void *ctx), void *ctx);

/* Schedule, each minute: forgets ids of updates older than 48 h, as many as come in a minute of a rush. */
enum err core_forget_updates(struct act *a);
/* Schedule, hourly: forgets messages given up a month ago. */
enum err core_forget(struct act *a);

/* Updates with money whose handler goes on failing: kept with their raw text whatever happens, and tried on. */
struct stuck_update {
	int64_t update_id, received_ms;
	int64_t next_ms;         /* when it is tried again; 0: not by itself, it kills the process */
	int attempts;
	struct str raw;          /* as Telegram sent it */
};
enum err core_money_stuck(struct stuck_update *out, size_t *count, size_t max, struct act *a); /* oldest first */
enum err core_money_retry(struct act *a, int64_t update_id); /* now. E_NOTFOUND: it is not stuck any more */
enum err core_money_close(struct act *a, int64_t update_id); /* a person has settled it; the raw text stays in the table. E_NOTFOUND */

/* Figures the loop keeps about itself, since the start. */
struct core_figures {
	int64_t turns, updates, duplicates, sent, commits, commits_failed;
	int64_t commits_written;  /* of the commits, those that had something to write: each is a flush of the disk */
	int64_t checkpoints;      /* given to the helper */
	int64_t largest_turn_us, largest_turn_cpu_us, largest_commit_us;
	int64_t largest_inbound;  /* HTTP requests taken up in one turn */
	int64_t queued;           /* outbox rows waiting */
	int64_t jobs_running;
	bool polling, stalled;
	int64_t last_update_ms;
};
void core_figures(const struct core *c, struct core_figures *out);

/* Where and as whom Telegram is asked: for jobs that call a method and need its answer. */
const struct tg_api *core_api(const struct act *a);

/* Answers a request from within its handler; leaves after the commit. header, beside the usual ones, may be NULL; both live
 * in the arena of the act, or longer. */
void inbound_answer(struct act *a, const struct http_inbound *in, int status, const char *content_type, struct str body);
void inbound_answer_with(struct act *a, const struct http_inbound *in, int status, const char *content_type, struct str body, const struct http_header *header);

/* Slow work for a request (a password hash): its handler gives it away instead of answering. After the commit the helper
 * thread runs it, and done decides on what came of it, as an event of its own, which may be decided twice. */
struct inbound_work {
	void (*run)(struct inbound_work *work);     /* may use only what work holds (worker.h) */
	enum err (*done)(struct act *a, const struct http_inbound *in, struct inbound_work *work); /* calls inbound_answer */
	void (*release)(struct inbound_work *work); /* wipes and frees it: once, however it ends */
};
#define INBOUND_WORKS_MAX 32
/* work is ours from here on. E_BUSY: so many are under way already; it was released. */
enum err inbound_work_give(struct act *a, const struct http_inbound *in, struct inbound_work *work);

/* Tests: called at named steps between which a process can die. NULL: nobody. */
extern void (*core_step)(const char *name);

#endif
