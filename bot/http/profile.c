/* Who somebody is, and the join with the bot. */
#include "bot/http/profile_private.h"

#include <inttypes.h>

#include "bot/fleet/fleet.h"
#include "bot/http/auth.h"
#include "bot/shop/subscription.h"
#include "lib/base/clock.h"
#include "lib/base/date.h"
#include "lib/links/inbound.h"

#define CLIENTS_MAX 200
#define PROFILE_BYTES_MAX ((size_t)512 * 1024)
#define CODE_POINTS_MAX 32

static struct limit codes = { .max = 10, .window_ms = MINUTE_MS };

/* --- writing --- */

void profile_put_time(struct json_out *j, const char *key, int64_t ms)
{
	struct buf text;

	if (!ms) {
		json_put_cstr(j, key, NULL);
		return;
	}
	buf_init(&text, 64);
	date_write_iso(&text, ms);
	json_put_str(j, key, buf_str(&text));
	buf_release(&text);
}

static void put_uuid(struct json_out *j, const char *key, const char *kind, const char *public_id)
{
	char uuid[ACCOUNT_UUID_CHARS + 1];

	if (public_id)
		account_uuid(uuid, kind, public_id);
	json_put_cstr(j, key, public_id ? uuid : NULL);
}

void profile_write_user(struct json_out *j, const struct account_view *v)
{
	json_open(j, '{');
	put_uuid(j, "id", "user", v->user.public_id);
	json_put_cstr(j, "email", v->email);
	json_key(j, "telegram_id");
	if (v->user.telegram_id)
		json_add_i64(j, v->user.telegram_id);
	else
		json_add_null(j);
	json_put_cstr(j, "marzban_username", NULL); /* no such panels yet */
	json_put_cstr(j, "marzban_id", NULL);
	json_put_bool(j, "is_active", !v->user.banned);
	json_put_bool(j, "is_admin", v->user.is_admin);
	json_put_cstr(j, "referral_code", v->user.referral_code);
	put_uuid(j, "referred_by", "user", v->referred_by);
	profile_put_time(j, "created_at", v->user.created_ms);
	profile_put_time(j, "updated_at", v->updated_ms);
	json_close(j, '}');
}

enum err user_answer_begin(struct user_answer *out, struct act *a, int64_t user_id, size_t bytes_max)
{
	enum err e = account_view(&out->view, a, user_id);

	if (e)
		return e;
	buf_init(&out->body, bytes_max);
	json_out_init(&out->j, &out->body);
	return OK;
}

/* --- clients, as the panels have them --- */

struct client {
	char *sub_public_id, *email, *protocol, *body, *links;
	int64_t expires_ms, quota_bytes, used_bytes, subscription_id;
	bool enabled;
};

static const char *status_of(const struct act *a, const struct client *c)
{
	if (c->expires_ms && c->expires_ms <= a->now_ms)
		return "expired";
	if (c->quota_bytes && c->used_bytes >= c->quota_bytes)
		return "limited";
	return c->enabled ? "active" : "disabled";
}

static const char *transport_of(struct act *a, const struct client *c)
{
	struct link_inbound in;

	if (!c->body || link_inbound_read(&in, a->arena, str_of(c->body)) || !in.network.len)
		return NULL;
	return str_dup(a->arena, in.network);
}

static enum err write_client(struct json_out *j, struct act *a, const struct client *c)
{
	struct access_links links;
	enum err e = access_links(&links, a, c->subscription_id);

	if (e)
		return e;
	json_open(j, '{');
	put_uuid(j, "id", "subscription", c->sub_public_id);
	json_put_cstr(j, "marzban_client_id", c->email);
	json_put_cstr(j, "protocol", c->protocol ? c->protocol : "");
	json_put_cstr(j, "transport", transport_of(a, c));
	profile_put_time(j, "expires_at", c->expires_ms);
	json_put_cstr(j, "subscription_url", links.sub_url.len ? str_dup(a->arena, links.sub_url) : NULL);
	json_put_cstr(j, "config_text", c->links);
	json_put_cstr(j, "status", status_of(a, c));
	json_close(j, '}');
	return OK;
}

