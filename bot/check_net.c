/* obol check: Telegram, the clock, payment providers. */
#include <stdio.h>
#include <string.h>

#include "bot/check_private.h"
#include "bot/shop/pay.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/pay/pay.h"
#include "lib/telegram/tg_answer.h"
#include "lib/telegram/tg_call.h"

#define CONNECT_MS 5000
#define CLOCK_OFF_MS (5 * SECOND_MS)
#define PAYLOAD_BYTES_MAX 1024

/* --- one exchange --- */

const struct http_response *check_ask(struct check *c, struct http_request *request)
{
	http_done_release(c->client, &c->done);
	c->done = (struct http_done){ 0 };
	request->connect_timeout_ms = CONNECT_MS;
	request->timeout_ms = CHECK_EXCHANGE_MS;
	http_client_start(c->client, request, HTTP_LANE_NORMAL, NULL);
	while (!http_client_next(c->client, &c->done)) /* an exchange always ends */
		http_client_poll(c->client, NULL, 0, (int)SECOND_MS);
	return c->done.response;
}

const char *check_authority(struct check *c, const char *url)
{
	const char *at = strstr(url, "://");
	struct str rest = str_of(at ? at + 3 : url), authority = str_cut(&rest, '/');
	const char *user = memrchr(authority.at, '@', authority.len);

	if (user)
		authority = str_n(user + 1, (size_t)(authority.at + authority.len - user - 1));
	return str_dup(&c->arena, authority);
}

/* In the order of enum http_failure. */
static const struct { const char *step, *what, *advice; } failures[] = {
	[HTTP_FAIL_RESOLVE] = { "name", "the name is not known", "look for a typing mistake; getent hosts NAME shows what this machine's DNS says" },
	[HTTP_FAIL_CONNECT] = { "TCP", "no connection", "is the port right, does the service run, does a firewall on either side let this machine in?" },
	[HTTP_FAIL_TLS] = { "TLS", "no trusted TLS connection", "is it a port with https, and is its certificate valid for this name?" },
	[HTTP_FAIL_TIMEOUT] = { "answer", "connected, then silence", "the service hangs, or something on the way swallows what is sent" },
	[HTTP_FAIL_BROKEN] = { "answer", "the connection was cut", "is it a port with http or https, as the address says?" },
	[HTTP_FAIL_TOOBIG] = { "answer", "the answer never ended", "something else listens there" },
	[HTTP_FAIL_ABORTED] = { "address", "this address cannot be used", "look for a typing mistake" },
};

struct check_trouble check_trouble_of(struct check *c, const struct http_response *r, const char *url)
{
	/* silence before a byte of ours could leave is a hand-shake that never ended */
	bool in_tls = r->failure == HTTP_FAIL_TIMEOUT && r->certain_unsent && str_starts(str_of(url), "https://");
	enum http_failure f = in_tls ? HTTP_FAIL_TLS : r->failure;

	return (struct check_trouble){
		.step = failures[f].step, .advice = failures[f].advice,
		.finding = arena_printf(&c->arena, "%s: %s: %s (%s)", failures[f].step, check_authority(c, url), failures[f].what, r->detail),
	};
}

/* --- Telegram --- */

static const struct http_response *ask_telegram(struct check *c, struct tg_answer *out, const char *method, void (*build)(struct buf *to))
{
	const struct tg_api api = { .base_url = c->config.bot_api_url, .token = c->config.bot_token, .proxy = c->config.proxy };
	struct http_request request;
	const struct http_response *response;
	struct buf payload;
	enum err e;

	buf_init(&payload, PAYLOAD_BYTES_MAX);
	build(&payload);
	e = tg_request(&request, &c->arena, &api, method, str_of(arena_strdup(&c->arena, buf_cstr(&payload))), NULL);
	buf_release(&payload);
	response = e ? NULL : check_ask(c, &request);
	*out = (struct tg_answer){ .verdict = TG_BAD_REQUEST };
	if (response)
		tg_answer_read(out, &c->arena, response);
	return response;
}

