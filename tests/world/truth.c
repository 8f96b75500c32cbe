/* What must be true. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sqlite3.h>

#include "bot/shop/ledger.h"
#include "lib/base/clock.h"
#include "tests/world/world.h"

/* --- on the way --- */

/* Who moves to another panel keeps the old place until the new one stands. */
#define LEFT_TOO_EARLY "SELECT count(*) FROM accesses x JOIN accesses y ON y.subscription_id=x.subscription_id AND y.panel_id<>x.panel_id" \
	" JOIN panels p ON p.id=y.panel_id JOIN subscriptions s ON s.id=x.subscription_id" \
	" WHERE x.deleted_ms=0 AND x.done_rev=0 AND y.done_rev>0 AND y.deleted_ms>=x.created_ms AND p.deleted_ms=0 AND s.gone=0"

/* Places that are taken, or kept for whoever is about to pay. Kept until when the program's clock says: not asked once that
 * went wrong. */
#define OVERSOLD "SELECT count(*) FROM inbounds i JOIN panels p ON p.id=i.panel_id WHERE i.capacity>0 AND p.deleted_ms=0" \
	" AND (SELECT count(*) FROM accesses x WHERE x.panel_id=i.panel_id AND x.inbound_id=i.inbound_id AND x.deleted_ms=0)" \
	" + (SELECT count(*) FROM orders o WHERE o.panel_id=i.panel_id AND o.inbound_id=i.inbound_id AND o.reserved_until_ms>?1)>i.capacity"

static void look_at_places(struct world *w)
{
	if (world_number(w, OVERSOLD, w->had_wrong_clock ? INT64_MAX : world_now_ms(w)))
		world_broken(w, "more is sold or kept than there are places");
}

/* A panel is set aside when its answers have killed, and not because something else did while it was asked. */
static void look_at_set_aside(struct world *w)
{
	for (size_t i = 0; i < w->panels_count; i++) {
		struct world_panel *p = &w->panels[i];

		if (!world_number(w, "SELECT count(*) FROM panels WHERE state='failing' AND id=?1", p->panel_id))
			p->is_excused = false;
		else if (p->was_cut_off || p->has_killed)
			p->is_excused = true;
		else if (!p->is_excused)
			world_broken(w, "%s is set aside and has not killed", p->name);
	}
}

/* A claimed row of a running process has a live call; nothing is under way here, so nothing is claimed. Where nothing was
 * written since the last look, it was enough. */
void truth_look(struct world *w)
{
	int64_t changes = sqlite3_total_changes64(db_handle(w->db)), rows, jobs;

	if (changes == w->looked_changes)
		return;
	w->looked_changes = changes;
	rows = world_number(w, "SELECT count(*) FROM outbox WHERE state=1");
	jobs = world_number(w, "SELECT count(*) FROM jobs WHERE state=1");
	if (rows || jobs)
		world_broken(w, "%" PRId64 " messages and %" PRId64 " jobs are claimed and nothing is under way", rows, jobs);
	guards_look(w);
	look_at_set_aside(w);
	if (world_is_narrow(w->seed))
		look_at_places(w);
	truth_look_at_moves(w);
}

void truth_look_at_moves(struct world *w)
{
	if (world_number(w, LEFT_TOO_EARLY))
		world_broken(w, "somebody's old place was left before the new one stood");
}

int64_t truth_newest_invoice(struct world *w)
{
	return world_number(w, "SELECT coalesce(max(id), 0) FROM invoices");
}

void truth_look_at_invoice(struct world *w, int64_t before, struct str tapped)
{
	struct str rest = tapped, verb = str_cut(&rest, ':'), subscription = str_cut(&rest, ':');

	if (!str_is(verb, "renewpay"))
		subscription = STR("");
	/* a trial goes on with what is bought */
	if (world_number(w, "SELECT count(*) FROM invoices i JOIN orders o ON o.id=i.order_id LEFT JOIN subscriptions s ON s.id=o.subscription_id"
		" WHERE i.id>?1 AND NOT (coalesce(s.public_id, '')=?2 OR (?2='' AND s.trial))", before, subscription))
		world_broken(w, "somebody tapped %.*s and is to pay for something else", STR_ARG(tapped));
}

/* What Telegram has been told to forget, nobody brings again: it is decided, or waits in our own table. */
void truth_look_at_confirmed(struct world *w)
{
	for (size_t i = 0; i < w->confirmed_count; i++)
		if (!world_number(w, "SELECT count(*) FROM inbox WHERE update_id=?1", w->confirmed[i]))
			world_broken(w, "update %" PRId64 " is confirmed and not decided", w->confirmed[i]);
	w->confirmed_count = 0;
}

