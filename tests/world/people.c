/* Customers: they read what the bot shows and tap, type, pay; mostly towards buying and renewing, sometimes anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "tests/world/world.h"

#define MESSAGES_SEEN 12          /* how far back somebody scrolls */
#define PAGES_SEEN 12             /* how far back a payment page is still found */
#define MOVE_WATCHED_TURNS 100
#define CROWD 100                 /* so many come less often, each of them */

int64_t money_add(struct world *w, const struct money *m)
{
	if (w->money_count == WORLD_MONEY_MAX)
		return -1;
	w->money[w->money_count] = *m;
	staff_paid(w);
	return (int64_t)w->money_count++;
}

struct person *person_of(struct world *w, int64_t telegram_id)
{
	for (size_t i = 0; i < w->people_count; i++)
		if (w->people[i].telegram_id == telegram_id)
			return &w->people[i];
	return NULL;
}

/* --- what is on the screen --- */

static const struct wish wishes[] = {
	{ "buy", 60 }, { "pay", 60 }, { "renewpay", 60 }, { "plan", 30 }, { "renew", 30 }, { "plans", 10 }, { "trial", 10 }, { "link", 4 }, { "qr", 3 },
	{ "connect", 2 }, { "sub", 6 }, { "my", 3 }, { "home", 2 }, { "move", 20 }, { "newlink", 1 }, { "revoke", 1 }, { "cancel", 2 }, { "invite", 6 }, { "lang", 1 },
};

int wish_weight(const struct wish *list, size_t count, struct str data)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(list[i].verb);

		if (str_starts(data, list[i].verb) && (data.len == n || data.at[n] == ':'))
			return list[i].weight;
	}
	return 0;
}

static int weight_of(struct str data)
{
	return wish_weight(wishes, countof(wishes), data);
}

/* A button of this message by what people want; NULL: nothing tempts. */
static const struct botapi_button *tempting(struct world *w, const struct botapi_message *m)
{
	int64_t sum = 0, at;

	for (size_t i = 0; i < m->buttons_count; i++)
		sum += weight_of(m->buttons[i].data);
	if (!sum)
		return NULL;
	at = luck_below(&w->luck, sum);
	for (size_t i = 0; i < m->buttons_count; i++) {
		at -= weight_of(m->buttons[i].data);
		if (at < 0)
			return &m->buttons[i];
	}
	return NULL;
}

static const struct botapi_message *recent(struct world *w, int64_t user, size_t back)
{
	size_t n = botapi_messages_count(w->telegram, user);

	for (size_t i = n; i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(w->telegram, user, i);

		if (!m->from_bot || m->deleted)
			continue;
		if (back-- == 0)
			return m;
	}
	return NULL;
}

/* --- paying --- */

static bool was_paid(struct world *w, const char *payload)
{
	return world_number(w, "SELECT count(*) FROM invoices i JOIN orders o ON o.id=i.order_id WHERE o.state NOT IN ('open', 'canceled') AND i.public_id=?1", payload);
}

static void pays_stars(struct world *w, struct person *p, const struct botapi_message *m, bool again)
{
	struct money paid = { .stars = true, .payer = p->telegram_id, .amount_minor = m->invoice_stars };
	char payload[64];

	snprintf(payload, sizeof payload, "%.*s", STR_ARG(m->invoice_payload));
	if (luck_has(&w->luck, again ? 3000 : 300)) { /* Telegram never says so: the list of transactions does */
		const struct person *payer = luck_has(&w->luck, 1000) ? &w->people[luck_below(&w->luck, (int64_t)w->people_count)] : p;
		struct str charge = botapi_pay_silently(w->telegram, payer->telegram_id, payload, m->invoice_stars);

		tally_fault(payer == p ? FAULT_PAY_SILENT : FAULT_PAY_FRIEND);
		paid.payer = payer->telegram_id;
		snprintf(paid.id, sizeof paid.id, "%.*s", STR_ARG(charge));
		world_tell(w, "%s pays %s of %s in silence", payer->name, payload, p->name);
		money_add(w, &paid);
		return;
	}
	paid.needless = was_paid(w, payload);
	paid.checkout = botapi_pay(w->telegram, p->telegram_id, m->id);
	world_tell(w, "%s pays %lld Stars, checkout %d", p->name, (long long)m->invoice_stars, paid.checkout);
	if (paid.checkout)
		money_add(w, &paid);
}

