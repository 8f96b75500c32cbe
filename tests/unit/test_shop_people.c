/* People, what they own, and what time does to it. */
#include "tests/unit/proves.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "bot/schema.h"
#include "bot/shop/order_private.h"
#include "bot/shop/admin_claim.h"
#include "lib/base/enc.h"
#include "tests/unit/people_fixture.c"

/* --- people --- */

static void test_user(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), again = shop_user(s, ANNA, "Anna Maria"), found;
	struct plan p = shop_plan(s, "Month", 30, 0, 1, 0);
	struct order o = gift(s, &u, &p);
	char shown[PUBLIC_ID_CHARS + 3];
	static const char *const nobody[] = { "", "@nobody", "12345", "0000000000", "00000000-0000-4000-8000-000000000000", "x y z" };

	(void)state;
	assert_true(u.is_new && !again.is_new && u.id == again.id);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM users"), 1);
	assert_string_equal(shop_text(s, "SELECT first_name FROM users"), "Anna Maria");
	shop_run(s, "UPDATE users SET username='Anna_1'");
	public_id_show(shown, o.public_id);
	const char *const who[] = { "555000111", "@anna_1", "Anna_1", u.public_id, shown, shop_text(s, "SELECT uuid FROM subscriptions"), shop_text(s, "SELECT email FROM accesses") };
	for (size_t i = 0; i < countof(who); i++) {
		if (user_find(&found, &s->a, str_of(who[i])) != OK || found.id != u.id)
			fail_msg("%s", who[i]);
	}
	for (size_t i = 0; i < countof(nobody); i++)
		assert_int_equal(user_find(&found, &s->a, str_of(nobody[i])), E_NOTFOUND);
	assert_int_equal(user_unreachable(&s->a, ANNA), OK);
	assert_int_equal(user_by_telegram(&found, &s->a, ANNA), OK);
	assert_false(found.reachable);
	shop_user(s, ANNA, "Anna Maria");
	assert_int_equal(user_by_telegram(&found, &s->a, ANNA), OK);
	assert_true(found.reachable);
	shop_free(s);
}

static void test_ban(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 1, 0);
	struct order o = gift(s, &u, &p), ended = gift(s, &u, &p), kept_off = gift(s, &u, &p), extended = gift(s, &u, &p), no;
	struct subscription sub;

	(void)state;
	shop_run(s, arena_printf(&s->arena, "UPDATE subscriptions SET expires_ms=5, enabled=0 WHERE id=%" PRId64, ended.subscription_id));
	shop_run(s, arena_printf(&s->arena, "UPDATE subscriptions SET expires_ms=5, enabled=0 WHERE id=%" PRId64, extended.subscription_id));
	/* switched off on the panel, and an admin said that it stays so */
	shop_run(s, arena_printf(&s->arena, "UPDATE subscriptions SET enabled=0 WHERE id=%" PRId64, kept_off.subscription_id));
	assert_int_equal(user_set_banned(&s->a, u.id, true), OK);
	assert_false(sub_of(s, o.subscription_id).enabled);
	assert_int_equal(user_get(&u, &s->a, u.id), OK);
	assert_int_equal(order_open(&no, &s->a, &u, &p, NULL), E_REFUSED);
	sub = sub_of(s, extended.subscription_id); /* more time opens nothing to who is banned */
	assert_int_equal(sub_extend(&s->a, &sub, 7 * DAY_MS), OK);
	assert_false(sub_of(s, extended.subscription_id).enabled);
	assert_int_equal(user_set_banned(&s->a, u.id, true), OK); /* twice is once */
	assert_int_equal(user_set_banned(&s->a, u.id, false), OK);
	assert_true(sub_of(s, o.subscription_id).enabled);
	assert_true(sub_of(s, extended.subscription_id).enabled);
	assert_false(sub_of(s, ended.subscription_id).enabled);
	assert_false(sub_of(s, kept_off.subscription_id).enabled);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM subscriptions WHERE ban_stopped=1"), 0);
	shop_free(s);
}

