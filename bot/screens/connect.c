/* Connect: which device, two apps with their pages, then the link. */
#include "bot/screens/screens_private.h"

/* The rows have no sentence: names and addresses are in the locales, since stores differ by country. */
static const struct { const char *name, *label_key; } platforms[] = {
	{ "android", "button.android" },
	{ "ios", "button.ios" },
	{ "windows", "button.windows" },
	{ "macos", "button.macos" },
	{ "linux", "button.linux" },
};

static enum err platform_choose(struct talk *t, const struct look *l)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "connect.choose");
	for (size_t i = 0; i < countof(platforms); i++) {
		if (i % 2 == 0)
			screen_row(&s);
		screen_button_list(&s, "connect", l->sub.public_id, platforms[i].name, platforms[i].label_key, (const struct i18n_arg[]){ { 0 } });
	}
	home_row(&s);
	return screen_show(&s);
}

static struct str app_text(struct screen *s, const char *platform, const char *which)
{
	struct act *a = s->a;
	const char *name = arena_printf(a->arena, "connect.apps.%s.%s.name", platform, which);
	const char *url = arena_printf(a->arena, "connect.apps.%s.%s.url", platform, which);

	return i18n_new_text(a->arena, &s->to, "connect.app", T_KEY("name", name), T_KEY("url", url));
}

static enum err steps_show(struct talk *t, const struct look *l, const char *platform)
{
	struct access_links links;
	struct str link;
	struct screen s;
	enum err e = access_links(&links, t->a, l->sub.id);

	if (e)
		return e;
	link = links.sub_url.len ? links.sub_url : links.links; /* an app keeps a subscription up to date by itself */
	screen_begin(&s, t);
	screen_text(&s, "connect.steps", T_KEY("platform", arena_printf(t->a->arena, "connect.%s", platform)),
		T_HTML("first", app_text(&s, platform, "first")), T_HTML("second", app_text(&s, platform, "second")));
	screen_gap(&s);
	if (link.len)
		screen_text(&s, "deliver.link", T_STR("link", str_trim(str_cut(&link, '\n'))));
	else
		screen_text(&s, "deliver.no_link");
	screen_gap(&s);
	if (str_starts(links.sub_url, "https://") && screen_button_url(&s, "button.open_page", str_dup(t->a->arena, links.sub_url)))
		screen_text(&s, "connect.open_page");
	else
		screen_text(&s, "connect.no_page");
	screen_text(&s, "connect.trouble");
	screen_button_copy(&s, "button.copy_link", choose_copy(&links));
	screen_row(&s);
	screen_button(&s, "qr", l->sub.public_id, NULL, "button.show_qr");
	screen_button(&s, "connect", l->sub.public_id, NULL, "button.back");
	home_row(&s);
	return screen_show(&s);
}

enum err connect_show(struct talk *t, const struct look *l, struct str platform)
{
	for (size_t i = 0; i < countof(platforms); i++)
		if (str_is(platform, platforms[i].name))
			return steps_show(t, l, platforms[i].name);
	return platform_choose(t, l);
}

enum err tap_connect(struct talk *t, struct str id, struct str arg)
{
	struct look look;
	enum err e;

	if (!id.len)
		return subs_choose(t, "connect.which", "connect");
	e = own_sub(&look, t, id);
	if (e)
		return e == E_NOTFOUND ? talk_stale(t) : e;
	return connect_show(t, &look, arg);
}
