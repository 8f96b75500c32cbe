/* Plans: what can be bought. A plan's later change never touches what was sold (orders copy it). */
#ifndef OBOL_SHOP_PLAN_H
#define OBOL_SHOP_PLAN_H

#include "bot/core/act.h"

#define PLAN_NAME_BYTES_MAX 128
#define PLAN_DAYS_MAX 3660
#define PLAN_PRICES_MAX 8
#define PLAN_LIST_MAX 50
#define GIB_BYTES (INT64_C(1) << 30) /* plans say GB, panels take bytes: multiplied here and nowhere else (R050) */

struct price {
	char currency[8];
	int64_t amount_minor;
};

struct plan {
	int64_t id;
	char *name;
	int days;                /* 0: without end */
	int64_t quota_bytes;     /* 0: unlimited */
	int limit_ip;            /* devices at once; 0: unlimited */
	int reset_days;
	char *protocol, *region; /* NULL: any */
	int64_t panel_id, inbound_id; /* 0: by rule */
	bool restart;            /* early renewal: false keeps what is left, true starts anew */
	bool trial, on_sale;
	struct price prices[PLAN_PRICES_MAX];
	size_t prices_count;
};

enum err plan_get(struct plan *out, struct act *a, int64_t id); /* also withdrawn ones. E_NOTFOUND */
/* At most max; on_sale_only leaves out trials too. */
enum err plan_list(struct plan *out, size_t *count, size_t max, struct act *a, bool on_sale_only);
enum err plan_trial(struct plan *out, struct act *a);           /* the plan given as trial. E_NOTFOUND */
/* Checks every value (R177's kind: E_INVALID names nothing; screens check first with the same limits) and stores. */
enum err plan_add(int64_t *id, struct act *a, const struct plan *p);
enum err plan_update(struct act *a, const struct plan *p);
enum err plan_delete(struct act *a, int64_t id);                /* withdrawn for ever; its name stays readable */
/* Price in that currency. E_NOTFOUND: not sold for it. */
enum err plan_price(int64_t *amount_minor, const struct plan *p, const char *currency);

#endif
