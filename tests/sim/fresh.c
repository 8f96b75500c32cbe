/* Migrating an empty database and reading the texts was half of what a test cost. */
#include "tests/sim/fresh.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/schema.h"
#include "lib/store/db.h"

struct i18n *fresh_texts(void)
{
	static struct i18n *texts;
	struct buf report;

	if (texts)
		return texts;
	buf_init(&report, 65536);
	if (i18n_open(&texts, NULL, &report) != OK)
		abort();
	buf_release(&report);
	return texts;
}

static void make(struct buf *bytes)
{
	char dir[] = "/tmp/obol-fresh-XXXXXX", path[64], piece[65536];
	struct db *db;
	int64_t from;
	ssize_t n;
	int fd;

	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof path, "%s/obol.db", dir);
	if (db_open(&db, path, DB_WRITE, NULL) != OK || db_migrate(db, &from, schema_migrations, schema_migrations_count) != OK)
		abort();
	db_close(db); /* folds the journal in */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while ((n = read(fd, piece, sizeof piece)) > 0)
		buf_add(bytes, str_n(piece, (size_t)n));
	close(fd);
	unlink(path);
	rmdir(dir);
}

void fresh_database(const char *path)
{
	static struct buf bytes;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (!bytes.len) {
		buf_init(&bytes, (size_t)64 << 20);
		make(&bytes);
	}
	assert(fd >= 0 && bytes.len && !bytes.over);
	if (write(fd, bytes.at, bytes.len) != (ssize_t)bytes.len)
		abort();
	close(fd);
}
