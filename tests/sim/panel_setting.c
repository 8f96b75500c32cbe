/* The table of settings, its two readers, and the change of credentials. */
#include "tests/sim/panel_private.h"

#define LAST_OLD_PATH VERSION(3, 2, 99) /* panel/setting/…, cookie only; later panel/api/setting/… */
#define MOVED VERSION(3, 3, 0)
#define CHANGED "The parameters have been changed."
#define USER_ERROR "An error occurred while changing administrator credentials."

/* Keys in the order of setting/all with their defaults as JSON. shown: also in defaultSettings, as it stands. */
static const struct { const char *key, *value; int since; bool shown; } known[] = {
	{ "webListen", "\"\"", VERSION_ANY, false },
	{ "webDomain", "\"\"", VERSION_ANY, false },
	{ "webPort", "2053", VERSION_ANY, false },
	{ "webCertFile", "\"\"", VERSION_ANY, false },
	{ "webKeyFile", "\"\"", VERSION_ANY, false },
	{ "webBasePath", "\"/\"", VERSION_ANY, false },
	{ "sessionMaxAge", "360", VERSION_ANY, false },
	{ "trustedProxyCIDRs", "\"127.0.0.1/32,::1/128\"", VERSION(3, 0, 2), false },
	{ "pageSize", "25", VERSION_ANY, true },
	{ "expireDiff", "0", VERSION_ANY, true },
	{ "trafficDiff", "0", VERSION_ANY, true },
	{ "remarkModel", "\"-ieo\"", VERSION_ANY, true },
	{ "datepicker", "\"gregorian\"", VERSION_ANY, true },
	{ "tgBotEnable", "false", VERSION_ANY, true },
	{ "tgBotToken", "\"\"", VERSION_ANY, false },
	{ "tgBotProxy", "\"\"", VERSION_ANY, false },
	{ "tgBotAPIServer", "\"\"", VERSION_ANY, false },
	{ "tgBotChatId", "\"\"", VERSION_ANY, false },
	{ "tgRunTime", "\"@daily\"", VERSION_ANY, false },
	{ "tgBotBackup", "false", VERSION_ANY, false },
	{ "tgBotLoginNotify", "true", VERSION_ANY, false },
	{ "tgCpu", "80", VERSION_ANY, false },
	{ "tgLang", "\"en-US\"", VERSION_ANY, false },
	{ "timeLocation", "\"Local\"", VERSION_ANY, false },
	{ "twoFactorEnable", "false", VERSION_ANY, false },
	{ "twoFactorToken", "\"\"", VERSION_ANY, false },
	{ "subEnable", "true", VERSION_ANY, true },
	{ "subJsonEnable", "false", VERSION_ANY, true },
	{ "subTitle", "\"\"", VERSION_ANY, true },
	{ "subSupportUrl", "\"\"", VERSION(2, 8, 6), false },
	{ "subProfileUrl", "\"\"", VERSION(2, 8, 6), false },
	{ "subAnnounce", "\"\"", VERSION(2, 8, 6), false },
	{ "subEnableRouting", "true", VERSION(2, 8, 6), false },
	{ "subRoutingRules", "\"\"", VERSION(2, 8, 6), false },
	{ "subListen", "\"\"", VERSION_ANY, false },
	{ "subPort", "2096", VERSION_ANY, false },
	{ "subPath", "\"/sub/\"", VERSION_ANY, false },
	{ "subDomain", "\"\"", VERSION_ANY, false },
	{ "subCertFile", "\"\"", VERSION_ANY, false },
	{ "subKeyFile", "\"\"", VERSION_ANY, false },
	{ "subUpdates", "12", VERSION_ANY, false },
	{ "externalTrafficInformEnable", "false", VERSION_ANY, false },
	{ "externalTrafficInformURI", "\"\"", VERSION_ANY, false },
	{ "restartXrayOnClientDisable", "true", VERSION(2, 9, 4), false },
	{ "subEncrypt", "true", VERSION_ANY, false },
	{ "subShowInfo", "true", VERSION_ANY, false },
	{ "subEmailInRemark", "true", VERSION(3, 0, 2), false },
	{ "subURI", "\"\"", VERSION_ANY, false },
	{ "subJsonPath", "\"/json/\"", VERSION_ANY, false },
	{ "subJsonURI", "\"\"", VERSION_ANY, false },
	{ "subClashEnable", "true", VERSION(2, 9, 0), true },
	{ "subClashPath", "\"/clash/\"", VERSION(2, 9, 0), false },
	{ "subClashURI", "\"\"", VERSION(2, 9, 0), false },
	{ "subJsonFragment", "\"\"", VERSION_ANY, false },
	{ "subJsonNoises", "\"\"", VERSION_ANY, false },
	{ "subJsonMux", "\"\"", VERSION_ANY, false },
	{ "subJsonRules", "\"\"", VERSION_ANY, false },
	{ "ldapEnable", "false", VERSION(2, 8, 5), false },
	{ "ldapHost", "\"\"", VERSION(2, 8, 5), false },
	{ "ldapPort", "389", VERSION(2, 8, 5), false },
	{ "ldapUseTLS", "false", VERSION(2, 8, 5), false },
	{ "ldapBindDN", "\"\"", VERSION(2, 8, 5), false },
	{ "ldapPassword", "\"\"", VERSION(2, 8, 5), false },
	{ "ldapBaseDN", "\"\"", VERSION(2, 8, 5), false },
	{ "ldapUserFilter", "\"(objectClass=person)\"", VERSION(2, 8, 5), false },
	{ "ldapUserAttr", "\"mail\"", VERSION(2, 8, 5), false },
	{ "ldapVlessField", "\"vless_enabled\"", VERSION(2, 8, 5), false },
	{ "ldapSyncCron", "\"@every 1m\"", VERSION(2, 8, 5), false },
	{ "ldapFlagField", "\"\"", VERSION(2, 8, 5), false },
	{ "ldapTruthyValues", "\"true,1,yes,on\"", VERSION(2, 8, 5), false },
	{ "ldapInvertFlag", "false", VERSION(2, 8, 5), false },
	{ "ldapInboundTags", "\"\"", VERSION(2, 8, 5), false },
	{ "ldapAutoCreate", "false", VERSION(2, 8, 5), false },
	{ "ldapAutoDelete", "false", VERSION(2, 8, 5), false },
	{ "ldapDefaultTotalGB", "0", VERSION(2, 8, 5), false },
	{ "ldapDefaultExpiryDays", "0", VERSION(2, 8, 5), false },
	{ "ldapDefaultLimitIP", "0", VERSION(2, 8, 5), false },
};

