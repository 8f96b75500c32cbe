/* Weather: what the network does to requests and answers, and the ills of the services behind it. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/json.h"
#include "tests/story/operator.h"
#include "tests/world/world.h"

#define DEADLY_SENT_MAX 60 /* several may have the same words; one alone is given up after six */

/* --- each exchange --- */

static bool is_long_poll(const struct sim_request *r)
{
	return str_has(r->path, "getUpdates");
}

static void note_double(struct world *w, const struct sim_request *r)
{
	struct json_object *o;
	struct person *p;

	tally_fault(FAULT_REQUEST_TWICE);
	if (!str_has(r->path, "/sendMessage") || json_parse(&o, r->body) != OK)
		return;
	p = person_of(w, json_i64_at(o, "chat_id", 0));
	if (p)
		p->doubled++;
	json_object_put(o);
}

static void note_deadly(struct world *w, const char *origin)
{
	for (size_t i = 0; i < w->panels_count; i++)
		if (strcmp(w->panels[i].origin, origin) == 0)
			w->panels[i].has_killed = true;
}

/* Somebody's message, each time that it is sent: until it is given up. */
static bool is_deadly(struct world *w, const char *origin, const struct sim_request *r)
{
	uint64_t body;

	if (!w->deadly_message || strcmp(origin, WORLD_TELEGRAM) != 0 || !str_has(r->path, "/sendMessage"))
		return false;
	body = hash_bytes(HASH_START, r->body);
	if (!w->deadly_body) {
		w->deadly_body = body;
		w->deadly_messages++;
	}
	if (body == w->deadly_body && ++w->deadly_sent > DEADLY_SENT_MAX)
		world_broken(w, "a message has killed %d times and is not given up", w->deadly_sent);
	return body == w->deadly_body;
}

static bool is_write(const struct sim_request *r)
{
	return str_has(r->path, "/add") || str_has(r->path, "/update");
}

/* True: it is down, having gone so with a client that was added just before. */
static bool is_fallen(struct world *w, const char *origin, const struct sim_request *r, struct sim_trouble *t)
{
	for (size_t i = 0; i < w->panels_count; i++) {
		struct world_panel *p = &w->panels[i];

		if (strcmp(origin, p->origin) != 0)
			continue;
		if (p->falls && str_has(r->path, "/add")) {
			tally_fault(FAULT_PANEL_FALLS);
			p->falls = false;
			p->fallen_until_ms = world_now_ms(w) + luck_length(&w->luck, 10 * MINUTE_MS, 5 * HOUR_MS);
			t->drop = true;
			return false;
		}
		return world_now_ms(w) < p->fallen_until_ms;
	}
	return false;
}

static enum memnet_fate exchange(void *ctx, const char *origin, const struct sim_request *r, struct sim_trouble *t)
{
	struct world *w = ctx;

	if (is_fallen(w, origin, r, t))
		return MEMNET_REFUSE;
	if (t->drop) /* it falls with this one: taken, and nobody hears so */
		return MEMNET_PASS;
	if (w->deadly && strcmp(origin, w->deadly) == 0 && (!w->deadly_writes || is_write(r))) {
		note_deadly(w, origin);
		tally_fault(FAULT_DEADLY_ANSWER);
		life_fell(w, w->deadly);
		if (!--w->deadly_times)
			w->deadly = NULL;
		return w->deadly_writes ? MEMNET_LOSE : MEMNET_PASS; /* what was not written is written again, and kills again */
	}
	if (is_deadly(w, origin, r)) {
		tally_fault(FAULT_DEADLY_MESSAGE);
		world_tell(w, "a message kills: the %dth time", w->deadly_sent); /* its text may be a key, and the log is searched for those */
		life_fell(w, "a message");
		return MEMNET_PASS;
	}
	if (!w->climate.network || !luck_has(&w->luck, w->climate.network))
		return MEMNET_PASS;
	switch (luck_below(&w->luck, 7)) {
	case 0:
		tally_fault(FAULT_REQUEST_LOST);
		return MEMNET_LOSE;
	case 1:
		tally_fault(FAULT_NOT_CONNECTED);
		return MEMNET_REFUSE;
	case 2:
		tally_fault(FAULT_ANSWER_LOST);
		t->drop = true;
		return MEMNET_PASS;
	case 3:
		tally_fault(FAULT_ANSWER_LATE);
		t->hang = true;
		return MEMNET_PASS;
	case 4:
		tally_fault(FAULT_ANSWER_SLOW);
		t->delay_ms = luck_length(&w->luck, 1, 8000);
		return MEMNET_PASS;
	case 5:
		tally_fault(FAULT_ANSWER_CUT);
		t->cut_at = luck_between(&w->luck, 1, 60);
		return MEMNET_PASS;
	default:
		if (is_long_poll(r)) /* one connection, one poll */
			return MEMNET_PASS;
		note_double(w, r);
		return MEMNET_TWICE;
	}
}

