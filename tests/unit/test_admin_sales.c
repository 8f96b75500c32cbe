/* What is sold and to whom, in an admin's hands: subscriptions, customers, plans, money, stuck orders. */
#include "tests/unit/admin_world.h"

/* --- subscriptions --- */

static void test_subscription_is_changed(void **state)
{
	struct world *w = *state;
	int64_t before, reset;

	furnish(w);
	before = number(w, "SELECT expires_ms FROM subscriptions");
	reset = number(w, "SELECT reset_rev FROM subscriptions");
	say(w, OWNER, "/extend 2000 7 birthday");
	assert_int_equal(number(w, "SELECT expires_ms FROM subscriptions"), before);
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT expires_ms FROM subscriptions"), before + 7 * DAY_MS);
	assert_string_equal(text(w, "SELECT reason FROM audit WHERE action='subscription.extend'"), "birthday");
	say(w, OWNER, "/limit 2000 120");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT quota_bytes FROM subscriptions"), 120 * GIB_BYTES);
	say(w, OWNER, "/limit 2000 devices 5");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT limit_ip FROM subscriptions"), 5);
	say(w, OWNER, "/limit 2000 email Anna-Home");
	assert_heard(w, "32 small Latin letters");
	assert_null(find_button(w, "yes:", 0));
	say(w, OWNER, "/limit 2000 email");
	assert_heard(w, "/limit WHO email NAME");
	say(w, OWNER, "/limit 2000 email anna_home moved house");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT count(*) FROM accesses WHERE rename='anna_home'"), 1);
	assert_string_equal(text(w, "SELECT reason||', '||detail FROM audit WHERE action='subscription.rename'"), "moved house, email=anna_home");
	assert_heard(w, "soon <code>anna_home</code>");
	say(w, OWNER, "/reset 2000");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT reset_rev FROM subscriptions"), reset + 1);
	tap(w, OWNER, button(w, "a_subdo:"));
	say(w, OWNER, "many");
	assert_heard(w, "1 to 3,660");
	say(w, OWNER, "3");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT expires_ms FROM subscriptions"), before + 10 * DAY_MS);
	say(w, OWNER, "/grant 2000");
	tap(w, OWNER, button(w, "a_grant:"));
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT count(*) FROM subscriptions"), 2);
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='grant'"), 1);
	say(w, OWNER, "/reset 2000"); /* two now: which? */
	assert_non_null(find_button(w, "a_subdo:", 1));
	assert_null(find_button(w, "yes:", 0));
	tap(w, OWNER, button(w, "a_subdo:"));
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT sum(reset_rev) FROM subscriptions"), reset + 2);
}

/* What an admin says yes to is what will be. */
static void test_extension_is_what_was_asked(void **state)
{
	struct world *w = *state;

	furnish(w); /* on 2 November, for 30 days */
	say(w, OWNER, "/extend 2000 7");
	assert_heard(w, "2 December");
	assert_heard(w, "9 December");
	tap(w, OWNER, button(w, "yes:"));
	assert_heard(w, "9 December");
	run(w, "UPDATE subscriptions SET expires_ms=1793614200000-10*86400000"); /* over: from today on */
	say(w, OWNER, "/extend 2000 7");
	assert_heard(w, "23 October");
	assert_heard(w, "9 November");
	tap(w, OWNER, button(w, "yes:"));
	assert_heard(w, "9 November");
}

/* --- customers --- */

