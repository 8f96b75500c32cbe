/* Who may come in: login, cookies, CSRF, the limiter, two-factor codes, logout, and the two HTML pages.
 *
 * The real cookie holds the whole session, so nothing is revoked on the server: every Set-Cookie here makes a new
 * session and the older ones stay good until they expire (2.x), or until the user's epoch moves on (3.0.2+). */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/sim/panel_private.h"

#define LIMIT_FAILURES 5
#define LIMIT_WINDOW_MS (5 * MINUTE_MS)
#define LIMIT_BLOCK_MS (15 * MINUTE_MS)
#define FIRST_3X VERSION(3, 0, 0)
#define EPOCHS VERSION(3, 0, 2)

/* --- sessions --- */

static const char *cookie_name(const struct panel_sim *sim)
{
	return sim->version >= VERSION(2, 3, 8) ? "3x-ui" : "session";
}

static void session_free(struct panel_session *s)
{
	free(s->cookie);
	free(s);
}

static void sessions_expire(struct panel_sim *sim)
{
	struct panel_session **at = &sim->sessions;

	while (*at) {
		struct panel_session *s = *at;

		if (s->expires_ms > sim->now_ms) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		session_free(s);
	}
}

void panel_sessions_drop(struct panel_sim *sim)
{
	while (sim->sessions) {
		struct panel_session *s = sim->sessions;

		sim->sessions = s->next;
		session_free(s);
	}
}

void panel_session_find(struct panel_call *c)
{
	struct str cookie = panel_cookie(c->request, cookie_name(c->sim));

	c->session = NULL;
	for (struct panel_session *s = c->sim->sessions; s && cookie.len; s = s->next)
		if (str_is(cookie, s->cookie) && s->expires_ms > c->sim->now_ms)
			c->session = s;
}

