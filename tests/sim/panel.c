/* The panel as a whole: birth, time, the way of a request, and what tests look at.
 *
 * Invariants:
 *  1. sim->now_ms never goes back, and every poll and timer due up to it has run.
 *  2. A handler runs only behind the checks of its route (base path, method, version, login, CSRF). */
#include "tests/sim/panel_private.h"

#define TIMER_MS (30 * SECOND_MS)      /* the panel looks whether Xray wants a restart */
#define LOCKED_MS (10 * SECOND_MS)     /* how long a write waits for a locked database … */
#define LOCKED_LATER_MS (28 * SECOND_MS) /* … and in 3.2 and later (measured on 3.6.0) */

/* --- birth and end --- */

static int version_of(const char *text)
{
	struct str rest = str_of(text);
	int64_t part[3] = { 0 };

	for (size_t i = 0; i < countof(part) && rest.at; i++) {
		enum err e = str_to_i64(&part[i], str_cut(&rest, '.'));

		assert(!e);
	}
	return (int)VERSION(part[0], part[1], part[2]);
}

static const char *copy(const char *s, const char *otherwise)
{
	return xstrdup(s ? s : otherwise);
}

static void config_copy(struct panel_config *to, const struct panel_config *from)
{
	static const struct panel_config none;

	*to = from ? *from : none;
	to->base_path = copy(to->base_path, "/");
	to->user = copy(to->user, "admin");
	to->password = copy(to->password, "admin");
	to->two_factor = copy(to->two_factor, "");
	to->web_domain = copy(to->web_domain, "");
	to->sub_uri = copy(to->sub_uri, "");
	to->listen = copy(to->listen, "");
	to->xray_version = copy(to->xray_version, "26.3.27");
	to->panel_port = to->panel_port ? to->panel_port : 2053;
	to->sub_port = to->sub_port ? to->sub_port : 2096;
	to->session_minutes = to->session_minutes ? to->session_minutes : 360;
}

static void config_release(struct panel_config *c)
{
	const char *texts[] = { c->base_path, c->user, c->password, c->two_factor, c->web_domain, c->sub_uri, c->listen,
				c->xray_version };

	for (size_t i = 0; i < countof(texts); i++)
		free((char *)texts[i]);
}

static void add_routes(struct panel_sim *sim, const struct panel_route *routes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!panel_is(sim, routes[i].since, routes[i].until))
			continue;
		assert(sim->routes_count < PANEL_ROUTES_MAX);
		sim->routes[sim->routes_count++] = &routes[i];
	}
}

struct panel_sim *panel_sim_new(const char *version, const struct panel_config *config)
{
	struct panel_sim *sim = xcalloc(1, sizeof *sim);

	sim->version = version_of(version);
	snprintf(sim->version_text, sizeof sim->version_text, "%s", version);
	sim->dialect = sim->version >= VERSION(3, 1, 0) ? &panel_dialect_c : &panel_dialect_ab;
	config_copy(&sim->config, config);
	for (size_t i = 0; i < countof(sim->dialect->tables) && sim->dialect->tables[i].routes; i++)
		add_routes(sim, sim->dialect->tables[i].routes, *sim->dialect->tables[i].count); /* first: they win over the common ones */
	add_routes(sim, panel_auth_routes, panel_auth_routes_count);
	add_routes(sim, panel_token_routes, panel_token_routes_count);
	add_routes(sim, panel_setting_routes, panel_setting_routes_count);
	add_routes(sim, panel_server_routes, panel_server_routes_count);
	panel_setting_init(sim);
	panel_auth_init(sim);
	if (sim->dialect->init)
		sim->dialect->init(sim);
	return sim;
}

static void online_clear(struct panel_sim *sim)
{
	for (size_t i = 0; i < sim->online_count; i++)
		free(sim->online[i]);
	free(sim->online);
	sim->online = NULL;
	sim->online_count = 0;
}

void panel_online_set(struct panel_sim *sim, const char *const *emails, size_t n)
{
	online_clear(sim);
	sim->online_known = true;
	sim->online = xcalloc(n ? n : 1, sizeof *sim->online);
	for (sim->online_count = 0; sim->online_count < n; sim->online_count++)
		sim->online[sim->online_count] = xstrdup(emails[sim->online_count]);
}