/* Who has more than a screen holds: what is not shown is said. */
static void test_more_than_a_screen(void **state)
{
	struct world *w = *state;

	furnish(w);
	run(w, "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i+1 FROM n WHERE i<61) INSERT INTO subscriptions(id, public_id, user_id, plan_id, sub_id, uuid, password,"
		" expires_ms, quota_bytes, limit_ip, reset_days, created_ms, updated_ms) SELECT i, 'SVB' || (1000000+i), user_id, plan_id, 's' || i, 'u' || i, 'p', 0, 0, 0, 0, 1, 1"
		" FROM subscriptions, n WHERE id=1");
	say(w, OWNER, "/user 2000");
	assert_heard(w, "and 41 older ones");
	say(w, OWNER, "/reset 2000");
	assert_heard(w, "and 41 older ones");
	run(w, "UPDATE subscriptions SET deleted_ms=1 WHERE id>20");
	say(w, OWNER, "/user 2000");
	assert_not_heard(w, "older one");
	for (int i = 0; i < 25; i++) {
		struct order o = new_order(w);

		pay(w, &o, i < 24 ? 7 : 300, arena_printf(&w->arena, "charge-%d", 10 + i));
		run(w, "UPDATE orders SET state='canceled' WHERE state='open'");
	}
	say(w, OWNER, "/payments");
	assert_heard(w, "25 payments wait");
	assert_heard(w, "and 5 more");
	run(w, "UPDATE orders SET state='paid'");
	say(w, OWNER, "/orders");
	assert_heard(w, "26 orders are stuck");
	assert_heard(w, "and 6 more");
}

/* A ban says that open orders are canceled: they cannot be paid any more, and their page is closed. */
static void test_ban_cancels_open_orders(void **state)
{
	struct world *w = *state;

	furnish(w);
	new_order(w);
	assert_int_equal(number(w, "SELECT count(*) FROM orders WHERE state='open'"), 1);
	say(w, OWNER, "/ban 2000 spam");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT count(*) FROM orders WHERE state='open'"), 0);
	assert_int_equal(number(w, "SELECT count(*) FROM invoices WHERE state IN ('created', 'pending')"), 0);
}

/* Where a customer connects from is asked and told in private alone. */
static void test_addresses_stay_private(void **state)
{
	struct world *w = *state;
	const char *sub;

	furnish(w);
	sub = text(w, "SELECT public_id FROM subscriptions");
	tap_in(w, GROUP, OWNER, arena_printf(&w->arena, "a_client:%s:ips", sub));
	assert_says(w, "error.private_only");
	tap_in(w, GROUP, OWNER, arena_printf(&w->arena, "a_client:%s:ips_clear", sub));
	assert_says(w, "error.private_only");
	assert_int_equal(number(w, "SELECT count(*) FROM jobs WHERE kind='ask'") + number(w, "SELECT count(*) FROM audit WHERE action='client.ips'"), 0);
	tap(w, OWNER, arena_printf(&w->arena, "a_client:%s:ips", sub));
	assert_says(w, "admin.client.asking");
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='client.ips'"), 1);
}

/* One list, one plan: a second question that was still open, or an old button, changes nothing of gifts on their way. */
static void test_gifts_are_confirmed_once(void **state)
{
	struct world *w = *state;
	const char *first, *second;
	struct plan plan = { .name = arena_strdup(&w->arena, "Year"), .days = 365, .on_sale = true, .prices = { { "XTR", 3000 } }, .prices_count = 1 };
	int64_t id;

	furnish(w);
	assert_int_equal(plan_add(&id, &w->a, &plan), OK);
	say(w, OWNER, "/grant 2000 1001");
	tap(w, OWNER, "a_grants:1:1");
	first = button(w, "yes:");
	tap(w, OWNER, "a_grants:1:2");
	second = button(w, "yes:");
	tap(w, OWNER, first);
	assert_says(w, "admin.grants.working");
	tap(w, OWNER, second);
	assert_not_heard(w, words_of(w, "admin.grants.working"));
	tap(w, OWNER, "a_grants:1:2");
	assert_null(find_button(w, "yes:", 0));
	assert_int_equal(number(w, "SELECT plan_id FROM grant_lists"), 1);
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='grants'"), 1);
}

