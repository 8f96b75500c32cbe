/* Messages leave, after the commit that claimed their rows; a QR code is drawn by the helper thread first. */
#include "bot/core/core_private.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/qr/qr.h"

#define ANSWER_TIMEOUT_MS 9000 /* nobody waits longer for it */
#define QR_FIELD "photo"
#define QR_FILE_NAME "qr.png"

static enum http_lane http_lane_of(enum lane lane)
{
	static const enum http_lane lanes[] = { [LANE_ANSWER] = HTTP_LANE_ANSWER, [LANE_INTERACTIVE] = HTTP_LANE_NORMAL, [LANE_REST] = HTTP_LANE_REST };

	return lanes[lane];
}

struct picture {
	struct worker_job job;
	struct send *send;
	struct arena arena;
	const char *method;
	struct str payload, text;
	struct buf png;
	enum err error;
};

static void start_call(struct core *c, struct send *s, const char *method, struct str payload, const struct http_file *file)
{
	struct http_request request;
	enum err e = tg_request(&request, &c->turn_arena, &c->setup.api, method, payload, file);

	assert(!e); /* payloads are ours */
	if (s->lane == LANE_ANSWER)
		request.timeout_ms = ANSWER_TIMEOUT_MS;
	c->net->start(c->net->ctx, &request, http_lane_of(s->lane), s);
	STEP("outbox.sent");
}

static void draw(struct worker_job *job)
{
	struct picture *p = (struct picture *)job;

	p->error = qr_png(&p->png, p->text);
}

static void start_picture(struct core *c, struct send *s)
{
	struct picture *p = xcalloc(1, sizeof *p);

	p->job.run = draw;
	p->send = s;
	p->method = arena_strdup(&p->arena, s->method);
	p->payload = str_of(str_dup(&p->arena, s->payload));
	p->text = str_of(str_dup(&p->arena, s->qr));
	buf_init(&p->png, QR_PNG_BYTES_MAX);
	s->picture = p;
	worker_give(c->worker, &p->job);
}

bool outbox_picture_drop(struct worker_job *job)
{
	struct picture *p = (struct picture *)job;

	if (job->run != draw)
		return false;
	buf_release(&p->png);
	arena_release(&p->arena);
	free(p);
	return true;
}

bool outbox_picture_done(struct core *c, struct worker_job *job)
{
	struct picture *p = (struct picture *)job;
	struct http_file file = { .field = QR_FIELD, .name = QR_FILE_NAME, .type = "image/png" };
	struct arena arena = { 0 };
	struct http_request request;

	if (job->run != draw)
		return false; /* somebody else's, and no picture to look into */
	file.bytes = buf_str(&p->png);
	p->send->picture = NULL;
	assert(!p->error); /* what does not fit a QR code is not given to the outbox */
	if (tg_request(&request, &arena, &c->setup.api, p->method, p->payload, &file) == OK)
		c->net->start(c->net->ctx, &request, http_lane_of(p->send->lane), p->send);
	arena_release(&arena);
	return outbox_picture_drop(job);
}

void outbox_send(struct core *c)
{
	STEP("outbox.claimed");
	for (size_t i = 0; i < c->turn.claimed_count; i++) {
		struct send *s = c->turn.claimed[i];

		if (!s->id) { /* its row was retracted or too old, or its time has not come */
			outbox_forget(c, s);
			continue;
		}
		if (s->qr.len)
			start_picture(c, s);
		else
			start_call(c, s, s->method, s->payload, NULL);
		s->method = NULL; /* what they pointed to goes with the turn */
		s->payload = s->qr = str_of(NULL);
	}
	c->turn.claimed_count = 0;
}
