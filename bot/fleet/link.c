/* Share links of an access, from the inbound as it was listed last and the client as it was just seen. */
#include "bot/fleet/fleet_private.h"

#include "lib/links/link.h"

#define LINKS_BYTES_MAX ((size_t)64 << 10)

/* The panel's JSON has what only some protocols need; what the driver understood of it wins. */
static struct link_client client_of(struct act *a, const struct xui_client *c)
{
	struct link_client out = { 0 };

	if (c->raw.len && link_client_read(&out, a->arena, c->raw))
		out = (struct link_client){ 0 };
	out.id = c->uuid;
	out.password = c->password;
	out.auth = c->auth;
	out.flow = c->flow;
	out.email = c->email;
	out.sub_id = c->sub_id;
	return out;
}

/* No customer is sent to a loopback or private address, unless the seller typed that very address (B49). */
static bool is_reachable(struct str host, struct str typed)
{
	enum link_reach reach = link_host_reach(host);

	return reach == LINK_REACH_PUBLIC ||
		((reach == LINK_REACH_LOOPBACK || reach == LINK_REACH_PRIVATE) && typed.len && str_eq(host, link_host_bare(typed)));
}

enum err link_build(struct str *out, const char **unreachable, struct act *a, const struct work *w, const struct access *x, const struct xui_client *c)
{
	int generation = w->panel.dialect == XUI_A ? 2 : 3;
	struct link_client client = client_of(a, c);
	struct link_inbound in;
	struct link_ask ask = { .style = link_style_of(generation), .inbound = &in, .client = &client };
	struct links links = { 0 };
	struct inbound row;
	struct buf text;
	enum err e = inbound_get(&row, a, x->panel_id, x->inbound_id);

	*out = STR("");
	*unreachable = NULL;
	if (e)
		return e;
	if (inbound_for_links(&in, a, &row))
		return OK;
	ask.place = (struct link_place){ .host = panel_url_host(str_of(w->panel.url)), .seller = str_of(row.host ? row.host : w->host) };
	if (links_make(&links, a->arena, &ask))
		return OK;
	buf_init(&text, LINKS_BYTES_MAX);
	for (size_t i = 0; i < links.count; i++) {
		if (!is_reachable(links.at[i].host, ask.place.seller)) {
			*unreachable = str_dup(a->arena, links.at[i].host);
			continue;
		}
		if (text.len)
			buf_addc(&text, '\n');
		buf_add(&text, links.at[i].uri);
	}
	*out = str_of(str_dup(a->arena, buf_str(&text)));
	buf_release(&text);
	return OK;
}
