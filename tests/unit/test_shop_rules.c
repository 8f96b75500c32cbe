/* The pure rules of the shop and the fleet's choice of a place, as tables. */
#include "tests/unit/proves.h"

#include <string.h>

#include "bot/fleet/fleet.h"
#include "bot/shop/subscription.h"
#include "bot/shop/time_steps.h"
#include "lib/base/clock.h"
#include "lib/base/enc.h"

#define NOW INT64_C(1793614200000)
#define DAYS(n) ((n) * DAY_MS)

static void test_renewed(void **state)
{
	static const struct {
		const char *name;
		struct subscription s;
		int days;
		int64_t quota;
		bool restart;
		int64_t expires, left_quota;
	} cases[] = {
		{ "10 days left + 30 = 40", { .expires_ms = NOW + DAYS(10) }, 30, 0, false, NOW + DAYS(40), 0 },
		{ "expired 5 days ago + 30 = 30 from now", { .expires_ms = NOW - DAYS(5) }, 30, 0, false, NOW + DAYS(30), 0 },
		{ "inside the grace: from the old end", { .expires_ms = NOW - HOUR_MS, .grace_until_ms = NOW + DAYS(1) - HOUR_MS }, 30, 0, false, NOW - HOUR_MS + DAYS(30), 0 },
		{ "the grace is over", { .expires_ms = NOW - DAYS(2), .grace_until_ms = NOW - DAYS(1) }, 30, 0, false, NOW + DAYS(30), 0 },
		{ "without end stays so", { .expires_ms = 0 }, 30, 0, false, 0, 0 },
		{ "a plan without end", { .expires_ms = NOW + DAYS(3) }, 0, 0, false, 0, 0 },
		{ "keep: what is left is added", { .expires_ms = NOW + DAYS(1), .quota_bytes = 100, .used_bytes = 30 }, 30, 100, false, NOW + DAYS(31), 170 },
		{ "keep: nothing left", { .expires_ms = NOW + DAYS(1), .quota_bytes = 100, .used_bytes = 130 }, 30, 100, false, NOW + DAYS(31), 100 },
		{ "keep: of an ended period nothing", { .expires_ms = NOW - DAYS(1), .quota_bytes = 100, .used_bytes = 30 }, 30, 100, false, NOW + DAYS(30), 100 },
		{ "restart: quota anew, days kept", { .expires_ms = NOW + DAYS(1), .quota_bytes = 100, .used_bytes = 30 }, 30, 100, true, NOW + DAYS(31), 100 },
		{ "unlimited stays unlimited", { .expires_ms = NOW + DAYS(1), .quota_bytes = 100 }, 30, 0, false, NOW + DAYS(31), 0 },
		{ "from unlimited to metered", { .expires_ms = NOW + DAYS(1), .quota_bytes = 0, .used_bytes = 999 }, 30, 50, false, NOW + DAYS(31), 50 },
		{ "never past int64", { .expires_ms = NOW + DAYS(1), .quota_bytes = INT64_MAX - 5 }, 30, 50, false, NOW + DAYS(31), INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct sub_terms t = sub_renewed(&cases[i].s, cases[i].days, cases[i].quota, cases[i].restart, NOW);

		if (t.expires_ms != cases[i].expires || t.quota_bytes != cases[i].left_quota)
			fail_msg("%s: %lld, %lld", cases[i].name, (long long)t.expires_ms, (long long)t.quota_bytes);
	}
}

/* B30: no renewal of a metered plan ends in 0, which panels take for unlimited. */
static void test_metered_never_unlimited(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct subscription s = { .expires_ms = rand_below(3) ? NOW + (int64_t)rand_below((uint64_t)DAYS(60)) - DAYS(30) : 0,
			.quota_bytes = (int64_t)rand_below(1000), .used_bytes = (int64_t)rand_below(2000) };
		int64_t quota = 1 + (int64_t)rand_below(1000);
		struct sub_terms t = sub_renewed(&s, (int)rand_below(400), quota, rand_below(2), NOW);

		assert_true(t.quota_bytes >= quota);
		assert_true(t.expires_ms == 0 || t.expires_ms >= NOW - DAYS(1));
		assert_true(s.expires_ms == 0 || t.expires_ms == 0 || t.expires_ms >= s.expires_ms);
	}
}

