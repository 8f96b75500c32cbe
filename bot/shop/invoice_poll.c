/* The job that looks after an open invoice until it is paid or has run out. A callback is only faster than this.
 *
 * An invoice that was canceled or has given way to a new one is looked at as well: whoever has its address can still pay
 * it. It ends only after a question that was answered after its time (B10), and not while the provider would still take
 * money for it: it is our clock that may be wrong. */
#include <inttypes.h>

#include "bot/core/alert.h"
#include "bot/shop/pay_private.h"
#include "lib/base/log.h"

#define EVERY_MS (30 * SECOND_MS)
#define EVERY_LATER_MS (60 * SECOND_MS)
#define SOON_MS (10 * MINUTE_MS)          /* that long the shorter interval */
#define LAST_QUESTION_MS (30 * SECOND_MS) /* after the end by our clock: theirs may go behind */
#define OPEN_THERE_MS DAY_MS              /* so long it may be open at the provider after its end by our clock */
#define CLOSED_MS DAY_MS                  /* after it: an account that is left (is_left) and does not take its key any more, or whose key is lost, is closed */

static enum err read_invoice(struct invoice *i, struct act *a, const struct job *job)
{
	int64_t id = 0;
	enum err e = str_to_i64(&id, str_of(job->subject));

	return e ? e : invoice_get(i, a, id);
}

static bool is_over(const struct act *a, const struct invoice *i, bool open_there)
{
	return a->now_ms >= i->expires_ms + (open_there ? OPEN_THERE_MS : LAST_QUESTION_MS);
}

/* It may still be paid, or what they say of it tells us nothing. */
static bool is_open_there(const struct pay_event *events, size_t n, const struct invoice *i)
{
	for (size_t k = 0; k < n; k++)
		if (str_is(events[k].ref, i->provider_ref) && (events[k].state == PAY_PENDING || events[k].state == PAY_UNCLEAR))
			return true;
	return false;
}

/* So long after its end nobody pays it, and who does not answer by then is not there any more. */
static bool is_long_over(const struct act *a, const struct invoice *i)
{
	return a->now_ms >= i->expires_ms + CLOSED_MS;
}

static enum err expire(struct act *a, struct job *job, const struct invoice *i)
{
	job_done(job);
	return db_run(a->tx, "UPDATE invoices SET state='expired', updated_ms=?2 WHERE id=?1 AND state='pending'", i->id, a->now_ms);
}

/* Nobody is asked for a new key: its account is one of before, or the provider is off. */
static enum err is_left(bool *left, struct act *a, const struct invoice *i)
{
	bool on = false;
	enum err e = i->account ? OK : provider_is_on(&on, a, pay_provider_find(str_of(i->provider)));

	*left = !e && !on;
	return e;
}

/* The key of its account of before was lost with all others and did not come back, so nothing is told of that key either. */
static enum err give_up(struct act *a, struct job *job, const struct invoice *i)
{
	enum err e = expire(a, job, i);

	return e ? e : alert_clear(a, provider_key_cause(a, i->provider, i->account), i->provider);
}

static void look_again(const struct act *a, struct job *job, const struct invoice *i)
{
	int64_t every_ms = a->now_ms - i->created_ms < SOON_MS ? EVERY_MS : EVERY_LATER_MS, last_ms = i->expires_ms + LAST_QUESTION_MS;
	int64_t at_ms = a->now_ms + every_ms;

	job_later(job, a->now_ms < last_ms && at_ms > last_ms ? last_ms : at_ms, NULL);
}

static enum err poll_begin(struct act *a, struct job *job)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);
	struct pay_account account;
	struct pay_open open;
	struct invoice i;
	enum err e = read_invoice(&i, a, job);

	if (e)
		return e;
	if (i.state == INVOICE_PAID || i.state == INVOICE_FAILED || !i.provider_ref) {
		job_done(job);
		return OK;
	}
	e = provider_account_of(&account, a, &job->arena, &i);
	if (e == E_NOTFOUND && i.account && is_long_over(a, &i))
		return give_up(a, job, &i);
	if (e == E_NOTFOUND || e == E_INVALID) { /* switched off meanwhile, perhaps not for ever */
		job_later(job, 0, "provider is off");
		return OK;
	}
	open = (struct pay_open){ .invoice = str_of(i.public_id), .ref = str_of(i.provider_ref), .amount_minor = i.amount_minor, .currency = str_of(i.currency) };
	if (!e)
		e = account.provider->poll_build(request, &job->arena, &account, &open, 1);
	if (!e)
		e = db_run(a->tx, "UPDATE invoices SET polls=polls+1 WHERE id=?1", i.id);
	if (!e)
		job_call(job, request);
	return e;
}

static enum err poll_answer(struct act *a, struct job *job, const struct http_response *response)
{
	struct pay_trouble trouble = { .name = "" };
	const struct pay_provider *p;
	struct pay_event *events = NULL;
	struct invoice i;
	size_t n = 0;
	bool left = false;
	enum err e = read_invoice(&i, a, job), told;

	if (e)
		return e;
	p = pay_provider_find(str_of(i.provider));
	told = p->poll_read(&events, &n, &trouble, &job->arena, response);
	if (told == E_AUTH && is_long_over(a, &i))
		e = is_left(&left, a, &i);
	if (e || left)
		return e ? e : expire(a, job, &i);
	if (told) {
		job_later(job, trouble.retry_after_ms ? a->now_ms + trouble.retry_after_ms : 0, err_name(told));
		return provider_said_no(a, &i, told, trouble.name);
	}
	e = provider_said_yes(a, &i);
	for (size_t k = 0; !e && k < n; k++)
		e = event_take(a, &events[k], 0);
	if (!e)
		e = invoice_get(&i, a, i.id);
	if (e)
		return e;
	if (i.state == INVOICE_PAID) {
		job_done(job);
		return OK;
	}
	if (!is_over(a, &i, is_open_there(events, n, &i))) {
		look_again(a, job, &i);
		return OK;
	}
	return expire(a, job, &i);
}

const struct job_kind pay_job_poll = {
	.name = "pay_poll", .begin = poll_begin, .answer = poll_answer, .backoff_ms = EVERY_MS, .backoff_max_ms = 10 * MINUTE_MS,
};
