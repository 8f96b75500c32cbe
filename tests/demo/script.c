#include "tests/demo/script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/date.h"
#include "lib/links/link_read.h"

#define QR_TEXT_BYTES_MAX 4096
#define DAYS_TOLERANCE_MS (5 * MINUTE_MS)

/* --- the admin --- */

static bool add_panel(struct play *p, const struct stage_panel *panel)
{
	char login[64];

	snprintf(login, sizeof login, "%s\n%s", panel->cast->user, panel->cast->password);
	return play_say(p, "/panel_add") && play_await(p, "admin.panel_add.url") &&
		play_say(p, panel->url) && play_await(p, "admin.panel_add.url_http") &&
		play_tap(p, "button.continue_anyway", NULL) && play_await(p, "admin.panel_add.name") &&
		play_say(p, panel->cast->place) && play_await(p, "admin.panel_add.credentials") &&
		play_say(p, login) && play_await(p, "admin.panel_add.inbounds") &&
		/* the panel's own address is this machine's: no customer would reach it, so the shop asks for another */
		play_tap(p, "button.unchecked", panel->cast->place) && play_await(p, "admin.panel_add.host_private") &&
		play_say(p, panel->cast->address) && play_await(p, "admin.inbounds.sold") &&
		play_tap(p, "button.next", NULL) && play_await(p, "admin.panel_add.sample") &&
		play_tap(p, "button.right", NULL) && play_await(p, "admin.panel_add.done") && play_await(p, "admin.panel_test.link_warning");
}

static bool add_plan(struct play *p, const struct cast_plan *plan)
{
	char number[16], prices[64];

	if (!play_say(p, "/plan_add") || !play_await(p, "admin.plan_add.name") ||
	    !play_say(p, plan->name) || !play_await(p, "admin.plan_add.days"))
		return false;
	snprintf(number, sizeof number, "%d", plan->days);
	if (!play_say(p, number) || !play_await(p, "admin.plan_add.quota"))
		return false;
	snprintf(number, sizeof number, "%d", plan->quota_gb);
	if (!play_say(p, number) || !play_await(p, "admin.plan_add.devices"))
		return false;
	snprintf(number, sizeof number, "%d", plan->devices);
	if (!play_say(p, number) || !play_await(p, "admin.plan_add.price"))
		return false;
	snprintf(prices, sizeof prices, "%d XTR\n%d.%02d USDT", plan->stars, plan->cents / 100, plan->cents % 100);
	return play_say(p, prices) && play_await(p, "admin.plans_edit.hidden") &&
		play_tap(p, "button.sell", NULL) && play_await(p, "admin.plans_edit.on_sale");
}

bool script_set_up(struct play *p, size_t panels)
{
	play_as(p, &p->stage->cast->admin);
	play_step(p, panels == CAST_PANELS ? "The admin adds three panels, one of each dialect" : "The admin adds a panel");
	play_note(p, "%s (id %" PRId64 ") owns the shop", p->me->name, p->me->id);
	if (!play_say(p, "/start") || !play_await(p, "start.about"))
		return false;
	for (size_t i = 0; i < panels; i++)
		if (!add_panel(p, &p->stage->panels[i]))
			return false;
	play_step(p, "A plan goes on sale");
	if (!add_plan(p, &p->stage->cast->plan))
		return false;
	return play_say(p, "/panels") && play_await(p, "admin.panels.title");
}

/* --- where the customer's access is --- */

struct access {
	struct stage *stage;
	struct str id;               /* UUID from the delivered link */
	const struct stage_panel *panel; /* NULL: nowhere */
	int64_t expiry_ms, quota_bytes, since_ms; /* since_ms: wanted later than this */
	char email[128];
};

static bool keep_access(void *ctx, const struct panel_client_view *client)
{
	struct access *a = ctx;

	if (!str_eq(client->id, a->id))
		return true;
	a->expiry_ms = client->expiry_ms;
	a->quota_bytes = client->total_bytes;
	snprintf(a->email, sizeof a->email, "%.*s", STR_ARG(client->email));
	a->panel = &a->stage->panels[0]; /* set right by look_access */
	return false;
}

