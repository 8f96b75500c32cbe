/* Dialect C inside: what its parts share. panel.h says what the model is for.
 *
 * panel_c.c          versions, routes, hooks          panel_c_store.c   records, elements and how they are kept equal
 * panel_c_json.c     clients and inbounds as JSON     panel_c_client.c  writes to one client
 * panel_c_read.c     list, paged, get, onlines …      panel_c_bulk.c    bulk routes, groups, export and import
 * panel_c_inbound.c  inbounds: writes …                panel_c_inbound_read.c   … and reads
 * panel_c_host.c     hosts: other addresses of an inbound
 * panel_c_poll.c     the traffic poll and who is let through
 * panel_c_link.c     share links                      panel_c_sub.c     the subscription listener
 *
 * A client lives in three places. A record is a row of the table `clients`; an element stands in settings.clients of
 * one inbound; the traffic row (struct panel_traffic) is shared by all inbounds. Invariants:
 *  1. A record is attached to exactly the inbounds that hold an element of its e-mail.
 *  2. A write to an inbound copies its elements back into their records. Copying all of them each time would cost a
 *     pass over the inbound, so an element that another write has left behind is kept in its inbound's list of stale
 *     ones; only those and the one just written are copied.
 *  3. Every element and record is found by hash: by e-mail, by e-mail in lower case, by credential, by subId. */
#ifndef OBOL_SIM_PANEL_C_H
#define OBOL_SIM_PANEL_C_H

#include "tests/sim/panel_private.h"

#define C_TEXT_BYTES_MAX ((size_t)256 << 20) /* of one answer under construction */

/* --- one client's values --- */

enum c_text {
	T_EMAIL, T_ID, T_SECURITY, T_PASSWORD, T_FLOW, T_REVERSE, T_AUTH, T_PRIVATE_KEY, T_PUBLIC_KEY, T_ALLOWED_IPS,
	T_PRE_SHARED_KEY, T_SECRET, T_AD_TAG, T_SUB_ID, T_GROUP, T_COMMENT, T_METHOD, C_TEXTS
};
enum c_number { N_LIMIT_IP, N_TOTAL, N_EXPIRY, N_TG_ID, N_RESET, N_KEEP_ALIVE, N_CREATED, N_UPDATED, C_NUMBERS };

struct c_client {
	char *text[C_TEXTS];       /* NULL is "" */
	int64_t number[C_NUMBERS];
	bool enable;
};

struct c_element {
	struct c_client client;
	struct panel_inbound *in;
	struct c_element *prev, *next;             /* in the order of settings.clients */
	struct c_element *stale_prev, *stale_next; /* the inbound's list of those whose record differs */
	bool stale;
	char *lower;                               /* e-mail in lower case */
	char *key;                                 /* what the protocol knows it by */
};

struct c_record {
	int64_t id;
	struct c_client client;
	struct json_object *external; /* array, or NULL */
	struct c_record *prev, *next; /* in the order of ids */
};

enum c_shape { CLIENTS_LIST, CLIENTS_NULL, CLIENTS_ABSENT };

/* panel_inbound.body */
struct c_body {
	struct json_object *settings; /* without "clients"; NULL: the stored text is raw */
	char *raw;                    /* no JSON object; NULL: empty */
	enum c_shape shape;           /* of "clients" while there are none */
	struct c_element *first, *last, *stale;
	size_t count;
	bool orphans;                 /* some element may have lost its record */
	bool twins;                   /* some elements may share a credential */
	uint64_t synced;              /* counts writes of the panel: attachments are listed in this order */
	int64_t sub_sort_index, reset_day;
	char *share_strategy, *share_address;
	int64_t pending_up, pending_down;
};

struct c_group {
	char *name;
	struct c_group *next;
};

struct c_host {
	int64_t id, inbound_id, port, sort_order; /* port 0: the inbound's */
	char *group, *address;                     /* "": the inbound's */
	struct json_object *values;                /* what all rows of a group have in common */
	struct c_host *next;                       /* by inbound, sortOrder, id */
};

struct panel_c {
	struct c_record *first, *last;
	size_t count;
	int64_t record_id_last, external_id_last;
	uint64_t synced_last;
	struct map by_email, by_sub;               /* records */
	struct map elements_by_lower, elements_by_key;
	struct c_host *hosts;
	int64_t host_id_last;
	struct c_group *groups;                    /* made by name; labels of clients exist without one */
	char *guid;
	int64_t last_poll_ms, xray_since_ms;
};

