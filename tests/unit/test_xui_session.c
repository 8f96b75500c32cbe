/* Finding the dialect, logging in, keeping the session, recognising its loss. Answers as real panels gave them. */
#include "tests/unit/xui_script.h"

#define PAGE_285 "\n<!DOCTYPE html>\n<html>\n<head><link rel=\"stylesheet\" href=\"/secret/assets/ant-design-vue/antd.min.css\">" \
	"<link rel=\"stylesheet\" href=\"/secret/assets/css/custom.min.css?2.8.5\"></head></html>"
#define PAGE_3 "<!doctype html>\n<html><head><meta name=\"csrf-token\" content=\"tok-page\"></head></html>"
#define HOME_302 "<!doctype html><script nonce=\"x\">window.X_UI_BASE_PATH=\"/secret/\";window.X_UI_CUR_VER=\"3.0.2\";</script>"
#define CSRF "{\"success\":true,\"obj\":\"tok-1\"}"
#define STATUS_B "{\"success\":true,\"msg\":\"\",\"obj\":{\"cpu\":1.5,\"xray\":{\"state\":\"running\"}}}"
#define STATUS_C "{\"success\":true,\"msg\":\"\",\"obj\":{\"cpu\":1.5,\"panelVersion\":\"3.6.0\"}}"
#define LIST "{\"success\":true,\"msg\":\"\",\"obj\":[]}"
#define WRONG "{\"success\":false,\"msg\":\"Invalid username or password or two-factor code.\",\"obj\":null}"
#define HTML "text/html; charset=utf-8"

static const struct xui_ask probe = { .what = XUI_PROBE };
static const struct xui_ask onlines = { .what = XUI_ONLINES };

#define ONLINES_A "POST panel/api/inbounds/onlines"

static void test_probe_a(void **state)
{
	struct world w;
	const struct xui_result *r;

	(void)state;
	world_init(&w, XUI_UNKNOWN, "");
	r = RUN(&w, &probe,
		{ "GET csrf-token", 404 },
		{ "GET ", 200, PAGE_285, .type = HTML },
		{ "POST login", 200, LOGIN_OK, "3x-ui=abc==" },
		{ "GET panel/api/inbounds/list", 200, LIST });
	assert_int_equal(r->err, OK);
	assert_int_equal(w.panel.dialect, XUI_A);
	assert_string_equal(w.panel.version, "2.8.5");
	assert_string_equal(w.sent[2].body, "username=admin&password=s3cret%26%2B");
	assert_string_equal(w.sent[2].type, "application/x-www-form-urlencoded");
	assert_string_equal(w.sent[2].csrf, "");
	assert_string_equal(w.sent[3].cookie, "3x-ui=abc==");
	assert_true(w.panel.changed);
	assert_true(w.panel.session.created_ms == NOW && w.panel.session.expires_ms == NOW + HOUR_MS);
	world_release(&w);
}

static void test_probe_b(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, XUI_UNKNOWN, "");
	assert_int_equal(RUN(&w, &probe,
		{ "GET csrf-token", 200, CSRF, "3x-ui=c1" },
		{ "POST login", 200, LOGIN_OK, "3x-ui=c2" },
		{ "GET panel/api/server/status", 200, STATUS_B },
		{ "GET panel/", 200, HOME_302, .type = HTML },
		{ "GET panel/api/inbounds/list", 200, LIST })->err, OK);
	assert_int_equal(w.panel.dialect, XUI_B);
	assert_string_equal(w.panel.version, "3.0.2");
	assert_string_equal(w.sent[1].cookie, "3x-ui=c1");
	assert_string_equal(w.sent[1].csrf, "tok-1");
	assert_string_equal(w.sent[4].cookie, "3x-ui=c2");
	assert_string_equal(w.sent[4].csrf, ""); /* GET needs none */
	world_release(&w);
}

