/* See shop_fixture.h. */
#include "tests/unit/shop_fixture.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "tests/sim/fresh.h"

struct shop_heard shop_heard;

/* --- hooks --- */

static enum err heard_paid(struct act *a, const struct order *o) { (void)a; (void)o; shop_heard.paid++; return OK; }
static enum err heard_delivered(struct act *a, const struct order *o) { (void)a; (void)o; shop_heard.delivered++; return OK; }
static enum err heard_waits(struct act *a, const struct order *o) { (void)a; (void)o; shop_heard.waits++; return OK; }

static enum err heard_ready(struct act *a, const struct invoice *i, const struct order *o)
{
	(void)a;
	(void)o;
	assert(i->url);
	shop_heard.ready++;
	return OK;
}

static enum err heard_failed(struct act *a, const struct invoice *i, const struct order *o)
{
	(void)a;
	(void)i;
	(void)o;
	shop_heard.failed++;
	return OK;
}

static enum err heard_set_aside(struct act *a, const struct payment_row *p, const struct user *u)
{
	(void)a;
	shop_heard.set_aside++;
	shop_heard.payer_known = u != NULL;
	snprintf(shop_heard.reason, sizeof shop_heard.reason, "%s", p->reason);
	return OK;
}

static enum err heard_kept(struct act *a, const struct payment_row *p) { (void)a; (void)p; shop_heard.kept++; return OK; }
static enum err heard_refunded(struct act *a, const struct payment_row *p) { (void)a; (void)p; shop_heard.refunded++; return OK; }

static enum err heard_refund_failed(struct act *a, const struct payment_row *p, const char *why)
{
	(void)a;
	(void)p;
	(void)why;
	shop_heard.refund_failed++;
	return OK;
}

static enum err heard_reminder(struct act *a, const struct user *u, const struct reminder *r)
{
	(void)a;
	(void)u;
	shop_heard.reminded++;
	snprintf(shop_heard.reminder, sizeof shop_heard.reminder, "%s", r->kind);
	return OK;
}

/* --- a core without a network --- */

static uint64_t no_start(void *ctx, const struct http_request *r, enum http_lane lane, void *tag) { (void)ctx; (void)r; (void)lane; (void)tag; return 1; }
static void no_cancel(void *ctx, uint64_t id) { (void)ctx; (void)id; }
static int no_poll(void *ctx, struct http_wait *w, size_t n, int ms) { (void)ctx; (void)w; (void)n; (void)ms; return 0; }
static bool no_next(void *ctx, struct http_done *d) { (void)ctx; (void)d; return false; }
static void no_release(void *ctx, struct http_done *d) { (void)ctx; (void)d; }

static int64_t shop_clock_ms(void *ctx) { return ((struct shop *)ctx)->now_ms; }
static int64_t shop_clock_us(void *ctx) { return ((struct shop *)ctx)->now_ms * 1000; }

static void must(enum err e)
{
	if (e)
		fprintf(stderr, "fixture: %s\n", err_name(e));
	assert(e == OK);
}

struct shop *shop_new(void)
{
	struct shop *s = xcalloc(1, sizeof *s);
	const char *path;

	shop_heard = (struct shop_heard){ 0 };
	s->now_ms = SHOP_NOW_MS;
	s->next_update = 1;
	s->clock = (struct clock_source){ .now_ms = shop_clock_ms, .mono_us = shop_clock_us, .ctx = s };
	clock_set_source(&s->clock);
	log_set_level("error");
	snprintf(s->dir, sizeof s->dir, "/tmp/obol-shop-XXXXXX");
	assert(mkdtemp(s->dir));
	path = arena_printf(&s->arena, "%s/t.db", s->dir);
	fresh_database(path);
	must(db_open(&s->db, path, DB_WRITE, NULL));
	s->i18n = fresh_texts();
	seal_key_draw(&s->key);
	s->config.crypto_pay_token = SHOP_TOKEN;
	s->shared = (struct shared){ .config = &s->config, .i18n = s->i18n, .key = &s->key, .bot_id = 1, .bot_username = "demo_shop_bot" };
	s->setup = (struct core_setup){ .config = &s->config, .tables = &s->tables, .shared = &s->shared, .db = s->db,
		.net = { .ctx = s, .start = no_start, .cancel = no_cancel, .poll = no_poll, .next = no_next, .release = no_release },
		.api = { .base_url = "http://127.0.0.1:1", .token = "1:test" } };
	must(core_open(&s->core, &s->setup));
	s->crypto = cryptopay_sim_new(SHOP_TOKEN);
	must(db_begin(s->db));
	s->a = core_act(s->core);
	order_set_hooks(&(struct order_hooks){ heard_paid, heard_delivered, heard_waits });
	pay_set_hooks(&(struct pay_hooks){ .invoice_ready = heard_ready, .invoice_failed = heard_failed, .set_aside = heard_set_aside, .kept = heard_kept,
		.refunded = heard_refunded, .refund_failed = heard_refund_failed });
	reminder_set_hook(heard_reminder);
	shop_panel(s, 1, 0, 0);
	must(pay_on_start(&s->a));
	shop_run(s, "DELETE FROM jobs");
	return s;
}

