/* Bringing the accesses of one subscription on one panel in line with what is wanted.
 *
 *   look ──▶ agree? ── yes ──▶ done_rev = revision, link, access_ready ──▶ next access
 *    ▲         │ no
 *    │         ▼
 *    └──── one write
 *
 * Invariants:
 *  1. Before a write leaves, the commit that sends it says so (writing, written_rev, wrote_*): after a kill at any
 *     instruction the next look knows that what it sees may be either. written_rev 0 means: never sent, certainly not there.
 *  2. Rows are read again for every decision; what is wanted may change while a call is under way.
 *  3. done_reset_rev moves only on a reset that certainly happened, together with update_due: the update that must follow
 *     a reset survives a kill, too (panel-api.md 5.6).
 *  4. A client that is not ours is never written to.
 *  5. Where a client is to get another name, a look asks for that name first; before one is made that may be there under a
 *     name that nobody told us, it is searched for (rename.c). */
#include "bot/fleet/fleet_private.h"

#include <inttypes.h>
#include <string.h>

#include "bot/core/alert.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define WRITES_MAX 8                    /* in one run; then it does not get anywhere and waits */
#define CUT_WAIT_MS (4 * SECOND_MS)     /* a panel that has just cut a client off half-applies writes for 0.3 s; safe from 3 s on */
#define BUSY_MAX 4                       /* so often in a row its database may be locked: some three minutes; then a person should know */
#define FAILING_WAIT_MS (10 * MINUTE_MS)

struct fleet_hooks fleet_hooks;

void fleet_set_hooks(const struct fleet_hooks *hooks)
{
	fleet_hooks = *hooks;
}

enum doing { DOING_LOOK_AHEAD, DOING_LOOK, DOING_SEARCH, DOING_WRITE, DOING_INBOUNDS }; /* ahead: under the name it is to get */

struct run {
	struct work work;
	int64_t subscription_id, panel_id;
	struct access x;             /* as at the last decision; texts live in the act's arena: only for that step */
	int64_t access_id, after_id;
	enum doing doing;
	enum sub_step step;
	int64_t step_reset_rev;      /* reset_rev as it was when the write under way was sent */
	bool was_unsent;             /* before this write: never sent */
	struct xui_look look;        /* the last one; texts in the job's arena */
	int writes;
	const char *refusal;         /* the panel's words to a write that may be half done; NULL: none */
	const char *ahead;           /* the name last looked for ahead; in the job's arena */
	bool gives_name;             /* the update under way changes the e-mail */
	const char *name_refusal;    /* the panel's words to such an update; NULL: none */
	struct search search;        /* in this run, once */
	bool searched;
	bool conflict;               /* the panel refused our e-mail although a look does not find it */
	bool was_cut;                /* a write has brought somebody back who was cut off */
	bool listed;                 /* inbounds were fetched in this run */
	int64_t again_ms;            /* when to look once more after all agrees; 0: no need */
};

/* What was to be done here is another panel's, or nobody's. */
static enum err nothing_left(struct act *a, struct job *job, const struct run *r)
{
	job_done(job);
	return stuck_clear(a, r->subscription_id, r->panel_id);
}

/* The access of this run as it is now. *ended: it was moved or deleted meanwhile, and the job is done. */
static enum err read_again(bool *ended, struct act *a, struct job *job, struct run *r)
{
	enum err e = access_read(&r->x, a, r->subscription_id, r->panel_id, r->access_id - 1);

	*ended = e == E_NOTFOUND || (!e && r->x.id != r->access_id);
	return *ended ? nothing_left(a, job, r) : e;
}

static enum err look_at(struct act *a, struct job *job, struct run *r);
static enum err decide(struct act *a, struct job *job, struct run *r);
static enum err failed(struct act *a, struct job *job, struct run *r);

/* The next thing that the panel is asked for; ask's texts live in the job's arena. */
static enum err ask_panel(struct act *a, struct job *job, struct run *r, enum doing doing, const struct xui_ask *ask)
{
	bool ended = false;
	enum err e;

	r->doing = doing;
	e = work_begin(&r->work, a, job, ask, &ended);
	return !e && ended ? failed(a, job, r) : e;
}

/* --- ends --- */

static void end_run(struct job *job, struct run *r)
{
	if (r->again_ms)
		job_later(job, r->again_ms, NULL);
	else
		job_done(job);
}

static enum err tell_stuck(struct act *a, const struct run *r, const char *detail)
{
	return stuck_tell(a, r->subscription_id, r->panel_id, detail);
}

