/* obol key, backup, restore. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/open.h"
#include "bot/program.h"
#include "bot/schema.h"
#include "lib/base/dir.h"
#include "lib/crypto/keyfile.h"

int program_key(void)
{
	struct arena arena = { 0 };
	struct config config;
	struct seal_key key;
	char text[SEAL_KEY_CHARS + 1];
	int code = EXIT_USAGE;
	enum err e;

	if (!open_config(&config, &arena))
		goto out;
	code = EXIT_FAILED;
	e = find_key(&key, &config, &arena);
	if (e) {
		fprintf(stderr, "obol: no key: %s (%s). The first `obol run` makes one.\n", keyfile_path(&arena, config.database_path), err_name(e));
		goto out;
	}
	seal_key_write(text, &key);
	printf("%s\n", text);
	crypto_wipe(text, sizeof text);
	seal_key_wipe(&key);
	code = EXIT_FINE;
out:
	arena_release(&arena);
	return code;
}

int program_backup(const char *path)
{
	struct arena arena = { 0 };
	struct config config;
	struct db *db = NULL;
	char *key_id = NULL;
	int code = EXIT_USAGE;
	enum err e;

	if (!open_config(&config, &arena))
		goto out;
	code = EXIT_FAILED;
	e = db_open(&db, config.database_path, DB_COPY, NULL);
	if (!e)
		e = db_copy_to(db, path);
	if (e) {
		fprintf(stderr, e == E_CONFLICT ? "obol: %s exists already; choose another name\n" : "obol: no backup was made at %s\n", path);
		goto out;
	}
	if (db_get_text(&key_id, &arena, db, "SELECT value FROM settings WHERE key='key.id'") != OK)
		key_id = NULL;
	printf("%s holds the whole shop. Restoring it needs key %s (obol key shows it); keep the two apart.\n", path, key_id ? key_id : "none");
	code = EXIT_FINE;
out:
	db_close(db);
	arena_release(&arena);
	return code;
}

/* The copy must be a sound shop that this program can read. */
static bool is_usable(const char *path, char **key_id, struct arena *arena)
{
	struct db *db;
	int64_t version = -1, tables = 0;
	enum err e = db_open(&db, path, DB_UNTRUSTED, NULL);

	if (e) {
		fprintf(stderr, "obol: %s is no database (%s)\n", path, err_name(e));
		return false;
	}
	if (db_get_i64(&version, db, "PRAGMA user_version") != OK ||
		db_get_i64(&tables, db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('orders', 'ledger', 'panels')") != OK || tables != 3) {
		fprintf(stderr, "obol: %s is no backup of a shop\n", path);
	} else if (version > (int64_t)schema_migrations_count) {
		fprintf(stderr, "obol: %s was made by a newer obol; install that version\n", path);
	} else if (!db_is_sound(db)) {
		fprintf(stderr, "obol: %s is damaged: its own check fails\n", path);
	} else {
		if (db_get_text(key_id, arena, db, "SELECT value FROM settings WHERE key='key.id'") != OK)
			*key_id = NULL;
		db_close(db);
		return true;
	}
	db_close(db);
	return false;
}

/* The key of the copy: configured, or typed. A typed one becomes the key file. */
static bool have_key(const struct config *config, const char *wanted, struct arena *arena)
{
	struct seal_key key;
	const char *path = keyfile_path(arena, config->database_path);
	char typed[256];
	enum err e = find_key(&key, config, arena);

	if (!wanted)
		return true;
	if (!e && strcmp(key.id, wanted) == 0)
		return true;
	if (!e) {
		fprintf(stderr, "obol: the backup was sealed with key %s; the one here is %s. Move %s away or set SECRET_KEY to the right one.\n", wanted, key.id, path);
		return false;
	}
	fprintf(stderr, "Key %s of this backup (52 characters): ", wanted);
	if (!fgets(typed, sizeof typed, stdin) || seal_key_read(&key, str_trim(str_of(typed))) != OK || strcmp(key.id, wanted) != 0) {
		crypto_wipe(typed, sizeof typed);
		fprintf(stderr, "obol: that is not key %s; nothing was changed\n", wanted);
		return false;
	}
	crypto_wipe(typed, sizeof typed);
	e = config->secret_key ? OK : keyfile_create(path, &key);
	seal_key_wipe(&key);
	return !e;
}

static bool is_same_file(const char *x, const char *y)
{
	struct stat a, b;

	return stat(x, &a) == 0 && stat(y, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool take_away(const char *path)
{
	return unlink(path) == 0 || errno == ENOENT;
}

/* The old one gets a second name, whole: its journal is folded in first. Where that cannot be, it is kept with it. */
static enum err keep_old(const char *database, struct arena *arena)
{
	const char *before = arena_printf(arena, "%s.before-restore", database);
	const char *journal_before = arena_printf(arena, "%s-wal", before);
	struct db *db;
	int64_t left;

	if (access(database, F_OK) != 0)
		return OK;
	if (db_open(&db, database, DB_WRITE, NULL) == OK) {
		db_checkpoint(db, true, &left);
		db_close(db);
	}
	if (is_same_file(database, before))
		return OK; /* by a restore that was cut off */
	if (!take_away(before) || !take_away(journal_before))
		return E_IO; /* an older journal would be read as this one's */
	if (link(arena_printf(arena, "%s-wal", database), journal_before) != 0 && errno != ENOENT)
		return E_IO;
	return link(database, before) == 0 ? dir_sync(database) : E_IO;
}

/* A copy of the copy beside the target, then one rename over it: a restore that is cut off changes nothing. */
static enum err put_in_place(const char *from, const char *database, struct arena *arena)
{
	const char *draft = arena_printf(arena, "%s.restoring", database);
	struct db *db;
	enum err e;

	unlink(draft);
	e = db_open(&db, from, DB_COPY, NULL);
	if (e)
		return e;
	e = db_copy_to(db, draft);
	db_close(db);
	if (!e)
		e = keep_old(database, arena);
	if (e) {
		unlink(draft);
		return e;
	}
	/* they would be read as the new one's */
	if (!take_away(arena_printf(arena, "%s-wal", database)) || !take_away(arena_printf(arena, "%s-shm", database)) || rename(draft, database) != 0) {
		unlink(draft);
		return E_IO;
	}
	return dir_sync(database);
}

int program_restore(const char *path)
{
	struct arena arena = { 0 };
	struct config config;
	char *key_id = NULL;
	int code = EXIT_USAGE, lock = -1;
	enum err e;

	if (!open_config(&config, &arena))
		goto out;
	code = EXIT_FAILED;
	lock = open_lock(config.database_path, &arena);
	if (lock < 0 || !is_usable(path, &key_id, &arena) || !have_key(&config, key_id, &arena))
		goto out;
	e = put_in_place(path, config.database_path, &arena);
	if (e) {
		fprintf(stderr, "obol: %s could not be put in place (%s)\n", path, err_name(e));
		goto out;
	}
	printf("%s is the shop now. What was there before is beside it, ending in .before-restore.\n"
		"Panels may have changed since this copy was made: the first looks find and report it.\n", path);
	code = EXIT_FINE;
out:
	if (lock >= 0)
		close(lock);
	arena_release(&arena);
	return code;
}
