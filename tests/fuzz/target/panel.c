/* What a panel answers, in each dialect (R023, R024, R289): an operation ends after a bounded number of calls, asks nobody but its panel
 * and sends no header that holds a line break, whatever cookie or token it was given; results keep their bounds; and
 * answers that arrive in pieces of any size are the same answers. First byte: what is asked and of which dialect, second:
 * how the pieces are cut. Then the answers, one part each, the last one again and again; one that begins with "HTTP nnn" has that
 * status and the header lines that follow, up to an empty line. */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xui/xui.h"

#define NOW INT64_C(1795000000000)
#define URL "https://panel.example:2053/base"
#define UUID "5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e"
#define CALLS_MAX 40
#define LOG_MAX ((size_t)64 << 20)
#define HEADERS_TAKEN_MAX 8

struct run {
	struct arena a;
	struct buf log; /* all that was asked and told, to compare */
	size_t pieces;
};

/* --- what is told --- */

static void put(struct run *r, struct str s)
{
	must(s.len <= LOG_MAX && (!s.len || s.at));
	buf_printf(&r->log, "%zu:", s.len);
	buf_add(&r->log, s);
}

static void put_client(struct run *r, const struct xui_client *c)
{
	const struct str texts[] = { c->email, c->uuid, c->password, c->auth, c->sub_id, c->flow, c->comment, c->raw };

	must(c->inbounds_count <= XUI_CLIENT_INBOUNDS_MAX);
	for (size_t i = 0; i < countof(texts); i++)
		put(r, texts[i]);
	for (size_t i = 0; i < c->inbounds_count; i++)
		buf_addi(&r->log, c->inbound_ids[i]);
	buf_printf(&r->log, "%" PRId64 " %" PRId64 " %" PRId64 " %d\n", c->quota_bytes, c->expires_ms, c->limit_ip, c->enabled);
}

static void put_traffic(struct run *r, const struct xui_traffic *t)
{
	put(r, t->email);
	buf_printf(&r->log, "%" PRId64 " %" PRId64 " %" PRId64 " %d\n", t->inbound_id, t->up_bytes, t->down_bytes, t->enabled);
}

static enum err on_client(void *ctx, const struct xui_client *c) { put_client(ctx, c); return OK; }
static enum err on_traffic(void *ctx, const struct xui_traffic *t) { put_traffic(ctx, t); return OK; }
static enum err on_online(void *ctx, const struct xui_online *o) { put(ctx, o->email); put(ctx, o->ip); return OK; }
static enum err on_bytes(void *ctx, struct str piece) { buf_add(&((struct run *)ctx)->log, piece); return OK; }

static void put_result(struct run *r, const struct xui_result *x)
{
	buf_printf(&r->log, "\n%s %d %zu ", err_name(x->err), x->is_unknown, x->listed);
	must(strlen(x->msg) <= XUI_MSG_MAX * 3 && fuzz_is_clean(str_of(x->msg)));
	must(x->inbounds_count <= XUI_INBOUNDS_MAX && x->hosts_count <= XUI_HOSTS_MAX && x->ips_count <= XUI_IPS_MAX);
	put(r, str_of(x->msg));
	put_client(r, &x->look.client);
	put_traffic(r, &x->look.traffic);
	put_traffic(r, &x->traffic);
	for (size_t i = 0; i < x->inbounds_count; i++) {
		put(r, x->inbounds[i].remark);
		put(r, x->inbounds[i].settings);
		put(r, x->inbounds[i].stream_settings);
	}
	for (size_t i = 0; i < x->hosts_count; i++)
		put(r, x->hosts[i].row);
	for (size_t i = 0; i < x->ips_count; i++)
		put(r, x->ips[i].ip);
	put(r, x->status.xray_version);
	put(r, x->settings.sub_uri);
}

/* --- what is asked --- */

static bool is_header_text(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7F)
			return false;
	return true;
}

static void check_request(struct run *r, const struct http_request *q)
{
	must(str_starts(str_of(q->url), URL "/") && is_header_text(q->url) && !strchr(q->url, ' '));
	must(q->headers_count <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < q->headers_count; i++)
		must(is_header_text(q->headers[i].name) && is_header_text(q->headers[i].value));
	buf_printf(&r->log, "\n> %s %s ", http_method_name(q->method), q->url);
	put(r, q->body);
}

/* --- the answers --- */

