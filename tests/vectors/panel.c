/* Replays recorded exchanges with real 3X-UI panels against the panel simulator. Usage: panel FILE…
 *
 * Every file starts on a fresh panel. What the file says once in its first line (headers of every request) and what
 * only a run knows (cookie, CSRF token, API tokens, the two-factor code) is filled in. Prints each exchange that
 * differs; a difference in msg alone is counted apart and is no failure. */
#include "lib/base/clock.h"
#include "tests/sim/panel.h"
#include "tests/sim/recorded.h"

#define LINE_BYTES_MAX (4u << 20)
#define STEP_MS 20 /* between two exchanges without times of their own */
#define TOKENS_MAX 16
#define TWO_FACTOR "JBSWY3DPEHPK3PXP"

/* Routes we do not model, with every answer they have in the recordings. */
static const struct { const char *route, *why; } not_modelled[] = {
	{ "GET /panel/api/server/getConfigJson", "Xray's whole configuration; a bot never reads it" },
	{ "GET /panel/api/server/getNewVlessEnc", "key material from the Xray binary" },
	{ "GET sub/json/", "subscription as Xray JSON" },
	{ "GET sub/clash/", "subscription as Clash YAML" },
};

struct replay {
	const char *file;
	struct panel_sim *sim;
	struct json_object *meta;
	int64_t now_ms;
	int panel_port;
	char *cookie, *cookie_before_logout, *csrf;
	char *cookie_of_login, *csrf_of_login;
	struct { char *name, *token; } tokens[TOKENS_MAX];
	size_t tokens_count;
	size_t passed, failed, skipped, msg_only;
};

static void keep(char **at, struct str value)
{
	free(*at);
	*at = value.at ? xstrndup(value.at, value.len) : NULL;
}

/* --- placeholders --- */

static struct str value_of(struct replay *r, struct arena *a, struct str name)
{
	char code[7];

	if (str_is(name, "session"))
		return str_of(r->cookie);
	if (str_is(name, "session before logout"))
		return str_of(r->cookie_before_logout);
	if (str_is(name, "session:login"))
		return str_of(r->cookie_of_login);
	if (str_is(name, "csrf"))
		return str_of(r->csrf);
	if (str_is(name, "csrf:login"))
		return str_of(r->csrf_of_login);
	if (str_is(name, "totp")) {
		panel_totp(code, TWO_FACTOR, r->now_ms);
		return str_of(arena_strdup(a, code));
	}
	for (size_t i = 0; i < r->tokens_count; i++)
		if (str_starts(name, "token:") && str_is(str_n(name.at + 6, name.len - 6), r->tokens[i].name))
			return str_of(r->tokens[i].token);
	return (struct str){ NULL, 0 };
}

static struct str filled(struct replay *r, struct arena *a, struct str text)
{
	struct buf b;
	struct str out;

