/* The store: one SQLite connection, told in few words.
 *
 *	enum err e = db_run(tx, "UPDATE users SET lang=?1 WHERE id=?2", lang, id);
 *
 *	struct db_rows r;
 *	db_select(&r, tx, "SELECT id, name FROM plans WHERE on_sale=?1", 1);
 *	while (db_next(&r))
 *		…db_i64(&r, 0), db_text(&r, 1, arena)…
 *	e = db_end(&r);
 *
 * Arguments are integers, bools, C strings (NULL binds NULL), struct str (text; at == NULL binds NULL), or a struct
 * db_arg made by DB_BLOB, DB_NULL. Up to 16. Statements are prepared once per SQL text and kept.
 *
 * Every call may fail with E_FULL (disk), E_IO, E_BUSY (somebody else writes), E_CONFLICT (a constraint), E_INVALID
 * (not a database, broken file). db_commit may also answer E_UNKNOWN: perhaps written, look.
 * SQL of ours that does not compile, or an argument of the wrong shape, is a broken invariant: assert. */
#ifndef OBOL_STORE_DB_H
#define OBOL_STORE_DB_H

#include "lib/base/str.h"

struct sqlite3;
struct sqlite3_stmt;
struct db_slot;
struct db;

/* --- arguments --- */

struct db_arg {
	enum { DB_ARG_NULL, DB_ARG_INT, DB_ARG_TEXT, DB_ARG_BLOB } kind;
	int64_t i;
	struct str s;
};

#define DB_ARGS_MAX 16
#define DB_NULL ((struct db_arg){ .kind = DB_ARG_NULL })
#define DB_BLOB(bytes_, n_) ((struct db_arg){ .kind = DB_ARG_BLOB, .s = { (const char *)(bytes_), (n_) } })

static inline struct db_arg db_arg_int(int64_t i) { return (struct db_arg){ .kind = DB_ARG_INT, .i = i }; }
static inline struct db_arg db_arg_str(struct str s) { return (struct db_arg){ .kind = s.at ? DB_ARG_TEXT : DB_ARG_NULL, .s = s }; }
static inline struct db_arg db_arg_cstr(const char *s) { return db_arg_str(str_of(s)); }
static inline struct db_arg db_arg_same(struct db_arg a) { return a; }

#define DB_V(x) _Generic((x), \
	struct db_arg: db_arg_same, struct str: db_arg_str, \
	char *: db_arg_cstr, const char *: db_arg_cstr, default: db_arg_int)(x)

/* DB_V on each of up to 16 arguments */
#define DB_PICK(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, name, ...) name
#define DB_V1(a) DB_V(a)
#define DB_V2(a, ...) DB_V(a), DB_V1(__VA_ARGS__)
#define DB_V3(a, ...) DB_V(a), DB_V2(__VA_ARGS__)
#define DB_V4(a, ...) DB_V(a), DB_V3(__VA_ARGS__)
#define DB_V5(a, ...) DB_V(a), DB_V4(__VA_ARGS__)
#define DB_V6(a, ...) DB_V(a), DB_V5(__VA_ARGS__)
#define DB_V7(a, ...) DB_V(a), DB_V6(__VA_ARGS__)
#define DB_V8(a, ...) DB_V(a), DB_V7(__VA_ARGS__)
#define DB_V9(a, ...) DB_V(a), DB_V8(__VA_ARGS__)
#define DB_V10(a, ...) DB_V(a), DB_V9(__VA_ARGS__)
#define DB_V11(a, ...) DB_V(a), DB_V10(__VA_ARGS__)
#define DB_V12(a, ...) DB_V(a), DB_V11(__VA_ARGS__)
#define DB_V13(a, ...) DB_V(a), DB_V12(__VA_ARGS__)
#define DB_V14(a, ...) DB_V(a), DB_V13(__VA_ARGS__)
#define DB_V15(a, ...) DB_V(a), DB_V14(__VA_ARGS__)
#define DB_V16(a, ...) DB_V(a), DB_V15(__VA_ARGS__)
#define DB_EACH(...) DB_PICK(__VA_ARGS__, DB_V16, DB_V15, DB_V14, DB_V13, DB_V12, DB_V11, DB_V10, DB_V9, \
	DB_V8, DB_V7, DB_V6, DB_V5, DB_V4, DB_V3, DB_V2, DB_V1)(__VA_ARGS__)
/* "array, count" for the functions below */
#define DB_LIST(...) ((const struct db_arg[]){ DB_NULL __VA_OPT__(, DB_EACH(__VA_ARGS__)) }), \
	(sizeof((const struct db_arg[]){ DB_NULL __VA_OPT__(, DB_EACH(__VA_ARGS__)) }) / sizeof(struct db_arg) - 1)

/* --- the connection --- */

enum db_mode {
	DB_WRITE,     /* create if missing, WAL, synchronous=FULL, foreign keys, no automatic checkpoint */
	DB_READ,      /* must exist; never written */
	DB_COPY,      /* the same, for db_copy_to: VACUUM INTO counts as a write for query_only */
	DB_CHECKPOINT, /* an existing file, for db_checkpoint alone: a connection of the helper's own */
	DB_UNTRUSTED  /* somebody else's file: read only, trusted_schema off, defensive, size limits */
};

/* File controls of SQLite, for file systems other than the system's: what SQLite has no word for. */
#define DB_SYNC_DIRECTORY 100001   /* of the database */
#define DB_SYNC_AND_RENAME 100002  /* const char *names[2]: the bytes of the first are safe, then it has the second's name for good */

