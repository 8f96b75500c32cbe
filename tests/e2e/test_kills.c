/* Paid means delivered, once: the real program is killed with SIGKILL at the ten moments of a purchase at which it hurts
 * most, is started again, and everything ends as if nothing had happened. Then without a kill: many people at the same
 * moment, with everything well, with the panel down, with its answers spoilt, and an invoice that is paid twice. */
#include "tests/unit/proves.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/clock.h"
#include "tests/e2e/customer.h"
#include "tests/e2e/prepare.h"

#define STEPS_PROGRAM "build/obol-steps"
#define PEOPLE 10

/* --- death --- */

/* A kill from outside, at a moment of an exchange with a simulator. */
struct death {
	struct rig *r;
	enum serve_moment moment;
	const char *path, *body;  /* parts of the request that must be there; NULL: any */
	const char *sql;          /* this must be true in the database; NULL: whatever */
	const char *step;         /* not killed now but at this step of the program, "turn.before_commit:1"; NULL: now */
	bool struck;
};

static void strike(void *ctx, enum serve_moment moment, const struct sim_request *request, const struct sim_response *response)
{
	struct death *d = ctx;

	(void)response;
	if (d->struck || moment != d->moment || (d->path && !str_has(request->path, d->path)) || (d->body && !str_has(request->body, d->body)))
		return;
	if (d->sql && !rig_number(d->r, d->sql))
		return;
	d->struck = true;
	if (d->step)
		rig_write(d->r, "die-at", str_of(d->step), 0600);
	else
		rig_kill(d->r);
}

/* The program dies as agreed and is started again. */
static void die_and_rise(struct rig *r, int socket, struct death *d)
{
	r->expected = true;
	UNTIL(r, d->struck && !r->pid);
	assert_true(WIFSIGNALED(r->status) && WTERMSIG(r->status) == SIGKILL);
	serve_kill_hook(r->serve, socket, NULL, NULL);
	rig_start(r);
}

static struct rig *shop(const char *program)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "2.8.5" }, .crypto_pay = true, .program = program });

	prepare_shop(r);
	rig_start(r);
	return r;
}

