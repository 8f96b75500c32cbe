/* Every fuzz target on all its seeds and on every input that was found before, without libFuzzer. What a target proves
 * stands in its file; here it is held on what is known, whole and a little spoilt. */
#include "tests/unit/proves.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeds.h"

#define FOUND "tests/fuzz/found"
#define INPUT_BYTES_MAX ((size_t)1 << 20)
#define SHOWN_MAX 4000 /* characters */

/* --- whose input it was, when the program ends in it --- */

static const char *running;
static struct str running_input;

static void say_input(void)
{
	if (!running)
		return;
	fprintf(stderr, "the input of %s that did it (%zu bytes): ", running, running_input.len);
	for (size_t i = 0; i < running_input.len && i < SHOWN_MAX; i++) {
		unsigned char c = (unsigned char)running_input.at[i];

		fprintf(stderr, c >= ' ' && c < 0x7F && c != '\\' ? "%c" : "\\x%02x", c);
	}
	fputc('\n', stderr);
}

void __sanitizer_set_death_callback(void (*callback)(void));

static void on_abort(int signal_number)
{
	(void)signal_number;
	say_input();
	_exit(1);
}

/* --- running --- */

typedef int target(const uint8_t *data, size_t size);

struct run {
	const char *name;
	target *fn;
	size_t inputs, seeds;
};

static void run_one(struct run *r, struct str input)
{
	char *copy = fuzz_exact(input); /* the byte behind it is nobody's */

	running = r->name;
	running_input = str_n(copy, input.len);
	r->fn((const uint8_t *)copy, input.len);
	running = NULL;
	free(copy);
	r->inputs++;
}

/* As it is, and cut in the middle or with a byte that was no part of it. */
static void run_seed(void *ctx, struct str input)
{
	struct run *r = ctx;
	char *changed;

	run_one(r, input);
	if (input.len < 2)
		return;
	if (r->seeds++ % 2) {
		run_one(r, str_n(input.at, input.len / 2));
		return;
	}
	changed = fuzz_exact(input);
	changed[input.len * 7 / 11] ^= (char)(1 + r->inputs % 255);
	run_one(r, str_n(changed, input.len));
	free(changed);
}

static void run_file(struct run *r, const char *path)
{
	FILE *f = fopen(path, "rb");
	char *bytes = xmalloc(INPUT_BYTES_MAX);
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, INPUT_BYTES_MAX, f);
	fclose(f);
	run_one(r, str_n(bytes, n));
	free(bytes);
}

static void run_found(struct run *r)
{
	char path[512];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof path, FOUND "/%s", r->name);
	directory = opendir(path);
	while (directory && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, FOUND "/%s/%s", r->name, entry->d_name);
		run_file(r, path);
	}
	if (directory)
		closedir(directory);
}

static void run(const char *name, target *fn)
{
	struct run r = { .name = name, .fn = fn };

	run_one(&r, STR(""));
	assert_int_equal(fuzz_seeds(name, run_seed, &r), OK);
	run_found(&r);
	assert_true(r.inputs > 5);
}

#define TARGET(name) \
	int fuzz_##name(const uint8_t *data, size_t size); \
	static void test_##name(void **state) { (void)state; run(#name, fuzz_##name); }
TARGET(bot_api)
TARGET(callback)
TARGET(config)
TARGET(http)
TARGET(json_cut)
TARGET(json_read)
TARGET(link_build)
TARGET(link_read)
TARGET(locale)
TARGET(panel)
TARGET(taps)
TARGET(update)

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_bot_api, "R023 R289"),
		proves(test_callback, "R212 R289"),
		proves(test_config, "R287 R289"),
		proves(test_http, "R025 R289"),
		proves(test_json_cut, "R289"),
		proves(test_json_read, "R023 R289"),
		proves(test_link_build, "R289 B49"),
		proves(test_link_read, "R289"),
		proves(test_locale, "R289"),
		proves(test_panel, "R023 R289"),
		proves(test_taps, "R194 R276 R289 B27"),
		proves(test_update, "R023 R289"),
	};

	signal(SIGABRT, on_abort);
	__sanitizer_set_death_callback(say_input);
	return cmocka_run_group_tests_name("fuzz seeds", tests, NULL, NULL);
}
