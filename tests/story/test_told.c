/* What failed is not told as if it had been, and what is told to admins holds no secret. See bot/core/schedule.c, alert.c, inbound.c, inbox.c. */
#include "tests/story/core_bot.h"

/* --- schedules --- */

static int64_t reader;
static int runs, failures_left;

static enum err remind(struct act *a)
{
	enum err e = db_run(a->tx, "INSERT INTO settings(key, value) VALUES('reminded', '1') ON CONFLICT(key) DO UPDATE SET value=value+1");

	runs++;
	if (!e)
		send_text(a, reader, STR("remember"));
	if (e || !failures_left)
		return e;
	failures_left--;
	return E_IO;
}

/* A schedule that fails has not run: nothing of it is kept or said, and its next slot comes. */
static void test_failing_schedule(void **state)
{
	static const struct schedule_row schedule = { "remind", MINUTE_MS, remind };

	(void)state;
	reader = botapi_user_new(b->telegram, "Anna", "anna", "en");
	botapi_say(b->telegram, reader, "hello"); /* a bot does not speak first */
	stop_well();
	b->tables.schedules = &schedule;
	b->tables.schedules_count = 1;
	start();
	runs = 0;
	failures_left = 3;
	run_ms(200 * 1000);
	assert_int_equal(runs, 3);
	assert_int_equal(heard(reader, "remember"), 0);
	assert_int_equal(rows("SELECT count(*) FROM settings WHERE key='reminded'"), 0);
	run_ms(MINUTE_MS);
	assert_int_equal(runs, 4);
	assert_int_equal(heard(reader, "remember"), 1);
	assert_int_equal(rows("SELECT value FROM settings WHERE key='reminded'"), 1);
}

/* --- alerts --- */

static struct { int told, over; char detail[400]; } alerts;

static enum err hear_alert(struct act *a, const struct alert *alert)
{
	(void)a;
	alerts.told += !alert->over;
	alerts.over += alert->over;
	snprintf(alerts.detail, sizeof alerts.detail, "%s", alert->detail ? alert->detail : "");
	return OK;
}

#define SECRET "0b6c1d2e-3f40-4a51-8b62-7c73d84e95f6"

static enum err raise_alert(struct act *a, void *ctx)
{
	(void)ctx;
	return alert_raise(a, ALERT_WARNING, "panel.down:1", "panel_down", "Panel", "it says: no client " SECRET " of vless://" SECRET "@host:443");
}

static enum err clear_alert(struct act *a, void *ctx)
{
	(void)ctx;
	return alert_clear(a, "panel.down:1", "Panel");
}

static enum err tell_alert(struct act *a, void *ctx)
{
	(void)ctx;
	return alert_tell(a, ALERT_WARNING, "panel_says", "Panel", "no client " SECRET);
}

static void do_it(enum err (*fn)(struct act *a, void *ctx))
{
	assert_int_equal(core_do(b->core, fn, NULL), OK);
}

/* One word when it begins, one when it is over, and again when it begins again; and nothing in it that opens something. */
static void test_alerts(void **state)
{
	(void)state;
	stop_well();
	b->tables.on_alert = hear_alert;
	start();
	memset(&alerts, 0, sizeof alerts);
	for (int times = 1; times <= 3; times++) {
		for (int i = 0; i < times; i++)
			do_it(raise_alert);
		assert_int_equal(alerts.told, times);
		assert_string_equal(alerts.detail, "it says: no client *** of ***");
		assert_int_equal(rows("SELECT count(*) FROM alerts WHERE detail LIKE '%3f40%'"), 0);
		do_it(clear_alert);
		do_it(clear_alert);
		assert_int_equal(alerts.over, times);
	}
	do_it(tell_alert);
	assert_string_equal(alerts.detail, "no client ***");
}

/* --- over HTTP --- */

static enum err fail_first(struct act *a, const struct http_inbound *in)
{
	enum err e = db_run(a->tx, "INSERT INTO settings(key, value) VALUES('noted', '1')");

	inbound_answer(a, in, 200, NULL, str_of(NULL));
	if (e || !b->fail_next)
		return e;
	b->fail_next--;
	return E_INVALID;
}

/* Who tells us something that we could not take is asked to come again. */
static void test_failed_request(void **state)
{
	static const struct route_row route = { LISTENER_PUBLIC, HTTP_POST, "/note", fail_first };
	const struct http_inbound in = { .listener = LISTENER_PUBLIC, .method = HTTP_POST, .path = STR("/note") };
	uint64_t asked;

	(void)state;
	open_door(&route);
	run_ms(3000);
	b->fail_next = 1;
	asked = memserver_ask(b->door, &in);
	run_ms(100);
	assert_int_equal(memserver_hear(b->door, asked), 500);
	assert_int_equal(rows("SELECT count(*) FROM settings WHERE key='noted'"), 0);
	asked = memserver_ask(b->door, &in);
	run_ms(100);
	assert_int_equal(memserver_hear(b->door, asked), 200);
	assert_int_equal(rows("SELECT count(*) FROM settings WHERE key='noted'"), 1);
}

/* --- money --- */

/* Money waits for nothing of its chat that fails. */
static void test_money_does_not_wait(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	b->fail_next = 1;
	botapi_say(b->telegram, anna, "tap");
	run_ms(200);
	assert_int_equal(b->fail_next, 0);
	botapi_say(b->telegram, anna, "money");
	run_ms(200);
	assert_int_equal(said("money"), 1);
	assert_int_equal(said("tap"), 0);
	run_ms(10000);
	assert_int_equal(said("tap"), 1);
}

static enum err look_for_stuck(struct act *a, void *ctx)
{
	struct stuck_update found[2];
	size_t *count = ctx;
	enum err e = core_money_stuck(found, count, countof(found), a);

	if (!e && *count)
		assert_true(str_has(found[0].raw, "money that kills") && found[0].next_ms == 0);
	return e;
}

static enum err try_again(struct act *a, void *ctx)
{
	(void)ctx;
	assert_int_equal(core_money_retry(a, rows("SELECT update_id FROM inbox WHERE state=2 AND money=0")), E_NOTFOUND);
	return core_money_retry(a, rows("SELECT update_id FROM inbox WHERE state=2 AND money=1"));
}

/* Money whose handler kills the program is not tried on, and a person sees it and decides; what else was set aside is not theirs. */
static void test_deadly_money_is_seen(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	size_t count = 0;

	(void)state;
	run_ms(1000);
	b->fail_next = 3;
	botapi_say(b->telegram, anna, "never");
	run_ms(120000);
	assert_int_equal(b->parked, 1);
	b->crash_on = "money that kills";
	botapi_say(b->telegram, anna, "money that kills");
	run_ms(60000);
	assert_int_equal(b->parked, 2);
	assert_int_equal(core_do(b->core, look_for_stuck, &count), OK);
	assert_int_equal(count, 1);
	b->crash_on = NULL; /* another version of the program */
	do_it(try_again);
	run_ms(5000);
	assert_int_equal(said("money that kills"), 1);
	assert_int_equal(core_do(b->core, look_for_stuck, &count), OK);
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_failing_schedule, ""),
		story(test_alerts, ""),
		story(test_failed_request, ""),
		story(test_money_does_not_wait, ""),
		story(test_deadly_money_is_seen, ""),
	};

	return cmocka_run_group_tests_name("told", tests, NULL, NULL);
}
