/* The queue of updates and the long poll that empties it. */
#include "tests/sim/botapi_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"

#define RETENTION_MS (24 * HOUR_MS)
#define ANSWER_BYTES_MAX (4u << 20)
#define DEAD_POLL_MS MINUTE_MS  /* a poll whose connection is gone is forgotten this long after its deadline */

/* The kinds a list may name. Those of an empty or missing list leave out the three that flood. */
static const struct { const char *name; bool floods; } update_kinds[] = {
	{ "message", false }, { "edited_message", false }, { "channel_post", false }, { "edited_channel_post", false },
	{ "inline_query", false }, { "chosen_inline_result", false }, { "callback_query", false }, { "shipping_query", false },
	{ "pre_checkout_query", false }, { "poll", false }, { "poll_answer", false }, { "my_chat_member", false },
	{ "chat_member", true }, { "chat_join_request", false }, { "message_reaction", true }, { "message_reaction_count", true },
	{ "chat_boost", false }, { "removed_chat_boost", false }, { "business_connection", false }, { "business_message", false },
	{ "purchased_paid_media", false }, { "subscription", false },
};

static uint64_t kind_bit(struct str name)
{
	for (size_t i = 0; i < countof(update_kinds); i++)
		if (str_is(name, update_kinds[i].name))
			return UINT64_C(1) << i;
	return 0;
}

static uint64_t kinds_by_default(void)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < countof(update_kinds); i++)
		bits |= (uint64_t)!update_kinds[i].floods << i;
	return bits;
}

static bool allowed_take(struct call *c)
{
	struct json_object *list;
	uint64_t bits = 0;

	if (!arg_has(c, "allowed_updates"))
		return true;
	if (!arg_json(&list, c, "allowed_updates") || !json_object_is_type(list, json_type_array)) {
		json_object_put(list);
		call_fail(c, 400, "Bad Request: can't parse allowed_updates: expected an array of strings");
		return false;
	}
	for (size_t i = 0; i < json_len(list); i++)
		bits |= kind_bit(str_of(json_object_get_string(json_object_array_get_idx(list, i))));
	c->b->allowed = bits ? bits : kinds_by_default();
	json_object_put(list);
	return true;
}

int64_t update_push(struct botapi *b, struct str json)
{
	*list_add(&b->updates) = (struct update){ .id = b->next_update, .date_ms = b->now_ms, .json = own(json) };
	return b->next_update++;
}

void update_begin(struct update_draft *d, struct botapi *b, const char *kind)
{
	d->kind = kind;
	buf_init(&d->text, CALL_BYTES_MAX);
	json_out_init(&d->j, &d->text);
	json_open(&d->j, '{');
	json_put_i64(&d->j, "update_id", b->next_update);
	json_key(&d->j, kind);
	json_open(&d->j, '{');
}

int64_t update_end(struct update_draft *d, struct botapi *b)
{
	int64_t id = 0;

	json_close(&d->j, '}');
	json_close(&d->j, '}');
	if (b->allowed & kind_bit(str_of(d->kind)))
		id = update_push(b, buf_str(&d->text));
	buf_release(&d->text);
	return id;
}

int64_t botapi_push_raw(struct botapi *b, const char *member_json)
{
	char *json = NULL;
	int64_t id;
	int n = asprintf(&json, "{\"update_id\":%" PRId64 ",%s}", b->next_update, member_json);

	assert(n > 0);
	id = update_push(b, str_n(json, (size_t)n));
	free(json);
	return id;
}

void botapi_repeat_update(struct botapi *b)
{
	struct update last;

	if (b->updates.count == b->updates_first)
		return;
	last = b->updates.at[b->updates.count - 1];
	last.json = own(last.json);
	*list_add(&b->updates) = last;
}

void botapi_reverse_updates(struct botapi *b)
{
	b->updates_turned = true;
	for (size_t i = b->updates_first, k = b->updates.count; i + 1 < k; i++) {
		struct update swap = b->updates.at[i];

		b->updates.at[i] = b->updates.at[--k];
		b->updates.at[k] = swap;
	}
}

void botapi_set_next_update_id(struct botapi *b, int64_t id)
{
	b->next_update = id;
}

void botapi_watch_confirmed(struct botapi *b, void (*confirmed)(void *ctx, int64_t update_id), void *ctx)
{
	b->confirmed = confirmed;
	b->confirmed_ctx = ctx;
}

size_t botapi_updates_waiting(const struct botapi *b)
{
	return b->updates.count - b->updates_first;
}

/* Lets go of updates with a lower id or an earlier date, wherever they stand; the head of the list moves without copying. */
static void updates_forget(struct botapi *b, int64_t below_id, int64_t before_ms)
{
	size_t kept = b->updates_first;

	while (kept < b->updates.count && (b->updates.at[kept].id < below_id || b->updates.at[kept].date_ms < before_ms))
		disown(&b->updates.at[kept++].json);
	b->updates_first = kept;
	for (size_t i = kept; i < b->updates.count; i++) {
		struct update *u = &b->updates.at[i];

		if (u->id < below_id || u->date_ms < before_ms)
			disown(&u->json);
		else
			b->updates.at[kept++] = *u;
	}
	b->updates.count = kept;
	b->updates_turned = b->updates_turned && b->updates_first < kept;
	if (b->updates_first == b->updates.count) {
		b->updates.count = b->updates_first = 0;
	} else if (b->updates_first > 65536) {
		memmove(b->updates.at, b->updates.at + b->updates_first, botapi_updates_waiting(b) * sizeof *b->updates.at);
		b->updates.count -= b->updates_first;
		b->updates_first = 0;
	}
}

