/* SQLite behind db.h.
 *
 * The statement cache is a small open hash by the address of the SQL text, which in nearly all calls is a literal;
 * a hit is believed only when the text agrees, so that text built in an arena can use the same address twice. */
#include "lib/store/db.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/dir.h"

#define CACHE_SLOTS 1024 /* power of two; far more than the program has statements */
#define CACHE_PROBES 8
#define WATCHED_MAX 2

struct db_slot {
	const char *sql;
	sqlite3_stmt *stmt;
	bool busy; /* a db_rows is reading from it: a second user gets a statement of its own */
};

struct db {
	sqlite3 *handle;
	char *path;
	const char *vfs; /* the caller's; NULL: the system's */
	int64_t commits;       /* that wrote something */
	int64_t journal_pages; /* after the last commit or checkpoint */
	bool begun;            /* between db_begin and its end */
	struct watched { const char *table; uint64_t version; } watched[WATCHED_MAX]; /* for db_table_version; ends at a NULL */
	struct db_slot cache[CACHE_SLOTS];
};

static enum err (*fault)(void *ctx, enum db_point point);
static void *fault_ctx;

void db_set_fault(enum err (*f)(void *ctx, enum db_point point), void *ctx)
{
	fault = f;
	fault_ctx = ctx;
}

static enum err injected(enum db_point point)
{
	return fault ? fault(fault_ctx, point) : OK;
}

/* SQLite may take a whole transaction back in the middle, when even a look at a page fails. What came behind it would be
 * written by itself, as whoever takes a failed look for a default goes on: half a decision. So nothing runs until its end. */
static enum err may_run(const struct db *db)
{
	enum err e = injected(DB_POINT_RUN);

	return !e && db->begun && !db_in_transaction(db) ? E_IO : e;
}

static enum err err_of(int rc)
{
	switch (rc & 0xFF) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return E_BUSY;
	case SQLITE_CONSTRAINT:
		return E_CONFLICT;
	case SQLITE_FULL:
		return E_FULL;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return E_INVALID;
	case SQLITE_CANTOPEN:
		return E_NOTFOUND;
	case SQLITE_TOOBIG:
		return E_TOOBIG;
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_MISMATCH:
		assert(!"the store was called wrongly");
		return E_INVALID;
	case SQLITE_NOMEM:
		abort();
	default:
		return E_IO;
	}
}

/* --- opening --- */

/* After an unclean stop whoever looks at the file first, obol check or a backup perhaps, puts it in order behind a lock, and
 * so does the last to leave. Opening waits for them; from then on nobody can be in the way of whoever keeps it open. */
#define OPEN_BUSY_MS 5000

/* cache_spill: before its commit nothing of a transaction goes into the journal. Where it has, and an event is undone, SQLite
 * (3.40.1) may write pages without their checksums: the commit is good until the process ends, and whoever starts next reads the
 * journal up to there, without it and all that was committed behind it. The price is memory, for a page of each page changed. */
static const char *const pragmas[] = {
	[DB_WRITE] = ("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=0;"
		"PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON; PRAGMA cache_size=-1024; PRAGMA cache_spill=OFF; PRAGMA trusted_schema=OFF;"),
	[DB_READ] = "PRAGMA query_only=ON; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=2000; PRAGMA trusted_schema=OFF;",
	[DB_COPY] = "PRAGMA busy_timeout=2000; PRAGMA trusted_schema=OFF;",
	[DB_CHECKPOINT] = "PRAGMA busy_timeout=0;", /* any synchronous but OFF syncs at a checkpoint; to say so costs a look at all tables */
	[DB_UNTRUSTED] = "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;",
};

/* auto_vacuum can be chosen only before the first table */
static const char new_file_pragmas[] = "PRAGMA auto_vacuum=INCREMENTAL;";

/* The first real look at the file: that it is a database, and what is in it. A checkpoint copies pages, whatever they mean. */
static const char *first_look(enum db_mode mode)
{
	return mode == DB_CHECKPOINT ? "PRAGMA user_version" : "SELECT count(*) FROM sqlite_schema";
}

static void switch_statistics_off(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* SQLite counts every allocation under a lock unless told otherwise, before its first use. */
static void without_statistics(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, switch_statistics_off);
}

/* Of a new file's name. SQLite's first journal beside it does so by the way; what the whole shop hangs on is not left to that. */
static enum err sync_name(const struct db *db)
{
	return db->vfs ? err_of(sqlite3_file_control(db->handle, NULL, DB_SYNC_DIRECTORY, NULL)) : dir_sync(db->path);
}

#define REWRITE_BYTES 65536

