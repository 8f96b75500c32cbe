/* Drawing: pieces of text and buttons become one payload in the outbox. */
#include "bot/chat/screen.h"

#include <assert.h>
#include <string.h>

#include "bot/chat/callback.h"
#include "lib/base/clock.h"
#include "lib/qr/qr.h"
#include "lib/telegram/tg_text.h"

#define TEXT_BYTES_MAX 65536
#define PARTS_MAX 8
#define SHOWN_FOR_MS HOUR_MS      /* an answer that could not be sent for so long is no answer any more */
#define QUERY_MS (10 * SECOND_MS)

/* --- beginning --- */

static void begin(struct screen *s, struct act *a, struct i18n_to to, int64_t chat_id)
{
	*s = (struct screen){ .a = a, .to = to, .chat_id = chat_id };
	buf_init(&s->text, TEXT_BYTES_MAX);
	buf_init(&s->markup, TG_CALL_BYTES_MAX);
}

void screen_begin(struct screen *s, struct talk *t)
{
	begin(s, t->a, t->to, t->chat_id);
	s->talk = t;
	s->thread_id = t->thread_id;
	s->user_id = t->user.id;
}

void screen_begin_for(struct screen *s, struct act *a, const struct user *u)
{
	begin(s, a, user_reader(a, u), u->telegram_id);
	s->user_id = u->id;
	s->muted = !u->telegram_id || !u->reachable;
}

void screen_begin_chat(struct screen *s, struct act *a, int64_t chat_id, int64_t thread_id, int lang)
{
	struct user nobody = { .lang = lang };

	begin(s, a, user_reader(a, &nobody), chat_id);
	s->thread_id = thread_id;
}

void screen_drop(struct screen *s)
{
	buf_release(&s->text);
	buf_release(&s->markup);
	s->has_keys = false;
}

/* --- text --- */

void screen_text_list(struct screen *s, const char *key, const struct i18n_arg *args)
{
	if (s->text.len)
		buf_addc(&s->text, '\n');
	i18n_text(&s->text, &s->to, key, args);
}

void screen_gap(struct screen *s)
{
	if (s->text.len)
		buf_addc(&s->text, '\n');
}

/* --- buttons --- */

static struct tg_keys *keys_of(struct screen *s)
{
	if (!s->has_keys)
		tg_keys_begin(&s->keys, &s->markup);
	s->has_keys = true;
	return &s->keys;
}

static bool add_button(struct screen *s, struct tg_button b)
{
	b.style = s->style;
	s->style = TG_STYLE_NONE;
	if (!b.text.len) /* a name may be all spaces that were trimmed away: a button without text would undo the message */
		b.text = STR("·");
	return tg_keys_add(keys_of(s), b);
}

void screen_button_text(struct screen *s, const char *verb, const char *id, const char *arg, struct str label)
{
	char data[TG_BUTTON_DATA_BYTES_MAX + 1];

	add_button(s, (struct tg_button){ .text = label, .data = callback_build(data, verb, id, arg) });
}

void screen_button_list(struct screen *s, const char *verb, const char *id, const char *arg, const char *key, const struct i18n_arg *args)
{
	screen_button_text(s, verb, id, arg, i18n_text_new(s->a->arena, &s->to, key, args));
}

bool screen_button_url(struct screen *s, const char *key, const char *url)
{
	if (!url || !*url)
		return false;
	return add_button(s, (struct tg_button){ .text = i18n_new_text(s->a->arena, &s->to, key), .url = str_of(url) });
}

bool screen_button_copy(struct screen *s, const char *key, struct str text)
{
	if (!text.len)
		return false;
	return add_button(s, (struct tg_button){ .text = i18n_new_text(s->a->arena, &s->to, key), .copy = text });
}

void screen_row(struct screen *s)
{
	if (s->has_keys)
		tg_keys_row(&s->keys);
}

/* --- leaving --- */

static struct str markup_of(struct screen *s)
{
	if (!s->has_keys || !s->keys.count)
		return (struct str){ 0 };
	tg_keys_end(&s->keys);
	s->has_keys = false;
	return buf_str(&s->markup);
}

/* Parts of at most a message each. Bytes are never fewer than UTF-16 units, so that a short text is not even counted. */
static size_t parts_of(struct str parts[PARTS_MAX], struct screen *s, size_t units_max)
{
	size_t count;

	parts[0] = buf_str(&s->text);
	if (s->text.len <= units_max)
		return 1;
	tg_text_split(parts, &count, PARTS_MAX, s->a->arena, buf_str(&s->text), units_max);
	return count;
}

static void take_payload(struct outgoing *o, struct act *a, struct buf *payload)
{
	assert(!payload->over);
	o->payload = str_n(arena_strndup(a->arena, payload->at, payload->len), payload->len);
	buf_release(payload);
}

/* edits 0: a new message. live_id: whose live message it becomes; 0: nobody's. */
static enum err show(struct screen *s, int64_t edits, int64_t live_id, const char *about)
{
	struct str parts[PARTS_MAX], markup = markup_of(s);
	struct outgoing o = { .method = TG_SEND_MESSAGE, .chat_id = s->chat_id, .edits = edits, .about = about, .expires_ms = s->a->now_ms + SHOWN_FOR_MS };
	struct buf payload;