static void test_probe_c(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, XUI_UNKNOWN, "");
	w.panel.token = "T48";
	assert_int_equal(RUN(&w, &probe,
		{ "GET csrf-token", 200, CSRF, "3x-ui=c1" },
		{ "GET panel/api/server/status", 200, STATUS_C },
		{ "GET panel/api/inbounds/list/slim", 200, LIST },
		{ "GET panel/api/hosts/list", 200, LIST })->err, OK);
	assert_int_equal(w.panel.dialect, XUI_C);
	assert_string_equal(w.panel.version, "3.6.0");
	assert_string_equal(w.sent[1].auth, "Bearer T48");
	assert_string_equal(w.sent[1].cookie, "");
	assert_string_equal(w.sent[2].auth, "Bearer T48");
	world_release(&w);

	/* just started: no snapshot yet; and a proxy that keeps csrf-token back */
	world_init(&w, XUI_UNKNOWN, "");
	assert_int_equal(RUN(&w, &probe,
		{ "GET csrf-token", 404 },
		{ "GET ", 200, PAGE_3, "3x-ui=c1", .type = HTML },
		{ "POST login", 200, LOGIN_OK, "3x-ui=c2" },
		{ "GET panel/api/server/status", 200, OK_NULL },
		{ "GET panel/api/clients/list/paged?page=1&pageSize=1", 200, LIST },
		{ "GET panel/api/inbounds/list/slim", 200, LIST },
		{ "GET panel/api/hosts/list", 404 })->err, OK); /* of 3.1 to 3.3: no such route, and no lost session */
	assert_int_equal(w.panel.dialect, XUI_C);
	assert_string_equal(w.sent[2].csrf, "tok-page");
	world_release(&w);
}

static void test_probe_fails(void **state)
{
	static const struct { const char *name; struct step first, second; enum err err; } cases[] = {
		{ "wrong base path", { "GET csrf-token", 404 }, { "GET ", 404 }, E_NOTFOUND },
		{ "another web site", { "GET csrf-token", 404 }, { "GET ", 200, "<html>hello</html>", .type = HTML }, E_VERSION },
		{ "web domain", { "GET csrf-token", 403 }, { 0 }, E_REFUSED },
		{ "speaks https", { "GET csrf-token", 307 }, { 0 }, E_REFUSED },
		{ "token that would be a header", { "GET csrf-token", 200, "{\"success\":true,\"obj\":\"t\\r\\nX-Real-IP: 1.1.1.1\"}" }, { 0 }, E_VERSION },
		{ "token with a zero", { "GET csrf-token", 200, "{\"success\":true,\"obj\":\"t\\u0000k\"}" }, { 0 }, E_VERSION },
		{ "page for everything", { "GET csrf-token", 200, "<html></html>", .type = HTML }, { 0 }, E_VERSION },
		{ "proxy without panel", { "GET csrf-token", 502, "<html>" }, { 0 }, E_IO },
		{ "no name", { "GET csrf-token", .failure = HTTP_FAIL_RESOLVE }, { 0 }, E_IO },
		{ "slow", { "GET csrf-token", .failure = HTTP_FAIL_TIMEOUT }, { 0 }, E_IO },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct step steps[2] = { cases[i].first, cases[i].second };
		struct world w;
		const struct xui_result *r;

		world_init(&w, XUI_UNKNOWN, "");
		r = world_run(&w, &probe, steps, cases[i].second.want ? 2 : 1);
		if (r->err != cases[i].err || r->is_unknown)
			fail_msg("%s: %s", cases[i].name, err_name(r->err));
		assert_int_equal(w.panel.dialect, XUI_UNKNOWN);
		world_release(&w);
	}
}

