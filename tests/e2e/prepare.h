/* A shop that is ready to sell, without the dialogues of its admin: the bot's own rules run in this process on the rig's
 * database, against the rig's simulators, before the program itself is started. */
#ifndef OBOL_E2E_PREPARE_H
#define OBOL_E2E_PREPARE_H

#include "bot/core/act.h"
#include "tests/e2e/harness.h"

/* Runs fn in the shop's database; fn may add jobs: they are done when the program runs. The program is not running; it
 * ran at least once or is started and stopped here. */
void prepare_with(struct rig *r, enum err (*fn)(struct act *a, void *ctx), void *ctx);

/* All panels of the rig as rows of their own, tried and for sale; one plan: "Month", 30 days, 100 GB, 2 devices, 300 XTR,
 * 5.00 USDT. */
void prepare_shop(struct rig *r);

/* Panels that are known to the shop and need not answer: their rows alone. */
void prepare_panels(struct rig *r, const char *const *urls, size_t count);

/* Gives the bot a callback of the payment service, at the path only the two of them know; the status. */
int prepare_deliver(struct rig *r, const struct cryptopay_callback *callback);
const char *prepare_callback_path(struct rig *r, struct arena *arena);

#endif