static enum err write_clients(struct json_out *j, struct act *a, int64_t user_id)
{
	struct client *list = arena_array(a->arena, struct client, CLIENTS_MAX);
	struct db_rows r;
	size_t n = 0;
	enum err e;

	db_select(&r, a->tx, "SELECT s.public_id, x.email, i.protocol, i.body, x.link, x.seen_expires_ms, x.seen_quota_bytes, x.seen_up_bytes+x.seen_down_bytes, s.id, x.seen_enabled"
		" FROM subscriptions s JOIN accesses x ON x.subscription_id=s.id LEFT JOIN inbounds i ON i.panel_id=x.panel_id AND i.inbound_id=x.inbound_id"
		" WHERE s.user_id=?1 AND x.seen_exists=1 AND x.deleted_ms=0 ORDER BY x.id DESC LIMIT ?2", user_id, CLIENTS_MAX);
	while (db_next(&r))
		list[n++] = (struct client){ db_text(&r, 0, a->arena), db_text(&r, 1, a->arena), db_text(&r, 2, a->arena), db_text(&r, 3, a->arena), db_text(&r, 4, a->arena),
			db_i64(&r, 5), db_i64(&r, 6), db_i64(&r, 7), db_i64(&r, 8), db_i64(&r, 9) };
	e = db_end(&r);
	json_open(j, '[');
	for (size_t i = 0; !e && i < n; i++)
		e = write_client(j, a, &list[i]);
	json_close(j, ']');
	return e;
}

enum err profile_get(struct act *a, const struct http_inbound *in)
{
	struct user_answer out;
	struct json_out *j = &out.j;
	struct user u;
	int64_t session_id;
	enum err e = OK;

	if (!api_is_on(a, in, &e) || !api_user(&u, &session_id, a, in, &e))
		return e;
	e = user_answer_begin(&out, a, u.id, PROFILE_BYTES_MAX);
	if (e)
		return e;
	json_open(j, '{');
	json_key(j, "user");
	profile_write_user(j, &out.view);
	json_key(j, "clients");
	e = write_clients(j, a, u.id);
	json_close(j, '}');
	if (!e)
		return api_answer(a, in, 200, &out.body);
	buf_release(&out.body);
	return e;
}

/* --- the join --- */

static enum err answer_user(struct act *a, const struct http_inbound *in, int64_t user_id)
{
	struct user_answer out;
	enum err e = user_answer_begin(&out, a, user_id, USER_BYTES_MAX);

	if (e)
		return e;
	profile_write_user(&out.j, &out.view);
	return api_answer(a, in, 200, &out.body);
}

static enum err link_with(struct act *a, const struct http_inbound *in, const struct user *u, struct str code)
{
	int64_t user_id;
	enum err e = account_link(&user_id, a, u, code);

	switch (e) {
	case E_NOTFOUND: return api_invalid(a, in, "code");
	case E_CONFLICT: return api_error(a, in, 409, "telegram account already linked");
	case E_REFUSED:  return api_error(a, in, 403, "user inactive");
	default:         return e ? e : answer_user(a, in, user_id);
	}
}

enum err profile_link(struct act *a, const struct http_inbound *in)
{
	struct json_object *o;
	struct str code;
	struct user u;
	int64_t session_id;
	enum err e = OK;

	if (!api_is_on(a, in, &e) || !api_user(&u, &session_id, a, in, &e) || !api_may(a, in, &codes, str_of(u.public_id), &e))
		return e;
	o = api_body(a, in, &e);
	if (!o)
		return e;
	if (api_text(&code, a, in, o, "code", 1, CODE_POINTS_MAX, &e))
		e = link_with(a, in, &u, code);
	json_object_put(o);
	return e;
}
