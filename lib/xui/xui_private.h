/* Shared by the sources of lib/xui only.
 *
 * dialect.c  which route each purpose has in each generation
 * session.c  everything that stands before the operation's own call: detection, CSRF, login
 * op.c       the turn: sends session calls and own calls, judges answers, repeats once
 * read.c     programs that only read;  write.c  programs that change something
 * client.c, inbound.c  the two objects */
#ifndef OBOL_XUI_PRIVATE_H
#define OBOL_XUI_PRIVATE_H

#include "lib/base/json_cut.h"
#include "lib/xui/xui.h"

/* --- dialect.c --- */

enum route_id {
	R_NONE,
	R_CSRF, R_PAGE, R_LOGIN, R_CROSS, R_HOME,           /* session.c */
	R_STATUS, R_INBOUNDS, R_INBOUND, R_HOSTS, R_OPTIONS, R_CLIENTS,
	R_CLIENT, R_TRAFFIC, R_USAGE, R_ONLINES, R_IPS, R_DB, R_SETTINGS,
	R_CLIENT_ADD, R_CLIENT_ATTACH, R_CLIENT_UPDATE, R_CLIENT_RESET, R_CLIENT_DELETE, R_IPS_CLEAR,
	R_INBOUND_ADD, R_INBOUND_UPDATE, R_INBOUND_DELETE, R_XRAY_RESTART,
	ROUTES
};

struct route {
	enum http_method method;
	const char *path;      /* below the base path; {inbound}, {email}, {key} are filled in. NULL: this dialect has no such route */
	bool writes;           /* a lost answer leaves the outcome unknown */
	bool cookie_only;      /* a token is not taken here */
	int timeout_ms;        /* 0: XUI_READ_TIMEOUT_MS, for writes XUI_WRITE_TIMEOUT_MS */
};

struct dialect {
	enum xui_dialect name;
	int since;                     /* from this version on: 2*10000 + 8*100 + 5; rows of one dialect ascend */
	struct route routes[ROUTES];
	bool has_csrf;                 /* every call but GET with a cookie wants X-CSRF-Token */
	bool has_tokens;
	bool has_records;              /* clients are entities with routes of their own, in the record shape */
	bool keeps_last_client;        /* the last client of an inbound cannot be deleted */
	bool loses_2022_users;         /* a Shadowsocks 2022 user it writes is out until Xray restarts; see write.c … */
	bool loses_aes_users;          /* … and so is one of the AES methods of older Shadowsocks */
	bool needs_client_list;        /* adding to an inbound without a list of clients ends in a panic of the panel */
};

/* The row for what is known of the panel; an unknown version gets the newest row of its dialect. NULL: dialect unknown. */
const struct dialect *dialect_of(const struct xui_panel *p);
const struct route *route_public(enum route_id id); /* those that exist before the dialect is known */

/* --- op.c --- */

/* What came of the operation's own call. */
struct reply {
	enum err err;
	bool is_unknown;
	struct json_object *doc;  /* the envelope, for streams what was left of it; NULL on a failure without one */
	struct json_object *obj;  /* its obj */
};

/* A program is asked for the first call with reply NULL, then gets each answer. It answers with call_*, op_done, op_fail. */
typedef enum xui_turn program_fn(struct xui_op *op, const struct reply *r);

struct call {
	enum route_id route;
	struct str body;             /* JSON; empty: none */
	int64_t inbound_id;
	struct str email, key;
	bool is_optional;            /* 404 means that this panel has no such route, not that the session is lost */
	/* A long answer goes through op->cut with these rules or, without rules, whole to the program's raw function. */
	const struct json_cut_rule *rules;
	size_t rules_count;
	enum err (*raw)(struct xui_op *op, struct str piece);
};

struct xui_op {
	struct arena *arena;
	struct xui_panel *panel;
	struct xui_ask ask;
	const struct dialect *dialect;
	struct xui_result result;
	int64_t now_ms;

