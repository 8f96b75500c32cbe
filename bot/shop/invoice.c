/* Invoices: one attempt to pay an order with one provider. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "bot/shop/pay_private.h"
#include "lib/base/enc.h"

#define INVOICE_COLUMNS "id, public_id, order_id, provider, amount_minor, currency, state, provider_ref, url, message_id, created_ms, expires_ms, account"
#define EXPIRE_BATCH 500

const char *const invoice_states[] = { "created", "pending", "paid", "expired", "canceled", "failed" };

static enum invoice_state state_of(struct str name)
{
	for (size_t i = 0; i <= INVOICE_FAILED; i++)
		if (str_is(name, invoice_states[i]))
			return (enum invoice_state)i;
	assert(!"a word of ours in the table");
	return INVOICE_FAILED;
}

static enum err read_one(struct invoice *out, struct act *a, struct db_rows *r)
{
	enum err e = db_first(r);

	if (e)
		return e;
	*out = (struct invoice){ .id = db_i64(r, 0), .order_id = db_i64(r, 2), .provider = db_text(r, 3, a->arena), .amount_minor = db_i64(r, 4),
		.state = state_of(db_str(r, 6)), .provider_ref = db_text(r, 7, a->arena), .url = db_text(r, 8, a->arena), .message_id = db_i64(r, 9),
		.created_ms = db_i64(r, 10), .expires_ms = db_i64(r, 11), .account = db_text(r, 12, a->arena) };
	snprintf(out->public_id, sizeof out->public_id, "%.*s", STR_ARG(db_str(r, 1)));
	snprintf(out->currency, sizeof out->currency, "%.*s", STR_ARG(db_str(r, 5)));
	return db_end(r);
}

enum err invoice_get(struct invoice *out, struct act *a, int64_t id)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " INVOICE_COLUMNS " FROM invoices WHERE id=?1", id);
	return read_one(out, a, &r);
}

enum err invoice_by_public_id(struct invoice *out, struct act *a, struct str public_id)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " INVOICE_COLUMNS " FROM invoices WHERE public_id=?1", public_id);
	return read_one(out, a, &r);
}

enum err invoice_by_ref(struct invoice *out, struct act *a, const char *provider, struct str ref)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " INVOICE_COLUMNS " FROM invoices WHERE provider=?1 AND provider_ref=?2", provider, ref);
	return read_one(out, a, &r);
}

/* --- ways to pay --- */

static bool find_price(struct pay_way *out, const struct pay_provider *p, const struct order *o)
{
	for (size_t i = 0; i < o->prices_count; i++)
		if (pay_takes(p, o->prices[i].amount_minor, str_of(o->prices[i].currency))) {
			out->provider = p->name;
			out->amount_minor = o->prices[i].amount_minor;
			snprintf(out->currency, sizeof out->currency, "%s", o->prices[i].currency);
			return true;
		}
	return false;
}

enum err pay_ways(struct pay_way *out, size_t *count, size_t max, struct act *a, const struct order *o)
{
	enum err e = OK;

	*count = 0;
	for (size_t i = 0; !e && i < pay_provider_count() && *count < max; i++) {
		const struct pay_provider *p = pay_provider_at(i);
		bool on = false;

		if (!find_price(&out[*count], p, o))
			continue;
		e = provider_is_on(&on, a, p);
		*count += on;
	}
	return e;
}

/* --- opened --- */

static enum err find_open(struct invoice *out, struct act *a, const struct order *o, const char *provider)
{
	struct db_rows r;

	db_select(&r, a->tx, "SELECT " INVOICE_COLUMNS " FROM invoices WHERE order_id=?1 AND provider=?2 AND state IN ('created', 'pending')", o->id, provider);
	return read_one(out, a, &r);
}

