/* Bytes from outside, spoilt in every way that is cheap to make: bits, cuts, doubled parts, odd words, depth, length. Whatever
 * comes, a parser ends with a value or an error, keeps its bounds and reads nothing behind the end: the sanitizers look
 * on, and each text ends where its memory does. The sequence is fixed, so what fails once fails again; ROUNDS=n asks
 * for more of it. */
#include "tests/unit/proves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/crypto/crypto.h"
#include "lib/links/inbound.h"
#include "lib/links/link_read.h"
#include "lib/pay/pay.h"
#include "lib/telegram/tg_answer.h"
#include "lib/telegram/tg_update.h"
#include "lib/xui/xui.h"

#define ROUNDS_USUAL 400
#define TEXT_MAX ((size_t)256 << 10)
#define CALLS_MAX 20
#define NOW INT64_C(1795000000000)
#define TOKEN "18475:AAH3docExampleTokenForVectors00000"

/* --- the sequence --- */

static uint32_t seed;

static size_t below(size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return n ? (size_t)(seed >> 8) % n : 0;
}

static int rounds(void)
{
	int64_t asked;

	return str_to_i64(&asked, str_of(getenv("ROUNDS"))) == OK ? (int)asked : ROUNDS_USUAL;
}

/* --- the spoiling --- */

static void put(struct buf *to, struct str text, size_t at, struct str what, size_t instead_of)
{
	buf_clear(to);
	buf_add(to, str_n(text.at, at));
	buf_add(to, what);
	buf_add(to, str_n(text.at + at + instead_of, text.len - at - instead_of));
}

/* One element of a list, again and again; lists inside texts, too. */
static void lengthen(struct buf *to, struct str text, size_t times)
{
	size_t from = below(text.len + 1), end;
	const char *open = memchr(text.at + from, '[', text.len - from);
	struct buf part;
	int depth = 0;

	if (!open)
		open = memchr(text.at, '[', text.len);
	if (!open) {
		put(to, text, 0, STR(""), 0);
		return;
	}
	from = end = (size_t)(open + 1 - text.at);
	for (; end < text.len && (depth || (text.at[end] != ',' && text.at[end] != ']')); end++)
		depth += text.at[end] == '{' || text.at[end] == '[' ? 1 : text.at[end] == '}' || text.at[end] == ']' ? -1 : 0;
	buf_init(&part, TEXT_MAX);
	while (times-- > 0 && part.len + text.len + end - from < TEXT_MAX / 2) {
		buf_add(&part, str_n(text.at + from, end - from));
		buf_addc(&part, ',');
	}
	put(to, text, from, buf_str(&part), 0);
	buf_release(&part);
}

static void spoil_once(struct buf *to, struct str text)
{
	static const char *const words[] = { "null", "-1", "1e999", "9223372036854775808", "\"", "\\", "\\u0000", "\\ud800", "{", "[", "]", "}", ",", ":",
		"\xff\xfe", "\xF0\x9F\x98\x80", "%", "%00", "%zz", "//", "@", "?", "&", "=", "#", "\n", "[]", "{}", "true", "\"5\"" };
	size_t at = below(text.len + 1), n = below(text.len - at + 1), times = 1 + below(600);
	struct buf part;

	switch (below(7)) {
	case 0: put(to, text, at, str_of(words[below(countof(words))]), 0); return;
	case 1: put(to, text, at, str_of(words[below(countof(words))]), n < 12 ? n : 12); return;
	case 2: put(to, text, at, STR(""), n < 40 ? n : 40); return;
	case 3: put(to, text, at, STR(""), text.len - at); return; /* cut off */
	case 5: lengthen(to, text, times); return;
	case 4: /* a part again and again: long lists, long names, depth */
		buf_init(&part, TEXT_MAX);
		n = n < 60 ? n : 60;
		while (times-- > 0 && part.len + text.len + n < TEXT_MAX / 2)
			buf_add(&part, str_n(text.at + at, n));
		put(to, text, at, buf_str(&part), 0);
		buf_release(&part);
		return;
	default:
		put(to, text, 0, STR(""), 0);
		if (text.len)
			to->at[below(text.len)] ^= (char)(1u << below(8));
	}
}

