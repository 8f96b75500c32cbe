/* Reading one update: JSON → struct tg_update, everything bounded on the way. */
#include "lib/telegram/tg_update.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json_read.h"

/* What people chose: cleaned, and cut where it passes bytes_max. */
static struct str text(struct arena *arena, const struct json_value *o, const char *key, size_t bytes_max)
{
	struct str s = utf8_head_bytes(json_text_in(o, key), bytes_max);

	return s.len ? utf8_clean(arena, s) : STR("");
}

/* What serves as a key: whole or not at all, because half a key is another key. */
static struct str token(struct arena *arena, const struct json_value *o, const char *key, size_t bytes_max)
{
	struct str s = json_text_in(o, key);

	return s.len && s.len <= bytes_max ? utf8_clean(arena, s) : STR("");
}

static int64_t time_ms(const struct json_value *o, const char *key)
{
	int64_t s = json_int_in(o, key, 0);

	return s > 0 && s < INT64_MAX / SECOND_MS ? s * SECOND_MS : 0;
}

/* A word of Telegram's as a number of ours; 0 is "unknown" in each of these enums. */
struct word {
	const char *word;
	int value;
};

static int word_value(const struct word *words, size_t count, struct str word)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(word, words[i].word))
			return words[i].value;
	return 0;
}

static void read_user(struct tg_user *u, struct arena *arena, const struct json_value *o)
{
	u->id = json_int_in(o, "id", 0);
	u->is_bot = json_bool_in(o, "is_bot", false);
	u->first_name = text(arena, o, "first_name", TG_NAME_BYTES_MAX);
	u->last_name = text(arena, o, "last_name", TG_NAME_BYTES_MAX);
	u->username = text(arena, o, "username", TG_USERNAME_BYTES_MAX);
	u->language_code = text(arena, o, "language_code", TG_USERNAME_BYTES_MAX);
}

static void read_chat(struct tg_chat *c, const struct json_value *o)
{
	static const struct word types[] = {
		{ "private", TG_CHAT_PRIVATE }, { "group", TG_CHAT_GROUP }, { "supergroup", TG_CHAT_SUPERGROUP },
		{ "channel", TG_CHAT_CHANNEL },
	};

	c->id = json_int_in(o, "id", 0);
	c->type = (enum tg_chat_type)word_value(types, countof(types), json_text_in(o, "type"));
}

static void read_file(struct tg_file *f, struct arena *arena, const struct json_value *o)
{
	if (!o)
		return;
	f->id = token(arena, o, "file_id", TG_ID_BYTES_MAX);
	f->unique_id = token(arena, o, "file_unique_id", TG_ID_BYTES_MAX);
	f->name = text(arena, o, "file_name", TG_NAME_BYTES_MAX);
	f->type = text(arena, o, "mime_type", TG_NAME_BYTES_MAX);
	f->size_bytes = json_int_in(o, "file_size", 0);
}

static void read_payment(struct tg_payment *p, struct arena *arena, const struct json_value *o)
{
	p->currency = token(arena, o, "currency", TG_USERNAME_BYTES_MAX);
	p->amount_minor = json_int_in(o, "total_amount", 0);
	p->payload = token(arena, o, "invoice_payload", TG_PAYLOAD_BYTES_MAX);
	p->charge_id = token(arena, o, "telegram_payment_charge_id", TG_ID_BYTES_MAX);
	p->provider_charge_id = token(arena, o, "provider_payment_charge_id", TG_ID_BYTES_MAX);
	p->recurring = json_bool_in(o, "is_recurring", false);
	p->first_recurring = json_bool_in(o, "is_first_recurring", false);
	p->subscription_expires_ms = time_ms(o, "subscription_expiration_date");
}

static void read_payments(struct tg_message *m, struct arena *arena, const struct json_value *o)
{
	const struct json_value *paid = json_in(o, "successful_payment");
	const struct json_value *refund = json_in(o, "refunded_payment");

	m->is_paid = paid != NULL;
	m->is_refund = !paid && refund;
	if (paid || refund)
		read_payment(&m->payment, arena, paid ? paid : refund);
}

