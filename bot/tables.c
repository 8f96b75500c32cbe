/* Which feature hears what. */
#include "bot/tables.h"

#include <stdio.h>

#include "bot/admin/admin.h"
#include "bot/core/config.h"
#include "bot/fleet/fleet.h"
#include "bot/http/auth.h"
#include "bot/http/health.h"
#include "bot/chat/router.h"
#include "bot/chat/screen.h"
#include "bot/screens/screens.h"
#include "bot/screens/screens_hooks.h"
#include "bot/shop/admin_claim.h"
#include "bot/shop/extras.h"
#include "bot/shop/pay.h"
#include "bot/shop/session.h"
#include "bot/shop/settings.h"
#include "lib/base/clock.h"

/* --- what is told to whom: customer first, then the admins --- */

static enum err paid(struct act *a, const struct order *o)
{
	enum err e = screens_order_hooks.paid(a, o);

	return e ? e : admin_sold(a, o);
}

static enum err set_aside(struct act *a, const struct payment_row *p, const struct user *u)
{
	enum err e = u ? screens_pay_hooks.set_aside(a, p, u) : OK;

	return e ? e : admin_set_aside(a, p, u);
}

static enum err refunded(struct act *a, const struct payment_row *p)
{
	enum err e = screens_pay_hooks.refunded(a, p);

	return e ? e : admin_refunded(a, p);
}

static enum err gone(struct act *a, int64_t chat_id)
{
	enum err e = user_unreachable(a, chat_id);

	return e ? e : admin_chat_gone(a, chat_id);
}

static bool repairs_drift(struct act *a)
{
	return setting_i64(a, SETTING_DRIFT_REPAIR) != 0;
}

void tables_register(void)
{
	static const struct fleet_hooks fleet_hooks = {
		.access_ready = order_access_ready, .access_waits = order_access_waits, .usage_seen = usage_seen, .answered = admin_panel_answered,
		.repairs_drift = repairs_drift, .adopts_end = sub_adopt_end, .access_replaced = screens_access_replaced,
	};
	static struct order_hooks order_hooks;
	static struct pay_hooks pay_hooks;

	router_reset();
	screens_register();
	admin_register();
	order_hooks = screens_order_hooks;
	order_hooks.paid = paid;
	order_set_hooks(&order_hooks);
	pay_hooks = screens_pay_hooks;
	pay_hooks.set_aside = set_aside;
	pay_hooks.refunded = refunded;
	pay_hooks.refund_failed = admin_refund_failed;
	pay_hooks.provider_tried = admin_provider_tried;
	pay_set_hooks(&pay_hooks);
	session_set_hook(screens_session_stolen);
	fleet_set_hooks(&fleet_hooks);
}

/* --- starts --- */

/* A shop without any admin: the terminal shows a link that makes its first visitor the owner. */
static enum err ready(struct act *a)
{
	char code[ADMIN_CLAIM_CHARS + 1];
	bool wanted = false;
	enum err e = screens_ready(a);

	if (!e)
		e = admin_claim_is_wanted(&wanted, a);
	if (e || !wanted)
		return e;
	e = admin_claim_create(code, a);
	if (e)
		return e;
	printf("\nNobody is admin yet. Within an hour open\n\n    https://t.me/%s?start=a_%s\n\nand press START: whoever does so first owns this shop.\n\n",
		a->shared->bot_username, code);
	fflush(stdout);
	return OK;
}

static enum err started(struct act *a)
{
	enum err e = pay_on_start(a);

	return e ? e : panel_from_config(a);
}

/* --- schedules --- */

static enum err forget_old(struct act *a)
{
	enum err e = core_forget(a);

	if (!e)
		e = sessions_forget(a);
	if (!e)
		e = panel_log_forget(a);
	return e ? e : pay_forget(a);
}

static const struct schedule_row schedules[] = {
	/* name            every              what */
	{ "orders",        MINUTE_MS,         orders_expire },
	{ "invoices",      MINUTE_MS,         invoices_expire },
	{ "bonuses",       MINUTE_MS,         bonuses_mature },
	{ "expiry",        MINUTE_MS,         expiry_run },   /* gives the grace that the reminder of the end tells of */
	{ "reminders",     MINUTE_MS,         reminders_run },
	{ "expiry_sweep",  HOUR_MS,           expiry_sweep },
	{ "watch",         MINUTE_MS,         fleet_watch },
	{ "look",          15 * MINUTE_MS,    fleet_look_due },
	{ "stars",         10 * MINUTE_MS,    pay_poll_stars },
	{ "updates",       MINUTE_MS,         core_forget_updates },
	{ "forget",        HOUR_MS,           forget_old },
};

static const struct settle_row settles[] = {
	{ "live",          screen_settle_live },
};

static const struct route_row routes[] = {
	{ LISTENER_PUBLIC, HTTP_POST, "/cb/",     pay_callback },
	{ LISTENER_PUBLIC, HTTP_POST, "/auth/register", auth_register },
	{ LISTENER_PUBLIC, HTTP_POST, "/auth/login", auth_login },
	{ LISTENER_PUBLIC, HTTP_POST, "/auth/refresh", auth_refresh },
	{ LISTENER_PUBLIC, HTTP_POST, "/auth/logout", auth_logout },
	{ LISTENER_PUBLIC, HTTP_GET,  "/profile", profile_get },
	{ LISTENER_PUBLIC, HTTP_POST, "/profile/telegram", profile_link },
	{ LISTENER_ADMIN,  HTTP_GET,  "/healthz", health_answer },
	{ LISTENER_ADMIN,  HTTP_GET,  "/metrics", metrics_answer },
};

static const struct job_kind *const jobs[] = {
	&fleet_job_reconcile, &fleet_job_ask, &fleet_job_watch, &fleet_job_sweep, &order_job_fulfil, &pay_job_create, &pay_job_poll, &pay_job_probe, &pay_job_refund, &pay_job_stars,
	&admin_job_grants,
};

const struct core_tables tables = {
	.on_start = started, .on_ready = ready,
	.on_update = router_update, .is_money = router_is_money, .on_parked = router_parked,
	.on_gone = gone, .on_lost = admin_notice_lost, .on_moved = admin_chat_moved, .on_alert = admin_alert,
	.jobs = jobs, .jobs_count = countof(jobs),
	.settles = settles, .settles_count = countof(settles),
	.schedules = schedules, .schedules_count = countof(schedules),
	.routes = routes, .routes_count = countof(routes),
};
