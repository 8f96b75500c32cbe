/* obol check: what works, and each part broken: the line names the part, the step and what to do; nothing secret in it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/crypto/keyfile.h"
#include "tests/e2e/harness.h"
#include "tests/unit/proves.h"

#define OUT_BYTES_MAX ((size_t)256 * 1024)
#define WRONG_PASSWORD "MARKER-wrong-password-51c2"

/* One `obol check`: its exit code and all it said. */
struct said {
	int code;
	struct buf text;
};

static void check(struct said *out, struct rig *r, const char *option)
{
	const char *const args[] = { "check", option, NULL };

	buf_init(&out->text, OUT_BYTES_MAX);
	out->code = rig_run(r, &out->text, NULL, args);
	if (str_has(buf_str(&out->text), RIG_PANEL_PASSWORD) || str_has(buf_str(&out->text), WRONG_PASSWORD) ||
		str_has(buf_str(&out->text), RIG_CRYPTOPAY_TOKEN) || str_has(buf_str(&out->text), BOTAPI_TOKEN))
		fail_msg("a secret:\n%s", buf_cstr(&out->text));
}

/* One line begins with start and holds part. */
static bool has_line(const struct said *s, const char *start, const char *part)
{
	struct str rest = buf_str(&s->text);

	while (rest.at) {
		struct str line = str_cut(&rest, '\n');

		if (str_starts(line, start) && str_has(line, part))
			return true;
	}
	return false;
}

static void expect(const struct said *s, int code, const char *start, const char *part)
{
	if (s->code != code || !has_line(s, start, part))
		fail_msg("wanted exit %d and \"%s … %s\"; exit %d:\n%s", code, start, part, s->code, buf_cstr(&s->text));
}

/* check, expect, forget */
static void check_says(struct rig *r, const char *option, int code, const char *start, const char *part)
{
	struct said s;

	check(&s, r, option);
	expect(&s, code, start, part);
	buf_release(&s.text);
}

/* The shop, once it has seen its panel. */
static void start_shop(struct rig *r)
{
	rig_start(r);
	UNTIL(r, rig_logged(r, "obol.started"));
	UNTIL(r, rig_number(r, "SELECT count(*) FROM panels WHERE state='ok'") == 1);
}

/* Started and stopped again: database, key and the panel's row are there. */
static void open_shop(struct rig *r)
{
	start_shop(r);
	assert_int_equal(rig_stop(r), 0);
}

static struct rig *rig_of(const char *version)
{
	return rig_new(&(struct rig_options){ .versions = { version }, .crypto_pay = true });
}

/* --- all is well --- */

static void test_fine(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(versions); i++) {
		struct rig *r = rig_of(versions[i]);
		struct said s;

		check(&s, r, NULL); /* before the first start: from the environment alone */
		expect(&s, 0, "ok    panel 127.0.0.1", "name ok, TCP ok, login ok, list ok: 1 inbounds, 1 on");
		expect(&s, 0, "ok    database", "is not there yet");
		buf_release(&s.text);
		open_shop(r);
		check(&s, r, NULL);
		expect(&s, 0, "Everything works.", "");
		expect(&s, 0, "ok    Telegram", "@" BOTAPI_USERNAME);
		expect(&s, 0, "ok    webhook", "none");
		expect(&s, 0, "ok    clock", "");
		expect(&s, 0, "ok    database", "is sound");
		expect(&s, 0, "ok    ledger", "balanced");
		expect(&s, 0, "ok    disk speed", "a durable write takes");
		expect(&s, 0, "ok    key", "the database's");
		expect(&s, 0, "ok    panel 1", versions[i]);
		expect(&s, 0, "ok    crypto_pay", "takes the keys");
		buf_release(&s.text);
		rig_free(r);
	}
}

/* Beside a running shop nothing is disturbed: it goes on answering. */
static void test_while_running(void **state)
{
	struct rig *r = rig_of("3.6.0");
	int64_t anna = botapi_user_new(r->telegram, "Anna", "anna", "en");

	(void)state;
	start_shop(r);
	check_says(r, NULL, 0, "ok    ports", "the shop is running");
	botapi_say(r->telegram, anna, "/start");
	serve_changed(r->serve);
	UNTIL(r, botapi_last(r->telegram, anna));
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

static void test_tls(void **state)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" }, .tls = true });

	(void)state;
	check_says(r, NULL, 0, "ok    panel", "name ok, TCP ok, TLS ok, login ok, list ok");
	rig_set(r, "SSL_CERT_FILE", NULL);
	check_says(r, NULL, 1, "FAIL  panel", "name ok, TCP ok, TLS: ");
	rig_free(r);
}

/* --- configuration --- */

