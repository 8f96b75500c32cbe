/* What a subscription answers with: the body many links make, and the values of its headers.
 * Facts: 3X-UI's subscription server (2.8.5, 3.6.0); all client apps of the field read this. */
#ifndef OBOL_LINKS_SUBSCRIPTION_H
#define OBOL_LINKS_SUBSCRIPTION_H

#include "lib/base/buf.h"

/* Each link on a line of its own; encrypted (the panel's word) means one line of padded base64 around it all. */
void link_add_body(struct buf *to, const struct str *links, size_t count, bool encrypted);

void link_add_title(struct buf *to, struct str title); /* Profile-Title: "base64:…" */

/* When it ends: a negative expiry is a duration that starts at the first use, counted from now. 0: never. */
int64_t link_expires_ms(int64_t now_ms, int64_t expiry_ms);

/* Subscription-Userinfo; total 0 and expiry 0 mean unlimited. */
void link_add_userinfo(struct buf *to, int64_t up_bytes, int64_t down_bytes, int64_t total_bytes, int64_t expires_ms);

#endif
