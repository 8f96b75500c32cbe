/* Shared by the cases: a shop with a fault beside one without, and how they are measured. */
#ifndef OBOL_E2E_BLOCKS_PRIVATE_H
#define OBOL_E2E_BLOCKS_PRIVATE_H

#include "tests/e2e/blocks.h"
#include "tests/e2e/harness.h"

#define BLOCKS_WAITING_MAX 4096

struct waiting_person {
	int64_t user, since_us;
};

/* One of the two shops. */
struct shop {
	struct rig *r;
	struct waiting_person waiting[BLOCKS_WAITING_MAX];
	size_t waiting_count;
	uint32_t *us;             /* of this round */
	size_t us_count, us_cap;
	double p50_ms[64], p99_ms[64]; /* of the rounds */
	size_t rounds;
	int64_t measured_ns, ran_ns, late_ns; /* of all rounds */
	struct blocks_side *side;
};

/* A fault. begin is called before the program is started, step again and again while it is
 * measured, end at last. Each may be NULL. */
struct fault {
	struct rig_options options;
	void (*begin)(struct rig *r, void *ctx);
	void (*step)(struct rig *r, void *ctx);
	void (*end)(void *ctx);
	void *ctx;
	int warm_ms;              /* how long it works before anything is measured [300] */
	const struct fault *well; /* what the other shop has and is put through instead: the same, in order; NULL: nothing */
};

struct rig *blocks_rig(const struct blocks_plan *plan, const struct rig_options *options);
void blocks_start(struct rig *r);                       /* until it polls */
_Noreturn void blocks_broken(struct rig *r, const char *what);
bool blocks_wait(struct rig *r, bool (*until)(struct rig *r, void *ctx), void *ctx, int64_t ms);

void blocks_compare(struct blocks_figures *out, const struct blocks_plan *plan, const struct fault *fault);
void blocks_measure(struct shop *s, const struct fault *fault, int64_t ms); /* one round */
void blocks_end(struct shop *s);                        /* medians and the loop's own figures */
int blocks_by_size(const void *a, const void *b);       /* uint32_t, for qsort */
double blocks_metric(struct rig *r, const char *name);  /* of /metrics; -1: none */

/* Asks all panels at once, as an admin does; every second. */
void blocks_ask_panels(struct rig *r, void *ctx);
void blocks_add_panels(struct rig *r, const char *format, const char *base, size_t count); /* format: base, number */

#endif
