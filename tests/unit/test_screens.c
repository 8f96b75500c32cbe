/* The screens as a whole: every button walked in both languages, the tables, forged taps, ways in, people as they are. */
#include "tests/unit/screens_world.h"

/* --- the walk: every button that can be reached is tapped once --- */

static bool verb_is_known(struct str data)
{
	const struct router_tables *all[ROUTER_TABLES_MAX];
	size_t n = router_tables(all);
	struct callback c = callback_read(data);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < all[i]->verbs_count; k++)
			if (str_is(c.verb, all[i]->verbs[k].verb))
				return true;
	return false;
}

struct walk {
	char seen[TAPS_MAX][TG_BUTTON_DATA_BYTES_MAX + 1];
	size_t count;
};

/* What ends the state that is walked through is not tapped: second presses, payments' end, language. */
static bool is_left_out(struct str data)
{
	static const char *const beginnings[] = { "cancel:", "lang:", "trial", "buy:", "pay:", "renewpay:" };
	struct callback c = callback_read(data);

	for (size_t i = 0; i < countof(beginnings); i++)
		if (str_starts(data, beginnings[i]))
			return true;
	return (str_is(c.verb, "revoke") || str_is(c.verb, "newlink")) && c.arg.len;
}

static bool is_new(struct walk *k, struct str data)
{
	for (size_t i = 0; i < k->count; i++)
		if (str_is(data, k->seen[i]))
			return false;
	assert_true(k->count < TAPS_MAX);
	snprintf(k->seen[k->count++], sizeof k->seen[0], "%.*s", STR_ARG(data));
	return true;
}

static void check_message(const struct botapi_message *m)
{
	assert_true(m->text.len || m->photo.len || m->invoice_stars);
	for (size_t i = 0; i < m->buttons_count; i++) {
		const struct botapi_button *b = &m->buttons[i];

		assert_true(b->text.len > 0);
		assert_true(b->data.len <= TG_BUTTON_DATA_BYTES_MAX);
		if (b->data.len && !verb_is_known(b->data))
			fail_msg("nobody knows the button %.*s", STR_ARG(b->data));
	}
}

static bool tap_something_new(int64_t user, struct walk *k)
{
	for (size_t i = botapi_messages_count(w.telegram, user); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(w.telegram, user, i);

		if (!m->from_bot || m->deleted)
			continue;
		check_message(m);
		for (size_t b = 0; b < m->buttons_count; b++)
			if (m->buttons[b].data.len && !is_left_out(m->buttons[b].data) && is_new(k, m->buttons[b].data)) {
				botapi_tap_data(w.telegram, user, m->id, k->seen[k->count - 1]);
				run_ms(1200);
				if (!botapi_toast(w.telegram, user).at)
					fail_msg("%s: the button goes on turning", k->seen[k->count - 1]);
				return true;
			}
	}
	return false;
}

static size_t walk(int64_t user)
{
	static const char *const commands[] = { "/start", "/plans", "/my", "/renew", "/invite", "/language", "/help", "/support", "/paysupport",
		"/terms", "/id", "/nothing", "hello" };
	struct walk *k = arena_new(&w.arena, struct walk);
	char *unknown;

	say(user, "/nothing");
	unknown = str_dup(&w.arena, last(user)->text);
	for (size_t i = 0; i < countof(commands); i++) {
		say(user, commands[i]);
		check_message(last(user));
		if (i < countof(commands) - 2 && str_is(last(user)->text, unknown))
			fail_msg("nobody knows %s", commands[i]);
	}
	while (tap_something_new(user, k))
		;
	assert_clean();
	return k->count;
}