static void end(struct rig *r)
{
	rig_settle(r);
	rig_assert_sound(r);
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

enum peer { TELEGRAM, PANEL };

/* One purchase with Stars and a death in it. */
static void killed_purchase(const char *program, enum peer peer, struct death d)
{
	struct rig *r = shop(program);
	int64_t anna = customer_new(r, "Anna");
	int socket = peer == PANEL ? r->panels[0].socket : r->telegram_socket;

	d.r = r;
	customer_order(r, anna, "Telegram Stars");
	serve_kill_hook(r->serve, socket, strike, &d);
	customer_pay(r, anna);
	die_and_rise(r, socket, &d);
	customer_gets_once(r, anna);
	end(r);
}

static void test_after_the_fetch(void **state)
{
	(void)state;
	killed_purchase(STEPS_PROGRAM, TELEGRAM, (struct death){ .moment = SERVE_AFTER, .path = "/answerPreCheckoutQuery", .step = "poll.fetched:1" });
}

static void test_after_the_commit_before_the_next_fetch(void **state)
{
	(void)state;
	killed_purchase(NULL, TELEGRAM, (struct death){ .moment = SERVE_BEFORE, .path = "/getUpdates", .sql = "SELECT count(*) FROM payments" });
}

static void test_claimed_and_the_add_not_taken(void **state)
{
	(void)state;
	killed_purchase(NULL, PANEL, (struct death){ .moment = SERVE_BEFORE, .path = "/addClient" });
}

static void test_added_and_the_answer_lost(void **state)
{
	(void)state;
	killed_purchase(NULL, PANEL, (struct death){ .moment = SERVE_AFTER, .path = "/addClient" });
}

static void test_answered_and_not_settled(void **state)
{
	(void)state;
	killed_purchase(STEPS_PROGRAM, PANEL, (struct death){ .moment = SERVE_AFTER, .path = "/addClient", .step = "turn.before_commit:1" });
}

/* The look after the add agrees: the order is delivered in the next commit, and its link has not left. */
static void test_settled_and_the_link_not_sent(void **state)
{
	(void)state;
	killed_purchase(STEPS_PROGRAM, PANEL, (struct death){ .moment = SERVE_AFTER, .path = "/getClientTraffics", .step = "turn.after_commit:1",
		.sql = "SELECT count(*) FROM orders WHERE state='paid'" });
}

static void test_link_sent_and_not_settled(void **state)
{
	(void)state;
	killed_purchase(NULL, TELEGRAM, (struct death){ .moment = SERVE_AFTER, .path = "/sendMessage", .body = "vless://" });
}

static void test_checkout_answered_and_the_payment_not_come(void **state)
{
	(void)state;
	killed_purchase(NULL, TELEGRAM, (struct death){ .moment = SERVE_AFTER, .path = "/answerPreCheckoutQuery" });
}

/* --- a renewal that starts the traffic anew --- */

static enum err restart_plan(struct act *a, void *ctx)
{
	(void)ctx;
	return db_run(a->tx, "UPDATE plans SET early='restart'");
}

static void test_between_reset_and_update(void **state)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "2.8.5" } });
	struct death d = { .r = r, .moment = SERVE_BEFORE, .path = "/updateClient" };
	struct panel_client_view client;
	struct arena arena = { 0 };
	const char *email;
	int64_t anna, first_end_ms;

	(void)state;
	prepare_shop(r);
	prepare_with(r, restart_plan, NULL);
	rig_start(r);
	anna = customer_new(r, "Anna");
	customer_order(r, anna, "Telegram Stars");
	customer_pay(r, anna);
	customer_gets_once(r, anna);
	email = rig_text(r, &arena, "SELECT email FROM accesses");
	assert_true(panel_sim_find_client(&client, r->panels[0].sim, r->panels[0].inbound_id, email));
	first_end_ms = client.expiry_ms;
	assert_true(panel_sim_set_traffic(r->panels[0].sim, email, 1000, 5000));

	customer_say(r, anna, "/renew");
	UNTIL(r, customer_sees(r, anna, "Renew Month for")); /* older messages have such buttons too */
	customer_tap(r, anna, "Telegram Stars");
	UNTIL(r, rig_number(r, "SELECT count(*) FROM invoices WHERE state='pending'") == 1);
	rig_settle(r);
	serve_kill_hook(r->serve, r->panels[0].socket, strike, &d);
	customer_pay(r, anna);
	die_and_rise(r, r->panels[0].socket, &d);
	UNTIL(r, rig_number(r, "SELECT count(*) FROM orders WHERE state='delivered'") == 2);
	rig_settle(r);
	assert_int_equal(customer_clients(r, anna), 1);
	assert_true(panel_sim_find_client(&client, r->panels[0].sim, r->panels[0].inbound_id, email));
	assert_int_equal(client.up + client.down, 0);                    /* the traffic counts anew … */
	assert_in_range(client.expiry_ms, first_end_ms + 30 * DAY_MS - SECOND_MS, first_end_ms + 30 * DAY_MS + SECOND_MS); /* … one renewal */
	arena_release(&arena);
	end(r);
}

/* --- a provider with a page --- */

static void deliver_until_settled(struct rig *r)
{
	struct cryptopay_callback callback;
	struct arena arena = { 0 };

	while (cryptopay_sim_take_callback(&callback, r->cryptopay, &arena, clock_now_ms())) {
		int status = prepare_deliver(r, &callback);

		assert_int_equal(status, 200);
		cryptopay_sim_settle_callback(r->cryptopay, &callback, status);
	}
	arena_release(&arena);
}

static void test_invoice_made_and_the_answer_lost(void **state)
{
	struct rig *r = shop(NULL);
	struct death d = { .r = r, .moment = SERVE_AFTER, .path = "createInvoice" };
	int64_t anna = customer_new(r, "Anna");
	struct cryptopay_view invoice;
	struct arena arena = { 0 };
	size_t times;

	(void)state;
	serve_kill_hook(r->serve, r->cryptopay_socket, strike, &d);
	customer_order(r, anna, "Crypto Bot");
	die_and_rise(r, r->cryptopay_socket, &d);
	UNTIL(r, rig_number(r, "SELECT count(*) FROM invoices WHERE state='pending' AND url IS NOT NULL") == 1);
	/* looked for by our id and found: not made a second time */
	assert_true(cryptopay_sim_find(&invoice, &times, r->cryptopay, rig_text(r, &arena, "SELECT public_id FROM invoices")));
	assert_int_equal(times, 1);
	assert_int_equal(cryptopay_sim_pay(r->cryptopay, invoice.id, "USDT", clock_now_ms()), OK);
	deliver_until_settled(r);
	customer_gets_once(r, anna);
	arena_release(&arena);
	end(r);
}

/* --- many at once --- */

