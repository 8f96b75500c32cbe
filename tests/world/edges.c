/* See edges.h. SQLite tells of each row before it changes, and what becomes of the transaction. What was undone up to a savepoint
 * it tells nobody: that is heard from the statements. (Temporary triggers, which see and undo all this by themselves, were a tenth
 * of a world's time: each start compiled them anew, and each statement with them.) */
#define SQLITE_ENABLE_PREUPDATE_HOOK
#include "tests/world/edges.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/world/tally.h"

#define COLUMNS_MAX 4
#define STATE_BYTES 16
#define UNKNOWN_MAX 8

struct machine {
	const char *name, *table;
	const char *columns[COLUMNS_MAX]; /* what its state depends on */
	const char *(*state)(sqlite3_value *const *columns);
};

static const char *as_it_says(sqlite3_value *const *columns)
{
	return (const char *)sqlite3_value_text(columns[0]);
}

static const char *of_access(sqlite3_value *const *columns)
{
	bool deleted = sqlite3_value_int64(columns[0]) != 0, exists = sqlite3_value_int64(columns[1]) == 1, writing = sqlite3_value_int64(columns[2]) == 1;

	if (deleted)
		return exists || writing ? "going" : "gone";
	return sqlite3_value_int64(columns[3]) ? "stands" : "new";
}

static const struct machine machines[] = {
	{ "order", "orders", { "state" }, as_it_says },
	{ "invoice", "invoices", { "state" }, as_it_says },
	{ "payment", "payments", { "state" }, as_it_says },
	{ "suspense", "suspense", { "state" }, as_it_says },
	{ "access", "accesses", { "deleted_ms", "seen_exists", "writing", "done_rev" }, of_access },
	{ "job", "jobs", { "state" }, as_it_says },
	{ "inbox", "inbox", { "state" }, as_it_says },
	{ "outbox", "outbox", { "state" }, as_it_says },
};

/* In the order in which it happened: what is committed, then what this transaction did before its savepoint, and since. */
struct noted {
	int64_t *at;
	size_t count, cap;
	size_t committed, saved;
};

static struct {
	sqlite3 *handle;
	bool *acts;
	struct noted edges, decided; /* numbers of the tally, or ~ one of the unknown; update ids */
	char *unknown[UNKNOWN_MAX];
	bool commits;                /* a commit was begun and is not known to have failed */
	int columns[countof(machines)][COLUMNS_MAX]; /* -1: none */
} watched;

static void note(struct noted *n, int64_t what)
{
	if (n->count == n->cap) {
		n->cap = n->cap ? 2 * n->cap : 256;
		n->at = xrealloc(n->at, n->cap * sizeof *n->at);
	}
	n->at[n->count++] = what;
}

static void each_noted(void (*fn)(struct noted *n))
{
	fn(&watched.edges);
	fn(&watched.decided);
}

static void keep(struct noted *n)
{
	n->committed = n->count;
}

static void forget(struct noted *n)
{
	n->count = n->committed;
}

static void save(struct noted *n)
{
	n->saved = n->count;
}

static void undo(struct noted *n)
{
	n->count = n->saved;
}

static void forget_all(struct noted *n)
{
	n->count = n->committed = n->saved = 0;
}

/* --- rows --- */

static const struct machine *machine_of(const char *database, const char *table)
{
	for (size_t i = 0; strcmp(database, "main") == 0 && i < countof(machines); i++)
		if (strcmp(table, machines[i].table) == 0)
			return &machines[i];
	return NULL;
}

/* False: it cannot be read, as the process is dead; nothing of it will be committed. */
static bool read_state(char *out, const struct machine *m, int (*column)(sqlite3 *handle, int at, sqlite3_value **value))
{
	const int *at = watched.columns[m - machines];
	sqlite3_value *values[COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < COLUMNS_MAX && at[i] >= 0; i++)
		if (column(watched.handle, at[i], &values[i]) != SQLITE_OK)
			return false;
	snprintf(out, STATE_BYTES, "%s", m->state(values));
	return true;
}

