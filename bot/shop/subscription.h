/* Subscriptions: what a customer owns, as wanted. Panels are brought in line by bot/fleet/reconcile.
 *
 * Every change of what is wanted raises the revision and asks for reconcile jobs; nothing here talks to a panel. */
#ifndef OBOL_SHOP_SUBSCRIPTION_H
#define OBOL_SHOP_SUBSCRIPTION_H

#include "bot/fleet/fleet.h"
#include "bot/shop/plan.h"
#include "bot/shop/user.h"
#include "lib/base/rand.h"

#define SUB_ID_CHARS 20
#define SUB_PASSWORD_CHARS 44    /* base64 of 32 random bytes: fits every Shadowsocks 2022 key size, see access_password */
#define SUBS_PER_USER_MAX 50

struct subscription {
	int64_t id;
	char public_id[PUBLIC_ID_CHARS + 1];
	int64_t user_id, plan_id;
	char sub_id[SUB_ID_CHARS + 1], uuid[UUID_CHARS + 1], password[SUB_PASSWORD_CHARS + 1];
	bool trial;
	int64_t expires_ms, quota_bytes;
	int limit_ip, reset_days;
	bool enabled, gone, ban_stopped, time_stopped;
	int64_t reset_rev, revision, period;
	int64_t begun_rev;           /* from this revision on its time counts without a gap; what was given before is used up */
	int64_t grace_until_ms;
	int64_t ends_otherwise_ms;   /* of one without end: the end by all else that was sold and given; 1: there was none */
	int64_t used_bytes, used_seen_ms;
	int64_t created_ms, deleted_ms;
};

/* What a panel is told as the end: the later of expiry and grace; 0: without end. */
int64_t sub_ends_ms(const struct subscription *s);
bool sub_is_running(const struct subscription *s, int64_t now_ms); /* in its time or in the grace: what is bought now adds to it */
bool sub_is_kept_off(const struct subscription *s, int64_t now_ms); /* by hand, in its time: no purchase switches it on, so none is sold for it */

/* Pure rules, tested as tables. Held is "on hold": paid and wanted, but it stands still until somebody else acts: its panel
 * answers for the first time, or the shop decides about a client that was switched off by hand. */
enum sub_place { PLACE_STANDS, PLACE_AWAITED, PLACE_HELD };
enum sub_status { SUB_ACTIVE, SUB_CREATING, SUB_HELD, SUB_LIMITED, SUB_GRACE, SUB_EXPIRED, SUB_DISABLED, SUB_GONE };
enum sub_status sub_status(const struct subscription *s, enum sub_place place, int64_t now_ms);
const char *sub_status_name(enum sub_status status); /* last part of the locale key "sub.status.…" */

/* What a renewal makes of it (K3, R185): expiry = max(now, our expiry) + duration, inside the grace counted from the old
 * expiry; 0 days = without end, and what is without end stays so. Days are never lost. Of the quota, keep adds what is
 * left of the running period by the last look, restart begins anew; a plan's quota never becomes 0 = unlimited (B30). What was
 * taken back counts for nothing. */
struct sub_terms { int64_t expires_ms, quota_bytes, ends_otherwise_ms; };
struct sub_terms sub_renewed(const struct subscription *s, int days, int64_t quota_bytes, bool restart, int64_t now_ms);

enum err sub_get(struct subscription *out, struct act *a, int64_t id);
enum err sub_by_public_id(struct subscription *out, struct act *a, struct str public_id); /* E_NOTFOUND */
enum err sub_list(struct subscription *out, size_t *count, size_t max, struct act *a, int64_t user_id); /* not deleted, newest first */

/* Draws sub id, UUID, password, chooses nothing: the place is the order's. Stores it with its access row(s). */
struct sub_new {
	int64_t user_id, plan_id;
	bool trial;
	int days, limit_ip, reset_days;
	int64_t quota_bytes;
	int64_t panel_id, inbound_id;
};
enum err sub_create(struct subscription *out, struct act *a, const struct sub_new *n);

enum err sub_set_terms(struct act *a, struct subscription *s, const struct sub_terms *t, bool bought); /* a period of its own; bought: its traffic begins anew, too, else something is taken back */
enum err sub_extend(struct act *a, struct subscription *s, int64_t by_ms);      /* gift, bonus: from max(now, expiry); without end stays so */
enum err sub_begin_anew(struct act *a, struct subscription *s, int64_t by_ms, int64_t begun_rev); /* the same when it is over, for time that was given with begun_rev or later and never ran */
enum err sub_adopt_end(struct act *a, int64_t subscription_id, int64_t expires_ms); /* fleet_hooks.adopts_end */
enum err sub_set_quota(struct act *a, struct subscription *s, int64_t quota_bytes);
enum err sub_set_limit_ip(struct act *a, struct subscription *s, int limit_ip);
enum err sub_reset_traffic(struct act *a, struct subscription *s);
enum err sub_set_banned(struct act *a, struct subscription *s, bool banned);    /* off; after the ban on again, unless it has ended or was off by hand */
enum err sub_revoke(struct act *a, struct subscription *s);                     /* gone from the panels; the row stays */
enum err sub_new_keys(struct act *a, struct subscription *s);                   /* "new link": other UUID, password, sub id on the customer's word */

/* "Change server": another panel that is on sale and fits the plan; keys, end and quota stay, and what was used stays used.
 * The old place goes once the new one stands (access_replace): at no moment is there none. */
enum err sub_places(struct place_choice *out, size_t *count, size_t max, struct act *a, const struct subscription *s);
/* Onto that panel. E_NOROOM: no place there now; E_CONFLICT: not where it stands well, or on its way already. */
enum err sub_move(struct act *a, struct subscription *s, int64_t panel_id);
/* Where it is on its way to; E_NOTFOUND: nowhere. */
enum err sub_moving_to(struct place_choice *out, struct act *a, const struct subscription *s);
enum err sub_stay(struct act *a, struct subscription *s);                       /* not on its way any more */
/* A pasted link or subscription address proves possession: binds the subscription of ours to this user.
 * E_NOTFOUND: no panel of ours has it; E_CONFLICT: somebody else's. */
enum err sub_claim(struct subscription *out, struct act *a, const struct user *u, struct str pasted);

#endif
