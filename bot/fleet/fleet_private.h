/* What the files of the fleet share.
 *
 * panel.c      panels as rows          inbound.c    their inbounds as rows
 * work.c       an operation of lib/xui inside a job: session, log, state of the panel, alerts
 * rule.c       the pure rules          drift.c      what was changed by hand
 * reconcile.c  bringing one access in line  seen.c  what a look has shown  access_row.c  its row  rename.c  its other name
 * step.c       what one write asks for  move.c  another place  stuck.c  telling that it gets nowhere
 * sample.c     a link that belongs to nobody
 * link.c       share links             sweep.c      all clients of a panel in one reading
 * ask.c, watch.c  what else panels are asked */
#ifndef OBOL_FLEET_PRIVATE_H
#define OBOL_FLEET_PRIVATE_H

#include "bot/fleet/fleet.h"
#include "lib/xui/xui.h"

#define JOB_RECONCILE "reconcile"
#define JOB_ASK "panel_ask"
#define JOB_WATCH "panel_watch"
#define JOB_SWEEP "panel_sweep"

extern struct fleet_hooks fleet_hooks;

/* Host of a panel's address, without port and brackets; borrowed from url. */
struct str panel_url_host(struct str url);
enum err panel_set_state(struct act *a, int64_t id, enum panel_state state);
enum err panel_job_each(struct act *a, const char *kind); /* a routine job for every panel, in its lane */
/* The text sealed in this column, NULL when there is none or it cannot be opened (logged). */
char *panel_unseal(struct act *a, struct arena *arena, const char *table, const char *column, int64_t row, struct str blob);

/* --- work: one operation after the other on one panel, within one run of a job --- */

struct work {
	int64_t panel_id;
	const char *name, *host;   /* host: typed by the seller, or NULL */
	enum panel_state state;    /* follows what the operations show */
	uint64_t login;            /* a mark of address and credentials as they were read */
	bool is_outdated;          /* they are others by now, or it was removed: what it says is no news of the panel */
	int64_t refreshed_ms;
	int failures;
	struct http_trust trust;
	struct xui_panel panel;
	struct xui_op *op;         /* NULL: none begun */
	const struct xui_result *result; /* of the last one ended; lives as long as the run */
	struct http_request request;
	char *route;               /* of the call under way, fit for the log */
	/* the last answer */
	bool answered;             /* there was one in this operation */
	enum http_failure failure;
	bool unsent;
	int status;
	const char *detail;
	const char *peer_pin, *peer_fingerprint; /* of the certificate that was not believed; NULL: none was seen */
	int64_t last_ms, total_ms; /* of the last call, of all calls of the operation */
};

/* Reads the panel's row, credentials and session into the job's arena. E_NOTFOUND: no such panel, or deleted. */
enum err work_open(struct work *w, struct act *a, struct job *job, int64_t panel_id);
/* Begins an operation, or moves it on with an answer. *ended false: job_call has been said. true: w->result. ask and its
 * texts live as long as the run. An error is the store's. */
enum err work_begin(struct work *w, struct act *a, struct job *job, const struct xui_ask *ask, bool *ended);
enum err work_answer(struct work *w, struct act *a, struct job *job, const struct http_response *answer, bool *ended);
void work_release(struct work *w);

/* After a failure: nobody listened there, and this run may have two more tries, 5 s apart (R140). Then job_later has been said. */
bool work_tries_again(const struct work *w, const struct act *a, struct job *job);
/* For job_later and people who read logs: what the failure was, without secrets. */
const char *work_reason(const struct work *w);
/* A trial succeeded, or an admin had a failing panel tested: it may be sold from. */
enum err work_is_good(struct work *w, struct act *a);

/* --- inbounds --- */

enum err inbound_store(struct act *a, int64_t panel_id, const struct xui_result *r); /* what a list showed */
/* As links are made from it, with the panel's hosts before it. E_INVALID: it cannot be read. */
struct link_inbound;
enum err inbound_for_links(struct link_inbound *out, struct act *a, const struct inbound *in);

enum err panel_keep_settings(struct act *a, const struct work *w); /* after XUI_SETTINGS */

/* --- an access with what its subscription wants --- */

