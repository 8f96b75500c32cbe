/* One seeded world: the whole bot on a disk that knows what was synced, a network with weather, panels, providers and
 * people, all of it from one number. The same seed is the same history, to the letter.
 *
 * Whoever acts is an actor with a next time. Between two acts the bot's own loop runs on the virtual clock. The process
 * dies by a countdown of steps (calls of the disk and the core's named steps): from then on nothing that it does reaches
 * disk or network, and at the end of its turn it is buried and, after a while, started again. */
#ifndef OBOL_WORLD_WORLD_H
#define OBOL_WORLD_WORLD_H

#include "bot/core/config.h"
#include "bot/core/core.h"
#include "tests/sim/botapi.h"
#include "tests/sim/cryptopay.h"
#include "tests/sim/panel.h"
#include "tests/story/memnet.h"
#include "tests/story/memserver.h"
#include "tests/world/disk.h"
#include "tests/world/luck.h"
#include "tests/world/tally.h"

#define WORLD_TELEGRAM "http://telegram.test"
#define WORLD_CRYPTOPAY "http://cryptopay.test"
#define WORLD_CRYPTOPAY_TOKEN "18475:AAH3docExampleTokenForVectors00000"
#define WORLD_SECRET "MARKER-s3cret-panel-password" /* must never be seen anywhere in clear */
#define WORLD_START_MS INT64_C(1793612000000) /* 2 November 2026 */
#define WORLD_ADMIN INT64_C(900001)
#define WORLD_GUEST "guest-"       /* e-mails of clients that are not the shop's: guest-0 … */
#define WORLD_GUESTS 2
#define WORLD_PASTED "vless://%s@vpn.example.com:443#x" /* a link as people paste it, of a UUID */
#define WORLD_PANELS_MAX 6
#define STRANGERS_MAX 8
#define WORLD_PEOPLE_MAX 220
#define WORLD_ACTORS_MAX (WORLD_PEOPLE_MAX + 2 * WORLD_PANELS_MAX + 16)
#define WORLD_MONEY_MAX 4096
#define WORLD_FAILED_MAX 512
#define WORLD_CONFIRMED_MAX 1024
#define WORLD_GIVEN_UP "SELECT count(*) FROM outbox WHERE state=2"
#define WORLD_CALLS_MAX (WORLD_PEOPLE_MAX + 2)

struct world;

/* What kinds of trouble this world has, in times of 10,000 unless said otherwise; drawn once. */
struct climate {
	int64_t network;        /* of each exchange */
	int64_t sick;           /* of each turn of a weather actor */
	int64_t deaths_ms;      /* mean time between two ends of the process; 0: none */
	int64_t hands;          /* an operator changing things */
	int64_t disk;
	int64_t store;          /* of each move of somebody: a call of the store fails soon after it */
	int64_t stride_ms;      /* how far idle time is skipped at once */
};

struct world_panel {
	struct panel_sim *sim;
	const char *version;
	char origin[64], name[16];
	int64_t panel_id, inbound_id; /* panel_id: the newest, it may have been removed and added again */
	int64_t places;         /* its inbound has so many to sell; 0: any number */
	bool has_killed;        /* an answer of its has */
	bool was_cut_off;       /* a job of its was under way when the program was cut off, and it has not ended well since */
	const char *killer;     /* of the last death since then */
	bool is_excused;        /* it is set aside, and for a reason */
	bool falls;             /* with the next client that is added: that it was, nobody hears */
	int64_t fallen_until_ms;
	/* an old backup, see staff.c */
	struct old_client { char email[96]; int64_t expiry_ms, total_bytes; } *backup;
	size_t backup_count;
	char strangers[STRANGERS_MAX][96]; /* clients of somebody else's that have taken a name of ours */
	size_t strangers_count;
};

struct person {
	int64_t telegram_id;
	char name[32];
	bool blocked, has_blocked;
	int moves_left;         /* in this sitting */
	int64_t paid_message;   /* the newest invoice message that was paid */
	int64_t doubled;        /* messages to them that the network brought twice */
	int64_t deliveries_told; /* messages that say that something is ready, or renewed */
	int64_t wait_until_ms;  /* Telegram has said: nothing to this chat before */
};

/* Money as those who moved it know: the truth the books are held against. */
struct money {
	bool stars;
	int checkout;           /* Stars: botapi's number */
	char id[96];            /* Stars: the charge; Crypto Pay: the invoice's number */
	int64_t payer, amount_minor;
	bool wrong;             /* of another amount than was asked for */
	bool needless;          /* its order was paid when they pressed pay: they must be told no */
	bool maybe;             /* told once, and the answer was no: it may have been written all the same (a commit of unknown outcome) */
};

