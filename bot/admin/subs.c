/* One subscription in an admin's hands: days, traffic, devices, its name on the panel, a reset. The commands name a
 * customer; who has several subscriptions gets asked which. Each act is asked about first, with what is now and what
 * will be.
 *
 * A question's subject is "SUB:FIELD:VALUE". */
#include "bot/admin/admin_private.h"
#include "bot/fleet/fleet.h"

#define EXTEND_DAYS_MAX 3660
#define QUOTA_GB_MAX 1000000
#define DEVICES_MAX 1000

const char *admin_sub_state_key(struct act *a, const struct subscription *s)
{
	return arena_printf(a->arena, "admin.sub.state.%s", sub_status_name(sub_status(s, PLACE_STANDS, a->now_ms)));
}

struct str admin_plan_word(struct act *a, int64_t plan_id)
{
	struct plan p;

	return plan_get(&p, a, plan_id) ? STR("–") : str_of(p.name);
}

struct str admin_owner_word(struct act *a, const struct subscription *sub)
{
	struct user u;

	return admin_user_word(a, user_get(&u, a, sub->user_id) ? NULL : &u);
}

/* --- card --- */

static enum err name_text(struct screen *s, const struct subscription *sub)
{
	struct access_name x;
	enum err e = access_name_get(&x, s->a, sub->id);

	if (e)
		return e == E_NOTFOUND ? OK : e; /* it stands nowhere yet, or no longer */
	if (x.rename)
		screen_text(s, "admin.sub.name_soon", T_STR("name", x.email), T_STR("next", x.rename));
	else
		screen_text(s, "admin.sub.name", T_STR("name", x.email));
	return OK;
}

static enum err show_sub(struct talk *t, const struct subscription *sub)
{
	static const struct { const char *act, *key; } buttons[] = {
		{ "days", "button.extend" }, { "quota", "button.limit" }, { "devices", "button.devices" }, { "email", "button.panel_name" }, { "reset", "button.reset" },
	};
	struct screen s;
	struct user u;
	enum err e = user_get(&u, t->a, sub->user_id);

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.user.sub", T_STR("plan", admin_plan_word(t->a, sub->plan_id)), T_KEY("state", admin_sub_state_key(t->a, sub)),
		T_DATE("until", sub->expires_ms), T_BYTES("used", sub->used_bytes), T_STR("quota", word_quota(t->a, &s.to, sub->quota_bytes)));
	screen_text(&s, "admin.sub.devices", T_ID("devices", sub->limit_ip));
	e = name_text(&s, sub);
	if (e) {
		screen_drop(&s);
		return e;
	}
	for (size_t i = 0; i < countof(buttons); i++) {
		if (i % 2 == 0)
			screen_row(&s);
		screen_button_list(&s, "a_subdo", sub->public_id, buttons[i].act, buttons[i].key, (const struct i18n_arg[]){ { 0 } });
	}
	screen_row(&s);
	screen_button(&s, "a_client", sub->public_id, "client", "button.ask_panel");
	screen_button(&s, "a_client", sub->public_id, "ips", "button.ips");
	screen_row(&s);
	screen_button(&s, "a_user", u.public_id, NULL, "button.user");
	return screen_show(&s);
}

enum err admin_on_sub(struct talk *t, struct str id, struct str arg)
{
	struct subscription sub;
	enum err e = sub_by_public_id(&sub, t->a, id);

	(void)arg;
	if (e)
		return e == E_NOTFOUND || e == E_INVALID ? talk_stale(t) : e;
	return show_sub(t, &sub);
}

/* --- the questions --- */

/* What a field is to be: text as it stands in buttons and questions, and the number it says, 0 where it is none. */
struct value {
	struct str text;
	int64_t number;
};

static const char *subject_of(struct act *a, const struct subscription *sub, const char *field, struct str value)
{
	return arena_printf(a->arena, "%s:%s:%.*s", sub->public_id, field, STR_ARG(value));
}

/* The same rule as sub_extend. */
static int64_t extended_ms(const struct act *a, const struct subscription *sub, int64_t days)
{
	int64_t from_ms = sub->expires_ms > a->now_ms ? sub->expires_ms : a->now_ms;

	return sub->expires_ms ? from_ms + days * DAY_MS : 0;
}

static const char *extend_text(struct screen *s, const struct subscription *sub, const struct value *v)
{
	screen_text(s, "admin.extend.ask", T_STR("plan", admin_plan_word(s->a, sub->plan_id)), T_STR("name", admin_owner_word(s->a, sub)),
		T_DATE("before", sub->expires_ms), T_DATE("after", extended_ms(s->a, sub, v->number)));
	return "extend";
}

static const char *quota_text(struct screen *s, const struct subscription *sub, const struct value *v)
{
	screen_text(s, "admin.limit.ask", T_STR("plan", admin_plan_word(s->a, sub->plan_id)), T_STR("name", admin_owner_word(s->a, sub)),
		T_STR("before", word_quota(s->a, &s->to, sub->quota_bytes)), T_STR("after", word_quota(s->a, &s->to, v->number * GIB_BYTES)));
	return "limit";
}