/* A ban reaches all that somebody owns, also what no screen has room for. */
static void test_ban_of_many(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 1, 0);

	(void)state;
	for (int i = 0; i < SUBS_PER_USER_MAX + 5; i++)
		gift(s, &u, &p);
	assert_int_equal(user_set_banned(&s->a, u.id, true), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM subscriptions WHERE enabled=1"), 0);
	assert_int_equal(user_set_banned(&s->a, u.id, false), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM subscriptions WHERE enabled=0"), 0);
	shop_free(s);
}

#define BEFORE_BANS_REMEMBERED 8 /* so many migrations had landed */

/* Banned by an older program: the end of the ban gives back what had not ended, as that program would have. */
static void test_ban_of_before(void **state)
{
	struct shop *s = shop_new();
	const char *path = arena_printf(&s->arena, "%s/old.db", s->dir);
	struct db *db;
	int64_t from, marked;

	(void)state;
	assert_int_equal(db_open(&db, path, DB_WRITE, NULL), OK);
	assert_int_equal(db_migrate(db, &from, schema_migrations, BEFORE_BANS_REMEMBERED), OK);
	assert_int_equal(db_script(db, "INSERT INTO users(id, lang, banned, created_ms, updated_ms) VALUES(1, 'en', 1, 1, 1), (2, 'en', 0, 1, 1);"
		"INSERT INTO plans(id, name, days, quota_bytes, created_ms) VALUES(1, 'Month', 30, 0, 1);"
		"INSERT INTO subscriptions(public_id, user_id, plan_id, sub_id, uuid, password, expires_ms, quota_bytes, limit_ip, reset_days, enabled, created_ms, updated_ms)"
		" VALUES('BANNED', 1, 1, 'a', 'a', 'a', 9, 0, 0, 0, 0, 1, 1), ('BY_HAND', 2, 1, 'b', 'b', 'b', 9, 0, 0, 0, 0, 1, 1), ('ON', 2, 1, 'c', 'c', 'c', 9, 0, 0, 0, 1, 1, 1)"), OK);
	assert_int_equal(db_migrate(db, &from, schema_migrations, BEFORE_BANS_REMEMBERED + 1), OK);
	assert_int_equal(db_get_i64(&marked, db, "SELECT sum(ban_stopped*(public_id='BANNED')*10 + ban_stopped) FROM subscriptions"), OK);
	assert_int_equal(marked, 11); /* that one and no other */
	db_close(db);
	unlink(path);
	unlink(arena_printf(&s->arena, "%s-wal", path));
	unlink(arena_printf(&s->arena, "%s-shm", path));
	shop_free(s);
}

static void test_public_id(void **state)
{
	static const char *const typed[] = { "A7K2-9QX4-M1", "a7k29qx4m1", "A7K2 9QX4 MI", " a7k2-9qx4-ml " };
	static const char *const wrong[] = { "", "A7K2-9QX4-M", "A7K2-9QX4-M12", "A7K2-9QX4-MU", "A7K2_9QX4_M1" };
	char id[PUBLIC_ID_CHARS + 1], shown[PUBLIC_ID_CHARS + 3];

	(void)state;
	for (size_t i = 0; i < countof(typed); i++) {
		assert_int_equal(public_id_read(id, str_of(typed[i])), OK);
		assert_string_equal(id, "A7K29QX4M1");
	}
	for (size_t i = 0; i < countof(wrong); i++)
		assert_int_equal(public_id_read(id, str_of(wrong[i])), E_INVALID);
	public_id_show(shown, "A7K29QX4M1");
	assert_string_equal(shown, "A7K2-9QX4-M1");
}

static enum err count_admin(struct act *a, const struct user *admin, void *ctx)
{
	(void)a;
	assert(admin->is_admin);
	++*(int *)ctx;
	return OK;
}

static void test_claim(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), b = shop_user(s, BORIS, "Boris");
	char code[ADMIN_CLAIM_CHARS + 1];
	bool wanted;
	int admins = 0;

	(void)state;
	assert_int_equal(admin_claim_is_wanted(&wanted, &s->a), OK);
	assert_true(wanted);
	assert_int_equal(admin_claim_redeem(&s->a, &u, STR("00000000000000000000000000")), E_REFUSED);
	assert_int_equal(admin_claim_create(code, &s->a), OK);
	assert_int_equal(admin_claim_redeem(&s->a, &u, STR("00000000000000000000000000")), E_REFUSED);
	shop_wait(s, ADMIN_CLAIM_MS);
	assert_int_equal(admin_claim_redeem(&s->a, &u, str_of(code)), E_REFUSED); /* an hour is over */
	assert_int_equal(admin_claim_create(code, &s->a), OK);
	assert_int_equal(admin_claim_redeem(&s->a, &u, str_of(code)), OK);
	assert_int_equal(admin_claim_redeem(&s->a, &b, str_of(code)), E_REFUSED); /* once */
	assert_true(u.is_admin && !b.is_admin);
	assert_int_equal(admin_claim_is_wanted(&wanted, &s->a), OK);
	assert_false(wanted);
	s->config.admins[s->config.admins_count++] = BORIS;
	s->config.admins[s->config.admins_count++] = 777; /* has never written */
	assert_int_equal(user_each_admin(&s->a, count_admin, &admins), OK);
	assert_int_equal(admins, 2);
	shop_free(s);
}

/* --- trial and referrals --- */

