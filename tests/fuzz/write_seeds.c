/* fuzz-seeds DIRECTORY TARGET…: writes DIRECTORY/TARGET/seed-N for libFuzzer to begin with. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/err.h"
#include "tests/fuzz/seeds.h"

struct writing {
	const char *directory, *target;
	int n;
};

static void write_seed(void *ctx, struct str input)
{
	struct writing *w = ctx;
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s/seed-%04d", w->directory, w->target, w->n++);
	f = fopen(path, "wb");
	if (!f || fwrite(input.at, 1, input.len, f) != input.len || fclose(f)) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	char path[512];

	for (int i = 2; i < argc; i++) {
		struct writing w = { .directory = argv[1], .target = argv[i] };

		snprintf(path, sizeof path, "%s/%s", argv[1], argv[i]);
		mkdir(path, 0777);
		if (fuzz_seeds(argv[i], write_seed, &w) != OK) {
			fprintf(stderr, "%s has no seeds: tests/fuzz/seeds.c\n", argv[i]);
			return 1;
		}
		printf("%-12s %d seeds\n", argv[i], w.n);
	}
	return 0;
}
