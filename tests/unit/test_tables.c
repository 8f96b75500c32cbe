/* The tables that tie the program together: every row complete, every name once. */
#include "tests/unit/proves.h"

#include <string.h>

#include "bot/tables.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_jobs, ""),
		proves(test_schedules, ""),
	};

	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
