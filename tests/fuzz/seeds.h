/* Where fuzzing begins: for each target, inputs made of the recordings and vectors the repository has, of what the simulators
 * say, and of the program's own tables. Nothing of it is kept in files. */
#ifndef OBOL_TESTS_FUZZ_SEEDS_H
#define OBOL_TESTS_FUZZ_SEEDS_H

#include "lib/base/str.h"

typedef void fuzz_seed(void *ctx, struct str input);

/* Calls fn with every seed of the target; inputs are gone when it returns. E_NOTFOUND: no such target. */
enum err fuzz_seeds(const char *target, fuzz_seed *fn, void *ctx);

#endif
