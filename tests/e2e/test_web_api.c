/* Web accounts over real sockets: registered with a code of the bot, logged in, joined with the bot's user. */
#include "tests/unit/proves.h"

#include <string.h>

#include "lib/base/json.h"
#include "tests/e2e/customer.h"

#define PASSWORD "MARKER-web-password-41c9"

struct heard { int status; struct json_object *o; };

static struct heard ask(struct rig *r, enum http_method method, const char *path, const char *type, const char *access, struct str body)
{
	struct http_request request = { .method = method, .body = body };
	const struct http_response *response;
	struct heard h = { 0 };
	char bearer[128];

	if (type)
		http_add_header(&request, "Content-Type", type);
	if (access) {
		snprintf(bearer, sizeof bearer, "Bearer %s", access);
		http_add_header(&request, "Authorization", bearer);
	}
	response = rig_http(r, "public", &request, path);
	h.status = response->status;
	if (!h.status)
		fail_msg("no answer to %s; %s", path, rig_words(r));
	if (response->body.len)
		assert_int_equal(json_parse(&h.o, response->body), OK);
	return h;
}

static struct heard post(struct rig *r, const char *path, const char *access, const char *body)
{
	return ask(r, HTTP_POST, path, "application/json", access, str_of(body));
}

static void expect(struct heard h, int status, const char *message)
{
	if (h.status != status)
		fail_msg("%d instead of %d: %s", h.status, status, h.o ? json_object_to_json_string(h.o) : "");
	if (message)
		assert_string_equal(json_object_get_string(json_at(h.o, "message")), message);
	json_object_put(h.o);
}

static const char *keep(struct arena *a, const struct heard *h, const char *path)
{
	return str_dup(a, json_str_at(h->o, path));
}

static struct rig *open_rig(void)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" } });

	rig_start(r);
	UNTIL(r, rig_is_up(r) && rig_port(r, "public"));
	expect(post(r, "/auth/login", NULL, "{}"), 404, "not found"); /* off at first */
	customer_say(r, RIG_ADMIN, "/start");
	customer_say(r, RIG_ADMIN, "/settings");
	customer_tap(r, RIG_ADMIN, "Web accounts");
	UNTIL(r, rig_number(r, "SELECT count(*) FROM settings WHERE key='web_accounts' AND value='1'") == 1);
	return r;
}

static struct heard registers(struct rig *r, struct arena *a, const char *email, const char *referral)
{
	return post(r, "/auth/register", NULL, arena_printf(a, "{\"email\":\"%s\",\"password\":\"" PASSWORD "\",\"referral\":\"%s\"}", email, referral));
}

/* A code of the bot's user, given on the web, binds; a code from the bot makes one user of two. */
static void test_register_and_join(void **state)
{
	struct rig *r = open_rig();
	struct arena a = { 0 };
	int64_t anna = customer_new(r, "Anna"), boris = customer_new(r, "Boris");
	const char *access, *code, *id, *text;
	struct heard h;
	struct buf where;

	(void)state;
	customer_say(r, anna, "/invite");
	UNTIL(r, customer_sees(r, anna, "?start=r_"));
	code = rig_text(r, &a, arena_printf(&a, "SELECT referral_code FROM users WHERE telegram_id=%lld", (long long)anna));
	h = registers(r, &a, "boris@example.com", code);
	assert_int_equal(h.status, 201);
	access = keep(&a, &h, "access_token");
	id = keep(&a, &h, "user.referred_by");
	json_object_put(h.o);
	assert_int_equal(rig_number(r, arena_printf(&a, "SELECT count(*) FROM users w JOIN users t ON t.id=w.referred_by WHERE w.telegram_id IS NULL AND t.telegram_id=%lld",
		(long long)anna)), 1);
	assert_int_equal(strlen(id), 36);
	customer_say(r, boris, "/help");
	customer_tap(r, boris, "Web account");
	UNTIL(r, customer_sees(r, boris, "Type this code on the website"));
	text = str_dup(&a, botapi_find_text(r->telegram, boris, "Type this code on the website")->text);
	h = post(r, "/profile/telegram", access, arena_printf(&a, "{\"code\":\"%.*s\"}", (int)strcspn(text, "\n"), text));
	assert_int_equal(json_i64_at(h.o, "telegram_id", 0), boris);
	assert_string_equal(keep(&a, &h, "email"), "boris@example.com");
	expect(h, 200, NULL);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM users u JOIN accounts c ON c.user_id=u.id WHERE u.telegram_id IS NOT NULL AND u.merged_into IS NULL"), 1);
	/* the bot's Boris is the older one: nobody had invited him, and his own code is the one that stays */
	h = ask(r, HTTP_GET, "/profile", NULL, access, STR(""));
	assert_string_equal(keep(&a, &h, "user.referral_code"), rig_text(r, &a, arena_printf(&a, "SELECT referral_code FROM users WHERE telegram_id=%lld", (long long)boris)));
	expect(h, 200, NULL);
	/* who is invited with it on the web is Boris's */
	h = registers(r, &a, "cleo@example.com", rig_text(r, &a, "SELECT referral_code FROM users WHERE merged_into IS NOT NULL"));
	expect(h, 201, NULL);
	assert_int_equal(rig_number(r, arena_printf(&a, "SELECT count(*) FROM users w JOIN users t ON t.id=w.referred_by WHERE t.telegram_id=%lld", (long long)boris)), 1);
	customer_say(r, boris, "/start");
	UNTIL(r, customer_sees(r, boris, "Boris"));
	buf_init(&where, 4096);
	assert_false(rig_find_secret(r, &where, PASSWORD));
	assert_false(rig_find_secret(r, &where, access));
	buf_release(&where);
	rig_free(r);
	arena_release(&a);
}

static void test_forms(void **state)
{
	struct rig *r = open_rig();
	struct arena a = { 0 };
	char *large = arena_printf(&a, "{\"email\":\"%*s\"}", 20000, "x");

	(void)state;
	expect(ask(r, HTTP_POST, "/auth/login", "text/plain", NULL, STR("{}")), 415, "unsupported media type");
	expect(ask(r, HTTP_POST, "/auth/login", NULL, NULL, STR("{}")), 415, "unsupported media type");
	expect(post(r, "/auth/login", NULL, large), 413, "request too large");
	expect(post(r, "/auth/login", NULL, "{\"email\":\"a@b.c\""), 400, "invalid body");
	expect(post(r, "/auth/login", NULL, "{\"email\":\"a@b.c\",\"password\":\"" PASSWORD "\"}"), 401, "invalid login");
	expect(post(r, "/auth/refresh", NULL, "{\"refresh_token\":\"rt_x\"}"), 401, "invalid refresh token");
	expect(ask(r, HTTP_GET, "/profile", NULL, NULL, STR("")), 401, "unauthorized");
	assert_int_equal(ask(r, HTTP_GET, "/auth/login", NULL, NULL, STR("")).status, 405);
	assert_int_equal(rig_http(r, "admin", &(struct http_request){ .method = HTTP_GET }, "/profile")->status, 404);
	rig_free(r);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_register_and_join, "R243 R245"),
		proves(test_forms, ""),
	};

	return cmocka_run_group_tests_name("web over sockets", tests, NULL, NULL);
}
