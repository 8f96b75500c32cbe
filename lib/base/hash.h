/* FNV-1a, 64 bits: for tables and for telling whether something is as it was. Not against anybody who chooses the bytes,
 * unless the start is secret (limit.c). */
#ifndef OBOL_BASE_HASH_H
#define OBOL_BASE_HASH_H

#include "lib/base/str.h"

#define HASH_START UINT64_C(0xCBF29CE484222325)

/* Goes on from hash, HASH_START at first. */
static inline uint64_t hash_bytes(uint64_t hash, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		hash = (hash ^ (unsigned char)bytes.at[i]) * UINT64_C(0x100000001B3);
	return hash;
}

#endif