/* "HTTP 404", then "name: value" lines, an empty line, the body. */
static void answer_head(struct arena *a, struct http_response *answer, struct str *text)
{
	struct str line;
	int64_t status;

	answer->status = 200;
	if (!str_starts(*text, "HTTP "))
		return;
	line = str_cut(text, '\n');
	if (str_to_i64(&status, str_n(line.at + 5, line.len - 5)) == OK && status >= 100 && status < 600)
		answer->status = (int)status;
	while (text->at && answer->headers_count < HEADERS_TAKEN_MAX && (line = str_cut(text, '\n')).len) {
		char *name = str_dup(a, str_cut(&line, ':'));

		for (char *p = name; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
		if (!line.at || fuzz_has_control(line)) /* what curl would not bring */
			continue;
		answer->headers[answer->headers_count++] = (struct http_header){ name, str_dup(a, str_trim(line)) };
	}
	if (!text->at)
		*text = STR("");
}

static void bring_body(struct run *r, const struct http_request *q, struct http_response *answer, struct str body)
{
	size_t at = 0;

	if (!q->sink || answer->status < 200 || answer->status > 299) {
		answer->body = body;
		return;
	}
	for (size_t i = 0; at < body.len; i++) {
		size_t n = r->pieces ? 1 + (r->pieces * i) % 41 : body.len;
		char *piece;
		enum err e;

		n = n < body.len - at ? n : body.len - at;
		piece = fuzz_exact(str_n(body.at + at, n));
		e = q->sink(q->sink_ctx, str_n(piece, n));
		free(piece);
		if (e) {
			answer->failure = HTTP_FAIL_ABORTED;
			return;
		}
		at += n;
	}
}

static void play(struct run *r, unsigned what, struct str answers)
{
	static const char *const versions[] = { "", "2.8.5", "3.0.2", "3.6.0" };
	struct xui_panel panel = { .url = URL, .username = "u", .password = "p", .dialect = (enum xui_dialect)(what / XUI_WHATS % 4) };
	struct xui_client client = { .email = STR("u1"), .uuid = STR(UUID), .password = STR("pw"), .sub_id = STR("s1"), .enabled = true, .quota_bytes = 5 };
	struct xui_ask ask = { .what = (enum xui_what)(what % XUI_WHATS), .inbound_id = 3, .client = client, .want = client, .change = XUI_SET_ALL,
		.inbound = { .id = 3, .remark = STR("r"), .protocol = STR("vless"), .port = 443, .settings = STR("{}"),
			.stream_settings = STR("{}"), .sniffing = STR("{}"), .listen = STR(""), .tag = STR("") },
		.inbound_change = XUI_INBOUND_REMARK,
		.sinks = { .on_client = on_client, .on_traffic = on_traffic, .on_online = on_online, .on_bytes = on_bytes, .ctx = r } };
	struct http_request request;
	struct str text = STR("");
	enum xui_turn turn;
	struct xui_op *op;

	snprintf(panel.version, sizeof panel.version, "%s", versions[panel.dialect]);
	if (panel.dialect) {
		snprintf(panel.session.cookie, sizeof panel.session.cookie, "3x-ui=c");
		panel.session.created_ms = NOW - 1000;
		panel.session.expires_ms = NOW + 3000000;
	}
	op = xui_op_new(&r->a, &panel, &ask);
	turn = xui_op_step(op, NULL, NOW, &request);
	for (int calls = 0; turn == XUI_CALL; calls++) {
		struct http_response *answer = arena_new(&r->a, struct http_response);

		must(calls < CALLS_MAX);
		check_request(r, &request);
		if (answers.len)
			text = fuzz_part(&answers);
		else
			text = str_of(str_dup(&r->a, text));
		struct str body = text;

		answer_head(&r->a, answer, &body);
		bring_body(r, &request, answer, body);
		turn = xui_op_step(op, answer, NOW, &request);
	}
	put_result(r, xui_op_result(op));
	must(memchr(panel.session.cookie, '\0', XUI_COOKIE_MAX) && is_header_text(panel.session.cookie));
	must(memchr(panel.session.csrf, '\0', XUI_CSRF_MAX) && is_header_text(panel.session.csrf));
	must(memchr(panel.version, '\0', XUI_VERSION_MAX));
	xui_op_release(op);
	must(!r->log.over);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str answers = str_n((const char *)data, size);
	unsigned what = fuzz_byte(&answers);
	struct run whole = { .pieces = 0 }, cut = { .pieces = 1 + fuzz_byte(&answers) };

	buf_init(&whole.log, LOG_MAX);
	buf_init(&cut.log, LOG_MAX);
	play(&whole, what, answers);
	play(&cut, what, answers);
	must(str_eq(buf_str(&whole.log), buf_str(&cut.log)));
	buf_release(&whole.log);
	buf_release(&cut.log);
	arena_release(&whole.a);
	arena_release(&cut.a);
	return 0;
}
