/* HTTP requests of a stranger, as bytes on a socket (R025, R213, R289): what comes out of the server keeps its bounds; answers are
 * HTTP, as many as there were requests at most; nobody gets what is not theirs: no success on the customers' side but for their own session,
 * none for a callback without a signature, none on the admin side but for its two pages; the tables stand as before
 * (shop.h). First byte: which listener, second: how the bytes are cut. Words of shop.h stand for ids. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bot/http/auth.h"
#include "lib/base/json.h"
#include "lib/http/server.h"

#define ANSWERS_MAX ((size_t)4 << 20)
#define TURNS_MAX 400
#define IDLE_TURNS_MAX 3
#define CONNECTIONS_PER_ADDRESS 2000
#define BODY_MAX ((size_t)1 << 20)

static struct http_server *server;
static size_t requests;

static void close_server(void)
{
	http_server_free(server);
}

static void open_server(void)
{
	if (server)
		return;
	fuzz_shop();
	server = http_server_new(NULL);
	must(http_server_listen(server, LISTENER_PUBLIC, "127.0.0.1:0") == OK && http_server_listen(server, LISTENER_ADMIN, "127.0.0.1:0") == OK);
	fuzz_shop()->setup.server = net_server_of(server);
	atexit(close_server);
}

/* Thousands of connections a minute: from many addresses, so that none waits for a free port. */
static int connected(int listener)
{
	static uint32_t count;
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + count++ / CONNECTIONS_PER_ADDRESS % 200) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)http_server_port(server, listener)) };
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) || bind(fd, (struct sockaddr *)&from, sizeof from) ||
	    connect(fd, (struct sockaddr *)&to, sizeof to)) {
		perror("connect");
		must(!"a connection");
	}
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); /* no port left waiting behind each input */
	return fd;
}

/* --- what comes out of the server --- */

static void check_request(const struct http_inbound *in)
{
	must(in->path.len <= HTTP_INBOUND_PATH_MAX && in->headers_count <= HTTP_INBOUND_HEADERS_MAX && in->body.len <= BODY_MAX);
	must(in->body.at[in->body.len] == '\0' && in->method_name.at[in->method_name.len] == '\0');
	must((!in->path.len || !memchr(in->path.at, '?', in->path.len)) && str_starts(str_of(in->remote), "127.0.0."));
	for (size_t i = 0; i < in->headers_count; i++)
		for (const char *p = in->headers[i].name; *p; p++)
			must(!(*p >= 'A' && *p <= 'Z') && *p != ':');
}

static bool may_succeed(const struct http_inbound *in)
{
	static const char *const mine[] = { "/profile", "/profile/telegram", "/auth/refresh", "/auth/logout" };

	if (in->listener == LISTENER_ADMIN)
		return in->method == HTTP_GET && (str_is(in->path, "/healthz") || str_is(in->path, "/metrics"));
	for (size_t i = 0; i < countof(mine); i++)
		if (str_is(in->path, mine[i]))
			return true;
	return false;
}

static void check_reply(const struct http_inbound *in, const struct reply *r)
{
	struct json_object *body;

	must(r->id == in->id && r->status >= 200 && r->status < 600);
	must(r->status != 500); /* a handler failed */
	must(r->status >= 400 || may_succeed(in));
	must(!fuzz_shop_tells(r->body));
	if (!r->content_type || strcmp(r->content_type, "application/json") != 0)
		return;
	must(json_parse(&body, r->body) == OK && json_object_is_type(body, json_type_object));
	json_object_put(body);
}

static void decide(struct core *c, struct http_inbound *in)
{
	size_t before = c->turn.replies_count, works = c->turn.works_count;
	struct act a = core_act(c);

	requests++;
	check_request(in);
	must(inbound_decide(c, in) == OK);
	if (c->turn.works_count > works) { /* a password to be hashed: not here */
		inbound_works_drop(c, works);
		inbound_answer(&a, in, 503, NULL, str_of(NULL));
	}
	must(c->turn.replies_count == before + 1);
	check_reply(in, &c->turn.replies[before]);
	inbound_send(c);
	http_inbound_release(in);
}

/* --- the conversation --- */

static void turn(struct core *c)
{
	struct http_inbound *in;

	http_server_run(server);
	while ((in = http_server_next(server)) != NULL)
		decide(c, in);
	http_server_run(server);
}

/* False: the server has closed. */
static bool take(struct buf *answers, int fd)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
		buf_add(answers, str_n(bytes, (size_t)n));
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static void talk(struct buf *answers, int fd, struct str bytes, size_t pieces)
{
	struct core *c = fuzz_shop();
	bool open = true;
	size_t at = 0;
	int idle = 0;

	for (int i = 0; open && i < TURNS_MAX && idle < IDLE_TURNS_MAX; i++) {
		size_t n = i + 1 < TURNS_MAX / 2 && pieces ? 1 + pieces * 16 : bytes.len, had = answers->len;

		n = n < bytes.len - at ? n : bytes.len - at;
		if (n && send(fd, bytes.at + at, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
		if (at < bytes.len && at + n == bytes.len)
			shutdown(fd, SHUT_WR);
		at += n;
		turn(c);
		open = take(answers, fd);
		idle = n || answers->len > had ? 0 : idle + 1;
	}
}

static void check_answers(struct str text)
{
	const char *at = text.at;
	size_t n = 0;

	if (!text.len)
		return;
	must(str_starts(text, "HTTP/1."));
	must(!fuzz_shop_tells(text));
	while ((at = memmem(at, (size_t)(text.at + text.len - at), "\r\nContent-Length:", 17)) != NULL) {
		n++;
		at++;
	}
	must(n <= requests + 2); /* what the server and its library refuse by themselves ends the connection */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	int listener = fuzz_byte(&text) & 1 ? LISTENER_ADMIN : LISTENER_PUBLIC, fd;
	size_t pieces = fuzz_byte(&text) % 16;
	struct buf answers;

	open_server();
	auth_forget_limits();
	requests = 0;
	fuzz_shop_begin();
	buf_init(&answers, ANSWERS_MAX);
	fd = connected(listener);
	talk(&answers, fd, fuzz_shop_words(text), pieces);
	check_answers(buf_str(&answers));
	close(fd);
	for (int i = 0; i < 2; i++)
		turn(fuzz_shop());
	must(http_server_counts(server)->waiting == 0);
	buf_release(&answers);
	fuzz_shop_end();
	return 0;
}
