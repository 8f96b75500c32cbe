/* Everything a customer meets: commands, buttons, dialogues, notices. The screens themselves are in the files beside it. */
#ifndef OBOL_SCREENS_SCREENS_H
#define OBOL_SCREENS_SCREENS_H

#include "bot/chat/router.h"

/* Adds the customer's tables to the router and sets the hooks of the shop (orders, payments, reminders). Once, at start. */
void screens_register(void);

/* For core_tables.on_ready: tells Telegram the command menus, per language, and per admin his own. All registered tables
 * count, so main registers the admin's before the core runs. */
enum err screens_ready(struct act *a);

#endif
