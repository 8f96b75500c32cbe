/* Links: text first, then the picture, then the subscription link. Each is a message of its own that is never edited,
 * so that it can be found by search; a picture that fails holds nothing back (B34). */
#include "bot/screens/screens_private.h"

#include <string.h>

#include "lib/qr/qr.h"
#include "lib/telegram/tg_call.h"

static struct str first_line(struct str lines)
{
	return str_trim(str_cut(&lines, '\n'));
}

static struct str fitting(struct str link, struct str sub_url, bool (*fits)(struct str s))
{
	if (link.len && fits(link))
		return link;
	return sub_url.len && fits(sub_url) ? sub_url : (struct str){ 0 };
}

static bool fits_button(struct str s)
{
	return utf8_units(s) <= TG_BUTTON_COPY_MAX;
}

static bool fits_picture(struct str s)
{
	return s.len <= QR_TEXT_BYTES_MAX;
}

struct str choose_copy(const struct access_links *l)
{
	return fitting(first_line(l->links), l->sub_url, fits_button);
}

struct str choose_qr(const struct access_links *l)
{
	return fitting(first_line(l->links), l->sub_url, fits_picture);
}

static struct send_as as_key(const struct delivery *d)
{
	return (struct send_as){ .lane = LANE_INTERACTIVE, .unknown = UNKNOWN_AGAIN, .about = d->about };
}

/* --- the text --- */

static void links_text(struct screen *s, const struct access_links *l)
{
	struct str rest = l->links;
	bool several = false;

	if (!first_line(rest).len) {
		screen_text(s, "deliver.no_link");
		return;
	}
	screen_text(s, "deliver.tap_to_copy");
	while (rest.at) {
		struct str link = str_trim(str_cut(&rest, '\n'));

		if (!link.len)
			continue;
		if (several)
			screen_gap(s);
		screen_text(s, "deliver.link", T_STR("link", link));
		several = true;
	}
	screen_text(s, "deliver.keep_secret");
}

static void link_buttons(struct screen *s, const struct delivery *d)
{
	const char *id = str_dup(s->a->arena, d->public_id);

	s->style = TG_STYLE_PRIMARY;
	screen_button(s, "connect", id, NULL, "button.connect");
	screen_button_copy(s, "button.copy_link", choose_copy(&d->links));
	screen_row(s);
	if (str_starts(d->links.sub_url, "https://"))
		screen_button_url(s, "button.open_page", str_dup(s->a->arena, d->links.sub_url));
}

/* --- the picture --- */

static enum err send_qr(struct screen *s, const struct delivery *d)
{
	struct str qr = choose_qr(&d->links);
	struct send_as as = as_key(d);

	if (!qr.len) {
		screen_text(s, "deliver.qr_too_long");
		return screen_send(s, &as);
	}
	if (str_eq(qr, d->links.sub_url) && d->links.links.len)
		screen_text(s, "deliver.qr_subscription");
	else
		screen_text(s, "deliver.qr");
	return screen_send_qr(s, qr, &as);
}

enum err deliver_qr(struct act *a, const struct user *u, const struct delivery *d)
{
	struct screen s;

	screen_begin_for(&s, a, u);
	return send_qr(&s, d);
}

/* --- the subscription link --- */

/* A message to the reader of s. */
static void begin_beside(struct screen *s, const struct screen *beside)
{
	*s = (struct screen){ .a = beside->a, .to = beside->to, .chat_id = beside->chat_id, .thread_id = beside->thread_id,
		.user_id = beside->user_id, .muted = beside->muted };
	buf_init(&s->text, beside->text.max);
	buf_init(&s->markup, beside->markup.max);
}

enum err deliver_links(struct screen *s, const struct delivery *d)
{
	struct send_as as = as_key(d);
	struct screen picture, subscription;
	bool has_links = d->links.links.len || d->links.sub_url.len;
	enum err e;

	begin_beside(&picture, s);
	begin_beside(&subscription, s);
	screen_gap(s);
	links_text(s, &d->links);
	link_buttons(s, d);
	e = screen_send(s, &as);
	if (!e && has_links)
		e = send_qr(&picture, d);
	if (!e && d->links.sub_url.len) {
		screen_text(&subscription, "deliver.subscription", T_STR("link", d->links.sub_url));
		e = screen_send(&subscription, &as);
	}
	screen_drop(&picture);
	screen_drop(&subscription);
	return e;
}
