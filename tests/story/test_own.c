/* What owners do with what they have: another server, another link, giving it up; on an old and a new panel, and with the
 * process killed at every step. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/shop/plan.h"
#include "lib/base/clock.h"
#include "tests/story/world.h"

static const char *const versions[] = { "2.8.5", "3.6.0" };

static const char *const steps[] = {
	"poll.fetched", "turn.before_commit", "turn.after_commit", "outbox.claimed", "outbox.sent", "jobs.claimed", "jobs.call_sent",
};

/* Anna has bought a month in Oslo, where Boris is too: old panels keep the last client of an inbound. Paris is empty. */
struct own {
	struct world *w;
	int64_t anna;
	struct world_client bought;
};

static void begin(struct own *o, const char *version)
{
	int64_t boris;

	o->w = world_new(&(struct world_options){ .versions = { version } });
	boris = world_customer(o->w, "Boris", "en");
	o->anna = world_customer(o->w, "Anna", "en");
	world_say(o->w, boris, "/start");
	world_buy(o->w, boris);
	world_say(o->w, o->anna, "/start");
	world_buy(o->w, o->anna);
	o->bought = world_client_of(o->w, o->anna);
	assert_int_equal(o->bought.n, 1);
	world_add_panel(o->w, version, NULL);
	assert_int_equal(db_run(o->w->db, "UPDATE panels SET region=CASE id WHEN 1 THEN 'Oslo' ELSE 'Paris' END"), OK);
}

struct search {
	int64_t telegram_id;
	size_t n;
	char uuid[64], sub_id[64], email[96];
	struct panel_client_view at;
};

static bool keep(void *ctx, const struct panel_client_view *c)
{
	struct search *s = ctx;

	if (c->tg_id != s->telegram_id)
		return true;
	s->n++;
	s->at = *c;
	snprintf(s->uuid, sizeof s->uuid, "%.*s", STR_ARG(c->id));
	snprintf(s->sub_id, sizeof s->sub_id, "%.*s", STR_ARG(c->sub_id));
	snprintf(s->email, sizeof s->email, "%.*s", STR_ARG(c->email));
	return true;
}

static struct search client_on(struct own *o, size_t panel)
{
	struct search s = { .telegram_id = o->anna };

	panel_sim_advance(o->w->panels[panel].sim, memnet_now_ms(o->w->net));
	panel_sim_each_client(o->w->panels[panel].sim, 0, keep, &s);
	return s;
}

static int64_t number(struct own *o, const char *sql)
{
	return world_number(o->w, sql);
}

/* --- the deeds, as people do them: what does not answer is pressed again --- */

static void show(struct own *o)
{
	world_say(o->w, o->anna, "/my");
	world_run(o->w, 10000);
}

static void press(struct own *o, const char *label)
{
	if (world_try_tap(o->w, o->anna, label))
		world_run(o->w, 10000);
}

static void does(struct own *o, const char *first, const char *second, const char *until_sql)
{
	for (int tries = 0; tries < 5 && !number(o, until_sql); tries++) {
		show(o);
		press(o, first);
		press(o, second);
	}
	assert_true(number(o, until_sql));
	world_settle(o->w);
}

#define IS_MOVED "SELECT count(*)>0 FROM accesses WHERE panel_id=2"
#define IS_REVOKED "SELECT count(*)>0 FROM subscriptions WHERE gone=1"

static void moves(struct own *o)
{
	does(o, "Change server", "Paris", IS_MOVED);
}

static void takes_new_link(struct own *o)
{
	char has_new_key[128];

	snprintf(has_new_key, sizeof has_new_key, "SELECT uuid<>'%s' FROM subscriptions WHERE id=2", o->bought.uuid);
	does(o, "New link", "New link", has_new_key);
}

static void revokes(struct own *o)
{
	does(o, "Give it up", "Give it up", IS_REVOKED);
}

/* --- what holds afterwards --- */