static void test_configuration(void **state)
{
	struct rig *r = rig_of("3.6.0");

	(void)state;
	rig_set(r, "BOT_TOKEN", NULL);
	check_says(r, NULL, 2, "BOT_TOKEN is missing", "Example");
	rig_set(r, "BOT_TOKEN", BOTAPI_TOKEN);
	rig_set(r, "BOT_ADMINS", NULL);
	check_says(r, NULL, 0, "WARN  admins", "set BOT_ADMINS");
	rig_set(r, "PUBLIC_URL", "https://192.168.1.5");
	check_says(r, NULL, 1, "FAIL  PUBLIC_URL", "private");
	rig_set(r, "PUBLIC_URL", "https://shop.example.com");
	check_says(r, NULL, 0, "ok    PUBLIC_URL", "https://shop.example.com/cb/");
	rig_set(r, "HTTP_LISTEN", strstr(serve_url(r->serve, r->telegram_socket), "127."));
	check_says(r, NULL, 1, "FAIL  HTTP_LISTEN", "is taken by another program");
	rig_free(r);
}

/* --- Telegram --- */

static void test_token(void **state)
{
	struct rig *r = rig_of("3.6.0");
	struct said s;

	(void)state;
	botapi_revoke_token(r->telegram);
	check(&s, r, NULL);
	expect(&s, 1, "FAIL  Telegram", "the token is not accepted (401) → copy BOT_TOKEN from @BotFather");
	expect(&s, 1, "ok    panel", "list ok"); /* one broken part hides no other */
	buf_release(&s.text);
	rig_free(r);
}

static void test_unreachable(void **state)
{
	struct rig *r = rig_of("3.6.0");
	struct said s;

	(void)state;
	serve_close(r->serve, r->telegram_socket);
	check(&s, r, NULL);
	expect(&s, 1, "FAIL  Telegram", "TCP: ");
	expect(&s, 1, "FAIL  Telegram", "BOT_PROXY=");
	expect(&s, 1, "WARN  clock", "not compared");
	buf_release(&s.text);
	rig_set(r, "BOT_PROXY", serve_url(r->serve, r->telegram_socket));
	check_says(r, NULL, 1, "FAIL  Telegram", "does the proxy of BOT_PROXY run");
	rig_free(r);
}

static void test_webhook(void **state)
{
	struct rig *r = rig_of("3.6.0");
	struct said s;

	(void)state;
	botapi_set_webhook(r->telegram, "https://other.example.com/secret-of-somebody");
	check(&s, r, NULL);
	expect(&s, 1, "FAIL  webhook", "other.example.com");
	expect(&s, 1, "FAIL  webhook", "obol check --take-over");
	assert_false(str_has(buf_str(&s.text), "secret-of-somebody"));
	buf_release(&s.text);
	rig_set(r, "BOT_TAKE_OVER", "1");
	check_says(r, NULL, 0, "WARN  webhook", "the next `obol run` removes it");
	rig_set(r, "BOT_TAKE_OVER", NULL);
	check_says(r, "--take-over", 0, "ok    webhook", "is removed");
	check_says(r, NULL, 0, "ok    webhook", "none");
	rig_free(r);
}

static int64_t an_hour_later(void *ctx)
{
	(void)ctx;
	return clock_now_ms() + HOUR_MS;
}

static void test_clock(void **state)
{
	struct rig *r = rig_of("3.6.0");

	(void)state;
	serve_set_clock(r->serve, an_hour_later, NULL);
	check_says(r, NULL, 0, "WARN  clock", "behind of Telegram's");
	rig_free(r);
}

/* --- panels: broken at each step, the line names that step --- */

/* A label of a name has at most 63 characters: this one fails in the resolver, whatever the network. */
#define NO_NAME "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"

static void break_name(struct rig *r) { rig_set(r, "XUI_PANEL_URL", NO_NAME); }
static void break_tcp(struct rig *r) { serve_close(r->serve, r->panels[0].socket); }
static void break_password(struct rig *r) { rig_set(r, "XUI_PANEL_PASSWORD", WRONG_PASSWORD); }
static void break_credentials(struct rig *r) { rig_set(r, "XUI_PANEL_PASSWORD", NULL); }
static void break_kind(struct rig *r) { rig_set(r, "XUI_PANEL_URL", serve_url(r->serve, r->telegram_socket)); }

/* The same panel behind a certificate nobody knows. */
static void break_tls(struct rig *r)
{
	int socket = serve_add(r->serve, panel_sim_handle, r->panels[0].sim, 0, true);

	rig_set(r, "XUI_PANEL_URL", serve_url(r->serve, socket));
}

static void break_path(struct rig *r)
{
	char url[64];

	snprintf(url, sizeof url, "%s/nowhere", r->panels[0].url);
	rig_set(r, "XUI_PANEL_URL", url);
}

static void break_list(struct rig *r)
{
	panel_sim_add_rule(r->panels[0].sim, &(struct panel_rule){ .route = "panel/api/inbounds/list", .fault = PANEL_REFUSE, .text = "disk I/O error" });
}