static void test_session_is_used_again(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	memset(&w.panel.session, 0, sizeof w.panel.session);
	RUN(&w, &onlines, { "POST login", 200, LOGIN_OK, "3x-ui=n1" }, { ONLINES_A, 200, OK_NULL });
	for (int i = 0; i < 1000; i++) {
		w.sent_count = 0;
		w.now_ms = NOW + i * 3 * SECOND_MS;
		w.panel.changed = false;
		RUN(&w, &onlines, { ONLINES_A, 200, OK_NULL });
		assert_string_equal(w.sent[0].cookie, "3x-ui=n1");
		assert_false(w.panel.changed);
	}
	w.now_ms = NOW + 59 * MINUTE_MS;
	RUN(&w, &onlines, { ONLINES_A, 200, OK_NULL });
	w.now_ms = NOW + HOUR_MS - XUI_SESSION_MARGIN_MS; /* before it runs out, not after */
	RUN(&w, &onlines, { "POST login", 200, LOGIN_OK, "3x-ui=n2" }, { ONLINES_A, 200, OK_NULL });
	assert_true(w.panel.session.created_ms == w.now_ms);
	w.panel.session_lifetime_ms = 10 * MINUTE_MS;
	w.now_ms += 59 * MINUTE_MS;
	RUN(&w, &onlines, { ONLINES_A, 200, OK_NULL }); /* what was promised at its login holds */
	w.now_ms += MINUTE_MS;
	RUN(&w, &onlines, { "POST login", 200, LOGIN_OK, "3x-ui=n3" }, { ONLINES_A, 200, OK_NULL });
	w.now_ms += 10 * MINUTE_MS;
	RUN(&w, &onlines, { "POST login", 200, LOGIN_OK, "3x-ui=n4" }, { ONLINES_A, 200, OK_NULL });
	world_release(&w);
}

static void test_session_rotates(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	w.panel.session_rotate_ms = 10 * MINUTE_MS;
	w.panel.session.created_ms = NOW;
	w.now_ms = NOW + 9 * MINUTE_MS;
	RUN(&w, &onlines, { ONLINES_A, 200, OK_NULL });
	w.now_ms = NOW + 10 * MINUTE_MS;
	RUN(&w, &onlines, { "POST login", 200, LOGIN_OK, "3x-ui=n2" }, { ONLINES_A, 200, OK_NULL });
	assert_string_equal(w.sent[2].cookie, "3x-ui=n2");
	world_release(&w);
}

static void test_session_is_lost(void **state)
{
	static const struct step lost[] = {
		{ ONLINES_A, 401 },
		{ ONLINES_A, 401, "{\"success\":false,\"msg\":\"Your session has expired, please log in again\",\"obj\":null}" },
		{ ONLINES_A, 404 },
		{ ONLINES_A, 302, "<a href=\"/secret/\">Found</a>.", .type = HTML },
		{ ONLINES_A, 307, "<a href=\"/secret/\">Temporary Redirect</a>.\n\n", .type = HTML },
		{ ONLINES_A, 200, PAGE_285, .type = HTML },
	};

	(void)state;
	for (size_t i = 0; i < countof(lost); i++) {
		struct world w;
		const struct xui_result *r;

		world_init(&w, XUI_A, "2.8.5");
		r = RUN(&w, &onlines, lost[i], { "POST login", 200, LOGIN_OK, "3x-ui=new" }, { ONLINES_A, 200, "{\"success\":true,\"msg\":\"\",\"obj\":[\"u1\"]}" });
		assert_int_equal(r->err, OK);
		assert_int_equal(r->listed, 1);
		assert_string_equal(w.sent[0].cookie, "3x-ui=old==");
		assert_string_equal(w.sent[1].cookie, "");
		assert_string_equal(w.sent[2].cookie, "3x-ui=new");
		/* with a wrong password: one login, then an error */
		w.sent_count = 0;
		r = RUN(&w, &onlines, lost[i], { "POST login", 200, WRONG });
		assert_int_equal(r->err, E_AUTH);
		assert_false(r->is_unknown);
		assert_string_equal(r->msg, "Invalid username or password or two-factor code.");
		/* and no further one for a while: the panel counts */
		assert_int_equal(RUN_NOTHING(&w, &onlines)->err, E_AUTH);
		w.now_ms += XUI_LOGIN_REST_MS;
		assert_int_equal(RUN(&w, &onlines, { "POST login", 200, WRONG })->err, E_AUTH);
		world_release(&w);
	}
}

