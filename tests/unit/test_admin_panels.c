/* Panels in an admin's hands: added, sold from, asked, removed; what was changed on them by hand is decided. */
#include "tests/unit/admin_world.h"

#include "tests/sim/serve.h"

#define PASSWORD "swordfish-ünlikely"
#define TOTP "JBSWY3DPEHPK3PXP"

/* --- a panel is added --- */

/* The whole file: pages, free space, write-ahead log. */
static bool file_holds(struct world *w, const char *end, const char *needle)
{
	FILE *f = fopen(arena_printf(&w->arena, "%s%s", w->path, end), "rb");
	static char bytes[8 << 20];
	size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;

	if (f)
		fclose(f);
	return memmem(bytes, n, needle, strlen(needle));
}

static void test_panel_add(void **state)
{
	static const struct { const char *typed, *key; } wrong_urls[] = {
		{ "panel", "admin.panel_add.url_scheme" }, { "ftp://panel.example.org", "admin.panel_add.url_scheme" },
		{ "https://", "admin.panel_add.url_scheme" }, { "https:///x", "admin.panel_add.url_host" },
		{ "https://admin:pw@panel.example.org", "admin.panel_add.url_host" }, { "https://panel.example.org/a b", "admin.panel_add.url_host" },
		{ "https://[::1", "admin.panel_add.url_host" }, { "https://panel.example.org:0/x", "admin.panel_add.url_port" },
		{ "https://panel.example.org:99999/x", "admin.panel_add.url_port" }, { "https://panel.example.org:x", "admin.panel_add.url_port" },
	};
	static const char *const secrets[] = { PASSWORD, TOTP, TOKEN };
	struct world *w = *state;

	say(w, OWNER, "/panel_add");
	for (size_t i = 0; i < countof(wrong_urls); i++) {
		say(w, OWNER, wrong_urls[i].typed);
		assert_says(w, wrong_urls[i].key);
	}
	say(w, OWNER, "http://panel.example.org:2053/secret/"); /* R018: a word of warning first */
	assert_says(w, "admin.panel_add.url_http");
	say(w, OWNER, "https://panel.example.org:2053/secret/");
	assert_says(w, "admin.panel_add.name");
	say(w, OWNER, "two\nlines");
	assert_heard(w, "1 to 64");
	say(w, OWNER, "Amsterdam 1");
	assert_says(w, "admin.panel_add.credentials");
	say(w, OWNER, "admin\n" PASSWORD "\n" TOTP "\nand more");
	assert_says(w, "admin.panel_add.credentials_wrong");
	assert_heard(w, "deleteMessage");
	say(w, OWNER, "a token\tthat cannot stand in a header");
	assert_says(w, "admin.panel_add.credentials_wrong");
	assert_heard(w, "deleteMessage");
	assert_int_equal(number(w, "SELECT count(*) FROM panels"), 0);
	say(w, OWNER, "admin\n" PASSWORD "\n" TOTP);
	assert_heard(w, "deleteMessage");
	assert_says(w, "admin.panel_add.trying");
	assert_string_equal(text(w, "SELECT state FROM panels WHERE name='Amsterdam 1'"), "new"); /* R017: nothing active */
	assert_string_equal(text(w, "SELECT url FROM panels"), "https://panel.example.org:2053/secret");
	assert_int_equal(number(w, "SELECT count(*) FROM jobs WHERE kind='" "panel_ask" "' OR subject LIKE '1:trial:1000'"), 1);
	assert_string_equal(text(w, "SELECT dialogue FROM users WHERE telegram_id=1000"), "");

	answer_panel(w, &(struct panel_answer){ .what = ASK_TRIAL, .panel_id = 1, .chat_id = OWNER, .why = E_AUTH, .words = "wrong username" });
	assert_says(w, "admin.panel_add.no_login");
	assert_heard(w, "wrong username");
	tap(w, OWNER, button(w, "a_plogin:1"));
	say(w, OWNER, TOKEN);
	assert_heard(w, "deleteMessage");
	say(w, OWNER, "/panel_add");
	say(w, OWNER, "https://panel.example.org:2053/secret");
	assert_heard(w, "1. Amsterdam 1"); /* known already */

	assert_int_equal(db_commit(w->db), OK);
	for (size_t i = 0; i < countof(secrets); i++) {
		assert_false(file_holds(w, "", secrets[i]));
		assert_false(file_holds(w, "-wal", secrets[i]));
		assert_false(str_has(buf_str(&w->all), secrets[i]));
	}
	assert_true(file_holds(w, "-wal", "Amsterdam 1")); /* the test can see */
	assert_int_equal(db_begin(w->db), OK);
}

