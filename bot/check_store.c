/* obol check: the database, the disk under it, the key that opens its secrets. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bot/check_private.h"
#include "bot/open.h"
#include "bot/schema.h"
#include "bot/shop/pay.h"
#include "lib/base/clock.h"
#include "lib/crypto/keyfile.h"

#define MIB INT64_C(1048576)

/* --- the database --- */

/* `obol run` holds the lock as long as it lives. Asked for shared, so that two checks do not meet. */
static bool is_locked(const struct check *c, struct arena *arena)
{
	int fd = open(arena_printf(arena, "%s.lock", c->config.database_path), O_RDONLY | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return locked;
}

static void say_unreadable(struct check *c, enum err e)
{
	const char *path = c->config.database_path;

	if (e == E_INVALID)
		check_say(c, CHECK_FAIL, "database", "stop the shop and put a backup in place: obol restore FILE", "%s is damaged, or no database", path);
	else if (e == E_BUSY)
		check_say(c, CHECK_FAIL, "database", "try again", "%s is held by another program", path);
	else
		check_say(c, CHECK_FAIL, "database", "run this as the user of the service, who owns file and folder", "%s cannot be read (%s)", path, err_name(e));
}

static void say_state(struct check *c, int64_t version)
{
	const char *path = c->config.database_path;
	struct stat st;

	if (version > (int64_t)schema_migrations_count)
		check_say(c, CHECK_FAIL, "database", "install the obol that made it, or restore an older backup",
			"%s has schema %" PRId64 ", made by a newer obol; this one knows %zu", path, version, schema_migrations_count);
	else if (!db_is_sound(c->db))
		check_say(c, CHECK_FAIL, "database", "stop the shop, keep a copy of the file, and put a backup in place: obol restore FILE", "%s fails its own integrity check", path);
	else if (stat(path, &st) == 0 && (st.st_mode & 077))
		check_say(c, CHECK_WARN, "database", arena_printf(&c->arena, "chmod 600 %s", path), "%s can be touched by other users of this machine", path);
	else
		check_say(c, CHECK_OK, "database", version < (int64_t)schema_migrations_count ? "the next start brings it up to date and keeps a copy of what was" : NULL,
			"%s is sound, schema %" PRId64 "%s", path, version, c->is_running ? "; the shop is running" : "");
}

static void check_ledger(struct check *c)
{
	bool balanced = false;

	if (ledger_check(&c->act, &balanced) != OK || !balanced)
		check_say(c, CHECK_FAIL, "ledger", "keep a copy of the database and report it: this must not happen", "debits and credits do not add up");
	else
		check_say(c, CHECK_OK, "ledger", NULL, "balanced");
}

void check_database(struct check *c)
{
	int64_t version = 0;
	enum err e;

	if (access(c->config.database_path, F_OK) != 0 && errno == ENOENT) {
		check_say(c, CHECK_OK, "database", NULL, "%s is not there yet; the first `obol run` makes it", c->config.database_path);
		return;
	}
	c->is_running = is_locked(c, &c->arena);
	e = db_open(&c->db, c->config.database_path, DB_READ, NULL);
	if (!e)
		e = db_get_i64(&version, c->db, "PRAGMA user_version");
	if (e) {
		say_unreadable(c, e);
		db_close(c->db);
		c->db = NULL;
		return;
	}
	say_state(c, version);
	c->act.tx = c->db;
	if (version != (int64_t)schema_migrations_count) { /* our tables are not, or not as we know them */
		db_close(c->db);
		c->act.tx = c->db = NULL;
		return;
	}
	check_ledger(c);
}

/* --- the disk --- */

#define WRITES 30
#define WRITE_BYTES 4096
#define WRITES_LONGEST_US INT64_C(3000000)
#define SYNC_SLOW_US INT64_C(10000)  /* above it a turn of the loop takes longer than promised */
#define FREE_LOW_BYTES (100 * MIB)
#define FREE_NONE_BYTES (10 * MIB)

static const char *folder_of(struct check *c)
{
	const char *slash = strrchr(c->config.database_path, '/');

	if (!slash)
		return ".";
	return slash == c->config.database_path ? "/" : arena_strndup(&c->arena, c->config.database_path, (size_t)(slash - c->config.database_path));
}

static void check_space(struct check *c, const char *folder)
{
	struct statvfs vfs;
	struct stat st;
	int64_t free_bytes, size = stat(c->config.database_path, &st) == 0 ? st.st_size : 0;

	if (statvfs(folder, &vfs) != 0) {
		check_say(c, CHECK_FAIL, "disk space", "make the folder, or name another in DATABASE_URL", "%s: %s", folder, strerror(errno));
		return;
	}
	free_bytes = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
	if (free_bytes < FREE_NONE_BYTES)
		check_say(c, CHECK_FAIL, "disk space", "make room: without it nothing can be sold", "%" PRId64 " MiB free in %s", free_bytes / MIB, folder);
	else if (free_bytes < FREE_LOW_BYTES + 2 * size)
		check_say(c, CHECK_WARN, "disk space", "make room: an upgrade and each backup need as much again as the database",
			"%" PRId64 " MiB free in %s, the database has %" PRId64, free_bytes / MIB, folder, size / MIB);
	else
		check_say(c, CHECK_OK, "disk space", NULL, "%" PRId64 " MiB free in %s", free_bytes / MIB, folder);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Times of small durable writes, ascending, as a commit makes them. 0: the folder cannot be written. */
static int measure(int64_t took_us[WRITES], const char *path)
{
	static const char block[WRITE_BYTES];
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), n = 0;
	int64_t began_us = clock_mono_us();

	if (fd < 0)
		return 0;
	unlink(path); /* gone whatever happens */
	while (n < WRITES && clock_mono_us() - began_us < WRITES_LONGEST_US) {
		int64_t at_us = clock_mono_us();

		if (pwrite(fd, block, sizeof block, (off_t)n * WRITE_BYTES) != WRITE_BYTES || fdatasync(fd) != 0)
			break;
		took_us[n++] = clock_mono_us() - at_us;
	}
	close(fd);
	qsort(took_us, (size_t)n, sizeof *took_us, compare);
	return n;
}

void check_disk(struct check *c)
{
	const char *folder = folder_of(c);
	int64_t took_us[WRITES];
	int n;

	check_space(c, folder);
	n = measure(took_us, arena_printf(&c->arena, "%s/.obol-check-%ld", folder, (long)getpid()));
	if (!n) {
		check_say(c, CHECK_FAIL, "disk speed", "the user of the service must own this folder, and have room in it", "nothing can be written to %s", folder);
		return;
	}
	check_say(c, took_us[n / 2] > SYNC_SLOW_US ? CHECK_WARN : CHECK_OK, "disk speed",
		took_us[n / 2] > SYNC_SLOW_US ? "above 10 ms every reply waits for the disk, and many buyers at once wait long; an SSD or another DATABASE_URL helps" : NULL,
		"a durable write takes %.1f ms (median of %d; longest %.1f)", (double)took_us[n / 2] / 1000, n, (double)took_us[n - 1] / 1000);
}

/* --- the key --- */

static void say_no_key(struct check *c, enum err e, const char *place, const char *wanted)
{
	const char *lost = "give it back; if it is lost: obol run --forget-secrets, then panels and providers are to be entered again";

	if (e == E_NOTFOUND && !wanted)
		check_say(c, CHECK_OK, "key", NULL, "none yet; the first `obol run` makes %s and shows it once", place);
	else if (e == E_NOTFOUND)
		check_say(c, CHECK_FAIL, "key", lost, "the database was sealed with key %s; %s is missing, and SECRET_KEY is not set", wanted, place);
	else if (e == E_REFUSED)
		check_say(c, CHECK_FAIL, "key", arena_printf(&c->arena, "chmod 600 %s", place), "%s can be touched by others, or is no plain file", place);
	else if (e == E_INVALID)
		check_say(c, CHECK_FAIL, "key", "52 base32 characters are wanted, as `obol key` shows them", "%s holds no key", place);
	else
		check_say(c, CHECK_FAIL, "key", "run this as the user of the service", "%s cannot be read (%s)", place, err_name(e));
}

void check_key(struct check *c)
{
	const char *place = c->config.secret_key ? "SECRET_KEY" : keyfile_path(&c->arena, c->config.database_path);
	char *wanted = NULL;
	enum err e = find_key(&c->key, &c->config, &c->arena);

	if (c->db && db_get_text(&wanted, &c->arena, c->db, "SELECT value FROM settings WHERE key='key.id'") != OK)
		wanted = NULL;
	if (e) {
		say_no_key(c, e, place, wanted);
		return;
	}
	c->has_key = wanted && strcmp(wanted, c->key.id) == 0;
	if (wanted && !c->has_key)
		check_say(c, CHECK_FAIL, "key", "give back the right one; if it is lost: obol run --forget-secrets", "the database was sealed with key %s, but %s is key %s", wanted, place, c->key.id);
	else
		check_say(c, CHECK_OK, "key", NULL, "%s is key %s%s", place, c->key.id, c->has_key ? ", the database's" : "");
}