static void say_unreachable(struct check *c, const struct http_response *response)
{
	struct check_trouble t = check_trouble_of(c, response, c->config.bot_api_url);

	if (c->config.proxy)
		check_say(c, CHECK_FAIL, "Telegram", "does the proxy of BOT_PROXY run, and does it let this machine through?", "through BOT_PROXY, %s", t.finding);
	else if (response->failure == HTTP_FAIL_RESOLVE)
		check_say(c, CHECK_FAIL, "Telegram", "does this machine's DNS work (getent hosts NAME)? Where Telegram is blocked: BOT_PROXY=socks5h://ADDRESS:PORT", "%s", t.finding);
	else
		check_say(c, CHECK_FAIL, "Telegram", "has this machine a way out? Where Telegram is blocked: BOT_PROXY=socks5h://ADDRESS:PORT", "%s", t.finding);
}

static void say_refused(struct check *c, const struct tg_answer *answer)
{
	if (answer->verdict == TG_UNAUTHORIZED)
		check_say(c, CHECK_FAIL, "Telegram", "copy BOT_TOKEN from @BotFather again (/mybots, API Token); after /revoke only the new one counts", "the token is not accepted (%d)", answer->status);
	else if (answer->verdict == TG_RETRY_AFTER)
		check_say(c, CHECK_WARN, "Telegram", "wait", "it wants to be left alone for %lld s", (long long)(answer->retry_after_ms / SECOND_MS));
	else if (answer->description.len)
		check_say(c, CHECK_FAIL, "Telegram", "try again later", "it says: %.*s (%d)", STR_ARG(answer->description), answer->status);
	else
		check_say(c, CHECK_FAIL, "Telegram", "try again later; if BOT_API_URL is set, is a Bot API server behind it?",
			"%s answers with status %d, and not as the Bot API does", check_authority(c, c->config.bot_api_url), answer->status);
}

/* Who else takes our updates. Only the host of a webhook is named: its path may be somebody's secret. */
static void check_webhook(struct check *c)
{
	struct tg_answer answer;
	const char *host;

	ask_telegram(c, &answer, "getWebhookInfo", tg_no_arguments);
	if (answer.verdict != TG_OK) {
		check_say(c, CHECK_WARN, "webhook", "try again later", "Telegram did not say whether there is one (%s)", tg_verdict_name(answer.verdict));
		return;
	}
	if (!answer.webhook_url.len) {
		check_say(c, CHECK_OK, "webhook", NULL, "none; %lld updates are waiting", (long long)answer.pending);
		return;
	}
	host = check_authority(c, str_dup(&c->arena, answer.webhook_url));
	if (c->take_over) {
		ask_telegram(c, &answer, "deleteWebhook", tg_delete_webhook);
		if (answer.verdict == TG_OK)
			check_say(c, CHECK_OK, "webhook", "if it comes back, another program still uses this token: /revoke it at @BotFather", "the one to %s is removed", host);
		else
			check_say(c, CHECK_FAIL, "webhook", "try again later", "the one to %s could not be removed (%s)", host, tg_verdict_name(answer.verdict));
	} else if (c->config.take_over) {
		check_say(c, CHECK_WARN, "webhook", NULL, "updates go to %s; the next `obol run` removes it (BOT_TAKE_OVER=1)", host);
	} else {
		check_say(c, CHECK_FAIL, "webhook", "if nobody needs it there: obol check --take-over, or BOT_TAKE_OVER=1", "updates go to %s, so this bot gets none", host);
	}
}

