/* After an unclean stop: what kills is found and set aside, and it alone. See bot/core/careful.c. */
#include "tests/story/core_bot.h"

/* An update whose handler kills the process: found, counted, parked; everybody else is served. */
static void test_poison(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "ru");

	(void)state;
	run_ms(1000);
	b->crash_on = "poison";
	botapi_say(b->telegram, boris, "before");
	botapi_say(b->telegram, anna, "poison");
	botapi_say(b->telegram, boris, "after");
	run_ms(60000);
	assert_true(b->crashing);
	assert_int_equal(b->parked, 1);
	assert_int_equal(heard(boris, "before"), 1);
	assert_int_equal(heard(boris, "after"), 1);
	assert_int_equal(said("after"), 1);
}

/* The same over a line so slow that it comes when a start is long past. */
static void test_poison_comes_late(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	memnet_set_latency_us(b->net, ORIGIN, 7000000);
	b->crash_on = "poison";
	botapi_say(b->telegram, anna, "poison");
	run_ms(600000);
	assert_true(b->crashing);
	assert_int_equal(b->parked, 1);
}

static int decided;

static enum err loses_its_turn(struct act *a, const struct tg_update *u)
{
	b->faults_left = ++decided <= 6;
	return echo(a, u);
}

/* In the careful time the disk is full again and again just when a turn is to be stored. The updates in it were counted as if
 * they killed and have not: they are decided as soon as it has room, however often that took, and whoever's turn it is. */
static void test_lost_turns_are_no_crashes(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "ru");

	(void)state;
	run_ms(1000);
	die();
	start();
	decided = 0;
	b->tables.on_update = loses_its_turn;
	botapi_say(b->telegram, anna, "first");
	botapi_say(b->telegram, boris, "second");
	db_set_fault(full_disk, NULL);
	run_ms(120000);
	db_set_fault(NULL, NULL);
	assert_int_equal(decided, 6 + 2);
	assert_int_equal(b->parked, 0);
	assert_int_equal(said("first"), 1);
	assert_int_equal(said("second"), 1);
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE crashes>0 OR state>0"), 0);
}

static bool was_alone;
static int waited_alone;

/* Only in the careful time is a crash counted before the handler runs. */
static enum err see_how_taken(struct act *a, const struct tg_update *u)
{
	int64_t counted;
	enum err e = db_get_i64(&counted, a->tx, "SELECT count(*) FROM inbox WHERE update_id=?1 AND crashes=1", u->update_id);

	was_alone = counted == 1;
	waited_alone += was_alone && str_is(u->message.text, "waits");
	return e ? e : echo(a, u);
}

static bool is_taken_alone(int64_t user, const char *text)
{
	botapi_say(b->telegram, user, text);
	run_ms(1000);
	assert_int_equal(said(text), 1);
	return was_alone;
}

/* The clock is set in the careful time, as machines do after a power cut: that neither ends nor prolongs it. */
static void test_careful_and_the_clock_is_set(void **state)
{
	static const struct { int64_t skew_ms; const char *first, *meanwhile, *late, *after; } cases[] = {
		{ 0, "1 first", "1 meanwhile", "1 late", "1 after" },
		{ HOUR_MS, "2 first", "2 meanwhile", "2 late", "2 after" },
		{ -HOUR_MS, "3 first", "3 meanwhile", "3 late", "3 after" },
	};
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	b->tables.on_update = see_how_taken;
	for (size_t i = 0; i < countof(cases); i++) {
		memnet_set_skew_ms(b->net, 0);
		die();
		start();
		assert_true(is_taken_alone(anna, cases[i].first)); /* the ten seconds begin with the first batch */
		memnet_set_skew_ms(b->net, cases[i].skew_ms);
		assert_true(is_taken_alone(anna, cases[i].meanwhile));
		run_ms(7000);
		assert_true(is_taken_alone(anna, cases[i].late));
		run_ms(1000);
		assert_false(is_taken_alone(anna, cases[i].after));
	}
}

/* Telegram takes this message and never answers. */
static enum memnet_fate never_answers(void *ctx, const char *origin, const struct sim_request *request, struct sim_trouble *trouble)
{
	(void)ctx;
	(void)origin;
	trouble->hang = str_has(request->body, "unanswered");
	return MEMNET_PASS;
}

