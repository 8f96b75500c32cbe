/* Messages of the bot: sent, edited, deleted, with their keyboards; answers to taps; the command menu. */
#include "tests/sim/botapi_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define TEXT_UNITS_MAX 4096
#define CAPTION_UNITS_MAX 1024
#define RAW_TEXT_BYTES_MAX 32768
#define MARKUP_BYTES_MAX 10240
#define ROW_MAX 12              /* what is beyond is dropped without a word */
#define BUTTONS_MAX 300
#define DELETE_LIFE_MS (48 * HOUR_MS)
#define CALLBACK_LIFE_MS (30 * SECOND_MS)
#define PHOTO_BYTES_MAX (10u << 20)
#define DOCUMENT_BYTES_MAX (50u << 20)
#define FIRST_QUERY INT64_C(3337403939201122000)

/* --- messages as data --- */

static void buttons_release(struct botapi_message *m)
{
	for (size_t i = 0; i < m->buttons_count; i++) {
		disown(&m->buttons[i].text);
		disown(&m->buttons[i].data);
		disown(&m->buttons[i].url);
		disown(&m->buttons[i].copy);
	}
	free(m->buttons);
	m->buttons = NULL;
	m->buttons_count = 0;
	disown(&m->markup);
}

void message_release(struct botapi_message *m)
{
	buttons_release(m);
	disown(&m->html);
	disown(&m->text);
	disown(&m->photo);
	disown(&m->document);
	disown(&m->file_name);
	disown(&m->file_id);
	disown(&m->invoice_title);
	disown(&m->invoice_text);
	disown(&m->invoice_payload);
}

struct botapi_message *message_add(struct botapi *b, struct chat *chat)
{
	struct botapi_message *m;

	if (b->messages_max && chat->messages.count >= b->messages_max) {
		message_release(&chat->messages.at[0]);
		memmove(chat->messages.at, chat->messages.at + 1, --chat->messages.count * sizeof *chat->messages.at);
	}
	m = list_add(&chat->messages);
	*m = (struct botapi_message){ .chat_id = chat->id, .id = b->next_message++, .sent_ms = b->now_ms };
	return m;
}

