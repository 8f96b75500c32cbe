/* Dialects A and B inside: clients are elements of an inbound's settings, beside the traffic rows that only share
 * their e-mail. Both stores are written separately, in the real order, so that they part where the real ones do. */
#ifndef OBOL_SIM_PANEL_AB_H
#define OBOL_SIM_PANEL_AB_H

#include "tests/sim/panel_private.h"

#define WENT_WRONG "Something went wrong"
#define INBOUND_UPDATED "Inbound has been successfully updated."

/* What Go's struct makes of a client object: a wrong type is a zero, silently (§4.5). Text is borrowed. */
struct ab_fields {
	struct str id, security, password, flow, auth, email, sub_id, comment;
	int64_t limit_ip, total, expiry_ms, tg_id, reset, created_ms, updated_ms;
	bool enable;
};

/* An element of settings.clients. fields borrows from text's own parse and lives as long as the element. */
struct ab_client {
	struct ab_client *next, *prev;
	struct panel_inbound *in;
	int64_t order;            /* grows along the list */
	char *text;               /* the object as it stands in settings */
	struct ab_fields fields;
	char *strings;            /* what fields point to */
	char *email_lower;
	struct str key;           /* credential that addresses it in paths */
	bool key_is_text;         /* the real code panics when it is not */
	bool nameless;            /* no "email" at all: 2.x then refuses every add on the panel */
	bool in_xray;
	uint64_t in_config;       /* what Xray's configuration at its last start said of it; 0: it was not there */
};

/* panel_inbound.body */
struct ab_settings {
	char *raw;                /* the stored text while it is nobody's work but the sender's; NULL: made from the rest */
	bool is_json;             /* false blocks every add on the panel */
	bool has_list;            /* clients is an array */
	struct json_object *top;  /* everything but clients; NULL when settings is no object */
	struct ab_client *first, *last;
	size_t count;
};

/* panel_sim.ab */
struct ab {
	struct map by_email, by_id, by_key; /* ab_client; e-mails in lower case */
	int64_t order_last;
	size_t nameless;
	bool compare_wanted;      /* the timer restarts Xray if its configuration is another by now */
	bool config_lost;         /* a client that stood in it is gone */
};

/* --- panel_ab_store.c --- */

struct ab *ab_of(struct panel_sim *sim);
struct ab_settings *ab_settings(struct panel_inbound *in);
void ab_load(struct panel_sim *sim, struct panel_inbound *in, struct str text); /* replaces all */
void ab_unload(struct panel_sim *sim, struct panel_inbound *in);
void ab_text(struct buf *to, struct panel_inbound *in);
void ab_touch(struct panel_inbound *in);   /* the panel itself has written settings: from now on made from the parts */

void ab_decode(struct ab_fields *out, struct json_object *client, const struct panel_sim *sim);
const char *ab_key_name(const struct panel_sim *sim, const struct panel_inbound *in);
struct str ab_key_of(const struct panel_sim *sim, const struct panel_inbound *in, const struct ab_fields *f);
struct ab_client *ab_client_add(struct panel_sim *sim, struct panel_inbound *in, struct json_object *client);
void ab_client_set(struct panel_sim *sim, struct ab_client *cl, struct json_object *client);
void ab_client_remove(struct panel_sim *sim, struct ab_client *cl);
struct json_object *ab_client_json(const struct ab_client *cl); /* to be put */

/* First of the list; in NULL: of any inbound. Exact e-mail. */
struct ab_client *ab_find_email(struct panel_sim *sim, const struct panel_inbound *in, struct str email);
struct ab_client *ab_find_key(struct panel_sim *sim, const struct panel_inbound *in, struct str key);
const char *ab_lower(struct arena *a, struct str s); /* Unicode: ASCII, Latin-1 and Cyrillic */
int64_t ab_now(const struct panel_sim *sim);         /* whole seconds in ms, what created_at gets */

/* --- rows beside clients (panel_ab_traffic.c) --- */

/* Insert; a row of that e-mail stays as it is. Only 3.0.x uses up an id then. */
void ab_row_add(struct panel_sim *sim, int64_t inbound_id, const struct ab_fields *f);
void ab_row_update(struct panel_sim *sim, struct panel_traffic *row, const struct ab_fields *f);
void ab_row_delete(struct panel_sim *sim, struct str email, const struct panel_inbound *but); /* 3.0.x: not while shared */
extern const struct panel_route panel_ab_traffic_routes[];
extern const size_t panel_ab_traffic_routes_count;
void ab_poll(struct panel_sim *sim, int64_t now_ms);

/* --- Xray's users --- */

void ab_xray_set(struct panel_sim *sim, struct ab_client *cl, bool on);
void ab_xray_start(struct panel_sim *sim);
bool ab_xray_differs(struct panel_sim *sim);

/* --- checks shared by inbounds and clients (panel_ab_client.c) --- */

struct ab_new { /* clients of one request */
	struct json_object *list; /* NULL: none */
	size_t count;
	struct ab_fields *fields; /* arena */
};
void ab_new_read(struct ab_new *out, struct arena *a, const struct panel_sim *sim, struct json_object *settings);
/* NULL, or the error text of a duplicate or of a panel that is blocked. */
const char *ab_emails_refused(struct panel_sim *sim, struct arena *a, const struct ab_new *n);

/* The request's inbound as bound by Content-Type; false: answered with prefix. */
struct ab_body {
	struct panel_inbound in; /* text borrowed from the arena */
	struct str settings;
	struct json_object *stats; /* clientStats as sent, NULL: null or absent */
};
bool ab_bind(struct ab_body *out, struct panel_call *c, const char *prefix);
const char *ab_bind_text(struct ab_body *out, struct panel_call *c, struct str json, bool unmarshal); /* error or NULL */

extern const struct panel_route panel_ab_inbound_routes[], panel_ab_client_routes[], panel_ab_link_routes[];
extern const size_t panel_ab_inbound_routes_count, panel_ab_client_routes_count, panel_ab_link_routes_count;
void ab_subscribe(struct panel_call *c);
void ab_inbound_free(struct panel_sim *sim, struct panel_inbound *in);   /* with its clients, rows stay */
void ab_inbound_delete(struct panel_sim *sim, struct panel_inbound *in); /* with its rows too */

#endif
