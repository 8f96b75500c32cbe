/* See nth.h. */
#include "tests/story/nth.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "tests/unit/proves.h"
#include "tests/world/luck.h"

#define JOBS_MAX 16
#define SAMPLES_USUAL 2
#define FAILURES_SHOWN 3         /* of one fault; then the next */
#define CPU_S_MAX 120            /* of one telling: it hangs */
#define SAID_MAX 6000            /* bytes of what a failed telling said last */

/* --- what can fail --- */

enum door { DOOR_STORE, DOOR_COMMITTED, DOOR_DISK, DOOR_WRITE, DOOR_NET, DOOR_STEP, DOOR_MEMORY, DOOR_SQLITE, DOORS };

static const struct fault {
	const char *name;
	enum door door;
	enum err err;                   /* DOOR_STORE, DOOR_COMMITTED: what the call answers */
	int rc;                         /* DOOR_DISK, DOOR_WRITE: the same; 0: the process dies in it */
	enum memnet_fate fate;
	struct sim_trouble trouble;
	bool lost;                      /* a death takes the requests on their way with it */
	enum disk_end end;              /* and leaves this on the disk */
} faults[] = {
	{ .name = "store busy", .door = DOOR_STORE, .err = E_BUSY },
	{ .name = "store full", .door = DOOR_STORE, .err = E_FULL },
	{ .name = "store I/O error", .door = DOOR_STORE, .err = E_IO },
	{ .name = "commit unknown", .door = DOOR_COMMITTED, .err = E_UNKNOWN },
	{ .name = "disk I/O error", .door = DOOR_DISK, .rc = SQLITE_IOERR },
	{ .name = "disk full", .door = DOOR_WRITE, .rc = SQLITE_FULL },
	{ .name = "power cut at disk", .door = DOOR_DISK, .end = DISK_AFTER_POWER },
	{ .name = "torn at disk", .door = DOOR_DISK, .lost = true, .end = DISK_AFTER_TEAR },
	{ .name = "killed at step", .door = DOOR_STEP, .end = DISK_AFTER_KILL },
	{ .name = "power cut at step", .door = DOOR_STEP, .lost = true, .end = DISK_AFTER_POWER },
	{ .name = "no memory", .door = DOOR_MEMORY, .end = DISK_AFTER_POWER },
	{ .name = "SQLite without memory", .door = DOOR_SQLITE, .lost = true, .end = DISK_AFTER_POWER },
	{ .name = "request refused", .door = DOOR_NET, .fate = MEMNET_REFUSE },
	{ .name = "request lost", .door = DOOR_NET, .fate = MEMNET_LOSE },
	{ .name = "answer lost", .door = DOOR_NET, .trouble = { .hang = true } },
	{ .name = "answer cut", .door = DOOR_NET, .trouble = { .drop = true } },
};

static const struct fault nothing = { .door = DOORS };

/* One telling, as its process tells the one that waits for it. */
struct telling {
	uint64_t n, passings[DOORS];
	bool reached, done;
	pid_t pid;
	int said;                /* its output */
};

static struct nth_tale tale;
static const struct fault *armed; /* NULL: nothing fails */
static struct telling *now;
static int told_passed, told_failed;

/* The nth of them, and it is the program's. */
static bool strikes(enum door door)
{
	if (!armed || tale.w->dead || (door != DOOR_NET && !tale.w->inside))
		return false;
	now->passings[door]++;
	if (armed->door != door || now->passings[door] != now->n)
		return false;
	now->reached = true;
	return true;
}

static enum err on_store(void *ctx, enum db_point point)
{
	(void)ctx;
	if (!armed || !tale.w->inside)
		return OK;
	if (tale.w->dead)
		return E_IO;
	return strikes(point == DB_POINT_COMMIT_AFTER ? DOOR_COMMITTED : DOOR_STORE) ? armed->err : OK;
}

static int on_disk(void *ctx, enum disk_op op)
{
	(void)ctx;
	if (!strikes(DOOR_DISK) && (op != DISK_WRITE || !strikes(DOOR_WRITE)))
		return SQLITE_OK;
	if (armed->rc)
		return armed->rc;
	world_dies_unknowing(tale.w);
	return SQLITE_IOERR;
}

