#include "tests/demo/web.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"
#include "lib/base/json.h"

#define PEOPLE_MAX 12
#define FILE_BYTES_MAX ((size_t)256 * 1024)
#define STATE_BYTES_MAX ((size_t)8 << 20)
#define MESSAGES_SHOWN_MAX 200   /* the newest of a chat */
#define CLIENTS_SHOWN_MAX 50     /* of a panel */
#define LATER_MS 20000           /* a question without news is asked again */
#define TEXT_BYTES_MAX 4096

struct web {
	struct stage *stage;
	const char *page_dir;
	int socket;
	char host[32];               /* "127.0.0.1:port", what Host must say */
	int64_t people[PEOPLE_MAX];
	char names[PEOPLE_MAX][48];
	size_t people_count;
};

/* --- one request --- */

struct ask {
	struct web *w;
	const struct sim_request *request;
	struct sim_response *response;
	struct json_object *body;    /* of a POST */
	struct str query;
};

static void answer(struct ask *a, int status, const char *type, struct str body)
{
	struct sim_response *r = a->response;

	r->status = status;
	r->headers[r->headers_count++] = (struct http_header){ "Content-Type", type };
	r->headers[r->headers_count++] = (struct http_header){ "Cache-Control", "no-store" };
	r->headers[r->headers_count++] = (struct http_header){ "X-Content-Type-Options", "nosniff" };
	r->headers[r->headers_count++] = (struct http_header){ "Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'" };
	r->body = str_of(arena_strndup(a->request->arena, body.at, body.len));
	r->body.len = body.len;
}

static void answer_json(struct ask *a, struct buf *json)
{
	answer(a, 200, "application/json", buf_str(json));
	buf_release(json);
}

static void answer_fine(struct ask *a)
{
	answer(a, 200, "application/json", STR("{}"));
}

static void answer_wrong(struct ask *a, int status)
{
	answer(a, status, "application/json", STR("{\"error\":true}"));
}

/* Nothing to tell yet. */
static void later(struct ask *a)
{
	a->response->later = true;
	a->response->retry_ms = LATER_MS;
}

static struct str query(const struct ask *a, const char *name)
{
	struct str rest = a->query;

	while (rest.at) {
		struct str value = str_cut(&rest, '&'), key = str_cut(&value, '=');

		if (str_is(key, name))
			return value;
	}
	return str_of(NULL);
}

static int64_t query_i64(const struct ask *a, const char *name)
{
	int64_t n = 0;

	return str_to_i64(&n, query(a, name)) == OK ? n : 0;
}

static int64_t body_i64(const struct ask *a, const char *name)
{
	return json_i64_at(a->body, name, 0);
}

/* Terminated by json-c. */
static const char *body_text(const struct ask *a, const char *name)
{
	struct str s = json_str_at(a->body, name);

	return s.len ? s.at : "";
}

/* --- the page --- */

static void get_file(struct ask *a, const char *name, const char *type)
{
	char path[256], *text = xmalloc(FILE_BYTES_MAX);
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", a->w->page_dir, name);
	f = fopen(path, "rb");
	n = f ? fread(text, 1, FILE_BYTES_MAX, f) : 0;
	if (f)
		fclose(f);
	answer(a, n ? 200 : 404, type, str_n(text, n));
	free(text);
}

static void get_page(struct ask *a)
{
	get_file(a, "page.html", "text/html; charset=utf-8");
}

static void get_style(struct ask *a)
{
	get_file(a, "page.css", "text/css; charset=utf-8");
}

static void get_program(struct ask *a)
{
	get_file(a, "page.js", "text/javascript; charset=utf-8");
}

static void get_picture(struct ask *a)
{
	const struct botapi_message *m = botapi_message_get(a->w->stage->telegram, query_i64(a, "chat"), query_i64(a, "message"));

	if (m && m->photo.len)
		answer(a, 200, "image/png", m->photo);
	else
		answer_wrong(a, 404);
}

/* --- the state: chats --- */

static void put_button(struct json_out *j, const struct botapi_button *b)
{
	json_open(j, '{');
	json_put_str(j, "text", b->text);
	json_put_i64(j, "row", b->row);
	json_put_bool(j, "pay", b->pay);
	if (b->data.len)
		json_put_str(j, "data", b->data);
	if (b->url.len)
		json_put_str(j, "url", b->url);
	if (b->copy.len)
		json_put_str(j, "copy", b->copy);
	json_close(j, '}');
}

