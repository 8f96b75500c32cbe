/* The life of a subscription: renewed, reminded of, changed by hand, over; on each dialect where it matters. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/shop/plan.h"
#include "lib/base/clock.h"
#include "tests/story/operator.h"
#include "tests/story/world.h"

static const char *const versions[] = { "2.8.5", "3.0.2", "3.6.0" };

/* A shop with one panel, and Anna, who has bought a month. */
struct life {
	struct world *w;
	const char *version;
	int64_t anna;
	struct world_client bought;
};

static void begin(struct life *l, const char *version)
{
	l->version = version;
	l->w = world_new(&(struct world_options){ .versions = { version } });
	l->anna = world_customer(l->w, "Anna Petrova", "en");
	world_say(l->w, l->anna, "/start");
	world_buy(l->w, l->anna);
	l->bought = world_client_of(l->w, l->anna);
	assert_int_equal(l->bought.n, 1);
}

static struct world_client client(struct life *l)
{
	return world_client_of(l->w, l->anna);
}

static struct panel_sim *panel(struct life *l)
{
	return l->w->panels[0].sim;
}

/* So much goes through; the panel counts it at its next poll and the shop sees it at its next look. 3.0.x passes over the
 * first that it sees of a client. */
static void uses(struct life *l, int64_t bytes)
{
	struct world_client before = client(l), after = before;

	for (int tries = 0; tries < 2 && after.at.up == before.at.up; tries++) {
		assert_true(panel_sim_use(panel(l), l->bought.email, bytes / 4, bytes - bytes / 4));
		world_run(l->w, MINUTE_MS);
		after = client(l);
	}
	assert_int_equal(after.at.up + after.at.down, before.at.up + before.at.down + bytes);
	world_run(l->w, HOUR_MS);
}

/* The shop sleeps until so long before (negative: after) this moment, so that days cost nothing. */
static void sleep_until(struct life *l, int64_t at_ms)
{
	world_sleep(l->w, at_ms - memnet_now_ms(l->w->net));
}

/* One client, the same keys, these terms in both of the panel's places, and working. */
static void assert_lives(struct life *l, int64_t expiry_ms, int64_t quota_bytes)
{
	struct world_client c = client(l);

	assert_int_equal(c.n, 1);
	assert_string_equal(c.uuid, l->bought.uuid);
	assert_string_equal(c.sub_id, l->bought.sub_id);
	assert_string_equal(c.email, l->bought.email);
	assert_int_equal(c.at.expiry_ms, expiry_ms);
	assert_int_equal(c.at.row_expiry_ms, expiry_ms);
	assert_int_equal(c.at.total_bytes, quota_bytes);
	assert_int_equal(c.at.row_total_bytes, quota_bytes);
	assert_true(c.at.enable && c.at.row_enable && c.at.in_xray);
	assert_int_equal(panel_sim_drift(panel(l), NULL), 0);
}

static void assert_renewed(struct life *l, int64_t expiry_ms, int64_t quota_bytes)
{
	struct world_client c = client(l);

	assert_lives(l, expiry_ms, quota_bytes);
	assert_int_equal(c.at.up + c.at.down, 0);
	assert_int_equal(world_number(l->w, "SELECT count(*) FROM orders WHERE kind='renew' AND state='delivered'"), 1);
	assert_int_equal(world_number(l->w, "SELECT count(*) FROM orders WHERE state='paid'"), 0);
	assert_int_equal(world_number(l->w, "SELECT count(*) FROM payments"), 2);
	assert_int_equal(world_number(l->w, "SELECT expires_ms FROM subscriptions"), expiry_ms);
	assert_int_equal(world_number(l->w, "SELECT used_bytes FROM subscriptions"), 0);
	/* what may have been sent when the process died is sent again: better twice than never, about money */
	assert_in_range(world_count_seen(l->w, l->anna, "Renewed: Month now runs until"), 1, 1 + l->w->kills);
}

/* --- renewal --- */

