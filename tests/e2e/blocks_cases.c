/* The faults. See blocks.h. */
#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/core/outbox.h"
#include "bot/fleet/panel.h"
#include "lib/base/clock.h"
#include "lib/telegram/tg_call.h"
#include "tests/e2e/blocks_private.h"
#include "tests/e2e/customer.h"
#include "tests/e2e/flood.h"
#include "tests/e2e/prepare.h"

#define ASKED_MAX 30
#define SICK_PANELS 20
#define DEAD_NAMES ASKED_MAX
#define SILENT_SERVER "127.0.0.99"
#define GIVEN_UP_MS 12000         /* after 10 s the client gives a look-up up: joining its thread would stop the loop then */
#define SLOW_SYNC_MS "20"
#define FLOOD_PER_S 5000
#define QUEUED 10000
#define PAYERS 30
#define TAPPERS 500
#define BUYERS_MAX 400
#define UPDATES_A_BUYER 250  /* the backlog must outlast them */
#define BACKLOG_WARM_MS 300

/* --- panels that are as they should be, beside as many that are not --- */

struct well_panels {
	const char *host;         /* where each answers, with its number; NULL: by address */
	size_t count;
	struct serve *serve;
	struct panel_sim *sims[ASKED_MAX];
};

static void add_well_panels(struct rig *r, void *ctx)
{
	struct well_panels *p = ctx;
	const char *urls[ASKED_MAX];
	struct arena arena = { 0 };

	p->serve = serve_new();
	for (size_t i = 0; i < p->count; i++) {
		int socket;

		p->sims[i] = panel_sim_new("3.6.0", &(struct panel_config){ .user = "admin", .password = RIG_PANEL_PASSWORD });
		socket = serve_add(p->serve, panel_sim_handle, p->sims[i], 0, false);
		urls[i] = p->host ? arena_printf(&arena, "http://%s-%zu.localhost:%d", p->host, i, serve_port(p->serve, socket))
			: arena_strdup(&arena, serve_url(p->serve, socket));
	}
	serve_thread_start(p->serve);
	prepare_panels(r, urls, p->count);
	arena_release(&arena);
}

static void end_well_panels(void *ctx)
{
	struct well_panels *p = ctx;

	serve_free(p->serve);
	for (size_t i = 0; i < p->count; i++)
		panel_sim_free(p->sims[i]);
}

/* The same number of panels, asked as often: what is compared is the fault, and not that there are panels. */
static void compare_panels(struct blocks_figures *out, const struct blocks_plan *plan, struct fault fault, const char *host, size_t count)
{
	struct well_panels panels = { .host = host, .count = count };
	const struct fault well = { .begin = add_well_panels, .step = blocks_ask_panels, .end = end_well_panels, .ctx = &panels };

	fault.step = blocks_ask_panels;
	fault.well = &well;
	blocks_compare(out, plan, &fault);
}

/* --- panels that do not behave --- */

static void misbehave(void *model, const struct sim_request *request, struct sim_response *response)
{
	(void)request;
	response->status = 200;
	response->body = STR("{\"success\":true,\"msg\":\"\",\"obj\":null}");
	response->trouble = *(const struct sim_trouble *)model;
}

static void add_sick_panels(struct rig *r, void *ctx)
{
	blocks_add_panels(r, "@/panel-#", ctx, SICK_PANELS);
}

/* They have a thread of their own: an endless body must not keep the Bot API from answering. */
static void compare_sick(struct blocks_figures *out, const struct blocks_plan *plan, struct sim_trouble trouble)
{
	struct serve *serve = serve_new();
	int socket = serve_add(serve, misbehave, &trouble, 0, false);
	struct arena arena = { 0 };

	serve_thread_start(serve);
	compare_panels(out, plan, (struct fault){ .begin = add_sick_panels, .ctx = arena_strdup(&arena, serve_url(serve, socket)) }, NULL, SICK_PANELS);
	serve_free(serve);
	arena_release(&arena);
}

static void run_hang(struct blocks_figures *out, const struct blocks_plan *plan)
{
	compare_sick(out, plan, (struct sim_trouble){ .hang = true });
}

static void run_trickle(struct blocks_figures *out, const struct blocks_plan *plan)
{
	compare_sick(out, plan, (struct sim_trouble){ .bytes_per_second = 1 });
}

