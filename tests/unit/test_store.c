/* The store: statements, transactions, migrations, copies, injected failure. */
#include "tests/unit/proves.h"

#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/worker.h"
#include "lib/store/db.h"
#include "tests/world/disk.h"

static char dir[64];
static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/obol-store-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	arena_release(&arena);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static const char *in_dir(const char *name)
{
	return arena_printf(&arena, "%s/%s", dir, name);
}

static struct db *opened(const char *name)
{
	struct db *db;

	assert_int_equal(db_open(&db, in_dir(name), DB_WRITE, NULL), OK);
	return db;
}

static void test_statements(void **state)
{
	struct db *db = opened("a.db");
	struct db_rows r, inner;
	struct stat st;
	int64_t n = 0;
	char *text;

	(void)state;
	assert_int_equal(stat(db_path(db), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, b BLOB) STRICT"), OK);
	assert_int_equal(db_run(db, "INSERT INTO t(name, b) VALUES(?1, ?2)", "a", DB_BLOB("\0x", 2)), OK);
	assert_int_equal(db_last_id(db), 1);
	assert_int_equal(db_run(db, "INSERT INTO t(name, b) VALUES(?1, ?2)", STR("b"), DB_NULL), OK);
	assert_int_equal(db_run(db, "INSERT INTO t(name, b) VALUES(?1, ?2)", STR("b"), DB_NULL), E_CONFLICT);
	assert_int_equal(db_run(db, "INSERT INTO t(name) VALUES(?1) ON CONFLICT DO NOTHING", "b"), OK);
	assert_int_equal(db_changes(db), 0);
	db_select(&r, db, "SELECT id, b FROM t WHERE id>=?1 ORDER BY id", 1);
	while (db_next(&r)) {
		/* the same statement again while it is read from */
		db_select(&inner, db, "SELECT id, b FROM t WHERE id>=?1 ORDER BY id", 2);
		assert_true(db_next(&inner));
		assert_int_equal(db_i64(&inner, 0), 2);
		assert_int_equal(db_end(&inner), OK);
		n += db_i64(&r, 0);
		if (db_i64(&r, 0) == 1)
			assert_int_equal(db_str(&r, 1).len, 2);
		else
			assert_null(db_str(&r, 1).at);
	}
	assert_int_equal(db_end(&r), OK);
	assert_int_equal(n, 3);
	assert_int_equal(db_get_i64(&n, db, "SELECT id FROM t WHERE name=?1", "nobody"), E_NOTFOUND);
	assert_int_equal(db_get_text(&text, &arena, db, "SELECT name FROM t WHERE id=?1", 2), OK);
	assert_string_equal(text, "b");
	db_close(db);
}

static void test_transactions(void **state)
{
	struct db *db = opened("b.db"), *other;
	int64_t n;

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY) STRICT"), OK);
	other = opened("b.db");
	assert_int_equal(db_begin(db), OK);
	assert_int_equal(db_begin(other), E_BUSY);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(1)"), OK);
	assert_int_equal(db_savepoint(db), OK);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(2)"), OK);
	assert_int_equal(db_savepoint_undo(db), OK);
	assert_int_equal(db_savepoint(db), OK);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(3)"), OK);
	assert_int_equal(db_savepoint_keep(db), OK);
	assert_int_equal(db_commit(db), OK);
	assert_int_equal(db_get_i64(&n, other, "SELECT sum(id) FROM t"), OK);
	assert_int_equal(n, 4);
	db_close(other);
	db_close(db);
}

/* A transaction that SQLite has taken back in the middle, as it does when a page cannot be read: whoever goes on all the same
 * writes nothing by itself, not even as if it were an event of its own. */
