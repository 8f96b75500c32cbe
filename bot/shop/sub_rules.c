/* What is true of a subscription at a moment, and what a renewal makes of it. No clock, no store. */
#include <assert.h>

#include "bot/shop/subscription.h"
#include "bot/shop/time_steps.h"
#include "lib/base/clock.h"

const char *sub_status_name(enum sub_status status)
{
	static const char *const names[] = { "active", "creating", "held", "limited", "grace", "expired", "disabled", "gone" };

	assert((size_t)status < countof(names));
	return names[status];
}

int64_t sub_ends_ms(const struct subscription *s)
{
	if (!s->expires_ms)
		return 0;
	return s->grace_until_ms > s->expires_ms ? s->grace_until_ms : s->expires_ms;
}

bool sub_is_over(const struct subscription *s, int64_t now_ms)
{
	return s->expires_ms && sub_ends_ms(s) <= now_ms;
}

bool sub_is_running(const struct subscription *s, int64_t now_ms)
{
	return !s->gone && !sub_is_over(s, now_ms);
}

bool sub_is_kept_off(const struct subscription *s, int64_t now_ms)
{
	return !s->enabled && !s->time_stopped && !s->ban_stopped && sub_is_running(s, now_ms);
}

enum sub_status sub_status(const struct subscription *s, enum sub_place place, int64_t now_ms)
{
	bool ended = s->expires_ms && s->expires_ms <= now_ms;

	if (s->gone) /* deleted because its time was over, or because somebody said so */
		return s->expires_ms && s->deleted_ms && s->expires_ms <= s->deleted_ms ? SUB_EXPIRED : SUB_GONE;
	if (sub_is_over(s, now_ms))
		return SUB_EXPIRED;
	if (!s->enabled)
		return SUB_DISABLED;
	if (place != PLACE_STANDS)
		return place == PLACE_HELD ? SUB_HELD : SUB_CREATING;
	if (s->quota_bytes && s->used_bytes >= s->quota_bytes)
		return SUB_LIMITED;
	return ended ? SUB_GRACE : SUB_ACTIVE;
}

static int64_t add(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

struct sub_terms sub_renewed(const struct subscription *s, int days, int64_t quota_bytes, bool restart, int64_t now_ms)
{
	bool running = sub_is_running(s, now_ms);
	int64_t left = running && s->quota_bytes > s->used_bytes ? s->quota_bytes - s->used_bytes : 0;
	int64_t ends_ms = s->gone ? 1 : s->expires_ms ? s->expires_ms : s->ends_otherwise_ms;
	struct sub_terms t = { .expires_ms = 0, .quota_bytes = quota_bytes };

	assert(days >= 0 && quota_bytes >= 0);
	if (days && (s->expires_ms || s->gone))
		t.expires_ms = (running ? s->expires_ms : now_ms) + days * DAY_MS;
	else
		t.ends_otherwise_ms = days ? (ends_ms > now_ms ? ends_ms : now_ms) + days * DAY_MS : ends_ms;
	if (quota_bytes && !restart)
		t.quota_bytes = add(quota_bytes, left);
	return t;
}

/* --- the steps at the end of a period --- */

int64_t sub_kept_until_ms(const struct subscription *s, const struct time_rules *rules)
{
	int64_t delete_ms = s->expires_ms + rules->delete_ms;

	if (!s->expires_ms)
		return 0;
	return delete_ms > sub_ends_ms(s) ? delete_ms : sub_ends_ms(s); /* never in the grace */
}

struct sub_time sub_time_step(const struct subscription *s, const struct time_rules *rules, int64_t now_ms)
{
	int64_t delete_ms = sub_kept_until_ms(s, rules);
	bool grace_to_come = !s->grace_until_ms && rules->grace_ms;

	if (!s->expires_ms || s->gone)
		return (struct sub_time){ TIME_NOTHING, 0 };
	if (grace_to_come && now_ms < s->expires_ms - GRACE_LEAD_MS)
		return (struct sub_time){ TIME_NOTHING, s->expires_ms - GRACE_LEAD_MS };
	if (grace_to_come && now_ms < s->expires_ms + rules->grace_ms)
		return (struct sub_time){ TIME_GRACE, s->expires_ms + rules->grace_ms };
	if (!sub_is_over(s, now_ms))
		return (struct sub_time){ TIME_NOTHING, sub_ends_ms(s) };
	if (now_ms >= delete_ms)
		return (struct sub_time){ TIME_DELETE, 0 };
	return (struct sub_time){ s->enabled ? TIME_STOP : TIME_NOTHING, delete_ms };
}
