/* Telegram Stars: the question before the money, the money, its return, and the list that shows what we missed. */
#include "lib/pay/stars.h"

#include <inttypes.h>
#include <string.h>

#include "bot/core/alert.h"
#include "bot/core/core.h"
#include "bot/shop/pay_private.h"
#include "bot/shop/settings.h"
#include "lib/base/log.h"

#define PRE_CHECKOUT_MS (9 * SECOND_MS)  /* Telegram waits ten */
#define TIMEOUT_MS 30000
#define KEY_OFFSET "stars.offset"        /* transactions read so far */
#define KEY_SINCE "stars.since_ms"       /* older ones belong to whatever used this bot before us */

/* --- before the money --- */

/* The key of the text that refuses; NULL: it may be paid. An error is the store's. */
static enum err find_refusal(const char **key, struct act *a, const struct tg_pre_checkout *q, int64_t payer)
{
	struct invoice i;
	struct order o;
	struct user u;
	bool kept_off;
	enum err e = invoice_by_public_id(&i, a, q->payload);

	*key = "invoice.refused_order";
	if (e || strcmp(i.provider, STARS) != 0)
		return e == E_NOTFOUND ? OK : e;
	e = order_get(&o, a, i.order_id);
	if (!e)
		e = user_get(&u, a, o.user_id);
	if (!e)
		e = order_is_kept_off(&kept_off, a, &o);
	if (e)
		return e;
	if (u.telegram_id != payer)
		*key = "invoice.refused_payer";
	else if (u.banned)
		*key = "invoice.refused_order";
	else if (o.state != ORDER_OPEN)
		*key = o.state == ORDER_CANCELED ? "invoice.refused_order" : "invoice.refused_paid";
	else if (i.state != INVOICE_PENDING || i.expires_ms <= a->now_ms || o.expires_ms <= a->now_ms)
		*key = "invoice.refused_order";
	else if (q->amount_minor != i.amount_minor || !str_is(q->currency, i.currency))
		*key = "invoice.refused_price";
	else if (setting_i64(a, SETTING_MAINTENANCE))
		*key = "invoice.refused_busy";
	else if (kept_off)
		*key = "invoice.refused_kept_off";
	else {
		e = order_reserve(a, &o);
		*key = e == E_REFUSED ? "invoice.refused_withdrawn" : e == E_NOROOM ? "invoice.refused_full" : e == E_CONFLICT ? "invoice.refused_order" : NULL;
		return *key ? OK : e;
	}
	return OK;
}

static int64_t received_ms(struct act *a, const struct tg_update *u)
{
	int64_t at_ms;

	return db_get_i64(&at_ms, a->tx, "SELECT received_ms FROM inbox WHERE update_id=?1", u->update_id) == OK ? at_ms : a->now_ms;
}

static struct i18n_to reader(struct act *a, const struct tg_user *from)
{
	struct user u;

	if (user_by_telegram(&u, a, from->id) == OK)
		return user_reader(a, &u);
	return (struct i18n_to){ .texts = a->shared->i18n, .lang = i18n_lang_of(a->shared->i18n, from->language_code) };
}

enum err stars_pre_checkout(struct act *a, const struct tg_update *u)
{
	const struct tg_pre_checkout *q = &u->pre_checkout;
	struct i18n_to who = reader(a, &u->from);
	const char *refusal;
	struct buf payload;
	enum err e = find_refusal(&refusal, a, q, u->from.id);

	if (e)
		return e;
	if (refusal)
		log_info("pay.pre_checkout_refused", KV("why", refusal));
	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_answer_pre_checkout(&payload, q->id, !refusal, refusal ? i18n_new_text(a->arena, &who, refusal) : STR(""));
	outbox_add(a, &(struct outgoing){ .method = TG_ANSWER_PRE_CHECKOUT_QUERY, .chat_id = u->from.id, .payload = str_of(str_dup(a->arena, buf_str(&payload))),
		.lane = LANE_ANSWER, .unknown = UNKNOWN_AGAIN, .expires_ms = received_ms(a, u) + PRE_CHECKOUT_MS });
	buf_release(&payload);
	return OK;
}

/* --- the money and its return --- */

/* What we keep with the payment: the message's own words, nothing personal. */
static struct str raw_of(struct act *a, const struct stars_paid *paid)
{
	struct json_out j;
	struct buf text;
	struct str out;

	buf_init(&text, PAY_RAW_BYTES_MAX);
	json_out_init(&j, &text);
	json_open(&j, '{');
	json_put_str(&j, "currency", utf8_clean(a->arena, paid->currency));
	json_put_i64(&j, "total_amount", paid->amount);
	json_put_str(&j, "invoice_payload", utf8_clean(a->arena, paid->payload));
	json_put_str(&j, "telegram_payment_charge_id", utf8_clean(a->arena, paid->charge_id));
	json_put_bool(&j, "is_recurring", paid->recurring);
	json_close(&j, '}');
	out = str_of(str_dup(a->arena, buf_str(&text)));
	buf_release(&text);
	return out;
}

/* E_INVALID: it cannot be told from other money. */
static enum err read(struct pay_event *out, struct act *a, const struct stars_paid *paid)
{
	enum err e = stars_payment(out, a->arena, paid);

	if (!e)
		out->raw = raw_of(a, paid);
	return e;
}

