/* Functions that do not compile here: unbounded, locale-bound, not re-entrant, or with a better one of ours. */
#ifndef OBOL_BASE_BANNED_H
#define OBOL_BASE_BANNED_H

/* declared first, so that the poison below meets only our own use */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol atoll gmtime localtime ctime asctime mktime strncpy

#endif
