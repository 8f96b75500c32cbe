/* One table: what the panel's generations call each purpose, and how they differ (R024, R151). */
#include "lib/xui/xui_private.h"

#include <stdio.h>

#define VERSION(major, minor, patch) ((major) * 10000 + (minor) * 100 + (patch))

/* Before anything is known of the panel; these are the same everywhere. */
static const struct route public_routes[ROUTES] = {
	[R_CSRF] = { HTTP_GET, "csrf-token", false, false, 0 },
	[R_PAGE] = { HTTP_GET, "", false, false, 0 },
	[R_LOGIN] = { HTTP_POST, "login", false, false, 0 },
	[R_HOME] = { HTTP_GET, "panel/", false, true, 0 },
	[R_STATUS] = { HTTP_GET, "panel/api/server/status", false, false, 0 },
	[R_CROSS] = { HTTP_GET, "panel/api/clients/list/paged?page=1&pageSize=1", false, false, 0 },
};

#define EVERYWHERE \
	[R_INBOUND] = { HTTP_GET, "panel/api/inbounds/get/{inbound}", false, false, XUI_LONG_TIMEOUT_MS }, \
	[R_INBOUND_ADD] = { HTTP_POST, "panel/api/inbounds/add", true, false, 0 }, \
	[R_INBOUND_UPDATE] = { HTTP_POST, "panel/api/inbounds/update/{inbound}", true, false, 0 }, \
	[R_INBOUND_DELETE] = { HTTP_POST, "panel/api/inbounds/del/{inbound}", true, false, 0 }

/* 2.x and 3.0.x: clients live inside an inbound. */
#define CLIENTS_IN_INBOUNDS \
	[R_INBOUNDS] = { HTTP_GET, "panel/api/inbounds/list", false, false, XUI_LONG_TIMEOUT_MS }, \
	[R_CLIENTS] = { HTTP_GET, "panel/api/inbounds/list", false, false, XUI_LONG_TIMEOUT_MS }, \
	[R_TRAFFIC] = { HTTP_GET, "panel/api/inbounds/getClientTraffics/{email}", false, false, 0 }, \
	[R_ONLINES] = { HTTP_POST, "panel/api/inbounds/onlines", false, false, 0 }, \
	[R_IPS] = { HTTP_POST, "panel/api/inbounds/clientIps/{email}", false, false, 0 }, \
	[R_IPS_CLEAR] = { HTTP_POST, "panel/api/inbounds/clearClientIps/{email}", true, false, 0 }, \
	[R_CLIENT_ADD] = { HTTP_POST, "panel/api/inbounds/addClient", true, false, 0 }, \
	[R_CLIENT_UPDATE] = { HTTP_POST, "panel/api/inbounds/updateClient/{key}", true, false, 0 }, \
	[R_CLIENT_RESET] = { HTTP_POST, "panel/api/inbounds/{inbound}/resetClientTraffic/{email}", true, false, 0 }, \
	[R_CLIENT_DELETE] = { HTTP_POST, "panel/api/inbounds/{inbound}/delClient/{key}", true, false, 0 }

