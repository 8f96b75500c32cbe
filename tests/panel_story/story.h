/* The life of one client on a 3X-UI panel, played step by step and checked after each.
 *
 * Everything goes the way the product goes: lib/xui decides what is sent, the real HTTP client sends it, lib/links makes
 * what a customer gets. The same story runs against real panels (main.c) and against our simulators behind a socket
 * (tests/e2e): what one of them accepts and the other refuses is a fault of ours.
 *
 * Two clients are made, with random names, in one inbound that exists; nothing else on the panel is touched. Both are
 * removed at the end, whatever happened before and also when the story is stopped half-way. */
#ifndef OBOL_PANEL_STORY_H
#define OBOL_PANEL_STORY_H

#include <signal.h>
#include <stdio.h>

#include "lib/xui/xui.h"

/* What the world around the story does for it. */
struct story_world {
	void (*wait)(void *ctx, int64_t ms);  /* may return early; a simulated world moves its clock instead */
	/* Moves bytes through the access that the link gives, in a connection of its own. E_IO: nothing came through;
	 * others: it cannot be tried. NULL: the story goes without traffic. */
	enum err (*carry)(void *ctx, struct str link, int64_t *bytes);
	void *ctx;
	const volatile sig_atomic_t *stop;    /* set: no further step, clean up. NULL: never */
	FILE *out;                            /* one line per step; no secrets */
};

struct story_config {
	struct xui_panel panel;               /* as after xui_panel's own rules; dialect unknown */
	int64_t inbound_id;
	const char *host;                     /* address for the links; NULL: as the panel says */
};

struct story_score {
	int passed, failed;                   /* checks; an interruption and a client left behind count as failed */
};

/* Takes about a minute on a real panel, two with traffic. The last line it writes is "N passed, N failed". */
struct story_score panel_story_play(const struct story_config *config, const struct story_world *world);

#endif
