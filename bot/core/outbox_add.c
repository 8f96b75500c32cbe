/* What the events of a turn want said, in their order, until outbox_claim writes it.
 *
 * The list only grows. So an event that is undone is cut off its end (turn_undo), and all that went before stands as it was: that
 * an edit is replaced by a later one, or that something has stopped being true, is seen when everything is decided. */
#include "bot/core/core_private.h"

#include <assert.h>
#include <string.h>

static void append(struct turn *t, const struct outgoing *o)
{
	GROW(t->added, t->added_count, t->added_cap);
	t->added[t->added_count++] = *o;
}

void outbox_add(struct act *a, const struct outgoing *o)
{
	assert(o->method && o->payload.len && (o->chat_id || o->lane == LANE_ANSWER));
	append(&a->core->turn, o);
}

/* Takes its place in the list, too: without a method. */
enum err outbox_retract(struct act *a, const char *about)
{
	enum err e = db_run(a->tx, "DELETE FROM outbox WHERE about=?1 AND state=0", about);

	a->core->turn.retracts = true;
	append(&a->core->turn, &(struct outgoing){ .about = arena_strdup(a->arena, about) });
	return e ? e : db_run(a->tx, "UPDATE outbox SET expires_ms=1 WHERE about=?1 AND state=1", about); /* on its way: not once more, if it comes back */
}

static bool is_retracted(const struct turn *t, size_t i)
{
	const char *about = t->retracts ? t->added[i].about : NULL;

	for (size_t k = i + 1; about && k < t->added_count; k++)
		if (!t->added[k].method && strcmp(t->added[k].about, about) == 0)
			return true;
	return false;
}

static bool is_same_edit(const struct outgoing *x, const struct outgoing *y)
{
	return x->edits == y->edits && x->chat_id == y->chat_id;
}

const struct outgoing *outbox_wanted(const struct turn *t, size_t i)
{
	const struct outgoing *o = &t->added[i];
	size_t last = i;

	if (!o->method)
		return NULL;
	for (size_t k = 0; o->edits && k < t->added_count; k++) {
		if (!is_same_edit(&t->added[k], o))
			continue;
		if (k < i)
			return NULL;
		last = k;
	}
	return is_retracted(t, last) ? NULL : &t->added[last];
}
