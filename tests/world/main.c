/* make world SEEDS=a-b [TRACE=1] [LEAST=n]: runs worlds on all processors, says which seed failed first and how it ended.
 *
 * Each seed runs in a process of its own, so that an assertion or a sanitizer's report belongs to its seed. With LEAST it
 * is about the whole range: the run goes on after a failure, and fails, too, when a kind of fault or an edge of a state
 * machine was met less often. The last line is "N passed, N failed". */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/tables.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "tests/world/world.h"

#define LINES_SHOWN 60
#define WORKERS_MAX 64

struct board {
	uint64_t next;
	uint64_t passed, failed, first_failed; /* first_failed 0: none */
	uint64_t cpu_ms_max, cpu_ms_seed; /* figures for the eye: a lost addition does no harm */
	struct cost {
		uint64_t seeds, cpu_ms;
	} usual, large;
};

static struct board *board;
static struct i18n *i18n;
static bool trace, show_history;
static uint64_t least;

static void show_end(const struct world *w)
{
	const char *at = w->log.at + w->log.len;
	int lines = 0;

	while (at > w->log.at && lines <= LINES_SHOWN)
		lines += *--at == '\n';
	fprintf(stderr, "%.*s\n", (int)(w->log.at + w->log.len - at), at);
}

/* The number of broken invariants. */
static int live(uint64_t seed, bool real_file, uint64_t *history)
{
	struct world *w = world_new(seed, i18n, trace, real_file);
	int failures;

	world_live(w);
	failures = w->failures;
	*history = w->history;
	if (show_history)
		fprintf(stderr, "seed %llu: history %016llx, %d deaths, %zu payments, %zu people, %zu panels, %lld days, %lld turns%s\n", (unsigned long long)seed,
			(unsigned long long)w->history, w->deaths, w->money_count, w->people_count, w->panels_count,
			(long long)((w->calm_ms - WORLD_START_MS) / DAY_MS), (long long)w->turns, real_file ? ", on a real file" : "");
	if (failures && !trace)
		show_end(w);
	world_free(w);
	return failures;
}

static int live_once_or_twice(uint64_t seed)
{
	uint64_t history, again;
	int failures = live(seed, false, &history);

	if (failures || !world_has_plain_disk(seed))
		return failures;
	failures = live(seed, true, &again);
	if (!failures && again != history) {
		fprintf(stderr, "seed %llu: on a real file its history is another one: %016llx, %016llx\n", (unsigned long long)seed,
			(unsigned long long)history, (unsigned long long)again);
		return 1;
	}
	return failures;
}

static uint64_t cpu_ms_of_children(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void note_cpu(uint64_t seed, uint64_t ms)
{
	struct cost *cost = world_is_long(seed) ? &board->large : &board->usual;

	cost->seeds++;
	cost->cpu_ms += ms;
	if (ms > board->cpu_ms_max) {
		board->cpu_ms_max = ms;
		board->cpu_ms_seed = seed;
	}
}

static double average_s(uint64_t ms, uint64_t seeds)
{
	return seeds ? (double)ms / 1000 / (double)seeds : 0;
}

static void run_seed(uint64_t seed)
{
	uint64_t before_ms = cpu_ms_of_children();
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert(pid >= 0);
	if (!pid)
		_exit(live_once_or_twice(seed) ? 1 : 0);
	if (waitpid(pid, &status, 0) != pid)
		abort();
	note_cpu(seed, cpu_ms_of_children() - before_ms);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		__atomic_fetch_add(&board->passed, 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_fetch_add(&board->failed, 1, __ATOMIC_RELAXED);
	if (WIFSIGNALED(status))
		fprintf(stderr, "seed %llu: died by signal %d\n", (unsigned long long)seed, WTERMSIG(status));
	else
		fprintf(stderr, "seed %llu: failed\n", (unsigned long long)seed);
	if (!board->first_failed || seed < board->first_failed)
		board->first_failed = seed;
}

static void work(uint64_t to)
{
	uint64_t seed;

	while ((least || !board->first_failed) && (seed = __atomic_fetch_add(&board->next, 1, __ATOMIC_RELAXED)) <= to)
		run_seed(seed);
}

static bool read_range(uint64_t *from, uint64_t *to)
{
	const char *text = getenv("SEEDS") && *getenv("SEEDS") ? getenv("SEEDS") : "1-200";
	char *end;

	*from = *to = strtoull(text, &end, 10);
	if (*end == '-')
		*to = strtoull(end + 1, &end, 10);
	return !*end && *from && *from <= *to;
}

int main(void)
{
	uint64_t from, to;
	int workers = (int)sysconf(_SC_NPROCESSORS_ONLN), below;
	struct buf report;

	if (!read_range(&from, &to)) {
		fprintf(stderr, "usage: make world SEEDS=1-200 [TRACE=1] [LEAST=1000]\n");
		return 2;
	}
	least = getenv("LEAST") ? strtoull(getenv("LEAST"), NULL, 10) : 0;
	trace = getenv("TRACE") && *getenv("TRACE") && *getenv("TRACE") != '0';
	show_history = trace || getenv("HISTORY");
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert(board != MAP_FAILED);
	tally_open();
	tables_register();
	heard_open();
	log_set_level("info");
	buf_init(&report, 65536);
	if (i18n_open(&i18n, NULL, &report) != OK)
		return 1;
	buf_release(&report);
	if (workers > WORKERS_MAX)
		workers = WORKERS_MAX;
	fflush(NULL);
	board->next = from;
	for (int i = 0; i < workers; i++)
		if (fork() == 0) {
			work(to);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	below = tally_print(least);
	printf("CPU per seed: %.3f s on average (%.3f s without the long ones), %.3f s at most (seed %llu)\n",
		average_s(board->usual.cpu_ms + board->large.cpu_ms, board->usual.seeds + board->large.seeds), average_s(board->usual.cpu_ms, board->usual.seeds),
		(double)board->cpu_ms_max / 1000, (unsigned long long)board->cpu_ms_seed);
	if (board->first_failed)
		printf("first failing seed: %llu; again with SEEDS=%llu-%llu TRACE=1\n", (unsigned long long)board->first_failed,
			(unsigned long long)board->first_failed, (unsigned long long)board->first_failed);
	if (least && below)
		printf("%d kinds of fault or edge were met fewer than %llu times\n", below, (unsigned long long)least);
	i18n_close(i18n);
	printf("%llu passed, %llu failed\n", (unsigned long long)board->passed, (unsigned long long)(board->failed + (least && below)));
	return board->failed || (least && below);
}