/* --- panels --- */

/* For how long at least. */
static int64_t panel_answers(struct world *w, struct world_panel *p)
{
	static const struct { enum panel_fault fault; const char *text; enum fault named; } ills[] = {
		{ PANEL_REFUSE, "something went wrong", FAULT_PANEL_REFUSES },
		{ PANEL_REFUSE, "json: cannot unmarshal string into Go value of type int64", FAULT_PANEL_CANNOT_READ },
		{ PANEL_DB_LOCKED, NULL, FAULT_PANEL_LOCKED },
		{ PANEL_HTML_502, NULL, FAULT_PANEL_HTML },
		{ PANEL_EMPTY_500, NULL, FAULT_PANEL_BROKEN },
		{ PANEL_EMPTY_200, NULL, FAULT_PANEL_BROKEN },
		{ PANEL_WRONG_JSON, NULL, FAULT_PANEL_BROKEN },
		{ PANEL_LOGOUT, NULL, FAULT_PANEL_LOGOUT },
	};
	size_t i = (size_t)luck_below(&w->luck, (int64_t)countof(ills));
	struct panel_rule rule = { .nth = (int)luck_between(&w->luck, 1, 4), .times = (int)luck_length(&w->luck, 1, 6), .fault = ills[i].fault,
		.text = ills[i].text, .after = luck_has(&w->luck, 5000) };

	if (ills[i].named == FAULT_PANEL_CANNOT_READ) { /* it says so of what it is sent next */
		rule.route = luck_has(&w->luck, 5000) ? "add" : "update";
		rule.nth = 1;
		rule.after = false;
	}

	panel_sim_add_rule(p->sim, &rule);
	tally_fault(ills[i].named);
	world_tell(w, "%s will answer badly: %zu, %d times%s", p->name, i, rule.times, rule.after ? ", after the effect" : "");
	return ills[i].named == FAULT_PANEL_CANNOT_READ ? DAY_MS : MINUTE_MS;
}

static void heal(struct world *w, struct world_panel *p)
{
	panel_sim_set_down(p->sim, false);
	panel_sim_clear_rules(p->sim);
	memnet_set_latency_us(w->net, p->origin, 1000);
}

static void sick_panel(struct world *w, struct actor *self)
{
	struct world_panel *p = &w->panels[self->number];
	int64_t longest_ms = luck_has(&w->luck, 500) ? DAY_MS : 2 * HOUR_MS, least_ms = MINUTE_MS;
	static const struct panel_rule full = { .route = "POST", .fault = PANEL_REFUSE, .text = "database or disk is full" };

	if (self->at_work || !luck_has(&w->luck, w->climate.sick)) {
		if (self->at_work)
			world_tell(w, "%s is well again", p->name);
		heal(w, p);
		self->at_work = false;
		self->next_ms = world_later(w, HOUR_MS, 2 * DAY_MS);
		return;
	}
	self->at_work = true;
	p->falls = p->falls || luck_has(&w->luck, 3500);
	panel_sim_advance(p->sim, world_now_ms(w));
	switch (luck_below(&w->luck, 6)) {
	case 0:
		tally_fault(FAULT_PANEL_DOWN);
		panel_sim_set_down(p->sim, true);
		world_tell(w, "%s is down", p->name);
		break;
	case 1:
		tally_fault(FAULT_PANEL_SLOW);
		memnet_set_latency_us(w->net, p->origin, luck_length(&w->luck, 100, 20000) * 1000);
		world_tell(w, "%s is slow", p->name);
		break;
	case 2:
		tally_fault(FAULT_PANEL_FULL);
		panel_sim_add_rule(p->sim, &full);
		world_tell(w, "%s has a full disk", p->name);
		break;
	case 3:
		tally_fault(FAULT_PANEL_RESTART);
		panel_sim_restart(p->sim);
		panel_sim_drop_sessions(p->sim);
		world_tell(w, "%s is restarted", p->name);
		break;
	default:
		least_ms = panel_answers(w, p);
		break;
	}
	self->next_ms = world_now_ms(w) + luck_length(&w->luck, least_ms, least_ms > longest_ms ? 2 * least_ms : longest_ms);
}

/* --- Telegram, Crypto Pay --- */

