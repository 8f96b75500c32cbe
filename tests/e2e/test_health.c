/* Health and metrics over real sockets: for the operator's side only. */
#include "tests/unit/proves.h"

#include <stdlib.h>

#include "bot/core/config.h"
#include "tests/e2e/harness.h"

static void test_listeners(void **state)
{
	static const char *const paths[] = { "/healthz", "/metrics" };
	static const char *const figures[] = { "obol_outbox_queued ", "# TYPE obol_jobs gauge", "obol_panel_up{panel=\"1\"} ", "obol_panel_latency_ms{panel=\"1\"} " };
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" } });

	(void)state;
	rig_start(r);
	UNTIL(r, rig_is_up(r) && rig_port(r, "admin") && rig_port(r, "public"));
	assert_int_not_equal(rig_port(r, "admin"), rig_port(r, "public"));
	for (size_t i = 0; i < countof(paths); i++) {
		UNTIL(r, rig_http(r, "admin", &(struct http_request){ .method = HTTP_GET }, paths[i])->status == 200);
		assert_int_equal(rig_http(r, "public", &(struct http_request){ .method = HTTP_GET }, paths[i])->status, 404);
	}
	for (size_t i = 0; i < countof(figures); i++)
		UNTIL(r, str_has(rig_http(r, "admin", &(struct http_request){ .method = HTTP_GET }, "/metrics")->body, figures[i]));
	rig_free(r);
}

/* Unless somebody says otherwise, only this machine can ask. */
static void test_not_from_outside(void **state)
{
	struct config c = { 0 };
	struct arena arena = { 0 };
	struct buf problems;

	(void)state;
	setenv("BOT_TOKEN", BOTAPI_TOKEN, 1);
	unsetenv("ADMIN_LISTEN");
	buf_init(&problems, 4096);
	assert_int_equal(config_read(&c, &arena, "no such file", &problems), OK);
	assert_true(str_starts(str_of(c.admin_listen), "127.0.0.1:"));
	buf_release(&problems);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_listeners, "R291"),
		proves(test_not_from_outside, "R291"),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