/* --- money --- */

/* The delivery of order o was set aside and waits before a person. */
#define SET_ASIDE "EXISTS (SELECT 1 FROM jobs j JOIN accesses x ON x.subscription_id=o.subscription_id" \
	" WHERE j.kind='reconcile' AND j.state=2 AND j.subject=x.subscription_id || ':' || x.panel_id)"

static void one_money(struct world *w, struct money *m)
{
	struct db_rows r;
	char state[32] = "", order[32] = "";
	int64_t n = 0, decided = 0;
	bool set_aside = false;

	if (m->stars && m->checkout) {
		if (botapi_checkout_state(w->telegram, m->checkout) != BOTAPI_CHECKOUT_PAID)
			return; /* no money moved */
		snprintf(m->id, sizeof m->id, "%.*s", STR_ARG(botapi_checkout_charge(w->telegram, m->checkout)));
	}
	db_select(&r, w->db, "SELECT p.state, coalesce(o.state, ''), (SELECT count(*) FROM suspense s WHERE s.payment_id=p.id AND s.state<>'open'), " SET_ASIDE
		" FROM payments p LEFT JOIN orders o ON o.id=p.order_id WHERE p.provider=?1 AND p.provider_payment_id=?2",
		m->stars ? "stars" : "crypto_pay", (const char *)m->id);
	while (db_next(&r)) {
		n++;
		snprintf(state, sizeof state, "%.*s", STR_ARG(db_str(&r, 0)));
		snprintf(order, sizeof order, "%.*s", STR_ARG(db_str(&r, 1)));
		decided = db_i64(&r, 2);
		set_aside = db_i64(&r, 3) > 0;
	}
	m->maybe = m->maybe && n == 0;
	if (m->maybe)
		db_end(&r);
	else if (db_end(&r) != OK || n != 1)
		world_broken(w, "payment %s is booked %" PRId64 " times", m->id, n);
	else if (strcmp(state, "applied") == 0 && strcmp(order, "delivered") != 0 && strcmp(order, "refunded") != 0 && !set_aside)
		world_broken(w, "payment %s is applied, its order is %s", m->id, order);
	else if (strcmp(state, "refunding") == 0)
		world_broken(w, "payment %s is still being refunded", m->id);
	else if (m->needless)
		world_broken(w, "payment %s was let through for an order that was paid", m->id);
	else if (m->wrong && strcmp(state, "applied") == 0 && !decided)
		world_broken(w, "payment %s of another amount was taken for the right one", m->id);
}

static size_t moved(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->money_count; i++)
		n += !w->money[i].maybe && (!w->money[i].checkout || botapi_checkout_state(w->telegram, w->money[i].checkout) == BOTAPI_CHECKOUT_PAID);
	return n;
}

static enum err check_ledger(struct act *a, void *ctx)
{
	return ledger_check(a, ctx);
}