static int64_t expires_of(const struct act *a, const struct pay_provider *p, const struct order *o)
{
	int64_t open_ms = INVOICE_OPEN_MS;

	if (p->flow == PAY_FLOW_CHAT)
		return o->expires_ms;
	if (p->expires_max_ms && open_ms > p->expires_max_ms)
		open_ms = p->expires_max_ms;
	if (open_ms < p->expires_min_ms)
		open_ms = p->expires_min_ms;
	return a->now_ms + open_ms;
}

static enum err insert(struct invoice *out, struct act *a, const struct pay_provider *p, const struct order *o, const struct pay_way *way)
{
	char public_id[INVOICE_ID_CHARS + 1] = "inv_";
	bool chat = p->flow == PAY_FLOW_CHAT;
	enum err e;

	enc_random_base32(public_id + 4, INVOICE_ID_CHARS - 4);
	e = db_run(a->tx, "INSERT INTO invoices(public_id, order_id, provider, amount_minor, currency, state, created_ms, expires_ms, updated_ms)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7)", public_id, o->id, p->name, way->amount_minor, way->currency,
		invoice_states[chat ? INVOICE_PENDING : INVOICE_CREATED], a->now_ms, expires_of(a, p, o));
	if (!e)
		e = invoice_get(out, a, db_last_id(a->tx));
	return e || chat ? e : job_add(a, pay_job_create.name, arena_printf(a->arena, "%" PRId64, out->id), 0, JOB_PERSON, a->now_ms);
}

/* What is past its time, or of an earlier account that may be closed, gives way to a new one; its poll goes on. */
static enum err retire(struct act *a, const struct invoice *old)
{
	return db_run(a->tx, "UPDATE invoices SET state='expired', updated_ms=?2 WHERE id=?1", old->id, a->now_ms);
}

enum err invoice_open(struct invoice *out, struct act *a, struct order *o, const char *provider)
{
	const struct pay_provider *p = pay_provider_find(str_of(provider));
	struct pay_way way;
	struct place place;
	bool on;
	enum err e;

	if (!p || !find_price(&way, p, o))
		return E_NOTFOUND;
	e = provider_is_on(&on, a, p);
	if (e || !on)
		return e ? e : E_NOTFOUND;
	if (o->state != ORDER_OPEN)
		return E_CONFLICT;
	e = p->flow == PAY_FLOW_CHAT ? order_honourable(&place, a, o) : order_reserve(a, o); /* Telegram asks once more before it takes money */
	if (e)
		return e;
	e = find_open(out, a, o, p->name);
	if (!e && out->expires_ms > a->now_ms && !out->account)
		return OK;
	if (!e)
		e = retire(a, out);
	return e && e != E_NOTFOUND ? e : insert(out, a, p, o, &way);
}

enum err invoices_expire(struct act *a)
{
	int64_t ids[EXPIRE_BATCH];
	struct db_rows r;
	size_t n = 0;
	/* Stars are taken when they come, however late; what is shown is that this message is no longer the way to pay. */
	enum err e = db_run(a->tx, "UPDATE invoices SET state='expired', updated_ms=?1 WHERE state='pending' AND provider='" STARS "' AND expires_ms<=?1", a->now_ms);

	if (e)
		return e;
	/* the poll of each of the others asks a last time and then ends it; here we see to it that there is one */
	db_select(&r, a->tx, "SELECT id FROM invoices WHERE state='pending' AND provider<>'" STARS "' AND expires_ms<=?1 LIMIT ?2", a->now_ms, EXPIRE_BATCH);
	while (db_next(&r))
		ids[n++] = db_i64(&r, 0);
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++) {
		char *subject = arena_printf(a->arena, "%" PRId64, ids[i]);
		int64_t there;

		e = db_get_i64(&there, a->tx, "SELECT count(*) FROM jobs WHERE kind=?1 AND subject=?2", pay_job_poll.name, subject);
		if (!e && !there)
			e = job_add(a, pay_job_poll.name, subject, 0, JOB_MONEY, a->now_ms);
	}
	if (!e)
		e = providers_rest(a);
	return e ? e : provider_forget_earlier(a);
}
