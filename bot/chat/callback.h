/* callback_data, built and read in one place: "verb", "verb:id" or "verb:id:arg", at most 64 bytes.
 *
 * What we build fits by construction: verbs, public ids and arguments are ours and short (asserted). What comes back was
 * chosen by whoever sent it: the parts are only words to look up, never a right to anything. */
#ifndef OBOL_CHAT_CALLBACK_H
#define OBOL_CHAT_CALLBACK_H

#include "lib/telegram/tg_call.h"

struct callback {
	struct str verb, id, arg; /* missing parts are empty */
};

/* id and arg may be NULL. */
struct str callback_build(char out[TG_BUTTON_DATA_BYTES_MAX + 1], const char *verb, const char *id, const char *arg);
/* Parts borrow from data; everything behind the second colon is arg. */
struct callback callback_read(struct str data);

#endif
