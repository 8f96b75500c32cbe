/* The way of an update: money to the shop; people through the tables of commands, verbs and dialogues.
 *
 * What is closed to somebody looks to them like what does not exist: one place (find_*) decides who may see a row, so
 * that no handler has to remember to ask. */
#include "bot/chat/router.h"

#include <assert.h>
#include <string.h>

#include "bot/core/alert.h"
#include "bot/core/config.h"
#include "bot/chat/callback.h"
#include "bot/chat/screen.h"
#include "bot/shop/pay.h"
#include "bot/shop/settings.h"
#include "lib/base/log.h"

#define DIALOGUE_BYTES_MAX 512

static const struct router_tables *registered[ROUTER_TABLES_MAX];
static size_t registered_count;
static enum err (*home_screen)(struct talk *t);

void router_add(const struct router_tables *tables)
{
	assert(registered_count < ROUTER_TABLES_MAX);
	registered[registered_count++] = tables;
}

void router_reset(void)
{
	registered_count = 0;
	home_screen = NULL;
}

size_t router_tables(const struct router_tables **out)
{
	for (size_t i = 0; i < registered_count; i++)
		out[i] = registered[i];
	return registered_count;
}

void router_set_home(enum err (*home)(struct talk *t))
{
	home_screen = home;
}

enum err router_home(struct talk *t)
{
	return home_screen(t);
}

/* --- the tables --- */

static bool is_open_to(const struct talk *t, enum who who, bool in_groups)
{
	if (t->user.is_admin)
		return !t->in_group || who == WHO_ADMIN || in_groups;
	return who == WHO_ANYONE && !t->in_group;
}

static const struct command_row *find_command(const struct talk *t, const char *name)
{
	for (size_t i = 0; i < registered_count; i++)
		for (size_t k = 0; k < registered[i]->commands_count; k++) {
			const struct command_row *row = &registered[i]->commands[k];

			if (strcmp(row->name, name) == 0)
				return is_open_to(t, row->who, row->in_groups) ? row : NULL;
		}
	return NULL;
}

static const struct verb_row *find_verb(const struct talk *t, struct str verb)
{
	for (size_t i = 0; i < registered_count; i++)
		for (size_t k = 0; k < registered[i]->verbs_count; k++) {
			const struct verb_row *row = &registered[i]->verbs[k];

			if (str_is(verb, row->verb))
				return is_open_to(t, row->who, false) ? row : NULL;
		}
	return NULL;
}

static const struct dialogue_row *find_dialogue(const struct talk *t, struct str name)
{
	for (size_t i = 0; i < registered_count; i++)
		for (size_t k = 0; k < registered[i]->dialogues_count; k++) {
			const struct dialogue_row *row = &registered[i]->dialogues[k];

			if (str_is(name, row->name))
				return is_open_to(t, row->who, false) ? row : NULL;
		}
	return NULL;
}

/* --- dialogues --- */

enum err talk_expect(struct talk *t, const char *dialogue, const char *state)
{
	char *text = state ? arena_printf(t->a->arena, "%s:%s", dialogue, state) : arena_strdup(t->a->arena, dialogue);

	assert(strlen(text) <= DIALOGUE_BYTES_MAX);
	t->expects = true;
	return user_set_dialogue(t->a, &t->user, text);
}

enum err talk_expect_nothing(struct talk *t)
{
	t->expects = false;
	return t->user.dialogue ? user_set_dialogue(t->a, &t->user, NULL) : OK;
}

/* Somebody who goes elsewhere no longer answers the question. */
static enum err leave_dialogue(struct talk *t)
{
	return t->expects ? OK : talk_expect_nothing(t);
}

/* --- second presses --- */

const char *confirm_stamp(struct act *a)
{
	return arena_printf(a->arena, "%lld", (long long)(a->now_ms / SECOND_MS));
}

bool confirm_is_fresh(const struct act *a, struct str stamp)
{
	int64_t at_s, now_s = a->now_ms / SECOND_MS;

	return str_to_i64(&at_s, stamp) == OK && at_s <= now_s && at_s >= now_s - CONFIRM_MS / SECOND_MS;
}

/* --- small answers --- */

static enum err say(struct talk *t, const char *key)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, key);
	return screen_send(&s, NULL);
}

enum err talk_stale(struct talk *t)
{
	enum err e = talk_toast(t, "toast.old");

	if (e || t->in_group)
		return e;
	return router_home(t);
}

/* R283: one short text, and nothing else works. */
static enum err turn_away(struct talk *t)
{
	struct str contact = setting_text(t->a, SETTING_SUPPORT);
	struct screen s;

	if (t->in_group)
		return OK;
	if (t->u->kind == TG_UPDATE_CALLBACK)
		return talk_toast(t, "toast.blocked");
	screen_begin(&s, t);
	if (contact.len)
		screen_text(&s, "error.blocked", T_STR("contact", contact));
	else
		screen_text(&s, "error.blocked_plain");
	return screen_send(&s, NULL);
}

/* --- messages --- */

static enum err on_command(struct talk *t, const struct tg_command *c)
{
	const struct command_row *row = find_command(t, c->name);
	enum err e;

	if (row)
		e = row->run(t, c->args);
	else
		e = t->in_group ? OK : say(t, "error.unknown_command");
	return e ? e : leave_dialogue(t);
}