/* R132 in a group: never. */
static void test_credentials_are_private(void **state)
{
	struct world *w = *state;

	furnish(w);
	say_in(w, GROUP, OWNER, "/panel_add", "");
	assert_says(w, "error.private_only");
	assert_int_equal(w->chats_heard[3], 1);
	tap_in(w, GROUP, OWNER, "a_plogin:1");
	assert_says(w, "error.private_only");
}

/* --- whose certificate it is --- */

static void no_model(void *ctx, const struct sim_request *q, struct sim_response *r)
{
	(void)ctx;
	(void)q;
	(void)r;
}

/* A pin decides alone, so a CA that is given takes its place; a new pin leaves the CA where it is, for when it is taken off. */
static void test_ca_takes_the_place_of_a_pin(void **state)
{
	static const char pin[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	struct world *w = *state;
	struct serve *serve = serve_new();

	furnish(w);
	serve_add(serve, no_model, NULL, 0, true);
	tap(w, OWNER, "a_pset:1:pin");
	say(w, OWNER, pin);
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE pin IS NOT NULL AND ca_pem IS NULL"), 1);
	tap(w, OWNER, "a_pset:1:ca");
	say(w, OWNER, "no certificate");
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE pin IS NOT NULL"), 1);
	say(w, OWNER, serve_pem(serve));
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE pin IS NULL AND ca_pem IS NOT NULL"), 1);
	tap(w, OWNER, "a_pset:1:pin");
	say(w, OWNER, pin);
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE pin IS NOT NULL AND ca_pem IS NOT NULL"), 1);
	tap(w, OWNER, "a_pset:1:ca");
	say(w, OWNER, "-"); /* none: the pin stays */
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE pin IS NOT NULL AND ca_pem IS NULL"), 1);
	serve_free(serve);
}

/* --- which inbounds are sold, and where customers connect (B49) --- */

static void test_private_address_is_not_sold(void **state)
{
	struct world *w = *state;
	int64_t id = add_panel(w, "Home", "https://10.0.0.5:2053/x");

	say(w, OWNER, "/audit");
	answer_panel(w, &(struct panel_answer){ .what = ASK_TRIAL, .panel_id = id, .chat_id = OWNER, .ok = true });
	assert_heard(w, "3.6.0");
	tap(w, OWNER, "a_ibdone:1");
	assert_says(w, "admin.panel_add.choose_some");
	tap(w, OWNER, "a_ib:1:1");
	assert_heard(w, "10.0.0.5");
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 0);
	say(w, OWNER, "vpn.example.org:443");
	assert_says(w, "admin.panel_add.host_wrong");
	say(w, OWNER, "192.168.1.4"); /* private as well */
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 0);
	tap(w, SECOND, "a_insist:1"); /* nobody asked them */
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 0);
	tap(w, OWNER, "a_insist:1");
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 1);
	assert_string_equal(text(w, "SELECT host FROM panels"), "192.168.1.4");
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='panel.host_insisted' AND detail='192.168.1.4'"), 1);
	tap(w, OWNER, "a_ib:1:1"); /* off, and on again without a question: this address was insisted on */
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 0);
	tap(w, OWNER, "a_ib:1:1");
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 1);

	tap(w, OWNER, "a_pset:1:host");
	say(w, OWNER, "vpn.example.org");
	assert_string_equal(text(w, "SELECT host FROM panels"), "vpn.example.org");
	tap(w, OWNER, "a_ibdone:1");
	assert_heard(w, "vless://00000000-0000-4000-8000-000000000000@vpn.example.org:443");
	tap(w, OWNER, "a_hostok:1");
	assert_int_equal(number(w, "SELECT count(*) FROM jobs WHERE subject='1:test:1000'"), 1);
}

