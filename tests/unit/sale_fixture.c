/* A sale in the shop of shop_fixture.c: included by the tests that use it. */
#include "tests/unit/shop_fixture.c"

#define ANNA 555000111
#define BORIS 555000222

/* Anna, a plan of 30 days for 350 Stars or 299 roubles, her open order and its Stars invoice. */
struct sale {
	struct shop *s;
	struct user anna, admin;
	struct plan plan;
	struct order order;
	struct invoice invoice;
};

static struct sale sale_new(void)
{
	struct sale t = { .s = shop_new() };

	t.anna = shop_user(t.s, ANNA, "Anna");
	t.admin = shop_user(t.s, 1, "Admin");
	t.plan = shop_plan(t.s, "Month", 30, 100 * GIB_BYTES, 350, 29900);
	t.order = shop_order(t.s, &t.anna, &t.plan);
	assert_int_equal(invoice_open(&t.invoice, &t.s->a, &t.order, "stars"), OK);
	return t;
}

static void sale_end(struct sale *t)
{
	shop_check_books(t->s);
	assert_true(i18n_faults() == 0);
	shop_free(t->s);
}

static const char *state_of_order(struct sale *t)
{
	return shop_text(t->s, "SELECT state FROM orders ORDER BY id LIMIT 1");
}

static void buy(struct sale *t)
{
	assert_int_equal(shop_stars(t->s, ANNA, t->invoice.public_id, 350, "chg1"), OK);
	shop_panels_agree(t->s);
}
