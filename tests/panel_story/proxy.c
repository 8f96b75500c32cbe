/* Configuration from a link, the child process, one fetch. The configuration goes through a pipe: it holds credentials. */
#include "tests/panel_story/proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/http/client.h"
#include "lib/links/link_read.h"

#define START_MS (15 * SECOND_MS)
#define FETCH_MS 5000
#define LIST_VALUES_MAX 16

/* --- configuration --- */

/* A parameter of the link as text, left out when the link has none. */
static void put_param(struct json_out *j, const struct link_parts *l, const char *key, const char *param)
{
	struct str value = link_param(l, param);

	if (value.len)
		json_put_str(j, key, value);
}

/* "a,b" as ["a","b"] */
static void put_list(struct json_out *j, const struct link_parts *l, const char *key, const char *param)
{
	struct str rest = link_param(l, param);

	if (!rest.len)
		return;
	json_key(j, key);
	json_open(j, '[');
	for (int i = 0; rest.at && i < LIST_VALUES_MAX; i++)
		json_add_str(j, str_cut(&rest, ','));
	json_close(j, ']');
}

static void put_server(struct json_out *j, const struct link_parts *l)
{
	json_put_str(j, "address", l->host);
	json_put_i64(j, "port", l->port);
}

static void put_vnext(struct json_out *j, const struct link_parts *l)
{
	bool is_vless = !strcmp(l->protocol, "vless");
	struct str encryption = link_param(l, "encryption"), security = link_param(l, "scy");

	json_key(j, "vnext");
	json_open(j, '[');
	json_open(j, '{');
	put_server(j, l);
	json_key(j, "users");
	json_open(j, '[');
	json_open(j, '{');
	json_put_str(j, "id", l->credential);
	if (is_vless)
		json_put_str(j, "encryption", encryption.len ? encryption : STR("none"));
	else
		json_put_str(j, "security", security.len ? security : STR("auto"));
	if (is_vless)
		put_param(j, l, "flow", "flow");
	json_close(j, '}');
	json_close(j, ']');
	json_close(j, '}');
	json_close(j, ']');
}

static void put_servers(struct json_out *j, struct arena *a, const struct link_parts *l)
{
	struct str password = l->credential;

	if (l->server_key.len)
		password = str_of(arena_printf(a, "%.*s:%.*s", STR_ARG(l->server_key), STR_ARG(l->credential)));
	json_key(j, "servers");
	json_open(j, '[');
	json_open(j, '{');
	put_server(j, l);
	json_put_str(j, "password", password);
	if (l->method.len)
		json_put_str(j, "method", l->method);
	json_close(j, '}');
	json_close(j, ']');
}

/* VMess says true, the others 1. */
static bool is_insecure(const struct link_parts *l)
{
	struct str value = link_param(l, "allowInsecure");

	return str_is(value, "1") || str_is(value, "true") || str_is(link_param(l, "insecure"), "1");
}

static void put_tls(struct json_out *j, const struct link_parts *l)
{
	json_key(j, "tlsSettings");
	json_open(j, '{');
	put_param(j, l, "serverName", "sni");
	put_param(j, l, "fingerprint", "fp");
	put_list(j, l, "alpn", "alpn");
	put_param(j, l, "pinnedPeerCertSha256", "pcs");
	put_param(j, l, "verifyPeerCertByName", "vcn");
	if (is_insecure(l))
		json_put_bool(j, "allowInsecure", true);
	json_close(j, '}');
}

static void put_reality(struct json_out *j, const struct link_parts *l)
{
	json_key(j, "realitySettings");
	json_open(j, '{');
	put_param(j, l, "serverName", "sni");
	put_param(j, l, "fingerprint", "fp");
	put_param(j, l, "publicKey", "pbk");
	put_param(j, l, "shortId", "sid");
	put_param(j, l, "spiderX", "spx");
	put_param(j, l, "mldsa65Verify", "pqv");
	json_close(j, '}');
}

static void put_path_host(struct json_out *j, const struct link_parts *l)
{
	struct str host = link_param(l, "host");

	put_param(j, l, "path", "path");
	if (!host.len)
		return;
	json_put_str(j, "host", host);
	json_key(j, "headers"); /* V2Ray's place for it */
	json_open(j, '{');
	json_put_str(j, "Host", host);
	json_close(j, '}');
}