static struct panel_setting_value *setting_at(struct panel_sim *sim, const char *key)
{
	for (size_t i = 0; i < sim->settings_count; i++)
		if (!strcmp(sim->settings[i].key, key))
			return &sim->settings[i];
	return NULL;
}

struct json_object *panel_setting(struct panel_sim *sim, const char *key)
{
	struct panel_setting_value *s = setting_at(sim, key);

	return s ? s->value : NULL;
}

struct str panel_setting_text(struct panel_sim *sim, const char *key)
{
	struct str s;

	go_json_str(&s, panel_setting(sim, key));
	return s;
}

bool panel_setting_bool(struct panel_sim *sim, const char *key)
{
	return json_object_get_boolean(panel_setting(sim, key));
}

int64_t panel_setting_number(struct panel_sim *sim, const char *key)
{
	return json_object_get_int64(panel_setting(sim, key));
}

void panel_setting_set(struct panel_sim *sim, const char *key, struct json_object *value)
{
	struct panel_setting_value *s = setting_at(sim, key);

	if (!s) {
		sim->settings = xrealloc(sim->settings, (sim->settings_count + 1) * sizeof *sim->settings);
		s = &sim->settings[sim->settings_count++];
		*s = (struct panel_setting_value){ .key = key };
	}
	json_object_put(s->value);
	s->value = value;
}