static inline struct panel_c *c_of(struct panel_sim *sim)
{
	return sim->c;
}

static inline struct c_body *c_body(const struct panel_inbound *in)
{
	return in->body;
}

/* --- panel_c.c: what changed when --- */

enum c_trait {
	C_CHECKS_NAMES,        /* e-mail and subId must not hold / \ space or control characters */
	C_ONE_SUB_ID,          /* a subId belongs to one e-mail */
	C_KEEPS_CREDENTIALS,   /* update: what is omitted stays, and the client is found by e-mail */
	C_ADD_REUSES,          /* add of an existing client: omitted credentials are the stored ones, attached ones skipped */
	C_ADD_DUPLICATES,      /* add of an attached client: a second element */
	C_ADD_OVERWRITES_ROW,  /* add and attach write limits into an existing traffic row */
	C_DROPS_FLOW,          /* flow only where the inbound can carry it */
	C_RENAMES_RECORD,      /* a rename keeps the row number */
	C_UPDATES_ORPHANS,     /* update works on a client without inbounds */
	C_RESET_ENABLES,       /* resetTraffic enables a disabled client */
	C_ROWS_OUTLIVE,        /* traffic rows stay after the last detach and with keepTraffic=1 */
	C_DEL_KEEPS_ROWS,      /* traffic rows stay after inbounds/del */
	C_VALIDATES_INBOUND,   /* "request body failed validation" */
	C_NEW_TAGS,            /* in-443-tcp */
	C_STATS_IN_GET,        /* inbounds/get fills clientStats */
	C_TRAFFIC_NULL,        /* traffic/:email of an unknown client: success with null */
	C_GONE_TEXT,           /* del of an unknown client: client "x" not found in any inbound or client record */
	C_COUNTS_FIRST_POLL,   /* the first poll after an Xray start counts */
	C_ONLINES,             /* onlines is kept without a browser */
	C_NULL_CLIENTS_OK,     /* clients:null in an inbound is no panic */
	C_GROUPS, C_USED_TRAFFIC, C_EXTERNAL_LINKS, C_WIREGUARD, C_MTPROTO, C_GUID, C_SORT_INDEX, C_RESET_DAY,
	C_OPTION_METHOD, C_OPTION_ENABLE, C_PAGED_COUNTS, C_PAGED_SECRETS, C_PAGED_LISTS, C_OBTAIN,
	C_DEL_AGAIN_OK, C_LIST_SORTED, C_RESTARTS_ON_DEPLETION, C_NEW_LINKS, C_INFO, C_SUB_HEAD, C_ADJUST_TOLERANT,
	C_HOST_GROUPS,         /* hosts are written and listed in groups */
};

bool c_has(const struct panel_sim *sim, enum c_trait trait);

/* --- panel_c_store.c --- */

const char *c_get(const struct c_client *client, enum c_text t); /* never NULL */
void c_set(struct c_client *client, enum c_text t, const char *value); /* copies; not for what is in a map */
void c_copy(struct c_client *to, const struct c_client *from);
void c_release(struct c_client *client);

struct c_record *c_record_find(struct panel_sim *sim, const char *email);
struct c_record *c_record_of_sub(struct panel_sim *sim, const char *sub_id, const char *except_email); /* NULL: free */
struct c_record *c_record_new(struct panel_sim *sim, const struct c_client *client);
/* Writes all values; e-mail and subId may change. */
void c_record_write(struct panel_sim *sim, struct c_record *r, const struct c_client *client);
void c_record_delete(struct panel_sim *sim, struct c_record *r);
/* Inbounds that hold the client, by id or in the order of their last write. Returns how many; *ids is in the arena. */
size_t c_attached(int64_t **ids, struct panel_sim *sim, const char *email, bool by_write, struct arena *a);