/* Ten days are left, a quarter of the traffic is used: both rests are kept. */
static void test_early_renewal(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct life l;

		begin(&l, versions[i]);
		uses(&l, 25 * GIB_BYTES);
		assert_int_equal(world_number(l.w, "SELECT used_bytes FROM subscriptions"), 25 * GIB_BYTES);
		sleep_until(&l, l.bought.at.expiry_ms - 10 * DAY_MS);
		world_renew(l.w, l.anna);
		assert_renewed(&l, l.bought.at.expiry_ms + 30 * DAY_MS, 175 * GIB_BYTES);
		assert_int_equal(world_number(l.w, "SELECT lifetime_bytes FROM subscriptions"), 25 * GIB_BYTES); /* goes on counting */
		/* what was reset must not be counted for the time before it: the reset came first */
		assert_true(world_number(l.w, "SELECT max(id) FROM panel_log WHERE call LIKE '%reset%'") <
			world_number(l.w, "SELECT max(id) FROM panel_log WHERE call LIKE '%update%'"));
		world_free(l.w);
	}
}

static void test_late_renewal(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		int64_t paid_ms;
		struct life l;

		begin(&l, versions[i]);
		uses(&l, 25 * GIB_BYTES);
		sleep_until(&l, l.bought.at.expiry_ms + 5 * DAY_MS);
		world_run(l.w, 10 * MINUTE_MS);
		assert_false(client(&l).at.enable);
		paid_ms = memnet_now_ms(l.w->net);
		world_renew(l.w, l.anna);
		assert_in_range(client(&l).at.expiry_ms, paid_ms + 30 * DAY_MS, paid_ms + 30 * DAY_MS + 5 * MINUTE_MS);
		assert_renewed(&l, client(&l).at.expiry_ms, 100 * GIB_BYTES);
		world_free(l.w);
	}
}

static const char *const steps[] = {
	"poll.fetched", "turn.before_commit", "turn.after_commit", "outbox.claimed", "outbox.sent", "jobs.claimed", "jobs.call_sent",
};

/* One renewal with a death at the nth passing of a step; false: it was not passed so often. */
static bool killed_renewal(const char *version, const char *step, int nth, bool lose)
{
	struct life l;
	bool reached;

	begin(&l, version);
	assert_true(panel_sim_set_traffic(panel(&l), l.bought.email, GIB_BYTES, GIB_BYTES)); /* not seen by the shop yet */
	l.w->lose_requests = lose;
	world_die_at(l.w, step, nth);
	world_renew(l.w, l.anna);
	world_run(l.w, 2 * MINUTE_MS);
	reached = l.w->die_at == NULL;
	l.w->die_at = NULL;
	if (getenv("TRACE"))
		fprintf(stderr, "--- %s killed at %s %d%s: %d\n", version, step, nth, lose ? ", requests lost" : "", reached);
	assert_renewed(&l, l.bought.at.expiry_ms + 30 * DAY_MS, 200 * GIB_BYTES);
	world_free(l.w);
	return reached;
}

static void test_killed_renewal(void **state)
{
	(void)state;
	for (size_t v = 0; v < countof(versions); v += 2) /* 3.0.x is written to like 2.x */
		for (size_t i = 0; i < countof(steps); i++)
			for (int nth = 1; killed_renewal(versions[v], steps[i], nth, (nth + (int)i) % 2 == 0); nth++)
				assert_true(nth < 200);
}

/* --- changed by hand --- */

static struct panel_client_view view_of(const struct world_client *c)
{
	struct panel_client_view v = c->at;

	v.id = str_of(c->uuid);
	v.sub_id = str_of(c->sub_id);
	v.email = str_of(c->email);
	v.comment = v.password = v.flow = STR("");
	return v;
}

static struct operator_edit as_it_is(struct life *l)
{
	struct world_client c = client(l);

	return operator_sees(&c.at);
}