/* The system takes blocks whose sync has failed for clean: they are read as they were written, a later sync leaves them out,
 * and they go with the power. Whoever starts after a killed process may find such blocks in the journal and take them for
 * good, and all that is committed behind them would go with them. Written once more they are synced with the rest. */
static enum err rewrite_journal(struct db *db)
{
	char bytes[REWRITE_BYTES];
	sqlite3_file *journal = NULL;
	sqlite3_int64 size = 0;
	int rc = sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &journal);

	if (!rc && journal && journal->pMethods)
		rc = journal->pMethods->xFileSize(journal, &size);
	for (sqlite3_int64 at = 0; !rc && at < size; at += REWRITE_BYTES) {
		int n = size - at < REWRITE_BYTES ? (int)(size - at) : REWRITE_BYTES;

		rc = journal->pMethods->xRead(journal, bytes, n, at);
		if (!rc)
			rc = journal->pMethods->xWrite(journal, bytes, n, at);
	}
	if (!rc && size)
		rc = journal->pMethods->xSync(journal, SQLITE_SYNC_NORMAL);
	return err_of(rc);
}

static int on_commit(void *ctx, sqlite3 *handle, const char *database, int pages)
{
	struct db *db = ctx;

	(void)handle;
	(void)database;
	db->commits++;
	db->journal_pages = pages;
	return SQLITE_OK;
}

enum err db_open(struct db **out, const char *path, enum db_mode mode, const char *vfs)
{
	struct db *db = xcalloc(1, sizeof *db);
	int flags = mode == DB_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE :
		mode == DB_CHECKPOINT ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	int rc;
	enum err e;

	*out = NULL;
	without_statistics();
	db->path = xstrdup(path);
	db->vfs = vfs;
	if (mode == DB_WRITE && !vfs) {
		/* made by us with a mode of our choice: whoever can read it has everybody's keys */
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0) {
			db_close(db);
			return E_IO;
		}
		fchmod(fd, 0600);
		close(fd);
	}
	rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
	e = err_of(rc);
	if (!e && mode == DB_UNTRUSTED) {
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, 64 << 20);
	}
	if (!e)
		sqlite3_busy_timeout(db->handle, OPEN_BUSY_MS);
	if (!e && mode == DB_WRITE)
		e = err_of(sqlite3_exec(db->handle, new_file_pragmas, NULL, NULL, NULL));
	if (!e)
		e = err_of(sqlite3_exec(db->handle, pragmas[mode], NULL, NULL, NULL));
	if (!e)
		e = err_of(sqlite3_exec(db->handle, first_look(mode), NULL, NULL, NULL));
	if (!e && mode == DB_WRITE)
		e = sync_name(db);
	if (!e && mode == DB_WRITE)
		e = rewrite_journal(db);
	if (e) {
		db_close(db);
		return e;
	}
	if (mode == DB_WRITE)
		sqlite3_busy_timeout(db->handle, 0); /* the loop waits for nobody */
	if (mode == DB_WRITE)
		sqlite3_wal_hook(db->handle, on_commit, db); /* after the pragmas: wal_autocheckpoint is such a hook too */
	*out = db;
	return OK;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		sqlite3_finalize(db->cache[i].stmt);
	sqlite3_close(db->handle);
	free(db->path);
	free(db);
}

const char *db_path(const struct db *db)
{
	return db->path;
}

const char *db_vfs(const struct db *db)
{
	return db->vfs;
}

struct sqlite3 *db_handle(struct db *db)
{
	return db->handle;
}

const char *db_error(const struct db *db)
{
	return sqlite3_errmsg(db->handle);
}

/* --- statements --- */

static sqlite3_stmt *prepare(struct db *db, const char *sql, bool keep, enum err *e)
{
	sqlite3_stmt *stmt = NULL;
	const char *tail = NULL;
	int rc = sqlite3_prepare_v3(db->handle, sql, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &stmt, &tail);

	if ((rc & 0xFF) == SQLITE_ERROR) {
		fprintf(stderr, "obol: SQL of ours: %s: %s\n", sqlite3_errmsg(db->handle), sql);
		assert(!"SQL of ours does not compile");
	}
	*e = err_of(rc);
	assert(*e || str_trim(str_of(tail)).len == 0); /* one statement at a time */
	return stmt;
}

