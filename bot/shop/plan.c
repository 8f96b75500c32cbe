/* Plans and their prices. */
#include "bot/shop/plan.h"

#include <assert.h>
#include <string.h>

#include "lib/base/money.h"

#define PLAN_COLUMNS "id, name, days, quota_bytes, limit_ip, reset_days, protocol, region, panel_id, inbound_id, early, trial, on_sale AND deleted_ms=0"
#define LIMIT_IP_MAX 10000
#define WORD_BYTES_MAX 64

static void read_row(struct plan *out, const struct db_rows *r, struct arena *arena)
{
	*out = (struct plan){ .id = db_i64(r, 0), .name = db_text(r, 1, arena), .days = (int)db_i64(r, 2), .quota_bytes = db_i64(r, 3),
		.limit_ip = (int)db_i64(r, 4), .reset_days = (int)db_i64(r, 5), .protocol = db_text(r, 6, arena), .region = db_text(r, 7, arena),
		.panel_id = db_i64(r, 8), .inbound_id = db_i64(r, 9), .restart = str_is(db_str(r, 10), "restart"),
		.trial = db_i64(r, 11), .on_sale = db_i64(r, 12) };
}

static enum err read_prices(struct plan *p, struct act *a)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT currency, amount_minor FROM plan_prices WHERE plan_id=?1 ORDER BY currency LIMIT ?2", p->id, PLAN_PRICES_MAX);
	while (db_next(&r)) {
		struct price *price = &p->prices[p->prices_count++];

		snprintf(price->currency, sizeof price->currency, "%.*s", STR_ARG(db_str(&r, 0)));
		price->amount_minor = db_i64(&r, 1);
	}
	return db_end(&r);
}

enum err plan_get(struct plan *out, struct act *a, int64_t id)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT " PLAN_COLUMNS " FROM plans WHERE id=?1", id);
	e = db_first(&r);
	if (e)
		return e;
	read_row(out, &r, a->arena);
	e = db_end(&r);
	return e ? e : read_prices(out, a);
}

enum err plan_list(struct plan *out, size_t *count, size_t max, struct act *a, bool on_sale_only)
{
	struct db_rows r;
	enum err e;

	*count = 0;
	db_select(&r, a->tx, "SELECT " PLAN_COLUMNS " FROM plans WHERE deleted_ms=0 AND (?1=0 OR (on_sale=1 AND trial=0)) ORDER BY position, id LIMIT ?2",
		on_sale_only, max);
	while (db_next(&r))
		read_row(&out[(*count)++], &r, a->arena);
	e = db_end(&r);
	for (size_t i = 0; !e && i < *count; i++)
		e = read_prices(&out[i], a);
	return e;
}

enum err plan_trial(struct plan *out, struct act *a)
{
	int64_t id;
	enum err e = db_get_i64(&id, a->tx, "SELECT id FROM plans WHERE trial=1 AND on_sale=1 AND deleted_ms=0 ORDER BY position, id LIMIT 1");

	return e ? e : plan_get(out, a, id);
}

static bool is_word(const char *text)
{
	return !text || (*text && strlen(text) <= WORD_BYTES_MAX && utf8_valid(str_of(text)));
}

static bool prices_are_valid(const struct plan *p)
{
	if (p->prices_count > PLAN_PRICES_MAX)
		return false;
	for (size_t i = 0; i < p->prices_count; i++) {
		if (p->prices[i].amount_minor <= 0 || !currency_find(str_of(p->prices[i].currency)))
			return false;
		for (size_t k = 0; k < i; k++)
			if (str_is_nocase(str_of(p->prices[i].currency), p->prices[k].currency))
				return false;
	}
	return true;
}

static bool is_valid(const struct plan *p)
{
	struct str name = str_trim(str_of(p->name));

	return name.len && name.len <= PLAN_NAME_BYTES_MAX && utf8_valid(name) && p->days >= 0 && p->days <= PLAN_DAYS_MAX &&
		p->quota_bytes >= 0 && p->limit_ip >= 0 && p->limit_ip <= LIMIT_IP_MAX && p->reset_days >= 0 && p->reset_days <= PLAN_DAYS_MAX &&
		is_word(p->protocol) && is_word(p->region) && p->panel_id >= 0 && p->inbound_id >= 0 &&
		(!p->inbound_id || p->panel_id) && prices_are_valid(p);
}

static enum err write_prices(struct act *a, int64_t id, const struct plan *p)
{
	enum err e = db_run(a->tx, "DELETE FROM plan_prices WHERE plan_id=?1", id);

	for (size_t i = 0; !e && i < p->prices_count; i++)
		e = db_run(a->tx, "INSERT INTO plan_prices(plan_id, currency, amount_minor) VALUES(?1, ?2, ?3)", id,
			currency_find(str_of(p->prices[i].currency))->code, p->prices[i].amount_minor);
	return e;
}

static const char *early_of(const struct plan *p)
{
	return p->restart ? "restart" : "keep";
}

enum err plan_add(int64_t *id, struct act *a, const struct plan *p)
{
	enum err e;

	if (!is_valid(p))
		return E_INVALID;
	e = db_run(a->tx, "INSERT INTO plans(name, days, quota_bytes, limit_ip, reset_days, protocol, region, panel_id, inbound_id, early, trial, on_sale, position, created_ms)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0), nullif(?9, 0), ?10, ?11, ?12, (SELECT coalesce(max(position), 0)+1 FROM plans), ?13)",
		str_trim(str_of(p->name)), p->days, p->quota_bytes, p->limit_ip, p->reset_days, p->protocol, p->region, p->panel_id, p->inbound_id,
		early_of(p), p->trial, p->on_sale, a->now_ms);
	if (e)
		return e;
	*id = db_last_id(a->tx);
	return write_prices(a, *id, p);
}

enum err plan_update(struct act *a, const struct plan *p)
{
	enum err e;

	if (!is_valid(p))
		return E_INVALID;
	e = db_run(a->tx, "UPDATE plans SET name=?2, days=?3, quota_bytes=?4, limit_ip=?5, reset_days=?6, protocol=?7, region=?8,"
		" panel_id=nullif(?9, 0), inbound_id=nullif(?10, 0), early=?11, trial=?12, on_sale=?13 WHERE id=?1 AND deleted_ms=0",
		p->id, str_trim(str_of(p->name)), p->days, p->quota_bytes, p->limit_ip, p->reset_days, p->protocol, p->region, p->panel_id,
		p->inbound_id, early_of(p), p->trial, p->on_sale);
	if (!e && db_changes(a->tx) == 0)
		return E_NOTFOUND;
	return e ? e : write_prices(a, p->id, p);
}

enum err plan_delete(struct act *a, int64_t id)
{
	enum err e = db_run(a->tx, "UPDATE plans SET on_sale=0, deleted_ms=?2 WHERE id=?1 AND deleted_ms=0", id, a->now_ms);

	return e ? e : db_changes(a->tx) ? OK : E_NOTFOUND;
}

enum err plan_price(int64_t *amount_minor, const struct plan *p, const char *currency)
{
	for (size_t i = 0; i < p->prices_count; i++)
		if (str_is_nocase(str_of(currency), p->prices[i].currency)) {
			*amount_minor = p->prices[i].amount_minor;
			return OK;
		}
	return E_NOTFOUND;
}
