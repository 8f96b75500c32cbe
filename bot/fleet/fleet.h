/* The fleet: choosing a place, bringing panels in line with what is wanted, watching them.
 *
 * Reconcile jobs are per (subscription, panel), in the panel's lane, so that a panel has one write in flight (B23). A job
 * looks, asks the pure rule for the next single step, makes that one call, looks again, and ends when both agree. */
#ifndef OBOL_FLEET_FLEET_H
#define OBOL_FLEET_FLEET_H

#include "bot/core/jobs.h"
#include "bot/fleet/panel.h"
#include "lib/links/address.h"

/* --- a place for a new access (R134–R136) --- */

struct place_wish {
	const char *protocol, *region;   /* NULL: any */
	int64_t panel_id, inbound_id;    /* 0: by rule */
	int64_t order_id;                /* its own reservation does not count against it; 0: none */
	int64_t leaving_id;              /* a subscription that wants to stand elsewhere: not on its panels; 0: none */
};
struct place { int64_t panel_id, inbound_id; };
/* By priority, then load (share of capacity, by weight), then free capacity, then id. Free = capacity − clients −
 * reservations, for panel and inbound. Down, draining, new and failing panels, and inbounds that are not for sale, off or
 * gone are left out. E_NOROOM: no place. */
enum err place_find(struct place *out, struct act *a, const struct place_wish *w);

/* Where it could be, for people to choose from: the best place of each region, by name. Panels without a region stand for
 * themselves. At most max. */
#define PLACE_CHOICES_MAX 24
struct place_choice { struct place place; const char *name; bool is_region; };
enum err place_choices(struct place_choice *out, size_t *count, size_t max, struct act *a, const struct place_wish *w);

/* The choice itself, pure. */
struct candidate {
	struct place place;
	int priority, weight;
	int64_t clients, capacity;                   /* of the panel, reservations counted as clients; capacity 0: no limit */
	int64_t inbound_clients, inbound_capacity;
};
int place_choose(const struct candidate *c, size_t count); /* index or -1 */

/* --- reconcile --- */

struct sub_want { bool gone, enabled; int64_t expires_ms, quota_bytes; int limit_ip; int64_t reset_rev; };
/* found: how many there are (B51). stale: an update is due although these values may agree: after a reset, when the panel's
 * two places differ, when its keys are not ours any more, when it is to get another name. */
struct sub_have { bool exists, enabled, stale; int64_t expires_ms, quota_bytes; int limit_ip; int found; };
enum sub_step { STEP_NOTHING, STEP_CREATE, STEP_RESET, STEP_UPDATE, STEP_DELETE };
enum sub_step sub_next(const struct sub_want *w, const struct sub_have *h, int64_t done_reset_rev);

/* Asks for a job per panel of this subscription. */
enum err fleet_reconcile(struct act *a, int64_t subscription_id, enum job_prio prio);
/* A row in accesses with an e-mail that no other has: derived from name, within the panel's characters, plus a random suffix (R032). */
enum err access_add(int64_t *id, struct act *a, int64_t subscription_id, struct place place, struct str name);
void access_email(char *out, size_t size, struct str name); /* the rule, for its property test */
#define ACCESS_NAME_BYTES_MAX 32
bool access_name_fits(struct str name); /* one to so many of a–z, 0–9 and _, which every panel takes */
/* What the client of a subscription is called on its panel: of several the newest access. rename: what it is to be called
 * as soon as its panel has agreed; NULL: nothing else. E_NOTFOUND: it stands nowhere. */
struct access_name { int64_t access_id, panel_id; char *email, *rename; };
enum err access_name_get(struct access_name *out, struct act *a, int64_t subscription_id);
/* It gets another e-mail (R042) from the panel's reconcile; a panel that does not take it leaves the client its own, and
 * admins are told. name fits. The same name again changes nothing. E_NOTFOUND: it stands nowhere. E_CONFLICT: another
 * access there has or gets the name. E_BUSY: the panel may have another one under way and must be seen first. */
enum err access_rename(struct act *a, int64_t subscription_id, struct str name);
/* This place is no longer wanted: the access does not count any more, its panel's reconcile removes what stands there. */
enum err access_drop(struct act *a, int64_t access_id, enum job_prio prio);
/* The new access takes the place of the old one: as soon as its panel agrees, the old one is dropped, in that very
 * transaction, and access_replaced is told. Until then both stand and count. An old one dropped before is all right. */
enum err access_replace(struct act *a, int64_t new_id, int64_t old_id);
#define ACCESS_PASSWORD_BYTES_MAX 64
/* What a client of this protocol is given as its password, from the subscription's (base64 of 32 random bytes):
 *   shadowsocks, method 2022-…-aes-128-…   base64 of the first 16 bytes (24 characters)
 *   shadowsocks else, wireguard             as it is (44 characters: a 2022 key of 32 bytes, a private key)
 *   trojan, hysteria …                      the same bytes in base64url without padding (43): nothing to escape in links
 * out has at least ACCESS_PASSWORD_BYTES_MAX + 1 bytes. VLESS and VMess take the UUID instead. */
void access_password(char *out, size_t size, struct str password, struct str protocol, struct str method);
/* Share links of this subscription, one a line, from what the panels showed last; empty: not known yet. */
struct access_links { struct str links, sub_url; };
enum err access_links(struct access_links *out, struct act *a, int64_t subscription_id);

