/* Small derivations that links need: public keys, spiderX, certificate pins, a route inside a UUID.
 * Facts: 3X-UI 2.8.5 and 3.6.0, Xray's key formats (X25519, base64). */
#ifndef OBOL_LINKS_KEYS_H
#define OBOL_LINKS_KEYS_H

#include "lib/base/buf.h"

/* Public half of an X25519 private key of 32 bytes in base64 (either alphabet), in base64url without padding as REALITY
 * writes keys, or in padded standard base64 as WireGuard does. E_INVALID: no such key; *to is then unchanged. */
enum err link_public_key(struct buf *to, struct str private_key, bool url_alphabet);

/* spiderX as v3 panels derive it: the same for one client for ever, different between clients. key is the client's sub
 * id, without one its e-mail. */
struct str link_spider_x(struct arena *a, struct str seed, struct str key);

/* A certificate pin in the form of Hysteria 2: 64 lower-case hex digits. Reads base64, base64url, hex and hex with
 * colons; anything else is given back as it came. */
struct str link_pin_hex(struct arena *a, struct str pin);

/* id with its third group replaced by the route (0…65535) as four hex digits. A route that is no such number, or an id
 * that is no UUID, leaves id as it is. */
struct str link_uuid_route(struct arena *a, struct str id, struct str route);

bool link_is_uuid(struct str s); /* 8-4-4-4-12 hex digits of either case */

#endif
