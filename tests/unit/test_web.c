/* Web accounts by their calls, on a clock that the test moves; the helper thread's work is done on the spot. */
#include "tests/unit/proves.h"

#include "tests/unit/web_fixture.c"

/* --- passwords --- */

static void test_password(void **state)
{
	unsigned char salt[PASSWORD_SALT_BYTES] = "0123456789abcde";
	char hash[PASSWORD_HASH_CHARS_MAX + 1], again[PASSWORD_HASH_CHARS_MAX + 1];

	(void)state;
	password_hash(hash, STR(PASSWORD), salt);
	password_hash(again, STR(PASSWORD), salt);
	assert_string_equal(hash, again);
	assert_true(password_fits(str_of(hash), STR(PASSWORD)));
	assert_false(password_fits(str_of(hash), STR("correct horsf")));
	assert_false(password_fits(str_of(hash), STR("")));
	assert_false(password_fits(STR("scrypt$60$8$1$AAAA$AAAA"), STR(PASSWORD))); /* no work for a forged cost */
	assert_false(password_fits(STR(PASSWORD), STR(PASSWORD)));
	assert_false(password_fits(STR(""), STR("")));
	salt[0] ^= 1;
	password_hash(again, STR(PASSWORD), salt);
	assert_string_not_equal(hash, again);
}

static void test_email(void **state)
{
	static const struct { const char *typed, *kept; } cases[] = {
		{ " Anna@Example.COM ", "anna@example.com" }, { "a+b@x.yz", "a+b@x.yz" }, { "anna", NULL }, { "@x.yz", NULL }, { "anna@", NULL }, { "anna@x", NULL },
		{ "anna@x.", NULL }, { "anna@.x", NULL }, { "an na@x.yz", NULL }, { "a@b@x.yz", NULL }, { "<a>@x.yz", NULL }, { "\xff@x.yz", NULL }, { "", NULL },
	};
	char out[EMAIL_BYTES_MAX + 1];

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		enum err e = account_email_read(out, str_of(cases[i].typed));

		if ((e == OK) != (cases[i].kept != NULL) || (!e && strcmp(out, cases[i].kept) != 0))
			fail_msg("%s", cases[i].typed);
	}
}

/* --- register, login --- */

static void test_register(void **state)
{
	struct shop *s = open_shop();
	struct pair p = registers(s, "anna@example.com", NULL);
	struct heard h = ask(s, profile_get, p.access, NULL);
	static const char *const nulls[] = { "telegram_id", "marzban_username", "marzban_id", "referred_by" };
	int64_t at_ms;

	(void)state;
	assert_string_equal(text_at(s, &h, "user.email"), "anna@example.com");
	assert_string_equal(text_at(s, &h, "user.id"), p.id);
	assert_int_equal(strlen(p.id), 36);
	assert_int_equal(json_object_object_length(json_at(h.o, "user")), 11);
	for (size_t i = 0; i < countof(nulls); i++) {
		struct json_object *member = (void *)h.o;

		assert_true(json_object_object_get_ex(json_at(h.o, "user"), nulls[i], &member));
		assert_null(member);
	}
	assert_true(json_bool_at(h.o, "user.is_active", false));
	assert_false(json_bool_at(h.o, "user.is_admin", true));
	assert_int_equal(date_read_iso(&at_ms, json_str_at(h.o, "user.created_at")), OK);
	assert_int_equal(at_ms, s->now_ms);
	assert_true(str_ends(json_str_at(h.o, "user.created_at"), "Z") && str_ends(json_str_at(h.o, "user.updated_at"), "Z"));
	assert_int_equal(date_read_iso(&at_ms, json_str_at(h.o, "user.updated_at")), OK);
	assert_int_equal(json_len(json_array_at(h.o, "clients")), 0);
	expect(h, 200, NULL);
	expect(ask(s, auth_register, NULL, "{\"email\":\"ANNA@example.com\",\"password\":\"" PASSWORD "\"}"), 409, "email already registered");
	expect(ask(s, auth_register, NULL, "{\"email\":\"b@example.com\",\"password\":\"short\"}"), 400, "invalid field: password");
	expect(ask(s, auth_register, NULL, "{\"email\":\"b\",\"password\":\"" PASSWORD "\"}"), 400, "invalid field: email");
	expect(ask(s, auth_register, NULL, "{\"email\":7,\"password\":\"" PASSWORD "\"}"), 400, "invalid field: email");
	expect(ask(s, auth_register, NULL, "{\"password\":\"" PASSWORD "\"}"), 400, "invalid field: email");
	expect(ask(s, auth_register, NULL, "[]"), 400, "invalid body");
	expect(ask(s, auth_register, NULL, "{"), 400, "invalid body");
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accounts"), 1);
	close_shop(s);
}

