/* One client of a panel: what we want of it and what the panel says of it, in the same struct.
 *
 * The panel keeps a client in two shapes. The *client* shape is an element of settings.clients[] (2.x, 3.0.x) and what
 * 3.1+ takes in add and update: the UUID is "id". The *record* shape is what 3.1+ answers: the UUID is "uuid", "id" is a
 * row number, time stamps and allowedIPs are spelled differently. Writing always uses the client shape.
 *
 * A write replaces the whole object: a key left out becomes zero, which means unlimited or disabled. So what was read is
 * carried along as raw text and written back with the wanted values in place, unknown keys included (R039, B20). */
#ifndef OBOL_XUI_CLIENT_H
#define OBOL_XUI_CLIENT_H

#include "lib/base/json.h"

#define XUI_CLIENT_INBOUNDS_MAX 32

enum xui_shape { XUI_SHAPE_CLIENT, XUI_SHAPE_RECORD };

struct xui_client {
	struct str email;     /* the panel-wide name and management key */
	struct str uuid;      /* VLESS, VMess */
	struct str password;  /* Trojan, Shadowsocks; made to fit the inbound's method when written, see xui_shadowsocks_key */
	struct str auth;      /* Hysteria; empty: the password is used */
	struct str sub_id;
	struct str flow;      /* when added, empty: what the inbound can carry */
	struct str comment;
	int64_t quota_bytes;  /* 0: unlimited; the wire calls it totalGB (R050) */
	int64_t expires_ms;   /* 0: never; negative: minus the duration, begins with the first traffic */
	int64_t limit_ip;     /* 0: unlimited */
	int64_t tg_id;        /* a number on the wire, 0: none (K11) */
	int64_t reset_days;   /* the panel renews by itself every so many days; 0 for whatever is paid for */
	int64_t created_ms, updated_ms;
	bool enabled;         /* as in the settings; a depleted client may still say true here */
	int64_t inbound_ids[XUI_CLIENT_INBOUNDS_MAX];
	size_t inbounds_count;
	struct str raw;       /* the object as the panel gave it; empty for a new one */
	enum xui_shape shape; /* of raw */
};

/* The panel's accounting of one client. Enforcement reads only this (panel-api.md 7.3). */
struct xui_traffic {
	struct str email;
	int64_t id;           /* row number, no use as a client id */
	int64_t inbound_id;
	int64_t up_bytes, down_bytes;
	int64_t quota_bytes, expires_ms, reset_days; /* copies of the client's */
	int64_t last_online_ms; /* 0: never, or the panel does not say */
	bool enabled;         /* false also when depleted or expired */
};

/* Which values of the wanted client an update puts in place; all others stay as they are. */
enum xui_change {
	XUI_SET_EXPIRES = 1 << 0, XUI_SET_QUOTA = 1 << 1, XUI_SET_ENABLED = 1 << 2, XUI_SET_LIMIT_IP = 1 << 3,
	XUI_SET_TG_ID = 1 << 4, XUI_SET_SUB_ID = 1 << 5, XUI_SET_COMMENT = 1 << 6, XUI_SET_RESET = 1 << 7,
	XUI_SET_EMAIL = 1 << 8, XUI_SET_UUID = 1 << 9, XUI_SET_PASSWORD = 1 << 10, XUI_SET_AUTH = 1 << 11,
	XUI_SET_FLOW = 1 << 12, XUI_SET_ALL = (1 << 13) - 1
};

/* Reads one object tolerantly (R023, R049): missing keys are zero, numbers may be text, unknown keys stay in raw.
 * Texts are copied into the arena. E_INVALID: no JSON object. */
enum err xui_client_read(struct xui_client *out, struct arena *a, struct str raw, enum xui_shape shape);
/* The same from a tree; raw is made from it. */
void xui_client_take(struct xui_client *out, struct arena *a, struct json_object *o, enum xui_shape shape);
void xui_traffic_take(struct xui_traffic *out, struct arena *a, struct json_object *o);

/* Writes the whole client in the client shape: the object of base->raw (base NULL: a new one) with the values of want
 * that change names. The twelve fields of 2.8.5 are always there, as integers and booleans proper (R027, R046). method is
 * the Shadowsocks method of the client, NULL for other protocols. */
void xui_client_write(struct json_out *j, const struct xui_client *base, const struct xui_client *want, unsigned change,
		      const char *method, int64_t now_ms);

/* What addresses a client of this protocol in the routes of 2.x and 3.0.x (R048): borrowed from c. */
struct str xui_client_key(const struct xui_client *c, struct str protocol);

/* Same person's client: same UUID, or where one side has none or the panel drew another, the same subscription id. */
bool xui_client_is_same(const struct xui_client *a, const struct xui_client *b);

/* Appends the Shadowsocks password that fits the inbound's method (R047): the 2022 methods want base64 of 16 or 32 bytes. Of a
 * longer key it is the first so many bytes, so that both can be told to be of one; anything else is hashed to that size. */
void xui_shadowsocks_key(struct buf *to, struct str method, struct str password);
/* The "method" of a client: empty for the 2022 methods, which take it from the inbound alone. */
struct str xui_shadowsocks_client_method(struct str method);

#endif