static enum err clear_stuck(struct act *a, const struct run *r)
{
	return stuck_clear(a, r->subscription_id, r->panel_id);
}

/* Whoever waits for it hears that their money is safe. */
static enum err tell_waiting(struct act *a, const struct access *x)
{
	bool is_due = x->done_rev < x->revision;

	return is_due && fleet_hooks.access_waits ? fleet_hooks.access_waits(a, x->subscription_id) : OK;
}

/* This attempt is over; the rest of the shop goes on. */
static enum err wait_later(struct act *a, struct job *job, struct run *r, const char *reason)
{
	job_later(job, 0, reason);
	return tell_waiting(a, &r->x);
}

static enum err park(struct act *a, struct job *job, struct run *r, const char *reason)
{
	job_park(job, arena_strdup(&job->arena, reason));
	return tell_waiting(a, &r->x);
}

/* Where it can stand elsewhere, that panel's job goes on from here. */
static enum err move_away(bool *moved, struct act *a, struct job *job, struct run *r)
{
	enum err e = access_move(moved, a, &r->x);

	return e || !*moved ? e : nothing_left(a, job, r);
}

/* --- failures --- */

static bool is_away(const struct run *r)
{
	return r->work.state == PANEL_DOWN || r->work.state == PANEL_FAILING;
}

/* Repeating is no use when the panel says that it cannot read what we sent (R053). Unreadable answers are another matter. */
static bool is_hopeless(const struct xui_result *x)
{
	return x->err == E_INVALID && !x->is_unknown && x->msg[0];
}

static bool is_no(enum err e)
{
	return e == E_REFUSED || e == E_CONFLICT || e == E_INVALID || e == E_NOTFOUND;
}

static enum err failed(struct act *a, struct job *job, struct run *r)
{
	const struct xui_result *x = r->work.result;
	const char *reason = work_reason(&r->work);
	bool ended, moved = false;
	enum err e = read_again(&ended, a, job, r);

	if (e || ended)
		return e;
	if (is_hopeless(x))
		return park(a, job, r, reason);
	if (work_tries_again(&r->work, a, job))
		return tell_waiting(a, &r->x);
	if (is_away(r))
		e = move_away(&moved, a, job, r);
	if (e || moved)
		return e;
	if (is_no(x->err) || (x->err == E_BUSY && job->attempts >= BUSY_MAX))
		e = tell_stuck(a, r, reason); /* the panel is there and says no: a person should know (R021) */
	return e ? e : wait_later(a, job, r, reason);
}

/* --- agreement --- */

static enum err go_on(struct act *a, struct job *job, struct run *r)
{
	struct access next;
	enum err e;

	r->after_id = r->access_id;
	e = access_read(&next, a, r->subscription_id, r->panel_id, r->after_id);
	if (e == E_NOTFOUND) {
		end_run(job, r);
		return OK;
	}
	r->access_id = next.id;
	r->step = STEP_NOTHING; /* what was about the one before is not about this one */
	r->conflict = r->searched = r->was_cut = false;
	r->refusal = r->name_refusal = NULL;
	return e ? e : look_at(a, job, r);
}

static enum err finish_gone(struct act *a, struct job *job, struct run *r)
{
	enum err e = db_run(a->tx, "UPDATE accesses SET deleted_ms=CASE deleted_ms WHEN 0 THEN ?2 ELSE deleted_ms END, updated_ms=?2, done_rev=?3,"
		" seen_exists=0, writing=0, link=NULL WHERE id=?1", r->access_id, a->now_ms, r->x.revision);

	if (!e)
		e = drift_gone(a, &r->x, r->work.name);
	if (!e)
		e = stuck_left(a, &r->x, r->work.name);
	if (!e)
		e = clear_stuck(a, r);
	return e ? e : go_on(a, job, r);
}

/* The panel must be asked once more a little later: it may have said yes to what it was just busy undoing (4.14). 3.0.x
 * agrees in every place it shows and still leaves the client out for 25 s: there the update is sent a second time. */
static enum err look_again_after_cut(struct act *a, struct run *r)
{
	if (!r->was_cut)
		return OK;
	if (!r->again_ms || r->again_ms > a->now_ms + CUT_WAIT_MS)
		r->again_ms = a->now_ms + CUT_WAIT_MS;
	if (r->work.panel.dialect == XUI_C)
		return OK;
	return db_run(a->tx, "UPDATE accesses SET update_due=1 WHERE id=?1", r->access_id);
}