static void all_money(struct world *w)
{
	static const struct { const char *what, *sql; } none[] = {
		{ "payments set aside and not before a person", "SELECT count(*) FROM payments p WHERE p.state='suspense' AND NOT EXISTS (SELECT 1 FROM suspense s WHERE s.payment_id=p.id AND s.state='open')" },
		{ "orders paid and not delivered, with nobody told", "SELECT count(*) FROM orders o WHERE o.state='paid' AND NOT " SET_ASIDE },
		{ "buyers whose delivery was set aside and who have not heard that it takes longer", "SELECT count(*) FROM orders o WHERE o.state='paid' AND " SET_ASIDE
			" AND NOT EXISTS (SELECT 1 FROM orders y WHERE y.subscription_id=o.subscription_id AND y.waiting_told)" },
		{ "orders with two applied payments", "SELECT count(*) FROM (SELECT order_id FROM payments WHERE state='applied' GROUP BY order_id HAVING count(*)>1)" },
		{ "orders taken back although their money stayed", "SELECT count(*) FROM orders o WHERE o.state='refunded' AND o.kind IN ('new', 'renew')"
			" AND EXISTS (SELECT 1 FROM payments p WHERE p.order_id=o.id AND p.state='applied')" },
		{ "orders delivered for nothing", "SELECT count(*) FROM orders o WHERE o.kind IN ('new', 'renew') AND o.state IN ('paid', 'delivered')"
			" AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id=o.id AND p.state IN ('applied', 'refunding', 'kept'))" },
		{ "payments without their entry in the ledger", "SELECT count(*) FROM payments p WHERE p.amount_minor>0 AND NOT EXISTS"
			" (SELECT 1 FROM ledger l WHERE l.payment_id=p.id AND l.kind='payment' AND l.amount_minor=p.amount_minor AND l.currency=p.currency)" },
		{ "refunds whose access stayed", "SELECT count(*) FROM orders o JOIN subscriptions s ON s.id=o.subscription_id WHERE o.state='refunded' AND o.target_rev>0 AND s.gone=0"
			" AND NOT EXISTS (SELECT 1 FROM orders x WHERE x.subscription_id=s.id AND x.id<>o.id AND x.state IN ('paid', 'delivered') AND x.kind<>'trial')" },
		{ "resets of traffic that were paid for and not made", "SELECT count(*) FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id"
			" WHERE x.deleted_ms=0 AND s.gone=0 AND x.done_rev=s.revision AND x.done_reset_rev<s.reset_rev" },
		{ "orders whose subscription is somebody else's", "SELECT count(*) FROM orders o JOIN subscriptions s ON s.id=o.subscription_id WHERE o.user_id<>s.user_id" },
		{ "invoices that ask for another price than the order showed", "SELECT count(*) FROM invoices i JOIN order_prices p ON p.order_id=i.order_id AND p.currency=i.currency WHERE i.amount_minor<>p.amount_minor" },
		{ "people with two trials", "SELECT count(*) FROM (SELECT user_id FROM orders WHERE kind='trial' AND state<>'canceled' GROUP BY user_id HAVING count(*)>1)" },
		{ "friends rewarded twice", "SELECT count(*) FROM (SELECT o.user_id FROM bonuses b JOIN orders o ON o.id=b.source_order_id GROUP BY o.user_id HAVING count(*)>1)" },
		{ "people given more days for their friends than they had", "SELECT count(*) FROM users u WHERE (SELECT coalesce(sum(o.bonus_days), 0) FROM orders o WHERE o.user_id=u.id)"
			" > (SELECT coalesce(sum(b.days), 0) FROM bonuses b WHERE b.user_id=u.id AND b.used_order_id IS NOT NULL)" },
		{ "accounts of the ledger that say something else than the payments", "WITH entries(account, currency, minor) AS (SELECT debit, currency, amount_minor FROM ledger UNION ALL SELECT credit, currency, -amount_minor FROM ledger"
			" UNION ALL SELECT 'provider:'||provider, currency, -amount_minor FROM payments WHERE state<>'refunded'"
			" UNION ALL SELECT CASE state WHEN 'suspense' THEN 'suspense' ELSE 'revenue' END, currency, amount_minor FROM payments WHERE state IN ('applied', 'kept', 'suspense'))"
			" SELECT count(*) FROM (SELECT 1 FROM entries GROUP BY account, currency HAVING sum(minor)<>0)" },
		{ "rewards for one order twice", "SELECT count(*) FROM (SELECT source_order_id FROM bonuses GROUP BY source_order_id HAVING count(*)>1)" },
	};
	bool balanced = false;
	int64_t booked = 0;

	for (size_t i = 0; i < w->money_count; i++)
		one_money(w, &w->money[i]);
	for (size_t i = 0; i < countof(none); i++) {
		int64_t n = world_number(w, none[i].sql);

		if (n)
			world_broken(w, "%" PRId64 " %s", n, none[i].what);
	}
	if ((int64_t)moved(w) != world_number(w, "SELECT count(*) FROM payments"))
		world_broken(w, "money moved %zu times, booked are %" PRId64, moved(w), world_number(w, "SELECT count(*) FROM payments"));
	if (!life_do(w, check_ledger, &balanced) || !balanced)
		world_broken(w, "the ledger does not sum to zero");
	booked = world_number(w, "SELECT coalesce(sum(amount_minor), 0) FROM payments WHERE provider='stars' AND state<>'refunded'");
	if (booked != botapi_balance(w->telegram) + w->withdrawn_stars)
		world_broken(w, "the books say %" PRId64 " Stars, Telegram %" PRId64 " and %" PRId64 " withdrawn", booked, botapi_balance(w->telegram), w->withdrawn_stars);
}

/* --- work --- */

