/* The 3X-UI panel: data into requests, answers into data. Owns no socket and no clock.
 *
 * Three dialects (architecture.md): A = 2.x, B = 3.0.x, C = 3.1 and later. Which one a panel speaks is found out and kept
 * in struct xui_panel; all differences stand in one table (dialect.c). Facts about the panel are from its sources and from
 * recorded exchanges with real ones.
 *
 * An operation is a small state machine in memory:
 *
 *	op = xui_op_new(arena, panel, &ask);
 *	turn = xui_op_step(op, NULL, now_ms, &request);
 *	while (turn == XUI_CALL)
 *		send request, wait;  turn = xui_op_step(op, &response, now_ms, &request);
 *	result = xui_op_result(op);
 *	xui_op_release(op);
 *
 * It does by itself what stands before and around the call: finding the dialect, logging in, keeping and renewing the
 * session, one new login and one repetition when the panel has lost it. Only one operation of a panel may be under way
 * (R013; 2.x and 3.0.x lose clients when two writes meet). Nothing is repeated whose outcome is unknown: that is E_UNKNOWN
 * to the caller, who looks. */
#ifndef OBOL_XUI_XUI_H
#define OBOL_XUI_XUI_H

#include "lib/base/clock.h"
#include "lib/http/http.h"
#include "lib/xui/client.h"

#define XUI_COOKIE_MAX 2048
#define XUI_CSRF_MAX 128
#define XUI_VERSION_MAX 32
#define XUI_SESSION_LIFETIME_MS HOUR_MS
#define XUI_SESSION_MARGIN_MS (30 * SECOND_MS)
#define XUI_LOGIN_REST_MS (15 * MINUTE_MS) /* 3.x blocks a name for so long after five refusals */
#define XUI_READ_TIMEOUT_MS 30000
#define XUI_WRITE_TIMEOUT_MS 60000          /* a panel with a locked database answers after up to 28 s */
#define XUI_LONG_TIMEOUT_MS 180000          /* whole lists and the database file */
#define XUI_INBOUNDS_MAX 1000
#define XUI_HOSTS_MAX 2000                  /* more are not read */
#define XUI_IPS_MAX 256
#define XUI_MSG_MAX 500

enum xui_dialect { XUI_UNKNOWN, XUI_A, XUI_B, XUI_C };
const char *xui_dialect_name(enum xui_dialect d); /* "A" … or "?" */

/* GOOD: tried or known to behave. POOR: works, with faults that cost customers or traffic; ask the operator to update.
 * UNKNOWN: warn, and go on by dialect (R022). */
enum xui_support { XUI_SUPPORT_UNKNOWN, XUI_SUPPORT_GOOD, XUI_SUPPORT_POOR };

struct xui_session {
	char cookie[XUI_COOKIE_MAX];  /* name=value */
	char csrf[XUI_CSRF_MAX];      /* 3.x; lives as long as the cookie */
	int64_t created_ms;           /* 0: not logged in */
	int64_t expires_ms;
};

/* Texts are borrowed and outlive the operation; the rest is read and written by operations. */
struct xui_panel {
	const char *url;              /* origin and web base path, with or without the last slash */
	const char *username, *password; /* NULL: only a token */
	const char *totp_secret;      /* base32 as the panel shows it; NULL: no second factor */
	const char *token;            /* API token of 3.x; used where the panel takes it. NULL: none */
	const struct http_trust *trust;
	const char *proxy, *source_address;
	int connect_timeout_ms;       /* 0: the client's default */
	int64_t session_lifetime_ms;  /* 0: XUI_SESSION_LIFETIME_MS */
	int64_t session_rotate_ms;    /* a fresh login so often even if the old session works; 0: not (R016) */
	enum xui_dialect dialect;     /* XUI_UNKNOWN: the next operation finds out */
	char version[XUI_VERSION_MAX]; /* "2.8.5"; empty: not known */
	struct xui_session session;
	int64_t login_refused_ms;     /* after a refusal no login is tried for XUI_LOGIN_REST_MS; clear it with new credentials */
	bool changed;                 /* session, dialect, version or refusal changed: store it, then clear this */
};

enum xui_support xui_version_support(const struct xui_panel *p);
/* Renewing a Shadowsocks client of this method restarts Xray there, for everybody: see XUI_UPDATE. Only dialect and
 * version of *p are looked at; not yet known is false. */
bool xui_renewal_restarts(const struct xui_panel *p, struct str method);