	assert(s->text.len);
	parts_of(parts, s, TG_TEXT_UNITS_MAX);
	buf_init(&payload, TG_CALL_BYTES_MAX);
	if (edits) {
		o.method = TG_EDIT_MESSAGE_TEXT;
		tg_edit_text(&payload, s->chat_id, edits, parts[0], markup);
	} else {
		tg_send_message(&payload, &(struct tg_send){ .chat_id = s->chat_id, .thread_id = s->thread_id, .html = parts[0], .markup = markup });
		o.unknown = UNKNOWN_AGAIN; /* a screen shown twice is harmless, one never shown is a dead end */
	}
	if (live_id) { /* edits too: one that is no longer possible goes out as a new message */
		o.then_name = "live";
		o.then_id = live_id;
	}
	take_payload(&o, s->a, &payload);
	outbox_add(s->a, &o);
	screen_drop(s);
	return OK;
}

enum err screen_show(struct screen *s)
{
	struct talk *t = s->talk;
	bool on_live;

	assert(t);
	on_live = t->tapped_id && (t->in_group || t->tapped_id == t->user.live_message_id);
	t->shown = true;
	return show(s, on_live ? t->tapped_id : 0, t->in_group ? 0 : t->user.id, NULL);
}

enum err screen_show_for(struct screen *s, const struct user *u, const char *about)
{
	if (!s->muted)
		return show(s, u->live_message_id, u->id, about);
	screen_drop(s);
	return OK;
}

static struct outgoing outgoing_of(const struct screen *s, const struct send_as *as)
{
	static const struct send_as interactive = { 0 };

	if (!as)
		as = &interactive;
	return (struct outgoing){ .chat_id = s->chat_id, .lane = as->lane, .unknown = as->unknown, .expires_ms = as->expires_ms,
		.about = as->about, .then_name = as->then_name, .then_id = as->then_id };
}

enum err screen_send(struct screen *s, const struct send_as *as)
{
	struct str parts[PARTS_MAX], markup = markup_of(s);
	size_t count;

	assert(s->text.len);
	count = s->muted ? 0 : parts_of(parts, s, TG_TEXT_UNITS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct outgoing o = outgoing_of(s, as);
		struct buf payload;

		if (i + 1 < count) /* one message hears the answer: the last */
			o.then_name = NULL;
		o.method = TG_SEND_MESSAGE;
		buf_init(&payload, TG_CALL_BYTES_MAX);
		tg_send_message(&payload, &(struct tg_send){ .chat_id = s->chat_id, .thread_id = s->thread_id, .html = parts[i],
			.markup = i + 1 == count ? markup : (struct str){ 0 } });
		take_payload(&o, s->a, &payload);
		outbox_add(s->a, &o);
	}
	screen_drop(s);
	return OK;
}

enum err screen_send_qr(struct screen *s, struct str qr, const struct send_as *as)
{
	struct str parts[PARTS_MAX], markup = markup_of(s);
	struct outgoing o = outgoing_of(s, as);
	struct buf payload;

	assert(qr.len && qr.len <= QR_TEXT_BYTES_MAX);
	if (!s->muted) {
		parts_of(parts, s, TG_CAPTION_UNITS_MAX);
		o.method = TG_SEND_PHOTO;
		o.qr = str_n(arena_strndup(s->a->arena, qr.at, qr.len), qr.len);
		buf_init(&payload, TG_CALL_BYTES_MAX);
		tg_send_photo(&payload, &(struct tg_send){ .chat_id = s->chat_id, .thread_id = s->thread_id, .html = parts[0], .markup = markup }, (struct str){ 0 });
		take_payload(&o, s->a, &payload);
		outbox_add(s->a, &o);
	}
	screen_drop(s);
	return OK;
}

/* --- small answers --- */

/* Also with an empty text: it stops the button's waiting sign. */
static enum err answer_query(struct talk *t, struct str text)
{
	struct outgoing o = { .method = TG_ANSWER_CALLBACK_QUERY, .lane = LANE_ANSWER, .expires_ms = t->a->now_ms + QUERY_MS };
	struct buf payload;

	if (t->u->kind != TG_UPDATE_CALLBACK || t->query_answered || !t->u->callback.id.len)
		return OK;
	t->query_answered = true;
	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_answer_callback(&payload, t->u->callback.id, text, false);
	take_payload(&o, t->a, &payload);
	outbox_add(t->a, &o);
	return OK;
}

enum err talk_toast(struct talk *t, const char *key)
{
	return answer_query(t, key ? i18n_new_text(t->a->arena, &t->to, key) : (struct str){ 0 });
}

enum err talk_delete_typed(struct talk *t)
{
	struct outgoing o = { .method = TG_DELETE_MESSAGE, .chat_id = t->chat_id, .unknown = UNKNOWN_AGAIN };
	struct buf payload;

	if (t->u->kind != TG_UPDATE_MESSAGE)
		return OK;
	buf_init(&payload, TG_CALL_BYTES_MAX);
	tg_delete_message(&payload, t->chat_id, t->u->message.id);
	take_payload(&o, t->a, &payload);
	outbox_add(t->a, &o);
	return OK;
}

enum err screen_settle_live(struct act *a, int64_t user_id, const struct tg_answer *answer)
{
	if (!answer->message_id) /* refused, or unchanged */
		return OK;
	return user_set_live(a, user_id, answer->message_id);
}