static void walk_states(const char *language)
{
	static const char *const states[] = {
		"UPDATE subscriptions SET used_bytes=0, used_seen_ms=1793612000000",
		"UPDATE subscriptions SET used_bytes=quota_bytes, used_seen_ms=1793612000000 WHERE quota_bytes>0",
		"UPDATE subscriptions SET used_bytes=5, expires_ms=1793612000000+86400000",
		"UPDATE subscriptions SET expires_ms=1793612000000-1, grace_until_ms=1793612000000+86400000*3",
		"UPDATE subscriptions SET grace_until_ms=0",
		"UPDATE subscriptions SET enabled=0",
		"UPDATE plans SET on_sale=0",
		"UPDATE panels SET state='down'",
		"INSERT INTO settings(key, value) VALUES('support', '@boss & co'), ('terms', 'Be <kind>.'), ('referral_days', '0'), ('maintenance', '1')",
	};
	int64_t anna = person("Anna", language);

	assert_true(walk(anna) > 8);      /* knows nobody, may try */
	tap(anna, "trial");
	walk(anna);                       /* trial */
	tap(anna, "buy:2:stars");
	walk(anna);                       /* an open order */
	buys(anna, "2");                  /* trial becomes a purchase without end */
	buys(anna, "1");                  /* and a second one */
	assert_int_equal(count("SELECT count(*) FROM subscriptions"), 2);
	assert_true(walk(anna) > 25);
	for (size_t i = 0; i < countof(states); i++) {
		sql(states[i]);
		walk(anna);
	}
}

static void test_walk_english(void **state)
{
	(void)state;
	walk_states("en");
}

static void test_walk_russian(void **state)
{
	(void)state;
	walk_states("ru");
}

/* --- tables --- */

static size_t times(const struct router_tables **all, size_t n, const char *kind, const char *name)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; *kind == 'c' && k < all[i]->commands_count; k++)
			found += strcmp(all[i]->commands[k].name, name) == 0;
		for (size_t k = 0; *kind == 'v' && k < all[i]->verbs_count; k++)
			found += strcmp(all[i]->verbs[k].verb, name) == 0;
		for (size_t k = 0; *kind == 'd' && k < all[i]->dialogues_count; k++)
			found += strcmp(all[i]->dialogues[k].name, name) == 0;
	}
	return found;
}

static void test_tables(void **state)
{
	const struct router_tables *all[ROUTER_TABLES_MAX];
	size_t n = router_tables(all);
	char data[TG_BUTTON_DATA_BYTES_MAX + 1];

	(void)state;
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < all[i]->commands_count; k++) {
			const struct command_row *row = &all[i]->commands[k];

			assert_int_equal(times(all, n, "c", row->name), 1);
			assert_true(!row->menu_key || i18n_has(w.texts, row->menu_key));
			assert_non_null(row->run);
		}
		for (size_t k = 0; k < all[i]->verbs_count; k++) {
			assert_int_equal(times(all, n, "v", all[i]->verbs[k].verb), 1);
			assert_null(strchr(all[i]->verbs[k].verb, ':'));
			/* the longest we build: a public id, and a stamp with a revision or a plan with a provider */
			callback_build(data, all[i]->verbs[k].verb, "0123456789", "1793612000.9223372036854775807");
		}
		for (size_t k = 0; k < all[i]->dialogues_count; k++)
			assert_int_equal(times(all, n, "d", all[i]->dialogues[k].name), 1);
	}
}

static void test_callback(void **state)
{
	static const struct { const char *verb, *id, *arg, *data; } cases[] = {
		{ "home", NULL, NULL, "home" },
		{ "plan", "7", NULL, "plan:7" },
		{ "renewpay", "A7K29QX4M1", "12.stars", "renewpay:A7K29QX4M1:12.stars" },
		{ "x", NULL, "a:b", "x::a:b" },
	};
	char data[TG_BUTTON_DATA_BYTES_MAX + 1];
	struct callback c;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_true(str_is(callback_build(data, cases[i].verb, cases[i].id, cases[i].arg), cases[i].data));
		c = callback_read(str_of(cases[i].data));
		assert_true(str_is(c.verb, cases[i].verb));
		assert_true(str_is(c.id, cases[i].id ? cases[i].id : ""));
		assert_true(str_is(c.arg, cases[i].arg ? cases[i].arg : ""));
	}
	c = callback_read(STR(""));
	assert_int_equal(c.verb.len + c.id.len + c.arg.len, 0);
}

