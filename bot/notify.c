/* The protocol: a datagram of "KEY=value" lines (systemd's sd_notify manual page). A leading '@' is an abstract name. */
#include "bot/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"

static void tell(const char *text)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof to.sun_path)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

/* Half of what systemd grants; 0: no watchdog. */
static int64_t feed_every_us(void)
{
	int64_t granted_us;

	return str_to_i64(&granted_us, str_of(getenv("WATCHDOG_USEC"))) == OK && granted_us > 0 ? granted_us / 2 : 0;
}

void notify_ready(void)
{
	tell("READY=1");
}

void notify_stopping(void)
{
	tell("STOPPING=1");
}

void notify_alive(void)
{
	static int64_t fed_us;
	int64_t every_us = feed_every_us(), now_us = clock_mono_us();

	if (!every_us || now_us - fed_us < every_us / 2)
		return;
	fed_us = now_us;
	tell("WATCHDOG=1");
}

int notify_interval_ms(int otherwise)
{
	int64_t every_ms = feed_every_us() / 1000;

	return every_ms && every_ms / 2 < otherwise ? (int)(every_ms / 2) : otherwise;
}
