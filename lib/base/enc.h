/* Bytes as text and back: hex, base64, Crockford base32, percent, HTML. All writers append to a buf. */
#ifndef OBOL_BASE_ENC_H
#define OBOL_BASE_ENC_H

#include "lib/base/buf.h"

void enc_hex(struct buf *to, const void *bytes, size_t n); /* lower case */
/* Writes at most out_max bytes and sets *n. E_INVALID: odd length or other characters; E_TOOBIG: no room. */
enum err dec_hex(unsigned char *out, size_t out_max, size_t *n, struct str s);

void enc_base64(struct buf *to, const void *bytes, size_t n);     /* standard alphabet, padded */
void enc_base64url(struct buf *to, const void *bytes, size_t n);  /* RFC 4648 section 5, no padding */
/* Either alphabet, padding optional. Errors as dec_hex. */
enum err dec_base64(unsigned char *out, size_t out_max, size_t *n, struct str s);

/* Crockford base32: 5 bits a character, most significant first; the last character is filled with zero bits. */
void enc_base32(struct buf *to, const void *bytes, size_t n);
/* Reads what people type: either case, '-' and ' ' skipped, I and L as 1, O as 0. Errors as dec_hex; also unused bits set. */
enum err dec_base32(unsigned char *out, size_t out_max, size_t *n, struct str s);

/* What stays as it is: A-Z a-z 0-9 - _ . ~ and the characters of also; the rest becomes %XX. */
void enc_percent(struct buf *to, struct str s, const char *also);
/* E_INVALID: a '%' without two hex digits. plus_is_space for form bodies. */
enum err dec_percent(struct buf *to, struct str s, bool plus_is_space);

void enc_html(struct buf *to, struct str s); /* & < > " for Telegram's HTML mode */

/* Random text of n Crockford characters (5 bits each), terminated: out has n + 1 bytes. */
void enc_random_base32(char *out, size_t n);

#endif
