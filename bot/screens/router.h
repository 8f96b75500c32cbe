/* From an update to the function that handles it: tables of commands, button verbs and dialogues.
 *
 * callback_data is "verb:id[:arg]", at most 64 bytes by construction; a start payload is one letter, '_', code. Old,
 * foreign and forged ones come: an unknown verb, a row that is gone, or somebody else's row redraws the first screen
 * ("this button was old"), never fails (B27, R194). WHO_ADMIN rows are unknown to everybody else: the same answer as
 * for a command or button that does not exist (R276). Groups: only admin commands, and only for admins.
 *
 * bot/screens and bot/admin each own tables; main registers both. A test walks them: unique names, texts in every locale. */
#ifndef OBOL_SCREENS_ROUTER_H
#define OBOL_SCREENS_ROUTER_H

#include "bot/shop/user.h"

enum who { WHO_ANYONE, WHO_ADMIN };

/* One update under way, and whom it came from. */
struct talk {
	struct act *a;
	const struct tg_update *u;
	struct user user;
	struct i18n_to to;          /* language and zone of the user */
	int64_t chat_id, thread_id;
	int64_t tapped_id;          /* message whose button was tapped; 0: typed */
	bool in_group;
	bool query_answered;        /* the callback query has its answer already */
	bool shown;                 /* a screen was shown */
};

struct command_row {
	const char *name;           /* without '/' */
	enum who who;
	const char *menu_key;       /* "cmd.plans": in the command menu of that who; NULL: not in the menu */
	enum err (*run)(struct talk *t, struct str args);
};

struct verb_row {
	const char *verb;
	enum who who;
	enum err (*run)(struct talk *t, struct str id, struct str arg);
};

/* What the next typed text (or picture, forwarded message) answers; users.dialogue is "name" or "name:state". */
struct dialogue_row {
	const char *name;
	enum who who;
	enum err (*run)(struct talk *t, struct str state, struct str text);
};

struct router_tables {
	const struct command_row *commands; size_t commands_count;
	const struct verb_row *verbs; size_t verbs_count;
	const struct dialogue_row *dialogues; size_t dialogues_count;
};

#define ROUTER_TABLES_MAX 4
void router_add(const struct router_tables *tables); /* kept by address; at start only */
void router_reset(void);                             /* tests: forget all */
size_t router_tables(const struct router_tables **out); /* for the test that walks them; ROUTER_TABLES_MAX entries */

/* The core's tables: on_update, is_money, on_parked. Payments go to the shop, everything else through the tables. */
enum err router_update(struct act *a, const struct tg_update *u);
bool router_is_money(const struct tg_update *u);
enum err router_parked(struct act *a, const struct tg_update *u);

/* Ends or begins a dialogue. state may be NULL. A command or a tap on another screen ends it by itself. */
enum err talk_expect(struct talk *t, const char *dialogue, const char *state);
enum err talk_expect_nothing(struct talk *t);
/* The customer's first screen (status card), from anywhere. */
enum err router_home(struct talk *t);
void router_set_home(enum err (*home)(struct talk *t));

#endif
