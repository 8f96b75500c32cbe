/* Refunds: asked for by a person, done by the provider, booked when the provider has said so. Whichever tells first (the
 * answer to our call, Telegram's message, the list of transactions) settles it; the others change nothing. */
#include <inttypes.h>

#include "bot/core/core.h"
#include "bot/shop/audit.h"
#include "bot/shop/pay_private.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/telegram/tg_call.h"

#define CALL_TIMEOUT_MS 30000

bool refund_is_possible(const struct payment_row *p)
{
	const struct pay_provider *provider = pay_provider_find(str_of(p->provider));

	return provider && p->amount_minor > 0 && provider->refund != PAY_REFUND_NONE;
}

enum err refund_start(struct act *a, int64_t payment_id, const struct user *admin, const char *reason)
{
	struct payment_row p;
	enum err e = payment_get(&p, a, payment_id);

	if (e)
		return e;
	if (!refund_is_possible(&p))
		return E_REFUSED;
	e = payment_move(a, p.id, "applied", "suspense", "refunding");
	if (e)
		return e;
	if (str_is(str_of(p.state), "suspense")) /* its place in the books follows from this word */
		e = db_run(a->tx, "UPDATE suspense SET state='refunded', decided_ms=?2, decided_by=?3 WHERE payment_id=?1 AND state IN ('open', 'refunded')",
			p.id, a->now_ms, admin->id);
	if (!e)
		e = audit_add(a, admin->id, "refund", arena_printf(a->arena, "payment:%" PRId64, p.id), reason, NULL);
	return e ? e : job_add(a, pay_job_refund.name, arena_printf(a->arena, "%" PRId64, p.id), 0, JOB_MONEY, a->now_ms);
}

static enum err was_in_suspense(bool *was, struct act *a, const struct payment_row *p)
{
	int64_t n;
	enum err e = db_get_i64(&n, a->tx, "SELECT count(*) FROM suspense WHERE payment_id=?1 AND state IN ('open', 'refunded')", p->id);

	*was = !e && n > 0;
	return e;
}

enum err refund_settle(struct act *a, const struct payment_row *p)
{
	struct payment_row row;
	bool suspense;
	enum err e = was_in_suspense(&suspense, a, p);

	if (!e)
		e = db_run(a->tx, "UPDATE payments SET state='refunded', refunded_ms=?2 WHERE id=?1 AND state<>'refunded'", p->id, a->now_ms);
	if (e || db_changes(a->tx) == 0)
		return e;
	e = ledger_add(a, &(struct ledger_entry){ .debit = suspense ? LEDGER_SUSPENSE : LEDGER_REVENUE, .credit = LEDGER_REFUNDS, .kind = "refund", .payment = p });
	if (!e)
		e = ledger_add(a, &(struct ledger_entry){ .debit = LEDGER_REFUNDS, .credit = ledger_provider(a, p), .kind = "paid_back", .payment = p });
	if (!e && suspense)
		e = db_run(a->tx, "UPDATE suspense SET state='refunded', decided_ms=?2 WHERE payment_id=?1 AND state='open'", p->id, a->now_ms);
	if (!e && !suspense && !str_is(str_of(p->state), "kept") && p->order_id) /* kept money gave nothing: its order may be another payment's */
		e = order_refund(a, p->order_id);
	if (!e)
		e = payment_get(&row, a, p->id);
	if (e)
		return e;
	log_info("pay.refunded", KV("payment", row.id), KV("provider", row.provider));
	return pay_hooks.refunded ? pay_hooks.refunded(a, &row) : OK;
}

/* --- the job --- */

static enum err job_payment(struct payment_row *p, struct act *a, const struct job *job)
{
	int64_t id = 0;
	enum err e = str_to_i64(&id, str_of(job->subject));

	return e ? e : payment_get(p, a, id);
}

/* The provider says no, and would again: the money stays where it was. */
static enum err refuse(struct act *a, struct job *job, const struct payment_row *p, const char *why)
{
	bool suspense;
	enum err e = was_in_suspense(&suspense, a, p);

	if (!e)
		e = payment_move(a, p->id, "refunding", NULL, suspense ? "suspense" : "applied");
	if (!e && suspense)
		e = suspense_reopen(a, p);
	if (e)
		return e;
	log_warn("pay.refund_refused", KV("payment", p->id), KV("why", why));
	job_done(job);
	return pay_hooks.refund_failed ? pay_hooks.refund_failed(a, p, why) : OK;
}

