/* The outbox: rows and their claims. Who may be written to when is the pacer's.
 *
 * outbox_add only remembers; the rows are written in one go before the commit, and a message that may leave at once is
 * born claimed, which saves an UPDATE. Nothing of a row stays in memory while it waits but its id, chat and lane. */
#include "bot/core/core_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"

enum { QUEUED, CLAIMED, PARKED };

/* A message hardly ever kills, and many are under way whenever something else does: later than updates and jobs. */
#define SEND_CRASHES_PARK 6
#define SUSPECT_WAIT_US 100000
#define PARKED_KEPT_MS (30 * DAY_MS) /* for whoever looks into it */
#define WAIT_MAX_MS HOUR_MS /* of a row at a start: the clock may have been set since */
#define CLAIMS_PER_TURN 200
#define ANSWER_CHATS (INT64_C(1) << 62) /* no chat has such a number */

/* --- claiming --- */

static const char *known_settle(const struct core *c, const char *name)
{
	for (size_t i = 0; name && i < c->tables->settles_count; i++)
		if (strcmp(c->tables->settles[i].name, name) == 0)
			return c->tables->settles[i].name;
	return NULL;
}

static struct send *send_new(struct core *c, bool rest)
{
	struct send *s = xcalloc(1, sizeof *s);

	s->caller = CALLER_SEND;
	LIST_ADD(&c->sends, s);
	s->rest = rest;
	c->sends_count++;
	c->sends_rest += rest;
	GROW(c->turn.claimed, c->turn.claimed_count, c->turn.claimed_cap);
	c->turn.claimed[c->turn.claimed_count++] = s;
	return s;
}

struct pacer_item outbox_item(int64_t id, int64_t chat_id, enum lane lane)
{
	return (struct pacer_item){ id, lane == LANE_ANSWER ? ANSWER_CHATS | id : chat_id, lane == LANE_REST ? PACER_REST : PACER_INTERACTIVE };
}

/* An unclaimed edit of the same message gets the newer text instead of a second row. */
static enum err replace_edit(struct core *c, const struct outgoing *o, bool *replaced)
{
	enum err e;

	*replaced = false;
	if (!o->edits || pacer_queued(c->pacer) == 0)
		return OK;
	e = db_run(c->db, "UPDATE outbox SET payload=?3, about=?4, expires_ms=?5, then_name=?6, then_id=?7 WHERE chat_id=?1 AND edits=?2 AND state=0 AND method=?8",
		o->chat_id, o->edits, o->payload, o->about, o->expires_ms, o->then_name, o->then_id, o->method);
	*replaced = db_changes(c->db) > 0;
	return e;
}

static enum err insert(struct core *c, const struct outgoing *o, bool claimed, int64_t *id)
{
	*id = ++c->outbox_last_id;
	return db_run(c->db, "INSERT INTO outbox(id, chat_id, lane, method, payload, qr, again, edits, about, then_name, then_id, created_ms, expires_ms, state, crashes)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14)",
		*id, o->chat_id, o->lane, o->method, o->payload, o->qr.len ? o->qr : str_of(NULL), o->unknown == UNKNOWN_AGAIN, o->edits,
		o->about, o->then_name, o->then_id, clock_now_ms(), o->expires_ms, claimed ? CLAIMED : QUEUED);
}

/* What people wait for does not wait for a broadcast. */
static bool has_room(const struct core *c, enum lane lane)
{
	return (lane == LANE_REST ? c->sends_count : c->sends_count - c->sends_rest) < CLAIMED_MAX;
}

static enum err claim_added(struct core *c, const struct outgoing *o, int64_t now_us)
{
	/* an id above all others for the pacer's order: the real one is known after the insert */
	struct pacer_item item = outbox_item(INT64_MAX, o->chat_id, o->lane);
	bool replaced, claimed;
	struct send *s;
	int64_t id;
	enum err e = replace_edit(c, o, &replaced);

