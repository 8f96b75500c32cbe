/* The shop's admins and its owner: what they do of themselves, what alerts and complaints make them do. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/shop/plan.h"
#include "bot/shop/user.h"
#include "lib/base/clock.h"
#include "tests/world/world.h"

#define MESSAGES_SEEN 40
#define MESSAGES_BEFORE_EYES 3

static const struct wish wishes[] = {
	{ "yes", 60 }, { "no", 3 }, { "a_drift", 20 }, { "a_sus", 20 }, { "a_retry", 20 }, { "a_stuck", 20 }, { "a_refund", 6 }, { "a_unban", 30 }, { "a_ban", 2 },
	{ "a_order", 3 }, { "a_pay", 10 }, { "a_user", 3 }, { "a_sub", 4 }, { "a_subdo", 3 }, { "a_client", 3 }, { "a_test", 2 },
};

static int weight_of(struct str data)
{
	return wish_weight(wishes, countof(wishes), data);
}

static void admin_says(struct world *w, const char *text)
{
	world_tell(w, "the admin says %s", text);
	botapi_say(w->telegram, WORLD_ADMIN, text);
}

static void admin_taps(struct world *w, const struct botapi_message *m, const struct botapi_button *b)
{
	char data[80];

	snprintf(data, sizeof data, "%.*s", STR_ARG(b->data));
	world_tell(w, "the admin taps %s", data);
	if (strncmp(data, "a_stuck:", 8) == 0)
		w->poisoned_times = 0; /* it was set aside, and is taken up again at somebody's word */
	botapi_tap_data(w->telegram, WORLD_ADMIN, m->id, data);
}

/* Any button of the last messages, by weight; most often of those just shown, so that what was begun is ended. */
static bool admin_taps_something(struct world *w)
{
	size_t n = botapi_messages_count(w->telegram, WORLD_ADMIN), seen = luck_has(&w->luck, 7000) ? MESSAGES_BEFORE_EYES : MESSAGES_SEEN, from = n > seen ? n - seen : 0;

	for (int pass = 0, at = 0, sum = 0; pass < 2; pass++) {
		for (size_t i = from; i < n; i++) {
			const struct botapi_message *m = botapi_message_at(w->telegram, WORLD_ADMIN, i);

			for (size_t k = 0; !m->deleted && k < m->buttons_count; k++) {
				int weight = weight_of(m->buttons[k].data);

				sum += pass ? 0 : weight;
				at -= pass ? weight : 0;
				if (pass && weight && at < 0) {
					admin_taps(w, m, &m->buttons[k]);
					return true;
				}
			}
		}
		if (!sum)
			return false;
		at = pass ? at : (int)luck_below(&w->luck, sum);
	}
	return false;
}

/* Anybody; or whose money is set aside, as something is to be decided about them anyway. */
static const struct person *somebody(struct world *w)
{
	const struct person *anybody = &w->people[luck_below(&w->luck, (int64_t)w->people_count)], *payer = NULL;

	if (w->core && luck_has(&w->luck, 4000))
		payer = person_of(w, world_number(w, "SELECT p.payer_telegram_id FROM suspense s JOIN payments p ON p.id=s.payment_id WHERE s.state='open' LIMIT 1"));
	return payer ? payer : anybody;
}

static void admin_types(struct world *w)
{
	static const char *const about_people[][2] = { { "/user", "" }, { "/extend", " 3" }, { "/reset", "" }, { "/limit", " 150" }, { "/limit", " devices 4" },
		{ "/grant", "" }, { "/ban", " for a reason" }, { "/unban", "" } };
	static const char *const others[] = { "/orders", "/orders", "/payments", "/payments", "/payments", "/health", "/online", "/panel_test 1", "/audit", "/panels" };
	const char *const *words = about_people[luck_below(&w->luck, (int64_t)countof(about_people))];
	char text[96];

	if (luck_has(&w->luck, 6000)) {
		admin_says(w, others[luck_below(&w->luck, (int64_t)countof(others))]);
		return;
	}
	snprintf(text, sizeof text, "%s @%s%s", words[0], somebody(w)->name, words[1]);
	admin_says(w, text);
}

