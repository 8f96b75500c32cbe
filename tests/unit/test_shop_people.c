/* People: who they are, how they are found, banned, made the admin. */
#include "tests/unit/proves.h"

#include <inttypes.h>
#include <string.h>

#include "bot/shop/order_private.h"
#include "bot/shop/admin_claim.h"
#include "tests/unit/people_fixture.c"

static void test_user(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), again = shop_user(s, ANNA, "Anna Maria"), found;
	struct plan p = shop_plan(s, "Month", 30, 0, 1, 0);
	struct order o = gift(s, &u, &p);
	char shown[PUBLIC_ID_CHARS + 3];
	static const char *const nobody[] = { "", "@nobody", "12345", "0000000000", "00000000-0000-4000-8000-000000000000", "x y z" };

	(void)state;
	assert_true(u.is_new && !again.is_new && u.id == again.id);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM users"), 1);
	assert_string_equal(shop_text(s, "SELECT first_name FROM users"), "Anna Maria");
	shop_run(s, "UPDATE users SET username='Anna_1'");
	public_id_show(shown, o.public_id);
	const char *const who[] = { "555000111", "@anna_1", "Anna_1", u.public_id, shown, shop_text(s, "SELECT uuid FROM subscriptions"), shop_text(s, "SELECT email FROM accesses") };
	for (size_t i = 0; i < countof(who); i++) {
		if (user_find(&found, &s->a, str_of(who[i])) != OK || found.id != u.id)
			fail_msg("%s", who[i]);
	}
	for (size_t i = 0; i < countof(nobody); i++)
		assert_int_equal(user_find(&found, &s->a, str_of(nobody[i])), E_NOTFOUND);
	assert_int_equal(user_unreachable(&s->a, ANNA), OK);
	assert_int_equal(user_by_telegram(&found, &s->a, ANNA), OK);
	assert_false(found.reachable);
	shop_user(s, ANNA, "Anna Maria");
	assert_int_equal(user_by_telegram(&found, &s->a, ANNA), OK);
	assert_true(found.reachable);
	shop_free(s);
}

static void test_ban(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 1, 0);
	struct order o = gift(s, &u, &p), ended = gift(s, &u, &p), kept_off = gift(s, &u, &p), extended = gift(s, &u, &p), no;
	struct subscription sub;

	(void)state;
	shop_run(s, arena_printf(&s->arena, "UPDATE subscriptions SET expires_ms=5, enabled=0 WHERE id=%" PRId64, ended.subscription_id));
	shop_run(s, arena_printf(&s->arena, "UPDATE subscriptions SET expires_ms=5, enabled=0 WHERE id=%" PRId64, extended.subscription_id));
	/* switched off on the panel, and an admin said that it stays so */
	shop_run(s, arena_printf(&s->arena, "UPDATE subscriptions SET enabled=0 WHERE id=%" PRId64, kept_off.subscription_id));
	assert_int_equal(user_set_banned(&s->a, u.id, true), OK);
	assert_false(sub_of(s, o.subscription_id).enabled);
	assert_int_equal(user_get(&u, &s->a, u.id), OK);
	assert_int_equal(order_open(&no, &s->a, &u, &p, NULL), E_REFUSED);
	sub = sub_of(s, extended.subscription_id); /* more time opens nothing to who is banned */
	assert_int_equal(sub_extend(&s->a, &sub, 7 * DAY_MS), OK);
	assert_false(sub_of(s, extended.subscription_id).enabled);
	assert_int_equal(user_set_banned(&s->a, u.id, true), OK); /* twice is once */
	assert_int_equal(user_set_banned(&s->a, u.id, false), OK);
	assert_true(sub_of(s, o.subscription_id).enabled);
	assert_true(sub_of(s, extended.subscription_id).enabled);
	assert_false(sub_of(s, ended.subscription_id).enabled);
	assert_false(sub_of(s, kept_off.subscription_id).enabled);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM subscriptions WHERE ban_stopped=1"), 0);
	shop_free(s);
}

/* A ban reaches all that somebody owns, also what no screen has room for. */
static void test_ban_of_many(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 1, 0);

	(void)state;
	for (int i = 0; i < SUBS_PER_USER_MAX + 5; i++)
		gift(s, &u, &p);
	assert_int_equal(user_set_banned(&s->a, u.id, true), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM subscriptions WHERE enabled=1"), 0);
	assert_int_equal(user_set_banned(&s->a, u.id, false), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM subscriptions WHERE enabled=0"), 0);
	shop_free(s);
}

static void test_public_id(void **state)
{
	static const char *const typed[] = { "A7K2-9QX4-M1", "a7k29qx4m1", "A7K2 9QX4 MI", " a7k2-9qx4-ml " };
	static const char *const wrong[] = { "", "A7K2-9QX4-M", "A7K2-9QX4-M12", "A7K2-9QX4-MU", "A7K2_9QX4_M1" };
	char id[PUBLIC_ID_CHARS + 1], shown[PUBLIC_ID_CHARS + 3];

	(void)state;
	for (size_t i = 0; i < countof(typed); i++) {
		assert_int_equal(public_id_read(id, str_of(typed[i])), OK);
		assert_string_equal(id, "A7K29QX4M1");
	}
	for (size_t i = 0; i < countof(wrong); i++)
		assert_int_equal(public_id_read(id, str_of(wrong[i])), E_INVALID);
	public_id_show(shown, "A7K29QX4M1");
	assert_string_equal(shown, "A7K2-9QX4-M1");
}

static enum err count_admin(struct act *a, const struct user *admin, void *ctx)
{
	(void)a;
	assert(admin->is_admin);
	++*(int *)ctx;
	return OK;
}

static void test_claim(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), b = shop_user(s, BORIS, "Boris");
	char code[ADMIN_CLAIM_CHARS + 1];
	bool wanted;
	int admins = 0;

	(void)state;
	assert_int_equal(admin_claim_is_wanted(&wanted, &s->a), OK);
	assert_true(wanted);
	assert_int_equal(admin_claim_redeem(&s->a, &u, STR("00000000000000000000000000")), E_REFUSED);
	assert_int_equal(admin_claim_create(code, &s->a), OK);
	assert_int_equal(admin_claim_redeem(&s->a, &u, STR("00000000000000000000000000")), E_REFUSED);
	shop_wait(s, ADMIN_CLAIM_MS);
	assert_int_equal(admin_claim_redeem(&s->a, &u, str_of(code)), E_REFUSED); /* an hour is over */
	assert_int_equal(admin_claim_create(code, &s->a), OK);
	assert_int_equal(admin_claim_redeem(&s->a, &u, str_of(code)), OK);
	assert_int_equal(admin_claim_redeem(&s->a, &b, str_of(code)), E_REFUSED); /* once */
	assert_true(u.is_admin && !b.is_admin);
	assert_int_equal(admin_claim_is_wanted(&wanted, &s->a), OK);
	assert_false(wanted);
	s->config.admins[s->config.admins_count++] = BORIS;
	s->config.admins[s->config.admins_count++] = 777; /* has never written */
	assert_int_equal(user_each_admin(&s->a, count_admin, &admins), OK);
	assert_int_equal(admins, 2);
	shop_free(s);
}



int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_user, ""),
		proves(test_ban, ""),
		proves(test_ban_of_many, ""),
		proves(test_public_id, ""),
		proves(test_claim, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