static void all_work(struct world *w)
{
	static const struct { const char *what, *sql; } none[] = {
		{ "messages still waiting", "SELECT count(*) FROM outbox WHERE state<>2" },
		{ "updates still waiting", "SELECT count(*) FROM inbox WHERE state=1 AND money=0" },
		{ "jobs set aside for nobody", "SELECT count(*) FROM jobs WHERE state=2 AND kind NOT IN ('reconcile', 'pay_probe')" },
		{ "urgent jobs still waiting", "SELECT count(*) FROM jobs WHERE state<>2 AND prio=0 AND attempts>3" },
	};
	int64_t given_up = world_number(w, WORLD_GIVEN_UP);

	for (size_t i = 0; i < countof(none); i++) {
		int64_t n = world_number(w, none[i].sql);

		if (n)
			world_broken(w, "%" PRId64 " %s", n, none[i].what);
	}
	if (given_up > w->deadly_messages)
		world_broken(w, "%" PRId64 " messages were given up, %" PRId64 " have killed", given_up, w->deadly_messages);
	for (size_t i = 0; i < w->failed_count; i++)
		if (!w->failed[i].came_again)
			world_broken(w, "update %" PRId64 " has failed and was not tried again", w->failed[i].update_id);
}

/* --- access --- */

struct wanted {
	struct world *w;
	struct world_panel *p;
	const char *email;
	size_t seen;
	struct panel_client_view view;
};

static bool look(void *ctx, const struct panel_client_view *c)
{
	struct wanted *x = ctx;

	if (str_is(c->email, x->email)) {
		x->seen++;
		x->view = *c;
	}
	return true;
}

static struct world_panel *panel_of(struct world *w, int64_t panel_id)
{
	for (size_t i = 0; i < w->panels_count; i++)
		if (w->panels[i].panel_id == panel_id)
			return &w->panels[i];
	return NULL;
}

/* After a move what was used before it is not given again. */
static int64_t quota_left(int64_t sold, int64_t used_elsewhere)
{
	if (!sold)
		return 0; /* without limit */
	return sold > used_elsewhere ? sold - used_elsewhere : 1;
}

/* The link opens that client; of those protocols that show their key. */
static bool opens(struct str link, const struct panel_client_view *c)
{
	char text[128];

	snprintf(text, sizeof text, "vless://%.*s@", STR_ARG(c->id));
	return !str_starts(link, "vless://") || str_starts(link, text);
}

/* What stands on the panel is what was sold; or what differs is listed, or waits before a person. */
static void one_access(struct world *w, const struct db_rows *r)
{
	char email[96], drift[128];
	struct wanted x = { .w = w, .p = panel_of(w, db_i64(r, 0)), .email = email };
	int64_t access = db_i64(r, 2), expiry_ms = db_i64(r, 3), quota = db_i64(r, 4), ends_ms = db_i64(r, 8), used_elsewhere = db_i64(r, 9);
	bool enabled = db_i64(r, 5), gone = db_i64(r, 6), behind = db_i64(r, 7);

	snprintf(email, sizeof email, "%.*s", STR_ARG(db_str(r, 1)));
	snprintf(drift, sizeof drift, "SELECT count(*) FROM drifts WHERE state='open' AND access_id=%" PRId64, access);
	if (!x.p)
		return;
	panel_sim_each_client(x.p->sim, 0, look, &x);
	if (gone) {
		if (x.seen && x.view.enable && !behind && !client_is_strangers(x.p, email))
			world_broken(w, "%s stands on %s and should be gone", email, x.p->name);
		return;
	}
	if (world_number(w, drift) || behind)
		return;
	if (x.seen != 1)
		world_broken(w, "%s stands on %s %zu times", email, x.p->name, x.seen);
	else if (x.view.expiry_ms != (ends_ms > expiry_ms ? ends_ms : expiry_ms) || x.view.total_bytes != quota_left(quota, used_elsewhere))
		world_broken(w, "%s on %s ends %" PRId64 " with %" PRId64 " bytes, sold were %" PRId64 " (%" PRId64 ") and %" PRId64, email, x.p->name,
			x.view.expiry_ms, x.view.total_bytes, expiry_ms, ends_ms, quota);
	else if (x.view.limit_ip != db_i64(r, 10))
		world_broken(w, "%s on %s is for %" PRId64 " devices, sold were %" PRId64, email, x.p->name, x.view.limit_ip, db_i64(r, 10));
	else if (!str_eq(x.view.sub_id, db_str(r, 11)) || !opens(db_str(r, 12), &x.view))
		world_broken(w, "%s on %s has other keys than were sold", email, x.p->name);
	else if (x.view.enable != enabled && !(x.view.has_row && !x.view.row_enable))
		world_broken(w, "%s on %s (access %" PRId64 ") is enabled=%d, wanted %d", email, x.p->name, access, x.view.enable, enabled);
}

