/* What customers of an inbound would get, before there is one. */
#include "bot/fleet/fleet_private.h"

#include "lib/links/link.h"

static const struct link_client nobody = {
	.id = { "00000000-0000-4000-8000-000000000000", 36 }, .password = { "sample", 6 }, .auth = { "sample", 6 },
	.secret = { "00000000000000000000000000000000", 32 }, .email = { "sample", 6 }, .sub_id = { "sample", 6 },
};

enum err inbound_sample(struct inbound_sample *out, struct act *a, const struct panel *p, const struct inbound *in)
{
	struct link_inbound read;
	struct links links;
	struct link_ask ask = { .style = link_style_of(p->dialect == 'A' ? 2 : 3), .inbound = &read, .client = &nobody,
		.place = { .host = panel_url_host(str_of(p->url)), .seller = str_of(in->host ? in->host : p->host) } };
	enum err e = inbound_for_links(&read, a, in);

	if (!e)
		e = links_make(&links, a->arena, &ask);
	if (e)
		return E_NOTFOUND;
	*out = (struct inbound_sample){ 0 };
	for (size_t i = 0; i < links.count; i++) {
		const struct link *l = &links.at[i];
		enum link_reach reach = link_host_reach(l->host);

		if (i && reach >= out->reach)
			continue;
		*out = (struct inbound_sample){ .link = l->uri, .host = l->host, .port = l->port, .is_udp = l->is_udp, .reach = reach };
	}
	out->insisted = ask.place.seller.len && str_eq(out->host, link_host_bare(ask.place.seller));
	return links.count ? OK : E_NOTFOUND;
}
