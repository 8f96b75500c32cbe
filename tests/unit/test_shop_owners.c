/* Whose something is: pasted links, joined accounts, sessions. */
#include "tests/unit/proves.h"

#include <string.h>

#include "bot/shop/account.h"
#include "bot/shop/order_private.h"
#include "bot/shop/session.h"
#include "tests/unit/people_fixture.c"

#define KEY_32 "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=" /* base64 of 32 letters A, */
#define KEY_16 "QUFBQUFBQUFBQUFBQUFBQQ=="                     /* and of its first half */

static struct user on_the_web(struct shop *s, const char *email)
{
	struct user u;

	assert_int_equal(account_add(&u, &s->a, email, "hash", STR("")), OK);
	return u;
}

/* What belongs to somebody on the web is theirs, whoever has its link; what nobody has a name for goes to who pastes it. */
static void test_pasted_by_somebody_else(void **state)
{
	struct shop *s = shop_new();
	struct user anna = on_the_web(s, "anna@example.com"), boris = shop_user(s, BORIS, "Boris");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = gift(s, &anna, &p);
	struct subscription sub = sub_of(s, o.subscription_id), got;
	char *link = arena_printf(&s->arena, "vless://%s@host.example.org:443?type=tcp#x", sub.uuid);

	(void)state;
	assert_int_equal(sub_claim(&got, &s->a, &boris, str_of(link)), E_CONFLICT);
	assert_int_equal(sub_of(s, sub.id).user_id, anna.id);
	shop_run(s, "DELETE FROM accounts");
	assert_int_equal(sub_claim(&got, &s->a, &boris, str_of(link)), OK);
	assert_int_equal(sub_of(s, sub.id).user_id, boris.id);
	shop_free(s);
}

/* A short Shadowsocks key is the first half of the password, all of it: another key that begins like it is another key. */
static void test_short_key(void **state)
{
	static const struct { const char *key; enum err is; } cases[] = {
		{ KEY_16, OK }, { "QUFBQUFBQUFBQUFBQUFBRQ==", E_NOTFOUND }, { "QUFBQUFBQUFBQUFBQkFBQQ==", E_NOTFOUND }, { "QkJCQkJCQkJCQkJCQkJCQg==", E_NOTFOUND }, { KEY_32, OK },
	};
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = gift(s, &anna, &p);
	struct subscription got;

	(void)state;
	shop_run(s, "UPDATE subscriptions SET password='" KEY_32 "'");
	for (size_t i = 0; i < countof(cases); i++) {
		enum err e = sub_claim(&got, &s->a, &anna, str_of(arena_printf(&s->arena, "trojan://%s@h.example.org:443", cases[i].key)));

		if (e != cases[i].is)
			fail_msg("%s: %s", cases[i].key, err_name(e));
	}
	assert_int_equal(got.id, o.subscription_id);
	shop_free(s);
}

/* All that either owned is the joined one's: subscriptions, orders, a gift that is still on its way; nobody gets it twice. The row
 * that is left is no invited friend of anybody's. */
static void test_joined(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), carl = shop_user(s, BORIS, "Carl"), web = on_the_web(s, "anna@example.com");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = gift(s, &web, &p);
	struct referral_totals totals;
	char code[LINK_CODE_CHARS + 1];
	int64_t id;

	(void)state;
	buy(s, &anna, &p, NULL, "chg1");
	shop_run(s, arena_printf(&s->arena, "UPDATE users SET referred_by=%" PRId64 " WHERE telegram_id IS NULL OR telegram_id=%d", carl.id, ANNA));
	shop_run(s, arena_printf(&s->arena, "INSERT INTO grant_lists(id, admin_id, chat_id, plan_id, started_ms, created_ms) VALUES(1, %" PRId64 ", 1, 1, 1, 1), (2, %" PRId64 ", 1, 1, 1, 1);"
		"INSERT INTO grants(list_id, place, who, user_id) VALUES(1, 1, 'web', %" PRId64 "), (2, 1, 'web', %" PRId64 "), (2, 2, 'anna', %" PRId64 ")",
		carl.id, carl.id, web.id, web.id, anna.id));
	assert_int_equal(link_code_create(code, &s->a, &anna), OK);
	assert_int_equal(account_link(&id, &s->a, &web, str_of(code)), OK);
	assert_int_equal(id, anna.id);
	assert_int_equal(sub_of(s, o.subscription_id).user_id, anna.id);
	assert_int_equal(shop_number(s, arena_printf(&s->arena, "SELECT count(*) FROM subscriptions WHERE user_id=%" PRId64, anna.id)), 2);
	assert_int_equal(order_get(&o, &s->a, o.id), OK);
	assert_int_equal(o.user_id, anna.id);
	assert_int_equal(shop_number(s, arena_printf(&s->arena, "SELECT count(*) FROM grants WHERE user_id=%" PRId64, anna.id)), 3);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM grants WHERE error='twice' AND list_id=2"), 1);
	assert_int_equal(referral_totals(&totals, &s->a, carl.id), OK);
	assert_int_equal(totals.invited, 1);
	shop_free(s);
}