static void test_public_address_is_sold_at_once(void **state)
{
	struct world *w = *state;

	add_panel(w, "Amsterdam", "https://panel.example.org:2053/x");
	run(w, "UPDATE inbounds SET clients=41");
	say(w, OWNER, "/inbounds 1");
	assert_heard(w, "1. main – vless, port 443, on, clients 41");
	tap(w, OWNER, button(w, "a_ib:1:1"));
	assert_heard(w, "1. main – vless, port 443, sold, clients 41");
	assert_int_equal(number(w, "SELECT for_sale FROM inbounds"), 1);
	run(w, "UPDATE inbounds SET body='{\"protocol\":\"dokodemo-door\",\"port\":1}', for_sale=0");
	tap(w, OWNER, "a_ib:1:1");
	assert_says(w, "admin.inbounds.unsold");
	tap(w, OWNER, "a_ib:1:77");
	assert_says(w, "toast.old");
}

/* --- results --- */

/* Said where it is true: of the method, on that version, while it is for sale. */
static void test_renewals_restart(void **state)
{
	static const struct { const char *dialect, *version, *protocol, *method; int for_sale; bool said; } cases[] = {
		{ "A", "2.8.5", "shadowsocks", "2022-blake3-aes-256-gcm", 1, true },
		{ "A", "2.8.5", "shadowsocks", "aes-256-gcm", 1, false },
		{ "B", "3.0.2", "shadowsocks", "aes-256-gcm", 1, true },
		{ "B", "3.0.2", "shadowsocks", "chacha20-ietf-poly1305", 1, false },
		{ "C", "3.4.1", "shadowsocks", "2022-blake3-aes-128-gcm", 1, true },
		{ "C", "3.4.1", "shadowsocks", "2022-blake3-aes-128-gcm", 0, false },
		{ "C", "3.4.2", "shadowsocks", "2022-blake3-aes-128-gcm", 1, false },
		{ "A", "2.8.5", "vless", "", 1, false },
	};
	struct world *w = *state;
	struct panel_answer good = { .what = ASK_TEST, .panel_id = add_panel(w, "Home", "https://panel.example.org:2053/x"), .chat_id = OWNER, .ok = true };
	struct panel_answer failed = { .what = ASK_TEST, .panel_id = good.panel_id, .chat_id = OWNER, .why = E_IO };

	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(db_run(w->db, "UPDATE panels SET dialect=?1, version=?2", cases[i].dialect, cases[i].version), OK);
		assert_int_equal(db_run(w->db, "UPDATE inbounds SET protocol=?1, for_sale=?2, body=?3", cases[i].protocol, cases[i].for_sale,
			arena_printf(&w->arena, "{\"protocol\":\"%s\",\"port\":8388,\"settings\":{\"method\":\"%s\"}}", cases[i].protocol, cases[i].method)), OK);
		w->lang = i % 2 ? "ru" : "en";
		say(w, OWNER, "/audit");
		answer_panel(w, &good);
		if (heard(w, words_of(w, "admin.panel_test.renewals_restart")) != cases[i].said)
			fail_msg("%s %s", cases[i].version, cases[i].method);
		answer_panel(w, &failed);
		assert_false(heard(w, words_of(w, "admin.panel_test.renewals_restart")));
	}
}

