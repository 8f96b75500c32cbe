/* Settings, providers' keys, and who hears alerts. */
#include "tests/unit/admin_world.h"

/* --- settings --- */

static void test_settings(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/settings");
	tap(w, OWNER, button(w, "a_set:grace_hours"));
	say(w, OWNER, "a day");
	assert_heard(w, "0 to 720");
	say(w, OWNER, "48");
	assert_int_equal(setting_i64(&w->a, SETTING_GRACE_HOURS), 48);
	tap(w, OWNER, "a_set:zone");
	say(w, OWNER, "Moscow");
	assert_heard(w, "“Moscow”");
	say(w, OWNER, "Europe/Moscow");
	assert_heard(w, "UTC+3");
	tap(w, OWNER, "a_set:support");
	say(w, OWNER, "a contact that is much too long: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789");
	assert_heard(w, "at most 256");
	say(w, OWNER, "@anna");
	assert_true(str_is(setting_text(&w->a, SETTING_SUPPORT), "@anna"));
	tap(w, OWNER, "a_set:support");
	say(w, OWNER, "@boris");
	tap(w, OWNER, button(w, "a_set:support:undo"));
	assert_says(w, "admin.undone");
	assert_true(str_is(setting_text(&w->a, SETTING_SUPPORT), "@anna"));
	tap(w, OWNER, button(w, "a_set:support:undo")); /* and forward again */
	assert_true(str_is(setting_text(&w->a, SETTING_SUPPORT), "@boris"));
	tap(w, OWNER, "a_set:terms:undo"); /* never changed */
	tap(w, OWNER, "a_set:grace_hours");
	say(w, OWNER, "12");
	tap(w, OWNER, button(w, "a_set:grace_hours:undo"));
	assert_int_equal(setting_i64(&w->a, SETTING_GRACE_HOURS), 48);
	tap(w, OWNER, "a_set:support");
	say(w, OWNER, "-");
	assert_int_equal(setting_text(&w->a, SETTING_SUPPORT).len, 0);
	tap(w, OWNER, "a_set:maintenance");
	assert_int_equal(setting_i64(&w->a, SETTING_MAINTENANCE), 1);
	say(w, OWNER, "/maintenance off");
	assert_int_equal(setting_i64(&w->a, SETTING_MAINTENANCE), 0);
	tap(w, OWNER, "a_set:nosuch");
	assert_int_equal(number(w, "SELECT count(*) FROM audit WHERE action='settings.set'"), 11);
	for (int s = 0; s < SETTINGS_COUNT; s++) /* each row has its place on the screen; the topic goes with its group */
		if (s != SETTING_ADMIN_THREAD) {
			say(w, OWNER, "/settings");
			button(w, arena_printf(&w->arena, "a_set:%s", setting_row((enum setting)s)->key));
		}
}

/* --- providers --- */

#define PAY_KEY "18475:AAH3docExampleTokenForVectors00000"

/* What the provider will say is the job's business; here is what is typed, and who may. */
static void test_provider_key_typed(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/settings");
	tap(w, OWNER, button(w, "a_prov:crypto_pay"));
	assert_heard(w, "needs a key of yours");
	assert_null(find_button(w, "a_prov:crypto_pay:on", 0));
	tap_in(w, GROUP, OWNER, "a_prov:crypto_pay:key");
	assert_says(w, "error.private_only");
	tap(w, OWNER, "a_prov:crypto_pay:key");
	say(w, OWNER, "swordfish");
	assert_heard(w, "deleteMessage");
	assert_heard(w, "does not look like this");
	assert_int_equal(number(w, "SELECT count(*) FROM secrets"), 0);
	say(w, OWNER, PAY_KEY);
	assert_heard(w, "deleteMessage");
	assert_heard(w, "whether it knows the key");
	assert_int_equal(number(w, "SELECT count(*) FROM jobs WHERE kind='pay_probe'"), 1);
	assert_int_equal(number(w, "SELECT count(*) FROM secrets WHERE name='CRYPTO_PAY_TOKEN'"), 0); /* only aside, until the answer */
	assert_false(str_has(buf_str(&w->all), PAY_KEY));
	say(w, OWNER, "hello"); /* no longer a key */
	assert_not_heard(w, "deleteMessage");
	tap(w, OWNER, "a_prov:stars:key");
	tap(w, OWNER, "a_prov:crypto_pay:on"); /* of another time: there is none to switch on */
	assert_heard(w, "needs a key of yours");
	tap(w, ANNA, "a_prov:crypto_pay:off");
	assert_int_equal(number(w, "SELECT count(*) FROM settings WHERE key='provider.crypto_pay'"), 0);
}

/* --- alerts --- */

