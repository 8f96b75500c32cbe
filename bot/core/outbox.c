/* The outbox: rows, claims, answers. Who may be written to when is the pacer's.
 *
 * outbox_add only remembers; the rows are written in one go before the commit, and a message that may leave at once is
 * born claimed, which saves an UPDATE. Nothing of a row stays in memory while it waits but its id, chat and lane. */
#include "bot/core/core_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/qr/qr.h"

enum { QUEUED, CLAIMED, PARKED };

/* A message hardly ever kills, and many are under way whenever something else does: later than updates and jobs. */
#define SEND_CRASHES_PARK 6
#define SUSPECT_WAIT_US 100000
#define PARKED_KEPT_MS (30 * DAY_MS) /* for whoever looks into it */
#define SKIP_TRIES_MAX 8        /* of a row that may be skipped */
#define RETRY_MS SECOND_MS
#define RETRY_MAX_MS (60 * SECOND_MS)
#define WAIT_MAX_MS HOUR_MS /* of a row at a start: the clock may have been set since */
#define CLAIMS_PER_TURN 200
#define ANSWER_CHATS (INT64_C(1) << 62) /* no chat has such a number */
#define QR_FIELD "photo"
#define QR_FILE_NAME "qr.png"

/* --- claiming --- */

static const char *known_settle(const struct core *c, const char *name)
{
	for (size_t i = 0; name && i < c->tables->settles_count; i++)
		if (strcmp(c->tables->settles[i].name, name) == 0)
			return c->tables->settles[i].name;
	return NULL;
}

static enum http_lane http_lane_of(enum lane lane)
{
	static const enum http_lane lanes[] = { [LANE_ANSWER] = HTTP_LANE_ANSWER, [LANE_INTERACTIVE] = HTTP_LANE_NORMAL, [LANE_REST] = HTTP_LANE_REST };

	return lanes[lane];
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

/* Answers to queries pass the pacer by. One that has to wait after all waits for itself alone: to the pacer its chat is its row. */
static struct pacer_item item_of(int64_t id, int64_t chat_id, enum lane lane)
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
	struct pacer_item item = item_of(INT64_MAX, o->chat_id, o->lane);
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
		struct pacer_item item = item_of(db_i64(&r, 0), db_i64(&r, 1), (enum lane)db_i64(&r, 2));
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

/* --- leaving --- */

struct picture {
	struct worker_job job;
	struct send *send;
	struct arena arena;
	const char *method;
	struct str payload, text;
	struct buf png;
	enum err error;
};

static void start_call(struct core *c, struct send *s, const char *method, struct str payload, const struct http_file *file)
{
	struct http_request request;
	enum err e = tg_request(&request, &c->turn_arena, &c->setup.api, method, payload, file);

	assert(!e); /* payloads are ours */
	if (s->lane == LANE_ANSWER)
		request.timeout_ms = 9000; /* nobody waits longer for it */
	c->net->start(c->net->ctx, &request, http_lane_of(s->lane), s);
	STEP("outbox.sent");
}

static void draw(struct worker_job *job)
{
	struct picture *p = (struct picture *)job;

	p->error = qr_png(&p->png, p->text);
}

static void start_picture(struct core *c, struct send *s)
{
	struct picture *p = xcalloc(1, sizeof *p);

	p->job.run = draw;
	p->send = s;
	p->method = arena_strdup(&p->arena, s->method);
	p->payload = str_of(str_dup(&p->arena, s->payload));
	p->text = str_of(str_dup(&p->arena, s->qr));
	buf_init(&p->png, QR_PNG_BYTES_MAX);
	s->picture = p;
	worker_give(c->worker, &p->job);
}

bool outbox_picture_drop(struct worker_job *job)
{
	struct picture *p = (struct picture *)job;

	if (job->run != draw)
		return false;
	buf_release(&p->png);
	arena_release(&p->arena);
	free(p);
	return true;
}

bool outbox_picture_done(struct core *c, struct worker_job *job)
{
	struct picture *p = (struct picture *)job;
	struct http_file file = { .field = QR_FIELD, .name = QR_FILE_NAME, .type = "image/png" };
	struct arena arena = { 0 };
	struct http_request request;

	if (job->run != draw)
		return false; /* somebody else's, and no picture to look into */
	file.bytes = buf_str(&p->png);
	p->send->picture = NULL;
	assert(!p->error); /* what does not fit a QR code is not given to the outbox */
	if (tg_request(&request, &arena, &c->setup.api, p->method, p->payload, &file) == OK)
		c->net->start(c->net->ctx, &request, http_lane_of(p->send->lane), p->send);
	arena_release(&arena);
	return outbox_picture_drop(job);
}

void outbox_send(struct core *c)
{
	STEP("outbox.claimed");
	for (size_t i = 0; i < c->turn.claimed_count; i++) {
		struct send *s = c->turn.claimed[i];

		if (!s->id) { /* its row was retracted or too old, or its time has not come */
			outbox_forget(c, s);
			continue;
		}
		if (s->qr.len)
			start_picture(c, s);
		else
			start_call(c, s, s->method, s->payload, NULL);
		s->method = NULL; /* what they pointed to goes with the turn */
		s->payload = s->qr = str_of(NULL);
	}
	c->turn.claimed_count = 0;
}

/* --- answers --- */

static enum err settle(struct core *c, const struct send *s, const struct tg_answer *answer)
{
	struct act a = core_act(c);

