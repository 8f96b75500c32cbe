/* libmicrohttpd without threads, behind values.
 *
 * A request is one struct pending with two owners, libmicrohttpd's connection and whoever took the value:
 *
 *   RECEIVING ──complete──▶ WAITING (suspended) ──answer or deadline──▶ ANSWERED (resumed) ──▶ sent
 *       └── too large, too long: answered at once, nobody above sees it
 *
 * A suspended connection neither times out nor notices that its client left, so the deadlines are ours: all requests
 * wait equally long, the list of the waiting is ordered by itself. */
#include "lib/http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/http/ids.h"

enum pending_state { PENDING_RECEIVING, PENDING_WAITING, PENDING_ANSWERED };

struct pending {
	struct http_inbound in;         /* first: the caller's pointer is ours */
	struct http_server *server;
	struct MHD_Connection *connection; /* NULL: it is gone */
	int owners;
	enum pending_state state;
	bool begun;                     /* the head was looked at */
	bool ready;                     /* among those for http_server_next */
	bool refuse_now;                /* answer without reading the body */
	unsigned refused;               /* our own status, 0: fine so far */
	struct MHD_Response *response;
	unsigned status;
	int64_t deadline_us;
	size_t body_bytes_max, body_bytes;
	struct buf uri, head, body;
	uint32_t head_at[HTTP_INBOUND_HEADERS_MAX][2];
	TAILQ_ENTRY(pending) waiting_link, ready_link;
};
TAILQ_HEAD(pending_list, pending);

struct listener {
	struct http_server *server;
	int number, port;
	struct MHD_Daemon *daemon;      /* NULL: not open */
	int epoll_fd;
};

struct http_server {
	struct http_server_limits limits;
	struct http_server_counts counts;
	struct listener listeners[HTTP_SERVER_LISTENERS_MAX];
	struct pending_list waiting;
	struct pending_list ready[HTTP_SERVER_LISTENERS_MAX]; /* for http_server_next */
	int next;                       /* the listener whose turn it is */
	struct http_ids ids;            /* of the waiting */
	struct MHD_Response *empty;     /* for our own refusals; ends the connection */
	bool kicked;                    /* somebody was resumed: run at once */
	bool stopping;
};

/* --- one request --- */

static void pending_unref(struct pending *p)
{
	if (--p->owners)
		return;
	buf_release(&p->uri);
	buf_release(&p->head);
	buf_release(&p->body);
	free(p);
}

static struct pending *pending_new(struct http_server *s, const char *uri)
{
	struct pending *p = xcalloc(1, sizeof *p);

	p->server = s;
	p->owners = 1;
	buf_init(&p->uri, HTTP_INBOUND_PATH_MAX);
	buf_init(&p->head, s->limits.header_bytes_max * 2);
	buf_adds(&p->uri, uri);
	if (p->uri.over)
		p->refused = MHD_HTTP_URI_TOO_LONG;
	return p;
}

static bool is_alnum(char b)
{
	return (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
}

/* A token of RFC 9110. The library takes a lone carriage return and a folded line for part of a name; a proxy before us
 * may have read two headers there. */
static bool is_header_name(const char *name)
{
	const char *at = name;

	while (is_alnum(*at) || (*at && strchr("!#$%&'*+-.^_`|~", *at)))
		at++;
	return at > name && !*at;
}

static enum MHD_Result keep_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct pending *p = ctx;
	size_t i = p->in.headers_count;

	(void)kind;
	if (i == HTTP_INBOUND_HEADERS_MAX) {
		p->refused = MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
		return MHD_NO;
	}
	if (!is_header_name(name)) {
		p->refused = MHD_HTTP_BAD_REQUEST;
		return MHD_NO;
	}
	p->head_at[i][0] = (uint32_t)p->head.len;
	for (; *name; name++)
		buf_addc(&p->head, *name >= 'A' && *name <= 'Z' ? (char)(*name + ('a' - 'A')) : *name);
	buf_addc(&p->head, '\0');
	p->head_at[i][1] = (uint32_t)p->head.len;
	buf_adds(&p->head, value ? value : "");
	buf_addc(&p->head, '\0');
	if (p->head.over)
		return MHD_NO;
	p->in.headers_count++;
	return MHD_YES;
}

