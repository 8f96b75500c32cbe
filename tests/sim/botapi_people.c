/* The driver's side of the Bot API model: people, what they do, what they see. */
#include "tests/sim/botapi_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"

/* --- chats by id --- */

static size_t slot_of(const struct botapi *b, int64_t id)
{
	size_t slot = (size_t)((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (b->index_size - 1);

	while (b->index[slot] && b->chats.at[b->index[slot] - 1]->id != id)
		slot = (slot + 1) & (b->index_size - 1);
	return slot;
}

struct chat *chat_find(const struct botapi *b, int64_t id)
{
	size_t n = b->index_size ? b->index[slot_of(b, id)] : 0;

	return n ? b->chats.at[n - 1] : NULL;
}

/* Never more than half full. */
static void index_grow(struct botapi *b)
{
	if (b->chats.count * 2 < b->index_size)
		return;
	b->index_size = b->index_size ? b->index_size * 2 : 64;
	free(b->index);
	b->index = xcalloc(b->index_size, sizeof *b->index);
	for (size_t i = 0; i < b->chats.count; i++)
		b->index[slot_of(b, b->chats.at[i]->id)] = i + 1;
}

static struct chat *chat_add(struct botapi *b, int64_t id, enum chat_type type, const char *name)
{
	struct chat *c = xcalloc(1, sizeof *c);

	assert(!chat_find(b, id));
	c->id = id;
	c->type = type;
	c->name = own(str_of(name));
	*list_add(&b->chats) = c;
	index_grow(b);
	b->index[slot_of(b, id)] = b->chats.count;
	return c;
}

void botapi_user_add(struct botapi *b, int64_t id, const char *first_name, const char *username, const char *language_code)
{
	struct chat *c = chat_add(b, id, CHAT_PRIVATE, first_name);

	c->username = own(str_of(username));
	c->language = own(str_of(language_code));
}

int64_t botapi_user_new(struct botapi *b, const char *first_name, const char *username, const char *language_code)
{
	while (chat_find(b, b->next_user))
		b->next_user++;
	botapi_user_add(b, b->next_user, first_name, username, language_code);
	return b->next_user++;
}

int64_t botapi_group_new(struct botapi *b, const char *title, bool supergroup)
{
	int64_t id = b->next_group--;
	struct chat *c = chat_add(b, supergroup ? id - INT64_C(1000000000000) : id, supergroup ? CHAT_SUPERGROUP : CHAT_GROUP, title);

	c->started = true;
	return c->id;
}

int64_t botapi_group_migrate(struct botapi *b, int64_t group)
{
	struct chat *old = chat_find(b, group);

	assert(old && old->type == CHAT_GROUP);
	old->migrated_to = botapi_group_new(b, old->name.at, true);
	return old->migrated_to;
}

/* --- objects of the Bot API --- */

static void put_given(struct json_out *j, const char *key, struct str s)
{
	if (s.len)
		json_put_str(j, key, s);
}

void put_id(struct json_out *j, const char *key, int64_t id)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, id);
	json_put_cstr(j, key, text);
}

void put_user(struct json_out *j, const struct chat *user)
{
	json_open(j, '{');
	json_put_i64(j, "id", user->id);
	json_put_bool(j, "is_bot", false);
	json_put_str(j, "first_name", user->name);
	put_given(j, "username", user->username);
	put_given(j, "language_code", user->language);
	json_close(j, '}');
}

void put_bot(struct json_out *j)
{
	json_open(j, '{');
	json_put_i64(j, "id", BOTAPI_ID);
	json_put_bool(j, "is_bot", true);
	json_put_cstr(j, "first_name", "Shop");
	json_put_cstr(j, "username", BOTAPI_USERNAME);
	json_close(j, '}');
}

void put_chat(struct json_out *j, const struct chat *chat)
{
	static const char *const types[] = { "private", "group", "supergroup" };

	json_open(j, '{');
	json_put_i64(j, "id", chat->id);
	json_put_str(j, chat->type == CHAT_PRIVATE ? "first_name" : "title", chat->name);
	put_given(j, "username", chat->username);
	json_put_cstr(j, "type", types[chat->type]);
	json_close(j, '}');
}

static void put_file(struct json_out *j, const struct botapi_message *m, const char *prefix, int64_t size)
{
	json_open(j, '{');
	json_put_str(j, "file_id", m->file_id);
	json_key(j, "file_unique_id");
	buf_printf(j->to, "\"%s%.*s\"", prefix, STR_ARG(m->file_id));
	j->comma = true;
	json_put_i64(j, "file_size", size);
	put_given(j, "file_name", m->file_name);
	json_close(j, '}');
}

/* A picture comes in sizes; the last one is the largest. */
static void put_photo(struct json_out *j, const struct botapi_message *m)
{
	json_key(j, "photo");
	json_open(j, '[');
	json_open(j, '{');
	json_put_cstr(j, "file_id", "AgACAgIAAxkBAAISsmall");
	json_put_i64(j, "width", 90);
	json_close(j, '}');
	put_file(j, m, "AQAD", (int64_t)m->photo.len);
	json_close(j, ']');
}

