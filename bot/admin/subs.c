/* One subscription in an admin's hands: days, traffic, devices, a reset. The commands name a customer; who has several
 * subscriptions gets asked which. Each act is asked about first, with what is now and what will be.
 *
 * A question's subject is "SUB:FIELD:VALUE". */
#include "bot/admin/admin_private.h"

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

static struct str owner_word(struct act *a, const struct subscription *sub)
{
	struct user u;

	return admin_user_word(a, user_get(&u, a, sub->user_id) ? NULL : &u);
}

/* --- card --- */

static enum err show_sub(struct talk *t, const struct subscription *sub)
{
	static const struct { const char *act, *key; } buttons[] = {
		{ "days", "button.extend" }, { "quota", "button.limit" }, { "devices", "button.devices" }, { "reset", "button.reset" },
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

static const char *subject_of(struct act *a, const struct subscription *sub, const char *field, int64_t value)
{
	return arena_printf(a->arena, "%s:%s:%lld", sub->public_id, field, (long long)value);
}

/* The same rule as sub_extend. */
static int64_t extended_ms(const struct act *a, const struct subscription *sub, int64_t days)
{
	int64_t from_ms = sub->expires_ms > a->now_ms ? sub->expires_ms : a->now_ms;

	return sub->expires_ms ? from_ms + days * DAY_MS : 0;
}

static const char *extend_text(struct screen *s, const struct subscription *sub, int64_t value)
{
	screen_text(s, "admin.extend.ask", T_STR("plan", admin_plan_word(s->a, sub->plan_id)), T_STR("name", owner_word(s->a, sub)),
		T_DATE("before", sub->expires_ms), T_DATE("after", extended_ms(s->a, sub, value)));
	return "extend";
}

static const char *quota_text(struct screen *s, const struct subscription *sub, int64_t value)
{
	screen_text(s, "admin.limit.ask", T_STR("plan", admin_plan_word(s->a, sub->plan_id)), T_STR("name", owner_word(s->a, sub)),
		T_STR("before", word_quota(s->a, &s->to, sub->quota_bytes)), T_STR("after", word_quota(s->a, &s->to, value * GIB_BYTES)));
	return "limit";
}

static const char *devices_text(struct screen *s, const struct subscription *sub, int64_t value)
{
	screen_text(s, "admin.limit.ask_devices", T_STR("plan", admin_plan_word(s->a, sub->plan_id)), T_STR("name", owner_word(s->a, sub)),
		T_ID("before", sub->limit_ip), T_ID("after", value));
	return "limit";
}

static const char *reset_text(struct screen *s, const struct subscription *sub, int64_t value)
{
	(void)value;
	screen_text(s, "admin.reset.ask", T_STR("plan", admin_plan_word(s->a, sub->plan_id)), T_STR("name", owner_word(s->a, sub)),
		T_BYTES("used", sub->used_bytes));
	return "reset";
}

static const struct sub_field {
	const char *name, *ask;                /* ask NULL: takes no value */
	int64_t min, max;
	const char *(*text)(struct screen *s, const struct subscription *sub, int64_t value); /* the question; its dangerous act */
} fields[] = {
	{ "days",    "admin.extend.ask_days",   1, EXTEND_DAYS_MAX, extend_text },
	{ "quota",   "admin.limit.ask_quota",   0, QUOTA_GB_MAX,    quota_text },
	{ "devices", "admin.limit.ask_number",  0, DEVICES_MAX,     devices_text },
	{ "reset",   NULL,                      0, 0,               reset_text },
};

static const struct sub_field *find_field(struct str name)
{
	for (size_t i = 0; i < countof(fields); i++)
		if (str_is(name, fields[i].name))
			return &fields[i];
	return NULL;
}

static enum err ask_first(struct talk *t, const struct subscription *sub, const struct sub_field *f, int64_t value, const char *reason)
{
	struct screen s;
	const char *act;
	enum err e;

	screen_begin(&s, t);
	act = f->text(&s, sub, value);
	e = confirm_ask(&s, act, subject_of(t->a, sub, f->name, value), reason);
	if (e) {
		screen_drop(&s);
		return e;
	}
	return screen_show(&s);
}

/* "a_subdo:SUB:FIELD" asks for the value; "a_subdo:SUB:FIELD:VALUE" asks for the confirmation. */
enum err admin_on_sub_act(struct talk *t, struct str id, struct str arg)
{
	const struct sub_field *f = find_field(str_cut(&arg, ':'));
	struct subscription sub;
	int64_t value = 0;
	enum err e = f ? sub_by_public_id(&sub, t->a, id) : E_NOTFOUND;

	if (e)
		return e == E_NOTFOUND || e == E_INVALID ? talk_stale(t) : e;
	if (f->ask && !arg.len)
		return admin_ask(t, f->ask, "a_sub", arena_printf(t->a->arena, "%s:%s", sub.public_id, f->name));
	if (f->ask && !admin_read_number(&value, arg, f->min, f->max))
		return talk_stale(t);
	return ask_first(t, &sub, f, value, NULL);
}

enum err admin_typed_sub(struct talk *t, struct str state, struct str text)
{
	struct str id = str_cut(&state, ':');
	const struct sub_field *f = find_field(state);
	struct subscription sub;
	int64_t value;
	enum err e = f ? sub_by_public_id(&sub, t->a, id) : E_NOTFOUND;

	if (e)
		return e == E_NOTFOUND || e == E_INVALID ? talk_stale(t) : e;
	if (!admin_read_number(&value, text, f->min, f->max))
		return admin_wrong_number(t, f->min, f->max);
	e = talk_expect_nothing(t);
	return e ? e : ask_first(t, &sub, f, value, NULL);
}

/* --- the commands --- */

/* words: what the command wants, its value read already. One subscription: asked at once; several: which? */
static enum err of_user(struct talk *t, const struct user *u, const struct sub_field *f, int64_t value, struct str reason)
{
	struct subscription *list = arena_array(t->a->arena, struct subscription, SUBS_PER_USER_MAX);
	struct screen s;
	size_t count;
	enum err e = sub_list(list, &count, SUBS_PER_USER_MAX, t->a, u->id);

	if (e)
		return e;
	if (!count)
		return admin_say(t, "admin.user.no_sub");
	if (count == 1)
		return ask_first(t, &list[0], f, value, reason.len ? arena_strndup(t->a->arena, reason.at, reason.len) : NULL);
	screen_begin(&s, t);
	screen_text(&s, "admin.sub.choose", T_STR("name", admin_user_word(t->a, u)));
	for (size_t i = 0; i < count && i < LINES_MAX; i++) {
		screen_row(&s);
		screen_button_text(&s, "a_subdo", list[i].public_id, f->ask ? arena_printf(t->a->arena, "%s:%lld", f->name, (long long)value) : f->name,
			str_of(arena_printf(t->a->arena, "%.*s – %.*s", STR_ARG(admin_plan_word(t->a, list[i].plan_id)), STR_ARG(word_public_id(t->a, list[i].public_id)))));
	}
	return screen_show(&s);
}

static enum err extend(struct talk *t, const struct user *u, struct str rest)
{
	const struct sub_field *f = find_field(STR("days"));
	int64_t days;

	if (!admin_read_number(&days, admin_cut_word(&rest), f->min, f->max))
		return admin_say(t, "admin.extend.usage");
	return of_user(t, u, f, days, rest);
}

/* "GB [reason]" or "devices N [reason]" */
static enum err limit(struct talk *t, const struct user *u, struct str rest)
{
	struct str word = admin_cut_word(&rest);
	const struct sub_field *f = find_field(str_is_nocase(word, "devices") ? STR("devices") : STR("quota"));
	int64_t value;

	if (str_is_nocase(word, "devices"))
		word = admin_cut_word(&rest);
	if (!admin_read_number(&value, word, f->min, f->max))
		return admin_say(t, "admin.limit.usage");
	return of_user(t, u, f, value, rest);
}

static enum err reset(struct talk *t, const struct user *u, struct str rest)
{
	return of_user(t, u, find_field(STR("reset")), 0, rest);
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
	int64_t value;
};

static enum err read_subject(struct asked *out, struct act *a, struct str subject)
{
	struct str id = str_cut(&subject, ':');

	out->field = str_cut(&subject, ':');
	if (str_to_i64(&out->value, subject))
		return E_NOTFOUND;
	return sub_by_public_id(&out->sub, a, id);
}

static enum err done(struct talk *t, const struct asked *q, const char *action, const char *reason)
{
	struct subscription now;
	enum err e = admin_note(t, action, "subscription", q->sub.public_id, reason, arena_printf(t->a->arena, "%.*s=%lld", STR_ARG(q->field), (long long)q->value));

	if (!e)
		e = sub_get(&now, t->a, q->sub.id);
	return e ? e : show_sub(t, &now);
}

enum err admin_do_extend(struct talk *t, struct str subject, const char *reason)
{
	struct asked q;
	enum err e = read_subject(&q, t->a, subject);

	if (!e)
		e = sub_extend(t->a, &q.sub, q.value * DAY_MS);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return done(t, &q, "subscription.extend", reason);
}

enum err admin_do_limit(struct talk *t, struct str subject, const char *reason)
{
	struct asked q;
	enum err e = read_subject(&q, t->a, subject);

	if (!e && str_is(q.field, "devices"))
		e = sub_set_limit_ip(t->a, &q.sub, (int)q.value);
	else if (!e)
		e = sub_set_quota(t->a, &q.sub, q.value * GIB_BYTES);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return done(t, &q, "subscription.limit", reason);
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