static void put_plain_path_host(struct json_out *j, const struct link_parts *l)
{
	put_param(j, l, "path", "path");
	put_param(j, l, "host", "host");
	put_param(j, l, "mode", "mode");
}

static void put_grpc(struct json_out *j, const struct link_parts *l)
{
	put_param(j, l, "serviceName", strcmp(l->protocol, "vmess") ? "serviceName" : "path");
	put_param(j, l, "authority", "authority");
	json_put_bool(j, "multiMode", str_is(link_param(l, "mode"), "multi") || str_is(link_param(l, "type"), "multi"));
}

/* A plain connection, or one that looks like HTTP. */
static void put_tcp(struct json_out *j, const struct link_parts *l)
{
	const char *kind = strcmp(l->protocol, "vmess") ? "headerType" : "type";

	if (!str_is(link_param(l, kind), "http"))
		return;
	json_key(j, "header");
	json_open(j, '{');
	json_put_cstr(j, "type", "http");
	json_key(j, "request");
	json_open(j, '{');
	put_list(j, l, "path", "path");
	json_key(j, "headers");
	json_open(j, '{');
	put_list(j, l, "Host", "host");
	json_close(j, '}');
	json_close(j, '}');
	json_close(j, '}');
}

static const struct transport {
	const char *name, *network, *settings;
	void (*put)(struct json_out *j, const struct link_parts *l);
} transports[] = {
	{ "tcp",         "tcp",         "tcpSettings",         put_tcp             },
	{ "raw",         "tcp",         "tcpSettings",         put_tcp             },
	{ "ws",          "ws",          "wsSettings",          put_path_host       },
	{ "httpupgrade", "httpupgrade", "httpupgradeSettings", put_plain_path_host },
	{ "xhttp",       "xhttp",       "xhttpSettings",       put_plain_path_host },
	{ "grpc",        "grpc",        "grpcSettings",        put_grpc            },
};

static const struct transport *transport_of(const struct link_parts *l)
{
	struct str name = link_param(l, strcmp(l->protocol, "vmess") ? "type" : "net");

	for (size_t i = 0; i < countof(transports); i++)
		if (str_is(name, transports[i].name))
			return &transports[i];
	return name.len ? NULL : &transports[0];
}

static void put_stream(struct json_out *j, const struct link_parts *l, const struct transport *t)
{
	struct str security = link_param(l, strcmp(l->protocol, "vmess") ? "security" : "tls");

	json_key(j, "streamSettings");
	json_open(j, '{');
	json_put_cstr(j, "network", t->network);
	json_key(j, t->settings);
	json_open(j, '{');
	t->put(j, l);
	json_close(j, '}');
	json_put_str(j, "security", security.len ? security : STR("none"));
	if (str_is(security, "tls"))
		put_tls(j, l);
	if (str_is(security, "reality"))
		put_reality(j, l);
	json_close(j, '}');
}

static void put_outbound(struct json_out *j, struct arena *a, const struct link_parts *l, const struct transport *t)
{
	bool has_users = !strcmp(l->protocol, "vless") || !strcmp(l->protocol, "vmess");

	json_open(j, '{');
	json_put_cstr(j, "protocol", l->protocol);
	json_key(j, "settings");
	json_open(j, '{');
	if (has_users)
		put_vnext(j, l);
	else
		put_servers(j, a, l);
	json_close(j, '}');
	put_stream(j, l, t);
	json_close(j, '}');
}

static bool is_spoken(const char *protocol)
{
	static const char *const spoken[] = { "vless", "vmess", "trojan", "shadowsocks" };

	for (size_t i = 0; i < countof(spoken); i++)
		if (!strcmp(protocol, spoken[i]))
			return true;
	return false;
}

enum err proxy_config(struct buf *to, struct str link, int port)
{
	struct arena a = { 0 };
	struct link_parts *l = arena_new(&a, struct link_parts);
	const struct transport *t;
	struct json_out j;
	enum err e = link_read(l, &a, link);

