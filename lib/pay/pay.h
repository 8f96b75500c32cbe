/* Payment providers as data: what we ask them, what they answer, what they call back with.
 *
 * A provider is a row of facts and functions (struct pay_provider). The functions turn our values into a request and
 * an answer into our values; they own no socket, no store and no clock, and decide nothing: whether money fits an
 * order is the shop's business. What a provider cannot do is a NULL function.
 *
 * Life of an invoice:   create → url for the payer → poll and callback, whichever comes first → perhaps refund
 * Outcome of create unknown (E_UNKNOWN, or the process died): find, page by page, and only then create again.
 *
 * Every event, from a poll or a callback, is the same struct pay_event, so that one rule decides on both. What an
 * event says is authentic but may be anything: an invoice we never made, another amount, another currency. */
#ifndef OBOL_PAY_PAY_H
#define OBOL_PAY_PAY_H

#include "lib/http/http.h"

#define PAY_INVOICE_CHARS_MAX 32            /* our ids: A-Z a-z 0-9 _ - */
#define PAY_REF_BYTES_MAX 512               /* a provider's ids: opaque text, as long as Telegram may make its own */
#define PAY_CALLBACK_BYTES_MAX (64 * 1024)
#define PAY_RAW_BYTES_MAX (16 * 1024)       /* of a message as kept with the payment */
#define PAY_KEYS_MAX 6
#define PAY_FIND_PAGES_MAX 20               /* then the answer to "is it there" is: nobody knows, ask a person */

enum pay_state {
	PAY_UNCLEAR,   /* a status we do not know: nothing is decided by it */
	PAY_PENDING,
	PAY_PAID,
	PAY_EXPIRED,
	PAY_CANCELED,
	PAY_FAILED,
	PAY_REFUNDED
};

const char *pay_state_name(enum pay_state s); /* for logs and tests */

/* --- configuration --- */

struct pay_key {
	const char *name;      /* "CRYPTO_PAY_TOKEN": environment and set-up screen */
	bool secret;           /* sealed in the store, blanked in logs */
	bool required;
	const char *otherwise; /* value when it is not given; NULL: the empty text */
};

struct pay_provider;

/* A provider switched on by the seller. Everything is borrowed; values stand in the order of provider->keys.
 * After a change to another account there are two for a while: a callback that one of them finds authentic is. */
struct pay_account {
	const struct pay_provider *provider;
	struct str values[PAY_KEYS_MAX];
};

/* Borrows all from what lookup gives for each key name (the empty str: not given).
 * E_NOTFOUND: a required key is missing, the provider stays hidden; E_INVALID: a value that cannot be right. */
enum err pay_account_init(struct pay_account *account, const struct pay_provider *provider,
			  struct str (*lookup)(void *ctx, const char *name), void *ctx);

/* --- asking --- */

/* What the payer is to pay, as it stands on our invoice. */
struct pay_quote {
	struct str invoice;      /* our id of this attempt to pay */
	int64_t amount_minor;
	struct str currency;
	struct str description;  /* one line, in the payer's language; cut to what the provider takes */
	struct str return_url;   /* where the payer goes back to; may be empty */
	struct str callback_url; /* for providers that take one with each invoice; may be empty */
	int64_t now_ms, expires_ms; /* expires_ms 0: the provider's default */
};

struct pay_created {
	struct str ref;          /* the provider's id, kept for poll, cancel and refund */
	struct str url;          /* where to pay, http(s) */
	int64_t expires_ms;      /* 0: the provider does not say */
};

/* Which open invoice is meant: providers differ in what they want to hear. */
struct pay_open {
	struct str invoice, ref;
	int64_t amount_minor;
	struct str currency;
};

/* Says more about an error of a _read: for the log and the admins, no secrets. */
struct pay_trouble {
	char name[48];           /* the provider's own word ("AMOUNT_INVALID") or ours; "" when there is none */
	int64_t retry_after_ms;  /* with E_BUSY; 0: not said */
};

/* --- hearing --- */

struct pay_event {
	const char *provider;    /* its name */
	struct str invoice;      /* our id as the provider gives it back; empty: none, or none of ours by its form */
	struct str ref;          /* the provider's id of what was paid */
	struct str key;          /* equal for repetitions of the same fact, and only for them: (provider, key) is unique */
	enum pay_state state;
	/* What counts against the quote, never negative. exact is false when amount_text is no exact amount of a currency we
	 * know, or a negative one: the money is real, the number is not ours to guess. */
	bool exact;
	int64_t amount_minor;
	struct str currency, amount_text;
	/* What the payer really gave and what the provider kept of it, as decimal text of these coins; may be empty. */
	struct str got_text, got_currency, fee_text, fee_currency;
	struct str payer;        /* the provider's or Telegram's id of who paid; may be empty */
	bool recurring;          /* not asked for by this payer today */
	int64_t paid_ms;         /* 0: not said */
	struct str raw;          /* the provider's object as JSON, personal and secret members blanked; may be empty */
};

enum pay_verdict {
	PAY_FORGED,    /* not from the provider: no state changes, the sender learns nothing */
	PAY_AUTHENTIC, /* from the provider: event counts (or there is none: it told something of no interest) */
	PAY_HINT       /* nobody signed it: worth a poll of event.invoice or event.ref, nothing more */
};

struct pay_inbound {
	enum http_method method;
	struct str query;                  /* behind the '?', not decoded */
	const struct http_header *headers; /* names in any case */
	size_t headers_count;
	struct str body;                   /* the exact bytes */
	int64_t now_ms;
};

