/* Small screens, notes in the audit, and messages to all admins. */
#include "bot/admin/admin_private.h"

enum err admin_say(struct talk *t, const char *key)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, key);
	return screen_show(&s);
}

enum err admin_ask(struct talk *t, const char *key, const char *dialogue, const char *state)
{
	enum err e = talk_expect(t, dialogue, state);

	return e ? e : admin_say(t, key);
}

void admin_more(struct screen *s, int64_t more)
{
	if (more > 0)
		screen_text(s, "admin.online.more", T_INT("count", more));
}

enum err admin_wrong_number(struct talk *t, int64_t min, int64_t max)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.plan_add.number_wrong", T_INT("min", min), T_INT("max", max));
	return screen_show(&s);
}

enum err admin_note(struct talk *t, const char *action, const char *kind, const char *id, const char *reason, const char *detail)
{
	return audit_add(t->a, t->user.id, action, arena_printf(t->a->arena, "%s:%s", kind, id), reason, detail);
}

bool admin_is_public(struct talk *t, enum err *e)
{
	if (!t->in_group)
		return false;
	*e = admin_say(t, "error.private_only");
	return true;
}

/* --- to all admins --- */

struct telling {
	admin_draw *draw;
	const void *what;
};

/* A notice that nobody could deliver for a day is history. */
static enum err send_notice(struct screen *s)
{
	return screen_send(s, &(struct send_as){ .lane = LANE_REST, .unknown = UNKNOWN_AGAIN, .expires_ms = s->a->now_ms + DAY_MS });
}

static enum err tell_one(struct act *a, const struct user *admin, void *ctx)
{
	const struct telling *telling = ctx;
	struct screen s;

	screen_begin_for(&s, a, admin);
	telling->draw(&s, telling->what);
	return send_notice(&s);
}

/* A group has no language of its own: that of the first admin is read by all of them. */
static enum err first_lang(struct act *a, const struct user *admin, void *ctx)
{
	int *lang = ctx;

	(void)a;
	if (*lang < 0)
		*lang = admin->lang;
	return OK;
}

static enum err begin_group(struct screen *s, struct act *a, int64_t chat_id, int64_t thread_id)
{
	int lang = -1;
	enum err e = user_each_admin(a, first_lang, &lang);

	if (!e)
		screen_begin_chat(s, a, chat_id, thread_id, lang < 0 ? 0 : lang);
	return e;
}

enum err admin_tell_all(struct act *a, admin_draw *draw, const void *what)
{
	struct telling telling = { .draw = draw, .what = what };
	int64_t chat_id = setting_i64(a, SETTING_ADMIN_CHAT);
	struct screen s;
	enum err e;

	if (!chat_id)
		return user_each_admin(a, tell_one, &telling);
	e = begin_group(&s, a, chat_id, setting_i64(a, SETTING_ADMIN_THREAD));
	if (e)
		return e;
	draw(&s, what);
	return send_notice(&s);
}

enum err admin_begin_chat(struct screen *s, struct act *a, int64_t chat_id)
{
	struct user user;
	enum err e = user_by_telegram(&user, a, chat_id);

	if (e == E_NOTFOUND)
		return begin_group(s, a, chat_id, chat_id == setting_i64(a, SETTING_ADMIN_CHAT) ? setting_i64(a, SETTING_ADMIN_THREAD) : 0);
	if (!e)
		screen_begin_for(s, a, &user);
	return e;
}
