/* Updates in: each decided once, by its id, whatever Telegram repeats.
 *
 * A fresh update is decided in the turn that brought it; only its id is kept (48 h). When its handler fails, the raw
 * text stays and is tried again; later updates of that chat wait behind it. After three tries people are told, and the
 * chat waits no longer: what is not money is parked; money stays, is tried on at growing intervals, and leaves by success
 * or by an admin's word (core_money_stuck).
 *
 * Poison: a handler that kills the process would do so again and again, since nothing of its turn was committed. So
 * after an unclean stop we are careful for a while: updates are first stored raw, then taken one by one, each with its
 * crash counted in a commit of its own before it is decided. In ordinary times this costs nothing. */
#include "bot/core/core_private.h"

#include <assert.h>

#include "lib/base/log.h"

enum { DECIDED, WAITING, PARKED, CLOSED }; /* closed: by a person, raw kept for ever */

#define TRIES_MAX 3
#define RETRY_MS (2 * SECOND_MS)
#define RETRY_MAX_MS (60 * SECOND_MS)
#define MONEY_RETRY_MAX_MS (10 * MINUTE_MS)
#define KEEP_MS (48 * HOUR_MS)
#define FORGET_AT_ONCE 5000
#define WAITING_AT_ONCE 50
#define ALONE_LOOK_MS 20

/* Rows whose turn it can be: no earlier one of the chat is still being tried, ?1 times. Money waits for nobody. */
#define FIRST_OF_CHAT "state=1 AND (money=1 OR chat_id=0 OR NOT EXISTS" \
	" (SELECT 1 FROM inbox e WHERE e.state=1 AND e.chat_id=inbox.chat_id AND e.update_id<inbox.update_id AND e.attempts<?1))"

static enum err count_waiting(struct core *c)
{
	enum err e = db_get_i64(&c->inbox_waiting, c->db, "SELECT count(*) FROM inbox WHERE state=1");

	if (!e && c->inbox_waiting)
		return db_get_i64(&c->inbox_next_ms, c->db, "SELECT coalesce(min(next_ms), 9223372036854775807) FROM inbox WHERE " FIRST_OF_CHAT, TRIES_MAX);
	c->inbox_next_ms = INT64_MAX;
	return e;
}

enum err inbox_recover(struct core *c)
{
	return count_waiting(c);
}

/* Runs the handler in a savepoint. *failed: it undid itself. */
static enum err run_handler(struct core *c, const struct tg_update *u, enum err *failed)
{
	struct turn_mark mark = turn_mark(c);
	struct act a = core_act(c);
	enum err e = db_savepoint(c->db);

	if (e)
		return e;
	*failed = c->tables->on_update(&a, u);
	if (!*failed)
		return db_savepoint_keep(c->db);
	turn_undo(c, mark);
	return db_savepoint_undo(c->db);
}

static enum err set_waiting(struct core *c, const struct waiting_update *w, int attempts, int64_t next_ms)
{
	c->inbox_waiting++;
	if (next_ms < c->inbox_next_ms)
		c->inbox_next_ms = next_ms;
	return db_run(c->db, "UPDATE inbox SET state=1, raw=?2, chat_id=?3, money=?4, attempts=?5, next_ms=?6 WHERE update_id=?1",
		w->update.update_id, w->raw, w->update.chat.id, w->money, attempts, next_ms);
}

/* An update of this chat is being tried again: *next_ms is when. E_NOTFOUND: none. */
static enum err chat_waits(struct core *c, int64_t chat_id, int64_t *next_ms)
{
	if (!c->inbox_waiting || !chat_id)
		return E_NOTFOUND;
	return db_get_i64(next_ms, c->db, "SELECT max(next_ms) FROM inbox WHERE state=1 AND chat_id=?1 AND attempts<?2", chat_id, TRIES_MAX);
}

enum err inbox_decide(struct core *c, struct waiting_update *w)
{
	enum err e, failed = OK;
	int64_t now_ms = clock_now_ms(), next_ms;

	if (w->bad)
		return OK;
	e = db_run(c->db, "INSERT INTO inbox(update_id, received_ms) VALUES(?1, ?2) ON CONFLICT DO NOTHING", w->update.update_id, now_ms);
	if (e)
		return e;
	if (db_changes(c->db) == 0) {
		c->figures.duplicates++;
		return OK;
	}
	c->figures.updates++;
	c->figures.last_update_ms = now_ms;
	e = w->money ? E_NOTFOUND : chat_waits(c, w->update.chat.id, &next_ms); /* money waits for nobody */
	if (e == OK)
		return set_waiting(c, w, 0, next_ms);
	if (e != E_NOTFOUND)
		return e;
	e = run_handler(c, &w->update, &failed);
	if (e || !failed)
		return e;
	log_warn("update.failed", KV("update", w->update.update_id), KV("kind", w->update.kind_name), KV("error", err_name(failed)));
	return set_waiting(c, w, 1, now_ms + core_backoff_ms(RETRY_MS, RETRY_MAX_MS, 1));
}