static void test_user_is_found(void **state)
{
	struct world *w = *state;
	const char *keys[5];

	furnish(w);
	keys[0] = "2000";
	keys[1] = text(w, "SELECT public_id FROM users WHERE telegram_id=2000");
	keys[2] = text(w, "SELECT public_id FROM orders LIMIT 1");
	keys[3] = text(w, "SELECT uuid FROM subscriptions");
	keys[4] = text(w, "SELECT email FROM accesses");
	for (size_t i = 0; i < countof(keys); i++) {
		say(w, OWNER, arena_printf(&w->arena, "/user %s", keys[i]));
		assert_heard(w, "id <code>2000</code>");
		assert_heard(w, "Month");
	}
	say(w, OWNER, "/user");
	say_in(w, OWNER, OWNER, "what they wrote", ",\"forward_origin\":{\"type\":\"user\",\"sender_user\":{\"id\":2000,\"is_bot\":false,\"first_name\":\"P\"},\"date\":1}");
	assert_heard(w, "id <code>2000</code>");
	say(w, OWNER, "/user");
	say_in(w, OWNER, OWNER, "hidden", ",\"forward_origin\":{\"type\":\"hidden_user\",\"sender_user_name\":\"P\",\"date\":1}");
	assert_says(w, "admin.user.hidden");
	say(w, OWNER, "/user");
	say(w, OWNER, "nobody-of-that-name");
	assert_heard(w, "nobody-of-that-name");
	assert_not_heard(w, text(w, "SELECT uuid FROM subscriptions"));
}

/* --- plans --- */

static void test_plan_add(void **state)
{
	static const char *const shown[] = { "90 days", "100\xC2\xA0GB", "3 devices" };
	struct world *w = *state;

	say(w, OWNER, "/plan_add");
	say(w, OWNER, "   ");
	say(w, OWNER, "a\nb");
	assert_heard(w, "1 to 64");
	say(w, OWNER, "Quarter <b>");
	assert_says(w, "admin.plan_add.days");
	say(w, OWNER, "-1");
	assert_heard(w, "0 to 3,660");
	say(w, OWNER, "ninety");
	say(w, OWNER, "90");
	assert_says(w, "admin.plan_add.quota");
	say(w, OWNER, "1.5");
	assert_heard(w, "0 to 1,000,000");
	say(w, OWNER, "100");
	assert_says(w, "admin.plan_add.devices");
	say(w, OWNER, "5000");
	assert_heard(w, "0 to 1,000");
	say(w, OWNER, "3");
	assert_heard(w, "300 XTR");
	say(w, OWNER, "cheap");
	assert_heard(w, "cheap");
	say(w, OWNER, "5 DOGS");
	assert_heard(w, "DOGS");
	say(w, OWNER, "0 XTR");
	assert_says(w, "admin.plan_add.price_positive");
	say(w, OWNER, "-5 XTR");
	assert_says(w, "admin.plan_add.price_positive");
	say(w, OWNER, "300 XTR\n200 xtr");
	assert_says(w, "admin.plan_add.price_twice");
	say(w, OWNER, "1.555 USD");
	assert_heard(w, "1.555 USD");
	assert_int_equal(number(w, "SELECT count(*) FROM plans"), 0);
	say(w, OWNER, "300 XTR\nUSD 4,99");
	assert_heard(w, "Quarter &lt;b&gt;");
	for (size_t i = 0; i < countof(shown); i++)
		assert_heard(w, shown[i]);
	assert_says(w, "admin.plan_add.no_panel"); /* said before a customer meets it */
	assert_int_equal(number(w, "SELECT days*1000000 + limit_ip*1000 + on_sale FROM plans"), 90 * 1000000 + 3 * 1000);
	assert_int_equal(number(w, "SELECT quota_bytes FROM plans"), 100 * GIB_BYTES);
	assert_int_equal(number(w, "SELECT amount_minor FROM plan_prices WHERE currency='USD'"), 499);
	assert_string_equal(text(w, "SELECT early FROM plans"), "keep");

	tap(w, OWNER, button(w, "a_plset:1:policy"));
	assert_string_equal(text(w, "SELECT early FROM plans"), "restart");
	tap(w, OWNER, button(w, "a_plset:1:sale"));
	assert_int_equal(number(w, "SELECT on_sale FROM plans"), 1);
	tap(w, OWNER, "a_plset:1:region");
	say(w, OWNER, "Netherlands");
	tap(w, OWNER, "a_plset:1:protocol");
	say(w, OWNER, "vless");
	assert_string_equal(text(w, "SELECT region || protocol FROM plans"), "Netherlandsvless");
	assert_heard(w, "Netherlands");
	assert_heard(w, "vless");
	tap(w, OWNER, "a_plset:1:region");
	say(w, OWNER, "-");
	assert_string_equal(text(w, "SELECT region FROM plans"), "");
	tap(w, OWNER, "a_plset:1:price");
	say(w, OWNER, "-1 XTR");
	assert_says(w, "admin.plan_add.price_positive");
	say(w, OWNER, "250 XTR");
	assert_int_equal(number(w, "SELECT sum(amount_minor) FROM plan_prices"), 250);
	tap(w, OWNER, "a_plset:1:quota");
	say(w, OWNER, "x");
	say(w, OWNER, "7");
	assert_int_equal(number(w, "SELECT quota_bytes FROM plans"), 7 * GIB_BYTES);
	tap(w, OWNER, "a_plset:1:sale");
	assert_int_equal(number(w, "SELECT on_sale FROM plans"), 1);
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT on_sale FROM plans"), 0);
	say(w, OWNER, "/plans_edit");
	assert_heard(w, "Quarter &lt;b&gt;");
	tap(w, OWNER, "a_plset:1:delete");
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT count(*) FROM plans WHERE deleted_ms=0"), 0);
	tap(w, OWNER, "a_plset:1:sale"); /* an old card */
}

