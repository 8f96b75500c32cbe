/* What all of the admins' side keeps to: every command and button answers, strangers see nothing, dangerous acts ask, the
 * book says who did what. */
#include "tests/unit/admin_world.h"

/* --- the tables --- */

static void test_tables(void **state)
{
	struct world *w = *state;
	const struct router_tables *all[ROUTER_TABLES_MAX], *t;

	assert_int_equal(router_tables(all), 1);
	t = all[0];
	for (size_t i = 0; i < t->commands_count; i++) {
		assert_int_equal(t->commands[i].who, WHO_ADMIN);
		assert_true(i18n_has(w->i18n, t->commands[i].menu_key));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(t->commands[i].name, t->commands[k].name);
	}
	for (size_t i = 0; i < t->verbs_count; i++) {
		assert_int_equal(t->verbs[i].who, WHO_ADMIN);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(t->verbs[i].verb, t->verbs[k].verb);
	}
	for (size_t i = 0; i < t->dialogues_count; i++)
		assert_int_equal(t->dialogues[i].who, WHO_ADMIN);
}

static const char *const lines[] = {
	"/panels", "/panel", "/panel 1", "/panel 99", "/panel nonsense", "/panel_add", "/panel_test", "/panel_test 1", "/panel_set", "/panel_set 1",
	"/panel_set 1 priority 5", "/panel_set 1 priority 5000", "/panel_set 1 weight 0", "/panel_set 1 region Netherlands", "/panel_set 1 region -",
	"/panel_set 1 name Paris", "/panel_set 1 nosuch 1", "/panel_log 1", "/panel_del 1", "/panel_del 99", "/inbounds", "/inbounds 1", "/online",
	"/online 1", "/health", "/plan_add", "/plans_edit", "/orders", "/order", "/order nonsense", "/user", "/user 2000", "/user nobody", "/grant",
	"/grant 2000", "/grant 2000 nobody 1001 2000", "/grant nobody no_one", "/extend", "/extend 2000", "/extend 2000 x", "/extend 2000 7 as a present", "/limit", "/limit 2000 100", "/limit 2000 devices 3",
	"/limit 2000 devices -1", "/limit 2000 x", "/limit 2000 email", "/limit 2000 email A-B",
	"/limit 2000 email ab", "/reset", "/reset 2000", "/ban", "/ban 2000 spam", "/ban 1001", "/unban", "/unban 2000", "/payments",
	"/refund", "/refund nonsense", "/settings", "/maintenance", "/maintenance on", "/maintenance off", "/maintenance perhaps", "/audit",
};

static void every_line(struct world *w)
{
	for (size_t i = 0; i < countof(lines); i++) {
		say(w, OWNER, lines[i]);
		if (!heard(w, "sendMessage") || w->chats_heard[0] != 1)
			fail_msg("%s: %s", lines[i], buf_cstr(&w->heard));
		assert_int_equal(i18n_faults() - w->faults, 0);
	}
}

/* Every admin command there is stands among the lines, and each is answered in both languages. */
static void test_every_command(void **state)
{
	struct world *w = *state;
	const struct router_tables *all[ROUTER_TABLES_MAX];

	assert_int_equal(router_tables(all), 1);
	for (size_t i = 0; i < all[0]->commands_count; i++) {
		bool found = false;

		for (size_t k = 0; k < countof(lines) && !found; k++) {
			struct str rest = str_of(lines[k] + 1);

			found = str_is(str_cut(&rest, ' '), all[0]->commands[i].name);
		}
		if (!found)
			fail_msg("/%s is not tried", all[0]->commands[i].name);
	}
	furnish(w);
	every_line(w);
	w->lang = "ru";
	every_line(w);
	assert_says(w, "admin.audit.title");
	assert_heard(w, "Что делалось недавно");
}

