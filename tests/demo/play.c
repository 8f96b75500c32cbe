#include "tests/demo/play.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"

#define DEADLINE_MS (75 * SECOND_MS) /* of one expectation: a busy machine, a shop that asks Crypto Pay twice a minute */
#define TEXTS_BYTES_MAX ((size_t)1 << 20)
#define PAYLOAD_BYTES_MAX ((size_t)64 * 1024)
#define FORMS_MAX 8
#define MARGIN "%14s"              /* who speaks */

/* --- the words of a key --- */

static const char *const plural_forms[FORMS_MAX] = { "", "_one", "_other", "_zero", "_two", "_few", "_many", NULL };

/* Visible text of Telegram's HTML; keep_tags leaves <b> and </b> as the terminal's bold. */
static struct str plain_of(struct arena *a, struct str html, bool bold)
{
	static const struct { const char *entity; char c; } entities[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' } };
	struct buf out;
	struct str text;

	buf_init(&out, PAYLOAD_BYTES_MAX);
	while (html.len) {
		struct str rest = html;
		size_t n = 1;

		if (html.at[0] == '<') {
			n = str_cut(&rest, '>').len + 1;
			if (bold && (str_starts(html, "<b>") || str_starts(html, "</b>")))
				buf_adds(&out, html.at[1] == '/' ? "\033[0m" : "\033[1m");
			html = str_n(html.at + (n < html.len ? n : html.len), n < html.len ? html.len - n : 0);
			continue;
		}
		if (html.at[0] == '&') {
			size_t i = 0;

			while (i < countof(entities) && !str_starts(html, entities[i].entity))
				i++;
			if (i < countof(entities)) {
				n = strlen(entities[i].entity);
				buf_addc(&out, entities[i].c);
				html = str_n(html.at + n, html.len - n);
				continue;
			}
		}
		buf_addc(&out, html.at[0]);
		html = str_n(html.at + n, html.len - n);
	}
	text = str_n(arena_strndup(a, out.at, out.len), out.len);
	buf_release(&out);
	return text;
}

/* Do the fixed pieces of this text stand in shown, in order? */
static bool fits_form(struct arena *a, const char *form, struct str shown)
{
	const char *at = plain_of(a, str_of(form), false).at, *where = str_dup(a, shown);

	while (*at) {
		const char *place = strstr(at, "{{"), *end = place ? strstr(place, "}}") : NULL;
		const char *piece = arena_strndup(a, at, place ? (size_t)(place - at) : strlen(at));
		const char *found = strstr(where, piece);

		if (!found)
			return false;
		where = found + strlen(piece);
		if (!end)
			return true;
		at = end + 2;
	}
	return true;
}

/* Any form of the key. A key nobody has fits nothing. */
static bool fits(const struct play *p, const char *key, struct str shown)
{
	struct arena a = { 0 };
	bool found = false;

	for (size_t i = 0; plural_forms[i] && !found; i++) {
		struct str form = json_str_at(p->texts, arena_printf(&a, "%s%s", key, plural_forms[i]));

		found = form.len && fits_form(&a, form.at, shown);
	}
	arena_release(&a);
	return found;
}

/* --- printing what came --- */

static const char *name_of(const struct play *p, int64_t chat)
{
	const struct cast *c = p->stage->cast;

	return chat == c->admin.id ? c->admin.name : chat == c->customer.id ? c->customer.name : "?";
}

static void print_block(struct play *p, const char *who, struct str text)
{
	bool first = true;

	while (text.at) {
		struct str line = str_cut(&text, '\n');

		fprintf(p->out, MARGIN " │ %.*s\n", first ? who : "", STR_ARG(line));
		first = false;
	}
}

static void print_keyboard(struct play *p, struct json_object *payload)
{
	struct str text = json_str_at(payload, "reply_markup");
	struct json_object *parsed = NULL, *rows;

	rows = json_array_at(payload, "reply_markup.inline_keyboard");
	if (!rows && text.len && json_parse(&parsed, text) == OK)
		rows = json_array_at(parsed, "inline_keyboard");
	for (size_t i = 0; i < json_len(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		fprintf(p->out, MARGIN " │  ", "");
		for (size_t k = 0; k < json_object_array_length(row); k++)
			fprintf(p->out, " [%.*s]", STR_ARG(json_str_at(json_object_array_get_idx(row, k), "text")));
		fputc('\n', p->out);
	}
	json_object_put(parsed);
}

/* Methods a person notices, and how they look. */
static const struct method {
	const char *name, *mark, *text;
} methods[] = {
	{ "sendmessage", "", "text" },
	{ "editmessagetext", "(edited) ", "text" },
	{ "editmessagecaption", "(edited) ", "caption" },
	{ "sendphoto", "(picture) ", "caption" },
	{ "senddocument", "(file) ", "caption" },
	{ "copymessage", "(copy) ", "caption" },
	{ "answercallbackquery", "(pop-up) ", "text" },
	{ "sendinvoice", "(invoice) ", "title" },
	{ "deletemessage", "(message deleted)", NULL },
};

static const struct method *method_of(struct str name)
{
	for (size_t i = 0; i < countof(methods); i++)
		if (str_is(name, methods[i].name))
			return &methods[i];
	return NULL;
}

static struct json_object *payload_of(const struct botapi_call *call)
{
	struct json_object *payload = NULL;

	return json_parse(&payload, call->payload) == OK ? payload : NULL;
}

static void print_call(struct play *p, const struct botapi_call *call, const struct method *m)
{
	struct json_object *payload = payload_of(call);
	struct arena a = { 0 };
	struct str text = m->text ? plain_of(&a, json_str_at(payload, m->text), p->color) : str_of("");
	const char *bot = call->chat_id ? arena_printf(&a, "bot → %s", name_of(p, call->chat_id)) : "bot";

	if (text.len || strcmp(m->name, "answercallbackquery") != 0) {
		print_block(p, bot, str_of(arena_printf(&a, "%s%.*s", m->mark, STR_ARG(text))));
		if (strcmp(m->name, "sendinvoice") == 0)
			print_block(p, "", plain_of(&a, json_str_at(payload, "description"), false));
		print_keyboard(p, payload);
	}
	json_object_put(payload);
	arena_release(&a);
}

/* Everything that has come since the last look; under the lock. */
static void print_new(struct play *p)
{
	size_t count = botapi_calls(p->stage->telegram, NULL);

	for (; p->printed < count; p->printed++) {
		const struct botapi_call *call = botapi_call_nth(p->stage->telegram, NULL, p->printed);
		const struct method *m = method_of(call->method);

		if (!m || call->status != 200)
			continue;
		if (str_starts(call->method, "send"))
			p->messages++;
		if (p->out)
			print_call(p, call, m);
	}
	if (p->out)
		fflush(p->out);
}

void play_step(struct play *p, const char *title)
{
	p->step = title;
	if (p->failed)
		return;
	p->steps++;
	if (p->out)
		fprintf(p->out, p->color ? "\n\033[1;36m── %zu. %s\033[0m\n" : "\n── %zu. %s\n", p->steps, title);
}

void play_as(struct play *p, const struct cast_person *person)
{
	p->me = person;
}

void play_note(struct play *p, const char *format, ...)
{
	va_list args;

	if (p->failed || !p->out)
		return;
	fprintf(p->out, MARGIN " · ", "");
	va_start(args, format);
	vfprintf(p->out, format, args);
	va_end(args);
	fputc('\n', p->out);
}

bool play_fail(struct play *p, const char *format, ...)
{
	struct buf tail;
	va_list args;

	if (p->failed)
		return false;
	p->failed = true;
	if (p->stopped)
		return false;
	buf_init(&tail, 8192);
	stage_log_tail(&tail, p->stage);
	fflush(p->out ? p->out : stdout);
	fprintf(stderr, "\ndemo: %s (SEED=%" PRIu64 "): ", p->step ? p->step : "start", p->stage->cast->seed);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nThe end of the bot's log:\n%s", buf_cstr(&tail));
	buf_release(&tail);
	return false;
}

/* --- waiting --- */

/* One look under the lock, after everything new was printed. */
typedef bool look_fn(struct play *p, void *ctx);

static bool wait_for(struct play *p, look_fn *look, void *ctx)
{
	int64_t deadline_us = clock_mono_us() + DEADLINE_MS * 1000;

	while (!p->failed) {
		int64_t left_us = deadline_us - clock_mono_us();
		bool done;

		stage_lock(p->stage);
		print_new(p);
		done = look(p, ctx);
		stage_unlock(p->stage);
		if (done)
			return true;
		if (left_us <= 0)
			return false;
		switch (stage_wait(p->stage, (int)(left_us / 1000) + 1)) {
		case STAGE_STOP:
			p->stopped = true;
			return play_fail(p, "stopped");
		case STAGE_BOT_GONE:
			return play_fail(p, "the bot has ended");
		case STAGE_CHANGED:
		case STAGE_QUIET:
			break;
		}
	}
	return false;
}

struct condition {
	bool (*done)(void *ctx);
	void *ctx;
};

static bool look_condition(struct play *p, void *ctx)
{
	const struct condition *c = ctx;

	(void)p;
	return c->done(c->ctx);
}

bool play_until(struct play *p, bool (*done)(void *ctx), void *ctx, const char *what)
{
	struct condition c = { done, ctx };

	return wait_for(p, look_condition, &c) || play_fail(p, "waited %d s in vain: %s", (int)(DEADLINE_MS / SECOND_MS), what);
}

/* --- reading --- */

struct expected {
	const char *const *keys;
	size_t from, which;
	const char *html;
};

/* The newest call to me from a place in the journal on that shows the words of one of the keys. */
static bool look_expected(struct play *p, void *ctx)
{
	struct expected *e = ctx;
	const struct botapi *telegram = p->stage->telegram;

	for (size_t i = botapi_calls(telegram, NULL); i-- > e->from;) {
		const struct botapi_call *call = botapi_call_nth(telegram, NULL, i);
		const struct method *m = method_of(call->method);
		struct json_object *payload;
		struct str html;

		if (!m || !m->text || call->status != 200 || (call->chat_id && call->chat_id != p->me->id))
			continue;
		payload = payload_of(call);
		html = json_str_at(payload, m->text);
		for (size_t k = 0; e->keys[k] && !e->html; k++)
			if (fits(p, e->keys[k], plain_of(&p->arena, html, false))) {
				e->which = k;
				e->html = str_dup(&p->arena, html);
			}
		json_object_put(payload);
		if (e->html)
			return true;
	}
	return false;
}

const char *play_await_any(struct play *p, const char *const *keys, size_t *which)
{
	struct expected e = { .keys = keys, .from = p->mark };

	if (!wait_for(p, look_expected, &e))
		play_fail(p, "%s waited %d s in vain for \"%s\"", p->me->name, (int)(DEADLINE_MS / SECOND_MS), keys[0]);
	if (which)
		*which = e.which;
	return p->failed ? NULL : e.html;
}

const char *play_await(struct play *p, const char *key)
{
	const char *const keys[] = { key, NULL };

	return play_await_any(p, keys, NULL);
}

const char *play_seen(struct play *p, const char *key)
{
	const char *const keys[] = { key, NULL };
	struct expected e = { .keys = keys };

	stage_lock(p->stage);
	look_expected(p, &e);
	stage_unlock(p->stage);
	return e.html;
}

const char *play_code(struct play *p, const char *html, size_t nth)
{
	const char *at = html ? html : "", *end;

	for (;; at = end, nth--) {
		at = strstr(at, "<code>");
		end = at ? strstr(at, "</code>") : NULL;
		if (!end)
			return "";
		if (nth == 0)
			return plain_of(&p->arena, str_n(at + 6, (size_t)(end - at - 6)), false).at;
	}
}

/* --- acting --- */

struct sought {
	const char *key, *holding;
	const struct botapi_message *message; /* valid under the lock it was found in */
	const struct botapi_button *button;
	int64_t message_id;
	struct str text, data, url;           /* copies */
};

static bool look_button(struct play *p, void *ctx)
{
	struct sought *s = ctx;
	const struct botapi *telegram = p->stage->telegram;

	for (size_t i = botapi_messages_count(telegram, p->me->id); i-- > 0;) {
		const struct botapi_message *m = botapi_message_at(telegram, p->me->id, i);

		for (size_t k = 0; m->from_bot && !m->deleted && k < m->buttons_count; k++) {
			const struct botapi_button *b = &m->buttons[k];

			if (!fits(p, s->key, b->text) || (s->holding && !str_has(b->text, s->holding)))
				continue;
			s->message_id = m->id;
			s->text = str_of(str_dup(&p->arena, b->text));
			s->data = str_of(str_dup(&p->arena, b->data));
			s->url = str_of(str_dup(&p->arena, b->url));
			return true;
		}
	}
	return false;
}

/* What a person does; the calls that come from now on are the reply. */
static void act_begin(struct play *p)
{
	stage_lock(p->stage);
	print_new(p);
	p->mark = botapi_calls(p->stage->telegram, NULL);
}

static void act_end(struct play *p, const char *mark, struct str text)
{
	stage_unlock(p->stage);
	stage_touched(p->stage);
	if (!p->out)
		return;
	fputs(p->color ? "\033[33m" : "", p->out);
	while (text.at) {
		struct str line = str_cut(&text, '\n');

		fprintf(p->out, MARGIN " %s %.*s\n", mark ? p->me->name : "", mark ? mark : " ", STR_ARG(line));
		mark = NULL;
	}
	fputs(p->color ? "\033[0m" : "", p->out);
}

bool play_say(struct play *p, const char *text)
{
	if (p->failed)
		return false;
	act_begin(p);
	botapi_say(p->stage->telegram, p->me->id, text);
	act_end(p, ">", str_of(text));
	return true;
}

static bool tap(struct play *p, const struct sought *s)
{
	int64_t update;

	act_begin(p);
	update = botapi_tap_data(p->stage->telegram, p->me->id, s->message_id, s->data.at);
	act_end(p, "*", str_of(arena_printf(&p->arena, "[%.*s]", STR_ARG(s->text))));
	return update || play_fail(p, "%s cannot tap", p->me->name);
}

static bool no_button(struct play *p, const char *key, const char *holding)
{
	return play_fail(p, "%s waited %d s in vain for a button \"%s\"%s%s", p->me->name, (int)(DEADLINE_MS / SECOND_MS), key,
		holding ? " with " : "", holding ? holding : "");
}

bool play_tap(struct play *p, const char *key, const char *holding)
{
	struct sought s = { .key = key, .holding = holding };

	if (!wait_for(p, look_button, &s))
		return no_button(p, key, holding);
	return tap(p, &s);
}

static bool find_now(struct play *p, struct sought *s)
{
	bool found;

	stage_lock(p->stage);
	found = !p->failed && look_button(p, s);
	stage_unlock(p->stage);
	return found;
}

bool play_sees_button(struct play *p, const char *key, const char *holding)
{
	struct sought s = { .key = key, .holding = holding };

	return find_now(p, &s);
}

bool play_tap_if(struct play *p, const char *key, const char *holding)
{
	struct sought s = { .key = key, .holding = holding };

	return find_now(p, &s) && tap(p, &s);
}

const char *play_address(struct play *p, const char *key, const char *holding)
{
	struct sought s = { .key = key, .holding = holding };

	if (!wait_for(p, look_button, &s))
		no_button(p, key, holding);
	else if (!s.url.len)
		play_fail(p, "\"%s\" leads nowhere", key);
	return p->failed ? "" : s.url.at;
}

/* --- Stars --- */

static bool look_invoice(struct play *p, void *ctx)
{
	int64_t *message_id = ctx;
	const struct botapi *telegram = p->stage->telegram;
	size_t count = botapi_messages_count(telegram, p->me->id);
	const struct botapi_message *m;

	for (size_t i = count; i-- > 0;) {
		m = botapi_message_at(telegram, p->me->id, i);
		if (m->invoice_stars && !m->deleted) {
			*message_id = m->id;
			return true;
		}
	}
	return false;
}

static bool look_checkout(struct play *p, void *ctx)
{
	return botapi_checkout_state(p->stage->telegram, *(int *)ctx) != BOTAPI_CHECKOUT_WAITING;
}

bool play_pay_stars(struct play *p)
{
	int64_t message_id;
	int checkout;

	if (!wait_for(p, look_invoice, &message_id))
		return play_fail(p, "no invoice came");
	act_begin(p);
	checkout = botapi_pay(p->stage->telegram, p->me->id, message_id);
	act_end(p, "*", str_of("⭐"));
	if (!wait_for(p, look_checkout, &checkout))
		return play_fail(p, "the payment was not answered");
	if (botapi_checkout_state(p->stage->telegram, checkout) != BOTAPI_CHECKOUT_PAID)
		return play_fail(p, "the payment was refused: %.*s", STR_ARG(botapi_checkout_refusal(p->stage->telegram, checkout)));
	return true;
}

/* --- birth and death --- */

static bool read_texts(struct json_object **out, const char *path)
{
	char *text = xmalloc(TEXTS_BYTES_MAX);
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(text, 1, TEXTS_BYTES_MAX, f) : 0;
	bool fine = n && json_parse(out, str_n(text, n)) == OK;

	if (f)
		fclose(f);
	free(text);
	return fine;
}

bool play_open(struct play *p, struct stage *stage, FILE *out, const char *texts_path)
{
	*p = (struct play){ .stage = stage, .out = out, .me = &stage->cast->admin, .color = out && isatty(fileno(out)) };
	return read_texts(&p->texts, texts_path);
}

void play_close(struct play *p)
{
	json_object_put(p->texts);
	arena_release(&p->arena);
}