struct c_element *c_element_find(struct panel_sim *sim, const struct panel_inbound *in, const char *email);
struct c_element *c_element_find_nocase(struct panel_sim *sim, const struct panel_inbound *in, const char *email);
struct c_element *c_element_find_key(struct panel_sim *sim, const struct panel_inbound *in, const char *key);
/* at NULL: at the end. The inbound is not synced. */
struct c_element *c_element_new(struct panel_sim *sim, struct panel_inbound *in, const struct c_client *client);
void c_element_write(struct panel_sim *sim, struct c_element *e, const struct c_client *client);
void c_element_delete(struct panel_sim *sim, struct c_element *e);
/* First element of that e-mail in any inbound, whatever the case; c_element_next goes on. */
struct c_element *c_element_any(struct panel_sim *sim, const char *email, struct map_entry **at);
struct c_element *c_element_next(struct map_entry **at);
bool c_used_elsewhere(struct panel_sim *sim, const char *email, const struct panel_inbound *except);
/* False: no inbound knows the e-mail. Else its subId there, "" when they disagree. */
bool c_known_sub(const char **sub_id, struct panel_sim *sim, const char *email);

/* After a write: drops elements that lost their record (before it, as the real one does), then copies e (may be NULL)
 * and all stale elements of the inbound into their records. */
void c_drop_orphans(struct panel_sim *sim, struct panel_inbound *in);
void c_sync(struct panel_sim *sim, struct panel_inbound *in, struct c_element *e);
/* The record was written by other means than c_sync (or from the inbound except): its elements may be behind. */
void c_mark_stale(struct panel_sim *sim, const struct c_record *r, const struct panel_inbound *except);

struct panel_traffic *c_row_add(struct panel_sim *sim, const struct panel_inbound *in, const struct c_client *client);
void c_row_update(struct panel_sim *sim, const char *email, const struct c_client *client);
void c_row_delete(struct panel_sim *sim, const char *email);

struct c_body *c_body_new(void);
void c_body_free(struct panel_sim *sim, struct panel_inbound *in);
/* What the protocol knows a client by: password, e-mail, auth or id. */
const char *c_key(const struct panel_inbound *in, const struct c_client *client);

/* --- panel_c_json.c --- */

/* Reads a client as add and update send it. NULL, or Go's error text. where is "Client.client." or "Client.". */
const char *c_client_read(struct c_client *out, struct json_object *o, const char *where, int version, struct arena *a);
void c_write_element(struct json_out *j, const struct c_client *client);
void c_write_record(struct json_out *j, const struct panel_sim *sim, const struct c_record *r, const char *flow); /* keys only */
/* The flow of a client as get shows it: from any inbound that has one. */
const char *c_flow_of(struct panel_call *call, const struct c_record *r);
/* "groups": those made by name and those clients carry, each once. */
void c_write_group_names(struct json_out *j, struct panel_call *call);
void c_write_ids(struct json_out *j, const int64_t *ids, size_t count);

enum c_view { VIEW_ANSWER, VIEW_GET, VIEW_LIST, VIEW_SLIM };
/* stats: what VIEW_ANSWER shows as clientStats, the request's own; NULL: null. */
void c_write_inbound(struct json_out *j, struct panel_sim *sim, const struct panel_inbound *in, enum c_view view,
		     struct json_object *stats);
void c_write_settings(struct json_out *j, const struct panel_inbound *in, bool slim);

/* The body as a decoder reads it: empty is "EOF". NULL, or Go's error text. *out is to be put; it is an object or NULL. */
const char *c_body_read(struct json_object **out, struct panel_call *call);
/* Member name as a list of e-mails or ids. NULL, or Go's error text. */
const char *c_ids_read(int64_t **out, size_t *count, struct json_object *o, const char *name, const char *type,
		       struct arena *a);
const char *c_emails_read(const char ***out, size_t *count, struct json_object *o, struct arena *a);

/* --- panel_c_client.c: the work behind the routes; NULL or the error's text --- */

#define C_PANIC "panic" /* an error text that stands for 500 with an empty body */

const char *c_client_add(struct panel_sim *sim, struct c_client *client, const int64_t *ids, size_t count, struct arena *a);
const char *c_client_update(struct panel_sim *sim, struct c_record *r, struct c_client *client, const int64_t *only,
			    size_t only_count, struct arena *a);
const char *c_client_delete(struct panel_sim *sim, struct c_record *r, bool keep_traffic, struct arena *a);
const char *c_client_attach(struct panel_sim *sim, struct c_record *r, const int64_t *ids, size_t count,
			    size_t *attached, size_t *skipped, struct arena *a);
const char *c_client_detach(struct panel_sim *sim, struct c_record *r, const int64_t *ids, size_t count,
			    size_t *detached, struct arena *a);
