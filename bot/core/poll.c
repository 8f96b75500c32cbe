/* getMe, the webhook question, and long polling.
 *
 * The next getUpdates is asked for only when the last batch is decided and committed: its offset confirms that batch.
 * Nothing about the offset is stored: a start asks without one and gets whatever is unconfirmed, and duplicates are
 * found by their ids. After a day of silence the offset is left out as well, because Telegram keeps updates 24 h and
 * begins anew with other ids, perhaps lower ones, after a quiet week. */
#include "bot/core/core_private.h"

#include <string.h>

#include "lib/base/json_read.h"
#include "lib/base/log.h"

#define POLL_S 50
#define UPDATE_BYTES_MAX ((size_t)256 * 1024)
#define BATCH_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define GIVE_UP_MS (10 * MINUTE_MS)
#define FORGET_OFFSET_MS DAY_MS

static int64_t retry_us(struct core *c, int64_t first_ms, int64_t max_ms)
{
	c->poll.failures++;
	return clock_mono_us() + core_backoff_ms(first_ms, max_ms, c->poll.failures) * 1000;
}

/* We decide faster than Telegram takes what we say. What is decided and not yet said would grow with a backlog, and, because
 * answers to taps leave before messages, no message would leave until all of it was worked off: 20 s measured between
 * a payment and its link. So the backlog waits where it is, in Telegram's queue. */
static bool too_much_to_say(const struct core *c)
{
	return c->poll.state == POLL_UPDATES && c->sends_count - c->sends_rest > SENDS_MAX;
}

int64_t poll_due_us(const struct core *c)
{
	if (c->poll.under_way || too_much_to_say(c) || c->poll.state == POLL_STOPPED || c->updates_next < c->updates_count)
		return INT64_MAX;
	return c->poll.not_before_us;
}

static const char *const methods[] = {
	[POLL_GET_ME] = TG_GET_ME, [POLL_WEBHOOK] = TG_GET_WEBHOOK_INFO, [POLL_DELETE_WEBHOOK] = TG_DELETE_WEBHOOK, [POLL_UPDATES] = TG_GET_UPDATES,
};

void poll_start(struct core *c)
{
	struct poll *p = &c->poll;
	struct http_request request;
	struct arena arena = { 0 };
	struct buf payload;

	if (poll_due_us(c) > clock_mono_us() || c->stop || c->exit_code >= 0)
		return;
	if (p->last_batch_ms && clock_now_ms() - p->last_batch_ms > FORGET_OFFSET_MS)
		p->offset = 0;
	buf_init(&payload, TG_CALL_BYTES_MAX);
	switch (p->state) {
	case POLL_UPDATES: tg_get_updates(&payload, p->offset, BATCH_UPDATES_MAX, c->careful_again ? 0 : POLL_S); break; /* suspects wait for it */
	case POLL_DELETE_WEBHOOK: tg_delete_webhook(&payload); break;
	default: tg_no_arguments(&payload); break;
	}
	if (tg_request(&request, &arena, &c->setup.api, methods[p->state], buf_str(&payload), NULL) == OK) {
		if (p->state == POLL_UPDATES) {
			request.timeout_ms = (POLL_S + 15) * 1000;
			request.body_bytes_max = BATCH_BYTES_MAX;
		}
		p->under_way = true;
		c->net->start(c->net->ctx, &request, HTTP_LANE_POLL, p);
	}
	buf_release(&payload);
	arena_release(&arena);
}

/* --- a batch --- */

static enum err read_update(struct tg_update *u, struct arena *arena, const struct json_element *element)
{
	if (element->value)
		return tg_update_from(u, arena, element->value);
	return element->text.len > UPDATE_BYTES_MAX ? E_TOOBIG : tg_update_read(u, arena, element->text);
}

static void keep_update(struct core *c, const struct json_element *element)
{
	struct waiting_update *w = &c->updates[c->updates_count++];

	*w = (struct waiting_update){ .raw = str_n(str_dup(&c->update_arena, element->text), element->text.len) };
	if (read_update(&w->update, &c->update_arena, element) != OK) {
		w->bad = true;
		log_warn("update.unreadable", KV("update", w->update.update_id));
	}
	w->money = !w->bad && c->tables->is_money(&w->update);
	if (w->update.update_id >= c->poll.offset)
		c->poll.offset = w->update.update_id + 1;
}

/* A text that breaks off keeps what came before: those updates are decided and confirmed, the rest comes again. */
static enum err keep_updates(struct core *c, struct str body)
{
	struct json_element element;
	struct str rest;
	enum err e = json_list_open(&rest, body, "result");

	if (e)
		return E_INVALID;
	while ((e = json_list_next(&element, &c->update_arena, &rest, UPDATE_BYTES_MAX)) == OK) {
		if (c->updates_count == BATCH_UPDATES_MAX)
			return E_TOOBIG; /* we asked for no more */
		keep_update(c, &element);
	}
	return e == E_NOTFOUND ? OK : e;
}

static void read_batch(struct core *c, struct str body)
{
	struct poll *p = &c->poll;
	int64_t asked_from;
	enum err e;

	c->updates = arena_array(&c->update_arena, struct waiting_update, BATCH_UPDATES_MAX);
	c->updates_count = c->updates_next = 0;
	if (clock_now_ms() - p->last_batch_ms > FORGET_OFFSET_MS)
		p->offset = 0; /* ids may have begun anew, lower: the batch decides */
	asked_from = p->offset;
	e = keep_updates(c, body);
	if (!e && c->updates_count && p->offset == asked_from)
		e = E_INVALID; /* none has a number: at once they would only come again */
	if (e) {
		log_warn("poll.broken_answer", KV("error", err_name(e)), KV("kept", (int64_t)c->updates_count));
		p->not_before_us = retry_us(c, SECOND_MS, 60 * SECOND_MS);
	} else {
		p->failures = 0;
	}
	if (c->updates_count)
		p->last_batch_ms = clock_now_ms();
	else
		arena_clear(&c->update_arena);
}

