/* Comparing an answer with a recorded one: exact where the recordings' README says exact, by type where it says
 * volatile. Used by tests/vectors/panel.c. */
#ifndef OBOL_SIM_RECORDED_H
#define OBOL_SIM_RECORDED_H

#include "lib/base/json.h"
#include "tests/sim/sim.h"

/* Credentials that the real panel invented and ours did too: learnt when first met, the same from then on. */
struct recorded_drawn {
	struct { char *want, *have; } pairs[256];
	size_t count;
};
void recorded_drawn_release(struct recorded_drawn *drawn);

struct recorded {
	struct json_object *want;        /* the line's "response" */
	const char *route;               /* "GET panel/api/…" or "GET sub/…", decides what is volatile */
	const struct sim_response *have;
	struct buf *differences;         /* one per line */
	struct recorded_drawn *drawn;
	bool traffic;                    /* bytes went through the real Xray, with what the protocols add to them */
	bool only_msg;                   /* set: the only difference is in msg */
};

/* True when nothing differs, only_msg included. */
bool recorded_same(struct recorded *r);

#endif
