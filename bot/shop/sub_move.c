/* "Change server": a subscription goes to another panel on its owner's word.
 *
 * Here is only said what is wanted: a second access that is to take the place of the first. The fleet brings it about and
 * drops the first one when the second stands (access_replace); until then both count, so the place is taken at once. */
#include "bot/shop/sub_private.h"

static enum err wish_elsewhere(struct place_wish *w, struct act *a, const struct subscription *s)
{
	struct plan p;
	enum err e = plan_get(&p, a, s->plan_id);

	if (!e)
		*w = (struct place_wish){ .protocol = p.protocol, .region = p.region, .panel_id = p.panel_id, .inbound_id = p.inbound_id, .leaving_id = s->id };
	return e;
}

/* The one place where it stands and its panel agrees. E_CONFLICT: none, or several. */
static enum err standing(int64_t *access_id, struct act *a, const struct subscription *s)
{
	struct db_rows r;
	int64_t live, done;
	enum err e;

	db_select(&r, a->tx, "SELECT count(*), coalesce(sum(done_rev>0), 0), coalesce(max(id), 0) FROM accesses WHERE subscription_id=?1 AND deleted_ms=0", s->id);
	e = db_first(&r);
	if (e)
		return e;
	live = db_i64(&r, 0);
	done = db_i64(&r, 1);
	*access_id = db_i64(&r, 2);
	e = db_end(&r);
	return e ? e : live == 1 && done == 1 && !s->gone ? OK : E_CONFLICT;
}

enum err sub_places(struct place_choice *out, size_t *count, size_t max, struct act *a, const struct subscription *s)
{
	struct place_wish wish;
	int64_t access_id;
	enum err e = standing(&access_id, a, s);

	*count = 0;
	if (e)
		return e == E_CONFLICT ? OK : e;
	e = wish_elsewhere(&wish, a, s);
	return e ? e : place_choices(out, count, max, a, &wish);
}

enum err sub_move(struct act *a, struct subscription *s, int64_t panel_id)
{
	struct place_wish wish;
	struct place to;
	int64_t old_id, new_id;
	enum err e = standing(&old_id, a, s);

	if (!e)
		e = wish_elsewhere(&wish, a, s);
	if (!e && wish.panel_id && wish.panel_id != panel_id)
		e = E_NOROOM;
	wish.panel_id = panel_id;
	if (!e)
		e = place_find(&to, a, &wish);
	if (!e)
		e = sub_add_access(&new_id, a, s->id, s->user_id, to);
	if (!e)
		e = access_replace(a, new_id, old_id);
	return e ? e : sub_change(a, s, JOB_PERSON);
}

enum err sub_moving_to(struct place_choice *out, struct act *a, const struct subscription *s)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT x.panel_id, x.inbound_id, coalesce(nullif(p.region, ''), p.name), p.region<>'' FROM accesses x JOIN panels p ON p.id=x.panel_id"
		" WHERE x.subscription_id=?1 AND x.deleted_ms=0 AND " ON_ITS_WAY_SQL " LIMIT 1", s->id);
	e = db_first(&r);
	if (e)
		return e;
	*out = (struct place_choice){ { db_i64(&r, 0), db_i64(&r, 1) }, db_text(&r, 2, a->arena), db_i64(&r, 3) };
	return db_end(&r);
}

enum err sub_stay(struct act *a, struct subscription *s)
{
	int64_t id;
	enum err e = db_get_i64(&id, a->tx, "SELECT id FROM accesses x WHERE subscription_id=?1 AND deleted_ms=0 AND " ON_ITS_WAY_SQL " LIMIT 1", s->id);

	if (!e)
		e = access_drop(a, id, JOB_PERSON);
	return e == E_NOTFOUND ? OK : e ? e : sub_change(a, s, JOB_PERSON);
}