static void test_answers(void **state)
{
	static const char *const steps[] = { "name", "tcp", "tls", "login", "list" };
	static char detail[] = "vpn.example.org:443: refused";
	struct world *w = *state;

	furnish(w);
	for (int round = 0; round < 2; round++) {
		w->lang = round ? "ru" : "en";
		say(w, OWNER, "/audit");
		for (size_t bad = 0; bad < countof(steps); bad++) { /* R147: the step that fails is named, with what to do */
			struct panel_answer answer = { .what = ASK_TEST, .panel_id = 1, .chat_id = OWNER, .why = bad == 3 ? E_AUTH : E_IO, .steps_count = countof(steps) };

			for (size_t i = 0; i < countof(steps); i++)
				answer.steps[i] = (struct panel_step){ .name = steps[i], .ok = i < bad, .skipped = i > bad, .ms = 5 };
			answer_panel(w, &answer);
			assert_says(w, arena_printf(&w->arena, "admin.panel_test.hint_%s", steps[bad]));
			assert_heard(w, arena_printf(&w->arena, "✗ %s", bad == 1 ? round ? "соединение" : "connection" : ""));
			assert_says(w, bad == 3 ? "admin.panel_add.no_login" : "admin.panel_add.no_connection"); /* R149 */
		}
		answer_panel(w, &(struct panel_answer){ .what = ASK_TEST, .panel_id = 1, .chat_id = OWNER, .ok = true });
		assert_says(w, "admin.panel_test.all_good");
		answer_panel(w, &(struct panel_answer){ .what = ASK_TEST, .panel_id = 1, .chat_id = OWNER, .ok = true, .steps_count = 2, .steps = {
			{ .name = "link", .detail = detail }, { .name = "link_udp", .skipped = true } } });
		assert_says(w, "admin.panel_test.link_warning"); /* a warning: the panel can be used */
		assert_says(w, "admin.panel_test.hint_link");
		assert_says(w, "admin.panel_test.step_link_udp");
		assert_heard(w, "vpn.example.org:443: refused");
		answer_panel(w, &(struct panel_answer){ .what = ASK_ONLINE, .panel_id = 1, .chat_id = OWNER, .ok = true,
			.online = STR("[{\"inbound\":1,\"emails\":[\"anna\",\"b<b>ob\"]},{\"inbound\":0,\"emails\":[\"carl\"]},{\"inbound\":9}]") });
		assert_heard(w, "b&lt;b&gt;ob");
		assert_heard(w, "<b>3</b>");
		answer_panel(w, &(struct panel_answer){ .what = ASK_ONLINE, .panel_id = 1, .chat_id = OWNER, .ok = true, .online = STR("[]") });
		answer_panel(w, &(struct panel_answer){ .what = ASK_ONLINE, .panel_id = 1, .chat_id = OWNER, .why = E_IO });
		answer_panel(w, &(struct panel_answer){ .what = ASK_ONLINE, .panel_id = 1, .chat_id = OWNER, .ok = true, .online = STR("{\"broken\"") });
		answer_panel(w, &(struct panel_answer){ .what = ASK_INBOUNDS, .panel_id = 1, .chat_id = OWNER, .why = E_VERSION });
		answer_panel(w, &(struct panel_answer){ .what = ASK_INBOUNDS, .panel_id = 1, .chat_id = GROUP, .ok = true });
		assert_int_equal(w->chats_heard[3], 1);
		answer_panel(w, &(struct panel_answer){ .what = ASK_HEALTH, .panel_id = 1, .chat_id = OWNER, .ok = true });
		assert_heard(w, round ? "список онлайн отказ" : "online list fail");
		assert_heard(w, round ? "копия ошибка" : "backup error");
		answer_panel(w, &(struct panel_answer){ .what = ASK_TEST, .panel_id = 99, .chat_id = OWNER, .ok = true }); /* removed meanwhile */
		assert_string_equal(buf_cstr(&w->heard), "");
	}
}

/* --- removed --- */

static void test_panel_with_clients_is_kept_or_asked_about(void **state)
{
	struct world *w = *state;

	furnish(w);
	say(w, OWNER, "/panel_del 1");
	assert_heard(w, "1 client lives there");
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE deleted_ms=0"), 1);
	tap(w, OWNER, button(w, "yes:"));
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE deleted_ms=0"), 0);
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='panel.del' AND detail='clients kept'"), 1);
}