static void test_lost_transaction(void **state)
{
	struct db *db = opened("lost.db");
	struct db_rows r;
	int64_t n = 0;

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY) STRICT"), OK);
	assert_int_equal(db_begin(db), OK);
	assert_int_equal(db_savepoint(db), OK);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(1)"), OK);
	assert_int_equal(db_script(db, "ROLLBACK"), OK);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(2)"), E_IO);
	assert_int_equal(db_script(db, "INSERT INTO t VALUES(3)"), E_IO);
	db_select(&r, db, "SELECT 1");
	assert_false(db_next(&r));
	assert_int_equal(db_end(&r), E_IO);
	assert_int_equal(db_savepoint_keep(db), E_IO);
	assert_int_equal(db_savepoint(db), E_IO);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(4)"), E_IO);
	assert_int_equal(db_savepoint_undo(db), E_IO);
	assert_true(db_commit(db) != OK);
	assert_int_equal(db_get_i64(&n, db, "SELECT count(*) FROM t"), OK);
	assert_int_equal(n, 0);
	assert_int_equal(db_begin(db), OK);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(5)"), OK);
	assert_int_equal(db_commit(db), OK);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(6)"), OK);
	db_close(db);
}

static enum err fail_at(void *ctx, enum db_point point)
{
	int *left = ctx;

	(void)point;
	return --*left == 0 ? E_FULL : OK;
}

/* What was read is believed only while nothing can have changed it. */
static void test_table_version(void **state)
{
	struct db *db = opened("watched.db"), *other = opened("watched_too.db");
	uint64_t version, before;

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(k TEXT PRIMARY KEY, v TEXT) STRICT; CREATE TABLE u(v TEXT) STRICT"), OK);
	before = db_table_version(db, "t");
	assert_true(db_table_version(db, "t") != before); /* outside a transaction others may write */
	assert_int_equal(db_begin(db), OK);
	version = db_table_version(db, "t");
	assert_int_equal(db_run(db, "INSERT INTO u VALUES('x')"), OK);
	assert_true(db_table_version(db, "t") == version);
	before = db_table_version(db, "u");
	assert_int_equal(db_run(db, "INSERT INTO u VALUES('y')"), OK);
	assert_true(db_table_version(db, "u") != before);
	assert_int_equal(db_savepoint(db), OK);
	assert_true(db_table_version(db, "t") == version);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES('k', 'x')"), OK);
	assert_true(db_table_version(db, "t") != version);
	before = db_table_version(db, "t");
	assert_int_equal(db_savepoint_undo(db), OK);
	version = db_table_version(db, "t");
	assert_true(version != before);
	assert_int_equal(db_begin(other), OK);
	assert_true(db_table_version(other, "t") != db_table_version(db, "t"));
	assert_int_equal(db_commit(db), OK);
	assert_int_equal(db_begin(db), OK);
	assert_true(db_table_version(db, "t") != version);
	db_close(db);
	db_close(other);
}

/* The journal grows with each commit and begins anew when all of it was copied. */
static void test_journal(void **state)
{
	struct db *db = opened("journal.db"), *helper;
	int64_t pages, left;

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(v TEXT) STRICT"), OK);
	pages = db_journal_pages(db);
	assert_true(pages > 0);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES('x')"), OK);
	assert_true(db_journal_pages(db) > pages);
	pages = db_journal_pages(db);
	assert_int_equal(db_open(&helper, db_path(db), DB_CHECKPOINT, NULL), OK);
	assert_int_equal(db_checkpoint(helper, false, &left), OK);
	assert_int_equal(left, 0);
	db_close(helper);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES('y')"), OK);
	assert_true(db_journal_pages(db) < pages);
	db_close(db);
}

static void test_injected(void **state)
{
	struct db *db = opened("c.db");
	int left;

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY) STRICT"), OK);
	for (int n = 1; n <= 3; n++) {
		enum err e;

		left = n;
		db_set_fault(fail_at, &left);
		e = db_begin(db);
		if (!e)
			e = db_run(db, "INSERT INTO t VALUES(NULL)");
		if (!e)
			e = db_commit(db);
		assert_int_equal(e, E_FULL);
		db_set_fault(NULL, NULL);
		db_rollback(db);
		assert_int_equal(db_get_i64(&(int64_t){ 0 }, db, "SELECT id FROM t"), E_NOTFOUND);
	}
	db_close(db);
}

