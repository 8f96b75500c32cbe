/* The story that is played: an admin sets the shop up, a customer buys with Stars and renews with Crypto Pay. */
#ifndef OBOL_DEMO_SCRIPT_H
#define OBOL_DEMO_SCRIPT_H

#include "tests/demo/play.h"

/* The admin's part: so many panels and a plan, all in the chat. False: play_fail was called. */
bool script_set_up(struct play *p, size_t panels);
/* The customer's part, the QR read by zbarimg, the panel looked at; then the figures. */
bool script_purchase(struct play *p);
void script_summary(struct play *p);

#endif
