/* WireGuard's own file form of a link. */
#include "lib/links/keys.h"
#include "lib/links/link_private.h"

struct str maker_server_key(struct maker *m)
{
	struct str out = { 0 };
	struct buf b;

	buf_init(&b, 64);
	if (link_public_key(&b, m->in->secret_key, false) == OK)
		out = str_n(str_dup(m->a, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

static struct str conf_addresses(struct maker *m)
{
	struct str rest = m->client->allowed_ips, out;
	struct buf b;

	if (!m->style->v3)
		return str_cut(&rest, ',');
	buf_init(&b, LINK_BYTES_MAX);
	while (rest.at) {
		if (b.len)
			buf_adds(&b, ", ");
		buf_add(&b, str_trim(str_cut(&rest, ',')));
	}
	out = str_n(str_dup(m->a, buf_str(&b)), b.len);
	buf_release(&b);
	return out;
}

static void add_line(struct buf *b, const char *key, struct str value)
{
	if (!value.len)
		return;
	buf_adds(b, key);
	buf_adds(b, " = ");
	for (size_t i = 0; i < value.len; i++)
		buf_addc(b, value.at[i] == '\n' || value.at[i] == '\r' ? ' ' : value.at[i]); /* one value, one line */
	buf_addc(b, '\n');
}

static void add_conf(struct maker *m, struct str key)
{
	struct buf *b = &m->uri, endpoint;

	buf_init(&endpoint, LINK_HOST_MAX + 16);
	link_add_host_port(&endpoint, m->spot.address, m->spot.port);
	buf_adds(b, "[Interface]\n");
	add_line(b, "PrivateKey", m->client->private_key);
	add_line(b, "Address", conf_addresses(m));
	add_line(b, "DNS", link_or_else(m->in->dns, STR("1.1.1.1, 1.0.0.1")));
	add_line(b, "MTU", link_number(m->a, m->in->wireguard_mtu));
	buf_adds(b, "\n# ");
	buf_add(b, m->spot.remark);
	buf_adds(b, "\n[Peer]\n");
	add_line(b, "PublicKey", key);
	add_line(b, "AllowedIPs", STR("0.0.0.0/0, ::/0"));
	add_line(b, "Endpoint", buf_str(&endpoint));
	add_line(b, "PresharedKey", m->client->pre_shared_key);
	add_line(b, "PersistentKeepalive", link_number(m->a, m->client->keep_alive_s));
	buf_release(&endpoint);
}

enum err link_wireguard_conf(struct str *out, struct arena *a, const struct link_ask *ask)
{
	struct maker *m;
	struct str key;

	*out = str_n("", 0);
	if (!str_is(ask->inbound->protocol, "wireguard") || !ask->client->private_key.len)
		return E_NOTFOUND;
	m = arena_new(a, struct maker);
	maker_init(m, a, ask);
	maker_begin(m, NULL);
	key = maker_server_key(m);
	if (!key.len)
		return E_NOTFOUND;
	if (!maker_is_usable(m))
		return E_INVALID;
	m->spot.remark = maker_remark(m, 0);
	add_conf(m, key);
	*out = str_n(str_dup(a, buf_str(&m->uri)), m->uri.len);
	buf_release(&m->uri);
	return OK;
}