/* --- rows that wait --- */

struct row {
	int64_t update_id;
	struct str raw;
	bool money;
	int attempts, crashes;
};

static enum err tell_parked(struct core *c, const struct row *r, const struct tg_update *u)
{
	struct act a = core_act(c);

	log_error("update.parked", KV("update", r->update_id), KV("attempts", r->attempts), KV("crashes", r->crashes));
	return c->tables->on_parked ? c->tables->on_parked(&a, u) : OK;
}

static enum err park(struct core *c, const struct row *r, const struct tg_update *u)
{
	enum err e = db_run(c->db, "UPDATE inbox SET state=2 WHERE update_id=?1", r->update_id);

	return e ? e : tell_parked(c, r, u);
}

static enum err try_later(struct core *c, const struct row *r, const struct tg_update *u)
{
	int attempts = r->attempts + 1;
	int64_t next_ms = clock_now_ms() + core_backoff_ms(RETRY_MS, r->money ? MONEY_RETRY_MAX_MS : RETRY_MAX_MS, attempts);
	enum err e = db_run(c->db, "UPDATE inbox SET attempts=?2, next_ms=?3, crashes=0 WHERE update_id=?1", r->update_id, attempts, next_ms);

	return e || attempts != TRIES_MAX ? e : tell_parked(c, r, u);
}

static enum err try_row(struct core *c, const struct row *r)
{
	struct tg_update u;
	enum err e, failed = OK;

	if (tg_update_read(&u, &c->turn_arena, r->raw) != OK || r->crashes >= CRASHES_PARK)
		return park(c, r, &u);
	e = run_handler(c, &u, &failed);
	if (e)
		return e;
	if (!failed)
		return db_run(c->db, "UPDATE inbox SET state=0, raw=NULL, crashes=0 WHERE update_id=?1", r->update_id);
	log_warn("update.failed", KV("update", r->update_id), KV("error", err_name(failed)), KV("attempts", r->attempts + 1));
	if (!r->money && r->attempts + 1 >= TRIES_MAX)
		return park(c, r, &u);
	return try_later(c, r, &u);
}

static size_t load_due(struct core *c, struct row *rows, size_t max, enum err *e)
{
	struct db_rows r;
	size_t n = 0;

	db_select(&r, c->db, "SELECT update_id, raw, money, attempts, crashes FROM inbox WHERE " FIRST_OF_CHAT " AND next_ms<=?2"
		" ORDER BY money DESC, update_id LIMIT ?3", TRIES_MAX, clock_now_ms(), max);
	while (db_next(&r))
		rows[n++] = (struct row){ db_i64(&r, 0), str_of(db_text(&r, 1, &c->turn_arena)), db_i64(&r, 2), (int)db_i64(&r, 3), (int)db_i64(&r, 4) };
	*e = db_end(&r);
	return n;
}

/* The crash is counted before the handler runs: in a commit of its own. Where the turn was lost afterwards, the row has killed
 * nobody: its count serves for the next try, or is taken back when it is another row's turn. */
static enum err count_crash(struct core *c, struct row *row)
{
	struct counted_crash *last = &c->counted_crash;
	enum err e;

	if (row->update_id == last->update_id && row->crashes == last->crashes)
		return OK;
	e = db_run(c->db, "UPDATE inbox SET crashes=crashes-1 WHERE update_id=?1 AND crashes=?2 AND state=1", last->update_id, last->crashes);
	*last = (struct counted_crash){ row->update_id, ++row->crashes };
	if (!e)
		e = db_run(c->db, "UPDATE inbox SET crashes=?2 WHERE update_id=?1", row->update_id, row->crashes);
	if (!e)
		e = db_commit(c->db);
	return e ? e : db_begin(c->db);
}

/* It was looked at again and again, for the careful time and more: it is taken as in ordinary times, in this very turn and so
 * before any suspect is. Time alone says nothing: who has slept over it has not looked. */
static bool waits_in_vain(struct core *c)
{
	int64_t now_us = clock_mono_us();

	if (now_us < c->careful_until_us)
		return false;
	if (!c->inbox_in_vain_us)
		c->inbox_in_vain_us = now_us;
	return now_us >= c->inbox_in_vain_us + CAREFUL_MORE_MS * 1000;
}

