/* One exchange: the request as our own copy, the answer as it arrives, and what a failure means. */
#include "lib/http/client_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/enc.h"

#define EXPECT_BYTES_MIN ((size_t)64 * 1024) /* libcurl asks 100-continue for large bodies; Go servers may stall on it */
#define BOUNDARY_CHARS 24
#define URL_BYTES_MAX ((size_t)16 * 1024)

/* --- the request --- */

static bool is_one_line(const char *s)
{
	return s[strcspn(s, "\r\n")] == '\0';
}

static const char *url_trouble(const char *url)
{
	if (!url || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
		return "the URL is not http or https";
	if (strlen(url) > URL_BYTES_MAX)
		return "the URL is too long";
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return "the URL has a space or control character";
	return NULL;
}

static const char *proxy_trouble(const char *proxy)
{
	static const char *const schemes[] = { "socks5h://", "socks5://", "http://", "https://" };

	if (!proxy)
		return NULL;
	for (size_t i = 0; i < countof(schemes); i++)
		if (str_starts(str_of(proxy), schemes[i]))
			return is_one_line(proxy) && strlen(proxy) <= URL_BYTES_MAX ? NULL : "the proxy is not one short line";
	return "the proxy is neither socks5h nor http";
}

static const char *header_trouble(const struct http_request *r)
{
	for (size_t i = 0; i < r->headers_count; i++) {
		const struct http_header *h = &r->headers[i];

		if (!h->name[0] || strchr(h->name, ':') || !is_one_line(h->name) || !is_one_line(h->value))
			return "a header is not one line";
	}
	return NULL;
}

static void add_escaped(struct buf *to, const char *s)
{
	for (; *s; s++) {
		if (*s == '"')
			buf_adds(to, "%22");
		else if (*s == '\r' || *s == '\n')
			buf_addc(to, ' ');
		else
			buf_addc(to, *s);
	}
}

static void add_part(struct buf *to, const char *boundary, const char *name, const struct http_file *file, struct str value)
{
	buf_printf(to, "--%s\r\nContent-Disposition: form-data; name=\"", boundary);
	add_escaped(to, name);
	if (file) {
		buf_adds(to, "\"; filename=\"");
		add_escaped(to, file->name);
		buf_adds(to, "\"\r\nContent-Type: ");
		add_escaped(to, file->type);
		buf_adds(to, "\r\n\r\n");
	} else {
		buf_adds(to, "\"\r\n\r\n");
	}
	buf_add(to, value);
	buf_adds(to, "\r\n");
}

/* multipart/form-data in one piece. Not libcurl's mime: that copies the file once more and wants the handle early. */
static void build_multipart(struct buf *to, const char *boundary, const struct http_request *r)
{
	for (size_t i = 0; i < r->fields_count; i++)
		add_part(to, boundary, r->fields[i].name, NULL, r->fields[i].value);
	add_part(to, boundary, r->file->field, r->file, r->file->bytes);
	buf_printf(to, "--%s--\r\n", boundary);
}

static char *put(char **at, const char *s, size_t n)
{
	char *begin = *at;

	if (n)
		memcpy(begin, s, n);
	begin[n] = '\0';
	*at += n + 1;
	return begin;
}

static char *put_cstr(char **at, const char *s)
{
	return s ? put(at, s, strlen(s)) : NULL;
}

/* A name that a proxy can resolve is never looked up here: plain socks5 would. */
static char *put_proxy(char **at, const char *proxy)
{
	char *begin = *at;

	if (!proxy)
		return NULL;
	if (str_starts(str_of(proxy), "socks5://")) {
		put_cstr(at, "socks5h");
		--*at;
		put_cstr(at, proxy + strlen("socks5"));
		return begin;
	}
	return put_cstr(at, proxy);
}

/* "Name: value"; libcurl wants "Name;" for an empty value and takes "Name:" as "do not send yours". */
static char *put_header(char **at, const char *name, const char *separator, const char *value)
{
	char *begin = put_cstr(at, name);

	--*at;
	put_cstr(at, separator);
	--*at;
	put_cstr(at, value);
	return begin;
}

static size_t text_bytes(const struct http_request *r, size_t body_bytes)
{
	size_t n = body_bytes + strlen(r->url) + 256; /* our own header lines and terminators */

	n += r->proxy ? strlen(r->proxy) + 2 : 0;
	n += r->source_address ? strlen(r->source_address) + 1 : 0;
	for (size_t i = 0; i < r->headers_count; i++)
		n += strlen(r->headers[i].name) + strlen(r->headers[i].value) + 3;
	return n;
}

static void copy_headers(struct http_exchange *x, char **at, const struct http_request *r, const char *boundary)
{
	struct curl_slist *lines = x->headers;
	bool has_type = false;
	size_t n = 0;

	for (size_t i = 0; i < r->headers_count; i++) {
		const struct http_header *h = &r->headers[i];
		bool is_type = str_is_nocase(str_of(h->name), "content-type");

		has_type |= is_type;
		if (!is_type || !boundary)
			lines[n++].data = put_header(at, h->name, h->value[0] ? ": " : ";", h->value);
	}
	if (boundary)
		lines[n++].data = put_header(at, "Content-Type", ": multipart/form-data; boundary=", boundary);
	else if (!has_type)
		lines[n++].data = put_cstr(at, "Content-Type:"); /* else libcurl claims a form */
	if (x->body.len >= EXPECT_BYTES_MIN)
		lines[n++].data = put_cstr(at, "Expect:");
	for (size_t i = 0; i < n; i++)
		lines[i].next = i + 1 < n ? &lines[i + 1] : NULL;
}

static void copy_text(struct http_exchange *x, const struct http_request *r, struct str body, const char *boundary)
{
	size_t bytes = text_bytes(r, body.len);
	char *at = x->text = xmalloc(bytes);

	x->url = put_cstr(&at, r->url);
	x->proxy = put_proxy(&at, r->proxy);
	x->source_address = put_cstr(&at, r->source_address);
	x->body = str_n(put(&at, body.at, body.len), body.len);
	copy_headers(x, &at, r, boundary);
	assert((size_t)(at - x->text) <= bytes);
}

enum err exchange_copy(struct http_exchange *x, const struct http_request *r, const char **why)
{
	char boundary[BOUNDARY_CHARS + 1];
	struct buf multipart;

	assert(r->headers_count <= HTTP_HEADERS_MAX);
	if ((*why = url_trouble(r->url)) || (*why = proxy_trouble(r->proxy)) || (*why = header_trouble(r)))
		return E_INVALID;
	if (r->method == HTTP_OTHER) {
		*why = "no such method";
		return E_INVALID;
	}
	x->method = r->method;
	x->connect_timeout_ms = r->connect_timeout_ms > 0 ? r->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	x->body_bytes_max = r->body_bytes_max ? r->body_bytes_max : BODY_BYTES_MAX;
	x->trust = r->trust;
	x->sink = r->sink;
	x->sink_ctx = r->sink_ctx;
	x->connect_only = r->connect_only;
	if (!r->file) {
		copy_text(x, r, r->body, NULL);
		return OK;
	}
	enc_random_base32(boundary, BOUNDARY_CHARS);
	buf_init(&multipart, SIZE_MAX / 2); /* as large as the caller's own bytes */
	build_multipart(&multipart, boundary, r);
	copy_text(x, r, buf_str(&multipart), boundary);
	buf_release(&multipart);
	return OK;
}

/* --- the answer --- */

struct answer *answer_take(struct http_client *c)
{
	struct answer *a = SLIST_FIRST(&c->answers);

	if (a) {
		SLIST_REMOVE_HEAD(&c->answers, pool);
		return a;
	}
	a = xcalloc(1, sizeof *a);
	buf_init(&a->body, SIZE_MAX / 2); /* exchange_put_body bounds it */
	buf_init(&a->head, c->limits.header_bytes_max * 2);
	return a;
}

static void answer_clear(struct answer *a)
{
	a->response = (struct http_response){ .headers_count = 0 };
	a->head_bytes = 0;
	a->detail[0] = '\0';
	a->peer = (struct trust_seen){ .pin = "" };
	buf_clear(&a->body);
	buf_clear(&a->head);
}

void answer_give_back(struct http_client *c, struct answer *a)
{
	answer_clear(a);
	if (a->body.cap > KEPT_BYTES_MAX)
		buf_release(&a->body);
	SLIST_INSERT_HEAD(&c->answers, a, pool);
}

/* "HTTP/1.1 200 OK": a new head begins. After 100-continue, or when libcurl repeated a GET, it is not the first. */
static void begin_head(struct answer *a, struct str line)
{
	int status = 0;

	str_cut(&line, ' ');
	for (size_t i = 0; i < line.len && i < 3 && line.at[i] >= '0' && line.at[i] <= '9'; i++)
		status = status * 10 + (line.at[i] - '0');
	a->response.status = status;
	a->response.headers_count = 0;
	buf_clear(&a->head);
}

static void keep_header(struct answer *a, struct str name, struct str value)
{
	size_t i = a->response.headers_count;

	if (i == RESPONSE_HEADERS_MAX)
		return;
	a->head_at[i][0] = (uint32_t)a->head.len;
	buf_add(&a->head, name);
	buf_addc(&a->head, '\0');
	a->head_at[i][1] = (uint32_t)a->head.len;
	buf_add(&a->head, value);
	buf_addc(&a->head, '\0');
	if (a->head.over)
		return; /* cannot be: head_bytes is bounded lower */
	for (char *p = a->head.at + a->head_at[i][0]; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	a->response.headers_count++;
}

bool exchange_put_header(struct http_exchange *x, struct str line, size_t header_bytes_max)
{
	struct answer *a = x->answer;
	struct str value = line, name;

	a->head_bytes += line.len;
	if (a->head_bytes > header_bytes_max) {
		x->too_big = true;
		x->verdict = "the headers are too large";
		return false;
	}
	if (str_starts(line, "HTTP/")) {
		begin_head(a, line);
		return true;
	}
	name = str_cut(&value, ':');
	if (value.at)
		keep_header(a, str_trim(name), str_trim(value));
	return true;
}

bool exchange_put_body(struct http_exchange *x, struct str piece)
{
	struct answer *a = x->answer;
	int status = a->response.status;

	x->body_bytes += piece.len;
	if (x->body_bytes > x->body_bytes_max) {
		x->too_big = true;
		x->verdict = "the body is too large";
		return false;
	}
	if (!x->sink || status < 200 || status > 299) {
		buf_add(&a->body, piece);
		return true;
	}
	x->sink_stopped = x->sink(x->sink_ctx, piece) != OK;
	return !x->sink_stopped;
}

/* --- what it means --- */

/* What libcurl says before the request was written. */
static const struct { CURLcode code; enum http_failure failure; } early_failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, HTTP_FAIL_RESOLVE },
	{ CURLE_COULDNT_RESOLVE_PROXY, HTTP_FAIL_RESOLVE },
	{ CURLE_COULDNT_CONNECT, HTTP_FAIL_CONNECT },
	{ CURLE_INTERFACE_FAILED, HTTP_FAIL_CONNECT },
	{ CURLE_PROXY, HTTP_FAIL_CONNECT },
	{ CURLE_RECV_ERROR, HTTP_FAIL_CONNECT }, /* the proxy refused */
	{ CURLE_SEND_ERROR, HTTP_FAIL_CONNECT },
	{ CURLE_GOT_NOTHING, HTTP_FAIL_CONNECT },
	{ CURLE_SSL_CONNECT_ERROR, HTTP_FAIL_TLS },
	{ CURLE_PEER_FAILED_VERIFICATION, HTTP_FAIL_TLS },
	{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, HTTP_FAIL_TLS },
	{ CURLE_SSL_CACERT_BADFILE, HTTP_FAIL_TLS },
	{ CURLE_SSL_CERTPROBLEM, HTTP_FAIL_TLS },
	{ CURLE_SSL_CIPHER, HTTP_FAIL_TLS },
	{ CURLE_SSL_ISSUER_ERROR, HTTP_FAIL_TLS },
	{ CURLE_SSL_INVALIDCERTSTATUS, HTTP_FAIL_TLS },
};

