/* The pure rules of the fleet as tables. */
#include "tests/unit/proves.h"

#include <stdio.h>

#include "bot/fleet/fleet_private.h"

static void test_sub_next(void **state)
{
	static const struct { const char *name; struct sub_want want; struct sub_have have; int64_t done_reset_rev; enum sub_step next; } cases[] = {
		{ "paid, panel empty", { .enabled = true, .expires_ms = 9 }, { 0 }, 0, STEP_CREATE },
		{ "answer lost, was added", { .enabled = true, .expires_ms = 9 }, { .exists = true, .enabled = true, .expires_ms = 9, .found = 1 }, 0, STEP_NOTHING },
		{ "renewed", { .enabled = true, .expires_ms = 19 }, { .exists = true, .enabled = true, .expires_ms = 9, .found = 1 }, 0, STEP_UPDATE },
		{ "renewed with new traffic: reset comes first", { .enabled = true, .expires_ms = 19, .reset_rev = 1 },
		  { .exists = true, .enabled = true, .expires_ms = 9, .found = 1 }, 0, STEP_RESET },
		{ "reset done", { .enabled = true, .expires_ms = 19, .reset_rev = 1 }, { .exists = true, .enabled = true, .expires_ms = 9, .found = 1 }, 1, STEP_UPDATE },
		{ "reset done, values agree, update still due", { .enabled = true, .expires_ms = 9, .reset_rev = 1 },
		  { .exists = true, .enabled = true, .stale = true, .expires_ms = 9, .found = 1 }, 1, STEP_UPDATE },
		{ "never a reset before it is there", { .enabled = true, .reset_rev = 3 }, { 0 }, 0, STEP_CREATE },
		{ "more traffic", { .enabled = true, .quota_bytes = 20 }, { .exists = true, .enabled = true, .quota_bytes = 10, .found = 1 }, 0, STEP_UPDATE },
		{ "more devices", { .enabled = true, .limit_ip = 3 }, { .exists = true, .enabled = true, .limit_ip = 1, .found = 1 }, 0, STEP_UPDATE },
		{ "banned", { .enabled = false }, { .exists = true, .enabled = true, .found = 1 }, 0, STEP_UPDATE },
		{ "there twice", { .enabled = true }, { .exists = true, .enabled = true, .found = 2 }, 0, STEP_DELETE },
		{ "there twice, reset wanted: doubles first", { .enabled = true, .reset_rev = 1 }, { .exists = true, .enabled = true, .found = 2 }, 0, STEP_DELETE },
		{ "refunded", { .gone = true }, { .exists = true, .enabled = true, .found = 1 }, 0, STEP_DELETE },
		{ "refunded, gone already", { .gone = true, .reset_rev = 5 }, { 0 }, 0, STEP_NOTHING },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		if (sub_next(&cases[i].want, &cases[i].have, cases[i].done_reset_rev) != cases[i].next)
			fail_msg("%s", cases[i].name);
}

static void test_drift_judge(void **state)
{
	static const struct { const char *name; enum terms_field f; int64_t written_rev, wrote, before, seen; bool writing, busy, left; enum drift_verdict verdict; } cases[] = {
		{ "as written", FIELD_UNTIL, 1, 9, 9, 9, false, false, false, DRIFT_NONE },
		{ "never written: taken over as it is", FIELD_UNTIL, 0, 0, 0, 9, false, false, false, DRIFT_NONE },
		{ "longer by hand", FIELD_UNTIL, 1, 9, 9, 12, false, false, false, DRIFT_ADOPT },
		{ "longer by hand while a renewal waits", FIELD_UNTIL, 1, 9, 9, 12, false, true, false, DRIFT_ADOPT },
		{ "shorter by hand", FIELD_UNTIL, 1, 9, 9, 5, false, false, false, DRIFT_REPORT },
		{ "shorter by hand, and a payment came", FIELD_UNTIL, 1, 9, 9, 5, false, true, false, DRIFT_OVERRULED },
		{ "our write did not arrive", FIELD_UNTIL, 2, 19, 9, 9, true, true, false, DRIFT_NONE },
		{ "our write arrived", FIELD_UNTIL, 2, 19, 9, 19, true, true, false, DRIFT_NONE },
		{ "the same old value without a write of ours is by hand", FIELD_UNTIL, 2, 19, 9, 9, false, false, false, DRIFT_REPORT },
		{ "end taken away", FIELD_UNTIL, 1, 9, 9, 0, false, false, false, DRIFT_REPORT },
		{ "limit taken away: metered never becomes unlimited in silence", FIELD_QUOTA, 1, 100, 100, 0, false, false, false, DRIFT_REPORT },
		{ "limit raised", FIELD_QUOTA, 1, 100, 100, 150, false, false, false, DRIFT_ADOPT },
		{ "limit lowered", FIELD_QUOTA, 1, 100, 100, 50, false, false, false, DRIFT_REPORT },
		{ "a limit where there was none", FIELD_QUOTA, 1, 0, 0, 50, false, false, false, DRIFT_REPORT },
		{ "switched off", FIELD_ENABLED, 1, 1, 1, 0, false, false, false, DRIFT_REPORT },
		{ "switched on although banned", FIELD_ENABLED, 1, 0, 0, 1, false, false, false, DRIFT_REPORT },
		{ "left for a person, and a write that left it alone", FIELD_UNTIL, 2, 9, 5, 5, true, false, true, DRIFT_REPORT },
		{ "left for a person, and a payment came", FIELD_UNTIL, 2, 9, 5, 5, true, true, true, DRIFT_OVERRULED },
		{ "devices raised", FIELD_DEVICES, 1, 2, 2, 5, false, false, false, DRIFT_ADOPT },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct access x = { .written_rev = cases[i].written_rev, .writing = cases[i].writing };

		x.wrote.at[cases[i].f] = cases[i].wrote;
		x.seen.at[cases[i].f] = cases[i].before;
		x.left[cases[i].f] = cases[i].left;
		if (drift_judge(cases[i].f, &x, cases[i].seen, cases[i].busy) != cases[i].verdict)
			fail_msg("%s", cases[i].name);
	}
}

static void test_drift_adopted(void **state)
{
	static const struct { const char *name; enum terms_field f; int64_t want, wrote, seen, changed_ms, result; } cases[] = {
		{ "nothing new of ours", FIELD_UNTIL, 100, 100, 105, 50, 105 },
		{ "five days by hand, then a renewal of thirty", FIELD_UNTIL, 130, 100, 105, 60, 135 },
		{ "renewed after our end: only what lies behind the purchase counts", FIELD_UNTIL, 140, 100, 120, 110, 150 },
		{ "longer by hand, but not up to the purchase", FIELD_UNTIL, 140, 100, 105, 110, 140 },
		{ "without end stays without end", FIELD_UNTIL, 0, 100, 105, 60, 0 },
		{ "ten given, hundred bought", FIELD_QUOTA, 150, 50, 60, 0, 160 },
		{ "devices: the more generous", FIELD_DEVICES, 3, 2, 5, 0, 5 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		if (drift_adopted(cases[i].f, cases[i].want, cases[i].wrote, cases[i].seen, cases[i].changed_ms) != cases[i].result)
			fail_msg("%s", cases[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_sub_next, "B51"),
		proves(test_drift_judge, "B30"),
		proves(test_drift_adopted, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