static void keep_remote(struct pending *p)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(p->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info ? info->client_addr : NULL;
	const struct sockaddr_in6 *six = (const void *)a;

	if (!a)
		return;
	if (a->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, p->in.remote, sizeof p->in.remote);
	else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], p->in.remote, sizeof p->in.remote);
	else
		inet_ntop(AF_INET6, &six->sin6_addr, p->in.remote, sizeof p->in.remote);
}

/* Everything of the head but the header pointers, which follow when the text no longer moves. */
static void keep_head(struct pending *p, const struct listener *l, const char *method)
{
	struct str rest = buf_str(&p->uri);
	struct http_inbound *in = &p->in;

	in->listener = l->number;
	in->method = http_method_of(str_of(method));
	in->path = str_cut(&rest, '?');
	in->query = rest;
	buf_adds(&p->head, method);
	buf_addc(&p->head, '\0');
	MHD_get_connection_values(p->connection, MHD_HEADER_KIND, keep_header, p);
	if (p->head.over)
		p->refused = MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	for (size_t i = 0; i < in->headers_count; i++)
		in->headers[i] = (struct http_header){ p->head.at + p->head_at[i][0], p->head.at + p->head_at[i][1] };
	in->method_name = str_of(p->head.at);
	keep_remote(p);
}

static size_t body_bound(const struct http_server *s, const struct http_inbound *in)
{
	size_t max = 0;

	if (s->limits.route_body_bytes_max)
		max = s->limits.route_body_bytes_max(s->limits.ctx, in->listener, in->method, in->path);
	return max ? max : s->limits.body_bytes_max;
}

static void refuse_too_big(struct pending *p)
{
	p->refused = MHD_HTTP_CONTENT_TOO_LARGE;
	p->server->counts.too_big++;
	buf_release(&p->body);
}

/* A body announced too large is read away before the 413: closing with unread bytes would reset the connection and
 * the client might never see the answer. Unless it is huge, or the client waits for our word before it sends. */
static void judge_length(struct pending *p)
{
	struct str length = http_inbound_header(&p->in, "content-length");
	int64_t n = 0;

	p->body_bytes_max = body_bound(p->server, &p->in);
	buf_init(&p->body, p->body_bytes_max);
	if (length.len && (str_to_i64(&n, length) != OK || n < 0))
		n = INT64_MAX;
	if ((uint64_t)n <= p->body_bytes_max)
		return;
	refuse_too_big(p);
	p->refuse_now = n > HTTP_DRAIN_BYTES_MAX || http_inbound_header(&p->in, "expect").len > 0;
}

static void take_body(struct pending *p, struct str piece)
{
	p->body_bytes += piece.len;
	if (p->refused)
		return;
	if (p->body_bytes > p->body_bytes_max)
		refuse_too_big(p);
	else
		buf_add(&p->body, piece);
}

/* --- waiting --- */

static void begin_waiting(struct pending *p)
{
	struct http_server *s = p->server;

	p->in.body = str_n(buf_cstr(&p->body), p->body.len);
	p->in.id = http_ids_add(&s->ids, p);
	p->state = PENDING_WAITING;
	p->deadline_us = clock_mono_us() + s->limits.answer_ms_max * INT64_C(1000);
	TAILQ_INSERT_TAIL(&s->waiting, p, waiting_link);
	TAILQ_INSERT_TAIL(&s->ready[p->in.listener], p, ready_link);
	p->ready = true;
	s->counts.requests++;
	s->counts.waiting++;
	MHD_suspend_connection(p->connection);
}

static void unready(struct pending *p)
{
	if (p->ready)
		TAILQ_REMOVE(&p->server->ready[p->in.listener], p, ready_link);
	p->ready = false;
}