static void put_invoice(struct json_out *j, const struct botapi_message *m)
{
	json_key(j, "invoice");
	json_open(j, '{');
	json_put_str(j, "title", m->invoice_title);
	json_put_cstr(j, "currency", "XTR");
	json_put_i64(j, "total_amount", m->invoice_stars);
	json_close(j, '}');
}

static void put_content(struct json_out *j, const struct botapi_message *m)
{
	bool has_file = m->photo.len || m->document.len;

	if (m->photo.len)
		put_photo(j, m);
	if (m->document.len) {
		json_key(j, "document");
		put_file(j, m, "AgAD", (int64_t)m->document.len);
	}
	if (m->invoice_stars)
		put_invoice(j, m);
	put_given(j, has_file ? "caption" : "text", m->text);
	if (m->markup.len) {
		json_key(j, "reply_markup");
		json_add_raw(j, m->markup);
	}
}

static void put_message_head(struct json_out *j, const struct chat *chat, const struct chat *from, const struct botapi_message *m)
{
	json_put_i64(j, "message_id", m->id);
	json_key(j, "from");
	if (from)
		put_user(j, from);
	else
		put_bot(j);
	json_key(j, "chat");
	put_chat(j, chat);
	json_put_i64(j, "date", m->sent_ms / SECOND_MS);
}

void put_message(struct json_out *j, const struct chat *chat, const struct botapi_message *m)
{
	json_open(j, '{');
	put_message_head(j, chat, m->from_bot || chat->type != CHAT_PRIVATE ? NULL : chat, m);
	put_content(j, m);
	json_close(j, '}');
}

/* --- what people do --- */

/* A person's new message, its update begun: the caller adds what is in it. NULL: this person cannot write here. */
static struct botapi_message *write_begin(struct update_draft *d, struct botapi *b, int64_t chat_id, int64_t user_id)
{
	struct chat *chat = chat_find(b, chat_id), *user = chat_find(b, user_id);
	struct botapi_message *m;

	if (!chat || !user || chat->deactivated || chat->blocked || chat->kicked)
		return NULL;
	chat->started = true;
	m = message_add(b, chat);
	update_begin(d, b, "message");
	put_message_head(&d->j, chat, user, m);
	return m;
}

static int64_t bot_command_bytes(const char *text)
{
	return *text == '/' ? (int64_t)strcspn(text, " \n") : 0;
}

int64_t botapi_say_in(struct botapi *b, int64_t chat, int64_t user, const char *text)
{
	struct update_draft d;
	struct botapi_message *m = write_begin(&d, b, chat, user);

	if (!m)
		return 0;
	m->text = own(str_of(text));
	json_put_str(&d.j, "text", m->text);
	if (bot_command_bytes(text)) {
		json_key(&d.j, "entities");
		json_open(&d.j, '[');
		json_open(&d.j, '{');
		json_put_i64(&d.j, "offset", 0);
		json_put_i64(&d.j, "length", bot_command_bytes(text));
		json_put_cstr(&d.j, "type", "bot_command");
		json_close(&d.j, '}');
		json_close(&d.j, ']');
	}
	return update_end(&d, b);
}

int64_t botapi_say(struct botapi *b, int64_t user, const char *text)
{
	return botapi_say_in(b, user, user, text);
}

int64_t botapi_send_photo(struct botapi *b, int64_t user, struct str bytes, const char *caption)
{
	struct update_draft d;
	struct botapi_message *m = write_begin(&d, b, user, user);
	char id[64];

	if (!m)
		return 0;
	snprintf(id, sizeof id, "AgACAgIAAxkBAAIR%" PRId64, m->id);
	m->photo = own(bytes);
	m->file_id = own(str_of(id));
	m->text = own(str_of(caption));
	put_content(&d.j, m);
	return update_end(&d, b);
}

int64_t botapi_send_contact(struct botapi *b, int64_t user, const char *phone, int64_t contact_user_id)
{
	struct update_draft d;
	struct botapi_message *m = write_begin(&d, b, user, user);

	if (!m)
		return 0;
	json_key(&d.j, "contact");
	json_open(&d.j, '{');
	json_put_cstr(&d.j, "phone_number", phone);
	json_put_cstr(&d.j, "first_name", "Contact");
	if (contact_user_id)
		json_put_i64(&d.j, "user_id", contact_user_id);
	json_close(&d.j, '}');
	return update_end(&d, b);
}

int64_t botapi_forward(struct botapi *b, int64_t user, int64_t origin_user, const char *text)
{
	struct update_draft d;
	struct botapi_message *m = write_begin(&d, b, user, user);
	struct chat *origin = chat_find(b, origin_user);

	if (!m)
		return 0;
	m->text = own(str_of(text));
	json_put_str(&d.j, "text", m->text);
	json_key(&d.j, "forward_origin");
	json_open(&d.j, '{');
	json_put_cstr(&d.j, "type", origin ? "user" : "hidden_user");
	json_put_i64(&d.j, "date", b->now_ms / SECOND_MS);
	if (origin) {
		json_key(&d.j, "sender_user");
		put_user(&d.j, origin);
	} else {
		json_put_cstr(&d.j, "sender_user_name", "Somebody");
	}
	json_close(&d.j, '}');
	return update_end(&d, b);
}

