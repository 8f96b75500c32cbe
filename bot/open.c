/* See open.h. */
#include "bot/open.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bot/schema.h"
#include "lib/base/log.h"
#include "lib/crypto/keyfile.h"

#define DOTENV ".env"
#define PROBLEM_BYTES_MAX ((size_t)64 * 1024)

bool open_config(struct config *out, struct arena *arena)
{
	struct buf problems;
	enum err e;

	buf_init(&problems, PROBLEM_BYTES_MAX);
	e = config_read(out, arena, DOTENV, &problems);
	if (e)
		fprintf(stderr, "%s", buf_cstr(&problems));
	buf_release(&problems);
	return !e;
}

int open_lock(const char *database_path, struct arena *arena)
{
	const char *path = arena_printf(arena, "%s.lock", database_path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		fprintf(stderr, "obol: %s cannot be written: does the folder exist, and is it ours?\n", path);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		fprintf(stderr, "obol: another obol works with %s. Stop it first, or give this one another DATABASE_URL.\n", database_path);
		close(fd);
		return -1;
	}
	return fd;
}

bool open_database(struct db **out, const struct config *config)
{
	int64_t from = 0;
	enum err e = db_open(out, config->database_path, DB_WRITE, NULL);

	if (e) {
		fprintf(stderr, "obol: DATABASE_URL=sqlite:%s: %s\n", config->database_path,
			e == E_INVALID ? "this file is no database, or it is damaged; restore a backup" : "the file cannot be opened or made there");
		return false;
	}
	e = db_migrate(*out, &from, schema_migrations, schema_migrations_count);
	if (!e)
		return true;
	if (e == E_VERSION)
		fprintf(stderr, "obol: %s was made by a newer obol (schema %" PRId64 ", this program knows %zu). Install that version again.\n",
			config->database_path, from, schema_migrations_count);
	else
		fprintf(stderr, "obol: %s could not be brought up to date (%s); nothing was changed\n", config->database_path, err_name(e));
	db_close(*out);
	*out = NULL;
	return false;
}

/* --- the key --- */

#define KEY_SETTING "key.id"

enum err find_key(struct seal_key *out, const struct config *config, struct arena *arena)
{
	if (config->secret_key)
		return seal_key_read(out, str_of(config->secret_key));
	return keyfile_read(out, keyfile_path(arena, config->database_path));
}

/* Is standard output the system's journal, which keeps what it is told and shows it to others? systemd names the socket
 * in JOURNAL_STREAM as "device:inode". */
static bool is_journal(void)
{
	struct str rest = str_of(getenv("JOURNAL_STREAM")), device = str_cut(&rest, ':');
	int64_t dev, ino;
	struct stat st;

	return rest.at && !str_to_i64(&dev, device) && !str_to_i64(&ino, rest) && fstat(STDOUT_FILENO, &st) == 0 &&
		(int64_t)st.st_dev == dev && (int64_t)st.st_ino == ino;
}

static void show_once(const struct seal_key *key, const char *path)
{
	char text[SEAL_KEY_CHARS + 1];

	if (is_journal()) {
		printf("A new key was made: %s\nIt seals passwords and tokens in the database. Without it a backup is useless: `obol key` shows it, write it down.\n", path);
		fflush(stdout);
		return;
	}
	seal_key_write(text, key);
	printf("A new key was made: %s\nIt seals passwords and tokens in the database. Without it a backup is useless, so write it down now:\n\n    %s\n\n"
		"`obol key` shows it again.\n", path, text);
	fflush(stdout);
	crypto_wipe(text, sizeof text);
}

static bool make_key(struct seal_key *out, struct db *db, const char *path)
{
	enum err e;

	seal_key_draw(out);
	e = keyfile_create(path, out);
	if (!e)
		e = db_run(db, "INSERT INTO settings(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=?2", KEY_SETTING, out->id);
	if (e) {
		fprintf(stderr, "obol: the key file %s could not be made (%s)\n", path, err_name(e));
		return false;
	}
	show_once(out, path);
	return true;
}

/* Everything sealed becomes empty: panels and providers are to be entered again. */
static bool forget_sealed(struct db *db)
{
	static const char sql[] = "UPDATE panels SET username_sealed=NULL, password_sealed=NULL, token_sealed=NULL, totp_sealed=NULL, state='new';"
		"DELETE FROM panel_sessions; DELETE FROM secrets;";
	enum err e = db_begin(db);

	if (!e)
		e = db_script(db, sql);
	if (!e)
		e = db_run(db, "DELETE FROM settings WHERE key=?1", KEY_SETTING);
	if (!e)
		e = db_commit(db);
	if (e)
		db_rollback(db);
	return !e;
}

static void why_no_key(enum err e, const char *path, const char *wanted_id)
{
	switch (e) {
	case E_NOTFOUND:
		fprintf(stderr, "obol: the database was sealed with key %s, and there is no key: neither SECRET_KEY nor the file %s.\n"
			"Put the file back or set SECRET_KEY. If the key is lost: obol run --forget-secrets starts with panels and providers to be entered again.\n", wanted_id, path);
		break;
	case E_REFUSED:
		fprintf(stderr, "obol: %s can be touched by others; chmod 600 %s\n", path, path);
		break;
	case E_INVALID:
		fprintf(stderr, "obol: SECRET_KEY or %s holds no key: 52 base32 characters are wanted\n", path);
		break;
	default:
		fprintf(stderr, "obol: %s cannot be read (%s)\n", path, err_name(e));
	}
}

bool open_key(struct seal_key *out, struct db *db, const struct config *config, struct arena *arena, bool forget)
{
	const char *path = keyfile_path(arena, config->database_path);
	char *wanted = NULL;
	enum err known = db_get_text(&wanted, arena, db, "SELECT value FROM settings WHERE key=?1", KEY_SETTING);
	enum err e = find_key(out, config, arena);

	if (known && known != E_NOTFOUND)
		return false;
	if (!e && !known && strcmp(out->id, wanted) == 0)
		return true;
	if (!e && !known && !forget) {
		fprintf(stderr, "obol: the database was sealed with key %s, but %s is key %s. Give back the right one"
			" (or, if it is lost: obol run --forget-secrets).\n", wanted, config->secret_key ? "SECRET_KEY" : path, out->id);
		seal_key_wipe(out);
		return false;
	}
	if (forget && !known && !forget_sealed(db))
		return false;
	if (!e) /* a key and a database that has none yet */
		return db_run(db, "INSERT INTO settings(key, value) VALUES(?1, ?2)", KEY_SETTING, out->id) == OK;
	if (e == E_NOTFOUND && (known == E_NOTFOUND || forget))
		return make_key(out, db, path);
	why_no_key(e, path, wanted ? wanted : "?");
	return false;
}
