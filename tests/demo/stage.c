#include "tests/demo/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"

#define BOT_STOP_MS 5000
#define LOG_TAIL_BYTES 4096
#define ENVIRONMENT_MAX 16

/* --- waiting --- */

/* Called by the server's thread after every answer. */
static void on_answer(void *ctx, enum serve_moment moment, const struct sim_request *request, const struct sim_response *response)
{
	const struct stage *s = ctx;

	(void)request;
	(void)response;
	if (moment == SERVE_AFTER)
		eventfd_write(s->changed_fd, 1);
}

enum stage_event stage_wait(struct stage *s, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = s->signal_fd, .events = POLLIN }, { .fd = s->bot_fd, .events = POLLIN }, { .fd = s->changed_fd, .events = POLLIN } };
	eventfd_t seen;

	poll(fds, countof(fds), timeout_ms);
	if (fds[0].revents)
		return STAGE_STOP;
	if (fds[1].revents)
		return STAGE_BOT_GONE;
	if (!fds[2].revents)
		return STAGE_QUIET;
	eventfd_read(s->changed_fd, &seen);
	return STAGE_CHANGED;
}

void stage_lock(struct stage *s)
{
	serve_lock(s->serve);
}

void stage_unlock(struct stage *s)
{
	serve_unlock(s->serve);
}

void stage_touched(struct stage *s)
{
	serve_changed(s->serve);
}

/* --- the simulators --- */

int stage_add(struct stage *s, sim_handler *handler, void *model)
{
	return serve_add(s->serve, handler, model, 0, false);
}

static int add_watched(struct stage *s, sim_handler *handler, void *model, int listener)
{
	int socket = serve_add(s->serve, handler, model, listener, false);

	serve_kill_hook(s->serve, socket, on_answer, s);
	return socket;
}

/* VLESS with Reality, what sellers use; keys are of nobody. */
static bool make_inbound(struct stage_panel *p, struct buf *why)
{
	static const char settings[] = "{\"clients\":[],\"decryption\":\"none\",\"fallbacks\":[]}";
	static const char stream[] = "{\"network\":\"tcp\",\"security\":\"reality\",\"tcpSettings\":{\"acceptProxyProtocol\":false,\"header\":{\"type\":\"none\"}},"
		"\"realitySettings\":{\"show\":false,\"xver\":0,\"target\":\"example.com:443\",\"serverNames\":[\"example.com\"],"
		"\"privateKey\":\"eHnjbNFbHCuZBLoFYJvNwzSz6ZK0tzwy1wh9LF2R31Y\",\"shortIds\":[\"a1b2\"],"
		"\"settings\":{\"publicKey\":\"Gyjk4ZLeD2tSMBmaDP2iZRpZDE70gelMgVV2aD4Sv2E\",\"fingerprint\":\"chrome\",\"serverName\":\"\",\"spiderX\":\"/\"}}}";
	struct sim_response answer = { 0 };
	struct arena arena = { 0 };
	struct json_out j;
	struct buf body;
	bool fine;

	buf_init(&body, 8192);
	json_out_init(&j, &body);
	json_open(&j, '{');
	json_put_bool(&j, "enable", true);
	json_put_cstr(&j, "remark", p->cast->place);
	json_put_cstr(&j, "listen", "");
	json_put_i64(&j, "port", p->cast->port);
	json_put_cstr(&j, "protocol", "vless");
	json_put_i64(&j, "expiryTime", 0);
	json_put_cstr(&j, "settings", settings);
	json_put_cstr(&j, "streamSettings", stream);
	json_put_cstr(&j, "sniffing", "{\"enabled\":false,\"destOverride\":[\"http\",\"tls\"]}");
	json_close(&j, '}');
	panel_sim_operator(p->sim, HTTP_POST, "panel/api/inbounds/add", buf_str(&body), &answer, &arena);
	fine = answer.status == 200 && str_has(answer.body, "\"success\":true");
	if (!fine)
		buf_printf(why, "panel %s refuses an inbound: %.*s\n", p->cast->version, STR_ARG(answer.body));
	buf_release(&body);
	arena_release(&arena);
	return fine;
}

void stage_panel_set(struct stage_panel *p, bool down, int64_t delay_ms)
{
	const struct panel_rule slow = { .fault = PANEL_NETWORK, .trouble.delay_ms = delay_ms };

	panel_sim_clear_rules(p->sim);
	if (delay_ms)
		panel_sim_add_rule(p->sim, &slow);
	panel_sim_set_down(p->sim, down);
	p->down = down;
	p->delay_ms = delay_ms;
}

static bool open_panel(struct stage *s, size_t i, struct buf *why)
{
	struct stage_panel *p = &s->panels[i];
	const struct cast_panel *c = &s->cast->panels[i];
	const struct panel_config config = { .base_path = c->base_path, .user = c->user, .password = c->password };

	*p = (struct stage_panel){ .cast = c, .sim = panel_sim_new(c->version, &config) };
	p->dialect = c->version[0] == '2' ? 'A' : strncmp(c->version, "3.0.", 4) == 0 ? 'B' : 'C';
	p->socket = add_watched(s, panel_sim_handle, p->sim, 0);
	snprintf(p->url, sizeof p->url, "%s%s", serve_url(s->serve, p->socket), c->base_path);
	panel_sim_advance(p->sim, clock_now_ms());
	stage_panel_set(p, false, c->delay_ms);
	return make_inbound(p, why);
}

/* Blocked in every thread, so that only stage_wait hears them. */
static int take_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < countof(ends); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