static const char *date_text(struct arena *a, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	char text[64];

	gmtime_r(&t, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return arena_strdup(a, text);
}

static const char *cookie_path(const struct panel_sim *sim)
{
	return sim->version >= VERSION(2, 9, 0) ? sim->config.base_path : "/";
}

static void set_cookie(struct panel_call *c, const char *value, const char *path, int64_t age_s)
{
	struct panel_sim *sim = c->sim;
	const char *attributes = sim->version >= VERSION(2, 8, 5) ? "; HttpOnly; SameSite=Lax"
			       : sim->version >= VERSION(2, 3, 11) ? "; HttpOnly" : "";
	int64_t until = age_s > 0 ? sim->now_ms + age_s * SECOND_MS : SECOND_MS;
	const char *life = "";

	if (age_s >= 0)
		life = arena_printf(c->arena, "; Expires=%s; Max-Age=%lld", date_text(c->arena, until), (long long)age_s);
	panel_add_header(c, "Set-Cookie", arena_printf(c->arena, "%s=%s; Path=%s%s%s", cookie_name(sim), value, path, life, attributes));
}

/* The call's session in a new cookie, so that a change of it does not touch what older cookies hold. */
static struct panel_session *session_renew(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	struct panel_session *s = xcalloc(1, sizeof *s);
	int64_t minutes = panel_setting_number(sim, "sessionMaxAge");
	unsigned char bytes[48];
	struct buf b;

	sessions_expire(sim);
	panel_session_find(c); /* it may have been the one that expired */
	if (c->session) {
		s->logged_in = c->session->logged_in;
		s->epoch = c->session->epoch;
		memcpy(s->csrf, c->session->csrf, sizeof s->csrf);
	}
	rand_bytes(bytes, sizeof bytes);
	buf_init(&b, 128);
	enc_base64url(&b, bytes, sizeof bytes);
	s->cookie = xstrdup(buf_cstr(&b));
	buf_release(&b);
	s->expires_ms = minutes > 0 ? sim->now_ms + minutes * MINUTE_MS : INT64_MAX;
	s->next = sim->sessions;
	sim->sessions = s;
	c->session = s;
	set_cookie(c, s->cookie, cookie_path(sim), minutes > 0 ? minutes * 60 : -1);
	return s;
}

static const char *csrf_of(struct panel_call *c)
{
	unsigned char bytes[32];
	struct buf b;

	if (c->session && *c->session->csrf)
		return c->session->csrf;
	session_renew(c);
	rand_bytes(bytes, sizeof bytes);
	buf_init(&b, sizeof c->session->csrf);
	enc_base64url(&b, bytes, sizeof bytes);
	memcpy(c->session->csrf, buf_cstr(&b), sizeof c->session->csrf);
	buf_release(&b);
	return c->session->csrf;
}

/* --- the gate --- */

/* A session of an older epoch is cleared, and the cleared one is what the cookie holds from then on. */
static bool logged_in(struct panel_call *c)
{
	struct panel_session *s = c->session;

	if (!s || !s->logged_in)
		return false;
	if (c->sim->version < EPOCHS || s->epoch == c->sim->user.epoch)
		return true;
	c->session = NULL;
	s = session_renew(c);
	s->logged_in = false;
	*s->csrf = '\0';
	return false;
}

static void no_store(struct panel_call *c)
{
	if (c->sim->version >= FIRST_3X)
		panel_add_header(c, "Cache-Control", "no-store");
}

static void refuse_page(struct panel_call *c)
{
	if (panel_is_xhr(c->request)) {
		panel_answer_json(c, 401, STR("{\"success\":false,\"msg\":\"Your session has expired, please log in again\",\"obj\":null}"));
		return;
	}
	no_store(c);
	panel_redirect(c, 307, c->sim->config.base_path);
}

static void refuse_api(struct panel_call *c)
{
	if (c->sim->version < VERSION(2, 8, 4))
		refuse_page(c);
	else
		panel_answer_empty(c, c->sim->version >= EPOCHS && panel_is_xhr(c->request) ? 401 : 404);
}

static bool csrf_ok(struct panel_call *c)
{
	enum http_method m = c->request->method;
	struct str token = panel_header(c->request, "x-csrf-token");

	if (c->sim->version < FIRST_3X || c->by_token || m == HTTP_GET || m == HTTP_HEAD || m == HTTP_OPTIONS)
		return true;
	if (!token.len && panel_body_is_form(c))
		token = panel_form(c, "_csrf");
	return c->session && *c->session->csrf && str_is(token, c->session->csrf);
}

bool panel_auth_check(struct panel_call *c)
{
	switch (c->route->area) {
	case AREA_PUBLIC:
		return true;
	case AREA_PUBLIC_CSRF:
		break;
	case AREA_PAGE:
		if (logged_in(c))
			break;
		refuse_page(c);
		return false;
	case AREA_API:
		c->by_token = panel_token_ok(c);
		if (c->by_token || logged_in(c))
			break;
		refuse_api(c);
		return false;
	}
	if (csrf_ok(c))
		return true;
	panel_answer_empty(c, 403);
	return false;
}

/* --- two-factor codes --- */

static size_t base32_decode(unsigned char *out, size_t max, struct str s)
{
	uint32_t bits = 0;
	size_t n = 0;
	int have = 0;

	for (size_t i = 0; i < s.len && s.at[i] != '='; i++) {
		char ch = s.at[i];

		bits = bits << 5 | (uint32_t)(ch >= '2' && ch <= '7' ? ch - '2' + 26 : (ch & 31) - 1);
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		if (n < max)
			out[n++] = (unsigned char)(bits >> have);
	}
	return n;
}

void panel_totp(char out[7], const char *secret, int64_t now_ms)
{
	unsigned char key[64], step[8], mac[EVP_MAX_MD_SIZE];
	uint64_t counter = (uint64_t)(now_ms / (30 * SECOND_MS));
	size_t key_bytes = base32_decode(key, sizeof key, str_of(secret));
	unsigned int mac_bytes = 0, at;
	uint32_t code;

	for (int i = 7; i >= 0; i--, counter >>= 8)
		step[i] = (unsigned char)counter;
	HMAC(EVP_sha1(), key, (int)key_bytes, step, sizeof step, mac, &mac_bytes);
	at = mac[mac_bytes - 1] & 15;
	code = (uint32_t)(mac[at] & 127) << 24 | (uint32_t)mac[at + 1] << 16 | (uint32_t)mac[at + 2] << 8 | mac[at + 3];
	snprintf(out, 7, "%06u", code % 1000000);
}

static bool two_factor_ok(struct panel_sim *sim, struct str code)
{
	char want[7];

	if (!panel_setting_bool(sim, "twoFactorEnable"))
		return true;
	panel_totp(want, str_dup(&sim->scratch, panel_setting_text(sim, "twoFactorToken")), sim->now_ms);
	arena_clear(&sim->scratch);
	return str_is(code, want);
}

/* --- login --- */

struct login {
	struct str user, password, code;
};

static bool login_bind_json(struct login *l, struct panel_call *c, struct json_object **body)
{
	static const char *const keys[] = { "username", "password", "twoFactorCode" };
	struct str *fields[] = { &l->user, &l->password, &l->code };

	if (go_json_decode(body, c->arena, c->request->body) || !json_object_is_type(*body, json_type_object))
		return false;
	for (size_t i = 0; i < countof(keys); i++)
		if (!go_json_str(fields[i], json_object_object_get(*body, keys[i])))
			return false;
	return true;
}

static const char *limit_key(struct panel_call *c, struct str user)
{
	static const char *const headers[] = { "x-real-ip", "x-forwarded-for" };
	struct str address = STR("peer");
	char *key;

	for (size_t i = 0; i < countof(headers); i++) {
		struct str h = panel_header(c->request, headers[i]);

		if (h.len) {
			address = str_trim(str_cut(&h, ','));
			break;
		}
	}
	user = str_trim(user);
	key = arena_printf(c->arena, "%.*s\n%.*s", STR_ARG(address), STR_ARG(user));
	for (char *p = strchr(key, '\n'); *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	return key;
}

static struct panel_limit *limit_get(struct panel_sim *sim, const char *key)
{
	struct panel_limit *oldest = &sim->limits[0];

	for (size_t i = 0; i < countof(sim->limits); i++) {
		struct panel_limit *l = &sim->limits[i];

		if (l->key && !strcmp(l->key, key))
			return l;
		if (!l->key || (oldest->key && l->first_ms < oldest->first_ms))
			oldest = l;
	}
	free(oldest->key);
	*oldest = (struct panel_limit){ .key = xstrdup(key), .first_ms = sim->now_ms };
	return oldest;
}

static void limit_fail(struct panel_sim *sim, struct panel_limit *l)
{
	if (sim->now_ms - l->first_ms > LIMIT_WINDOW_MS || !l->failures) {
		l->first_ms = sim->now_ms;
		l->failures = 0;
	}
	if (++l->failures < LIMIT_FAILURES)
		return;
	l->until_ms = sim->now_ms + LIMIT_BLOCK_MS;
	l->failures = 0;
}

void panel_limits_clear(struct panel_sim *sim)
{
	for (size_t i = 0; i < countof(sim->limits); i++) {
		free(sim->limits[i].key);
		sim->limits[i] = (struct panel_limit){ 0 };
	}
}

static bool login_right(struct panel_sim *sim, const struct login *l)
{
	return str_is(l->user, sim->user.name) && str_is(l->password, sim->user.password) && two_factor_ok(sim, l->code);
}

static const char *login_word(struct panel_call *c, bool good)
{
	/* Only what the recordings have: English and Russian. */
	static const struct { int since; const char *good, *bad; } english[] = {
		{ VERSION(3, 1, 0), "You have successfully logged into your account.", "Invalid username or password or two-factor code." },
		{ VERSION(2, 6, 0), " You have successfully logged into your account.", "Invalid username or password or two-factor code." },
		{ VERSION(2, 4, 0), "Login Successfully", "Invalid username or password or secret." },
		{ VERSION_ANY, "Login Successful", "Invalid username or password." },
	};
	struct str lang = panel_cookie(c->request, "lang");

	if (!lang.len)
		lang = panel_header(c->request, "accept-language");
	if (str_starts(lang, "ru"))
		return !good ? "Неверные данные учетной записи."
		     : c->sim->version >= FIRST_3X ? "Вход выполнен успешно" : "Вы успешно вошли в аккаунт";
	for (size_t i = 0; i < countof(english); i++)
		if (c->sim->version >= english[i].since)
			return good ? english[i].good : english[i].bad;
	return "";
}

static void login_decide(struct panel_call *c, const struct login *l)
{
	struct panel_sim *sim = c->sim;
	bool limited = sim->version >= FIRST_3X;
	struct panel_limit *limit = limited ? limit_get(sim, limit_key(c, l->user)) : NULL;

	if (limit && sim->now_ms < limit->until_ms) {
		panel_answer(c, false, login_word(c, false), STR(""));
		return;
	}
	if (!login_right(sim, l)) {
		if (limit)
			limit_fail(sim, limit);
		panel_answer(c, false, login_word(c, false), STR(""));
		return;
	}
	if (limit)
		limit->failures = 0;
	session_renew(c);
	c->session->logged_in = true;
	c->session->epoch = sim->user.epoch;
	panel_answer_ok(c, login_word(c, true));
}

static void on_login(struct panel_call *c)
{
	struct json_object *body = NULL;
	struct login l = { .user = { NULL, 0 } };
	bool bound = true;

	if (panel_body_is_json(c)) {
		bound = login_bind_json(&l, c, &body);
	} else {
		l.user = panel_form(c, "username");
		l.password = panel_form(c, "password");
		l.code = panel_form(c, "twoFactorCode");
	}
	if (!bound)
		panel_answer(c, false, c->sim->version >= VERSION(3, 1, 0) ? "The input data format is invalid."
			     : "The Input data format is invalid.", STR(""));
	else if (!l.user.len)
		panel_answer(c, false, "Username is required", STR(""));
	else if (!l.password.len)
		panel_answer(c, false, "Password is required", STR(""));
	else
		login_decide(c, &l);
	json_object_put(body);
}

static void on_logout_get(struct panel_call *c)
{
	set_cookie(c, c->session ? c->session->cookie : "none", cookie_path(c->sim), 0);
	no_store(c);
	panel_redirect(c, 307, c->sim->config.base_path);
}

/* The second Set-Cookie has the wrong path, so with a base path the cookie survives in a correct jar (§2.7). */
static void on_logout_post(struct panel_call *c)
{
	set_cookie(c, c->session ? c->session->cookie : "none", cookie_path(c->sim), 0);
	set_cookie(c, "", "/", 0);
	no_store(c);
	panel_answer_json(c, 200, STR("{\"success\":true}"));
}

static void on_two_factor_state(struct panel_call *c)
{
	panel_answer_obj(c, panel_setting_bool(c->sim, "twoFactorEnable") ? STR("true") : STR("false"));
}

static void on_csrf(struct panel_call *c)
{
	const char *token = csrf_of(c);

	panel_answer_json(c, 200, str_of(arena_printf(c->arena, "{\"obj\":\"%s\",\"success\":true}", token)));
}

static void on_csrf_inside(struct panel_call *c)
{
	panel_answer_obj(c, str_of(arena_printf(c->arena, "\"%s\"", csrf_of(c))));
}

/* --- pages --- */

/* What a client can learn from a page: the version (2.x, or 3.x when logged in), the CSRF token (3.x). */
static void page(struct panel_call *c, const char *title, bool inside)
{
	struct panel_sim *sim = c->sim;
	const char *base = sim->config.base_path, *html;

	if (sim->version < FIRST_3X) {
		html = arena_printf(c->arena, "\n<!DOCTYPE html>\n<html>\n<head>\n  <meta charset=\"UTF-8\">\n"
			"  <link rel=\"stylesheet\" href=\"%sassets/ant-design-vue/antd.min.css\">\n"
			"  <link rel=\"stylesheet\" href=\"%sassets/css/custom.min.css?%s\">\n"
			"  <title>%s</title>\n</head>\n<body></body>\n</html>\n", base, base, sim->version_text, title);
	} else {
		const char *variable = sim->version >= VERSION(3, 0, 1) ? "X_UI_CUR_VER" : "__X_UI_CUR_VER__";
		const char *version = inside ? arena_printf(c->arena, "window.%s=\"%s\";", variable, sim->version_text) : "";

		html = arena_printf(c->arena, "<!doctype html>\n<html lang=\"en\">\n  <head>\n    <meta charset=\"UTF-8\" />\n"
			"    <title>%s</title>\n  <script>window.X_UI_BASE_PATH=\"%s\";%s</script>"
			"<meta name=\"csrf-token\" content=\"%s\"></head>\n  <body><div id=\"app\"></div></body>\n</html>\n",
			title, base, version, csrf_of(c));
		panel_add_header(c, "Cache-Control", "no-cache, no-store, must-revalidate");
	}
	panel_answer_bytes(c, 200, "text/html; charset=utf-8", str_of(html));
}

static void on_login_page(struct panel_call *c)
{
	if (!logged_in(c)) {
		page(c, "Sign in", false);
		return;
	}
	no_store(c);
	panel_redirect(c, 307, arena_printf(c->arena, "%spanel/", c->sim->config.base_path));
}

static void on_panel_page(struct panel_call *c)
{
	page(c, "Overview", true);
}

void panel_auth_init(struct panel_sim *sim)
{
	sim->user.name = xstrdup(sim->config.user);
	sim->user.password = xstrdup(sim->config.password);
}

void panel_auth_release(struct panel_sim *sim)
{
	panel_sessions_drop(sim);
	panel_limits_clear(sim);
	arena_release(&sim->scratch);
	free(sim->user.name);
	free(sim->user.password);
}

const struct panel_route panel_auth_routes[] = {
	{ HTTP_GET,  "",                   VERSION_ANY,      VERSION_LAST,      AREA_PUBLIC,      false, on_login_page },
	{ HTTP_POST, "login",              VERSION_ANY,      VERSION_LAST,      AREA_PUBLIC_CSRF, false, on_login },
	{ HTTP_GET,  "logout",             VERSION_ANY,      VERSION(3, 0, 1),  AREA_PUBLIC,      false, on_logout_get },
	{ HTTP_POST, "logout",             EPOCHS,           VERSION_LAST,      AREA_PUBLIC_CSRF, false, on_logout_post },
	{ HTTP_POST, "getTwoFactorEnable", VERSION(2, 6, 0), VERSION_LAST,      AREA_PUBLIC_CSRF, false, on_two_factor_state },
	{ HTTP_GET,  "csrf-token",         FIRST_3X,         VERSION_LAST,      AREA_PUBLIC,      false, on_csrf },
	{ HTTP_GET,  "panel/csrf-token",   FIRST_3X,         VERSION_LAST,      AREA_PAGE,        false, on_csrf_inside },
	{ HTTP_GET,  "panel/",             VERSION_ANY,      VERSION_LAST,      AREA_PAGE,        false, on_panel_page },
	{ HTTP_GET,  "panel/inbounds",     VERSION_ANY,      VERSION_LAST,      AREA_PAGE,        false, on_panel_page },
	{ HTTP_GET,  "panel/settings",     VERSION_ANY,      VERSION_LAST,      AREA_PAGE,        false, on_panel_page },
	{ HTTP_GET,  "panel/xray",         VERSION_ANY,      VERSION_LAST,      AREA_PAGE,        false, on_panel_page },
};
const size_t panel_auth_routes_count = countof(panel_auth_routes);
