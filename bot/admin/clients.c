/* What the panels say about one client, for an admin who asks: what it has used there, where it connected from.
 *
 * The addresses are confidential: they are told to an admin in a private chat, never to a group, a log or the audit. */
#include "bot/admin/admin_private.h"

#include "bot/fleet/fleet.h"

#define IPS_SHOWN_MAX 50

static const struct question {
	const char *name;
	enum panel_ask what;
	bool is_private;
	const char *action;
} questions[] = {
	{ "client", ASK_CLIENT, false, "client.look" },
	{ "ips",    ASK_IPS,    true,  "client.ips" },
};

static enum err ask(struct talk *t, const struct subscription *sub, enum panel_ask what, const char *action, const char *reason)
{
	enum err e = client_ask(t->a, sub->id, what, t->chat_id);

	if (e == E_NOTFOUND)
		return admin_say(t, "admin.client.no_place");
	if (!e)
		e = admin_note(t, action, "subscription", sub->public_id, reason, NULL);
	return e ? e : admin_say(t, "admin.client.asking");
}

/* --- what is left of the addresses is asked about first --- */

static enum err ask_clear(struct talk *t, const struct subscription *sub)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.client.clear_ask", T_STR("plan", admin_plan_word(t->a, sub->plan_id)), T_STR("name", admin_owner_word(t->a, sub)));
	return confirm_show(&s, "ips_clear", sub->public_id, NULL);
}

enum err admin_do_ips_clear(struct talk *t, struct str subject, const char *reason)
{
	struct subscription sub;
	enum err e = sub_by_public_id(&sub, t->a, subject);

	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return ask(t, &sub, ASK_IPS_CLEAR, "client.ips_clear", reason);
}

enum err admin_on_client(struct talk *t, struct str id, struct str arg)
{
	const struct question *q = NULL;
	struct subscription sub;
	enum err e = sub_by_public_id(&sub, t->a, id);
	bool clears = str_is(arg, "ips_clear");

	for (size_t i = 0; i < countof(questions); i++)
		if (str_is(arg, questions[i].name))
			q = &questions[i];
	if (e == E_NOTFOUND || e == E_INVALID || (!e && !q && !clears))
		return talk_stale(t);
	if (e || ((clears || q->is_private) && admin_is_public(t, &e)))
		return e;
	return clears ? ask_clear(t, &sub) : ask(t, &sub, q->what, q->action, NULL);
}

/* --- the answers --- */

static void look_text(struct screen *s, const struct panel_client *c)
{
	if (!c->exists) {
		screen_text(s, "admin.client.not_found");
		return;
	}
	screen_text(s, c->enabled ? "admin.client.on" : "admin.client.off");
	if (c->has_usage)
		screen_text(s, "admin.client.used", T_BYTES("used", c->up_bytes + c->down_bytes), T_BYTES("up", c->up_bytes), T_BYTES("down", c->down_bytes));
	else
		screen_text(s, "admin.client.no_usage");
}

/* Each version of the panel tells them in another shape; here they look alike (R058). */
static void ips_text(struct screen *s, const struct panel_answer *answer)
{
	size_t shown = answer->ips_count < IPS_SHOWN_MAX ? answer->ips_count : IPS_SHOWN_MAX;

	screen_text(s, answer->ips_count ? "admin.client.ips" : "admin.client.ips_none");
	for (size_t i = 0; i < shown; i++)
		if (answer->ips[i].when.len)
			screen_text(s, "admin.client.ip_time", T_STR("ip", answer->ips[i].ip), T_STR("when", answer->ips[i].when));
		else
			screen_text(s, "admin.client.ip", T_STR("ip", answer->ips[i].ip));
	admin_more(s, (int64_t)(answer->ips_count - shown));
}

bool admin_may_read_client(struct act *a, const struct panel_answer *answer)
{
	struct user u;

	return answer->what == ASK_CLIENT || (user_by_telegram(&u, a, answer->chat_id) == OK && u.is_admin);
}

void admin_client_text(struct screen *s, const struct panel *p, const struct panel_answer *answer)
{
	struct subscription sub;

	screen_text(s, "admin.client.title", T_STR("panel", p->name), T_STR("email", answer->email));
	if (!answer->ok)
		screen_text(s, "admin.online.no_answer", T_STR("panel", p->name));
	else if (answer->what == ASK_CLIENT)
		look_text(s, &answer->client);
	else
		ips_text(s, answer);
	if (sub_get(&sub, s->a, answer->subscription_id))
		return;
	screen_row(s);
	if (answer->ips_count)
		screen_button(s, "a_client", sub.public_id, "ips_clear", "button.ips_clear");
	screen_button(s, "a_sub", sub.public_id, NULL, "button.back");
}
