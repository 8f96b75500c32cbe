/* Stories that are told again and again, with the nth thing that can fail failing: the store's nth call, its disk's nth
 * operation, the nth allocation, the nth exchange, the process at its nth step; n = 1, 2, 3 … until a telling ends without
 * having come so far. Each telling must end as the story says.
 *
 * A story begins once; each telling is a process of its own that goes on from there (fork), so that a telling costs only
 * what it tells and nothing of it outlives it. Everything is in memory: disk, network, clock.
 *
 * What the environment says:
 *	EVERY=k     every kth n, the first of them by SEED [0]; 1: all. Without: about SAMPLES [2] of each fault
 *	STORY=, FAULT=   only those whose name holds it
 *	N=n         that one alone; with TRACE=1 its log
 * What was counted and what was left out is printed. */
#ifndef OBOL_STORY_NTH_H
#define OBOL_STORY_NTH_H

#include "tests/story/world.h"

struct nth_tale {
	struct disk *disk;       /* for world_options */
	struct world *w;
	int64_t anna, begun_ms;
	struct world_client bought;
};

struct nth_story {
	const char *name;
	void (*begin)(struct nth_tale *t); /* sets up w, and whatever happens before anything fails */
	void (*tell)(struct nth_tale *t);  /* the rest, and what must hold then; asserts */
};

/* Fails the test that runs when a telling failed. */
void nth_run(const struct nth_story *story);
void nth_print_sum(void); /* of all stories told: "N passed, N failed" */
void nth_calm(void); /* within tell: from here on nothing fails */

/* nth_memory.c: the allocations of the program and those of SQLite. Linked with --wrap (tests/rules.mk). */
void nth_memory_open(bool (*fails)(bool of_sqlite), void (*aborts)(void));

#endif