static void test_trial_plan(void **state)
{
	struct world *w = *state;

	tap(w, OWNER, "a_trial"); /* of a dialogue that is not there */
	assert_says(w, "admin.too_late");
	say(w, OWNER, "/plan_add");
	say(w, OWNER, "Try");
	tap(w, OWNER, "a_trial"); /* too early */
	assert_int_equal(number(w, "SELECT count(*) FROM plans"), 0);
	say(w, OWNER, "/plan_add");
	say(w, OWNER, "Try");
	say(w, OWNER, "3");
	say(w, OWNER, "1");
	say(w, OWNER, "1");
	tap(w, OWNER, button(w, "a_trial"));
	assert_int_equal(number(w, "SELECT trial FROM plans WHERE name='Try'"), 1);
}

/* A mark for thousands is no point before cents: what could be a thousand times too cheap is not taken, but asked for anew. */
static void test_price_is_never_guessed(void **state)
{
	static const char *const typed[] = { "1.500 RUB", "1,500 RUB", "RUB 1.500", "5.000 XTR", "300 XTR\n1.500 RUB" };
	struct world *w = *state;

	furnish(w);
	say(w, OWNER, "/plan_add");
	for (size_t i = 0; i < 4; i++)
		say(w, OWNER, (const char *[]){ "Quarter", "90", "100", "3" }[i]);
	for (size_t i = 0; i < countof(typed); i++) {
		say(w, OWNER, typed[i]);
		assert_heard(w, "thousands without a mark");
		assert_int_equal(number(w, "SELECT count(*) FROM plans"), 1);
	}
	say(w, OWNER, "1500 RUB\n5000 XTR");
	assert_int_equal(number(w, "SELECT sum(amount_minor) FROM plan_prices WHERE plan_id=2"), 150000 + 5000);
	tap(w, OWNER, "a_plset:2:price");
	for (size_t i = 0; i < countof(typed); i++) {
		say(w, OWNER, typed[i]);
		assert_heard(w, "thousands without a mark");
	}
	assert_int_equal(number(w, "SELECT sum(amount_minor) FROM plan_prices WHERE plan_id=2"), 150000 + 5000);
}

/* However long the number that an admin types is, it is refused or taken, and nothing ends. */
static void test_padded_number(void **state)
{
	static const char zeros[] = "00000000000000000000000000000000000000000000000000";
	struct world *w = *state;
	const char *seven = arena_printf(&w->arena, "%s7", zeros), *many = arena_printf(&w->arena, "7%s", zeros);
	int64_t before;

	furnish(w);
	before = number(w, "SELECT expires_ms FROM subscriptions");
	for (size_t i = 0; i < 2; i++) {
		const char *n = i ? many : seven;

		say(w, OWNER, arena_printf(&w->arena, "/extend 2000 %s", n));
		assert_null(find_button(w, "yes:", 0));
		say(w, OWNER, arena_printf(&w->arena, "/limit 2000 %s", n));
		assert_null(find_button(w, "yes:", 0));
		tap(w, OWNER, arena_printf(&w->arena, "a_subdo:%s:days", text(w, "SELECT public_id FROM subscriptions")));
		say(w, OWNER, n);
		assert_heard(w, "1 to 3,660");
		assert_null(find_button(w, "yes:", 0));
		say(w, OWNER, "/plan_add");
		say(w, OWNER, "Quarter");
		say(w, OWNER, n);
		assert_heard(w, "0 to 3,660");
	}
	assert_int_equal(number(w, "SELECT expires_ms FROM subscriptions"), before);
	assert_int_equal(number(w, "SELECT count(*) FROM plans"), 1);
}

