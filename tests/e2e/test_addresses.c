/* Who may ask the admin side, and which address panels see us coming from; over real sockets. All of 127.0.0.0/8 is this
 * machine, so that one test can come from several addresses. */
#include "tests/unit/proves.h"

#include "tests/e2e/customer.h"

static int status_from(struct rig *r, const char *source, const char *listener, const char *path)
{
	struct http_request request = { .method = HTTP_GET, .source_address = source };

	http_add_header(&request, "X-Forwarded-For", "127.0.0.1");
	return rig_http(r, listener, &request, path)->status;
}

static void test_allow_list(void **state)
{
	struct rig *r = rig_new(NULL);

	(void)state;
	rig_set(r, "ADMIN_ALLOW", "127.0.0.1,192.0.2.0/24");
	rig_start(r);
	UNTIL(r, rig_is_up(r));
	UNTIL(r, status_from(r, "127.0.0.1", "admin", "/healthz") == 200);
	assert_int_equal(status_from(r, "127.0.0.2", "admin", "/healthz"), 403);
	assert_int_equal(status_from(r, "127.0.0.2", "admin", "/metrics"), 403);
	assert_int_equal(status_from(r, "127.0.0.2", "admin", "/nowhere"), 403); /* not even what is there */
	assert_int_equal(status_from(r, "127.0.0.2", "public", "/nowhere"), 404);
	assert_int_equal(rig_stop(r), 0);

	rig_set(r, "ADMIN_ALLOW", NULL); /* this machine, by any of its own addresses */
	rig_start(r);
	UNTIL(r, rig_is_up(r));
	UNTIL(r, status_from(r, "127.0.0.2", "admin", "/healthz") == 200);
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

struct seen { size_t ours, others; };

static void note_address(void *ctx, enum serve_moment moment, const struct sim_request *request, const struct sim_response *response)
{
	struct seen *s = ctx;

	(void)response;
	if (moment != SERVE_AFTER)
		return;
	if (str_is(request->remote, "127.0.0.3"))
		s->ours++;
	else
		s->others++;
}

static void test_source_address(void **state)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" } });
	struct seen panel = { 0 }, telegram = { 0 };

	(void)state;
	serve_kill_hook(r->serve, r->panels[0].socket, note_address, &panel);
	serve_kill_hook(r->serve, r->telegram_socket, note_address, &telegram);
	rig_set(r, "PANEL_SOURCE", "127.0.0.3");
	rig_start(r);
	UNTIL(r, rig_is_up(r));
	UNTIL(r, rig_number(r, "SELECT count(*) FROM panels WHERE state='ok'") == 1);
	assert_true(panel.ours > 0);
	assert_int_equal(panel.others, 0);
	assert_int_equal(telegram.ours, 0);
	assert_true(telegram.others > 0);
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_allow_list, "R025 B8"),
		proves(test_source_address, "R025"),
	};

	return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
