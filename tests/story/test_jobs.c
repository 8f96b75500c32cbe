/* Jobs: their lanes, their steps, and what becomes of a step that fails. See bot/core/jobs.h. */
#include "tests/story/core_bot.h"

static struct { int now[3], most[3], together, heard, done; bool puts_off, parks; } lanes;

static void panel(void *ctx, const struct sim_request *request, struct sim_response *response)
{
	(void)ctx;
	(void)request;
	lanes.heard++;
	response->status = 200;
}

static enum err begin_call(struct act *a, struct job *job)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);

	(void)a;
	*request = (struct http_request){ .method = HTTP_POST, .url = PANEL "/", .timeout_ms = 30000 };
	job_call(job, request);
	if (++lanes.now[job->lane] > lanes.most[job->lane])
		lanes.most[job->lane] = lanes.now[job->lane];
	if (lanes.now[1] + lanes.now[2] > lanes.together)
		lanes.together = lanes.now[1] + lanes.now[2];
	return OK;
}

static enum err answer_call(struct act *a, struct job *job, const struct http_response *response)
{
	assert_int_equal(response->status, 200);
	lanes.now[job->lane]--;
	lanes.done++;
	if (lanes.parks)
		job_park(job, "needs a person");
	else if (lanes.puts_off)
		job_later(job, a->now_ms + HOUR_MS, NULL);
	else
		job_done(job);
	return OK;
}

static enum err add_calls(struct act *a, void *ctx)
{
	enum err e = OK;

	(void)ctx;
	for (int i = 0; !e && i < 10; i++)
		e = job_add(a, "call", arena_printf(a->arena, "%d", i), 1 + i % 2, JOB_PERSON, a->now_ms);
	return e;
}

static void know_calls(void)
{
	static const struct job_kind call = { .name = "call", .begin = begin_call, .answer = answer_call, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };

	know_jobs(kinds, countof(kinds), panel);
	memset(&lanes, 0, sizeof lanes);
}

/* One call at a time at each panel: of several at once a real one keeps the last. Two panels do not wait for each other. */
static void test_one_call_per_lane(void **state)
{
	(void)state;
	know_calls();
	assert_int_equal(core_do(b->core, add_calls, NULL), OK);
	run_ms(10000);
	assert_int_equal(lanes.done, 10);
	assert_int_equal(lanes.most[1], 1);
	assert_int_equal(lanes.most[2], 1);
	assert_int_equal(lanes.together, 2);
}

/* Asked for once more while it is under way, it may have decided already without what it was asked for: it runs again, at once,
 * whether it is done or had put itself off. */
static void test_asked_while_under_way(void **state)
{
	(void)state;
	know_calls();
	memnet_set_latency_us(b->net, PANEL, 500000);
	for (int puts_off = 0; puts_off <= 1; puts_off++) {
		memset(&lanes, 0, sizeof lanes);
		lanes.puts_off = puts_off;
		assert_int_equal(core_do(b->core, add_calls, NULL), OK);
		run_ms(200);
		assert_int_equal(lanes.now[1] + lanes.now[2], 2);
		assert_int_equal(core_do(b->core, add_calls, NULL), OK);
		run_ms(20000);
		assert_int_equal(lanes.done, 12);
		assert_int_equal(rows("SELECT count(*) FROM jobs"), puts_off ? 10 : 0);
	}
}

/* A run of several calls that is asked for during one of them: the calls that follow do not make it forget that. */
static enum err answer_two_calls(struct act *a, struct job *job, const struct http_response *response)
{
	(void)response;
	if (lanes.heard % 2)
		return begin_call(a, job);
	lanes.done++;
	job_done(job);
	return OK;
}

static enum err add_one(struct act *a, void *ctx)
{
	(void)ctx;
	return job_add(a, "call", "one", 1, JOB_PERSON, a->now_ms);
}

