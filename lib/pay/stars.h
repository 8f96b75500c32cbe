/* Telegram Stars: facts, and a payment as a pay_event. The till is Telegram: sendInvoice, the updates, refunds and the
 * list of transactions are calls of lib/telegram; the shop hands what they say over to stars_payment.
 *
 * Exponent 0: one Star is one minor unit. There are no partial payments and no partial refunds. */
#ifndef OBOL_PAY_STARS_H
#define OBOL_PAY_STARS_H

#include "lib/pay/pay.h"

#define STARS_CURRENCY "XTR"

/* One payment or refund, from successful_payment, refunded_payment or a Star transaction. */
struct stars_paid {
	struct str payload;        /* as sent with the invoice: our invoice id */
	struct str charge_id;      /* telegram_payment_charge_id: the key (B6), never the payload */
	struct str currency;
	int64_t amount;
	int64_t user_id;
	bool refunded, recurring;
	int64_t date_ms;
};

/* Text is copied into the arena. E_INVALID: no charge id, which Telegram never leaves out. */
enum err stars_payment(struct pay_event *out, struct arena *a, const struct stars_paid *paid);

#endif