/* Memory of exactly that length: the byte behind it is nobody's. */
static char *spoilt(size_t *len, const char *text)
{
	struct buf a, b;
	char *out;

	buf_init(&a, 2 * TEXT_MAX);
	buf_init(&b, 2 * TEXT_MAX);
	buf_adds(&a, text);
	for (size_t i = 1 + below(4); i > 0; i--) {
		spoil_once(&b, buf_str(&a));
		buf_clear(&a);
		buf_add(&a, buf_str(&b));
	}
	*len = a.len;
	out = xmalloc(a.len ? a.len : 1);
	if (a.len)
		memcpy(out, a.at, a.len);
	buf_release(&a);
	buf_release(&b);
	return out;
}

typedef void feed(struct arena *a, struct str text);

static void feed_all(const char *const *texts, size_t count, feed *fn)
{
	log_set_level("error");
	seed = 1;
	for (int round = 0; round < rounds(); round++)
		for (size_t i = 0; i < count; i++) {
			struct arena a = { 0 };
			size_t len;
			char *text = spoilt(&len, texts[i]);

			fn(&a, str_n(text, len));
			free(text);
			arena_release(&a);
		}
}

#define FEED(texts, fn) feed_all((texts), countof(texts), (fn))

/* --- Telegram --- */

static const char *const updates[] = {
	"{\"update_id\":7,\"message\":{\"message_id\":3,\"from\":{\"id\":42,\"is_bot\":false,\"first_name\":\"An\\u006ea\",\"username\":\"anna\",\"language_code\":\"ru\"},"
	"\"chat\":{\"id\":42,\"type\":\"private\"},\"date\":1793612000,\"text\":\"/start r_ABCDEFGH\",\"entities\":[{\"type\":\"bot_command\",\"offset\":0,\"length\":6}]}}",
	"{\"update_id\":8,\"callback_query\":{\"id\":\"1\",\"from\":{\"id\":42,\"first_name\":\"A\"},\"message\":{\"message_id\":3,\"chat\":{\"id\":-100,\"type\":\"supergroup\"}},\"data\":\"buy:1:stars\"}}",
	"{\"update_id\":9,\"pre_checkout_query\":{\"id\":\"5\",\"from\":{\"id\":42},\"currency\":\"XTR\",\"total_amount\":350,\"invoice_payload\":\"inv_ABC\"}}",
	"{\"update_id\":10,\"message\":{\"message_id\":4,\"from\":{\"id\":42},\"chat\":{\"id\":42,\"type\":\"private\"},\"date\":1,\"successful_payment\":{\"currency\":\"XTR\","
	"\"total_amount\":350,\"invoice_payload\":\"inv_ABC\",\"telegram_payment_charge_id\":\"chg1\",\"provider_payment_charge_id\":\"\"}}}",
	"{\"update_id\":11,\"my_chat_member\":{\"chat\":{\"id\":42,\"type\":\"private\"},\"from\":{\"id\":42},\"date\":1,\"new_chat_member\":{\"status\":\"kicked\"}}}",
};

static void feed_update(struct arena *a, struct str text)
{
	struct tg_update u;

	if (tg_update_read(&u, a, text) == OK)
		assert_true(u.update_id > 0);
}

static const char *const answers[] = {
	"{\"ok\":true,\"result\":{\"message_id\":77,\"chat\":{\"id\":42,\"type\":\"private\"},\"photo\":[{\"file_id\":\"a\",\"width\":9},{\"file_id\":\"b\",\"width\":90}]}}",
	"{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 7\",\"parameters\":{\"retry_after\":7,\"migrate_to_chat_id\":-1001}}",
	"{\"ok\":true,\"result\":{\"transactions\":[{\"id\":\"chg1\",\"amount\":350,\"date\":1793612060,\"source\":{\"type\":\"user\",\"transaction_type\":\"invoice_payment\","
	"\"user\":{\"id\":42},\"invoice_payload\":\"inv_ABC\"}}]}}",
};

