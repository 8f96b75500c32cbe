/* Alerts to admins, folded: one row per cause while it lasts (R128).
 *
 * Raising a cause that is raised already only counts. Who is told, and in which words, is the table's on_alert. */
#ifndef OBOL_CORE_ALERT_H
#define OBOL_CORE_ALERT_H

#include "bot/core/act.h"

enum alert_level { ALERT_NOTICE, ALERT_WARNING, ALERT_CRITICAL };

struct alert {
	const char *cause;      /* "panel.down:3": what is folded together */
	enum alert_level level;
	const char *text_key;   /* locale key below "alert." with {{detail}}, {{count}}, {{subject}} */
	const char *subject;    /* what it is about, shown as is: a panel's name, an order's number; NULL: none */
	const char *detail;     /* another party's words, or one of ours that on_alert has a text for; bounded, without secrets; NULL: none */
	int64_t count;          /* how often so far */
	int64_t first_ms, last_ms;
	bool over;              /* on_alert: the all-clear */
};

enum err alert_raise(struct act *a, enum alert_level level, const char *cause, const char *text_key, const char *subject, const char *detail);
/* The cause has ended: all-clear once, if it was raised. */
enum err alert_clear(struct act *a, const char *cause, const char *subject);
/* Told once and not remembered: for events that have no end. */
enum err alert_tell(struct act *a, enum alert_level level, const char *text_key, const char *subject, const char *detail);

#endif
