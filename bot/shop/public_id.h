/* Reading random Crockford base32 codes of a fixed length as people type them: public ids, referral and claim codes. */
#ifndef OBOL_SHOP_PUBLIC_ID_H
#define OBOL_SHOP_PUBLIC_ID_H

#include "lib/base/str.h"

/* Either case, O for 0, I and L for 1, dashes and spaces anywhere. out has chars + 1 bytes. E_INVALID: not so many. */
enum err crockford_read(char *out, size_t chars, struct str typed);

#endif
