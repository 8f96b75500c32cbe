/* The program with a way to die at a named step of its core (core.h), for tests; what ships has none.
 *
 * While the file "die-at" stands in its directory and holds "NAME:N", the process ends with SIGKILL at the Nth passing of
 * that step, counted from when the file was first met, and takes the file away before: the next start lives. With
 * "NAME:N:TERM" it is told to stop there, by SIGTERM.
 *
 * A name that begins with "endless" is looked up for ever; the file "looking-up" says that it has begun. */
#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bot/core/core.h"

#define FILE_NAME "die-at"

int obol_main(int argc, char **argv); /* main of bot/main.c, renamed by the build */

static void on_step(const char *name)
{
	static int left;
	char wanted[64] = "", how[8] = "";
	int n = 0;
	FILE *f = fopen(FILE_NAME, "r");

	if (!f)
		return;
	if (fscanf(f, "%63[^:]:%d:%7s", wanted, &n, how) < 2)
		n = 0;
	fclose(f);
	if (strcmp(wanted, name) != 0)
		return;
	if (!left)
		left = n;
	if (--left > 0)
		return;
	unlink(FILE_NAME);
	raise(strcmp(how, "TERM") == 0 ? SIGTERM : SIGKILL);
}

static _Noreturn void look_up_for_ever(void)
{
	FILE *f = fopen("looking-up", "w");

	if (f) {
		fputs("yes\n", f);
		fclose(f);
	}
	for (;;)
		pause();
}

/* What libcurl calls in its resolver thread. */
int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
	struct addrinfo **restrict result)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (node && strncmp(node, "endless", 7) == 0)
		look_up_for_ever();
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, result);
}

int main(int argc, char **argv)
{
	core_step = on_step;
	return obol_main(argc, argv);
}