/* Without anything in the shop the commands say what to do first. */
static void test_every_command_in_an_empty_shop(void **state)
{
	struct world *w = *state;

	every_line(w);
	say(w, OWNER, "/panels");
	assert_says(w, "admin.panels.none");
	say(w, OWNER, "/plans_edit");
	assert_says(w, "admin.plans_edit.none");
}

/* All buttons of all screens, found by pressing them. */
#define BUTTONS_MAX 2000

struct crawl {
	const char *seen[BUTTONS_MAX];
	size_t count, done;
};

static void note_buttons(struct crawl *c, struct world *w)
{
	const char *data;

	for (size_t n = 0; (data = find_button(w, "", n)); n++) {
		bool known = strncmp(data, "yes:", 4) == 0 || strncmp(data, "no:", 3) == 0;

		for (size_t i = 0; i < c->count && !known; i++)
			known = strcmp(c->seen[i], data) == 0;
		assert_true(strlen(data) <= TG_BUTTON_DATA_BYTES_MAX);
		if (!known && c->count < BUTTONS_MAX)
			c->seen[c->count++] = data;
	}
}

static void test_every_button(void **state)
{
	struct world *w = *state;
	struct crawl c = { .count = 0 };

	furnish(w);
	for (int round = 0; round < 2; round++) {
		w->lang = round ? "ru" : "en";
		c = (struct crawl){ .count = 0 };
		for (size_t i = 0; i < countof(lines); i++) {
			say(w, OWNER, lines[i]);
			note_buttons(&c, w);
		}
		say(w, OWNER, arena_printf(&w->arena, "/order %s", text(w, "SELECT public_id FROM orders ORDER BY id LIMIT 1")));
		note_buttons(&c, w);
		for (; c.done < c.count; c.done++) {
			tap(w, OWNER, c.seen[c.done]);
			note_buttons(&c, w);
			assert_heard(w, "answerCallbackQuery");
			if (i18n_faults() != w->faults)
				fail_msg("%s: a text is missing", c.seen[c.done]);
		}
		assert_in_range(c.count, 50, BUTTONS_MAX - 1);
	}
}

/* --- who may --- */

/* What a stranger hears, with what differs by nature blanked. */
static const char *answer_to(struct world *w, bool is_tap, int64_t chat, const char *words)
{
	w->next_id = 50;
	if (is_tap)
		tap_in(w, chat, ANNA, words);
	else
		say_in(w, chat, ANNA, words, chat < 0 ? ",\"reply_to_message\":{\"message_id\":3,\"date\":1,\"chat\":{\"id\":-500,\"type\":\"supergroup\"}}" : "");
	return arena_strdup(&w->arena, buf_cstr(&w->heard));
}

static void test_strangers_see_nothing(void **state)
{
	static const int64_t chats[] = { ANNA, GROUP };
	struct world *w = *state;
	const struct router_tables *all[ROUTER_TABLES_MAX];
	int64_t audits, jobs;

	furnish(w);
	router_tables(all);
	audits = number(w, "SELECT count(*) FROM audit");
	jobs = number(w, "SELECT count(*) FROM jobs");
	for (size_t c = 0; c < countof(chats); c++) {
		const char *command = answer_to(w, false, chats[c], "/nosuchcommand 1"), *verb = answer_to(w, true, chats[c], "nosuchverb:1");
		const char *typed = answer_to(w, false, chats[c], "hello");

		assert_true(chats[c] == GROUP ? !*command && !*verb : *command && *verb);
		for (size_t i = 0; i < all[0]->commands_count; i++)
			assert_string_equal(answer_to(w, false, chats[c], arena_printf(&w->arena, "/%s 1 2", all[0]->commands[i].name)), command);
		for (size_t i = 0; i < all[0]->verbs_count; i++)
			assert_string_equal(answer_to(w, true, chats[c], arena_printf(&w->arena, "%s:1:1", all[0]->verbs[i].verb)), verb);
		for (size_t i = 0; i < all[0]->dialogues_count; i++) { /* left from when they were admins */
			db_run(w->db, "UPDATE users SET dialogue=?2 WHERE telegram_id=?1", ANNA, arena_printf(&w->arena, "%s:1:1", all[0]->dialogues[i].name));
			assert_string_equal(answer_to(w, false, chats[c], "hello"), typed);
		}
		run(w, "UPDATE users SET dialogue=NULL");
	}
	assert_int_equal(number(w, "SELECT count(*) FROM audit"), audits);
	assert_int_equal(number(w, "SELECT count(*) FROM jobs"), jobs);
	say(w, OWNER, "/panel_del 1"); /* a code that an admin was given is worth nothing to others */
	{
		const char *yes = button(w, "yes:");

		assert_string_equal(answer_to(w, true, ANNA, yes), answer_to(w, true, ANNA, "nosuchverb:1"));
		assert_int_equal(number(w, "SELECT count(*) FROM panels WHERE deleted_ms=0"), 1);
	}
}