static void put_invoice(struct json_out *j, const struct botapi_message *m)
{
	json_key(j, "invoice");
	json_open(j, '{');
	json_put_str(j, "title", m->invoice_title);
	json_put_str(j, "text", m->invoice_text);
	json_put_i64(j, "stars", m->invoice_stars);
	json_close(j, '}');
}

static void put_message(struct json_out *j, const struct botapi_message *m)
{
	json_open(j, '{');
	json_put_i64(j, "id", m->id);
	json_put_bool(j, "bot", m->from_bot);
	json_put_i64(j, "sent_ms", m->sent_ms);
	json_put_i64(j, "edits", m->edits);
	json_put_str(j, m->from_bot && m->html.len ? "html" : "text", m->from_bot && m->html.len ? m->html : m->text);
	json_put_bool(j, "photo", m->photo.len > 0);
	if (m->document.len)
		json_put_str(j, "file", m->file_name);
	if (m->invoice_stars)
		put_invoice(j, m);
	json_key(j, "buttons");
	json_open(j, '[');
	for (size_t i = 0; i < m->buttons_count; i++)
		put_button(j, &m->buttons[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_commands(struct json_out *j, const struct stage *s, int64_t chat)
{
	struct str own = botapi_commands(s->telegram, "chat", chat, ""), all = botapi_commands(s->telegram, "all_private_chats", 0, "");

	json_key(j, "commands");
	json_add_raw(j, own.len ? own : all.len ? all : STR("[]"));
}

static void put_person(struct json_out *j, const struct web *w, size_t i)
{
	const struct botapi *telegram = w->stage->telegram;
	int64_t chat = w->people[i];
	size_t count = botapi_messages_count(telegram, chat);

	json_open(j, '{');
	json_put_i64(j, "chat", chat);
	json_put_cstr(j, "name", w->names[i]);
	json_put_bool(j, "admin", chat == w->stage->cast->admin.id);
	put_commands(j, w->stage, chat);
	json_key(j, "messages");
	json_open(j, '[');
	for (size_t k = count > MESSAGES_SHOWN_MAX ? count - MESSAGES_SHOWN_MAX : 0; k < count; k++) {
		const struct botapi_message *m = botapi_message_at(telegram, chat, k);

		if (!m->deleted)
			put_message(j, m);
	}
	json_close(j, ']');
	json_close(j, '}');
}

/* --- the state: panels --- */

struct client_list {
	struct json_out *j;
	size_t count;
};

static bool put_client(void *ctx, const struct panel_client_view *c)
{
	struct client_list *list = ctx;

	json_open(list->j, '{');
	json_put_str(list->j, "email", c->email);
	json_put_bool(list->j, "enabled", c->enable && (!c->has_row || c->row_enable));
	json_put_i64(list->j, "up", c->has_row ? c->up : 0);
	json_put_i64(list->j, "down", c->has_row ? c->down : 0);
	json_put_i64(list->j, "quota", c->total_bytes);
	json_put_i64(list->j, "expires_ms", c->expiry_ms);
	json_close(list->j, '}');
	return ++list->count < CLIENTS_SHOWN_MAX;
}

static void put_panel(struct json_out *j, const struct stage_panel *p)
{
	struct client_list list = { .j = j };
	char dialect[2] = { p->dialect, '\0' };

	json_open(j, '{');
	json_put_cstr(j, "place", p->cast->place);
	json_put_cstr(j, "version", p->cast->version);
	json_put_cstr(j, "dialect", dialect);
	json_put_cstr(j, "url", p->url);
	json_put_cstr(j, "user", p->cast->user);
	json_put_cstr(j, "password", p->cast->password);
	json_put_cstr(j, "address", p->cast->address);
	json_put_bool(j, "down", p->down);
	json_put_i64(j, "delay_ms", p->delay_ms);
	json_put_i64(j, "count", (int64_t)panel_sim_count_clients(p->sim, 0));
	json_key(j, "clients");
	json_open(j, '[');
	panel_sim_each_client(p->sim, 0, put_client, &list);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_state(struct buf *to, const struct web *w)
{
	struct json_out j;

	json_out_init(&j, to);
	json_open(&j, '{');
	json_put_cstr(&j, "bot", BOTAPI_USERNAME);
	json_put_i64(&j, "stars", botapi_balance(w->stage->telegram));
	json_key(&j, "people");
	json_open(&j, '[');
	for (size_t i = 0; i < w->people_count; i++)
		put_person(&j, w, i);
	json_close(&j, ']');
	json_key(&j, "panels");
	json_open(&j, '[');
	for (size_t i = 0; i < CAST_PANELS; i++)
		put_panel(&j, &w->stage->panels[i]);
	json_close(&j, ']');
	json_close(&j, '}');
}

/* FNV-1a: only to see whether anything has changed. */
static uint64_t tag_of(struct str s)
{
	uint64_t h = UINT64_C(0xCBF29CE484222325);

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.at[i]) * UINT64_C(0x100000001B3);
	return h;
}

static void get_state(struct ask *a)
{
	struct buf state, out;
	char tag[17];

	buf_init(&state, STATE_BYTES_MAX);
	put_state(&state, a->w);
	snprintf(tag, sizeof tag, "%016" PRIx64, tag_of(buf_str(&state)));
	if (str_is(query(a, "since"), tag)) {
		later(a);
	} else {
		buf_init(&out, STATE_BYTES_MAX);
		buf_printf(&out, "{\"tag\":\"%s\",\"now_ms\":%" PRId64 ",\"state\":", tag, a->request->now_ms);
		buf_add(&out, buf_str(&state));
		buf_addc(&out, '}');
		answer_json(a, &out);
	}
	buf_release(&state);
}

/* --- what people do --- */

static void post_say(struct ask *a)
{
	const char *text = body_text(a, "text");

	if (!*text || strlen(text) > TEXT_BYTES_MAX)
		answer_wrong(a, 400);
	else if (!botapi_say(a->w->stage->telegram, body_i64(a, "chat"), text))
		answer_wrong(a, 404);
	else
		answer_fine(a);
}

static void post_tap(struct ask *a)
{
	if (botapi_tap_data(a->w->stage->telegram, body_i64(a, "chat"), body_i64(a, "message"), body_text(a, "data")))
		answer_fine(a);
	else
		answer_wrong(a, 404);
}

static void get_toast(struct ask *a)
{
	struct str text = botapi_toast(a->w->stage->telegram, query_i64(a, "chat"));
	struct json_out j;
	struct buf out;

	if (!text.at) {
		later(a);
		return;
	}
	buf_init(&out, TEXT_BYTES_MAX);
	json_out_init(&j, &out);
	json_open(&j, '{');
	json_put_str(&j, "text", text);
	json_close(&j, '}');
	answer_json(a, &out);
}

static void answer_number(struct ask *a, const char *name, int64_t n)
{
	struct buf out;

	buf_init(&out, 128);
	buf_printf(&out, "{\"%s\":%" PRId64 "}", name, n);
	answer_json(a, &out);
}

static void post_pay(struct ask *a)
{
	int number = botapi_pay(a->w->stage->telegram, body_i64(a, "chat"), body_i64(a, "message"));

	if (number)
		answer_number(a, "number", number);
	else
		answer_wrong(a, 404);
}

static void get_checkout(struct ask *a)
{
	const struct botapi *telegram = a->w->stage->telegram;
	int number = (int)query_i64(a, "number");
	enum botapi_checkout state = botapi_checkout_state(telegram, number);
	struct json_out j;
	struct buf out;

	if (state == BOTAPI_CHECKOUT_WAITING) {
		later(a);
		return;
	}
	buf_init(&out, TEXT_BYTES_MAX);
	json_out_init(&j, &out);
	json_open(&j, '{');
	json_put_bool(&j, "paid", state == BOTAPI_CHECKOUT_PAID);
	json_put_str(&j, "refusal", botapi_checkout_refusal(telegram, number));
	json_close(&j, '}');
	answer_json(a, &out);
}

static void post_crypto(struct ask *a)
{
	struct cryptopay_sim *sim = a->w->stage->pay;
	struct cryptopay_view invoice;
	struct json_out j;
	struct buf out;

	if (!cryptopay_sim_find_url(&invoice, sim, body_text(a, "url"))) {
		answer_wrong(a, 404);
		return;
	}
	if (json_bool_at(a->body, "confirm", false)) {
		cryptopay_sim_pay(sim, invoice.id, "USDT", a->request->now_ms);
		cryptopay_sim_find_url(&invoice, sim, body_text(a, "url"));
	}
	buf_init(&out, TEXT_BYTES_MAX);
	json_out_init(&j, &out);
	json_open(&j, '{');
	json_put_i64(&j, "id", invoice.id);
	json_put_str(&j, "status", invoice.status);
	json_put_str(&j, "amount", invoice.amount);
	json_put_str(&j, "currency", invoice.currency);
	json_put_str(&j, "description", invoice.description);
	json_close(&j, '}');
	answer_json(a, &out);
}

static void add_person(struct web *w, int64_t chat, const char *name)
{
	w->people[w->people_count] = chat;
	snprintf(w->names[w->people_count++], sizeof w->names[0], "%s", name);
}

static void post_person(struct ask *a)
{
	const char *name = body_text(a, "name"), *language = body_text(a, "language");
	int64_t chat;

	if (a->w->people_count == PEOPLE_MAX || !*name || strlen(name) >= sizeof a->w->names[0] || strlen(language) > 8) {
		answer_wrong(a, 400);
		return;
	}
	chat = botapi_user_new(a->w->stage->telegram, name, NULL, *language ? language : "en");
	add_person(a->w, chat, name);
	answer_number(a, "chat", chat);
}

/* --- knobs --- */

static struct stage_panel *panel_of(struct ask *a)
{
	int64_t n = json_i64_at(a->body, "panel", -1);

	if (n >= 0 && n < CAST_PANELS)
		return &a->w->stage->panels[n];
	answer_wrong(a, 404);
	return NULL;
}

static void post_panel(struct ask *a)
{
	struct stage_panel *p = panel_of(a);
	int64_t delay_ms = body_i64(a, "delay_ms");

	if (!p)
		return;
	stage_panel_set(p, json_bool_at(a->body, "down", false), delay_ms < 0 ? 0 : delay_ms > MINUTE_MS ? MINUTE_MS : delay_ms);
	answer_fine(a);
}

static void post_traffic(struct ask *a)
{
	struct stage_panel *p = panel_of(a);

	if (p && panel_sim_use(p->sim, body_text(a, "email"), 0, body_i64(a, "bytes")))
		answer_fine(a);
	else if (p)
		answer_wrong(a, 409);
}

/* --- dispatch --- */

static const struct route {
	enum http_method method;
	const char *path;
	void (*run)(struct ask *a);
} routes[] = {
	{ HTTP_GET,  "/",         get_page     },
	{ HTTP_GET,  "/page.css", get_style    },
	{ HTTP_GET,  "/page.js",  get_program  },
	{ HTTP_GET,  "/state",    get_state    },
	{ HTTP_GET,  "/toast",    get_toast    },
	{ HTTP_GET,  "/checkout", get_checkout },
	{ HTTP_GET,  "/picture",  get_picture  },
	{ HTTP_POST, "/say",      post_say     },
	{ HTTP_POST, "/tap",      post_tap     },
	{ HTTP_POST, "/pay",      post_pay     },
	{ HTTP_POST, "/crypto",   post_crypto  },
	{ HTTP_POST, "/person",   post_person  },
	{ HTTP_POST, "/panel",    post_panel   },
	{ HTTP_POST, "/traffic",  post_traffic },
};

static struct str header(const struct sim_request *r, const char *name)
{
	for (size_t i = 0; i < r->headers_count; i++)
		if (strcmp(r->headers[i].name, name) == 0)
			return str_of(r->headers[i].value);
	return str_of(NULL);
}

/* Another site's page in the same browser must not play with the sandbox. */
static bool is_ours(const struct ask *a)
{
	struct str origin = header(a->request, "origin");

	return str_is(header(a->request, "host"), a->w->host) &&
		(!origin.len || str_is(origin, serve_url(a->w->stage->serve, a->w->socket)));
}

static bool read_body(struct ask *a)
{
	if (a->request->method != HTTP_POST)
		return true;
	return json_parse(&a->body, a->request->body) == OK && json_object_is_type(a->body, json_type_object);
}

static sim_handler web_handle;
static void web_handle(void *model, const struct sim_request *request, struct sim_response *response)
{
	struct ask a = { .w = model, .request = request, .response = response, .query = request->path };
	struct str path = str_cut(&a.query, '?');

	*response = (struct sim_response){ 0 };
	if (!is_ours(&a)) {
		answer_wrong(&a, 403);
		return;
	}
	for (size_t i = 0; i < countof(routes); i++) {
		if (routes[i].method != request->method || !str_is(path, routes[i].path))
			continue;
		if (read_body(&a))
			routes[i].run(&a);
		else
			answer_wrong(&a, 400);
		json_object_put(a.body);
		return;
	}
	answer_wrong(&a, 404);
}

struct web *web_new(struct stage *s, const char *page_dir)
{
	struct web *w = xcalloc(1, sizeof *w);

	w->stage = s;
	w->page_dir = page_dir;
	w->socket = stage_add(s, web_handle, w);
	snprintf(w->host, sizeof w->host, "127.0.0.1:%d", serve_port(s->serve, w->socket));
	add_person(w, s->cast->admin.id, s->cast->admin.name);
	add_person(w, s->cast->customer.id, s->cast->customer.name);
	return w;
}

void web_free(struct web *w)
{
	free(w);
}

const char *web_url(const struct web *w)
{
	return serve_url(w->stage->serve, w->socket);
}