static void test_trial(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Try", 1, GIB_BYTES, 0, 0), month = shop_plan(s, "Month", 30, 0, 350, 0);
	struct subscription before, after;
	struct order o, no;

	(void)state;
	assert_int_equal(order_trial(&no, &s->a, &u), E_NOTFOUND);
	p.trial = true;
	assert_int_equal(plan_update(&s->a, &p), OK);
	shop_run(s, "UPDATE panels SET drain=1");
	assert_int_equal(order_trial(&no, &s->a, &u), E_NOROOM); /* and it is not used up by that */
	shop_run(s, "UPDATE panels SET drain=0");
	assert_int_equal(order_trial(&o, &s->a, &u), OK);
	shop_panels_agree(s);
	assert_int_equal(order_trial(&no, &s->a, &u), E_CONFLICT);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM trials WHERE instr(telegram_hash, '555000111')"), 0);
	before = sub_of(s, o.subscription_id);
	assert_true(before.trial && before.expires_ms == SHOP_NOW_MS + DAY_MS && before.quota_bytes == GIB_BYTES);
	/* buying keeps subscription, UUID and link */
	o = buy(s, &u, &month, NULL, "chg1");
	after = sub_of(s, before.id);
	assert_int_equal(o.subscription_id, before.id);
	assert_string_equal(after.uuid, before.uuid);
	assert_string_equal(after.sub_id, before.sub_id);
	assert_true(!after.trial && after.expires_ms == SHOP_NOW_MS + 31 * DAY_MS && after.quota_bytes == 0);
	/* the account is deleted and made again: no second trial */
	shop_run(s, "UPDATE users SET telegram_id=NULL");
	u = shop_user(s, ANNA, "Anna");
	assert_true(u.is_new);
	assert_int_equal(order_trial(&no, &s->a, &u), E_CONFLICT);
	shop_check_books(s);
	shop_free(s);
}

static void test_referral(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = shop_user(s, BORIS, "Boris"), old;
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order owned = gift(s, &anna, &p), first;
	struct subscription sub;
	struct referral_totals totals;
	int64_t before;
	bool bound;

	(void)state;
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(boris.referral_code)), OK);
	assert_false(bound); /* own code */
	assert_int_equal(referral_bind(&bound, &s->a, &boris, STR("ZZZZZZZZ")), OK);
	assert_false(bound);
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(anna.referral_code)), OK);
	assert_true(bound);
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(anna.referral_code)), OK);
	assert_false(bound); /* once */
	old = shop_user(s, ANNA, "Anna");
	assert_int_equal(referral_bind(&bound, &s->a, &old, str_of(boris.referral_code)), OK);
	assert_false(bound); /* no longer new: no cycles */

	before = sub_of(s, owned.subscription_id).expires_ms;
	first = buy(s, &boris, &p, NULL, "chg1");
	assert_int_equal(bonus_earn(&s->a, &first), OK);
	assert_int_equal(sub_of(s, owned.subscription_id).expires_ms, before + 7 * DAY_MS);
	sub = sub_of(s, first.subscription_id);
	buy(s, &boris, &p, &sub, "chg2");
	assert_int_equal(sub_of(s, owned.subscription_id).expires_ms, before + 7 * DAY_MS); /* one reward */
	assert_int_equal(referral_totals(&totals, &s->a, anna.id), OK);
	assert_true(totals.invited == 1 && totals.bought == 1 && totals.days_used == 7);
	shop_check_books(s);
	shop_free(s);
}

static void test_referral_hold(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = shop_user(s, BORIS, "Boris"), carl = shop_user(s, 3, "Carl");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order first, second, own;
	struct referral_totals totals;
	bool bound;

	(void)state;
	assert_int_equal(setting_set(&s->a, SETTING_REFERRAL_HOLD_HOURS, STR("24")), OK);
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(anna.referral_code)), OK);
	assert_int_equal(referral_bind(&bound, &s->a, &carl, str_of(anna.referral_code)), OK);
	first = buy(s, &boris, &p, NULL, "chg1");
	second = buy(s, &carl, &p, NULL, "chg2");
	assert_int_equal(order_state_name(second.state)[0], 'd');
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses WHERE state='pending'"), 2);
	assert_int_equal(shop_stars_refunded(s, BORIS, "", 350, "chg1"), OK); /* a refund takes the reward back */
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses WHERE state='canceled'"), 1);
	assert_true(first.id != second.id);
	shop_wait(s, DAY_MS - 1);
	assert_int_equal(bonuses_mature(&s->a), OK);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM bonuses WHERE state='pending'"), 1);
	shop_wait(s, 1);
	assert_int_equal(bonuses_mature(&s->a), OK);
	assert_int_equal(referral_totals(&totals, &s->a, anna.id), OK);
	assert_true(totals.days_usable == 7 && totals.days_used == 0); /* nothing to add to: kept */
	own = buy(s, &anna, &p, NULL, "chg3");
	assert_int_equal(own.bonus_days, 7);
	assert_int_equal(sub_of(s, own.subscription_id).expires_ms, s->now_ms + 37 * DAY_MS);
	shop_check_books(s);
	shop_free(s);
}

