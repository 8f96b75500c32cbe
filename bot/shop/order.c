/* Orders: opened with a quote, reserved, canceled, listed. What follows a payment is in order_fulfil.c. */
#include "bot/shop/order.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "bot/shop/order_private.h"
#include "bot/shop/settings.h"
#include "bot/shop/time_steps.h"

#define ORDER_COLUMNS "id, public_id, user_id, plan_id, subscription_id, kind, state, plan_name, days, quota_bytes, limit_ip, reset_days, early," \
	" bonus_days, panel_id, inbound_id, reserved_until_ms, target_rev, created_ms, expires_ms, paid_ms, delivered_ms, region"
#define EXPIRE_BATCH 500

static const char *const kinds[] = { "new", "renew", "trial", "grant" };
static const char *const states[] = { "open", "paid", "delivered", "canceled", "refunded" };

const char *order_state_name(enum order_state s)
{
	assert((size_t)s < countof(states));
	return states[s];
}

const char *order_kind_name(enum order_kind k)
{
	assert((size_t)k < countof(kinds));
	return kinds[k];
}

static int index_of(const char *const *names, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(name, names[i]))
			return (int)i;
	assert(!"a word of ours in the table");
	return 0;
}

/* --- rows --- */

static void read_row(struct order *out, const struct db_rows *r, struct arena *arena)
{
	*out = (struct order){ .id = db_i64(r, 0), .user_id = db_i64(r, 2), .plan_id = db_i64(r, 3), .subscription_id = db_i64(r, 4),
		.kind = (enum order_kind)index_of(kinds, countof(kinds), db_str(r, 5)),
		.state = (enum order_state)index_of(states, countof(states), db_str(r, 6)), .plan_name = db_text(r, 7, arena), .days = (int)db_i64(r, 8),
		.quota_bytes = db_i64(r, 9), .limit_ip = (int)db_i64(r, 10), .reset_days = (int)db_i64(r, 11), .restart = str_is(db_str(r, 12), "restart"),
		.bonus_days = (int)db_i64(r, 13), .panel_id = db_i64(r, 14), .inbound_id = db_i64(r, 15), .reserved_until_ms = db_i64(r, 16),
		.target_rev = db_i64(r, 17), .created_ms = db_i64(r, 18), .expires_ms = db_i64(r, 19), .paid_ms = db_i64(r, 20), .delivered_ms = db_i64(r, 21),
		.region = db_text(r, 22, arena) };
	snprintf(out->public_id, sizeof out->public_id, "%.*s", STR_ARG(db_str(r, 1)));
}

static enum err read_prices(struct order *o, struct act *a)
{
	struct db_rows r;

	o->prices_count = 0;
	db_select(&r, a->tx, "SELECT currency, amount_minor FROM order_prices WHERE order_id=?1 ORDER BY currency LIMIT ?2", o->id, PLAN_PRICES_MAX);
	while (db_next(&r)) {
		struct price *price = &o->prices[o->prices_count++];

		snprintf(price->currency, sizeof price->currency, "%.*s", STR_ARG(db_str(&r, 0)));
		price->amount_minor = db_i64(&r, 1);
	}
	return db_end(&r);
}

static enum err read_one(struct order *out, struct act *a, struct db_rows *r)
{
	enum err e = db_first(r);

	if (e)
		return e;
	read_row(out, r, a->arena);
	e = db_end(r);
	return e ? e : read_prices(out, a);
}

enum err order_get(struct order *out, struct act *a, int64_t id)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " ORDER_COLUMNS " FROM orders WHERE id=?1", id);
	return read_one(out, a, &r);
}

enum err order_find(struct order *out, struct act *a, struct str typed)
{
	char public_id[PUBLIC_ID_CHARS + 1];
	struct db_rows r;

	if (public_id_read(public_id, typed))
		return E_NOTFOUND;
	db_select(&r, a->tx, "SELECT " ORDER_COLUMNS " FROM orders WHERE public_id=?1", public_id);
	return read_one(out, a, &r);
}

enum err order_open_of(struct order *out, struct act *a, int64_t user_id)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " ORDER_COLUMNS " FROM orders WHERE user_id=?1 AND state='open' AND expires_ms>?2 ORDER BY id DESC LIMIT 1",
		user_id, a->now_ms);
	return read_one(out, a, &r);
}

