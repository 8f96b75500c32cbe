/* Randomness from the kernel (R033): ids, keys, nonces, jitter. */
#ifndef OBOL_BASE_RAND_H
#define OBOL_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *out, size_t n); /* never fails: aborts when the kernel has none */
uint64_t rand_u64(void);
uint64_t rand_below(uint64_t n);      /* 0 … n-1, unbiased; n > 0 */

#define UUID_CHARS 36
void rand_uuid(char out[UUID_CHARS + 1]); /* version 4, lower case */

/* Tests put a seeded source here; NULL restores the kernel's. Not for product code. */
void rand_set_source(void (*source)(void *ctx, void *out, size_t n), void *ctx);

#endif