/* Paid and made, but there is nothing to hand over yet. */
static enum err no_link(struct act *a, struct job *job, struct run *r, bool is_told)
{
	enum err e = is_told ? OK : tell_stuck(a, r, "no_link");

	return e ? e : wait_later(a, job, r, "no_link");
}

/* It stands: what it was made for goes, and nobody was without access for a moment. */
static enum err replace_old(struct act *a, struct run *r)
{
	int64_t old_panel_id = 0;
	enum err e = db_get_i64(&old_panel_id, a->tx, "SELECT panel_id FROM accesses WHERE id=?1", r->x.replaces_id);

	if (!e)
		e = access_drop(a, r->x.replaces_id, JOB_PERSON);
	if (!e)
		e = db_run(a->tx, "UPDATE accesses SET replaces_id=NULL WHERE id=?1", r->access_id);
	log_info("access.replaced", KV("access", r->access_id), KV("old", r->x.replaces_id), KV("from", old_panel_id), KV("to", r->panel_id));
	return e || !fleet_hooks.access_replaced ? e : fleet_hooks.access_replaced(a, r->subscription_id, old_panel_id != r->panel_id);
}

static enum err agreed(struct act *a, struct job *job, struct run *r)
{
	struct str link = STR("");
	const char *unreachable = NULL;
	int64_t has_sub = 0, mark = 0;
	bool is_news = r->x.done_rev < r->x.revision;
	enum err e = link_build(&link, &unreachable, a, &r->work, &r->x, &r->look.client);

	if (e == E_NOTFOUND && !r->listed) {
		struct xui_ask ask = { .what = XUI_INBOUNDS };

		return ask_panel(a, job, r, DOING_INBOUNDS, &ask);
	}
	if (e && e != E_NOTFOUND)
		return e;
	e = db_get_i64(&has_sub, a->tx, "SELECT sub_url IS NOT NULL FROM panels WHERE id=?1", r->panel_id);
	if (!e)
		e = stuck_reach(a, &r->x, r->work.name, unreachable);
	if (!e && !link.len && !has_sub)
		return no_link(a, job, r, unreachable != NULL);
	if (!e)
		e = access_mark(&mark, a, &r->work, &r->x, &r->look);
	if (!e)
		e = db_run(a->tx, "UPDATE accesses SET done_rev=?2, link=nullif(?3, ''), updated_ms=?4, seen_mark=?5 WHERE id=?1",
			r->access_id, r->x.revision, str_dup(a->arena, link), a->now_ms, mark);
	if (!e)
		e = look_again_after_cut(a, r);
	if (!e)
		e = clear_stuck(a, r);
	if (!e && fleet_hooks.access_ready && (is_news || (link.len && !r->x.has_link)))
		e = fleet_hooks.access_ready(a, r->subscription_id, r->x.revision);
	if (!e && r->x.replaces_id)
		e = replace_old(a, r);
	return e ? e : go_on(a, job, r);
}

/* --- writes --- */

/* What the panel will be sent, said in the commit that sends it. */
static enum err note_write(struct act *a, struct run *r)
{
	const struct access *x = &r->x;
	struct terms known = x->want;

	for (enum terms_field f = FIELD_UNTIL; f < FIELDS; f++)
		if (x->left[f])
			known.at[f] = x->wrote.at[f]; /* goes back as it is, and is still for a person to decide */
	r->was_unsent = access_never_sent(x);
	if (r->step == STEP_CREATE) { /* by these it will be known, should the subscription's keys change before the next look */
		enum err e = db_run(a->tx, "UPDATE accesses SET panel_uuid=?2, panel_sub_id=?3 WHERE id=?1", x->id, x->uuid, x->sub_id);

		if (e)
			return e;
	}
	return db_run(a->tx, "UPDATE accesses SET writing=1, written_rev=?2, wrote_expires_ms=?3, wrote_quota_bytes=?4, wrote_limit_ip=?5, wrote_enabled=?6 WHERE id=?1",
		x->id, x->revision, known.at[FIELD_UNTIL], known.at[FIELD_QUOTA], known.at[FIELD_DEVICES], known.at[FIELD_ENABLED]);
}

static enum err write_step(struct act *a, struct job *job, struct run *r)
{
	bool metered_to_free = r->x.metered && r->x.want.at[FIELD_QUOTA] == 0 && !r->x.left[FIELD_QUOTA] && !r->x.gone;
	bool says_all = r->step == STEP_CREATE || r->step == STEP_UPDATE;
	struct xui_ask ask;
	enum err e = OK;