static void feed_answer(struct arena *a, struct str text)
{
	static const int statuses[] = { 200, 400, 403, 429, 502 };
	struct tg_transaction list[TG_TRANSACTIONS_MAX];
	struct tg_answer answer;
	size_t n = 0;

	for (size_t i = 0; i < countof(statuses); i++)
		tg_answer_read(&answer, a, &(struct http_response){ .status = statuses[i], .body = text });
	if (tg_transactions_read(list, &n, countof(list), a, text) == OK)
		assert_in_range(n, 0, TG_TRANSACTIONS_MAX);
}

static void test_telegram(void **state)
{
	(void)state;
	FEED(updates, feed_update);
	FEED(answers, feed_answer);
}

/* --- panels --- */

#define IN_TEXT "{\\\"clients\\\":[{\\\"id\\\":\\\"5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e\\\",\\\"email\\\":\\\"u1\\\",\\\"enable\\\":true,\\\"expiryTime\\\":1,\\\"totalGB\\\":\\\"5\\\"}]}"
static const char *const panel_answers[] = {
	"{\"success\":true,\"msg\":\"\",\"obj\":{\"id\":3,\"protocol\":\"vless\",\"port\":443,\"enable\":true,\"settings\":\"" IN_TEXT "\",\"streamSettings\":\"{\\\"network\\\":\\\"tcp\\\"}\",\"clientStats\":null}}",
	"{\"success\":true,\"msg\":\"\",\"obj\":[{\"id\":3,\"remark\":\"DE\",\"protocol\":\"vless\",\"port\":443,\"enable\":true,\"settings\":\"" IN_TEXT "\",\"clientStats\":[{\"email\":\"u1\",\"up\":1,\"down\":2}]}]}",
	"{\"success\":true,\"msg\":\"\",\"obj\":{\"client\":{\"id\":2,\"email\":\"u1\",\"uuid\":\"5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e\",\"enable\":true,\"allowedIPs\":\"10.0.0.2/32\"},\"inboundIds\":[3,4]}}",
	"{\"success\":true,\"msg\":\"\",\"obj\":{\"id\":17,\"inboundId\":3,\"enable\":true,\"email\":\"u1\",\"up\":3,\"down\":4,\"total\":10,\"expiryTime\":0,\"reset\":0}}",
	"{\"success\":true,\"msg\":\"\",\"obj\":[\"u1\",{\"email\":\"u2\",\"inboundId\":3}]}",
	"{\"success\":true,\"msg\":\"\",\"obj\":\"1.2.3.4\\n5.6.7.8\"}",
	"{\"success\":true,\"msg\":\"\",\"obj\":{\"cpu\":1.5,\"panelVersion\":\"3.6.0\",\"xray\":{\"state\":\"running\"},\"subURI\":\"https://s/\"}}",
	"{\"success\":false,\"msg\":\"Something went wrong (Duplicate email: u1)\",\"obj\":null}",
	"<!doctype html>\n<html><link href=\"/assets/ant.css?2.8.5\"><meta name=\"csrf-token\" content=\"tok\"></html>",
};

static enum err forget_client(void *ctx, const struct xui_client *c) { (void)ctx; (void)c; return OK; }
static enum err forget_traffic(void *ctx, const struct xui_traffic *t) { (void)ctx; (void)t; return OK; }
static enum err forget_online(void *ctx, const struct xui_online *o) { (void)ctx; (void)o; return OK; }
static enum err forget_bytes(void *ctx, struct str piece) { (void)ctx; (void)piece; return OK; }

