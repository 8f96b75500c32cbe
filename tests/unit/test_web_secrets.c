/* Web accounts: what nobody else may see, guess or measure. */
#include "tests/unit/proves.h"

#include "tests/unit/web_fixture.c"

/* --- passwords --- */

/* Equal passwords do not look equal to whoever has the database. */
static void test_hashes_differ(void **state)
{
	struct shop *s = open_shop();

	(void)state;
	registers(s, "anna@example.com", NULL);
	registers(s, "boris@example.com", NULL);
	assert_int_equal(shop_number(s, "SELECT count(DISTINCT password) FROM accounts"), 2);
	pair_of(s, logs_in(s, "boris@example.com", PASSWORD), 200);
	close_shop(s);
}

/* An e-mail that nobody has costs as much work as any other, so the time tells nothing. */
static void test_login_does_not_tell_who_is_here(void **state)
{
	static const char *const emails[] = { "anna@example.com", "nobody@example.com", "no address" };
	struct shop *s = open_shop();

	(void)state;
	registers(s, "anna@example.com", NULL);
	for (size_t i = 0; i < countof(emails); i++) {
		struct heard h = logs_in(s, emails[i], "wrong horse");

		assert_true(h.worked);
		expect(h, 401, "invalid login");
	}
	close_shop(s);
}

/* What stands behind a zero character counts, or it is not taken at all. */
static void test_zero_in_a_password(void **state)
{
	struct shop *s = open_shop();

	(void)state;
	expect(ask(s, auth_register, NULL, "{\"email\":\"anna@example.com\",\"password\":\"abcdefgh\\u0000long secret\"}"), 400, "invalid field: password");
	expect(logs_in(s, "anna@example.com", "abcdefgh"), 401, "invalid login");
	expect(ask(s, auth_login, NULL, "{\"email\":\"anna@example.com\",\"password\":\"abcdefgh\\u0000x\"}"), 400, "invalid field: password");
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accounts"), 0);
	close_shop(s);
}

/* --- sessions --- */

/* "Everywhere" is everywhere, also for who has the refresh token alone; and of this account alone. */
static void test_logout_everywhere_by_refresh_token(void **state)
{
	struct shop *s = open_shop();
	struct pair a = registers(s, "anna@example.com", NULL), b = pair_of(s, logs_in(s, "anna@example.com", PASSWORD), 200),
		other = registers(s, "boris@example.com", NULL);

	(void)state;
	expect(ask(s, auth_logout, NULL, arena_printf(&s->arena, "{\"refresh_token\":\"%s\",\"all\":true}", a.refresh)), 204, NULL);
	expect(ask(s, profile_get, a.access, NULL), 401, "unauthorized");
	expect(ask(s, profile_get, b.access, NULL), 401, "unauthorized");
	expect(refreshes(s, b.refresh, NULL), 401, "invalid refresh token");
	expect(ask(s, profile_get, other.access, NULL), 200, NULL);
	assert_int_equal(stolen_told, 0);
	close_shop(s);
}

/* A code that joins an account with somebody's Telegram cannot be tried out: ten a minute for an account, from anywhere. */
static void test_codes_are_not_guessed(void **state)
{
	struct shop *s = open_shop();
	struct user anna = shop_user(s, ANNA, "Anna");
	struct pair p = registers(s, "mallory@example.com", NULL), q = registers(s, "boris@example.com", NULL);
	char code[LINK_CODE_CHARS + 1];

	(void)state;
	assert_int_equal(link_code_create(code, &s->a, &anna), OK);
	for (int i = 0; i < 12; i++)
		expect(ask_from(s, profile_link, arena_printf(&s->arena, "198.51.100.%d", i), p.access, NULL, arena_printf(&s->arena, "{\"code\":\"%010d\"}", i)),
			i < 10 ? 400 : 429, i < 10 ? "invalid field: code" : "too many requests");
	expect(ask(s, profile_link, p.access, arena_printf(&s->arena, "{\"code\":\"%s\"}", code)), 429, "too many requests");
	expect(ask(s, profile_link, q.access, arena_printf(&s->arena, "{\"code\":\"%s\"}", code)), 200, NULL); /* others go on */
	close_shop(s);
}

/* --- the profile --- */

static struct user account_of(struct shop *s, const char *email)
{
	struct user u;