static void saves(struct life *l, const struct operator_edit *h)
{
	struct world_client c = client(l);
	struct panel_client_view v = view_of(&c);

	assert_true(operator_saves(panel(l), l->version, &v, h));
}

static void deletes(struct life *l)
{
	struct world_client c = client(l);
	struct panel_client_view v = view_of(&c);

	assert_true(operator_deletes(panel(l), l->version, &v));
	assert_int_equal(client(l).n, 0);
}

/* Larger is a gift of the operator's: taken over, and a renewal counts from it. Smaller is reported and left alone. */
static void test_terms_by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct operator_edit h;
		struct life l;
		int64_t end_ms;

		begin(&l, versions[i]);
		end_ms = l.bought.at.expiry_ms + 5 * DAY_MS;
		h = as_it_is(&l);
		h.expiry_ms = end_ms;
		h.total_bytes = 120 * GIB_BYTES;
		saves(&l, &h);
		world_run(l.w, 70 * MINUTE_MS);
		assert_int_equal(world_number(l.w, "SELECT expires_ms FROM subscriptions"), end_ms);
		assert_int_equal(world_number(l.w, "SELECT quota_bytes FROM subscriptions"), 120 * GIB_BYTES);
		assert_int_equal(world_number(l.w, "SELECT count(*) FROM drifts WHERE state='adopted'"), 2);
		h.total_bytes = 50 * GIB_BYTES;
		saves(&l, &h);
		world_run(l.w, 70 * MINUTE_MS);
		assert_int_equal(world_number(l.w, "SELECT count(*) FROM drifts WHERE state='open' AND field='quota'"), 1);
		assert_true(world_sees(l.w, WORLD_ADMIN, "differs from what we have"));
		assert_lives(&l, end_ms, 50 * GIB_BYTES);
		/* the purchase counts from what was bought and given, not from what was taken away */
		world_renew(l.w, l.anna);
		assert_renewed(&l, end_ms + 30 * DAY_MS, 220 * GIB_BYTES);
		assert_int_equal(world_number(l.w, "SELECT count(*) FROM drifts WHERE state='open'"), 0);
		world_free(l.w);
	}
}

/* Renewed by somebody whose client the operator has deleted: there again, with the same keys, and the admins know. */
static void test_deleted_by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct life l;
		int64_t boris;

		begin(&l, versions[i]);
		boris = world_customer(l.w, "Boris", "en"); /* old panels keep the last client of an inbound */
		world_say(l.w, boris, "/start");
		world_buy(l.w, boris);
		deletes(&l);
		world_renew(l.w, l.anna);
		assert_lives(&l, l.bought.at.expiry_ms + 30 * DAY_MS, 200 * GIB_BYTES);
		assert_int_equal(world_number(l.w, "SELECT count(*) FROM drifts WHERE field='exists'"), 1);
		assert_true(world_sees(l.w, WORLD_ADMIN, "differs from what we have"));
		world_free(l.w);
	}
}

/* Switched off by hand: reported, and after a day on again: it is paid for. */
static void test_disabled_by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct operator_edit h;
		struct life l;

		begin(&l, versions[i]);
		h = as_it_is(&l);
		h.enable = false;
		saves(&l, &h);
		world_run(l.w, 70 * MINUTE_MS);
		assert_false(client(&l).at.enable);
		assert_int_equal(world_number(l.w, "SELECT count(*) FROM drifts WHERE state='open' AND field='enabled'"), 1);
		world_sleep(l.w, 22 * HOUR_MS);
		world_run(l.w, 10 * MINUTE_MS);
		assert_false(client(&l).at.enable);
		world_run(l.w, 2 * HOUR_MS);
		assert_lives(&l, l.bought.at.expiry_ms, 100 * GIB_BYTES);
		assert_int_equal(world_number(l.w, "SELECT count(*) FROM drifts WHERE state='open'"), 0);
		world_free(l.w);
	}
}

