/* make bench: what the real program costs. Prints a line per run and, as its last line, one JSON object.
 *
 *	base      new users say /start and get the main screen; the database is on the disk of the checkout
 *	dead_     the same with 20 panels that accept and never answer, and one whose name does not resolve
 *	tls_      the same with TLS to Telegram and to three panels that work
 *	rate_     300 users at once at the default send rate against a Telegram that counts: no 429 may come
 *	size_     a purchase and a renewal on an inbound with 20,000 clients (size.h)
 *	blocks_   other people's replies with a fault and without it, fault by fault (tests/e2e/blocks.h); only when named
 *
 * CPU is the whole process's, all threads, from the kernel's clock of that process; memory is VmHWM. Latency is taken by
 * the generator, from handing out the update to the whole message's arrival. The machine's own noise is in all of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "tests/bench/bench.h"
#include "tests/bench/load.h"
#include "tests/bench/size.h"
#include "tests/e2e/blocks.h"
#include "tests/e2e/prepare.h"

#define PROGRAM (getenv("OBOL") ? getenv("OBOL") : "build/obol")
#define PLACE "build/bench-place"
#define WARM_USERS 2000
#define BASE_USERS 50000
#define OTHER_USERS 20000
#define RATE_USERS 300
#define DEAD_PANELS 20

struct result {
	const char *prefix;          /* of the names in the JSON; "" for the base run */
	double updates_per_second, us_per_update, peak_mb, p50_ms, p99_ms;
	struct bench_loop loop;
	int64_t updates;
	int64_t too_many;            /* 429 answers */
};

_Noreturn void bench_broken(struct rig *r, const char *what)
{
	fprintf(stderr, "bench: %s; %s\n", what, rig_words(r));
	exit(1);
}

/* --- the bot's figures --- */

