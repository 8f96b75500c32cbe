/* See proxy_server.h. Facts: how 3X-UI makes Xray's configuration, panel-api.md. */
#include "tests/e2e/proxy_server.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"
#include "tests/unit/proves.h"

/* The inbound as GET shows it; 2.x and 3.x both have settings and streamSettings as text or as objects. */
static struct json_object *inbound_of(struct panel_sim *sim, int64_t inbound_id)
{
	struct arena arena = { 0 };
	struct sim_response r = { .status = 200 };
	struct json_object *o = NULL, *inbound;

	panel_sim_operator(sim, HTTP_GET, arena_printf(&arena, "panel/api/inbounds/get/%lld", (long long)inbound_id), str_n(NULL, 0), &r, &arena);
	assert_int_equal(json_parse(&o, r.body), OK);
	inbound = json_object_get(json_at(o, "obj"));
	assert_non_null(inbound);
	json_object_put(o);
	arena_release(&arena);
	return inbound;
}

/* A member that is JSON, or text that is JSON; the caller puts it. */
static struct json_object *parsed_at(struct json_object *inbound, const char *key)
{
	struct json_object *at = json_at(inbound, key), *o = NULL;

	if (json_object_is_type(at, json_type_object))
		return json_object_get(at);
	assert_int_equal(json_parse(&o, json_str_at(inbound, key)), OK);
	return o;
}

static bool is_let_in(struct panel_sim *sim, int64_t inbound_id, struct json_object *client)
{
	struct arena arena = { 0 };
	struct panel_client_view view;
	bool yes = panel_sim_find_client(&view, sim, inbound_id, str_dup(&arena, json_str_at(client, "email"))) && view.in_xray;

	arena_release(&arena);
	return yes;
}

/* Keeps in settings the clients that are let in; returns how many. */
static size_t filter_clients(struct json_object *settings, struct panel_sim *sim, int64_t inbound_id)
{
	static const char *const known[] = { "email", "id", "password", "flow", "method", "security" };
	struct json_object *all = json_array_at(settings, "clients"), *kept = json_object_new_array();

	for (size_t i = 0; i < json_len(all); i++) {
		struct json_object *c = json_object_array_get_idx(all, i), *out, *value;

		if (!is_let_in(sim, inbound_id, c))
			continue;
		out = json_object_new_object();
		for (size_t k = 0; k < countof(known); k++)
			if (json_object_object_get_ex(c, known[k], &value))
				json_object_object_add(out, known[k], json_object_get(value));
		json_object_array_add(kept, out);
	}
	json_object_object_add(settings, "clients", kept);
	return json_len(kept);
}

/* What the panel keeps in streamSettings only to make links of it. */
static void drop_link_hints(struct json_object *stream)
{
	json_object_object_del(stream, "externalProxy");
	if (json_at(stream, "tlsSettings"))
		json_object_object_del(json_at(stream, "tlsSettings"), "settings");
	if (json_at(stream, "realitySettings"))
		json_object_object_del(json_at(stream, "realitySettings"), "settings");
}

/* V2Ray: the one user's password and method are those of the inbound. */
static void flatten_shadowsocks(struct json_object *settings)
{
	struct json_object *client = json_object_array_get_idx(json_array_at(settings, "clients"), 0), *value;

	assert_int_equal(json_len(json_array_at(settings, "clients")), 1);
	if (json_object_object_get_ex(client, "password", &value))
		json_object_object_add(settings, "password", json_object_get(value));
	json_object_object_del(settings, "clients");
}

static struct json_object *text(struct str s)
{
	return json_object_new_string_len(s.at, (int)s.len);
}

/* Everywhere, this machine too, where the tests have their page: Xray after 26.3 lets nobody from outside to a private
 * address unless the last of its rules says so (it swallows the connection for a minute). Older ones skip the words. */
static struct json_object *outbounds(void)
{
	static const char anywhere[] = "{\"finalRules\":[{\"action\":\"allow\"}]}";
	struct json_object *all = json_object_new_array(), *direct = json_object_new_object(), *settings = NULL;

	assert_int_equal(json_parse(&settings, str_of(anywhere)), OK);
	json_object_object_add(direct, "protocol", json_object_new_string("freedom"));
	json_object_object_add(direct, "settings", settings);
	json_object_array_add(all, direct);
	return all;
}

void proxy_server_config(struct buf *to, struct panel_sim *sim, int64_t inbound_id, bool for_v2ray)
{
	struct json_object *held = inbound_of(sim, inbound_id), *root = json_object_new_object(), *in = json_object_new_object();
	struct json_object *settings = parsed_at(held, "settings"), *stream = parsed_at(held, "streamSettings");
	struct json_object *inbounds = json_object_new_array(), *log = json_object_new_object();
	bool is_flat = for_v2ray && str_is(json_str_at(held, "protocol"), "shadowsocks");
	size_t clients = filter_clients(settings, sim, inbound_id);

	assert_true(json_bool_at(held, "enable", false));
	drop_link_hints(stream);
	if (is_flat && clients)
		flatten_shadowsocks(settings);
	json_object_object_add(in, "listen", json_object_new_string("127.0.0.1"));
	json_object_object_add(in, "port", json_object_new_int64(json_i64_at(held, "port", 0)));
	json_object_object_add(in, "protocol", text(json_str_at(held, "protocol")));
	json_object_object_add(in, "settings", settings);
	json_object_object_add(in, "streamSettings", stream);
	if (clients || !is_flat)
		json_object_array_add(inbounds, in);
	else
		json_object_put(in);
	json_object_object_add(log, "loglevel", json_object_new_string("none"));
	json_object_object_add(root, "log", log);
	json_object_object_add(root, "inbounds", inbounds);
	json_object_object_add(root, "outbounds", outbounds());
	buf_adds(to, json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	json_object_put(root);
	json_object_put(held);
}
