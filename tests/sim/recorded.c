/* What differs between a recorded answer and ours. */
#include "tests/sim/recorded.h"

#include "lib/base/enc.h"

#define PATH_MAX_CHARS 512
#define RENEWAL_MS INT64_C(2592000000) /* the 30 days by which auto renew moves the recorded u406 … */
#define RENEWED_FROM INT64_C(1000000000000) /* … from here */

static void differ(struct recorded *r, const char *path, const char *want, const char *have)
{
	buf_printf(r->differences, "\t%s: want %.300s, have %.300s\n", path, want, have);
}

static const char *text_of(struct json_object *o)
{
	return o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) : "null";
}

static bool one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(s, *list))
			return true;
	return false;
}

/* --- values that are drawn or measured --- */

static const char *last_key(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

static bool is_volatile(const struct recorded *r, const char *path)
{
	static const char *const keys[] = { "created_at", "updated_at", "createdAt", "updatedAt", "lastOnline", "lastTrafficResetTime",
					    "token", NULL };
	static const struct { const char *route, *under; } places[] = {
		{ "server/status", ".obj." }, { "getNewUUID", ".obj." }, { "getNewX25519Cert", ".obj." }, { "lastOnline", ".obj." },
		{ "getXrayVersion", ".obj" }, { "server/logs", ".obj" },
	};

	if (one_of(last_key(path), keys))
		return true;
	for (size_t i = 0; i < countof(places); i++)
		if (strstr(r->route, places[i].route) && strstr(path, places[i].under))
			return !strstr(path, ".xray.state");
	return false;
}

static bool renewed(const char *path, struct json_object *a, struct json_object *b)
{
	int64_t x = json_object_get_int64(a), y = json_object_get_int64(b);

	return !strcmp(last_key(path), "expiryTime") && x > RENEWED_FROM && y > RENEWED_FROM &&
	       (x - RENEWED_FROM) % RENEWAL_MS == 0 && (y - RENEWED_FROM) % RENEWAL_MS == 0;
}

/* A link without what is drawn for each request (sid, sni, spx) and without the days and hours left. */
static void link_normal(struct buf *to, struct str link)
{
	static const char *const drawn[] = { "sid=", "sni=", "spx=" };
	bool fragment = false, skip = false;

	for (size_t i = 0; i < link.len; i++) {
		char c = link.at[i];

		for (size_t k = 0; k < countof(drawn) && !fragment; k++)
			if (i && strchr("?&", link.at[i - 1]) && str_starts(str_n(link.at + i, link.len - i), drawn[k])) {
				buf_add(to, str_n(link.at + i, 4));
				skip = true;
			}
		fragment |= c == '#';
		if (c == '&' || c == '#' || c == '\n')
			skip = false;
		fragment &= c != '\n';
		if (skip)
			continue;
		buf_addc(to, c);
		if (!fragment || !strchr("DHM", c))
			continue;
		buf_cut(to, to->len - 1);
		while (to->len && to->at[to->len - 1] >= '0' && to->at[to->len - 1] <= '9')
			buf_cut(to, to->len - 1);
		buf_addc(to, c);
	}
}

static bool links_same(struct str a, struct str b)
{
	struct buf x, y;
	bool same;

	buf_init(&x, 1 << 20);
	buf_init(&y, 1 << 20);
	link_normal(&x, a);
	link_normal(&y, b);
	same = str_eq(buf_str(&x), buf_str(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

static bool looks_like_link(struct str s)
{
	return str_has(s, "://") && str_has(s, "#");
}

static bool subscriptions_same(struct str a, struct str b)
{
	unsigned char *x = xmalloc(a.len + 1), *y = xmalloc(b.len + 1);
	size_t n, m;
	bool same = dec_base64(x, a.len + 1, &n, a) == OK && dec_base64(y, b.len + 1, &m, b) == OK &&
		    links_same(str_n((char *)x, n), str_n((char *)y, m));

	free(x);
	free(y);
	return same;
}

/* --- trees --- */

static void compare(struct recorded *r, const char *path, struct json_object *want, struct json_object *have);

static bool is_placeholder(struct json_object *o)
{
	struct str s = json_object_is_type(o, json_type_string) ? str_of(json_object_get_string(o)) : STR("");

	return str_starts(s, "<") && str_ends(s, ">");
}

static void compare_members(struct recorded *r, const char *path, struct json_object *want, struct json_object *have)
{
	char at[PATH_MAX_CHARS];

	json_object_object_foreach(want, key, value) {
		struct json_object *other;

		snprintf(at, sizeof at, "%s.%s", path, key);
		if (json_object_object_get_ex(have, key, &other))
			compare(r, at, value, other);
		else
			differ(r, at, text_of(value), "no such key");
	}
	json_object_object_foreach(have, ours, mine) {
		snprintf(at, sizeof at, "%s.%s", path, ours);
		if (!json_object_object_get_ex(want, ours, NULL))
			differ(r, at, "no such key", text_of(mine));
	}
}

static void compare_elements(struct recorded *r, const char *path, struct json_object *want, struct json_object *have)
{
	size_t n = json_object_array_length(want), m = json_object_array_length(have);
	char at[PATH_MAX_CHARS];

	if (is_volatile(r, path))
		return;
	if (n != m)
		differ(r, path, text_of(want), text_of(have));
	for (size_t i = 0; i < n && i < m; i++) {
		snprintf(at, sizeof at, "%s[%zu]", path, i);
		compare(r, at, json_object_array_get_idx(want, i), json_object_array_get_idx(have, i));
	}
}

/* Text that is JSON itself (settings and its neighbours) is compared as JSON. */
static void compare_texts(struct recorded *r, const char *path, struct json_object *want, struct json_object *have)
{
	struct str a = str_of(json_object_get_string(want)), b = str_of(json_object_get_string(have));
	struct json_object *x = NULL, *y = NULL;

	if (str_eq(a, b) || (looks_like_link(a) && links_same(a, b)))
		return;
	if (str_starts(a, "{") && str_starts(b, "{") && json_parse(&x, a) == OK && json_parse(&y, b) == OK)
		compare(r, path, x, y);
	else
		differ(r, path, text_of(want), text_of(have));
	json_object_put(x);
	json_object_put(y);
}

static bool is_number(enum json_type t)
{
	return t == json_type_int || t == json_type_double;
}

static void compare(struct recorded *r, const char *path, struct json_object *want, struct json_object *have)
{
	enum json_type a = json_object_get_type(want), b = json_object_get_type(have);

	if (is_placeholder(want) && b == json_type_string)
		return;
	if (!strcmp(path, ".msg") && a == b) {
		if (strcmp(json_object_get_string(want), json_object_get_string(have))) {
			differ(r, path, text_of(want), text_of(have));
			r->only_msg = true;
		}
		return;
	}
	if (a != b && !(is_number(a) && is_number(b))) {
		differ(r, path, text_of(want), text_of(have));
		return;
	}
	switch (a) {
	case json_type_object:
		compare_members(r, path, want, have);
		return;
	case json_type_array:
		compare_elements(r, path, want, have);
		return;
	case json_type_null:
		return;
	case json_type_string:
		if (!is_volatile(r, path))
			compare_texts(r, path, want, have);
		return;
	default:
		if (!is_volatile(r, path) && strcmp(text_of(want), text_of(have)) && !renewed(path, want, have) &&
		    json_object_get_double(want) != json_object_get_double(have))
			differ(r, path, text_of(want), text_of(have));
	}
}

/* --- excerpts: what was kept of a long answer, computed from ours in the same way --- */

/* The rows an excerpt may be about: the elements of obj, else the clients in the settings of obj. To be put. */
static struct json_object *rows_of(struct json_object *body)
{
	struct json_object *obj = json_at(body, "obj"), *settings = NULL, *clients;

	if (json_object_is_type(obj, json_type_array))
		return json_object_get(obj);
	if (json_object_is_type(json_at(obj, "settings"), json_type_string))
		json_parse(&settings, json_str_at(obj, "settings"));
	else
		settings = json_object_get(json_at(obj, "settings"));
	clients = json_object_get(json_array_at(settings, "clients"));
	json_object_put(settings);
	return clients;
}

static bool row_has(struct json_object *row, struct json_object *value)
{
	json_object_object_foreach(row, key, v) {
		(void)key;
		if (json_object_equal(v, value))
			return true;
	}
	return json_object_is_type(value, json_type_string) && json_object_get_string_len(value) == 0; /* "" for an absent key */
}

/* An excerpt's item against a row: a scalar or the list's values stand in it, an object's members are equal. */
static bool row_fits(struct recorded *r, struct json_object *item, struct json_object *row)
{
	bool fits = true;

	if (json_object_is_type(item, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(item); i++)
			fits &= row_has(row, json_object_array_get_idx(item, i));
		return fits;
	}
	if (!json_object_is_type(item, json_type_object))
		return row_has(row, item);
	json_object_object_foreach(item, key, value) {
		struct json_object *have = NULL;
		bool there = json_object_object_get_ex(row, key, &have);

		fits &= there && json_object_get_type(have) == json_object_get_type(value) &&
			(is_volatile(r, key) || json_object_equal(have, value) || renewed(key, value, have));
	}
	/* a whole client was kept: nothing more may stand in ours */
	if (json_object_object_get_ex(item, "created_at", NULL))
		fits &= json_object_object_length(item) == json_object_object_length(row);
	return fits;
}

/* Each item fits a row, in order. */
static void excerpt_rows(struct recorded *r, struct json_object *items, struct json_object *rows, bool all)
{
	size_t at = 0, n = json_len(rows);

	for (size_t i = 0; i < json_len(items); i++) {
		struct json_object *item = json_object_array_get_idx(items, i);

		while (at < n && !row_fits(r, item, json_object_array_get_idx(rows, at)))
			at++;
		if (at++ >= n)
			differ(r, "<excerpt>", text_of(item), text_of(rows));
	}
	if (all && json_len(items) != n)
		differ(r, "<excerpt> rows", text_of(items), text_of(rows));
}

static void excerpt_by_email(struct recorded *r, const char *key, struct json_object *want, struct json_object *rows)
{
	json_object_object_foreach(want, email, value) {
		struct json_object *item = json_object_new_object(), *one = json_object_new_array();

		json_object_object_add(item, "email", json_object_new_string(email));
		json_object_object_add(item, key, json_object_get(value));
		json_object_array_add(one, item);
		excerpt_rows(r, one, rows, false);
		json_object_put(one);
	}
}

static struct json_object *all_stats(struct json_object *body)
{
	struct json_object *inbounds = json_array_at(body, "obj"), *all = json_object_new_array();

	for (size_t i = 0; i < json_len(inbounds); i++) {
		struct json_object *stats = json_array_at(json_object_array_get_idx(inbounds, i), "clientStats");

		for (size_t k = 0; k < json_len(stats); k++)
			json_object_array_add(all, json_object_get(json_object_array_get_idx(stats, k)));
	}
	return all;
}

static void excerpt_subset(struct recorded *r, const char *path, struct json_object *want, struct json_object *have)
{
	char at[PATH_MAX_CHARS];

	json_object_object_foreach(want, key, value) {
		struct json_object *other = NULL;

		snprintf(at, sizeof at, "%s.%s", path, key);
		if (!json_object_object_get_ex(have, key, &other))
			differ(r, at, text_of(value), "no such key");
		else if (json_object_is_type(value, json_type_object))
			excerpt_subset(r, at, value, other);
		else
			compare(r, at, value, other);
	}
}

static void excerpt_key(struct recorded *r, const char *key, struct json_object *value, struct json_object *body, struct json_object *rows)
{
	struct json_object *obj = json_at(body, "obj"), *list = NULL, *one;

	if (!strcmp(key, "success") || !strcmp(key, "msg")) {
		compare(r, *key == 'm' ? ".msg" : ".success", value, json_at(body, key));
	} else if (!strcmp(key, "obj.id")) {
		compare(r, ".obj.id", value, json_at(obj, "id"));
	} else if (str_starts(str_of(key), "settings.")) {
		excerpt_by_email(r, key + strlen("settings."), value, rows);
	} else if (!strcmp(key, "clientStats")) {
		list = all_stats(body);
		excerpt_rows(r, value, list, false);
	} else if (!strcmp(key, "clients")) {
		excerpt_rows(r, value, rows, true);
	} else if (!strcmp(key, "n") || !strcmp(key, "len")) {
		if (!strstr(r->route, "logs") && json_object_get_int64(value) != (int64_t)json_len(json_array_at(body, "obj")))
			differ(r, ".obj length", text_of(value), text_of(obj));
	} else if (str_starts(str_of(key), "obj:")) {
		excerpt_rows(r, value, rows, true);
	} else if (str_starts(str_of(key), "obj is list of") || json_object_is_type(value, json_type_string)) {
		if (str_starts(str_of(key), "obj") && !json_object_is_type(obj, json_type_array))
			differ(r, ".obj", "a list", text_of(obj));
	} else if (!strcmp(key, "obj")) {
		excerpt_subset(r, ".obj", value, obj);
	} else {
		one = json_object_new_object();
		json_object_object_add(one, key, json_object_get(value));
		excerpt_subset(r, ".obj", one, obj);
		json_object_put(one);
	}
	json_object_put(list);
}

static void compare_excerpt(struct recorded *r, struct json_object *want, struct json_object *body)
{
	struct json_object *rows = rows_of(body);

	if (json_object_is_type(want, json_type_array)) {
		struct json_object *first = json_object_array_get_idx(want, 0);
		bool of_inbounds = json_object_is_type(first, json_type_array) &&
				   json_object_is_type(json_object_array_get_idx(first, 0), json_type_int);

		excerpt_rows(r, want, rows, of_inbounds);
	} else {
		json_object_object_foreach(want, key, value)
			excerpt_key(r, key, value, body, rows);
	}
	json_object_put(rows);
}

/* --- the answer --- */

static const char *const kept_headers[] = { "content-type", "location", "set-cookie", "content-disposition", "content-encoding",
	"cache-control", "subscription-userinfo", "support-url", "announce", NULL };

static bool header_is_kept(struct str name)
{
	for (size_t i = 0; kept_headers[i]; i++)
		if (str_is_nocase(name, kept_headers[i]))
			return true;
	return (name.len > 8 && str_is_nocase(str_n(name.at, 8), "profile-")) || (name.len > 7 && str_is_nocase(str_n(name.at, 7), "routing"));
}

/* A Set-Cookie without its value and its date. */
static void cookie_normal(struct buf *to, struct str cookie)
{
	bool first = true;

	while (cookie.at) {
		struct str value = str_trim(str_cut(&cookie, ';'));
		struct str key = str_cut(&value, '=');

		if (!first)
			buf_adds(to, "; ");
		buf_add(to, key);
		if (value.at) {
			buf_addc(to, '=');
			buf_add(to, first && value.len ? STR("<session>") : str_is(key, "Expires") ? STR("<date>") : value);
		}
		first = false;
	}
}

/* All of that name, joined as the recordings join them. */
static bool header_have(struct buf *to, const struct sim_response *have, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < have->headers_count; i++) {
		if (!str_is_nocase(str_of(have->headers[i].name), name))
			continue;
		if (found)
			buf_adds(to, " || ");
		found = true;
		if (!strcmp(name, "set-cookie"))
			cookie_normal(to, str_of(have->headers[i].value));
		else
			buf_adds(to, have->headers[i].value);
	}
	return found;
}

static bool header_same(const char *name, const char *want, const char *have)
{
	if (!strcmp(name, "location") && strstr(want, "/panel/api/") && strstr(have, "/panel/"))
		return !strcmp(strrchr(want, '/'), strrchr(have, '/')); /* xui/API goes to api or API at random */
	return !strcmp(want, have);
}

static void compare_headers(struct recorded *r)
{
	struct json_object *want = json_at(r->want, "headers");
	struct buf value;
	char at[PATH_MAX_CHARS];

	buf_init(&value, 65536);
	json_object_object_foreach(want, name, w) {
		buf_clear(&value);
		snprintf(at, sizeof at, "header %s", name);
		if (!header_have(&value, r->have, name))
			differ(r, at, json_object_get_string(w), "none");
		else if (!header_same(name, json_object_get_string(w), buf_cstr(&value)))
			differ(r, at, json_object_get_string(w), buf_cstr(&value));
	}
	for (size_t i = 0; i < r->have->headers_count; i++) {
		const char *name_ours = r->have->headers[i].name;
		bool found = false;

		json_object_object_foreach(want, key, unused) {
			(void)unused;
			found |= str_is_nocase(str_of(name_ours), key);
		}
		if (!found && header_is_kept(str_of(name_ours)))
			differ(r, name_ours, "no such header", r->have->headers[i].value);
	}
	buf_release(&value);
}

static bool is_page(const struct recorded *r)
{
	return str_has(str_of(json_object_get_string(json_at(r->want, "headers.content-type"))), "text/html") &&
	       json_i64_at(r->want, "status", 0) == 200;
}

/* Of a page only what a client may read from it. */
static void compare_page(struct recorded *r)
{
	struct json_object *body = json_at(r->want, "body");
	struct str text = json_object_is_type(body, json_type_string) ? json_str_at(r->want, "body") : STR("");

	if (!r->have->body.len)
		differ(r, "page", "some", "nothing");
	if (str_has(text, "csrf-token") && !str_has(r->have->body, "name=\"csrf-token\""))
		differ(r, "page", "csrf-token", "none");
	if (str_has(text, "X_UI_CUR_VER=\"") && !str_has(r->have->body, "X_UI_CUR_VER=\""))
		differ(r, "page", "X_UI_CUR_VER", "none");
}

static void compare_text(struct recorded *r, struct str want)
{
	if (str_eq(want, r->have->body))
		return;
	if (want.len > 16 && subscriptions_same(want, r->have->body))
		return;
	buf_printf(r->differences, "\tbody: want %.*s, have %.*s\n", (int)(want.len < 300 ? want.len : 300), want.at,
		   (int)(r->have->body.len < 300 ? r->have->body.len : 300), r->have->body.at);
}

static void compare_body(struct recorded *r)
{
	struct json_object *want = json_at(r->want, "body"), *have = NULL, *excerpt;

	if (is_page(r)) {
		compare_page(r);
		return;
	}
	if (!want || json_object_is_type(want, json_type_string)) {
		compare_text(r, want ? json_str_at(r->want, "body") : STR(""));
		return;
	}
	if (json_object_object_get_ex(want, "<bytes>", NULL)) {
		if (!r->have->body.len || memcmp(r->have->body.at, "SQLite format 3", 16))
			differ(r, "body", "a database", "something else");
		return;
	}
	if (json_parse(&have, r->have->body)) {
		differ(r, "body", text_of(want), "no JSON");
		return;
	}
	if (json_object_is_type(want, json_type_object) && json_object_object_get_ex(want, "<excerpt>", &excerpt))
		compare_excerpt(r, excerpt, have);
	else
		compare(r, "", want, have);
	json_object_put(have);
}

bool recorded_same(struct recorded *r)
{
	size_t lines = 0;

	r->only_msg = false;
	if (json_i64_at(r->want, "status", 0) != r->have->status)
		buf_printf(r->differences, "\tstatus: want %lld, have %d\n", (long long)json_i64_at(r->want, "status", 0), r->have->status);
	compare_headers(r);
	compare_body(r);
	for (size_t i = 0; i < r->differences->len; i++)
		lines += r->differences->at[i] == '\n';
	r->only_msg = r->only_msg && lines == 1;
	return r->differences->len == 0;
}
