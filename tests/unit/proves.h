/* What every unit test includes: cmocka, and the macro that ties a test to what it proves.
 *
 * proves(test_quota, "R050 B5") is a row of the cmocka table; `make requirements` reads these rows. */
#ifndef OBOL_TESTS_PROVES_H
#define OBOL_TESTS_PROVES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define proves(function, rows) { #function " [" rows "]", function, NULL, NULL, NULL }

#endif