void panel_sim_free(struct panel_sim *sim)
{
	if (!sim)
		return;
	if (sim->dialect->release)
		sim->dialect->release(sim);
	while (sim->inbounds)
		panel_inbound_delete(sim, sim->inbounds);
	while (sim->traffics)
		panel_traffic_delete(sim, sim->traffics);
	map_release(&sim->traffic_by_email);
	panel_auth_release(sim);
	panel_token_release(sim);
	panel_setting_release(sim);
	panel_ips_release(sim);
	online_clear(sim);
	panel_sim_clear_rules(sim);
	config_release(&sim->config);
	free(sim);
}

/* --- Xray and time --- */

void panel_xray_start(struct panel_sim *sim)
{
	sim->xray_restart_wanted = false;
	sim->xray_running = !sim->config.no_xray;
	sim->xray_started_ms = sim->now_ms;
	for (struct panel_traffic *row = sim->traffics; row; row = row->next)
		row->counted = false;
	if (sim->xray_running && sim->dialect->xray_start)
		sim->dialect->xray_start(sim);
}

void panel_xray_stop(struct panel_sim *sim)
{
	sim->xray_running = false;
}

static int64_t poll_ms(const struct panel_sim *sim)
{
	return (sim->version >= VERSION(3, 0, 0) ? 5 : 10) * SECOND_MS;
}

/* The next moment at which a poll has something to do besides counting. */
static int64_t next_expiry(const struct panel_sim *sim)
{
	int64_t at = INT64_MAX;

	for (const struct panel_traffic *row = sim->traffics; row; row = row->next)
		if (row->expiry_ms > sim->now_ms && row->expiry_ms < at)
			at = row->expiry_ms;
	for (const struct panel_inbound *in = sim->inbounds; in; in = in->next)
		if (in->expiry_ms > sim->now_ms && in->expiry_ms < at)
			at = in->expiry_ms;
	return at;
}

static void poll_due(struct panel_sim *sim)
{
	sim->next_poll_ms += poll_ms(sim);
	if (sim->xray_running && sim->dialect->poll)
		sim->dialect->poll(sim, sim->now_ms);
}

static void timer_due(struct panel_sim *sim)
{
	sim->next_timer_ms += TIMER_MS;
	if (sim->xray_restart_wanted || (sim->dialect->xray_differs && sim->dialect->xray_differs(sim)))
		panel_xray_start(sim);
}

/* Years may pass at once: after a few quiet rounds leap to where the next thing expires. */
static void leap(struct panel_sim *sim, int64_t now_ms)
{
	int64_t to = next_expiry(sim), every = poll_ms(sim);

	if (to > now_ms)
		to = now_ms;
	if (to > sim->next_poll_ms)
		sim->next_poll_ms += (to - sim->next_poll_ms) / every * every;
	if (to > sim->next_timer_ms)
		sim->next_timer_ms += (to - sim->next_timer_ms) / TIMER_MS * TIMER_MS;
}

void panel_sim_advance(struct panel_sim *sim, int64_t now_ms)
{
	int quiet = 0;

	if (!sim->started_ms) {
		sim->started_ms = sim->now_ms = now_ms;
		sim->next_poll_ms = now_ms + poll_ms(sim);
		sim->next_timer_ms = now_ms + TIMER_MS;
		panel_xray_start(sim);
	}
	while (!sim->down && (sim->next_poll_ms <= now_ms || sim->next_timer_ms <= now_ms)) {
		bool poll = sim->next_poll_ms <= sim->next_timer_ms;

		sim->now_ms = poll ? sim->next_poll_ms : sim->next_timer_ms;
		if (poll)
			poll_due(sim);
		else
			timer_due(sim);
		if (++quiet % 16 == 0)
			leap(sim, now_ms);
	}
	if (now_ms > sim->now_ms)
		sim->now_ms = now_ms;
}

/* --- the way of a request --- */

