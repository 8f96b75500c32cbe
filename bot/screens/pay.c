/* One attempt to pay: Stars are an invoice message of their own, the others a page whose address comes later. */
#include "bot/screens/buy_private.h"

#include "lib/base/log.h"
#include "lib/telegram/tg_call.h"

/* --- Stars --- */

static struct str invoice_description(struct act *a, const struct i18n_to *to, const struct order *o)
{
	struct str number = word_order(a, o);

	if (!o->days)
		return i18n_new_text(a->arena, to, "invoice.description_endless", T_STR("order", number));
	if (o->kind == ORDER_RENEW)
		return i18n_new_text(a->arena, to, "invoice.description_renewal", T_STR("order", number), T_SPAN("span", o->days * DAY_MS));
	return i18n_new_text(a->arena, to, "invoice.description", T_STR("order", number), T_SPAN("span", o->days * DAY_MS));
}

/* Sent again when the outcome is unknown: pre-checkout refuses a second payment. */
static void send_invoice(struct talk *t, const struct order *o, const struct invoice *i)
{
	struct outgoing out = { .method = TG_SEND_INVOICE, .chat_id = t->chat_id, .unknown = UNKNOWN_AGAIN, .expires_ms = i->expires_ms,
		.about = order_asks(t->a, o) };
	struct buf payload;

	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_send_invoice(&payload, &(struct tg_invoice){
		.chat_id = t->chat_id,
		.title = str_of(o->plan_name),
		.text = invoice_description(t->a, &t->to, o),
		.label = str_of(o->plan_name),
		.payload = str_of(i->public_id),
		.stars = i->amount_minor,
	});
	out.payload = str_n(arena_strndup(t->a->arena, payload.at, payload.len), payload.len);
	buf_release(&payload);
	outbox_add(t->a, &out);
}

/* --- providers with a page --- */

enum err invoice_text(struct screen *s, const struct invoice *i, const struct order *o)
{
	screen_text(s, "pay.ready", T_STR("way", word_way(s->a, &s->to, i->provider)),
		T_STR("price", word_money(s->a, &s->to, i->amount_minor, i->currency)), T_STR("order", word_order(s->a, o)));
	screen_text(s, "pay.ready_until", T_MOMENT("until", i->expires_ms));
	s->style = TG_STYLE_PRIMARY;
	if (!screen_button_url(s, "button.pay_page", i->url))
		log_warn("pay.bad_page", KV("provider", i->provider));
	s->style = TG_STYLE_NONE;
	screen_row(s);
	screen_button(s, "order", o->public_id, NULL, "button.other_way");
	return OK;
}

static enum err page_show(struct talk *t, const struct order *o, const struct invoice *i)
{
	struct screen s;

	screen_begin(&s, t);
	if (i->url) {
		invoice_text(&s, i, o);
	} else { /* invoice_ready or invoice_failed goes on from here */
		screen_text(&s, "pay.preparing");
		screen_button(&s, "order", o->public_id, NULL, "button.other_way");
	}
	return screen_show(&s);
}

/* --- */

enum err pay_begin(struct talk *t, struct order *o, struct str provider)
{
	const struct pay_provider *row = pay_provider_find(provider);
	struct invoice invoice;
	bool kept_off;
	enum err e;

	if (o->state != ORDER_OPEN)
		return order_show(t, o, NULL);
	e = order_is_kept_off(&kept_off, t->a, o);
	if (e || kept_off)
		return e ? e : order_show(t, o, "renew.kept_off");
	e = row ? invoice_open(&invoice, t->a, o, row->name) : E_NOTFOUND;
	if (e == E_NOTFOUND)
		return order_show(t, o, "pay.no_answer");
	if (e)
		return refused_show(t, e);
	if (row->flow == PAY_FLOW_PAGE)
		return page_show(t, o, &invoice);
	send_invoice(t, o, &invoice);
	return order_show(t, o, "pay.stars_below");
}

enum err tap_pay(struct talk *t, struct str id, struct str arg)
{
	struct order order;
	enum err e;

	if (shop_is_closed(t, &e))
		return e;
	e = own_order(&order, t, id);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return pay_begin(t, &order, arg);
}
