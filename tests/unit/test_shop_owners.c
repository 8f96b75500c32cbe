/* Whose something is: new keys, pasted links, joined accounts, sessions. */
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

static void test_two_accounts(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan month = shop_plan(s, "Month", 30, 5 * GIB_BYTES, 350, 0), year = shop_plan(s, "Year", 365, 0, 3000, 0);
	struct order a = buy(s, &u, &month, NULL, "chg1"), b = buy(s, &u, &year, NULL, "chg2");
	struct subscription one = sub_of(s, a.subscription_id), two = sub_of(s, b.subscription_id);

	(void)state;
	assert_true(one.id != two.id && strcmp(one.uuid, two.uuid) != 0 && strcmp(one.sub_id, two.sub_id) != 0);
	assert_true(one.expires_ms == SHOP_NOW_MS + 30 * DAY_MS && two.expires_ms == SHOP_NOW_MS + 365 * DAY_MS);
	assert_true(one.quota_bytes == 5 * GIB_BYTES && two.quota_bytes == 0);
	assert_int_equal(shop_number(s, "SELECT count(DISTINCT email) FROM accesses WHERE email LIKE 'anna\\_%' ESCAPE '\\'"), 2);
	/* named by Telegram name, or else by what they call themselves; by nothing of it when that is no letters */
	shop_run(s, "UPDATE users SET username='Boss_1'");
	buy(s, &u, &month, NULL, "chg3");
	shop_run(s, "UPDATE users SET username=NULL, first_name='\xF0\x9F\x98\x80 ', last_name=''");
	buy(s, &u, &month, NULL, "chg4");
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE email GLOB 'boss_1_*' OR email GLOB 'user_*'"), 2);
	shop_check_books(s);
	shop_free(s);
}

static void test_paste(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), other = shop_user(s, BORIS, "Boris");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = gift(s, &u, &p);
	struct subscription sub = sub_of(s, o.subscription_id), got;
	char *vless = arena_printf(&s->arena, "vless://%s@host.example.org:443?type=tcp#x", sub.uuid);
	char *address = arena_printf(&s->arena, "  https://p.example.org:2096/sub/%s?x=1", sub.sub_id);
	char password[64];

	(void)state;
	assert_int_equal(sub_claim(&got, &s->a, &u, str_of(vless)), OK);
	assert_int_equal(got.id, sub.id);
	assert_int_equal(sub_claim(&got, &s->a, &u, str_of(address)), OK);
	access_password(password, sizeof password, str_of(sub.password), STR("trojan"), STR(""));
	assert_int_equal(sub_claim(&got, &s->a, &u, str_of(arena_printf(&s->arena, "trojan://%s@h.example.org:443", password))), OK);
	assert_int_equal(sub_claim(&got, &s->a, &other, str_of(vless)), E_CONFLICT);
	assert_int_equal(sub_claim(&got, &s->a, &other, STR("vless://00000000-0000-4000-8000-000000000000@h.example.org:443")), E_NOTFOUND);
	assert_int_equal(sub_claim(&got, &s->a, &other, STR("https://p.example.org/sub/")), E_NOTFOUND);
	assert_int_equal(sub_claim(&got, &s->a, &other, STR("hello")), E_NOTFOUND);
	shop_run(s, arena_printf(&s->arena, "UPDATE users SET telegram_id=NULL WHERE id=%" PRId64, u.id)); /* imported: nobody's in Telegram */
	assert_int_equal(sub_claim(&got, &s->a, &other, str_of(vless)), OK);
	assert_int_equal(sub_of(s, sub.id).user_id, other.id);
	shop_free(s);
}

static void test_new_keys(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = gift(s, &u, &p);
	struct subscription sub = sub_of(s, o.subscription_id), before = sub;

	(void)state;
	assert_int_equal(sub_new_keys(&s->a, &sub), OK);
	sub = sub_of(s, sub.id);
	assert_true(strcmp(sub.uuid, before.uuid) != 0 && strcmp(sub.sub_id, before.sub_id) != 0 && strcmp(sub.password, before.password) != 0 && sub.expires_ms == before.expires_ms);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE deleted_ms>0"), 1); /* the old client goes */
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE deleted_ms=0"), 1);
	shop_free(s);
}

/* A new link while it moves elsewhere: the way there is given up, and it stands anew where it was, at one place. */
static void test_new_keys_on_the_way(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = gift(s, &u, &p);
	struct subscription sub = sub_of(s, o.subscription_id);

	(void)state;
	shop_run(s, "INSERT INTO panels(id, name, url, created_ms) VALUES(77, 'Elsewhere', 'http://elsewhere.test', 1);"
		"INSERT INTO accesses(subscription_id, panel_id, inbound_id, email, replaces_id, created_ms, updated_ms)"
		" SELECT subscription_id, 77, 1, 'on_its_way', id, 1, 1 FROM accesses");
	assert_int_equal(sub_new_keys(&s->a, &sub), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE deleted_ms=0"), 1);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE deleted_ms=0 AND panel_id=77"), 0);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE deleted_ms>0"), 2);
	shop_free(s);
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
		proves(test_two_accounts, "R032 R034"),
		proves(test_paste, ""),
		proves(test_new_keys_on_the_way, ""),
		proves(test_new_keys, ""),
		proves(test_pasted_by_somebody_else, ""),
		proves(test_short_key, ""),
		proves(test_joined, ""),
		proves(test_repeated_with_another_key, ""),
		proves(test_session_ends, ""),
		proves(test_order_as_typed, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