	if (e || replaced)
		return e;
	claimed = o->lane == LANE_ANSWER || (has_room(c, o->lane) && pacer_try(c->pacer, &item, now_us));
	if (claimed) {
		s = send_new(c, o->lane == LANE_REST); /* before the insert: a failure then finds it and gives the chat back */
		s->chat_id = s->paced_as = o->chat_id;
		s->paced = o->lane != LANE_ANSWER;
	}
	e = insert(c, o, claimed, &id);
	if (e)
		return e;
	if (!claimed) {
		item.id = id;
		pacer_add(c->pacer, &item);
		return OK;
	}
	s->id = id;
	s->lane = o->lane;
	s->edits = o->edits;
	s->unknown = o->unknown;
	s->expires_ms = o->expires_ms;
	s->then_name = o->then_name;
	s->then_id = o->then_id;
	s->method = o->method;
	s->payload = o->payload;
	s->qr = o->qr;
	return OK;
}

/* One after the other, so that each finds its own moment, and few of them at once take the place of other people's messages. */
static void put_back(struct core *c, struct send *s, const struct pacer_item *item)
{
	c->turn.put_back_count++;
	pacer_put_back(c->pacer, item, clock_mono_us() + c->turn.put_back_count * SUSPECT_WAIT_US);
	s->paced = false; /* outbox_forget has nothing to give back */
	s->id = 0;
}

/* A row the pacer lets go. It may be gone (retracted) or too old by now: then its chat is free again. */
static enum err claim_queued(struct core *c, const struct pacer_item *item)
{
	struct db_rows r;
	struct send *s;
	int64_t now_ms = clock_now_ms(), expires_ms;
	bool suspect;
	enum err e;

	s = send_new(c, item->lane == PACER_REST);
	s->paced_as = item->chat_id;
	s->paced = true;
	s->id = item->id;
	db_select(&r, c->db, "SELECT lane, again, edits, then_name, then_id, expires_ms, attempts, method, payload, qr, crashes, chat_id FROM outbox"
		" WHERE id=?1 AND state=0", item->id);
	e = db_first(&r);
	if (e == E_NOTFOUND) {
		s->id = 0;
		return OK;
	}
	if (e)
		return e;
	expires_ms = db_i64(&r, 5);
	s->lane = (enum lane)db_i64(&r, 0);
	s->unknown = db_i64(&r, 1) ? UNKNOWN_AGAIN : UNKNOWN_SKIP;
	s->edits = db_i64(&r, 2);
	s->then_name = known_settle(c, db_text(&r, 3, &c->turn_arena));
	s->then_id = db_i64(&r, 4);
	s->expires_ms = expires_ms;
	s->attempts = (int)db_i64(&r, 6);
	s->method = db_text(&r, 7, &c->turn_arena);
	s->payload = str_of(db_text(&r, 8, &c->turn_arena));
	s->qr = str_of(db_text(&r, 9, &c->turn_arena));
	suspect = db_i64(&r, 10) > 0;
	s->chat_id = db_i64(&r, 11);
	e = db_end(&r);
	if (e)
		return e;
	if (suspect && !careful_takes_suspect(c)) {
		put_back(c, s, item);
		return OK;
	}
	s->suspect = suspect;
	if (expires_ms && expires_ms <= now_ms) {
		int64_t id = s->id;

		s->id = 0;
		return db_run(c->db, "DELETE FROM outbox WHERE id=?1", id);
	}
	return db_run(c->db, "UPDATE outbox SET state=1, crashes=crashes+1 WHERE id=?1", item->id);
}

static bool is_live(const struct core *c, int64_t id)
{
	for (const struct send *s = c->sends.next; s != &c->sends; s = s->next)
		if (s->id == id)
			return true;
	return false;
}

/* A commit that was taken for failed may have reached the disk all the same. What it claimed was never sent. */
static enum err free_orphans(struct core *c)
{
	int64_t id = 0;
	enum err e;

	while ((e = db_get_i64(&id, c->db, "SELECT min(id) FROM outbox WHERE state=1 AND id>?1", id)) == OK) {
		e = is_live(c, id) ? OK : db_run(c->db, "UPDATE outbox SET state=0, crashes=0 WHERE id=?1", id);
		if (e)
			return e;
	}
	return e == E_NOTFOUND ? OK : e;
}