void panel_setting_init(struct panel_sim *sim)
{
	const struct panel_config *config = &sim->config;

	for (size_t i = 0; i < countof(known); i++)
		if (sim->version >= known[i].since)
			panel_setting_set(sim, known[i].key, json_tokener_parse(known[i].value));
	panel_setting_set(sim, "webListen", json_object_new_string(config->listen));
	panel_setting_set(sim, "webDomain", json_object_new_string(config->web_domain));
	panel_setting_set(sim, "webBasePath", json_object_new_string(config->base_path));
	panel_setting_set(sim, "webPort", json_object_new_int(config->panel_port));
	panel_setting_set(sim, "subPort", json_object_new_int(config->sub_port));
	panel_setting_set(sim, "sessionMaxAge", json_object_new_int(config->session_minutes));
	panel_setting_set(sim, "subURI", json_object_new_string(config->sub_uri));
	panel_setting_set(sim, "subEnable", json_object_new_boolean(!config->sub_off));
	panel_setting_set(sim, "subJsonEnable", json_object_new_boolean(config->sub_json));
	panel_setting_set(sim, "twoFactorEnable", json_object_new_boolean(*config->two_factor != '\0'));
	panel_setting_set(sim, "twoFactorToken", json_object_new_string(config->two_factor));
}

void panel_setting_release(struct panel_sim *sim)
{
	for (size_t i = 0; i < sim->settings_count; i++)
		json_object_put(sim->settings[i].value);
	free(sim->settings);
}

/* --- reading --- */

