/* What an admin asks of a panel: trial login, test step by step, inbounds, who is online, health; and about one client:
 * what the panel has of it, where it connected from. The answer goes to hooks->answered; a panel that does not answer is an answer, too, after three tries (R140). */
#include "bot/fleet/fleet_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bot/core/alert.h"
#include "lib/base/clock.h"

#define ONLINES_MAX 20000
#define CLIENT_PLACES_MAX 24

static const char *const ask_names[] = {
	[ASK_TRIAL] = "trial", [ASK_TEST] = "test", [ASK_INBOUNDS] = "inbounds", [ASK_ONLINE] = "online", [ASK_HEALTH] = "health",
	[ASK_CLIENT] = "client", [ASK_IPS] = "ips", [ASK_IPS_CLEAR] = "ips_clear",
};

/* The operations each of them is made of, in order. */
#define OPS_MAX 3
static const struct plan { enum xui_what ops[OPS_MAX]; size_t count; } plans[] = {
	[ASK_TRIAL] = { { XUI_PROBE, XUI_SETTINGS }, 2 },
	[ASK_TEST] = { { XUI_PROBE }, 1 },
	[ASK_INBOUNDS] = { { XUI_INBOUNDS }, 1 },
	[ASK_ONLINE] = { { XUI_ONLINES }, 1 },
	[ASK_HEALTH] = { { XUI_INBOUNDS, XUI_ONLINES, XUI_STATUS }, 3 },
	[ASK_CLIENT] = { { XUI_LOOK }, 1 },
	[ASK_IPS] = { { XUI_IPS }, 1 },
	[ASK_IPS_CLEAR] = { { XUI_IPS_CLEAR, XUI_IPS }, 2 }, /* "cleared" is believed once a look agrees */
};

/* Health, R092: what each of the operations above stands for. The database can be fetched where the server's own routes
 * answer us: nothing is fetched for that (R095). */
static const char *const check_names[OPS_MAX] = { "inbounds", "online_clients", "backup_ready" };
enum check { CHECK_ERROR, CHECK_FAIL, CHECK_PASS };
static const char *const check_words[] = { "error", "fail", "pass" };

struct online { struct str email; int64_t inbound_id; };

struct run {
	struct work work;
	struct job *job;
	enum panel_ask what;
	int64_t panel_id, chat_id;
	int64_t access_id;           /* whose client it is about; 0: none */
	int64_t subscription_id;
	struct access x;             /* its texts live in the act's arena: only for that step */
	size_t at;                   /* in the plan */
	struct online *online;       /* in the job's arena */
	size_t online_count, online_cap;
	enum check checks[OPS_MAX];
	bool refused_login;
	/* after a test: where customers connect to, one after the other */
	struct link_try { const char *address, *why; bool is_udp, ok; int64_t ms; } tries[PANEL_LINKS_TRIED_MAX]; /* address: host:port */
	size_t tries_count, tries_at;
	struct http_request connect;
};

enum err panel_ask(struct act *a, int64_t panel_id, enum panel_ask what, int64_t chat_id)
{
	return job_add(a, JOB_ASK, arena_printf(a->arena, "%" PRId64 ":%s:%" PRId64, panel_id, ask_names[what], chat_id), panel_id, JOB_PERSON, a->now_ms);
}

enum err client_ask(struct act *a, int64_t subscription_id, enum panel_ask what, int64_t chat_id)
{
	struct { int64_t access_id, panel_id; } places[CLIENT_PLACES_MAX];
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT id, panel_id FROM accesses WHERE subscription_id=?1 AND deleted_ms=0 ORDER BY id LIMIT ?2",
		subscription_id, (int64_t)countof(places));
	for (; db_next(&r); n++) {
		places[n].access_id = db_i64(&r, 0);
		places[n].panel_id = db_i64(&r, 1);
	}
	e = db_end(&r);
	for (size_t i = 0; !e && i < n; i++)
		e = job_add(a, JOB_ASK, arena_printf(a->arena, "%" PRId64 ":%s:%" PRId64 ":%" PRId64, places[i].panel_id, ask_names[what], chat_id,
			places[i].access_id), places[i].panel_id, JOB_PERSON, a->now_ms);
	return e || n ? e : E_NOTFOUND;
}

static enum err subject_read(struct run *r, const char *subject)
{
	struct str rest = str_of(subject), panel = str_cut(&rest, ':'), what = str_cut(&rest, ':'), chat = str_cut(&rest, ':');

