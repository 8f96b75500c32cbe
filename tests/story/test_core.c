/* What the core promises: what arrives is decided once and answered, whatever fails in between. */
#include "tests/story/core_bot.h"

static void test_echo(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	botapi_say(b->telegram, anna, "hello");
	run_ms(3000);
	assert_int_equal(heard(anna, "hello"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=0 AND raw IS NULL"), 1);
	assert_int_equal(botapi_updates_waiting(b->telegram), 0); /* confirmed */
	assert_string_equal(b->shared.bot_username, BOTAPI_USERNAME);
}

static void test_duplicates(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	botapi_say(b->telegram, anna, "once");
	botapi_repeat_update(b->telegram);
	run_ms(3000);
	botapi_repeat_update(b->telegram);
	run_ms(3000);
	assert_int_equal(said("once"), 1);
	assert_int_equal(heard(anna, "once"), 1);
	/* after a quiet week the ids begin anew, lower */
	memnet_advance_ms(b->net, 8 * 86400000LL);
	run_ms(60000);
	botapi_set_next_update_id(b->telegram, 17);
	botapi_say(b->telegram, anna, "again");
	run_ms(60000);
	assert_int_equal(heard(anna, "again"), 1);
}

static enum err forget(struct act *a, void *ctx)
{
	(void)ctx;
	return core_forget(a);
}

/* Ids are kept for two days, whatever order they came in; what people still have to decide about is kept longer. */
static void test_forgotten(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	botapi_say(b->telegram, anna, "first");
	run_ms(3000);
	b->fail_next = 3;
	botapi_say(b->telegram, anna, "parked");
	run_ms(120000);
	memnet_advance_ms(b->net, 47 * 3600000LL);
	run_ms(60000);
	botapi_set_next_update_id(b->telegram, 17); /* as after a quiet week */
	botapi_say(b->telegram, anna, "lower");
	run_ms(60000);
	assert_int_equal(core_do(b->core, forget, NULL), OK);
	assert_int_equal(rows("SELECT count(*) FROM inbox"), 3);
	memnet_advance_ms(b->net, 2 * 3600000LL);
	assert_int_equal(core_do(b->core, forget, NULL), OK);
	assert_int_equal(rows("SELECT update_id FROM inbox WHERE state=0"), 17); /* the only one */
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=2"), 1);
	assert_int_equal(rows("SELECT count(*) FROM inbox"), 2);
}

/* A failing handler: undone, tried again, the chat's later updates wait; others do not. */
static void test_failing_handler(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "ru");

	(void)state;
	run_ms(1000);
	b->fail_next = 2;
	botapi_say(b->telegram, anna, "first");
	botapi_say(b->telegram, anna, "second");
	run_ms(1000);
	assert_int_equal(said("first"), 0);
	assert_int_equal(heard(anna, "second"), 0);
	botapi_say(b->telegram, boris, "third");
	run_ms(200);
	run_ms(60000);
	assert_int_equal(heard(anna, "first"), 1);
	assert_int_equal(heard(anna, "second"), 1);
	assert_int_equal(said("first"), 1);
	assert_int_equal(heard(boris, "third"), 1);
	assert_int_equal(b->parked, 0);
}

static void test_parked(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	b->fail_next = 3;
	botapi_say(b->telegram, anna, "never");
	run_ms(120000);
	assert_int_equal(b->parked, 1);
	assert_int_equal(said("never"), 0);
	botapi_say(b->telegram, anna, "later");
	run_ms(3000);
	assert_int_equal(heard(anna, "later"), 1);
	/* money leaves only by success; people are told once, and its chat does not wait for it */
	b->fail_next = 9;
	botapi_say(b->telegram, anna, "money 1");
	run_ms(60000);
	assert_int_equal(b->parked, 2);
	assert_int_equal(rows("SELECT count(*) FROM inbox WHERE state=1 AND raw LIKE '%money 1%'"), 1);
	b->fail_next = 0;
	botapi_say(b->telegram, anna, "not kept waiting");
	run_ms(3000);
	assert_int_equal(heard(anna, "not kept waiting"), 1);
	b->fail_next = 6;
	run_ms(3600000);
	assert_int_equal(b->parked, 2);
	assert_int_equal(said("money 1"), 1);
}

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

static enum err full_disk(void *ctx, enum db_point point)
{
	(void)ctx;
	return point == DB_POINT_COMMIT && b->faults_left && b->faults_left-- ? E_FULL : OK;
}

static void test_failed_commit(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	struct core_figures f;

	(void)state;
	run_ms(1000);
	b->faults_left = 3;
	db_set_fault(full_disk, NULL);
	botapi_say(b->telegram, anna, "kept");
	run_ms(1500);
	core_figures(b->core, &f);
	assert_true(f.stalled);
	assert_int_equal(heard(anna, "kept"), 0);
	botapi_say(b->telegram, anna, "also kept");
	run_ms(20000);
	db_set_fault(NULL, NULL);
	assert_int_equal(heard(anna, "kept"), 1);
	assert_int_equal(heard(anna, "also kept"), 1);
	assert_int_equal(said("kept"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* What Telegram answered is not forgotten with the commit that was to keep it: the row would stay claimed, and the message
 * be sent once more by the next start. */
static void test_failed_commit_of_an_answer(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	struct core_figures f;

	(void)state;
	run_ms(1000);
	db_set_fault(full_disk, NULL);
	b->fail_after_sending = true;
	botapi_say(b->telegram, anna, "kept");
	run_ms(20000);
	db_set_fault(NULL, NULL);
	core_figures(b->core, &f);
	assert_int_equal(f.commits_failed, 1);
	assert_int_equal(heard(anna, "kept"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

static enum err unheard(void *ctx, enum db_point point)
{
	(void)ctx;
	return point == DB_POINT_COMMIT_AFTER && b->faults_left && b->faults_left-- ? E_UNKNOWN : OK;
}

/* The commit was written and nobody heard it: what it claimed stands claimed in the table, and leaves all the same. */
static void test_unheard_commit(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	b->faults_left = 1;
	db_set_fault(unheard, NULL);
	botapi_say(b->telegram, anna, "kept");
	run_ms(20000);
	db_set_fault(NULL, NULL);
	assert_int_equal(b->faults_left, 0);
	assert_int_equal(said("kept"), 1);
	assert_int_equal(heard(anna, "kept"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

static enum err note(struct act *a, const struct http_inbound *in)
{
	inbound_answer(a, in, 200, NULL, str_of(NULL));
	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES('noted', '1') ON CONFLICT(key) DO UPDATE SET value=value+1");
}

/* The status it has heard by now; 0: nothing yet. */
static int heard_status(int fd)
{
	char head[64] = "";

	return recv(fd, head, sizeof head - 1, MSG_DONTWAIT) > 12 ? (int)strtol(head + 9, NULL, 10) : 0;
}

/* Whoever tells us something over HTTP hears "200" when it is stored. Until then they wait, and come again if we are gone. */
static void test_answered_when_stored(void **state)
{
	int fd, status = 0;

	(void)state;
	listen_for(&(struct route_row){ LISTENER_PUBLIC, HTTP_POST, "/note", note });
	b->faults_left = 1;
	db_set_fault(full_disk, NULL);
	fd = ask("POST /note HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n");
	while (b->faults_left) { /* the real socket has a time of its own */
		core_turn(b->core, 0);
		usleep(1000);
	}
	for (int i = 0; i < 20; i++) {
		core_turn(b->core, 0);
		usleep(1000);
		assert_int_equal(heard_status(fd), 0);
	}
	db_set_fault(NULL, NULL);
	assert_int_equal(rows("SELECT count(*) FROM settings WHERE key='noted'"), 0);
	for (int i = 0; !status && i < 5000; i++) {
		run_ms(100);
		usleep(100);
		status = heard_status(fd);
	}
	assert_int_equal(status, 200);
	assert_int_equal(rows("SELECT value FROM settings WHERE key='noted'"), 1);
	close(fd);
}

/* Whoever waits longer than the server lets them hears its 503, and what they brought is decided all the same. Who comes while
 * nothing can be stored hears it at once; and nobody, when the process ends first. */
static void test_answered_too_late(void **state)
{
	static const struct route_row route = { LISTENER_PUBLIC, HTTP_POST, "/note", note };
	const struct http_inbound in = { .listener = LISTENER_PUBLIC, .method = HTTP_POST, .path = STR("/note") };
	uint64_t early, late;

	(void)state;
	stop_well();
	b->tables.routes = &route;
	b->tables.routes_count = 1;
	b->door = memserver_new();
	start();
	run_ms(3000);
	b->faults_left = 4; /* now and after 1, 3 and 7 seconds */
	db_set_fault(full_disk, NULL);
	early = memserver_ask(b->door, &in);
	run_ms(100);
	late = memserver_ask(b->door, &in);
	run_ms(100);
	assert_int_equal(memserver_hear(b->door, late), 503);
	run_ms(MEMSERVER_ANSWER_MS - 300);
	assert_int_equal(memserver_hear(b->door, early), 0);
	run_ms(300);
	assert_int_equal(memserver_hear(b->door, early), 503);
	assert_int_equal(rows("SELECT count(*) FROM settings WHERE key='noted'"), 0);
	run_ms(20000);
	db_set_fault(NULL, NULL);
	assert_int_equal(rows("SELECT value FROM settings WHERE key='noted'"), 1);
	early = memserver_ask(b->door, &in);
	die();
	start();
	assert_int_equal(memserver_hear(b->door, early), MEMSERVER_GONE);
}

/* Killed at every named step, again and again: each update decided once, each answer heard, at most one of them twice. */
static void test_killed(void **state)
{
	static const char *const steps[] = { "poll.fetched", "turn.before_commit", "turn.after_commit", "outbox.claimed", "outbox.sent" };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	struct arena arena = { 0 };

	(void)state;
	run_ms(1000);
	for (size_t i = 0; i < countof(steps); i++)
		for (int nth = 1; nth <= 3; nth++) {
			const char *text = arena_printf(&arena, "%s %d", steps[i], nth);

			b->die_at = steps[i];
			b->die_countdown = nth;
			botapi_say(b->telegram, anna, text);
			run_ms(90000);
			b->die_at = NULL;
			assert_int_equal(said(text), 1);
			assert_in_range(heard(anna, text), 1, 2);
		}
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
	arena_release(&arena);
}

/* --- jobs --- */

#define PANEL "http://panel.test"

static struct { int now[3], most[3], together, heard, done; } lanes;

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
	(void)a;
	assert_int_equal(response->status, 200);
	lanes.now[job->lane]--;
	lanes.done++;
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

static void know_jobs(const struct job_kind *const *kinds, size_t count, sim_handler *handler)
{
	stop();
	b->tables.jobs = kinds;
	b->tables.jobs_count = count;
	memnet_serve(b->net, PANEL, 0, handler, NULL);
	start();
	run_ms(120000); /* a start without an orderly end takes everything one by one for a while */
	memset(&lanes, 0, sizeof lanes);
}

static void know_calls(void)
{
	static const struct job_kind call = { .name = "call", .begin = begin_call, .answer = answer_call, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };

	know_jobs(kinds, countof(kinds), panel);
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

static void silent_panel(void *ctx, const struct sim_request *request, struct sim_response *response)
{
	(void)ctx;
	(void)request;
	lanes.heard++;
	response->trouble.hang = lanes.heard < 12;
	response->status = 200;
}

static enum err answer_any(struct act *a, struct job *job, const struct http_response *response)
{
	(void)a;
	lanes.now[job->lane]--;
	lanes.done += response->status == 200;
	if (response->status == 200)
		job_done(job);
	else
		job_later(job, 0, "once more");
	return OK;
}

/* A call to a panel that does not answer, under way when a message kills: it is not set aside with it. */
static void test_job_beside_a_deadly_message(void **state)
{
	static const struct job_kind call = { .name = "call", .begin = begin_call, .answer = answer_any, .parked = hear_parked, .backoff_ms = 1000, .backoff_max_ms = 1000 };
	static const struct job_kind *const kinds[] = { &call };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	know_jobs(kinds, countof(kinds), silent_panel);
	memset(&killer, 0, sizeof killer);
	assert_int_equal(core_do(b->core, add_calls, NULL), OK);
	run_ms(1000);
	assert_int_equal(lanes.heard, 2);
	memnet_set_weather(b->net, kills, NULL);
	botapi_say(b->telegram, anna, "deadly");
	run_ms(10 * 60000);
	assert_int_equal(rows("SELECT count(*) FROM outbox WHERE state=2"), 1);
	assert_int_equal(killer.parked, 0);
	assert_int_equal(lanes.done, 10);
}

static void slow_panel(void *ctx, const struct sim_request *request, struct sim_response *response)
{
	(void)ctx;
	response->trouble.hang = str_has(request->path, "slow");
	response->status = 200;
}

static enum err begin_named(struct act *a, struct job *job)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);

	(void)a;
	*request = (struct http_request){ .method = HTTP_POST, .url = arena_printf(&job->arena, PANEL "/%s", job->subject), .timeout_ms = 30000 };
	job_call(job, request);
	return OK;
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
	assert_int_equal(core_do(b->core, add_slow_and_paid, NULL), OK);
	run_ms(1);
	die();
	assert_int_equal(lanes.done, 0);
	start();
	run_ms(1000);
	assert_int_equal(lanes.done, 1);
	assert_int_equal(rows("SELECT count(*) FROM jobs"), 1);
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

static void test_limits(void **state)
{
	int64_t users[60], anna = botapi_user_new(b->telegram, "Anna", "anna", "en");
	size_t n = 0;

	(void)state;
	run_ms(1000);
	botapi_set_rates(b->telegram, (struct botapi_rates){ .on = true, .chat_burst = 3, .all_burst = 30 });
	for (size_t i = 0; i < countof(users); i++) {
		users[i] = botapi_user_new(b->telegram, "U", NULL, "en");
		botapi_say(b->telegram, users[i], "hi");
	}
	for (int i = 0; i < 8; i++)
		botapi_say(b->telegram, anna, (const char *[]){ "a", "b", "c", "d", "e", "f", "g", "h" }[i]);
	run_ms(30000);
	for (size_t i = 0; i < countof(users); i++)
		n += heard(users[i], "hi");
	assert_int_equal(n, countof(users));
	/* in order, and none refused */
	for (int i = 0, from = 0; i < 8; i++) {
		size_t k = (size_t)from;

		while (k < botapi_messages_count(b->telegram, anna) && (!botapi_message_at(b->telegram, anna, k)->from_bot ||
			!str_is(botapi_message_at(b->telegram, anna, k)->text, (const char *[]){ "a", "b", "c", "d", "e", "f", "g", "h" }[i])))
			k++;
		assert_true(k < botapi_messages_count(b->telegram, anna));
		from = (int)k;
	}
}

static void test_told_to_wait(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en"), boris = botapi_user_new(b->telegram, "Boris", "boris", "en");

	(void)state;
	run_ms(1000);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 1, .fault = BOTAPI_429, .retry_after_s = 7 });
	botapi_say(b->telegram, anna, "one");
	botapi_say(b->telegram, anna, "two");
	run_ms(1000);
	botapi_say(b->telegram, boris, "hello"); /* nobody else waits for her */
	run_ms(4000);
	assert_int_equal(heard(anna, "one") + heard(anna, "two"), 0);
	assert_int_equal(heard(boris, "hello"), 1);
	assert_int_equal(botapi_calls(b->telegram, "sendMessage"), 2); /* and nothing is tried before its time */
	run_ms(10000);
	assert_int_equal(heard(anna, "one"), 1);
	assert_int_equal(heard(anna, "two"), 1);
	assert_true(botapi_find_text(b->telegram, anna, "two")->id > botapi_find_text(b->telegram, anna, "one")->id);
	assert_int_equal(botapi_calls(b->telegram, "sendMessage"), 4);
}

/* A message is true when its row is claimed: what was taken back meanwhile is not sent, and its chat goes on. */
static void test_taken_back(void **state)
{
	static const char *const texts[] = { "a", "b", "c", "d", "e" };
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	for (size_t i = 0; i < countof(texts); i++)
		botapi_say(b->telegram, anna, texts[i]);
	run_ms(200); /* three leave at once, two wait for the chat's limit */
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 2);
	botapi_say(b->telegram, anna, "untrue now");
	run_ms(5000);
	assert_int_equal(heard(anna, "c"), 1);
	assert_int_equal(heard(anna, "d") + heard(anna, "e"), 0);
	botapi_say(b->telegram, anna, "next");
	run_ms(3000);
	assert_int_equal(heard(anna, "next"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

static void test_lost_answer_and_502(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 1, .fault = BOTAPI_NETWORK, .after = true, .trouble = { .drop = true } });
	botapi_say(b->telegram, anna, "twice is fine");
	run_ms(10000);
	assert_int_equal(heard(anna, "twice is fine"), 2);
	botapi_clear_rules(b->telegram);
	botapi_add_rule(b->telegram, &(struct botapi_rule){ .method = "sendMessage", .times = 3, .fault = BOTAPI_HTML_502 });
	botapi_say(b->telegram, anna, "after 502");
	run_ms(60000);
	assert_int_equal(heard(anna, "after 502"), 1);
	botapi_block(b->telegram, anna);
	botapi_clear_rules(b->telegram);
	run_ms(1000);
}

static void test_blocked(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	memnet_set_latency_us(b->net, ORIGIN, 500000);
	botapi_say(b->telegram, anna, "bye");
	botapi_block(b->telegram, anna);
	run_ms(10000);
	assert_int_equal(b->gone, 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

/* The picture of a claimed message is drawn, or waits to be drawn, when everything is closed: nothing of it stays behind
 * (the sanitizer would tell), and the message comes after the next start. */
static void test_closed_with_a_picture_under_way(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	run_ms(1000);
	botapi_say(b->telegram, anna, "picture");
	while (rows("SELECT count(*) FROM outbox WHERE state=1") == 0)
		core_turn(b->core, 1000);
	stop();
	memnet_kill(b->net, false);
	start();
	run_ms(20000);
	assert_int_equal(heard(anna, "a picture"), 1);
	assert_int_equal(rows("SELECT count(*) FROM outbox"), 0);
}

static void test_wrong_token(void **state)
{
	(void)state;
	botapi_revoke_token(b->telegram);
	run_ms(2000);
	assert_int_equal(core_exit_code(b->core), 2);
}

static void test_conflicts(void **state)
{
	int64_t anna = botapi_user_new(b->telegram, "Anna", "anna", "en");

	(void)state;
	botapi_set_webhook(b->telegram, "https://elsewhere.example/hook");
	botapi_say(b->telegram, anna, "waits");
	run_ms(120000);
	assert_int_equal(core_exit_code(b->core), -1);
	assert_int_equal(heard(anna, "waits"), 0);
	botapi_set_webhook(b->telegram, NULL);
	run_ms(120000);
	assert_int_equal(heard(anna, "waits"), 1);
	botapi_set_other_poller(b->telegram, true);
	run_ms(9 * 60000);
	assert_int_equal(core_exit_code(b->core), -1);
	run_ms(3 * 60000);
	assert_int_equal(core_exit_code(b->core), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(test_echo, "R271"),
		story(test_duplicates, "R271"),
		story(test_forgotten, "R271"),
		story(test_failing_handler, ""),
		story(test_parked, "B25"),
		story(test_poison, ""),
		story(test_poison_comes_late, ""),
		story(test_careful_and_the_clock_is_set, ""),
		story(test_careful_while_a_row_waits, ""),
		story(test_message_that_kills, ""),
		story(test_job_that_kills, "B25"),
		story(test_failed_commit, ""),
		story(test_failed_commit_of_an_answer, ""),
		story(test_unheard_commit, ""),
		story(test_answered_when_stored, "R197"),
		story(test_answered_too_late, "R197"),
		story(test_killed, "R271"),
		story(test_messages_beside_a_deadly_one, ""),
		story(test_job_beside_a_deadly_message, ""),
		story(test_money_first_among_suspects, ""),
		story(test_one_call_per_lane, "B23"),
		story(test_called_when_stored, ""),
		story(test_limits, "R280 B48"),
		story(test_told_to_wait, "R280"),
		story(test_taken_back, ""),
		story(test_lost_answer_and_502, ""),
		story(test_blocked, "R279"),
		story(test_closed_with_a_picture_under_way, ""),
		story(test_wrong_token, ""),
		story(test_conflicts, "B44"),
	};

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
