/* The job that gets an invoice made by its provider.
 *
 *	begin ─▶ create ──ok──▶ pending, button to the customer
 *	            │ refused ─▶ failed, "choose another"
 *	            └ unknown ─▶ later: find, page by page ──found──▶ pending
 *	                                    └ nowhere ─▶ create
 *
 * asked_ms on the row remembers over a crash that a create may have reached the provider. After INVOICE_SLOW_MS without
 * an invoice the customer hears that this way does not answer, once; the order stays open and the job goes on, because an
 * answer that comes later is still a way to pay. */
#include <inttypes.h>

#include "bot/core/config.h"
#include "bot/shop/pay_private.h"
#include "lib/base/log.h"

#define SETTLE_MS (15 * SECOND_MS)   /* a provider may still be working on a create whose answer we no longer hear */
#define RETRY_MS (2 * SECOND_MS)     /* within the time the customer waits */

enum making_step { MAKING_CREATE, MAKING_FIND };

struct making {
	enum making_step step;
	struct str cursor;
	int pages;
};

static enum err read_invoice(struct invoice *i, struct order *o, struct act *a, const struct job *job)
{
	int64_t id = 0;
	enum err e = str_to_i64(&id, str_of(job->subject));

	if (!e)
		e = invoice_get(i, a, id);
	return e ? e : order_get(o, a, i->order_id);
}

/* Whoever is asked is the account in use. */
static enum err set_asked(struct act *a, const struct invoice *i, int64_t asked_ms)
{
	return db_run(a->tx, "UPDATE invoices SET asked_ms=?2, account=NULL WHERE id=?1", i->id, asked_ms);
}

static enum err tell_failed(struct act *a, const struct invoice *i, const struct order *o)
{
	enum err e = db_run(a->tx, "UPDATE invoices SET told=1 WHERE id=?1 AND told=0", i->id);

	return e || db_changes(a->tx) == 0 || !pay_hooks.invoice_failed ? e : pay_hooks.invoice_failed(a, i, o);
}

/* Ends it for good; the customer hears it unless they have. */
static enum err end(struct act *a, struct job *job, const struct invoice *i, const struct order *o, enum invoice_state state)
{
	enum err e = db_run(a->tx, "UPDATE invoices SET state=?2, updated_ms=?3 WHERE id=?1 AND state='created'", i->id, invoice_states[state], a->now_ms);

	job_done(job);
	return e || state == INVOICE_CANCELED ? e : tell_failed(a, i, o);
}

/* Not now: soon while the customer waits, and once more at the moment they are told. */
static void later(struct act *a, struct job *job, const struct invoice *i, int64_t at_ms, const char *reason)
{
	int64_t slow_ms = i->created_ms + INVOICE_SLOW_MS;

	if (a->now_ms < slow_ms && (!at_ms || at_ms > slow_ms)) {
		at_ms = at_ms || a->now_ms + RETRY_MS > slow_ms ? slow_ms : a->now_ms + RETRY_MS;
		reason = NULL; /* no back-off yet */
	}
	job_later(job, at_ms, reason);
}

/* --- asking --- */

static struct str return_url(struct act *a)
{
	const char *name = a->shared->bot_username;

	return *name ? str_of(arena_printf(a->arena, "https://t.me/%s", name)) : STR("");
}

static struct str callback_url(struct act *a, const struct pay_provider *p)
{
	const struct config *c = a->shared->config;

	return c && c->public_url ? str_of(arena_printf(a->arena, "%s%.*s", c->public_url, STR_ARG(pay_callback_path(a, p)))) : STR("");
}

static enum err description(struct str *out, struct act *a, const struct order *o)
{
	const char *key = o->kind == ORDER_RENEW && o->days ? "invoice.description_renewal" : o->days ? "invoice.description" : "invoice.description_endless";
	char shown[PUBLIC_ID_CHARS + 3];
	struct i18n_to who;
	struct user u;
	enum err e = user_get(&u, a, o->user_id);

	if (e)
		return e;
	who = user_reader(a, &u);
	public_id_show(shown, o->public_id);
	if (o->days)
		*out = i18n_new_text(a->arena, &who, key, T_SPAN("span", o->days * DAY_MS), T_STR("order", shown));
	else
		*out = i18n_new_text(a->arena, &who, key, T_STR("order", shown));
	return OK;
}

static void call(struct act *a, struct job *job, const struct invoice *i, struct http_request *request)
{
	int64_t left_ms = i->created_ms + INVOICE_SLOW_MS - a->now_ms;

	if (left_ms > SECOND_MS)
		request->timeout_ms = (int)left_ms;
	job_call(job, request);
}

static enum err ask_create(struct act *a, struct job *job, const struct invoice *i, const struct order *o)
{
	const struct pay_provider *p = pay_provider_find(str_of(i->provider));
	struct http_request *request = arena_new(&job->arena, struct http_request);
	struct pay_quote quote = { .invoice = str_of(i->public_id), .amount_minor = i->amount_minor, .currency = str_of(i->currency),
		.return_url = return_url(a), .callback_url = callback_url(a, p), .now_ms = a->now_ms, .expires_ms = i->expires_ms };
	struct pay_account account;
	enum err e = provider_account(&account, a, &job->arena, p);

	if (!e)
		e = description(&quote.description, a, o);
	if (!e)
		e = p->create_build(request, &job->arena, &account, &quote);
	if (e == E_INVALID)
		return end(a, job, i, o, INVOICE_FAILED);
	if (!e)
		e = set_asked(a, i, a->now_ms);
	if (!e)
		call(a, job, i, request);
	return e;
}