/* Looks at what the panels hold; under the lock. */
static bool look_access(void *ctx)
{
	struct access *a = ctx;

	a->panel = NULL;
	for (size_t i = 0; i < CAST_PANELS && !a->panel; i++) {
		panel_sim_each_client(a->stage->panels[i].sim, 0, keep_access, a);
		if (a->panel)
			a->panel = &a->stage->panels[i];
	}
	return a->panel && a->expiry_ms > a->since_ms;
}

static void tell_access(struct play *p, const struct access *a)
{
	struct date end = civil_of_ms(a->expiry_ms).date;

	play_note(p, "panel %s (3X-UI %s, dialect %c) now holds %s: until %04d-%02d-%02d, %" PRId64 " GB", a->panel->cast->place,
		a->panel->cast->version, a->panel->dialect, a->email, end.year, end.month, end.day, a->quota_bytes >> 30);
}

/* --- the picture --- */

static bool keep_photo(char *path, size_t size, struct play *p)
{
	struct str photo = { 0 };
	FILE *f;
	bool fine;

	stage_lock(p->stage);
	for (size_t i = botapi_messages_count(p->stage->telegram, p->me->id); i-- > 0 && !photo.len;)
		photo = botapi_message_at(p->stage->telegram, p->me->id, i)->photo;
	snprintf(path, size, "%s/qr.png", p->stage->dir);
	f = photo.len ? fopen(path, "wb") : NULL;
	fine = f && fwrite(photo.at, 1, photo.len, f) == photo.len;
	stage_unlock(p->stage);
	if (f)
		fclose(f);
	return fine;
}

/* What a phone's camera would read. */
static bool read_qr(char *out, size_t size, struct play *p)
{
	char path[96], command[160];
	FILE *f;
	size_t n;

	if (!keep_photo(path, sizeof path, p))
		return play_fail(p, "no picture came");
	snprintf(command, sizeof command, "zbarimg -q --raw '%s' 2>/dev/null", path);
	f = popen(command, "r");
	n = f ? fread(out, 1, size - 1, f) : 0;
	out[n] = '\0';
	if (!f || pclose(f) != 0)
		return play_fail(p, "zbarimg (package zbar-tools) does not read the QR code");
	out[strcspn(out, "\n")] = '\0';
	return true;
}

/* --- the customer --- */

static bool check_delivery(struct play *p, struct access *a)
{
	int64_t wanted_ms = clock_now_ms() + p->stage->cast->plan.days * DAY_MS;
	const char *ready = play_await(p, "deliver.ready");
	const char *tapped = play_await(p, "deliver.tap_to_copy");
	char qr[QR_TEXT_BYTES_MAX];
	struct link_parts link;
	const char *shown = "";

	if (!ready || !tapped || !play_await(p, "deliver.qr"))
		return false;
	for (size_t i = 0; *(shown = play_code(p, tapped, i)) && link_read(&link, &p->arena, str_of(shown)); i++)
		;
	if (!*shown)
		return play_fail(p, "the delivered message holds no link");
	if (!read_qr(qr, sizeof qr, p))
		return false;
	if (strcmp(qr, shown) != 0)
		return play_fail(p, "the QR code says something else than the message:\n%s\n%s", qr, shown);
	play_note(p, "zbarimg reads from the picture: %s", qr);
	play_note(p, "a %s link to %.*s, port %" PRId64, link.protocol, STR_ARG(link.host), link.port);
	*a = (struct access){ .stage = p->stage, .id = link.credential };
	if (!play_until(p, look_access, a, "no panel holds the delivered client"))
		return false;
	tell_access(p, a);
	if (a->expiry_ms < wanted_ms - DAYS_TOLERANCE_MS || a->expiry_ms > wanted_ms + DAYS_TOLERANCE_MS)
		return play_fail(p, "the panel's expiry is not %d days away", p->stage->cast->plan.days);
	if (!str_is(link.host, a->panel->cast->address) || link.port != a->panel->cast->port)
		return play_fail(p, "the link leads to %.*s:%" PRId64 ", the client is on %s", STR_ARG(link.host), link.port, a->panel->cast->address);
	return true;
}