/* Days for a friend go to what runs and ends first; an order counts them as its own only where they are. */
static void test_referral_two_subscriptions(void **state)
{
	struct shop *s = shop_new();
	struct user anna = shop_user(s, ANNA, "Anna"), boris = shop_user(s, BORIS, "Boris");
	struct plan month = shop_plan(s, "Month", 30, 0, 350, 0), week = shop_plan(s, "Week", 7, 0, 90, 0);
	struct order over, runs, own, first;
	bool bound;

	(void)state;
	assert_int_equal(setting_set(&s->a, SETTING_REFERRAL_HOLD_HOURS, STR("24")), OK);
	over = buy(s, &anna, &week, NULL, "chg1");
	shop_wait(s, 10 * DAY_MS);
	runs = buy(s, &anna, &week, NULL, "chg2");
	assert_int_equal(referral_bind(&bound, &s->a, &boris, str_of(anna.referral_code)), OK);
	first = buy(s, &boris, &month, NULL, "chg3");
	assert_true(first.id > runs.id);
	shop_wait(s, DAY_MS);
	shop_run(s, "UPDATE bonuses SET state='usable'");
	own = buy(s, &anna, &month, NULL, "chg4");
	assert_int_equal(own.bonus_days, 0);
	assert_int_equal(sub_of(s, own.subscription_id).expires_ms, s->now_ms + 30 * DAY_MS);
	assert_int_equal(sub_of(s, runs.subscription_id).expires_ms, s->now_ms + 13 * DAY_MS);
	assert_true(sub_of(s, over.subscription_id).expires_ms < s->now_ms);
	shop_check_books(s);
	shop_free(s);
}

/* --- what is sold --- */

static void test_plans(void **state)
{
	struct shop *s = shop_new();
	char month[] = "Month", empty[] = "  ";
	struct plan p = { .name = month, .days = 30, .on_sale = true, .prices = { { "XTR", 1 } }, .prices_count = 1 }, bad, list[4];
	int64_t id;
	size_t n;

	(void)state;
	bad = p;
	bad.name = empty;
	assert_int_equal(plan_add(&id, &s->a, &bad), E_INVALID);
	bad = p;
	bad.days = PLAN_DAYS_MAX + 1;
	assert_int_equal(plan_add(&id, &s->a, &bad), E_INVALID);
	bad = p;
	bad.prices[0].amount_minor = 0;
	assert_int_equal(plan_add(&id, &s->a, &bad), E_INVALID);
	bad = p;
	snprintf(bad.prices[0].currency, sizeof bad.prices[0].currency, "ABC");
	assert_int_equal(plan_add(&id, &s->a, &bad), E_INVALID);
	assert_int_equal(plan_add(&id, &s->a, &p), OK);
	assert_int_equal(plan_list(list, &n, 4, &s->a, true), OK);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].prices_count, 1);
	assert_int_equal(plan_delete(&s->a, id), OK);
	assert_int_equal(plan_list(list, &n, 4, &s->a, false), OK);
	assert_int_equal(n, 0);
	assert_int_equal(plan_get(&p, &s->a, id), OK); /* its name stays readable (R187) */
	assert_false(p.on_sale);
	shop_free(s);
}

static void test_two_accounts(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan month = shop_plan(s, "Month", 30, 5 * GIB_BYTES, 350, 0), year = shop_plan(s, "Year", 365, 0, 3000, 0);
	struct order a = buy(s, &u, &month, NULL, "chg1"), b = buy(s, &u, &year, NULL, "chg2");
	struct subscription one = sub_of(s, a.subscription_id), two = sub_of(s, b.subscription_id);

	(void)state;
	assert_true(one.id != two.id && strcmp(one.uuid, two.uuid) != 0 && strcmp(one.sub_id, two.sub_id) != 0);
	assert_true(one.expires_ms == SHOP_NOW_MS + 30 * DAY_MS && two.expires_ms == SHOP_NOW_MS + 365 * DAY_MS);
	assert_true(one.quota_bytes == 5 * GIB_BYTES && two.quota_bytes == 0);
	assert_int_equal(shop_number(s, "SELECT count(DISTINCT email) FROM accesses WHERE email LIKE 'anna\\_%' ESCAPE '\\'"), 2);
	/* named by Telegram name, or else by what they call themselves; by nothing of it when that is no letters */
	shop_run(s, "UPDATE users SET username='Boss_1'");
	buy(s, &u, &month, NULL, "chg3");
	shop_run(s, "UPDATE users SET username=NULL, first_name='\xF0\x9F\x98\x80 ', last_name=''");
	buy(s, &u, &month, NULL, "chg4");
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE email GLOB 'boss_1_*' OR email GLOB 'user_*'"), 2);
	shop_check_books(s);
	shop_free(s);
}

static void test_capacity(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), other = shop_user(s, BORIS, "Boris");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order held, no, o;

	(void)state;
	shop_run(s, "UPDATE panels SET capacity=2 WHERE id=1");
	shop_panel(s, 2, 9, 2);
	buy(s, &u, &p, NULL, "chg1");
	assert_int_equal(order_open(&held, &s->a, &other, &p, NULL), OK);
	assert_int_equal(order_reserve(&s->a, &held), OK);
	assert_int_equal(held.panel_id, 1);
	buy(s, &u, &p, NULL, "chg2"); /* the other place of the first panel is held */
	assert_int_equal(shop_number(s, "SELECT panel_id FROM accesses ORDER BY id DESC LIMIT 1"), 2);
	buy(s, &u, &p, NULL, "chg3");
	assert_int_equal(order_open(&no, &s->a, &u, &p, NULL), E_NOROOM); /* before payment */
	shop_wait(s, ORDER_RESERVE_MS);
	assert_int_equal(order_open(&o, &s->a, &u, &p, NULL), OK); /* what was held has run out */
	shop_check_books(s);
	shop_free(s);
}

