/* People who buy and renew all the time, with Stars and with Crypto Pay, in front of a program that may die at any moment.
 *
 * Nobody here waits: crowd_step looks at each of them and lets them do the next thing they would do. Whoever gets no
 * answer for a while asks again, as people do. A person pays once for each purchase, but some press Pay twice at once.
 * The service's callbacks are delivered whenever the program listens, and an admin does what admins are told to do:
 * tests a panel that is said to fail, retries what is said to be stuck.
 *
 * Everything is drawn from lib/base/rand.h: a seeded source makes the same people. */
#ifndef OBOL_E2E_CROWD_H
#define OBOL_E2E_CROWD_H

#include "tests/e2e/harness.h"

struct crowd;

struct crowd_figures {
	size_t people, purchases;   /* who ever came; what was paid for, as the simulators know it */
	size_t payments, twice;     /* movements of money; of them those of a second press of Pay */
	size_t panels_tested, orders_retried, money_retried; /* by the admin */
};

struct crowd *crowd_new(struct rig *r, size_t at_once); /* so many people are there at any time; the program runs */
void crowd_free(struct crowd *c);

void crowd_step(struct crowd *c);
void crowd_close(struct crowd *c);             /* nobody begins a purchase any more */
bool crowd_is_quiet(struct crowd *c);          /* nobody waits for an answer, a callback or money on its way */
struct crowd_figures crowd_figures(const struct crowd *c);

/* What must be true in the end, from outside and in the books. Fails the test when it is not so. */
void crowd_assert_served(struct crowd *c);

#endif