/* --- dangerous acts --- */

static bool is_banned(struct world *w)
{
	return number(w, "SELECT banned FROM users WHERE telegram_id=2000") == 1;
}

static void test_second_press(void **state)
{
	struct world *w = *state;
	const char *yes;

	furnish(w);
	say(w, OWNER, "/ban 2000 spam in the chat");
	assert_false(is_banned(w));
	yes = button(w, "yes:");
	tap(w, SECOND, yes); /* another admin was not asked */
	assert_says(w, "admin.too_late");
	assert_false(is_banned(w));
	wait_ms(w, 5 * MINUTE_MS);
	tap(w, OWNER, yes); /* stale */
	assert_says(w, "admin.too_late");
	assert_false(is_banned(w));

	say(w, OWNER, "/ban 2000 spam in the chat");
	tap(w, OWNER, button(w, "no:"));
	assert_says(w, "admin.canceled");
	assert_int_equal(number(w, "SELECT count(*) FROM confirms"), 0);

	say(w, OWNER, "/ban 2000 spam in the chat");
	yes = button(w, "yes:");
	wait_ms(w, 5 * MINUTE_MS - 1);
	tap(w, OWNER, yes);
	assert_true(is_banned(w));
	assert_string_equal(text(w, "SELECT reason FROM audit WHERE action='user.ban'"), "spam in the chat");
	assert_int_equal(number(w, "SELECT count(*) FROM subscriptions WHERE enabled=1"), 0);
	say(w, OWNER, "/unban 2000");
	assert_false(is_banned(w));
	tap(w, OWNER, yes); /* used */
	assert_says(w, "admin.too_late");
	assert_false(is_banned(w));
	tap(w, OWNER, "yes:ABCDEFGHJKMNPQRS"); /* forged */
	assert_says(w, "admin.too_late");
}