static double cpu_us(struct rig *r)
{
	clockid_t clock;
	struct timespec t;

	if (clock_getcpuclockid(r->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		bench_broken(r, "no clock of the bot");
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

double bench_peak_mb(struct rig *r)
{
	char path[64], line[256];
	double kb = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)r->pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kb = strtod(line + 6, NULL);
	if (f)
		fclose(f);
	return kb / 1024;
}

static double metric(struct str text, const char *name)
{
	struct arena arena = { 0 };
	const char *wanted = arena_printf(&arena, "\n%s ", name);
	const char *at = memmem(text.at, text.len, wanted, strlen(wanted));
	double value = at ? strtod(at + strlen(wanted), NULL) : -1;

	arena_release(&arena);
	return value;
}

struct bench_loop bench_loop(struct rig *r)
{
	const struct http_response *response = rig_http(r, "admin", &(struct http_request){ .method = HTTP_GET }, "/metrics");

	if (response->status != 200)
		bench_broken(r, "no metrics");
	return (struct bench_loop){ metric(response->body, "obol_largest_turn_us") / 1000, metric(response->body, "obol_largest_turn_cpu_us") / 1000,
		metric(response->body, "obol_largest_commit_us") / 1000 };
}

static void read_figures(struct result *out, struct rig *r)
{
	out->loop = bench_loop(r);
	out->peak_mb = bench_peak_mb(r);
}

/* --- a measured stretch --- */

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void set_latency(struct result *out, uint32_t *us, size_t n)
{
	qsort(us, n, sizeof *us, by_size);
	out->p50_ms = us[n / 2] / 1000.0;
	out->p99_ms = us[n - 1 - n / 100] / 1000.0;
}

static void answer_all(struct rig *r, struct load *l, int64_t users)
{
	int64_t until_us = clock_mono_us() + BENCH_RUN_MS_MAX * 1000;

	load_say(l, users);
	while (l->shared->answered < l->shared->wanted) {
		if (clock_mono_us() > until_us || !r->pid)
			bench_broken(r, "updates stay without an answer");
		rig_turn(r, 2);
	}
}

static void measure(struct result *out, struct rig *r, struct load *l, int64_t users)
{
	int64_t first, begin_us;
	double begin_cpu_us;

	answer_all(r, l, WARM_USERS);
	first = l->shared->answered;
	begin_us = clock_mono_us();
	begin_cpu_us = cpu_us(r);
	answer_all(r, l, users);
	out->updates = users;
	out->us_per_update = (cpu_us(r) - begin_cpu_us) / (double)users;
	out->updates_per_second = (double)users * 1e6 / (double)(clock_mono_us() - begin_us);
	set_latency(out, l->shared->latency_us + first, (size_t)users);
	read_figures(out, r);
}

/* --- the runs --- */

static void trust_both(struct rig *r, const struct load *l)
{
	struct arena arena = { 0 };

	rig_write(r, "ca.pem", str_of(arena_printf(&arena, "%s%s", serve_pem(r->serve), l->pem)), 0600);
	arena_release(&arena);
}

static void run_load(struct result *out, struct rig *r, bool tls, int64_t users)
{
	struct load load;

	load_open(&load, tls);
	if (tls)
		trust_both(r, &load);
	rig_set(r, "BOT_API_URL", load.url);
	rig_set(r, "BOT_SEND_RATE", "0");
	rig_start(r);
	measure(out, r, &load, users);
	if (rig_stop(r) != 0)
		bench_broken(r, "did not end well");
	load_close(&load);
}

struct rig *bench_rig(const struct rig_options *options)
{
	struct rig_options o = *options;

	o.program = PROGRAM;
	o.place = PLACE;
	return rig_new(&o);
}

static void run_base(struct result *out)
{
	struct rig *r = bench_rig(&(struct rig_options){ 0 });

	prepare_shop(r);
	run_load(out, r, false, BASE_USERS);
	rig_free(r);
}

static void never_answer(void *model, const struct sim_request *request, struct sim_response *response)
{
	(void)model;
	(void)request;
	response->trouble.hang = true;
}

static void run_dead(struct result *out)
{
	struct rig *r = bench_rig(&(struct rig_options){ 0 });
	int socket = serve_add(r->serve, never_answer, NULL, 0, false);
	const char *urls[DEAD_PANELS + 1];
	struct arena arena = { 0 };

	for (size_t i = 0; i < DEAD_PANELS; i++)
		urls[i] = arena_printf(&arena, "%s/panel-%zu", serve_url(r->serve, socket), i);
	urls[DEAD_PANELS] = "http://panel.invalid:2053";
	prepare_shop(r);
	prepare_panels(r, urls, countof(urls));
	arena_release(&arena);
	run_load(out, r, false, OTHER_USERS);
	rig_free(r);
}

static void run_tls(struct result *out)
{
	struct rig *r = bench_rig(&(struct rig_options){ .versions = { "2.8.5", "3.0.2", "3.6.0" }, .tls = true });

	prepare_shop(r);
	run_load(out, r, true, OTHER_USERS);
	rig_free(r);
}

static void run_rate(struct result *out)
{
	struct rig *r = bench_rig(&(struct rig_options){ 0 });
	static int64_t users[RATE_USERS], begin_us;
	static uint32_t latency_us[RATE_USERS];
	double begin_cpu_us;
	size_t answered = 0;

	prepare_shop(r);
	for (int i = 0; i < RATE_USERS; i++)
		users[i] = botapi_user_new(r->telegram, "Anna", NULL, "en");
	botapi_set_rates(r->telegram, (struct botapi_rates){ .on = true });
	rig_start(r);
	while (!rig_logged(r, "telegram.ready") && r->pid)
		rig_turn(r, 10);
	begin_us = clock_mono_us();
	begin_cpu_us = cpu_us(r);
	for (int i = 0; i < RATE_USERS; i++)
		botapi_say(r->telegram, users[i], "/start");
	serve_changed(r->serve);
	while (answered < RATE_USERS) {
		if (clock_mono_us() > begin_us + BENCH_RUN_MS_MAX * 1000 || !r->pid)
			bench_broken(r, "users stay without an answer");
		rig_turn(r, 1);
		for (int i = 0; i < RATE_USERS; i++)
			if (!latency_us[i] && botapi_last(r->telegram, users[i])) {
				latency_us[i] = (uint32_t)(clock_mono_us() - begin_us);
				answered++;
			}
	}
	out->updates = RATE_USERS;
	out->us_per_update = (cpu_us(r) - begin_cpu_us) / RATE_USERS;
	out->updates_per_second = RATE_USERS * 1e6 / (double)(clock_mono_us() - begin_us);
	set_latency(out, latency_us, RATE_USERS);
	read_figures(out, r);
	for (size_t i = 0; i < botapi_calls(r->telegram, NULL); i++)
		out->too_many += botapi_call_nth(r->telegram, NULL, i)->status == 429;
	rig_free(r);
}

/* --- telling --- */

static void tell(const struct result *x)
{
	printf("%-6s %7" PRId64 " updates %8.0f/s %7.1f us CPU each  %5.1f MB  p50 %.1f ms  p99 %.1f ms  largest turn %.1f ms (CPU %.1f, commit %.1f)  429: %" PRId64 "\n",
		*x->prefix ? x->prefix : "base", x->updates, x->updates_per_second, x->us_per_update, x->peak_mb, x->p50_ms, x->p99_ms,
		x->loop.largest_turn_ms, x->loop.largest_turn_cpu_ms, x->loop.largest_commit_ms, x->too_many);
	fflush(stdout);
}

void bench_put(struct json_out *j, const char *prefix, const char *name, double value)
{
	char key[64], text[32];

	snprintf(key, sizeof key, "%s%s", prefix, name);
	snprintf(text, sizeof text, "%.2f", value);
	json_key(j, key);
	json_add_raw(j, str_of(text));
}

static void add_result(struct json_out *j, const struct result *x)
{
	bench_put(j, x->prefix, "updates_per_second", x->updates_per_second);
	bench_put(j, x->prefix, "us_per_update", x->us_per_update);
	bench_put(j, x->prefix, "peak_mb", x->peak_mb);
	bench_put(j, x->prefix, "p50_ms", x->p50_ms);
	bench_put(j, x->prefix, "p99_ms", x->p99_ms);
	bench_put(j, x->prefix, "largest_turn_ms", x->loop.largest_turn_ms);
	bench_put(j, x->prefix, "largest_turn_cpu_ms", x->loop.largest_turn_cpu_ms);
	bench_put(j, x->prefix, "largest_commit_ms", x->loop.largest_commit_ms);
	bench_put(j, x->prefix, "too_many_requests", (double)x->too_many);
}

/* Arguments name runs; none: all. */
static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 1;
}

static const struct blocks_plan blocks_plan = { .rounds = 7, .round_ms = 1500, .backlog = 100000 };

/* "blocks" alone: all cases; with names of cases: those. */
static bool is_wanted_case(const char *name, int argc, char **argv)
{
	bool any = false;

	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < blocks_cases_count; k++)
			any |= strcmp(argv[i], blocks_cases[k].name) == 0;
	return !any || is_wanted(name, argc, argv);
}

