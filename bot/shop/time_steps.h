/* What time does to a subscription: grace, stop, deletion; and its reminders. Pure rules and the marks they are kept in.
 *
 *	  ── running ──┬─ expiry − GRACE_LEAD ─▶ grace given ── end ─▶ stopped on the panel ── delete days ─▶ deleted there
 *	               └─ no grace: expiry ────────────────────────▲
 *
 * The panel stops a client by itself at the moment it was told, so the grace is given shortly before the expiry: nobody
 * is cut off for the length of a timer, and until then the panel holds the very moment that was bought. */
#ifndef OBOL_SHOP_TIME_STEPS_H
#define OBOL_SHOP_TIME_STEPS_H

#include "bot/shop/subscription.h"
#include "lib/base/clock.h"

#define GRACE_LEAD_MS (10 * MINUTE_MS)

bool sub_is_over(const struct subscription *s, int64_t now_ms); /* past expiry and grace */

struct time_rules { int64_t grace_ms, delete_ms; };
struct time_rules time_rules_get(struct act *a); /* as the settings are now */
/* Until then a renewal brings the same link back; from then on it is deleted for good. 0: without end. */
int64_t sub_kept_until_ms(const struct subscription *s, const struct time_rules *rules);
enum time_step { TIME_NOTHING, TIME_GRACE, TIME_STOP, TIME_DELETE };
/* The one step that is due now, and when to look again once it is done; 0: never. */
struct sub_time { enum time_step step; int64_t again_ms; };
struct sub_time sub_time_step(const struct subscription *s, const struct time_rules *rules, int64_t now_ms);

/* A subscription begins a period (or its end has moved): decides the reminders whose moment has passed already against
 * sending and sets when both schedules look at it. */
enum err sub_arm(struct act *a, const struct subscription *s);

/* Reminders, the least urgent first. */
enum { REMINDERS_BY_TIME = 4, REMINDERS_BY_USE = 3 };
extern const char *const reminder_kinds_by_time[REMINDERS_BY_TIME], *const reminder_kinds_by_use[REMINDERS_BY_USE];
int64_t reminder_moment_ms(int kind, const struct subscription *s);  /* by time; 0: has none */
int64_t reminder_next_ms(const struct subscription *s, int64_t now_ms); /* the first moment after now; 0: none */
bool reminder_is_used(int kind, int64_t used_bytes, int64_t quota_bytes); /* the share is reached; never of unlimited */

#endif
