/* A dead or slow panel delays nobody else. Two panels: Boris has his access on the first, which falls ill while his
 * renewal is under way; everybody else is a customer of the second. How long each of them waits for an answer, and for
 * the link after paying, is measured on the virtual clock, where only waiting for something costs time. */
#include "tests/unit/proves.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/story/world.h"

#define PEOPLE 60               /* one after the other: some minutes, in which calls to the sick panel begin, hang and end */
#define BUYS_EVERY 4
#define PAUSE_MS 2000           /* a chat gets a message a second */
#define WAIT_MS_MAX 20000       /* nobody waits so long; whoever does ends the test, so that it fails instead of hanging */

struct sickness {
	const char *name;
	bool off;                   /* its process is down: connections are dropped */
	struct sim_trouble trouble;
};

static const struct sickness sicknesses[] = {
	{ "answers after 60 s", false, { .delay_ms = 60000 } },
	{ "never answers", false, { .hang = true } },
	{ "sends a byte a second", false, { .bytes_per_second = 1 } },
	{ "hangs up", false, { .drop = true } },
	{ "is off", true, { 0 } },
};

static void fall_ill(struct world_panel *p, const struct sickness *s)
{
	if (s->off)
		panel_sim_set_down(p->sim, true);
	else
		panel_sim_add_rule(p->sim, &(struct panel_rule){ .fault = PANEL_NETWORK, .trouble = s->trouble });
}

static void recover(struct world_panel *p)
{
	panel_sim_set_down(p->sim, false);
	panel_sim_clear_rules(p->sim);
}

/* --- waiting --- */

static const char *sick_with;   /* for words */

struct waits {
	int64_t answer_ms[3 * PEOPLE], link_ms[PEOPLE / BUYS_EVERY];
	size_t answers, links;
};

static void assert_waits_on(const struct world *w, int64_t from_ms, const char *for_what)
{
	if (memnet_now_ms(w->net) >= from_ms + WAIT_MS_MAX)
		fail_msg("%s: nothing within %d ms beside a panel that %s", for_what, WAIT_MS_MAX, sick_with);
}

/* What the person has been shown so far: messages and edits. */
static int64_t shown(struct world *w, int64_t user)
{
	int64_t n = 0;

	for (size_t i = 0; i < botapi_messages_count(w->telegram, user); i++)
		n += botapi_message_at(w->telegram, user, i)->from_bot + botapi_message_at(w->telegram, user, i)->edits;
	return n;
}

static int64_t time_to_answer(struct world *w, int64_t user, const char *text)
{
	int64_t before = shown(w, user), from_ms = memnet_now_ms(w->net), took_ms;

	botapi_say(w->telegram, user, text);
	for (; shown(w, user) == before; world_run(w, 1))
		assert_waits_on(w, from_ms, text);
	took_ms = memnet_now_ms(w->net) - from_ms;
	world_run(w, PAUSE_MS);
	return took_ms;
}

static int64_t bill(struct world *w, int64_t user)
{
	const struct botapi_message *m = world_last(w, user);

	assert_true(m && m->invoice_stars);
	return m->id;
}

/* From the payment on. */
static int64_t time_to_link(struct world *w, int64_t user)
{
	int64_t from_ms;

	world_say(w, user, "/plans");
	world_run(w, PAUSE_MS);
	world_tap(w, user, "Month");
	world_run(w, PAUSE_MS);
	world_tap(w, user, "Telegram Stars");
	world_run(w, PAUSE_MS);
	from_ms = memnet_now_ms(w->net);
	assert_int_not_equal(botapi_pay(w->telegram, user, bill(w, user)), 0);
	for (; !world_sees(w, user, "vless://"); world_run(w, 1))
		assert_waits_on(w, from_ms, "link");
	return memnet_now_ms(w->net) - from_ms;
}

static void sell_only(struct world *w, const struct world_panel *p)
{
	assert_int_equal(db_run(w->db, "UPDATE inbounds SET for_sale=(panel_id=?1)", p->panel_id), OK);
}

/* Paid, and his panel does not hear of it any more. */
static void renews_in_vain(struct world *w, int64_t boris, const struct sickness *sickness)
{
	world_say(w, boris, "/renew");
	world_run(w, PAUSE_MS);
	world_tap(w, boris, "Telegram Stars");
	world_run(w, PAUSE_MS);
	if (sickness)
		fall_ill(&w->panels[0], sickness);
	world_pay_invoice(w, boris);
	world_say(w, WORLD_ADMIN, "/panel_test 1");
}

static void play(struct waits *out, const struct sickness *sickness)
{
	static const char *const says[] = { "/start", "/plans", "/my" };
	struct world *w = world_new(&(struct world_options){ .versions = { "2.8.5", "3.6.0" } });
	int64_t boris = world_customer(w, "Boris", "en");

	*out = (struct waits){ .answers = 0 };
	sick_with = sickness ? sickness->name : "is well";
	sell_only(w, &w->panels[0]);
	world_say(w, boris, "/start");
	world_buy(w, boris);
	assert_int_equal(world_clients_of(w, &w->panels[0], boris), 1);
	sell_only(w, &w->panels[1]);
	renews_in_vain(w, boris, sickness);
	for (int i = 0; i < PEOPLE; i++) {
		int64_t person = world_customer(w, "Person", "en");

		for (size_t s = 0; s < countof(says); s++)
			out->answer_ms[out->answers++] = time_to_answer(w, person, says[s]);
		if (i % BUYS_EVERY == 0)
			out->link_ms[out->links++] = time_to_link(w, person);
	}
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='paid'"), sickness ? 1 : 0); /* it was ill all the time */
	recover(&w->panels[0]);
	world_run(w, HOUR_MS);
	assert_int_equal(world_number(w, "SELECT count(*) FROM orders WHERE state='paid'"), 0);
	world_free(w);
}

/* --- comparing --- */

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t percentile_99(int64_t *ms, size_t n)
{
	qsort(ms, n, sizeof *ms, by_size);
	return ms[n - 1 - n / 100];
}

static void test_others_wait_no_longer(void **state)
{
	struct waits well, sick;
	int64_t answer_ms, link_ms;

	(void)state;
	play(&well, NULL);
	answer_ms = percentile_99(well.answer_ms, well.answers);
	link_ms = percentile_99(well.link_ms, well.links);
	for (size_t i = 0; i < countof(sicknesses); i++) {
		int64_t a, l;

		play(&sick, &sicknesses[i]);
		a = percentile_99(sick.answer_ms, sick.answers);
		l = percentile_99(sick.link_ms, sick.links);
		if (a != answer_ms || l != link_ms)
			fail_msg("beside a panel that %s an answer takes %" PRId64 " ms instead of %" PRId64 ", a link %" PRId64 " instead of %" PRId64,
				sicknesses[i].name, a, answer_ms, l, link_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_others_wait_no_longer, "R284"),
	};

	return cmocka_run_group_tests_name("sick panel", tests, NULL, NULL);
}