/* What the operator wrote beside our fields outlives a renewal. */
static void test_extra_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct operator_edit h;
		struct life l;

		begin(&l, versions[i]);
		h = as_it_is(&l);
		h.comment = "a friend of mine";
		h.reset_days = 15;
		saves(&l, &h);
		world_renew(l.w, l.anna);
		assert_renewed(&l, l.bought.at.expiry_ms + 30 * DAY_MS, 200 * GIB_BYTES);
		assert_string_equal(client(&l).comment, "a friend of mine");
		assert_int_equal(client(&l).at.reset_days, 15);
		world_free(l.w);
	}
}

/* --- reminders --- */

static void assert_reminders(struct life *l, size_t three, size_t one, size_t end, size_t off)
{
	assert_int_equal(world_count_seen(l->w, l->anna, "ends in 3 days"), three);
	assert_int_equal(world_count_seen(l->w, l->anna, "ends in 1 day"), one);
	assert_int_equal(world_count_seen(l->w, l->anna, "It still works until"), end);
	assert_int_equal(world_count_seen(l->w, l->anna, "has ended. Your link is kept"), off);
}

/* Open for an hour, closed for five, until then: a day of virtual minutes costs more than a second. */
static void lives_until(struct life *l, int64_t at_ms)
{
	while (memnet_now_ms(l->w->net) < at_ms - 6 * HOUR_MS) {
		world_run(l->w, HOUR_MS);
		world_sleep(l->w, 5 * HOUR_MS);
	}
	world_run(l->w, at_ms - memnet_now_ms(l->w->net));
}

/* The whole month and two days more, each moment to the minute. */
static void test_reminders(void **state)
{
	struct life l;
	int64_t end_ms;

	(void)state;
	begin(&l, "3.6.0");
	end_ms = l.bought.at.expiry_ms;
	lives_until(&l, end_ms - 3 * DAY_MS - MINUTE_MS);
	assert_reminders(&l, 0, 0, 0, 0);
	world_run(l.w, 3 * MINUTE_MS);
	assert_reminders(&l, 1, 0, 0, 0);
	lives_until(&l, end_ms - DAY_MS - MINUTE_MS);
	assert_reminders(&l, 1, 0, 0, 0);
	world_run(l.w, 3 * MINUTE_MS);
	assert_reminders(&l, 1, 1, 0, 0);
	lives_until(&l, end_ms - MINUTE_MS);
	assert_reminders(&l, 1, 1, 0, 0);
	world_run(l.w, 3 * MINUTE_MS);
	assert_reminders(&l, 1, 1, 1, 0);
	lives_until(&l, end_ms + DAY_MS - MINUTE_MS);
	assert_reminders(&l, 1, 1, 1, 0);
	world_run(l.w, 3 * MINUTE_MS);
	assert_reminders(&l, 1, 1, 1, 1);
	lives_until(&l, end_ms + 3 * DAY_MS);
	assert_reminders(&l, 1, 1, 1, 1);
	assert_int_equal(world_number(l.w, "SELECT count(*) FROM reminders"), 4);
	world_free(l.w);
}

/* Asleep over the end: the grace is given late, and the reminder tells of it instead of saying that all is over; that comes
 * when the grace is. */
static void test_asleep_over_the_end(void **state)
{
	struct life l;
	int64_t end_ms;

	(void)state;
	begin(&l, "3.6.0");
	end_ms = l.bought.at.expiry_ms;
	sleep_until(&l, end_ms - 2 * HOUR_MS);
	world_run(l.w, 5 * MINUTE_MS);
	assert_reminders(&l, 0, 1, 0, 0);
	sleep_until(&l, end_ms + 3 * HOUR_MS);
	world_run(l.w, 5 * MINUTE_MS);
	assert_reminders(&l, 0, 1, 1, 0);
	assert_lives(&l, end_ms + DAY_MS, 100 * GIB_BYTES);
	lives_until(&l, end_ms + 2 * DAY_MS);
	assert_reminders(&l, 0, 1, 1, 1);
	world_free(l.w);
}