static const char *devices_text(struct screen *s, const struct subscription *sub, const struct value *v)
{
	screen_text(s, "admin.limit.ask_devices", T_STR("plan", admin_plan_word(s->a, sub->plan_id)), T_STR("name", admin_owner_word(s->a, sub)),
		T_ID("before", sub->limit_ip), T_ID("after", v->number));
	return "limit";
}

static const char *email_text(struct screen *s, const struct subscription *sub, const struct value *v)
{
	struct access_name x;

	screen_text(s, "admin.rename.ask", T_STR("plan", admin_plan_word(s->a, sub->plan_id)), T_STR("name", admin_owner_word(s->a, sub)),
		T_STR("before", access_name_get(&x, s->a, sub->id) ? STR("–") : str_of(x.email)), T_STR("after", v->text));
	return "rename";
}

static const char *reset_text(struct screen *s, const struct subscription *sub, const struct value *v)
{
	(void)v;
	screen_text(s, "admin.reset.ask", T_STR("plan", admin_plan_word(s->a, sub->plan_id)), T_STR("name", admin_owner_word(s->a, sub)),
		T_BYTES("used", sub->used_bytes));
	return "reset";
}

static const struct sub_field {
	const char *name, *ask;                /* ask NULL: takes no value */
	int64_t min, max;                      /* max 0: no number but a name */
	const char *(*text)(struct screen *s, const struct subscription *sub, const struct value *v); /* the question; its dangerous act */
} fields[] = {
	{ "days",    "admin.extend.ask_days",   1, EXTEND_DAYS_MAX, extend_text },
	{ "quota",   "admin.limit.ask_quota",   0, QUOTA_GB_MAX,    quota_text },
	{ "devices", "admin.limit.ask_number",  0, DEVICES_MAX,     devices_text },
	{ "email",   "admin.rename.ask_name",   0, 0,               email_text },
	{ "reset",   NULL,                      0, 0,               reset_text },
};

static const struct sub_field *find_field(struct str name)
{
	for (size_t i = 0; i < countof(fields); i++)
		if (str_is(name, fields[i].name))
			return &fields[i];
	return NULL;
}

static bool value_read(struct value *out, const struct sub_field *f, struct str text)
{
	*out = (struct value){ .text = str_trim(text) };
	if (!f->ask)
		return true;
	return f->max ? admin_read_number(&out->number, out->text, f->min, f->max) : access_name_fits(out->text);
}

static enum err say_wrong(struct talk *t, const struct sub_field *f)
{
	return f->max ? admin_wrong_number(t, f->min, f->max) : admin_say(t, "admin.rename.wrong");
}

static enum err ask_first(struct talk *t, const struct subscription *sub, const struct sub_field *f, const struct value *v, const char *reason)
{
	struct screen s;
	const char *act;

	screen_begin(&s, t);
	act = f->text(&s, sub, v);
	return confirm_show(&s, act, subject_of(t->a, sub, f->name, v->text), reason);
}

/* "a_subdo:SUB:FIELD" asks for the value; "a_subdo:SUB:FIELD:VALUE" asks for the confirmation. */
enum err admin_on_sub_act(struct talk *t, struct str id, struct str arg)
{
	const struct sub_field *f = find_field(str_cut(&arg, ':'));
	struct subscription sub;
	struct value v;
	enum err e = f ? sub_by_public_id(&sub, t->a, id) : E_NOTFOUND;

	if (e)
		return e == E_NOTFOUND || e == E_INVALID ? talk_stale(t) : e;
	if (f->ask && !arg.len)
		return admin_ask(t, f->ask, "a_sub", arena_printf(t->a->arena, "%s:%s", sub.public_id, f->name));
	if (!value_read(&v, f, arg))
		return talk_stale(t);
	return ask_first(t, &sub, f, &v, NULL);
}

enum err admin_typed_sub(struct talk *t, struct str state, struct str text)
{
	struct str id = str_cut(&state, ':');
	const struct sub_field *f = find_field(state);
	struct subscription sub;
	struct value v;
	enum err e = f ? sub_by_public_id(&sub, t->a, id) : E_NOTFOUND;

	if (e)
		return e == E_NOTFOUND || e == E_INVALID ? talk_stale(t) : e;
	if (!value_read(&v, f, text))
		return say_wrong(t, f);
	e = talk_expect_nothing(t);
	return e ? e : ask_first(t, &sub, f, &v, NULL);
}

/* --- the commands --- */

/* words: what the command wants, its value read already. One subscription: asked at once; several: which? */
static enum err of_user(struct talk *t, const struct user *u, const struct sub_field *f, const struct value *v, struct str reason)
{
	struct subscription *list = arena_array(t->a->arena, struct subscription, LINES_MAX);
	struct screen s;
	size_t count;
	enum err e = sub_list(list, &count, LINES_MAX, t->a, u->id);

