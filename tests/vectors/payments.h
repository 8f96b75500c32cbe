/* Where the shop joins in: payments.c checks what lib/pay makes of each vector, the shop's handlers what becomes of it.
 *
 * A program that is linked with an object that defines payments_business runs both; without one, the business part of
 * the vectors is left out and the output says so. */
#ifndef OBOL_VECTORS_PAYMENTS_H
#define OBOL_VECTORS_PAYMENTS_H

#include <json-c/json.h>

#include "lib/base/buf.h"
#include "lib/pay/pay.h"

struct payments_business {
	/* A fresh store for the vectors of one provider: they build on each other in their order. */
	void *(*open)(const struct pay_provider *provider);
	void (*close)(void *shop);
	/* One callback through the real handler; vector is the whole object, its expect.action says what must follow.
	 * The invoices it speaks of are made by the shop from expect before their first appearance. What is wrong
	 * goes into why; nothing there means that the shop did as expected. */
	void (*callback)(void *shop, const struct pay_account *account, const struct pay_inbound *in,
			 struct json_object *vector, struct buf *why);
	/* A whole sequence of Stars on a store of its own. */
	void (*sequence)(struct json_object *sequence, struct buf *why);
};

extern const struct payments_business payments_business __attribute__((weak));

#endif
