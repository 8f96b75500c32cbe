/* An order of Anna's with an invoice of Crypto Pay's, in the shop of shop_fixture.c: included by the tests that use it. */
#include <inttypes.h>
#include <string.h>

#include "tests/unit/shop_fixture.c"

#define ANNA 555000111

struct sale {
	struct shop *s;
	struct user anna, admin;
	struct plan plan;
	struct order order;
	struct invoice invoice;
	char subject[24];
};

static struct sale sale_new(void)
{
	struct sale t = { .s = shop_new() };

	t.anna = shop_user(t.s, ANNA, "Anna");
	t.admin = shop_user(t.s, 1, "Admin");
	t.plan = shop_plan(t.s, "Month", 30, 0, 350, 29900);
	t.order = shop_order(t.s, &t.anna, &t.plan);
	assert_int_equal(invoice_open(&t.invoice, &t.s->a, &t.order, "crypto_pay"), OK);
	assert_int_equal(t.invoice.state, INVOICE_CREATED);
	snprintf(t.subject, sizeof t.subject, "%" PRId64, t.invoice.id);
	return t;
}

static void sale_end(struct sale *t)
{
	shop_check_books(t->s);
	assert_true(i18n_faults() == 0);
	shop_free(t->s);
}

static enum job_next create(struct sale *t, int64_t *at_ms)
{
	return shop_job(t->s, &pay_job_create, t->subject, NULL, at_ms);
}

static enum job_next poll(struct sale *t, int64_t *at_ms)
{
	return shop_job(t->s, &pay_job_poll, t->subject, NULL, at_ms);
}

static const char *invoice_state(struct sale *t)
{
	return shop_text(t->s, arena_printf(&t->s->arena, "SELECT state FROM invoices WHERE id=%s", t->subject));
}

static const char *order_state(struct sale *t)
{
	return shop_text(t->s, "SELECT state FROM orders ORDER BY id LIMIT 1");
}

static int64_t provider_id(struct sale *t)
{
	struct cryptopay_view view;

	assert_true(cryptopay_sim_find(&view, NULL, t->s->crypto, t->invoice.public_id));
	return view.id;
}

static struct str path(struct sale *t)
{
	return pay_callback_path(&t->s->a, &pay_crypto_pay);
}