	/* the session's side (session.c) */
	enum route_id stage;         /* the session call under way; R_NONE: the operation's own */
	enum route_id detour;        /* the session call that an answer asks for next */
	bool is_3x;                  /* csrf-token answered, dialect still open */
	bool csrf_ready;             /* fetched for the login that comes next */
	bool want_csrf;              /* the token alone is to be renewed */
	bool logged_in, csrf_again, probed_again; /* each is done once in an operation */
	bool want_version;
	bool code_again;             /* a login with another code of the second factor has been tried, once as well */
	int64_t code_ms;             /* for when the code is that was sent last */
	bool maybe_done;             /* a write got an answer that proves nothing, and no look has followed */

	/* the operation's own call */
	program_fn *program;
	int phase;                   /* of the program */
	bool is_pending;             /* call is chosen */
	struct call call;

	/* streams */
	struct json_cut cut;
	bool is_cutting, is_html, is_fed;
	enum err sink_err;
	struct buf head;             /* first bytes of a raw stream, in case it is an error after all */
	struct buf settings;         /* an inbound's settings as they stand on the wire */

	/* the look that programs share */
	int64_t inbound_now;         /* id of the inbound whose clients come */
	struct xui_inbound inbound;
	struct xui_client found;
	size_t found_count, clients_count;
	bool is_deleted_once;
	bool is_lost;                /* Xray must restart to let the client in that was just written */
	size_t inbounds_cap;
};

enum xui_turn call_get(struct xui_op *op, enum route_id route);
enum xui_turn call_send(struct xui_op *op, enum route_id route, struct str body);
enum xui_turn call_stream(struct xui_op *op, enum route_id route, const struct json_cut_rule *rules, size_t count);
enum xui_turn op_done(struct xui_op *op);
enum xui_turn op_fail(struct xui_op *op, enum err e, bool is_unknown, struct str msg);
enum xui_turn op_fail_reply(struct xui_op *op, const struct reply *r); /* with the panel's words, kept by then */
/* Everything about the call is forgotten; the program starts again when the session stands. */
void op_restart(struct xui_op *op);
void op_keep_msg(struct xui_op *op, struct str msg);
struct str op_text(struct xui_op *op, struct str s); /* copy in the arena */
/* The part of a URL behind the base path; in the arena. */
struct str url_join(struct arena *a, const struct xui_panel *p, const char *path);
void request_begin(struct xui_op *op, struct http_request *next, const struct route *route, const char *path);
bool answer_is_html(const struct http_response *answer);

/* --- session.c --- */

bool session_needs_cookie(const struct xui_op *op);
/* Whether something must be sent before the operation's own call; then *next is it. XUI_FAILED: it cannot be had. */
enum xui_turn session_prepare(struct xui_op *op, struct http_request *next, bool *is_ready);
enum xui_turn session_take(struct xui_op *op, const struct http_response *answer);
void session_drop(struct xui_op *op);

/* --- inbound.c --- */

/* settings as text even where the dialect nests it. Texts are copied. */
void inbound_take(struct xui_inbound *out, struct arena *a, struct json_object *o);
/* Protocol VLESS over TCP with TLS or REALITY. */
bool inbound_carries_vision(const struct xui_inbound *in);
struct str inbound_shadowsocks_method(struct arena *a, const struct xui_inbound *in); /* "" for other protocols */

/* --- programs --- */

extern program_fn program_probe, program_inbounds, program_look, program_clients, program_usage, program_onlines, program_ips,
	program_status, program_database, program_settings;
extern program_fn program_add, program_update, program_reset, program_delete, program_ips_clear, program_inbound_add,
	program_inbound_update, program_inbound_delete;

/* The first half of look, which every write begins with. look_taken: OK also when there is no such client. */
enum xui_turn look_begin(struct xui_op *op);
enum err look_taken(struct xui_op *op, const struct reply *r);

#endif