/* The same for the operations that fetch lists and files (R011). */
static void test_system_calls_log_in_again(void **state)
{
	static const struct { enum xui_what what; const char *line; const char *body; } calls[] = {
		{ XUI_ONLINES, ONLINES_A, OK_NULL },
		{ XUI_BACKUP, "GET panel/api/server/getDb", "SQLite format 3\0rest" },
		{ XUI_INBOUNDS, "GET panel/api/inbounds/list", LIST },
		{ XUI_CLIENTS, "GET panel/api/inbounds/list", LIST },
		{ XUI_STATUS, "GET panel/api/server/status", STATUS_B },
		{ XUI_SETTINGS, "POST panel/setting/defaultSettings", LIST },
	};

	(void)state;
	for (size_t i = 0; i < countof(calls); i++) {
		struct xui_ask ask = { .what = calls[i].what };
		struct world w;
		size_t len = calls[i].what == XUI_BACKUP ? 20 : 0;

		for (int lost = 0; lost < 2; lost++) {
			world_init(&w, XUI_A, "2.8.5");
			assert_int_equal(RUN(&w, &ask, { calls[i].line, lost ? 401 : 404 }, { "POST login", 200, LOGIN_OK, "3x-ui=new" },
				{ calls[i].line, 200, calls[i].body, .len = len })->err, OK);
			world_release(&w);
		}
	}
}

static void test_second_refusal_is_an_error(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.8.5");
	assert_int_equal(RUN(&w, &onlines, { ONLINES_A, 401 }, { "POST login", 200, LOGIN_OK, "3x-ui=n" }, { ONLINES_A, 401 })->err, E_AUTH);
	world_release(&w);
	/* 404 twice: perhaps another version stands there now; looked at once */
	world_init(&w, XUI_A, "2.8.5");
	assert_int_equal(RUN(&w, &onlines,
		{ ONLINES_A, 404 }, { "POST login", 200, LOGIN_OK, "3x-ui=n" }, { ONLINES_A, 404 },
		{ "GET csrf-token", 200, CSRF, "3x-ui=c1" }, { "POST login", 200, LOGIN_OK, "3x-ui=c2" },
		{ "GET panel/api/server/status", 200, STATUS_C }, { "POST panel/api/clients/onlines", 200, OK_NULL })->err, OK);
	assert_int_equal(w.panel.dialect, XUI_C);
	assert_string_equal(w.sent[6].csrf, "tok-1");
	world_release(&w);
	/* somebody else's page where the login was */
	world_init(&w, XUI_A, "2.8.5");
	assert_int_equal(RUN(&w, &onlines, { ONLINES_A, 401 }, { "POST login", 200, "<html>hello</html>", .type = HTML })->err, E_VERSION);
	world_release(&w);
	/* success without a cookie is no session */
	world_init(&w, XUI_A, "2.8.5");
	assert_int_equal(RUN(&w, &onlines, { ONLINES_A, 401 }, { "POST login", 200, LOGIN_OK })->err, E_IO);
	world_release(&w);
}

static void test_csrf_is_renewed(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, XUI_B, "3.0.2");
	assert_int_equal(RUN(&w, &onlines, { ONLINES_A, 403 }, { "GET csrf-token", 200, CSRF }, { ONLINES_A, 200, OK_NULL })->err, OK);
	assert_string_equal(w.sent[0].csrf, "csrf-old");
	assert_string_equal(w.sent[1].cookie, "3x-ui=old==");
	assert_string_equal(w.sent[2].csrf, "tok-1");
	assert_string_equal(w.sent[2].cookie, "3x-ui=old==");
	assert_int_equal(RUN(&w, &onlines, { ONLINES_A, 403 }, { "GET csrf-token", 200, CSRF }, { ONLINES_A, 403 })->err, E_REFUSED);
	world_release(&w);
	/* upgraded from 2.x in between: login wants a token */
	world_init(&w, XUI_A, "2.9.4");
	w.panel.session.expires_ms = NOW;
	assert_int_equal(RUN(&w, &onlines, { "POST login", 403 }, { "GET csrf-token", 200, CSRF, "3x-ui=c1" }, { "POST login", 200, LOGIN_OK, "3x-ui=c2" },
		{ "GET panel/api/server/status", 200, STATUS_C }, { "POST panel/api/clients/onlines", 200, OK_NULL })->err, OK);
	world_release(&w);
}

