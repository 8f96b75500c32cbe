/* A start that cannot go well, and peers that are not there: each has a clear answer on the terminal, the exit code of
 * the table in the handbook (2: configuration, 1: failed), and changes nothing. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/keyfile.h"
#include "tests/e2e/customer.h"
#include "tests/e2e/prepare.h"

#define RUN ((const char *const[]){ "run", NULL })

/* Runs the program to its end and expects this exit code and these words. */
static void refused(struct rig *r, int code, const char *words)
{
	struct buf out;
	int got;

	buf_init(&out, 65536);
	got = rig_run(r, &out, NULL, RUN);
	if (got != code || !str_has(buf_str(&out), words))
		fail_msg("exit %d instead of %d, or no \"%s\" in: %s", got, code, words, buf_cstr(&out));
	assert_false(str_has(buf_str(&out), RIG_PANEL_PASSWORD));
	assert_false(str_has(buf_str(&out), BOTAPI_TOKEN));
	buf_release(&out);
}

/* --- configuration --- */

static const struct {
	const char *name, *value, *words;
	bool secret;                    /* its value must not be repeated */
} wrong[] = {
	{ "BOT_TOKEN", "no-token-at-all", "does not look like a bot token", true },
	{ "BOT_TOKEN", "", "BOT_TOKEN is missing", false },
	{ "BOT_ADMINS", "@anna", "must be Telegram ids", false },
	{ "BOT_API_URL", "ftp://api.telegram.org", "must begin with https:// or http://", false },
	{ "BOT_TAKE_OVER", "yes", "must be 0 or 1", false },
	{ "BOT_PROXY", "MARKER-proxy.example.com", "must begin with socks5h://", true },
	{ "BOT_SEND_RATE", "fast", "must be a number from 0 to 100000", false },
	{ "DATABASE_URL", "postgres://localhost/shop", "must be sqlite:PATH", false },
	{ "SECRET_KEY", "MARKER-too-short", "holds no key", true },
	{ "XUI_PANEL_URL", "panel.example.com", "must begin with https:// or http://", false },
	{ "XUI_PANEL_URL", "https://", "names no host", false },
	{ "BOT_API_URL", "http:///bot", "names no host", false },
	{ "PUBLIC_URL", "http://shop.example.com", "must begin with https://", false },
	{ "HTTP_LISTEN", "everywhere", "must be address:port, or off", false },
	{ "ADMIN_LISTEN", "127.0.0.1:99999", "must be address:port, or off", false },
	{ "ADMIN_ALLOW", "127.0.0.1,localhost", "must be addresses or networks, comma separated", false },
	{ "PANEL_SOURCE", "eth0", "must be a numeric address", false },
	{ "TZ_SHOP", "Mars/Olympus", "is no time zone of this system", false },
	{ "CRYPTO_PAY_URL", "pay.crypt.bot", "must begin with https:// or http://", false },
	{ "LOCALES_DIR", "/nowhere", "LOCALES_DIR=/nowhere", false },
	{ "LOG_LEVEL", "loud", "is no level", false },
	{ "LOG_FORMAT", "xml", "is no format", false },
};

/* In .env, each alone; the message names the variable. */
static void test_wrong_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(wrong); i++) {
		struct rig *r = rig_new(NULL);
		struct arena arena = { 0 };
		struct buf out;
		int code;

		rig_set(r, wrong[i].name, NULL);
		rig_write(r, ".env", str_of(arena_printf(&arena, "# ours\n%s=%s\n", wrong[i].name, wrong[i].value)), 0600);
		buf_init(&out, 65536);
		code = rig_run(r, &out, NULL, RUN);
		if (code != 2 || !str_has(buf_str(&out), wrong[i].name) || !str_has(buf_str(&out), wrong[i].words))
			fail_msg("%s=%s: exit %d, %s", wrong[i].name, wrong[i].value, code, buf_cstr(&out));
		if (wrong[i].secret && str_has(buf_str(&out), wrong[i].value))
			fail_msg("%s is repeated: %s", wrong[i].name, buf_cstr(&out));
		assert_int_equal(botapi_calls(r->telegram, NULL), 0);
		buf_release(&out);
		arena_release(&arena);
		rig_free(r);
	}
}

static void test_all_problems_at_once(void **state)
{
	struct rig *r = rig_new(NULL);
	struct buf out;

	(void)state;
	rig_set(r, "BOT_SEND_RATE", "fast");
	rig_set(r, "TZ_SHOP", "Mars/Olympus");
	rig_write(r, ".env", STR("this is no line\n"), 0600);
	buf_init(&out, 65536);
	assert_int_equal(rig_run(r, &out, NULL, RUN), 2);
	assert_true(str_has(buf_str(&out), "BOT_SEND_RATE") && str_has(buf_str(&out), "TZ_SHOP") && str_has(buf_str(&out), ".env: line 1"));
	assert_int_equal(access(r->database, F_OK), -1); /* nothing was made */
	buf_release(&out);
	rig_free(r);
}

