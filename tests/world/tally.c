/* See tally.h. Edges are counted by temporary triggers into a temporary table, so that what is rolled back is not counted; so are updates. */
#include "tests/world/tally.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/buf.h"

/* The edges that exist, "machine from>to"; '-' is before the row or after it. */
static const char *const edges[] = {
#include "tests/world/edges.inc"
};

static struct tally {
	uint64_t faults[FAULTS], edges[countof(edges)];
} *tally;

static const char *const fault_texts[] = {
#define X(name, text) text,
	TALLY_FAULTS(X)
#undef X
};

void tally_open(void)
{
	tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert(tally != MAP_FAILED);
}

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

void tally_fault(enum fault f)
{
	add(&tally->faults[f], 1);
}

/* --- edges --- */

struct machine {
	const char *name, *table, *state;
};

static const struct machine machines[] = {
	{ "order", "orders", "@.state" },
	{ "invoice", "invoices", "@.state" },
	{ "payment", "payments", "@.state" },
	{ "suspense", "suspense", "@.state" },
	{ "access", "accesses", "CASE WHEN @.deleted_ms THEN CASE WHEN @.seen_exists=1 OR @.writing=1 THEN 'going' ELSE 'gone' END WHEN @.done_rev=0 THEN 'new' ELSE 'stands' END" },
	{ "job", "jobs", "@.state" },
	{ "inbox", "inbox", "@.state" },
	{ "outbox", "outbox", "@.state" },
};

/* The machine's state in SQL, of this row. */
static char *state_of(struct arena *a, const struct machine *m, const char *row)
{
	struct buf out;
	char *sql;

	buf_init(&out, 1024);
	for (const char *p = m->state; *p; p++) {
		if (*p == '@')
			buf_adds(&out, row);
		else
			buf_addc(&out, *p);
	}
	sql = arena_strndup(a, out.at, out.len);
	buf_release(&out);
	return sql;
}

void tally_run(struct db *db, const char *sql)
{
	int rc = sqlite3_exec(db_handle(db), sql, NULL, NULL, NULL);

	assert(rc == SQLITE_OK);
	(void)rc;
}

static void trigger(struct db *db, struct arena *a, const struct machine *m, const char *when, const char *condition, const char *from, const char *to)
{
	tally_run(db, arena_printf(a, "CREATE TEMP TRIGGER tally_%s_%s AFTER %s ON main.%s %s BEGIN"
		" INSERT INTO tally(edge, n) VALUES('%s ' || %s || '>' || %s, 1) ON CONFLICT(edge) DO UPDATE SET n=n+1; END",
		m->name, when, when, m->table, condition, m->name, from, to));
}

void tally_watch(struct db *db)
{
	struct arena arena = { 0 };

	tally_run(db, "BEGIN");
	tally_run(db, "CREATE TEMP TABLE tally(edge TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID");
	tally_run(db, "CREATE TEMP TABLE decided(update_id INTEGER PRIMARY KEY)");
	for (size_t i = 0; i < countof(machines); i++) {
		const struct machine *m = &machines[i];
		const char *was = state_of(&arena, m, "old"), *is = state_of(&arena, m, "new");

		trigger(db, &arena, m, "INSERT", "", "'-'", is);
		trigger(db, &arena, m, "UPDATE", arena_printf(&arena, "WHEN (%s) IS NOT (%s)", was, is), was, is);
		trigger(db, &arena, m, "DELETE", "", was, "'-'");
	}
	tally_run(db, "COMMIT");
	arena_release(&arena);
}

bool tally_is_first(struct db *db, int64_t update_id)
{
	char sql[96];

	snprintf(sql, sizeof sql, "INSERT INTO temp.decided VALUES(%lld) ON CONFLICT DO NOTHING", (long long)update_id);
	tally_run(db, sql);
	return sqlite3_changes(db_handle(db)) == 1;
}

/* False: there is no such edge. */
static bool count_edge(const char *edge, uint64_t n)
{
	for (size_t i = 0; i < countof(edges); i++)
		if (strcmp(edges[i], edge) == 0) {
			add(&tally->edges[i], n);
			return true;
		}
	return false;
}

void tally_collect(struct db *db, void (*on_unknown)(void *ctx, const char *edge), void *ctx)
{
	sqlite3_stmt *s = NULL;
	int rc;

	sqlite3_exec(db_handle(db), "ROLLBACK", NULL, NULL, NULL); /* where there is one */
	rc = sqlite3_prepare_v2(db_handle(db), "SELECT edge, n FROM temp.tally", -1, &s, NULL);
	assert(rc == SQLITE_OK);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *edge = (const char *)sqlite3_column_text(s, 0);

		if (!count_edge(edge, (uint64_t)sqlite3_column_int64(s, 1)))
			on_unknown(ctx, edge);
	}
	assert(rc == SQLITE_DONE);
	sqlite3_finalize(s);
}

/* --- the list --- */

static int line(const char *text, uint64_t n, uint64_t least)
{
	printf("%12llu  %s%s\n", (unsigned long long)n, text, n < least ? "   <-- too few" : "");
	return n < least;
}

int tally_print(uint64_t least)
{
	int below = 0;

	printf("faults injected:\n");
	for (size_t i = 0; i < FAULTS; i++)
		below += line(fault_texts[i], tally->faults[i], least);
	printf("edges taken:\n");
	for (size_t i = 0; i < countof(edges); i++)
		below += line(edges[i], tally->edges[i], least);
	return below;
}
