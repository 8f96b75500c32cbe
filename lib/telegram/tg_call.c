/* Payloads: each builder is the list of its method's members. */
#include "lib/telegram/tg_call.h"

#include <assert.h>
#include <string.h>

#include "lib/telegram/tg_text.h"

#define CONNECT_MS 10000
#define CALL_MS 30000
#define UPLOAD_MS 120000
#define POLL_SLACK_MS 15000

/* Foreign text: valid UTF-8 or made so. Nearly always it is valid and nothing is copied. */
static void put_text(struct json_out *j, const char *key, struct str s)
{
	struct arena scratch;

	if (utf8_valid(s)) {
		json_put_str(j, key, s);
		return;
	}
	arena_init(&scratch);
	json_put_str(j, key, utf8_clean(&scratch, s));
	arena_release(&scratch);
}

static void put_head(struct json_out *j, const char *key, struct str s, size_t points_max)
{
	put_text(j, key, utf8_head(s, points_max));
}

static void put_raw(struct json_out *j, const char *key, struct str json)
{
	json_key(j, key);
	json_add_raw(j, json);
}

static void begin(struct json_out *j, struct buf *to)
{
	json_out_init(j, to);
	json_open(j, '{');
}

static void end(struct json_out *j)
{
	json_close(j, '}');
}

/* --- keyboard --- */

void tg_keys_begin(struct tg_keys *k, struct buf *to)
{
	*k = (struct tg_keys){ .to = to };
	begin(&k->out, to);
	json_key(&k->out, "inline_keyboard");
	json_open(&k->out, '[');
}

void tg_keys_row(struct tg_keys *k)
{
	if (k->row)
		json_close(&k->out, ']');
	k->row = 0;
}

/* Other schemes are refused by the server, for the whole message. */
static bool url_is_fine(struct str url)
{
	static const char *const schemes[] = { "https://", "http://", "tg://" };

	for (size_t i = 0; i < countof(schemes); i++)
		if (url.len > strlen(schemes[i]) && str_is_nocase(str_n(url.at, strlen(schemes[i])), schemes[i]))
			return true;
	return false;
}

static bool button_fits(const struct tg_button *b)
{
	if (b->url.len)
		return url_is_fine(b->url);
	if (b->copy.len)
		return utf8_units(b->copy) <= TG_BUTTON_COPY_MAX;
	return true;
}

static void put_copy(struct json_out *j, struct str text)
{
	json_key(j, "copy_text");
	json_open(j, '{');
	put_text(j, "text", text);
	json_close(j, '}');
}

static void put_action(struct json_out *j, const struct tg_button *b)
{
	if (b->data.len)
		put_text(j, "callback_data", b->data);
	else if (b->url.len)
		put_text(j, "url", b->url);
	else if (b->copy.len)
		put_copy(j, b->copy);
	else
		json_put_bool(j, "pay", true);
}

static void put_button(struct json_out *j, const struct tg_button *b)
{
	static const char *const styles[] = { NULL, "primary", "success", "danger" };

	json_open(j, '{');
	put_head(j, "text", b->text, TG_BUTTON_TEXT_MAX);
	put_action(j, b);
	if (b->style)
		json_put_cstr(j, "style", styles[b->style]);
	json_close(j, '}');
}

bool tg_keys_add(struct tg_keys *k, struct tg_button b)
{
	assert((b.data.len > 0) + (b.url.len > 0) + (b.copy.len > 0) + b.pay == 1);
	assert(b.data.len <= TG_BUTTON_DATA_BYTES_MAX);
	assert(b.text.len > 0);
	assert(!b.pay || k->count == 0);
	if (k->count == TG_BUTTONS_MAX || !button_fits(&b))
		return false;
	if (k->row == TG_BUTTONS_ROW_MAX)
		tg_keys_row(k);
	if (k->row == 0)
		json_open(&k->out, '[');
	put_button(&k->out, &b);
	k->row++;
	k->count++;
	return true;
}