static bool pattern_fits(const char *pattern, struct str path, struct str *params)
{
	struct str want = str_of(pattern);
	size_t n = 0;

	while (want.at) {
		struct str w = str_cut(&want, '/'), have;

		if (!path.at)
			return false;
		have = str_cut(&path, '/');
		if (w.len && *w.at == ':') {
			if (!have.len)
				return false;
			assert(n < PANEL_PARAMS_MAX);
			params[n++] = have;
		} else if (!str_eq(w, have)) {
			return false;
		}
	}
	return !path.at;
}

static const struct panel_route *route_find(struct panel_call *c, struct str path)
{
	struct panel_sim *sim = c->sim;

	for (size_t i = 0; i < sim->routes_count; i++)
		if (sim->routes[i]->method == c->request->method && pattern_fits(sim->routes[i]->pattern, path, c->params)) {
			c->route_index = i;
			return sim->routes[i];
		}
	return NULL;
}

/* gin offers the same path with or without its last slash. That also happens to "…/traffics/" before a parameter,
 * although the path without the slash leads nowhere (live). */
static bool slash_redirect(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	const char *with = arena_printf(c->arena, "%.*s/", STR_ARG(c->path));
	bool ends = str_ends(c->path, "/");
	struct str without = ends ? str_n(c->path.at, c->path.len - 1) : c->path;
	bool found = route_find(c, ends ? without : str_of(with)) != NULL;

	for (size_t i = 0; ends && !found && i < sim->routes_count; i++) {
		struct str pattern = str_of(sim->routes[i]->pattern);

		found = sim->routes[i]->method == c->request->method &&
			pattern.len > c->path.len && !memcmp(pattern.at, c->path.at, c->path.len) && pattern.at[c->path.len] == ':';
	}
	if (!found)
		return false;
	panel_redirect(c, c->request->method == HTTP_GET ? 301 : 307,
		       arena_printf(c->arena, "%s%.*s", sim->config.base_path, STR_ARG(ends ? without : str_of(with))));
	return true;
}

/* Old spellings of the API's prefix, gone in 3.3.1. */
static bool legacy_redirect(struct panel_call *c)
{
	static const struct { const char *from, *to; } prefixes[] = {
		{ "panel/API", "panel/api" }, { "xui/API", "panel/api" }, { "xui", "panel" },
	};

	if (c->sim->version > VERSION(3, 3, 0))
		return false;
	for (size_t i = 0; i < countof(prefixes); i++) {
		size_t n = strlen(prefixes[i].from);

		if (!str_starts(c->path, prefixes[i].from))
			continue;
		panel_redirect(c, 301, arena_printf(c->arena, "%s%s%.*s", c->sim->config.base_path, prefixes[i].to,
						    (int)(c->path.len - n), c->path.at + n));
		return true;
	}
	return false;
}

static bool host_refused(struct panel_call *c)
{
	struct str domain = panel_setting_text(c->sim, "webDomain"), host = panel_header(c->request, "host");

	host = str_cut(&host, ':');
	return domain.len && !str_eq(domain, host);
}

static void not_found(struct panel_call *c)
{
	if (c->sim->version >= VERSION(2, 8, 5))
		panel_answer_empty(c, 404);
	else
		panel_answer_bytes(c, 404, "text/plain", STR("404 page not found"));
}

/* Sets path and route, or answers what needs no handler. */
static bool find_route(struct panel_call *c)
{
	const char *base = c->sim->config.base_path;
	struct str path = c->path, bare = str_n(base, strlen(base) - 1);

	if (host_refused(c)) {
		panel_answer_empty(c, 403);
		return false;
	}
	if (bare.len && str_eq(path, bare) && c->request->method == HTTP_GET) {
		panel_redirect(c, 301, base);
		return false;
	}
	if (!str_starts(path, base)) {
		not_found(c);
		return false;
	}
	c->path = str_n(path.at + strlen(base), path.len - strlen(base));
	if (legacy_redirect(c))
		return false;
	c->route = route_find(c, c->path);
	if (c->route)
		return true;
	if (!slash_redirect(c))
		not_found(c);
	return false;
}

