/* What a handler gets: the open transaction, its memory, the time, and what all of the program shares.
 *
 * A handler is an ordinary function that never waits. It reads and writes tx and adds effects (outbox.h, jobs.h); they
 * leave after the commit. Any error it returns undoes everything it did, effects included. */
#ifndef OBOL_CORE_ACT_H
#define OBOL_CORE_ACT_H

#include "lib/base/mem.h"
#include "lib/crypto/seal.h"
#include "lib/i18n/i18n.h"
#include "lib/store/db.h"

struct config;
struct core;

/* Set once at start, the same for everybody. */
struct shared {
	const struct config *config;
	const struct i18n *i18n;
	const struct seal_key *key;
	int64_t bot_id;             /* 0 until getMe has answered */
	char bot_username[65];
};

struct act {
	struct core *core;
	const struct shared *shared;
	struct db *tx;
	struct arena *arena;        /* gone after the effects of this turn have left */
	int64_t now_ms;
};

#endif