/* A callback of Crypto Pay's, or of somebody who pretends to be. */
struct call {
	uint64_t number;        /* the server's; 0: nobody was there */
	int64_t invoice;
	enum cryptopay_lie lie;
	int status;             /* 0: not answered yet; MEMSERVER_GONE */
	bool unheard;           /* the answer is lost on its way */
	int64_t money;          /* of another amount: which; -1: none */
};

struct actor {
	int64_t next_ms;        /* INT64_MAX: never again */
	void (*act)(struct world *w, struct actor *self); /* moves next_ms on */
	int64_t number;         /* of the person or panel */
	bool at_work;           /* what it has begun and will end */
};

struct world {
	uint64_t seed;
	struct luck luck;       /* the world's own decisions */
	struct luck program;    /* what the program and the simulators draw */
	struct climate climate;
	bool trace;
	bool plain_disk;        /* its disk never fails and its power stays on: so that a real file shows the same history */
	bool real_file;
	/* parts */
	struct disk *disk;      /* NULL: a real file in dir */
	char dir[64], path[96];
	struct memnet *net;
	struct memserver *server;
	struct botapi *telegram;
	struct cryptopay_sim *cryptopay;
	char callback_path[128]; /* where it calls */
	struct call calls[WORLD_CALLS_MAX]; /* and what it has not settled yet */
	size_t calls_count;
	struct world_panel panels[WORLD_PANELS_MAX];
	size_t panels_count;
	struct person people[WORLD_PEOPLE_MAX];
	size_t people_count;
	struct actor actors[WORLD_ACTORS_MAX];
	size_t actors_count;
	struct actor *provider, *admin, *complaint, *plans;
	/* the process */
	struct config config;
	struct seal_key key;
	const struct i18n *i18n;
	struct shared shared;
	struct db *db;
	struct core *core;
	bool is_tallied;        /* its edges are counted */
	bool acts;              /* now: what fails in disk and store is meant for it, and not for whoever watches it */
	bool dead;              /* and does not know it yet */
	enum disk_end end;
	int64_t steps_left;     /* until it dies; 0: it lives on */
	bool in_commit;         /* it dies at a call of the disk only */
	int64_t store_calls_left; /* until a call of the store fails; 0: none does */
	bool read_fails;        /* the disk's next read */
	int64_t starts_ms;      /* when it is started again */
	const char *deadly;     /* origin whose next answers kill; NULL: none */
	bool deadly_writes;     /* those to writes alone: whoever wrote is under way each time */
	int deadly_times;
	bool deadly_message;    /* the next message kills whoever sends it, as often as it is sent */
	uint64_t deadly_body;   /* this one; 0: not met yet */
	int deadly_sent;
	int64_t deadly_given_up; /* messages that were, before it */
	int64_t deadly_messages; /* so many have killed */
	int64_t poison;         /* chat whose next update kills whoever handles it; 0: none */
	bool poison_money;      /* the next about money does */
	bool poison_fails;      /* its handler fails and does not kill */
	int64_t poisoned_update;
	int poisoned_times;
	struct failed { int64_t update_id; bool came_again; } failed[WORLD_FAILED_MAX]; /* updates whose handler has failed */
	size_t failed_count;
	int64_t confirmed[WORLD_CONFIRMED_MAX]; /* updates that Telegram has let go of, since somebody looked */
	size_t confirmed_count;
	int moves_watched;      /* turns after which it is asked whether somebody's old place still stands */
	int deaths, starts;
	const char *felled_by;  /* what it has taken up itself and dies of; NULL: it lives, or was cut off */
	const char *killer;     /* the same of its last death */
	bool was_cut_off;       /* since its last start, while it did nothing wrong */
	int64_t turns;
	int64_t looked_changes; /* of its connection, when somebody looked last whether all is true; -1: nobody has */
	/* the disk's weather */
	bool disk_full;
	int64_t disk_fails;     /* each read, write and sync, times in 10,000 */
	/* history */
	int64_t calm_ms, ends_ms;
	struct buf log;         /* all lines: searched for secrets, the last are shown on a failure */
	uint64_t history;       /* hash over all lines */
	struct money money[WORLD_MONEY_MAX];
	size_t money_count;
	int64_t withdrawn_stars;
	size_t heard;           /* calls of Telegram that were listened to */
	size_t heard_before;    /* as many are of processes that have ended: what those were told, nobody knows any more */
	int64_t last_invoice;   /* of Crypto Pay, that a callback was about */
	bool had_trouble;       /* a network that loses */
	bool had_wrong_clock;
	struct buf given_up;    /* subscriptions whose owner may have given them up: id after id */
	int failures;
};

/* Every 50th world is a long one. Every 100th has a plain disk, and on a real file must be the same. Every 4th has few places.
 * In every 5th Crypto Pay never calls, as where a shop has no address of its own: what was paid is known to who asks. */