/* What the admin has begun and the bot asks more about. */
enum errand { NOTHING, WHY, WHICH, SURE };

/* Says the number of an order that is so, any of them, with words before it, as messages show it. */
static bool admin_names_order(struct world *w, const char *words, const char *state)
{
	char order[16], shown[PUBLIC_ID_CHARS + 3], text[64];

	if (!w->core || !world_any(order, sizeof order, w, "SELECT public_id FROM orders WHERE state=?2 AND kind<>'trial'", state))
		return false;
	public_id_show(shown, order);
	snprintf(text, sizeof text, "%s%s", words, shown);
	admin_says(w, text);
	return true;
}

static void admin_taps_data(struct world *w, const char *data)
{
	const struct botapi_message *m = botapi_last(w->telegram, WORLD_ADMIN);

	if (!m)
		return;
	world_tell(w, "the admin taps %s", data);
	botapi_tap_data(w->telegram, WORLD_ADMIN, m->id, data);
}

/* A message about money that was set aside is taken up again, with what made it deadly mended or not; or it is settled. */
static enum errand admin_takes_up_money(struct world *w, bool closes)
{
	int64_t update = world_number(w, "SELECT update_id FROM inbox WHERE money=1 AND (state=2 OR (state=1 AND attempts>=3)) LIMIT 1");
	char data[64];

	if (!update)
		return NOTHING;
	if (!closes && luck_has(&w->luck, 7000))
		w->poisoned_update = 0;
	w->poisoned_times = 0;
	snprintf(data, sizeof data, "a_stuck:%" PRId64 ":%s", update, closes ? "close" : "retry");
	admin_taps_data(w, data);
	return closes ? SURE : NOTHING;
}

/* The owner takes the Stars out: for a while there is nothing to pay back from. */
static void owner_withdraws(struct world *w)
{
	int64_t stars = botapi_withdraw(w->telegram);

	if (!stars)
		return;
	tally_fault(FAULT_STARS_WITHDRAWN);
	w->withdrawn_stars += stars;
	world_tell(w, "%" PRId64 " Stars are withdrawn", stars);
}

/* Telegram, or the owner by other means, pays Stars back: whatever has become of them. */
static void stars_go_back(struct world *w)
{
	static const char *const states[] = { "applied", "suspense", "kept", "kept", "kept", "kept" };
	char charge[96];

	if (!w->core || !world_any(charge, sizeof charge, w, "SELECT provider_payment_id FROM payments WHERE provider='stars' AND state=?2",
		states[luck_below(&w->luck, (int64_t)countof(states))]) || !botapi_give_back(w->telegram, str_of(charge)))
		return;
	tally_fault(FAULT_STARS_GIVEN_BACK);
	world_tell(w, "the Stars of %s are given back", charge);
}

static enum errand admin_refunds(struct world *w)
{
	int64_t which = luck_below(&w->luck, 100);

	if (luck_has(&w->luck, 4000))
		owner_withdraws(w);
	return admin_names_order(w, "/refund ", which < 80 ? "delivered" : "refunded") ? WHY : NOTHING;
}

/* Money that was set aside: what can be delivered or paid back is, mostly; else any of it in any way. */
static enum errand admin_decides(struct world *w)
{
	static const char open[] = "SELECT s.payment_id FROM suspense s JOIN payments p ON p.id=s.payment_id LEFT JOIN orders o ON o.id=p.order_id WHERE s.state='open'";
	static const struct { const char *way, *where; } ways[] = {
		{ "deliver", " AND o.state IN ('open', 'canceled')" }, { "refund", " AND p.provider='stars'" }, { "deliver", "" }, { "refund", "" }, { "apply", "" }, { "keep", "" }, { "keep", " AND p.provider='stars'" },
	};
	size_t at = luck_has(&w->luck, 6000) ? (size_t)luck_below(&w->luck, 2) : 2 + (size_t)luck_below(&w->luck, (int64_t)countof(ways) - 2);
	int64_t payment;
	char text[320];