static void test_token(void **state)
{
	static const struct xui_ask settings = { .what = XUI_SETTINGS };
	struct world w;

	(void)state;
	world_init(&w, XUI_C, "3.6.0");
	w.panel.token = "T48";
	RUN(&w, &onlines, { "POST panel/api/clients/onlines", 200, OK_NULL });
	assert_string_equal(w.sent[0].auth, "Bearer T48");
	assert_string_equal(w.sent[0].cookie, "");
	assert_string_equal(w.sent[0].csrf, "");
	assert_int_equal(RUN(&w, &onlines, { "POST panel/api/clients/onlines", 401 })->err, E_AUTH);
	RUN(&w, &settings, { "POST panel/api/setting/defaultSettings", 200, OK_NULL });
	world_release(&w);
	/* before 3.3.0 the settings take no token: the password serves */
	world_init(&w, XUI_C, "3.2.8");
	w.panel.token = "T48";
	RUN(&w, &settings, { "POST panel/setting/defaultSettings", 200, OK_NULL });
	assert_string_equal(w.sent[0].cookie, "3x-ui=old==");
	assert_string_equal(w.sent[0].auth, "");
	world_release(&w);
	world_init(&w, XUI_B, "3.0.2");
	w.panel.token = "T48";
	w.panel.username = w.panel.password = NULL;
	memset(&w.panel.session, 0, sizeof w.panel.session);
	assert_int_equal(RUN(&w, &settings, { "GET csrf-token", 200, CSRF, "3x-ui=c1" })->err, E_AUTH);
	world_release(&w);
	/* 2.x has none */
	world_init(&w, XUI_A, "2.8.5");
	w.panel.token = "T48";
	RUN(&w, &onlines, { ONLINES_A, 200, OK_NULL });
	assert_string_equal(w.sent[0].auth, "");
	world_release(&w);
}

