/* See flood.h. One thread, non-blocking sockets; an answer ends when its Content-Length is through. */
#include "tests/e2e/flood.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define CONNECTIONS 64
#define ANSWER_BYTES_MAX 4096

struct caller {
	int fd;                    /* -1: not connected */
	bool waits;
	size_t have;
	char answer[ANSWER_BYTES_MAX];
};

static int connect_to(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static void hang_up(struct caller *c, struct flood_shared *s)
{
	close(c->fd);
	c->fd = -1;
	if (c->waits)
		s->broken++;
	c->waits = false;
}

static bool is_whole(const struct caller *c)
{
	static const char name[] = "\r\ncontent-length: ";
	const char *end = memmem(c->answer, c->have, "\r\n\r\n", 4), *at;

	if (!end)
		return false;
	for (at = c->answer; at + sizeof name < end; at++)
		if (strncasecmp(at, name, sizeof name - 1) == 0)
			return c->have >= (size_t)(end + 4 - c->answer) + strtoul(at + sizeof name - 1, NULL, 10);
	return true;
}

static void read_answer(struct caller *c, struct flood_shared *s)
{
	ssize_t n = recv(c->fd, c->answer + c->have, sizeof c->answer - c->have, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || c->have + (size_t)n == sizeof c->answer) {
		hang_up(c, s);
		return;
	}
	c->have += (size_t)n;
	if (!is_whole(c))
		return;
	s->answered++;
	c->waits = false;
	c->have = 0;
}

static void ask(struct caller *c, struct flood_shared *s, int port, const char *request)
{
	if (c->fd < 0)
		c->fd = connect_to(port);
	if (c->fd < 0)
		return;
	c->waits = send(c->fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request);
	c->have = 0;
	s->asked++;
	if (!c->waits)
		hang_up(c, s);
}

static _Noreturn void flood(struct flood_shared *s, int port, const char *request, int rate_per_s)
{
	static struct caller callers[CONNECTIONS];
	int64_t last_us = clock_mono_us(), credit_us = 0, each_us = 1000000 / rate_per_s;

	for (size_t i = 0; i < CONNECTIONS; i++)
		callers[i].fd = -1;
	for (;;) {
		struct pollfd fds[CONNECTIONS];
		int64_t now_us = clock_mono_us();
		bool active = now_us < s->until_us;

		credit_us = active ? credit_us + now_us - last_us : 0;
		s->active_us += active ? now_us - last_us : 0;
		if (credit_us > 50000)
			credit_us = 50000;
		last_us = now_us;
		for (size_t i = 0; i < CONNECTIONS; i++) {
			if (!callers[i].waits && credit_us >= each_us) {
				ask(&callers[i], s, port, request);
				credit_us -= each_us;
			}
			fds[i] = (struct pollfd){ .fd = callers[i].fd, .events = POLLIN };
		}
		if (poll(fds, CONNECTIONS, active ? 1 : 10) <= 0)
			continue;
		for (size_t i = 0; i < CONNECTIONS; i++)
			if (fds[i].revents)
				read_answer(&callers[i], s);
	}
}

void flood_start(struct flood *f, int port, const char *request, int rate_per_s)
{
	f->shared = mmap(NULL, sizeof *f->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	f->pid = f->shared == MAP_FAILED ? -1 : fork();
	if (f->pid < 0) {
		perror("flood");
		abort();
	}
	if (f->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		flood(f->shared, port, request, rate_per_s);
	}
}

void flood_stop(struct flood *f)
{
	if (f->pid <= 0)
		return;
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	munmap(f->shared, sizeof *f->shared);
	*f = (struct flood){ 0 };
}