static void test_asked_before_its_last_call(void **state)
{
	static const struct job_kind call = { .name = "call", .begin = begin_call, .answer = answer_two_calls, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };

	(void)state;
	know_jobs(kinds, countof(kinds), panel);
	memset(&lanes, 0, sizeof lanes);
	memnet_set_latency_us(b->net, PANEL, 500000);
	assert_int_equal(core_do(b->core, add_one, NULL), OK);
	run_ms(200);
	assert_int_equal(core_do(b->core, add_one, NULL), OK);
	run_ms(20000);
	assert_int_equal(lanes.heard, 4);
	assert_int_equal(lanes.done, 2);
	assert_int_equal(rows("SELECT count(*) FROM jobs"), 0);
}

/* Nor does it wait for a person who was to look at what has changed meanwhile. */
static void test_asked_and_parked(void **state)
{
	(void)state;
	know_calls();
	memnet_set_latency_us(b->net, PANEL, 500000);
	lanes.parks = true;
	assert_int_equal(core_do(b->core, add_calls, NULL), OK);
	run_ms(200);
	assert_int_equal(core_do(b->core, add_calls, NULL), OK);
	run_ms(20000);
	assert_int_equal(lanes.done, 12);
	assert_int_equal(rows("SELECT count(*) FROM jobs WHERE state=2"), 10); /* nobody asked again */
}

/* A call leaves when the commit that claims it stands: after a crash nobody would know that it was made. */
static void test_called_when_stored(void **state)
{
	(void)state;
	know_calls();
	assert_int_equal(core_do(b->core, add_calls, NULL), OK);
	b->faults_left = 3;
	db_set_fault(full_disk, NULL);
	while (b->faults_left) {
		assert_int_equal(lanes.heard, 0);
		run_ms(10);
	}
	db_set_fault(NULL, NULL);
	lanes.now[1] = lanes.now[2] = 0; /* runs that were given up */
	run_ms(30000);
	assert_int_equal(lanes.done, 10);
	assert_int_equal(lanes.heard, 10);
}

static int64_t reader;
static int tries;

static enum err fail_once(struct act *a, struct job *job)
{
	enum err e = db_run(a->tx, "INSERT INTO settings(key, value) VALUES('tried', '1') ON CONFLICT(key) DO UPDATE SET value=value+1");

	send_text(a, reader, STR("tried"));
	if (e || tries++ == 0)
		return e ? e : E_INVALID;
	job_done(job);
	return OK;
}

static enum err add_failing(struct act *a, void *ctx)
{
	(void)ctx;
	return job_add(a, "fails", "x", 0, JOB_PERSON, a->now_ms);
}

/* A step that fails has not been: nothing of it is kept or sent, and it comes again. */
static void test_failing_step(void **state)
{
	static const struct job_kind fails = { .name = "fails", .begin = fail_once, .backoff_ms = 10000, .backoff_max_ms = 10000 };
	static const struct job_kind *const kinds[] = { &fails };

	(void)state;
	reader = botapi_user_new(b->telegram, "Anna", "anna", "en");
	tries = 0;
	know_jobs(kinds, countof(kinds), panel);
	botapi_say(b->telegram, reader, "hello"); /* a bot does not speak first */
	assert_int_equal(core_do(b->core, add_failing, NULL), OK);
	run_ms(2000);
	assert_int_equal(tries, 1);
	assert_int_equal(heard(reader, "tried"), 0);
	assert_int_equal(rows("SELECT count(*) FROM settings WHERE key='tried'"), 0);
	run_ms(30000);
	assert_int_equal(tries, 2);
	assert_int_equal(heard(reader, "tried"), 1);
	assert_int_equal(rows("SELECT value FROM settings WHERE key='tried'"), 1);
	assert_int_equal(rows("SELECT count(*) FROM jobs"), 0);
}

/* --- who goes first --- */

static struct { char begun[64]; int answered, parked; } order;

static enum err begin_in_order(struct act *a, struct job *job)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);

	(void)a;
	strncat(order.begun, job->subject, sizeof order.begun - strlen(order.begun) - 1);
	*request = (struct http_request){ .method = HTTP_POST, .url = arena_printf(&job->arena, PANEL "/%s", job->subject), .timeout_ms = 30000 };
	job_call(job, request);
	return OK;
}