static void run_endless(struct blocks_figures *out, const struct blocks_plan *plan)
{
	compare_sick(out, plan, (struct sim_trouble){ .endless = true });
}

/* --- hand-shakes --- */

/* The kernel takes connections, nobody ever says a word on them. */
static void add_stalling_panels(struct rig *r, void *ctx)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	struct arena arena = { 0 };
	int *fd = ctx;

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || bind(*fd, (struct sockaddr *)&a, n) != 0 || listen(*fd, 512) != 0 || getsockname(*fd, (struct sockaddr *)&a, &n) != 0)
		blocks_broken(r, "no socket");
	blocks_add_panels(r, "@/panel-#", arena_printf(&arena, "https://127.0.0.1:%d", ntohs(a.sin_port)), SICK_PANELS);
	arena_release(&arena);
}

static void close_socket(void *ctx)
{
	close(*(int *)ctx);
}

static void run_handshake(struct blocks_figures *out, const struct blocks_plan *plan)
{
	int fd = -1;

	blocks_compare(out, plan, &(struct fault){ .options = { .tls = true }, .begin = add_stalling_panels, .step = blocks_ask_panels, .end = close_socket, .ctx = &fd });
}

/* One panel is trusted by the store that all public peers share, another by a CA of its own, and both must be connected to
 * again and again. Beside it the same with both in that store. */
struct two_cas {
	bool shared;              /* the other's certificate is in the store, too */
	struct serve *other;      /* with a certificate of its own */
	struct panel_sim *panel;
	const char *url;
	int socket;
	int64_t next_us;
};

static enum err add_other(struct act *a, void *ctx)
{
	struct two_cas *t = ctx;
	int64_t id;

	return panel_add(&id, a, &(struct panel_given){ .name = "Other", .url = t->url, .username = "admin", .password = RIG_PANEL_PASSWORD,
		.host = "vpn.example.com", .ca_pem = t->shared ? NULL : serve_pem(t->other) });
}

static void share_store(struct rig *r, const struct serve *other)
{
	struct arena arena = { 0 };

	rig_write(r, "both.pem", str_of(arena_printf(&arena, "%s%s", serve_pem(r->serve), serve_pem(other))), 0600);
	rig_set(r, "SSL_CERT_FILE", rig_path(r, "both.pem"));
	arena_release(&arena);
}

static void begin_two_cas(struct rig *r, void *ctx)
{
	struct two_cas *t = ctx;

	t->other = serve_new();
	t->panel = panel_sim_new("3.6.0", &(struct panel_config){ .user = "admin", .password = RIG_PANEL_PASSWORD });
	t->socket = serve_add(t->other, panel_sim_handle, t->panel, 0, true);
	t->url = serve_url(t->other, t->socket);
	serve_thread_start(t->other);
	if (t->shared)
		share_store(r, t->other);
	prepare_with(r, add_other, t);
}

static void cut_and_ask(struct rig *r, void *ctx)
{
	struct two_cas *t = ctx;

	blocks_ask_panels(r, NULL);
	if (clock_mono_us() < t->next_us)
		return;
	t->next_us = clock_mono_us() + 100000;
	serve_cut_all(r->serve, r->panels[0].socket);
	serve_cut_all(t->other, t->socket);
}

static void end_two_cas(void *ctx)
{
	struct two_cas *t = ctx;

	serve_free(t->other);
	panel_sim_free(t->panel);
}

static struct fault two_cas_of(struct two_cas *t)
{
	return (struct fault){ .options = { .versions = { "3.6.0" }, .tls = true }, .begin = begin_two_cas, .step = cut_and_ask, .end = end_two_cas, .ctx = t };
}

static void run_two_cas(struct blocks_figures *out, const struct blocks_plan *plan)
{
	struct two_cas two = { 0 }, one = { .shared = true };
	const struct fault well = two_cas_of(&one);
	struct fault fault = two_cas_of(&two);

	fault.well = &well;
	blocks_compare(out, plan, &fault);
}

/* --- names --- */

static void add_unknown_names(struct rig *r, void *ctx)
{
	(void)ctx;
	blocks_add_panels(r, "http://@-#.invalid:2053", "panel", DEAD_NAMES);
}

