/* Checks lib/links against a file of vectors: build/v/links FILE [all].
 *
 * The file's own rules hold (its "about" block): a vector passes when one of its profiles gives the expected links,
 * byte by byte or by meaning; with "all" each of them must. Documents are not made by us and are counted as skipped. Comparing does not use link_read,
 * so that a mistake common to writer and reader shows. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/base/json.h"
#include "lib/links/keys.h"
#include "lib/links/link.h"
#include "lib/links/remark.h"
#include "lib/links/subscription.h"

enum { FILE_BYTES_MAX = 64 * 1024 * 1024, TEXT_BYTES_MAX = 1024 * 1024, REMARKS_MAX = 64, SKIPS_MAX = 32 };

static struct arena arena; /* cleared after each vector */
static int passed, failed, skipped;
static bool all_profiles;
static struct { char kind[64]; int count; } skips[SKIPS_MAX];
static size_t skips_count;

static void skip(const char *kind)
{
	size_t i = 0;

	skipped++;
	while (i < skips_count && strcmp(skips[i].kind, kind) != 0)
		i++;
	if (i == SKIPS_MAX)
		return;
	if (i == skips_count)
		snprintf(skips[skips_count++].kind, sizeof skips[0].kind, "%s", kind);
	skips[i].count++;
}

static void judge(bool ok, const char *name, const char *expected, const char *got)
{
	if (ok) {
		passed++;
		return;
	}
	failed++;
	printf("FAILED %s\n  expected: %s\n  got:      %s\n", name, expected, got);
}

static const char *json_text(struct json_object *o)
{
	return arena_strdup(&arena, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static struct str keep_buf(struct buf *b)
{
	struct str out = str_n(str_dup(&arena, buf_str(b)), b->len);

	buf_release(b);
	return out;
}

/* --- a link as a JSON object that two links of one meaning share --- */

static struct json_object *new_text(struct str s)
{
	return json_object_new_string_len(s.at ? s.at : "", (int)s.len);
}

static struct str percent(struct str s, bool plus)
{
	struct buf b;

	buf_init(&b, TEXT_BYTES_MAX);
	if (dec_percent(&b, s, plus)) {
		buf_clear(&b);
		buf_add(&b, s);
	}
	return keep_buf(&b);
}

static struct str base64(struct str s)
{
	unsigned char *out = arena_alloc(&arena, s.len + 1);
	size_t n;

	return dec_base64(out, s.len, &n, s) ? STR("(no base64)") : str_n((char *)out, n);
}

static bool is_json_key(const char *key)
{
	return strcmp(key, "extra") == 0 || strcmp(key, "fm") == 0;
}

static bool is_ignored(struct json_object *ignore, const char *key)
{
	for (size_t i = 0; i < json_len(ignore); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(ignore, i)), key) == 0)
			return true;
	return false;
}

static struct json_object *value_of(const char *key, struct str value)
{
	struct json_object *parsed;

	if (is_json_key(key) && json_parse(&parsed, value) == OK)
		return parsed;
	return new_text(value);
}

static struct json_object *query_of(struct str query, struct json_object *ignore)
{
	struct json_object *out = json_object_new_object();

	while (query.at && query.len) {
		struct str item = str_cut(&query, '&'), key = str_cut(&item, '=');
		const char *k = str_dup(&arena, percent(key, true));
		struct str v = item.at ? percent(item, true) : STR("");

		if (!v.len || is_ignored(ignore, k))
			continue;
		if (json_at(out, k))
			json_object_object_add(out, "(twice)", json_object_new_string(k));
		json_object_object_add(out, k, value_of(k, v));
	}
	return out;
}

static struct json_object *vmess_of(struct str body, struct json_object *ignore)
{
	struct json_object *in, *out = json_object_new_object();

	if (json_parse(&in, base64(body)) || !json_object_is_type(in, json_type_object))
		return out;
	json_object_object_foreach(in, key, value) {
		enum json_type type = json_object_get_type(value);
		bool scalar = type != json_type_object && type != json_type_array;
		struct str text = str_of(scalar && value ? json_object_get_string(value) : "");

		if (is_ignored(ignore, key) || (scalar && !text.len) || (strcmp(key, "type") == 0 && str_is(text, "none")))
			continue;
		if (!scalar && (type == json_type_object ? json_object_object_length(value) : (int)json_len(value)) == 0)
			continue;
		json_object_object_add(out, key, scalar ? value_of(key, text) : json_object_get(value));
	}
	json_object_put(in);
	return out;
}

static struct str cut_at_last(struct str *s, char c)
{
	for (size_t i = s->len; i > 0; i--) {
		if (s->at[i - 1] == c) {
			struct str head = str_n(s->at, i - 1);

			*s = str_n(s->at + i, s->len - i);
			return head;
		}
	}
	return STR("");
}

