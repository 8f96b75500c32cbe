/* Money: invoices, payments, suspense, refunds, the ledger. architecture.md "Money that arrives" is the contract.
 *
 * Every event of any provider becomes a struct payment and goes through pay_confirm, whether it came as an update, a
 * callback or an answer to a poll; callbacks only make things faster. */
#ifndef OBOL_SHOP_PAY_H
#define OBOL_SHOP_PAY_H

#include "bot/core/jobs.h"
#include "bot/shop/order.h"
#include "lib/http/server.h"
#include "lib/pay/pay.h"
#include "lib/telegram/tg_update.h"

#define INVOICE_ID_CHARS 30      /* "inv_" and 26 */
#define INVOICE_OPEN_MS (60 * MINUTE_MS)

enum invoice_state { INVOICE_CREATED, INVOICE_PENDING, INVOICE_PAID, INVOICE_EXPIRED, INVOICE_CANCELED, INVOICE_FAILED };

struct invoice {
	int64_t id;
	char public_id[INVOICE_ID_CHARS + 1];
	int64_t order_id;
	char *provider;
	int64_t amount_minor;
	char currency[8];
	enum invoice_state state;
	char *provider_ref, *url;    /* NULL: not known yet */
	char *account;               /* the earlier account it was made with; NULL: the one in use */
	int64_t message_id;
	int64_t created_ms, expires_ms;
};

/* The open invoice of this order with this provider, or a new one (created). For Stars the caller sends the invoice
 * message; for the others a job asks the provider and hooks->invoice_ready or invoice_failed tells the customer.
 * E_NOTFOUND: no such provider switched on, or no price in a currency it takes; else as order_reserve. */
enum err invoice_open(struct invoice *out, struct act *a, struct order *o, const char *provider);
enum err invoice_get(struct invoice *out, struct act *a, int64_t id);
enum err invoice_by_public_id(struct invoice *out, struct act *a, struct str public_id);

/* Providers that are switched on and can take this order, in the order to show. */
struct pay_way { const char *provider; int64_t amount_minor; char currency[8]; };
enum err pay_ways(struct pay_way *out, size_t *count, size_t max, struct act *a, const struct order *o);

/* Money that came. strings are copied. */
struct payment {
	const char *provider;
	struct str reference;        /* the provider's id of this payment: unique with provider */
	struct str invoice;          /* our public id as it came back; may be anything */
	int64_t amount_minor;        /* 0: no exact amount of a currency we know; always set aside */
	struct str currency;
	int64_t telegram_id;         /* who paid, where the provider tells; 0: unknown */
	bool recurring;
	int64_t paid_ms;
	struct str raw;              /* blanked by the caller */
};

/* Takes confirmed money: completes its order and queues delivery, or sets it aside for a person. OK in both cases.
 * Safe to repeat: the same provider+reference is taken once. An error means that nothing was recorded. */
enum err pay_confirm(struct act *a, const struct payment *p);

/* Telegram's own payments. */
enum err stars_pre_checkout(struct act *a, const struct tg_update *u);   /* queues the answer, local data only */
enum err stars_paid(struct act *a, const struct tg_update *u);
enum err stars_refunded(struct act *a, const struct tg_update *u);

/* Takes a provider's callback: POST /cb/<provider>/<secret part>. */
enum err pay_callback(struct act *a, const struct http_inbound *in);

/* --- refunds and suspense: an admin's word, with a reason, into audit and ledger --- */

enum suspense_act { SUSPENSE_DELIVER, SUSPENSE_APPLY, SUSPENSE_REFUND, SUSPENSE_KEEP };
/* order_id for APPLY. E_CONFLICT: decided already; E_REFUSED: the provider cannot refund. */
enum err suspense_decide(struct act *a, int64_t suspense_id, enum suspense_act what, int64_t order_id, const struct user *admin);
/* Starts the refund of a payment; access ends when the provider has confirmed. E_CONFLICT: refunded or under way; E_REFUSED. */
enum err refund_start(struct act *a, int64_t payment_id, const struct user *admin, const char *reason);

