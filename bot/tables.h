/* Which feature hears what: the tables the core is given, and the hooks between the rules and the screens. */
#ifndef OBOL_TABLES_H
#define OBOL_TABLES_H

#include "bot/core/core.h"

extern const struct core_tables tables;

/* Registers routers and hooks; once per process, before core_open. */
void tables_register(void);

#endif