static struct str lower(struct str s)
{
	char *out = str_dup(&arena, s);

	for (size_t i = 0; i < s.len; i++)
		out[i] = out[i] >= 'A' && out[i] <= 'Z' ? (char)(out[i] + 32) : out[i];
	return str_n(out, s.len);
}

static struct json_object *meaning_of(struct str link, struct json_object *ignore)
{
	struct json_object *out;
	struct str scheme, rest = link, query, authority, user, host;

	if (str_starts(link, "vmess://"))
		return vmess_of(str_n(link.at + 8, link.len - 8), ignore);
	out = json_object_new_object();
	scheme = str_cut(&rest, ':');
	while (rest.len && rest.at[0] == '/')
		rest = str_n(rest.at + 1, rest.len - 1);
	query = str_cut(&rest, '#');
	json_object_object_add(out, "fragment", new_text(percent(rest.at ? rest : STR(""), false)));
	authority = str_cut(&query, '?');
	json_object_object_add(out, "query", query_of(query, ignore));
	user = cut_at_last(&authority, '@');
	if (str_is(scheme, "ss") && !str_has(user, ":"))
		user = base64(percent(user, false));
	else
		user = percent(user, false);
	host = cut_at_last(&authority, ':');
	if (host.len > 1 && host.at[0] == '[')
		host = str_n(host.at + 1, host.len - 2);
	json_object_object_add(out, "scheme", new_text(scheme));
	json_object_object_add(out, "userinfo", new_text(user));
	json_object_object_add(out, "host", new_text(lower(host.len ? host : authority)));
	json_object_object_add(out, "port", new_text(host.len ? authority : STR("")));
	return out;
}

static bool is_same_meaning(struct str a, struct str b, struct json_object *ignore)
{
	while (a.at && b.at) {
		struct json_object *x = meaning_of(str_cut(&a, '\n'), ignore), *y = meaning_of(str_cut(&b, '\n'), ignore);
		bool same = json_object_equal(x, y);

		json_object_put(x);
		json_object_put(y);
		if (!same)
			return false;
	}
	return !a.at && !b.at;
}

/* --- links --- */

static size_t read_remarks(struct str *out, struct json_object *vector)
{
	struct json_object *list = json_array_at(vector, "remark");
	size_t n = 0;

	if (!list) {
		out[0] = json_str_at(vector, "remark");
		return 1;
	}
	while (n < json_len(list) && n < REMARKS_MAX) {
		out[n] = str_of(json_object_get_string(json_object_array_get_idx(list, n)));
		n++;
	}
	return n;
}

static struct str joined(const struct links *links)
{
	struct buf b;

	buf_init(&b, TEXT_BYTES_MAX);
	for (size_t i = 0; i < links->count; i++) {
		if (i)
			buf_addc(&b, '\n');
		buf_add(&b, links->at[i].uri);
	}
	return keep_buf(&b);
}

static struct str make(struct json_object *vector, enum link_style style)
{
	struct str remarks[REMARKS_MAX];
	struct link_inbound in;
	struct link_client client;
	struct links links;
	struct link_ask ask = {
		.style = style, .inbound = &in, .client = &client, .remarks = remarks,
		.place = { .host = json_str_at(vector, "host"), .node = json_str_at(vector, "node") },
	};
	enum err e;

	if (link_inbound_read(&in, &arena, str_of(json_text(json_at(vector, "inbound")))) ||
	    link_client_read(&client, &arena, str_of(json_text(json_at(vector, "client")))))
		return STR("(inbound or client cannot be read)");
	if (json_array_at(vector, "hosts") && link_hosts_read(&in, &arena, str_of(json_text(json_at(vector, "hosts")))))
		return STR("(hosts cannot be read)");
	ask.remarks_count = read_remarks(remarks, vector);
	e = links_make(&links, &arena, &ask);
	if (e && e != E_NOTFOUND) /* no link is what the panel gives as an empty text */
		return str_of(arena_printf(&arena, "(%s)", err_name(e)));
	return joined(&links);
}

static bool style_named(enum link_style *out, const char *name)
{
	static const char *const names[] = {
		[LINK_SUB_V3] = "sub-v3", [LINK_UI_V2] = "ui-v2", [LINK_UI_V3] = "ui-v3", [LINK_SUB_V2] = "sub-v2",
	};

	for (size_t i = 0; i < countof(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*out = (enum link_style)i;
			return true;
		}
	}
	return false;
}