struct payment_row {
	int64_t id, order_id, user_id, invoice_id;
	char *provider, *reference, *state, *reason; /* reason: of suspense, else NULL */
	int64_t suspense_id;                         /* 0: not in suspense */
	int64_t amount_minor;
	char currency[8];
	int64_t paid_ms;
};
enum err payment_get(struct payment_row *out, struct act *a, int64_t id);
enum err payment_of_order(struct payment_row *out, struct act *a, int64_t order_id); /* the money that completed it; E_NOTFOUND */
enum err payment_list(struct payment_row *out, size_t *count, size_t max, struct act *a, int64_t order_id); /* 0: all, newest first */

/* A key that an admin has typed, after the provider was asked about it. */
struct provider_trial {
	const char *provider;
	const struct user *admin;    /* who typed it */
	enum err verdict;            /* OK: stored, the provider is on; E_AUTH, E_REFUSED: it said no; else it did not answer. Nothing is stored then. */
	bool first;                  /* switched on in the chat for the first time */
};

/* What people are told; main sets them. */
struct pay_hooks {
	enum err (*invoice_ready)(struct act *a, const struct invoice *i, const struct order *o);
	enum err (*invoice_failed)(struct act *a, const struct invoice *i, const struct order *o);
	enum err (*set_aside)(struct act *a, const struct payment_row *p, const struct user *u); /* customer and admins; u NULL: unknown */
	enum err (*kept)(struct act *a, const struct payment_row *p); /* what was set aside stays, and nothing comes of it */
	enum err (*refunded)(struct act *a, const struct payment_row *p);
	enum err (*refund_failed)(struct act *a, const struct payment_row *p, const char *why);
	enum err (*provider_tried)(struct act *a, const struct provider_trial *t);
};
void pay_set_hooks(const struct pay_hooks *hooks);

extern const struct job_kind pay_job_create;   /* subject: invoice id */
extern const struct job_kind pay_job_poll;     /* subject: invoice id */
extern const struct job_kind pay_job_refund;   /* subject: payment id */
extern const struct job_kind pay_job_probe;    /* subject: "provider:user id" */
extern const struct job_kind pay_job_stars;    /* subject: "stars": getStarTransactions from the stored offset */
enum err pay_poll_stars(struct act *a);        /* schedule, every 10 minutes, and at start */
enum err invoices_expire(struct act *a);       /* schedule: only after a last question to the provider */
enum err pay_on_start(struct act *a);          /* provider keys from the environment into the secrets table, once */
enum err pay_forget(struct act *a);            /* schedule, daily: raw callbacks and payloads older than 90 days */

/* A provider's key ("CRYPTO_PAY_TOKEN") as an admin types it; sealed at once, empty removes it. E_INVALID: no such key,
 * or with it the account's values cannot be right (nothing is stored). */
enum err pay_set_key(struct act *a, const char *name, struct str value);
/* The seller's account there, keys opened into the arena. E_NOTFOUND: not switched on. A provider without keys always is. */
struct pay_account;
enum err provider_account(struct pay_account *out, struct act *a, struct arena *arena, const struct pay_provider *p);

/* --- providers in the chat: a key is tried before it is kept; what is switched off takes no new invoices --- */

struct provider_state {
	bool has_key, is_on;
	int64_t open;                /* invoices that somebody can still pay: they are looked after whatever is_on says */
};
bool provider_has_switch(const struct pay_provider *p); /* it has a key to type; Stars are always there */
enum err provider_state(struct provider_state *out, struct act *a, const struct pay_provider *p);
/* Asks the provider whether it takes this key, "" for the one that is stored, and keeps it then: hooks->provider_tried.
 * Sealed while it waits. Open invoices are looked after with the key they were made with, also after a change to another
 * account. E_INVALID: it cannot be one; E_NOTFOUND: none is stored; E_TOOBIG: too many accounts of before have open invoices. */
enum err provider_try(struct act *a, const struct pay_provider *p, struct str key, const struct user *admin);
/* No new invoices. The key stays, so that invoices in the world are still polled and delivered when they are paid. */
enum err provider_switch_off(struct act *a, const struct pay_provider *p);

/* "/cb/<provider>/<secret>": the secret part is derived from the sealing key. */
struct str pay_callback_path(struct act *a, const struct pay_provider *p);

/* Ledger sums by currency must be zero over all accounts by construction; the check sums per account. For tests and obol check. */
enum err ledger_check(struct act *a, bool *balanced);

#endif
