/* Messages nobody asked for at this moment: money, keys, waiting, reminders. */
#include "bot/screens/screens_hooks.h"

#include <string.h>

#include "bot/screens/buy_private.h"

#define REMINDER_FRESH_MS (12 * HOUR_MS)

static const char *about_reminder(struct act *a, int64_t subscription_id)
{
	return arena_printf(a->arena, "remind:%lld", (long long)subscription_id);
}

static struct send_as as_money(const char *about)
{
	return (struct send_as){ .lane = LANE_INTERACTIVE, .unknown = UNKNOWN_AGAIN, .about = about };
}

static enum err begin_to_buyer(struct screen *s, struct act *a, const struct order *o)
{
	struct user buyer;
	enum err e = user_get(&buyer, a, o->user_id);

	if (!e)
		screen_begin_for(s, a, &buyer);
	return e;
}

static bool is_free(const struct order *o)
{
	return o->kind == ORDER_TRIAL || o->kind == ORDER_GRANT;
}

/* --- orders --- */

/* No money, no receipt: the tap was answered, the gift speaks for itself. */
static enum err on_paid(struct act *a, const struct order *o)
{
	struct send_as as = as_money(about_order(a, o));
	struct payment_row paid;
	struct screen s;
	enum err e;

	if (is_free(o))
		return OK;
	e = o->subscription_id ? outbox_retract(a, about_reminder(a, o->subscription_id)) : OK;
	if (!e)
		e = payment_of_order(&paid, a, o->id);
	if (!e)
		e = begin_to_buyer(&s, a, o);
	if (e)
		return e;
	screen_text(&s, "pay.receipt", T_STR("price", word_money(a, &s.to, paid.amount_minor, paid.currency)), T_STR("order", word_order(a, o)));
	screen_text(&s, o->kind == ORDER_RENEW ? "pay.paid_renewing" : "pay.paid_creating");
	return screen_send(&s, &as);
}

static enum err on_waits(struct act *a, const struct order *o)
{
	struct send_as as = as_money(about_order(a, o));
	struct screen s;
	enum err e = begin_to_buyer(&s, a, o);

	if (e)
		return e;
	if (is_free(o))
		screen_text(&s, "pay.waits");
	else
		screen_text(&s, "pay.safe_retrying", T_STR("order", word_order(a, o)));
	return screen_send(&s, &as);
}

/* With the amount: it stands for a receipt that could not be sent before. */
static enum err order_line(struct screen *s, const struct order *o)
{
	struct payment_row paid;
	enum err e = is_free(o) ? E_NOTFOUND : payment_of_order(&paid, s->a, o->id);

	if (e && e != E_NOTFOUND)
		return e;
	if (e)
		screen_text(s, "order.number", T_STR("order", word_order(s->a, o)));
	else
		screen_text(s, "deliver.order", T_STR("order", word_order(s->a, o)), T_STR("price", word_money(s->a, &s->to, paid.amount_minor, paid.currency)));
	return OK;
}

static void ready_text(struct screen *s, const struct order *o, const struct subscription *sub, bool same_link)
{
	const char *key = o->kind == ORDER_GRANT ? "deliver.gift" : o->kind != ORDER_RENEW ? "deliver.ready" : same_link ? "deliver.renewed" : "deliver.renewed_anew";

	screen_text_list(s, key, (const struct i18n_arg[]){ T_STR("plan", o->plan_name), T_DATE("until", sub->expires_ms), { 0 } });
}

/* The link stays: nothing to hand out. */
static enum err send_as_before(struct screen *s, const struct subscription *sub, const char *about)
{
	struct send_as as = as_money(about);

	screen_button(s, "sub", sub->public_id, NULL, "button.my");
	screen_button(s, "connect", sub->public_id, NULL, "button.connect");
	return screen_send(s, &as);
}

static enum err on_delivered(struct act *a, const struct order *o)
{
	struct delivery d = { .about = about_order(a, o) };
	struct subscription sub;
	struct screen s;
	bool same_link = false;
	enum err e = sub_get(&sub, a, o->subscription_id);

	if (!e)
		e = order_kept_access(&same_link, a, o);
	if (!e)
		e = access_links(&d.links, a, sub.id);
	if (!e)
		e = outbox_retract(a, d.about); /* it is no longer being created */
	if (!e)
		e = begin_to_buyer(&s, a, o);
	if (e)
		return e;
	ready_text(&s, o, &sub, same_link);
	e = order_line(&s, o);
	if (e) {
		screen_drop(&s);
		return e;
	}
	d.public_id = str_of(sub.public_id);
	return same_link ? send_as_before(&s, &sub, d.about) : deliver_links(&s, &d);
}

