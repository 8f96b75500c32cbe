/* libcurl's easy handles: what is set once, what per exchange, and what they call back. */
#include "lib/http/client_private.h"

#include <assert.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DNS_CACHE_S 120L
#define METHOD_UNSET HTTP_OTHER
/* libcurl keeps a buffer of this size for each exchange under way: nearly all answers are messages of Telegram's. */
#define BUFFER_BYTES 4096L
#define SINK_BUFFER_BYTES 16384L
#define UPLOAD_BUFFER_BYTES 16384L /* the least it takes; 64 KiB for each TLS connection otherwise */

#define set(line, option, value) \
	do { \
		CURLcode set_code = curl_easy_setopt((line)->easy, (option), (value)); \
		assert(set_code == CURLE_OK); \
	} while (0)

static size_t on_header(char *at, size_t size, size_t n, void *ctx)
{
	struct line *line = ctx;
	struct str text = str_n(at, size * n);

	return exchange_put_header(line->exchange, text, line->client->limits.header_bytes_max) ? text.len : 0;
}

static size_t on_body(char *at, size_t size, size_t n, void *ctx)
{
	struct line *line = ctx;

	if (client_pauses(line->client, line->exchange))
		return CURL_WRITEFUNC_PAUSE; /* the same bytes come again */
	return exchange_put_body(line->exchange, str_n(at, size * n)) ? size * n : 0;
}

/* Called before each look-up that libcurl's cache cannot answer, also for addresses. */
static int on_resolve(void *resolver, void *reserved, void *ctx)
{
	struct line *line = ctx;
	struct http_exchange *x = line->exchange;
	struct http_name *name = x->peer->name;

	(void)resolver;
	(void)reserved;
	if (!name)
		return 0;
	switch (http_name_begin(&line->client->names, name, x, client_mono_ms())) {
	case HTTP_NAME_GO:
		x->looking = true;
		line->client->counts.lookups++;
		return 0;
	case HTTP_NAME_WAIT:
		x->again = true;
		return 1;
	case HTTP_NAME_RESTS:
		x->verdict = "the name failed a moment ago";
		break;
	case HTTP_NAME_CROWDED:
		x->verdict = "too many dead look-ups";
		break;
	}
	x->verdict_failure = HTTP_FAIL_RESOLVE;
	return 1;
}

static void name_is_found(struct line *line)
{
	struct http_exchange *x = line->exchange;

	x->looking = false;
	if (x->peer->name)
		http_name_found(&line->client->names, x->peer->name, x);
}

/* Before each connection. There is no counterpart for the end: 7.88 does not call CLOSESOCKETFUNCTION for a connection
 * attempt that runs out of time, so nothing here relies on it. */
static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct line *line = ctx;
	int fd;

	(void)purpose;
	name_is_found(line);
	if (!queue_may_connect(line->client, line->exchange))
		return CURL_SOCKET_BAD;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	client_forget_socket(line->client, fd);
	return fd;
}

/* Called when the connection stands and the request is about to be written; a second time when the connection turned
 * out to be dead before the first byte of an answer. libcurl would then send the request again, but nobody knows
 * whether the first was served: only what has no effect may be repeated. */
static int on_request(void *ctx, char *peer_ip, char *local_ip, int peer_port, int local_port)
{
	struct line *line = ctx;
	struct http_exchange *x = line->exchange;

	(void)peer_ip;
	(void)local_ip;
	(void)peer_port;
	(void)local_port;
	name_is_found(line);
	if (x->sent && x->method != HTTP_GET && x->method != HTTP_HEAD) {
		x->repeated = true;
		return CURL_PREREQFUNC_ABORT;
	}
	x->sent = true;
	x->again = false;
	return CURL_PREREQFUNC_OK;
}

/* OpenSSL's verdict passes through unchanged; we only look at what it is about. A kept connection may outlive the exchange
 * that made it and even serve another line's, so nothing is noted once the request is out. */
static int on_verdict(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct line *line = ssl ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : NULL;
	X509 *cert = X509_STORE_CTX_get0_cert(store);

	if (line && cert && line->exchange && !line->exchange->sent)
		trust_describe(&line->exchange->answer->peer, cert);
	return ok;
}