	snprintf(text, sizeof text, "%s%s LIMIT 1", open, ways[at].where);
	payment = world_number(w, text);
	if (!payment)
		return NOTHING;
	if (strcmp(ways[at].way, "refund") == 0 && luck_has(&w->luck, 6500))
		owner_withdraws(w);
	snprintf(text, sizeof text, "a_sus:%" PRId64 ":%s", payment, ways[at].way);
	admin_taps_data(w, text);
	return strcmp(ways[at].way, "apply") == 0 ? WHICH : SURE;
}

static bool is_removed(struct world *w, const struct world_panel *p)
{
	return world_number(w, "SELECT count(*) FROM panels WHERE deleted_ms>0 AND id=?1", p->panel_id);
}

/* A panel goes, with all who live there, 0: any; later it is back, a new one to the shop. One always stays. */
static enum errand admin_removes_panel(struct world *w, int64_t id)
{
	char text[32];

	for (size_t i = 0; i < w->panels_count; i++)
		if (is_removed(w, &w->panels[i])) {
			tally_fault(FAULT_PANEL_REMOVED);
			world_tell(w, "%s is added again: %d", w->panels[i].name, world_add_panel(w, &w->panels[i]));
			return NOTHING;
		}
	if (w->panels_count < 2)
		return NOTHING;
	snprintf(text, sizeof text, "/panel_del %" PRId64, id ? id : w->panels[luck_below(&w->luck, (int64_t)w->panels_count)].panel_id);
	admin_says(w, text);
	return SURE;
}

static int64_t panel_down(struct world *w)
{
	return world_number(w, "SELECT id FROM panels WHERE deleted_ms=0 AND state='down' LIMIT 1");
}

/* A price, the days and the traffic of a plan change, or it is not sold for a while: whoever has ordered gets what they ordered. */
static enum err change_plan(struct act *a, void *ctx)
{
	struct world *w = ctx;
	struct plan plans[PLAN_LIST_MAX], *p;
	size_t count;
	enum err e = plan_list(plans, &count, countof(plans), a, false);

	if (e)
		return e;
	p = &plans[luck_below(&w->luck, (int64_t)count)];
	p->on_sale = p->trial || !p->on_sale || luck_has(&w->luck, 7000);
	p->days += p->days ? (int)luck_below(&w->luck, 2) : 0;
	p->quota_bytes += p->quota_bytes ? GIB_BYTES : 0;
	for (size_t i = 0; i < p->prices_count; i++)
		p->prices[i].amount_minor += p->prices[i].amount_minor / 10;
	return plan_update(a, p);
}

static void changes_plan(struct world *w, struct actor *self)
{
	self->next_ms = INT64_MAX;
	if (!life_do(w, change_plan, w))
		return;
	tally_fault(FAULT_PLAN_CHANGED);
	world_tell(w, "a plan is changed");
}

static enum errand admin_begins(struct world *w)
{
	if (luck_has(&w->luck, 450))
		return admin_removes_panel(w, panel_down(w));
	if (luck_has(&w->luck, 600))
		return admin_refunds(w);
	if (luck_has(&w->luck, 1500))
		stars_go_back(w);
	if (luck_has(&w->luck, 5000))
		return admin_decides(w);
	if (luck_has(&w->luck, 3000) || !admin_taps_something(w))
		admin_types(w);
	return NOTHING;
}

/* "Yes" under the newest question. */
static void admin_is_sure(struct world *w)
{
	size_t n = botapi_messages_count(w->telegram, WORLD_ADMIN);

	for (size_t back = 1; back <= n && back <= MESSAGES_BEFORE_EYES; back++) {
		const struct botapi_message *m = botapi_message_at(w->telegram, WORLD_ADMIN, n - back);

		for (size_t k = 0; !m->deleted && k < m->buttons_count; k++)
			if (str_starts(m->buttons[k].data, "yes:")) {
				admin_taps(w, m, &m->buttons[k]);
				return;
			}
	}
}

