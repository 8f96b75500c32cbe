/* From paid to delivered. The way back is in order_refund.c. */
#include <assert.h>
#include <inttypes.h>

#include "bot/core/alert.h"
#include "bot/shop/audit.h"
#include "bot/shop/extras.h"
#include "bot/shop/order_private.h"
#include "bot/shop/settings.h"
#include "bot/shop/trial.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define WAITING_ORDERS_MAX 32

static struct order_hooks order_hooks;

void order_set_hooks(const struct order_hooks *hooks)
{
	order_hooks = hooks ? *hooks : (struct order_hooks){ NULL, NULL, NULL };
}

static enum err tell(enum err (*hook)(struct act *a, const struct order *o), struct act *a, const struct order *o)
{
	return hook ? hook(a, o) : OK;
}

/* Once per order: money is safe, access takes longer. */
static enum err tell_waits(struct act *a, const struct order *o)
{
	enum err e = db_run(a->tx, "UPDATE orders SET waiting_told=1 WHERE id=?1 AND state='paid' AND waiting_told=0", o->id);

	return e || db_changes(a->tx) == 0 ? e : tell(order_hooks.waits, a, o);
}

/* --- paid → wanted --- */

static bool same_place(struct place a, struct place b)
{
	return a.panel_id == b.panel_id && a.inbound_id == b.inbound_id;
}

/* The reserved place, if it can still be had; else any. Paid is delivered elsewhere rather than not at all, so a plan
 * bound to a region or panel that is no more gets what there is of its protocol. */
static enum err choose_place(struct place *out, struct act *a, const struct order *o)
{
	struct place reserved = { o->panel_id, o->inbound_id }, found;
	struct place_wish wish;
	struct plan p;
	enum err e = plan_get(&p, a, o->plan_id);

	if (e)
		return e;
	wish = order_wish(&p, o);
	if (reserved.panel_id && o->reserved_until_ms > a->now_ms) {
		struct place_wish exact = { .panel_id = reserved.panel_id, .inbound_id = reserved.inbound_id, .order_id = o->id };

		e = place_find(&found, a, &exact);
		if (!e && same_place(found, reserved)) {
			*out = reserved;
			return OK;
		}
		if (e && e != E_NOROOM)
			return e;
	}
	e = place_find(out, a, &wish);
	if (e == E_NOROOM && (wish.region || wish.panel_id)) {
		wish.region = NULL;
		wish.panel_id = wish.inbound_id = 0;
		e = place_find(out, a, &wish);
	}
	return e;
}

static enum err create(struct subscription *s, struct act *a, const struct order *o)
{
	struct sub_new n = { .user_id = o->user_id, .plan_id = o->plan_id, .trial = o->kind == ORDER_TRIAL, .days = o->days, .limit_ip = o->limit_ip,
		.reset_days = o->reset_days, .quota_bytes = o->quota_bytes };
	struct place place;
	enum err e = choose_place(&place, a, o);

	if (e)
		return e;
	n.panel_id = place.panel_id;
	n.inbound_id = place.inbound_id;
	return sub_create(s, a, &n);
}

/* Deleted by time, or its panel is no more: the same link again, wherever there is room. */
static enum err need_place(struct act *a, const struct order *o)
{
	struct place place;
	int64_t access_id;
	bool has;
	enum err e = sub_has_place(&has, a, o->subscription_id);

	if (e || has)
		return e;
	e = choose_place(&place, a, o);
	return e ? e : sub_add_access(&access_id, a, o->subscription_id, o->user_id, place);
}

static enum err renew(struct subscription *s, struct act *a, const struct order *o)
{
	struct sub_terms terms;
	enum err e = need_place(a, o);

	if (!e)
		e = sub_get(s, a, o->subscription_id);
	if (e)
		return e;
	terms = sub_renewed(s, o->days, o->quota_bytes, o->restart, a->now_ms);
	s->limit_ip = o->limit_ip;
	e = db_run(a->tx, "UPDATE subscriptions SET plan_id=?2, trial=0, reset_days=?3 WHERE id=?1", s->id, o->plan_id, o->reset_days);
	return e ? e : sub_set_terms(a, s, &terms, true);
}

/* A person let the money of somebody banned count: what it bought begins with the unban. */
static enum err keep_banned(struct act *a, struct subscription *s, int64_t user_id)
{
	struct user owner;
	enum err e = user_get(&owner, a, user_id);

	return e || !owner.banned ? e : sub_set_banned(a, s, true);
}

static char *subject_of(struct act *a, int64_t id)
{
	return arena_printf(a->arena, "%" PRId64, id);
}

/* E_NOROOM: nowhere to go, nothing was changed. */
static enum err fulfil(struct act *a, struct order *o)
{
	struct bonus_use bonus;
	struct subscription s;
	enum err e;