static void test_wrong_command(void **state)
{
	struct rig *r = rig_new(NULL);

	(void)state;
	assert_int_equal(rig_run(r, NULL, NULL, (const char *const[]){ "fly", NULL }), 2);
	assert_int_equal(rig_run(r, NULL, NULL, (const char *const[]){ "backup", NULL }), 2);
	assert_int_equal(rig_run(r, NULL, NULL, (const char *const[]){ "version", NULL }), 0);
	assert_int_equal(access(r->database, F_OK), -1);
	rig_free(r);
}

/* Secrets come from files and the environment; others may see neither them nor the process's arguments. */
static void test_secrets_from_files(void **state)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" }, .crypto_pay = true });
	struct arena arena = { 0 };
	struct buf line;
	FILE *f;
	int c;

	(void)state;
	rig_set(r, "BOT_TOKEN", NULL);
	rig_set(r, "XUI_PANEL_PASSWORD", NULL);
	rig_write(r, "token", str_of(BOTAPI_TOKEN "\n"), 0600);
	rig_set(r, "BOT_TOKEN_FILE", rig_path(r, "token"));
	rig_write(r, ".env", str_of("XUI_PANEL_PASSWORD='" RIG_PANEL_PASSWORD "'\n"), 0644);
	rig_start(r);
	UNTIL(r, rig_logged(r, "telegram.ready"));
	assert_true(rig_logged(r, ".env can be read by others; chmod 600 .env"));
	UNTIL(r, rig_number(r, "SELECT count(*) FROM panels WHERE state='ok'") == 1); /* the password was read */
	customer_say(r, RIG_ADMIN, "/panels");
	UNTIL(r, customer_sees(r, RIG_ADMIN, "127.0.0.1") && customer_sees(r, RIG_ADMIN, "3.6.0 · dialect C"));
	buf_init(&line, 65536);
	f = fopen(arena_printf(&arena, "/proc/%d/cmdline", (int)r->pid), "rb");
	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		buf_addc(&line, c ? (char)c : ' ');
	fclose(f);
	assert_true(str_ends(buf_str(&line), "/obol-san run "));
	assert_int_equal(rig_stop(r), 0);
	buf_release(&line);
	arena_release(&arena);
	rig_free(r);
}

/* --- the key --- */

static struct rig *closed_shop(void)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" } });

	prepare_shop(r);
	return r;
}

static void test_key_file_missing(void **state)
{
	struct rig *r = closed_shop();
	struct arena arena = { 0 };
	const char *key = arena_strdup(&arena, rig_path(r, KEYFILE_NAME)), *away = arena_strdup(&arena, rig_path(r, "away"));

	(void)state;
	assert_int_equal(rename(key, away), 0);
	refused(r, 2, KEYFILE_NAME);
	refused(r, 2, "--forget-secrets");
	assert_int_equal(access(key, F_OK), -1);     /* no new one was made */
	assert_int_equal(rename(away, key), 0);
	rig_start(r);
	UNTIL(r, rig_logged(r, "telegram.ready"));
	assert_int_equal(rig_stop(r), 0);
	arena_release(&arena);
	rig_free(r);
}

static void test_key_of_another_shop(void **state)
{
	struct rig *r = closed_shop();

	(void)state;
	rig_write(r, KEYFILE_NAME, STR("0000000000000000000000000000000000000000000000000000\n"), 0600);
	refused(r, 2, "sealed with");
	rig_free(r);
}

static void test_key_file_open_to_others(void **state)
{
	struct rig *r = closed_shop();

	(void)state;
	chmod(rig_path(r, KEYFILE_NAME), 0644);
	refused(r, 2, "chmod 600");
	rig_free(r);
}

/* --- what is taken --- */