/* Killed in the minute of the notice, at each step: decided once. Sent at most once: what may have been sent is not repeated. */
static void test_reminders_killed(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(steps); i++)
		for (int nth = 1; nth <= 3; nth++) {
			struct life l;
			int64_t end_ms;

			begin(&l, "3.6.0");
			end_ms = l.bought.at.expiry_ms;
			sleep_until(&l, end_ms - DAY_MS - MINUTE_MS);
			world_die_at(l.w, steps[i], nth);
			world_run(l.w, 10 * MINUTE_MS);
			if (l.w->kills == 0 || strncmp(steps[i], "outbox", 6) != 0)
				assert_int_equal(world_count_seen(l.w, l.anna, "ends in 1 day"), 1);
			else
				assert_true(world_count_seen(l.w, l.anna, "ends in 1 day") <= 1);
			assert_int_equal(world_number(l.w, "SELECT count(*) FROM reminders WHERE kind='1d'"), 1);
			world_free(l.w);
		}
}

/* The button in the reminder leads to paying: two taps. Then the notices are armed for the new end. */
static void test_renew_from_reminder(void **state)
{
	struct life l;
	int64_t end_ms;

	(void)state;
	begin(&l, "3.6.0");
	end_ms = l.bought.at.expiry_ms;
	sleep_until(&l, end_ms - 3 * DAY_MS + MINUTE_MS);
	world_run(l.w, 2 * MINUTE_MS);
	assert_reminders(&l, 1, 0, 0, 0);
	world_tap(l.w, l.anna, "Renew");
	world_pay_renewal(l.w, l.anna);
	assert_renewed(&l, end_ms + 30 * DAY_MS, 200 * GIB_BYTES);
	sleep_until(&l, end_ms + 27 * DAY_MS - 2 * MINUTE_MS);
	assert_reminders(&l, 1, 0, 0, 0);
	world_run(l.w, 5 * MINUTE_MS);
	assert_reminders(&l, 2, 0, 0, 0);
	world_free(l.w);
}

static void assert_usage_notices(struct life *l, size_t eighty, size_t ninety, size_t all)
{
	assert_int_equal(world_count_seen(l->w, l->anna, "80 % of your traffic"), eighty);
	assert_int_equal(world_count_seen(l->w, l->anna, "90 % of your traffic"), ninety);
	assert_int_equal(world_count_seen(l->w, l->anna, "All traffic of"), all);
}

static void test_usage_notices(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct life l;

		begin(&l, versions[i]);
		uses(&l, 79 * GIB_BYTES);
		assert_usage_notices(&l, 0, 0, 0);
		uses(&l, 2 * GIB_BYTES);
		assert_usage_notices(&l, 1, 0, 0);
		uses(&l, 14 * GIB_BYTES);
		assert_usage_notices(&l, 1, 1, 0);
		uses(&l, 6 * GIB_BYTES);
		assert_usage_notices(&l, 1, 1, 1);
		world_run(l.w, 2 * HOUR_MS);
		assert_usage_notices(&l, 1, 1, 1);
		assert_false(client(&l).at.in_xray); /* the panel has stopped it */
		world_renew(l.w, l.anna);
		assert_renewed(&l, l.bought.at.expiry_ms + 30 * DAY_MS, 100 * GIB_BYTES);
		uses(&l, 81 * GIB_BYTES);
		assert_usage_notices(&l, 2, 1, 1);
		world_free(l.w);
	}
}

/* --- the end --- */

/* Works through the grace, is off after it, deleted on the fourteenth day. Until then the link can come back, and people
 * read how long; after it the old reminder's button says so and leads to a new purchase, with a new link. */
