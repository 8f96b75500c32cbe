/* What the files of the core share. */
#ifndef OBOL_CORE_PRIVATE_H
#define OBOL_CORE_PRIVATE_H

#include "bot/core/core.h"
#include "bot/core/pacer.h"
#include "lib/base/clock.h"
#include "lib/base/worker.h"

#define BATCH_UPDATES_MAX 100        /* asked for at once */
#define TURN_UPDATES_MIN 5          /* decided in a turn while others ask over HTTP; more where a commit is dear, see turn.c */
#define COMPANY_US 1000000           /* they do for so long after a request */
#define UPDATE_US 100                /* what one takes, roughly */
#define SENDS_MAX 128                /* on their way to people who wait; above that no more updates are asked for, see poll.c */
#define CLAIMED_MAX 512              /* on their way; above that what is queued stays there */
#define TURN_ANSWERS_MAX 200         /* to calls of ours */
#define TURN_INBOUND_MAX 32          /* whoever floods us over HTTP has this share of a turn, the rest waits at the server */
#define PATIENCE_COMMIT_US 2000      /* quicker commits are no reason to wait for company, see turn.c */
#define PATIENCE_US_MAX 100000
#define CAREFUL_MS (10 * SECOND_MS)  /* after an unclean start, see inbox.c */
#define CAREFUL_MORE_MS (60 * SECOND_MS) /* for an update that is due and finds no turn of its own */
#define CRASHES_ALONE 2              /* a job is taken alone */
#define CRASHES_PARK 3               /* poison */

#define STEP(name) do { if (core_step) core_step(name); } while (0)

/* First member of whatever a call is made for; its address is the call's tag. */
enum caller { CALLER_POLL, CALLER_SEND, CALLER_RUN };

/* --- what comes in --- */

enum event_kind { EVENT_SENT, EVENT_JOB, EVENT_INBOUND, EVENT_WORKED };

struct event {
	enum event_kind kind;
	struct event *next;
	struct http_done done;       /* EVENT_SENT, EVENT_JOB */
	struct send *send;
	struct run *run;
	struct http_inbound *in;
	struct working *working;     /* EVENT_WORKED */
};

/* A request's slow work, from the handler that gave it to the decision on it. */
struct working {
	struct worker_job job;
	struct inbound_work *work;
	const struct http_inbound *in;
	struct http_inbound *owned;  /* the same, once the event that brought it has gone; NULL: made up by core_do's caller */
	struct working *next;        /* in core.works */
};

struct waiting_update {
	struct tg_update update;
	struct str raw;
	bool money;
	bool bad;                    /* no update at all: confirmed and logged */
	bool decided;                /* in this attempt */
};

/* --- what goes out --- */

/* A claimed outbox row on its way. */
struct send {
	enum caller caller;
	struct send *next, *prev;
	int64_t id, chat_id, edits, expires_ms;
	int64_t paced_as;            /* its chat in the pacer */
	enum lane lane;
	enum unknown unknown;
	int attempts;
	const char *then_name;       /* owned by the settles table, or NULL */
	int64_t then_id;
	bool paced;                  /* went through the pacer */
	bool suspect;                /* was under way at an unclean stop: careful.c */
	bool rest;                   /* nobody waits for it */
	/* only between claim and start */
	const char *method;
	struct str payload, qr;
	struct picture *picture;     /* being drawn */
};

/* A claimed job on its way. */
struct run {
	enum caller caller;
	struct job job;
	struct run *next, *prev;
	uint64_t call;               /* 0: none under way */
	bool claimed;                /* the row says so */
	bool suspect;                /* was under way at an unclean stop: careful.c */
	bool alone;                  /* at two of them: no other begins beside it */
};

struct reply {
	uint64_t id;
	int status;
	const char *content_type;
	struct str body;
	const struct http_header *header; /* one more; NULL: none */
};

/* What one attempt at deciding has produced; truncated to a mark when an event is undone. */
struct turn {
	struct outgoing *added;
	size_t added_count, added_cap;
	bool retracts;               /* some of them do, or did and were undone */
	struct reply *replies;
	size_t replies_count, replies_cap;
	struct working **works;      /* go to the helper thread after the commit */
	size_t works_count, works_cap;
	struct send **claimed;
	size_t claimed_count, claimed_cap;
	struct run **calls;          /* runs whose request leaves after the commit */
	size_t calls_count, calls_cap;
	struct run **ended;          /* runs to forget after the commit */
	size_t ended_count, ended_cap;
	int64_t jobs_next_ms;        /* earliest job added */
	int64_t put_back_count;      /* messages that are suspects and not the next one */
};