/* --- what was tapped is not what is --- */

static void test_forged(void **state)
{
	static const struct { const char *before, *behind; bool is_order; } forms[] = {
		{ "sub:", "", false }, { "link:", "", false }, { "qr:", "", false }, { "newlink:", "", false }, { "revoke:", "", false },
		{ "newlink:", ":1793612000.1", false }, { "revoke:", ":1793612000.1", false }, { "renew:", "", false }, { "renew:", ":1", false },
		{ "renewpay:", ":1.stars", false }, { "renewpay:", ":x.y", false }, { "connect:", "", false }, { "connect:", ":ios", false },
		{ "order:", "", true }, { "pay:", ":stars", true }, { "cancel:", "", true },
		{ "nothing:", "", false }, { "plan:", "", false }, { "buy:", ":stars", false }, { "secret:", "", false }, { "answer:", "", false },
		{ "sub:::", "", false }, { "::", "", false }, { "plan:99999999999999999999", "", false },
	};
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en");
	char *sub, *order;

	(void)state;
	buys(anna, "1");
	say(boris, "/start");
	sub = sub_of(anna);
	order = text_of("SELECT public_id FROM orders");
	for (size_t i = 0; i < countof(forms); i++) {
		char *data = arena_printf(&w.arena, "%s%s%s", forms[i].before, forms[i].is_order ? order : sub, forms[i].behind);

		botapi_clear_calls(w.telegram);
		tap(boris, data);
		if (!str_is(botapi_toast(w.telegram, boris), "This button is old. Here is the current state."))
			fail_msg("%s: %.*s", data, STR_ARG(botapi_toast(w.telegram, boris)));
		assert_shows(live_message(boris), "Hello, Boris.");
		assert_int_equal(botapi_calls(w.telegram, "sendmessage") + botapi_calls(w.telegram, "sendphoto") + botapi_calls(w.telegram, "sendinvoice"), 0);
	}
	assert_int_equal(secrets_shown, 0);
	assert_int_equal(count("SELECT count(*) FROM orders"), 1);
	assert_int_equal(count("SELECT count(*) FROM subscriptions WHERE gone=0 AND revision=1"), 1);
}

/* R194: another plan's number buys that plan as it is sold, or nothing. */
static void test_forged_plan(void **state)
{
	int64_t anna = person("Anna", "en");
	char *sub;

	(void)state;
	say(anna, "/start");
	tap(anna, "buy:3:stars"); /* a trial */
	assert_shows(live_message(anna), "This plan is no longer sold.");
	tap(anna, "buy:4:stars"); /* withdrawn */
	assert_shows(live_message(anna), "This plan is no longer sold.");
	tap(anna, "buy:77:stars");
	assert_shows(live_message(anna), "This plan is no longer sold.");
	tap(anna, "buy:1:nobody");
	assert_shows(live_message(anna), "Hello, Anna."); /* no such way: redrawn, and nothing was ordered */
	assert_int_equal(count("SELECT count(*) FROM orders"), 0);
	assert_int_equal(count("SELECT count(*) FROM invoices"), 0);
	buys(anna, "1");
	sub = sub_of(anna);
	tap(anna, arena_printf(&w.arena, "renewpay:%s:3.stars", sub));
	tap(anna, arena_printf(&w.arena, "renewpay:%s:4.stars", sub));
	tap(anna, arena_printf(&w.arena, "renew:%s:3", sub));
	assert_int_equal(count("SELECT count(*) FROM orders"), 1);
	tap(anna, arena_printf(&w.arena, "renewpay:%s:2.stars", sub));
	assert_int_equal(last(anna)->invoice_stars, 2500); /* plan 2 at plan 2's price, nothing of plan 1's */
	assert_int_equal(count("SELECT quota_bytes FROM subscriptions"), 107374182400);
	assert_int_equal(count("SELECT days+quota_bytes FROM orders WHERE plan_id=2"), 0);
}