enum err screens_access_replaced(struct act *a, int64_t subscription_id, bool elsewhere)
{
	struct delivery d = { .about = NULL };
	struct subscription sub;
	struct user owner;
	struct plan plan;
	struct screen s;
	enum err e = sub_get(&sub, a, subscription_id);

	if (!e)
		e = user_get(&owner, a, sub.user_id);
	if (!e)
		e = plan_get(&plan, a, sub.plan_id);
	if (!e)
		e = access_links(&d.links, a, sub.id);
	if (e)
		return e;
	d.public_id = str_of(sub.public_id);
	screen_begin_for(&s, a, &owner);
	screen_text_list(&s, elsewhere ? "deliver.moved" : "deliver.new_link", (const struct i18n_arg[]){ T_STR("plan", plan.name), { 0 } });
	return deliver_links(&s, &d);
}

const struct order_hooks screens_order_hooks = { .paid = on_paid, .delivered = on_delivered, .waits = on_waits };

/* --- payments --- */

static enum err on_invoice_ready(struct act *a, const struct invoice *i, const struct order *o)
{
	struct user buyer;
	struct screen s;
	enum err e = user_get(&buyer, a, o->user_id);

	if (e)
		return e;
	screen_begin_for(&s, a, &buyer);
	e = invoice_text(&s, i, o);
	if (!e)
		return screen_show_for(&s, &buyer, order_asks(a, o));
	screen_drop(&s);
	return e;
}

static enum err on_invoice_failed(struct act *a, const struct invoice *i, const struct order *o)
{
	struct user buyer;
	struct screen s;
	size_t ways;
	enum err e = user_get(&buyer, a, o->user_id);

	(void)i;
	if (e)
		return e;
	screen_begin_for(&s, a, &buyer);
	screen_text(&s, "pay.no_answer");
	screen_text(&s, "order.number", T_STR("order", word_order(a, o)));
	e = way_buttons(&ways, &s, o, "pay", o->public_id, NULL);
	if (!e) {
		screen_row(&s);
		screen_button(&s, "order", o->public_id, NULL, "button.order");
		return screen_show_for(&s, &buyer, order_asks(a, o));
	}
	screen_drop(&s);
	return e;
}

static const char *reason_key(struct act *a, const struct i18n_to *to, const char *reason)
{
	const char *key = arena_printf(a->arena, "pay.reason.%s", reason ? reason : "other");

	return i18n_has(to->texts, key) ? key : "pay.reason.other";
}

static enum err on_set_aside(struct act *a, const struct payment_row *p, const struct user *u)
{
	struct send_as as = as_money(NULL);
	struct screen s;

	if (!u) /* nobody we know: a matter of the admins alone */
		return OK;
	screen_begin_for(&s, a, u);
	screen_text(&s, "pay.suspense", T_STR("price", word_money(a, &s.to, p->amount_minor, p->currency)), T_KEY("reason", reason_key(a, &s.to, p->reason)));
	screen_button(&s, "support", NULL, NULL, "button.support");
	return screen_send(&s, &as);
}

static enum err on_kept(struct act *a, const struct payment_row *p)
{
	struct send_as as = as_money(NULL);
	struct user payer;
	struct screen s;
	enum err e = p->user_id ? user_get(&payer, a, p->user_id) : E_NOTFOUND;

	if (e)
		return e == E_NOTFOUND ? OK : e;
	screen_begin_for(&s, a, &payer);
	screen_text(&s, "pay.kept", T_STR("price", word_money(a, &s.to, p->amount_minor, p->currency)));
	screen_button(&s, "support", NULL, NULL, "button.support");
	return screen_send(&s, &as);
}

static enum err access_after_refund(struct screen *s, const struct order *o)
{
	struct subscription sub;
	enum err e = o->subscription_id ? sub_get(&sub, s->a, o->subscription_id) : E_NOTFOUND;

	if (e)
		return e == E_NOTFOUND ? OK : e;
	if (sub.gone)
		screen_text(s, "pay.refunded_revoked");
	else
		screen_text(s, "pay.refunded_shortened", T_DATE("until", sub.expires_ms));
	return OK;
}

/* Money that fitted no order goes back too: then there is no access to speak of. */
static enum err refund_text(struct screen *s, const struct payment_row *p)
{
	struct str price = word_money(s->a, &s->to, p->amount_minor, p->currency);
	struct order order;
	enum err e = p->order_id ? order_get(&order, s->a, p->order_id) : E_NOTFOUND;

