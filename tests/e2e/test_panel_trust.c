/* The way to a panel, over real sockets: a self-signed certificate is refused until an admin insists on its key or gives
 * its CA, and another certificate is refused again; plain HTTP is warned of. */
#include "tests/unit/proves.h"

#include "tests/e2e/customer.h"

#define REFUSED "I do not trust the panel's certificate"
#define CHANGED "another certificate than the one you trust"
#define WELCOME "Logged in: version"
#define FINE "Everything works"

static size_t heard(struct rig *r, const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < botapi_messages_count(r->telegram, RIG_ADMIN); i++) {
		const struct botapi_message *m = botapi_message_at(r->telegram, RIG_ADMIN, i);

		n += m->from_bot && !m->deleted && str_has(m->text, part);
	}
	return n;
}

static void add_panel_by_chat(struct rig *r)
{
	struct arena arena = { 0 };

	customer_say(r, RIG_ADMIN, "/start");
	customer_say(r, RIG_ADMIN, "/panel_add");
	UNTIL(r, heard(r, "Step 1 of 5"));
	customer_say(r, RIG_ADMIN, r->panels[0].url);
	UNTIL(r, heard(r, "Step 2 of 5"));
	customer_say(r, RIG_ADMIN, "Self-made");
	UNTIL(r, heard(r, "Step 3 of 5"));
	customer_say(r, RIG_ADMIN, arena_printf(&arena, "admin\n%s", RIG_PANEL_PASSWORD));
	arena_release(&arena);
}

/* The rig's first panel is not in the environment: it comes by the chat. */
static struct rig *begin(void)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "3.6.0" }, .panels_tls = true });

	rig_set(r, "XUI_PANEL_URL", NULL);
	rig_set(r, "XUI_PANEL_USERNAME", NULL);
	rig_set(r, "XUI_PANEL_PASSWORD", NULL);
	rig_set(r, "BOT_SEND_RATE", "0");
	rig_start(r);
	UNTIL(r, rig_is_up(r));
	add_panel_by_chat(r);
	return r;
}

static bool trusts(struct rig *r, const char *pin)
{
	struct arena arena = { 0 };
	char *stored = rig_text(r, &arena, "SELECT coalesce(pin, '') FROM panels");
	bool same = stored && str_is(str_of(stored), pin);

	arena_release(&arena);
	return same;
}

static void renew_certificate(struct rig *r)
{
	serve_renew_certificate(r->serve);
	serve_cut_all(r->serve, r->panels[0].socket);
}

/* The next test of the panel says this, and no request has reached it when it is refused. */
static void test_says(struct rig *r, const char *part)
{
	size_t before = heard(r, part), requests = panel_sim_count(r->panels[0].sim, NULL);

	customer_say(r, RIG_ADMIN, "/panel_test 1");
	UNTIL(r, heard(r, part) > before);
	if (!str_is(str_of(part), FINE))
		assert_int_equal(panel_sim_count(r->panels[0].sim, NULL), requests);
}

static void test_pin(void **state)
{
	struct rig *r = begin();
	size_t logins;

	(void)state;
	UNTIL(r, heard(r, REFUSED));
	assert_int_equal(heard(r, serve_pin(r->serve)), 1); /* the admin sees which one it was */
	assert_int_equal(panel_sim_count(r->panels[0].sim, NULL), 0);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM panels WHERE state='new'"), 1);

	customer_tap(r, RIG_ADMIN, "Trust exactly this");
	UNTIL(r, heard(r, "shall I trust it?"));
	customer_tap(r, RIG_ADMIN, "No"); /* one tap alone trusts nothing */
	UNTIL(r, !heard(r, "shall I trust it?"));
	assert_true(trusts(r, ""));
	customer_tap(r, RIG_ADMIN, "Trust exactly this");
	UNTIL(r, heard(r, "shall I trust it?"));
	customer_tap(r, RIG_ADMIN, "Yes");
	UNTIL(r, heard(r, WELCOME));
	assert_true(trusts(r, serve_pin(r->serve)));
	assert_int_equal(rig_number(r, "SELECT count(*) FROM panels WHERE state='ok'"), 1);
	assert_int_equal(rig_number(r, "SELECT count(*) FROM audit WHERE action='panel.pin'"), 1);
	test_says(r, FINE);

	logins = panel_sim_count(r->panels[0].sim, "login");
	renew_certificate(r);
	test_says(r, CHANGED);
	assert_int_equal(panel_sim_count(r->panels[0].sim, "login"), logins);
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

static void test_ca(void **state)
{
	struct rig *r = begin();

	(void)state;
	UNTIL(r, heard(r, REFUSED));
	customer_tap(r, RIG_ADMIN, "Own CA");
	UNTIL(r, heard(r, "Send the certificate of the authority"));
	customer_say(r, RIG_ADMIN, "what I call a certificate");
	UNTIL(r, heard(r, "no certificate there"));
	customer_say(r, RIG_ADMIN, serve_pem(r->serve));
	UNTIL(r, heard(r, WELCOME));
	assert_true(trusts(r, ""));
	test_says(r, FINE);

	renew_certificate(r); /* the same name, but signed by another key */
	test_says(r, CHANGED);
	customer_say(r, RIG_ADMIN, "/panel_set 1 pin");
	UNTIL(r, heard(r, "Send the pin of the panel's key"));
	customer_say(r, RIG_ADMIN, serve_pin(r->serve));
	UNTIL(r, heard(r, WELCOME) == 2);
	test_says(r, FINE);
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

static void test_plain_http(void **state)
{
	struct rig *r = rig_new(&(struct rig_options){ .versions = { "2.8.5" } });

	(void)state;
	rig_set(r, "XUI_PANEL_URL", NULL);
	rig_set(r, "XUI_PANEL_USERNAME", NULL);
	rig_set(r, "XUI_PANEL_PASSWORD", NULL);
	rig_set(r, "BOT_SEND_RATE", "0");
	rig_start(r);
	UNTIL(r, rig_is_up(r));
	customer_say(r, RIG_ADMIN, "/start");
	customer_say(r, RIG_ADMIN, "/panel_add");
	UNTIL(r, heard(r, "Step 1 of 5"));
	customer_say(r, RIG_ADMIN, r->panels[0].url);
	UNTIL(r, heard(r, "travel unprotected"));
	assert_int_equal(heard(r, "Step 2 of 5"), 0); /* not without a word of the admin's */
	customer_tap(r, RIG_ADMIN, "Continue anyway");
	UNTIL(r, heard(r, "Step 2 of 5"));
	customer_say(r, RIG_ADMIN, "Plain");
	UNTIL(r, heard(r, "Step 3 of 5"));
	customer_say(r, RIG_ADMIN, "admin\n" RIG_PANEL_PASSWORD);
	UNTIL(r, heard(r, WELCOME));
	customer_say(r, RIG_ADMIN, "/panels");
	UNTIL(r, heard(r, "plain HTTP: the password travels unprotected"));
	assert_int_equal(rig_stop(r), 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_pin, "R018"),
		proves(test_ca, "R018"),
		proves(test_plain_http, "R018"),
	};

	return cmocka_run_group_tests_name("panel_trust", tests, NULL, NULL);
}