	if (r->writes++ == WRITES_MAX) {
		const char *why = r->refusal ? r->refusal : "disagrees";

		e = tell_stuck(a, r, why);
		return e ? e : wait_later(a, job, r, why);
	}
	if (says_all && metered_to_free)
		return park(a, job, r, "would_be_unlimited"); /* B30 */
	step_ask(&ask, &job->arena, r->step, &r->x, &r->look, r->work.panel.dialect);
	r->gives_name = r->step == STEP_UPDATE && rename_is_due(&r->x, &r->look.client);
	if (says_all)
		e = note_write(a, r);
	r->step_reset_rev = r->x.reset_rev;
	log_info("access.write", KV("access", r->access_id), KV("panel", r->panel_id), KV("step", (int64_t)r->step));
	return e ? e : ask_panel(a, job, r, DOING_WRITE, &ask);
}

static enum err note_success(struct act *a, struct run *r)
{
	if (r->step == STEP_RESET)
		return db_run(a->tx, "UPDATE accesses SET done_reset_rev=max(done_reset_rev, ?2), update_due=1 WHERE id=?1", r->access_id, r->step_reset_rev);
	if (r->step == STEP_CREATE && r->was_unsent && !r->work.result->existed) /* counters are at 0: resets asked for before are done */
		return db_run(a->tx, "UPDATE accesses SET done_reset_rev=max(done_reset_rev, ?2) WHERE id=?1", r->access_id, r->step_reset_rev);
	if (r->step == STEP_UPDATE)
		return db_run(a->tx, "UPDATE accesses SET update_due=0 WHERE id=?1", r->access_id);
	if (r->work.result->kept_disabled) /* by us, not by hand */
		return db_run(a->tx, "UPDATE accesses SET wrote_enabled=0 WHERE id=?1", r->access_id);
	return OK;
}

/* It certainly did not happen: the panel still has never been sent this client. That its name is taken there may be because it
 * came twice: a connection that breaks is tried again below us, and a proxy does so, too. */
static enum err note_unsent(struct act *a, struct run *r)
{
	const struct xui_result *x = r->work.result;

	if (r->step != STEP_CREATE || !r->was_unsent || x->is_unknown || x->err == E_CONFLICT)
		return OK;
	return db_run(a->tx, "UPDATE accesses SET writing=0, written_rev=0 WHERE id=?1", r->access_id);
}

static enum err inbound_is_gone(struct act *a, struct job *job, struct run *r)
{
	bool moved = false;
	enum err e = db_run(a->tx, "UPDATE inbounds SET gone=1 WHERE panel_id=?1 AND inbound_id=?2", r->panel_id, r->x.inbound_id);

	if (!e)
		e = move_away(&moved, a, job, r);
	if (e || moved)
		return e;
	e = tell_stuck(a, r, "inbound_gone");
	return e ? e : wait_later(a, job, r, "inbound_gone");
}

static enum err written(struct act *a, struct job *job, struct run *r)
{
	const struct xui_result *x = r->work.result;
	bool ended, worth_a_look = x->is_unknown || x->err == E_CONFLICT || (x->err == E_NOTFOUND && r->step != STEP_CREATE);
	enum err e;

	if (!x->err) {
		e = note_success(a, r);
		if (!e)
			e = read_again(&ended, a, job, r);
		if (e || ended)
			return e;
		if (r->step == STEP_DELETE && x->kept_disabled && r->x.gone) /* and is still to go: it may have been paid for meanwhile */
			return finish_gone(a, job, r); /* the panel cannot delete its last client: it is off (K17) */
		return look_at(a, job, r);
	}
	e = note_unsent(a, r);
	if (e)
		return e;
	if (r->step == STEP_CREATE && x->look.inbound_gone) { /* 3.1 and later tell only whoever adds */
		e = read_again(&ended, a, job, r);
		if (e || ended)
			return e;
		return r->x.gone ? look_at(a, job, r) : inbound_is_gone(a, job, r);
	}
	if (x->msg[0])
		r->refusal = x->msg;
	r->conflict = x->err == E_CONFLICT && r->step == STEP_CREATE;
	r->name_refusal = r->gives_name ? rename_refusal(x) : NULL;
	return worth_a_look || r->name_refusal ? look_at(a, job, r) : failed(a, job, r);
}

/* --- looking --- */

