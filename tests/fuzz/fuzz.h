/* What fuzz targets share. A target is one file target/NAME.c with libFuzzer's entry; its first comment says what it proves.
 *
 * Whatever the bytes are, a target returns 0; what must not be stops the program through must(). `make fuzz` runs them
 * under libFuzzer; test_fuzz_seeds.c calls the same functions on all seeds and on what was found before, without clang.
 * An input that has several parts has a line "--" between them. */
#ifndef OBOL_TESTS_FUZZ_H
#define OBOL_TESTS_FUZZ_H

#include "lib/base/buf.h"

/* The build gives each target's function a name of its own where they are linked together: fuzz_NAME. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, and says which input of the regression run it was. */
#define must(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

unsigned fuzz_byte(struct str *rest);        /* 0 at the end */
struct str fuzz_part(struct str *rest);      /* up to the next separator; what follows it stays in *rest */
#define FUZZ_PART "\n--\n"

/* Memory of exactly that length, so that the byte behind it is nobody's; free it. */
char *fuzz_exact(struct str s);

/* Valid UTF-8 without control characters but \n and \t: what tg_update.h and others promise of text from people. */
bool fuzz_is_clean(struct str s);
bool fuzz_has_control(struct str s); /* any byte below a space */

/* The same JSON in another dress, as R023 wants it read all the same: every object has one more member, whole numbers
 * stand as text, escapes are written out anew. False: a name in it holds an escape, or a number is no usual one. */
struct json_value;
bool fuzz_redress(struct buf *to, const struct json_value *v);

#endif