	for (size_t i = 0; i < countof(ask_names); i++)
		if (str_is(what, ask_names[i])) {
			r->what = (enum panel_ask)i;
			if (str_to_i64(&r->panel_id, panel) || str_to_i64(&r->chat_id, chat))
				return E_INVALID;
			return rest.len && str_to_i64(&r->access_id, rest) ? E_INVALID : OK;
		}
	return E_INVALID;
}

/* --- who is online --- */

static enum err take_online(void *ctx, const struct xui_online *o)
{
	struct run *r = ctx;
	struct online *more;

	if (r->online_count == ONLINES_MAX)
		return OK; /* the count still tells */
	if (r->online_count == r->online_cap) {
		r->online_cap = r->online_cap ? 2 * r->online_cap : 64;
		more = arena_array(&r->job->arena, struct online, r->online_cap);
		if (r->online_count)
			memcpy(more, r->online, r->online_count * sizeof *more);
		r->online = more;
	}
	r->online[r->online_count++] = (struct online){ str_of(str_dup(&r->job->arena, utf8_clean(&r->job->arena, o->email))), o->inbound_id };
	return OK;
}

static void forget_online(void *ctx)
{
	((struct run *)ctx)->online_count = 0;
}

static int by_email(const void *a, const void *b)
{
	return strcmp(((const struct online *)a)->email.at, ((const struct online *)b)->email.at);
}

static int by_inbound(const void *a, const void *b)
{
	int64_t x = ((const struct online *)a)->inbound_id, y = ((const struct online *)b)->inbound_id;

	return x == y ? by_email(a, b) : x < y ? -1 : 1;
}

/* Real panels tell names alone: where ours stand we know; the others are listed under inbound 0. */
static enum err place_online(struct act *a, struct run *r)
{
	struct db_rows rows;

	if (!r->online_count)
		return OK;
	qsort(r->online, r->online_count, sizeof *r->online, by_email);
	db_select(&rows, a->tx, "SELECT email, inbound_id FROM accesses WHERE panel_id=?1 AND deleted_ms=0", r->panel_id);
	while (db_next(&rows)) {
		struct online key = { .email = str_of(db_text(&rows, 0, a->arena)) };
		struct online *found = bsearch(&key, r->online, r->online_count, sizeof key, by_email);

		if (found && !found->inbound_id)
			found->inbound_id = db_i64(&rows, 1);
	}
	return db_end(&rows);
}

static struct str online_text(struct act *a, struct run *r)
{
	struct json_out j;
	struct buf b;
	struct str out;

	if (!r->online_count)
		return STR("[]");
	qsort(r->online, r->online_count, sizeof *r->online, by_inbound);
	buf_init(&b, 8 << 20);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (size_t i = 0; i < r->online_count;) {
		int64_t inbound_id = r->online[i].inbound_id;

		json_open(&j, '{');
		json_put_i64(&j, "inbound", inbound_id);
		json_key(&j, "emails");
		json_open(&j, '[');
		for (; i < r->online_count && r->online[i].inbound_id == inbound_id; i++)
			json_add_str(&j, r->online[i].email);
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, ']');
	out = str_of(str_dup(a->arena, b.over ? STR("[]") : buf_str(&b)));
	buf_release(&b);
	return out;
}

/* --- test, step by step (R147) --- */

enum { STEP_NAME, STEP_TCP, STEP_TLS, STEP_LOGIN, STEP_LIST, STEPS };
static const char *const step_names[STEPS] = { "name", "tcp", "tls", "login", "list" };

/* Which step the failure belongs to; STEPS when there is none. */
static int failed_step(const struct work *w)
{
	bool logged_in = w->panel.session.created_ms != 0;

	if (!w->result->err)
		return STEPS;
	switch (w->answered ? w->failure : HTTP_FAIL_NONE) {
	case HTTP_FAIL_RESOLVE: return STEP_NAME;
	case HTTP_FAIL_CONNECT: return STEP_TCP;
	case HTTP_FAIL_TLS: return STEP_TLS;
	case HTTP_FAIL_TIMEOUT:
		if (w->unsent)
			return STEP_TCP;
		break;
	default:
		break;
	}
	return logged_in ? STEP_LIST : STEP_LOGIN;
}