static enum err take(struct act *a, const struct stars_paid *paid)
{
	struct pay_event event;
	enum err e = read(&event, a, paid);

	return e ? e : event_take(a, &event, paid->user_id);
}

static struct stars_paid paid_of(const struct tg_update *u)
{
	const struct tg_payment *p = &u->message.payment;

	return (struct stars_paid){ .payload = p->payload, .charge_id = p->charge_id, .currency = p->currency, .amount = p->amount_minor,
		.user_id = u->from.id ? u->from.id : u->chat.id, .refunded = u->message.is_refund, .recurring = p->recurring, .date_ms = u->date_ms };
}

enum err stars_paid(struct act *a, const struct tg_update *u)
{
	struct stars_paid paid = paid_of(u);

	return take(a, &paid);
}

enum err stars_refunded(struct act *a, const struct tg_update *u)
{
	struct stars_paid paid = paid_of(u);

	return take(a, &paid);
}

/* --- the list --- */

static enum err number_get(int64_t *out, struct act *a, const char *key)
{
	enum err e = db_get_i64(out, a->tx, "SELECT CAST(value AS INTEGER) FROM settings WHERE key=?1", key);

	if (e == E_NOTFOUND)
		*out = 0;
	return e == E_NOTFOUND ? OK : e;
}

static enum err number_set(struct act *a, const char *key, int64_t n)
{
	return db_run(a->tx, "INSERT INTO settings(key, value) VALUES(?1, CAST(?2 AS TEXT)) ON CONFLICT(key) DO UPDATE SET value=CAST(?2 AS TEXT)", key, n);
}

enum err stars_on_start(struct act *a)
{
	int64_t since_ms;
	enum err e = number_get(&since_ms, a, KEY_SINCE);

	return e || since_ms ? e : number_set(a, KEY_SINCE, a->now_ms);
}

enum err pay_poll_stars(struct act *a)
{
	return job_add(a, pay_job_stars.name, STARS, 0, JOB_MONEY, a->now_ms);
}

static enum err ask(struct act *a, struct job *job)
{
	struct http_request *request = arena_new(&job->arena, struct http_request);
	struct buf payload;
	int64_t offset;
	enum err e = number_get(&offset, a, KEY_OFFSET);

	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_get_star_transactions(&payload, offset, TG_TRANSACTIONS_MAX);
	if (!e)
		e = tg_request(request, &job->arena, core_api(a), TG_GET_STAR_TRANSACTIONS, str_of(str_dup(&job->arena, buf_str(&payload))), NULL);
	buf_release(&payload);
	if (e)
		return e;
	request->timeout_ms = TIMEOUT_MS;
	job_call(job, request);
	return OK;
}

/* One that cannot be read is a person's, and does not hold up those after it: they are not asked for again. */
static enum err take_listed(struct act *a, const struct tg_transaction *t)
{
	struct stars_paid paid = { .payload = t->payload, .charge_id = t->id, .currency = STR(STARS_CURRENCY), .amount = t->amount, .user_id = t->user_id,
		.refunded = !t->incoming, .recurring = t->recurring, .date_ms = t->date_ms };
	struct pay_event event;

	if (read(&event, a, &paid) == OK)
		return event_take(a, &event, paid.user_id);
	return alert_tell(a, ALERT_WARNING, "stars_unreadable", arena_printf(a->arena, "%" PRId64, paid.user_id),
		arena_printf(a->arena, "%s%" PRId64 " " STARS_CURRENCY " %.*s", paid.refunded ? "-" : "", paid.amount, STR_ARG(utf8_clean(a->arena, paid.payload))));
}

static enum err take_all(struct act *a, const struct tg_transaction *t, size_t n)
{
	int64_t since_ms;
	enum err e = number_get(&since_ms, a, KEY_SINCE);

	for (size_t i = 0; !e && i < n; i++)
		if (t[i].is_invoice && t[i].date_ms >= since_ms)
			e = take_listed(a, &t[i]);
	return e;
}

static enum err stars_answer(struct act *a, struct job *job, const struct http_response *response)
{
	struct tg_transaction *t = arena_array(&job->arena, struct tg_transaction, TG_TRANSACTIONS_MAX);
	struct tg_answer answer;
	int64_t offset;
	size_t n;
	enum err e;

	tg_answer_read(&answer, &job->arena, response);
	if (answer.verdict != TG_OK) {
		job_later(job, answer.verdict == TG_RETRY_AFTER ? a->now_ms + answer.retry_after_ms : 0, tg_verdict_name(answer.verdict));
		return OK;
	}
	e = tg_transactions_read(t, &n, TG_TRANSACTIONS_MAX, &job->arena, response->body);
	if (!e)
		e = take_all(a, t, n);
	if (!e)
		e = number_get(&offset, a, KEY_OFFSET);
	if (!e)
		e = number_set(a, KEY_OFFSET, offset + (int64_t)n);
	if (e)
		return e;
	if (n == TG_TRANSACTIONS_MAX)
		return ask(a, job);
	job_done(job);
	return OK;
}

const struct job_kind pay_job_stars = {
	.name = "pay_stars", .begin = ask, .answer = stars_answer, .backoff_ms = 30 * SECOND_MS, .backoff_max_ms = 10 * MINUTE_MS,
};
