/* Inbounds as the panels showed them last. */
#include "bot/fleet/fleet_private.h"

#include <string.h>

#include "lib/links/inbound.h"

#define BODY_BYTES_MAX ((size_t)1 << 20)

#define INBOUND_COLUMNS "panel_id, inbound_id, remark, protocol, listen, host, body, port, clients, capacity, enabled, for_sale, gone, hosts"

static void read_row(struct inbound *out, struct db_rows *r, struct arena *arena)
{
	*out = (struct inbound){
		.panel_id = db_i64(r, 0), .inbound_id = db_i64(r, 1),
		.remark = db_text(r, 2, arena), .protocol = db_text(r, 3, arena), .listen = db_text(r, 4, arena),
		.host = db_text(r, 5, arena), .body = db_text(r, 6, arena),
		.port = (int)db_i64(r, 7), .clients = (int)db_i64(r, 8), .capacity = (int)db_i64(r, 9),
		.enabled = db_i64(r, 10) != 0, .for_sale = db_i64(r, 11) != 0, .gone = db_i64(r, 12) != 0,
		.hosts = db_text(r, 13, arena),
	};
}

enum err inbound_get(struct inbound *out, struct act *a, int64_t panel_id, int64_t inbound_id)
{
	struct db_rows r;
	enum err e;

	db_select(&r, a->tx, "SELECT " INBOUND_COLUMNS " FROM inbounds WHERE panel_id=?1 AND inbound_id=?2", panel_id, inbound_id);
	e = db_first(&r);
	if (e)
		return e;
	read_row(out, &r, a->arena);
	return db_end(&r);
}

enum err inbound_list(struct inbound *out, size_t *count, size_t max, struct act *a, int64_t panel_id)
{
	struct db_rows r;

	*count = 0;
	db_select(&r, a->tx, "SELECT " INBOUND_COLUMNS " FROM inbounds WHERE (?1=0 OR panel_id=?1)"
		" AND panel_id IN (SELECT id FROM panels WHERE deleted_ms=0) ORDER BY panel_id, inbound_id LIMIT ?2", panel_id, max);
	while (db_next(&r))
		read_row(&out[(*count)++], &r, a->arena);
	return db_end(&r);
}

static enum err found(struct act *a, enum err e)
{
	return !e && db_changes(a->tx) == 0 ? E_NOTFOUND : e;
}

enum err inbound_set_sale(struct act *a, int64_t panel_id, int64_t inbound_id, bool for_sale, int capacity)
{
	return found(a, db_run(a->tx, "UPDATE inbounds SET for_sale=?3, capacity=?4 WHERE panel_id=?1 AND inbound_id=?2",
		panel_id, inbound_id, for_sale, capacity));
}

/* Links follow: its accesses are looked at first thing (sweep.c), and each look writes the link anew. */
enum err inbound_set_host(struct act *a, int64_t panel_id, int64_t inbound_id, const char *host)
{
	struct str bare = link_host_bare(str_of(host));
	enum link_reach reach = link_host_reach(bare);
	enum err e;

	if (bare.len && (bare.len > LINK_HOST_MAX || reach == LINK_REACH_NONE || reach == LINK_REACH_UNSPECIFIED))
		return E_INVALID;
	e = found(a, db_run(a->tx, "UPDATE inbounds SET host=nullif(?3, '') WHERE panel_id=?1 AND inbound_id=?2", panel_id, inbound_id, str_dup(a->arena, bare)));
	return e ? e : db_run(a->tx, "UPDATE accesses SET seen_ms=1 WHERE panel_id=?1 AND inbound_id=?2 AND deleted_ms=0 AND seen_ms>0", panel_id, inbound_id);
}

enum err inbound_for_links(struct link_inbound *out, struct act *a, const struct inbound *in)
{
	enum err e = link_inbound_read(out, a->arena, str_of(in->body));

	return e || !in->hosts ? e : link_hosts_read(out, a->arena, str_of(in->hosts));
}

enum err panel_renewals_restart(bool *restart, struct act *a, int64_t panel_id)
{
	struct xui_panel panel;
	struct link_inbound in;
	struct db_rows r;
	enum err e = panel_reach(&panel, a, panel_id);

	*restart = false;
	if (e)
		return e;
	db_select(&r, a->tx, "SELECT body FROM inbounds WHERE panel_id=?1 AND protocol='shadowsocks' AND for_sale=1 AND gone=0", panel_id);
	while (db_next(&r))
		if (link_inbound_read(&in, a->arena, db_str(&r, 0)) == OK)
			*restart = *restart || xui_renewal_restarts(&panel, in.method);
	return db_end(&r);
}

/* --- what a list showed --- */

/* What links are made from; the clients are not in it. */
static const char *body_of(struct act *a, const struct xui_inbound *in)
{
	struct json_out j;
	struct buf b;
	const char *out;

	buf_init(&b, 3 * BODY_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_str(&j, "protocol", in->protocol);
	json_put_str(&j, "remark", utf8_clean(a->arena, in->remark));
	json_put_str(&j, "listen", in->listen);
	json_put_i64(&j, "port", in->port);
	json_put_str(&j, "shareAddrStrategy", in->share_strategy);
	json_put_str(&j, "shareAddr", in->share_addr);
	json_put_str(&j, "settings", in->settings);
	json_put_str(&j, "streamSettings", in->stream_settings);
	json_close(&j, '}');
	out = b.over ? NULL : str_dup(a->arena, buf_str(&b));
	buf_release(&b);
	return out;
}

static const char *hosts_of(struct act *a, const struct xui_result *r, int64_t inbound_id)
{
	const char *out = NULL;
	struct buf b;

	buf_init(&b, BODY_BYTES_MAX);
	for (size_t i = 0; i < r->hosts_count; i++) {
		if (r->hosts[i].inbound_id != inbound_id)
			continue;
		buf_addc(&b, b.len ? ',' : '[');
		buf_add(&b, r->hosts[i].row);
	}
	if (b.len) {
		buf_addc(&b, ']');
		out = b.over ? NULL : str_dup(a->arena, buf_str(&b));
	}
	buf_release(&b);
	return out;
}

static enum err store_one(struct act *a, int64_t panel_id, const struct xui_inbound *in, const struct xui_result *r)
{
	const char *body = body_of(a, in);

	if (!body)
		return OK; /* nothing that a person set up is so large */
	return db_run(a->tx, "INSERT INTO inbounds(panel_id, inbound_id, remark, protocol, port, listen, enabled, clients, body, seen_ms, hosts)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT(panel_id, inbound_id) DO UPDATE SET remark=?3, protocol=?4,"
		" port=?5, listen=?6, enabled=?7, clients=?8, body=?9, seen_ms=?10, hosts=iif(?12, ?11, hosts), gone=0",
		panel_id, in->id, utf8_clean(a->arena, in->remark), in->protocol, in->port, in->listen, in->enabled,
		in->clients_count, body, a->now_ms, hosts_of(a, r, in->id), r->hosts_known);
}

enum err inbound_store(struct act *a, int64_t panel_id, const struct xui_result *r)
{
	size_t clients = 0;
	enum err e = db_run(a->tx, "UPDATE inbounds SET gone=1 WHERE panel_id=?1", panel_id);

	for (size_t i = 0; !e && i < r->inbounds_count; i++) {
		clients += r->inbounds[i].clients_count;
		if (i < INBOUNDS_MAX)
			e = store_one(a, panel_id, &r->inbounds[i], r);
	}
	return e ? e : db_run(a->tx, "UPDATE panels SET clients=?2 WHERE id=?1", panel_id, clients);
}