/* A code of the bot works on the web; one that nobody has is ignored and binds to nobody. */
static void test_referral(void **state)
{
	struct shop *s = open_shop();
	struct user anna = shop_user(s, ANNA, "Anna");
	struct pair p = registers(s, "boris@example.com", anna.referral_code), q;
	struct heard h = ask(s, profile_get, p.access, NULL);
	char id[ACCOUNT_UUID_CHARS + 1];
	bool bound;

	(void)state;
	account_uuid(id, "user", anna.public_id);
	assert_string_equal(text_at(s, &h, "user.referred_by"), id);
	expect(h, 200, NULL);
	assert_int_equal(shop_number(s, "SELECT referred_by FROM users WHERE telegram_id IS NULL ORDER BY id DESC LIMIT 1"), anna.id);
	q = registers(s, "cleo@example.com", "ZZZZZZZZ");
	h = ask(s, profile_get, q.access, NULL);
	assert_null(json_at(h.o, "user.referred_by"));
	expect(h, 200, NULL);
	/* and the web user's code works in the bot */
	anna = shop_user(s, ANNA + 1, "Dora");
	anna.is_new = true;
	assert_int_equal(referral_bind(&bound, &s->a, &anna, str_of(p.code)), OK);
	assert_true(bound);
	close_shop(s);
}

static void test_login(void **state)
{
	struct shop *s = open_shop();
	struct pair p;
	struct heard h;

	(void)state;
	registers(s, "anna@example.com", NULL);
	p = pair_of(s, logs_in(s, "Anna@Example.com", PASSWORD), 200);
	expect(logs_in(s, "anna@example.com", "wrong horse"), 401, "invalid login");
	expect(logs_in(s, "nobody@example.com", PASSWORD), 401, "invalid login");
	expect(logs_in(s, "no address", PASSWORD), 401, "invalid login");
	h = ask(s, profile_get, p.access, NULL);
	expect(h, 200, NULL);
	/* no longer than it says */
	shop_wait(s, SESSION_ACCESS_S * SECOND_MS - 1);
	expect(ask(s, profile_get, p.access, NULL), 200, NULL);
	shop_wait(s, 1);
	expect(ask(s, profile_get, p.access, NULL), 401, "unauthorized");
	expect(ask(s, profile_get, NULL, NULL), 401, "unauthorized");
	expect(ask(s, profile_get, p.refresh, NULL), 401, "unauthorized");
	close_shop(s);
}

static void test_answer(void **state)
{
	struct shop *s = open_shop();
	struct heard h;
	int64_t until_ms;

	(void)state;
	registers(s, "anna@example.com", NULL);
	h = logs_in(s, "anna@example.com", PASSWORD);
	assert_int_equal(json_object_object_length(h.o), 6);
	assert_true(json_object_is_type(json_at(h.o, "expires_in"), json_type_int));
	assert_int_equal(json_i64_at(h.o, "expires_in", 0), SESSION_ACCESS_S);
	assert_int_equal(date_read_iso(&until_ms, json_str_at(h.o, "refresh_expires_at")), OK);
	assert_int_equal(until_ms, s->now_ms + SESSION_REFRESH_MS);
	assert_int_equal(json_len(json_array_at(h.o, "roles")), 1);
	assert_string_equal(json_object_get_string(json_object_array_get_idx(json_array_at(h.o, "roles"), 0)), "user");
	expect(h, 200, NULL);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accounts WHERE password LIKE '%horse%'"), 0);
	close_shop(s);
}