static enum err answer_in_order(struct act *a, struct job *job, const struct http_response *response)
{
	(void)a;
	if (response->status != 200) {
		job_later(job, 0, "silent");
		return OK;
	}
	order.answered++;
	job_done(job);
	return OK;
}

static enum err note_parked(struct act *a, struct job *job)
{
	(void)a;
	(void)job;
	order.parked++;
	return OK;
}

static bool panel_is_slow;

static void slow_for_some(void *ctx, const struct sim_request *request, struct sim_response *response)
{
	(void)ctx;
	response->trouble.hang = panel_is_slow && str_has(request->path, "slow");
	response->status = 200;
}

static void know_order(void)
{
	static const struct job_kind kind = { .name = "call", .begin = begin_in_order, .answer = answer_in_order, .parked = note_parked, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &kind };

	panel_is_slow = true;
	know_jobs(kinds, countof(kinds), slow_for_some);
	memset(&order, 0, sizeof order);
}

static enum err add_mixed(struct act *a, void *ctx)
{
	static const struct { const char *subject; enum job_prio prio; } jobs[] = {
		{ "r", JOB_ROUTINE }, { "s", JOB_ROUTINE }, { "p", JOB_PERSON }, { "q", JOB_PERSON }, { "m", JOB_MONEY }, { "m", JOB_ROUTINE },
	};
	enum err e = OK;

	(void)ctx;
	for (size_t i = 0; !e && i < countof(jobs); i++)
		e = job_add(a, "call", jobs[i].subject, 1, jobs[i].prio, a->now_ms);
	return e;
}

/* In the lane of a panel what was paid for is first, whoever else asks for the same; then what somebody waits for. */
static void test_money_first(void **state)
{
	(void)state;
	know_order();
	assert_int_equal(core_do(b->core, add_mixed, NULL), OK);
	run_ms(10000);
	assert_string_equal(order.begun, "mpqrs");
}

static enum err add_free(struct act *a, void *ctx)
{
	enum err e = job_add(a, "call", "slow", 0, JOB_MONEY, a->now_ms);

	(void)ctx;
	for (int i = 0; !e && i < 5; i++)
		e = job_add(a, "call", arena_printf(a->arena, "%d", i), 0, JOB_MONEY, a->now_ms + 1);
	return e;
}

/* What belongs to no panel waits for nobody's answer. */
static void test_free_lane(void **state)
{
	(void)state;
	know_order();
	assert_int_equal(core_do(b->core, add_free, NULL), OK);
	run_ms(1000);
	assert_int_equal(order.answered, 5);
	assert_int_equal(rows("SELECT count(*) FROM jobs WHERE state=1"), 1);
}

/* A call that is under way whenever the program is stopped has done nothing wrong. */
static void test_under_way_at_orderly_ends(void **state)
{
	(void)state;
	know_order();
	stop_well();
	start();
	run_ms(3000);
	assert_int_equal(core_do(b->core, add_free, NULL), OK);
	for (int i = 0; i < 5; i++) {
		run_ms(2000);
		assert_int_equal(rows("SELECT count(*) FROM jobs WHERE state=1"), 1);
		stop_well();
		start();
	}
	panel_is_slow = false;
	stop_well();
	start();
	run_ms(5000);
	assert_int_equal(order.answered, 6);
	assert_int_equal(order.parked, 0);
	assert_int_equal(rows("SELECT count(*) FROM jobs"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_one_call_per_lane, "B23"),
		story(test_asked_while_under_way, ""),
		story(test_asked_before_its_last_call, ""),
		story(test_asked_and_parked, ""),
		story(test_called_when_stored, ""),
		story(test_failing_step, ""),
		story(test_money_first, ""),
		story(test_free_lane, ""),
		story(test_under_way_at_orderly_ends, ""),
	};

	return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