void shop_free(struct shop *s)
{
	must(db_commit(s->db));
	core_close(s->core);
	db_close(s->db);
	cryptopay_sim_free(s->crypto);
	unlink(arena_printf(&s->arena, "%s/t.db", s->dir));
	unlink(arena_printf(&s->arena, "%s/t.db-wal", s->dir));
	unlink(arena_printf(&s->arena, "%s/t.db-shm", s->dir));
	unlink(arena_printf(&s->arena, "%s/t.db.lock", s->dir));
	rmdir(s->dir);
	arena_release(&s->arena);
	clock_set_source(NULL);
	order_set_hooks(NULL);
	pay_set_hooks(NULL);
	reminder_set_hook(NULL);
	free(s);
}

void shop_wait(struct shop *s, int64_t ms)
{
	s->now_ms += ms;
	s->a.now_ms = s->now_ms;
}

/* --- the store --- */

int64_t shop_number(struct shop *s, const char *sql)
{
	int64_t n = 0;
	enum err e = db_get_i64(&n, s->db, sql);

	return e ? -1 : n;
}

const char *shop_text(struct shop *s, const char *sql)
{
	char *text;

	return db_get_text(&text, &s->arena, s->db, sql) == OK ? text : "";
}

void shop_run(struct shop *s, const char *sql)
{
	must(db_script(s->db, sql));
}

void shop_panel(struct shop *s, int64_t id, int priority, int capacity)
{
	must(db_run(s->db, "INSERT INTO panels(id, name, url, priority, capacity, state, created_ms, sub_url) VALUES(?1, 'p', 'https://p.example.org', ?2, ?3, 'ok', 1,"
		" 'https://p.example.org/sub/')", id, priority, capacity));
	must(db_run(s->db, "INSERT INTO inbounds(panel_id, inbound_id, remark, protocol, port, listen, enabled, for_sale, body, seen_ms)"
		" VALUES(?1, 1, 'r', 'vless', 443, '', 1, 1, '{}', 1)", id));
}

/* --- people and what they buy --- */

struct user shop_user(struct shop *s, int64_t telegram_id, const char *name)
{
	struct tg_user from = { .id = telegram_id, .first_name = str_of(name), .language_code = STR("en") };
	struct user u;

	must(user_meet(&u, &s->a, &from));
	must(user_draw_ids(&s->a, &u));
	return u;
}

struct plan shop_plan(struct shop *s, const char *name, int days, int64_t quota_bytes, int64_t stars, int64_t rub_minor)
{
	struct plan p = { .name = str_dup(&s->arena, str_of(name)), .days = days, .quota_bytes = quota_bytes, .on_sale = true };
	int64_t id;

	if (rub_minor)
		p.prices[p.prices_count++] = (struct price){ "RUB", rub_minor };
	if (stars)
		p.prices[p.prices_count++] = (struct price){ "XTR", stars };
	must(plan_add(&id, &s->a, &p));
	must(plan_get(&p, &s->a, id));
	return p;
}

struct order shop_order(struct shop *s, const struct user *u, const struct plan *p)
{
	struct order o;

	must(order_open(&o, &s->a, u, p, NULL));
	return o;
}

void shop_panels_agree(struct shop *s)
{
	struct { int64_t id, revision; } subs[64];
	struct db_rows r;
	size_t n = 0;

	db_select(&r, s->db, "SELECT id, revision FROM subscriptions WHERE gone=0 ORDER BY id LIMIT 64");
	while (db_next(&r)) {
		subs[n].id = db_i64(&r, 0);
		subs[n++].revision = db_i64(&r, 1);
	}
	must(db_end(&r));
	shop_run(s, "UPDATE accesses SET seen_exists=1, done_rev=(SELECT revision FROM subscriptions WHERE id=subscription_id),"
		" done_reset_rev=(SELECT reset_rev FROM subscriptions WHERE id=subscription_id) WHERE deleted_ms=0");
	shop_run(s, "DELETE FROM jobs WHERE kind='reconcile'");
	for (size_t i = 0; i < n; i++)
		must(order_access_ready(&s->a, subs[i].id, subs[i].revision));
}

/* --- Telegram --- */

bool shop_pre_checkout(struct shop *s, int64_t telegram_id, const char *invoice, int64_t stars, struct str *why)
{
	struct tg_update u = { .update_id = s->next_update++, .kind = TG_UPDATE_PRE_CHECKOUT, .from = { .id = telegram_id, .language_code = STR("en") },
		.pre_checkout = { .id = STR("q1"), .currency = STR("XTR"), .payload = str_of(invoice), .amount_minor = stars } };
	size_t before = s->core->turn.added_count;
	struct json_object *root;
	struct outgoing *o;
	bool ok;

	must(stars_pre_checkout(&s->a, &u));
	assert(s->core->turn.added_count == before + 1);
	o = &s->core->turn.added[before];
	assert(strcmp(o->method, TG_ANSWER_PRE_CHECKOUT_QUERY) == 0 && o->lane == LANE_ANSWER && o->unknown == UNKNOWN_AGAIN);
	assert(o->expires_ms == s->now_ms + 9 * SECOND_MS);
	must(json_parse(&root, o->payload));
	ok = json_bool_at(root, "ok", false);
	if (why)
		*why = str_of(str_dup(&s->arena, json_str_at(root, "error_message")));
	json_object_put(root);
	return ok;
}

