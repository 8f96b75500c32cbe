/* Text as a QR code picture.
 *
 * No shared state: any thread may call this. Byte mode and error correction L: a screen does not get dirty, and fewer
 * modules are what makes a long link readable. Text that is not ASCII is declared as UTF-8 (ECI 26). */
#ifndef OBOL_QR_QR_H
#define OBOL_QR_QR_H

#include "lib/base/buf.h"

#define QR_TEXT_BYTES_MAX 1200 /* beyond that phones fail: version 25, 117 modules a side */
#define QR_SIDE_PX_MAX 1280    /* Telegram scales larger photos down, which blurs modules */
#define QR_PNG_BYTES_MAX (128 * 1024)

/* Replaces *png by a PNG (1 bit gray, square, white border of 4 modules, at most QR_SIDE_PX_MAX a side). png was
 * initialised with a maximum of at least QR_PNG_BYTES_MAX. Empty after an error.
 * E_INVALID: empty text (there is no code of nothing), or one with a NUL byte. E_TOOBIG: more than QR_TEXT_BYTES_MAX. */
enum err qr_png(struct buf *png, struct str text);

#endif