/* libcurl tells of a certificate only after a hand-shake that succeeded; this is how the others are seen. */
static CURLcode on_tls_context(CURL *easy, void *context, void *ctx)
{
	SSL_CTX *tls = context;

	(void)easy;
	SSL_CTX_set_app_data(tls, ctx);
	SSL_CTX_set_verify(tls, SSL_CTX_get_verify_mode(tls), on_verdict);
	return CURLE_OK;
}

static void set_once(struct line *line)
{
	set(line, CURLOPT_PRIVATE, line);
	set(line, CURLOPT_ERRORBUFFER, line->error);
	set(line, CURLOPT_NOSIGNAL, 1L);
	set(line, CURLOPT_QUICK_EXIT, 1L); /* else removing a handle joins its resolver thread: 11 s measured */
	set(line, CURLOPT_PROTOCOLS_STR, "http,https");
	set(line, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	set(line, CURLOPT_FOLLOWLOCATION, 0L); /* a 301 would turn POST into GET */
	set(line, CURLOPT_PROXY, "");   /* "" and not NULL: NULL asks the environment */
	set(line, CURLOPT_NOPROXY, "");
	set(line, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	set(line, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_BYTES);
	set(line, CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_S);
	set(line, CURLOPT_MAXAGE_CONN, (long)line->client->limits.idle_s_max);
	set(line, CURLOPT_HEADERFUNCTION, on_header);
	set(line, CURLOPT_HEADERDATA, line);
	set(line, CURLOPT_WRITEFUNCTION, on_body);
	set(line, CURLOPT_WRITEDATA, line);
	set(line, CURLOPT_RESOLVER_START_FUNCTION, on_resolve);
	set(line, CURLOPT_RESOLVER_START_DATA, line);
	set(line, CURLOPT_OPENSOCKETFUNCTION, on_open);
	set(line, CURLOPT_OPENSOCKETDATA, line);
	set(line, CURLOPT_PREREQFUNCTION, on_request);
	set(line, CURLOPT_PREREQDATA, line);
	/* a libcurl with another TLS library refuses: then nobody sees the certificate, and all else is the same */
	if (curl_easy_setopt(line->easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context) == CURLE_OK)
		set(line, CURLOPT_SSL_CTX_DATA, line);
}

/* CAPATH switches libcurl's cached trust store off, and the cache has one slot: every public peer has the same CAINFO
 * and no CAPATH (18 ms of CPU per connection otherwise). */
static void set_public_trust(struct line *line)
{
	set(line, CURLOPT_CAINFO_BLOB, NULL);
	set(line, CURLOPT_CAPATH, NULL);
	set(line, CURLOPT_CAINFO, line->client->ca_file);
	set(line, CURLOPT_PINNEDPUBLICKEY, NULL);
	set(line, CURLOPT_SSL_VERIFYPEER, 1L);
	set(line, CURLOPT_SSL_VERIFYHOST, 2L);
	line->has_trust = false;
}

static void set_own_trust(struct line *line, const struct http_trust *trust)
{
	/* a copy: the line outlives the exchange, and libcurl reads the CA even when the next one is plain HTTP */
	struct curl_blob blob = { .data = (void *)(uintptr_t)trust->ca_pem, .flags = CURL_BLOB_COPY };

	line->has_trust = true;
	set(line, CURLOPT_CAPATH, NULL);
	set(line, CURLOPT_CAINFO, NULL);
	set(line, CURLOPT_PINNEDPUBLICKEY, trust->pin);
	if (trust->ca_pem) {
		blob.len = strlen(trust->ca_pem);
		set(line, CURLOPT_CAINFO_BLOB, &blob);
	} else {
		set(line, CURLOPT_CAINFO_BLOB, NULL);
	}
	/* a pin alone decides: the certificate behind it may be self-signed and for any name */
	set(line, CURLOPT_SSL_VERIFYPEER, trust->pin ? 0L : 1L);
	set(line, CURLOPT_SSL_VERIFYHOST, trust->pin ? 0L : 2L);
}

static void set_trust(struct line *line, const struct http_exchange *x)
{
	if (!x->peer->tls && !x->proxy)
		return;
	if (x->trust && (x->trust->pin || x->trust->ca_pem))
		set_own_trust(line, x->trust); /* always: the same pointer may hold a new pin */
	else if (line->has_trust)
		set_public_trust(line);
}

/* Nearly every exchange goes where its line's last one went. Given as text only, libcurl takes the URL apart and puts it
 * together again each time, which was a quarter of what an exchange cost. One that cannot be taken apart stays text:
 * libcurl then says what is wrong with it. */
static void set_url(struct line *line, const struct http_exchange *x)
{
	if (line->url_text && strcmp(line->url_text, x->url) == 0)
		return;
	free(line->url_text);
	line->url_text = xstrdup(x->url);
	set(line, CURLOPT_URL, x->url);
	set(line, CURLOPT_CURLU, curl_url_set(line->url, CURLUPART_URL, x->url, 0) == CURLUE_OK ? line->url : NULL);
}

static void set_method(struct line *line, const struct http_exchange *x)
{
	bool has_body = x->body.len > 0 || x->method == HTTP_POST || x->method == HTTP_PUT || x->method == HTTP_PATCH;

	if (line->method != x->method || line->has_body != has_body) {
		set(line, CURLOPT_HTTPGET, 1L); /* forgets NOBODY and POST */
		set(line, CURLOPT_CUSTOMREQUEST, NULL);
		if (x->method == HTTP_HEAD)
			set(line, CURLOPT_NOBODY, 1L);
		else if (x->method != HTTP_GET && x->method != HTTP_POST)
			set(line, CURLOPT_CUSTOMREQUEST, http_method_name(x->method));
		else if (x->method == HTTP_GET && has_body)
			set(line, CURLOPT_CUSTOMREQUEST, "GET");
		line->method = x->method;
		line->has_body = has_body;
		if (has_body)
			set(line, CURLOPT_POST, 1L);
	}
	if (has_body) {
		set(line, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.len);
		set(line, CURLOPT_POSTFIELDS, x->body.len ? x->body.at : "");
	}
}

static void set_way(struct line *line, const struct http_exchange *x)
{
	if (x->proxy || line->has_proxy)
		set(line, CURLOPT_PROXY, x->proxy ? x->proxy : "");
	if (x->source_address || line->has_source)
		set(line, CURLOPT_INTERFACE, x->source_address);
	line->has_proxy = x->proxy != NULL;
	line->has_source = x->source_address != NULL;
	if (x->connect_only != line->connect_only)
		set(line, CURLOPT_CONNECT_ONLY, x->connect_only ? 1L : 0L); /* libcurl closes it when the handle leaves the multi */
	line->connect_only = x->connect_only;
	if (line->connect_timeout_ms != x->connect_timeout_ms)
		set(line, CURLOPT_CONNECTTIMEOUT_MS, (long)x->connect_timeout_ms);
	line->connect_timeout_ms = x->connect_timeout_ms;
}

static struct line *line_new(struct http_client *c, enum line_kind kind)
{
	struct line *line = xcalloc(1, sizeof *line);

	line->client = c;
	line->kind = kind;
	line->easy = curl_easy_init();
	line->url = curl_url();
	assert(line->easy && line->url);
	line->method = METHOD_UNSET;
	set_once(line);
	set_public_trust(line);
	set(line, CURLOPT_BUFFERSIZE, kind == LINE_FOR_SINK ? SINK_BUFFER_BYTES : BUFFER_BYTES);
	return line;
}

struct line *line_take(struct http_client *c, struct http_exchange *x, int64_t now_us)
{
	enum line_kind kind = x->sink ? LINE_FOR_SINK : LINE_FOR_TEXT;
	struct line *line = SLIST_FIRST(&c->lines[kind]);
	int64_t left_ms = (x->deadline_us - now_us + 999) / 1000;

	if (line)
		SLIST_REMOVE_HEAD(&c->lines[kind], pool);
	else
		line = line_new(c, kind);
	line->exchange = x;
	line->error[0] = '\0';
	set_url(line, x);
	set(line, CURLOPT_HTTPHEADER, x->headers);
	set(line, CURLOPT_TIMEOUT_MS, (long)(left_ms > 0 ? left_ms : 1));
	set_method(line, x);
	set_way(line, x);
	set_trust(line, x);
	return line;
}

void line_give_back(struct line *line)
{
	line->exchange = NULL;
	SLIST_INSERT_HEAD(&line->client->lines[line->kind], line, pool);
}

void line_free(struct line *line)
{
	curl_easy_cleanup(line->easy);
	curl_url_cleanup(line->url);
	free(line->url_text);
	free(line);
}