/* --- money --- */

static void test_suspense(void **state)
{
	struct world *w = *state;
	struct payment_row p;
	struct order o;

	furnish(w);
	assert_int_equal(payment_get(&p, &w->a, 2), OK);
	assert_int_equal(admin_set_aside(&w->a, &p, NULL), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 1);
	assert_int_equal(w->chats_heard[1], 1);
	assert_says(w, "admin.payments.reason.amount");
	say(w, OWNER, "/payments");
	assert_heard(w, "1 payment waits");
	tap(w, OWNER, button(w, "a_pay:2"));
	tap(w, OWNER, button(w, "a_sus:2:apply"));
	say(w, OWNER, "nonsense");
	assert_heard(w, "nonsense");
	o = new_order(w);
	say(w, OWNER, o.public_id);
	assert_int_equal(number(w, "SELECT count(*) FROM suspense WHERE state='open'"), 1);
	tap(w, OWNER, button(w, "no:"));
	tap(w, OWNER, "a_sus:2:deliver");
	tap(w, OWNER, button(w, "yes:"));
	assert_says(w, "admin.payments.decision.deliver");
	assert_string_equal(text(w, "SELECT state FROM suspense"), "delivered");
	assert_string_equal(text(w, "SELECT o.state FROM orders o JOIN payments p ON p.order_id=o.id WHERE p.id=2"), "paid");
	assert_int_equal(number(w, "SELECT count(*) FROM subscriptions"), 2);
	assert_string_equal(text(w, "SELECT reason FROM audit WHERE action='suspense.deliver'"), "amount");
	tap(w, SECOND, "a_sus:2:keep");
	assert_says(w, "admin.payments.was_decided");
	tap(w, OWNER, "a_sus:2:burn"); /* forged */
	tap(w, OWNER, "a_sus:77:keep");
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE subject LIKE 'payment:2'"), 1);
}

static void test_refund(void **state)
{
	struct world *w = *state;
	struct payment_row p;
	const char *order;

	furnish(w);
	order = text(w, "SELECT public_id FROM orders WHERE id=(SELECT order_id FROM payments WHERE id=1)");
	say(w, OWNER, arena_printf(&w->arena, "/refund %s", order));
	assert_says(w, "admin.refund.ask_reason");
	say(w, OWNER, "it never worked");
	assert_heard(w, "it never worked");
	assert_string_equal(text(w, "SELECT state FROM payments WHERE id=1"), "applied");
	tap(w, OWNER, button(w, "yes:"));
	assert_says(w, "admin.refund.running");
	assert_string_equal(text(w, "SELECT state FROM payments WHERE id=1"), "refunding");
	assert_string_equal(text(w, "SELECT reason FROM audit WHERE action='refund'"), "it never worked");
	say(w, OWNER, arena_printf(&w->arena, "/refund %s", order));
	assert_says(w, "admin.refund.was_done");
	assert_int_equal(payment_get(&p, &w->a, 1), OK);
	assert_int_equal(admin_refunded(&w->a, &p), OK);
	assert_int_equal(admin_refund_failed(&w->a, &p, "CHARGE_<ID>_INVALID"), OK);
	collect(w);
	assert_heard(w, "CHARGE_&lt;ID&gt;_INVALID");
	assert_int_equal(w->chats_heard[0], 2);
}

