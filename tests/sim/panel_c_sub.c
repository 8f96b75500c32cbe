/* The subscription listener of dialect C: links, the JSON summary, and what it says about itself in headers. */
#include "tests/sim/panel_c.h"

struct subscriber {
	const char *sub_id;
	const struct c_element **elements; /* in the order of the inbounds, only of enabled ones */
	size_t count;
	int64_t up, down, total, expiry_ms, last_online_ms;
	bool enabled, online;
};

static void not_here(struct panel_call *call)
{
	panel_answer_bytes(call, 404, "text/plain", STR("404 page not found"));
}

/* --- who it is --- */

static void sum_rows(struct subscriber *s, struct panel_sim *sim)
{
	struct map seen = { 0 };
	size_t rows = 0;

	for (size_t i = 0; i < s->count; i++) {
		const char *email = c_get(&s->elements[i]->client, T_EMAIL);
		struct panel_traffic *row = panel_traffic_find(sim, str_of(email));
		int64_t expiry;

		if (!row || map_get(&seen, str_of(row->email)))
			continue;
		map_put(&seen, str_of(row->email), row);
		expiry = row->expiry_ms > 0 ? row->expiry_ms : 0;
		s->up += row->up;
		s->down += row->down;
		s->total = rows && (!s->total || !row->total) ? 0 : s->total + row->total; /* one without a quota: none */
		s->expiry_ms = rows && s->expiry_ms != expiry ? 0 : expiry;
		s->last_online_ms = row->last_online_ms > s->last_online_ms ? row->last_online_ms : s->last_online_ms;
		s->online |= c_is_online(sim, row);
		s->enabled |= row->enable;
		rows++;
	}
	map_release(&seen);
}

static bool find_subscriber(struct subscriber *s, struct panel_call *call, struct str sub_id)
{
	size_t room = 0;

	*s = (struct subscriber){ .sub_id = str_dup(call->arena, sub_id) };
	for (struct panel_inbound *in = call->sim->inbounds; in; in = in->next)
		room++;
	s->elements = arena_array(call->arena, const struct c_element *, room * 8);
	for (struct map_entry *m = map_first(&c_of(call->sim)->by_sub, sub_id); m; m = map_next(m)) {
		const struct c_record *r = m->value;
		int64_t *ids;
		size_t n = c_attached(&ids, call->sim, c_get(&r->client, T_EMAIL), false, call->arena);

		for (size_t i = 0; i < n && s->count < room * 8; i++) {
			struct panel_inbound *in = panel_inbound_find(call->sim, ids[i]);

			if (in->enable)
				s->elements[s->count++] = c_element_find(call->sim, in, c_get(&r->client, T_EMAIL));
		}
	}
	sum_rows(s, call->sim);
	return s->count > 0;
}

/* --- headers --- */

static struct str own_url(struct panel_call *call)
{
	return str_of(arena_printf(call->arena, "http://%.*s/%.*s", STR_ARG(panel_header(call->request, "host")),
				   STR_ARG(call->path)));
}

static void add_headers(struct panel_call *call, const struct subscriber *s)
{
	struct str title = panel_setting_text(call->sim, "subTitle");
	struct buf b;

	panel_add_header(call, "Subscription-Userinfo",
			 arena_printf(call->arena, "upload=%lld; download=%lld; total=%lld; expire=%lld", (long long)s->up,
				      (long long)s->down, (long long)(s->total > 0 ? s->total : 0), (long long)(s->expiry_ms / 1000)));
	panel_add_header(call, "Profile-Update-Interval",
			 arena_printf(call->arena, "%lld", (long long)panel_setting_number(call->sim, "subUpdates")));
	panel_add_header(call, "Profile-Web-Page-Url", own_url(call).at);
	if (!c_has(call->sim, C_NEW_LINKS))
		panel_add_header(call, "Routing-Enable", "true");
	if (!title.len)
		return;
	buf_init(&b, 4096);
	enc_base64(&b, title.at, title.len);
	panel_add_header(call, "Profile-Title", arena_printf(call->arena, "base64:%s", buf_cstr(&b)));
	buf_release(&b);
}

/* --- documents --- */

static void answer_links(struct panel_call *call, const struct subscriber *s)
{
	struct c_link_style style = { .host = c_link_host(call), .usage = true, .first = true };
	struct buf links, body;

	buf_init(&links, C_TEXT_BYTES_MAX);
	buf_init(&body, C_TEXT_BYTES_MAX);
	for (size_t i = 0; i < s->count; i++) {
		if (!c_link(&links, call->sim, s->elements[i], &style))
			continue;
		buf_addc(&links, '\n');
		style.first = false;
	}
	if (panel_setting_bool(call->sim, "subEncrypt"))
		enc_base64(&body, buf_cstr(&links), links.len);
	else
		buf_add(&body, buf_str(&links));
	add_headers(call, s);
	panel_answer_bytes(call, 200, "text/plain; charset=utf-8", str_n(str_dup(call->arena, buf_str(&body)), body.len));
	buf_release(&links);
	buf_release(&body);
}

static const char *info_url(struct panel_call *call, const char *own, const char *path_key, const char *enable, const char *sub_id)
{
	struct str prefix = panel_setting_text(call->sim, own), path = panel_setting_text(call->sim, path_key);

	if (!panel_setting_bool(call->sim, enable))
		return "";
	if (prefix.len)
		return arena_printf(call->arena, "%.*s%s", STR_ARG(prefix), sub_id);
	return arena_printf(call->arena, "http://%s:%lld%.*s%s", c_link_host(call),
			    (long long)panel_setting_number(call->sim, "subPort"), STR_ARG(path), sub_id);
}

