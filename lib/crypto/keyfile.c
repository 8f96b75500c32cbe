/* The key file: made once, read with suspicion. */
#include "lib/crypto/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/dir.h"

/* Bytes of path up to and with the last slash; 0 without one. */
static size_t directory_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

const char *keyfile_path(struct arena *a, const char *database_path)
{
	return arena_printf(a, "%.*s" KEYFILE_NAME, (int)directory_len(database_path), database_path);
}

static bool write_all(int fd, const char *at, size_t n)
{
	while (n) {
		ssize_t wrote = write(fd, at, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return false;
		at += wrote;
		n -= (size_t)wrote;
	}
	return true;
}

/* The umask may take bits away but must not be what protects the key: the mode is set by hand. */
static enum err write_new(const char *path, const struct seal_key *key)
{
	char line[SEAL_KEY_CHARS + 2];
	bool good;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return E_IO;
	seal_key_write(line, key);
	line[SEAL_KEY_CHARS] = '\n';
	good = fchmod(fd, 0600) == 0 && write_all(fd, line, SEAL_KEY_CHARS + 1) && fsync(fd) == 0;
	crypto_wipe(line, sizeof line);
	if (close(fd) != 0)
		good = false;
	return good ? OK : E_IO;
}

/* Written under another name and then linked: link() never replaces, and a crash leaves either no key or a whole one. */
enum err keyfile_create(const char *path, const struct seal_key *key)
{
	struct arena a;
	const char *draft;
	enum err e;

	arena_init(&a);
	draft = arena_printf(&a, "%s.new", path);
	unlink(draft); /* of a start that was cut off */
	e = write_new(draft, key);
	if (e == OK && link(draft, path) != 0)
		e = errno == EEXIST ? E_CONFLICT : E_IO;
	unlink(draft);
	if (e == OK) {
		e = dir_sync(path);
		if (e)
			unlink(path); /* a name that may vanish with the power must not be relied on */
	}
	arena_release(&a);
	return e;
}

static enum err read_text(struct seal_key *key, int fd)
{
	char text[KEYFILE_BYTES_MAX + 1];
	size_t n = 0;
	ssize_t got;
	enum err e;

	while (n < sizeof text) {
		got = read(fd, text + n, sizeof text - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (n == sizeof text)
		e = E_INVALID;
	else if (n == 0 && got < 0)
		e = E_IO;
	else
		e = seal_key_read(key, str_n(text, n));
	crypto_wipe(text, sizeof text);
	return e;
}

enum err keyfile_read(struct seal_key *key, const char *path)
{
	struct stat st;
	enum err e;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to hang on a pipe of that name */

	seal_key_wipe(key);
	if (fd < 0)
		return errno == ENOENT ? E_NOTFOUND : E_IO;
	if (fstat(fd, &st) != 0)
		e = E_IO;
	else if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)))
		e = E_REFUSED;
	else
		e = read_text(key, fd);
	close(fd);
	return e;
}
