/* Trial, invitations, and links bought elsewhere. */
#include "bot/screens/screens_private.h"

#include <string.h>

#include "lib/base/enc.h"

/* --- trial --- */

static enum err trial_refused(struct talk *t, enum err why)
{
	switch (why) {
	case E_NOTFOUND:
	case E_REFUSED: return plans_show(t, 0, "trial.off");
	case E_CONFLICT: return plans_show(t, 0, "trial.used");
	case E_NOROOM: return home_show(t, "plans.full");
	default: return why;
	}
}

enum err tap_trial(struct talk *t, struct str id, struct str arg)
{
	struct order order;
	struct screen s;
	enum err e;

	(void)id;
	(void)arg;
	if (shop_is_closed(t, &e))
		return e;
	e = order_trial(&order, t->a, &t->user);
	if (e)
		return trial_refused(t, e);
	screen_begin(&s, t);
	screen_text(&s, "trial.creating");
	screen_button(&s, "my", NULL, NULL, "button.my");
	return screen_show(&s);
}

/* --- invitations --- */

static struct str invite_link(struct act *a, const struct user *u)
{
	return str_of(arena_printf(a->arena, "https://t.me/%s?start=r_%s", a->shared->bot_username, u->referral_code));
}

static void share_button(struct screen *s, struct str link)
{
	struct buf url;

	buf_init(&url, 1024);
	buf_adds(&url, "https://t.me/share/url?url=");
	enc_percent(&url, link, "");
	screen_button_url(s, "button.share", str_dup(s->a->arena, buf_str(&url)));
	buf_release(&url);
}

static void totals_text(struct screen *s, const struct referral_totals *totals)
{
	screen_gap(s);
	screen_text(s, "invite.count", T_INT("count", totals->invited), T_INT("paid", totals->bought));
	if (totals->days_used)
		screen_text(s, "invite.earned", T_INT("count", totals->days_used));
	if (totals->days_usable)
		screen_text(s, "invite.kept", T_INT("count", totals->days_usable));
	if (totals->days_waiting)
		screen_text(s, "invite.waiting", T_INT("count", totals->days_waiting));
}

static enum err invite_show(struct talk *t)
{
	int64_t days = setting_i64(t->a, SETTING_REFERRAL_DAYS);
	struct referral_totals totals;
	struct screen s;
	struct str link;
	enum err e = user_draw_ids(t->a, &t->user);

	if (!e)
		e = referral_totals(&totals, t->a, t->user.id);
	if (e)
		return e;
	link = invite_link(t->a, &t->user);
	screen_begin(&s, t);
	screen_text(&s, "invite.card", T_STR("link", link), T_STR("code", t->user.referral_code));
	if (days)
		screen_text(&s, "invite.reward", T_INT("count", days));
	else
		screen_text(&s, "invite.off");
	totals_text(&s, &totals);
	screen_button_copy(&s, "button.copy_link", link);
	share_button(&s, link);
	home_row(&s);
	return screen_show(&s);
}

enum err said_invite(struct talk *t, struct str args)
{
	(void)args;
	return invite_show(t);
}

enum err tap_invite(struct talk *t, struct str id, struct str arg)
{
	(void)id;
	(void)arg;
	return invite_show(t);
}

/* --- "I already have a link": pasting the whole of it is the proof --- */

static bool is_link(struct str text)
{
	return str_has(text, "://") && !memchr(text.at, ' ', text.len) && !memchr(text.at, '\n', text.len);
}

static enum err claim_says(struct talk *t, const char *key)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text_list(&s, key, (const struct i18n_arg[]){ { 0 } });
	home_row(&s);
	return screen_show(&s);
}

static enum err claim(struct talk *t, struct str link)
{
	struct subscription sub;
	struct look look;
	struct screen s;
	enum err e = sub_claim(&sub, t->a, &t->user, link);

	if (e == E_NOTFOUND || e == E_INVALID)
		return claim_says(t, "claim.unknown");
	if (e == E_CONFLICT)
		return claim_says(t, "claim.taken");
	if (!e)
		e = look_at(&look, t->a, &sub);
	if (!e)
		e = talk_expect_nothing(t);
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "claim.done", T_STR("plan", look.plan), T_DATE("until", sub.expires_ms));
	s.style = TG_STYLE_PRIMARY;
	screen_button(&s, "sub", sub.public_id, NULL, "button.my");
	home_row(&s);
	return screen_show(&s);
}

enum err tap_claim(struct talk *t, struct str id, struct str arg)
{
	enum err e = talk_expect(t, "claim", NULL);

	(void)id;
	(void)arg;
	return e ? e : claim_says(t, "claim.ask");
}

enum err typed_claim(struct talk *t, struct str state, struct str text)
{
	struct str link = str_trim(text);

	(void)state;
	return is_link(link) ? claim(t, link) : claim_says(t, "claim.no_link");
}

/* --- what is typed without being asked: a link, an order's number, a code; else what there is to tap --- */

static enum err typed_order(struct talk *t, struct str text, bool *taken)
{
	struct order order;
	enum err e = own_order(&order, t, text);

	*taken = !e;
	if (e == E_NOTFOUND)
		return OK;
	return e ? e : order_show(t, &order, NULL);
}

static bool is_code(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.at[i] >= '0' && s.at[i] <= '9') && !(s.at[i] >= 'a' && s.at[i] <= 'z') && !(s.at[i] >= 'A' && s.at[i] <= 'Z'))
			return false;
	return s.len == REFERRAL_CODE_CHARS;
}

static enum err typed_code(struct talk *t, struct str code, bool *taken)
{
	enum err e = referral_bind(taken, t->a, &t->user, code);

	return e || !*taken ? e : home_show(t, "start.invited");
}

enum err typed_anything(struct talk *t, struct str state, struct str text)
{
	struct str word = str_trim(text);
	bool taken = false;
	enum err e = OK;

	(void)state;
	if (word.len && is_link(word))
		return claim(t, word);
	if (word.len && word.len < 32)
		e = typed_order(t, word, &taken);
	if (!e && !taken && is_code(word))
		e = typed_code(t, word, &taken);
	return e || taken ? e : home_show(t, "error.unknown_text");
}