static int calls_left;

static enum err fills_up(void *ctx, enum db_point point)
{
	(void)ctx;
	(void)point;
	return --calls_left == 0 ? E_FULL : OK;
}

/* The disk is full at the nth call: whichever it was, the caller hears it. */
static void fill_up_at_each_call(struct shop *s, enum err (*act)(struct shop *s, const void *on), const void *on)
{
	calls_left = 0;
	for (int nth = 1; calls_left <= 0; nth++) {
		enum err e;

		assert_int_equal(db_savepoint(s->db), OK);
		calls_left = nth;
		db_set_fault(fills_up, NULL);
		e = act(s, on);
		db_set_fault(NULL, NULL);
		assert_int_equal(e, calls_left <= 0 ? E_FULL : OK);
		assert_true(e || shop_number(s, "SELECT count(*) FROM subscriptions s JOIN accesses x ON x.subscription_id=s.id AND x.deleted_ms=0") == 1);
		assert_int_equal(db_savepoint_undo(s->db), OK);
	}
}

static enum err pay_order(struct shop *s, const void *on)
{
	struct order o = *(const struct order *)on;

	return order_pay(&s->a, &o);
}

static enum err draw_new_keys(struct shop *s, const void *on)
{
	struct subscription sub = *(const struct subscription *)on;

	return sub_new_keys(&s->a, &sub);
}

/* A disk without room is not a panel without room: the event is undone, half a subscription does not stay. */
static void test_full_disk(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = shop_order(s, &u, &p);
	struct subscription sub;

	(void)state;
	fill_up_at_each_call(s, pay_order, &o);
	assert_int_equal(order_pay(&s->a, &o), OK);
	sub = sub_of(s, o.subscription_id);
	fill_up_at_each_call(s, draw_new_keys, &sub);
	shop_free(s);
}

/* Two servers in Oslo, one in Paris with two protocols, one nowhere in particular. */
static void test_choice(void **state)
{
	static const struct { const char *name; struct place_wish wish; int64_t panel, inbound; } cases[] = {
		{ "anything: the least loaded", { 0 }, 4, 1 },
		{ "a protocol", { .protocol = "trojan" }, 3, 2 },
		{ "a protocol that stands in two places: by load", { .protocol = "vless", .region = "Oslo" }, 2, 1 },
		{ "a location", { .region = "Paris" }, 3, 2 },
		{ "a location and a protocol", { .region = "Paris", .protocol = "vless" }, 3, 1 },
		{ "not there", { .region = "Oslo", .protocol = "trojan" }, 0, 0 },
		{ "nowhere", { .region = "Rome" }, 0, 0 },
		{ "hysteria2 is hysteria to the panel", { .protocol = "hysteria2" }, 4, 2 },
		{ "a panel", { .panel_id = 1 }, 1, 1 },
	};
	struct shop *s = shop_new();
	struct place_choice choices[PLACE_CHOICES_MAX];
	size_t count;

	(void)state;
	for (int64_t id = 2; id <= 4; id++)
		shop_panel(s, id, 0, 100);
	shop_run(s, "INSERT INTO inbounds(panel_id, inbound_id, remark, protocol, port, listen, enabled, for_sale, body, seen_ms)"
		" VALUES(3, 2, 'r', 'trojan', 444, '', 1, 1, '{}', 1), (4, 2, 'r', 'hysteria', 444, '', 1, 1, '{}', 1), (1, 2, 'r', 'trojan', 444, '', 1, 0, '{}', 1)");
	shop_run(s, "UPDATE panels SET name='p' || id, capacity=100, priority=0, region=CASE id WHEN 3 THEN 'Paris' WHEN 4 THEN '' ELSE 'Oslo' END, clients=CASE id WHEN 1 THEN 50 WHEN 2 THEN 40 WHEN 3 THEN 30 ELSE 20 END");
	shop_run(s, "UPDATE inbounds SET clients=10 WHERE inbound_id=1 AND panel_id=3");
	for (size_t i = 0; i < countof(cases); i++) {
		struct place got = { 0, 0 };
		enum err e = place_find(&got, &s->a, &cases[i].wish);

		if (e != (cases[i].panel ? OK : E_NOROOM) || got.panel_id != cases[i].panel || got.inbound_id != cases[i].inbound)
			fail_msg("%s: %s, panel %lld, inbound %lld", cases[i].name, err_name(e), (long long)got.panel_id, (long long)got.inbound_id);
	}
	/* for people: each location once, by its best place */
	assert_int_equal(place_choices(choices, &count, countof(choices), &s->a, &(struct place_wish){ 0 }), OK);
	assert_int_equal(count, 3);
	assert_true(strcmp(choices[0].name, "Oslo") == 0 && choices[0].place.panel_id == 2 && choices[0].is_region);
	assert_true(strcmp(choices[1].name, "Paris") == 0 && choices[1].place.panel_id == 3 && choices[1].place.inbound_id == 2);
	assert_true(strcmp(choices[2].name, "p4") == 0 && choices[2].place.panel_id == 4 && !choices[2].is_region);
	shop_free(s);
}