/* Banned: said at login only to who knows the password, at refresh and at use; and no token is spent by it. */
static void test_inactive(void **state)
{
	struct shop *s = open_shop();
	struct pair p = registers(s, "anna@example.com", NULL);
	int64_t id = shop_number(s, "SELECT user_id FROM accounts");

	(void)state;
	assert_int_equal(user_set_banned(&s->a, id, true), OK);
	expect(logs_in(s, "anna@example.com", PASSWORD), 403, "user inactive");
	expect(logs_in(s, "anna@example.com", "wrong horse"), 401, "invalid login");
	expect(refreshes(s, p.refresh, NULL), 403, "user inactive");
	expect(ask(s, profile_get, p.access, NULL), 403, "user inactive");
	expect(ask(s, profile_link, p.access, "{\"code\":\"ABCDEFGH\"}"), 403, "user inactive");
	expect(ask(s, auth_logout, p.access, NULL), 403, "user inactive");
	assert_int_equal(shop_number(s, "SELECT count(*) FROM sessions"), 1);
	assert_int_equal(user_set_banned(&s->a, id, false), OK);
	expect(ask(s, profile_get, p.access, NULL), 200, NULL);
	pair_of(s, refreshes(s, p.refresh, NULL), 200);
	close_shop(s);
}

/* --- refresh --- */

static void test_refresh(void **state)
{
	struct shop *s = open_shop();
	struct pair a = registers(s, "anna@example.com", NULL), other = pair_of(s, logs_in(s, "anna@example.com", PASSWORD), 200), b, c;

	(void)state;
	b = pair_of(s, refreshes(s, a.refresh, NULL), 200);
	expect(ask(s, profile_get, a.access, NULL), 401, "unauthorized");
	expect(ask(s, profile_get, b.access, NULL), 200, NULL);
	c = pair_of(s, refreshes(s, b.refresh, NULL), 200);
	assert_string_not_equal(b.access, c.access);
	assert_string_not_equal(b.refresh, c.refresh);
	assert_string_not_equal(a.refresh, c.refresh);
	/* the first one again: stolen by somebody, so all of this session is dead, and nothing else */
	expect(refreshes(s, a.refresh, NULL), 401, "invalid refresh token");
	assert_int_equal(stolen_told, 1);
	expect(refreshes(s, c.refresh, NULL), 401, "invalid refresh token");
	expect(ask(s, profile_get, c.access, NULL), 401, "unauthorized");
	expect(ask(s, profile_get, other.access, NULL), 200, NULL);
	pair_of(s, refreshes(s, other.refresh, NULL), 200);
	assert_int_equal(stolen_told, 1);
	/* hashes only */
	assert_int_equal(shop_number(s, "SELECT count(*) FROM sessions WHERE refresh_hash LIKE 'rt_%' OR access_hash LIKE 'at_%' OR length(refresh_hash)<>64"), 0);
	close_shop(s);
}