/* People read a number with dashes and type it as they like; wherever an admin is asked for one, it finds the order. */
static void test_order_number_as_people_see_it(void **state)
{
	struct world *w = *state;
	char shown[PUBLIC_ID_CHARS + 3];
	const char *stored, *forms[3];

	furnish(w);
	stored = text(w, "SELECT o.public_id FROM payments p JOIN orders o ON o.id=p.order_id WHERE p.id=1");
	public_id_show(shown, stored);
	assert_true(str_has(str_of(shown), "-"));
	forms[0] = stored;
	forms[1] = arena_strdup(&w->arena, shown);
	for (char *c = shown; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	forms[2] = shown;
	for (size_t i = 0; i < countof(forms); i++) {
		say(w, OWNER, arena_printf(&w->arena, "/order %s", forms[i]));
		assert_heard(w, forms[1]);
		assert_heard(w, "Month");
		say(w, OWNER, arena_printf(&w->arena, "/refund %s", forms[i]));
		assert_says(w, "admin.refund.ask_reason");
		tap(w, OWNER, "a_sus:2:apply");
		say(w, OWNER, forms[i]);
		assert_non_null(find_button(w, "yes:", 0));
	}
	say(w, OWNER, "/order A7K2-9QX4-M1");
	assert_heard(w, "A7K2-9QX4-M1");
	assert_not_heard(w, "Month");
}

/* --- stuck orders --- */

static void test_stuck_order_says_why(void **state)
{
	static const struct { const char *sql, *key; } causes[] = {
		{ "UPDATE inbounds SET gone=1", "admin.order.hint_gone" }, { "UPDATE inbounds SET gone=0, enabled=0", "admin.order.hint_off" },
		{ "UPDATE inbounds SET enabled=1, capacity=1, clients=1", "admin.order.hint_full" }, { "UPDATE panels SET state='down'", "admin.order.hint_panel" },
	};
	struct world *w = *state;
	const char *order;

	furnish(w);
	run(w, "UPDATE jobs SET attempts=4, reason='connection refused' WHERE subject LIKE '1:1'");
	say(w, OWNER, "/orders");
	assert_heard(w, "1 order is stuck");
	assert_heard(w, "“connection refused”");
	run(w, "UPDATE jobs SET reason='no_link' WHERE subject LIKE '1:1'");
	say(w, OWNER, "/orders");
	assert_heard(w, "the access is on the panel, but no link can be made of it");
	order = button(w, "a_order:");
	for (size_t i = 0; i < countof(causes); i++) {
		run(w, causes[i].sql);
		tap(w, OWNER, order);
		assert_says(w, causes[i].key);
		assert_heard(w, "Why: the access is on the panel, but no link can be made of it");
	}
	tap(w, OWNER, button(w, "a_retry:"));
	assert_says(w, "admin.order.retrying");
}

/* Paid, and there was no free place: "Try now" is now, and not when the job that waits would have looked. */
static void test_retry_without_a_place(void **state)
{
	struct world *w = *state;

	furnish(w);
	run(w, "UPDATE orders SET state='paid', target_rev=0, subscription_id=NULL WHERE id=(SELECT order_id FROM payments WHERE id=1)");
	run(w, "INSERT INTO jobs(kind, subject, lane, prio, next_ms, created_ms) SELECT 'order_fulfil', CAST(order_id AS TEXT), 0, 1, 9000000000000, 1 FROM payments WHERE id=1");
	tap(w, OWNER, arena_printf(&w->arena, "a_retry:%s", text(w, "SELECT public_id FROM orders WHERE id=(SELECT order_id FROM payments WHERE id=1)")));
	assert_says(w, "admin.order.retrying");
	assert_int_equal(number(w, "SELECT next_ms FROM jobs WHERE kind='order_fulfil'"), NOW_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_subscription_is_changed, ""),
		with_world(test_extension_is_what_was_asked, ""),
		with_world(test_more_than_a_screen, ""),
		with_world(test_ban_cancels_open_orders, ""),
		with_world(test_addresses_stay_private, ""),
		with_world(test_gifts_are_confirmed_once, ""),
		with_world(test_user_is_found, ""),
		with_world(test_plan_add, "R181"),
		with_world(test_trial_plan, ""),
		with_world(test_price_is_never_guessed, ""),
		with_world(test_padded_number, ""),
		with_world(test_suspense, "R213 B39"),
		with_world(test_refund, ""),
		with_world(test_order_number_as_people_see_it, ""),
		with_world(test_stuck_order_says_why, ""),
		with_world(test_retry_without_a_place, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests_name("admin_sales", tests, NULL, NULL);
}