static void test_refused_before_payment(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), other = shop_user(s, BORIS, "Boris");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct subscription sub;
	struct order o, owned = gift(s, &other, &p);

	(void)state;
	sub = sub_of(s, owned.subscription_id);
	assert_int_equal(order_open(&o, &s->a, &u, &p, &sub), E_CONFLICT); /* somebody else's */
	assert_int_equal(sub_revoke(&s->a, &sub), OK);
	assert_int_equal(order_open(&o, &s->a, &other, &p, &sub), E_CONFLICT);
	assert_int_equal(setting_set(&s->a, SETTING_MAINTENANCE, STR("1")), OK);
	assert_int_equal(order_open(&o, &s->a, &u, &p, NULL), E_REFUSED);
	assert_int_equal(setting_set(&s->a, SETTING_MAINTENANCE, STR("0")), OK);
	assert_int_equal(plan_delete(&s->a, p.id), OK);
	assert_int_equal(plan_get(&p, &s->a, p.id), OK);
	assert_int_equal(order_open(&o, &s->a, &u, &p, NULL), E_REFUSED);
	assert_int_equal(plan_get(&p, &s->a, 999), E_NOTFOUND);
	shop_free(s);
}

/* --- time --- */

/* Thirty-one days minute by minute would be long; the schedules run at each hour and the bot is away in between. */
static void run_days(struct shop *s, int64_t ms)
{
	for (int64_t end = s->now_ms + ms; s->now_ms < end;) {
		shop_wait(s, HOUR_MS / 2);
		assert_int_equal(reminders_run(&s->a), OK);
		assert_int_equal(expiry_run(&s->a), OK);
	}
}

static void test_reminders(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1");
	struct subscription sub;

	(void)state;
	run_days(s, 27 * DAY_MS - HOUR_MS);
	assert_int_equal(shop_heard.reminded, 0);
	run_days(s, HOUR_MS);
	assert_string_equal(shop_heard.reminder, "3d");
	run_days(s, 2 * DAY_MS);
	assert_string_equal(shop_heard.reminder, "1d");
	run_days(s, DAY_MS);
	assert_string_equal(shop_heard.reminder, "end");
	assert_int_equal(shop_heard.reminded, 3);
	run_days(s, DAY_MS);
	assert_string_equal(shop_heard.reminder, "grace");
	run_days(s, 3 * DAY_MS);
	assert_int_equal(shop_heard.reminded, 4);
	/* renewed: armed again, and after a pause of a month only the most urgent is sent */
	sub = sub_of(s, o.subscription_id);
	buy(s, &u, &p, &sub, "chg2");
	shop_wait(s, 29 * DAY_MS + HOUR_MS);
	run_days(s, HOUR_MS);
	assert_string_equal(shop_heard.reminder, "1d");
	assert_int_equal(shop_heard.reminded, 5);
	assert_int_equal(shop_number(s, "SELECT sent FROM reminders WHERE period=2 AND kind='3d'"), 0);
	/* whoever blocked the bot is not written to, and not twice when back */
	assert_int_equal(user_unreachable(&s->a, ANNA), OK);
	run_days(s, DAY_MS);
	assert_int_equal(shop_heard.reminded, 5);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM reminders WHERE period=2"), 3);
	shop_check_books(s);
	shop_free(s);
}

static void test_expiry(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0), ever = shop_plan(s, "Ever", 0, 0, 900, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1"), endless = buy(s, &u, &ever, NULL, "chg2");
	struct subscription bought = sub_of(s, o.subscription_id), sub;
	int64_t end = bought.expires_ms;

	(void)state;
	run_days(s, 30 * DAY_MS - HOUR_MS);
	assert_int_equal(sub_of(s, o.subscription_id).grace_until_ms, 0);
	shop_wait(s, 51 * MINUTE_MS);
	assert_int_equal(expiry_run(&s->a), OK);
	sub = sub_of(s, o.subscription_id);
	assert_true(sub.grace_until_ms == end + DAY_MS && sub.expires_ms == end && sub_ends_ms(&sub) == end + DAY_MS);
	run_days(s, DAY_MS);
	assert_int_equal(sub_status(&sub, PLACE_STANDS, s->now_ms), SUB_GRACE);
	run_days(s, HOUR_MS);
	sub = sub_of(s, o.subscription_id);
	assert_true(!sub.enabled && !sub.gone);
	/* renewed before deletion: the same link, running again from now */
	run_days(s, 5 * DAY_MS);
	buy(s, &u, &p, &sub, "chg3");
	sub = sub_of(s, o.subscription_id);
	assert_true(sub.enabled && sub.expires_ms == s->now_ms + 30 * DAY_MS && sub.grace_until_ms == 0);
	assert_string_equal(sub.uuid, bought.uuid);
	assert_string_equal(sub.sub_id, bought.sub_id);
	/* and left to end for good */
	run_days(s, 30 * DAY_MS + 14 * DAY_MS - HOUR_MS);
	assert_false(sub_of(s, o.subscription_id).gone);
	run_days(s, 2 * HOUR_MS);
	sub = sub_of(s, o.subscription_id);
	assert_true(sub.gone && sub.deleted_ms);
	assert_int_equal(sub_status(&sub, PLACE_STANDS, s->now_ms), SUB_EXPIRED);
	sub = sub_of(s, endless.subscription_id);
	assert_true(sub.enabled && !sub.gone && sub.expires_ms == 0); /* without end: never cleaned up */
	shop_check_books(s);
	shop_free(s);
}

