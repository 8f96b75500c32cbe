/* The Bot API model's entrance: path, token, method, trouble, rates, journal. */
#include "tests/sim/botapi_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define FIRST_UPDATE INT64_C(905112001)

/* --- memory --- */

void *list_room(void *at, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return at;
	*cap = *cap ? *cap * 2 : 8;
	at = xrealloc(at, *cap * size);
	memset((char *)at + count * size, 0, (*cap - count) * size);
	return at;
}

struct str own(struct str s)
{
	return str_n(xstrndup(s.at ? s.at : "", s.len), s.len);
}

void disown(struct str *s)
{
	free((void *)s->at);
	*s = (struct str){ NULL, 0 };
}

struct botapi *botapi_new(const char *token)
{
	struct botapi *b = xcalloc(1, sizeof *b);

	b->token = own(str_of(token ? token : BOTAPI_TOKEN));
	b->next_user = 777000111;
	b->next_group = -4000001;
	b->next_message = 100;
	b->next_update = FIRST_UPDATE;
	b->last_offset = INT64_MIN;
	b->allowed = UINT64_MAX;
	botapi_set_rates(b, (struct botapi_rates){ 0 });
	return b;
}

static void chat_free(struct chat *c)
{
	for (size_t i = 0; i < c->messages.count; i++)
		message_release(&c->messages.at[i]);
	free(c->messages.at);
	disown(&c->name);
	disown(&c->username);
	disown(&c->language);
	disown(&c->toast);
	free(c);
}

static void money_free(struct botapi *b)
{
	for (size_t i = 0; i < b->links.count; i++) {
		disown(&b->links.at[i].link);
		disown(&b->links.at[i].title);
		disown(&b->links.at[i].payload);
	}
	for (size_t i = 0; i < b->checkouts.count; i++) {
		disown(&b->checkouts.at[i].payload);
		disown(&b->checkouts.at[i].charge);
		disown(&b->checkouts.at[i].refusal);
	}
	for (size_t i = 0; i < b->transactions.count; i++) {
		disown(&b->transactions.at[i].id);
		disown(&b->transactions.at[i].payload);
	}
	free(b->links.at);
	free(b->checkouts.at);
	free(b->transactions.at);
}

void botapi_free(struct botapi *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->chats.count; i++)
		chat_free(b->chats.at[i]);
	for (size_t i = b->updates_first; i < b->updates.count; i++)
		disown(&b->updates.at[i].json);
	for (size_t i = 0; i < b->files.count; i++) {
		disown(&b->files.at[i].id);
		disown(&b->files.at[i].bytes);
		disown(&b->files.at[i].name);
	}
	for (size_t i = 0; i < b->commands.count; i++) {
		disown(&b->commands.at[i].scope);
		disown(&b->commands.at[i].language);
		disown(&b->commands.at[i].json);
	}
	botapi_clear_calls(b);
	money_free(b);
	disown(&b->token);
	disown(&b->webhook);
	free(b->chats.at);
	free(b->index);
	free(b->updates.at);
	free(b->queries.at);
	free(b->files.at);
	free(b->commands.at);
	free(b->calls.at);
	free(b);
}

void botapi_set_now(struct botapi *b, int64_t now_ms)
{
	if (now_ms > b->now_ms)
		b->now_ms = now_ms;
}

int64_t botapi_now(const struct botapi *b)
{
	return b->now_ms;
}

void botapi_set_memory(struct botapi *b, size_t messages_max, bool journal)
{
	b->messages_max = messages_max;
	b->journal_off = !journal;
}

/* --- the envelope --- */

static void header(struct sim_response *r, const char *name, const char *value)
{
	assert(r->headers_count < SIM_HEADERS_MAX);
	r->headers[r->headers_count++] = (struct http_header){ name, value };
}

static void envelope_begin(struct call *c, int status)
{
	buf_clear(&c->out);
	json_out_init(&c->j, &c->out);
	json_open(&c->j, '{');
	json_put_bool(&c->j, "ok", status == 200);
	c->status = status;
}

static void fail_begin(struct call *c, int code, const char *description)
{
	envelope_begin(c, code);
	json_put_i64(&c->j, "error_code", code);
	json_put_cstr(&c->j, "description", description);
}

void call_fail(struct call *c, int code, const char *description)
{
	fail_begin(c, code, description);
	json_close(&c->j, '}');
}

void call_failf(struct call *c, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	call_fail(c, code, arena_vprintf(c->arena, format, args));
	va_end(args);
}

