/* People in the chat: they tap what a button says, wait for what they expect to read, and everything the bot sends is
 * printed as Telegram's simulator received it.
 *
 * What a person expects is named by its key in locales/en.json, never by a written text: "deliver.ready" is met by any
 * message with the fixed words of that text, whatever stands in its {{places}}. A counted text is met by each of its forms.
 *
 * Nothing sleeps: each expectation waits for the simulators to change, up to a deadline. The first thing that cannot be
 * done is explained, and all later calls return false at once; the story looks at play.failed in the end. */
#ifndef OBOL_DEMO_PLAY_H
#define OBOL_DEMO_PLAY_H

#include <stdio.h>

#include "tests/demo/stage.h"

struct play {
	struct stage *stage;
	FILE *out;                   /* NULL: nothing is printed */
	bool color;
	struct json_object *texts;   /* locales/en.json */
	size_t printed;              /* calls of Telegram's journal that were */
	size_t mark;                 /* calls before the last thing a person did */
	size_t messages, steps;      /* from the bot; done so far */
	const struct cast_person *me; /* who acts */
	const char *step;            /* for the failure */
	bool failed, stopped;        /* stopped: by a signal, nothing has failed */
	struct arena arena;          /* what play_await and play_part give lives until play_close */
};

/* E.g. play_open(&p, stage, stdout, "locales/en.json"). False: no such file. */
bool play_open(struct play *p, struct stage *stage, FILE *out, const char *texts_path);
void play_close(struct play *p);

void play_step(struct play *p, const char *title); /* a heading */
void play_as(struct play *p, const struct cast_person *person);
void play_note(struct play *p, const char *format, ...) __attribute__((format(printf, 2, 3))); /* of another simulator */
bool play_fail(struct play *p, const char *format, ...) __attribute__((format(printf, 2, 3))); /* false */

/* Says or taps; printed too. The button is the newest visible one with the words of that key that also holds the text
 * (NULL: any). */
bool play_say(struct play *p, const char *text);
bool play_tap(struct play *p, const char *key, const char *holding);
/* The same where the button may be missing: true when it was there. Nothing is waited for. */
bool play_tap_if(struct play *p, const char *key, const char *holding);
bool play_sees_button(struct play *p, const char *key, const char *holding);
/* The web address behind a button of that key, "" after a failure; waits for it. */
const char *play_address(struct play *p, const char *key, const char *holding);

/* Waits until the bot has written something with the words of this key to the one who acts, after what was last said or
 * tapped. Its HTML as sent, NULL after a failure. */
const char *play_await(struct play *p, const char *key);
/* One of several, ended by NULL; *which says the one. */
const char *play_await_any(struct play *p, const char *const *keys, size_t *which);
/* The same without waiting for a reply: also what came earlier. */
const char *play_seen(struct play *p, const char *key);

/* What stands in <code> in that HTML, nth 0 the first; "" if there is none. */
const char *play_code(struct play *p, const char *html, size_t nth);

/* Pays the newest invoice with Stars; true when the money has moved. */
bool play_pay_stars(struct play *p);
/* Waits until done(ctx) under the lock; what names it in the failure. */
bool play_until(struct play *p, bool (*done)(void *ctx), void *ctx, const char *what);

#endif
