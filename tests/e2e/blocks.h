/* Does something hold up everybody else? Each case puts one fault before the real program and asks three things: what did
 * the loop itself say of its longest turn, how many threads were there, and how fast were other people answered, against
 * the same shop without the fault, which runs beside it and is measured in turn with it.
 *
 * New people say /start, one after another, whatever became of the one before; each waits for the first answer. The
 * quantiles are those of a round; of several rounds the median counts, so that one bad moment of the machine does not. */
#ifndef OBOL_E2E_BLOCKS_H
#define OBOL_E2E_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blocks_side {
	double p50_ms, p99_ms;
	double largest_turn_ms, largest_turn_cpu_ms, largest_commit_ms; /* since the start */
	double cpu_percent, cpu_late_percent; /* of the measured time the loop's thread had a core, and waited for one */
	int64_t threads_max, largest_inbound; /* HTTP requests taken up in one turn */
	size_t samples, unanswered;
};

struct blocks_figures {
	struct blocks_side without, with;
	const char *skipped;       /* this environment cannot make the fault: why */
	/* the case's own: what was counted, how much, and the worst time of it */
	const char *counted;       /* NULL: nothing */
	double count, worst_ms;
	int64_t left;              /* of the fault when all was measured, where it has an end */
};

struct blocks_plan {
	const char *program;       /* NULL: build/obol */
	int rounds, round_ms;
	int backlog;               /* updates that wait before the start */
};

struct blocks_case {
	const char *name;
	void (*run)(struct blocks_figures *out, const struct blocks_plan *plan);
};
extern const struct blocks_case blocks_cases[];
extern const size_t blocks_cases_count;

/* One line about it on standard output. */
void blocks_tell(const char *name, const struct blocks_figures *f);

#endif
