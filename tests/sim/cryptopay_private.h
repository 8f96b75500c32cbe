/* What the files of the Crypto Pay model share.
 *
 * cryptopay.c           its invoices: what payers and time do to them, how they are written
 * cryptopay_api.c       the four methods, and answers that are spoilt on purpose
 * cryptopay_callback.c  what it tells the shop by itself, and its lies */
#ifndef OBOL_SIM_CRYPTOPAY_PRIVATE_H
#define OBOL_SIM_CRYPTOPAY_PRIVATE_H

#include "tests/sim/cryptopay.h"

#include "lib/base/json.h"
#include "lib/base/money.h"

#define RULES_MAX 16
#define METHODS_MAX 8
#define HASH_CHARS 12

enum status { ACTIVE, PAID, EXPIRED };

struct invoice {
	int64_t id;
	enum status status;
	bool deleted;
	char hash[HASH_CHARS + 1];
	bool fiat;
	const struct currency *currency;
	int64_t amount_minor;
	const char *payload, *description, *accepted, *button, *button_url; /* NULL: not given */
	bool comments, anonymous;
	int64_t created_ms, expires_ms, paid_ms;
	char asset[8];           /* paid in */
	/* the callback about it: next_ms 0 means nothing is queued */
	int64_t next_ms;
	int deliveries;
};

struct rule {
	struct cryptopay_rule rule;
	int seen;
};

struct calls {
	char method[24];
	size_t count;
};

struct cryptopay_sim {
	struct arena memory;
	char *token;
	int64_t first_id;
	struct invoice *invoices;
	size_t count, cap;
	int64_t last_update;
	struct rule rules[RULES_MAX];
	size_t rules_count;
	struct calls calls[METHODS_MAX];
	size_t calls_count, calls_all;
};

extern const char *const cryptopay_status_names[]; /* by enum status */

struct invoice *cryptopay_invoice_new(struct cryptopay_sim *sim, int64_t now_ms); /* active, and nothing else yet */
struct invoice *cryptopay_invoice_find(struct cryptopay_sim *sim, int64_t id);    /* NULL: none, or deleted */
void cryptopay_put_time(struct json_out *j, const char *key, int64_t ms);
void cryptopay_put_invoice(struct json_out *j, const struct invoice *in);

#endif
