/* Customers: found by whatever an admin has, shown, banned, given a plan. */
#include "bot/admin/admin_private.h"

#include <string.h>

#define ORDERS_SHOWN_MAX 5

/* --- who --- */

enum err admin_with_user(struct talk *t, struct str args, const char *usage_key, user_run *run)
{
	struct str who = admin_cut_word(&args);
	struct screen s;
	struct user u;
	enum err e;

	if (!who.len)
		return admin_say(t, usage_key);
	e = user_find(&u, t->a, who);
	if (e == E_CONFLICT)
		return admin_say(t, "admin.user.several");
	if (e && e != E_NOTFOUND)
		return e;
	if (!e)
		return run(t, &u, args);
	screen_begin(&s, t);
	screen_text(&s, "admin.user.not_found", T_STR("text", utf8_head(utf8_clean(t->a->arena, who), NAME_POINTS_MAX)));
	return screen_show(&s);
}

static enum err ask_user(struct talk *t)
{
	return admin_ask(t, "admin.user.usage", "a_who", NULL);
}

enum err admin_cmd_user(struct talk *t, struct str args)
{
	return args.len ? admin_with_user(t, args, "admin.user.usage", admin_user_card) : ask_user(t);
}

/* What was asked for: a word, or a message of theirs forwarded. */
enum err admin_typed_user(struct talk *t, struct str state, struct str text)
{
	const struct tg_message *m = &t->u->message;
	enum err e = talk_expect_nothing(t);

	(void)state;
	if (e)
		return e;
	if (!m->forwarded)
		return admin_with_user(t, text, "admin.user.usage", admin_user_card);
	if (!m->forward_user_id)
		return admin_say(t, "admin.user.hidden");
	return admin_with_user(t, str_of(word_number(t->a, m->forward_user_id)), "admin.user.usage", admin_user_card);
}

static enum err with_public_id(struct talk *t, struct str id, user_run *run)
{
	struct user u;
	enum err e = user_find(&u, t->a, id);

	if (e)
		return e == E_NOTFOUND || e == E_CONFLICT ? talk_stale(t) : e;
	return run(t, &u, STR(""));
}

/* --- card --- */

enum err admin_subs_more(struct screen *s, const struct user *u, size_t shown)
{
	int64_t all = 0;
	enum err e = db_get_i64(&all, s->a->tx, "SELECT count(*) FROM subscriptions WHERE user_id=?1 AND deleted_ms=0", u->id);

	if (!e && all > (int64_t)shown)
		screen_text(s, "admin.user.subs_more", T_INT("count", all - (int64_t)shown));
	return e;
}

static enum err subs_text(struct screen *s, const struct user *u)
{
	struct subscription *list = arena_array(s->a->arena, struct subscription, LINES_MAX);
	size_t count;
	enum err e = sub_list(list, &count, LINES_MAX, s->a, u->id);

	if (!e && !count)
		screen_text(s, "admin.user.no_sub");
	for (size_t i = 0; !e && i < count; i++) {
		struct str plan = admin_plan_word(s->a, list[i].plan_id);

		screen_text(s, "admin.user.sub", T_STR("plan", plan), T_KEY("state", admin_sub_state_key(s->a, &list[i])),
			T_DATE("until", list[i].expires_ms), T_BYTES("used", list[i].used_bytes),
			T_STR("quota", word_quota(s->a, &s->to, list[i].quota_bytes)));
		screen_row(s);
		screen_button_text(s, "a_sub", list[i].public_id, NULL, plan);
	}
	return e ? e : admin_subs_more(s, u, count);
}

static enum err orders_text(struct screen *s, const struct user *u)
{
	struct order *list = arena_array(s->a->arena, struct order, ORDERS_SHOWN_MAX);
	size_t count;
	enum err e = order_list_of(list, &count, ORDERS_SHOWN_MAX, s->a, u->id);

	screen_row(s);
	for (size_t i = 0; !e && i < count; i++)
		screen_button_text(s, "a_order", list[i].public_id, NULL, word_public_id(s->a, list[i].public_id));
	return e;
}

static enum err user_text(struct screen *s, const struct user *u)
{
	enum err e;

	screen_text(s, "admin.user.card", T_STR("name", admin_user_word(s->a, u)), T_STR("first_name", u->first_name), T_ID("id", u->telegram_id),
		T_STR("language", i18n_lang_code(s->to.texts, u->lang)), T_DATE("since", u->created_ms), T_STR("number", word_public_id(s->a, u->public_id)));
	if (!u->reachable)
		screen_text(s, "admin.user.gone");
	if (u->banned)
		screen_text(s, "admin.user.banned");
	e = subs_text(s, u);
	return e ? e : orders_text(s, u);
}

enum err admin_user_card(struct talk *t, const struct user *u, struct str rest)
{
	struct screen s;
	enum err e;

	(void)rest;
	screen_begin(&s, t);
	e = user_text(&s, u);
	if (e) {
		screen_drop(&s);
		return e;
	}
	screen_row(&s);
	screen_button(&s, "a_grant", u->public_id, NULL, "button.grant");
	if (u->banned)
		screen_button(&s, "a_unban", u->public_id, NULL, "button.unban");
	else
		screen_button(&s, "a_ban", u->public_id, NULL, "button.ban");
	return screen_show(&s);
}

enum err admin_on_user(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return with_public_id(t, id, admin_user_card);
}

/* --- ban --- */