static bool buy(struct play *p, struct access *a)
{
	const char *name = p->stage->cast->plan.name;

	play_step(p, "A customer buys with Telegram Stars");
	play_note(p, "%s (id %" PRId64 ") finds it", p->me->name, p->me->id);
	return play_say(p, "/start") && play_await(p, "start.about") &&
		play_tap(p, "button.plans", NULL) && play_await(p, "plans.title") &&
		play_tap(p, "button.plan", name) && play_await(p, "order.choose_way") &&
		play_tap(p, "button.pay_way", "Stars") && play_pay_stars(p) &&
		check_delivery(p, a);
}

/* "4.700000" is 4.7. */
static struct str without_zeros(struct str amount)
{
	while (str_has(amount, ".") && (str_ends(amount, "0") || str_ends(amount, ".")))
		amount.len--;
	return amount;
}

/* The person follows the button to Crypto Pay and pays there. */
static bool pay_page(struct play *p)
{
	const char *url = play_address(p, "button.pay_page", NULL);
	struct cryptopay_view invoice;
	bool paid;

	if (!*url)
		return false;
	stage_lock(p->stage);
	paid = cryptopay_sim_find_url(&invoice, p->stage->pay, url) && cryptopay_sim_pay(p->stage->pay, invoice.id, "USDT", clock_now_ms()) == OK;
	if (paid)
		play_note(p, "Crypto Pay: %s pays invoice %" PRId64 ", %.*s %.*s", p->me->name, invoice.id, STR_ARG(without_zeros(invoice.amount)), STR_ARG(invoice.currency));
	stage_unlock(p->stage);
	stage_touched(p->stage);
	if (!paid)
		return play_fail(p, "Crypto Pay has no open invoice at %s", url);
	play_note(p, "a shop without a public address hears of it by asking: at most half a minute");
	return true;
}

static bool renew(struct play *p, struct access *a)
{
	int64_t days = p->stage->cast->plan.days;
	int64_t before_ms = a->expiry_ms, wanted_ms = before_ms + days * DAY_MS;

	play_step(p, "The customer renews with Crypto Pay");
	if (!play_say(p, "/renew") || !play_await(p, "renew.card") ||
	    !play_tap(p, "button.pay_way", "Crypto Bot") || !play_await(p, "pay.ready") || !pay_page(p) || !play_await(p, "deliver.renewed"))
		return false;
	a->since_ms = before_ms;
	if (!play_until(p, look_access, a, "the panel's expiry has not moved"))
		return false;
	tell_access(p, a);
	if (a->expiry_ms < wanted_ms - DAYS_TOLERANCE_MS || a->expiry_ms > wanted_ms + DAYS_TOLERANCE_MS)
		return play_fail(p, "the panel's expiry did not move by %" PRId64 " days", days);
	return true;
}

bool script_purchase(struct play *p)
{
	struct access a;

	play_as(p, &p->stage->cast->customer);
	return buy(p, &a) && renew(p, &a);
}

/* --- figures --- */

static int64_t count_drift(struct stage *s)
{
	size_t n = 0;

	for (size_t i = 0; i < CAST_PANELS; i++)
		n += panel_sim_drift(s->panels[i].sim, NULL) + panel_sim_races(s->panels[i].sim);
	return (int64_t)n;
}

void script_summary(struct play *p)
{
	struct stage *s = p->stage;
	double seconds = (double)(clock_mono_us() - s->began_us) / 1e6;

	play_step(p, "Figures");
	stage_lock(s);
	for (size_t i = 0; i < CAST_PANELS; i++)
		play_note(p, "%-10s 3X-UI %s (dialect %c): %zu calls, %zu clients", s->panels[i].cast->place, s->panels[i].cast->version,
			s->panels[i].dialect, panel_sim_count(s->panels[i].sim, NULL), panel_sim_count_clients(s->panels[i].sim, 0));
	play_note(p, "Telegram: %zu calls, %zu messages, %" PRId64 " Stars", botapi_calls(s->telegram, NULL), p->messages, botapi_balance(s->telegram));
	play_note(p, "Crypto Pay: %zu calls, %zu invoice", cryptopay_sim_count(s->pay, NULL), cryptopay_sim_count_invoices(s->pay));
	play_note(p, "panels that disagree with themselves or met two writes at once: %" PRId64, count_drift(s));
	stage_unlock(s);
	printf("\ndemo: played in %.1f s (SEED=%" PRIu64 "): bought once, renewed once, delivered twice\n", seconds, s->cast->seed);
}