/* Where did the time go? Only a peer that has a connection but says nothing is a time-out to the caller. */
static enum http_failure early_timeout(const struct http_exchange *x)
{
	if (x->looking)
		return HTTP_FAIL_RESOLVE;
	return x->connected ? HTTP_FAIL_TIMEOUT : HTTP_FAIL_CONNECT;
}

static enum http_failure failure_of(const struct http_exchange *x, CURLcode code)
{
	if (code == CURLE_OK)
		return HTTP_FAIL_NONE;
	if (x->too_big)
		return HTTP_FAIL_TOOBIG;
	if (x->sink_stopped)
		return HTTP_FAIL_ABORTED;
	if (x->verdict)
		return x->verdict_failure;
	if (x->sent)
		return code == CURLE_OPERATION_TIMEDOUT ? HTTP_FAIL_TIMEOUT : HTTP_FAIL_BROKEN;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return early_timeout(x);
	for (size_t i = 0; i < countof(early_failures); i++)
		if (early_failures[i].code == code)
			return early_failures[i].failure;
	return HTTP_FAIL_ABORTED;
}

static const char *path_of(const char *url)
{
	const char *authority = strstr(url, "://") + 3;

	return authority + strcspn(authority, "/?#");
}

/* libcurl's words, unless they repeat the URL: its path may hold a token. */
static void set_detail(struct answer *a, const struct http_exchange *x, CURLcode code)
{
	const char *words = x->line->error, *path = path_of(x->url);

	if (x->verdict)
		words = x->verdict;
	else if (x->repeated)
		words = "the connection died before an answer";
	else if (!words[0] || (strlen(path) > 1 && strstr(words, path)))
		words = curl_easy_strerror(code);
	memccpy(a->detail, words, '\0', sizeof a->detail - 1);
	a->detail[sizeof a->detail - 1] = '\0';
}