/* 3.1 and later: clients are found by e-mail. */
#define CLIENTS_OF_THEIR_OWN \
	[R_INBOUNDS] = { HTTP_GET, "panel/api/inbounds/list/slim", false, false, XUI_LONG_TIMEOUT_MS }, \
	[R_OPTIONS] = { HTTP_GET, "panel/api/inbounds/options", false, false, 0 }, \
	[R_CLIENTS] = { HTTP_GET, "panel/api/clients/list", false, false, XUI_LONG_TIMEOUT_MS }, \
	[R_CLIENT] = { HTTP_GET, "panel/api/clients/get/{email}", false, false, 0 }, \
	[R_TRAFFIC] = { HTTP_GET, "panel/api/clients/traffic/{email}", false, false, 0 }, \
	[R_ONLINES] = { HTTP_POST, "panel/api/clients/onlines", false, false, 0 }, \
	[R_IPS] = { HTTP_POST, "panel/api/clients/ips/{email}", false, false, 0 }, \
	[R_IPS_CLEAR] = { HTTP_POST, "panel/api/clients/clearIps/{email}", true, false, 0 }, \
	[R_CLIENT_ADD] = { HTTP_POST, "panel/api/clients/add", true, false, 0 }, \
	[R_CLIENT_ATTACH] = { HTTP_POST, "panel/api/clients/{email}/attach", true, false, 0 }, \
	[R_CLIENT_UPDATE] = { HTTP_POST, "panel/api/clients/update/{email}", true, false, 0 }, \
	[R_CLIENT_RESET] = { HTTP_POST, "panel/api/clients/resetTraffic/{email}", true, false, 0 }, \
	[R_CLIENT_DELETE] = { HTTP_POST, "panel/api/clients/del/{email}", true, false, 0 }

/* From 2.3.11 on; 3.1 and later have nothing of the kind. */
#define USAGE_BY_UUID [R_USAGE] = { HTTP_GET, "panel/api/inbounds/getClientTrafficsById/{key}", false, false, 0 }

#define SERVER_OF_ITS_OWN \
	[R_STATUS] = { HTTP_POST, "server/status", false, false, 0 }, \
	[R_XRAY_RESTART] = { HTTP_POST, "server/restartXrayService", true, false, 0 }, \
	[R_DB] = { HTTP_GET, "server/getDb", false, false, XUI_LONG_TIMEOUT_MS }

#define SERVER_API \
	[R_STATUS] = { HTTP_GET, "panel/api/server/status", false, false, 0 }, \
	[R_XRAY_RESTART] = { HTTP_POST, "panel/api/server/restartXrayService", true, false, 0 }, \
	[R_DB] = { HTTP_GET, "panel/api/server/getDb", false, false, XUI_LONG_TIMEOUT_MS }

#define SETTINGS_BY_COOKIE [R_SETTINGS] = { HTTP_POST, "panel/setting/defaultSettings", false, true, 0 }
#define HOSTS_API [R_HOSTS] = { HTTP_GET, "panel/api/hosts/list", false, false, 0 }
#define SETTINGS_API [R_SETTINGS] = { HTTP_POST, "panel/api/setting/defaultSettings", false, false, 0 }

static const struct dialect dialects[] = {
	{ .name = XUI_A, .since = VERSION(2, 3, 0), .keeps_last_client = true, .needs_client_list = true, .loses_2022_users = true,
	  .routes = { EVERYWHERE, CLIENTS_IN_INBOUNDS, SETTINGS_BY_COOKIE, SERVER_OF_ITS_OWN } },
	{ .name = XUI_A, .since = VERSION(2, 3, 11), .keeps_last_client = true, .needs_client_list = true, .loses_2022_users = true,
	  .routes = { EVERYWHERE, CLIENTS_IN_INBOUNDS, USAGE_BY_UUID, SETTINGS_BY_COOKIE, SERVER_OF_ITS_OWN } },
	{ .name = XUI_A, .since = VERSION(2, 7, 0), .keeps_last_client = true, .needs_client_list = true, .loses_2022_users = true,
	  .routes = { EVERYWHERE, CLIENTS_IN_INBOUNDS, USAGE_BY_UUID, SETTINGS_BY_COOKIE, SERVER_API } },
	{ .name = XUI_A, .since = VERSION(2, 9, 3), .keeps_last_client = true, .needs_client_list = true, .loses_2022_users = true, .loses_aes_users = true,
	  .routes = { EVERYWHERE, CLIENTS_IN_INBOUNDS, USAGE_BY_UUID, SETTINGS_BY_COOKIE, SERVER_API } },
	{ .name = XUI_B, .since = VERSION(3, 0, 0), .keeps_last_client = true, .needs_client_list = true, .loses_2022_users = true, .loses_aes_users = true,
	  .has_csrf = true, .has_tokens = true,
	  .routes = { EVERYWHERE, CLIENTS_IN_INBOUNDS, USAGE_BY_UUID, SETTINGS_BY_COOKIE, SERVER_API } },
	{ .name = XUI_C, .since = VERSION(3, 1, 0), .has_csrf = true, .has_tokens = true, .has_records = true, .loses_2022_users = true,
	  .routes = { EVERYWHERE, CLIENTS_OF_THEIR_OWN, SETTINGS_BY_COOKIE, SERVER_API } },
	{ .name = XUI_C, .since = VERSION(3, 3, 0), .has_csrf = true, .has_tokens = true, .has_records = true, .loses_2022_users = true,
	  .routes = { EVERYWHERE, CLIENTS_OF_THEIR_OWN, SETTINGS_API, SERVER_API } },
	{ .name = XUI_C, .since = VERSION(3, 4, 0), .has_csrf = true, .has_tokens = true, .has_records = true, .loses_2022_users = true,
	  .routes = { EVERYWHERE, CLIENTS_OF_THEIR_OWN, HOSTS_API, SETTINGS_API, SERVER_API } },
	{ .name = XUI_C, .since = VERSION(3, 4, 2), .has_csrf = true, .has_tokens = true, .has_records = true,
	  .routes = { EVERYWHERE, CLIENTS_OF_THEIR_OWN, HOSTS_API, SETTINGS_API, SERVER_API } },
};

