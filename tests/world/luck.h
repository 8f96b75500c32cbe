/* Random numbers that come from a seed: the same on every machine. */
#ifndef OBOL_WORLD_LUCK_H
#define OBOL_WORLD_LUCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct luck {
	uint64_t state;
};

/* splitmix64, Steele, Lea, Flood 2014 */
static inline uint64_t luck_draw(struct luck *l)
{
	uint64_t z = (l->state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static inline int64_t luck_below(struct luck *l, int64_t n)
{
	return n > 0 ? (int64_t)(luck_draw(l) % (uint64_t)n) : 0;
}

static inline int64_t luck_between(struct luck *l, int64_t low, int64_t high)
{
	return low + luck_below(l, high - low + 1);
}

/* Times in 10,000. */
static inline bool luck_has(struct luck *l, int64_t chances)
{
	return luck_below(l, 10000) < chances;
}

/* Mostly short, now and then long: a length between low and high, each size of its own equally likely. */
static inline int64_t luck_length(struct luck *l, int64_t low, int64_t high)
{
	int64_t top = high;

	while (top > low && luck_has(l, 6000))
		top = low + (top - low) / 4;
	return luck_between(l, low, top);
}

#endif