static void fail_with(struct call *c, int code, const char *description, const char *parameter, int64_t value)
{
	fail_begin(c, code, description);
	json_key(&c->j, "parameters");
	json_open(&c->j, '{');
	json_put_i64(&c->j, parameter, value);
	json_close(&c->j, '}');
	json_close(&c->j, '}');
}

static void fail_retry(struct call *c, int64_t seconds)
{
	const char *text = arena_printf(c->arena, "Too Many Requests: retry after %" PRId64, seconds);

	c->retry_after_s = seconds;
	fail_with(c, 429, text, "retry_after", seconds);
	header(c->response, "retry-after", arena_printf(c->arena, "%" PRId64, seconds));
}

void call_begin(struct call *c)
{
	envelope_begin(c, 200);
	json_key(&c->j, "result");
}

void call_end(struct call *c)
{
	json_close(&c->j, '}');
}

void call_true(struct call *c)
{
	call_begin(c);
	json_add_bool(&c->j, true);
	call_end(c);
}

/* --- who may be written to, and how often --- */

struct chat *chat_for_sending(struct call *c)
{
	struct chat *chat = chat_find(c->b, arg_i64(c, "chat_id", 0));

	if (!arg_has(c, "chat_id")) {
		call_fail(c, 400, "Bad Request: chat_id is empty");
		return NULL;
	}
	if (chat && chat->migrated_to)
		fail_with(c, 400, "Bad Request: group chat was upgraded to a supergroup chat", "migrate_to_chat_id", chat->migrated_to);
	else if (!chat || !chat->started)
		call_fail(c, 400, "Bad Request: chat not found");
	else if (chat->deactivated)
		call_fail(c, 403, "Forbidden: user is deactivated");
	else if (chat->blocked)
		call_fail(c, 403, "Forbidden: bot was blocked by the user");
	else if (chat->kicked)
		call_failf(c, 403, "Forbidden: bot was kicked from the %s chat", chat->type == CHAT_GROUP ? "group" : "supergroup");
	else
		return chat;
	return NULL;
}

void botapi_set_rates(struct botapi *b, struct botapi_rates rates)
{
	if (!rates.chat_burst)
		rates.chat_burst = 5;
	if (!rates.all_burst)
		rates.all_burst = 40;
	if (!rates.group_per_minute)
		rates.group_per_minute = 20;
	assert(rates.group_per_minute <= (int)countof(((struct chat *)0)->minute_ms));
	b->rates = rates;
}

/* Thousandths of a token; per_ms of them come back each millisecond. */
static bool bucket_take(int64_t *milli, int64_t *at_ms, int64_t now_ms, int64_t burst, int64_t per_ms)
{
	int64_t full = burst * 1000;

	if (*at_ms == 0 || now_ms - *at_ms > full / per_ms)
		*milli = full;
	else
		*milli += (now_ms - *at_ms) * per_ms;
	if (*milli > full)
		*milli = full;
	*at_ms = now_ms;
	if (*milli < 1000)
		return false;
	*milli -= 1000;
	return true;
}

/* Milliseconds until the group takes another message; 0: now. */
static int64_t group_wait_ms(struct botapi *b, struct chat *chat)
{
	size_t n = (size_t)b->rates.group_per_minute;
	int64_t oldest = chat->minute_ms[chat->minute_next % n];

	if (oldest && b->now_ms - oldest < MINUTE_MS)
		return oldest + MINUTE_MS - b->now_ms;
	chat->minute_ms[chat->minute_next++ % n] = b->now_ms;
	return 0;
}

static int64_t chat_wait_ms(struct botapi *b, struct chat *chat)
{
	if (b->now_ms < chat->silent_until_ms)
		return chat->silent_until_ms - b->now_ms;
	if (chat->type != CHAT_PRIVATE)
		return group_wait_ms(b, chat);
	return bucket_take(&chat->tokens_milli, &chat->tokens_ms, b->now_ms, b->rates.chat_burst, 1) ? 0 : SECOND_MS;
}