/* A price that changed meanwhile is shown before it is paid. */
static void test_second_press(void **state)
{
	static const struct { const char *verb, *changed; } cases[] = {
		{ "newlink", "SELECT count(*) FROM subscriptions WHERE revision>1" },
		{ "revoke", "SELECT count(*) FROM subscriptions WHERE gone=1" },
	};
	int64_t anna = person("Anna", "en");

	(void)state;
	buys(anna, "1");
	say(anna, "/my");
	for (size_t i = 0; i < countof(cases); i++) {
		char *ask = arena_printf(&w.arena, "%s:%s", cases[i].verb, sub_of(anna)), *uuid, *yes;
		const char *changed = cases[i].changed;

		tap(anna, ask);
		assert_shows(live_message(anna), "•");
		yes = str_dup(&w.arena, button_of(live_message(anna), ask)->data);
		assert_int_equal(count(changed), 0);
		memnet_advance_ms(w.net, CONFIRM_MS + SECOND_MS);
		tap(anna, yes); /* too late: asks again */
		assert_int_equal(count(changed), 0);
		assert_shows(live_message(anna), "•");
		yes = str_dup(&w.arena, button_of(live_message(anna), ask)->data);
		tap(anna, yes);
		assert_int_equal(count(changed), 1);
		uuid = text_of("SELECT uuid FROM subscriptions");
		tap(anna, yes); /* a double tap changes nothing more */
		assert_string_equal(text_of("SELECT uuid FROM subscriptions"), uuid);
	}
	say(anna, "/my");
	assert_shows(live_message(anna), "You have no subscription yet.");
}

/* --- the way in --- */

static void test_start_payloads(void **state)
{
	static const char invited[] = "SELECT count(*) FROM users WHERE referred_by=(SELECT min(id) FROM users)";
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en"), vera = person("Vera", "en"), gleb = person("Gleb", "en");
	char *code;

	(void)state;
	say(anna, "/invite");
	code = text_of("SELECT referral_code FROM users");
	say(anna, arena_printf(&w.arena, "/start r_%s", code)); /* her own */
	say(boris, arena_printf(&w.arena, "/start r_%s", code));
	assert_shows(live_message(boris), "a friend has invited you");
	say(vera, arena_printf(&w.arena, "/start %s", code)); /* without prefix */
	say(gleb, code);                                      /* typed by hand */
	assert_shows(live_message(gleb), "a friend has invited you");
	assert_int_equal(count(invited), 3);
	say(boris, "/start r_00000000");
	say(boris, "/start r_");
	say(gleb, "/invite");
	say(boris, arena_printf(&w.arena, "/start r_%s", text_of("SELECT referral_code FROM users ORDER BY id DESC"))); /* a second code */
	assert_int_equal(count("SELECT count(*) FROM users WHERE referred_by IS NULL"), 1);
	assert_int_equal(count(invited), 3); /* the first one stays */
	say(anna, "/start p_2");
	assert_shows(live_message(anna), "Endless <b>&");
	say(anna, "/start p_4");
	assert_shows(live_message(anna), "This plan is no longer sold.");
	say(anna, "/start a_00000000000000000000000000");
	assert_shows(live_message(anna), "This claim link has been used or is too old.");
	say(anna, "/start zz_/../'\"");
	assert_shows(live_message(anna), "Hello, Anna.");
	say(anna, "/invite");
	assert_shows(live_message(anna), arena_printf(&w.arena, "https://t.me/" BOTAPI_USERNAME "?start=r_%s", code));
	assert_shows(live_message(anna), "3 friends have come so far, 0 bought.");
	assert_int_equal(count("SELECT count(*) FROM users"), 4); /* one row each, however often they started (R241) */
	assert_clean();
}