/* vfs: NULL for the system's. E_NOTFOUND (DB_READ and no file), E_INVALID (not a database), E_IO, E_BUSY. */
enum err db_open(struct db **out, const char *path, enum db_mode mode, const char *vfs);
void db_close(struct db *db); /* an open transaction is rolled back; NULL is fine */
const char *db_path(const struct db *db);
const char *db_vfs(const struct db *db);   /* as given to db_open */
const char *db_error(const struct db *db); /* SQLite's words about the last failure, for logs; no values in it */

/* BEGIN IMMEDIATE. Should SQLite take the transaction back by itself, everything answers E_IO until db_commit or db_rollback. */
enum err db_begin(struct db *db);
enum err db_commit(struct db *db); /* after any error the transaction is gone; E_UNKNOWN: perhaps written */
void db_rollback(struct db *db);   /* never fails; without a transaction nothing happens */
bool db_in_transaction(const struct db *db); /* false after an error that made SQLite roll back by itself */

/* One level, for the event under decision. */
enum err db_savepoint(struct db *db);
enum err db_savepoint_keep(struct db *db);
enum err db_savepoint_undo(struct db *db);

/* --- statements --- */

struct db_rows {
	struct db *db;
	struct sqlite3_stmt *stmt; /* NULL when it could not begin */
	enum err error;
	struct db_slot *slot;         /* of the cache; NULL: the statement is ours alone */
};

#define db_run(db, sql, ...) db_run_list((db), (sql), DB_LIST(__VA_ARGS__))
#define db_select(rows, db, sql, ...) db_select_list((rows), (db), (sql), DB_LIST(__VA_ARGS__))
#define db_get_i64(out, db, sql, ...) db_get_i64_list((out), (db), (sql), DB_LIST(__VA_ARGS__))
#define db_get_text(out, arena, db, sql, ...) db_get_text_list((out), (arena), (db), (sql), DB_LIST(__VA_ARGS__))

enum err db_run_list(struct db *db, const char *sql, const struct db_arg *args, size_t count); /* rows are ignored */
void db_select_list(struct db_rows *rows, struct db *db, const char *sql, const struct db_arg *args, size_t count);
/* First column of the first row; E_NOTFOUND without one or when it is NULL. */
enum err db_get_i64_list(int64_t *out, struct db *db, const char *sql, const struct db_arg *args, size_t count);
enum err db_get_text_list(char **out, struct arena *arena, struct db *db, const char *sql, const struct db_arg *args, size_t count);

bool db_next(struct db_rows *rows);     /* false at the end or on an error */
enum err db_end(struct db_rows *rows);  /* must be called; the error met, or OK */
/* db_next once: OK with a row to read (db_end still due), or E_NOTFOUND or an error with db_end done. */
enum err db_first(struct db_rows *rows);

int64_t db_i64(const struct db_rows *rows, int column);            /* NULL: 0 */
bool db_is_null(const struct db_rows *rows, int column);
struct str db_str(const struct db_rows *rows, int column);         /* borrowed until db_next or db_end; NULL: at == NULL */
char *db_text(const struct db_rows *rows, int column, struct arena *arena); /* copy; NULL: NULL */

/* What was read from the table holds while this number stays: it changes with the transaction, with each change to the table
 * (which has rowids) and with an undo. Outside a transaction it never stays; no two connections share one, nor two tables.
 * Two tables a connection, and the loop's connection only. */
uint64_t db_table_version(struct db *db, const char *table);

int64_t db_changes(const struct db *db); /* rows changed by the last db_run */
int64_t db_last_id(const struct db *db); /* rowid of the last INSERT */

enum err db_script(struct db *db, const char *sql); /* several statements, no arguments */

/* --- migrations --- */

struct db_migration {
	const char *sql; /* brings version i to i+1, i being its index */
};

/* Brings the schema to version count in one transaction, after copying a database that holds something to
 * "PATH.before-VERSION". *from is the version found. E_VERSION: the file was made by a newer program, nothing is changed.
 * References are checked once, before the commit: a migration may build a table anew. E_CONFLICT: they do not hold. */
enum err db_migrate(struct db *db, int64_t *from, const struct db_migration *migrations, size_t count);

/* A consistent copy while others read and write; under that name it is whole or not there. E_CONFLICT: the target exists. */
enum err db_copy_to(struct db *db, const char *path);
/* Copies the journal into the database. On a connection of the helper's own, beside which others may write and commit; but it may
 * begin only while something in the journal is not copied. Where all is, the next commit begins the journal anew, and SQLite up to
 * 3.51.2 may take that for copied, too, when a checkpoint begins at that very moment: what is committed then is lost
 * (sqlite.org/wal.html, "The WAL-Reset Bug"). */
enum err db_checkpoint(struct db *db, bool truncate, int64_t *pages_left);
int64_t db_commits(const struct db *db);       /* of this connection, that wrote something */
int64_t db_journal_pages(const struct db *db); /* in the journal after this connection's last commit or checkpoint, copied or not */
bool db_is_sound(struct db *db); /* PRAGMA integrity_check and foreign_key_check */

/* Tests: asked before every call that may fail; anything but OK is what that call answers. */
enum db_point { DB_POINT_RUN, DB_POINT_BEGIN, DB_POINT_COMMIT, DB_POINT_COMMIT_AFTER };
void db_set_fault(enum err (*fault)(void *ctx, enum db_point point), void *ctx);
struct sqlite3 *db_handle(struct db *db); /* tests watch tables with it */

#endif