/* Somebody else has this name on the panel (R031): ours was never there, so another name does no harm. */
static enum err take_other_name(struct act *a, struct job *job, struct run *r)
{
	char email[ACCESS_NAME_BYTES_MAX + 1];
	enum err e;

	if (r->writes++ == WRITES_MAX) {
		e = tell_stuck(a, r, "name_taken");
		return e ? e : wait_later(a, job, r, "name_taken");
	}
	access_email(email, sizeof email, str_of(r->x.email));
	e = db_run(a->tx, "UPDATE accesses SET email=?2, seen_exists=0, written_rev=0, writing=0 WHERE id=?1", r->access_id, email);
	r->conflict = false;
	return e ? e : look_at(a, job, r);
}

/* Then a look again, whatever was found: time has passed. */
static enum err search(struct act *a, struct job *job, struct run *r)
{
	struct xui_ask ask;

	search_ask(&ask, &r->search, &job->arena, &r->x);
	return ask_panel(a, job, r, DOING_SEARCH, &ask);
}

static enum err decide(struct act *a, struct job *job, struct run *r)
{
	const struct xui_look *l = &r->look;
	struct sub_have have = { 0 };
	struct sub_want want;
	struct terms seen;
	bool ended, ours, to_search = false;
	enum err e = read_again(&ended, a, job, r);

	if (e || ended)
		return e;
	ours = access_stands(&r->x, l);
	if (!ours && !r->searched && r->step != STEP_DELETE)
		e = search_is_due(&to_search, a, &r->x, r->work.panel.dialect);
	r->searched = true;
	if (e || to_search)
		return e ? e : search(a, job, r);
	if (r->name_refusal && ours && rename_is_due(&r->x, &l->client))
		e = rename_refused(a, &r->x, r->name_refusal);
	r->name_refusal = NULL;
	if (e)
		return e;
	r->conflict = r->conflict && !ours;
	if (!r->x.gone && ((l->is_taken && !ours) || r->conflict))
		return take_other_name(a, job, r);
	if (ours)
		e = seen_take(&seen, a, &r->x, l, r->work.name, &r->again_ms);
	else
		e = seen_missing(a, &r->x, r->step == STEP_DELETE ? NULL : r->work.name);
	if (e)
		return e;
	if (l->inbound_gone && !r->x.gone)
		return inbound_is_gone(a, job, r);
	if (ours)
		have = (struct sub_have){ .exists = true, .enabled = seen.at[FIELD_ENABLED] != 0, .stale = seen_is_stale(&r->x, l, a->now_ms), .found = (int)l->found,
			.expires_ms = seen.at[FIELD_UNTIL], .quota_bytes = seen.at[FIELD_QUOTA], .limit_ip = (int)seen.at[FIELD_DEVICES] };
	want = access_want(&r->x);
	r->step = sub_next(&want, &have, r->x.done_reset_rev);
	if (r->step == STEP_NOTHING)
		return r->x.gone ? finish_gone(a, job, r) : agreed(a, job, r);
	if (ours && want.enabled && (!l->client.enabled || (l->has_row && !l->traffic.enabled)))
		r->was_cut = true;
	return write_step(a, job, r);
}

static enum err searched(struct act *a, struct job *job, struct run *r)
{
	bool ended, is_news;
	enum err e = read_again(&ended, a, job, r);

	if (e || ended)
		return e;
	e = search_found(&is_news, a, &r->x, &r->search);
	if (!e && is_news)
		log_info("access.found", KV("access", r->access_id), KV("panel", r->panel_id));
	return e ? e : look_at(a, job, r);
}

static enum err look_for(struct act *a, struct job *job, struct run *r, enum doing doing, const char *email)
{
	struct xui_ask ask = { .what = XUI_LOOK, .inbound_id = r->x.inbound_id, .client = access_client(&job->arena, &r->x) };

	ask.client.email = str_of(email);
	return ask_panel(a, job, r, doing, &ask);
}

static enum err look_at(struct act *a, struct job *job, struct run *r)
{
	bool ended;
	enum err e = read_again(&ended, a, job, r);

	if (e || ended)
		return e;
	r->ahead = r->x.rename ? arena_strdup(&job->arena, r->x.rename) : NULL;
	return r->ahead ? look_for(a, job, r, DOING_LOOK_AHEAD, r->ahead) : look_for(a, job, r, DOING_LOOK, arena_strdup(&job->arena, r->x.email));
}

static enum err looked_ahead(struct act *a, struct job *job, struct run *r)
{
	bool ended, stands;
	enum err e = read_again(&ended, a, job, r);

