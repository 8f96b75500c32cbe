/* What Telegram makes of a message decides what becomes of its row: it ends, it is sent once more, or it is sent another way. */
#include "bot/core/core_private.h"

#include <string.h>

#include "lib/base/log.h"

#define SKIP_TRIES_MAX 8        /* of a row that may be skipped */
#define RETRY_MS SECOND_MS
#define RETRY_MAX_MS (60 * SECOND_MS)

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
	item = outbox_item(s->id, s->chat_id, s->lane);
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
