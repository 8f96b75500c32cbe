/* See blocks.h. The cases are in blocks_cases.c. */
#include "tests/e2e/blocks_private.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/e2e/prepare.h"

#define COME_EVERY_US 8000
#define ANSWER_MS_MAX 10000
#define WARM_MS 300
#define PANELS_AT_ONCE 64

_Noreturn void blocks_broken(struct rig *r, const char *what)
{
	fprintf(stderr, "blocks: %s; %s\n", what, rig_words(r));
	abort();
}

bool blocks_wait(struct rig *r, bool (*until)(struct rig *r, void *ctx), void *ctx, int64_t ms)
{
	int64_t until_us = clock_mono_us() + ms * 1000;

	while (!until(r, ctx)) {
		if (clock_mono_us() > until_us || !r->pid)
			return false;
		rig_turn(r, 2);
	}
	return true;
}

struct rig *blocks_rig(const struct blocks_plan *plan, const struct rig_options *options)
{
	struct rig_options o = *options;
	struct rig *r;

	o.place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL; /* how busy the disk is must not be measured */
	if (!o.program)
		o.program = plan->program ? plan->program : "build/obol";
	r = rig_new(&o);
	rig_set(r, "BOT_SEND_RATE", "0"); /* what Telegram allows is no part of this */
	botapi_set_memory(r->telegram, 8, false);
	return r;
}

static bool polls(struct rig *r, void *ctx)
{
	(void)ctx;
	return botapi_calls(r->telegram, "getUpdates") > 0 || rig_logged(r, "telegram.ready");
}

void blocks_start(struct rig *r)
{
	rig_start(r);
	if (!blocks_wait(r, polls, NULL, RIG_GUARD_MS))
		blocks_broken(r, "it does not start");
}

double blocks_metric(struct rig *r, const char *name)
{
	const struct http_response *response = rig_http(r, "admin", &(struct http_request){ .method = HTTP_GET }, "/metrics");
	struct arena arena = { 0 };
	const char *wanted = arena_printf(&arena, "\n%s ", name);
	const char *at = response->status == 200 ? memmem(response->body.at, response->body.len, wanted, strlen(wanted)) : NULL;
	double value = at ? strtod(at + strlen(wanted), NULL) : -1;

	arena_release(&arena);
	return value;
}

/* --- people --- */

static void come(struct shop *s)
{
	struct waiting_person *p = &s->waiting[s->waiting_count];

	if (s->waiting_count == BLOCKS_WAITING_MAX)
		blocks_broken(s->r, "too many people wait");
	*p = (struct waiting_person){ botapi_user_new(s->r->telegram, "Person", NULL, "en"), clock_mono_us() };
	s->waiting_count++;
	botapi_say(s->r->telegram, p->user, "/start");
	serve_changed(s->r->serve);
}

static void keep_time(struct shop *s, int64_t us)
{
	if (s->us_count == s->us_cap) {
		s->us_cap = s->us_cap ? s->us_cap * 2 : 1024;
		s->us = xrealloc(s->us, s->us_cap * sizeof *s->us);
	}
	s->us[s->us_count++] = (uint32_t)us;
}

static void hear(struct shop *s)
{
	for (size_t i = 0; i < s->waiting_count;) {
		if (!botapi_last(s->r->telegram, s->waiting[i].user)) {
			i++;
			continue;
		}
		keep_time(s, clock_mono_us() - s->waiting[i].since_us);
		s->waiting[i] = s->waiting[--s->waiting_count];
	}
}

static int64_t threads_of(pid_t pid)
{
	char path[64];
	int64_t n = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && readdir(d) != NULL)
		n++;
	if (d)
		closedir(d);
	return n - 2; /* . and .. */
}

/* What the kernel says of the loop's thread: how long it had a core, how long it stood ready without one. */
static void add_schedule(struct shop *s, int sign)
{
	char path[64];
	int64_t ran_ns = 0, late_ns = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/schedstat", (int)s->r->pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%" SCNd64 " %" SCNd64, &ran_ns, &late_ns) == 2) {
		s->ran_ns += sign * ran_ns;
		s->late_ns += sign * late_ns;
	}
	if (f)
		fclose(f);
	s->measured_ns += sign * clock_mono_us() * 1000;
}

static void let_pass(struct shop *s, const struct fault *fault, int64_t ms, bool come_too)
{
	int64_t begin_us = clock_mono_us(), next_us = begin_us, look_us = begin_us;

	while (clock_mono_us() - begin_us < ms * 1000 && (come_too || s->waiting_count)) {
		if (!s->r->pid)
			blocks_broken(s->r, "it ended");
		if (come_too && clock_mono_us() >= next_us) {
			come(s);
			next_us += COME_EVERY_US;
		}
		if (fault && fault->step)
			fault->step(s->r, fault->ctx);
		rig_turn(s->r, 1);
		hear(s);
		if (clock_mono_us() >= look_us) {
			int64_t n = threads_of(s->r->pid);

			s->side->threads_max = n > s->side->threads_max ? n : s->side->threads_max;
			look_us += 50000;
		}
	}
}