/* Empty when it was asked about, lived in when it is confirmed: asked again, nothing lost. */
static void test_panel_filled_meanwhile(void **state)
{
	struct world *w = *state;
	const char *yes;
	struct order o;

	furnish(w);
	run(w, "UPDATE accesses SET deleted_ms=1");
	say(w, OWNER, "/panel_del 1");
	assert_not_heard(w, "lives there");
	yes = button(w, "yes:");
	o = new_order(w);
	pay(w, &o, 300, "charge-3");
	tap(w, OWNER, yes);
	assert_heard(w, "lives there");
	assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE deleted_ms=0"), 1);
}

/* --- drift --- */

static void test_drift_is_decided(void **state)
{
	struct world *w = *state;

	furnish(w);
	run(w, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) SELECT 1, 'until', expires_ms, expires_ms + 86400000, 'open', 1 FROM subscriptions WHERE id=1");
	run(w, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) VALUES(1, 'quota', '53687091200', '0', 'open', 1)");
	run(w, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) VALUES(1, 'enabled', '1', '0', 'open', 1)");
	run(w, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) VALUES(1, 'devices', '2', '1', 'open', 1)");
	say(w, OWNER, "/health");
	assert_heard(w, "the end is 3 December 2026, we have 2 December 2026");
	run(w, "UPDATE subscriptions SET expires_ms=expires_ms+1"); /* renewed since it was found: adopting would take that away */
	tap(w, OWNER, "a_drift:1:adopt");
	assert_string_equal(text(w, "SELECT state FROM drifts WHERE id=1"), "open");
	run(w, "UPDATE subscriptions SET expires_ms=expires_ms-1");
	say(w, OWNER, "/health");
	tap(w, OWNER, button(w, "a_drift:1:adopt"));
	assert_string_equal(text(w, "SELECT state FROM drifts WHERE id=1"), "adopted");
	tap(w, OWNER, "a_drift:2:adopt"); /* B30: metered stays metered */
	assert_says(w, "admin.drift.metered");
	tap(w, OWNER, "a_drift:2:repair");
	assert_string_equal(text(w, "SELECT state FROM drifts WHERE id=2"), "repaired");
	tap(w, OWNER, "a_drift:2:repair"); /* decided */
	run(w, "INSERT INTO drifts(access_id, field, wanted, seen, state, found_ms) SELECT 1, 'until', expires_ms, -432000000, 'open', 1 FROM subscriptions WHERE id=1");
	say(w, OWNER, "/health");
	assert_heard(w, "the end is 5 days from the first use");
	tap(w, OWNER, "a_drift:5:adopt"); /* it would be in 1969, and the access over */
	assert_says(w, "admin.drift.no_date");
	run(w, "UPDATE subscriptions SET ban_stopped=1, enabled=0");
	run(w, "UPDATE drifts SET wanted='0', seen='1' WHERE id=3");
	tap(w, OWNER, "a_drift:3:adopt"); /* the ban holds */
	assert_says(w, "admin.drift.banned");
	assert_int_equal(number(w, "SELECT enabled FROM subscriptions WHERE id=1"), 0);
	run(w, "UPDATE subscriptions SET ban_stopped=0, enabled=1");
	run(w, "UPDATE drifts SET seen='0' WHERE id=5");
	say(w, OWNER, "/health");
	assert_heard(w, "the end is without end");
	run(w, "UPDATE drifts SET state='gone' WHERE id=5");
	tap(w, OWNER, "a_drift:4:burn");
	assert_int_equal(number(w, "SELECT count(*) FROM drifts WHERE state='open'"), 2);
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action IN ('drift.adopt', 'drift.repair')"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_panel_add, "B40"),
		with_world(test_credentials_are_private, ""),
		with_world(test_ca_takes_the_place_of_a_pin, ""),
		with_world(test_private_address_is_not_sold, "B49"),
		with_world(test_public_address_is_sold_at_once, "R057"),
		with_world(test_renewals_restart, ""),
		with_world(test_answers, "R149"),
		with_world(test_panel_with_clients_is_kept_or_asked_about, "R144"),
		with_world(test_panel_filled_meanwhile, ""),
		with_world(test_drift_is_decided, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests_name("admin_panels", tests, NULL, NULL);
}