/* The answer, ours or the caller's, is on its way; response NULL: just close. */
static void end_waiting(struct pending *p, unsigned status, struct MHD_Response *response)
{
	struct http_server *s = p->server;

	http_ids_remove(&s->ids, p->in.id);
	TAILQ_REMOVE(&s->waiting, p, waiting_link);
	s->counts.waiting--;
	p->state = PENDING_ANSWERED;
	p->status = status;
	p->response = response;
	s->kicked = true;
	MHD_resume_connection(p->connection);
}

static void answer_overdue(struct http_server *s)
{
	struct pending *p;
	int64_t now_us = clock_mono_us();

	while ((p = TAILQ_FIRST(&s->waiting)) && p->deadline_us <= now_us) {
		unready(p); /* nobody has begun it: it need not happen any more */
		s->counts.overdue++;
		end_waiting(p, MHD_HTTP_SERVICE_UNAVAILABLE, s->empty);
	}
}

/* --- libmicrohttpd's callbacks --- */

static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *connection)
{
	struct listener *l = ctx;

	(void)connection;
	return pending_new(l->server, uri);
}

static enum MHD_Result send_answer(struct pending *p)
{
	enum MHD_Result result;

	if (!p->response)
		return MHD_NO;
	result = MHD_queue_response(p->connection, p->status, p->response);
	if (p->response != p->server->empty)
		MHD_destroy_response(p->response);
	p->response = NULL;
	return result;
}

static enum MHD_Result refuse(struct pending *p)
{
	return MHD_queue_response(p->connection, p->refused, p->server->empty);
}

/* Called when the head is there, for each piece of the body, at its end, and once more after a resume. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *piece, size_t *piece_len, void **con_cls)
{
	struct listener *l = ctx;
	struct pending *p = *con_cls;

	(void)url;
	(void)version;
	if (l->server->stopping || p->state == PENDING_WAITING)
		return MHD_NO;
	if (p->state == PENDING_ANSWERED)
		return send_answer(p);
	if (!p->begun) {
		p->begun = true;
		p->connection = connection;
		keep_head(p, l, method);
		judge_length(p);
		return p->refuse_now ? refuse(p) : MHD_YES;
	}
	if (*piece_len) {
		take_body(p, str_n(piece, *piece_len));
		*piece_len = 0;
		return p->body_bytes > HTTP_DRAIN_BYTES_MAX && p->refused ? MHD_NO : MHD_YES;
	}
	if (p->refused)
		return refuse(p);
	begin_waiting(p);
	return MHD_YES;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode code)
{
	struct pending *p = *con_cls;

	(void)ctx;
	(void)connection;
	(void)code;
	*con_cls = NULL;
	if (!p)
		return;
	assert(p->state != PENDING_WAITING); /* a suspended connection is not completed */
	if (p->response && p->response != p->server->empty)
		MHD_destroy_response(p->response);
	p->response = NULL;
	p->connection = NULL;
	pending_unref(p);
}

/* --- listeners --- */

/* "127.0.0.1:80", "[::1]:80", ":80" */
static enum err read_address(struct sockaddr_storage *out, socklen_t *len, struct str text)
{
	const char *colon = text.len ? memrchr(text.at, ':', text.len) : NULL;
	struct sockaddr_in *four = (void *)out;
	struct sockaddr_in6 *six = (void *)out;
	char host[INET6_ADDRSTRLEN] = "";
	struct str name;
	int64_t port;

	memset(out, 0, sizeof *out);
	if (!colon || str_to_i64(&port, str_n(colon + 1, (size_t)(text.at + text.len - colon - 1))) || port < 0 || port > 65535)
		return E_INVALID;
	name = str_n(text.at, (size_t)(colon - text.at));
	if (name.len >= 2 && name.at[0] == '[' && name.at[name.len - 1] == ']')
		name = str_n(name.at + 1, name.len - 2);
	if (name.len >= sizeof host)
		return E_INVALID;
	memcpy(host, name.at, name.len);
	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		*len = sizeof *four;
		return OK;
	}
	if (host[0] && inet_pton(AF_INET6, host, &six->sin6_addr) != 1)
		return E_INVALID;
	six->sin6_family = AF_INET6; /* without a host: all of both families */
	six->sin6_port = htons((uint16_t)port);
	*len = sizeof *six;
	return OK;
}