static void fill_steps(struct panel_answer *out, struct act *a, const struct work *w)
{
	int bad = failed_step(w);
	bool is_tls = str_starts(str_of(w->panel.url), "https://");

	out->steps_count = STEPS;
	for (int i = 0; i < STEPS; i++) {
		struct panel_step *s = &out->steps[i];

		s->name = step_names[i];
		s->ok = i < bad;
		s->skipped = i > bad || (i == STEP_TLS && !is_tls);
		if (i == bad)
			s->detail = arena_strdup(a->arena, w->detail && w->failure != HTTP_FAIL_NONE ? w->detail : work_reason(w));
	}
	/* a call is name, connection and question at once; the whole way in is the login's time */
	out->steps[STEP_LOGIN].ms = w->total_ms - w->last_ms;
	out->steps[STEP_LIST].ms = w->last_ms;
}

/* --- where customers connect to --- */

#define LINK_CONNECT_MS 5000 /* the lane of the panel waits meanwhile */

static void add_try(struct act *a, struct run *r, const struct panel *p, const struct inbound *in)
{
	struct arena *arena = &r->job->arena;
	struct inbound_sample sample;
	struct link_try *t;
	bool is_v6;

	if (r->tries_count == PANEL_LINKS_TRIED_MAX || !in->for_sale || in->gone || inbound_sample(&sample, a, p, in))
		return;
	t = &r->tries[r->tries_count];
	is_v6 = memchr(sample.host.at, ':', sample.host.len) != NULL;
	*t = (struct link_try){ .is_udp = sample.is_udp };
	t->address = arena_printf(arena, is_v6 ? "[%.*s]:%" PRId64 : "%.*s:%" PRId64, STR_ARG(sample.host), sample.port);
	for (size_t i = 0; i < r->tries_count; i++)
		if (strcmp(r->tries[i].address, t->address) == 0 && r->tries[i].is_udp == t->is_udp)
			return; /* several inbounds behind one door */
	r->tries_count++;
}

/* Of the inbounds that are sold; none: nothing to try. */
static enum err find_tries(struct act *a, struct run *r)
{
	struct inbound *list = arena_array(a->arena, struct inbound, INBOUNDS_MAX);
	struct panel p;
	size_t count = 0;
	enum err e = panel_get(&p, a, r->panel_id);

	if (!e)
		e = inbound_list(list, &count, INBOUNDS_MAX, a, r->panel_id);
	for (size_t i = 0; !e && i < count; i++)
		add_try(a, r, &p, &list[i]);
	return e == E_NOTFOUND ? OK : e;
}

/* False: all have been tried. */
static bool try_next(struct job *job, struct run *r)
{
	while (r->tries_at < r->tries_count && r->tries[r->tries_at].is_udp)
		r->tries_at++;
	if (r->tries_at == r->tries_count)
		return false;
	r->connect = (struct http_request){ .method = HTTP_GET, .connect_only = true, .connect_timeout_ms = LINK_CONNECT_MS, .timeout_ms = LINK_CONNECT_MS,
		.source_address = r->work.panel.source_address, .url = arena_printf(&job->arena, "http://%s/", r->tries[r->tries_at].address) };
	job_call(job, &r->connect);
	return true;
}

static void take_try(struct run *r, const struct http_response *response)
{
	struct link_try *t = &r->tries[r->tries_at++];

	t->ok = response->failure == HTTP_FAIL_NONE;
	t->ms = response->duration_ms;
	if (!t->ok)
		t->why = arena_strdup(&r->job->arena, response->detail && *response->detail ? response->detail : http_failure_name(response->failure));
}

static void add_link_steps(struct panel_answer *out, struct act *a, const struct run *r)
{
	for (size_t i = 0; i < r->tries_count && out->steps_count < PANEL_STEPS_MAX; i++) {
		const struct link_try *t = &r->tries[i];

		out->steps[out->steps_count++] = (struct panel_step){ .name = t->is_udp ? "link_udp" : "link", .ok = t->ok, .skipped = t->is_udp, .ms = t->ms,
			.detail = t->why ? arena_printf(a->arena, "%s: %s", t->address, t->why) : arena_strdup(a->arena, t->address) };
	}
}

/* --- health --- */

static enum err store_health(struct act *a, struct run *r)
{
	bool responsive = !r->refused_login;
	struct json_out j;
	struct buf b;
	enum err e;