/* A message that was pruned or deleted here is shown to the bot as a stub without content. */
static void put_tapped(struct json_out *j, const struct chat *chat, const struct botapi_message *m, int64_t message_id)
{
	if (m) {
		put_message(j, chat, m);
		return;
	}
	json_open(j, '{');
	json_put_i64(j, "message_id", message_id);
	json_key(j, "chat");
	put_chat(j, chat);
	json_put_i64(j, "date", 0);
	json_close(j, '}');
}

int64_t botapi_tap_data(struct botapi *b, int64_t user, int64_t message_id, const char *data)
{
	struct chat *chat = chat_find(b, user);
	struct update_draft d;

	if (!chat || chat->blocked || chat->deactivated)
		return 0;
	disown(&chat->toast);
	update_begin(&d, b, "callback_query");
	put_id(&d.j, "id", query_add(b, user));
	json_key(&d.j, "from");
	put_user(&d.j, chat);
	json_key(&d.j, "message");
	put_tapped(&d.j, chat, message_find(chat, message_id), message_id);
	json_put_cstr(&d.j, "chat_instance", "-5923311220012345678");
	json_put_cstr(&d.j, "data", data);
	return update_end(&d, b);
}

int64_t botapi_tap(struct botapi *b, int64_t user, int64_t message_id, const char *label)
{
	const struct botapi_message *m = botapi_message_get(b, user, message_id);
	const struct botapi_button *k = m && !m->deleted ? botapi_find_button(m, label) : NULL;

	return k && k->data.len ? botapi_tap_data(b, user, message_id, k->data.at) : 0;
}

static int64_t membership(struct botapi *b, struct chat *chat, const struct chat *by, const char *was, const char *is)
{
	const struct { const char *key, *status; } sides[] = { { "old_chat_member", was }, { "new_chat_member", is } };
	struct update_draft d;

	update_begin(&d, b, "my_chat_member");
	json_key(&d.j, "chat");
	put_chat(&d.j, chat);
	json_key(&d.j, "from");
	put_user(&d.j, by);
	json_put_i64(&d.j, "date", b->now_ms / SECOND_MS);
	for (size_t i = 0; i < countof(sides); i++) {
		json_key(&d.j, sides[i].key);
		json_open(&d.j, '{');
		json_key(&d.j, "user");
		put_bot(&d.j);
		json_put_cstr(&d.j, "status", sides[i].status);
		json_close(&d.j, '}');
	}
	return update_end(&d, b);
}

int64_t botapi_block(struct botapi *b, int64_t user)
{
	struct chat *chat = chat_find(b, user);

	if (!chat || chat->blocked)
		return 0;
	chat->blocked = true;
	return membership(b, chat, chat, "member", "kicked");
}

int64_t botapi_unblock(struct botapi *b, int64_t user)
{
	struct chat *chat = chat_find(b, user);

	if (!chat || !chat->blocked)
		return 0;
	chat->blocked = false;
	return membership(b, chat, chat, "kicked", "member");
}

void botapi_deactivate(struct botapi *b, int64_t user)
{
	struct chat *chat = chat_find(b, user);

	assert(chat);
	chat->deactivated = true;
}

int64_t botapi_kick(struct botapi *b, int64_t group)
{
	struct chat *chat = chat_find(b, group);

	assert(chat && chat->type != CHAT_PRIVATE);
	chat->kicked = true;
	return membership(b, chat, chat, "member", "kicked");
}

/* --- what people see --- */

size_t botapi_messages_count(const struct botapi *b, int64_t chat)
{
	const struct chat *c = chat_find(b, chat);

	return c ? c->messages.count : 0;
}

const struct botapi_message *botapi_message_at(const struct botapi *b, int64_t chat, size_t index)
{
	const struct chat *c = chat_find(b, chat);

	return c && index < c->messages.count ? &c->messages.at[index] : NULL;
}

const struct botapi_message *botapi_message_get(const struct botapi *b, int64_t chat, int64_t message_id)
{
	for (size_t i = botapi_messages_count(b, chat); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(b, chat, i);

		if (m->id == message_id)
			return m;
	}
	return NULL;
}

const struct botapi_message *botapi_find_text(const struct botapi *b, int64_t chat, const char *part)
{
	for (size_t i = botapi_messages_count(b, chat); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(b, chat, i);

		if (m->from_bot && !m->deleted && str_has(m->text, part))
			return m;
	}
	return NULL;
}

const struct botapi_message *botapi_last(const struct botapi *b, int64_t chat)
{
	return botapi_find_text(b, chat, "");
}

const struct botapi_button *botapi_find_button(const struct botapi_message *m, const char *label)
{
	for (size_t i = 0; i < m->buttons_count; i++)
		if (str_is(m->buttons[i].text, label))
			return &m->buttons[i];
	return NULL;
}

struct str botapi_toast(const struct botapi *b, int64_t user)
{
	const struct chat *c = chat_find(b, user);

	return c ? c->toast : (struct str){ NULL, 0 };
}