/* As bought, but for what was used before: that is taken off where it stands now. */
static void assert_stands(struct own *o, size_t panel, int64_t used_bytes)
{
	struct search c = client_on(o, panel);

	assert_int_equal(client_on(o, 1 - panel).n, 0);
	assert_int_equal(c.n, 1);
	assert_true(c.at.enable && c.at.row_enable && c.at.in_xray);
	assert_int_equal(c.at.expiry_ms, o->bought.at.expiry_ms);
	assert_int_equal(c.at.total_bytes, 100 * GIB_BYTES - used_bytes);
	assert_int_equal(c.at.row_total_bytes, 100 * GIB_BYTES - used_bytes);
	assert_int_equal(number(o, "SELECT count(*) FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id JOIN users u ON u.id=s.user_id"
		" WHERE u.first_name='Anna' AND x.deleted_ms=0 AND x.replaces_id IS NULL AND x.done_rev=s.revision"), 1);
	assert_int_equal(number(o, "SELECT expires_ms FROM subscriptions WHERE id=2"), o->bought.at.expiry_ms);
	assert_int_equal(number(o, "SELECT quota_bytes FROM subscriptions WHERE id=2"), 100 * GIB_BYTES);
	assert_int_equal(number(o, "SELECT count(*) FROM drifts"), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(panel_sim_drift(o->w->panels[i].sim, NULL), 0);
}

static void assert_moved(struct own *o, int64_t used_bytes)
{
	struct search c = client_on(o, 1);

	assert_stands(o, 1, used_bytes);
	assert_string_equal(c.uuid, o->bought.uuid);
	assert_string_equal(c.sub_id, o->bought.sub_id);
	assert_in_range(world_count_seen(o->w, o->anna, "has moved. This is your new link"), 1, 1 + o->w->kills);
	/* there first, only then away; a killed turn takes its lines in the log with it */
	assert_true(o->w->kills || number(o, "SELECT min(id) FROM panel_log WHERE panel_id=2 AND call LIKE 'POST%add%'") <
		number(o, "SELECT min(id) FROM panel_log WHERE panel_id=1 AND call LIKE 'POST%del%'"));
}

static void assert_new_link(struct own *o, int64_t used_bytes)
{
	struct search c = client_on(o, 0);

	assert_stands(o, 0, used_bytes);
	assert_string_not_equal(c.uuid, o->bought.uuid);
	assert_string_not_equal(c.sub_id, o->bought.sub_id);
	assert_in_range(world_count_seen(o->w, o->anna, "This is the new link of"), 1, 1 + o->w->kills);
	assert_true(world_sees(o->w, o->anna, c.uuid));
}

static void assert_revoked(struct own *o, int64_t used_bytes)
{
	(void)used_bytes;
	assert_int_equal(client_on(o, 0).n, 0);
	assert_int_equal(client_on(o, 1).n, 0);
	assert_int_equal(number(o, "SELECT count(*) FROM accesses WHERE deleted_ms=0"), 1); /* of Boris */
}

static const struct deed { const char *name; void (*does)(struct own *o); void (*assert_done)(struct own *o, int64_t used_bytes); } deeds[] = {
	{ "change server", moves, assert_moved },
	{ "new link", takes_new_link, assert_new_link },
	{ "give it up", revokes, assert_revoked },
};

/* The old place has counted more than the shop has seen: its last look counts. */
static void uses_unseen(struct own *o)
{
	assert_true(panel_sim_set_traffic(o->w->panels[0].sim, o->bought.email, GIB_BYTES, GIB_BYTES));
}

static bool killed_deed(const struct deed *d, const char *version, const char *step, int nth, bool lose)
{
	struct own o;
	bool reached;

	begin(&o, version);
	uses_unseen(&o);
	o.w->lose_requests = lose;
	world_die_at(o.w, step, nth);
	d->does(&o);
	world_run(o.w, 2 * MINUTE_MS);
	reached = o.w->die_at == NULL;
	o.w->die_at = NULL;
	if (getenv("TRACE"))
		fprintf(stderr, "--- %s on %s killed at %s %d%s: %d\n", d->name, version, step, nth, lose ? ", requests lost" : "", reached);
	d->assert_done(&o, 2 * GIB_BYTES);
	world_free(o.w);
	return reached;
}

/* Every passing of the steps of a panel's jobs; of the others, which are mostly the chat's, every fourth, not the same ones
 * on both panels. */
static void test_killed(void **state)
{
	(void)state;
	for (size_t k = 0; k < countof(deeds); k++)
		for (size_t v = 0; v < countof(versions); v++)
			for (size_t i = 0; i < countof(steps); i++) {
				int stride = strncmp(steps[i], "jobs", 4) == 0 ? 1 : 4;

				for (int nth = 1 + (int)v * stride / 2; killed_deed(&deeds[k], versions[v], steps[i], nth, (nth / stride + (int)i) % 2 == 0); nth += stride)
					assert_true(nth < 200);
			}
}

/* --- each by itself --- */

/* Shown, renewed, another server, another link, given up; each button on the subscription's screen. */
static void test_buttons(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct own o;

		begin(&o, versions[i]);
		assert_true(panel_sim_set_traffic(o.w->panels[0].sim, o.bought.email, 5 * GIB_BYTES, 20 * GIB_BYTES));
		world_run(o.w, HOUR_MS);
		show(&o);
		assert_true(world_sees(o.w, o.anna, "Month – active"));
		assert_true(world_sees(o.w, o.anna, "25\xC2\xA0GB of 100\xC2\xA0GB"));
		moves(&o);
		assert_moved(&o, 25 * GIB_BYTES);
		/* what is used there comes on top of what was used before */
		assert_true(panel_sim_set_traffic(o.w->panels[1].sim, client_on(&o, 1).email, 0, 10 * GIB_BYTES));
		world_run(o.w, HOUR_MS);
		assert_int_equal(number(&o, "SELECT used_bytes FROM subscriptions WHERE id=2"), 35 * GIB_BYTES);
		assert_moved(&o, 25 * GIB_BYTES);
		world_renew(o.w, o.anna);
		assert_int_equal(client_on(&o, 1).at.total_bytes, 165 * GIB_BYTES);
		assert_int_equal(client_on(&o, 1).at.up + client_on(&o, 1).at.down, 0);
		assert_int_equal(client_on(&o, 1).at.expiry_ms, o.bought.at.expiry_ms + 30 * DAY_MS);
		assert_int_equal(number(&o, "SELECT used_bytes FROM subscriptions WHERE id=2"), 0);
		does(&o, "Change server", "Oslo", "SELECT count(*)>2 FROM accesses WHERE panel_id=1");
		assert_int_equal(client_on(&o, 1).n + (size_t)client_on(&o, 1).at.enable, versions[i][0] == '2'); /* the last of an inbound: off (K17) */
		assert_string_equal(client_on(&o, 0).uuid, o.bought.uuid);
		takes_new_link(&o);
		assert_string_not_equal(client_on(&o, 0).uuid, o.bought.uuid);
		assert_int_equal(client_on(&o, 0).at.total_bytes, 165 * GIB_BYTES);
		revokes(&o);
		assert_int_equal(client_on(&o, 0).n, 0);
		world_free(o.w);
	}
}

