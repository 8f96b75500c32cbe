/* Money in an admin's hands: payments, those that wait for a decision, refunds. Ledger and audit of money are written
 * where it moves (bot/shop); here it is shown and asked about.
 *
 * A decision's subject is "PAYMENT:WHAT[:ORDER]". */
#include "bot/admin/admin_private.h"

static struct str order_word(struct act *a, int64_t order_id)
{
	struct order o;

	return !order_id || order_get(&o, a, order_id) ? STR("–") : word_public_id(a, o.public_id);
}

static struct str payer_word(struct act *a, const struct payment_row *p)
{
	struct user u;

	return admin_user_word(a, !p->user_id || user_get(&u, a, p->user_id) ? NULL : &u);
}

static const char *reason_key(struct act *a, const struct payment_row *p)
{
	return arena_printf(a->arena, "admin.payments.reason.%s", p->reason ? p->reason : "none");
}

static bool waits(const struct payment_row *p)
{
	return p->suspense_id && str_is(str_of(p->state), "suspense");
}

/* --- one payment --- */

static void suspense_buttons(struct screen *s, const struct payment_row *p)
{
	const char *id = word_number(s->a, p->id);

	screen_button(s, "a_sus", id, "deliver", "button.deliver");
	screen_button(s, "a_sus", id, "apply", "button.apply");
	screen_row(s);
	screen_button(s, "a_sus", id, "refund", "button.refund");
	screen_button(s, "a_sus", id, "keep", "button.keep");
}

static void suspense_text(struct screen *s, const struct payment_row *p)
{
	screen_text(s, "admin.payments.suspense", T_STR("price", word_money(s->a, &s->to, p->amount_minor, p->currency)),
		T_STR("user", payer_word(s->a, p)), T_STR("way", word_way(s->a, &s->to, p->provider)), T_MOMENT("at", p->paid_ms),
		T_KEY("reason", reason_key(s->a, p)), T_STR("order", order_word(s->a, p->order_id)));
}

static void line(struct screen *s, const struct payment_row *p)
{
	screen_text(s, "admin.payments.line", T_MOMENT("at", p->paid_ms), T_STR("price", word_money(s->a, &s->to, p->amount_minor, p->currency)),
		T_STR("way", word_way(s->a, &s->to, p->provider)), T_STR("order", order_word(s->a, p->order_id)),
		T_KEY("state", arena_printf(s->a->arena, "admin.payments.state.%s", p->state)));
}

static enum err show_payment(struct talk *t, const struct payment_row *p)
{
	struct screen s;

	screen_begin(&s, t);
	if (waits(p)) {
		suspense_text(&s, p);
		suspense_buttons(&s, p);
		return screen_show(&s);
	}
	line(&s, p);
	screen_text(&s, "admin.payments.reference", T_STR("reference", p->reference), T_STR("user", payer_word(t->a, p)));
	if (str_is(str_of(p->state), "applied"))
		screen_button(&s, "a_refund", word_number(t->a, p->id), NULL, "button.refund");
	return screen_show(&s);
}

static enum err find_payment(struct payment_row *out, struct act *a, struct str id)
{
	int64_t n;

	return str_to_i64(&n, id) ? E_NOTFOUND : payment_get(out, a, n);
}

enum err admin_on_payment(struct talk *t, struct str id, struct str arg)
{
	struct payment_row p;
	enum err e = find_payment(&p, t->a, id);

	(void)arg;
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return show_payment(t, &p);
}

/* --- the list: what waits for a decision stands on top --- */

static enum err waiting_text(struct screen *s)
{
	int64_t ids[LINES_MAX], all = 0;
	size_t count = 0;
	struct db_rows r;
	enum err e = db_get_i64(&all, s->a->tx, "SELECT count(*) FROM suspense WHERE state='open'");

	if (e)
		return e;
	db_select(&r, s->a->tx, "SELECT payment_id FROM suspense WHERE state='open' ORDER BY id LIMIT ?1", LINES_MAX);
	while (count < LINES_MAX && db_next(&r))
		ids[count++] = db_i64(&r, 0);
	e = db_end(&r);
	if (!e && count)
		screen_text(s, "admin.payments.suspense_title", T_INT("count", all));
	for (size_t i = 0; !e && i < count; i++) {
		struct payment_row p;

		e = payment_get(&p, s->a, ids[i]);
		if (e)
			return e;
		suspense_text(s, &p);
		screen_row(s);
		screen_button_text(s, "a_pay", word_number(s->a, p.id), NULL, word_money(s->a, &s->to, p.amount_minor, p.currency));
	}
	if (!e)
		admin_more(s, all - (int64_t)count);
	return e;
}

