/* Certificates as people give and compare them: pins, fingerprints, PEM text. Nothing here decides whom to believe: that is
 * struct http_trust, and the client that obeys it. */
#ifndef OBOL_HTTP_TRUST_H
#define OBOL_HTTP_TRUST_H

#include "lib/base/buf.h"

#define HTTP_PIN_CHARS 52          /* "sha256//" and the base64 of 32 bytes */
#define HTTP_FINGERPRINT_CHARS 95  /* 32 bytes in upper-case hex with colons, as openssl and browsers show it */
#define HTTP_CERTIFICATES_MAX 8    /* in one pasted CA */

/* The pin of a public key in the one form we keep. Reads "sha256//base64", and the 32 bytes in base64, base64url or hex,
 * with or without colons. E_INVALID: none of these. */
enum err http_pin_read(char out[HTTP_PIN_CHARS + 1], struct str typed);

/* Appends the certificates of a pasted PEM text, written anew: chats turn "--" into dashes and lose line breaks.
 * E_INVALID: there is none, one cannot be read, or there are more than HTTP_CERTIFICATES_MAX; to is then as it was. */
enum err http_pem_read(struct buf *to, struct str typed);

#endif