/* What somebody left who died while copying. */
static void leave_half_copy(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("SQLite format 3", f);
	fclose(f);
}

static void test_migrate(void **state)
{
	static const struct db_migration steps[] = {
		{ "CREATE TABLE a(x INTEGER) STRICT; INSERT INTO a VALUES(1);" },
		{ "ALTER TABLE a ADD COLUMN y TEXT;" },
		{ "CREATE TABLE broken(x INTEGER) STRICT; INSERT INTO nowhere VALUES(1);" },
	};
	struct db *db = opened("d.db"), *copy;
	int64_t from, n;

	(void)state;
	assert_int_equal(db_migrate(db, &from, steps, 1), OK);
	assert_int_equal(from, 0);
	leave_half_copy(in_dir("d.db.before-1"));
	leave_half_copy(in_dir("d.db.before-1.new"));
	assert_int_equal(db_migrate(db, &from, steps, 2), OK);
	assert_int_equal(db_open(&copy, in_dir("d.db.before-1"), DB_READ, NULL), OK);
	assert_int_equal(db_get_i64(&n, copy, "PRAGMA user_version"), OK);
	assert_int_equal(n, 1);
	assert_true(db_is_sound(copy));
	db_close(copy);
	assert_int_not_equal(access(in_dir("d.db.before-1.new"), F_OK), 0);
	/* one that fails leaves everything as it was */
	assert_int_not_equal(db_migrate(db, &from, steps, 3), OK);
	assert_int_equal(db_get_i64(&n, db, "PRAGMA user_version"), OK);
	assert_int_equal(n, 2);
	assert_int_equal(db_get_i64(&n, db, "SELECT count(*) FROM sqlite_schema WHERE name='broken'"), OK);
	assert_int_equal(n, 0);
	/* made by a newer program */
	assert_int_equal(db_migrate(db, &from, steps, 1), E_VERSION);
	db_close(db);
}

static void test_copy(void **state)
{
	struct stat st;
	struct db *db = opened("e.db"), *copy;
	int64_t n;

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES(7)"), OK);
	assert_int_equal(db_copy_to(db, in_dir("f.db")), OK);
	assert_int_equal(db_copy_to(db, in_dir("f.db")), E_CONFLICT);
	assert_int_equal(stat(in_dir("f.db"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600); /* it is the whole shop */
	assert_int_equal(db_open(&copy, in_dir("f.db"), DB_READ, NULL), OK);
	assert_int_equal(db_get_i64(&n, copy, "SELECT id FROM t"), OK);
	assert_int_equal(n, 7);
	assert_true(db_is_sound(copy));
	db_close(copy);
	assert_int_equal(db_checkpoint(db, true, &n), OK);
	assert_int_equal(n, 0);
	db_close(db);
	assert_int_equal(db_open(&copy, in_dir("none.db"), DB_READ, NULL), E_NOTFOUND);
}

static int64_t found_in(const char *name, const char *text)
{
	char command[256];
	FILE *p;
	int n = 0;

	snprintf(command, sizeof command, "cat %s* | grep -ac %s", in_dir(name), text);
	p = popen(command, "r");
	assert_non_null(p);
	assert_int_equal(fscanf(p, "%d", &n), 1);
	pclose(p);
	return n;
}

/* What was deleted cannot be read in what is left of its page. */
static void test_deleted_is_gone(void **state)
{
	struct db *db = opened("g.db");
	int64_t n;

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT) STRICT;"
		" INSERT INTO t VALUES(1, 'stays-here'), (2, 'typed-password'), (3, 'typed-password')"), OK);
	assert_int_equal(db_checkpoint(db, true, &n), OK);
	assert_true(found_in("g.db", "typed-password") > 0);
	assert_int_equal(db_script(db, "DELETE FROM t WHERE id=2; UPDATE t SET a='other' WHERE id=3"), OK);
	assert_int_equal(db_checkpoint(db, true, &n), OK);
	db_close(db);
	assert_int_equal(found_in("g.db", "typed-password"), 0);
	assert_true(found_in("g.db", "stays-here") > 0);
}