static char claim_code[ADMIN_CLAIM_CHARS + 1];

static enum err make_claim(struct act *a)
{
	return admin_claim_create(claim_code, a);
}

static void test_admin_claim(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	inside(make_claim);
	say(anna, "/start");
	botapi_clear_calls(w.telegram);
	say(anna, arena_printf(&w.arena, "/start a_%s", claim_code));
	assert_shows(live_message(anna), "You are now an admin of this shop.");
	assert_int_equal(botapi_calls(w.telegram, "setmycommands"), 1);
	assert_true(botapi_commands(w.telegram, "chat", anna, "").len > 0);
	tap(anna, "secret:1");
	assert_int_equal(secrets_shown, 1);
}

static void test_language(void **state)
{
	int64_t anna = person("Anna", "de"), olga = person("Olga", "ru-RU");

	(void)state;
	say(anna, "/start");
	assert_shows(live_message(anna), "Hello, Anna."); /* no German: the default */
	say(olga, "/start");
	assert_shows(live_message(olga), "Здравствуйте");
	say(anna, "/language");
	assert_non_null(botapi_find_button(live_message(anna), "Русский"));
	tap(anna, "lang:ru");
	assert_true(str_is(botapi_toast(w.telegram, anna), "Язык изменён"));
	assert_shows(live_message(anna), "Здравствуйте");
	say(anna, "/help"); /* and stays, whatever Telegram says hers is */
	assert_shows(live_message(anna), "что есть и сколько стоит");
	tap(anna, "lang:xx");
	assert_shows(live_message(anna), "Выберите язык");
}

static void test_menus(void **state)
{
	(void)state;
	run_ms(3000);
	assert_true(str_has(botapi_commands(w.telegram, "all_private_chats", 0, ""), "Plans and prices"));
	assert_true(str_has(botapi_commands(w.telegram, "all_private_chats", 0, "ru"), "Тарифы и цены"));
	assert_false(str_has(botapi_commands(w.telegram, "all_private_chats", 0, ""), "panel"));
}

/* --- people as they are --- */

