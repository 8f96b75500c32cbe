/* What the parts of the panel model share. panel.h says what it is for.
 *
 * panel.c        new and free, the handler: rules, counting, matching a route, authentication; accessors
 * panel_http.c   bodies, parameters, answers
 * panel_json.c   JSON the way Go reads and writes it
 * panel_auth.c   login, cookies, CSRF, Bearer tokens, limiter, 2FA         (all versions)
 * panel_ips.c    where clients connected from                              (all versions)
 * panel_setting.c, panel_server.c   settings, status, getDb, logs …        (all versions unless a dialect has its own)
 * panel_store.c  inbounds and traffic rows; clients inside settings (A, B)
 * panel_ab*.c    dialects A and B        panel_c*.c  dialect C
 *
 * A dialect is a table of routes below "{base}" and some hooks. When a handler runs, the base path, the method, the
 * version range, authentication and CSRF are already checked. */
#ifndef OBOL_SIM_PANEL_PRIVATE_H
#define OBOL_SIM_PANEL_PRIVATE_H

#include <assert.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/base/json.h"
#include "lib/base/rand.h"
#include "tests/sim/panel.h"

#define VERSION(major, minor, patch) ((major) * 10000 + (minor) * 100 + (patch))
#define VERSION_ANY 0
#define VERSION_LAST 999999

#define PANEL_PARAMS_MAX 4
#define PANEL_ROUTES_MAX 256
#define PANEL_RULES_MAX 32

struct panel_call;
struct panel_inbound;
typedef void panel_handler(struct panel_call *call);

enum panel_area {
	AREA_PUBLIC,      /* no login, no CSRF */
	AREA_PUBLIC_CSRF, /* no login; CSRF from 3.0.0: /login, /logout, /getTwoFactorEnable */
	AREA_PAGE,        /* cookie only; without: 307 to {base} or 401 with a body */
	AREA_API          /* cookie or Bearer; without: 404 or empty 401 */
};

struct panel_route {
	enum http_method method;
	const char *pattern; /* below {base}: "panel/api/inbounds/:id/delClient/:clientId"; ":x" is one segment */
	int since, until;    /* versions, both included; until VERSION_LAST */
	enum panel_area area;
	bool writes;         /* changes inbounds or clients: takes part in races and may be refused by a locked database */
	panel_handler *handle;
};

struct panel_session;

struct panel_call {
	struct panel_sim *sim;
	const struct sim_request *request;
	struct sim_response *response;
	struct arena *arena;
	const struct panel_route *route;
	size_t route_index;
	const char *name;                    /* "METHOD pattern", what rules look at */
	struct str params[PANEL_PARAMS_MAX]; /* of the path, decoded, in the order of the pattern */
	struct str path;                     /* below {base}, decoded, without query */
	struct str query;                    /* raw */
	struct panel_session *session;       /* the cookie's, whether logged in or not; NULL: none */
	bool by_token, by_operator;
	bool race;                           /* this write meets another one */
};

struct panel_dialect {
	struct {
		const struct panel_route *routes; /* NULL: no more */
		const size_t *count;
	} tables[8];
	void (*init)(struct panel_sim *sim);
	void (*release)(struct panel_sim *sim);
	void (*poll)(struct panel_sim *sim, int64_t now_ms);  /* one traffic poll; Xray is running */
	void (*xray_start)(struct panel_sim *sim);            /* Xray has just read the configuration anew */
	bool (*xray_differs)(struct panel_sim *sim);          /* a comparison was asked for, and it has another one by now */
	void (*subscribe)(struct panel_call *call);           /* listener 1; path is the whole path */
	void (*each_client)(struct panel_sim *sim, int64_t inbound_id,
			    bool (*fn)(void *ctx, const struct panel_client_view *client), void *ctx);
	bool (*find_client)(struct panel_client_view *out, struct panel_sim *sim, int64_t inbound_id, struct str email);
	bool (*use)(struct panel_sim *sim, struct str email, int64_t up, int64_t down);
	void (*settings)(struct buf *to, struct panel_inbound *in); /* the settings column, for getDb */
	int64_t (*seed)(struct panel_sim *sim, const char *protocol, int port, const char *prefix, size_t clients);
};

extern const struct panel_dialect panel_dialect_ab, panel_dialect_c; /* C: panel_c.c; hooks may be NULL */

/* --- text map: equal keys may stand in it more than once, newest first --- */

struct map_entry {
	struct map_entry *next;
	uint64_t hash;
	struct str key; /* borrowed from the value */
	void *value;
};

struct map {
	struct map_entry **buckets;
	size_t size, count;
};

void map_put(struct map *m, struct str key, void *value);
void map_cut(struct map *m, struct str key, const void *value); /* that value only; absent: nothing */
void *map_get(const struct map *m, struct str key);             /* any value of that key, or NULL */
struct map_entry *map_first(const struct map *m, struct str key);
struct map_entry *map_next(const struct map_entry *e);          /* the next of the same key */
void map_release(struct map *m);

