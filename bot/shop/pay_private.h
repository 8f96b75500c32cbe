/* What the files about money share. */
#ifndef OBOL_SHOP_PAY_PRIVATE_H
#define OBOL_SHOP_PAY_PRIVATE_H

#include "bot/shop/ledger.h"
#include "bot/shop/order_private.h"
#include "bot/shop/pay.h"
#include "lib/base/clock.h"

#define STARS "stars"
#define RETENTION_MS (90 * DAY_MS)
#define INVOICE_SLOW_MS (8 * SECOND_MS) /* then the customer hears that this way does not answer */

extern struct pay_hooks pay_hooks; /* all may be NULL */

/* --- invoice.c --- */

extern const char *const invoice_states[];
enum err invoice_by_ref(struct invoice *out, struct act *a, const char *provider, struct str ref);

/* --- provider.c: sealed rows of the secrets table --- */

#define PROVIDER_KEY_BYTES_MAX 512
enum err provider_key_read(struct str *out, struct act *a, struct arena *arena, const char *name); /* in clear, in the arena; empty: none */
enum err provider_key_write(struct act *a, const char *name, struct str value);
enum err provider_key_remove(struct act *a, const char *name);
/* The account as if that key were set so already. As provider_account. */
enum err provider_account_with(struct pay_account *out, struct act *a, struct arena *arena, const struct pay_provider *p, const char *name, struct str value);

/* --- provider_switch.c --- */

enum err provider_is_on(bool *on, struct act *a, const struct pay_provider *p);

/* --- payment.c: rows --- */

enum err payment_by_reference(struct payment_row *out, struct act *a, const char *provider, struct str reference);
/* state in from → state; E_CONFLICT: it was in none of them. from is up to two words, the second may be NULL. */
enum err payment_move(struct act *a, int64_t id, const char *from, const char *or_from, const char *to);

/* --- pay.c --- */

/* A provider's event, from callback, poll or Telegram: money goes to pay_confirm, a refund is settled, the rest tells
 * nothing that a poll does not. */
enum err event_take(struct act *a, const struct pay_event *event, int64_t telegram_id);

/* --- stars.c --- */

enum err stars_on_start(struct act *a); /* remembers since when payments are ours to take */

/* --- suspense.c --- */

/* Sets the payment aside for a person, books it and tells people. */
enum err suspense_add(struct act *a, const struct payment_row *p, const char *reason);
enum err suspense_reopen(struct act *a, const struct payment_row *p); /* its refund failed */

/* --- refund.c --- */

bool refund_is_possible(const struct payment_row *p);
/* The provider has paid it back: books it, ends what was bought. Once; later calls change nothing. */
enum err refund_settle(struct act *a, const struct payment_row *p);

#endif