static void run_blocks(struct json_out *j, int argc, char **argv)
{
	for (size_t i = 0; i < blocks_cases_count; i++) {
		struct blocks_figures f = { 0 };
		char prefix[64];

		if (!is_wanted_case(blocks_cases[i].name, argc, argv))
			continue;
		blocks_cases[i].run(&f, &blocks_plan);
		blocks_tell(blocks_cases[i].name, &f);
		if (f.skipped)
			continue;
		snprintf(prefix, sizeof prefix, "blocks_%s_", blocks_cases[i].name);
		bench_put(j, prefix, "p99_without_ms", f.without.p99_ms);
		bench_put(j, prefix, "p99_ms", f.with.p99_ms);
		bench_put(j, prefix, "largest_turn_ms", f.with.largest_turn_ms);
		bench_put(j, prefix, "largest_turn_cpu_ms", f.with.largest_turn_cpu_ms);
		bench_put(j, prefix, "threads", (double)f.with.threads_max);
	}
}

static const struct {
	const char *name, *prefix;
	void (*run)(struct result *out);
} runs[] = {
	{ "base", "",      run_base },
	{ "dead", "dead_", run_dead },
	{ "tls",  "tls_",  run_tls  },
	{ "rate", "rate_", run_rate },
};

int main(int argc, char **argv)
{
	struct json_out j;
	struct buf line;

	mkdir(PLACE, 0700);
	buf_init(&line, 65536);
	json_out_init(&j, &line);
	json_open(&j, '{');
	for (size_t i = 0; i < countof(runs); i++) {
		struct result result = { .prefix = runs[i].prefix };

		if (!is_wanted(runs[i].name, argc, argv))
			continue;
		runs[i].run(&result);
		tell(&result);
		add_result(&j, &result);
	}
	if (is_wanted("size", argc, argv))
		size_run(&j);
	if (argc > 1 && is_wanted("blocks", argc, argv))
		run_blocks(&j, argc, argv);
	json_close(&j, '}');
	puts(buf_cstr(&line));
	buf_release(&line);
	return 0;
}
