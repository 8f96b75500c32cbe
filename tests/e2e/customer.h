/* People in front of the real program, and what must be true of them in the end. Fails the test when it is not so. */
#ifndef OBOL_E2E_CUSTOMER_H
#define OBOL_E2E_CUSTOMER_H

#include "tests/e2e/harness.h"

int64_t customer_new(struct rig *r, const char *name); /* has pressed START and seen an answer */
void customer_say(struct rig *r, int64_t user, const char *text);
bool customer_sees(struct rig *r, int64_t user, const char *part);
void customer_tap(struct rig *r, int64_t user, const char *label); /* waits for a button with this in its label */
void customer_order(struct rig *r, int64_t user, const char *way);  /* plan "Month" up to the choice of "Telegram Stars" … */
const struct botapi_message *customer_bill(struct rig *r, int64_t user); /* the newest Stars invoice message; NULL: none yet */
int customer_pay(struct rig *r, int64_t user);                     /* waits for the bill; the checkout */
bool customer_has_link(struct rig *r, int64_t user);
size_t customer_clients(struct rig *r, int64_t user);              /* on all panels together */

/* Waits until this person's one order is delivered and the link is in the chat, and until nothing is under way; then:
 * one client with the plan's values, one payment that counts, one revenue. */
void customer_gets_once(struct rig *r, int64_t user);
void rig_settle(struct rig *r);       /* nothing is queued, under way or waits for a next try */
void rig_assert_books(struct rig *r); /* books and panels agree: every payment is in the books once, no order is paid for twice */
void rig_assert_sound(struct rig *r); /* the same, and nothing was given up: books, panels and database agree; nothing was lost or made twice */

#endif
