/* Who did what to whom: rows that are never changed or deleted. */
#ifndef OBOL_SHOP_AUDIT_H
#define OBOL_SHOP_AUDIT_H

#include "bot/core/act.h"

/* actor_id is users.id, 0: the program. subject is "kind:public id"; reason and detail may be NULL and hold no secrets. */
enum err audit_add(struct act *a, int64_t actor_id, const char *action, const char *subject, const char *reason, const char *detail);

#endif
