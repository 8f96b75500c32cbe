/* Dangerous acts ask first (R281): one mechanism for all of them.
 *
 *	screen_text(&s, "admin.ban.ask", …);                 the consequences
 *	confirm_show(&s, "ban", user.public_id, reason);     the buttons Yes and No; shown, or dropped with an error
 *
 * Yes carries a one-time code, drawn for this question and this admin. It works once, within five minutes; then, or
 * pressed by somebody else, it does nothing and says so. What is done is a row of the table of dangerous acts: the
 * button names the question, never the act, so that a forged one can do nothing that was not asked. */
#ifndef OBOL_ADMIN_CONFIRM_H
#define OBOL_ADMIN_CONFIRM_H

#include "bot/chat/screen.h"

#define CONFIRM_SUBJECT_BYTES_MAX 64

struct dangerous_act {
	const char *name;
	/* subject and reason as they were given to confirm_show; the state of things may have changed since. */
	enum err (*run)(struct talk *t, struct str subject, const char *reason);
};

void confirm_set_acts(const struct dangerous_act *acts, size_t count);

/* Adds the two buttons to a screen of a talk and shows it; the screen is used up. reason may be NULL. */
enum err confirm_show(struct screen *s, const char *act, const char *subject, const char *reason);

/* The verbs "yes:CODE" and "no:CODE". */
enum err confirm_yes(struct talk *t, struct str code, struct str arg);
enum err confirm_no(struct talk *t, struct str code, struct str arg);

#endif