/* Ids ascend in a chat. */
struct botapi_message *message_find(struct chat *chat, int64_t id)
{
	for (size_t low = 0, high = chat->messages.count; low < high;) {
		size_t mid = (low + high) / 2;
		struct botapi_message *m = &chat->messages.at[mid];

		if (m->id == id)
			return m->deleted ? NULL : m;
		if (m->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Puts what was prepared into the chat, as a new message of the bot. */
static struct botapi_message *deliver(struct call *c, struct chat *chat, struct botapi_message *prepared)
{
	struct botapi_message *m = message_add(c->b, chat);

	prepared->chat_id = m->chat_id;
	prepared->id = m->id;
	prepared->sent_ms = m->sent_ms;
	prepared->from_bot = true;
	prepared->silent = arg_bool(c, "disable_notification");
	prepared->protect = arg_bool(c, "protect_content");
	prepared->thread_id = arg_i64(c, "message_thread_id", 0);
	*m = *prepared;
	return m;
}

static void answer_message(struct call *c, const struct chat *chat, const struct botapi_message *m)
{
	call_begin(c);
	put_message(&c->j, chat, m);
	call_end(c);
}

/* --- text --- */

static bool too_long(struct call *c, bool caption)
{
	call_fail(c, 400, caption ? "Bad Request: message caption is too long" : "Bad Request: message is too long");
	return false;
}

/* The shown text of raw in the mode asked for. False: answered. */
static bool text_parse(struct call *c, struct buf *plain, struct str raw)
{
	struct str mode = arg(c, "parse_mode");
	struct buf error;
	bool fine;

	if (mode.len == 0) {
		buf_add(plain, raw);
		return true;
	}
	if (!str_is_nocase(mode, "html")) {
		call_fail(c, 400, "Bad Request: unsupported parse_mode"); /* the other modes are not modelled */
		return false;
	}
	buf_init(&error, 1024);
	fine = html_parse(plain, &error, raw);
	if (!fine)
		call_failf(c, 400, "Bad Request: can't parse entities: %s", buf_cstr(&error));
	buf_release(&error);
	return fine;
}

/* Text or caption into m. False: answered. */
static bool text_take(struct call *c, struct botapi_message *m, const char *name)
{
	bool caption = strcmp(name, "caption") == 0;
	struct str raw = arg(c, name), shown;
	struct buf plain;
	bool fine = false;

	if (raw.len > RAW_TEXT_BYTES_MAX)
		return too_long(c, caption);
	buf_init(&plain, RAW_TEXT_BYTES_MAX + 1);
	if (!text_parse(c, &plain, raw))
		goto out;
	shown = str_trim(buf_str(&plain));
	if (!caption && shown.len == 0)
		call_fail(c, 400, "Bad Request: message text is empty");
	else if (utf8_units(shown) > (caption ? CAPTION_UNITS_MAX : TEXT_UNITS_MAX))
		too_long(c, caption);
	else
		fine = true;
	if (fine) {
		m->html = own(raw);
		m->text = own(shown);
	}
out:
	buf_release(&plain);
	return fine;
}

/* --- keyboards --- */

static bool url_is_allowed(struct str url)
{
	static const char *const schemes[] = { "http://", "https://", "tg://" };

	if (!str_has(url, "://"))
		return str_has(url, ".") && !str_has(url, " "); /* a bare domain is taken as http */
	for (size_t i = 0; i < countof(schemes); i++)
		if (url.len > strlen(schemes[i]) && str_is_nocase(str_n(url.at, strlen(schemes[i])), schemes[i]))
			return true;
	return false;
}

/* The first action field, in the server's order, decides. False: answered. */
static bool button_action(struct call *c, struct botapi_button *k, struct json_object *o, bool invoice_first)
{
	struct str url = json_str_at(o, "url"), data = json_str_at(o, "callback_data"), copy = json_str_at(o, "copy_text.text");

	if (url.len) {
		if (!url_is_allowed(url)) {
			call_failf(c, 400, "Bad Request: inline keyboard button URL '%.*s' is invalid: Unsupported URL protocol", STR_ARG(url));
			return false;
		}
		k->url = own(url);
	} else if (json_at(o, "callback_data")) {
		if (data.len == 0 || data.len > 64) {
			call_fail(c, 400, "Bad Request: BUTTON_DATA_INVALID");
			return false;
		}
		k->data = own(data);
	} else if (json_bool_at(o, "pay", false)) {
		k->pay = true;
		if (!invoice_first) {
			call_fail(c, 400, "Bad Request: BUTTON_TYPE_INVALID");
			return false;
		}
	} else if (json_at(o, "copy_text")) {
		if (copy.len == 0 || utf8_units(copy) > 256) {
			call_fail(c, 400, "Bad Request: BUTTON_COPY_TEXT_INVALID");
			return false;
		}
		k->copy = own(copy);
	} else {
		call_fail(c, 400, "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard");
		return false;
	}
	return true;
}

static bool button_take(struct call *c, struct botapi_message *m, struct json_object *o, int row)
{
	struct str text = json_str_at(o, "text");
	struct botapi_button *k = &m->buttons[m->buttons_count];

	if (!json_object_is_type(o, json_type_object) || !json_object_is_type(json_at(o, "text"), json_type_string)) {
		call_fail(c, 400, "Bad Request: can't parse inline keyboard button: Field \"text\" must be of type String");
		return false;
	}
	if (str_trim(text).len == 0) {
		call_fail(c, 400, "Bad Request: inline keyboard button text must be non-empty");
		return false;
	}
	*k = (struct botapi_button){ .text = own(text), .row = row };
	m->buttons_count++;
	return button_action(c, k, o, m->invoice_stars && m->buttons_count == 1);
}

static bool rows_take(struct call *c, struct botapi_message *m, struct json_object *rows)
{
	m->buttons = xcalloc(BUTTONS_MAX, sizeof *m->buttons);
	for (size_t r = 0; r < json_len(rows); r++) {
		struct json_object *row = json_object_array_get_idx(rows, r);

		if (!json_object_is_type(row, json_type_array)) {
			call_fail(c, 400, "Bad Request: field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array of Arrays");
			return false;
		}
		for (size_t i = 0; i < json_len(row) && i < ROW_MAX && m->buttons_count < BUTTONS_MAX; i++)
			if (!button_take(c, m, json_object_array_get_idx(row, i), (int)r))
				return false;
	}
	m->buttons = xrealloc(m->buttons, (m->buttons_count + 1) * sizeof *m->buttons);
	return true;
}

bool markup_take(struct call *c, struct botapi_message *m)
{
	struct json_object *markup, *rows;
	struct str text;
	bool fine;

	if (!arg_json(&markup, c, "reply_markup") || (markup && !json_object_is_type(markup, json_type_object))) {
		json_object_put(markup);
		call_fail(c, 400, "Bad Request: object expected as reply markup");
		return false;
	}
	if (!markup)
		return true;
	text = str_of(json_object_to_json_string_ext(markup, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	m->markup = own(text);
	rows = json_array_at(markup, "inline_keyboard");
	fine = text.len <= MARKUP_BYTES_MAX;
	if (!fine)
		call_fail(c, 400, "Bad Request: reply markup is too long");
	else if (rows)
		fine = rows_take(c, m, rows);
	if (fine && m->buttons_count == 0 && rows)
		disown(&m->markup); /* an empty keyboard is none */
	json_object_put(markup);
	return fine;
}

/* --- sending --- */

static bool reply_take(struct call *c, struct chat *chat, struct botapi_message *m)
{
	struct json_object *reply;
	int64_t id;
	bool fine;

	if (!arg_json(&reply, c, "reply_parameters"))
		reply = NULL;
	id = json_i64_at(reply, "message_id", 0);
	if (id && message_find(chat, id))
		m->reply_to_id = id;
	fine = !id || m->reply_to_id || json_bool_at(reply, "allow_sending_without_reply", false);
	if (!fine)
		call_fail(c, 400, "Bad Request: message to be replied not found");
	json_object_put(reply);
	return fine;
}

static void finish_sending(struct call *c, struct chat *chat, struct botapi_message *m, bool fine)
{
	if (fine && reply_take(c, chat, m) && markup_take(c, m) && rates_allow(c, chat))
		answer_message(c, chat, deliver(c, chat, m));
	else
		message_release(m);
}

void send_message(struct call *c)
{
	struct chat *chat = chat_for_sending(c);
	struct botapi_message m = { 0 };

	if (chat)
		finish_sending(c, chat, &m, text_take(c, &m, "text"));
}

#define FILE_ID_PREFIX "AgACAgIAAxkBAAIS"

static struct file *file_add(struct botapi *b, const struct arg *upload, bool photo)
{
	struct file *f = list_add(&b->files);
	char id[64];

	snprintf(id, sizeof id, FILE_ID_PREFIX "%c%zu", photo ? 'p' : 'd', b->files.count);
	*f = (struct file){ .id = own(str_of(id)), .bytes = own(upload->value), .name = own(upload->file_name), .photo = photo };
	return f;
}

static struct file *file_find(struct botapi *b, struct str id, bool photo)
{
	size_t prefix = sizeof FILE_ID_PREFIX;  /* and the letter */
	int64_t number;

	if (!str_starts(id, FILE_ID_PREFIX) || id.len <= prefix || str_to_i64(&number, str_n(id.at + prefix, id.len - prefix)))
		return NULL;
	if (number < 1 || (size_t)number > b->files.count || !str_eq(b->files.at[number - 1].id, id))
		return NULL;
	return b->files.at[number - 1].photo == photo ? &b->files.at[number - 1] : NULL;
}

static uint32_t big_endian(const char *at)
{
	const unsigned char *u = (const unsigned char *)at;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

/* PNG and JPEG are pictures; a PNG's size stands in its first chunk. NULL: fine. */
static const char *photo_fault(struct str bytes)
{
	uint32_t width, height;

	if (bytes.len > PHOTO_BYTES_MAX)
		return "Bad Request: too big for a photo";
	if (str_starts(bytes, "\xFF\xD8\xFF"))
		return NULL;
	if (bytes.len < 24 || !str_starts(bytes, "\x89PNG\r\n\x1A\n"))
		return "Bad Request: IMAGE_PROCESS_FAILED";
	width = big_endian(bytes.at + 16);
	height = big_endian(bytes.at + 20);
	if (!width || !height || (uint64_t)width + height > 10000 || width > UINT64_C(20) * height || height > UINT64_C(20) * width)
		return "Bad Request: PHOTO_INVALID_DIMENSIONS";
	return NULL;
}

/* The picture or document to send: an upload, or one sent before. NULL: answered. */
static struct file *file_take(struct call *c, const char *name, bool photo)
{
	const struct arg *upload = arg_file(c, name);
	struct str id = arg(c, name);
	const char *fault = NULL;
	struct file *f;

	if (upload && upload->value.len == 0)
		fault = "Bad Request: file must be non-empty";
	else if (upload && photo)
		fault = photo_fault(upload->value);
	if (upload && !photo && upload->value.len > DOCUMENT_BYTES_MAX) {
		call_fail(c, 413, "Request Entity Too Large");
		return NULL;
	}
	if (!upload && str_starts(id, "http"))
		fault = "Bad Request: failed to get HTTP URL content";
	else if (!upload && id.len == 0)
		fault = photo ? "Bad Request: there is no photo in the request" : "Bad Request: there is no document in the request";
	if (fault) {
		call_fail(c, 400, fault);
		return NULL;
	}
	if (upload)
		return file_add(c->b, upload, photo);
	f = file_find(c->b, id, photo);
	if (!f)
		call_fail(c, 400, "Bad Request: wrong file identifier/HTTP URL specified");
	return f;
}

static void send_file(struct call *c, const char *name, bool photo)
{
	struct chat *chat = chat_for_sending(c);
	struct botapi_message m = { 0 };
	struct file *f = chat ? file_take(c, name, photo) : NULL;

	if (!f)
		return;
	*(photo ? &m.photo : &m.document) = own(f->bytes);
	m.file_id = own(f->id);
	m.file_name = own(f->name);
	finish_sending(c, chat, &m, text_take(c, &m, "caption"));
}

void send_photo(struct call *c)
{
	send_file(c, "photo", true);
}

void send_document(struct call *c)
{
	send_file(c, "document", false);
}

void copy_message(struct call *c)
{
	struct chat *chat = chat_for_sending(c);
	struct chat *from = chat_find(c->b, arg_i64(c, "from_chat_id", 0));
	struct botapi_message *original = from ? message_find(from, arg_i64(c, "message_id", 0)) : NULL;
	struct botapi_message m = { 0 };

	if (!chat)
		return;
	if (!original) {
		call_fail(c, 400, "Bad Request: message to copy not found");
		return;
	}
	if (!rates_allow(c, chat))
		return;
	m.html = own(original->html);
	m.text = own(original->text);
	m.photo = own(original->photo);
	m.document = own(original->document);
	m.file_id = own(original->file_id);
	call_begin(c);
	json_open(&c->j, '{');
	json_put_i64(&c->j, "message_id", deliver(c, chat, &m)->id);
	json_close(&c->j, '}');
	call_end(c);
}

void send_chat_action(struct call *c)
{
	if (!chat_for_sending(c))
		return;
	if (arg(c, "action").len == 0)
		call_fail(c, 400, "Bad Request: wrong parameter action in request");
	else
		call_true(c);
}

/* --- editing --- */

/* The bot's message to change; NULL: answered. */
static struct botapi_message *message_to_edit(struct call *c, struct chat *chat)
{
	struct botapi_message *m = message_find(chat, arg_i64(c, "message_id", 0));

	if (!m)
		call_fail(c, 400, "Bad Request: message to edit not found");
	else if (!m->from_bot)
		call_fail(c, 400, "Bad Request: message can't be edited");
	else
		return m;
	return NULL;
}

static void not_modified(struct call *c)
{
	call_fail(c, 400, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
		" as a current content and reply markup of the message");
}

static void markup_replace(struct botapi_message *m, struct botapi_message *by)
{
	buttons_release(m);
	m->buttons = by->buttons;
	m->buttons_count = by->buttons_count;
	m->markup = by->markup;
	by->buttons = NULL;
	by->buttons_count = 0;
	by->markup = (struct str){ NULL, 0 };
	m->edits++;
}

static void text_replace(struct call *c, struct chat *chat, struct botapi_message *m, struct botapi_message *by)
{
	if (!text_take(c, by, "text") || !markup_take(c, by))
		return;
	if (str_eq(by->html, m->html) && str_eq(by->markup, m->markup)) {
		not_modified(c);
		return;
	}
	if (!rates_allow(c, chat))
		return;
	markup_replace(m, by);
	disown(&m->html);
	disown(&m->text);
	m->html = own(by->html);
	m->text = own(by->text);
	answer_message(c, chat, m);
}

void edit_text(struct call *c)
{
	struct chat *chat = chat_for_sending(c);
	struct botapi_message *m = chat ? message_to_edit(c, chat) : NULL;
	struct botapi_message by = { 0 };

	if (!m)
		return;
	if (m->file_id.len || m->invoice_stars) {
		call_fail(c, 400, "Bad Request: there is no text in the message to edit");
		return;
	}
	text_replace(c, chat, m, &by);
	message_release(&by);
}

void edit_markup(struct call *c)
{
	struct chat *chat = chat_for_sending(c);
	struct botapi_message *m = chat ? message_to_edit(c, chat) : NULL;
	struct botapi_message by = { 0 };

	if (!m)
		return;
	by.invoice_stars = m->invoice_stars;
	if (!markup_take(c, &by)) {
		message_release(&by);
		return;
	}
	if (str_eq(by.markup, m->markup)) {
		not_modified(c);
	} else if (rates_allow(c, chat)) {
		markup_replace(m, &by);
		answer_message(c, chat, m);
	}
	message_release(&by);
}

void delete_message(struct call *c)
{
	struct chat *chat = chat_for_sending(c);
	struct botapi_message *m = chat ? message_find(chat, arg_i64(c, "message_id", 0)) : NULL;

	if (!chat)
		return;
	if (!m) {
		call_fail(c, 400, "Bad Request: message to delete not found");
	} else if (c->b->now_ms - m->sent_ms > DELETE_LIFE_MS) {
		call_fail(c, 400, "Bad Request: message can't be deleted for everyone");
	} else {
		m->deleted = true;
		call_true(c);
	}
}

/* --- taps --- */

static struct query *query_find(struct botapi *b, int64_t id)
{
	int64_t n = id - FIRST_QUERY;

	return n >= 0 && (size_t)n < b->queries.count ? &b->queries.at[n] : NULL;
}

int64_t query_add(struct botapi *b, int64_t user)
{
	int64_t id = FIRST_QUERY + (int64_t)b->queries.count;

	*list_add(&b->queries) = (struct query){ .id = id, .user = user, .asked_ms = b->now_ms };
	return id;
}

void answer_callback(struct call *c)
{
	struct query *q = query_find(c->b, arg_i64(c, "callback_query_id", 0));
	struct chat *user = q ? chat_find(c->b, q->user) : NULL;

	if (!q || q->answered || c->b->now_ms - q->asked_ms > CALLBACK_LIFE_MS) {
		call_fail(c, 400, "Bad Request: query is too old and response timeout expired or query ID is invalid");
		return;
	}
	if (utf8_points(arg(c, "text")) > 200) {
		call_fail(c, 400, "Bad Request: MESSAGE_TOO_LONG");
		return;
	}
	q->answered = true;
	disown(&user->toast);
	user->toast = own(arg(c, "text"));
	call_true(c);
}

/* --- the command menu --- */

static const char *command_fault(struct json_object *o)
{
	struct str name = json_str_at(o, "command"), text = json_str_at(o, "description");

	if (str_starts(name, "/"))
		name = str_n(name.at + 1, name.len - 1);
	if (name.len == 0 || name.len > 32)
		return "Bad Request: BOT_COMMAND_INVALID";
	for (size_t i = 0; i < name.len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name.at[i]))
			return "Bad Request: BOT_COMMAND_INVALID";
	if (text.len == 0 || utf8_points(text) > 256)
		return "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID";
	return NULL;
}

static const char *commands_fault(struct json_object *list)
{
	const char *fault = NULL;

	if (!json_object_is_type(list, json_type_array))
		return "Bad Request: can't parse commands: expected an Array of BotCommand";
	if (json_len(list) > 100)
		return "Bad Request: BOT_COMMANDS_TOO_MUCH";
	for (size_t i = 0; i < json_len(list) && !fault; i++)
		fault = command_fault(json_object_array_get_idx(list, i));
	return fault;
}

static struct command_list *commands_slot(struct botapi *b, struct str scope, int64_t chat_id, struct str language)
{
	for (size_t i = 0; i < b->commands.count; i++) {
		struct command_list *l = &b->commands.at[i];

		if (str_eq(l->scope, scope) && l->chat_id == chat_id && str_eq(l->language, language))
			return l;
	}
	*list_add(&b->commands) = (struct command_list){ .scope = own(scope), .language = own(language), .chat_id = chat_id };
	return &b->commands.at[b->commands.count - 1];
}

static void commands_store(struct call *c, struct json_object *scope)
{
	struct str type = scope ? json_str_at(scope, "type") : STR("default");
	struct command_list *l = commands_slot(c->b, type, json_i64_at(scope, "chat_id", 0), arg(c, "language_code"));

	disown(&l->json);
	l->json = own(arg(c, "commands"));
	call_true(c);
}

void set_commands(struct call *c)
{
	struct json_object *list, *scope;
	bool fine = arg_json(&list, c, "commands");
	const char *fault = fine ? commands_fault(list) : "Bad Request: can't parse commands";
	int64_t chat_id;

	fine = arg_json(&scope, c, "scope");
	chat_id = json_i64_at(scope, "chat_id", 0);
	if (!fault && !fine)
		fault = "Bad Request: can't parse BotCommandScope";
	if (!fault && chat_id && !chat_find(c->b, chat_id))
		fault = "Bad Request: chat not found";
	if (fault)
		call_fail(c, 400, fault);
	else
		commands_store(c, scope);
	json_object_put(list);
	json_object_put(scope);
}

struct str botapi_commands(const struct botapi *b, const char *scope, int64_t chat_id, const char *language_code)
{
	for (size_t i = 0; i < b->commands.count; i++) {
		const struct command_list *l = &b->commands.at[i];

		if (str_is(l->scope, scope) && l->chat_id == chat_id && str_eq(l->language, str_of(language_code)))
			return l->json;
	}
	return STR("");
}
