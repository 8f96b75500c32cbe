/* Reads of inbounds in dialect C: list, one, and the options a bot chooses from. */
#include "tests/sim/panel_c.h"

static void answer_list(struct panel_call *call, enum c_view view)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (const struct panel_inbound *in = call->sim->inbounds; in; in = in->next)
		c_write_inbound(&j, call->sim, in, view, NULL);
	json_close(&j, ']');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}

void c_on_in_list(struct panel_call *call)
{
	answer_list(call, VIEW_LIST);
}

void c_on_in_slim(struct panel_call *call)
{
	answer_list(call, VIEW_SLIM);
}

void c_on_in_get(struct panel_call *call)
{
	struct panel_inbound *in;
	struct buf b;
	struct json_out j;
	int64_t id;

	if (!panel_param_id(call, 0, &id, ""))
		return;
	in = panel_inbound_find(call->sim, id);
	if (!in) {
		panel_answer_fail(call, "Obtain", "record not found");
		return;
	}
	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	c_write_inbound(&j, call->sim, in, VIEW_GET, NULL);
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}

bool c_can_flow(const struct panel_inbound *in)
{
	struct json_object *stream = NULL;
	struct str security;
	bool can;

	if (strcmp(in->protocol, "vless") || json_parse(&stream, str_of(in->stream)))
		return false;
	security = json_str_at(stream, "security");
	can = str_is(json_str_at(stream, "network"), "tcp") && (str_is(security, "tls") || str_is(security, "reality"));
	json_object_put(stream);
	return can;
}

static void write_option(struct json_out *j, struct panel_sim *sim, const struct panel_inbound *in)
{
	struct json_object *settings = c_body(in)->settings;
	char public_key[C_WG_KEY_CHARS + 1];

	json_open(j, '{');
	json_put_i64(j, "id", in->id);
	json_put_str(j, "remark", str_of(in->remark));
	json_put_str(j, "tag", str_of(in->tag));
	json_put_str(j, "protocol", str_of(in->protocol));
	json_put_i64(j, "port", in->port);
	if (c_has(sim, C_OPTION_ENABLE))
		json_put_bool(j, "enable", in->enable);
	json_put_bool(j, "tlsFlowCapable", c_can_flow(in));
	if (c_has(sim, C_OPTION_METHOD))
		json_put_str(j, "ssMethod", strcmp(in->protocol, "shadowsocks") ? STR("") : json_str_at(settings, "method"));
	if (!strcmp(in->protocol, "wireguard") && c_has(sim, C_WIREGUARD)) {
		json_put_cstr(j, "wgPublicKey", c_wg_public_key(public_key, json_str_at(settings, "secretKey").at));
		json_put_i64(j, "wgMtu", json_i64_at(settings, "mtu", 0));
	}
	json_close(j, '}');
}

void c_on_in_options(struct panel_call *call)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '[');
	for (const struct panel_inbound *in = call->sim->inbounds; in; in = in->next)
		write_option(&j, call->sim, in);
	json_close(&j, ']');
	panel_answer_obj(call, buf_str(&b));
	buf_release(&b);
}