enum terms_field { FIELD_UNTIL, FIELD_QUOTA, FIELD_DEVICES, FIELD_ENABLED, FIELDS };
struct terms { int64_t at[FIELDS]; };   /* ms, bytes, count, 0 or 1 */
const char *terms_field_name(enum terms_field f);

struct access {
	int64_t id, subscription_id, panel_id, inbound_id;
	char *email, *rename;            /* rename: the e-mail it is to get; NULL: none */
	bool seen_exists, writing, update_due, has_link;
	struct terms seen, wrote;
	bool left[FIELDS];               /* since drift_check: differs by hand and waits for a person */
	int64_t written_rev, done_rev, done_reset_rev;
	int64_t replaces_id;             /* 0: none */
	int64_t elsewhere_bytes;         /* of what was sold, used at other places: want has the quota without it */
	char *panel_uuid, *panel_sub_id; /* NULL: not seen yet */
	/* its subscription */
	char *public_id, *sub_id, *uuid, *password, *protocol, *region;
	char *inbound_protocol;     /* "" when the inbound has not been seen yet */
	int64_t telegram_id;
	int64_t fixed_panel_id, fixed_inbound_id; /* of the plan; 0: by rule */
	bool gone, metered;              /* metered: what was sold has a quota */
	struct terms want;
	int64_t reset_days, reset_rev, revision, changed_ms;
};

/* What subscription s has used since its last reset, on all its places (y: any of them) or on others than access x. A
 * place that was left counts by what it showed last: what was used is not given again. */
#define USED_SUM_SQL "coalesce((SELECT sum(y.seen_up_bytes+y.seen_down_bytes) FROM accesses y WHERE y.subscription_id=s.id AND y.done_reset_rev>=s.reset_rev"
#define USED_ELSEWHERE_SQL USED_SUM_SQL " AND y.id<>x.id), 0)"

/* A job of this panel about this subscription, at once. */
enum err access_ask(struct act *a, int64_t subscription_id, int64_t panel_id, enum job_prio prio);
/* The first access of this subscription on this panel with a larger id; dropped ones too, until the panel has been seen
 * without them: gone is true for those. E_NOTFOUND. */
enum err access_read(struct access *out, struct act *a, int64_t subscription_id, int64_t panel_id, int64_t after_id);
bool access_never_sent(const struct access *x); /* certain that its panel does not have it */
struct sub_want access_want(const struct access *x);
struct xui_client access_client(struct arena *arena, const struct access *x); /* as it should be; its texts live in arena */
/* Ours is what has our keys, those of now or those that the panel had before they were changed. */
bool access_is_ours(const struct access *x, const struct xui_look *l);
/* 3.1 and later may have a client that stands nowhere: detached by hand, or left behind under a name that was given up. */
bool client_stands_in(const struct xui_client *c, int64_t inbound_id);
/* Ours, where it is to stand. By hand it may have been moved to other inbounds: what is to go goes from there, too, and so do
 * keys that are no more. */
bool access_stands(const struct access *x, const struct xui_look *l);
/* --- what a look has shown (seen.c) --- */

/* Into the rows. *seen: as it counts; x->want and x->wrote: what to strive for and what is known, drift taken into account. */
enum err seen_take(struct terms *seen, struct act *a, struct access *x, const struct xui_look *l, const char *panel_name, int64_t *again_ms);
/* It is not there. panel_name NULL: nobody need be told, we have deleted it ourselves. */
enum err seen_missing(struct act *a, struct access *x, const char *panel_name);
/* An update is due although the values may agree. */
bool seen_is_stale(const struct access *x, const struct xui_look *l, int64_t now_ms);
bool access_has_other_keys(const struct access *x, const struct xui_client *c);
/* What the panel has counted for it. Of a place that is left it may be more than at the look before: that is taken off what
 * the others may still use. */
enum err access_used(struct act *a, const struct access *x, int64_t up_bytes, int64_t down_bytes);
/* Of everything that a look at it depends on, links included; 0: not to be had. For sweeps: the same mark, the same verdict. */
enum err access_mark(int64_t *mark, struct act *a, const struct work *w, const struct access *x, const struct xui_look *l);

/* --- drift --- */