	if (e || ended)
		return e;
	e = rename_looked(&stands, a, &r->x, r->ahead, &r->look);
	if (e)
		return e;
	return stands ? decide(a, job, r) : look_for(a, job, r, DOING_LOOK, arena_strdup(&job->arena, r->x.email));
}

/* --- the job --- */

static enum err begin_at_panel(struct act *a, struct job *job, struct run *r)
{
	bool moved = false;
	enum err e;

	if (r->x.gone && access_never_sent(&r->x))
		return finish_gone(a, job, r); /* refunded before the panel ever heard of it */
	if (!is_away(r))
		return look_at(a, job, r);
	e = move_away(&moved, a, job, r);
	if (e || moved)
		return e;
	if (r->work.state == PANEL_FAILING) {
		job_later(job, a->now_ms + FAILING_WAIT_MS, "failing");
		return tell_waiting(a, &r->x);
	}
	return look_at(a, job, r);
}

static enum err subject_read(struct job *job, int64_t *subscription_id, int64_t *panel_id)
{
	struct str rest = str_of(job->subject), first = str_cut(&rest, ':');

	return str_to_i64(subscription_id, first) || str_to_i64(panel_id, rest) ? E_INVALID : OK;
}

static enum err begin(struct act *a, struct job *job)
{
	struct run *r = arena_new(&job->arena, struct run);
	enum err e = subject_read(job, &r->subscription_id, &r->panel_id);

	job->state = r;
	if (!e)
		e = work_open(&r->work, a, job, r->panel_id);
	if (!e)
		e = access_read(&r->x, a, r->subscription_id, r->panel_id, 0);
	if (e == E_NOTFOUND || e == E_INVALID)
		return nothing_left(a, job, r); /* panel or access are gone */
	r->access_id = r->x.id;
	return e ? e : begin_at_panel(a, job, r);
}

static enum err answer(struct act *a, struct job *job, const struct http_response *response)
{
	struct run *r = job->state;
	bool ended;
	enum err e = work_answer(&r->work, a, job, response, &ended);

	if (e || !ended)
		return e;
	if (r->work.is_outdated) { /* the panel was removed, or set anew: what was heard may be another one's */
		job_later(job, a->now_ms, NULL);
		return OK;
	}
	if (r->doing == DOING_WRITE)
		return written(a, job, r);
	if (r->work.result->err)
		return failed(a, job, r);
	if (r->doing == DOING_LOOK || r->doing == DOING_LOOK_AHEAD) {
		r->look = r->work.result->look;
		return r->doing == DOING_LOOK ? decide(a, job, r) : looked_ahead(a, job, r);
	}
	if (r->doing == DOING_SEARCH)
		return searched(a, job, r);
	r->listed = true;
	e = inbound_store(a, r->panel_id, r->work.result);
	return e ? e : decide(a, job, r);
}

/* It took the program down with it: that says something about its panel, and whoever waits for it has heard nothing yet. */
static enum err parked_by_crash(struct act *a, int64_t subscription_id, int64_t panel_id)
{
	struct access x;
	struct panel p;
	enum err e = access_read(&x, a, subscription_id, panel_id, 0);

	if (!e)
		e = tell_waiting(a, &x);
	if (!e || e == E_NOTFOUND)
		e = panel_get(&p, a, panel_id);
	if (!e)
		e = panel_set_state(a, panel_id, PANEL_FAILING);
	if (!e)
		e = alert_raise(a, ALERT_CRITICAL, arena_printf(a->arena, "panel.failing:%" PRId64, panel_id), "panel_failing", p.name, NULL);
	return e == E_NOTFOUND ? OK : e;
}

/* It waits for a person now. */
static enum err parked(struct act *a, struct job *job)
{
	int64_t subscription_id, panel_id;
	enum err e = subject_read(job, &subscription_id, &panel_id);

	if (e)
		return OK;
	e = stuck_tell(a, subscription_id, panel_id, job->reason ? job->reason : "crash");
	return e || job->reason ? e : parked_by_crash(a, subscription_id, panel_id);
}

static void release(struct job *job)
{
	work_release(&((struct run *)job->state)->work);
}

const struct job_kind fleet_job_reconcile = { .name = JOB_RECONCILE, .begin = begin, .answer = answer, .backoff_ms = 10 * SECOND_MS,
	.backoff_max_ms = 5 * MINUTE_MS, .attempts_max = 0, .parked = parked, .release = release };
