/* obol: arguments to commands. */
#include <stdio.h>
#include <string.h>

#include "bot/open.h"
#include "bot/program.h"

static const char usage[] =
	"obol " OBOL_VERSION " sells and serves access to 3X-UI panels in a Telegram chat.\n"
	"\n"
	"  obol [run] [--forget-secrets]  run the shop (settings: environment or .env; BOT_TOKEN is needed)\n"
	"  obol check [--take-over]       test every part and say what to do; remove a foreign webhook\n"
	"  obol key                       show the key that seals secrets\n"
	"  obol backup FILE               copy the database while the shop runs\n"
	"  obol restore FILE              put a copy in place of the database (the shop is stopped)\n"
	"  obol version\n";

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 && argv[1][0] != '-' ? argv[1] : "run";
	char **rest = argv + 1 + (argc > 1 && argv[1][0] != '-');
	int count = argc - (int)(rest - argv);
	const char *one = count == 1 ? rest[0] : NULL;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)) {
		fputs(usage, stdout);
		return EXIT_FINE;
	}
	if (strcmp(command, "run") == 0 && (count == 0 || (one && strcmp(one, "--forget-secrets") == 0)))
		return program_run(one != NULL);
	if (strcmp(command, "check") == 0 && (count == 0 || (one && strcmp(one, "--take-over") == 0)))
		return program_check(one != NULL);
	if (strcmp(command, "key") == 0 && count == 0)
		return program_key();
	if (strcmp(command, "backup") == 0 && one && one[0] != '-')
		return program_backup(one);
	if (strcmp(command, "restore") == 0 && one && one[0] != '-')
		return program_restore(one);
	if (strcmp(command, "version") == 0 && count == 0) {
		puts("obol " OBOL_VERSION);
		return EXIT_FINE;
	}
	return wrong_usage();
}