static void test_alerts_fold(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/audit");
	say(w, SECOND, "/audit");
	for (int i = 0; i < 100; i++)
		assert_int_equal(alert_raise(&w->a, ALERT_WARNING, "panel.down:1", "panel_down", "Amsterdam <1>", "connection refused"), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 1);
	assert_int_equal(w->chats_heard[1], 1);
	assert_int_equal(w->chats_heard[2], 0);
	assert_heard(w, "Amsterdam &lt;1&gt;");
	say(w, OWNER, "/health");
	assert_heard(w, "100 times");
	wait_ms(w, 5 * MINUTE_MS);
	assert_int_equal(alert_clear(&w->a, "panel.down:1", "Amsterdam <1>"), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 1);
	assert_heard(w, "100 times");
	assert_heard(w, "5 minutes");
	assert_int_equal(alert_clear(&w->a, "panel.down:1", "Amsterdam <1>"), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 0);
}

/* Every alert there is has its text, in both languages. */
static void test_alert_texts(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/audit");
	for (size_t i = 0; i < i18n_keys(w->i18n); i++) {
		struct str key = str_of(i18n_key_at(w->i18n, i)), family = str_cut(&key, '.');

		if (!str_is(family, "alert") || str_has(key, ".") || str_is(key, "frame") || str_is(key, "folded") || str_is(key, "clear"))
			continue;
		assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, arena_strndup(&w->arena, key.at, key.len), "subject", "detail"), OK);
		collect(w);
		assert_int_equal(w->chats_heard[0], 1);
	}
}

/* What an admin reads of a name that was taken is a sentence in their language, and no word of ours. */
static void test_taken_name_is_told(void **state)
{
	static const struct { const char *lang, *words; } cases[] = { { "en", "is taken on its panel" }, { "ru", "на его панели уже занято" } };
	struct world *w = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		w->lang = cases[i].lang;
		say(w, OWNER, "/audit");
		assert_int_equal(alert_tell(&w->a, ALERT_WARNING, "rename_taken", "anna_abcdefgh", "anna_home"), OK);
		collect(w);
		assert_heard(w, "<code>anna_abcdefgh</code>");
		assert_heard(w, "<code>anna_home</code>");
		assert_heard(w, cases[i].words);
		assert_not_heard(w, "name_taken");
	}
}

/* Whatever the fleet can write down as the reason is a sentence for people, in their language. */
static void test_reasons_are_sentences(void **state)
{
	static const char *const ours[] = { "inbound_gone", "no_link", "name_taken", "disagrees", "would_be_unlimited", "failing", "crash" };
	struct world *w = *state;

	for (size_t i = 0; i < countof(ours); i++)
		assert_true(i18n_has(w->i18n, arena_printf(&w->arena, "admin.reason.%s", ours[i])));
	for (enum err e = E_NOROOM; e < OK; e++)
		assert_true(i18n_has(w->i18n, arena_printf(&w->arena, "admin.reason.%s", err_name(e))));
	for (enum http_failure f = HTTP_FAIL_NONE + 1; f <= HTTP_FAIL_ABORTED; f++)
		assert_true(i18n_has(w->i18n, arena_printf(&w->arena, "admin.reason.%s", http_failure_name(f))));
}

/* Why an order is stuck: our reasons in the reader's language, a panel's own words as they are, in quotation marks. */
static void test_stuck_order_is_told(void **state)
{
	static const struct { const char *lang, *reason, *words; } cases[] = {
		{ "en", "inbound_gone", "not delivered yet: the inbound it was sold from is no longer on the panel\\n" },
		{ "ru", "inbound_gone", "ещё не выдан: подключения, из которого он продан, на панели больше нет\\n" },
		{ "en", "timeout", "not delivered yet: the panel did not answer in time\\n" },
		{ "ru", "crash", "ещё не выдан: программа несколько раз остановилась во время работы над этим\\n" },
		{ "en", "چیزی <b>", "not delivered yet: “چیزی &lt;b&gt;”\\n" }, { "ru", "Client.tgId", "ещё не выдан: «Client.tgId»\\n" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		w->lang = cases[i].lang;
		say(w, OWNER, "/audit");
		assert_int_equal(alert_raise(&w->a, ALERT_WARNING, "reconcile:1:1", "order_stuck", "A7K2-9QX4-M1", cases[i].reason), OK);
		collect(w);
		assert_heard(w, cases[i].words);
		assert_not_heard(w, "inbound_gone");
		assert_int_equal(alert_clear(&w->a, "reconcile:1:1", "A7K2-9QX4-M1"), OK);
		collect(w);
		assert_heard(w, cases[i].words); /* what is over is named the same */
	}
}

static void test_alert_chat(void **state)
{
	struct world *w = *state;

	say(w, OWNER, "/audit");
	say(w, SECOND, "/audit");
	run(w, "UPDATE users SET reachable=0 WHERE telegram_id=1000"); /* has blocked the bot: the other hears it (R282) */
	assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, "crashed", NULL, NULL), OK);
	collect(w);
	assert_int_equal(w->chats_heard[0], 0);
	assert_int_equal(w->chats_heard[1], 1);
	tap_in(w, GROUP, OWNER, "a_set:admin_chat");
	assert_says(w, "admin.settings.alerts_here");
	assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, "crashed", NULL, NULL), OK);
	collect(w);
	assert_int_equal(w->chats_heard[3], 1);
	assert_int_equal(w->chats_heard[1], 0);
	assert_int_equal(admin_chat_moved(&w->a, GROUP, -1000500), OK);
	assert_int_equal(setting_i64(&w->a, SETTING_ADMIN_CHAT), -1000500);
	assert_int_equal(admin_chat_gone(&w->a, ANNA), OK);
	assert_int_equal(setting_i64(&w->a, SETTING_ADMIN_CHAT), -1000500);
	assert_int_equal(admin_chat_gone(&w->a, -1000500), OK);
	collect(w);
	assert_int_equal(w->chats_heard[1], 1);
	assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, "crashed", NULL, NULL), OK);
	collect(w);
	assert_int_equal(w->chats_heard[1], 1);
}

