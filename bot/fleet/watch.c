/* Watching panels: a cheap call a minute that says whether it lives, and now and then what it has: inbounds, counts, where
 * its subscriptions are. */
#include "bot/fleet/fleet_private.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/links/address.h"

#define REFRESH_MS (5 * MINUTE_MS)
#define SUB_URL_BYTES_MAX 500

enum doing { DOING_STATUS, DOING_INBOUNDS, DOING_ONLINES, DOING_SETTINGS, DOING_END };

static const enum xui_what whats[] = { [DOING_STATUS] = XUI_STATUS, [DOING_INBOUNDS] = XUI_INBOUNDS, [DOING_ONLINES] = XUI_ONLINES, [DOING_SETTINGS] = XUI_SETTINGS };

struct run {
	struct work work;
	enum doing doing;
};

/* The links' prefix as the panel says it, when a customer can open it (B49). */
static const char *sub_url_of(struct act *a, const struct work *w, const struct xui_settings *s)
{
	struct str host = panel_url_host(s->sub_uri);
	bool typed = w->host && str_eq(link_host_bare(str_of(w->host)), host);

	if (!s->sub_enabled || !s->sub_uri.len || s->sub_uri.len > SUB_URL_BYTES_MAX)
		return NULL;
	if (link_host_reach(host) != LINK_REACH_PUBLIC && !typed)
		return NULL;
	return arena_printf(a->arena, "%.*s%s", STR_ARG(s->sub_uri), str_ends(s->sub_uri, "/") ? "" : "/");
}

enum err panel_keep_settings(struct act *a, const struct work *w)
{
	return db_run(a->tx, "UPDATE panels SET sub_url=?2 WHERE id=?1", w->panel_id, sub_url_of(a, w, &w->result->settings));
}

static enum err keep(struct act *a, struct run *r)
{
	struct work *w = &r->work;

	switch (r->doing) {
	case DOING_INBOUNDS: return inbound_store(a, w->panel_id, w->result);
	case DOING_ONLINES: return db_run(a->tx, "UPDATE panels SET online=?2 WHERE id=?1", w->panel_id, w->result->listed);
	case DOING_SETTINGS: return panel_keep_settings(a, w);
	case DOING_STATUS: return w->state == PANEL_NEW ? work_is_good(w, a) : OK;
	case DOING_END: break;
	}
	return OK;
}

/* Customers are served without them. */
static bool may_fail(const struct run *r)
{
	return r->doing == DOING_SETTINGS || r->doing == DOING_ONLINES;
}

static enum err ask_next(struct act *a, struct job *job, struct run *r)
{
	struct xui_ask ask = { .what = whats[r->doing] };
	bool ended = false;
	enum err e = work_begin(&r->work, a, job, &ask, &ended);

	if (!e && ended)
		job_done(job); /* nothing could be sent: no credentials, or its login rests */
	return e;
}

static enum err go_on(struct act *a, struct job *job, struct run *r)
{
	bool refresh_due = r->doing != DOING_STATUS || a->now_ms >= r->work.refreshed_ms + REFRESH_MS;

	r->doing++;
	if (refresh_due && r->doing == DOING_SETTINGS && !xui_shows_settings(&r->work.panel))
		r->doing++;
	if (refresh_due && r->doing < DOING_END)
		return ask_next(a, job, r);
	job_done(job);
	return refresh_due ? db_run(a->tx, "UPDATE panels SET refreshed_ms=?2 WHERE id=?1", r->work.panel_id, a->now_ms) : OK;
}

static enum err begin(struct act *a, struct job *job)
{
	struct run *r = arena_new(&job->arena, struct run);
	int64_t panel_id;
	enum err e = str_to_i64(&panel_id, str_of(job->subject));

	job->state = r;
	if (!e)
		e = work_open(&r->work, a, job, panel_id);
	if (e == E_NOTFOUND || e == E_INVALID || (!e && r->work.state == PANEL_FAILING)) {
		job_done(job); /* a panel that has stopped the program is left alone until somebody tests it */
		return OK;
	}
	return e ? e : ask_next(a, job, r);
}

static enum err answer(struct act *a, struct job *job, const struct http_response *response)
{
	struct run *r = job->state;
	bool ended;
	enum err e = work_answer(&r->work, a, job, response, &ended);

	if (e || !ended)
		return e;
	if (r->work.is_outdated) {
		job_done(job);
		return OK;
	}
	if (r->work.result->err && !may_fail(r)) {
		if (!work_tries_again(&r->work, a, job))
			job_done(job); /* the next minute tries again */
		return OK;
	}
	if (!r->work.result->err)
		e = keep(a, r);
	return e ? e : go_on(a, job, r);
}

static void release(struct job *job)
{
	work_release(&((struct run *)job->state)->work);
}

const struct job_kind fleet_job_watch = { .name = JOB_WATCH, .begin = begin, .answer = answer, .backoff_ms = 30 * SECOND_MS,
	.backoff_max_ms = 5 * MINUTE_MS, .release = release };

enum err fleet_watch(struct act *a)
{
	return panel_job_each(a, JOB_WATCH);
}
