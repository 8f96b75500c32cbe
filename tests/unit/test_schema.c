/* What the migrations make of databases that older programs have written. */
#include "tests/unit/proves.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bot/schema.h"
#include "lib/base/mem.h"
#include "lib/base/clock.h"
#include "lib/store/db.h"

#define SUBSCRIPTIONS "INSERT INTO subscriptions(id, public_id, user_id, plan_id, sub_id, uuid, password, expires_ms, quota_bytes, limit_ip, reset_days, created_ms, updated_ms"

/* So many migrations had landed before the one that is asked about. */
enum before {
	BEFORE_BANS_REMEMBERED = 8,
	BEFORE_STOPS_BY_TIME = 12,
	BEFORE_ENDS_OTHERWISE = 13,
};

struct old {
	char dir[64];
	struct arena arena;
	struct db *db;
};

/* What an older program knew: users 1 and 2, a plan, and these rows; then brought up to date. */
static void migrated(struct old *old, enum before before, const char *rows)
{
	int64_t from;

	*old = (struct old){ .dir = "/tmp/obol-schema-XXXXXX" };
	assert_non_null(mkdtemp(old->dir));
	assert_int_equal(db_open(&old->db, arena_printf(&old->arena, "%s/old.db", old->dir), DB_WRITE, NULL), OK);
	assert_int_equal(db_migrate(old->db, &from, schema_migrations, before), OK);
	assert_int_equal(db_script(old->db, "INSERT INTO users(id, lang, created_ms, updated_ms) VALUES(1, 'en', 1, 1), (2, 'en', 1, 1);"
		"INSERT INTO plans(id, name, days, quota_bytes, created_ms) VALUES(1, 'Month', 30, 0, 1)"), OK);
	assert_int_equal(db_script(old->db, rows), OK);
	assert_int_equal(db_migrate(old->db, &from, schema_migrations, schema_migrations_count), OK);
	assert_int_equal(from, before);
}

static void old_free(struct old *old)
{
	db_close(old->db);
	assert_int_equal(system(arena_printf(&old->arena, "rm -rf %s", old->dir)), 0);
	arena_release(&old->arena);
}

static const char *text(struct old *old, const char *sql)
{
	char *value;

	assert_int_equal(db_get_text(&value, &old->arena, old->db, sql), OK);
	return value;
}

/* Banned: the end of the ban gives back what had not ended, as that program would have. */
static void test_ban(void **state)
{
	struct old old;

	(void)state;
	migrated(&old, BEFORE_BANS_REMEMBERED, "UPDATE users SET banned=1 WHERE id=1;"
		SUBSCRIPTIONS ", enabled)"
		" VALUES(1, 'BANNED', 1, 1, 'a', 'a', 'a', 9, 0, 0, 0, 1, 1, 0), (2, 'BY_HAND', 2, 1, 'b', 'b', 'b', 9, 0, 0, 0, 1, 1, 0), (3, 'ON', 2, 1, 'c', 'c', 'c', 9, 0, 0, 0, 1, 1, 1)");
	assert_string_equal(text(&old, "SELECT group_concat(public_id) FROM subscriptions WHERE ban_stopped=1"), "BANNED");
	old_free(&old);
}

/* Of what was off, time stopped what waits for its deletion; not what somebody keeps off or a ban does. */
static void test_stops(void **state)
{
	struct old old;

	(void)state;
	migrated(&old, BEFORE_STOPS_BY_TIME,
		SUBSCRIPTIONS ", grace_until_ms, step_ms, enabled, ban_stopped)"
		" VALUES(1, 'BY_TIME', 1, 1, 'a', 'a', 'a', 100, 0, 0, 0, 1, 1, 200, 300, 0, 0), (2, 'BY_HAND', 1, 1, 'b', 'b', 'b', 100, 0, 0, 0, 1, 1, 0, 90, 0, 0),"
		" (3, 'ENDLESS', 1, 1, 'c', 'c', 'c', 0, 0, 0, 0, 1, 1, 0, 0, 0, 0), (4, 'BANNED', 1, 1, 'd', 'd', 'd', 100, 0, 0, 0, 1, 1, 0, 300, 0, 1), (5, 'ON', 1, 1, 'e', 'e', 'e', 100, 0, 0, 0, 1, 1, 0, 90, 1, 0)");
	assert_string_equal(text(&old, "SELECT group_concat(public_id) FROM subscriptions WHERE time_stopped=1"), "BY_TIME");
	old_free(&old);
}

/* Bought for ever: its other purchases are added up once. */
static void test_endless(void **state)
{
	struct old old;

	(void)state;
	migrated(&old, BEFORE_ENDS_OTHERWISE,
		SUBSCRIPTIONS ")"
		" VALUES(1, 'A', 1, 1, 'a', 'a', 'a', 0, 0, 0, 0, 1, 1), (2, 'B', 1, 1, 'b', 'b', 'b', 0, 0, 0, 0, 1, 1), (3, 'C', 1, 1, 'c', 'c', 'c', 9, 0, 0, 0, 1, 1);"
		"INSERT INTO orders(public_id, user_id, kind, plan_id, subscription_id, state, plan_name, days, bonus_days, quota_bytes, limit_ip, reset_days, early, target_rev, created_ms, expires_ms, paid_ms)"
		" VALUES('1', 1, 'new', 1, 1, 'delivered', '', 30, 0, 0, 0, 0, 'keep', 1, 1, 1, 1000), ('2', 1, 'renew', 1, 1, 'delivered', '', 30, 7, 0, 0, 0, 'keep', 2, 1, 1, 2000),"
		" ('3', 1, 'renew', 1, 1, 'refunded', '', 30, 0, 0, 0, 0, 'keep', 3, 1, 1, 3000), ('4', 1, 'renew', 1, 1, 'delivered', '', 0, 0, 0, 0, 0, 'keep', 4, 1, 1, 4000),"
		" ('5', 1, 'new', 1, 2, 'delivered', '', 0, 0, 0, 0, 0, 'keep', 1, 1, 1, 1000)");
	assert_string_equal(text(&old, arena_printf(&old.arena, "SELECT ends_otherwise_ms - %" PRId64 " FROM subscriptions WHERE id=1", 1000 + 67 * DAY_MS)), "0");
	assert_string_equal(text(&old, "SELECT sum(ends_otherwise_ms) FROM subscriptions WHERE id>1"), "1");
	old_free(&old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_ban, ""),
		proves(test_stops, ""),
		proves(test_endless, ""),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
