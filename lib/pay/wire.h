/* What the providers' files share: reading accounts, answers, amounts and ids. */
#ifndef OBOL_PAY_WIRE_H
#define OBOL_PAY_WIRE_H

#include "lib/base/json.h"
#include "lib/pay/pay.h"

/* Value of a key by its name; asserts that the provider has it. */
struct str wire_value(const struct pay_account *account, const char *key);
struct str wire_header(const struct pay_inbound *in, const char *name); /* any case; the empty str */

bool wire_is_invoice(struct str id); /* has the form of our ids */

/* Fills currency, amount_text, amount_minor and exact; text is copied into the arena. */
void wire_set_amount(struct pay_event *event, struct arena *a, struct str currency, struct str amount);

/* What an exchange came to before the body is looked at: OK for a 2xx, else as pay.h says for _read. */
enum err wire_status(struct pay_trouble *trouble, const struct http_response *r);
void wire_trouble(struct pay_trouble *trouble, struct str name); /* cut and cleaned to a word that can be logged */

/* The object as JSON for keeping: members whose names speak of secrets, cards, addresses and the like, and every
 * text that is a card number, are "***". More than PAY_RAW_BYTES_MAX becomes {"too_big":true}. Changes o. */
struct str wire_raw(struct arena *a, struct json_object *o);

#endif
