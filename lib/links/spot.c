/* The spots of an inbound: where it is reached, and what an external proxy or a host changes about it. */
#include <inttypes.h>

#include "lib/base/json.h"
#include "lib/links/link_private.h"
#include "lib/links/remark.h"

static const struct style styles[] = {
	[LINK_SUB_V3] = { .sorted = true,  .v3 = true,  .page = false },
	[LINK_UI_V2]  = { .sorted = false, .v3 = false, .page = true  },
	[LINK_UI_V3]  = { .sorted = false, .v3 = true,  .page = true  },
	[LINK_SUB_V2] = { .sorted = true,  .v3 = false, .page = false },
};

void maker_init(struct maker *m, struct arena *a, const struct link_ask *ask)
{
	m->a = a;
	m->style = &styles[ask->style];
	m->ask = ask;
	m->in = ask->inbound;
	m->client = ask->client;
	buf_init(&m->uri, LINK_BYTES_MAX);
}

static struct str own_address(const struct maker *m)
{
	const struct link_inbound *in = m->in;

	if (m->style->v3)
		return link_address_v3(&m->ask->place, in->share_strategy, in->listen, in->share_addr);
	return link_address_v2(&m->ask->place, m->style->page ? in->listen : str_n("", 0));
}

static void override(struct str *own, struct str entry)
{
	if (entry.len)
		*own = entry;
}

static void override_tls(struct maker *m, const struct link_endpoint *e)
{
	struct link_tls *t = &m->spot.tls;

	override(&t->sni, e->sni);
	override(&t->fp, e->fp);
	override(&t->alpn, e->alpn);
	override(&t->pcs, e->pcs);
	override(&t->vcn, e->vcn);
	override(&t->ech, e->ech);
	if (m->style->v3 && m->style->page && !e->is_host && !e->sni.len)
		t->sni = e->address;
}

/* The sni rules of a host row, for TLS and REALITY alike. */
static void override_host_sni(struct str *sni, const struct link_endpoint *e, struct str address)
{
	if (e->sni_from_address)
		*sni = address;
	if (e->keep_sni_blank)
		*sni = str_n("", 0);
}

static struct json_object *joined(struct json_object *own, struct json_object *host)
{
	struct json_object *out;

	if (!json_object_is_type(own, json_type_array) || !json_object_is_type(host, json_type_array))
		return json_object_get(own ? own : host);
	out = json_object_new_array();
	for (size_t i = 0; i < json_len(own); i++)
		json_object_array_add(out, json_object_get(json_object_array_get_idx(own, i)));
	for (size_t i = 0; i < json_len(host); i++)
		json_object_array_add(out, json_object_get(json_object_array_get_idx(host, i)));
	return out;
}

/* Lists of both behind each other; of two quicParams the inbound's hold (3.6.0). */
static struct str merged_masks(struct arena *a, struct str own, struct str host)
{
	static const char *const members[] = { "quicParams", "tcp", "udp" }; /* all there are, in the order of Go's maps */
	struct json_object *left = NULL, *right = NULL, *out;
	struct str text;

	if (!own.len || !host.len)
		return link_or_else(host, own);
	if (json_parse(&left, own) || json_parse(&right, host)) {
		json_object_put(left);
		return own;
	}
	out = json_object_new_object();
	for (size_t i = 0; i < countof(members); i++) {
		struct json_object *v = joined(json_at(left, members[i]), json_at(right, members[i]));

		if (v)
			json_object_object_add(out, members[i], v);
	}
	text = str_of(arena_strdup(a, json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	json_object_put(out);
	json_object_put(left);
	json_object_put(right);
	return text;
}

static void apply_host(struct maker *m, const struct link_endpoint *e)
{
	struct spot *s = &m->spot;

	if (s->host.len || s->path.len || str_is(m->in->network, "ws") || str_is(m->in->network, "httpupgrade") ||
	    str_is(m->in->network, "xhttp")) {
		override(&s->host, e->host_header);
		override(&s->path, e->path);
		override(&s->path_all, e->path);
	}
	override_host_sni(&s->tls.sni, e, s->address);
	override(&s->reality.sni, e->sni);
	override(&s->reality.fp, e->fp);
	override_host_sni(&s->reality.sni, e, s->address);
	s->finalmask = merged_masks(m->a, s->finalmask, e->finalmask);
}

static void apply_entry(struct maker *m, const struct link_endpoint *e)
{
	struct spot *s = &m->spot;

	s->entry = e;
	override(&s->address, link_host_bare(e->address));
	if (e->port)
		s->port = e->port;
	if (str_is(e->security, "tls") || str_is(e->security, "none"))
		s->security = e->security;
	override_tls(m, e);
	if (e->is_host)
		apply_host(m, e);
}

void maker_begin(struct maker *m, const struct link_endpoint *entry)
{
	const struct link_inbound *in = m->in;

	m->spot = (struct spot){
		.address = own_address(m),
		.port = in->port,
		.security = in->security,
		.tls = in->tls,
		.reality = in->reality,
		.path = in->path,
		.path_all = in->path_all,
		.host = m->style->v3 ? in->host : in->host_v2,
		.finalmask = m->style->page ? in->finalmask_page : in->finalmask,
	};
	if (m->style->v3 && m->style->page)
		m->spot.reality.sni = in->reality.page_sni;
	if (entry)
		apply_entry(m, entry);
	m->params.count = 0;
	buf_clear(&m->uri);
}

static struct str remark_of(struct maker *m, size_t index)
{
	struct link_remark r = { .inbound = m->in->remark, .email = m->client->email };

	if (index < m->ask->remarks_count)
		return m->ask->remarks[index];
	if (m->spot.entry)
		r.extra = m->spot.entry->remark;
	return m->style->v3 ? link_remark_v3(m->a, str_n("", 0), &r)
	                    : link_remark_v2(m->a, STR(LINK_REMARK_V2_MODEL), &r, false);
}

struct str maker_remark(struct maker *m, size_t index)
{
	return link_name_clean(m->a, remark_of(m, index));
}

bool maker_is_usable(const struct maker *m)
{
	const struct spot *s = &m->spot;

	return s->port > 0 && s->port <= 65535 && link_host_reach(s->address) != LINK_REACH_NONE;
}

struct str link_number(struct arena *a, int64_t n)
{
	return n > 0 ? str_of(arena_printf(a, "%" PRId64, n)) : str_n("", 0);
}

struct str link_or_else(struct str first, struct str second)
{
	return first.len ? first : second;
}