static enum err open_socket(int *out, int *port, struct sockaddr_storage *a, socklen_t len)
{
	int one = 1, zero = 0, fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return E_IO;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (a->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	if (bind(fd, (struct sockaddr *)a, len) || listen(fd, SOMAXCONN) || getsockname(fd, (struct sockaddr *)a, &len)) {
		error = errno;
		close(fd);
		return error == EADDRINUSE ? E_BUSY : E_IO;
	}
	/* the port stands at the same place in both families */
	*port = ntohs(((struct sockaddr_in *)(void *)a)->sin_port);
	*out = fd;
	return OK;
}

/* A machine without IPv6 has no "all of both families". */
static enum err open_listening(int *fd, int *port, struct str address)
{
	struct sockaddr_storage a;
	socklen_t len;
	enum err e = read_address(&a, &len, address);

	if (e)
		return e;
	e = open_socket(fd, port, &a, len);
	if (e != E_IO || address.at[0] != ':')
		return e;
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = ((struct sockaddr_in6 *)(void *)&a)->sin6_port };
	memset(&a, 0, sizeof a);
	memcpy(&a, &any, sizeof any);
	return open_socket(fd, port, &a, sizeof any);
}

enum err http_server_listen(struct http_server *s, int number, const char *address)
{
	struct listener *l = &s->listeners[number];
	int fd = -1;
	enum err e;

	assert(number >= 0 && number < HTTP_SERVER_LISTENERS_MAX && !l->daemon);
	*l = (struct listener){ .server = s, .number = number };
	e = open_listening(&fd, &l->port, str_of(address));
	if (e)
		return e;
	l->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, l,
		MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->limits.connections_max,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)s->limits.connection_idle_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->limits.header_bytes_max,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, /* what a proxy before us could read differently is refused */
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, l,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
		MHD_OPTION_END);
	if (!l->daemon) {
		close(fd);
		return E_IO;
	}
	l->epoll_fd = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return OK;
}

int http_server_port(const struct http_server *s, int number)
{
	return s->listeners[number].daemon ? s->listeners[number].port : 0;
}

/* --- the loop --- */

size_t http_server_waits(const struct http_server *s, struct http_wait *out)
{
	size_t n = 0;

	for (size_t i = 0; i < HTTP_SERVER_LISTENERS_MAX; i++)
		if (s->listeners[i].daemon)
			out[n++] = (struct http_wait){ .fd = s->listeners[i].epoll_fd, .events = POLLIN };
	return n;
}

/* The listeners take turns: a flood at one is not before the others. */
static struct pending *first_ready(struct http_server *s)
{
	struct pending *p = NULL;

	for (int i = 0; !p && i < HTTP_SERVER_LISTENERS_MAX; i++)
		p = TAILQ_FIRST(&s->ready[(s->next + i) % HTTP_SERVER_LISTENERS_MAX]);
	return p;
}