	if (e)
		return e;
	if (!count)
		return admin_say(t, "admin.user.no_sub");
	if (count == 1)
		return ask_first(t, &list[0], f, v, reason.len ? arena_strndup(t->a->arena, reason.at, reason.len) : NULL);
	screen_begin(&s, t);
	screen_text(&s, "admin.sub.choose", T_STR("name", admin_user_word(t->a, u)));
	e = admin_subs_more(&s, u, count);
	if (e) {
		screen_drop(&s);
		return e;
	}
	for (size_t i = 0; i < count; i++) {
		screen_row(&s);
		screen_button_text(&s, "a_subdo", list[i].public_id, f->ask ? arena_printf(t->a->arena, "%s:%.*s", f->name, STR_ARG(v->text)) : f->name,
			str_of(arena_printf(t->a->arena, "%.*s – %.*s", STR_ARG(admin_plan_word(t->a, list[i].plan_id)), STR_ARG(word_public_id(t->a, list[i].public_id)))));
	}
	return screen_show(&s);
}

static enum err extend(struct talk *t, const struct user *u, struct str rest)
{
	const struct sub_field *f = find_field(STR("days"));
	struct value v;

	if (!value_read(&v, f, admin_cut_word(&rest)))
		return admin_say(t, "admin.extend.usage");
	return of_user(t, u, f, &v, rest);
}

/* "GB [reason]", "devices N [reason]" or "email NAME [reason]" */
static enum err limit(struct talk *t, const struct user *u, struct str rest)
{
	static const char *const named[] = { "devices", "email" };
	struct str word = admin_cut_word(&rest);
	const struct sub_field *f = find_field(STR("quota"));
	struct value v;

	for (size_t i = 0; i < countof(named); i++) {
		if (!str_is_nocase(word, named[i]))
			continue;
		f = find_field(str_of(named[i]));
		word = admin_cut_word(&rest);
		break;
	}
	if (value_read(&v, f, word))
		return of_user(t, u, f, &v, rest);
	return f->max || !word.len ? admin_say(t, "admin.limit.usage") : say_wrong(t, f);
}

static enum err reset(struct talk *t, const struct user *u, struct str rest)
{
	return of_user(t, u, find_field(STR("reset")), &(struct value){ 0 }, rest);
}

enum err admin_cmd_extend(struct talk *t, struct str args)
{
	return admin_with_user(t, args, "admin.extend.usage", extend);
}

enum err admin_cmd_limit(struct talk *t, struct str args)
{
	return admin_with_user(t, args, "admin.limit.usage", limit);
}

enum err admin_cmd_reset(struct talk *t, struct str args)
{
	return admin_with_user(t, args, "admin.reset.usage", reset);
}

/* --- confirmed --- */

struct asked {
	struct subscription sub;
	struct str field;
	struct value value;
};

static enum err read_subject(struct asked *out, struct act *a, struct str subject)
{
	struct str id = str_cut(&subject, ':');
	const struct sub_field *f;

	out->field = str_cut(&subject, ':');
	f = find_field(out->field);
	if (!f || !value_read(&out->value, f, subject))
		return E_NOTFOUND;
	return sub_by_public_id(&out->sub, a, id);
}

static enum err done(struct talk *t, const struct asked *q, const char *action, const char *reason)
{
	struct subscription now;
	enum err e = admin_note(t, action, "subscription", q->sub.public_id, reason, arena_printf(t->a->arena, "%.*s=%.*s", STR_ARG(q->field), STR_ARG(q->value.text)));

	if (!e)
		e = sub_get(&now, t->a, q->sub.id);
	return e ? e : show_sub(t, &now);
}

enum err admin_do_extend(struct talk *t, struct str subject, const char *reason)
{
	struct asked q;
	enum err e = read_subject(&q, t->a, subject);

	if (!e)
		e = sub_extend(t->a, &q.sub, q.value.number * DAY_MS);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return done(t, &q, "subscription.extend", reason);
}

enum err admin_do_limit(struct talk *t, struct str subject, const char *reason)
{
	struct asked q;
	enum err e = read_subject(&q, t->a, subject);

	if (!e && str_is(q.field, "devices"))
		e = sub_set_limit_ip(t->a, &q.sub, (int)q.value.number);
	else if (!e)
		e = sub_set_quota(t->a, &q.sub, q.value.number * GIB_BYTES);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return done(t, &q, "subscription.limit", reason);
}

/* The panel has the last word: what it says comes as a message of its own, when it says no. */
enum err admin_do_rename(struct talk *t, struct str subject, const char *reason)
{
	struct asked q;
	enum err e = read_subject(&q, t->a, subject);

	if (!e)
		e = access_rename(t->a, q.sub.id, q.value.text);
	if (e == E_CONFLICT || e == E_BUSY)
		return admin_say(t, e == E_BUSY ? "admin.rename.busy" : "admin.rename.taken");
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return done(t, &q, "subscription.rename", reason);
}

enum err admin_do_reset(struct talk *t, struct str subject, const char *reason)
{
	struct asked q;
	enum err e = read_subject(&q, t->a, subject);

	if (!e)
		e = sub_reset_traffic(t->a, &q.sub);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return done(t, &q, "subscription.reset", reason);
}
