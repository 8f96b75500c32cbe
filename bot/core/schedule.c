/* Schedules: rows with the next moment; each slot at most once, a missed one once, late (R127). */
#include "bot/core/core_private.h"

#include <string.h>

#include "lib/base/log.h"

static int64_t slot_after(int64_t now_ms, int64_t every_ms)
{
	return (now_ms / every_ms + 1) * every_ms;
}

static enum err load_next(struct core *c)
{
	return db_get_i64(&c->schedules_next_ms, c->db, "SELECT coalesce(min(next_ms), 9223372036854775807) FROM schedules");
}

/* A slot far ahead of its period was written by a clock that was wrong. */
enum err schedules_open(struct core *c)
{
	int64_t now_ms = clock_now_ms();
	enum err e = OK;

	for (size_t i = 0; !e && i < c->tables->schedules_count; i++) {
		const struct schedule_row *s = &c->tables->schedules[i];

		e = db_run(c->db, "INSERT INTO schedules(name, next_ms) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET next_ms=?2 WHERE next_ms>?3",
			s->name, slot_after(now_ms, s->every_ms), now_ms + 2 * s->every_ms);
	}
	return e ? e : load_next(c);
}

static enum err next_of(int64_t *next_ms, struct core *c, const struct schedule_row *s)
{
	return db_get_i64(next_ms, c->db, "SELECT next_ms FROM schedules WHERE name=?1", s->name);
}

enum err schedules_ran(int64_t *ran_ms, struct core *c)
{
	*ran_ms = 0;
	for (size_t i = 0; i < c->tables->schedules_count; i++) {
		const struct schedule_row *s = &c->tables->schedules[i];
		int64_t next_ms;
		enum err e = next_of(&next_ms, c, s);

		if (e && e != E_NOTFOUND)
			return e;
		if (!e && next_ms < INT64_MAX && next_ms - s->every_ms > *ran_ms)
			*ran_ms = next_ms - s->every_ms;
	}
	return OK;
}

static enum err run_one(struct core *c, const struct schedule_row *s)
{
	struct act a = core_act(c);
	struct turn_mark mark = turn_mark(c);
	enum err failed, e = db_run(c->db, "UPDATE schedules SET next_ms=?2 WHERE name=?1", s->name, slot_after(a.now_ms, s->every_ms));

	if (!e)
		e = db_savepoint(c->db);
	if (e)
		return e;
	failed = s->run(&a);
	if (!failed)
		return db_savepoint_keep(c->db);
	turn_undo(c, mark);
	log_error("schedule.failed", KV("name", s->name), KV("error", err_name(failed)));
	return db_savepoint_undo(c->db);
}

static bool is_due(struct core *c, const struct schedule_row *s, enum err *e)
{
	int64_t next_ms = INT64_MAX;

	*e = next_of(&next_ms, c, s);
	return !*e && next_ms <= clock_now_ms();
}

enum err schedules_run(struct core *c)
{
	enum err e = OK;

	if (c->schedules_next_ms > clock_now_ms())
		return OK;
	for (size_t i = 0; !e && i < c->tables->schedules_count; i++)
		if (is_due(c, &c->tables->schedules[i], &e))
			e = run_one(c, &c->tables->schedules[i]);
	if (!e) /* rows of schedules that this program no longer has must not keep the loop awake */
		e = db_run(c->db, "UPDATE schedules SET next_ms=9223372036854775807 WHERE next_ms<=?1", clock_now_ms());
	return e ? e : load_next(c);
}
