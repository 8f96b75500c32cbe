/* Alerts on their way to people. The core folds them: it calls once when a cause begins and once when it is over. */
#include "bot/admin/admin_private.h"

#include <string.h>

static const char *level_key(enum alert_level level)
{
	static const char *const keys[] = { "alert.level.notice", "alert.level.warning", "alert.level.critical" };

	return keys[level];
}

/* Their detail is why a panel's work does not get on. */
static bool tells_reason(const struct alert *alert)
{
	return strcmp(alert->text_key, "order_stuck") == 0 || strcmp(alert->text_key, "panel_down") == 0;
}

static struct i18n_arg detail_of(const struct screen *s, const struct alert *alert)
{
	if (tells_reason(alert))
		return T_HTML("detail", admin_reason_text(s, alert->detail));
	return T_STR("detail", alert->detail ? alert->detail : "");
}

static struct str alert_text(const struct screen *s, const struct alert *alert)
{
	const char *key = arena_printf(s->a->arena, "alert.%s", alert->text_key);

	return i18n_text_new(s->a->arena, &s->to, key, (const struct i18n_arg[]){ T_STR("subject", alert->subject ? alert->subject : "–"),
		detail_of(s, alert), T_INT("count", alert->count), T_MOMENT("at", alert->last_ms), { 0 } });
}

static void draw_alert(struct screen *s, const void *what)
{
	const struct alert *alert = what;
	struct str text = alert_text(s, alert);

	if (!alert->over) {
		screen_text(s, "alert.frame", T_KEY("level", level_key(alert->level)), T_HTML("text", text));
		return;
	}
	screen_text(s, "alert.clear", T_HTML("text", text), T_SPAN("span", s->a->now_ms - alert->first_ms));
	if (alert->count > 1)
		screen_text(s, "alert.folded", T_INT("count", alert->count), T_MOMENT("since", alert->first_ms), T_MOMENT("last", alert->last_ms));
}

enum err admin_alert(struct act *a, const struct alert *alert)
{
	return admin_tell_all(a, draw_alert, alert);
}

/* --- the alert chat itself --- */

static void draw_chat_gone(struct screen *s, const void *what)
{
	(void)what;
	screen_text(s, "admin.settings.alerts_gone");
}

enum err admin_chat_gone(struct act *a, int64_t chat_id)
{
	enum err e;

	if (!chat_id || chat_id != setting_i64(a, SETTING_ADMIN_CHAT))
		return OK;
	e = setting_set(a, SETTING_ADMIN_CHAT, STR("0"));
	if (!e)
		e = setting_set(a, SETTING_ADMIN_THREAD, STR("0"));
	if (!e)
		e = audit_add(a, 0, "settings.set", "setting:admin_chat", NULL, "0");
	return e ? e : admin_tell_all(a, draw_chat_gone, NULL);
}

/* The same message in another chat, and in none of its topics unless thread_id says so. */
static enum err send_copy(struct act *a, const struct outgoing *lost, int64_t chat_id, int64_t thread_id)
{
	struct outgoing copy = *lost;
	struct json_object *o;
	enum err e = json_parse(&o, lost->payload);

	if (e)
		return e;
	json_object_object_add(o, "chat_id", json_object_new_int64(chat_id));
	json_object_object_del(o, "message_thread_id");
	if (thread_id)
		json_object_object_add(o, "message_thread_id", json_object_new_int64(thread_id));
	copy.chat_id = chat_id;
	copy.payload = str_of(arena_strdup(a->arena, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	json_object_put(o);
	outbox_add(a, &copy);
	return OK;
}

struct rescue {
	const struct outgoing *lost;
	bool *taken;
};

static enum err copy_to_one(struct act *a, const struct user *admin, void *ctx)
{
	const struct rescue *rescue = ctx;

	if (!admin->reachable)
		return OK;
	*rescue->taken = true;
	return send_copy(a, rescue->lost, admin->telegram_id, 0);
}

static enum err topic_of(int64_t *thread_id, const struct outgoing *o)
{
	struct json_object *payload;
	enum err e = json_parse(&payload, o->payload);

	if (e)
		return e;
	*thread_id = json_i64_at(payload, "message_thread_id", 0);
	json_object_put(payload);
	return OK;
}

/* What goes to a group without anybody there having asked is for the admins, also when the group is no longer set. Only one
 * that was refused in the very topic where alerts go now says that they cannot go there: an answer may have been asked for in
 * another one, and an alert may have waited for the one of before. */
enum err admin_notice_lost(struct act *a, bool *taken, const struct outgoing *lost)
{
	struct rescue rescue = { .lost = lost, .taken = taken };
	int64_t thread_id, chat_id;
	enum err e;

	*taken = false;
	if (lost->chat_id > 0 || lost->lane != LANE_REST)
		return OK;
	e = topic_of(&thread_id, lost);
	if (!e && thread_id == setting_i64(a, SETTING_ADMIN_THREAD))
		e = admin_chat_gone(a, lost->chat_id);
	if (e)
		return e;
	chat_id = setting_i64(a, SETTING_ADMIN_CHAT);
	if (!chat_id)
		return user_each_admin(a, copy_to_one, &rescue);
	*taken = true;
	return send_copy(a, lost, chat_id, setting_i64(a, SETTING_ADMIN_THREAD));
}

enum err admin_chat_moved(struct act *a, int64_t chat_id, int64_t to_chat_id)
{
	if (!chat_id || chat_id != setting_i64(a, SETTING_ADMIN_CHAT))
		return OK;
	return setting_set(a, SETTING_ADMIN_CHAT, str_of(word_number(a, to_chat_id)));
}