/* One operation that gets this answer to everything it asks. */
static void ask_with(struct arena *a, enum xui_dialect dialect, enum xui_what what, struct str text)
{
	struct xui_panel panel = { .url = "https://panel.example:2053", .username = "u", .password = "p", .dialect = dialect };
	struct xui_ask ask = { .what = what, .inbound_id = 3, .client = { .email = STR("u1"), .uuid = STR("5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e"), .sub_id = STR("s1") },
		.sinks = { .on_client = forget_client, .on_traffic = forget_traffic, .on_online = forget_online, .on_bytes = forget_bytes } };
	struct http_request request;
	enum xui_turn turn;
	struct xui_op *op;

	snprintf(panel.version, sizeof panel.version, dialect == XUI_A ? "2.8.5" : dialect == XUI_B ? "3.0.2" : "3.6.0");
	snprintf(panel.session.cookie, sizeof panel.session.cookie, "3x-ui=c");
	panel.session.created_ms = NOW - 1000;
	panel.session.expires_ms = NOW + 3000000;
	op = xui_op_new(a, &panel, &ask);
	turn = xui_op_step(op, NULL, NOW, &request);
	for (int calls = 0; turn == XUI_CALL; calls++) {
		struct http_response answer = { .status = 200 };

		assert_true(calls < CALLS_MAX);
		if (!request.sink)
			answer.body = text;
		else if (text.len && request.sink(request.sink_ctx, text))
			answer.failure = HTTP_FAIL_ABORTED;
		turn = xui_op_step(op, &answer, NOW, &request);
	}
	xui_op_release(op);
}

static void feed_panel(struct arena *a, struct str text)
{
	static const enum xui_what whats[] = { XUI_LOOK, XUI_INBOUNDS, XUI_CLIENTS, XUI_TRAFFIC_BY_UUID, XUI_ONLINES, XUI_IPS, XUI_STATUS, XUI_SETTINGS, XUI_UPDATE,
		XUI_PROBE };
	static const enum xui_dialect dialects[] = { XUI_A, XUI_B, XUI_C };

	ask_with(a, dialects[below(countof(dialects))], whats[below(countof(whats))], text);
	ask_with(a, dialects[below(countof(dialects))], whats[below(countof(whats))], text);
}

static void test_panel(void **state)
{
	(void)state;
	FEED(panel_answers, feed_panel);
}

/* --- providers --- */

static const char *const provider_bodies[] = {
	"{\"update_id\":1,\"update_type\":\"invoice_paid\",\"request_date\":\"2026-11-02T10:00:00.000Z\",\"payload\":{\"invoice_id\":5,\"hash\":\"h\",\"currency_type\":\"fiat\",\"fiat\":\"RUB\","
	"\"amount\":\"299.00\",\"paid_asset\":\"USDT\",\"paid_amount\":\"3.5\",\"status\":\"paid\",\"payload\":\"inv_ABC\",\"paid_at\":\"2026-11-02T10:00:00.000Z\"}}",
	"{\"ok\":true,\"result\":{\"items\":[{\"invoice_id\":5,\"currency_type\":\"crypto\",\"asset\":\"USDT\",\"amount\":\"5\",\"status\":\"active\",\"payload\":\"inv_ABC\",\"pay_url\":\"https://t.me/x\"}]}}",
	"{\"ok\":false,\"error\":{\"code\":429,\"name\":\"TOO_MANY_REQUESTS\"}}",
};

static struct str lookup(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "CRYPTO_PAY_TOKEN") == 0 ? STR(TOKEN) : str_of(NULL);
}

/* Signed by the provider, so that what is behind the signature is reached. */
static void feed_provider(struct arena *a, struct str text)
{
	unsigned char key[SHA256_BYTES];
	char signature[SHA256_HEX_CHARS + 1];
	const struct http_response response = { .status = 200, .body = text };
	struct pay_trouble trouble = { .name = "" };
	struct pay_event *events = NULL;
	struct pay_account account;
	struct pay_created created;
	struct pay_callback c;
	struct pay_inbound in = { .method = HTTP_POST, .body = text, .headers_count = 1, .now_ms = NOW };
	const struct http_header header = { "crypto-pay-api-signature", signature };
	size_t n = 0;

	assert_int_equal(pay_account_init(&account, &pay_crypto_pay, lookup, NULL), OK);
	crypto_sha256(key, STR(TOKEN));
	crypto_hmac_sha256_hex(signature, str_n((const char *)key, sizeof key), text);
	in.headers = &header;
	pay_crypto_pay.callback_read(&c, a, &account, &in);
	pay_crypto_pay.create_read(&created, &trouble, a, &account, &response);
	pay_crypto_pay.poll_read(&events, &n, &trouble, a, &response);
}

