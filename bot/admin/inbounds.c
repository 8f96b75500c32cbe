/* Inbounds: which of them are sold, and where customers connect to.
 *
 * An inbound whose link would hold an address that nobody reaches from outside is not sold (B49): the admin gives
 * another address first, or insists on this one. Insisting is giving it: an address that an admin gave is never asked
 * for again. */
#include "bot/admin/admin_private.h"

/* --- the list --- */

static const char *sale_word(const struct inbound *in)
{
	if (in->gone)
		return "admin.inbounds.gone";
	if (!in->enabled)
		return "admin.inbounds.off";
	return in->for_sale ? "admin.inbounds.sold" : "admin.inbounds.on";
}

/* At most INBOUNDS_MAX; nothing when the store fails: the next write says so. */
static struct inbound *list_of(size_t *count, struct act *a, int64_t panel_id)
{
	struct inbound *list = arena_array(a->arena, struct inbound, INBOUNDS_MAX);

	if (inbound_list(list, count, INBOUNDS_MAX, a, panel_id))
		*count = 0;
	return list;
}

static const char *inbound_name(struct act *a, const struct inbound *in)
{
	if (in->remark && *in->remark)
		return in->remark;
	return arena_printf(a->arena, "%s %d", in->protocol, in->port);
}

void admin_inbounds_text(struct screen *s, const struct panel *p)
{
	const char *id = word_number(s->a, p->id);
	size_t count, shown;
	struct inbound *list = list_of(&count, s->a, p->id);

	screen_text(s, "admin.inbounds.title", T_STR("name", p->name));
	if (!count)
		screen_text(s, "admin.panel_add.no_inbounds");
	shown = count < 2 * LINES_MAX ? count : 2 * LINES_MAX;
	for (size_t i = 0; i < shown; i++) {
		const struct inbound *in = &list[i];

		screen_text(s, "admin.inbounds.line", T_ID("id", in->inbound_id), T_STR("remark", inbound_name(s->a, in)), T_STR("protocol", in->protocol),
			T_ID("port", in->port), T_KEY("state", sale_word(in)), T_ID("clients", in->clients));
		if (i % 2 == 0)
			screen_row(s);
		screen_button(s, "a_ib", id, word_number(s->a, in->inbound_id), in->for_sale ? "button.checked" : "button.unchecked",
			T_STR("name", inbound_name(s->a, in)));
	}
	admin_more(s, (int64_t)(count - shown));
	screen_row(s);
	screen_button(s, "a_inbounds", id, "ask", "button.refresh");
	if (count)
		screen_button(s, "a_ibdone", id, NULL, "button.next");
}

static enum err show_inbounds(struct talk *t, const struct panel *p)
{
	struct screen s;

	screen_begin(&s, t);
	admin_inbounds_text(&s, p);
	return screen_show(&s);
}

/* The panel is asked anew; what it says comes as a message of its own. */
static enum err look_again(struct talk *t, const struct panel *p)
{
	enum err e = panel_ask(t->a, p->id, ASK_INBOUNDS, t->chat_id);

	return e ? e : admin_say(t, "admin.online.asking");
}

enum err admin_cmd_inbounds(struct talk *t, struct str args)
{
	return admin_with_panel(t, args, "a_inbounds", show_inbounds);
}

enum err admin_on_inbounds(struct talk *t, struct str id, struct str arg)
{
	return admin_with_panel(t, id, "a_inbounds", arg.len ? look_again : show_inbounds);
}

/* --- selling --- */

static enum err set_sale(struct talk *t, const struct panel *p, const struct inbound *in, bool for_sale)
{
	enum err e = inbound_set_sale(t->a, p->id, in->inbound_id, for_sale, in->capacity);

	if (!e)
		e = admin_note(t, for_sale ? "inbound.sell" : "inbound.hide", "inbound",
			arena_printf(t->a->arena, "%lld/%lld", (long long)p->id, (long long)in->inbound_id), NULL, NULL);
	return e;
}

/* state: "PANEL:INBOUND" for which the address is wanted, INBOUND 0: for the panel. */
static enum err ask_private_host(struct talk *t, const struct panel *p, int64_t inbound_id, struct str host)
{
	struct screen s;
	enum err e = talk_expect(t, "a_host", arena_printf(t->a->arena, "%lld:%lld:%.*s", (long long)p->id, (long long)inbound_id, STR_ARG(host)));

	if (e)
		return e;
	screen_begin(&s, t);
	if (host.len)
		screen_text(&s, "admin.panel_add.host_private", T_STR("host", host));
	else
		screen_text(&s, "admin.panel_add.host_ask");
	if (host.len)
		screen_button(&s, "a_insist", word_number(t->a, p->id), NULL, "button.insist");
	return screen_show(&s);
}

static enum err sell(struct talk *t, const struct panel *p, const struct inbound *in)
{
	struct inbound_sample sample;
	enum err e = inbound_sample(&sample, t->a, p, in);

	if (e)
		return e == E_NOTFOUND ? admin_say(t, "admin.inbounds.unsold") : e;
	if (sample.reach != LINK_REACH_PUBLIC && !sample.insisted)
		return ask_private_host(t, p, in->inbound_id, sample.reach == LINK_REACH_NONE ? STR("") : sample.host);
	e = set_sale(t, p, in, true);
	return e ? e : show_inbounds(t, p);
}