static void put_value(struct json_out *j, const char *key, struct json_object *value)
{
	json_key(j, key);
	json_add_raw(j, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
}

static void on_all(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	struct buf b;
	struct json_out j;

	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	for (size_t i = 0; i < sim->settings_count; i++)
		put_value(&j, sim->settings[i].key, sim->settings[i].value);
	json_close(&j, '}');
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

/* The public prefix of a kind of subscription: the operator's own, or made from the Host of this very request. */
static const char *sub_prefix(struct panel_call *c, const char *own, const char *path)
{
	struct panel_sim *sim = c->sim;
	struct str uri = panel_setting_text(sim, own), host = panel_setting_text(sim, "subDomain"), header;
	bool tls = panel_setting_text(sim, "subCertFile").len && panel_setting_text(sim, "subKeyFile").len;
	long long port = panel_setting_number(sim, "subPort");

	if (uri.len)
		return arena_strndup(c->arena, uri.at, uri.len);
	if (!host.len) {
		header = panel_header(c->request, "host");
		host = str_cut(&header, ':');
	}
	if ((tls && port == 443) || (!tls && port == 80))
		return arena_printf(c->arena, "http%s://%.*s%.*s", tls ? "s" : "", STR_ARG(host), STR_ARG(panel_setting_text(sim, path)));
	return arena_printf(c->arena, "http%s://%.*s:%lld%.*s", tls ? "s" : "", STR_ARG(host), port,
			    STR_ARG(panel_setting_text(sim, path)));
}

static void on_defaults(struct panel_call *c)
{
	static const struct { const char *own, *path, *enable; int since; } prefixes[] = {
		{ "subURI", "subPath", "subEnable", VERSION_ANY },
		{ "subJsonURI", "subJsonPath", "subJsonEnable", VERSION_ANY },
		{ "subClashURI", "subClashPath", "subClashEnable", VERSION(2, 9, 0) },
	};
	struct panel_sim *sim = c->sim;
	struct buf b;
	struct json_out j;

	buf_init(&b, SIZE_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	for (size_t i = 0; i < countof(known); i++)
		if (known[i].shown && sim->version >= known[i].since)
			put_value(&j, known[i].key, panel_setting(sim, known[i].key));
	json_put_str(&j, "defaultCert", panel_setting_text(sim, "webCertFile"));
	json_put_str(&j, "defaultKey", panel_setting_text(sim, "webKeyFile"));
	json_put_bool(&j, "ipLimitEnable", false);
	for (size_t i = 0; i < countof(prefixes); i++)
		if (sim->version >= prefixes[i].since)
			json_put_cstr(&j, prefixes[i].own, panel_setting_bool(sim, "subEnable") && panel_setting_bool(sim, prefixes[i].enable)
				      ? sub_prefix(c, prefixes[i].own, prefixes[i].path) : "");
	json_close(&j, '}');
	panel_answer_obj(c, buf_str(&b));
	buf_release(&b);
}

/* --- changing --- */

static struct json_object *zero_of(struct json_object *like)
{
	switch (json_object_get_type(like)) {
	case json_type_boolean: return json_object_new_boolean(0);
	case json_type_int: return json_object_new_int(0);
	default: return json_object_new_string("");
	}
}

/* The form is bound whole: a key that is not sent becomes zero. */
static void on_update(struct panel_call *c)
{
	struct panel_sim *sim = c->sim;
	bool had = panel_setting_bool(sim, "twoFactorEnable");
	struct json_object *body;
	const char *error = go_json_decode(&body, c->arena, c->request->body);

	if (error) {
		panel_answer_fail(c, CHANGED, error);
		return;
	}
	for (size_t i = 0; i < sim->settings_count; i++) {
		struct panel_setting_value *s = &sim->settings[i];
		struct json_object *sent = json_at(body, s->key), *value;

		value = json_object_get_type(sent) == json_object_get_type(s->value) ? json_object_get(sent) : zero_of(s->value);
		json_object_put(s->value);
		s->value = value;
	}
	json_object_put(body);
	if (!had && panel_setting_bool(sim, "twoFactorEnable"))
		sim->user.epoch++;
	panel_answer_ok(c, CHANGED);
}

static void change_user(struct panel_call *c, struct json_object *body)
{
	struct panel_user *user = &c->sim->user;
	struct str name = json_str_at(body, "newUsername"), password = json_str_at(body, "newPassword");

	if (!str_is(json_str_at(body, "oldUsername"), user->name) || !str_is(json_str_at(body, "oldPassword"), user->password)) {
		panel_answer_fail(c, USER_ERROR, "The \xd1\x81urrent username or password is invalid"); /* a Cyrillic letter, really */
		return;
	}
	if (!name.len || !password.len) {
		panel_answer_fail(c, USER_ERROR, "The new username and password is empty");
		return;
	}
	panel_text_set(&user->name, name);
	panel_text_set(&user->password, password);
	user->epoch++;
	panel_answer_ok(c, "You have successfully changed the credentials of the administrator.");
}

static void on_update_user(struct panel_call *c)
{
	struct json_object *body;
	const char *error = go_json_decode(&body, c->arena, c->request->body);

	if (error)
		panel_answer_fail(c, CHANGED, error);
	else
		change_user(c, body);
	json_object_put(body);
}

static void on_restart_panel(struct panel_call *c)
{
	panel_sim_restart(c->sim);
	panel_answer_ok(c, "The panel was successfully restarted.");
}

const struct panel_route panel_setting_routes[] = {
	{ HTTP_POST, "panel/setting/all",                 VERSION_ANY, LAST_OLD_PATH, AREA_PAGE, false, on_all },
	{ HTTP_POST, "panel/setting/defaultSettings",     VERSION_ANY, LAST_OLD_PATH, AREA_PAGE, false, on_defaults },
	{ HTTP_POST, "panel/setting/update",              VERSION_ANY, LAST_OLD_PATH, AREA_PAGE, false, on_update },
	{ HTTP_POST, "panel/setting/updateUser",          VERSION_ANY, LAST_OLD_PATH, AREA_PAGE, false, on_update_user },
	{ HTTP_POST, "panel/setting/restartPanel",        VERSION_ANY, LAST_OLD_PATH, AREA_PAGE, false, on_restart_panel },
	{ HTTP_POST, "panel/api/setting/all",             MOVED,       VERSION_LAST,  AREA_API,  false, on_all },
	{ HTTP_POST, "panel/api/setting/defaultSettings", MOVED,       VERSION_LAST,  AREA_API,  false, on_defaults },
	{ HTTP_POST, "panel/api/setting/update",          MOVED,       VERSION_LAST,  AREA_API,  false, on_update },
	{ HTTP_POST, "panel/api/setting/updateUser",      MOVED,       VERSION_LAST,  AREA_API,  false, on_update_user },
	{ HTTP_POST, "panel/api/setting/restartPanel",    MOVED,       VERSION_LAST,  AREA_API,  false, on_restart_panel },
};
const size_t panel_setting_routes_count = countof(panel_setting_routes);