static void test_refresh_refused(void **state)
{
	struct shop *s = open_shop();
	struct pair p = registers(s, "anna@example.com", NULL);

	(void)state;
	expect(refreshes(s, "random text", NULL), 401, "invalid refresh token");
	expect(refreshes(s, p.access, NULL), 401, "invalid refresh token");
	expect(ask(s, auth_refresh, NULL, "{}"), 400, "invalid field: refresh_token");
	expect(ask(s, auth_refresh, NULL, "{\"refresh_token\":null}"), 400, "invalid field: refresh_token");
	shop_wait(s, SESSION_REFRESH_MS);
	expect(refreshes(s, p.refresh, NULL), 401, "invalid refresh token");
	assert_int_equal(sessions_forget(&s->a), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM sessions"), 0);
	assert_int_equal(stolen_told, 0);
	close_shop(s);
}

/* The answer was lost: the same key gives the same pair for a minute, and is no theft. */
static void test_refresh_repeated(void **state)
{
	struct shop *s = open_shop();
	struct pair a = registers(s, "anna@example.com", NULL), b, again;

	(void)state;
	b = pair_of(s, refreshes(s, a.refresh, "key-number-1"), 200);
	again = pair_of(s, refreshes(s, a.refresh, "key-number-1"), 200);
	assert_string_equal(b.access, again.access);
	assert_string_equal(b.refresh, again.refresh);
	expect(refreshes(s, a.refresh, "short"), 400, "invalid field: Idempotency-Key");
	shop_wait(s, SESSION_REPEAT_MS + 1);
	expect(refreshes(s, a.refresh, "key-number-1"), 401, "invalid refresh token");
	assert_int_equal(stolen_told, 1);
	close_shop(s);
}

static void test_logout(void **state)
{
	struct shop *s = open_shop();
	struct pair a = registers(s, "anna@example.com", NULL), b = pair_of(s, logs_in(s, "anna@example.com", PASSWORD), 200),
		c = pair_of(s, logs_in(s, "anna@example.com", PASSWORD), 200);
	const char *body = arena_printf(&s->arena, "{\"refresh_token\":\"%s\"}", a.refresh);

	(void)state;
	expect(ask(s, auth_logout, NULL, body), 204, NULL);
	expect(ask(s, auth_logout, NULL, body), 204, NULL); /* again */
	expect(refreshes(s, a.refresh, NULL), 401, "invalid refresh token");
	expect(ask(s, profile_get, a.access, NULL), 401, "unauthorized");
	assert_int_equal(stolen_told, 0);
	expect(ask(s, auth_logout, b.access, NULL), 204, NULL);
	expect(ask(s, profile_get, b.access, NULL), 401, "unauthorized");
	expect(ask(s, profile_get, c.access, NULL), 200, NULL);
	b = pair_of(s, logs_in(s, "anna@example.com", PASSWORD), 200);
	expect(ask(s, auth_logout, b.access, "{\"all\":true}"), 204, NULL);
	expect(ask(s, profile_get, c.access, NULL), 401, "unauthorized");
	expect(ask(s, auth_logout, c.access, NULL), 401, "unauthorized");
	close_shop(s);
}

static void test_sessions_bounded(void **state)
{
	struct shop *s = open_shop();
	struct pair p = registers(s, "anna@example.com", NULL);
	struct session_tokens tokens;

	(void)state;
	for (int i = 0; i < SESSIONS_PER_USER_MAX; i++)
		assert_int_equal(session_open(&tokens, &s->a, shop_number(s, "SELECT user_id FROM accounts")), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM sessions"), SESSIONS_PER_USER_MAX);
	expect(ask(s, profile_get, p.access, NULL), 401, "unauthorized");
	close_shop(s);
}

/* --- limits --- */

static void test_limits(void **state)
{
	struct shop *s = open_shop();
	char remote[32];
	struct heard h;

	(void)state;
	registers(s, "anna@example.com", NULL);
	for (int i = 0; i < 5; i++) /* of one account, from anywhere */
		expect(logs_in(s, "anna@example.com", "wrong horse"), 401, "invalid login");
	h = ask_from(s, auth_login, "198.51.100.8", NULL, NULL, "{\"email\":\"anna@example.com\",\"password\":\"" PASSWORD "\"}");
	assert_non_null(h.retry_after);
	assert_int_equal(strtol(h.retry_after, NULL, 10), 60);
	expect(h, 429, "too many requests");
	shop_wait(s, MINUTE_MS);
	pair_of(s, logs_in(s, "anna@example.com", PASSWORD), 200);
	/* of one address, whatever it asks; others go on */
	for (int i = 1; i < 20; i++) {
		h = ask(s, auth_login, NULL, "{}");
		expect(h, 400, "invalid field: email");
	}
	expect(ask(s, auth_register, NULL, "{}"), 429, "too many requests");
	for (int i = 0; i < 70; i++) {
		h = ask(s, auth_refresh, NULL, arena_printf(&s->arena, "{\"refresh_token\":\"%d\"}", i));
		expect(h, i < 60 ? 401 : 429, i < 60 ? "invalid refresh token" : "too many requests");
	}
	snprintf(remote, sizeof remote, "198.51.100.%d", 9);
	expect(ask_from(s, auth_login, remote, NULL, NULL, "{}"), 400, "invalid field: email");
	close_shop(s);
}

/* Whom an attempt is counted for: nobody can say that they are somebody else. */
static void test_address(void **state)
{
	static const struct { const char *remote, *told[3], *is; } cases[] = {
		{ "198.51.100.7", { NULL }, "198.51.100.7" },
		{ "198.51.100.7", { "192.0.2.1" }, "198.51.100.7" },                     /* not by way of a proxy */
		{ "10.0.0.5", { "192.0.2.1" }, "10.0.0.5" },
		{ "127.0.0.1", { "198.51.100.7" }, "198.51.100.7" },
		{ "::1", { "198.51.100.7" }, "198.51.100.7" },
		{ "::ffff:127.0.0.1", { " 2001:db8::7 " }, "2001:db8::" },                 /* one line has the other 64 bits */
		{ "2001:db8:1:2:a:b:c:d", { NULL }, "2001:db8:1:2::" },
		{ "2001:db8:1:2:ffff::1", { NULL }, "2001:db8:1:2::" },
		{ "::ffff:198.51.100.7", { NULL }, "::ffff:198.51.100.7" },
		{ "127.0.0.1", { "192.0.2.1, 192.0.2.2,198.51.100.7" }, "198.51.100.7" }, /* the caller's words come first */
		{ "127.0.0.1", { "192.0.2.1", "198.51.100.7" }, "198.51.100.7" },         /* in a header of their own */
		{ "127.0.0.1", { "192.0.2.1, 192.0.2.2", "192.0.2.3", "198.51.100.7" }, "198.51.100.7" },
		{ "127.0.0.1", { NULL }, "127.0.0.1" },
		{ "127.0.0.1", { "" }, "127.0.0.1" },
		{ "127.0.0.1", { "192.0.2.1," }, "127.0.0.1" },
	};
	struct shop *s = open_shop();

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct http_inbound in = { .id = 1 };

		snprintf(in.remote, sizeof in.remote, "%s", cases[i].remote);
		for (size_t k = 0; k < countof(cases[i].told) && cases[i].told[k]; k++)
			in.headers[in.headers_count++] = (struct http_header){ "x-forwarded-for", cases[i].told[k] };
		if (!str_is(api_address(&s->a, &in), cases[i].is))
			fail_msg("%zu: %.*s", i, STR_ARG(api_address(&s->a, &in)));
	}
	close_shop(s);
}

/* --- the join --- */

static struct heard joins(struct shop *s, const struct pair *p, const char *code)
{
	return ask(s, profile_link, p->access, arena_printf(&s->arena, "{\"code\":\"%s\"}", code));
}

/* One user afterwards, with e-mail and telegram_id; who was invited by either stays invited, and both codes go on working. */
static void test_join(void **state)
{
	struct shop *s = open_shop();
	struct user anna = shop_user(s, ANNA, "Anna"), invited;
	struct pair p, q, late;
	char code[LINK_CODE_CHARS + 1], id[ACCOUNT_UUID_CHARS + 1];
	struct heard h;
	bool bound;

	(void)state;
	shop_wait(s, HOUR_MS);
	p = registers(s, "anna@example.com", NULL);
	q = registers(s, "boris@example.com", p.code);
	assert_int_equal(link_code_create(code, &s->a, &anna), OK);
	expect(joins(s, &p, "0000000000"), 400, "invalid field: code");
	h = joins(s, &p, code);
	assert_int_equal(json_i64_at(h.o, "telegram_id", 0), ANNA);
	assert_string_equal(text_at(s, &h, "email"), "anna@example.com");
	assert_string_equal(text_at(s, &h, "referral_code"), anna.referral_code);
	expect(h, 200, NULL);
	assert_int_equal(shop_number(s, "SELECT user_id FROM accounts WHERE email='anna@example.com'"), anna.id);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM users WHERE telegram_id=21474836480 AND merged_into IS NULL"), 1);
	h = ask(s, profile_get, p.access, NULL); /* the session lives on */
	assert_int_equal(json_i64_at(h.o, "user.telegram_id", 0), ANNA);
	expect(h, 200, NULL);
	h = ask(s, profile_get, q.access, NULL);
	account_uuid(id, "user", anna.public_id);
	assert_string_equal(text_at(s, &h, "user.referred_by"), id);
	expect(h, 200, NULL);
	/* a friend with the code that was handed out on the web */
	invited = shop_user(s, ANNA + 2, "Cleo");
	invited.is_new = true;
	assert_int_equal(referral_bind(&bound, &s->a, &invited, str_of(p.code)), OK);
	assert_true(bound);
	assert_int_equal(shop_number(s, "SELECT referred_by FROM users WHERE telegram_id=21474836482"), anna.id);
	/* once, and one account each */
	expect(joins(s, &q, code), 400, "invalid field: code");
	assert_int_equal(link_code_create(code, &s->a, &anna), OK);
	expect(joins(s, &q, code), 409, "telegram account already linked");
	expect(joins(s, &p, code), 409, "telegram account already linked");
	/* too late */
	assert_int_equal(link_code_create(code, &s->a, &invited), OK);
	shop_wait(s, LINK_CODE_MINUTES * MINUTE_MS);
	late = pair_of(s, logs_in(s, "boris@example.com", PASSWORD), 200);
	expect(joins(s, &late, code), 400, "invalid field: code");
	close_shop(s);
}

/* A ban is of the person, by whichever of their names: the joined account is shut at every door, and a code from before
 * opens no other way in. A fresh account owns nothing, and can be banned by its e-mail. */
static void test_banned_person(void **state)
{
	struct shop *s = open_shop();
	struct user anna = shop_user(s, ANNA, "Anna"), found;
	struct pair p = registers(s, "anna@example.com", NULL), fresh;
	const char *web_id = shop_text(s, "SELECT public_id FROM users WHERE telegram_id IS NULL");
	char code[LINK_CODE_CHARS + 1];

	(void)state;
	assert_int_equal(link_code_create(code, &s->a, &anna), OK);
	expect(joins(s, &p, code), 200, NULL);
	assert_int_equal(link_code_create(code, &s->a, &anna), OK);
	assert_int_equal(user_find(&found, &s->a, str_of(web_id)), OK); /* a card from before they were joined */
	assert_int_equal(found.id, anna.id);
	assert_int_equal(user_set_banned(&s->a, found.id, true), OK);
	expect(logs_in(s, "anna@example.com", PASSWORD), 403, "user inactive");
	expect(refreshes(s, p.refresh, NULL), 403, "user inactive");
	expect(ask(s, profile_get, p.access, NULL), 403, "user inactive");
	fresh = registers(s, "anna2@example.com", NULL);
	expect(joins(s, &fresh, code), 403, "user inactive");
	expect(ask(s, profile_get, fresh.access, NULL), 200, NULL);
	assert_int_equal(user_find(&found, &s->a, STR("Anna2@Example.com")), OK);
	assert_int_equal(user_set_banned(&s->a, found.id, true), OK);
	expect(ask(s, profile_get, fresh.access, NULL), 403, "user inactive");
	/* closing one's session is no use of it */
	expect(ask(s, auth_logout, NULL, arena_printf(&s->arena, "{\"refresh_token\":\"%s\"}", p.refresh)), 204, NULL);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM sessions"), 1);
	close_shop(s);
}

/* The web account is the older one: its code and its referrer stay. */
static void test_join_older(void **state)
{
	struct shop *s = open_shop();
	struct user friend = shop_user(s, ANNA + 3, "Friend"), anna;
	struct pair p = registers(s, "anna@example.com", friend.referral_code);
	char code[LINK_CODE_CHARS + 1], id[ACCOUNT_UUID_CHARS + 1];
	struct heard h;

	(void)state;
	shop_wait(s, 10 * MINUTE_MS);
	anna = shop_user(s, ANNA, "Anna");
	assert_int_equal(link_code_create(code, &s->a, &anna), OK);
	h = joins(s, &p, code);
	account_uuid(id, "user", friend.public_id);
	assert_string_equal(text_at(s, &h, "referral_code"), p.code);
	assert_string_equal(text_at(s, &h, "referred_by"), id);
	assert_int_equal(json_i64_at(h.o, "telegram_id", 0), ANNA);
	expect(h, 200, NULL);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM users WHERE merged_into IS NOT NULL"), 1);
	close_shop(s);
}

static void test_off(void **state)
{
	static handler *const handlers[] = { auth_register, auth_login, auth_refresh, auth_logout, profile_get, profile_link };
	struct shop *s = open_shop();

	(void)state;
	assert_int_equal(setting_set(&s->a, SETTING_WEB_ACCOUNTS, STR("0")), OK);
	for (size_t i = 0; i < countof(handlers); i++)
		expect(ask(s, handlers[i], NULL, "{}"), 404, "not found");
	close_shop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_password, ""),
		proves(test_email, ""),
		proves(test_register, "R214 R238"),
		proves(test_referral, "R215"),
		proves(test_login, "R216"),
		proves(test_answer, ""),
		proves(test_inactive, "R219 R283"),
		proves(test_refresh, "R220 R221 R222"),
		proves(test_refresh_refused, "R223"),
		proves(test_refresh_repeated, ""),
		proves(test_logout, "R225"),
		proves(test_sessions_bounded, ""),
		proves(test_limits, "R230"),
		proves(test_address, ""),
		proves(test_join, "R234"),
		proves(test_banned_person, "R283"),
		proves(test_join_older, ""),
		proves(test_off, ""),
	};

	return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