	assert_int_equal(user_get(&u, &s->a, shop_number(s, arena_printf(&s->arena, "SELECT user_id FROM accounts WHERE email='%s'", email))), OK);
	return u;
}

static void gets_a_gift(struct shop *s, const char *email, const struct plan *plan, const char *link)
{
	struct user u = account_of(s, email), admin = shop_user(s, 1, "Admin");
	struct order o;

	assert_int_equal(order_grant(&o, &s->a, &u, plan, plan->days, &admin), OK);
	shop_panels_agree(s);
	shop_run(s, arena_printf(&s->arena, "UPDATE accesses SET link='%s' WHERE subscription_id=(SELECT max(id) FROM subscriptions)", link));
}

/* Each sees the keys of their own, and of nobody else. */
static void test_profile_shows_own_keys(void **state)
{
	struct shop *s = open_shop();
	struct plan plan = shop_plan(s, "Month", 30, 0, 350, 0);
	static const char *const emails[] = { "anna@example.com", "boris@example.com", "cleo@example.com" };
	const char *access[3];

	(void)state;
	for (size_t i = 0; i < countof(emails); i++)
		access[i] = registers(s, emails[i], NULL).access;
	for (size_t i = 0; i < 2; i++)
		gets_a_gift(s, emails[i], &plan, arena_printf(&s->arena, "vless://key-%zu", i));
	for (size_t i = 0; i < countof(emails); i++) {
		struct heard h = ask(s, profile_get, access[i], NULL);
		struct json_object *clients = json_array_at(h.o, "clients"), *c;

		assert_int_equal(json_len(clients), i < 2 ? 1 : 0);
		c = json_len(clients) ? json_object_array_get_idx(clients, 0) : NULL;
		if (c) {
			assert_true(str_is(json_str_at(c, "config_text"), arena_printf(&s->arena, "vless://key-%zu", i)));
			assert_true(str_is(json_str_at(c, "marzban_client_id"), shop_text(s, arena_printf(&s->arena, "SELECT email FROM accesses WHERE link='vless://key-%zu'", i))));
			assert_true(str_is(json_str_at(c, "protocol"), "vless"));
		}
		expect(h, 200, NULL);
	}
	close_shop(s);
}

static void test_profile_status(void **state)
{
	static const struct { const char *seen, *status; int after_s; } cases[] = {
		{ "seen_enabled=1, seen_expires_ms=0",                                                "active",   0 },
		{ "seen_expires_ms=1793614200000+60000",                                              "active",   59 },
		{ "seen_expires_ms=1793614200000+60000",                                              "expired",  1 },
		{ "seen_expires_ms=1893614200000, seen_quota_bytes=100, seen_up_bytes=40, seen_down_bytes=59", "active", 0 },
		{ "seen_down_bytes=60",                                                               "limited",  0 },
		{ "seen_down_bytes=0, seen_enabled=0",                                                "disabled", 0 },
	};
	struct shop *s = open_shop();
	struct plan plan = shop_plan(s, "Month", 30, 0, 350, 0);
	struct pair p = registers(s, "anna@example.com", NULL);

	(void)state;
	gets_a_gift(s, "anna@example.com", &plan, "vless://key");
	for (size_t i = 0; i < countof(cases); i++) {
		struct heard h;

		shop_run(s, arena_printf(&s->arena, "UPDATE accesses SET %s", cases[i].seen));
		shop_wait(s, cases[i].after_s * SECOND_MS);
		h = ask(s, profile_get, p.access, NULL);
		if (!str_is(json_str_at(json_object_array_get_idx(json_array_at(h.o, "clients"), 0), "status"), cases[i].status))
			fail_msg("%s: %s", cases[i].seen, json_object_to_json_string(h.o));
		expect(h, 200, NULL);
	}
	close_shop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_hashes_differ, ""),
		proves(test_login_does_not_tell_who_is_here, ""),
		proves(test_zero_in_a_password, ""),
		proves(test_logout_everywhere_by_refresh_token, "R225"),
		proves(test_codes_are_not_guessed, ""),
		proves(test_profile_shows_own_keys, ""),
		proves(test_profile_status, ""),
	};

	return cmocka_run_group_tests_name("web_secrets", tests, NULL, NULL);
}