static void check_vector(struct json_object *v)
{
	struct json_object *profiles = json_array_at(v, "profiles"), *ignore = json_array_at(v, "ignore");
	const char *name = json_object_get_string(json_at(v, "name"));
	bool exact = str_is(json_str_at(v, "compare"), "exact"), ok = false, known = false;
	struct str expect = json_str_at(v, "expect"), got = STR("");
	enum link_style style;

	for (size_t i = 0; i < json_len(profiles) && (!known || ok == all_profiles); i++) {
		struct str made;

		if (!style_named(&style, json_object_get_string(json_object_array_get_idx(profiles, i))))
			continue;
		made = make(v, style);
		ok = exact ? str_eq(made, expect) : is_same_meaning(made, expect, ignore);
		if (!known || all_profiles)
			got = made;
		known = true;
	}
	if (!known)
		skip("profile we do not make");
	else if (!ok && str_is(json_str_at(v, "tier"), "quirk"))
		skip("quirk of the panel we do not copy");
	else
		judge(ok, name ? name : "(no name)", str_dup(&arena, expect), str_dup(&arena, got));
}

/* --- extras: one function per kind, from the input to the text that is expected --- */

static struct link_remark remark_of(struct json_object *in)
{
	return (struct link_remark){
		.inbound = json_str_at(in, "inboundRemark"),
		.email = json_str_at(in, "email"),
		.extra = json_at(in, "extra") ? json_str_at(in, "extra") : json_str_at(in, "hostRemark"),
		.protocol = json_str_at(in, "protocol"),
		.transport = json_str_at(in, "transport"),
		.security = json_str_at(in, "security"),
		.has_stats = json_at(in, "stats") != NULL,
		.disabled = !json_bool_at(in, "stats.enable", true),
		.up_bytes = json_i64_at(in, "stats.up", 0),
		.down_bytes = json_i64_at(in, "stats.down", 0),
		.total_bytes = json_i64_at(in, "stats.total", 0),
		.expires_ms = json_i64_at(in, "stats.expiryTime", 0),
		.now_ms = json_i64_at(in, "nowMs", clock_now_ms()),
	};
}

static struct str do_remark_v2(struct json_object *in)
{
	struct link_remark r = remark_of(in);

	return link_remark_v2(&arena, json_str_at(in, "remarkModel"), &r, json_bool_at(in, "showInfo", false));
}

static struct str do_remark_v3(struct json_object *in)
{
	struct link_remark r = remark_of(in);
	struct str template = json_str_at(in, "template");

	if (!json_bool_at(in, "subscriptionBody", true))
		template = link_remark_without_usage(&arena, template);
	return link_remark_v3(&arena, template, &r);
}

static struct str do_filter(struct json_object *in)
{
	return link_remark_without_usage(&arena, json_str_at(in, "template"));
}

static struct str do_spider(struct json_object *in)
{
	return link_spider_x(&arena, json_str_at(in, "seed"), json_str_at(in, "clientKey"));
}

static struct str do_pin(struct json_object *in)
{
	return link_pin_hex(&arena, json_str_at(in, "pin"));
}

static struct str do_route(struct json_object *in)
{
	return link_uuid_route(&arena, json_str_at(in, "id"), json_str_at(in, "route"));
}

static struct str do_host_port(struct json_object *in)
{
	struct buf b;

	buf_init(&b, TEXT_BYTES_MAX);
	link_add_host_port(&b, json_str_at(in, "host"), json_i64_at(in, "port", 0));
	return keep_buf(&b);
}

static struct str do_address(struct json_object *in)
{
	struct link_place place = { .host = json_str_at(in, "fallback"), .node = json_str_at(in, "node") };

	return link_address_v3(&place, json_str_at(in, "shareAddrStrategy"), json_str_at(in, "listen"), json_str_at(in, "shareAddr"));
}

static struct str do_expire(struct json_object *in)
{
	int64_t ms = link_expires_ms(json_i64_at(in, "nowMs", 0), json_i64_at(in, "expiryTime", 0));

	return str_of(arena_printf(&arena, "%" PRId64, ms));
}

static struct str do_traffic(struct json_object *in)
{
	struct buf b;

	buf_init(&b, TEXT_BYTES_MAX);
	link_add_size(&b, json_i64_at(in, "bytes", 0));
	return keep_buf(&b);
}

static struct str do_public_key(struct json_object *in)
{
	struct buf b;

	buf_init(&b, TEXT_BYTES_MAX);
	if (link_public_key(&b, json_str_at(in, "privateKey"), str_is(json_str_at(in, "encoding"), "base64url")))
		buf_adds(&b, "(no key)");
	return keep_buf(&b);
}

