/* See tally.h. */
#include "tests/world/tally.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/mem.h"

/* The edges that exist, "machine from>to"; '-' is before the row or after it. */
static const char *const edges[] = {
#include "tests/world/edges.inc"
};

static struct tally {
	uint64_t faults[FAULTS], edges[countof(edges)];
} *tally;

static const char *const fault_texts[] = {
#define X(name, text) text,
	TALLY_FAULTS(X)
#undef X
};

void tally_open(void)
{
	tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert(tally != MAP_FAILED);
}

static void add_one(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

void tally_fault(enum fault f)
{
	add_one(&tally->faults[f]);
}

int tally_edge_of(const char *edge)
{
	for (size_t i = 0; i < countof(edges); i++)
		if (strcmp(edges[i], edge) == 0)
			return (int)i;
	return -1;
}

void tally_edge(size_t number)
{
	add_one(&tally->edges[number]);
}

/* --- the list --- */

static int line(const char *text, uint64_t n, uint64_t least)
{
	printf("%12llu  %s%s\n", (unsigned long long)n, text, n < least ? "   <-- too few" : "");
	return n < least;
}

int tally_print(uint64_t least)
{
	int below = 0;

	printf("faults injected:\n");
	for (size_t i = 0; i < FAULTS; i++)
		below += line(fault_texts[i], tally->faults[i], least);
	printf("edges taken:\n");
	for (size_t i = 0; i < countof(edges); i++)
		below += line(edges[i], tally->edges[i], least);
	return below;
}