static enum err ask_ban(struct talk *t, const struct user *u, struct str rest)
{
	struct screen s;

	if (u->is_admin)
		return admin_say(t, "admin.ban.admin");
	screen_begin(&s, t);
	screen_text(&s, "admin.ban.ask", T_STR("name", admin_user_word(t->a, u)));
	return confirm_show(&s, "ban", u->public_id, rest.len ? arena_strndup(t->a->arena, rest.at, rest.len) : NULL);
}

enum err admin_cmd_ban(struct talk *t, struct str args)
{
	return admin_with_user(t, args, "admin.ban.usage", ask_ban);
}

enum err admin_on_ban(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return with_public_id(t, id, ask_ban);
}

static enum err cancel_open_orders(struct act *a, int64_t user_id)
{
	struct order o;
	enum err e;

	while ((e = order_open_of(&o, a, user_id)) == OK) {
		e = order_cancel(a, &o);
		if (e)
			return e;
	}
	return e == E_NOTFOUND ? OK : e;
}

enum err admin_do_ban(struct talk *t, struct str subject, const char *reason)
{
	struct screen s;
	struct user u;
	enum err e = user_find(&u, t->a, subject);

	if (e == E_NOTFOUND)
		return talk_stale(t);
	if (!e && u.is_admin)
		return admin_say(t, "admin.ban.admin");
	if (!e)
		e = user_set_banned(t->a, u.id, true);
	if (!e)
		e = cancel_open_orders(t->a, u.id);
	if (!e)
		e = admin_note(t, "user.ban", "user", u.public_id, reason, NULL);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.ban.done", T_STR("name", admin_user_word(t->a, &u)));
	return screen_show(&s);
}

static enum err unban(struct talk *t, const struct user *u, struct str rest)
{
	struct screen s;
	enum err e = u->banned ? user_set_banned(t->a, u->id, false) : OK;

	if (!e && u->banned)
		e = admin_note(t, "user.unban", "user", u->public_id, rest.len ? arena_strndup(t->a->arena, rest.at, rest.len) : NULL, NULL);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, u->banned ? "admin.unban.done" : "admin.unban.not_banned", T_STR("name", admin_user_word(t->a, u)));
	return screen_show(&s);
}

enum err admin_cmd_unban(struct talk *t, struct str args)
{
	return admin_with_user(t, args, "admin.unban.usage", unban);
}

enum err admin_on_unban(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return with_public_id(t, id, unban);
}

/* --- a gift --- */

enum err admin_plan_buttons(struct screen *s, const char *verb, const char *id)
{
	struct plan *list = arena_array(s->a->arena, struct plan, PLAN_LIST_MAX);
	size_t count;
	enum err e = plan_list(list, &count, PLAN_LIST_MAX, s->a, false);

	for (size_t i = 0; !e && i < count; i++) {
		screen_row(s);
		screen_button_text(s, verb, id, word_number(s->a, list[i].id), str_of(list[i].name));
	}
	return e || count ? e : E_NOTFOUND;
}

static enum err choose_plan(struct talk *t, const struct user *u, struct str rest)
{
	struct screen s;
	enum err e;

	(void)rest;
	screen_begin(&s, t);
	screen_text(&s, "admin.grant.choose", T_STR("name", admin_user_word(t->a, u)));
	e = admin_plan_buttons(&s, "a_grant", u->public_id);
	if (e) {
		screen_drop(&s);
		return e == E_NOTFOUND ? admin_say(t, "admin.plans_edit.none") : e;
	}
	return screen_show(&s);
}

enum err admin_cmd_grant(struct talk *t, struct str args)
{
	if (admin_grants_are_meant(args))
		return admin_grants_begin(t, args);
	return admin_with_user(t, args, "admin.grant.usage", choose_plan);
}

static enum err ask_grant(struct talk *t, const struct user *u, const struct plan *p)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.grant.ask", T_STR("name", admin_user_word(t->a, u)), T_STR("plan", p->name));
	return confirm_show(&s, "grant", arena_printf(t->a->arena, "%s:%lld", u->public_id, (long long)p->id), NULL);
}

/* User and plan by what a button or a question holds. */
static enum err find_pair(struct user *u, struct plan *p, struct talk *t, struct str user, struct str plan)
{
	int64_t n;
	enum err e = str_to_i64(&n, plan) ? E_NOTFOUND : plan_get(p, t->a, n);

	return e ? e : user_find(u, t->a, user);
}

enum err admin_on_grant(struct talk *t, struct str id, struct str arg)
{
	struct user u;
	struct plan p;
	enum err e;

	if (!arg.len)
		return with_public_id(t, id, choose_plan);
	e = find_pair(&u, &p, t, id, arg);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return ask_grant(t, &u, &p);
}

enum err admin_do_grant(struct talk *t, struct str subject, const char *reason)
{
	struct str user = str_cut(&subject, ':');
	struct order o; /* which writes the audit itself */
	struct screen s;
	struct user u;
	struct plan p;
	enum err e = find_pair(&u, &p, t, user, subject);

	(void)reason;
	if (!e)
		e = order_grant(&o, t->a, &u, &p, p.days, &t->user);
	if (e == E_NOROOM)
		return admin_say(t, "admin.grant.full");
	if (e == E_NOTFOUND || e == E_REFUSED || e == E_CONFLICT)
		return talk_stale(t);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.grant.done", T_STR("name", admin_user_word(t->a, &u)));
	return screen_show(&s);
}
