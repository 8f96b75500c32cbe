/* make demo: the sandbox in the browser, or with --script the same played in the terminal.
 *
 *	build/demo [--script] [--empty] [--bot PROGRAM] [--address-file PATH]
 *
 * SEED=n in the environment draws other people, prices and panels. Run from the top of the repository. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/demo/script.h"
#include "tests/demo/web.h"

#define TEXTS "locales/en.json"
#define PAGE_DIR "tests/demo/page"
#define TICK_MS 1000

struct options {
	bool script, empty;
	const char *bot, *address_file;
	uint64_t seed;
};

static bool read_options(struct options *o, int argc, char **argv)
{
	const char *seed = getenv("SEED");
	int64_t number = CAST_SEED_DEFAULT;

	*o = (struct options){ .bot = "build/obol" };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--script") == 0)
			o->script = true;
		else if (strcmp(argv[i], "--empty") == 0)
			o->empty = true;
		else if (strcmp(argv[i], "--bot") == 0 && i + 1 < argc)
			o->bot = argv[++i];
		else if (strcmp(argv[i], "--address-file") == 0 && i + 1 < argc)
			o->address_file = argv[++i];
		else
			return false;
	}
	if (seed && *seed && (str_to_i64(&number, str_of(seed)) != OK || number < 0))
		return false;
	o->seed = (uint64_t)number;
	return true;
}

/* For tests: written whole, then renamed, so that whoever waits for the file reads all of it. */
static bool write_address(const char *path, const char *url)
{
	char draft[256];
	FILE *f;
	bool fine;

	snprintf(draft, sizeof draft, "%s.new", path);
	f = fopen(draft, "w");
	fine = f && fprintf(f, "%s\n", url) > 0;
	if (f)
		fine = fclose(f) == 0 && fine;
	return fine && rename(draft, path) == 0;
}

static bool run_script(struct play *p)
{
	if (!script_set_up(p) || !script_purchase(p))
		return false;
	script_summary(p);
	return true;
}

/* Until somebody ends it. The panels' own clocks go on when nobody asks them anything. */
static bool run_sandbox(struct play *p)
{
	for (;;)
		switch (stage_wait(p->stage, TICK_MS)) {
		case STAGE_STOP:
			return true;
		case STAGE_BOT_GONE:
			return play_fail(p, "the bot has ended");
		case STAGE_CHANGED:
		case STAGE_QUIET:
			stage_lock(p->stage);
			for (size_t i = 0; i < CAST_PANELS; i++)
				panel_sim_advance(p->stage->panels[i].sim, clock_now_ms());
			cryptopay_sim_advance(p->stage->pay, clock_now_ms());
			stage_unlock(p->stage);
		}
}

static bool sandbox(struct play *p, const struct options *o, const char *url)
{
	if (!o->empty && !script_set_up(p))
		return p->stopped;
	if (o->address_file && !write_address(o->address_file, url))
		return play_fail(p, "%s cannot be written", o->address_file);
	printf("\n  The sandbox is open: %s\n  Customers and the admin chat there with the real bot; Ctrl-C ends it and leaves nothing behind.\n\n", url);
	fflush(stdout);
	return run_sandbox(p);
}

int main(int argc, char **argv)
{
	struct options o;
	struct cast cast;
	struct stage stage;
	struct play play = { .failed = false };
	struct web *web = NULL;
	struct buf why;
	bool fine;

	if (!read_options(&o, argc, argv)) {
		fputs("usage: [SEED=n] build/demo [--script] [--empty] [--bot PROGRAM] [--address-file PATH]\n", stderr);
		return 2;
	}
	buf_init(&why, 4096);
	cast_draw(&cast, o.seed);
	printf("demo: the real bot against simulators of Telegram, three 3X-UI panels and Crypto Pay (SEED=%" PRIu64 "; nothing leaves this machine)\n", o.seed);
	fine = stage_open(&stage, &cast, &why);
	if (fine)
		web = web_new(&stage, PAGE_DIR);
	fine = fine && stage_start_bot(&stage, o.bot, &why);
	if (fine && !play_open(&play, &stage, o.script ? stdout : NULL, TEXTS)) {
		fine = false;
		buf_adds(&why, TEXTS " cannot be read; run this from the top of the repository\n");
	}
	if (fine)
		fine = o.script ? run_script(&play) : sandbox(&play, &o, web_url(web));
	if (why.len)
		fprintf(stderr, "demo: %s", buf_cstr(&why));
	fine = fine || play.stopped;
	play_close(&play);
	stage_close(&stage);
	web_free(web);
	buf_release(&why);
	return fine && !(play.stopped && o.script) ? 0 : 1;
}
