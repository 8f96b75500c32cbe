/* Panels and their inbounds as rows; credentials and sessions sealed. */
#ifndef OBOL_FLEET_PANEL_H
#define OBOL_FLEET_PANEL_H

#include "bot/core/act.h"

#define PANELS_MAX 64
#define INBOUNDS_MAX 200
#define PANEL_LOG_ROWS_MAX 1000

enum panel_state { PANEL_NEW, PANEL_OK, PANEL_DOWN, PANEL_FAILING };

struct panel {
	int64_t id;
	char *name, *url, *host, *version, *sub_url, *region; /* NULL where not known */
	char dialect;               /* 'A' 'B' 'C', 0: not probed */
	bool allow_http, drain;
	int priority, weight, capacity;
	enum panel_state state;
	int64_t state_since_ms, latency_ms, checked_ms, session_ms;
	int clients, online, failures;
	char *health;               /* JSON of the last health check, R092 */
	char *pin;                  /* "sha256//…": the key that alone is trusted; NULL: none */
	bool has_ca;                /* its own CA is trusted instead of the system's */
};

struct inbound {
	int64_t panel_id, inbound_id;
	char *remark, *protocol, *listen, *host, *body; /* host NULL: the panel's */
	char *hosts;                /* the panel's own addresses for it, JSON; NULL: none */
	int port, clients, capacity;
	bool enabled, for_sale, gone;
};

const char *panel_state_name(enum panel_state s);
enum err panel_get(struct panel *out, struct act *a, int64_t id);
enum err panel_list(struct panel *out, size_t *count, size_t max, struct act *a);
/* How to reach it: what lib/xui asks for, credentials opened into a->arena, without a session. For `obol check`; the shop's
 * own calls are jobs. E_NOTFOUND: no such panel, or deleted. */
struct xui_panel;
enum err panel_reach(struct xui_panel *out, struct act *a, int64_t id);
/* What an admin gives. NULL or 0: as it is (panel_set), default (panel_add). Secrets are sealed at once. pin and ca_pem in
 * the form of lib/http/trust.h, "": none; where there is a pin it alone decides. */
struct panel_given {
	const char *name, *url, *username, *password, *token, *totp, *host, *region, *ca_pem, *pin;
	const int *priority, *weight, *capacity;
	const int64_t *session_ms;
	const bool *allow_http, *drain;
};
/* E_INVALID: no usable URL, pin or CA; E_REFUSED: http without allow_http. Stored as PANEL_NEW: sold from only after a trial login. */
enum err panel_add(int64_t *id, struct act *a, const struct panel_given *g);
enum err panel_set(struct act *a, int64_t id, const struct panel_given *g); /* new credentials drop the session (R145) */
/* keep: its subscriptions stay on the panel and are no longer ours to change. E_CONFLICT: live ones and keep is false. */
enum err panel_delete(struct act *a, int64_t id, bool keep);
enum err panel_from_config(struct act *a);    /* XUI_PANEL_…: creates the row when it is missing, warns of differences (R019) */

enum err inbound_get(struct inbound *out, struct act *a, int64_t panel_id, int64_t inbound_id);
enum err inbound_list(struct inbound *out, size_t *count, size_t max, struct act *a, int64_t panel_id); /* 0: all panels */
enum err inbound_set_sale(struct act *a, int64_t panel_id, int64_t inbound_id, bool for_sale, int capacity);
enum err inbound_set_host(struct act *a, int64_t panel_id, int64_t inbound_id, const char *host);
/* Something is sold there whose renewal restarts Xray, which drops everybody's connections: Shadowsocks on an old panel.
 * E_NOTFOUND: no such panel, or deleted. */
enum err panel_renewals_restart(bool *restart, struct act *a, int64_t panel_id);

struct panel_log_row { int64_t at_ms, duration_ms; int status; char *call, *note; };
enum err panel_log_list(struct panel_log_row *out, size_t *count, size_t max, struct act *a, int64_t panel_id);
/* Schedule, hourly: keeps the newest PANEL_LOG_ROWS_MAX of each panel. With every call it would cost more than the call. */
enum err panel_log_forget(struct act *a);

#endif