static void break_cut(struct rig *r)
{
	panel_sim_add_rule(r->panels[0].sim, &(struct panel_rule){ .route = "login", .fault = PANEL_NETWORK, .trouble = { .drop = true } });
}

static void break_inside(struct rig *r)
{
	panel_sim_add_rule(r->panels[0].sim, &(struct panel_rule){ .fault = PANEL_HTML_502 });
}

static const struct {
	const char *name;
	void (*apply)(struct rig *r);
	const char *start, *part, *advice;
} broken[] = {
	{ "name",        break_name,        "FAIL  panel", "name: ",                                        "typing mistake" },
	{ "TCP",         break_tcp,         "FAIL  panel", "name ok, TCP: ",                                "firewall" },
	{ "TLS",         break_tls,         "FAIL  panel", "name ok, TCP ok, TLS: ",                        "is it a port with https" },
	{ "password",    break_password,    "FAIL  panel", "TCP ok, login: name, password or second factor", "XUI_PANEL_" },
	{ "credentials", break_credentials, "FAIL  panel", "there are no credentials",                      "XUI_PANEL_" },
	{ "path",        break_path,        "FAIL  panel", "login: there is nothing at this path",          "web base path" },
	{ "no panel",    break_kind,        "FAIL  panel", "login: ",                                       "web base path" },
	{ "cut",         break_cut,         "FAIL  panel", "name ok, TCP ok, answer: ",                      "http or https" },
	{ "502",         break_inside,      "FAIL  panel", "login: it fails by itself (status 502)",        "x-ui log" },
	{ "list",        break_list,        "FAIL  panel", "login ok, list: ",                              "disk I/O error" },
};

static void test_panel_steps(void **state)
{
	static const char *const versions[] = { "2.8.5", "3.6.0" };

	(void)state;
	for (size_t i = 0; i < countof(broken) * countof(versions); i++) {
		struct rig *r = rig_of(versions[i % 2]);
		struct said s;

		broken[i / 2].apply(r);
		check(&s, r, NULL);
		if (s.code != 1 || !has_line(&s, broken[i / 2].start, broken[i / 2].part) || !has_line(&s, broken[i / 2].start, broken[i / 2].advice))
			fail_msg("%s of %s, exit %d:\n%s", broken[i / 2].name, versions[i % 2], s.code, buf_cstr(&s.text));
		assert_true(has_line(&s, "ok    Telegram", ""));
		buf_release(&s.text);
		rig_free(r);
	}
}

static void test_panel_version(void **state)
{
	struct rig *r = rig_of("3.2.0");

	(void)state;
	check_says(r, NULL, 0, "WARN  panel", "update the panel");
	rig_free(r);
	r = rig_new(NULL);
	check_says(r, NULL, 0, "WARN  panels", "none yet");
	rig_free(r);
}

/* --- database and key --- */

static void test_key(void **state)
{
	struct rig *r = rig_of("3.6.0");
	struct said s;

	(void)state;
	open_shop(r);
	unlink(rig_path(r, KEYFILE_NAME));
	check(&s, r, NULL);
	expect(&s, 1, "FAIL  key", "is missing, and SECRET_KEY is not set");
	expect(&s, 1, "FAIL  panel 1", "its credentials cannot be opened → mend the key first");
	buf_release(&s.text);
	rig_set(r, "SECRET_KEY", "0123456789ABCDEFGHJKMNPQRSTVWXYZ0123456789ABCDEFGHJ0");
	check_says(r, NULL, 1, "FAIL  key", "but SECRET_KEY is key");
	rig_free(r);
}

static void test_database(void **state)
{
	struct rig *r = rig_of("3.6.0");
	struct buf bytes;

	(void)state;
	open_shop(r);
	buf_init(&bytes, (size_t)64 << 20);
	buf_add(&bytes, rig_read(r, "obol.db"));
	assert_true(bytes.len > 65536);
	for (size_t i = 32768; i < 49152; i++) /* some pages in the middle, as a bad disk leaves them */
		bytes.at[i] = (char)(i * 7);
	rig_write(r, "obol.db", buf_str(&bytes), 0600);
	check_says(r, NULL, 1, "FAIL  database", "obol restore FILE");
	rig_write(r, "obol.db", STR("this is a letter and no database, and long enough to be looked at"), 0600);
	check_says(r, NULL, 1, "FAIL  database", "is damaged, or no database");
	buf_release(&bytes);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_fine, ""),
		proves(test_while_running, ""),
		proves(test_tls, ""),
		proves(test_configuration, ""),
		proves(test_token, ""),
		proves(test_unreachable, ""),
		proves(test_webhook, ""),
		proves(test_clock, ""),
		proves(test_panel_steps, "R147"),
		proves(test_panel_version, ""),
		proves(test_key, ""),
		proves(test_database, "R077"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
