/* Crypto Pay as a model: one app of @CryptoBot with its invoices and the callbacks it sends.
 *
 * Time passes only by request.now_ms and cryptopay_sim_advance: an invoice whose time is over expires then. Callbacks
 * are data that a test takes and delivers as it likes: once, twice, late, in another order, or never.
 *
 * Facts: the reference's payments.md, section 3. The names of errors it does not give are invented (only the code and
 * the presence of a name are relied upon). */
#ifndef OBOL_SIM_CRYPTOPAY_H
#define OBOL_SIM_CRYPTOPAY_H

#include "tests/sim/sim.h"

struct cryptopay_sim;

struct cryptopay_sim *cryptopay_sim_new(const char *token); /* copied; callbacks are signed with it */
/* Another app of the same service: no two invoices of the service have the same id. */
struct cryptopay_sim *cryptopay_sim_new_app(const char *token, int64_t first_id);
void cryptopay_sim_set_token(struct cryptopay_sim *sim, const char *token); /* revoked and made anew */
void cryptopay_sim_free(struct cryptopay_sim *sim);
sim_handler cryptopay_sim_handle;
void cryptopay_sim_advance(struct cryptopay_sim *sim, int64_t now_ms);

/* --- people and time --- */

struct cryptopay_view {
	int64_t id;
	struct str payload, status, currency, amount, description; /* borrowed until the next call */
	int64_t created_ms, expires_ms; /* expires_ms 0: never */
};

size_t cryptopay_sim_count_invoices(const struct cryptopay_sim *sim);
/* The latest with this payload; a payload may have come twice, times says how often (NULL: not asked). */
bool cryptopay_sim_find(struct cryptopay_view *out, size_t *times, struct cryptopay_sim *sim, const char *payload);
/* The one that a pay button leads to. */
bool cryptopay_sim_find_url(struct cryptopay_view *out, struct cryptopay_sim *sim, const char *url);

/* The payer presses "pay": paid whole in this asset at a made-up rate; a callback is queued.
 * E_NOTFOUND; E_CONFLICT: paid already, expired or deleted. */
enum err cryptopay_sim_pay(struct cryptopay_sim *sim, int64_t id, const char *asset, int64_t now_ms);
enum err cryptopay_sim_expire(struct cryptopay_sim *sim, int64_t id); /* now, whatever its time */

/* --- callbacks --- */

struct cryptopay_callback {
	struct http_header headers[4]; /* names as the service writes them */
	size_t headers_count;
	struct str body;
	int64_t id;                    /* the invoice */
};

/* The next queued callback that is due, in the arena; false: none. It is sent again after a delay unless it is settled
 * with a status of 2xx. */
bool cryptopay_sim_take_callback(struct cryptopay_callback *out, struct cryptopay_sim *sim, struct arena *a, int64_t now_ms);
void cryptopay_sim_settle_callback(struct cryptopay_sim *sim, const struct cryptopay_callback *callback, int status);
size_t cryptopay_sim_queued(const struct cryptopay_sim *sim); /* not yet settled */

enum cryptopay_lie {
	CRYPTOPAY_TRUE,          /* as the service sends it; each has an update_id of its own */
	CRYPTOPAY_OTHER_KEY,     /* signed with another app's token */
	CRYPTOPAY_UNSIGNED,      /* no header */
	CRYPTOPAY_EMPTY,         /* an empty header */
	CRYPTOPAY_CHANGED,       /* one byte of the body changed after signing */
	CRYPTOPAY_UPPER_HEX,     /* authentic: the digits as capitals */
	CRYPTOPAY_OTHER_AMOUNT,  /* authentic: a tenth less than the invoice */
	CRYPTOPAY_OTHER_CURRENCY, /* authentic: the same number in another currency */
	CRYPTOPAY_OTHER_PAYLOAD, /* authentic: an invoice of ours that we never made */
	CRYPTOPAY_NOT_PAID,      /* authentic: status active */
	CRYPTOPAY_OTHER_UPDATE   /* authentic: an update_type of a later version */
};

/* A callback about this invoice made on demand, queued nowhere. Unless it is paid, it is told as if it were. */
enum err cryptopay_sim_make_callback(struct cryptopay_callback *out, struct cryptopay_sim *sim, struct arena *a, int64_t id,
				     enum cryptopay_lie lie, int64_t now_ms);

/* --- misbehaviour --- */

enum cryptopay_fault {
	CRYPTOPAY_NETWORK,    /* rule.trouble happens to the answer */
	CRYPTOPAY_REFUSE,     /* 400, ok:false, rule.text as name */
	CRYPTOPAY_TOO_MANY,   /* 429 with Retry-After: 5 */
	CRYPTOPAY_HTML_502,   /* what the proxy in front of it says */
	CRYPTOPAY_ERROR_500,  /* ok:false, code 500 */
	CRYPTOPAY_WRONG_JSON  /* 200 and rule.text (NULL: half an object) */
};

struct cryptopay_rule {
	const char *method;   /* "createInvoice"; NULL: any */
	int nth;              /* first call it strikes, counted from when the rule was added; 0 is 1 */
	int times;            /* how many calls in a row; 0: for ever */
	enum cryptopay_fault fault;
	bool after;           /* the request takes effect first, only the answer is spoilt */
	struct sim_trouble trouble;
	const char *text;
};

/* Copied, its text borrowed; the first that fits wins. */
void cryptopay_sim_add_rule(struct cryptopay_sim *sim, const struct cryptopay_rule *rule);
void cryptopay_sim_clear_rules(struct cryptopay_sim *sim);

/* Calls of a method since the start, refused and spoilt ones too; NULL: all. */
size_t cryptopay_sim_count(const struct cryptopay_sim *sim, const char *method);

#endif