/* A row that waits because a message is under way is still taken alone when the careful time runs out meanwhile, at
 * whatever moment something else asks for a turn: else what kills would do so uncounted, after every start. */
static void test_careful_while_a_row_waits(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "en");

	(void)state;
	b->tables.on_update = see_how_taken;
	for (int64_t at_ms = -20; at_ms < 30; at_ms++) {
		die();
		start();
		memnet_set_weather(b->net, never_answers, NULL);
		botapi_say(b->telegram, anna, "unanswered"); /* the ten seconds begin with it */
		run_ms(2000);
		botapi_say(b->telegram, boris, "waits");
		run_ms(8000 + at_ms);
		botapi_say(b->telegram, boris, "meanwhile");
		run_ms(1000);
		assert_int_equal(waited_alone, said("waits"));
		memnet_set_weather(b->net, NULL, NULL);
		run_ms(120000);
	}
	assert_int_equal(waited_alone, 50);
}

/* The process ends before anything is known of what it is just sending. */
static enum memnet_fate kills(void *ctx, const char *origin, const struct sim_request *request, struct sim_trouble *trouble)
{
	(void)ctx;
	(void)origin;
	(void)trouble;
	if (str_has(request->body, "deadly")) {
		b->die_at = "turn.before_commit";
		b->die_countdown = 1;
	}
	return MEMNET_PASS;
}

/* A message that is under way at six deaths in a row is given up, and a person hears of it. */
static void test_message_that_kills(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), n = 0;

	(void)state;
	run_ms(1000);
	memnet_set_weather(b->net, kills, NULL);
	botapi_say(b->telegram, anna, "deadly");
	run_ms(60000);
	assert_int_equal(b->told, 1);
	assert_int_equal(db_get_i64(&n, b->db, "SELECT count(*) FROM outbox WHERE state=2"), OK);
	assert_int_equal(n, 1);
	botapi_say(b->telegram, anna, "after");
	run_ms(5000);
	assert_int_equal(heard(anna, "after"), 1);
	memnet_advance_ms(b->net, 29 * DAY_MS);
	assert_int_equal(core_do(b->core, forget, NULL), OK);
	assert_int_equal(rows("SELECT count(*) FROM outbox WHERE state=2"), 1);
	memnet_advance_ms(b->net, 2 * DAY_MS);
	assert_int_equal(core_do(b->core, forget, NULL), OK);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

static struct { int deaths_left, begun, parked; } killer;

static enum err begin_deadly(struct act *a, struct job *job)
{
	(void)a;
	killer.begun++;
	if (killer.deaths_left && killer.deaths_left--)
		longjmp(b->death, 1);
	job_done(job);
	return OK;
}

static enum err hear_parked(struct act *a, struct job *job)
{
	(void)a;
	(void)job;
	killer.parked++;
	return OK;
}

static enum err add_deadly(struct act *a, void *ctx)
{
	return job_add(a, ctx, "1", 0, JOB_PERSON, a->now_ms + 100);
}

static enum err add_routine(struct act *a, void *ctx)
{
	return job_add(a, ctx, "1", 0, JOB_ROUTINE, a->now_ms);
}

static enum err add_resting(struct act *a, void *ctx)
{
	enum err e = job_add(a, ctx, "2", 0, JOB_ROUTINE, a->now_ms + DAY_MS);

	return e ? e : db_run(a->tx, "UPDATE jobs SET crashes=2, reason='crash' WHERE kind=?1 AND subject='2'", (const char *)ctx);
}

static enum err wake_resting(struct act *a, void *ctx)
{
	return job_add(a, ctx, "2", 0, JOB_PERSON, a->now_ms);
}