void updates_drop(struct botapi *b)
{
	updates_forget(b, INT64_MAX, INT64_MAX);
}

static void updates_confirm(struct botapi *b, int64_t offset)
{
	size_t waiting;

	for (size_t i = b->updates_first; b->confirmed && i < b->updates.count; i++)
		if (b->updates.at[i].id < offset)
			b->confirmed(b->confirmed_ctx, b->updates.at[i].id);
	updates_forget(b, offset > 0 ? offset : INT64_MIN, b->now_ms - RETENTION_MS);
	waiting = botapi_updates_waiting(b);
	if (offset < 0 && waiting > (size_t)-offset)
		updates_forget(b, b->updates.at[b->updates.count - (size_t)-offset].id, INT64_MIN);
}

/* Of those that wait, the newest that belongs into an answer of so many. In whatever order they stand there, the older ones come
 * first: those left out would be confirmed with it, unseen. */
static int64_t newest_of(const struct botapi *b, int64_t limit)
{
	int64_t newest = INT64_MIN;

	if (!b->updates_turned || (size_t)limit >= botapi_updates_waiting(b))
		return INT64_MAX;
	for (size_t i = b->updates_first; i < b->updates.count; i++) {
		int64_t id = b->updates.at[i].id, older = 0;

		for (size_t k = b->updates_first; k < b->updates.count; k++)
			older += b->updates.at[k].id < id;
		if (older < limit && id > newest)
			newest = id;
	}
	return newest;
}

static void updates_answer(struct call *c, int64_t limit)
{
	struct botapi *b = c->b;
	int64_t newest = newest_of(b, limit);

	call_begin(c);
	json_open(&c->j, '[');
	for (size_t i = b->updates_first; i < b->updates.count && limit > 0; i++) {
		if (b->updates.at[i].id > newest)
			continue;
		limit--;
		if (c->out.len + b->updates.at[i].json.len > ANSWER_BYTES_MAX)
			break;
		json_add_raw(&c->j, b->updates.at[i].json);
	}
	json_close(&c->j, ']');
	call_end(c);
}

/* --- getUpdates --- */

static struct poll *poll_find(struct botapi *b, uint64_t connection)
{
	for (size_t i = 0; i < b->polls_count; i++)
		if (b->polls[i].connection == connection)
			return &b->polls[i];
	return NULL;
}

bool poll_is_waiting(const struct call *c)
{
	return str_is(c->method, "getupdates") && poll_find(c->b, c->request->connection);
}

static bool waits_on(struct call *c, const struct poll *p)
{
	struct botapi *b = c->b;

	if (botapi_updates_waiting(b) || b->now_ms >= p->deadline_ms)
		return false;
	c->response->later = true;
	c->response->retry_ms = p->deadline_ms - b->now_ms;
	return true;
}

bool poll_goes_on(struct call *c)
{
	const struct poll *p = poll_is_waiting(c) ? poll_find(c->b, c->request->connection) : NULL;

	return p && !p->terminated && !c->b->other_poller && !c->b->webhook.len && waits_on(c, p);
}

static void poll_end(struct botapi *b, struct poll *p)
{
	*p = b->polls[--b->polls_count];
}

/* A later poll ends the others: each hears so when it is asked again. Those of dead connections never are. */
static struct poll *poll_begin(struct botapi *b, uint64_t connection, int64_t deadline_ms)
{
	for (size_t i = b->polls_count; i-- > 0;) {
		b->polls[i].terminated = true;
		if (b->polls[i].deadline_ms + DEAD_POLL_MS < b->now_ms || b->polls_count == BOTAPI_POLLS_MAX)
			poll_end(b, &b->polls[i]);
	}
	b->polls[b->polls_count] = (struct poll){ .connection = connection, .deadline_ms = deadline_ms };
	return &b->polls[b->polls_count++];
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

static const char other_poller[] =
	"Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

void get_updates(struct call *c)
{
	struct botapi *b = c->b;
	int64_t offset = arg_i64(c, "offset", 0);
	int64_t limit = clamp(arg_i64(c, "limit", 100), 1, 100);
	int64_t timeout_s = clamp(arg_i64(c, "timeout", 0), 0, 50);
	struct poll *p = poll_find(b, c->request->connection);

	if (b->webhook.len) {
		call_fail(c, 409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first");
		return;
	}
	if (b->other_poller || (p && p->terminated)) {
		if (p)
			poll_end(b, p);
		call_fail(c, 409, other_poller);
		return;
	}
	if (!p) {
		if (!allowed_take(c))
			return;
		if (offset == b->last_offset && b->now_ms < b->last_poll_ms + 3 * SECOND_MS && timeout_s < 3)
			timeout_s = 3;
		if (offset == b->last_offset && b->now_ms < b->last_poll_ms + SECOND_MS / 2)
			limit = 1;
		b->last_offset = offset;
		b->last_poll_ms = b->now_ms;
		p = poll_begin(b, c->request->connection, b->now_ms + timeout_s * SECOND_MS);
	}
	updates_confirm(b, offset);
	if (waits_on(c, p))
		return;
	poll_end(b, p);
	updates_answer(c, limit);
}