static void test_names(void **state)
{
	static const char *const names[] = { "<b>Tom</b> & \"Co\"", "علی رضا", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦", "   ", "{{name}}", "\xE2\x80\xAE" "evil" };
	char *longest = arena_alloc(&w.arena, 1300);

	(void)state;
	for (size_t i = 0; i < 300; i++)
		memcpy(longest + 4 * i, "😀", 4);
	for (size_t i = 0; i <= countof(names); i++) {
		int64_t user = person(i < countof(names) ? names[i] : longest, "en");

		say(user, "/start");
		assert_shows(live_message(user), "Here you buy access");
	}
	assert_clean();
}

/* --- banned --- */

#define CLOSED "The shop has closed this account."

static int64_t banned_id;

static enum err ban(struct act *a)
{
	return user_set_banned(a, banned_id, true);
}

static enum err unban(struct act *a)
{
	return user_set_banned(a, banned_id, false);
}

/* All that somebody's doing may change; ids of updates are remembered, and when people were seen. */
static char *everything(void)
{
	return text_of("SELECT (SELECT group_concat(json_array(id, lang, lang_chosen, is_admin, banned, referred_by, dialogue)) FROM users)"
		" || coalesce((SELECT group_concat(json_array(user_id, message_id)) FROM live_messages), '')"
		" || (SELECT group_concat(json_array(id, user_id, plan_id, uuid, expires_ms, enabled, gone, revision)) FROM subscriptions)"
		" || (SELECT group_concat(json_array(id, state, plan_id, panel_id, reserved_until_ms)) FROM orders)"
		" || (SELECT group_concat(json_array(id, state, provider)) FROM invoices)"
		" || (SELECT json_array(count(*), (SELECT count(*) FROM payments), (SELECT count(*) FROM jobs), (SELECT count(*) FROM trials),"
		" (SELECT count(*) FROM link_codes)) FROM accesses)");
}

static void is_told_so(int64_t user, const char *text)
{
	size_t before = botapi_messages_count(w.telegram, user);

	say(user, text);
	if (botapi_messages_count(w.telegram, user) != before + 2 || !str_is(last(user)->text, CLOSED) || last(user)->buttons_count)
		fail_msg("%s: %.*s", text, STR_ARG(last(user)->text));
}

static void is_toasted_so(int64_t user, const char *data)
{
	botapi_clear_calls(w.telegram);
	tap(user, data);
	if (botapi_calls(w.telegram, NULL) != botapi_calls(w.telegram, "answercallbackquery") + botapi_calls(w.telegram, "getupdates") ||
	    !str_is(botapi_toast(w.telegram, user), CLOSED))
		fail_msg("%s: %.*s", data, STR_ARG(botapi_toast(w.telegram, user)));
}

/* Every verb with what is theirs: a subscription, an order, a plan; each with what may follow. */
static void taps_everything(int64_t user, const char *sub, const char *order)
{
	const char *const ids[] = { sub, order, "1", "ru" };
	const char *const args[] = { NULL, "stars", "2.stars", arena_printf(&w.arena, "%lld.2", (long long)(memnet_now_ms(w.net) / SECOND_MS)) };
	const struct router_tables *all[ROUTER_TABLES_MAX];
	size_t n = router_tables(all);
	char data[TG_BUTTON_DATA_BYTES_MAX + 1];

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < all[i]->verbs_count; k++)
			for (size_t p = 0; p < countof(ids) * countof(args); p++) {
				callback_build(data, all[i]->verbs[k].verb, ids[p / countof(args)], args[p % countof(args)]);
				is_toasted_so(user, data);
			}
}

static void says_everything(int64_t user, const char *friends_code)
{
	const char *const words[] = { "hello", LINK, friends_code, arena_printf(&w.arena, "/start r_%s", friends_code), "/start p_1", "/start o_1", "/start a_1", "/nothing" };
	const struct router_tables *all[ROUTER_TABLES_MAX];
	size_t n = router_tables(all);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < all[i]->commands_count; k++)
			is_told_so(user, arena_printf(&w.arena, "/%s 1", all[i]->commands[k].name));
		for (size_t k = 0; k < all[i]->dialogues_count; k++) {
			sql(arena_printf(&w.arena, "UPDATE users SET dialogue='%s' WHERE banned=1", all[i]->dialogues[k].name));
			is_told_so(user, LINK);
			assert_string_equal(text_of("SELECT dialogue FROM users WHERE banned=1"), all[i]->dialogues[k].name);
			sql("UPDATE users SET dialogue=NULL WHERE banned=1");
		}
	}
	for (size_t i = 0; i < countof(words); i++)
		is_told_so(user, words[i]);
}

/* R283: one short text, and nothing else: no command, button, dialogue, link, nor the invoice that was open. */
static void test_banned(void **state)
{
	int64_t anna = person("Anna", "en"), boris = person("Boris", "en"), invoice;
	char *before, *sub;
	int checkout;

	(void)state;
	say(boris, "/invite");
	buys(anna, "1");
	sub = sub_of(anna);
	say(anna, "/plans");
	tap(anna, "buy:2:stars");
	invoice = last(anna)->id;
	assert_int_equal(last(anna)->invoice_stars, 2500);
	banned_id = count("SELECT id FROM users WHERE first_name='Anna'");
	inside(ban);
	run_ms(10000);
	before = everything();
	says_everything(anna, text_of("SELECT referral_code FROM users WHERE first_name='Boris'"));
	taps_everything(anna, sub, text_of("SELECT public_id FROM orders WHERE state='open'"));
	checkout = botapi_pay(w.telegram, anna, invoice);
	run_ms(5000);
	assert_int_equal(botapi_checkout_state(w.telegram, checkout), BOTAPI_CHECKOUT_REFUSED);
	assert_int_equal(secrets_shown, 0);
	assert_string_equal(everything(), before);
	inside(unban);
	run_ms(10000);
	say(anna, "/my");
	assert_shows(live_message(anna), "Month – active");
	assert_int_not_equal(botapi_pay(w.telegram, anna, invoice), 0);
	run_ms(5000);
	assert_int_equal(count("SELECT count(*) FROM payments"), 2);
}

