/* A 3X-UI panel as a model: dialects A (2.x), B (3.0.x) and C (3.1 and later), chosen by the version.
 *
 * One struct panel_sim is one panel with its own Xray: an inbound's settings text and the table of traffic rows are
 * kept apart as in the real service (R152), so they can disagree in the ways the real ones do. Listener 0 is the
 * panel, listener 1 its subscription server.
 *
 * Time passes only by request.now_ms and panel_sim_advance; both run every traffic poll that became due. The first
 * time ever seen is the moment the panel started.
 *
 * Facts: the reference's panel-api.md; held to the recordings by tests/vectors/panel.c. */
#ifndef OBOL_SIM_PANEL_H
#define OBOL_SIM_PANEL_H

#include "lib/base/buf.h"
#include "tests/sim/sim.h"

struct panel_sim;

/* Everything is copied. Zero and NULL mean what is said in brackets. */
struct panel_config {
	const char *base_path;       /* with both slashes [/] */
	const char *user, *password; /* [admin, admin] */
	const char *two_factor;      /* base32 TOTP secret; switches 2FA on [off] */
	const char *web_domain;      /* any other Host gets 403 [none] */
	int panel_port, sub_port;    /* only for what the panel says about itself [2053, 2096] */
	int session_minutes;         /* setting sessionMaxAge [360] */
	const char *sub_uri;         /* setting subURI [none] */
	const char *listen;          /* setting webListen, shown only [""] */
	bool sub_json;               /* setting subJsonEnable [off] */
	bool sub_off;                /* no subscription listener: connections are dropped */
	bool no_xray;                /* there is no Xray binary: never runs, nothing is polled */
	const char *xray_version;    /* ["26.3.27"] */
	/* How long a write takes. A write that arrives before the one before it is through is what §4.13 calls two at the
	 * same time, and loses data the way the real dialect does. [0: writes never meet] */
	int write_ms;
};

struct panel_sim *panel_sim_new(const char *version, const struct panel_config *config); /* "2.8.5"; config may be NULL */
void panel_sim_free(struct panel_sim *sim);
sim_handler panel_sim_handle;
void panel_sim_advance(struct panel_sim *sim, int64_t now_ms);

/* The six digits that are right at now_ms. */
void panel_totp(char out[7], const char *base32_secret, int64_t now_ms);

/* The operator in the panel's own pages: the same routes, already authenticated, not counted, no misbehaviour.
 * path is relative to the base path ("panel/api/inbounds/add"); json may be empty. */
void panel_sim_operator(struct panel_sim *sim, enum http_method method, const char *path, struct str json,
			struct sim_response *response, struct arena *arena);

/* An inbound with some clients at once, for tests of size: e-mails are prefix1 … prefixN. Returns the inbound's id. */
int64_t panel_sim_seed(struct panel_sim *sim, const char *protocol, int port, const char *prefix, size_t clients);

/* --- misbehaviour --- */

enum panel_fault {
	PANEL_NETWORK,     /* rule.trouble happens to the answer; unless it hangs or drops, the request takes effect */
	PANEL_REFUSE,      /* 200, success:false, rule.text as msg */
	PANEL_DB_LOCKED,   /* "database is locked" after the real waiting time of that version; a write only */
	PANEL_HTML_502,    /* what a reverse proxy says */
	PANEL_EMPTY_500,   /* what gin makes of a panic */
	PANEL_EMPTY_200,
	PANEL_LOGOUT,      /* every session dies before the request is looked at */
	PANEL_WRONG_JSON,  /* 200 and rule.text (NULL: half an object) as application/json */
	PANEL_RACE,        /* this write meets another one of the same moment (§4.13) */
};

struct panel_rule {
	const char *route;         /* part of a route as panel_sim_count takes it; NULL: any, subscription too */
	const char *path;          /* part of the path that was really called, as a client's key; NULL: any */
	int nth;                   /* first call it strikes, counted from when the rule was added; 0 is 1 */
	int times;                 /* how many calls in a row; 0: for ever */
	enum panel_fault fault;
	bool after;                /* the request takes effect first, only the answer is spoilt */
	struct sim_trouble trouble;
	const char *text;
};

void panel_sim_add_rule(struct panel_sim *sim, const struct panel_rule *rule); /* copied; the first that fits wins */
void panel_sim_clear_rules(struct panel_sim *sim);
void panel_sim_set_down(struct panel_sim *sim, bool down);   /* connections are dropped, the panel process is off: no polls */
void panel_sim_drop_sessions(struct panel_sim *sim);         /* as if the setting `secret` had changed */
void panel_sim_restart(struct panel_sim *sim);               /* the process: limiter and online list forgotten, Xray new */
void panel_sim_stop_xray(struct panel_sim *sim, bool stopped);

/* --- looking inside --- */

/* A client as the settings of one inbound hold it, beside its traffic row. Text is borrowed until the next call. */
struct panel_client_view {
	int64_t inbound_id;
	struct str email, id, password, sub_id, flow, comment;
	bool enable;
	int64_t total_bytes, expiry_ms, reset_days, limit_ip, tg_id;
	bool in_xray;              /* new connections of this client pass */
	bool has_row;              /* the rest is only then set */
	bool row_enable;
	int64_t row_id, row_total_bytes, row_expiry_ms, row_reset_days, up, down, last_online_ms;
};

/* fn returns false to stop; inbound_id 0 means all. */
void panel_sim_each_client(struct panel_sim *sim, int64_t inbound_id,
			   bool (*fn)(void *ctx, const struct panel_client_view *client), void *ctx);
size_t panel_sim_count_clients(struct panel_sim *sim, int64_t inbound_id);
bool panel_sim_find_client(struct panel_client_view *out, struct panel_sim *sim, int64_t inbound_id, const char *email);

/* R152, R153: how many clients disagree with their traffic row (quota, expiry, enable, reset), have none, or rows
 * that no inbound knows. A depleted client of 2.3.0–2.9.3 is no drift. The first is described in why if not NULL. */
size_t panel_sim_drift(struct panel_sim *sim, struct buf *why);

/* Bytes the client moves from now on until the next poll, which counts them the way that version does. False: it is
 * not in Xray, nothing passed. */
bool panel_sim_use(struct panel_sim *sim, const char *email, int64_t up, int64_t down);
/* The client of that e-mail connected from there; the panel tells and clears it in the shape of its version. */
void panel_sim_saw_ip(struct panel_sim *sim, const char *email, const char *ip, int64_t at_ms);
size_t panel_sim_count_ips(const struct panel_sim *sim, const char *email);
bool panel_sim_set_traffic(struct panel_sim *sim, const char *email, int64_t up, int64_t down); /* the row itself, absolute */

/* Requests that reached a route since the start (or the last clear), by part of "METHOD pattern", for example
 * "POST panel/api/inbounds/addClient" or "login". NULL: all, unknown routes and the subscription listener too. */
size_t panel_sim_count(struct panel_sim *sim, const char *route);
void panel_sim_clear_counts(struct panel_sim *sim);
/* Writes that met another one: a well-behaved client keeps this at 0. */
size_t panel_sim_races(const struct panel_sim *sim);

#endif