static struct str do_conf(struct json_object *in)
{
	struct link_inbound inbound = {
		.protocol = STR("wireguard"), .port = json_i64_at(in, "port", 0), .dns = json_str_at(in, "dns"),
		.secret_key = json_str_at(in, "serverSecretKey"), .wireguard_mtu = json_i64_at(in, "mtu", 0),
	};
	struct link_client client;
	struct str remark = json_str_at(in, "remark"), out;
	struct link_ask ask = {
		.style = LINK_SUB_V3, .inbound = &inbound, .client = &client,
		.place = { .host = json_str_at(in, "host") }, .remarks = &remark, .remarks_count = 1,
	};

	if (link_client_read(&client, &arena, str_of(json_text(in))))
		return STR("(client cannot be read)");
	client.pre_shared_key = json_str_at(in, "presharedKey");
	return link_wireguard_conf(&out, &arena, &ask) ? STR("(no conf)") : out;
}

static struct str do_body(struct json_object *in)
{
	struct json_object *list = json_array_at(in, "links");
	struct str *links = arena_array(&arena, struct str, json_len(list));
	struct buf b;

	for (size_t i = 0; i < json_len(list); i++)
		links[i] = str_of(json_object_get_string(json_object_array_get_idx(list, i)));
	buf_init(&b, TEXT_BYTES_MAX);
	link_add_body(&b, links, json_len(list), json_bool_at(in, "encrypt", true));
	return keep_buf(&b);
}

static struct str do_title(struct json_object *in)
{
	struct buf b;

	buf_init(&b, TEXT_BYTES_MAX);
	link_add_title(&b, json_str_at(in, "title"));
	return keep_buf(&b);
}

static const struct {
	const char *kind;
	struct str (*run)(struct json_object *input);
} extras[] = {
	{ "remark-v2", do_remark_v2 },         { "remark-v3", do_remark_v3 }, { "remark-v3-filter-usage", do_filter },
	{ "spiderx", do_spider },              { "hysteria-pin-hex", do_pin }, { "vless-route", do_route },
	{ "host-port", do_host_port },         { "address-v3", do_address },  { "userinfo-expire", do_expire },
	{ "format-traffic", do_traffic },      { "x25519-public", do_public_key }, { "wireguard-conf", do_conf },
	{ "subscription-body", do_body },      { "profile-title", do_title },
};

static void check_extra(struct json_object *v, size_t index)
{
	struct str kind = json_str_at(v, "kind"), expect = json_str_at(v, "expect"), got;

	for (size_t i = 0; i < countof(extras); i++) {
		if (!str_is(kind, extras[i].kind))
			continue;
		got = extras[i].run(json_at(v, "input"));
		judge(str_eq(got, expect), arena_printf(&arena, "extras[%zu] %s %s", index, extras[i].kind, json_text(json_at(v, "input"))),
		      str_dup(&arena, expect), str_dup(&arena, got));
		return;
	}
	skip(str_dup(&arena, kind));
}

/* --- the file --- */

static struct json_object *read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct json_object *root = NULL;
	char *text;
	size_t n;

	if (!f) {
		fprintf(stderr, "%s: cannot be opened\n", path);
		return NULL;
	}
	text = xmalloc(FILE_BYTES_MAX);
	n = fread(text, 1, FILE_BYTES_MAX, f);
	fclose(f);
	if (n == FILE_BYTES_MAX || json_parse(&root, str_n(text, n)) || !json_object_is_type(root, json_type_object)) {
		fprintf(stderr, "%s: no file of link vectors\n", path);
		json_object_put(root);
		root = NULL;
	}
	free(text);
	return root;
}

int main(int argc, char **argv)
{
	struct json_object *root, *vectors, *others;

	all_profiles = argc == 3 && strcmp(argv[2], "all") == 0;
	if (argc != 2 && !all_profiles) {
		fprintf(stderr, "usage: %s FILE [all]\n", argv[0]);
		return 2;
	}
	root = read_file(argv[1]);
	if (!root)
		return 2;
	vectors = json_array_at(root, "vectors");
	for (size_t i = 0; i < json_len(vectors); i++) {
		check_vector(json_object_array_get_idx(vectors, i));
		arena_clear(&arena);
	}
	others = json_array_at(root, "extras");
	for (size_t i = 0; i < json_len(others); i++) {
		check_extra(json_object_array_get_idx(others, i), i);
		arena_clear(&arena);
	}
	for (size_t i = 0; i < json_len(json_array_at(root, "documents")); i++)
		skip("document");
	json_object_put(root);
	arena_release(&arena);
	for (size_t i = 0; i < skips_count; i++)
		printf("skipped: %d x %s\n", skips[i].count, skips[i].kind);
	if (passed + failed == 0)
		printf("nothing in this file could be checked\n");
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed || !passed ? 1 : 0;
}
