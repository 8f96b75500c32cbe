/* What the runs of the bench share: a rig with the program that ships, and the figures of a running bot. */
#ifndef OBOL_BENCH_BENCH_H
#define OBOL_BENCH_BENCH_H

#include "lib/base/json.h"
#include "tests/e2e/harness.h"

#define BENCH_RUN_MS_MAX 30000

struct rig *bench_rig(const struct rig_options *options); /* program and place are set here; the rest is the caller's */
_Noreturn void bench_broken(struct rig *r, const char *what);

double bench_peak_mb(struct rig *r);                      /* VmHWM */

struct bench_loop {
	double largest_turn_ms, largest_turn_cpu_ms, largest_commit_ms;
};
struct bench_loop bench_loop(struct rig *r);              /* since the bot's start */

void bench_put(struct json_out *j, const char *prefix, const char *name, double value);

#endif
