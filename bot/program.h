/* The program's commands; each returns the exit code. Words on the terminal are English and for the operator. */
#ifndef OBOL_PROGRAM_H
#define OBOL_PROGRAM_H

#include <stdbool.h>

#define OBOL_VERSION "0.1.0"

int program_run(bool forget_secrets);
int program_check(bool take_over);
int program_key(void);
int program_backup(const char *path);
int program_restore(const char *path);

#endif