int blocks_by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void blocks_measure(struct shop *s, const struct fault *fault, int64_t ms)
{
	s->us_count = 0;
	add_schedule(s, -1);
	let_pass(s, fault, ms, true);
	add_schedule(s, 1);
	let_pass(s, fault, ANSWER_MS_MAX, false);
	s->side->unanswered += s->waiting_count;
	s->waiting_count = 0;
	s->side->samples += s->us_count;
	if (!s->us_count || s->rounds == countof(s->p50_ms))
		return;
	qsort(s->us, s->us_count, sizeof *s->us, blocks_by_size);
	s->p50_ms[s->rounds] = s->us[s->us_count / 2] / 1000.0;
	s->p99_ms[s->rounds] = s->us[s->us_count - 1 - s->us_count / 100] / 1000.0;
	s->rounds++;
}

void blocks_end(struct shop *s)
{
	if (s->rounds) {
		qsort(s->p50_ms, s->rounds, sizeof *s->p50_ms, by_value);
		qsort(s->p99_ms, s->rounds, sizeof *s->p99_ms, by_value);
		s->side->p50_ms = s->p50_ms[s->rounds / 2];
		s->side->p99_ms = s->p99_ms[s->rounds / 2];
	}
	s->side->largest_turn_ms = blocks_metric(s->r, "obol_largest_turn_us") / 1000;
	s->side->largest_turn_cpu_ms = blocks_metric(s->r, "obol_largest_turn_cpu_us") / 1000;
	s->side->largest_inbound = (int64_t)blocks_metric(s->r, "obol_largest_inbound_a_turn");
	s->side->largest_commit_ms = blocks_metric(s->r, "obol_largest_commit_us") / 1000;
	if (s->measured_ns) {
		s->side->cpu_percent = 100.0 * (double)s->ran_ns / (double)s->measured_ns;
		s->side->cpu_late_percent = 100.0 * (double)s->late_ns / (double)s->measured_ns;
	}
	free(s->us);
	s->us = NULL;
}

/* --- two shops --- */

static struct rig *open_shop(const struct blocks_plan *plan, const struct fault *fault)
{
	struct rig *r = blocks_rig(plan, &fault->options);

	prepare_shop(r);
	if (fault->begin)
		fault->begin(r, fault->ctx);
	blocks_start(r);
	botapi_say(r->telegram, RIG_ADMIN, "/start");
	serve_changed(r->serve);
	return r;
}

static void close_shop(struct shop *s, const struct fault *fault)
{
	blocks_end(s);
	if (fault->end)
		fault->end(fault->ctx);
	rig_free(s->r);
	free(s);
}

void blocks_compare(struct blocks_figures *out, const struct blocks_plan *plan, const struct fault *fault)
{
	struct shop *well = xcalloc(1, sizeof *well), *ill = xcalloc(1, sizeof *ill);
	const struct fault nothing = { .options = fault->options }, *order = fault->well ? fault->well : &nothing;

	well->r = open_shop(plan, order);
	ill->r = open_shop(plan, fault);
	well->side = &out->without;
	ill->side = &out->with;
	let_pass(well, order, WARM_MS, true);
	let_pass(ill, fault, fault->warm_ms ? fault->warm_ms : WARM_MS, true);
	for (int i = 0; i < plan->rounds; i++) {
		blocks_measure(well, order, plan->round_ms);
		blocks_measure(ill, fault, plan->round_ms);
	}
	close_shop(well, order);
	close_shop(ill, fault);
}

/* --- panels --- */

void blocks_ask_panels(struct rig *r, void *ctx)
{
	static int64_t next_us;

	(void)ctx;
	if (clock_mono_us() < next_us)
		return;
	next_us = clock_mono_us() + 500000;
	botapi_say(r->telegram, RIG_ADMIN, "/online");
	serve_changed(r->serve);
}

void blocks_add_panels(struct rig *r, const char *format, const char *base, size_t count)
{
	const char *urls[PANELS_AT_ONCE];
	struct arena arena = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct buf url;

		buf_init(&url, 512);
		for (const char *at = format; *at; at++) {
			if (*at == '@')
				buf_adds(&url, base);
			else if (*at == '#')
				buf_printf(&url, "%zu", i);
			else
				buf_add(&url, str_n(at, 1));
		}
		urls[i] = arena_strdup(&arena, buf_cstr(&url));
		buf_release(&url);
	}
	prepare_panels(r, urls, count);
	arena_release(&arena);
}

/* --- telling --- */

void blocks_tell(const char *name, const struct blocks_figures *f)
{
	if (f->skipped) {
		printf("skipped: %s: %s\n", name, f->skipped);
		return;
	}
	printf("%-13s p50 %.1f -> %.1f ms  p99 %.1f -> %.1f ms (x%.2f)  largest turn %.1f ms (CPU %.1f, without %.1f; commit %.1f)  CPU %.0f -> %.0f %% (late %.0f -> %.0f)  threads %" PRId64 " -> %" PRId64 "  samples %zu, unanswered %zu",
		name, f->without.p50_ms, f->with.p50_ms, f->without.p99_ms, f->with.p99_ms, f->without.p99_ms > 0 ? f->with.p99_ms / f->without.p99_ms : 0,
		f->with.largest_turn_ms, f->with.largest_turn_cpu_ms, f->without.largest_turn_cpu_ms, f->with.largest_commit_ms,
		f->without.cpu_percent, f->with.cpu_percent, f->without.cpu_late_percent, f->with.cpu_late_percent,
		f->without.threads_max, f->with.threads_max, f->with.samples, f->with.unanswered);
	if (f->counted)
		printf("  %s: %.0f, worst %.1f ms", f->counted, f->count, f->worst_ms);
	if (f->left)
		printf(", %" PRId64 " left", f->left);
	printf("\n");
	fflush(stdout);
}