static void telegram_answers(struct world *w)
{
	static const char *const methods[] = { NULL, "sendMessage", "sendPhoto", "editMessageText", "sendInvoice", "answerPreCheckoutQuery", "getUpdates", "getStarTransactions" };
	struct botapi_rule rule = { .method = methods[luck_below(&w->luck, (int64_t)countof(methods))], .nth = (int)luck_between(&w->luck, 1, 3),
		.times = (int)luck_length(&w->luck, 1, 8) };

	/* Telegram's own 5xx says that nothing was done; where it lies, a message to be sent at most once would come twice */
	rule.after = rule.method && strcmp(rule.method, "sendMessage") != 0 && luck_has(&w->luck, 4000);
	switch (luck_below(&w->luck, 3)) {
	case 0:
		rule.fault = BOTAPI_429;
		rule.after = false;
		rule.retry_after_s = (int)luck_length(&w->luck, 1, 300);
		tally_fault(FAULT_TELEGRAM_429);
		break;
	case 1:
		rule.fault = BOTAPI_HTML_502;
		tally_fault(FAULT_TELEGRAM_5XX);
		break;
	default:
		rule.fault = BOTAPI_500;
		tally_fault(FAULT_TELEGRAM_5XX);
		break;
	}
	botapi_add_rule(w->telegram, &rule);
	world_tell(w, "Telegram will answer badly: %s", rule.method ? rule.method : "anything");
}

static void sick_telegram(struct world *w, struct actor *self)
{
	int64_t now_ms = world_now_ms(w);

	if (self->at_work || !luck_has(&w->luck, w->climate.sick)) {
		memnet_set_down(w->net, WORLD_TELEGRAM, false);
		botapi_clear_rules(w->telegram);
		self->at_work = false;
		self->next_ms = world_later(w, HOUR_MS, DAY_MS);
		return;
	}
	self->at_work = true;
	self->next_ms = now_ms + luck_length(&w->luck, MINUTE_MS, HOUR_MS);
	if (luck_has(&w->luck, 1500)) {
		tally_fault(FAULT_TELEGRAM_GONE);
		memnet_set_down(w->net, WORLD_TELEGRAM, true);
		self->next_ms = now_ms + luck_length(&w->luck, HOUR_MS, 30 * HOUR_MS);
		world_tell(w, "Telegram is gone");
	} else if (luck_has(&w->luck, 3000)) {
		tally_fault(FAULT_TELEGRAM_REPEATS);
		botapi_repeat_update(w->telegram);
		botapi_reverse_updates(w->telegram);
		world_tell(w, "Telegram repeats an update and turns their order");
	} else {
		telegram_answers(w);
	}
}

static void sick_cryptopay(struct world *w, struct actor *self)
{
	struct cryptopay_rule rule = { .nth = (int)luck_between(&w->luck, 1, 3), .times = (int)luck_length(&w->luck, 1, 8),
		.fault = luck_has(&w->luck, 2000) ? CRYPTOPAY_REFUSE : (enum cryptopay_fault)luck_between(&w->luck, CRYPTOPAY_REFUSE, CRYPTOPAY_WRONG_JSON), .text = "SOMETHING_WRONG", .after = luck_has(&w->luck, 5000) };

	if (rule.fault == CRYPTOPAY_WRONG_JSON)
		rule.text = NULL;
	cryptopay_sim_clear_rules(w->cryptopay);
	memnet_set_down(w->net, WORLD_CRYPTOPAY, false);
	self->next_ms = world_later(w, HOUR_MS, DAY_MS);
	if (!luck_has(&w->luck, w->climate.sick))
		return;
	tally_fault(FAULT_PAY_SICK);
	if (luck_has(&w->luck, 2000))
		memnet_set_down(w->net, WORLD_CRYPTOPAY, true);
	else
		cryptopay_sim_add_rule(w->cryptopay, &rule);
	world_tell(w, "Crypto Pay is ill: %d", rule.fault);
}

void weather_open(struct world *w)
{
	int64_t now_ms = world_now_ms(w);

	memnet_set_weather(w->net, exchange, w);
	if (!w->climate.sick)
		return;
	for (size_t i = 0; i < w->panels_count; i++)
		world_actor(w, sick_panel, (int64_t)i, now_ms + luck_below(&w->luck, DAY_MS));
	world_actor(w, sick_telegram, 0, now_ms + luck_below(&w->luck, DAY_MS));
	world_actor(w, sick_cryptopay, 0, now_ms + luck_below(&w->luck, DAY_MS));
}

void weather_calm(struct world *w)
{
	w->climate.network = 0;
	for (size_t i = 0; i < w->panels_count; i++)
		heal(w, &w->panels[i]);
	for (size_t i = 0; i < w->panels_count; i++) {
		w->panels[i].falls = false;
		w->panels[i].fallen_until_ms = 0;
	}
	memnet_set_down(w->net, WORLD_TELEGRAM, false);
	botapi_clear_rules(w->telegram);
	cryptopay_sim_clear_rules(w->cryptopay);
	memnet_set_down(w->net, WORLD_CRYPTOPAY, false);
}