static enum err read_list(struct order *out, size_t *count, size_t max, struct act *a, struct db_rows *r)
{
	enum err e;

	while (*count < max && db_next(r))
		read_row(&out[(*count)++], r, a->arena);
	e = db_end(r);
	for (size_t i = 0; !e && i < *count; i++)
		e = read_prices(&out[i], a);
	return e;
}

enum err order_list(struct order *out, size_t *count, size_t max, struct act *a, bool stuck_only)
{
	struct db_rows r;
	enum err e;

	*count = 0;
	db_select(&r, a->tx, "SELECT " ORDER_COLUMNS " FROM orders WHERE state='paid' ORDER BY id LIMIT ?1", max);
	e = read_list(out, count, max, a, &r);
	if (e || stuck_only)
		return e;
	db_select(&r, a->tx, "SELECT " ORDER_COLUMNS " FROM orders WHERE state<>'paid' ORDER BY id DESC LIMIT ?1", max);
	return read_list(out, count, max, a, &r);
}

enum err order_list_of(struct order *out, size_t *count, size_t max, struct act *a, int64_t user_id)
{
	struct db_rows r;

	*count = 0;
	db_select(&r, a->tx, "SELECT " ORDER_COLUMNS " FROM orders WHERE user_id=?1 ORDER BY id DESC LIMIT ?2", user_id, max);
	return read_list(out, count, max, a, &r);
}

enum err order_waiting(struct order_waiting *out, struct act *a, int64_t subscription_id)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT count(*), coalesce(sum(CASE WHEN target_rev>0 THEN days+bonus_days ELSE 0 END), 0), coalesce(min(nullif(target_rev, 0)), 0)"
		" FROM orders WHERE subscription_id=?1 AND state='paid'", subscription_id);
	e = db_first(&r);
	if (e)
		return e;
	*out = (struct order_waiting){ db_i64(&r, 0), db_i64(&r, 1), db_i64(&r, 2) };
	return db_end(&r);
}

/* --- may it be honoured, and where --- */

struct place_wish order_wish(const struct plan *p, const struct order *o)
{
	return (struct place_wish){ .protocol = p->protocol, .region = o && o->region ? o->region : p->region, .panel_id = p->panel_id,
		.inbound_id = p->inbound_id, .order_id = o ? o->id : 0 };
}

enum err sub_has_place(bool *has, struct act *a, int64_t subscription_id)
{
	int64_t n;
	enum err e = db_get_i64(&n, a->tx, "SELECT count(*) FROM accesses x JOIN panels p ON p.id=x.panel_id"
		" WHERE x.subscription_id=?1 AND x.deleted_ms=0 AND p.deleted_ms=0", subscription_id);

	*has = !e && n > 0;
	return e;
}

enum err order_kept_access(bool *kept, struct act *a, const struct order *o)
{
	int64_t n;
	enum err e = db_get_i64(&n, a->tx, "SELECT count(*) FROM accesses WHERE subscription_id=?1 AND deleted_ms=0 AND created_ms<?2", o->subscription_id, o->paid_ms);

	*kept = !e && n > 0;
	return e;
}

enum err order_is_kept_off(bool *kept_off, struct act *a, const struct order *o)
{
	struct subscription s;
	enum err e = o->subscription_id ? sub_get(&s, a, o->subscription_id) : E_NOTFOUND;

	*kept_off = !e && sub_is_kept_off(&s, a->now_ms);
	return e == E_NOTFOUND ? OK : e;
}

/* A new access needs a place; a renewal has one, unless time has deleted it meanwhile. place->panel_id 0: none needed. */
static enum err find_place(struct place *place, struct act *a, const struct order *o, const struct plan *p)
{
	struct place_wish wish = order_wish(p, o);

	*place = (struct place){ 0, 0 };
	if (o->subscription_id) {
		struct subscription s;
		bool has;
		enum err e = sub_get(&s, a, o->subscription_id);

		if (e || s.user_id != o->user_id)
			return e ? e : E_CONFLICT;
		if (sub_status(&s, PLACE_STANDS, a->now_ms) == SUB_GONE || sub_is_kept_off(&s, a->now_ms))
			return E_CONFLICT;
		e = sub_has_place(&has, a, s.id);
		if (e || has)
			return e;
	}
	return place_find(place, a, &wish);
}

