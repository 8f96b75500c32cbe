/* Time: Unix milliseconds UTC everywhere (R051). Only the loop asks for it; rules take it as an argument. */
#ifndef OBOL_BASE_CLOCK_H
#define OBOL_BASE_CLOCK_H

#include <stdint.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

int64_t clock_now_ms(void);     /* wall clock; may jump */
int64_t clock_mono_us(void);    /* for durations and deadlines inside one process; never goes back */
int64_t clock_cpu_us(void);     /* CPU time of the calling thread */

/* Tests put their own clock here; NULL restores the system's. Not for product code. */
struct clock_source {
	int64_t (*now_ms)(void *ctx);
	int64_t (*mono_us)(void *ctx);
	void *ctx;
};
void clock_set_source(const struct clock_source *source);

#endif
