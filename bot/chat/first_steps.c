/* One question per step, in the order in which an owner takes them. */
#include "bot/chat/first_steps.h"

enum err first_step(const char **key, struct act *a)
{
	static const struct { const char *key, *sql; } steps[] = {
		{ "admin.first.no_panel",   "SELECT EXISTS(SELECT 1 FROM panels WHERE deleted_ms=0)" },
		{ "admin.first.no_inbound", "SELECT EXISTS(SELECT 1 FROM inbounds WHERE for_sale=1 AND gone=0)" },
		{ "admin.first.no_plan",    "SELECT EXISTS(SELECT 1 FROM plans WHERE on_sale=1 AND deleted_ms=0)" },
	};

	*key = NULL;
	for (size_t i = 0; i < countof(steps); i++) {
		int64_t done = 0;
		enum err e = db_get_i64(&done, a->tx, steps[i].sql);

		if (e)
			return e;
		if (!done) {
			*key = steps[i].key;
			return OK;
		}
	}
	return OK;
}
