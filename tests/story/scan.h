/* What a telephone's camera reads from a picture: zbarimg (Debian's zbar-tools), so a decoder that is not ours. */
#ifndef OBOL_STORY_SCAN_H
#define OBOL_STORY_SCAN_H

#include "lib/base/buf.h"

/* The text of the one QR code in the PNG; fails the test when there is none, or no zbarimg. */
void scan_qr(struct buf *out, struct str png);

#endif