/* The link a customer would get there, with a client that does not exist; of several the most reachable one. insisted:
 * its host is the very one that an admin gave. is_udp: nobody can tell from outside whether somebody listens. */
struct inbound_sample { struct str link, host; int64_t port; bool is_udp, insisted; enum link_reach reach; };
/* E_NOTFOUND: nothing a customer could use can be made of this inbound. */
enum err inbound_sample(struct inbound_sample *out, struct act *a, const struct panel *p, const struct inbound *in);

struct drift { int64_t id, access_id, subscription_id; char *field, *wanted, *seen, *email; int64_t found_ms; };
enum err drift_list(struct drift *out, size_t *count, size_t max, struct act *a);
/* E_NOTFOUND: decided, gone, or what is wanted has changed since. Adopting: E_REFUSED, a metered client would become
 * unlimited (B30); E_INVALID, an end that counts from the first use is no date that could be sold; E_CONFLICT, its owner is
 * banned. */
enum err drift_decide(struct act *a, int64_t drift_id, bool repair, int64_t admin_id);

/* --- watching and administration: all jobs in the panel's lane; the answers come through the hooks --- */

/* Of a panel; the last three of one client. */
enum panel_ask { ASK_TRIAL, ASK_TEST, ASK_INBOUNDS, ASK_ONLINE, ASK_HEALTH, ASK_CLIENT, ASK_IPS, ASK_IPS_CLEAR };
/* chat_id: who asked; the answer is sent there. */
enum err panel_ask(struct act *a, int64_t panel_id, enum panel_ask what, int64_t chat_id);
/* What the panels say about a client now, where it connected from, and have them forget that; an answer for each place the
 * subscription has. Nothing that is asked here changes what we know or want. The addresses are confidential: chat_id is
 * an admin's own. E_NOTFOUND: it has no place. */
enum err client_ask(struct act *a, int64_t subscription_id, enum panel_ask what, int64_t chat_id);

/* One per step, R147: name, TCP, TLS, login, list; after a test that succeeded also one for each of the first sold inbounds:
 * "link": somebody listens where its customers will connect to, or "link_udp": that cannot be tested. A link that fails is
 * a warning: the answer is ok, and what is sold stays sold. detail: what went wrong, or which address it is about. */
struct panel_step { const char *name; bool ok, skipped; int64_t ms; char *detail; };
#define PANEL_STEPS_MAX 8
#define PANEL_LINKS_TRIED_MAX 3
/* has_usage: the panel's accounting knows it; without, bytes are not 0 but unknown (R054). */
struct panel_client { bool exists, enabled, has_usage; int64_t up_bytes, down_bytes; };
struct panel_ip { struct str ip, when; }; /* when: as the panel writes it, in its own time; or empty */
struct panel_answer {
	enum panel_ask what;
	int64_t panel_id, chat_id;
	bool ok;
	enum err why;               /* E_AUTH, E_NOTFOUND (wrong base path), E_IO, E_VERSION, E_REFUSED … */
	const char *words;          /* the panel's own, bounded; NULL: none */
	bool untrusted;             /* no trusted TLS connection came about, nothing was sent */
	const char *peer_pin, *peer_fingerprint; /* of the certificate it showed; NULL: none was seen */
	struct panel_step steps[PANEL_STEPS_MAX];
	size_t steps_count;
	struct str online;          /* ASK_ONLINE: JSON array of {"inbound":id,"emails":[…]} */
	int64_t subscription_id;    /* of the questions about a client; else 0 */
	const char *email;
	struct panel_client client; /* ASK_CLIENT */
	const struct panel_ip *ips; /* ASK_IPS; ASK_IPS_CLEAR: what is left */
	size_t ips_count;
};

struct fleet_hooks {
	enum err (*access_ready)(struct act *a, int64_t subscription_id, int64_t done_rev);
	enum err (*access_waits)(struct act *a, int64_t subscription_id);   /* the panel does not answer: called at every failed attempt */
	enum err (*usage_seen)(struct act *a, int64_t subscription_id, int64_t up_bytes, int64_t down_bytes); /* since the last reset, at all its places, left ones too */
	enum err (*answered)(struct act *a, const struct panel_answer *answer);
	bool (*repairs_drift)(struct act *a);  /* SETTING_DRIFT_REPAIR; NULL: no */
	enum err (*adopts_end)(struct act *a, int64_t subscription_id, int64_t expires_ms); /* moved by hand on its panel, and wanted there now: sets it, revision + 1; must be there */
	enum err (*access_replaced)(struct act *a, int64_t subscription_id, bool elsewhere); /* its links are others now; elsewhere: on another panel */
};
void fleet_set_hooks(const struct fleet_hooks *hooks);

extern const struct job_kind fleet_job_reconcile;  /* subject "SUB:PANEL" */
extern const struct job_kind fleet_job_ask;        /* subject "PANEL:WHAT:CHAT[:ACCESS]" */
extern const struct job_kind fleet_job_watch;      /* subject PANEL: cheap check every minute; inbounds, counts */
enum err fleet_watch(struct act *a);               /* schedule, every minute: a watch job per panel */
extern const struct job_kind fleet_job_sweep;      /* subject PANEL: all clients that are due for a look, in one reading */
enum err fleet_look_due(struct act *a);            /* schedule, every 15 minutes: a sweep per panel (usage, drift) */

#endif