static void run_no_name(struct blocks_figures *out, const struct blocks_plan *plan)
{
	compare_panels(out, plan, (struct fault){ .begin = add_unknown_names }, "panel", DEAD_NAMES);
}

/* The program sees a resolv.conf of ours, by a mount of its own; the server named there takes questions and says nothing. */
struct silence {
	int server;
	char dir[64], program[96];
};

static bool write_text(const char *path, const char *text, int mode)
{
	FILE *f = fopen(path, "w");
	bool ok = f && fputs(text, f) >= 0;

	if (f)
		ok = fclose(f) == 0 && ok;
	return ok && chmod(path, (mode_t)mode) == 0;
}

static int silent_server(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, SILENT_SERVER, &a.sin_addr);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* NULL: ready; otherwise why not. */
static const char *open_silence(struct silence *s, const struct blocks_plan *plan)
{
	struct arena arena = { 0 };
	char *program = realpath(plan->program ? plan->program : "build/obol", NULL);
	char script[PATH_MAX * 2], probe[256];
	const char *why = NULL;

	snprintf(s->dir, sizeof s->dir, "/tmp/obol-names-XXXXXX");
	s->server = silent_server();
	if (s->server < 0)
		why = "port 53 of " SILENT_SERVER " cannot be had";
	else if (!program || !mkdtemp(s->dir))
		why = "no folder for it";
	if (!why) {
		write_text(arena_printf(&arena, "%s/resolv.conf", s->dir), "nameserver " SILENT_SERVER "\noptions timeout:30 attempts:5\n", 0644);
		snprintf(s->program, sizeof s->program, "%s/program", s->dir);
		snprintf(script, sizeof script, "#!/bin/sh\nexec unshare -rm sh -c 'mount --bind %s/resolv.conf /etc/resolv.conf && exec \"$0\" \"$@\"' %s \"$@\"\n", s->dir, program);
		snprintf(probe, sizeof probe, "unshare -rm mount --bind %s/resolv.conf /etc/resolv.conf 2>/dev/null", s->dir);
		if (!write_text(s->program, script, 0700) || system(probe) != 0)
			why = "mounting a resolv.conf is not allowed here";
	}
	free(program);
	arena_release(&arena);
	return why;
}

static void close_silence(struct silence *s)
{
	char command[128];

	if (s->server >= 0)
		close(s->server);
	snprintf(command, sizeof command, "rm -rf %s", s->dir);
	if (system(command) != 0)
		fprintf(stderr, "blocks: %s stays\n", s->dir);
}

static void add_silent_names(struct rig *r, void *ctx)
{
	(void)ctx;
	blocks_add_panels(r, "http://@-#.example.com:2053", "silent", DEAD_NAMES);
}

static void run_silent_server(struct blocks_figures *out, const struct blocks_plan *plan)
{
	struct silence s = { 0 };

	out->skipped = open_silence(&s, plan);
	if (!out->skipped)
		compare_panels(out, plan, (struct fault){ .options = { .program = s.program }, .begin = add_silent_names, .warm_ms = GIVEN_UP_MS }, "silent", DEAD_NAMES);
	close_silence(&s);
}

/* --- a slow disk --- */

static void slow_down(struct rig *r, void *ctx)
{
	char *path = realpath(getenv("SLOW_SYNC") ? getenv("SLOW_SYNC") : "build/t/slow_sync.so", NULL);

	(void)ctx;
	if (!path)
		blocks_broken(r, "no slow_sync.so");
	rig_set(r, "LD_PRELOAD", path);
	rig_set(r, "SLOW_SYNC_MS", SLOW_SYNC_MS);
	free(path);
}

static void run_slow_disk(struct blocks_figures *out, const struct blocks_plan *plan)
{
	blocks_compare(out, plan, &(struct fault){ .begin = slow_down });
	out->counted = "largest commit";
	out->worst_ms = out->with.largest_commit_ms;
	out->count = 1;
}

/* --- callbacks, unsigned, by the thousand --- */