/* --- state --- */

struct panel_traffic {
	int64_t id, inbound_id;
	char *email;
	bool enable;
	int64_t up, down, all_time, expiry_ms, total, reset, last_online_ms;
	int64_t pending_up, pending_down; /* moved since the last poll */
	bool counted;                     /* Xray's counter of this client has been seen since Xray started */
	struct panel_traffic *next, *prev;
};

struct panel_client; /* A, B: an element of settings.clients (panel_store.h) */

struct panel_inbound {
	int64_t id, user_id;
	int64_t up, down, total, all_time, expiry_ms, last_reset_ms, port;
	bool enable;
	char *remark, *listen, *protocol, *traffic_reset, *tag;
	char *stream, *sniffing;          /* text; NULL is "" */
	void *body;                       /* what a dialect keeps of settings */
	struct panel_inbound *next;       /* in the order of ids */
};

struct panel_user {
	char *name, *password;
	int epoch; /* raised by a change of credentials; 3.0.2+ looks at it */
};

struct panel_session {
	char *cookie;
	bool logged_in;
	int epoch;
	int64_t expires_ms;
	char csrf[44]; /* "" when none was made */
	struct panel_session *next;
};

struct panel_token {
	int64_t id;
	char *name, *token;
	bool enabled;
	int64_t created_ms;
	struct panel_token *next;
};

struct panel_limit {
	char *key; /* address and user name; NULL: free */
	int failures;
	int64_t first_ms, until_ms;
};

struct panel_ip_seen {
	char *email, *ip;
	int64_t at_ms;
	struct panel_ip_seen *next;
};

struct panel_setting_value {
	const char *key;
	struct json_object *value; /* string, number or bool, as setting/all shows it */
};

struct panel_sim {
	int version; /* VERSION(…) */
	char version_text[16];
	const struct panel_dialect *dialect;
	struct panel_config config; /* own copies, defaults filled in */

	int64_t started_ms, now_ms, next_poll_ms; /* 0 until the first request */
	bool down;

	struct panel_inbound *inbounds; /* by id */
	int64_t inbound_id_last;
	struct panel_traffic *traffics, *traffics_last;
	struct map traffic_by_email;
	int64_t traffic_id_last;

	struct panel_user user;
	struct panel_session *sessions;
	struct panel_token *tokens;
	int64_t token_id_last;
	struct panel_limit limits[64];
	struct arena scratch; /* empty between requests */
	struct panel_ip_seen *ips;      /* the oldest first */
	struct panel_setting_value *settings;
	size_t settings_count;

	bool xray_running;
	bool xray_restart_wanted;   /* the timer of 30 s looks at it */
	int64_t next_timer_ms;
	int64_t xray_started_ms;
	int64_t xray_busy_until_ms; /* a restart by the panel itself is under way (§4.14) */
	int64_t writing_until_ms;   /* config.write_ms */
	char **online;              /* e-mails of the last poll; NULL before there was one */
	size_t online_count;
	bool online_known;          /* answers [] instead of null */

	void *ab, *c;               /* what only one dialect has */

	struct panel_rule rules[PANEL_RULES_MAX];
	int rule_calls[PANEL_RULES_MAX];
	size_t rules_count;
	const struct panel_route *routes[PANEL_ROUTES_MAX]; /* those of this version, in the order of trying */
	size_t routes_count;
	size_t counts[PANEL_ROUTES_MAX];
	size_t count_all, races;
};

static inline bool panel_is(const struct panel_sim *sim, int since, int until)
{
	return since <= sim->version && sim->version <= until;
}

/* --- panel_store.c: rows --- */

struct panel_inbound *panel_inbound_new(struct panel_sim *sim, int64_t id); /* id 0: the next one */
struct panel_inbound *panel_inbound_find(struct panel_sim *sim, int64_t id);
void panel_inbound_delete(struct panel_sim *sim, struct panel_inbound *in); /* not its body nor its traffic rows */
struct panel_traffic *panel_traffic_new(struct panel_sim *sim, struct str email, int64_t inbound_id);
struct panel_traffic *panel_traffic_find(struct panel_sim *sim, struct str email);
void panel_traffic_rename(struct panel_sim *sim, struct panel_traffic *row, struct str email);
void panel_traffic_delete(struct panel_sim *sim, struct panel_traffic *row);
void panel_text_set(char **field, struct str value); /* frees the old, copies the new */
/* The record every read answers with; uuid and subId come from the settings, not from the row. */
void panel_traffic_write(struct json_out *j, const struct panel_sim *sim, const struct panel_traffic *row,
			 struct str uuid, struct str sub_id);

