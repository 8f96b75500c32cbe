/* What the chats hear: a message that says paid, delivered, refunded is true when it arrives; a reminder comes once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "tests/world/world.h"

/* ?1 the chat, ?2 the text */
#define OF_THEM " FROM orders o JOIN users u ON u.id=o.user_id WHERE u.telegram_id=?1 AND ?2<>'' AND "
#define NAMED "instr(replace(?2, '-', ''), o.public_id)>0"

enum { LANGUAGES = 2 };
static const char *const files[LANGUAGES] = { "locales/en.json", "locales/ru.json" };

/* true_sql counts what makes the text true: at least one. lie_sql counts what makes it a lie: none. */
static const struct promise {
	const char *key, *true_sql, *lie_sql;
} promises[] = {
	{ "pay.paid_creating", "SELECT count(*)" OF_THEM "o.kind='new' AND o.paid_ms>0", NULL },
	{ "pay.paid_renewing", "SELECT count(*)" OF_THEM "o.kind='renew' AND o.paid_ms>0", NULL },
	{ "deliver.ready", "SELECT count(*)" OF_THEM "o.state IN ('delivered', 'refunded') AND EXISTS"
		" (SELECT 1 FROM accesses x WHERE x.subscription_id=o.subscription_id AND x.done_rev>0)", "SELECT count(*)" OF_THEM NAMED " AND o.state NOT IN ('delivered', 'refunded')" },
	{ "deliver.renewed", "SELECT count(*)" OF_THEM "o.kind='renew' AND o.state IN ('delivered', 'refunded')", "SELECT count(*)" OF_THEM NAMED " AND o.state NOT IN ('delivered', 'refunded')" },
	{ "deliver.renewed_anew", "SELECT count(*)" OF_THEM "o.kind='renew' AND o.state IN ('delivered', 'refunded')", "SELECT count(*)" OF_THEM NAMED " AND o.state NOT IN ('delivered', 'refunded')" },
	{ "deliver.gift", "SELECT count(*)" OF_THEM "o.kind='grant' AND o.state IN ('delivered', 'refunded')", NULL },
	/* to whoever paid: an admin may have let their money count for somebody else's order */
	{ "pay.refunded", "SELECT count(*) FROM payments p JOIN orders o ON o.id=p.order_id WHERE ?1<>0 AND p.state='refunded' AND " NAMED, NULL },
};

enum { DELIVERED = 2, DELIVERED_END = 6 }; /* of the list above */

static const char *const reminders[] = { "remind.days_one", "remind.days_other", "remind.expired", "remind.expired_gone", "remind.expired_grace", "remind.traffic", "remind.traffic_over" };

/* By which each text is known: the longest piece of it that no argument interrupts. */
static char *marks[LANGUAGES][countof(promises) + countof(reminders)];

/* The caller frees it: never, they stay. */
static char *longest_piece(struct str text)
{
	struct str best = { 0 };

	while (text.len) {
		const char *open = memmem(text.at, text.len, "{{", 2), *close;
		struct str piece = str_n(text.at, open ? (size_t)(open - text.at) : text.len);

		if (piece.len > best.len)
			best = piece;
		close = open ? memmem(open, (size_t)(text.at + text.len - open), "}}", 2) : NULL;
		text = close ? str_n(close + 2, (size_t)(text.at + text.len - close - 2)) : str_n(NULL, 0);
	}
	return strndup(best.at ? best.at : "", best.len);
}

static void read_marks(int language)
{
	struct json_object *texts = json_object_from_file(files[language]);
	size_t n = 0;

	if (!texts)
		abort();
	for (size_t i = 0; i < countof(promises); i++)
		marks[language][n++] = longest_piece(json_str_at(texts, promises[i].key));
	for (size_t i = 0; i < countof(reminders); i++)
		marks[language][n++] = longest_piece(json_str_at(texts, reminders[i]));
	json_object_put(texts);
}

void heard_open(void)
{
	for (int i = 0; i < LANGUAGES; i++)
		read_marks(i);
}

static bool says(struct str text, size_t mark)
{
	for (int i = 0; i < LANGUAGES; i++)
		if (*marks[i][mark] && str_has(text, marks[i][mark]))
			return true;
	return false;
}

static void one_text(struct world *w, int64_t chat, struct str text)
{
	struct person *p = person_of(w, chat);

	for (size_t i = 0; i < countof(promises); i++) {
		if (!says(text, i))
			continue;
		if (p && i >= DELIVERED && i < DELIVERED_END)
			p->deliveries_told++;
		if (!world_number(w, promises[i].true_sql, chat, text) || (promises[i].lie_sql && world_number(w, promises[i].lie_sql, chat, text)))
			world_broken(w, "%" PRId64 " is told %s and it is not so: %.*s", chat, promises[i].key, (int)(text.len < 200 ? text.len : 200), text.at);
	}
}

static bool is_paced(struct str method)
{
	return str_starts(method, "send") || str_starts(method, "edit");
}

/* Told to wait, it waits: what else there is to be said to this chat, too. Where no answer is lost, it was told. */
static void one_pause(struct world *w, const struct botapi_call *call)
{
	struct person *p = person_of(w, call->chat_id);

	if (!p || !is_paced(call->method) || w->had_trouble || w->heard < w->heard_before)
		return;
	if (call->now_ms < p->wait_until_ms)
		world_broken(w, "%s is written to %" PRId64 " ms before Telegram takes anything", p->name, p->wait_until_ms - call->now_ms);
	if (call->retry_after_s)
		p->wait_until_ms = call->now_ms + call->retry_after_s * 1000;
}

