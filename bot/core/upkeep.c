/* What the store needs besides transactions, kept off the loop.
 *
 * A commit that also checkpoints costs three or four fsyncs instead of one, so automatic checkpoints are off and the
 * helper thread does them on a connection of its own: PASSIVE every PAGES_BETWEEN pages, TRUNCATE after a while of rest. */
#include "bot/core/core_private.h"

#include <stdlib.h>

#include "lib/base/log.h"

#define PAGES_BETWEEN 4000      /* of the journal: more at once keep the disk from the loop's commits, fewer copy hot pages again and again */
#define JOURNAL_PAGES_MAX 8000  /* 32 MB */
#define REST_US (5 * INT64_C(1000000))
#define FREE_PAGES_PER_REST "100"

struct checkpoint {
	struct worker_job job;
	char *path;
	const char *vfs;
	bool truncate;
	enum err error;
	int64_t pages; /* of the journal, that it saw */
};

static void run(struct worker_job *job)
{
	struct checkpoint *k = (struct checkpoint *)job;
	struct db *db;
	int64_t left;

	k->error = db_open(&db, k->path, DB_CHECKPOINT, k->vfs);
	if (k->error)
		return;
	k->error = db_checkpoint(db, k->truncate, &left);
	k->pages = db_journal_pages(db);
	db_close(db);
}

static void give(struct core *c, bool truncate)
{
	struct checkpoint *k = xcalloc(1, sizeof *k);

	k->job.run = run;
	k->path = xstrdup(db_path(c->db));
	k->vfs = db_vfs(c->db);
	k->truncate = truncate;
	c->checkpoint_under_way = true;
	c->figures.checkpoints++;
	worker_give(c->worker, &k->job);
}

/* Under a load without pauses the helper never meets a moment in which everything is copied, so the journal could not
 * begin anew and would grow. The little that it left is copied here, between two turns; the next commit then writes over
 * the journal's beginning. Cutting the file is left to a rest: that alone took a busy loop 50 ms. */
static void bound_journal(struct core *c)
{
	int64_t left;

	if (db_journal_pages(c->db) > JOURNAL_PAGES_MAX && db_checkpoint(c->db, false, &left) != OK)
		log_warn("store.journal_grows", KV("pages", db_journal_pages(c->db)));
}

bool upkeep_drop(struct worker_job *job)
{
	struct checkpoint *k = (struct checkpoint *)job;

	if (job->run != run)
		return false;
	free(k->path);
	free(k);
	return true;
}

bool upkeep_done(struct core *c, struct worker_job *job)
{
	struct checkpoint *k = (struct checkpoint *)job;
	bool grew;

	if (job->run != run)
		return false;
	grew = !k->error && !k->truncate && db_journal_pages(c->db) > k->pages;
	c->checkpoint_under_way = false;
	c->checkpoint_again = !c->checkpoint_again && grew; /* a second one: little is left for the loop */
	if (!c->checkpoint_again)
		bound_journal(c);
	c->copied_commits = db_commits(c->db) - (c->checkpoint_again ? 1 : 0);
	if (k->error && k->error != E_BUSY) /* busy: the loop was writing; the next one will do */
		log_warn("store.checkpoint_failed", KV("error", err_name(k->error)));
	return upkeep_drop(job);
}

/* Pages written since the last checkpoint was given away; fewer in the journal than then: it began anew. */
static int64_t pages_since(const struct core *c)
{
	int64_t pages = db_journal_pages(c->db);

	return pages < c->checkpointed_pages ? pages : pages - c->checkpointed_pages;
}

void upkeep_after_turn(struct core *c, bool idle)
{
	bool rest;

	if (c->setup.no_checkpoints || c->checkpoint_under_way || c->stalled)
		return;
	if (db_commits(c->db) == c->copied_commits)
		return;
	if (!idle)
		c->idle_since_us = clock_mono_us();
	rest = clock_mono_us() - c->idle_since_us > REST_US;
	if (!rest && !c->checkpoint_again && pages_since(c) < PAGES_BETWEEN)
		return;
	c->checkpointed_pages = db_journal_pages(c->db);
	if (rest)
		db_script(c->db, "PRAGMA incremental_vacuum(" FREE_PAGES_PER_REST ")");
	give(c, rest);
}
