/* The system's clocks, or a test's. */
#include "lib/base/clock.h"

#include <stddef.h>
#include <time.h>

static const struct clock_source *source;

static int64_t read_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
	return source ? source->now_ms(source->ctx) : read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_us(void)
{
	return source ? source->mono_us(source->ctx) : read_us(CLOCK_MONOTONIC);
}

int64_t clock_cpu_us(void)
{
	return read_us(CLOCK_THREAD_CPUTIME_ID);
}

void clock_set_source(const struct clock_source *s)
{
	source = s;
}