static bool says_something(const struct tg_message *m)
{
	return m->text.len || m->photo.id.len || m->document.id.len || m->forwarded || m->contact_phone.len || m->web_app_data.len;
}

static enum err on_text(struct talk *t)
{
	const struct tg_message *m = &t->u->message;
	struct str state = str_of(t->user.dialogue), name = str_cut(&state, ':');
	const struct dialogue_row *row;

	if (!says_something(m) || (t->in_group && !m->reply_to_id))
		return OK;
	row = find_dialogue(t, name);
	if (!row && name.len) { /* of an older program, or no longer theirs */
		enum err e = talk_expect_nothing(t);

		if (e)
			return e;
		row = find_dialogue(t, STR(""));
		state = STR("");
	}
	if (row)
		return row->run(t, state, m->text);
	return t->in_group ? OK : say(t, "error.unknown_text");
}

static enum err on_message(struct talk *t)
{
	struct tg_command c;

	if (!tg_command_read(&c, t->u->message.text))
		return on_text(t);
	if (t->in_group && !tg_command_is_for(&c, str_of(t->a->shared->bot_username)))
		return OK;
	return on_command(t, &c);
}

/* --- taps --- */

static enum err on_tap(struct talk *t)
{
	struct callback c = callback_read(t->u->callback.data);
	const struct verb_row *row = find_verb(t, c.verb);
	enum err e;

	t->tapped_id = t->u->callback.message_id;
	e = row ? row->run(t, c.id, c.arg) : talk_stale(t);
	if (!e)
		e = talk_toast(t, NULL);
	return e || !t->shown ? e : leave_dialogue(t);
}

/* --- who speaks --- */

/* In groups we know admins only; nobody else gets a row, or an answer. E_NOTFOUND: not for us. */
static enum err meet(struct talk *t)
{
	const struct tg_update *u = t->u;

	if (!t->in_group)
		return user_meet(&t->user, t->a, &u->from);
	if (!config_is_admin(t->a->shared->config, u->from.id)) {
		enum err e = user_by_telegram(&t->user, t->a, u->from.id);

		if (e)
			return e;
		if (!t->user.is_admin || t->user.banned)
			return E_NOTFOUND;
	}
	return user_meet(&t->user, t->a, &u->from);
}

static enum err on_person(struct act *a, const struct tg_update *u)
{
	struct talk t = { .a = a, .u = u, .chat_id = u->chat.id, .thread_id = u->chat.thread_id, .in_group = u->chat.type != TG_CHAT_PRIVATE };
	enum err e;

	if (u->from.id <= 0 || u->from.is_bot || !u->chat.id || u->chat.type == TG_CHAT_CHANNEL)
		return OK;
	e = meet(&t);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	t.to = user_reader(a, &t.user);
	if (t.user.banned && !t.user.is_admin)
		return turn_away(&t);
	return u->kind == TG_UPDATE_CALLBACK ? on_tap(&t) : on_message(&t);
}

/* Blocked: nothing is sent any more. Unblocked: as if never gone; somebody unknown is met with the first words. */
static enum err on_member(struct act *a, const struct tg_update *u)
{
	struct user user;
	enum err e;

	if (u->chat.type != TG_CHAT_PRIVATE || u->from.id <= 0)
		return OK;
	if (u->member_is == TG_MEMBER_KICKED)
		return user_unreachable(a, u->from.id);
	e = user_by_telegram(&user, a, u->from.id);
	if (!e && !user.reachable)
		e = user_meet(&user, a, &u->from);
	return e == E_NOTFOUND ? OK : e;
}

/* --- the core's tables --- */

bool router_is_money(const struct tg_update *u)
{
	return u->kind == TG_UPDATE_PRE_CHECKOUT || (u->kind == TG_UPDATE_MESSAGE && (u->message.is_paid || u->message.is_refund));
}

enum err router_update(struct act *a, const struct tg_update *u)
{
	switch (u->kind) {
	case TG_UPDATE_PRE_CHECKOUT:
		return stars_pre_checkout(a, u);
	case TG_UPDATE_MESSAGE:
		if (u->message.is_paid)
			return stars_paid(a, u);
		if (u->message.is_refund)
			return stars_refunded(a, u);
		return on_person(a, u);
	case TG_UPDATE_CALLBACK:
		return on_person(a, u);
	case TG_UPDATE_MY_MEMBER:
		return on_member(a, u);
	case TG_UPDATE_SUBSCRIPTION: /* none is sold: what such a subscription pays arrives as a payment and is set aside */
	case TG_UPDATE_OTHER:
		break;
	}
	return OK;
}

static enum err tell_parked(struct act *a, const struct tg_update *u)
{
	struct user user;
	struct screen s;
	enum err e;

	if (u->chat.type != TG_CHAT_PRIVATE)
		return OK;
	e = user_by_telegram(&user, a, u->from.id);
	if (e)
		return e == E_NOTFOUND ? OK : e;
	screen_begin_for(&s, a, &user);
	screen_text(&s, "error.ours");
	return screen_send(&s, NULL);
}

enum err router_parked(struct act *a, const struct tg_update *u)
{
	char *number = arena_printf(a->arena, "%lld", (long long)u->update_id);
	enum err e = tell_parked(a, u);

	return e ? e : alert_tell(a, ALERT_CRITICAL, router_is_money(u) ? "parked_money" : "parked", number, u->kind_name && *u->kind_name ? u->kind_name : NULL);
}