static void test_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct world_client c;
		int64_t end_ms, boris;
		struct life l;

		begin(&l, versions[i]);
		end_ms = l.bought.at.expiry_ms;
		boris = world_customer(l.w, "Boris", "en"); /* old panels keep the last client of an inbound */
		world_say(l.w, boris, "/start");
		world_buy(l.w, boris);
		sleep_until(&l, end_ms - HOUR_MS);
		world_run(l.w, HOUR_MS + 2 * MINUTE_MS);
		assert_lives(&l, end_ms + DAY_MS, 100 * GIB_BYTES);
		sleep_until(&l, end_ms + 23 * HOUR_MS);
		assert_lives(&l, end_ms + DAY_MS, 100 * GIB_BYTES);
		world_run(l.w, HOUR_MS + 2 * MINUTE_MS);
		c = client(&l);
		assert_int_equal(c.n, 1);
		assert_false(c.at.enable || c.at.in_xray);
		assert_true(world_sees(l.w, l.anna, "Your link is kept until 16 December 2026"));
		sleep_until(&l, end_ms + 14 * DAY_MS - 2 * MINUTE_MS);
		assert_int_equal(client(&l).n, 1);
		world_say(l.w, l.anna, "/my");
		assert_int_equal(world_count_seen(l.w, l.anna, "Your link is kept until 16 December 2026"), 2);
		world_run(l.w, 4 * MINUTE_MS);
		assert_int_equal(client(&l).n, 0);
		assert_true(world_number(l.w, "SELECT deleted_ms FROM subscriptions WHERE id=1") >= end_ms + 14 * DAY_MS);
		assert_int_equal(world_number(l.w, "SELECT count(*) FROM accesses WHERE deleted_ms=0"), 0);
		world_tap(l.w, l.anna, "Renew");
		assert_true(world_sees(l.w, l.anna, "renewing would not bring its link back"));
		world_tap(l.w, l.anna, "Month");
		world_pay_renewal(l.w, l.anna);
		c = client(&l);
		assert_int_equal(c.n, 1);
		assert_string_not_equal(c.uuid, l.bought.uuid);
		world_free(l.w);
	}
}

/* Opened before the deletion, paid after it, at another place by now: the same subscription, and the link that works. */
static void test_paid_after_deletion(void **state)
{
	struct life l;
	struct world_panel *other;

	(void)state;
	begin(&l, "3.6.0");
	sleep_until(&l, l.bought.at.expiry_ms + 14 * DAY_MS - 10 * MINUTE_MS);
	world_say(l.w, l.anna, "/renew");
	world_tap(l.w, l.anna, "Telegram Stars");
	world_run(l.w, HOUR_MS);
	assert_int_equal(client(&l).n, 0);
	other = world_add_panel(l.w, "3.6.0", NULL);
	assert_int_equal(db_run(l.w->db, "UPDATE panels SET drain=1 WHERE id=1"), OK);
	world_pay_invoice(l.w, l.anna);
	world_settle(l.w);
	assert_int_equal(world_clients_of(l.w, other, l.anna), 1);
	assert_true(world_sees(l.w, l.anna, "please use this link from now on"));
	assert_false(world_sees(l.w, l.anna, "The link stays the same"));
	assert_int_equal(world_count_seen(l.w, l.anna, l.bought.uuid), 2); /* at the first place and at this one */
	world_free(l.w);
}

/* Inside the grace the new period counts from the old end. */
static void test_renewal_in_grace(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct life l;

		begin(&l, versions[i]);
		sleep_until(&l, l.bought.at.expiry_ms - HOUR_MS);
		world_run(l.w, 3 * HOUR_MS);
		assert_true(world_sees(l.w, l.anna, "It still works until"));
		world_tap(l.w, l.anna, "Renew");
		world_pay_renewal(l.w, l.anna);
		assert_renewed(&l, l.bought.at.expiry_ms + 30 * DAY_MS, 200 * GIB_BYTES);
		world_free(l.w);
	}
}

static size_t sweeps(struct life *l)
{
	struct str rest = buf_str(&l->w->log);
	size_t n = 0;

	while (rest.at)
		n += str_has(str_cut(&rest, '\n'), "expiry.sweep");
	return n;
}