/* --- misbehaviour --- */

static bool rule_fits(const struct panel_rule *rule, struct panel_call *c)
{
	if (rule->fault == PANEL_DB_LOCKED && !(c->route && c->route->writes))
		return false;
	return (!rule->route || str_has(str_of(c->name), rule->route)) && (!rule->path || str_has(c->request->path, rule->path));
}

static const struct panel_rule *rule_for(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	const struct panel_rule *found = NULL;

	for (size_t i = 0; i < sim->rules_count; i++) {
		const struct panel_rule *rule = &sim->rules[i];
		int first = rule->nth ? rule->nth : 1, call;

		if (!rule_fits(rule, c))
			continue;
		call = ++sim->rule_calls[i];
		if (!found && call >= first && (!rule->times || call < first + rule->times))
			found = rule;
	}
	return found;
}

static void answer_fresh(struct panel_call *c)
{
	*c->response = (struct sim_response){ .trouble = c->response->trouble };
}

static void spoil(struct panel_call *c, const struct panel_rule *rule)
{
	if (rule->fault != PANEL_NETWORK)
		answer_fresh(c);
	switch (rule->fault) {
	case PANEL_NETWORK:
		c->response->trouble = rule->trouble;
		break;
	case PANEL_REFUSE:
		panel_answer(c, false, rule->text ? rule->text : "", STR(""));
		break;
	case PANEL_DB_LOCKED:
		c->response->trouble.delay_ms = c->sim->version >= VERSION(3, 2, 0) ? LOCKED_LATER_MS : LOCKED_MS;
		panel_answer_fail(c, "Something went wrong", "database is locked");
		break;
	case PANEL_HTML_502:
		panel_answer_bytes(c, 502, "text/html", STR("<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
			"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"));
		break;
	case PANEL_EMPTY_500:
		panel_answer_empty(c, 500);
		break;
	case PANEL_EMPTY_200:
		panel_answer_empty(c, 200);
		break;
	case PANEL_WRONG_JSON:
		panel_answer_json(c, 200, str_of(rule->text ? arena_strdup(c->arena, rule->text) : "{\"success\":true,\"msg\":\"\",\"ob"));
		break;
	case PANEL_LOGOUT:
	case PANEL_RACE:
		break;
	}
}

static bool spoils_at_once(const struct panel_rule *rule)
{
	if (rule->after || rule->fault == PANEL_LOGOUT || rule->fault == PANEL_RACE)
		return false;
	return rule->fault != PANEL_NETWORK || rule->trouble.hang || rule->trouble.drop;
}

static void meet_writer(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;

	if (!c->route->writes)
		return;
	if (sim->now_ms < sim->writing_until_ms)
		c->race = true;
	if (c->race)
		sim->races++;
	if (sim->config.write_ms) {
		sim->writing_until_ms = sim->now_ms + sim->config.write_ms;
		c->response->trouble.delay_ms += sim->config.write_ms;
	}
}

static void run(struct panel_call *c)
{
	if (!c->route)
		return;
	panel_session_find(c);
	if (!panel_auth_check(c))
		return;
	meet_writer(c);
	c->route->handle(c);
}

static void run_with_rules(struct panel_call *c)
{
	const struct panel_rule *rule = rule_for(c);

	if (!rule) {
		run(c);
		return;
	}
	if (spoils_at_once(rule)) {
		answer_fresh(c);
		spoil(c, rule);
		return;
	}
	if (rule->fault == PANEL_LOGOUT)
		panel_sessions_drop(c->sim);
	c->race = rule->fault == PANEL_RACE && c->route && c->route->writes;
	run(c);
	if (rule->fault != PANEL_LOGOUT && rule->fault != PANEL_RACE)
		spoil(c, rule);
}

static void subscription(struct panel_call *c)
{
	const struct panel_rule *rule;

	if (c->sim->config.sub_off) {
		c->response->trouble.drop = true;
		return;
	}
	c->name = arena_printf(c->arena, "%s sub%.*s", http_method_name(c->request->method), STR_ARG(c->path));
	rule = rule_for(c);
	if (rule && spoils_at_once(rule)) {
		spoil(c, rule);
		return;
	}
	c->sim->dialect->subscribe(c);
	if (rule)
		spoil(c, rule);
}

