/* Who may be written to now: Telegram's limits and the order inside a chat, as a data structure without clock or store.
 *
 * Limits (Bot API, "My bot is hitting limits"): the whole bot, one chat about 1 message/s with short bursts, one group
 * 20 a minute. Each limit is one number per bucket, the theoretical arrival time of GCRA, chosen so that *no* window of
 * the limit's length ever holds more than the limit.
 *
 * Invariants:
 *  1. A chat has at most one message under way; the next one waits for its end, so the order inside a chat is kept.
 *  2. Interactive messages go before the rest, in a chat and over all chats; the rest leaves them room to spare.
 *  3. What was added comes out of pacer_next exactly once, or is still inside.
 *
 * Answers (pre-checkout, callback) do not pass here at all. */
#ifndef OBOL_CORE_PACER_H
#define OBOL_CORE_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pacer_lane { PACER_INTERACTIVE, PACER_REST, PACER_LANES };

struct pacer;

struct pacer_item {
	int64_t id;       /* the caller's; order inside a chat and lane is the order of adding */
	int64_t chat_id;  /* negative: a group */
	enum pacer_lane lane;
};

struct pacer *pacer_new(int rate_per_s); /* of the whole bot; 0: unlimited */
void pacer_free(struct pacer *p);
/* Nothing waits and nothing is under way; what was sent a moment ago and who has to wait is not forgotten. */
void pacer_empty(struct pacer *p);

void pacer_add(struct pacer *p, const struct pacer_item *item);
/* Takes what may leave now; its chat is busy until pacer_done. False: nothing may leave before pacer_due_us. */
bool pacer_next(struct pacer *p, struct pacer_item *item, int64_t now_us);
/* The shortcut of add and next for a message that is not queued yet: true takes it (the chat is busy), false: add it. */
bool pacer_try(struct pacer *p, const struct pacer_item *item, int64_t now_us);

void pacer_done(struct pacer *p, int64_t chat_id, int64_t now_us);         /* the message under way has ended */
void pacer_put_back(struct pacer *p, const struct pacer_item *item, int64_t not_before_us); /* it goes first again; ends "under way" */
/* 429: this chat waits. When two chats are told to within 5 s, everything waits (the answer does not say which limit it was). */
void pacer_pause(struct pacer *p, int64_t chat_id, int64_t now_us, int64_t until_us);

int64_t pacer_due_us(const struct pacer *p); /* when pacer_next is worth calling; INT64_MAX: not before something changes */
size_t pacer_queued(const struct pacer *p);
size_t pacer_chats(const struct pacer *p);   /* remembered, for the memory bound's test */

#endif