struct turn_mark {
	size_t added, replies, works;
};

enum poll_state { POLL_GET_ME, POLL_WEBHOOK, POLL_DELETE_WEBHOOK, POLL_UPDATES, POLL_STOPPED };

struct poll {
	enum caller caller;
	enum poll_state state;
	bool under_way;
	int64_t offset;              /* 0: oldest unconfirmed */
	int64_t not_before_us;
	int failures;                /* in a row: back-off */
	int64_t conflict_since_ms;   /* 0: none */
	int64_t refused_since_ms;    /* 401 after the start */
	int64_t last_batch_ms;
	bool conflict_told;
};

struct core {
	struct core_setup setup;
	struct net *net;
	const struct net_server *server; /* its ctx is NULL: nobody comes in */
	struct db *db;
	const struct core_tables *tables;
	struct worker *worker;
	struct pacer *pacer;
	int64_t outbox_last_id;      /* given to a row in this run, or left by an earlier one */
	struct poll poll;
	volatile int stop;
	int exit_code;

	struct arena update_arena, turn_arena;
	struct waiting_update *updates;
	size_t updates_count, updates_next;
	struct event *events, **events_last;
	size_t events_count, events_patient; /* patient: of them, may wait for a commit that is made anyway */
	int64_t patience_until_us;
	int64_t company_until_us;    /* somebody asks over HTTP */
	int64_t commit_us;           /* what the last commit that wrote something took */
	struct turn turn;
	struct send sends;           /* list head */
	size_t sends_count, sends_rest; /* rest: of them, in that lane */
	struct working *works;       /* with the helper thread, in a chain */
	size_t works_count;
	struct run runs;             /* list head */
	size_t runs_count;

	int64_t inbox_next_ms, jobs_next_ms, schedules_next_ms;
	bool inbox_waits_alone;      /* one that is due waits until nothing else is under way … */
	int64_t inbox_in_vain_us;    /* … for as long after the careful time; 0: not yet */
	struct counted_crash { int64_t update_id; int crashes; } counted_crash; /* by this process, which lives; 0: none */
	int64_t inbox_waiting;       /* rows that keep their chat's later updates waiting */
	int64_t careful_until_us;    /* 0: after an orderly stop, or long enough ago */
	bool careful_again;          /* from the first batch of updates on, however late it comes: what killed us is in it */
	bool suspects_left;          /* jobs that are to be taken alone may be there */
	bool orphans;                /* claimed jobs without a run exist: find them */
	bool outbox_unread;          /* a commit failed: what waits, and what is claimed, is read anew */
	int64_t wall_offset_ms;      /* wall clock before the clock that nobody sets, as last seen */
	int64_t set_back_ms;         /* by so much, and what is due has not been moved yet: wall.c */
	bool on_ready_due;
	bool stalled;
	int stall_attempts;
	int64_t stall_until_us;
	int64_t copied_commits;     /* all that they wrote may be copied: without another one no checkpoint begins (db_checkpoint) */
	int64_t checkpointed_pages; /* of the journal, when the last one was given away */
	bool checkpoint_under_way, checkpoint_again;
	int64_t idle_since_us;
	struct core_figures figures;
};

#define LIST_EMPTY(head) ((head)->next == (head))
#define LIST_INIT(head) ((head)->next = (head)->prev = (head))
#define LIST_ADD(head, node) \
	((node)->prev = (head)->prev, (node)->next = (head), (head)->prev->next = (node), (head)->prev = (node))
#define LIST_REMOVE(node) ((node)->prev->next = (node)->next, (node)->next->prev = (node)->prev)

/* Room for one more in a growing array of the core. */
#define GROW(array, count, cap) \
	do { \
		if ((count) == (cap)) { \
			(cap) = (cap) ? 2 * (cap) : 16; \
			(array) = xrealloc((array), (cap) * sizeof *(array)); \
		} \
	} while (0)

struct act core_act(struct core *c);

/* turn.c */
struct turn_mark turn_mark(const struct core *c);
void turn_undo(struct core *c, struct turn_mark mark);
void turn_clear(struct core *c);                                        /* after its commit, or without it: before its arena is cleared */
void core_add_event(struct core *c, struct event *e);
void core_begin(struct core *c, struct run *r);                         /* the first step of a job that is claimed, in the next turn */