/* Paid before the deletion, told after it: the same subscription comes back, at a place that is free now. */
static void test_renewal_after_deletion(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1"), renewal;
	struct subscription bought = sub_of(s, o.subscription_id), sub;
	struct invoice i;

	(void)state;
	assert_int_equal(order_open(&renewal, &s->a, &u, &p, &bought), OK);
	assert_int_equal(invoice_open(&i, &s->a, &renewal, "stars"), OK);
	run_days(s, 45 * DAY_MS);
	assert_true(sub_of(s, bought.id).gone);
	shop_run(s, "UPDATE accesses SET deleted_ms=1");
	assert_int_equal(shop_stars(s, ANNA, i.public_id, 350, "chg2"), OK);
	shop_panels_agree(s);
	sub = sub_of(s, bought.id);
	assert_true(!sub.gone && !sub.deleted_ms && sub.enabled && sub.expires_ms == s->now_ms + 30 * DAY_MS);
	assert_string_equal(sub.uuid, bought.uuid);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE deleted_ms=0"), 1);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM orders WHERE state='delivered'"), 2);
	shop_check_books(s);
	shop_free(s);
}

/* A renewal whose panel is away for longer than what was bought: its days begin anew, nothing is stopped or deleted. */
static void test_time_waits_for_delivery(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1"), renewal;
	struct subscription sub = sub_of(s, o.subscription_id);

	(void)state;
	run_days(s, 29 * DAY_MS);
	renewal = pay(s, &u, &p, &sub, "chg2");
	run_days(s, 30 * DAY_MS + 14 * DAY_MS + 3 * DAY_MS);
	sub = sub_of(s, o.subscription_id);
	assert_true(!sub.gone && sub.enabled && sub.expires_ms > s->now_ms);
	assert_int_equal(order_get(&renewal, &s->a, renewal.id), OK);
	assert_int_equal(renewal.state, ORDER_PAID);
	run_days(s, 100 * DAY_MS);
	shop_panels_agree(s);
	assert_int_equal(order_get(&renewal, &s->a, renewal.id), OK);
	assert_int_equal(renewal.state, ORDER_DELIVERED);
	sub = sub_of(s, o.subscription_id);
	assert_true(!sub.gone && sub.enabled && sub.expires_ms > s->now_ms && sub.expires_ms <= s->now_ms + 30 * DAY_MS);
	run_days(s, 30 * DAY_MS + 16 * DAY_MS); /* delivered: from now on time does what it does */
	assert_true(sub_of(s, o.subscription_id).gone);
	shop_check_books(s);
	shop_free(s);
}

static void test_usage(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 1000, 350, 0);
	struct order o = buy(s, &u, &p, NULL, "chg1");
	struct subscription sub;

	(void)state;
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 300, 400), OK);
	assert_int_equal(shop_heard.reminded, 0);
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 400, 400), OK);
	assert_string_equal(shop_heard.reminder, "80");
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 500, 510), OK); /* from 80 to 101 at once */
	assert_string_equal(shop_heard.reminder, "100");
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 500, 600), OK);
	assert_int_equal(shop_heard.reminded, 2);
	sub = sub_of(s, o.subscription_id);
	assert_int_equal(sub_status(&sub, PLACE_STANDS, s->now_ms), SUB_LIMITED);
	/* renewed: usage 0, told again; an old figure of the panel does not count */
	{
		struct order again;
		struct invoice i;

		assert_int_equal(order_open(&again, &s->a, &u, &p, &sub), OK);
		assert_int_equal(invoice_open(&i, &s->a, &again, "stars"), OK);
		assert_int_equal(shop_stars(s, ANNA, i.public_id, 350, "chg2"), OK);
	}
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 500, 600), OK);
	assert_int_equal(sub_of(s, o.subscription_id).used_bytes, 0);
	assert_int_equal(shop_number(s, "SELECT lifetime_bytes FROM subscriptions"), 1100);
	shop_panels_agree(s);
	assert_int_equal(usage_seen(&s->a, o.subscription_id, 400, 410), OK);
	assert_string_equal(shop_heard.reminder, "80");
	assert_int_equal(shop_heard.reminded, 3);
	shop_check_books(s);
	shop_free(s);
}

/* --- a pasted link --- */

