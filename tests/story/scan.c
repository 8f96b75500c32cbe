/* See scan.h. */
#include "tests/story/scan.h"

#include "tests/unit/proves.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void write_file(int fd, struct str bytes)
{
	for (size_t done = 0; done < bytes.len;) {
		ssize_t n = write(fd, bytes.at + done, bytes.len - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
}

/* Its output, without the line end it adds. */
void scan_qr(struct buf *out, struct str png)
{
	char path[] = "/tmp/obol-qr-XXXXXX", piece[4096];
	const char *argv[] = { "zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", path, NULL };
	int fd = mkstemp(path), pipe_fds[2], status = -1, e;
	posix_spawn_file_actions_t actions;
	ssize_t n;
	pid_t child;

	assert_true(fd >= 0);
	write_file(fd, png);
	close(fd);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
	e = posix_spawnp(&child, "zbarimg", &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	if (e)
		fail_msg("zbarimg cannot be started: %s (package zbar-tools)", strerror(e));
	buf_clear(out);
	while ((n = read(pipe_fds[0], piece, sizeof piece)) > 0)
		buf_add(out, str_n(piece, (size_t)n));
	close(pipe_fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	unlink(path);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("zbarimg read nothing (status %d)", status);
	if (str_ends(buf_str(out), "\n"))
		buf_cut(out, out->len - 1);
}
