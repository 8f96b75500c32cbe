/* What Crypto Pay calls, and who is not Crypto Pay. A callback waits for the bot's next turn, beside whatever else there is,
 * and the answer alone says what becomes of it: 200, and whoever paid must find it booked; anything else or none, and it comes
 * again. */
#include <inttypes.h>
#include <stdio.h>

#include "bot/shop/pay.h"
#include "lib/base/clock.h"
#include "tests/world/world.h"

#define ENDS_WITHIN 12            /* steps, when the process ends while it decides */
#define FAILS_WITHIN 20           /* calls of the store */

static bool is_forged(enum cryptopay_lie lie)
{
	return lie == CRYPTOPAY_OTHER_KEY || lie == CRYPTOPAY_UNSIGNED || lie == CRYPTOPAY_EMPTY || lie == CRYPTOPAY_CHANGED;
}

static bool is_money(enum cryptopay_lie lie)
{
	return lie == CRYPTOPAY_TRUE || lie == CRYPTOPAY_OTHER_AMOUNT;
}

/* --- calling --- */

static void brings_trouble(struct world *w)
{
	if (!w->core || world_now_ms(w) >= w->calm_ms)
		return;
	if (w->climate.deaths_ms && luck_has(&w->luck, 2500))
		life_will_die(w, ENDS_WITHIN);
	else if (w->climate.store && luck_has(&w->luck, 2500))
		w->store_calls_left = luck_between(&w->luck, 1, FAILS_WITHIN);
}

static void calls(struct world *w, const struct cryptopay_callback *c, const struct call *call)
{
	struct http_inbound in = { .listener = LISTENER_PUBLIC, .method = HTTP_POST, .path = str_of(w->callback_path), .body = c->body,
		.headers_count = c->headers_count };
	struct call *kept;

	if (w->calls_count == WORLD_CALLS_MAX)
		return; /* nobody hears this one */
	kept = &w->calls[w->calls_count++];
	for (size_t i = 0; i < c->headers_count; i++)
		in.headers[i] = c->headers[i];
	*kept = *call;
	kept->invoice = c->id;
	if (w->core) {
		kept->number = memserver_ask(w->server, &in);
	} else {
		kept->status = MEMSERVER_GONE;
		world_tell(w, "a callback about invoice %" PRId64 " (%d) finds nobody there", c->id, call->lie);
	}
}

/* A queued one: sometimes twice at once, sometimes nobody hears the answer, and it comes again. */
static void calls_queued(struct world *w, const struct cryptopay_callback *c)
{
	bool twice = luck_has(&w->luck, 1200);
	const struct call call = { .lie = CRYPTOPAY_TRUE, .money = -1, .unheard = world_now_ms(w) < w->calm_ms && luck_has(&w->luck, 1200) };

	brings_trouble(w);
	calls(w, c, &call);
	if (!twice)
		return;
	tally_fault(FAULT_CALLBACK_DOUBLE);
	calls(w, c, &call);
}

static void lies(struct world *w, struct arena *arena)
{
	static const enum cryptopay_lie forgeries[] = { CRYPTOPAY_OTHER_KEY, CRYPTOPAY_UNSIGNED, CRYPTOPAY_EMPTY, CRYPTOPAY_CHANGED, CRYPTOPAY_NOT_PAID, CRYPTOPAY_OTHER_UPDATE };
	const struct call call = { .lie = forgeries[luck_below(&w->luck, (int64_t)countof(forgeries))], .money = -1 };
	struct cryptopay_callback c;

	if (!w->last_invoice || cryptopay_sim_make_callback(&c, w->cryptopay, arena, w->last_invoice, call.lie, world_now_ms(w)) != OK)
		return;
	tally_fault(FAULT_CALLBACK_FORGED);
	calls(w, &c, &call);
}

/* Crypto Pay says that another amount came than was asked for. It says so once: who does not hear it never will. */
void provider_tells_other_amount(struct world *w, struct money *paid, int64_t invoice)
{
	struct call call = { .lie = CRYPTOPAY_OTHER_AMOUNT };
	struct cryptopay_callback c;
	struct arena arena = { 0 };

	if (world_is_unreachable(w->seed))
		return; /* and who asks is told the invoice's own amount */
	if (cryptopay_sim_expire(w->cryptopay, invoice) == OK &&
		cryptopay_sim_make_callback(&c, w->cryptopay, &arena, invoice, call.lie, world_now_ms(w)) == OK) {
		tally_fault(FAULT_CALLBACK_AMOUNT);
		paid->wrong = paid->maybe = true;
		call.money = money_add(w, paid);
		brings_trouble(w);
		calls(w, &c, &call);
	}
	arena_release(&arena);
}