/* XUI_SETTINGS can be asked with the credentials we have: before 3.3.0 no token is enough. Not yet known is false without
 * a password. */
bool xui_shows_settings(const struct xui_panel *p);

/* --- what can be asked --- */

enum xui_what {
	XUI_PROBE,           /* logs in anew, finds dialect and version: the trial when a panel is added (R017) */
	XUI_INBOUNDS,        /* all inbounds without their clients, and the hosts before them */
	XUI_LOOK,            /* one client: client.email, .uuid …, inbound_id */
	XUI_CLIENTS,         /* every client and traffic row, one by one, in memory of one */
	XUI_TRAFFIC_BY_UUID, /* usage of all clients that have client.uuid. 2.3.11 to 3.0.x; elsewhere E_VERSION */
	/* XUI_ADD and XUI_UPDATE of a Shadowsocks client (2022 methods; AES ones in 2.9.3 to 3.0.x) restart Xray on panels
	 * before 3.4.2: without, a changed client would stay out for good, although the look agrees. */
	XUI_ADD,             /* client whole, into inbound_id (C: and more_inbounds) */
	XUI_UPDATE,          /* client says which, want and change say what */
	XUI_RESET,           /* traffic counters of client.email to 0; may be repeated */
	XUI_DELETE,          /* already gone is success. E_CONFLICT: there twice and alone in an inbound of 2.x, 3.0.x: add
	                      * another client first, then both copies can go */
	XUI_ONLINES,
	XUI_IPS, XUI_IPS_CLEAR,
	XUI_STATUS,
	XUI_BACKUP,          /* the panel's database to on_bytes */
	XUI_SETTINGS,        /* where its subscriptions are */
	XUI_INBOUND_ADD, XUI_INBOUND_UPDATE, XUI_INBOUND_DELETE,
	XUI_WHATS
};

struct xui_inbound {
	int64_t id;
	struct str remark, protocol, listen, tag;
	int64_t port;
	bool enabled;
	int64_t expires_ms, quota_bytes, up_bytes, down_bytes; /* of the inbound as a whole */
	size_t clients_count;
	struct str settings;          /* JSON text; clients is an empty list. No JSON: the panel then refuses every add */
	struct str stream_settings;   /* JSON text, "" when there is none */
	struct str sniffing;
	struct str share_strategy, share_addr; /* 3.3.1 and later: which address links of this inbound name */
	bool takes_clients;           /* settings has a list of clients */
};

/* Another public address of an inbound (3.4.0 and later): the panel makes links for it in place of the inbound's own. */
struct xui_host {
	int64_t inbound_id;
	struct str row;               /* JSON in the shape of 3.4: address, port, sni … */
};

/* Missing parts are empty or 0: real panels send e-mails alone (K9). */
struct xui_online {
	struct str email, ip, protocol, location;
	int64_t connected_ms, inbound_id, up_bytes, down_bytes;
};

struct xui_ip {
	struct str ip, when; /* when: "2025-11-23 12:30:00" in the panel's local time as it writes it (UTC if that was a number); or empty */
};

/* Called while an answer arrives; arguments are gone when they return. Anything but OK ends the operation with that error. */
struct xui_sinks {
	enum err (*on_client)(void *ctx, const struct xui_client *c);   /* with inbound_ids; no promise about the order of … */
	enum err (*on_traffic)(void *ctx, const struct xui_traffic *t); /* … the two */
	enum err (*on_online)(void *ctx, const struct xui_online *o);
	enum err (*on_bytes)(void *ctx, struct str piece);
	/* When an answer must be fetched again after a new login, all that came before is void. May be NULL. */
	void (*on_restart)(void *ctx);
	void *ctx;
};

struct xui_ask {
	enum xui_what what;
	int64_t inbound_id;
	struct xui_client client;
	const int64_t *more_inbounds;      /* C only: the same client on these, too */
	size_t more_inbounds_count;
	struct xui_client want;            /* XUI_UPDATE */
	unsigned change;                   /* enum xui_change */
	struct xui_inbound inbound;        /* XUI_INBOUND_ADD: all of it; _UPDATE: what inbound_change names */
	unsigned inbound_change;
	struct xui_sinks sinks;
};

enum xui_inbound_change {
	XUI_INBOUND_REMARK = 1, XUI_INBOUND_ENABLED = 2, XUI_INBOUND_PORT = 4, XUI_INBOUND_LISTEN = 8,
	XUI_INBOUND_EXPIRES = 16, XUI_INBOUND_QUOTA = 32, XUI_INBOUND_STREAM = 64, XUI_INBOUND_SNIFFING = 128
};

