/* What buying and renewing share. */
#ifndef OBOL_SCREENS_BUY_PRIVATE_H
#define OBOL_SCREENS_BUY_PRIVATE_H

#include "bot/screens/screens_private.h"

#define WAYS_MAX 12

void plan_text(struct screen *s, const struct plan *p);
bool plan_is_sold(const struct plan *p);
struct order order_preview(const struct talk *t, const struct plan *p);

/* A button per way of paying, "verb:id:[before.]provider". */
enum err way_buttons(size_t *count, struct screen *s, const struct order *o, const char *verb, const char *id, const char *before);

/* What the shop said no with (E_REFUSED, E_NOROOM, E_CONFLICT, E_NOTFOUND) as a screen; other errors are handed back. */
enum err refused_show(struct talk *t, enum err why);

/* pay.c: begins one attempt to pay with that provider. */
enum err pay_begin(struct talk *t, struct order *o, struct str provider);
/* The same for an order just opened from p's card. It may be an older one that keeps its price and terms: where they are not
 * those of the card, the order is looked at first (B14). */
enum err pay_what_was_shown(struct talk *t, struct order *o, const struct plan *p, struct str provider);
/* The page of an invoice: its text and its button. */
enum err invoice_text(struct screen *s, const struct invoice *i, const struct order *o);

#endif
