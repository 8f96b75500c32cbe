/* The program with a way to die at a named step of its core (core.h), for tests; what ships has none.
 *
 * While the file "die-at" stands in its directory and holds "NAME:N", the process ends with SIGKILL at the Nth passing of
 * that step, counted from when the file was first met, and takes the file away before: the next start lives. */
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
	char wanted[64] = "";
	int n = 0;
	FILE *f = fopen(FILE_NAME, "r");

	if (!f)
		return;
	if (fscanf(f, "%63[^:]:%d", wanted, &n) != 2)
		n = 0;
	fclose(f);
	if (strcmp(wanted, name) != 0)
		return;
	if (!left)
		left = n;
	if (--left > 0)
		return;
	unlink(FILE_NAME);
	raise(SIGKILL);
}

int main(int argc, char **argv)
{
	core_step = on_step;
	return obol_main(argc, argv);
}