enum err admin_on_inbound(struct talk *t, struct str id, struct str arg)
{
	int64_t panel_id, inbound_id;
	struct panel p;
	struct inbound in;
	enum err e;

	if (str_to_i64(&panel_id, id) || str_to_i64(&inbound_id, arg))
		return talk_stale(t);
	e = panel_get(&p, t->a, panel_id);
	if (!e)
		e = inbound_get(&in, t->a, panel_id, inbound_id);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	if (!in.for_sale)
		return sell(t, &p, &in);
	e = set_sale(t, &p, &in, false);
	return e ? e : show_inbounds(t, &p);
}

/* --- the address --- */

enum err admin_ask_host(struct talk *t, const struct panel *p)
{
	struct screen s;
	enum err e = talk_expect(t, "a_host", arena_printf(t->a->arena, "%lld:0:", (long long)p->id));

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.panel_set.ask_host", T_STR("value", p->host ? p->host : "–"));
	return screen_show(&s);
}

/* Takes the address and sells what waited for it. */
static enum err take_host(struct talk *t, int64_t panel_id, int64_t inbound_id, struct str host, const char *action)
{
	const char *kept = arena_strndup(t->a->arena, host.at, host.len);
	struct panel p;
	struct inbound in;
	enum err e = panel_set(t->a, panel_id, &(struct panel_given){ .host = kept });

	if (!e)
		e = admin_note(t, action, "panel", word_number(t->a, panel_id), NULL, kept);
	if (!e)
		e = talk_expect_nothing(t);
	if (!e)
		e = panel_get(&p, t->a, panel_id);
	if (e)
		return e == E_NOTFOUND ? admin_panel_gone(t) : e;
	if (!inbound_id || inbound_get(&in, t->a, panel_id, inbound_id) != OK)
		return admin_panel_card(t, &p);
	e = set_sale(t, &p, &in, true);
	return e ? e : show_inbounds(t, &p);
}

struct host_state { int64_t panel_id, inbound_id; struct str host; };

static bool read_state(struct host_state *out, struct str state)
{
	struct str panel = str_cut(&state, ':'), inbound = str_cut(&state, ':');

	out->host = state;
	return !str_to_i64(&out->panel_id, panel) && !str_to_i64(&out->inbound_id, inbound);
}

enum err admin_typed_host(struct talk *t, struct str state, struct str text)
{
	struct host_state wanted;
	struct str host = link_host_bare(text);
	enum link_reach reach = link_host_reach(host);
	struct panel p;
	enum err e = read_state(&wanted, state) ? panel_get(&p, t->a, wanted.panel_id) : E_NOTFOUND;

	if (e)
		return e == E_NOTFOUND ? admin_panel_gone(t) : e;
	if (reach == LINK_REACH_NONE)
		return admin_say(t, "admin.panel_add.host_wrong");
	if (reach != LINK_REACH_PUBLIC)
		return ask_private_host(t, &p, wanted.inbound_id, host);
	return take_host(t, wanted.panel_id, wanted.inbound_id, host, "panel.host");
}

enum err admin_on_host_insist(struct talk *t, struct str id, struct str arg)
{
	struct str state = str_of(t->user.dialogue);
	struct host_state wanted;

	(void)arg;
	if (!str_is(str_cut(&state, ':'), "a_host") || !read_state(&wanted, state) || !wanted.host.len || !str_is(id, word_number(t->a, wanted.panel_id)))
		return admin_say(t, "admin.too_late");
	return take_host(t, wanted.panel_id, wanted.inbound_id, wanted.host, "panel.host_insisted");
}

/* --- the last step of a new panel: what customers will get --- */

static const struct inbound *first_sold(const struct inbound *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].for_sale && !list[i].gone)
			return &list[i];
	return NULL;
}

static enum err show_sample(struct talk *t, const struct panel *p)
{
	const char *id = word_number(t->a, p->id);
	struct inbound_sample sample;
	const struct inbound *in;
	struct screen s;
	size_t count;
	enum err e;

	in = list_of(&count, t->a, p->id);
	in = first_sold(in, count);
	if (!in)
		return admin_say(t, "admin.panel_add.choose_some");
	e = inbound_sample(&sample, t->a, p, in);
	if (e)
		return e == E_NOTFOUND ? admin_say(t, "admin.inbounds.unsold") : e;
	screen_begin(&s, t);
	screen_text(&s, "admin.panel_add.host", T_STR("host", sample.host));
	screen_text(&s, "admin.panel_add.sample", T_STR("link", sample.link));
	screen_button(&s, "a_hostok", id, NULL, "button.right");
	screen_button(&s, "a_pset", id, "host", "button.host");
	return screen_show(&s);
}

enum err admin_on_inbounds_done(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return admin_with_panel(t, id, "a_ibdone", show_sample);
}

/* The test comes as a message of its own, with what to do where a step fails. */
static enum err finish(struct talk *t, const struct panel *p)
{
	struct screen s;
	enum err e = panel_ask(t->a, p->id, ASK_TEST, t->chat_id);

	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.panel_add.done", T_ID("id", p->id), T_STR("name", p->name));
	return screen_show(&s);
}

enum err admin_on_host_right(struct talk *t, struct str id, struct str arg)
{
	(void)arg;
	return admin_with_panel(t, id, "a_hostok", finish);
}