static void test_second_factor(void **state)
{
	struct world w;
	char code[7];

	(void)state;
	/* RFC 6238 appendix B, the last six digits */
	assert_int_equal(xui_totp(code, STR("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), 59000), OK);
	assert_string_equal(code, "287082");
	assert_int_equal(xui_totp(code, STR("gezd gnbv gy3t qojq gezd gnbv gy3t qojq"), INT64_C(1111111109000)), OK);
	assert_string_equal(code, "081804");
	assert_int_equal(xui_totp(code, STR("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), INT64_C(20000000000000)), OK);
	assert_string_equal(code, "353130");
	assert_int_equal(xui_totp(code, STR("0189"), 0), E_INVALID);
	world_init(&w, XUI_A, "2.8.5");
	w.panel.session.expires_ms = 0;
	w.panel.totp_secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
	w.now_ms = 59000;
	RUN(&w, &onlines, { "POST login", 200, LOGIN_OK, "3x-ui=n" }, { ONLINES_A, 200, OK_NULL });
	assert_string_equal(w.sent[0].body, "username=admin&password=s3cret%26%2B&twoFactorCode=287082");
	world_release(&w);
}

#define LINE (NOW / XUI_TOTP_STEP_MS * XUI_TOTP_STEP_MS) /* where a half minute begins */
#define LOGIN_NO "{\"success\":false,\"msg\":\"Invalid username or password or two-factor code.\",\"obj\":null}"

/* A code counts in its own half minute alone: what came over the line, or is judged by a clock a little away from ours, is tried
 * once more with the code of the other side; in the middle of one a refusal is a refusal, and twice is enough. */
static void test_second_factor_at_the_line(void **state)
{
	static const struct { const char *name; int64_t now_ms, takes_ms, again_ms; } cases[] = {
		{ "over the line", LINE + 29990, 20, LINE + 30010 },
		{ "a slow answer", LINE + 20000, 15000, LINE + 35000 },
		{ "its clock is before ours", LINE + 26000, 20, LINE + 31000 },
		{ "its clock is behind ours", LINE + 33000, 20, LINE + 28000 },
		{ "in the middle", LINE + 15000, 20, 0 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * countof(cases); i++) {
		const int64_t again_ms = cases[i / 2].again_ms;
		const bool helps = i % 2 && again_ms;
		const struct step steps[] = { { "GET csrf-token", 200, CSRF, "3x-ui=c1" }, { "POST login", 200, LOGIN_NO, .after_ms = cases[i / 2].takes_ms },
			{ "POST login", 200, helps ? LOGIN_OK : LOGIN_NO, helps ? "3x-ui=c2" : NULL }, { "POST panel/api/clients/onlines", 200, OK_NULL } };
		const struct xui_result *r;
		char first[7], second[7];
		struct world w;

		world_init(&w, XUI_C, "3.6.0");
		w.panel.session.expires_ms = 0;
		w.panel.totp_secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
		w.now_ms = cases[i / 2].now_ms;
		r = world_run(&w, &onlines, steps, helps ? 4 : again_ms ? 3 : 2);
		if (r->err != (helps ? OK : E_AUTH) || (w.panel.login_refused_ms != 0) == helps)
			fail_msg("%s: %s", cases[i / 2].name, err_name(r->err));
		assert_int_equal(xui_totp(first, str_of(w.panel.totp_secret), cases[i / 2].now_ms), OK);
		assert_non_null(strstr(w.sent[1].body, first));
		if (again_ms) {
			assert_int_equal(xui_totp(second, str_of(w.panel.totp_secret), again_ms), OK);
			if (!strstr(w.sent[2].body, second))
				fail_msg("%s: %s", cases[i / 2].name, w.sent[2].body);
			assert_string_equal(w.sent[2].csrf, "tok-1");
		}
		world_release(&w);
	}
}

static void test_old_server_path(void **state)
{
	static const struct xui_ask status = { .what = XUI_STATUS };
	struct world w;

	(void)state;
	world_init(&w, XUI_A, "2.6.8");
	RUN(&w, &status, { "POST server/status", 200, STATUS_B });
	snprintf(w.panel.version, sizeof w.panel.version, "2.7.0");
	RUN(&w, &status, { "GET panel/api/server/status", 200, STATUS_B });
	w.panel.version[0] = '\0'; /* not known: as the newest of its kind */
	RUN(&w, &status, { "GET panel/api/server/status", 200, STATUS_B });
	world_release(&w);
}

static void test_versions(void **state)
{
	static const struct { const char *version; enum xui_support support; } cases[] = {
		{ "2.8.5", XUI_SUPPORT_GOOD }, { "2.9.4", XUI_SUPPORT_GOOD }, { "3.0.2", XUI_SUPPORT_GOOD }, { "3.6.0", XUI_SUPPORT_GOOD },
		{ "3.1.0", XUI_SUPPORT_POOR }, { "3.4.2", XUI_SUPPORT_POOR }, { "3.9.1", XUI_SUPPORT_UNKNOWN }, { "2.3.0", XUI_SUPPORT_UNKNOWN },
		{ "dev+1a2b3c4d", XUI_SUPPORT_UNKNOWN }, { "", XUI_SUPPORT_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct xui_panel p = { 0 };

		snprintf(p.version, sizeof p.version, "%s", cases[i].version);
		assert_int_equal(xui_version_support(&p), cases[i].support);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_probe_a, "R003"),
		proves(test_probe_b, ""),
		proves(test_probe_c, ""),
		proves(test_probe_fails, ""),
		proves(test_session_is_used_again, "R004 R006 R009"),
		proves(test_session_rotates, ""),
		proves(test_session_is_lost, "R010 R012"),
		proves(test_system_calls_log_in_again, "R011"),
		proves(test_second_refusal_is_an_error, "R010"),
		proves(test_csrf_is_renewed, ""),
		proves(test_token, ""),
		proves(test_second_factor, ""),
		proves(test_second_factor_at_the_line, ""),
		proves(test_old_server_path, ""),
		proves(test_versions, ""),
	};

	return cmocka_run_group_tests_name("xui_session", tests, NULL, NULL);
}