/* Backoff with jitter: first, doubled per attempt, at most max, ±25 %. */
int64_t core_backoff_ms(int64_t first_ms, int64_t max_ms, int attempts);

/* inbox.c */
enum err inbox_decide(struct core *c, struct waiting_update *w);        /* a fresh update; never fails because of its handler */
enum err inbox_decide_waiting(struct core *c);                          /* rows that are due */
enum err inbox_store_batch(struct core *c);                             /* careful mode: raw first */
enum err inbox_recover(struct core *c);
enum err inbox_forget(struct core *c);                                  /* ids older than 48 h */

/* poll.c */
void poll_start(struct core *c);                                        /* asks for the next batch when it may */
void poll_done(struct core *c, struct http_done *done);                 /* outside transactions */
int64_t poll_due_us(const struct core *c);

/* outbox_add.c */
/* What the ith of the turn's list comes to when all is decided: itself, the last of several edits in the place of the first, or
 * nothing. */
const struct outgoing *outbox_wanted(const struct turn *t, size_t i);

/* outbox.c */
/* Answers to queries pass the pacer by. One that has to wait after all waits for itself alone: to the pacer its chat is its row. */
struct pacer_item outbox_item(int64_t id, int64_t chat_id, enum lane lane);
enum err outbox_claim(struct core *c);                                  /* before the commit */
void outbox_unclaim(struct core *c);                                    /* the commit failed */
void outbox_forget(struct core *c, struct send *s);                     /* after its commit */
enum err outbox_recover(struct core *c, bool clean);
enum err outbox_forget_parked(struct core *c);                          /* those of a month ago */

/* outbox_send.c */
void outbox_send(struct core *c);                                       /* after the commit */
bool outbox_picture_done(struct core *c, struct worker_job *job);
bool outbox_picture_drop(struct worker_job *job);                       /* nobody waits for it any more, drawn or not */

/* outbox_answer.c */
enum err outbox_sent(struct core *c, struct send *s, const struct http_response *response); /* the answer, in the transaction */

/* jobs.c */
enum err jobs_take(struct core *c);
enum err jobs_answer(struct core *c, struct run *r, const struct http_response *response); /* NULL: it begins */
void jobs_send(struct core *c);
void jobs_give_up(struct core *c);                                      /* the commit failed */
enum err jobs_recover(struct core *c, bool clean);
void jobs_release(struct core *c);

/* schedule.c */
enum err schedules_run(struct core *c);
enum err schedules_open(struct core *c);                                /* also when the clock was set: they all have a slot near */
enum err schedules_ran(int64_t *ran_ms, struct core *c);                /* one has, at this moment or a little later; 0: none known */

/* wall.c */
enum err wall_open(struct core *c);                                     /* a start; before schedules_open */
void wall_look(struct core *c);                                         /* was the clock set back? */
enum err wall_settle(struct core *c);                                   /* then what is due is moved, in the transaction */

/* careful.c */
void careful_begin(struct core *c);                                     /* the stop was unclean */
void careful_batch(struct core *c);                                     /* of updates, come from Telegram */
void careful_look(struct core *c);                                      /* is the time over? Then careful_until_us is 0 */
bool careful_suspect_is_out(const struct core *c);
bool careful_takes_suspect(const struct core *c);                       /* one may be taken up now */
bool careful_row_is_alone(const struct core *c);                        /* an update that is due: nothing else is decided or under way */
bool careful_row_is_next(const struct core *c);                         /* it will be, if the next turn has no events */

/* inbound.c */
enum err inbound_decide(struct core *c, const struct http_inbound *in);
void inbound_send(struct core *c);
void inbound_release(struct core *c, struct http_inbound *in);            /* NULL is fine */
void inbound_works_drop(struct core *c, size_t from);                   /* those of this turn, undone */
void inbound_works_send(struct core *c);                                /* after the commit, before its events are let go */
bool inbound_work_done(struct core *c, struct worker_job *job);
enum err inbound_worked(struct core *c, struct working *w);             /* decides, in the transaction */
void inbound_work_forget(struct core *c, struct working *w);            /* after its commit; NULL is fine */
void inbound_works_close(struct core *c);                               /* when the helper thread has ended */

/* upkeep.c */
void upkeep_after_turn(struct core *c, bool idle);
bool upkeep_done(struct core *c, struct worker_job *job);
bool upkeep_drop(struct worker_job *job);                               /* nobody waits for it any more, run or not */

#endif
