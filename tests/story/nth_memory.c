/* Memory that ends: the program's own malloc and abort by the linker's --wrap, SQLite's by its configuration. Libraries
 * beside them have theirs.
 *
 * The program promises to abort when there is none (mem.h, db.c), so an allocation of its own that fails is a death there
 * and then. SQLite is given NULL in earnest: whether every way on from there leads to abort is what is asked. */
#include <sqlite3.h>
#include <stdlib.h>

#include "tests/story/nth.h"

static bool (*asked)(bool of_sqlite);
static void (*told)(void);
static sqlite3_mem_methods real;

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t n);
_Noreturn void __real_abort(void);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t n);
_Noreturn void __wrap_abort(void);

void *__wrap_malloc(size_t n)
{
	if (asked)
		asked(false);
	return __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t size)
{
	if (asked)
		asked(false);
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	if (asked)
		asked(false);
	return __real_realloc(p, n);
}

void __wrap_abort(void)
{
	if (told)
		told();
	__real_abort();
}

static void *sqlite_malloc(int n)
{
	return asked && asked(true) ? NULL : real.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
	return asked && asked(true) ? NULL : real.xRealloc(p, n);
}

void nth_memory_open(bool (*fails)(bool of_sqlite), void (*aborts)(void))
{
	sqlite3_mem_methods methods;

	asked = fails;
	told = aborts;
	if (real.xMalloc)
		return;
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
	methods = real;
	methods.xMalloc = sqlite_malloc;
	methods.xRealloc = sqlite_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK)
		abort(); /* SQLite was used before */
}