static void pour(struct rig *r, void *ctx)
{
	static const char body[] = "{\"update_id\":1,\"update_type\":\"invoice_paid\",\"payload\":{\"invoice_id\":1,\"status\":\"paid\"}}";
	struct flood *f = ctx;
	struct arena arena = { 0 };

	if (!f->pid)
		flood_start(f, rig_port(r, "public"), arena_printf(&arena, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\ncrypto-pay-api-signature: 00\r\n"
			"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", prepare_callback_path(r, &arena), strlen(body), body), FLOOD_PER_S);
	f->shared->until_us = clock_mono_us() + 30000;
	arena_release(&arena);
}

static void run_flood(struct blocks_figures *out, const struct blocks_plan *plan)
{
	struct flood f = { 0 };

	blocks_compare(out, plan, &(struct fault){ .options = { .crypto_pay = true }, .step = pour, .ctx = &f });
	out->counted = "callbacks answered a second";
	out->count = f.shared->active_us ? (double)f.shared->answered * 1e6 / (double)f.shared->active_us : 0;
	flood_stop(&f);
}

/* --- a long queue, and Telegram says 429 --- */

struct payer {
	int64_t user;
	int64_t bill;
	int checkout;
};

struct wanted {
	int64_t user;
	const char *label;        /* NULL: a bill */
	int64_t message_id;
};

static bool is_there(struct rig *r, void *ctx)
{
	struct wanted *w = ctx;

	if (w->label)
		return rig_button(r, w->user, w->label, &w->message_id) != NULL;
	for (size_t i = botapi_messages_count(r->telegram, w->user); i-- > 0;)
		if (botapi_message_at(r->telegram, w->user, i)->invoice_stars) {
			w->message_id = botapi_message_at(r->telegram, w->user, i)->id;
			return true;
		}
	return false;
}

static void tap(struct rig *r, int64_t user, const char *label)
{
	struct wanted w = { .user = user, .label = label };
	struct arena arena = { 0 };

	if (!blocks_wait(r, is_there, &w, RIG_GUARD_MS))
		blocks_broken(r, label);
	botapi_tap_data(r->telegram, user, w.message_id, str_dup(&arena, rig_button(r, user, label, &w.message_id)->data));
	serve_changed(r->serve);
	arena_release(&arena);
}

static void order(struct rig *r, struct payer *p)
{
	struct wanted w;

	p->user = botapi_user_new(r->telegram, "Payer", NULL, "en");
	botapi_say(r->telegram, p->user, "/plans");
	serve_changed(r->serve);
	tap(r, p->user, "Month");
	tap(r, p->user, "Telegram Stars");
	w = (struct wanted){ .user = p->user };
	if (!blocks_wait(r, is_there, &w, RIG_GUARD_MS))
		blocks_broken(r, "no bill");
	p->bill = w.message_id;
}

static enum err queue_many(struct act *a, void *ctx)
{
	const int64_t *users = ctx;

	for (size_t i = 0; i < QUEUED; i++) {
		struct buf payload;

		buf_init(&payload, 4096);
		tg_send_message(&payload, &(struct tg_send){ .chat_id = users[i], .html = STR("News") });
		outbox_add(a, &(struct outgoing){ .method = TG_SEND_MESSAGE, .chat_id = users[i], .payload = str_of(str_dup(a->arena, buf_str(&payload))),
			.lane = LANE_REST, .unknown = UNKNOWN_AGAIN });
		buf_release(&payload);
	}
	return OK;
}

static bool is_answered(struct rig *r, void *ctx)
{
	return botapi_checkout_state(r->telegram, ((struct payer *)ctx)->checkout) != BOTAPI_CHECKOUT_WAITING;
}

/* How long each pre-checkout takes; the worst. */
static double pay_all(struct rig *r, struct payer *payers, size_t count, double *p50_ms)
{
	double ms[PAYERS], worst = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t begin_us = clock_mono_us();

		payers[i].checkout = botapi_pay(r->telegram, payers[i].user, payers[i].bill);
		serve_changed(r->serve);
		if (!blocks_wait(r, is_answered, &payers[i], 15000))
			blocks_broken(r, "a checkout stays without an answer");
		ms[i] = (double)(clock_mono_us() - begin_us) / 1000;
		worst = ms[i] > worst ? ms[i] : worst;
		for (int64_t until_us = begin_us + 50000; clock_mono_us() < until_us;)
			rig_turn(r, 1);
	}
	*p50_ms = ms[count / 2];
	return worst;
}

