/* After an unclean stop: something may have stopped us, and would do so again.
 *
 * For a while we are careful: updates are taken one by one, each with its crash counted before it is decided (inbox.c), and
 * so are jobs (jobs.c).
 *
 * Jobs and messages that were under way when the process ended have crashes > 0 until they settle: they are suspects. One of
 * them did it, or none. Two suspects are never under way at once, and none beside an update that is taken alone. So what kills
 * does so beside those alone that were never under way at such an end before: whoever was beside it once is not beside it
 * again, and is not set aside in its place. A panel may kill with a new job each time, and somebody else's be under way beside
 * all of them: so a job that was at two ends is taken alone. */
#include "bot/core/core_private.h"

#define FIRST_BATCH_MS (2 * SECOND_MS) /* so long suspects wait for the updates that were there already, which may have done it */

void careful_begin(struct core *c)
{
	c->careful_until_us = clock_mono_us() + CAREFUL_MS * 1000;
	c->careful_again = true;
}

void careful_batch(struct core *c)
{
	if (!c->careful_again)
		return;
	c->careful_again = false;
	c->careful_until_us = clock_mono_us() + CAREFUL_MS * 1000;
	c->jobs_next_ms = 0; /* suspects may be among them */
}

/* Time alone does not end it while a row is due that was to be taken alone: the machine may stop at any moment. Nor does
 * a wall clock that is set, as it often is after a power cut. A row that waits for such a moment gets some more time: when
 * that has been in vain, inbox_decide_waiting ends it. */
void careful_look(struct core *c)
{
	if (clock_mono_us() >= c->careful_until_us && c->inbox_next_ms > clock_now_ms() && !c->inbox_waits_alone)
		c->careful_until_us = 0;
}

bool careful_suspect_is_out(const struct core *c)
{
	for (const struct send *s = c->sends.next; s != &c->sends; s = s->next)
		if (s->suspect)
			return true;
	for (const struct run *r = c->runs.next; r != &c->runs; r = r->next)
		if (r->suspect)
			return true;
	return false;
}

/* What is under way might be sent twice: for that a row waits for as long as we are careful, and no longer, as there may be no
 * end of it. */
static bool something_is_out(const struct core *c)
{
	return clock_mono_us() < c->careful_until_us && (!LIST_EMPTY(&c->sends) || careful_suspect_is_out(c));
}

/* What was decided, or moved by a clock that was set back, before it in this turn would be committed with the count of its crash. */
bool careful_row_is_alone(const struct core *c)
{
	return !c->events && !c->turn.added_count && !c->turn.calls_count && !c->set_back_ms && !something_is_out(c);
}

/* It would be, with the next turn, but for the event that a job of this one makes. */
bool careful_row_is_next(const struct core *c)
{
	return c->inbox_waits_alone && !something_is_out(c);
}

bool careful_takes_suspect(const struct core *c)
{
	bool first_batch_may_come = c->careful_again && c->careful_until_us - clock_mono_us() > (CAREFUL_MS - FIRST_BATCH_MS) * 1000;

	if (c->inbox_next_ms <= clock_now_ms())
		return false; /* a row that is due goes first, also when the careful time ran out over it: it may be what kills */
	return !careful_suspect_is_out(c) && !(c->careful_until_us && (c->inbox_waiting || first_batch_may_come));
}