/* Whoever else has clients at a panel finds them as they were. */
static void guests(struct world *w, struct world_panel *p)
{
	for (int i = 0; i < WORLD_GUESTS; i++) {
		char email[32];
		struct wanted x = { .w = w, .p = p, .email = email };

		snprintf(email, sizeof email, WORLD_GUEST "%d", i);
		panel_sim_each_client(p->sim, 0, look, &x);
		if (x.seen != 1 || x.view.expiry_ms || x.view.total_bytes || !x.view.enable || !str_is(x.view.comment, "a friend"))
			world_broken(w, "%s of somebody else's on %s: %zu times, ends %" PRId64, email, p->name, x.seen, x.view.expiry_ms);
	}
	for (size_t i = 0; i < p->strangers_count; i++) {
		struct wanted x = { .w = w, .p = p, .email = p->strangers[i] };

		panel_sim_each_client(p->sim, 0, look, &x);
		if (x.seen != 1 || x.view.expiry_ms || x.view.total_bytes || !x.view.enable || !str_is(x.view.comment, "a friend"))
			world_broken(w, "%s, a name that somebody else has taken on %s: %zu times, ends %" PRId64, x.email, p->name, x.seen, x.view.expiry_ms);
	}
}

/* Dropped before it was written, while the client of the panel's earlier life stands there, which kept what it had when it
 * was removed from the shop. */
#define LEFT_THERE "(x.deleted_ms>0 AND x.written_rev=0 AND EXISTS (SELECT 1 FROM accesses y JOIN panels q ON q.id=y.panel_id WHERE y.email=x.email AND y.id<>x.id AND q.deleted_ms>0))"

static void all_access(struct world *w)
{
	struct db_rows r;

	for (size_t i = 0; i < w->panels_count; i++)
		panel_sim_advance(w->panels[i].sim, world_now_ms(w));
	db_select(&r, w->db, "SELECT x.panel_id, x.email, x.id, s.expires_ms, s.quota_bytes, s.enabled AND NOT (SELECT u.banned FROM users u WHERE u.id=s.user_id), s.gone OR x.deleted_ms>0,"
		" EXISTS (SELECT 1 FROM jobs j WHERE j.kind='reconcile' AND j.state=2 AND j.subject=x.subscription_id || ':' || x.panel_id) OR " LEFT_THERE ", s.grace_until_ms,"
		" (SELECT coalesce(sum(y.seen_up_bytes+y.seen_down_bytes), 0) FROM accesses y WHERE y.subscription_id=s.id AND y.id<>x.id AND y.done_reset_rev>=s.reset_rev), s.limit_ip, s.sub_id, coalesce(x.link, '')"
		" FROM accesses x JOIN subscriptions s ON s.id=x.subscription_id JOIN panels p ON p.id=x.panel_id WHERE p.deleted_ms=0"); /* a removed one keeps what it has */
	while (db_next(&r))
		one_access(w, &r);
	if (db_end(&r) != OK)
		world_broken(w, "the accesses cannot be read");
	for (size_t i = 0; i < w->panels_count; i++)
		guests(w, &w->panels[i]);
	for (size_t i = 0; i < w->panels_count; i++)
		if (panel_sim_races(w->panels[i].sim))
			world_broken(w, "%s met %zu writes at the same time", w->panels[i].name, panel_sim_races(w->panels[i].sim));
}

/* --- messages --- */

/* Whoever got something has heard so: a link in the chat for each delivered order of somebody who can be reached. */
static void all_told(struct world *w)
{
	struct db_rows r;

	db_select(&r, w->db, "SELECT u.telegram_id, count(*) FROM orders o JOIN users u ON u.id=o.user_id"
		" WHERE o.kind='new' AND o.state='delivered' AND u.reachable=1 AND u.banned=0 GROUP BY u.id");
	while (db_next(&r)) {
		int64_t chat = db_i64(&r, 0), pictures = 0;
		const struct person *p = person_of(w, chat);

		if (!p || p->has_blocked) /* what came while the bot was blocked is lost: they find it under /my */
			continue;
		for (size_t i = 0; i < botapi_messages_count(w->telegram, chat); i++)
			pictures += botapi_message_at(w->telegram, chat, i)->photo.len > 0;
		if (pictures < db_i64(&r, 1))
			world_broken(w, "%s bought %" PRId64 " and was sent %" PRId64 " pictures", p->name, db_i64(&r, 1), pictures);
	}
	db_end(&r);
}

/* What the disk went through has left no table, and no index, in two minds. */
static void whole_file(struct world *w)
{
	int64_t n = world_number(w, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check<>'ok'");

	if (n)
		world_broken(w, "the store is damaged in %" PRId64 " places", n);
}

void truth_check(struct world *w)
{
	if (!w->core || w->dead) {
		world_broken(w, "the program does not run");
		return;
	}
	whole_file(w);
	all_money(w);
	all_work(w);
	sold_check(w);
	all_access(w);
	all_told(w);
	heard_check(w);
	secrets_check(w);
}
