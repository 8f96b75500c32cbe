/* Language, help, terms, ids. */
#include "bot/screens/screens_private.h"

#include "bot/shop/account.h"

/* --- language --- */

static enum err language_show(struct talk *t, const char *note_key)
{
	const struct i18n *texts = t->a->shared->i18n;
	struct screen s;

	screen_begin(&s, t);
	screen_text_list(&s, note_key ? note_key : "language.choose", (const struct i18n_arg[]){ { 0 } });
	for (int lang = 0; lang < i18n_langs(texts); lang++) {
		struct i18n_to in_it = { .texts = texts, .lang = lang };

		screen_button_text(&s, "lang", i18n_lang_code(texts, lang), NULL, i18n_new_text(t->a->arena, &in_it, "button.this_language"));
		screen_row(&s);
	}
	home_row(&s);
	return screen_show(&s);
}

enum err said_language(struct talk *t, struct str args)
{
	(void)args;
	return language_show(t, NULL);
}

enum err tap_language(struct talk *t, struct str id, struct str arg)
{
	const struct i18n *texts = t->a->shared->i18n;
	enum err e;

	(void)arg;
	for (int lang = 0; lang < i18n_langs(texts); lang++) {
		if (!str_is(id, i18n_lang_code(texts, lang)))
			continue;
		e = user_set_lang(t->a, &t->user, lang);
		if (e)
			return e;
		t->to.lang = lang;
		e = talk_toast(t, "toast.language");
		return e ? e : home_show(t, NULL);
	}
	return language_show(t, NULL);
}

/* --- help, terms, ids --- */

static enum err help_show(struct talk *t)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "help.text");
	screen_button(&s, "support", NULL, NULL, "button.support");
	screen_button(&s, "claim", NULL, NULL, "button.have_link");
	if (setting_i64(t->a, SETTING_WEB_ACCOUNTS)) {
		screen_row(&s);
		screen_button(&s, "web", NULL, NULL, "button.web");
	}
	home_row(&s);
	return screen_show(&s);
}

enum err said_help(struct talk *t, struct str args)
{
	(void)args;
	return help_show(t);
}

enum err tap_help(struct talk *t, struct str id, struct str arg)
{
	(void)id;
	(void)arg;
	return help_show(t);
}

/* A message of its own, which says how long it is good. */
enum err tap_web(struct talk *t, struct str id, struct str arg)
{
	char code[LINK_CODE_CHARS + 1];
	struct screen s;
	enum err e;

	(void)id;
	(void)arg;
	if (!setting_i64(t->a, SETTING_WEB_ACCOUNTS))
		return talk_stale(t);
	e = link_code_create(code, t->a, &t->user);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "web.code", T_STR("code", word_public_id(t->a, code)), T_SPAN("span", LINK_CODE_MINUTES * MINUTE_MS));
	return screen_send(&s, &(struct send_as){ .expires_ms = t->a->now_ms + LINK_CODE_MINUTES * MINUTE_MS });
}

enum err said_terms(struct talk *t, struct str args)
{
	struct str terms = setting_text(t->a, SETTING_TERMS);
	struct screen s;

	(void)args;
	screen_begin(&s, t);
	if (terms.len)
		screen_text(&s, "terms.text", T_STR("text", terms));
	else
		screen_text(&s, "terms.standard");
	home_row(&s);
	return screen_show(&s);
}

enum err said_id(struct talk *t, struct str args)
{
	struct screen s;

	(void)args;
	screen_begin(&s, t);
	screen_text(&s, "id.text", T_ID("id", t->user.telegram_id));
	if (t->in_group)
		screen_text(&s, "id.chat", T_ID("chat", t->chat_id));
	return screen_send(&s, NULL);
}