	assert(o->state == ORDER_PAID && o->target_rev == 0);
	e = o->subscription_id ? renew(&s, a, o) : create(&s, a, o);
	if (!e)
		e = keep_banned(a, &s, o->user_id);
	if (e == E_NOROOM)
		log_warn("order.no_place", KV("order", o->public_id));
	if (!e)
		e = bonuses_use(&bonus, a, o->user_id, o->id);
	if (!e)
		e = sub_get(&s, a, s.id); /* a bonus may have moved its end */
	if (e)
		return e;
	o->subscription_id = s.id;
	o->target_rev = s.revision;
	o->bonus_days = bonus.subscription_id == s.id ? bonus.days : 0; /* they may have gone to another one that ends sooner */
	o->reserved_until_ms = 0;
	return db_run(a->tx, "UPDATE orders SET subscription_id=?2, target_rev=?3, bonus_days=?4, reserved_until_ms=0 WHERE id=?1", o->id, s.id, s.revision,
		o->bonus_days);
}

/* Wanted already, and the place where it was to stand is no more. */
static enum err place_again(struct act *a, const struct order *o)
{
	enum err e = need_place(a, o);

	return e ? e : fleet_reconcile(a, o->subscription_id, JOB_MONEY);
}

static const char *no_place_cause(struct act *a, const struct order *o)
{
	return arena_printf(a->arena, "order.no_place:%" PRId64, o->id);
}

/* The customer hears that it takes longer, admins that a place is missing. */
static enum err tell_no_place(struct act *a, const struct order *o)
{
	enum err e = alert_raise(a, ALERT_WARNING, no_place_cause(a, o), "order_stuck", o->public_id, "no_place");

	return e ? e : tell_waits(a, o);
}

enum err order_fulfil(struct act *a, struct order *o)
{
	enum err e = o->target_rev ? place_again(a, o) : fulfil(a, o);

	if (e != E_NOROOM)
		return e;
	e = job_add(a, order_job_fulfil.name, subject_of(a, o->id), 0, JOB_MONEY, a->now_ms + 30 * SECOND_MS);
	return e ? e : tell_no_place(a, o);
}

enum err order_retry(struct act *a, const struct order *o)
{
	enum err e = job_add(a, order_job_fulfil.name, subject_of(a, o->id), 0, JOB_PERSON, a->now_ms);

	return e || !o->target_rev ? e : fleet_reconcile(a, o->subscription_id, JOB_PERSON);
}

/* The job puts itself off: one that asks for itself while it is under way would be at once again. */
static enum err fulfil_begin(struct act *a, struct job *job)
{
	struct order o;
	int64_t id = 0;
	enum err e = str_to_i64(&id, str_of(job->subject));

	if (!e)
		e = order_get(&o, a, id);
	if (e)
		return e;
	if (o.state == ORDER_PAID)
		e = o.target_rev ? place_again(a, &o) : fulfil(a, &o);
	if (e == E_NOROOM) {
		job_later(job, 0, "no_place");
		return tell_no_place(a, &o);
	}
	if (!e)
		job_done(job);
	return e ? e : alert_clear(a, no_place_cause(a, &o), o.public_id);
}

const struct job_kind order_job_fulfil = {
	.name = "order_fulfil", .begin = fulfil_begin, .backoff_ms = 30 * SECOND_MS, .backoff_max_ms = 10 * MINUTE_MS,
};

enum err order_pay(struct act *a, struct order *o)
{
	enum err e = db_run(a->tx, "UPDATE orders SET state='paid', paid_ms=?2, closed_ms=0 WHERE id=?1 AND state IN ('open', 'canceled')", o->id, a->now_ms);

	if (e)
		return e;
	if (db_changes(a->tx) == 0)
		return E_CONFLICT;
	o->state = ORDER_PAID;
	o->paid_ms = a->now_ms;
	e = outbox_retract(a, order_asks(a, o));
	if (!e)
		e = tell(order_hooks.paid, a, o); /* first "paid", then perhaps "it takes longer" */
	return e ? e : order_fulfil(a, o);
}

#define DISPLACED_SQL " FROM orders o WHERE o.state='paid' AND o.target_rev>0" \
	" AND NOT EXISTS (SELECT 1 FROM accesses x WHERE x.subscription_id=o.subscription_id AND x.deleted_ms=0)"

enum err orders_displaced(struct act *a)
{
	struct db_rows r;
	int64_t max, *ids;
	size_t n = 0;
	enum err e = db_get_i64(&max, a->tx, "SELECT count(*)" DISPLACED_SQL);

	if (e)
		return e;
	ids = arena_array(a->arena, int64_t, (size_t)max);
	db_select(&r, a->tx, "SELECT o.id" DISPLACED_SQL);
	while (db_next(&r))
		ids[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++)
		e = job_add(a, order_job_fulfil.name, subject_of(a, ids[i]), 0, JOB_MONEY, a->now_ms);
	return e;
}