static bool pays_page(struct world *w, struct person *p, const struct botapi_message *m)
{
	for (size_t i = 0; i < m->buttons_count; i++) {
		struct cryptopay_view v;
		struct money paid = { .payer = p->telegram_id };
		char url[256];

		snprintf(url, sizeof url, "%.*s", STR_ARG(m->buttons[i].url));
		if (!url[0] || !cryptopay_sim_find_url(&v, w->cryptopay, url))
			continue;
		snprintf(paid.id, sizeof paid.id, "%lld", (long long)v.id);
		w->last_invoice = v.id;
		if (luck_has(&w->luck, 1000)) /* looks at the page and leaves */
			return true;
		if (luck_has(&w->luck, 1400)) {
			world_tell(w, "%s pays another amount for Crypto Pay invoice %s", p->name, paid.id);
			provider_tells_other_amount(w, &paid, v.id);
			return true;
		}
		if (cryptopay_sim_pay(w->cryptopay, v.id, "USDT", world_now_ms(w)) != OK)
			return false;
		world_tell(w, "%s pays Crypto Pay invoice %s", p->name, paid.id);
		/* often before the bot asks by itself */
		w->provider->next_ms = world_now_ms(w) + (luck_has(&w->luck, 6000) ? luck_below(&w->luck, 2 * SECOND_MS) : luck_length(&w->luck, SECOND_MS, 3 * HOUR_MS));
		money_add(w, &paid);
		return true;
	}
	return false;
}

/* Pays what asks for money, if something does. An invoice that was paid before may be paid once more. */
static bool pays(struct world *w, struct person *p)
{
	bool old = luck_has(&w->luck, 1600);

	for (size_t back = 0; back < MESSAGES_SEEN; back++) {
		const struct botapi_message *m = recent(w, p->telegram_id, back);

		if (!m)
			return false;
		if (m->invoice_stars && (m->id > p->paid_message || old)) {
			if (m->id > p->paid_message && luck_has(&w->luck, 2000)) { /* not today */
				p->moves_left = 0;
				return true;
			}
			if (m->id <= p->paid_message)
				tally_fault(FAULT_PAID_TWICE);
			pays_stars(w, p, m, m->id <= p->paid_message);
			if (m->id > p->paid_message)
				p->paid_message = m->id;
			return true;
		}
		if (back < PAGES_SEEN && pays_page(w, p, m))
			return true;
	}
	return false;
}

/* --- moves --- */

static void taps(struct world *w, struct person *p, const struct botapi_message *m, const struct botapi_button *b)
{
	char data[80];

	if (!b || !b->data.len)
		return;
	snprintf(data, sizeof data, "%.*s", STR_ARG(b->data));
	world_tell(w, "%s taps %s", p->name, data);
	if (strncmp(data, "move:", 5) == 0)
		w->moves_watched = MOVE_WATCHED_TURNS;
	if (strncmp(data, "buy:", 4) == 0)
		staff_ordered(w);
	if (strncmp(data, "revoke:", 7) == 0 && strchr(data + 7, ':')) /* not the question, the answer */
		buf_printf(&w->given_up, "%.*s ", (int)strcspn(data + 7, ":"), data + 7);
	botapi_tap_data(w->telegram, p->telegram_id, m->id, data);
	if (luck_has(&w->luck, 1000)) {
		tally_fault(FAULT_DOUBLE_TAP);
		botapi_tap_data(w->telegram, p->telegram_id, m->id, data);
	}
}

static void says(struct world *w, struct person *p, const char *text)
{
	world_tell(w, "%s says %s", p->name, text);
	botapi_say(w->telegram, p->telegram_id, text);
}

/* A link that somebody has shown around: any of those that were sold. */
static void pastes(struct world *w, struct person *p)
{
	char uuid[UUID_CHARS + 1], text[128];
	bool is_sold = w->core && world_any(uuid, sizeof uuid, w, "SELECT uuid FROM subscriptions WHERE 1", "");

	snprintf(text, sizeof text, WORLD_PASTED, is_sold ? uuid : "11111111-2222-4333-8444-555555555555");
	botapi_say(w->telegram, p->telegram_id, text);
}