	for (size_t i = 0; s->then_name && i < c->tables->settles_count; i++)
		if (strcmp(c->tables->settles[i].name, s->then_name) == 0)
			return c->tables->settles[i].settle(&a, s->then_id, answer);
	return OK;
}

/* The row has ended. What its settle handler cannot do now is undone and said; the message itself was sent. */
static enum err end_row(struct core *c, const struct send *s, const struct tg_answer *answer)
{
	enum err e = db_run(c->db, "DELETE FROM outbox WHERE id=?1", s->id), failed;
	struct turn_mark mark = turn_mark(c);

	if (e || !s->then_name)
		return e;
	e = db_savepoint(c->db);
	if (e)
		return e;
	failed = settle(c, s, answer);
	if (!failed)
		return db_savepoint_keep(c->db);
	turn_undo(c, mark);
	log_error("outbox.settle_failed", KV("row", s->id), KV("then", s->then_name), KV("error", err_name(failed)));
	return db_savepoint_undo(c->db);
}

/* Once more, not before wait_ms from now; the chat's later messages wait behind it. */
static enum err again(struct core *c, struct send *s, int64_t wait_ms)
{
	struct pacer_item item;
	enum err e;

	if (s->lane == LANE_ANSWER && s->expires_ms && clock_now_ms() + wait_ms >= s->expires_ms)
		return db_run(c->db, "DELETE FROM outbox WHERE id=?1", s->id);
	e = db_run(c->db, "UPDATE outbox SET state=0, crashes=0, attempts=attempts+1, not_before_ms=?2 WHERE id=?1", s->id, clock_now_ms() + wait_ms);
	if (e)
		return e;
	item = item_of(s->id, s->chat_id, s->lane);
	if (s->lane == LANE_ANSWER || s->paced) {
		item.chat_id = s->paced ? s->paced_as : item.chat_id;
		pacer_put_back(c->pacer, &item, clock_mono_us() + wait_ms * 1000);
		s->paced = false; /* outbox_forget has nothing to give back */
	} else {
		pacer_add(c->pacer, &item);
	}
	return OK;
}

static enum err failed_try(struct core *c, struct send *s, const struct tg_answer *answer)
{
	log_warn("telegram.send_failed", KV("row", s->id), KV("verdict", tg_verdict_name(answer->verdict)), KV("status", answer->status), KV("attempts", s->attempts + 1));
	if (s->unknown == UNKNOWN_SKIP && s->attempts + 1 >= SKIP_TRIES_MAX)
		return end_row(c, s, answer);
	return again(c, s, core_backoff_ms(RETRY_MS, RETRY_MAX_MS, s->attempts + 1));
}

/* change: E_NOTFOUND: there is nothing to change, so it ends. */
static enum err rewrite(struct core *c, struct send *s, enum err (*change)(struct buf *to, struct arena *arena, struct str payload, const struct tg_answer *answer),
	const struct tg_answer *answer)
{
	char *payload;
	struct buf to;
	enum err e = db_get_text(&payload, &c->turn_arena, c->db, "SELECT payload FROM outbox WHERE id=?1", s->id);

	if (e)
		return e;
	buf_init(&to, TG_CALL_BYTES_MAX);
	e = change(&to, &c->turn_arena, str_of(payload), answer);
	if (!e)
		e = db_run(c->db, "UPDATE outbox SET payload=?2 WHERE id=?1", s->id, buf_str(&to));
	buf_release(&to);
	if (e == E_NOTFOUND)
		return end_row(c, s, answer);
	return e ? e : again(c, s, 0);
}

static enum err without_markup(struct buf *to, struct arena *arena, struct str payload, const struct tg_answer *answer)
{
	(void)answer;
	return tg_call_plain(to, arena, payload);
}

static enum err to_new_chat(struct buf *to, struct arena *arena, struct str payload, const struct tg_answer *answer)
{
	struct json_object *o;
	enum err e = json_parse(&o, payload);