/* --- panel_http.c --- */

struct str panel_header(const struct sim_request *r, const char *lower_case_name);
struct str panel_cookie(const struct sim_request *r, const char *name); /* raw value */
struct str panel_query(struct panel_call *c, const char *name);          /* decoded; at == NULL: absent */
/* A field of an urlencoded or multipart body, else of the query. at == NULL: absent. */
struct str panel_form(struct panel_call *c, const char *name);
bool panel_body_is_json(struct panel_call *c);  /* by Content-Type */
bool panel_body_is_form(struct panel_call *c);  /* urlencoded or multipart */

void panel_add_header(struct panel_call *c, const char *name, const char *value);
void panel_answer_empty(struct panel_call *c, int status);
void panel_answer_bytes(struct panel_call *c, int status, const char *type, struct str body);
void panel_answer_json(struct panel_call *c, int status, struct str body);
/* The envelope. obj is JSON text; empty: null. */
void panel_answer(struct panel_call *c, bool success, const char *msg, struct str obj);
void panel_answer_obj(struct panel_call *c, struct str obj);                            /* success, msg "" */
void panel_answer_ok(struct panel_call *c, const char *msg);                             /* success, obj null */
void panel_answer_fail(struct panel_call *c, const char *prefix, const char *error);    /* "prefix (error)" */
void panel_redirect(struct panel_call *c, int status, const char *location);             /* with gin's HTML body for GET */
bool panel_is_xhr(const struct sim_request *r);
/* Parameter i as a number; false after having answered "prefix (strconv.Atoi: …)". */
bool panel_param_id(struct panel_call *c, size_t i, int64_t *out, const char *prefix);

/* --- panel_json.c --- */

/* json.Unmarshal: NULL and *out (to be put), or Go's error text (arena). */
const char *go_json_parse(struct json_object **out, struct arena *a, struct str text);
/* json.Decoder, what gin binds a JSON body with: "EOF" for nothing, "unexpected EOF" for a cut text. */
const char *go_json_decode(struct json_object **out, struct arena *a, struct str text);

/* Decoding into a Go field: false is a type error and *out the zero value; NULL (null or absent) is zero and fine. */
bool go_json_i64(int64_t *out, struct json_object *o);
bool go_json_bool(bool *out, struct json_object *o);
bool go_json_str(struct str *out, struct json_object *o); /* borrowed from o */
const char *go_json_kind(struct json_object *o); /* Go's word in "cannot unmarshal … into" */

/* What Go makes of a decoded map: keys sorted, every number through a float64, < > & escaped. depth is the indentation
 * the value stands at (two spaces a step), or -1 for no white space at all. */
void go_json_write(struct buf *to, struct json_object *o, int depth);

/* --- panel_auth.c, panel_token.c --- */

/* Login state, then CSRF, by route->area. False: not let in, and answered. */
bool panel_auth_check(struct panel_call *c);
void panel_auth_init(struct panel_sim *sim);
void panel_auth_release(struct panel_sim *sim);
void panel_session_find(struct panel_call *c);      /* sets c->session */
struct panel_session *panel_session_renew(struct panel_call *c); /* what c->session holds, in a new cookie */
void panel_sessions_drop(struct panel_sim *sim);
void panel_limits_clear(struct panel_sim *sim);
bool panel_token_ok(struct panel_call *c);
void panel_token_release(struct panel_sim *sim);

/* Routes that every dialect has, each table with its length. */
extern const struct panel_route panel_auth_routes[], panel_token_routes[], panel_setting_routes[], panel_server_routes[];
extern const size_t panel_auth_routes_count, panel_token_routes_count, panel_setting_routes_count, panel_server_routes_count;

/* --- panel_ips.c --- */

panel_handler panel_on_ips, panel_on_clear_ips; /* of params[0] */
void panel_ips_rename(struct panel_sim *sim, const char *from, struct str to);
void panel_ips_delete(struct panel_sim *sim, const char *email);
void panel_ips_release(struct panel_sim *sim);

/* --- panel_setting.c --- */

void panel_setting_init(struct panel_sim *sim);
void panel_setting_release(struct panel_sim *sim);
void panel_setting_set(struct panel_sim *sim, const char *key, struct json_object *value); /* key lives on; takes value */

struct json_object *panel_setting(struct panel_sim *sim, const char *key); /* NULL: none of that name */
struct str panel_setting_text(struct panel_sim *sim, const char *key);
bool panel_setting_bool(struct panel_sim *sim, const char *key);
int64_t panel_setting_number(struct panel_sim *sim, const char *key);

/* --- panel.c --- */

void panel_xray_start(struct panel_sim *sim);
void panel_xray_stop(struct panel_sim *sim);
void panel_online_set(struct panel_sim *sim, const char *const *emails, size_t n); /* copied */

#endif