static void on_step(const char *name)
{
	(void)name;
	if (strikes(DOOR_STEP))
		world_dies(tale.w);
}

static enum memnet_fate on_way(void *ctx, const char *origin, const struct sim_request *request, struct sim_trouble *trouble)
{
	(void)ctx;
	(void)origin;
	(void)request;
	if (!strikes(DOOR_NET))
		return MEMNET_PASS;
	*trouble = armed->trouble;
	return armed->fate;
}

static bool on_memory(bool of_sqlite)
{
	if (of_sqlite)
		return strikes(DOOR_SQLITE);
	if (strikes(DOOR_MEMORY))
		world_dies_unknowing(tale.w);
	return false;
}

static void on_abort(void)
{
	if (!armed || armed->door != DOOR_SQLITE || !now->reached || !tale.w->inside)
		return;
	tale.w->broken = true;
	world_dies(tale.w);
}

static uint64_t asked_for(const char *name, uint64_t usual)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : usual;
}

static void from_luck(void *ctx, void *out, size_t n)
{
	unsigned char *to = out;

	while (n--)
		*to++ = (unsigned char)luck_draw(ctx);
}

void nth_print_sum(void)
{
	printf("%d passed, %d failed\n", told_passed, told_failed);
}

void nth_calm(void)
{
	armed = NULL;
}

/* --- one telling --- */

static _Noreturn void tell(const struct nth_story *story, const struct fault *fault)
{
	setrlimit(RLIMIT_CPU, &(struct rlimit){ CPU_S_MAX, CPU_S_MAX });
	setenv("CMOCKA_TEST_ABORT", "1", 1); /* an assertion ends this process, not the test */
	if (!asked_for("TRACE", 0)) {
		dup2(now->said, STDOUT_FILENO);
		dup2(now->said, STDERR_FILENO);
	}
	tale.w->lose_requests = fault->lost;
	tale.w->end = fault->end;
	armed = fault;
	story->tell(&tale);
	nth_calm();
	world_check(tale.w);
	now->done = true;
	_exit(0);
}

static void start(struct telling *t, const struct nth_story *story, const struct fault *fault, uint64_t n)
{
	pid_t pid;

	*t = (struct telling){ .n = n, .said = memfd_create("said", MFD_CLOEXEC) };
	assert_true(t->said >= 0);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid) {
		t->pid = pid; /* t is shared: the child leaves it alone */
		return;
	}
	now = t;
	tell(story, fault);
}

static void show_end(int fd)
{
	char bytes[SAID_MAX];
	off_t size = lseek(fd, 0, SEEK_END);
	ssize_t n = pread(fd, bytes, sizeof bytes, size > SAID_MAX ? size - SAID_MAX : 0);

	if (n > 0)
		fprintf(stderr, "%.*s\n", (int)n, bytes);
}

/* --- all tellings of a story --- */

struct sum {
	uint64_t places;         /* where something can fail, with any fault */
	int tellings, failures;
};

struct tellings {
	const struct nth_story *story;
	const struct fault *fault;
	struct telling *slots;   /* shared with their processes */
	size_t jobs, running;
	uint64_t counts[DOORS];  /* of what can fail where nothing does */
	uint64_t every;
	int done, failures;
	bool over;               /* one came to its end without meeting the fault */
};

static void take(struct tellings *all, struct telling *t, int status)
{
	bool good = t->done && WIFEXITED(status) && WEXITSTATUS(status) == 0;

	t->pid = 0;
	all->running--;
	all->done++;
	all->over = all->over || !t->reached;
	if (!good) {
		fprintf(stderr, "STORY='%s' FAULT='%s' N=%llu failed (status %x)\n", all->story->name, all->fault->name ? all->fault->name : "", (unsigned long long)t->n, (unsigned)status);
		if (all->failures++ < FAILURES_SHOWN)
			show_end(t->said);
	}
	if (all->fault == &nothing)
		memcpy(all->counts, t->passings, sizeof all->counts);
	close(t->said);
}

