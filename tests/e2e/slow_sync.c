/* A disk whose flush takes its time: LD_PRELOAD of this before a program makes each fdatasync and fsync of it last
 * SLOW_SYNC_MS longer. */
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void take_time(void)
{
	const char *ms = getenv("SLOW_SYNC_MS");

	poll(NULL, 0, ms ? (int)strtol(ms, NULL, 10) : 0);
}

int fdatasync(int fd)
{
	take_time();
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	take_time();
	return (int)syscall(SYS_fsync, fd);
}
