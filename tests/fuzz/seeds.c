/* See seeds.h. */
#include "tests/fuzz/seeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/chat/router.h"
#include "bot/shop/session.h"
#include "bot/tables.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/json_read.h"
#include "lib/crypto/crypto.h"
#include "lib/i18n/i18n_private.h"
#include "lib/xui/xui.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shop.h"
#include "tests/sim/botapi.h"

#define DATA "tests/vectors/data/"
#define FILE_BYTES_MAX ((size_t)16 << 20)
#define SEED_BYTES_MAX ((size_t)8 << 10) /* longer ones teach little and cost much */
#define NOW INT64_C(1793612000000)
#define SEEDS_MAX 8192
#define STORY_ANSWERS 4
#define TOKEN_GROWS (SESSION_TOKEN_CHARS - 2) /* over the word that stands for it */

struct seeding {
	fuzz_seed *fn;
	void *ctx;
	struct arena a;
	char (*given)[SHA256_HEX_CHARS + 1]; /* what was there already: panels say the same again and again */
	size_t given_count;
};

static bool is_given(struct seeding *s, struct str input)
{
	char hash[SHA256_HEX_CHARS + 1];

	crypto_sha256_hex(hash, input);
	for (size_t i = 0; i < s->given_count; i++)
		if (memcmp(hash, s->given[i], sizeof hash) == 0)
			return true;
	must(s->given_count < SEEDS_MAX);
	memcpy(s->given[s->given_count++], hash, sizeof hash);
	return false;
}

static void give(struct seeding *s, struct str input)
{
	if (input.len <= SEED_BYTES_MAX && !is_given(s, input))
		s->fn(s->ctx, input);
}