	for (size_t i = 0; i < OPS_MAX; i++)
		responsive = responsive && r->checks[i] != CHECK_ERROR;
	buf_init(&b, 4096);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_i64(&j, "time_ms", a->now_ms);
	json_put_cstr(&j, "url", r->work.panel.url);
	json_put_cstr(&j, "authentication", r->refused_login ? "failed" : "success");
	json_put_bool(&j, "api_responsive", responsive);
	json_key(&j, "checks");
	json_open(&j, '{');
	for (size_t i = 0; i < OPS_MAX; i++)
		json_put_cstr(&j, check_names[i], check_words[r->checks[i]]);
	json_close(&j, '}');
	if (r->work.result->err)
		json_put_str(&j, "error", utf8_clean(a->arena, str_of(work_reason(&r->work))));
	json_close(&j, '}');
	e = db_run(a->tx, "UPDATE panels SET health=?2 WHERE id=?1", r->panel_id, buf_cstr(&b));
	buf_release(&b);
	return e;
}

static void take_check(struct run *r)
{
	const struct xui_result *x = r->work.result;
	bool said_no = r->work.answered && r->work.failure == HTTP_FAIL_NONE && r->work.status == 200;

	r->checks[r->at] = !x->err ? CHECK_PASS : said_no ? CHECK_FAIL : CHECK_ERROR; /* R093 */
	r->refused_login = r->refused_login || x->err == E_AUTH;
}

/* --- one client --- */

/* E_NOTFOUND: it has moved or gone meanwhile. */
static enum err read_client(struct act *a, struct run *r)
{
	enum err e = db_get_i64(&r->subscription_id, a->tx, "SELECT subscription_id FROM accesses WHERE id=?1", r->access_id);

	if (!e)
		e = access_read(&r->x, a, r->subscription_id, r->panel_id, r->access_id - 1);
	return !e && r->x.id != r->access_id ? E_NOTFOUND : e;
}

static void add_client(struct panel_answer *out, const struct run *r)
{
	const struct xui_look *l = &r->work.result->look;

	out->client.exists = access_is_ours(&r->x, l);
	if (!out->client.exists)
		return;
	out->client.enabled = l->client.enabled && (!l->has_row || l->traffic.enabled);
	out->client.has_usage = l->has_row;
	out->client.up_bytes = l->traffic.up_bytes;
	out->client.down_bytes = l->traffic.down_bytes;
}

static void add_ips(struct panel_answer *out, struct act *a, const struct xui_result *x)
{
	struct panel_ip *ips = arena_array(a->arena, struct panel_ip, x->ips_count + 1);

	for (size_t i = 0; i < x->ips_count; i++)
		ips[i] = (struct panel_ip){ utf8_clean(a->arena, x->ips[i].ip), utf8_clean(a->arena, x->ips[i].when) };
	out->ips = ips;
	out->ips_count = x->ips_count;
}

/* What only the questions about a client have. E_NOTFOUND: nobody's client any more. */
static enum err add_about_client(struct panel_answer *out, struct act *a, struct run *r)
{
	enum err e = read_client(a, r);

	if (e)
		return e;
	out->subscription_id = r->subscription_id;
	out->email = r->x.email;
	if (!out->ok)
		return OK;
	if (r->what == ASK_CLIENT)
		add_client(out, r);
	else
		add_ips(out, a, r->work.result);
	return OK;
}

/* --- the answer --- */

static enum err answer_admin(struct act *a, struct job *job, struct run *r)
{
	const struct xui_result *x = r->work.result;
	struct panel_answer out = { .what = r->what, .panel_id = r->panel_id, .chat_id = r->chat_id, .ok = !x->err, .why = x->err,
		.words = x->msg[0] ? x->msg : NULL };
	enum err e = OK;

	if (x->err && r->work.answered && r->work.failure == HTTP_FAIL_TLS) {
		out.untrusted = true;
		out.peer_pin = r->work.peer_pin;
		out.peer_fingerprint = r->work.peer_fingerprint;
	}
	job_done(job);
	if (r->what == ASK_TEST || r->what == ASK_TRIAL)
		fill_steps(&out, a, &r->work);
	add_link_steps(&out, a, r);
	if (r->what == ASK_HEALTH) {
		e = store_health(a, r);
		for (size_t i = 0; i < OPS_MAX; i++)
			out.ok = out.ok && r->checks[i] == CHECK_PASS;
	}
	if (!e && r->what == ASK_ONLINE && out.ok) {
		e = place_online(a, r);
		out.online = e ? STR("") : online_text(a, r);
	}
	if (!e && r->access_id) {
		e = add_about_client(&out, a, r);
		if (e == E_NOTFOUND)
			return OK;
	}
	return e || !fleet_hooks.answered || !r->chat_id ? e : fleet_hooks.answered(a, &out);
}