void tg_keys_end(struct tg_keys *k)
{
	tg_keys_row(k);
	json_close(&k->out, ']');
	end(&k->out);
}

/* --- messages --- */

static void put_markup(struct json_out *j, struct str markup)
{
	if (markup.len)
		put_raw(j, "reply_markup", markup);
}

static void put_html(struct json_out *j, const char *key, struct str html)
{
	put_text(j, key, html);
	json_put_cstr(j, "parse_mode", "HTML");
}

static void put_no_preview(struct json_out *j)
{
	put_raw(j, "link_preview_options", STR("{\"is_disabled\":true}"));
}

static void put_where(struct json_out *j, int64_t chat_id, int64_t thread_id)
{
	json_put_i64(j, "chat_id", chat_id);
	if (thread_id)
		json_put_i64(j, "message_thread_id", thread_id);
}

static void put_reply(struct json_out *j, int64_t message_id)
{
	if (!message_id)
		return;
	json_key(j, "reply_parameters");
	json_open(j, '{');
	json_put_i64(j, "message_id", message_id);
	json_put_bool(j, "allow_sending_without_reply", true);
	json_close(j, '}');
}

/* What all send methods share, after their content. */
static void put_manner(struct json_out *j, const struct tg_send *m)
{
	put_reply(j, m->reply_to_id);
	if (m->silent)
		json_put_bool(j, "disable_notification", true);
	if (m->protect)
		json_put_bool(j, "protect_content", true);
	put_markup(j, m->markup);
}

void tg_send_message(struct buf *to, const struct tg_send *m)
{
	struct json_out j;

	begin(&j, to);
	put_where(&j, m->chat_id, m->thread_id);
	put_html(&j, "text", m->html);
	put_no_preview(&j);
	put_manner(&j, m);
	end(&j);
}

static void send_file(struct buf *to, const struct tg_send *m, const char *field, struct str file_id)
{
	struct json_out j;

	begin(&j, to);
	put_where(&j, m->chat_id, m->thread_id);
	if (file_id.len)
		put_text(&j, field, file_id);
	if (m->html.len)
		put_html(&j, "caption", m->html);
	put_manner(&j, m);
	end(&j);
}

void tg_send_photo(struct buf *to, const struct tg_send *m, struct str file_id)
{
	send_file(to, m, "photo", file_id);
}

void tg_send_document(struct buf *to, const struct tg_send *m, struct str file_id)
{
	send_file(to, m, "document", file_id);
}

static void put_message(struct json_out *j, int64_t chat_id, int64_t message_id)
{
	json_put_i64(j, "chat_id", chat_id);
	json_put_i64(j, "message_id", message_id);
}

void tg_edit_text(struct buf *to, int64_t chat_id, int64_t message_id, struct str html, struct str markup)
{
	struct json_out j;

	begin(&j, to);
	put_message(&j, chat_id, message_id);
	put_html(&j, "text", html);
	put_no_preview(&j);
	put_markup(&j, markup);
	end(&j);
}

void tg_edit_markup(struct buf *to, int64_t chat_id, int64_t message_id, struct str markup)
{
	struct json_out j;

	begin(&j, to);
	put_message(&j, chat_id, message_id);
	put_markup(&j, markup);
	end(&j);
}

void tg_delete_message(struct buf *to, int64_t chat_id, int64_t message_id)
{
	struct json_out j;

	begin(&j, to);
	put_message(&j, chat_id, message_id);
	end(&j);
}

void tg_copy_message(struct buf *to, int64_t chat_id, int64_t from_chat_id, int64_t message_id)
{
	struct json_out j;

	begin(&j, to);
	put_message(&j, chat_id, message_id);
	json_put_i64(&j, "from_chat_id", from_chat_id);
	end(&j);
}

void tg_send_action(struct buf *to, int64_t chat_id, const char *action)
{
	struct json_out j;

	begin(&j, to);
	json_put_i64(&j, "chat_id", chat_id);
	json_put_cstr(&j, "action", action);
	end(&j);
}