static size_t slot_of(const char *sql)
{
	return (size_t)(((uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 40) & (CACHE_SLOTS - 1);
}

/* A prepared statement, from the cache when it has it idle. *slot is NULL when the caller must finalize. */
static sqlite3_stmt *statement(struct db *db, const char *sql, struct db_slot **slot, enum err *e)
{
	size_t at = slot_of(sql);

	*e = OK;
	*slot = NULL;
	for (size_t i = 0; i < CACHE_PROBES; i++) {
		struct db_slot *s = &db->cache[(at + i) & (CACHE_SLOTS - 1)];

		if (s->sql == sql && !s->busy && strcmp(sqlite3_sql(s->stmt), sql) == 0) {
			*slot = s;
			return s->stmt;
		}
		if (!s->stmt) {
			s->stmt = prepare(db, sql, true, e);
			if (!s->stmt)
				return NULL;
			s->sql = sql;
			*slot = s;
			return s->stmt;
		}
	}
	return prepare(db, sql, false, e);
}

/* Text and blobs are the caller's, or copied, as life says. What SQLite has no memory to copy would be NULL, silently. */
static void bind(sqlite3_stmt *stmt, const struct db_arg *args, size_t count, void (*life)(void *))
{
	assert(count <= DB_ARGS_MAX && (int)count == sqlite3_bind_parameter_count(stmt));
	for (size_t i = 0; i < count; i++) {
		const struct db_arg *a = &args[i];
		int at = (int)i + 1, rc = SQLITE_OK;

		switch (a->kind) {
		case DB_ARG_NULL: rc = sqlite3_bind_null(stmt, at); break;
		case DB_ARG_INT: rc = sqlite3_bind_int64(stmt, at, a->i); break;
		case DB_ARG_TEXT: rc = sqlite3_bind_text64(stmt, at, a->s.at, a->s.len, life, SQLITE_UTF8); break;
		case DB_ARG_BLOB: rc = sqlite3_bind_blob64(stmt, at, a->s.at ? a->s.at : "", a->s.len, life); break;
		}
		if (rc == SQLITE_NOMEM)
			abort();
	}
}

static void give_back(struct db_slot *slot, sqlite3_stmt *stmt)
{
	if (!slot) {
		sqlite3_finalize(stmt);
		return;
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt); /* they point into the caller's memory */
	slot->busy = false;
}

enum err db_run_list(struct db *db, const char *sql, const struct db_arg *args, size_t count)
{
	struct db_slot *slot;
	enum err e = may_run(db);
	sqlite3_stmt *stmt;
	int rc;

	if (e)
		return e;
	stmt = statement(db, sql, &slot, &e);
	if (!stmt)
		return e;
	bind(stmt, args + 1, count, SQLITE_STATIC);
	do
		rc = sqlite3_step(stmt);
	while (rc == SQLITE_ROW);
	give_back(slot, stmt);
	return err_of(rc);
}

void db_select_list(struct db_rows *r, struct db *db, const char *sql, const struct db_arg *args, size_t count)
{
	*r = (struct db_rows){ .db = db, .error = may_run(db) };
	if (r->error)
		return;
	r->stmt = statement(db, sql, &r->slot, &r->error);
	if (!r->stmt)
		return;
	if (r->slot)
		r->slot->busy = true;
	bind(r->stmt, args + 1, count, SQLITE_TRANSIENT); /* the caller's arguments may be gone by the second row */
}

bool db_next(struct db_rows *r)
{
	int rc;

	if (!r->stmt || r->error)
		return false;
	rc = sqlite3_step(r->stmt);
	r->error = err_of(rc);
	return rc == SQLITE_ROW;
}

enum err db_end(struct db_rows *r)
{
	if (r->stmt)
		give_back(r->slot, r->stmt);
	r->stmt = NULL;
	return r->error;
}

enum err db_first(struct db_rows *r)
{
	enum err e;

	if (db_next(r))
		return OK;
	e = db_end(r);
	return e ? e : E_NOTFOUND;
}

int64_t db_i64(const struct db_rows *r, int column)
{
	return sqlite3_column_int64(r->stmt, column);
}

bool db_is_null(const struct db_rows *r, int column)
{
	return sqlite3_column_type(r->stmt, column) == SQLITE_NULL;
}

struct str db_str(const struct db_rows *r, int column)
{
	const char *at = sqlite3_column_type(r->stmt, column) == SQLITE_BLOB ?
		(const char *)sqlite3_column_blob(r->stmt, column) : (const char *)sqlite3_column_text(r->stmt, column);

	if (!at && sqlite3_errcode(r->db->handle) == SQLITE_NOMEM)
		abort(); /* a number that could not be made text */
	if (!at && !db_is_null(r, column))
		at = ""; /* an empty blob has no address */
	return str_n(at, (size_t)sqlite3_column_bytes(r->stmt, column));
}

char *db_text(const struct db_rows *r, int column, struct arena *arena)
{
	struct str s = db_str(r, column);

	return s.at ? str_dup(arena, s) : NULL;
}

enum err db_get_i64_list(int64_t *out, struct db *db, const char *sql, const struct db_arg *args, size_t count)
{
	struct db_rows r;
	enum err e;

	db_select_list(&r, db, sql, args, count);
	e = db_first(&r);
	if (e)
		return e;
	if (db_is_null(&r, 0))
		e = E_NOTFOUND;
	else
		*out = db_i64(&r, 0);
	db_end(&r);
	return e;
}

enum err db_get_text_list(char **out, struct arena *arena, struct db *db, const char *sql, const struct db_arg *args, size_t count)
{
	struct db_rows r;
	enum err e;

	db_select_list(&r, db, sql, args, count);
	e = db_first(&r);
	if (e)
		return e;
	*out = db_text(&r, 0, arena);
	db_end(&r);
	return *out ? OK : E_NOTFOUND;
}

int64_t db_changes(const struct db *db)
{
	return sqlite3_changes64(db->handle);
}

int64_t db_last_id(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

enum err db_script(struct db *db, const char *sql)
{
	enum err e = may_run(db);
	int rc;

	if (e)
		return e;
	rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	if ((rc & 0xFF) == SQLITE_ERROR)
		fprintf(stderr, "obol: SQL of ours: %s\n", sqlite3_errmsg(db->handle));
	return err_of(rc);
}

/* --- watching a table --- */

static uint64_t new_version(void)
{
	static uint64_t last;

	return ++last;
}

static void change_versions(struct db *db)
{
	for (size_t i = 0; i < WATCHED_MAX && db->watched[i].table; i++)
		db->watched[i].version = new_version();
}

static void on_change(void *ctx, int what, const char *database, const char *table, sqlite3_int64 rowid)
{
	struct db *db = ctx;

	(void)what;
	(void)database;
	(void)rowid;
	for (size_t i = 0; i < WATCHED_MAX && db->watched[i].table; i++)
		if (strcmp(table, db->watched[i].table) == 0)
			db->watched[i].version = new_version();
}

static struct watched *watch(struct db *db, const char *table)
{
	size_t i = 0;

	while (i < WATCHED_MAX && db->watched[i].table && strcmp(db->watched[i].table, table) != 0)
		i++;
	assert(i < WATCHED_MAX);
	if (db->watched[i].table)
		return &db->watched[i];
	db->watched[i] = (struct watched){ table, new_version() };
	sqlite3_update_hook(db->handle, on_change, db);
	return &db->watched[i];
}

uint64_t db_table_version(struct db *db, const char *table)
{
	struct watched *w = watch(db, table);

	if (!db_in_transaction(db))
		w->version = new_version();
	return w->version;
}

/* --- transactions --- */

bool db_in_transaction(const struct db *db)
{
	return !sqlite3_get_autocommit(db->handle);
}

enum err db_begin(struct db *db)
{
	enum err e = injected(DB_POINT_BEGIN);

	assert(!db_in_transaction(db));
	change_versions(db);
	if (!e)
		e = db_run(db, "BEGIN IMMEDIATE");
	db->begun = !e;
	return e;
}

enum err db_commit(struct db *db)
{
	enum err e = injected(DB_POINT_COMMIT);

	if (!e && !db_in_transaction(db))
		e = E_IO; /* SQLite gave up on it earlier */
	if (!e)
		e = db_run(db, "COMMIT");
	if (!e) {
		db->begun = false;
		return injected(DB_POINT_COMMIT_AFTER);
	}
	/* a COMMIT that failed half-way with the transaction gone may have reached the disk */
	if (e == E_IO && !db_in_transaction(db))
		e = E_UNKNOWN;
	db_rollback(db);
	return e;
}

void db_rollback(struct db *db)
{
	if (db_in_transaction(db))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	db->begun = false;
}

enum err db_savepoint(struct db *db)
{
	return db_run(db, "SAVEPOINT event");
}

enum err db_savepoint_keep(struct db *db)
{
	return db_run(db, "RELEASE event");
}

enum err db_savepoint_undo(struct db *db)
{
	if (!db_in_transaction(db))
		return E_IO;
	change_versions(db);
	return err_of(sqlite3_exec(db->handle, "ROLLBACK TO event; RELEASE event", NULL, NULL, NULL));
}

/* --- migrations, copies, checkpoints --- */

/* A file system other than the system's is asked by its own methods. */
static bool file_exists(const struct db *db, const char *path)
{
	sqlite3_vfs *vfs = db->vfs ? sqlite3_vfs_find(db->vfs) : NULL;
	struct stat st;
	int exists = 0;

	if (!db->vfs)
		return stat(path, &st) == 0;
	return vfs->xAccess(vfs, path, SQLITE_ACCESS_READ, &exists) == SQLITE_OK && exists;
}

static void file_remove(const struct db *db, const char *path)
{
	sqlite3_vfs *vfs = db->vfs ? sqlite3_vfs_find(db->vfs) : NULL;

	if (!db->vfs)
		unlink(path);
	else
		vfs->xDelete(vfs, path, 0);
}

static enum err sync_and_rename(const char *from, const char *to)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	enum err e = fd >= 0 && fsync(fd) == 0 && rename(from, to) == 0 ? OK : E_IO;

	if (fd >= 0)
		close(fd);
	return e ? e : dir_sync(to);
}

static enum err settle_name(const struct db *db, const char *from, const char *to)
{
	const char *names[] = { from, to };

	return db->vfs ? err_of(sqlite3_file_control(db->handle, NULL, DB_SYNC_AND_RENAME, names)) : sync_and_rename(from, to);
}

/* VACUUM INTO writes under the name it is given, page by page. Whoever dies meanwhile must not leave half a copy where the
 * next start, or a person, takes it for a whole one. */
static enum err copy_whole(struct db *db, const char *path)
{
	char draft[4096];
	mode_t before;
	enum err e;

	if ((size_t)snprintf(draft, sizeof draft, "%s.new", path) >= sizeof draft)
		return E_TOOBIG;
	if (file_exists(db, draft))
		file_remove(db, draft); /* of somebody who died */
	before = umask(0077);
	e = db_run(db, "VACUUM INTO ?1", draft);
	umask(before);
	if (!e)
		e = settle_name(db, draft, path);
	if (e)
		file_remove(db, draft);
	return e;
}

/* One of an earlier attempt is replaced: what was sold since stands in this one only. */
static enum err copy_before(struct db *db, int64_t version)
{
	char path[4096];

	snprintf(path, sizeof path, "%s.before-%lld", db->path, (long long)version);
	return copy_whole(db, path);
}

static bool references_hold(struct db *db)
{
	struct db_rows r;
	bool broken;

	db_select(&r, db, "PRAGMA foreign_key_check");
	broken = db_next(&r);
	return db_end(&r) == OK && !broken;
}

/* A table is changed by building it anew under its name, which for a moment leaves its children without a parent. */
static enum err migrate(struct db *db, size_t from, const struct db_migration *migrations, size_t count)
{
	char pragma[48];
	enum err e = db_begin(db);

	for (size_t i = from; !e && i < count; i++)
		e = db_script(db, migrations[i].sql);
	snprintf(pragma, sizeof pragma, "PRAGMA user_version=%zu", count);
	if (!e)
		e = db_script(db, pragma);
	if (!e && !references_hold(db))
		e = E_CONFLICT;
	if (!e)
		return db_commit(db);
	db_rollback(db);
	return e;
}

enum err db_migrate(struct db *db, int64_t *from, const struct db_migration *migrations, size_t count)
{
	int64_t version;
	enum err e = db_get_i64(&version, db, "PRAGMA user_version"), again;

	if (e)
		return e;
	*from = version;
	if (version > (int64_t)count)
		return E_VERSION;
	if (version == (int64_t)count)
		return OK;
	if (version > 0) {
		e = copy_before(db, version);
		if (e)
			return e;
	}
	e = db_script(db, "PRAGMA foreign_keys=OFF"); /* has no effect inside a transaction */
	if (!e)
		e = migrate(db, (size_t)version, migrations, count);
	again = db_script(db, "PRAGMA foreign_keys=ON");
	return e ? e : again;
}

enum err db_copy_to(struct db *db, const char *path)
{
	return file_exists(db, path) ? E_CONFLICT : copy_whole(db, path);
}

int64_t db_commits(const struct db *db)
{
	return db->commits;
}

int64_t db_journal_pages(const struct db *db)
{
	return db->journal_pages;
}

enum err db_checkpoint(struct db *db, bool truncate, int64_t *pages_left)
{
	int log = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &log, &done);

	if (log >= 0)
		db->journal_pages = log;
	*pages_left = log < 0 ? 0 : log - done;
	return err_of(rc);
}

bool db_is_sound(struct db *db)
{
	struct arena arena = { 0 };
	char *verdict = NULL;
	bool sound = db_get_text(&verdict, &arena, db, "PRAGMA integrity_check(1)") == OK && strcmp(verdict, "ok") == 0;

	arena_release(&arena);
	return sound && references_hold(db);
}