bool world_is_long(uint64_t seed);
bool world_is_narrow(uint64_t seed);
bool world_is_unreachable(uint64_t seed);
bool world_has_plain_disk(uint64_t seed);
struct world *world_new(uint64_t seed, const struct i18n *i18n, bool trace, bool real_file);
void world_live(struct world *w);              /* from the first day to the last check */
void world_free(struct world *w);

int64_t world_now_ms(const struct world *w);
/* A line of the history: who does what. */
void world_tell(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A broken invariant. The world lives on, so that one seed may show several. */
void world_broken(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* First column of the first row; 0 without one, or while no process runs. */
#define world_number(w, sql, ...) world_number_list((w), (sql), DB_LIST(__VA_ARGS__))
int64_t world_number_list(struct world *w, const char *sql, const struct db_arg *args, size_t count);
/* The process runs. The first column of any of the rows that this query finds: it ends with its WHERE, and ?2 in it is state.
 * False: there is none. */
bool world_any(char *out, size_t size, struct world *w, const char *sql, const char *state);
/* When somebody comes again who was here now: between low and high from now, most often near low. Many come at the same hour,
 * with idle time before it that can be skipped. */
int64_t world_later(struct world *w, int64_t low_ms, int64_t high_ms);
struct actor *world_actor(struct world *w, void (*act)(struct world *w, struct actor *self), int64_t number, int64_t first_ms);

/* As an admin does, who knows its password. False: it did not happen. */
bool world_add_panel(struct world *w, struct world_panel *p);
void world_sell(struct world *w, struct world_panel *p); /* from its inbound, once that is known */

/* life.c: the process. */
void life_open(struct world *w);               /* hooks of disk, clock, steps and store; once per world */
void life_close(struct world *w);
void life_run(struct world *w, int64_t until_ms);
void life_stop(struct world *w);               /* in an orderly way; life_run starts it again at starts_ms */
bool life_do(struct world *w, enum err (*fn)(struct act *a, void *ctx), void *ctx); /* an event of its own; false: it did not happen */
void life_add_actor(struct world *w);          /* kills, stops, bad disks, wrong clocks */
void life_calm(struct world *w);
void life_fell(struct world *w, const char *by);   /* now, in the middle of whatever it does; by: what kills, borrowed */
void life_will_die(struct world *w, int64_t steps_max); /* soon */

/* weather.c: the network and the services behind it. */
void weather_open(struct world *w);
void weather_calm(struct world *w);

/* people.c, staff.c, operators.c */
void people_open(struct world *w);
void people_calm(struct world *w);             /* nobody blocks the bot any more */
void staff_open(struct world *w);
void staff_paid(struct world *w);             /* somebody has paid, and may come to complain */
void staff_ordered(struct world *w);          /* somebody is about to pay: now and then the plan changes meanwhile */
void staff_calm(struct world *w);              /* the admin does what alerts ask for */
void operators_open(struct world *w);
bool client_is_strangers(const struct world_panel *p, const char *email); /* a client that is not the shop's */
int64_t money_add(struct world *w, const struct money *m);
/* How much somebody wants to tap a button: by the verb of its data; 0: not at all. */
struct wish { const char *verb; int weight; };
struct person *person_of(struct world *w, int64_t telegram_id); /* NULL: none of them */
int wish_weight(const struct wish *wishes, size_t count, struct str data);

/* provider.c: what Crypto Pay calls */
void provider_open(struct world *w);           /* the process runs */
void provider_goes_on(struct world *w);        /* when all actors have gone */
void provider_tells_other_amount(struct world *w, struct money *paid, int64_t invoice);
void provider_hear(struct world *w);           /* what was answered, and holds it against the books */

/* secrets.c */
void secrets_check(struct world *w);           /* at the end */

/* guards.c: what must be true when a row is written */
void guards_watch(struct db *db);              /* of each connection that is tallied */
void guards_look(struct world *w);             /* what they have found is broken */

/* truth.c */
void truth_check(struct world *w);             /* at the end; the process runs */
void truth_look(struct world *w);              /* on the way, when nothing is under way */
void truth_look_at_moves(struct world *w);     /* on the way, at any time */
int64_t truth_newest_invoice(struct world *w); /* its row; 0: there is none */
void truth_look_at_invoice(struct world *w, int64_t before, struct str tapped); /* what was tapped is what is to be paid for, if there is an invoice newer than before */
void truth_look_at_confirmed(struct world *w); /* after each turn, and a start after a death */

/* sold.c: what was sold and what there is of it */
void sold_check(struct world *w);              /* at the end */

/* heard.c: what the chats are told */
void heard_open(void);                         /* reads by which words each promise is known; once per program */
void heard_end(struct world *w);               /* the process has ended: what Telegram told it is forgotten */
void heard_look(struct world *w);              /* listens to what was sent since */
void heard_check(struct world *w);             /* at the end */

#endif
