/* The ledger: append-only double entry, amounts as paid, never converted.
 *
 *   debit              credit        kind        when
 *   provider:<name>    revenue       payment     money completes an order
 *   provider:<name>    suspense      payment     money is set aside for a person
 *   suspense           revenue       applied     a person lets it count, or keeps it
 *   revenue, suspense  refunds       refund      the provider has confirmed a refund …
 *   refunds            provider:…    paid_back   … and has paid it
 *
 * An entry is unique by kind and external key ("<provider>:<the provider's payment id>"), so each of these happens once
 * per payment. Every entry has both sides: per currency all accounts sum to zero by construction. */
#ifndef OBOL_SHOP_LEDGER_H
#define OBOL_SHOP_LEDGER_H

#include "bot/shop/pay.h"

#define LEDGER_REVENUE "revenue"
#define LEDGER_SUSPENSE "suspense"
#define LEDGER_REFUNDS "refunds"

struct ledger_entry {
	const char *debit, *credit, *kind;
	const struct payment_row *payment;
	int64_t actor_id;            /* users.id; 0: the program */
	const char *note;            /* NULL: none */
};

/* A payment without an exact amount has no entry. E_CONFLICT: there is this entry already. */
enum err ledger_add(struct act *a, const struct ledger_entry *entry);
const char *ledger_provider(struct act *a, const struct payment_row *p); /* "provider:stars" */

#endif
