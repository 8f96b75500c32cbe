/* The stage: Telegram, three panels and Crypto Pay as simulators on sockets of this machine, and the real bot as a process
 * of its own that finds them by its environment. Nothing of it outlives stage_close.
 *
 * The simulators live in a thread (serve.h): look at them and touch them between stage_lock and stage_unlock. */
#ifndef OBOL_DEMO_STAGE_H
#define OBOL_DEMO_STAGE_H

#include <sys/types.h>

#include "lib/base/buf.h"
#include "tests/demo/cast.h"
#include "tests/sim/botapi.h"
#include "tests/sim/cryptopay.h"
#include "tests/sim/panel.h"
#include "tests/sim/serve.h"

struct stage_panel {
	struct panel_sim *sim;
	const struct cast_panel *cast;
	char dialect;                /* 'A' 'B' 'C' */
	int socket;
	char url[96];                /* as an admin types it */
	bool down;
	int64_t delay_ms;
};

struct stage {
	const struct cast *cast;
	struct serve *serve;
	struct botapi *telegram;
	struct cryptopay_sim *pay;
	struct stage_panel panels[CAST_PANELS];
	int telegram_socket, pay_socket;
	char dir[64];                /* the bot's database, key and log */
	pid_t bot;                   /* 0: not running */
	int bot_fd, changed_fd, signal_fd;
	int64_t began_us;
};

/* Everything but the bot. Signals to end (INT, TERM, HUP) are taken by stage_wait from now on. False: why says it. */
bool stage_open(struct stage *s, const struct cast *cast, struct buf *why);
/* A further model beside them, before the bot starts; its number in s->serve. */
int stage_add(struct stage *s, sim_handler *handler, void *model);
bool stage_start_bot(struct stage *s, const char *program, struct buf *why);
void stage_close(struct stage *s); /* ends the bot, removes its directory; also of a stage half open */

void stage_lock(struct stage *s);
void stage_unlock(struct stage *s);
void stage_touched(struct stage *s); /* a person did something: whoever waits is asked again */

enum stage_event {
	STAGE_CHANGED,   /* an answer left one of the simulators */
	STAGE_QUIET,     /* nothing did in that time */
	STAGE_BOT_GONE,  /* the bot's process has ended */
	STAGE_STOP       /* somebody wants us to end */
};
enum stage_event stage_wait(struct stage *s, int timeout_ms);

/* Knobs of a panel; under the lock. */
void stage_panel_set(struct stage_panel *p, bool down, int64_t delay_ms);

/* The last lines the bot logged. */
void stage_log_tail(struct buf *out, const struct stage *s);

#endif