enum err inbox_decide_waiting(struct core *c)
{
	struct row rows[WAITING_AT_ONCE];
	enum err e;
	size_t n;
	bool careful = c->careful_until_us != 0;

	if (c->inbox_next_ms > clock_now_ms())
		return OK;
	n = load_due(c, rows, careful ? 1 : countof(rows), &e);
	c->inbox_waits_alone = !e && careful && n && !careful_row_is_alone(c);
	if (c->inbox_waits_alone && waits_in_vain(c)) {
		c->inbox_waits_alone = false;
		c->careful_until_us = 0;
	}
	if (c->inbox_waits_alone) {
		c->inbox_next_ms = clock_now_ms() + ALONE_LOOK_MS;
		return OK;
	}
	c->inbox_in_vain_us = 0;
	if (!e && c->careful_until_us && n)
		e = count_crash(c, &rows[0]);
	for (size_t i = 0; !e && i < n; i++)
		e = try_row(c, &rows[i]);
	if (!e)
		e = count_waiting(c);
	if (!e && careful && !c->inbox_waiting)
		c->jobs_next_ms = 0; /* suspects have waited for it */
	return e;
}

enum err inbox_store_batch(struct core *c)
{
	int64_t now_ms = clock_now_ms();
	enum err e = db_begin(c->db);

	for (size_t i = c->updates_next; !e && i < c->updates_count; i++) {
		struct waiting_update *w = &c->updates[i];

		if (w->bad)
			continue;
		e = db_run(c->db, "INSERT INTO inbox(update_id, received_ms, state, chat_id, money, raw, next_ms) VALUES(?1, ?2, 1, ?3, ?4, ?5, ?2)"
			" ON CONFLICT DO NOTHING", w->update.update_id, now_ms, w->update.chat.id, w->money, w->raw);
	}
	if (!e)
		e = count_waiting(c);
	if (!e)
		e = db_commit(c->db);
	else
		db_rollback(c->db);
	if (e) {
		c->stalled = true;
		c->stall_until_us = clock_mono_us() + 1000000;
		log_error("store.stalled", KV("error", err_name(e)));
		return e;
	}
	c->figures.updates += (int64_t)(c->updates_count - c->updates_next);
	for (size_t i = c->updates_next; i < c->updates_count; i++)
		c->updates[i].decided = true;
	return OK;
}

/* --- money that is stuck: people see it and may act --- */

enum err core_money_stuck(struct stuck_update *out, size_t *count, size_t max, struct act *a)
{
	struct db_rows r;

	*count = 0;
	db_select(&r, a->tx, "SELECT update_id, received_ms, attempts, state, next_ms, raw FROM inbox WHERE state=1 AND money=1 AND attempts>=?1"
		" UNION ALL SELECT update_id, received_ms, attempts, state, 0, raw FROM inbox WHERE state=2 AND money=1 ORDER BY 2 LIMIT ?2", TRIES_MAX, max);
	while (*count < max && db_next(&r))
		out[(*count)++] = (struct stuck_update){ .update_id = db_i64(&r, 0), .received_ms = db_i64(&r, 1), .attempts = (int)db_i64(&r, 2),
			.next_ms = db_i64(&r, 3) == WAITING ? db_i64(&r, 4) : 0, .raw = str_of(db_text(&r, 5, a->arena)) };
	return db_end(&r);
}

static enum err move_stuck(struct act *a, int64_t update_id, int state)
{
	enum err e = db_run(a->tx, "UPDATE inbox SET state=?2, next_ms=?3, crashes=0 WHERE update_id=?1 AND money=1 AND (state=2 OR (state=1 AND attempts>=?4))",
		update_id, state, a->now_ms, TRIES_MAX);

	if (!e && db_changes(a->tx) == 0)
		return E_NOTFOUND;
	a->core->inbox_next_ms = 0; /* look at the rows again */
	return e;
}

enum err core_money_retry(struct act *a, int64_t update_id)
{
	return move_stuck(a, update_id, WAITING);
}

enum err core_money_close(struct act *a, int64_t update_id)
{
	return move_stuck(a, update_id, CLOSED);
}

/* Ids ascend with time, so the oldest are found without an index that each update would have to enter. After a quiet week
 * they may begin anew, lower: the few that stand above are then forgotten behind them. */
enum err inbox_forget(struct core *c)
{
	return db_run(c->db, "DELETE FROM inbox WHERE update_id IN (SELECT update_id FROM"
		" (SELECT update_id, received_ms FROM inbox WHERE state=0 ORDER BY update_id LIMIT ?2) WHERE received_ms<?1)",
		clock_now_ms() - KEEP_MS, FORGET_AT_ONCE);
}