bool rates_allow(struct call *c, struct chat *chat)
{
	struct botapi *b = c->b;
	int64_t wait_ms;

	if (!b->rates.on)
		return true;
	if (!bucket_take(&b->all_tokens_milli, &b->all_tokens_ms, b->now_ms, b->rates.all_burst, 30)) {
		fail_retry(c, 1);
		return false;
	}
	wait_ms = chat_wait_ms(b, chat);
	if (!wait_ms)
		return true;
	wait_ms = (wait_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS;
	chat->silent_until_ms = b->now_ms + wait_ms;
	fail_retry(c, wait_ms / SECOND_MS);
	return false;
}

/* --- webhook and the bot itself --- */

void botapi_set_webhook(struct botapi *b, const char *url)
{
	disown(&b->webhook);
	b->webhook = own(str_of(url));
}

static void get_webhook_info(struct call *c)
{
	call_begin(c);
	json_open(&c->j, '{');
	json_put_str(&c->j, "url", c->b->webhook);
	json_put_bool(&c->j, "has_custom_certificate", false);
	json_put_i64(&c->j, "pending_update_count", (int64_t)botapi_updates_waiting(c->b));
	json_close(&c->j, '}');
	call_end(c);
}

static void delete_webhook(struct call *c)
{
	if (arg_bool(c, "drop_pending_updates"))
		updates_drop(c->b);
	botapi_set_webhook(c->b, NULL);
	call_true(c);
}

static void set_webhook(struct call *c)
{
	struct str url = arg(c, "url");

	if (url.len && !str_starts(url, "https://")) {
		call_fail(c, 400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook");
		return;
	}
	disown(&c->b->webhook);
	c->b->webhook = own(url);
	call_true(c);
}

static void get_me(struct call *c)
{
	call_begin(c);
	put_bot(&c->j);
	call_end(c);
}

/* --- trouble --- */

void botapi_set_other_poller(struct botapi *b, bool on)
{
	b->other_poller = on;
}

void botapi_revoke_token(struct botapi *b)
{
	b->revoked = true;
}

void botapi_add_rule(struct botapi *b, const struct botapi_rule *rule)
{
	assert(b->rules_count < BOTAPI_RULES_MAX);
	b->rules[b->rules_count++] = (struct rule){ .r = *rule };
}

void botapi_clear_rules(struct botapi *b)
{
	b->rules_count = 0;
}

static const struct botapi_rule *rule_for(struct call *c)
{
	for (size_t i = 0; i < c->b->rules_count; i++) {
		struct rule *r = &c->b->rules[i];
		int nth = r->r.nth ? r->r.nth : 1;

		if (r->r.method && !str_is_nocase(c->method, r->r.method))
			continue;
		if (r->r.chat_id && r->r.chat_id != arg_i64(c, "chat_id", 0))
			continue;
		r->seen++;
		if (r->seen >= nth && (r->r.times == 0 || r->seen < nth + r->r.times))
			return &r->r;
	}
	return NULL;
}

static void html_502(struct call *c)
{
	buf_clear(&c->out);
	buf_adds(&c->out, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n");
	c->status = 502;
}

/* Trouble that only slows or cuts an answer lets the call take effect. */
static bool strikes_before(const struct botapi_rule *r)
{
	const struct sim_trouble *t = &r->trouble;

	return !r->after && (r->fault != BOTAPI_NETWORK || t->hang || t->drop);
}

static void rule_strike(struct call *c, const struct botapi_rule *r)
{
	c->response->later = false;
	switch (r->fault) {
	case BOTAPI_NETWORK:
		c->response->trouble = r->trouble;
		if (strikes_before(r))
			call_fail(c, 500, "Internal Server Error"); /* nobody sees it */
		break;
	case BOTAPI_HTML_502:
		html_502(c);
		break;
	case BOTAPI_500:
		call_fail(c, 500, "Internal Server Error: restart");
		break;
	case BOTAPI_429:
		fail_retry(c, r->retry_after_s ? r->retry_after_s : 1);
		break;
	case BOTAPI_ERROR:
		call_fail(c, r->code, r->text);
		break;
	}
}

/* --- dispatch --- */

static const struct method {
	const char *name;       /* lower case: the server does not care */
	method_handler *run;
} methods[] = {
	{ "getupdates", get_updates }, { "sendmessage", send_message }, { "answercallbackquery", answer_callback },
	{ "editmessagetext", edit_text }, { "editmessagereplymarkup", edit_markup }, { "deletemessage", delete_message },
	{ "sendphoto", send_photo }, { "senddocument", send_document }, { "copymessage", copy_message },
	{ "sendchataction", send_chat_action }, { "setmycommands", set_commands }, { "getme", get_me },
	{ "sendinvoice", send_invoice }, { "createinvoicelink", create_link },
	{ "answerprecheckoutquery", answer_pre_checkout }, { "refundstarpayment", refund_stars },
	{ "getstartransactions", get_transactions }, { "getmystarbalance", get_balance },
	{ "getwebhookinfo", get_webhook_info }, { "setwebhook", set_webhook }, { "deletewebhook", delete_webhook },
};

static const struct method *method_find(struct str name)
{
	for (size_t i = 0; i < countof(methods); i++)
		if (str_is(name, methods[i].name))
			return &methods[i];
	return NULL;
}

static struct str lower_copy(struct arena *a, struct str s)
{
	char *out = arena_strndup(a, s.at, s.len);

	for (size_t i = 0; i < s.len; i++)
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] |= 0x20;
	return str_n(out, s.len);
}

/* /bot{token}/{method}. False: answered. */
static bool path_read(struct call *c)
{
	struct str path = c->request->path, rest = str_cut(&path, '?'), token;

	if (!str_starts(rest, "/bot")) {
		call_fail(c, 404, "Not Found");
		return false;
	}
	rest = str_n(rest.at + 4, rest.len - 4);
	token = str_cut(&rest, '/');
	c->method = lower_copy(c->arena, rest);
	if (!str_has(token, ":") || c->method.len == 0)
		call_fail(c, 404, "Not Found");
	else if (c->b->revoked || !str_eq(token, c->b->token))
		call_fail(c, 401, "Unauthorized");
	else
		return true;
	return false;
}

static void run(struct call *c)
{
	const struct method *m = method_find(c->method);

	if (m)
		m->run(c);
	else
		call_fail(c, 404, "Not Found: method not found");
}

static void run_with_trouble(struct call *c)
{
	const struct botapi_rule *rule = poll_is_waiting(c) ? NULL : rule_for(c);

	if (!rule || !strikes_before(rule))
		run(c);
	if (rule)
		rule_strike(c, rule);
}

/* A form as the JSON object it stands for. */
static struct str form_json(const struct call *c)
{
	struct buf b;
	struct json_out j;
	struct str json;

	buf_init(&b, CALL_BYTES_MAX);
	json_out_init(&j, &b);
	json_open(&j, '{');
	for (size_t i = 0; i < c->args_count; i++)
		if (!c->args[i].is_file)
			json_put_str(&j, str_dup(c->arena, c->args[i].name), c->args[i].value);
	json_close(&j, '}');
	json = own(buf_str(&b));
	buf_release(&b);
	return json;
}

static void journal(const struct call *c)
{
	const struct sim_trouble *trouble = &c->response->trouble;

	if (c->b->journal_off || c->response->later)
		return;
	*list_add(&c->b->calls) = (struct botapi_call){
		.method = own(c->method), .payload = c->json ? own(c->request->body) : form_json(c), .now_ms = c->b->now_ms,
		.chat_id = arg_i64(c, "chat_id", 0), .status = trouble->hang || trouble->drop ? 0 : c->status,
		.retry_after_s = c->status == 429 ? c->retry_after_s : 0,
	};
}

void botapi_handle(void *model, const struct sim_request *request, struct sim_response *response)
{
	struct call c = { .b = model, .request = request, .response = response, .arena = request->arena };

	*response = (struct sim_response){ 0 };
	botapi_set_now(c.b, request->now_ms);
	buf_init(&c.out, CALL_BYTES_MAX);
	if (path_read(&c) && !poll_goes_on(&c) && args_read(&c)) {
		run_with_trouble(&c);
		journal(&c);
	}
	response->status = c.status;
	header(response, "content-type", c.status == 502 ? "text/html" : "application/json");
	response->body = str_n(arena_strndup(request->arena, buf_cstr(&c.out), c.out.len), c.out.len);
	buf_release(&c.out);
	json_object_put(c.json);
}

/* --- journal --- */

static bool call_is(const struct botapi_call *c, const char *method)
{
	return !method || str_is_nocase(c->method, method);
}

size_t botapi_calls(const struct botapi *b, const char *method)
{
	size_t n = 0;

	if (!method)
		return b->calls.count;
	for (size_t i = 0; i < b->calls.count; i++)
		n += call_is(&b->calls.at[i], method);
	return n;
}

const struct botapi_call *botapi_call_nth(const struct botapi *b, const char *method, size_t n)
{
	if (!method)
		return n < b->calls.count ? &b->calls.at[n] : NULL;
	if (!method)
		return n < b->calls.count ? &b->calls.at[n] : NULL;
	for (size_t i = 0; i < b->calls.count; i++)
		if (call_is(&b->calls.at[i], method) && n-- == 0)
			return &b->calls.at[i];
	return NULL;
}

void botapi_clear_calls(struct botapi *b)
{
	for (size_t i = 0; i < b->calls.count; i++) {
		disown(&b->calls.at[i].method);
		disown(&b->calls.at[i].payload);
	}
	b->calls.count = 0;
}
