/* Messages about money that the shop could not take: on top of /orders, each with its raw text, until it is taken or a
 * person has settled it. */
#include "bot/admin/admin_private.h"

#include "bot/core/core.h"

#define RAW_POINTS_MAX 1500

/* A question before the money moves is of no use ten seconds later. */
static bool is_only_question(struct act *a, const struct stuck_update *stuck)
{
	struct tg_update u;

	return tg_update_read(&u, a->arena, stuck->raw) == OK && u.kind == TG_UPDATE_PRE_CHECKOUT;
}

static enum err list(struct stuck_update **out, size_t *count, struct act *a)
{
	size_t all;
	enum err e;

	*out = arena_array(a->arena, struct stuck_update, LINES_MAX);
	*count = 0;
	e = core_money_stuck(*out, &all, LINES_MAX, a);
	for (size_t i = 0; !e && i < all; i++)
		if (!is_only_question(a, &(*out)[i]))
			(*out)[(*count)++] = (*out)[i];
	return e;
}

enum err admin_stuck_money_text(struct screen *s)
{
	struct stuck_update *rows;
	size_t count;
	enum err e = list(&rows, &count, s->a);

	if (e || !count)
		return e;
	screen_text(s, "admin.stuck_money.title", T_INT("count", (int64_t)count));
	for (size_t i = 0; i < count; i++) {
		const char *id = word_number(s->a, rows[i].update_id);

		screen_text(s, "admin.stuck_money.line", T_STR("id", id), T_MOMENT("at", rows[i].received_ms), T_ID("attempts", rows[i].attempts));
		screen_row(s);
		screen_button_text(s, "a_stuck", id, NULL, str_of(id));
	}
	screen_gap(s);
	return OK;
}

/* E_NOTFOUND: it is not stuck any more. */
static enum err find(struct stuck_update *out, struct act *a, struct str id)
{
	struct stuck_update *rows;
	int64_t update_id;
	size_t count;
	enum err e = list(&rows, &count, a);

	if (e || str_to_i64(&update_id, id))
		return e ? e : E_NOTFOUND;
	for (size_t i = 0; i < count; i++)
		if (rows[i].update_id == update_id) {
			*out = rows[i];
			return OK;
		}
	return E_NOTFOUND;
}

static enum err show_card(struct talk *t, const struct stuck_update *stuck)
{
	const char *id = word_number(t->a, stuck->update_id);
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.stuck_money.card", T_MOMENT("at", stuck->received_ms), T_ID("attempts", stuck->attempts),
		T_STR("raw", utf8_head(utf8_clean(t->a->arena, stuck->raw), RAW_POINTS_MAX)));
	if (stuck->next_ms)
		screen_text(&s, "admin.stuck_money.next", T_MOMENT("at", stuck->next_ms));
	screen_button(&s, "a_stuck", id, "retry", "button.retry");
	screen_button(&s, "a_stuck", id, "close", "button.settled");
	return screen_show(&s);
}

static enum err retry(struct talk *t, const struct stuck_update *stuck)
{
	enum err e = core_money_retry(t->a, stuck->update_id);

	if (!e)
		e = admin_note(t, "money.retry", "update", word_number(t->a, stuck->update_id), NULL, NULL);
	return e ? e : admin_say(t, "admin.stuck_money.retrying");
}

static enum err ask_close(struct talk *t, const struct stuck_update *stuck)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, "admin.stuck_money.ask_close");
	return confirm_show(&s, "money_close", word_number(t->a, stuck->update_id), NULL);
}

enum err admin_on_stuck_money(struct talk *t, struct str id, struct str arg)
{
	struct stuck_update stuck;
	enum err e = find(&stuck, t->a, id);

	if (e)
		return e == E_NOTFOUND ? admin_say(t, "admin.stuck_money.gone") : e;
	if (str_is(arg, "retry"))
		return retry(t, &stuck);
	return str_is(arg, "close") ? ask_close(t, &stuck) : show_card(t, &stuck);
}

enum err admin_do_money_close(struct talk *t, struct str subject, const char *reason)
{
	int64_t update_id;
	enum err e = str_to_i64(&update_id, subject) ? E_NOTFOUND : core_money_close(t->a, update_id);

	if (e)
		return e == E_NOTFOUND ? admin_say(t, "admin.stuck_money.gone") : e;
	e = admin_note(t, "money.close", "update", word_number(t->a, update_id), reason, NULL);
	return e ? e : admin_say(t, "admin.stuck_money.closed");
}