static void write_emails(struct json_out *j, const struct subscriber *s)
{
	json_key(j, "emails");
	json_open(j, '[');
	for (size_t i = 0; i < s->count; i++)
		if (!i || strcmp(s->elements[i]->lower, s->elements[i - 1]->lower))
			json_add_str(j, str_of(c_get(&s->elements[i]->client, T_EMAIL)));
	json_close(j, ']');
}

static void answer_info(struct panel_call *call, const struct subscriber *s)
{
	int64_t used = s->up + s->down, left = s->total > used ? s->total - used : 0;
	struct arena *a = call->arena;
	struct buf b;
	struct json_out j;

	buf_init(&b, C_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	json_put_cstr(&j, "sId", s->sub_id);
	write_emails(&j, s);
	json_put_bool(&j, "enabled", s->enabled);
	json_put_bool(&j, "isOnline", s->online);
	json_put_i64(&j, "lastOnline", s->last_online_ms);
	json_put_i64(&j, "expire", s->expiry_ms / 1000);
	json_put_i64(&j, "totalByte", s->total);
	json_put_i64(&j, "uploadByte", s->up);
	json_put_i64(&j, "downloadByte", s->down);
	json_put_cstr(&j, "total", s->total > 0 ? c_size_text(a, s->total) : "∞");
	json_put_cstr(&j, "used", c_size_text(a, used));
	json_put_cstr(&j, "remained", s->total > 0 ? c_size_text(a, left) : "");
	json_put_cstr(&j, "upload", c_size_text(a, s->up));
	json_put_cstr(&j, "download", c_size_text(a, s->down));
	json_put_cstr(&j, "subUrl", info_url(call, "subURI", "subPath", "subEnable", s->sub_id));
	json_put_cstr(&j, "subJsonUrl", info_url(call, "subJsonURI", "subJsonPath", "subJsonEnable", s->sub_id));
	json_put_cstr(&j, "subClashUrl", info_url(call, "subClashURI", "subClashPath", "subClashEnable", s->sub_id));
	json_put_str(&j, "subTitle", panel_setting_text(call->sim, "subTitle"));
	json_put_str(&j, "subSupportUrl", panel_setting_text(call->sim, "subSupportUrl"));
	json_put_str(&j, "announce", panel_setting_text(call->sim, "subAnnounce"));
	json_put_cstr(&j, "datepicker", "gregorian");
	json_close(&j, '}');
	panel_add_header(call, "Cache-Control", "no-cache, no-store, must-revalidate");
	panel_answer_json(call, 200, str_n(str_dup(a, buf_str(&b)), b.len));
	buf_release(&b);
}

static void answer_page(struct panel_call *call, const struct subscriber *s)
{
	add_headers(call, s);
	panel_answer_bytes(call, 200, "text/html; charset=utf-8", STR("<!DOCTYPE html><html><head><title>Subscription</title>"
								      "</head><body></body></html>"));
}

static bool wants_page(struct panel_call *call)
{
	return str_has(panel_header(call->request, "accept"), "text/html") || str_is(panel_query(call, "html"), "1") ||
	       str_is(panel_query(call, "view"), "html");
}

/* --- the listener --- */

/* /json/ and /clash/ are other spellings of the same links; nothing of ours reads them, and their contents are not
 * modelled beyond being there and carrying the headers. */
static const struct {
	const char *path, *enable;
	bool links;
} documents[] = {
	{ "subPath", "subEnable", true },
	{ "subJsonPath", "subJsonEnable", false },
	{ "subClashPath", "subClashEnable", false },
};

/* The one segment after the document's path; at == NULL: not this document. */
static struct str sub_id_after(struct panel_call *call, struct str prefix)
{
	struct str path = call->path;

	if (prefix.len && *prefix.at == '/')
		prefix = str_n(prefix.at + 1, prefix.len - 1);
	if (path.len <= prefix.len || memcmp(path.at, prefix.at, prefix.len) != 0)
		return (struct str){ NULL, 0 };
	path = str_n(path.at + prefix.len, path.len - prefix.len);
	return str_has(path, "/") ? (struct str){ NULL, 0 } : path;
}

static void answer_document(struct panel_call *call, struct str sub_id, bool links)
{
	struct subscriber s;

	if (!find_subscriber(&s, call, sub_id))
		panel_answer_empty(call, 404);
	else if (links && c_has(call->sim, C_INFO) && str_is(panel_query(call, "format"), "info"))
		answer_info(call, &s);
	else if (links && wants_page(call))
		answer_page(call, &s);
	else if (links)
		answer_links(call, &s);
	else {
		add_headers(call, &s);
		panel_answer_bytes(call, 200, "text/plain; charset=utf-8", STR("{}"));
	}
}

void c_subscribe(struct panel_call *call)
{
	enum http_method method = call->request->method;

	if (method != HTTP_GET && !(method == HTTP_HEAD && c_has(call->sim, C_SUB_HEAD))) {
		not_here(call);
		return;
	}
	for (size_t i = 0; i < countof(documents); i++) {
		struct str sub_id = sub_id_after(call, panel_setting_text(call->sim, documents[i].path));

		if (!sub_id.at || !panel_setting_bool(call->sim, documents[i].enable))
			continue;
		answer_document(call, sub_id, documents[i].links);
		if (method == HTTP_HEAD)
			call->response->body = STR("");
		return;
	}
	not_here(call);
}