static void test_status(void **state)
{
	static const struct { const char *name; struct subscription s; enum sub_place place; enum sub_status is; } cases[] = {
		{ "active", { .enabled = true, .expires_ms = NOW + 1 }, PLACE_STANDS, SUB_ACTIVE },
		{ "without end", { .enabled = true }, PLACE_STANDS, SUB_ACTIVE },
		{ "being made", { .enabled = true, .expires_ms = NOW + 1 }, PLACE_AWAITED, SUB_CREATING },
		{ "waits for its panel", { .enabled = true, .expires_ms = NOW + 1 }, PLACE_HELD, SUB_HELD },
		{ "stopped, and nobody answers", { .expires_ms = NOW + 1 }, PLACE_HELD, SUB_DISABLED },
		{ "3 + 4 of 10 used", { .enabled = true, .quota_bytes = 10, .used_bytes = 7 }, PLACE_STANDS, SUB_ACTIVE },
		{ "all used", { .enabled = true, .quota_bytes = 10, .used_bytes = 10 }, PLACE_STANDS, SUB_LIMITED },
		{ "unlimited is never used up", { .enabled = true, .used_bytes = INT64_MAX }, PLACE_STANDS, SUB_ACTIVE },
		{ "in the grace", { .enabled = true, .expires_ms = NOW, .grace_until_ms = NOW + 1 }, PLACE_STANDS, SUB_GRACE },
		{ "ended", { .enabled = true, .expires_ms = NOW }, PLACE_STANDS, SUB_EXPIRED },
		{ "ended and stopped", { .expires_ms = NOW - 9, .grace_until_ms = NOW }, PLACE_STANDS, SUB_EXPIRED },
		{ "stopped by us", { .expires_ms = NOW + 1 }, PLACE_STANDS, SUB_DISABLED },
		{ "refunded", { .gone = true, .expires_ms = NOW + 9, .deleted_ms = NOW }, PLACE_STANDS, SUB_GONE },
		{ "deleted after its time", { .gone = true, .expires_ms = NOW - 9, .deleted_ms = NOW }, PLACE_STANDS, SUB_EXPIRED },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		if (sub_status(&cases[i].s, cases[i].place, NOW) != cases[i].is)
			fail_msg("%s", cases[i].name);
}

static void test_time_steps(void **state)
{
	static const struct time_rules rules = { .grace_ms = DAY_MS, .delete_ms = DAYS(14) }, no_grace = { .grace_ms = 0, .delete_ms = DAYS(14) };
	static const struct { const char *name; struct subscription s; const struct time_rules *rules; enum time_step step; int64_t again; } cases[] = {
		{ "far from the end", { .enabled = true, .expires_ms = NOW + DAYS(5) }, &rules, TIME_NOTHING, NOW + DAYS(5) - GRACE_LEAD_MS },
		{ "without end", { .enabled = true }, &rules, TIME_NOTHING, 0 },
		{ "shortly before", { .enabled = true, .expires_ms = NOW + MINUTE_MS }, &rules, TIME_GRACE, NOW + MINUTE_MS + DAY_MS },
		{ "down over the end", { .enabled = true, .expires_ms = NOW - HOUR_MS }, &rules, TIME_GRACE, NOW - HOUR_MS + DAY_MS },
		{ "down for longer", { .enabled = true, .expires_ms = NOW - DAYS(2) }, &rules, TIME_STOP, NOW + DAYS(12) },
		{ "grace given", { .enabled = true, .expires_ms = NOW - 1, .grace_until_ms = NOW + 5 }, &rules, TIME_NOTHING, NOW + 5 },
		{ "grace over", { .enabled = true, .expires_ms = NOW - DAY_MS, .grace_until_ms = NOW }, &rules, TIME_STOP, NOW + DAYS(13) },
		{ "stopped, waits", { .expires_ms = NOW - DAYS(3), .grace_until_ms = NOW - DAYS(2) }, &rules, TIME_NOTHING, NOW + DAYS(11) },
		{ "to be deleted", { .expires_ms = NOW - DAYS(14), .grace_until_ms = NOW - DAYS(13) }, &rules, TIME_DELETE, 0 },
		{ "deleted", { .gone = true, .expires_ms = NOW - DAYS(20) }, &rules, TIME_NOTHING, 0 },
		{ "no grace: at the end", { .enabled = true, .expires_ms = NOW }, &no_grace, TIME_STOP, NOW + DAYS(14) },
		{ "no grace: before", { .enabled = true, .expires_ms = NOW + 1 }, &no_grace, TIME_NOTHING, NOW + 1 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct sub_time t = sub_time_step(&cases[i].s, cases[i].rules, NOW);

		if (t.step != cases[i].step || t.again_ms != cases[i].again)
			fail_msg("%s: step %d, again in %lld", cases[i].name, (int)t.step, (long long)(t.again_ms - NOW));
	}
}

static void test_kept_until(void **state)
{
	static const struct time_rules two_weeks = { .delete_ms = DAYS(14) }, at_once = { .delete_ms = 0 };

	(void)state;
	assert_int_equal(sub_kept_until_ms(&(struct subscription){ .expires_ms = NOW }, &two_weeks), NOW + DAYS(14));
	assert_int_equal(sub_kept_until_ms(&(struct subscription){ .expires_ms = NOW, .grace_until_ms = NOW + DAYS(20) }, &two_weeks), NOW + DAYS(20));
	assert_int_equal(sub_kept_until_ms(&(struct subscription){ .expires_ms = NOW, .grace_until_ms = NOW + DAY_MS }, &at_once), NOW + DAY_MS);
	assert_int_equal(sub_kept_until_ms(&(struct subscription){ .expires_ms = NOW }, &at_once), NOW);
	assert_int_equal(sub_kept_until_ms(&(struct subscription){ .expires_ms = 0 }, &two_weeks), 0);
}

static void test_used(void **state)
{
	(void)state;
	assert_false(reminder_is_used(0, 79, 100));
	assert_true(reminder_is_used(0, 80, 100));
	assert_false(reminder_is_used(0, 80, 150));
	assert_true(reminder_is_used(2, INT64_MAX, INT64_MAX));
	assert_false(reminder_is_used(2, INT64_MAX - 1, INT64_MAX));
	assert_false(reminder_is_used(0, INT64_MAX, 0));
}

/* --- places --- */

static struct candidate at(int64_t panel, int64_t inbound, int priority, int64_t clients, int64_t capacity)
{
	return (struct candidate){ .place = { panel, inbound }, .priority = priority, .weight = 1, .clients = clients, .capacity = capacity };
}

static void test_place(void **state)
{
	struct candidate heavy = at(2, 1, 0, 60, 100), busy = at(1, 2, 0, 5, 10), full = at(1, 1, 0, 5, 10);
	const struct { const char *name; struct candidate c[3]; size_t n; int chosen; } cases[] = {
		{ "none", { { .priority = 0 } }, 0, -1 },
		{ "priority before load", { at(1, 1, 1, 0, 100), at(2, 1, 0, 99, 100) }, 2, 1 },
		{ "load before free places", { at(1, 1, 0, 50, 1000), at(2, 1, 0, 1, 100) }, 2, 1 },
		{ "free places at equal load", { at(1, 1, 0, 1, 10), at(2, 1, 0, 10, 100) }, 2, 1 },
		{ "then the lower id", { at(2, 1, 0, 1, 10), at(1, 1, 0, 1, 10) }, 2, 1 },
		{ "full ones are left out", { at(1, 1, 0, 2, 2), at(2, 1, 5, 9, 10) }, 2, 1 },
		{ "all full", { at(1, 1, 0, 2, 2), at(2, 1, 0, 3, 2) }, 2, -1 },
		{ "no limit counts as a thousand", { at(1, 1, 0, 100, 0), at(2, 1, 0, 50, 100) }, 2, 0 },
		{ "weight divides the load", { at(1, 1, 0, 40, 100), heavy }, 2, 1 },
		{ "a full inbound of a free panel", { full, busy }, 2, 1 },
		{ "the emptier inbound", { at(1, 3, 0, 5, 10), busy }, 2, 0 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct candidate c[3];

		memcpy(c, cases[i].c, sizeof c);
		for (size_t k = 0; k < cases[i].n; k++) {
			if (c[k].place.panel_id == 2 && c[k].clients == 60)
				c[k].weight = 2;
			if (c[k].place.panel_id == 1 && c[k].clients == 5) {
				c[k].inbound_capacity = 4;
				c[k].inbound_clients = c[k].place.inbound_id == 1 ? 4 : c[k].place.inbound_id == 2 ? 3 : 1;
			}
		}
		if (place_choose(c, cases[i].n) != cases[i].chosen)
			fail_msg("%s: %d", cases[i].name, place_choose(c, cases[i].n));
	}
}

/* --- names on panels --- */

static bool is_email(const char *email)
{
	size_t n = strlen(email);

	if (n < 10 || n > 32 || email[n - 9] != '_')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((email[i] >= 'a' && email[i] <= 'z') || (email[i] >= '0' && email[i] <= '9') || email[i] == '_'))
			return false;
	return email[0] != '_';
}

static void test_email(void **state)
{
	static const char *const pieces[] = { "Anna", " ", "😀", "Аня", "سلام", "\xe2\x80\xae", "_", "/", "\\", "@", "0", "<b>", "\n", "ß", "very_long_name_of_a_person" };
	char email[64], again[64];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		char name[256] = "";
		size_t n = 0;

		for (uint64_t k = rand_below(6); k > 0; k--)
			n += (size_t)snprintf(name + n, sizeof name - n, "%s", pieces[rand_below(countof(pieces))]);
		access_email(email, sizeof email, str_n(name, n));
		access_email(again, sizeof again, str_n(name, n));
		if (!is_email(email) || strcmp(email, again) == 0)
			fail_msg("%s from %s", email, name);
	}
	access_email(email, sizeof email, STR("Anna_Smith 1"));
	assert_true(strncmp(email, "anna_smith_1_", 13) == 0);
	access_email(email, sizeof email, STR("سلام"));
	assert_true(strncmp(email, "user_", 5) == 0);
}

static void test_password(void **state)
{
	static const struct { const char *protocol, *method, *is; } cases[] = {
		{ "shadowsocks", "2022-blake3-aes-128-gcm", "+////////////////////w==" },
		{ "shadowsocks", "2022-blake3-aes-256-gcm", "+/////////////////////////////////////////8=" },
		{ "shadowsocks", "chacha20-ietf-poly1305", "+/////////////////////////////////////////8=" },
		{ "trojan", "", "-_________________________________________8" },
		{ "wireguard", "", "+/////////////////////////////////////////8=" },
	};
	unsigned char bytes[32];
	struct buf text;
	char out[64];

	(void)state;
	memset(bytes, 0xff, sizeof bytes);
	bytes[0] = 0xfb;
	buf_init(&text, 64);
	enc_base64(&text, bytes, sizeof bytes);
	for (size_t i = 0; i < countof(cases); i++) {
		access_password(out, sizeof out, buf_str(&text), str_of(cases[i].protocol), str_of(cases[i].method));
		if (strcmp(out, cases[i].is) != 0)
			fail_msg("%s %s: %s", cases[i].protocol, cases[i].method, out);
	}
	access_password(out, sizeof out, STR("taken over"), STR("trojan"), STR(""));
	assert_string_equal(out, "taken over");
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_renewed, "R185 B29"),
		proves(test_metered_never_unlimited, "B30"),
		proves(test_status, ""),
		proves(test_time_steps, "R193"),
		proves(test_kept_until, ""),
		proves(test_used, ""),
		proves(test_place, "R134"),
		proves(test_email, "R032"),
		proves(test_password, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
