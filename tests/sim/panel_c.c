/* Dialect C (3.1.0 and later): clients as entities of their own. */
#include "tests/sim/panel_private.h"

static void c_subscribe(struct panel_call *call)
{
	panel_answer_empty(call, 404);
}

const struct panel_dialect panel_dialect_c = { .subscribe = c_subscribe };
