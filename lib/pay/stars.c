/* Telegram Stars. */
#include "lib/pay/stars.h"

#include <inttypes.h>

#include "lib/base/clock.h"
#include "lib/pay/wire.h"

static const struct pay_currency stars_currencies[] = {
	{ STARS_CURRENCY, 1, 0 },
};

const struct pay_provider pay_stars = {
	.name = "stars",
	.flow = PAY_FLOW_CHAT,
	.currencies = stars_currencies,
	.currencies_count = countof(stars_currencies),
	.refund = PAY_REFUND_WHOLE,
	.refund_in_chat = true,
	.poll_in_chat = true,
	.poll_every_ms = 10 * MINUTE_MS,
};

enum err stars_payment(struct pay_event *out, struct arena *a, const struct stars_paid *paid)
{
	*out = (struct pay_event){ .provider = pay_stars.name };
	if (!paid->charge_id.len || paid->charge_id.len > PAY_REF_BYTES_MAX)
		return E_INVALID;
	if (wire_is_invoice(paid->payload))
		out->invoice = str_of(str_dup(a, paid->payload));
	out->ref = str_of(str_dup(a, utf8_clean(a, paid->charge_id)));
	/* a refund is another fact about the same charge */
	out->key = str_of(arena_printf(a, "%.*s%s", STR_ARG(out->ref), paid->refunded ? ":refund" : ""));
	out->state = paid->refunded ? PAY_REFUNDED : PAY_PAID;
	wire_set_amount(out, a, paid->currency, str_of(arena_printf(a, "%" PRId64, paid->amount)));
	out->payer = str_of(arena_printf(a, "%" PRId64, paid->user_id));
	out->recurring = paid->recurring;
	out->paid_ms = paid->date_ms;
	return OK;
}