/* --- what can go wrong --- */

/* 409: somebody else consumes the updates. Polling pauses, everything else goes on, after 10 minutes we end. */
static void conflict(struct core *c, const struct tg_answer *answer)
{
	struct poll *p = &c->poll;
	int64_t now_ms = clock_now_ms();
	const char *who = answer->verdict == TG_CONFLICT_WEBHOOK ? "webhook" : "another program polls with this token";

	if (!p->conflict_since_ms) {
		p->conflict_since_ms = now_ms;
		p->failures = 0;
	}
	log_error("poll.conflict", KV("who", who), KV("told", answer->description), KV("webhook", answer->webhook_url),
		KV("hint", "stop the other program, or remove its webhook: BOT_TAKE_OVER=1 or obol check --take-over"));
	if (now_ms - p->conflict_since_ms >= GIVE_UP_MS) {
		c->exit_code = 1;
		return;
	}
	p->failures = p->failures < 6 ? p->failures + 1 : 6;
	p->not_before_us = clock_mono_us() + (p->failures == 1 ? 5 : (p->failures - 1) * 10) * INT64_C(1000000);
	if (answer->verdict == TG_CONFLICT_WEBHOOK)
		p->state = POLL_WEBHOOK; /* look who it is, and whether it still is */
}

static void refused(struct core *c, const struct tg_answer *answer)
{
	struct poll *p = &c->poll;
	int64_t now_ms = clock_now_ms();

	log_error("telegram.token_refused", KV("told", answer->description),
		KV("hint", "BOT_TOKEN is wrong or was revoked; ask @BotFather for the current one, it looks like 123456789:AA…"));
	if (p->state == POLL_GET_ME) {
		c->exit_code = 2;
		return;
	}
	if (!p->refused_since_ms)
		p->refused_since_ms = now_ms;
	if (now_ms - p->refused_since_ms >= GIVE_UP_MS)
		c->exit_code = 1;
	p->not_before_us = clock_mono_us() + 30 * INT64_C(1000000);
}

static void failed(struct core *c, const struct tg_answer *answer, const struct http_response *response)
{
	struct poll *p = &c->poll;

	switch (answer->verdict) {
	case TG_UNAUTHORIZED:
		refused(c, answer);
		return;
	case TG_CONFLICT_WEBHOOK:
	case TG_CONFLICT_POLLER:
		conflict(c, answer);
		return;
	case TG_RETRY_AFTER:
		p->not_before_us = clock_mono_us() + answer->retry_after_ms * 1000;
		return;
	default:
		log_warn("telegram.unreachable", KV("method", methods[p->state]), KV("status", response->status),
			KV("failure", http_failure_name(response->failure)), KV("detail", response->detail ? response->detail : ""));
		p->not_before_us = retry_us(c, SECOND_MS, 60 * SECOND_MS);
	}
}

/* --- answers --- */

static void know_ourselves(struct core *c, const struct tg_answer *answer)
{
	struct shared *s = c->setup.shared;
	struct str name = utf8_head_bytes(answer->bot_username, sizeof s->bot_username - 1);

	s->bot_id = answer->bot_id;
	memcpy(s->bot_username, name.at, name.len);
	s->bot_username[name.len] = '\0';
	c->on_ready_due = true;
	c->poll.state = POLL_WEBHOOK;
	log_info("telegram.ready", KV("bot", s->bot_username));
}

static void know_webhook(struct core *c, const struct tg_answer *answer)
{
	struct tg_answer as_conflict = *answer;

	if (answer->webhook_url.len == 0) {
		c->poll.state = POLL_UPDATES;
	} else if (c->setup.take_over) {
		log_warn("telegram.webhook_taken_over", KV("webhook", answer->webhook_url));
		c->poll.state = POLL_DELETE_WEBHOOK;
	} else {
		as_conflict.verdict = TG_CONFLICT_WEBHOOK;
		conflict(c, &as_conflict);
	}
}

void poll_done(struct core *c, struct http_done *done)
{
	struct poll *p = &c->poll;
	struct tg_answer answer;
	struct arena arena = { 0 };
	const struct http_response *response = done->response;
	bool batch = p->state == POLL_UPDATES && response->failure == HTTP_FAIL_NONE && response->status == 200;

	p->under_way = false;
	p->not_before_us = 0;
	if (batch) {
		p->conflict_since_ms = p->refused_since_ms = 0;
		read_batch(c, response->body);
		careful_batch(c);
		STEP("poll.fetched");
	} else {
		tg_answer_read(&answer, &arena, response);
		if (answer.verdict != TG_OK) {
			failed(c, &answer, response);
		} else if (p->state == POLL_GET_ME) {
			p->failures = 0;
			know_ourselves(c, &answer);
		} else if (p->state == POLL_WEBHOOK) {
			know_webhook(c, &answer);
		} else if (p->state == POLL_DELETE_WEBHOOK) {
			p->state = POLL_UPDATES;
		}
	}
	arena_release(&arena);
	c->net->release(c->net->ctx, done);
}
