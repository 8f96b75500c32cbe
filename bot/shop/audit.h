/* The book of who did what to whom, and why (R080): rows are added and read, never changed.
 *
 * No secret belongs here: whatever an admin types (reasons, values) is bounded, cleaned and blanked like a log line. */
#ifndef OBOL_SHOP_AUDIT_H
#define OBOL_SHOP_AUDIT_H

#include "bot/core/act.h"

#define AUDIT_TEXT_BYTES_MAX 300

/* action: a dotted word of ours ("panel.add"); subject: what it was done to, as people read it ("3. Amsterdam", an
 * order's number). actor_id is users.id, 0: the program. reason and detail may be NULL. */
enum err audit_add(struct act *a, int64_t actor_id, const char *action, const char *subject, const char *reason, const char *detail);

struct audit_row {
	int64_t at_ms, actor_id;      /* 0: the program */
	char *action, *subject, *reason, *detail; /* the last two may be NULL */
};
enum err audit_list(struct audit_row *out, size_t *count, size_t max, struct act *a); /* newest first */

#endif