static void know_deadly(void)
{
	static const struct job_kind forgotten = { .name = "forgotten", .begin = begin_deadly, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind owned = { .name = "owned", .begin = begin_deadly, .parked = hear_parked, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &forgotten, &owned };

	stop();
	b->tables.jobs = kinds;
	b->tables.jobs_count = countof(kinds);
	start();
	run_ms(120000);
	memset(&killer, 0, sizeof killer);
	b->told = 0;
}

/* A job that was under way each time the program ended is parked where somebody hears of it; one that nobody would take up
 * again rests for an hour, which admins hear, and comes by itself. */
static void test_job_that_kills(void **state)
{
	(void)state;
	know_deadly();
	killer.deaths_left = 4; /* one more than is counted: at the first nothing had been claimed */
	assert_int_equal(core_do(b->core, add_deadly, (char []){ "owned" }), OK);
	run_ms(60000);
	assert_int_equal(killer.parked, 1);
	assert_int_equal(rows("SELECT count(*) FROM jobs WHERE kind='owned' AND state=2"), 1);
	assert_int_equal(killer.deaths_left, 0);
	killer.deaths_left = 5;
	assert_int_equal(core_do(b->core, add_deadly, (char []){ "forgotten" }), OK);
	run_ms(60000);
	assert_true(killer.deaths_left == 1 || killer.deaths_left == 2);
	killer.deaths_left = 2; /* one of them counted */
	killer.begun = 0;
	assert_int_equal(b->told, 1);
	assert_int_equal(rows("SELECT count(*) FROM jobs WHERE kind='forgotten' AND state=0 AND reason='crash'"), 1);
	assert_int_equal(core_do(b->core, add_routine, (char []){ "forgotten" }), OK); /* does not wake it */
	run_ms(58 * 60000);
	assert_int_equal(killer.begun, 0);
	run_ms(5 * 60000); /* once more, and it kills once more: it rests again, and nobody hears the same twice */
	assert_int_equal(killer.deaths_left, 0);
	assert_int_equal(b->told, 1);
	assert_int_equal(core_do(b->core, add_resting, (char []){ "forgotten" }), OK);
	assert_int_equal(core_do(b->core, add_deadly, (char []){ "forgotten" }), OK); /* somebody's wish does */
	run_ms(60000);
	assert_int_equal(rows("SELECT count(*) FROM jobs WHERE kind='forgotten'"), 1);
	assert_int_equal(b->told, 1); /* not over: another one of them rests */
	assert_int_equal(core_do(b->core, wake_resting, (char []){ "forgotten" }), OK);
	run_ms(60000);
	assert_int_equal(rows("SELECT count(*) FROM jobs WHERE kind='forgotten'"), 0);
	assert_int_equal(b->told, 2); /* that it is over */
}

/* --- whoever is beside what kills --- */

/* Messages that were under way beside one that kills go out, that one alone is given up. */
static void test_messages_beside_a_deadly_one(void **state)
{
	int64_t people[5];

	(void)state;
	for (size_t i = 0; i < countof(people); i++)
		people[i] = botapi_user_new(b->telegram, "Anna", NULL, "en");
	run_ms(1000);
	memnet_set_weather(b->net, kills, NULL);
	for (size_t i = 0; i < countof(people); i++)
		botapi_say(b->telegram, people[i], i == 2 ? "deadly" : "beside it");
	run_ms(120000);
	b->die_at = NULL;
	assert_int_equal(rows("SELECT count(*) FROM outbox WHERE state=2 AND payload LIKE '%deadly%'"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 1);
	for (size_t i = 0; i < countof(people); i++)
		assert_true(i == 2 || heard(people[i], "beside it"));
}

static struct { int heard, done; } calls;

static enum err begin_named(struct act *a, struct job *job)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);

	(void)a;
	*request = (struct http_request){ .method = HTTP_POST, .url = arena_printf(&job->arena, PANEL "/%s", job->subject), .timeout_ms = 30000 };
	job_call(job, request);
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

static void silent_panel(void *ctx, const struct sim_request *request, struct sim_response *response)
{
	(void)ctx;
	(void)request;
	response->trouble.hang = ++calls.heard < 12;
	response->status = 200;
}

static enum err answer_any(struct act *a, struct job *job, const struct http_response *response)
{
	(void)a;
	calls.done += response->status == 200;
	if (response->status == 200)
		job_done(job);
	else
		job_later(job, 0, "once more");
	return OK;
}

/* A call to a panel that does not answer, under way when a message kills: it is not set aside with it. */
static void test_job_beside_a_deadly_message(void **state)
{
	static const struct job_kind call = { .name = "call", .begin = begin_named, .answer = answer_any, .parked = hear_parked, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	know_jobs(kinds, countof(kinds), silent_panel);
	memset(&calls, 0, sizeof calls);
	memset(&killer, 0, sizeof killer);
	assert_int_equal(core_do(b->core, add_calls, NULL), OK);
	run_ms(1000);
	assert_int_equal(calls.heard, 2);
	memnet_set_weather(b->net, kills, NULL);
	botapi_say(b->telegram, anna, "deadly");
	run_ms(10 * 60000);
	assert_int_equal(rows("SELECT count(*) FROM outbox WHERE state=2"), 1);
	assert_int_equal(killer.parked, 0);
	assert_true(calls.done >= 10); /* one that was answered in the very turn of a death is asked again */
	assert_int_equal(rows("SELECT count(*) FROM jobs"), 0);
}

static void slow_panel(void *ctx, const struct sim_request *request, struct sim_response *response)
{
	(void)ctx;
	response->trouble.hang = str_has(request->path, "slow");
	response->status = 200;
}

static enum err add_slow_and_paid(struct act *a, void *ctx)
{
	enum err e = job_add(a, "call", "slow", 1, JOB_ROUTINE, a->now_ms);

	(void)ctx;
	return e ? e : job_add(a, "call", "paid", 2, JOB_MONEY, a->now_ms);
}

/* Both were under way at an unclean stop: what was paid for does not wait until the other has given up. */
static void test_money_first_among_suspects(void **state)
{
	static const struct job_kind call = { .name = "call", .begin = begin_named, .answer = answer_any, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };

	(void)state;
	know_jobs(kinds, countof(kinds), slow_panel);
	memset(&calls, 0, sizeof calls);
	assert_int_equal(core_do(b->core, add_slow_and_paid, NULL), OK);
	run_ms(1);
	die();
	assert_int_equal(calls.done, 0);
	start();
	run_ms(1000);
	assert_int_equal(calls.done, 1);
	assert_int_equal(rows("SELECT count(*) FROM jobs"), 1);
}

/* --- a job that begins beside what was just decided --- */

static bool fails_the_commit;

static enum err begin_badly(struct act *a, struct job *job)
{
	(void)a;
	if (killer.begun++ == 0) {
		if (!fails_the_commit)
			longjmp(b->death, 1);
		b->faults_left = 1;
		db_set_fault(full_disk, NULL);
	}
	job_done(job);
	return OK;
}

static enum err pays(struct act *a, const struct tg_update *u)
{
	enum err e = echo(a, u);

	return e ? e : job_add(a, "deliver", "1", 1, JOB_MONEY, a->now_ms);
}

/* What was decided is stored with its messages or not at all, although the job it asks for is counted before it begins. */
static void test_decided_with_its_messages(void **state)
{
	static const struct job_kind deliver = { .name = "deliver", .begin = begin_badly, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &deliver };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	know_jobs(kinds, countof(kinds), silent_panel);
	b->tables.on_update = pays;
	for (int fails = 0; fails <= 1; fails++) {
		const char *text = fails ? "money 2" : "money 1";

		memset(&killer, 0, sizeof killer);
		fails_the_commit = fails;
		die();
		start();
		botapi_say(b->telegram, anna, text); /* taken alone */
		run_ms(60000);
		db_set_fault(NULL, NULL);
		assert_int_equal(killer.begun, 2);
		assert_int_equal(said(text), 1);
		assert_in_range(heard(anna, text), 1, 2);
		assert_int_equal(rows("SELECT count(*) FROM jobs"), 0);
	}
}

/* --- whoever waits behind a suspect --- */

static enum err add_suspect_and_paid(struct act *a, void *ctx)
{
	enum err e = job_add(a, "call", "slow", 1, JOB_MONEY, a->now_ms);

	(void)ctx;
	if (!e)
		e = job_add(a, "nobody knows it", "1", 2, JOB_MONEY, a->now_ms);
	if (!e)
		e = job_add(a, "call", "suspect", 2, JOB_MONEY, a->now_ms);
	if (!e)
		e = db_run(a->tx, "UPDATE jobs SET crashes=1 WHERE lane=1 OR subject='suspect'");
	return e ? e : job_add(a, "call", "paid", 2, JOB_MONEY, a->now_ms + 1);
}

/* A suspect that has to wait for another one, and work of a kind that is no more, keep nobody of their lane waiting. */
static void test_nobody_waits_behind_a_suspect(void **state)
{
	static const struct job_kind call = { .name = "call", .begin = begin_named, .answer = answer_any, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };

	(void)state;
	know_jobs(kinds, countof(kinds), slow_panel);
	memset(&calls, 0, sizeof calls);
	assert_int_equal(core_do(b->core, add_suspect_and_paid, NULL), OK);
	run_ms(1000);
	assert_int_equal(calls.done, 1);
	assert_int_equal(rows("SELECT count(*) FROM jobs WHERE subject='paid'"), 0);
	assert_int_equal(rows("SELECT count(*) FROM jobs WHERE subject='suspect' AND state=0 AND crashes=1"), 1);
	run_ms(60000);
	assert_int_equal(rows("SELECT count(*) FROM jobs WHERE subject='suspect'"), 0);
}

static void one_is_silent(void *ctx, const struct sim_request *request, struct sim_response *response)
{
	(void)ctx;
	response->trouble.hang = str_has(request->path, "innocent");
	response->status = 200;
}

static enum err answer_or_die(struct act *a, struct job *job, const struct http_response *response)
{
	(void)a;
	if (response->status == 200)
		longjmp(b->death, 1);
	job_later(job, 0, "once more");
	return OK;
}

static enum err add_innocent(struct act *a, void *ctx)
{
	(void)ctx;
	return job_add(a, "call", "innocent", 2, JOB_MONEY, a->now_ms);
}

static enum err add_new_one(struct act *a, void *ctx)
{
	return job_add(a, "call", arena_printf(a->arena, "%d", *(int *)ctx), 1, JOB_MONEY, a->now_ms);
}

/* A panel whose answers kill, asked by another job each time: who is asked beside it is not set aside in its place. */
static void test_panel_that_kills_with_any_job(void **state)
{
	static const struct job_kind call = { .name = "call", .begin = begin_named, .answer = answer_or_die, .parked = hear_parked, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };

	(void)state;
	know_jobs(kinds, countof(kinds), one_is_silent);
	memset(&killer, 0, sizeof killer);
	assert_int_equal(core_do(b->core, add_innocent, NULL), OK);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(core_do(b->core, add_new_one, &i), OK);
		run_ms(15000);
		assert_int_equal(rows("SELECT count(*) FROM jobs WHERE subject='innocent' AND state<2"), 1);
	}
	assert_in_range(killer.parked, 2, 6);
}

static enum err add_one_call(struct act *a, void *ctx)
{
	(void)ctx;
	return job_add(a, "call", "1", 1, JOB_MONEY, a->now_ms);
}

/* The machine sleeps over the careful time, and updates have waited for it in vain: they are taken before any suspect is, which
 * otherwise would be under way once more beside the one that kills. */
static void test_slept_over_the_careful_time(void **state)
{
	static const struct job_kind call = { .name = "call", .begin = begin_named, .answer = answer_any, .parked = hear_parked, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "en");

	(void)state;
	know_jobs(kinds, countof(kinds), silent_panel);
	memset(&calls, 0, sizeof calls);
	assert_int_equal(core_do(b->core, add_one_call, NULL), OK);
	run_ms(1);
	die();
	botapi_say(b->telegram, anna, "unanswered");
	botapi_say(b->telegram, boris, "waits");
	botapi_say(b->telegram, boris, "poison");
	memnet_set_weather(b->net, never_answers, NULL);
	b->crash_on = "poison";
	start();
	run_ms(1000);
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=1"), 2);
	assert_int_equal(calls.heard, 1);
	memnet_advance_ms(b->net, 5 * MINUTE_MS);
	run_ms(5); /* the message is given up: what waits has to wait a little more */
	assert_int_equal(core_do(b->core, add_one_call, NULL), OK);
	for (int i = 0; i < 100 && !b->crashing; i++)
		run_ms(1);
	assert_true(b->crashing);
	assert_int_equal(calls.heard, 1);
	assert_int_equal(rows("SELECT crashes FROM jobs"), 1);
}

/* --- no turn without an event --- */

static int links_left;

/* Ends without a call, and has the next one follow. */
static enum err begin_link(struct act *a, struct job *job)
{
	memnet_advance_ms(b->net, 1);
	job_done(job);
	return --links_left > 0 ? job_add(a, "link", arena_printf(a->arena, "%d", links_left), 1 + links_left % 2, JOB_PERSON, a->now_ms) : OK;
}

static enum err add_link(struct act *a, void *ctx)
{
	(void)ctx;
	return job_add(a, "link", "first", 1, JOB_PERSON, a->now_ms);
}

/* Jobs that follow each other leave a waiting row a turn of its own. */
static void test_jobs_let_a_row_by(void **state)
{
	static const struct job_kind link = { .name = "link", .begin = begin_link, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &link };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	know_jobs(kinds, countof(kinds), silent_panel);
	b->tables.on_update = see_how_taken;
	waited_alone = 0;
	die();
	start();
	links_left = 100000;
	botapi_say(b->telegram, anna, "waits");
	assert_int_equal(core_do(b->core, add_link, NULL), OK);
	run_ms(1000);
	assert_int_equal(waited_alone, 1);
	assert_in_range(links_left, 1, 99500); /* and go on */
	links_left = 0;
	run_ms(1000);
}

static enum err note(struct act *a, const struct http_inbound *in)
{
	inbound_answer(a, in, 200, NULL, str_of(NULL));
	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES('noted', '1') ON CONFLICT(key) DO UPDATE SET value=value+1");
}

static enum err slow_disk(void *ctx, enum db_point point)
{
	(void)ctx;
	if (point == DB_POINT_COMMIT)
		memnet_advance_ms(b->net, 25);
	return OK;
}

/* Somebody asks in every turn, and each takes longer than a row waits for the next look: it is decided all the same, when
 * it has waited in vain for as long as it may. */
static void test_row_waits_in_vain(void **state)
{
	static const struct route_row route = { LISTENER_PUBLIC, HTTP_POST, "/note", note };
	const struct http_inbound in = { .listener = LISTENER_PUBLIC, .method = HTTP_POST, .path = STR("/note") };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), begun_ms;

	(void)state;
	open_door(&route);
	run_ms(1000);
	die();
	start();
	botapi_say(b->telegram, anna, "in vain");
	begun_ms = memnet_now_ms(b->net);
	db_set_fault(slow_disk, NULL);
	while (!said("in vain") && memnet_now_ms(b->net) < begun_ms + 200 * 1000) {
		memserver_ask(b->door, &in);
		core_turn(b->core, 25);
	}
	assert_int_equal(said("in vain"), 1);
	assert_in_range(memnet_now_ms(b->net) - begun_ms, 60 * 1000, 80 * 1000);
}