/* --- what costs nothing --- */

static enum err give(struct order *o, struct act *a, enum order_kind kind, const struct place *place)
{
	enum err e;

	o->kind = kind;
	o->state = ORDER_PAID;
	o->paid_ms = o->expires_ms = a->now_ms;
	e = order_insert(o, a);
	o->panel_id = place->panel_id;
	o->inbound_id = place->inbound_id;
	o->reserved_until_ms = a->now_ms + 1;
	return e ? e : order_fulfil(a, o);
}

enum err order_trial(struct order *out, struct act *a, const struct user *u)
{
	struct place_wish wish;
	struct place place;
	struct plan p;
	bool taken;
	enum err e = trial_was_taken(&taken, a, u->telegram_id);

	if (!e && taken)
		return E_CONFLICT;
	if (!e && !setting_i64(a, SETTING_TRIAL_ON))
		return E_NOTFOUND;
	if (!e)
		e = plan_trial(&p, a);
	if (e)
		return e;
	wish = order_wish(&p, NULL);
	e = place_find(&place, a, &wish);
	if (!e)
		e = trial_take(a, u->telegram_id);
	if (e)
		return e;
	order_quote(out, a, u, &p);
	return give(out, a, ORDER_TRIAL, &place);
}

enum err order_grant(struct order *out, struct act *a, const struct user *u, const struct plan *p, int days, const struct user *admin)
{
	struct place_wish wish = order_wish(p, NULL);
	struct place place;
	enum err e = place_find(&place, a, &wish);

	if (e)
		return e;
	order_quote(out, a, u, p);
	if (days)
		out->days = days;
	e = give(out, a, ORDER_GRANT, &place);
	return e ? e : audit_add(a, admin ? admin->id : 0, "grant", arena_printf(a->arena, "order:%s", out->public_id), NULL, p->name);
}

/* --- wanted → delivered --- */

enum err order_access_ready(struct act *a, int64_t subscription_id, int64_t done_rev)
{
	int64_t ids[WAITING_ORDERS_MAX];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT id FROM orders WHERE subscription_id=?1 AND state='paid' AND target_rev>0 AND target_rev<=?2 ORDER BY id LIMIT ?3",
		subscription_id, done_rev, countof(ids));
	while (db_next(&r))
		ids[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++) {
		struct order o;

		e = db_run(a->tx, "UPDATE orders SET state='delivered', delivered_ms=?2 WHERE id=?1 AND state='paid'", ids[i], a->now_ms);
		if (!e)
			e = order_get(&o, a, ids[i]);
		if (!e)
			e = tell(order_hooks.delivered, a, &o);
		if (!e)
			e = bonus_earn(a, &o);
	}
	return e;
}

/* A new access whose panel has gone down before it ever stood there moves to another one: nobody has its link yet. */
static enum err move_elsewhere(struct act *a, const struct order *o)
{
	struct db_rows r;
	struct place place;
	struct place_wish wish;
	struct plan p;
	int64_t access_id, new_id, panel_id;
	enum err e;

	db_select(&r, a->tx, "SELECT x.id, x.panel_id FROM accesses x JOIN panels p ON p.id=x.panel_id WHERE x.subscription_id=?1 AND x.deleted_ms=0"
		" AND x.seen_exists=0 AND x.done_rev=0 AND x.written_rev=0 AND x.writing=0 AND (p.state<>'ok' OR p.deleted_ms>0) LIMIT 1", o->subscription_id);
	e = db_first(&r);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	access_id = db_i64(&r, 0);
	panel_id = db_i64(&r, 1);
	e = db_end(&r);
	if (!e)
		e = plan_get(&p, a, o->plan_id);
	if (e)
		return e;
	wish = order_wish(&p, o);
	e = place_find(&place, a, &wish);
	if (e)
		return e == E_NOROOM ? OK : e; /* it stays where it is and is tried again there */
	log_info("order.moved", KV("order", o->public_id), KV("from", panel_id), KV("to", place.panel_id));
	e = access_drop(a, access_id, JOB_ROUTINE);
	if (!e)
		e = sub_add_access(&new_id, a, o->subscription_id, o->user_id, place);
	return e ? e : fleet_reconcile(a, o->subscription_id, JOB_MONEY);
}

enum err order_access_waits(struct act *a, int64_t subscription_id)
{
	struct order o;
	int64_t id;
	enum err e = db_get_i64(&id, a->tx, "SELECT id FROM orders WHERE subscription_id=?1 AND state='paid' ORDER BY id DESC LIMIT 1", subscription_id);

	if (e)
		return e == E_NOTFOUND ? OK : e;
	e = order_get(&o, a, id);
	if (!e)
		e = tell_waits(a, &o);
	return e || o.kind == ORDER_RENEW ? e : move_elsewhere(a, &o);
}