void check_telegram(struct check *c)
{
	struct tg_answer answer;
	const struct http_response *response = ask_telegram(c, &answer, "getMe", tg_no_arguments);

	if (response && response->date_ms) {
		c->peer_ms = response->date_ms;
		c->heard_ms = clock_now_ms();
	}
	if (response && response->failure) {
		say_unreachable(c, response);
		return;
	}
	if (answer.verdict != TG_OK) {
		say_refused(c, &answer);
		return;
	}
	check_say(c, CHECK_OK, "Telegram", NULL, "@%.*s answers in %lld ms%s", STR_ARG(answer.bot_username), (long long)response->duration_ms,
		c->config.proxy ? " through BOT_PROXY" : "");
	check_webhook(c);
}

/* --- the clock --- */

void check_clock(struct check *c)
{
	int64_t off_ms = c->heard_ms - c->peer_ms; /* the header counts whole seconds: half a second late on average */

	if (!c->heard_ms) {
		check_say(c, CHECK_WARN, "clock", "mend the connection to Telegram first", "not compared: nobody told the time");
		return;
	}
	if (off_ms > CLOCK_OFF_MS || off_ms < -CLOCK_OFF_MS)
		check_say(c, CHECK_WARN, "clock", "set it: timedatectl set-ntp true; expiry times and two-factor codes are wrong by as much",
			"%lld s %s of Telegram's", (long long)((off_ms < 0 ? -off_ms : off_ms) / SECOND_MS), off_ms > 0 ? "ahead" : "behind");
	else
		check_say(c, CHECK_OK, "clock", NULL, "agrees with Telegram's");
}

/* --- payment providers --- */

static struct str configured(void *ctx, const char *name)
{
	const struct config *config = ctx;
	const struct { const char *name, *value; } keys[] = {
		{ "CRYPTO_PAY_TOKEN", config->crypto_pay_token },
		{ "CRYPTO_PAY_URL", config->crypto_pay_url },
	};

	for (size_t i = 0; i < countof(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return str_of(keys[i].value);
	return STR("");
}

/* What the shop would use: the database's keys, before there are any those of the environment. */
static enum err find_account(struct pay_account *account, struct check *c, const struct pay_provider *p)
{
	enum err e = c->has_key ? provider_account(account, &c->act, &c->arena, p) : E_NOTFOUND;

	return e == E_NOTFOUND ? pay_account_init(account, p, configured, &c->config) : e;
}

static void probe(struct check *c, const struct pay_provider *p, const struct pay_account *account)
{
	struct pay_trouble trouble = { 0 };
	struct http_request request;
	const struct http_response *response;
	enum err e = p->probe_build(&request, &c->arena, account);

	if (e) {
		check_say(c, CHECK_FAIL, p->name, "enter its keys again", "no request can be made with its keys");
		return;
	}
	response = check_ask(c, &request);
	if (response->failure) {
		struct check_trouble t = check_trouble_of(c, response, request.url);

		check_say(c, CHECK_FAIL, p->name, t.advice, "%s", t.finding);
		return;
	}
	e = p->probe_read(&trouble, &c->arena, response);
	if (e == E_AUTH)
		check_say(c, CHECK_FAIL, p->name, "copy the token from the provider again and enter it with /settings", "the keys are not accepted (%s)", trouble.name);
	else if (e)
		check_say(c, CHECK_FAIL, p->name, "try again later; customers can pay by other means meanwhile", "answers with status %d (%s)", response->status, trouble.name);
	else
		check_say(c, CHECK_OK, p->name, NULL, "%s takes the keys, in %lld ms", check_authority(c, request.url), (long long)response->duration_ms);
}

void check_providers(struct check *c)
{
	for (size_t i = 0; i < pay_provider_count(); i++) {
		const struct pay_provider *p = pay_provider_at(i);
		struct pay_account account;
		enum err e;

		if (!p->probe_build)
			continue;
		e = find_account(&account, c, p);
		if (e == E_NOTFOUND)
			check_say(c, CHECK_OK, p->name, NULL, "not switched on");
		else if (e)
			check_say(c, CHECK_FAIL, p->name, "enter its keys again", "its keys cannot be used (%s)", err_name(e));
		else
			probe(c, p, &account);
	}
}