/* Since 7.0 the origin is an object; self-hosted servers of before give the user directly. */
static void read_forward(struct tg_message *m, const struct json_value *o)
{
	const struct json_value *origin = json_in(o, "forward_origin");

	m->forwarded = origin || json_in(o, "forward_date");
	m->forward_user_id = json_int_in(origin, "sender_user.id", json_int_in(o, "forward_from.id", 0));
}

static void read_message_at(struct tg_update *u, const struct json_value *o)
{
	read_chat(&u->chat, json_in(o, "chat"));
	u->chat.thread_id = json_int_in(o, "message_thread_id", 0);
	u->date_ms = time_ms(o, "date");
}

static void read_message(struct tg_update *u, struct arena *arena, const struct json_value *o)
{
	struct tg_message *m = &u->message;

	read_message_at(u, o);
	read_user(&u->from, arena, json_in(o, "from"));
	m->id = json_int_in(o, "message_id", 0);
	m->text = text(arena, o, json_in(o, "text") ? "text" : "caption", TG_TEXT_BYTES_MAX);
	m->media_group = token(arena, o, "media_group_id", TG_ID_BYTES_MAX);
	read_file(&m->photo, arena, json_last(json_list_in(o, "photo"))); /* the sizes ascend */
	read_file(&m->document, arena, json_in(o, "document"));
	m->contact_phone = text(arena, o, "contact.phone_number", TG_USERNAME_BYTES_MAX);
	m->contact_user_id = json_int_in(o, "contact.user_id", 0);
	read_forward(m, o);
	m->reply_to_id = json_int_in(o, "reply_to_message.message_id", 0);
	m->migrate_to_chat_id = json_int_in(o, "migrate_to_chat_id", 0);
	m->web_app_data = text(arena, o, "web_app_data.data", TG_TEXT_BYTES_MAX);
	read_payments(m, arena, o);
}

static void read_callback(struct tg_update *u, struct arena *arena, const struct json_value *o)
{
	const struct json_value *message = json_in(o, "message");
	struct tg_callback *c = &u->callback;

	read_user(&u->from, arena, json_in(o, "from"));
	c->id = token(arena, o, "id", TG_ID_BYTES_MAX);
	c->data = token(arena, o, "data", TG_DATA_BYTES_MAX);
	c->message_id = json_int_in(message, "message_id", 0);
	read_message_at(u, message);
	/* a stub stands in for what Telegram no longer shows: its date is 0 */
	c->message_gone = message && u->date_ms == 0;
}

static void read_pre_checkout(struct tg_update *u, struct arena *arena, const struct json_value *o)
{
	struct tg_pre_checkout *p = &u->pre_checkout;

	read_user(&u->from, arena, json_in(o, "from"));
	p->id = token(arena, o, "id", TG_ID_BYTES_MAX);
	p->currency = token(arena, o, "currency", TG_USERNAME_BYTES_MAX);
	p->payload = token(arena, o, "invoice_payload", TG_PAYLOAD_BYTES_MAX);
	p->amount_minor = json_int_in(o, "total_amount", 0);
}

static enum tg_member member_of(const struct json_value *o)
{
	static const struct word states[] = {
		{ "creator", TG_MEMBER_CREATOR }, { "administrator", TG_MEMBER_ADMINISTRATOR }, { "member", TG_MEMBER_MEMBER },
		{ "restricted", TG_MEMBER_RESTRICTED }, { "left", TG_MEMBER_LEFT }, { "kicked", TG_MEMBER_KICKED },
	};

	return (enum tg_member)word_value(states, countof(states), json_text_in(o, "status"));
}

static void read_my_member(struct tg_update *u, struct arena *arena, const struct json_value *o)
{
	read_message_at(u, o);
	read_user(&u->from, arena, json_in(o, "from"));
	u->member_was = member_of(json_in(o, "old_chat_member"));
	u->member_is = member_of(json_in(o, "new_chat_member"));
}

