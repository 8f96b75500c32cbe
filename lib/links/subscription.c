/* Subscription bodies and headers. */
#include "lib/links/subscription.h"

#include <inttypes.h>

#include "lib/base/enc.h"

void link_add_body(struct buf *to, const struct str *links, size_t count, bool encrypted)
{
	struct buf plain;

	buf_init(&plain, to->max);
	for (size_t i = 0; i < count; i++) {
		buf_add(&plain, links[i]);
		buf_addc(&plain, '\n');
	}
	if (plain.over)
		to->over = true; /* half a subscription must not pass for a whole one */
	else if (encrypted)
		enc_base64(to, plain.at, plain.len);
	else
		buf_add(to, buf_str(&plain));
	buf_release(&plain);
}

void link_add_title(struct buf *to, struct str title)
{
	buf_adds(to, "base64:");
	enc_base64(to, title.at, title.len);
}

int64_t link_expires_ms(int64_t now_ms, int64_t expiry_ms)
{
	return expiry_ms < 0 ? now_ms - expiry_ms : expiry_ms;
}

void link_add_userinfo(struct buf *to, int64_t up_bytes, int64_t down_bytes, int64_t total_bytes, int64_t expires_ms)
{
	buf_printf(to, "upload=%" PRId64 "; download=%" PRId64 "; total=%" PRId64 "; expire=%" PRId64,
	           up_bytes, down_bytes, total_bytes, expires_ms / 1000);
}