static void all_order(struct rig *r, int64_t *people)
{
	for (int i = 0; i < PEOPLE; i++)
		people[i] = customer_new(r, "Person");
	for (int i = 0; i < PEOPLE; i++)
		customer_order(r, people[i], "Telegram Stars");
	for (int i = 0; i < PEOPLE; i++)
		UNTIL(r, customer_bill(r, people[i]));
	rig_settle(r);
}

static void all_pay(struct rig *r, const int64_t *people)
{
	for (int i = 0; i < PEOPLE; i++)
		assert_true(botapi_pay(r->telegram, people[i], customer_bill(r, people[i])->id) != 0);
	serve_changed(r->serve);
}

static void all_get_once(struct rig *r, const int64_t *people)
{
	for (int i = 0; i < PEOPLE; i++)
		customer_gets_once(r, people[i]);
	assert_int_equal(panel_sim_count_clients(r->panels[0].sim, r->panels[0].inbound_id), PEOPLE);
}

static void test_ten_pay_at_the_same_moment(void **state)
{
	struct rig *r = shop(NULL);
	int64_t people[PEOPLE];

	(void)state;
	all_order(r, people);
	all_pay(r, people);
	all_get_once(r, people);
	end(r);
}

/* Nobody is told "ready", everybody is told that the money is safe; when the panel is back all get what they paid for. */
static void test_ten_pay_while_the_panel_is_down(void **state)
{
	struct rig *r = shop(NULL);
	int64_t people[PEOPLE];

	(void)state;
	all_order(r, people);
	panel_sim_set_down(r->panels[0].sim, true);
	all_pay(r, people);
	for (int i = 0; i < PEOPLE; i++)
		UNTIL(r, customer_sees(r, people[i], "Your payment is safe"));
	assert_int_equal(rig_number(r, "SELECT count(*) FROM orders WHERE state='paid'"), PEOPLE);
	assert_int_equal(panel_sim_count_clients(r->panels[0].sim, 0), 0);
	panel_sim_set_down(r->panels[0].sim, false);
	all_get_once(r, people);
	end(r);
}

/* The first add of each is answered by the proxy in front of the panel, though it was done. */
static void test_ten_whose_first_add_is_answered_502(void **state)
{
	struct rig *r = shop(NULL);
	int64_t people[PEOPLE];

	(void)state;
	all_order(r, people);
	panel_sim_add_rule(r->panels[0].sim, &(struct panel_rule){ .route = "addClient", .times = PEOPLE, .fault = PANEL_HTML_502, .after = true });
	all_pay(r, people);
	all_get_once(r, people);
	end(r);
}

/* Two taps on two devices: both checkouts are asked about before either payment comes. What Telegram takes twice is
 * kept twice: once for the order, once for a person to decide about. */
static void test_an_invoice_paid_twice_at_once(void **state)
{
	struct rig *r = shop(NULL);
	int64_t anna = customer_new(r, "Anna");
	int first, second;

	(void)state;
	customer_order(r, anna, "Telegram Stars");
	UNTIL(r, customer_bill(r, anna));
	first = botapi_pay(r->telegram, anna, customer_bill(r, anna)->id);
	second = botapi_pay(r->telegram, anna, customer_bill(r, anna)->id);
	serve_changed(r->serve);
	UNTIL(r, rig_number(r, "SELECT count(*) FROM payments") == 2);
	assert_int_equal(botapi_checkout_state(r->telegram, first), BOTAPI_CHECKOUT_PAID);
	assert_int_equal(botapi_checkout_state(r->telegram, second), BOTAPI_CHECKOUT_PAID);
	customer_gets_once(r, anna);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM suspense WHERE state='open' AND reason='paid_already'"), 1);
	UNTIL(r, customer_sees(r, anna, "a person decides within a day"));
	end(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_after_the_fetch, "R271 R286"),
		proves(test_after_the_commit_before_the_next_fetch, "R271 R286"),
		proves(test_claimed_and_the_add_not_taken, "R286"),
		proves(test_added_and_the_answer_lost, "R286"),
		proves(test_answered_and_not_settled, "R286"),
		proves(test_between_reset_and_update, "R186"),
		proves(test_settled_and_the_link_not_sent, "R286"),
		proves(test_link_sent_and_not_settled, "R286"),
		proves(test_checkout_answered_and_the_payment_not_come, "R271 R286"),
		proves(test_invoice_made_and_the_answer_lost, "R286"),
		proves(test_ten_pay_at_the_same_moment, "R286"),
		proves(test_ten_pay_while_the_panel_is_down, "R286"),
		proves(test_ten_whose_first_add_is_answered_502, "R286"),
		proves(test_an_invoice_paid_twice_at_once, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* NULL: all */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
