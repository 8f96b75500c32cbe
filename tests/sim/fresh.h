/* What nearly every test begins with, made once per program: the texts, and a database of the newest schema. */
#ifndef OBOL_SIM_FRESH_H
#define OBOL_SIM_FRESH_H

#include "lib/i18n/i18n.h"

struct i18n *fresh_texts(void);        /* those that are built in; stays, not to be closed */
void fresh_database(const char *path); /* a new file there, as db_migrate leaves one that was empty */

#endif
