/* People who buy and are given things in the shop of shop_fixture.c: included by the tests that use it. */
#include <inttypes.h>

#include "tests/unit/shop_fixture.c"

#define ANNA 555000111
#define BORIS 555000222

static struct order gift(struct shop *s, const struct user *u, const struct plan *p)
{
	struct order o;

	assert_int_equal(order_grant(&o, &s->a, u, p, 0, NULL), OK);
	shop_panels_agree(s);
	return o;
}

static struct subscription sub_of(struct shop *s, int64_t id)
{
	struct subscription sub;

	assert_int_equal(sub_get(&sub, &s->a, id), OK);
	return sub;
}

static struct order pay(struct shop *s, const struct user *u, const struct plan *p, const struct subscription *renews, const char *charge)
{
	struct order o;
	struct invoice i;

	assert_int_equal(order_open(&o, &s->a, u, p, renews), OK);
	assert_int_equal(invoice_open(&i, &s->a, &o, "stars"), OK);
	assert_int_equal(shop_stars(s, u->telegram_id, i.public_id, i.amount_minor, charge), OK);
	assert_int_equal(order_get(&o, &s->a, o.id), OK);
	return o;
}

static inline struct order buy(struct shop *s, const struct user *u, const struct plan *p, const struct subscription *renews, const char *charge)
{
	struct order o = pay(s, u, p, renews, charge);

	shop_panels_agree(s);
	assert_int_equal(order_get(&o, &s->a, o.id), OK);
	return o;
}