static struct rig *shop_with_orders(const struct blocks_plan *plan, struct payer *payers)
{
	struct rig *r = blocks_rig(plan, &(struct rig_options){ .versions = { "2.8.5" } });

	prepare_shop(r);
	blocks_start(r);
	for (size_t i = 0; i < PAYERS; i++)
		order(r, &payers[i]);
	if (rig_stop(r) != 0)
		blocks_broken(r, "did not end well");
	rig_set(r, "BOT_SEND_RATE", NULL);
	return r;
}

static void run_queue(struct blocks_figures *out, const struct blocks_plan *plan)
{
	static int64_t users[QUEUED];
	struct payer payers[PAYERS];
	struct shop s = { .side = &out->with };
	struct rig *r = s.r = shop_with_orders(plan, payers);

	blocks_start(r); /* half of them before, half with the queue */
	out->without.p99_ms = pay_all(r, payers, PAYERS / 2, &out->without.p50_ms);
	if (rig_stop(r) != 0)
		blocks_broken(r, "did not end well");
	for (size_t i = 0; i < QUEUED; i++)
		users[i] = botapi_user_new(r->telegram, "Reader", NULL, "en");
	prepare_with(r, queue_many, users);
	botapi_add_rule(r->telegram, &(struct botapi_rule){ .method = "sendMessage", .fault = BOTAPI_429, .retry_after_s = 1 });
	blocks_start(r);
	out->counted = "messages still queued";
	out->worst_ms = out->with.p99_ms = pay_all(r, payers + PAYERS / 2, PAYERS / 2, &out->with.p50_ms);
	out->with.samples = PAYERS / 2;
	out->count = blocks_metric(r, "obol_outbox_queued");
	blocks_end(&s);
	rig_free(r);
}

/* --- many updates that wait --- */

/* Whoever stands behind a hundred thousand updates in Telegram's queue is answered after them: they come in their order, and
 * each is confirmed with those before it. Others need not wait for that queue: who pays on a provider's page. The provider
 * calls back over HTTP, the payment is stored, the panel is asked and asked again, the link is sent. All of that is
 * measured, from the callback to the link in the chat, without the backlog and while it is worked off. */
struct buyer {
	int64_t user, invoice;
};

static int64_t page_of(struct rig *r, int64_t user)
{
	struct cryptopay_view invoice;
	struct arena arena = { 0 };
	int64_t id = 0;

	for (size_t i = botapi_messages_count(r->telegram, user); !id && i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(r->telegram, user, i);

		for (size_t b = 0; !id && m->from_bot && !m->deleted && b < m->buttons_count; b++)
			if (m->buttons[b].url.len && cryptopay_sim_find_url(&invoice, r->cryptopay, str_dup(&arena, m->buttons[b].url)))
				id = invoice.id;
	}
	arena_release(&arena);
	return id;
}

static bool has_page(struct rig *r, void *ctx)
{
	struct buyer *p = ctx;

	p->invoice = page_of(r, p->user);
	return p->invoice != 0;
}

static bool has_link(struct rig *r, void *ctx)
{
	int64_t user = *(const int64_t *)ctx;

	for (size_t i = botapi_messages_count(r->telegram, user); i-- > 0;)
		if (str_has(botapi_message_at(r->telegram, user, i)->text, "vless://"))
			return true;
	return false;
}

/* All at once: the fourth message to one chat within a second waits for the next second. */
static void order_by_pages(struct rig *r, struct buyer *buyers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buyers[i].user = botapi_user_new(r->telegram, "Buyer", NULL, "en");
		botapi_say(r->telegram, buyers[i].user, "/plans");
	}
	serve_changed(r->serve);
	for (size_t i = 0; i < count; i++)
		tap(r, buyers[i].user, "Month");
	for (size_t i = 0; i < count; i++)
		tap(r, buyers[i].user, "Crypto Bot");
	for (size_t i = 0; i < count; i++)
		if (!blocks_wait(r, has_page, &buyers[i], RIG_GUARD_MS))
			blocks_broken(r, "no page to pay on");
}