enum drift_verdict { DRIFT_NONE, DRIFT_ADOPT, DRIFT_OVERRULED, DRIFT_REPORT };
/* What to make of one value that is on the panel. busy: we are about to write anyway, or just tried. */
enum drift_verdict drift_judge(enum terms_field f, const struct access *x, int64_t seen, bool busy);
/* What is wanted once the larger value seen by hand is ours too. */
int64_t drift_adopted(enum terms_field f, int64_t want, int64_t wrote, int64_t seen, int64_t changed_ms);
/* Compares what was seen with what we know of, adopts, reports; then x->wrote is what is known and x->want what to strive
 * for at this moment. *again_ms: look again then, 0: no need. */
enum err drift_check(struct act *a, struct access *x, const struct terms *seen, const char *panel_name, int64_t *again_ms);
/* A client of ours is missing: noted, it will be created again (R041). */
enum err drift_missing(struct act *a, const struct access *x, const char *panel_name);
/* The client is gone, as was wanted: what was open about it waits for nobody. */
enum err drift_gone(struct act *a, const struct access *x, const char *panel_name);

/* --- another name --- */

bool rename_is_due(const struct access *x, const struct xui_client *seen); /* it is to get a name that the panel does not show yet */
void rename_ask(struct xui_ask *ask, struct arena *arena, const struct access *x); /* the update under way gives it, too */
const char *rename_refusal(const struct xui_result *x); /* the panel's words to such an update, where they are a no; else NULL */
/* That no has decided, x->rename is none from here on: it keeps its name and an admin is told. */
enum err rename_refused(struct act *a, struct access *x, const char *words);
/* What a look under the name it is to get has found. *stands: our client, and the look is as good as one under its old
 * name. Else it is still to be looked for there; a name that is taken has been dropped, and an admin told. */
enum err rename_looked(bool *stands, struct act *a, const struct access *x, const char *name, const struct xui_look *look);
/* Renamed on the panel, by us or by hand: the name is only how we call it. */
enum err rename_follow(struct act *a, const struct access *x, const struct xui_client *seen);

/* A client that a look does not find and that may be there under a name that nobody told us. */
struct search { struct str uuid, sub_id; int64_t inbound_id; struct arena *arena; char *here, *elsewhere; }; /* e-mails of what was found in its inbound, in others; or NULL */
enum err search_is_due(bool *is_due, struct act *a, const struct access *x, enum xui_dialect dialect);
void search_ask(struct xui_ask *ask, struct search *s, struct arena *arena, const struct access *x); /* s outlives the operation */
/* *is_news: it was found, x is called so from here on and is to be looked at again. */
enum err search_found(bool *is_news, struct act *a, const struct access *x, const struct search *s);

/* --- steps of a reconcile --- */

void step_ask(struct xui_ask *ask, struct arena *arena, enum sub_step step, const struct access *x, const struct xui_look *l, enum xui_dialect dialect);
/* Only for an access that its panel was certainly never sent: to where it can stand, with a job there. *moved false: nowhere
 * to go, or its place is fixed. */
enum err access_move(bool *moved, struct act *a, const struct access *x);
/* detail: the panel's own words, or a word of ours, which has a sentence in the locales (admin.reason). */
enum err stuck_tell(struct act *a, int64_t subscription_id, int64_t panel_id, const char *detail);
enum err stuck_clear(struct act *a, int64_t subscription_id, int64_t panel_id);
/* The panel is removed: nothing waits there any more, and none of its inbounds needs an address. Nobody is told one by one. */
enum err stuck_clear_panel(struct act *a, int64_t panel_id);
/* host: the one that was left out of its links because no customer reaches it (B49), which is told while it lasts; NULL: none. */
enum err stuck_reach(struct act *a, const struct access *x, const char *panel_name, const char *host);
enum err stuck_left(struct act *a, const struct access *x, const char *panel_name); /* it was perhaps the last one that needed the address */

/* --- links --- */

/* The share links of this client on its inbound, one a line, as far as a customer can reach them. Empty: none.
 * *unreachable: a host that was left out because no customer reaches it (B49); NULL: none.
 * E_NOTFOUND: the inbound is not known yet. */
enum err link_build(struct str *out, const char **unreachable, struct act *a, const struct work *w, const struct access *x, const struct xui_client *c);

#endif
