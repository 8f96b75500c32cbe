/* Calls to Telegram that leave after the commit: the outbox.
 *
 *   outbox_add ──(same commit)──▶ row ──claim, commit──▶ sent ──answer──▶ settle: row gone
 *                                  ▲                        │
 *                                  └── 429, 5xx, unsent ────┤
 *                                                           └── answer lost or crash: UNKNOWN_AGAIN sends again,
 *                                                               UNKNOWN_SKIP drops (architecture.md, the table of effects)
 *
 * Invariants:
 *  1. A row is claimed in one commit, sent after it, settled in a later one; a claimed row of a running process has a live call.
 *  2. The order inside a chat and Telegram's limits are the pacer's; answers to queries pass it by.
 *  3. Two unclaimed edits of one message are one: the later text.
 *  4. A message is true when its row is claimed: expired and retracted rows are never sent. */
#ifndef OBOL_CORE_OUTBOX_H
#define OBOL_CORE_OUTBOX_H

#include "bot/core/act.h"
#include "lib/telegram/tg_answer.h"

enum lane {
	LANE_INTERACTIVE, /* what somebody waits for */
	LANE_REST,        /* notices, broadcasts */
	LANE_ANSWER       /* answers to pre-checkout and callback queries: no bucket, first */
};

enum unknown { UNKNOWN_SKIP, UNKNOWN_AGAIN };

struct outgoing {
	const char *method;      /* a TG_… literal */
	int64_t chat_id;
	struct str payload;      /* lives in the arena of the act, or longer */
	struct str qr;           /* not empty: drawn as a QR code, sent as the photo */
	enum lane lane;
	enum unknown unknown;
	int64_t expires_ms;      /* 0: never */
	int64_t edits;           /* the message edited; 0: a new one */
	const char *about;       /* the fact it states, for outbox_retract; NULL: none */
	const char *then_name;   /* row of core_tables.settles that hears the answer; NULL: nobody */
	int64_t then_id;
};

void outbox_add(struct act *a, const struct outgoing *o);

/* Rows about this fact are not sent: it has stopped being true. What is on its way already is not sent once more. */
enum err outbox_retract(struct act *a, const char *about);

/* What a settle handler hears when its row has ended. verdict is never one that leads to another try. */
typedef enum err outbox_settle(struct act *a, int64_t then_id, const struct tg_answer *answer);

#endif