	(void)arena;
	if (e)
		return e;
	json_object_object_add(o, "chat_id", json_object_new_int64(answer->migrate_to_chat_id));
	buf_adds(to, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return OK;
}

static enum err moved(struct core *c, struct send *s, const struct tg_answer *answer)
{
	struct act a = core_act(c);
	enum err e = c->tables->on_moved ? c->tables->on_moved(&a, s->chat_id, answer->migrate_to_chat_id) : OK;

	if (!e)
		e = db_run(c->db, "UPDATE outbox SET chat_id=?2 WHERE id=?1", s->id, answer->migrate_to_chat_id);
	return e ? e : rewrite(c, s, to_new_chat, answer);
}

/* Whom it is for may be reached another way. */
static enum err lost(bool *taken, struct core *c, const struct send *s)
{
	struct act a = core_act(c);
	struct outgoing o = { .chat_id = s->chat_id, .lane = s->lane, .unknown = s->unknown, .expires_ms = s->expires_ms };
	char *payload;
	enum err e;

	*taken = false;
	if (s->edits || !c->tables->on_lost)
		return OK;
	e = db_get_text(&payload, a.arena, c->db, "SELECT payload FROM outbox WHERE id=?1 AND method='" TG_SEND_MESSAGE "'", s->id);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	o.method = TG_SEND_MESSAGE;
	o.payload = str_of(payload);
	return c->tables->on_lost(&a, taken, &o);
}

static enum err gone(struct core *c, struct send *s, const struct tg_answer *answer)
{
	struct act a = core_act(c);
	enum err e = c->tables->on_gone ? c->tables->on_gone(&a, s->chat_id) : OK;
	bool taken;

	if (!e)
		e = lost(&taken, c, s);
	return e ? e : end_row(c, s, answer);
}

/* We may not write there, or not any more at that place. */
static enum err forbidden(struct core *c, struct send *s, const struct tg_answer *answer)
{
	bool taken;
	enum err e = lost(&taken, c, s);

	if (e)
		return e;
	log_warn("telegram.forbidden", KV("row", s->id), KV("told", answer->description));
	return taken || answer->verdict == TG_TOPIC_GONE ? end_row(c, s, answer) : failed_try(c, s, answer);
}

/* The message to edit is not there any more: the same text as a new message (sendMessage ignores message_id). */
static enum err send_instead(struct core *c, struct send *s)
{
	enum err e = db_run(c->db, "UPDATE outbox SET method=?2, edits=0 WHERE id=?1", s->id, TG_SEND_MESSAGE);

	s->edits = 0;
	return e ? e : again(c, s, 0);
}

enum err outbox_sent(struct core *c, struct send *s, const struct http_response *response)
{
	struct tg_answer answer;
	int64_t now_us = clock_mono_us();

	tg_answer_read(&answer, &c->turn_arena, response);
	switch (answer.verdict) {
	case TG_OK:
		c->figures.sent++;
		return end_row(c, s, &answer);
	case TG_RETRY_AFTER:
		log_warn("telegram.told_to_wait", KV("chat", s->chat_id), KV("wait_ms", answer.retry_after_ms));
		if (s->lane != LANE_ANSWER)
			pacer_pause(c->pacer, s->chat_id, now_us, now_us + answer.retry_after_ms * 1000);
		return again(c, s, answer.retry_after_ms + (int64_t)(clock_mono_us() % 500));
	case TG_UNKNOWN_OUTCOME:
		if (s->unknown == UNKNOWN_SKIP)
			return end_row(c, s, &answer);
		return failed_try(c, s, &answer);
	case TG_SERVER:
	case TG_NETWORK_UNSENT:
	case TG_UNAUTHORIZED:
		return failed_try(c, s, &answer);
	case TG_NO_RIGHTS:
	case TG_TOPIC_GONE:
		return forbidden(c, s, &answer);
	case TG_GONE:
	case TG_CHAT_NOT_FOUND:
		return gone(c, s, &answer);
	case TG_MIGRATED:
		return moved(c, s, &answer);
	case TG_EDIT_IMPOSSIBLE:
		return s->edits ? send_instead(c, s) : end_row(c, s, &answer);
	case TG_BAD_MARKUP:
		log_error("telegram.bad_markup", KV("row", s->id), KV("told", answer.description));
		return rewrite(c, s, without_markup, &answer);
	default:
		if (!tg_verdict_is_done(answer.verdict) && answer.verdict != TG_DELETE_IMPOSSIBLE)
			log_warn("telegram.refused", KV("row", s->id), KV("verdict", tg_verdict_name(answer.verdict)), KV("told", answer.description));
		return end_row(c, s, &answer);
	}
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