struct pay_callback {
	enum pay_verdict verdict;
	bool has_event;
	struct pay_event event;
	/* What to answer after the commit; on a failed one it is 503 without a body, so that it comes again. */
	int status;
	const char *type;
	struct str body;
	const char *why;                   /* for the log when there is no event; never NULL */
};

/* --- the row --- */

enum pay_flow {
	PAY_FLOW_CHAT, /* Telegram itself is the till: an invoice message, no page, no callback */
	PAY_FLOW_PAGE  /* create gives a url */
};

enum pay_refund_kind { PAY_REFUND_NONE, PAY_REFUND_WHOLE, PAY_REFUND_PART };

struct pay_refund {
	struct str invoice, ref;
	int64_t amount_minor;
	struct str currency;
	struct str key;                    /* ours: the same again never pays back twice */
};

struct pay_currency {
	const char *code;
	int64_t min_minor, max_minor;      /* of one invoice; max 0: not known */
};

/* Errors of all _read: OK; E_REFUSED: the provider said no, again would be no; E_AUTH: it does not take our keys;
 * E_BUSY: come back later, nothing happened; E_IO: our words never got there; E_UNKNOWN: it may have happened.
 * Builders take everything they point to from the arena; E_INVALID: this quote is not one for this provider. */
struct pay_provider {
	const char *name;                  /* in tables, logs, callback paths, locale keys */
	enum pay_flow flow;
	struct pay_key keys[PAY_KEYS_MAX]; /* ends with a NULL name or at the maximum */
	const struct pay_currency *currencies;
	size_t currencies_count;
	enum pay_refund_kind refund;
	bool refund_in_chat;               /* by a Bot API call instead of refund_build */
	bool poll_in_chat;                 /* by the bot's own list of transactions instead of poll_build */
	int64_t expires_min_ms, expires_max_ms; /* how long an invoice may live there; 0: no bound */
	int64_t poll_every_ms;             /* how often an open invoice is looked at */
	size_t poll_batch_max;             /* invoices in one poll */

	enum err (*account_check)(const struct pay_account *account); /* E_INVALID: a value that cannot be right */
	/* What stays the same while its secret is changed, and is none: invoices made with one key are found with another of
	 * the same name. Plain letters and digits. */
	struct str (*account_name)(const struct pay_account *account);

	/* A harmless call that shows whether the keys work, for set-up and `obol check`. */
	enum err (*probe_build)(struct http_request *out, struct arena *a, const struct pay_account *account);
	enum err (*probe_read)(struct pay_trouble *trouble, struct arena *a, const struct http_response *r);

	enum err (*create_build)(struct http_request *out, struct arena *a, const struct pay_account *account,
				 const struct pay_quote *quote);
	enum err (*create_read)(struct pay_created *out, struct pay_trouble *trouble, struct arena *a,
				const struct pay_account *account, const struct http_response *r);

	/* Is there an unpaid invoice with our id? The first call has an empty cursor. Not before the time-out of the
	 * create is over: until then the provider may still be making it. find_read gets *cursor as it was asked with.
	 * OK: out is it. E_NOTFOUND: not on this page; *cursor is where to go on, empty: it is nowhere. */
	enum err (*find_build)(struct http_request *out, struct arena *a, const struct pay_account *account,
			       struct str invoice, struct str cursor);
	enum err (*find_read)(struct pay_created *out, struct str *cursor, struct pay_trouble *trouble, struct arena *a,
			      struct str invoice, const struct http_response *r);

	/* n is at most poll_batch_max. One event for each the provider knows, in any order and in any state; one that is
	 * missing is not known there. */
	enum err (*poll_build)(struct http_request *out, struct arena *a, const struct pay_account *account,
			       const struct pay_open *open, size_t n);
	enum err (*poll_read)(struct pay_event **events, size_t *n, struct pay_trouble *trouble, struct arena *a,
			      const struct http_response *r);

	/* Never fails: a callback that cannot be understood has a verdict too. Larger than PAY_CALLBACK_BYTES_MAX is forged. */
	void (*callback_read)(struct pay_callback *out, struct arena *a, const struct pay_account *account,
			      const struct pay_inbound *in);

	/* Takes an unpaid invoice back. OK: nobody can pay it any more; E_CONFLICT: it is no longer open, poll it. */
	enum err (*cancel_build)(struct http_request *out, struct arena *a, const struct pay_account *account,
				 const struct pay_open *open);
	enum err (*cancel_read)(struct pay_trouble *trouble, struct arena *a, const struct http_response *r);

	/* OK: the payer has it back, also when it had been done before; E_BUSY: under way, ask again with the same key. */
	enum err (*refund_build)(struct http_request *out, struct arena *a, const struct pay_account *account,
				 const struct pay_refund *refund);
	enum err (*refund_read)(struct pay_trouble *trouble, struct arena *a, const struct http_response *r);
};

size_t pay_provider_count(void);
const struct pay_provider *pay_provider_at(size_t i);
const struct pay_provider *pay_provider_find(struct str name); /* NULL: not built */

/* The row of provider->currencies for this code (either case); NULL: the provider does not take it. */
const struct pay_currency *pay_currency_find(const struct pay_provider *p, struct str code);
/* Can this amount be paid there at all? Also what every create_build checks first. */
bool pay_takes(const struct pay_provider *p, int64_t amount_minor, struct str currency);

extern const struct pay_provider pay_stars, pay_crypto_pay;

#endif