int http_server_timeout_ms(struct http_server *s)
{
	const struct pending *first = TAILQ_FIRST(&s->waiting);
	int64_t left_ms = INT64_MAX, ours_ms;
	MHD_UNSIGNED_LONG_LONG theirs_ms;

	if (s->kicked || first_ready(s))
		return 0;
	for (size_t i = 0; i < HTTP_SERVER_LISTENERS_MAX; i++)
		if (s->listeners[i].daemon && MHD_get_timeout(s->listeners[i].daemon, &theirs_ms) == MHD_YES)
			left_ms = (int64_t)theirs_ms < left_ms ? (int64_t)theirs_ms : left_ms;
	if (first) {
		ours_ms = (first->deadline_us - clock_mono_us() + 999) / 1000;
		left_ms = ours_ms < left_ms ? ours_ms : left_ms;
	}
	if (left_ms == INT64_MAX)
		return -1;
	return left_ms < 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

void http_server_run(struct http_server *s)
{
	answer_overdue(s);
	s->kicked = false;
	for (size_t i = 0; i < HTTP_SERVER_LISTENERS_MAX; i++)
		if (s->listeners[i].daemon)
			MHD_run(s->listeners[i].daemon);
}

struct http_inbound *http_server_next(struct http_server *s)
{
	struct pending *p = first_ready(s);

	if (!p)
		return NULL;
	s->next = (p->in.listener + 1) % HTTP_SERVER_LISTENERS_MAX;
	unready(p);
	p->owners++;
	return &p->in;
}

void http_inbound_release(struct http_inbound *in)
{
	if (in)
		pending_unref((struct pending *)in);
}

struct str http_inbound_header(const struct http_inbound *in, const char *name)
{
	for (size_t i = 0; i < in->headers_count; i++)
		if (strcmp(in->headers[i].name, name) == 0)
			return str_of(in->headers[i].value);
	return str_of(NULL);
}

void http_server_answer(struct http_server *s, uint64_t id, const struct http_answer *answer)
{
	struct pending *p = http_ids_find(&s->ids, id);
	struct MHD_Response *response;

	if (!p) {
		s->counts.late++;
		return;
	}
	/* libmicrohttpd copies; its parameter is not const only by history */
	response = MHD_create_response_from_buffer(answer->body.len, (void *)(uintptr_t)answer->body.at, MHD_RESPMEM_MUST_COPY);
	assert(response);
	for (size_t i = 0; i < answer->headers_count; i++)
		MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
	unready(p);
	s->counts.answered++;
	end_waiting(p, (unsigned)answer->status, response);
}

const struct http_server_counts *http_server_counts(const struct http_server *s)
{
	return &s->counts;
}

/* --- birth and death --- */

struct http_server *http_server_new(const struct http_server_limits *limits)
{
	struct http_server *s = xcalloc(1, sizeof *s);
	struct http_server_limits *l = &s->limits;

	if (limits)
		*l = *limits;
	l->connections_max = l->connections_max ? l->connections_max : 4096;
	l->connection_idle_s = l->connection_idle_s ? l->connection_idle_s : 30;
	l->answer_ms_max = l->answer_ms_max ? l->answer_ms_max : 5000;
	l->body_bytes_max = l->body_bytes_max ? l->body_bytes_max : (size_t)1024 * 1024;
	l->header_bytes_max = l->header_bytes_max ? l->header_bytes_max : (size_t)32 * 1024;
	TAILQ_INIT(&s->waiting);
	for (size_t i = 0; i < HTTP_SERVER_LISTENERS_MAX; i++)
		TAILQ_INIT(&s->ready[i]);
	s->empty = MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
	assert(s->empty);
	/* what follows on that connection may be read otherwise by whoever stands before us */
	MHD_add_response_header(s->empty, "Connection", "close");
	return s;
}

/* The suspended must be resumed before libmicrohttpd may stop; the handler then closes them. */
void http_server_free(struct http_server *s)
{
	struct pending *p;

	if (!s) /* HTTP_LISTEN=off, ADMIN_LISTEN=off */
		return;
	s->stopping = true;
	while ((p = TAILQ_FIRST(&s->waiting))) {
		unready(p);
		end_waiting(p, 0, NULL);
	}
	http_server_run(s);
	for (size_t i = 0; i < HTTP_SERVER_LISTENERS_MAX; i++)
		if (s->listeners[i].daemon)
			MHD_stop_daemon(s->listeners[i].daemon); /* closes the listening socket too */
	MHD_destroy_response(s->empty);
	http_ids_release(&s->ids);
	free(s);
}