static struct db *opened_on(const struct disk *d)
{
	struct db *db;

	assert_int_equal(db_open(&db, "/shop.db", DB_WRITE, disk_vfs(d)), OK);
	return db;
}

/* Nothing of the dead connection reaches the disk any more. */
static struct db *after_end(struct db *db, struct disk *d, enum disk_end how)
{
	disk_set_dead(d, true);
	db_close(db);
	disk_end(d, how, NULL, NULL);
	disk_set_dead(d, false);
	return opened_on(d);
}

static int64_t rows_of_t(struct db *db)
{
	int64_t n;

	assert_true(db_is_sound(db));
	assert_int_equal(db_get_i64(&n, db, "SELECT count(*) FROM sqlite_schema WHERE name='t'"), OK);
	assert_int_equal(n, 1);
	assert_int_equal(db_get_i64(&n, db, "SELECT count(*) FROM t"), OK);
	return n;
}

/* A commit that was told is there after the power was cut: the first of a new file, and those whose journal was copied into
 * the database and then begun anew. */
static void test_power_cut(void **state)
{
	struct disk *d = disk_new(NULL, NULL);
	struct db *db = opened_on(d), *helper;
	int64_t n;

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES(1)"), OK);
	db = after_end(db, d, DISK_AFTER_POWER);
	assert_int_equal(rows_of_t(db), 1);
	for (int i = 2; i < 10; i++) {
		assert_int_equal(db_run(db, "INSERT INTO t(id) VALUES(?1)", i), OK);
		assert_int_equal(db_open(&helper, "/shop.db", DB_CHECKPOINT, disk_vfs(d)), OK);
		assert_int_equal(db_checkpoint(helper, i % 2 == 0, &n), OK);
		db_close(helper);
		assert_int_equal(n, 0);
	}
	assert_int_equal(db_run(db, "INSERT INTO t(id) VALUES(10)"), OK);
	db = after_end(db, d, DISK_AFTER_POWER);
	assert_int_equal(rows_of_t(db), 10);
	db_close(db);
	disk_free(d);
}

static int fail_next_sync(void *ctx, enum disk_op op)
{
	int *left = ctx;

	return op == DISK_SYNC && *left && --*left == 0 ? SQLITE_IOERR : SQLITE_OK;
}

/* A sync fails, the process is killed, and its successor finds a journal that can be read and is not on the disk: what is
 * committed from then on is there when the power goes. */
static void test_failed_sync_outlives_the_process(void **state)
{
	int syncs_left = 0;
	struct disk *d = disk_new(fail_next_sync, &syncs_left);
	struct db *db = opened_on(d);

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES(1)"), OK);
	syncs_left = 1;
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(2)"), E_IO);
	db = after_end(db, d, DISK_AFTER_KILL);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(3)"), OK);
	db = after_end(db, d, DISK_AFTER_POWER);
	assert_in_range(rows_of_t(db), 2, 3); /* the one that failed may be there, or not */
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(3)"), E_CONFLICT);
	db_close(db);
	disk_free(d);
}

#define LARGE_ROWS 600 /* of a page each: more than the page cache holds */

/* A transaction that is larger than the page cache, with an event in it that undoes itself: what was committed is there after
 * the process was killed. */