static struct tg_update paid_update(struct shop *s, int64_t telegram_id, const char *invoice, int64_t stars, const char *charge)
{
	return (struct tg_update){ .update_id = s->next_update++, .kind = TG_UPDATE_MESSAGE, .date_ms = s->now_ms, .from = { .id = telegram_id },
		.chat = { .id = telegram_id, .type = TG_CHAT_PRIVATE }, .message = { .id = 5, .is_paid = true,
		.payment = { .currency = STR("XTR"), .amount_minor = stars, .payload = str_of(invoice), .charge_id = str_of(charge) } } };
}

enum err shop_stars(struct shop *s, int64_t telegram_id, const char *invoice, int64_t stars, const char *charge)
{
	struct tg_update u = paid_update(s, telegram_id, invoice, stars, charge);

	return stars_paid(&s->a, &u);
}

enum err shop_stars_refunded(struct shop *s, int64_t telegram_id, const char *invoice, int64_t stars, const char *charge)
{
	struct tg_update u = paid_update(s, telegram_id, invoice, stars, charge);

	u.message.is_paid = false;
	u.message.is_refund = true;
	return stars_refunded(&s->a, &u);
}

/* --- jobs --- */

static const char *lower(struct arena *a, const char *name)
{
	char *copy = arena_strdup(a, name);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return copy;
}

static struct http_response exchange(struct shop *s, const struct http_request *r)
{
	struct sim_request in = { .method = r->method, .body = r->body, .now_ms = s->now_ms, .arena = &s->arena };
	struct http_response out = { .failure = HTTP_FAIL_NONE };
	struct sim_response from;

	in.path = str_of(strstr(r->url + strlen("https://"), "/"));
	for (size_t i = 0; i < r->headers_count; i++)
		in.headers[in.headers_count++] = (struct http_header){ lower(&s->arena, r->headers[i].name), r->headers[i].value };
	cryptopay_sim_handle(s->crypto, &in, &from);
	if (from.trouble.hang || from.trouble.drop) {
		out.failure = from.trouble.hang ? HTTP_FAIL_TIMEOUT : HTTP_FAIL_BROKEN;
		return out;
	}
	out.status = from.status;
	out.body = from.body;
	for (size_t i = 0; i < from.headers_count; i++)
		out.headers[out.headers_count++] = (struct http_header){ lower(&s->arena, from.headers[i].name), from.headers[i].value };
	return out;
}

enum job_next shop_job(struct shop *s, const struct job_kind *kind, const char *subject, const struct http_response *answer, int64_t *at_ms)
{
	struct job job = { .kind = kind, .subject = str_dup(&s->arena, str_of(subject)) };
	enum job_next next;

	must(kind->begin(&s->a, &job));
	for (int calls = 0; job.next == JOB_CALL && calls < 100; calls++) {
		struct http_response r = answer ? *answer : exchange(s, job.request);

		job.next = JOB_UNDECIDED;
		job.reason = NULL;
		must(kind->answer(&s->a, &job, &r));
	}
	assert(job.next != JOB_UNDECIDED && job.next != JOB_CALL);
	if (job.next == JOB_DONE)
		must(db_run(s->db, "DELETE FROM jobs WHERE kind=?1 AND subject=?2", kind->name, subject));
	if (at_ms)
		*at_ms = job.next_ms;
	next = job.next;
	arena_release(&job.arena);
	return next;
}

int shop_callback(struct shop *s, const struct cryptopay_callback *c, struct str path)
{
	struct http_inbound in = { .id = 7, .method = HTTP_POST, .path = path, .body = c->body };
	size_t before = s->core->turn.replies_count;

	for (size_t i = 0; i < c->headers_count; i++)
		in.headers[in.headers_count++] = (struct http_header){ lower(&s->arena, c->headers[i].name), c->headers[i].value };
	must(pay_callback(&s->a, &in));
	assert(s->core->turn.replies_count == before + 1);
	return s->core->turn.replies[before].status;
}

void shop_check_books(struct shop *s)
{
	bool balanced;

	must(ledger_check(&s->a, &balanced));
	assert(balanced);
	assert(shop_number(s, "SELECT count(*) FROM (SELECT sum(amount) AS n FROM (SELECT currency, amount_minor AS amount FROM ledger"
		" UNION ALL SELECT currency, -amount_minor FROM ledger) GROUP BY currency) WHERE n<>0") == 0);
}