void tg_answer_callback(struct buf *to, struct str query_id, struct str text, bool alert)
{
	struct json_out j;

	begin(&j, to);
	put_text(&j, "callback_query_id", query_id);
	if (text.len)
		put_head(&j, "text", text, TG_CALLBACK_TEXT_MAX);
	if (alert)
		json_put_bool(&j, "show_alert", true);
	end(&j);
}

/* --- money --- */

static void put_price(struct json_out *j, struct str label, int64_t stars)
{
	json_key(j, "prices");
	json_open(j, '[');
	json_open(j, '{');
	put_head(j, "label", label, TG_INVOICE_TITLE_MAX);
	json_put_i64(j, "amount", stars);
	json_close(j, '}');
	json_close(j, ']');
}

static void put_invoice(struct json_out *j, const struct tg_invoice *i)
{
	assert(i->payload.len > 0 && i->payload.len <= 128);
	assert(i->stars > 0);
	put_head(j, "title", i->title, TG_INVOICE_TITLE_MAX);
	put_head(j, "description", i->text, TG_INVOICE_TEXT_MAX);
	put_text(j, "payload", i->payload);
	json_put_cstr(j, "provider_token", "");
	json_put_cstr(j, "currency", TG_STARS);
	put_price(j, i->label, i->stars);
}

void tg_send_invoice(struct buf *to, const struct tg_invoice *i)
{
	struct json_out j;

	begin(&j, to);
	put_where(&j, i->chat_id, i->thread_id);
	put_invoice(&j, i);
	/* a forwarded copy gets a link to the bot instead of a button with which strangers pay */
	json_put_cstr(&j, "start_parameter", "pay");
	put_markup(&j, i->markup);
	end(&j);
}

#define SUBSCRIPTION_PERIOD_S 2592000 /* the only one Telegram allows */

void tg_create_invoice_link(struct buf *to, const struct tg_invoice *i)
{
	struct json_out j;

	begin(&j, to);
	put_invoice(&j, i);
	if (i->recurring)
		json_put_i64(&j, "subscription_period", SUBSCRIPTION_PERIOD_S);
	end(&j);
}

void tg_answer_pre_checkout(struct buf *to, struct str query_id, bool ok, struct str why)
{
	struct json_out j;

	begin(&j, to);
	put_text(&j, "pre_checkout_query_id", query_id);
	json_put_bool(&j, "ok", ok);
	if (!ok)
		put_text(&j, "error_message", why);
	end(&j);
}

void tg_refund_stars(struct buf *to, int64_t user_id, struct str charge_id)
{
	struct json_out j;

	begin(&j, to);
	json_put_i64(&j, "user_id", user_id);
	put_text(&j, "telegram_payment_charge_id", charge_id);
	end(&j);
}

void tg_get_star_transactions(struct buf *to, int64_t offset, int limit)
{
	struct json_out j;

	begin(&j, to);
	json_put_i64(&j, "offset", offset);
	json_put_i64(&j, "limit", limit);
	end(&j);
}

/* --- the bot itself --- */

void tg_get_updates(struct buf *to, int64_t offset, int limit, int timeout_s)
{
	struct json_out j;

	begin(&j, to);
	json_put_i64(&j, "offset", offset);
	json_put_i64(&j, "limit", limit);
	json_put_i64(&j, "timeout", timeout_s);
	put_raw(&j, "allowed_updates",
		STR("[\"message\",\"callback_query\",\"pre_checkout_query\",\"my_chat_member\",\"subscription\"]"));
	end(&j);
}

void tg_delete_webhook(struct buf *to)
{
	struct json_out j;

	begin(&j, to);
	json_put_bool(&j, "drop_pending_updates", false);
	end(&j);
}

void tg_no_arguments(struct buf *to)
{
	buf_adds(to, "{}");
}

static void put_scope(struct json_out *j, int64_t chat_id)
{
	json_key(j, "scope");
	json_open(j, '{');
	json_put_cstr(j, "type", chat_id ? "chat" : "all_private_chats");
	if (chat_id)
		json_put_i64(j, "chat_id", chat_id);
	json_close(j, '}');
}

