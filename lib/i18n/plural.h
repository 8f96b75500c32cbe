/* Plural rules of CLDR for whole numbers, as a table: language → rule → form.
 *
 * Counts here are integers, so CLDR's operands for fractions (v, w, f, t) are 0 and i is n without its sign. */
#ifndef OBOL_I18N_PLURAL_H
#define OBOL_I18N_PLURAL_H

#include "lib/base/str.h"

enum plural { PLURAL_ZERO, PLURAL_ONE, PLURAL_TWO, PLURAL_FEW, PLURAL_MANY, PLURAL_OTHER, PLURAL_COUNT };

struct plural_rule;

/* The rule of a language ("ru", "pt"), case ignored; unknown languages get that of English. Never NULL. */
const struct plural_rule *plural_rule_find(struct str language);

enum plural plural_of(const struct plural_rule *rule, int64_t n);
/* Does some whole number take this form? Such forms must be in a locale file. */
bool plural_needs(const struct plural_rule *rule, enum plural form);

const char *plural_name(enum plural form); /* "zero" … "other" */

#endif
