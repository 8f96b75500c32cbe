/* The wall clock was ahead, and is set back: nothing waits until it has caught up. See bot/core/wall.c. */
#include "tests/story/core_bot.h"

#define YEAR_MS (365 * DAY_MS)

static struct { int minutes, quarters, begun; } ran;

static enum err each_minute(struct act *a)
{
	(void)a;
	ran.minutes++;
	return OK;
}

static enum err each_quarter(struct act *a)
{
	(void)a;
	ran.quarters++;
	return OK;
}

/* Puts itself off again and again, one of them because something does not work. */
static enum err begin_later(struct act *a, struct job *job)
{
	ran.begun++;
	job_later(job, a->now_ms + MINUTE_MS, strcmp(job->subject, "2") == 0 ? "it fails" : NULL);
	return OK;
}

static enum err add_job(struct act *a, void *ctx)
{
	enum err e = job_add(a, "later", "1", 0, JOB_MONEY, a->now_ms);

	(void)ctx;
	return e ? e : job_add(a, "later", "2", 0, JOB_MONEY, a->now_ms);
}

static void nobody(void *ctx, const struct sim_request *request, struct sim_response *response)
{
	(void)ctx;
	(void)request;
	response->status = 404;
}

static void know_schedules(void)
{
	static const struct job_kind later = { .name = "later", .begin = begin_later, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &later };
	static const struct schedule_row schedules[] = { { "minute", MINUTE_MS, each_minute }, { "quarter", 15 * MINUTE_MS, each_quarter } };

	b->tables.schedules = schedules;
	b->tables.schedules_count = countof(schedules);
	know_jobs(kinds, countof(kinds), nobody);
	assert_int_equal(core_do(b->core, add_job, NULL), OK);
	run_ms(HOUR_MS);
}

/* An update that fails now is tried again soon, its chat's next one waits for it, and money is tried again, too. */
static void fail_now(int64_t anna, int64_t boris)
{
	b->fail_next = 2;
	botapi_say(b->telegram, anna, "fails");
	botapi_say(b->telegram, boris, "money");
	botapi_say(b->telegram, anna, "waits");
	run_ms(700);
	assert_int_equal(b->fail_next, 0);
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=1"), 3);
}

static void go_on(int64_t anna, int64_t boris, int times)
{
	memset(&ran, 0, sizeof ran);
	run_ms(10000);
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=1"), 0);
	assert_int_equal(heard(anna, "fails"), times);
	assert_int_equal(heard(anna, "waits"), times);
	assert_int_equal(heard(boris, "money"), times);
	run_ms(HOUR_MS);
	assert_in_range(ran.minutes, 57, 62);
	assert_in_range(ran.quarters, 2, 4);
	assert_in_range(ran.begun, 114, 124);
}

static void test_set_back(void **state)
{
	static const int64_t ahead_ms[] = { MINUTE_MS, HOUR_MS, YEAR_MS };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "en");

	(void)state;
	know_schedules();
	for (size_t i = 0; i < countof(ahead_ms); i++) {
		memnet_set_skew_ms(b->net, ahead_ms[i]);
		run_ms(HOUR_MS);
		fail_now(anna, boris);
		memnet_set_skew_ms(b->net, 0);
		go_on(anna, boris, (int)i + 1);
	}
}

/* It is set back while the program does not run. */
static void test_set_back_between(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "en");

	(void)state;
	know_schedules();
	for (int i = 0; i < 2; i++) {
		memnet_set_skew_ms(b->net, i ? YEAR_MS : HOUR_MS);
		run_ms(HOUR_MS);
		fail_now(anna, boris);
		die();
		memnet_set_skew_ms(b->net, 0);
		memnet_advance_ms(b->net, 5 * MINUTE_MS);
		start();
		run_ms(MINUTE_MS); /* what is known of the time before is as old as the last slot */
		go_on(anna, boris, i + 1);
	}
}

/* Set ahead, it skips what lies between: each slot at most once, and what was missed once. */
static void test_set_ahead(void **state)
{
	(void)state;
	know_schedules();
	memset(&ran, 0, sizeof ran);
	memnet_set_skew_ms(b->net, 10 * MINUTE_MS);
	run_ms(HOUR_MS - 1);
	assert_in_range(ran.minutes, 59, 61);
	assert_in_range(ran.quarters, 4, 5);
	assert_in_range(ran.begun, 118, 124);
}

/* Ids of updates that came while it was ahead are forgotten after two days, as all are, and no earlier. */
static void test_ids_are_forgotten(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	know_schedules();
	botapi_say(b->telegram, anna, "before");
	run_ms(1000);
	memnet_set_skew_ms(b->net, YEAR_MS);
	botapi_say(b->telegram, anna, "ahead");
	run_ms(1000);
	memnet_set_skew_ms(b->net, 0);
	run_ms(1000);
	assert_int_equal(rows("SELECT count(*) FROM inbox"), 2);
	memnet_advance_ms(b->net, 47 * HOUR_MS);
	assert_int_equal(core_do(b->core, forget, NULL), OK);
	assert_int_equal(rows("SELECT count(*) FROM inbox"), 2);
	memnet_advance_ms(b->net, 2 * HOUR_MS);
	assert_int_equal(core_do(b->core, forget, NULL), OK);
	assert_int_equal(rows("SELECT count(*) FROM inbox"), 0);
}

static int tries;

/* At the second try the disk is full. */
static enum err fail_commit(struct act *a, const struct tg_update *u)
{
	b->faults_left = ++tries == 2;
	return echo(a, u);
}

static enum err add_far(struct act *a, void *ctx)
{
	(void)ctx;
	return job_add(a, "later", "far", 1, JOB_MONEY, a->now_ms + YEAR_MS);
}

/* In the careful time the crash of an update is counted in a commit of its own. When that of its turn then fails, what is due
 * is not moved once more. */
static void test_moved_once(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), far_ms;

	(void)state;
	know_schedules();
	b->tables.on_update = fail_commit;
	memnet_set_skew_ms(b->net, HOUR_MS);
	run_ms(HOUR_MS);
	die();
	start();
	assert_int_equal(core_do(b->core, add_far, NULL), OK);
	far_ms = rows("SELECT next_ms FROM jobs WHERE subject='far'");
	b->fail_next = 1;
	tries = 0;
	botapi_say(b->telegram, anna, "once more");
	run_ms(500);
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=1 AND attempts=1"), 1);
	db_set_fault(full_disk, NULL);
	memnet_set_skew_ms(b->net, 0);
	memnet_advance_ms(b->net, 5000); /* it is due in the very turn that finds the clock set */
	run_ms(5000);
	assert_int_equal(tries, 3);
	assert_int_equal(said("once more"), 1);
	assert_int_equal(rows("SELECT next_ms FROM jobs WHERE subject='far'"), far_ms - HOUR_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_set_back, ""),
		story(test_set_back_between, ""),
		story(test_set_ahead, ""),
		story(test_ids_are_forgotten, ""),
		story(test_moved_once, ""),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
