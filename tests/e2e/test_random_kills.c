/* Paid means delivered, once: the real program is killed with SIGKILL at random moments, many times, while people buy and
 * renew in front of it all the time. In the end everything is as if it had lived through.
 *
 *	make kills [COUNT=1000] [SEED=n]    the program that ships; in `make test` 30 kills of the one with sanitizers
 *
 * The seed draws the people and the moments; how far the program is at a moment is the machine's. */
#include "tests/unit/proves.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "tests/e2e/crowd.h"
#include "tests/e2e/customer.h"
#include "tests/e2e/prepare.h"

#define KILLS 30
#define PEOPLE 10
#define GUESTS 12                 /* clients of others in each inbound that is sold from */
#define LIFE_MS_MIN 5
#define LIFE_MS_MAX 400
#define PAUSE_EVERY 40            /* kills after which the program may live for a while: else nothing ever becomes old */
#define PAUSE_MS 3000
#define SETTLE_MS 120000          /* the service sends a callback again after half a minute */

static uint64_t seed_state;

/* splitmix64 */
static void draw(void *ctx, void *out, size_t n)
{
	uint8_t *to = out;

	(void)ctx;
	while (n) {
		uint64_t z = seed_state += UINT64_C(0x9e3779b97f4a7c15);
		size_t part = n < sizeof z ? n : sizeof z;

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
		memcpy(to, &z, part);
		to += part;
		n -= part;
	}
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* --- other people's clients --- */

struct guests {
	size_t n;
	uint64_t sum;             /* of everything about them, in any order */
};

static uint64_t mix(uint64_t hash, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.at[i]) * UINT64_C(0x100000001b3);
	return hash * UINT64_C(0x100000001b3);
}

static bool add_guest(void *ctx, const struct panel_client_view *client)
{
	struct guests *g = ctx;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (!str_starts(client->email, "guest"))
		return true;
	g->n++;
	hash = mix(mix(mix(mix(hash, client->email), client->id), client->sub_id), client->comment);
	hash ^= (uint64_t)client->enable * 3 + (uint64_t)client->total_bytes * 5 + (uint64_t)client->expiry_ms * 7 + (uint64_t)client->limit_ip * 11;
	g->sum += hash ^ ((uint64_t)client->has_row * 13 + (uint64_t)client->row_enable * 17 + (uint64_t)client->up + (uint64_t)client->down);
	return true;
}

static struct guests guests_of(struct rig *r)
{
	struct guests g = { 0 };

	for (size_t i = 0; i < r->panels_count; i++)
		panel_sim_each_client(r->panels[i].sim, 0, add_guest, &g);
	return g;
}

static struct rig *shop_among_guests(void)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "2.8.5", "3.0.2", "3.6.0" }, .crypto_pay = true });

	for (size_t i = 0; i < r->panels_count; i++)
		r->panels[i].inbound_id = panel_sim_seed(r->panels[i].sim, "vless", 20444, "guest", GUESTS);
	prepare_shop(r);
	return r;
}

/* --- the storm --- */

static void live_for(struct rig *r, struct crowd *c, int64_t ms)
{
	int64_t until_us = clock_mono_us() + ms * 1000, left_us;

	while ((left_us = until_us - clock_mono_us()) > 0) {
		rig_turn(r, left_us > 5000 ? 5 : (int)(left_us / 1000));
		crowd_step(c);
		if (!r->pid) {
			rig_complain(r);
			fail_msg("the program died by itself");
		}
	}
}

static void storm(struct rig *r, struct crowd *c, uint64_t kills)
{
	for (uint64_t i = 0; i < kills; i++) {
		live_for(r, c, LIFE_MS_MIN + (int64_t)rand_below(LIFE_MS_MAX - LIFE_MS_MIN + 1));
		rig_kill(r);
		rig_start(r);
		if ((i + 1) % PAUSE_EVERY == 0) {
			struct crowd_figures f;

			live_for(r, c, PAUSE_MS);
			f = crowd_figures(c);
			fprintf(stderr, "%" PRIu64 " kills: %zu people, %zu purchases paid, %" PRId64 " orders delivered\n", i + 1, f.people, f.purchases,
				rig_number(r, "SELECT count(*) FROM orders WHERE state='delivered'"));
		}
	}
}

static bool all_settled(struct rig *r)
{
	return rig_number(r, "SELECT (SELECT count(*) FROM outbox WHERE state<>2) + (SELECT count(*) FROM orders WHERE state='paid')"
		" + (SELECT count(*) FROM jobs WHERE kind IN ('reconcile', 'pay.create', 'order.fulfil') AND state<>2)"
		" + (SELECT count(*) FROM inbox WHERE state=1 OR (state=2 AND money=1))") == 0;
}

static void calm_down(struct rig *r, struct crowd *c)
{
	int64_t until_us = clock_mono_us() + SETTLE_MS * 1000;

	crowd_close(c);
	while (!crowd_is_quiet(c) || !all_settled(r)) {
		if (clock_mono_us() > until_us) {
			rig_complain(r);
			break; /* what is missing is said by whom it is missing to */
		}
		live_for(r, c, 200);
	}
}

static void tell(struct rig *r, struct crowd *c, uint64_t kills, uint64_t seed)
{
	struct crowd_figures f = crowd_figures(c);
	int64_t delivered = rig_number(r, "SELECT count(*) FROM orders WHERE state='delivered'");
	int64_t stuck = rig_number(r, "SELECT count(*) FROM orders WHERE state='paid'");
	int64_t aside = rig_number(r, "SELECT count(*) FROM suspense WHERE state='open'");

	fprintf(stderr, "kills %" PRIu64 " (seed %" PRIu64 "): %zu people, %" PRId64 " orders, %zu paid for with %zu payments (%zu pressed twice), delivered %" PRId64
		", lost %" PRId64 ", double %" PRId64 ", before a person %" PRId64 " payments and %" PRId64 " orders;"
		" the admin tested panels %zu times, retried %zu orders and %zu payments; messages given up %" PRId64 "\n",
		kills, seed, f.people, rig_number(r, "SELECT count(*) FROM orders"), f.purchases, f.payments, f.twice, delivered,
		(int64_t)f.purchases - delivered - stuck > 0 ? (int64_t)f.purchases - delivered - stuck : 0,
		delivered + stuck - (int64_t)f.purchases > 0 ? delivered + stuck - (int64_t)f.purchases : 0, aside, stuck,
		f.panels_tested, f.orders_retried, f.money_retried, rig_number(r, "SELECT count(*) FROM outbox WHERE state=2"));
}

static void test_killed_at_random(void **state)
{
	uint64_t kills = number_from("COUNT", KILLS), seed = number_from("SEED", (uint64_t)clock_now_ms());
	struct rig *r = shop_among_guests();
	struct guests before = guests_of(r), after;
	struct crowd *c;

	(void)state;
	fprintf(stderr, "seed %" PRIu64 "\n", seed);
	seed_state = seed;
	rand_set_source(draw, NULL);
	rig_start(r);
	c = crowd_new(r, PEOPLE);
	storm(r, c, kills);
	calm_down(r, c);
	tell(r, c, kills, seed);
	crowd_assert_served(c);
	after = guests_of(r);
	assert_int_equal(after.n, GUESTS * r->panels_count);
	assert_true(after.n == before.n && after.sum == before.sum);
	rig_assert_books(r);
	assert_int_equal(rig_stop(r), 0);
	crowd_free(c);
	rig_free(r);
	rand_set_source(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_killed_at_random, "R271 R286 B1 B2 B3 B4 B5 B51"),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* NULL: all */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