static void test_large_transaction(void **state)
{
	struct disk *d = disk_new(NULL, NULL);
	struct db *db = opened_on(d);

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT"), OK);
	assert_int_equal(db_begin(db), OK);
	for (int i = 1; i <= LARGE_ROWS; i++)
		assert_int_equal(db_run(db, "INSERT INTO t VALUES(?1, zeroblob(4000))", i), OK);
	assert_int_equal(db_commit(db), OK);
	assert_int_equal(db_begin(db), OK);
	assert_int_equal(db_savepoint(db), OK);
	for (int i = 0; i < 3; i++) /* each of other bytes: what is the same is not written */
		assert_int_equal(db_run(db, "UPDATE t SET bytes=zeroblob(?1) WHERE id>?2", 3000 + i, LARGE_ROWS * i / 4), OK);
	assert_int_equal(db_savepoint_undo(db), OK);
	assert_int_equal(db_run(db, "UPDATE t SET bytes=zeroblob(2000) WHERE id=?1", LARGE_ROWS), OK);
	assert_int_equal(db_commit(db), OK);
	assert_int_equal(db_run(db, "INSERT INTO t VALUES(?1, x'')", LARGE_ROWS + 1), OK);
	db = after_end(db, d, DISK_AFTER_KILL);
	assert_int_equal(rows_of_t(db), LARGE_ROWS + 1);
	db_close(db);
	disk_free(d);
}

struct sum { struct worker_job job; int a, b, out; };

static void add(struct worker_job *job)
{
	struct sum *s = (struct sum *)job;

	s->out = s->a + s->b;
}

static void test_worker(void **state)
{
	(void)state;
	for (int threaded = 0; threaded < 2; threaded++) {
		struct worker *w = worker_new(threaded);
		struct sum sums[20];

		for (int i = 0; i < 20; i++) {
			sums[i] = (struct sum){ .job.run = add, .a = i, .b = 1 };
			worker_give(w, &sums[i].job);
		}
		for (int taken = 0; taken < 20;) {
			struct sum *s = (struct sum *)worker_take(w);

			if (!s)
				continue;
			assert_int_equal(s->out, taken + 1); /* in order */
			taken++;
		}
		assert_int_equal(worker_pending(w), 0);
		for (int i = 0; i < 20; i++)
			worker_give(w, &sums[i].job);
		worker_stop(w);
		for (int i = 0; i < 20; i++)
			assert_non_null(worker_take(w)); /* run or not: its owner has it back */
		worker_free(w);
	}
}

/* Another process has the whole file, as whoever puts it in order after a crash has it for a moment. */
static pid_t held_for(const char *path, int ms)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000000, .l_len = 512 };
	int told[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open(path, O_RDWR);

		if (fd < 0 || fcntl(fd, F_SETLK, &all) != 0 || write(told[1], "x", 1) != 1)
			_exit(1);
		poll(NULL, 0, ms);
		_exit(0);
	}
	assert_int_equal(read(told[0], &byte, 1), 1);
	close(told[0]);
	close(told[1]);
	return pid;
}

/* Found by random kills: the program did not start, because somebody looked at its database at that moment. */
static void test_opening_waits(void **state)
{
	struct db *db = opened("busy.db");
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(db_script(db, "CREATE TABLE t(id INTEGER PRIMARY KEY) STRICT"), OK);
	db_close(db);
	pid = held_for(in_dir("busy.db"), 200);
	assert_int_equal(db_open(&db, in_dir("busy.db"), DB_WRITE, NULL), OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_statements, ""),
		proves(test_transactions, ""),
		proves(test_lost_transaction, ""),
		proves(test_table_version, ""),
		proves(test_journal, ""),
		proves(test_power_cut, "R286"),
		proves(test_failed_sync_outlives_the_process, ""),
		proves(test_large_transaction, ""),
		proves(test_injected, ""),
		proves(test_migrate, "B42"),
		proves(test_opening_waits, "R286"),
		proves(test_copy, ""),
		proves(test_deleted_is_gone, ""),
		proves(test_worker, ""),
	};

	return cmocka_run_group_tests_name("store", tests, set_up, tear_down);
}