/* The machine sleeps over the careful time, and when it wakes somebody asks in the very turn in which a waiting row is looked at:
 * it waits for the next one, and is taken alone there. */
static void test_slept_and_asked(void **state)
{
	static const struct route_row route = { LISTENER_PUBLIC, HTTP_POST, "/note", note };
	const struct http_inbound in = { .listener = LISTENER_PUBLIC, .method = HTTP_POST, .path = STR("/note") };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "en");

	(void)state;
	b->tables.on_update = see_how_taken;
	waited_alone = 0;
	open_door(&route);
	run_ms(120000);
	die();
	start();
	memnet_set_weather(b->net, never_answers, NULL);
	botapi_say(b->telegram, anna, "unanswered");
	run_ms(2000);
	botapi_say(b->telegram, boris, "waits");
	run_ms(1000);
	assert_int_equal(said("waits"), 0);
	memnet_advance_ms(b->net, 20 * MINUTE_MS);
	memserver_ask(b->door, &in);
	run_ms(1000);
	assert_int_equal(said("waits"), 1);
	assert_int_equal(waited_alone, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_poison, ""),
		story(test_poison_comes_late, ""),
		story(test_lost_turns_are_no_crashes, ""),
		story(test_careful_and_the_clock_is_set, ""),
		story(test_careful_while_a_row_waits, ""),
		story(test_message_that_kills, ""),
		story(test_job_that_kills, "B25"),
		story(test_messages_beside_a_deadly_one, ""),
		story(test_job_beside_a_deadly_message, ""),
		story(test_money_first_among_suspects, ""),
		story(test_decided_with_its_messages, ""),
		story(test_nobody_waits_behind_a_suspect, ""),
		story(test_panel_that_kills_with_any_job, ""),
		story(test_slept_over_the_careful_time, ""),
		story(test_jobs_let_a_row_by, ""),
		story(test_row_waits_in_vain, ""),
		story(test_slept_and_asked, ""),
	};

	return cmocka_run_group_tests_name("careful", tests, NULL, NULL);
}