static struct str path_decode(struct arena *a, struct str raw)
{
	struct buf b;
	struct str out;

	buf_init(&b, raw.len + 1);
	if (dec_percent(&b, raw, false))
		buf_clear(&b);
	out = str_n(str_dup(a, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

static void call_init(struct panel_call *c, struct panel_sim *sim, const struct sim_request *request, struct sim_response *response)
{
	struct str rest = request->path;

	*response = (struct sim_response){ 0 };
	*c = (struct panel_call){ .sim = sim, .request = request, .response = response, .arena = request->arena };
	c->path = path_decode(c->arena, str_cut(&rest, '?'));
	c->query = rest;
}

void panel_sim_handle(void *model, const struct sim_request *request, struct sim_response *response)
{
	struct panel_sim *sim = model;
	struct panel_call c;

	panel_sim_advance(sim, request->now_ms);
	call_init(&c, sim, request, response);
	if (sim->down) {
		response->trouble.drop = true;
		return;
	}
	sim->count_all++;
	if (request->listener == 1) {
		subscription(&c);
		return;
	}
	if (sim->version >= VERSION(3, 0, 0)) {
		panel_add_header(&c, "X-Content-Type-Options", "nosniff");
		panel_add_header(&c, "X-Frame-Options", "DENY");
		panel_add_header(&c, "Referrer-Policy", "no-referrer");
	}
	find_route(&c);
	if (c.route)
		sim->counts[c.route_index]++;
	c.name = arena_printf(c.arena, "%s %.*s", http_method_name(request->method), STR_ARG(c.route ? str_of(c.route->pattern) : c.path));
	run_with_rules(&c);
}

void panel_sim_operator(struct panel_sim *sim, enum http_method method, const char *path, struct str json,
			struct sim_response *response, struct arena *arena)
{
	struct sim_request request = {
		.method = method, .body = json, .now_ms = sim->now_ms, .arena = arena,
		.path = str_of(arena_printf(arena, "%s%s", sim->config.base_path, path)),
		.headers = { { "content-type", "application/json" }, { "host", arena_printf(arena, "%s", sim->config.web_domain) } },
		.headers_count = 2,
	};
	struct panel_call c;

	call_init(&c, sim, &request, response);
	c.by_operator = true;
	if (find_route(&c))
		c.route->handle(&c);
}

/* --- knobs --- */

void panel_sim_add_rule(struct panel_sim *sim, const struct panel_rule *rule)
{
	struct panel_rule *r;

	assert(sim->rules_count < PANEL_RULES_MAX);
	sim->rule_calls[sim->rules_count] = 0;
	r = &sim->rules[sim->rules_count++];
	*r = *rule;
	r->route = rule->route ? xstrdup(rule->route) : NULL;
	r->path = rule->path ? xstrdup(rule->path) : NULL;
	r->text = rule->text ? xstrdup(rule->text) : NULL;
}

void panel_sim_clear_rules(struct panel_sim *sim)
{
	for (size_t i = 0; i < sim->rules_count; i++) {
		free((char *)sim->rules[i].route);
		free((char *)sim->rules[i].path);
		free((char *)sim->rules[i].text);
	}
	sim->rules_count = 0;
}

void panel_sim_set_down(struct panel_sim *sim, bool down)
{
	if (sim->down && !down) {
		sim->down = false;
		sim->next_poll_ms = sim->now_ms + poll_ms(sim);
		sim->next_timer_ms = sim->now_ms + TIMER_MS;
		panel_sim_restart(sim);
	}
	sim->down = down;
}

void panel_sim_drop_sessions(struct panel_sim *sim)
{
	panel_sessions_drop(sim);
}

void panel_sim_restart(struct panel_sim *sim)
{
	panel_limits_clear(sim);
	online_clear(sim);
	sim->online_known = false;
	panel_xray_start(sim);
}

void panel_sim_stop_xray(struct panel_sim *sim, bool stopped)
{
	if (stopped)
		panel_xray_stop(sim);
	else
		panel_xray_start(sim);
}

/* --- looking inside --- */

void panel_sim_each_client(struct panel_sim *sim, int64_t inbound_id,
			   bool (*fn)(void *ctx, const struct panel_client_view *client), void *ctx)
{
	if (sim->dialect->each_client)
		sim->dialect->each_client(sim, inbound_id, fn, ctx);
}

static bool count_one(void *ctx, const struct panel_client_view *client)
{
	(void)client;
	++*(size_t *)ctx;
	return true;
}

size_t panel_sim_count_clients(struct panel_sim *sim, int64_t inbound_id)
{
	size_t n = 0;

	panel_sim_each_client(sim, inbound_id, count_one, &n);
	return n;
}

bool panel_sim_find_client(struct panel_client_view *out, struct panel_sim *sim, int64_t inbound_id, const char *email)
{
	return sim->dialect->find_client && sim->dialect->find_client(out, sim, inbound_id, str_of(email));
}

struct drift {
	struct panel_sim *sim;
	struct buf *why;
	size_t n;
};

static void drift_note(struct drift *d, struct str email, const char *what)
{
	if (!d->n++ && d->why)
		buf_printf(d->why, "%.*s: %s", STR_ARG(email), what);
}

static bool drift_client(void *ctx, const struct panel_client_view *c)
{
	struct drift *d = ctx;
	bool spent = (c->row_total_bytes > 0 && c->up + c->down >= c->row_total_bytes) ||
		     (c->row_expiry_ms > 0 && c->row_expiry_ms <= d->sim->now_ms);

	if (!c->has_row)
		drift_note(d, c->email, "no traffic row");
	else if (c->total_bytes != c->row_total_bytes)
		drift_note(d, c->email, "quota");
	else if (c->expiry_ms != c->row_expiry_ms)
		drift_note(d, c->email, "expiry");
	else if (c->reset_days != c->row_reset_days)
		drift_note(d, c->email, "reset");
	else if (c->enable != c->row_enable && !(c->enable && spent && d->sim->version <= VERSION(2, 9, 3)))
		drift_note(d, c->email, "enable");
	return true;
}

size_t panel_sim_drift(struct panel_sim *sim, struct buf *why)
{
	struct drift d = { .sim = sim, .why = why };
	struct panel_client_view view;

	panel_sim_each_client(sim, 0, drift_client, &d);
	for (struct panel_traffic *row = sim->traffics; row; row = row->next)
		if (!panel_sim_find_client(&view, sim, 0, row->email))
			drift_note(&d, str_of(row->email), "a row that no inbound knows");
	return d.n;
}

bool panel_sim_use(struct panel_sim *sim, const char *email, int64_t up, int64_t down)
{
	return sim->xray_running && sim->dialect->use && sim->dialect->use(sim, str_of(email), up, down);
}

bool panel_sim_set_traffic(struct panel_sim *sim, const char *email, int64_t up, int64_t down)
{
	struct panel_traffic *row = panel_traffic_find(sim, str_of(email));

	if (!row)
		return false;
	row->up = up;
	row->down = down;
	return true;
}

int64_t panel_sim_seed(struct panel_sim *sim, const char *protocol, int port, const char *prefix, size_t clients)
{
	return sim->dialect->seed ? sim->dialect->seed(sim, protocol, port, prefix, clients) : 0;
}

size_t panel_sim_count(struct panel_sim *sim, const char *route)
{
	size_t n = 0;
	char name[160];

	if (!route)
		return sim->count_all;
	for (size_t i = 0; i < sim->routes_count; i++) {
		snprintf(name, sizeof name, "%s %s", http_method_name(sim->routes[i]->method), sim->routes[i]->pattern);
		if (strstr(name, route))
			n += sim->counts[i];
	}
	return n;
}

void panel_sim_clear_counts(struct panel_sim *sim)
{
	memset(sim->counts, 0, sizeof sim->counts);
	sim->count_all = 0;
}

size_t panel_sim_races(const struct panel_sim *sim)
{
	return sim->races;
}