static enum err login_worked(struct act *a, struct run *r)
{
	enum err e = work_is_good(&r->work, a);

	if (!e)
		e = inbound_store(a, r->panel_id, r->work.result);
	return e ? e : alert_clear(a, arena_printf(a->arena, "panel.failing:%" PRId64, r->panel_id), r->work.name);
}

static enum err keep(struct act *a, struct run *r)
{
	if (r->work.is_outdated)
		return OK; /* it was with other credentials, or at another address, that it went well */
	switch (plans[r->what].ops[r->at]) {
	case XUI_PROBE: return login_worked(a, r);
	case XUI_INBOUNDS: return inbound_store(a, r->panel_id, r->work.result);
	case XUI_ONLINES: return db_run(a->tx, "UPDATE panels SET online=?2 WHERE id=?1", r->panel_id, r->work.result->listed);
	case XUI_SETTINGS: return panel_keep_settings(a, &r->work);
	default: return OK;
	}
}

static enum err ask_next(struct act *a, struct job *job, struct run *r);

static enum err ended_one(struct act *a, struct job *job, struct run *r)
{
	const struct xui_result *x = r->work.result;
	bool is_extra = r->what == ASK_TRIAL && r->at > 0; /* the login has been proven by then */
	enum err e = OK;

	if (x->err && !is_extra && work_tries_again(&r->work, a, job))
		return OK;
	if (r->what == ASK_HEALTH)
		take_check(r);
	if (!x->err)
		e = keep(a, r);
	if (e)
		return e;
	if ((!x->err || r->what == ASK_HEALTH) && !r->refused_login && r->at + 1 < plans[r->what].count &&
	    (plans[r->what].ops[r->at + 1] != XUI_SETTINGS || xui_shows_settings(&r->work.panel))) {
		r->at++;
		return ask_next(a, job, r);
	}
	if (is_extra && x->err) {
		static const struct xui_result fine = { .err = OK, .msg = "" };

		r->work.result = &fine;
	}
	if (r->what == ASK_TEST && !x->err) {
		e = find_tries(a, r);
		if (e || try_next(job, r))
			return e;
	}
	return answer_admin(a, job, r);
}

static enum err ask_next(struct act *a, struct job *job, struct run *r)
{
	struct xui_ask ask = { .what = plans[r->what].ops[r->at], .sinks = { .on_online = take_online, .on_restart = forget_online, .ctx = r } };
	bool ended = false;
	enum err e = r->access_id ? read_client(a, r) : OK;

	if (e == E_NOTFOUND) {
		job_done(job);
		return OK;
	}
	if (!e && r->access_id) {
		ask.inbound_id = r->x.inbound_id;
		ask.client = access_client(&job->arena, &r->x);
	}
	if (!e)
		e = work_begin(&r->work, a, job, &ask, &ended);
	return !e && ended ? ended_one(a, job, r) : e;
}

static enum err begin(struct act *a, struct job *job)
{
	struct run *r = arena_new(&job->arena, struct run);
	enum err e = subject_read(r, job->subject);

	job->state = r;
	r->job = job;
	if (!e)
		e = work_open(&r->work, a, job, r->panel_id);
	if (e == E_NOTFOUND || e == E_INVALID) {
		job_done(job);
		return OK;
	}
	return e ? e : ask_next(a, job, r);
}

static enum err answer(struct act *a, struct job *job, const struct http_response *response)
{
	struct run *r = job->state;
	bool ended;
	enum err e;

	if (r->tries_at < r->tries_count) {
		take_try(r, response);
		return try_next(job, r) ? OK : answer_admin(a, job, r);
	}
	e = work_answer(&r->work, a, job, response, &ended);

	return !e && ended ? ended_one(a, job, r) : e;
}

static void release(struct job *job)
{
	work_release(&((struct run *)job->state)->work);
}

const struct job_kind fleet_job_ask = { .name = JOB_ASK, .begin = begin, .answer = answer, .backoff_ms = 5 * SECOND_MS,
	.backoff_max_ms = MINUTE_MS, .attempts_max = 10, .release = release };