/* Chosen in a topic: there, and not before everybody in the group. */
static void test_alert_topic(void **state)
{
	struct world *w = *state;
	int64_t id = w->next_id++;

	say(w, OWNER, "/audit");
	update(w, arena_printf(&w->arena, "{\"update_id\":%" PRId64 ",\"callback_query\":{\"id\":\"q\",\"from\":%s,\"data\":\"a_set:admin_chat\",\"message\":{\"message_id\":7,"
		"\"date\":1793614200,\"message_thread_id\":44,\"is_topic_message\":true,\"chat\":{\"id\":%d,\"type\":\"supergroup\",\"is_forum\":true}}}}", id, person(w, OWNER), GROUP));
	assert_int_equal(setting_i64(&w->a, SETTING_ADMIN_THREAD), 44);
	assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, "crashed", NULL, NULL), OK);
	collect(w);
	assert_int_equal(w->chats_heard[3], 1);
	assert_heard(w, "\"message_thread_id\":44");
	tap_in(w, GROUP, OWNER, "a_set:admin_chat"); /* and in the group itself */
	assert_int_equal(alert_tell(&w->a, ALERT_CRITICAL, "crashed", NULL, NULL), OK);
	collect(w);
	assert_not_heard(w, "message_thread_id");
}

static void choose_topic(struct world *w, int64_t topic)
{
	assert_int_equal(setting_set(&w->a, SETTING_ADMIN_CHAT, str_of(arena_printf(&w->arena, "%d", GROUP))), OK);
	assert_int_equal(setting_set(&w->a, SETTING_ADMIN_THREAD, str_of(arena_printf(&w->arena, "%" PRId64, topic))), OK);
}

/* The group has refused this message in this topic. Does it go another way? */
static bool refused_in(struct world *w, int64_t topic, enum lane lane)
{
	struct outgoing lost = { .method = TG_SEND_MESSAGE, .chat_id = GROUP, .lane = lane, .unknown = UNKNOWN_AGAIN };
	bool taken;

	lost.payload = str_of(arena_printf(&w->arena, topic ? "{\"chat_id\":%d,\"text\":\"lost\",\"message_thread_id\":%" PRId64 "}" : "{\"chat_id\":%d,\"text\":\"lost\"}", GROUP, topic));
	assert_int_equal(admin_notice_lost(&w->a, &taken, &lost), OK);
	collect(w);
	return taken;
}

/* That alerts cannot be written is known by an alert that was refused where alerts go now, and by nothing else. */
static void test_refused_elsewhere(void **state)
{
	static const int64_t topics[] = { 0, 44 };
	struct world *w = *state;

	say(w, OWNER, "/audit");
	for (size_t i = 0; i < countof(topics); i++) {
		choose_topic(w, topics[i]);
		assert_false(refused_in(w, 17, LANE_INTERACTIVE)); /* an answer to what was asked in another topic, which is closed */
		assert_int_equal(setting_i64(&w->a, SETTING_ADMIN_CHAT), GROUP);
		assert_int_equal(w->chats_heard[0], 0);
		assert_true(refused_in(w, 43, LANE_REST)); /* an alert that has waited for the topic of before: it goes to that of now */
		assert_int_equal(setting_i64(&w->a, SETTING_ADMIN_CHAT), GROUP);
		assert_int_equal(setting_i64(&w->a, SETTING_ADMIN_THREAD), topics[i]);
		assert_int_equal(w->chats_heard[3], 1);
		assert_int_equal(w->chats_heard[0], 0);
		assert_true(refused_in(w, topics[i], LANE_REST)); /* and one for that */
		assert_int_equal(setting_i64(&w->a, SETTING_ADMIN_CHAT), 0);
		assert_int_equal(w->chats_heard[0], 2); /* itself, and that alerts come here from now on */
		assert_int_equal(w->chats_heard[3], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_settings, ""),
		with_world(test_provider_key_typed, ""),
		with_world(test_alerts_fold, "R128 R282 B48"),
		with_world(test_alert_texts, ""),
		with_world(test_taken_name_is_told, ""),
		with_world(test_reasons_are_sentences, ""),
		with_world(test_stuck_order_is_told, "R021"),
		with_world(test_alert_chat, "R282"),
		with_world(test_alert_topic, ""),
		with_world(test_refused_elsewhere, ""),
	};

	cmocka_set_test_filter(getenv("ONLY")); /* ONLY='test_x*': that one alone */
	return cmocka_run_group_tests_name("admin_settings", tests, NULL, NULL);
}