static void test_second_program(void **state)
{
	struct rig *r = rig_new(NULL);

	(void)state;
	rig_start(r);
	UNTIL(r, rig_logged(r, "telegram.ready"));
	refused(r, 1, "another obol works with");
	assert_int_equal(rig_run(r, NULL, NULL, (const char *const[]){ "restore", "x.db", NULL }), 1);
	customer_new(r, "Anna"); /* the first one goes on */
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

static void test_port_taken(void **state)
{
	struct rig *r = rig_new(NULL);
	struct arena arena = { 0 };

	(void)state;
	rig_set(r, "HTTP_LISTEN", arena_printf(&arena, "127.0.0.1:%d", serve_port(r->serve, r->telegram_socket)));
	refused(r, 2, "HTTP_LISTEN");
	refused(r, 2, "the port is taken by another program");
	arena_release(&arena);
	rig_free(r);
}

/* --- Telegram --- */

static void test_token_refused(void **state)
{
	struct rig *r = rig_new(NULL);

	(void)state;
	botapi_revoke_token(r->telegram);
	refused(r, 2, "telegram.token_refused");
	refused(r, 2, "@BotFather");
	rig_free(r);
}

static void test_telegram_unreachable(void **state)
{
	struct rig *r = rig_new(NULL);

	(void)state;
	serve_close(r->serve, r->telegram_socket);
	rig_start(r);
	UNTIL(r, rig_times_logged(r, "telegram.unreachable") >= 2);
	assert_int_equal(rig_http(r, "admin", &(struct http_request){ .method = HTTP_GET }, "/healthz")->status, 503);
	serve_reopen(r->serve, r->telegram_socket);
	customer_new(r, "Anna");
	assert_int_equal(rig_http(r, "admin", &(struct http_request){ .method = HTTP_GET }, "/healthz")->status, 200);
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

static void test_foreign_webhook(void **state)
{
	struct rig *r = rig_new(NULL);

	(void)state;
	botapi_set_webhook(r->telegram, "https://other.example.com/hook");
	rig_start(r);
	UNTIL(r, rig_logged(r, "poll.conflict"));
	assert_true(rig_logged(r, "other.example.com") && rig_logged(r, "BOT_TAKE_OVER=1"));
	assert_int_equal(botapi_calls(r->telegram, "deleteWebhook"), 0);
	assert_int_equal(rig_http(r, "admin", &(struct http_request){ .method = HTTP_GET }, "/metrics")->status, 200); /* the rest goes on */
	assert_int_equal(rig_stop(r), 0);

	rig_set(r, "BOT_TAKE_OVER", "1");
	rig_start(r);
	customer_new(r, "Anna");
	assert_int_equal(botapi_calls(r->telegram, "deleteWebhook"), 1);
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

/* --- the panel of the environment --- */

static void panel_refused(const char *name, const char *value, const char *words)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" } });
	struct arena arena = { 0 };

	rig_set(r, name, value ? value : arena_printf(&arena, "%s/wrong", r->panels[0].url));
	rig_start(r);
	UNTIL(r, rig_logged(r, words));
	customer_new(r, "Anna"); /* nobody else is held up */
	assert_int_equal(rig_number(r, "SELECT count(*) FROM panels WHERE state='ok'"), 0);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM inbounds WHERE for_sale=1"), 0);
	assert_in_range(panel_sim_count(r->panels[0].sim, NULL), 1, 20);
	assert_int_equal(rig_stop(r), 0);
	arena_release(&arena);
	rig_free(r);
}

/* The other names of its three settings; where both are set and differ, the documented one counts, and that is said. */
static void test_other_names(void **state)
{
	static const struct { const char *name, *alias; } names[] = {
		{ "XUI_PANEL_URL", "XUI_BASE_URL" }, { "XUI_PANEL_USERNAME", "XUI_USERNAME" }, { "XUI_PANEL_PASSWORD", "XUI_PASSWORD" },
	};

	(void)state;
	for (int both = 0; both < 2; both++) {
		struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" } });
		const char *right[] = { r->panels[0].url, "admin", RIG_PANEL_PASSWORD };

		for (size_t i = 0; i < countof(names); i++) {
			rig_set(r, names[i].name, both ? right[i] : NULL);
			rig_set(r, names[i].alias, both ? "https://other.example.com" : right[i]);
		}
		rig_start(r);
		UNTIL(r, rig_logged(r, "telegram.ready"));
		UNTIL(r, rig_number(r, "SELECT count(*) FROM panels WHERE state='ok'") == 1);
		assert_int_equal(rig_number(r, "SELECT count(*) FROM panels"), 1);
		assert_int_equal(rig_times_logged(r, "config.alias_ignored"), both ? countof(names) : 0);
		assert_int_equal(rig_stop(r), 0);
		rig_free(r);
	}
}

static void test_wrong_panel_password(void **state)
{
	(void)state;
	panel_refused("XUI_PANEL_PASSWORD", "MARKER-wrong", "panel.failed");
}

static void test_wrong_panel_path(void **state)
{
	(void)state;
	panel_refused("XUI_PANEL_URL", NULL, "panel.failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_wrong_values, ""),
		proves(test_all_problems_at_once, ""),
		proves(test_wrong_command, ""),
		proves(test_secrets_from_files, "R019 R287"),
		proves(test_key_file_missing, ""),
		proves(test_key_of_another_shop, "R015"),
		proves(test_key_file_open_to_others, "R287"),
		proves(test_second_program, ""),
		proves(test_port_taken, ""),
		proves(test_token_refused, ""),
		proves(test_telegram_unreachable, ""),
		proves(test_foreign_webhook, ""),
		proves(test_other_names, "R020"),
		proves(test_wrong_panel_password, ""),
		proves(test_wrong_panel_path, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* NULL: all */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