enum err order_honourable(struct place *place, struct act *a, const struct order *o)
{
	struct plan p;
	enum err e;

	if (o->state != ORDER_OPEN && o->state != ORDER_CANCELED)
		return E_CONFLICT;
	e = plan_get(&p, a, o->plan_id);
	if (e)
		return e;
	return p.on_sale && !p.trial ? find_place(place, a, o, &p) : E_REFUSED;
}

enum err order_reserve(struct act *a, struct order *o)
{
	struct place place;
	enum err e = order_honourable(&place, a, o);

	if (e)
		return e;
	o->panel_id = place.panel_id;
	o->inbound_id = place.inbound_id;
	o->reserved_until_ms = place.panel_id ? a->now_ms + ORDER_RESERVE_MS : 0;
	return db_run(a->tx, "UPDATE orders SET panel_id=nullif(?2, 0), inbound_id=nullif(?3, 0), reserved_until_ms=?4 WHERE id=?1", o->id, o->panel_id,
		o->inbound_id, o->reserved_until_ms);
}

/* --- opened --- */

enum err order_insert(struct order *o, struct act *a)
{
	enum err e;

	public_id_draw(o->public_id);
	e = db_run(a->tx, "INSERT INTO orders(public_id, user_id, kind, plan_id, subscription_id, state, plan_name, days, quota_bytes, limit_ip, reset_days, early,"
		" created_ms, expires_ms, paid_ms, region) VALUES(?1, ?2, ?3, ?4, nullif(?5, 0), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)", o->public_id, o->user_id,
		kinds[o->kind], o->plan_id, o->subscription_id, states[o->state], o->plan_name, o->days, o->quota_bytes, o->limit_ip, o->reset_days,
		o->restart ? "restart" : "keep", o->created_ms, o->expires_ms, o->paid_ms, o->region);
	if (e)
		return e;
	o->id = db_last_id(a->tx);
	for (size_t i = 0; !e && i < o->prices_count; i++)
		e = db_run(a->tx, "INSERT INTO order_prices(order_id, currency, amount_minor) VALUES(?1, ?2, ?3)", o->id, o->prices[i].currency,
			o->prices[i].amount_minor);
	return e;
}

void order_quote(struct order *o, struct act *a, const struct user *u, const struct plan *p)
{
	*o = (struct order){ .user_id = u->id, .plan_id = p->id, .plan_name = p->name, .region = p->region, .days = p->days, .limit_ip = p->limit_ip,
		.reset_days = p->reset_days, .quota_bytes = p->quota_bytes, .restart = p->restart, .created_ms = a->now_ms };
}

/* Buying after a trial keeps the trial's link, where the trial stands in a place that the plan allows and nobody keeps it off. */
static enum err find_trial(int64_t *subscription_id, struct act *a, const struct user *u, const struct plan *p)
{
	enum err e = db_get_i64(subscription_id, a->tx, "SELECT s.id FROM subscriptions s JOIN accesses x ON x.subscription_id=s.id AND x.deleted_ms=0"
		" JOIN panels p ON p.id=x.panel_id AND p.deleted_ms=0 JOIN inbounds i ON i.panel_id=x.panel_id AND i.inbound_id=x.inbound_id AND i.gone=0"
		" WHERE s.user_id=?1 AND s.trial=1 AND s.gone=0 AND (?2 IS NULL OR i.protocol=?2) AND (?3 IS NULL OR p.region=?3) AND (?4=0 OR x.panel_id=?4)"
		" AND (?5=0 OR x.inbound_id=?5) ORDER BY s.id LIMIT 1", u->id, p->protocol, p->region, p->panel_id, p->inbound_id);
	struct subscription trial;

	if (!e)
		e = sub_get(&trial, a, *subscription_id);
	if (!e && sub_is_kept_off(&trial, a->now_ms))
		*subscription_id = 0;
	return e == E_NOTFOUND ? OK : e;
}

static enum err find_open(struct order *out, struct act *a, const struct user *u, const struct plan *p, int64_t subscription_id)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " ORDER_COLUMNS " FROM orders WHERE user_id=?1 AND plan_id=?2 AND coalesce(subscription_id, 0)=?3 AND state='open'"
		" AND expires_ms>?4 ORDER BY id DESC LIMIT 1", u->id, p->id, subscription_id, a->now_ms);
	return read_one(out, a, &r);
}

