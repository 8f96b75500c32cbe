/* make demo: the sandbox in the browser, or with --script the same played in the terminal.
 *
 *	build/demo [--script] [--panels N] [--bot PROGRAM]
 *
 * --panels: how many the admin's part adds before people come (0: a shop that nobody has set up). SEED=n in the environment draws other people, prices and panels. Run from the top of the repository. */
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
	bool script;
	size_t panels;               /* that are set up before people come */
	const char *bot;
	uint64_t seed;
};

static bool read_count(size_t *out, const char *text)
{
	int64_t n;

	if (str_to_i64(&n, str_of(text)) != OK || n < 0 || n > CAST_PANELS)
		return false;
	*out = (size_t)n;
	return true;
}

static bool read_options(struct options *o, int argc, char **argv)
{
	const char *seed = getenv("SEED");
	int64_t number = CAST_SEED_DEFAULT;

	*o = (struct options){ .bot = "build/obol", .panels = CAST_PANELS };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--script") == 0)
			o->script = true;
		else if (strcmp(argv[i], "--panels") == 0 && i + 1 < argc && read_count(&o->panels, argv[i + 1]))
			i++;
		else if (strcmp(argv[i], "--bot") == 0 && i + 1 < argc)
			o->bot = argv[++i];
		else
			return false;
	}
	if (seed && *seed && (str_to_i64(&number, str_of(seed)) != OK || number < 0))
		return false;
	o->seed = (uint64_t)number;
	return true;
}

static bool run_script(struct play *p)
{
	if (!script_set_up(p, CAST_PANELS) || !script_purchase(p))
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
	printf("\n  The sandbox is open: %s\n\n  Customers and the admin chat there with the real bot. Ctrl-C ends it and leaves nothing behind.\n", url);
	if (o->panels)
		printf("  The admin is setting the shop up, at Telegram's one message a second; watch, or take part when it is done.\n");
	fflush(stdout);
	if (o->panels && !script_set_up(p, o->panels))
		return false;
	if (o->panels)
		printf("  The shop is set up: buy something.\n");
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
		fputs("usage: [SEED=n] build/demo [--script] [--panels N] [--bot PROGRAM]\n", stderr);
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