	if (e == E_NOTFOUND) {
		screen_text(s, "pay.refunded_loose", T_STR("price", price));
		return OK;
	}
	if (!e && order.state == ORDER_REFUNDED) /* else it was paid twice, and what it brought is on its way */
		e = outbox_retract(s->a, about_order(s->a, &order));
	if (e)
		return e;
	screen_text(s, "pay.refunded", T_STR("price", price), T_STR("order", word_order(s->a, &order)));
	return order.state == ORDER_REFUNDED ? access_after_refund(s, &order) : OK;
}

static enum err on_refunded(struct act *a, const struct payment_row *p)
{
	struct send_as as = as_money(NULL);
	struct user buyer;
	struct screen s;
	enum err e = p->user_id ? user_get(&buyer, a, p->user_id) : E_NOTFOUND;

	if (e)
		return e == E_NOTFOUND ? OK : e;
	screen_begin_for(&s, a, &buyer);
	e = refund_text(&s, p);
	if (!e)
		return screen_send(&s, &as);
	screen_drop(&s);
	return e;
}

const struct pay_hooks screens_pay_hooks = {
	.invoice_ready = on_invoice_ready,
	.invoice_failed = on_invoice_failed,
	.set_aside = on_set_aside,
	.kept = on_kept,
	.refunded = on_refunded,
};

/* --- reminders: the button inside leads to the way of paying --- */

static void remind_days(struct screen *s, const struct look *l, int days)
{
	screen_text(s, "remind.days", T_STR("plan", l->plan), T_INT("count", days), T_DATE("until", l->sub.expires_ms));
}

static void remind_3d(struct screen *s, const struct look *l)
{
	remind_days(s, l, 3);
}

static void remind_1d(struct screen *s, const struct look *l)
{
	remind_days(s, l, 1);
}

/* It does not work any more; what a renewal would do is said only while it would. */
static void remind_off(struct screen *s, const struct look *l)
{
	if (l->kept_until_ms > s->a->now_ms)
		screen_text(s, "remind.expired", T_STR("plan", l->plan), T_MOMENT("kept", l->kept_until_ms));
	else
		screen_text(s, "remind.expired_gone", T_STR("plan", l->plan));
}

static void remind_end(struct screen *s, const struct look *l)
{
	if (l->sub.grace_until_ms > s->a->now_ms) /* Telegram may be reachable only through this access: say how long */
		screen_text(s, "remind.expired_grace", T_STR("plan", l->plan), T_MOMENT("grace", l->sub.grace_until_ms));
	else
		remind_off(s, l);
}

static void remind_80(struct screen *s, const struct look *l)
{
	screen_text(s, "remind.traffic", T_STR("plan", l->plan), T_INT("percent", 80), T_BYTES("used", l->sub.used_bytes), T_BYTES("quota", l->sub.quota_bytes));
}

static void remind_90(struct screen *s, const struct look *l)
{
	screen_text(s, "remind.traffic", T_STR("plan", l->plan), T_INT("percent", 90), T_BYTES("used", l->sub.used_bytes), T_BYTES("quota", l->sub.quota_bytes));
}

static void remind_100(struct screen *s, const struct look *l)
{
	screen_text(s, "remind.traffic_over", T_STR("plan", l->plan), T_BYTES("quota", l->sub.quota_bytes));
}

static const struct { const char *kind; void (*text)(struct screen *s, const struct look *l); } reminders[] = {
	{ "3d", remind_3d },
	{ "1d", remind_1d },
	{ "end", remind_end },
	{ "grace", remind_off }, /* grace is over: it does not work any more */
	{ "80", remind_80 },
	{ "90", remind_90 },
	{ "100", remind_100 },
};

enum err screens_remind(struct act *a, const struct user *u, const struct reminder *r)
{
	struct send_as as = { .lane = LANE_REST, .unknown = UNKNOWN_SKIP, .about = about_reminder(a, r->sub->id), .expires_ms = a->now_ms + REMINDER_FRESH_MS };
	struct look look;
	struct screen s;
	enum err e = look_at(&look, a, r->sub);

	if (e)
		return e;
	for (size_t i = 0; i < countof(reminders); i++) {
		if (strcmp(reminders[i].kind, r->kind) != 0)
			continue;
		screen_begin_for(&s, a, u);
		reminders[i].text(&s, &look);
		s.style = TG_STYLE_PRIMARY;
		screen_button(&s, "renew", r->sub->public_id, NULL, "button.renew");
		return screen_send(&s, &as);
	}
	return OK;
}

/* --- web accounts --- */

enum err screens_session_stolen(struct act *a, const struct user *u)
{
	struct send_as as = { .lane = LANE_INTERACTIVE, .unknown = UNKNOWN_AGAIN };
	struct screen s;

	if (!u->telegram_id)
		return OK;
	screen_begin_for(&s, a, u);
	screen_text(&s, "web.stolen");
	return screen_send(&s, &as);
}
