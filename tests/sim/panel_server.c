/* panel/api/server: status, database, logs, key material, Xray on and off. Figures of the host are invented; what a
 * client decides by (xray.state, panelVersion, the SQLite magic) is not. */
#include <openssl/evp.h>
#include <sqlite3.h>

#include "tests/sim/panel_private.h"

#define MOVED VERSION(2, 7, 0) /* before: {base}server/…, POST */

static void on_status(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	const char *state = sim->config.no_xray ? "error" : sim->xray_running ? "running" : "stop";
	int64_t up_s = (sim->now_ms - sim->started_ms) / SECOND_MS;
	struct buf b;
	struct json_out j;

	buf_init(&b, 4096);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_key(&j, "cpu");
	json_add_raw(&j, STR("12.5"));
	json_put_i64(&j, "cpuCores", 2);
	if (sim->version >= VERSION(2, 6, 0))
		json_put_i64(&j, "logicalPro", 2);
	json_key(&j, "cpuSpeedMhz");
	json_add_raw(&j, STR("2599.998"));
	json_key(&j, "mem");
	json_add_raw(&j, STR("{\"current\":950738944,\"total\":4123168768}"));
	json_key(&j, "swap");
	json_add_raw(&j, STR("{\"current\":0,\"total\":0}"));
	json_key(&j, "disk");
	json_add_raw(&j, STR("{\"current\":9663676416,\"total\":42949672960}"));
	json_key(&j, "xray");
	json_open(&j, '{');
	json_put_cstr(&j, "state", state);
	json_put_cstr(&j, "errorMsg", sim->config.no_xray ? "exec: no such file or directory" : "");
	json_put_cstr(&j, "version", sim->config.no_xray ? "Unknown" : sim->config.xray_version);
	json_close(&j, '}');
	if (sim->version >= VERSION(3, 1, 0))
		json_put_cstr(&j, "panelVersion", sim->version_text);
	if (sim->version >= VERSION(3, 3, 0))
		json_put_cstr(&j, "panelGuid", "5d0c2f6e-0000-4000-8000-000000000001");
	json_put_i64(&j, "uptime", 4400 + up_s);
	json_key(&j, "loads");
	json_add_raw(&j, STR("[0.66,0.87,0.95]"));
	json_put_i64(&j, "tcpCount", 171);
	json_put_i64(&j, "udpCount", 4);
	json_key(&j, "netIO");
	json_add_raw(&j, STR("{\"up\":10240,\"down\":204800}"));
	json_key(&j, "netTraffic");
	json_add_raw(&j, STR("{\"sent\":987654321,\"recv\":876543210}"));
	json_key(&j, "publicIP");
	json_add_raw(&j, STR("{\"ipv4\":\"N/A\",\"ipv6\":\"N/A\"}"));
	json_key(&j, "appStats");
	json_open(&j, '{');
	json_put_i64(&j, "threads", 12);
	json_put_i64(&j, "mem", 36280584);
	json_put_i64(&j, "uptime", sim->xray_running ? (sim->now_ms - sim->xray_started_ms) / SECOND_MS : 0);
	json_close(&j, '}');
	json_close(&j, '}');
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

static void on_xray_versions(struct panel_call *c)
{
	panel_answer_obj(c, str_of(arena_printf(c->arena, "[\"v%s\",\"v25.10.15\"]", c->sim->config.xray_version)));
}

static void on_update_info(struct panel_call *c)
{
	panel_answer_obj(c, str_of(arena_printf(c->arena, "{\"currentVersion\":\"%s\",\"latestVersion\":\"v%s\",\"updateAvailable\":false}",
						c->sim->version_text, c->sim->version_text)));
}

static void on_uuid(struct panel_call *c)
{
	char uuid[UUID_CHARS + 1];

	rand_uuid(uuid);
	panel_answer_obj(c, str_of(arena_printf(c->arena, "{\"uuid\":\"%s\"}", uuid)));
}

static void on_x25519(struct panel_call *c)
{
	unsigned char secret[32], public[32];
	size_t n = sizeof public;
	EVP_PKEY *key;
	struct buf b;

	rand_bytes(secret, sizeof secret);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, sizeof secret);
	EVP_PKEY_get_raw_public_key(key, public, &n);
	EVP_PKEY_free(key);
	buf_init(&b, 256);
	buf_adds(&b, "{\"privateKey\":\"");
	enc_base64url(&b, secret, sizeof secret);
	buf_adds(&b, "\",\"publicKey\":\"");
	enc_base64url(&b, public, sizeof public);
	buf_adds(&b, "\"}");
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

static void on_logs(struct panel_call *c)
{
	panel_answer_obj(c, STR("[\"2026/01/01 00:00:00 INFO - Web server running HTTP on [::]:2053\"]"));
}

static void on_nothing(struct panel_call *c)
{
	panel_answer_empty(c, 200);
}

static void on_nodes(struct panel_call *c)
{
	panel_answer_obj(c, STR("[]"));
}

static void on_xray_restart(struct panel_call *c)
{
	panel_xray_start(c->sim);
	if (c->sim->xray_running)
		panel_answer_ok(c, "Xray has been successfully relaunched.");
	else
		panel_answer_fail(c, "There was an error when restarting the Xray.", "exec: no such file or directory");
}

static void on_xray_stop(struct panel_call *c)
{
	if (!c->sim->xray_running) {
		panel_answer_fail(c, "There was an error when stopping the Xray.", "xray is not running");
		return;
	}
	panel_xray_stop(c->sim);
	panel_answer_ok(c, "Xray has been successfully stopped.");
}

/* --- the database file --- */

static const char schema[] =
	"CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT, password TEXT);"
	"CREATE TABLE inbounds (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER, up INTEGER, down INTEGER, total INTEGER,"
	" all_time INTEGER DEFAULT 0, remark TEXT, enable NUMERIC, expiry_time INTEGER, traffic_reset TEXT DEFAULT 'never',"
	" last_traffic_reset_time INTEGER DEFAULT 0, listen TEXT, port INTEGER, protocol TEXT, stream_settings TEXT,"
	" tag TEXT UNIQUE, sniffing TEXT);"
	"CREATE TABLE client_traffics (id INTEGER PRIMARY KEY AUTOINCREMENT, inbound_id INTEGER, enable NUMERIC,"
	" email TEXT UNIQUE, up INTEGER, down INTEGER, all_time INTEGER, expiry_time INTEGER, total INTEGER,"
	" reset INTEGER DEFAULT 0, last_online INTEGER DEFAULT 0);"
	"CREATE TABLE settings (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, value TEXT);";

/* One row; format has a letter per column: i a number, s a text. */
static void insert(sqlite3 *db, const char *table, const char *columns, const char *format, ...)
{
	char sql[512];
	sqlite3_stmt *st;
	va_list args;
	size_t n = strlen(format);

	snprintf(sql, sizeof sql, "INSERT INTO %s (%s) VALUES (%.*s)", table, columns, (int)(2 * n - 1), "?,?,?,?,?,?,?,?,?,?,?,?,?,?");
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		abort();
	va_start(args, format);
	for (size_t i = 0; i < n; i++) {
		if (format[i] == 'i')
			sqlite3_bind_int64(st, (int)i + 1, va_arg(args, int64_t));
		else
			sqlite3_bind_text(st, (int)i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
	}
	va_end(args);
	sqlite3_step(st);
	sqlite3_finalize(st);
}

static void database_fill(sqlite3 *db, struct panel_sim *sim)
{
	insert(db, "users", "username, password", "ss", sim->user.name, "$2a$10$notthehash");
	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		insert(db, "inbounds", "id, user_id, up, down, total, remark, enable, expiry_time, listen, port, protocol, stream_settings, tag",
		       "iiiiisiisisss", in->id, in->user_id, in->up, in->down, in->total, in->remark, (int64_t)in->enable,
		       in->expiry_ms, in->listen, in->port, in->protocol, in->stream, in->tag);
	for (struct panel_traffic *row = sim->traffics; row; row = row->next)
		insert(db, "client_traffics", "id, inbound_id, enable, email, up, down, all_time, expiry_time, total, reset, last_online",
		       "iiisiiiiiii", row->id, row->inbound_id, (int64_t)row->enable, row->email, row->up, row->down, row->all_time,
		       row->expiry_ms, row->total, row->reset, row->last_online_ms);
	for (size_t i = 0; i < sim->settings_count; i++)
		insert(db, "settings", "key, value", "ss", sim->settings[i].key, json_object_get_string(sim->settings[i].value));
}

static void on_db(struct panel_call *c)
{
	const char *name = "x-ui.db";
	sqlite3 *db;
	unsigned char *bytes;
	sqlite3_int64 n;

	if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
		abort();
	sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	database_fill(db, c->sim);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	bytes = sqlite3_serialize(db, "main", &n, 0);
	if (c->sim->version >= VERSION(3, 4, 0)) {
		struct str host = panel_header(c->request, "host");

		host = str_cut(&host, ':');
		name = arena_printf(c->arena, "%.*s_2026-01-01_000000.db", STR_ARG(host));
	}
	panel_add_header(c, "Content-Disposition", arena_printf(c->arena, "attachment; filename=%s", name));
	panel_answer_bytes(c, 200, "application/octet-stream", str_n(arena_strndup(c->arena, (char *)bytes, (size_t)n), (size_t)n));
	sqlite3_free(bytes);
	sqlite3_close(db);
}

#define OLD VERSION_ANY, MOVED - 1, AREA_PAGE, false
#define NEW MOVED, VERSION_LAST, AREA_API, false

const struct panel_route panel_server_routes[] = {
	{ HTTP_POST, "server/status",                        OLD, on_status },
	{ HTTP_POST, "server/getXrayVersion",                OLD, on_xray_versions },
	{ HTTP_POST, "server/getNewX25519Cert",              OLD, on_x25519 },
	{ HTTP_GET,  "server/getDb",                         OLD, on_db },
	{ HTTP_POST, "server/logs/:count",                   OLD, on_logs },
	{ HTTP_POST, "server/restartXrayService",            OLD, on_xray_restart },
	{ HTTP_POST, "server/stopXrayService",               OLD, on_xray_stop },
	{ HTTP_GET,  "panel/api/server/status",              NEW, on_status },
	{ HTTP_GET,  "panel/api/server/getXrayVersion",      NEW, on_xray_versions },
	{ HTTP_GET,  "panel/api/server/getNewX25519Cert",    NEW, on_x25519 },
	{ HTTP_GET,  "panel/api/server/getNewUUID",          NEW, on_uuid },
	{ HTTP_GET,  "panel/api/server/getDb",               NEW, on_db },
	{ HTTP_POST, "panel/api/server/logs/:count",         NEW, on_logs },
	{ HTTP_POST, "panel/api/server/restartXrayService",  NEW, on_xray_restart },
	{ HTTP_POST, "panel/api/server/stopXrayService",     NEW, on_xray_stop },
	{ HTTP_GET,  "panel/api/server/getPanelUpdateInfo",  VERSION(2, 9, 4), VERSION_LAST,     AREA_API, false, on_update_info },
	{ HTTP_GET,  "panel/api/inbounds/createbackup",      VERSION_ANY,      MOVED - 1,        AREA_API, false, on_nothing },
	{ HTTP_GET,  "panel/api/backuptotgbot",              MOVED,            VERSION(3, 0, 1), AREA_API, false, on_nothing },
	{ HTTP_POST, "panel/api/backuptotgbot",              VERSION(3, 0, 2), VERSION_LAST,     AREA_API, false, on_nothing },
	{ HTTP_GET,  "panel/api/nodes/list",                 VERSION(3, 0, 0), VERSION_LAST,     AREA_API, false, on_nodes },
};
const size_t panel_server_routes_count = countof(panel_server_routes);
