/* Lists of addresses, and the rule of the admin listener that uses one. */
#include "tests/unit/proves.h"

#include <stdlib.h>

#include "bot/core/config.h"
#include "bot/core/core_private.h"
#include "lib/http/allow.h"

#define MIXED "10.8.0.0/20, 192.0.2.7 ,2001:db8::/33"

static const struct { const char *list, *remote; bool in; } cases[] = {
	{ "", "127.0.0.1", true },
	{ "", "127.255.255.254", true },
	{ "", "::1", true },
	{ "", "128.0.0.1", false },
	{ "", "192.0.2.7", false },
	{ "", "::2", false },
	{ "", "", false },
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.8", false },
	{ "192.0.2.7", "127.0.0.1", false },  /* the list is all there is */
	{ "192.0.2.7", "::ffff:192.0.2.7", true },
	{ MIXED, "10.8.15.255", true },
	{ MIXED, "10.8.16.0", false },
	{ MIXED, "192.0.2.7", true },
	{ MIXED, "2001:db8:7fff::1", true },
	{ MIXED, "2001:db8:8000::1", false },
	{ MIXED, "10.8.0.1.example.org", false },
	{ "0.0.0.0/0", "198.51.100.1", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "198.51.100.1", true },
};

static struct http_allow read_list(const char *text)
{
	struct http_allow list = { .count = 0 };

	if (*text)
		assert_int_equal(http_allow_read(&list, str_of(text)), OK);
	return list;
}

static void test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct http_allow list = read_list(cases[i].list);

		if (http_allow_has(&list, str_of(cases[i].remote)) != cases[i].in)
			fail_msg("\"%s\" on \"%s\"", cases[i].remote, cases[i].list);
	}
}

static void test_wrong_lists(void **state)
{
	static const char *const wrong[] = { "localhost", "10.0.0.0/33", "2001:db8::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.1,,10.0.0.2", "10.0.0.1,", " ", "1.2.3" };
	struct http_allow list;
	struct buf many;

	(void)state;
	for (size_t i = 0; i < countof(wrong); i++)
		if (http_allow_read(&list, str_of(wrong[i])) != E_INVALID)
			fail_msg("%s", wrong[i]);
	buf_init(&many, 4096);
	for (int i = 0; i <= HTTP_ALLOW_MAX; i++)
		buf_printf(&many, "%s10.0.0.%d", i ? "," : "", i);
	assert_int_equal(http_allow_read(&list, buf_str(&many)), E_TOOBIG);
	buf_release(&many);
}

/* The status of a request for a page that is not there: 403 comes before 404. */
static int status_of(const char *list, enum listener listener, const char *remote)
{
	static const struct core_tables no_routes = { .routes_count = 0 };
	struct config config = { .admin_allow = read_list(list) };
	struct core c = { .setup.config = &config, .tables = &no_routes };
	struct http_inbound in = { .listener = (int)listener, .method = HTTP_GET, .path = STR("/nowhere"),
		.headers = { { "x-forwarded-for", "127.0.0.1" }, { "x-real-ip", "127.0.0.1" }, { "forwarded", "for=127.0.0.1" } }, .headers_count = 3 };
	int status;

	snprintf(in.remote, sizeof in.remote, "%s", remote);
	assert_int_equal(inbound_decide(&c, &in), OK);
	assert_int_equal(c.turn.replies_count, 1);
	status = c.turn.replies[0].status;
	free(c.turn.replies);
	return status;
}

static void test_admin_listener(void **state)
{
	(void)state;
	assert_int_equal(status_of("", LISTENER_ADMIN, "127.0.0.1"), 404);
	assert_int_equal(status_of("", LISTENER_ADMIN, "::1"), 404);
	assert_int_equal(status_of("", LISTENER_ADMIN, "198.51.100.1"), 403); /* whatever its headers say */
	assert_int_equal(status_of("198.51.100.0/24", LISTENER_ADMIN, "198.51.100.1"), 404);
	assert_int_equal(status_of("198.51.100.0/24", LISTENER_ADMIN, "127.0.0.1"), 403);
	assert_int_equal(status_of("198.51.100.0/24", LISTENER_PUBLIC, "203.0.113.5"), 404); /* callbacks come from anywhere */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_lists, "R025"),
		proves(test_wrong_lists, ""),
		proves(test_admin_listener, "R025 B8"),
	};

	return cmocka_run_group_tests_name("http_allow", tests, NULL, NULL);
}
