/* getrandom(2), fetched a page at a time so that an id costs no system call. */
#include "lib/base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void (*replacement)(void *ctx, void *out, size_t n);
static void *replacement_ctx;

static void from_kernel(unsigned char *out, size_t n)
{
	while (n) {
		ssize_t got = getrandom(out, n, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort();
		}
		out += got;
		n -= (size_t)got;
	}
}

void rand_bytes(void *out, size_t n)
{
	static _Thread_local unsigned char pool[512];
	static _Thread_local size_t left;
	unsigned char *to = out;

	if (replacement) {
		replacement(replacement_ctx, out, n);
		return;
	}
	if (n > sizeof pool) {
		from_kernel(to, n);
		return;
	}
	if (n > left) {
		from_kernel(pool, sizeof pool);
		left = sizeof pool;
	}
	left -= n;
	memcpy(to, pool + left, n);
	memset(pool + left, 0, n); /* a number is given out once */
}

uint64_t rand_u64(void)
{
	uint64_t u;

	rand_bytes(&u, sizeof u);
	return u;
}

uint64_t rand_below(uint64_t n)
{
	uint64_t reject = (0 - n) % n; /* 2^64 mod n: below it the remainders are not equally likely */
	uint64_t u;

	do
		u = rand_u64();
	while (u < reject);
	return u % n;
}

void rand_uuid(char out[UUID_CHARS + 1])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char b[16];
	char *p = out;

	rand_bytes(b, sizeof b);
	b[6] = (b[6] & 0x0F) | 0x40;
	b[8] = (b[8] & 0x3F) | 0x80;
	for (size_t i = 0; i < sizeof b; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[b[i] >> 4];
		*p++ = hex[b[i] & 15];
	}
	*p = '\0';
}

void rand_set_source(void (*source)(void *ctx, void *out, size_t n), void *ctx)
{
	replacement = source;
	replacement_ctx = ctx;
}