static void give_printf(struct seeding *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void give_printf(struct seeding *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	give(s, str_of(arena_vprintf(&s->a, format, args)));
	va_end(args);
}

/* A zero cannot stand in a format's text. */
static void give_behind(struct seeding *s, unsigned first, unsigned second, struct str rest)
{
	char *out = arena_alloc(&s->a, rest.len + 3);

	out[0] = (char)first;
	out[1] = (char)second;
	memcpy(out + 2, rest.at, rest.len);
	give(s, str_n(out, rest.len + 2));
}

/* --- files --- */

static struct str file_text(struct seeding *s, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf text;
	char bytes[4096];
	size_t n;

	must(f);
	buf_init(&text, FILE_BYTES_MAX);
	while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
		buf_add(&text, str_n(bytes, n));
	must(!ferror(f) && !text.over);
	fclose(f);
	n = text.len;
	struct str copy = str_n(str_dup(&s->a, buf_str(&text)), n);
	buf_release(&text);
	return copy;
}

static const char *text_of(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* The text of a recorded body: JSON in our own writing, or as it was. */
static struct str body_of(struct json_object *response)
{
	struct json_object *body = json_at(response, "body");

	if (json_object_is_type(body, json_type_string))
		return json_str_at(response, "body");
	return body ? str_of(text_of(body)) : STR("");
}

static const char *const recordings[] = {
	"v2.8.5", "v2.8.5-access", "v2.8.5-life", "v2.9.4", "v2.9.4-access", "v2.9.4-life", "v3.0.2", "v3.0.2-access", "v3.0.2-life", "v3.1.0", "v3.6.0",
};

typedef void each_exchange(struct seeding *s, enum xui_dialect dialect, struct str path, struct json_object *response);

static void each_recorded(struct seeding *s, each_exchange *fn)
{
	for (size_t i = 0; i < countof(recordings); i++) {
		struct str rest = file_text(s, arena_printf(&s->a, DATA "panel-recordings/%s.jsonl", recordings[i]));
		enum xui_dialect dialect = recordings[i][1] == '2' ? XUI_A : recordings[i][3] == '0' ? XUI_B : XUI_C;
		struct json_object *line;

		while (rest.at) {
			struct str text = str_cut(&rest, '\n');

			if (json_parse(&line, text) != OK)
				continue;
			if (json_at(line, "response"))
				fn(s, dialect, json_str_at(line, "request.path"), json_at(line, "response"));
			json_object_put(line);
		}
	}
}

/* --- panels --- */

/* The lists that were recorded are long: one inbound, as if it were a list of two. NULL: the answer is none. */
static const char *list_of(struct seeding *s, struct json_object *response)
{
	struct json_object *obj = json_at(response, "body.obj");
	const char *text;

	if (!json_at(obj, "settings"))
		return NULL;
	text = text_of(obj);
	return arena_printf(&s->a, "{\"success\":true,\"msg\":\"\",\"obj\":[%s,%s]}", text, text);
}

static void cut_seed(struct seeding *s, enum xui_dialect dialect, struct str path, struct json_object *response)
{
	const char *list = list_of(s, response);

	(void)dialect;
	for (unsigned set = 2; list && set < 4; set++)
		give_behind(s, set, 5, str_of(list));
	give_behind(s, str_has(path, "list") ? 2 : (unsigned)body_of(response).len % 5, 11, body_of(response));
}

static void read_seed(struct seeding *s, enum xui_dialect dialect, struct str path, struct json_object *response)
{
	(void)dialect;
	(void)path;
	give(s, body_of(response));
}

/* Which operation gets such an answer. */
static enum xui_what what_of(struct str path)
{
	static const struct { const char *part; enum xui_what what; } paths[] = {
		{ "getClientTrafficsById", XUI_TRAFFIC_BY_UUID }, { "inbounds/list", XUI_CLIENTS }, { "inbounds/get", XUI_LOOK }, { "clients/get", XUI_LOOK },
		{ "clients/list", XUI_CLIENTS }, { "onlines", XUI_ONLINES }, { "clientIps", XUI_IPS }, { "ips", XUI_IPS }, { "server/status", XUI_STATUS },
		{ "setting", XUI_SETTINGS }, { "addClient", XUI_ADD }, { "clients/add", XUI_ADD }, { "updateClient", XUI_UPDATE }, { "clients/update", XUI_UPDATE },
		{ "reset", XUI_RESET }, { "delClient", XUI_DELETE }, { "clients/del", XUI_DELETE }, { "getDb", XUI_BACKUP }, { "inbounds/add", XUI_INBOUND_ADD },
		{ "inbounds/update", XUI_INBOUND_UPDATE }, { "inbounds", XUI_INBOUNDS },
	};

	for (size_t i = 0; i < countof(paths); i++)
		if (str_has(path, paths[i].part))
			return paths[i].what;
	return XUI_PROBE;
}

/* An answer as the panel target takes it. */
static void add_answer(struct buf *to, struct json_object *response)
{
	struct json_object *headers = json_at(response, "headers");

	buf_printf(to, "HTTP %" PRId64 "\n", json_i64_at(response, "status", 200));
	if (json_at(headers, "set-cookie"))
		buf_printf(to, "set-cookie: %.*s\n", STR_ARG(json_str_at(headers, "set-cookie")));
	buf_addc(to, '\n');
	buf_add(to, body_of(response));
}

static void panel_seed(struct seeding *s, enum xui_dialect dialect, struct str path, struct json_object *response)
{
	static struct buf story;
	static int answers;
	enum xui_what what = what_of(path);
	const char *list = list_of(s, response);
	struct buf one;

	if (list) {
		give_behind(s, (unsigned)XUI_CLIENTS + XUI_WHATS * (unsigned)dialect, 3, str_of(list));
		give_behind(s, (unsigned)XUI_INBOUNDS + XUI_WHATS * (unsigned)dialect, 3, str_of(list));
	}
	buf_init(&one, FILE_BYTES_MAX);
	add_answer(&one, response);
	give_behind(s, (unsigned)what + XUI_WHATS * (unsigned)dialect, 3, buf_str(&one));
	/* and several behind each other, for a panel that nothing is known of */
	story.max = FILE_BYTES_MAX;
	if (answers++)
		buf_adds(&story, FUZZ_PART);
	buf_add(&story, buf_str(&one));
	if (answers == STORY_ANSWERS) {
		give_behind(s, (unsigned)what, 7, buf_str(&story));
		answers = 0;
		buf_release(&story);
	}
	buf_release(&one);
}

static void json_cut_seeds(struct seeding *s) { each_recorded(s, cut_seed); }
static void panel_seeds(struct seeding *s) { each_recorded(s, panel_seed); }

/* --- Telegram --- */

struct chat {
	struct botapi *telegram;
	struct seeding *s;
	bool give_answers;
	struct str body;
};

static void call(struct chat *c, const char *method, const char *payload)
{
	struct sim_request r = { .method = HTTP_POST, .path = str_of(arena_printf(&c->s->a, "/bot" BOTAPI_TOKEN "/%s", method)),
		.headers = { { "content-type", "application/json" } }, .headers_count = 1, .body = str_of(payload), .now_ms = NOW, .arena = &c->s->a, .connection = 1 };
	struct sim_response answer = { .status = 0 };

	botapi_handle(c->telegram, &r, &answer);
	c->body = answer.body;
	if (c->give_answers)
		give_printf(c->s, "%d" FUZZ_PART "%.*s", answer.status, STR_ARG(answer.body));
}

/* A few people's doings, which give updates and answers of every kind that we read. */
static void chat(struct chat *c)
{
	struct botapi *b = c->telegram;
	int64_t anna, group;

	botapi_set_now(b, NOW);
	anna = botapi_user_new(b, "Анна <b>", "anna", "ru");
	group = botapi_group_new(b, "Admins", true);
	call(c, "getMe", "{}");
	call(c, "getWebhookInfo", "{}");
	botapi_say(b, anna, "/start r_ABCDEFGH");
	botapi_say_in(b, group, anna, "/panels@" BOTAPI_USERNAME " 1");
	call(c, "sendMessage", arena_printf(&c->s->a, "{\"chat_id\":%" PRId64 ",\"text\":\"<b>hi</b>\",\"parse_mode\":\"HTML\",\"reply_markup\":{\"inline_keyboard\":"
		"[[{\"text\":\"Buy\",\"callback_data\":\"buy:1:stars\"}]]}}", anna));
	call(c, "sendMessage", arena_printf(&c->s->a, "{\"chat_id\":%" PRId64 ",\"text\":\"<b>hi\",\"parse_mode\":\"HTML\"}", anna));
	call(c, "sendMessage", "{\"chat_id\":77,\"text\":\"hi\"}");
	call(c, "editMessageText", "{\"chat_id\":77,\"message_id\":1,\"text\":\"hi\"}");
	call(c, "noSuchMethod", "{}");
	botapi_tap_data(b, anna, 2, "buy:1:stars");
	botapi_tap_data(b, anna, 3, "order:A7K29QX4M1:cancel");
	botapi_send_photo(b, anna, STR("JPEG"), "a caption");
	botapi_send_contact(b, anna, "+7 900 000-00-00", anna);
	botapi_forward(b, anna, 0, "forwarded");
	call(c, "sendInvoice", arena_printf(&c->s->a, "{\"chat_id\":%" PRId64 ",\"title\":\"t\",\"description\":\"d\",\"payload\":\"inv_ABCDEFGHJKMNPQRSTVWXYZ0123\",\"currency\":\"XTR\","
		"\"prices\":[{\"label\":\"p\",\"amount\":300}]}", anna));
	for (int64_t id = 1; id < 12; id++)
		botapi_pay(b, anna, id);
	botapi_pay_silently(b, anna, "inv_ABCDEFGHJKMNPQRSTVWXYZ0123", 300);
	call(c, "getStarTransactions", "{\"offset\":0,\"limit\":100}");
	botapi_block(b, anna);
	call(c, "getUpdates", "{\"offset\":0,\"limit\":100,\"timeout\":0,\"allowed_updates\":[\"message\",\"callback_query\",\"pre_checkout_query\",\"my_chat_member\"]}");
}

static struct chat chat_open(struct seeding *s, bool give_answers)
{
	struct chat c = { .telegram = botapi_new(NULL), .s = s, .give_answers = give_answers };

	chat(&c);
	return c;
}

/* What the model does not say but Telegram does. */
static const char *const odd_updates[] = {
	"{\"update_id\":10,\"message\":{\"message_id\":4,\"from\":{\"id\":42},\"chat\":{\"id\":42,\"type\":\"private\"},\"date\":1,\"successful_payment\":{\"currency\":\"XTR\","
	"\"total_amount\":350,\"invoice_payload\":\"inv_ABC\",\"telegram_payment_charge_id\":\"chg1\",\"provider_payment_charge_id\":\"\",\"is_recurring\":true,"
	"\"subscription_expiration_date\":1795000000}}}",
	"{\"update_id\":11,\"message\":{\"message_id\":5,\"from\":{\"id\":42},\"chat\":{\"id\":42,\"type\":\"private\"},\"date\":1,\"refunded_payment\":{\"currency\":\"XTR\","
	"\"total_amount\":350,\"invoice_payload\":\"inv_ABC\",\"telegram_payment_charge_id\":\"chg1\"}}}",
	"{\"update_id\":12,\"subscription\":{\"user\":{\"id\":42},\"invoice_payload\":\"inv_ABC\",\"state\":\"canceled\"}}",
	"{\"update_id\":13,\"callback_query\":{\"id\":\"1\",\"from\":{\"id\":42},\"inline_message_id\":\"x\",\"data\":\"::\"}}",
	"{\"update_id\":15,\"message\":{\"message_id\":7,\"from\":{\"id\":42,\"first_name\":\"A\\u0007\\ud83d\\ude00\","
	"\"last_name\":\"\\ud83d\"},\"chat\":{\"id\":42,\"type\":\"private\"},"
	"\"date\":\"1793612000\",\"text\":\"/start r_\\u0000\\u202e\\n\\tx\"}}",
	"{\"update_id\":14,\"message\":{\"message_id\":6,\"chat\":{\"id\":-1,\"type\":\"group\"},\"date\":1,\"migrate_to_chat_id\":-100}}",
};

static void update_seeds(struct seeding *s)
{
	struct chat c = chat_open(s, false);
	struct json_element element;
	struct str rest;

	must(json_list_open(&rest, c.body, "result") == OK);
	while (json_list_next(&element, &s->a, &rest, SEED_BYTES_MAX) == OK)
		give(s, element.text);
	for (size_t i = 0; i < countof(odd_updates); i++)
		give(s, str_of(odd_updates[i]));
	botapi_free(c.telegram);
}

static void bot_api_seeds(struct seeding *s)
{
	struct chat c = chat_open(s, true);

	give_printf(s, "429" FUZZ_PART "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 7\",\"parameters\":{\"retry_after\":7}}");
	give_printf(s, "400" FUZZ_PART "{\"ok\":false,\"error_code\":400,"
		"\"description\":\"Bad Request: group chat was upgraded to a supergroup chat\",\"parameters\":{\"migrate_to_chat_id\":-1001}}");
	give_printf(s, "429" FUZZ_PART "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests\",\"parameters\":{\"retry_after\":99999999999}}");
	give_printf(s, "502" FUZZ_PART "<html>Bad Gateway</html>");
	give_printf(s, "0u" FUZZ_PART);
	give_printf(s, "0b" FUZZ_PART);
	botapi_free(c.telegram);
}

static void json_read_seeds(struct seeding *s)
{
	struct chat c = chat_open(s, false);

	give(s, c.body);
	for (size_t i = 0; i < countof(odd_updates); i++)
		give(s, str_of(odd_updates[i]));
	botapi_free(c.telegram);
	each_recorded(s, read_seed);
}

/* --- vectors --- */

static struct json_object *vectors(struct seeding *s, const char *path)
{
	struct json_object *root;

	must(json_parse(&root, file_text(s, path)) == OK);
	return root;
}

static struct str lines_of(struct seeding *s, struct json_object *text)
{
	struct buf out;
	struct str copy;

	if (!json_object_is_type(text, json_type_array))
		return text ? str_of(json_object_get_string(text)) : STR("");
	buf_init(&out, FILE_BYTES_MAX);
	for (size_t i = 0; i < json_len(text); i++)
		buf_printf(&out, "%s%s", i ? "\n" : "", json_object_get_string(json_object_array_get_idx(text, i)));
	copy = str_of(str_dup(&s->a, buf_str(&out)));
	buf_release(&out);
	return copy;
}

static void link_read_seeds(struct seeding *s)
{
	struct json_object *root = vectors(s, DATA "link-vectors.json"), *list = json_array_at(root, "vectors");

	for (size_t i = 0; i < json_len(list); i++) {
		struct str rest = lines_of(s, json_at(json_object_array_get_idx(list, i), "expect"));

		while (rest.at)
			give(s, str_cut(&rest, '\n'));
	}
	json_object_put(root);
}

static void link_build_seeds(struct seeding *s)
{
	struct json_object *root = vectors(s, DATA "link-vectors.json"), *list = json_array_at(root, "vectors");

	for (size_t i = 0; i < json_len(list); i++) {
		struct json_object *v = json_object_array_get_idx(list, i), *hosts = json_at(v, "hosts");

		for (unsigned style = 0; style < 8; style += 3)
			give_printf(s, "%c%s" FUZZ_PART "%s" FUZZ_PART "%s" FUZZ_PART "%.*s", (int)('0' + style), arena_strdup(&s->a, text_of(json_at(v, "inbound"))),
				arena_strdup(&s->a, text_of(json_at(v, "client"))), hosts ? text_of(hosts) : "", STR_ARG(json_str_at(v, "host")));
	}
	json_object_put(root);
}

static void callback_seeds(struct seeding *s)
{
	struct json_object *root = vectors(s, DATA "payment-vectors.json"), *list = json_array_at(root, "providers.cryptopay.vectors");

	for (size_t i = 0; i < json_len(list); i++) {
		struct json_object *v = json_object_array_get_idx(list, i);
		struct str signature = json_str_at(v, "headers.crypto-pay-api-signature");

		give_printf(s, "%.*s" FUZZ_PART "crypto-pay-api-signature: %.*s\ncontent-type: application/json" FUZZ_PART FUZZ_PART "%.*s",
			STR_ARG(json_str_at(v, "token")), STR_ARG(signature), STR_ARG(json_str_at(v, "body")));
	}
	give_printf(s, "1:token0123456789" FUZZ_PART FUZZ_PART FUZZ_PART "{\"ok\":true,\"result\":{\"items\":[{\"invoice_id\":5,\"currency_type\":\"crypto\",\"asset\":\"USDT\","
		"\"amount\":\"5\",\"status\":\"active\",\"payload\":\"inv_ABC\",\"pay_url\":\"https://t.me/x\"}]}}");
	give_printf(s, "1:token0123456789" FUZZ_PART FUZZ_PART FUZZ_PART "{\"ok\":true,\"result\":{\"invoice_id\":5,"
		"\"bot_invoice_url\":\"https://t.me/x\",\"pay_url\":\"https://t.me/x\"}}");
	give_printf(s, "1:token0123456789" FUZZ_PART FUZZ_PART FUZZ_PART "{\"ok\":false,\"error\":{\"code\":429,\"name\":\"TOO_MANY_REQUESTS\"}}");
	json_object_put(root);
}

/* --- our own files and tables --- */

/* Each family of texts is a file of its own. */
static void locale_seeds(struct seeding *s)
{
	for (size_t i = 0; i < i18n_builtins_count; i++) {
		struct json_object *root;

		must(json_parse(&root, str_n((const char *)i18n_builtins[i].bytes, i18n_builtins[i].len)) == OK);
		json_object_object_foreach(root, family, texts)
			give_printf(s, "{\"%s\":%s}" FUZZ_PART "<b>\"&x</a>", family, text_of(texts));
		json_object_put(root);
	}
}

/* Every line of the sample, alone and together; what stands in it as a comment, too. */
static void config_seeds(struct seeding *s)
{
	static const char token[] = "BOT_TOKEN=123456789:AAExampleExampleExampleExampleExample\n";
	struct str rest = file_text(s, "deploy/obol.env");
	struct buf all;

	buf_init(&all, FILE_BYTES_MAX);
	buf_adds(&all, token);
	while (rest.at) {
		struct str line = str_trim(str_cut(&rest, '\n'));

		while (line.len && (*line.at == '#' || *line.at == ' '))
			line = str_n(line.at + 1, line.len - 1);
		if (!line.len || *line.at < 'A' || *line.at > 'Z' || !memchr(line.at, '=', line.len))
			continue;
		buf_printf(&all, "%.*s\n", STR_ARG(line));
		give_printf(s, "%s%.*s\n", token, STR_ARG(line));
	}
	give(s, buf_str(&all));
	buf_release(&all);
	give_printf(s, "BOT_TOKEN=s3cr3t\nBOT_PROXY=s3cr3t\nXUI_PANEL_PASSWORD='s3cr3t'\nexport CRYPTO_PAY_TOKEN=s3cr3t");
	give_printf(s, "%sXUI_BASE_URL=https://panel.example.com:2053/x/\nXUI_USERNAME=u\nXUI_PASSWORD=\"p w\"\n"
		"TZ_SHOP=Europe/Moscow\nADMIN_ALLOW=10.0.0.0/8,::1\nBOT_ADMINS=1, 2\n", token);
}

static void verb_seeds(struct seeding *s, const char *verb)
{
	give_printf(s, "t%s\nt%s:1\nt%s:$s\nt%s:$o\nt%s:$p\nt%s:$u:$t", verb, verb, verb, verb, verb, verb);
	give_printf(s, "t%s:$O\nt%s:$O:$t\nt%s:1:stars\nt%s:$i:1\nmtext\nt%s:$s:$t", verb, verb, verb, verb, verb);
}

static void taps_seeds(struct seeding *s)
{
	const struct router_tables *registered[ROUTER_TABLES_MAX];
	size_t n;

	fuzz_shop();
	n = router_tables(registered);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < registered[i]->verbs_count; k++)
			verb_seeds(s, registered[i]->verbs[k].verb);
		for (size_t k = 0; k < registered[i]->commands_count; k++) {
			const char *name = registered[i]->commands[k].name;

			give_printf(s, "m/%s\nm/%s $s\nm/%s 1 $u\nmtyped text\ng/%s@demo_shop_bot $o", name, name, name, name);
		}
	}
	give_printf(s, "m/start r_$r\nm/start r_$R\nm/start o_$p\nm/start o_$O\nm/start p_1\nm/start a_$u\nm/start $r");
	give_printf(s, "tclaim\nmhttps://sub.test/s/abc\ntclaim\nmvless://5b2c6a3e-6f0e-4b52-9f7e-0c5a3f1b2d4e@h.example:443?type=tcp#x");
	give_printf(s, "p$i\npinv_ABC\ncphone\nfforwarded\nttrial\ntconnect");
}

