/* The whole bot against the simulators, in memory, on a virtual clock: what stories are told with.
 *
 *	struct world *w = world_new(NULL);
 *	int64_t anna = world_customer(w, "Anna", "en");
 *	world_say(w, anna, "/start");
 *	world_run(w, 2000);
 *	…assert what botapi shows, what the panel holds, what the tables say…
 *	world_free(w);   // checks that everything sums up
 *
 * The process can be killed at any named step (core.h) and starts again by itself; the network then loses what was on its
 * way, or not. The store is a file in a directory of its own, or a disk in memory: then a death may be a power cut. */
#ifndef OBOL_STORY_WORLD_H
#define OBOL_STORY_WORLD_H

#include "bot/core/config.h"
#include "bot/core/core.h"
#include "tests/sim/botapi.h"
#include "tests/sim/cryptopay.h"
#include "tests/sim/panel.h"
#include "tests/story/memnet.h"
#include "tests/world/disk.h"

#define WORLD_TELEGRAM "http://telegram.test"
#define WORLD_CRYPTOPAY "http://cryptopay.test"
#define WORLD_CRYPTOPAY_TOKEN "18475:AAH3docExampleTokenForVectors00000"
#define WORLD_START_MS INT64_C(1793612000000) /* 2 November 2026 */
#define WORLD_ADMIN INT64_C(900001)
#define WORLD_PANELS_MAX 5
#define WORLD_SECRET "MARKER-s3cret-panel-password" /* must never be seen anywhere in clear */

struct world_panel {
	struct panel_sim *sim;
	char origin[64];         /* where the bot finds it */
	int64_t panel_id, inbound_id;
};

/* What is for sale; 0 and NULL mean what is said in brackets. */
struct world_inbound {
	int port;               /* [20443] */
	const char *settings;   /* as the panel stores it, without clients [what the protocol needs] */
	const char *stream;     /* [a WebSocket, no TLS] */
	const char *host;       /* the address the seller typed [vpn.example.com] */
};

struct world {
	char dir[64], database[96];
	struct memnet *net;
	struct botapi *telegram;
	struct cryptopay_sim *cryptopay;
	struct world_panel panels[WORLD_PANELS_MAX];
	size_t panels_count;
	struct world_inbound inbound;
	struct config config;
	struct seal_key key;
	struct i18n *i18n;
	struct shared shared;
	struct db *db;
	struct core *core;
	int kills;
	struct buf log;          /* every line, for the search for secrets */
	/* the next death */
	const char *die_at;
	int die_countdown;
	bool lose_requests;
	struct disk *disk;       /* NULL: a file */
	enum disk_end end;       /* what a death leaves on it */
	bool inside;             /* the program's own code runs: neither the test nor a simulator */
	bool dead;               /* nothing that it does counts any more; it is buried at the end of its turn */
	bool broken;             /* it died where nothing of it can be closed */
	int standing;            /* turns since the clock moved */
};

struct world_options {
	const char *versions[WORLD_PANELS_MAX]; /* panels to begin with, "2.8.5" …; NULL ends */
	const char *protocol;                   /* of their inbound; NULL: vless */
	struct world_inbound inbound;           /* of every panel */
	bool no_plan;                           /* else plan 1: "Month", 30 days, 100 GB, 2 devices, 300 XTR, 5.00 USDT */
	int plan_days;                          /* of that plan; 0: 30 */
	bool crypto_pay;                        /* CRYPTO_PAY_TOKEN is set */
	int send_rate_per_s;                    /* 0: 30 */
	bool closed;                            /* the core is not started yet */
	struct disk *disk;                      /* the caller's, who frees it after world_free; NULL: a file */
};

struct world *world_new(const struct world_options *options); /* NULL: one panel 3.6.0, a plan */
void world_free(struct world *w);

/* Life of the process. */
void world_start(struct world *w);
void world_stop(struct world *w);                       /* in an orderly way */
void world_kill(struct world *w);                       /* SIGKILL; world_start starts again */
void world_die_at(struct world *w, const char *step, int nth); /* killed there and started again, once */
/* From within: it ends here, between two statements of the core's; or it goes on to the end of its turn without any effect,
 * where its own code cannot be left. */
_Noreturn void world_dies(struct world *w);
void world_dies_unknowing(struct world *w);

void world_run(struct world *w, int64_t ms);            /* virtual time passes */
void world_settle(struct world *w);                     /* until nothing is under way or due within a second; at most an hour */

/* People. */
int64_t world_customer(struct world *w, const char *name, const char *language);
void world_say(struct world *w, int64_t user, const char *text);   /* and runs 1 s */
/* Taps the button with that label (a part of it) on the newest visible message that has one; asserts that there is one. Runs 1 s. */
void world_tap(struct world *w, int64_t user, const char *label);
bool world_try_tap(struct world *w, int64_t user, const char *label);  /* the same; false: nobody shows it */
const struct botapi_message *world_last(struct world *w, int64_t user);
bool world_sees(struct world *w, int64_t user, const char *part);  /* some visible message shows it */
/* Plans, buys and pays with Stars through the chat; returns when nothing moves any more. */
void world_buy(struct world *w, int64_t user);
int world_pay_invoice(struct world *w, int64_t user);              /* the newest invoice message; the checkout */

/* Panels. */
struct world_panel *world_serve_panel(struct world *w, const char *version, const char *protocol); /* simulator and inbound; the shop knows nothing */
struct world_panel *world_add_panel(struct world *w, const char *version, const char *protocol); /* simulator, row, inbound for sale */
int64_t world_number(struct world *w, const char *sql);            /* one number from the tables */
size_t world_clients_of(struct world *w, struct world_panel *p, int64_t telegram_id); /* by tgId, in all inbounds */

/* The client of this person on the first panel, as it is at this moment. */
struct world_client {
	size_t n;                       /* how many there are; the rest is of the last one */
	struct panel_client_view at;    /* its texts are gone; these are kept: */
	char uuid[64], sub_id[64], email[96], comment[64];
};
struct world_client world_client_of(struct world *w, int64_t telegram_id);
size_t world_count_seen(struct world *w, int64_t user, const char *part); /* visible messages of the bot that show it */
/* Renews with Stars by /renew, or from the card that is shown already (world_tap on a reminder's button). */
void world_renew(struct world *w, int64_t user);
void world_pay_renewal(struct world *w, int64_t user);
/* The shop is closed and the machine off for so long; panels, people and providers live on. */
void world_sleep(struct world *w, int64_t ms);

/* What must hold in the end; asserts. Called by world_free too. */
void world_check(struct world *w);

#endif
