/* The wall clock set back.
 *
 * What is due is kept by the wall clock. One that was ahead has written moments that lie far ahead once it is right again:
 * until then nothing would be tried once more, looked at or reminded of, whatever started anew meanwhile. So that it was set
 * back is noticed, while we run against the clock that nobody sets, at a start against the newest moment at which a schedule
 * is known to have run; and whatever waits for a moment is moved back by as much. Some of it may then be early, which all of
 * it can be. */
#include "bot/core/core_private.h"

#include "lib/base/log.h"

#define NOTICED_MS (2 * SECOND_MS) /* less is corrected all the time */

static int64_t offset_ms(void)
{
	return clock_now_ms() - clock_mono_us() / 1000;
}

static int64_t moved(int64_t at_ms, int64_t by_ms)
{
	return at_ms > by_ms ? at_ms - by_ms : at_ms;
}

void wall_look(struct core *c)
{
	int64_t back_ms = c->wall_offset_ms - offset_ms();
	struct poll *p = &c->poll;

	if (back_ms < NOTICED_MS && back_ms > -NOTICED_MS)
		return;
	c->wall_offset_ms -= back_ms;
	if (back_ms < 0)
		return; /* set ahead: what is due meanwhile is done late, as on a machine that slept */
	c->set_back_ms += back_ms;
	p->conflict_since_ms = moved(p->conflict_since_ms, back_ms);
	p->refused_since_ms = moved(p->refused_since_ms, back_ms);
	p->last_batch_ms = moved(p->last_batch_ms, back_ms);
}

/* What came while it was ahead would be kept until that has passed. Ids ascend with time: it is all behind the last that came by
 * a right clock, which is found without an index, and without a look at the others. */
static enum err move_received(struct core *c)
{
	return db_run(c->db, "UPDATE inbox SET received_ms=received_ms-?1 WHERE update_id>coalesce("
		"(SELECT update_id FROM inbox WHERE received_ms<=?2 ORDER BY update_id DESC LIMIT 1), -1)", c->set_back_ms, clock_now_ms());
}

enum err wall_settle(struct core *c)
{
	enum err e;

	if (!c->set_back_ms)
		return OK;
	log_warn("clock.set_back", KV("by_ms", c->set_back_ms));
	e = db_run(c->db, "UPDATE jobs SET next_ms=next_ms-?1 WHERE state=0", c->set_back_ms);
	if (!e)
		e = db_run(c->db, "UPDATE inbox SET next_ms=next_ms-?1 WHERE state=1", c->set_back_ms);
	if (!e)
		e = db_run(c->db, "UPDATE outbox SET not_before_ms=not_before_ms-?1 WHERE not_before_ms>0", c->set_back_ms);
	if (!e)
		e = move_received(c);
	c->inbox_next_ms = c->jobs_next_ms = 0; /* look at the rows again */
	return e ? e : schedules_open(c);
}

enum err wall_open(struct core *c)
{
	int64_t ran_ms;
	enum err e = schedules_ran(&ran_ms, c);

	c->wall_offset_ms = offset_ms();
	c->set_back_ms = !e && ran_ms > clock_now_ms() ? ran_ms - clock_now_ms() : 0;
	if (!e)
		e = wall_settle(c);
	c->set_back_ms = 0;
	return e;
}