/* A place that was held elsewhere is let go. */
static enum err take_region(struct order *o, struct act *a, char *region)
{
	struct place place;
	enum err e;

	if (!region || (o->region && strcmp(o->region, region) == 0))
		return OK;
	o->region = region;
	o->reserved_until_ms = 0;
	e = order_honourable(&place, a, o);
	return e ? e : db_run(a->tx, "UPDATE orders SET region=?2, reserved_until_ms=0 WHERE id=?1", o->id, region);
}

enum err order_regions(struct place_choice *out, size_t *count, size_t max, struct act *a, const struct user *u, const struct plan *p)
{
	struct place_wish wish = order_wish(p, NULL);
	int64_t trial_id = 0;
	size_t all, kept = 0;
	enum err e = find_trial(&trial_id, a, u, p);

	*count = 0;
	if (e || trial_id || p->region || p->panel_id)
		return e;
	e = place_choices(out, &all, max, a, &wish);
	for (size_t i = 0; !e && i < all; i++)
		if (out[i].is_region)
			out[kept++] = out[i];
	*count = kept;
	return e;
}

enum err order_open(struct order *out, struct act *a, const struct user *u, const struct plan *p, const struct subscription *renews)
{
	int64_t subscription_id = 0;
	struct place place;
	enum err e;

	if (!p->on_sale || p->trial || !p->prices_count || u->banned || setting_i64(a, SETTING_MAINTENANCE))
		return E_REFUSED;
	if (renews && (renews->user_id != u->id || renews->gone))
		return E_CONFLICT;
	e = renews ? OK : find_trial(&subscription_id, a, u, p);
	if (e)
		return e;
	if (renews)
		subscription_id = renews->id;
	e = find_open(out, a, u, p, subscription_id);
	if (!e)
		return take_region(out, a, p->region);
	if (e != E_NOTFOUND)
		return e;
	order_quote(out, a, u, p);
	out->kind = subscription_id ? ORDER_RENEW : ORDER_NEW;
	out->state = ORDER_OPEN;
	out->subscription_id = subscription_id;
	out->expires_ms = a->now_ms + ORDER_OPEN_MS;
	out->prices_count = p->prices_count;
	for (size_t i = 0; i < p->prices_count; i++)
		out->prices[i] = p->prices[i];
	e = order_honourable(&place, a, out);
	return e ? e : order_insert(out, a);
}

/* --- closed without money --- */

static enum err close_invoices(struct act *a, int64_t order_id)
{
	return db_run(a->tx, "UPDATE invoices SET state='canceled', updated_ms=?2 WHERE order_id=?1 AND state IN ('created', 'pending')", order_id, a->now_ms);
}

enum err order_cancel(struct act *a, struct order *o)
{
	enum err e = db_run(a->tx, "UPDATE orders SET state='canceled', reserved_until_ms=0, closed_ms=?2 WHERE id=?1 AND state='open'", o->id, a->now_ms);

	if (e)
		return e;
	if (db_changes(a->tx) == 0)
		return E_CONFLICT;
	o->state = ORDER_CANCELED;
	o->reserved_until_ms = 0;
	e = outbox_retract(a, order_asks(a, o));
	return e ? e : close_invoices(a, o->id);
}

const char *order_asks(struct act *a, const struct order *o)
{
	return arena_printf(a->arena, "order:%s:open", o->public_id);
}

enum err orders_expire(struct act *a)
{
	int64_t ids[EXPIRE_BATCH];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT id FROM orders WHERE state='open' AND expires_ms<=?1 ORDER BY id LIMIT ?2", a->now_ms, EXPIRE_BATCH);
	while (db_next(&r))
		ids[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++) /* invoices end by themselves, after a last question to the provider */
		e = db_run(a->tx, "UPDATE orders SET state='canceled', reserved_until_ms=0, closed_ms=?2 WHERE id=?1 AND state='open'", ids[i], a->now_ms);
	if (!e)
		e = db_run(a->tx, "UPDATE orders SET reserved_until_ms=0 WHERE reserved_until_ms>0 AND reserved_until_ms<=?1", a->now_ms);
	return e;
}