/* The disk's faults are meant for the program, not for whoever looks over its shoulder. */
static bool read_change(char *from, char *to, const struct machine *m, int what)
{
	bool acts = *watched.acts, good;

	*watched.acts = false;
	good = (what == SQLITE_INSERT || read_state(from, m, sqlite3_preupdate_old)) && (what == SQLITE_DELETE || read_state(to, m, sqlite3_preupdate_new));
	*watched.acts = acts;
	return good && strcmp(from, to) != 0;
}

/* More than there is room for stand as the last. */
static int64_t unknown(const char *edge)
{
	int64_t i = 0;

	while (i < UNKNOWN_MAX - 1 && watched.unknown[i] && strcmp(watched.unknown[i], edge) != 0)
		i++;
	if (!watched.unknown[i])
		watched.unknown[i] = xstrdup(edge);
	return ~i;
}

static void on_row(void *ctx, sqlite3 *handle, int what, const char *database, const char *table, sqlite3_int64 old_id, sqlite3_int64 new_id)
{
	const struct machine *m = machine_of(database, table);
	char from[STATE_BYTES] = "-", to[STATE_BYTES] = "-", edge[64];
	int64_t number;

	(void)ctx;
	(void)handle;
	(void)old_id;
	(void)new_id;
	if (!m || !read_change(from, to, m, what))
		return;
	snprintf(edge, sizeof edge, "%s %s>%s", m->name, from, to);
	number = tally_edge_of(edge);
	note(&watched.edges, number < 0 ? unknown(edge) : number);
}

/* --- transactions --- */

/* Nothing tells that a commit came through: the next statement finds no transaction open. */
static void settle(void)
{
	if (watched.commits && sqlite3_get_autocommit(watched.handle))
		each_noted(keep);
	watched.commits = false;
}

static int on_statement(unsigned what, void *ctx, void *statement, void *text)
{
	const char *sql = text;

	(void)what;
	(void)ctx;
	(void)statement;
	settle();
	if (strncmp(sql, "SAVEPOINT ", 10) == 0)
		each_noted(save);
	else if (strncmp(sql, "ROLLBACK TO ", 12) == 0)
		each_noted(undo);
	return 0;
}

static int on_commit(void *ctx)
{
	(void)ctx;
	watched.commits = true;
	return 0;
}

static void on_rollback(void *ctx)
{
	(void)ctx;
	watched.commits = false;
	each_noted(forget);
}

/* --- a connection --- */

static int column_of(const char *table, const char *name)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(watched.handle, "SELECT cid FROM pragma_table_info(?1) WHERE name=?2", -1, &s, NULL), at;

	assert(rc == SQLITE_OK);
	sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(s);
	assert(rc == SQLITE_ROW);
	(void)rc;
	at = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return at;
}

/* Once: all connections of a process see the same tables. */
static void find_columns(void)
{
	static bool found;

	for (size_t i = 0; !found && i < countof(machines); i++)
		for (size_t c = 0; c < COLUMNS_MAX; c++)
			watched.columns[i][c] = machines[i].columns[c] ? column_of(machines[i].table, machines[i].columns[c]) : -1;
	found = true;
}

void edges_watch(struct db *db, bool *acts)
{
	watched.handle = db_handle(db);
	watched.acts = acts;
	watched.commits = false;
	each_noted(forget_all);
	find_columns();
	sqlite3_preupdate_hook(watched.handle, on_row, NULL);
	sqlite3_commit_hook(watched.handle, on_commit, NULL);
	sqlite3_rollback_hook(watched.handle, on_rollback, NULL);
	sqlite3_trace_v2(watched.handle, SQLITE_TRACE_STMT, on_statement, NULL);
}

bool edges_is_first(int64_t update_id)
{
	for (size_t i = 0; i < watched.decided.count; i++)
		if (watched.decided.at[i] == update_id)
			return false;
	note(&watched.decided, update_id);
	return true;
}

void edges_collect(void (*on_unknown)(void *ctx, const char *edge), void *ctx)
{
	settle();
	sqlite3_exec(watched.handle, "ROLLBACK", NULL, NULL, NULL); /* where there is something; on_rollback hears of it */
	for (size_t i = 0; i < watched.edges.committed; i++) {
		int64_t number = watched.edges.at[i];

		if (number < 0)
			on_unknown(ctx, watched.unknown[~number]);
		else
			tally_edge((size_t)number);
	}
	each_noted(forget_all);
}
