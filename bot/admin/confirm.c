/* Questions before dangerous acts, one row each in confirms. A row goes with the first press, whatever comes of it. */
#include "bot/admin/confirm.h"

#include <assert.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"

#define CODE_CHARS 16
#define QUESTION_MS (5 * MINUTE_MS)

static const struct dangerous_act *acts;
static size_t acts_count;

void confirm_set_acts(const struct dangerous_act *table, size_t count)
{
	acts = table;
	acts_count = count;
}

static const struct dangerous_act *find_act(const char *name)
{
	for (size_t i = 0; i < acts_count; i++)
		if (strcmp(acts[i].name, name) == 0)
			return &acts[i];
	return NULL;
}

enum err confirm_show(struct screen *s, const char *act, const char *subject, const char *reason)
{
	char code[CODE_CHARS + 1];
	enum err e;

	assert(find_act(act) && strlen(subject) <= CONFIRM_SUBJECT_BYTES_MAX);
	enc_random_base32(code, CODE_CHARS);
	e = db_run(s->a->tx, "DELETE FROM confirms WHERE expires_ms<=?1", s->a->now_ms);
	if (!e)
		e = db_run(s->a->tx, "INSERT INTO confirms(code, user_id, act, subject, reason, expires_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
			code, s->user_id, act, subject, reason, s->a->now_ms + QUESTION_MS);
	if (e) {
		screen_drop(s);
		return e;
	}
	screen_row(s);
	s->style = TG_STYLE_DANGER;
	screen_button(s, "yes", code, NULL, "button.yes");
	screen_button(s, "no", code, NULL, "button.no");
	return screen_show(s);
}

struct question {
	char *act, *subject, *reason;
};

/* Takes the row away. E_NOTFOUND: pressed before, too late, or never asked of this admin. */
static enum err take(struct question *q, struct talk *t, struct str code)
{
	struct db_rows r;
	enum err e;

	db_select(&r, t->a->tx, "SELECT act, subject, reason FROM confirms WHERE code=?1 AND user_id=?2 AND expires_ms>?3",
		code, t->user.id, t->a->now_ms);
	e = db_first(&r);
	if (e)
		return e;
	q->act = db_text(&r, 0, t->a->arena);
	q->subject = db_text(&r, 1, t->a->arena);
	q->reason = db_text(&r, 2, t->a->arena);
	e = db_end(&r);
	return e ? e : db_run(t->a->tx, "DELETE FROM confirms WHERE code=?1", code);
}

static enum err answer(struct talk *t, const char *key)
{
	struct screen s;

	screen_begin(&s, t);
	screen_text(&s, key);
	return screen_show(&s);
}

enum err confirm_yes(struct talk *t, struct str code, struct str arg)
{
	const struct dangerous_act *act;
	struct question q;
	enum err e = take(&q, t, code);

	(void)arg;
	if (e)
		return e == E_NOTFOUND ? answer(t, "admin.too_late") : e;
	act = find_act(q.act);
	return act ? act->run(t, str_of(q.subject), q.reason) : answer(t, "admin.too_late"); /* asked by an older program */
}

enum err confirm_no(struct talk *t, struct str code, struct str arg)
{
	struct question q;
	enum err e = take(&q, t, code);

	(void)arg;
	if (e && e != E_NOTFOUND)
		return e;
	return answer(t, e ? "admin.too_late" : "admin.canceled");
}
