/* Telegram over HTTPS at an address of our choice, and the token, which is part of every URL there: it stands in no log,
 * whatever goes wrong and whatever the other side says. */
#include "tests/unit/proves.h"

#include <string.h>

#include "tests/e2e/customer.h"

#define ECHO "no such method: /bot" BOTAPI_TOKEN "/getUpdates" /* a server of one's own may well say so */

static const char *token_secret(void)
{
	return strchr(BOTAPI_TOKEN, ':') + 1;
}

static void assert_token_is_nowhere(struct rig *r)
{
	struct buf where;

	buf_init(&where, 4096);
	if (rig_logged(r, token_secret()))
		fail_msg("the log holds the token");
	if (rig_find_secret(r, &where, token_secret()))
		fail_msg("the token stands in %s", buf_cstr(&where));
	buf_release(&where);
}

/* The operator asks what is wrong: the answer may not hold it either. */
static void check_says(struct rig *r, const char *part)
{
	struct buf out;

	buf_init(&out, 65536);
	rig_run(r, &out, NULL, (const char *const[]){ "check", NULL });
	if (!str_has(buf_str(&out), part) || str_has(buf_str(&out), token_secret()))
		fail_msg("no \"%s\", or the token, in: %s", part, buf_cstr(&out));
	buf_release(&out);
}

static void trouble(struct rig *r, int64_t user, const struct botapi_rule *rule, const char *logged)
{
	size_t before = rig_times_logged(r, logged);

	botapi_clear_rules(r->telegram);
	botapi_add_rule(r->telegram, rule);
	customer_say(r, user, "/id"); /* the long poll under way ends, the next one meets it */
	UNTIL(r, rig_times_logged(r, logged) > before);
}

static void play(struct rig *r)
{
	struct arena arena = { 0 };
	int64_t anna;

	rig_set(r, "BOT_API_URL", arena_printf(&arena, "%s/", serve_url(r->serve, r->telegram_socket)));
	arena_release(&arena);
	rig_set(r, "LOG_LEVEL", "debug");
	rig_start(r);
	anna = customer_new(r, "Anna"); /* asked, and answered */
	assert_true(botapi_calls(r->telegram, "getme") == 1 && botapi_calls(r->telegram, "sendmessage") >= 1);
	trouble(r, anna, &(struct botapi_rule){ .method = "getUpdates", .fault = BOTAPI_HTML_502 }, "telegram.unreachable method=getUpdates status=502");
	trouble(r, anna, &(struct botapi_rule){ .method = "getUpdates", .fault = BOTAPI_ERROR, .code = 401, .text = ECHO }, "telegram.token_refused");
	assert_true(rig_logged(r, "no such method")); /* what the server said is there, but for the token */
	botapi_add_rule(r->telegram, &(struct botapi_rule){ .method = "getMe", .fault = BOTAPI_ERROR, .code = 400, .text = ECHO });
	check_says(r, "no such method");
	assert_int_equal(rig_stop(r), 0);
}

static void test_own_address(void **state)
{
	struct rig *r = rig_new(&(struct rig_options){ .tls = true });
	size_t calls;

	(void)state;
	assert_true(str_starts(str_of(serve_url(r->serve, r->telegram_socket)), "https://127.0.0.1:"));
	play(r);
	botapi_clear_rules(r->telegram);

	rig_set(r, "LOG_FORMAT", "json");
	calls = botapi_calls(r->telegram, NULL);
	rig_set(r, "SSL_CERT_FILE", NULL); /* nobody vouches for this server: it does not get the token */
	rig_start(r);
	UNTIL(r, rig_logged(r, "\"failure\":\"tls\""));
	check_says(r, "no trusted TLS connection");
	assert_int_equal(rig_stop(r), 0);

	serve_close(r->serve, r->telegram_socket);
	rig_start(r);
	UNTIL(r, rig_logged(r, "\"failure\":\"connect\""));
	assert_int_equal(rig_stop(r), 0);
	assert_int_equal(botapi_calls(r->telegram, NULL), calls);
	assert_token_is_nowhere(r);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_own_address, "R272"),
	};

	return cmocka_run_group_tests_name("bot_api", tests, NULL, NULL);
}
