/* What a purchase and a renewal cost on an inbound that already has many clients. */
#ifndef OBOL_BENCH_SIZE_H
#define OBOL_BENCH_SIZE_H

#include "lib/base/json.h"

/* Both generations of panels; prints a line for each and adds its figures to the object that is open in j:
 *
 *	size_a_more_mb             peak of the bot's memory above that of the same purchase and renewal beside one client
 *	size_a_largest_turn_ms     since the bot's start, the disk's commits included
 *	size_a_largest_turn_cpu_ms
 *	size_a_largest_commit_ms
 *
 * and the same with size_c_. Ends the process when the bot does not sell. */
void size_run(struct json_out *j);

#endif