/* --- what was answered --- */

/* Whoever heard 200 about money finds it in the books, now and whatever happens next. */
static bool is_booked(struct world *w, int64_t invoice)
{
	return world_number(w, "SELECT count(*) FROM payments WHERE provider='crypto_pay' AND provider_payment_id=CAST(?1 AS TEXT)", invoice) == 1;
}

static void judge(struct world *w, const struct call *c)
{
	bool is_yes = c->status / 100 == 2, is_later = c->status / 100 == 5 || c->status == MEMSERVER_GONE;

	if (is_money(c->lie) && is_yes && !is_booked(w, c->invoice))
		world_broken(w, "a callback about invoice %" PRId64 " was answered %d and is not booked", c->invoice, c->status);
	else if (is_money(c->lie) && !is_yes && !is_later)
		world_broken(w, "a callback about invoice %" PRId64 " was answered %d", c->invoice, c->status);
	else if (is_forged(c->lie) && is_yes)
		world_broken(w, "a forged callback about invoice %" PRId64 " was answered %d", c->invoice, c->status);
}

static void settle(struct world *w, const struct call *c)
{
	judge(w, c);
	if (c->number && c->status == MEMSERVER_GONE)
		tally_fault(FAULT_CALLBACK_GONE);
	if (c->status / 100 == 5)
		tally_fault(FAULT_CALLBACK_REFUSED);
	if (c->unheard && c->status == 200)
		tally_fault(FAULT_CALLBACK_UNHEARD);
	if (c->lie == CRYPTOPAY_TRUE && !c->unheard)
		cryptopay_sim_settle_callback(w->cryptopay, &(struct cryptopay_callback){ .id = c->invoice }, c->status);
	if (c->money >= 0 && c->status == 200)
		w->money[c->money].maybe = false;
}

void provider_hear(struct world *w)
{
	size_t left = 0;

	for (size_t i = 0; i < w->calls_count; i++) {
		struct call c = w->calls[i];

		if (!c.status) {
			c.status = memserver_hear(w->server, c.number);
			if (c.status)
				world_tell(w, "a callback about invoice %" PRId64 " (%d) was answered %d%s", c.invoice, c.lie, c.status, c.unheard ? ", which nobody hears" : "");
		}
		if (c.status && w->core) /* without, nobody can look into its books */
			settle(w, &c);
		else
			w->calls[left++] = c;
	}
	w->calls_count = left;
}

/* --- its day --- */

static void provider(struct world *w, struct actor *self)
{
	bool waits = w->calls_count > 0; /* one after the other */
	struct cryptopay_callback c;
	struct arena arena = { 0 };

	cryptopay_sim_advance(w->cryptopay, world_now_ms(w));
	if (world_is_unreachable(w->seed)) {
		self->next_ms = world_later(w, HOUR_MS, 8 * HOUR_MS);
		return;
	}
	if (!waits && cryptopay_sim_take_callback(&c, w->cryptopay, &arena, world_now_ms(w)))
		calls_queued(w, &c);
	else if (!waits && world_now_ms(w) < w->calm_ms && luck_has(&w->luck, 2000))
		lies(w, &arena);
	arena_release(&arena);
	self->next_ms = cryptopay_sim_queued(w->cryptopay) ? world_now_ms(w) + luck_length(&w->luck, SECOND_MS, HOUR_MS) : world_later(w, HOUR_MS, 8 * HOUR_MS);
	if (self->next_ms > world_now_ms(w) + HOUR_MS)
		tally_fault(FAULT_CALLBACK_LATE);
}

static enum err learn_path(struct act *a, void *ctx)
{
	struct world *w = ctx;

	snprintf(w->callback_path, sizeof w->callback_path, "%.*s", STR_ARG(pay_callback_path(a, pay_provider_find(STR("crypto_pay")))));
	return OK;
}

void provider_open(struct world *w)
{
	if (!life_do(w, learn_path, w))
		world_broken(w, "the shop does not open");
	provider_goes_on(w);
}

void provider_goes_on(struct world *w)
{
	w->provider = world_actor(w, provider, 0, world_now_ms(w) + MINUTE_MS);
}