static enum err ask_find(struct act *a, struct job *job, const struct invoice *i, const struct order *o, const struct pay_account *account,
			 struct str cursor)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);
	enum err e;

	if (!account->provider->find_build) /* the same id again is the same invoice there */
		return ask_create(a, job, i, o);
	e = account->provider->find_build(request, &job->arena, account, str_of(i->public_id), cursor);
	if (!e)
		call(a, job, i, request);
	return e;
}

static enum err create_begin(struct act *a, struct job *job)
{
	struct making *m = arena_new(&job->arena, struct making);
	struct pay_account account;
	struct invoice i;
	struct order o;
	int64_t asked_ms = 0;
	bool on = false;
	enum err e = read_invoice(&i, &o, a, job);

	if (!e)
		e = db_get_i64(&asked_ms, a->tx, "SELECT asked_ms FROM invoices WHERE id=?1", i.id);
	if (e)
		return e;
	if (i.state != INVOICE_CREATED) {
		job_done(job);
		return OK;
	}
	if (o.state != ORDER_OPEN)
		return end(a, job, &i, &o, INVOICE_CANCELED);
	if (i.expires_ms <= a->now_ms)
		return end(a, job, &i, &o, INVOICE_EXPIRED);
	e = provider_is_on(&on, a, pay_provider_find(str_of(i.provider)));
	if (!e && !on) /* its address never reached anybody */
		return end(a, job, &i, &o, INVOICE_FAILED);
	if (!e)
		e = provider_account_of(&account, a, &job->arena, &i);
	if (!e && a->now_ms >= i.created_ms + INVOICE_SLOW_MS)
		e = tell_failed(a, &i, &o);
	if (e)
		return e;
	job->state = m;
	if (!asked_ms)
		return ask_create(a, job, &i, &o);
	if (a->now_ms < asked_ms + SETTLE_MS) {
		later(a, job, &i, asked_ms + SETTLE_MS, NULL);
		return OK;
	}
	m->step = MAKING_FIND;
	return ask_find(a, job, &i, &o, &account, m->cursor);
}

/* --- hearing --- */

/* The invoice may have been paid by a callback before this answer: then only its address is kept. */
static enum err made(struct act *a, struct job *job, const struct invoice *i, const struct order *o, const struct pay_created *c)
{
	struct invoice now;
	enum err e = db_run(a->tx, "UPDATE invoices SET provider_ref=?2, url=?3, expires_ms=CASE WHEN ?4>0 THEN ?4 ELSE expires_ms END,"
		" state=CASE state WHEN 'created' THEN 'pending' ELSE state END, updated_ms=?5 WHERE id=?1", i->id, c->ref, c->url, c->expires_ms, a->now_ms);

	if (!e)
		e = invoice_get(&now, a, i->id);
	if (e)
		return e;
	job_done(job);
	if (now.state != INVOICE_PENDING && now.state != INVOICE_CANCELED)
		return OK;
	/* also a canceled one is looked at until it has run out: its address is in the world */
	e = job_add(a, pay_job_poll.name, arena_printf(a->arena, "%" PRId64, i->id), 0, JOB_MONEY, a->now_ms + 30 * SECOND_MS);
	if (e || now.state != INVOICE_PENDING || o->state != ORDER_OPEN)
		return e;
	return pay_hooks.invoice_ready ? pay_hooks.invoice_ready(a, &now, o) : OK;
}

static enum err create_failed(struct act *a, struct job *job, const struct invoice *i, const struct order *o, enum err why, const struct pay_trouble *trouble)
{
	enum err e = OK;

	log_warn("pay.create_failed", KV("provider", i->provider), KV("error", err_name(why)), KV("name", trouble->name));
	if (why == E_AUTH || why == E_REFUSED) {
		e = provider_said_no(a, i, why, trouble->name);
		return e ? e : end(a, job, i, o, INVOICE_FAILED);
	}
	if (why != E_UNKNOWN) /* it never got there, or was sent away: ask as if for the first time */
		e = set_asked(a, i, 0);
	later(a, job, i, trouble->retry_after_ms ? a->now_ms + trouble->retry_after_ms : 0, err_name(why));
	return e;
}

static enum err create_answer(struct act *a, struct job *job, const struct http_response *response)
{
	struct making *m = job->state;
	struct pay_trouble trouble = { .name = "" };
	struct pay_created created;
	struct pay_account account;
	struct invoice i;
	struct order o;
	enum err e = read_invoice(&i, &o, a, job), told;

	if (!e)
		e = provider_account_of(&account, a, &job->arena, &i);
	if (e)
		return e;
	if (m->step == MAKING_CREATE)
		told = account.provider->create_read(&created, &trouble, &job->arena, &account, response);
	else
		told = account.provider->find_read(&created, &m->cursor, &trouble, &job->arena, str_of(i.public_id), response);
	if (!told) {
		e = provider_said_yes(a, &i);
		return e ? e : made(a, job, &i, &o, &created);
	}
	if (a->now_ms >= i.created_ms + INVOICE_SLOW_MS)
		e = tell_failed(a, &i, &o);
	if (e)
		return e;
	if (m->step == MAKING_CREATE)
		return create_failed(a, job, &i, &o, told, &trouble);
	if (told != E_NOTFOUND || ++m->pages > PAY_FIND_PAGES_MAX) {
		later(a, job, &i, 0, err_name(told));
		return provider_said_no(a, &i, told, trouble.name);
	}
	if (m->cursor.len)
		return ask_find(a, job, &i, &o, &account, m->cursor);
	m->step = MAKING_CREATE; /* it is nowhere */
	return ask_create(a, job, &i, &o);
}

const struct job_kind pay_job_create = {
	.name = "pay_create", .begin = create_begin, .answer = create_answer, .backoff_ms = 4 * SECOND_MS, .backoff_max_ms = MINUTE_MS,
};
