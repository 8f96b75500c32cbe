/* Directories, where durability depends on them. */
#ifndef OBOL_BASE_DIR_H
#define OBOL_BASE_DIR_H

#include "lib/base/err.h"

/* A new or renamed file is only there after a power cut once its directory has been synced, however well its contents
 * were. Syncs the directory that path lies in. E_IO. */
enum err dir_sync(const char *path);

#endif