static enum err payments_text(struct screen *s)
{
	struct payment_row *list = arena_array(s->a->arena, struct payment_row, LINES_MAX);
	size_t count;
	enum err e = payment_list(list, &count, LINES_MAX, s->a, 0);

	if (e)
		return e;
	if (!count)
		screen_text(s, "admin.payments.none");
	for (size_t i = 0; i < count; i++)
		if (!waits(&list[i]))
			line(s, &list[i]);
	return OK;
}

enum err admin_cmd_payments(struct talk *t, struct str args)
{
	struct screen s;
	enum err e;

	(void)args;
	screen_begin(&s, t);
	screen_text(&s, "admin.payments.title");
	e = waiting_text(&s);
	if (!e)
		e = payments_text(&s);
	if (e) {
		screen_drop(&s);
		return e;
	}
	return screen_show(&s);
}

/* --- decisions --- */

static const struct decision {
	const char *name, *key;
	enum suspense_act act;
} decisions[] = {
	{ "deliver", "admin.payments.decision.deliver", SUSPENSE_DELIVER },
	{ "apply",   "admin.payments.decision.apply",   SUSPENSE_APPLY },
	{ "refund",  "admin.payments.decision.refund",  SUSPENSE_REFUND },
	{ "keep",    "admin.payments.decision.keep",    SUSPENSE_KEEP },
};

static const struct decision *find_decision(struct str name)
{
	for (size_t i = 0; i < countof(decisions); i++)
		if (str_is(name, decisions[i].name))
			return &decisions[i];
	return NULL;
}

static enum err ask_decision(struct talk *t, const struct payment_row *p, const struct decision *d, const struct order *o)
{
	struct screen s;

	screen_begin(&s, t);
	suspense_text(&s, p);
	screen_text(&s, "admin.payments.decide", T_KEY("decision", d->key), T_STR("order", o ? word_public_id(t->a, o->public_id) : STR("–")));
	return confirm_show(&s, "suspense", arena_printf(t->a->arena, "%lld:%s%s%s", (long long)p->id, d->name, o ? ":" : "", o ? o->public_id : ""), NULL);
}

enum err admin_on_suspense(struct talk *t, struct str id, struct str arg)
{
	const struct decision *d = find_decision(arg);
	struct payment_row p;
	enum err e = d ? find_payment(&p, t->a, id) : E_NOTFOUND;

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	if (!waits(&p))
		return admin_say(t, "admin.payments.was_decided");
	if (d->act == SUSPENSE_APPLY)
		return admin_ask(t, "admin.payments.ask_order", "a_apply", word_number(t->a, p.id));
	return ask_decision(t, &p, d, NULL);
}

enum err admin_typed_apply(struct talk *t, struct str state, struct str text)
{
	struct payment_row p;
	struct screen s;
	struct order o;
	enum err e = find_payment(&p, t->a, state);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	e = order_find(&o, t->a, text);
	if (e == E_NOTFOUND) {
		screen_begin(&s, t);
		screen_text(&s, "admin.order.not_found", T_STR("order", utf8_head(utf8_clean(t->a->arena, text), NAME_POINTS_MAX)));
		return screen_show(&s);
	}
	if (!e)
		e = talk_expect_nothing(t);
	return e ? e : ask_decision(t, &p, find_decision(STR("apply")), &o);
}

static enum err cannot_refund(struct talk *t, const struct payment_row *p)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.refund.not_possible", T_STR("way", word_way(t->a, &s.to, p->provider)));
	return screen_show(&s);
}

enum err admin_do_suspense(struct talk *t, struct str subject, const char *reason)
{
	struct str id = str_cut(&subject, ':');
	const struct decision *d = find_decision(str_cut(&subject, ':'));
	struct payment_row p;
	struct order o = { 0 };
	struct screen s;
	enum err e = d ? find_payment(&p, t->a, id) : E_NOTFOUND;

	(void)reason;
	if (!e && subject.len)
		e = order_find(&o, t->a, subject);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	e = suspense_decide(t->a, p.suspense_id, d->act, o.id, &t->user);
	if (e == E_CONFLICT)
		return admin_say(t, "admin.payments.was_decided");
	if (e == E_REFUSED)
		return cannot_refund(t, &p);
	if (e == E_NOROOM)
		return admin_say(t, "admin.grant.full");
	if (e)
		return e == E_NOTFOUND ? admin_say(t, "admin.payments.no_order") : e;
	screen_begin(&s, t);
	screen_text(&s, "admin.payments.decided", T_KEY("decision", d->key));
	return screen_show(&s);
}

/* --- refunds: the reason is asked for, then the confirmation --- */