/* --- what comes back --- */

/* Panel and settings agree only if both places say the same (R152, R153): a write may have reached one of them. */
struct xui_look {
	bool exists;                  /* a client that is ours */
	bool is_taken;                /* the e-mail is there, but it is somebody else's: never touch it */
	size_t found;                 /* clients with this e-mail or key in the inbound; 2: see B51 */
	struct xui_client client;
	bool has_row;                 /* the accounting knows it; without, nothing limits it */
	struct xui_traffic traffic;
	bool agrees;                  /* row and settings have the same quota, expiry and reset; and enabled as far as that can be said */
	bool inbound_gone;            /* A, B; of C's looks only that before XUI_ADD knows */
	size_t clients_in_inbound;    /* A, B */
	struct str protocol;          /* A, B */
};

struct xui_status {
	int cpu_permille;
	int64_t memory_used_bytes, memory_bytes, disk_used_bytes, disk_bytes;
	int load_percent[3];          /* 1, 5, 15 minutes, hundredths */
	int64_t uptime_s;
	struct str xray_state, xray_version, xray_error;
};

struct xui_settings {
	bool sub_enabled, json_enabled;
	struct str sub_uri, json_uri; /* prefix of subscription links; the panel fills in the host we called it by */
};

struct xui_result {
	enum err err;
	bool is_unknown;              /* the write may have happened: look. Otherwise a failure means it certainly did not; only E_CONFLICT of an
	                               * add may be about that very client: what came twice is refused the second time */
	const char *msg;              /* the panel's own words, for admins and the log only; "" without */
	struct xui_look look;         /* XUI_LOOK; XUI_ADD: client as it was sent or found */
	/* XUI_TRAFFIC_BY_UUID: one row, or several added up as the panel's subscription does it: a quota of 0 when one has none,
	 * an expiry of 0 when they differ, enabled if any is; name and ids are the first one's. No row is E_NOTFOUND, never a
	 * usage of zero. */
	struct xui_traffic traffic;
	bool existed;                 /* XUI_ADD: it was there already, nothing was sent */
	bool kept_disabled;           /* XUI_DELETE: the panel cannot delete it, it is off instead (K17) */
	struct xui_inbound *inbounds;
	size_t inbounds_count;
	struct xui_host *hosts;       /* XUI_INBOUNDS, XUI_PROBE: in the panel's order of links */
	size_t hosts_count;
	bool hosts_known;             /* false: the list of hosts did not come; that of the inbounds is good all the same */
	int64_t inbound_id;           /* XUI_INBOUND_ADD */
	struct xui_ip *ips;
	size_t ips_count;
	size_t listed;                /* clients or onlines that went to the sinks; XUI_TRAFFIC_BY_UUID: rows */
	struct xui_status status;
	struct xui_settings settings;
};

/* --- the operation --- */

enum xui_turn { XUI_CALL, XUI_DONE, XUI_FAILED };

struct xui_op;

/* Lives in the arena, which must outlive it; panel and the texts of ask too. */
struct xui_op *xui_op_new(struct arena *a, struct xui_panel *panel, const struct xui_ask *ask);
/* answer is NULL the first time. XUI_CALL: send *next, come back with what came of it.
 *
 * Errors of a result (XUI_FAILED):
 *   E_AUTH      the panel does not accept name, password or token; or it did so a moment ago and is left alone
 *   E_NOTFOUND  no panel at this address; no such client or inbound
 *   E_CONFLICT  e-mail, subscription id or port is taken by another; or the client is there twice
 *   E_INVALID   the panel cannot read what we sent, or we not what it answers: repeating is no use
 *   E_REFUSED   it understood and said no
 *   E_BUSY      its database is locked: later
 *   E_VERSION   something answers, but it is no panel we know
 *   E_IO        nothing happened
 *   E_UNKNOWN   it may have happened */
enum xui_turn xui_op_step(struct xui_op *op, const struct http_response *answer, int64_t now_ms, struct http_request *next);
const struct xui_result *xui_op_result(const struct xui_op *op);
void xui_op_release(struct xui_op *op); /* at any time; the arena takes the rest */

#define XUI_TOTP_STEP_MS 30000
/* Six digits of the current step (RFC 6238, SHA-1, 30 s). E_INVALID: the secret is no base32. */
enum err xui_totp(char out[7], struct str secret, int64_t now_ms);

#endif