#define COMMANDS_MAX 100
#define COMMAND_TEXT_MAX 256

void tg_set_commands(struct buf *to, const struct tg_menu_entry *entries, size_t count, int64_t chat_id, struct str language_code)
{
	struct json_out j;

	assert(count <= COMMANDS_MAX);
	begin(&j, to);
	json_key(&j, "commands");
	json_open(&j, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&j, '{');
		json_put_str(&j, "command", entries[i].command);
		put_head(&j, "description", entries[i].text, COMMAND_TEXT_MAX);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	put_scope(&j, chat_id);
	if (language_code.len)
		put_text(&j, "language_code", language_code);
	end(&j);
}

/* --- once more, without markup --- */

static struct str value_text(struct json_object *v)
{
	if (json_object_is_type(v, json_type_string))
		return str_n(json_object_get_string(v), (size_t)json_object_get_string_len(v));
	return str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void put_plain_member(struct json_out *j, struct arena *arena, const char *key, struct json_object *v)
{
	if (strcmp(key, "parse_mode") == 0)
		return;
	if (strcmp(key, "text") == 0 || strcmp(key, "caption") == 0)
		put_text(j, key, tg_text_plain(arena, value_text(v)));
	else if (json_object_is_type(v, json_type_string))
		put_text(j, key, value_text(v));
	else
		put_raw(j, key, value_text(v));
}

enum err tg_call_plain(struct buf *to, struct arena *arena, struct str payload)
{
	struct json_object *root;
	struct json_out j;

	if (json_parse(&root, payload) || !json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		return E_INVALID;
	}
	if (!json_object_object_get_ex(root, "parse_mode", NULL)) {
		json_object_put(root);
		return E_NOTFOUND;
	}
	begin(&j, to);
	json_object_object_foreach(root, key, member)
		put_plain_member(&j, arena, key, member);
	end(&j);
	json_object_put(root);
	return OK;
}

/* --- on its way --- */

static const char *method_url(struct arena *arena, const struct tg_api *api, const char *method)
{
	struct str base = str_of(api->base_url);

	while (str_ends(base, "/"))
		base.len--;
	return str_join(arena, (const struct str[]){ base, STR("/bot"), str_of(api->token), STR("/"), str_of(method) }, 5);
}

/* In a form nested values are JSON inside text; plain ones stand as they are. */
static enum err fields_of(struct http_request *r, struct arena *arena, struct str payload)
{
	struct http_field *fields = arena_array(arena, struct http_field, TG_FIELDS_MAX);
	struct json_object *root;
	enum err e = OK;
	size_t n = 0;

	if (json_parse(&root, payload) || !json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		return E_INVALID;
	}
	json_object_object_foreach(root, key, member) {
		struct str value = value_text(member);

		if (n == TG_FIELDS_MAX) {
			e = E_INVALID;
			break;
		}
		fields[n++] = (struct http_field){ arena_strdup(arena, key), str_n(str_dup(arena, value), value.len) };
	}
	json_object_put(root);
	r->fields = fields;
	r->fields_count = n;
	return e;
}

enum err tg_request(struct http_request *r, struct arena *arena, const struct tg_api *api, const char *method,
	struct str payload, const struct http_file *file)
{
	*r = (struct http_request){
		.method = HTTP_POST, .url = method_url(arena, api, method), .trust = api->trust, .proxy = api->proxy,
		.connect_timeout_ms = CONNECT_MS, .timeout_ms = file ? UPLOAD_MS : CALL_MS,
	};
	if (strcmp(method, TG_GET_UPDATES) == 0)
		r->timeout_ms = TG_POLL_S_MAX * 1000 + POLL_SLACK_MS;
	if (file) {
		r->file = file;
		return fields_of(r, arena, payload);
	}
	http_add_header(r, "Content-Type", "application/json");
	r->body = payload;
	return OK;
}
