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

#define INVOICE_JOBS "('pay_create', 'pay_poll')" /* kinds of those that look after one */
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
const char *provider_typed_key(const struct pay_provider *p); /* the secret that an admin types; NULL: none */
enum err providers_rest(struct act *a); /* what is off, and looks after no invoice any more: what was told of its key is over */

/* --- provider_earlier.c: accounts whose key was changed for another account's --- */

#define PROVIDER_EARLIER_MAX 8
/* Before key takes the place of the one in use: that one is kept if it is another account's and somebody can still pay there. */
enum err provider_keep_earlier(struct act *a, const struct pay_provider *p, struct str key);
/* The account that this invoice was made with. As provider_account. */
enum err provider_account_of(struct pay_account *out, struct act *a, struct arena *arena, const struct invoice *i);
enum err provider_earlier(struct pay_account out[PROVIDER_EARLIER_MAX], size_t *count, struct act *a, struct arena *arena, const struct pay_provider *p);
enum err provider_forget_earlier(struct act *a); /* those with whom nobody can pay an invoice any more */

/* --- provider_word.c: what a provider's yes and no mean for the seller --- */

/* A question about i was answered with an error: those that a person has to do something about are told, folded. */
enum err provider_said_no(struct act *a, const struct invoice *i, enum err what, const char *name);
enum err provider_said_yes(struct act *a, const struct invoice *i);
enum err provider_asked_no_more(struct act *a, const struct pay_provider *p); /* it is off: what it refused is over */
const char *provider_key_cause(struct act *a, const char *provider, const char *account); /* of the alert that a key is not taken; account as in an invoice */

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
