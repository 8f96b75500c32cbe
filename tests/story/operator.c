/* See operator.h. Routes and bodies are those of the panel's pages. */
#include "tests/story/operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"

static bool has_clients_api(const char *version)
{
	return version[0] >= '3' && version[0] <= '9' && strncmp(version, "3.0", 3) != 0;
}

/* obj.id of the answer, or 1 without one; 0: no success. */
static int64_t does(struct panel_sim *sim, const char *path, struct str body)
{
	struct sim_response r = { .status = 200 };
	struct arena arena = { 0 };
	struct json_object *o = NULL;
	int64_t id = 0;

	panel_sim_operator(sim, HTTP_POST, path, body, &r, &arena);
	if (json_parse(&o, r.body) == OK && json_bool_at(o, "success", false))
		id = json_i64_at(o, "obj.id", 1);
	json_object_put(o);
	arena_release(&arena);
	return id;
}

struct operator_edit operator_sees(const struct panel_client_view *c)
{
	return (struct operator_edit){ c->expiry_ms, c->total_bytes, c->reset_days, c->enable, "", NULL, NULL };
}

static void put_client(struct json_out *j, const struct panel_client_view *c, const struct operator_edit *e)
{
	json_open(j, '{');
	if (c->id.len)
		json_put_str(j, "id", e->id ? str_of(e->id) : c->id);
	if (c->password.len)
		json_put_str(j, "password", c->password);
	json_put_str(j, "email", e->email ? str_of(e->email) : c->email);
	json_put_i64(j, "limitIp", c->limit_ip);
	json_put_i64(j, "totalGB", e->total_bytes);
	json_put_i64(j, "expiryTime", e->expiry_ms);
	json_put_bool(j, "enable", e->enable);
	json_put_i64(j, "tgId", c->tg_id);
	json_put_str(j, "subId", c->sub_id);
	json_put_cstr(j, "comment", e->comment);
	json_put_i64(j, "reset", e->reset_days);
	json_put_str(j, "flow", c->flow);
	json_close(j, '}');
}

/* The old dialects name a client by its key and want its JSON inside a text. */
static void put_wrapped(struct json_out *j, const struct panel_client_view *c, struct str client, struct arena *arena)
{
	json_open(j, '{');
	json_put_i64(j, "id", c->inbound_id);
	json_put_cstr(j, "settings", arena_printf(arena, "{\"clients\":[%.*s]}", STR_ARG(client)));
	json_close(j, '}');
}

bool operator_adds_client(struct panel_sim *sim, const char *version, const struct panel_client_view *c, const char *comment)
{
	struct operator_edit e = operator_sees(c);
	struct arena arena = { 0 };
	struct buf client, body;
	struct json_out j;
	bool good;

	e.comment = comment;
	buf_init(&client, 65536);
	buf_init(&body, 65536);
	json_out_init(&j, &client);
	put_client(&j, c, &e);
	json_out_init(&j, &body);
	if (has_clients_api(version))
		buf_printf(&body, "{\"client\":%s,\"inboundIds\":[%lld]}", buf_cstr(&client), (long long)c->inbound_id);
	else
		put_wrapped(&j, c, buf_str(&client), &arena);
	good = does(sim, has_clients_api(version) ? "panel/api/clients/add" : "panel/api/inbounds/addClient", buf_str(&body)) != 0;
	buf_release(&client);
	buf_release(&body);
	arena_release(&arena);
	return good;
}

static struct str key_of(const struct panel_client_view *c)
{
	return c->id.len ? c->id : c->password.len ? c->password : c->email;
}

bool operator_saves(struct panel_sim *sim, const char *version, const struct panel_client_view *c, const struct operator_edit *e)
{
	struct arena arena = { 0 };
	struct buf client, body;
	struct json_out j;
	bool good;

	buf_init(&client, 65536);
	buf_init(&body, 65536);
	json_out_init(&j, &client);
	put_client(&j, c, e);
	if (has_clients_api(version)) {
		good = does(sim, arena_printf(&arena, "panel/api/clients/update/%.*s", STR_ARG(c->email)), buf_str(&client)) != 0;
	} else {
		const char *path = arena_printf(&arena, "panel/api/inbounds/updateClient/%.*s", STR_ARG(key_of(c)));

		json_out_init(&j, &body);
		put_wrapped(&j, c, buf_str(&client), &arena);
		good = does(sim, path, buf_str(&body)) != 0;
	}
	buf_release(&client);
	buf_release(&body);
	arena_release(&arena);
	return good;
}

bool operator_deletes(struct panel_sim *sim, const char *version, const struct panel_client_view *c)
{
	struct arena arena = { 0 };
	const char *path = has_clients_api(version) ? arena_printf(&arena, "panel/api/clients/del/%.*s", STR_ARG(c->email)) :
		arena_printf(&arena, "panel/api/inbounds/%lld/delClient/%.*s", (long long)c->inbound_id, STR_ARG(key_of(c)));
	bool good = does(sim, path, STR("")) != 0;

	arena_release(&arena);
	return good;
}

static const char *usual_settings(const char *protocol)
{
	static const char *const settings[][2] = {
		{ "vless", "{\"clients\":[],\"decryption\":\"none\",\"fallbacks\":[]}" },
		{ "vmess", "{\"clients\":[]}" },
		{ "trojan", "{\"clients\":[],\"fallbacks\":[]}" },
		{ "shadowsocks", "{\"method\":\"2022-blake3-aes-256-gcm\",\"password\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\",\"network\":\"tcp,udp\",\"clients\":[]}" },
	};

	for (size_t i = 0; i < countof(settings); i++)
		if (strcmp(settings[i][0], protocol) == 0)
			return settings[i][1];
	fprintf(stderr, "no settings for %s\n", protocol);
	abort();
}

int64_t operator_adds_inbound(struct panel_sim *sim, const char *protocol, int port, const char *settings, const char *stream)
{
	static const char websocket[] = "{\"network\":\"ws\",\"security\":\"none\",\"wsSettings\":{\"path\":\"/obol\",\"host\":\"\",\"headers\":{}}}";
	struct json_out j;
	struct buf body;
	int64_t id;

	buf_init(&body, 65536);
	json_out_init(&j, &body);
	json_open(&j, '{');
	json_put_cstr(&j, "remark", "Amsterdam");
	json_put_bool(&j, "enable", true);
	json_put_cstr(&j, "listen", "");
	json_put_i64(&j, "port", port);
	json_put_cstr(&j, "protocol", protocol);
	json_put_cstr(&j, "settings", settings ? settings : usual_settings(protocol));
	json_put_cstr(&j, "streamSettings", stream ? stream : websocket);
	json_put_cstr(&j, "sniffing", "{}");
	json_put_i64(&j, "expiryTime", 0);
	json_put_i64(&j, "total", 0);
	json_close(&j, '}');
	id = does(sim, "panel/api/inbounds/add", buf_str(&body));
	buf_release(&body);
	return id;
}