/* 0 for development builds and whatever else is no number. */
static int version_number(const char *version)
{
	int major = 0, minor = 0, patch = 0;

	return sscanf(version, "%3d.%2d.%2d", &major, &minor, &patch) >= 2 ? VERSION(major, minor, patch) : 0;
}

const struct dialect *dialect_of(const struct xui_panel *p)
{
	const struct dialect *best = NULL;
	int version = version_number(p->version);

	for (size_t i = 0; i < countof(dialects); i++)
		if (dialects[i].name == p->dialect && (!best || !version || dialects[i].since <= version))
			best = &dialects[i];
	return best;
}

bool xui_shows_settings(const struct xui_panel *p)
{
	const struct dialect *d = dialect_of(p);

	return p->password || (p->token && d && d->has_tokens && !d->routes[R_SETTINGS].cookie_only);
}

enum xui_support xui_version_support(const struct xui_panel *p)
{
	static const struct { int since, until; enum xui_support support; } known[] = {
		{ VERSION(2, 8, 5), VERSION(2, 9, 4), XUI_SUPPORT_GOOD },
		{ VERSION(3, 0, 2), VERSION(3, 0, 2), XUI_SUPPORT_GOOD },
		{ VERSION(3, 1, 0), VERSION(3, 3, 0), XUI_SUPPORT_POOR }, /* gives traffic away, draws new UUIDs, stops at a repeated one */
		{ VERSION(3, 3, 1), VERSION(3, 3, 1), XUI_SUPPORT_GOOD },
		{ VERSION(3, 4, 1), VERSION(3, 4, 1), XUI_SUPPORT_GOOD },
		{ VERSION(3, 4, 2), VERSION(3, 4, 2), XUI_SUPPORT_POOR }, /* leaves a copy of the old client after an edit */
		{ VERSION(3, 5, 0), VERSION(3, 6, 99), XUI_SUPPORT_GOOD },
	};
	int version = version_number(p->version);

	for (size_t i = 0; i < countof(known); i++)
		if (version >= known[i].since && version <= known[i].until)
			return known[i].support;
	return XUI_SUPPORT_UNKNOWN;
}

const struct route *route_public(enum route_id id)
{
	return &public_routes[id];
}

const char *xui_dialect_name(enum xui_dialect d)
{
	static const char *const names[] = { "?", "A", "B", "C" };

	return d <= XUI_C ? names[d] : "?";
}