static enum errand admin_goes_on(struct world *w, enum errand errand)
{
	if (errand == WHY)
		admin_says(w, "a reason");
	else if (errand == WHICH)
		admin_names_order(w, "", luck_has(&w->luck, 7000) ? "open" : "canceled");
	else
		admin_is_sure(w);
	return errand == SURE ? NOTHING : SURE;
}

static void administrates(struct world *w, struct actor *self)
{
	self->number = self->number ? admin_goes_on(w, (enum errand)self->number) : admin_begins(w);
	self->next_ms = self->number || luck_has(&w->luck, 8500) ? world_now_ms(w) + luck_between(&w->luck, SECOND_MS, 20 * SECOND_MS) : world_later(w, HOUR_MS, 2 * DAY_MS);
}

#define WAITED_FOR "SELECT x.panel_id FROM accesses x JOIN orders o ON o.subscription_id=x.subscription_id JOIN panels p ON p.id=x.panel_id" \
	" WHERE o.state='paid' AND x.deleted_ms=0 AND x.done_rev=0 AND p.deleted_ms=0 ORDER BY x.writing DESC LIMIT 1"

/* Somebody has paid and got nothing: the money goes back, or the panel that lets them wait goes. */
static void complains(struct world *w, struct actor *self)
{
	int64_t panel = world_number(w, WAITED_FOR);

	self->next_ms = INT64_MAX;
	if (w->admin->number)
		return;
	if (panel && luck_has(&w->luck, 4000))
		w->admin->number = admin_removes_panel(w, panel);
	else if (admin_names_order(w, "/refund ", "paid"))
		w->admin->number = WHY;
	if (w->admin->number)
		w->admin->next_ms = world_now_ms(w) + SECOND_MS;
}

/* The alert about money that could not be taken is seen sooner or later. */
static void minds_money(struct world *w, struct actor *self)
{
	if (!w->admin->number) {
		w->admin->number = admin_takes_up_money(w, luck_has(&w->luck, 6000));
		if (w->admin->number)
			w->admin->next_ms = world_now_ms(w) + SECOND_MS;
	}
	self->next_ms = world_later(w, HOUR_MS, 10 * HOUR_MS);
}

void staff_paid(struct world *w)
{
	w->complaint->next_ms = world_now_ms(w) + luck_length(&w->luck, SECOND_MS, HOUR_MS);
}

/* The admins do what the alerts ask of them: each panel is tested, which ends its being set aside. */
static void does_duty(struct world *w, struct actor *self)
{
	char text[32];

	if (is_removed(w, &w->panels[self->number]))
		world_add_panel(w, &w->panels[self->number]); /* somebody waits for a place */
	world_sell(w, &w->panels[self->number]);
	snprintf(text, sizeof text, "/panel_test %" PRId64, w->panels[self->number].panel_id);
	admin_says(w, text);
	self->next_ms = world_now_ms(w) + 5 * HOUR_MS;
}

void staff_ordered(struct world *w)
{
	if (luck_has(&w->luck, 400))
		w->plans->next_ms = world_now_ms(w) + luck_length(&w->luck, 0, 20 * SECOND_MS);
}

void staff_calm(struct world *w)
{
	for (size_t i = 0; i < w->panels_count; i++) {
		w->panels[i].places = 0; /* whoever has paid and waits for a place gets one */
		world_actor(w, does_duty, (int64_t)i, world_now_ms(w) + (int64_t)(i + 1) * 10 * MINUTE_MS);
	}
}

void staff_open(struct world *w)
{
	int64_t now_ms = world_now_ms(w);

	w->admin = world_actor(w, administrates, 0, now_ms + luck_below(&w->luck, DAY_MS));
	w->complaint = world_actor(w, complains, 0, INT64_MAX);
	w->plans = world_actor(w, changes_plan, 0, INT64_MAX);
	world_actor(w, minds_money, 0, now_ms + luck_below(&w->luck, DAY_MS));
}