static void wait_for_one(struct tellings *all)
{
	int status;
	pid_t pid = wait(&status);

	assert_true(pid > 0);
	for (size_t i = 0; i < all->jobs; i++)
		if (all->slots[i].pid == pid)
			take(all, &all->slots[i], status);
}

static void start_one(struct tellings *all, uint64_t n)
{
	size_t i = 0;

	while (all->slots[i].pid)
		i++;
	start(&all->slots[i], all->story, all->fault, n);
	all->running++;
}

/* Where nothing fails: how much there is to fail, and that the story is true. */
static bool count(struct tellings *all)
{
	all->fault = &nothing;
	start_one(all, 0);
	wait_for_one(all);
	return all->failures == 0;
}

/* Samples end with the count; every single one goes on until a telling did not meet it: one that failed may be longer. */
static void tell_all(struct tellings *all, uint64_t first, uint64_t last)
{
	uint64_t n = first;

	all->over = false;
	while (!all->over || all->running) {
		while (!all->over && all->running < all->jobs) {
			start_one(all, n);
			n += all->every;
			all->over = n > last;
		}
		wait_for_one(all);
		all->over = all->over || all->failures > FAILURES_SHOWN;
	}
}

static bool wanted(const char *name, const char *variable)
{
	const char *part = getenv(variable);

	return !part || strstr(name, part);
}

static void run_fault(struct tellings *all, struct sum *sum, const struct fault *fault)
{
	uint64_t places = all->counts[fault->door], only = asked_for("N", 0), first;

	all->fault = fault;
	all->done = all->failures = 0;
	all->every = asked_for("EVERY", places / asked_for("SAMPLES", SAMPLES_USUAL));
	if (!all->every)
		all->every = 1;
	first = 1 + (places + asked_for("SEED", 0)) % all->every;
	tell_all(all, only ? only : first, only ? only : all->every > 1 ? places : UINT64_MAX);
	printf("  %-24s n=%llu: every %llu from %llu, %d tellings%s\n", fault->name, (unsigned long long)places, (unsigned long long)all->every,
		(unsigned long long)first, all->done, all->failures ? ", FAILED" : "");
	sum->places += places;
	sum->tellings += all->done;
	sum->failures += all->failures;
}

static void run_faults(struct sum *sum, const struct nth_story *story, struct telling *slots)
{
	struct tellings all = { .story = story, .slots = slots, .jobs = (size_t)sysconf(_SC_NPROCESSORS_ONLN) };

	if (all.jobs > JOBS_MAX)
		all.jobs = JOBS_MAX;
	printf("%s\n", story->name);
	if (!count(&all)) {
		sum->tellings = sum->failures = 1;
		return;
	}
	for (size_t i = 0; i < countof(faults); i++)
		if (wanted(faults[i].name, "FAULT"))
			run_fault(&all, sum, &faults[i]);
	printf("counted: %s: %d tellings, %llu places to fail\n", story->name, sum->tellings, (unsigned long long)sum->places);
}

static void open_tale(struct luck *luck)
{
	rand_set_source(from_luck, luck);
	nth_memory_open(on_memory, on_abort);
	tale = (struct nth_tale){ .disk = disk_new(on_disk, NULL) };
	db_set_fault(on_store, NULL);
}

static void close_tale(void)
{
	world_free(tale.w);
	disk_free(tale.disk);
	db_set_fault(NULL, NULL);
	rand_set_source(NULL, NULL);
}

void nth_run(const struct nth_story *story)
{
	struct telling *slots;
	struct luck luck = { 1 };
	struct sum sum = { 0 };

	if (!wanted(story->name, "STORY"))
		return;
	slots = mmap(NULL, JOBS_MAX * sizeof *slots, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(slots != MAP_FAILED);
	open_tale(&luck);
	story->begin(&tale);
	core_step = on_step;
	memnet_set_weather(tale.w->net, on_way, NULL);
	run_faults(&sum, story, slots);
	close_tale();
	munmap(slots, JOBS_MAX * sizeof *slots);
	told_passed += sum.tellings - sum.failures;
	told_failed += sum.failures;
	if (sum.failures)
		fail_msg("%s: %d tellings failed", story->name, sum.failures);
}