/* One pays; how long until the link is there, and until the provider has its answer. */
static int64_t pay_on_page(struct rig *r, struct buyer *p, int64_t *answered_us)
{
	struct cryptopay_callback callback;
	struct arena arena = { 0 };
	int64_t begin_us;

	if (cryptopay_sim_pay(r->cryptopay, p->invoice, "USDT", clock_now_ms()) != OK ||
		!cryptopay_sim_take_callback(&callback, r->cryptopay, &arena, clock_now_ms()))
		blocks_broken(r, "the provider does not take the money");
	begin_us = clock_mono_us();
	if (prepare_deliver(r, &callback) != 200)
		blocks_broken(r, "a callback is refused");
	*answered_us = clock_mono_us() - begin_us;
	cryptopay_sim_settle_callback(r->cryptopay, &callback, 200);
	if (!blocks_wait(r, has_link, &p->user, RIG_GUARD_MS))
		blocks_broken(r, "paid and not delivered");
	arena_release(&arena);
	return clock_mono_us() - begin_us;
}

/* The worst time of a callback. */
static double pay_on_pages(struct shop *s, struct buyer *buyers, size_t count)
{
	static uint32_t us[BUYERS_MAX];
	int64_t answered_us, worst_us = 0;

	for (size_t i = 0; i < count; i++) {
		us[i] = (uint32_t)pay_on_page(s->r, &buyers[i], &answered_us);
		worst_us = answered_us > worst_us ? answered_us : worst_us;
		for (int64_t until_us = clock_mono_us() + 10000; clock_mono_us() < until_us;)
			rig_turn(s->r, 1);
	}
	qsort(us, count, sizeof *us, blocks_by_size);
	s->side->samples = count;
	s->side->p50_ms = us[count / 2] / 1000.0;
	s->side->p99_ms = us[count - 1 - count / 100] / 1000.0;
	return (double)worst_us / 1000;
}

static bool is_worked_off(struct rig *r, void *ctx)
{
	(void)ctx;
	return botapi_updates_waiting(r->telegram) == 0;
}

static void let_wait(struct rig *r, int updates)
{
	int64_t users[TAPPERS];

	for (size_t i = 0; i < TAPPERS; i++)
		users[i] = botapi_user_new(r->telegram, "Tapper", NULL, "en");
	for (int i = 0; i < updates; i++)
		botapi_tap_data(r->telegram, users[i % TAPPERS], 1, i % 2 ? "plans" : "buy:77");
}

static void run_backlog(struct blocks_figures *out, const struct blocks_plan *plan)
{
	struct rig *r = blocks_rig(plan, &(struct rig_options){ .versions = { "3.6.0" }, .crypto_pay = true });
	struct shop s = { .r = r, .side = &out->without };
	struct buyer buyers[BUYERS_MAX];
	size_t half = (size_t)plan->backlog / UPDATES_A_BUYER / 2;
	int64_t begin_us;

	assert(2 * half <= BUYERS_MAX);
	prepare_shop(r);
	blocks_start(r);
	order_by_pages(r, buyers, 2 * half);
	pay_on_pages(&s, buyers, half);
	if (rig_stop(r) != 0)
		blocks_broken(r, "did not end well");
	let_wait(r, plan->backlog);
	s.side = &out->with;
	blocks_start(r);
	begin_us = clock_mono_us();
	blocks_wait(r, is_worked_off, NULL, BACKLOG_WARM_MS);
	out->worst_ms = pay_on_pages(&s, buyers + half, half);
	out->left = (int64_t)botapi_updates_waiting(r->telegram);
	if (!blocks_wait(r, is_worked_off, NULL, INT64_C(300000)))
		blocks_broken(r, "the backlog does not end");
	out->counted = "updates decided a second; callbacks";
	out->count = plan->backlog * 1e6 / (double)(clock_mono_us() - begin_us);
	blocks_end(&s);
	rig_free(r);
}

const struct blocks_case blocks_cases[] = {
	{ "hang",          run_hang },
	{ "trickle",       run_trickle },
	{ "endless",       run_endless },
	{ "no_name",       run_no_name },
	{ "silent_server", run_silent_server },
	{ "handshake",     run_handshake },
	{ "two_cas",       run_two_cas },
	{ "queue_429",     run_queue },
	{ "flood",         run_flood },
	{ "backlog",       run_backlog },
	{ "slow_disk",     run_slow_disk },
};
const size_t blocks_cases_count = countof(blocks_cases);
