/* The frame of the story: draws the clients, plays the table of steps, counts checks, cleans up. */
#include "tests/panel_story/story_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"

#define LINE_BYTES_MAX 4096

bool story_check(struct story *s, bool ok, const char *what)
{
	if (ok) {
		s->score.passed++;
	} else {
		s->score.failed++;
		buf_printf(&s->faults, "        wrong: %s\n", what);
	}
	return ok;
}

bool story_check_ok(struct story *s, const struct xui_result *r, const char *what)
{
	if (story_check(s, r->err == OK, what))
		return true;
	buf_printf(&s->faults, "        %s%s %s\n", err_name(r->err), *r->msg ? ", the panel says:" : "", r->msg);
	return false;
}

void story_say(struct story *s, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (s->detail.len)
		buf_adds(&s->detail, ", ");
	buf_adds(&s->detail, text);
}

static void play(struct story *s, const struct story_step *step)
{
	int64_t start_us = clock_mono_us();
	int failed = s->score.failed;
	struct buf line;

	buf_clear(&s->detail);
	buf_clear(&s->faults);
	step->play(s);
	buf_init(&line, 2 * LINE_BYTES_MAX);
	buf_printf(&line, "%-4s  %-12s %7" PRId64 " ms  %s\n%s", s->score.failed > failed ? "FAIL" : "ok", step->name,
		   (clock_mono_us() - start_us) / 1000, buf_cstr(&s->detail), buf_cstr(&s->faults));
	fputs(buf_cstr(&line), s->world->out);
	fflush(s->world->out);
	buf_release(&line);
}

/* Small letters and digits alone: such names and keys are taken by every version and protocol. */
static void draw(char *out, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < n; i++)
		out[i] = letters[rand_below(sizeof letters - 1)];
	out[n] = '\0';
}

static void draw_client(struct made *m, const char *prefix)
{
	char tail[11];

	draw(tail, sizeof tail - 1);
	snprintf(m->email, sizeof m->email, "%s-%s", prefix, tail);
	rand_uuid(m->uuid);
	draw(m->sub_id, sizeof m->sub_id - 1);
	draw(m->password, sizeof m->password - 1);
}

static void play_all(struct story *s)
{
	for (size_t i = 0; i < story_steps_count && !s->is_over && !story_is_stopped(s); i++)
		if ((s->world->carry && s->link.len) || !story_steps[i].needs_traffic)
			play(s, &story_steps[i]);
	if (!story_is_stopped(s))
		return;
	s->score.failed++;
	fprintf(s->world->out, "FAIL  interrupted\n");
}

struct story_score panel_story_play(const struct story_config *config, const struct story_world *world)
{
	static const struct story_step clean_up = { "clean up", story_clean_up, false };
	struct story s = { .config = config, .world = world, .panel = config->panel };

	buf_init(&s.detail, LINE_BYTES_MAX);
	buf_init(&s.faults, LINE_BYTES_MAX);
	s.http = http_client_new(NULL);
	draw_client(&s.first, "story");
	draw_client(&s.second, "twice");
	play_all(&s);
	if (s.first.on_panel || s.second.on_panel)
		play(&s, &clean_up);
	fprintf(world->out, "%d passed, %d failed\n", s.score.passed, s.score.failed);
	fflush(world->out);
	http_client_free(s.http);
	buf_release(&s.detail);
	buf_release(&s.faults);
	arena_release(&s.arena);
	return s.score;
}
