/* What must be true at the moment when a row is written, by temporary triggers. What they note is committed or undone together
 * with what they saw, so it is what was really decided; later nobody could tell any more who was banned or what was for sale. */
#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>

#include "tests/world/world.h"

/* when: true of the new row if this is broken. subject: which one it was. */
static const struct guard {
	const char *broken, *event, *when, *subject;
} guards[] = {
	{ "money was taken for what it does not fit", "INSERT ON main.payments", "new.state='applied' AND NOT EXISTS (SELECT 1 FROM invoices i JOIN orders o ON o.id=i.order_id"
		" JOIN users u ON u.id=o.user_id JOIN plans p ON p.id=o.plan_id WHERE i.id=new.invoice_id AND i.provider=new.provider AND i.amount_minor=new.amount_minor AND i.currency=new.currency"
		" AND o.id=new.order_id AND o.state IN ('open', 'canceled') AND p.on_sale AND NOT u.banned AND new.payer_telegram_id IN (0, u.telegram_id))", "'payment '||new.id" },
	{ "an invoice that was paid is paid no more", "UPDATE OF state ON main.invoices", "old.state='paid' AND new.state<>'paid'", "'invoice '||new.id" },
	{ "it is said to be delivered before its panel agrees", "UPDATE OF state ON main.orders", "old.state='paid' AND new.state='delivered'"
		" AND NOT EXISTS (SELECT 1 FROM accesses x WHERE x.subscription_id=new.subscription_id AND x.done_rev>=new.target_rev)", "'order '||new.id" },
	{ "what is delivered can be paid once more", "UPDATE OF state ON main.orders", "old.state='paid' AND new.state='delivered'"
		" AND EXISTS (SELECT 1 FROM invoices i WHERE i.order_id=new.id AND i.state IN ('created', 'pending'))", "'order '||new.id" },
	{ "somebody who is banned gets access", "UPDATE OF state ON main.orders", "old.state='paid' AND new.state='delivered'"
		" AND EXISTS (SELECT 1 FROM subscriptions s JOIN users u ON u.id=s.user_id WHERE s.id=new.subscription_id AND s.enabled AND u.banned)", "'order '||new.id" },
	{ "an update that fails is tried for ever", "UPDATE OF attempts ON main.inbox", "new.state=1 AND NOT new.money AND new.attempts>=3", "'update '||new.update_id" },
	{ "an update about money is forgotten undecided", "DELETE ON main.inbox", "old.money AND old.state<>0", "'update '||old.update_id" },
	{ "days for friends are kept although there is something to add them to", "UPDATE OF target_rev ON main.orders", "old.target_rev=0 AND new.target_rev>0"
		" AND EXISTS (SELECT 1 FROM bonuses b WHERE b.user_id=new.user_id AND b.state='usable')"
		" AND EXISTS (SELECT 1 FROM subscriptions s WHERE s.user_id=new.user_id AND NOT s.gone AND NOT s.trial AND s.expires_ms>0)", "'order '||new.id" },
	{ "days for a friend can be used before their time", "UPDATE OF state ON main.bonuses", "old.state='pending' AND new.state='usable' AND new.usable_ms>new.updated_ms", "'bonus '||new.id" },
	{ "somebody has invited themselves", "UPDATE OF referred_by ON main.users", "new.referred_by=new.id", "'user '||new.id" },
	{ "somebody who is banned is reminded", "INSERT ON main.reminders", "new.sent AND EXISTS (SELECT 1 FROM subscriptions s JOIN users u ON u.id=s.user_id WHERE s.id=new.subscription_id AND u.banned)",
		"'subscription '||new.subscription_id" },
	{ "two reminders of one kind at once", "INSERT ON main.reminders", "new.sent AND EXISTS (SELECT 1 FROM reminders r WHERE r.subscription_id=new.subscription_id AND r.period=new.period AND r.sent"
		" AND r.kind<>new.kind AND r.decided_ms=new.decided_ms AND (r.kind GLOB '[0-9]*0')=(new.kind GLOB '[0-9]*0'))", "'subscription '||new.subscription_id" },
	{ "less than was sold is taken for what is wanted", "INSERT ON main.drifts", "new.state='adopted' AND CAST(new.seen AS INTEGER)<=CAST(new.wanted AS INTEGER)", "'access '||new.access_id" },
	{ "a reset that nobody asked for is done", "UPDATE OF done_reset_rev ON main.accesses",
		"new.done_reset_rev>(SELECT s.reset_rev FROM subscriptions s WHERE s.id=new.subscription_id)", "'access '||new.id" },
};

/* Past the store, whose failures are meant for the program. */
static void run(struct db *db, const char *sql)
{
	int rc = sqlite3_exec(db_handle(db), sql, NULL, NULL, NULL);

	assert(rc == SQLITE_OK);
	(void)rc;
}

void guards_watch(struct db *db)
{
	run(db, "CREATE TEMP TABLE broken(what TEXT)");
	for (size_t i = 0; i < countof(guards); i++) {
		const struct guard *g = &guards[i];
		char sql[1024];
		int n = snprintf(sql, sizeof sql, "CREATE TEMP TRIGGER guard_%zu AFTER %s WHEN %s BEGIN INSERT INTO broken VALUES('%s: '||%s); END", i, g->event, g->when, g->broken, g->subject);

		assert(n > 0 && (size_t)n < sizeof sql);
		(void)n;
		run(db, sql);
	}
}

void guards_look(struct world *w)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db_handle(w->db), "SELECT what FROM temp.broken", -1, &s, NULL);

	assert(rc == SQLITE_OK);
	(void)rc;
	while (sqlite3_step(s) == SQLITE_ROW)
		world_broken(w, "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
}
