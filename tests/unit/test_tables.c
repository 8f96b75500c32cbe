/* The tables that tie the program together: every row complete, every name once. */
#include "tests/unit/proves.h"

#include <string.h>

#include "bot/chat/router.h"
#include "bot/shop/session.h"
#include "bot/tables.h"
#include "tests/unit/sale_fixture.c"

static void test_jobs(void **state)
{
	(void)state;
	for (size_t i = 0; i < tables.jobs_count; i++) {
		const struct job_kind *k = tables.jobs[i];

		assert_non_null(k->name);
		assert_non_null(k->begin);
		assert_true(k->backoff_ms > 0 && k->backoff_max_ms >= k->backoff_ms);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(k->name, tables.jobs[j]->name);
	}
}

static void test_schedules(void **state)
{
	(void)state;
	for (size_t i = 0; i < tables.schedules_count; i++) {
		assert_non_null(tables.schedules[i].run);
		assert_true(tables.schedules[i].every_ms > 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(tables.schedules[i].name, tables.schedules[j].name);
	}
}

static bool is_scheduled(enum err (*run)(struct act *a))
{
	for (size_t i = 0; i < tables.schedules_count; i++)
		if (tables.schedules[i].run == run)
			return true;
	return false;
}

/* What nothing else would ever do. */
static void test_what_is_scheduled(void **state)
{
	(void)state;
	assert_true(is_scheduled(orders_expire) && is_scheduled(invoices_expire) && is_scheduled(bonuses_mature) && is_scheduled(expiry_run));
	assert_true(is_scheduled(reminders_run) && is_scheduled(expiry_sweep) && is_scheduled(fleet_watch) && is_scheduled(fleet_look_due) && is_scheduled(pay_poll_stars));
}

static enum err run_schedule(struct shop *s, const char *name)
{
	for (size_t i = 0; i < tables.schedules_count; i++)
		if (strcmp(tables.schedules[i].name, name) == 0)
			return tables.schedules[i].run(&s->a);
	return E_NOTFOUND;
}

/* What is kept for 90 days is gone after them. */
static void test_payloads_are_forgotten(void **state)
{
	struct sale t = sale_new();

	(void)state;
	buy(&t);
	shop_run(t.s, "INSERT INTO callbacks(provider, received_ms, verdict, body) VALUES('x', 1, 'ok', 'body')");
	shop_wait(t.s, 89 * DAY_MS);
	assert_int_equal(run_schedule(t.s, "forget"), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM callbacks"), 0);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments WHERE raw_payload IS NOT NULL"), 1);
	shop_wait(t.s, 2 * DAY_MS);
	assert_int_equal(run_schedule(t.s, "forget"), OK);
	assert_int_equal(shop_number(t.s, "SELECT count(*) FROM payments WHERE raw_payload IS NOT NULL"), 0);
	sale_end(&t);
}

static bool was_told(struct shop *s, int64_t chat_id, const char *part)
{
	for (size_t i = 0; i < s->core->turn.added_count; i++)
		if (s->core->turn.added[i].chat_id == chat_id && str_has(s->core->turn.added[i].payload, part))
			return true;
	return false;
}

/* Whoever asked for a refund hears that it was refused; whoever had a session copied hears that, too. */
static void test_who_is_told(void **state)
{
	const struct http_response refused = { .status = 400, .body = STR("{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: CHARGE_ID_INVALID\"}") };
	struct sale t = sale_new();
	struct session_tokens first, next;
	struct user u;
	int64_t at_ms;

	(void)state;
	t.s->config.admins[t.s->config.admins_count++] = 1;
	buy(&t);
	tables_register();
	assert_int_equal(refund_start(&t.s->a, 1, &t.admin, "asked for"), OK);
	assert_int_equal(shop_job(t.s, &pay_job_refund, "1", &refused, &at_ms), JOB_DONE);
	assert_true(was_told(t.s, 1, "CHARGE_ID_INVALID"));
	assert_string_equal(state_of_order(&t), "delivered");
	assert_int_equal(session_open(&first, &t.s->a, t.anna.id), OK);
	assert_int_equal(session_refresh(&next, &u, &t.s->a, str_of(first.refresh), STR("")), OK);
	assert_false(was_told(t.s, ANNA, ""));
	assert_int_equal(session_refresh(&next, &u, &t.s->a, str_of(first.refresh), STR("")), E_AUTH);
	assert_true(was_told(t.s, ANNA, ""));
	session_set_hook(NULL);
	router_reset();
	sale_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_jobs, ""),
		proves(test_schedules, ""),
		proves(test_what_is_scheduled, ""),
		proves(test_payloads_are_forgotten, ""),
		proves(test_who_is_told, ""),
	};

	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
