/* Drawing: a screen is one text and one keyboard.
 *
 *	struct screen s;
 *	screen_begin(&s, t);
 *	screen_text(&s, "plans.title");
 *	screen_text(&s, "plans.row", T_STR("name", plan.name), …);
 *	screen_button(&s, "button.buy", "buy", id_text, NULL);
 *	screen_row(&s);
 *	return screen_show(&s);
 *
 * screen_show edits the user's one live message: the tapped one when the tap came from it, else it sends a new one,
 * which becomes the live one. screen_send makes a message of its own that is never edited: money and keys. */
#ifndef OBOL_SCREENS_SCREEN_H
#define OBOL_SCREENS_SCREEN_H

#include "bot/core/outbox.h"
#include "bot/screens/router.h"
#include "lib/telegram/tg_call.h"

struct screen {
	struct talk *talk;          /* NULL: written to somebody without an update (screen_begin_for) */
	struct act *a;
	struct i18n_to to;
	int64_t chat_id, thread_id, user_id;
	struct buf text, markup;    /* released by show, send, drop */
	struct tg_keys keys;
	bool has_keys;
};

void screen_begin(struct screen *s, struct talk *t);
void screen_begin_for(struct screen *s, struct act *a, const struct user *u);              /* notices */
void screen_begin_chat(struct screen *s, struct act *a, int64_t chat_id, int64_t thread_id, int lang); /* admin group */

/* Appends a text of the locale, a line break between pieces. */
#define screen_text(s, ...) SCREEN_TEXT_PICK((s), __VA_ARGS__, (struct i18n_arg){ 0 })
#define SCREEN_TEXT_PICK(s, key, ...) screen_text_list((s), (key), (const struct i18n_arg[]){ __VA_ARGS__ })
void screen_text_list(struct screen *s, const char *key, const struct i18n_arg *args);
void screen_gap(struct screen *s);                        /* an empty line */

/* Buttons; key is of the plain family "button.…". id and arg may be NULL. screen_button_text takes a ready label. */
#define screen_button(s, verb, id, arg, ...) SCREEN_BUTTON_PICK((s), (verb), (id), (arg), __VA_ARGS__, (struct i18n_arg){ 0 })
#define SCREEN_BUTTON_PICK(s, verb, id, arg, key, ...) screen_button_list((s), (verb), (id), (arg), (key), (const struct i18n_arg[]){ __VA_ARGS__ })
void screen_button_list(struct screen *s, const char *verb, const char *id, const char *arg, const char *key, const struct i18n_arg *args);
void screen_button_text(struct screen *s, const char *verb, const char *id, const char *arg, struct str label);
bool screen_button_url(struct screen *s, const char *key, const char *url);    /* false: Telegram would refuse it; left out */
bool screen_button_copy(struct screen *s, const char *key, struct str text);   /* false: longer than 256; left out */
void screen_row(struct screen *s);                        /* the next button starts a row */

enum err screen_show(struct screen *s);
struct send_as {
	enum lane lane;
	enum unknown unknown;       /* UNKNOWN_AGAIN for links, receipts, refund notices */
	const char *about;
	int64_t expires_ms;
	const char *then_name; int64_t then_id;
};
enum err screen_send(struct screen *s, const struct send_as *as); /* NULL: interactive, skip */
void screen_drop(struct screen *s);

/* The little text over a tapped button; answers the callback query, once. key of the plain family "toast.…". */
enum err talk_toast(struct talk *t, const char *key);
/* Deletes the message the user has just sent (a typed password). */
enum err talk_delete_typed(struct talk *t);

/* Settle handler "live": the new message becomes the user's live one. then_id is users.id. */
enum err screen_settle_live(struct act *a, int64_t user_id, const struct tg_answer *answer);

#endif