void c_client_reset(struct panel_sim *sim, struct c_record *r, struct arena *a);
/* A conflicting e-mail as the panel looks for it, over all inbounds and without case. */
bool c_email_taken(struct panel_sim *sim, const struct c_client *client);
/* 3.1.x: some inbound's settings are no JSON, so every look for an e-mail over all inbounds fails. */
bool c_malformed(const struct panel_sim *sim);
void c_fill_credentials(struct c_client *client, const struct panel_inbound *in, const struct panel_sim *sim);
/* "prefix (error)", or the 500 of C_PANIC. */
void c_refuse(struct panel_call *call, const char *prefix, const char *error);
const char *c_error(struct arena *a, const char *what, const char *value); /* as the panel's own: with a newline */

/* --- panel_c_poll.c --- */

void c_poll(struct panel_sim *sim, int64_t now_ms);
void c_xray_start(struct panel_sim *sim);
bool c_use(struct panel_sim *sim, struct str email, int64_t up, int64_t down);
bool c_let_through(const struct panel_sim *sim, const struct c_element *e, const struct panel_traffic *row);
bool c_is_online(struct panel_sim *sim, const struct panel_traffic *row);

/* --- panel_c_host.c --- */

/* Those that links are made for, in order; after NULL: the first. NULL: no more. */
const struct c_host *c_host_next(struct panel_sim *sim, int64_t inbound_id, const struct c_host *after);
void c_hosts_release(struct panel_sim *sim);

/* --- panel_c_link.c, panel_c_sub.c --- */

struct c_link_style {
	const char *host;
	bool usage;      /* the subscription's remark */
	bool first;      /* of the document: carries the usage from 3.2 on */
	bool bare;       /* 3.1.0 links: no e-mail in the remark */
};
/* The share links of one element, one a line: its own, or one per host. false: that protocol has none. */
bool c_link(struct buf *to, struct panel_sim *sim, const struct c_element *e, const struct c_link_style *style);
char *c_size_text(struct arena *a, int64_t bytes); /* "1.50GB" */
bool c_can_flow(const struct panel_inbound *in);
#define C_WG_KEY_CHARS 44
/* The public half of a base64 X25519 key, "" when it is none. Returns out. */
const char *c_wg_public_key(char out[C_WG_KEY_CHARS + 1], const char *private_key);
const char *c_link_host(struct panel_call *call);
void c_subscribe(struct panel_call *call);

/* --- handlers, named in the table of panel_c.c --- */

panel_handler c_on_list, c_on_paged, c_on_get, c_on_tg_id, c_on_traffic, c_on_onlines, c_on_onlines_guid, c_on_last_online,
	c_on_active_inbounds, c_on_links, c_on_sub_links, c_on_all_links;
panel_handler c_on_add, c_on_update, c_on_del, c_on_attach, c_on_detach, c_on_reset, c_on_reset_all, c_on_set_traffic,
	c_on_external_links, c_on_del_depleted;
panel_handler c_on_bulk_create, c_on_bulk_del, c_on_bulk_adjust, c_on_bulk_enable, c_on_bulk_disable, c_on_bulk_attach,
	c_on_bulk_detach, c_on_bulk_reset, c_on_del_orphans, c_on_export, c_on_import;
panel_handler c_on_groups, c_on_group_emails, c_on_group_create, c_on_group_rename, c_on_group_delete, c_on_group_add,
	c_on_group_remove, c_on_group_reset;
panel_handler c_on_in_list, c_on_in_slim, c_on_in_get, c_on_in_options, c_on_in_add, c_on_in_update, c_on_in_del,
	c_on_in_bulk_del, c_on_in_enable, c_on_in_reset, c_on_in_reset_all, c_on_in_del_all, c_on_in_fallbacks, c_on_empty_list;
panel_handler c_on_host_list, c_on_host_add, c_on_host_del;

int64_t c_seed(struct panel_sim *sim, const char *protocol, int port, const char *prefix, size_t clients);
void c_each_client(struct panel_sim *sim, int64_t inbound_id, bool (*fn)(void *ctx, const struct panel_client_view *client),
		   void *ctx);
bool c_find_client(struct panel_client_view *out, struct panel_sim *sim, int64_t inbound_id, struct str email);

#endif