static void read_subscription(struct tg_update *u, struct arena *arena, const struct json_value *o)
{
	static const struct word states[] = {
		{ "canceled", TG_SUB_CANCELED }, { "active", TG_SUB_ACTIVE }, { "failed", TG_SUB_FAILED },
	};

	read_user(&u->from, arena, json_in(o, "user"));
	u->subscription_payload = token(arena, o, "invoice_payload", TG_PAYLOAD_BYTES_MAX);
	u->subscription_state = (enum tg_sub_state)word_value(states, countof(states), json_text_in(o, "state"));
}

static const struct kind {
	const char *name;
	enum tg_update_kind kind;
	void (*read)(struct tg_update *u, struct arena *arena, const struct json_value *o);
} kinds[] = {
	{ "message",            TG_UPDATE_MESSAGE,      read_message      },
	{ "callback_query",     TG_UPDATE_CALLBACK,     read_callback     },
	{ "pre_checkout_query", TG_UPDATE_PRE_CHECKOUT, read_pre_checkout },
	{ "my_chat_member",     TG_UPDATE_MY_MEMBER,    read_my_member    },
	{ "subscription",       TG_UPDATE_SUBSCRIPTION, read_subscription },
};

static const struct kind *kind_find(struct str name)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (str_is(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

/* The first object beside update_id that we know; else the first there is names the kind for the log. */
static void read_kind(struct tg_update *u, struct arena *arena, const struct json_value *root)
{
	const struct json_value *member = json_first(root);

	for (uint32_t i = 0; i < root->count; i++, member = json_next(member)) {
		const struct kind *k;

		if (member->kind != JSON_OBJECT)
			continue;
		k = kind_find(member->key);
		if (k) {
			u->kind = k->kind;
			u->kind_name = k->name;
			k->read(u, arena, member);
			return;
		}
		if (!*u->kind_name)
			u->kind_name = str_dup(arena, utf8_clean(arena, utf8_head_bytes(member->key, TG_USERNAME_BYTES_MAX)));
	}
}

/* Telegram sends valid UTF-8; should it not, the update is cleaned rather than lost. */
static enum err parse(const struct json_value **root, struct arena *arena, struct str json)
{
	enum err e = json_read(root, arena, json);

	return e && !utf8_valid(json) ? json_read(root, arena, utf8_clean(arena, json)) : e;
}

enum err tg_update_from(struct tg_update *u, struct arena *arena, const struct json_value *root)
{
	*u = (struct tg_update){ .kind_name = "", .update_id = json_int_in(root, "update_id", 0) };
	if (u->update_id <= 0)
		return E_INVALID;
	read_kind(u, arena, root);
	return OK;
}

enum err tg_update_read(struct tg_update *u, struct arena *arena, struct str json)
{
	const struct json_value *root;
	enum err e = parse(&root, arena, json);

	if (!e)
		return tg_update_from(u, arena, root);
	*u = (struct tg_update){ .kind_name = "" };
	return e;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static struct str word_at(struct str s, size_t from)
{
	size_t end = from;

	while (end < s.len && is_word(s.at[end]))
		end++;
	return str_n(s.at + from, end - from);
}

bool tg_command_read(struct tg_command *c, struct str s)
{
	struct str name;
	size_t end;

	*c = (struct tg_command){ 0 };
	if (s.len < 2 || s.at[0] != '/')
		return false;
	name = word_at(s, 1);
	if (name.len == 0 || name.len > TG_COMMAND_MAX)
		return false;
	end = 1 + name.len;
	if (end < s.len && s.at[end] == '@') {
		c->bot = word_at(s, end + 1);
		end += 1 + c->bot.len;
	}
	if (end < s.len && !is_space(s.at[end]))
		return false;                   /* "/tmp/file", "/a-b": a text, as Telegram's own marks say too */
	for (size_t i = 0; i < name.len; i++)
		c->name[i] = lower(name.at[i]);
	c->args = str_trim(str_n(s.at + end, s.len - end));
	return true;
}

bool tg_command_is_for(const struct tg_command *c, struct str username)
{
	if (c->bot.len == 0)
		return true;
	if (c->bot.len != username.len)
		return false;
	for (size_t i = 0; i < username.len; i++)
		if (lower(c->bot.at[i]) != lower(username.at[i]))
			return false;
	return true;
}