static void test_provider(void **state)
{
	(void)state;
	FEED(provider_bodies, feed_provider);
}

/* --- links --- */

static const char *const links[] = {
	"vless://5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e@vpn.example.com:443?type=tcp&security=reality&pbk=k&sid=a1&flow=xtls-rprx-vision#DE%20%D0%AF",
	"vmess://eyJ2IjoiMiIsInBzIjoiYSIsImFkZCI6InZwbi5leGFtcGxlIiwicG9ydCI6IjQ0MyIsImlkIjoiNWIyYzZhM2UtNmYwZS00YjUyLTlmN2UtMGM1YTNmMWIyZDRlIiwibmV0Ijoid3MifQ==",
	"trojan://p%40ss@[2001:db8::1]:8443?sni=a.example&alpn=h2%2Chttp%2F1.1#x",
	"ss://MjAyMi1ibGFrZTMtYWVzLTI1Ni1nY206QUFBQTpCQkJC@h.example:8388#s", "hy2://auth@h.example:443?insecure=1&obfs=salamander#h",
	"wireguard://key@h.example:51820?publickey=p&address=10.0.0.2%2F32&mtu=1420#w", "https://t.me/proxy?server=h.example&port=443&secret=ee00",
};

static void feed_link(struct arena *a, struct str text)
{
	struct link_parts parts;

	if (link_read(&parts, a, text) == OK)
		assert_true(parts.params_count <= LINK_PARAMS_MAX && parts.port > 0 && parts.port < 65536);
}

static const char *const inbounds[] = {
	"{\"id\":3,\"protocol\":\"vless\",\"port\":443,\"listen\":\"\",\"remark\":\"DE\",\"settings\":\"{\\\"decryption\\\":\\\"none\\\",\\\"fallbacks\\\":[{\\\"dest\\\":\\\"@x\\\"}]}\","
	"\"streamSettings\":\"{\\\"network\\\":\\\"ws\\\",\\\"security\\\":\\\"tls\\\",\\\"tlsSettings\\\":{\\\"serverName\\\":\\\"a\\\",\\\"alpn\\\":[\\\"h2\\\"]},\\\"wsSettings\\\":{\\\"path\\\":\\\"/\\\"},"
	"\\\"externalProxy\\\":[{\\\"dest\\\":\\\"b\\\",\\\"port\\\":1,\\\"forceTls\\\":\\\"same\\\"}]}\"}",
	"[{\"remark\":\"h\",\"address\":\"a.example\",\"port\":443,\"alpn\":[\"h2\",\"h3\"],\"enable\":true}]",
};

static void feed_inbound(struct arena *a, struct str text)
{
	struct link_inbound in = { .port = 0 };
	struct link_client client;

	link_client_read(&client, a, text);
	if (link_inbound_read(&in, a, text) == OK)
		assert_true(in.fallbacks_count <= LINK_FALLBACKS_MAX && in.proxies_count <= LINK_ENDPOINTS_MAX);
	if (link_hosts_read(&in, a, text) == OK)
		assert_true(in.hosts_count <= LINK_ENDPOINTS_MAX);
}

static void test_links(void **state)
{
	(void)state;
	FEED(links, feed_link);
	FEED(inbounds, feed_inbound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_telegram, "R289"),
		proves(test_panel, "R289"),
		proves(test_provider, "R289"),
		proves(test_links, "R289"),
	};

	return cmocka_run_group_tests_name("mangled", tests, NULL, NULL);
}
