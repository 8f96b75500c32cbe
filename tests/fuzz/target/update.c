/* Updates of the Bot API (R023, R194, R289): whatever stands there, every text that comes out is short enough, clean and
 * terminated; the same update with more members and with its numbers as text is the same update. Then what people choose in it:
 * a command keeps its promises, and callback data is built again from its parts to the same bytes. */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bot/chat/callback.h"
#include "lib/base/json_read.h"
#include "lib/telegram/tg_update.h"

#define TEXT_MAX ((size_t)1 << 20)

static void put(struct buf *to, const char *name, struct str s, size_t bytes_max)
{
	must(s.at && s.at[s.len] == '\0');
	must(s.len <= bytes_max * 3); /* each byte that was not valid has become U+FFFD */
	must(fuzz_is_clean(s));
	buf_printf(to, "%s=%.*s\n", name, STR_ARG(s));
}

static void put_number(struct buf *to, const char *name, int64_t n)
{
	buf_printf(to, "%s=%" PRId64 "\n", name, n);
}

static void put_file(struct buf *to, const struct tg_file *f)
{
	if (!f->id.at)
		return;
	put(to, "file", f->id, TG_ID_BYTES_MAX);
	put(to, "unique", f->unique_id, TG_ID_BYTES_MAX);
	put(to, "name", f->name, TG_NAME_BYTES_MAX);
	put(to, "type", f->type, TG_NAME_BYTES_MAX);
	put_number(to, "size", f->size_bytes);
}

static void put_message(struct buf *to, const struct tg_message *m)
{
	const struct tg_payment *p = &m->payment;

	put(to, "text", m->text, TG_TEXT_BYTES_MAX);
	put(to, "group", m->media_group, TG_ID_BYTES_MAX);
	put_file(to, &m->photo);
	put_file(to, &m->document);
	put(to, "phone", m->contact_phone, TG_USERNAME_BYTES_MAX);
	put(to, "web", m->web_app_data, TG_TEXT_BYTES_MAX);
	buf_printf(to, "%" PRId64 " %" PRId64 " %d %" PRId64 " %" PRId64 " %" PRId64 " %d %d\n", m->id, m->contact_user_id, m->forwarded, m->forward_user_id,
		m->reply_to_id, m->migrate_to_chat_id, m->is_paid, m->is_refund);
	if (!m->is_paid && !m->is_refund)
		return;
	put(to, "currency", p->currency, TG_USERNAME_BYTES_MAX);
	put(to, "payload", p->payload, TG_PAYLOAD_BYTES_MAX);
	put(to, "charge", p->charge_id, TG_ID_BYTES_MAX);
	put(to, "provider", p->provider_charge_id, TG_ID_BYTES_MAX);
	buf_printf(to, "%" PRId64 " %d %d %" PRId64 "\n", p->amount_minor, p->recurring, p->first_recurring, p->subscription_expires_ms);
}

static void describe(struct buf *to, const struct tg_update *u)
{
	buf_printf(to, "%" PRId64 " %s %" PRId64 " %" PRId64 " %d %" PRId64 "\n", u->update_id, u->kind_name, u->date_ms, u->chat.id, u->chat.type, u->chat.thread_id);
	if (u->from.first_name.at) {
		buf_printf(to, "%" PRId64 " %d\n", u->from.id, u->from.is_bot);
		put(to, "first", u->from.first_name, TG_NAME_BYTES_MAX);
		put(to, "last", u->from.last_name, TG_NAME_BYTES_MAX);
		put(to, "user", u->from.username, TG_USERNAME_BYTES_MAX);
		put(to, "language", u->from.language_code, TG_USERNAME_BYTES_MAX);
	}
	if (u->kind == TG_UPDATE_MESSAGE)
		put_message(to, &u->message);
	if (u->kind == TG_UPDATE_CALLBACK) {
		put(to, "query", u->callback.id, TG_ID_BYTES_MAX);
		put(to, "data", u->callback.data, TG_DATA_BYTES_MAX);
		buf_printf(to, "%" PRId64 " %d\n", u->callback.message_id, u->callback.message_gone);
	}
	if (u->kind == TG_UPDATE_PRE_CHECKOUT) {
		put(to, "query", u->pre_checkout.id, TG_ID_BYTES_MAX);
		put(to, "currency", u->pre_checkout.currency, TG_USERNAME_BYTES_MAX);
		put(to, "payload", u->pre_checkout.payload, TG_PAYLOAD_BYTES_MAX);
		put_number(to, "amount", u->pre_checkout.amount_minor);
	}
	put_number(to, "was", u->member_was);
	put_number(to, "is", u->member_is);
	put_number(to, "subscription", u->subscription_state);
	must(!to->over);
}

static void check_command(struct str text)
{
	struct tg_command c;

	if (!tg_command_read(&c, text))
		return;
	must(text.at[0] == '/' && memchr(c.name, '\0', sizeof c.name) && c.name[0]);
	for (const char *p = c.name; *p; p++)
		must((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_');
	must(c.args.len < text.len && str_eq(c.args, str_trim(c.args)));
	must(!c.args.len || (c.args.at > text.at && c.args.at + c.args.len <= text.at + text.len));
}

static void check_data(struct arena *a, struct str data)
{
	struct callback c = callback_read(data);
	char out[TG_BUTTON_DATA_BYTES_MAX + 1];

	must(data.len <= 3 * TG_BUTTON_DATA_BYTES_MAX);
	if (data.len <= TG_BUTTON_DATA_BYTES_MAX)
		must(str_eq(data, callback_build(out, str_dup(a, c.verb), c.id.at ? str_dup(a, c.id) : NULL, c.arg.at ? str_dup(a, c.arg) : NULL)));
}

/* The same in another dress. */
static void check_same(struct arena *a, struct str text, const struct buf *said)
{
	const struct json_value *v;
	struct tg_update u;
	struct buf dressed, again;

	buf_init(&dressed, TEXT_MAX);
	buf_init(&again, TEXT_MAX);
	must(json_read(&v, a, text) == OK || !utf8_valid(text)); /* which is cleaned first */
	if (v && fuzz_redress(&dressed, v) && !dressed.over && tg_update_read(&u, a, buf_str(&dressed)) == OK) {
		describe(&again, &u);
		must(str_eq(buf_str(said), buf_str(&again)));
	}
	buf_release(&dressed);
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	struct arena a = { 0 };
	struct tg_update u;
	struct buf said;

	buf_init(&said, TEXT_MAX);
	if (tg_update_read(&u, &a, text) == OK) {
		must(u.update_id > 0 && u.kind_name);
		describe(&said, &u);
		check_same(&a, text, &said);
		check_command(u.message.text);
		check_data(&a, u.callback.data);
	}
	buf_release(&said);
	arena_release(&a);
	return 0;
}