/* Removing is asked about with what it means; the answer is good for minutes, and once. */
static void test_revoke_asks(void **state)
{
	struct own o;

	(void)state;
	begin(&o, "3.6.0");
	show(&o);
	press(&o, "Give it up");
	assert_true(world_sees(o.w, o.anna, "the link stops working at once"));
	assert_true(world_sees(o.w, o.anna, "this cannot be undone"));
	world_run(o.w, 6 * MINUTE_MS);
	press(&o, "Give it up"); /* too late: asked again */
	assert_int_equal(number(&o, IS_REVOKED), 0);
	assert_int_equal(client_on(&o, 0).n, 1);
	press(&o, "Give it up");
	world_settle(o.w);
	assert_revoked(&o, 0);
	world_free(o.w);
}

/* The new server does not answer: the old one works on, and one may stay. */
static void test_move_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct own o;

		begin(&o, versions[i]);
		panel_sim_set_down(o.w->panels[1].sim, true);
		show(&o);
		press(&o, "Change server");
		press(&o, "Paris");
		world_run(o.w, 10 * MINUTE_MS);
		assert_true(world_sees(o.w, o.anna, "On its way to Paris"));
		assert_int_equal(client_on(&o, 0).n, 1);
		assert_true(client_on(&o, 0).at.in_xray);
		show(&o);
		press(&o, "Change server");
		press(&o, "Stay here");
		panel_sim_set_down(o.w->panels[1].sim, false);
		world_run(o.w, 10 * MINUTE_MS);
		assert_stands(&o, 0, 0);
		assert_false(world_sees(o.w, o.anna, "has moved"));
		panel_sim_set_down(o.w->panels[1].sim, true);
		show(&o);
		press(&o, "Change server");
		press(&o, "Paris");
		world_run(o.w, 10 * MINUTE_MS);
		panel_sim_set_down(o.w->panels[1].sim, false);
		world_run(o.w, 10 * MINUTE_MS);
		world_settle(o.w);
		assert_moved(&o, 0);
		world_free(o.w);
	}
}

