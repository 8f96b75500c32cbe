/* Questions to a person: the next message goes to the admins, whose button answers it here in the chat. */
#include "bot/screens/screens_private.h"

#define QUESTION_POINTS_MAX 2000

/* --- asking --- */

static enum err support_show(struct talk *t)
{
	struct str contact = setting_text(t->a, SETTING_SUPPORT);
	enum err e = talk_expect(t, "support", NULL);
	struct screen s;

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "support.text");
	if (contact.len)
		screen_text(&s, "support.contact", T_STR("contact", contact), T_ID("id", t->user.telegram_id));
	home_row(&s);
	return screen_show(&s);
}

enum err said_support(struct talk *t, struct str args)
{
	(void)args;
	return support_show(t);
}

enum err tap_support(struct talk *t, struct str id, struct str arg)
{
	(void)id;
	(void)arg;
	return support_show(t);
}

struct question {
	const struct user *from;
	struct str text;
};

static enum err send_question(struct screen *s, const struct question *q)
{
	static const struct send_as as = { .lane = LANE_REST, .unknown = UNKNOWN_AGAIN };

	screen_text(s, "support.question", T_STR("name", word_user(s->a, q->from)), T_ID("id", q->from->telegram_id), T_STR("text", q->text));
	screen_button(s, "answer", q->from->public_id, NULL, "button.answer");
	return screen_send(s, &as);
}

static enum err to_admin(struct act *a, const struct user *admin, void *ctx)
{
	struct screen s;

	screen_begin_for(&s, a, admin);
	return send_question(&s, ctx);
}

static enum err to_admins(struct act *a, struct question *q)
{
	int64_t chat_id = setting_i64(a, SETTING_ADMIN_CHAT);
	struct screen s;

	if (!chat_id)
		return user_each_admin(a, to_admin, q);
	screen_begin_chat(&s, a, chat_id, setting_i64(a, SETTING_ADMIN_THREAD), 0);
	return send_question(&s, q);
}

static enum err says(struct talk *t, const char *key)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text_list(&s, key, (const struct i18n_arg[]){ { 0 } });
	home_row(&s);
	return screen_show(&s);
}

enum err typed_support(struct talk *t, struct str state, struct str text)
{
	struct question q = { .from = &t->user, .text = utf8_head(str_trim(text), QUESTION_POINTS_MAX) };
	enum err e;

	(void)state;
	if (!q.text.len) /* a picture without words */
		return says(t, "support.words");
	e = user_draw_ids(t->a, &t->user);
	if (!e)
		e = to_admins(t->a, &q);
	if (!e)
		e = talk_expect_nothing(t);
	return e ? e : says(t, "support.sent");
}

enum err said_paysupport(struct talk *t, struct str args)
{
	struct str contact = setting_text(t->a, SETTING_SUPPORT);
	enum err e = talk_expect(t, "support", NULL);
	struct screen s;

	(void)args;
	if (e)
		return e;
	screen_begin(&s, t);
	if (contact.len)
		screen_text(&s, "paysupport.text", T_STR("contact", contact), T_ID("id", t->user.telegram_id));
	else
		screen_text(&s, "paysupport.here");
	home_row(&s);
	return screen_show(&s);
}

/* --- answering: admins only (tables of screens.c) --- */

static enum err find_asker(struct user *out, struct talk *t, struct str public_id)
{
	int64_t id;
	enum err e = db_get_i64(&id, t->a->tx, "SELECT id FROM users WHERE public_id=?1", public_id);

	return e ? e : user_get(out, t->a, id);
}

enum err tap_answer(struct talk *t, struct str id, struct str arg)
{
	struct user asker;
	struct screen s;
	enum err e = find_asker(&asker, t, id);

	(void)arg;
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	e = talk_expect(t, "answer", asker.public_id);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "support.ask_answer", T_STR("name", word_user(t->a, &asker)));
	return screen_send(&s, NULL);
}

enum err typed_answer(struct talk *t, struct str state, struct str text)
{
	static const struct send_as as = { .lane = LANE_INTERACTIVE, .unknown = UNKNOWN_AGAIN };
	struct user asker;
	struct screen s;
	enum err e = find_asker(&asker, t, state);

	if (!e && !str_trim(text).len)
		return says(t, "support.words");
	if (!e)
		e = talk_expect_nothing(t);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	screen_begin_for(&s, t->a, &asker);
	screen_text(&s, "support.answer", T_STR("text", utf8_head(str_trim(text), QUESTION_POINTS_MAX)));
	screen_button(&s, "support", NULL, NULL, "button.ask_again");
	screen_send(&s, &as);
	screen_begin(&s, t);
	screen_text(&s, "support.answered", T_STR("name", word_user(t->a, &asker)));
	return screen_send(&s, NULL);
}