static void wanders(struct world *w, struct person *p)
{
	static const char *const commands[] = { "/start", "/plans", "/my", "/renew", "/invite", "/language", "/help", "/id", "/terms", "/support",
		"hello?", "\xF0\x9F\xA4\xB7", "vless://11111111-2222-4333-8444-555555555555@vpn.example.com:443#x", "/start r_00000000", "/nothing" };
	static const char *const forged[] = { "sub:0000000000", "buy:1:stars", "renewpay:ZZZZZZZZZZ:1.stars", "a_user:1", "yes:AAAA", "a_sus:1:refund", "pay::", "order:9999999999" };
	const struct botapi_message *m = recent(w, p->telegram_id, (size_t)luck_length(&w->luck, 0, MESSAGES_SEEN));

	if (luck_has(&w->luck, 500)) {
		pastes(w, p);
	} else if (luck_has(&w->luck, 5000) || !m) {
		says(w, p, commands[luck_below(&w->luck, (int64_t)countof(commands))]);
	} else if (luck_has(&w->luck, 1000)) {
		tally_fault(FAULT_FORGED_TAP);
		botapi_tap_data(w->telegram, p->telegram_id, m->id, forged[luck_below(&w->luck, (int64_t)countof(forged))]);
	} else if (m->buttons_count) {
		if (m != recent(w, p->telegram_id, 0))
			tally_fault(FAULT_OLD_TAP);
		taps(w, p, m, &m->buttons[luck_below(&w->luck, (int64_t)m->buttons_count)]);
	}
}

static void blocks(struct world *w, struct person *p)
{
	tally_fault(FAULT_USER_BLOCKS);
	world_tell(w, "%s blocks the bot", p->name);
	botapi_block(w->telegram, p->telegram_id);
	p->blocked = p->has_blocked = true;
}

static void unblocks(struct world *w, struct person *p)
{
	world_tell(w, "%s is back", p->name);
	botapi_unblock(w->telegram, p->telegram_id);
	p->blocked = false;
}

/* The link that a friend has sent, if anybody has one to send. */
static void comes_invited(struct world *w, struct person *p)
{
	char code[32], text[64];
	bool is_invited = w->core && world_any(code, sizeof code, w, "SELECT referral_code FROM users WHERE referral_code IS NOT NULL", "");

	snprintf(text, sizeof text, is_invited ? "/start r_%s" : "/start", code);
	says(w, p, text);
}

static void moves(struct world *w, struct person *p)
{
	const struct botapi_message *m = recent(w, p->telegram_id, 0);
	const struct botapi_button *b = m ? tempting(w, m) : NULL;

	if (p->blocked)
		unblocks(w, p);
	else if (!m && luck_has(&w->luck, 5000))
		comes_invited(w, p);
	else if (luck_has(&w->luck, 6500) && pays(w, p))
		return;
	else if (luck_has(&w->luck, 1500))
		wanders(w, p);
	else if (luck_has(&w->luck, 50))
		blocks(w, p);
	else if (b)
		taps(w, p, m, b);
	else
		says(w, p, m && luck_has(&w->luck, 4000) ? "/renew" : luck_has(&w->luck, 7000) ? "/plans" : "/start");
}

/* An invoice was left as it is: they think about it for a night. */
static bool owes(struct world *w, const struct person *p)
{
	const struct botapi_message *m = recent(w, p->telegram_id, 0);

	return m && m->invoice_stars && m->id > p->paid_message;
}

static void sits(struct world *w, struct actor *self)
{
	struct person *p = &w->people[self->number];

	if (p->moves_left-- <= 0) {
		p->moves_left = (int)luck_between(&w->luck, 3, 14);
		self->next_ms = world_later(w, HOUR_MS, owes(w, p) && luck_has(&w->luck, 5000) ? 20 * HOUR_MS : w->people_count > CROWD ? 30 * DAY_MS : 9 * DAY_MS);
		return;
	}
	if (luck_has(&w->luck, w->climate.store))
		w->store_calls_left = luck_between(&w->luck, 1, 60);
	moves(w, p);
	self->next_ms = world_now_ms(w) + luck_length(&w->luck, 200, 20 * SECOND_MS);
}

/* --- all of them --- */

void people_open(struct world *w)
{
	static const char *const names[] = { "Anna", "Boris", "Chloe", "Dmitri", "Elif", "Fatima", "Goran", "Hana", "Ivan", "Jun", "Katya", "Liam" };

	for (size_t i = 0; i < w->people_count; i++) {
		struct person *p = &w->people[i];

		snprintf(p->name, sizeof p->name, "%s%zu", names[i % countof(names)], i);
		p->telegram_id = botapi_user_new(w->telegram, p->name, luck_has(&w->luck, 7000) ? p->name : NULL, luck_has(&w->luck, 4000) ? "ru" : "en");
		p->moves_left = (int)luck_between(&w->luck, 4, 14);
		world_actor(w, sits, (int64_t)i, world_later(w, SECOND_MS, (w->calm_ms - world_now_ms(w)) / 2));
	}
}

void people_calm(struct world *w)
{
	for (size_t i = 0; i < w->people_count; i++)
		if (w->people[i].blocked)
			unblocks(w, &w->people[i]);
}