static int stolen;

static enum err on_stolen(struct act *a, const struct user *u)
{
	(void)a;
	(void)u;
	stolen++;
	return OK;
}

/* Only the caller whose answer was lost asks again: with another key of theirs, or none, an exchanged token is a stolen one. */
static void test_repeated_with_another_key(void **state)
{
	static const char *const keys[] = { "key-number-2", "" };

	(void)state;
	for (size_t i = 0; i < countof(keys); i++) {
		struct shop *s = shop_new();
		struct user web = on_the_web(s, "anna@example.com"), u;
		struct session_tokens first, next, again;
		int64_t session;

		stolen = 0;
		session_set_hook(on_stolen);
		assert_int_equal(session_open(&first, &s->a, web.id), OK);
		assert_int_equal(session_refresh(&next, &u, &s->a, str_of(first.refresh), STR("key-number-1")), OK);
		assert_int_equal(session_refresh(&again, &u, &s->a, str_of(first.refresh), STR("key-number-1")), OK);
		assert_string_equal(again.access, next.access);
		assert_int_equal(session_refresh(&again, &u, &s->a, str_of(first.refresh), str_of(keys[i])), E_AUTH);
		assert_int_equal(stolen, 1);
		assert_int_equal(session_user(&u, &session, &s->a, str_of(next.access)), E_AUTH);
		session_set_hook(NULL);
		shop_free(s);
	}
}

/* However often it is refreshed, a session ends half a year after its login. */
static void test_session_ends(void **state)
{
	struct shop *s = shop_new();
	struct user web = on_the_web(s, "anna@example.com"), u;
	struct session_tokens t;
	int64_t days = 0;

	(void)state;
	assert_int_equal(session_open(&t, &s->a, web.id), OK);
	for (; days < 400 && session_refresh(&t, &u, &s->a, str_of(t.refresh), STR("")) == OK; days++) {
		assert_true(t.refresh_until_ms <= SHOP_NOW_MS + SESSION_MS);
		shop_wait(s, DAY_MS);
	}
	assert_int_equal(days, SESSION_MS / DAY_MS);
	shop_free(s);
}

/* People type the number as it is shown, or as they like. */
static void test_order_as_typed(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = gift(s, &anna, &p), found;
	char shown[PUBLIC_ID_CHARS + 3], lower_case[PUBLIC_ID_CHARS + 3];

	(void)state;
	public_id_show(shown, o.public_id);
	assert_non_null(strchr(shown, '-'));
	snprintf(lower_case, sizeof lower_case, "%s", lower(&s->arena, shown));
	const char *const typed[] = { o.public_id, shown, lower_case, lower(&s->arena, o.public_id) };
	for (size_t i = 0; i < countof(typed); i++) {
		if (order_find(&found, &s->a, str_of(typed[i])) != OK || found.id != o.id)
			fail_msg("%s", typed[i]);
	}
	assert_int_equal(order_find(&found, &s->a, STR("0000-0000-00")), E_NOTFOUND);
	assert_int_equal(order_find(&found, &s->a, STR("A7K2")), E_NOTFOUND);
	shop_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_pasted_by_somebody_else, ""),
		proves(test_short_key, ""),
		proves(test_joined, ""),
		proves(test_repeated_with_another_key, ""),
		proves(test_session_ends, ""),
		proves(test_order_as_typed, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