/* Full, or not where the plan may be: no such button, and a forged one goes nowhere. */
static void test_move_nowhere(void **state)
{
	static const char *const walls[] = {
		"UPDATE panels SET capacity=1, clients=1 WHERE id=2", "UPDATE panels SET drain=1 WHERE id=2", "UPDATE inbounds SET for_sale=0 WHERE panel_id=2",
		"UPDATE plans SET region='Oslo'", "UPDATE plans SET panel_id=1", "UPDATE plans SET protocol='trojan'",
	};
	struct own o;

	(void)state;
	begin(&o, "3.6.0");
	for (size_t i = 0; i < countof(walls); i++) {
		show(&o);
		press(&o, "Change server");
		assert_int_equal(db_run(o.w->db, walls[i]), OK);
		press(&o, "Paris");
		if (number(&o, IS_MOVED))
			fail_msg("%s", walls[i]);
		show(&o);
		for (size_t k = 0; k < world_last(o.w, o.anna)->buttons_count; k++)
			assert_false(str_has(world_last(o.w, o.anna)->buttons[k].text, "Change server"));
		assert_int_equal(db_run(o.w->db, "UPDATE panels SET capacity=0, clients=0, drain=0"), OK);
		assert_int_equal(db_run(o.w->db, "UPDATE inbounds SET for_sale=1"), OK);
		assert_int_equal(db_run(o.w->db, "UPDATE plans SET region=NULL, panel_id=NULL, protocol=NULL"), OK);
	}
	moves(&o);
	assert_moved(&o, 0);
	world_free(o.w);
}

/* Paid while the panel is away: neither the owner's word nor the panel's removal takes from the customer what was paid for. */
static void test_paid_comes_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++)
		for (int removed = 0; removed < 2; removed++) {
			struct own o;

			begin(&o, versions[i]);
			panel_sim_set_down(o.w->panels[0].sim, true);
			world_renew(o.w, o.anna);
			assert_int_equal(number(&o, "SELECT count(*) FROM orders WHERE state='paid'"), 1);
			show(&o);
			press(&o, "Give it up");
			assert_true(world_sees(o.w, o.anna, "has not been delivered yet"));
			assert_int_equal(number(&o, IS_REVOKED), 0);
			if (removed) {
				world_say(o.w, WORLD_ADMIN, "/panel_del 1");
				world_run(o.w, 10000);
				assert_true(world_try_tap(o.w, WORLD_ADMIN, "Yes"));
			} else
				panel_sim_set_down(o.w->panels[0].sim, false);
			world_run(o.w, 20 * MINUTE_MS);
			world_settle(o.w);
			assert_int_equal(number(&o, "SELECT count(*) FROM orders WHERE state='paid'"), 0);
			assert_int_equal(number(&o, "SELECT count(*) FROM orders WHERE state='delivered'"), 3);
			assert_int_equal(client_on(&o, (size_t)removed).at.expiry_ms, o.bought.at.expiry_ms + 30 * DAY_MS);
			assert_string_equal(client_on(&o, (size_t)removed).uuid, o.bought.uuid);
			if (!removed) {
				revokes(&o);
				assert_revoked(&o, 0);
			}
			world_free(o.w);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_buttons, "R192"),
		proves(test_killed, ""),
		proves(test_revoke_asks, "R281"),
		proves(test_move_waits, "R192"),
		proves(test_move_nowhere, ""),
		proves(test_paid_comes_first, ""),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("own", tests, NULL, NULL);
}