static void test_paste(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna"), other = shop_user(s, BORIS, "Boris");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = gift(s, &u, &p);
	struct subscription sub = sub_of(s, o.subscription_id), got;
	char *vless = arena_printf(&s->arena, "vless://%s@host.example.org:443?type=tcp#x", sub.uuid);
	char *address = arena_printf(&s->arena, "  https://p.example.org:2096/sub/%s?x=1", sub.sub_id);
	char password[64];

	(void)state;
	assert_int_equal(sub_claim(&got, &s->a, &u, str_of(vless)), OK);
	assert_int_equal(got.id, sub.id);
	assert_int_equal(sub_claim(&got, &s->a, &u, str_of(address)), OK);
	access_password(password, sizeof password, str_of(sub.password), STR("trojan"), STR(""));
	assert_int_equal(sub_claim(&got, &s->a, &u, str_of(arena_printf(&s->arena, "trojan://%s@h.example.org:443", password))), OK);
	assert_int_equal(sub_claim(&got, &s->a, &other, str_of(vless)), E_CONFLICT);
	assert_int_equal(sub_claim(&got, &s->a, &other, STR("vless://00000000-0000-4000-8000-000000000000@h.example.org:443")), E_NOTFOUND);
	assert_int_equal(sub_claim(&got, &s->a, &other, STR("https://p.example.org/sub/")), E_NOTFOUND);
	assert_int_equal(sub_claim(&got, &s->a, &other, STR("hello")), E_NOTFOUND);
	shop_run(s, arena_printf(&s->arena, "UPDATE users SET telegram_id=NULL WHERE id=%" PRId64, u.id)); /* imported: nobody's in Telegram */
	assert_int_equal(sub_claim(&got, &s->a, &other, str_of(vless)), OK);
	assert_int_equal(sub_of(s, sub.id).user_id, other.id);
	shop_free(s);
}

static void test_new_keys(void **state)
{
	struct shop *s = shop_new();
	struct user u = shop_user(s, ANNA, "Anna");
	struct plan p = shop_plan(s, "Month", 30, 0, 350, 0);
	struct order o = gift(s, &u, &p);
	struct subscription sub = sub_of(s, o.subscription_id), before = sub;

	(void)state;
	assert_int_equal(sub_new_keys(&s->a, &sub), OK);
	sub = sub_of(s, sub.id);
	assert_true(strcmp(sub.uuid, before.uuid) != 0 && strcmp(sub.sub_id, before.sub_id) != 0 && strcmp(sub.password, before.password) != 0 && sub.expires_ms == before.expires_ms);
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE deleted_ms>0"), 1); /* the old client goes */
	assert_int_equal(shop_number(s, "SELECT count(*) FROM accesses WHERE deleted_ms=0"), 1);
	shop_free(s);
}

static void test_settings(void **state)
{
	struct shop *s = shop_new();

	(void)state;
	assert_int_equal(setting_i64(&s->a, SETTING_GRACE_HOURS), 24);
	assert_int_equal(setting_set(&s->a, SETTING_GRACE_HOURS, STR(" 48 ")), OK);
	assert_int_equal(setting_i64(&s->a, SETTING_GRACE_HOURS), 48);
	assert_int_equal(db_savepoint(s->db), OK);
	assert_int_equal(setting_set(&s->a, SETTING_GRACE_HOURS, STR("72")), OK);
	assert_int_equal(setting_i64(&s->a, SETTING_GRACE_HOURS), 72);
	assert_int_equal(db_savepoint_undo(s->db), OK);
	assert_int_equal(setting_i64(&s->a, SETTING_GRACE_HOURS), 48);
	assert_int_equal(setting_set(&s->a, SETTING_GRACE_HOURS, STR("-1")), E_INVALID);
	assert_int_equal(setting_set(&s->a, SETTING_GRACE_HOURS, STR("x")), E_INVALID);
	assert_int_equal(setting_set(&s->a, SETTING_ZONE, STR("../etc/passwd")), E_INVALID);
	assert_int_equal(setting_set(&s->a, SETTING_ZONE, STR("UTC")), OK);
	assert_true(str_is(setting_text(&s->a, SETTING_ZONE), "UTC"));
	for (int i = 0; i < SETTINGS_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_true(strcmp(setting_row((enum setting)i)->key, setting_row((enum setting)k)->key) != 0);
	shop_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_user, ""),
		proves(test_ban, ""),
		proves(test_ban_of_many, ""),
		proves(test_ban_of_before, ""),
		proves(test_public_id, ""),
		proves(test_claim, ""),
		proves(test_trial, "B36"),
		proves(test_referral, "R242 B35"),
		proves(test_referral_two_subscriptions, ""),
		proves(test_referral_hold, "R244"),
		proves(test_plans, ""),
		proves(test_two_accounts, "R032 R034"),
		proves(test_capacity, "R135"),
		proves(test_choice, "R136"),
		proves(test_refused_before_payment, "R183"),
		proves(test_reminders, "R074 B32"),
		proves(test_expiry, "R189 R193"),
		proves(test_renewal_after_deletion, ""),
		proves(test_time_waits_for_delivery, ""),
		proves(test_full_disk, ""),
		proves(test_usage, "R184"),
		proves(test_paste, ""),
		proves(test_new_keys, ""),
		proves(test_settings, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