static enum err begin_in_chat(struct act *a, struct job *job, const struct payment_row *p)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);
	struct buf payload;
	int64_t payer;
	enum err e = db_get_i64(&payer, a->tx, "SELECT coalesce(nullif(p.payer_telegram_id, 0), u.telegram_id) FROM payments p LEFT JOIN users u ON u.id=p.user_id"
		" WHERE p.id=?1", p->id);

	if (e)
		return e == E_NOTFOUND ? refuse(a, job, p, "payer unknown") : e;
	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_refund_stars(&payload, payer, str_of(p->reference));
	e = tg_request(request, &job->arena, core_api(a), TG_REFUND_STAR_PAYMENT, str_of(str_dup(&job->arena, buf_str(&payload))), NULL);
	buf_release(&payload);
	if (e)
		return e;
	request->timeout_ms = CALL_TIMEOUT_MS;
	job_call(job, request);
	return OK;
}

static enum err begin_at_provider(struct act *a, struct job *job, const struct payment_row *p, const struct pay_provider *provider)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);
	struct pay_account account;
	struct pay_refund refund = { .ref = str_of(p->reference), .amount_minor = p->amount_minor, .currency = str_of(p->currency),
		.key = str_of(arena_printf(&job->arena, "refund-%" PRId64, p->id)) };
	enum err e = provider_account(&account, a, &job->arena, provider);

	if (!e)
		e = provider->refund_build(request, &job->arena, &account, &refund);
	if (e == E_NOTFOUND || e == E_INVALID)
		return refuse(a, job, p, err_name(e));
	if (e)
		return e;
	job_call(job, request);
	return OK;
}

static enum err refund_begin(struct act *a, struct job *job)
{
	const struct pay_provider *provider;
	struct payment_row p;
	enum err e = job_payment(&p, a, job);

	if (e)
		return e;
	if (!str_is(str_of(p.state), "refunding")) {
		job_done(job); /* told by another way meanwhile */
		return OK;
	}
	provider = pay_provider_find(str_of(p.provider));
	if (!provider)
		return refuse(a, job, &p, "provider");
	return provider->refund_in_chat ? begin_in_chat(a, job, &p) : begin_at_provider(a, job, &p, provider);
}

static enum err done(struct act *a, struct job *job, const struct payment_row *p)
{
	job_done(job);
	return refund_settle(a, p);
}

static enum err answer_in_chat(struct act *a, struct job *job, const struct payment_row *p, const struct http_response *response)
{
	struct tg_answer answer;

	tg_answer_read(&answer, &job->arena, response);
	if (tg_verdict_is_done(answer.verdict))
		return done(a, job, p);
	switch (answer.verdict) {
	case TG_RETRY_AFTER:
		job_later(job, a->now_ms + answer.retry_after_ms, tg_verdict_name(answer.verdict));
		return OK;
	case TG_SERVER: case TG_NETWORK_UNSENT: case TG_UNKNOWN_OUTCOME: case TG_UNAUTHORIZED:
		job_later(job, 0, tg_verdict_name(answer.verdict)); /* a second refund is answered "already refunded" */
		return OK;
	default:
		return refuse(a, job, p, str_dup(&job->arena, answer.description));
	}
}

static enum err answer_at_provider(struct act *a, struct job *job, const struct payment_row *p, const struct pay_provider *provider,
				   const struct http_response *response)
{
	struct pay_trouble trouble = { .name = "" };
	enum err e = provider->refund_read(&trouble, &job->arena, response);

	if (!e)
		return done(a, job, p);
	if (e == E_REFUSED)
		return refuse(a, job, p, trouble.name);
	job_later(job, trouble.retry_after_ms ? a->now_ms + trouble.retry_after_ms : 0, err_name(e));
	return OK;
}

static enum err refund_answer(struct act *a, struct job *job, const struct http_response *response)
{
	const struct pay_provider *provider;
	struct payment_row p;
	enum err e = job_payment(&p, a, job);

	if (e)
		return e;
	if (!str_is(str_of(p.state), "refunding")) {
		job_done(job);
		return OK;
	}
	provider = pay_provider_find(str_of(p.provider));
	return provider->refund_in_chat ? answer_in_chat(a, job, &p, response) : answer_at_provider(a, job, &p, provider, response);
}

const struct job_kind pay_job_refund = {
	.name = "pay_refund", .begin = refund_begin, .answer = refund_answer, .backoff_ms = 5 * SECOND_MS, .backoff_max_ms = 10 * MINUTE_MS,
};