/* Stars go back to whoever paid them, or Telegram says no for ever. */
static void one_refund(struct world *w, const struct botapi_call *call)
{
	struct json_object *o;

	if (json_parse(&o, call->payload) != OK)
		return;
	for (size_t i = 0; i < w->money_count; i++) {
		const struct money *m = &w->money[i];
		struct str charge = m->checkout ? botapi_checkout_charge(w->telegram, m->checkout) : str_of(m->id);

		if (m->stars && str_eq(charge, json_str_at(o, "telegram_payment_charge_id")) && json_i64_at(o, "user_id", 0) != m->payer)
			world_broken(w, "Stars of %" PRId64 " are to go back to %" PRId64, m->payer, json_i64_at(o, "user_id", 0));
	}
	json_object_put(o);
}

void heard_end(struct world *w)
{
	w->heard_before = botapi_calls(w->telegram, NULL);
	for (size_t i = 0; i < w->people_count; i++)
		w->people[i].wait_until_ms = 0;
}

void heard_look(struct world *w)
{
	size_t calls = botapi_calls(w->telegram, NULL);

	for (; w->heard < calls; w->heard++) {
		const struct botapi_call *call = botapi_call_nth(w->telegram, NULL, w->heard);
		struct json_object *o;

		one_pause(w, call);
		if (str_is(call->method, "refundstarpayment"))
			one_refund(w, call);
		if (call->status != 200 && call->status)
			continue; /* nobody reads it */
		if (call->chat_id == WORLD_ADMIN || !(str_is(call->method, "sendmessage") || str_is(call->method, "sendphoto") || str_is(call->method, "editmessagetext")) ||
			json_parse(&o, call->payload) != OK)
			continue;
		one_text(w, call->chat_id, json_str_at(o, "text").len ? json_str_at(o, "text") : json_str_at(o, "caption"));
		json_object_put(o);
	}
}

/* --- reminders --- */

static int64_t reminders_in(struct world *w, int64_t chat)
{
	int64_t n = 0;

	for (size_t i = 0; i < botapi_messages_count(w->telegram, chat); i++) {
		const struct botapi_message *m = botapi_message_at(w->telegram, chat, i);
		bool reminds = false;

		for (size_t k = 0; k < countof(reminders) && !reminds; k++)
			reminds = m->from_bot && says(m->html, countof(promises) + k);
		n += reminds;
		if (reminds && w->trace)
			world_tell(w, "reminder in %" PRId64 ": %.*s", chat, STR_ARG(m->text));
	}
	return n;
}

/* Nothing ever went wrong with it: then at most once is once. */
static bool is_calm(const struct world *w)
{
	const struct climate *c = &w->climate;

	return !w->had_trouble && !c->sick && !c->deaths_ms && !c->disk && !c->store;
}

void heard_check(struct world *w)
{
	for (size_t i = 0; i < w->people_count; i++) {
		const struct person *p = &w->people[i];
		int64_t decided = world_number(w, "SELECT count(*) FROM reminders r JOIN subscriptions s ON s.id=r.subscription_id JOIN users u ON u.id=s.user_id"
			" WHERE u.telegram_id=?1 AND r.sent=1", p->telegram_id), came = reminders_in(w, p->telegram_id), delivered, given_up;
		/* who paid in the same minute is not reminded any more */
		int64_t needless = world_number(w, "SELECT count(*) FROM reminders r JOIN subscriptions s ON s.id=r.subscription_id JOIN users u ON u.id=s.user_id"
			" JOIN orders o ON o.subscription_id=s.id AND o.paid_ms BETWEEN r.decided_ms AND r.decided_ms+60000 WHERE u.telegram_id=?1 AND r.sent=1", p->telegram_id);

		if (came > decided + p->doubled)
			world_broken(w, "%s was reminded %" PRId64 " times, decided were %" PRId64, p->name, came, decided);
		else if (came < decided - needless && is_calm(w) && !p->has_blocked)
			world_broken(w, "%s was reminded %" PRId64 " times, decided were %" PRId64 ", and nothing went wrong", p->name, came, decided);
		/* what was paid back before it was told is not told any more */
		delivered = world_number(w, "SELECT count(*) FROM orders o JOIN users u ON u.id=o.user_id WHERE u.telegram_id=?1 AND o.delivered_ms>0 AND u.banned=0 AND u.reachable=1"
			" AND NOT (o.state='refunded' AND o.closed_ms<o.delivered_ms+86400000)", p->telegram_id);
		/* what killed whoever sent it was set aside, and admins know */
		given_up = world_number(w, "SELECT count(*) FROM outbox WHERE state=2 AND chat_id=?1", p->telegram_id);
		if (p->deliveries_told + given_up < delivered && !p->has_blocked)
			world_broken(w, "%s has %" PRId64 " orders delivered and was told of %" PRId64, p->name, delivered, p->deliveries_told);
	}
	if (world_number(w, "SELECT count(*) FROM subscriptions WHERE deleted_ms=0 AND remind_ms>0 AND remind_ms<?1", world_now_ms(w) - w->climate.stride_ms - HOUR_MS))
		world_broken(w, "a reminder is due and not decided");
}
