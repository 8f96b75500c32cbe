/* Comparing an answer with a recorded one: exact where the recordings' README says exact, by type where it says
 * volatile. Used by tests/vectors/panel.c. */
#ifndef OBOL_SIM_RECORDED_H
#define OBOL_SIM_RECORDED_H

#include "lib/base/json.h"
#include "tests/sim/sim.h"

struct recorded {
	struct json_object *want;        /* the line's "response" */
	const char *route;               /* "GET panel/api/…" or "GET sub/…", decides what is volatile */
	const struct sim_response *have;
	struct buf *differences;         /* one per line */
	bool only_msg;                   /* set: the only difference is in msg */
};

/* True when nothing differs, only_msg included. */
bool recorded_same(struct recorded *r);

#endif