static void test_blocked_the_bot(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	botapi_block(w.telegram, anna);
	run_ms(3000);
	assert_int_equal(count("SELECT reachable FROM users"), 0);
	botapi_unblock(w.telegram, anna);
	run_ms(3000);
	assert_int_equal(count("SELECT reachable FROM users"), 1);
}

static void test_groups(void **state)
{
	int64_t anna = person("Anna", "en"), group = botapi_group_new(w.telegram, "Team", true);
	size_t before;

	(void)state;
	botapi_user_add(w.telegram, ADMIN_ID, "Boss", "boss", "en");
	before = botapi_messages_count(w.telegram, group);
	botapi_say_in(w.telegram, group, anna, "/start");
	botapi_say_in(w.telegram, group, anna, "/do");
	botapi_say_in(w.telegram, group, anna, "/id");
	botapi_say_in(w.telegram, group, ADMIN_ID, "/my");           /* his link is nobody's business here */
	botapi_say_in(w.telegram, group, ADMIN_ID, "/id@otherbot");
	run_ms(3000);
	assert_int_equal(botapi_messages_count(w.telegram, group), before + 5);
	assert_int_equal(count("SELECT count(*) FROM users WHERE telegram_id<>900"), 0);
	botapi_say_in(w.telegram, group, ADMIN_ID, "/id");
	run_ms(3000);
	assert_shows(last(group), "This chat:");
}

/* R276, as far as these tables go: the same answer as for a command that does not exist. */
static void test_admin_rows_are_unknown(void **state)
{
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/do");
	assert_shows(last(anna), "I do not know this command.");
	say(anna, "/nothing");
	assert_shows(last(anna), "I do not know this command.");
	sql("UPDATE users SET dialogue='answer:0123456789'");
	say(anna, "text for somebody");
	assert_shows(live_message(anna), "I understand commands and buttons.");
	assert_int_equal(count("SELECT count(*) FROM users WHERE dialogue IS NOT NULL"), 0);
}

static void test_maintenance(void **state)
{
	static const char *const tries[] = { "buy:1:stars", "trial" };
	int64_t anna = person("Anna", "en");

	(void)state;
	say(anna, "/start");
	sql("INSERT INTO settings(key, value) VALUES('maintenance', '1')");
	for (size_t i = 0; i < countof(tries); i++) {
		tap(anna, tries[i]);
		assert_shows(live_message(anna), "The shop is being looked after");
	}
	assert_int_equal(count("SELECT count(*) FROM orders"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_walk_english, "R277"),
		with_world(test_walk_russian, "R277"),
		with_world(test_tables, ""),
		proves(test_callback, ""),
		with_world(test_forged, ""),
		with_world(test_forged_plan, "R194 R183"),
		with_world(test_second_press, ""),
		with_world(test_start_payloads, "R242 R277"),
		with_world(test_admin_claim, ""),
		with_world(test_language, "R277 R278"),
		with_world(test_menus, ""),
		with_world(test_names, ""),
		with_world(test_banned, "R283"),
		with_world(test_blocked_the_bot, ""),
		with_world(test_groups, ""),
		with_world(test_admin_rows_are_unknown, ""),
		with_world(test_maintenance, ""),
	};

	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
