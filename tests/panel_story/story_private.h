/* What the files of the story share. */
#ifndef OBOL_PANEL_STORY_PRIVATE_H
#define OBOL_PANEL_STORY_PRIVATE_H

#include "lib/base/rand.h"
#include "lib/http/client.h"
#include "lib/links/link.h"
#include "tests/panel_story/story.h"

#define STORY_POLL_MS (12 * SECOND_MS)    /* longer than any panel's traffic poll: 10 s in 2.x, 5 s in 3.x */
#define STORY_CUT_MS (40 * SECOND_MS)     /* a limit that is reached cuts within this */
#define STORY_PASS_MS (60 * SECOND_MS)    /* a client that was let in again passes within this: Xray may restart, and 3.0.2
					   * hands a user over up to 30 s late */
#define STORY_SETTLE_MS (3 * SECOND_MS)   /* between two tries of a write that did not hold */
#define STORY_TRIES_MAX 5

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)

/* A client of ours: its name and keys are drawn before the first call, as the shop does. */
struct made {
	char email[32], uuid[UUID_CHARS + 1], sub_id[17], password[25];
	bool on_panel;                    /* perhaps: set before the add is sent */
};

struct story {
	const struct story_config *config;
	const struct story_world *world;
	struct xui_panel panel;
	struct http_client *http;
	struct arena arena;               /* as long as the story */
	struct story_score score;
	struct buf detail, faults;        /* of the step under way */
	bool is_over;                     /* the panel cannot be used: only clean up */
	struct made first, second;
	struct xui_inbound inbound;
	struct str hosts;                 /* its hosts as a JSON list; empty without */
	size_t clients_before;
	struct xui_settings settings;
	struct str link;                  /* delivered for the first client; empty when this protocol has none */
	struct xui_client wanted;         /* limits of the first client as last written */
};

/* --- ask.c --- */

/* One operation to its end. */
const struct xui_result *story_ask(struct story *s, const struct xui_ask *ask);
/* The same, but the answer of the first write is thrown away, as if the connection had broken behind the request. */
const struct xui_result *story_ask_losing(struct story *s, const struct xui_ask *ask);
/* GET of a page that is no API call: the subscription. The caller releases. */
struct http_done story_get(struct story *s, const char *url);
void story_wait(struct story *s, int64_t ms);
bool story_is_stopped(const struct story *s);

struct xui_ask ask_about(const struct story *s, enum xui_what what, const struct made *who);
struct xui_look story_look(struct story *s, const struct made *who); /* zero and a failed check when it cannot be had */

/* --- story.c --- */

/* Counts one check; what says what should be so. Returns ok. */
bool story_check(struct story *s, bool ok, const char *what);
/* For results: OK expected, otherwise error and the panel's own words are shown. */
bool story_check_ok(struct story *s, const struct xui_result *r, const char *what);
void story_say(struct story *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- delivery.c --- */

/* Makes the links of a client that was just looked at, reads them back, compares them with the panel's subscription. */
void story_deliver(struct story *s, const struct xui_client *client);

/* --- steps.c --- */

struct story_step {
	const char *name;
	void (*play)(struct story *s);
	bool needs_traffic;
};

extern const struct story_step story_steps[];
extern const size_t story_steps_count;

/* Removes what may still be there, patiently. */
void story_clean_up(struct story *s);

#endif