static void http_seeds(struct seeding *s)
{
	static const char *const bodies[] = {
		"", "{\"email\":\"x@example.test\",\"password\":\"correct horse\",\"referral_code\":\"$r\"}", "{\"refresh_token\":\"$F\"}", "{\"code\":\"ABCDEFGHJK\"}",
	};

	for (size_t i = 0; i < tables.routes_count; i++) {
		const struct route_row *r = &tables.routes[i];
		const char *more = str_ends(str_of(r->path), "/") ? "crypto_pay" : "";

		for (size_t k = 0; k < countof(bodies); k++) {
			size_t length = strlen(bodies[k]);
			const char *head = arena_printf(&s->a, "%s %s%s HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Bearer $T\r\nContent-Type: application/json\r\n",
				http_method_name(r->method), r->path, more);
			const char *chunked = arena_printf(&s->a, "%sTransfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n", head, length, bodies[k]);

			give_behind(s, r->listener, (unsigned)k * 5, str_of(arena_printf(&s->a, "%sContent-Length: %zu\r\n\r\n%s", head, k == 2 ? length + TOKEN_GROWS : length, bodies[k])));
			give_behind(s, r->listener, (unsigned)k, str_of(arena_printf(&s->a, "%sGET /profile HTTP/1.1\r\nHost: a\r\n\r\n", chunked)));
		}
	}
	give_behind(s, 0, 0, STR("POST /cb/crypto_pay?x=1 HTTP/1.1\r\nHost: a\r\ncrypto-pay-api-signature: 00\r\nContent-Length: 2\r\n\r\n{}"));
	give_behind(s, 0, 3, STR("GET /profile HTTP/1.0\r\nAuthorization: bearer at_$u\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n\r\n"));
}

/* --- all --- */

static const struct { const char *target; void (*seeds)(struct seeding *s); } targets[] = {
	{ "json_cut", json_cut_seeds }, { "json_read", json_read_seeds }, { "update", update_seeds }, { "bot_api", bot_api_seeds }, { "panel", panel_seeds },
	{ "link_read", link_read_seeds }, { "link_build", link_build_seeds }, { "callback", callback_seeds }, { "locale", locale_seeds }, { "config", config_seeds },
	{ "taps", taps_seeds }, { "http", http_seeds },
};

enum err fuzz_seeds(const char *target, fuzz_seed *fn, void *ctx)
{
	for (size_t i = 0; i < countof(targets); i++)
		if (strcmp(targets[i].target, target) == 0) {
			struct seeding s = { .fn = fn, .ctx = ctx };

			s.given = xcalloc(SEEDS_MAX, sizeof *s.given);
			targets[i].seeds(&s);
			free(s.given);
			arena_release(&s.a);
			return OK;
		}
	return E_NOTFOUND;
}