static enum err ask_reason(struct talk *t, const struct payment_row *p)
{
	if (!str_is(str_of(p->state), "applied"))
		return admin_say(t, str_is(str_of(p->state), "suspense") ? "admin.refund.waits" : "admin.refund.was_done");
	return admin_ask(t, "admin.refund.ask_reason", "a_refund", word_number(t->a, p->id));
}

/* The payment that paid this order; where none did, the newest about it. */
static enum err paid_by(struct payment_row *out, struct act *a, const struct order *o)
{
	size_t count;
	enum err e = payment_of_order(out, a, o->id);

	if (e != E_NOTFOUND)
		return e;
	e = payment_list(out, &count, 1, a, o->id);
	return e || count ? e : E_NOTFOUND;
}

enum err admin_cmd_refund(struct talk *t, struct str args)
{
	struct payment_row p;
	struct screen s;
	struct order o;
	enum err e;

	if (!args.len)
		return admin_say(t, "admin.refund.usage");
	e = order_find(&o, t->a, args);
	if (e == E_NOTFOUND) {
		screen_begin(&s, t);
		screen_text(&s, "admin.order.not_found", T_STR("order", utf8_head(utf8_clean(t->a->arena, args), NAME_POINTS_MAX)));
		return screen_show(&s);
	}
	if (!e)
		e = paid_by(&p, t->a, &o);
	if (e)
		return e == E_NOTFOUND ? admin_say(t, "admin.refund.unpaid") : e;
	return ask_reason(t, &p);
}

enum err admin_on_refund(struct talk *t, struct str id, struct str arg)
{
	struct payment_row p;
	enum err e = find_payment(&p, t->a, id);

	(void)arg;
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return ask_reason(t, &p);
}

enum err admin_typed_refund(struct talk *t, struct str state, struct str text)
{
	struct str reason = utf8_head_bytes(str_trim(utf8_clean(t->a->arena, text)), AUDIT_TEXT_BYTES_MAX);
	struct payment_row p;
	struct screen s;
	enum err e = find_payment(&p, t->a, state);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	if (!reason.len)
		return admin_say(t, "admin.refund.ask_reason");
	e = talk_expect_nothing(t);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.refund.ask", T_STR("price", word_money(t->a, &s.to, p.amount_minor, p.currency)),
		T_STR("order", order_word(t->a, p.order_id)), T_STR("name", payer_word(t->a, &p)), T_STR("way", word_way(t->a, &s.to, p.provider)),
		T_STR("reason", reason));
	return confirm_show(&s, "refund", word_number(t->a, p.id), arena_strndup(t->a->arena, reason.at, reason.len));
}

enum err admin_do_refund(struct talk *t, struct str subject, const char *reason)
{
	struct payment_row p;
	enum err e = find_payment(&p, t->a, subject);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	e = refund_start(t->a, p.id, &t->user, reason ? reason : "");
	if (e == E_CONFLICT)
		return admin_say(t, "admin.refund.was_done");
	if (e == E_REFUSED)
		return cannot_refund(t, &p);
	return e ? e : admin_say(t, "admin.refund.running");
}

/* --- the hooks --- */

static void draw_set_aside(struct screen *s, const void *what)
{
	suspense_text(s, what);
	suspense_buttons(s, what);
}

static void draw_refunded(struct screen *s, const void *what)
{
	const struct payment_row *p = what;

	screen_text(s, "admin.refund.done", T_STR("price", word_money(s->a, &s->to, p->amount_minor, p->currency)), T_STR("order", order_word(s->a, p->order_id)));
}

struct refusal {
	const struct payment_row *payment;
	const char *why;
};

static void draw_refund_failed(struct screen *s, const void *what)
{
	const struct refusal *r = what;

	screen_text(s, "admin.refund.failed", T_STR("way", word_way(s->a, &s->to, r->payment->provider)),
		T_STR("error", utf8_head(utf8_clean(s->a->arena, str_of(r->why)), 300)), T_STR("order", order_word(s->a, r->payment->order_id)));
	screen_button(s, "a_pay", word_number(s->a, r->payment->id), NULL, "button.payment");
}

enum err admin_set_aside(struct act *a, const struct payment_row *p, const struct user *u)
{
	(void)u; /* the payment names the payer, as far as the provider told */
	return admin_tell_all(a, draw_set_aside, p);
}

enum err admin_refunded(struct act *a, const struct payment_row *p)
{
	return admin_tell_all(a, draw_refunded, p);
}

enum err admin_refund_failed(struct act *a, const struct payment_row *p, const char *why)
{
	return admin_tell_all(a, draw_refund_failed, &(struct refusal){ p, why });
}
