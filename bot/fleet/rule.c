/* The pure rules of the fleet: no clock, no store, no network. */
#include "bot/fleet/fleet_private.h"

static bool differs(const struct sub_want *w, const struct sub_have *h)
{
	return w->enabled != h->enabled || w->expires_ms != h->expires_ms || w->quota_bytes != h->quota_bytes || w->limit_ip != h->limit_ip;
}

/* The one next thing that brings the panel closer to what is wanted. A reset cannot be seen, so done_reset_rev remembers it. */
enum sub_step sub_next(const struct sub_want *w, const struct sub_have *h, int64_t done_reset_rev)
{
	if (w->gone)
		return h->exists ? STEP_DELETE : STEP_NOTHING;
	if (!h->exists)
		return STEP_CREATE;
	if (h->found > 1)
		return STEP_DELETE;             /* twice: Xray would not start again; away with both, then add once (B51) */
	if (done_reset_rev < w->reset_rev)
		return STEP_RESET;              /* before the update: panel-api.md 5.6 */
	return h->stale || differs(w, h) ? STEP_UPDATE : STEP_NOTHING;
}

/* 0 is "without limit" for all of these, and an end below 0 "so long after the first use", which is neither more nor less. Switched on by hand is never taken as ours: it may be somebody we banned. */
static bool is_larger(enum terms_field f, int64_t than, int64_t seen)
{
	return f != FIELD_ENABLED && than > 0 && seen > than;
}

/* A limit that somebody took away altogether is not adopted in silence (B30). */
enum drift_verdict drift_judge(enum terms_field f, const struct access *x, int64_t seen, bool busy)
{
	if (!x->written_rev || seen == x->wrote.at[f])
		return DRIFT_NONE;
	if (x->writing && !x->left[f] && seen == x->seen.at[f])
		return DRIFT_NONE;              /* our own write that did not happen, or not yet; it left alone what waits for a person */
	if (is_larger(f, x->wrote.at[f], seen))
		return DRIFT_ADOPT;
	return busy ? DRIFT_OVERRULED : DRIFT_REPORT;
}

/* Nothing new of ours: simply the larger value. Otherwise what was given by hand comes on top of what was bought since;
 * an end that was lengthened counts from where the purchase began to count. */
int64_t drift_adopted(enum terms_field f, int64_t want, int64_t wrote, int64_t seen, int64_t changed_ms)
{
	int64_t from = wrote > changed_ms ? wrote : changed_ms;

	if (want == 0 || want == wrote)
		return want == 0 ? 0 : seen;
	switch (f) {
	case FIELD_UNTIL: return seen > from ? want + (seen - from) : want;
	case FIELD_QUOTA: return want + (seen - wrote);
	default: return want > seen ? want : seen;
	}
}

struct sub_want access_want(const struct access *x)
{
	return (struct sub_want){ .gone = x->gone, .enabled = x->want.at[FIELD_ENABLED] != 0, .expires_ms = x->want.at[FIELD_UNTIL],
		.quota_bytes = x->want.at[FIELD_QUOTA], .limit_ip = (int)x->want.at[FIELD_DEVICES], .reset_rev = x->reset_rev };
}

bool access_never_sent(const struct access *x)
{
	return !x->seen_exists && !x->written_rev && !x->writing;
}
