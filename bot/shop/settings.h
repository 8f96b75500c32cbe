/* Settings of the shop in the settings table, each a row of one table: name, kind, bounds, default. */
#ifndef OBOL_SHOP_SETTINGS_H
#define OBOL_SHOP_SETTINGS_H

#include "bot/core/act.h"

enum setting {
	SETTING_GRACE_HOURS,        /* enabled so long after expiry, once per period; 24 */
	SETTING_DELETE_DAYS,        /* from expiry to deletion on the panel; 14 */
	SETTING_REFERRAL_DAYS,      /* reward per referred first purchase; 7, 0: off */
	SETTING_REFERRAL_HOLD_HOURS, /* 0 */
	SETTING_TRIAL_ON,           /* 1 when a trial plan exists */
	SETTING_MAINTENANCE,        /* 1: no sales, people are told */
	SETTING_ADMIN_CHAT,         /* group or channel for alerts; 0: each admin's own chat */
	SETTING_ADMIN_THREAD,
	SETTING_ZONE,               /* text: IANA name */
	SETTING_SUPPORT,            /* text: @name or link shown by /support */
	SETTING_TERMS,              /* text shown by /terms */
	SETTING_DRIFT_REPAIR,       /* 1: shorter or smaller is repaired without asking */
	SETTING_SALE_NOTICES,       /* 1: admins hear of each sale */
	SETTING_WEB_ACCOUNTS,       /* 1: the customers' API answers on HTTP_LISTEN */
	SETTINGS_COUNT
};

struct setting_row {
	const char *key;            /* in the table, and for /settings */
	bool is_text;
	int64_t min, max, otherwise; /* of a number */
	size_t bytes_max;           /* of a text */
};
const struct setting_row *setting_row(enum setting s);

int64_t setting_i64(struct act *a, enum setting s);       /* the default when missing or broken */
struct str setting_text(struct act *a, enum setting s);   /* empty when missing */
/* E_INVALID: not a number, out of bounds, too long. */
enum err setting_set(struct act *a, enum setting s, struct str value);
/* Back to what it was before the last setting_set that changed it; again: forward. E_NOTFOUND: it was never changed. */
enum err setting_undo(struct act *a, enum setting s);

#endif