	buf_init(&b, LINE_BYTES_MAX);
	for (size_t i = 0; i < text.len; i++) {
		const char *end = text.at[i] == '<' ? memchr(text.at + i, '>', text.len - i) : NULL;
		struct str name = end ? str_n(text.at + i + 1, (size_t)(end - text.at) - i - 1) : STR(""), value;

		value = name.len && name.len < 64 ? value_of(r, a, name) : (struct str){ NULL, 0 };
		if (!value.at) {
			buf_addc(&b, text.at[i]);
			continue;
		}
		buf_add(&b, value);
		i += name.len + 1;
	}
	out = str_n(str_dup(a, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

static char *lower(struct arena *a, const char *s)
{
	char *out = arena_strdup(a, s);

	for (char *p = out; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	return out;
}

static void add_header(struct sim_request *q, const char *name, const char *value)
{
	for (size_t i = 0; i < q->headers_count; i++)
		if (!strcmp(q->headers[i].name, name)) {
			q->headers[i].value = value;
			return;
		}
	if (q->headers_count < SIM_HEADERS_MAX)
		q->headers[q->headers_count++] = (struct http_header){ name, value };
}

static void add_headers(struct replay *r, struct sim_request *q, struct json_object *headers)
{
	json_object_object_foreach(headers, name, value) {
		struct str text = filled(r, q->arena, str_of(json_object_get_string(value)));
		const char *key = lower(q->arena, name);
		bool bare = !strcmp(key, "cookie") && !str_has(text, "=");

		/* the placeholder may stand for the value alone */
		add_header(q, key, bare ? arena_printf(q->arena, "3x-ui=%s", text.at) : text.at);
	}
}

static void build(struct replay *r, struct sim_request *q, struct json_object *request, struct arena *a)
{
	bool sub = str_is(json_str_at(request, "port"), "sub");
	struct str body = json_str_at(request, "body");

	*q = (struct sim_request){ .method = http_method_of(json_str_at(request, "method")), .listener = sub, .arena = a,
				   .now_ms = r->now_ms };
	q->path = filled(r, a, json_str_at(request, "path"));
	q->body = filled(r, a, body);
	add_header(q, "host", arena_printf(a, "127.0.0.1:%d", r->panel_port + sub));
	if (!sub)
		add_headers(r, q, json_at(r->meta, "always"));
	add_headers(r, q, json_at(request, "headers"));
}

/* --- what an answer tells for later requests --- */

static void learn_cookie(struct replay *r, struct str cookie)
{
	struct str attributes = cookie, pair = str_cut(&attributes, ';');

	if (str_has(attributes, "Max-Age=0")) {
		if (r->cookie)
			keep(&r->cookie_before_logout, str_of(r->cookie));
		return;
	}
	keep(&r->cookie, pair);
}

static void learn(struct replay *r, const struct sim_request *q, const struct sim_response *p)
{
	struct json_object *body = NULL;
	struct str path = q->path;

	for (size_t i = 0; i < p->headers_count; i++)
		if (!strcmp(p->headers[i].name, "Set-Cookie"))
			learn_cookie(r, str_of(p->headers[i].value));
	if (p->status != 200 || json_parse(&body, p->body))
		return;
	if (str_ends(path, "csrf-token"))
		keep(&r->csrf, json_str_at(body, "obj"));
	if (str_ends(path, "/login") && json_bool_at(body, "success", false) && r->cookie && str_starts(q->body, "{")) {
		keep(&r->cookie_of_login, str_of(r->cookie));
		keep(&r->csrf_of_login, str_of(r->csrf));
	}
	if (str_ends(path, "apiTokens/create") && json_str_at(body, "obj.token").len && r->tokens_count < TOKENS_MAX) {
		keep(&r->tokens[r->tokens_count].name, json_str_at(body, "obj.name"));
		keep(&r->tokens[r->tokens_count++].token, json_str_at(body, "obj.token"));
	}
	json_object_put(body);
}

/* --- lines --- */

static const char *route_of(struct replay *r, const struct sim_request *q, struct arena *a)
{
	struct str path = q->path, base = json_str_at(r->meta, "base");

	if (q->listener)
		return arena_printf(a, "%s sub%.*s", http_method_name(q->method), STR_ARG(path));
	if (base.len && path.len > base.len && !memcmp(path.at, base.at, base.len))
		path = str_n(path.at + base.len - 1, path.len - base.len + 1);
	return arena_printf(a, "%s %.*s", http_method_name(q->method), STR_ARG(path));
}

static bool is_modelled(const char *route)
{
	for (size_t i = 0; i < countof(not_modelled); i++)
		if (str_starts(str_of(route), not_modelled[i].route))
			return false;
	return true;
}

static void exchange(struct replay *r, struct json_object *line, struct arena *a)
{
	struct sim_request q;
	struct sim_response p;
	struct buf differences;
	struct recorded compared;
	int64_t t = json_i64_at(line, "t", 0);

	r->now_ms = t > r->now_ms ? t : r->now_ms + STEP_MS;
	build(r, &q, json_at(line, "request"), a);
	compared = (struct recorded){ .want = json_at(line, "response"), .route = route_of(r, &q, a), .have = &p, .differences = &differences };
	if (!is_modelled(compared.route)) {
		r->skipped++;
		return;
	}
	panel_sim_handle(r->sim, &q, &p);
	learn(r, &q, &p);
	buf_init(&differences, LINE_BYTES_MAX);
	if (recorded_same(&compared) || compared.only_msg) {
		r->passed++;
		r->msg_only += compared.only_msg;
	} else {
		r->failed++;
	}
	if (differences.len)
		printf("%s:%lld %s%s\n%s", r->file, (long long)json_i64_at(line, "n", 0), json_str_at(line, "note").at,
		       compared.only_msg ? " (msg only)" : "", buf_cstr(&differences));
	buf_release(&differences);
}

/* Waiting, and (in the files of dialect C) real traffic through the real Xray. */
static void event(struct replay *r, struct json_object *line)
{
	struct json_object *what = json_at(line, "event");
	double seconds = json_object_get_double(json_at(line, "seconds"));

	if (json_object_is_type(what, json_type_object)) {
		seconds = json_object_get_double(json_at(what, "waitedSeconds"));
		if (json_bool_at(what, "traffic.passed", false))
			panel_sim_use(r->sim, json_str_at(what, "traffic.email").at, json_i64_at(what, "traffic.requestedUpBytes", 0),
				      json_i64_at(what, "traffic.requestedDownBytes", 0));
	}
	r->now_ms += (int64_t)(seconds * 1000);
	panel_sim_advance(r->sim, r->now_ms);
}

static void begin(struct replay *r, struct json_object *meta)
{
	struct str version = json_str_at(meta, "panel");
	struct panel_config config = {
		.base_path = json_str_at(meta, "base").at, .user = json_str_at(meta, "user").at,
		.password = json_str_at(meta, "password").at, .listen = "127.0.0.1", .sub_json = true,
		.xray_version = json_str_at(meta, "xray").at,
	};

	r->meta = json_object_get(meta);
	r->panel_port = (int)json_i64_at(meta, "panelPort", 2053);
	config.panel_port = r->panel_port;
	config.sub_port = r->panel_port + 1;
	r->now_ms = json_i64_at(meta, "recordedAtMs", INT64_C(1795248450000));
	r->sim = panel_sim_new(str_starts(version, "v") ? version.at + 1 : version.at, &config);
	panel_sim_advance(r->sim, r->now_ms);
}

static void one_line(struct replay *r, struct str text, struct arena *a)
{
	struct json_object *line;

	if (!text.len)
		return;
	if (json_parse(&line, text)) {
		printf("%s: a line is no JSON\n", r->file);
		r->failed++;
		return;
	}
	if (json_at(line, "meta"))
		begin(r, json_at(line, "meta"));
	else if (r->sim && json_at(line, "request"))
		exchange(r, line, a);
	else if (r->sim)
		event(r, line);
	json_object_put(line);
}

static void replay_release(struct replay *r)
{
	char *texts[] = { r->cookie, r->cookie_before_logout, r->csrf, r->cookie_of_login, r->csrf_of_login };

	for (size_t i = 0; i < countof(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < r->tokens_count; i++) {
		free(r->tokens[i].name);
		free(r->tokens[i].token);
	}
	json_object_put(r->meta);
	panel_sim_free(r->sim);
}

static void replay_file(struct replay *sum, const char *name)
{
	struct replay r = { .file = strrchr(name, '/') ? strrchr(name, '/') + 1 : name };
	struct arena a = { 0 };
	FILE *f = fopen(name, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f) {
		printf("%s: cannot be read\n", name);
		sum->failed++;
		return;
	}
	while ((n = getline(&line, &cap, f)) > 0) {
		one_line(&r, str_trim(str_n(line, (size_t)n)), &a);
		arena_clear(&a);
	}
	free(line);
	fclose(f);
	arena_release(&a);
	printf("%s: %zu passed (%zu differ in msg), %zu failed, %zu skipped\n", r.file, r.passed, r.msg_only, r.failed, r.skipped);
	sum->passed += r.passed;
	sum->failed += r.failed;
	sum->skipped += r.skipped;
	sum->msg_only += r.msg_only;
	replay_release(&r);
}

int main(int argc, char **argv)
{
	struct replay sum = { 0 };

	for (size_t i = 0; i < countof(not_modelled); i++)
		printf("not modelled: %s (%s)\n", not_modelled[i].route, not_modelled[i].why);
	for (int i = 1; i < argc; i++)
		replay_file(&sum, argv[i]);
	printf("%zu differ only in msg\n", sum.msg_only);
	printf("%zu passed, %zu failed, %zu skipped\n", sum.passed, sum.failed, sum.skipped);
	return sum.failed != 0;
}
