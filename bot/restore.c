/* obol restore: a copy takes the place of the shop, and what was there is kept beside it.
 *
 * It may be cut off anywhere, and any call refused: then there is the old shop or the new one, whole, and the next restore goes on. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/open.h"
#include "bot/program.h"
#include "bot/schema.h"
#include "lib/base/dir.h"
#include "lib/crypto/keyfile.h"

/* Names that stand beside the shop: what was there before the last restore, that on its way there, the copy on its way to be the
 * shop, and what the copy is made from while a restore is undone. */
#define BEFORE ".before-restore"
#define KEEPING ".keeping"
#define DRAFT ".restoring"
#define UNDOING ".undoing"

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

static const char *beside(const char *database, const char *ending, struct arena *arena)
{
	return arena_printf(arena, "%s%s", database, ending);
}

/* Its journal into itself, so that its name is all of it. */
static enum err fold(const char *path)
{
	struct db *db;
	int64_t left = 0;
	enum err e = db_open(&db, path, DB_WRITE, NULL);

	if (e)
		return e;
	e = db_checkpoint(db, true, &left);
	db_close(db);
	return e || !left ? e : E_BUSY;
}

/* The old one gets a second name, in one step: what had that name is there until then. Where its journal cannot be folded in,
 * it is kept with it. */
static enum err keep_old(const char *database, struct arena *arena)
{
	const char *before = beside(database, BEFORE, arena), *keeping = beside(database, KEEPING, arena);
	const char *journal = beside(database, "-wal", arena), *journal_before = beside(before, "-wal", arena);

	if (access(database, F_OK) != 0)
		return OK;
	fold(database);
	if (!is_same_file(database, before)) { /* else it was kept by a restore that was cut off */
		if (access(before, F_OK) == 0)
			fold(before);
		/* an older journal would be read as this one's */
		if (!take_away(keeping) || link(database, keeping) != 0 || !take_away(journal_before) || rename(keeping, before) != 0)
			return E_IO;
	}
	if (!take_away(journal_before) || (link(journal, journal_before) != 0 && errno != ENOENT))
		return E_IO;
	return dir_sync(database);
}

/* Undoing a restore, its source would lose its name to the shop of now before that is replaced: it gets another one for so long. */
static enum err keep_source(const char **from, const char *database, struct arena *arena)
{
	const char *before = beside(database, BEFORE, arena), *undoing = beside(database, UNDOING, arena);
	enum err e;

	if (!is_same_file(*from, before))
		return OK;
	e = fold(before);
	if (e)
		return e;
	if (!take_away(undoing) || link(before, undoing) != 0)
		return E_IO;
	*from = undoing;
	return dir_sync(database);
}

/* An undoing that was cut off when the shop of now was kept already: what is to be restored has only its other name. */
static const char *source_of(const char *path, const char *database, struct arena *arena)
{
	const char *before = beside(database, BEFORE, arena), *undoing = beside(database, UNDOING, arena);

	return is_same_file(path, before) && is_same_file(database, before) && access(undoing, F_OK) == 0 ? undoing : path;
}

/* With what reading it has left beside it. */
static bool forget_source(const char *undoing, struct arena *arena)
{
	return take_away(undoing) && take_away(beside(undoing, "-wal", arena)) && take_away(beside(undoing, "-shm", arena));
}

/* A copy of the copy beside the target, then one rename over it: a restore that is cut off changes nothing. */
static enum err put_in_place(const char *from, const char *database, struct arena *arena)
{
	const char *draft = beside(database, DRAFT, arena), *undoing = beside(database, UNDOING, arena);
	struct db *db;
	enum err e;

	unlink(draft);
	e = keep_source(&from, database, arena);
	if (!e)
		e = db_open(&db, from, DB_COPY, NULL);
	if (e)
		return e;
	e = db_copy_to(db, draft);
	db_close(db);
	if (!e && !is_same_file(from, undoing) && !forget_source(undoing, arena))
		e = E_IO; /* of an undoing that was cut off, and that the next one would go on with */
	if (!e)
		e = keep_old(database, arena);
	if (e) {
		unlink(draft);
		return e;
	}
	/* they would be read as the new one's */
	if (!take_away(beside(database, "-wal", arena)) || !take_away(beside(database, "-shm", arena)) || rename(draft, database) != 0) {
		unlink(draft);
		return E_IO;
	}
	forget_source(undoing, arena);
	return dir_sync(database);
}

int program_restore(const char *path)
{
	struct arena arena = { 0 };
	struct config config;
	const char *from;
	char *key_id = NULL;
	int code = EXIT_USAGE, lock = -1;
	enum err e;

	if (!open_config(&config, &arena))
		goto out;
	code = EXIT_FAILED;
	lock = open_lock(config.database_path, &arena);
	if (lock < 0)
		goto out;
	from = source_of(path, config.database_path, &arena);
	if (!is_usable(from, &key_id, &arena) || !have_key(&config, key_id, &arena))
		goto out;
	e = put_in_place(from, config.database_path, &arena);
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
