/* obol restore: whatever happens on its way, there is a shop, and the one from before is beside it. Backups, and the key. */
#include "tests/unit/proves.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bot/open.h"
#include "bot/program.h"
#include "bot/schema.h"
#include "lib/store/db.h"

static char dir[64];
static struct arena arena;

/* --- the calls that change what stands in the folder: the nth fails, or the process ends before it --- */

static int calls_left;
static bool ends_there;

static bool strikes(void)
{
	if (!calls_left || --calls_left)
		return false;
	if (ends_there)
		_exit(77);
	errno = EIO;
	return true;
}

/* Files whose bytes were safe when they were given the name that they were made for. */
static ino_t synced;
static bool copy_was_safe;

int fsync(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		synced = st.st_ino;
	return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	struct stat st;

	copy_was_safe = stat(from, &st) == 0 && st.st_ino == synced;
	return strikes() ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int link(const char *from, const char *to)
{
	return strikes() ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
	return strikes() ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

/* --- shops --- */

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/obol-keep-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	setenv("BOT_TOKEN", "123456789:AAExampleExampleExampleExampleExample", 1);
	setenv("DATABASE_URL", arena_printf(&arena, "sqlite:%s/obol.db", dir), 1);
	return 0;
}

static int tear_down(void **state)
{
	char command[160];

	(void)state;
	arena_release(&arena);
	snprintf(command, sizeof command, "rm -rf %s %s.made", dir, dir);
	return system(command);
}

static const char *in_dir(const char *name)
{
	return arena_printf(&arena, "%s/%s", dir, name);
}

static void run_command(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* A shop with this name, as a process that was killed leaves it: its last word is in the journal. */
static void make_shop(const char *name, const char *shop)
{
	struct db *db;
	int64_t from, left;

	assert_int_equal(db_open(&db, in_dir("making.db"), DB_WRITE, NULL), OK);
	assert_int_equal(db_migrate(db, &from, schema_migrations, schema_migrations_count), OK);
	assert_int_equal(db_checkpoint(db, true, &left), OK);
	assert_int_equal(db_run(db, "INSERT INTO settings(key, value) VALUES('name', ?1)", shop), OK);
	run_command(arena_printf(&arena, "cd %s && cp making.db %s && cp making.db-wal %s-wal", dir, name, name));
	db_close(db);
	run_command(arena_printf(&arena, "rm -f %s/making.db*", dir));
}

/* "": there is none */
static const char *shop_in(const char *name)
{
	struct db *db;
	char *shop = NULL;

	if (access(in_dir(name), F_OK) != 0 || db_open(&db, in_dir(name), DB_WRITE, NULL) != OK)
		return "";
	if (db_get_text(&shop, &arena, db, "SELECT value FROM settings WHERE key='name'") != OK)
		shop = NULL;
	db_close(db);
	return shop ? shop : "";
}

/* They are made once: nearly all the time would go there. */
static void make_both(void)
{
	const char *made = arena_printf(&arena, "%s.made", dir);

	run_command(arena_printf(&arena, "rm -f %s/*", dir));
	if (access(made, F_OK) != 0) {
		make_shop("obol.db", "old");
		make_shop("obol.db.before-restore", "of an earlier restore");
		make_shop("copy.db", "copy");
		assert_string_equal(shop_in("copy.db"), "copy"); /* and its journal is folded in */
		run_command(arena_printf(&arena, "cp -r %s %s", dir, made));
	}
	run_command(arena_printf(&arena, "cp %s/* %s", made, dir));
}

/* The same, and it stays untouched: what is still in its journal is read from a copy. */
static const char *peek(const char *name)
{
	run_command(arena_printf(&arena, "cd %s && rm -f peek* && if [ -e %s ]; then cp %s peek; fi && if [ -e %s-wal ]; then cp %s-wal peek-wal; fi", dir, name, name, name, name));
	return shop_in("peek");
}

static int restore_in_child(const char *source, int nth, bool ends)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		calls_left = nth;
		ends_there = ends;
		status = program_restore(in_dir(source));
		_exit(status == 0 && calls_left ? 99 : status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

static void test_restore(void **state)
{
	(void)state;
	make_both();
	assert_int_equal(program_restore(in_dir("copy.db")), 0);
	assert_string_equal(shop_in("obol.db"), "copy");
	assert_string_equal(shop_in("obol.db.before-restore"), "old");
	assert_true(access(in_dir("obol.db.restoring"), F_OK) != 0);
}

/* What a restore is made from. The second undoes an earlier one: its source stands where the shop of now is to be kept. */
static const struct { const char *name, *shop; } sources[] = {
	{ "copy.db", "copy" },
	{ "obol.db.before-restore", "of an earlier restore" },
};

/* Cut off anywhere, or with any call refused: the old shop, whole, or the new one, and beside it always one of before; and
 * done once more it is done. */
static void test_restore_cut_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(sources); i++)
		for (int ends = 0; ends <= 1; ends++)
			for (int nth = 1, code = 0; code != 99; nth++) {
				const char *shop, *before;

				make_both();
				code = restore_in_child(sources[i].name, nth, ends);
				shop = peek("obol.db");
				before = peek("obol.db.before-restore");
				if (strcmp(shop, "old") != 0 && strcmp(shop, sources[i].shop) != 0)
					fail_msg("%s, call %d, %s: the shop is \"%s\"", sources[i].name, nth, ends ? "cut off" : "refused", shop);
				if (strcmp(before, "old") != 0 && strcmp(before, "of an earlier restore") != 0)
					fail_msg("%s, call %d, %s: the shop before it is \"%s\"", sources[i].name, nth, ends ? "cut off" : "refused", before);
				if (code == 1)
					assert_string_equal(shop, "old"); /* it was said that nothing was put in place */
				if (strcmp(shop, "old") == 0)
					assert_int_equal(program_restore(in_dir(sources[i].name)), 0);
				if (strcmp(shop_in("obol.db"), sources[i].shop) != 0)
					fail_msg("%s, call %d, %s, once more: the shop is \"%s\"", sources[i].name, nth, ends ? "cut off" : "refused", shop_in("obol.db"));
				if (strcmp(shop_in("obol.db.before-restore"), "old") != 0)
					fail_msg("%s, call %d, %s, %d: the shop before it is lost", sources[i].name, nth, ends ? "cut off" : "refused", code);
				assert_in_range(nth, 1, 60);
			}
}

/* Undone, and the undoing undone: each is the shop again, and nothing else is left in the folder. */
static void test_restore_undone(void **state)
{
	(void)state;
	make_both();
	assert_int_equal(program_restore(in_dir("copy.db")), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(program_restore(in_dir("obol.db.before-restore")), 0);
		assert_string_equal(shop_in("obol.db"), i % 2 ? "copy" : "old");
		assert_string_equal(shop_in("obol.db.before-restore"), i % 2 ? "old" : "copy");
	}
	run_command(arena_printf(&arena, "cd %s && test \"$(echo obol.*)\" = 'obol.db obol.db.before-restore obol.db.lock'", dir));
}

/* An undoing that has kept the shop of now, and is cut off before it has replaced it. */
static void cut_off_undoing(void)
{
	static int nth = 1;

	for (int code = 0;; nth++) {
		make_both();
		code = restore_in_child("obol.db.before-restore", nth, true);
		assert_int_not_equal(code, 99);
		if (strcmp(peek("obol.db.before-restore"), "old") == 0)
			break;
	}
	assert_string_equal(peek("obol.db"), "old");
}

/* Another copy is restored after that, and undone, the first perhaps cut off: what is undone is that one. */
static void test_undoing_is_forgotten(void **state)
{
	(void)state;
	for (int nth = 1, code = 0; code != 99; nth++) {
		cut_off_undoing();
		code = restore_in_child("copy.db", nth, true);
		if (strcmp(peek("obol.db"), "old") != 0 || access(in_dir("obol.db.undoing"), F_OK) != 0)
			assert_int_equal(program_restore(in_dir("obol.db.before-restore")), 0);
		if (strcmp(shop_in("obol.db"), "old") != 0)
			fail_msg("call %d: the shop is \"%s\"", nth, shop_in("obol.db"));
	}
}

/* What cannot be opened any more is kept, with what was in its journal. */
static void test_restore_over_a_damaged_shop(void **state)
{
	(void)state;
	make_both();
	run_command(arena_printf(&arena, "cd %s && dd if=/dev/urandom of=obol.db bs=100 count=1 conv=notrunc 2>/dev/null", dir));
	assert_int_equal(program_restore(in_dir("copy.db")), 0);
	assert_string_equal(shop_in("obol.db"), "copy");
	run_command(arena_printf(&arena, "cd %s && cat obol.db.before-restore obol.db.before-restore-wal 2>/dev/null | grep -aq nameold", dir));
}

/* A copy that is damaged takes nobody's place. */
static void test_damaged_copy(void **state)
{
	struct db *db;

	(void)state;
	make_both();
	run_command(arena_printf(&arena, "cd %s && dd if=/dev/urandom of=copy.db bs=4096 seek=3 count=8 conv=notrunc 2>/dev/null", dir));
	assert_int_equal(program_restore(in_dir("copy.db")), 1);
	assert_string_equal(shop_in("obol.db"), "old");
	make_shop("copy.db", "copy");
	assert_int_equal(db_open(&db, in_dir("copy.db"), DB_WRITE, NULL), OK); /* every page can be read, and it is wrong all the same */
	assert_int_equal(db_script(db, "PRAGMA foreign_keys=OFF; INSERT INTO panel_sessions(panel_id, url, created_ms, expires_ms) VALUES(77, 'x', 0, 0)"), OK);
	db_close(db);
	assert_int_equal(program_restore(in_dir("copy.db")), 1);
	assert_string_equal(shop_in("obol.db"), "old");
	run_command(arena_printf(&arena, "cd %s && printf nothing >copy.db", dir));
	assert_int_equal(program_restore(in_dir("copy.db")), 1);
	assert_string_equal(shop_in("obol.db"), "old");
	assert_string_equal(shop_in("obol.db.before-restore"), "of an earlier restore");
}

/* A backup has its name when its bytes are on the disk, and not before. */
static void test_backup_is_synced(void **state)
{
	(void)state;
	make_both();
	copy_was_safe = false;
	synced = 0;
	assert_int_equal(program_backup(in_dir("backup.db")), 0);
	assert_true(copy_was_safe);
	assert_string_equal(shop_in("backup.db"), "old");
}

/* --- the key --- */

/* What a first start prints, with standard output in a file; that file is the system's journal or is not. */
static struct str first_start(bool is_journal)
{
	const char *path = in_dir("printed");
	struct config config;
	struct seal_key key;
	struct db *db;
	struct stat st;
	char *text = arena_alloc(&arena, 4096);
	FILE *f;
	size_t n;
	pid_t child;
	int status;

	run_command(arena_printf(&arena, "rm -f %s/*", dir));
	child = fork();
	if (child == 0) {
		if (!freopen(path, "w", stdout) || fstat(STDOUT_FILENO, &st) != 0)
			_exit(1);
		if (is_journal)
			setenv("JOURNAL_STREAM", arena_printf(&arena, "%lld:%lld", (long long)st.st_dev, (long long)st.st_ino), 1);
		else
			setenv("JOURNAL_STREAM", "1:2", 1);
		_exit(open_config(&config, &arena) && open_database(&db, &config) && open_key(&key, db, &config, &arena, false) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 0);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, 4095, f);
	fclose(f);
	return str_n(text, n);
}

/* A key is shown once, to whoever starts the shop, and never to the journal, which others read. */
static void test_key_is_not_logged(void **state)
{
	char key[SEAL_KEY_CHARS + 1] = "";
	FILE *f;

	(void)state;
	for (int is_journal = 0; is_journal <= 1; is_journal++) {
		struct str printed = first_start(is_journal);

		f = fopen(in_dir("obol.key"), "r");
		assert_non_null(f);
		assert_int_equal(fread(key, 1, SEAL_KEY_CHARS, f), SEAL_KEY_CHARS);
		fclose(f);
		assert_true(str_has(printed, "A new key was made"));
		assert_int_equal(str_has(printed, key), !is_journal);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_restore, ""),
		proves(test_restore_cut_off, ""),
		proves(test_restore_undone, ""),
		proves(test_undoing_is_forgotten, ""),
		proves(test_restore_over_a_damaged_shop, ""),
		proves(test_damaged_copy, ""),
		proves(test_backup_is_synced, ""),
		proves(test_key_is_not_logged, ""),
	};

	return cmocka_run_group_tests_name("keep", tests, set_up, tear_down);
}