/* A chat that has to wait, by Telegram's word or after a failure, waits on through a new start. */
static enum err fill_pacer(struct core *c)
{
	int64_t now_ms = clock_now_ms(), now_us = clock_mono_us();
	struct db_rows r;

	db_select(&r, c->db, "SELECT id, chat_id, lane, not_before_ms FROM outbox WHERE state=0 ORDER BY id");
	while (db_next(&r)) {
		struct pacer_item item = outbox_item(db_i64(&r, 0), db_i64(&r, 1), (enum lane)db_i64(&r, 2));
		int64_t wait_ms = db_i64(&r, 3) - now_ms;

		if (wait_ms > 0)
			pacer_put_back(c->pacer, &item, now_us + (wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS) * 1000);
		else
			pacer_add(c->pacer, &item);
	}
	return db_end(&r);
}

/* After a failed commit the pacer holds ids that were rolled back and lacks ids it gave out. Rare, so simple: everything is
 * read, within the first transaction that works again; should that fail too, outbox_unclaim asks for it again. */
static enum err read_anew(struct core *c)
{
	enum err e = free_orphans(c);

	pacer_empty(c->pacer);
	if (!e)
		e = fill_pacer(c);
	c->outbox_unread = false;
	return e;
}

enum err outbox_claim(struct core *c)
{
	int64_t now_us = clock_mono_us();
	struct pacer_item item;
	enum err e = c->outbox_unread ? read_anew(c) : OK;

	for (size_t i = 0; !e && i < c->turn.added_count; i++) {
		const struct outgoing *o = outbox_wanted(&c->turn, i);

		e = o ? claim_added(c, o, now_us) : OK;
	}
	for (int n = 0; !e && n < CLAIMS_PER_TURN && has_room(c, LANE_REST) && pacer_next(c->pacer, &item, now_us); n++)
		e = claim_queued(c, &item);
	return e;
}

void outbox_forget(struct core *c, struct send *s)
{
	if (s->suspect)
		c->jobs_next_ms = 0; /* another one may be next */
	if (s->paced)
		pacer_done(c->pacer, s->paced_as, clock_mono_us());
	LIST_REMOVE(s);
	c->sends_count--;
	c->sends_rest -= s->rest;
	free(s);
}

/* The claims of this turn never were; rows that waited wait again. Rows born in this turn are born again with it. */
void outbox_unclaim(struct core *c)
{
	for (size_t i = 0; i < c->turn.claimed_count; i++)
		outbox_forget(c, c->turn.claimed[i]);
	c->turn.claimed_count = 0;
	for (struct send *s = c->sends.next; s != &c->sends; s = s->next)
		s->paced = false;
	c->outbox_unread = true;
}

/* --- after a start --- */

/* A person hears of what nobody will get. */
static enum err tell_given_up(struct core *c, int64_t rows)
{
	struct act a = core_act(c);

	log_error("outbox.parked", KV("rows", rows));
	return alert_tell(&a, ALERT_WARNING, "messages_given_up", NULL, arena_printf(a.arena, "%" PRId64, rows));
}

/* Claimed rows have an unknown outcome. What may come twice is sent again, unless it has taken the process with it too often. */
enum err outbox_recover(struct core *c, bool clean)
{
	int64_t parked;
	enum err e = OK;

	if (clean)
		e = db_run(c->db, "UPDATE outbox SET crashes=0 WHERE state=1");
	if (!e)
		e = db_run(c->db, "DELETE FROM outbox WHERE state=1 AND again=0");
	if (!e)
		e = db_run(c->db, "UPDATE outbox SET state=2 WHERE state=1 AND crashes>=?1", SEND_CRASHES_PARK);
	parked = db_changes(c->db);
	if (!e && parked)
		e = tell_given_up(c, parked);
	if (!e)
		e = db_run(c->db, "UPDATE outbox SET state=0 WHERE state=1");
	if (!e)
		e = db_get_i64(&c->outbox_last_id, c->db, "SELECT coalesce(max(id), 0) FROM outbox");
	return e ? e : fill_pacer(c);
}

enum err outbox_forget_parked(struct core *c)
{
	return db_run(c->db, "DELETE FROM outbox WHERE state=2 AND created_ms<?1", clock_now_ms() - PARKED_KEPT_MS);
}