/* Over, and the minute's mark is lost: the hourly run finds it. One run an hour. */
static void test_sweep(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct life l;
		size_t before;

		begin(&l, versions[i]);
		sleep_until(&l, l.bought.at.expiry_ms - HOUR_MS);
		world_run(l.w, 2 * HOUR_MS);
		assert_int_equal(db_run(l.w->db, "UPDATE subscriptions SET step_ms=0"), OK);
		sleep_until(&l, l.bought.at.expiry_ms + 25 * HOUR_MS);
		world_run(l.w, 2 * HOUR_MS);
		assert_int_equal(world_number(l.w, "SELECT enabled FROM subscriptions"), 0);
		assert_false(client(&l).at.enable);
		before = sweeps(&l);
		world_run(l.w, 5 * HOUR_MS);
		assert_int_equal(sweeps(&l) - before, 5);
		world_free(l.w);
	}
}

static int64_t buyer(struct life *l, const char *name)
{
	int64_t user = world_customer(l->w, name, "en");

	world_say(l->w, user, "/start");
	world_buy(l->w, user);
	return user;
}

/* The panel does not remove Anna; it does remove Vera, and the other panel Boris. She is tried again, within minutes and
 * longer apart, and is gone at the first try that the panel grants. New dialects only: the old ones switch off what they do
 * not remove (K17). */
static void test_refused_removal(void **state)
{
	int64_t vera, boris, next_ms;
	struct life l;

	(void)state;
	begin(&l, "3.6.0");
	vera = buyer(&l, "Vera");
	world_add_panel(l.w, "3.6.0", NULL);
	assert_int_equal(db_run(l.w->db, "UPDATE panels SET drain=1 WHERE id=1"), OK);
	boris = buyer(&l, "Boris");
	assert_int_equal(world_clients_of(l.w, &l.w->panels[1], boris), 1);
	panel_sim_add_rule(panel(&l), &(struct panel_rule){ .route = "clients/del", .path = l.bought.email, .fault = PANEL_REFUSE, .text = "something went wrong" });
	sleep_until(&l, l.bought.at.expiry_ms + 14 * DAY_MS + HOUR_MS); /* all three are due at once */
	panel_sim_clear_counts(panel(&l));
	world_run(l.w, 90 * SECOND_MS);
	assert_int_equal(world_clients_of(l.w, &l.w->panels[0], vera), 0);
	assert_int_equal(world_clients_of(l.w, &l.w->panels[1], boris), 0);
	world_run(l.w, 8 * MINUTE_MS); /* less than from one look at everything to the next */
	assert_int_equal(client(&l).n, 1);
	assert_true(panel_sim_count(panel(&l), "clients/del") >= 1 + 3);
	panel_sim_clear_rules(panel(&l));
	next_ms = world_number(l.w, "SELECT max(next_ms) FROM jobs WHERE attempts>0"); /* the gaps are drawn */
	world_run(l.w, next_ms - clock_now_ms() + 5 * SECOND_MS);
	assert_int_equal(client(&l).n, 0);
	world_free(l.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_early_renewal, "R056 R184 R185 B29"),
		proves(test_late_renewal, "R185 B29"),
		proves(test_killed_renewal, "R186 B5"),
		proves(test_terms_by_hand, ""),
		proves(test_deleted_by_hand, "R041"),
		proves(test_disabled_by_hand, ""),
		proves(test_extra_fields, "R039"),
		proves(test_reminders, "R074 B32"),
		proves(test_asleep_over_the_end, "R074 B32"),
		proves(test_reminders_killed, "R074 B32"),
		proves(test_renew_from_reminder, "R184"),
		proves(test_usage_notices, "R073"),
		proves(test_end, "R189"),
		proves(test_paid_after_deletion, ""),
		proves(test_sweep, "R188"),
		proves(test_refused_removal, "R190"),
		proves(test_renewal_in_grace, "R189"),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_end*': that story alone */
	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