/* Each of them, by command or button: nothing at the first press, nothing at a stale second one, done at a fresh one. */
static void test_every_dangerous_act_asks(void **state)
{
	static const struct { const char *press, *what; bool is_tap; } acts[] = {
		{ "/extend 2000 7", "SELECT expires_ms FROM subscriptions WHERE id=1", false },
		{ "/limit 2000 120", "SELECT quota_bytes FROM subscriptions WHERE id=1", false },
		{ "/limit 2000 devices 5", "SELECT limit_ip FROM subscriptions WHERE id=1", false },
		{ "/limit 2000 email anna_home", "SELECT count(*) FROM accesses WHERE rename='anna_home'", false },
		{ "/reset 2000", "SELECT reset_rev FROM subscriptions WHERE id=1", false },
		{ "a_grant:%s:1", "SELECT count(*) FROM subscriptions", true },
		{ "a_client:%b:ips_clear", "SELECT count(*) FROM jobs WHERE kind='panel_ask' AND subject LIKE '%:ips_clear:%'", true },
		{ "a_grants:1:1", "SELECT count(*) FROM grant_lists WHERE started_ms>0", true },
		{ "/refund %o", "SELECT count(*) FROM payments WHERE state='refunding'", false },
		{ "a_sus:2:keep", "SELECT count(*) FROM suspense WHERE state='open'", true },
		{ "a_plset:1:sale", "SELECT on_sale FROM plans WHERE id=1", true },
		{ "a_plset:1:delete", "SELECT deleted_ms>0 FROM plans WHERE id=1", true },
		{ "/ban 2000", "SELECT banned FROM users WHERE telegram_id=2000", false },
		{ "/panel_del 1", "SELECT count(*) FROM panels WHERE deleted_ms=0", false },
		{ "/panel_del 2", "SELECT count(*) FROM panels WHERE deleted_ms=0", false },
	};
	struct world *w = *state;

	furnish(w);
	add_panel(w, "Berlin", "https://panel.example.net:2053/x"); /* nobody's clients on it */
	say(w, OWNER, "/grant 2000 1001"); /* list 1 */
	for (size_t i = 0; i < countof(acts); i++) {
		bool wants_reason = str_has(str_of(acts[i].press), "%o");
		const char *press = wants_reason ? arena_printf(&w->arena, "/refund %s", text(w, "SELECT public_id FROM orders ORDER BY id LIMIT 1")) :
			str_has(str_of(acts[i].press), "%b") ? arena_printf(&w->arena, "a_client:%s:ips_clear", text(w, "SELECT public_id FROM subscriptions")) :
			str_has(str_of(acts[i].press), "%s") ? arena_printf(&w->arena, "a_grant:%s:1", text(w, "SELECT public_id FROM users WHERE telegram_id=2000")) : acts[i].press;
		int64_t before = number(w, acts[i].what);

		for (int stale = 1; stale >= 0; stale--) {
			const char *yes;

			(acts[i].is_tap ? tap : say)(w, OWNER, press);
			if (wants_reason)
				say(w, OWNER, "it never worked");
			yes = button(w, "yes:");
			wait_ms(w, stale ? 5 * MINUTE_MS : 1);
			if (number(w, acts[i].what) != before)
				fail_msg("%s does not ask", press);
			tap(w, OWNER, yes);
			if ((number(w, acts[i].what) == before) != stale)
				fail_msg("%s, a %s press", press, stale ? "stale" : "fresh");
		}
	}
}

/* --- the book --- */

static void test_audit(void **state)
{
	static const struct { const char *does, *action; } acts[] = {
		{ "/panel_set 1 priority 3", "panel.set" }, { "/online", "panel.online" }, { "/health", "panel.health" }, { "/maintenance on", "settings.set" },
	};
	struct world *w = *state;
	int64_t owner;

	furnish(w);
	owner = person_row(w, OWNER).id;
	for (size_t i = 0; i < countof(acts); i++) {
		int64_t rows = number(w, "SELECT count(*) FROM audit");

		say(w, OWNER, acts[i].does);
		assert_int_equal(number(w, "SELECT count(*) FROM audit"), rows + 1);
		assert_string_equal(text(w, "SELECT action FROM audit ORDER BY id DESC LIMIT 1"), acts[i].action);
		assert_int_equal(number(w, "SELECT actor_id FROM audit ORDER BY id DESC LIMIT 1"), owner);
	}
	say(w, OWNER, "/audit");
	assert_heard(w, "priority=3");
	say(w, ANNA, "/online"); /* R080: refused, and nothing done */
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE actor_id=(SELECT id FROM users WHERE telegram_id=2000)"), 0);
	assert_int_equal(audit_add(&w->a, owner, "x", "y", "my uuid 6f9619ff-8b86-4011-b42d-00c04fc964ff", NULL), OK);
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE reason LIKE '%6f9619ff%'"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_tables, "R276"),
		with_world(test_every_command, ""),
		with_world(test_every_command_in_an_empty_shop, ""),
		with_world(test_every_button, ""),
		with_world(test_strangers_see_nothing, "R276"),
		with_world(test_second_press, "R281"),
		with_world(test_every_dangerous_act_asks, "R281"),
		with_world(test_audit, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