bool stage_open(struct stage *s, const struct cast *cast, struct buf *why)
{
	const char *tmp = getenv("TMPDIR");

	*s = (struct stage){ .cast = cast, .bot_fd = -1, .began_us = clock_mono_us() };
	s->signal_fd = take_signals();
	s->changed_fd = eventfd(0, EFD_CLOEXEC);
	s->serve = serve_new();
	snprintf(s->dir, sizeof s->dir, "%s/obol-demo-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(s->dir)) {
		buf_printf(why, "no directory %s: %s\n", s->dir, strerror(errno));
		s->dir[0] = '\0';
		return false;
	}
	s->telegram = botapi_new(cast->shop_token);
	botapi_set_now(s->telegram, clock_now_ms());
	botapi_user_add(s->telegram, cast->admin.id, cast->admin.name, cast->admin.username, "en");
	botapi_user_add(s->telegram, cast->customer.id, cast->customer.name, cast->customer.username, "en");
	s->telegram_socket = add_watched(s, botapi_handle, s->telegram, 0);
	s->pay = cryptopay_sim_new(cast->pay_token);
	s->pay_socket = add_watched(s, cryptopay_sim_handle, s->pay, 0);
	for (size_t i = 0; i < CAST_PANELS; i++)
		if (!open_panel(s, i, why))
			return false;
	return true;
}

/* --- the bot --- */

struct environment {
	struct arena arena;
	char *lines[ENVIRONMENT_MAX];
	size_t count;
};

static void set(struct environment *e, const char *name, const char *value)
{
	e->lines[e->count++] = arena_printf(&e->arena, "%s=%s", name, value);
}

static void describe(struct environment *e, struct stage *s)
{
	set(e, "BOT_TOKEN", s->cast->shop_token);
	set(e, "BOT_ADMINS", arena_printf(&e->arena, "%" PRId64, s->cast->admin.id));
	set(e, "BOT_API_URL", serve_url(s->serve, s->telegram_socket));
	set(e, "DATABASE_URL", arena_printf(&e->arena, "sqlite:%s/obol.db", s->dir));
	set(e, "CRYPTO_PAY_TOKEN", s->cast->pay_token);
	set(e, "CRYPTO_PAY_URL", serve_url(s->serve, s->pay_socket));
	set(e, "HTTP_LISTEN", "off");
	set(e, "ADMIN_LISTEN", "off");
	set(e, "TZ_SHOP", "UTC");
	set(e, "PANEL_SOURCE", "127.0.0.1"); /* what tests the customers' address stays on this machine: nobody is found there */
}

/* In the child, between fork and exec: only what is allowed there. */
static void become(const char *program, const char *dir, int log_fd, char **environment)
{
	char name[] = "obol", command[] = "run";
	char *const argv[] = { name, command, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);              /* Ctrl-C is for us; the bot gets a SIGTERM */
	prctl(PR_SET_PDEATHSIG, SIGKILL);     /* whatever becomes of us */
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	if (chdir(dir) == 0)                  /* no .env of somebody's real shop */
		execve(program, argv, environment);
	_exit(127);
}

bool stage_start_bot(struct stage *s, const char *program, struct buf *why)
{
	struct environment e = { .count = 0 };
	char *path = realpath(program, NULL), log_path[96];
	int log_fd;

	snprintf(log_path, sizeof log_path, "%s/obol.log", s->dir);
	log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (!path || log_fd < 0) {
		buf_printf(why, "%s: %s\n", path ? log_path : program, strerror(errno));
		free(path);
		return false;
	}
	describe(&e, s);
	s->bot = fork();
	if (s->bot == 0)
		become(path, s->dir, log_fd, e.lines);
	close(log_fd);
	free(path);
	arena_release(&e.arena);
	s->bot_fd = s->bot > 0 ? pidfd_open(s->bot, 0) : -1;
	if (s->bot_fd < 0) {
		buf_printf(why, "the bot cannot be started: %s\n", strerror(errno));
		return false;
	}
	serve_thread_start(s->serve); /* its first requests waited in the sockets' queues */
	return true;
}

static void stop_bot(struct stage *s)
{
	struct pollfd gone = { .fd = s->bot_fd, .events = POLLIN };

	if (s->bot <= 0)
		return;
	kill(s->bot, SIGTERM);
	if (poll(&gone, 1, BOT_STOP_MS) < 1)
		kill(s->bot, SIGKILL);
	waitpid(s->bot, NULL, 0);
	s->bot = 0;
}

void stage_log_tail(struct buf *out, const struct stage *s)
{
	char path[96], text[LOG_TAIL_BYTES + 1];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/obol.log", s->dir);
	f = fopen(path, "rb");
	if (!f)
		return;
	if (fseek(f, -LOG_TAIL_BYTES, SEEK_END))
		rewind(f);
	n = fread(text, 1, LOG_TAIL_BYTES, f);
	fclose(f);
	buf_add(out, str_n(text, n));
}

/* --- the end --- */

/* One flat directory: the bot makes no others in it. */
static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void stage_close(struct stage *s)
{
	stop_bot(s);
	if (s->serve)
		serve_free(s->serve);
	for (size_t i = 0; i < CAST_PANELS; i++)
		if (s->panels[i].sim)
			panel_sim_free(s->panels[i].sim);
	if (s->telegram)
		botapi_free(s->telegram);
	if (s->pay)
		cryptopay_sim_free(s->pay);
	close_fd(s->bot_fd);
	close_fd(s->changed_fd);
	close_fd(s->signal_fd);
	if (s->dir[0])
		remove_dir(s->dir);
}
