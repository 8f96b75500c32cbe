/* obol key, backup. */
#include <stdio.h>

#include "bot/open.h"
#include "bot/program.h"
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