	t = e ? NULL : transport_of(l);
	if (!e && (!t || !is_spoken(l->protocol)))
		e = E_VERSION;
	if (!e) {
		json_out_init(&j, to);
		json_open(&j, '{');
		json_key(&j, "log");
		json_add_raw(&j, STR("{\"loglevel\":\"none\"}"));
		json_key(&j, "inbounds");
		json_add_raw(&j, str_of(arena_printf(&a, "[{\"listen\":\"127.0.0.1\",\"port\":%d,\"protocol\":\"socks\",\"settings\":{\"udp\":false}}]", port)));
		json_key(&j, "outbounds");
		json_open(&j, '[');
		put_outbound(&j, &a, l, t);
		json_close(&j, ']');
		json_close(&j, '}');
	}
	arena_release(&a);
	return e;
}

/* --- the child --- */

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int proxy_free_port(void)
{
	struct sockaddr_in at = loopback(0);
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = 0;

	if (fd < 0)
		return 0;
	if (!bind(fd, (struct sockaddr *)&at, sizeof at) && !getsockname(fd, (struct sockaddr *)&at, &size))
		port = ntohs(at.sin_port);
	close(fd);
	return port;
}

static bool answers(int port)
{
	struct sockaddr_in at = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof at);

	if (fd >= 0)
		close(fd);
	return yes;
}

extern char **environ;

/* The program reads its configuration from standard input; what it says goes nowhere. -1: it cannot be started. */
static pid_t start(const char *program, struct str config)
{
	bool is_xray = str_has(str_of(strrchr(program, '/') ? strrchr(program, '/') : program), "xray");
	const char *const xray[] = { program, "run", "-c", "stdin:", NULL }, *const v2ray[] = { program, "-config", "stdin:", NULL };
	posix_spawn_file_actions_t files;
	int pipe_fds[2];
	pid_t pid = -1;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -1;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, pipe_fds[0], 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, program, &files, NULL, (char *const *)(is_xray ? xray : v2ray), environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&files);
	close(pipe_fds[0]);
	/* a pipe takes 64 KiB at once, as much as a configuration may have */
	if (pid > 0 && write(pipe_fds[1], config.at, config.len) != (ssize_t)config.len) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(pipe_fds[1]);
	return pid;
}

static bool wait_until_ready(pid_t pid, int port)
{
	int64_t until_us = clock_mono_us() + START_MS * 1000;

	while (!answers(port)) {
		if (clock_mono_us() > until_us || waitpid(pid, NULL, WNOHANG) == pid)
			return false;
		poll(NULL, 0, 20);
	}
	return true;
}

static enum err fetch(int64_t *bytes, int port, const char *url)
{
	struct http_client *http = http_client_new(NULL); /* a new one: no connection of an earlier fetch may live on */
	struct http_done done = { 0 };
	char proxy[64];
	enum err e;

	snprintf(proxy, sizeof proxy, "socks5h://127.0.0.1:%d", port);
	http_client_start(http, &(struct http_request){ .method = HTTP_GET, .url = url, .proxy = proxy, .timeout_ms = FETCH_MS }, HTTP_LANE_NORMAL, NULL);
	while (!http_client_next(http, &done))
		http_client_poll(http, NULL, 0, 1000);
	e = done.response->failure == HTTP_FAIL_NONE && done.response->status == 200 ? OK : E_IO;
	*bytes = (int64_t)done.response->body.len;
	http_done_release(http, &done);
	http_client_free(http);
	return e;
}

enum err proxy_start(pid_t *pid, const char *program, struct str config, int port)
{
	*pid = start(program, config);
	if (*pid < 0)
		return E_REFUSED;
	if (wait_until_ready(*pid, port))
		return OK;
	proxy_stop(*pid);
	return E_REFUSED;
}

void proxy_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

enum err proxy_fetch(int64_t *bytes, const char *program, struct str link, const char *url)
{
	int port = proxy_free_port();
	struct buf config;
	enum err e;
	pid_t pid;

	buf_init(&config, PROXY_CONFIG_BYTES_MAX);
	e = proxy_config(&config, link, port);
	if (!e)
		e = proxy_start(&pid, program, buf_str(&config), port);
	buf_release(&config);
	if (e)
		return e;
	e = fetch(bytes, port, url);
	proxy_stop(pid);
	return e;
}
