/* /audit: what admins and the program did last. */
#include "bot/admin/admin_private.h"

static struct str actor_word(struct act *a, int64_t actor_id)
{
	struct user u;

	return admin_user_word(a, !actor_id || user_get(&u, a, actor_id) ? NULL : &u);
}

enum err admin_cmd_audit(struct talk *t, struct str args)
{
	struct audit_row *rows = arena_array(t->a->arena, struct audit_row, LINES_MAX);
	struct screen s;
	size_t count;
	enum err e = audit_list(rows, &count, LINES_MAX, t->a);

	(void)args;
	if (e)
		return e;
	screen_begin(&s, t);
	screen_text(&s, "admin.audit.title");
	if (!count)
		screen_text(&s, "admin.audit.none");
	for (size_t i = 0; i < count; i++) {
		screen_text(&s, "admin.audit.line", T_MOMENT("at", rows[i].at_ms), T_STR("user", actor_word(t->a, rows[i].actor_id)),
			T_STR("action", rows[i].action), T_STR("subject", rows[i].subject));
		if (rows[i].detail || rows[i].reason)
			screen_text(&s, "admin.audit.why", T_STR("detail", rows[i].detail ? rows[i].detail : "–"), T_STR("reason", rows[i].reason ? rows[i].reason : "–"));
	}
	return screen_show(&s);
}