static int64_t read_date(struct http_client *c, const struct http_response *r)
{
	struct str date = http_header_get(r, "date");

	if (!date.len || date.len >= sizeof c->date_text)
		return 0;
	if (!str_is(date, c->date_text)) { /* many answers a second carry the same */
		time_t t = curl_getdate(date.at, NULL);

		c->date_ms = t > 0 ? (int64_t)t * 1000 : 0;
		memcpy(c->date_text, date.at, date.len + 1);
	}
	return c->date_ms;
}

static void point_to_headers(struct answer *a)
{
	for (size_t i = 0; i < a->response.headers_count; i++) {
		a->response.headers[i].name = a->head.at + a->head_at[i][0];
		a->response.headers[i].value = a->head.at + a->head_at[i][1];
	}
}

static void finish(struct http_client *c, struct http_exchange *x)
{
	struct http_response *r = &x->answer->response;

	point_to_headers(x->answer);
	r->body = str_n(buf_cstr(&x->answer->body), x->answer->body.len);
	r->detail = x->answer->detail;
	if (r->failure == HTTP_FAIL_TLS && x->answer->peer.pin[0]) {
		r->peer_pin = x->answer->peer.pin;
		r->peer_fingerprint = x->answer->peer.fingerprint;
	}
	r->duration_ms = (clock_mono_us() - x->started_us) / 1000;
	r->date_ms = read_date(c, r);
	r->certain_unsent = r->failure != HTTP_FAIL_NONE && !x->sent;
}

void exchange_finish(struct http_client *c, struct http_exchange *x, CURLcode code)
{
	x->answer->response.failure = failure_of(x, code);
	if (code != CURLE_OK)
		set_detail(x->answer, x, code);
	finish(c, x);
}

void exchange_fail(struct http_client *c, struct http_exchange *x, enum http_failure failure, const char *why)
{
	if (!x->answer)
		x->answer = answer_take(c);
	answer_clear(x->answer);
	x->answer->response.failure = failure;
	memccpy(x->answer->detail, why, '\0', sizeof x->answer->detail - 1);
	finish(c, x);
}
